package vec_test

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

// TestSortByKey sorts keys with common beginnings of any length, some equal and some the beginning of others, and compares with a stable sort.
func TestSortByKey(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		common := bytes.Repeat([]byte{0xff}, rng.IntN(20))
		keys := make([][]byte, rng.IntN(40))
		if round%20 == 0 {
			keys = make([][]byte, 2000) // sorted by digits
		}
		list := make([]int, len(keys))
		for i := range keys {
			keys[i] = slices.Clone(common)
			for range rng.IntN(12) {
				keys[i] = append(keys[i], byte(rng.IntN(1+round%4)))
			}
			list[i] = i
		}
		want := slices.Clone(list)
		slices.SortStableFunc(want, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
		rng.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
		vec.SortByKey(list, func(i int) []byte { return keys[i] }, cmp.Compare[int])
		if !slices.Equal(list, want) {
			t.Fatalf("%x: order %d, expected %d", keys[:min(len(keys), 40)], list, want)
		}
	}
}
