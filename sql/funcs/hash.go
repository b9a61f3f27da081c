package funcs

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// The hashes are PostgreSQL's, which is Bob Jenkins' lookup3 read as little endian: people shard and lock by them.

type lookup3 struct{ a, b, c uint32 }

func newLookup3(n int, seed uint64) lookup3 {
	start := 0x9e3779b9 + uint32(n) + 3923095
	h := lookup3{start, start, start}
	if seed != 0 {
		h.a += uint32(seed >> 32)
		h.b += uint32(seed)
		h.mix()
	}
	return h
}

func (h *lookup3) mix() {
	for _, r := range [2][3]int{{4, 6, 8}, {16, 19, 4}} {
		h.a = (h.a - h.c) ^ bits.RotateLeft32(h.c, r[0])
		h.c += h.b
		h.b = (h.b - h.a) ^ bits.RotateLeft32(h.a, r[1])
		h.a += h.c
		h.c = (h.c - h.b) ^ bits.RotateLeft32(h.b, r[2])
		h.b += h.a
	}
}

func (h *lookup3) final() uint64 {
	h.c = (h.c ^ h.b) - bits.RotateLeft32(h.b, 14)
	h.a = (h.a ^ h.c) - bits.RotateLeft32(h.c, 11)
	h.b = (h.b ^ h.a) - bits.RotateLeft32(h.a, 25)
	h.c = (h.c ^ h.b) - bits.RotateLeft32(h.b, 16)
	h.a = (h.a ^ h.c) - bits.RotateLeft32(h.c, 4)
	h.b = (h.b ^ h.a) - bits.RotateLeft32(h.a, 14)
	h.c = (h.c ^ h.b) - bits.RotateLeft32(h.b, 24)
	return uint64(h.b)<<32 | uint64(h.c)
}

// hashBytes is the long form; its low half with seed 0 is the short one.
func hashBytes(v []byte, seed uint64) uint64 {
	h := newLookup3(len(v), seed)
	for ; len(v) >= 12; v = v[12:] {
		h.a += binary.LittleEndian.Uint32(v)
		h.b += binary.LittleEndian.Uint32(v[4:])
		h.c += binary.LittleEndian.Uint32(v[8:])
		h.mix()
	}
	var rest [12]byte
	copy(rest[:8], v)
	if len(v) > 8 {
		copy(rest[9:], v[8:]) // the lowest byte of the third word belongs to the length
	}
	h.a += binary.LittleEndian.Uint32(rest[:])
	h.b += binary.LittleEndian.Uint32(rest[4:])
	h.c += binary.LittleEndian.Uint32(rest[8:])
	return h.final()
}

func hashInt4(v uint32, seed uint64) uint64 {
	h := newLookup3(4, seed)
	h.a += v
	return h.final()
}

// hashInt8 agrees with hashInt4 where both types hold the number.
func hashInt8(v int64, seed uint64) uint64 {
	high := uint32(v >> 32)
	if v < 0 {
		high = ^high
	}
	return hashInt4(uint32(v)^high, seed)
}

func hashFloat(f float64, seed uint64) uint64 {
	switch {
	case f == 0:
		return seed
	case math.IsNaN(f):
		return hashBytes(binary.LittleEndian.AppendUint64(nil, 0x7ff8000000000000), seed)
	}
	return hashBytes(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)), seed)
}

// hashDecimal hashes the digits to base 10,000 without zeros around them, and where they stand.
func hashDecimal(c *vec.Column, i int, seed uint64) uint64 {
	d := c.Decimal(i)
	if !d.IsFinite() {
		return seed
	}
	wire := d.AppendWire(nil)
	weight, digits := int16(binary.BigEndian.Uint16(wire[2:])), wire[8:]
	for len(digits) > 0 && digits[0] == 0 && digits[1] == 0 {
		digits = digits[2:]
		weight--
	}
	for len(digits) > 0 && digits[len(digits)-1] == 0 && digits[len(digits)-2] == 0 {
		digits = digits[:len(digits)-2]
	}
	if len(digits) == 0 {
		return seed - 1
	}
	swapped := make([]byte, len(digits))
	for k := 0; k < len(digits); k += 2 {
		swapped[k], swapped[k+1] = digits[k+1], digits[k]
	}
	return hashBytes(swapped, seed) ^ uint64(int64(weight))
}

