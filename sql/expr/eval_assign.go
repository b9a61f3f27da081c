package expr

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// assignNode replaces parts of values. The steps are gone through for all rows at once: what lies at a step is taken out, changed by the steps
// behind it, and put back.
type assignNode struct {
	arg, value node
	steps      []assignStep
}

type assignStep struct {
	of      datum.Type
	field   int
	place   *subscriptNode // nil: a field
	numbers bool
}

func (c *compiler) assign(e *Assign) node {
	n := &assignNode{arg: c.compile(e.Arg), value: c.compile(e.Value)}
	for _, s := range e.Steps {
		step := assignStep{of: s.Of, field: s.Field, numbers: s.Numbers}
		if s.Place != nil {
			step.place = c.subscript(s.Place).(*subscriptNode)
		}
		n.steps = append(n.steps, step)
	}
	return n
}

func (n *assignNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	whole, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	bounds := make([][]*vec.Column, len(n.steps))
	for i, s := range n.steps {
		if s.place == nil {
			continue
		}
		if bounds[i], err = s.place.places(x, b); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(bounds[i], hasNull) {
			what := "array"
			if s.of.OID == datum.JSONB {
				what = "jsonb"
			}
			return nil, pgerr.New(pgerr.NullValueNotAllowed, "%s subscript in assignment must not be null", what)
		}
	}
	value, err := n.value.eval(x, b)
	if err != nil {
		return nil, err
	}
	return store(x, n.steps, bounds, whole.Flat(), value.Flat())
}

func hasNull(c *vec.Column) bool {
	for i := 0; c != nil && c.HasNulls() && i < c.Len; i++ {
		if c.Null(i) {
			return true
		}
	}
	return false
}

// store puts the value where the steps lead in what is there.
func store(x *EvalCtx, steps []assignStep, bounds [][]*vec.Column, whole, value *vec.Column) (*vec.Column, error) {
	if len(steps) == 0 {
		return value, nil
	}
	s, inner := steps[0], value
	var err error
	switch {
	case s.place == nil:
		row := datum.Unpack(s.of, whole)
		fields := slices.Clone(row.Fields)
		if row.Valid != nil {
			for i, f := range fields {
				fields[i] = masked(f, row.Valid)
			}
		}
		if fields[s.field], err = store(x, steps[1:], bounds[1:], fields[s.field], value); err != nil {
			return nil, err
		}
		return datum.Pack(s.of, &vec.Column{Kind: vec.Struct, Len: whole.Len, Fields: fields}), nil
	case s.of.OID == datum.JSONB:
		return s.document(x, bounds[0], whole, value)
	case len(steps) > 1:
		if inner, err = store(x, steps[1:], bounds[1:], s.place.elements(whole, bounds[0]).Flat(), value); err != nil {
			return nil, err
		}
	}
	return s.array(x, bounds[0], whole, inner)
}

// document sets what is at a path of documents.
func (s *assignStep) document(x *EvalCtx, path []*vec.Column, whole, value *vec.Column) (*vec.Column, error) {
	var empty, null jsonb.Builder
	if null.Null(); s.numbers {
		empty.BeginArray()
	} else {
		empty.BeginObject()
	}
	empty.End()
	out, keys := vec.NewBuilder(vec.Bytes, whole.Len), make([]string, len(path))
	for i := range whole.Len {
		for k, p := range path {
			keys[k] = string(p.Bytes(i))
		}
		doc, v := empty.Bytes(), null.Bytes()
		if !whole.Null(i) {
			doc = whole.Bytes(i)
		}
		if !value.Null(i) {
			v = value.Bytes(i)
		}
		if err := out.AppendWith(func(dst []byte) ([]byte, error) { return funcs.AssignJSON(x.Fn, dst, doc, keys, v) }); err != nil {
			return nil, err
		}
		if err := x.Fn.Made(out, i); err != nil {
			return nil, err
		}
	}
	return out.Finish(), nil
}

// array sets elements or slices of arrays.
func (s *assignStep) array(x *EvalCtx, bounds []*vec.Column, whole, value *vec.Column) (*vec.Column, error) {
	out := newBuilder(s.of, whole.Len)
	for i := range whole.Len {
		src := source{value, i, i + 1}
		if s.place.slice {
			if value.Null(i) && !whole.Null(i) {
				out.AppendFrom(whole, i)
				continue
			} else if value.Null(i) {
				out.AppendList()
				continue
			}
			src.elems, src.from, src.to = value.List(i)
		}
		if err := setPart(x, out, whole, i, s.place.slice, bounds, src); err != nil {
			return nil, err
		}
		if err := x.Fn.Made(out, i); err != nil {
			return nil, err
		}
	}
	return out.Finish(), nil
}

