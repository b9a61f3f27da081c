package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/allsource-db/allsource/storage/crashfs"
)

// script does a bit of everything, the same each time, and counts what was acknowledged.
type script struct {
	m       model // what was acknowledged
	flight  []modelEvent
	mu      sync.Mutex
	tick    *fakeClock
	stopped error

	replay       func() (Micros, error) // in place of the work
	acknowledged func(Micros)
}

// known is what a crash at this moment must keep, and what it may keep besides, all or none.
func (x *script) known() (acked int, flight int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.m.events), len(x.flight)
}

func (x *script) event(n int) Event {
	ev := Event{Entity: fmt.Sprint("e", n%7), Type: fmt.Sprint("t", n%3), Payload: fmt.Appendf(nil, `{"n": %d}`, n), Expected: AnyVersion}
	if n%2 == 0 {
		ev.HasID, ev.ID = true, [16]byte{byte(n >> 8), byte(n), 5}
	}
	return ev
}

// do announces events, does the work and enters them as acknowledged.
func (x *script) do(events []Event, work func() (Micros, error)) {
	if x.stopped != nil {
		return
	}
	x.mu.Lock()
	fresh, _, err := x.m.append(events, true)
	x.flight = fresh
	x.mu.Unlock()
	if err != nil {
		x.stopped = err
		return
	}
	x.tick.micros.Add(10)
	if x.replay != nil {
		work = x.replay
	}
	at, err := work()
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		x.stopped = err
		return
	}
	x.m.add(fresh, at)
	x.flight = nil
	if x.acknowledged != nil {
		x.acknowledged(at)
	}
}

func (x *script) run(s *Store, d *DB) {
	ctx := context.Background()
	next := 0
	appendSome := func(n int) {
		var events []Event
		for range n {
			events = append(events, x.event(next))
			next++
		}
		x.do(events, func() (Micros, error) {
			r, err := d.Append(ctx, events, &Progress{Source: "script", Lines: int64(next)})
			return r.RecordedAt, err
		})
	}
	bulk := func(n int) {
		events := []Event{x.event(0)} // a repeat
		for range n {
			events = append(events, x.event(next))
			next++
		}
		x.do(events, func() (Micros, error) {
			b := d.NewBulk(false)
			defer b.Abort()
			for seq, half := range [][]Event{events[:len(events)/2], events[len(events)/2:]} {
				g := b.Group()
				for i := range half {
					if err := g.Add(segmentEvent(&half[i])); err != nil {
						return 0, err
					}
				}
				if err := b.Add(ctx, seq, g); err != nil {
					return 0, err
				}
			}
			// Something is synced before the commit, and with it what the load has written.
			if err := d.saveLease(d.clock.Last()); err != nil {
				return 0, err
			}
			r, err := b.Commit(ctx, &Progress{Source: "script", Lines: int64(next)})
			return r.RecordedAt, err
		})
	}
	upkeep := func(f func(context.Context) error) {
		x.do(nil, func() (Micros, error) { return 0, f(ctx) })
	}
	for round := range 9 {
		appendSome(1)
		appendSome(9)
		upkeep(d.Seal)
		appendSome(4)
		bulk(11)
		upkeep(func(ctx context.Context) error {
			_, err := d.View(ctx, d.Now())
			return err
		})
		bulk(3)
		upkeep(d.Compact)
		appendSome(2 + round)
		upkeep(func(context.Context) error { return d.collectGarbage() })
		upkeep(func(context.Context) error { return flushSoon(s) })
	}
}

// flushSoon flushes Pebble's memtable. On a disk that fails Pebble tries for ever, so this does not wait for ever.
func flushSoon(s *Store) error {
	done, err := s.pdb.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-done:
	case <-time.After(100 * time.Millisecond):
	}
	return nil
}

// verify opens what a crash left and compares it with what must be and may be there.
func (x *script) verify(t *testing.T, fs FS, dir, what string) {
	t.Helper()
	acked, flight := x.known()
	x.verifyAt(t, fs, dir, acked, flight, what)
}

