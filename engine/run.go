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
	return s.openNode(ctx, p.node, params, opening{serial: p.runs})
}

// opening says how a plan is to be executed.
type opening struct {
	analyze bool // count for EXPLAIN ANALYZE
	serial  bool // by one worker: what it calls changes what others would read
}

// executionConfig is what executions in the session need, about the newest state of the log.
func (s *Session) executionConfig(ctx context.Context, params []*vec.Column) executionConfig {
	return s.configUnder(ctx, params, s.catalog())
}

// configUnder is executionConfig under a catalog.
func (s *Session) configUnder(ctx context.Context, params []*vec.Column, c *catalog.Catalog) executionConfig {
	return executionConfig{
		fn: s.funcCtx(ctx, s.env(), c), params: params, log: s.log, stored: s.log.Log, catalog: &catalog.Context{Catalog: c, Server: serverView{s}}, catalogOf: s.catalogOf,
		memory: s.engine.cfg.Memory, shared: s.engine.budget, workers: s.engine.cfg.Workers, rows: s.engine.cfg.BatchRows, operators: s.engine.cfg.Operators,
		session: s.changer(), work: &s.tx.work, command: s.tx.work.seen(),
	}
}

// changer is the session where a statement may change tables: within a transaction, if only of its own.
func (s *Session) changer() *Session {
	if s.tx.open() {
		return s
	}
	return nil
}

func (s *Session) openNode(ctx context.Context, n plan.Node, params []*vec.Column, how opening) (*execution, op.Op, error) {
	cfg, err := s.presentConfig(ctx, params)
	if err != nil {
		return nil, nil, err
	}
	cfg.opening = how
	return s.openWith(ctx, n, cfg)
}

// presentConfig is executionConfig about what the transaction takes for the newest state.
func (s *Session) presentConfig(ctx context.Context, params []*vec.Column) (cfg executionConfig, err error) {
	at, err := s.present(ctx)
	if err != nil {
		return cfg, err
	}
	cfg = s.configUnder(ctx, params, s.catalogAt(at))
	cfg.own, cfg.present = s.tx.held.own(), at
	return cfg, nil
}

// openWith builds and opens the operators of a plan.
func (s *Session) openWith(ctx context.Context, n plan.Node, cfg executionConfig) (*execution, op.Op, error) {
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
