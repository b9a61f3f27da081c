package storage

import (
	"context"
	"fmt"
	"slices"
)

// view is the log as of one moment: the positions below end. What it lists comes from the state that it was opened on;
// where an entity's events are it asks the present index, which knows more but nothing else about those positions.
type view struct {
	d   *DB
	st  *state
	at  Micros
	end int64
}

var _ View = (*view)(nil)

func (v *view) At() Micros  { return v.at }
func (v *view) Rows() int64 { return v.end - 1 }
func (v *view) End() int64  { return v.end }

func (v *view) Groups(ctx context.Context, preds []Pred) ([]Group, int, error) {
	var out []Group
	skipped := 0
	for _, g := range v.st.groups {
		if g.base >= v.end {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		may, err := g.mayMatch(ctx, preds)
		if err != nil {
			return nil, 0, err
		}
		if !may {
			skipped++
			continue
		}
		out = append(out, v.sealed(g))
	}
	return append(out, tailGroups(v.d, v.st.tail, v.end)...), skipped, nil
}

func (v *view) sealed(g *group) Group {
	return sealedGroup{g, int(min(g.end(), v.end) - g.base)}
}

// mayMatch reports whether a row of the group can satisfy all preds.
func (g *group) mayMatch(ctx context.Context, preds []Pred) (bool, error) {
	if len(preds) == 0 {
		return true, nil
	}
	r, err := g.openReader(ctx)
	if err != nil {
		return false, err
	}
	for _, p := range preds {
		if may, err := r.MayMatch(ctx, segmentPred(p)); err != nil || !may {
			return false, damaged(err)
		}
	}
	g.used(r)
	return true, nil
}

func (v *view) Locate(_ context.Context, pos int64) (Group, error) {
	if pos < 1 || pos >= v.end {
		return nil, fmt.Errorf("position %d is not in the view", pos)
	}
	if pos < v.st.sealedEnd() {
		return v.sealed(v.st.groupAt(pos)), nil
	}
	return tailGroupAt(v.d, v.st.tail, pos, v.end), nil
}

// present is the newest state together with what its tail has of the entity: the tail is asked first, so that what is
// sealed in between is found in the row groups.
func (v *view) present(entity string) (st *state, ordinal uint64, positions []int64, ok bool, err error) {
	ordinal, _, positions, ok = v.d.index.inTail(entity, v.end)
	if !ok {
		ordinal, ok, err = v.d.index.onDisk(entity)
	}
	return v.d.state.Load(), ordinal, positions, ok, err
}

func (v *view) Version(ctx context.Context, entity string) (int64, error) {
	st, ordinal, inTail, ok, err := v.present(entity)
	if !ok || err != nil {
		return 0, err
	}
	if n := len(inTail); n > 0 && inTail[n-1] >= st.sealedEnd() {
		return st.tail.At(inTail[n-1]).Version, nil
	}
	if v.end >= st.sealedEnd() {
		// All that is in row groups is in the view: the index has the answer, unless it is ahead of the view already.
		if int64(ordinal) >= v.d.index.disk.Load().entities {
			return 0, nil
		}
		if version, end, err := v.d.index.version(ordinal); err != nil || end <= v.end {
			return version, err
		}
	}
	for i := len(st.groups) - 1; i >= 0; i-- {
		g := st.groups[i]
		if g.base >= v.end {
			continue
		}
		rows, before, err := g.entityRows(ctx, ordinal)
		if err != nil {
			return 0, err
		}
		if len(rows) > 0 {
			n, _ := slices.BinarySearch(rows, int32(min(v.end-g.base, int64(g.rows))))
			return before + int64(n), nil
		}
	}
	return 0, nil
}

// Until implements View.
func (v *view) Until(end int64) View {
	if end >= v.end {
		return v
	}
	c := *v
	c.end = max(end, 1)
	return &c
}

func (v *view) Find(ctx context.Context, entity string, id [16]byte) (int64, bool, error) {
	pos, ok, err := v.d.find(ctx, v.st, entity, id)
	if err != nil || !ok || pos >= v.end {
		return 0, false, err
	}
	return pos, true, nil
}
