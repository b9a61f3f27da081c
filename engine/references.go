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
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// references are the foreign keys of a table and those that refer to it.
type references struct {
	out []*catalog.Constraint
	in  []inward
}

// inward is a foreign key of another table, or of the table itself.
type inward struct {
	rel *catalog.Relation
	con *catalog.Constraint
}

func (s *Session) references(rel *catalog.Relation) references {
	var r references
	for i := range rel.Table.Constraints {
		if c := &rel.Table.Constraints[i]; c.Kind == catalog.ForeignKey {
			r.out = append(r.out, c)
		}
	}
	c := s.catalog()
	for _, o := range c.Objects() {
		t, ok := o.(*catalog.TableObject)
		if !ok {
			continue
		}
		for i := range t.Constraints {
			if k := &t.Constraints[i]; k.Kind == catalog.ForeignKey && k.RefTable == rel.OID {
				r.in = append(r.in, inward{c.ByOID(t.ID), k})
			}
		}
	}
	// As PostgreSQL's triggers, which have their constraints' numbers in their names.
	slices.SortStableFunc(r.out, func(a, b *catalog.Constraint) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(r.in, func(a, b inward) int { return cmp.Compare(a.con.ID, b.con.ID) })
	return r
}

// enforced are those that are looked at.
func (r references) enforced() references {
	return references{
		out: slices.DeleteFunc(r.out, func(c *catalog.Constraint) bool { return c.NotEnforced }),
		in:  slices.DeleteFunc(r.in, func(in inward) bool { return in.con.NotEnforced }),
	}
}

func (r *references) referenced() bool { return len(r.in) > 0 }

// columnsOf are the places of columns by their attribute numbers.
func columnsOf(rel *catalog.Relation, attrs []int16) []int {
	out := make([]int, len(attrs))
	for i, a := range attrs {
		out[i] = slices.IndexFunc(rel.Columns, func(c catalog.Column) bool { return c.Attr == a })
	}
	return out
}

// manyReferring is from how many rows at once it is looked at once whether what they refer to is there: the statement's end need
// not remember those for which it is.
const manyReferring = 256

// added asks for the rows that new rows refer to, when the statement is over. first is the number of the first of them.
func (r *references) added(ctx context.Context, w *writer, rows *vec.Batch, first storage.RowID) error {
	id := func(i int) storage.RowID { return first - storage.RowID(i) }
	var late []*catalog.Constraint
	for _, con := range r.out {
		if w.s.tx.work.checksOf(con) == &w.s.tx.work.atCommit {
			w.defers(con, func(ctx context.Context) error { return w.refers(ctx, con, rows, id) }, rowsBytes(rows))
			continue
		}
		if rows.Len >= manyReferring {
			err := w.refers(ctx, con, rows, id)
			if err == nil {
				continue
			}
			if !isOfRow(err) {
				return err
			}
		}
		late = append(late, con)
	}
	if len(late) > 0 {
		w.s.tx.work.late.add(check{w.rel.OID, nil, func(ctx context.Context) error { return w.refersAll(ctx, late, rows, id) }}, rowsBytes(rows))
	}
	return nil
}

// refersAll is refers for several foreign keys. It is the first of the rows that is told of.
func (w *writer) refersAll(ctx context.Context, cons []*catalog.Constraint, rows *vec.Batch, id func(i int) storage.RowID) error {
	for _, con := range cons {
		err := w.refers(ctx, con, rows, id)
		if err == nil {
			continue
		}
		for i := 0; i < rows.Len && len(cons) > 1 && isOfRow(err); i++ {
			for _, con := range cons {
				if err := w.refers(ctx, con, rows.Slice(i, i+1), func(int) storage.RowID { return id(i) }); err != nil {
					return err
				}
			}
		}
		return err
	}
	return nil
}

func rowsBytes(b *vec.Batch) (n int64) {
	for _, c := range b.Cols {
		n += int64(c.MemSize())
	}
	return n
}

// replaced is added for rows that replace others, whose numbers are ids; id gives the new numbers. It sees to what refers to the old ones.
func (r *references) replaced(w *writer, ids []storage.RowID, old, rows *vec.Batch, id func(i int) storage.RowID) {
	for _, con := range r.out {
		changed := changedRows(w.rel, columnsOf(w.rel, con.Columns), old, rows)
		if con.Deferrable {
			// Nobody looks any more at a row of the transaction's own that still waits to be looked at.
			for i, was := range ids {
				if was < 0 {
					changed = append(changed, int32(i))
				}
			}
			slices.Sort(changed)
			changed = slices.Compact(changed)
		}
		if len(changed) == 0 {
			continue
		}
		now := rows.Take(changed)
		w.defers(con, func(ctx context.Context) error {
			return w.refers(ctx, con, now, func(i int) storage.RowID { return id(int(changed[i])) })
		}, rowsBytes(now))
	}
	for _, in := range r.in {
		changed := changedRows(w.rel, columnsOf(w.rel, in.con.RefColumns), old, rows)
		if len(changed) > 0 {
			cols := columnsOf(w.rel, in.con.RefColumns)
			w.lose(in, in.con.OnUpdate, onlyColumns(old, cols).Take(changed), onlyColumns(rows, cols).Take(changed), changed)
		}
	}
	w.lost += old.Len
}

// noActionOnly is the constraint if what it does may wait for the commit.
func noActionOnly(con *catalog.Constraint, action string) *catalog.Constraint {
	if action == "a" || action == "" {
		return con
	}
	return nil
}

// changedRows lists the rows of which a column is not what it was.
func changedRows(rel *catalog.Relation, cols []int, old, rows *vec.Batch) []int32 {
	var out []int32
	// What was not read, or is the very column, no statement has set.
	cols = slices.DeleteFunc(cols, func(c int) bool { return old.Cols[c] == nil || old.Cols[c] == rows.Cols[c] })
	if len(cols) == 0 {
		return nil
	}
	for i := range rows.Len {
		for _, c := range cols {
			if !sameValue(rel.Columns[c].Type, old.Cols[c], rows.Cols[c], i) {
				out = append(out, int32(i))
				break
			}
		}
	}
	return out
}

func sameValue(t datum.Type, a, b *vec.Column, i int) bool {
	return string(datum.AppendSortKey(nil, t, a, i)) == string(datum.AppendSortKey(nil, t, b, i))
}

// refers refuses rows that refer to rows which are not there; those that are there stay until the transaction ends. id gives the numbers of the rows.
func (w *writer) refers(ctx context.Context, con *catalog.Constraint, rows *vec.Batch, id func(i int) storage.RowID) error {
	cols := columnsOf(w.rel, con.Columns)
	ref := w.s.catalog().ByOID(con.RefTable)
	if ref == nil || ref.Table == nil {
		return pgerr.New(pgerr.InternalError, "the table that %q refers to is not there", con.Name)
	}
	ix := ref.Table.Index(con.Index)
	if ix == nil {
		return pgerr.New(pgerr.InternalError, "the key that %q refers to is not there", con.Name)
	}
	// The values in the order and of the types of the index.
	values := make([]*vec.Column, len(ix.Keys))
	for k := range ix.Keys {
		at := slices.Index(con.RefColumns, ix.Keys[k].Column)
		if at < 0 {
			return pgerr.New(pgerr.InternalError, "the key that %q refers to has other columns", con.Name)
		}
		from := w.rel.Columns[cols[at]].Type
		to, _ := w.s.catalog().Resolve(ix.Keys[k].Type)
		values[k] = rows.Cols[cols[at]]
		if datum.KindOf(from.OID) != datum.KindOf(to.OID) {
			c, err := w.x.eval(&expr.Cast{Arg: &expr.Col{Index: cols[at], Typ: from}, Typ: datum.T(to.OID)}, rows)
			if err != nil {
				return err
			}
			values[k] = c
		}
	}
	if err := w.s.lockTable(ctx, ref.OID, lock.RowShare); err != nil {
		return err
	}
	keys := make([][]byte, rows.Len) // nil: the row refers to nothing
	mixed := rows.Len                // the first row of which only some columns are null where that is not allowed
	for i := 0; i < rows.Len && mixed == rows.Len; i++ {
		if live, _ := w.d.state(id(i)); !live {
			continue
		}
		nulls := 0
		for _, c := range cols {
			if rows.Cols[c].Null(i) {
				nulls++
			}
		}
		switch {
		case nulls > 0 && nulls < len(cols) && con.Full:
			mixed = i
		case nulls == 0:
			for k := range ix.Keys {
				keys[i] = op.AppendIndexKey(keys[i], &ix.Keys[k], values[k], i)
			}
		}
	}
	found, err := w.s.holdFree(ctx, ref, uint32(ix.ID), keys)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if key == nil || found[string(key)] {
			continue
		}
		ok, err := w.s.holds(ctx, ref, uint32(ix.ID), key, true)
		if err != nil {
			return err
		}
		if !ok {
			return w.notReferred(con).WithDetail("Key %s is not present in table %q.", w.columnText(cols, rows, i), ref.Name)
		}
		found[string(key)] = true
	}
	if mixed < rows.Len {
		return w.notReferred(con).WithDetail("MATCH FULL does not allow mixing of null and nonnull key values.")
	}
	return nil
}

