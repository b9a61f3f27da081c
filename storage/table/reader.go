package table

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec"
)

// Reader reads a row group. It is safe for concurrent use and keeps the parts that it opened.
type Reader struct {
	meta  *groupMeta
	fetch func(part uint32) ([]byte, error)

	mu     sync.Mutex
	opened map[uint32]*openPart
	held   atomic.Int64
	fences atomic.Pointer[[]RowID] // every fenceRows-th of the IDs; nil until somebody looks for one
}

// openPart is a part that is opened once.
type openPart struct {
	mu  sync.Mutex
	col *segment.Typed
}

// Open makes a reader from the meta blob; fetch returns other parts, which must not change.
func Open(meta []byte, fetch func(part uint32) ([]byte, error)) (*Reader, error) {
	m, err := parseGroupMeta(meta)
	if err != nil {
		return nil, err
	}
	return &Reader{meta: m, fetch: fetch, opened: map[uint32]*openPart{}}, nil
}

// Len is how many versions the group has.
func (r *Reader) Len() int { return r.meta.rows }

// Columns are those that the versions were written with.
func (r *Reader) Columns() []Column {
	out := make([]Column, len(r.meta.columns))
	for i := range out {
		out[i] = r.meta.columns[i].Column
	}
	return out
}

// MemSize estimates the bytes held.
func (r *Reader) MemSize() int64 {
	return int64(300+200*len(r.meta.columns)) + r.held.Load()
}

func (r *Reader) open(part uint32, kind, elem vec.Kind) (*segment.Typed, error) {
	r.mu.Lock()
	o := r.opened[part]
	if o == nil {
		o = &openPart{}
		r.opened[part] = o
	}
	r.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.col != nil {
		return o.col, nil
	}
	blob, err := r.fetch(part)
	if err != nil {
		return nil, err
	}
	if o.col, err = segment.OpenTyped(blob, kind, elem, r.meta.rows); err != nil {
		o.col = nil
		return nil, fmt.Errorf("column %d: %w", part, err)
	}
	r.held.Add(o.col.MemSize())
	return o.col, nil
}

// Read returns rows [from, to) of a column.
func (r *Reader) Read(c *Column, from, to int) (*vec.Column, error) {
	g := r.meta.column(c)
	if g == nil {
		return c.Absent(to - from), nil
	}
	col, err := r.open(g.ID, g.Kind, g.Elem)
	if err != nil {
		return nil, err
	}
	return col.Read(from, to)
}

// ReadRows returns the given rows, which ascend.
func (r *Reader) ReadRows(c *Column, rows []int32) (*vec.Column, error) {
	g := r.meta.column(c)
	if g == nil {
		return c.Absent(len(rows)), nil
	}
	col, err := r.open(g.ID, g.Kind, g.Elem)
	if err != nil {
		return nil, err
	}
	return col.ReadRows(rows)
}

// Encoded returns all of a column as the group has it, nil where its versions were written without it.
func (r *Reader) Encoded(c *Column) (*Encoded, error) {
	g := r.meta.column(c)
	if g == nil {
		return nil, nil
	}
	data, err := r.fetch(g.ID)
	return &Encoded{r.meta.rows, g.Elem, data, g.zone.Append(nil)}, err
}

// MayMatch reports whether a value of the column can satisfy the comparison; false is certain.
func (r *Reader) MayMatch(c *Column, op segment.Op, values *vec.Column) bool {
	if g := r.meta.column(c); g != nil {
		return g.zone.MayMatch(op, values)
	}
	return true
}

// numbers returns what a part that is no column says of rows [from, to), or of the rows.
func (r *Reader) numbers(part uint32, from, to int, rows []int32) ([]int64, error) {
	col, err := r.open(part, vec.Int64, vec.Invalid)
	if err != nil {
		return nil, err
	}
	var c *vec.Column
	if rows != nil {
		c, err = col.ReadRows(rows)
	} else {
		c, err = col.Read(from, to)
	}
	if err != nil {
		return nil, err
	}
	return c.I64, nil
}

// IDs names rows [from, to); nil if they are consecutive.
func (r *Reader) IDs(from, to int) ([]RowID, error) {
	if r.meta.flags&hasIDs == 0 {
		return nil, nil
	}
	return r.numbers(partIDs, from, to, nil)
}

// fenceRows is how many IDs are gone through to find one; it divides what Search takes.
const fenceRows = 64

// fenced returns every fenceRows-th ID.
func (r *Reader) fenced() ([]RowID, error) {
	if f := r.fences.Load(); f != nil {
		return *f, nil
	}
	all, err := r.IDs(0, r.meta.rows)
	if err != nil {
		return nil, err
	}
	fences := make([]RowID, 0, len(all)/fenceRows+1)
	for i := 0; i < len(all); i += fenceRows {
		fences = append(fences, all[i])
	}
	if r.fences.CompareAndSwap(nil, &fences) {
		r.held.Add(8 * int64(len(fences)))
	}
	return fences, nil
}

// idSearch looks for IDs, which ascend.
type idSearch struct {
	r      *Reader
	fences []RowID
	ids    *segment.Typed
	at     int   // where the last one is, or would be
	there  RowID // what is there, if that is in the same run of fenceRows
	run    int   // number of that
}

// search is for groups whose rows are not consecutive.
func (r *Reader) search() (idSearch, error) {
	fences, err := r.fenced()
	if err != nil {
		return idSearch{}, err
	}
	ids, err := r.open(partIDs, vec.Int64, vec.Invalid)
	return idSearch{r: r, fences: fences, ids: ids, run: -1}, err
}

// find is how many of the IDs come before one, and whether it is among them.
func (s *idSearch) find(id RowID) (at int, found bool, err error) {
	run, found := slices.BinarySearch(s.fences, id)
	if !found {
		run--
	}
	if run < 0 {
		return 0, false, nil
	}
	from, end := run*fenceRows, min((run+1)*fenceRows, s.r.meta.rows)
	if run != s.run {
		s.run, s.at, s.there = run, from, s.fences[run]
	}
	if s.at < end {
		if s.at, s.there, err = s.ids.Search(s.at, end, s.there, id); err != nil {
			return 0, false, err
		}
	}
	return s.at, s.at < end && s.there == id, nil
}

// Before is how many of the versions come before a row. It is for groups whose rows are not consecutive.
func (r *Reader) Before(row RowID) (int, error) {
	s, err := r.search()
	if err != nil {
		return 0, err
	}
	n, _, err := s.find(row)
	return n, err
}

// Find returns where the versions of ids, which ascend, are in the group, -1 where they are not. It is for groups whose rows
// are not consecutive.
func (r *Reader) Find(ids []RowID) ([]int32, error) {
	s, err := r.search()
	if err != nil {
		return nil, err
	}
	out := make([]int32, len(ids))
	for i, id := range ids {
		at, found, err := s.find(id)
		switch {
		case err != nil:
			return nil, err
		case found:
			out[i] = int32(at)
		default:
			out[i] = -1
		}
	}
	return out, nil
}

// Begins returns when rows [from, to) began, or with a list those rows, which ascend; nil: all began at the group's one time.
func (r *Reader) Begins(from, to int, rows []int32) ([]int64, error) {
	if r.meta.flags&hasBegins == 0 {
		return nil, nil
	}
	return r.numbers(partBegins, from, to, rows)
}

// Ends returns when rows [from, to) ended; nil: the group does not say.
func (r *Reader) Ends(from, to int) ([]int64, error) {
	if r.meta.flags&hasEnds == 0 {
		return nil, nil
	}
	return r.numbers(partEnds, from, to, nil)
}
