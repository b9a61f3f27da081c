package table

import (
	"encoding/binary"
	"math"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// AppendRow appends row i of a batch, whose columns are those of the shape.
func (s *Shape) AppendRow(dst []byte, b *vec.Batch, i int) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, (len(s.Columns)+7)/8)...)
	for k, c := range b.Cols {
		if c.Null(i) {
			dst[at+k>>3] |= 1 << (k & 7)
			continue
		}
		if s.Columns[k].Kind == vec.List {
			dst = appendList(dst, s.Columns[k].Elem, c, i)
		} else {
			dst = appendValue(dst, c, i)
		}
	}
	return dst
}

// appendValue appends row i of c, which is not null and no list.
func appendValue(dst []byte, c *vec.Column, i int) []byte {
	switch c.Kind {
	case vec.Bool:
		if c.Bool(i) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case vec.Int64:
		return binary.AppendVarint(dst, c.Int(i))
	case vec.Float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.Float(i)))
	case vec.Bytes:
		v := c.Bytes(i)
		return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
	case vec.Decimal:
		return c.Decimal(i).AppendBinary(dst)
	case vec.Interval:
		v := c.Interval(i)
		dst = binary.AppendVarint(dst, int64(v.Months))
		dst = binary.AppendVarint(dst, int64(v.Days))
		return binary.AppendVarint(dst, v.Micros)
	}
	return dst
}

func appendList(dst []byte, elem vec.Kind, c *vec.Column, i int) []byte {
	child, from, to := c.List(i)
	dst = binary.AppendUvarint(dst, uint64(to-from))
	dims := c.Shape(i)
	dst = binary.AppendUvarint(dst, uint64(len(dims)))
	for _, d := range dims {
		dst = binary.AppendUvarint(dst, uint64(d.Len))
		dst = binary.AppendVarint(dst, int64(d.Lower))
	}
	dst = append(dst, byte(elem))
	at := len(dst)
	dst = append(dst, make([]byte, (to-from+7)/8)...)
	for k := from; k < to; k++ {
		if n := k - from; child.Null(k) {
			dst[at+n>>3] |= 1 << (n & 7)
		} else {
			dst = appendValue(dst, child, k)
		}
	}
	return dst
}

// decoder takes bytes apart. After the first failure every call returns zero values.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// take returns the next n bytes, shared.
func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return nil
	}
	out := d.rest[:n:n]
	d.rest = d.rest[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// skip passes over a value.
func (d *decoder) skip(kind vec.Kind) {
	switch kind {
	case vec.Bool:
		d.take(1)
	case vec.Int64:
		d.varint()
	case vec.Float64:
		d.take(8)
	case vec.Bytes:
		d.take(d.uvarint())
	case vec.Decimal:
		d.decimal()
	case vec.Interval:
		d.varint()
		d.varint()
		d.varint()
	case vec.List:
		l := d.list()
		for k := range l.n {
			if !l.null(k) {
				d.skip(l.elem)
			}
		}
	}
}

func (d *decoder) decimal() decimal.Dec {
	v, n, err := decimal.Decode(d.rest)
	if err != nil {
		d.bad, d.rest = true, nil
		return v
	}
	d.rest = d.rest[n:]
	return v
}

// listHead is what stands before the elements of a list.
type listHead struct {
	n     int
	dims  []vec.Dim
	elem  vec.Kind
	nulls []byte
}

func (l *listHead) null(k int) bool { return l.nulls[k>>3]>>(k&7)&1 != 0 }

func (d *decoder) list() (l listHead) {
	n := d.uvarint()
	for range d.uvarint() {
		l.dims = append(l.dims, vec.Dim{Len: int32(d.uvarint()), Lower: int32(d.varint())})
		if d.bad {
			return listHead{}
		}
	}
	l.elem = vec.Kind(d.byte())
	if n > 8*uint64(len(d.rest)) || l.elem < vec.Bool || l.elem > vec.Interval {
		d.bad = true
		return listHead{}
	}
	l.n, l.nulls = int(n), d.take((n+7)/8)
	if d.bad {
		return listHead{}
	}
	return l
}

// value appends the next value to b, which is of the kind; elem is that of elements.
func (d *decoder) value(kind, elem vec.Kind, b *vec.Builder) {
	switch kind {
	case vec.Bool:
		b.AppendBool(d.byte() != 0)
	case vec.Int64:
		b.AppendInt(d.varint())
	case vec.Float64:
		if v := d.take(8); v != nil {
			b.AppendFloat(math.Float64frombits(binary.LittleEndian.Uint64(v)))
		} else {
			b.AppendNull()
		}
	case vec.Bytes:
		b.AppendBytes(d.take(d.uvarint()))
	case vec.Decimal:
		b.AppendDecimal(d.decimal())
	case vec.Interval:
		b.AppendInterval(vec.IntervalValue{Months: int32(d.varint()), Days: int32(d.varint()), Micros: d.varint()})
	case vec.List:
		l := d.list()
		if l.n > 0 && l.elem != elem {
			d.bad, l = true, listHead{}
		}
		for k := range l.n {
			if l.null(k) {
				b.Elem().AppendNull()
			} else {
				d.value(elem, vec.Invalid, b.Elem())
			}
		}
		b.AppendShaped(l.dims)
	default:
		d.bad = true
		b.AppendNull()
	}
}
