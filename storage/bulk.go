package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec"
)

// Bulk is a load of many events, visible at Commit all at once. Groups are filled by any number of goroutines, each
// with its own builder; the order of the log is that of the numbers given to Add.
type Bulk struct {
	d          *DB
	asRecorded bool
	exact      bool
	names      *loadNames

	mu     sync.Mutex
	groups map[int]*bulkGroup
	ended  bool
}

// bulkGroup is a row group on disk that no commit has taken yet.
type bulkGroup struct {
	object  uint64
	enc     *segment.Encoded // without the blobs that are written
	given   int              // rows that were given to Add
	ids     []bulkID
	runs    []segment.Run // as recorded
	first   int64         // exact: position of the first row
	befores []int64       // exact: by entity, its version before the group

	numbers []uint32 // of enc.Entities, in Bulk.names
}

// bulkID is a producer's id of a row.
type bulkID struct {
	hash    uint64
	derived int64 // the position that it says, if it is one of ours
	row     int32
}

// Loaded is the result of a bulk load.
type Loaded struct {
	First      int64  // position of the first new event
	New        int64  // events added, at positions First, First+1, …
	Repeats    int64  // events left out because they are there
	RecordedAt Micros // of the last new event
}

// OrderError is ErrNotInOrder with the row: Row counts the events of the bulk from 0.
type OrderError struct {
	Row    int64
	At     Micros // recorded time of the row
	Before Micros // a time that it must exceed; equal to At or later
	Future bool   // At is after now, which is Before
}

func (e *OrderError) Error() string { return ErrNotInOrder.Error() }
func (e *OrderError) Unwrap() error { return ErrNotInOrder }

// NewBulk begins a load of many events. With asRecorded each event brings its own recorded time: what the line or
// segment.Event gave, else its timestamp. It must end with Commit or Abort.
func (d *DB) NewBulk(asRecorded bool) *Bulk {
	return &Bulk{d: d, asRecorded: asRecorded, names: newLoadNames(), groups: map[int]*bulkGroup{}}
}

// Exact makes the load fail with *PlaceError unless each event gets the position and version that its line gave: for lines
// with Mapping.Exact. It is to be called first.
func (b *Bulk) Exact() { b.exact = true }

// Group returns an empty builder; fill it up to its limit (segment.ErrFull), then give it to Add.
func (b *Bulk) Group() *segment.Builder { return segment.NewBuilder() }

// Add encodes the rows and writes them to the store, not yet visible, and empties the builder, which may be used again.
// seq orders the groups in the log: each number from 0 on once. Safe for concurrent use. It fails with ErrDiskFull, or
// *OrderError within the group, its row counted from the group's first.
func (b *Bulk) Add(ctx context.Context, seq int, rows *segment.Builder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g := &bulkGroup{given: rows.Len()}
	if g.given > 0 {
		if err := b.encode(g, rows); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.groups[seq] != nil {
		return fmt.Errorf("group %d is added twice, or after the end", seq)
	}
	b.groups[seq] = g
	return nil
}

func (b *Bulk) encode(g *bulkGroup, rows *segment.Builder) error {
	d := b.d
	hashes := slices.Clone(rows.EntityHashes())
	for i, h := range hashes {
		hashes[i] = d.mixName(h)
	}
	rows.EachID(func(row, entity int, id [16]byte) {
		pos, _ := d.ids.position(id)
		g.ids = append(g.ids, bulkID{hashID(hashes[entity], id), pos, int32(row)})
	})
	if b.asRecorded {
		runs, err := recordedRuns(rows)
		if err != nil {
			return err
		}
		g.runs = runs
	}
	if b.exact {
		if err := g.places(rows); err != nil {
			return err
		}
	}
	enc, err := rows.Finish(nil)
	if err != nil {
		return err
	}
	return b.storeOrphan(g, enc, hashes)
}

// recordedRuns gathers the recorded times that a builder's rows bring.
func recordedRuns(rows *segment.Builder) ([]segment.Run, error) {
	var runs []segment.Run
	for row := range rows.Len() {
		at, ok := rows.Recorded(row)
		if !ok {
			at, _ = rows.Timestamp(row)
		}
		if n := len(runs); n > 0 && at <= runs[n-1].At {
			if at < runs[n-1].At {
				return nil, &OrderError{Row: int64(row), At: at, Before: runs[n-1].At}
			}
			continue
		}
		runs = append(runs, segment.Run{First: row, At: at})
	}
	return runs, nil
}

// standIn is the recorded time of rows that have none yet: no timestamp that a producer gives.
const standIn = -(1 << 55)

// storeOrphan writes a group's blobs, marked as an orphan; hashes are what hashName gives for its entities. Entities and times are stand-ins until Commit knows them.
func (b *Bulk) storeOrphan(g *bulkGroup, enc *segment.Encoded, hashes []uint64) error {
	d := b.d
	ordinals := make([]uint64, len(enc.Entities()))
	for i := range ordinals {
		ordinals[i] = uint64(i)
	}
	runs := g.runs
	if runs == nil {
		runs = []segment.Run{{First: 0, At: standIn}}
	}
	if err := errors.Join(enc.SetEntities(ordinals, make([]int64, len(ordinals))), enc.SetRecorded(runs)); err != nil {
		return err
	}
	if err := d.s.room.take(enc.Bytes()); err != nil {
		return err
	}
	var err error
	if g.numbers, err = b.names.number(d.index, enc.Entities(), hashes); err != nil {
		return err
	}
	object, err := d.storeUnowned(enc)
	if err != nil {
		return err
	}
	g.object = object
	for i := range enc.Columns {
		enc.Columns[i].Data = nil
	}
	g.enc = enc
	return nil
}

// storeUnowned writes a group that belongs to no commit yet.
func (d *DB) storeUnowned(enc *segment.Encoded) (uint64, error) {
	if d.s.large(enc.Bytes()) {
		return d.storeTable(enc)
	}
	object := d.objects.allocate()
	batch := d.s.pdb.NewBatch()
	put(batch, numKey(d.num, kindOrphan, object), nil)
	if err := putEncoded(batch, d.num, object, enc); err != nil {
		return 0, joinClose(err, batch)
	}
	return object, d.s.commit(batch, false)
}

// putEncoded puts those blobs of a group into the batch that are not written yet.
func putEncoded(batch *pebble.Batch, db uint32, object uint64, enc *segment.Encoded) error {
	meta, err := enc.Meta()
	if err != nil {
		return err
	}
	for _, blob := range enc.Columns {
		if blob.Data != nil {
			put(batch, blobKey(db, object, uint32(blob.ID)), blob.Data)
		}
	}
	put(batch, blobKey(db, object, partMeta), meta)
	return nil
}

// Abort forgets the load. It may be called after Commit and does nothing then.
func (b *Bulk) Abort() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	b.ended = true
	batch := b.d.s.pdb.NewBatch()
	for _, g := range b.groups {
		if g.enc != nil {
			b.d.erase(batch, g.object)
		}
	}
	if err := b.d.s.commit(batch, false); err != nil {
		b.d.s.o.Logger.Warn("abort of a load: what it wrote is deleted at the next start", "error", err)
	}
}

