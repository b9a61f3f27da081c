package funcs

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// integerRange is the range of an integer type and its name in messages.
type integerRange struct {
	lo, hi int64
	name   string
}

var integerRanges = map[datum.OID]integerRange{
	datum.Int2: {math.MinInt16, math.MaxInt16, "smallint"},
	datum.Int4: {math.MinInt32, math.MaxInt32, "integer"},
	datum.Int8: {math.MinInt64, math.MaxInt64, "bigint"},
}

// outOfRange is the error of a value that an integer type does not hold.
func outOfRange(t datum.OID) error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "%s out of range", integerRanges[t].name)
}

// numberCasts are the conversions among the numeric types, and integer to and from boolean.
func numberCasts() []Cast {
	rank := []datum.OID{datum.Int2, datum.Int4, datum.Int8, datum.Numeric, datum.Float4, datum.Float8}
	var out []Cast
	for fi, from := range rank {
		for ti, to := range rank {
			if from == to {
				continue
			}
			ctx := Assignment
			if ti > fi {
				ctx = Implicit
			}
			out = append(out, Cast{From: from, To: to, Context: ctx, Body: numberBody(from, to)})
		}
	}
	return append(out,
		Cast{From: datum.Numeric, To: datum.Numeric, Context: Implicit},
		Cast{From: datum.Int4, To: datum.Bool, Context: Explicit, Body: each(vec.Bool, func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			b.AppendBool(arg.Int(i) != 0)
			return nil
		})},
		Cast{From: datum.Bool, To: datum.Int4, Context: Explicit, Body: each(vec.Int64, func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			if arg.Bool(i) {
				b.AppendInt(1)
			} else {
				b.AppendInt(0)
			}
			return nil
		})})
}

// numberBody converts between two numeric types; nil where every physical value stays.
func numberBody(from, to datum.OID) castBody {
	fromKind := datum.KindOf(from)
	switch {
	case fromKind == vec.Int64 && datum.KindOf(to) == vec.Int64:
		r := integerRanges[to]
		if s := integerRanges[from]; s.lo >= r.lo {
			return nil
		}
		return each(vec.Int64, func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			v := arg.Int(i)
			if v < r.lo || v > r.hi {
				return outOfRange(to)
			}
			b.AppendInt(v)
			return nil
		})
	case fromKind == vec.Int64:
		return each(datum.KindOf(to), func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error { return fromInteger(b, to, arg.Int(i)) })
	case fromKind == vec.Float64:
		if from == datum.Float4 && to == datum.Float8 {
			return nil
		}
		return each(datum.KindOf(to), func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			return fromFloat(b, from, to, arg.Float(i))
		})
	}
	return each(datum.KindOf(to), func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
		return appendNumber(b, to, arg.Decimal(i))
	})
}

func fromInteger(b *vec.Builder, to datum.OID, v int64) error {
	switch to {
	case datum.Numeric:
		b.AppendDecimal(decimal.FromInt64(v))
	case datum.Float4:
		b.AppendFloat(float64(float32(v)))
	default:
		b.AppendFloat(float64(v))
	}
	return nil
}

// fromFloat rounds to the nearest integer, halves to even, as PostgreSQL's rint does.
func fromFloat(b *vec.Builder, from, to datum.OID, v float64) error {
	switch to {
	case datum.Float4:
		f := float64(float32(v))
		switch {
		case math.IsInf(f, 0) && !math.IsInf(v, 0):
			return pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
		case f == 0 && v != 0:
			return pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: underflow")
		}
		b.AppendFloat(f)
	case datum.Float8:
		b.AppendFloat(v)
	case datum.Numeric:
		if from == datum.Float4 {
			b.AppendDecimal(decimal.FromFloat32(float32(v)))
		} else {
			b.AppendDecimal(decimal.FromFloat64(v))
		}
	default:
		r, v := integerRanges[to], math.RoundToEven(v)
		if math.IsNaN(v) || v < float64(r.lo) || v >= float64(r.hi)+1 || to == datum.Int8 && v >= math.MaxInt64 {
			return outOfRange(to)
		}
		b.AppendInt(int64(v))
	}
	return nil
}

// appendNumber appends an exact number as the type.
func appendNumber(b *vec.Builder, to datum.OID, d decimal.Dec) error {
	switch to {
	case datum.Numeric:
		b.AppendDecimal(d)
		return nil
	case datum.Float4, datum.Float8:
		f := d.Float64()
		if to == datum.Float4 {
			f = float64(float32(f))
		}
		if d.IsFinite() && (math.IsInf(f, 0) || f == 0 && d.Sign() != 0) {
			return pgerr.New(pgerr.NumericValueOutOfRange, "%q is out of range for type %s", d.String(), datum.Lookup(to).SQLName)
		}
		b.AppendFloat(f)
		return nil
	}
	r := integerRanges[to]
	switch {
	case d.Form == decimal.NaN:
		return pgerr.New(pgerr.FeatureNotSupported, "cannot convert NaN to %s", r.name)
	case !d.IsFinite():
		return pgerr.New(pgerr.FeatureNotSupported, "cannot convert infinity to %s", r.name)
	}
	v, ok := d.Int64()
	if !ok || v < r.lo || v > r.hi {
		return outOfRange(to)
	}
	b.AppendInt(v)
	return nil
}
