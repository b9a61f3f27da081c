package segment

import (
	"context"
	"math"
	"sort"

	"github.com/allsource-db/allsource/vec"
)

func (r *Reader) entityCodes(ctx context.Context) (*ints, error) {
	return open(ctx, r, "entities", blobEntities, r.parseIntsBlob)
}

func (r *Reader) entityNames(ctx context.Context) (*texts, error) {
	return open(ctx, r, "entity names", blobNames, func(blob []byte) (*texts, int, error) {
		p, err := openBlob(blob)
		if err != nil {
			return nil, 0, err
		}
		t := parseTexts(p, r.entities)
		return t, len(blob) + t.memSize(), p.finish()
	})
}

// entityDict returns the names in the order of codes.
func (r *Reader) entityDict(ctx context.Context) (*vec.Column, error) {
	t, err := r.entityNames(ctx)
	if err != nil {
		return nil, err
	}
	return open(ctx, r, "entity dictionary", 0, func([]byte) (*vec.Column, int, error) {
		c, err := t.all()
		t.whole.asked.Add(int64(len(t.pieces) + fewRows)) // from now on for few rows too
		if err == nil {
			err = r.numberEntities(ctx, c, nil)
		}
		return c, c.MemSize(), err
	})
}

// numberEntities gives a column of names their ordinals: of the entities with the codes, nil for all.
func (r *Reader) numberEntities(ctx context.Context, c *vec.Column, codes []int32) error {
	if r.env.Entities == nil || c.Len == 0 {
		return nil
	}
	t, err := r.entityTable(ctx)
	if err != nil {
		return err
	}
	nums := make([]uint32, c.Len)
	for i := range nums {
		code := i
		if codes != nil {
			code = int(codes[i])
		}
		ordinal := t.byCode[code].ordinal
		if ordinal > math.MaxUint32 {
			return nil
		}
		nums[i] = uint32(ordinal)
	}
	c.Space, c.Nums = r.env.Entities, nums
	return nil
}

// fewRows is up to how many rows their entity names are read one by one, until as many were read as there are pieces.
const fewRows = 16

func (r *Reader) readEntities(ctx context.Context, l rowList) (*vec.Column, error) {
	codes, err := r.entityCodes(ctx)
	if err != nil {
		return nil, err
	}
	out := &vec.Column{Kind: vec.Bytes, Len: l.n, Codes: make([]int32, l.n)}
	readList(codes, out.Codes, l)
	if err := checkCodes(out.Codes, r.entities); err != nil {
		return nil, err
	}
	t, err := r.entityNames(ctx)
	if err != nil {
		return nil, err
	}
	if l.n <= fewRows && r.entities > 16*fewRows && t.whole.asked.Add(int64(l.n)) <= int64(max(len(t.pieces), fewRows)) {
		b := vec.NewBuilder(vec.Bytes, l.n)
		k := textCursor{t: t}
		for _, c := range out.Codes {
			if err := b.AppendWith(func(dst []byte) ([]byte, error) { return k.appendTo(dst, int(c)) }); err != nil {
				return nil, err
			}
		}
		names := b.Finish()
		return names, r.numberEntities(ctx, names, out.Codes)
	}
	out.Dict, err = r.entityDict(ctx)
	return out, err
}

// entityTable is what SetEntities gave, opened.
type entityTable struct {
	ordinals *ints   // ascending
	codes    []int32 // in that order
	byCode   []entityPlace
}

type entityPlace struct {
	ordinal uint64
	base    int64
	rows    int32
}

func (r *Reader) entityTable(ctx context.Context) (*entityTable, error) {
	return open(ctx, r, "entity ordinals", blobOrdinals, func(blob []byte) (*entityTable, int, error) {
		p, err := openBlob(blob)
		if err != nil {
			return nil, 0, err
		}
		n := r.entities
		t := &entityTable{ordinals: parseInts(p, n), codes: make([]int32, n), byCode: make([]entityPlace, n)}
		codes, versions, rows := parseInts(p, n), parseInts(p, n), parseInts(p, n)
		if err := p.finish(); err != nil {
			return nil, 0, err
		}
		readInts(codes, t.codes, 0)
		if err := checkCodes(t.codes, n); err != nil {
			return nil, 0, err
		}
		vals := make([]int64, n)
		readInts(t.ordinals, vals, 0)
		for i, c := range t.codes {
			t.byCode[c].ordinal = uint64(vals[i])
		}
		readInts(versions, vals, 0)
		for i, c := range t.codes {
			t.byCode[c].base = vals[i]
		}
		readInts(rows, vals, 0)
		for i, c := range t.codes {
			t.byCode[c].rows = int32(vals[i])
		}
		return t, len(blob) + 28*n, nil
	})
}

// versionRanks returns for each row how many rows of its entity are before it in the group.
func (r *Reader) versionRanks(ctx context.Context) ([]uint16, error) {
	codes, err := r.entityCodes(ctx)
	if err != nil {
		return nil, err
	}
	return open(ctx, r, "versions", 0, func([]byte) ([]uint16, int, error) {
		all := make([]int32, r.rows)
		readInts(codes, all, 0)
		if err := checkCodes(all, r.entities); err != nil {
			return nil, 0, err
		}
		seen := make([]uint16, r.entities)
		out := make([]uint16, r.rows)
		for i, c := range all {
			out[i] = seen[c]
			seen[c]++
		}
		return out, 2 * r.rows, nil
	})
}

