package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// firstOfPartition makes a search for the first row of each value of a row_number() that must be 1.
func firstOfPartition(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		f, w, rest, r := rankedAtMost(n)
		if r == nil || w.Calls[r.Call].Fn.Name != "row_number" || len(w.Calls) > 1 || len(w.Partition) == 0 ||
			slices.ContainsFunc(plan.Exprs(w), expr.IsVolatile) {
			return n, nil
		}
		if most, ok := intValue(r.Limit); !ok || most != 1 {
			return n, nil
		}
		// People see the order of partitions; where they do not the sort goes.
		first := &plan.Sort{Input: &plan.Distinct{Input: w.Input, On: w.Partition, AnyOrder: true, Order: w.Order}, Limit: -1}
		for _, p := range w.Partition {
			first.Keys = append(first.Keys, plan.SortKey{Expr: p})
		}
		p := &plan.Project{Input: first, Fields: f.Schema()}
		for at, i := range w.Keep {
			p.Exprs = append(p.Exprs, col(i, p.Fields[at].Type, p.Fields[at].Name))
		}
		p.Exprs = append(p.Exprs, int8Of(1))
		return filtered(p, rest), nil
	})
}

// runConditions makes a run condition of a filter on a rank.
func runConditions(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		_, w, rest, r := rankedAtMost(n)
		if r == nil {
			return n, nil
		}
		for i := range w.Calls {
			if !looksBack(&w.Calls[i], w.Calls[r.Call].Fn.Name == "row_number") {
				return n, nil
			}
		}
		c := *w
		c.Run = r
		return filtered(&c, rest), nil
	})
}

// rankedAtMost recognises a filter over a window that says how large a rank may be. rest are the conditions that are left when
// the window sees to that; r is nil where there is nothing to see to.
func rankedAtMost(n plan.Node) (f *plan.Filter, w *plan.Window, rest []expr.Expr, r *plan.RunCondition) {
	f, ok := n.(*plan.Filter)
	if !ok {
		return nil, nil, nil, nil
	}
	if w, ok = f.Input.(*plan.Window); !ok || w.Run != nil || expr.IsVolatile(f.Cond) {
		return nil, nil, nil, nil
	}
	for _, c := range expr.Conjuncts(f.Cond) {
		call, op, limit, ok := rankTest(w, c)
		if !ok || r != nil {
			rest = append(rest, c)
			continue
		}
		r = &plan.RunCondition{Call: call, Limit: limit}
		if op == plan.Eq && !isOne(limit) {
			rest = append(rest, c)
		}
	}
	return f, w, rest, r
}

func isOne(e expr.Expr) bool {
	v, ok := intValue(e)
	return ok && v == 1
}

// rankTest recognises rank <= limit and what means as much; of an equality it says only that much.
func rankTest(w *plan.Window, e expr.Expr) (call int, op plan.CompareOp, limit expr.Expr, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || len(c.Args) != 2 {
		return 0, 0, nil, false
	}
	if op, ok = boundOps[c.Fn.Name]; !ok {
		return 0, 0, nil, false
	}
	l, limit := c.Args[0], c.Args[1]
	if expr.IsSteady(l) {
		l, limit, op = limit, l, mirrored[op]
	}
	x, isCol := l.(*expr.Col)
	if !isCol || x.Index < len(w.Keep) || !isWhole(limit.Type().OID) || !expr.IsSteady(limit) || hasSubquery(limit) {
		return 0, 0, nil, false
	}
	call = x.Index - len(w.Keep)
	if fn := w.Calls[call].Fn; fn == nil || !slices.Contains([]string{"row_number", "rank", "dense_rank"}, fn.Name) {
		return 0, 0, nil, false
	}
	switch op {
	case plan.Le, plan.Eq:
		return call, op, limit, true
	case plan.Lt:
		v, known := intValue(limit)
		return call, plan.Le, int8Of(v - 1), known && v > 0
	}
	return 0, 0, nil, false
}

// looksBack reports whether a call needs only rows up to its own, or, where rows are dropped between those that tie, not more of these.
func looksBack(c *plan.WindowCall, cutsTies bool) bool {
	if c.Fn != nil && slices.Contains([]string{"row_number", "rank", "dense_rank"}, c.Fn.Name) {
		return true
	}
	f := c.Frame
	backward := f.End.Kind == syntax.FrameCurrentRow || f.End.Kind == syntax.FramePreceding && f.Mode == syntax.FrameRows
	return c.Framed() && backward && f.Exclude == syntax.ExcludeNoOthers && (f.Mode == syntax.FrameRows || !cutsTies)
}

func int8Of(v int64) *expr.Const {
	b := vec.NewBuilder(vec.Int64, 1)
	b.AppendInt(v)
	return &expr.Const{Val: b.Finish(), Typ: datum.T(datum.Int8)}
}
