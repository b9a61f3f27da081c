package engine

import (
	"maps"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// reads adds the columns of expressions to those used, which may be nil for all.
func reads(used map[int]bool, list ...expr.Expr) map[int]bool {
	if used == nil {
		return nil
	}
	used = maps.Clone(used)
	for _, e := range list {
		if e != nil {
			plan.Cols(e, used)
		}
	}
	return used
}

// join makes a join of which some columns are used above, nil: all.
func (b *builder) join(n *plan.Join, used map[int]bool) (op.Op, error) {
	j := joining(n, nil)
	if n.Lateral {
		left, err := b.build(n.Left)
		if err != nil {
			return nil, err
		}
		return b.lateral(n, left, j), nil
	}
	j.Used = used
	of := [2]*builder{b, b}
	if groupsScan(n.Left) && groupsScan(n.Right) && b.env.Workers > 1 {
		j.Together = true
		for i, c := range op.NewCrews() {
			of[i] = b.inside(b.env.X.Outer)
			of[i].env.Crew = c
			of[i].env.Workers = (b.env.Workers + 1 - i) / 2
		}
	}
	usedLeft, usedRight := sides(n, used)
	left, err := of[0].buildFor(n.Left, usedLeft)
	if err != nil {
		return nil, err
	}
	right, err := of[1].buildFor(n.Right, usedRight)
	if err != nil {
		return nil, closeWith(left, err)
	}
	if n.Merge != nil {
		return op.NewMergeJoin(b.env, left, right, j, n.Merge), nil
	}
	return op.NewHashJoin(b.env, left, right, j), nil
}

// joining says what a join does of whose columns some are used above, nil: all.
func joining(n *plan.Join, used map[int]bool) *op.Joining {
	return &op.Joining{
		Kind: n.Kind, LeftTypes: typesOf(n.Left), RightTypes: typesOf(n.Right),
		LeftKeys: n.LeftKeys, RightKeys: n.RightKeys, Cond: n.Cond, Used: used,
	}
}

// sides splits what is used of a join into what it reads of its inputs.
func sides(n *plan.Join, used map[int]bool) (left, right map[int]bool) {
	if used == nil {
		return nil, nil
	}
	left, right = reads(map[int]bool{}, n.LeftKeys...), reads(map[int]bool{}, n.RightKeys...)
	width := plan.Width(n.Left)
	for c := range reads(used, n.Cond) {
		if c < width {
			left[c] = true
		} else {
			right[c-width] = true
		}
	}
	return left, right
}

// groupsScan reports whether n groups a scan of events, which is done when it is opened.
func groupsScan(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Filter:
		return groupsScan(n.Input)
	case *plan.Project:
		return !hasSet(n.Exprs) && groupsScan(n.Input)
	case *plan.Aggregate:
		return scanUnder(n) != nil
	}
	return false
}

// lateral joins with what is made anew for each left row; a set-returning function is called directly.
func (b *builder) lateral(n *plan.Join, left op.Op, j *op.Joining) op.Op {
	cond := keysAsCond(n)
	if f, ok := n.Right.(*plan.FuncScan); ok && (n.Kind == plan.Inner || n.Kind == plan.Cross || n.Kind == plan.Left) && b.x.statsOf(f) == nil {
		if args, ok := overRow(f.Args); ok {
			call := setCall(f)
			call.Args = args
			return op.NewLateralFunc(b.env, left, call, n.Kind == plan.Left, cond)
		}
	}
	j.LeftKeys, j.RightKeys, j.Cond = nil, nil, cond
	return op.NewLateral(b.env, left, func(row expr.OuterRow) (op.Op, error) {
		outer := b.env.X.Outer
		in := b.inside(append(outer[:len(outer):len(outer)], row))
		return in.build(in.weigh(n.Right))
	}, j)
}

// keysAsCond makes one condition over the joined row of keys and condition.
func keysAsCond(n *plan.Join) expr.Expr {
	var list []expr.Expr
	width := plan.Width(n.Left)
	for i, l := range n.LeftKeys {
		r := plan.MoveCols(n.RightKeys[i], func(c int) int { return c + width })
		list = append(list, &expr.In{Arg: l, List: []expr.Expr{r}})
	}
	return expr.Conjoin(append(list, expr.Conjuncts(n.Cond)...))
}

// overRow rewrites expressions that see the left row as the next row outwards into expressions over its columns.
func overRow(args []expr.Expr) ([]expr.Expr, bool) {
	ok := true
	out := make([]expr.Expr, len(args))
	for i, a := range args {
		out[i] = expr.Transform(a, func(e expr.Expr) expr.Expr {
			switch e := e.(type) {
			case *expr.Subquery, *expr.Col:
				ok = false
			case *expr.Outer:
				return e.Nearer()
			}
			return e
		})
	}
	return out, ok
}
