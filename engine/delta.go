package engine

import (
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// alive is the command that ends a row which nothing has ended.
const alive = math.MaxInt32

// newest as the command of a view of a delta is the state after all that the transaction has done.
const newest = math.MaxInt32

// delta is what a transaction has done to one table. Its own rows are numbered -1, -2, …. What a command does is seen by later ones
// only: each row knows the commands that added and ended it. Scans read it in their workers while a statement adds to it.
type delta struct {
	table storage.TableID

	mu      sync.RWMutex
	batches []ownBatch
	rows    []ownRow                              // row -n is at n-1
	ended   map[storage.RowID]ending              // versions that others see
	keys    map[uint32]map[string][]storage.RowID // of own rows, by index; dead rows too
	spans   map[uint32]map[string]rowSpans        // of own rows, by index WITHOUT OVERLAPS and key without the period, in order of their starts
	emptied int32                                 // command of the last TRUNCATE; 0: none
	bytes   int64
}

// ownBatch is rows as one statement gave them.
type ownBatch struct {
	cols []storage.TableColumn
	rows *vec.Batch
	keys []storage.IndexKeys
	// spans are the periods of the rows, by index WITHOUT OVERLAPS.
	spans map[uint32][]keySpan
}

type ownRow struct {
	batch, at int32
	from, to  int32         // commands
	next      storage.RowID // own row that replaced it; 0: none
}

// ending is how a version ended.
type ending struct {
	command int32
	next    storage.RowID // own row that replaced it; 0: it was deleted
}

func newDelta(t storage.TableID) *delta {
	return &delta{table: t, ended: map[storage.RowID]ending{}, keys: map[uint32]map[string][]storage.RowID{}}
}

// add takes rows that a command adds and returns the number of the first; the others follow downwards.
func (d *delta) add(command int32, b ownBatch) storage.RowID {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := -storage.RowID(len(d.rows)) - 1
	d.batches = append(d.batches, b)
	for i := range b.rows.Len {
		d.rows = append(d.rows, ownRow{batch: int32(len(d.batches) - 1), at: int32(i), from: command, to: alive})
	}
	for _, k := range b.keys {
		of := d.keys[k.Index]
		if of == nil {
			of = map[string][]storage.RowID{}
			d.keys[k.Index] = of
		}
		for i, key := range k.Keys {
			if key != nil {
				of[string(key)] = append(of[string(key)], first-storage.RowID(i))
			}
		}
	}
	for index, list := range b.spans {
		d.addSpans(index, list, first)
	}
	for _, c := range b.rows.Cols {
		d.bytes += int64(c.MemSize())
	}
	return first
}

// end notes that a command ended a row; next is the own row that replaced it, 0: it was deleted.
func (d *delta) end(command int32, row, next storage.RowID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if row < 0 {
		r := &d.rows[-row-1]
		r.to, r.next = command, next
		return
	}
	d.ended[row] = ending{command, next}
}

// state says whether a row is there after all that the transaction did, and the command that ended it if not.
func (d *delta) state(row storage.RowID) (live bool, by int32) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if row < 0 {
		to := d.rows[-row-1].to
		return to == alive, to
	}
	if e, ok := d.ended[row]; ok {
		return false, e.command
	}
	return d.emptied == 0, d.emptied
}

// empty notes a TRUNCATE: every row has ended.
func (d *delta) empty(command int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.emptied = command
	for i := range d.rows {
		if d.rows[i].to == alive {
			d.rows[i].to, d.rows[i].next = command, 0
		}
	}
}

// keyed lists the live own rows with a key.
func (d *delta) keyed(index uint32, key []byte) []storage.RowID {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var out []storage.RowID
	for _, row := range d.keys[index][string(key)] {
		if d.rows[-row-1].to == alive {
			out = append(out, row)
		}
	}
	return out
}

// goBack forgets what the commands from one on did.
func (d *delta) goBack(command int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.rows)
	for n > 0 && d.rows[n-1].from >= command {
		n--
	}
	if n < len(d.rows) {
		batch := d.rows[n].batch
		for _, b := range d.batches[batch:] {
			for _, k := range b.keys {
				for _, key := range k.Keys {
					d.forget(k.Index, key, n)
				}
			}
			for _, c := range b.rows.Cols {
				d.bytes -= int64(c.MemSize())
			}
		}
		d.batches, d.rows = d.batches[:batch], d.rows[:n]
		d.forgetSpans(n)
	}
	for i := range d.rows {
		if r := &d.rows[i]; r.to >= command && r.to != alive {
			r.to, r.next = alive, 0
		}
	}
	for row, e := range d.ended {
		if e.command >= command {
			delete(d.ended, row)
		}
	}
	if d.emptied >= command {
		d.emptied = 0
	}
}

// forget takes the rows after the first n out of the list of a key.
func (d *delta) forget(index uint32, key []byte, n int) {
	if key == nil {
		return
	}
	list := slices.DeleteFunc(d.keys[index][string(key)], func(r storage.RowID) bool { return -r > storage.RowID(n) })
	if len(list) == 0 {
		delete(d.keys[index], string(key))
	} else {
		d.keys[index][string(key)] = list
	}
}

