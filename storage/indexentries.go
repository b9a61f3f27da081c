package storage

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// indexEntries goes through entries of an index by key, whichever of its ranges they are in: those in their place, and generations of moved ones.
// All are as of one state of the store, so an entry that moves meanwhile is met once.
type indexEntries struct {
	parts  []entriesPart // in place first
	at     int           // which of them has the entry
	back   bool
	place  [1]entriesPart // of parts, where nothing has moved
	sought []byte
}

type entriesPart struct {
	it     *pebble.Iterator
	prefix []byte // of its keys
	ok     bool   // it is at an entry
}

// open opens the entries of an index with lo <= key < hi (nil: no bound). prefix is that of those in their place; of the generations those are left out
// in which a view has nothing.
func (e *indexEntries) open(v *tableView, index uint32, moved *movedEntries, prefix, lo, hi []byte) error {
	d := v.rel.d
	it, err := d.s.pdb.NewIter(entryBounds(prefix, lo, hi))
	if err != nil {
		return err
	}
	e.place[0] = entriesPart{it: it, prefix: prefix}
	e.parts, e.at = e.place[:], 0
	// Generations are looked at after that: those that its state has entries of are known by now.
	for _, g := range moved.generations() {
		if g.last <= v.ended || g.first >= v.end {
			continue
		}
		prefix := movedKey(d.num, index, g.span, nil)
		it, err := it.Clone(pebble.CloneOptions{IterOptions: entryBounds(prefix, lo, hi)})
		if err != nil {
			return errors.Join(err, e.close())
		}
		e.parts = append(e.parts, entriesPart{it: it, prefix: prefix})
	}
	return nil
}

func entryBounds(prefix, lo, hi []byte) *pebble.IterOptions {
	o := &pebble.IterOptions{LowerBound: joined(prefix, lo)}
	if hi == nil {
		o.UpperBound = after(prefix)
	} else {
		o.UpperBound = joined(prefix, hi)
	}
	return o
}

func joined(a, b []byte) []byte {
	return append(append(make([]byte, 0, len(a)+len(b)), a...), b...)
}

// key is that of the entry, without what comes before the index key. It is valid until the next step.
func (e *indexEntries) key() []byte {
	p := &e.parts[e.at]
	return p.it.Key()[len(p.prefix):]
}

// moved reports whether the entry is one that was moved.
func (e *indexEntries) moved() bool { return e.at > 0 }

// choose finds the part with the next entry.
func (e *indexEntries) choose() bool {
	if len(e.parts) == 1 {
		return e.parts[0].ok
	}
	best := -1
	for i := range e.parts {
		if !e.parts[i].ok {
			continue
		}
		if e.at = i; best < 0 {
			best = i
			continue
		}
		key := e.key()
		if e.at = best; bytes.Compare(key, e.key()) < 0 != e.back {
			best = i
		}
	}
	e.at = max(best, 0)
	return best >= 0
}

func (e *indexEntries) first() bool {
	e.back = false
	for i := range e.parts {
		e.parts[i].ok = e.parts[i].it.First()
	}
	return e.choose()
}

func (e *indexEntries) last() bool {
	e.back = true
	for i := range e.parts {
		e.parts[i].ok = e.parts[i].it.Last()
	}
	return e.choose()
}

// seekGE goes to the first entry at or after a key; seekLT to the last one before it. The key is not one that key gave.
func (e *indexEntries) seekGE(key []byte) bool {
	e.back = false
	for i := range e.parts {
		p := &e.parts[i]
		p.ok = p.it.SeekGE(e.of(p, key))
	}
	return e.choose()
}

func (e *indexEntries) seekLT(key []byte) bool {
	e.back = true
	for i := range e.parts {
		p := &e.parts[i]
		p.ok = p.it.SeekLT(e.of(p, key))
	}
	return e.choose()
}

// of is the key of a part's entry, until the next one.
func (e *indexEntries) of(p *entriesPart, key []byte) []byte {
	e.sought = append(append(e.sought[:0], p.prefix...), key...)
	return e.sought
}

// step goes on in the direction of the last seek.
func (e *indexEntries) step() bool {
	p := &e.parts[e.at]
	if e.back {
		p.ok = p.it.Prev()
	} else {
		p.ok = p.it.Next()
	}
	return e.choose()
}

func (e *indexEntries) error() error {
	for i := range e.parts {
		if err := e.parts[i].it.Error(); err != nil {
			return err
		}
	}
	return nil
}

func (e *indexEntries) close() error {
	var errs []error
	for i := range e.parts {
		errs = append(errs, e.parts[i].it.Close())
	}
	e.parts, e.place = nil, [1]entriesPart{}
	return errors.Join(errs...)
}
