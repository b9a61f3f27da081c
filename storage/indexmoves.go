package storage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
)

// indexMoves is which entries of indexes lie apart because all versions that they lead to have ended, and which are to: where readers walked over many
// in vain. Who reads the present does not meet them any more.
type indexMoves struct {
	byIndex sync.Map // *movedEntries by number of the index
	mu      sync.Mutex
	wanted  []entryRange
}

// movedEntries are those of one index.
type movedEntries struct {
	list   atomic.Pointer[[]generation] // replaced by who holds DB.seal
	inVain atomic.Int64                 // steps of readers over entries that led nowhere, since all of the index was looked through
}

// generation is entries of versions that lived at about the same time. A view that sees no version that ended as early as all of them, or none that
// began as late, does not look there.
type generation struct {
	span  uint64 // spanOf
	last  Micros // when the last of the versions ended, or later
	first RowID  // the least of the rows that they lead to at first, or less
	count int64
}

// spanOf says in which generation the entry of versions lies that began with one row and ended before another: that of the smallest span of at least
// 1<<width rows that has both, where spans of 1<<n rows begin at multiples of that. So few entries are in the way of a view that it does not see: of one
// span of each size those that have come and gone within it. The number is where the span begins, and its size in the lowest bits.
func spanOf(from, to RowID, width int) uint64 {
	n := max(width, bits.Len64(uint64(from)^uint64(to-1)))
	return uint64(from)>>n<<n | uint64(n)
}

// Spans are so wide that there are some spansOfTable of the smallest at first, and not narrower than leastWidth: then their sizes fit into the lowest bits.
const (
	spansOfTable = 32
	leastWidth   = 6
)

// width is how wide the smallest spans are where a table has so many versions.
func (o *Options) width(versions int64) int {
	return max(leastWidth, bits.Len64(uint64(max(min(int64(o.RowGroupRows), 4096), versions/spansOfTable)-1)))
}

// entryRange is a range of keys of an index with many entries of versions that have ended; hi nil: no bound.
type entryRange struct {
	rel    *relation
	index  uint32
	lo, hi []byte
}

const (
	fewEnded     = 256     // so many steps in vain in a row make a range worth looking at
	manySteps    = 1 << 16 // so many all over the index, or as many as a quarter of its entries
	wantedRanges = 64
	runOfEntries = 32 // so many entries side by side are deleted as a range
)

func movedKey(db, index uint32, span uint64, entry []byte) []byte {
	return append(binary.BigEndian.AppendUint64(tableKey(db, kindMoved, index), span), entry...)
}

// of is what has moved of an index.
func (m *indexMoves) of(index uint32) *movedEntries {
	if e, ok := m.byIndex.Load(index); ok {
		return e.(*movedEntries)
	}
	e, _ := m.byIndex.LoadOrStore(index, &movedEntries{})
	return e.(*movedEntries)
}

func (e *movedEntries) generations() []generation {
	if list := e.list.Load(); list != nil {
		return *list
	}
	return nil
}

// left is about how many entries of an index of so many versions are in their place.
func (e *movedEntries) left(versions int64) int64 {
	for _, g := range e.generations() {
		versions -= g.count
	}
	return versions
}

// with is the list with some generations, as they are going to be.
func (e *movedEntries) with(changed map[uint64]generation) []generation {
	list := slices.Clone(e.generations())
	for _, g := range changed {
		i, found := slices.BinarySearchFunc(list, g.span, func(g generation, span uint64) int { return cmp.Compare(g.span, span) })
		if !found {
			list = slices.Insert(list, i, g)
		}
		list[i] = g
	}
	return list
}

// forget lets go of an index that is deleted.
func (m *indexMoves) forget(index uint32) {
	m.byIndex.Delete(index)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wanted = slices.DeleteFunc(m.wanted, func(r entryRange) bool { return r.index == index })
}

