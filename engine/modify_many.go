package engine

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// What follows takes batches of ON CONFLICT and MERGE at once. Nothing is changed before it is known that it comes to the same as taking one row
// after the other; where it may not, where a row is wrong, or where somebody else has locked what is needed (the order of locks is another one), nothing is
// done, and they are taken one by one.

// many tries to do something for a batch at once, and lets go of what was locked for that where nothing was done.
func (m *modifier) many(ctx context.Context, b *vec.Batch, try func(context.Context, *vec.Batch) (done bool, err error)) (done bool, err error) {
	if b.Len == 1 {
		return false, nil
	}
	w := &m.w.s.tx.work
	mark := w.mark()
	if done, err = try(ctx, b); !done && w.owner != nil {
		w.owner.ReleaseTo(mark)
	}
	return done, err
}

// addable reports whether rows may be added; their keys are locked.
func (w *writer) addable(ctx context.Context, a *adding) (bool, error) {
	for k := range a.keys {
		if !w.keys[k].unique || w.keysLocked(a.keys[k].Index) {
			continue
		}
		for _, key := range a.keys[k].Keys {
			if key != nil && !w.s.tryLock(lock.Key{Kind: lock.IndexKey, Object: a.keys[k].Index, Name: string(key)}, lock.Exclusive) {
				return false, nil
			}
		}
	}
	err := w.distinct(ctx, a.rows, a.keys, nil)
	return err == nil, errNotOfRow(err)
}

// replacing and adding are changes that break no rule, before they are made. at are the places of the rows in what the statement was given, where it is asked for.
type replacing struct {
	ids            []storage.RowID
	old, now, from *vec.Batch
	keys           []storage.IndexKeys
	at             []int32
}

type adding struct {
	rows, from *vec.Batch
	keys       []storage.IndexKeys
	at         []int32
}

// keepsKeys reports whether setting columns leaves the keys of unique indexes as they are.
func (w *writer) keepsKeys(set []int) bool {
	for k := range w.keys {
		key := &w.keys[k]
		if !key.unique {
			continue
		}
		if key.Index.Period || slices.ContainsFunc(set, func(c int) bool { return slices.Contains(key.reads, c) }) ||
			slices.ContainsFunc(w.rules.Generated, func(g plan.GeneratedColumn) bool { return slices.Contains(key.reads, g.Column) }) {
			return false
		}
	}
	return true
}

// carryOut makes changes, of which all rules are known to hold.
func (m *modifier) carryOut(ctx context.Context, r *replacing, a *adding) error {
	w := m.w
	if r != nil && len(r.ids) > 0 {
		if err := w.replaceComplete(ctx, r.ids, r.old, r.now, r.keys); err != nil {
			return err
		}
		if err := m.give(r.old, r.now, r.from); err != nil {
			return err
		}
	}
	if a == nil || a.rows.Len == 0 {
		return nil
	}
	first, err := w.add(ctx, a.rows, a.keys)
	if err == nil {
		err = w.refs.added(ctx, w, a.rows, first)
	}
	if err != nil {
		return err
	}
	return m.give(nil, a.rows, a.from)
}

// arbiters are the unique indexes that decide about conflicts, by their places among all; nil: rows cannot be looked up in them together.
func (m *modifier) arbiters() []int {
	var out []int
	for k := range m.w.keys {
		key := &m.w.keys[k]
		if !m.decides(key) {
			continue
		}
		if key.Index.Period || key.con != nil && key.con.Deferrable {
			return nil
		}
		out = append(out, k)
	}
	return out
}

