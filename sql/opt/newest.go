package opt

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// newestFirst lets a scan below a sort for the latest timestamps read from the end of the log: timestamps mostly rise with
// positions, so the sort soon has rows that are later than all that is left, and the scan may leave those out.
func newestFirst(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		s, ok := n.(*plan.Sort)
		if !ok || s.Limit < 0 || !s.Keys[0].Desc {
			return n, nil
		}
		key, ok := s.Keys[0].Expr.(*expr.Col)
		if !ok {
			return n, nil
		}
		in, ok := fromTheEnd(s.Input, key.Index)
		if !ok {
			return n, nil
		}
		return over(s, in), nil
	})
}

// fromTheEnd returns n with its scan reversed if column i of n is the timestamp of a scan of events.
func fromTheEnd(n plan.Node, i int) (plan.Node, bool) {
	switch x := n.(type) {
	case *plan.Project:
		c, ok := x.Exprs[i].(*expr.Col)
		if !ok || !keepsRows(x) {
			return n, false
		}
		in, ok := fromTheEnd(x.Input, c.Index)
		return over(x, in), ok
	case *plan.Filter:
		in, ok := fromTheEnd(x.Input, i)
		return over(x, in), ok
	case *plan.Scan:
		if x.Relation.OID != catalog.EventsOID || x.Limit >= 0 || x.Cols[i].Column != catalog.EventTimestamp {
			return n, false
		}
		c := *x
		c.Reverse = true
		return &c, true
	}
	return n, false
}
