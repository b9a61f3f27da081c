package engine

import (
	"context"
	"time"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// cursor is an SQL cursor. One that was declared SCROLL keeps the rows that it has read, the others go forward only. One declared WITH HOLD outlives its
// transaction.
type cursor struct {
	rows   *Rows
	cancel context.CancelCauseFunc // of the query behind it
	hold   bool
	text   string      // of its declaration
	at     time.Time   // of it
	kept   bool        // the transaction that declared it was committed
	left   *vec.Batch  // not given yet, of one that goes forward
	seen   *op.Kept    // of one that scrolls
	pos    int64       // the row that it is on, from 1; 0: before the first
	ended  bool        // all rows were read
	after  bool        // it is after the last row
	reads  []tableLock // the tables of its query
	on     []bind.CursorRows
	row    *vec.Batch // that it is on; nil: it is on none
}

func (s *Session) declare(ctx context.Context, st *syntax.DeclareCursor, p *Prepared, params []*vec.Column) error {
	if !s.tx.open() && st.Hold != syntax.Yes {
		return pgerr.New(pgerr.NoActiveSQLTransaction, "DECLARE CURSOR can only be used in transaction blocks")
	}
	if len(st.Query.Locking) > 0 {
		if err := readOnlyCursor(st); err != nil {
			return err
		}
	}
	if _, ok := s.cursors[st.Name]; ok {
		return pgerr.New(pgerr.DuplicateCursor, "cursor %q already exists", st.Name)
	}
	if s.tx.block && st.Hold == syntax.Yes && s.isolation() == serializable {
		return pgerr.New(pgerr.FeatureNotSupported, "cursors WITH HOLD are not supported in SERIALIZABLE transactions").
			WithDetail("What they read after the commit would not be part of the transaction.").WithHint("Leave WITH HOLD out, or use REPEATABLE READ.")
	}
	// The query outlives this statement, and ends with its connection, or with a FETCH that ends before it is done.
	qctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()
	rows, err := s.query(qctx, p.inner, params)
	if err != nil {
		cancel(nil)
		return err
	}
	c := &cursor{rows: rows, cancel: cancel, reads: p.inner.changed, on: p.inner.rows, hold: st.Hold == syntax.Yes, text: p.text, at: s.engine.cfg.Now()}
	if st.Scroll == syntax.Yes {
		cfg := s.executionConfig(ctx, nil)
		c.seen = op.NewKept(cfg.shared.Child(cfg.memory / 4))
	}
	s.cursors[st.Name] = c
	return nil
}

// readOnlyCursor refuses to lock the rows of a cursor that may come back to them.
func readOnlyCursor(st *syntax.DeclareCursor) error {
	how := st.Query.Locking[0].Strength.String()
	switch {
	case st.Hold == syntax.Yes:
		return pgerr.New(pgerr.FeatureNotSupported, "DECLARE CURSOR WITH HOLD ... %s is not supported", how).WithDetail("Holdable cursors must be READ ONLY.")
	case st.Scroll == syntax.Yes:
		return pgerr.New(pgerr.FeatureNotSupported, "DECLARE SCROLL CURSOR ... %s is not supported", how).WithDetail("Scrollable cursors must be READ ONLY.")
	case st.Insensitive == syntax.Yes:
		return pgerr.New("42P11", "DECLARE INSENSITIVE CURSOR ... %s is not valid", how).WithDetail("Insensitive cursors must be READ ONLY.")
	}
	return nil
}

func (s *Session) fetch(ctx context.Context, st *syntax.Fetch) (*Rows, error) {
	c, ok := s.cursors[st.Cursor]
	if !ok {
		return nil, pgerr.New(pgerr.InvalidCursorName, "cursor %q does not exist", st.Cursor)
	}
	next, err := c.seek(ctx, st)
	if err != nil {
		return nil, err
	}
	next = c.following(next)
	if st.Move {
		var n int64
		for {
			b, err := next()
			if err != nil || b == nil {
				return done("MOVE " + itoa(n)), err
			}
			n += int64(b.Len)
		}
	}
	return &Rows{Fields: c.rows.Fields, tag: "FETCH", counts: true, pull: next}, nil
}

// take returns up to n rows (n < 0: any number), nil at the end or when n is 0. When ctx ends, so does the query.
func (c *cursor) take(ctx context.Context, n int64) (*vec.Batch, error) {
	if n == 0 {
		return nil, nil
	}
	b := c.left
	c.left = nil
	if b == nil {
		var err error
		if b, err = c.read(ctx); b == nil {
			c.after = err == nil
			return nil, err
		}
	}
	if n > 0 && int64(b.Len) > n {
		c.left = b.Slice(int(n), b.Len)
		b = b.Slice(0, int(n))
	}
	c.pos += int64(b.Len)
	return b, nil
}

// read gives the next rows of the query.
func (c *cursor) read(ctx context.Context) (*vec.Batch, error) {
	defer context.AfterFunc(ctx, func() { c.cancel(context.Cause(ctx)) })()
	return c.rows.Next()
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
	if c.seen != nil {
		c.seen.Close()
	}
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
