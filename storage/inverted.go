package storage

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/storage/segment"
)

// inverted is where the entities of a row group have their rows. It is made for groups that are asked again and again.
type inverted struct {
	ordinals []uint64 // ascending
	before   []int64  // last version before the group
	starts   []int32  // into rows, one more than ordinals
	rows     []uint16
}

// invertFrom is the how-manieth question that found something makes the list: it costs as much as some ten scans.
const invertFrom = 4

func (v *inverted) size() int64 {
	if v == nil {
		return 0
	}
	return int64(len(v.ordinals)*20 + len(v.rows)*2)
}

// find returns the rows of an entity, and its last version before the group.
func (v *inverted) find(ordinal uint64) ([]int32, int64) {
	i, ok := slices.BinarySearch(v.ordinals, ordinal)
	if !ok {
		return nil, 0
	}
	part := v.rows[v.starts[i]:v.starts[i+1]]
	rows := make([]int32, len(part))
	for k, r := range part {
		rows[k] = int32(r)
	}
	return rows, v.before[i]
}

func invert(ctx context.Context, r *segment.Reader) (*inverted, error) {
	entities, err := r.Entities(ctx)
	if err != nil {
		return nil, err
	}
	ordinals, err := r.Ordinals(ctx, 0, r.Len())
	if err != nil {
		return nil, err
	}
	v := &inverted{ordinals: make([]uint64, len(entities)), before: make([]int64, len(entities)),
		starts: make([]int32, len(entities)+1), rows: make([]uint16, len(ordinals))}
	place := make(map[uint64]int32, len(entities))
	for i, e := range entities {
		v.ordinals[i], v.before[i] = e.Ordinal, e.Base
		v.starts[i+1] = v.starts[i] + int32(e.Rows)
		place[e.Ordinal] = v.starts[i]
	}
	for row, o := range ordinals {
		at := place[o]
		v.rows[at] = uint16(row)
		place[o] = at + 1
	}
	return v, nil
}

// entityRows returns the rows of an entity, and its last version before the group.
func (g *group) entityRows(ctx context.Context, ordinal uint64) ([]int32, int64, error) {
	if v := g.inverted.Load(); v != nil {
		if r := g.reader.Load(); r != nil {
			g.used(r)
		}
		rows, before := v.find(ordinal)
		return rows, before, nil
	}
	r, err := g.openReader(ctx)
	if err != nil {
		return nil, 0, err
	}
	rows, before, err := r.EntityRows(ctx, ordinal)
	if err == nil && len(rows) > 0 && g.asked.Add(1) >= invertFrom {
		var v *inverted
		if v, err = invert(ctx, r); err == nil {
			g.inverted.Store(v)
		}
	}
	g.used(r)
	return rows, before, damaged(err)
}
