package storage

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// bulkLoad adds events as one group each.
func bulkLoad(d *DB, asRecorded bool, groups ...[]Event) (Loaded, error) {
	ctx := context.Background()
	b := d.NewBulk(asRecorded)
	defer b.Abort()
	// Groups may come in any order.
	for i := range groups {
		seq := len(groups) - 1 - i
		g := b.Group()
		for k := range groups[seq] {
			if err := g.Add(segmentEvent(&groups[seq][k])); err != nil {
				return Loaded{}, err
			}
		}
		if err := b.Add(ctx, seq, g); err != nil {
			return Loaded{}, err
		}
	}
	return b.Commit(ctx, nil)
}

func recordedEvents(ids bool, times ...Micros) []Event {
	var out []Event
	for _, at := range times {
		ev := Event{Entity: "a", Type: "t", RecordedAt: at, HasTime: true, Timestamp: at, HasID: ids}
		ev.ID[0], ev.ID[1] = byte(at), byte(len(out))
		out = append(out, ev)
	}
	return out
}

func TestImportAsRecorded(t *testing.T) {
	clock := newFakeClock()
	fs := vfs.NewMem()
	s, d := openTest(t, fs, testOptions(nil, clock))
	defer func() { s.Close() }()
	r, err := bulkLoad(d, true, recordedEvents(true, 10, 10, 20), recordedEvents(true, 20, 31))
	if err != nil || r.New != 5 || r.First != 1 || r.RecordedAt != 31 {
		t.Fatalf("%+v %v", r, err)
	}
	for at, want := range map[Micros]int64{9: 0, 10: 2, 19: 2, 20: 4, 30: 4, 31: 5, 32: 5} {
		if got := mustView(t, d, at).Rows(); got != want {
			t.Errorf("%d rows at %d, expected %d", got, at, want)
		}
	}
	// The same again, and a part of it with more: what is there is not in the way.
	if r, err = bulkLoad(d, true, recordedEvents(true, 10, 10, 20), recordedEvents(true, 20, 31)); err != nil || r.New != 0 || r.Repeats != 5 {
		t.Errorf("again: %+v %v", r, err)
	}
	if r, err = bulkLoad(d, true, recordedEvents(true, 10, 10, 20), recordedEvents(true, 40)); err != nil || r.New != 1 || r.Repeats != 3 || r.First != 6 {
		t.Errorf("with more: %+v %v", r, err)
	}
	if err := errors.Join(d.Seal(context.Background()), s.Close()); err != nil {
		t.Fatal(err)
	}
	s, d = openTest(t, fs, testOptions(nil, clock))
	if got := mustView(t, d, 19).Rows(); got != 2 {
		t.Errorf("%d rows at 19 after the restart", got)
	}
}

func TestImportOutOfOrder(t *testing.T) {
	clock := newFakeClock()
	fs := vfs.NewMem()
	s, d := openTest(t, fs, testOptions(nil, clock))
	defer func() { s.Close() }()
	now := d.Now()
	for _, c := range []struct {
		name   string
		groups [][]Event
		row    int64
	}{
		{"inside a group", [][]Event{recordedEvents(false, 5, 7, 6)}, 2},
		{"between groups", [][]Event{recordedEvents(false, 5, 7), recordedEvents(false, 6)}, 2},
		{"after now", [][]Event{recordedEvents(false, 5), recordedEvents(false, 6, now+10)}, 2},
	} {
		_, err := bulkLoad(d, true, c.groups...)
		var o *OrderError
		if !errors.As(err, &o) || !errors.Is(err, ErrNotInOrder) || o.Row != c.row {
			t.Errorf("%s: %v, %+v", c.name, err, o)
		}
	}
	if _, err := bulkLoad(d, true, recordedEvents(false, 100)); err != nil {
		t.Fatal(err)
	}
	if _, err := bulkLoad(d, true, recordedEvents(false, 100)); !errors.Is(err, ErrNotInOrder) {
		t.Errorf("not after the log: %v", err)
	}
	// Somebody looked at the log as of 5000: that answer stays.
	if n := mustView(t, d, 5000).Rows(); n != 1 {
		t.Fatalf("%d rows", n)
	}
	for _, reopened := range []bool{false, true} {
		if reopened {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, d = openTest(t, fs, testOptions(nil, clock))
		}
		if _, err := bulkLoad(d, true, recordedEvents(false, 4999)); !errors.Is(err, ErrNotInOrder) {
			t.Errorf("before what was read: %v", err)
		}
	}
	if _, err := bulkLoad(d, true, recordedEvents(false, 5001)); err != nil {
		t.Errorf("after what was read: %v", err)
	}
}

func TestLoadFindsRepeats(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), testOptions(nil, newFakeClock()))
	defer s.Close()
	var events []Event
	for i := range 50 {
		ev := anyEvent(fmt.Sprint("e", i%5))
		ev.HasID, ev.ID = true, [16]byte{byte(i)}
		events = append(events, ev)
	}
	if _, err := d.Append(context.Background(), events[:7], nil); err != nil {
		t.Fatal(err)
	}
	r, err := bulkLoad(d, false, events[:20], events[10:50])
	if err != nil || r.New != 43 || r.Repeats != 17 || r.First != 8 {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err = bulkLoad(d, false, events); err != nil || r.New != 0 || r.Repeats != 50 {
		t.Fatalf("%+v %v", r, err)
	}
	changed := events[33]
	changed.Payload = []byte(`{"n":2}`)
	_, err = bulkLoad(d, false, []Event{anyEvent("x")}, []Event{changed})
	var c *IDConflict
	if !errors.As(err, &c) || c.Position != 34 || c.ID != changed.ID {
		t.Fatalf("%v %+v", err, c)
	}
	if n := mustView(t, d, Latest).Rows(); n != 50 {
		t.Fatalf("%d rows", n)
	}
}

func TestClosed(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), testOptions(nil, newFakeClock()))
	if _, err := bulkLoad(d, false, []Event{anyEvent("a")}); err != nil {
		t.Fatal(err)
	}
	v := mustView(t, d, Latest)
	b := d.NewBulk(false)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := d.Append(ctx, []Event{anyEvent("a")}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := b.Commit(ctx, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("commit: %v", err)
	}
	if _, err := positionsOf(v, "a", 0, 9); !errors.Is(err, ErrClosed) {
		t.Errorf("entity: %v", err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("close: %v", err)
	}
}

func TestCheckpoint(t *testing.T) {
	fs := vfs.NewMem()
	s, d := openTest(t, fs, testOptions(nil, newFakeClock()))
	defer s.Close()
	if _, err := d.Append(context.Background(), []Event{anyEvent("a"), anyEvent("b")}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint("copy"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Append(context.Background(), []Event{anyEvent("c")}, nil); err != nil {
		t.Fatal(err)
	}
	c, err := Open("copy", testOptions(fs, newFakeClock()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cd, err := c.Database(FirstDatabase)
	if err != nil {
		t.Fatal(err)
	}
	sameLines(t, "copy", dump(t, mustView(t, cd, Latest)), dump(t, mustView(t, d, Latest))[:2])
}
