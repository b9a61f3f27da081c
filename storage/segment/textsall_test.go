package segment

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

// TestTextsInBulk reads texts of every form in bulk, twice and more, and compares with the rows read one by one from
// another reader, which never reads in bulk.
func TestTextsInBulk(t *testing.T) {
	const rows = 4000
	rnd := rand.New(rand.NewPCG(7, 8))
	words := func(n int) string {
		s := ""
		for range n {
			s += []string{"river ", "stone ", "", "wood ", "ember "}[rnd.IntN(5)]
		}
		return fmt.Sprint(s, rnd.IntN(1<<30))
	}
	b := NewBuilder()
	for i := range rows {
		gap, mixed := "", fmt.Sprintf(`"m%d"`, rnd.IntN(1<<30))
		if rnd.IntN(3) > 0 {
			gap = fmt.Sprintf(`,"gap":"g%x"`, rnd.Uint64())
		}
		if rnd.IntN(4) == 0 {
			mixed = "null"
		}
		doc := fmt.Sprintf(`{"plain":%q,"fixed":"%08o-","hex":"%016x","longhex":"%0*x","uuid":"%08x-0000-4000-8000-%012x","number":"n%d","padded":"n%06d","empty":%q,"mixed":%s%s}`,
			words(4), rnd.IntN(1<<24), rnd.Uint64(), 8+2*rnd.IntN(5), rnd.Uint32(), rnd.Uint32(), rnd.Uint64N(1<<48), rnd.IntN(1<<30), rnd.IntN(1e6), []string{"", words(1)}[rnd.IntN(2)], mixed, gap)
		if err := b.Add(&Event{Entity: "e", Type: "t", Payload: []byte(doc)}); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	e := mustFinish(t, b)
	bulk := openGroup(t, e)
	single, err := reopen(e)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	every := make([]int32, 0, rows)
	for i := range rows {
		if i%3 != 1 {
			every = append(every, int32(i))
		}
	}
	for _, path := range []string{"plain", "fixed", "hex", "longhex", "uuid", "number", "padded", "empty", "mixed", "gap"} {
		ref := Ref{Col: ColPayload, Path: []string{path}, As: vec.AsText}
		for _, r := range [][2]int{{0, rows}, {0, rows}, {100, 1500}, {64, 400}, {3000, rows}, {5, 6}} {
			got, err := bulk.Read(ctx, ref, r[0], r[1])
			if err != nil {
				t.Fatal(path, err)
			}
			want := make([]int32, r[1]-r[0])
			for i := range want {
				want[i] = int32(r[0] + i)
			}
			compareRows(t, path, bulk, single, ref, got, want)
		}
		got, err := bulk.ReadRows(ctx, ref, every)
		if err != nil {
			t.Fatal(path, err)
		}
		compareRows(t, path, bulk, single, ref, got, every)
		if !bulk.has("texts " + bulk.nodeName(bulk.resolve(ColPayload, []string{path}).node)) {
			t.Errorf("%s was not read in bulk", path)
		}
	}
}

func compareRows(t *testing.T, path string, bulk, single *Reader, ref Ref, got *vec.Column, rows []int32) {
	t.Helper()
	for i := 0; i < len(rows); i += 97 {
		n := min(13, len(rows)-i) // too few for bulk
		want, err := single.ReadRows(context.Background(), ref, rows[i:i+n])
		if err != nil {
			t.Fatal(path, err)
		}
		for k := range n {
			if got.Null(i+k) != want.Null(k) || !want.Null(k) && string(got.Bytes(i+k)) != string(want.Bytes(k)) {
				t.Fatalf("%s, row %d: %q, not %q", path, rows[i+k], got.Bytes(i+k), want.Bytes(k))
			}
		}
	}
}
