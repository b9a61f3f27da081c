package op

import (
	"context"
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// OwnRows are what the transaction under way has done to a table before the running command: the rows that it has added, which are
// numbered -1, -2, …, and the versions that it has ended. Safe for concurrent use.
type OwnRows interface {
	// Groups are those rows that are on disk, as far as they are there. Live lists the others that are.
	Groups() ([]storage.RowGroup, error)
	Live() []storage.RowID
	// Ended reports whether a version that others see is replaced or deleted; All that all of them are, None that none is.
	Ended(row storage.RowID) bool
	EndedAll() bool
	EndedNone() bool
	// EndedAmong calls f for the versions in [from, to) that are replaced or deleted, in order.
	EndedAmong(from, to storage.RowID, f func(row storage.RowID))
	// Read returns rows in the order given.
	Read(ctx context.Context, cols []storage.TableColumn, rows []storage.RowID) (*vec.Batch, error)
	// Seek gives the rows whose keys in an index lie in [lo, hi), by key or backwards; with whole they are those with the key lo.
	Seek(index uint32, lo, hi []byte, desc, whole bool) (OwnCursor, error)
}

// OwnCursor gives own rows by the keys of an index, one by one.
type OwnCursor interface {
	Next() (key []byte, row storage.RowID, ok bool, err error)
}

// TableRows is a table as one scan sees it.
type TableRows struct {
	View storage.TableView
	Cols []storage.TableColumn // what the scan's columns are; not looked at for plan.RowID, plan.SysFrom and plan.SysTo
	Own  OwnRows               // may be nil
	Only []storage.RowID       // nothing but these, if not nil
	// Period says that the view is one of a period, which may have several versions of a row.
	Period bool
}

// source reads rows for a scan, by the number of its column.
type rowSource interface {
	read(ctx context.Context, c, from, to int) (*vec.Column, error)
	readRows(ctx context.Context, c int, rows []int32) (*vec.Column, error)
}

// listedRows are rows by their numbers.
type listedRows struct {
	t    *TableRows
	cols []plan.ScanCol
	ids  []storage.RowID
}

func (l *listedRows) read(ctx context.Context, c, from, to int) (*vec.Column, error) {
	b, err := l.t.fetch(ctx, l.cols, []int{c}, l.ids[from:to])
	if err != nil {
		return nil, err
	}
	return b.Cols[c], nil
}

func (l *listedRows) readRows(ctx context.Context, c int, rows []int32) (*vec.Column, error) {
	ids := make([]storage.RowID, len(rows))
	for i, r := range rows {
		ids[i] = l.ids[r]
	}
	b, err := l.t.fetch(ctx, l.cols, []int{c}, ids)
	if err != nil {
		return nil, err
	}
	return b.Cols[c], nil
}

// tableGroup is a row group.
type tableGroup struct {
	t    *TableRows
	cols []plan.ScanCol
	g    storage.RowGroup
	own  bool // rows of the transaction's own
}

func (g *tableGroup) read(ctx context.Context, c, from, to int) (*vec.Column, error) {
	switch g.cols[c].Column {
	case plan.RowID:
		ids, err := g.g.IDs(ctx, from, to)
		return int64s(ids), err
	case plan.SysFrom, plan.SysTo:
		if g.own && g.cols[c].Column == plan.SysFrom {
			return vec.NullColumn(vec.Int64, to-from), nil
		}
		begin, end, err := g.g.Periods(ctx, from, to)
		if g.cols[c].Column == plan.SysFrom {
			return int64s(begin), err
		}
		return int64s(end), err
	}
	return g.g.Read(ctx, g.t.Cols[c], from, to)
}

func (g *tableGroup) readRows(ctx context.Context, c int, rows []int32) (*vec.Column, error) {
	if g.cols[c].Column >= 0 {
		return g.g.ReadRows(ctx, g.t.Cols[c], rows)
	}
	if g.own && g.cols[c].Column == plan.SysFrom {
		return vec.NullColumn(vec.Int64, len(rows)), nil
	}
	if len(rows) == 0 {
		return int64s(nil), nil
	}
	from, to := int(rows[0]), int(rows[len(rows)-1])+1
	all, err := g.read(ctx, c, from, to)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(rows))
	for i, r := range rows {
		out[i] = all.I64[int(r)-from]
	}
	return int64s(out), nil
}

func int64s(v []int64) *vec.Column { return &vec.Column{Kind: vec.Int64, Len: len(v), I64: v} }

