package opt

import (
	"maps"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// outerJoins makes inner joins of outer ones whose missing rows are dropped above: a condition that is not true of null drops
// them.
func outerJoins(_ *run, n plan.Node) (plan.Node, error) { return present(n, nil), nil }

// columns is a set of columns of a node.
type columns map[int]bool

// present rewrites n, knowing that rows in which one of the columns is null are dropped above.
func present(n plan.Node, kept columns) plan.Node {
	switch x := n.(type) {
	case *plan.Filter:
		return over(x, present(x.Input, with(kept, x.Cond)))
	case *plan.Sort:
		if x.Limit < 0 {
			return over(x, present(x.Input, kept))
		}
	case *plan.Project:
		below := columns{}
		for i := range kept {
			maps.Copy(below, nullWith(x.Exprs[i]))
		}
		if !keepsRows(x) {
			below = nil
		}
		return over(x, present(x.Input, below))
	case *plan.Join:
		return presentJoin(x, kept)
	}
	return plan.MapChildren(n, func(_ int, c plan.Node) plan.Node { return present(c, nil) })
}

// with adds the columns that are not null where a condition is true.
func with(kept columns, cond expr.Expr) columns {
	out := columns{}
	maps.Copy(out, kept)
	for _, c := range expr.Conjuncts(cond) {
		maps.Copy(out, rejects(c))
	}
	return out
}

func presentJoin(n *plan.Join, kept columns) plan.Node {
	nl := plan.Width(n.Left)
	left, right := columns{}, columns{}
	split := func(c columns) {
		for i := range c {
			if i < nl {
				left[i] = true
			} else {
				right[i-nl] = true
			}
		}
	}
	split(kept)
	c := *n
	switch {
	case n.Kind == plan.Left && len(right) > 0:
		c.Kind = plan.Inner
	case n.Kind == plan.Right && len(left) > 0 && !n.Lateral:
		c.Kind = plan.Inner
	case n.Kind == plan.Full && len(left) > 0 && len(right) > 0:
		c.Kind = plan.Inner
	case n.Kind == plan.Full && len(left) > 0:
		c.Kind = plan.Left
	case n.Kind == plan.Full && len(right) > 0:
		c.Kind = plan.Right
	}
	cond := with(nil, n.Cond)
	inLeft, inRight := columns{}, columns{}
	for i := range cond {
		if i < nl {
			inLeft[i] = true
		} else {
			inRight[i-nl] = true
		}
	}
	// The condition drops rows of a side that is not kept without a match.
	switch c.Kind {
	case plan.Inner, plan.Cross, plan.Semi:
		maps.Copy(left, inLeft)
		maps.Copy(right, inRight)
	case plan.Left, plan.Anti:
		right = inRight
	case plan.Right:
		left = inLeft
	case plan.Full:
		left, right = nil, nil
	}
	if n.Lateral {
		right = nil
	}
	c.Left, c.Right = present(n.Left, left), present(n.Right, right)
	if c.Kind == n.Kind && c.Left == n.Left && c.Right == n.Right {
		return n
	}
	return &c
}

// rejects are the columns each of which being null makes a condition false or null.
func rejects(e expr.Expr) columns {
	switch x := e.(type) {
	case *expr.And:
		return with(nil, x)
	case *expr.Or:
		out := rejects(x.Args[0])
		for _, a := range x.Args[1:] {
			other := rejects(a)
			maps.DeleteFunc(out, func(i int, _ bool) bool { return !other[i] })
		}
		return out
	case *expr.IsNull:
		if x.Not {
			return nullWith(x.Arg)
		}
		return columns{}
	case *expr.BoolTest:
		if x.Want == 'u' == x.Not {
			return nullWith(x.Arg) // IS TRUE, IS FALSE, IS NOT UNKNOWN
		}
		return columns{}
	case *expr.In:
		return nullWith(x.Arg)
	}
	return nullWith(e)
}

// nullWith are the columns each of which being null makes a value null.
func nullWith(e expr.Expr) columns {
	out := columns{}
	switch x := e.(type) {
	case *expr.Col:
		out[x.Index] = true
	case *expr.Call:
		if x.Fn.Strict && !x.Fn.RetSet {
			for _, a := range x.Args {
				maps.Copy(out, nullWith(a))
			}
		}
	case *expr.Cast:
		return nullWith(x.Arg)
	case *expr.Not:
		return nullWith(x.Arg)
	}
	return out
}