// upsertMany is upsert for all rows of a batch; done is false where nothing was done.
func (m *modifier) upsertMany(ctx context.Context, b *vec.Batch) (done bool, err error) {
	w, on := m.w, m.n.Conflict
	arbiters := m.arbiters()
	if len(arbiters) == 0 || on.Update && len(arbiters) > 1 {
		return false, nil
	}
	rows, keys, err := w.complete(b)
	if err != nil {
		return false, errNotOfRow(err)
	}
	fresh, there, ids, err := m.conflicts(ctx, arbiters, rows, keys)
	if fresh == nil && ids == nil || err != nil {
		return false, err
	}
	mixed := m.n.Returning != nil && on.Update && len(there) > 0 && len(fresh) > 0
	if mixed && slices.ContainsFunc(m.n.Returning, expr.IsVolatile) {
		return false, nil // they are called in the order of the rows
	}
	if seen, err := w.visibleAll(ctx, ids); !seen || err != nil {
		return false, err
	}
	if stay, err := m.stayAll(ctx, ids); !stay || err != nil {
		return false, err
	}
	a := &adding{rows: rows.Take(fresh), keys: takeKeys(keys, fresh), at: fresh}
	if ok, err := w.addable(ctx, a); !ok || err != nil {
		return false, err
	}
	var r *replacing
	if on.Update && len(there) > 0 {
		if r, err = m.updatesInstead(ctx, ids, rows.Take(there), there); r == nil || err != nil {
			return false, err
		}
	}
	before := len(m.out)
	if err := m.carryOut(ctx, r, a); err != nil {
		return true, err
	}
	if mixed && len(m.out) == before+2 {
		m.out = append(m.out[:before], inOrder(m.out[before:], r.at, a.at))
	}
	return true, nil
}

// inOrder puts two batches together in the order of the places of their rows.
func inOrder(two []*vec.Batch, first, second []int32) *vec.Batch {
	at := slices.Concat(first, second)
	order := make([]int32, len(at))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(at[a], at[b]) })
	out := &vec.Batch{Len: len(at)}
	for c := range two[0].Cols {
		out.Cols = append(out.Cols, op.Concat(two[0].Cols[c].Kind, []*vec.Column{two[0].Cols[c], two[1].Cols[c]}).Take(order))
	}
	return out
}

// conflicts tells rows to be added from those that have a key which is there, and finds the rows that have it. What is added by an earlier row of the batch is
// there, too. Nothing is returned where rows are to be taken one by one.
func (m *modifier) conflicts(ctx context.Context, arbiters []int, rows *vec.Batch, keys []storage.IndexKeys) (fresh, there []int32, ids []storage.RowID, err error) {
	found := make([][]storage.RowID, len(arbiters))
	taken := make([]map[string]bool, len(arbiters)) // keys that are met more than once, and whether a row has them by now
	for n, k := range arbiters {
		if found[n], err = m.w.holders(ctx, &m.w.keys[k], keys[k], rows, m.n.Conflict.Update); found[n] == nil || err != nil {
			return nil, nil, nil, err
		}
		for i, id := range found[n] {
			if id == earlierKey {
				put(&taken[n], string(keys[k].Keys[i]), false)
			}
		}
	}
	for i := range rows.Len {
		holder, known := storage.RowID(0), false
		for n, k := range arbiters {
			switch id := found[n][i]; {
			case id == earlierKey && m.n.Conflict.Update:
				return nil, nil, nil, nil
			case id == earlierKey:
				known = known || taken[n][string(keys[k].Keys[i])]
			case id != 0 && holder == 0:
				holder = id
			}
		}
		switch {
		case holder != 0:
			there, ids = append(there, int32(i)), append(ids, holder)
		case !known:
			fresh = append(fresh, int32(i))
		default:
			continue
		}
		for n, k := range arbiters {
			if _, ok := taken[n][string(keys[k].Keys[i])]; ok && (holder == 0 || found[n][i] != 0 && found[n][i] != earlierKey) {
				taken[n][string(keys[k].Keys[i])] = true
			}
		}
	}
	return fresh, there, ids, nil
}

