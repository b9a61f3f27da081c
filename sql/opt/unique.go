package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// unread reports whether a join adds nothing to the rows of one of its sides: they are kept without a match, match one row at
// most, and nobody reads the other side. kept is that side.
func unread(n *plan.Join, need wants) (kept plan.JoinKind, ok bool) {
	if n.Lateral || n.Cond != nil && expr.IsVolatile(n.Cond) {
		return 0, false
	}
	nl := plan.Width(n.Left)
	left, right := false, false
	for w := range need {
		left, right = left || w.col < nl, right || w.col >= nl
	}
	switch {
	case n.Kind == plan.Left && !right && unique(n.Right, n.RightKeys):
		return plan.Left, true
	case n.Kind == plan.Right && !left && unique(n.Left, n.LeftKeys):
		return plan.Right, true
	}
	return 0, false
}

// unique reports whether no two rows of a node have the same values of the expressions; rows with a null among these aside.
func unique(n plan.Node, keys []expr.Expr) bool {
	switch x := n.(type) {
	case *plan.Scan:
		return slices.ContainsFunc(keys, func(e expr.Expr) bool {
			column, ok := origin(e, x)
			return ok && (column == catalog.EventPosition || column == catalog.EventID)
		})
	case *plan.Values:
		return len(x.Rows) <= 1
	case *plan.Filter, *plan.Sort:
		return unique(n.Children()[0], keys)
	case *plan.Limit:
		return limitRows(x) >= 0 && limitRows(x) <= 1 && x.Offset == nil || unique(x.Input, keys)
	case *plan.Project:
		return keepsRows(x) && unique(x.Input, columnsBelow(keys, func(i int) expr.Expr { return x.Exprs[i] }))
	case *plan.Window:
		return unique(x.Input, columnsBelow(keys, func(i int) expr.Expr {
			if i >= len(x.Keep) {
				return nil
			}
			f := x.Fields[i]
			return col(x.Keep[i], f.Type, f.Name)
		}))
	case *plan.Aggregate:
		return x.Sets == nil && covers(keys, keyCols(x.Fields[:len(x.Keys)]))
	case *plan.Distinct:
		if len(x.On) > 0 {
			return covers(keys, x.On)
		}
		return covers(keys, keyCols(x.Schema()))
	}
	return false
}

// covers reports whether all expressions of a list are among the keys.
func covers(keys, list []expr.Expr) bool {
	for _, e := range list {
		if expr.IsVolatile(e) || !slices.ContainsFunc(keys, func(k expr.Expr) bool { return expr.Equal(k, e) }) {
			return false
		}
	}
	return true
}

// columnsBelow lists what the columns among keys are in terms of an input.
func columnsBelow(keys []expr.Expr, by func(int) expr.Expr) []expr.Expr {
	var out []expr.Expr
	for _, k := range keys {
		if c, ok := k.(*expr.Col); ok {
			if e := by(c.Index); e != nil {
				out = append(out, e)
			}
		}
	}
	return out
}

// topOfKept sorts and limits, below outer joins, the side whose rows are all kept, where the order is one of that side's columns:
// each of its rows gives one at least.
func (r *run) topOfKept(n plan.Node, keys []plan.SortKey, rows int64) plan.Node {
	switch x := n.(type) {
	case *plan.Project:
		below := make([]plan.SortKey, len(keys))
		for i, k := range keys {
			e, ok := throughProject(x, k.Expr)
			if !ok || !keepsRows(x) {
				return n
			}
			below[i] = plan.SortKey{Expr: e, Desc: k.Desc, NullsFirst: k.NullsFirst}
		}
		return over(x, r.topOfKept(x.Input, below, rows))
	case *plan.Join:
		return r.topOfSide(x, keys, rows)
	}
	return n
}

func (r *run) topOfSide(n *plan.Join, keys []plan.SortKey, rows int64) plan.Node {
	nl := plan.Width(n.Left)
	shift, want, side := 0, leftSide, n.Left
	switch {
	case n.Kind == plan.Left:
	case n.Kind == plan.Right && !n.Lateral:
		shift, want, side = nl, rightSide, n.Right
	default:
		return n
	}
	below := make([]plan.SortKey, len(keys))
	for i, k := range keys {
		if sideOf(k.Expr, nl) != want || expr.IsVolatile(k.Expr) {
			return n
		}
		k.Expr = plan.MoveCols(k.Expr, func(i int) int { return i - shift })
		below[i] = k
	}
	if all := r.guess.of(side); all >= 0 && all <= float64(rows) {
		return n
	}
	if _, done := side.(*plan.Limit); done {
		return n
	}
	inner := r.topOfKept(side, below, rows)
	top := &plan.Limit{Input: &plan.Sort{Input: inner, Keys: below, Limit: rows}, Count: int8Of(rows)}
	if want == leftSide {
		return n.WithChildren([]plan.Node{top, n.Right})
	}
	return n.WithChildren([]plan.Node{n.Left, top})
}
