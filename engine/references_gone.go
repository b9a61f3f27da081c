package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// goneKeys are keys that rows had before a statement deleted them or gave them others, as one foreign key refers to them.
type goneKeys struct {
	in       inward
	action   string
	updated  bool
	waits    bool         // for the commit
	old, now []*vec.Batch // only the columns of the key; now are what it has become, none of deleted rows
	rows     []int        // for each the place of its row among those that the statement has changed
}

// checks reports whether all that the foreign key asks for is that nothing refers to the keys.
func (g *goneKeys) checks() bool { return g.action != "c" && g.action != "n" && g.action != "d" }

// removed sees to what refers to rows that were deleted.
func (r *references) removed(w *writer, old *vec.Batch) {
	if len(r.in) == 0 {
		return
	}
	all := make([]int32, old.Len)
	for i := range all {
		all[i] = int32(i)
	}
	for _, in := range r.in {
		w.lose(in, in.con.OnDelete, onlyColumns(old, columnsOf(w.rel, in.con.RefColumns)), nil, all)
	}
	w.lost += old.Len
}

// onlyColumns are some columns of a batch, in their places.
func onlyColumns(b *vec.Batch, cols []int) *vec.Batch {
	out := &vec.Batch{Len: b.Len, Cols: make([]*vec.Column, len(b.Cols))}
	for _, c := range cols {
		out.Cols[c] = b.Cols[c]
	}
	return out
}

// lose remembers keys that are gone, until what refers to them is seen to when the statement is over. rows are the places of their rows in the batch.
func (w *writer) lose(in inward, action string, old, now *vec.Batch, rows []int32) {
	checks := w.s.tx.work.checksOf(noActionOnly(in.con, action))
	g := w.goneOf(in, action, now != nil, checks == &w.s.tx.work.atCommit)
	g.old = append(g.old, old)
	checks.bytes += rowsBytes(old)
	if now != nil {
		g.now = append(g.now, now)
		checks.bytes += rowsBytes(now)
	}
	for _, i := range rows {
		g.rows = append(g.rows, w.lost+int(i))
	}
}

// goneOf finds or makes the keys of one foreign key that deleted rows, or updated ones, no longer have.
func (w *writer) goneOf(in inward, action string, updated, waits bool) *goneKeys {
	first := true
	for _, g := range w.gone {
		if g.in.con == in.con && g.updated == updated {
			return g
		}
		first = first && g.waits
	}
	g := &goneKeys{in: in, action: action, updated: updated, waits: waits}
	w.gone = append(w.gone, g)
	switch {
	case waits:
		w.defers(in.con, func(ctx context.Context) error { return w.settle(ctx, []*goneKeys{g}) }, 0)
	case first:
		w.s.tx.work.late.add(check{w.rel.OID, nil, func(ctx context.Context) error {
			return w.settle(ctx, slices.DeleteFunc(slices.Clone(w.gone), func(g *goneKeys) bool { return g.waits }))
		}}, 0)
	}
	return g
}

// turn is a key of goneKeys whose row is looked at by itself.
type turn struct {
	g  *goneKeys
	of int // place of g among those that are settled together
	i  int
}

// settle does what foreign keys ask for when keys that others may refer to are gone: for all of them at once. PostgreSQL takes row after row, and so does
// this where a check may fail, for what is done about the rows before may take away what refers to a row.
func (w *writer) settle(ctx context.Context, list []*goneKeys) error {
	var turns []turn
	for of, g := range list {
		if !g.checks() {
			continue
		}
		referred, err := w.referredTo(ctx, g)
		if err != nil {
			return err
		}
		for i := range g.rows {
			if referred == nil || referred[i] {
				turns = append(turns, turn{g, of, i})
			}
		}
	}
	checked := len(turns)
	for of, g := range list {
		if g.checks() {
			continue
		}
		together, err := w.together(ctx, g)
		if err == nil && together && checked == 0 {
			err = w.orphansOf(ctx, g)
		} else {
			for i := range g.rows {
				turns = append(turns, turn{g, of, i})
			}
		}
		if err != nil {
			return err
		}
	}
	slices.SortFunc(turns, func(a, b turn) int { return cmp.Or(cmp.Compare(a.g.rows[a.i], b.g.rows[b.i]), a.of-b.of) })
	at, from := make([]int, len(list)), make([]int, len(list)) // of each the batch that was reached, and the place of its first row
	for _, t := range turns {
		for t.i >= from[t.of]+t.g.old[at[t.of]].Len {
			from[t.of] += t.g.old[at[t.of]].Len
			at[t.of]++
		}
		i := t.i - from[t.of]
		now := (*vec.Batch)(nil)
		if t.g.updated {
			now = t.g.now[at[t.of]].Slice(i, i+1)
		}
		if err := w.orphans(ctx, t.g.in, t.g.action, t.g.old[at[t.of]].Slice(i, i+1), now); err != nil {
			return err
		}
	}
	return nil
}

