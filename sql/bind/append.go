package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// append(entity_id, event_type, payload, …) adds one event, append_batch(events, …) those of a JSON array; they give the rows that
// the log made of them. They are no functions of the table of functions: they write, so each is a statement that is written
// as a call.
type appendForm struct {
	name     string
	params   []appendParam
	required int   // how many of the parameters must be given
	result   []int // the columns of events that it gives
	usage    string
}

// appendParam is a parameter with the column of events that it fills; those of conditions fill none.
type appendParam struct {
	name   string
	column int
	typ    datum.OID
}

// noColumn is the column of a parameter that is none.
const noColumn = -2

var appendCondition = appendParam{"condition", noColumn, datum.Bool}

var appendForms = []appendForm{
	{
		name: "append",
		params: []appendParam{
			{"entity_id", catalog.EventEntity, datum.Text},
			{"event_type", catalog.EventType, datum.Text},
			{"payload", catalog.EventPayload, datum.JSONB},
			{"expected_version", plan.ExpectedVersion, datum.Int8},
			{"id", catalog.EventID, datum.UUID},
			{"timestamp", catalog.EventTimestamp, datum.TimestampTZ},
			{"metadata", catalog.EventMetadata, datum.JSONB},
			appendCondition,
		},
		required: 2,
		result:   []int{catalog.EventPosition, catalog.EventID, catalog.EventVersion, catalog.EventRecordedAt},
		usage: "append(entity_id text, event_type text, payload jsonb, expected_version => bigint, id => uuid, \"timestamp\" => timestamptz, metadata => jsonb, " +
			"condition => boolean)",
	},
	{
		name:     "append_batch",
		params:   []appendParam{{"events", noColumn, datum.JSONB}, appendCondition},
		required: 1,
		result:   []int{catalog.EventPosition, catalog.EventID, catalog.EventEntity, catalog.EventVersion, catalog.EventRecordedAt},
		usage:    "append_batch(events jsonb, condition => boolean)",
	},
}

// appendQuery recognises SELECT append(…) and SELECT … FROM append(…) as whole statements.
func (b *binder) appendQuery(q *syntax.Query) (plan.Node, bool, error) {
	sel, ok := q.Body.(*syntax.Select)
	if !ok || q.With != nil || len(q.OrderBy) > 0 || q.Limit != nil || q.Skip != nil || sel.Distinct || sel.Where != nil ||
		sel.GroupBy != nil || sel.Having != nil {
		return nil, false, nil
	}
	call, alias, targets := appendInFrom(sel), (*syntax.Alias)(nil), sel.Targets
	if call != nil {
		alias = sel.From[0].(*syntax.FuncTable).Alias
	} else if call, targets = appendInTargets(sel); call == nil {
		return nil, false, nil
	}
	if sel.AsOf != nil {
		return nil, false, b.errorIn(sel.AsOf, pgerr.ReadOnlySQLTransaction, "cannot append to the past")
	}
	n, err := b.appendCall(call, alias, targets)
	return n, true, err
}

// isAppend is the call that an expression is, if it is one of an appendForm.
func isAppend(x syntax.Expr) *syntax.FuncCall {
	c, ok := x.(*syntax.FuncCall)
	if !ok || appendFormOf(c) == nil || len(aggregatesNamed(c.Name.Last())) > 0 {
		return nil
	}
	return c
}

func appendFormOf(c *syntax.FuncCall) *appendForm {
	if len(c.Name) > 1 && c.Name.Qualifier() != "public" {
		return nil
	}
	for i := range appendForms {
		if appendForms[i].name == c.Name.Last() {
			return &appendForms[i]
		}
	}
	return nil
}

func appendInFrom(sel *syntax.Select) *syntax.FuncCall {
	if len(sel.From) != 1 {
		return nil
	}
	t, ok := sel.From[0].(*syntax.FuncTable)
	if !ok || len(t.Funcs) != 1 || t.Ordinality || len(t.Columns) > 0 {
		return nil
	}
	return isAppend(t.Funcs[0].Expr)
}

