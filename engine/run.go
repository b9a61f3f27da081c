package engine

import (
	"context"
	"strings"
	"time"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// open builds and opens the operators of a prepared query. Close the operator, then the execution.
func (s *Session) open(ctx context.Context, p *Prepared, params []*vec.Column) (*execution, op.Op, error) {
	return s.openNode(ctx, p.node, params, false)
}

func (s *Session) openNode(ctx context.Context, n plan.Node, params []*vec.Column, analyze bool) (*execution, op.Op, error) {
	env := s.env()
	x := newExecution(executionConfig{
		fn: s.funcCtx(ctx, env), params: params, log: s.log, catalog: &catalog.Context{Catalog: s.catalog(), Server: serverView{s}},
		memory: s.engine.cfg.Memory, tempDir: s.engine.cfg.TempDir, workers: s.engine.cfg.Workers, analyze: analyze,
	})
	root, err := x.build(n)
	if err == nil {
		err = root.Open(ctx)
	}
	if err != nil {
		if root != nil {
			err = closeWith(root, err)
		}
		x.Close()
		return nil, nil, err
	}
	return x, root, nil
}

// explain answers EXPLAIN; with ANALYZE the query is run and its rows are forgotten.
func (s *Session) explain(ctx context.Context, st *syntax.Explain, p *Prepared, params []*vec.Column) (*Rows, error) {
	o, err := parseExplain(st)
	if err != nil {
		return nil, err
	}
	opts := plan.ExplainOptions{Verbose: o.verbose, Timing: o.timing}
	node := p.inner.node
	if o.analyze {
		if _, ok := node.(*plan.Append); ok {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "EXPLAIN ANALYZE of a statement that appends is not supported yet")
		}
		x, root, err := s.openNode(ctx, node, params, true)
		if err != nil {
			return nil, err
		}
		err = drain(ctx, root)
		if err = closeWith(root, err); err != nil {
			x.Close()
			return nil, err
		}
		opts.Stats = x.planStats
		defer x.Close()
	}
	if o.json {
		text, err := plan.ExplainJSON(node, opts)
		if err != nil {
			return nil, err
		}
		return textRows("EXPLAIN", p.Fields, [][]string{{string(text)}}), nil
	}
	var rows [][]string
	for _, line := range plan.Explain(node, opts) {
		rows = append(rows, []string{strings.TrimRight(line, " ")})
	}
	return textRows("EXPLAIN", p.Fields, rows), nil
}

// planStats is what EXPLAIN ANALYZE prints of a node, nil when nothing was counted.
func (x *execution) planStats(n plan.Node) *plan.Stats {
	x.mu.Lock()
	c := x.stats[n]
	x.mu.Unlock()
	if c == nil {
		return nil
	}
	s := &plan.Stats{Rows: c.Rows.Load(), Loops: c.Loops.Load(), Time: time.Duration(c.Nanos.Load()), Bytes: c.Bytes.Load(),
		Groups: c.Groups.Load(), Skipped: c.Skipped.Load(), Known: c.Known.Load()}
	if s.Loops == 0 && s.Groups+s.Skipped+s.Known > 0 {
		s.Loops = 1 // a scan that runs as part of the aggregate above it
	}
	if scanned := c.Scanned.Load(); scanned > s.Rows {
		s.Filtered = scanned - s.Rows
	}
	return s
}
