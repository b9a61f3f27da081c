package op

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// frameSpec is a frame of a window; calls with the same frame share one.
type frameSpec struct {
	plan.Frame
	x          *expr.EvalCtx
	evaluated  bool
	start, end *vec.Column // the offsets, a row each
	frames     *funcs.Frames
}

func (f *frameSpec) compile(x *expr.EvalCtx) { f.x = x }

// ranged reports whether the frame is told by values: RANGE with an offset.
func (f *frameSpec) ranged() bool {
	return f.Mode == syntax.FrameRange && (f.Start.Offset != nil || f.End.Offset != nil)
}

func (f *frameSpec) needsPeers() bool {
	if f.Exclude == syntax.ExcludeGroup || f.Exclude == syntax.ExcludeTies || f.Mode == syntax.FrameGroups {
		return true
	}
	return f.Mode == syntax.FrameRange && (f.Start.Kind == syntax.FrameCurrentRow || f.End.Kind == syntax.FrameCurrentRow)
}

// whole reports whether the frame is always the whole partition.
func (f *frameSpec) whole(ordered bool) bool {
	if f.Exclude != syntax.ExcludeNoOthers || f.Start.Kind != syntax.FrameUnboundedPreceding {
		return false
	}
	return f.End.Kind == syntax.FrameUnboundedFollowing || f.End.Kind == syntax.FrameCurrentRow && f.Mode != syntax.FrameRows && !ordered
}

// losesRows reports whether a frame may lack rows that the frame of the row before had.
func (f *frameSpec) losesRows() bool {
	return f.Exclude != syntax.ExcludeNoOthers || f.Start.Kind != syntax.FrameUnboundedPreceding
}

// offsets evaluates the offsets, when the first row asks for them.
func (f *frameSpec) offsets() (err error) {
	if f.evaluated {
		return nil
	}
	f.evaluated = true
	one := func(b plan.FrameBound, name string) *vec.Column {
		if b.Offset == nil || err != nil {
			return nil
		}
		var v *vec.Column
		if v, err = expr.Value(f.x, b.Offset); err != nil {
			return nil
		}
		switch {
		case v.Null(0):
			err = pgerr.New(pgerr.NullValueNotAllowed, "frame %s offset must not be null", name)
		case f.Mode != syntax.FrameRange && v.Int(0) < 0:
			err = pgerr.New(pgerr.InvalidPrecedingOrFollowing, "frame %s offset must not be negative", name)
		}
		return v
	}
	f.start = one(f.Start, "starting")
	f.end = one(f.End, "ending")
	return err
}

// find computes the frames of the rows that m has.
func (f *frameSpec) find(m *frameMaker) error {
	if err := f.offsets(); err != nil {
		return err
	}
	parts := m.parts
	if f.whole(len(m.o.w.order) > 0) {
		f.frames = wholeFrames(parts)
		return nil
	}
	m.f = f
	if f.needsPeers() && m.group == nil {
		m.number()
	}
	out := &funcs.Frames{}
	var err error
	if out.Head, err = m.bound(f.Start, f.start, false); err != nil {
		return err
	}
	if out.Tail, err = m.bound(f.End, f.end, true); err != nil {
		return err
	}
	switch f.Exclude {
	case syntax.ExcludeCurrentRow:
		out.From, out.To = make([]int32, parts.Len), make([]int32, parts.Len)
		for i := range out.From {
			out.From[i], out.To[i] = int32(i), int32(i)+1
		}
	case syntax.ExcludeGroup, syntax.ExcludeTies:
		out.From, out.To = m.peerBound(false), m.peerBound(true)
		out.KeepSelf = f.Exclude == syntax.ExcludeTies
	}
	f.frames = out
	return nil
}

func wholeFrames(parts *funcs.Partitions) *funcs.Frames {
	out := &funcs.Frames{Head: make([]int32, parts.Len), Tail: make([]int32, parts.Len)}
	for k := 1; k < len(parts.Starts); k++ {
		from, to := parts.Starts[k-1], parts.Starts[k]
		for i := max(from, 0); i < min(to, int32(parts.Len)); i++ {
			out.Head[i], out.Tail[i] = from, to
		}
	}
	return out
}

// frameMaker finds one end of all frames at a time.
type frameMaker struct {
	o     *window
	parts *funcs.Partitions
	key   *vec.Column  // that RANGE with offsets looks at
	paged *pagedWindow // of which the rows are a slice; nil: they are all there

	f     *frameSpec
	group []int32 // place in parts.Peers of each row's group of peers
}

