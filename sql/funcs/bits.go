package funcs

import (
	"bytes"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// A bit string is kept as one '0' or '1' a bit, so most functions are those of text.

// bitFuncs are the functions on bit strings (PostgreSQL documentation, section 9.6).
func bitFuncs() []Func {
	size := func(f func(n int64) int64) Body {
		return rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			b.AppendInt(f(int64(len(a[0].Bytes(i)))))
			return nil
		})
	}
	same := func(n int64) int64 { return n }
	return []Func{
		row(1681, "length", datum.Int4, "number of bits", size(same), datum.Bit),
		row(1812, "bit_length", datum.Int4, "number of bits", size(same), datum.Bit),
		row(1682, "octet_length", datum.Int4, "number of bytes", size(func(n int64) int64 { return (n + 7) / 8 }), datum.Bit),
		row(6162, "bit_count", datum.Int8, "number of ones", rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			b.AppendInt(int64(bytes.Count(a[0].Bytes(i), []byte("1"))))
			return nil
		}), datum.Bit),
		row(1698, "position", datum.Int4, "where the second is in the first, from 1", rowwise(vec.Int64, bitPosition), datum.Bit, datum.Bit),
		row(1680, "substring", datum.Bit, "part of the string", bitBody(bitSubstring), datum.Bit, datum.Int4, datum.Int4),
		row(1699, "substring", datum.Bit, "the string from a place", bitBody(bitSubstring), datum.Bit, datum.Int4),
		row(3030, "overlay", datum.Bit, "the string with a part replaced", bitBody(bitOverlay), datum.Bit, datum.Bit, datum.Int4, datum.Int4),
		row(3031, "overlay", datum.Bit, "the string with a part replaced", bitBody(bitOverlay), datum.Bit, datum.Bit, datum.Int4),
		row(3032, "get_bit", datum.Int4, "a bit, from 0", rowwise(vec.Int64, getBit), datum.Bit, datum.Int4),
		row(3033, "set_bit", datum.Bit, "the string with a bit changed", bitBody(setBit), datum.Bit, datum.Int4, datum.Int4),
	}
}

// bitOperators are the operators on bit strings beside comparison.
func bitOperators() []Func {
	return []Func{
		bitOp(1791, "&", "bitwise and", bitwise("AND", bitAnd)),
		bitOp(1792, "|", "bitwise or", bitwise("OR", bitOr)),
		bitOp(1793, "#", "bitwise exclusive or", bitwise("XOR", bitXor)),
		row(1794, "~", datum.Bit, "bitwise not", bitBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
			for _, c := range a[0].Bytes(i) {
				dst = append(dst, c^1)
			}
			return dst, nil
		}), datum.Bit),
		row(1795, "<<", datum.Bit, "shift left", bitBody(bitShift(1)), datum.Bit, datum.Int4),
		row(1796, ">>", datum.Bit, "shift right", bitBody(bitShift(-1)), datum.Bit, datum.Int4),
		row(1797, "||", datum.Varbit, "both together", bitBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
			return append(append(dst, a[0].Bytes(i)...), a[1].Bytes(i)...), nil
		}), datum.Varbit, datum.Varbit),
	}
}

func bitBody(f func(dst []byte, a []*vec.Column, i int) ([]byte, error)) Body {
	return rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		return b.AppendWith(func(dst []byte) ([]byte, error) { return f(dst, a, i) })
	})
}

func bitOp(oid datum.OID, name, doc string, f bitPair) Func {
	body := bitBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) { return f(dst, a[0].Bytes(i), a[1].Bytes(i)) })
	return row(oid, name, datum.Bit, doc, body, datum.Bit, datum.Bit)
}

// A bitPair appends what it makes of two bit strings.
type bitPair func(dst, x, y []byte) ([]byte, error)

func bitAnd(x, y byte) byte { return x & y }
func bitOr(x, y byte) byte  { return x | y }
func bitXor(x, y byte) byte { return '0' + (x ^ y) }

func bitwise(what string, f func(x, y byte) byte) bitPair {
	return func(dst, x, y []byte) ([]byte, error) {
		if len(x) != len(y) {
			return nil, pgerr.New("22026", "cannot %s bit strings of different sizes", what)
		}
		for k := range x {
			dst = append(dst, f(x[k], y[k]))
		}
		return dst, nil
	}
}

