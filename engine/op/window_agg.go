package op

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// windowAggregate computes an aggregate over the frame of each row. What is cheapest depends on the frame and the aggregate:
// a state per partition where the frame is all of it; a tree of extremes for minima and maxima whose frames lose rows; one state
// that goes along, from which rows are taken out where that gives the same result and which is made anew where it does not,
// as for floats; and for what is only collected each frame by itself.
type windowAggregate struct {
	o     *window
	call  *windowCall
	parts *funcs.Partitions
	rows  argRows
	acc   funcs.Accumulator
	along *movingFrame
}

// argRows gives the arguments of an aggregate, some rows at a time.
type argRows interface {
	// with gives the rows around one.
	with(row int32) (*argPiece, error)
}

// argPiece is the arguments in rows [from, to).
type argPiece struct {
	from, to int32
	args     []*vec.Column
	left     []bool // rows that are left out: by the filter, or because a strict aggregate does not take nulls; nil for none
}

// with is that of rows that are all there.
func (p *argPiece) with(int32) (*argPiece, error) { return p, nil }

func (p *argPiece) leaves(i int32) bool { return p.left != nil && p.left[i] }

// piece makes the arguments of rows [from, to) out of what is held of them.
func (c *windowCall) piece(from, to int32, held []*vec.Column) *argPiece {
	p := &argPiece{from: from, to: to, args: make([]*vec.Column, len(c.args))}
	for i, a := range c.args {
		p.args[i] = held[a]
	}
	p.left = c.leftOut(p.args, held, int(to-from))
	return p
}

func newWindowAggregate(o *window, c *windowCall, rows argRows) *windowAggregate {
	return &windowAggregate{o: o, call: c, rows: rows, acc: c.Agg.New(typesOf(c.Args))}
}

// column computes the aggregate where the rows are all there.
func (a *windowAggregate) column(p *argPiece) (*vec.Column, error) {
	switch {
	case a.call.frame.whole(len(a.o.w.order) > 0):
		return a.perPartition(p)
	case a.losesRows() && a.call.isExtreme():
		return a.extremes(p), nil
	}
	return a.overFrames()
}

// overFrames computes the aggregate frame by frame.
func (a *windowAggregate) overFrames() (*vec.Column, error) {
	if step, ok := a.acc.(funcs.Stepper); ok {
		return a.moving(step)
	}
	return a.each()
}

// isExtreme reports whether the call is one that a tree answers.
func (c *windowCall) isExtreme() bool {
	return (c.Agg.Name == "min" || c.Agg.Name == "max") && len(c.args) == 1
}

// leftOut finds the rows that the aggregate does not take.
func (c *windowCall) leftOut(args, held []*vec.Column, n int) []bool {
	var out []bool
	mark := func(i int) {
		if out == nil {
			out = make([]bool, n)
		}
		out[i] = true
	}
	if c.filter >= 0 {
		filter := held[c.filter]
		for i := range n {
			if filter.Null(i) || !filter.Bool(i) {
				mark(i)
			}
		}
	}
	if !c.Agg.Strict {
		return out
	}
	for _, a := range args {
		if !a.HasNulls() {
			continue
		}
		for i := range n {
			if a.Null(i) {
				mark(i)
			}
		}
	}
	return out
}

// losesRows reports whether a frame may lack rows that the frame of the row before had.
func (a *windowAggregate) losesRows() bool {
	f := a.parts.Frames
	if f.From != nil {
		return true
	}
	for k := 1; k < len(a.parts.Starts); k++ {
		if from, to := a.parts.Starts[k-1], a.parts.Starts[k]; f.Head[to-1] > from {
			return true
		}
	}
	return false
}

// perPartition makes one state per partition.
func (a *windowAggregate) perPartition(p *argPiece) (*vec.Column, error) {
	number := make([]int32, a.parts.Len)
	for k := 1; k < len(a.parts.Starts); k++ {
		for i := a.parts.Starts[k-1]; i < a.parts.Starts[k]; i++ {
			number[i] = int32(k - 1)
		}
	}
	n := len(a.parts.Starts) - 1
	a.acc.Grow(n)
	if err := a.acc.Add(a.o.env.X.Fn, p.args, p.groups(number), a.parts.Len); err != nil {
		return nil, err
	}
	out, err := a.acc.Result(a.o.env.X.Fn, n)
	if err != nil {
		return nil, err
	}
	return out.Take(number), nil
}

