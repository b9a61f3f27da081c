package storage

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"

	"github.com/allsource-db/allsource/storage/tail"
)

// entityIndex knows the entities: name → ordinal and last version, and the producers' ids. What is in row groups is on
// disk: a hash run leads from a name to ordinals, chunks hold names and last versions by ordinal, another hash run leads
// from an id to positions. What the tail has lies over it in memory.
type entityIndex struct {
	d *DB

	disk    atomic.Pointer[diskIndex]
	changes atomic.Int64 // of chunks on disk

	mu   sync.RWMutex
	tail map[string]*tailEntity
	ids  map[idKey]int64 // of the tail, to positions
	next uint64          // ordinal of the next new entity
}

// diskIndex is what the row groups have; a new one takes its place when they get more.
type diskIndex struct {
	names    []*hashRun // entity hash → ordinal
	ids      []*hashRun // id hash → position
	entities int64      // ordinals below are on disk
}

// tailEntity is an entity with events in the tail.
type tailEntity struct {
	ordinal   uint64
	version   int64
	positions []int64
}

type idKey struct {
	entity string
	id     [16]byte
}

// chunkEntities is how many entities share a chunk of names or versions.
const chunkEntities = 256

// The indexes with hash runs.
const (
	runsOfNames = 'e'
	runsOfIDs   = 'i'
)

func runsKey(db uint32, index byte) []byte { return append(dbKey(db, kindRuns), index) }

func openEntityIndex(d *DB) (*entityIndex, error) {
	mark, err := d.loadMark()
	if err != nil {
		return nil, err
	}
	disk := &diskIndex{entities: mark.entities}
	for _, l := range []struct {
		index byte
		runs  *[]*hashRun
	}{{runsOfNames, &disk.names}, {runsOfIDs, &disk.ids}} {
		v, err := d.s.get(runsKey(d.num, l.index))
		if err != nil {
			return nil, err
		}
		if *l.runs, err = decodeRunList(v); err != nil {
			return nil, err
		}
		for _, r := range *l.runs {
			d.objects.seen(r.object)
		}
	}
	x := &entityIndex{d: d, tail: map[string]*tailEntity{}, ids: map[idKey]int64{}, next: uint64(mark.entities)}
	x.disk.Store(disk)
	return x, nil
}

func (d *DB) hashName(name string) uint64 { return mix(xxhash.Sum64String(name) ^ d.salt) }

// extend adds rows of the tail, the first at position base. It comes before they are visible.
func (x *entityIndex) extend(base int64, rows []tail.Row) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range rows {
		r := &rows[i]
		e := x.tail[r.Entity]
		if e == nil {
			e = &tailEntity{ordinal: r.Ordinal}
			x.tail[r.Entity] = e
		}
		e.version = r.Version
		e.positions = append(e.positions, base+int64(i))
		x.next = max(x.next, r.Ordinal+1)
		if r.HasID {
			x.ids[idKey{r.Entity, r.ID}] = base + int64(i)
		}
	}
}

// shrink forgets rows that are on disk now.
func (x *entityIndex) shrink(rows tail.Rows, end int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for pos := rows.Base(); pos < end; pos++ {
		r := rows.At(pos)
		if r.HasID {
			delete(x.ids, idKey{r.Entity, r.ID})
		}
		e := x.tail[r.Entity]
		if e == nil || e.positions[0] >= end {
			continue
		}
		keep, _ := slices.BinarySearch(e.positions, end)
		if keep == len(e.positions) {
			delete(x.tail, r.Entity)
		} else {
			e.positions = slices.Clone(e.positions[keep:])
		}
	}
}

// inTail returns what the tail has of an entity, positions before end.
func (x *entityIndex) inTail(name string, end int64) (ordinal uint64, version int64, positions []int64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e, ok := x.tail[name]
	if !ok {
		return 0, 0, nil, false
	}
	n, _ := slices.BinarySearch(e.positions, end)
	return e.ordinal, e.version, slices.Clone(e.positions[:n]), true
}

// lastOf returns an entity's ordinal and last version in the whole log; ok is false for an entity without events.
func (x *entityIndex) lastOf(name string) (ordinal uint64, version int64, ok bool, err error) {
	x.mu.RLock()
	e, found := x.tail[name]
	if found {
		ordinal, version = e.ordinal, e.version
	}
	x.mu.RUnlock()
	if found {
		return ordinal, version, true, nil
	}
	if ordinal, ok, err = x.onDisk(name); !ok {
		return 0, 0, false, err
	}
	version, err = x.version(ordinal)
	return ordinal, version, true, err
}

// ordinal returns the number of an entity, in the tail or on disk.
func (x *entityIndex) ordinal(name string) (uint64, bool, error) {
	x.mu.RLock()
	e, found := x.tail[name]
	x.mu.RUnlock()
	if found {
		return e.ordinal, true, nil
	}
	return x.onDisk(name)
}

