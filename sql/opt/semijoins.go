package opt

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// semiJoins turns EXISTS and IN over queries that refer to the row into joins, where what refers to it is a condition.
func semiJoins(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		f, ok := n.(*plan.Filter)
		if !ok {
			return n, nil
		}
		in := f.Input
		var rest []expr.Expr
		for _, c := range expr.Conjuncts(f.Cond) {
			if j, ok := r.semiJoin(in, c); ok {
				in = j
			} else {
				rest = append(rest, c)
			}
		}
		if in == f.Input {
			return n, nil
		}
		return filtered(in, rest), nil
	})
}

func (r *run) semiJoin(in plan.Node, c expr.Expr) (plan.Node, bool) {
	negated := false
	if not, ok := c.(*expr.Not); ok {
		negated, c = true, not.Arg
	}
	s, ok := c.(*expr.Subquery)
	if !ok || !s.Correlated {
		return nil, false
	}
	sub, ok := s.Plan.(plan.Node)
	if !ok {
		return nil, false
	}
	sub, join, ok := matching(r.folded(sub), s, negated != s.Not)
	if !ok {
		return nil, false
	}
	join.Left = in
	nl := plan.Width(in)
	var own []expr.Expr
	conds := expr.Conjuncts(join.Cond)
	for i, e := range conds {
		conds[i] = inJoin(e, nl)
	}
	for {
		f, ok := sub.(*plan.Filter)
		if !ok {
			break
		}
		for _, c := range expr.Conjuncts(f.Cond) {
			if !hasOuter(c) {
				own = append(own, c)
				continue
			}
			if hasSubquery(c) || expr.IsVolatile(c) {
				return nil, false
			}
			conds = append(conds, inJoin(c, nl))
		}
		sub = f.Input
	}
	if len(plan.OuterUses(sub, 1)) > 0 || len(conds) == 0 && len(join.LeftKeys) == 0 {
		return nil, false
	}
	right, err := semiJoins(r, filtered(sub, own))
	if err != nil {
		return nil, false
	}
	join.Right = plan.ShiftOuter(right, -1)
	join.Cond = expr.Conjoin(conds)
	return join, true
}

// matching is the join that a condition on a subquery is, without its left side, and the rows that it looks for a match in.
// The join's condition is over those, with the row around as Outer columns. A row that must not match must not perhaps match
// either: null decides nothing.
func matching(sub plan.Node, s *expr.Subquery, negated bool) (plan.Node, *plan.Join, bool) {
	join := &plan.Join{Kind: plan.Semi}
	if negated != (s.Kind == expr.AllQuery) {
		join.Kind = plan.Anti
	}
	if s.Kind == expr.Exists {
		return withoutColumns(sub), join, true
	}
	p, ok := sub.(*plan.Project)
	if !ok || len(p.Exprs) != 1 || s.Test == nil || expr.IsVolatile(p.Exprs[0]) || hasSubquery(p.Exprs[0]) || hasSubquery(s.Test) ||
		expr.IsVolatile(s.Test) || hasOuter(s.Test) {
		return nil, nil, false
	}
	value := p.Exprs[0]
	in := s.Kind == expr.InQuery || s.Kind == expr.AnyQuery && s.Op.Name == "="
	if in && !negated && !hasOuter(value) && expr.CannotFail(value) && hashAlike(s.Test.Type().OID, value.Type().OID) {
		join.LeftKeys, join.RightKeys = []expr.Expr{s.Test}, []expr.Expr{value}
		return p.Input, join, true
	}
	test, ok := inside(s.Test)
	if !ok {
		return nil, nil, false
	}
	var holds expr.Expr
	switch s.Kind {
	case expr.InQuery:
		if s.Test.Type() != value.Type() {
			return nil, nil, false
		}
		holds = &expr.In{Arg: test, List: []expr.Expr{value}}
	case expr.AnyQuery, expr.AllQuery:
		holds = &expr.Call{Fn: s.Op, Args: []expr.Expr{test, value}, Typ: s.Typ, Pos: -1}
	default:
		return nil, nil, false
	}
	switch {
	case s.Kind != expr.AllQuery && negated:
		holds = &expr.BoolTest{Arg: holds, Want: 'f', Not: true}
	case s.Kind == expr.AllQuery && negated:
		holds = &expr.Not{Arg: holds}
	case s.Kind == expr.AllQuery:
		holds = &expr.BoolTest{Arg: holds, Want: 't', Not: true}
	}
	join.Cond = holds
	return p.Input, join, true
}

// inside moves an expression one row context in: its columns are those of the row around then.
func inside(e expr.Expr) (expr.Expr, bool) {
	return plan.Substitute(plan.ShiftOuterExpr(e, 1), func(c *expr.Col) expr.Expr {
		return &expr.Outer{Level: 1, Index: c.Index, Typ: c.Typ, Name: c.Name}
	})
}

// withoutColumns drops what decides only the columns or the order of a query.
func withoutColumns(n plan.Node) plan.Node {
	for {
		switch x := n.(type) {
		case *plan.Project:
			for _, e := range x.Exprs {
				if expr.HasSet(e) {
					return n
				}
			}
			n = x.Input
		case *plan.Sort:
			n = x.Input
		case *plan.Limit:
			if x.Offset != nil || limitRows(x) < 1 {
				return n
			}
			n = x.Input
		default:
			return n
		}
	}
}

// hasOuter reports whether an expression refers to the row just outside.
func hasOuter(e expr.Expr) bool {
	return expr.Any(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.Outer:
			return x.Level == 1
		case *expr.Subquery:
			p, ok := x.Plan.(plan.Node)
			return ok && len(plan.OuterUses(p, 2)) > 0
		}
		return false
	})
}

// inJoin makes a condition of a subquery's filter one over the joined row.
func inJoin(e expr.Expr, nl int) expr.Expr {
	return expr.Transform(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *expr.Col:
			c := *x
			c.Index += nl
			return &c
		case *expr.Outer:
			return x.Nearer()
		}
		return x
	})
}