// appendInTargets finds the call in a select list without FROM and puts the name of its row in its place.
func appendInTargets(sel *syntax.Select) (*syntax.FuncCall, []*syntax.Target) {
	if len(sel.From) > 0 || len(sel.Targets) != 1 {
		return nil, nil
	}
	t := sel.Targets[0]
	rowOf := func(c *syntax.FuncCall) *syntax.ColumnRef {
		return &syntax.ColumnRef{At: syntax.At{Pos: t.Expr.Offset()}, Name: syntax.Name{c.Name.Last()}}
	}
	if c := isAppend(t.Expr); c != nil {
		row, as := rowOf(c), t.As
		if as == "" {
			as = c.Name.Last()
		}
		return c, []*syntax.Target{{At: t.At, Expr: row, As: as}}
	}
	ind, ok := t.Expr.(*syntax.Indirection)
	if !ok || len(ind.Steps) != 1 {
		return nil, nil
	}
	c := isAppend(ind.X)
	if c == nil {
		return nil, nil
	}
	row := rowOf(c)
	if ind.Steps[0].Star {
		return c, []*syntax.Target{{At: t.At, Expr: &syntax.ColumnRef{At: row.At, Name: row.Name, Star: true}}}
	}
	out := *ind
	out.X = row
	return c, []*syntax.Target{{At: t.At, Expr: &out, As: t.As}}
}

// appendCall makes the Append node.
func (b *binder) appendCall(x *syntax.FuncCall, alias *syntax.Alias, targets []*syntax.Target) (plan.Node, error) {
	form := appendFormOf(x)
	f := &frame{binder: b, env: &env{}, scope: &scope{}, what: form.name}
	if err := f.plainOnly(x); err != nil {
		return nil, err
	}
	given, err := f.appendArgs(x, form)
	if err != nil {
		return nil, err
	}
	row := &plan.Values{Rows: [][]expr.Expr{{}}}
	out := &plan.Append{Relation: catalog.Events, Input: row}
	for i, p := range form.params {
		a := given[i]
		if a.expr == nil {
			if i < form.required {
				return nil, f.appendSignature(x, form, "%s() needs %s", form.name, p.name)
			}
			continue
		}
		if p == appendCondition {
			if err := f.appendCondition(out, a); err != nil {
				return nil, err
			}
			continue
		}
		e, err := f.appendArg(form, p, a)
		if err != nil {
			return nil, err
		}
		if p.column == noColumn {
			out.Input, out.Columns = batchScan(e)
			continue
		}
		row.Rows[0] = append(row.Rows[0], e)
		row.Fields = append(row.Fields, plan.Field{Name: p.name, Type: e.Type()})
		out.Columns = append(out.Columns, p.column)
	}
	b.appends = true
	return out, b.appendReturning(out, form, alias, targets)
}

// appendArg converts an argument to its parameter's type. The expected version may be a word as well.
func (f *frame) appendArg(form *appendForm, p appendParam, a typed) (expr.Expr, error) {
	if p.column == plan.ExpectedVersion && isWord(a.expr) {
		return f.coerce(a.expr, datum.T(datum.Text), funcs.Assignment, a.at)
	}
	if !canCoerce(a.expr.Type().OID, p.typ, funcs.Assignment) {
		return nil, f.errorIn(a.at, pgerr.DatatypeMismatch, "argument %q of %s() must be type %s, not type %s",
			p.name, form.name, formatType(datum.T(p.typ)), formatType(a.expr.Type()))
	}
	return f.coerce(a.expr, datum.T(p.typ), funcs.Assignment, a.at)
}

// isWord reports whether an expression is text, or a literal that may be. A parameter without a type is a number.
func isWord(e expr.Expr) bool {
	switch e.Type().OID {
	case datum.Text, datum.Varchar:
		return true
	case datum.Unknown:
		_, param := e.(*expr.Param)
		return !param
	}
	return false
}

// batchScan gives the events of a JSON array as rows, and the columns of events that they fill.
func batchScan(array expr.Expr) (plan.Node, []int) {
	fn := funcs.BatchEvents()
	scan := &plan.FuncScan{Fn: fn, Args: []expr.Expr{array}}
	var columns []int
	for _, o := range fn.Out {
		scan.Fields = append(scan.Fields, plan.Field{Name: o.Name, Type: o.Type})
		columns = append(columns, eventColumn(o.Name))
	}
	return scan, columns
}

// expectedName is the column of an INSERT's list, and the key of a batch, that is no column of events.
const expectedName = "expected_version"

func eventColumn(name string) int {
	if name == expectedName {
		return plan.ExpectedVersion
	}
	return catalog.Events.Column(name)
}

// appendCondition binds what must be true of the log that the events follow.
func (f *frame) appendCondition(a *plan.Append, x typed) error {
	cond, err := f.boolean(x.expr, "the condition of an append", x.at)
	if err != nil {
		return err
	}
	a.Condition = &plan.Project{Input: &plan.Values{Rows: [][]expr.Expr{{}}}, Exprs: []expr.Expr{cond},
		Fields: []plan.Field{{Name: "condition", Type: datum.T(datum.Bool)}}}
	a.Incremental = f.incremental(x.at)
	return nil
}

