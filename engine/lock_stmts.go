package engine

import (
	"context"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// tableModes are the modes of LOCK TABLE.
var tableModes = map[string]lock.Mode{
	"ACCESS SHARE": lock.AccessShare, "ROW SHARE": lock.RowShare, "ROW EXCLUSIVE": lock.RowExclusive,
	"SHARE UPDATE EXCLUSIVE": lock.ShareUpdateExclusive, "SHARE": lock.TableShare, "SHARE ROW EXCLUSIVE": lock.ShareRowExclusive,
	"EXCLUSIVE": lock.TableExclusive, "ACCESS EXCLUSIVE": lock.AccessExclusive, "": lock.AccessExclusive,
}

// lockStmt is LOCK TABLE.
func (s *Session) lockStmt(ctx context.Context, st *syntax.Lock) error {
	if !s.tx.open() {
		return pgerr.New(pgerr.NoActiveSQLTransaction, "LOCK TABLE can only be used in transaction blocks")
	}
	mode, ok := tableModes[st.Mode]
	if !ok {
		return pgerr.New(pgerr.SyntaxError, "unrecognized lock mode %q", st.Mode)
	}
	for _, t := range st.Tables {
		rel := s.catalog().Lookup(s.searchPath(), t.Name.Qualifier(), t.Name.Last())
		if rel == nil {
			return pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", dotted(t.Name))
		}
		if rel.Table == nil && rel.OID != catalog.EventsOID {
			return pgerr.New(pgerr.WrongObjectType, "cannot lock relation %q", rel.Name)
		}
		key := lock.Key{Kind: lock.Table, Object: uint32(rel.OID)}
		if st.NoWait {
			if !s.tryLock(key, mode) {
				return pgerr.New(pgerr.LockNotAvailable, "could not obtain lock on relation %q", rel.Name)
			}
			continue
		}
		if err := s.lock(ctx, key, mode); err != nil {
			return err
		}
	}
	return nil
}

// setConstraints is SET CONSTRAINTS: deferrable constraints wait for the commit, or for the end of each statement.
func (s *Session) setConstraints(ctx context.Context, st *syntax.SetConstraints) error {
	if !s.tx.open() {
		s.warn(pgerr.NoActiveSQLTransaction, "SET CONSTRAINTS can only be used in transaction blocks")
	}
	w := &s.tx.work
	modes := map[datum.OID]bool{}
	if len(st.Names) == 0 {
		modes[0] = st.Deferred
	} else {
		for id, said := range w.modes {
			modes[id] = said
		}
	}
	for _, n := range st.Names {
		found := false
		for _, o := range s.catalog().Objects() {
			t, ok := o.(*catalog.TableObject)
			if !ok {
				continue
			}
			con := t.Constraint(n.Last())
			if con == nil {
				continue
			}
			if found = true; con.Deferrable {
				modes[con.ID] = st.Deferred
			} else if st.Deferred {
				return pgerr.New(pgerr.WrongObjectType, "constraint %q is not deferrable", n.Last())
			}
		}
		if !found {
			return pgerr.New(pgerr.UndefinedObject, "constraint %q does not exist", n.Last())
		}
	}
	if !s.tx.open() {
		return nil
	}
	w.modes = modes
	if st.Deferred {
		return nil
	}
	// What need not wait any more is tested now.
	waits := checks{bytes: w.atCommit.bytes}
	for _, c := range w.atCommit.list {
		if w.postpones(c.con) {
			waits.list = append(waits.list, c)
		} else if err := c.run(ctx); err != nil {
			return err
		}
	}
	w.atCommit = waits
	return nil
}
