package storage

import (
	"context"

	"github.com/allsource-db/allsource/storage/tail"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// soFar is the log as the first n rows of the group leave it, for the check of the append that comes next. They have no
// recorded times yet; here they have the earliest that they can get.
func (t *txn) soFar(n int) View {
	base := view{d: t.d, st: t.st, at: t.st.last, end: t.st.end}
	if n == 0 {
		return &base
	}
	v := &groupView{view: base, rows: make([]tail.Row, n), known: base}
	copy(v.rows, t.rows)
	for i := range v.rows {
		v.rows[i].Recorded = t.st.last + 1 + int64(i)
	}
	st := *t.st
	st.tail = st.tail.Append(v.rows) // in places that nobody else sees, and that the group's rows take when they are shown
	v.st, v.end, v.at = &st, t.first+int64(n), v.rows[n-1].Recorded
	return v
}

// groupView is a view with rows at its end that no index knows yet.
type groupView struct {
	view
	rows  []tail.Row
	known view
}

var _ View = (*groupView)(nil)

func (v *groupView) History(entity string, from, to int64) (History, error) {
	known, err := v.known.History(entity, from, to)
	if err != nil {
		return nil, err
	}
	var own []int64
	for i := range v.rows {
		if r := &v.rows[i]; r.Entity == entity && r.Version >= from && r.Version < to {
			own = append(own, v.known.end+int64(i))
		}
	}
	return func(ctx context.Context, want func(Group) (bool, error)) (Group, []int32, error) {
		for len(own) > 0 {
			g := tailGroupAt(v.d, v.st.tail, own[len(own)-1], v.end)
			var rows []int32
			rows, own = g.rowsAt(own)
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

func (v *groupView) Version(ctx context.Context, entity string) (int64, error) {
	for i := len(v.rows) - 1; i >= 0; i-- {
		if v.rows[i].Entity == entity {
			return v.rows[i].Version, nil
		}
	}
	return v.known.Version(ctx, entity)
}

func (v *groupView) States(ctx context.Context, entity string, versions []int64, do func(i int, state jsonb.Value) error) error {
	durable, err := v.known.Version(ctx, entity)
	if err != nil {
		return err
	}
	last, err := v.Version(ctx, entity)
	if err != nil {
		return err
	}
	return v.d.states(ctx, v, entity, last, durable, versions, do)
}

func (v *groupView) Until(end int64) View {
	switch {
	case end >= v.end:
		return v
	case end <= v.known.end:
		return v.known.Until(end)
	}
	c := *v
	c.rows, c.end = v.rows[:end-v.known.end], end
	return &c
}

func (v *groupView) Find(ctx context.Context, entity string, id [16]byte) (int64, bool, error) {
	for i := range v.rows {
		if r := &v.rows[i]; r.HasID && r.Entity == entity && r.ID == id {
			return v.known.end + int64(i), true, nil
		}
	}
	return v.known.Find(ctx, entity, id)
}
