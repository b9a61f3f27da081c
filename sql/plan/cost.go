package plan

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
)

// cost is what a node is expected to take, in units of a hundred rows: until its first row, and in all.
type cost struct{ start, total, rows float64 }

// rowCost is the cost of passing one row on.
const rowCost = 0.01

// coster computes the costs that EXPLAIN shows; the optimizer decides by rows.
type coster struct {
	rows  func(Node) float64
	known map[Node]cost
}

func (c *coster) of(n Node) cost {
	if got, ok := c.known[n]; ok {
		return got
	}
	out := c.compute(n, max(0, c.rows(n)))
	for _, s := range Subplans(n) {
		out.total += c.of(s).total
	}
	c.known[n] = out
	return out
}

func (c *coster) compute(n Node, rows float64) cost {
	switch n := n.(type) {
	case *Scan:
		bare := *n
		bare.Filter, bare.Bounds = nil, nil
		return cost{0, rowCost * max(rows, c.scanned(n, c.rows(&bare))), rows}
	case *Sort:
		in := c.of(n.Input)
		start := in.total + rowCost*in.rows*math.Log2(in.rows+2)
		return cost{start, start + rowCost*rows, rows}
	case *Aggregate:
		in := c.of(n.Input)
		start := in.total + rowCost*in.rows
		return cost{start, start + rowCost*rows, rows}
	case *Limit:
		in := c.of(n.Input)
		return cost{in.start, in.start + (in.total-in.start)*min(1, rows/max(1, in.rows)), rows}
	case *Join:
		l, r := c.of(n.Left), c.of(n.Right)
		switch {
		case n.Lateral:
			return cost{l.start + r.start, l.total + l.rows*r.total, rows}
		case len(n.LeftKeys) == 0:
			return cost{l.start + r.total, l.total + r.total + rowCost*l.rows*r.rows, rows}
		case n.Merge != nil:
			return cost{l.start + r.start, l.total + r.total + rowCost*(r.rows+l.rows), rows}
		}
		return cost{l.start + r.total + rowCost*r.rows, l.total + r.total + rowCost*(r.rows+l.rows), rows}
	}
	out := cost{total: rowCost * rows, rows: rows}
	for i, child := range n.Children() {
		in := c.of(child)
		if i == 0 {
			out.start = in.start
		}
		out.total += in.total
	}
	return out
}

// scanned is how many of a relation's rows a scan looks at: one that is found by an index costs its rows alone.
func (c *coster) scanned(n *Scan, all float64) float64 {
	for _, b := range n.Bounds {
		if b.Op == Eq && len(b.Col.Path) == 0 && n.Relation.Columns[b.Col.Column].Name == "entity_id" {
			return 100
		}
	}
	if n.Limit >= 0 && n.Filter == nil {
		return float64(n.Limit)
	}
	return max(0, all)
}

// width is how many bytes a row of a node is taken to have.
func width(n Node) int {
	sum := 0
	for _, f := range n.Schema() {
		if info := datum.Lookup(f.Type.OID); info != nil && info.Len > 0 {
			sum += int(info.Len)
		} else {
			sum += 32
		}
	}
	return sum
}
