package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// append(entity_id, event_type, payload, …) adds one event and gives the row that the log made of it. It is no function of
// the table of functions: it writes, so it is a statement that is written as one.
const appendName = "append"

// appendParams are its parameters in order, with the column of events that each one fills.
var appendParams = []struct {
	name   string
	column int
	typ    datum.OID
}{
	{"entity_id", catalog.EventEntity, datum.Text},
	{"event_type", catalog.EventType, datum.Text},
	{"payload", catalog.EventPayload, datum.JSONB},
	{"expected_version", plan.ExpectedVersion, datum.Int8},
	{"id", catalog.EventID, datum.UUID},
	{"timestamp", catalog.EventTimestamp, datum.TimestampTZ},
	{"metadata", catalog.EventMetadata, datum.JSONB},
}

// appendRequired is how many of the parameters must be given.
const appendRequired = 2

// appendResult are the columns of events that it gives.
var appendResult = []int{catalog.EventPosition, catalog.EventID, catalog.EventVersion, catalog.EventRecordedAt}

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

func isAppend(x syntax.Expr) *syntax.FuncCall {
	c, ok := x.(*syntax.FuncCall)
	if !ok || c.Name.Last() != appendName || len(c.Name) > 1 && c.Name.Qualifier() != "public" || len(aggregatesNamed(appendName)) > 0 {
		return nil
	}
	return c
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
	row := &syntax.ColumnRef{At: syntax.At{Pos: t.Expr.Offset()}, Name: syntax.Name{appendName}}
	if c := isAppend(t.Expr); c != nil {
		as := t.As
		if as == "" {
			as = appendName
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
	if ind.Steps[0].Star {
		return c, []*syntax.Target{{At: t.At, Expr: &syntax.ColumnRef{At: row.At, Name: row.Name, Star: true}}}
	}
	out := *ind
	out.X = row
	return c, []*syntax.Target{{At: t.At, Expr: &out, As: t.As}}
}

// appendCall makes the Append node.
func (b *binder) appendCall(x *syntax.FuncCall, alias *syntax.Alias, targets []*syntax.Target) (plan.Node, error) {
	f := &frame{binder: b, env: &env{}, scope: &scope{}, what: "append"}
	if err := f.plainOnly(x); err != nil {
		return nil, err
	}
	row := &plan.Values{Rows: [][]expr.Expr{{}}}
	out := &plan.Append{Relation: catalog.Events, Input: row}
	given, err := f.appendArgs(x)
	if err != nil {
		return nil, err
	}
	for i, p := range appendParams {
		a := given[i]
		if a.expr == nil {
			if i < appendRequired {
				return nil, f.appendSignature(x, "append() needs %s", p.name)
			}
			continue
		}
		if !canCoerce(a.expr.Type().OID, p.typ, funcs.Assignment) {
			return nil, f.errorIn(a.at, pgerr.DatatypeMismatch, "argument %q of append() must be type %s, not type %s",
				p.name, formatType(datum.T(p.typ)), formatType(a.expr.Type()))
		}
		e, err := f.coerce(a.expr, datum.T(p.typ), funcs.Assignment, a.at)
		if err != nil {
			return nil, err
		}
		row.Rows[0] = append(row.Rows[0], e)
		row.Fields = append(row.Fields, plan.Field{Name: p.name, Type: datum.T(p.typ)})
		out.Columns = append(out.Columns, p.column)
	}
	b.appends = true
	return out, b.appendReturning(out, alias, targets)
}

// appendArgs matches the arguments to the parameters.
func (f *frame) appendArgs(x *syntax.FuncCall) ([]typed, error) {
	out := make([]typed, len(appendParams))
	for k, a := range x.Args {
		p := k
		if a.Name != "" {
			p = -1
			for i, q := range appendParams {
				if q.name == a.Name {
					p = i
				}
			}
		}
		switch {
		case p < 0:
			return nil, f.appendSignature(x, "append() has no parameter %q", a.Name)
		case p >= len(out):
			return nil, f.appendSignature(x, "append() takes at most %d arguments", len(out))
		case out[p].expr != nil:
			return nil, f.appendSignature(x, "argument %q of append() is given twice", appendParams[p].name)
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

func (f *frame) appendSignature(x syntax.Node, format string, args ...any) error {
	return f.errorIn(x, pgerr.UndefinedFunction, format, args...).
		WithHint("append(entity_id text, event_type text, payload jsonb, expected_version => bigint, id => uuid, \"timestamp\" => timestamptz, metadata => jsonb)")
}

// appendReturning binds what is asked of the row that append gives.
func (b *binder) appendReturning(a *plan.Append, alias *syntax.Alias, targets []*syntax.Target) error {
	it := &item{name: aliasOf(alias, appendName), table: true, bare: true, aliased: true}
	for _, i := range appendResult {
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
