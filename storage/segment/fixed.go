package segment

import (
	"context"

	"github.com/allsource-db/allsource/vec"
)

func (r *Reader) recordedOf(l rowList) []int64 {
	out := make([]int64, l.n)
	if l.list == nil {
		r.recordedAt(out, l.from)
		return out
	}
	runs := r.runs()
	for i := range out {
		out[i] = runs[runOf(runs, l.at(i))].At
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
	var out []int64
	if c.pres.all() {
		out = make([]int64, l.n)
	} else {
		out = r.recordedOf(l)
	}
	k := intCursor{c: c.vals}
	for i := range out {
		if at, ok := c.pres.find(l.at(i)); ok {
			out[i] = k.at(at)
		}
	}
	return intColumn(out), nil
}
