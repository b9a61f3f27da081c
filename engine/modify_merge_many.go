package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// mergeMany is merge for all rows of a batch; done is false where nothing was done.
func (m *modifier) mergeMany(ctx context.Context, b *vec.Batch) (done bool, err error) {
	for i := range m.n.Whens {
		w := &m.n.Whens[i]
		if w.Kind == plan.UpdateRows && !w.Nothing && !m.w.keepsKeys(w.Set) || w.Cond != nil && expr.IsVolatile(w.Cond) {
			return false, nil
		}
	}
	parts, err := m.whens(b)
	if parts == nil || err != nil || m.inTurn(parts) {
		return false, err
	}
	if ok, err := m.claimMerged(ctx, b, parts); !ok || err != nil {
		return false, err
	}
	n := len(m.w.rel.Columns)
	var list []func() error
	for i, rows := range parts {
		w := &m.n.Whens[i]
		if len(rows) == 0 || w.Nothing {
			continue
		}
		in := b
		if len(rows) < b.Len {
			in = b.Take(rows)
		}
		if w.Match == plan.NotMatched {
			a, err := m.mergeAdding(ctx, w, in)
			if a == nil || err != nil {
				return false, err
			}
			list = append(list, func() error { return m.carryOut(ctx, nil, a) })
			continue
		}
		old, ids := &vec.Batch{Len: in.Len, Cols: in.Cols[1 : n+1]}, in.Cols[0].I64[:in.Len]
		switch w.Kind {
		case plan.DeleteRows:
			list = append(list, func() error {
				if err := m.w.remove(ctx, ids, old); err != nil {
					return err
				}
				return m.give(old, nil, in)
			})
		default:
			r, err := m.replacing(ids, old, in, w.Set, w.Values, in)
			if r == nil || err != nil {
				return false, err
			}
			list = append(list, func() error { return m.carryOut(ctx, r, nil) })
		}
	}
	for _, change := range list {
		if err := change(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// inTurn reports whether the order of rows that several clauses apply to is not all one: they are returned in it, functions are called in it, and
// those of two clauses may have the same key.
func (m *modifier) inTurn(parts [][]int32) bool {
	clauses, inserts, calls := 0, 0, 0
	for i, rows := range parts {
		w := &m.n.Whens[i]
		if len(rows) == 0 || w.Nothing {
			continue
		}
		if clauses++; w.Match == plan.NotMatched {
			inserts++
		}
		if slices.ContainsFunc(w.Values, expr.IsVolatile) {
			calls++
		}
	}
	return clauses > 1 && m.n.Returning != nil || inserts > 1 || calls > 1
}

// whens lists the rows of a batch that each WHEN clause applies to; nil: a row is wrong.
func (m *modifier) whens(b *vec.Batch) ([][]int32, error) {
	var left [3][]int32 // rows without a clause, by how they match
	for i := range b.Len {
		match := plan.Matched
		if b.Cols[0].Null(i) {
			match = plan.NotMatched
		} else if b.Cols[len(b.Cols)-1].Null(i) {
			match = plan.NotMatchedBySource
		}
		left[match] = append(left[match], int32(i))
	}
	parts := make([][]int32, len(m.n.Whens))
	for k := range m.n.Whens {
		w := &m.n.Whens[k]
		rows := left[w.Match]
		if len(rows) == 0 {
			continue
		}
		if w.Cond == nil {
			parts[k], left[w.Match] = rows, nil
			continue
		}
		ok, err := m.b.x.eval(w.Cond, b.Take(rows))
		if err != nil {
			return nil, errNotOfRow(err)
		}
		var rest []int32
		for i, r := range rows {
			if !ok.Null(i) && ok.Bool(i) {
				parts[k] = append(parts[k], r)
			} else {
				rest = append(rest, r)
			}
		}
		left[w.Match] = rest
	}
	return parts, nil
}

// claimMerged locks the rows that clauses change, in order, and reports whether each is there and no other statement has changed it, nor this one.
func (m *modifier) claimMerged(ctx context.Context, b *vec.Batch, parts [][]int32) (bool, error) {
	var places []int32
	modes := make([]lock.Mode, b.Len)
	for k, rows := range parts {
		w := &m.n.Whens[k]
		if w.Match == plan.NotMatched || w.Nothing {
			continue
		}
		mode := lock.ForEnding
		if w.Kind != plan.DeleteRows {
			mode = m.strength(w.Set)
		}
		for _, r := range rows {
			modes[r] = mode
		}
		places = append(places, rows...)
	}
	slices.Sort(places)
	ids, seen := make([]storage.RowID, len(places)), make(map[storage.RowID]bool, len(places))
	for i, p := range places {
		id := b.Cols[0].Int(int(p))
		if seen[id] || m.w.addedNow(id) {
			return false, nil
		}
		ids[i], seen[id] = id, true
	}
	if m.w.d.livePlaces(ids) != nil {
		return false, nil
	}
	for from := 0; from < len(ids); {
		to, mode := from+1, modes[places[from]]
		for to < len(ids) && modes[places[to]] == mode {
			to++
		}
		if ok, err := m.w.claimAll(ctx, ids[from:to], mode); !ok || err != nil {
			return false, err
		}
		from = to
	}
	return true, nil
}

// mergeAdding computes the rows of an INSERT clause; nil: a row is wrong.
func (m *modifier) mergeAdding(ctx context.Context, w *plan.MergeWhen, in *vec.Batch) (*adding, error) {
	a := &adding{from: in}
	rows := &vec.Batch{Len: in.Len}
	for _, e := range w.Values {
		c, err := m.b.x.eval(e, in)
		if err != nil {
			return nil, errNotOfRow(err)
		}
		rows.Cols = append(rows.Cols, c)
	}
	var err error
	if a.rows, a.keys, err = m.w.complete(rows); err != nil {
		return nil, errNotOfRow(err)
	}
	if ok, err := m.w.addable(ctx, a); !ok || err != nil {
		return nil, err
	}
	return a, nil
}
