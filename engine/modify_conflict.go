package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// upsert inserts rows, and does what ON CONFLICT asks for with those whose keys are there; one by one unless that is all one.
func (m *modifier) upsert(ctx context.Context, b *vec.Batch) error {
	if done, err := m.many(ctx, b, m.upsertMany); done || err != nil {
		return err
	}
	for i := range b.Len {
		if err := m.upsertRow(ctx, b.Slice(i, i+1)); err != nil {
			return err
		}
	}
	return nil
}

// decides reports whether ON CONFLICT is about the keys of an index.
func (m *modifier) decides(key *tableKey) bool {
	arbiters := m.n.Conflict.Arbiters
	return key.unique && (arbiters == nil || slices.Contains(arbiters, key.Index.ID))
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
			return m.give(nil, row, nil)
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
		err = errConcurrentUpdate()
	}
	return err
}

// conflicting finds the row that has a key of the new one already, 0 if there is none. Where there is one the keys are others' to have again.
func (m *modifier) conflicting(ctx context.Context, row *vec.Batch, keys []storage.IndexKeys) (storage.RowID, error) {
	mark := m.w.s.tx.work.mark()
	other, err := m.inTheWay(ctx, row, keys)
	if owner := m.w.s.tx.work.owner; other != 0 && owner != nil {
		owner.ReleaseTo(mark)
	}
	return other, err
}

// inTheWay does so, and keeps the keys that it looks at from others.
func (m *modifier) inTheWay(ctx context.Context, row *vec.Batch, keys []storage.IndexKeys) (storage.RowID, error) {
	w := m.w
	for k := range w.keys {
		key := &w.keys[k]
		switch {
		case !m.decides(key):
			continue
		case key.con != nil && key.con.Deferrable:
			return 0, pgerr.New(pgerr.ObjectNotInPrerequisite, "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters")
		case keys[k].Keys[0] == nil:
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
		own, err := w.d.keyed(keys[k].Index, keys[k].Keys[0])
		if err != nil {
			return 0, err
		}
		if len(own) > 0 {
			return own[0], nil
		}
		if err := w.lockKeys(ctx, keys[k], []int{0}); err != nil {
			return 0, err
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

// addedNow reports whether a row is of the statement that runs, or of a function that it has called.
func (w *writer) addedNow(row storage.RowID) bool {
	return row < 0 && w.d.addedBy(row) >= w.x.cfg.command
}

// updateInstead updates the row that stands in the way; done is false where it is gone meanwhile.
func (m *modifier) updateInstead(ctx context.Context, other storage.RowID, row *vec.Batch) (done bool, err error) {
	w := m.w
	if now, err := w.claim(ctx, other, m.strength(m.n.Conflict.Set)); err != nil || now != other {
		return false, err
	}
	if w.addedNow(other) {
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
	if err := m.untouched(other); err != nil {
		return false, err
	}
	stored, err := w.replace(ctx, []storage.RowID{other}, old, now)
	if err != nil {
		return false, err
	}
	return true, m.give(old, stored, nil)
}