func (x *script) verifyAt(t *testing.T, fs FS, dir string, acked, flight int, what string) {
	t.Helper()
	s, err := Open(dir, testOptions(fs, x.tick))
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
	v := mustView(t, d, Latest)
	n := int(v.Rows())
	if n != acked && n != acked+flight {
		t.Fatalf("%s: %d events, acknowledged were %d, and %d on their way", what, n, acked, flight)
	}
	m := model{events: x.m.events}
	if n > len(m.events) {
		// The script was stopped by what was in flight: its recorded time is what the store says.
		m.events = append(m.events[:len(m.events):len(m.events)], x.flight...)
		at := v.At()
		for i := acked; i < n; i++ {
			m.events[i].recorded = at
		}
	}
	m.events = m.events[:n]
	m.check(t, d, v, n, what)
	nothingLeftOver(t, s, d, what)
	// It goes on.
	if _, err := d.Append(context.Background(), []Event{anyEvent("after")}, nil); err != nil {
		t.Fatalf("%s: append: %v", what, err)
	}
	if err := errors.Join(d.Seal(context.Background()), d.Compact(context.Background())); err != nil {
		t.Fatalf("%s: seal: %v", what, err)
	}
	m.events = append(m.events[:n:n], modelEvent{entity: "after", typ: "t", version: 1, payload: `{"n": 1}`, metadata: "{}", recorded: mustView(t, d, Latest).At()})
	m.check(t, d, mustView(t, d, Latest), n+1, what+", after an append")
}

// nothingLeftOver checks that every blob belongs to a row group or a hash run of the log.
func nothingLeftOver(t *testing.T, s *Store, d *DB, what string) {
	t.Helper()
	used := map[uint64]bool{}
	for _, g := range d.state.Load().groups {
		used[g.object] = true
	}
	for _, rel := range d.tables() {
		st := rel.state.Load()
		for _, g := range append(st.groups[:len(st.groups):len(st.groups)], st.history...) {
			used[g.object] = true
		}
	}
	disk := d.index.disk.Load()
	for _, r := range append(disk.names[:len(disk.names):len(disk.names)], disk.ids...) {
		used[r.object] = true
	}
	err := s.scan(dbKey(d.num, kindBlob), nil, func(key, _ []byte) error {
		if object := binary.BigEndian.Uint64(key[5:]); !used[object] {
			return fmt.Errorf("a blob of object %d is left", object)
		}
		return nil
	})
	err = errors.Join(err, s.scan(dbKey(d.num, kindOrphan), nil, func(key, _ []byte) error {
		return fmt.Errorf("an orphan is left: %x", key)
	}))
	left, lerr := s.o.FS.List(s.o.FS.PathJoin(s.dir, incoming))
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("tables are left that nobody took: %v", left))
	}
	if err := errors.Join(err, lerr); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func newScript() *script { return &script{tick: newFakeClock()} }

// TestCrashAnywhere cuts the power before every single write of the script, losing none, some or all of what was not synced.
func TestCrashAnywhere(t *testing.T) {
	for name, bytes := range map[string]int64{"batches": 1 << 30, "tables": 1} {
		t.Run(name, func(t *testing.T) { crashAnywhere(t, bytes) })
	}
}

func crashAnywhere(t *testing.T, tableBytes int64) {
	mem := crashfs.New()
	type point struct {
		fs            *crashfs.Disk
		acked, flight int
		what          string
	}
	var points []point
	var mu sync.Mutex
	armed := atomic.Bool{}
	x := newScript()
	step := 0
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !armed.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		step++
		acked, flight := x.known()
		kept := []int{0, 40, 100}[step%3]
		points = append(points, point{
			mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(uint64(step), 7))}),
			acked, flight, fmt.Sprintf("step %d (%s, %d%% kept)", step, op.Path, kept)})
		return nil
	})
	o := testOptions(nil, x.tick)
	o.TableBytes = tableBytes
	s, d := openTest(t, errorfs.Wrap(mem, inject), o)
	armed.Store(true)
	x.run(s, d)
	armed.Store(false)
	if err := errors.Join(x.stopped, s.Close()); err != nil {
		t.Fatal(err)
	}
	if len(points) < 100 {
		t.Fatalf("only %d points", len(points))
	}
	t.Logf("%d points, %d events", len(points), len(x.m.events))
	stride := 1
	if testing.Short() {
		stride = 1 + len(points)/300
	}
	for i := 0; i < len(points); i += stride {
		p := points[i]
		x.verifyAt(t, p.fs, "db", p.acked, p.flight, p.what)
	}
}

