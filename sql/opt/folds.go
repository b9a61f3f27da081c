package opt

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// foldOrder takes the order from aggregates that ask for that of the log: by position, or by version where the groups are
// entities. The rows of a scan come so, and an aggregate without an order of its own need not sort them and can be computed
// by several workers.
func foldOrder(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		a, ok := n.(*plan.Aggregate)
		if !ok || a.Sets != nil {
			return n, nil
		}
		byEntity := false
		for _, k := range a.Keys {
			c, ok := eventColumn(a.Input, k)
			byEntity = byEntity || ok && c == catalog.EventEntity
		}
		out := *a
		out.Calls = append([]plan.AggCall(nil), a.Calls...)
		changed := false
		for i := range out.Calls {
			call := &out.Calls[i]
			if len(call.Order) == 0 || call.Fn.Ordered || call.Distinct || call.Order[0].Desc {
				continue
			}
			c, ok := eventColumn(a.Input, call.Order[0].Expr)
			if ok && (c == catalog.EventPosition || c == catalog.EventVersion && byEntity) {
				call.Order, changed = nil, true
			}
		}
		if !changed {
			return n, nil
		}
		return &out, nil
	})
}

// eventColumn is the column of events that an expression over n is, where n gives rows of a scan of events in its order.
func eventColumn(n plan.Node, e expr.Expr) (int, bool) {
	col, ok := e.(*expr.Col)
	if !ok {
		return 0, false
	}
	switch x := n.(type) {
	case *plan.Project:
		if !keepsRows(x) {
			return 0, false
		}
		return eventColumn(x.Input, x.Exprs[col.Index])
	case *plan.Filter:
		return eventColumn(x.Input, e)
	case *plan.Scan:
		if x.Relation.OID != catalog.EventsOID || x.Reverse || !wholeColumn(x.Cols[col.Index]) {
			return 0, false
		}
		return x.Cols[col.Index].Column, true
	}
	return 0, false
}
