package jsonb

import (
	"encoding/binary"
	"math/big"
	"sort"

	"github.com/allsource-db/allsource/vec/decimal"
)

// head is a container's tables, read once.
type head struct {
	n, w int
	v    Value
	keys int // key ends (objects)
	vals int // value ends
	text int // key bytes (objects)
	data int // values
}

func (v Value) head() head {
	h := head{v: v, w: int(v[0] >> 4)}
	n, k := binary.Uvarint(v[1:])
	h.n, h.keys = int(n), 1+k
	h.vals = h.keys
	if v[0]&0xf == tagObject {
		h.vals += h.n * h.w
	}
	h.text = h.vals + h.n*h.w
	h.data = h.text
	if h.vals != h.keys && h.n > 0 {
		h.data += h.end(h.keys, h.n-1)
	}
	return h
}

// end gives the i-th entry of the table at pos; -1 gives 0.
func (h *head) end(pos, i int) int {
	if i < 0 {
		return 0
	}
	switch h.w {
	case 1:
		return int(h.v[pos+i])
	case 2:
		return int(binary.LittleEndian.Uint16(h.v[pos+2*i:]))
	}
	return int(binary.LittleEndian.Uint32(h.v[pos+4*i:]))
}

func (h *head) key(i int) []byte {
	from, to := h.text+h.end(h.keys, i-1), h.text+h.end(h.keys, i)
	return h.v[from:to:to]
}

func (h *head) val(i int) Value {
	from, to := h.data+h.end(h.vals, i-1), h.data+h.end(h.vals, i)
	return h.v[from:to:to]
}

// find gives where key is, by binary search.
func (h *head) find(key []byte) (int, bool) {
	lo, hi := 0, h.n
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := compareKeys(h.key(mid), key); {
		case c == 0:
			return mid, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo, false
}

// Size gives how many bytes the value at the start of b takes.
func Size(b []byte) int {
	uvarints := func(n, count int) int { // past count uvarints
		for range count {
			_, k := binary.Uvarint(b[n:])
			n += k
		}
		return n
	}
	switch b[0] & 0xf {
	case tagInt:
		return uvarints(1, 1)
	case tagDec:
		return uvarints(1, 2)
	case tagBig:
		at := uvarints(2, 2)
		n, k := binary.Uvarint(b[at:])
		return at + k + int(n)
	case tagString:
		n, k := binary.Uvarint(b[1:])
		return 1 + k + int(n)
	case tagArray, tagObject:
		h := Value(b).head()
		return h.data + h.end(h.vals, h.n-1)
	}
	return 1
}

// Get gives the field of an object; not ok for other kinds.
func Get(v Value, key string) (Value, bool) {
	var buf [64]byte
	return GetBytes(v, append(buf[:0], key...))
}

// GetBytes is Get.
func GetBytes(v Value, key []byte) (Value, bool) {
	if v[0]&0xf != tagObject {
		return nil, false
	}
	h := v.head()
	i, ok := h.find(key)
	if !ok {
		return nil, false
	}
	return h.val(i), true
}

// Index gives an element of an array, counted from the end if i is negative; not
// ok for other kinds.
func Index(v Value, i int) (Value, bool) {
	if v[0]&0xf != tagArray {
		return nil, false
	}
	h := v.head()
	if i < 0 {
		i += h.n
	}
	if i < 0 || i >= h.n {
		return nil, false
	}
	return h.val(i), true
}

// GetPath is #>: keys lead through objects, integers through arrays.
func GetPath(v Value, path []string) (Value, bool) {
	for _, step := range path {
		var ok bool
		if v.Kind() == Array {
			var i int
			if i, ok = pathIndex(step); ok {
				v, ok = Index(v, i)
			}
		} else {
			v, ok = Get(v, step)
		}
		if !ok {
			return nil, false
		}
	}
	return v, true
}

// Len gives the number of elements or fields; 0 for scalars.
func Len(v Value) int {
	if v.Kind() < Array {
		return 0
	}
	n, _ := binary.Uvarint(v[1:])
	return int(n)
}

// Field gives the i-th field of an object in key order, 0 <= i < Len.
func Field(v Value, i int) (key []byte, val Value) {
	h := v.head()
	return h.key(i), h.val(i)
}

// EachField calls f for the fields of an object, in key order, until it gives
// false.
func EachField(v Value, f func(key []byte, val Value) bool) {
	h := v.head()
	for i := range h.n {
		if !f(h.key(i), h.val(i)) {
			return
		}
	}
}

// EachElem calls f for the elements of an array until it gives false.
func EachElem(v Value, f func(i int, val Value) bool) {
	h := v.head()
	for i := range h.n {
		if !f(i, h.val(i)) {
			return
		}
	}
}

// StringBytes gives the content of a string, a part of v; nil for other kinds.
func StringBytes(v Value) []byte {
	if v[0] != tagString {
		return nil
	}
	n, k := binary.Uvarint(v[1:])
	return v[1+k : 1+k+int(n)]
}

// scaled gives a number that is not large.
func scaled(v Value) (mantissa int64, scale int32) {
	b := v[1:]
	if v[0] == tagDec {
		s, k := binary.Uvarint(b)
		scale, b = int32(s), b[k:]
	}
	mantissa, _ = binary.Varint(b)
	return mantissa, scale
}

// Number gives the value of a number; 0 for other kinds.
func Number(v Value) decimal.Dec {
	switch v[0] {
	case tagInt, tagDec:
		return decimal.New(scaled(v))
	case tagBig:
		neg, scale, zeros, mag := large(v)
		m := new(big.Int).SetBytes(mag)
		if zeros > 0 {
			m.Mul(m, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(zeros)), nil))
		}
		if neg {
			m.Neg(m)
		}
		return decimal.FromBig(m, scale)
	}
	return decimal.Dec{}
}