// fetch reads columns of a scan, by their numbers (nil: all), of rows by their numbers. The other columns are nil.
func (t *TableRows) fetch(ctx context.Context, cols []plan.ScanCol, want []int, ids []storage.RowID) (*vec.Batch, error) {
	out := &vec.Batch{Len: len(ids), Cols: make([]*vec.Column, len(cols))}
	n := len(want)
	if want == nil {
		n = len(cols)
	}
	physical, at := make([]storage.TableColumn, 0, n), make([]int, 0, n)
	for i := range n {
		c := i
		if want != nil {
			c = want[i]
		}
		switch cols[c].Column {
		case plan.RowID:
			out.Cols[c] = int64s(ids)
		case plan.SysFrom, plan.SysTo:
			begin, end, err := t.periods(ctx, ids)
			if err != nil {
				return nil, err
			}
			if out.Cols[c] = begin; cols[c].Column == plan.SysTo {
				out.Cols[c] = end
			}
		default:
			physical, at = append(physical, t.Cols[c]), append(at, c)
		}
	}
	if len(physical) == 0 {
		return out, nil
	}
	b, err := ReadVersions(ctx, t.View, t.Own, physical, ids)
	if err != nil {
		return nil, err
	}
	for i, c := range at {
		out.Cols[c] = b.Cols[i]
	}
	return out, nil
}

// ReadVersions reads versions of a table and rows of the transaction's own, in the order given.
func ReadVersions(ctx context.Context, v storage.TableView, own OwnRows, cols []storage.TableColumn, ids []storage.RowID) (*vec.Batch, error) {
	n := 0
	for _, id := range ids {
		if id < 0 {
			n++
		}
	}
	switch n {
	case 0:
		b, err := v.Read(ctx, cols, ids)
		return b, storageError(err)
	case len(ids):
		return own.Read(ctx, cols, ids)
	}
	var mine, theirs []storage.RowID
	from := make([]int32, len(ids))
	for i, id := range ids {
		if id < 0 {
			from[i] = int32(len(mine))
			mine = append(mine, id)
		} else {
			from[i] = int32(len(theirs))
			theirs = append(theirs, id)
		}
	}
	a, err := own.Read(ctx, cols, mine)
	if err != nil {
		return nil, err
	}
	b, err := v.Read(ctx, cols, theirs)
	if err != nil {
		return nil, storageError(err)
	}
	out := &vec.Batch{Len: len(ids)}
	for c := range cols {
		bld := builderLike(cols[c].Kind, datum.Type{}, []*vec.Column{a.Cols[c], b.Cols[c]}, len(ids))
		for i, id := range ids {
			if id < 0 {
				bld.AppendFrom(a.Cols[c], int(from[i]))
			} else {
				bld.AppendFrom(b.Cols[c], int(from[i]))
			}
		}
		out.Cols = append(out.Cols, bld.Finish())
	}
	return out, nil
}

// periods are when rows began and ended; those of the transaction's own have not begun yet.
func (t *TableRows) periods(ctx context.Context, ids []storage.RowID) (begin, end *vec.Column, err error) {
	var stored []storage.RowID
	for _, id := range ids {
		if id > 0 {
			stored = append(stored, id)
		}
	}
	var from, to []storage.Micros
	if len(stored) > 0 {
		if from, to, err = t.View.Periods(ctx, stored); err != nil {
			return nil, nil, storageError(err)
		}
	}
	if len(stored) == len(ids) {
		return int64s(from), int64s(to), nil
	}
	b, e := vec.NewBuilder(vec.Int64, len(ids)), vec.NewBuilder(vec.Int64, len(ids))
	k := 0
	for _, id := range ids {
		if id < 0 {
			b.AppendNull()
			e.AppendInt(math.MaxInt64)
			continue
		}
		b.AppendInt(from[k])
		e.AppendInt(to[k])
		k++
	}
	return b.Finish(), e.Finish(), nil
}

