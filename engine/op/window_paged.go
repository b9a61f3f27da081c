package op

import (
	"maps"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// pagedWindow computes the calls over a partition that is too large to be held, slice by slice in the order of its rows. Functions
// know their slice's place in the partition; what lies elsewhere is read from pages: rows that a function chooses, rows that come
// into a frame and rows that leave it.
type pagedWindow struct {
	o     *window
	rows  *pagedRows
	from  int // first row of the present slice
	calls []pagedCall
	edges map[*frameSpec][2]rangeEdge
}

// pagedCall is what a call keeps from slice to slice.
type pagedCall struct {
	state any              // of a function
	agg   *windowAggregate // goes along
	whole *vec.Column      // the result where each frame is the whole partition: one row
	tops  *pagedExtremes   // of minima and maxima
}

func newPagedWindow(o *window, rows *pagedRows) *pagedWindow {
	return &pagedWindow{o: o, rows: rows, calls: make([]pagedCall, len(o.w.calls)), edges: map[*frameSpec][2]rangeEdge{}}
}

// next computes the calls for the next rows: n of them, or fewer where what aggregates collect for so many does not fit.
func (p *pagedWindow) next(n int) ([]*vec.Column, int, error) {
	edges := maps.Clone(p.edges)
	for ; ; n = (n + 1) / 2 {
		out, parts, err := p.collected(n)
		if err != nil && n > 1 && pgerr.Is(err, pgerr.OutOfMemory) {
			p.edges = maps.Clone(edges)
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		for i := range out {
			if out[i] != nil {
				continue
			}
			if out[i], err = p.call(i, *parts); err != nil {
				return nil, 0, err
			}
		}
		p.from += n
		return out, n, nil
	}
}

// collected finds the frames of the next n rows and computes the calls that collect the rows of each: they keep nothing for the
// rows after those.
func (p *pagedWindow) collected(n int) ([]*vec.Column, *funcs.Partitions, error) {
	parts := p.slice(n)
	m := &frameMaker{o: p.o, parts: parts, paged: p}
	for _, f := range p.o.w.frames {
		if f.ranged() && m.key == nil {
			var err error
			if m.key, err = p.block(p.o.w.order[0], n); err != nil {
				return nil, nil, err
			}
		}
		if err := f.find(m); err != nil {
			return nil, nil, err
		}
	}
	out := make([]*vec.Column, len(p.calls))
	for i := range out {
		if c := &p.o.w.calls[i]; c.Fn != nil || p.isWhole(c) || p.isExtreme(c) || p.goesAlong(i) {
			continue
		}
		var err error
		if out[i], err = p.call(i, *parts); err != nil {
			return nil, nil, err
		}
	}
	return out, parts, nil
}

func (p *pagedWindow) isWhole(c *windowCall) bool   { return c.frame.whole(len(p.o.w.order) > 0) }
func (p *pagedWindow) isExtreme(c *windowCall) bool { return c.isExtreme() && c.frame.losesRows() }

// aggregateOf gives the state of call i.
func (p *pagedWindow) aggregateOf(i int) *windowAggregate {
	s := &p.calls[i]
	if s.agg == nil {
		c := &p.o.w.calls[i]
		s.agg = newWindowAggregate(p.o, c, &pagedArgs{p, c})
	}
	return s.agg
}

// goesAlong reports whether call i has a state that goes from slice to slice.
func (p *pagedWindow) goesAlong(i int) bool {
	_, ok := p.aggregateOf(i).acc.(funcs.Stepper)
	return ok
}

// call computes one call for the rows of a slice.
func (p *pagedWindow) call(i int, parts funcs.Partitions) (*vec.Column, error) {
	c := &p.o.w.calls[i]
	if c.frame != nil {
		parts.Frames = c.frame.frames
	}
	if c.Fn != nil {
		return p.function(c, &p.calls[i], &parts)
	}
	return p.aggregate(i, &parts)
}

// slice describes the next n rows.
func (p *pagedWindow) slice(n int) *funcs.Partitions {
	parts := &funcs.Partitions{Len: n, Starts: []int32{int32(-p.from), int32(p.rows.n - p.from)}}
	if m := p.rows.marks; m != nil {
		parts.Group = m.upTo(p.from) - 1
		for g := parts.Group; g <= m.upTo(p.from+n-1); g++ {
			parts.Peers = append(parts.Peers, p.groupStart(int64(g)))
		}
	}
	return parts
}

// groupStart is the first row of a group of peers, seen from the slice; that of groups that there are not is an end of the partition.
func (p *pagedWindow) groupStart(g int64) int32 {
	switch {
	case g < 0:
		return int32(-p.from)
	case g >= int64(p.rows.marks.n):
		return int32(p.rows.n - p.from)
	}
	return int32(p.rows.marks.at(int(g)) - p.from)
}

// block gives a column of the n rows of the slice.
func (p *pagedWindow) block(k, n int) (*vec.Column, error) {
	var pieces []*vec.Column
	for row, end := p.from, p.from+n; row < end; {
		page, err := p.rows.page(row)
		if err != nil {
			return nil, err
		}
		to := min(end, page.to)
		pieces = append(pieces, page.cols[k].Slice(row-page.from, to-page.from))
		row = to
	}
	return concat(p.o.w.types[k], pieces), nil
}

func (p *pagedWindow) function(c *windowCall, s *pagedCall, parts *funcs.Partitions) (*vec.Column, error) {
	args := make([]*vec.Column, len(c.args))
	for i, k := range c.args {
		if i == 0 && c.Fn.Pick != nil {
			continue
		}
		var err error
		if args[i], err = p.block(k, parts.Len); err != nil {
			return nil, err
		}
	}
	if c.Fn.Body != nil {
		parts.State = s.state
		out, err := c.Fn.Body(parts, args)
		s.state = parts.State
		return out, err
	}
	rows, err := c.Fn.Pick(parts, args)
	if err != nil {
		return nil, err
	}
	return p.picked(c, args, rows)
}

// picked is funcs.Picked for values that are in pages.
func (p *pagedWindow) picked(c *windowCall, args []*vec.Column, rows []int32) (*vec.Column, error) {
	var pieces []*vec.Column
	var run []int32 // rows of page
	page, err := p.rows.page(p.from)
	if err != nil {
		return nil, err
	}
	end := func() {
		if len(run) > 0 {
			pieces = append(pieces, page.cols[c.args[0]].Take(run))
			run = nil
		}
	}
	for i, at := range rows {
		switch {
		case at == funcs.NoValue && len(args) > 2:
			end()
			pieces = append(pieces, args[2].Slice(i, i+1))
			continue
		case at == funcs.NoRow || at == funcs.NoValue:
			run = append(run, -1)
			continue
		}
		if row := int(at) + p.from; row < page.from || row >= page.to {
			end()
			if page, err = p.rows.page(row); err != nil {
				return nil, err
			}
		}
		run = append(run, at+int32(p.from-page.from))
	}
	end()
	return concat(p.o.w.types[c.args[0]], pieces), nil
}

func (p *pagedWindow) aggregate(i int, parts *funcs.Partitions) (_ *vec.Column, err error) {
	c, s, agg := &p.o.w.calls[i], &p.calls[i], p.aggregateOf(i)
	agg.parts = parts
	switch {
	case p.isWhole(c):
		if s.whole == nil {
			if s.whole, err = p.overAll(c, agg.acc); err != nil {
				return nil, err
			}
		}
		return vec.Repeat(s.whole, 0, parts.Len), nil
	case p.isExtreme(c):
		if s.tops == nil {
			if s.tops, err = newPagedExtremes(p, c); err != nil {
				return nil, err
			}
		}
		return s.tops.column(parts)
	}
	return agg.overFrames()
}

// overAll aggregates the whole partition.
func (p *pagedWindow) overAll(c *windowCall, acc funcs.Accumulator) (*vec.Column, error) {
	acc.Grow(1)
	err := p.rows.each(func(page *rowPage) error {
		piece := page.piece(c, p.from)
		n := page.to - page.from
		if err := acc.Add(p.o.env.X.Fn, piece.args, piece.groups(make([]int32, n)), n); err != nil {
			return err
		}
		return p.o.need(int64(acc.MemSize()))
	})
	if err != nil {
		return nil, err
	}
	out, err := acc.Result(p.o.env.X.Fn, 1)
	if err != nil {
		return nil, err
	}
	return out, p.o.need(int64(out.MemSize()))
}

// pagedArgs gives the arguments of a call page by page, with rows counted from the present slice.
type pagedArgs struct {
	p *pagedWindow
	c *windowCall
}

func (a *pagedArgs) with(row int32) (*argPiece, error) {
	page, err := a.p.rows.page(int(row) + a.p.from)
	if err != nil {
		return nil, err
	}
	return page.piece(a.c, a.p.from), nil
}

// piece is the arguments of a call in the page, with rows counted from one on.
func (p *rowPage) piece(c *windowCall, from int) *argPiece {
	out := p.pieces[c]
	if out == nil {
		out = c.piece(0, int32(p.to-p.from), p.cols)
		if p.pieces == nil {
			p.pieces = map[*windowCall]*argPiece{}
		}
		p.pieces[c] = out
	}
	out.from, out.to = int32(p.from-from), int32(p.to-from)
	return out
}

// rangeEdge is the edge of the present row's frame, where RANGE has an offset: it never goes back.
type rangeEdge struct{ at int }

// moveEdge finds the edges of the n rows of the slice, where their frames begin or end; before compares a row with that of one of them.
func (p *pagedWindow) moveEdge(f *frameSpec, after bool, n int, before func(vals *vec.Column, j, i int) bool) ([]int32, error) {
	edges := p.edges[f]
	e := &edges[0]
	if after {
		e = &edges[1]
	}
	out := make([]int32, n)
	for i := range out {
		for e.at < p.rows.n {
			page, err := p.rows.page(e.at)
			if err != nil {
				return nil, err
			}
			if page.key == nil {
				k := p.o.w.order[0]
				if page.key, err = funcs.RangeValues(p.o.env.X.Fn, p.o.w.types[k], page.cols[k]); err != nil {
					return nil, err
				}
			}
			if !before(page.key, e.at-page.from, i) {
				break
			}
			e.at++
		}
		out[i] = int32(e.at - p.from)
	}
	p.edges[f] = edges
	return out, nil
}

// pagedExtremes answers minima and maxima by a tree in each page and one over the best rows of the pages.
type pagedExtremes struct {
	p    *pagedWindow
	c    *windowCall
	tops *vec.Column // the best value of each page
	tree *extremeTree
}

func newPagedExtremes(p *pagedWindow, c *windowCall) (*pagedExtremes, error) {
	var tops []*vec.Column
	var none []bool
	err := p.rows.each(func(page *rowPage) error {
		best := page.tree(c).best(0, int32(page.to-page.from))
		tops, none = append(tops, page.cols[c.args[0]].Take([]int32{best})), append(none, best < 0)
		return nil
	})
	if err != nil {
		return nil, err
	}
	e := &pagedExtremes{p: p, c: c, tops: concat(c.Args[0].Type(), tops).Flat()}
	e.tree = newExtremeTree(len(none), func(i int32) bool { return none[i] }, c.better(e.tops))
	return e, nil
}

func (p *rowPage) tree(c *windowCall) *extremeTree {
	t := p.trees[c]
	if t == nil {
		t = c.extremesOf(p.piece(c, 0))
		if p.trees == nil {
			p.trees = map[*windowCall]*extremeTree{}
		}
		p.trees[c] = t
	}
	return t
}

// found is a value; none where col is nil.
type found struct {
	col *vec.Column
	row int32
}

// pick chooses between two values of which x comes first.
func (e *pagedExtremes) pick(x, y found) found {
	if x.col == nil || y.col == nil {
		if y.col == nil {
			return x
		}
		return y
	}
	if d := datum.Compare(e.c.Args[0].Type(), y.col, int(y.row), x.col, int(x.row)); d == 0 || d < 0 == (e.c.Agg.Name == "min") {
		return y
	}
	return x
}

// inPage finds the best of rows [from, to) that are in one page.
func (e *pagedExtremes) inPage(from, to int) (found, error) {
	page, err := e.p.rows.page(from)
	if err != nil {
		return found{}, err
	}
	if row := page.tree(e.c).best(int32(from-page.from), int32(to-page.from)); row >= 0 {
		return found{page.cols[e.c.args[0]], row}, nil
	}
	return found{}, nil
}

// best finds the best of rows [from, to): of the end of a page, of whole pages and of the beginning of one.
func (e *pagedExtremes) best(from, to int) (found, error) {
	size := e.p.rows.size
	first, last := from/size, (to-1)/size
	if first == last {
		return e.inPage(from, to)
	}
	best, err := e.inPage(from, (first+1)*size)
	if err != nil {
		return found{}, err
	}
	if page := e.tree.best(int32(first+1), int32(last)); page >= 0 {
		best = e.pick(best, found{e.tops, page})
	}
	end, err := e.inPage(last*size, to)
	return e.pick(best, end), err
}

func (e *pagedExtremes) column(parts *funcs.Partitions) (*vec.Column, error) {
	out := datum.NewBuilder(e.c.Typ, parts.Len)
	var buf [3]funcs.Piece
	for i := range parts.Len {
		var best found
		for _, p := range parts.Frames.Pieces(i, buf[:]) {
			one, err := e.best(int(p.From)+e.p.from, int(p.To)+e.p.from)
			if err != nil {
				return nil, err
			}
			best = e.pick(best, one)
		}
		if best.col == nil {
			out.AppendNull()
		} else {
			out.AppendFrom(best.col, int(best.row))
		}
	}
	return out.Finish(), nil
}
