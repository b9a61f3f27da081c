package funcs

import (
	"slices"
	"sort"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// systemMoreFuncs are the functions that clients call about sizes, locks, sequences, standby servers and the catalog and
// that have a fixed answer here, and those of information_schema.
func systemMoreFuncs() []Func {
	out := append(append(sizeFuncs(), lockFuncs()...), sequenceFuncs()...)
	out = append(out,
		row(1264, "pg_char_to_encoding", datum.Int4, "number of an encoding, -1 for none", rowwise(vec.Int64, encodingNumber), datum.Name).as(Stable),
		row(638, "pg_index_column_has_property", datum.Bool, "whether an index column has a property", rowwise(vec.Bool, indexProperty), datum.Regclass, datum.Int4, datum.Text).as(Stable),
		row(3842, "pg_relation_is_updatable", datum.Int4, "the kinds of changes that a relation takes, as a bit set", fixedInt(28), datum.Regclass, datum.Bool).as(Stable),
		row(1928, "pg_stat_get_numscans", datum.Int8, "scans counted: none are", fixedInt(0), datum.Oid).as(Stable),
		row(2878, "pg_stat_get_live_tuples", datum.Int8, "rows counted: none are", fixedInt(0), datum.Oid).as(Stable),
		row(315, "pg_jit_available", datum.Bool, "whether queries are compiled", always(false)).as(Volatile),
		row(3073, "pg_is_wal_replay_paused", datum.Bool, "whether replay is paused", always(false)).as(Volatile),
		row(3820, "pg_last_wal_receive_lsn", datum.PgLSN, "null: the server is no standby", nothing(vec.Int64)).as(Volatile),
		row(3821, "pg_last_wal_replay_lsn", datum.PgLSN, "null: the server is no standby", nothing(vec.Int64)).as(Volatile),
		row(2944, "txid_current_snapshot", datum.TxidSnapshot, "which transactions are visible", textOf(snapshot)).as(Stable),
		row(2945, "txid_snapshot_xmin", datum.Int8, "the first transaction that may be open", rowwise(vec.Int64, snapshotMin), datum.TxidSnapshot),
		row(5061, "pg_current_snapshot", datum.PgSnapshot, "which transactions are visible", textOf(snapshot)).as(Stable),
		row(5062, "pg_snapshot_xmin", datum.Xid8, "the first transaction that may be open", rowwise(vec.Int64, snapshotMin), datum.PgSnapshot),
		row(5059, "pg_current_xact_id", datum.Xid8, "number of the transaction", intOf(transactionNumber)).as(Stable),
		row(5060, "pg_current_xact_id_if_assigned", datum.Xid8, "number of the transaction, null if it has changed nothing", numberIfChanged).as(Stable),
		row(3348, "txid_current_if_assigned", datum.Int8, "number of the transaction, null if it has changed nothing", numberIfChanged).as(Stable),
		row(1640, "pg_get_viewdef", datum.Text, "the view's query", viewNamed, datum.Text).as(Stable),
		row(2505, "pg_get_viewdef", datum.Text, "the view's query", viewNamed, datum.Text, datum.Bool).as(Stable),
		row(2171, "pg_cancel_backend", datum.Bool, "cancels the statement that a session of the database runs", signals(false), datum.Int4).as(Volatile),
		row(2561, "pg_blocking_pids", datum.Int4Array, "the sessions whose locks a session waits for, or that wait before it", blockingPIDs, datum.Int4).as(Volatile),
		row(2096, "pg_terminate_backend", datum.Bool, "ends a session of the database, and with a time in milliseconds waits for it", signals(true), datum.Int4, datum.Int8).
			as(Volatile).optional(1),
		row(1268, "parse_ident", textArray, "parts of a qualified name", parseIdentBody, datum.Text, datum.Bool).optional(1),
		set(3425, "pg_partition_ancestors", datum.Regclass, "the relation: there are no partitions", "", func(_ *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
			return &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{a[0].Int(i)}}, nil
		}, datum.Regclass).as(Volatile),
		set(2289, "pg_options_to_table", datum.Record, "name and value of each option", "option_name text, option_value text", optionsToTable, textArray).as(Stable),
		set(2856, "pg_timezone_names", datum.Record, "the time zones", "name text, abbrev text, utc_offset interval, is_dst bool", zoneNames).as(Stable),
		set(1686, "pg_get_keywords", datum.Record, "the reserved words", "word text, catcode char, barelabel bool, catdesc text, baredesc text", keywords).as(Stable),
	)
	return append(append(out, vectorFuncs()...), informationSchemaFuncs()...)
}

