package engine

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/opt"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// enough is how few rows a use of an index finds for which no other is tried.
const enough = 50

// weigh returns a plan in which each scan that is to be weighed has the index that finds the fewest rows, or none, and limits that depend on values have told what is
// under them: what the values are, and how many rows have them, is known now. What a statement changes or appends is weighed with its input, what is made for each row of a join when it is made.
func (b *builder) weigh(n plan.Node) plan.Node { return b.weighAll(n, false) }

// weighAll is weigh, with the inputs of what the statement changes if who asks does not execute it.
func (b *builder) weighAll(n plan.Node, changes bool) plan.Node {
	lateral := false
	switch x := n.(type) {
	case *plan.Scan:
		if x.Index != nil && (x.Index.Most > 0 || x.Index.Else != nil) {
			return b.weighScan(x)
		}
		return n
	case *plan.Modify, *plan.Append:
		if !changes {
			return n
		}
	case *plan.Join:
		lateral = x.Lateral
	case *plan.Limit:
		n = opt.LimitNow(x, b.wholeNumber)
	}
	return plan.MapChildren(n, func(i int, c plan.Node) plan.Node {
		if lateral && i > 0 {
			return c
		}
		return b.weighAll(c, changes)
	})
}

// wholeNumber is the value of an expression without columns, if it has one.
func (b *builder) wholeNumber(e expr.Expr) (int64, bool) {
	v, err := expr.Value(b.env.X, e)
	if err != nil || v.Kind != vec.Int64 || v.Null(0) {
		return 0, false // whoever reads will meet the error
	}
	return v.Int(0), true
}

// weighScan asks the indexes that a scan may use how many rows they find.
func (b *builder) weighScan(s *plan.Scan) plan.Node {
	first := s.Index
	list := first
	if first.Ordered {
		list = first.Else
	} else if s.Limit >= 0 && s.Rest() == nil { // each that it finds is one of those asked for
		return s
	}
	t, err := b.tableRows(b.x.cfg.fn.Context, s)
	if t == nil || err != nil || t.Only != nil {
		return s // whoever reads will meet the error
	}
	best := (*plan.IndexUse)(nil)
	most := int64(-1)
	for u := list; u != nil && (best == nil || most > enough); u = u.Else {
		if best == nil {
			most = u.Most
		}
		n, err := t.Count(b.x.cfg.fn.Context, b.env.X, u, most)
		if err != nil {
			return s
		}
		if n <= most || u.Most == 0 && best == nil {
			best, most = u, n
		}
	}
	c := *s
	switch {
	case best != nil:
		use := *best
		use.Most, use.Else, use.Sort = 0, nil, nil
		c.Index = &use
		if first.Ordered {
			c.Reverse, c.Limit = false, -1
			return &plan.Sort{Input: &c, Keys: first.Sort, Limit: s.Limit}
		}
	case first.Ordered:
		use := *first
		use.Else = nil
		c.Index = &use
	default:
		c.Index = nil
	}
	return &c
}
