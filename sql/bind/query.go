package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// query binds a query expression. keep leaves columns that nothing settled of type unknown, for the caller to settle;
// otherwise they become text.
func (b *binder) query(q *syntax.Query, e *env, keep bool) (plan.Node, error) {
	if err := b.enter(q); err != nil {
		return nil, err
	}
	defer b.leave()
	sel, _ := q.Body.(*syntax.Select)
	inner := *e
	if sel != nil && sel.AsOf != nil {
		in, err := b.asOf(sel.AsOf, e)
		if err != nil {
			return nil, err
		}
		inner = *in
	}
	if err := b.locking(q.Locking, &inner); err != nil {
		return nil, err
	}
	inner.top, inner.outer = false, within(inner.outer)
	inner.hidden = e.hidden
	withs, ctes, err := b.with(q.With, &inner, e.top)
	if err != nil {
		return nil, err
	}
	inner.ctes = ctes
	var n plan.Node
	if sel != nil {
		n, err = b.selectQuery(sel, q, &inner, keep)
	} else {
		n, err = b.otherQuery(q, &inner, keep)
	}
	if err != nil {
		return nil, err
	}
	return wrapWiths(n, withs), nil
}

// otherQuery is VALUES, TABLE or a set operation, with its ORDER BY and LIMIT.
func (b *binder) otherQuery(q *syntax.Query, e *env, keep bool) (plan.Node, error) {
	if len(q.Locking) > 0 {
		what := "UNION/INTERSECT/EXCEPT"
		if _, ok := q.Body.(*syntax.SetOp); !ok {
			what = "VALUES and TABLE"
		}
		return nil, pgerr.New(pgerr.FeatureNotSupported, "%s is not allowed with %s", q.Locking[0].Strength, what)
	}
	n, err := b.body(q.Body, e)
	if err != nil {
		return nil, err
	}
	if !keep {
		if n, err = b.settleAll(n, q.Body); err != nil {
			return nil, err
		}
	}
	return b.orderOutput(n, q, e)
}

func (b *binder) body(body syntax.Body, e *env) (plan.Node, error) {
	switch x := body.(type) {
	case *syntax.Values:
		return b.values(x, e)
	case *syntax.TableBody:
		s, err := b.table(x.Table, e)
		if err != nil {
			return nil, err
		}
		if n := s.scope.items[0].seen(); n < s.scope.width {
			return renamed(s.node, s.node.Schema()[:n]), nil
		}
		return s.node, nil
	case *syntax.SetOp:
		return b.setOp(x, e)
	}
	return nil, b.errorIn(body, pgerr.FeatureNotSupported, "this query is not supported yet")
}

// settleAll makes every column that is still unsettled text.
func (b *binder) settleAll(n plan.Node, at syntax.Node) (plan.Node, error) {
	for i, f := range n.Schema() {
		if f.Type.OID == datum.Unknown {
			var err error
			if n, err = b.retype(n, i, datum.T(datum.Text), at); err != nil {
				return nil, err
			}
		}
	}
	return n, nil
}

// values is VALUES (…), (…): each column takes the common type of its expressions.
func (b *binder) values(v *syntax.Values, e *env) (plan.Node, error) {
	f := &frame{binder: b, env: e, scope: &scope{up: e.outer}, what: "VALUES"}
	width := len(v.Rows[0])
	cols := make([][]typed, width)
	for _, r := range v.Rows {
		if len(r) != width {
			at := syntax.Node(v)
			if len(r) > 0 {
				at = r[0]
			}
			return nil, b.errorIn(at, pgerr.SyntaxError, "VALUES lists must all be the same length")
		}
		list, err := f.list(r)
		if err != nil {
			return nil, err
		}
		for i, x := range list {
			if x.expr, err = f.settledRow(x); err != nil {
				return nil, err
			}
			cols[i] = append(cols[i], x)
		}
	}
	out := &plan.Values{Rows: make([][]expr.Expr, len(v.Rows))}
	for i := range out.Rows {
		out.Rows[i] = make([]expr.Expr, width)
	}
	for i, list := range cols {
		t, vals, err := f.valuesColumn(list)
		if err != nil {
			return nil, err
		}
		for r, x := range vals {
			out.Rows[r][i] = x
		}
		out.Fields = append(out.Fields, plan.Field{Name: "column" + itoa(i+1), Type: t})
	}
	return out, nil
}

func (f *frame) valuesColumn(list []typed) (datum.Type, []expr.Expr, error) {
	t, _, err := f.commonType(list, "VALUES")
	if err != nil {
		return t, nil, err
	}
	vals, err := f.toCommon(list, t, "VALUES")
	return t, vals, err
}

var setOpNames = [...]string{syntax.Union: "UNION", syntax.Intersect: "INTERSECT", syntax.Except: "EXCEPT"}

// setOp is left UNION right and its kin: columns by place, types in common, names from the left.
func (b *binder) setOp(x *syntax.SetOp, e *env) (plan.Node, error) {
	l, err := b.query(x.Left, e, true)
	if err != nil {
		return nil, err
	}
	r, err := b.query(x.Right, e, true)
	if err != nil {
		return nil, err
	}
	return b.combine(x, l, r)
}

