package jsonb

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"

	"github.com/allsource-db/allsource/vec/decimal"
)

// The low half of the tag byte.
const (
	tagNull = iota
	tagFalse
	tagTrue
	tagInt
	tagDec
	tagBig
	tagString
	tagArray
	tagObject
)

// Builder makes one value from calls in document order. Keys may come in any
// order and repeat; the last counts. Its buffers are kept over Reset, so that it
// allocates nothing once they have grown. The zero Builder is ready; Begin and End
// must pair, and in an object each value must follow its Key.
type Builder struct {
	buf   []byte // finished values; the open containers' so far
	keys  []byte
	tmp   []byte
	items []item
	stack []frame
}

// item is an element or field of an open container: spans of keys and buf.
type item struct{ key, keyEnd, val, valEnd int }

type frame struct {
	buf, keys, items int // where the container's parts begin
	object           bool
}

// Reset forgets what was built.
func (b *Builder) Reset() {
	b.buf, b.keys, b.items, b.stack = b.buf[:0], b.keys[:0], b.items[:0], b.stack[:0]
}

// AppendTo appends the finished value.
func (b *Builder) AppendTo(dst []byte) []byte { return append(dst, b.buf...) }

// Bytes gives the finished value, valid until the next call.
func (b *Builder) Bytes() Value { return b.buf }

// begin notes that a value begins here.
func (b *Builder) begin() {
	if n := len(b.stack); n > 0 && !b.stack[n-1].object {
		b.items = append(b.items, item{val: len(b.buf)})
	}
}

// BeginObject opens an object.
func (b *Builder) BeginObject() { b.open(true) }

// BeginArray opens an array.
func (b *Builder) BeginArray() { b.open(false) }

func (b *Builder) open(object bool) {
	b.begin()
	b.stack = append(b.stack, frame{len(b.buf), len(b.keys), len(b.items), object})
}

// Key names the field whose value comes next.
func (b *Builder) Key(k string) {
	n := len(b.keys)
	b.keys = append(b.keys, k...)
	b.items = append(b.items, item{key: n, keyEnd: len(b.keys), val: len(b.buf)})
}

// KeyBytes is Key; it does not keep k.
func (b *Builder) KeyBytes(k []byte) {
	n := len(b.keys)
	b.keys = append(b.keys, k...)
	b.items = append(b.items, item{key: n, keyEnd: len(b.keys), val: len(b.buf)})
}

// Null adds null.
func (b *Builder) Null() { b.begin(); b.buf = append(b.buf, tagNull) }

// Bool adds true or false.
func (b *Builder) Bool(v bool) {
	b.begin()
	if v {
		b.buf = append(b.buf, tagTrue)
	} else {
		b.buf = append(b.buf, tagFalse)
	}
}

// String adds a string, which must be UTF-8 without NUL.
func (b *Builder) String(s string) {
	b.begin()
	b.buf = append(binary.AppendUvarint(append(b.buf, tagString), uint64(len(s))), s...)
}

// StringBytes is String; it does not keep s.
func (b *Builder) StringBytes(s []byte) { b.begin(); b.buf = appendString(b.buf, s) }

// Int64 adds an integer.
func (b *Builder) Int64(n int64) { b.begin(); b.buf = appendNum(b.buf, n, 0) }

// Float64 adds the shortest number that reads back as f; NaN and infinities
// become strings, as to_jsonb makes them.
func (b *Builder) Float64(f float64) {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		b.Int64(int64(f))
		return
	}
	var buf [32]byte
	d, _ := decimal.ParseBytes(strconv.AppendFloat(buf[:0], f, 'g', -1, 64))
	b.Number(d)
}

// Number adds d; NaN and infinities become strings.
func (b *Builder) Number(d decimal.Dec) { b.begin(); b.buf = appendDec(b.buf, d) }

// Num adds a number the Scanner found; the error is an *Error when it is out of
// numeric's range, and nothing is added then.
func (b *Builder) Num(n Num) error {
	if n.Exact {
		b.begin()
		b.buf = appendNum(b.buf, n.Mantissa, n.Scale)
		return nil
	}
	if digits, exp, neg := longNumber(n.Raw); len(digits)+max(exp, 0) > 19 {
		if len(digits)+exp > decimal.MaxIntDigits || -exp > decimal.MaxScale {
			return overflow()
		}
		b.begin()
		b.buf = appendBig(b.buf, neg, digits, max(exp, 0), int32(max(-exp, 0)))
		return nil
	}
	d, err := n.Dec()
	if err == nil {
		b.Number(d)
	}
	return err
}

// Value adds a copy of v.
func (b *Builder) Value(v Value) { b.begin(); b.buf = append(b.buf, v...) }

// End closes the innermost open container.
func (b *Builder) End() {
	f := b.stack[len(b.stack)-1]
	b.stack = b.stack[:len(b.stack)-1]
	items := b.items[f.items:]
	for i := range items {
		items[i].valEnd = len(b.buf)
		if i > 0 {
			items[i-1].valEnd = items[i].val
		}
	}
	keys, sorted := 0, true
	if f.object {
		sorted = b.inOrder(items)
		if !sorted {
			items = b.sort(items)
		}
		for i := range items {
			keys += items[i].keyEnd - items[i].key
		}
	}
	vals := 0
	for i := range items {
		vals += items[i].valEnd - items[i].val
	}
	if !sorted {
		b.tmp = append(b.tmp[:0], b.buf[f.buf:]...)
	}
	b.layout(f, items, keys, vals, sorted)
	b.items = b.items[:f.items]
	b.keys = b.keys[:f.keys]
}

