package table

import (
	"slices"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// Join puts columns of the kind of c one after the other.
func (c *Column) Join(parts []*vec.Column) *vec.Column {
	if len(parts) == 1 {
		return parts[0]
	}
	n, flat := 0, c.Kind != vec.List
	for _, p := range parts {
		n += p.Len
		flat = flat && p.Codes == nil
	}
	if !flat || n == 0 {
		b := c.Builder(n)
		for _, p := range parts {
			for i := range p.Len {
				b.AppendFrom(p, i)
			}
		}
		return b.Finish()
	}
	out := &vec.Column{Kind: c.Kind, Len: n, Valid: joinBits(parts, n, func(p *vec.Column) vec.Bitmap { return p.Valid })}
	switch c.Kind {
	case vec.Bool:
		out.Bits = joinBits(parts, n, func(p *vec.Column) vec.Bitmap { return p.Bits })
	case vec.Int64:
		out.I64 = joinSlices(parts, n, func(p *vec.Column) []int64 { return p.I64 })
	case vec.Float64:
		out.F64 = joinSlices(parts, n, func(p *vec.Column) []float64 { return p.F64 })
	case vec.Decimal:
		out.Dec = joinSlices(parts, n, func(p *vec.Column) []decimal.Dec { return p.Dec })
	case vec.Interval:
		out.Iv = joinSlices(parts, n, func(p *vec.Column) []vec.IntervalValue { return p.Iv })
	case vec.Bytes:
		joinTexts(out, parts)
	}
	return out
}

func joinSlices[T any](parts []*vec.Column, n int, of func(*vec.Column) []T) []T {
	out := make([]T, 0, n)
	for _, p := range parts {
		out = append(out, of(p)[:p.Len]...)
	}
	return out
}

// joinBits joins bitmaps; nil if all are.
func joinBits(parts []*vec.Column, n int, of func(*vec.Column) vec.Bitmap) vec.Bitmap {
	if !slices.ContainsFunc(parts, func(p *vec.Column) bool { return of(p) != nil }) {
		return nil
	}
	out := vec.NewBitmap(n)
	at := 0
	for _, p := range parts {
		set := of(p)
		for i := range p.Len {
			if set == nil || set.Get(i) {
				out.Set(at + i)
			}
		}
		at += p.Len
	}
	return out
}

func joinTexts(out *vec.Column, parts []*vec.Column) {
	size := 0
	for _, p := range parts {
		size += int(p.Offsets[p.Len] - p.Offsets[0])
	}
	out.Data, out.Offsets = make([]byte, 0, size), make([]int32, 1, out.Len+1)
	for _, p := range parts {
		shift := int32(len(out.Data)) - p.Offsets[0]
		out.Data = append(out.Data, p.Data[p.Offsets[0]:p.Offsets[p.Len]]...)
		for _, end := range p.Offsets[1 : p.Len+1] {
			out.Offsets = append(out.Offsets, end+shift)
		}
	}
}
