package funcs

import (
	"context"
	"strings"
	"time"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// ServerVersion is what version() says; clients look for the word PostgreSQL and the number after it.
const ServerVersion = "PostgreSQL 15.0 (AllSource)"

// systemFuncs are the session and catalog information functions (PostgreSQL documentation, section 9.26).
func systemFuncs() []Func {
	out := append([]Func(nil), sessionFuncs...)
	for oid, name := range visibleFuncs {
		out = append(out, Func{OID: oid, Name: name, Args: []datum.OID{datum.Oid}, Ret: datum.Bool, Strict: true, Volatile: Stable, Doc: "whether the object is found without its schema", Body: always(true)})
	}
	for _, p := range privilegeFuncs {
		for k, sig := range p.args {
			out = append(out, Func{OID: p.oids[k], Name: p.name, Args: sig, Ret: datum.Bool, Strict: true, Volatile: Stable, Doc: "whether the privilege is there", Body: always(true)})
		}
	}
	for oid, f := range catalogTexts {
		out = append(out, Func{OID: oid, Name: f.name, Args: f.args, Ret: datum.Text, Strict: true, Volatile: Stable, Doc: f.doc, Body: catalogText(f.what)})
	}
	return out
}

func textOf(get func(c *Ctx) string) Body {
	return func(c *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Bytes, 1)
		b.AppendString(get(c))
		return vec.Repeat(b.Finish(), 0, n), nil
	}
}

func intOf(get func(c *Ctx) int64) Body {
	return func(c *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
		return vec.Repeat(&vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{get(c)}}, 0, n), nil
	}
}

func always(v bool) Body {
	return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, _ []*vec.Column, _ int) error {
		b.AppendBool(v)
		return nil
	})
}

// nothing answers with null whatever it is asked.
func nothing(kind vec.Kind) Body {
	return func(_ *Ctx, _ []*vec.Column, n int) (*vec.Column, error) { return vec.NullColumn(kind, n), nil }
}

func stable(oid datum.OID, name string, ret datum.OID, doc string, body Body) Func {
	return Func{OID: oid, Name: name, Ret: ret, Volatile: Stable, Doc: doc, Body: body}
}

