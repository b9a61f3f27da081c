package storage

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// keyRuns are index entries that come in any order and leave sorted: in memory, and in sorted runs on disk where they are many.
type keyRuns struct {
	d      *DB
	data   []byte
	held   int          // entries in memory
	keys   []keyPlace   // of those, what nobody has looked for yet
	parts  [][]keyPlace // and the others, sorted; a part does not change
	shared bool         // somebody may be looking: data is not written over
	files  []*keyFile
	filter *keyFilter // of all keys; nil: nobody has looked for one that lies among them
	last   []byte     // the greatest key
	bytes  int64
	// thinned: the load's commit has left out some.
	thinned bool
}

// keyPlace is a key in data and the row that it leads to.
type keyPlace struct {
	from, to uint32
	row      int64
}

// keyFile is a sorted run on disk.
type keyFile struct {
	path  string
	marks []keyMark
	size  int64
	opens sync.Once
	file  vfs.File // of those who look
	err   error
}

// keyMark is where a block begins, and its first key.
type keyMark struct {
	key []byte
	at  int64
}

const (
	// indexFileBytes is about how large a file of an index is that Pebble takes in.
	indexFileBytes = 32 << 20
	// keyBlockBytes is about how much of a run is read for one key.
	keyBlockBytes = 4 << 10
)

// runBytes is how large a run in memory may become: places in it have 32 bits.
func (k *keyRuns) runBytes() int64 { return min(max(k.d.s.o.Memory/32, 1<<20), 1<<30) }

func (k *keyRuns) add(key []byte, row int64) error {
	if len(key) > maxNameBytes {
		return fmt.Errorf("a key of %d bytes", len(key))
	}
	from := uint32(len(k.data))
	k.data = append(doubled(k.data, len(key)), key...)
	k.keys = append(doubled(k.keys, 1), keyPlace{from, uint32(len(k.data)), row})
	if k.bytes += int64(len(key)) + 17; bytes.Compare(key, k.last) > 0 {
		k.last = append(k.last[:0], key...)
	}
	if k.filter != nil {
		k.filter.add(key)
	}
	if k.held++; int64(len(k.data)+16*k.held) < k.runBytes() {
		return nil
	}
	return k.spill()
}

// doubled has room for n more: append alone grows what is long by a quarter, and copies it as much oftener.
func doubled[T any](list []T, n int) []T {
	if len(list)+n <= cap(list) {
		return list
	}
	return slices.Grow(list, max(n, len(list)))
}

// sort orders what is in memory as entries lie on disk.
func (k *keyRuns) sort() {
	if len(k.parts) > 0 {
		k.keys, k.parts = slices.Concat(append(k.parts, k.keys)...), nil
	}
	sortKeys(k.data, k.keys)
}

// sortKeys orders entries by key; of one key the newest row comes first.
func sortKeys(data []byte, keys []keyPlace) {
	vec.SortByKey(keys, func(p keyPlace) []byte { return data[p.from:p.to] }, func(a, b keyPlace) int { return cmp.Compare(b.row, a.row) })
}

// spill writes the run in memory to a file: per entry uvarint bytes, key, uvarint row.
func (k *keyRuns) spill() error {
	s := k.d.s
	if err := s.room.take(int64(len(k.data) + 8*len(k.keys))); err != nil {
		return err
	}
	k.sort()
	run := &keyFile{path: k.d.incomingPath("run")}
	f, err := s.o.FS.Create(run.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return noSpace(err)
	}
	k.files = append(k.files, run)
	w := bufio.NewWriterSize(f, 64<<10)
	var head [2 * binary.MaxVarintLen64]byte
	for _, p := range k.keys {
		key := k.data[p.from:p.to]
		if n := len(run.marks); n == 0 || run.size-run.marks[n-1].at >= keyBlockBytes {
			run.marks = append(run.marks, keyMark{bytes.Clone(key), run.size})
		}
		n := binary.PutUvarint(head[:], uint64(len(key)))
		_, _ = w.Write(head[:n]) // what goes wrong is told by Flush
		_, _ = w.Write(key)
		m := binary.PutUvarint(head[:], uint64(p.row))
		_, _ = w.Write(head[:m])
		run.size += int64(n + len(key) + m)
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return noSpace(err)
	}
	if k.data, k.keys, k.held = k.data[:0], k.keys[:0], 0; k.shared {
		k.data, k.shared = nil, false
	}
	return nil
}

