package storage

import (
	"context"
	"slices"
	"sort"
)

// history is where a view is in an entity's rows, going backwards.
type history struct {
	v        *view
	st       *state
	ordinal  uint64
	from, to int64 // versions
	inTail   []int64
	left     int // row groups that were not looked at
	done     bool
}

// History implements View.
func (v *view) History(entity string, from, to int64) (History, error) {
	st, ordinal, inTail, ok, err := v.present(entity)
	if err != nil {
		return nil, err
	}
	h := &history{v: v, st: st, ordinal: ordinal, from: from, to: to, done: !ok}
	first, _ := slices.BinarySearch(inTail, st.sealedEnd())
	h.inTail = inTail[first:]
	h.left = sort.Search(len(st.groups), func(i int) bool { return st.groups[i].base >= v.end })
	return h.next, nil
}

func (h *history) next(ctx context.Context, want func(Group) (bool, error)) (Group, []int32, error) {
	for !h.done {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		g, rows, err := h.group(ctx, want)
		if err != nil || len(rows) > 0 {
			return g, rows, err
		}
	}
	return nil, nil, nil
}

// group looks into one more group.
func (h *history) group(ctx context.Context, want func(Group) (bool, error)) (Group, []int32, error) {
	if n := len(h.inTail); n > 0 {
		return h.tailGroup(want)
	}
	if h.left == 0 {
		h.done = true
		return nil, nil, nil
	}
	h.left--
	g := h.st.groups[h.left]
	view := h.v.sealed(g)
	if want != nil {
		if ok, err := want(view); !ok || err != nil {
			return nil, nil, err
		}
	}
	rows, before, err := g.entityRows(ctx, h.ordinal)
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	h.done = before == 0 || before < h.from
	return view, h.among(rows, before, view.Len()), nil
}

// among cuts the rows of an entity in a group, whose last version before was so, to the versions asked for and the view.
func (h *history) among(rows []int32, before int64, end int) []int32 {
	n, _ := slices.BinarySearch(rows, int32(end))
	last := min(int64(n), max(h.to-1-before, 0))
	first := min(max(h.from-1-before, 0), last)
	return rows[first:last]
}

// tailGroup takes the newest group of the tail that has rows.
func (h *history) tailGroup(want func(Group) (bool, error)) (Group, []int32, error) {
	last := h.inTail[len(h.inTail)-1]
	g := tailGroupAt(h.v.d, h.st.tail, last, h.v.end)
	var rows []int32
	rows, h.inTail = g.rowsAt(h.inTail)
	before := h.st.tail.At(g.base+int64(rows[0])).Version - 1
	h.done = before == 0 || before < h.from
	if want != nil {
		if ok, err := want(g); !ok || err != nil {
			return nil, nil, err
		}
	}
	return g, h.among(rows, before, g.len), nil
}

// rowsAt gives the rows of the group at ascending positions, the last of which are in it, and the positions before.
func (g tailGroup) rowsAt(positions []int64) (rows []int32, before []int64) {
	first, _ := slices.BinarySearch(positions, g.base)
	for _, pos := range positions[first:] {
		rows = append(rows, int32(pos-g.base))
	}
	return rows, positions[:first]
}