// visibleAll reports whether a transaction that reads repeatably sees rows, which may be its own.
func (w *writer) visibleAll(ctx context.Context, rows []storage.RowID) (bool, error) {
	if !w.s.repeatable() || w.s.tx.present == nil {
		return true, nil
	}
	rows = slices.DeleteFunc(slices.Clone(rows), isOwn)
	if len(rows) == 0 {
		return true, nil
	}
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return false, err
	}
	came, _, err := v.Table(w.shape.id).Periods(ctx, rows)
	return err == nil && slices.Max(came) <= w.s.tx.present.view.At(), err
}

// errNotOfRow is an error unless it is one of a certain row.
func errNotOfRow(err error) error {
	if isOfRow(err) {
		return nil
	}
	return err
}

func takeKeys(keys []storage.IndexKeys, rows []int32) []storage.IndexKeys {
	out := make([]storage.IndexKeys, len(keys))
	for k := range keys {
		out[k] = storage.IndexKeys{Index: keys[k].Index, Keys: make([][]byte, len(rows))}
		for i, r := range rows {
			out[k].Keys[i] = keys[k].Keys[r]
		}
	}
	return out
}

// stayAll reports whether rows are there for good, and locks them if ON CONFLICT changes them.
func (m *modifier) stayAll(ctx context.Context, ids []storage.RowID) (bool, error) {
	if on := m.n.Conflict; on.Update {
		return m.w.claimAll(ctx, ids, m.strength(on.Set))
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id storage.RowID) bool { return id < 0 })
	if len(ids) == 0 {
		return true, nil
	}
	probe := m.w.s.locks().NewOwner()
	free := probe.TryRows(uint32(m.w.rel.OID), ids, lock.Glance)
	probe.Release()
	ended, err := m.w.s.log.Ended(storage.TableID(m.w.rel.OID), ids)
	return free == len(ids) && len(ended) == 0, err
}

// claimAll locks rows as long as that needs no waiting, and reports whether it has all of them as they were.
func (w *writer) claimAll(ctx context.Context, ids []storage.RowID, mode lock.Mode) (bool, error) {
	for len(ids) > 0 {
		n, ended, err := w.claimFree(ctx, ids, mode)
		if n == 0 || len(ended) > 0 || err != nil {
			return false, err
		}
		ids = ids[n:]
	}
	return true, nil
}

// updatesInstead is what DO UPDATE makes of rows that stand in the way of new ones, which are at places of the batch; nil: they are to be taken one by one.
func (m *modifier) updatesInstead(ctx context.Context, ids []storage.RowID, rows *vec.Batch, at []int32) (*replacing, error) {
	on := m.n.Conflict
	old, err := m.w.fetch(ctx, ids)
	if err != nil {
		return nil, err
	}
	both := &vec.Batch{Len: rows.Len, Cols: append(slices.Clone(old.Cols), rows.Cols...)}
	if on.Where != nil {
		ok, err := m.b.x.eval(on.Where, both)
		if err != nil {
			return nil, errNotOfRow(err)
		}
		var keep []int32
		var kept []storage.RowID
		var places []int32
		for i := range both.Len {
			if !ok.Null(i) && ok.Bool(i) {
				keep, kept, places = append(keep, int32(i)), append(kept, ids[i]), append(places, at[i])
			}
		}
		ids, at, old, both = kept, places, old.Take(keep), both.Take(keep)
	}
	r, err := m.replacing(ids, old, both, on.Set, on.Values, nil)
	if r == nil || err != nil {
		return nil, err
	}
	r.at = at
	if !m.w.keepsKeys(on.Set) {
		before, _, err := m.w.keysBefore(old, r.now, r.keys)
		if err != nil || m.w.keysChange(before, r.keys) {
			return nil, errNotOfRow(err)
		}
	}
	return r, nil
}

