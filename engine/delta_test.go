package engine

import (
	"context"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// ownBatchOf makes rows of one int8 column, which is their key in index 9 too.
func ownBatchOf(values ...int64) ownBatch {
	b := vec.NewBuilder(vec.Int64, len(values))
	keys := storage.IndexKeys{Index: 9}
	for _, v := range values {
		b.AppendInt(v)
		keys.Keys = append(keys.Keys, []byte{byte(v)})
	}
	return ownBatch{cols: []storage.TableColumn{{ID: 1, Kind: vec.Int64}}, rows: &vec.Batch{Len: len(values), Cols: []*vec.Column{b.Finish()}},
		keys: []storage.IndexKeys{keys}}
}

var ownColumn = []storage.TableColumn{{ID: 1, Kind: vec.Int64}}

// liveValues are the values that a scan of a command would see, those on disk first.
func liveValues(t testing.TB, d *delta, command int32) []int64 {
	t.Helper()
	ctx := context.Background()
	v := d.view(command)
	groups, err := v.Groups()
	if err != nil {
		t.Fatal(err)
	}
	var out []int64
	for _, g := range groups {
		set, err1 := g.Visible(ctx)
		col, err2 := g.Read(ctx, ownColumn[0], 0, g.Len())
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for i := range g.Len() {
			if set == nil || set.Get(i) {
				out = append(out, col.Int(i))
			}
		}
	}
	rows := v.Live()
	if len(rows) == 0 {
		return out
	}
	b, err := v.Read(ctx, ownColumn, rows)
	if err != nil {
		t.Fatal(err)
	}
	return append(out, b.Cols[0].I64[:b.Len]...)
}

func mustAdd(t testing.TB, d *delta, command int32, values ...int64) storage.RowID {
	t.Helper()
	first, err := d.add(context.Background(), command, ownBatchOf(values...))
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func mustKeyed(t testing.TB, d *delta, key byte) []storage.RowID {
	t.Helper()
	rows, err := d.keyed(9, []byte{key})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func sameInts(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestDelta goes through commands that add, replace and delete rows, and looks at what each of them sees and what the commit gets.
func TestDelta(t *testing.T) {
	d := newDelta(1, nil, 1<<30)
	mustAdd(t, d, 1, 10, 20) // rows -1, -2
	first := mustAdd(t, d, 2, 11)
	d.end(2, -1, first)  // 10 becomes 11
	d.end(2, 500, first) // a version that others see
	d.end(3, -2, 0)      // 20 is deleted
	for command, want := range map[int32][]int64{1: nil, 2: {10, 20}, 3: {20, 11}, 4: {11}} {
		if got := liveValues(t, d, command); !sameInts(got, want) {
			t.Errorf("command %d sees %v, expected %v", command, got, want)
		}
	}
	if v := d.view(2); v.Ended(500) {
		t.Error("command 2 must not see its own work")
	}
	if v := d.view(3); !v.Ended(500) {
		t.Error("command 3 must see that version 500 has ended")
	}
	ch, changed, err := d.change(context.Background(), ownColumn)
	if err != nil {
		t.Fatal(err)
	}
	if closed := slices.Collect(iter.Seq[storage.Closing](ch.Closed)); !changed || len(ch.Rows) != 1 || ch.Rows[0].Cols[0].Int(0) != 11 ||
		!slices.Equal(closed, []storage.Closing{{Row: 500, Next: 0}}) {
		t.Errorf("the commit gets %+v", ch)
	}
	d.goBack(2)
	if got := liveValues(t, d, newest); !sameInts(got, []int64{10, 20}) {
		t.Errorf("after going back there are %v", got)
	}
	if len(mustKeyed(t, d, 11)) != 0 || len(mustKeyed(t, d, 10)) != 1 || d.view(newest).Ended(500) {
		t.Error("keys and versions are not as they were")
	}
	d.empty(5)
	if got := liveValues(t, d, newest); got != nil {
		t.Errorf("after TRUNCATE there are %v", got)
	}
	d.goBack(5)
	if got := liveValues(t, d, newest); !sameInts(got, []int64{10, 20}) {
		t.Errorf("after undoing TRUNCATE there are %v", got)
	}
}

// modelRow is an own row as the delta must know it.
type modelRow struct {
	value    int64
	from, to int32
}

// deltaLog is an empty log for loads.
func deltaLog(t *testing.T) *storage.DB {
	t.Helper()
	store, err := storage.Open("db", storage.Options{FS: storage.NewMemFS(), Memory: 32 << 20, RowGroupRows: 64, Manual: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	log, err := store.Database(storage.FirstDatabase)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// TestDeltaOnDisk does at random what transactions do, with and without a load that takes the rows early, and compares what each command
// sees, keys, and what the commit makes of it, with lists.
func TestDeltaOnDisk(t *testing.T) {
	log := deltaLog(t)
	rapid.Check(t, func(r *rapid.T) {
		most := rapid.SampledFrom([]int64{1 << 30, 1000, 1}).Draw(r, "bytes in memory")
		d := newDelta(7, log, most)
		defer d.abort()
		var rows []modelRow // by number; one with from 0 was undone
		ended := map[storage.RowID]int32{}
		command, emptied := int32(0), int32(0)
		live := func() (out []int) {
			for i, row := range rows {
				if row.from > 0 && row.to == newest {
					out = append(out, i)
				}
			}
			return out
		}
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			command++
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0, 1:
				var values []int64
				for range rapid.IntRange(1, 40).Draw(r, "rows") {
					values = append(values, rapid.Int64Range(0, 30).Draw(r, "value"))
				}
				first := mustAdd(t, d, command, values...)
				rows = rows[:-first-1]
				for _, v := range values {
					rows = append(rows, modelRow{v, command, newest})
				}
			case 2: // replace some
				for _, i := range live() {
					if rapid.IntRange(0, 3).Draw(r, "replace") == 0 {
						next := mustAdd(t, d, command, rows[i].value+1)
						rows = append(rows[:-next-1], modelRow{rows[i].value + 1, command, newest})
						d.end(command, -storage.RowID(i)-1, next)
						rows[i].to = command
					}
				}
			case 3: // delete some, of others too
				for _, i := range live() {
					if rapid.IntRange(0, 3).Draw(r, "delete") == 0 {
						d.end(command, -storage.RowID(i)-1, 0)
						rows[i].to = command
					}
				}
				if row := rapid.Int64Range(1, 5000).Draw(r, "row"); ended[row] == 0 && emptied == 0 {
					d.end(command, row, 0)
					ended[row] = command
				}
			case 4:
				if rapid.IntRange(0, 3).Draw(r, "truncate") == 0 {
					d.empty(command)
					for _, i := range live() {
						rows[i].to = command
					}
					emptied = command
				}
			case 5:
				back := rapid.Int32Range(1, command).Draw(r, "back")
				d.goBack(back)
				for i := range rows {
					switch {
					case rows[i].from >= back:
						rows[i].from = 0
					case rows[i].to >= back:
						rows[i].to = newest
					}
				}
				for row, by := range ended {
					if by >= back {
						delete(ended, row)
					}
				}
				if emptied >= back {
					emptied = 0
					for _, e := range d.emptied {
						emptied = e.command
					}
				}
			}
			at := rapid.Int32Range(1, command+1).Draw(r, "seen by")
			var want []int64
			for _, row := range rows {
				if row.from > 0 && row.from < at && at <= row.to {
					want = append(want, row.value)
				}
			}
			if got := liveValues(t, d, at); !slices.Equal(got, want) {
				r.Fatalf("command %d sees %v, expected %v", at, got, want)
			}
			checkOwnIndex(t, r, d, at, rows)
		}
		ch, _, err := d.change(context.Background(), ownColumn)
		if err != nil {
			r.Fatal(err)
		}
		stay, kept := len(live()), int64(0)
		for _, b := range ch.Rows {
			kept += int64(b.Len)
		}
		if ch.Load != nil {
			groups, _ := ch.Load.Groups()
			for _, g := range groups {
				set, _ := g.Visible(context.Background())
				if set == nil {
					kept += int64(g.Len())
				} else {
					kept += int64(set.Count(g.Len()))
				}
			}
		}
		if kept != int64(stay) || ch.Truncate != (emptied > 0) {
			r.Fatalf("the commit gets %d rows, expected %d", kept, stay)
		}
	})
}

// checkOwnIndex looks for a range of keys, forwards or backwards, and for one of them.
func checkOwnIndex(t *testing.T, r *rapid.T, d *delta, at int32, rows []modelRow) {
	lo := rapid.IntRange(0, 30).Draw(r, "from key")
	hi := lo + rapid.IntRange(0, 10).Draw(r, "keys")
	desc := rapid.Bool().Draw(r, "backwards")
	var want, live []int64
	for i, row := range rows {
		if row.from > 0 && row.from < at && at <= row.to && row.value >= int64(lo) && row.value < int64(hi) {
			want = append(want, row.value)
		}
		if row.from > 0 && row.to == newest && row.value == int64(lo) {
			live = append(live, -int64(i)-1)
		}
	}
	slices.Sort(want)
	if desc {
		slices.Reverse(want)
	}
	c, err := d.view(at).Seek(9, []byte{byte(lo)}, []byte{byte(hi)}, desc, false)
	if err != nil {
		r.Fatal(err)
	}
	var got []int64
	for {
		key, row, ok, err := c.Next()
		if err != nil {
			r.Fatal(err)
		}
		if !ok {
			break
		}
		if rows[-row-1].value != int64(key[0]) {
			r.Fatalf("row %d has %d, and the key %d", row, rows[-row-1].value, key[0])
		}
		got = append(got, int64(key[0]))
	}
	if !slices.Equal(got, want) {
		r.Fatalf("keys %d to %d are %v, expected %v", lo, hi, got, want)
	}
	found := mustKeyed(t, d, byte(lo))
	slices.Sort(found)
	slices.Sort(live)
	if !slices.Equal(found, live) {
		r.Fatalf("rows with key %d are %v, expected %v", lo, found, live)
	}
}

// cancelledAfter is a context that is cancelled once it was asked so often.
type cancelledAfter struct {
	context.Context
	asked, after int
}

func (c *cancelledAfter) Err() error {
	if c.asked++; c.asked > c.after {
		return context.Canceled
	}
	return nil
}

// A command that is cancelled while rows go to the disk leaves those of the commands before it, which a savepoint keeps.
func TestDeltaAfterCancel(t *testing.T) {
	log := deltaLog(t)
	for after := range 3 {
		d := newDelta(7, log, 200) // of which the rows of the first command are fewer
		mustAdd(t, d, 1, 1)
		if _, err := d.add(&cancelledAfter{context.Background(), 0, after}, 2, ownBatchOf(2, 3, 4)); after == 0 && err == nil {
			t.Error("a cancelled command adds rows")
		}
		d.goBack(2)
		mustAdd(t, d, 3, 5)
		if got := liveValues(t, d, newest); !slices.Equal(got, []int64{1, 5}) {
			t.Errorf("cancelled when asked for the %d. time: %v", after+1, got)
		}
		if _, _, err := d.change(context.Background(), ownColumn); err != nil {
			t.Error(err)
		}
		d.abort()
	}
}

// TestDeltaEndsMixedRows has one command replace versions of others and own rows together, as an UPDATE does that meets both.
func TestDeltaEndsMixedRows(t *testing.T) {
	d := newDelta(7, nil, 1<<30)
	mustAdd(t, d, 1, 1, 2)
	first := mustAdd(t, d, 2, 11, 12, 13, 14, 15)
	rows := []storage.RowID{5, 6, -1, -2, 9}
	d.endAll(2, rows, first)
	for i, row := range rows {
		if next, ended := d.next(row); !ended || next != first-storage.RowID(i) {
			t.Errorf("what took the place of row %d is %d (%v)", row, next, ended)
		}
	}
}
