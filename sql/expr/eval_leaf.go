package expr

import (
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

type colNode int

func (n colNode) eval(_ *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	if int(n) >= len(b.Cols) || b.Cols[n] == nil {
		return nil, pgerr.New(pgerr.InternalError, "column %d is not among the %d of the input", int(n), len(b.Cols))
	}
	return b.Cols[n], nil
}

// repeat remembers the last repetition of a value: batches are mostly of one length.
type repeat struct{ last *vec.Column }

func (r *repeat) of(c *vec.Column, n int) *vec.Column {
	if r.last == nil || r.last.Len != n {
		r.last = vec.Repeat(c, 0, n)
	}
	return r.last
}

type constNode struct {
	val *vec.Column
	repeat
}

func (n *constNode) eval(_ *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	return n.of(n.val, b.Len), nil
}

type paramNode struct{ *Param }

func (n paramNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	if n.N < 1 || n.N > len(x.Params) || x.Params[n.N-1] == nil {
		return nil, pgerr.New(pgerr.UndefinedParameter, "there is no parameter $%d", n.N)
	}
	return vec.Repeat(x.Params[n.N-1], 0, b.Len), nil
}

type outerNode struct{ *Outer }

func (n outerNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	if n.Level < 1 || n.Level > len(x.Outer) {
		return nil, pgerr.New(pgerr.InternalError, "no enclosing row at level %d", n.Level)
	}
	o := x.Outer[len(x.Outer)-n.Level]
	return vec.Repeat(o.Batch.Cols[n.Index], o.Row, b.Len), nil
}

// onceNode evaluates an expression of one value when its first row is asked for.
type onceNode struct {
	inner node
	kind  vec.Kind
	val   *vec.Column
	repeat
}

var oneRow = &vec.Batch{Len: 1}

func (n *onceNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	if b.Len == 0 {
		return vec.NullColumn(n.kind, 0), nil
	}
	if n.val == nil {
		v, err := n.inner.eval(x, oneRow)
		if err != nil {
			return nil, err
		}
		n.val = v
	}
	return n.of(n.val, b.Len), nil
}

// dictNode evaluates an expression over one column. Where the column is dictionary coded and enough rows use the
// dictionary, it evaluates each entry once and keeps the answers as long as batches come with the same dictionary. An
// entry that no row uses may fail: then the rows are evaluated one by one and only their errors count.
type dictNode struct {
	inner node
	col   int

	dict   *vec.Column // whose answers out holds
	out    *vec.Column // of dict's entries, then of null; nil: it failed, or is not worth it yet
	failed bool
	seen   int // rows that came with dict
}

func (n *dictNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	if n.col >= len(b.Cols) || b.Cols[n.col] == nil {
		return n.inner.eval(x, b)
	}
	c := b.Cols[n.col]
	if c.Codes == nil || b.Len == 0 || c.Dict.Len == 0 {
		return n.inner.eval(x, b)
	}
	if n.dict != c.Dict {
		n.dict, n.out, n.failed, n.seen = c.Dict, nil, false, 0
	}
	n.seen += b.Len
	if n.out == nil && !n.failed && n.seen >= c.Dict.Len {
		n.entries(x, len(b.Cols))
	}
	if n.out == nil {
		return n.inner.eval(x, b)
	}
	return n.recode(c), nil
}

// entries evaluates the dictionary with a null after its last entry.
func (n *dictNode) entries(x *EvalCtx, width int) {
	d := n.dict
	idx := make([]int32, d.Len+1)
	for i := range d.Len {
		idx[i] = int32(i)
	}
	idx[d.Len] = -1
	in := &vec.Batch{Len: d.Len + 1, Cols: make([]*vec.Column, width)}
	in.Cols[n.col] = d.Take(idx)
	out, err := n.inner.eval(x, in)
	if err != nil {
		n.failed = true
		return
	}
	n.out = out.Flat()
}

// recode gives the rows of c the answers of their entries.
func (n *dictNode) recode(c *vec.Column) *vec.Column {
	out := &vec.Column{Kind: n.out.Kind, Len: c.Len, Codes: c.Codes, Dict: n.out}
	switch {
	case c.Valid == nil && n.dict.Len == 1:
		return vec.Repeat(n.out, 0, c.Len)
	case c.Valid == nil:
		return out
	}
	null := n.dict.Len
	if n.out.Null(null) {
		out.Valid = c.Valid
		return out
	}
	out.Codes = make([]int32, c.Len)
	for i := range c.Len {
		if c.Valid.Get(i) {
			out.Codes[i] = c.Codes[i]
		} else {
			out.Codes[i] = int32(null)
		}
	}
	return out
}
