package storage

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// tableView is a table as a view sees it: the versions that began at or before a moment and did not end at or before another.
type tableView struct {
	rel    *relation
	st     *relationState
	moment Micros // closings after it are not seen
	ended  Micros // versions that ended up to here are not visible; not after moment
	end    RowID  // after the last version that began in time
	gone   RowID  // versions before it were truncated up to ended
}

var _ TableView = (*tableView)(nil)

func (v *view) Table(t TableID) TableView { return v.table(t, v.at, v.at) }

func (v *view) TableBetween(t TableID, from, to Micros, includeTo bool) TableView {
	if !includeTo {
		if to == math.MinInt64 {
			return &tableView{rel: v.d.relation(t), st: &relationState{end: 1}, end: 1, gone: 1}
		}
		to--
	}
	return v.table(t, from, to)
}

// table has the versions that began at or before to and did not end at or before from.
func (v *view) table(t TableID, from, to Micros) TableView {
	rel := v.d.relation(t)
	st := rel.state.Load()
	out := &tableView{rel: rel, st: st, moment: v.at, ended: min(v.at, from)}
	out.end, out.gone = st.until(min(v.at, to)), st.truncatedAt(out.ended)
	return out
}

func (v *view) Objects() []Object { return v.d.catalog.at(v.at) }

func (v *view) ObjectsVersion() uint64 { return v.d.catalog.version(v.at) }

func (v *tableView) Rows() int64 {
	from := min(v.gone, v.end)
	n := v.end - from
	for row := from; row < v.end; {
		page, err := v.rel.page(row / table.PageRows)
		if err != nil {
			return n
		}
		to := min(v.end, (row/table.PageRows+1)*table.PageRows)
		page.Each(row, to, func(c table.Closing) {
			if c.At <= v.ended {
				n--
			}
		})
		row = to
	}
	return n
}

// tableTailRows is how many rows of a tail are a group. Cuts are at multiples of it, so that they do not move.
const tableTailRows = 8192

func (v *tableView) Groups(ctx context.Context, preds []TablePred) ([]RowGroup, int, error) {
	var out []RowGroup
	for _, rows := range v.st.tail {
		for base := max(rows.Base(), v.gone); base < min(rows.End(), v.end); {
			to := min((base/tableTailRows+1)*tableTailRows, rows.End(), v.end)
			out = append(out, tailRows{v, rows, base, int(to - base)})
			base = to
		}
	}
	return out, 0, ctx.Err()
}

// visible reports whether the view has a version.
func (v *tableView) visible(row RowID) (bool, error) {
	if row < v.gone || row >= v.end {
		return false, nil
	}
	page, err := v.rel.page(row / table.PageRows)
	if err != nil {
		return false, err
	}
	c, ok := page.Find(row)
	return !ok || c.At > v.ended, nil
}

// visibleRows tells which of the versions [from, to), which are in the table, are in the view; nil: all.
func (v *tableView) visibleRows(from, to RowID) (vec.Bitmap, error) {
	var out vec.Bitmap
	n := int(to - from)
	set := func() {
		if out == nil {
			out = vec.NewBitmap(n)
			out.SetAll(n)
		}
	}
	for row := from; row < to; {
		page, err := v.rel.page(row / table.PageRows)
		if err != nil {
			return nil, err
		}
		end := min(to, (row/table.PageRows+1)*table.PageRows)
		page.Each(row, end, func(c table.Closing) {
			if c.At <= v.ended {
				set()
				out.Clear(int(c.Row - from))
			}
		})
		row = end
	}
	if v.gone > from {
		set()
		clearBefore(out, int(min(v.gone, to)-from))
	}
	if v.end < to {
		set()
		for i := max(v.end, from); i < to; i++ {
			out.Clear(int(i - from))
		}
	}
	return out, nil
}

// ends returns when versions ended, as the view's moment knows.
func (v *tableView) ends(rows []RowID) ([]Micros, error) {
	out := make([]Micros, len(rows))
	var page *table.Page
	at := int64(-1)
	for i, row := range rows {
		if n := row / table.PageRows; n != at {
			var err error
			if page, err = v.rel.page(n); err != nil {
				return nil, err
			}
			at = n
		}
		out[i] = math.MaxInt64
		if c, ok := page.Find(row); ok && c.At <= v.moment {
			out[i] = c.At
		} else if t, ok := v.st.truncation(row); ok && t <= v.moment {
			out[i] = t
		}
	}
	return out, nil
}

func (v *tableView) Periods(ctx context.Context, rows []RowID) (from, to []Micros, err error) {
	if from, err = v.begins(ctx, rows); err != nil {
		return nil, nil, err
	}
	to, err = v.ends(rows)
	return from, to, err
}

// versions are consecutive ones, of those asked for, that lie in one place.
type versions interface {
	readVersions(ctx context.Context, col *TableColumn, rows []RowID) (*vec.Column, error)
	beginsOf(ctx context.Context, rows []RowID) ([]Micros, error)
}

// tailVersions are versions in the tail.
type tailVersions struct{ rows table.Rows }

