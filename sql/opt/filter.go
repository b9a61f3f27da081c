package opt

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// pushFilters moves conditions down as far as they go: through projections, sorts and grouping, into the sides of joins,
// into scans.
func pushFilters(n plan.Node, _ Options) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		f, ok := n.(*plan.Filter)
		if !ok {
			return n, nil
		}
		return sink(f.Input, expr.Conjuncts(f.Cond)), nil
	})
}

// sink gives n with the conditions applied, each as far down as it may go. The conditions read n's columns.
func sink(n plan.Node, conds []expr.Expr) plan.Node {
	if len(conds) == 0 {
		return n
	}
	var stay []expr.Expr
	switch in := n.(type) {
	case *plan.Filter:
		return sink(in.Input, append(expr.Conjuncts(in.Cond), conds...))
	case *plan.Project:
		n, stay = sinkProject(in, conds)
	case *plan.Sort:
		if in.Limit < 0 {
			out := *in
			out.Input = sink(in.Input, conds)
			return &out
		}
		stay = conds
	case *plan.Distinct:
		if in.On == nil {
			out := *in
			out.Input = sink(in.Input, conds)
			return &out
		}
		stay = conds
	case *plan.Aggregate:
		n, stay = sinkAggregate(in, conds)
	case *plan.Join:
		n, stay = sinkJoin(in, conds)
	case *plan.Scan:
		if in.Limit >= 0 {
			stay = conds
			break
		}
		out := *in
		out.Filter = and(append(expr.Conjuncts(in.Filter), conds...))
		return &out
	default:
		stay = conds
	}
	if len(stay) == 0 {
		return n
	}
	return &plan.Filter{Input: n, Cond: and(stay)}
}

// and joins conditions; none is nil.
func and(conds []expr.Expr) expr.Expr {
	switch len(conds) {
	case 0:
		return nil
	case 1:
		return conds[0]
	}
	return &expr.And{Args: conds}
}

func sinkProject(in *plan.Project, conds []expr.Expr) (plan.Node, []expr.Expr) {
	for _, e := range in.Exprs {
		if expr.HasSet(e) || expr.IsVolatile(e) {
			return in, conds
		}
	}
	var down, stay []expr.Expr
	for _, c := range conds {
		moved, ok := plan.Substitute(c, func(col *expr.Col) expr.Expr { return in.Exprs[col.Index] })
		if ok && !expr.IsVolatile(c) {
			down = append(down, moved)
		} else {
			stay = append(stay, c)
		}
	}
	if len(down) == 0 {
		return in, conds
	}
	out := *in
	out.Input = sink(in.Input, down)
	return &out, stay
}

// sinkAggregate moves conditions that read only grouping keys below the grouping: then whole groups are never made.
func sinkAggregate(in *plan.Aggregate, conds []expr.Expr) (plan.Node, []expr.Expr) {
	if in.Sets != nil || len(in.Keys) == 0 {
		return in, conds
	}
	var down, stay []expr.Expr
	for _, c := range conds {
		used := map[int]bool{}
		plan.Cols(c, used)
		keysOnly := !expr.IsVolatile(c)
		for i := range used {
			keysOnly = keysOnly && i < len(in.Keys) && !expr.IsVolatile(in.Keys[i])
		}
		if keysOnly {
			var moved expr.Expr
			if moved, keysOnly = plan.Substitute(c, func(col *expr.Col) expr.Expr { return in.Keys[col.Index] }); keysOnly {
				down = append(down, moved)
				continue
			}
		}
		stay = append(stay, c)
	}
	if len(down) == 0 {
		return in, conds
	}
	out := *in
	out.Input = sink(in.Input, down)
	return &out, stay
}

// sides reports whether an expression reads columns of the left and of the right input of a join.
func sides(e expr.Expr, left int) (l, r bool) {
	used := map[int]bool{}
	plan.Cols(e, used)
	for i := range used {
		if i < left {
			l = true
		} else {
			r = true
		}
	}
	return l, r
}

// sinkJoin moves conditions about one side into that side where the join keeps no rows of it that have no partner.
func sinkJoin(in *plan.Join, conds []expr.Expr) (plan.Node, []expr.Expr) {
	width := len(in.Left.Schema())
	mayLeft := in.Kind != plan.Right && in.Kind != plan.Full
	mayRight := (in.Kind == plan.Inner || in.Kind == plan.Cross || in.Kind == plan.Right) && !in.Lateral
	mayCond := in.Kind == plan.Inner || in.Kind == plan.Cross
	var left, right, cond, stay []expr.Expr
	for _, c := range conds {
		l, r := sides(c, width)
		switch {
		case expr.IsVolatile(c):
			stay = append(stay, c)
		case l && !r && mayLeft:
			left = append(left, c)
		case r && !l && mayRight:
			right = append(right, plan.MoveCols(c, func(i int) int { return i - width }))
		case l && r && mayCond:
			cond = append(cond, c)
		default:
			stay = append(stay, c)
		}
	}
	if len(left)+len(right)+len(cond) == 0 {
		return in, conds
	}
	out := *in
	out.Left, out.Right = sink(in.Left, left), sink(in.Right, right)
	if len(cond) > 0 {
		out.Cond = and(append(expr.Conjuncts(in.Cond), cond...))
		if out.Kind == plan.Cross {
			out.Kind = plan.Inner
		}
	}
	return &out, stay
}

// joinKeys takes equalities between both sides out of a join's condition and makes them hash keys; conditions about one
// side go into that side where the kind of join allows it.
func joinKeys(n plan.Node, _ Options) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		j, ok := n.(*plan.Join)
		if !ok || j.Cond == nil || j.Lateral {
			return n, nil
		}
		out, width := *j, len(j.Left.Schema())
		var rest, right, left []expr.Expr
		for _, c := range expr.Conjuncts(j.Cond) {
			lk, rk, isKey := keyPair(c, width)
			l, r := sides(c, width)
			plain := !expr.IsVolatile(c)
			switch {
			case isKey:
				out.LeftKeys = append(out.LeftKeys[:len(out.LeftKeys):len(out.LeftKeys)], lk)
				out.RightKeys = append(out.RightKeys[:len(out.RightKeys):len(out.RightKeys)], rk)
			case plain && r && !l && (j.Kind == plan.Inner || j.Kind == plan.Left || j.Kind == plan.Semi || j.Kind == plan.Anti):
				right = append(right, plan.MoveCols(c, func(i int) int { return i - width }))
			case plain && l && !r && (j.Kind == plan.Inner || j.Kind == plan.Right || j.Kind == plan.Semi):
				left = append(left, c)
			default:
				rest = append(rest, c)
			}
		}
		out.Cond, out.Left, out.Right = and(rest), sink(j.Left, left), sink(j.Right, right)
		return &out, nil
	})
}

// keyPair splits left = right where each operand reads one side only and both are of one type.
func keyPair(c expr.Expr, width int) (left, right expr.Expr, ok bool) {
	call, isCall := c.(*expr.Call)
	if !isCall || call.Fn.Name != "=" || len(call.Args) != 2 || expr.IsVolatile(c) {
		return nil, nil, false
	}
	a, b := call.Args[0], call.Args[1]
	if a.Type().OID != b.Type().OID {
		return nil, nil, false
	}
	al, ar := sides(a, width)
	bl, br := sides(b, width)
	if ar && !al && bl && !br {
		a, b, al, ar, bl, br = b, a, bl, br, al, ar
	}
	if !al || ar || bl || !br {
		return nil, nil, false
	}
	return a, plan.MoveCols(b, func(i int) int { return i - width }), true
}