// signals is the body of what one session does to another.
func signals(end bool) Body {
	return rowwise(vec.Bool, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		wait := int64(0)
		if len(a) > 1 {
			if wait = a[1].Int(i); wait < 0 {
				return pgerr.New(pgerr.NumericValueOutOfRange, "\"timeout\" must not be negative")
			}
		}
		b.AppendBool(c.Session.Signal(c.Context, int32(a[0].Int(i)), end, wait))
		return nil
	})
}

func blockingPIDs(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewListBuilder(vec.Int64, n)
	for i := range n {
		if a[0].Null(i) {
			b.AppendNull()
			continue
		}
		for _, pid := range c.Session.BlockedBy(int32(a[0].Int(i))) {
			b.Elem().AppendInt(int64(pid))
		}
		b.AppendList()
	}
	return b.Finish(), nil
}

func (f Func) as(v Volatility) Func { f.Volatile = v; return f }
func (f Func) optional(n int) Func  { f.Defaults = n; return f }
func fixedInt(v int64) Body {
	return rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, _ []*vec.Column, _ int) error { b.AppendInt(v); return nil })
}

// transactionNumber rises with the time at which transactions begin.
func transactionNumber(c *Ctx) int64 { return c.Now / 1000 }

func numberIfChanged(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	if !c.Session.Changed() {
		return vec.NullColumn(vec.Int64, n), nil
	}
	return intOf(transactionNumber)(c, a, n)
}

// viewNamed describes the view that a text names.
var viewNamed = rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	oid, ok := c.Env.RegLookup(datum.Regclass, string(a[0].Bytes(i)))
	if !ok {
		return pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", a[0].Bytes(i))
	}
	what := "viewdef"
	if len(a) > 1 && a[1].Bool(i) {
		what = "viewdefpretty"
	}
	if text, ok := c.Session.CatalogText(what, oid, 0); ok {
		b.AppendString(text)
	} else {
		b.AppendNull()
	}
	return nil
})

func snapshot(c *Ctx) string {
	n := string(datum.AppendText(nil, datum.T(datum.Int8), &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{c.Now / 1000}}, 0, nil))
	return n + ":" + n + ":"
}

// set makes the row of a set-returning function; columns are "name type, …" where it returns records.
func set(oid datum.OID, name string, ret datum.OID, doc, columns string, body SetBody, args ...datum.OID) Func {
	f := row(oid, name, ret, doc, nil, args...)
	f.RetSet, f.SetBody = true, body
	if columns == "" {
		return f
	}
	for _, c := range strings.Split(columns, ", ") {
		n, t, _ := strings.Cut(c, " ")
		i, _ := datum.ByCatalogName(t)
		f.Out = append(f.Out, datum.Field{Name: n, Type: datum.T(i.OID)})
	}
	return f
}

// sizeFuncs tell how much is stored.
func sizeFuncs() []Func {
	var out []Func
	for _, r := range []struct {
		oid  datum.OID
		name string
		args []datum.OID
		body Body
		doc  string
	}{
		{2325, "pg_relation_size", []datum.OID{datum.Regclass}, relationSize, "stored bytes of a table, its past included"},
		{2332, "pg_relation_size", []datum.OID{datum.Regclass, datum.Text}, relationSize, "stored bytes of a table, its past included"},
		{2286, "pg_total_relation_size", []datum.OID{datum.Regclass}, relationSize, "stored bytes of a table, its past included"},
		{2997, "pg_table_size", []datum.OID{datum.Regclass}, relationSize, "stored bytes of a table, its past included"},
		{2998, "pg_indexes_size", []datum.OID{datum.Regclass}, fixedInt(0), "0: entries of indexes are not counted"},
		{2168, "pg_database_size", []datum.OID{datum.Name}, databaseSize, "stored bytes of the session's database, 0 of others"},
		{2324, "pg_database_size", []datum.OID{datum.Oid}, databaseSize, "stored bytes of the session's database, 0 of others"},
		{2322, "pg_tablespace_size", []datum.OID{datum.Oid}, fixedInt(0), "0: bytes are not counted by tablespace"},
		{2323, "pg_tablespace_size", []datum.OID{datum.Name}, fixedInt(0), "0: bytes are not counted by tablespace"},
	} {
		out = append(out, row(r.oid, r.name, datum.Int8, r.doc, r.body, r.args...).as(Volatile))
	}
	return out
}

var relationSize = rowwise(vec.Int64, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	n, ok, err := c.Session.RelationSize(c.Context, datum.OID(a[0].Int(i)))
	if !ok {
		b.AppendNull()
		return err
	}
	b.AppendInt(n)
	return nil
})

