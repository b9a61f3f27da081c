package funcs

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// orderedAggregates are the ordered-set aggregates: the direct argument first, then the column that WITHIN GROUP orders.
var orderedAggregates = []Aggregate{
	{OID: 3974, Name: "percentile_cont", Args: []datum.OID{datum.Float8, datum.Float8}, Ret: datum.Float8, Ordered: true, Doc: "interpolated value at the fraction", New: newOrdered(1, percentileCont), Select: selectPercentile(true)},
	{OID: 3976, Name: "percentile_cont", Args: []datum.OID{datum.Float8, datum.Interval}, Ret: datum.Interval, Ordered: true, Doc: "interpolated value at the fraction", New: newOrdered(1, percentileCont), Select: selectPercentile(true)},
	{OID: 3980, Name: "percentile_cont", Args: []datum.OID{1022, datum.Float8}, Ret: 1022, Ordered: true, Doc: "interpolated values at the fractions", New: newOrdered(1, percentileCont), Select: selectPercentile(true)},
	{OID: 3982, Name: "percentile_cont", Args: []datum.OID{1022, datum.Interval}, Ret: 1187, Ordered: true, Doc: "interpolated values at the fractions", New: newOrdered(1, percentileCont), Select: selectPercentile(true)},
	{OID: 3972, Name: "percentile_disc", Args: []datum.OID{datum.Float8, datum.AnyElement}, Ret: datum.AnyElement, Ordered: true, Doc: "first value at or after the fraction", New: newOrdered(1, percentileDisc), Select: selectPercentile(false)},
	{OID: 3978, Name: "percentile_disc", Args: []datum.OID{1022, datum.AnyElement}, Ret: datum.AnyArray, Ordered: true, Doc: "first values at or after the fractions", New: newOrdered(1, percentileDisc), Select: selectPercentile(false)},
	{OID: 3984, Name: "mode", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Ordered: true, Doc: "the most frequent value", New: newOrdered(0, modeOf)},
}

// pick appends to b the result for the ordered values of one group; fraction is the direct argument.
type pick func(fraction float64, t datum.Type, vals *vec.Column, rows []int32, b *vec.Builder)

// orderedAcc keeps the values of each group in the order in which they come.
type orderedAcc struct {
	direct int // how many direct arguments there are
	pick   pick
	types  []datum.Type
	vals   *vec.Builder
	rows   [][]int32
	first  []*vec.Column // each group's direct argument, one row
	size   int
}

func newOrdered(direct int, p pick) func([]datum.Type) Accumulator {
	return func(types []datum.Type) Accumulator {
		return &orderedAcc{direct: direct, pick: p, types: types, vals: datum.NewBuilder(types[direct], 0)}
	}
}

func (a *orderedAcc) Grow(n int) { a.rows, a.first = grown(a.rows, n), grown(a.first, n) }

func (a *orderedAcc) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i := range n {
		g := groups[i]
		if g < 0 {
			continue
		}
		if a.direct > 0 && a.first[g] == nil {
			a.first[g] = args[0].Take([]int32{int32(i)}).Flat()
		}
		if !args[a.direct].Null(i) {
			a.take(g, args[a.direct], i)
		}
	}
	return nil
}

func (a *orderedAcc) take(g int32, c *vec.Column, i int) {
	a.rows[g] = append(a.rows[g], int32(a.vals.Len()))
	a.vals.AppendFrom(c, i)
	a.size += 16
}

// Merge appends the other's values: the caller sees to the order, as for every aggregate whose order matters.
func (a *orderedAcc) Merge(other Accumulator, groups []int32) error {
	o := other.(*orderedAcc)
	vals := o.vals.Finish()
	for i, g := range groups {
		if a.first[g] == nil {
			a.first[g] = o.first[i]
		}
		for _, r := range o.rows[i] {
			a.take(g, vals, int(r))
		}
	}
	return nil
}

func (a *orderedAcc) Result(_ *Ctx, n int) (*vec.Column, error) {
	vals, t := a.vals.Finish(), a.types[a.direct]
	many := a.direct > 0 && datum.KindOf(a.types[0].OID) == vec.List
	b := datum.NewBuilder(t, n)
	if many {
		b = vec.NewListBuilder(datum.KindOf(t.OID), n)
	}
	for g := range n {
		var err error
		switch d := a.first[g]; {
		case len(a.rows[g]) == 0 || d != nil && d.Null(0):
			b.AppendNull()
		case many:
			err = a.several(d, t, vals, a.rows[g], b)
		case d == nil:
			a.pick(0, t, vals, a.rows[g], b)
		default:
			if err = checkFraction(d.Float(0)); err == nil {
				a.pick(d.Float(0), t, vals, a.rows[g], b)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

// several answers an array of fractions with an array of values.
func (a *orderedAcc) several(d *vec.Column, t datum.Type, vals *vec.Column, rows []int32, b *vec.Builder) error {
	child, from, to := d.List(0)
	if child.Kind == vec.List {
		return pgerr.New(pgerr.FeatureNotSupported, "fractions in an array of more than one dimension are not supported")
	}
	for k := from; k < to; k++ {
		if child.Null(k) {
			b.Elem().AppendNull()
			continue
		}
		if err := checkFraction(child.Float(k)); err != nil {
			return err
		}
		a.pick(child.Float(k), t, vals, rows, b.Elem())
	}
	b.AppendShaped(d.Dims(0))
	return nil
}

func checkFraction(f float64) error {
	if f < 0 || f > 1 || math.IsNaN(f) {
		return pgerr.New(pgerr.NumericValueOutOfRange, "percentile value %g is not between 0 and 1", f)
	}
	return nil
}

func (a *orderedAcc) MemSize() int { return a.size + cap(a.rows)*24 }

func percentileCont(f float64, t datum.Type, vals *vec.Column, rows []int32, b *vec.Builder) {
	at := f * float64(len(rows)-1)
	lo, hi := int(math.Floor(at)), int(math.Ceil(at))
	part := at - float64(lo)
	if t.OID == datum.Interval {
		x, y := vals.Interval(int(rows[lo])), vals.Interval(int(rows[hi]))
		d := vec.IntervalValue{Months: y.Months - x.Months, Days: y.Days - x.Days, Micros: y.Micros - x.Micros}
		if part > 0 {
			d = divideInterval(d, 1/part)
		} else {
			d = vec.IntervalValue{}
		}
		b.AppendInterval(vec.IntervalValue{Months: x.Months + d.Months, Days: x.Days + d.Days, Micros: x.Micros + d.Micros})
		return
	}
	x, y := vals.Float(int(rows[lo])), vals.Float(int(rows[hi]))
	if lo == hi {
		b.AppendFloat(x)
		return
	}
	b.AppendFloat(x + part*(y-x))
}

func percentileDisc(f float64, _ datum.Type, vals *vec.Column, rows []int32, b *vec.Builder) {
	at := max(int(math.Ceil(f*float64(len(rows)))), 1)
	b.AppendFrom(vals, int(rows[at-1]))
}

// modeOf finds the longest run of equal values; of several the first.
func modeOf(_ float64, t datum.Type, vals *vec.Column, rows []int32, b *vec.Builder) {
	best, bestRun, run := 0, 1, 1
	for k := 1; k < len(rows); k++ {
		if datum.Compare(t, vals, int(rows[k-1]), vals, int(rows[k])) == 0 {
			run++
		} else {
			run = 1
		}
		if run > bestRun {
			best, bestRun = k, run
		}
	}
	b.AppendFrom(vals, int(rows[best]))
}
