package opt

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// pushFilters moves conditions down. Conditions of lower filters stay before those of upper ones, so that a condition that
// guards another from failing still does.
func pushFilters(_ *run, n plan.Node) (plan.Node, error) { return push(n, nil), nil }

// push returns n filtered by the conditions, which are over n's columns.
func push(n plan.Node, conds []expr.Expr) plan.Node {
	switch n := n.(type) {
	case *plan.Filter:
		return pushFilter(n, conds)
	case *plan.Project:
		return pushProject(n, conds)
	case *plan.Join:
		return pushJoin(n, conds)
	case *plan.Aggregate:
		return pushAggregate(n, conds)
	case *plan.SetOp:
		c := *n
		l, r := push(n.Left, conds), push(n.Right, conds)
		if l == n.Left && r == n.Right {
			return n
		}
		c.Left, c.Right = l, r
		return &c
	case *plan.Sort:
		if n.Limit < 0 {
			return over(n, push(n.Input, conds))
		}
	case *plan.Distinct:
		return pushDistinct(n, conds)
	case *plan.Window:
		return pushWindow(n, conds)
	case *plan.With:
		return pushWith(n, conds)
	}
	return filtered(rebuild(n), conds)
}

// over puts a node with one input over another input.
func over(n, in plan.Node) plan.Node {
	if n.Children()[0] == in {
		return n
	}
	return n.WithChildren([]plan.Node{in})
}

// rebuild pushes within the inputs of a node that lets nothing through.
func rebuild(n plan.Node) plan.Node {
	return plan.MapChildren(n, func(_ int, c plan.Node) plan.Node { return push(c, nil) })
}

func filtered(n plan.Node, conds []expr.Expr) plan.Node {
	if len(conds) == 0 {
		return n
	}
	return &plan.Filter{Input: n, Cond: expr.Conjoin(conds)}
}

func pushFilter(n *plan.Filter, conds []expr.Expr) plan.Node {
	own := expr.Conjuncts(n.Cond)
	for _, c := range own {
		if expr.IsVolatile(c) {
			return filtered(over(n, push(n.Input, nil)), conds)
		}
	}
	if len(conds) == 0 {
		out := push(n.Input, own)
		if f, ok := out.(*plan.Filter); ok && f.Input == n.Input && expr.Equal(f.Cond, n.Cond) {
			return n
		}
		return out
	}
	return push(n.Input, append(own[:len(own):len(own)], conds...))
}

// pushProject moves conditions below a projection, in terms of its input.
func pushProject(n *plan.Project, conds []expr.Expr) plan.Node {
	var below, above []expr.Expr
	for _, c := range conds {
		if x, ok := throughProject(n, c); ok {
			below = append(below, x)
		} else {
			above = append(above, c)
		}
	}
	return filtered(over(n, push(n.Input, below)), above)
}

// throughProject puts the projection's expressions in the place of its columns.
func throughProject(n *plan.Project, c expr.Expr) (expr.Expr, bool) {
	if expr.IsVolatile(c) {
		return nil, false
	}
	used := map[int]bool{}
	plan.Cols(c, used)
	for i := range used {
		if expr.IsVolatile(n.Exprs[i]) {
			return nil, false
		}
	}
	return plan.Substitute(c, func(c *expr.Col) expr.Expr { return n.Exprs[c.Index] })
}

// side says which inputs of a join a condition is about.
type side uint8

const (
	neither side = iota
	leftSide
	rightSide
	bothSides
)

func sideOf(c expr.Expr, nl int) side {
	used := map[int]bool{}
	plan.Cols(c, used)
	s := neither
	for i := range used {
		if i < nl {
			s |= leftSide
		} else {
			s |= rightSide
		}
	}
	return s
}

