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
	added    map[string]uint64 // names that are new, to ordinals
	names    []string          // the same by ordinal, from disk.entities on
	versions map[uint64][]int64
	ids      []pair
}

func (x *entityIndex) newWriter() *indexWriter {
	return &indexWriter{x: x, disk: x.disk.Load(), added: map[string]uint64{}, versions: map[uint64][]int64{}}
}

// entities is how many entities there are with the new ones.
func (w *indexWriter) entities() int64 { return w.disk.entities + int64(len(w.names)) }

// add gives a name that is new the next ordinal.
func (w *indexWriter) add(name string) uint64 {
	ordinal := uint64(w.entities())
	w.added[name] = ordinal
	w.names = append(w.names, name)
	return ordinal
}

// resolve returns the ordinal of a name, new or not. The tail must be empty.
func (w *indexWriter) resolve(name string) (uint64, error) {
	if o, ok := w.added[name]; ok {
		return o, nil
	}
	o, ok, err := w.x.onDisk(name)
	if err != nil || ok {
		return o, err
	}
	return w.add(name), nil
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
		old, err := w.x.versions(n)
		if err != nil {
			return nil, err
		}
		v = slices.Clone(old)
	}
	w.versions[n] = v
	return v, nil
}

// write puts everything into the batch and returns what the index will be once it is committed.
func (w *indexWriter) write(b *pebble.Batch) (*diskIndex, error) {
	d := w.x.d
	next := &diskIndex{names: w.disk.names, ids: w.disk.ids, entities: w.entities()}
	for _, n := range slices.Sorted(maps.Keys(w.versions)) {
		put(b, numKey(d.num, kindVersions, n), encodeVersions(w.versions[n]))
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
		var names []string
		if (first+uint64(i))%chunkEntities != 0 {
			old, err := w.x.names(chunk)
			if err != nil {
				return err
			}
			names = slices.Clone(old)
		}
		n := min(chunkEntities-len(names), len(w.names)-i)
		names = append(names, w.names[i:i+n]...)
		put(b, numKey(w.x.d.num, kindNames, chunk), encodeNames(names))
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

// writeRun sorts pairs and puts them into the batch as a hash run.
func (d *DB) writeRun(b *pebble.Batch, pairs []pair) (*hashRun, error) {
	sortPairs(pairs)
	object := d.objects.allocate()
	w := newRunWriter(object, int64(len(pairs)), func(part uint32, data []byte) error {
		put(b, blobKey(d.num, object, part), data)
		return nil
	})
	for _, p := range pairs {
		w.add(p)
	}
	return w.finish()
}
