package segment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/vec"
)

// Reader reads an encoded group. It is safe for concurrent use and keeps the columns that it opened until Release.
type Reader struct {
	*meta
	fetch Fetch
	env   Env

	typeNames *vec.Column
	runs      func() []Run

	mu     sync.Mutex
	opened map[string]*opening
	held   atomic.Int64
	kept   atomic.Int64 // what Release leaves
}

// opening is a part of the group that is opened once.
type opening struct {
	mu  sync.Mutex
	val any
}

// Open makes a reader from the meta blob; columns are fetched when they are first read.
func Open(meta []byte, fetch Fetch, env Env) (*Reader, error) {
	m, err := parseMeta(meta)
	if err != nil {
		return nil, err
	}
	b := vec.NewBuilder(vec.Bytes, len(m.types))
	for _, t := range m.types {
		b.AppendString(t.Type)
	}
	r := &Reader{meta: m, fetch: fetch, env: env, typeNames: b.Finish(), opened: map[string]*opening{}}
	r.runs = sync.OnceValue(func() []Run {
		r.kept.Add(int64(16 * m.numRuns))
		return m.listRuns()
	})
	return r, nil
}

// Len returns the rows.
func (r *Reader) Len() int { return r.rows }

// Base returns the position of row 0.
func (r *Reader) Base() int64 { return r.env.Base }

// Bytes returns the size of all blobs of the group but meta.
func (r *Reader) Bytes() int64 { return r.bytes }

// MemSize estimates the bytes held: meta, fetched blobs, decoded dictionaries.
func (r *Reader) MemSize() int64 { return int64(r.size) + r.kept.Load() + r.held.Load() }

// Release forgets fetched and decoded columns; they are fetched again when needed.
func (r *Reader) Release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = map[string]*opening{}
	r.held.Store(0)
}

// Types returns the event types and their counts, in the order of their first row.
func (r *Reader) Types() []TypeCount { return r.types }

// Recorded returns the runs of recorded times.
func (r *Reader) Recorded() []Run { return r.runs() }

// EntityCount returns how many distinct entities the group has.
func (r *Reader) EntityCount() int { return r.entities }

// Paths lists the paths of both documents that have columns of their own; the overflow of rare paths is not listed.
func (r *Reader) Paths() []PathInfo {
	var out []PathInfo
	for i := range r.nodes {
		n := &r.nodes[i]
		if !n.column {
			continue
		}
		info := PathInfo{Rows: n.zone.rows, Kinds: n.zone.kinds()}
		info.Col, info.Path = r.path(i)
		for _, t := range n.zone.types.Indices(nil, len(r.types)) {
			info.Types = append(info.Types, int(t))
		}
		out = append(out, info)
	}
	return out
}

// kinds translates what is stored.
func (z *zone) kinds() Kinds {
	var out Kinds
	for k, pub := range publicKinds {
		if z.has>>k&1 == 0 {
			continue
		}
		if k == int(valNumber) {
			if z.numbers == zoneInts {
				pub = KindInt
			} else {
				pub = KindInt | KindDecimal
			}
		}
		out |= pub
	}
	return out
}

// Bounds returns the smallest and largest value of an Int64 column (position, timestamp, recorded_at) or of a path read
// AsInt that has only integers; ok is false if there are none or they are not known exactly.
func (r *Reader) Bounds(ref Ref) (lo, hi int64, ok bool) {
	if r.rows == 0 {
		return 0, 0, false
	}
	first, last := r.firstAt, r.lastAt
	switch ref.Col {
	case ColPosition:
		return r.env.Base, r.env.Base + int64(r.rows) - 1, true
	case ColRecordedAt:
		return first, last, true
	case ColTimestamp:
		switch r.times {
		case 0:
			return first, last, true
		case r.rows:
			return r.lowTime, r.highTime, true
		}
		return min(r.lowTime, first), max(r.highTime, last), false
	case ColPayload, ColMetadata:
		p := r.resolve(ref.Col, ref.Path)
		if !p.leaf(r.meta) {
			return 0, 0, false
		}
		z := &r.nodes[p.node].zone
		if z.has&^(1<<valNumber|1<<valNull) != 0 || z.numbers != zoneInts {
			return 0, 0, false
		}
		return z.lowInt, z.highInt, true
	}
	return 0, 0, false
}

