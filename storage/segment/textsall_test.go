package segment

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

const textRows = 4000

// textColumns is a group with texts of every form.
func textColumns(t *testing.T) *Encoded {
	t.Helper()
	const rows = textRows
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
	return mustFinish(t, b)
}

// TestTextsInBulk reads texts of every form in bulk, twice and more, and compares with the rows read one by one from
// another reader, which never unpacks all.
func TestTextsInBulk(t *testing.T) {
	const rows = textRows
	e := textColumns(t)
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
		textsAt(t, single, path).whole.held = nil
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
		if textsAt(t, bulk, path).whole.all.Load() == nil {
			t.Errorf("%s was not read in bulk", path)
		}
	}
}

// TestTextsUnpackedForPoints reads single texts until that has cost as much as to unpack them all.
func TestTextsUnpackedForPoints(t *testing.T) {
	e := textColumns(t)
	points, single := openGroup(t, e), openGroup(t, e)
	path := "plain"
	textsAt(t, single, path).whole.held = nil // never
	x := textsAt(t, points, path)
	if len(x.pieces) < 3 {
		t.Fatalf("%d pieces", len(x.pieces))
	}
	ctx := context.Background()
	for _, ref := range []Ref{{Col: ColPayload, Path: []string{path}, As: vec.AsText}, {Col: ColPayload}} {
		before := points.MemSize()
		for at := range int32(textRows / 7) {
			rows := []int32{at * 7}
			got, err := points.ReadRows(ctx, ref, rows)
			if err != nil {
				t.Fatal(err)
			}
			compareRows(t, path, points, single, ref, got, rows)
			if at == 0 && x.whole.all.Load() != nil && ref.As == vec.AsText {
				t.Error("unpacked at once")
			}
		}
		if ref.As == vec.AsText && (x.whole.all.Load() == nil || points.MemSize() < before+int64(x.size())) {
			t.Error("not unpacked, or not counted")
		}
	}
}

func textsAt(t *testing.T, r *Reader, path string) *texts {
	t.Helper()
	c, err := r.column(context.Background(), r.resolve(ColPayload, []string{path}).node)
	if err != nil {
		t.Fatal(err)
	}
	return c.strs
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
