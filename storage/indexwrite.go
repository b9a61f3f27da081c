package storage

import (
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// indexWriter gathers what a seal or a bulk load adds to the index on disk, and writes it with the batch that makes the
// rows part of the log. While it is at work nobody else writes the index: its owner holds DB.seal.
type indexWriter struct {
	x        *entityIndex
	disk     *diskIndex
	names    []string // new, by ordinal from disk.entities on
	versions map[uint64][]int64
	ids      []pair
}

func (x *entityIndex) newWriter() *indexWriter {
	return &indexWriter{x: x, disk: x.disk.Load(), versions: map[uint64][]int64{}}
}

// entities is how many entities there are with the new ones.
func (w *indexWriter) entities() int64 { return w.disk.entities + int64(len(w.names)) }

// add gives a name that is new the next ordinal.
func (w *indexWriter) add(name string) uint64 {
	ordinal := uint64(w.entities())
	w.names = append(w.names, name)
	return ordinal
}

// unknown stands for an ordinal that was not found.
const unknown = 1<<64 - 1

// find looks distinct names up in the index on disk; those that are not there are unknown. An ordinal never changes, so
// what was found stays right. It goes through runs by hash and through names by ordinal: where neither fits the cache each
// part is read once.
func (x *entityIndex) find(disk *diskIndex, names []string) ([]uint64, error) {
	out := make([]uint64, len(names))
	asked := make([]pair, 0, len(names)) // hash, and index into names
	for i, name := range names {
		out[i] = unknown
		if disk.entities > 0 {
			asked = append(asked, pair{x.d.hashName(name), uint64(i)})
		}
	}
	sortPairs(asked)
	var found []pair // ordinal, and index into names
	var few [4]uint64
	for _, run := range disk.names {
		for _, q := range asked {
			ordinals, err := run.lookup(q.hash, x.d.part, few[:0])
			if err != nil {
				return nil, err
			}
			for _, o := range ordinals {
				found = append(found, pair{o, q.value})
			}
		}
	}
	slices.SortFunc(found, func(a, b pair) int { return cmpUint(a.hash, b.hash) })
	for _, f := range found {
		ok, err := x.isNamed(f.hash, names[f.value])
		if err != nil {
			return nil, err
		}
		if ok {
			out[f.value] = f.hash
		}
	}
	return out, nil
}

// version returns the last version of an entity, with what was set.
func (w *indexWriter) version(ordinal uint64) (int64, error) {
	v, err := w.chunk(ordinal / chunkEntities)
	if err != nil {
		return 0, err
	}
	if i := ordinal % chunkEntities; i < uint64(len(v)) {
		return v[i], nil
	}
	return 0, nil
}

func (w *indexWriter) setVersion(ordinal uint64, version int64) error {
	v, err := w.chunk(ordinal / chunkEntities)
	if err != nil {
		return err
	}
	for uint64(len(v)) <= ordinal%chunkEntities {
		v = append(v, 0)
	}
	v[ordinal%chunkEntities] = version
	w.versions[ordinal/chunkEntities] = v
	return nil
}

func (w *indexWriter) chunk(n uint64) ([]int64, error) {
	if v, ok := w.versions[n]; ok {
		return v, nil
	}
	var v []int64
	if int64(n*chunkEntities) < w.disk.entities {
		var err error
		if _, v, err = w.x.versions(n); err != nil {
			return nil, err
		}
	}
	w.versions[n] = v
	return v, nil
}

// write puts everything into the batch and returns what the index will be once it is committed. end is the position after
// the last row group then.
func (w *indexWriter) write(b *pebble.Batch, end int64) (*diskIndex, error) {
	d := w.x.d
	next := &diskIndex{names: w.disk.names, ids: w.disk.ids, entities: w.entities()}
	for _, n := range slices.Sorted(maps.Keys(w.versions)) {
		put(b, numKey(d.num, kindVersions, n), encodeVersions(end, w.versions[n]))
	}
	if len(w.names) > 0 {
		if err := w.writeNames(b); err != nil {
			return nil, err
		}
		pairs := make([]pair, len(w.names))
		for i, name := range w.names {
			pairs[i] = pair{d.hashName(name), uint64(w.disk.entities) + uint64(i)}
		}
		run, err := d.writeRun(b, pairs)
		if err != nil {
			return nil, err
		}
		next.names = append(slices.Clone(next.names), run)
		put(b, runsKey(d.num, runsOfNames), runList(next.names))
	}
	if len(w.ids) > 0 {
		run, err := d.writeRun(b, w.ids)
		if err != nil {
			return nil, err
		}
		next.ids = append(slices.Clone(next.ids), run)
		put(b, runsKey(d.num, runsOfIDs), runList(next.ids))
	}
	return next, nil
}

func (w *indexWriter) writeNames(b *pebble.Batch) error {
	first := uint64(w.disk.entities)
	for i := 0; i < len(w.names); {
		chunk := (first + uint64(i)) / chunkEntities
		var old nameChunk
		if (first+uint64(i))%chunkEntities != 0 {
			var err error
			if old, err = w.x.names(chunk); err != nil {
				return err
			}
		}
		n := min(chunkEntities-old.len(), len(w.names)-i)
		put(b, numKey(w.x.d.num, kindNames, chunk), old.with(w.names[i:i+n]).encode())
		i += n
	}
	return nil
}

// done makes the cache and the index follow after the commit.
func (w *indexWriter) done(next *diskIndex) {
	d := w.x.d
	w.x.changes.Add(1)
	for n := range w.versions {
		d.s.parts.drop(partID{d.num, kindVersions, n, 0})
	}
	for n := uint64(w.disk.entities) / chunkEntities; n <= uint64(w.entities())/chunkEntities; n++ {
		d.s.parts.drop(partID{d.num, kindNames, n, 0})
	}
	w.x.disk.Store(next)
	w.x.mu.Lock()
	w.x.next = max(w.x.next, uint64(next.entities))
	w.x.mu.Unlock()
}

// writeRun sorts pairs and writes them as a hash run that the batch makes part of the log.
func (d *DB) writeRun(b *pebble.Batch, pairs []pair) (*hashRun, error) {
	sortPairs(pairs)
	return d.storeRun(b, int64(len(pairs)), func(object uint64, put func(part uint32, data []byte) error) (*hashRun, error) {
		w := newRunWriter(object, int64(len(pairs)), put)
		for _, p := range pairs {
			w.add(p)
		}
		return w.finish()
	})
}

// pairBytes is about what an entry of a hash run takes on disk, its share of the filter included.
const pairBytes = 10

// storeRun writes the run that fill puts: with the batch, or before it if it is large.
func (d *DB) storeRun(b *pebble.Batch, count int64, fill func(object uint64, put func(part uint32, data []byte) error) (*hashRun, error)) (*hashRun, error) {
	if !d.s.large(count * pairBytes) {
		object := d.objects.allocate()
		return fill(object, func(part uint32, data []byte) error {
			put(b, blobKey(d.num, object, part), data)
			return nil
		})
	}
	if err := d.s.room.take(count * pairBytes); err != nil {
		return nil, err
	}
	t := d.newLargeObject()
	run, err := fill(t.object, func(part uint32, data []byte) error {
		if part >= filterPart {
			return t.put(laneFilters, part, data)
		}
		return t.put(lanePages, part, data)
	})
	if err := t.end(err); err != nil {
		return nil, err
	}
	d.adopt(b, t.object)
	return run, nil
}
