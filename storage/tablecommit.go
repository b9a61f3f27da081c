package storage

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
)

// catalogWork is what a commit does beside events, made ready by who commits.
type catalogWork struct {
	tables    []tableWork
	objects   []ObjectChange
	sequences []SequenceChange
	indexes   []*IndexLoad
	passing   []uint32
	at        Micros
}

// tableWork is a change of one table.
type tableWork struct {
	rel      *relation
	change   *TableChange
	load     *TableLoad   // nil: none
	early    *table.Block // all versions of the load, if it has written no group
	block    *table.Block // new versions after those; nil: none
	keys     []IndexKeys  // of the block
	first    RowID
	at       Micros                 // recorded time of the commit
	enters   func(place int64) bool // which versions of the load get index entries
	reserved bool                   // rows from first on have index entries already
	closings int64
	few      []Closing       // all of them, if they are few
	closed   []table.Closing // those, once the commit has its place and its time
	keeps    bool            // a version has the keys of the one before it
	last     RowID           // of the versions that end
}

// rows is how many versions are new.
func (t *tableWork) rows() int64 { return t.loaded() + int64(t.block.Len()) }

func (t *tableWork) loaded() int64 {
	if t.load == nil {
		return 0
	}
	return t.load.rows
}

// prepare does what can be done before the commit's turn comes, and returns about how many bytes the commit has.
func (d *DB) prepare(c *Commit) (*catalogWork, int64, error) {
	tables := c.Tables
	if len(tables) == 0 && len(c.Objects) == 0 && len(c.Sequences) == 0 && len(c.Indexes) == 0 {
		return nil, 0, nil
	}
	w := &catalogWork{objects: c.Objects, sequences: c.Sequences, indexes: c.Indexes, passing: c.Passing, tables: make([]tableWork, 0, len(tables))}
	bytes := int64(32 * len(c.Sequences))
	for _, o := range c.Objects {
		bytes += int64(len(o.Value)) + 32
	}
	for _, l := range c.Indexes {
		if l.ended {
			return nil, 0, errLoadEnded
		}
	}
	for i := range tables {
		ch := &tables[i]
		for k := range i {
			if tables[k].Table == ch.Table {
				return nil, 0, fmt.Errorf("table %d is changed twice in one commit", ch.Table)
			}
		}
		w.tables = append(w.tables, tableWork{rel: d.relation(ch.Table), change: ch, keys: ch.Keys})
		n, err := w.tables[i].prepare()
		if err != nil {
			return nil, 0, fmt.Errorf("table %d: %w", ch.Table, err)
		}
		bytes += n
	}
	// In one order, so that commits that wait for each other's tables do not wait for ever.
	slices.SortFunc(w.tables, func(a, b tableWork) int { return cmp.Compare(a.rel.id, b.rel.id) })
	return w, bytes, nil
}

// prepare encodes the new versions and checks which ones end.
func (t *tableWork) prepare() (bytes int64, err error) {
	if bytes, err = t.prepareRows(); err != nil {
		return 0, err
	}
	rows := t.rows()
	for c := range iter.Seq[Closing](t.change.closed()) {
		switch {
		case c.Row < 1 || c.Next < -1 || int64(c.Next) >= rows:
			return 0, fmt.Errorf("version %d cannot be closed by new version %d of %d", c.Row, c.Next, rows)
		case c.Row <= t.last:
			return 0, fmt.Errorf("version %d is closed after version %d, or twice", c.Row, t.last)
		}
		if t.closings++; t.closesFew() {
			t.few = append(t.few, c)
		}
		t.keeps = t.keeps || c.Kept
		t.last = c.Row
	}
	return bytes + 4*t.closings, nil
}

func (ch *TableChange) closed() Closings {
	if ch.Closed == nil {
		return func(func(Closing) bool) {}
	}
	return ch.Closed
}

// fewLoaded is up to how many versions of a load become a block.
const fewLoaded = 1024

// prepareRows encodes the new versions, those of a load as a group or, where they are few, as a block too.
func (t *tableWork) prepareRows() (bytes int64, err error) {
	d, ch, rows := t.rel.d, t.change, t.change.Rows
	n := 0
	for _, b := range rows {
		n += b.Len
	}
	for _, keys := range ch.Keys {
		if len(keys.Keys) != n {
			return 0, fmt.Errorf("%d keys in index %d for %d rows", len(keys.Keys), keys.Index, n)
		}
		for _, key := range keys.Keys {
			bytes += int64(len(key)) + indexPrefix + 8
		}
	}
	if l := ch.Load; l != nil && l.rows > 0 {
		if l.ended {
			return 0, errLoadEnded
		}
		t.load = l
		if err := cmp.Or(l.failed, l.unfollow()); err != nil {
			return 0, err
		}
		if l.next == 0 && l.waiting <= fewLoaded && l.size <= int64(d.s.o.TableBytes) {
			if t.early, err = table.NewBlock(l.shape, l.batches); err != nil {
				return 0, err
			}
			bytes += t.early.MemSize()
		} else if err := l.write(); err != nil {
			return 0, err
		}
		bytes += 64 * int64(len(l.groups)+len(l.writing)+l.drops)
	}
	if n == 0 {
		return bytes + 64, nil
	}
	shape, err := t.rel.shapeOf(ch.Columns)
	if err != nil {
		return 0, err
	}
	if t.block, err = table.NewBlock(shape, rows); err != nil {
		return 0, err
	}
	return bytes + t.block.MemSize() + 64, nil
}

// place gives the new versions of a commit their rows, after all of the group before it.
func (t *txn) place(w *catalogWork) error {
	for i := range w.tables {
		tw := &w.tables[i]
		end := tw.rel.state.Load().end
		if tw.last >= end {
			return fmt.Errorf("table %d has no version %d", tw.rel.id, tw.last)
		}
	}
	if t.ends == nil {
		t.ends = map[*relation]RowID{}
	}
	for i := range w.tables {
		tw := &w.tables[i]
		first, ok := t.ends[tw.rel]
		if !ok {
			first = tw.rel.state.Load().end
		}
		tw.first = first
		t.ends[tw.rel] = first + tw.rows()
	}
	return nil
}

// put writes what a commit does beside its tables.
func (w *catalogWork) put(d *DB, b *pebble.Batch) error {
	for _, l := range w.indexes {
		if l.taken {
			del(b, tableKey(d.num, kindNewIndex, l.index))
		} else if err := l.keys.put(b, l.index, 0, everyRow); err != nil {
			return err
		}
	}
	for _, n := range w.passing {
		put(b, tableKey(d.num, kindPassing, n), nil)
	}
	for _, o := range w.objects {
		put(b, timeKey(d.num, kindObject, o.ID, w.at), o.Value)
	}
	for _, q := range w.sequences {
		d.putSequence(b, q)
	}
	return nil
}

// apply makes what a commit does beside its tables known to those who look; they see it when its time is published.
func (w *catalogWork) apply(d *DB) {
	for _, l := range w.indexes {
		l.ended = true
		l.keys.remove()
	}
	if len(w.objects) > 0 {
		d.catalog.apply(w.objects, w.at)
	}
}