// TestFaultAnywhere makes the n-th write of the script fail, and all that follow, in a process of its own: an error of the
// write-ahead log may end it anywhere. Nothing may be acknowledged that is not there after the restart.
func TestFaultAnywhere(t *testing.T) {
	if at := os.Getenv("FAULT_AT"); at != "" {
		faultyChild(t, at, os.Getenv("FAULT_DIR"))
		return
	}
	stride := 5
	if testing.Short() {
		stride = 29
	}
	failed := 0
	for n := 1; ; n += stride {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestFaultAnywhere$")
		child.Env = append(os.Environ(), fmt.Sprint("FAULT_AT=", n), "FAULT_DIR="+dir)
		said := &childOutput{fatal: cancel}
		child.Stdout, child.Stderr = said, said
		_ = child.Run()
		out := said.String()
		if ctx.Err() != nil && !strings.Contains(out, "fatal") {
			t.Errorf("write %d: the child hangs:\n%s", n, out)
		}
		cancel()
		x := newScript()
		finished, clean := false, false
		lines := strings.Split(out, "\n")
		x.replay = func() (Micros, error) {
			for len(lines) > 0 {
				line := lines[0]
				lines = lines[1:]
				var at Micros
				if k, _ := fmt.Sscanf(line, "acknowledged %d", &at); k == 1 {
					return at, nil
				}
			}
			return 0, errors.New("the child ended")
		}
		x.run(nil, nil)
		for _, line := range lines {
			finished = finished || line == "finished"
			clean = clean || line == "without a fault"
			if line == "late" {
				t.Fatalf("write %d failed and an append was acknowledged afterwards", n)
			}
		}
		if x.stopped != nil {
			failed++
		} else if !finished {
			t.Fatalf("write %d: the child acknowledged everything and did not finish:\n%s", n, out)
		}
		x.verify(t, unsynced{vfs.Default}, dir, fmt.Sprintf("write %d failed (%v)", n, x.stopped))
		if clean && faultTableBytes(int64(n)) == 1 {
			break
		}
		if clean {
			stride = max(stride, 41) // only those with tables are left, which write a lot
		}
	}
	if failed == 0 {
		t.Fatal("no fault was noticed")
	}
}

// childOutput is what a child says. Five seconds after it has said that its disk failed it is ended: Pebble expects the process to be over by then,
// where it is not it may fail in two goroutines at once, and Go's runtime then waits for ever.
type childOutput struct {
	strings.Builder
	fatal func()
	once  sync.Once
}

func (o *childOutput) Write(p []byte) (int, error) {
	n, err := o.Builder.Write(p)
	if strings.Contains(o.String(), "fatal") {
		o.once.Do(func() { time.AfterFunc(5*time.Second, o.fatal) })
	}
	return n, err
}

// faultTableBytes has every other run store everything as tables, which takes more writes than batches do.
func faultTableBytes(n int64) int64 { return 1 + n%2<<30 }

// faultyChild runs the script until the fault stops it, and prints what was acknowledged.
func faultyChild(t *testing.T, at, dir string) {
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	var armed atomic.Bool
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if armed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose && count.Add(1) >= n {
			return errorfs.ErrInjected
		}
		return nil
	})
	x := newScript()
	x.acknowledged = func(at Micros) { fmt.Println("acknowledged", at) }
	o := testOptions(errorfs.Wrap(unsynced{vfs.Default}, inject), x.tick)
	o.TableBytes = faultTableBytes(n)
	o.Fatal = func(err error) { fmt.Println("fatal", err) }
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Database(FirstDatabase)
	if err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	x.run(s, d)
	if x.stopped == nil {
		fmt.Println("finished")
	}
	if count.Load() < n {
		fmt.Println("without a fault")
	} else if s.failure.get() != nil {
		if _, err := d.Append(context.Background(), []Event{anyEvent("late")}, nil); err == nil {
			fmt.Println("late")
		}
	}
	os.Exit(0) // as a crash would
}

// unsynced is a disk for processes that end while the power stays on: what they wrote is there without syncs, of which the test has tens of thousands.
type unsynced struct{ vfs.FS }

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error                { return nil }
func (unsyncedFile) SyncData() error            { return nil }
func (unsyncedFile) SyncTo(int64) (bool, error) { return false, nil }

func unsyncedOf(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

func (u unsynced) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return unsyncedOf(u.FS.Create(name, category))
}

