package funcs

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// TestSelection compares percentiles found by selecting with those of sorted values (newOrdered, which is fed in order), for
// values with repeats, NaN, both zeros and nulls, ascending and descending, in one accumulator and in two merged ones.
func TestSelection(t *testing.T) {
	types := []datum.Type{datum.T(datum.Float8), datum.T(datum.Float8)}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 4))
		n, desc, continuous := r.IntN(3000), seed&1 == 0, seed&2 == 0
		frac := []float64{0, 0.01, 0.5, 0.99, 1, r.Float64()}[r.IntN(6)]
		vals := make([]float64, n)
		for i := range vals {
			switch r.IntN(int(seed%40) + 4) {
			case 0:
				vals[i] = math.Copysign(0, -1)
			case 1:
				vals[i] = float64(r.IntN(5))
			default:
				vals[i] = math.Round(r.NormFloat64()*1000) / 8
			}
			if seed%5 == 0 && r.IntN(50) == 0 {
				vals[i] = math.NaN()
			}
		}
		feed := func(acc Accumulator, list []float64) {
			f, v := vec.NewBuilder(vec.Float64, 0), vec.NewBuilder(vec.Float64, 0)
			for _, x := range list {
				f.AppendFloat(frac)
				v.AppendFloat(x)
			}
			f.AppendFloat(frac)
			v.AppendNull()
			acc.Grow(1)
			if err := acc.Add(nil, []*vec.Column{f.Finish(), v.Finish()}, make([]int32, len(list)+1), len(list)+1); err != nil {
				t.Fatal(err)
			}
		}
		half := n / 2
		a, b := selectPercentile(continuous)(types, desc), selectPercentile(continuous)(types, desc)
		feed(a, vals[:half])
		feed(b, vals[half:])
		if err := a.Merge(b, []int32{0}); err != nil {
			t.Fatal(err)
		}
		sorted := append([]float64(nil), vals...)
		(&selection[float64]{less: lessFloat}).sort(sorted)
		if desc {
			for i, k := 0, len(sorted)-1; i < k; i, k = i+1, k-1 {
				sorted[i], sorted[k] = sorted[k], sorted[i]
			}
		}
		ordered := newOrdered(1, percentileDisc)
		if continuous {
			ordered = newOrdered(1, percentileCont)
		}
		c := ordered(types)
		feed(c, sorted)
		got, err := a.Result(nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.Result(nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got.Null(0) != want.Null(0) || !got.Null(0) && math.Float64bits(got.Float(0)) != math.Float64bits(want.Float(0)) && got.Float(0) == got.Float(0) {
			t.Fatalf("seed %d: %v, expected %v (of %d values at %v)", seed, got.F64, want.F64, n, frac)
		}
	}
}
