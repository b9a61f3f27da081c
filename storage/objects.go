package storage

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// An object is what is stored as blobs under a number: a row group or a hash run. It is written once. While no commit has
// made it part of the log, and after a commit has replaced it, its orphan key stands: the next open deletes it. What is
// replaced is deleted earlier, as soon as no view can reach it, which the garbage collector tells.
type objects struct {
	mu      sync.Mutex
	next    uint64
	garbage []uint64 // replaced and held by nobody
}

// seen makes sure that a number is not given out again.
func (o *objects) seen(object uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next = max(o.next, object+1)
}

func (o *objects) allocate() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next = max(o.next, 1)
	o.next++
	return o.next - 1
}

// replacedGroup and replacedRun are called when a commit has replaced an object: once nobody holds it its blobs go.
func (d *DB) replacedGroup(g *group) {
	g.retired.Store(true)
	d.s.readers.drop(g)
	runtime.AddCleanup(g, d.unreachable, g.object)
}

func (d *DB) replacedRun(r *hashRun) { runtime.AddCleanup(r, d.unreachable, r.object) }

func (d *DB) unreachable(object uint64) {
	d.discard(object)
	d.s.work.wake(d)
}

// orphan makes it durable that an object belongs to no commit, before it is written.
func (d *DB) orphan(object uint64) error {
	b := d.s.pdb.NewBatch()
	put(b, numKey(d.num, kindOrphan, object), nil)
	return d.s.commit(b, true)
}

// discard has an object deleted, some time, that no commit will take.
func (d *DB) discard(object uint64) {
	d.objects.mu.Lock()
	d.objects.garbage = append(d.objects.garbage, object)
	d.objects.mu.Unlock()
}

// retire marks an object as replaced, in the batch that replaces it.
func (d *DB) retire(b *pebble.Batch, object uint64) { put(b, numKey(d.num, kindOrphan, object), nil) }

// adopt makes an object part of the log.
func (d *DB) adopt(b *pebble.Batch, object uint64) { del(b, numKey(d.num, kindOrphan, object)) }

// erase deletes an object's blobs and its orphan key.
func (d *DB) erase(b *pebble.Batch, object uint64) {
	_ = b.DeleteRange(numKey(d.num, kindBlob, object), numKey(d.num, kindBlob, object+1), nil)
	del(b, numKey(d.num, kindOrphan, object))
}

// removeOrphans deletes what no commit took before the store was last closed, or what was replaced.
func (d *DB) removeOrphans() error {
	b := d.s.pdb.NewBatch()
	err := d.s.scan(dbKey(d.num, kindOrphan), nil, func(key, _ []byte) error {
		object, ok := keyNum(key)
		if !ok {
			return fmt.Errorf("%w: orphan key", ErrCorrupt)
		}
		d.objects.seen(object)
		d.erase(b, object)
		return nil
	})
	if err != nil || b.Empty() {
		return joinClose(err, b)
	}
	return d.s.commit(b, false)
}

// collectGarbage deletes what was replaced and is held by nobody any more.
func (d *DB) collectGarbage() error {
	o := &d.objects
	o.mu.Lock()
	garbage := o.garbage
	o.garbage = nil
	o.mu.Unlock()
	if len(garbage) == 0 {
		return nil
	}
	b := d.s.pdb.NewBatch()
	for _, object := range garbage {
		d.erase(b, object)
	}
	return d.s.commit(b, false)
}

func joinClose(err error, b *pebble.Batch) error {
	if cerr := b.Close(); err == nil {
		return cerr
	}
	return err
}

// part reads a blob through the cache of parts; nil where there is none.
func (d *DB) part(object uint64, part uint32) ([]byte, error) {
	id := partID{d.num, kindBlob, object, part}
	if v, ok := d.s.parts.get(id); ok {
		return v.([]byte), nil
	}
	v, err := d.s.get(blobKey(d.num, object, part))
	if err != nil {
		return nil, err
	}
	d.s.parts.put(id, v, int64(len(v)), nil)
	return v, nil
}

// partUncached is part for who reads everything once.
func (d *DB) partUncached(object uint64, part uint32) ([]byte, error) {
	return d.s.get(blobKey(d.num, object, part))
}

// runList is the encoded list of an index's runs.
func runList(runs []*hashRun) []byte {
	var out []byte
	for _, r := range runs {
		out = binary.AppendUvarint(out, r.object)
		out = binary.AppendUvarint(out, uint64(r.count))
		out = binary.AppendUvarint(out, uint64(r.pageBits))
	}
	return out
}

func decodeRunList(data []byte) ([]*hashRun, error) {
	var runs []*hashRun
	for len(data) > 0 {
		var n [3]uint64
		for i := range n {
			v, size := binary.Uvarint(data)
			if size <= 0 {
				return nil, fmt.Errorf("%w: list of hash runs", ErrCorrupt)
			}
			n[i], data = v, data[size:]
		}
		runs = append(runs, &hashRun{object: n[0], count: int64(n[1]), pageBits: int(n[2])})
	}
	return runs, nil
}