func bitShift(sign int64) func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	return func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		v := a[0].Bytes(i)
		n := int64(len(v))
		by := max(min(a[1].Int(i)*sign, n), -n)
		for k := range n {
			if from := k + by; from >= 0 && from < n {
				dst = append(dst, v[from])
			} else {
				dst = append(dst, '0')
			}
		}
		return dst, nil
	}
}

func bitPosition(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	if len(a[0].Bytes(i)) == 0 {
		b.AppendInt(0)
		return nil
	}
	b.AppendInt(int64(bytes.Index(a[0].Bytes(i), a[1].Bytes(i)) + 1))
	return nil
}

// bitRange cuts [from, from+count) out of n places counted from 1.
func bitRange(n, from, count int64) (lo, hi int64, err error) {
	if count < 0 {
		return 0, 0, pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
	}
	lo, hi = max(from, 1), min(from+count, n+1)
	if hi < lo {
		hi = lo
	}
	return min(lo, n+1) - 1, min(hi, n+1) - 1, nil
}

func bitSubstring(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	v := a[0].Bytes(i)
	from, count := a[1].Int(i), int64(1)<<32
	if len(a) > 2 {
		count = a[2].Int(i)
	}
	lo, hi, err := bitRange(int64(len(v)), from, count)
	if err != nil {
		return nil, err
	}
	return append(dst, v[lo:hi]...), nil
}

func bitOverlay(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	v, with, from := a[0].Bytes(i), a[1].Bytes(i), a[2].Int(i)
	count := int64(len(with))
	if len(a) > 3 {
		count = a[3].Int(i)
	}
	if from <= 0 {
		return nil, pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
	}
	n := int64(len(v))
	dst = append(append(dst, v[:min(from-1, n)]...), with...)
	return append(dst, v[max(0, min(from-1+count, n)):]...), nil
}

func bitIndex(v []byte, k int64) error {
	if k < 0 || k >= int64(len(v)) {
		return pgerr.New(pgerr.ArraySubscriptError, "bit index %d out of valid range (0..%d)", k, len(v)-1)
	}
	return nil
}

func getBit(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	v, k := a[0].Bytes(i), a[1].Int(i)
	if err := bitIndex(v, k); err != nil {
		return err
	}
	b.AppendInt(int64(v[k] - '0'))
	return nil
}

func setBit(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	v, k, bit := a[0].Bytes(i), a[1].Int(i), a[2].Int(i)
	if err := bitIndex(v, k); err != nil {
		return nil, err
	}
	if bit != 0 && bit != 1 {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "new bit must be 0 or 1")
	}
	start := len(dst)
	dst = append(dst, v...)
	dst[start+int(k)] = '0' + byte(bit)
	return dst, nil
}

// bitCasts are the conversions between bit strings and integers.
func bitCasts() []Cast {
	toInt := func(width int) castBody {
		return each(vec.Int64, func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			v := arg.Bytes(i)
			if len(v) > width {
				return pgerr.New(pgerr.NumericValueOutOfRange, "%s out of range", map[int]string{32: "integer", 64: "bigint"}[width])
			}
			var n uint64
			for _, c := range v {
				n = n<<1 | uint64(c-'0')
			}
			if width == 32 {
				b.AppendInt(int64(int32(n)))
			} else {
				b.AppendInt(int64(n))
			}
			return nil
		})
	}
	return []Cast{
		{From: datum.Bit, To: datum.Varbit, Context: Implicit}, {From: datum.Varbit, To: datum.Bit, Context: Implicit},
		{From: datum.Bit, To: datum.Int4, Context: Explicit, Body: toInt(32)}, {From: datum.Bit, To: datum.Int8, Context: Explicit, Body: toInt(64)},
		{From: datum.Int4, To: datum.Bit, Context: Explicit, Body: intToBits}, {From: datum.Int8, To: datum.Bit, Context: Explicit, Body: intToBits},
	}
}

// intToBits gives the low bits of an integer, as many as the modifier says (one without it), with the sign repeated above.
func intToBits(_ *Ctx, arg *vec.Column, n int, mod int32, _ bool) (*vec.Column, error) {
	width := 1
	if l, ok := datum.LengthMod(datum.Type{OID: datum.Bit, Mod: mod}); ok {
		width = l
	}
	b := vec.NewBuilder(vec.Bytes, n)
	buf := make([]byte, width)
	for i := range n {
		if arg.Null(i) {
			b.AppendNull()
			continue
		}
		for k := range buf {
			buf[k] = '0' + byte(arg.Int(i)>>min(width-1-k, 63)&1)
		}
		b.AppendBytes(buf)
	}
	return b.Finish(), nil
}
