package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/allsource-db/allsource/storage/crashfs"
)

// tableMoment is what a crash may leave: the model after some commit.
type tableMoment struct {
	at      Micros
	tables  [2]modelTable
	objects []modelObject
}

func (m *tableModel) moment() tableMoment {
	out := tableMoment{tables: m.tables, objects: slices.Clone(m.objects)}
	if n := len(m.times); n > 0 {
		out.at = m.times[n-1]
	}
	for i := range out.tables {
		out.tables[i].versions = slices.Clone(m.tables[i].versions)
	}
	return out
}

// tableScript does a bit of everything with tables, the same each time, and keeps what was acknowledged.
type tableScript struct {
	m  *tableModel
	mu sync.Mutex

	acked  tableMoment
	flight []modelChange // of the commit on its way
	wants  []modelObject
}

func newTableScript(m *tableModel) *tableScript {
	x := &tableScript{m: m, acked: m.moment()}
	m.before = func(changes []modelChange, objects []modelObject) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.flight, x.wants = changes, objects
	}
	m.after = func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.acked, x.flight, x.wants = m.moment(), nil, nil
	}
	return x
}

// known is what a crash at this moment must keep, and the commit that it may keep besides.
func (x *tableScript) known() (tableMoment, []modelChange, []modelObject) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.acked, x.flight, x.wants
}

func (x *tableScript) run(t fataler, rounds int) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(3, 7))
	pick := func(n int, _ string) int { return rng.IntN(n) }
	for round := range rounds {
		for i := range x.m.tables {
			x.m.tables[i].shape = min(round/3, 2)
		}
		x.m.commitSome(t, pick, false)
		x.m.commitSome(t, pick, false)
		if round%4 == 2 {
			x.m.commitSome(t, pick, true)
		}
		if err := x.m.d.Seal(ctx); err != nil {
			t.Fatalf("seal: %v", err)
		}
		x.m.commitSome(t, pick, false)
		x.m.wantMoves()
		if err := errors.Join(x.m.d.Compact(ctx), x.m.d.collectGarbage(), flushSoon(x.m.s)); err != nil {
			t.Fatalf("upkeep: %v", err)
		}
	}
}

// verify opens what a crash left and compares it with what must be and may be there.
func verifyTables(t *testing.T, o Options, acked tableMoment, flight []modelChange, wants []modelObject, what string) {
	t.Helper()
	s, err := Open("db", o)
	if err != nil {
		t.Fatalf("%s: open: %v", what, err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatalf("%s: close: %v", what, err)
		}
	}()
	d, err := s.Database(FirstDatabase)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	m := &tableModel{d: d, s: s, tables: acked.tables, objects: acked.objects}
	v := mustView(t, d, Latest)
	if v.At() > acked.at {
		for i := range flight {
			c := flight[i]
			c.mt = &m.tables[c.ch.Table-1]
			c.mt.versions = slices.Clone(c.mt.versions)
			c.apply(d.relation(c.mt.id).state.Load().end-int64(len(c.fresh)), v.At())
		}
		for _, o := range wants {
			o.at = v.At()
			m.objects = append(slices.Clip(m.objects), o)
		}
	}
	for i := range m.tables {
		mt := &m.tables[i]
		mt.check(t, v.Table(mt.id), v.At(), v.At(), v.At(), fmt.Sprintf("%s: table %d", what, mt.id))
		mt.check(t, v.TableBetween(mt.id, math.MinInt64, math.MaxInt64, true), math.MinInt64, math.MaxInt64, v.At(), fmt.Sprintf("%s: table %d ever", what, mt.id))
	}
	got := ""
	for _, o := range v.Objects() {
		got += fmt.Sprintf("%d %s %d;", o.ID, o.Value, o.From)
	}
	if want := m.objectsAt(v.At()); got != want {
		t.Fatalf("%s: objects are %s, expected %s", what, got, want)
	}
	nothingLeftOver(t, s, d, what)
}

// TestTableCrashAnywhere cuts the power before every single write of the script, losing none, some or all of what was not synced.
func TestTableCrashAnywhere(t *testing.T) {
	for name, bytes := range map[string]int64{"batches": 1 << 30, "tables": 1} {
		t.Run(name, func(t *testing.T) { tableCrashAnywhere(t, bytes) })
	}
}

