package funcs

import (
	"cmp"
	"math"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// Selector is an Accumulator that holds every value it got.
type Selector interface {
	Accumulator
	// Drain gives the rows taken so far: their groups, and their arguments as Add got them.
	Drain() (groups []int32, args []*vec.Column)
}

// selectPercentile returns percentiles that find their place among unsorted values, for values that are numbers of a
// machine word; nil for others.
func selectPercentile(continuous bool) func(types []datum.Type, desc bool) Accumulator {
	return func(types []datum.Type, desc bool) Accumulator {
		value := types[1]
		switch datum.KindOf(value.OID) {
		case vec.Float64:
			return &selection[float64]{types: types, desc: desc, continuous: continuous, less: lessFloat, flat: func(c *vec.Column) []float64 { return c.F64 },
				get: (*vec.Column).Float, put: (*vec.Builder).AppendFloat}
		case vec.Int64:
			if continuous || value.OID == datum.TimeTZ {
				return nil
			}
			return &selection[int64]{types: types, desc: desc, less: cmp.Less[int64],
				flat: func(c *vec.Column) []int64 { return c.I64 }, get: (*vec.Column).Int, put: (*vec.Builder).AppendInt}
		}
		return nil
	}
}

// lessFloat orders as PostgreSQL does, and -0 before 0, so that the answer does not depend on the order of the rows.
func lessFloat(a, b float64) bool {
	switch {
	case a < b:
		return true
	case a > b:
		return false
	case a == 0 && b == 0:
		return math.Signbit(a) && !math.Signbit(b)
	}
	return compareFloat(a, b) < 0
}

// selection is one percentile, or several of an array of fractions. It keeps the values of each group in pieces, so that
// growing and merging move none.
type selection[T int64 | float64] struct {
	types      []datum.Type // fraction, value
	desc       bool
	continuous bool
	first      []*vec.Column // each group's fraction, one row
	pieces     [][][]T       // by group, full ones
	open       [][]T         // by group, the piece that grows
	used       []int32       // by group, values in it
	odd        []bool        // by group: some value is NaN or 0, for which < is not enough
	size       int

	flat func(c *vec.Column) []T
	less func(a, b T) bool
	get  func(c *vec.Column, i int) T
	put  func(b *vec.Builder, v T)
}

// firstPiece and lastPiece are the values in the first piece of a group and the most in any.
const firstPiece, lastPiece = 8, 1 << 15

func (a *selection[T]) Grow(n int) {
	a.first, a.pieces, a.odd = grown(a.first, n), grown(a.pieces, n), grown(a.odd, n)
	a.open, a.used = grown(a.open, n), grown(a.used, n)
}

func (a *selection[T]) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	fractions, c := args[0], args[1]
	nulls := c.HasNulls()
	var flat []T
	if c.Codes == nil {
		flat = a.flat(c)
	}
	for i, g := range groups[:n] {
		if g < 0 {
			continue
		}
		if a.first[g] == nil {
			a.first[g] = fractions.Take([]int32{int32(i)}).Flat()
		}
		if nulls && c.Null(i) {
			continue
		}
		var v T
		if flat != nil {
			v = flat[i]
		} else {
			v = a.get(c, i)
		}
		if v == 0 || v != v {
			a.odd[g] = true
		}
		at := int(a.used[g])
		if at == len(a.open[g]) {
			a.fresh(g)
			at = 0
		}
		a.open[g][at] = v
		a.used[g] = int32(at + 1)
	}
	return nil
}

// fresh puts the group's piece, which is full, to the others and begins the next one.
func (a *selection[T]) fresh(g int32) {
	room := firstPiece
	if full := a.open[g]; len(full) > 0 {
		a.pieces[g] = append(a.pieces[g], full)
		room = min(2*len(full), lastPiece)
	}
	a.open[g], a.used[g] = make([]T, room), 0
	a.size += 8*room + 24
}

// values gives the pieces of the group that have values.
func (a *selection[T]) values(g int) [][]T {
	if a.used[g] == 0 {
		return a.pieces[g]
	}
	return append(a.pieces[g][:len(a.pieces[g]):len(a.pieces[g])], a.open[g][:a.used[g]])
}

func (a *selection[T]) Merge(other Accumulator, groups []int32) error {
	o := other.(*selection[T])
	for i, g := range groups {
		if a.first[g] == nil {
			a.first[g] = o.first[i]
		}
		a.odd[g] = a.odd[g] || o.odd[i]
		a.pieces[g] = append(a.pieces[g], o.values(i)...)
	}
	a.size += o.size
	return nil
}

// Drain implements Selector.
func (a *selection[T]) Drain() ([]int32, []*vec.Column) {
	var groups []int32
	fraction, value := datum.NewBuilder(a.types[0], 0), datum.NewBuilder(a.types[1], 0)
	for g := range a.pieces {
		for _, piece := range a.values(g) {
			for _, v := range piece {
				groups = append(groups, int32(g))
				fraction.AppendFrom(a.first[g], 0)
				a.put(value, v)
			}
		}
	}
	a.pieces, a.open, a.used, a.size = nil, nil, nil, 0
	return groups, []*vec.Column{fraction.Finish(), value.Finish()}
}

func (a *selection[T]) Result(_ *Ctx, n int) (*vec.Column, error) {
	many := datum.KindOf(a.types[0].OID) == vec.List
	b := datum.NewBuilder(a.types[1], n)
	if many {
		b = vec.NewListBuilder(datum.KindOf(a.types[1].OID), n)
	}
	for g := range n {
		d := a.first[g]
		pieces := a.values(g)
		if len(pieces) == 0 || d == nil || d.Null(0) {
			b.AppendNull()
			continue
		}
		vals := slices.Concat(pieces...)
		if a.odd[g] {
			a.sort(vals)
		}
		if !many {
			if err := checkFraction(d.Float(0)); err != nil {
				return nil, err
			}
			a.pick(d.Float(0), vals, a.odd[g], b)
			continue
		}
		child, from, to := d.List(0)
		for k := from; k < to; k++ {
			if child.Null(k) {
				b.Elem().AppendNull()
				continue
			}
			if err := checkFraction(child.Float(k)); err != nil {
				return nil, err
			}
			a.pick(child.Float(k), vals, a.odd[g], b.Elem())
		}
		b.AppendShaped(d.Dims(0))
	}
	return b.Finish(), nil
}

func (a *selection[T]) sort(vals []T) {
	slices.SortFunc(vals, func(x, y T) int {
		switch {
		case a.less(x, y):
			return -1
		case a.less(y, x):
			return 1
		}
		return 0
	})
}

// pick appends the percentile of the values, which it moves unless they are sorted.
func (a *selection[T]) pick(fraction float64, vals []T, sorted bool, b *vec.Builder) {
	nth := func(k int) T {
		if a.desc {
			k = len(vals) - 1 - k
		}
		if !sorted {
			vec.SelectNth(vals, k)
		}
		return vals[k]
	}
	if !a.continuous {
		a.put(b, nth(max(int(math.Ceil(fraction*float64(len(vals)))), 1)-1))
		return
	}
	at := fraction * float64(len(vals)-1)
	lo, hi := int(math.Floor(at)), int(math.Ceil(at))
	x := float64(nth(lo))
	if lo == hi {
		b.AppendFloat(x)
		return
	}
	b.AppendFloat(x + (at-float64(lo))*(float64(nth(hi))-x))
}

func (a *selection[T]) MemSize() int { return cap(a.first)*8 + cap(a.pieces)*53 + 2*a.size }
