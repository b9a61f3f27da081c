package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// window keeps the calls and the columns that are wanted; without any call the node goes.
func (p *pruner) window(n *plan.Window, need wants) (plan.Node, found) {
	nk := len(n.Keep)
	below, passed := wants{}, wants{}
	var calls []int
	for w := range need {
		if w.col >= nk {
			continue
		}
		w.col = n.Keep[w.col]
		below[w], passed[w] = true, true
	}
	for i := range n.Calls {
		if need[column(nk+i)] || n.Run != nil && n.Run.Call == i {
			calls = append(calls, i)
		}
	}
	give := found{}
	if len(calls) == 0 {
		in, at := p.node(n.Input, below)
		for w := range need {
			down := w
			down.col = n.Keep[w.col]
			give[w] = at[down]
		}
		return in, give
	}
	c := *n
	c.Calls, c.Keep, c.Fields = nil, nil, nil
	for at, i := range calls {
		if n.Run != nil && n.Run.Call == i {
			c.Run = &plan.RunCondition{Call: at, Limit: n.Run.Limit}
		}
		c.Calls = append(c.Calls, n.Calls[i])
	}
	for _, e := range plan.Exprs(&c) {
		below.add(e, n.Input)
	}
	in, at := p.node(n.Input, below)
	out := plan.MapExprs(&c, func(e expr.Expr) expr.Expr { return at.rewrite(e, n.Input) })
	w := out.WithChildren([]plan.Node{in}).(*plan.Window)
	fields := in.Schema()
	for _, x := range need.sorted() {
		if x.col >= nk {
			continue
		}
		down := x
		down.col = n.Keep[x.col]
		give[x] = len(w.Keep)
		w.Keep, w.Fields = append(w.Keep, at[down]), append(w.Fields, fields[at[down]])
	}
	for _, i := range calls {
		give[column(nk+i)] = len(w.Fields)
		w.Fields = append(w.Fields, n.Fields[nk+i])
	}
	return w, give
}

// windowOrder finds the windows whose input comes in their order already, from another window, a sort or the log, and those whose
// partitions may come in any order because something above sorts or does not care. A sort above a window in the same order goes, and
// so does one whose order nobody sees.
func windowOrder(_ *run, n plan.Node) (plan.Node, error) { return ordered(n, true), nil }

// ordered rewrites n; matters says whether the order of its rows does.
func ordered(n plan.Node, matters bool) plan.Node {
	if x, ok := n.(*plan.Sort); ok && comesIn(x.Input, x.Keys) {
		return ordered(x.Input, true) // a limit that the sort has is that of a Limit above it
	} else if ok && x.Limit < 0 && !matters {
		return ordered(x.Input, false)
	}
	below := orderMatters(n, matters)
	n = plan.MapChildren(n, func(_ int, c plan.Node) plan.Node { return ordered(c, below) })
	x, ok := n.(*plan.Window)
	if !ok {
		return n
	}
	sorted := comesIn(x.Input, x.SortKeys())
	if sorted == x.Sorted && x.AnyOrder != matters {
		return x
	}
	c := *x
	c.Sorted, c.AnyOrder = sorted, !matters
	return &c
}

// orderMatters reports whether a node's answer depends on the order of its input's rows, other than in ties.
func orderMatters(n plan.Node, matters bool) bool {
	switch x := n.(type) {
	case *plan.Aggregate:
		if matters && (len(x.Keys) > 0 || x.Sets != nil) {
			return true // groups come in the order in which they are first seen
		}
		return slices.ContainsFunc(x.Calls, func(c plan.AggCall) bool { return dependsOnOrder(c.Fn) && len(c.Order) == 0 })
	case *plan.Window:
		return comesIn(x.Input, x.SortKeys()) // then it need not sort, or has no order of its own
	case *plan.Sort:
		return false
	case *plan.Filter, *plan.Project:
		return matters
	}
	return true
}

// dependsOnOrder reports whether the result may differ when rows come in another order, as it does where floats are added.
func dependsOnOrder(a *funcs.Aggregate) bool {
	switch a.Name {
	case "count", "min", "max", "bool_and", "bool_or", "every":
		return false
	case "sum", "avg":
		return slices.ContainsFunc(a.Args, func(t datum.OID) bool { return datum.KindOf(t) == vec.Float64 })
	}
	return true
}