// onDisk looks an entity up that the tail does not have.
func (x *entityIndex) onDisk(name string) (uint64, bool, error) {
	disk := x.disk.Load()
	if disk.entities == 0 {
		return 0, false, nil
	}
	var few [4]uint64
	found := few[:0]
	hash := x.d.hashName(name)
	for i := len(disk.names) - 1; i >= 0; i-- {
		var err error
		if found, err = disk.names[i].lookup(hash, x.d.part, found[:0]); err != nil {
			return 0, false, err
		}
		for _, ordinal := range found {
			other, err := x.name(ordinal)
			if err != nil {
				return 0, false, err
			}
			if other == name {
				return ordinal, true, nil
			}
		}
	}
	return 0, false, nil
}

// name returns the name of an entity on disk.
func (x *entityIndex) name(ordinal uint64) (string, error) {
	names, err := x.names(ordinal / chunkEntities)
	if err != nil {
		return "", err
	}
	if i := ordinal % chunkEntities; i < uint64(len(names)) {
		return names[i], nil
	}
	return "", fmt.Errorf("%w: entity %d has no name", ErrCorrupt, ordinal)
}

func (x *entityIndex) names(chunk uint64) ([]string, error) {
	id := partID{x.d.num, kindNames, chunk, 0}
	if v, ok := x.d.s.parts.get(id); ok {
		return v.([]string), nil
	}
	fresh := x.unchanged()
	v, err := x.d.s.get(numKey(x.d.num, kindNames, chunk))
	if err != nil {
		return nil, err
	}
	names, err := decodeNames(v)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	for _, n := range names {
		size += int64(len(n)) + 16
	}
	x.d.s.parts.put(id, names, size, fresh)
	return names, nil
}

// version returns the last version that an entity has in the row groups.
func (x *entityIndex) version(ordinal uint64) (int64, error) {
	versions, err := x.versions(ordinal / chunkEntities)
	if err != nil {
		return 0, err
	}
	if i := ordinal % chunkEntities; i < uint64(len(versions)) {
		return versions[i], nil
	}
	return 0, fmt.Errorf("%w: entity %d has no version", ErrCorrupt, ordinal)
}

func (x *entityIndex) versions(chunk uint64) ([]int64, error) {
	id := partID{x.d.num, kindVersions, chunk, 0}
	if v, ok := x.d.s.parts.get(id); ok {
		return v.([]int64), nil
	}
	fresh := x.unchanged()
	v, err := x.d.s.get(numKey(x.d.num, kindVersions, chunk))
	if err != nil {
		return nil, err
	}
	versions, err := decodeVersions(v)
	if err == nil {
		x.d.s.parts.put(id, versions, int64(len(versions)*8), fresh)
	}
	return versions, err
}

// unchanged begins a read of a chunk and tells later whether what was read is still what is on disk.
func (x *entityIndex) unchanged() func() bool {
	before := x.changes.Load()
	return func() bool { return x.changes.Load() == before }
}

func encodeNames(names []string) []byte {
	var out []byte
	for _, n := range names {
		out = binary.AppendUvarint(out, uint64(len(n)))
	}
	for _, n := range names {
		out = append(out, n...)
	}
	return s2.EncodeBetter(nil, append(binary.AppendUvarint(nil, uint64(len(names))), out...))
}

func decodeNames(data []byte) ([]string, error) {
	if data == nil {
		return nil, nil
	}
	bad := fmt.Errorf("%w: chunk of names", ErrCorrupt)
	data, err := s2.Decode(nil, data)
	if err != nil {
		return nil, bad
	}
	count, size := binary.Uvarint(data)
	if size <= 0 || count > chunkEntities {
		return nil, bad
	}
	data = data[size:]
	lens := make([]uint64, count)
	total := uint64(0)
	for i := range lens {
		n, size := binary.Uvarint(data)
		if size <= 0 {
			return nil, bad
		}
		lens[i], data = n, data[size:]
		total += n
	}
	if total != uint64(len(data)) {
		return nil, bad
	}
	text, names := string(data), make([]string, count)
	for i, n := range lens {
		names[i], text = text[:n], text[n:]
	}
	return names, nil
}

func encodeVersions(versions []int64) []byte {
	out := make([]byte, 0, len(versions)*2)
	for _, v := range versions {
		out = binary.AppendUvarint(out, uint64(v))
	}
	return out
}

func decodeVersions(data []byte) ([]int64, error) {
	versions := make([]int64, 0, chunkEntities)
	for len(data) > 0 {
		v, size := binary.Uvarint(data)
		if size <= 0 {
			return nil, fmt.Errorf("%w: chunk of versions", ErrCorrupt)
		}
		versions, data = append(versions, int64(v)), data[size:]
	}
	return versions, nil
}
