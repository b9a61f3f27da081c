package segment

import (
	"context"
	"math"
	"sort"

	"github.com/allsource-db/allsource/vec"
)

func (r *Reader) recordedOf(l rowList) []int64 {
	out := make([]int64, l.n)
	if l.list == nil {
		r.recordedAt(out, l.from)
		return out
	}
	for i := range out {
		out[i] = r.runs[r.runOf(l.at(i))].At
	}
	return out
}

func (r *Reader) readIDs(ctx context.Context, l rowList) (*vec.Column, error) {
	out := &vec.Column{Kind: vec.Bytes, Len: l.n, Offsets: make([]int32, l.n+1), Data: make([]byte, 0, 16*l.n)}
	var given *idColumn
	if r.ids > 0 {
		var err error
		if given, err = r.idsColumn(ctx); err != nil {
			return nil, err
		}
	}
	recorded := r.recordedOf(l)
	for i := range l.n {
		row := l.at(i)
		if at, ok := given.find(row); ok {
			out.Data = append(out.Data, given.data[16*at:16*at+16]...)
		} else {
			id := r.env.DerivedID(r.env.Base+int64(row), recorded[i])
			out.Data = append(out.Data, id[:]...)
		}
		out.Offsets[i+1] = int32(len(out.Data))
	}
	return out, nil
}

func (c *idColumn) find(row int) (int, bool) {
	if c == nil {
		return 0, false
	}
	return c.pres.find(row)
}

func (r *Reader) readTypes(ctx context.Context, l rowList) (*vec.Column, error) {
	out := &vec.Column{Kind: vec.Bytes, Len: l.n, Codes: make([]int32, l.n), Dict: r.typeNames}
	codes, err := r.typeCodes(ctx)
	if err != nil || codes == nil {
		return out, err
	}
	readList(codes, out.Codes, l)
	return out, checkCodes(out.Codes, len(r.types))
}

// readList stores the values of the rows.
func readList[T int32 | int64](c *ints, dst []T, l rowList) {
	if l.list == nil {
		readInts(c, dst, l.from)
		return
	}
	gatherInts(c, dst, l.list)
}

func checkCodes(codes []int32, n int) error {
	if most := vec.MostCode(codes); len(codes) > 0 && int64(most) >= int64(n) {
		return corrupt("code %d of %d", most, n)
	}
	return nil
}

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

// fewRows is up to how many rows their entity names are read one by one.
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
	if l.n <= fewRows && r.entities > 16*fewRows {
		t, err := r.entityNames(ctx)
		if err != nil {
			return nil, err
		}
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
	t, err := r.entityTable(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := r.entityCodes(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]int32, l.n)
	readList(codes, list, l)
	out := make([]int64, l.n)
	for i, c := range list {
		out[i] = t.byCode[c].base + int64(ranks[l.at(i)]) + 1
	}
	return intColumn(out), nil
}

func (r *Reader) readTimes(ctx context.Context, l rowList) (*vec.Column, error) {
	if r.times == 0 {
		return intColumn(r.recordedOf(l)), nil
	}
	c, err := r.timesColumn(ctx)
	if err != nil {
		return nil, err
	}
	if c.pres.all() {
		out := make([]int64, l.n)
		readList(c.vals, out, l)
		return intColumn(out), nil
	}
	out := r.recordedOf(l)
	k := intCursor{c: c.vals}
	for i := range out {
		if at, ok := c.pres.find(l.at(i)); ok {
			out[i] = k.at(at)
		}
	}
	return intColumn(out), nil
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
	code := t.codes[i]
	e := &t.byCode[code]
	rows = make([]int32, 0, min(max(e.rows, 0), int32(min(r.rows, math.MaxInt32))))
	var buf [intBlock]int32
	for from := 0; from < r.rows; from += intBlock {
		part := buf[:min(intBlock, r.rows-from)]
		readInts(codes, part, from)
		for k, c := range part {
			if c == code {
				rows = append(rows, int32(from+k))
			}
		}
	}
	return rows, e.base, nil
}

// Ordinals returns the entity ordinals of rows [from, to).
func (r *Reader) Ordinals(ctx context.Context, from, to int) ([]uint64, error) {
	l := rowList{from: from, n: to - from}
	if err := l.check(r.rows); err != nil || l.n == 0 {
		return nil, err
	}
	t, err := r.entityTable(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := r.entityCodes(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]int32, l.n)
	readList(codes, list, l)
	if err := checkCodes(list, r.entities); err != nil {
		return nil, err
	}
	out := make([]uint64, l.n)
	for i, c := range list {
		out[i] = t.byCode[c].ordinal
	}
	return out, nil
}
