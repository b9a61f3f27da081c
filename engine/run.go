package engine

import (
	"context"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// open builds and opens the operators of a prepared query. Close the operator, then the execution.
func (s *Session) open(ctx context.Context, p *Prepared, params []*vec.Column) (*execution, op.Op, error) {
	return s.openNode(ctx, p.node, params, false)
}

// executionConfig is what executions in the session need, about the newest state of the log.
func (s *Session) executionConfig(ctx context.Context, params []*vec.Column) executionConfig {
	return executionConfig{
		fn: s.funcCtx(ctx, s.env()), params: params, log: s.log, catalog: &catalog.Context{Catalog: s.catalog(), Server: serverView{s}},
		memory: s.engine.cfg.Memory, shared: s.engine.budget, workers: s.engine.cfg.Workers, rows: s.engine.cfg.BatchRows,
	}
}

func (s *Session) openNode(ctx context.Context, n plan.Node, params []*vec.Column, analyze bool) (*execution, op.Op, error) {
	cfg := s.executionConfig(ctx, params)
	cfg.analyze = analyze
	var err error
	if cfg.present, err = s.present(ctx); err != nil {
		return nil, nil, err
	}
	cfg.catalog.Catalog = s.catalogAt(cfg.present)
	x := newExecution(cfg)
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
