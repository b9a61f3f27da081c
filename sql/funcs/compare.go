package funcs

import (
	"bytes"
	"cmp"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// comparison is one of the six comparison operators, in the order of vec.Op.
type comparison uint8

const (
	cmpEq comparison = iota
	cmpNe
	cmpLt
	cmpLe
	cmpGt
	cmpGe
)

var comparisonSymbols = [...]string{cmpEq: "=", cmpNe: "<>", cmpLt: "<", cmpLe: "<=", cmpGt: ">", cmpGe: ">="}

// holds applies the comparison to a three-way result.
func (op comparison) holds(c int) bool {
	switch op {
	case cmpEq:
		return c == 0
	case cmpNe:
		return c != 0
	case cmpLt:
		return c < 0
	case cmpLe:
		return c <= 0
	case cmpGt:
		return c > 0
	}
	return c >= 0
}

// compareOperators are = <> < <= > >= for all ordered types.
func compareOperators() []Func {
	var out []Func
	for _, r := range comparisons {
		for op, oid := range []datum.OID{r.eq, r.ne, r.lt, r.le, r.gt, r.ge} {
			if oid == 0 {
				continue
			}
			f := Func{OID: oid, Name: comparisonSymbols[op], Args: []datum.OID{r.left, r.right}, Ret: datum.Bool, Strict: true, Volatile: Immutable, Doc: "comparison"}
			if r.left != r.right && (r.left == datum.TimestampTZ || r.right == datum.TimestampTZ) {
				f.Volatile = Stable // the session's zone decides
			}
			if r.left == datum.AnyArray || r.left == datum.Record {
				f.BodyTyped = compareTyped(comparison(op))
			} else {
				f.Body = compareBody(comparison(op), r.left, r.right)
			}
			out = append(out, f)
		}
	}
	return out
}

// compareTyped compares arrays and rows, whose types are known at the call.
func compareTyped(op comparison) func(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	return func(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
		return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			b.AppendBool(op.holds(datum.Compare(types[0], a[0], i, a[1], i)))
			return nil
		})(c, args, n)
	}
}

func compareBody(op comparison, left, right datum.OID) Body {
	same := left == right
	if left == datum.AnyEnum { // their numbers are in the order of the labels
		return compareBody(op, datum.Int8, datum.Int8)
	}
	switch datum.KindOf(left) {
	case vec.Int64:
		if same && left != datum.TimeTZ && left != datum.PgLSN && left != datum.Xid8 || integerRanges[left].name != "" || left == datum.Xid {
			return perEntry(func(_ *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
				return compareInts(op, a[0], a[1], n), nil
			})
		}
		if !same {
			return compareTimes(op, left, right)
		}
	case vec.Float64:
		return perEntry(func(_ *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
			return compareFloats(op, a[0], a[1], n), nil
		})
	case vec.Bytes:
		if left != datum.BPChar && left != datum.Inet {
			return perEntry(func(_ *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
				return compareBytes(op, a[0], a[1], n), nil
			})
		}
	case vec.Decimal:
		return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			b.AppendBool(op.holds(a[0].Decimal(i).Cmp(a[1].Decimal(i))))
			return nil
		})
	}
	t := datum.T(left)
	return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		b.AppendBool(op.holds(datum.Compare(t, a[0], i, a[1], i)))
		return nil
	})
}

// compareTimes compares dates and timestamps of different types: as timestamps, or as moments where one has a zone.
func compareTimes(op comparison, left, right datum.OID) Body {
	zoned := left == datum.TimestampTZ || right == datum.TimestampTZ
	at := func(c *Ctx, t datum.OID, v int64) int64 {
		if t == datum.Date {
			ts, err := dateToTimestamp(v)
			if err != nil {
				// Beyond what a timestamp holds: it still is before or after all of them.
				ts = datum.PosInfinity
				if v < 0 {
					ts = datum.NegInfinity
				}
			}
			v = ts
		}
		if zoned && t != datum.TimestampTZ {
			return toUTC(c.Env, v)
		}
		return v
	}
	return rowwise(vec.Bool, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		b.AppendBool(op.holds(cmp.Compare(at(c, left, a[0].Int(i)), at(c, right, a[1].Int(i)))))
		return nil
	})
}

// boolColumn wraps n result bits; a row is null where an argument is.
func boolColumn(bits vec.Bitmap, n int, args ...*vec.Column) *vec.Column {
	out := &vec.Column{Kind: vec.Bool, Len: n, Bits: bits}
	for _, a := range args {
		if valid := a.Validity(); valid != nil {
			out.Valid = vec.And(nil, out.Valid, valid, n)
		}
	}
	return out
}

// mirrored are the comparisons with their sides exchanged.
var mirrored = [...]comparison{cmpEq: cmpEq, cmpNe: cmpNe, cmpLt: cmpGt, cmpLe: cmpGe, cmpGt: cmpLt, cmpGe: cmpLe}

func compareInts(op comparison, a, b *vec.Column, n int) *vec.Column {
	out := vec.NewBitmap(n)
	switch {
	case a.Codes == nil && b.Codes == nil:
		vec.ComparePairs64(out, a.I64[:n], b.I64[:n], vec.Op(op))
	case a.Codes == nil && b.IsConst():
		vec.CompareInt64(out, a.I64[:n], vec.Op(op), b.Int(0))
	case b.Codes == nil && a.IsConst():
		vec.CompareInt64(out, b.I64[:n], vec.Op(mirrored[op]), a.Int(0))
	default:
		for i := range n {
			if op.holds(cmp.Compare(a.Int(i), b.Int(i))) {
				out.Set(i)
			}
		}
	}
	return boolColumn(out, n, a, b)
}

func compareFloats(op comparison, a, b *vec.Column, n int) *vec.Column {
	out := vec.NewBitmap(n)
	switch {
	case a.Codes == nil && b.Codes == nil:
		vec.ComparePairsFloat64(out, a.F64[:n], b.F64[:n], vec.Op(op))
	case a.Codes == nil && b.IsConst():
		vec.CompareFloat64(out, a.F64[:n], vec.Op(op), b.Float(0))
	case b.Codes == nil && a.IsConst():
		vec.CompareFloat64(out, b.F64[:n], vec.Op(mirrored[op]), a.Float(0))
	default:
		for i := range n {
			if op.holds(compareFloat(a.Float(i), b.Float(i))) {
				out.Set(i)
			}
		}
	}
	return boolColumn(out, n, a, b)
}

func compareBytes(op comparison, a, b *vec.Column, n int) *vec.Column {
	out := vec.NewBitmap(n)
	if a.IsConst() && b.Codes == nil {
		a, b, op = b, a, mirrored[op]
	}
	switch equality := op == cmpEq || op == cmpNe; {
	case equality && a.Codes == nil && b.IsConst():
		vec.EqualText(out, a.Offsets[:n+1], a.Data, b.Bytes(0))
		if op == cmpNe {
			vec.Not(out, out)
		}
	case equality:
		for i := range n {
			if bytes.Equal(a.Bytes(i), b.Bytes(i)) == (op == cmpEq) {
				out.Set(i)
			}
		}
	default:
		for i := range n {
			if op.holds(bytes.Compare(a.Bytes(i), b.Bytes(i))) {
				out.Set(i)
			}
		}
	}
	return boolColumn(out, n, a, b)
}
