package datum

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

func badBinary(t Type) error {
	return pgerr.New(pgerr.InvalidBinaryRepresentation, "incorrect binary data format for type %s", FormatType(T(t.OID)))
}

// ParseBinary reads the binary wire form of a value of type t, its modifier applied, and appends it to b.
func ParseBinary(t Type, s []byte, b *vec.Builder, env *Env) error {
	if t.Mod >= 0 && hasTypmod(t.OID) {
		one := NewBuilder(T(t.OID), 1)
		if err := ParseBinary(T(t.OID), s, one, env); err != nil {
			return err
		}
		c, err := ApplyTypmod(t, one.Finish(), false)
		if err == nil {
			b.AppendFrom(c, 0)
		}
		return err
	}
	switch KindOf(t.OID) {
	case vec.Bool:
		if len(s) != 1 {
			return badBinary(t)
		}
		b.AppendBool(s[0] != 0)
	case vec.Int64:
		return parseIntBinary(t, s, b)
	case vec.Float64:
		return parseFloatBinary(t, s, b)
	case vec.Decimal:
		d, err := decimal.DecodeWire(s)
		if err != nil {
			return badBinary(t)
		}
		b.AppendDecimal(d)
	case vec.Interval:
		if len(s) != 16 {
			return badBinary(t)
		}
		b.AppendInterval(vec.IntervalValue{
			Micros: int64(binary.BigEndian.Uint64(s)), Days: int32(binary.BigEndian.Uint32(s[8:])),
			Months: int32(binary.BigEndian.Uint32(s[12:])),
		})
	case vec.List:
		return parseArrayBinary(t, s, b, env)
	case vec.Struct:
		return parseRecordBinary(t, s, b, env)
	default:
		if IsComposite(t.OID) {
			return packedWith(t, b, func(row *vec.Builder) error { return parseRecordBinary(t, s, row, env) })
		}
		return b.AppendWith(func(dst []byte) ([]byte, error) { return parseBytesBinary(dst, t, s) })
	}
	return nil
}

func parseFloatBinary(t Type, s []byte, b *vec.Builder) error {
	switch {
	case t.OID == Float4 && len(s) == 4:
		b.AppendFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(s))))
	case t.OID == Float8 && len(s) == 8:
		b.AppendFloat(math.Float64frombits(binary.BigEndian.Uint64(s)))
	default:
		return badBinary(t)
	}
	return nil
}

func parseIntBinary(t Type, s []byte, b *vec.Builder) error {
	if o := OwnOf(t.OID); o != nil {
		n, err := o.number(string(s))
		if err == nil {
			b.AppendInt(n)
		}
		return err
	}
	var v int64
	switch w := intWidth(t.OID); {
	case t.OID == TimeTZ && len(s) == 12:
		v = PackTimeTZ(int64(binary.BigEndian.Uint64(s)), -int64(int32(binary.BigEndian.Uint32(s[8:]))))
	case t.OID == Tid && len(s) == 6:
		v = int64(binary.BigEndian.Uint32(s))<<16 | int64(binary.BigEndian.Uint16(s[4:]))
	case len(s) != w || t.OID == TimeTZ || t.OID == Tid:
		return badBinary(t)
	case w == 2:
		v = int64(int16(binary.BigEndian.Uint16(s)))
	case w == 8:
		v = int64(binary.BigEndian.Uint64(s))
	case t.OID == Int4 || t.OID == Date:
		v = int64(int32(binary.BigEndian.Uint32(s)))
	default:
		v = int64(binary.BigEndian.Uint32(s))
	}
	if err := checkRange(t.OID, v); err != nil {
		return err
	}
	b.AppendInt(v)
	return nil
}

func checkRange(oid OID, v int64) error {
	switch oid {
	case Date:
		if !ValidDate(v) && !IsInfiniteDate(v) {
			return pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range")
		}
	case Timestamp, TimestampTZ:
		if !ValidTimestamp(v) && !IsInfinite(v) {
			return pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range")
		}
	case Time:
		if v < 0 || v > MicrosPerDay {
			return pgerr.New(pgerr.DatetimeFieldOverflow, "time out of range")
		}
	}
	return nil
}