// want notes a range. There are not too many: what is left out is noted when somebody reads it again.
func (m *indexMoves) want(r entryRange) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.wanted {
		w := &m.wanted[i]
		if w.index != r.index || w.hi != nil && bytes.Compare(w.hi, r.lo) < 0 || r.hi != nil && bytes.Compare(r.hi, w.lo) < 0 {
			continue
		}
		if bytes.Compare(r.lo, w.lo) < 0 {
			w.lo = r.lo
		}
		if w.hi != nil && (r.hi == nil || bytes.Compare(r.hi, w.hi) > 0) {
			w.hi = r.hi
		}
		return true
	}
	if len(m.wanted) == wantedRanges {
		return false
	}
	m.wanted = append(m.wanted, r)
	return true
}

func (m *indexMoves) next() (r entryRange, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.wanted) == 0 {
		return r, false
	}
	r = m.wanted[0]
	m.wanted = slices.Delete(m.wanted, 0, 1)
	return r, true
}

// entriesMet is what a reader met in a part of an index.
type entriesMet struct {
	dead   int // entries in their place that led nowhere
	passed int // older ones of keys that are there once
	alive  int
}

// tell hears what a reader met in a part of an index; bounds gives the part.
func (rel *relation) tell(index uint32, moved *movedEntries, met entriesMet, bounds func() (lo, hi []byte)) {
	r, dead := entryRange{rel: rel, index: index}, met.dead+met.passed
	if n := moved.inVain.Add(int64(met.dead)); n >= manySteps && n >= moved.left(rel.state.Load().end)/4 {
		moved.inVain.Store(0)
	} else if dead < fewEnded || dead < met.alive {
		return
	} else {
		r.lo, r.hi = bounds()
	}
	if rel.d.moves.want(r) {
		rel.d.s.work.wake(rel.d)
	}
}

// moveEnded looks through the ranges that readers had trouble with. It lets go of d.seal between steps, and leaves the rest for later where writers
// may come to wait for what is not sealed.
func (d *DB) moveEnded(ctx context.Context) error {
	for range wantedRanges {
		r, more := d.moves.next()
		for more {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if more, err = d.moveSome(&r); err != nil {
				return fmt.Errorf("move entries of index %d: %w", r.index, err)
			}
			if !d.s.o.Manual && d.sealDue() {
				if more {
					d.moves.want(r)
				}
				d.s.work.wake(d)
				return nil
			}
		}
	}
	return nil
}

// moveSome moves what has ended among the first entries of a range, which it takes off. Versions end for ever, so what was found stays right; new
// entries of a key come before those that are there.
func (d *DB) moveSome(r *entryRange) (more bool, err error) {
	d.seal.Lock()
	defer d.seal.Unlock()
	if r.rel.gone {
		return false, nil
	}
	moved, prefix := d.moves.of(r.index), tableKey(d.num, kindIndex, r.index)
	bounds := entryBounds(prefix, r.lo, r.hi)
	var entries [][]byte
	err = d.s.scanRange(bounds.LowerBound, bounds.UpperBound, func(entry, _ []byte) error {
		if len(entry) < indexPrefix+8 {
			return fmt.Errorf("%w: key of an index", ErrCorrupt)
		}
		if more = len(entries) >= max(d.s.o.RowGroupRows/4, 1); more {
			return errEnough
		}
		entries = append(entries, bytes.Clone(entry))
		return nil
	})
	if err != nil && !more {
		return false, err
	}
	if more {
		r.lo = append(bytes.Clone(entries[len(entries)-1][indexPrefix:]), 0)
	}
	m := &entryMover{d: d, index: r.index, batch: d.s.pdb.NewBatch(), moved: moved, into: map[uint64]generation{}}
	if err = m.take(r.rel, entries); err == nil {
		err = d.s.room.take(int64(m.batch.Len()))
	}
	if err != nil || m.batch.Empty() {
		return more && err == nil, joinClose(err, m.batch)
	}
	if len(m.into) > 0 {
		if err := d.s.needFormat(formatMoved); err != nil {
			return false, joinClose(err, m.batch)
		}
		// Readers look there from now on.
		list := moved.with(m.into)
		moved.list.Store(&list)
		put(m.batch, tableKey(d.num, kindMoves, r.index), encodeGenerations(list))
	}
	return more, d.s.commit(m.batch, false)
}

var errEnough = errors.New("enough")

