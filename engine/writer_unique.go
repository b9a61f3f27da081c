package engine

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// distinct refuses rows whose keys in a unique index are there already, or twice among them. Keys that are those of before, where it is given,
// are not looked at.
func (w *writer) distinct(ctx context.Context, rows *vec.Batch, keys, before []storage.IndexKeys) error {
	for k := range w.keys {
		key := &w.keys[k]
		if !key.unique {
			continue
		}
		values, _, err := w.keyValues(key, rows)
		if err != nil {
			return err
		}
		var look []int
		for i, b := range keys[k].Keys {
			if b != nil && distinctKey(key.Index, values, i) && (before == nil || string(before[k].Keys[i]) != string(b)) {
				look = append(look, i)
			}
		}
		if len(look) == 0 {
			continue
		}
		if key.Index.Period {
			if err := w.apart(ctx, key, look, rows); err != nil {
				return err
			}
			continue
		}
		if err := w.lockKeys(ctx, keys[k], look); err != nil {
			return err
		}
		if key.con != nil && key.con.Deferrable {
			if look, err = w.doubtful(ctx, keys[k], look); err != nil {
				return err
			}
			w.distinctLater(key, keys[k], look, values)
			continue
		}
		if err := w.noneHas(ctx, key, keys[k], look, values); err != nil {
			return err
		}
	}
	return nil
}

// lockKeys keeps others from using keys until the transaction ends.
func (w *writer) lockKeys(ctx context.Context, keys storage.IndexKeys, look []int) error {
	if w.keysLocked(keys.Index) {
		return nil
	}
	for _, i := range look {
		if err := w.s.lock(ctx, lock.Key{Kind: lock.IndexKey, Object: keys.Index, Name: string(keys.Keys[i])}, lock.Exclusive); err != nil {
			return err
		}
	}
	return nil
}

// keysLocked reports whether nobody else can use a key of an index: nobody sees the table, or it is locked as a whole, or all keys are.
func (w *writer) keysLocked(index uint32) bool {
	owner := w.s.tx.work.owner
	return w.d.isEmptied() || w.s.tx.work.made(uint32(w.rel.OID)) || owner != nil && owner.HasAll(lock.IndexKey, index)
}

// made reports whether the transaction has made an object.
func (w *work) made(id uint32) bool {
	for _, o := range w.objects {
		if uint32(o.id) == id {
			return w.fresh[id]
		}
	}
	return false
}

// noneHas refuses keys that a row has already.
func (w *writer) noneHas(ctx context.Context, key *tableKey, keys storage.IndexKeys, look []int, values []*vec.Column) error {
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return err
	}
	order := slices.Clone(look)
	vec.SortByKey(order, func(i int) []byte { return keys.Keys[i] }, cmp.Compare[int])
	for n, i := range order {
		if n > 0 && bytes.Equal(keys.Keys[i], keys.Keys[order[n-1]]) {
			return w.duplicate(key, values, i)
		}
		own, err := w.d.keyed(keys.Index, keys.Keys[i])
		if err != nil {
			return err
		}
		if len(own) > 0 {
			return w.duplicate(key, values, i)
		}
	}
	t := v.Table(w.shape.id)
	if t.Rows() == 0 || w.d.isEmptied() {
		return nil
	}
	return w.noneStored(ctx, t, key, keys, order, values)
}

// noneStored refuses keys that a row has which others see. The keys are looked for in order, so that those between two rows cost nothing.
func (w *writer) noneStored(ctx context.Context, t storage.TableView, key *tableKey, keys storage.IndexKeys, order []int, values []*vec.Column) error {
	end := op.Successor(keys.Keys[order[len(order)-1]])
	var next []byte // of the first row at or after the key
	for n, i := range order {
		k := keys.Keys[i]
		if n == 0 || bytes.Compare(next, k) < 0 {
			found, _, ok, err := t.Seek(ctx, keys.Index, storage.KeyRange{Lo: k, Hi: end, Once: true}).Next(ctx)
			if err != nil || !ok {
				return err
			}
			next = found
		}
		if !bytes.Equal(next, k) {
			continue
		}
		row, err := w.holder(ctx, t, keys.Index, k)
		if err != nil {
			return err
		}
		if row != 0 {
			return w.duplicate(key, values, i)
		}
	}
	return nil
}

// holder is the row that others see with a key, 0 if there is none. Where somebody is about to delete it, or to change its key, it
// waits to see what comes of that.
func (w *writer) holder(ctx context.Context, t storage.TableView, index uint32, key []byte) (storage.RowID, error) {
	for {
		row, err := w.stored(ctx, t, index, key)
		if row == 0 || err != nil {
			return 0, err
		}
		if stays, err := w.stays(ctx, row); stays || err != nil {
			return row, err
		}
		v, err := w.s.log.View(ctx, storage.Latest)
		if err != nil {
			return 0, err
		}
		t = v.Table(w.shape.id)
	}
}

