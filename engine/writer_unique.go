package engine

import (
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
	if w.d.emptied != 0 || w.s.tx.work.made(uint32(w.rel.OID)) {
		return nil // nobody else sees the table, or it is locked as a whole
	}
	for _, i := range look {
		if err := w.s.lock(ctx, lock.Key{Kind: lock.IndexKey, Object: keys.Index, Name: string(keys.Keys[i])}, lock.Exclusive); err != nil {
			return err
		}
	}
	return nil
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
	t := v.Table(w.shape.id)
	none := t.Rows() == 0 || w.d.emptied != 0
	seen := map[string]bool{}
	for _, i := range look {
		b := keys.Keys[i]
		twice := len(look) > 1 && seen[string(b)]
		if len(look) > 1 {
			seen[string(b)] = true
		}
		if twice || len(w.d.keyed(keys.Index, b)) > 0 {
			return w.duplicate(key, values, i)
		}
		if none {
			continue
		}
		row, err := w.holder(ctx, t, keys.Index, b)
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
	c := t.Seek(ctx, index, key, op.Successor(key), false)
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
		WithDetail("Key %s already exists.", w.keyText(key, values, i))
}

// keyText is (columns)=(values).
func (w *writer) keyText(key *tableKey, values []*vec.Column, i int) string {
	var names, vals []string
	for k, e := range key.Keys {
		name := "(" + e.String() + ")"
		if n := key.Index.Keys[k].Column; n > 0 {
			name = w.rel.Table.Attr(n).Name
		}
		names = append(names, name)
		vals = append(vals, w.valueText(e.Type(), values[k], i))
	}
	return "(" + strings.Join(names, ", ") + ")=(" + strings.Join(vals, ", ") + ")"
}

// distinctLater tests the keys of a deferrable constraint when the statement is over, or at the commit.
func (w *writer) distinctLater(key *tableKey, keys storage.IndexKeys, look []int, values []*vec.Column) {
	look = slices.Clone(look)
	check := func(ctx context.Context) error {
		v, err := w.s.log.View(ctx, storage.Latest)
		if err != nil {
			return err
		}
		for _, i := range look {
			own := w.d.keyed(keys.Index, keys.Keys[i])
			if len(own) == 0 {
				continue
			}
			row := storage.RowID(0)
			if w.d.emptied == 0 {
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
	w.s.tx.work.defers(key.con, check)
}

// defers keeps a check of a constraint until the statement is over, or until the commit where the constraint asks for it.
func (w *work) defers(con *catalog.Constraint, check func(ctx context.Context) error) {
	if con != nil && con.Deferrable && w.postpones(con) {
		w.atCommit = append(w.atCommit, check)
	} else {
		w.late = append(w.late, check)
	}
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