// source is the elements that go into an array.
type source struct {
	elems    *vec.Column
	from, to int
}

// span is a range of subscripts of one dimension, both ends in it.
type span struct{ lower, upper int64 }

func (s span) len() int64             { return s.upper - s.lower + 1 }
func (s span) has(i int64) bool       { return s.lower <= i && i <= s.upper }
func (s span) covers(inner span) bool { return s.lower <= inner.lower && inner.upper <= s.upper }

// setPart appends the array in row i with its part in the bounds replaced. An array of one dimension grows as far as it must.
func setPart(x *EvalCtx, out *vec.Builder, whole *vec.Column, i int, slice bool, bounds []*vec.Column, src source) error {
	var old []span
	old0, from := whole, 0
	if !whole.Null(i) {
		for _, d := range whole.Dims(i) {
			old = append(old, span{int64(d.Lower), int64(d.Lower) + int64(d.Len) - 1})
		}
		old0, from, _ = whole.List(i)
	}
	part, err := partIn(old, i, slice, bounds)
	if err != nil {
		return err
	}
	count := int64(1)
	for _, p := range part {
		if count *= max(p.len(), 0); p.len() < 0 || count > datum.MaxElems {
			return datum.ArrayTooLarge()
		}
	}
	if count > int64(src.to-src.from) {
		return pgerr.New(pgerr.ArraySubscriptError, "source array too small")
	}
	all := slices.Clone(old)
	switch {
	case len(old) == 0:
		all = part
	case len(old) == 1:
		all[0] = span{min(old[0].lower, part[0].lower), max(old[0].upper, part[0].upper)}
	}
	if count == 0 {
		all = nil
	}
	dims := make([]vec.Dim, len(all))
	for k, a := range all {
		if a.len() > datum.MaxElems {
			return datum.ArrayTooLarge()
		}
		if err := x.Fn.Allow(a.len() * 8); err != nil {
			return err
		}
		dims[k] = vec.Dim{Len: int32(a.len()), Lower: int32(a.lower)}
	}
	if err := datum.CheckDims(dims); err != nil {
		return err
	}
	if len(all) > 0 {
		w := &partWriter{out: out.Elem(), all: all, old: old, part: part, elems: old0, next: from, src: src}
		w.walk(0, true, len(old) > 0)
	}
	out.AppendShaped(dims)
	return nil
}

// partIn is the part of an array that the bounds in row i name, in all its dimensions.
func partIn(old []span, i int, slice bool, bounds []*vec.Column) ([]span, error) {
	given := len(bounds)
	if slice {
		given /= 2
	}
	part := make([]span, max(len(old), given))
	copy(part, old)
	for k := range given {
		lower, upper := bounds[k], bounds[k]
		if slice {
			upper = bounds[given+k]
		}
		if len(old) == 0 && (lower == nil || upper == nil) {
			return nil, pgerr.New(pgerr.ArraySubscriptError, "array slice subscript must provide both boundaries").
				WithDetail("When assigning to a slice of an empty array value, slice boundaries must be fully specified.")
		}
		if lower != nil {
			part[k].lower = lower.Int(i)
		}
		if upper != nil {
			part[k].upper = upper.Int(i)
		}
	}
	switch {
	case len(old) == 0:
		return part, nil
	case len(old) < given || len(old) > given && !slice:
		return nil, pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
	}
	for k, p := range part {
		switch {
		case p.lower > p.upper:
			return nil, pgerr.New(pgerr.ArraySubscriptError, "upper bound cannot be less than lower bound")
		case len(old) > 1 && !old[k].covers(p):
			return nil, pgerr.New(pgerr.ArraySubscriptError, "array subscript out of range")
		}
	}
	return part, nil
}

// partWriter writes the elements of a changed array in their order.
type partWriter struct {
	out            *vec.Builder
	all, old, part []span
	elems          *vec.Column // of the array as it was
	next           int         // of them, the one whose turn it is
	src            source
}

// walk writes what lies in dimension k and those behind it; in says whether the subscripts in front are the part's, was whether the array had them.
func (w *partWriter) walk(k int, in, was bool) {
	for i := w.all[k].lower; i <= w.all[k].upper; i++ {
		in, was := in && w.part[k].has(i), was && w.old[k].has(i)
		if k+1 < len(w.all) {
			w.walk(k+1, in, was)
			continue
		}
		switch {
		case in:
			w.out.AppendFrom(w.src.elems, w.src.from)
			w.src.from++
		case was:
			w.out.AppendFrom(w.elems, w.next)
		default:
			w.out.AppendNull()
		}
		if was {
			w.next++
		}
	}
}