var sessionFuncs = []Func{
	stable(89, "version", datum.Text, "the server's version", textOf(func(*Ctx) string { return ServerVersion })),
	stable(861, "current_database", datum.Name, "the database", textOf(func(c *Ctx) string { return c.Session.Database() })),
	stable(745, "current_user", datum.Name, "the user", textOf(func(c *Ctx) string { return c.Session.User() })),
	stable(746, "session_user", datum.Name, "the user who connected", textOf(func(c *Ctx) string { return c.Session.User() })),
	stable(1402, "current_schema", datum.Name, "the first schema of the search path", currentSchema),
	{OID: 1403, Name: "current_schemas", Args: []datum.OID{datum.Bool}, Ret: 1003, Strict: true, Volatile: Stable, Doc: "the schemas of the search path; with true those too that are searched without being named", Body: currentSchemas},
	stable(2026, "pg_backend_pid", datum.Int4, "number of the session", intOf(func(c *Ctx) int64 { return int64(c.Session.BackendPID()) })),
	stable(2560, "pg_postmaster_start_time", datum.TimestampTZ, "when the server started", intOf(func(c *Ctx) int64 { return c.Now })),
	stable(2034, "pg_conf_load_time", datum.TimestampTZ, "when the configuration was read", intOf(func(c *Ctx) int64 { return c.Now })),
	stable(2943, "txid_current", datum.Int8, "number of the transaction", intOf(transactionNumber)),
	stable(3810, "pg_is_in_recovery", datum.Bool, "whether the server is a standby", func(_ *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
		return &vec.Column{Kind: vec.Bool, Len: n, Bits: vec.NewBitmap(n)}, nil
	}),
	stable(810, "pg_client_encoding", datum.Name, "the client's encoding", textOf(func(c *Ctx) string {
		name, _ := c.Session.Setting("client_encoding")
		return name
	})),
	stable(1039, "getdatabaseencoding", datum.Name, "the database's encoding", textOf(func(*Ctx) string { return "UTF8" })),
	stable(2196, "inet_client_addr", datum.Inet, "the client's address", nothing(vec.Bytes)), stable(2197, "inet_client_port", datum.Int4, "the client's port", nothing(vec.Int64)),
	stable(2198, "inet_server_addr", datum.Inet, "the server's address", nothing(vec.Bytes)), stable(2199, "inet_server_port", datum.Int4, "the server's port", nothing(vec.Int64)),
	stable(2854, "pg_my_temp_schema", datum.Oid, "the session's schema for temporary tables, 0 for none", intOf(func(*Ctx) int64 { return 0 })),
	{OID: 2855, Name: "pg_is_other_temp_schema", Args: []datum.OID{datum.Oid}, Ret: datum.Bool, Strict: true, Volatile: Stable, Doc: "whether another session's temporary schema", Body: always(false)},
	{OID: 6121, Name: "pg_relation_is_publishable", Args: []datum.OID{datum.Regclass}, Ret: datum.Bool, Strict: true, Volatile: Stable, Doc: "whether the relation can be published", Body: always(false)},
	{OID: 1597, Name: "pg_encoding_to_char", Args: []datum.OID{datum.Int4}, Ret: datum.Name, Strict: true, Volatile: Stable, Doc: "name of an encoding", Body: rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, _ []*vec.Column, _ int) error {
		b.AppendString("UTF8")
		return nil
	})},
	{OID: 1642, Name: "pg_get_userbyid", Args: []datum.OID{datum.Oid}, Ret: datum.Name, Strict: true, Volatile: Stable, Doc: "name of a role", Body: rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		if _, name, ok := c.Session.CatalogName("pg_authid", datum.OID(a[0].Int(i))); ok {
			b.AppendString(name)
		} else {
			b.AppendString("unknown (OID=" + string(datum.AppendText(nil, datum.T(datum.Oid), a[0], i, c.Env)) + ")")
		}
		return nil
	})},
	{OID: 1081, Name: "format_type", Args: []datum.OID{datum.Oid, datum.Int4}, Ret: datum.Text, Volatile: Stable, Doc: "name of a type with its modifier", Body: formatTypeBody},
	{OID: 1619, Name: "pg_typeof", Args: []datum.OID{datum.Any}, Ret: datum.Regtype, Volatile: Stable, Doc: "type of the argument", BodyTyped: func(_ *Ctx, types []datum.Type, _ []*vec.Column, n int) (*vec.Column, error) {
		return vec.Repeat(&vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{int64(datum.Public(datum.Named(types[0]).OID))}}, 0, n), nil
	}},
	{OID: 2077, Name: "current_setting", Args: []datum.OID{datum.Text}, Ret: datum.Text, Strict: true, Volatile: Stable, Doc: "value of a parameter", Body: currentSetting},
	{OID: 3294, Name: "current_setting", Args: []datum.OID{datum.Text, datum.Bool}, Ret: datum.Text, Strict: true, Volatile: Stable, Doc: "value of a parameter, null if there is none and the second is true", Body: currentSetting},
	{OID: 2078, Name: "set_config", Args: []datum.OID{datum.Text, datum.Text, datum.Bool}, Ret: datum.Text, Strict: true, Volatile: Volatile, Doc: "sets a parameter", Body: eachRow(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		name := string(a[0].Bytes(i))
		if err := c.Session.SetSetting(name, string(a[1].Bytes(i)), a[2].Bool(i)); err != nil {
			return err
		}
		v, _ := c.Session.Setting(name)
		b.AppendString(v)
		return nil
	})},
	regLookup(3495, "to_regclass", datum.Regclass), regLookup(3493, "to_regtype", datum.Regtype), regLookup(4086, "to_regnamespace", datum.Regnsp),
	{OID: 2288, Name: "pg_size_pretty", Args: []datum.OID{datum.Int8}, Ret: datum.Text, Strict: true, Volatile: Immutable, Doc: "a size in bytes, readable", Example: "pg_size_pretty(10240::bigint)", Result: "10 kB", Body: rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		b.AppendString(sizePretty(a[0].Int(i)))
		return nil
	})},
	{OID: 2626, Name: "pg_sleep", Args: []datum.OID{datum.Float8}, Ret: datum.Void, Strict: true, Volatile: Volatile, Doc: "waits so many seconds", Body: eachRow(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		b.AppendString("")
		return sleep(c.Context, a[0].Float(i))
	})},
	{OID: 3036, Name: "pg_notify", Args: []datum.OID{datum.Text, datum.Text}, Ret: datum.Void, Volatile: Volatile, Doc: "sends a message to the sessions that listen on the channel", Body: notifyBody},
	{OID: 3035, Name: "pg_listening_channels", Ret: datum.Text, RetSet: true, Strict: true, Volatile: Stable, Doc: "the channels that this session listens on", SetBody: listeningChannels},
	{OID: 3296, Name: "pg_notification_queue_usage", Ret: datum.Float8, Strict: true, Volatile: Volatile, Doc: "which part of the room for messages that wait is taken", Body: rowwise(vec.Float64, func(c *Ctx, b *vec.Builder, _ []*vec.Column, _ int) error {
		b.AppendFloat(c.Session.NotifyUsage())
		return nil
	})},
	{OID: 2079, Name: "pg_table_is_visible", Args: []datum.OID{datum.Oid}, Ret: datum.Bool, Strict: true, Volatile: Stable, Doc: "whether the relation is found without its schema", Body: rowwise(vec.Bool, tableVisible)},
	{OID: 2080, Name: "pg_type_is_visible", Args: []datum.OID{datum.Oid}, Ret: datum.Bool, Strict: true, Volatile: Stable, Doc: "whether the type is found without its schema", Body: visible("type")},
	{OID: 2081, Name: "pg_function_is_visible", Args: []datum.OID{datum.Oid}, Ret: datum.Bool, Strict: true, Volatile: Stable, Doc: "whether the function is found without its schema", Body: visible("function")},
	{OID: 1665, Name: "pg_get_serial_sequence", Args: []datum.OID{datum.Text, datum.Text}, Ret: datum.Text, Strict: true, Volatile: Stable, Doc: "the sequence that a column takes its numbers from", Body: rowwise(vec.Bytes, serialSequence)},
	{OID: 1716, Name: "pg_get_expr", Args: []datum.OID{datum.PgNodeTree, datum.Oid}, Ret: datum.Text, Strict: true, Volatile: Stable, Doc: "an expression as SQL", Body: firstArg},
	{OID: 2509, Name: "pg_get_expr", Args: []datum.OID{datum.PgNodeTree, datum.Oid, datum.Bool}, Ret: datum.Text, Strict: true, Volatile: Stable, Doc: "an expression as SQL, without spare parentheses if that is asked for", Body: rowwise(vec.Bytes, prettyExpr)},
}

