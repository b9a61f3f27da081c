package engine

import (
	"testing"

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

func liveValues(t *testing.T, d *delta, command int32) []int64 {
	t.Helper()
	v := d.view(command)
	rows := v.Live()
	if len(rows) == 0 {
		return nil
	}
	b, err := v.Read([]storage.TableColumn{{ID: 1, Kind: vec.Int64}}, rows)
	if err != nil {
		t.Fatal(err)
	}
	return b.Cols[0].I64[:b.Len]
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
	d := newDelta(1)
	d.add(1, ownBatchOf(10, 20)) // rows -1, -2
	first := d.add(2, ownBatchOf(11))
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
	ch, changed := d.change([]storage.TableColumn{{ID: 1, Kind: vec.Int64}})
	if !changed || len(ch.Rows) != 1 || ch.Rows[0].Cols[0].Int(0) != 11 || len(ch.Closed) != 1 || ch.Closed[0] != (storage.Closing{Row: 500, Next: 0}) {
		t.Errorf("the commit gets %+v", ch)
	}
	d.goBack(2)
	if got := liveValues(t, d, newest); !sameInts(got, []int64{10, 20}) {
		t.Errorf("after going back there are %v", got)
	}
	if len(d.keyed(9, []byte{11})) != 0 || len(d.keyed(9, []byte{10})) != 1 || d.view(newest).Ended(500) {
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
