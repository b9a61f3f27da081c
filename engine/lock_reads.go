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
	if waited, err := s.awaitTables(ctx, p.changed); !waited || err != nil {
		return p, err
	}
	return s.current(ctx, p, params)
}

// awaitTables waits until nobody keeps readers out of tables, which an open transaction then keeps. It reports whether there was anybody.
func (s *Session) awaitTables(ctx context.Context, tables []tableLock) (waited bool, err error) {
	for _, t := range tables {
		if s.locks().Readable(uint32(t.oid)) {
			continue
		}
		waited = true
		owner := s.locks().NewOwner()
		if s.tx.open() {
			owner = s.owner()
		}
		err := s.waitFor(ctx, owner, lock.Key{Kind: lock.Table, Object: uint32(t.oid)}, lock.AccessShare)
		if owner != s.tx.work.owner {
			owner.Release()
		}
		if err != nil {
			return true, err
		}
	}
	return waited, nil
}

// altered waits until nobody is about to alter the tables of a statement that was prepared, or to put others in their place, and reports whether somebody
// has: what columns it gives is told before it is executed.
func (s *Session) altered(ctx context.Context, p *Prepared) (bool, error) {
	if !s.keptOff(p) || s.inPast() {
		return false, nil
	}
	if _, err := s.present(ctx); err != nil {
		return false, err
	}
	before := s.catalog()
	ctx, run := s.begin(ctx, p.text)
	defer run.end()
	_, err := s.awaitTables(ctx, p.changed)
	if err == nil && p.inner != nil {
		_, err = s.awaitTables(ctx, p.inner.changed)
	}
	return s.catalog() != before, err
}

// keptOff reports whether somebody keeps readers out of a table of a statement, or waits to do so.
func (s *Session) keptOff(p *Prepared) bool {
	for _, t := range p.changed {
		if !s.locks().Readable(uint32(t.oid)) {
			return true
		}
	}
	return p.inner != nil && s.keptOff(p.inner)
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
