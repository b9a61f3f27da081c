package storage

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestObjectNumbers: they begin at firstObject, rise, and no start gives one out again.
func TestObjectNumbers(t *testing.T) {
	fs := vfs.NewMem()
	last := uint32(firstObject - 1)
	for start := range 3 {
		s, d := openTest(t, fs, testOptions(nil, newFakeClock()))
		for i := range numbersAhead + 5 {
			id, err := d.NewObjectID()
			if err != nil || id <= last || start+i == 0 && id != firstObject {
				t.Fatalf("start %d: number %d after %d: %v", start, id, last, err)
			}
			last = id
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSequences(t *testing.T) {
	fs := vfs.NewMem()
	s, d := openTest(t, fs, testOptions(nil, newFakeClock()))
	if _, _, ok, err := d.Sequence(7); ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, value := range []int64{1, 33, -5} {
		if err := d.SetSequence(7, value, value == -5); err != nil {
			t.Fatal(err)
		}
	}
	// A commit that is synced makes it durable.
	if _, err := d.Commit(context.Background(), Commit{Objects: []ObjectChange{{1, []byte("x")}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, d = openTest(t, fs, testOptions(nil, newFakeClock()))
	defer s.Close()
	if value, called, ok, err := d.Sequence(7); value != -5 || !called || !ok || err != nil {
		t.Fatal(value, called, ok, err)
	}
}

// TestFormatOfTables: a store says that it has tables from the first commit on that makes one, so that older programs refuse it.
func TestFormatOfTables(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), testOptions(nil, newFakeClock()))
	defer s.Close()
	format := func() (n int64) {
		v, err := s.get(dbKey(0, storeFormat))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readFields(v, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := d.Append(context.Background(), []Event{anyEvent("a")}, nil); err != nil || format() != formatEvents {
		t.Fatal(format(), err)
	}
	if _, err := d.Commit(context.Background(), Commit{Objects: []ObjectChange{{1, []byte("x")}}}); err != nil || format() != formatTables {
		t.Fatal(format(), err)
	}
}

// TestObjectsVersion changes with the objects and with nothing else, and is the same again for the same moment.
func TestObjectsVersion(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), testOptions(nil, newFakeClock()))
	defer s.Close()
	ctx := context.Background()
	none := mustView(t, d, Latest).ObjectsVersion()
	first, err := d.Commit(ctx, Commit{Objects: []ObjectChange{{1, []byte("x")}}})
	if err != nil {
		t.Fatal(err)
	}
	one := mustView(t, d, Latest).ObjectsVersion()
	if _, err := d.Append(ctx, []Event{anyEvent("a")}, nil); err != nil {
		t.Fatal(err)
	}
	if same := mustView(t, d, Latest).ObjectsVersion(); same != one || one == none {
		t.Fatal(none, one, same)
	}
	if _, err := d.Commit(ctx, Commit{Objects: []ObjectChange{{1, nil}}}); err != nil {
		t.Fatal(err)
	}
	v := mustView(t, d, Latest)
	if dropped := v.ObjectsVersion(); dropped == one || len(v.Objects()) > 0 {
		t.Fatal(one, dropped, v.Objects())
	}
	if past := mustView(t, d, first.At); past.ObjectsVersion() != one || len(past.Objects()) != 1 {
		t.Fatal(past.ObjectsVersion(), one)
	}
}
