package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/allsource-db/allsource/vec/jsonb"
)

func anyEvent(entity string) Event {
	return Event{Entity: entity, Type: "t", Payload: []byte(`{"n":1}`), Expected: AnyVersion}
}

func TestAppendRefuses(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), testOptions(nil, newFakeClock()))
	defer s.Close()
	good := anyEvent("a")
	for _, c := range []struct {
		name   string
		change func(*Event)
		column string
	}{
		{"no entity", func(e *Event) { e.Entity = "" }, "entity_id"},
		{"a zero byte", func(e *Event) { e.Entity = "a\x00b" }, "entity_id"},
		{"no UTF-8", func(e *Event) { e.Type = "\xff" }, "event_type"},
		{"no JSON", func(e *Event) { e.Payload = []byte(`{"a":`) }, "payload"},
		{"no text", func(e *Event) { e.Metadata = []byte(`"\u0000"`) }, "metadata"},
	} {
		bad := anyEvent("b")
		c.change(&bad)
		_, err := d.Append(context.Background(), []Event{good, bad}, nil)
		var e *EventError
		if !errors.As(err, &e) || e.Index != 1 || e.Column != c.column {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := d.Append(context.Background(), []Event{{Entity: "b", Type: "t", Payload: []byte("{")}}, nil); err == nil {
		t.Error("half a document was accepted")
	} else if j := (*jsonb.Error)(nil); !errors.As(err, &j) {
		t.Errorf("the JSON error is not there: %v", err)
	}
	if v := mustView(t, d, Latest); v.Rows() != 0 {
		t.Errorf("%d rows of refused appends", v.Rows())
	}
}

func TestAppendIsAllOrNothing(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), testOptions(nil, newFakeClock()))
	defer s.Close()
	ctx := context.Background()
	first := anyEvent("a")
	first.HasID, first.ID = true, [16]byte{1}
	if _, err := d.Append(ctx, []Event{first}, nil); err != nil {
		t.Fatal(err)
	}
	conflict := first
	conflict.Payload = []byte(`{"n":2}`)
	for _, bad := range []Event{conflict, {Entity: "c", Type: "t", Expected: 3}} {
		if _, err := d.Append(ctx, []Event{anyEvent("a"), anyEvent("b"), bad}, nil); err == nil {
			t.Fatalf("%+v was accepted", bad)
		}
	}
	got, err := d.Append(ctx, []Event{{Entity: "b", Type: "t"}, {Entity: "a", Type: "t", Expected: 1}, {Entity: "b", Type: "t", Expected: 1}}, nil)
	if err != nil || fmt.Sprint(got.Positions, got.Versions) != "[2 3 4] [1 2 2]" {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestAppendAgain(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), testOptions(nil, newFakeClock()))
	defer s.Close()
	ctx := context.Background()
	ev := anyEvent("a")
	ev.Expected = 0
	ev.HasID, ev.ID = true, [16]byte{9}
	other := ev
	other.Entity = "b"
	first, err := d.Append(ctx, []Event{ev, other}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ev.Payload = []byte(` { "n" : 1 } `)
	again, err := d.Append(ctx, []Event{ev, ev, anyEvent("a")}, nil)
	if err != nil || again.New != 1 || again.Repeats != 2 || again.Positions[0] != first.Positions[0] || again.Versions[0] != 1 || again.Versions[2] != 2 {
		t.Fatalf("%+v %v", again, err)
	}
	if again, err = d.Append(ctx, []Event{ev}, nil); err != nil || again.RecordedAt != 0 || again.New != 0 {
		t.Fatalf("%+v %v", again, err)
	}
	// The id that we made is known too.
	v := mustView(t, d, Latest)
	g, err := v.Locate(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := g.Read(ctx, Ref{Col: ColID}, int(3-g.Base()), int(4-g.Base()))
	if err != nil {
		t.Fatal(err)
	}
	retry := anyEvent("a")
	retry.HasID = true
	copy(retry.ID[:], ids.Bytes(0))
	if again, err = d.Append(ctx, []Event{retry}, nil); err != nil || again.Repeats != 1 || again.Positions[0] != 3 {
		t.Fatalf("%+v %v", again, err)
	}
	if ev.HasTime, ev.Timestamp = true, 5; true {
		if _, err = d.Append(ctx, []Event{ev}, nil); !errors.Is(err, ErrIDConflict) {
			t.Fatalf("another timestamp: %v", err)
		}
	}
}

func TestAppendsShareSyncs(t *testing.T) {
	var syncs atomic.Int64
	slow := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData {
			syncs.Add(1)
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	s, d := openTest(t, errorfs.Wrap(vfs.NewMem(), slow), Options{})
	defer s.Close()
	const writers, each = 32, 20
	before := syncs.Load()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				ev := anyEvent(fmt.Sprint("w", w))
				ev.Expected = int64(i)
				if _, err := d.Append(context.Background(), []Event{ev}, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	n := syncs.Load() - before
	if m := s.Metrics(); m.Appends != writers*each || n == 0 || n > m.Appends/2 {
		t.Errorf("%d appends, %d syncs", m.Appends, n)
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	b := s.pdb.NewBatch()
	put(b, dbKey(0, storeFormat), fields(formatVersion+1))
	if err := errors.Join(s.commit(b, true), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err = Open(dir, Options{}); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("a newer format: %v", err)
	}
}

func TestDatabasesAreApart(t *testing.T) {
	fs := vfs.NewMem()
	s, d := openTest(t, fs, testOptions(nil, newFakeClock()))
	e, err := s.CreateDatabase("acme")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateDatabase("acme"); !errors.Is(err, ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	if _, err := s.Database("nobody"); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("unknown database: %v", err)
	}
	ctx := context.Background()
	if _, err := d.Append(ctx, []Event{anyEvent("a"), anyEvent("a")}, nil); err != nil {
		t.Fatal(err)
	}
	if r, err := e.Append(ctx, []Event{anyEvent("a")}, nil); err != nil || r.Positions[0] != 1 || r.Versions[0] != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, d = openTest(t, fs, testOptions(nil, newFakeClock()))
	defer s.Close()
	if e, err = s.Database("acme"); err != nil || fmt.Sprint(s.Databases()) != "[acme allsource]" {
		t.Fatal(err, s.Databases())
	}
	if a, b := mustView(t, d, Latest).Rows(), mustView(t, e, Latest).Rows(); a != 2 || b != 1 {
		t.Errorf("%d and %d rows", a, b)
	}
}