// serialSequence asks for the sequence of a column; the name of the table is read as SQL has names, that of the column is as it is.
func serialSequence(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	rel := vec.NewBuilder(vec.Int64, 1)
	if err := datum.ParseText(datum.T(datum.Regclass), a[0].Bytes(i), rel, c.Env); err != nil {
		return err
	}
	table, column := datum.OID(rel.Finish().Int(0)), string(a[1].Bytes(i))
	name, ok := c.Session.CatalogText("serial "+column, table, 0)
	switch {
	case !ok:
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", column, a[0].Bytes(i))
	case name == "":
		b.AppendNull()
	default:
		b.AppendString(name)
	}
	return nil
}

// prettyExpr is an expression of a relation as it is stored in the catalog, or written anew with as few parentheses as can be.
func prettyExpr(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	text := string(a[0].Bytes(i))
	if a[2].Bool(i) {
		if pretty, ok := c.Session.CatalogText("pretty "+text, datum.OID(a[1].Int(i)), 0); ok {
			text = pretty
		}
	}
	b.AppendString(text)
	return nil
}

func firstArg(_ *Ctx, a []*vec.Column, _ int) (*vec.Column, error) { return a[0], nil }

func currentSchema(c *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, 1)
	if path := c.Session.SearchPath(false); len(path) > 0 {
		b.AppendString(path[0])
	} else {
		b.AppendNull()
	}
	return vec.Repeat(b.Finish(), 0, n), nil
}

func currentSchemas(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewListBuilder(vec.Bytes, n)
	for i := range n {
		for _, s := range c.Session.SearchPath(a[0].Bool(i)) {
			b.Elem().AppendString(s)
		}
		b.AppendList()
	}
	return b.Finish(), nil
}

func formatTypeBody(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		if a[0].Null(i) {
			b.AppendNull()
			continue
		}
		t := datum.Type{OID: datum.OID(a[0].Int(i)), Mod: -1}
		if !a[1].Null(i) {
			t.Mod = int32(a[1].Int(i))
		}
		switch {
		case t.OID == 0:
			b.AppendString("-")
		case datum.Lookup(t.OID) == nil:
			name, ok := c.Session.CatalogText("type", t.OID, 0)
			if !ok {
				name = "???"
			}
			b.AppendString(name)
		case !a[1].Null(i):
			b.AppendString(datum.FormatBare(t))
		default:
			b.AppendString(datum.FormatType(t))
		}
	}
	return b.Finish(), nil
}

var currentSetting = rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	name := string(a[0].Bytes(i))
	switch v, ok := c.Session.Setting(name); {
	case ok:
		b.AppendString(v)
	case len(a) > 1 && a[1].Bool(i):
		b.AppendNull()
	default:
		return pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter %q", name)
	}
	return nil
})

