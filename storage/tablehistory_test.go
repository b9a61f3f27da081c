package storage

import (
	"context"
	"math/rand/v2"
	"runtime"
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

// TestGroupsEndTogether closes all versions of some groups in one commit. They become history without being written again, and views of before, of the
// moment between and after a restart see what they saw, also when the history is merged and what nobody holds is deleted.
func TestGroupsEndTogether(t *testing.T) {
	ctx := context.Background()
	disk := vfs.NewMem()
	options := Options{RowGroupRows: 64, SealRows: 1 << 20, Manual: true}
	s, d := openTest(t, disk, options)
	sizes := []int{64, 8, 8, 8, 8, 64}
	rows := 0
	for _, n := range sizes { // a group each
		l, err := d.NewTableLoad(1, benchColumns, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Add(ctx, benchRows(rows, n, 0), nil); err != nil {
			t.Fatal(err)
		}
		if err := l.write(); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Load: l}}}); err != nil {
			t.Fatal(err)
		}
		rows += n
	}
	before := mustView(t, d, Latest)
	groups, _, err := before.Table(1).Groups(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[uint64]int{}
	for _, g := range d.relation(1).state.Load().groups {
		objects[g.object] = g.rows
	}
	at := before.At()
	ch := TableChange{Table: 1, Closed: func(yield func(Closing) bool) {
		for row := range rows {
			if !yield(Closing{Row: RowID(row) + 1, Next: -1}) {
				return
			}
		}
	}}
	if _, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	st := d.relation(1).state.Load()
	same := 0
	for _, g := range st.history {
		if g.rows == 64 && objects[g.object] == 64 {
			same++
		}
	}
	if len(st.groups) != 0 || len(st.history) != 3 || same != 2 {
		t.Errorf("%d base groups, %d of history, of which %d were not written again; expected none, three and two", len(st.groups), len(st.history), same)
	}
	for range 2 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond) // for cleanups
		if err := d.collectGarbage(); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, groups []RowGroup, want int) {
		t.Helper()
		seen, sum := 0, int64(0)
		for _, g := range groups {
			visible, err := g.Visible(ctx)
			if err != nil {
				t.Fatal(when, err)
			}
			c, err := g.Read(ctx, benchColumns[0], 0, g.Len())
			if err != nil {
				t.Fatal(when, err)
			}
			for i := range g.Len() {
				if visible == nil || visible.Get(i) {
					seen, sum = seen+1, sum+c.Int(i)
				}
			}
		}
		if seen != want || sum != int64(want*(want-1)/2) {
			t.Errorf("%s: %d rows with the sum %d, expected %d", when, seen, sum, want)
		}
	}
	groupsAt := func(at Micros) []RowGroup {
		groups, _, err := mustView(t, d, at).Table(1).Groups(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		return groups
	}
	check("a view of before", groups, rows)
	check("now", groupsAt(Latest), 0)
	check("as of before", groupsAt(at), rows)
	s.Close()
	s, d = openTest(t, disk, options)
	defer s.Close()
	check("now, after a restart", groupsAt(Latest), 0)
	check("as of before, after a restart", groupsAt(at), rows)
}

// TestVisibleOfPart has a view look at the first rows of a row group, of which one has ended, before one looks at all of them.
func TestVisibleOfPart(t *testing.T) {
	ctx := context.Background()
	s, d := openTest(t, vfs.NewMem(), Options{Manual: true})
	defer s.Close()
	commit := func(ch TableChange) Micros {
		ch.Table, ch.Columns = 1, benchColumns
		done, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}})
		if err != nil {
			t.Fatal(err)
		}
		return done.At
	}
	commit(TableChange{Rows: []*vec.Batch{benchRows(0, 100, 0)}})
	early := commit(TableChange{Closed: closingsOf(Closing{Row: 3, Next: -1})})
	commit(TableChange{Rows: []*vec.Batch{benchRows(100, 100, 0)}})
	if err := d.sealTables(ctx, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   Micros
		rows int
	}{{early, 99}, {Latest, 199}, {early, 99}} {
		groups, _, err := mustView(t, d, c.at).Table(1).Groups(ctx, nil)
		if err != nil || len(groups) != 1 {
			t.Fatalf("%d groups, %v", len(groups), err)
		}
		visible, err := groups[0].Visible(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n := visible.Count(groups[0].Len()); n != c.rows {
			t.Errorf("%d of %d rows are visible, expected %d", n, groups[0].Len(), c.rows)
		}
	}
}

// TestTailBetweenGroups merges no groups around versions of the tail, which the next start would take for sealed.
func TestTailBetweenGroups(t *testing.T) {
	ctx := context.Background()
	fs := vfs.NewMem()
	s, d := openTest(t, fs, Options{RowGroupRows: 8192, Manual: true})
	want := 0
	for range 6 {
		l, err := d.NewTableLoad(1, benchColumns, nil)
		if err == nil {
			err = l.Add(ctx, benchRows(0, 2*fewLoaded, 0), nil)
		}
		if err == nil {
			_, err = d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Load: l}}})
		}
		if err == nil {
			_, err = d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, 3, 0)}}}})
		}
		if err != nil {
			t.Fatal(err)
		}
		want += 2*fewLoaded + 3
	}
	if err := d.compactTables(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, d = openTest(t, fs, Options{Manual: true})
	defer s.Close()
	if n := mustView(t, d, Latest).Table(1).Rows(); n != int64(want) {
		t.Errorf("%d rows after a restart, expected %d", n, want)
	}
}
