package datum

import (
	"encoding/binary"
	"math"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// intWidth is how many bytes an Int64 type has on the wire.
func intWidth(oid OID) int {
	switch oid {
	case Int2:
		return 2
	case Int8, Timestamp, TimestampTZ, Time, Money, PgLSN, Xid8:
		return 8
	}
	return 4
}

// AppendBinary appends the binary wire form of row i of c, which is not null.
func AppendBinary(dst []byte, t Type, c *vec.Column, i int, env *Env) ([]byte, error) {
	switch c.Kind {
	case vec.Bool:
		if c.Bool(i) {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case vec.Int64:
		return appendIntBinary(dst, t.OID, c.Int(i)), nil
	case vec.Float64:
		if t.OID == Float4 {
			return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(c.Float(i)))), nil
		}
		f := c.Float(i)
		if math.IsNaN(f) {
			return binary.BigEndian.AppendUint64(dst, floatKey(f)), nil
		}
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(f)), nil
	case vec.Decimal:
		return c.Decimal(i).AppendWire(dst), nil
	case vec.Interval:
		v := c.Interval(i)
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.Micros))
		dst = binary.BigEndian.AppendUint32(dst, uint32(v.Days))
		return binary.BigEndian.AppendUint32(dst, uint32(v.Months)), nil
	case vec.Bytes:
		if IsComposite(t.OID) {
			if row, ok := unpacked(t.OID, c.Bytes(i)); ok {
				return appendRecordBinary(dst, t, row, 0, env)
			}
		}
		return appendBytesBinary(dst, t.OID, c.Bytes(i)), nil
	case vec.List:
		return appendArrayBinary(dst, t, c, i, env)
	case vec.Struct:
		return appendRecordBinary(dst, t, c, i, env)
	}
	return nil, pgerr.New(pgerr.UndefinedFunction, "no binary output function available for type %s", FormatType(t))
}

func appendIntBinary(dst []byte, oid OID, v int64) []byte {
	if o := OwnOf(oid); o != nil {
		return append(dst, o.Text(v)...)
	}
	switch {
	case oid == TimeTZ:
		micros, east := UnpackTimeTZ(v)
		dst = binary.BigEndian.AppendUint64(dst, uint64(micros))
		return binary.BigEndian.AppendUint32(dst, uint32(-east))
	case oid == Tid:
		dst = binary.BigEndian.AppendUint32(dst, uint32(v>>16))
		return binary.BigEndian.AppendUint16(dst, uint16(v))
	case intWidth(oid) == 2:
		return binary.BigEndian.AppendUint16(dst, uint16(v))
	case intWidth(oid) == 8:
		return binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(v))
}

func appendBytesBinary(dst []byte, oid OID, v []byte) []byte {
	switch oid {
	case JSONB:
		return jsonb.AppendText(append(dst, 1), jsonb.Value(v))
	case JSONPath:
		return append(append(dst, 1), v...)
	case Bit, Varbit:
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v)))
		for k := 0; k < len(v); k += 8 {
			var b byte
			for n := k; n < min(k+8, len(v)); n++ {
				b |= (v[n] - '0') << (7 - n%8)
			}
			dst = append(dst, b)
		}
		return dst
	case Inet, Cidr:
		family, cidr := byte(2), byte(0)
		if len(v) == 17 {
			family = 3
		}
		if oid == Cidr {
			cidr = 1
		}
		return append(append(dst, family, v[0], cidr, byte(len(v)-1)), v[1:]...)
	}
	return append(dst, v...)
}

// appendSized appends the length of a value and the value, -1 for a null.
func appendSized(dst []byte, t Type, c *vec.Column, i int, env *Env) ([]byte, error) {
	if c.Null(i) {
		return binary.BigEndian.AppendUint32(dst, math.MaxUint32), nil
	}
	at := len(dst)
	dst, err := AppendBinary(append(dst, 0, 0, 0, 0), t, c, i, env)
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst, nil
}

func appendArrayBinary(dst []byte, t Type, c *vec.Column, i int, env *Env) ([]byte, error) {
	child, from, to := c.List(i)
	et := elemType(t, child)
	dims, nulls := c.Dims(i), uint32(0)
	if dims == nil && (t.OID == OidVector || t.OID == Int2Vector) {
		dims = []vec.Dim{{Len: int32(to - from), Lower: 0}}
	}
	for k := from; k < to; k++ {
		if child.Null(k) {
			nulls = 1
		}
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(dims)))
	dst = binary.BigEndian.AppendUint32(dst, nulls)
	dst = binary.BigEndian.AppendUint32(dst, uint32(Public(et.OID)))
	for _, d := range dims {
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.Len))
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.Lower))
	}
	var err error
	for k := from; k < to; k++ {
		if dst, err = appendSized(dst, et, child, k, env); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func appendRecordBinary(dst []byte, t Type, c *vec.Column, i int, env *Env) ([]byte, error) {
	fields := RecordFields(t)
	c, i = structAt(c, i)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(c.Fields)))
	var err error
	for k, f := range c.Fields {
		ft := fieldType(fields, k, f)
		dst = binary.BigEndian.AppendUint32(dst, uint32(Public(ft.OID)))
		if dst, err = appendSized(dst, ft, f, i, env); err != nil {
			return nil, err
		}
	}
	return dst, nil
}