// layout writes the container over its values.
func (b *Builder) layout(f frame, items []item, keys, vals int, inPlace bool) {
	w := width(max(keys, vals))
	var head [16]byte
	tag, tables := byte(tagArray), 1
	if f.object {
		tag, tables = tagObject, 2
	}
	head[0] = tag | byte(w)<<4
	h := 1 + binary.PutUvarint(head[1:], uint64(len(items)))
	size := h + tables*w*len(items) + keys
	b.buf = slices.Grow(b.buf[:f.buf+lenIf(inPlace, vals)], size+vals)
	if inPlace {
		b.buf = b.buf[:f.buf+size+vals]
		copy(b.buf[f.buf+size:], b.buf[f.buf:f.buf+vals])
	}
	out := append(b.buf[:f.buf], head[:h]...)
	if f.object {
		end := 0
		for i := range items {
			end += items[i].keyEnd - items[i].key
			out = appendEnd(out, w, end)
		}
	}
	end := 0
	for i := range items {
		end += items[i].valEnd - items[i].val
		out = appendEnd(out, w, end)
	}
	if f.object {
		for i := range items {
			out = append(out, b.keys[items[i].key:items[i].keyEnd]...)
		}
	}
	if inPlace {
		b.buf = out[:len(out)+vals]
		return
	}
	for i := range items {
		out = append(out, b.tmp[items[i].val-f.buf:items[i].valEnd-f.buf]...)
	}
	b.buf = out
}

func lenIf(yes bool, n int) int {
	if yes {
		return n
	}
	return 0
}

// compareKeys is the order of keys: shorter first, then by bytes.
func compareKeys(a, b []byte) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

func (b *Builder) inOrder(items []item) bool {
	for i := 1; i < len(items); i++ {
		p, q := &items[i-1], &items[i]
		if compareKeys(b.keys[p.key:p.keyEnd], b.keys[q.key:q.keyEnd]) >= 0 {
			return false
		}
	}
	return true
}

// sort orders fields by key and keeps the last of equal keys.
func (b *Builder) sort(items []item) []item {
	cmp := func(p, q item) int {
		return compareKeys(b.keys[p.key:p.keyEnd], b.keys[q.key:q.keyEnd])
	}
	if len(items) <= 12 {
		for i := 1; i < len(items); i++ {
			for j := i; j > 0 && cmp(items[j], items[j-1]) < 0; j-- {
				items[j], items[j-1] = items[j-1], items[j]
			}
		}
	} else {
		slices.SortStableFunc(items, cmp)
	}
	out := items[:1]
	for _, it := range items[1:] {
		if cmp(out[len(out)-1], it) == 0 {
			out[len(out)-1] = it
		} else {
			out = append(out, it)
		}
	}
	return out
}

func width(n int) int {
	switch {
	case n < 1<<8:
		return 1
	case n < 1<<16:
		return 2
	}
	return 4
}

func appendEnd(dst []byte, w, end int) []byte {
	switch w {
	case 1:
		return append(dst, byte(end))
	case 2:
		return binary.LittleEndian.AppendUint16(dst, uint16(end))
	}
	return binary.LittleEndian.AppendUint32(dst, uint32(end))
}

func appendString(dst, s []byte) []byte {
	return append(binary.AppendUvarint(append(dst, tagString), uint64(len(s))), s...)
}

func appendNum(dst []byte, mantissa int64, scale int32) []byte {
	if scale == 0 {
		return binary.AppendVarint(append(dst, tagInt), mantissa)
	}
	return binary.AppendVarint(binary.AppendUvarint(append(dst, tagDec), uint64(scale)), mantissa)
}

func appendDec(dst []byte, d decimal.Dec) []byte {
	switch {
	case !d.IsFinite():
		return appendString(dst, d.AppendText(nil))
	case d.Big == nil:
		return appendNum(dst, d.Coef, d.Scale)
	}
	return appendBig(dst, d.Sign() < 0, new(big.Int).Abs(d.Big).Append(nil, 10), 0, d.Scale)
}

// appendBig appends digits * 10^zeros / 10^scale, which must not fit an int64.
func appendBig(dst []byte, neg bool, digits []byte, zeros int, scale int32) []byte {
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
		zeros++
	}
	m, _ := new(big.Int).SetString(string(digits), 10)
	mag := m.Bytes()
	dst = append(dst, tagBig, 0)
	if neg {
		dst[len(dst)-1] = 1
	}
	dst = binary.AppendUvarint(dst, uint64(scale))
	dst = binary.AppendUvarint(dst, uint64(zeros))
	return append(binary.AppendUvarint(dst, uint64(len(mag))), mag...)
}

// longNumber takes a number apart: ±digits * 10^exp, without leading zeros, so no
// digits for zero. What an exponent adds is never written out: a short text must
// not cost much memory or time.
func longNumber(raw []byte) (digits []byte, exp int, neg bool) {
	i := 0
	if raw[0] == '-' {
		neg, i = true, 1
	}
	point := false
	for ; i < len(raw) && raw[i]|0x20 != 'e'; i++ {
		if raw[i] == '.' {
			point = true
			continue
		}
		if point {
			exp--
		}
		if len(digits) > 0 || raw[i] != '0' {
			digits = append(digits, raw[i])
		}
	}
	if i < len(raw) {
		e, _ := exponent(raw, i+1)
		exp += e
	}
	if len(digits) == 0 {
		exp = 0
	}
	return digits, exp, neg
}
