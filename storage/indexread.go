package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
)

// indexCursor walks over the entries of an index and passes over those of versions that its view does not have. Entries are read
// some at a time, so that nothing is held between calls; those that come meanwhile belong to versions after the view.
type indexCursor struct {
	v      *tableView
	lo, hi []byte // of what is not read yet
	desc   bool
	once   bool

	least, past []byte // the bounds of keys

	found []indexEntry
	keys  []byte // of found
	next  int
	chain chain // of the entry before next
	want  int
	ended bool

	passed int // entries of the key of the last one found that were not taken
}

type indexEntry struct {
	from, to int // the key in keys
	row      RowID
}

const (
	fewEntries  = 8 // are read at first
	manyEntries = 4096
)

func (v *tableView) Seek(_ context.Context, index uint32, keys KeyRange) IndexCursor {
	return v.seek(index, keys)
}

func (v *tableView) seek(index uint32, keys KeyRange) *indexCursor {
	prefix := tableKey(v.rel.d.num, kindIndex, index)
	// During a period many versions may have had a key.
	c := &indexCursor{v: v, lo: append(bytes.Clone(prefix), keys.Lo...), desc: keys.Desc, once: keys.Once && v.ended == v.moment, want: fewEntries}
	c.least = bytes.Clone(c.lo)
	if keys.Hi == nil {
		c.hi = after(prefix)
		c.past = c.hi
		return c
	}
	c.past = append(bytes.Clone(prefix), keys.Hi...)
	c.hi = c.past
	if n := len(c.hi) - 1; n >= indexPrefix && c.hi[n] == 0 {
		c.hi = behind(c.hi[:n]) // the entries of a key lie after the key with a zero byte
	}
	return c
}

// behind is a key after all entries of an index key, and before those of the next.
func behind(key []byte) []byte {
	return append(bytes.Clone(key), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
}

func (c *indexCursor) Next(ctx context.Context) (key []byte, row RowID, ok bool, err error) {
	for {
		for c.next <= len(c.found) {
			if row, ok, err = c.chain.next(c.v); ok || err != nil {
				e := c.found[c.next-1]
				return c.keys[e.from:e.to:e.to], row, ok, err
			}
			if c.next++; c.next <= len(c.found) {
				c.chain.row = c.found[c.next-1].row
			}
		}
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
		if n := row / table.PageRows; c.page.page == nil || c.page.n != n {
			page, err := v.rel.page(n)
			if err != nil {
				return 0, false, err
			}
			// It is kept: later closings do not concern the view.
			c.page = knownPage{n, page}
		}
		end, closed := c.page.page.Find(row)
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

type knownPage struct {
	n    int64
	page *table.Page
}

// fill reads the next entries.
func (c *indexCursor) fill() error {
	s := c.v.rel.d.s
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.shutDown {
		return ErrClosed
	}
	it, err := s.pdb.NewIter(&pebble.IterOptions{LowerBound: c.lo, UpperBound: c.hi})
	if err != nil {
		return err
	}
	c.found, c.keys, c.next = c.found[:0], c.keys[:0], 0
	if err := c.read(it); err != nil {
		return errors.Join(err, it.Close())
	}
	c.want = min(4*c.want, manyEntries)
	return it.Close()
}

func (c *indexCursor) read(it *pebble.Iterator) error {
	ok := false
	if c.desc {
		ok = it.Last()
	} else {
		ok = it.First()
	}
	last := 0 // of the whole keys read, the beginning of the last one
	for ok && len(c.found) < c.want {
		key := it.Key()
		if len(key) < indexPrefix+8 {
			return fmt.Errorf("%w: key of an index", ErrCorrupt)
		}
		head, row := key[:len(key)-8], entryRow(key)
		low, high := bytes.Compare(head, c.least) < 0, bytes.Compare(head, c.past) >= 0
		switch {
		case low && c.desc || high && !c.desc:
			c.ended = true
			return it.Error()
		case low:
			ok = it.SeekGE(behind(head))
		case high:
			ok = it.SeekLT(bytes.Clone(c.past))
		case row >= c.v.end && !c.desc:
			// The versions after the view come first: the key's others follow them.
			ok = it.SeekGE(binary.BigEndian.AppendUint64(bytes.Clone(head), ^uint64(c.v.end-1)))
		case row >= c.v.end:
			// Backwards they come last.
			ok = it.SeekLT(append(bytes.Clone(head), 0, 0, 0, 0, 0, 0, 0, 0))
		case c.once && c.v.st.isUnused(row):
			ok = c.step(it)
		case c.once && len(c.found) > 0 && bytes.Equal(head, c.keys[last:len(c.keys)-8]):
			ok = c.another(it, head, row, last)
		default:
			last = len(c.keys)
			c.keys = append(c.keys, key...)
			c.found = append(c.found, indexEntry{last + indexPrefix, len(c.keys) - 8, row})
			c.passed = 0
			ok = c.step(it)
		}
	}
	if err := it.Error(); err != nil {
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

func (c *indexCursor) step(it *pebble.Iterator) bool {
	if c.desc {
		return it.Prev()
	}
	return it.Next()
}

// stepsOfKey is how many entries of one key are stepped over before the others are jumped over.
const stepsOfKey = 4

// another passes over an entry of the key found last, which lies at last among keys: forwards it is older, backwards newer, and takes its place.
func (c *indexCursor) another(it *pebble.Iterator, head []byte, row RowID, last int) bool {
	c.passed++
	if !c.desc {
		if c.passed < stepsOfKey {
			return it.Next()
		}
		return it.SeekGE(behind(head))
	}
	e := &c.found[len(c.found)-1]
	e.row = row
	if c.passed < stepsOfKey {
		binary.BigEndian.PutUint64(c.keys[len(c.keys)-8:], ^uint64(row))
		return it.Prev()
	}
	// The newest that the view may have comes first of the key.
	head = bytes.Clone(head)
	for ok := it.SeekGE(binary.BigEndian.AppendUint64(bytes.Clone(head), ^uint64(c.v.end-1))); ok; ok = it.Next() {
		if newest := entryRow(it.Key()); !c.v.st.isUnused(newest) {
			e.row = newest
			break
		}
	}
	binary.BigEndian.PutUint64(c.keys[len(c.keys)-8:], ^uint64(e.row))
	return it.SeekLT(append(head, 0, 0, 0, 0, 0, 0, 0, 0))
}
