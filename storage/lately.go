package storage

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
)

// latelyClosed are the closings of a table that lie under kindEnded, one key for a group of commits, in the order of the log: to give each commit and
// chunk of rows a key, as kindClosing has it, would be most of what an update of one row costs. fold puts them there, very many at once.
type latelyClosed struct {
	mu   sync.Mutex
	list []table.Closing
}

// endedBytes is what one of them takes in memory.
const endedBytes = 32

func (l *latelyClosed) add(closed []table.Closing) (total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, closed...)
	return len(l.list)
}

func (l *latelyClosed) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.list)
}

// all are the closings so far, not to be changed.
func (l *latelyClosed) all() []table.Closing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.list)
}

// cut forgets the first n closings, or as many as there are.
func (l *latelyClosed) cut(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.Clone(l.list[min(n, len(l.list)):])
}

// fold puts the closings under the keys that pages are read from. It need not be synced: if it is lost they are still where they were.
// The caller holds d.seal.
func (rel *relation) fold() error {
	d, closed := rel.d, rel.lately.all()
	if len(closed) == 0 {
		return nil
	}
	at := closed[len(closed)-1].At
	sorted := slices.Clone(closed)
	slices.SortFunc(sorted, func(a, b table.Closing) int { return cmp.Compare(a.Row, b.Row) })
	b := d.s.pdb.NewBatch()
	putClosings(b, d.num, rel.id, slices.Values(sorted), at)
	_ = b.DeleteRange(timeKey(d.num, kindEnded, uint32(rel.id), math.MinInt64), timeKey(d.num, kindEnded, uint32(rel.id), at+1), nil)
	if err := d.s.room.take(int64(b.Len())); err != nil {
		return joinClose(err, b)
	}
	if err := d.s.commit(b, false); err != nil {
		return err
	}
	// Who reads a page looks here first, and then on disk.
	rel.lately.cut(len(closed))
	rel.grow(-endedBytes * int64(len(closed)))
	return nil
}

// loadEnded reads the closings that were not folded.
func (d *DB) loadEnded() error {
	return d.s.scan(dbKey(d.num, kindEnded), nil, func(key, value []byte) error {
		id, at, ok := timedKey(key)
		if !ok {
			return fmt.Errorf("%w: key of closings", ErrCorrupt)
		}
		closed, err := table.DecodeEnded(value, at)
		if err != nil {
			return damaged(err)
		}
		rel := d.relation(TableID(id))
		rel.lately.add(closed)
		rel.grow(endedBytes * int64(len(closed)))
		return nil
	})
}

// readPage fills a page with the closings that there are.
func (rel *relation) readPage(page *table.Page, n int64) error {
	d := rel.d
	for _, c := range rel.lately.all() {
		if c.Row/table.PageRows == n {
			page.Add(c)
		}
	}
	const chunks = table.PageRows / table.ChunkRows
	lo, hi := closingKey(d.num, rel.id, n*chunks, -1<<63), closingKey(d.num, rel.id, (n+1)*chunks, -1<<63)
	return d.s.scanRange(lo, hi, func(key, value []byte) error {
		if len(key) != 25 {
			return fmt.Errorf("%w: key of closings", ErrCorrupt)
		}
		at := timeOf(binary.BigEndian.Uint64(key[17:]))
		if at < neverFrom {
			at = table.Never
		}
		return damaged(table.DecodeClosings(value, int64(binary.BigEndian.Uint64(key[9:])), at, func(c table.Closing) { page.Add(c) }))
	})
}

// putClosings writes closings up to a time, which ascend, chunk by chunk.
func putClosings(b *pebble.Batch, db uint32, id TableID, closed func(yield func(table.Closing) bool), at Micros) {
	last := at
	if at < neverFrom {
		last = table.Never
	}
	var value []byte
	var chunk []table.Closing
	done := func() {
		if len(chunk) > 0 {
			value = table.AppendClosings(value[:0], last, chunk)
			put(b, closingKey(db, id, chunk[0].Row/table.ChunkRows, at), value)
			chunk = chunk[:0]
		}
	}
	for c := range closed {
		if len(chunk) > 0 && chunk[0].Row/table.ChunkRows != c.Row/table.ChunkRows {
			done()
		}
		chunk = append(chunk, c)
	}
	done()
}
