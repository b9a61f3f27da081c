package funcs

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

func noHash(t datum.Type) error {
	return pgerr.New(pgerr.UndefinedFunction, "could not identify a hash function for type %s", datum.FormatType(t))
}

// stateFuncs are the steps of aggregates that PostgreSQL lets one call. The state of the statistics is an array of the
// count and of sums and sums of squares around the mean.
func stateFuncs() []Func {
	and := func(f func(x, y bool) bool) Body {
		return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			b.AppendBool(f(a[0].Bool(i), a[1].Bool(i)))
			return nil
		})
	}
	state := func(name string, size int, f func(s []float64, a []*vec.Column, i int) error) Body {
		return rowwise(vec.List, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			s, err := floatState(name, size, a[0], i)
			if err != nil {
				return err
			}
			if err := f(s, a, i); err != nil {
				return err
			}
			eb := vec.NewBuilder(vec.Float64, size)
			for _, v := range s {
				eb.AppendFloat(v)
			}
			datum.AppendElems(b, eb.Finish())
			return nil
		})
	}
	floats := datum.ArrayOf(datum.Float8)
	accumulate := state("float8_accum", 3, func(s []float64, a []*vec.Column, i int) error { return addOne(s, a[1].Float(i)) })
	return []Func{
		row(2515, "booland_statefunc", datum.Bool, "step of bool_and", and(func(x, y bool) bool { return x && y }), datum.Bool, datum.Bool),
		row(2516, "boolor_statefunc", datum.Bool, "step of bool_or", and(func(x, y bool) bool { return x || y }), datum.Bool, datum.Bool),
		row(1219, "int8inc", datum.Int8, "one more", int1(func(v int64) (int64, error) {
			if v == math.MaxInt64 {
				return 0, pgerr.New(pgerr.NumericValueOutOfRange, "bigint out of range")
			}
			return v + 1, nil
		}), datum.Int8),
		row(1764, "numeric_inc", datum.Numeric, "one more", dec1(func(v decimal.Dec) (decimal.Dec, error) { return v.Add(decimal.FromInt64(1)) }), datum.Numeric),
		row(222, "float8_accum", floats, "step of the statistics of a column", accumulate, floats, datum.Float8),
		row(208, "float4_accum", floats, "step of the statistics of a column", accumulate, floats, datum.Float4),
		row(276, "float8_combine", floats, "two states as one", state("float8_combine", 3, func(s []float64, a []*vec.Column, i int) error {
			o, err := floatState("float8_combine", 3, a[1], i)
			if err != nil {
				return err
			}
			return combine(s, o)
		}), floats, floats),
		row(2806, "float8_regr_accum", floats, "step of the statistics of two columns", state("float8_regr_accum", 6, addPair), floats, datum.Float8, datum.Float8),
		row(3342, "float8_regr_combine", floats, "two states as one", state("float8_regr_combine", 6, combinePairs), floats, floats),
	}
}

// floatState reads a state: an array of size floats.
func floatState(name string, size int, c *vec.Column, i int) ([]float64, error) {
	child, from, to := c.List(i)
	bad := to-from != size || len(c.Dims(i)) != 1
	out := make([]float64, size)
	for k := 0; k < size && !bad; k++ {
		if bad = child.Null(from + k); !bad {
			out[k] = child.Float(from + k)
		}
	}
	if bad {
		return nil, pgerr.New(pgerr.InternalError, "%s: expected %d-element float8 array", name, size)
	}
	return out, nil
}

var errFloatOverflow = pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")

// addOne adds a value to {count, sum, squares}.
func addOne(s []float64, v float64) error {
	before, sum := s[0], s[1]
	s[0]++
	s[1] += v
	if before == 0 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			s[2] = math.NaN()
		}
		return nil
	}
	d := v*s[0] - s[1]
	s[2] += d * d / (s[0] * before)
	if math.IsInf(s[1], 0) || math.IsInf(s[2], 0) {
		if !math.IsInf(sum, 0) && !math.IsInf(v, 0) {
			return errFloatOverflow
		}
		s[2] = math.NaN()
	}
	return nil
}

// combine adds the state o to s.
func combine(s, o []float64) error {
	switch {
	case s[0] == 0:
		copy(s, o)
		return nil
	case o[0] == 0:
		return nil
	}
	n, d := s[0]+o[0], s[1]/s[0]-o[1]/o[0]
	sum, squares := s[1]+o[1], s[2]+o[2]+s[0]*o[0]*d*d/n
	if math.IsInf(sum, 0) && !math.IsInf(s[1], 0) && !math.IsInf(o[1], 0) || math.IsInf(squares, 0) && !math.IsInf(s[2], 0) && !math.IsInf(o[2], 0) {
		return errFloatOverflow
	}
	s[0], s[1], s[2] = n, sum, squares
	return nil
}

// addPair adds (y, x) to {count, sum x, squares x, sum y, squares y, products}.
func addPair(s []float64, a []*vec.Column, i int) error {
	y, x, before := a[1].Float(i), a[2].Float(i), s[0]
	s[0]++
	s[1] += x
	s[3] += y
	if before == 0 {
		bad := func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }
		if bad(x) {
			s[2], s[5] = math.NaN(), math.NaN()
		}
		if bad(y) {
			s[4], s[5] = math.NaN(), math.NaN()
		}
		return nil
	}
	dx, dy, scale := x*s[0]-s[1], y*s[0]-s[3], 1/(s[0]*before)
	s[2] += dx * dx * scale
	s[4] += dy * dy * scale
	s[5] += dx * dy * scale
	for _, v := range s[1:] {
		if math.IsInf(v, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
			return errFloatOverflow
		}
	}
	return nil
}

func combinePairs(s []float64, a []*vec.Column, i int) error {
	o, err := floatState("float8_regr_combine", 6, a[1], i)
	switch {
	case err != nil:
		return err
	case s[0] == 0:
		copy(s, o)
		return nil
	case o[0] == 0:
		return nil
	}
	n := s[0] + o[0]
	dx, dy, scale := s[1]/s[0]-o[1]/o[0], s[3]/s[0]-o[3]/o[0], s[0]*o[0]/n
	s[0], s[1], s[3] = n, s[1]+o[1], s[3]+o[3]
	s[2] += o[2] + scale*dx*dx
	s[4] += o[4] + scale*dy*dy
	s[5] += o[5] + scale*dx*dy
	return nil
}
