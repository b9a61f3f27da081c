package expr

import (
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// arrayNode is ARRAY[…]. Elements that are arrays of the same type make one more dimension.
type arrayNode struct {
	elems []node
	elem  datum.Type
	typ   datum.Type
}

func (n *arrayNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	cols, err := evalAll(x, n.elems, b)
	if err != nil {
		return nil, err
	}
	out := newBuilder(n.typ, b.Len)
	for _, c := range cols {
		if c.Kind == vec.List {
			out = vec.NewListBuilder(vec.List, b.Len)
			break
		}
	}
	size := -1
	for i := range b.Len {
		for _, c := range cols {
			if c.Kind == vec.List {
				if _, from, to := c.List(i); size >= 0 && size != to-from {
					return nil, pgerr.New(pgerr.ArraySubscriptError, "multidimensional arrays must have array expressions with matching dimensions")
				} else {
					size = to - from
				}
			}
			out.Elem().AppendFrom(c, i)
		}
		size = -1
		out.AppendList()
	}
	return out.Finish(), nil
}

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
	index int
	kind  vec.Kind
}

func (n *fieldNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	v = v.Flat()
	if v.Kind != vec.Struct || n.index >= len(v.Fields) {
		return vec.NullColumn(n.kind, b.Len), nil
	}
	f := v.Fields[n.index]
	if v.Valid != nil {
		return masked(f, v.Valid), nil
	}
	return f, nil
}

// subscript makes the node for array[index], array[lower:upper] or document[key].
func (c *compiler) subscript(e *Subscript) node {
	if e.Arg.Type().OID == datum.JSONB && e.Index != nil {
		return &jsonSubscriptNode{arg: c.compile(e.Arg), index: c.compile(e.Index), text: isText(e.Index.Type().OID)}
	}
	n := &subscriptNode{arg: c.compile(e.Arg), typ: e.Typ, slice: e.Index == nil, first: 1}
	if t := e.Arg.Type().OID; t == datum.Int2Vector || t == datum.OidVector {
		n.first = 0 // the vectors of the catalog count from 0
	}
	for _, p := range []struct {
		from Expr
		to   *node
	}{{e.Index, &n.lower}, {e.Lower, &n.lower}, {e.Upper, &n.upper}} {
		if p.from != nil {
			*p.to = c.compile(p.from)
		}
	}
	return n
}

// subscriptNode takes an element, or with slice a part, of arrays. What is outside is null, or empty.
type subscriptNode struct {
	arg, lower, upper node // lower is the index of an element; bounds of a slice may be nil
	typ               datum.Type
	slice             bool
	first             int64 // what the first element counts as
}

func (n *subscriptNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	var bounds [2]*vec.Column
	for i, a := range []node{n.lower, n.upper} {
		if a == nil {
			continue
		}
		if bounds[i], err = a.eval(x, b); err != nil {
			return nil, err
		}
	}
	if v.Kind != vec.List {
		return vec.NullColumn(kindOf(n.typ), b.Len), nil
	}
	if n.slice {
		return n.parts(v, bounds), nil
	}
	return n.elements(v, bounds[0]), nil
}

func (n *subscriptNode) elements(v, index *vec.Column) *vec.Column {
	idx := make([]int32, v.Len)
	flat := v.Flat()
	for i := range idx {
		idx[i] = -1
		if flat.Null(i) || index.Null(i) {
			continue
		}
		_, from, to := flat.List(i)
		if k := index.Int(i); k >= n.first && k-n.first < int64(to-from) {
			idx[i] = int32(from) + int32(k-n.first)
		}
	}
	return flat.Child.Take(idx)
}

func (n *subscriptNode) parts(v *vec.Column, bounds [2]*vec.Column) *vec.Column {
	flat := v.Flat()
	out := vec.NewListBuilder(flat.Child.Kind, v.Len)
	for i := range v.Len {
		if flat.Null(i) || bounds[0] != nil && bounds[0].Null(i) || bounds[1] != nil && bounds[1].Null(i) {
			out.AppendNull()
			continue
		}
		child, from, to := flat.List(i)
		lo, hi := n.first, int64(to-from)+n.first-1
		if bounds[0] != nil {
			lo = max(lo, bounds[0].Int(i))
		}
		if bounds[1] != nil {
			hi = min(hi, bounds[1].Int(i))
		}
		for k := lo; k <= hi; k++ {
			out.Elem().AppendFrom(child, from+int(k-n.first))
		}
		out.AppendList()
	}
	return out.Finish()
}

// jsonSubscriptNode takes a field or an element of a document; what is not there is null.
type jsonSubscriptNode struct {
	arg, index node
	text       bool
}

func (n *jsonSubscriptNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	cols, err := evalAll(x, []node{n.arg, n.index}, b)
	if err != nil {
		return nil, err
	}
	v, index := cols[0], cols[1]
	out := vec.NewBuilder(vec.Bytes, b.Len)
	for i := range b.Len {
		if v.Null(i) || index.Null(i) {
			out.AppendNull()
			continue
		}
		key := ""
		if n.text {
			key = string(index.Bytes(i))
		} else {
			key = strconv.FormatInt(index.Int(i), 10)
		}
		if found, ok := jsonb.GetPath(v.Bytes(i), []string{key}); ok {
			out.AppendBytes(found)
		} else {
			out.AppendNull()
		}
	}
	return out.Finish(), nil
}