// Commit makes everything added part of the log, durable and visible. Events that are there already (same entity, id and
// content) are left out and counted. It fails with *IDConflict, *OrderError or ErrDiskFull; then nothing was added, and
// Abort is to be called.
func (b *Bulk) Commit(ctx context.Context, progress *Progress) (Loaded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return Loaded{}, errors.New("the load has ended")
	}
	d := b.d
	// Appends go on while this waits for a seal or a compaction, and while most of the tail is sealed.
	d.seal.Lock()
	defer d.seal.Unlock()
	if len(b.groups) > 0 {
		if err := d.sealUntil(ctx, d.state.Load().end); err != nil {
			return Loaded{}, err
		}
	}
	d.write.Lock()
	defer d.write.Unlock()
	if err := d.s.failure.get(); err != nil {
		return Loaded{}, err
	}
	if d.queue.isClosed() {
		return Loaded{}, ErrClosed
	}
	if err := d.flying.wait(ctx, math.MaxInt64); err != nil {
		return Loaded{}, err
	}
	if len(b.groups) > 0 {
		if err := d.sealUntil(ctx, d.state.Load().end); err != nil {
			return Loaded{}, err
		}
	}
	l := &load{b: b, d: d, st: d.state.Load(), first: map[uint64]bulkPlace{}}
	if err := l.place(ctx); err != nil {
		return Loaded{}, err
	}
	out, err := l.commit(progress)
	if err == nil {
		b.ended = true
	}
	return out, err
}

func (q *appendQueue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// sequence is the groups in the order of the log.
func (b *Bulk) sequence() []*bulkGroup {
	seqs := make([]int, 0, len(b.groups))
	for seq := range b.groups {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	out := make([]*bulkGroup, len(seqs))
	for i, seq := range seqs {
		out[i] = b.groups[seq]
	}
	return out
}

// rebuild writes a group again without the rows of drop, and gives up the old one.
func (b *Bulk) rebuild(ctx context.Context, g *bulkGroup, drop vec.Bitmap) error {
	d := b.d
	r, err := d.openSegment(g.object, segment.Env{Base: 1, DerivedID: d.ids.derive})
	if err != nil {
		return err
	}
	rows := segment.NewBuilder()
	if err := addGroup(ctx, rows, d.ids, r); err != nil {
		return err
	}
	old, before := *g, rows.Len()
	g.enc, g.ids, g.runs = nil, nil, cutRuns(old.runs, drop, before)
	if drop.Count(before) < before {
		enc, err := rows.Finish(drop)
		if err != nil {
			*g = old
			return err
		}
		if err := b.storeOrphan(g, enc, d.hashNames(enc.Entities())); err != nil {
			*g = old
			return err
		}
	}
	kept := int32(0)
	next := 0
	for row := range int32(before) {
		for next < len(old.ids) && old.ids[next].row < row {
			next++
		}
		if drop.Get(int(row)) {
			continue
		}
		if next < len(old.ids) && old.ids[next].row == row {
			id := old.ids[next]
			id.row = kept
			g.ids = append(g.ids, id)
		}
		kept++
	}
	batch := d.s.pdb.NewBatch()
	d.erase(batch, old.object)
	return d.s.commit(batch, false)
}

// cutRuns renumbers runs for rows that are dropped.
func cutRuns(runs []segment.Run, drop vec.Bitmap, rows int) []segment.Run {
	var out []segment.Run
	kept, at := 0, -1
	for row := range rows {
		for at+1 < len(runs) && runs[at+1].First <= row {
			at++
		}
		if drop.Get(row) {
			continue
		}
		if at >= 0 && (len(out) == 0 || out[len(out)-1].At != runs[at].At) {
			out = append(out, segment.Run{First: kept, At: runs[at].At})
		}
		kept++
	}
	return out
}
