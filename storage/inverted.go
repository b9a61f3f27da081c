package storage

import (
	"context"

	"github.com/allsource-db/allsource/storage/segment"
)

// invertFrom is the how-manieth question that found something makes the list of an entity's rows: a search in the packed
// codes costs a fiftieth of that.
const invertFrom = 32

// entityRows returns the rows of an entity, and its last version before the group.
func (g *group) entityRows(ctx context.Context, ordinal uint64) ([]int32, int64, error) {
	if v := g.inverted.Load(); v != nil {
		if r := g.reader.Load(); r != nil {
			g.used(r)
		}
		rows, before := v.Find(ordinal)
		return rows, before, nil
	}
	r, err := g.openReader(ctx)
	if err != nil {
		return nil, 0, err
	}
	rows, before, err := r.EntityRows(ctx, ordinal)
	if err == nil && len(rows) > 0 && g.asked.Add(1) >= invertFrom {
		var v *segment.Inverted
		if v, err = r.Invert(ctx); err == nil {
			g.inverted.Store(v)
		}
	}
	g.used(r)
	return rows, before, damaged(err)
}
