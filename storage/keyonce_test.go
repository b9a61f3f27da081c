package storage

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// TestKeysThatAreThereOnce lets rows with few keys come, be replaced and go, some of them very often, and reads ranges of keys as of many moments both
// ways: with Once the answers are the same as without. Rows that a failed load has left unused hide no others.
func TestKeysThatAreThereOnce(t *testing.T) {
	ctx := context.Background()
	s, d := openTest(t, vfs.NewMem(), Options{})
	defer s.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	key := func(k int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(k)) }
	const keys = 40
	var live [keys]RowID
	var moments []Micros
	end := RowID(1)
	for range 1500 {
		k := rng.IntN(keys)
		if rng.IntN(3) > 0 {
			k %= 4 // the hot ones
		}
		ch := TableChange{Table: 1}
		var closed []Closing
		if live[k] != 0 {
			closed = append(closed, Closing{Row: live[k], Next: -1})
		}
		if live[k] == 0 || rng.IntN(4) > 0 {
			ch.Columns, ch.Rows, ch.Keys = benchColumns, []*vec.Batch{benchRows(k, 1, 0)}, []IndexKeys{{2, [][]byte{key(k)}}}
			if len(closed) > 0 {
				closed[0].Next, closed[0].Kept = 0, rng.IntN(2) == 0
			}
		}
		if len(closed) > 0 {
			ch.Closed = closingsOf(closed...)
		}
		done, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}})
		if err != nil {
			t.Fatal(err)
		}
		if live[k] = 0; len(ch.Rows) > 0 {
			live[k] = done.First(1)
			end = live[k] + 1
		}
		if rng.IntN(30) == 0 {
			moments = append(moments, done.At)
		}
		if rng.IntN(200) == 0 {
			entries := d.s.pdb.NewBatch()
			put(entries, appendIndexKey(nil, d.num, 2, key(rng.IntN(8)), end), nil)
			if err := d.s.commit(entries, false); err != nil {
				t.Fatal(err)
			}
			d.relation(1).change(func(st *relationState) { st.burn(end, end+1) })
		}
	}
	read := func(v TableView, r KeyRange) (out []RowID) {
		c := v.Seek(ctx, 2, r)
		for {
			_, row, ok, err := c.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return out
			}
			out = append(out, row)
		}
	}
	type answer struct {
		at   Micros
		r    KeyRange
		rows []RowID
	}
	var answers []answer
	found := 0
	for _, at := range append(moments, Latest) {
		v := mustView(t, d, at).Table(1)
		for range 20 {
			lo := rng.IntN(keys)
			r := KeyRange{Lo: key(lo), Hi: key(lo + rng.IntN(keys-lo+1)), Desc: rng.IntN(2) == 0}
			answers = append(answers, answer{at, r, read(v, r)})
			found += len(answers[len(answers)-1].rows)
		}
	}
	if found == 0 {
		t.Fatal("nothing was found")
	}
	for moved := range 3 {
		for _, a := range answers {
			v := mustView(t, d, a.at).Table(1)
			a.r.Once = moved != 1
			if got := read(v, a.r); !slices.Equal(got, a.rows) {
				t.Fatalf("at %d, %v, after %d moves: rows %d, expected %d", a.at, a.r, moved, got, a.rows)
			}
		}
		r := entryRange{rel: d.relation(1), index: 2}
		if moved == 0 {
			r.lo, r.hi = key(3), key(20)
		}
		d.moves.want(r)
		if err := d.Compact(ctx); err != nil {
			t.Fatal(err)
		}
	}
	between := mustView(t, d, Latest).TableBetween(1, moments[0], moments[len(moments)-1], true)
	want := read(between, KeyRange{})
	if got := read(between, KeyRange{Once: true}); !slices.Equal(got, want) || len(got) < 100 {
		t.Fatalf("%d versions during a period, expected %d", len(got), len(want))
	}
}
