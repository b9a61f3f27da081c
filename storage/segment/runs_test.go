package segment

import (
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestOneRun reads runs of all lengths back, with and without bytes behind them, and none where bytes are missing.
func TestOneRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gap := rapid.Uint64Range(0, math.MaxUint64>>rapid.IntRange(0, 63).Draw(t, "gap bits")).Draw(t, "gap")
		later := rapid.Int64().Draw(t, "later") >> rapid.IntRange(0, 63).Draw(t, "later bits")
		buf := binary.AppendVarint(binary.AppendUvarint(nil, gap), later)
		size := len(buf)
		for _, behind := range []byte{0, 0x7f, 0x80, 0xff} {
			if g, l, n := oneRun(buf); g != gap || l != later || n != size {
				t.Fatalf("%d, %d in %d bytes, not %d, %d in %d", g, l, n, gap, later, size)
			}
			buf = append(buf[:size], behind, behind, behind, behind, behind, behind, behind, behind, behind)
		}
		for end := range size {
			if _, _, n := oneRun(buf[:end:end]); n > 0 {
				t.Fatalf("a run in %d of %d bytes", end, size)
			}
		}
	})
}
