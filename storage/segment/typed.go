package segment

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// A typed column is values of one kind of package vec, for tables, whose columns are declared:
//
//	version, presence, the values of the present rows, checksum
//
// No values: nothing. Else by kind:
//
//	Int64     integers
//	Bool      integers 0 and 1
//	Float64   00, 8 bytes each; or 01, byte scale, integers: those divided by 10^scale
//	Bytes     texts
//	Decimal   00, numbers; or 01, texts of the storage form
//	Interval  three times integers: months, days, microseconds
//	List      integers: elements of each; byte 1 and texts of the shapes (per dimension uvarint length, varint lower bound), or byte 0;
//	          uvarint elements, the presence of the elements (all, or a bitmap), their values
const (
	floatsRaw = iota
	floatsScaled
)

const (
	decimalsNumbers = iota
	decimalsBinary
)

// maxFloatScale is up to which scale floats are tried as decimals.
const maxFloatScale = 6

// TypedEncoder encodes typed columns. It is used by one goroutine.
type TypedEncoder struct {
	e     *encoders
	types []uint16 // all rows are of one type
	rows  []uint16
	list  byteList
	node  node
}

// NewTypedEncoder returns an encoder.
func NewTypedEncoder() (*TypedEncoder, error) {
	e, err := newEncoders()
	return &TypedEncoder{e: e}, err
}

// Encode returns a column of at most MaxRows values and what zone maps tell of it.
func (t *TypedEncoder) Encode(c *vec.Column) ([]byte, Zone, error) {
	if c.Len > MaxRows {
		return nil, Zone{}, fmt.Errorf("segment: a column of %d values", c.Len)
	}
	for len(t.types) < c.Len {
		t.types = append(t.types, 0)
	}
	t.rows = t.rows[:0]
	for i := range c.Len {
		if !c.Null(i) {
			t.rows = append(t.rows, uint16(i))
		}
	}
	blob, _ := t.e.presence.append([]byte{formatVersion}, t.rows, c.Len, t.types[:c.Len], []int{c.Len})
	z := zone{rows: len(t.rows)}
	blob, err := t.values(blob, c, &z)
	return sealBlob(blob), Zone{z}, err
}

// values encodes those values that are not null.
func (t *TypedEncoder) values(dst []byte, c *vec.Column, z *zone) ([]byte, error) {
	if z.rows == 0 {
		return dst, nil
	}
	switch c.Kind {
	case vec.Int64, vec.Bool:
		return t.integers(dst, c, z), nil
	case vec.Float64:
		return t.floats(dst, c, z), nil
	case vec.Bytes:
		t.list.truncate(0)
		size := 0
		each(c, func(i int) { size += len(c.Bytes(i)) })
		t.list.grow(z.rows, size)
		each(c, func(i int) { t.list.add(c.Bytes(i)) })
		dst = t.e.texts.append(dst, &t.list)
		z.has = hasString
		t.e.zoneTexts(&t.list, z)
		z.filter = false
		return dst, nil
	case vec.Decimal:
		return t.decimals(dst, c, z), nil
	case vec.Interval:
		for part := range 3 {
			nums := t.e.nums[:0]
			each(c, func(i int) {
				v := c.Interval(i)
				nums = append(nums, [3]int64{int64(v.Months), int64(v.Days), v.Micros}[part])
			})
			dst = t.e.ints.append(dst, nums, false)
			t.e.nums = nums
		}
		return dst, nil
	case vec.List:
		return t.lists(dst, c)
	}
	return nil, fmt.Errorf("segment: a column of kind %d", c.Kind)
}

// each calls f for the rows that are not null.
func each(c *vec.Column, f func(i int)) {
	for i := range c.Len {
		if !c.HasNulls() || !c.Null(i) {
			f(i)
		}
	}
}

func (t *TypedEncoder) integers(dst []byte, c *vec.Column, z *zone) []byte {
	nums := t.e.nums[:0]
	each(c, func(i int) {
		switch {
		case c.Kind == vec.Int64:
			nums = append(nums, c.Int(i))
		case c.Bool(i):
			nums = append(nums, 1)
		default:
			nums = append(nums, 0)
		}
	})
	t.e.nums = nums
	if c.Kind == vec.Int64 {
		z.setNumbers(nums, 0)
	}
	return t.e.ints.append(dst, nums, c.Kind == vec.Int64)
}

