package expr

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// values is a set of values of one type, for equality.
type values struct {
	typ    datum.Type
	ints   map[int64]struct{} // of kind Int64
	keys   map[string]struct{}
	null   bool // a null is among them
	buf    []byte
	asText bool // equal when the bytes are
}

func newValues(t datum.Type) *values {
	v := &values{typ: t, keys: map[string]struct{}{}}
	switch t.OID {
	case datum.Text, datum.Varchar, datum.Name, datum.UUID, datum.Bytea:
		v.asText = true
	}
	if kindOf(t) == vec.Int64 {
		v.ints = map[int64]struct{}{}
	}
	return v
}

func (v *values) key(c *vec.Column, i int) []byte {
	if v.asText {
		return c.Bytes(i)
	}
	v.buf = appendKey(v.buf[:0], v.typ, c, i)
	return v.buf
}

// add takes rows [from, to) of c.
func (v *values) add(c *vec.Column, from, to int) {
	for i := from; i < to; i++ {
		switch {
		case c.Null(i):
			v.null = true
		case v.ints != nil && c.Kind == vec.Int64:
			v.ints[c.Int(i)] = struct{}{}
		default:
			v.keys[string(v.key(c, i))] = struct{}{}
		}
	}
}

func (v *values) empty() bool { return !v.null && len(v.ints) == 0 && len(v.keys) == 0 }

// has reports whether row i, which is not null, is in the set.
func (v *values) has(c *vec.Column, i int) bool {
	if v.ints != nil && c.Kind == vec.Int64 {
		_, ok := v.ints[c.Int(i)]
		return ok
	}
	_, ok := v.keys[string(v.key(c, i))]
	return ok
}

// test is IN over the column: true, false, or null where SQL cannot tell. not turns it round.
func (v *values) test(c *vec.Column, not bool) *vec.Column {
	yes, no := vec.NewBitmap(c.Len), vec.NewBitmap(c.Len)
	if not {
		yes, no = no, yes
	}
	for i := range c.Len {
		switch {
		case v.empty():
			no.Set(i)
		case c.Null(i):
		case v.has(c, i):
			yes.Set(i)
		case !v.null:
			no.Set(i)
		}
	}
	if not {
		yes, no = no, yes
	}
	return boolColumn(yes, no, c.Len)
}

// inNode is IN over a list of values known when its first row comes.
type inNode struct {
	arg  node
	list []node
	typ  datum.Type
	not  bool
	set  *values
}

// in makes the node for IN. A list with columns in it is an OR of equalities.
func (c *compiler) in(e *In) node {
	typ := e.Arg.Type()
	for _, l := range e.List {
		if r := c.reads(l); len(r.cols) > 0 || r.volatile || kindOf(typ) == vec.Struct {
			return c.inColumns(e)
		}
	}
	return &inNode{arg: c.compile(e.Arg), list: c.all(e.List), typ: typ, not: e.Not}
}

func (n *inNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	if b.Len == 0 {
		return boolColumn(vec.NewBitmap(0), vec.NewBitmap(0), 0), nil
	}
	if n.set == nil {
		set := newValues(n.typ)
		for _, l := range n.list {
			c, err := l.eval(x, oneRow)
			if err != nil {
				return nil, err
			}
			set.add(c, 0, 1)
		}
		n.set = set
	}
	return n.set.test(v, n.not), nil
}

func (c *compiler) inColumns(e *In) node {
	or := &logicNode{or: true}
	for _, l := range e.List {
		eq := &Distinct{Left: e.Arg, Right: l}
		or.args = append(or.args, cond{
			node:  &equalNode{left: c.compile(e.Arg), right: c.compile(l), typ: e.Arg.Type()},
			suite: c.suite, cols: c.reads(eq).cols,
		})
	}
	if e.Not {
		return &notNode{or}
	}
	return or
}

// equalNode is equality by the type's order, null where an operand is null.
type equalNode struct {
	left, right node
	typ         datum.Type
}