func (r *Reader) readVersions(ctx context.Context, l rowList) (*vec.Column, error) {
	ranks, err := r.versionRanks(ctx)
	if err != nil {
		return nil, err
	}
	t, list, err := r.entitiesOf(ctx, l)
	if err != nil {
		return nil, err
	}
	out := make([]int64, l.n)
	for i, c := range list {
		out[i] = t.byCode[c].base + int64(ranks[l.at(i)]) + 1
	}
	return intColumn(out), nil
}

// entitiesOf returns the entities of the group and, checked, the codes of rows in them.
func (r *Reader) entitiesOf(ctx context.Context, l rowList) (*entityTable, []int32, error) {
	t, err := r.entityTable(ctx)
	if err != nil {
		return nil, nil, err
	}
	codes, err := r.entityCodes(ctx)
	if err != nil {
		return nil, nil, err
	}
	list := make([]int32, l.n)
	readList(codes, list, l)
	return t, list, checkCodes(list, r.entities)
}

// Entity is one entity of a group.
type Entity struct {
	Name    string
	Ordinal uint64
	Base    int64 // last version before this group
	Rows    int
}

// Entities returns the entities of the group, by ordinal.
func (r *Reader) Entities(ctx context.Context) ([]Entity, error) {
	if r.entities == 0 {
		return nil, nil
	}
	t, err := r.entityTable(ctx)
	if err != nil {
		return nil, err
	}
	names, err := r.entityDict(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Entity, r.entities)
	for i, c := range t.codes {
		e := t.byCode[c]
		out[i] = Entity{string(names.Bytes(int(c))), e.ordinal, e.base, int(e.rows)}
	}
	return out, nil
}

// EntityRows returns the rows of the entity with the ordinal, ascending (none if it has none), and its last version
// before this group.
func (r *Reader) EntityRows(ctx context.Context, ordinal uint64) (rows []int32, base int64, err error) {
	if r.entities == 0 {
		return nil, 0, nil
	}
	t, err := r.entityTable(ctx)
	if err != nil {
		return nil, 0, err
	}
	i := sort.Search(r.entities, func(i int) bool { return uint64(t.ordinals.at(i)) >= ordinal })
	if i == r.entities || uint64(t.ordinals.at(i)) != ordinal {
		return nil, 0, nil
	}
	codes, err := r.entityCodes(ctx)
	if err != nil {
		return nil, 0, err
	}
	code := int64(t.codes[i])
	e := &t.byCode[code]
	rows = make([]int32, 0, min(max(int(e.rows), 0), r.rows))
	var buf [intBlock]int32
	in := vec.NewBitmap(intBlock)
	for from := 0; from < r.rows; from += intBlock {
		n := min(intBlock, r.rows-from)
		codes.between(in, from, n, code, code, false)
		for _, k := range in.Indices(buf[:0], n) {
			rows = append(rows, int32(from)+k)
		}
	}
	return rows, e.base, nil
}

// Inverted is where the entities of a group have their rows.
type Inverted struct {
	t      *entityTable
	starts []int32 // into rows, by code, and the end
	rows   []uint16
}

// Invert makes the list that Inverted is; it costs as much as some fifty calls of EntityRows.
func (r *Reader) Invert(ctx context.Context) (*Inverted, error) {
	t, err := r.entityTable(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := r.entityCodes(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]int32, r.rows)
	readInts(codes, all, 0)
	if err := checkCodes(all, r.entities); err != nil {
		return nil, err
	}
	v := &Inverted{t: t, starts: make([]int32, r.entities+2), rows: make([]uint16, r.rows)}
	next := v.starts[1:]
	for _, c := range all {
		next[c+1]++
	}
	for i := range r.entities {
		next[i+1] += next[i]
	}
	for row, c := range all {
		v.rows[next[c]] = uint16(row)
		next[c]++ // in the end, where the next code's begin
	}
	return v, nil
}

// Find is EntityRows.
func (v *Inverted) Find(ordinal uint64) (rows []int32, base int64) {
	t := v.t
	n := len(t.codes)
	i := sort.Search(n, func(i int) bool { return uint64(t.ordinals.at(i)) >= ordinal })
	if i == n || uint64(t.ordinals.at(i)) != ordinal {
		return nil, 0
	}
	code := t.codes[i]
	part := v.rows[v.starts[code]:v.starts[code+1]]
	rows = make([]int32, len(part))
	for k, r := range part {
		rows[k] = int32(r)
	}
	return rows, t.byCode[code].base
}

// MemSize is the bytes held beside the reader's; 0 for nil.
func (v *Inverted) MemSize() int64 {
	if v == nil {
		return 0
	}
	return int64(4*len(v.starts) + 2*len(v.rows))
}

// Ordinals returns the entity ordinals of rows [from, to).
func (r *Reader) Ordinals(ctx context.Context, from, to int) ([]uint64, error) {
	l := rowList{from: from, n: to - from}
	if err := l.check(r.rows); err != nil || l.n == 0 {
		return nil, err
	}
	t, list, err := r.entitiesOf(ctx, l)
	if err != nil {
		return nil, err
	}
	out := make([]uint64, l.n)
	for i, c := range list {
		out[i] = t.byCode[c].ordinal
	}
	return out, nil
}