func regLookup(oid datum.OID, name string, t datum.OID) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.Text}, Ret: t, Strict: true, Volatile: Stable, Doc: "the object of that name, null if there is none",
		Body: rowwise(vec.Int64, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			if err := datum.ParseText(datum.T(t), a[0].Bytes(i), b, c.Env); err != nil {
				b.AppendNull()
			}
			return nil
		})}
}

// sizePretty divides until fewer than 10,240 units are left, rounding half away from zero at each step as PostgreSQL does.
func sizePretty(v int64) string {
	units := []string{" bytes", " kB", " MB", " GB", " TB", " PB"}
	neg := v < 0
	u := uint64(v)
	if neg {
		u = -u
	}
	k := 0
	for ; k < len(units)-1 && u >= 10240; k++ {
		if k == 0 {
			u = u >> 9
		} else {
			u = u >> 10
		}
		if u < 20480 || k == len(units)-2 {
			k++
			u = (u + 1) / 2
			break
		}
	}
	s := string(datum.AppendText(nil, datum.T(datum.Int8), &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{int64(u)}}, 0, nil))
	if neg {
		s = "-" + s
	}
	return s + units[k]
}

func sleep(ctx context.Context, seconds float64) error {
	t := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tableVisible looks a relation up by its name alone; one that is not there is null.
func tableVisible(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	oid := datum.OID(a[0].Int(i))
	_, name, ok := c.Session.CatalogName("pg_class", oid)
	if !ok {
		b.AppendNull()
		return nil
	}
	found, ok := c.Session.CatalogOID("pg_class", "", name)
	b.AppendBool(ok && found == oid)
	return nil
}

// visibleFuncs answer true: such objects are in pg_catalog only.
var visibleFuncs = map[datum.OID]string{2082: "pg_operator_is_visible", 2083: "pg_opclass_is_visible", 3829: "pg_opfamily_is_visible",
	2093: "pg_conversion_is_visible", 3815: "pg_collation_is_visible", 3756: "pg_ts_parser_is_visible", 3757: "pg_ts_dict_is_visible",
	3768: "pg_ts_template_is_visible", 3758: "pg_ts_config_is_visible", 3403: "pg_statistics_obj_is_visible"}

// visible asks the session whether the search path finds an object by its name alone; one that is not there is null.
func visible(kind string) Body {
	return rowwise(vec.Bool, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		if found, ok := c.Session.CatalogText("visible "+kind, datum.OID(a[0].Int(i)), 0); ok {
			b.AppendBool(found != "")
		} else {
			b.AppendNull()
		}
		return nil
	})
}

// privilegeFuncs answer true: without authentication every user is the owner of everything.
var privilegeFuncs = []struct {
	name string
	oids []datum.OID
	args [][]datum.OID
}{
	{"has_table_privilege", []datum.OID{1922, 1926, 1927, 1923}, [][]datum.OID{{datum.Name, datum.Text, datum.Text}, {datum.Text, datum.Text}, {datum.Oid, datum.Text}, {datum.Name, datum.Oid, datum.Text}}},
	{"has_schema_privilege", []datum.OID{2268, 2272, 2273, 2269}, [][]datum.OID{{datum.Name, datum.Text, datum.Text}, {datum.Text, datum.Text}, {datum.Oid, datum.Text}, {datum.Name, datum.Oid, datum.Text}}},
	{"has_database_privilege", []datum.OID{2250, 2254, 2255, 2251}, [][]datum.OID{{datum.Name, datum.Text, datum.Text}, {datum.Text, datum.Text}, {datum.Oid, datum.Text}, {datum.Name, datum.Oid, datum.Text}}},
	{"has_function_privilege", []datum.OID{2260, 2261}, [][]datum.OID{{datum.Text, datum.Text}, {datum.Oid, datum.Text}}},
	{"has_sequence_privilege", []datum.OID{2185, 2186}, [][]datum.OID{{datum.Text, datum.Text}, {datum.Oid, datum.Text}}},
	{"has_column_privilege", []datum.OID{3020, 3022, 3023}, [][]datum.OID{{datum.Text, datum.Text, datum.Text}, {datum.Oid, datum.Text, datum.Text}, {datum.Oid, datum.Int2, datum.Text}}},
	{"has_any_column_privilege", []datum.OID{3028, 3029}, [][]datum.OID{{datum.Text, datum.Text}, {datum.Oid, datum.Text}}},
	{"pg_has_role", []datum.OID{2709, 2710, 2705, 2706}, [][]datum.OID{{datum.Name, datum.Text}, {datum.Oid, datum.Text}, {datum.Name, datum.Name, datum.Text}, {datum.Name, datum.Oid, datum.Text}}},
}

