package funcs

import (
	"errors"
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

var sumAggregates = []Aggregate{
	{OID: 2109, Name: "sum", Args: []datum.OID{datum.Int2}, Ret: datum.Int8, Strict: true, Doc: "sum of the values", New: newIntSum},
	{OID: 2108, Name: "sum", Args: []datum.OID{datum.Int4}, Ret: datum.Int8, Strict: true, Doc: "sum of the values", New: newIntSum},
	{OID: 2107, Name: "sum", Args: []datum.OID{datum.Int8}, Ret: datum.Numeric, Strict: true, Doc: "sum of the values", New: newDecSum(intDec, false)},
	{OID: 2114, Name: "sum", Args: []datum.OID{datum.Numeric}, Ret: datum.Numeric, Strict: true, Doc: "sum of the values", New: newDecSum(decDec, false)},
	{OID: 2110, Name: "sum", Args: []datum.OID{datum.Float4}, Ret: datum.Float4, Strict: true, Doc: "sum of the values", New: newFloatSum(true)},
	{OID: 2111, Name: "sum", Args: []datum.OID{datum.Float8}, Ret: datum.Float8, Strict: true, Doc: "sum of the values", New: newFloatSum(false)},
	{OID: 2113, Name: "sum", Args: []datum.OID{datum.Interval}, Ret: datum.Interval, Strict: true, Doc: "sum of the values", New: newIntervalSum(false)},
	{OID: 2102, Name: "avg", Args: []datum.OID{datum.Int2}, Ret: datum.Numeric, Strict: true, Doc: "mean of the values", New: newDecSum(intDec, true)},
	{OID: 2101, Name: "avg", Args: []datum.OID{datum.Int4}, Ret: datum.Numeric, Strict: true, Doc: "mean of the values", New: newDecSum(intDec, true)},
	{OID: 2100, Name: "avg", Args: []datum.OID{datum.Int8}, Ret: datum.Numeric, Strict: true, Doc: "mean of the values", New: newDecSum(intDec, true)},
	{OID: 2103, Name: "avg", Args: []datum.OID{datum.Numeric}, Ret: datum.Numeric, Strict: true, Doc: "mean of the values", New: newDecSum(decDec, true)},
	{OID: 2104, Name: "avg", Args: []datum.OID{datum.Float4}, Ret: datum.Float8, Strict: true, Doc: "mean of the values", New: newFloatMean},
	{OID: 2105, Name: "avg", Args: []datum.OID{datum.Float8}, Ret: datum.Float8, Strict: true, Doc: "mean of the values", New: newFloatMean},
	{OID: 2106, Name: "avg", Args: []datum.OID{datum.Interval}, Ret: datum.Interval, Strict: true, Doc: "mean of the values", New: newIntervalSum(true)},
}

var errBigintRange = pgerr.New(pgerr.NumericValueOutOfRange, "bigint out of range")

func newIntSum([]datum.Type) Accumulator {
	return &intSum{fold: fold[int64]{op: func(a, b int64) (int64, error) {
		s := a + b
		if (a^s)&(b^s) < 0 {
			return 0, errBigintRange
		}
		return s, nil
	}, get: (*vec.Column).Int, put: (*vec.Builder).AppendInt, kind: vec.Int64, size: 8}}
}

// newFloatSum adds in the order of the rows; single rounds after each step, as float4 sums do.
func newFloatSum(single bool) func([]datum.Type) Accumulator {
	return func([]datum.Type) Accumulator {
		f := &fold[float64]{op: func(a, b float64) (float64, error) {
			s := a + b
			if single {
				s = float64(float32(s))
			}
			if math.IsInf(s, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
				return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
			}
			return s, nil
		}, get: (*vec.Column).Float, put: (*vec.Builder).AppendFloat, kind: vec.Float64, size: 8}
		if !single {
			f.fast = fastFloatSum
		}
		return f
	}
}

// fastFloatSum adds in the order of the rows. What is not finite goes the slow way, which tells overflow from infinity.
func fastFloatSum(a *fold[float64], c *vec.Column, groups []int32) error {
	for i, v := range c.F64[:len(groups)] {
		g := groups[i]
		if s := a.v[g] + v; a.seen[g] && s-s == 0 {
			a.v[g] = s
		} else if err := a.take(g, v); err != nil {
			return err
		}
	}
	return nil
}

// floatMean is a count and a sum in the order of the rows.
type floatMean struct{ n, sum []float64 }

func newFloatMean([]datum.Type) Accumulator { return &floatMean{} }

func (a *floatMean) Grow(n int) { a.n, a.sum = grown(a.n, n), grown(a.sum, n) }

func (a *floatMean) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	c := args[0]
	plain := c.Codes == nil && c.Valid == nil
	for i, g := range groups[:n] {
		if g < 0 || !plain && c.Null(i) {
			continue
		}
		v := 0.0
		if plain {
			v = c.F64[i]
		} else {
			v = c.Float(i)
		}
		if err := a.take(g, 1, v); err != nil {
			return err
		}
	}
	return nil
}

func (a *floatMean) take(g int32, n, v float64) error {
	s := a.sum[g] + v
	if s-s != 0 && math.IsInf(s, 0) && !math.IsInf(a.sum[g], 0) && !math.IsInf(v, 0) {
		return pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
	}
	a.n[g], a.sum[g] = a.n[g]+n, s
	return nil
}