// scanWorth is how many rows can be read in the time of a statement that looks for some.
const scanWorth = 256

// together reports whether it is better to read all that refers to a table than to look for each of the keys.
func (w *writer) together(ctx context.Context, g *goneKeys) (bool, error) {
	if len(g.rows) == 1 {
		return false, nil
	}
	indexed := slices.ContainsFunc(g.in.rel.Table.Indexes, func(ix catalog.TableIndex) bool {
		return ix.Where.Text == "" && slices.Contains(g.in.con.Columns, ix.Keys[0].Column)
	})
	if !indexed {
		return true, nil
	}
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return false, err
	}
	rows := v.Table(storage.TableID(g.in.rel.OID)).Rows()
	if d := w.s.tx.work.deltas.of(storage.TableID(g.in.rel.OID)); d != nil {
		rows += d.rows
	}
	return int64(len(g.rows))*scanWorth >= rows, nil
}

// referredTo finds out which keys the foreign key refers to; nil: each is to be looked for. Rows that refer to one cannot come meanwhile, for who adds one
// locks the row that it refers to.
func (w *writer) referredTo(ctx context.Context, g *goneKeys) (map[int]bool, error) {
	if together, err := w.together(ctx, g); !together || err != nil {
		return nil, err
	}
	keys := *g
	keys.now = nil
	types, params := w.keyParams(&keys)
	n := len(types)
	place := &vec.Column{Kind: vec.Int64, Len: len(g.rows), I64: make([]int64, len(g.rows))}
	for i := range place.I64 {
		place.I64[i] = int64(i)
	}
	types, params = append(types, datum.Int8), append(params, place)
	referred := map[int]bool{}
	text := fmt.Sprintf("SELECT k.c%d FROM %s AS x JOIN %s ON %s", n+1, g.in.table(), keyRows(n+1), g.in.match(func(i int) string { return fmt.Sprintf("k.c%d", i+1) }))
	err := w.s.each(ctx, text, types, params, func(b *vec.Batch) error {
		for _, i := range b.Cols[0].I64[:b.Len] {
			referred[int(i)] = true
		}
		return nil
	})
	return referred, err
}

// orphansOf is orphans for all keys of a foreign key that does something.
func (w *writer) orphansOf(ctx context.Context, g *goneKeys) error {
	types, params := w.keyParams(g)
	key := func(i int) string { return fmt.Sprintf("k.c%d", i+1) }
	now := func(i int) string { return key(len(g.in.con.Columns) + i) }
	if err := w.s.internally(ctx, g.in.does(g.action, g.updated, keyRows(len(types)), key, now), types, params); err != nil || g.action != "d" {
		return err
	}
	again := *g
	again.action = "a"
	return w.settle(ctx, []*goneKeys{&again})
}

// keyParams are the keys as parameters of a statement about all of them, with those that they have become.
func (w *writer) keyParams(g *goneKeys) (types []datum.OID, params []*vec.Column) {
	for _, list := range [][]*vec.Batch{g.old, g.now} {
		for _, c := range columnsOf(w.rel, g.in.con.RefColumns) {
			if len(list) == 0 {
				continue
			}
			cols := make([]*vec.Column, len(list))
			for i, b := range list {
				cols[i] = b.Cols[c]
			}
			t := w.rel.Columns[c].Type.OID
			types, params = append(types, t), append(params, op.Concat(datum.KindOf(t), cols))
		}
	}
	return types, params
}

