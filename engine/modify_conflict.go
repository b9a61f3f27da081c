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

// upsert inserts rows one by one, and does what ON CONFLICT asks for with those whose keys are there.
func (m *modifier) upsert(ctx context.Context, b *vec.Batch) error {
	for i := range b.Len {
		if err := m.upsertRow(ctx, b.Slice(i, i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (m *modifier) upsertRow(ctx context.Context, row *vec.Batch) error {
	row, keys, err := m.w.complete(row)
	if err != nil {
		return err
	}
	for {
		other, err := m.conflicting(ctx, row, keys)
		switch {
		case err != nil:
			return err
		case other == 0:
			if err := m.w.distinct(ctx, row, keys, nil); err != nil {
				return err
			}
			first, err := m.w.add(ctx, row, keys)
			if err == nil {
				err = m.w.refs.added(ctx, m.w, row, first)
			}
			if err != nil {
				return err
			}
			return m.give(row, nil)
		}
		if err := m.w.visible(ctx, other); err != nil {
			return err
		}
		if !m.n.Conflict.Update {
			return nil
		}
		done, err := m.updateInstead(ctx, other, row)
		if done || err != nil {
			return err
		}
	}
}

// visible refuses a row that came after the snapshot of a transaction that reads repeatably.
func (w *writer) visible(ctx context.Context, row storage.RowID) error {
	if row < 0 || !w.s.repeatable() || w.s.tx.present == nil {
		return nil
	}
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return err
	}
	came, _, err := v.Table(w.shape.id).Periods(ctx, []storage.RowID{row})
	if err == nil && came[0] > w.s.tx.present.view.At() {
		err = pgerr.New(pgerr.SerializationFailure, "could not serialize access due to concurrent update")
	}
	return err
}

// conflicting finds the row that has a key of the new one already, 0 if there is none.
func (m *modifier) conflicting(ctx context.Context, row *vec.Batch, keys []storage.IndexKeys) (storage.RowID, error) {
	w := m.w
	for k := range w.keys {
		key := &w.keys[k]
		if !key.unique || keys[k].Keys[0] == nil || m.n.Conflict.Arbiters != nil && !slices.Contains(m.n.Conflict.Arbiters, key.Index.ID) {
			continue
		}
		values, _, err := w.keyValues(key, row)
		if err != nil {
			return 0, err
		}
		if !distinctKey(key.Index, values, 0) {
			continue
		}
		if key.Index.Period {
			spans := key.spansOf(row)
			if err := w.lockSpans(ctx, keys[k].Index, spans, []int{0}); err != nil {
				return 0, err
			}
			if other, err := w.overlapping(ctx, key, spans[0]); other != 0 || err != nil {
				return other, err
			}
			continue
		}
		if err := w.lockKeys(ctx, keys[k], []int{0}); err != nil {
			return 0, err
		}
		own, err := w.d.keyed(keys[k].Index, keys[k].Keys[0])
		if err != nil {
			return 0, err
		}
		if len(own) > 0 {
			return own[0], nil
		}
		if w.d.isEmptied() {
			continue
		}
		v, err := w.s.log.View(ctx, storage.Latest)
		if err != nil {
			return 0, err
		}
		if other, err := w.holder(ctx, v.Table(w.shape.id), keys[k].Index, keys[k].Keys[0]); other != 0 || err != nil {
			return other, err
		}
	}
	return 0, nil
}

// updateInstead updates the row that stands in the way; done is false where it is gone meanwhile.
func (m *modifier) updateInstead(ctx context.Context, other storage.RowID, row *vec.Batch) (done bool, err error) {
	w := m.w
	if other > 0 {
		now, err := w.s.claim(ctx, w.rel, other, lock.ForEnding, false, false)
		if err != nil || now != other {
			return false, err
		}
	} else if w.d.addedBy(other) == w.s.tx.work.command {
		return false, pgerr.New(pgerr.CardinalityViolation, "ON CONFLICT DO UPDATE command cannot affect row a second time").
			WithHint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
	}
	old, err := w.fetch(ctx, []storage.RowID{other})
	if err != nil {
		return false, err
	}
	both := &vec.Batch{Len: 1, Cols: append(slices.Clone(old.Cols), row.Cols...)}
	on := m.n.Conflict
	if on.Where != nil {
		ok, err := m.b.x.eval(on.Where, both)
		if err != nil || ok.Null(0) || !ok.Bool(0) {
			return true, err
		}
	}
	now := &vec.Batch{Len: 1, Cols: slices.Clone(old.Cols)}
	for i, c := range on.Set {
		if now.Cols[c], err = m.b.x.eval(on.Values[i], both); err != nil {
			return false, err
		}
	}
	stored, err := w.replace(ctx, []storage.RowID{other}, old, now)
	if err != nil {
		return false, err
	}
	return true, m.give(stored, nil)
}

// merge does for each row of the input what the first WHEN clause says that applies to it.
func (m *modifier) merge(ctx context.Context, b *vec.Batch) error {
	for i := range b.Len {
		if err := m.mergeRow(ctx, b.Slice(i, i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (m *modifier) mergeRow(ctx context.Context, b *vec.Batch) error {
	row := storage.RowID(0)
	if !b.Cols[0].Null(0) {
		row = b.Cols[0].Int(0)
	}
	w, err := m.when(b, row != 0)
	if w == nil || w.Nothing || err != nil {
		return err
	}
	if row == 0 {
		return m.mergeInsert(ctx, w, b)
	}
	if live, by := m.w.d.state(row); !live || row < 0 && m.w.d.addedBy(row) == m.w.s.tx.work.command {
		if by == m.w.s.tx.work.command || live {
			return pgerr.New(pgerr.CardinalityViolation, "MERGE command cannot affect row a second time").
				WithHint("Ensure that not more than one source row matches any one target row.")
		}
		return nil
	}
	if row > 0 {
		now, err := m.w.s.claim(ctx, m.w.rel, row, lock.ForEnding, false, false)
		if now == 0 || err != nil {
			return err
		}
		if now != row {
			again, err := m.b.again(ctx, m.n.Input, map[int][]storage.RowID{m.n.Target: {now}})
			if again == nil || err != nil {
				return err
			}
			return m.mergeRow(ctx, again)
		}
	}
	n := len(m.w.rel.Columns)
	old := &vec.Batch{Len: 1, Cols: b.Cols[1 : n+1]}
	if w.Kind == plan.DeleteRows {
		m.count++
		return m.w.remove(ctx, []storage.RowID{row}, old)
	}
	rows := &vec.Batch{Len: 1, Cols: slices.Clone(old.Cols)}
	for i, c := range w.Set {
		if rows.Cols[c], err = m.b.x.eval(w.Values[i], b); err != nil {
			return err
		}
	}
	m.count++
	_, err = m.w.replace(ctx, []storage.RowID{row}, old, rows)
	return err
}

// when is the clause that applies to a row, nil if none does.
func (m *modifier) when(b *vec.Batch, matched bool) (*plan.MergeWhen, error) {
	for i := range m.n.Whens {
		w := &m.n.Whens[i]
		if w.Matched != matched {
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
	m.count++
	_, _, err := m.w.insert(ctx, rows)
	return err
}