func (a *floatMean) Merge(other Accumulator, groups []int32) error {
	o := other.(*floatMean)
	for i, g := range groups {
		if err := a.take(g, o.n[i], o.sum[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *floatMean) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Float64, n)
	for i := range n {
		if a.n[i] == 0 {
			b.AppendNull()
		} else {
			b.AppendFloat(a.sum[i] / a.n[i])
		}
	}
	return b.Finish(), nil
}

func (a *floatMean) MemSize() int { return (cap(a.n) + cap(a.sum)) * 8 }

func intDec(c *vec.Column, i int) decimal.Dec { return decimal.FromInt64(c.Int(i)) }
func decDec(c *vec.Column, i int) decimal.Dec { return c.Decimal(i) }

// decSum adds exactly; with mean it divides by the count at the end.
type decSum struct {
	sum    []decimal.Dec
	n      []int64
	get    func(c *vec.Column, i int) decimal.Dec
	mean   bool
	widest []int32 // of Step: how many values have as many decimals as the sum
}

func newDecSum(get func(c *vec.Column, i int) decimal.Dec, mean bool) func([]datum.Type) Accumulator {
	return func([]datum.Type) Accumulator { return &decSum{get: get, mean: mean} }
}

func (a *decSum) Grow(n int) { a.sum, a.n = grown(a.sum, n), grown(a.n, n) }

func (a *decSum) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) (err error) {
	col := args[0]
	for i := range n {
		if !taken(col, groups, i) {
			continue
		}
		g := groups[i]
		a.n[g]++
		if a.sum[g], err = a.sum[g].Add(a.get(col, i)); err != nil {
			return numericError(err)
		}
	}
	return nil
}

func (a *decSum) Merge(other Accumulator, groups []int32) (err error) {
	o := other.(*decSum)
	for i, g := range groups {
		a.n[g] += o.n[i]
		if a.sum[g], err = a.sum[g].Add(o.sum[i]); err != nil {
			return numericError(err)
		}
	}
	return nil
}

func (a *decSum) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Decimal, n)
	for i := range n {
		switch {
		case a.n[i] == 0:
			b.AppendNull()
		case a.mean:
			q, err := a.sum[i].Quo(decimal.FromInt64(a.n[i]))
			if err != nil {
				return nil, numericError(err)
			}
			b.AppendDecimal(q)
		default:
			b.AppendDecimal(a.sum[i])
		}
	}
	return b.Finish(), nil
}

func (a *decSum) MemSize() int { return cap(a.sum)*40 + cap(a.n)*8 }

// numericError gives decimal's errors their SQLSTATE.
func numericError(err error) error {
	switch {
	case errors.Is(err, decimal.ErrDivByZero):
		return pgerr.New(pgerr.DivisionByZero, "division by zero")
	case errors.Is(err, decimal.ErrSqrtNegative):
		return pgerr.New(pgerr.InvalidArgumentForPower, "cannot take square root of a negative number")
	case errors.Is(err, decimal.ErrLogZero), errors.Is(err, decimal.ErrLogNegative):
		return pgerr.New(pgerr.InvalidArgumentForLog, "%w", err)
	case errors.Is(err, decimal.ErrPowerZero), errors.Is(err, decimal.ErrPowerComplex):
		return pgerr.New(pgerr.InvalidArgumentForPower, "%w", err)
	}
	return pgerr.New(pgerr.NumericValueOutOfRange, "%w", err)
}

// intervalSum adds the three parts; the mean carries what does not divide downwards, as PostgreSQL's interval_div.
type intervalSum struct {
	sum  []vec.IntervalValue
	n    []int64
	mean bool
}

func newIntervalSum(mean bool) func([]datum.Type) Accumulator {
	return func([]datum.Type) Accumulator { return &intervalSum{mean: mean} }
}

func (a *intervalSum) Grow(n int) { a.sum, a.n = grown(a.sum, n), grown(a.n, n) }

func (a *intervalSum) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i := range n {
		if taken(args[0], groups, i) {
			if err := a.take(groups[i], args[0].Interval(i), 1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *intervalSum) take(g int32, v vec.IntervalValue, n int64) error {
	sum, err := addIntervals(a.sum[g], v)
	if err != nil {
		return err
	}
	a.sum[g] = sum
	a.n[g] += n
	return nil
}

func (a *intervalSum) Merge(other Accumulator, groups []int32) error {
	o := other.(*intervalSum)
	for i, g := range groups {
		if err := a.take(g, o.sum[i], o.n[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *intervalSum) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Interval, n)
	for i := range n {
		switch {
		case a.n[i] == 0:
			b.AppendNull()
		case a.mean:
			b.AppendInterval(divideInterval(a.sum[i], float64(a.n[i])))
		default:
			b.AppendInterval(a.sum[i])
		}
	}
	return b.Finish(), nil
}

func (a *intervalSum) MemSize() int { return cap(a.sum)*16 + cap(a.n)*8 }

// divideInterval divides each part and carries the rest of months into days (of 30) and of days into time.
func divideInterval(v vec.IntervalValue, by float64) vec.IntervalValue {
	months := float64(v.Months) / by
	days := float64(v.Days) / by
	out := vec.IntervalValue{Months: int32(months), Days: int32(days)}
	restDays := roundMicro((months - float64(out.Months)) * 30)
	secs := roundMicro((days - float64(out.Days) + restDays - math.Trunc(restDays)) * 86400)
	out.Days += int32(restDays)
	if math.Abs(secs) >= 86400 {
		out.Days += int32(secs / 86400)
		secs -= math.Trunc(secs/86400) * 86400
	}
	out.Micros = int64(math.RoundToEven(float64(v.Micros)/by + secs*1e6))
	return out
}

func roundMicro(v float64) float64 { return math.RoundToEven(v*1e6) / 1e6 }
