package opt

import (
	"cmp"
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// mostArms is how many conditions joined by OR are looked for one by one.
const mostArms = 1000

// unions are the ways to find the rows of a scan by each of the conditions that an OR joins: with the rest of the filter they are looked for by
// an index of their own.
func (r *run) unions(s *plan.Scan) (out []indexUse) {
	conds := expr.Conjuncts(s.Filter)
	for i, cond := range conds {
		or, ok := cond.(*expr.Or)
		if !ok {
			continue
		}
		if _, ok := comparisonOf(or); ok { // a list
			continue
		}
		rest := slices.DeleteFunc(slices.Delete(slices.Clone(conds), i, i+1), func(e expr.Expr) bool { _, ok := e.(*expr.Or); return ok })
		if u := r.union(s, or, rest); u != nil {
			out = append(out, *u)
		}
	}
	return out
}

// union finds the rows of each of the conditions of an OR, of which also the rest is true; nil where one has no index.
func (r *run) union(s *plan.Scan, or *expr.Or, rest []expr.Expr) *indexUse {
	arms := disjuncts(or)
	if len(arms) > mostArms {
		return nil
	}
	out := &indexUse{IndexUse: &plan.IndexUse{Conds: []expr.Expr{or}}, narrow: true}
	for _, arm := range arms {
		one := *s
		one.Filter = expr.Conjoin(append(expr.Conjuncts(arm), rest...))
		uses := r.singleUses(&one)
		if len(uses) == 0 {
			return nil
		}
		least := slices.MinFunc(uses, func(a, b indexUse) int { return cmp.Compare(a.found, b.found) })
		out.Or = append(out.Or, least.IndexUse)
		out.found += least.found
		out.narrow = out.narrow && least.narrow
	}
	return out
}