// pushJoin moves conditions into the inputs of a join as far as its kind lets them.
func pushJoin(n *plan.Join, conds []expr.Expr) plan.Node {
	nl := plan.Width(n.Left)
	var left, right, on, above []expr.Expr
	toRight := func(c expr.Expr) {
		c = plan.MoveCols(c, func(i int) int { return i - nl })
		if n.Lateral {
			c = plan.ShiftOuterExpr(c, 1)
		}
		right = append(right, c)
	}
	inner := n.Kind == plan.Inner || n.Kind == plan.Cross
	for _, c := range expr.Conjuncts(n.Cond) {
		switch s := sideOf(c, nl); {
		case expr.IsVolatile(c):
			on = append(on, c)
		case s == leftSide && (inner || n.Kind == plan.Right || n.Kind == plan.Semi):
			left = append(left, c)
		case s == rightSide && (inner || n.Kind == plan.Left || n.Kind == plan.Semi || n.Kind == plan.Anti):
			toRight(c)
		default:
			on = append(on, c)
		}
	}
	for _, c := range conds {
		switch s := sideOf(c, nl); {
		case expr.IsVolatile(c) || n.Kind == plan.Full || n.Guard && !expr.CannotFail(c):
			above = append(above, c)
		case s == leftSide && n.Kind != plan.Right:
			left = append(left, c)
		case s == rightSide && (inner || n.Kind == plan.Right):
			toRight(c)
		case inner:
			on = append(on, c)
		default:
			above = append(above, c)
		}
	}
	c := *n
	c.Left, c.Right = push(n.Left, left), push(n.Right, right)
	c.Cond = expr.Conjoin(on)
	switch {
	case n.Kind == plan.Cross && c.Cond != nil:
		c.Kind = plan.Inner
	case n.Kind == plan.Inner && c.Cond == nil && len(n.LeftKeys) == 0:
		c.Kind = plan.Cross
	}
	if c.Left == n.Left && c.Right == n.Right && c.Kind == n.Kind && len(above) == len(conds) && expr.Equal(c.Cond, n.Cond) {
		return filtered(n, conds)
	}
	return filtered(&c, above)
}

// pushDistinct moves conditions below: with ON those that all rows of a value meet, or none.
func pushDistinct(n *plan.Distinct, conds []expr.Expr) plan.Node {
	if len(n.On) == 0 {
		return over(n, push(n.Input, conds))
	}
	on := columnsAmong(n.On)
	return pushGrouped(n, conds, func(c *expr.Col) expr.Expr {
		if !on[c.Index] {
			return nil
		}
		return c
	})
}

// pushAggregate moves conditions on keys below the grouping.
func pushAggregate(n *plan.Aggregate, conds []expr.Expr) plan.Node {
	return pushGrouped(n, conds, func(c *expr.Col) expr.Expr {
		if n.Sets != nil || c.Index >= len(n.Keys) || expr.IsVolatile(n.Keys[c.Index]) {
			return nil
		}
		return n.Keys[c.Index]
	})
}

// pushWindow moves conditions below that all rows of a partition meet, or none.
func pushWindow(n *plan.Window, conds []expr.Expr) plan.Node {
	by := columnsAmong(n.Partition)
	return pushGrouped(n, conds, func(c *expr.Col) expr.Expr {
		if c.Index >= len(n.Keep) || !by[n.Keep[c.Index]] {
			return nil
		}
		return col(n.Keep[c.Index], c.Typ, c.Name)
	})
}

// columnsAmong lists the columns that are expressions of a list.
func columnsAmong(list []expr.Expr) columns {
	out := columns{}
	for _, e := range list {
		if c, ok := e.(*expr.Col); ok {
			out[c.Index] = true
		}
	}
	return out
}

// pushGrouped moves conditions below a node that takes rows together: those of whose columns every one is something that all
// these rows agree in, which by gives in terms of the input; nil for other columns.
func pushGrouped(n plan.Node, conds []expr.Expr, by func(*expr.Col) expr.Expr) plan.Node {
	var below, above []expr.Expr
	for _, c := range conds {
		used := map[int]bool{}
		plan.Cols(c, used)
		ok := len(used) > 0 && !expr.IsVolatile(c)
		for i := range used {
			ok = ok && by(&expr.Col{Index: i}) != nil
		}
		if ok {
			var x expr.Expr
			if x, ok = plan.Substitute(c, by); ok {
				below = append(below, x)
				continue
			}
		}
		above = append(above, c)
	}
	return filtered(over(n, push(n.Children()[0], below)), above)
}

func pushWith(n *plan.With, conds []expr.Expr) plan.Node {
	body := len(n.Children()) - 1
	return plan.MapChildren(n, func(i int, c plan.Node) plan.Node {
		if i == body {
			return push(c, conds)
		}
		return push(c, nil)
	})
}

// scanFilters makes a condition right above a scan the scan's own.
func scanFilters(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		f, ok := n.(*plan.Filter)
		if !ok {
			return n, nil
		}
		s, ok := f.Input.(*plan.Scan)
		if !ok || s.Limit >= 0 || expr.IsVolatile(f.Cond) {
			return n, nil
		}
		c := *s
		c.Filter = expr.Conjoin(append(expr.Conjuncts(s.Filter), expr.Conjuncts(f.Cond)...))
		return &c, nil
	})
}
