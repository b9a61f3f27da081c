package engine

import (
	"slices"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// following notes the row that a cursor comes to be on, and leaves out of the answer what says which rows of tables it is made of.
func (c *cursor) following(next func() (*vec.Batch, error)) func() (*vec.Batch, error) {
	c.row = nil
	return func() (*vec.Batch, error) {
		b, err := next()
		if b == nil || b.Len == 0 || err != nil || len(c.on) == 0 {
			return b, err
		}
		c.row = b.Slice(b.Len-1, b.Len)
		return &vec.Batch{Len: b.Len, Cols: b.Cols[:len(c.rows.Fields)]}, nil
	}
}

// currentOf is the row of a table that a cursor is on, as it is now: an empty list where it is gone, or where the table gave nothing to the
// cursor's row.
func (s *Session) currentOf(name string, rel *catalog.Relation) ([]storage.RowID, error) {
	c, ok := s.cursors[name]
	if !ok {
		return nil, pgerr.New(pgerr.InvalidCursorName, "cursor %q does not exist", name)
	}
	fail := func(words string, args ...any) ([]storage.RowID, error) {
		return nil, pgerr.New(pgerr.InvalidCursorState, "cursor %q "+words, append([]any{name}, args...)...)
	}
	at := slices.IndexFunc(c.on, func(r bind.CursorRows) bool { return r.Relation == rel.OID })
	others := slices.ContainsFunc(c.on, func(r bind.CursorRows) bool { return r.Locked })
	switch {
	case c.kept:
		return fail("is held from a previous transaction")
	case others && (at < 0 || !c.on[at].Locked):
		return fail("does not have a FOR UPDATE/SHARE reference to table %q", rel.Name)
	case at < 0:
		return fail("is not a simply updatable scan of table %q", rel.Name)
	case others && slices.ContainsFunc(c.on[at+1:], func(r bind.CursorRows) bool { return r.Relation == rel.OID && r.Locked }):
		return fail("has multiple FOR UPDATE/SHARE references to table %q", rel.Name)
	case c.row == nil || c.after:
		return fail("is not positioned on a row")
	}
	ids := c.row.Cols[c.on[at].Column]
	if ids.Null(0) {
		return []storage.RowID{}, nil
	}
	return s.lastVersion(storage.TableID(rel.OID), ids.Int(0))
}

// lastVersion is the version of a row that nothing has replaced but what others have not committed; an empty list where it is deleted.
func (s *Session) lastVersion(table storage.TableID, row storage.RowID) ([]storage.RowID, error) {
	d := s.tx.work.deltas.of(table)
	for row != 0 {
		if d != nil {
			if next, ended := d.next(row); ended {
				row = next
				continue
			}
		}
		if row < 0 {
			return []storage.RowID{row}, nil
		}
		closed, next, err := s.log.Fate(table, row)
		if err != nil {
			return nil, err
		}
		if closed == 0 || s.repeatable() { // whose change will be refused
			return []storage.RowID{row}, nil
		}
		row = next
	}
	return []storage.RowID{}, nil
}
