package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/ddl"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// lockReads keeps the tables that a query reads as they are until the transaction ends. A query by itself only waits until it may begin, since what it
// sees stays, and so does the past.
func (s *Session) lockReads(ctx context.Context, p *Prepared, params []*vec.Column) (*Prepared, error) {
	if len(p.changed) == 0 || s.inPast() {
		return p, nil
	}
	if !s.tx.open() {
		return s.awaitReads(ctx, p, params)
	}
	if _, err := s.present(ctx); err != nil {
		return nil, err
	}
	out, err := s.lockTables(ctx, p, params)
	if err == nil && out != p && !slices.Equal(out.Fields, p.Fields) {
		err = errOtherResult()
	}
	return out, err
}

// awaitReads waits until nobody keeps readers out of the tables of a query, and nobody waits to do so.
func (s *Session) awaitReads(ctx context.Context, p *Prepared, params []*vec.Column) (*Prepared, error) {
	waited := false
	for _, t := range p.changed {
		if s.locks().Readable(uint32(t.oid)) {
			continue
		}
		waited = true
		probe := s.locks().NewOwner()
		err := s.waitFor(ctx, probe, lock.Key{Kind: lock.Table, Object: uint32(t.oid)}, lock.AccessShare)
		probe.Release()
		if err != nil {
			return nil, err
		}
	}
	if !waited {
		return p, nil
	}
	return s.current(ctx, p, params)
}

// filledFrom are the locks of the tables whose rows a definition puts into a new one.
func (s *Session) filledFrom(ctx context.Context, ch *ddl.Change, before *catalog.Catalog) (list []changeLock, err error) {
	defer func() { s.pretended = nil }()
	for _, w := range ch.Work {
		x, ok := w.(ddl.Run)
		if !ok || !x.Count {
			continue
		}
		s.pretended = ddl.Apply(before, x.Objects, nil)
		st, err := syntax.ParseOne(x.Statement)
		if err != nil {
			return nil, err
		}
		p, err := s.prepare(ctx, st, x.Statement, nil)
		if err != nil {
			return nil, err
		}
		for _, t := range p.changed {
			if t.mode == lock.AccessShare {
				list = append(list, changeLock{lock.Key{Kind: lock.Table, Object: uint32(t.oid)}, t.mode})
			}
		}
	}
	return list, nil
}
