package funcs

import (
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// TestMinMaxOfIntegers compares with going value by value: zeros among others, groups that begin with one, groups without values.
func TestMinMaxOfIntegers(t *testing.T) {
	types := []datum.Type{datum.T(datum.Int8)}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		least, greatest := newMinMax(-1)(types), newMinMax(1)(types)
		const groups = 8
		least.Grow(groups)
		greatest.Grow(groups)
		var lo, hi [groups]*int64
		for range 4 {
			n := 1 + r.IntN(12)
			c, of := &vec.Column{Kind: vec.Int64, Len: n}, make([]int32, n)
			for i := range n {
				v, g := r.Int64N(5)-2, r.IntN(groups-1)
				c.I64, of[i] = append(c.I64, v), int32(g)
				if lo[g] == nil || v < *lo[g] {
					lo[g] = &v
				}
				if hi[g] == nil || v > *hi[g] {
					hi[g] = &v
				}
			}
			for _, a := range []Accumulator{least, greatest} {
				if err := a.Add(nil, []*vec.Column{c}, of, n); err != nil {
					t.Fatal(err)
				}
			}
		}
		for k, a := range []Accumulator{least, greatest} {
			out, err := a.Result(nil, groups)
			if err != nil {
				t.Fatal(err)
			}
			for g, want := range [][groups]*int64{lo, hi}[k] {
				if out.Null(g) != (want == nil) || want != nil && out.Int(g) != *want {
					t.Fatalf("seed %d: group %d is %d (null %v)", seed, g, out.Int(g), out.Null(g))
				}
			}
		}
	}
}
