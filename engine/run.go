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

func (s *Session) openNode(ctx context.Context, n plan.Node, params []*vec.Column, analyze bool) (*execution, op.Op, error) {
	env := s.env()
	x := newExecution(executionConfig{
		fn: s.funcCtx(ctx, env), params: params, log: s.log, catalog: &catalog.Context{Catalog: s.catalog(), Server: serverView{s}},
		memory: s.engine.cfg.Memory, shared: s.engine.budget, workers: s.engine.cfg.Workers,
		rows: s.engine.cfg.BatchRows, analyze: analyze,
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
