package bind

import (
	"cmp"
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// windowNode is a Window node being made: the calls over windows of one partition and order.
type windowNode struct {
	window *window
	calls  []plan.WindowCall
	ranks  []int // of its keys among the sort clauses of the query, for the order of the nodes
}

// windowing puts Window nodes under the select list and columns in the place of the calls.
func (s *selection) windowing() {
	if len(s.f.windows.calls) == 0 {
		return
	}
	var nodes []*windowNode
	type slot struct {
		node *windowNode
		at   int
	}
	slots := map[*windowCall]slot{}
	for _, c := range s.cols {
		expr.Walk(c.expr, func(e expr.Expr) bool {
			if w, ok := e.(*windowCall); ok {
				var n *windowNode
				nodes, n = nodeFor(nodes, w.window)
				slots[w] = slot{n, n.add(w.finished())}
			}
			return true
		})
	}
	s.arrange(nodes)
	start := map[*windowNode]int{}
	for _, n := range nodes {
		start[n] = len(s.node.Schema())
		s.node = n.over(s.node)
	}
	for i := range s.cols {
		s.cols[i].expr = replaceCalls(s.cols[i].expr, func(w *windowCall) expr.Expr {
			at := slots[w]
			return &expr.Col{Index: start[at.node] + at.at, Typ: w.call.Typ, Name: w.call.Name()}
		})
	}
}

// replaceCalls works from the top down, because a call is known by its identity.
func replaceCalls(e expr.Expr, by func(*windowCall) expr.Expr) expr.Expr {
	if w, ok := e.(*windowCall); ok {
		return by(w)
	}
	in := e.Children()
	out := make([]expr.Expr, len(in))
	changed := false
	for i, c := range in {
		out[i] = replaceCalls(c, by)
		changed = changed || out[i] != c
	}
	if !changed {
		return e
	}
	return e.WithChildren(out)
}

func nodeFor(nodes []*windowNode, w *window) ([]*windowNode, *windowNode) {
	for _, n := range nodes {
		if sameWindow(n.window, w) {
			return nodes, n
		}
	}
	n := &windowNode{window: w}
	return append(nodes, n), n
}

// add gives the place of a call among the node's.
func (n *windowNode) add(c plan.WindowCall) int {
	for i := range n.calls {
		if sameWindowCall(n.calls[i], c) {
			return i
		}
	}
	n.calls = append(n.calls, c)
	return len(n.calls) - 1
}

func (n *windowNode) over(in plan.Node) plan.Node {
	out := &plan.Window{Input: in, Partition: n.window.partition, Order: n.window.order, Calls: n.calls}
	for i, f := range in.Schema() {
		out.Keep, out.Fields = append(out.Keep, i), append(out.Fields, f)
	}
	for _, c := range n.calls {
		out.Fields = append(out.Fields, plan.Field{Name: c.Name(), Type: c.Typ})
	}
	return out
}

// arrange puts the nodes into the order in which PostgreSQL computes them: windows that begin with the same keys stand
// together, the longest first, so that one sort may do for several.
func (s *selection) arrange(nodes []*windowNode) {
	var known []expr.Expr // the expressions that the query sorts or groups by, in the order in which it says so
	rank := func(e expr.Expr) int {
		for i, k := range known {
			if expr.Equal(k, e) {
				return i
			}
		}
		known = append(known, e)
		return len(known) - 1
	}
	for _, it := range s.sort {
		rank(s.cols[it.col].expr)
	}
	for i := range s.groupKeys {
		rank(&expr.Col{Index: i, Typ: s.node.Schema()[i].Type})
	}
	if s.sel.Distinct {
		for _, c := range s.cols {
			rank(c.expr)
		}
	}
	for _, w := range s.f.windows.all {
		for _, k := range w.order {
			rank(k.Expr)
		}
		for _, p := range w.partition {
			rank(p)
		}
	}
	for _, n := range nodes {
		for _, p := range n.window.partition {
			n.ranks = append(n.ranks, rank(p))
		}
		for _, k := range n.window.order {
			n.ranks = append(n.ranks, rank(k.Expr))
		}
	}
	slices.SortStableFunc(nodes, func(a, b *windowNode) int {
		for i := range min(len(a.ranks), len(b.ranks)) {
			if c := cmp.Compare(b.ranks[i], a.ranks[i]); c != 0 {
				return c
			}
		}
		return cmp.Compare(len(b.ranks), len(a.ranks))
	})
}
