package engine

import (
	"context"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

const (
	// maxFirstEntities is how many entities are looked up one by one; where more are asked for, the log is folded.
	maxFirstEntities = 1000
	// firstRows is how many names are read at once in the search for the first entities.
	firstRows = 1024
)

// firstGroups notes for an aggregation below a limit that no more groups are wanted than the limit takes, if nothing between them
// drops rows.
func (b *builder) firstGroups(n *plan.Limit) {
	if n.Count == nil || len(n.Ties) > 0 || expr.IsVolatile(n.Count) || n.Offset != nil && expr.IsVolatile(n.Offset) {
		return
	}
	in := n.Input
	for {
		p, ok := in.(*plan.Project)
		if !ok || hasSet(p.Exprs) {
			break
		}
		in = p.Input
	}
	if a, ok := in.(*plan.Aggregate); ok {
		b.x.mu.Lock()
		defer b.x.mu.Unlock()
		put(&b.x.first, a, n)
	}
}

// firstOf is what firstGroups noted.
func (x *execution) firstOf(n *plan.Aggregate) *plan.Limit {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.first[n]
}

// firstEntities makes an aggregation by entity of which only the first few groups are wanted, whose results come from the first and
// the last event or are the state: the entities whose first events come first in the log are looked up one by one. It returns nil where
// that is not so.
func (b *builder) firstEntities(n *plan.Aggregate, c *eventChain) (op.Op, error) {
	limit := b.x.firstOf(n)
	if limit == nil || len(n.Keys) != 1 || b.x.cfg.after > 0 {
		return nil, nil
	}
	r := b.entityRows(n, c)
	if r == nil || !r.asksNames() {
		return nil, nil
	}
	count := int64(0)
	for _, e := range []expr.Expr{limit.Count, limit.Offset} {
		if e == nil {
			continue
		}
		v, err := expr.Value(b.env.X, e)
		if err != nil {
			return nil, err
		}
		null := v.Null(0)
		if null && e == limit.Offset {
			continue
		}
		if null || v.Int(0) < 0 || v.Int(0) > maxFirstEntities {
			return nil, nil // all rows are wanted, or too many, or the limit says what is wrong
		}
		count += v.Int(0)
	}
	if count > maxFirstEntities {
		return nil, nil
	}
	return op.NewRows(b.env, func(ctx context.Context) (*vec.Batch, error) { return r.firstRows(ctx, int(count)) }), nil
}

// asksNames reports whether the filter looks at nothing but the names of entities.
func (r *entityRows) asksNames() bool {
	return r.scan.Filter == nil || !expr.IsVolatile(r.scan.Filter) && !expr.Any(r.scan.Filter, func(e expr.Expr) bool {
		switch e := e.(type) {
		case *expr.Col:
			return r.scan.Cols[e.Index].Column != catalog.EventEntity
		case *expr.Subquery:
			return true
		}
		return false
	})
}

// firstRows makes the rows of the first entities.
func (r *entityRows) firstRows(ctx context.Context, count int) (*vec.Batch, error) {
	s, err := r.x.see(ctx, r.scan.System)
	if err != nil {
		return nil, err
	}
	view := s.whole()
	var list []*entityRow
	if view != nil && count > 0 {
		groups, _, err := view.Groups(ctx, nil)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			if list, err = r.begun(ctx, g, list, count); err != nil || len(list) == count {
				break
			}
		}
		if err != nil {
			return nil, err
		}
	}
	for _, row := range list {
		if row.version, err = view.Version(ctx, row.name); err != nil {
			return nil, err
		}
	}
	return r.batch(ctx, view, list)
}

// begun adds the entities that begin in a group and that the filter lets through, up to count in all.
func (r *entityRows) begun(ctx context.Context, g storage.Group, list []*entityRow, count int) ([]*entityRow, error) {
	versions, err := g.Read(ctx, storage.Ref{Col: storage.ColVersion}, 0, g.Len())
	if err != nil {
		return nil, err
	}
	var rows []int32
	for i := range versions.Len {
		if versions.Int(i) == 1 {
			rows = append(rows, int32(i))
		}
	}
	var filter *expr.Program
	if r.scan.Filter != nil {
		filter = expr.Compile(r.scan.Filter, r.env.X)
	}
	for len(rows) > 0 && len(list) < count {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		some := rows[:min(len(rows), firstRows)]
		rows = rows[len(some):]
		names, err := g.ReadRows(ctx, storage.Ref{Col: storage.ColEntity}, some)
		if err != nil {
			return nil, err
		}
		kept, err := r.let(filter, names)
		if err != nil {
			return nil, err
		}
		for _, i := range kept[:min(len(kept), count-len(list))] {
			first := event{g, g.Base() + int64(some[i])}
			list = append(list, &entityRow{name: string(names.Bytes(int(i))), first: first})
		}
	}
	return list, nil
}

// let is which of some names the filter lets through.
func (r *entityRows) let(filter *expr.Program, names *vec.Column) ([]int32, error) {
	if filter == nil {
		all := make([]int32, names.Len)
		for i := range all {
			all[i] = int32(i)
		}
		return all, nil
	}
	b := &vec.Batch{Len: names.Len, Cols: make([]*vec.Column, len(r.scan.Cols))}
	for i, c := range r.scan.Cols {
		if c.Column == catalog.EventEntity {
			b.Cols[i] = names
		}
	}
	return filter.Filter(b)
}
