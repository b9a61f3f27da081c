package storage

import (
	"cmp"
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
	err    error  // what kept it from being opened; every call returns it
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
	out.gone = st.truncatedAt(out.ended)
	if out.end, out.err = st.until(min(v.at, to)); out.err != nil {
		out.end = 1
	}
	return out
}

func (v *view) Objects() []Object { return v.d.catalog.at(v.at) }

func (v *view) ObjectsVersion() uint64 { return v.d.catalog.version(v.at) }

func (v *tableView) Rows() int64 {
	n := int64(0)
	for _, g := range v.st.groups {
		if g.first < v.end && g.end > v.gone {
			n += min(int64(g.rows), v.end-g.first) - min(g.closed.Load(), int64(g.rows))
		}
	}
	for _, g := range v.st.history {
		if v.wants(g) {
			n += int64(g.rows) / 2
		}
	}
	for _, rows := range v.st.tail {
		n += v.tailRows(rows)
	}
	return n
}

// tailRows counts the visible versions of a run of the tail.
func (v *tableView) tailRows(rows table.Rows) int64 {
	row, end := max(rows.Base(), v.gone), min(rows.End(), v.end)
	n := max(end-row, 0)
	for row < end {
		page, err := v.rel.page(row / table.PageRows)
		if err != nil {
			return n
		}
		to := min(end, (row/table.PageRows+1)*table.PageRows)
		page.Each(row, to, func(c table.Closing) {
			if c.At <= v.ended {
				n--
			}
		})
		row = to
	}
	return n
}

// wants reports whether a version of a history group may be visible.
func (v *tableView) wants(g *tableGroup) bool { return g.endTo > v.ended && g.first < v.end }

// tableTailRows is how many rows of a tail are a group. Cuts are at multiples of it, so that they do not move.
const tableTailRows = 8192