func (w *writer) notReferred(con *catalog.Constraint) *pgerr.Error {
	return pgerr.New(pgerr.ForeignKeyViolation, "insert or update on table %q violates foreign key constraint %q", w.rel.Name, con.Name).
		Of(w.about("", con.Name))
}

// columnText is (columns)=(values) of a row.
func (w *writer) columnText(cols []int, rows *vec.Batch, i int) string {
	var names, values []string
	for _, c := range cols {
		names = append(names, w.rel.Columns[c].Name)
		values = append(values, w.valueText(w.rel.Columns[c].Type, rows.Cols[c], i))
	}
	return "(" + strings.Join(names, ", ") + ")=(" + strings.Join(values, ", ") + ")"
}

// holds reports whether a table has a row with a key, and locks it so that it keeps the key. With seen it is one that the transaction's snapshot has,
// where it reads repeatably, and that nobody has ended since.
func (s *Session) holds(ctx context.Context, rel *catalog.Relation, index uint32, key []byte, seen bool) (bool, error) {
	d := s.tx.work.deltas.of(storage.TableID(rel.OID))
	if d == nil {
		d = newDelta(storage.TableID(rel.OID), nil, 0) // not kept: nothing is changed
	}
	if own, err := d.keyed(index, key); len(own) > 0 || err != nil {
		return err == nil, err
	}
	w := &writer{s: s, rel: rel, d: d}
	then := storage.RowID(0)
	if seen = seen && s.repeatable() && s.tx.present != nil; seen {
		var err error
		if then, err = w.stored(ctx, s.tx.present.view.Table(d.table), index, key); then == 0 || err != nil {
			return false, err
		}
	}
	for {
		v, err := s.log.View(ctx, storage.Latest)
		if err != nil {
			return false, err
		}
		row, err := w.stored(ctx, v.Table(d.table), index, key)
		switch {
		case err != nil:
			return false, err
		case row == 0 && seen:
			return false, errConcurrentUpdate()
		case row == 0:
			return false, nil
		}
		if err := s.lock(ctx, w.rowLock(row), lock.ForKeyShare); err != nil {
			return false, err
		}
		if closed, _, err := s.log.Fate(d.table, row); err != nil {
			return false, err
		} else if closed != 0 {
			continue
		}
		for then != row && then != 0 {
			if _, then, err = s.log.Fate(d.table, then); err != nil {
				return false, err
			}
			if then == 0 {
				return false, errConcurrentUpdate()
			}
		}
		return true, nil
	}
}

