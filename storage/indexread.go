package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/allsource-db/allsource/storage/table"
)

// indexCursor walks over the entries of an index and passes over those of versions that its view does not have. Entries are read
// some at a time, so that nothing is held between calls; those that come meanwhile belong to versions after the view.
type indexCursor struct {
	v      *tableView
	index  uint32
	moved  *movedEntries
	prefix []byte // of entries in their place
	lo, hi []byte // of what is not read yet; hi nil: no bound
	desc   bool
	once   bool

	least, past []byte // the bounds of keys

	entries indexEntries
	found   []indexEntry
	keys    []byte // of found
	next    int
	chain   chain // of the entry before next
	want    int
	ended   bool

	passed int // entries of the key of the last one found that were not taken

	from  []byte // where the stretch began in which met was met
	met   entriesMet
	shown bool // the entry before next has led to something
}

type indexEntry struct {
	from, to int // the key in keys
	row      RowID
	moved    bool
}

const (
	fewEntries  = 8 // are read at first
	manyEntries = 4096
)

func (v *tableView) Seek(_ context.Context, index uint32, keys KeyRange) IndexCursor {
	return v.seek(index, keys)
}

func (v *tableView) seek(index uint32, keys KeyRange) *indexCursor {
	d := v.rel.d
	// During a period many versions may have had a key.
	c := &indexCursor{v: v, index: index, moved: d.moves.of(index), prefix: tableKey(d.num, kindIndex, index), lo: bytes.Clone(keys.Lo),
		desc: keys.Desc, once: keys.Once && v.ended == v.moment, want: fewEntries}
	c.least = c.lo
	c.past = bytes.Clone(keys.Hi)
	c.hi = c.past
	if n := len(c.hi) - 1; n >= 0 && c.hi[n] == 0 {
		c.hi = behind(c.hi[:n]) // the entries of a key lie after the key with a zero byte
	}
	return c
}

