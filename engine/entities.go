package engine

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// entityReader implements funcs.Entities for the functions of an execution.
type entityReader struct{ x *execution }

func (r entityReader) ctx() context.Context { return r.x.cfg.fn.Context }

// seenAt finds the part of the log that a moment names: in the forms of AS OF SYSTEM TIME, or as text POSITION and a position.
func (r entityReader) seenAt(m funcs.Moment) (seen, error) {
	if m.Col == nil {
		return r.x.now(r.ctx())
	}
	if m.Type.OID == datum.Text || m.Type.OID == datum.Unknown {
		word, rest, ok := strings.Cut(strings.TrimSpace(string(m.Col.Bytes(m.Row))), " ")
		if ok && strings.EqualFold(word, "position") {
			pos, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			if err != nil {
				return seen{}, pgerr.New(pgerr.InvalidTextRepresentation, "invalid position: %q", rest)
			}
			return r.x.before(r.ctx(), pos)
		}
	}
	at, err := moment(m.Type, m.Col.Slice(m.Row, m.Row+1), r.x.cfg.fn.StmtNow, r.x.cfg.fn.Env)
	if err != nil {
		return seen{}, err
	}
	return r.x.at(r.ctx(), at)
}

// whole is the view of what is seen, nil for nothing.
func (s seen) whole() storage.View {
	switch {
	case s.none:
		return nil
	case s.end > 0:
		return s.view.Until(s.end)
	}
	return s.view
}

// State implements funcs.Entities.
func (r entityReader) State(entity string, at funcs.Moment) (jsonb.Value, error) {
	s, err := r.seenAt(at)
	if err != nil {
		return nil, err
	}
	_, state, err := r.last(entity, s)
	return state, err
}

// last returns the last version that an entity has in what is seen, 0 for none, and its state then.
func (r entityReader) last(entity string, s seen) (version int64, state jsonb.Value, err error) {
	v := s.whole()
	if v == nil {
		return 0, nil, nil
	}
	if version, err = v.Version(r.ctx(), entity); version == 0 || err != nil {
		return 0, nil, err
	}
	err = v.States(r.ctx(), entity, []int64{version}, func(_ int, got jsonb.Value) error {
		state = got
		return nil
	})
	return version, state, err
}

// States implements funcs.Entities.
func (r entityReader) States(entity string, versions []int64, do func(i int, state jsonb.Value) error) error {
	s, err := r.x.now(r.ctx())
	if err != nil {
		return err
	}
	v := s.whole()
	if v == nil {
		v = s.view.Until(1)
	}
	return v.States(r.ctx(), entity, versions, do)
}

// Diff implements funcs.Entities.
func (r entityReader) Diff(entity string, since, until funcs.Moment) ([]funcs.EntityChange, error) {
	before, err := r.seenAt(since)
	if err != nil {
		return nil, err
	}
	after, err := r.seenAt(until)
	if err != nil {
		return nil, err
	}
	if before.last() > after.last() {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "the first of the two moments must not be after the second")
	}
	from, a, err := r.last(entity, before)
	if err != nil {
		return nil, err
	}
	to, b, err := r.last(entity, after)
	if err != nil || from == to {
		return nil, err
	}
	if a == nil && b.Kind() == jsonb.Object {
		a = jsonb.EmptyObject // so that the keys are told one by one
	}
	var out []funcs.EntityChange
	for _, c := range jsonb.Changes(a, b) {
		out = append(out, funcs.EntityChange{Change: c})
	}
	v := after.whole()
	if b.Kind() == jsonb.Object {
		return out, r.setters(entity, v, from, to, out)
	}
	return out, r.authors(entity, v, from, to, a, out)
}

