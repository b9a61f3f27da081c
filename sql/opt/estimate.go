package opt

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// How much of its input a condition is taken to leave, and how many rows a built-in relation is taken to have. They only
// have to be right about which of two inputs is the larger.
const (
	equalityLeaves = 0.01
	otherLeaves    = 0.3
	keyLeaves      = 1e-6 // equality with an entity or position
	builtinRows    = 500
	storedRows     = 1e6 // of a log that nothing is known of
	groupsOf       = 0.1
	setRows        = 100
)

// Estimate guesses how many rows a node gives; negative when there is nothing to go by.
func Estimate(n plan.Node, s Stats) float64 {
	switch n := n.(type) {
	case *plan.Scan:
		return estimateScan(n, s)
	case *plan.Values:
		return float64(len(n.Rows))
	case *plan.FuncScan:
		return setRows
	case *plan.Filter:
		return scaled(Estimate(n.Input, s), selectivity(n.Cond))
	case *plan.Aggregate:
		if len(n.Keys) == 0 && n.Sets == nil {
			return 1
		}
		return scaled(Estimate(n.Input, s), groupsOf)
	case *plan.Distinct:
		return scaled(Estimate(n.Input, s), groupsOf)
	case *plan.Sort:
		return atMost(Estimate(n.Input, s), n.Limit)
	case *plan.Limit:
		return atMost(Estimate(n.Input, s), limitRows(n))
	case *plan.Join:
		return estimateJoin(n, s)
	case *plan.SetOp:
		l, r := Estimate(n.Left, s), Estimate(n.Right, s)
		if l < 0 || r < 0 {
			return -1
		}
		return l + r
	case *plan.With:
		return Estimate(n.Body, s)
	case *plan.Project:
		return Estimate(n.Input, s)
	case *plan.Append:
		return Estimate(n.Input, s)
	}
	return -1
}

func scaled(rows, by float64) float64 {
	if rows < 0 {
		return rows
	}
	return max(1, rows*by)
}

func atMost(rows float64, limit int64) float64 {
	if limit >= 0 && (rows < 0 || rows > float64(limit)) {
		return float64(limit)
	}
	return rows
}

func estimateScan(n *plan.Scan, s Stats) float64 {
	rows := float64(builtinRows)
	if n.Relation.Stored() {
		if rows = storedRows; s != nil {
			rows = s.Rows(n.Relation.Name)
		}
	}
	if rows < 0 {
		return atMost(rows, n.Limit)
	}
	if n.Filter != nil {
		rows = scaled(rows, selectivity(n.Filter))
	}
	for _, b := range n.Bounds {
		if b.Op == plan.Eq && len(b.Col.Path) == 0 && (b.Col.Column == catalog.EventEntity || b.Col.Column == catalog.EventPosition) {
			rows = scaled(rows, keyLeaves/equalityLeaves)
		}
	}
	return atMost(rows, n.Limit)
}

func estimateJoin(n *plan.Join, s Stats) float64 {
	l, r := Estimate(n.Left, s), Estimate(n.Right, s)
	switch {
	case l < 0 || r < 0:
		return -1
	case n.Kind == plan.Semi || n.Kind == plan.Anti:
		return l
	case len(n.LeftKeys) > 0:
		return max(l, r)
	case n.Cond != nil:
		return scaled(l*r, otherLeaves)
	}
	return l * r
}

func selectivity(e expr.Expr) float64 {
	out := 1.0
	for _, c := range expr.Conjuncts(e) {
		if call, ok := c.(*expr.Call); ok && call.Fn.Name == "=" {
			out *= equalityLeaves
		} else {
			out *= otherLeaves
		}
	}
	return out
}