// groups takes the number from the rows that are left out.
func (p *argPiece) groups(number []int32) []int32 {
	if p.left == nil {
		return number
	}
	groups := slices.Clone(number)
	for i, l := range p.left {
		if l {
			groups[i] = -1
		}
	}
	return groups
}

// States of moving: one that never takes a row, the one that goes along, and the results.
const (
	emptyState = iota
	movingState
	firstResult
)

// moving moves one state over the rows, which goes on where the one of the slice before ended. Rows with the same frame share a
// result.
func (a *windowAggregate) moving(acc funcs.Stepper) (*vec.Column, error) {
	f := a.parts.Frames
	acc.Grow(firstResult + a.parts.Len)
	if a.along == nil {
		a.along = &movingFrame{rows: a.rows, acc: acc}
		a.along.remover, _ = acc.(funcs.Remover)
	}
	m := a.along
	result := make([]int32, a.parts.Len)
	n := int32(firstResult)
	for k := 1; k < len(a.parts.Starts); k++ {
		from, to := max(a.parts.Starts[k-1], 0), min(a.parts.Starts[k], int32(a.parts.Len))
		if a.parts.Starts[k-1] >= 0 {
			m.clear(from)
		}
		for i := from; i < to; i++ {
			if i > from && f.From == nil && f.Head[i] == f.Head[i-1] && f.Tail[i] == f.Tail[i-1] {
				result[i] = result[i-1]
				continue
			}
			if err := m.move(a.o.env.X.Fn.Context, f, int(i)); err != nil {
				return nil, err
			}
			acc.Copy(m.state, n)
			result[i] = n
			n++
		}
	}
	m.shift(int32(a.parts.Len))
	out, err := acc.Result(a.o.env.X.Fn, int(n))
	if err != nil {
		return nil, err
	}
	return out.Take(result), nil
}

// movingFrame is the state of the rows [head, tail).
type movingFrame struct {
	rows       argRows
	acc        funcs.Stepper
	remover    funcs.Remover // nil: rows cannot be taken out
	head, tail int32
	state      int32 // that of the frame asked for
	steps      int   // since the last look at whether the statement goes on
	buf        [3]funcs.Piece
}

func (m *movingFrame) clear(at int32) {
	m.acc.Copy(emptyState, movingState)
	m.head, m.tail, m.state = at, at, movingState
}

// shift counts rows from the one by rows further on.
func (m *movingFrame) shift(by int32) { m.head, m.tail = m.head-by, m.tail-by }

