package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// eventChain is a scan of events with the filters and projections over it that its workers can run.
type eventChain struct {
	scan  *plan.Scan
	nodes []plan.Node // from the scan upwards, the scan excluded
}

// chainOf recognises such a chain, nil for anything else.
func chainOf(n plan.Node) *eventChain {
	switch n := n.(type) {
	case *plan.Scan:
		if n.Relation.OID == catalog.EventsOID || n.Relation.Table != nil && n.Index == nil {
			return &eventChain{scan: n}
		}
	case *plan.Filter:
		return chainOver(n, n.Input, n.Cond)
	case *plan.Project:
		return chainOver(n, n.Input, n.Exprs...)
	}
	return nil
}

// chainOver adds a node to the chain below it, unless its expressions must run in one place.
func chainOver(n, input plan.Node, list ...expr.Expr) *eventChain {
	for _, e := range list {
		if expr.IsVolatile(e) {
			return nil
		}
	}
	c := chainOf(input)
	if c == nil || c.scan.Limit >= 0 {
		return nil
	}
	c.nodes = append(c.nodes, n)
	return c
}

// buildEvents makes the operator of a chain; nil when n is none.
func (b *builder) buildEvents(n plan.Node) (op.Op, error) {
	c := chainOf(n)
	if c == nil {
		return nil, nil
	}
	return b.scanOf(c, nil), nil
}

// scanOf makes the operator of a chain; cut may be nil.
func (b *builder) scanOf(c *eventChain, cut *op.ScanCut) op.Op {
	o := op.Op(&lateScan{make: func(ctx context.Context) (op.Op, error) {
		s, err := b.eventScan(ctx, c)
		if s == nil || err != nil {
			return op.NewUnionAll(), err
		}
		s.Cut = cut
		return op.NewEventScan(b.env, s), nil
	}})
	for _, n := range append([]plan.Node{c.scan}, c.nodes...) {
		if s := b.x.statsOf(n); s != nil {
			o = op.Measure(o, s, false)
		}
	}
	return o
}

// top makes a sort with a limit over a chain: the scan drops rows that the sort has better ones than. It returns nil where that
// is not possible: the first key must be a column of the scan, or a number in it, and what would no longer be computed of the dropped
// rows must not be able to fail.
func (b *builder) top(n *plan.Sort) op.Op {
	c := chainOf(n.Input)
	if n.Limit < 0 || c == nil || c.scan.Limit >= 0 {
		return nil
	}
	key := n.Keys[0].Expr
	for i := len(c.nodes) - 1; i >= 0; i-- {
		exprs := []expr.Expr{}
		switch x := c.nodes[i].(type) {
		case *plan.Filter:
			exprs = append(exprs, x.Cond)
		case *plan.Project:
			col, ok := key.(*expr.Col)
			if !ok {
				return nil
			}
			exprs = x.Exprs
			key = x.Exprs[col.Index]
		}
		for _, e := range exprs {
			// The cast of a number cannot fail either: only rows that storage reads as numbers are dropped.
			if !expr.CannotFail(e) && !expr.Equal(e, key) {
				return nil
			}
		}
	}
	col, ok := key.(*expr.Col)
	if !ok {
		if col = numberOf(key, c.scan); col == nil {
			return nil
		}
	}
	cut := op.NewCutoff(n.Keys[0])
	return op.NewTop(b.env, b.scanOf(c, &op.ScanCut{Cutoff: cut, Col: col.Index, Limit: n.Limit}), typesOf(n.Input), n.Keys, n.Limit, cut)
}

// numberOf is the column that an expression casts to what storage reads it as, nil for anything else.
func numberOf(e expr.Expr, scan *plan.Scan) *expr.Col {
	cast, ok := e.(*expr.Cast)
	if !ok || cast.Typ.Mod >= 0 {
		return nil
	}
	col, ok := cast.Arg.(*expr.Col)
	if !ok || col.Index >= len(scan.Cols) {
		return nil
	}
	as := scan.Cols[col.Index].As
	if as == vec.AsFloat && cast.Typ.OID == datum.Float8 || as == vec.AsInt && cast.Typ.OID == datum.Int8 {
		return col
	}
	return nil
}

// eventScan says what the chain reads; nil for nothing.
func (b *builder) eventScan(ctx context.Context, c *eventChain) (*op.EventScan, error) {
	s, err := b.bareScan(ctx, c)
	if s == nil || err != nil {
		return nil, err
	}
	for _, n := range c.nodes {
		switch n := n.(type) {
		case *plan.Filter:
			s.Steps = append(s.Steps, op.FilterStep{Cond: n.Cond, Stats: b.x.statsOf(n)})
		case *plan.Project:
			s.Steps = append(s.Steps, op.ProjectStep{Exprs: n.Exprs, Stats: b.x.statsOf(n)})
		}
	}
	return s, nil
}

// bareScan says what the scan under a chain reads; nil for nothing.
func (b *builder) bareScan(ctx context.Context, c *eventChain) (*op.EventScan, error) {
	if c.scan.Relation.Table != nil {
		t, err := b.tableRows(ctx, c.scan)
		if t == nil || err != nil {
			return nil, err
		}
		return &op.EventScan{Table: t, Cols: c.scan.Cols, Bounds: c.scan.Bounds, Filter: c.scan.Filter, Limit: c.scan.Limit, Stats: b.x.statsOf(c.scan)}, nil
	}
	at, err := b.x.see(ctx, c.scan.System)
	if err != nil || at.none {
		return nil, err
	}
	return &op.EventScan{
		View: at.whole(), Cols: c.scan.Cols, Bounds: c.scan.Bounds, Filter: c.scan.Filter, Reverse: c.scan.Reverse,
		Limit: c.scan.Limit, Start: b.x.cfg.after, End: at.end, Stats: b.x.statsOf(c.scan),
	}, nil
}