func tableCrashAnywhere(t *testing.T, tableBytes int64) {
	mem := crashfs.New()
	type point struct {
		fs     *crashfs.Disk
		acked  tableMoment
		flight []modelChange
		wants  []modelObject
		what   string
	}
	var points []point
	var mu sync.Mutex
	var armed atomic.Bool
	var x *tableScript
	step := 0
	every := 1
	if testing.Short() {
		every = 3
	}
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !armed.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if step++; step%every > 0 {
			return nil
		}
		kept := []int{0, 40, 100}[step%3]
		acked, flight, wants := x.known()
		points = append(points, point{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(uint64(step), 7))}),
			acked, flight, wants, fmt.Sprintf("step %d (%s, %d%% kept)", step, op.Path, kept)})
		return nil
	})
	m := &tableModel{clock: newFakeClock()}
	for i := range m.tables {
		m.tables[i].id = TableID(i + 1)
	}
	m.o = testOptions(nil, m.clock)
	m.o.FS, m.o.TableBytes = errorfs.Wrap(mem, inject), tableBytes
	m.s, m.d = openTest(t, m.o.FS, m.o)
	x = newTableScript(m)
	armed.Store(true)
	x.run(t, 8)
	armed.Store(false)
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(points) < 20 {
		t.Fatalf("only %d points", len(points))
	}
	t.Logf("%d points", len(points))
	for _, p := range points {
		o := m.o
		o.FS = p.fs
		verifyTables(t, o, p.acked, p.flight, p.wants, p.what)
	}
}

// TestNoSpaceForLoad has the disk run full while a load and the entries of an index are written and taken in.
func TestNoSpaceForLoad(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync} {
		var armed atomic.Bool
		inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
			if armed.Load() && op.Kind == kind && strings.Contains(op.Path, incoming) {
				return syscall.ENOSPC
			}
			return nil
		})
		m := &tableModel{clock: newFakeClock()}
		m.tables[0].id = 1
		m.o = testOptions(nil, m.clock)
		m.o.FS, m.o.TableBytes = errorfs.Wrap(vfs.NewMem(), inject), 1
		m.s, m.d = openTest(t, m.o.FS, m.o)
		ctx := context.Background()
		change := modelChange{mt: &m.tables[0], ch: TableChange{Table: 1, Columns: shapeColumns(0)}, dropped: map[int]bool{}}
		load := func() error {
			l, err := m.d.NewTableLoad(1, change.ch.Columns, []uint32{701})
			if err != nil {
				return err
			}
			defer l.Abort()
			fresh, b, keys := m.batch(change.mt, 20)
			if err := l.Add(ctx, b, []IndexKeys{keys}); err != nil {
				return err
			}
			change.fresh, change.ch.Load = fresh, l
			r, err := m.d.Commit(ctx, Commit{Tables: []TableChange{change.ch}})
			if err == nil {
				m.done([]modelChange{change}, nil, r.First, r.At)
			}
			return err
		}
		for range 2 {
			if err := load(); err != nil {
				t.Fatal(err)
			}
			armed.Store(true)
			if err := load(); !errors.Is(err, ErrDiskFull) {
				t.Errorf("operation %d: %v", kind, err)
			}
			x := m.d.NewIndexLoad(900)
			if err := x.Add([]byte("a."), 1); err != nil {
				t.Fatal(err)
			}
			if _, err := m.d.Commit(ctx, Commit{Indexes: []*IndexLoad{x}}); !errors.Is(err, ErrDiskFull) {
				t.Errorf("operation %d: index: %v", kind, err)
			}
			armed.Store(false)
			x.Abort()
			if err := m.d.collectGarbage(); err != nil {
				t.Error(err)
			}
			nothingLeftOver(t, m.s, m.d, fmt.Sprint("operation ", kind))
			v := mustView(t, m.d, Latest)
			m.tables[0].check(t, v.Table(1), v.At(), v.At(), v.At(), fmt.Sprint("operation ", kind))
		}
		if err := m.s.Close(); err != nil {
			t.Error(err)
		}
	}
}
