package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// TableLoad is new versions of one table that a commit will add, written ahead where they are many: full row groups go to disk,
// which no one sees, and keys into sorted runs. It is used by one goroutine; it must end in a commit or with Abort.
type TableLoad struct {
	d       *DB
	rel     *relation
	shape   *table.Shape
	columns []TableColumn // of shape
	indexes []uint32

	groups  []*tableGroup // written; first and end are places in the load
	writing []groupWrite  // the groups after them
	spare   []*table.GroupEncoder
	failed  error        // the load lacks rows, or keys of them
	next    int64        // place of the first row of batches
	batches []*vec.Batch // not written yet
	waiting int          // rows of batches
	size    int64        // bytes of batches
	source  *loadSource  // what all of batches replace; nil: they have all columns
	rows    int64
	keys    []*keyRuns // by indexes
	dropped vec.Bitmap // by place
	drops   int
	ended   bool
}

// NewTableLoad begins a load of versions with these columns, which are in these indexes.
func (d *DB) NewTableLoad(t TableID, cols []TableColumn, indexes []uint32) (*TableLoad, error) {
	shape, err := table.NewShape(cols)
	if err != nil {
		return nil, err
	}
	l := &TableLoad{d: d, rel: d.relation(t), shape: shape, columns: cols, indexes: indexes}
	for range indexes {
		l.keys = append(l.keys, &keyRuns{d: d})
	}
	return l, nil
}

// maxLoadBytes is how much a load keeps in memory before it writes a group.
const maxLoadBytes = 32 << 20

var errLoadEnded = errors.New("the load has ended")

// Add adds versions; keys are those in indexes of the load. The batch becomes the load's. It fails with ErrDiskFull.
func (l *TableLoad) Add(ctx context.Context, rows *vec.Batch, keys []IndexKeys) error {
	return l.admit(ctx, rows, keys, false, func() error {
		if err := l.unfollow(); err != nil {
			return err
		}
		return l.take(rows)
	})
}

// admit counts versions that are added and takes their keys, and then the versions themselves; some says that they may lack columns. A load that has not got
// all of them takes no others: theirs would not be their places.
func (l *TableLoad) admit(ctx context.Context, rows *vec.Batch, keys []IndexKeys, some bool, take func() error) error {
	if err := cmp.Or(ctx.Err(), l.failed); err != nil {
		return err
	}
	if l.ended {
		return errLoadEnded
	}
	if err := l.shape.Check(rows, some); err != nil {
		return err
	}
	for k := range keys {
		if !slices.Contains(l.indexes, keys[k].Index) || len(keys[k].Keys) != rows.Len {
			return fmt.Errorf("%d keys in index %d for %d rows of a load", len(keys[k].Keys), keys[k].Index, rows.Len)
		}
	}
	if l.failed = l.addKeys(keys); l.failed == nil {
		l.rows += int64(rows.Len)
		l.failed = take()
	}
	return l.failed
}

