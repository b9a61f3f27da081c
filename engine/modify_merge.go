package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// merge does for each row of the input what the first WHEN clause says that applies to it, one by one unless that is all one.
func (m *modifier) merge(ctx context.Context, b *vec.Batch) error {
	if done, err := m.many(ctx, b, m.mergeMany); done || err != nil {
		return err
	}
	for i := range b.Len {
		if err := m.mergeRow(ctx, b.Slice(i, i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (m *modifier) mergeRow(ctx context.Context, b *vec.Batch) error {
	row, match := storage.RowID(0), plan.Matched
	if b.Cols[0].Null(0) {
		match = plan.NotMatched
	} else if row = b.Cols[0].Int(0); b.Cols[len(b.Cols)-1].Null(0) {
		match = plan.NotMatchedBySource
	}
	w, err := m.when(b, match)
	if w == nil || w.Nothing || err != nil {
		return err
	}
	if row == 0 {
		return m.mergeInsert(ctx, w, b)
	}
	if err := m.untouched(row); err != nil {
		return err
	}
	if live, _ := m.w.d.state(row); !live || m.w.addedNow(row) {
		return pgerr.New(pgerr.CardinalityViolation, "MERGE command cannot affect row a second time").
			WithHint("Ensure that not more than one source row matches any one target row.")
	}
	mode := lock.ForEnding
	if w.Kind != plan.DeleteRows {
		mode = m.strength(w.Set)
	}
	switch now, err := m.w.claim(ctx, row, mode); {
	case err != nil:
		return err
	case now != row:
		return m.mergeMoved(ctx, b, now, match)
	}
	n := len(m.w.rel.Columns)
	old := &vec.Batch{Len: 1, Cols: b.Cols[1 : n+1]}
	if w.Kind == plan.DeleteRows {
		if err := m.w.remove(ctx, []storage.RowID{row}, old); err != nil {
			return err
		}
		return m.give(old, nil, b)
	}
	rows := &vec.Batch{Len: 1, Cols: slices.Clone(old.Cols)}
	for i, c := range w.Set {
		if rows.Cols[c], err = m.b.x.eval(w.Values[i], b); err != nil {
			return err
		}
	}
	if err := m.untouched(row); err != nil {
		return err
	}
	stored, err := m.w.replace(ctx, []storage.RowID{row}, old, rows)
	if err != nil {
		return err
	}
	return m.give(old, stored, b)
}

// mergeMoved merges a row of the source with the version that has replaced the one it was found for (0: the row was deleted). If they do not match any
// more, each is a row without a match.
func (m *modifier) mergeMoved(ctx context.Context, b *vec.Batch, now storage.RowID, match plan.MergeMatch) error {
	n := len(m.w.rel.Columns)
	fresh := &vec.Batch{Len: 1, Cols: slices.Clone(b.Cols)}
	if now != 0 {
		row, err := m.w.fetch(ctx, []storage.RowID{now})
		if err != nil {
			return err
		}
		fresh.Cols[0] = &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{now}}
		copy(fresh.Cols[1:], row.Cols)
		if match == plan.NotMatchedBySource {
			return m.mergeRow(ctx, fresh)
		}
		ok, err := m.b.x.eval(m.n.On, fresh)
		if err != nil {
			return err
		}
		if !ok.Null(0) && ok.Bool(0) {
			return m.mergeRow(ctx, fresh)
		}
		alone := &vec.Batch{Len: 1, Cols: slices.Clone(fresh.Cols)}
		copy(alone.Cols[n+1:], absent(alone.Cols[n+1:]))
		if err := m.mergeRow(ctx, alone); err != nil {
			return err
		}
	}
	if match == plan.NotMatchedBySource {
		return nil
	}
	copy(fresh.Cols[:n+1], absent(fresh.Cols[:n+1]))
	return m.mergeRow(ctx, fresh)
}

// absent are nulls in the place of columns of one row.
func absent(cols []*vec.Column) []*vec.Column {
	return (&vec.Batch{Len: 1, Cols: cols}).Take([]int32{-1}).Cols
}

// when is the clause that applies to a row, nil if none does.
func (m *modifier) when(b *vec.Batch, match plan.MergeMatch) (*plan.MergeWhen, error) {
	for i := range m.n.Whens {
		w := &m.n.Whens[i]
		if w.Match != match {
			continue
		}
		if w.Cond == nil {
			return w, nil
		}
		ok, err := m.b.x.eval(w.Cond, b)
		if err != nil {
			return nil, err
		}
		if !ok.Null(0) && ok.Bool(0) {
			return w, nil
		}
	}
	return nil, nil
}

func (m *modifier) mergeInsert(ctx context.Context, w *plan.MergeWhen, b *vec.Batch) error {
	rows := &vec.Batch{Len: 1}
	for _, e := range w.Values {
		c, err := m.b.x.eval(e, b)
		if err != nil {
			return err
		}
		rows.Cols = append(rows.Cols, c)
	}
	_, stored, err := m.w.insert(ctx, rows)
	if err != nil {
		return err
	}
	return m.give(nil, stored, b)
}
