package engine

import (
	"context"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// cursor is an SQL cursor: it goes forward only. One declared WITH HOLD outlives its transaction.
type cursor struct {
	rows   *Rows
	cancel context.CancelCauseFunc // of the query behind it
	hold   bool
	kept   bool       // the transaction that declared it was committed
	left   *vec.Batch // not given yet
}

func (s *Session) declare(ctx context.Context, st *syntax.DeclareCursor, p *Prepared, params []*vec.Column) error {
	if !s.tx.open() && st.Hold != syntax.Yes {
		return pgerr.New(pgerr.NoActiveSQLTransaction, "DECLARE CURSOR can only be used in transaction blocks")
	}
	if st.Scroll == syntax.Yes {
		return pgerr.New(pgerr.FeatureNotSupported, "SCROLL cursors are not supported yet").WithHint("Leave SCROLL out and fetch forward.")
	}
	if _, ok := s.cursors[st.Name]; ok {
		return pgerr.New(pgerr.DuplicateCursor, "cursor %q already exists", st.Name)
	}
	// The query outlives this statement, and ends with its connection, or with a FETCH that ends before it is done.
	qctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()
	rows, err := s.query(qctx, p.inner, params)
	if err != nil {
		cancel(nil)
		return err
	}
	s.cursors[st.Name] = &cursor{rows: rows, cancel: cancel, hold: st.Hold == syntax.Yes}
	return nil
}

func (s *Session) fetch(ctx context.Context, st *syntax.Fetch) (*Rows, error) {
	c, ok := s.cursors[st.Cursor]
	if !ok {
		return nil, pgerr.New(pgerr.InvalidCursorName, "cursor %q does not exist", st.Cursor)
	}
	if st.Direction != syntax.FetchForward || st.Count < 0 {
		return nil, pgerr.New(pgerr.ObjectNotInPrerequisite, "cursor can only scan forward").WithHint("Declare it with SCROLL option to enable backward scan.")
	}
	want := st.Count
	if st.All {
		want = -1
	}
	if st.Move {
		n, err := c.skip(ctx, want)
		return done("MOVE " + itoa(n)), err
	}
	return &Rows{Fields: c.rows.Fields, tag: "FETCH", counts: true, pull: func() (*vec.Batch, error) {
		b, err := c.take(ctx, want)
		if b != nil && want >= 0 {
			want -= int64(b.Len)
		}
		return b, err
	}}, nil
}

// take returns up to n rows (n < 0: any number), nil at the end or when n is 0. When ctx ends, so does the query.
func (c *cursor) take(ctx context.Context, n int64) (*vec.Batch, error) {
	if n == 0 {
		return nil, nil
	}
	b := c.left
	c.left = nil
	if b == nil {
		defer context.AfterFunc(ctx, func() { c.cancel(context.Cause(ctx)) })()
		var err error
		if b, err = c.rows.Next(); err != nil || b == nil {
			return nil, err
		}
	}
	if n > 0 && int64(b.Len) > n {
		c.left = b.Slice(int(n), b.Len)
		b = b.Slice(0, int(n))
	}
	return b, nil
}

func (c *cursor) skip(ctx context.Context, n int64) (int64, error) {
	var moved int64
	for n != 0 {
		b, err := c.take(ctx, n)
		if err != nil || b == nil {
			return moved, err
		}
		moved += int64(b.Len)
		if n > 0 {
			n -= int64(b.Len)
		}
	}
	return moved, nil
}

func (s *Session) closeCursor(name string) error {
	if name == "" {
		s.closeCursors()
		return nil
	}
	c, ok := s.cursors[name]
	if !ok {
		return pgerr.New(pgerr.InvalidCursorName, "cursor %q does not exist", name)
	}
	c.close()
	delete(s.cursors, name)
	return nil
}

func (c *cursor) close() {
	c.rows.Close()
	c.cancel(nil)
}

// closeCursors ends all cursors.
func (s *Session) closeCursors() {
	s.closeCursorsIf(func(string, *cursor) bool { return true })
}

// endCursors ends the cursors of a transaction that ends, but for those that were to be held, if it was committed.
func (s *Session) endCursors(committed bool) {
	s.closeCursorsIf(func(_ string, c *cursor) bool {
		c.kept = c.kept || committed && c.hold
		return !c.kept
	})
}

func (s *Session) closeCursorsIf(ends func(name string, c *cursor) bool) {
	for name, c := range s.cursors {
		if ends(name, c) {
			c.close()
			delete(s.cursors, name)
		}
	}
}
