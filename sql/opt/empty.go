package opt

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// emptyInputs finds what can have no rows, so that it is not read: a condition that is never true, and what follows from it.
func emptyInputs(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		if hasNoRows(n) {
			return &plan.Values{Fields: n.Schema()}, nil
		}
		switch x := n.(type) {
		case *plan.SetOp:
			if x.Kind == plan.Union && x.All {
				switch {
				case isEmpty(x.Left):
					return asFields(x.Right, x.Fields), nil
				case isEmpty(x.Right):
					return asFields(x.Left, x.Fields), nil
				}
			}
		case *plan.Join:
			if x.Kind == plan.Anti && isEmpty(x.Right) {
				return x.Left, nil
			}
		}
		return n, nil
	})
}

func isEmpty(n plan.Node) bool {
	v, ok := n.(*plan.Values)
	return ok && len(v.Rows) == 0
}

// hasNoRows reports whether a node over its inputs, which were looked at before, gives no rows whatever is in the log.
func hasNoRows(n plan.Node) bool {
	switch x := n.(type) {
	case *plan.Filter:
		return isEmpty(x.Input) || neverTrue(x.Cond)
	case *plan.Project, *plan.Sort, *plan.Distinct:
		return isEmpty(n.Children()[0])
	case *plan.Limit:
		return isEmpty(x.Input) || x.Count != nil && limitRows(x) == 0 && x.Offset == nil
	case *plan.Aggregate:
		return isEmpty(x.Input) && len(x.Keys) > 0 && x.Sets == nil
	case *plan.SetOp:
		l, r := isEmpty(x.Left), isEmpty(x.Right)
		switch x.Kind {
		case plan.Union:
			return l && r
		case plan.Intersect:
			return l || r
		}
		return l
	case *plan.Join:
		l, r := isEmpty(x.Left), isEmpty(x.Right)
		switch x.Kind {
		case plan.Inner, plan.Cross, plan.Semi:
			return l || r || x.Cond != nil && neverTrue(x.Cond)
		case plan.Left, plan.Anti:
			return l
		case plan.Right:
			return r
		}
		return l && r
	}
	return false
}

// neverTrue reports whether a condition is false or null, or demands of one column what no value has.
func neverTrue(cond expr.Expr) bool {
	all := expr.Conjuncts(cond)
	for _, c := range all {
		if expr.IsVolatile(c) {
			return false
		}
		if k, ok := c.(*expr.Const); ok && (k.Val.Null(0) || !k.Val.Bool(0)) {
			return true
		}
	}
	ranges := map[int]*valueRange{}
	for _, c := range all {
		i, op, v, ok := columnTest(c)
		if !ok {
			continue
		}
		if v.Val.Null(0) {
			return true
		}
		r := ranges[i]
		if r == nil {
			r = &valueRange{}
			ranges[i] = r
		}
		if r.narrow(op, v) {
			return true
		}
	}
	return false
}

// columnTest recognises the comparison of a column with a constant of its type, or of another type of integers.
func columnTest(e expr.Expr) (column int, op plan.CompareOp, v *expr.Const, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || len(c.Args) != 2 {
		return 0, 0, nil, false
	}
	if op, ok = boundOps[c.Fn.Name]; !ok {
		return 0, 0, nil, false
	}
	l, r := c.Args[0], c.Args[1]
	if _, isConst := l.(*expr.Const); isConst {
		l, r, op = r, l, mirrored[op]
	}
	x, ok1 := l.(*expr.Col)
	v, ok2 := r.(*expr.Const)
	if !ok1 || !ok2 || x.Typ.OID != v.Typ.OID && !(isWhole(x.Typ.OID) && isWhole(v.Typ.OID)) || x.Typ.OID == datum.BPChar || !hashAlike(x.Typ.OID, v.Typ.OID) {
		return 0, 0, nil, false
	}
	return x.Index, op, v, true
}

// valueRange is where the values of a column must lie.
type valueRange struct {
	low, high         *expr.Const // nil: open
	lowOpen, highOpen bool        // the end itself is outside
}

// narrow takes one more comparison and reports whether no value is left.
func (r *valueRange) narrow(op plan.CompareOp, v *expr.Const) bool {
	if op == plan.Eq || op == plan.Gt || op == plan.Ge {
		open := op == plan.Gt
		if c := compareConst(v, r.low); r.low == nil || c > 0 || c == 0 && open {
			r.low, r.lowOpen = v, open
		}
	}
	if op == plan.Eq || op == plan.Lt || op == plan.Le {
		open := op == plan.Lt
		if c := compareConst(v, r.high); r.high == nil || c < 0 || c == 0 && open {
			r.high, r.highOpen = v, open
		}
	}
	if r.low == nil || r.high == nil {
		return false
	}
	c := compareConst(r.low, r.high)
	return c > 0 || c == 0 && (r.lowOpen || r.highOpen)
}

func compareConst(a, b *expr.Const) int {
	if b == nil {
		return 0
	}
	return datum.Compare(a.Typ, a.Val, 0, b.Val, 0)
}
