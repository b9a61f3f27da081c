package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// newPartedRows makes the rows of a window out of the input's.
func newPartedRows(env *Env, in Op, w *windowing) partedRows {
	rows := allRows(env, in, w)
	if w.cut != nil {
		return &firstRanks{in: rows, cut: w.cut, peers: &changes{types: w.types, cols: w.order}}
	}
	return rows
}

func allRows(env *Env, in Op, w *windowing) partedRows {
	held := &heldColumns{in: in, progs: expr.CompileAll(w.exprs, env.X)}
	if w.node.Sorted || len(w.part)+len(w.order) == 0 {
		return &sortedRows{in: held, starts: &changes{types: w.types, cols: w.part}}
	}
	half := *env // the other half is for what the calls look at
	half.Budget = env.Budget.Child(env.Budget.limit / 2)
	if len(w.part) > 0 {
		return newArrangedRows(&half, held, w)
	}
	limit := int64(-1)
	if w.cut != nil && w.cut.fn == "row_number" && w.cut.most > 0 {
		limit = w.cut.most
	}
	return sortedBy(newSorter(&half, w.types, w.sortKeys(), limit), held, w)
}

// sortedBy sorts what in gives after what the sorter has already.
func sortedBy(s *sorter, in source, w *windowing) *sortedRows {
	return &sortedRows{in: &sortedSource{in: in, s: s}, starts: &changes{types: w.types, cols: w.part}, done: s.close}
}

// sortKeys are the keys of the window over the held columns.
func (w *windowing) sortKeys() []plan.SortKey {
	keys := w.node.SortKeys()
	for i, at := range append(w.part[:len(w.part):len(w.part)], w.order...) {
		keys[i].Expr = &expr.Col{Index: at, Typ: w.types[at]}
	}
	return keys
}

// sortedSource sorts what another source gives.
type sortedSource struct {
	in   source
	s    *sorter
	rows func() (*vec.Batch, error)
}

func (o *sortedSource) Next(ctx context.Context) (*vec.Batch, error) {
	if o.rows == nil {
		if err := drain(ctx, o.in, o.s.add); err != nil {
			return nil, err
		}
		var err error
		if o.rows, err = o.s.sorted(ctx); err != nil {
			return nil, err
		}
	}
	return o.rows()
}

// heldColumns computes what a window holds of each row.
type heldColumns struct {
	in    source
	progs []*expr.Program
}

func (h *heldColumns) Next(ctx context.Context) (*vec.Batch, error) {
	b, err := h.in.Next(ctx)
	if b == nil || err != nil {
		return nil, err
	}
	cols, err := evalAll(h.progs, b)
	if err != nil {
		return nil, err
	}
	return &vec.Batch{Len: b.Len, Cols: cols}, nil
}

// sortedRows are rows that come in the order of the window.
type sortedRows struct {
	in     source
	starts *changes
	done   func() error // nil: nothing to free
}

func (s *sortedRows) next(ctx context.Context) (*vec.Batch, []int32, error) {
	b, err := s.in.Next(ctx)
	if b == nil || err != nil {
		return nil, nil, err
	}
	return b, s.starts.find(b), nil
}

func (s *sortedRows) close() error {
	if s.done == nil {
		return nil
	}
	return s.done()
}

// changes finds the rows that differ from the row before them in some of their columns; the first of all does.
type changes struct {
	types []datum.Type
	cols  []int
	last  []*vec.Column // the last row of the batch before, a row each
	rows  []int32
}

func (c *changes) find(b *vec.Batch) []int32 {
	differs := vec.NewBitmap(b.Len)
	if c.last == nil {
		differs.Set(0)
	}
	for k, at := range c.cols {
		col, t := b.Cols[at], c.types[at]
		if c.last != nil && !sameRow(t, c.last[k], 0, col, 0) {
			differs.Set(0)
		}
		markChanges(t, col, differs)
	}
	c.last = make([]*vec.Column, len(c.cols))
	for k, at := range c.cols {
		c.last[k] = b.Cols[at].Slice(b.Len-1, b.Len)
	}
	c.rows = c.rows[:0]
	for i := range b.Len {
		if differs.Get(i) {
			c.rows = append(c.rows, int32(i))
		}
	}
	return c.rows
}

// markChanges sets the bits of the rows whose value is not that of the row before.
func markChanges(t datum.Type, c *vec.Column, differs vec.Bitmap) {
	switch {
	case c.IsConst() && !c.HasNulls():
	case c.Kind == vec.Int64 && c.Codes == nil && c.Valid == nil && t.OID != datum.TimeTZ:
		for i := 1; i < c.Len; i++ {
			if c.I64[i] != c.I64[i-1] {
				differs.Set(i)
			}
		}
	case c.Codes != nil && c.Valid == nil:
		for i := 1; i < c.Len; i++ {
			if c.Codes[i] != c.Codes[i-1] && !sameRow(t, c, i-1, c, i) {
				differs.Set(i)
			}
		}
	default:
		for i := 1; i < c.Len; i++ {
			if !sameRow(t, c, i-1, c, i) {
				differs.Set(i)
			}
		}
	}
}

// sameRow reports whether two values are equal, nulls among themselves.
func sameRow(t datum.Type, a *vec.Column, i int, b *vec.Column, j int) bool {
	an, bn := a.Null(i), b.Null(j)
	if an || bn {
		return an && bn
	}
	if a.Kind != b.Kind {
		pair := sameKind([]*vec.Column{a, b})
		a, b = pair[0], pair[1]
	}
	return datum.Compare(t, a, i, b, j) == 0
}