// addKeys takes the keys of the next versions.
func (l *TableLoad) addKeys(keys []IndexKeys) error {
	for k := range keys {
		runs := l.keys[slices.Index(l.indexes, keys[k].Index)]
		for i, key := range keys[k].Keys {
			if key == nil {
				continue
			}
			if err := runs.add(key, l.rows+int64(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// take takes versions with all columns, and writes full groups.
func (l *TableLoad) take(rows *vec.Batch) error {
	for rows.Len > 0 {
		n := min(rows.Len, l.d.s.o.RowGroupRows-l.waiting)
		l.wait(rows.Slice(0, n))
		rows = rows.Slice(n, rows.Len)
		if l.waiting == l.d.s.o.RowGroupRows || l.size >= maxLoadBytes {
			if err := l.write(); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait puts versions behind those that are not written yet.
func (l *TableLoad) wait(part *vec.Batch) {
	for _, c := range part.Cols {
		l.size += int64(c.MemSize())
	}
	l.batches, l.waiting = append(l.batches, part), l.waiting+part.Len
}

// groupWrite is a group that is being encoded and written.
type groupWrite struct {
	group   *tableGroup
	encoder *table.GroupEncoder
	done    chan error
}

// write begins to write what waits as an orphan; a group for each worker may be on its way.
func (l *TableLoad) write() error {
	if l.source != nil && !l.source.isWhole() {
		if err := l.unfollow(); err != nil {
			return err
		}
	}
	if l.waiting == 0 {
		return l.failed
	}
	if err := l.settle(l.d.s.o.Workers - 1); err != nil {
		return err
	}
	w := groupWrite{group: &tableGroup{d: l.d, first: l.next, end: l.next + int64(l.waiting), rows: l.waiting}, done: make(chan error, 1)}
	if n := len(l.spare); n > 0 {
		w.encoder, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		var err error
		if w.encoder, err = table.NewGroupEncoder(); err != nil {
			return err
		}
	}
	columns, batches, source := l.columns, l.batches, l.source
	go func() { w.done <- w.group.writeLoaded(w.encoder, columns, batches, source) }()
	l.writing = append(l.writing, w)
	l.next, l.batches, l.waiting, l.size, l.source = w.group.end, nil, 0, 0, nil
	return nil
}

// settle waits until no more than so many groups are being written.
func (l *TableLoad) settle(most int) error {
	for ; len(l.writing) > most; l.writing = l.writing[1:] {
		w := l.writing[0]
		if err := <-w.done; err != nil {
			l.failed = cmp.Or(l.failed, err)
			continue
		}
		l.groups, l.spare = append(l.groups, w.group), append(l.spare, w.encoder)
	}
	return l.failed
}

// writeLoaded encodes batches, which replace all of a source if there is one, and writes the group.
func (g *tableGroup) writeLoaded(encoder *table.GroupEncoder, columns []TableColumn, batches []*vec.Batch, source *loadSource) error {
	v := &table.Versions{Columns: columns}
	for k := range columns {
		values, encoded, err := source.column(&columns[k], batches, k)
		if err != nil {
			return err
		}
		v.Values, v.Encoded = append(v.Values, values), append(v.Encoded, encoded)
	}
	enc, err := encoder.Encode(v, g.rows)
	if err != nil {
		return err
	}
	d := g.d
	g.bytes = enc.Bytes()
	if err := d.s.room.take(g.bytes); err != nil {
		return err
	}
	if d.s.large(g.bytes) {
		g.object, err = d.storeLarge(enc.Parts, enc.Meta)
		return err
	}
	g.object = d.objects.allocate()
	b := d.s.pdb.NewBatch()
	d.retire(b, g.object)
	putParts(b, d.num, g.object, enc)
	return d.s.commit(b, false)
}

// Len is how many versions were added, dropped ones included.
func (l *TableLoad) Len() int64 { return l.rows }

// Drop takes a version back, by its place from 0.
func (l *TableLoad) Drop(place int64) {
	for int64(len(l.dropped))*64 <= place {
		l.dropped = append(l.dropped, 0)
	}
	if !l.dropped.Get(int(place)) {
		l.dropped.Set(int(place))
		l.drops++
	}
}

// Groups are the versions added so far; IDs are their places in the load. Those dropped are not visible; later drops are not seen.
func (l *TableLoad) Groups() ([]RowGroup, error) {
	if l.ended {
		return nil, errLoadEnded
	}
	if err := cmp.Or(l.unfollow(), l.settle(0)); err != nil {
		return nil, err
	}
	var out []RowGroup
	first := int64(0)
	for _, g := range l.groups {
		out = append(out, loadedRows{sealedRows{g: g, len: g.rows}, l.kept(g.first, g.rows)})
		first = g.end
	}
	for _, b := range l.batches {
		out = append(out, batchRows{l.shape, b, first, l.kept(first, b.Len)})
		first += int64(b.Len)
	}
	return out, nil
}

// kept tells which of n versions are not dropped; nil: all.
func (l *TableLoad) kept(first int64, n int) vec.Bitmap {
	var out vec.Bitmap
	if l.drops == 0 {
		return nil
	}
	for i := range n {
		place := int(first) + i
		if place>>6 < len(l.dropped) && l.dropped.Get(place) {
			if out == nil {
				out = vec.NewBitmap(n)
				out.SetAll(n)
			}
			out.Clear(i)
		}
	}
	return out
}

func (l *TableLoad) has(place int64) bool {
	return int(place>>6) >= len(l.dropped) || !l.dropped.Get(int(place))
}

// Abort forgets the load. It may be called after the commit, and does nothing then.
func (l *TableLoad) Abort() {
	if l.ended {
		return
	}
	l.ended = true
	_ = l.settle(0) // what failed left nothing
	for _, keys := range l.keys {
		keys.remove()
	}
	b := l.d.s.pdb.NewBatch()
	for _, g := range l.groups {
		l.d.s.readers.drop(g)
		l.d.erase(b, g.object)
	}
	if err := l.d.s.commit(b, false); err != nil {
		l.d.s.o.Logger.Warn("abort of a load: what it wrote is deleted at the next start", "error", err)
	}
}

// loadedRows is a row group that a load has written.
type loadedRows struct {
	sealedRows
	kept vec.Bitmap
}

func (g loadedRows) Visible(context.Context) (vec.Bitmap, error) { return g.kept, nil }

func (g loadedRows) Periods(_ context.Context, from, to int) (begin, end []Micros, err error) {
	return notYet(to - from)
}

// notYet are periods of versions that have not begun.
func notYet(n int) (begin, end []Micros, err error) {
	begin, end = make([]Micros, n), make([]Micros, n)
	for i := range begin {
		begin[i], end[i] = math.MaxInt64, math.MaxInt64
	}
	return begin, end, nil
}

// batchRows is versions that a load has in memory.
type batchRows struct {
	shape *table.Shape
	batch *vec.Batch
	first int64
	kept  vec.Bitmap
}

var _ RowGroup = batchRows{}

func (g batchRows) Len() int                                    { return g.batch.Len }
func (g batchRows) Visible(context.Context) (vec.Bitmap, error) { return g.kept, nil }

func (g batchRows) Bytes() int64 {
	n := 0
	for _, c := range g.batch.Cols {
		n += c.MemSize()
	}
	return int64(n)
}

func (g batchRows) IDs(_ context.Context, from, to int) ([]RowID, error) {
	if err := checkRange(from, to, g.batch.Len); err != nil {
		return nil, err
	}
	out := make([]RowID, to-from)
	for i := range out {
		out[i] = g.first + int64(from+i)
	}
	return out, nil
}

func (g batchRows) Read(_ context.Context, col TableColumn, from, to int) (*vec.Column, error) {
	if err := checkRange(from, to, g.batch.Len); err != nil {
		return nil, err
	}
	if k := g.shape.Place(&col); k >= 0 {
		return g.batch.Cols[k].Slice(from, to), nil
	}
	return col.Absent(to - from), nil
}

func (g batchRows) ReadRows(_ context.Context, col TableColumn, rows []int32) (*vec.Column, error) {
	if err := checkRows(rows, g.batch.Len); err != nil {
		return nil, err
	}
	if k := g.shape.Place(&col); k >= 0 {
		return g.batch.Cols[k].Take(rows), nil
	}
	return col.Absent(len(rows)), nil
}

func (g batchRows) Periods(_ context.Context, from, to int) (begin, end []Micros, err error) {
	return notYet(to - from)
}

// IndexLoad is the entries of a new index over versions that exist, sorted in runs on disk where they are many. It becomes the index
// with the commit that has it, or ends with Abort. It is used by one goroutine.
type IndexLoad struct {
	d     *DB
	index uint32
	keys  *keyRuns
	taken bool // entries are in the store
	ended bool
}

// NewIndexLoad begins the entries of an index, which must have none. It gets those of the versions that are open when it is committed, and of no others: what took the
// place of one version may be found by the entries of another.
func (d *DB) NewIndexLoad(index uint32) *IndexLoad {
	return &IndexLoad{d: d, index: index, keys: &keyRuns{d: d}}
}

// Add adds an entry.
func (l *IndexLoad) Add(key []byte, row RowID) error {
	if l.ended {
		return errLoadEnded
	}
	return l.keys.add(key, row)
}

// Abort forgets the entries. It may be called after the commit, and does nothing then.
func (l *IndexLoad) Abort() {
	if l.ended {
		return
	}
	l.ended = true
	l.keys.remove()
	if !l.taken {
		return
	}
	b := l.d.s.pdb.NewBatch()
	prefix := tableKey(l.d.num, kindIndex, l.index)
	_ = b.DeleteRange(prefix, after(prefix), nil)
	del(b, tableKey(l.d.num, kindNewIndex, l.index))
	if err := l.d.s.commit(b, false); err != nil {
		l.d.s.o.Logger.Warn("abort of an index: what it wrote is deleted at the next start", "error", err)
	}
}

// removeNewIndexes deletes the entries of indexes that no commit has declared.
func (d *DB) removeNewIndexes() error {
	b := d.s.pdb.NewBatch()
	err := d.s.scan(dbKey(d.num, kindNewIndex), nil, func(key, _ []byte) error {
		if len(key) != 9 {
			return fmt.Errorf("%w: key of a new index", ErrCorrupt)
		}
		prefix := append([]byte(nil), key...)
		prefix[4] = kindIndex
		_ = b.DeleteRange(prefix, after(prefix), nil)
		del(b, append([]byte(nil), key...))
		return nil
	})
	if err != nil || b.Empty() {
		return joinClose(err, b)
	}
	return d.s.commit(b, false)
}