func (b *binder) combine(x *syntax.SetOp, l, r plan.Node) (plan.Node, error) {
	name := setOpNames[x.Op]
	lf, rf := l.Schema(), r.Schema()
	if len(lf) != len(rf) {
		return nil, b.errorOf(firstTarget(x.Right), pgerr.SyntaxError, "each %s query must have the same number of columns", name)
	}
	out := &plan.SetOp{Kind: plan.SetOpKind(x.Op), All: x.All}
	for i := range lf {
		t, err := b.setColumn(name, lf[i], rf[i], x)
		if err != nil {
			return nil, err
		}
		if l, err = b.retype(l, i, t, firstTarget(x.Left)); err != nil {
			return nil, err
		}
		if r, err = b.retype(r, i, t, firstTarget(x.Right)); err != nil {
			return nil, err
		}
		if !x.All {
			if err := b.hasEquality(t, x); err != nil {
				return nil, err
			}
		}
		out.Fields = append(out.Fields, plan.Field{Name: lf[i].Name, Type: t})
	}
	out.Left, out.Right = l, r
	return out, nil
}

func (b *binder) setColumn(name string, l, r plan.Field, x *syntax.SetOp) (datum.Type, error) {
	if l.Type == r.Type {
		return l.Type, nil
	}
	list := []typed{
		{&expr.Col{Typ: l.Type}, firstTarget(x.Left)},
		{&expr.Col{Typ: r.Type}, firstTarget(x.Right)},
	}
	t, _, err := b.commonType(list, name)
	if err == nil && (!canCoerce(l.Type.OID, t.OID, funcs.Implicit) || !canCoerce(r.Type.OID, t.OID, funcs.Implicit)) {
		err = b.errorIn(x, pgerr.CannotCoerce, "%s could not convert type %s to %s", name, formatType(r.Type), formatType(t))
	}
	return t, err
}

// firstTarget is where a query's columns begin, for error positions.
func firstTarget(q *syntax.Query) syntax.Node {
	switch x := q.Body.(type) {
	case *syntax.Select:
		if len(x.Targets) > 0 {
			return x.Targets[0]
		}
	case *syntax.Values:
		if len(x.Rows[0]) > 0 {
			return x.Rows[0][0]
		}
	case *syntax.SetOp:
		return firstTarget(x.Left)
	}
	return q
}

// hasEquality refuses to group values that cannot be compared.
func (b *binder) hasEquality(t datum.Type, at syntax.Node) error {
	if t.OID == datum.JSON || t.OID == datum.XML {
		return b.errorOf(at, pgerr.UndefinedFunction, "could not identify an equality operator for type %s", formatType(t))
	}
	return nil
}

// orderOutput applies ORDER BY and LIMIT to a query whose columns are all that can be ordered by.
func (b *binder) orderOutput(n plan.Node, q *syntax.Query, e *env) (plan.Node, error) {
	var keys []plan.SortKey
	f := &frame{binder: b, env: e, scope: &scope{up: e.outer}, what: "ORDER BY"}
	for _, it := range q.OrderBy {
		cols := outputColumns(n, it)
		i, ok, err := f.matchOutput(it.Expr, cols, "ORDER BY")
		if err != nil {
			return nil, err
		}
		if !ok {
			named := &frame{binder: b, env: e, scope: &scope{up: e.outer, items: []*item{itemOf("", n.Schema())}}, what: "ORDER BY", sets: true}
			if _, err := named.bind(it.Expr); err != nil {
				return nil, err
			}
			e := b.errorOf(it.Expr, pgerr.FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
			return nil, e.WithDetail("Only result column names can be used, not expressions or functions.").
				WithHint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
		}
		b.defining.number(it.Expr, i+1)
		k, err := f.sortKey(it, cols[i].expr)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if len(keys) > 0 {
		n = &plan.Sort{Input: n, Keys: keys, Limit: -1}
	}
	return f.limit(n, q, keys)
}

func outputColumns(n plan.Node, at syntax.Node) []typedColumn {
	fields := n.Schema()
	out := make([]typedColumn, len(fields))
	for i, fl := range fields {
		out[i] = typedColumn{name: fl.Name, expr: &expr.Col{Index: i, Typ: fl.Type, Name: fl.Name}, field: fl, at: at}
	}
	return out
}

// limit applies LIMIT, OFFSET and FETCH.
func (f *frame) limit(n plan.Node, q *syntax.Query, keys []plan.SortKey) (plan.Node, error) {
	if q.Limit == nil && q.Skip == nil {
		return n, nil
	}
	out := &plan.Limit{Input: n}
	var err error
	if q.Limit != nil {
		if out.Count, err = f.limitExpr(q.Limit, "LIMIT"); err != nil {
			return nil, err
		}
	}
	if q.Skip != nil {
		if out.Offset, err = f.limitExpr(q.Skip, "OFFSET"); err != nil {
			return nil, err
		}
	}
	if q.WithTies {
		if len(keys) == 0 {
			return nil, f.errorIn(q, pgerr.SyntaxError, "WITH TIES cannot be specified without ORDER BY clause")
		}
		out.Ties = keys
	}
	return out, nil
}

func (f *frame) limitExpr(x syntax.Expr, what string) (expr.Expr, error) {
	if c, ok := x.(*syntax.Const); ok && c.Kind == syntax.NullConst {
		return nil, nil
	}
	var own error
	syntax.Walk(x, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.ColumnRef); ok && own == nil && f.scope.up == nil {
			own = f.errorIn(c, pgerr.InvalidColumnReference, "argument of %s must not contain variables", what)
		}
		_, sub := n.(*syntax.Query)
		return !sub
	})
	if own != nil {
		return nil, own
	}
	g := &frame{binder: f.binder, env: f.env, scope: &scope{up: f.env.outer}, what: what}
	e, err := g.bind(x)
	if err != nil {
		return nil, err
	}
	if t := e.Type().OID; !canCoerce(t, datum.Int8, funcs.Assignment) {
		return nil, f.errorOf(x, pgerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s", what, formatType(e.Type()))
	}
	return f.coerce(e, datum.T(datum.Int8), funcs.Assignment, x)
}