// incomingPath is a file that nobody else writes, and that the next open removes.
func (d *DB) incomingPath(kind string) string {
	s := d.s
	return s.o.FS.PathJoin(s.dir, incoming, fmt.Sprintf("%s-%d-%d", kind, d.num, d.objects.allocate()))
}

// remove deletes the runs.
func (k *keyRuns) remove() {
	for _, f := range k.files {
		f.close()
		// What cannot be removed now is at the next open.
		_ = k.d.s.o.FS.Remove(f.path)
	}
	*k = keyRuns{d: k.d}
}

// each calls f for all entries in order. key is valid during the call.
func (k *keyRuns) each(f func(key []byte, row int64) error) error {
	k.sort()
	return k.between(nil, nil, f)
}

// between is each for lo <= key < hi (nil: no bound), where what is in memory is sorted. It may run for several ranges at once.
func (k *keyRuns) between(lo, hi []byte, f func(key []byte, row int64) error) (err error) {
	var h keyHeap
	defer func() {
		for _, r := range h {
			err = errors.Join(err, r.close())
		}
	}()
	begin := func(r *keyReader) error {
		for {
			ok, err := r.step()
			if !ok || err != nil {
				return errors.Join(err, r.close())
			}
			if lo == nil || bytes.Compare(r.key, lo) >= 0 {
				h = append(h, r)
				return nil
			}
		}
	}
	if err := begin(&keyReader{next: k.keys[k.placeOf(lo):], data: k.data}); err != nil {
		return err
	}
	for _, run := range k.files {
		r, err := run.reader(k.d.s.o.FS, lo)
		if err == nil {
			err = begin(r)
		}
		if err != nil {
			return err
		}
	}
	heap.Init(&h)
	for len(h) > 0 {
		r := h[0]
		if hi != nil && bytes.Compare(r.key, hi) >= 0 {
			return nil
		}
		if err := f(r.key, r.row); err != nil {
			return err
		}
		ok, err := r.step()
		if err != nil {
			return err
		}
		if ok {
			heap.Fix(&h, 0)
		} else if err := heap.Pop(&h).(*keyReader).close(); err != nil {
			return err
		}
	}
	return nil
}

// placeOf is the first entry in memory with a key that is not before lo.
func (k *keyRuns) placeOf(lo []byte) int {
	if lo == nil {
		return 0
	}
	return sort.Search(len(k.keys), func(i int) bool { return bytes.Compare(k.data[k.keys[i].from:k.keys[i].to], lo) >= 0 })
}

// reader reads a run from about the first key on that is not before lo.
func (f *keyFile) reader(fs vfs.FS, lo []byte) (*keyReader, error) {
	at := int64(0)
	if n := sort.Search(len(f.marks), func(i int) bool { return bytes.Compare(f.marks[i].key, lo) >= 0 }); lo != nil && n > 0 {
		at = f.marks[n-1].at
	}
	file, err := fs.Open(f.path, vfs.SequentialReadsOption)
	if err != nil {
		return nil, err
	}
	return &keyReader{file: file, in: bufio.NewReaderSize(io.NewSectionReader(file, at, f.size-at), 64<<10)}, nil
}

// bounds divide the entries, which are sorted in memory, into parts of about one length.
func (k *keyRuns) bounds(parts int) [][]byte {
	const each = 128
	var some [][]byte
	for i := each; i < len(k.keys); i += each {
		some = append(some, k.data[k.keys[i].from:k.keys[i].to])
	}
	for _, f := range k.files {
		for _, m := range f.marks {
			some = append(some, m.key)
		}
	}
	slices.SortFunc(some, bytes.Compare)
	var out [][]byte
	for i := 1; i < parts && len(some) >= parts; i++ {
		if b := some[i*len(some)/parts]; len(out) == 0 || !bytes.Equal(b, out[len(out)-1]) {
			out = append(out, b)
		}
	}
	return out
}

// keyReader reads a run from memory or from a file.
type keyReader struct {
	next []keyPlace
	data []byte
	file vfs.File
	in   *bufio.Reader

	key []byte
	row int64
}

func (r *keyReader) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// step goes to the next entry.
func (r *keyReader) step() (bool, error) {
	if r.file == nil {
		if len(r.next) == 0 {
			return false, nil
		}
		p := r.next[0]
		r.next, r.key, r.row = r.next[1:], r.data[p.from:p.to], p.row
		return true, nil
	}
	n, err := binary.ReadUvarint(r.in)
	if err == io.EOF {
		return false, nil
	}
	if err != nil || n > maxNameBytes {
		return false, errors.Join(fmt.Errorf("%w: a run of keys", ErrCorrupt), err)
	}
	r.key = slices.Grow(r.key[:0], int(n))[:n]
	if _, err := io.ReadFull(r.in, r.key); err != nil {
		return false, err
	}
	row, err := binary.ReadUvarint(r.in)
	r.row = int64(row)
	return err == nil, err
}