// incremental reports whether a condition that held of a log holds of a longer one if it holds of the events that were
// added: it says that there is no event of a kind, each event being looked at by itself.
func (f *frame) incremental(x syntax.Node) bool {
	switch x := x.(type) {
	case *syntax.Logic:
		return !x.Or && !slices.ContainsFunc(x.Args, func(a syntax.Expr) bool { return !f.incremental(a) })
	case *syntax.Not:
		e, ok := x.X.(*syntax.Exists)
		return ok && f.perEvent(e.Query)
	}
	return false
}

// perEvent reports whether a query is a plain selection of events.
func (f *frame) perEvent(q *syntax.Query) bool {
	sel, ok := q.Body.(*syntax.Select)
	if !ok || q.With != nil || q.Limit != nil || q.Skip != nil || len(sel.From) != 1 || sel.AsOf != nil || sel.GroupBy != nil || sel.Having != nil {
		return false
	}
	t, ok := sel.From[0].(*syntax.TableName)
	if !ok || len(t.Times) > 0 || t.Sample != nil {
		return false
	}
	if rel, err := f.relation(t.Name, t); err != nil || !isEvents(rel) {
		return false
	}
	plain := true
	for _, t := range sel.Targets {
		syntax.Walk(t, func(n syntax.Node) bool {
			_, call := n.(*syntax.FuncCall)
			plain = plain && !call
			return plain
		})
	}
	syntax.Walk(sel, func(n syntax.Node) bool {
		_, nested := n.(*syntax.Query)
		plain = plain && !nested
		return plain
	})
	return plain
}

// appendArgs matches the arguments to the parameters.
func (f *frame) appendArgs(x *syntax.FuncCall, form *appendForm) ([]typed, error) {
	out := make([]typed, len(form.params))
	for k, a := range x.Args {
		p := k
		if a.Name != "" {
			p = slices.IndexFunc(form.params, func(q appendParam) bool { return q.name == a.Name })
		}
		switch {
		case p < 0:
			return nil, f.appendSignature(x, form, "%s() has no parameter %q", form.name, a.Name)
		case p >= len(out):
			return nil, f.appendSignature(x, form, "%s() takes at most %d arguments", form.name, len(out))
		case out[p].expr != nil:
			return nil, f.appendSignature(x, form, "argument %q of %s() is given twice", form.params[p].name, form.name)
		case a.Name == "" && k > 0 && x.Args[k-1].Name != "":
			return nil, f.errorIn(a.Expr, pgerr.SyntaxError, "positional argument cannot follow named argument")
		}
		e, err := f.bind(a.Expr)
		if err != nil {
			return nil, err
		}
		out[p] = typed{e, a.Expr}
	}
	return out, nil
}

func (f *frame) appendSignature(x syntax.Node, form *appendForm, format string, args ...any) error {
	return f.errorIn(x, pgerr.UndefinedFunction, format, args...).WithHint("%s", form.usage)
}

// appendReturning binds what is asked of the row that append gives.
func (b *binder) appendReturning(a *plan.Append, form *appendForm, alias *syntax.Alias, targets []*syntax.Target) error {
	it := &item{name: aliasOf(alias, form.name), table: true, bare: true, aliased: true}
	for _, i := range form.result {
		c := a.Relation.Columns[i]
		it.cols = append(it.cols, column{name: c.Name, expr: &expr.Col{Index: i, Typ: c.Type, Name: c.Name},
			field: plan.Field{Name: c.Name, Type: c.Type, Table: a.Relation.OID, Attr: int16(i + 1)}})
	}
	if alias != nil {
		for i := range min(len(alias.Columns), len(it.cols)) {
			it.cols[i].name = alias.Columns[i].Name
		}
	}
	f := &frame{binder: b, env: &env{}, scope: &scope{items: []*item{it}, width: len(a.Relation.Columns)}, what: "RETURNING"}
	cols, err := f.targetList(targets, false)
	if err != nil {
		return err
	}
	a.Returning = []expr.Expr{}
	for _, c := range cols {
		a.Returning = append(a.Returning, c.expr)
		a.Fields = append(a.Fields, plan.Field{Name: c.name, Type: c.expr.Type(), Table: c.field.Table, Attr: c.field.Attr})
	}
	return nil
}
