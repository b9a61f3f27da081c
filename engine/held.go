package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// held are the events of a transaction that wait for its commit. Each has a provisional version: the one that it will have
// if nobody else appends to its entity meanwhile. An event whose id is there already is held too, because the log compares
// its content at the commit, but it is no new one: its version is that of the stored event.
type held struct {
	events []storage.Event
	fresh  []bool           // by event: not a repeat
	added  map[string]int64 // by entity, how many of the events are fresh
	ids    map[heldID]int64 // of the fresh events, the how manieth of its entity it is, from 1
	when   []heldCondition
	draft  *storage.Draft // the events, for the transaction's statements; filled when one reads
}

// own is what the statement that starts now sees of the events.
func (h *held) own() storage.DraftPart {
	if len(h.events) == 0 {
		return storage.DraftPart{}
	}
	if h.draft == nil {
		h.draft = &storage.Draft{}
	}
	h.draft.Fill(h.events, h.fresh)
	return h.draft.Part()
}

// heldCondition is a condition of the events from the n-th on.
type heldCondition struct {
	*condition
	n int
}

// conditions are those of all that is held.
func (h *held) conditions() (out conditions) {
	for _, c := range h.when {
		out = append(out, c.condition)
	}
	return out
}

type heldID struct {
	entity string
	id     [16]byte
}

// cut forgets all events but the first n.
func (h *held) cut(n int) {
	if h.draft != nil {
		h.draft.Cut(n)
	}
	for i := len(h.events) - 1; i >= n; i-- {
		if ev := &h.events[i]; h.fresh[i] {
			h.added[ev.Entity]--
			delete(h.ids, heldID{ev.Entity, ev.ID})
		}
	}
	h.events, h.fresh = h.events[:n], h.fresh[:n]
	h.when = slices.DeleteFunc(h.when, func(c heldCondition) bool { return c.n >= n })
}

// logVersions are the versions of entities in the log as it is now; those that were asked for are known.
type logVersions struct {
	storage.View
	known map[string]int64
}

func (v *logVersions) of(ctx context.Context, entity string) (int64, error) {
	n, ok := v.known[entity]
	if ok {
		return n, nil
	}
	n, err := v.Version(ctx, entity)
	v.known[entity] = n
	return n, err
}

// add holds one event and returns its provisional version.
func (h *held) add(ctx context.Context, log *logVersions, ev storage.Event) (int64, error) {
	if ev.HasID {
		version, err := h.repeated(ctx, log, &ev)
		if err != nil {
			return 0, err
		}
		if version > 0 {
			h.events, h.fresh = append(h.events, ev), append(h.fresh, false)
			return version, nil
		}
	} else {
		ev.ID, ev.HasID = randomUUID(), true
	}
	last, err := log.of(ctx, ev.Entity)
	if err != nil {
		return 0, err
	}
	last += h.added[ev.Entity]
	if ev.Expected != storage.AnyVersion && ev.Expected != last && !(ev.Expected == storage.SomeVersion && last > 0) {
		return 0, &storage.VersionConflict{Entity: ev.Entity, Expected: ev.Expected, Actual: last}
	}
	if h.added == nil {
		h.added, h.ids = map[string]int64{}, map[heldID]int64{}
	}
	h.added[ev.Entity]++
	h.ids[heldID{ev.Entity, ev.ID}] = h.added[ev.Entity]
	h.events, h.fresh = append(h.events, ev), append(h.fresh, true)
	return last + 1, nil
}

// expect makes the versions of the last events what the log has to give them.
func (h *held) expect(versions []int64) {
	first := len(h.events) - len(versions)
	for i, version := range versions {
		if h.fresh[first+i] {
			h.events[first+i].Expected = version - 1
		}
	}
}

// repeated returns the version of the event with the same id, 0 if there is none.
func (h *held) repeated(ctx context.Context, log *logVersions, ev *storage.Event) (int64, error) {
	if nth := h.ids[heldID{ev.Entity, ev.ID}]; nth > 0 {
		last, err := log.of(ctx, ev.Entity)
		return last + nth, err
	}
	pos, ok, err := log.Find(ctx, ev.Entity, ev.ID)
	if err != nil || !ok {
		return 0, err
	}
	g, err := log.Locate(ctx, pos)
	if err != nil {
		return 0, err
	}
	col, err := g.ReadRows(ctx, storage.Ref{Col: storage.ColVersion}, []int32{int32(pos - g.Base())})
	if err != nil {
		return 0, err
	}
	return col.Int(0), nil
}

// hold keeps events for the commit, all of them or none, and returns their provisional versions. The ids that were left out
// are filled in. Their condition, if they have one, is checked now, for those who want to know early, and again at the
// commit.
func (s *Session) hold(ctx context.Context, events []storage.Event, when *condition) ([]int64, error) {
	h := &s.tx.held
	before := len(h.events)
	if before+len(events) > maxPending {
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "a transaction cannot append more than %d events", maxPending).
			WithHint("Use one COPY or INSERT … SELECT outside a transaction block: it is atomic by itself.")
	}
	view, err := s.log.View(ctx, storage.Latest)
	if err != nil {
		return nil, err
	}
	when.follow(h.own)
	log := &logVersions{view, map[string]int64{}}
	versions := make([]int64, len(events))
	for i := range events {
		if versions[i], err = h.add(ctx, log, events[i]); err != nil {
			h.cut(before)
			return nil, err
		}
		events[i] = h.events[before+i]
	}
	if when != nil && slices.Contains(h.fresh[before:], true) {
		if err := only(when).check(ctx, s, view, 0); err != nil {
			h.cut(before)
			return nil, err
		}
		h.when = append(h.when, heldCondition{when, before})
	}
	return versions, nil
}
