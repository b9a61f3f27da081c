package engine

import (
	"cmp"
	"context"
	"slices"
	"sort"

	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// change is what the commit does to the table; changed is false for nothing.
func (d *delta) change(ctx context.Context, cols []storage.TableColumn) (ch storage.TableChange, changed bool, err error) {
	if err := cmp.Or(d.failed, d.fill(ctx, true)); err != nil {
		return ch, false, err
	}
	ch = storage.TableChange{Table: d.table, Columns: cols, Truncate: len(d.emptied) > 0}
	base := int64(0) // place of the first row that is not in the load
	if d.load != nil && d.drop() < d.loaded {
		ch.Load, base = d.load, d.loaded
	}
	place := d.places()
	kept := 0
	for i := range d.batches {
		b := &d.batches[i]
		idx := []int32(nil) // all of them
		if place != nil {
			idx = staying(place[b.first-d.loaded:][:b.rows.Len])
		}
		if place != nil && len(idx) == 0 {
			continue
		}
		rows := shaped(b, cols, idx)
		if ch.Rows = append(ch.Rows, rows); idx == nil && len(d.batches) == 1 {
			ch.Keys = b.keys
		} else {
			ch.Keys = joinKeys(ch.Keys, b.keys, idx, kept, rows.Len)
		}
		kept += rows.Len
	}
	if d.ended.count > 0 {
		ch.Closed = d.closings(func(n int64) int64 {
			switch {
			case n < d.loaded:
				return n
			case place != nil:
				return base + int64(place[n-d.loaded])
			}
			return base + n - d.loaded
		})
	}
	return ch, kept > 0 || base > 0 || ch.Closed != nil || ch.Truncate, nil
}

// places numbers the rows in memory that stay, -1 are those that do not; nil: all stay.
func (d *delta) places() []int32 {
	if d.dead.count == 0 && len(d.emptied) == 0 {
		return nil
	}
	place := make([]int32, d.rows-d.loaded)
	n := int32(0)
	for i := range place {
		place[i] = -1
		if live, _ := d.ownState(d.loaded + int64(i)); live {
			place[i] = n
			n++
		}
	}
	return place
}

// staying lists the rows that have places.
func staying(place []int32) (idx []int32) {
	for k, p := range place {
		if p >= 0 {
			idx = append(idx, int32(k))
		}
	}
	return idx
}

// drop takes the dead rows out of the load, and returns how many they are.
func (d *delta) drop() (count int64) {
	last := int64(-1)
	drop := func(from, to int64) {
		for n := max(from, last+1); n < min(to, d.loaded); n++ {
			d.load.Drop(n)
			count++
			last = n
		}
	}
	// Where a TRUNCATE or a return to a savepoint took many the others need not be looked for.
	for n := int64(0); n < d.loaded; {
		end := d.loaded
		if i := slices.IndexFunc(d.starts, func(s ownStart) bool { return s.first > n }); i >= 0 {
			end = min(end, d.starts[i].first)
		}
		gone := d.from(n) == undone
		for _, e := range d.emptied {
			if e.rows > n {
				end, gone = min(end, e.rows), true
				break
			}
		}
		if gone {
			drop(n, end)
		} else {
			d.dead.each(n, end, func(row int64, _ ending) bool {
				drop(row, row+1)
				return true
			})
		}
		n = end
	}
	return count
}

// closings are the versions that have ended, with the places that place gives for rows that are there.
func (d *delta) closings(place func(n int64) int64) storage.Closings {
	emptied := d.emptiedBy()
	return func(yield func(storage.Closing) bool) {
		var at endingsReader
		var run keptRun // that was met last
		chained := d.dead.count > 0
		d.ended.each(0, newestRow, func(row int64, e ending) bool {
			if e.command <= emptied {
				return true // TRUNCATE closes it
			}
			c := storage.Closing{Row: row, Next: -1, Kept: true}
			next := e.next
			for next != 0 {
				n := -next - 1
				if c.Kept && (n < run.first || n >= run.end) {
					run, c.Kept = d.keptAround(n)
				}
				after, over := ending{}, false
				if chained {
					after, over = at.get(&d.dead, n)
				}
				if !over {
					c.Next = int(place(n))
					break
				}
				next = after.next
			}
			c.Kept = c.Kept && c.Next >= 0
			return yield(c)
		})
	}
}

// oneShape reports whether two lists are the one of a shape.
func oneShape(a, b []storage.TableColumn) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

// keptAround reports whether an own row took the place of one with the same keys, and gives rows around it for which that is so.
func (d *delta) keptAround(n int64) (run keptRun, kept bool) {
	if n < d.loaded {
		if i := sort.Search(len(d.kept), func(i int) bool { return d.kept[i].end > n }); i < len(d.kept) {
			run = d.kept[i]
		}
	} else if i := sort.Search(len(d.batches), func(i int) bool { return d.batches[i].end() > n }); i < len(d.batches) && d.batches[i].kept {
		run = keptRun{d.batches[i].first, d.batches[i].end()}
	}
	return run, run.first <= n && n < run.end
}

// newestRow is after all rows.
const newestRow = 1<<63 - 1

// shaped is some rows of a batch with the columns given; nil: all rows.
func shaped(b *ownBatch, cols []storage.TableColumn, idx []int32) *vec.Batch {
	if idx == nil && oneShape(b.cols, cols) {
		return b.rows
	}
	out := &vec.Batch{Len: len(idx)}
	if idx == nil {
		out.Len = b.rows.Len
	}
	for i := range cols {
		var c *vec.Column
		for k := range b.cols {
			if b.cols[k].ID == cols[i].ID {
				c = b.rows.Cols[k]
			}
		}
		switch {
		case c == nil:
			c = cols[i].Absent(out.Len)
		case idx != nil && !isAll(idx, b.rows.Len):
			c = c.Take(idx)
		}
		out.Cols = append(out.Cols, c)
	}
	return out
}

// isAll reports whether idx are the first n numbers.
func isAll(idx []int32, n int) bool {
	for i, x := range idx {
		if int(x) != i {
			return false
		}
	}
	return len(idx) == n
}

// joinKeys adds the keys of some rows of a batch, nil for all, to those of the rows before them. Not all batches need have the same indexes.
func joinKeys(all, more []storage.IndexKeys, idx []int32, before, rows int) []storage.IndexKeys {
	for _, m := range more {
		at := slices.IndexFunc(all, func(k storage.IndexKeys) bool { return k.Index == m.Index })
		if at < 0 {
			at = len(all)
			all = append(all, storage.IndexKeys{Index: m.Index, Keys: make([][]byte, before)})
		}
		if idx == nil {
			all[at].Keys = append(all[at].Keys, m.Keys...)
		}
		for _, i := range idx {
			all[at].Keys = append(all[at].Keys, m.Keys[i])
		}
	}
	for k := range all {
		for len(all[k].Keys) < before+rows {
			all[k].Keys = append(all[k].Keys, nil)
		}
	}
	return all
}
