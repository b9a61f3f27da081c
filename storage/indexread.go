package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// indexCursor walks over the entries of an index and passes over those of versions that its view does not have. Entries are read
// some at a time, so that nothing is held between calls; those that come meanwhile belong to versions after the view.
type indexCursor struct {
	v      *tableView
	lo, hi []byte // of what is not read yet
	desc   bool

	least, past []byte // the bounds of keys

	found []indexEntry
	keys  []byte // of found
	next  int
	want  int
	ended bool
	page  knownPage
}

type indexEntry struct {
	from, to int // the key in keys
	row      RowID
}

const (
	fewEntries  = 8 // are read at first
	manyEntries = 4096
)

func (v *tableView) Seek(_ context.Context, index uint32, lo, hi []byte, desc bool) IndexCursor {
	prefix := tableKey(v.rel.d.num, kindIndex, index)
	c := &indexCursor{v: v, lo: append(bytes.Clone(prefix), lo...), desc: desc, want: fewEntries}
	c.least = bytes.Clone(c.lo)
	if hi == nil {
		c.hi = after(prefix)
		c.past = c.hi
		return c
	}
	c.past = append(bytes.Clone(prefix), hi...)
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
		for c.next < len(c.found) {
			e := c.found[c.next]
			c.next++
			if ok, err := c.v.visible(e.row, &c.page); ok || err != nil {
				return c.keys[e.from:e.to:e.to], e.row, ok, err
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
		head, row := key[:len(key)-8], RowID(^binary.BigEndian.Uint64(key[len(key)-8:]))
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
		default:
			last = len(c.keys)
			c.keys = append(c.keys, key...)
			if row < c.v.end {
				c.found = append(c.found, indexEntry{last + indexPrefix, len(c.keys) - 8, row})
			}
			if c.desc {
				ok = it.Prev()
			} else {
				ok = it.Next()
			}
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