var databaseSize = rowwise(vec.Int64, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	name := ""
	if a[0].Kind == vec.Int64 {
		_, name, _ = c.Session.CatalogName("pg_database", datum.OID(a[0].Int(i)))
	} else {
		name = string(a[0].Bytes(i))
	}
	if name != c.Session.Database() {
		b.AppendInt(0)
		return nil
	}
	n, _, err := c.Session.RelationSize(c.Context, 0)
	b.AppendInt(n)
	return err
})

func encodingNumber(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	switch strings.ToUpper(strings.NewReplacer("-", "", "_", "").Replace(string(a[0].Bytes(i)))) {
	case "UTF8", "UNICODE":
		b.AppendInt(6)
	case "SQLASCII":
		b.AppendInt(0)
	case "LATIN1":
		b.AppendInt(8)
	default:
		b.AppendInt(-1)
	}
	return nil
}

func indexProperty(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	order := "asc nulls_last"
	if text, ok := c.Session.CatalogText("indexorder", datum.OID(a[0].Int(i)), int(a[1].Int(i))); ok {
		order = text
	}
	switch property := string(a[2].Bytes(i)); property {
	case "asc", "desc", "nulls_first", "nulls_last":
		b.AppendBool(slices.Contains(strings.Fields(order), property))
	case "orderable", "distance_orderable", "returnable", "search_array", "search_nulls":
		b.AppendBool(property != "distance_orderable")
	default:
		b.AppendNull()
	}
	return nil
}

func snapshotMin(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	low, _, _ := strings.Cut(string(a[0].Bytes(i)), ":")
	v, err := datum.ParseInt(low, 64, "bigint")
	b.AppendInt(v)
	return err
}

var parseIdentBody Body = func(_ *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewListBuilder(vec.Bytes, n)
	for i := range n {
		if a[0].Null(i) || len(a) > 1 && a[1].Null(i) {
			b.AppendNull()
			continue
		}
		parts, err := parseIdent(string(a[0].Bytes(i)), len(a) < 2 || a[1].Bool(i))
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			b.Elem().AppendString(p)
		}
		b.AppendList()
	}
	return b.Finish(), nil
}

// parseIdent takes a qualified name apart, folding what is not quoted to lower case. Strict refuses what follows it.
func parseIdent(text string, strict bool) ([]string, error) {
	bad := func(detail string) ([]string, error) {
		e := pgerr.New(pgerr.InvalidParameterValue, "string is not a valid identifier: \"%s\"", text)
		if detail != "" {
			e = e.WithDetail("%s", detail)
		}
		return nil, e
	}
	var out []string
	s, after := strings.TrimLeft(text, " \t\n\r\v\f"), false
	for {
		switch {
		case strings.HasPrefix(s, "\""):
			end := quotedEnd(s)
			if end < 0 {
				return bad("String has unclosed double quotes.")
			}
			name := strings.ReplaceAll(s[1:end], "\"\"", "\"")
			if name == "" {
				return bad("Quoted identifier must not be empty.")
			}
			out, s = append(out, name), s[end+1:]
		case s != "" && identStart(s[0]):
			end := 1
			for end < len(s) && (identStart(s[end]) || '0' <= s[end] && s[end] <= '9' || s[end] == '$') {
				end++
			}
			out, s = append(out, datum.TruncateName(strings.ToLower(s[:end]))), s[end:]
		case strings.HasPrefix(s, "."):
			return bad("No valid identifier before \".\".")
		case after:
			return bad("No valid identifier after \".\".")
		default:
			return bad("")
		}
		s = strings.TrimLeft(s, " \t\n\r\v\f")
		if !strings.HasPrefix(s, ".") {
			break
		}
		s, after = strings.TrimLeft(s[1:], " \t\n\r\v\f"), true
	}
	if s != "" && strict {
		return bad("")
	}
	return out, nil
}

func identStart(c byte) bool { return c == '_' || 'a' <= c|32 && c|32 <= 'z' || c >= 128 }

// quotedEnd finds the closing quote of text that begins with one; doubled quotes stand for one.
func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return i
	}
	return -1
}

func optionsToTable(_ *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
	b := vec.NewStructBuilder([]vec.Kind{vec.Bytes, vec.Bytes}, 4)
	for _, o := range stringsOf(a[0], i) {
		name, value, ok := strings.Cut(o, "=")
		b.Field(0).AppendString(name)
		if ok {
			b.Field(1).AppendString(value)
		} else {
			b.Field(1).AppendNull()
		}
		b.AppendStruct()
	}
	return b.Finish(), nil
}

