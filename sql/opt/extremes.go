package opt

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// extremes finds the least and the greatest value by an index: that of the first row, in its order, that has one.
func extremes(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		a, ok := n.(*plan.Aggregate)
		if !ok || len(a.Keys) > 0 || a.Sets != nil || !scansAlone(a.Input) {
			return n, nil
		}
		out := n
		for i := range a.Calls {
			one, err := r.extreme(a, i)
			if one == nil || err != nil {
				return n, err
			}
			if i == 0 {
				out = one
			} else {
				out = &plan.Join{Kind: plan.Cross, Left: out, Right: one}
			}
		}
		return out, nil
	})
}

// extreme is the aggregation of one call over the row that decides it, nil if there is no index for it.
func (r *run) extreme(a *plan.Aggregate, i int) (plan.Node, error) {
	call := &a.Calls[i]
	greatest := call.Fn.Name == "max"
	if !greatest && call.Fn.Name != "min" || len(call.Args) != 1 || call.Filter != nil || expr.IsVolatile(call.Args[0]) {
		return nil, nil
	}
	in, err := pushFilters(r, &plan.Filter{Input: a.Input, Cond: &expr.IsNull{Arg: call.Args[0], Not: true}})
	if err == nil {
		in, err = scanFilters(r, in)
	}
	if err != nil {
		return nil, err
	}
	in, sorted := r.byIndex(in, wanted{[]plan.SortKey{{Expr: call.Args[0], Desc: greatest, NullsFirst: greatest}}, 1, 1})
	if sorted == 0 {
		return nil, nil
	}
	out := *a
	out.Calls, out.Fields = a.Calls[i:i+1], a.Fields[i:i+1]
	out.Input = &plan.Limit{Input: in, Count: int8Of(1)}
	return &out, nil
}

// scansAlone reports whether a node gives rows of one scan.
func scansAlone(n plan.Node) bool {
	switch x := n.(type) {
	case *plan.Filter:
		return scansAlone(x.Input)
	case *plan.Project:
		return scansAlone(x.Input)
	case *plan.Scan:
		return true
	}
	return false
}
