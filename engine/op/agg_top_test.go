package op

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

// TestTopGroups checks that the groups left are exactly those that are not worse than the last one wanted.
func TestTopGroups(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		n := 1 + r.IntN(400)
		c := &vec.Column{Kind: vec.Int64, Len: n, I64: make([]int64, n)}
		for i := range c.I64 {
			c.I64[i] = int64(r.IntN(1 + r.IntN(100)))
		}
		top := &TopGroups{Desc: seed&1 == 0, Limit: 1 + int64(r.IntN(20))}
		got := top.rows(c)
		if got == nil {
			if int64(n) > 2*top.Limit {
				t.Fatalf("seed %d: all of %d groups for the first %d", seed, n, top.Limit)
			}
			continue
		}
		sorted := slices.Clone(c.I64)
		slices.SortFunc(sorted, func(a, b int64) int {
			if top.Desc {
				return cmp.Compare(b, a)
			}
			return cmp.Compare(a, b)
		})
		last := sorted[top.Limit-1]
		var want []int32
		for i, v := range c.I64 {
			if v == last || top.Desc && v > last || !top.Desc && v < last {
				want = append(want, int32(i))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, expected %v", seed, got, want)
		}
	}
}
