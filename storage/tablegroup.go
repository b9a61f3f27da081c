package storage

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// tableGroup is a row group of a table. A base group has versions that may be open; when many of them are closed it is split: what
// is open becomes a smaller base group, what is closed a history group, which says when each ended.
type tableGroup struct {
	d       *DB
	object  uint64
	first   RowID // the first and, +1, the last version; all between them only if they are as many as rows
	end     RowID
	rows    int
	bytes   int64
	history bool
	firstAt Micros // when the first and the last version began
	lastAt  Micros
	endFrom Micros // of history: when the first and the last of them ended
	endTo   Micros

	closed  atomic.Int64 // of base: about how many are closed
	changes atomic.Int64 // closings of versions in its place since it is there
	visible atomic.Pointer[visibleNow]

	opening sync.Mutex
	reader  atomic.Pointer[table.Reader]
	open    openGroup
	reads   atomic.Int64
	retired atomic.Bool
	heir    *tableGroup // has the same object; it is there as long as views hold this one. Set once the group is replaced
}

// visibleNow is which versions of a base group are visible to views that know all of its closings. It holds while the group has
// changed no more often than then.
type visibleNow struct {
	changes int64
	gone    RowID
	newest  Micros // closing of the group
	rows    vec.Bitmap
}

func (g *tableGroup) place() *openGroup { return &g.open }
func (g *tableGroup) replaced() bool    { return g.retired.Load() }
func (g *tableGroup) forget()           { g.reader.Store(nil) }

// dense tells that the versions are consecutive.
func (g *tableGroup) dense() bool { return g.end-g.first == int64(g.rows) }

func (g *tableGroup) encode() []byte {
	history := int64(0)
	if g.history {
		history = 1
	}
	return fields(g.first, g.end, int64(g.rows), g.bytes, history, g.firstAt, g.lastAt, g.endFrom, g.endTo)
}

func (d *DB) decodeTableGroup(object uint64, value []byte) (*tableGroup, error) {
	g := &tableGroup{d: d, object: object}
	var rows, history int64
	if _, err := readFields(value, &g.first, &g.end, &rows, &g.bytes, &history, &g.firstAt, &g.lastAt, &g.endFrom, &g.endTo); err != nil {
		return nil, err
	}
	if g.rows, g.history = int(rows), history != 0; rows < 1 || rows > segment.MaxRows || g.first < 1 || g.end-g.first < rows {
		return nil, fmt.Errorf("%w: row group of a table from %d to %d with %d rows", ErrCorrupt, g.first, g.end, rows)
	}
	return g, nil
}

