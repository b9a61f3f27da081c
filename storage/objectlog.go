package storage

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// objectLog is the catalog's objects, all versions of them.
type objectLog struct {
	mu       sync.RWMutex
	versions map[uint32][]objectVersion // by object, the oldest first
	changes  []Micros                   // when anything was changed, ascending
	newest   atomic.Uint64              // version of all of them
}

type objectVersion struct {
	at    Micros
	value []byte // empty: dropped
}

// apply enters the changes of a commit.
func (l *objectLog) apply(changes []ObjectChange, at Micros) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range changes {
		l.add(c.ID, at, bytes.Clone(c.Value))
	}
	l.changes = append(l.changes, at)
	l.newest.Store(ordered(at))
}

func (l *objectLog) add(id uint32, at Micros, value []byte) {
	if l.versions == nil {
		l.versions = map[uint32][]objectVersion{}
	}
	list := l.versions[id]
	if n := len(list); n > 0 && list[n-1].at == at { // changed twice in one commit
		list[n-1].value = value
		return
	}
	l.versions[id] = append(list, objectVersion{at, value})
}

// at lists the objects as of a moment, by number.
func (l *objectLog) at(moment Micros) []Object {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Object
	for id, list := range l.versions {
		i, _ := slices.BinarySearchFunc(list, moment, func(v objectVersion, moment Micros) int {
			if v.at <= moment {
				return -1
			}
			return 1
		})
		if i > 0 && len(list[i-1].value) > 0 {
			out = append(out, Object{id, list[i-1].value, list[i-1].at})
		}
	}
	slices.SortFunc(out, func(a, b Object) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// FirstObject is the first definition that an object had, not to be changed; nil: there was none.
func (d *DB) FirstObject(id uint32) []byte {
	l := &d.catalog
	l.mu.RLock()
	defer l.mu.RUnlock()
	if list := l.versions[id]; len(list) > 0 {
		return list[0].value
	}
	return nil
}

// ObjectsVersion is that of views which see all commits that have their place.
func (d *DB) ObjectsVersion() uint64 { return d.catalog.newest.Load() }

// version is when the objects were changed last, up to a moment; 0: never.
func (l *objectLog) version(moment Micros) uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	i, found := slices.BinarySearch(l.changes, moment)
	if found {
		return ordered(moment)
	}
	if i == 0 {
		return 0
	}
	return ordered(l.changes[i-1])
}

func (d *DB) loadObjects() error {
	err := d.s.scan(dbKey(d.num, kindObject), nil, func(key, value []byte) error {
		id, at, ok := timedKey(key)
		if !ok {
			return fmt.Errorf("%w: key of an object", ErrCorrupt)
		}
		d.catalog.add(id, at, bytes.Clone(value))
		d.catalog.changes = append(d.catalog.changes, at)
		return nil
	})
	slices.Sort(d.catalog.changes)
	d.catalog.changes = slices.Compact(d.catalog.changes)
	if n := len(d.catalog.changes); n > 0 {
		d.catalog.newest.Store(ordered(d.catalog.changes[n-1]))
	}
	return err
}

// firstObject is the number of the first object that a user makes: built-in ones are numbered below.
const firstObject = 16500

// numbersAhead is how many numbers are reserved at once.
const numbersAhead = 64

// objectNumbers gives out numbers of objects.
type objectNumbers struct {
	mu       sync.Mutex
	next     uint32
	reserved uint32 // numbers before it may have been given out, as the disk knows
}

// NewObjectID returns a number that no object of the database has or had, from 16500.
func (d *DB) NewObjectID() (uint32, error) {
	o := &d.numbers
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.next == 0 {
		v, err := d.s.get(dbKey(d.num, kindCounter))
		if err != nil {
			return 0, err
		}
		next := int64(firstObject)
		if v != nil {
			if _, err := readFields(v, &next); err != nil {
				return 0, err
			}
		}
		o.next, o.reserved = uint32(next), uint32(next)
	}
	if o.next == o.reserved {
		b := d.s.pdb.NewBatch()
		put(b, dbKey(d.num, kindCounter), fields(int64(o.reserved)+numbersAhead))
		if err := d.s.commit(b, true); err != nil {
			return 0, err
		}
		o.reserved += numbersAhead
	}
	o.next++
	return o.next - 1, nil
}

// Sequence returns the state of a sequence: ok is false if it has none.
func (d *DB) Sequence(id uint32) (value int64, called, ok bool, err error) {
	v, err := d.s.get(tableKey(d.num, kindSequence, id))
	if err != nil || v == nil {
		return 0, false, false, err
	}
	var flag int64
	_, err = readFields(v, &value, &flag)
	return value, flag != 0, err == nil, err
}

// SetSequence stores the state of a sequence. It is durable with the next commit, or after Sync: who gives values out stores a state that lies
// ahead of them first.
func (d *DB) SetSequence(id uint32, value int64, called bool) error {
	b := d.s.pdb.NewBatch()
	d.putSequence(b, SequenceChange{id, value, called})
	return d.s.commit(b, false)
}

func (d *DB) putSequence(b *pebble.Batch, q SequenceChange) {
	flag := int64(0)
	if q.Called {
		flag = 1
	}
	put(b, tableKey(d.num, kindSequence, q.ID), fields(q.Value, flag))
}

// Sync makes durable what SetSequence has stored.
func (d *DB) Sync() error {
	b := d.s.pdb.NewBatch()
	if err := b.LogData(nil, nil); err != nil {
		return joinClose(err, b)
	}
	return d.s.commit(b, true)
}
