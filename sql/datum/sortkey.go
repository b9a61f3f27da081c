package datum

import (
	"bytes"
	"encoding/binary"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

const signBit = 1 << 63

// AppendSortKey appends bytes whose order is that of Compare; nulls sort last, and no key is the beginning of another.
func AppendSortKey(dst []byte, t Type, c *vec.Column, i int) []byte {
	if c.Null(i) {
		return append(dst, 1)
	}
	dst = append(dst, 0)
	switch c.Kind {
	case vec.Bool:
		if c.Bool(i) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case vec.Int64:
		return intSortKey(dst, t.OID, c.Int(i))
	case vec.Float64:
		k := floatKey(c.Float(i))
		if k&signBit != 0 {
			k = ^k
		} else {
			k |= signBit
		}
		return binary.BigEndian.AppendUint64(dst, k)
	case vec.Decimal:
		return c.Decimal(i).AppendKey(dst)
	case vec.Interval:
		d, m := intervalSpan(c.Interval(i))
		dst = binary.BigEndian.AppendUint64(dst, uint64(d)^signBit)
		return binary.BigEndian.AppendUint64(dst, uint64(m))
	case vec.Bytes:
		return bytesSortKey(dst, t.OID, c.Bytes(i))
	case vec.List:
		return listSortKey(dst, t, c, i)
	case vec.Struct:
		fields := RecordFields(t)
		c, i = structAt(c, i)
		for k, f := range c.Fields {
			dst = AppendSortKey(dst, fieldType(fields, k, f), f, i)
		}
	}
	return dst
}

func intSortKey(dst []byte, oid OID, v int64) []byte {
	switch oid {
	case TimeTZ: // by the moment, then by the zone from east to west
		micros, east := UnpackTimeTZ(v)
		dst = binary.BigEndian.AppendUint64(dst, uint64(micros-east*MicrosPerSecond)^signBit)
		return binary.BigEndian.AppendUint64(dst, uint64(-east)^signBit)
	case Xid8, PgLSN:
		return binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(v)^signBit)
}

func bytesSortKey(dst []byte, oid OID, v []byte) []byte {
	switch oid {
	case JSONB:
		return jsonb.AppendKey(dst, jsonb.Value(v))
	case Inet, Cidr:
		return inetSortKey(dst, v)
	case BPChar:
		v = bytes.TrimRight(v, " ")
	}
	if IsComposite(oid) {
		if c, ok := unpacked(oid, v); ok {
			return AppendSortKey(dst, T(oid), c, 0)
		}
	}
	for _, b := range v {
		if dst = append(dst, b); b == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 0)
}

// inetSortKey orders by family, then by network, the wider before the narrower, then by the address in it.
func inetSortKey(dst, v []byte) []byte {
	dst = append(dst, byte(len(v)))
	bits := int(v[0])
	for k, b := range v[1:] {
		if keep := bits - 8*k; keep < 8 {
			b &= ^byte(0) << (8 - max(keep, 0))
		}
		dst = append(dst, b)
	}
	return append(append(dst, v[0]), v[1:]...)
}

// listSortKey is a 1 and the key for each element, a 0, and the dimensions.
func listSortKey(dst []byte, t Type, c *vec.Column, i int) []byte {
	child, from, to := c.List(i)
	et := elemType(t, child)
	for k := from; k < to; k++ {
		dst = AppendSortKey(append(dst, 1), et, child, k)
	}
	dims := c.Dims(i)
	dst = append(dst, 0, byte(len(dims)))
	for _, d := range dims {
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.Len))
	}
	for _, d := range dims {
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.Lower)^(1<<31))
	}
	return dst
}
