package datum

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Compare orders row i of a against row j of b, both of type t and not null, as PostgreSQL's btree does: text by code point,
// NaN above all numbers.
func Compare(t Type, a *vec.Column, i int, b *vec.Column, j int) int {
	switch a.Kind {
	case vec.Bool:
		x, y := a.Bool(i), b.Bool(j)
		switch {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	case vec.Int64:
		return CompareInt(t.OID, a.Int(i), b.Int(j))
	case vec.Float64:
		return CompareFloat(a.Float(i), b.Float(j))
	case vec.Bytes:
		return CompareBytes(t.OID, a.Bytes(i), b.Bytes(j))
	case vec.Decimal:
		return a.Decimal(i).Cmp(b.Decimal(j))
	case vec.Interval:
		return CompareInterval(a.Interval(i), b.Interval(j))
	case vec.List:
		return compareLists(t, a, i, b, j)
	case vec.Struct:
		return compareRecords(t, a, i, b, j)
	}
	return 0
}

// CompareInt orders values of an Int64 type.
func CompareInt(oid OID, x, y int64) int {
	if oid == TimeTZ {
		xt, xe := UnpackTimeTZ(x)
		yt, ye := UnpackTimeTZ(y)
		if c := cmp.Compare(xt-xe*MicrosPerSecond, yt-ye*MicrosPerSecond); c != 0 {
			return c
		}
		return cmp.Compare(ye, xe)
	}
	if oid == Xid8 || oid == PgLSN {
		return cmp.Compare(uint64(x), uint64(y))
	}
	return cmp.Compare(x, y)
}

// CompareFloat orders floats with NaN equal to itself and above all else.
func CompareFloat(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	switch xn, yn := math.IsNaN(x), math.IsNaN(y); {
	case xn && yn:
		return 0
	case xn:
		return 1
	}
	return -1
}

// CompareBytes orders values of a Bytes type.
func CompareBytes(oid OID, x, y []byte) int {
	switch oid {
	case JSONB:
		if bytes.Equal(x, y) {
			return 0
		}
		return jsonb.Compare(jsonb.Value(x), jsonb.Value(y))
	case BPChar:
		return bytes.Compare(bytes.TrimRight(x, " "), bytes.TrimRight(y, " "))
	case Inet, Cidr:
		return compareInet(x, y)
	}
	if IsComposite(oid) {
		if order, ok := compareComposite(oid, x, y); ok {
			return order
		}
	}
	return bytes.Compare(x, y)
}

func compareInet(x, y []byte) int {
	if len(x) != len(y) || len(x) == 0 {
		return cmp.Compare(len(x), len(y))
	}
	bits := min(x[0], y[0])
	for k := range int(bits) {
		if c := cmp.Compare(x[1+k/8]>>(7-k%8)&1, y[1+k/8]>>(7-k%8)&1); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(x[0], y[0]); c != 0 {
		return c
	}
	return bytes.Compare(x[1:], y[1:])
}

// intervalSpan is the length of an interval by which it is ordered, a month being 30 days: days and microseconds of a day.
func intervalSpan(v vec.IntervalValue) (days, micros int64) {
	q, r := floorDiv(v.Micros, MicrosPerDay)
	return int64(v.Months)*30 + int64(v.Days) + q, r
}

// CompareInterval orders intervals by length.
func CompareInterval(x, y vec.IntervalValue) int {
	xd, xm := intervalSpan(x)
	yd, ym := intervalSpan(y)
	if c := cmp.Compare(xd, yd); c != 0 {
		return c
	}
	return cmp.Compare(xm, ym)
}

func compareLists(t Type, a *vec.Column, i int, b *vec.Column, j int) int {
	ac, af, at := a.List(i)
	bc, bf, bt := b.List(j)
	et := elemType(t, ac)
	for ; af < at && bf < bt; af, bf = af+1, bf+1 {
		if c := compareNullable(et, ac, af, bc, bf); c != 0 {
			return c
		}
	}
	if at-af != bt-bf {
		return cmp.Compare(at-af, bt-bf)
	}
	return compareShapes(a.Dims(i), b.Dims(j))
}

// compareShapes orders arrays of the same elements: by the number of dimensions, by their lengths, by where they begin.
func compareShapes(a, b []vec.Dim) int {
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	for k := range a {
		if a[k].Len != b[k].Len {
			return cmp.Compare(a[k].Len, b[k].Len)
		}
	}
	for k := range a {
		if a[k].Lower != b[k].Lower {
			return cmp.Compare(a[k].Lower, b[k].Lower)
		}
	}
	return 0
}

// compareNullable puts nulls last, and equal to each other, as within arrays and rows.
func compareNullable(t Type, a *vec.Column, i int, b *vec.Column, j int) int {
	switch an, bn := a.Null(i), b.Null(j); {
	case an && bn:
		return 0
	case an:
		return 1
	case bn:
		return -1
	}
	return Compare(t, a, i, b, j)
}

func compareRecords(t Type, a *vec.Column, i int, b *vec.Column, j int) int {
	fields := RecordFields(t)
	a, i = structAt(a, i)
	b, j = structAt(b, j)
	for k := range min(len(a.Fields), len(b.Fields)) {
		if c := compareNullable(fieldType(fields, k, a.Fields[k]), a.Fields[k], i, b.Fields[k], j); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a.Fields), len(b.Fields))
}

// AppendHashKey appends bytes that are equal for two values of type t exactly when Compare says they are equal. The bytes of
// one value are never the beginning of those of another, so keys of several columns can be strung together; a null is a key
// of its own.
func AppendHashKey(dst []byte, t Type, c *vec.Column, i int) []byte {
	if c.Null(i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch c.Kind {
	case vec.Bool:
		if c.Bool(i) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case vec.Int64:
		return binary.LittleEndian.AppendUint64(dst, uint64(c.Int(i)))
	case vec.Float64:
		return binary.LittleEndian.AppendUint64(dst, floatKey(c.Float(i)))
	case vec.Decimal:
		return c.Decimal(i).AppendKey(dst)
	case vec.Interval:
		d, m := intervalSpan(c.Interval(i))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(d))
		return binary.LittleEndian.AppendUint64(dst, uint64(m))
	case vec.Bytes:
		return hashBytes(dst, t.OID, c.Bytes(i))
	case vec.List:
		child, from, to := c.List(i)
		et := elemType(t, child)
		shape := c.Shape(i)
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(to-from)), uint64(len(shape)))
		for _, d := range shape {
			dst = binary.AppendVarint(binary.AppendUvarint(dst, uint64(d.Len)), int64(d.Lower))
		}
		for k := from; k < to; k++ {
			dst = AppendHashKey(dst, et, child, k)
		}
		return dst
	case vec.Struct:
		fields := RecordFields(t)
		c, i = structAt(c, i)
		for k, f := range c.Fields {
			dst = AppendHashKey(dst, fieldType(fields, k, f), f, i)
		}
	}
	return dst
}

// floatKey is the bits of a float, one zero and one NaN.
func floatKey(f float64) uint64 {
	if f == 0 {
		return 0
	}
	if math.IsNaN(f) {
		return 0x7ff8000000000000
	}
	return math.Float64bits(f)
}

func hashBytes(dst []byte, oid OID, v []byte) []byte {
	switch oid {
	case JSONB:
		start := len(dst)
		dst = jsonb.AppendKey(append(dst, 0, 0, 0, 0), jsonb.Value(v))
		binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
		return dst
	case BPChar:
		v = bytes.TrimRight(v, " ")
	}
	if IsComposite(oid) {
		if c, ok := unpacked(oid, v); ok {
			return AppendHashKey(dst, T(oid), c, 0)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(v)))
	return append(dst, v...)
}
