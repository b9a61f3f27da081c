package bind

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// placed gives a call to the query that it belongs to: the innermost of those whose columns it reads, its own where it reads none.
// What stands in the expression is the result: an aggRef, or in a subquery a reference to the row of the query around. The number
// of that column is known when the query is grouped; until then it is outerAggregate of the call's number.
func (f *frame) placed(c *plan.AggCall, x *syntax.FuncCall) (expr.Expr, error) {
	level := aggregateLevel(c)
	if level == 0 {
		if err := f.aggregatesAllowed(x); err != nil {
			return nil, err
		}
		f.aggs.directArguments(c)
		return f.aggs.add(*c, x), nil
	}
	s := f.scope
	for range level {
		s = s.up
	}
	if s.lateral || s.asker == nil {
		return nil, f.errorIn(x, pgerr.GroupingError, "aggregate functions are not allowed in FROM clause of their own query level")
	}
	if err := s.asker.aggregatesAllowed(x); err != nil {
		return nil, err
	}
	for i, a := range c.Args {
		c.Args[i] = outwardsBy(a, level)
	}
	for i := range c.Order {
		c.Order[i].Expr = outwardsBy(c.Order[i].Expr, level)
	}
	if c.Filter != nil {
		c.Filter = outwardsBy(c.Filter, level)
	}
	for _, e := range c.Exprs() {
		if expr.Any(e, func(x expr.Expr) bool { c, ok := x.(*expr.Col); return ok && c.Index < 0 }) {
			return nil, f.errorIn(x, pgerr.GroupingError, "aggregate function calls cannot be nested")
		}
	}
	s.asker.aggs.directArguments(c)
	ref := s.asker.aggs.add(*c, x)
	return &expr.Outer{Level: level, Index: outerAggregate(ref.index), Typ: ref.typ, Name: ref.name}, nil
}

// outerAggregate is its own inverse.
func outerAggregate(n int) int { return -1 - n }

// aggregateLevel is how many row contexts out the innermost row is that a call reads.
func aggregateLevel(c *plan.AggCall) int {
	level := -1
	reads := func(l int) {
		if level < 0 || l < level {
			level = l
		}
	}
	for _, e := range c.Exprs() {
		expr.Walk(e, func(e expr.Expr) bool {
			switch e := e.(type) {
			case *expr.Col, *aggRef:
				reads(0)
			case *expr.Outer:
				reads(e.Level)
			case *expr.Subquery:
				if p, ok := e.Plan.(plan.Node); ok {
					plan.MapOuter(p, func(o *expr.Outer, depth int) expr.Expr {
						if o.Level > depth {
							reads(o.Level - depth - 1)
						}
						return o
					})
				}
			}
			return true
		})
	}
	return max(0, level)
}

// outwardsBy moves an expression out of row contexts that it does not read.
func outwardsBy(e expr.Expr, levels int) expr.Expr {
	return expr.Transform(plan.ShiftOuterExpr(e, -levels), func(x expr.Expr) expr.Expr {
		if o, ok := x.(*expr.Outer); ok && o.Level == 0 {
			return &expr.Col{Index: o.Index, Typ: o.Typ, Name: o.Name}
		}
		return x
	})
}