type keyHeap []*keyReader

func (h keyHeap) Len() int { return len(h) }
func (h keyHeap) Less(i, j int) bool {
	return cmp.Or(bytes.Compare(h[i].key, h[j].key), cmp.Compare(h[j].row, h[i].row)) < 0
}
func (h keyHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *keyHeap) Push(x any)   { *h = append(*h, x.(*keyReader)) }
func (h *keyHeap) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	*h = (*h)[:last]
	return r
}

// scattered is how many times as large as other objects entries may be that go with a commit's batch where they are few of those that the index has all
// over: tables of them make Pebble write the whole index again after every second one.
const scattered = 8

// few tells that the entries are better put into a commit's batch.
func (k *keyRuns) few() bool {
	bytes := k.bytes
	if k.thinned {
		bytes /= scattered
	}
	return len(k.files) == 0 && !k.d.s.large(bytes)
}

// thin sorts the entries, which are in memory, and leaves those for which want is true: some of those of versions that take the place of others.
func (k *keyRuns) thin(want func(row int64) bool) {
	k.sort()
	var kept []keyPlace // somebody may be looking at the others
	k.bytes, k.thinned = 0, true
	for _, p := range k.keys {
		if want(p.row) {
			kept, k.bytes = append(kept, p), k.bytes+int64(p.to-p.from)+17
		}
	}
	k.keys = kept
}

// put adds the entries to a batch: rows are moved by first; those for which want is false are left out.
func (k *keyRuns) put(b *pebble.Batch, index uint32, first RowID, want func(row int64) bool) error {
	var out []byte
	return k.each(func(key []byte, row int64) error {
		if want(row) {
			out = appendIndexKey(out[:0], k.d.num, index, key, first+row)
			put(b, out, nil)
		}
		return nil
	})
}

// takeIn gives the entries to Pebble as tables, past the write-ahead log. Parts of them are merged and written at the same time.
func (k *keyRuns) takeIn(index uint32, first RowID, want func(row int64) bool) (err error) {
	s := k.d.s
	if err := s.room.take(k.bytes); err != nil {
		return err
	}
	k.sort()
	bounds := append(k.bounds(s.o.Workers), nil)
	tables := make([]indexTables, len(bounds))
	var all sync.WaitGroup
	for i, hi := range bounds {
		t, lo := &tables[i], []byte(nil)
		if t.d = k.d; i > 0 {
			lo = bounds[i-1]
		}
		all.Go(func() {
			var out []byte
			t.err = k.between(lo, hi, func(key []byte, row int64) error {
				if !want(row) {
					return nil
				}
				out = appendIndexKey(out[:0], k.d.num, index, key, first+row)
				return t.add(out)
			})
			t.err = errors.Join(t.err, t.done())
		})
	}
	all.Wait()
	var paths []string
	for i := range tables {
		paths, err = append(paths, tables[i].paths...), errors.Join(err, tables[i].err)
	}
	if err == nil && len(paths) > 0 {
		err = s.ingest(paths)
	}
	if err != nil {
		for _, path := range paths {
			_ = s.o.FS.Remove(path)
		}
	}
	return err
}

// indexTables writes index entries, in order, to tables.
type indexTables struct {
	d     *DB
	paths []string
	w     *sstable.Writer
	size  int // of the table that is being written
	err   error
}

func (t *indexTables) add(key []byte) error {
	if t.w == nil {
		s, path := t.d.s, t.d.incomingPath("index")
		f, err := s.o.FS.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			return noSpace(err)
		}
		t.paths = append(t.paths, path)
		t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), s.settings.MakeWriterOptions(bottom, s.pdb.TableFormat()))
	}
	if err := t.w.Set(key, nil); err != nil {
		return noSpace(err)
	}
	if t.size += len(key) + 8; t.size >= indexFileBytes {
		return t.done()
	}
	return nil
}

// done ends a table.
func (t *indexTables) done() error {
	if t.w == nil {
		return nil
	}
	err := t.w.Close()
	t.w, t.size = nil, 0
	return noSpace(err)
}
