package storage

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec"
)

// group is a row group on disk. What the manifest says about it is in memory, its meta blob and columns come when they
// are asked for.
type group struct {
	d       *DB
	object  uint64
	base    int64
	rows    int
	bytes   int64
	firstAt Micros // recorded time of the first and the last row
	lastAt  Micros

	opening sync.Mutex
	reader  atomic.Pointer[segment.Reader]
	open    openGroup

	asked    atomic.Int64 // how often an entity was found here
	inverted atomic.Pointer[segment.Inverted]

	reads   atomic.Int64
	retired atomic.Bool
}

func (g *group) place() *openGroup { return &g.open }
func (g *group) replaced() bool    { return g.retired.Load() }

func (g *group) forget() {
	g.reader.Store(nil)
	g.inverted.Store(nil)
	g.asked.Store(0)
}

func (g *group) end() int64 { return g.base + int64(g.rows) }

func (g *group) encode() []byte {
	return fields(int64(g.object), int64(g.rows), g.bytes, g.firstAt, g.lastAt)
}

func (d *DB) decodeGroup(key, value []byte) (*group, error) {
	base, ok := keyNum(key)
	if !ok {
		return nil, fmt.Errorf("%w: manifest key", ErrCorrupt)
	}
	g := &group{d: d, base: int64(base)}
	var object, rows int64
	if _, err := readFields(value, &object, &rows, &g.bytes, &g.firstAt, &g.lastAt); err != nil {
		return nil, err
	}
	g.object, g.rows = uint64(object), int(rows)
	return g, nil
}

// openReader returns the group's reader, with its meta blob read.
func (g *group) openReader(ctx context.Context) (*segment.Reader, error) {
	if r := g.reader.Load(); r != nil {
		return r, nil
	}
	g.opening.Lock()
	defer g.opening.Unlock()
	if r := g.reader.Load(); r != nil {
		return r, nil
	}
	r, err := g.d.openSegment(g.object, segment.Env{Base: g.base, DerivedID: g.d.ids.derive, Entities: &g.d.entities})
	if err != nil {
		return nil, fmt.Errorf("row group at %d: %w", g.base, damaged(err))
	}
	if r.Len() != g.rows {
		return nil, fmt.Errorf("%w: row group at %d has %d rows, expected %d", ErrCorrupt, g.base, r.Len(), g.rows)
	}
	g.reader.Store(r)
	g.used(r)
	return r, nil
}

// openSegment opens an object as a row group.
func (d *DB) openSegment(object uint64, env segment.Env) (*segment.Reader, error) {
	meta, err := d.s.get(blobKey(d.num, object, partMeta))
	if err != nil {
		return nil, err
	}
	if meta == nil {
		return nil, fmt.Errorf("%w: meta blob of object %d is missing", ErrCorrupt, object)
	}
	fetch := func(_ context.Context, id segment.ColumnID) ([]byte, error) {
		v, err := d.s.get(blobKey(d.num, object, uint32(id)))
		if v == nil && err == nil {
			err = fmt.Errorf("%w: column %d of object %d is missing", ErrCorrupt, id, object)
		}
		return v, err
	}
	return segment.Open(meta, fetch, env)
}

// used tells the cache what the group holds after a read.
func (g *group) used(r *segment.Reader) {
	if n := g.reads.Add(1); n < 64 || n%16 == 0 {
		g.d.s.readers.touch(g, r.MemSize()+g.inverted.Load().MemSize())
	}
}

// read returns rows [from, to).
func (g *group) read(ctx context.Context, ref Ref, from, to int) (*vec.Column, error) {
	r, err := g.openReader(ctx)
	if err != nil {
		return nil, err
	}
	c, err := r.Read(ctx, segmentRef(ref), from, to)
	g.used(r)
	return c, damaged(err)
}

func (g *group) readRows(ctx context.Context, ref Ref, rows []int32) (*vec.Column, error) {
	r, err := g.openReader(ctx)
	if err != nil {
		return nil, err
	}
	c, err := r.ReadRows(ctx, segmentRef(ref), rows)
	g.used(r)
	return c, damaged(err)
}

func segmentRef(r Ref) segment.Ref {
	return segment.Ref{Col: segment.Column(r.Col), Path: r.Path, As: r.As}
}

func segmentPred(p Pred) segment.Pred {
	return segment.Pred{Ref: segmentRef(p.Ref), Op: segment.Op(p.Op), Values: p.Values}
}

// sealedGroup is a row group as a view sees it.
type sealedGroup struct {
	g   *group
	len int
}

var _ Group = sealedGroup{}

func (v sealedGroup) Len() int     { return v.len }
func (v sealedGroup) Base() int64  { return v.g.base }
func (v sealedGroup) Bytes() int64 { return v.g.bytes }

func (v sealedGroup) Read(ctx context.Context, ref Ref, from, to int) (*vec.Column, error) {
	if err := checkRange(from, to, v.len); err != nil {
		return nil, err
	}
	return v.g.read(ctx, ref, from, to)
}

func (v sealedGroup) ReadRows(ctx context.Context, ref Ref, rows []int32) (*vec.Column, error) {
	if err := checkRows(rows, v.len); err != nil {
		return nil, err
	}
	return v.g.readRows(ctx, ref, rows)
}

func checkRange(from, to, n int) error {
	if from < 0 || to < from || to > n {
		return fmt.Errorf("rows %d to %d of a group of %d", from, to, n)
	}
	return nil
}

func checkRows(rows []int32, n int) error {
	if len(rows) > 0 && (rows[0] < 0 || int(rows[len(rows)-1]) >= n) {
		return fmt.Errorf("rows %d to %d of a group of %d", rows[0], rows[len(rows)-1], n)
	}
	return nil
}
