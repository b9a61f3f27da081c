package storage

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/vec/jsonb"
)

// checkStates compares the states of an entity after each of its versions with those of the model, which makes them one by
// one: first some, by which snapshots are made and used in between, then all at once, then those that there are not.
func (m *model) checkStates(t fataler, v View, entity string, positions []int64, what string) {
	t.Helper()
	var want []jsonb.Value
	for i, pos := range positions {
		p, err := jsonb.Parse(nil, []byte(m.events[pos-1].payload))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if i > 0 {
			p = jsonb.Concat(nil, want[i-1], p)
		}
		want = append(want, p)
	}
	n := int64(len(want))
	var all []int64
	for version := int64(0); version <= n+1; version++ {
		all = append(all, version)
	}
	for _, list := range [][]int64{{n - n/3}, {n / 2, n}, all} {
		next := 0
		err := v.States(context.Background(), entity, list, func(i int, got jsonb.Value) error {
			version := list[i]
			switch {
			case i != next:
				t.Fatalf("%s: answer %d came as number %d", what, i, next)
			case version < 1 || version > n:
				if got != nil {
					t.Fatalf("%s: %s has a state %x of version %d of %d", what, entity, got, version, n)
				}
			case !bytes.Equal(got, want[version-1]):
				t.Fatalf("%s: %s after version %d of %d is\n%s, expected\n%s", what, entity, version, n, jsonb.AppendText(nil, got), jsonb.AppendText(nil, want[version-1]))
			}
			next++
			return nil
		})
		if err != nil || next != len(list) {
			t.Fatalf("%s: %d of %d states of %s: %v", what, next, len(list), entity, err)
		}
	}
}

// snapshots counts those of a database, and the bytes that they take.
func snapshots(t testing.TB, d *DB) (n int, size int64) {
	t.Helper()
	err := d.s.scan(dbKey(d.num, kindSnapshot), nil, func(_, value []byte) error {
		n++
		size += int64(len(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, size
}

func stateAt(t testing.TB, v View, entity string, version int64) string {
	t.Helper()
	var out string
	err := v.States(context.Background(), entity, []int64{version}, func(_ int, state jsonb.Value) error {
		out = string(jsonb.AppendText(nil, state))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSnapshots: a fold over many events leaves snapshots behind, in its own database, which survive; those of a format that
// is not known and those that were deleted are made anew.
func TestSnapshots(t *testing.T) {
	fs := NewMemFS()
	o := testOptions(fs, newFakeClock())
	o.SnapshotEvents = 4
	s, d := openTest(t, fs, o)
	other, err := s.CreateDatabase("other")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for i := range 100 {
		for k, db := range []*DB{d, other} {
			ev := Event{Entity: "e", Type: "t", Expected: AnyVersion, Payload: fmt.Appendf(nil, `{"n": %d, "key %d": %d}`, i, i%7, i*(k+1))}
			if _, err := db.Append(ctx, []Event{ev}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if i == 50 {
			if err := d.Seal(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	const want = `{"n": 41, "key 0": 35, "key 1": 36, "key 2": 37, "key 3": 38, "key 4": 39, "key 5": 40, "key 6": 41}`
	look := func(when string) int {
		t.Helper()
		if got := stateAt(t, mustView(t, d, Latest), "e", 42); got != want {
			t.Fatalf("%s: %s, expected %s", when, got, want)
		}
		n, _ := snapshots(t, d)
		return n
	}
	made := look("at first")
	if n, _ := snapshots(t, other); made == 0 || n != 0 {
		t.Fatalf("%d snapshots, %d in the other database", made, n)
	}
	if n := look("again"); n != made {
		t.Fatalf("%d snapshots, %d after the same question again", made, n)
	}
	stateAt(t, mustView(t, d, Latest), "e", 100)
	all, _ := snapshots(t, d)
	if all <= made {
		t.Fatalf("%d snapshots up to the end, %d before", all, made)
	}
	for version := int64(1); version <= 100; version++ {
		i := int(version - 1)
		if got, want := stateAt(t, mustView(t, d, Latest), "e", version), fmt.Sprintf(`{"n": %d,`, i); !strings.HasPrefix(got, want) && i > 0 { // the first has one key
			t.Errorf("version %d is %s, expected it to begin with %s", version, got, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, d = openTest(t, fs, o)
	if n := look("after a restart"); n != all {
		t.Fatalf("%d snapshots, %d after a restart", all, n)
	}
	b := s.pdb.NewBatch()
	put(b, snapshotKey(d.num, 0, 41), []byte{snapshotFormat + 1, 'x'})
	if err := s.commit(b, false); err != nil {
		t.Fatal(err)
	}
	look("with one of another format")
	b = s.pdb.NewBatch()
	_ = b.DeleteRange(dbKey(d.num, kindSnapshot), after(dbKey(d.num, kindSnapshot)), nil)
	if err := s.commit(b, false); err != nil {
		t.Fatal(err)
	}
	if n := look("without any"); n != made {
		t.Fatalf("%d snapshots, %d when they were made anew", made, n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSnapshotsOfGrowingStates: what an entity's snapshots take stays in proportion to its events, also when its state grows
// with each of them.
func TestSnapshotsOfGrowingStates(t *testing.T) {
	fs := NewMemFS()
	o := testOptions(fs, newFakeClock())
	o.SnapshotEvents = 4
	s, d := openTest(t, fs, o)
	defer s.Close()
	const n = 2000
	events := make([]Event, n)
	total := int64(0)
	for i := range events {
		events[i] = Event{Entity: "list", Type: "t", Expected: AnyVersion, Payload: fmt.Appendf(nil, `["%016x%016x"]`, mix(uint64(i)), mix(uint64(i*i+7)))}
		total += int64(len(events[i].Payload))
	}
	if _, err := d.Append(context.Background(), events, nil); err != nil {
		t.Fatal(err)
	}
	stateAt(t, mustView(t, d, Latest), "list", n)
	if count, size := snapshots(t, d); count < 3 || 2*size > 3*total {
		t.Fatalf("%d snapshots of %d bytes for %d bytes of events", count, size, total)
	}
}