// change is what the commit does to the table; changed is false for nothing.
func (d *delta) change(cols []storage.TableColumn) (ch storage.TableChange, changed bool) {
	ch = storage.TableChange{Table: d.table, Columns: cols, Truncate: d.emptied != 0}
	place := make([]int, len(d.rows)) // among the rows that stay
	n := 0
	for i := range d.rows {
		place[i] = -1
		if d.rows[i].to == alive {
			place[i] = n
			n++
		}
	}
	at := 0
	for _, b := range d.batches {
		idx := make([]int32, 0, b.rows.Len)
		for i := range b.rows.Len {
			if place[at+i] >= 0 {
				idx = append(idx, int32(i))
			}
		}
		at += b.rows.Len
		if len(idx) > 0 {
			ch.Rows = append(ch.Rows, shaped(b, cols, idx))
			ch.Keys = joinKeys(ch.Keys, b.keys, idx)
		}
	}
	for row, e := range d.ended {
		next := e.next
		for next != 0 && d.rows[-next-1].to != alive {
			next = d.rows[-next-1].next
		}
		c := storage.Closing{Row: row, Next: -1}
		if next != 0 {
			c.Next = place[-next-1]
		}
		if !ch.Truncate || e.command > d.emptied {
			ch.Closed = append(ch.Closed, c)
		}
	}
	slices.SortFunc(ch.Closed, func(a, b storage.Closing) int { return int(a.Row - b.Row) })
	return ch, n > 0 || len(ch.Closed) > 0 || ch.Truncate
}

// shaped is some rows of a batch with the columns given.
func shaped(b ownBatch, cols []storage.TableColumn, idx []int32) *vec.Batch {
	out := &vec.Batch{Len: len(idx)}
	for i := range cols {
		var c *vec.Column
		for k := range b.cols {
			if b.cols[k].ID == cols[i].ID {
				c = b.rows.Cols[k]
			}
		}
		switch {
		case c == nil:
			c = cols[i].Absent(len(idx))
		case len(idx) < b.rows.Len:
			c = c.Take(idx)
		}
		out.Cols = append(out.Cols, c)
	}
	return out
}

func joinKeys(all, more []storage.IndexKeys, idx []int32) []storage.IndexKeys {
	for _, m := range more {
		at := slices.IndexFunc(all, func(k storage.IndexKeys) bool { return k.Index == m.Index })
		if at < 0 {
			at = len(all)
			all = append(all, storage.IndexKeys{Index: m.Index})
		}
		for _, i := range idx {
			all[at].Keys = append(all[at].Keys, m.Keys[i])
		}
	}
	return all
}

// view is the delta as a command sees it.
func (d *delta) view(command int32) op.OwnRows { return &ownView{d, command} }

// ownView implements op.OwnRows.
type ownView struct {
	d       *delta
	command int32
}

func (v *ownView) sees(r *ownRow) bool { return r.from < v.command && v.command <= r.to }

// Live implements op.OwnRows.
func (v *ownView) Live() []storage.RowID {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	var out []storage.RowID
	for i := range v.d.rows {
		if v.sees(&v.d.rows[i]) {
			out = append(out, -storage.RowID(i)-1)
		}
	}
	return out
}

// Ended implements op.OwnRows.
func (v *ownView) Ended(row storage.RowID) bool {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	e, ok := v.d.ended[row]
	return ok && e.command < v.command
}

// EndedAll implements op.OwnRows.
func (v *ownView) EndedAll() bool {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	return v.d.emptied != 0 && v.d.emptied < v.command
}

// EndedNone implements op.OwnRows.
func (v *ownView) EndedNone() bool {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	return len(v.d.ended) == 0
}

// Read implements op.OwnRows.
func (v *ownView) Read(cols []storage.TableColumn, rows []storage.RowID) (*vec.Batch, error) {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	out := &vec.Batch{Len: len(rows), Cols: make([]*vec.Column, len(cols))}
	var list []*vec.Batch
	for from := 0; from < len(rows); {
		batch := v.d.rows[-rows[from]-1].batch
		to := from
		var idx []int32
		for to < len(rows) && v.d.rows[-rows[to]-1].batch == batch {
			idx = append(idx, v.d.rows[-rows[to]-1].at)
			to++
		}
		b := v.d.batches[batch]
		if whole := len(idx) == b.rows.Len; !whole || !slices.IsSorted(idx) {
			taken := *b.rows.Take(idx)
			b.rows = &taken
		}
		all := make([]int32, len(idx))
		for i := range all {
			all[i] = int32(i)
		}
		list = append(list, shaped(b, cols, all))
		from = to
	}
	for c := range cols {
		parts := make([]*vec.Column, len(list))
		for i, b := range list {
			parts[i] = b.Cols[c]
		}
		out.Cols[c] = op.Concat(cols[c].Kind, parts)
	}
	return out, nil
}

// Seek implements op.OwnRows.
func (v *ownView) Seek(index uint32, lo, hi []byte, whole bool) (keys []string, rows []storage.RowID) {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	if whole {
		for _, r := range v.d.keys[index][string(lo)] {
			if v.sees(&v.d.rows[-r-1]) {
				keys, rows = append(keys, string(lo)), append(rows, r)
			}
		}
		return keys, rows
	}
	type entry struct {
		key string
		row storage.RowID
	}
	var found []entry
	for key, list := range v.d.keys[index] {
		if lo != nil && key < string(lo) || hi != nil && key >= string(hi) {
			continue
		}
		for _, r := range list {
			if v.sees(&v.d.rows[-r-1]) {
				found = append(found, entry{key, r})
			}
		}
	}
	sort.Slice(found, func(i, j int) bool {
		return found[i].key < found[j].key || found[i].key == found[j].key && found[i].row < found[j].row
	})
	for _, e := range found {
		keys, rows = append(keys, e.key), append(rows, e.row)
	}
	return keys, rows
}