// setters finds the events that made what changed what it is, where the state is an object at the end: all payloads are objects then, and what
// is at a path after an event is what the last payload with the path's first key has there. It goes back from the end: the one looked for
// is the first of the last payloads that agree.
func (r entityReader) setters(entity string, v storage.View, from, to int64, changes []funcs.EntityChange) error {
	next, err := v.History(entity, from+1, to+1)
	if err != nil {
		return err
	}
	by, open := make([]event, len(changes)), make([]int, len(changes))
	for i := range open {
		open[i] = i
	}
	version, size := to, leastSetters
	for len(open) > 0 {
		g, rows, err := next(r.ctx(), nil)
		if err != nil {
			return err
		}
		if g == nil {
			break
		}
		for len(rows) > 0 && len(open) > 0 {
			some := rows[max(0, len(rows)-size):]
			rows, size = rows[:len(rows)-len(some)], min(2*size, firstRows)
			payloads, err := g.ReadRows(r.ctx(), storage.Ref{Col: storage.ColPayload}, some)
			if err != nil {
				return err
			}
			for k := len(some) - 1; k >= 0; k-- {
				e := event{g, g.Base() + int64(some[k])}
				open = slices.DeleteFunc(open, func(i int) bool {
					c := &changes[i]
					payload := jsonb.Value(payloads.Bytes(k))
					if _, sets := jsonb.Get(payload, c.Path[0]); !sets {
						return false
					}
					if !same(at(payload, c.Path), c.New) {
						return true
					}
					c.Version, by[i] = version, e
					return false
				})
				version--
			}
		}
	}
	return r.describe(by, changes)
}

// authors finds for each change the last event after version from, up to version to, after which the value was another than before it.
func (r entityReader) authors(entity string, v storage.View, from, to int64, state jsonb.Value, changes []funcs.EntityChange) error {
	if len(changes) == 0 {
		return nil
	}
	versions := make([]int64, 0, to-from)
	for n := from + 1; n <= to; n++ {
		versions = append(versions, n)
	}
	now := make([]jsonb.Value, len(changes))
	for i := range changes {
		now[i] = at(state, changes[i].Path)
	}
	err := v.States(r.ctx(), entity, versions, func(k int, state jsonb.Value) error {
		for i := range changes {
			if is := at(state, changes[i].Path); !same(is, now[i]) {
				changes[i].Version, now[i] = versions[k], is
			}
		}
		return r.ctx().Err()
	})
	if err != nil {
		return err
	}
	by := make([]event, len(changes))
	for i, c := range changes {
		if by[i], err = oneEvent(r.ctx(), v, entity, c.Version); err != nil {
			return err
		}
	}
	return r.describe(by, changes)
}

// at is what a document has at a path of keys, nil if nothing.
func at(v jsonb.Value, path []string) jsonb.Value {
	for _, key := range path {
		if v == nil {
			return nil
		}
		v, _ = jsonb.Get(v, key)
	}
	return v
}

func same(a, b jsonb.Value) bool {
	if a == nil || b == nil {
		return (a == nil) == (b == nil)
	}
	return jsonb.Equal(a, b)
}

// describe reads what is told of the events that made the changes.
func (r entityReader) describe(by []event, changes []funcs.EntityChange) error {
	for i, e := range by {
		c := &changes[i]
		kind, err := e.read(r.ctx(), storage.ColType)
		if err != nil {
			return err
		}
		recorded, err := e.read(r.ctx(), storage.ColRecordedAt)
		if err != nil {
			return err
		}
		c.Position, c.EventType, c.RecordedAt = e.position, kind.Bytes(0), recorded.Int(0)
	}
	return nil
}

// leastSetters is how many payloads are read at once at first, on the way back.
const leastSetters = 16

// event is where an event is.
type event struct {
	group    storage.Group
	position int64
}

// oneEvent finds the event of an entity that has a version.
func oneEvent(ctx context.Context, v storage.View, entity string, version int64) (event, error) {
	next, err := v.History(entity, version, version+1)
	if err != nil {
		return event{}, err
	}
	g, rows, err := next(ctx, nil)
	switch {
	case err != nil:
		return event{}, err
	case len(rows) != 1:
		return event{}, pgerr.New(pgerr.InternalError, "version %d of entity %q is not there", version, entity)
	}
	return event{g, g.Base() + int64(rows[0])}, nil
}

// read returns a column of the event: one row.
func (e event) read(ctx context.Context, col storage.Column) (*vec.Column, error) {
	return e.group.ReadRows(ctx, storage.Ref{Col: col}, []int32{int32(e.position - e.group.Base())})
}
