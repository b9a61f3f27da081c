package engine

import (
	"context"
	"math"
	"slices"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// spansOf are the periods of rows under a key WITHOUT OVERLAPS, with their keys without them.
func (k *tableKey) spansOf(rows *vec.Batch) []keySpan {
	cols := columnsOfKey(k, rows)
	n := len(cols) - 2
	out := make([]keySpan, rows.Len)
	for i := range out {
		if !distinctKey(k.Index, cols, i) {
			continue
		}
		key := []byte{}
		for c := range n {
			key = op.AppendIndexKey(key, &k.Index.Keys[c], cols[c], i)
		}
		out[i] = keySpan{key, cols[n].Int(i), cols[n+1].Int(i)}
	}
	return out
}

// columnsOfKey are the columns of a key that has no expressions.
func columnsOfKey(k *tableKey, rows *vec.Batch) []*vec.Column {
	out := make([]*vec.Column, len(k.places))
	for i, c := range k.places {
		out[i] = rows.Cols[c]
	}
	return out
}

// spans are the periods of rows for all keys WITHOUT OVERLAPS.
func (w *writer) spans(rows *vec.Batch) map[uint32][]keySpan {
	var out map[uint32][]keySpan
	for k := range w.keys {
		if !w.keys[k].Index.Period {
			continue
		}
		if out == nil {
			out = map[uint32][]keySpan{}
		}
		out[uint32(w.keys[k].Index.ID)] = w.keys[k].spansOf(rows)
	}
	return out
}

// apart refuses rows whose periods have something in common with those of other rows of the same key. What is locked is the key without the
// period: who else changes periods under it waits.
func (w *writer) apart(ctx context.Context, key *tableKey, look []int, rows *vec.Batch) error {
	spans, index := key.spansOf(rows), uint32(key.Index.ID)
	if err := w.lockSpans(ctx, index, spans, look); err != nil {
		return err
	}
	if key.con != nil && key.con.Deferrable {
		w.defers(key.con, func(ctx context.Context) error { return w.apartLater(ctx, key, spans, look, rows) }, rowsBytes(rows))
		return nil
	}
	mine := map[string]rowSpans{}
	for _, i := range look {
		k := spans[i]
		if len(look) > 1 {
			same := mine[string(k.key)]
			if n, ok := same.overlapping(k.start, k.end, func(storage.RowID) bool { return true }); ok {
				return w.overlaps(key, rows, i, rows, int(n))
			}
			mine[string(k.key)] = same.with(rowSpan{k.start, k.end, storage.RowID(i)})
		}
		other, err := w.overlapping(ctx, key, k)
		if err == nil && other != 0 {
			err = w.overlapsRow(ctx, key, rows, i, other)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) lockSpans(ctx context.Context, index uint32, spans []keySpan, look []int) error {
	keys := storage.IndexKeys{Index: index, Keys: make([][]byte, len(spans))}
	for i := range spans {
		keys.Keys[i] = spans[i].key
	}
	return w.lockKeys(ctx, keys, look)
}

// overlapping is the row that has something in common with a period under a key, 0 if there is none.
func (w *writer) overlapping(ctx context.Context, key *tableKey, k keySpan) (storage.RowID, error) {
	if row, ok := w.d.overlapping(uint32(key.Index.ID), k); ok {
		return row, nil
	}
	return w.overlappingOther(ctx, key, k)
}

// overlappingOther is overlapping for the rows that others see.
func (w *writer) overlappingOther(ctx context.Context, key *tableKey, k keySpan) (storage.RowID, error) {
	for !w.d.isEmptied() {
		v, err := w.s.log.View(ctx, storage.Latest)
		if err != nil {
			return 0, err
		}
		row, err := w.overlappingStored(ctx, v.Table(w.shape.id), key, k)
		if row == 0 || err != nil {
			return 0, err
		}
		if stays, err := w.stays(ctx, row); stays || err != nil {
			return row, err
		}
	}
	return 0, nil
}

// overlappingStored looks at the last row of the key that starts before the period ends: rows before it end before it starts.
func (w *writer) overlappingStored(ctx context.Context, t storage.TableView, key *tableKey, k keySpan) (storage.RowID, error) {
	n := len(key.Index.Keys)
	end := &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{k.end}}
	c := t.Seek(ctx, uint32(key.Index.ID), storage.KeyRange{Lo: k.key, Hi: op.AppendIndexKey(slices.Clone(k.key), &key.Index.Keys[n-2], end, 0), Desc: true})
	for {
		_, row, ok, err := c.Next(ctx)
		if err != nil || !ok {
			return 0, err
		}
		if live, _ := w.d.state(row); !live {
			continue
		}
		b, err := t.Read(ctx, w.shape.cols[key.places[n-1]:key.places[n-1]+1], []storage.RowID{row})
		if err != nil || b.Cols[0].Int(0) <= k.start {
			return 0, err
		}
		return row, nil
	}
}

// apartLater tests a deferrable key when the statement is over or at the commit: by then rows may have been ended, and all of a key are looked at.
func (w *writer) apartLater(ctx context.Context, key *tableKey, spans []keySpan, look []int, rows *vec.Batch) error {
	index, seen := uint32(key.Index.ID), map[string]bool{}
	for _, i := range look {
		if seen[string(spans[i].key)] {
			continue
		}
		seen[string(spans[i].key)] = true
		own := w.d.liveSpans(index, spans[i].key)
		for n, s := range own {
			other, err := w.overlappingOther(ctx, key, keySpan{spans[i].key, s.start, s.end})
			if n > 0 && own[n-1].end > s.start {
				other = own[n-1].row
			}
			if err != nil {
				return err
			}
			if other == 0 {
				continue
			}
			mine, err := w.fetch(ctx, []storage.RowID{s.row})
			if err != nil {
				return err
			}
			return w.overlapsRow(ctx, key, mine, 0, other)
		}
	}
	return nil
}

// overlapsRow is the error of a row that overlaps one that is there.
func (w *writer) overlapsRow(ctx context.Context, key *tableKey, rows *vec.Batch, i int, other storage.RowID) error {
	b, err := w.fetch(ctx, []storage.RowID{other})
	if err != nil {
		return err
	}
	return w.overlaps(key, rows, i, b, 0)
}

func (w *writer) overlaps(key *tableKey, rows *vec.Batch, i int, others *vec.Batch, k int) error {
	return pgerr.New(pgerr.ExclusionViolation, "conflicting key value violates exclusion constraint %q", key.Index.Name).
		WithDetail("Key %s conflicts with existing key %s.", w.keyText(key, columnsOfKey(key, rows), i), w.keyText(key, columnsOfKey(key, others), k)).
		Of(w.about("", key.Index.Name))
}

// portion is FOR PORTION OF while it is carried out.
type portion struct {
	*plan.Portion
	from, to int64
}

// portion evaluates the borders of FOR PORTION OF; nil: the statement has none.
func (x *execution) portion(p *plan.Portion) (*portion, error) {
	if p == nil {
		return nil, nil
	}
	out := &portion{p, math.MinInt64, math.MaxInt64}
	one := &vec.Batch{Len: 1}
	from, err := x.eval(p.From, one)
	if err != nil {
		return nil, err
	}
	to, err := x.eval(p.To, one)
	if err != nil {
		return nil, err
	}
	if !from.Null(0) {
		out.from = from.Int(0)
	}
	if !to.Null(0) {
		out.to = to.Int(0)
	}
	if out.from > out.to {
		return nil, pgerr.New(pgerr.DataException, "the portion of a period must not end before it begins")
	}
	return out, nil
}

// clamped is a column with no value below or above a bound.
func clamped(c *vec.Column, least, most int64) *vec.Column {
	out := &vec.Column{Kind: vec.Int64, Len: c.Len, I64: make([]int64, c.Len)}
	for i := range out.I64 {
		out.I64[i] = min(max(c.Int(i), least), most)
	}
	return out
}

// within is the part of rows that lies in the portion.
func (p *portion) within(rows *vec.Batch) {
	rows.Cols[p.Start] = clamped(rows.Cols[p.Start], p.from, math.MaxInt64)
	rows.Cols[p.End] = clamped(rows.Cols[p.End], math.MinInt64, p.to)
}

// leftOver inserts what rows have before and after the portion.
func (p *portion) leftOver(ctx context.Context, w *writer, old *vec.Batch) error {
	var before, after []int32
	for i := range old.Len {
		if old.Cols[p.Start].Int(i) < p.from {
			before = append(before, int32(i))
		}
		if old.Cols[p.End].Int(i) > p.to {
			after = append(after, int32(i))
		}
	}
	for _, part := range []struct {
		rows        []int32
		column      int
		least, most int64
	}{{before, p.End, math.MinInt64, p.from}, {after, p.Start, p.to, math.MaxInt64}} {
		if len(part.rows) == 0 {
			continue
		}
		b := old.Take(part.rows)
		b.Cols = slices.Clone(b.Cols)
		b.Cols[part.column] = clamped(b.Cols[part.column], part.least, part.most)
		if _, _, err := w.insert(ctx, b); err != nil {
			return err
		}
	}
	return nil
}