// entryMover puts moves into a batch.
type entryMover struct {
	d     *DB
	index uint32
	batch *pebble.Batch
	moved *movedEntries
	into  map[uint64]generation // by span
	run   [][]byte              // entries with one key, side by side, that are to be deleted
}

// take moves those of some entries side by side that lead to nothing any more.
func (m *entryMover) take(rel *relation, entries [][]byte) error {
	seen, width := m.d.state.Load().last, m.d.s.o.width(rel.state.Load().end)
	var known knownPage
	for _, entry := range entries {
		row := entryRow(entry)
		end, before, err := rel.ended(row, &known)
		if err != nil {
			return err
		}
		if n := len(m.run); n > 0 && (end > seen || !bytes.Equal(m.run[n-1][:len(m.run[n-1])-8], entry[:len(entry)-8])) {
			m.deleteRun()
		}
		if end > seen {
			continue
		}
		m.run = append(m.run, entry)
		if end == table.Never {
			continue // nobody sees it at any moment
		}
		span := spanOf(row, before, width)
		put(m.batch, movedKey(m.d.num, m.index, span, entry[indexPrefix:]), nil)
		g := m.generation(span)
		g.last, g.first, g.count = max(g.last, end), min(g.first, row), g.count+1
		m.into[span] = g
	}
	m.deleteRun()
	return nil
}

// generation is the one of a span as it will be.
func (m *entryMover) generation(span uint64) generation {
	if g, ok := m.into[span]; ok {
		return g
	}
	for _, g := range m.moved.generations() {
		if g.span == span {
			return g
		}
	}
	return generation{span: span, last: table.Never, first: math.MaxInt64}
}

func (m *entryMover) deleteRun() {
	if n := len(m.run); n >= runOfEntries {
		// Nothing comes between them: new versions of a key lie before it.
		_ = m.batch.DeleteRange(m.run[0], append(m.run[n-1], 0), nil)
	} else {
		for _, key := range m.run {
			del(m.batch, key)
		}
	}
	m.run = m.run[:0]
}

func encodeGenerations(list []generation) []byte {
	out := []int64{int64(len(list))}
	for _, g := range list {
		out = append(out, int64(g.span), g.last, g.first, g.count)
	}
	return fields(out...)
}

// loadMoves reads which entries were moved.
func (d *DB) loadMoves() error {
	return d.s.scan(dbKey(d.num, kindMoves), nil, func(key, value []byte) error {
		var n int64
		rest, err := readFields(value, &n)
		if err != nil || len(key) != indexPrefix {
			return errors.Join(fmt.Errorf("%w: moved entries of an index", ErrCorrupt), err)
		}
		var list []generation
		for range n {
			var g generation
			var span int64
			if rest, err = readFields(rest, &span, &g.last, &g.first, &g.count); err != nil {
				return err
			}
			g.span = uint64(span)
			list = append(list, g)
		}
		d.moves.of(binary.BigEndian.Uint32(key[5:])).list.Store(&list)
		return nil
	})
}

// ended is when the last of the versions ended that an index entry leads to, as far as anybody knows: table.Never if no view has any, math.MaxInt64 if
// that has not ended. before is about the first row that began then. known is a page that was asked for before.
func (rel *relation) ended(row RowID, known *knownPage) (at Micros, before RowID, err error) {
	st := rel.state.Load()
	for {
		if row >= st.end {
			return math.MaxInt64, 0, nil
		}
		if st.isUnused(row) {
			return table.Never, 0, nil
		}
		page, err := known.of(rel, row)
		if err != nil {
			return 0, 0, err
		}
		c, ok := page.Find(row)
		if !ok {
			if c.At, ok = st.truncation(row); !ok {
				return math.MaxInt64, 0, nil
			}
		}
		switch {
		case c.Kept:
			row = c.Next
			continue
		case c.Next > 0:
			return c.At, c.Next, nil
		}
		return c.At, max(st.about(c.At), row+1), nil
	}
}

// about is a row that began at about a time.
func (st *relationState) about(at Micros) RowID {
	i, _ := slices.BinarySearchFunc(st.groups, at, func(g *tableGroup, at Micros) int { return cmp.Compare(g.lastAt, at) })
	if i == len(st.groups) {
		return st.end
	}
	return st.groups[i].end
}
