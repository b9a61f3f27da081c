package storage

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/vec"
)

// TestEndedVersionsOfOneKey replaces twenty rows with one key two hundred times. After a reader has walked over the entries of all those versions once, the
// next does not meet them, also after a restart; as of any moment between the same versions are found as before, forwards and backwards.
func TestEndedVersionsOfOneKey(t *testing.T) {
	ctx := context.Background()
	fs := vfs.NewMem()
	s, d := openTest(t, fs, Options{RowGroupRows: 512, Manual: true})
	defer func() { s.Close() }()
	const rows, rounds = 20, 200
	key := []byte("hot.")
	var moments []Micros
	for round := range rounds {
		ch := TableChange{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, rows, round)}, Keys: []IndexKeys{{2, slices.Repeat([][]byte{key}, rows)}}}
		var closed []Closing
		for i := range rows * min(round, 1) {
			closed = append(closed, Closing{Row: RowID((round-1)*rows + i + 1), Next: i})
		}
		ch.Closed = closingsOf(closed...)
		done, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}})
		if err != nil {
			t.Fatal(err)
		}
		moments = append(moments, done.At)
	}
	read := func(at Micros, desc bool) (out string, met int) {
		c := mustView(t, d, at).Table(1).(*tableView).seek(2, KeyRange{Lo: key, Hi: append(bytes.Clone(key), 0), Desc: desc})
		for {
			_, row, ok, err := c.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			met = max(met, len(c.found))
			if !ok {
				return out, met
			}
			out += fmt.Sprint(row, " ")
		}
	}
	var want []string
	for _, at := range moments {
		a, _ := read(at, false)
		b, _ := read(at, true)
		want = append(want, a+b)
	}
	if _, met := read(Latest, false); met < rows*rounds/4 {
		t.Fatalf("a reader met %d entries at once", met)
	}
	if err := d.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	for again := range 2 {
		list := d.moves.of(2).generations()
		if len(list) < 3 {
			t.Fatalf("%d generations of moved entries", len(list))
		}
		if got, met := read(Latest, false); met > 2*rows || len(got) == 0 {
			t.Fatalf("a reader met %d entries at once, and found %s", met, got)
		}
		for i, at := range moments {
			a, _ := read(at, false)
			b, _ := read(at, true)
			if a+b != want[i] {
				t.Fatalf("after %d restarts, moment %d: %s, expected %s", again, i, a+b, want[i])
			}
		}
		if again == 0 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, d = openTest(t, fs, Options{RowGroupRows: 512, Manual: true})
		}
	}
	if _, err := d.Commit(ctx, Commit{Objects: []ObjectChange{{1, []byte("x")}}}); err != nil {
		t.Fatal(err)
	}
	var format int64
	if v, err := s.get(dbKey(0, storeFormat)); err != nil {
		t.Fatal(err)
	} else if _, err := readFields(v, &format); err != nil || format != formatMoved {
		t.Fatalf("format %d (%v)", format, err)
	}
	if err := d.Forget([]uint32{1, 2}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []byte{kindIndex, kindMoved, kindMoves} {
		if err := s.scan(tableKey(d.num, kind, 2), nil, func(key, _ []byte) error { return fmt.Errorf("%x is left", key) }); err != nil {
			t.Error(err)
		}
	}
}

// TestSpans is that of a pair of rows, checked against its meaning: the smallest one, of a power of two and at a multiple of that, which has both.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(1, 1<<40).Draw(t, "from")
		to := from + rapid.Int64Range(1, 1<<uint(rapid.IntRange(1, 40).Draw(t, "bits"))).Draw(t, "rows")
		width := rapid.IntRange(leastWidth, 20).Draw(t, "width")
		n := width
		for from>>n != (to-1)>>n {
			n++
		}
		if got, want := spanOf(from, to, width), uint64(from>>n<<n)+uint64(n); got != want {
			t.Fatalf("%x, expected %x", got, want)
		}
	})
}
