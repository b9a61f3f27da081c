package opt

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// scanBounds tells storage what every row of a scan's answer satisfies. The filter keeps testing it.
func scanBounds(n plan.Node, _ Options) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		s, ok := n.(*plan.Scan)
		if !ok || s.Filter == nil || !s.Relation.Stored() {
			return n, nil
		}
		out := *s
		for _, c := range expr.Conjuncts(s.Filter) {
			if b, ok := boundOf(s, c); ok {
				out.Bounds = append(out.Bounds[:len(out.Bounds):len(out.Bounds)], b)
			}
		}
		return &out, nil
	})
}

var boundOps = map[string]plan.CompareOp{"=": plan.Eq, "<": plan.Lt, "<=": plan.Le, ">": plan.Gt, ">=": plan.Ge}

// mirrored is the operator with its operands exchanged.
var mirrored = map[plan.CompareOp]plan.CompareOp{plan.Eq: plan.Eq, plan.Lt: plan.Gt, plan.Le: plan.Ge, plan.Gt: plan.Lt, plan.Ge: plan.Le}

// boundOf reads a conjunct as a comparison of a scanned column with values that are known when the scan opens.
func boundOf(s *plan.Scan, c expr.Expr) (plan.Bound, bool) {
	switch c := c.(type) {
	case *expr.Call:
		op, ok := boundOps[c.Fn.Name]
		if !ok || len(c.Args) != 2 {
			return plan.Bound{}, false
		}
		a, b := c.Args[0], c.Args[1]
		if expr.IsSteady(a) {
			a, b, op = b, a, mirrored[op]
		}
		col, ok := scanned(s, a)
		if !ok || !expr.IsSteady(b) || a.Type().OID != b.Type().OID {
			return plan.Bound{}, false
		}
		return plan.Bound{Col: col, Op: op, Values: []expr.Expr{b}}, true
	case *expr.In:
		col, ok := scanned(s, c.Arg)
		if !ok || c.Not {
			return plan.Bound{}, false
		}
		for _, v := range c.List {
			if !expr.IsSteady(v) || v.Type().OID != c.Arg.Type().OID {
				return plan.Bound{}, false
			}
		}
		return plan.Bound{Col: col, Op: plan.In, Values: c.List}, true
	}
	return plan.Bound{}, false
}

// scanned returns the column that an operand reads: a column, or the cast of a path that storage reads as that type.
func scanned(s *plan.Scan, e expr.Expr) (plan.ScanCol, bool) {
	as := vec.AsText
	if c, ok := e.(*expr.Cast); ok {
		if as, ok = readAs[c.Typ.OID]; !ok || c.Typ.Mod >= 0 || c.Typ.OID == datum.Float4 {
			return plan.ScanCol{}, false
		}
		e = c.Arg
	}
	c, ok := e.(*expr.Col)
	if !ok || c.Index < 0 || c.Index >= len(s.Cols) {
		return plan.ScanCol{}, false
	}
	col := s.Cols[c.Index]
	switch {
	case col.Path != nil:
		return col, col.As == as
	case as != vec.AsText:
		return plan.ScanCol{}, false
	}
	switch col.Column {
	case catalog.EventPayload, catalog.EventMetadata:
		return plan.ScanCol{}, false
	}
	return col, true
}

// sortByPosition drops sorts by position, and by version within one entity: a scan gives rows in that order, or in the
// opposite one.
func sortByPosition(n plan.Node, _ Options) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		s, ok := n.(*plan.Sort)
		if !ok || len(s.Keys) != 1 {
			return n, nil
		}
		key, ok := s.Keys[0].Expr.(*expr.Col)
		if !ok {
			return n, nil
		}
		in, ok := ordered(s.Input, key.Index, s.Keys[0].Desc)
		if !ok {
			return n, nil
		}
		if s.Limit < 0 {
			return in, nil
		}
		return &plan.Limit{Input: in, Count: int8Const(s.Limit)}, nil
	})
}

// ordered returns n with its scan reading in the order of column col, if it can.
func ordered(n plan.Node, col int, desc bool) (plan.Node, bool) {
	switch n := n.(type) {
	case *plan.Project:
		c, ok := n.Exprs[col].(*expr.Col)
		if !ok {
			return nil, false
		}
		for _, e := range n.Exprs {
			if expr.HasSet(e) {
				return nil, false
			}
		}
		in, ok := ordered(n.Input, c.Index, desc)
		if !ok {
			return nil, false
		}
		return n.WithChildren([]plan.Node{in}), true
	case *plan.Filter:
		in, ok := ordered(n.Input, col, desc)
		if !ok {
			return nil, false
		}
		return n.WithChildren([]plan.Node{in}), true
	case *plan.Scan:
		if !n.Relation.Stored() || n.Limit >= 0 {
			return nil, false
		}
		c := n.Cols[col]
		if c.Path != nil || c.Column != catalog.EventPosition && !(c.Column == catalog.EventVersion && oneEntity(n)) {
			return nil, false
		}
		out := *n
		out.Reverse = desc
		return &out, true
	}
	return nil, false
}

// oneEntity reports whether the scan is about a single entity.
func oneEntity(s *plan.Scan) bool {
	for _, b := range s.Bounds {
		if b.Op == plan.Eq && b.Col.Column == catalog.EventEntity && b.Col.Path == nil {
			return true
		}
	}
	return false
}

func int8Const(v int64) expr.Expr {
	return &expr.Const{Val: &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{v}}, Typ: datum.T(datum.Int8)}
}

// pushLimits tells sorts and scans how many rows are wanted at most.
func pushLimits(n plan.Node, _ Options) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		l, ok := n.(*plan.Limit)
		if !ok || l.Ties != nil {
			return n, nil
		}
		count, ok := constInt(l.Count)
		if !ok {
			return n, nil
		}
		if l.Offset != nil {
			skip, ok := constInt(l.Offset)
			if !ok {
				return n, nil
			}
			count += skip
		}
		if count < 0 {
			return n, nil
		}
		in, ok := limited(l.Input, count)
		if !ok {
			return n, nil
		}
		return l.WithChildren([]plan.Node{in}), nil
	})
}

// limited returns n giving at least its first count rows, and not many more.
func limited(n plan.Node, count int64) (plan.Node, bool) {
	switch n := n.(type) {
	case *plan.Project:
		for _, e := range n.Exprs {
			if expr.HasSet(e) {
				return nil, false
			}
		}
		in, ok := limited(n.Input, count)
		if !ok {
			return nil, false
		}
		return n.WithChildren([]plan.Node{in}), true
	case *plan.Sort:
		if n.Limit >= 0 && n.Limit <= count {
			return nil, false
		}
		out := *n
		out.Limit = count
		return &out, true
	case *plan.Scan:
		if n.Limit >= 0 && n.Limit <= count {
			return nil, false
		}
		out := *n
		out.Limit = count
		return &out, true
	}
	return nil, false
}

func constInt(e expr.Expr) (int64, bool) {
	c, ok := e.(*expr.Const)
	if !ok || c.Val == nil || c.Val.Kind != vec.Int64 || c.Val.Null(0) {
		return 0, false
	}
	v := c.Val.Int(0)
	return v, v >= 0 && v < 1<<40
}
