package opt

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// lateralJoins makes plain joins of lateral ones whose right side refers to the left row only in conditions: rows as they
// are, aggregates of all of them, or the first ones in some order.
func lateralJoins(r *run, n plan.Node) (plan.Node, error) {
	return r.laterals(n, -1), nil
}

// laterals rewrites n, of which at most so many rows are asked for (-1: all).
func (r *run) laterals(n plan.Node, rows int64) plan.Node {
	n, _ = r.mapAsked(n, rows, r.laterals)
	j, ok := n.(*plan.Join)
	if !ok || !j.Lateral || len(j.LeftKeys) > 0 || hasVolatile(j.Right) || hasVolatile(j.Left) || !plan.Correlated(j.Right) {
		return n
	}
	switch j.Kind {
	case plan.Inner, plan.Cross:
	case plan.Left:
		if !expr.IsTrue(j.Cond) {
			return n
		}
	default:
		return n
	}
	u := &unnester{r: r, in: j.Left, width: plan.Width(j.Left), rows: rows}
	right := r.folded(j.Right)
	if out, ok := u.lateralValues(j, right); ok {
		return out
	}
	if out, ok := u.lateralRows(j, right); ok {
		return out
	}
	return n
}

// lateralValues joins with groups, or with the first rows of each key.
func (u *unnester) lateralValues(j *plan.Join, right plan.Node) (plan.Node, bool) {
	kind := j.Kind
	x, ok := u.aggregated(right)
	if ok {
		kind = plan.Left // of nothing there are aggregates too
	} else if x, ok = u.first(right, true); !ok {
		return nil, false
	}
	if kind == plan.Cross {
		kind = plan.Inner
	}
	if !x.worthwhile(u) {
		return nil, false
	}
	var joined plan.Node = &plan.Join{Kind: kind, Left: u.in, Right: u.r.again(x.right), LeftKeys: x.outer, RightKeys: x.keys}
	if x.having != nil && j.Kind != plan.Left {
		joined = &plan.Filter{Input: joined, Cond: x.having} // where there is no row, the left row goes too
	}
	p := &plan.Project{Input: joined, Fields: j.Schema(), Exprs: keyCols(u.in.Schema())}
	p.Exprs = append(p.Exprs, x.values...)
	if j.Cond == nil || j.Kind == plan.Left {
		return p, true
	}
	return &plan.Filter{Input: p, Cond: j.Cond}, true
}

// lateralRows joins with rows that are only filtered by the left row, and computes what is asked of them.
func (u *unnester) lateralRows(j *plan.Join, right plan.Node) (plan.Node, bool) {
	exprs, fields := keyCols(right.Schema()), right.Schema()
	if p, ok := right.(*plan.Project); ok {
		exprs, right = p.Exprs, p.Input
	}
	c, ok := correlate(right)
	if !ok || len(c.inner) == 0 {
		return nil, false
	}
	for _, e := range exprs {
		if hasSubquery(e) || expr.IsVolatile(e) || expr.HasSet(e) || j.Kind == plan.Left && hasOuter(e) {
			return nil, false
		}
	}
	for _, e := range c.own {
		if !expr.CannotFail(e) {
			return nil, false
		}
	}
	if !(&unnested{correlation: c}).worthwhile(u) {
		return nil, false
	}
	nl := u.width
	own := make([]expr.Expr, len(c.own))
	for i, e := range c.own {
		own[i] = plan.ShiftOuterExpr(e, -1)
	}
	joined := &plan.Join{Kind: j.Kind, Left: u.in, Right: u.r.again(filtered(plan.ShiftOuter(c.rest, -1), own)), LeftKeys: c.outer}
	if joined.Kind == plan.Cross {
		joined.Kind = plan.Inner
	}
	for _, e := range c.inner {
		joined.RightKeys = append(joined.RightKeys, plan.ShiftOuterExpr(e, -1))
	}
	over := func(x *expr.Col) expr.Expr { return col(x.Index+nl, x.Typ, x.Name) }
	var conds []expr.Expr
	for _, e := range c.other {
		conds = append(conds, outside(e, over))
	}
	joined.Cond = expr.Conjoin(conds)
	p := &plan.Project{Input: joined, Fields: append(u.in.Schema()[:nl:nl], fields...), Exprs: keyCols(u.in.Schema())}
	for _, e := range exprs {
		v := outside(e, over)
		if _, plain := e.(*expr.Col); !plain && j.Kind == plan.Left {
			// Rows that match nothing have nulls, whatever an expression makes of nulls.
			v = nullUnless(expr.Present(outside(c.inner[0], over)), v)
		}
		p.Exprs = append(p.Exprs, v)
	}
	if j.Cond == nil || j.Kind == plan.Left {
		return p, true
	}
	return &plan.Filter{Input: p, Cond: j.Cond}, true
}