// table is the foreign key's in a statement.
func (in *inward) table() string {
	return "ONLY " + funcs.QuoteIdent(in.rel.Schema) + "." + funcs.QuoteIdent(in.rel.Name)
}

func (in *inward) columns() []string {
	var out []string
	for _, c := range columnsOf(in.rel, in.con.Columns) {
		out = append(out, funcs.QuoteIdent(in.rel.Columns[c].Name))
	}
	return out
}

// match says that a row x refers to a key whose columns are written so.
func (in *inward) match(key func(i int) string) string {
	out := in.columns()
	for i, name := range out {
		out[i] = "x." + name + " = " + key(i)
	}
	return strings.Join(out, " AND ")
}

// does is the statement about rows that refer to keys. key names the values of a key, now those of the key that it has become; from has them if it is not
// parameters.
func (in *inward) does(action string, updated bool, from string, key, now func(i int) string) string {
	where := " WHERE " + in.match(key)
	if action == "c" && !updated {
		if from != "" {
			from = " USING " + from
		}
		return "DELETE FROM " + in.table() + " AS x" + from + where
	}
	var set []string
	for i, name := range in.columns() {
		switch {
		case action == "c":
			set = append(set, name+" = "+now(i))
		case !updated && len(in.con.SetColumns) > 0 && !slices.Contains(in.con.SetColumns, in.con.Columns[i]):
		case action == "n":
			set = append(set, name+" = NULL")
		default:
			set = append(set, name+" = DEFAULT")
		}
	}
	if from != "" {
		from = " FROM " + from
	}
	return "UPDATE " + in.table() + " AS x SET " + strings.Join(set, ", ") + from + where
}

// keyRows are the rows of keys for the FROM of a statement about many: what VALUES says is a parameter, is as many rows as that has (Prepared.keyed).
func keyRows(width int) string {
	var row, names []string
	for i := range width {
		row, names = append(row, fmt.Sprintf("$%d", i+1)), append(names, fmt.Sprintf("c%d", i+1))
	}
	one := "(" + strings.Join(row, ", ") + ")"
	return "(VALUES " + one + ", " + one + ") AS k (" + strings.Join(names, ", ") + ")"
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
	key := func(i int) string { return fmt.Sprintf("$%d", i+1) }
	switch action {
	case "c", "n", "d":
		if action == "c" && now != nil {
			for _, c := range ref {
				types, params = append(types, w.rel.Columns[c].Type.OID), append(params, now.Cols[c])
			}
		}
		err := w.s.internally(ctx, in.does(action, now != nil, "", key, func(i int) string { return key(len(ref) + i) }), types, params)
		if err != nil || action != "d" {
			return err
		}
		return w.orphans(ctx, in, "a", old, now) // that the default refers to
	case "r":
	default:
		if held, err := w.heldAgain(ctx, in, old); held || err != nil {
			return err
		}
	}
	found, err := w.s.finds(ctx, "SELECT 1 FROM "+in.table()+" AS x WHERE "+in.match(key)+" LIMIT 1 FOR KEY SHARE OF x", types, params)
	if err != nil || !found {
		return err
	}
	return pgerr.New(pgerr.ForeignKeyViolation, "update or delete on table %q violates foreign key constraint %q on table %q", w.rel.Name, in.con.Name, in.rel.Name).
		WithDetail("Key %s is still referenced from table %q.", w.columnText(ref, old, 0), in.rel.Name).
		Of(pgerr.Object{Schema: in.rel.Schema, Table: in.rel.Name, Constraint: in.con.Name})
}

// heldAgain reports whether another row has got the key meanwhile.
func (w *writer) heldAgain(ctx context.Context, in inward, old *vec.Batch) (bool, error) {
	ix := w.rel.Table.Index(in.con.Index)
	if ix == nil {
		return false, nil
	}
	var key []byte
	for k := range ix.Keys {
		c := columnsOf(w.rel, in.con.RefColumns)[slices.Index(in.con.RefColumns, ix.Keys[k].Column)]
		key = op.AppendIndexKey(key, &ix.Keys[k], old.Cols[c], 0)
	}
	return w.s.holds(ctx, w.rel, uint32(ix.ID), key, false)
}