// holdFree is holds for many keys, as far as nobody is in the way: it returns those that it found and locked. Keys may be nil.
func (s *Session) holdFree(ctx context.Context, rel *catalog.Relation, index uint32, keys [][]byte) (map[string]bool, error) {
	found := map[string]bool{}
	if len(keys) < fewKeys || s.repeatable() {
		return found, nil
	}
	w := &writer{s: s, rel: rel, d: s.tx.work.deltas.of(storage.TableID(rel.OID))}
	if w.d == nil {
		w.d = newDelta(storage.TableID(rel.OID), nil, 0) // not kept: nothing is changed
	}
	var order []int
	for i, k := range keys {
		if k != nil {
			order = append(order, i)
		}
	}
	vec.SortByKey(order, func(i int) []byte { return keys[i] }, cmp.Compare[int])
	order = slices.CompactFunc(order, func(a, b int) bool { return bytes.Equal(keys[a], keys[b]) })
	seek := order[:0]
	for _, i := range order {
		own, err := w.d.keyed(index, keys[i])
		if err != nil {
			return nil, err
		}
		if len(own) > 0 {
			found[string(keys[i])] = true
		} else {
			seek = append(seek, i)
		}
	}
	there := make([]storage.RowID, len(keys))
	if err := w.storedHolders(ctx, storage.IndexKeys{Index: index, Keys: keys}, seek, there); err != nil {
		return nil, err
	}
	seek = slices.DeleteFunc(seek, func(i int) bool { return there[i] == 0 })
	rows := make([]storage.RowID, len(seek))
	for n, i := range seek {
		rows[n] = there[i]
	}
	free := s.owner().TryRows(uint32(rel.OID), rows, lock.ForKeyShare)
	ended, err := s.log.Ended(w.d.table, rows[:free])
	for n, i := range seek[:free] {
		if !slices.Contains(ended, n) {
			found[string(keys[i])] = true
		}
	}
	return found, err
}

// fewKeys are so few that each is looked for by itself.
const fewKeys = 8

func errConcurrentUpdate() error {
	return pgerr.New(pgerr.SerializationFailure, "could not serialize access due to concurrent update")
}
