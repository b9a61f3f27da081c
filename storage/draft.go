package storage

import (
	"context"
	"fmt"
	"sort"
	"sync"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Draft is the events that a transaction is going to append, as the transaction itself sees them before the commit: behind those of
// a view. It is filled by one goroutine; views over it may be read by others meanwhile.
type Draft struct {
	mu       sync.RWMutex
	events   []Event
	rows     []draftRow
	byEntity map[string][]int32 // places in rows, ascending
}

// draftRow is an event that is new, and the how manieth of its entity it is in the draft, from 0.
type draftRow struct{ event, nth int32 }

// Len is how many events the draft was filled with.
func (d *Draft) Len() int { return len(d.events) }

// Fill makes events what the draft is about; they begin with those that it has already. fresh says which are new; the others are in
// the log, or repeat one of these. Events that were given are not to be changed until Cut has taken them back.
func (d *Draft) Fill(events []Event, fresh []bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byEntity == nil {
		d.byEntity = map[string][]int32{}
	}
	for i := len(d.events); i < len(events); i++ {
		if !fresh[i] {
			continue
		}
		name := events[i].Entity
		list := d.byEntity[name]
		d.byEntity[name] = append(list, int32(len(d.rows)))
		d.rows = append(d.rows, draftRow{int32(i), int32(len(list))})
	}
	d.events = events
}

// Cut forgets all events but the first n. Views over more of them are not read any more.
func (d *Draft) Cut(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n >= len(d.events) {
		return
	}
	left := sort.Search(len(d.rows), func(i int) bool { return int(d.rows[i].event) >= n })
	for _, r := range d.rows[left:] {
		name := d.events[r.event].Entity
		list := d.byEntity[name]
		if k := sort.Search(len(list), func(i int) bool { return int(list[i]) >= left }); k < len(list) {
			d.byEntity[name] = append([]int32(nil), list[:k]...) // who reads the old list does not meet what takes their place
		}
	}
	d.rows, d.events = d.rows[:left:left], d.events[:n:n]
}

// Part is what the draft has now; it does not grow with it. That of a nil draft is empty.
func (d *Draft) Part() DraftPart {
	if d == nil {
		return DraftPart{}
	}
	return DraftPart{d, d.events, d.rows[:len(d.rows):len(d.rows)]}
}

// DraftPart is the first events of a draft.
type DraftPart struct {
	d      *Draft
	events []Event
	rows   []draftRow
}

// Over is the log as a view has it, followed by the part. What only a commit gives is what it would be if it came next: places behind
// the view's events, versions behind those of their entities, and one recorded time, that given if it is later than all in the view.
func (p DraftPart) Over(v View, recorded Micros) View {
	if p.Empty() {
		return v
	}
	return &draftView{View: v, DraftPart: p, recorded: max(recorded, v.At()+1), versions: map[string]int64{}}
}

// Empty reports whether no event of the part is new.
func (p DraftPart) Empty() bool { return len(p.rows) == 0 }

// Payloads calls do for the payload of each new event of the part until it is false.
func (p DraftPart) Payloads(do func(payload jsonb.Value) bool) error {
	for i := range p.rows {
		ev := p.event(i)
		doc, err := document(ev.PayloadValue, ev.Payload)
		if err != nil || !do(doc) {
			return err
		}
	}
	return nil
}

func (p DraftPart) event(row int) *Event { return &p.events[p.rows[row].event] }

// draftView is a view with a draft at its end.
type draftView struct {
	View
	DraftPart
	recorded Micros

	mu       sync.Mutex
	versions map[string]int64 // of entities in the view below
}

var _ View = (*draftView)(nil)

func (v *draftView) Rows() int64 { return v.View.Rows() + int64(len(v.rows)) }
func (v *draftView) End() int64  { return v.View.End() + int64(len(v.rows)) }

// Groups implements View. Those of the draft are never left out.
func (v *draftView) Groups(ctx context.Context, preds []Pred) ([]Group, int, error) {
	out, skipped, err := v.View.Groups(ctx, preds)
	if err != nil {
		return nil, 0, err
	}
	for pos := v.View.End(); pos < v.End(); {
		g := v.groupAt(pos)
		out = append(out, g)
		pos += int64(g.n)
	}
	return out, skipped, nil
}

// groupAt is the group of the draft that holds a position.
func (v *draftView) groupAt(pos int64) draftGroup {
	first := int(pos-v.View.End()) / tailGroupRows * tailGroupRows
	return draftGroup{v, first, min(tailGroupRows, len(v.rows)-first)}
}

// Locate implements View.
func (v *draftView) Locate(ctx context.Context, pos int64) (Group, error) {
	if pos < v.View.End() || pos >= v.End() {
		return v.View.Locate(ctx, pos)
	}
	return v.groupAt(pos), nil
}

// own lists the entity's places in the draft.
func (v *draftView) own(entity string) []int32 {
	v.d.mu.RLock()
	list := v.d.byEntity[entity]
	v.d.mu.RUnlock()
	return list[:sort.Search(len(list), func(i int) bool { return int(list[i]) >= len(v.rows) })]
}

// below is the entity's version in the view below.
func (v *draftView) below(ctx context.Context, entity string) (int64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, ok := v.versions[entity]
	if ok {
		return n, nil
	}
	n, err := v.View.Version(ctx, entity)
	if err == nil {
		v.versions[entity] = n
	}
	return n, err
}

// Version implements View.
func (v *draftView) Version(ctx context.Context, entity string) (int64, error) {
	n, err := v.below(ctx, entity)
	return n + int64(len(v.own(entity))), err
}

// History implements View.
func (v *draftView) History(entity string, from, to int64) (History, error) {
	known, err := v.View.History(entity, from, to)
	own := v.own(entity)
	if err != nil || len(own) == 0 {
		return known, err
	}
	begun := false
	return func(ctx context.Context, want func(Group) (bool, error)) (Group, []int32, error) {
		if !begun {
			begun = true
			before, err := v.below(ctx, entity)
			if err != nil {
				return nil, nil, err
			}
			own = own[:min(max(to-1-before, 0), int64(len(own)))]
			own = own[min(max(from-1-before, 0), int64(len(own))):]
		}
		for len(own) > 0 {
			g := v.groupAt(v.View.End() + int64(own[len(own)-1]))
			first := sort.Search(len(own), func(i int) bool { return int(own[i]) >= g.first })
			rows := make([]int32, 0, len(own)-first)
			for _, r := range own[first:] {
				rows = append(rows, r-int32(g.first))
			}
			own = own[:first]
			if want == nil {
				return g, rows, nil
			}
			if ok, err := want(g); ok || err != nil {
				return g, rows, err
			}
		}
		return known(ctx, want)
	}, nil
}

// States implements View.
func (v *draftView) States(ctx context.Context, entity string, versions []int64, do func(i int, state jsonb.Value) error) error {
	own := len(v.own(entity))
	if own == 0 {
		return v.View.States(ctx, entity, versions, do)
	}
	below, err := v.below(ctx, entity)
	if err != nil {
		return err
	}
	under := v.View
	if w, ok := under.(*watchedView); ok {
		w.noteEntity(entity)
		under = w.v
	}
	switch base := under.(type) {
	case *view:
		return base.d.states(ctx, v, entity, below+int64(own), below, versions, do)
	case *groupView:
		durable, err := base.known.Version(ctx, entity)
		if err != nil {
			return err
		}
		return base.d.states(ctx, v, entity, below+int64(own), durable, versions, do)
	}
	return fmt.Errorf("a draft over a view of another kind: %T", v.View)
}

// Until implements View.
func (v *draftView) Until(end int64) View {
	if end >= v.End() {
		return v
	}
	left := end - v.View.End()
	if left <= 0 {
		return v.View.Until(end)
	}
	part := v.DraftPart
	part.rows = part.rows[:left:left]
	return &draftView{View: v.View, DraftPart: part, recorded: v.recorded, versions: map[string]int64{}}
}

// Find implements View.
func (v *draftView) Find(ctx context.Context, entity string, id [16]byte) (int64, bool, error) {
	for _, r := range v.own(entity) {
		if v.event(int(r)).ID == id {
			return v.View.End() + int64(r), true, nil
		}
	}
	return v.View.Find(ctx, entity, id)
}

// draftGroup is n rows of a draft as a view sees it. The names of entities have no numbers: those of new ones are given by the commit.
type draftGroup struct {
	v     *draftView
	first int
	n     int
}

var _ Group = draftGroup{}

func (g draftGroup) Len() int    { return g.n }
func (g draftGroup) Base() int64 { return g.v.View.End() + int64(g.first) }

// Bytes implements Group: nothing is stored.
func (g draftGroup) Bytes() int64 { return 0 }

func (g draftGroup) Read(ctx context.Context, ref Ref, from, to int) (*vec.Column, error) {
	if err := checkRange(from, to, g.n); err != nil {
		return nil, err
	}
	return g.column(ctx, ref, to-from, func(i int) int { return g.first + from + i })
}

func (g draftGroup) ReadRows(ctx context.Context, ref Ref, rows []int32) (*vec.Column, error) {
	if err := checkRows(rows, g.n); err != nil {
		return nil, err
	}
	return g.column(ctx, ref, len(rows), func(i int) int { return g.first + int(rows[i]) })
}

// column makes a column of n values; at gives the row of each.
func (g draftGroup) column(ctx context.Context, ref Ref, n int, at func(int) int) (*vec.Column, error) {
	switch ref.Col {
	case ColPosition, ColVersion, ColTimestamp, ColRecordedAt:
		b := vec.NewBuilder(vec.Int64, n)
		for i := range n {
			x, err := g.integer(ctx, ref.Col, at(i))
			if err != nil {
				return nil, err
			}
			b.AppendInt(x)
		}
		return b.Finish(), nil
	case ColID, ColEntity, ColType:
		b := vec.NewBuilder(vec.Bytes, n)
		for i := range n {
			switch ev := g.v.event(at(i)); ref.Col {
			case ColID:
				b.AppendBytes(ev.ID[:])
			case ColEntity:
				b.AppendString(ev.Entity)
			default:
				b.AppendString(ev.Type)
			}
		}
		return b.Finish(), nil
	}
	docs := make([]jsonb.Value, n)
	for i := range n {
		ev, err := g.v.event(at(i)), error(nil)
		if ref.Col == ColPayload {
			docs[i], err = document(ev.PayloadValue, ev.Payload)
		} else {
			docs[i], err = document(ev.MetadataValue, ev.Metadata)
		}
		if err != nil {
			return nil, err
		}
	}
	return documents(ref, n, func(i int) jsonb.Value { return docs[i] }), nil
}

func (g draftGroup) integer(ctx context.Context, col Column, row int) (int64, error) {
	switch ev := g.v.event(row); {
	case col == ColPosition:
		return g.v.View.End() + int64(row), nil
	case col == ColVersion:
		before, err := g.v.below(ctx, ev.Entity)
		return before + int64(g.v.rows[row].nth) + 1, err
	case col == ColTimestamp && ev.HasTime:
		return ev.Timestamp, nil
	}
	return g.v.recorded, nil
}
