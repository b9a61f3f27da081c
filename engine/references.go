package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
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
	for _, con := range r.out {
		if rows.Len >= manyReferring && !(con.Deferrable && w.s.tx.work.postpones(con)) {
			err := w.refers(ctx, con, rows, first)
			if err == nil {
				continue
			}
			if !isOfRow(err) {
				return err
			}
		}
		w.s.tx.work.defers(con, func(ctx context.Context) error { return w.refers(ctx, con, rows, first) }, rowsBytes(rows))
	}
	return nil
}

func rowsBytes(b *vec.Batch) (n int64) {
	for _, c := range b.Cols {
		n += int64(c.MemSize())
	}
	return n
}

// replaced is added for rows that replace others, of which id gives the numbers, and sees to what refers to the old ones.
func (r *references) replaced(w *writer, old, rows *vec.Batch, id func(i int) storage.RowID) {
	for _, con := range r.out {
		cols := columnsOf(w.rel, con.Columns)
		changed := changedRows(w.rel, cols, old, rows)
		if len(changed) == 0 {
			continue
		}
		w.s.tx.work.defers(con, func(ctx context.Context) error {
			for _, i := range changed {
				if err := w.refers(ctx, con, rows.Slice(i, i+1), id(i)); err != nil {
					return err
				}
			}
			return nil
		}, rowsBytes(rows))
	}
	for _, in := range r.in {
		changed := changedRows(w.rel, columnsOf(w.rel, in.con.RefColumns), old, rows)
		if len(changed) == 0 {
			continue
		}
		w.s.tx.work.defers(noActionOnly(in.con, in.con.OnUpdate), func(ctx context.Context) error {
			for _, i := range changed {
				if err := w.orphans(ctx, in, in.con.OnUpdate, old.Slice(i, i+1), rows.Slice(i, i+1)); err != nil {
					return err
				}
			}
			return nil
		}, rowsBytes(old)+rowsBytes(rows))
	}
}

// noActionOnly is the constraint if what it does may wait for the commit.
func noActionOnly(con *catalog.Constraint, action string) *catalog.Constraint {
	if action == "a" || action == "" {
		return con
	}
	return nil
}

// changedRows lists the rows of which a column is not what it was.
func changedRows(rel *catalog.Relation, cols []int, old, rows *vec.Batch) []int {
	var out []int
	cols = slices.DeleteFunc(cols, func(c int) bool { return old.Cols[c] == rows.Cols[c] }) // no statement has set it
	if len(cols) == 0 {
		return nil
	}
	for i := range rows.Len {
		for _, c := range cols {
			if !sameValue(rel.Columns[c].Type, old.Cols[c], rows.Cols[c], i) {
				out = append(out, i)
				break
			}
		}
	}
	return out
}

func sameValue(t datum.Type, a, b *vec.Column, i int) bool {
	return string(datum.AppendSortKey(nil, t, a, i)) == string(datum.AppendSortKey(nil, t, b, i))
}

