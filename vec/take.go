package vec

import "github.com/allsource-db/allsource/vec/decimal"

// NullColumn returns n nulls of the kind.
func NullColumn(k Kind, n int) *Column {
	if n == 0 || k == List || k == Struct {
		b := NewBuilder(k, n)
		for range n {
			b.AppendNull()
		}
		return b.Finish()
	}
	c := &Column{Kind: k, Len: n, Valid: NewBitmap(n)}
	switch k {
	case Bool:
		c.Bits = NewBitmap(n)
	case Int64:
		c.I64 = make([]int64, n)
	case Float64:
		c.F64 = make([]float64, n)
	case Bytes:
		c.Offsets = make([]int32, n+1)
	case Decimal:
		c.Dec = make([]decimal.Dec, n)
	case Interval:
		c.Iv = make([]IntervalValue, n)
	}
	return c
}

// Flat returns the column without dictionary coding.
func (c *Column) Flat() *Column {
	if c.Codes == nil {
		return c
	}
	codes := c.Codes[:c.Len]
	if c.Valid != nil {
		codes = make([]int32, c.Len)
		for i := range codes {
			if codes[i] = c.Codes[i]; !c.Valid.Get(i) {
				codes[i] = -1
			}
		}
	}
	return c.Dict.Take(codes)
}

// Take returns the rows named by idx, in that order; a negative index gives a null.
func (c *Column) Take(idx []int32) *Column {
	if c.Codes != nil {
		return c.takeCodes(idx)
	}
	out := &Column{Kind: c.Kind, Len: len(idx)}
	switch c.Kind {
	case Bool:
		out.Bits = takeBits(c.Bits, idx)
	case Int64:
		out.I64 = gather(c.I64, idx)
	case Float64:
		out.F64 = gather(c.F64, idx)
	case Bytes:
		out.Offsets, out.Data = takeTexts(c, idx)
	case Decimal:
		out.Dec = gather(c.Dec, idx)
	case Interval:
		out.Iv = gather(c.Iv, idx)
	default:
		return c.takeRows(idx)
	}
	out.Valid = takeValid(c.Valid, idx)
	out.number(c, idx)
	return out
}

// takeRows takes lists and structs row by row.
func (c *Column) takeRows(idx []int32) *Column {
	b := NewBuilder(c.Kind, len(idx))
	for _, i := range idx {
		if i < 0 {
			b.AppendNull()
		} else {
			b.AppendFrom(c, int(i))
		}
	}
	return b.Finish()
}

// gather stores the values named by idx, a zero for a negative index.
func gather[T any](vals []T, idx []int32) []T {
	out := make([]T, len(idx))
	for o, i := range idx {
		if i >= 0 {
			out[o] = vals[i]
		}
	}
	return out
}

func takeBits(b Bitmap, idx []int32) Bitmap {
	out := NewBitmap(len(idx))
	for o, i := range idx {
		if i >= 0 {
			out[o>>6] |= b[i>>6] >> (uint32(i) & 63) & 1 << (o & 63)
		}
	}
	return out
}

// takeValid gives the validity of the rows named by idx, nil if none is null.
func takeValid(valid Bitmap, idx []int32) Bitmap {
	var out Bitmap
	if valid != nil {
		out = takeBits(valid, idx)
	} else {
		lowest := int32(0)
		for _, i := range idx {
			lowest |= i
		}
		if lowest >= 0 {
			return nil
		}
		out = NewBitmap(len(idx))
		for o, i := range idx {
			out[o>>6] |= bit(i >= 0) << (o & 63)
		}
	}
	if out.Count(len(idx)) == len(idx) {
		return nil
	}
	return out
}

// takeTexts copies the texts named by idx; those of nulls are empty.
func takeTexts(c *Column, idx []int32) ([]int32, []byte) {
	offsets := make([]int32, len(idx)+1)
	size := int32(0)
	for o, i := range idx {
		if i >= 0 && (c.Valid == nil || c.Valid.Get(int(i))) {
			size += c.Offsets[i+1] - c.Offsets[i]
		}
		offsets[o+1] = size
	}
	data := make([]byte, size)
	for o, i := range idx {
		if offsets[o+1] > offsets[o] {
			copy(data[offsets[o]:offsets[o+1]], c.Data[c.Offsets[i]:c.Offsets[i+1]])
		}
	}
	return offsets, data
}

func (c *Column) takeCodes(idx []int32) *Column {
	return &Column{Kind: c.Kind, Len: len(idx), Dict: c.Dict, Codes: gather(c.Codes, idx), Valid: takeValid(c.Valid, idx)}
}

// Validity returns the rows that are not null, seen through the dictionary; nil if none is null. It may share memory
// with the column.
func (c *Column) Validity() Bitmap {
	if c.Codes == nil || c.Dict.Valid == nil {
		return c.Valid
	}
	out := NewBitmap(c.Len)
	AnyOf(out, c.Codes[:c.Len], c.Dict.Valid)
	return And(out, out, c.Valid, c.Len)
}

// Truth returns the rows in which a Bool column is true. It may share memory with the column.
func (c *Column) Truth() Bitmap { return c.boolean(c.Dict, true) }

// Falsity returns the rows in which a Bool column is false: the others are true or null.
func (c *Column) Falsity() Bitmap { return c.boolean(c.Dict, false) }

func (c *Column) boolean(dict *Column, want bool) Bitmap {
	if c.Codes == nil {
		bits := c.Bits
		if !want {
			bits = Not(NewBitmap(c.Len), bits[:(c.Len+63)/64])
		}
		if c.Valid == nil {
			return bits
		}
		return And(nil, bits, c.Valid, c.Len)
	}
	out := NewBitmap(c.Len)
	if dict.Len > 0 {
		AnyOf(out, c.Codes[:c.Len], dict.boolean(nil, want))
	}
	return And(out, out, c.Valid, c.Len)
}