func (u unsynced) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return unsyncedOf(u.FS.OpenReadWrite(name, category, opts...))
}

func (u unsynced) OpenDir(name string) (vfs.File, error) { return unsyncedOf(u.FS.OpenDir(name)) }

func (u unsynced) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return unsyncedOf(u.FS.ReuseForWrite(from, to, category))
}

// fullFS is a disk of which the test says how much is free.
type fullFS struct {
	vfs.FS
	free atomic.Uint64
}

func (f *fullFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: f.free.Load(), TotalBytes: 1 << 40}, nil
}

func TestDiskFull(t *testing.T) {
	fs := &fullFS{FS: vfs.NewMem()}
	fs.free.Store(1 << 40)
	clock := newFakeClock()
	s, d := openTest(t, fs, testOptions(nil, clock))
	defer s.Close()
	ctx := context.Background()
	if _, err := d.Append(ctx, []Event{anyEvent("a")}, nil); err != nil {
		t.Fatal(err)
	}
	fs.free.Store(diskReserve / 2)
	s.room.asked = s.room.asked.Add(-askAgain * 2)
	if _, err := d.Append(ctx, []Event{anyEvent("a")}, nil); !errors.Is(err, ErrDiskFull) {
		t.Errorf("append: %v", err)
	}
	if err := d.Seal(ctx); !errors.Is(err, ErrDiskFull) {
		t.Errorf("seal: %v", err)
	}
	b := d.NewBulk(false)
	g := b.Group()
	ev := anyEvent("b")
	if err := g.Add(segmentEvent(&ev)); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(ctx, 0, g); !errors.Is(err, ErrDiskFull) {
		t.Errorf("bulk: %v", err)
	}
	b.Abort()
	if v := mustView(t, d, Latest); v.Rows() != 1 {
		t.Errorf("%d rows", v.Rows())
	}
	fs.free.Store(1 << 40)
	if r, err := d.Append(ctx, []Event{anyEvent("a")}, nil); err != nil || r.Positions[0] != 2 {
		t.Errorf("after room was made: %+v %v", r, err)
	}
	if err := d.Seal(ctx); err != nil {
		t.Error(err)
	}
}

// TestNoSpaceForTable has the disk run full, against the reserve, while a table is written and while it is taken in.
func TestNoSpaceForTable(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync} {
		var armed atomic.Bool
		inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
			if armed.Load() && op.Kind == kind && strings.Contains(op.Path, incoming) {
				return syscall.ENOSPC
			}
			return nil
		})
		o := testOptions(nil, newFakeClock())
		o.TableBytes = 1
		s, d := openTest(t, errorfs.Wrap(vfs.NewMem(), inject), o)
		if _, err := bulkLoad(d, false, []Event{anyEvent("a")}); err != nil {
			t.Fatal(err)
		}
		armed.Store(true)
		if _, err := bulkLoad(d, false, []Event{anyEvent("b")}); !errors.Is(err, ErrDiskFull) {
			t.Errorf("operation %d: %v", kind, err)
		}
		armed.Store(false)
		if err := d.collectGarbage(); err != nil {
			t.Error(err)
		}
		nothingLeftOver(t, s, d, fmt.Sprint("operation ", kind))
		if r, err := bulkLoad(d, false, []Event{anyEvent("b")}); err != nil || r.First != 2 {
			t.Errorf("operation %d, after room was made: %+v %v", kind, r, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCloseLeavesNoLogs: what a log held is in tables after a clean close, and no log is kept to be used again.
func TestCloseLeavesNoLogs(t *testing.T) {
	fs := vfs.NewMem()
	s, d := openTest(t, fs, testOptions(nil, newFakeClock()))
	for n := range 40 {
		ev := anyEvent("a")
		ev.Payload = fmt.Appendf(nil, `{"n": %d, "text": %q}`, n, strings.Repeat("x", 100<<10))
		if _, err := d.Append(context.Background(), []Event{ev}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	logs := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			logs++
		}
	}
	if logs != 1 {
		t.Errorf("%d logs are left: %v", logs, names)
	}
	s, d = openTest(t, fs, testOptions(nil, newFakeClock()))
	if v := mustView(t, d, Latest); v.Rows() != 40 {
		t.Errorf("%d rows after the restart", v.Rows())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
