package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// pipeline is a scan of events with all that its workers can do to the rows: the filters and projections of a chain, and joins, for which
// they look the rows up in tables made of the other inputs.
type pipeline struct {
	chain *eventChain    // what is below the first join
	nodes []plan.Node    // from that join upwards
	used  []map[int]bool // columns of each node's rows that are read above it, nil: all
}

// pipelineOf recognises a pipeline with at least one join of whose columns some are used above, nil: all.
func pipelineOf(n plan.Node, used map[int]bool) *pipeline {
	var p *pipeline
	switch n := n.(type) {
	case *plan.Filter:
		if !expr.IsVolatile(n.Cond) {
			p = pipelineOf(n.Input, reads(used, n.Cond))
		}
	case *plan.Project:
		if !slices.ContainsFunc(n.Exprs, expr.IsVolatile) && !hasSet(n.Exprs) {
			p = pipelineOf(n.Input, reads(map[int]bool{}, n.Exprs...))
		}
	case *plan.Join:
		if n.Lateral || n.Merge != nil || slices.ContainsFunc(n.LeftKeys, expr.IsVolatile) || n.Cond != nil && expr.IsVolatile(n.Cond) {
			return nil
		}
		left, _ := sides(n, used)
		if p = pipelineOf(n.Left, left); p != nil {
			break
		}
		if c := chainOf(n.Left); c != nil && c.scan.Limit < 0 {
			p = &pipeline{chain: c}
		}
	}
	if p == nil {
		return nil
	}
	p.nodes, p.used = append(p.nodes, n), append(p.used, used)
	return p
}

// pipelineOp makes the operators of a pipeline when it is opened: then the right inputs of its joins are read.
type pipelineOp struct {
	b     *builder
	p     *pipeline
	group func(*op.EventScan, op.Op) op.Op // makes an aggregation over a scan, or where there is none an operator; nil: rows are given

	scan   *op.EventScan // with steps, as long as all can be steps
	in     op.Op         // otherwise
	builds []*op.JoinBuild
	out    op.Op
}

func (b *builder) pipeline(p *pipeline) op.Op { return &pipelineOp{b: b, p: p} }

// Open implements op.Op.
func (o *pipelineOp) Open(ctx context.Context) error {
	if err := o.make(ctx); err != nil {
		return err
	}
	switch {
	case o.group != nil:
		if o.scan != nil {
			o.b.x.entered(o.p.chain, o.p.nodes...)
		}
		o.out = o.group(o.scan, o.in)
	case o.scan != nil:
		o.out = o.rows(len(o.p.nodes))
	default:
		o.out = o.in
	}
	return o.out.Open(ctx)
}

// make finds the scan with its steps, or the operator.
func (o *pipelineOp) make(ctx context.Context) (err error) {
	if o.scan, err = o.b.eventScan(ctx, o.p.chain); err != nil {
		return err
	}
	if o.scan == nil {
		o.in = op.NewUnionAll()
	}
	for i, n := range o.p.nodes {
		stats := o.b.x.statsOf(n)
		before := o.in
		switch n := n.(type) {
		case *plan.Filter:
			if o.scan != nil {
				o.scan.Steps = append(o.scan.Steps, op.FilterStep{Cond: n.Cond, Stats: stats})
			} else {
				o.in = op.NewFilter(o.b.env, o.in, n.Cond)
			}
		case *plan.Project:
			if o.scan != nil {
				o.scan.Steps = append(o.scan.Steps, op.ProjectStep{Exprs: n.Exprs, Stats: stats})
			} else {
				o.in = op.NewProject(o.b.env, o.in, n.Exprs)
			}
		case *plan.Join:
			if err := o.join(ctx, i, n); err != nil {
				return err
			}
		}
		if o.in != before && stats != nil {
			o.in = op.Measure(o.in, stats, true)
		}
	}
	return nil
}

// join makes a step of a join where its right input fits and none of its rows is kept by itself.
func (o *pipelineOp) join(ctx context.Context, i int, n *plan.Join) error {
	b := o.b
	if b.x.statsOf(n) != nil {
		b = b.accounted(n)
	}
	_, used := sides(n, o.p.used[i])
	right, err := b.buildFor(n.Right, used)
	if err != nil {
		return err
	}
	j := joining(n, o.p.used[i])
	if o.scan == nil {
		o.in = op.NewHashJoin(b.env, o.in, right, j)
		return nil
	}
	build := op.NewJoinBuild(b.env, right, j)
	o.builds = append(o.builds, build)
	fits, err := build.Open(ctx)
	switch {
	case err != nil:
		return err
	case build.Empty():
		o.scan, o.in = nil, op.NewUnionAll()
	case !fits:
		o.scan, o.in = nil, op.NewHashJoinOf(o.rows(i), build)
	case n.Kind == plan.Right || n.Kind == plan.Full:
		o.scan.Steps = append(o.scan.Steps, op.ProbeStep{Build: build})
		o.scan, o.in = nil, op.NewProbed(o.rows(i), build)
	default:
		o.scan.Steps = append(o.scan.Steps, op.ProbeStep{Build: build, Stats: b.x.statsOf(n)})
	}
	return nil
}

// rows gives the rows of the scan and of the first nodes above the chain.
func (o *pipelineOp) rows(nodes int) op.Op {
	out := op.Op(op.NewEventScan(o.b.env, o.scan))
	for _, list := range [][]plan.Node{{o.p.chain.scan}, o.p.chain.nodes, o.p.nodes[:nodes]} {
		for _, n := range list {
			if s := o.b.x.statsOf(n); s != nil {
				out = op.Measure(out, s, false)
			}
		}
	}
	return out
}

// Next implements op.Op.
func (o *pipelineOp) Next(ctx context.Context) (*vec.Batch, error) {
	if o.out == nil {
		return nil, nil
	}
	return o.out.Next(ctx)
}

// Close implements op.Op.
func (o *pipelineOp) Close() error {
	var err error
	switch {
	case o.out != nil:
		err = o.out.Close()
	case o.in != nil:
		err = o.in.Close()
	}
	for _, b := range o.builds {
		if e := b.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Block implements op.Blocked.
func (o *pipelineOp) Block() int64 {
	if b, ok := o.out.(op.Blocked); ok {
		return b.Block()
	}
	return -1
}
