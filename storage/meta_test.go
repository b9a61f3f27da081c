package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/storage/crashfs"
	"github.com/allsource-db/allsource/storage/segment"
)

// machine does the same to a store and to the model.
type machine struct {
	fs    *crashfs.Disk
	clock *fakeClock
	s     *Store
	d     *DB
	m     model

	// What was answered at a moment must be answered for ever.
	moments []moment
	views   []heldView
}

type moment struct {
	at Micros
	n  int
}

// heldView is kept open across everything.
type heldView struct {
	v View
	n int
}

func (x *machine) close(t fataler) {
	if err := x.s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

var payloads = []string{`{}`, `{"n": 1}`, `{"n": 1.0}`, `{"n": 2, "s": "x", "o": {"k": [1, 2, {"z": null}]}}`, `[1, "a"]`, `7`, `null`, `{"a.b": true, "a": {"b": false}}`}

func drawEvent(t *rapid.T, x *machine) Event {
	ev := Event{
		Entity:   fmt.Sprintf("e%d", rapid.IntRange(0, 9).Draw(t, "entity")),
		Type:     rapid.SampledFrom([]string{"made", "changed", "gone"}).Draw(t, "type"),
		Expected: AnyVersion,
	}
	if rapid.IntRange(0, 3).Draw(t, "document") > 0 {
		ev.Payload = []byte(rapid.SampledFrom(payloads).Draw(t, "payload"))
	}
	if rapid.Bool().Draw(t, "meta") {
		ev.Metadata = []byte(rapid.SampledFrom(payloads).Draw(t, "metadata"))
	}
	if rapid.Bool().Draw(t, "timed") {
		ev.HasTime, ev.Timestamp = true, rapid.Int64Range(-5, 5).Draw(t, "time")*1e9
	}
	switch rapid.IntRange(0, 5).Draw(t, "id") {
	case 0, 1:
		ev.HasID = true
		ev.ID[0], ev.ID[9] = byte(rapid.IntRange(0, 40).Draw(t, "number")), 1
	case 2:
		if n := len(x.m.events); n > 0 {
			// The same event again, with the id that it got.
			i := rapid.IntRange(0, n-1).Draw(t, "again")
			e := x.m.events[i]
			ev = Event{Entity: e.entity, Type: e.typ, HasID: true, ID: e.id, HasTime: e.hasTime, Timestamp: e.time,
				Payload: []byte(e.payload), Metadata: []byte(e.metadata), Expected: AnyVersion}
			if !e.hasID {
				ev.HasID = false
			}
		}
	}
	return ev
}

func (x *machine) append(t *rapid.T) {
	var events []Event
	for range rapid.IntRange(1, 12).Draw(t, "events") {
		ev := drawEvent(t, x)
		switch rapid.IntRange(0, 7).Draw(t, "expect") {
		case 0:
			ev.Expected = x.m.version(ev.Entity)
		case 1:
			ev.Expected = int64(rapid.IntRange(0, 3).Draw(t, "expected"))
		}
		events = append(events, ev)
	}
	fresh, positions, want := x.m.append(events, false)
	got, err := x.d.Append(context.Background(), events, nil)
	sameError(t, err, want)
	if err != nil {
		return
	}
	if got.New != len(fresh) || got.Repeats != len(events)-len(fresh) || fmt.Sprint(got.Positions) != fmt.Sprint(positions) {
		t.Fatalf("appended %+v, expected %d new at %v", got, len(fresh), positions)
	}
	x.m.add(fresh, got.RecordedAt)
	for i, p := range got.Positions {
		if x.m.events[p-1].version != got.Versions[i] {
			t.Fatalf("version %d at position %d, expected %d", got.Versions[i], p, x.m.events[p-1].version)
		}
	}
	x.rising(t)
}

// rising checks the model's own times: those that the store gave.
func (x *machine) rising(t fataler) {
	for i := 1; i < len(x.m.events); i++ {
		if x.m.events[i].recorded < x.m.events[i-1].recorded {
			t.Fatalf("recorded time falls at position %d", i+1)
		}
	}
	for _, m := range x.moments {
		if n := x.m.until(m.at); n != m.n {
			t.Fatalf("at %d there were %d events, now there are %d", m.at, m.n, n)
		}
	}
}

func (x *machine) bulk(t *rapid.T) {
	ctx := context.Background()
	b := x.d.NewBulk(false)
	defer b.Abort()
	var events []Event
	for seq := range rapid.IntRange(1, 3).Draw(t, "groups") {
		g := b.Group()
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			ev := drawEvent(t, x)
			events = append(events, ev)
			if err := g.Add(segmentEvent(&ev)); err != nil {
				t.Fatalf("add: %v", err)
			}
		}
		if err := b.Add(ctx, seq, g); err != nil {
			t.Fatalf("add group: %v", err)
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "abort") == 0 {
		return
	}
	fresh, _, want := x.m.append(events, true)
	got, err := b.Commit(ctx, &Progress{Source: "f", Lines: int64(len(x.m.events))})
	sameError(t, err, want)
	if err != nil {
		return
	}
	if got.New != int64(len(fresh)) || got.Repeats != int64(len(events)-len(fresh)) || len(fresh) > 0 && got.First != int64(len(x.m.events))+1 {
		t.Fatalf("loaded %+v, expected %d new of %d", got, len(fresh), len(events))
	}
	if p, ok, err := x.d.Progress("f"); err != nil || !ok || p.Lines != int64(len(x.m.events)) {
		t.Fatalf("progress %+v %v %v", p, ok, err)
	}
	x.m.add(fresh, got.RecordedAt)
	x.rising(t)
}

func segmentEvent(ev *Event) *segment.Event {
	return &segment.Event{Entity: ev.Entity, Type: ev.Type, ID: ev.ID, HasID: ev.HasID, Timestamp: ev.Timestamp, HasTime: ev.HasTime,
		RecordedAt: ev.RecordedAt, HasRecorded: ev.RecordedAt != 0, Payload: ev.Payload, Metadata: ev.Metadata}
}

// imports brings its own recorded times.
func (x *machine) imports(t *rapid.T) {
	ctx := context.Background()
	b := x.d.NewBulk(true)
	defer b.Abort()
	g := b.Group()
	at := x.d.clock.Last() + int64(rapid.IntRange(-1, 3).Draw(t, "gap"))
	first := at
	var fresh []modelEvent
	for range rapid.IntRange(1, 9).Draw(t, "rows") {
		ev := Event{Entity: fmt.Sprintf("e%d", rapid.IntRange(0, 9).Draw(t, "entity")), Type: "imported", RecordedAt: at, HasTime: true, Timestamp: at}
		if err := g.Add(segmentEvent(&ev)); err != nil {
			t.Fatalf("add: %v", err)
		}
		fresh = append(fresh, modelEvent{entity: ev.Entity, typ: ev.Type, recorded: at, time: at, payload: "{}", metadata: "{}"})
		at += int64(rapid.IntRange(0, 2).Draw(t, "step"))
	}
	if err := b.Add(ctx, 0, g); err != nil {
		t.Fatalf("add group: %v", err)
	}
	before, now := x.d.clock.Last(), x.d.Now()
	_, err := b.Commit(ctx, nil)
	if last := fresh[len(fresh)-1].recorded; first <= before || last > now {
		if !errors.Is(err, ErrNotInOrder) {
			t.Fatalf("times %d to %d where the log is at %d and now is %d: %v", first, last, before, now, err)
		}
		return
	}
	sameError(t, err, nil)
	for _, e := range fresh {
		e.version = x.m.version(e.entity) + 1
		x.m.add([]modelEvent{e}, e.recorded)
	}
	x.rising(t)
}

func (x *machine) look(t *rapid.T) {
	at := Latest
	switch rapid.IntRange(0, 3).Draw(t, "moment") {
	case 0:
		at = x.d.Now()
	case 1:
		if len(x.m.events) > 0 {
			at = x.m.events[rapid.IntRange(0, len(x.m.events)-1).Draw(t, "event")].recorded + int64(rapid.IntRange(-1, 1).Draw(t, "beside"))
		}
	case 2:
		if _, err := x.d.View(context.Background(), x.d.Now()+1); !errors.Is(err, ErrFuture) {
			t.Fatalf("a view of the future: %v", err)
		}
	}
	if at != Latest && at > x.d.Now() {
		return
	}
	v := mustView(t, x.d, at)
	n := len(x.m.events)
	if at != Latest {
		n = x.m.until(at)
		x.moments = append(x.moments, moment{at, n})
	}
	x.m.check(t, x.d, v, n, "look")
	if len(x.views) < 4 {
		x.views = append(x.views, heldView{v, n})
	}
}

func (x *machine) again(t *rapid.T) {
	for _, h := range x.views {
		x.m.check(t, x.d, h.v, h.n, "held view")
	}
	for i, m := range x.moments {
		if i%3 == 0 {
			sameLines(t, "moment", dump(t, mustView(t, x.d, m.at)), x.m.lines(x.d, m.n))
		}
	}
}

func (x *machine) reopen(t *rapid.T) {
	x.close(t)
	x.start(t)
}

func (x *machine) start(t fataler) {
	s, err := Open("db", testOptions(x.fs, x.clock))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	d, err := s.Database(FirstDatabase)
	if err != nil {
		t.Fatalf("database: %v", err)
	}
	x.s, x.d, x.views = s, d, nil
}

// crash loses what was not synced, or some of it.
func (x *machine) crash(t *rapid.T) {
	seed := rapid.Uint64().Draw(t, "seed")
	clone := x.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "kept"), RNG: rand.New(rand.NewPCG(seed, 1))})
	x.close(t)
	x.fs = clone
	x.start(t)
}

func TestMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := &machine{fs: crashfs.New(), clock: newFakeClock()}
		x.start(t)
		defer func() { x.close(t) }()
		step := func(do func(context.Context) error) func(*rapid.T) {
			return func(t *rapid.T) {
				if err := do(context.Background()); err != nil {
					t.Fatalf("%v", err)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"append":  x.append,
			"append2": x.append,
			"bulk":    x.bulk,
			"import":  x.imports,
			"look":    x.look,
			"look2":   x.look,
			"again":   x.again,
			"seal":    step(func(ctx context.Context) error { return x.d.Seal(ctx) }),
			"full":    step(func(ctx context.Context) error { return x.d.sealFull(ctx) }),
			"compact": step(func(ctx context.Context) error { return x.d.Compact(ctx) }),
			"reopen":  x.reopen,
			"crash":   x.crash,
			"clock": func(t *rapid.T) {
				x.clock.micros.Add(rapid.SampledFrom([]int64{1, 1000, 5_000_000, -1, -1000, -3_600_000_000}).Draw(t, "step"))
			},
			"": func(t *rapid.T) { x.m.check(t, x.d, mustView(t, x.d, Latest), len(x.m.events), "now") },
		})
	})
}