// stays reports whether a row is there for good, once whoever is about to end it has decided.
func (w *writer) stays(ctx context.Context, row storage.RowID) (bool, error) {
	probe := w.s.locks().NewOwner()
	err := w.s.waitFor(ctx, probe, w.rowLock(row), lock.Glance)
	probe.Release()
	if err != nil {
		return false, err
	}
	closed, _, err := w.s.log.Fate(w.shape.id, row)
	return closed == 0, err
}

// stored is the row of a view with a key, without those that the transaction has ended.
func (w *writer) stored(ctx context.Context, t storage.TableView, index uint32, key []byte) (storage.RowID, error) {
	c := t.Seek(ctx, index, storage.KeyRange{Lo: key, Hi: op.Successor(key), Once: true})
	for {
		_, row, ok, err := c.Next(ctx)
		if err != nil || !ok {
			return 0, err
		}
		if live, _ := w.d.state(row); live {
			return row, nil
		}
	}
}

// duplicate is the error of a key that is there already.
func (w *writer) duplicate(key *tableKey, values []*vec.Column, i int) error {
	return pgerr.New(pgerr.UniqueViolation, "duplicate key value violates unique constraint %q", key.Index.Name).
		WithDetail("Key %s already exists.", w.keyText(key, values, i)).Of(w.about("", key.Index.Name))
}

// about is the table, with a column or a constraint of it, for an error.
func (w *writer) about(column, constraint string) pgerr.Object {
	return pgerr.Object{Schema: w.rel.Schema, Table: w.rel.Name, Column: column, Constraint: constraint}
}

// keyText is (columns)=(values).
func (w *writer) keyText(key *tableKey, values []*vec.Column, i int) string {
	var names, vals []string
	for k, e := range key.Keys {
		name, err := w.s.indexKeyText(w.rel, &key.Index.Keys[k], false, false)
		if err != nil {
			name = e.String()
		}
		names = append(names, name)
		vals = append(vals, w.valueText(e.Type(), values[k], i))
	}
	return "(" + strings.Join(names, ", ") + ")=(" + strings.Join(vals, ", ") + ")"
}

// doubtful are the keys that a row has now. The others nobody else can get, since they are locked, and a row that gets one later will be doubtful.
func (w *writer) doubtful(ctx context.Context, keys storage.IndexKeys, look []int) ([]int, error) {
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return nil, err
	}
	t := v.Table(w.shape.id)
	seen := map[string]bool{}
	var out []int
	for _, i := range look {
		key := keys.Keys[i]
		own, err := w.d.keyed(keys.Index, key)
		if err != nil {
			return nil, err
		}
		doubt := len(own) > 0 || seen[string(key)]
		seen[string(key)] = true
		if !doubt && !w.d.isEmptied() {
			row, err := w.stored(ctx, t, keys.Index, key)
			if err != nil {
				return nil, err
			}
			doubt = row != 0
		}
		if doubt {
			out = append(out, i)
		}
	}
	return out, nil
}

// distinctLater tests the keys of a deferrable constraint when the statement is over, or at the commit.
func (w *writer) distinctLater(key *tableKey, keys storage.IndexKeys, look []int, values []*vec.Column) {
	if len(look) == 0 {
		return
	}
	test := func(ctx context.Context) error {
		v, err := w.s.log.View(ctx, storage.Latest)
		if err != nil {
			return err
		}
		for _, i := range look {
			own, err := w.d.keyed(keys.Index, keys.Keys[i])
			if err != nil {
				return err
			}
			if len(own) == 0 {
				continue
			}
			row := storage.RowID(0)
			if !w.d.isEmptied() {
				if row, err = w.holder(ctx, v.Table(w.shape.id), keys.Index, keys.Keys[i]); err != nil {
					return err
				}
			}
			if len(own) > 1 || row != 0 {
				return w.duplicate(key, values, i)
			}
		}
		return nil
	}
	w.defers(key.con, test, int64(len(look))*keyOverhead)
}

// defers keeps a check of a constraint until the statement is over, or until the commit where the constraint asks for it.
// bytes is about what it keeps.
func (w *writer) defers(con *catalog.Constraint, test func(ctx context.Context) error, bytes int64) {
	w.s.tx.work.checksOf(con).add(check{w.rel.OID, con, test}, bytes)
}

// checksOf are those among which the checks of a constraint are.
func (w *work) checksOf(con *catalog.Constraint) *checks {
	if con != nil && con.Deferrable && w.postpones(con) {
		return &w.atCommit
	}
	return &w.late
}

// postpones reports whether a deferrable constraint waits for the commit: as SET CONSTRAINTS says, else as it was declared.
func (w *work) postpones(con *catalog.Constraint) bool {
	if said, ok := w.modes[con.ID]; ok {
		return said
	}
	if said, ok := w.modes[0]; ok {
		return said
	}
	return con.Deferred
}

// readVersions reads rows of a table, the transaction's own among them.
func readVersions(ctx context.Context, t storage.TableView, d *delta, cols []storage.TableColumn, rows []storage.RowID) (*vec.Batch, error) {
	return op.ReadVersions(ctx, t, d.view(newest), cols, rows)
}
