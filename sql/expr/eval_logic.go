package expr

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// truth splits a boolean column into the rows that are true and those that are false; the others are null. The bitmaps are
// the caller's.
func truth(c *vec.Column) (yes, no vec.Bitmap) {
	words := (c.Len + 63) / 64
	yes, no = c.Truth()[:words], c.Falsity()[:words]
	if c.Codes == nil && c.Valid == nil {
		yes = slices.Clone(yes)
	}
	return yes, no
}

// boolColumn makes the column whose rows are true in yes, false in no, and null elsewhere. It takes the bitmaps over.
func boolColumn(yes, no vec.Bitmap, n int) *vec.Column {
	c := &vec.Column{Kind: vec.Bool, Len: n, Bits: yes}
	valid := no
	for w := range no {
		valid[w] |= yes[w]
	}
	if valid.Count(n) < n {
		c.Valid = valid
	}
	return c
}

// logicNode is AND, or OR. An operand that may fail sees only the rows that the operands before it left open.
type logicNode struct {
	args []cond
	or   bool
}

func (n *logicNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	yes, no := vec.NewBitmap(b.Len), vec.NewBitmap(b.Len)
	if n.or {
		no.SetAll(b.Len)
	} else {
		yes.SetAll(b.Len)
	}
	closed := no // rows whose answer no further operand can change
	if n.or {
		closed = yes
	}
	for i := range n.args {
		open := b.Len
		if i > 0 {
			open -= closed.Count(b.Len)
		}
		if open == 0 {
			break
		}
		t, f, err := n.args[i].over(x, b, closed, open)
		if err != nil {
			return nil, err
		}
		for w := range yes {
			if n.or {
				yes[w] |= t[w]
				no[w] &= f[w]
			} else {
				yes[w] &= t[w]
				no[w] |= f[w]
			}
		}
	}
	return boolColumn(yes, no, b.Len), nil
}

// over evaluates the operand for the rows not in closed, of which there are open.
func (c *cond) over(x *EvalCtx, b *vec.Batch, closed vec.Bitmap, open int) (yes, no vec.Bitmap, err error) {
	if open == b.Len || c.safe && open > b.Len/4 {
		v, err := c.eval(x, b)
		if err != nil {
			return nil, nil, err
		}
		yes, no = truth(v)
		return yes, no, nil
	}
	rows := clearRows(closed, b.Len)
	v, err := c.suite.evalSome(c, b, rows)
	if err != nil {
		return nil, nil, err
	}
	yes, no = vec.NewBitmap(b.Len), vec.NewBitmap(b.Len)
	t, f := truth(v)
	for k, r := range rows {
		yes[r>>6] |= t[k>>6] >> (k & 63) & 1 << (r & 63)
		no[r>>6] |= f[k>>6] >> (k & 63) & 1 << (r & 63)
	}
	return yes, no, nil
}

// clearRows lists the rows whose bit is not set.
func clearRows(set vec.Bitmap, n int) []int32 {
	return vec.Not(vec.NewBitmap(n), set).Indices(nil, n)
}

type notNode struct{ arg node }

func (n *notNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	yes, no := truth(v)
	return boolColumn(no, yes, b.Len), nil
}

// isNullNode asks a row value whether all its fields are null, or with not whether none is.
type isNullNode struct {
	arg node
	not bool
}

func (n *isNullNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	bits := vec.NewBitmap(b.Len)
	out := &vec.Column{Kind: vec.Bool, Len: b.Len, Bits: bits}
	switch {
	case v.Kind == vec.Struct:
		v = v.Flat()
		for i := range b.Len {
			bits.SetTo(i, rowTest(v, i, n.not))
		}
	case !v.HasNulls():
		if n.not {
			bits.SetAll(b.Len)
		}
	default:
		for i := range b.Len {
			bits.SetTo(i, v.Null(i) != n.not)
		}
	}
	return out, nil
}

func rowTest(v *vec.Column, i int, not bool) bool {
	if v.Null(i) {
		return !not
	}
	for _, f := range v.Fields {
		if f.Null(i) == not {
			return false
		}
	}
	return true
}

type boolTestNode struct {
	arg  node
	want byte
	not  bool
}

func (n *boolTestNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	yes, no := truth(v)
	bits := yes
	switch n.want {
	case 'f':
		bits = no
	case 'u':
		for w := range bits {
			bits[w] = ^(yes[w] | no[w])
		}
	}
	if n.not {
		for w := range bits {
			bits[w] = ^bits[w]
		}
	}
	return &vec.Column{Kind: vec.Bool, Len: b.Len, Bits: bits}, nil
}

// distinctNode is IS [NOT] DISTINCT FROM.
type distinctNode struct {
	left, right node
	typ         datum.Type
	not         bool
}

func (n *distinctNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	l, err := n.left.eval(x, b)
	if err != nil {
		return nil, err
	}
	r, err := n.right.eval(x, b)
	if err != nil {
		return nil, err
	}
	bits := vec.NewBitmap(b.Len)
	for i := range b.Len {
		differ := l.Null(i) != r.Null(i)
		if !differ && !l.Null(i) {
			differ = compare(n.typ, l, i, r, i) != 0
		}
		bits.SetTo(i, differ != n.not)
	}
	return &vec.Column{Kind: vec.Bool, Len: b.Len, Bits: bits}, nil
}
