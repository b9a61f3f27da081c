package op_test

import (
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/vec"
)

// TestKept reads rows back in any order while more come, from memory and from the file.
func TestKept(t *testing.T) {
	for _, memory := range []int64{1 << 20, 4 << 10, 1} {
		k := op.NewKept(op.NewBudget(memory, t.TempDir()))
		rng := rand.New(rand.NewPCG(1, uint64(memory)))
		for next := int64(0); next < 3000; {
			b := vec.NewBuilder(vec.Int64, 0)
			for range 1 + rng.IntN(100) {
				b.AppendInt(next)
				next++
			}
			c := b.Finish()
			if err := k.Add(&vec.Batch{Len: c.Len, Cols: []*vec.Column{c}}); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				want := rng.Int64N(next)
				got, at, err := k.At(want)
				if err != nil || got.Cols[0].I64[at] != want {
					t.Fatalf("with %d bytes: row %d is %v, %v", memory, want, got, err)
				}
			}
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
