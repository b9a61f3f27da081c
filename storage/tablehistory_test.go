package storage

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// TestMomentsReadFewVersions replaces random rows, three times as many as there are, and sometimes all of them. As of each moment between, a scan goes
// through a quarter more than the rows that there were at most, for history lies together by when it ended, and it finds just those.
func TestMomentsReadFewVersions(t *testing.T) {
	ctx := context.Background()
	s, d := openTest(t, vfs.NewMem(), Options{RowGroupRows: 256, SealRows: 128, Manual: true})
	defer s.Close()
	const n, step = 4096, 256
	rng := rand.New(rand.NewPCG(3, 4))
	rows := make([]RowID, n) // of each account, the open version
	replace := func(accounts []int, round int) Micros {
		ch := TableChange{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, len(accounts), round)}}
		closed := map[RowID]int{}
		for i, k := range accounts {
			if rows[k] != 0 {
				closed[rows[k]] = i
			}
		}
		end := d.relation(1).state.Load().end
		ch.Closed = func(yield func(Closing) bool) {
			for row := RowID(1); row < end; row++ {
				if i, ok := closed[row]; ok && !yield(Closing{Row: row, Next: i}) {
					return
				}
			}
		}
		done, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}})
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range accounts {
			rows[k] = done.First(1) + int64(i)
		}
		return done.At
	}
	moments := []Micros{replace(rng.Perm(n), 0)}
	for round := range 3 * n / step {
		accounts := rng.Perm(n)
		if round%24 != 23 {
			accounts = accounts[:step]
		}
		moments = append(moments, replace(accounts, round))
		if err := d.sealTables(ctx, false); err != nil {
			t.Fatal(err)
		}
		if err := d.Compact(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for i, at := range moments {
		groups, _, err := mustView(t, d, at).Table(1).Groups(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		read, seen := 0, 0
		for _, g := range groups {
			visible, err := g.Visible(ctx)
			if err != nil {
				t.Fatal(err)
			}
			read += g.Len()
			if seen += g.Len(); visible != nil {
				seen += visible.Count(g.Len()) - g.Len()
			}
		}
		if seen != n || read > n*5/4 {
			t.Errorf("after %d changes of %d: %d rows among %d versions, expected %d", i, len(moments)-1, seen, read, n)
		}
	}
}

// TestCompactionEnds replaces all rows of a table again and again, as many as make half a row group: what ended at one moment and what ended at another
// are two groups of a size, which are not to be merged and parted for ever.
func TestCompactionEnds(t *testing.T) {
	for n := 32; n <= 256; n += 16 {
		s, d := openTest(t, vfs.NewMem(), Options{RowGroupRows: 256, SealRows: 32, Manual: true})
		first := RowID(1)
		for round := range 6 {
			ch := TableChange{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, n, round)}}
			if round > 0 {
				ch.Closed = func(yield func(Closing) bool) {
					for i := range n {
						if !yield(Closing{Row: first + int64(i), Next: i}) {
							return
						}
					}
				}
			}
			done, err := d.Commit(context.Background(), Commit{Tables: []TableChange{ch}})
			if err != nil {
				t.Fatal(err)
			}
			first = done.First(1)
			if err := d.sealTables(context.Background(), false); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			if err := d.Compact(ctx); err != nil {
				t.Fatalf("%d rows, replaced %d times: %v", n, round, err)
			}
			cancel()
		}
		s.Close()
	}
}
