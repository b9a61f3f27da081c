package funcs

import (
	"math"
	"math/rand/v2"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

func ffunc(oid datum.OID, name, doc string, f func(a float64) float64) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.Float8}, Ret: datum.Float8, Strict: true, Volatile: Immutable, Doc: doc,
		Body: float1(func(a float64) (float64, error) { return f(a), nil })}
}

// ranged is ffunc with a domain and the check that a finite argument gives a finite result.
var errOutOfRange = pgerr.New(pgerr.NumericValueOutOfRange, "input is out of range")

// ranged is a function with a domain whose results are finite.
func ranged(oid datum.OID, name, doc string, ok func(a float64) bool, f func(a float64) float64) Func {
	return domained(oid, name, doc, ok, func(a float64) (float64, error) {
		v := f(a)
		if math.IsInf(v, 0) && !math.IsInf(a, 0) {
			return 0, errOverflow
		}
		return v, nil
	})
}

// unbounded is a function with a domain and poles: there it is infinite.
func unbounded(oid datum.OID, name, doc string, ok func(a float64) bool, f func(a float64) float64) Func {
	return domained(oid, name, doc, ok, func(a float64) (float64, error) { return f(a), nil })
}

func domained(oid datum.OID, name, doc string, ok func(a float64) bool, f func(a float64) (float64, error)) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.Float8}, Ret: datum.Float8, Strict: true, Volatile: Immutable, Doc: doc,
		Body: float1(func(a float64) (float64, error) {
			if !math.IsNaN(a) && !ok(a) {
				return 0, errOutOfRange
			}
			return f(a)
		})}
}

func logf(oid datum.OID, name, doc string, f func(a float64) float64) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.Float8}, Ret: datum.Float8, Strict: true, Volatile: Immutable, Doc: doc,
		Body: float1(func(a float64) (float64, error) {
			switch {
			case a == 0:
				return 0, pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of zero")
			case a < 0:
				return 0, pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of a negative number")
			}
			return f(a), nil
		})}
}

func dfunc(oid datum.OID, name, doc string, f func(a decimal.Dec) (decimal.Dec, error)) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.Numeric}, Ret: datum.Numeric, Strict: true, Volatile: Immutable, Doc: doc, Body: dec1(f)}
}

func dfunc2(oid datum.OID, name, doc string, f func(a, b decimal.Dec) (decimal.Dec, error)) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.Numeric, datum.Numeric}, Ret: datum.Numeric, Strict: true, Volatile: Immutable, Doc: doc, Body: dec2(f)}
}

func ifunc2(oid datum.OID, name string, t datum.OID, doc string, f func(a, b int64) (int64, error)) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{t, t}, Ret: t, Strict: true, Volatile: Immutable, Doc: doc, Body: int2(f)}
}

func absFunc(oid, t datum.OID) Func {
	return Func{OID: oid, Name: "abs", Args: []datum.OID{t}, Ret: t, Strict: true, Volatile: Immutable, Doc: "absolute value", Body: prefixBody("@", t)}
}

func whole(f func(decimal.Dec) decimal.Dec) func(decimal.Dec) (decimal.Dec, error) {
	return func(a decimal.Dec) (decimal.Dec, error) { return f(a), nil }
}

func inUnit(a float64) bool   { return a >= -1 && a <= 1 }
func isFinite(a float64) bool { return !math.IsInf(a, 0) }
func anyFloat(float64) bool   { return true }

func atLeastOne(a float64) bool { return a >= 1 }

