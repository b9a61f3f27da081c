package difftest

import (
	"github.com/allsource-db/allsource/sql/datum"
)

// minimise makes a query smaller as long as still says that it shows the same difference: clauses go, pieces are replaced
// by parts of themselves and by constants. The tree is changed in place.
func minimise(root *node, tries int, still func() bool) {
	for again := true; again; {
		again = false
		var nodes []*node
		root.each(func(n *node) { nodes = append(nodes, n) })
		gone := map[*node]bool{}
		for _, n := range nodes {
			if gone[n] {
				continue
			}
			before := *n
			for _, smaller := range n.smaller() {
				if tries--; tries < 0 {
					*n = before
					return
				}
				*n = smaller
				if still() {
					again = true
					before.each(func(below *node) { gone[below] = true })
					break
				}
				*n = before
			}
		}
	}
}

// smaller are things to try in place of a piece, the smallest first.
func (n *node) smaller() (out []node) {
	if n.fixed {
		return nil
	}
	if n.loose {
		out = append(out, *word(""))
	}
	if n.typ != 0 {
		t := typeOf(n.typ)
		if len(n.kids) > 0 && t != nil {
			out = append(out, *word("null::" + t.name).of(n.typ), *word(constant(t, t.literals[min(1, len(t.literals)-1)])).of(n.typ))
		}
		if n.typ == aTable && n.String() != "events t0" {
			out = append(out, *word("(values (1)) t0 (c1)").of(aTable))
		}
		for _, below := range parts(n, n.typ) {
			out = append(out, *below)
		}
	}
	if n.sep != "" && len(n.kids) > 1 {
		for i := range n.kids {
			kids := append(append([]*node{}, n.kids[:i]...), n.kids[i+1:]...)
			out = append(out, node{sep: n.sep, kids: kids})
		}
	}
	return out
}

// parts are the pieces of a kind below a piece.
func parts(n *node, typ datum.OID) (out []*node) {
	for _, kid := range n.kids {
		kid.each(func(below *node) {
			if below.typ == typ {
				out = append(out, below)
			}
		})
	}
	return out
}