// hashValue hashes row i of c; false for a type without such a hash.
func hashValue(t datum.Type, c *vec.Column, i int, seed uint64) (uint64, bool) {
	switch t.OID {
	case datum.Bool:
		if c.Bool(i) {
			return hashInt4(1, seed), true
		}
		return hashInt4(0, seed), true
	case datum.Char:
		if v := c.Bytes(i); len(v) > 0 {
			return hashInt4(uint32(int8(v[0])), seed), true
		}
		return hashInt4(0, seed), true
	case datum.Int2, datum.Int4, datum.Oid, datum.Date:
		return hashInt4(uint32(c.Int(i)), seed), true
	case datum.Int8, datum.Time, datum.Timestamp, datum.TimestampTZ, datum.PgLSN:
		return hashInt8(c.Int(i), seed), true
	case datum.TimeTZ:
		micros, east := datum.UnpackTimeTZ(c.Int(i))
		return hashInt8(micros, seed) ^ hashInt4(uint32(-east), seed), true
	case datum.Float4, datum.Float8:
		return hashFloat(c.Float(i), seed), true
	case datum.Numeric:
		return hashDecimal(c, i, seed), true
	case datum.Interval:
		v := c.Interval(i)
		return hashInt8(v.Micros+(int64(v.Months)*30+int64(v.Days))*datum.MicrosPerDay, seed), true
	case datum.BPChar:
		return hashBytes(bytes.TrimRight(c.Bytes(i), " "), seed), true
	case datum.Text, datum.Varchar, datum.Name, datum.Bytea, datum.UUID, datum.MacAddr:
		return hashBytes(c.Bytes(i), seed), true
	case datum.Inet, datum.Cidr:
		v := c.Bytes(i)
		return hashBytes(append([]byte{byte(2 + len(v)/17)}, v...), seed), true
	}
	if datum.Lookup(t.OID) != nil && datum.Lookup(t.OID).IsArray() {
		return hashArray(t, c, i, seed)
	}
	return 0, false
}

func hashArray(t datum.Type, c *vec.Column, i int, seed uint64) (uint64, bool) {
	child, from, to := c.List(i)
	elem := datum.ElemType(t, child)
	sum := uint64(1)
	for k := from; k < to; k++ {
		h := uint64(0)
		if !child.Null(k) {
			var ok bool
			if h, ok = hashValue(elem, child, k, seed); !ok {
				return 0, false
			}
		}
		sum = sum*31 + h
	}
	return sum, true
}

// hashFuncs are the hash functions of types: a short one of 32 bits, and a long one with a seed.
func hashFuncs() []Func {
	var out []Func
	for _, r := range []struct {
		short, long datum.OID
		name        string
		typ         datum.OID
	}{
		{454, 446, "hashchar", datum.Char}, {449, 441, "hashint2", datum.Int2}, {450, 425, "hashint4", datum.Int4},
		{949, 442, "hashint8", datum.Int8}, {453, 445, "hashoid", datum.Oid}, {451, 443, "hashfloat4", datum.Float4},
		{452, 444, "hashfloat8", datum.Float8}, {400, 448, "hashtext", datum.Text}, {455, 447, "hashname", datum.Name},
		{1080, 972, "hashbpchar", datum.BPChar}, {432, 780, "hash_numeric", datum.Numeric}, {626, 782, "hash_array", datum.AnyArray},
		{2963, 3412, "uuid_hash", datum.UUID}, {1688, 3409, "time_hash", datum.Time}, {2039, 3411, "timestamp_hash", datum.Timestamp},
		{1696, 3410, "timetz_hash", datum.TimeTZ}, {1697, 3418, "interval_hash", datum.Interval}, {399, 778, "hashmacaddr", datum.MacAddr},
		{422, 779, "hashinet", datum.Inet}, {3252, 3413, "pg_lsn_hash", datum.PgLSN},
	} {
		short := row(r.short, r.name, datum.Int4, "hash of 32 bits", nil, r.typ)
		short.BodyTyped = hashBody(false)
		name := r.name + "extended"
		if bytes.Contains([]byte(r.name), []byte("_hash")) || r.typ == datum.Numeric || r.typ == datum.AnyArray {
			name = r.name + "_extended"
		}
		long := row(r.long, name, datum.Int8, "hash of 64 bits, with a seed", nil, r.typ, datum.Int8)
		long.BodyTyped = hashBody(true)
		out = append(out, short, long)
	}
	return out
}

func hashBody(long bool) func(*Ctx, []datum.Type, []*vec.Column, int) (*vec.Column, error) {
	return func(_ *Ctx, types []datum.Type, a []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Int64, n)
		for i := range n {
			if anyNull(a, i) {
				b.AppendNull()
				continue
			}
			seed := uint64(0)
			if long {
				seed = uint64(a[1].Int(i))
			}
			h, ok := hashValue(types[0], a[0], i, seed)
			switch {
			case !ok:
				return nil, noHash(types[0])
			case long:
				b.AppendInt(int64(h))
			default:
				b.AppendInt(int64(int32(h)))
			}
		}
		return b.Finish(), nil
	}
}