func (g *tableGroup) openReader() (*table.Reader, error) {
	if r := g.reader.Load(); r != nil {
		return r, nil
	}
	g.opening.Lock()
	defer g.opening.Unlock()
	if r := g.reader.Load(); r != nil {
		return r, nil
	}
	meta, err := g.d.s.get(blobKey(g.d.num, g.object, partMeta))
	if err != nil {
		return nil, err
	}
	r, err := table.Open(meta, func(part uint32) ([]byte, error) {
		v, err := g.d.s.get(blobKey(g.d.num, g.object, part))
		if v == nil && err == nil {
			err = fmt.Errorf("%w: column %d of object %d is missing", ErrCorrupt, part, g.object)
		}
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("row group of a table, object %d: %w", g.object, damaged(err))
	}
	if r.Len() != g.rows {
		return nil, fmt.Errorf("%w: row group of a table, object %d, has %d rows, expected %d", ErrCorrupt, g.object, r.Len(), g.rows)
	}
	g.reader.Store(r)
	g.used(r)
	return r, nil
}

// used tells the cache what the group holds after a read.
func (g *tableGroup) used(r *table.Reader) {
	if n := g.reads.Add(1); n < 64 || n%16 == 0 {
		g.d.s.readers.touch(g, r.MemSize())
	}
}

// mayMatch reports whether a version of the group can satisfy all preds.
func (g *tableGroup) mayMatch(preds []TablePred) (bool, error) {
	if len(preds) == 0 {
		return true, nil
	}
	r, err := g.openReader()
	if err != nil {
		return false, err
	}
	for i := range preds {
		if p := &preds[i]; !r.MayMatch(&p.Column, segment.Op(p.Op), p.Values) {
			return false, nil
		}
	}
	g.used(r)
	return true, nil
}

// ids names rows [from, to).
func (g *tableGroup) ids(from, to int) ([]RowID, error) {
	if g.dense() {
		out := make([]RowID, to-from)
		for i := range out {
			out[i] = g.first + int64(from+i)
		}
		return out, nil
	}
	r, err := g.openReader()
	if err != nil {
		return nil, err
	}
	ids, err := r.IDs(from, to)
	if err == nil && ids == nil {
		err = fmt.Errorf("%w: row group of a table, object %d, does not name its rows", ErrCorrupt, g.object)
	}
	return ids, damaged(err)
}

// before is how many of the versions come before a row.
func (g *tableGroup) before(row RowID) (int, error) {
	if row >= g.end {
		return g.rows, nil
	}
	if g.dense() {
		return int(max(row-g.first, 0)), nil
	}
	r, err := g.openReader()
	if err != nil {
		return 0, err
	}
	n, err := r.Before(row)
	return n, damaged(err)
}

// find returns where versions, which ascend, are in the group, -1 where they are not.
func (g *tableGroup) find(ids []RowID) ([]int32, error) {
	if g.dense() {
		out := make([]int32, len(ids))
		for i, id := range ids {
			if out[i] = int32(id - g.first); id < g.first || id >= g.end {
				out[i] = -1
			}
		}
		return out, nil
	}
	r, err := g.openReader()
	if err != nil {
		return nil, err
	}
	out, err := r.Find(ids)
	return out, damaged(err)
}

// begins returns when rows [from, to) began, or the rows of a list.
func (g *tableGroup) begins(from, to int, list []int32) ([]Micros, error) {
	n := to - from
	if list != nil {
		n = len(list)
	}
	if g.firstAt != g.lastAt {
		r, err := g.openReader()
		if err != nil {
			return nil, err
		}
		out, err := r.Begins(from, to, list)
		if err == nil && out == nil {
			err = fmt.Errorf("%w: row group of a table, object %d, does not say when its rows began", ErrCorrupt, g.object)
		}
		return out, damaged(err)
	}
	out := make([]Micros, n)
	for i := range out {
		out[i] = g.firstAt
	}
	return out, nil
}

// until returns the row after the last that began at or before a moment; 0: none did.
func (g *tableGroup) until(at Micros) (RowID, error) {
	switch {
	case at >= g.lastAt:
		return g.end, nil
	case at < g.firstAt:
		return 0, nil
	}
	n := 0
	for hi := g.rows; n < hi; {
		mid := (n + hi) / 2
		begin, err := g.begins(mid, mid+1, nil)
		if err != nil {
			return 0, err
		}
		if begin[0] <= at {
			n = mid + 1
		} else {
			hi = mid
		}
	}
	if n == 0 {
		return 0, nil
	}
	ids, err := g.ids(n-1, n)
	if err != nil {
		return 0, err
	}
	return ids[0] + 1, nil
}

// storeTableGroup writes an encoded group with the batch that makes it part of the table, or before it if it is large.
func (d *DB) storeTableGroup(b *pebble.Batch, g *tableGroup, enc *table.Group) error {
	g.d, g.rows, g.bytes = d, enc.Rows, enc.Bytes()
	if d.s.large(g.bytes) {
		object, err := d.storeLarge(enc.Parts, enc.Meta)
		if err != nil {
			return err
		}
		g.object = object
		d.adopt(b, object)
		return nil
	}
	g.object = d.objects.allocate()
	putParts(b, d.num, g.object, enc)
	return nil
}

func putParts(b *pebble.Batch, db uint32, object uint64, enc *table.Group) {
	for _, p := range enc.Parts {
		put(b, blobKey(db, object, p.ID), p.Data)
	}
	put(b, blobKey(db, object, partMeta), enc.Meta)
}

// replacedTableGroup is called when a commit has replaced a group: once nobody holds it its blobs go.
func (d *DB) replacedTableGroup(g *tableGroup) {
	g.retired.Store(true)
	d.s.readers.drop(g)
	runtime.AddCleanup(g, d.unreachable, g.object)
}

// sealedRows is a row group as a view sees it.
type sealedRows struct {
	v   *tableView
	g   *tableGroup
	len int
}

var _ RowGroup = sealedRows{}

func (s sealedRows) Len() int     { return s.len }
func (s sealedRows) Bytes() int64 { return s.g.bytes }

func (s sealedRows) IDs(_ context.Context, from, to int) ([]RowID, error) {
	if err := checkRange(from, to, s.len); err != nil {
		return nil, err
	}
	return s.g.ids(from, to)
}

func (s sealedRows) Read(_ context.Context, col TableColumn, from, to int) (*vec.Column, error) {
	if err := checkRange(from, to, s.len); err != nil {
		return nil, err
	}
	r, err := s.g.openReader()
	if err != nil {
		return nil, err
	}
	c, err := r.Read(&col, from, to)
	s.g.used(r)
	return c, damaged(err)
}

func (s sealedRows) ReadRows(_ context.Context, col TableColumn, rows []int32) (*vec.Column, error) {
	if err := checkRows(rows, s.len); err != nil {
		return nil, err
	}
	return s.g.readRows(&col, rows)
}

func (g *tableGroup) readRows(col *TableColumn, rows []int32) (*vec.Column, error) {
	r, err := g.openReader()
	if err != nil {
		return nil, err
	}
	c, err := r.ReadRows(col, rows)
	g.used(r)
	return c, damaged(err)
}

func (s sealedRows) Periods(_ context.Context, from, to int) (begin, end []Micros, err error) {
	ids, err := s.g.ids(from, to)
	if err != nil {
		return nil, nil, err
	}
	if begin, err = s.g.begins(from, to, nil); err != nil {
		return nil, nil, err
	}
	if !s.g.history {
		end, err = s.v.ends(ids)
		return begin, end, err
	}
	ends, err := s.g.ends(from, to)
	if err != nil {
		return nil, nil, err
	}
	end = make([]Micros, len(ends))
	for i, at := range ends {
		if end[i] = at; at > s.v.moment {
			end[i] = math.MaxInt64
		}
	}
	return begin, end, nil
}

func (g *tableGroup) ends(from, to int) ([]Micros, error) {
	r, err := g.openReader()
	if err != nil {
		return nil, err
	}
	out, err := r.Ends(from, to)
	if err == nil && out == nil {
		err = fmt.Errorf("%w: row group of a table, object %d, does not say when its rows ended", ErrCorrupt, g.object)
	}
	return out, damaged(err)
}

// crowded is the share of closed versions (one of so many) from which a base group is split.
const crowded = 4

func (s sealedRows) Visible(context.Context) (vec.Bitmap, error) {
	g, v := s.g, s.v
	if g.history {
		return s.visibleHistory()
	}
	changes := g.changes.Load()
	if last := g.visible.Load(); last != nil && last.changes == changes && last.gone == v.gone && v.ended >= last.newest {
		return last.rows, nil
	}
	var rows vec.Bitmap
	var newest Micros
	var err error
	if g.dense() {
		rows, newest, err = v.visibleRows(g.first, g.first+int64(s.len))
	} else if ids, ierr := g.ids(0, s.len); ierr == nil {
		rows, newest, err = v.visibleIDs(ids)
	} else {
		err = ierr
	}
	if err != nil {
		return nil, err
	}
	if v.ended >= newest && s.len == g.rows {
		g.visible.Store(&visibleNow{changes, v.gone, newest, rows})
		if rows != nil && v.gone <= g.first {
			// After a start this is how it becomes known that many are closed.
			if n := int64(g.rows - rows.Count(g.rows)); g.closed.Load() < n {
				if g.closed.Store(n); g.isCrowded() {
					g.d.s.work.wake(g.d)
				}
			}
		}
	}
	return rows, nil
}

// visibleHistory compares the times that the group has.
func (s sealedRows) visibleHistory() (vec.Bitmap, error) {
	g, v := s.g, s.v
	if g.endFrom > v.ended {
		return nil, nil
	}
	ends, err := g.ends(0, s.len)
	if err != nil {
		return nil, err
	}
	out := vec.NewBitmap(s.len)
	for w := range out {
		var word uint64
		for i, at := range ends[64*w : min(64*w+64, len(ends))] {
			if at > v.ended {
				word |= 1 << i
			}
		}
		out[w] = word
	}
	return out, nil
}
