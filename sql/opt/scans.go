package opt

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

var boundOps = map[string]plan.CompareOp{"=": plan.Eq, "<": plan.Lt, "<=": plan.Le, ">": plan.Gt, ">=": plan.Ge}

var mirrored = map[plan.CompareOp]plan.CompareOp{plan.Eq: plan.Eq, plan.Lt: plan.Gt, plan.Le: plan.Ge, plan.Gt: plan.Lt, plan.Ge: plan.Le}

// scanBounds finds the comparisons in a scan's filter that storage can use. The filter stays: bounds only leave out.
func scanBounds(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		s, ok := n.(*plan.Scan)
		if !ok || s.Filter == nil || !s.Relation.Stored() || len(s.Bounds) > 0 {
			return n, nil
		}
		c := *s
		for _, cond := range expr.Conjuncts(s.Filter) {
			if b, ok := boundOf(s, cond); ok {
				c.Bounds = append(c.Bounds, b)
			}
		}
		if len(c.Bounds) == 0 {
			return n, nil
		}
		return &c, nil
	})
}

func boundOf(s *plan.Scan, cond expr.Expr) (plan.Bound, bool) {
	if x, ok := cond.(*expr.IsNull); ok {
		col, ok := scanColumn(s, x.Arg)
		if !x.Not || !ok || wholeColumn(col) {
			return plan.Bound{}, false
		}
		return plan.Bound{Col: col, Op: plan.NotNull}, true
	}
	c, ok := comparisonOf(cond)
	if !ok {
		return plan.Bound{}, false
	}
	col, ok := scanColumn(s, c.on)
	if !ok || !comparable(s, col, c.on, c.op) {
		return plan.Bound{}, false
	}
	return plan.Bound{Col: col, Op: c.op, Values: c.values}, true
}

// scanColumn is the column of the scan that an expression is: itself, or under the cast for which it is read as a number.
func scanColumn(s *plan.Scan, e expr.Expr) (plan.ScanCol, bool) {
	if c, ok := e.(*expr.Cast); ok {
		if col, ok := c.Arg.(*expr.Col); ok && s.Relation.Table != nil && c.Typ == datum.T(datum.Text) && isPlainText(col.Typ.OID) {
			return s.Cols[col.Index], true // the value is the same
		}
		if col, ok := c.Arg.(*expr.Col); ok && c.Typ.Mod == -1 && castReads[c.Typ.OID] == s.Cols[col.Index].As && len(s.Cols[col.Index].Path) > 0 &&
			c.Typ.OID != datum.Float4 {
			return s.Cols[col.Index], true
		}
		return plan.ScanCol{}, false
	}
	c, ok := e.(*expr.Col)
	if !ok {
		return plan.ScanCol{}, false
	}
	return s.Cols[c.Index], true
}

// comparable reports whether storage orders a column as SQL does, for the operator.
func comparable(s *plan.Scan, c plan.ScanCol, e expr.Expr, op plan.CompareOp) bool {
	if !wholeColumn(c) {
		switch c.As {
		case vec.AsText:
			return op == plan.Eq || op == plan.In
		case vec.AsFloat, vec.AsInt, vec.AsDecimal:
			return e.Type().OID != datum.Text
		}
		return false
	}
	return c.Field.Type.OID != datum.JSONB
}

// pushLimits tells sorts and scans under a limit how many rows are wanted.
func pushLimits(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		l, ok := n.(*plan.Limit)
		if !ok {
			return n, nil
		}
		rows := limitRows(l)
		if rows < 0 {
			return n, nil
		}
		return over(l, r.limited(l.Input, rows)), nil
	})
}

// LimitNow is a limit whose input knows how many rows are asked for, where only the values that expressions have when the plan is executed tell it.
func LimitNow(l *plan.Limit, value func(expr.Expr) (int64, bool)) plan.Node {
	if limitRows(l) >= 0 {
		return l // the plan was made for that
	}
	rows := limitRowsBy(l, func(e expr.Expr) (int64, bool) {
		if !isSame(e) {
			return 0, false
		}
		return value(e)
	})
	if rows < 0 {
		return l
	}
	r := &run{guess: newEstimator(nil)}
	return over(l, r.limited(l.Input, rows))
}

// limited returns n giving at least its first rows, and not many more.
func (r *run) limited(n plan.Node, rows int64) plan.Node {
	switch x := n.(type) {
	case *plan.Sort:
		if x.Limit < 0 || x.Limit > rows {
			c := *x
			c.Limit = rows
			c.Input = r.topOfKept(x.Input, x.Keys, rows)
			return &c
		}
	case *plan.Scan:
		if x.Limit < 0 || x.Limit > rows {
			c := *x
			c.Limit = rows
			return &c
		}
	case *plan.Project:
		if keepsRows(x) {
			return over(x, r.limited(x.Input, rows))
		}
	case *plan.SetOp:
		if left, right := r.limited(x.Left, rows), r.limited(x.Right, rows); x.Kind == plan.Union && x.All && (left != x.Left || right != x.Right) {
			c := *x
			c.Left, c.Right = left, right
			return &c
		}
	case *plan.Join:
		// Each row of the side that is kept gives one at least.
		if l := r.limited(x.Left, rows); x.Kind == plan.Left && l != x.Left {
			c := *x
			c.Left = l
			return &c
		}
	}
	return n
}

func keepsRows(p *plan.Project) bool {
	for _, e := range p.Exprs {
		if expr.HasSet(e) {
			return false
		}
	}
	return true
}

// sortByPosition drops sorts by position, and by version within one entity: a scan gives rows in that order, or in the
// opposite one. A sort by recorded_at alone, which events of one append share, may take that order too.
func sortByPosition(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		s, ok := n.(*plan.Sort)
		if !ok {
			return n, nil
		}
		key, ok := s.Keys[0].Expr.(*expr.Col)
		if !ok {
			return n, nil
		}
		in, ok := inOrder(s.Input, key.Index, s.Keys[0].Desc, len(s.Keys) == 1)
		if !ok {
			return n, nil
		}
		return in, nil // the limit that a sort has is that of a Limit above it
	})
}

// inOrder returns n with its scan reading in the order of column i, if it can. only says that ties may come in any order.
func inOrder(n plan.Node, i int, desc, only bool) (plan.Node, bool) {
	switch x := n.(type) {
	case *plan.Project:
		c, ok := x.Exprs[i].(*expr.Col)
		if !ok || !keepsRows(x) {
			return n, false
		}
		in, ok := inOrder(x.Input, c.Index, desc, only)
		return over(x, in), ok
	case *plan.Filter:
		in, ok := inOrder(x.Input, i, desc, only)
		return over(x, in), ok
	case *plan.Scan:
		if x.Relation.OID != catalog.EventsOID || x.Limit >= 0 || !wholeColumn(x.Cols[i]) {
			return n, false
		}
		switch x.Cols[i].Column {
		case catalog.EventPosition:
		case catalog.EventVersion:
			if !oneEntity(x) {
				return n, false
			}
		case catalog.EventRecordedAt:
			if !only {
				return n, false
			}
		default:
			return n, false
		}
		c := *x
		c.Reverse = desc
		return &c, true
	}
	return n, false
}

// oneEntity reports whether the scan is about a single entity.
func oneEntity(s *plan.Scan) bool {
	for _, b := range s.Bounds {
		if b.Op == plan.Eq && b.Col.Column == catalog.EventEntity && wholeColumn(b.Col) {
			return true
		}
	}
	return false
}