// zoneNames lists the zones that people pick from; every zone of the embedded data can be named.
func zoneNames(c *Ctx, _ []*vec.Column, _ int) (*vec.Column, error) {
	b := vec.NewStructBuilder([]vec.Kind{vec.Bytes, vec.Bytes, vec.Interval, vec.Bool}, len(commonZones))
	names := append([]string(nil), commonZones...)
	sort.Strings(names)
	for _, name := range names {
		loc, ok := datum.LoadZone(name)
		if !ok {
			continue
		}
		abbrev, off := datum.ZoneOffset(loc, c.Now)
		b.Field(0).AppendString(name)
		b.Field(1).AppendString(abbrev)
		b.Field(2).AppendInterval(vec.IntervalValue{Micros: off * datum.MicrosPerSecond})
		b.Field(3).AppendBool(datum.IsDST(loc, c.Now))
		b.AppendStruct()
	}
	return b.Finish(), nil
}

var commonZones = strings.Fields(`UTC Etc/UTC GMT Africa/Cairo Africa/Johannesburg Africa/Lagos Africa/Nairobi America/Anchorage
	America/Argentina/Buenos_Aires America/Bogota America/Caracas America/Chicago America/Denver America/Halifax America/Lima
	America/Los_Angeles America/Mexico_City America/New_York America/Phoenix America/Santiago America/Sao_Paulo America/St_Johns
	America/Toronto America/Vancouver Asia/Almaty Asia/Baghdad Asia/Bangkok Asia/Colombo Asia/Dhaka Asia/Dubai Asia/Ho_Chi_Minh
	Asia/Hong_Kong Asia/Jakarta Asia/Jerusalem Asia/Kabul Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Manila Asia/Riyadh
	Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Tashkent Asia/Tehran Asia/Tokyo Asia/Yangon Atlantic/Azores
	Atlantic/Reykjavik Australia/Adelaide Australia/Brisbane Australia/Darwin Australia/Melbourne Australia/Perth Australia/Sydney
	Europe/Amsterdam Europe/Athens Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Budapest Europe/Copenhagen Europe/Dublin
	Europe/Helsinki Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London Europe/Madrid Europe/Moscow Europe/Oslo Europe/Paris
	Europe/Prague Europe/Rome Europe/Sofia Europe/Stockholm Europe/Vienna Europe/Warsaw Europe/Zurich Pacific/Auckland
	Pacific/Honolulu Pacific/Guam Pacific/Fiji`)

// reserved are PostgreSQL's reserved words, which completion must not offer as names.
var reserved = strings.Fields(`all analyse analyze and any array as asc asymmetric both case cast check collate column constraint
	create current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc distinct
	do else end except false fetch for foreign from grant group having in initially intersect into lateral leading limit localtime
	localtimestamp not null offset on only or order placing primary references returning select session_user some symmetric table
	then to trailing true union unique user using variadic when where window with`)

func keywords(_ *Ctx, _ []*vec.Column, _ int) (*vec.Column, error) {
	b := vec.NewStructBuilder([]vec.Kind{vec.Bytes, vec.Bytes, vec.Bool, vec.Bytes, vec.Bytes}, len(reserved))
	for _, w := range reserved {
		b.Field(0).AppendString(w)
		b.Field(1).AppendString("R")
		b.Field(2).AppendBool(false)
		b.Field(3).AppendString("reserved")
		b.Field(4).AppendString("requires AS")
		b.AppendStruct()
	}
	return b.Finish(), nil
}

// informationSchemaFuncs are the helpers that queries copied from information_schema's views call.
func informationSchemaFuncs() []Func {
	modOf := func(pick func(t datum.Type) int32) Body {
		return rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v := pick(datum.Type{OID: datum.OID(a[0].Int(i)), Mod: int32(a[1].Int(i))})
			if v < 0 {
				b.AppendNull()
			} else {
				b.AppendInt(int64(v))
			}
			return nil
		})
	}
	var out []Func
	for k, r := range []struct {
		name string
		pick func(t datum.Type) int32
	}{
		{"_pg_char_max_length", func(t datum.Type) int32 { n, _, _, _ := datum.ColumnMod(t); return n }},
		{"_pg_numeric_precision", func(t datum.Type) int32 { _, n, _, _ := datum.ColumnMod(t); return n }},
		{"_pg_numeric_scale", func(t datum.Type) int32 { _, _, n, _ := datum.ColumnMod(t); return n }},
		{"_pg_datetime_precision", func(t datum.Type) int32 { _, _, _, n := datum.ColumnMod(t); return n }},
	} {
		out = append(out, row(datum.OID(ownOIDs+200+k), r.name, datum.Int4, "what information_schema.columns shows of a type's modifier", modOf(r.pick), datum.Oid, datum.Int4))
	}
	return out
}

// ownOIDs is where the OIDs of what PostgreSQL does not have begin.
const ownOIDs = 90000