// planTable finds the morsels of a scan of a table.
func (s *EventScan) planTable(ctx context.Context, x *expr.EvalCtx) ([]morsel, error) {
	t := s.Table
	var out []morsel
	list := func(ids []storage.RowID) {
		for from := 0; from < len(ids); from += BlockRows {
			p := part{t: &listedRows{t, s.Cols, ids}, from: from, to: min(from+BlockRows, len(ids))}
			out = append(out, morsel{block: int64(len(out)), parts: []part{p}})
		}
	}
	if t.Only != nil {
		list(t.Only)
		return out, nil
	}
	if t.Own == nil || !t.Own.EndedAll() {
		preds, err := s.tablePreds(x)
		if err != nil {
			return nil, err
		}
		groups, skipped, err := t.View.Groups(ctx, preds)
		if err != nil {
			return nil, storageError(err)
		}
		if s.Stats != nil {
			s.Stats.Skipped.Add(int64(skipped))
		}
		out = s.groupsOf(out, groups, false)
	}
	if t.Own != nil {
		groups, err := t.Own.Groups()
		if err != nil {
			return nil, err
		}
		out = s.groupsOf(out, groups, true)
		list(t.Own.Live())
	}
	return out, nil
}

// groupsOf are morsels of the rows of groups.
func (s *EventScan) groupsOf(out []morsel, groups []storage.RowGroup, own bool) []morsel {
	for _, g := range groups {
		p := part{t: &tableGroup{s.Table, s.Cols, g, own}, to: g.Len(), unseen: true}
		out = append(out, morsel{block: int64(len(out)), parts: []part{p}})
	}
	return out
}

// see finds which rows of a group the scan sees: its workers do that, each for what it reads.
func (r *eventReader) see(ctx context.Context, p *part) error {
	g, s := p.t.(*tableGroup), r.scan.Stats
	rows, some, err := g.t.visible(ctx, g.g, g.own)
	if err != nil {
		return storageError(err)
	}
	p.unseen = false
	switch {
	case !some:
		p.to = 0
		return nil
	case rows != nil:
		p.rows, p.to = rows, len(rows)
	}
	if s != nil {
		s.Groups.Add(1)
		s.Bytes.Add(g.g.Bytes())
	}
	return nil
}

// visible lists the rows of a group that the scan sees, nil: all; some is false where it sees none.
func (t *TableRows) visible(ctx context.Context, g storage.RowGroup, own bool) (rows []int32, some bool, err error) {
	n := g.Len()
	set, err := g.Visible(ctx)
	if err != nil {
		return nil, false, err
	}
	if t.Own != nil && !own && n > 0 && !t.Own.EndedNone() {
		ids, err := g.IDs(ctx, 0, n)
		if err != nil {
			return nil, false, err
		}
		mine := vec.NewBitmap(n)
		mine.SetAll(n)
		if set != nil {
			copy(mine, set)
		}
		at := 0
		t.Own.EndedAmong(ids[0], ids[n-1]+1, func(row storage.RowID) {
			for at < n && ids[at] < row {
				at++
			}
			if at < n && ids[at] == row {
				mine.Clear(at)
			}
		})
		set = mine
	}
	if set == nil {
		return nil, n > 0, nil
	}
	switch count := set.Count(n); count {
	case n:
		return nil, true, nil
	case 0:
		return nil, false, nil
	default:
		return set.Indices(make([]int32, 0, count), n), true, nil
	}
}

// tablePreds evaluates the bounds that storage can use: on columns whose values compare as what they are stored as.
func (s *EventScan) tablePreds(x *expr.EvalCtx) ([]storage.TablePred, error) {
	var out []storage.TablePred
	for _, b := range s.Bounds {
		if b.Col.Column < 0 || !plainOrder(b.Col.Field.Type.OID) {
			continue
		}
		p := storage.TablePred{Op: storage.Op(b.Op)}
		for c, col := range s.Cols {
			if col.Column == b.Col.Column {
				p.Column = s.Table.Cols[c]
			}
		}
		if b.Op != plan.NotNull {
			vals, err := boundValues(x, b)
			if err != nil {
				return nil, err
			}
			if vals == nil || vals.HasNulls() || vals.Kind != p.Column.Kind || !plainOrder(b.Values[0].Type().OID) {
				continue // the filter decides
			}
			p.Values = vals
		}
		if p.Column.ID != 0 || p.Column.Kind != vec.Invalid {
			out = append(out, p)
		}
	}
	return out, nil
}

// plainOrder reports whether values of a type are ordered as the integers, truths and bytes that they are stored as.
func plainOrder(t datum.OID) bool {
	switch t {
	case datum.Int2, datum.Int4, datum.Int8, datum.Date, datum.Timestamp, datum.TimestampTZ, datum.Time, datum.Oid,
		datum.Text, datum.Varchar, datum.UUID, datum.Bytea, datum.Bool:
		return true
	}
	return false
}
