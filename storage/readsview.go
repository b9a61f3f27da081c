package storage

import (
	"bytes"
	"context"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// watchedView is a view of which it is noted what is read. It embeds nothing, so that a new method of View is not forgotten.
type watchedView struct {
	v     View
	r     *Reads
	later bool
	past  bool // its events were all there in the snapshot
}

var _ View = (*watchedView)(nil)

// At, End and Locate are no reading: they are bounds, and an event that has its position never changes.
func (v *watchedView) At() Micros { return v.v.At() }
func (v *watchedView) End() int64 { return v.v.End() }
func (v *watchedView) Locate(ctx context.Context, pos int64) (Group, error) {
	return v.v.Locate(ctx, pos)
}

// Objects and ObjectsVersion are kept as they are by locks, where somebody needs them.
func (v *watchedView) Objects() []Object      { return v.v.Objects() }
func (v *watchedView) ObjectsVersion() uint64 { return v.v.ObjectsVersion() }

func (v *watchedView) note(what func(e *eventReads)) {
	if !v.past {
		v.r.note(v.later, func() { what(&v.r.events) })
	}
}

func (v *watchedView) noteEntity(name string) { v.note(func(e *eventReads) { e.readEntity(name) }) }

// Rows implements View.
func (v *watchedView) Rows() int64 {
	v.note(func(e *eventReads) { e.all = true })
	return v.v.Rows()
}

// Groups implements View.
func (v *watchedView) Groups(ctx context.Context, preds []Pred) ([]Group, int, error) {
	v.note(func(e *eventReads) { e.read(preds, v.r.base.end) })
	return v.v.Groups(ctx, preds)
}

// History implements View.
func (v *watchedView) History(entity string, from, to int64) (History, error) {
	v.noteEntity(entity)
	return v.v.History(entity, from, to)
}

// Version implements View.
func (v *watchedView) Version(ctx context.Context, entity string) (int64, error) {
	v.noteEntity(entity)
	return v.v.Version(ctx, entity)
}

// States implements View.
func (v *watchedView) States(ctx context.Context, entity string, versions []int64, do func(i int, state jsonb.Value) error) error {
	v.noteEntity(entity)
	return v.v.States(ctx, entity, versions, do)
}

// Find implements View.
func (v *watchedView) Find(ctx context.Context, entity string, id [16]byte) (int64, bool, error) {
	v.noteEntity(entity)
	return v.v.Find(ctx, entity, id)
}

// Until implements View.
func (v *watchedView) Until(end int64) View {
	return &watchedView{v.v.Until(end), v.r, v.later, v.past || end <= v.r.base.end}
}

// Table implements View.
func (v *watchedView) Table(t TableID) TableView { return &watchedTable{v.v.Table(t), v, t} }

// TableBetween implements View.
func (v *watchedView) TableBetween(t TableID, from, to Micros, includeTo bool) TableView {
	return &watchedTable{v.v.TableBetween(t, from, to, includeTo), v, t}
}

// watchedTable is a table of a watchedView.
type watchedTable struct {
	t    TableView
	view *watchedView
	id   TableID
}

var _ TableView = (*watchedTable)(nil)

func (t *watchedTable) note(what func(r *tableReads)) {
	t.view.r.note(t.view.later, func() { what(t.view.r.table(t.id)) })
}

// Rows implements TableView: it is about how many, and never none, so that nobody concludes from it that a row is not there.
func (t *watchedTable) Rows() int64 { return max(t.t.Rows(), 1) }

// Read and Periods are of versions that were found.
func (t *watchedTable) Read(ctx context.Context, cols []TableColumn, rows []RowID) (*vec.Batch, error) {
	return t.t.Read(ctx, cols, rows)
}

// Periods see Read.
func (t *watchedTable) Periods(ctx context.Context, rows []RowID) (from, to []Micros, err error) {
	return t.t.Periods(ctx, rows)
}

// Groups implements TableView.
func (t *watchedTable) Groups(ctx context.Context, preds []TablePred) ([]RowGroup, int, error) {
	t.note(func(r *tableReads) { r.readAll() })
	return t.t.Groups(ctx, preds)
}

// One implements TableView.
func (t *watchedTable) One(ctx context.Context, index uint32, key []byte) (RowID, bool, error) {
	t.note(func(r *tableReads) {
		if x := r.read(index, KeyRange{Lo: key, Hi: append(bytes.Clone(key), 0)}); x != nil {
			x.whole = true
		}
	})
	return t.t.One(ctx, index, key)
}

// Seek implements TableView.
func (t *watchedTable) Seek(ctx context.Context, index uint32, keys KeyRange) IndexCursor {
	c := t.t.Seek(ctx, index, keys)
	t.note(func(r *tableReads) {
		if x := r.read(index, keys); x != nil && !x.whole {
			c = &watchedCursor{c, t.view.r, x}
		}
	})
	return c
}

// watchedCursor notes how far a range was read: who stops early does not depend on what comes behind.
type watchedCursor struct {
	c IndexCursor
	r *Reads
	x *rangeRead
}

// Next implements IndexCursor.
func (c *watchedCursor) Next(ctx context.Context) (key []byte, row RowID, ok bool, err error) {
	key, row, ok, err = c.c.Next(ctx)
	c.r.note(false, func() { c.x.reach(key, ok) })
	return key, row, ok, err
}