func parseBytesBinary(dst []byte, t Type, s []byte) ([]byte, error) {
	switch t.OID {
	case Bytea:
		return append(dst, s...), nil
	case UUID:
		if len(s) != 16 {
			return nil, badBinary(t)
		}
		return append(dst, s...), nil
	case JSONB, JSONPath:
		if len(s) == 0 || s[0] != 1 {
			return nil, pgerr.New(pgerr.InternalError, "unsupported %s version number %d", FormatType(t), firstByte(s))
		}
		return parseBytesText(dst, t, string(s[1:]))
	case Char:
		if len(s) != 1 {
			return nil, badBinary(t)
		}
		return append(dst, s[0]), nil
	case MacAddr:
		if len(s) != 6 {
			return nil, badBinary(t)
		}
		return append(dst, s...), nil
	case Inet, Cidr:
		if len(s) < 8 || int(s[3]) != len(s)-4 || len(s) != 8 && len(s) != 20 || int(s[1]) > 8*(len(s)-4) {
			return nil, badBinary(t)
		}
		return append(append(dst, s[1]), s[4:]...), nil
	case Bit, Varbit:
		return parseBitBinary(dst, t, s)
	}
	if !utf8.Valid(s) {
		return nil, badEncoding(string(s))
	}
	return parseBytesText(dst, t, string(s))
}

func firstByte(s []byte) byte {
	if len(s) == 0 {
		return 0
	}
	return s[0]
}

func parseBitBinary(dst []byte, t Type, s []byte) ([]byte, error) {
	if len(s) < 4 {
		return nil, badBinary(t)
	}
	n := int(binary.BigEndian.Uint32(s))
	s = s[4:]
	if n < 0 || (n+7)/8 != len(s) {
		return nil, badBinary(t)
	}
	for k := range n {
		dst = append(dst, '0'+s[k/8]>>(7-k%8)&1)
	}
	return dst, nil
}

// binReader takes counted values off a message.
type binReader struct {
	s  []byte
	ok bool
}

func (r *binReader) u32() uint32 {
	if len(r.s) < 4 {
		r.ok, r.s = false, nil
		return 0
	}
	v := binary.BigEndian.Uint32(r.s)
	r.s = r.s[4:]
	return v
}

// sized reads one value into eb.
func (r *binReader) sized(t Type, eb *vec.Builder, env *Env) error {
	n := int32(r.u32())
	if !r.ok || int(n) > len(r.s) {
		r.ok = false
		return nil
	}
	if n < 0 {
		eb.AppendNull()
		return nil
	}
	v := r.s[:n]
	r.s = r.s[n:]
	return ParseBinary(t, v, eb, env)
}

func parseArrayBinary(t Type, s []byte, b *vec.Builder, env *Env) error {
	r := &binReader{s: s, ok: true}
	dims, _, elem := r.u32(), r.u32(), OID(r.u32())
	want := ElemOf(t.OID)
	switch {
	case !r.ok || want == 0:
		return badBinary(t)
	case dims > MaxDims:
		return TooManyDims(int(dims))
	case elem != Public(want):
		return pgerr.New(pgerr.DatatypeMismatch, "binary data has array element type %d (%s) instead of expected %d (%s)",
			elem, FormatType(T(elem)), Public(want), FormatType(T(want)))
	}
	shape, n := make([]vec.Dim, dims), uint64(min(dims, 1))
	for k := range shape {
		shape[k] = vec.Dim{Len: int32(r.u32()), Lower: int32(r.u32())}
		if n *= uint64(uint32(shape[k].Len)); n*4 > uint64(len(s)) {
			return badBinary(t)
		}
	}
	if err := CheckDims(shape); err != nil {
		return err
	}
	eb := NewBuilder(T(want), int(n))
	for range n {
		if err := r.sized(T(want), eb, env); err != nil {
			return err
		}
	}
	if !r.ok || len(r.s) > 0 {
		return badBinary(t)
	}
	AppendArray(b, eb.Finish(), shape)
	return nil
}

func parseRecordBinary(t Type, s []byte, b *vec.Builder, env *Env) error {
	fields := RecordFields(t)
	if fields == nil {
		return pgerr.New(pgerr.FeatureNotSupported, "input of anonymous composite types is not implemented")
	}
	r := &binReader{s: s, ok: true}
	if n := r.u32(); int(n) != len(fields) {
		return pgerr.New(pgerr.DatatypeMismatch, "wrong number of columns: %d, expected %d", n, len(fields))
	}
	cols := make([]*vec.Column, len(fields))
	for k, f := range fields {
		fb := NewBuilder(f.Type, 1)
		if got := OID(r.u32()); got != Public(f.Type.OID) && r.ok {
			return pgerr.New(pgerr.DatatypeMismatch, "binary data has type %d (%s) instead of expected %d (%s) in record column %d",
				got, FormatType(T(got)), Public(f.Type.OID), FormatType(T(f.Type.OID)), k+1)
		}
		if err := r.sized(f.Type, fb, env); err != nil {
			return err
		}
		if !r.ok {
			return badBinary(t)
		}
		cols[k] = fb.Finish()
	}
	b.AppendFrom(&vec.Column{Kind: vec.Struct, Len: 1, Fields: cols}, 0)
	return nil
}