func large(v Value) (neg bool, scale int32, zeros int, mag []byte) {
	b := v[2:]
	s, k := binary.Uvarint(b)
	z, l := binary.Uvarint(b[k:])
	n, m := binary.Uvarint(b[k+l:])
	from := k + l + m
	return v[1] == 1, int32(s), int(z), b[from : from+int(n)]
}

// Int64 gives a number rounded half away from zero; not ok for other kinds and
// what does not fit.
func Int64(v Value) (int64, bool) {
	switch v[0] {
	case tagInt:
		n, _ := binary.Varint(v[1:])
		return n, true
	case tagDec, tagBig:
		return Number(v).Int64()
	}
	return 0, false
}

// Float64 gives the nearest float64, infinite beyond its range; not ok for other
// kinds.
func Float64(v Value) (float64, bool) {
	switch v[0] {
	case tagInt:
		n, _ := binary.Varint(v[1:])
		return float64(n), true
	case tagDec, tagBig:
		return Number(v).Float64(), true
	}
	return 0, false
}

// Valid reports whether b is exactly one well-formed value whose strings may be
// trusted. Use it on bytes from outside; it panics on none.
func Valid(b []byte) bool { return valid(b, 0) }

func valid(b []byte, depth int) bool {
	if len(b) == 0 || depth > MaxDepth {
		return false
	}
	uvarint := func(n int) (uint64, int) {
		if n >= len(b) {
			return 0, -1
		}
		v, k := binary.Uvarint(b[n:])
		if k <= 0 || v > 1<<32 {
			return 0, -1
		}
		return v, n + k
	}
	switch b[0] {
	case tagNull, tagFalse, tagTrue:
		return len(b) == 1
	case tagInt:
		_, k := binary.Varint(b[1:])
		return k > 0 && 1+k == len(b)
	case tagDec:
		s, n := uvarint(1)
		if n < 0 || s == 0 || s > decimal.MaxScale {
			return false
		}
		_, k := binary.Varint(b[n:])
		return k > 0 && n+k == len(b)
	case tagBig:
		s, n := uvarint(2)
		if n < 0 || b[1] > 1 || s > decimal.MaxScale {
			return false
		}
		z, n := uvarint(n)
		if n < 0 || z > decimal.MaxIntDigits+decimal.MaxScale {
			return false
		}
		size, n := uvarint(n)
		return n > 0 && size > 0 && uint64(len(b)-n) == size
	case tagString:
		size, n := uvarint(1)
		return n > 0 && uint64(len(b)-n) == size
	}
	return validContainer(b, depth)
}

func validContainer(b []byte, depth int) bool {
	tag, w := b[0]&0xf, int(b[0]>>4)
	n, k := binary.Uvarint(b[1:])
	tables := 1
	if tag == tagObject {
		tables = 2
	} else if tag != tagArray {
		return false
	}
	if w != 1 && w != 2 && w != 4 || k <= 0 || n > uint64(len(b)) || 1+k+tables*w*int(n) > len(b) {
		return false
	}
	h := head{n: int(n), w: w, v: b, keys: 1 + k, vals: 1 + k + (tables-1)*w*int(n)}
	h.text = h.vals + h.n*w
	rising := func(pos int) bool {
		return sort.SliceIsSorted(make([]struct{}, h.n), func(i, j int) bool { return h.end(pos, i) < h.end(pos, j) })
	}
	h.data = h.text
	if tag == tagObject {
		h.data += h.end(h.keys, h.n-1)
		if !rising(h.keys) || h.data > len(b) {
			return false
		}
	}
	if !rising(h.vals) || h.data+h.end(h.vals, h.n-1) != len(b) {
		return false
	}
	for i := range h.n {
		if tag == tagObject && i > 0 && compareKeys(h.key(i-1), h.key(i)) >= 0 || !valid(h.val(i), depth+1) {
			return false
		}
	}
	return true
}