// refers refuses rows that refer to rows which are not there; those that are there stay until the transaction ends.
func (w *writer) refers(ctx context.Context, con *catalog.Constraint, rows *vec.Batch, first storage.RowID) error {
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
	found := map[string]bool{}
	for i := range rows.Len {
		if live, _ := w.d.state(first - storage.RowID(i)); !live {
			continue
		}
		nulls := 0
		for _, c := range cols {
			if rows.Cols[c].Null(i) {
				nulls++
			}
		}
		switch {
		case nulls == len(cols), nulls > 0 && !con.Full:
			continue
		case nulls > 0:
			return w.notReferred(con).WithDetail("MATCH FULL does not allow mixing of null and nonnull key values.")
		}
		var key []byte
		for k := range ix.Keys {
			key = op.AppendIndexKey(key, &ix.Keys[k], values[k], i)
		}
		if found[string(key)] {
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

func errConcurrentUpdate() error {
	return pgerr.New(pgerr.SerializationFailure, "could not serialize access due to concurrent update")
}

// orphans does what a foreign key asks for when the row that others refer to is deleted, or gets another key.
func (w *writer) orphans(ctx context.Context, in inward, action string, old, now *vec.Batch) error {
	ref := columnsOf(w.rel, in.con.RefColumns)
	var types []datum.OID
	var params []*vec.Column
	for _, c := range ref {
		if old.Cols[c].Null(0) {
			return nil
		}
		types, params = append(types, w.rel.Columns[c].Type.OID), append(params, old.Cols[c])
	}
	table := "ONLY " + funcs.QuoteIdent(in.rel.Schema) + "." + funcs.QuoteIdent(in.rel.Name)
	var where, names []string
	for i, c := range columnsOf(in.rel, in.con.Columns) {
		names = append(names, funcs.QuoteIdent(in.rel.Columns[c].Name))
		where = append(where, fmt.Sprintf("%s = $%d", names[i], i+1))
	}
	cond := " WHERE " + strings.Join(where, " AND ")
	switch action {
	case "c":
		if now == nil {
			return w.s.internally(ctx, "DELETE FROM "+table+cond, types, params)
		}
		var set []string
		for i, c := range ref {
			types, params = append(types, w.rel.Columns[c].Type.OID), append(params, now.Cols[c])
			set = append(set, fmt.Sprintf("%s = $%d", names[i], len(params)))
		}
		return w.s.internally(ctx, "UPDATE "+table+" SET "+strings.Join(set, ", ")+cond, types, params)
	case "n", "d":
		value := map[string]string{"n": "NULL", "d": "DEFAULT"}[action]
		var set []string
		for i, a := range in.con.Columns {
			if now == nil && len(in.con.SetColumns) > 0 && !slices.Contains(in.con.SetColumns, a) {
				continue
			}
			set = append(set, names[i]+" = "+value)
		}
		err := w.s.internally(ctx, "UPDATE "+table+" SET "+strings.Join(set, ", ")+cond, types, params)
		if err != nil || action == "n" {
			return err
		}
		// Rows with the default already have not changed, so nobody has asked whether there is what they refer to.
	}
	if action != "r" {
		// Another row may have got the key meanwhile.
		if ix := w.rel.Table.Index(in.con.Index); ix != nil {
			var key []byte
			for k := range ix.Keys {
				key = op.AppendIndexKey(key, &ix.Keys[k], old.Cols[ref[slices.Index(in.con.RefColumns, ix.Keys[k].Column)]], 0)
			}
			ok, err := w.s.holds(ctx, w.rel, uint32(ix.ID), key, false)
			if ok || err != nil {
				return err
			}
		}
	}
	found, err := w.s.finds(ctx, "SELECT 1 FROM "+table+" AS x"+cond+" LIMIT 1 FOR KEY SHARE OF x", types, params)
	if err != nil || !found {
		return err
	}
	return pgerr.New(pgerr.ForeignKeyViolation, "update or delete on table %q violates foreign key constraint %q on table %q", w.rel.Name, in.con.Name, in.rel.Name).
		WithDetail("Key %s is still referenced from table %q.", w.columnText(ref, old, 0), in.rel.Name).
		Of(pgerr.Object{Schema: in.rel.Schema, Table: in.rel.Name, Constraint: in.con.Name})
}

// internally runs a statement of the engine's own within the transaction, as of now.
func (s *Session) internally(ctx context.Context, text string, types []datum.OID, params []*vec.Column) error {
	_, err := s.finds(ctx, text, types, params)
	return err
}

// finds is internally, and reports whether the statement gave rows.
func (s *Session) finds(ctx context.Context, text string, types []datum.OID, params []*vec.Column) (rows bool, err error) {
	err = s.each(ctx, text, types, params, func(*vec.Batch) error { rows = true; return nil })
	return rows, err
}

// each is internally, and gives what the statement gives.
func (s *Session) each(ctx context.Context, text string, types []datum.OID, params []*vec.Column, give func(*vec.Batch) error) error {
	p, err := s.internalLocked(ctx, text, types)
	if err != nil {
		return err
	}
	s.tx.work.command++
	cfg := s.executionConfig(ctx, params)
	x, root, err := s.openWith(ctx, p.node, cfg)
	if err != nil {
		return err
	}
	defer x.Close()
	for {
		b, err := root.Next(ctx)
		if b != nil && err == nil {
			err = give(b)
		}
		if b == nil || err != nil {
			return closeWith(root, err)
		}
	}
}

// internalLocked is an internal statement whose tables are locked for the transaction, and as they are then.
func (s *Session) internalLocked(ctx context.Context, text string, types []datum.OID) (*Prepared, error) {
	for {
		p, err := s.internal(ctx, text, types)
		if err != nil {
			return nil, err
		}
		before := s.internals.catalog
		for _, t := range p.changed {
			if err := s.lockTable(ctx, t.oid, t.mode); err != nil {
				return nil, err
			}
		}
		if s.catalog() == before {
			return p, nil
		}
	}
}

// internal is a statement of the engine's own, analysed once for each catalog.
func (s *Session) internal(ctx context.Context, text string, types []datum.OID) (*Prepared, error) {
	if c := s.catalog(); s.internals.catalog != c {
		s.internals.catalog, s.internals.plans = c, map[string]*Prepared{}
	}
	if p := s.internals.plans[text]; p != nil {
		return p, nil
	}
	stmt, err := syntax.ParseOne(text)
	if err != nil {
		return nil, err
	}
	p, err := s.prepare(ctx, stmt, text, types)
	if err == nil {
		s.internals.plans[text] = p
	}
	return p, err
}

// internals are the session's statements of the engine's own, for one catalog.
type internals struct {
	catalog *catalog.Catalog
	plans   map[string]*Prepared
}
