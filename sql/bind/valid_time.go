package bind

import (
	"cmp"
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// validity is a condition on valid time while it is bound: over the row of a scan, which stands at the place of the clause.
type validity struct {
	*frame
	rel   *catalog.Relation
	at    syntax.Node
	conds []expr.Expr
	err   error // the first of must
}

func (b *binder) validity(rel *catalog.Relation, what string, at syntax.Node) *validity {
	return &validity{frame: &frame{binder: b, env: &env{}, scope: &scope{}, what: what}, rel: rel, at: at}
}

// bound binds an expression of the clause as a value of a column's type: no columns, no queries.
func (v *validity) bound(x syntax.Expr, t datum.Type) (expr.Expr, error) {
	if err := v.columnFree(x, v.what); err != nil {
		return nil, err
	}
	e, err := v.bind(x)
	if err != nil {
		return nil, err
	}
	if from := e.Type(); !canCoerce(from.OID, t.OID, funcs.Assignment) {
		return nil, v.errorIn(x, pgerr.DatatypeMismatch, "%s needs a value of type %s, not of type %s", v.what, formatType(t), formatType(from))
	}
	return v.coerce(e, t, funcs.Assignment, x)
}

// must adds a comparison of two values.
func (v *validity) must(l expr.Expr, op string, r expr.Expr) {
	e, err := v.operator(syntax.Operator{Name: op}, []typed{{l, v.at}, {r, v.at}}, v.at)
	v.conds, v.err = append(v.conds, e), cmp.Or(v.err, err)
}

func (v *validity) column(i int) *expr.Col {
	return &expr.Col{Index: i, Typ: v.rel.Columns[i].Type, Name: v.rel.Columns[i].Name}
}

// filter keeps the rows of which the conditions are true.
func (v *validity) filter(n plan.Node) (plan.Node, error) {
	if v.err != nil {
		return nil, v.err
	}
	return &plan.Filter{Input: n, Cond: expr.Conjoin(v.conds)}, nil
}

// periodOf are the columns of a table's period; ok is false where it has none.
func periodOf(rel *catalog.Relation) (start, end int, ok bool) {
	if rel.Table == nil || len(rel.Table.Periods) == 0 {
		return 0, 0, false
	}
	p := rel.Table.Periods[0]
	at := func(attr int16) int {
		return slices.IndexFunc(rel.Columns, func(c catalog.Column) bool { return c.Attr == attr })
	}
	return at(p.Start), at(p.End), true
}

// noValidTime is the error of FOR VALID_TIME where there is none.
func (b *binder) noValidTime(rel *catalog.Relation, at syntax.Node) error {
	return b.errorIn(at, pgerr.WrongObjectType, "%q has no valid time", rel.Name).
		WithDetail("FOR VALID_TIME is for events, for views of event types, for entities, and for tables with a PERIOD.")
}

// validTime keeps what was so at the time of a clause; it returns nil if the relation has no valid time. An event happens at an instant: AS OF t
// has those up to t, FROM a TO b those in [a, b), BETWEEN a AND b those in [a, b]. A row of a table is valid from its start on and no longer at
// its end; FROM and BETWEEN have those that have something in common with the time asked for (SQL:2011).
func (b *binder) validTime(n plan.Node, rel *catalog.Relation, c *syntax.TimeClause) (plan.Node, error) {
	v := b.validity(rel, "FOR VALID_TIME", c)
	start, end, period := periodOf(rel)
	if !period {
		if !isEvents(rel) {
			return nil, nil
		}
		start = rel.Column("timestamp")
	}
	if c.Kind == syntax.TimeAll {
		return n, nil
	}
	t := rel.Columns[start].Type
	from, err := v.bound(c.From, t)
	if err != nil {
		return nil, err
	}
	to := from
	if c.To != nil {
		if to, err = v.bound(c.To, t); err != nil {
			return nil, err
		}
	}
	before := "<="
	if c.Kind == syntax.TimeFromTo {
		before = "<"
	}
	switch {
	case period:
		v.must(v.column(start), before, to)
		v.must(v.column(end), ">", from)
		if c.To != nil {
			v.must(from, before, to) // else a row around both would be there
		}
	case c.To != nil:
		v.must(v.column(start), ">=", from)
		fallthrough
	default:
		v.must(v.column(start), before, to)
	}
	return v.filter(n)
}

// portion binds FOR PORTION OF over the scan of the table that is changed, and keeps the rows that have something of it.
func (m *modification) portion(n plan.Node, c *syntax.Portion) (plan.Node, error) {
	if c == nil {
		return n, nil
	}
	start, end, ok := periodOf(m.rel)
	if !ok || m.rel.Table.Periods[0].Name != c.Period {
		return nil, m.errorIn(c, pgerr.UndefinedObject, "period %q of table %q does not exist", c.Period, m.rel.Name)
	}
	v := m.validity(m.rel, "FOR PORTION OF", c)
	t := m.rel.Columns[start].Type
	out := &plan.Portion{Start: start, End: end}
	var err error
	if out.From, err = v.bound(c.From, t); err == nil {
		out.To, err = v.bound(c.To, t)
	}
	switch {
	case err != nil:
		return nil, err
	case expr.IsVolatile(out.From) || expr.IsVolatile(out.To):
		return nil, m.errorIn(c, pgerr.FeatureNotSupported, "FOR PORTION OF bounds cannot contain volatile functions")
	}
	m.out.Portion = out
	// Where a bound is null the portion has no end on that side, and the condition is left out by its being null.
	v.must(v.column(start), "<", out.To)
	v.must(v.column(end), ">", out.From)
	for i, bound := range []expr.Expr{out.To, out.From} {
		if k, ok := bound.(*expr.Const); ok && !k.Val.Null(0) {
			continue
		}
		v.conds[i] = &expr.Or{Args: []expr.Expr{&expr.IsNull{Arg: bound}, v.conds[i]}}
	}
	return v.filter(n)
}
