package opt

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// groupInputs puts the expressions of a projection into the grouping over it, unless one would be computed twice that costs
// or that must be computed once. What a grouping reads of a scan directly may be known without reading it.
func groupInputs(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		a, ok := n.(*plan.Aggregate)
		if !ok {
			return n, nil
		}
		p, ok := a.Input.(*plan.Project)
		if !ok {
			return n, nil
		}
		uses := make([]int, len(p.Exprs))
		for _, e := range plan.Exprs(a) {
			expr.Walk(e, func(x expr.Expr) bool {
				if c, ok := x.(*expr.Col); ok {
					uses[c.Index]++
				}
				return true
			})
		}
		for i, e := range p.Exprs {
			if expr.IsVolatile(e) || uses[i] > 1 && !cheap(e) {
				return n, nil
			}
		}
		ok = true
		out := plan.MapExprs(a, func(e expr.Expr) expr.Expr {
			x, fits := plan.Substitute(e, func(c *expr.Col) expr.Expr { return p.Exprs[c.Index] })
			ok = ok && fits
			return x
		})
		if !ok {
			return n, nil
		}
		return over(out, p.Input), nil
	})
}
