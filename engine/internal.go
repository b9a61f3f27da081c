package engine

import (
	"context"
	"strings"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// internally runs a statement of the engine's own within the transaction, as of now.
func (s *Session) internally(ctx context.Context, text string, types []datum.OID, params []*vec.Column) error {
	_, err := s.finds(ctx, text, types, params)
	return err
}

// finds is internally, and reports whether the statement gave rows.
func (s *Session) finds(ctx context.Context, text string, types []datum.OID, params []*vec.Column) (rows bool, err error) {
	err = s.each(ctx, text, types, params, func(*vec.Batch) error { rows = true; return nil })
	return rows, err
}

// each is internally, and gives what the statement gives.
func (s *Session) each(ctx context.Context, text string, types []datum.OID, params []*vec.Column, give func(*vec.Batch) error) error {
	p, err := s.internalLocked(ctx, text, types)
	if err != nil {
		return err
	}
	s.tx.work.command++
	cfg := s.executionConfig(ctx, params)
	cfg.many, cfg.serial = p.keyed, p.runs
	x, root, err := s.openWith(ctx, p.node, cfg)
	if err != nil {
		return err
	}
	defer x.Close()
	for {
		b, err := root.Next(ctx)
		if b != nil && err == nil {
			err = give(b)
		}
		if b == nil || err != nil {
			return closeWith(root, err)
		}
	}
}

// internalLocked is an internal statement whose tables are locked for the transaction, and as they are then.
func (s *Session) internalLocked(ctx context.Context, text string, types []datum.OID) (*Prepared, error) {
	for {
		p, err := s.internal(ctx, text, types)
		if err != nil {
			return nil, err
		}
		before := s.internals.catalog
		for _, t := range p.changed {
			if err := s.lockTable(ctx, t.oid, t.mode); err != nil {
				return nil, err
			}
		}
		if s.catalog() == before {
			return p, nil
		}
	}
}

// internal is a statement of the engine's own, analysed once for each catalog.
func (s *Session) internal(ctx context.Context, text string, types []datum.OID) (*Prepared, error) {
	if c := s.catalog(); s.internals.catalog != c {
		s.internals.catalog, s.internals.plans = c, map[string]*Prepared{}
	}
	if p := s.internals.plans[text]; p != nil {
		return p, nil
	}
	stmt, err := syntax.ParseOne(text)
	if err != nil {
		return nil, err
	}
	// Who says keyRows means many.
	p := &Prepared{stmt: stmt, script: text, text: text, keyed: strings.Contains(text, keyRows(len(types)))}
	if err = s.compile(ctx, p, types, nil); err == nil {
		s.internals.plans[text] = p
	}
	return p, err
}

// internals are the session's statements of the engine's own, for one catalog.
type internals struct {
	catalog *catalog.Catalog
	plans   map[string]*Prepared
}

// keyRows are the rows that parameters have (Prepared.keyed).
func (b *builder) keyRows(n *plan.Values) op.Op {
	return op.NewRows(b.env, func(context.Context) (*vec.Batch, error) {
		out := &vec.Batch{}
		for _, e := range n.Rows[0] {
			p, ok := e.(*expr.Param)
			if !ok {
				return nil, pgerr.New(pgerr.InternalError, "%s is not a parameter", e)
			}
			out.Cols = append(out.Cols, b.x.cfg.params[p.N-1])
			out.Len = b.x.cfg.params[p.N-1].Len
		}
		return out, nil
	})
}
