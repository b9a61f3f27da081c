package engine

import (
	"context"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// goneRows are rows that a statement has deleted, and a foreign key may refer to: only the columns of the key.
type goneRows struct{ list []*vec.Batch }

// removed sees to what refers to rows that were deleted: when the statement is over, to all of them at once.
func (r *references) removed(w *writer, old *vec.Batch) {
	for _, in := range r.in {
		keys := &vec.Batch{Len: old.Len, Cols: make([]*vec.Column, len(old.Cols))}
		bytes := int64(0)
		for _, c := range columnsOf(w.rel, in.con.RefColumns) {
			keys.Cols[c] = old.Cols[c]
			bytes += int64(old.Cols[c].MemSize())
		}
		con := noActionOnly(in.con, in.con.OnDelete)
		if g := w.gone[in.con]; g != nil {
			g.list = append(g.list, keys)
			w.s.tx.work.checksOf(con).bytes += bytes
			continue
		}
		g := &goneRows{[]*vec.Batch{keys}}
		put(&w.gone, in.con, g)
		w.s.tx.work.defers(con, func(ctx context.Context) error {
			delete(w.gone, in.con)
			return w.orphansOf(ctx, in, g)
		}, bytes)
	}
}

// orphansOf is orphans for rows that were deleted.
func (w *writer) orphansOf(ctx context.Context, in inward, g *goneRows) error {
	referred, err := w.referredTo(ctx, in, g)
	if err != nil {
		return err
	}
	for _, old := range g.list {
		for i := range old.Len {
			if referred != nil && !referred[w.goneKey(in, old, i)] {
				continue
			}
			if err := w.orphans(ctx, in, in.con.OnDelete, old.Slice(i, i+1), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// scanWorth is how many rows can be read in the time of a statement that looks for some.
const scanWorth = 256

// referredTo finds out which keys of deleted rows a foreign key refers to, by reading all that it says; nil: they are so few that it is better to
// look for each. Rows that refer to one cannot come meanwhile, for who adds one locks the row that it refers to.
func (w *writer) referredTo(ctx context.Context, in inward, g *goneRows) (map[string]bool, error) {
	gone, cols := 0, columnsOf(in.rel, in.con.Columns)
	for _, old := range g.list {
		gone += old.Len
	}
	v, err := w.s.log.View(ctx, storage.Latest)
	if err != nil {
		return nil, err
	}
	own := int64(0)
	if d := w.s.tx.work.deltas.of(storage.TableID(in.rel.OID)); d != nil {
		own = d.rows
	}
	if gone == 1 || int64(gone)*scanWorth < v.Table(storage.TableID(in.rel.OID)).Rows()+own {
		return nil, nil
	}
	ref := columnsOf(w.rel, in.con.RefColumns)
	names := make([]string, len(cols))
	for i, c := range cols {
		if !sameKeys(in.rel.Columns[c].Type.OID, w.rel.Columns[ref[i]].Type.OID) {
			return nil, nil
		}
		names[i] = funcs.QuoteIdent(in.rel.Columns[c].Name)
	}
	keys := make(map[string]bool, gone)
	for _, old := range g.list {
		for i := range old.Len {
			keys[w.goneKey(in, old, i)] = false
		}
	}
	text := "SELECT " + strings.Join(names, ", ") + " FROM ONLY " + funcs.QuoteIdent(in.rel.Schema) + "." + funcs.QuoteIdent(in.rel.Name)
	var key []byte
	err = w.s.each(ctx, text, nil, nil, func(b *vec.Batch) error {
		for i := range b.Len {
			key = key[:0]
			for k, c := range b.Cols {
				key = datum.AppendSortKey(key, w.rel.Columns[ref[k]].Type, c, i)
			}
			if found, ok := keys[string(key)]; ok && !found {
				keys[string(key)] = true
			}
		}
		return nil
	})
	return keys, err
}

// goneKey is the key of a deleted row as a map of keys has it.
func (w *writer) goneKey(in inward, old *vec.Batch, i int) string {
	var key []byte
	for _, c := range columnsOf(w.rel, in.con.RefColumns) {
		key = datum.AppendSortKey(key, w.rel.Columns[c].Type, old.Cols[c], i)
	}
	return string(key)
}

// sameKeys reports whether equal values of two types have the same key.
func sameKeys(a, b datum.OID) bool {
	integer := func(t datum.OID) bool { return t == datum.Int2 || t == datum.Int4 || t == datum.Int8 }
	text := func(t datum.OID) bool { return t == datum.Text || t == datum.Varchar }
	return a == b || integer(a) && integer(b) || text(a) && text(b)
}