func (m *frameMaker) number() {
	m.group = make([]int32, m.parts.Len)
	for g := 1; g < len(m.parts.Peers); g++ {
		for i := max(m.parts.Peers[g-1], 0); i < min(m.parts.Peers[g], int32(m.parts.Len)); i++ {
			m.group[i] = int32(g - 1)
		}
	}
}

// peerBound is the end of each row's group of peers: where it begins, or the row after it.
func (m *frameMaker) peerBound(after bool) []int32 {
	out := make([]int32, m.parts.Len)
	for i, g := range m.group {
		if after {
			g++
		}
		out[i] = m.parts.Peers[g]
	}
	return out
}

// bound gives for each row where its frame begins, or with after the row behind its frame.
func (m *frameMaker) bound(b plan.FrameBound, offset *vec.Column, after bool) ([]int32, error) {
	switch {
	case b.Kind == syntax.FrameUnboundedPreceding || b.Kind == syntax.FrameUnboundedFollowing:
		whole := wholeFrames(m.parts)
		if after {
			return whole.Tail, nil
		}
		return whole.Head, nil
	case b.Kind == syntax.FrameCurrentRow && m.f.Mode != syntax.FrameRows:
		return m.peerBound(after), nil
	case m.f.Mode == syntax.FrameRange:
		return m.rangeBound(b.Kind == syntax.FramePreceding, offset, after)
	}
	by := int64(0)
	if offset != nil {
		by = min(offset.Int(0), math.MaxInt32)
	}
	if b.Kind == syntax.FramePreceding {
		by = -by
	}
	if m.f.Mode == syntax.FrameGroups {
		return m.groupBound(by, after), nil
	}
	if after {
		by++
	}
	out := make([]int32, m.parts.Len)
	for k := 1; k < len(m.parts.Starts); k++ {
		from, to := int64(m.parts.Starts[k-1]), int64(m.parts.Starts[k])
		for i := max(from, 0); i < min(to, int64(m.parts.Len)); i++ {
			out[i] = int32(min(max(i+by, from), to))
		}
	}
	return out, nil
}

// groupBound counts in groups of peers.
func (m *frameMaker) groupBound(by int64, after bool) []int32 {
	if after {
		by++
	}
	out := make([]int32, m.parts.Len)
	if m.paged != nil {
		for i, g := range m.group {
			out[i] = m.paged.groupStart(int64(m.parts.Group) + int64(g) + by)
		}
		return out
	}
	for k := 1; k < len(m.parts.Starts); k++ {
		from, to := m.parts.Starts[k-1], m.parts.Starts[k]
		first, last := int64(m.group[from]), int64(m.group[to-1])
		for i := from; i < to; i++ {
			g := min(max(int64(m.group[i])+by, first), last+1)
			out[i] = m.parts.Peers[g]
		}
	}
	return out
}

// rangeBound moves along the values of the window's order: the edge of each row's frame is never before that of the row before.
func (m *frameMaker) rangeBound(preceding bool, offset *vec.Column, after bool) ([]int32, error) {
	order := m.o.w.node.Order[0]
	t := order.Expr.Type()
	sub, less := preceding != order.Desc, after != order.Desc
	values, edges, err := funcs.RangeEdges(m.o.env.X.Fn, t, m.key, offset, sub, less)
	if err != nil {
		return nil, err
	}
	if t.OID == datum.Date {
		t = datum.T(datum.Timestamp)
	}
	// before reports whether the value in row j of vals is to the left of the edge of row i.
	before := func(vals *vec.Column, j, i int) bool {
		jn, in := vals.Null(j), values.Null(i)
		switch {
		case jn || in:
			if after {
				return jn && in || jn == order.NullsFirst
			}
			return jn != in && jn == order.NullsFirst
		case after:
			c := datum.Compare(t, vals, j, edges, i)
			return c == 0 || c < 0 == less
		}
		c := datum.Compare(t, vals, j, edges, i)
		return c != 0 && c < 0 != less
	}
	if m.paged != nil {
		return m.paged.moveEdge(m.f, after, m.parts.Len, before)
	}
	out := make([]int32, m.parts.Len)
	for k := 1; k < len(m.parts.Starts); k++ {
		at, to := int(m.parts.Starts[k-1]), int(m.parts.Starts[k])
		for i := at; i < to; i++ {
			for at < to && before(values, at, i) {
				at++
			}
			out[i] = int32(at)
		}
	}
	return out, nil
}
