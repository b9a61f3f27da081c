package engine

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// writer changes rows of one table for the statement that runs: whatever changes rows goes through one, so that the table's rules hold.
type writer struct {
	s      *Session
	x      *execution
	rel    *catalog.Relation
	shape  *tableShape
	rules  *plan.RowRules
	d      *delta
	keys   []tableKey // of all indexes
	refs   references
	gone   []*goneKeys // that foreign keys may refer to
	lost   int         // rows that were deleted or replaced so far
	failed int         // the row of an insert that an error of a row is about
	column int         // the column whose domain refuses it
}

// tableKey is an index while rows are written.
type tableKey struct {
	*plan.IndexRule
	unique bool
	con    *catalog.Constraint // nil: it belongs to none
	places []int               // of the columns of a key WITHOUT OVERLAPS among the relation's
	reads  []int               // columns that say what the key is, by their places
	sets   []int               // columns that change the key when they are set, if foreign keys may refer to it
}

// ruled is what all writers for a plan have in common under one catalog.
type ruled struct {
	catalog *catalog.Catalog
	shape   *tableShape
	keys    []tableKey
	refs    references
}

// manyRuled is for how many plans a session keeps it.
const manyRuled = 64

// newWriter makes a writer; the table is locked already.
func (x *execution) newWriter(rel *catalog.Relation, rules *plan.RowRules) (*writer, error) {
	s := x.cfg.session
	r := s.ruled[rules]
	if r == nil || r.catalog != x.cfg.catalog.Catalog || r.shape.rel != rel {
		var err error
		if r, err = s.newRuled(rel, rules); err != nil {
			return nil, err
		}
		if len(s.ruled) >= manyRuled {
			clear(s.ruled)
		}
		put(&s.ruled, rules, r)
	}
	w := &writer{s: s, x: x, rel: rel, shape: r.shape, rules: rules, d: s.delta(rel), keys: r.keys, refs: r.refs}
	w.d.shape = r.shape
	return w, nil
}