// behind is a key after all entries of an index key, and before those of the next.
func behind(key []byte) []byte {
	return append(append(make([]byte, 0, len(key)+9), key...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
}

func (c *indexCursor) Next(ctx context.Context) (key []byte, row RowID, ok bool, err error) {
	for {
		for c.next <= len(c.found) {
			if row, ok, err = c.chain.next(c.v); err != nil {
				return nil, 0, false, err
			}
			if ok {
				c.shown = true
				e := c.found[c.next-1]
				return c.keys[e.from:e.to:e.to], row, true, nil
			}
			c.count()
			if c.next++; c.next <= len(c.found) {
				c.chain.row = c.found[c.next-1].row
			}
		}
		c.tell()
		if c.ended {
			return nil, 0, false, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, false, err
		}
		if err := c.fill(); err != nil {
			return nil, 0, false, err
		}
	}
}

// count counts the entry before next, behind which the cursor is.
func (c *indexCursor) count() {
	switch {
	case c.next == 0:
	case c.shown:
		c.met.alive++
	case !c.found[c.next-1].moved:
		c.met.dead++
	}
	c.shown = false
}

// tell tells of the entries that were read if too many of them were of versions that have ended, or begins to count anew.
func (c *indexCursor) tell() {
	if !c.ended && c.met.dead < fewEnded && c.met.alive < manyEntries {
		return
	}
	if c.met.dead+c.met.passed > 0 {
		c.v.rel.tell(c.index, c.moved, c.met, c.stretch)
	}
	c.from, c.met = nil, entriesMet{}
}

// chain goes through the versions that one index entry leads to: its own, and those that took the place of one another from there on and have
// no entries. Which they are does not depend on the view, but where it ends does.
type chain struct {
	row  RowID // the next version; 0: none
	page knownPage
}

// next returns the next version of the chain that the view has.
func (c *chain) next(v *tableView) (RowID, bool, error) {
	if v.err != nil {
		return 0, false, v.err
	}
	for c.row > 0 && c.row < v.end && !v.st.isUnused(c.row) {
		row := c.row
		page, err := c.page.of(v.rel, row)
		if err != nil {
			return 0, false, err
		}
		end, closed := page.Find(row)
		if c.row = 0; closed && end.Kept {
			c.row = end.Next
		}
		if row >= v.gone && (!closed || end.At > v.ended) {
			return row, true, nil
		}
	}
	c.row = 0
	return 0, false, nil
}

// knownPage is the page of closings that was asked for last. It is kept, for a page only grows.
type knownPage struct {
	n    int64
	page *table.Page
}

func (k *knownPage) of(rel *relation, row RowID) (*table.Page, error) {
	if n := row / table.PageRows; k.page == nil || k.n != n {
		page, err := rel.page(n)
		if err != nil {
			return nil, err
		}
		*k = knownPage{n, page}
	}
	return k.page, nil
}

// stretch is the range in which met was met.
func (c *indexCursor) stretch() (lo, hi []byte) {
	last := c.keys[:0]
	if n := len(c.found); n > 0 {
		last = c.keys[c.found[n-1].from:c.found[n-1].to]
	}
	switch {
	case c.desc && len(last) > 0:
		return bytes.Clone(last), behind(c.from)
	case c.desc:
		return c.hi, behind(c.from)
	case len(last) > 0:
		return c.from, behind(last)
	}
	return c.from, c.lo
}

// fill reads the next entries.
func (c *indexCursor) fill() error {
	d := c.v.rel.d
	d.s.gate.RLock()
	defer d.s.gate.RUnlock()
	if d.s.shutDown {
		return ErrClosed
	}
	if err := c.entries.open(c.v, c.index, c.moved, c.prefix, c.lo, c.hi); err != nil {
		return err
	}
	c.found, c.keys, c.next = c.found[:0], c.keys[:0], 0
	if err := errors.Join(c.read(), c.entries.close()); err != nil {
		return err
	}
	if c.from == nil && len(c.found) > 0 {
		c.from = bytes.Clone(c.keys[c.found[0].from:c.found[0].to])
	}
	c.want = min(4*c.want, manyEntries)
	return nil
}

func (c *indexCursor) read() error {
	it, ok := &c.entries, false
	if c.desc {
		ok = it.last()
	} else {
		ok = it.first()
	}
	last := 0 // of the keys read, the beginning of the last one
	for ok && len(c.found) < c.want {
		key := it.key()
		if len(key) < 8 {
			return fmt.Errorf("%w: key of an index", ErrCorrupt)
		}
		head, row := key[:len(key)-8], entryRow(key)
		low, high := bytes.Compare(head, c.least) < 0, c.past != nil && bytes.Compare(head, c.past) >= 0
		switch {
		case low && c.desc || high && !c.desc:
			c.ended = true
			return it.error()
		case low:
			ok = it.seekGE(behind(head))
		case high:
			ok = it.seekLT(c.past)
		case row >= c.v.end && !c.desc:
			// The versions after the view come first: the key's others follow them.
			ok = it.seekGE(entryKey(head, c.v.end-1))
		case row >= c.v.end:
			// Backwards they come last.
			ok = it.seekLT(entryKey(head, math.MaxInt64))
		case c.once && c.v.st.isUnused(row):
			ok = it.step()
		case c.once && len(c.found) > 0 && bytes.Equal(head, c.keys[last:len(c.keys)-8]):
			ok = c.another(head, row, last)
		default:
			last = len(c.keys)
			c.keys = append(c.keys, key...)
			c.found = append(c.found, indexEntry{last, len(c.keys) - 8, row, it.moved()})
			c.passed = 0
			ok = it.step()
		}
	}
	if err := it.error(); err != nil {
		return err
	}
	if c.ended = !ok; c.ended {
		return nil
	}
	if c.desc {
		c.hi = bytes.Clone(c.keys[last:])
	} else {
		c.lo = append(bytes.Clone(c.keys[last:]), 0)
	}
	return nil
}

// stepsOfKey is how many entries of one key are stepped over before the others are jumped over.
const stepsOfKey = 4

// another passes over an entry of the key found last, which lies at last among keys: forwards it is older, backwards newer, and takes its place.
func (c *indexCursor) another(head []byte, row RowID, last int) bool {
	it := &c.entries
	if c.passed++; !it.moved() {
		c.met.passed++
	}
	if !c.desc {
		if c.passed < stepsOfKey {
			return it.step()
		}
		return it.seekGE(behind(head))
	}
	e := &c.found[len(c.found)-1]
	e.row, e.moved = row, it.moved()
	if c.passed < stepsOfKey {
		binary.BigEndian.PutUint64(c.keys[len(c.keys)-8:], ^uint64(row))
		return it.step()
	}
	// The newest that the view may have comes first of the key.
	head = bytes.Clone(head)
	for ok := it.seekGE(entryKey(head, c.v.end-1)); ok; ok = it.step() {
		if newest := entryRow(it.key()); !c.v.st.isUnused(newest) {
			e.row, e.moved = newest, it.moved()
			break
		}
	}
	binary.BigEndian.PutUint64(c.keys[len(c.keys)-8:], ^uint64(e.row))
	return it.seekLT(entryKey(head, math.MaxInt64))
}
