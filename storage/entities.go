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

func (d *DB) hashName(name string) uint64 { return d.mixName(xxhash.Sum64String(name)) }

// mixName is hashName given the xxhash64 of the name.
func (d *DB) mixName(hash uint64) uint64 { return mix(hash ^ d.salt) }

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
	return e.ordinal, e.version, e.positions[:n:n], true // what is there does not change, more comes after it
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
	version, _, err = x.version(ordinal)
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
			if ok, err := x.isNamed(ordinal, name); ok || err != nil {
				return ordinal, ok, err
			}
		}
	}
	return 0, false, nil
}

// isNamed reports whether the entity on disk with the ordinal has the name.
func (x *entityIndex) isNamed(ordinal uint64, name string) (bool, error) {
	chunk, err := x.names(ordinal / chunkEntities)
	if err != nil {
		return false, err
	}
	i := int(ordinal % chunkEntities)
	if i >= chunk.len() {
		return false, fmt.Errorf("%w: entity %d has no name", ErrCorrupt, ordinal)
	}
	return string(chunk.at(i)) == name, nil
}

func (x *entityIndex) names(n uint64) (nameChunk, error) {
	id := partID{x.d.num, kindNames, n, 0}
	if v, ok := x.d.s.parts.get(id); ok {
		return v.(nameChunk), nil
	}
	fresh := x.unchanged()
	v, err := x.d.s.get(numKey(x.d.num, kindNames, n))
	if err != nil {
		return nameChunk{}, err
	}
	chunk, err := decodeNames(v)
	if err == nil {
		x.d.s.parts.put(id, chunk, int64(len(chunk.text)+4*len(chunk.ends)), fresh)
	}
	return chunk, err
}

// version returns the last version that an entity has in the row groups, and a position that they reached when that was
// written: up to there and, as long as nothing newer is written, up to their end it is the last.
func (x *entityIndex) version(ordinal uint64) (version, end int64, err error) {
	end, versions, err := x.versions(ordinal / chunkEntities)
	if err != nil {
		return 0, 0, err
	}
	if i := ordinal % chunkEntities; i < uint64(len(versions)) {
		return versions[i], end, nil
	}
	return 0, 0, fmt.Errorf("%w: entity %d has no version", ErrCorrupt, ordinal)
}

// versions returns a chunk of last versions, which is the caller's, and its position. The cache has it packed.
func (x *entityIndex) versions(n uint64) (int64, []int64, error) {
	id := partID{x.d.num, kindVersions, n, 0}
	if v, ok := x.d.s.parts.get(id); ok {
		return decodeVersions(v.([]byte))
	}
	fresh := x.unchanged()
	v, err := x.d.s.get(numKey(x.d.num, kindVersions, n))
	if err != nil {
		return 0, nil, err
	}
	x.d.s.parts.put(id, v, int64(len(v)), fresh)
	return decodeVersions(v)
}

// unchanged begins a read of a chunk and tells later whether what was read is still what is on disk.
func (x *entityIndex) unchanged() func() bool {
	before := x.changes.Load()
	return func() bool { return x.changes.Load() == before }
}

// nameChunk is the names of up to chunkEntities entities.
type nameChunk struct {
	text []byte
	ends []uint32
}

func (c nameChunk) len() int { return len(c.ends) }

func (c nameChunk) at(i int) []byte {
	if i == 0 {
		return c.text[:c.ends[0]]
	}
	return c.text[c.ends[i-1]:c.ends[i]]
}

// with returns the chunk with more names.
func (c nameChunk) with(names []string) nameChunk {
	c.text, c.ends = slices.Clone(c.text), slices.Clone(c.ends)
	for _, n := range names {
		c.text = append(c.text, n...)
		c.ends = append(c.ends, uint32(len(c.text)))
	}
	return c
}

func (c nameChunk) encode() []byte {
	out := binary.AppendUvarint(nil, uint64(c.len()))
	for i := range c.ends {
		out = binary.AppendUvarint(out, uint64(len(c.at(i))))
	}
	return s2.EncodeBetter(nil, append(out, c.text...))
}

func decodeNames(data []byte) (c nameChunk, err error) {
	if data == nil {
		return c, nil
	}
	bad := fmt.Errorf("%w: chunk of names", ErrCorrupt)
	if data, err = s2.Decode(nil, data); err != nil {
		return c, bad
	}
	count, size := binary.Uvarint(data)
	if size <= 0 || count > chunkEntities {
		return c, bad
	}
	data = data[size:]
	end := uint64(0)
	c.ends = make([]uint32, count)
	for i := range c.ends {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > maxNameBytes {
			return c, bad
		}
		end, data = end+n, data[size:]
		c.ends[i] = uint32(end)
	}
	if end != uint64(len(data)) {
		return c, bad
	}
	c.text = data
	return c, nil
}

func encodeVersions(end int64, versions []int64) []byte {
	out := binary.AppendUvarint(make([]byte, 0, len(versions)*2), uint64(end))
	for _, v := range versions {
		out = binary.AppendUvarint(out, uint64(v))
	}
	return out
}

func decodeVersions(data []byte) (end int64, versions []int64, err error) {
	versions = make([]int64, 0, chunkEntities+1)
	for len(data) > 0 {
		v, size := binary.Uvarint(data)
		if size <= 0 {
			return 0, nil, fmt.Errorf("%w: chunk of versions", ErrCorrupt)
		}
		versions, data = append(versions, int64(v)), data[size:]
	}
	if len(versions) == 0 {
		return 0, nil, nil
	}
	return versions[0], versions[1:], nil
}