func (t tailVersions) readVersions(_ context.Context, col *TableColumn, rows []RowID) (*vec.Column, error) {
	c, err := t.rows.Read(col, len(rows), func(i int) RowID { return rows[i] })
	return c, damaged(err)
}

func (t tailVersions) beginsOf(_ context.Context, rows []RowID) ([]Micros, error) {
	out := make([]Micros, len(rows))
	for i, row := range rows {
		out[i] = t.rows.At(row).At
	}
	return out, nil
}

// span is where some of the versions asked for lie.
type span struct {
	at   versions
	rows []RowID
}

// locate finds versions, which ascend.
func (v *tableView) locate(rows []RowID) ([]span, error) {
	var out []span
	for len(rows) > 0 {
		tail, ok := v.st.tailOf(rows[0])
		if !ok {
			return nil, fmt.Errorf("table %d has no version %d", v.rel.id, rows[0])
		}
		n, _ := slices.BinarySearch(rows, tail.End())
		out = append(out, span{tailVersions{tail}, rows[:n]})
		rows = rows[n:]
	}
	return out, nil
}

func (v *tableView) begins(ctx context.Context, rows []RowID) ([]Micros, error) {
	sorted, places := sortedRows(rows)
	spans, err := v.locate(sorted)
	if err != nil {
		return nil, err
	}
	at := make([]Micros, 0, len(sorted))
	for _, s := range spans {
		part, err := s.at.beginsOf(ctx, s.rows)
		if err != nil {
			return nil, err
		}
		at = append(at, part...)
	}
	if places == nil {
		return at, nil
	}
	out := make([]Micros, len(rows))
	for i, k := range places {
		out[i] = at[k]
	}
	return out, nil
}

func (v *tableView) Read(ctx context.Context, cols []TableColumn, rows []RowID) (*vec.Batch, error) {
	sorted, places := sortedRows(rows)
	spans, err := v.locate(sorted)
	if err != nil {
		return nil, err
	}
	out := &vec.Batch{Len: len(rows), Cols: make([]*vec.Column, len(cols))}
	for k := range cols {
		var parts []*vec.Column
		for _, s := range spans {
			c, err := s.at.readVersions(ctx, &cols[k], s.rows)
			if err != nil {
				return nil, err
			}
			parts = append(parts, c)
		}
		c := joined(&cols[k], parts)
		if places != nil {
			c = c.Take(places)
		}
		out.Cols[k] = c
	}
	return out, nil
}

// joined puts columns one after the other.
func joined(col *TableColumn, parts []*vec.Column) *vec.Column {
	if len(parts) == 1 {
		return parts[0]
	}
	n := 0
	for _, c := range parts {
		n += c.Len
	}
	b := col.Builder(n)
	for _, c := range parts {
		for i := range c.Len {
			b.AppendFrom(c, i)
		}
	}
	return b.Finish()
}

// tailRows is a range of the tail as a view sees it: rows, of which columns are made on request.
type tailRows struct {
	v    *tableView
	rows table.Rows
	base RowID
	n    int
}

var _ RowGroup = tailRows{}

func (g tailRows) Len() int { return g.n }

func (g tailRows) Bytes() int64 {
	n := int64(0)
	for i := range g.n {
		n += g.rows.At(g.base + int64(i)).MemSize()
	}
	return n
}

func (g tailRows) Visible(context.Context) (vec.Bitmap, error) {
	return g.v.visibleRows(g.base, g.base+int64(g.n))
}

func (g tailRows) IDs(_ context.Context, from, to int) ([]RowID, error) {
	if err := checkRange(from, to, g.n); err != nil {
		return nil, err
	}
	out := make([]RowID, to-from)
	for i := range out {
		out[i] = g.base + int64(from+i)
	}
	return out, nil
}

func (g tailRows) Read(_ context.Context, col TableColumn, from, to int) (*vec.Column, error) {
	if err := checkRange(from, to, g.n); err != nil {
		return nil, err
	}
	c, err := g.rows.Read(&col, to-from, func(i int) RowID { return g.base + int64(from+i) })
	return c, damaged(err)
}

func (g tailRows) ReadRows(_ context.Context, col TableColumn, rows []int32) (*vec.Column, error) {
	if err := checkRows(rows, g.n); err != nil {
		return nil, err
	}
	c, err := g.rows.Read(&col, len(rows), func(i int) RowID { return g.base + int64(rows[i]) })
	return c, damaged(err)
}

func (g tailRows) Periods(ctx context.Context, from, to int) (begin, end []Micros, err error) {
	ids, err := g.IDs(ctx, from, to)
	if err != nil {
		return nil, nil, err
	}
	begin = make([]Micros, len(ids))
	for i, id := range ids {
		begin[i] = g.rows.At(id).At
	}
	end, err = g.v.ends(ids)
	return begin, end, err
}

// sortedRows returns the rows ascending, each once, and where each of the given ones is among them; nil if they were so already.
func sortedRows(rows []RowID) (sorted []RowID, places []int32) {
	if slices.IsSorted(rows) {
		return rows, nil
	}
	sorted = slices.Clone(rows)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	places = make([]int32, len(rows))
	for i, row := range rows {
		k, _ := slices.BinarySearch(sorted, row)
		places[i] = int32(k)
	}
	return sorted, places
}
