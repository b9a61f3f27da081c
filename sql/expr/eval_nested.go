package expr

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// arrayNode is ARRAY[…]. Elements that are arrays of the same type make one more dimension.
type arrayNode struct {
	elems  []node
	typ    datum.Type
	nested bool // the elements are arrays
}

func (n *arrayNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	cols, err := evalAll(x, n.elems, b)
	if err != nil {
		return nil, err
	}
	out := newBuilder(n.typ, b.Len)
	for i := range b.Len {
		if n.nested {
			if err := stack(out, cols, i); err != nil {
				return nil, err
			}
		} else {
			for _, c := range cols {
				out.Elem().AppendFrom(c, i)
			}
			out.AppendList()
		}
		if err := x.Fn.Made(out, i); err != nil {
			return nil, err
		}
	}
	return out.Finish(), nil
}

// stack appends the array whose elements are the arrays in row i of cols: all of the same dimensions, or all without elements.
func stack(out *vec.Builder, cols []*vec.Column, i int) error {
	var dims []vec.Dim
	full := 0
	for _, c := range cols {
		if c.Null(i) {
			continue
		}
		child, from, to := c.List(i)
		if to == from {
			continue
		}
		d := c.Dims(i)
		if full++; full > 1 && !slices.Equal(d, dims) {
			return errRagged
		}
		dims = d
		for k := from; k < to; k++ {
			out.Elem().AppendFrom(child, k)
		}
	}
	switch {
	case full == 0:
		out.AppendList()
		return nil
	case full < len(cols):
		return errRagged
	case len(dims) == datum.MaxDims:
		return datum.TooManyDims(len(dims) + 1)
	}
	out.AppendShaped(append([]vec.Dim{{Len: int32(full), Lower: 1}}, dims...))
	return nil
}

var errRagged = pgerr.New(pgerr.ArraySubscriptError, "multidimensional arrays must have array expressions with matching dimensions")

// rowNode is a row value.
type rowNode struct{ elems []node }

func (n *rowNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	cols, err := evalAll(x, n.elems, b)
	if err != nil {
		return nil, err
	}
	out := &vec.Column{Kind: vec.Struct, Len: b.Len, Fields: make([]*vec.Column, len(cols))}
	for i, c := range cols {
		out.Fields[i] = c.Flat()
	}
	return out, nil
}

type fieldNode struct {
	arg   node
	typ   datum.Type // of arg
	index int
	kind  vec.Kind
}

func (n *fieldNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	if v = v.Flat(); v.Kind == vec.Bytes && datum.IsComposite(n.typ.OID) {
		v = datum.Unpack(n.typ, v)
	}
	if v.Kind != vec.Struct || n.index >= len(v.Fields) {
		return vec.NullColumn(n.kind, b.Len), nil
	}
	f := v.Fields[n.index]
	if v.Valid != nil {
		return masked(f, v.Valid), nil
	}
	return f, nil
}

// subscript makes the node for array[index] or array[lower:upper].
func (c *compiler) subscript(e *Subscript) node {
	n := &subscriptNode{arg: c.compile(e.Arg), kind: kindOf(e.Typ)}
	for _, list := range [][]Expr{e.Index, e.Lower, e.Upper} {
		for _, x := range list {
			if x == nil {
				n.bounds = append(n.bounds, nil)
			} else {
				n.bounds = append(n.bounds, c.compile(x))
			}
		}
	}
	n.slice, n.name = e.Index == nil, e.Arg.Type().OID == datum.Name
	return n
}

// subscriptNode takes an element, or with slice a part, of arrays. What is outside is null, or empty.
type subscriptNode struct {
	arg    node
	bounds []node // the indexes; or the lower bounds and then the upper ones of a slice, which may be nil
	slice  bool
	name   bool // the argument is a name
	kind   vec.Kind
}

