package storage

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// TestReadersSeeAPrefix runs writers, loads, background work and readers against each other. A reader must see positions
// without holes, versions without gaps, whole appends, and nothing that it does not see again.
func TestReadersSeeAPrefix(t *testing.T) {
	o := Options{FS: vfs.NewMem(), Memory: 24 << 20, RowGroupRows: 256, SealRows: 64}
	s, d := openTest(t, o.FS, o)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	var writers, readers sync.WaitGroup
	var acked atomic.Int64
	for w := range 6 {
		writers.Go(func() {
			for i := range rounds * 4 {
				// Two events in one append, of which a reader sees both or none.
				name := fmt.Sprint("w", w)
				events := []Event{anyEvent(name), anyEvent(name)}
				events[0].Expected = int64(2 * i)
				r, err := d.Append(ctx, events, nil)
				if err != nil {
					t.Error(err)
					return
				}
				for acked.Load() < r.Positions[1] {
					acked.Store(r.Positions[1])
				}
				if v, err := d.View(ctx, r.RecordedAt); err != nil || v.End() != r.Positions[1]+1 {
					t.Errorf("a view at the append's time ends at %d (%v), expected %d", v.End(), err, r.Positions[1]+1)
				}
			}
		})
	}
	writers.Go(func() {
		for i := range rounds / 3 {
			b := d.NewBulk(false)
			g := b.Group()
			for k := range 100 {
				ev := anyEvent("bulk")
				ev.HasID, ev.ID = true, [16]byte{byte(i), byte(k), byte(k >> 8)}
				if err := g.Add(segmentEvent(&ev)); err != nil {
					t.Error(err)
				}
			}
			if err := b.Add(ctx, 0, g); err != nil {
				t.Error(err)
			}
			if _, err := b.Commit(ctx, nil); err != nil {
				t.Error(err)
			}
			b.Abort()
		}
	})
	for range 3 {
		readers.Go(func() {
			var seen int64
			moments := map[Micros]int64{}
			for ctx.Err() == nil {
				at := Latest
				if seen%2 == 1 {
					at = d.Now()
				}
				least := acked.Load()
				v, err := d.View(ctx, at)
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				if v.Rows() < seen || v.Rows() < least-1 && at == Latest {
					t.Errorf("%d rows after %d, %d acknowledged", v.Rows(), seen, least)
					return
				}
				seen = v.Rows()
				if at != Latest && len(moments) < 100 {
					moments[at] = seen
				}
				checkPrefix(ctx, t, v)
				for at, rows := range moments {
					if again, err := d.View(ctx, at); err == nil && again.Rows() != rows {
						t.Errorf("at %d there were %d rows, now there are %d", at, rows, again.Rows())
						return
					}
				}
				runtime.Gosched() // a processor is shared with the writers
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want := int64(6*rounds*4*2 + rounds/3*100)
	s, d = openTest(t, o.FS, o)
	defer s.Close()
	if v := mustView(t, d, Latest); v.Rows() != want {
		t.Errorf("%d rows, expected %d", v.Rows(), want)
	} else {
		checkPrefix(context.Background(), t, v)
	}
}

func checkPrefix(ctx context.Context, t *testing.T, v View) {
	groups, _, err := v.Groups(ctx, nil)
	if err != nil {
		if ctx.Err() == nil {
			t.Error(err)
		}
		return
	}
	versions := map[string]int64{}
	next := int64(1)
	for _, g := range groups {
		read := func(c Column) *vec.Column {
			col, err := g.Read(ctx, Ref{Col: c}, 0, g.Len())
			if err != nil && ctx.Err() == nil {
				t.Errorf("read: %v", err)
			}
			return col
		}
		pos, ent, ver := read(ColPosition), read(ColEntity), read(ColVersion)
		if pos == nil || ent == nil || ver == nil {
			return
		}
		for i := range g.Len() {
			e := string(ent.Bytes(i))
			versions[e]++
			if pos.Int(i) != next || ver.Int(i) != versions[e] {
				t.Errorf("position %d has %s version %d, expected position %d version %d", pos.Int(i), e, ver.Int(i), next, versions[e])
				return
			}
			next++
		}
	}
	if next != v.End() {
		t.Errorf("the groups end at %d, the view at %d", next, v.End())
	}
	for e, n := range versions {
		if e != "bulk" && n%2 != 0 {
			t.Errorf("half an append of %s is visible", e)
		}
		if got, err := v.Version(ctx, e); ctx.Err() == nil && (err != nil || got != n) {
			t.Errorf("version of %s is %d (%v), expected %d", e, got, err, n)
		}
	}
}

// TestReplacedGroupsGo checks that a view keeps the row groups that it was opened on, and that they go with it.
func TestReplacedGroupsGo(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), testOptions(nil, newFakeClock()))
	defer s.Close()
	ctx := context.Background()
	for range 4 {
		for range 7 {
			if _, err := d.Append(ctx, []Event{anyEvent("a")}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Seal(ctx); err != nil {
			t.Fatal(err)
		}
	}
	old := mustView(t, d, Latest)
	if err := d.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if m := s.Metrics(); m.Groups != 1 || m.Compactions != 1 {
		t.Fatalf("%+v", m)
	}
	if got := len(dump(t, old)); got != 28 {
		t.Fatalf("the old view has %d rows", got)
	}
	orphans := func() (n int) {
		if err := s.scan(dbKey(d.num, kindOrphan), nil, func(_, _ []byte) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := orphans(); n < 4 {
		t.Fatalf("%d orphans while a view holds 4", n)
	}
	old = nil
	deadline := time.After(20 * time.Second)
	for orphans() > 0 {
		runtime.GC()
		select {
		case <-deadline:
			t.Fatalf("%d orphans are left", orphans())
		case <-time.After(5 * time.Millisecond):
		}
	}
	if got := len(dump(t, mustView(t, d, Latest))); got != 28 {
		t.Fatalf("%d rows", got)
	}
}
