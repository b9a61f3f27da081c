package op

import (
	"bytes"
	"context"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// indexBatch is how many rows the first batch of an index scan has at most: who stops early has not read many in vain.
const indexBatch = 16

// IndexScan says what to read of a table by an index.
type IndexScan struct {
	Table   *TableRows
	Use     *plan.IndexUse
	Cols    []plan.ScanCol
	Filter  expr.Expr // may be nil
	Reverse bool
	Once    bool   // any key, also with nulls, leads to one row at most at a moment
	Limit   int64  // -1 none
	Stats   *Stats // may be nil
}

// indexScan gives rows in the order of an index.
type indexScan struct {
	env    *Env
	scan   *IndexScan
	filter *expr.Program
	ranges []keyRange
	cur    *indexCursor
	next   int   // rows of the next batch
	read   int64 // rows so far, before the filter
	left   int64
}

// NewIndexScan reads a table by an index.
func NewIndexScan(env *Env, s *IndexScan) Op { return newIndexScan(env, s) }

func newIndexScan(env *Env, s *IndexScan) *indexScan {
	return &indexScan{env: env, scan: s, next: min(indexBatch, env.Rows), left: s.Limit}
}

func (s *indexScan) Open(context.Context) error {
	if s.scan.Filter != nil {
		s.filter = expr.Compile(s.scan.Filter, s.env.X)
	}
	var err error
	s.ranges, err = keyRanges(s.env.X, s.scan.Use, s.scan.Reverse)
	if s.left >= 0 && s.filter == nil {
		s.next = int(max(1, min(s.left, int64(s.env.Rows))))
	}
	return err
}

func (s *indexScan) Close() error {
	s.ranges, s.cur = nil, nil
	return nil
}

func (s *indexScan) Next(ctx context.Context) (*vec.Batch, error) {
	for {
		b, err := s.batch(ctx)
		if b == nil || b.Len > 0 || err != nil {
			return b, err
		}
	}
}

// batch gives what the filter leaves of the next rows of the index, which may be none; nil at the end.
func (s *indexScan) batch(ctx context.Context) (*vec.Batch, error) {
	if err := ctx.Err(); s.left == 0 || err != nil {
		return nil, err
	}
	ids, err := s.ids(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	b, err := s.scan.Table.fetch(ctx, s.scan.Cols, nil, ids)
	if err != nil {
		return nil, err
	}
	s.read += int64(b.Len)
	if st := s.scan.Stats; st != nil {
		st.Scanned.Add(int64(b.Len))
	}
	if s.filter != nil {
		sel, err := s.filter.Filter(b)
		if err != nil {
			return nil, err
		}
		if len(sel) < b.Len {
			b = b.Take(sel)
		}
	}
	if s.left > 0 {
		if int64(b.Len) > s.left {
			b = b.Slice(0, int(s.left))
		}
		s.left -= int64(b.Len)
	}
	return b, nil
}

// ids are the rows of the next batch.
func (s *indexScan) ids(ctx context.Context) ([]storage.RowID, error) {
	n := s.next
	s.next = min(4*n, s.env.Rows)
	ids := make([]storage.RowID, 0, n)
	for len(ids) < n {
		if s.cur == nil {
			if len(s.ranges) == 0 {
				break
			}
			u := s.scan.Use
			var err error
			s.cur, err = s.scan.Table.seek(ctx, u.Index, s.ranges[0], s.scan.Reverse, u.IsWhole(), s.scan.Once)
			if err != nil {
				return nil, storageError(err)
			}
			s.ranges = s.ranges[1:]
		}
		_, id, ok, err := s.cur.next(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			s.cur = nil
			continue
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// indexCursor goes through the keys of a range: those of the view without what the transaction has ended, merged with its own.
type indexCursor struct {
	t      *TableRows
	stored storage.IndexCursor // nil: at its end
	key    []byte              // of the next stored one, if there is one
	row    storage.RowID
	ready  bool
	own    OwnCursor // nil: at its end
	ownKey []byte    // of its next row, if ownRow is not 0
	ownRow storage.RowID
	desc   bool
}

// seek goes through a range of an index; whole says that it is that of one whole key. Of a key of a unique index a view has one version at
// most, unless it is that of a period, and the newest come first: those before it, of which a row that changes often has very many, are not
// looked at. once says that of any key of the index.
func (t *TableRows) seek(ctx context.Context, ix *catalog.TableIndex, r keyRange, desc, whole, once bool) (c *indexCursor, err error) {
	index := uint32(ix.ID)
	c = &indexCursor{t: t, desc: desc}
	switch {
	case t.Own != nil && t.Own.EndedAll():
	case whole && ix.Unique && !t.Period:
		row, ok, err := t.View.One(ctx, index, r.lo)
		if err != nil {
			return nil, err
		}
		if ok && (t.Own == nil || !t.Own.Ended(row)) {
			c.key, c.row, c.ready = r.lo, row, true
		}
	default:
		// Rows of one key come in the order in which they were inserted, as PostgreSQL gives them: in the index the newest are at the front.
		c.stored = t.View.Seek(ctx, index, storage.KeyRange{Lo: r.lo, Hi: r.hi, Desc: desc != whole, Once: once})
	}
	if t.Own != nil {
		c.own, err = t.Own.Seek(index, r.lo, r.hi, desc, whole)
	}
	return c, err
}

func (c *indexCursor) next(ctx context.Context) (key []byte, row storage.RowID, ok bool, err error) {
	for c.stored != nil && !c.ready {
		if c.key, c.row, ok, err = c.stored.Next(ctx); err != nil {
			return nil, 0, false, storageError(err)
		}
		if !ok {
			c.stored = nil
		}
		if ok && (c.t.Own == nil || !c.t.Own.Ended(c.row)) {
			c.ready = true
		}
	}
	if c.own != nil && c.ownRow == 0 {
		if c.ownKey, c.ownRow, ok, err = c.own.Next(); err != nil {
			return nil, 0, false, storageError(err)
		}
		if !ok {
			c.own, c.ownRow = nil, 0
		}
	}
	if c.ownRow != 0 && (!c.ready || c.ownFirst()) {
		key, row, c.ownRow = c.ownKey, c.ownRow, 0
		return key, row, true, nil
	}
	ok, c.ready = c.ready, false
	return c.key, c.row, ok, nil
}

// ownFirst reports whether the next of the transaction's own keys comes before the next stored one.
func (c *indexCursor) ownFirst() bool {
	order := bytes.Compare(c.ownKey, c.key)
	return order < 0 != c.desc && order != 0
}
