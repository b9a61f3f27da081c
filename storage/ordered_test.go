package storage

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/allsource-db/allsource/vec"
)

// heldSyncs is a disk whose syncs of logs wait while they are held.
type heldSyncs struct {
	mu   sync.Mutex
	open chan struct{} // nil: they do not wait
}

func (h *heldSyncs) hold() (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	open := make(chan struct{})
	h.open = open
	return func() {
		h.mu.Lock()
		h.open = nil
		h.mu.Unlock()
		close(open)
	}
}

func (h *heldSyncs) fs() vfs.FS {
	return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData {
			h.mu.Lock()
			open := h.open
			h.mu.Unlock()
			if open != nil {
				<-open
			}
		}
		return nil
	}))
}

// oneRow is a change that adds a row with a number, and ends others.
func oneRow(id TableID, n int64, closed ...Closing) TableChange {
	return TableChange{Table: id, Columns: []TableColumn{{ID: 1, Kind: vec.Int64}}, Closed: closingsOf(closed...),
		Rows: []*vec.Batch{{Len: 1, Cols: []*vec.Column{{Kind: vec.Int64, Len: 1, I64: []int64{n}}}}}}
}

// numbers are the rows of a table of oneRow that a view has.
func numbers(t *testing.T, v View, id TableID) (out []int64) {
	t.Helper()
	groups, _, err := v.Table(id).Groups(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		c, err := g.Read(t.Context(), TableColumn{ID: 1, Kind: vec.Int64}, 0, g.Len())
		if err != nil {
			t.Fatal(err)
		}
		seen, err := g.Visible(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range g.Len() {
			if seen == nil || seen.Get(i) {
				out = append(out, c.Int(i))
			}
		}
	}
	return out
}

func always() bool { return true }

// While a group syncs those that nobody waits for make one group.
func TestGroupGrowsDuringSync(t *testing.T) {
	var disk heldSyncs
	s, d := openTest(t, disk.fs(), Options{})
	defer s.Close()
	const others = 5
	ordered, done := make(chan Micros, 1+others), make(chan error, 1+others)
	commit := func() {
		_, err := d.Commit(context.Background(), Commit{Events: []Event{anyEvent("e")}, Ordered: func(at Micros) { ordered <- at }})
		done <- err
	}
	release := disk.hold()
	go commit()
	<-ordered
	before := s.Metrics().AppendBatches
	for range others {
		go commit()
	}
	for waiting := 0; waiting < others; time.Sleep(time.Millisecond) {
		if len(done) > 0 {
			t.Fatal("a commit has ended before its sync has")
		}
		d.queue.mu.Lock()
		waiting = len(d.queue.waiting)
		d.queue.mu.Unlock()
	}
	if len(ordered) > 0 {
		t.Error("a commit has its place that could have waited")
	}
	release()
	for range 1 + others {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := s.Metrics().AppendBatches - before; n != 1 {
		t.Errorf("%d groups", n)
	}
}

// What has its place is known to what comes after it, seen by nobody else, and acknowledged when it is durable.
func TestOrderedIsNotVisible(t *testing.T) {
	var disk heldSyncs
	s, d := openTest(t, disk.fs(), Options{})
	defer s.Close()
	ctx := context.Background()
	const id = TableID(1)
	first, err := d.Commit(ctx, Commit{Tables: []TableChange{oneRow(id, 1)}})
	if err != nil || first.First(id) != 1 {
		t.Fatal(first, err)
	}
	release := disk.hold()
	ordered, acknowledged := make(chan Micros, 2), make(chan error, 2)
	for i := range int64(2) {
		go func() {
			_, err := d.Commit(ctx, Commit{Ordered: func(at Micros) { ordered <- at }, Awaited: always,
				Events: []Event{anyEvent("e")},
				Tables: []TableChange{oneRow(id, 2+i, Closing{Row: 1 + i, Next: 0})}})
			acknowledged <- err
		}()
		at := <-ordered // the second has its place before the first is durable
		if i == 0 {
			if closed, next, err := d.Fate(id, 1); closed != at || next != 2 || err != nil {
				t.Errorf("fate %d %d %v, closed at %d", closed, next, err, at)
			}
		}
		now, err := d.View(ctx, Latest)
		if err != nil {
			t.Fatal(err)
		}
		if got := numbers(t, now, id); now.End() != 1 || !slices.Equal(got, []int64{1}) {
			t.Errorf("visible before it is durable: %d events, rows %v", now.End()-1, got)
		}
		after := d.After(at)
		if got := numbers(t, after, id); after.At() != at || after.End() != 2+i || !slices.Equal(got, []int64{2 + i}) {
			t.Errorf("after commit %d: %d events, rows %v", i, after.End()-1, got)
		}
		if v, err := after.Version(ctx, "e"); v != 1+i || err != nil {
			t.Errorf("version %d %v", v, err)
		}
	}
	select {
	case <-acknowledged:
		t.Error("acknowledged before it is durable")
	default:
	}
	release()
	for range 2 {
		if err := <-acknowledged; err != nil {
			t.Error(err)
		}
	}
	if now, err := d.View(ctx, Latest); err != nil || now.End() != 3 || !slices.Equal(numbers(t, now, id), []int64{3}) {
		t.Errorf("durable, and not visible: %v", err)
	}
}

// What is refused because of something that is not durable yet is refused when it is.
func TestRefusalWaitsForItsReason(t *testing.T) {
	var disk heldSyncs
	s, d := openTest(t, disk.fs(), Options{})
	defer s.Close()
	ctx := context.Background()
	release := disk.hold()
	ordered := make(chan Micros, 1)
	done := make(chan error, 2)
	go func() {
		_, err := d.Commit(ctx, Commit{Events: []Event{anyEvent("e")}, Ordered: func(at Micros) { ordered <- at }})
		done <- err
	}()
	<-ordered
	refused := make(chan error, 1)
	go func() {
		ev := anyEvent("e")
		ev.Expected = 0
		_, err := d.Commit(ctx, Commit{Events: []Event{ev}, Awaited: always})
		refused <- err
	}()
	durable := make(chan struct{})
	go func() {
		defer close(durable)
		if err := d.Durable(ctx, math.MaxInt64); err != nil {
			t.Error(err)
		}
	}()
	time.Sleep(10 * time.Millisecond) // for an answer that does not wait
	select {
	case err := <-refused:
		t.Errorf("told before it is durable: %v", err)
	case <-durable:
		t.Error("durable before the sync")
	default:
	}
	release()
	<-durable
	if err := <-refused; !errors.As(err, new(*VersionConflict)) {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
