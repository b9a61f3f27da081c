package storage

import (
	"errors"
	"iter"
	"math/bits"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

func everyRow(int64) bool { return true }

// enter lets the commit add to its tables, until leave. Who has a load is alone there.
func (w *catalogWork) enter() {
	for i := range w.tables {
		switch t := &w.tables[i]; {
		case t.load != nil:
			t.rel.adding.Lock()
		case t.block != nil:
			t.rel.adding.RLock()
		}
	}
}

func (w *catalogWork) leave() {
	for i := range w.tables {
		switch t := &w.tables[i]; {
		case t.load != nil:
			t.rel.adding.Unlock()
		case t.block != nil:
			t.rel.adding.RUnlock()
		}
	}
}

// takeIn gives Pebble the index entries of loads, where they are many, before the commit's turn comes. Keys that are durable first say
// what they are worth without the commit: entries of a new index are deleted, the rows of others never used.
func (w *catalogWork) takeIn() error {
	for i := range w.tables {
		t := &w.tables[i]
		if t.load == nil {
			continue
		}
		t.first = t.rel.state.Load().end
		t.enters = t.entries()
		if err := t.takeInKeys(); err != nil {
			return err
		}
	}
	for _, l := range w.indexes {
		if l.taken || l.keys.few() {
			continue
		}
		b := l.d.s.pdb.NewBatch()
		put(b, tableKey(l.d.num, kindNewIndex, l.index), nil)
		if err := l.d.s.commit(b, true); err != nil {
			return err
		}
		l.taken = true
		if err := l.keys.takeIn(l.index, 0, everyRow); err != nil {
			return err
		}
	}
	return nil
}

// entries tells which versions of the load, by their places, get index entries: not those that were taken back, nor those that are found by the entries
// of the ones before them.
func (t *tableWork) entries() func(place int64) bool {
	l := t.load
	if !t.keeps || len(l.keys) == 0 {
		return l.has
	}
	found := vec.NewBitmap(int(l.rows))
	for c := range iter.Seq[Closing](t.change.closed()) {
		if place := int64(c.Next); place < l.rows && t.placed(c).Kept {
			found.Set(c.Next)
		}
	}
	return func(place int64) bool { return l.has(place) && !found.Get(int(place)) }
}

func (t *tableWork) takeInKeys() error {
	l, d := t.load, t.rel.d
	var all sync.WaitGroup
	errs := make([]error, len(l.keys))
	if t.keeps {
		for _, keys := range l.keys {
			if len(keys.files) == 0 {
				all.Go(func() { keys.thin(t.enters) })
			}
		}
		all.Wait()
	}
	for k, keys := range l.keys {
		if keys.few() {
			continue
		}
		if !t.reserved {
			b := d.s.pdb.NewBatch()
			put(b, rowsKey(d.num, kindReserved, t.rel.id, t.first), fields(t.first+l.rows))
			if err := d.s.commit(b, true); err != nil {
				return err
			}
			t.reserved = true
		}
		all.Go(func() { errs[k] = keys.takeIn(l.indexes[k], t.first, t.enters) })
	}
	all.Wait()
	return errors.Join(append(errs, l.settle(0))...)
}

// giveUp is called where the commit failed: rows that have index entries are used by nobody else.
func (w *catalogWork) giveUp() {
	for i := range w.tables {
		if t := &w.tables[i]; t.reserved {
			t.rel.change(func(st *relationState) { st.burn(t.first, t.first+t.load.rows) })
		}
	}
}

// putLoad makes the groups of a load part of the table.
func (t *tableWork) putLoad(d *DB, b *pebble.Batch) error {
	l, at := t.load, t.at
	if t.early != nil {
		put(b, rowsKey(d.num, kindRows, t.rel.id, t.first), table.AppendBlocks(nil, t.first, []table.Timed{{Block: t.early, At: at}}))
	}
	for _, g := range t.groups(at) {
		d.adopt(b, g.object)
		put(b, heapKey(d.num, t.rel.id, g.object), g.encode())
	}
	for k, keys := range l.keys {
		if keys.few() {
			if err := keys.put(b, l.indexes[k], t.first, t.enters); err != nil {
				return err
			}
		}
	}
	putClosings(b, d.num, t.rel.id, t.dropped, neverAt(at))
	if t.reserved {
		del(b, rowsKey(d.num, kindReserved, t.rel.id, t.first))
	}
	return nil
}

// groups are those of the load, with their rows and time.
func (t *tableWork) groups(at Micros) []*tableGroup {
	out := make([]*tableGroup, len(t.load.groups))
	for i, g := range t.load.groups {
		out[i] = &tableGroup{d: g.d, object: g.object, first: t.first + g.first, end: t.first + g.end, rows: g.rows, bytes: g.bytes, firstAt: at, lastAt: at}
	}
	return out
}

// dropped gives the versions of the load that were taken back: they end before every moment.
func (t *tableWork) dropped(yield func(table.Closing) bool) {
	for w, word := range t.load.dropped {
		for ; word != 0; word &= word - 1 {
			place := int64(64*w + bits.TrailingZeros64(word))
			if place < t.load.rows && !yield(table.Closing{Row: t.first + place, At: table.Never}) {
				return
			}
		}
	}
}

func (t *tableWork) applyLoad(st *relationState) {
	l, at := t.load, t.at
	if t.early != nil {
		st.add(t.early, t.first, at)
	}
	st.groups = append(slices.Clip(st.groups), t.groups(at)...)
	st.end, st.last = t.first+l.rows, at
	l.ended = true
	for _, g := range l.groups {
		l.d.s.readers.drop(g)
	}
	for _, keys := range l.keys {
		keys.remove()
	}
}
