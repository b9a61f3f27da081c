package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/storage/table"
)

// incoming is the folder, within the store's, in which tables are written before Pebble takes them.
const incoming = "incoming"

// bottom is the level whose settings a table is written with; nothing is below what it holds.
const bottom = 6

// largeObject writes the blobs of one large object past the write-ahead log: as files that Pebble links into itself. The
// object's orphan key is durable before the first blob is there, so a crash leaves nothing that the next open does not
// find. Who makes the object part of the log calls adopt.
//
// Each lane is a file, in which parts ascend; all parts of a lane are less than those of the next.
type largeObject struct {
	d      *DB
	object uint64
	lanes  [2]lane
}

type lane struct {
	path string
	w    *sstable.Writer
}

// The lanes of a hash run.
const (
	lanePages   = 0
	laneFilters = 1
)

// large tells whether an object of about so many bytes gets a table; what is smaller goes with the batch.
func (s *Store) large(bytes int64) bool { return bytes >= s.o.TableBytes }

func (d *DB) newLargeObject() *largeObject { return &largeObject{d: d, object: d.objects.allocate()} }

func (t *largeObject) put(at int, part uint32, data []byte) error {
	l := &t.lanes[at]
	if l.w == nil {
		if err := t.begin(l, at); err != nil {
			return noSpace(err)
		}
	}
	return noSpace(l.w.Set(blobKey(t.d.num, t.object, part), data))
}

func (t *largeObject) begin(l *lane, at int) error {
	s := t.d.s
	path := s.o.FS.PathJoin(s.dir, incoming, fmt.Sprintf("%d-%d-%d", t.d.num, t.object, at))
	f, err := s.o.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	l.path = path
	l.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), s.settings.MakeWriterOptions(bottom, s.pdb.TableFormat()))
	return nil
}

// end makes the blobs durable and readable; or, given the error of what came before, forgets them.
func (t *largeObject) end(err error) error {
	var paths []string
	for i := range t.lanes {
		if l := &t.lanes[i]; l.w != nil {
			err = errors.Join(err, noSpace(l.w.Close()))
			paths = append(paths, l.path)
		}
	}
	if err == nil && len(paths) > 0 {
		if err = t.d.orphan(t.object); err == nil {
			err = t.d.s.ingest(paths)
		}
		if err != nil {
			t.d.discard(t.object)
		}
	}
	if err != nil {
		for _, path := range paths {
			// What cannot be removed now is at the next open.
			_ = t.d.s.o.FS.Remove(path)
		}
	}
	return err
}

// ingest gives files to Pebble, all or none.
func (s *Store) ingest(paths []string) (err error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.shutDown {
		return ErrClosed
	}
	defer func() {
		if r := recover(); r != nil {
			s.failure.set(fmt.Errorf("%v", r))
			err = s.failure.get()
		}
	}()
	if err := s.pdb.Ingest(context.Background(), paths); err != nil {
		return noSpace(fmt.Errorf("take in a table: %w", err))
	}
	return s.failure.get()
}

// clearIncoming removes what a crash left of tables that were being written.
func (s *Store) clearIncoming() error {
	dir := s.o.FS.PathJoin(s.dir, incoming)
	if err := s.o.FS.RemoveAll(dir); err != nil {
		return err
	}
	return s.o.FS.MkdirAll(dir, 0o755)
}

func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, ErrDiskFull) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// storeTable writes a row group as a table and returns its object.
func (d *DB) storeTable(enc *segment.Encoded) (uint64, error) {
	meta, err := enc.Meta()
	if err != nil {
		return 0, err
	}
	parts := make([]table.Part, len(enc.Columns))
	for i, blob := range enc.Columns {
		parts[i] = table.Part{ID: uint32(blob.ID), Data: blob.Data}
	}
	return d.storeLarge(parts, meta)
}

// storeLarge writes the parts of an object, and its meta blob.
func (d *DB) storeLarge(parts []table.Part, meta []byte) (uint64, error) {
	t := d.newLargeObject()
	slices.SortFunc(parts, func(a, b table.Part) int { return cmp.Compare(a.ID, b.ID) })
	for _, p := range append(parts, table.Part{ID: partMeta, Data: meta}) {
		if err := t.put(0, p.ID, p.Data); err != nil {
			return 0, t.end(err)
		}
	}
	return t.object, t.end(nil)
}