// mathFuncs are the mathematical functions (PostgreSQL documentation, section 9.3).
var mathFuncs = []Func{
	absFunc(1398, datum.Int2), absFunc(1397, datum.Int4), absFunc(1396, datum.Int8), absFunc(1394, datum.Float4), absFunc(1395, datum.Float8), absFunc(1705, datum.Numeric),
	ffunc(2308, "ceil", "nearest integer that is not less", math.Ceil), ffunc(2320, "ceiling", "nearest integer that is not less", math.Ceil),
	ffunc(2309, "floor", "nearest integer that is not greater", math.Floor), ffunc(1342, "round", "nearest integer, halves to even", math.RoundToEven),
	ffunc(1343, "trunc", "integer part", math.Trunc), ffunc(1345, "cbrt", "cube root", math.Cbrt),
	ffunc(2310, "sign", "-1, 0 or 1", sign),
	ranged(1608, "degrees", "radians to degrees", func(float64) bool { return true }, func(a float64) float64 { return a / (math.Pi / 180) }), ffunc(1609, "radians", "degrees to radians", func(a float64) float64 { return a * (math.Pi / 180) }),
	{OID: 1344, Name: "sqrt", Args: []datum.OID{datum.Float8}, Ret: datum.Float8, Strict: true, Volatile: Immutable, Doc: "square root", Body: float1(floatSqrt)},
	ranged(1347, "exp", "e to the power", anyFloat, math.Exp),
	logf(1341, "ln", "natural logarithm", math.Log), logf(1340, "log", "logarithm to base 10", math.Log10), logf(1194, "log10", "logarithm to base 10", math.Log10),
	ranged(1601, "acos", "inverse cosine", inUnit, math.Acos), ranged(1600, "asin", "inverse sine", inUnit, math.Asin), ffunc(1602, "atan", "inverse tangent", math.Atan),
	ranged(1605, "cos", "cosine", isFinite, math.Cos), ranged(1604, "sin", "sine", isFinite, math.Sin), ranged(1606, "tan", "tangent", isFinite, math.Tan),
	unbounded(1607, "cot", "cotangent", isFinite, func(a float64) float64 { return 1 / math.Tan(a) }),
	ffunc(2462, "sinh", "hyperbolic sine", sinh), ffunc(2463, "cosh", "hyperbolic cosine", cosh), ffunc(2464, "tanh", "hyperbolic tangent", tanh),
	ffunc(2465, "asinh", "inverse hyperbolic sine", math.Asinh), ranged(2466, "acosh", "inverse hyperbolic cosine", atLeastOne, math.Acosh), unbounded(2467, "atanh", "inverse hyperbolic tangent", inUnit, math.Atanh),
	{OID: 1603, Name: "atan2", Args: []datum.OID{datum.Float8, datum.Float8}, Ret: datum.Float8, Strict: true, Volatile: Immutable, Doc: "inverse tangent of the quotient", Body: float2(func(a, b float64) (float64, error) { return math.Atan2(a, b), nil })},
	{OID: 1368, Name: "power", Args: []datum.OID{datum.Float8, datum.Float8}, Ret: datum.Float8, Strict: true, Volatile: Immutable, Doc: "the first to the power of the second", Body: float2(floatPower)},
	{OID: 1346, Name: "pow", Args: []datum.OID{datum.Float8, datum.Float8}, Ret: datum.Float8, Strict: true, Volatile: Immutable, Doc: "the first to the power of the second", Body: float2(floatPower)},
	{OID: 1610, Name: "pi", Ret: datum.Float8, Volatile: Immutable, Doc: "π", Body: func(_ *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
		return vec.Repeat(&vec.Column{Kind: vec.Float64, Len: 1, F64: []float64{math.Pi}}, 0, n), nil
	}},
	{OID: 1598, Name: "random", Ret: datum.Float8, Volatile: Volatile, Doc: "a random number from 0 up to 1", Body: func(_ *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Float64, n)
		for range n {
			b.AppendFloat(rand.Float64())
		}
		return b.Finish(), nil
	}},
	dfunc(1711, "ceil", "nearest integer that is not less", whole(decimal.Dec.Ceil)), dfunc(2167, "ceiling", "nearest integer that is not less", whole(decimal.Dec.Ceil)),
	dfunc(1712, "floor", "nearest integer that is not greater", whole(decimal.Dec.Floor)),
	dfunc(1708, "round", "nearest integer, halves away from zero", func(a decimal.Dec) (decimal.Dec, error) { return a.Round(0), nil }),
	dfunc(1710, "trunc", "integer part", func(a decimal.Dec) (decimal.Dec, error) { return a.Trunc(0), nil }),
	dfunc(1706, "sign", "-1, 0 or 1", func(a decimal.Dec) (decimal.Dec, error) {
		if a.Form == decimal.NaN {
			return a, nil
		}
		return decimal.FromInt64(int64(a.Sign())), nil
	}),
	dfunc(1730, "sqrt", "square root", decimal.Dec.Sqrt), dfunc(1732, "exp", "e to the power", decimal.Dec.Exp), dfunc(1734, "ln", "natural logarithm", decimal.Dec.Ln),
	dfunc(1741, "log", "logarithm to base 10", decimal.Dec.Log10), dfunc(1481, "log10", "logarithm to base 10", decimal.Dec.Log10), dfunc(5043, "trim_scale", "without zeros at the end", whole(decimal.Dec.TrimScale)),
	dfunc2(1736, "log", "logarithm of the second to the base of the first", decimal.Log), dfunc2(2169, "power", "the first to the power of the second", decimal.Dec.Power), dfunc2(1738, "pow", "the first to the power of the second", decimal.Dec.Power),
	dfunc2(1728, "mod", "remainder", decimal.Dec.Rem), dfunc2(1973, "div", "quotient, cut towards zero", decimal.Dec.DivTrunc),
	dfunc2(5048, "gcd", "greatest common divisor", decimal.Gcd), dfunc2(5049, "lcm", "least common multiple", decimal.Lcm),
	roundTo(1707, "round", "rounded to so many digits after the point", decimal.Dec.Round), roundTo(1709, "trunc", "cut to so many digits after the point", decimal.Dec.Trunc),
	{OID: 3281, Name: "scale", Args: []datum.OID{datum.Numeric}, Ret: datum.Int4, Strict: true, Volatile: Immutable, Doc: "digits after the point", Body: scaleOf(func(d decimal.Dec) int32 { return d.Scale })},
	{OID: 5042, Name: "min_scale", Args: []datum.OID{datum.Numeric}, Ret: datum.Int4, Strict: true, Volatile: Immutable, Doc: "digits after the point that are needed", Body: scaleOf(decimal.Dec.MinScale)},
	ifunc2(940, "mod", datum.Int2, "remainder", modInt), ifunc2(941, "mod", datum.Int4, "remainder", modInt), ifunc2(947, "mod", datum.Int8, "remainder", modInt),
	ifunc2(5044, "gcd", datum.Int4, "greatest common divisor", inInt4(gcdInt)), ifunc2(5045, "gcd", datum.Int8, "greatest common divisor", gcdInt),
	ifunc2(5046, "lcm", datum.Int4, "least common multiple", inInt4(lcmInt)), ifunc2(5047, "lcm", datum.Int8, "least common multiple", lcmInt),
	{OID: 320, Name: "width_bucket", Args: []datum.OID{datum.Float8, datum.Float8, datum.Float8, datum.Int4}, Ret: datum.Int4, Strict: true, Volatile: Immutable, Doc: "number of the equal-width bucket", Example: "width_bucket(5.35, 0.024, 10.06, 5)", Result: "3", Body: rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := widthBucket(a[0].Float(i), a[1].Float(i), a[2].Float(i), a[3].Int(i))
		b.AppendInt(v)
		return err
	})},
}