func (t *TypedEncoder) floats(dst []byte, c *vec.Column, z *zone) []byte {
	lo, hi, odd := math.Inf(1), math.Inf(-1), false
	each(c, func(i int) {
		v := c.Float(i)
		lo, hi, odd = math.Min(lo, v), math.Max(hi, v), odd || v-v != 0
	})
	if !odd {
		z.numbers, z.lowNum, z.highNum = zoneFloats, lo, hi
		for scale := range uint8(maxFloatScale + 1) {
			if nums, ok := t.scaled(c, scale); ok {
				return t.e.ints.append(append(dst, floatsScaled, scale), nums, true)
			}
		}
	}
	dst = append(dst, floatsRaw)
	each(c, func(i int) { dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.Float(i))) })
	return dst
}

// scaled gives integers that, divided by 10^scale, are the floats to the last bit.
func (t *TypedEncoder) scaled(c *vec.Column, scale uint8) ([]int64, bool) {
	const most = 1 << 52
	nums, ok := t.e.nums[:0], true
	for i := 0; i < c.Len && ok; i++ {
		if c.HasNulls() && c.Null(i) {
			continue
		}
		f := c.Float(i)
		m := math.Round(f * float10[scale])
		n := int64(m) // of the negative zero too, whose sign an integer has not
		ok = math.Abs(m) < most && math.Float64bits(float64(n)/float10[scale]) == math.Float64bits(f)
		nums = append(nums, n)
	}
	t.e.nums = nums
	return nums, ok
}

func (t *TypedEncoder) decimals(dst []byte, c *vec.Column, z *zone) []byte {
	n := &t.node
	n.nums, n.scales = n.nums[:0], n.scales[:0]
	small := true
	each(c, func(i int) {
		v := c.Decimal(i)
		small = small && v.Form == decimal.Finite && v.Big == nil && v.Scale <= 18
		n.nums, n.scales = append(n.nums, v.Coef), append(n.scales, uint8(v.Scale))
	})
	if small {
		return t.e.numbers(append(dst, decimalsNumbers), n, z)
	}
	t.list.truncate(0)
	each(c, func(i int) {
		t.list.data = c.Decimal(i).AppendBinary(t.list.data)
		t.list.ends = append(t.list.ends, uint32(len(t.list.data)))
	})
	return t.e.texts.append(append(dst, decimalsBinary), &t.list)
}

func (t *TypedEncoder) lists(dst []byte, c *vec.Column) ([]byte, error) {
	var counts []int64
	var shapes byteList
	var places []int32
	var child *vec.Column
	shaped := false
	each(c, func(i int) {
		var from, to int
		child, from, to = c.List(i)
		counts = append(counts, int64(to-from))
		for k := from; k < to; k++ {
			places = append(places, int32(k))
		}
		for _, d := range c.Shape(i) {
			shapes.data = binary.AppendVarint(binary.AppendUvarint(shapes.data, uint64(d.Len)), int64(d.Lower))
			shaped = true
		}
		shapes.ends = append(shapes.ends, uint32(len(shapes.data)))
	})
	dst = t.e.ints.append(dst, counts, false)
	if dst = append(dst, 0); shaped {
		dst[len(dst)-1] = 1
		dst = t.e.texts.append(dst, &shapes)
	}
	elements := child.Take(places)
	dst = binary.AppendUvarint(dst, uint64(elements.Len))
	z := zone{rows: elements.Len}
	if valid := elements.Validity(); valid == nil {
		dst = append(dst, presentAll)
	} else {
		z.rows = valid.Count(elements.Len)
		dst = appendBits(append(dst, presentBitmap), valid, elements.Len)
	}
	return t.values(dst, elements, &z)
}

// Zone is what is known of the values of a column without looking at them.
type Zone struct{ z zone }

// Append encodes the zone.
func (z Zone) Append(dst []byte) []byte { return z.z.append(dst, 0) }

// ParseZone is the inverse of Append, for a column of so many rows.
func ParseZone(data []byte, rows int) (Zone, error) {
	p := &parser{buf: append(data[:len(data):len(data)], make([]byte, trailerLen)...), end: len(data)}
	z := parseZone(p, rows, 0)
	return Zone{z}, p.finish()
}

// MayMatch reports whether a value can satisfy the comparison; false is certain. What values are is as Pred has it.
func (z Zone) MayMatch(op Op, values *vec.Column) bool {
	if z.z.rows == 0 {
		return false // all are null
	}
	if op >= NotNull || values == nil || values.Len == 0 {
		return true
	}
	p := Pred{Op: op, Values: values}
	switch {
	case z.z.numbers == zoneInts:
		return matchInts(p, z.z.lowInt, z.z.highInt)
	case z.z.numbers == zoneFloats:
		return matchFloats(p, math.Nextafter(z.z.lowNum, math.Inf(-1)), math.Nextafter(z.z.highNum, math.Inf(1)))
	case z.z.has == hasString && values.Kind == vec.Bytes:
		return anyValue(p, func(i int) bool { return z.z.mayHold(op, values.Bytes(i)) })
	}
	return true
}
