package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/allsource-db/allsource/vec/jsonb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeClock is a wall clock that goes where the test wants.
type fakeClock struct{ micros atomic.Int64 }

func newFakeClock() *fakeClock {
	c := &fakeClock{}
	c.micros.Store(time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *fakeClock) now() time.Time { return time.UnixMicro(c.micros.Load()) }

func (c *fakeClock) at() Micros { return c.micros.Load() - unixEpoch }

func testOptions(fs FS, clock *fakeClock) Options {
	return Options{FS: fs, Now: clock.now, Memory: 16 << 20, RowGroupRows: 32, SealRows: 16, SnapshotEvents: 2, Manual: true,
		Logger: slog.New(slog.DiscardHandler)}
}

func openTest(t testing.TB, fs FS, o Options) (*Store, *DB) {
	t.Helper()
	o.FS = fs
	dir := "db"
	if fs == nil {
		dir = t.TempDir()
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	d, err := s.Database(FirstDatabase)
	if err != nil {
		t.Fatal(err)
	}
	return s, d
}

// modelEvent is an event as the log must answer it.
type modelEvent struct {
	entity, typ       string
	id                [16]byte
	hasID             bool
	version           int64
	time              Micros
	hasTime           bool
	recorded          Micros
	payload, metadata string // canonical
}

// model is the log as a list.
type model struct{ events []modelEvent }

func (m *model) version(entity string) int64 {
	n := int64(0)
	for i := range m.events {
		if m.events[i].entity == entity {
			n++
		}
	}
	return n
}

func (m *model) find(entity string, id [16]byte) int {
	for i := range m.events {
		if e := &m.events[i]; e.hasID && e.entity == entity && e.id == id {
			return i
		}
	}
	return -1
}

func canonical(text []byte) string {
	if text == nil {
		return "{}"
	}
	v, err := jsonb.Parse(nil, text)
	if err != nil {
		return "bad: " + err.Error()
	}
	return string(jsonb.AppendText(nil, v))
}

// sameValue compares documents as jsonb does: 1 and 1.0 are the same.
func sameValue(a, b string) bool {
	va, errA := jsonb.Parse(nil, []byte(a))
	vb, errB := jsonb.Parse(nil, []byte(b))
	return errA == nil && errB == nil && jsonb.Equal(va, vb)
}

// append says what an append of the events must give: how many are new, or which error.
func (m *model) append(events []Event, bulk bool) (fresh []modelEvent, positions []int64, err error) {
	was := len(m.events)
	defer func() { m.events = m.events[:was] }()
	repeated := map[string]int64{} // versions of repeats, where an expectation came with the first
	for _, ev := range events {
		e := modelEvent{entity: ev.Entity, typ: ev.Type, id: ev.ID, hasID: ev.HasID, time: ev.Timestamp, hasTime: ev.HasTime,
			payload: canonical(ev.Payload), metadata: canonical(ev.Metadata)}
		if ev.HasID {
			if i := m.find(ev.Entity, ev.ID); i >= 0 {
				old := &m.events[i]
				if old.typ != e.typ || !sameValue(old.payload, e.payload) || !sameValue(old.metadata, e.metadata) || old.hasTime != e.hasTime || old.time != e.time {
					return nil, nil, ErrIDConflict
				}
				positions = append(positions, int64(i)+1)
				if ev.Expected >= 0 || repeated[ev.Entity] > 0 {
					repeated[ev.Entity] = old.version
				}
				continue
			}
		}
		e.version = m.version(ev.Entity) + 1
		if v := repeated[ev.Entity]; !bulk && v > 0 && v != e.version-1 {
			return nil, nil, &RepeatConflict{ev.Entity, v, e.version - 1}
		}
		delete(repeated, ev.Entity)
		if !bulk && ev.Expected != AnyVersion && ev.Expected != e.version-1 {
			return nil, nil, &VersionConflict{ev.Entity, ev.Expected, e.version - 1}
		}
		m.events = append(m.events, e)
		positions = append(positions, int64(len(m.events)))
		fresh = append(fresh, e)
	}
	return fresh, positions, nil
}

func (m *model) add(fresh []modelEvent, recorded Micros) {
	for _, e := range fresh {
		e.recorded = recorded
		m.events = append(m.events, e)
	}
}

// line prints an event of the model as dump prints a row.
func (m *model) line(d *DB, i int) string {
	e := m.events[i]
	if !e.hasID {
		e.id = d.ids.derive(int64(i)+1, e.recorded)
	}
	if !e.hasTime {
		e.time = e.recorded
	}
	return fmt.Sprintf("%d %x %s %s %d %d %d %s %s", i+1, e.id, e.entity, e.typ, e.version, e.time, e.recorded, e.payload, e.metadata)
}

func (m *model) lines(d *DB, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = m.line(d, i)
	}
	return out
}

// dump reads a view column by column and prints its rows.
func dump(t interface{ Fatalf(string, ...any) }, v View) []string {
	ctx := context.Background()
	groups, _, err := v.Groups(ctx, nil)
	if err != nil {
		t.Fatalf("groups: %v", err)
	}
	var out []string
	next := int64(1)
	for _, g := range groups {
		if g.Base() != next {
			t.Fatalf("group at %d, expected %d", g.Base(), next)
		}
		next += int64(g.Len())
		rows := make([]strings.Builder, g.Len())
		for col := ColPosition; col < NumColumns; col++ {
			c, err := g.Read(ctx, Ref{Col: col}, 0, g.Len())
			if err != nil {
				t.Fatalf("read column %d: %v", col, err)
			}
			for i := range rows {
				w := &rows[i]
				if col > 0 {
					w.WriteByte(' ')
				}
				switch col {
				case ColPosition, ColVersion, ColTimestamp, ColRecordedAt:
					fmt.Fprint(w, c.Int(i))
				case ColID:
					fmt.Fprintf(w, "%x", c.Bytes(i))
				case ColEntity, ColType:
					w.Write(c.Bytes(i))
				default:
					w.Write(jsonb.AppendText(nil, jsonb.Value(c.Bytes(i))))
				}
			}
		}
		for i := range rows {
			out = append(out, rows[i].String())
		}
	}
	if next != v.End() {
		t.Fatalf("groups end at %d, the view at %d", next, v.End())
	}
	return out
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func sameLines(t fataler, what string, got, want []string) {
	t.Helper()
	for i := 0; i < len(got) || i < len(want); i++ {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%s: row %d of %d (expected %d)\n got %s\nwant %s", what, i, len(got), len(want), g, w)
		}
	}
}

// check compares everything that a view says with the model's first n events.
func (m *model) check(t fataler, d *DB, v View, n int, what string) {
	t.Helper()
	ctx := context.Background()
	sameLines(t, what, dump(t, v), m.lines(d, n))
	if v.Rows() != int64(n) || v.End() != int64(n)+1 {
		t.Fatalf("%s: %d rows, end %d, expected %d", what, v.Rows(), v.End(), n)
	}
	byEntity := map[string][]int64{"nobody": nil}
	for i := range m.events {
		e := m.events[i].entity
		if i < n {
			byEntity[e] = append(byEntity[e], int64(i)+1)
		} else if byEntity[e] == nil {
			byEntity[e] = nil
		}
	}
	for e, want := range byEntity {
		if got, err := v.Version(ctx, e); err != nil || got != int64(len(want)) {
			t.Fatalf("%s: version of %s is %d (%v), expected %d", what, e, got, err, len(want))
		}
		k := int64(len(want))
		for _, r := range [][2]int64{{0, k + 1}, {k - 2, k + 1}, {2, 4}, {k, k}, {k + 1, k + 9}} {
			var cut []int64
			for i, p := range want {
				if version := int64(i) + 1; version >= r[0] && version < r[1] {
					cut = append(cut, p)
				}
			}
			got, err := positionsOf(v, e, r[0], r[1])
			if err != nil || fmt.Sprint(got) != fmt.Sprint(cut) {
				t.Fatalf("%s: versions %d to %d of %s are at %v (%v), expected %v", what, r[0], r[1], e, got, err, cut)
			}
		}
	}
	for e, positions := range byEntity {
		m.checkStates(t, v, e, positions, what)
	}
	m.checkIDs(t, d, v, n, what)
}

// positionsOf is where the events of an entity are, ascending.
func positionsOf(v View, entity string, from, to int64) ([]int64, error) {
	next, err := v.History(entity, from, to)
	if err != nil {
		return nil, err
	}
	var out []int64
	for {
		g, rows, err := next(context.Background(), nil)
		if g == nil || err != nil {
			slices.Reverse(out)
			return out, err
		}
		for _, row := range slices.Backward(rows) {
			out = append(out, g.Base()+int64(row))
		}
	}
}

func (m *model) checkIDs(t fataler, d *DB, v View, n int, what string) {
	t.Helper()
	ctx := context.Background()
	for i := range m.events {
		e := &m.events[i]
		id := e.id
		if !e.hasID {
			id = d.ids.derive(int64(i)+1, e.recorded)
		}
		pos, ok, err := v.Find(ctx, e.entity, id)
		if err != nil || ok != (i < n) || ok && pos != int64(i)+1 {
			t.Fatalf("%s: find the id of position %d: %d %v (%v)", what, i+1, pos, ok, err)
		}
		if _, ok, err := v.Find(ctx, "nobody", id); ok || err != nil {
			t.Fatalf("%s: the id of position %d is found under another entity (%v)", what, i+1, err)
		}
		g, err := v.Locate(ctx, int64(i)+1)
		if (err == nil) != (i < n) {
			t.Fatalf("%s: locate %d: %v", what, i+1, err)
		}
		if err == nil && (g.Base() > int64(i)+1 || g.Base()+int64(g.Len()) <= int64(i)+1) {
			t.Fatalf("%s: position %d is said to be in [%d, +%d)", what, i+1, g.Base(), g.Len())
		}
	}
}

// until is how many events the model has recorded up to a moment.
func (m *model) until(at Micros) int {
	return sort.Search(len(m.events), func(i int) bool { return m.events[i].recorded > at })
}

func mustView(t fataler, d *DB, at Micros) View {
	t.Helper()
	v, err := d.View(context.Background(), at)
	if err != nil {
		t.Fatalf("view at %d: %v", at, err)
	}
	return v
}

// sameError compares an error with the model's.
func sameError(t fataler, got, want error) {
	t.Helper()
	var gotV, wantV *VersionConflict
	var gotR, wantR *RepeatConflict
	switch {
	case errors.As(want, &wantR):
		if !errors.As(got, &gotR) || *gotR != *wantR {
			t.Fatalf("error %v, expected %+v", got, wantR)
		}
	case errors.As(want, &wantV):
		if !errors.As(got, &gotV) || *gotV != *wantV {
			t.Fatalf("error %v, expected %+v", got, wantV)
		}
	case want != nil:
		if !errors.Is(got, want) {
			t.Fatalf("error %v, expected %v", got, want)
		}
	case got != nil:
		t.Fatalf("error %v", got)
	}
}
