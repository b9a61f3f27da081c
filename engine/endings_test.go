package engine

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/allsource-db/allsource/storage"
)

// TestEndings ends rows, in runs and one by one, some of them twice, and takes commands back, beside a map.
func TestEndings(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 5))
		var e endings
		model := map[int64]ending{}
		own, command := storage.RowID(0), int32(1)
		for range 1 + rng.IntN(30) {
			switch rng.IntN(8) {
			case 0:
				from := 1 + rng.Int32N(command)
				e.forget(from)
				maps.DeleteFunc(model, func(_ int64, x ending) bool { return x.command >= from })
			case 1:
				command++
			default:
				first, step, rows := rng.Int64N(5000), int64(1), []int64(nil)
				if rng.IntN(3) == 0 {
					step = 1 + rng.Int64N(40)
				}
				for i := range 1 + rng.Int64N(1+rng.Int64N(3000)) {
					rows = append(rows, first+i*step)
				}
				next := storage.RowID(0)
				if rng.IntN(2) == 0 {
					next = own - 1
					own -= int64(len(rows))
				}
				e.setAll(rows, ending{command, next})
				for i, row := range rows {
					model[row] = ending{command, 0}
					if next != 0 {
						model[row] = ending{command, next - int64(i)}
					}
				}
			}
		}
		from, to := rng.Int64N(3000), 3000+rng.Int64N(1<<17)
		var list []int64
		e.each(from, to, func(row int64, x ending) bool {
			if list = append(list, row); model[row] != x {
				t.Errorf("seed %d: row %d ended as %v, expected %v", seed, row, x, model[row])
			}
			return true
		})
		want := slices.Sorted(maps.Keys(model))
		want = slices.DeleteFunc(want, func(row int64) bool { return row < from || row >= to })
		if !slices.Equal(list, want) || e.count != len(model) {
			t.Fatalf("seed %d: %d rows of %d, expected %d of %d", seed, len(list), e.count, len(want), len(model))
		}
		if e.inRuns < 0 || e.inRuns > e.count {
			t.Errorf("seed %d: %d of %d are in runs", seed, e.inRuns, e.count)
		}
		for range 100 {
			row := rng.Int64N(1 << 17)
			x, ok := e.get(row)
			if y, has := model[row]; ok != has || ok && x != y {
				t.Errorf("seed %d: row %d: %v %v, expected %v %v", seed, row, x, ok, y, has)
			}
		}
	}
}
