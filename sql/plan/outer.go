package plan

import "github.com/allsource-db/allsource/sql/expr"

// A row context is entered with the plan of a subquery and with the right side of a lateral join: inside, Outer level 1 is
// the row of the node that holds the subquery, or the left row of the join, and every level further out counts one more.

// MapOuter rewrites the Outer columns of a plan: f gets each with the number of row contexts entered on the way from n, so
// o.Level > depth refers to the row that is o.Level-depth levels outside n.
func MapOuter(n Node, f func(o *expr.Outer, depth int) expr.Expr) Node { return mapOuter(n, 0, f) }

func mapOuter(n Node, depth int, f func(*expr.Outer, int) expr.Expr) Node {
	join, _ := n.(*Join)
	n = MapChildren(n, func(i int, c Node) Node {
		if join != nil && join.Lateral && i == 1 {
			return mapOuter(c, depth+1, f)
		}
		return mapOuter(c, depth, f)
	})
	return MapExprs(n, func(e expr.Expr) expr.Expr { return mapOuterExpr(e, depth, f) })
}

func mapOuterExpr(e expr.Expr, depth int, f func(*expr.Outer, int) expr.Expr) expr.Expr {
	return expr.Transform(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *expr.Outer:
			return f(x, depth)
		case *expr.Subquery:
			p, ok := x.Plan.(Node)
			if !ok {
				return x
			}
			m := mapOuter(p, depth+1, f)
			if m == p {
				return x
			}
			c := *x
			c.Plan = m
			return &c
		}
		return x
	})
}

// ShiftOuter returns n moved by the given number of row contexts: inwards when by is positive, so that its references to
// rows outside count more levels. When moved outwards it must not refer to the rows that it leaves.
func ShiftOuter(n Node, by int) Node {
	return MapOuter(n, func(o *expr.Outer, depth int) expr.Expr { return shifted(o, depth, by) })
}

// ShiftOuterExpr is ShiftOuter for an expression.
func ShiftOuterExpr(e expr.Expr, by int) expr.Expr {
	return mapOuterExpr(e, 0, func(o *expr.Outer, depth int) expr.Expr { return shifted(o, depth, by) })
}

func shifted(o *expr.Outer, depth, by int) expr.Expr {
	if o.Level <= depth {
		return o
	}
	c := *o
	c.Level += by
	return &c
}

// OuterUses reports the columns that n reads of the row `level` levels outside it.
func OuterUses(n Node, level int) map[int]bool {
	used := map[int]bool{}
	MapOuter(n, func(o *expr.Outer, depth int) expr.Expr {
		if o.Level == depth+level {
			used[o.Index] = true
		}
		return o
	})
	return used
}

// Correlated reports whether n refers to any row outside it.
func Correlated(n Node) bool {
	found := false
	MapOuter(n, func(o *expr.Outer, depth int) expr.Expr {
		found = found || o.Level > depth
		return o
	})
	return found
}

// Cols collects the columns of the input row that an expression reads, those read by its subqueries included.
func Cols(e expr.Expr, into map[int]bool) {
	expr.Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.Col:
			into[x.Index] = true
		case *expr.Subquery:
			if p, ok := x.Plan.(Node); ok {
				for i := range OuterUses(p, 1) {
					into[i] = true
				}
			}
		}
		return true
	})
}

// MoveCols renumbers the columns of the input row that an expression reads, those read by its subqueries included.
func MoveCols(e expr.Expr, to func(int) int) expr.Expr {
	out, _ := Substitute(e, func(c *expr.Col) expr.Expr {
		n := *c
		n.Index = to(c.Index)
		return &n
	})
	return out
}

// Substitute replaces the columns of the input row that e reads. A subquery can only refer to a column, so where a
// subquery reads a column whose replacement is neither a column nor a reference further out, ok is false.
func Substitute(e expr.Expr, by func(*expr.Col) expr.Expr) (out expr.Expr, ok bool) {
	ok = true
	out = expr.Transform(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *expr.Col:
			return by(x)
		case *expr.Subquery:
			p, isPlan := x.Plan.(Node)
			if !isPlan {
				return x
			}
			m := MapOuter(p, func(o *expr.Outer, depth int) expr.Expr {
				if o.Level != depth+1 {
					return o
				}
				switch r := by(&expr.Col{Index: o.Index, Typ: o.Typ, Name: o.Name}).(type) {
				case *expr.Col:
					return &expr.Outer{Level: o.Level, Index: r.Index, Typ: r.Typ, Name: r.Name}
				case *expr.Outer:
					return &expr.Outer{Level: r.Level + depth + 1, Index: r.Index, Typ: r.Typ, Name: r.Name}
				case *expr.Const:
					return r
				}
				ok = false
				return o
			})
			if m == p {
				return x
			}
			c := *x
			c.Plan = m
			return &c
		}
		return x
	})
	return out, ok
}

// Inwards is an expression over a row as it is seen from so many row contexts inside that row's.
func Inwards(e expr.Expr, by int) expr.Expr {
	if by == 0 {
		return e
	}
	e = mapOuterExpr(e, 0, func(o *expr.Outer, depth int) expr.Expr {
		if o.Level < depth {
			return o
		}
		c := *o
		c.Level += by
		return &c
	})
	return expr.Transform(e, func(x expr.Expr) expr.Expr {
		if c, ok := x.(*expr.Col); ok {
			return &expr.Outer{Level: by, Index: c.Index, Typ: c.Typ, Name: c.Name}
		}
		return x
	})
}
