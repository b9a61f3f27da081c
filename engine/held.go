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
	events   []storage.Event
	fresh    []bool           // by event: not a repeat
	versions map[string]int64 // provisional last versions of the entities that events touch
	ids      map[heldID]int64 // versions of the fresh events
	when     []heldCondition
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
	for i := len(h.events) - 1; i >= n; i-- {
		if ev := &h.events[i]; h.fresh[i] {
			h.versions[ev.Entity]--
			delete(h.ids, heldID{ev.Entity, ev.ID})
		}
	}
	h.events, h.fresh = h.events[:n], h.fresh[:n]
	h.when = slices.DeleteFunc(h.when, func(c heldCondition) bool { return c.n >= n })
}

// add holds one event and returns its provisional version. view is the log as it is now.
func (h *held) add(ctx context.Context, view storage.View, ev storage.Event) (int64, error) {
	if ev.HasID {
		version, err := h.repeated(ctx, view, &ev)
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
	last, ok := h.versions[ev.Entity]
	if !ok {
		var err error
		if last, err = view.Version(ctx, ev.Entity); err != nil {
			return 0, err
		}
	}
	if ev.Expected != storage.AnyVersion && ev.Expected != last && !(ev.Expected == storage.SomeVersion && last > 0) {
		return 0, &storage.VersionConflict{Entity: ev.Entity, Expected: ev.Expected, Actual: last}
	}
	if h.versions == nil {
		h.versions, h.ids = map[string]int64{}, map[heldID]int64{}
	}
	h.versions[ev.Entity] = last + 1
	h.ids[heldID{ev.Entity, ev.ID}] = last + 1
	h.events, h.fresh = append(h.events, ev), append(h.fresh, true)
	return last + 1, nil
}

// repeated returns the version of the event with the same id, 0 if there is none.
func (h *held) repeated(ctx context.Context, view storage.View, ev *storage.Event) (int64, error) {
	if version := h.ids[heldID{ev.Entity, ev.ID}]; version > 0 {
		return version, nil
	}
	pos, ok, err := view.Find(ctx, ev.Entity, ev.ID)
	if err != nil || !ok {
		return 0, err
	}
	g, err := view.Locate(ctx, pos)
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
	versions := make([]int64, len(events))
	for i := range events {
		if versions[i], err = h.add(ctx, view, events[i]); err != nil {
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