func (s *Session) newRuled(rel *catalog.Relation, rules *plan.RowRules) (*ruled, error) {
	shape, err := shapeOf(rel)
	if err != nil {
		return nil, err
	}
	r := &ruled{catalog: s.catalog(), shape: shape}
	if !rel.Table.Unchecked {
		r.refs = s.references(rel).enforced()
	}
	for i := range rules.Indexes {
		k := tableKey{IndexRule: &rules.Indexes[i], unique: rules.Indexes[i].Index.Unique}
		reads := map[int]bool{}
		for _, e := range append(slices.Clone(k.Keys), k.Where) {
			if e != nil {
				plan.Cols(e, reads)
			}
		}
		k.reads = slices.Collect(maps.Keys(reads))
		if k.unique && k.Where == nil && !slices.ContainsFunc(k.Index.Keys, func(c catalog.IndexKey) bool { return c.Column == 0 }) {
			for _, g := range rules.Generated {
				if reads[g.Column] {
					plan.Cols(g.Expr, reads)
				}
			}
			k.sets = slices.Collect(maps.Keys(reads))
		}
		for c := range rel.Table.Constraints {
			if con := &rel.Table.Constraints[c]; con.Index == k.Index.ID && con.Kind != catalog.ForeignKey {
				k.con = con
			}
		}
		if k.Index.Period {
			for _, c := range k.Index.Keys {
				k.places = append(k.places, columnsOf(rel, []int16{c.Column})...)
			}
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

// fetch reads all columns of rows.
func (w *writer) fetch(ctx context.Context, rows []storage.RowID) (*vec.Batch, error) {
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return nil, err
	}
	return readVersions(ctx, v.Table(w.shape.id), w.d, w.shape.cols, rows)
}

// insert adds rows that have all columns of the table, and returns the number of the first and the rows as they were stored. Where
// one breaks a rule it is the first of them that is told of.
func (w *writer) insert(ctx context.Context, rows *vec.Batch) (storage.RowID, *vec.Batch, error) {
	w.failed = 0
	first, stored, err := w.insertAll(ctx, rows)
	if rows.Len > 1 && isOfRow(err) {
		for i := range rows.Len {
			if _, _, one := w.insertAll(ctx, rows.Slice(i, i+1)); one != nil {
				w.failed = i
				return 0, nil, one
			}
		}
	}
	return first, stored, err
}

// isOfRow reports whether an error is one of a certain row: of its values, or of a rule that it breaks.
func isOfRow(err error) bool {
	var e *pgerr.Error
	return errors.As(err, &e) && slices.Contains([]string{"22", "23", "44"}, string(e.Code)[:2])
}

func (w *writer) insertAll(ctx context.Context, rows *vec.Batch) (storage.RowID, *vec.Batch, error) {
	rows, keys, err := w.complete(rows)
	if err != nil {
		return 0, nil, err
	}
	if err := w.distinct(ctx, rows, keys, nil); err != nil {
		return 0, nil, err
	}
	first, err := w.add(ctx, rows, keys)
	if err != nil {
		return 0, nil, err
	}
	return first, rows, w.refs.added(ctx, w, rows, first)
}

// complete computes generated columns, checks the rows, and makes their keys.
func (w *writer) complete(rows *vec.Batch) (*vec.Batch, []storage.IndexKeys, error) {
	rows, err := w.generate(rows)
	if err == nil {
		err = w.check(rows)
	}
	if err != nil {
		return nil, nil, err
	}
	keys, err := w.indexKeys(rows)
	return rows, keys, err
}

// add takes rows that satisfy all rules.
func (w *writer) add(ctx context.Context, rows *vec.Batch, keys []storage.IndexKeys) (storage.RowID, error) {
	return w.d.add(ctx, w.s.tx.work.command, ownBatch{cols: w.shape.cols, rows: rows, keys: keys, spans: w.spans(rows)})
}

// addInstead is add of rows that take the place of others, with the same keys if kept says so.
func (w *writer) addInstead(ctx context.Context, ids []storage.RowID, old, rows *vec.Batch, keys []storage.IndexKeys, kept bool) (storage.RowID, error) {
	b := ownBatch{cols: w.shape.cols, rows: rows, keys: keys, spans: w.spans(rows)}
	if w.s.pretended == nil { // while an index is made its rows are written again, and it has none yet
		b.kept = kept
		if slices.Contains(rows.Cols, nil) || len(ids) >= directRows && !slices.ContainsFunc(ids, isOwn) {
			b.of, b.same = ids, make([]bool, len(rows.Cols))
			for k, c := range rows.Cols {
				b.same[k] = c == old.Cols[k] // no statement has set it
			}
		}
	}
	return w.d.add(ctx, w.s.tx.work.command, b)
}

// end ends a row; next is that which replaces it, 0: it is deleted.
func (w *writer) end(row, next storage.RowID) { w.d.end(w.s.tx.work.command, row, next) }

func (w *writer) generate(rows *vec.Batch) (*vec.Batch, error) {
	if len(w.rules.Generated) == 0 {
		return rows, nil
	}
	out := &vec.Batch{Len: rows.Len, Cols: append([]*vec.Column(nil), rows.Cols...)}
	for _, g := range w.rules.Generated {
		c, err := w.x.eval(g.Expr, rows)
		if err != nil {
			return nil, err
		}
		out.Cols[g.Column] = c
	}
	return out, nil
}

// check refuses rows that break a rule, the first of them.
func (w *writer) check(rows *vec.Batch) error {
	end, column := rows.Len, -1
	for i := range w.rel.Columns {
		if !w.rel.Columns[i].NotNull || rows.Cols[i] == nil || !rows.Cols[i].HasNulls() {
			continue
		}
		for r := range end {
			if rows.Cols[i].Null(r) {
				end, column = r, i
				break
			}
		}
	}
	if end < rows.Len {
		rows = rows.Slice(0, end+1)
	}
	var failed *plan.RowCheck
	for i := range w.rules.Checks {
		c := &w.rules.Checks[i]
		before := rows.Len
		if column >= 0 && c.Domain == nil {
			before = min(before, end)
		}
		if before == 0 {
			continue
		}
		ok, err := w.x.eval(c.Cond, rows.Slice(0, before))
		if err != nil {
			return err
		}
		for r := range before {
			if !ok.Null(r) && !ok.Bool(r) && (r < end || r == end && c.Domain != nil && failed == nil) {
				end, failed = r, c
				break
			}
		}
	}
	switch {
	case failed != nil:
		return w.checkFailed(failed, rows, end)
	case column >= 0:
		return pgerr.New(pgerr.NotNullViolation, "null value in column %q of relation %q violates not-null constraint", w.rel.Columns[column].Name, w.rel.Name).
			WithDetail("Failing row contains %s.", w.rowText(rows, end)).Of(w.about(w.rel.Columns[column].Name, ""))
	}
	return nil
}

func (w *writer) checkFailed(c *plan.RowCheck, rows *vec.Batch, r int) error {
	if c.Domain != nil {
		expr.Walk(c.Cond, func(e expr.Expr) bool {
			if col, ok := e.(*expr.Col); ok {
				w.column = col.Index
			}
			return true
		})
		return c.OfDomain().Failed()
	}
	if c.View {
		return pgerr.New("44000", "new row violates check option for view %q", c.Name).WithDetail("Failing row contains %s.", w.rowText(rows, r))
	}
	return pgerr.New(pgerr.CheckViolation, "new row for relation %q violates check constraint %q", w.rel.Name, c.Name).
		WithDetail("Failing row contains %s.", w.rowText(rows, r)).Of(w.about("", c.Name))
}

// longestShown is how many bytes of a value are shown in messages.
const longestShown = 64

// rowText is a row as messages show it.
func (w *writer) rowText(rows *vec.Batch, r int) string {
	out := make([]string, len(w.rel.Columns))
	for i, c := range w.rel.Columns {
		if out[i] = w.valueText(c.Type, rows.Cols[i], r); c.Stored.Virtual {
			out[i] = "virtual"
		} else if len(out[i]) > longestShown {
			cut := longestShown
			for cut > 0 && out[i][cut]&0xc0 == 0x80 {
				cut--
			}
			out[i] = out[i][:cut] + "..."
		}
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func (w *writer) valueText(t datum.Type, c *vec.Column, r int) string {
	if c == nil || c.Null(r) {
		return "null"
	}
	return string(datum.AppendText(nil, t, c, r, w.s.env()))
}

// keyValues evaluates the keys of an index over rows.
func (w *writer) keyValues(k *tableKey, rows *vec.Batch) (values []*vec.Column, in *vec.Column, err error) {
	for _, e := range k.Keys {
		c := (*vec.Column)(nil)
		if col, ok := e.(*expr.Col); ok {
			c = rows.Cols[col.Index]
		} else if c, err = w.x.eval(e, rows); err != nil {
			return nil, nil, err
		}
		values = append(values, c)
	}
	if k.Where != nil {
		in, err = w.x.eval(k.Where, rows)
	}
	return values, in, err
}

func (w *writer) indexKeys(rows *vec.Batch) ([]storage.IndexKeys, error) {
	out := make([]storage.IndexKeys, len(w.keys))
	for i := range w.keys {
		values, in, err := w.keyValues(&w.keys[i], rows)
		if err != nil {
			return nil, err
		}
		out[i] = indexKeys(w.keys[i].Index, values, rows.Len, in)
	}
	return out, nil
}

// replace puts new rows in the place of old ones and returns them as they were stored. Columns that are nil in both are as they were, and no rule is about them;
// those that are nil in old alone are such, too.
func (w *writer) replace(ctx context.Context, ids []storage.RowID, old, rows *vec.Batch) (*vec.Batch, error) {
	if slices.Contains(old.Cols, nil) && (w.s.pretended != nil || slices.ContainsFunc(ids, isOwn)) {
		var err error
		if rows, err = w.filled(ctx, ids, rows); err != nil {
			return nil, err
		}
	}
	out, keys, err := w.complete(rows)
	if isOfRow(err) && slices.Contains(rows.Cols, nil) { // the message shows a row
		if rows, err = w.filled(ctx, ids, rows); err == nil {
			out, keys, err = w.complete(rows)
		}
	}
	if err != nil {
		return nil, err
	}
	return out, w.replaceComplete(ctx, ids, old, out, keys)
}

func isOwn(row storage.RowID) bool { return row < 0 }

// filled is rows with all columns; those that are nil are those of the rows that they replace.
func (w *writer) filled(ctx context.Context, ids []storage.RowID, rows *vec.Batch) (*vec.Batch, error) {
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return nil, err
	}
	return filled(ctx, v.Table(w.shape.id), w.d, w.shape.cols, rows, ids)
}

// filled is rows of a table with all columns; those that are nil are those of versions, or of rows of the transaction's own.
func filled(ctx context.Context, t storage.TableView, d *delta, cols []storage.TableColumn, rows *vec.Batch, of []storage.RowID) (*vec.Batch, error) {
	var lacking []storage.TableColumn
	for k, c := range rows.Cols {
		if c == nil {
			lacking = append(lacking, cols[k])
		}
	}
	if lacking == nil {
		return rows, nil
	}
	found, err := readVersions(ctx, t, d, lacking, of)
	if err != nil {
		return nil, err
	}
	out := &vec.Batch{Len: rows.Len, Cols: slices.Clone(rows.Cols)}
	for k, c := range out.Cols {
		if c == nil {
			out.Cols[k], found.Cols = found.Cols[0], found.Cols[1:]
		}
	}
	return out, nil
}

// replaceComplete is replace for rows that are complete.
func (w *writer) replaceComplete(ctx context.Context, ids []storage.RowID, old, rows *vec.Batch, keys []storage.IndexKeys) error {
	before, kept, err := w.keysBefore(old, rows, keys)
	if err != nil {
		return err
	}
	same := !w.keysChange(before, keys)
	if !same && len(ids) > 1 {
		// Where no key is in the way of any other the order of the rows is all one.
		if err := w.distinct(ctx, rows, keys, before); err == nil {
			same = true
		} else if !isOfRow(err) {
			return err
		}
	}
	if same {
		first, err := w.addInstead(ctx, ids, old, rows, keys, kept)
		if err != nil {
			return err
		}
		w.d.endAll(w.s.tx.work.command, ids, first)
		w.refs.replaced(w, ids, old, rows, func(i int) storage.RowID { return first - storage.RowID(i) })
		return nil
	}
	// Each row is tested against those that were replaced before it, and those that will be, as PostgreSQL does.
	if rows, err = w.filled(ctx, ids, rows); err != nil {
		return err
	}
	next := make([]storage.RowID, len(ids))
	for i, id := range ids {
		w.end(id, 0)
		one, of := rows.Slice(i, i+1), sliceKeys(keys, i)
		if err := w.distinct(ctx, one, of, sliceKeys(before, i)); err != nil {
			return err
		}
		if next[i], err = w.add(ctx, one, of); err != nil {
			return err
		}
		w.end(id, next[i])
	}
	w.refs.replaced(w, ids, old, rows, func(i int) storage.RowID { return next[i] })
	return nil
}

// keysBefore are the keys that rows had before they became those with keys, and kept that they are the same in all indexes. Those of indexes that are not unique
// are not asked for if the rows are many and may have other ones.
func (w *writer) keysBefore(old, rows *vec.Batch, keys []storage.IndexKeys) (before []storage.IndexKeys, kept bool, err error) {
	before, kept = keys, true
	for k := range w.keys {
		key := &w.keys[k]
		if sameColumns(key.reads, old, rows) {
			continue
		}
		if !key.unique && old.Len > 1 {
			kept = false
			continue
		}
		values, in, err := w.keyValues(key, old)
		if err != nil {
			return nil, false, err
		}
		if &before[0] == &keys[0] {
			before = slices.Clone(keys)
		}
		before[k] = indexKeys(key.Index, values, old.Len, in)
		kept = kept && slices.EqualFunc(before[k].Keys, keys[k].Keys, bytes.Equal)
	}
	return before, kept, nil
}

// sameColumns reports whether rows have columns of the old ones as they were: no statement has set them.
func sameColumns(cols []int, old, rows *vec.Batch) bool {
	for _, c := range cols {
		if old.Cols[c] != rows.Cols[c] {
			return false
		}
	}
	return true
}

func sliceKeys(keys []storage.IndexKeys, i int) []storage.IndexKeys {
	out := make([]storage.IndexKeys, len(keys))
	for k := range keys {
		out[k] = storage.IndexKeys{Index: keys[k].Index, Keys: keys[k].Keys[i : i+1]}
	}
	return out
}

// keysChange reports whether a key of a unique index is another one for any row.
func (w *writer) keysChange(before, after []storage.IndexKeys) bool {
	for k := range w.keys {
		if !w.keys[k].unique || len(after[k].Keys) == 0 || &before[k].Keys[0] == &after[k].Keys[0] {
			continue
		}
		for i := range after[k].Keys {
			if string(before[k].Keys[i]) != string(after[k].Keys[i]) {
				return true
			}
		}
	}
	return false
}

// remove deletes rows; old has their columns if foreign keys refer to the table, else it may be nil.
func (w *writer) remove(ctx context.Context, ids []storage.RowID, old *vec.Batch) error {
	if old == nil && w.refs.referenced() {
		var err error
		if old, err = w.fetch(ctx, ids); err != nil {
			return err
		}
	}
	w.d.endAll(w.s.tx.work.command, ids, 0)
	w.refs.removed(w, old)
	return nil
}

// rowLock is the key of a row's lock.
func (w *writer) rowLock(id storage.RowID) lock.Key {
	return lock.Key{Kind: lock.Row, Object: uint32(w.rel.OID), Row: id}
}