// aggregate groups, in the workers of a scan where that is possible.
func (b *builder) aggregate(n *plan.Aggregate) (op.Op, error) {
	if c := chainOf(n.Input); c != nil {
		if r := b.entityRows(n, c); r != nil && r.names != nil {
			return op.NewRows(b.env, r.rows), nil
		}
	}
	a := aggregation(n)
	a.Top = b.x.topOf(n)
	c := scanUnder(n)
	if p := pipelineOf(n.Input, a.Cols()); p != nil && a.Parallel() && !p.chain.scan.Reverse {
		return &pipelineOp{b: b, p: p, group: func(s *op.EventScan, in op.Op) op.Op {
			if s != nil {
				return op.NewScanAggregate(b.env, s, a)
			}
			return op.NewAggregate(b.env, in, a)
		}}, nil
	}
	if c == nil {
		return b.overFor(n.Input, a.Cols(), func(in op.Op) op.Op { return op.NewAggregate(b.env, in, a) })
	}
	return &lateScan{make: func(ctx context.Context) (op.Op, error) {
		if o, err := b.firstEntities(n, c); o != nil || err != nil {
			return o, err
		}
		s, err := b.eventScan(ctx, c)
		switch {
		case err != nil:
			return nil, err
		case s == nil:
			return op.NewAggregate(b.env, op.NewUnionAll(), a), nil
		}
		b.x.entered(c)
		if countsAll(n, c) {
			return op.NewRows(b.env, func(context.Context) (*vec.Batch, error) { return countRows(n, s), nil }), nil
		}
		if a.Calls, err = b.withoutDocuments(ctx, n.Calls, c, s); err != nil {
			return nil, err
		}
		return op.NewScanAggregate(b.env, s, a), nil
	}}, nil
}

func aggregation(n *plan.Aggregate) *op.Aggregation {
	return &op.Aggregation{Keys: n.Keys, Calls: n.Calls, Sets: n.Sets}
}

// scanUnder is the chain that workers can group, nil if there is none.
func scanUnder(n *plan.Aggregate) *eventChain {
	c := chainOf(n.Input)
	if c == nil || !aggregation(n).Parallel() || c.scan.Limit >= 0 || c.scan.Reverse {
		return nil
	}
	return c
}

// topGroups notes for the aggregation below a sort with a limit which groups the sort wants, if its first key is the result of a
// call and nothing in between can fail or drop rows.
func (b *builder) topGroups(n *plan.Sort) {
	if n.Limit < 0 {
		return
	}
	key, ok := n.Keys[0].Expr.(*expr.Col)
	in := n.Input
	for ok {
		p, isProject := in.(*plan.Project)
		if !isProject {
			break
		}
		if slices.ContainsFunc(p.Exprs, func(e expr.Expr) bool { return !expr.CannotFail(e) }) {
			return
		}
		key, ok = p.Exprs[key.Index].(*expr.Col)
		in = p.Input
	}
	a, isAggregate := in.(*plan.Aggregate)
	if !ok || !isAggregate || key.Index < len(a.Keys) || key.Index >= len(a.Keys)+len(a.Calls) {
		return
	}
	b.x.mu.Lock()
	defer b.x.mu.Unlock()
	put(&b.x.top, a, &op.TopGroups{Call: key.Index - len(a.Keys), Desc: n.Keys[0].Desc, Limit: n.Limit})
}

// topOf is what topGroups noted.
func (x *execution) topOf(n *plan.Aggregate) *op.TopGroups {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.top[n]
}

// countsAll reports whether the aggregation only asks how many events there are.
func countsAll(n *plan.Aggregate, c *eventChain) bool {
	if c.scan.Relation.OID != catalog.EventsOID || len(n.Keys) > 0 || n.Sets != nil || c.scan.Filter != nil || len(c.scan.Bounds) > 0 || len(n.Calls) == 0 {
		return false
	}
	for _, up := range c.nodes {
		if _, ok := up.(*plan.Project); !ok {
			return false
		}
	}
	for _, call := range n.Calls {
		if call.Fn.Name != "count" || len(call.Args) > 0 || call.Filter != nil || call.Distinct {
			return false
		}
	}
	return true
}

// countRows answers from what the view knows.
func countRows(n *plan.Aggregate, s *op.EventScan) *vec.Batch {
	end := s.End
	if end == 0 {
		end = s.View.Rows() + 1
	}
	rows := max(0, end-max(1, s.Start)) // positions begin with 1 and have no gaps
	out := &vec.Batch{Len: 1}
	for range n.Calls {
		out.Cols = append(out.Cols, vec.Repeat(int8Const(rows).Val, 0, 1))
	}
	return out
}

// lateScan is an operator that is made when it is opened: which part of the log it reads is known then.
type lateScan struct {
	make func(ctx context.Context) (op.Op, error)
	o    op.Op
}

func (l *lateScan) Open(ctx context.Context) error {
	o, err := l.make(ctx)
	if err != nil {
		return err
	}
	l.o = o
	return o.Open(ctx)
}

func (l *lateScan) Next(ctx context.Context) (*vec.Batch, error) {
	if l.o == nil {
		return nil, nil
	}
	return l.o.Next(ctx)
}

func (l *lateScan) Close() error {
	if l.o == nil {
		return nil
	}
	return l.o.Close()
}

// Block implements op.Blocked.
func (l *lateScan) Block() int64 {
	if b, ok := l.o.(op.Blocked); ok {
		return b.Block()
	}
	return -1
}
