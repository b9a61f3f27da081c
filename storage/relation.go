package storage

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// relation is a table: a log of versions of rows.
type relation struct {
	d     *DB
	id    TableID
	state atomic.Pointer[relationState]
}

// relationState is what is known of a table. It never changes; a new one takes its place. It may know versions that nobody can
// see yet: whether a version is visible is told by times, not by being here.
type relationState struct {
	tail      []table.Rows // runs of versions that are in no row group, ascending; all but the last are full of them
	end       RowID        // after the last version
	truncated []truncation // ascending in both
}

// truncation says that all versions before end were closed.
type truncation struct {
	at  Micros
	end RowID
}

// relations are the tables of a database.
type relations struct {
	mu   sync.RWMutex
	byID map[TableID]*relation
}

// relation returns a table, which need not have anything yet.
func (d *DB) relation(id TableID) *relation {
	d.relations.mu.RLock()
	rel := d.relations.byID[id]
	d.relations.mu.RUnlock()
	if rel != nil {
		return rel
	}
	d.relations.mu.Lock()
	defer d.relations.mu.Unlock()
	if rel := d.relations.byID[id]; rel != nil {
		return rel
	}
	rel = &relation{d: d, id: id}
	rel.state.Store(&relationState{end: 1})
	if d.relations.byID == nil {
		d.relations.byID = map[TableID]*relation{}
	}
	d.relations.byID[id] = rel
	return rel
}

// append returns the state with a block's rows after all others.
func (st *relationState) append(b *table.Block, at Micros) *relationState {
	next := *st
	next.tail = slices.Clone(st.tail)
	if n := len(next.tail); n == 0 || next.tail[n-1].End() != st.end {
		next.tail = append(next.tail, table.NewRows(st.end))
	}
	last := &next.tail[len(next.tail)-1]
	*last = b.Append(*last, at)
	next.end = last.End()
	return &next
}

// until returns the row after the last that was added at or before a moment.
func (st *relationState) until(at Micros) RowID {
	for _, rows := range slices.Backward(st.tail) {
		if rows.Len() > 0 && rows.At(rows.Base()).At <= at {
			return rows.Until(at)
		}
	}
	return 1
}

// truncatedAt returns the row before which all versions were truncated at or before a moment.
func (st *relationState) truncatedAt(at Micros) RowID {
	i, _ := slices.BinarySearchFunc(st.truncated, at, func(t truncation, at Micros) int {
		if t.at <= at {
			return -1
		}
		return 1
	})
	if i == 0 {
		return 1
	}
	return st.truncated[i-1].end
}

// truncation is when a version was truncated, unless it was closed before.
func (st *relationState) truncation(row RowID) (Micros, bool) {
	i, _ := slices.BinarySearchFunc(st.truncated, row, func(t truncation, row RowID) int { return cmp.Compare(t.end, row+1) })
	if i == len(st.truncated) {
		return 0, false
	}
	return st.truncated[i].at, true
}

// tailOf is the run of the tail that has the row.
func (st *relationState) tailOf(row RowID) (table.Rows, bool) {
	i, _ := slices.BinarySearchFunc(st.tail, row, func(r table.Rows, row RowID) int { return cmp.Compare(r.End(), row+1) })
	if i == len(st.tail) || st.tail[i].Base() > row {
		return table.Rows{}, false
	}
	return st.tail[i], true
}