// open returns a part of the group, made once by parse from its blob (nil for 0).
func open[T any](ctx context.Context, r *Reader, key string, id ColumnID, parse func(blob []byte) (T, int, error)) (T, error) {
	r.mu.Lock()
	o := r.opened[key]
	if o == nil {
		o = &opening{}
		r.opened[key] = o
	}
	r.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.val != nil {
		return o.val.(T), nil
	}
	var blob []byte
	var none T
	if id != 0 {
		var err error
		if blob, err = r.fetch(ctx, id); err != nil {
			return none, err
		}
	}
	val, size, err := parse(blob)
	if err != nil {
		return none, fmt.Errorf("%s: %w", key, err)
	}
	o.val = val
	r.held.Add(int64(size) + 100)
	return val, nil
}

// typeCodes returns the type of each row, nil if there is but one.
func (r *Reader) typeCodes(ctx context.Context) (*ints, error) {
	if len(r.types) <= 1 {
		return nil, nil
	}
	return open(ctx, r, "types", blobTypes, r.parseIntsBlob)
}

func (r *Reader) parseIntsBlob(blob []byte) (*ints, int, error) {
	p, err := openBlob(blob)
	if err != nil {
		return nil, 0, err
	}
	c := parseInts(p, r.rows)
	return c, len(blob) + c.memSize(), p.finish()
}

// rowsOfTypes returns the rows of the types in a set.
func (r *Reader) rowsOfTypes(ctx context.Context, set vec.Bitmap) (*presence, error) {
	if set.Count(len(r.types)) == len(r.types) {
		return allPresent(r.rows), nil
	}
	codes, err := r.typeCodes(ctx)
	if err != nil {
		return nil, err
	}
	key := []byte("rows of types ")
	for _, w := range set {
		for s := 0; s < 64; s += 8 {
			key = append(key, byte(w>>s))
		}
	}
	return open(ctx, r, string(key), 0, func([]byte) (*presence, int, error) {
		if codes == nil {
			p := &presence{rows: r.rows, few: []int32{}}
			return p, p.memSize(), nil
		}
		bits := vec.NewBitmap(r.rows)
		buf := make([]int32, min(r.rows, intBlock))
		for from := 0; from < r.rows; from += intBlock {
			part := buf[:min(len(buf), r.rows-from)]
			readInts(codes, part, from)
			for i, c := range part {
				if uint32(c) >= uint32(len(r.types)) {
					return nil, 0, corrupt("event type %d of %d", c, len(r.types))
				}
				bits[(from+i)>>6] |= set[c>>6] >> (uint(c) & 63) & 1 << (uint(i) & 63)
			}
		}
		p := newPresence(r.rows, bits)
		return p, p.memSize(), nil
	})
}

// column opens the column of a path.
func (r *Reader) column(ctx context.Context, node int) (*pathColumn, error) {
	return open(ctx, r, r.nodeName(node), firstPath+ColumnID(2*node), func(blob []byte) (*pathColumn, int, error) {
		c, err := parseColumn(blob, r.rows, len(r.types), func(set vec.Bitmap) (*presence, error) {
			return r.rowsOfTypes(ctx, set)
		})
		if err != nil {
			return nil, 0, err
		}
		if c.strs != nil {
			c.strs.whole.held = func(bytes int) { r.held.Add(int64(bytes)) }
		}
		return c, c.size, nil
	})
}

// nodeName is the key of a path's column.
func (r *Reader) nodeName(node int) string {
	return string([]byte{'p', byte(node), byte(node >> 8)})
}

// timeColumn is the timestamps that producers gave.
type timeColumn struct {
	pres *presence
	vals *ints
}

func (r *Reader) timesColumn(ctx context.Context) (*timeColumn, error) {
	return open(ctx, r, "timestamps", blobTimes, func(blob []byte) (*timeColumn, int, error) {
		p, err := openBlob(blob)
		if err != nil {
			return nil, 0, err
		}
		c := &timeColumn{pres: parsePresence(p, r.rows, len(r.types), func(set vec.Bitmap) (*presence, error) {
			return r.rowsOfTypes(ctx, set)
		})}
		c.vals = parseInts(p, c.pres.count)
		return c, len(blob) + c.vals.memSize() + c.pres.memSize(), p.finish()
	})
}