func (m *movingFrame) take(ctx context.Context, from, to int32) error {
	if m.steps += int(to - from); m.steps > collectedRows {
		m.steps = 0
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for from < to {
		p, err := m.rows.with(from)
		if err != nil {
			return err
		}
		end := min(to, p.to)
		for j := from - p.from; j < end-p.from; j++ {
			if p.leaves(j) {
				continue
			}
			if err := m.acc.Step(p.args, int(j), movingState); err != nil {
				return err
			}
		}
		from = end
	}
	return nil
}

// drop takes the rows before head out of the state, if that can be done.
func (m *movingFrame) drop(head int32) (bool, error) {
	if m.remover == nil || head > m.tail {
		return false, nil
	}
	for m.head < head {
		p, err := m.rows.with(m.head)
		if err != nil {
			return false, err
		}
		end := min(head, p.to)
		for j := m.head - p.from; j < end-p.from; j++ {
			if !p.leaves(j) && !m.remover.Remove(p.args, int(j), movingState) {
				return false, nil
			}
		}
		m.head = end
	}
	return true, nil
}

// move makes the state of row i's frame.
func (m *movingFrame) move(ctx context.Context, f *funcs.Frames, i int) error {
	if f.From != nil { // rows are missing inside the frame
		m.clear(f.Head[i])
		for _, p := range f.Pieces(i, m.buf[:]) {
			if err := m.take(ctx, p.From, p.To); err != nil {
				return err
			}
		}
		return nil
	}
	head, tail := f.Head[i], f.Tail[i]
	if tail <= head {
		m.state = emptyState
		return nil
	}
	m.state = movingState
	if head != m.head {
		dropped, err := m.drop(head)
		if err != nil {
			return err
		}
		if !dropped {
			m.clear(head)
		}
	}
	if err := m.take(ctx, m.tail, tail); err != nil {
		return err
	}
	m.tail = max(m.tail, tail)
	return nil
}

// collectedRows is how many rows of frames are collected at a time.
const collectedRows = 1 << 16

// each aggregates every frame by itself.
func (a *windowAggregate) each() (*vec.Column, error) {
	f := a.parts.Frames
	result := make([]int32, a.parts.Len)
	e := &eachFrame{a: a}
	var buf [3]funcs.Piece
	for i := range a.parts.Len {
		if i > 0 && f.From == nil && f.Head[i] == f.Head[i-1] && f.Tail[i] == f.Tail[i-1] {
			result[i] = result[i-1]
			continue
		}
		for _, p := range f.Pieces(i, buf[:]) {
			if err := e.take(p.From, p.To); err != nil {
				return nil, err
			}
		}
		result[i] = e.done + e.n
		e.n++
		if e.taken >= collectedRows {
			if err := e.flush(); err != nil {
				return nil, err
			}
		}
	}
	if e.n > 0 || len(e.pieces) == 0 {
		if err := e.flush(); err != nil {
			return nil, err
		}
	}
	return concat(a.call.Typ, e.pieces).Take(result), nil
}

// eachFrame collects the rows of some frames.
type eachFrame struct {
	a            *windowAggregate
	acc          funcs.Accumulator
	piece        *argPiece // that rows are in
	rows, groups []int32
	n, done      int32 // frames that are collected, and those before them
	taken        int
	pieces       []*vec.Column
	held         int64
}

// take collects rows for the present frame.
func (e *eachFrame) take(from, to int32) error {
	for from < to {
		p, err := e.a.rows.with(from)
		if err != nil {
			return err
		}
		if p != e.piece {
			if err := e.add(); err != nil {
				return err
			}
			e.piece = p
		}
		end := min(to, p.to, from+collectedRows)
		for j := from - p.from; j < end-p.from; j++ {
			if !p.leaves(j) {
				e.rows, e.groups = append(e.rows, j), append(e.groups, e.n)
			}
		}
		if len(e.rows) >= collectedRows {
			if err := e.add(); err != nil {
				return err
			}
		}
		e.taken += int(end - from)
		from = end
	}
	return nil
}

// add gives the rows of a piece to the aggregate.
func (e *eachFrame) add() error {
	if len(e.rows) == 0 {
		return nil
	}
	if err := e.a.o.env.X.Fn.Context.Err(); err != nil {
		return err
	}
	if e.acc == nil {
		e.acc = e.a.call.Agg.New(typesOf(e.a.call.Args))
	}
	e.acc.Grow(int(e.n) + 1)
	args := make([]*vec.Column, len(e.piece.args))
	for k, c := range e.piece.args {
		args[k] = c.Take(e.rows)
	}
	err := e.acc.Add(e.a.o.env.X.Fn, args, e.groups, len(e.rows))
	e.rows, e.groups = e.rows[:0], e.groups[:0]
	if err != nil {
		return err
	}
	return e.a.o.need(e.held + int64(e.acc.MemSize()))
}

// flush ends the frames that are collected.
func (e *eachFrame) flush() error {
	if err := e.add(); err != nil {
		return err
	}
	if e.acc == nil {
		e.acc = e.a.call.Agg.New(typesOf(e.a.call.Args))
	}
	e.acc.Grow(int(e.n))
	col, err := e.acc.Result(e.a.o.env.X.Fn, int(e.n))
	if err != nil {
		return err
	}
	e.held += int64(col.MemSize())
	e.pieces = append(e.pieces, col)
	e.acc, e.done, e.n, e.taken = nil, e.done+e.n, 0, 0
	return e.a.o.need(e.held)
}