// loadRelations reads what is on disk of all tables. It returns the recorded time of the last commit to any.
func (d *DB) loadRelations() (last Micros, err error) {
	if v, err := d.s.get(dbKey(d.num, kindLast)); err != nil {
		return 0, err
	} else if v != nil {
		if _, err := readFields(v, &last); err != nil {
			return 0, err
		}
	}
	err = d.s.scan(dbKey(d.num, kindTruncated), nil, func(key, value []byte) error {
		id, at, ok := timedKey(key)
		if !ok {
			return fmt.Errorf("%w: truncation key", ErrCorrupt)
		}
		rel := d.relation(TableID(id))
		next := *rel.state.Load()
		t := truncation{at: at}
		if _, err := readFields(value, &t.end); err != nil {
			return err
		}
		next.truncated = append(next.truncated, t)
		rel.state.Store(&next)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return last, d.s.scan(dbKey(d.num, kindRows), nil, func(key, value []byte) error {
		block, first, at, err := table.DecodeBlock(slices.Clone(value))
		if err != nil {
			return damaged(err)
		}
		if len(key) != 17 {
			return fmt.Errorf("%w: key of a block", ErrCorrupt)
		}
		rel := d.relation(TableID(binary.BigEndian.Uint32(key[5:])))
		st := rel.state.Load()
		if first != int64(binary.BigEndian.Uint64(key[9:])) || first != st.end {
			return fmt.Errorf("%w: block of table %d at row %d, expected %d", ErrCorrupt, rel.id, first, st.end)
		}
		next := st.append(block, at)
		rel.state.Store(next)
		return nil
	})
}

// page returns the closings of a page of versions, read from disk if they are not in memory. Who adds closings adds them to
// every page in memory after they are on disk, so a page that was claimed before it is read misses none.
func (rel *relation) page(n int64) (*table.Page, error) {
	d := rel.d
	id := rel.pageID(n)
	if p, ok := d.s.parts.get(id); ok {
		page := p.(*table.Page)
		return page, page.Wait()
	}
	fresh := table.NewPage()
	claimed, mine := d.s.parts.claim(id, fresh, fresh.MemSize())
	page := claimed.(*table.Page)
	if !mine {
		return page, page.Wait()
	}
	const chunks = table.PageRows / table.ChunkRows
	lo, hi := closingKey(d.num, rel.id, n*chunks, -1<<63), closingKey(d.num, rel.id, (n+1)*chunks, -1<<63)
	err := d.s.scanRange(lo, hi, func(key, value []byte) error {
		if len(key) != 25 {
			return fmt.Errorf("%w: key of closings", ErrCorrupt)
		}
		at := timeOf(binary.BigEndian.Uint64(key[17:]))
		return damaged(table.DecodeClosings(value, int64(binary.BigEndian.Uint64(key[9:])), at, func(c table.Closing) { page.Add(c) }))
	})
	page.Loaded(err)
	if err != nil {
		d.s.parts.drop(id)
		return nil, err
	}
	d.s.parts.grew(id, page, page.MemSize())
	return page, nil
}

func (rel *relation) pageID(n int64) partID {
	return partID{rel.d.num, kindClosing, uint64(rel.id), uint32(n)}
}

// close enters a closing that is on disk into its page, if that is in memory.
func (rel *relation) close(closings []table.Closing) {
	parts := rel.d.s.parts
	for len(closings) > 0 {
		n := closings[0].Row / table.PageRows
		k := 1
		for k < len(closings) && closings[k].Row/table.PageRows == n {
			k++
		}
		id := rel.pageID(n)
		if p, ok := parts.get(id); ok {
			page := p.(*table.Page)
			for _, c := range closings[:k] {
				page.Add(c)
			}
			parts.grew(id, page, page.MemSize())
		}
		closings = closings[k:]
	}
}

// Fate is what became of a version, as far as anybody can see it: when it was closed, 0 if it is open, and which version took its
// place, 0 if it was deleted.
func (d *DB) Fate(t TableID, row RowID) (closed Micros, next RowID, err error) {
	rel, last := d.relation(t), d.state.Load().last
	page, err := rel.page(row / table.PageRows)
	if err != nil {
		return 0, 0, err
	}
	if c, ok := page.Find(row); ok && c.At <= last {
		return c.At, c.Next, nil
	}
	if at, ok := rel.state.Load().truncation(row); ok && at <= last {
		return at, 0, nil
	}
	return 0, 0, nil
}

// clearFrom clears the bits before n.
func clearBefore(set vec.Bitmap, n int) {
	for i := range n >> 6 {
		set[i] = 0
	}
	if r := uint(n) & 63; r > 0 {
		set[n>>6] &^= 1<<r - 1
	}
}