// idColumn is the ids that producers gave, 16 bytes each.
type idColumn struct {
	pres *presence
	data []byte
}

func (r *Reader) idsColumn(ctx context.Context) (*idColumn, error) {
	return open(ctx, r, "ids", blobIDs, func(blob []byte) (*idColumn, int, error) {
		p, err := openBlob(blob)
		if err != nil {
			return nil, 0, err
		}
		c := &idColumn{pres: parsePresence(p, r.rows, len(r.types), func(set vec.Bitmap) (*presence, error) {
			return r.rowsOfTypes(ctx, set)
		})}
		c.data = p.bytes(16 * c.pres.count)
		return c, len(blob) + c.pres.memSize(), p.finish()
	})
}

// recordedAt stores the recorded times of the rows from row on.
func (r *Reader) recordedAt(dst []int64, row int) {
	if len(dst) == 0 {
		return
	}
	runs := r.runs()
	run := runOf(runs, row)
	for i := range dst {
		for run+1 < len(runs) && runs[run+1].First <= row+i {
			run++
		}
		dst[i] = runs[run].At
	}
}

// rowList is the rows to read: some consecutive ones, or a list.
type rowList struct {
	from, n int
	list    []int32
}

func (l rowList) at(i int) int {
	if l.list != nil {
		return int(l.list[i])
	}
	return l.from + i
}

// check refuses rows that are not there or do not ascend.
func (l rowList) check(rows int) error {
	if l.list == nil {
		if l.from < 0 || l.n < 0 || l.from+l.n > rows {
			return fmt.Errorf("segment: rows %d to %d of %d", l.from, l.from+l.n, rows)
		}
		return nil
	}
	if !slices.IsSorted(l.list) {
		return fmt.Errorf("segment: rows do not ascend")
	}
	if n := len(l.list); n > 0 && (l.list[0] < 0 || int64(l.list[n-1]) >= int64(min(rows, math.MaxInt32))) {
		return fmt.Errorf("segment: rows %d to %d of %d", l.list[0], l.list[n-1], rows)
	}
	return nil
}

// Read returns rows [from, to) of what ref names, in the form vec.ReadAs describes; AsFloat and its like give numbers
// when all values of the path in the group are such. Text with few distinct values comes dictionary coded, and all calls
// with an equal ref share the Dict pointer.
func (r *Reader) Read(ctx context.Context, ref Ref, from, to int) (*vec.Column, error) {
	return r.read(ctx, ref, rowList{from: from, n: to - from})
}

// ReadRows returns the given rows, which ascend.
func (r *Reader) ReadRows(ctx context.Context, ref Ref, rows []int32) (*vec.Column, error) {
	if rows == nil {
		rows = []int32{}
	}
	return r.read(ctx, ref, rowList{n: len(rows), list: rows})
}

func (r *Reader) read(ctx context.Context, ref Ref, l rowList) (*vec.Column, error) {
	if err := l.check(r.rows); err != nil {
		return nil, err
	}
	if ref.Col != ColPayload && ref.Col != ColMetadata && len(ref.Path) > 0 {
		return nil, fmt.Errorf("segment: a path in column %d", ref.Col)
	}
	switch ref.Col {
	case ColPosition:
		out := make([]int64, l.n)
		for i := range out {
			out[i] = r.env.Base + int64(l.at(i))
		}
		return intColumn(out), nil
	case ColID:
		return r.readIDs(ctx, l)
	case ColEntity:
		return r.readEntities(ctx, l)
	case ColType:
		return r.readTypes(ctx, l)
	case ColVersion:
		return r.readVersions(ctx, l)
	case ColTimestamp:
		return r.readTimes(ctx, l)
	case ColRecordedAt:
		return intColumn(r.recordedOf(l)), nil
	case ColPayload, ColMetadata:
		return r.readPath(ctx, ref, l)
	}
	return nil, fmt.Errorf("segment: no column %d", ref.Col)
}

func intColumn(vals []int64) *vec.Column {
	return &vec.Column{Kind: vec.Int64, Len: len(vals), I64: vals}
}