func roundTo(oid datum.OID, name, doc string, f func(d decimal.Dec, scale int32) decimal.Dec) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.Numeric, datum.Int4}, Ret: datum.Numeric, Strict: true, Volatile: Immutable, Doc: doc,
		Body: rowwise(vec.Decimal, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			const limit = 2000 // beyond it digits are neither there nor shown
			d := f(a[0].Decimal(i), int32(max(-limit, min(limit, a[1].Int(i)))))
			if !d.Valid() {
				return pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format")
			}
			b.AppendDecimal(d)
			return nil
		})}
}

func scaleOf(f func(decimal.Dec) int32) Body {
	return rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		d := a[0].Decimal(i)
		if !d.IsFinite() {
			b.AppendNull()
			return nil
		}
		b.AppendInt(int64(f(d)))
		return nil
	})
}

func modInt(a, b int64) (int64, error) {
	v, _, err := intOps["%"](a, b)
	return v, err
}

func gcdInt(a, b int64) (int64, error) {
	for b != 0 {
		if b == -1 {
			return 1, nil
		}
		a, b = b, a%b
	}
	if a == math.MinInt64 {
		return 0, outOfRange(datum.Int8)
	}
	return max(a, -a), nil
}

func lcmInt(a, b int64) (int64, error) {
	if a == 0 || b == 0 {
		return 0, nil
	}
	g, err := gcdInt(a, b)
	if err != nil {
		return 0, err
	}
	a /= g
	v := a * b
	if v/b != a || a == -1 && b == math.MinInt64 || v == math.MinInt64 {
		return 0, outOfRange(datum.Int8)
	}
	return max(v, -v), nil
}

// inInt4 refuses results beyond integer.
func inInt4(f func(a, b int64) (int64, error)) func(a, b int64) (int64, error) {
	return func(a, b int64) (int64, error) {
		v, err := f(a, b)
		if err != nil || v > math.MaxInt32 || v < math.MinInt32 {
			return 0, outOfRange(datum.Int4)
		}
		return v, nil
	}
}

func widthBucket(v, lo, hi float64, count int64) (int64, error) {
	switch {
	case count <= 0:
		return 0, pgerr.New("2201G", "count must be greater than zero")
	case math.IsNaN(v) || math.IsNaN(lo) || math.IsNaN(hi):
		return 0, pgerr.New("2201G", "operand, lower bound, and upper bound cannot be NaN")
	case math.IsInf(lo, 0) || math.IsInf(hi, 0):
		return 0, pgerr.New("2201G", "lower and upper bounds must be finite")
	case lo == hi:
		return 0, pgerr.New("2201G", "lower bound cannot equal upper bound")
	case lo > hi:
		v, lo, hi = -v, -lo, -hi
	}
	switch {
	case v < lo:
		return 0, nil
	case v >= hi:
		return count + 1, nil
	}
	return min(int64((v-lo)/(hi-lo)*float64(count))+1, count), nil
}