func (v *tableView) Groups(ctx context.Context, preds []TablePred) (out []RowGroup, skipped int, err error) {
	if v.err != nil {
		return nil, 0, v.err
	}
	for _, g := range slices.Concat(v.st.groups, v.st.history) {
		if g.first >= v.end || g.history && !v.wants(g) || !g.history && g.end <= v.gone {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		may, err := g.mayMatch(preds)
		if err != nil {
			return nil, 0, err
		}
		if !may {
			skipped++
			continue
		}
		n, err := g.before(v.end)
		if err != nil {
			return nil, 0, err
		}
		if n > 0 {
			out = append(out, sealedRows{v, g, n})
		}
	}
	for _, rows := range v.st.tail {
		for base := max(rows.Base(), v.gone); base < min(rows.End(), v.end); {
			to := min((base/tableTailRows+1)*tableTailRows, rows.End(), v.end)
			out = append(out, tailRows{v, rows, base, int(to - base)})
			base = to
		}
	}
	return out, skipped, ctx.Err()
}

// visibleIDs is visibleRows of some versions, which ascend and began in time.
func (v *tableView) visibleIDs(ids []RowID) (out vec.Bitmap, newest Micros, err error) {
	newest = math.MinInt64
	hide := func(i int) {
		if out == nil {
			out = vec.NewBitmap(len(ids))
			out.SetAll(len(ids))
		}
		out.Clear(i)
	}
	for i := 0; i < len(ids); {
		n := ids[i] / table.PageRows
		page, err := v.rel.page(n)
		if err != nil {
			return nil, 0, err
		}
		k, _ := slices.BinarySearch(ids[i:], (n+1)*table.PageRows)
		to, next := i+k, i
		page.Each(ids[i], ids[to-1]+1, func(c table.Closing) {
			for next < to && ids[next] < c.Row {
				next++
			}
			if next < to && ids[next] == c.Row {
				if newest = max(newest, c.At); c.At <= v.ended {
					hide(next)
				}
			}
		})
		i = to
	}
	for i := 0; i < len(ids) && ids[i] < v.gone; i++ {
		hide(i)
	}
	return out, newest, nil
}

// visibleRows tells which of the versions [from, to), which began in time, are in the view (nil: all), and when the last of them
// was closed, as far as anybody knows.
func (v *tableView) visibleRows(from, to RowID) (out vec.Bitmap, newest Micros, err error) {
	newest = math.MinInt64
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
			return nil, 0, err
		}
		end := min(to, (row/table.PageRows+1)*table.PageRows)
		page.Each(row, end, func(c table.Closing) {
			if newest = max(newest, c.At); c.At <= v.ended {
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
	return out, newest, nil
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

func (v *tableView) Periods(_ context.Context, rows []RowID) (from, to []Micros, err error) {
	if from, err = v.begins(rows); err != nil {
		return nil, nil, err
	}
	to, err = v.ends(rows)
	return from, to, err
}

// span is where some of the versions asked for lie: in a group or in the tail.
type span struct {
	group *tableGroup
	tail  table.Rows
	rows  []RowID
	local []int32 // in the group
}

func (s *span) read(col *TableColumn) (*vec.Column, error) {
	if s.group != nil {
		return s.group.readRows(col, s.local)
	}
	c, err := s.tail.Read(col, len(s.rows), func(i int) RowID { return s.rows[i] })
	return c, damaged(err)
}

func (s *span) begins() ([]Micros, error) {
	if s.group != nil {
		return s.group.begins(0, 0, s.local)
	}
	out := make([]Micros, len(s.rows))
	for i, row := range s.rows {
		out[i] = s.tail.At(row).At
	}
	return out, nil
}

// take adds those of the rows to the spans that are in a group, and returns the others.
func (g *tableGroup) take(spans []span, rows []RowID) ([]span, []RowID, error) {
	at, err := g.find(rows)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(at, -1) {
		return append(spans, span{group: g, rows: rows, local: at}), nil, nil
	}
	s := span{group: g}
	var left []RowID
	for i, k := range at {
		if k < 0 {
			left = append(left, rows[i])
		} else {
			s.rows, s.local = append(s.rows, rows[i]), append(s.local, k)
		}
	}
	if len(s.rows) > 0 {
		spans = append(spans, s)
	}
	return spans, left, nil
}

// locate finds versions, which ascend.
func (v *tableView) locate(rows []RowID) (spans []span, err error) {
	if v.err != nil {
		return nil, v.err
	}
	var elsewhere []RowID // in no base group and not in the tail
	for len(rows) > 0 {
		var left []RowID
		n := 1
		if g := v.st.groupOf(rows[0]); g != nil {
			n, _ = slices.BinarySearch(rows, g.end)
			if spans, left, err = g.take(spans, rows[:n]); err != nil {
				return nil, err
			}
		} else if tail, ok := v.st.tailOf(rows[0]); ok {
			n, _ = slices.BinarySearch(rows, tail.End())
			spans = append(spans, span{tail: tail, rows: rows[:n]})
		} else {
			left = rows[:1]
		}
		elsewhere = append(elsewhere, left...)
		rows = rows[n:]
	}
	if len(elsewhere) > 0 {
		return v.locateHistory(spans, elsewhere)
	}
	return spans, nil
}

// locateHistory finds versions that are in history, by when they ended.
func (v *tableView) locateHistory(spans []span, rows []RowID) ([]span, error) {
	ever := *v
	ever.moment = math.MaxInt64
	ends, err := ever.ends(rows)
	if err != nil {
		return nil, err
	}
	left, least := len(rows), slices.Min(ends)
	from, _ := slices.BinarySearchFunc(v.st.history, least, func(g *tableGroup, end Micros) int { return cmp.Compare(g.endTo, end) })
	for _, g := range v.st.history[from:] {
		var among, missing []RowID
		for i, row := range rows {
			if g.endFrom <= ends[i] && ends[i] <= g.endTo && g.first <= row && row < g.end {
				among = append(among, row)
			}
		}
		if len(among) == 0 {
			continue
		}
		if spans, missing, err = g.take(spans, among); err != nil {
			return nil, err
		}
		if left -= len(among) - len(missing); left == 0 {
			return spans, nil
		}
	}
	return nil, fmt.Errorf("table %d lacks %d of the versions %d to %d", v.rel.id, left, rows[0], rows[len(rows)-1])
}

// order tells for each row where it is among the rows of the spans, one after the other; nil: it is where it is asked for.
func order(rows []RowID, spans []span) []int32 {
	if len(spans) == 1 && len(spans[0].rows) == len(rows) && slices.IsSorted(rows) {
		return nil
	}
	at := make(map[RowID]int32, len(rows))
	n := int32(0)
	for i := range spans {
		for _, row := range spans[i].rows {
			at[row] = n
			n++
		}
	}
	out := make([]int32, len(rows))
	for i, row := range rows {
		out[i] = at[row]
	}
	return out
}

// ascending returns the rows in order, each once.
func ascending(rows []RowID) []RowID {
	for i := 1; i < len(rows); i++ {
		if rows[i] <= rows[i-1] {
			out := slices.Clone(rows)
			slices.Sort(out)
			return slices.Compact(out)
		}
	}
	return rows
}

func (v *tableView) begins(rows []RowID) ([]Micros, error) {
	spans, err := v.locate(ascending(rows))
	if err != nil {
		return nil, err
	}
	at := make([]Micros, 0, len(rows))
	for i := range spans {
		part, err := spans[i].begins()
		if err != nil {
			return nil, err
		}
		at = append(at, part...)
	}
	places := order(rows, spans)
	if places == nil {
		return at, nil
	}
	out := make([]Micros, len(rows))
	for i, k := range places {
		out[i] = at[k]
	}
	return out, nil
}

func (v *tableView) Read(_ context.Context, cols []TableColumn, rows []RowID) (*vec.Batch, error) {
	spans, err := v.locate(ascending(rows))
	if err != nil {
		return nil, err
	}
	out := &vec.Batch{Len: len(rows), Cols: make([]*vec.Column, len(cols))}
	places := order(rows, spans)
	parts := make([]*vec.Column, len(spans))
	for k := range cols {
		for i := range spans {
			if parts[i], err = spans[i].read(&cols[k]); err != nil {
				return nil, err
			}
		}
		c := cols[k].Join(parts)
		if places != nil {
			c = c.Take(places)
		}
		out.Cols[k] = c
	}
	return out, nil
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
	rows, _, err := g.v.visibleRows(g.base, g.base+int64(g.n))
	return rows, err
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