// replacing computes rows that replace others, from is the input of the values; nil: a row is wrong.
func (m *modifier) replacing(ids []storage.RowID, old, in *vec.Batch, set []int, values []expr.Expr, from *vec.Batch) (*replacing, error) {
	r := &replacing{ids: ids, old: old, from: from}
	now := &vec.Batch{Len: old.Len, Cols: slices.Clone(old.Cols)}
	var err error
	for i, c := range set {
		if now.Cols[c], err = m.b.x.eval(values[i], in); err != nil {
			return nil, errNotOfRow(err)
		}
	}
	if r.now, r.keys, err = m.w.complete(now); err != nil {
		return nil, errNotOfRow(err)
	}
	return r, nil
}

// earlierKey stands for an earlier row of the batch.
const earlierKey = storage.RowID(newestRow)

// holders finds, for rows, those that have their keys in a unique index now, 0 where there are none. It is nil where one of
// them is to change that the statement itself has added.
func (w *writer) holders(ctx context.Context, key *tableKey, keys storage.IndexKeys, rows *vec.Batch, change bool) ([]storage.RowID, error) {
	values, _, err := w.keyValues(key, rows)
	if err != nil {
		return nil, err
	}
	var look []int
	for i, k := range keys.Keys {
		if k != nil && distinctKey(key.Index, values, i) {
			look = append(look, i)
		}
	}
	out := make([]storage.RowID, rows.Len)
	if len(look) == 0 {
		return out, nil
	}
	vec.SortByKey(look, func(i int) []byte { return keys.Keys[i] }, cmp.Compare[int])
	seek := look[:0:0]
	for n, i := range look {
		own, err := w.d.keyed(keys.Index, keys.Keys[i])
		switch {
		case err != nil:
			return nil, err
		case n > 0 && bytes.Equal(keys.Keys[i], keys.Keys[look[n-1]]):
			out[i] = earlierKey
		case len(own) == 0:
			seek = append(seek, i)
		case change && w.addedNow(own[0]):
			return nil, nil
		default:
			out[i] = own[0]
		}
	}
	return out, w.storedHolders(ctx, keys, seek, out)
}

// nearKeys is how many entries of an index are gone through for the next key before it is sought, and farKeys how many keys more must have been sought than were
// met so before each is looked up by itself.
const (
	nearKeys = 16
	farKeys  = 8
)

// storedHolders enters the rows that others see with keys of a unique index that is not deferrable. The keys are given in order and are not those of own rows.
func (w *writer) storedHolders(ctx context.Context, keys storage.IndexKeys, order []int, out []storage.RowID) error {
	if len(order) == 0 || w.d.isEmptied() {
		return nil
	}
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return err
	}
	t := v.Table(w.d.table)
	end := op.Successor(keys.Keys[order[len(order)-1]])
	var c storage.IndexCursor
	var next []byte
	var row storage.RowID
	far := 0
	for n, i := range order {
		k := keys.Keys[i]
		if far > farKeys {
			return w.storedHoldersApart(ctx, t, keys, order[n:], out)
		}
		far--
		for steps := 0; c == nil || bytes.Compare(next, k) < 0; steps++ {
			if c == nil || steps == nearKeys {
				c = t.Seek(ctx, keys.Index, storage.KeyRange{Lo: k, Hi: end, Once: true})
				far += 2
			}
			var ok bool
			if next, row, ok, err = c.Next(ctx); err != nil || !ok {
				return err
			}
		}
		far = max(far, 0)
		if bytes.Equal(next, k) {
			if live, _ := w.d.state(row); live {
				out[i] = row
			}
		}
	}
	return nil
}

// storedHoldersApart is storedHolders for keys that are far from each other.
func (w *writer) storedHoldersApart(ctx context.Context, t storage.TableView, keys storage.IndexKeys, order []int, out []storage.RowID) error {
	for _, i := range order {
		row, ok, err := t.One(ctx, keys.Index, keys.Keys[i])
		if err != nil {
			return err
		}
		if live, _ := w.d.state(row); ok && live {
			out[i] = row
		}
	}
	return nil
}