// catalogTexts are the functions that describe a catalog object by its OID; what is what SessionInfo is asked for.
var catalogTexts = map[datum.OID]struct {
	name, what, doc string
	args            []datum.OID
}{
	1643: {"pg_get_indexdef", "indexdef", "the index as SQL", []datum.OID{datum.Oid}},
	2507: {"pg_get_indexdef", "indexcolumn", "the index, or one column of it, as SQL", []datum.OID{datum.Oid, datum.Int4, datum.Bool}},
	1387: {"pg_get_constraintdef", "constraintdefspare", "the constraint as SQL", []datum.OID{datum.Oid}},
	2508: {"pg_get_constraintdef", "constraintdef", "the constraint as SQL", []datum.OID{datum.Oid, datum.Bool}},
	1641: {"pg_get_viewdef", "viewdef", "the view's query", []datum.OID{datum.Oid}},
	2506: {"pg_get_viewdef", "viewdefpretty", "the view's query", []datum.OID{datum.Oid, datum.Bool}},
	1573: {"pg_get_ruledef", "none", "the rule as SQL", []datum.OID{datum.Oid}},
	2504: {"pg_get_ruledef", "none", "the rule as SQL", []datum.OID{datum.Oid, datum.Bool}},
	1662: {"pg_get_triggerdef", "none", "the trigger as SQL", []datum.OID{datum.Oid}},
	2730: {"pg_get_triggerdef", "none", "the trigger as SQL", []datum.OID{datum.Oid, datum.Bool}},
	2098: {"pg_get_functiondef", "functiondef", "the function as SQL", []datum.OID{datum.Oid}},
	6197: {"pg_get_function_sqlbody", "functionbody", "the body of a function whose definition has it as SQL, not as a string", []datum.OID{datum.Oid}},
	2162: {"pg_get_function_arguments", "functionargs", "the function's arguments", []datum.OID{datum.Oid}},
	2232: {"pg_get_function_identity_arguments", "functionidentity", "the function's arguments", []datum.OID{datum.Oid}},
	2165: {"pg_get_function_result", "functionresult", "the function's result type", []datum.OID{datum.Oid}},
	3352: {"pg_get_partkeydef", "none", "the partition key", []datum.OID{datum.Oid}},
	6174: {"pg_get_statisticsobjdef_columns", "none", "the columns of extended statistics", []datum.OID{datum.Oid}},
	1348: {"obj_description", "comment", "the comment of an object", []datum.OID{datum.Oid}},
	1215: {"obj_description", "comment", "the comment of an object", []datum.OID{datum.Oid, datum.Name}},
	1216: {"col_description", "columncomment", "the comment of a column", []datum.OID{datum.Oid, datum.Int4}},
	1993: {"shobj_description", "none", "the comment of a shared object", []datum.OID{datum.Oid, datum.Name}},
	3778: {"pg_tablespace_location", "none", "the folder of a tablespace", []datum.OID{datum.Oid}},
}

func catalogText(what string) Body {
	return rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		sub := 0
		if len(a) > 1 && a[1].Kind == vec.Int64 {
			sub = int(a[1].Int(i))
		}
		what := what
		if last := a[len(a)-1]; last.Kind == vec.Bool && !last.Bool(i) && (what == "constraintdef" || what == "indexcolumn") {
			what += "spare"
		}
		if last := a[len(a)-1]; last.Kind == vec.Bool && !last.Bool(i) {
			what = strings.TrimSuffix(what, "pretty")
		}
		if text, ok := c.Session.CatalogText(what, datum.OID(a[0].Int(i)), sub); ok {
			b.AppendString(text)
		} else {
			b.AppendNull()
		}
		return nil
	})
}

// notifyBody takes a null as an empty text. It goes row by row: an entry of a dictionary that no row has is not said.
func notifyBody(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	for i := range n {
		var text [2]string
		for k := range text {
			if !a[k].Null(i) {
				text[k] = string(a[k].Bytes(i))
			}
		}
		if err := c.Session.Notify(text[0], text[1]); err != nil {
			return nil, err
		}
	}
	return vec.Repeat(&vec.Column{Kind: vec.Bytes, Len: 1, Offsets: []int32{0, 0}}, 0, n), nil
}

func listeningChannels(c *Ctx, _ []*vec.Column, _ int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, 1)
	for _, name := range c.Session.Listening() {
		b.AppendString(name)
	}
	return b.Finish(), nil
}
