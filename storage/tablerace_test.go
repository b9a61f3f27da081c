package storage

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// closingsOf are closings in any order.
func closingsOf(list ...Closing) Closings {
	slices.SortFunc(list, func(a, b Closing) int { return cmp.Compare(a.Row, b.Row) })
	return Closings(slices.Values(list))
}

// TestTransfersKeepTheSum moves money between accounts, several writers at once, while background work seals, compacts and moves index entries. Whoever
// looks, at any moment, finds every account once and the same sum, by scan and by index.
func TestTransfersKeepTheSum(t *testing.T) {
	o := Options{FS: vfs.NewMem(), Memory: 24 << 20, RowGroupRows: 256, SealRows: 64}
	s, d := openTest(t, o.FS, o)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const accounts, each = 40, 1000
	cols := []TableColumn{{ID: 1, Kind: vec.Int64}, {ID: 2, Kind: vec.Int64}}
	key := func(id int64) []byte { return fmt.Appendf(nil, "%02d.", id) }
	change := func(ids, balances []int64, closed []RowID) TableChange {
		ch := TableChange{Table: 1, Columns: cols, Keys: []IndexKeys{{Index: 9}}}
		ch.Rows = []*vec.Batch{{Len: len(ids), Cols: []*vec.Column{{Kind: vec.Int64, Len: len(ids), I64: ids}, {Kind: vec.Int64, Len: len(ids), I64: balances}}}}
		var ends []Closing
		for i, id := range ids {
			ch.Keys[0].Keys = append(ch.Keys[0].Keys, key(id))
			if closed != nil {
				ends = append(ends, Closing{Row: closed[i], Next: i, Kept: id%4 > 0})
			}
		}
		ch.Closed = closingsOf(ends...)
		return ch
	}
	var ids, balances []int64
	for i := range int64(accounts) {
		ids, balances = append(ids, i), append(balances, each)
	}
	r, err := d.Commit(ctx, Commit{Tables: []TableChange{change(ids, balances, nil)}})
	if err != nil {
		t.Fatal(err)
	}
	var locks [accounts]sync.Mutex // of an account, as the engine would hold them
	rows := make([]RowID, accounts)
	for i := range rows {
		rows[i] = r.First(1) + int64(i)
	}
	rounds := 600
	if testing.Short() {
		rounds = 150
	}
	transfer := func(rng *rand.Rand) error {
		pair := []int64{rng.Int64N(accounts), rng.Int64N(accounts - 1)}
		if pair[1] >= pair[0] {
			pair[1]++
		}
		slices.Sort(pair)
		for _, i := range pair {
			locks[i].Lock()
			defer locks[i].Unlock()
		}
		v, err := d.View(ctx, Latest)
		if err != nil {
			return err
		}
		old := []RowID{rows[pair[0]], rows[pair[1]]}
		b, err := v.Table(1).Read(ctx, cols, old)
		if err != nil {
			return err
		}
		if closed, _, err := d.Fate(1, old[0]); closed != 0 || err != nil {
			return fmt.Errorf("version %d is closed at %d: %w", old[0], closed, err)
		}
		amount := rng.Int64N(50)
		r, err := d.Commit(ctx, Commit{Tables: []TableChange{change(pair, []int64{b.Cols[1].Int(0) - amount, b.Cols[1].Int(1) + amount}, old)}})
		if err != nil {
			return err
		}
		rows[pair[0]], rows[pair[1]] = r.First(1), r.First(1)+1
		return nil
	}
	var writers, readers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				if err := transfer(rng); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var moments []Micros
	var mu sync.Mutex
	readers.Go(func() {
		for ctx.Err() == nil {
			d.moves.want(entryRange{rel: d.relation(1), index: 9})
			if err := d.Compact(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	for n := range 2 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(n), 2))
			for ctx.Err() == nil {
				at := Latest
				mu.Lock()
				if len(moments) > 0 && rng.IntN(2) == 0 {
					at = moments[rng.IntN(len(moments))]
				}
				mu.Unlock()
				v, err := d.View(ctx, at)
				if err != nil {
					return
				}
				mu.Lock()
				moments = append(moments, v.At())
				mu.Unlock()
				if err := sumOf(ctx, v, cols, accounts, accounts*each); err != nil && ctx.Err() == nil {
					t.Errorf("at %d: %v", at, err)
					return
				}
				runtime.Gosched() // a processor is shared with the writers
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
	if len(d.moves.of(9).generations()) == 0 {
		t.Error("no entry was moved")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, d = openTest(t, o.FS, o)
	defer s.Close()
	for _, at := range append(moments[:min(len(moments), 50)], Latest) {
		if err := sumOf(context.Background(), mustView(t, d, at), cols, accounts, accounts*each); err != nil {
			t.Fatalf("after a restart, at %d: %v", at, err)
		}
	}
}

// sumOf adds up the second column by a scan and by the index.
func sumOf(ctx context.Context, v View, cols []TableColumn, accounts, want int64) error {
	tv := v.Table(1)
	groups, _, err := tv.Groups(ctx, nil)
	if err != nil {
		return err
	}
	var sum, n int64
	for _, g := range groups {
		visible, err := g.Visible(ctx)
		if err != nil {
			return err
		}
		c, err := g.Read(ctx, cols[1], 0, g.Len())
		if err != nil {
			return err
		}
		for i := range g.Len() {
			if visible == nil || visible.Get(i) {
				sum, n = sum+c.Int(i), n+1
			}
		}
	}
	if sum != want || n != accounts {
		return fmt.Errorf("%d accounts have %d, expected %d and %d", n, sum, accounts, want)
	}
	var rows []RowID
	c := tv.Seek(ctx, 9, KeyRange{})
	for {
		_, row, ok, err := c.Next(ctx)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		rows = append(rows, row)
	}
	b, err := tv.Read(ctx, cols, rows)
	if err != nil {
		return err
	}
	sum = 0
	for i := range rows {
		sum += b.Cols[1].Int(i)
	}
	if sum != want || int64(len(rows)) != accounts {
		return fmt.Errorf("by index %d accounts have %d", len(rows), sum)
	}
	return nil
}
