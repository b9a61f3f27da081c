package engine

import (
	"bytes"
	"context"
	"slices"
	"sort"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// view is the delta as a command sees it.
func (d *delta) view(command int32) op.OwnRows { return &ownView{d, command} }

// ownView implements op.OwnRows.
type ownView struct {
	d       *delta
	command int32
}

func (v *ownView) sees(n int64) bool { return v.d.from(n) < v.command && v.command <= v.d.to(n) }

// Live implements op.OwnRows.
func (v *ownView) Live() []storage.RowID {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	var out []storage.RowID
	for n := v.d.loaded; n < v.d.rows; n++ {
		if v.sees(n) {
			out = append(out, -n-1)
		}
	}
	return out
}

// Groups implements op.OwnRows.
func (v *ownView) Groups() ([]storage.RowGroup, error) {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	if v.d.load == nil || v.d.failed != nil {
		return nil, v.d.failed
	}
	list, err := v.d.load.Groups()
	if err != nil {
		return nil, err
	}
	var out []storage.RowGroup
	first := int64(0)
	for _, g := range list {
		set, some := v.visible(first, first+int64(g.Len()))
		if some {
			out = append(out, &ownGroup{g, first, set})
		}
		first += int64(g.Len())
	}
	return out, nil
}

// visible tells which of the rows [from, to) the command sees; nil: all.
func (v *ownView) visible(from, to int64) (set vec.Bitmap, some bool) {
	n := int(to - from)
	set = vec.NewBitmap(n)
	set.SetAll(n)
	hide := func(a, b int64) {
		for i := max(a, from); i < min(b, to); i++ {
			set.Clear(int(i - from))
		}
	}
	for i, s := range v.d.starts {
		if s.command >= v.command {
			end := v.d.rows
			if i+1 < len(v.d.starts) {
				end = v.d.starts[i+1].first
			}
			hide(s.first, end)
		}
	}
	for _, e := range v.d.emptied {
		if e.command < v.command {
			hide(0, e.rows)
		}
	}
	v.d.dead.each(from, to, func(row int64, e ending) bool {
		if e.command < v.command {
			set.Clear(int(row - from))
		}
		return true
	})
	switch set.Count(n) {
	case 0:
		return nil, false
	case n:
		return nil, true
	}
	return set, true
}

// ownGroup is a row group of a load, as a command sees it.
type ownGroup struct {
	storage.RowGroup
	first int64
	set   vec.Bitmap
}

// Visible implements storage.RowGroup.
func (g *ownGroup) Visible(context.Context) (vec.Bitmap, error) { return g.set, nil }

// IDs implements storage.RowGroup.
func (g *ownGroup) IDs(_ context.Context, from, to int) ([]storage.RowID, error) {
	out := make([]storage.RowID, to-from)
	for i := range out {
		out[i] = -(g.first + int64(from+i)) - 1
	}
	return out, nil
}

// Ended implements op.OwnRows.
func (v *ownView) Ended(row storage.RowID) bool {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	e, ok := v.d.ended.get(row)
	return ok && e.command < v.command
}

// EndedAmong implements op.OwnRows.
func (v *ownView) EndedAmong(from, to storage.RowID, f func(row storage.RowID)) {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	v.d.ended.each(from, to, func(row int64, e ending) bool {
		if e.command < v.command {
			f(row)
		}
		return true
	})
}

// EndedAll implements op.OwnRows.
func (v *ownView) EndedAll() bool {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	return len(v.d.emptied) > 0 && v.d.emptied[0].command < v.command
}

// EndedNone implements op.OwnRows.
func (v *ownView) EndedNone() bool {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	return v.d.ended.count == 0
}

// Read implements op.OwnRows.
func (v *ownView) Read(ctx context.Context, cols []storage.TableColumn, rows []storage.RowID) (*vec.Batch, error) {
	reader, loaded, batches, err := v.d.read(ctx)
	if err != nil {
		return nil, err
	}
	var places []int64
	var rest []storage.RowID
	at := make([]int32, len(rows))
	for i, r := range rows {
		if n := -r - 1; n < loaded {
			at[i] = int32(len(places))
			places = append(places, n)
		} else {
			at[i] = int32(len(rest))
			rest = append(rest, r)
		}
	}
	if len(places) == 0 {
		return readBatches(batches, cols, rows), nil
	}
	a, err := reader.Read(ctx, cols, places)
	if err != nil || len(rest) == 0 {
		return a, err
	}
	b := readBatches(batches, cols, rest)
	for i, r := range rows {
		if -r-1 >= loaded {
			at[i] += int32(len(places))
		}
	}
	out := &vec.Batch{Len: len(rows)}
	for c := range cols {
		out.Cols = append(out.Cols, cols[c].Join([]*vec.Column{a.Cols[c], b.Cols[c]}).Take(at))
	}
	return out, nil
}

// read is what own rows are read from: the load, which has so many of them, and the batches of the others. None of it changes.
func (d *delta) read(ctx context.Context) (r *storage.LoadReader, loaded int64, batches []ownBatch, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.load != nil && d.reader == nil {
		d.reader, err = d.load.Reader()
	}
	if err == nil {
		err = d.fill(ctx, false)
	}
	return d.reader, d.loaded, d.batches, err
}

// readBatches reads rows that are in memory.
func readBatches(batches []ownBatch, cols []storage.TableColumn, rows []storage.RowID) *vec.Batch {
	out := &vec.Batch{Len: len(rows), Cols: make([]*vec.Column, len(cols))}
	var list []*vec.Batch
	for from := 0; from < len(rows); {
		n := -rows[from] - 1
		b := &batches[sort.Search(len(batches), func(i int) bool { return batches[i].first > n })-1]
		to := from
		var idx []int32
		for to < len(rows) && -rows[to]-1 >= b.first && -rows[to]-1 < b.first+int64(b.rows.Len) {
			idx = append(idx, int32(-rows[to]-1-b.first))
			to++
		}
		list = append(list, shaped(b, cols, idx))
		from = to
	}
	for c := range cols {
		parts := make([]*vec.Column, len(list))
		for i, b := range list {
			parts[i] = b.Cols[c]
		}
		out.Cols[c] = op.Concat(cols[c].Kind, parts)
	}
	return out
}

// Seek implements op.OwnRows.
func (v *ownView) Seek(index uint32, lo, hi []byte, desc, whole bool) (op.OwnCursor, error) {
	d := v.d
	d.mu.Lock() // the load makes itself ready for those who look
	defer d.mu.Unlock()
	if whole {
		rows, err := d.with(index, lo)
		c := &ownCursor{v: v}
		for _, r := range rows {
			c.found = append(c.found, ownEntry{lo, r})
		}
		return c, err
	}
	c := &ownCursor{v: v, desc: desc}
	for key, list := range d.byKey(index) {
		if lo != nil && key < string(lo) || hi != nil && key >= string(hi) {
			continue
		}
		for _, r := range list {
			c.found = append(c.found, ownEntry{[]byte(key), r})
		}
	}
	slices.SortFunc(c.found, func(a, b ownEntry) int {
		order := bytes.Compare(a.key, b.key)
		if order == 0 {
			order = int(a.row - b.row)
		}
		if desc {
			return -order
		}
		return order
	})
	if d.load == nil {
		return c, d.failed
	}
	stored, err := d.load.Seek(index, lo, hi, desc)
	c.stored, c.more = stored, true
	return c, err
}

// ownEntry is the key of an own row.
type ownEntry struct {
	key []byte
	row storage.RowID
}

// ownCursor goes through own rows by an index, those in memory merged with those of the load.
type ownCursor struct {
	v      *ownView
	found  []ownEntry // in memory
	stored storage.LoadCursor
	more   bool // stored may have more
	next   *ownEntry
	desc   bool
}

// Next implements op.OwnCursor.
func (c *ownCursor) Next() (key []byte, row storage.RowID, ok bool, err error) {
	for {
		if c.more && c.next == nil {
			key, place, ok, err := c.stored.Next()
			if err != nil {
				return nil, 0, false, err
			}
			if c.more = ok; ok {
				c.next = &ownEntry{key, -place - 1}
			}
		}
		var e ownEntry
		switch {
		case len(c.found) == 0 && c.next == nil:
			return nil, 0, false, nil
		case c.next == nil || len(c.found) > 0 && bytes.Compare(c.found[0].key, c.next.key) < 0 != c.desc:
			e, c.found = c.found[0], c.found[1:]
		default:
			e, c.next = *c.next, nil
		}
		c.v.d.mu.RLock()
		seen := -e.row-1 < c.v.d.rows && c.v.sees(-e.row-1)
		c.v.d.mu.RUnlock()
		if seen {
			return e.key, e.row, true, nil
		}
	}
}