func (n *subscriptNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	bounds, err := n.places(x, b)
	if err != nil {
		return nil, err
	}
	if n.name {
		return nameLetters(v, bounds[0], b.Len), nil
	}
	if v.Kind != vec.List {
		return vec.NullColumn(n.kind, b.Len), nil
	}
	if n.slice {
		return n.parts(v.Flat(), bounds), nil
	}
	return n.elements(v.Flat(), bounds), nil
}

// places evaluates the bounds that are given.
func (n *subscriptNode) places(x *EvalCtx, b *vec.Batch) ([]*vec.Column, error) {
	bounds := make([]*vec.Column, len(n.bounds))
	for i, a := range n.bounds {
		if a == nil {
			continue
		}
		var err error
		if bounds[i], err = a.eval(x, b); err != nil {
			return nil, err
		}
	}
	return bounds, nil
}

// nameLetters takes bytes of names, counted from 0. A name has 64, of which those behind its text are zero.
func nameLetters(v, index *vec.Column, n int) *vec.Column {
	out := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		switch at := index.Int(i); {
		case v.Null(i) || index.Null(i) || at < 0 || at > 63:
			out.AppendNull()
		case int(at) < len(v.Bytes(i)):
			out.AppendBytes(v.Bytes(i)[at : at+1])
		default:
			out.AppendBytes([]byte{0})
		}
	}
	return out.Finish()
}

// subscripted reports whether the array in row i and all bounds are there.
func subscripted(v *vec.Column, bounds []*vec.Column, i int) bool {
	for _, b := range bounds {
		if b != nil && b.Null(i) {
			return false
		}
	}
	return !v.Null(i)
}

func (n *subscriptNode) elements(v *vec.Column, index []*vec.Column) *vec.Column {
	idx := make([]int32, v.Len)
	none := true
	for i := range idx {
		idx[i] = -1
		if !subscripted(v, index, i) {
			continue
		}
		dims, ok := v.Dims(i), true
		if len(dims) != len(index) {
			continue
		}
		_, from, _ := v.List(i)
		at := int64(0)
		for k, d := range dims {
			place := index[k].Int(i) - int64(d.Lower)
			if place < 0 || place >= int64(d.Len) {
				ok = false
				break
			}
			at = at*int64(d.Len) + place
		}
		if ok {
			idx[i], none = int32(int64(from)+at), false
		}
	}
	if none {
		return vec.NullColumn(n.kind, v.Len)
	}
	return v.Child.Take(idx)
}

func (n *subscriptNode) parts(v *vec.Column, bounds []*vec.Column) *vec.Column {
	out := vec.NewListBuilder(v.Child.Kind, v.Len)
	given := len(bounds) / 2
	for i := range v.Len {
		if !subscripted(v, bounds, i) {
			out.AppendNull()
			continue
		}
		dims := v.Dims(i)
		if len(dims) < given {
			dims = nil
		}
		part := make([]vec.Dim, len(dims)) // Lower is for now how many are left out in front
		for k, d := range dims {
			lo, hi := int64(d.Lower), int64(d.Lower)+int64(d.Len)-1
			if k < given && bounds[k] != nil {
				lo = max(lo, bounds[k].Int(i))
			}
			if k < given && bounds[given+k] != nil {
				hi = min(hi, bounds[given+k].Int(i))
			}
			if part[k] = (vec.Dim{Len: int32(hi - lo + 1), Lower: int32(lo - int64(d.Lower))}); hi < lo {
				part = nil
				break
			}
		}
		if len(part) > 0 {
			child, from, _ := v.List(i)
			cut(out.Elem(), child, from, dims, part)
		}
		for k := range part {
			part[k].Lower = 1
		}
		out.AppendShaped(part)
	}
	return out.Finish()
}

// cut appends the part of an array whose elements begin at from.
func cut(out *vec.Builder, child *vec.Column, from int, dims, part []vec.Dim) {
	size := 1
	for _, d := range dims[1:] {
		size *= int(d.Len)
	}
	for k := range int(part[0].Len) {
		at := from + (int(part[0].Lower)+k)*size
		if len(dims) == 1 {
			out.AppendFrom(child, at)
		} else {
			cut(out, child, at, dims[1:], part[1:])
		}
	}
}
