package storage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
)

// catalogWork is what a commit does beside events, made ready by who commits.
type catalogWork struct {
	tables  []tableWork
	objects []ObjectChange
	at      Micros
}

// tableWork is a change of one table. Its closings ascend.
type tableWork struct {
	rel    *relation
	change *TableChange
	block  *table.Block // nil: no new versions
	first  RowID
	closed []table.Closing // with places instead of rows as their successors, until the commit has its place
}

// prepare does what can be done before the commit's turn comes, and returns about how many bytes the commit has.
func (d *DB) prepare(tables []TableChange, objects []ObjectChange) (*catalogWork, int64, error) {
	if len(tables) == 0 && len(objects) == 0 {
		return nil, 0, nil
	}
	w := &catalogWork{objects: objects, tables: make([]tableWork, 0, len(tables))}
	bytes := int64(0)
	for _, o := range objects {
		bytes += int64(len(o.Value)) + 32
	}
	for i := range tables {
		ch := &tables[i]
		for k := range i {
			if tables[k].Table == ch.Table {
				return nil, 0, fmt.Errorf("table %d is changed twice in one commit", ch.Table)
			}
		}
		t, n, err := d.prepareTable(ch)
		if err != nil {
			return nil, 0, fmt.Errorf("table %d: %w", ch.Table, err)
		}
		w.tables = append(w.tables, t)
		bytes += n
	}
	return w, bytes, nil
}

func (d *DB) prepareTable(ch *TableChange) (tableWork, int64, error) {
	t := tableWork{rel: d.relation(ch.Table), change: ch}
	rows, bytes := 0, int64(64)
	for _, b := range ch.Rows {
		rows += b.Len
	}
	if rows > 0 {
		shape, err := table.NewShape(ch.Columns)
		if err != nil {
			return t, 0, err
		}
		if t.block, err = table.NewBlock(shape, ch.Rows); err != nil {
			return t, 0, err
		}
		bytes += t.block.MemSize()
	}
	for _, keys := range ch.Keys {
		if len(keys.Keys) != rows {
			return t, 0, fmt.Errorf("%d keys in index %d for %d rows", len(keys.Keys), keys.Index, rows)
		}
		for _, key := range keys.Keys {
			bytes += int64(len(key)) + indexPrefix + 8
		}
	}
	t.closed = make([]table.Closing, len(ch.Closed))
	for i, c := range ch.Closed {
		if c.Row < 1 || c.Next < -1 || c.Next >= rows {
			return t, 0, fmt.Errorf("version %d cannot be closed by new version %d of %d", c.Row, c.Next, rows)
		}
		t.closed[i] = table.Closing{Row: c.Row, Next: int64(c.Next)}
	}
	slices.SortFunc(t.closed, func(a, b table.Closing) int { return cmp.Compare(a.Row, b.Row) })
	for i := 1; i < len(t.closed); i++ {
		if t.closed[i].Row == t.closed[i-1].Row {
			return t, 0, fmt.Errorf("version %d is closed twice", t.closed[i].Row)
		}
	}
	return t, bytes + 24*int64(len(t.closed)), nil
}

// place gives the new versions of a commit their rows, after all of the group before it.
func (t *txn) place(w *catalogWork) error {
	for i := range w.tables {
		tw := &w.tables[i]
		end := tw.rel.state.Load().end
		if n := len(tw.closed); n > 0 && tw.closed[n-1].Row >= end {
			return fmt.Errorf("table %d has no version %d", tw.rel.id, tw.closed[n-1].Row)
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
		for k := range tw.closed {
			if next := &tw.closed[k].Next; *next >= 0 {
				*next += first
			} else {
				*next = 0
			}
		}
		t.ends[tw.rel] = first + int64(tw.block.Len())
	}
	return nil
}

// put writes what a commit does to tables and catalog.
func (w *catalogWork) put(d *DB, b *pebble.Batch) {
	for i := range w.tables {
		w.tables[i].put(d, b, w.at)
	}
	for _, o := range w.objects {
		put(b, timeKey(d.num, kindObject, o.ID, w.at), o.Value)
	}
	put(b, dbKey(d.num, kindLast), fields(w.at))
}

func (t *tableWork) put(d *DB, b *pebble.Batch, at Micros) {
	id := t.rel.id
	if t.block.Len() > 0 {
		put(b, rowsKey(d.num, id, t.first), t.block.Encode(t.first, at))
	}
	var key []byte
	for _, keys := range t.change.Keys {
		for i, k := range keys.Keys {
			if k != nil {
				key = appendIndexKey(key[:0], d.num, keys.Index, k, t.first+int64(i))
				put(b, key, nil)
			}
		}
	}
	putClosings(b, d.num, id, t.closed, at)
	if t.change.Truncate {
		put(b, timeKey(d.num, kindTruncated, uint32(id), at), fields(t.first))
	}
}

// putClosings writes closings, which ascend, chunk by chunk.
func putClosings(b *pebble.Batch, db uint32, id TableID, closed []table.Closing, at Micros) {
	var value []byte
	for len(closed) > 0 {
		chunk := closed[0].Row / table.ChunkRows
		n := 1
		for n < len(closed) && closed[n].Row/table.ChunkRows == chunk {
			n++
		}
		value = table.AppendClosings(value[:0], closed[:n])
		put(b, closingKey(db, id, chunk, at), value)
		closed = closed[n:]
	}
}

// apply makes what a commit does known to those who look; they see it when its time is published.
func (w *catalogWork) apply(d *DB) {
	for i := range w.tables {
		w.tables[i].apply(w.at)
	}
	if len(w.objects) > 0 {
		d.catalog.apply(w.objects, w.at)
	}
}

func (t *tableWork) apply(at Micros) {
	for k := range t.closed {
		t.closed[k].At = at
	}
	t.rel.close(t.closed)
	t.rel.change(func(st *relationState) {
		if t.block.Len() > 0 {
			st.add(t.block, t.first, at)
		}
		if t.change.Truncate {
			st.truncated = append(slices.Clip(st.truncated), truncation{at, t.first})
		}
	})
	if t.block.Len() > 0 {
		t.rel.grow(t.block.MemSize())
		t.rel.wakeSeal()
	}
}
