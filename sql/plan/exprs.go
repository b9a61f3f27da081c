package plan

import (
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
)

// Exprs lists the expressions that stand in the node itself, its children and the plans inside subqueries left out.
func Exprs(n Node) []expr.Expr {
	var out []expr.Expr
	MapExprs(n, func(e expr.Expr) expr.Expr {
		out = append(out, e)
		return e
	})
	return out
}

// MapExprs returns the node with f applied to each expression that stands in it, in a fixed order; n itself if nothing changed.
func MapExprs(n Node, f func(expr.Expr) expr.Expr) Node {
	m := mapper{f: f}
	var out Node
	switch n := n.(type) {
	case *Scan:
		c := *n
		c.Bounds, c.Filter, c.System, c.Index = m.bounds(n.Bounds), m.one(n.Filter), m.clause(n.System), m.index(n.Index)
		out = &c
	case *Values:
		c := *n
		c.Rows = make([][]expr.Expr, len(n.Rows))
		for i, r := range n.Rows {
			c.Rows[i] = m.list(r)
		}
		out = &c
	case *FuncScan:
		c := *n
		c.Args = m.list(n.Args)
		out = &c
	case *Filter:
		c := *n
		c.Cond = m.one(n.Cond)
		out = &c
	case *Project:
		c := *n
		c.Exprs = m.list(n.Exprs)
		out = &c
	case *Aggregate:
		c := *n
		c.Keys, c.Calls = m.list(n.Keys), m.calls(n.Calls)
		out = &c
	case *Window:
		out = m.window(n)
	case *Sort:
		c := *n
		c.Keys = m.keys(n.Keys)
		out = &c
	case *Limit:
		c := *n
		c.Count, c.Offset, c.Ties = m.one(n.Count), m.one(n.Offset), m.keys(n.Ties)
		out = &c
	case *Distinct:
		c := *n
		c.On, c.Order = m.list(n.On), m.keys(n.Order)
		out = &c
	case *Join:
		c := *n
		c.LeftKeys, c.RightKeys, c.Cond = m.list(n.LeftKeys), m.list(n.RightKeys), m.one(n.Cond)
		out = &c
	case *Append:
		c := *n
		c.Returning = m.list(n.Returning)
		out = &c
	case *Modify:
		out = m.modify(n)
	}
	if !m.changed {
		return n
	}
	return out
}

// mapper applies f and remembers whether anything changed.
type mapper struct {
	f       func(expr.Expr) expr.Expr
	changed bool
}

func (m *mapper) one(e expr.Expr) expr.Expr {
	if e == nil {
		return nil
	}
	x := m.f(e)
	m.changed = m.changed || x != e
	return x
}

func (m *mapper) list(in []expr.Expr) []expr.Expr {
	if in == nil {
		return nil
	}
	out := make([]expr.Expr, len(in))
	for i, e := range in {
		out[i] = m.one(e)
	}
	return out
}

func (m *mapper) keys(in []SortKey) []SortKey {
	if in == nil {
		return nil
	}
	out := make([]SortKey, len(in))
	for i, k := range in {
		k.Expr = m.one(k.Expr)
		out[i] = k
	}
	return out
}

func (m *mapper) calls(in []AggCall) []AggCall {
	if in == nil {
		return nil
	}
	out := make([]AggCall, len(in))
	for i, c := range in {
		c.Args, c.Filter, c.Order = m.list(c.Args), m.one(c.Filter), m.keys(c.Order)
		out[i] = c
	}
	return out
}

func (m *mapper) bounds(in []Bound) []Bound {
	if in == nil {
		return nil
	}
	out := make([]Bound, len(in))
	for i, b := range in {
		b.Values = m.list(b.Values)
		out[i] = b
	}
	return out
}

func (m *mapper) index(in *IndexUse) *IndexUse {
	if in == nil {
		return nil
	}
	c := *in
	c.Conds, c.Equal, c.In, c.Any, c.Low, c.High = m.list(in.Conds), m.list(in.Equal), m.list(in.In), m.one(in.Any), m.list(in.Low), m.list(in.High)
	c.Else, c.Sort = m.index(in.Else), m.keys(in.Sort)
	if in.Or != nil {
		c.Or = make([]*IndexUse, len(in.Or))
		for i, u := range in.Or {
			c.Or[i] = m.index(u)
		}
	}
	return &c
}

func (m *mapper) clause(t *TimeClause) *TimeClause {
	if t == nil {
		return nil
	}
	c := *t
	c.From, c.To = m.one(t.From), m.one(t.To)
	return &c
}

// Walk calls visit for n and the nodes below it, parents first; visit returning false leaves out the children. Plans inside
// subqueries are not entered.
func Walk(n Node, visit func(Node) bool) {
	if !visit(n) {
		return
	}
	for _, c := range n.Children() {
		Walk(c, visit)
	}
}

// Transform rebuilds the tree from the leaves up: f gets each node over its already transformed children. Untouched
// subtrees are shared. Plans inside subqueries are not entered.
func Transform(n Node, f func(Node) (Node, error)) (Node, error) {
	in := n.Children()
	out := make([]Node, len(in))
	changed := false
	for i, c := range in {
		t, err := Transform(c, f)
		if err != nil {
			return nil, err
		}
		out[i] = t
		changed = changed || t != c
	}
	if changed {
		n = n.WithChildren(out)
	}
	return f(n)
}

// Subplans lists the plans of the subqueries in the node's own expressions, each once.
func Subplans(n Node) []Node {
	var out []Node
	for _, e := range Exprs(n) {
		expr.Walk(e, func(e expr.Expr) bool {
			if s, ok := e.(*expr.Subquery); ok {
				if p, ok := s.Plan.(Node); ok && !slices.Contains(out, p) {
					out = append(out, p)
				}
			}
			return true
		})
	}
	return out
}