func (n *equalNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	l, err := n.left.eval(x, b)
	if err != nil {
		return nil, err
	}
	r, err := n.right.eval(x, b)
	if err != nil {
		return nil, err
	}
	yes, no := vec.NewBitmap(b.Len), vec.NewBitmap(b.Len)
	for i := range b.Len {
		switch equal3(n.typ, l, i, r, i) {
		case 1:
			yes.Set(i)
		case -1:
			no.Set(i)
		}
	}
	return boolColumn(yes, no, b.Len), nil
}

// equal3 compares by SQL's three values: 1 equal, -1 different, 0 unknown.
func equal3(t datum.Type, a *vec.Column, i int, b *vec.Column, j int) int {
	if a.Null(i) || b.Null(j) {
		return 0
	}
	if compare(t, a, i, b, j) == 0 {
		return 1
	}
	return -1
}

// anyAllNode is op ANY|ALL over an array.
type anyAllNode struct {
	op          *funcs.Func
	left, array node
	all         bool
	elem        datum.Type
	types       []datum.Type // of the operator's arguments
	hashed      bool         // an equality over one type: a constant array is looked up in a set
	last        *vec.Column  // the array that set holds
	set         *values
}

func (c *compiler) anyAll(e *AnyAll) node {
	n := &anyAllNode{op: e.Op, left: c.compile(e.Left), array: c.compile(e.Array), all: e.All, elem: elemType(e.Array.Type())}
	n.types = []datum.Type{e.Left.Type(), n.elem}
	simple := e.Op.Name == "=" && !e.All || e.Op.Name == "<>" && e.All
	n.hashed = simple && e.Left.Type().OID == n.elem.OID
	return n
}

func (n *anyAllNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	l, err := n.left.eval(x, b)
	if err != nil {
		return nil, err
	}
	a, err := n.array.eval(x, b)
	if err != nil {
		return nil, err
	}
	if b.Len == 0 {
		return boolColumn(vec.NewBitmap(0), vec.NewBitmap(0), 0), nil
	}
	if n.hashed && a.IsConst() && !a.Null(0) && a.Valid == nil {
		return n.lookUp(l, a), nil
	}
	return n.each(x, l, a)
}

func (n *anyAllNode) lookUp(l, a *vec.Column) *vec.Column {
	if n.last != a.Dict {
		n.set, n.last = newValues(n.elem), a.Dict
		child, from, to := a.List(0)
		n.set.add(child, from, to)
	}
	return n.set.test(l, n.all)
}

// each calls the operator once for all pairs of a left value and an element.
func (n *anyAllNode) each(x *EvalCtx, l, a *vec.Column) (*vec.Column, error) {
	var left, elems []int32
	ends := make([]int, l.Len)
	var child *vec.Column
	for i := range l.Len {
		if !a.Null(i) {
			c, from, to := a.List(i)
			if to > from {
				child = c
			}
			for k := from; k < to; k++ {
				left, elems = append(left, int32(i)), append(elems, int32(k))
			}
		}
		ends[i] = len(left)
	}
	yes, no := vec.NewBitmap(l.Len), vec.NewBitmap(l.Len)
	var res *vec.Column
	if len(left) > 0 {
		var err error
		if res, err = call(x, n.op, n.types, vec.Bool, []*vec.Column{l.Take(left), child.Take(elems)}, len(left)); err != nil {
			return nil, err
		}
	}
	from := 0
	for i := range l.Len {
		if !a.Null(i) {
			fold(res, from, ends[i], n.all, i, yes, no)
		}
		from = ends[i]
	}
	return boolColumn(yes, no, l.Len), nil
}

// fold sets the answer of row i to ANY, or ALL, of the answers [from, to).
func fold(res *vec.Column, from, to int, all bool, i int, yes, no vec.Bitmap) {
	unknown := false
	for k := from; k < to; k++ {
		switch {
		case res.Null(k):
			unknown = true
		case res.Bool(k) != all: // a true decides ANY, a false decides ALL
			if all {
				no.Set(i)
			} else {
				yes.Set(i)
			}
			return
		}
	}
	switch {
	case unknown:
	case all:
		yes.Set(i)
	default:
		no.Set(i)
	}
}
