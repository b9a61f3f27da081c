package op

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// windowAggregate computes an aggregate over the frame of each row. What is cheapest depends on the frame and the aggregate:
// a state per partition where the frame is all of it; a tree of extremes for minima and maxima whose frames lose rows; one state
// that goes along, from which rows are taken out where that gives the same result and which is made anew where it does not,
// as for floats; and for what is only collected each frame by itself.
type windowAggregate struct {
	o      *window
	call   *windowCall
	parts  *funcs.Partitions
	args   []*vec.Column
	filter *vec.Column
	left   []bool // rows that are left out: by the filter, or because a strict aggregate does not take nulls; nil for none
}

func (a *windowAggregate) column() (*vec.Column, error) {
	a.left = a.leftOut()
	acc := a.call.Agg.New(typesOf(a.call.Args))
	step, steps := acc.(funcs.Stepper)
	switch {
	case a.call.frame.whole(len(a.o.w.order) > 0):
		return a.perPartition(acc)
	case a.losesRows() && (a.call.Agg.Name == "min" || a.call.Agg.Name == "max") && len(a.args) == 1:
		return a.extremes(), nil
	case steps:
		return a.along(step)
	}
	return a.each()
}

// leftOut finds the rows that the aggregate does not take.
func (a *windowAggregate) leftOut() []bool {
	var out []bool
	mark := func(i int) {
		if out == nil {
			out = make([]bool, a.parts.Len)
		}
		out[i] = true
	}
	if a.filter != nil {
		for i := range a.parts.Len {
			if a.filter.Null(i) || !a.filter.Bool(i) {
				mark(i)
			}
		}
	}
	if !a.call.Agg.Strict {
		return out
	}
	for _, c := range a.args {
		if !c.HasNulls() {
			continue
		}
		for i := range a.parts.Len {
			if c.Null(i) {
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
func (a *windowAggregate) perPartition(acc funcs.Accumulator) (*vec.Column, error) {
	number := make([]int32, a.parts.Len)
	for k := 1; k < len(a.parts.Starts); k++ {
		for i := a.parts.Starts[k-1]; i < a.parts.Starts[k]; i++ {
			number[i] = int32(k - 1)
		}
	}
	groups := number
	if a.left != nil {
		groups = slices.Clone(number)
		for i, l := range a.left {
			if l {
				groups[i] = -1
			}
		}
	}
	n := len(a.parts.Starts) - 1
	acc.Grow(n)
	if err := acc.Add(a.o.env.X.Fn, a.args, groups, a.parts.Len); err != nil {
		return nil, err
	}
	out, err := acc.Result(a.o.env.X.Fn, n)
	if err != nil {
		return nil, err
	}
	return out.Take(number), nil
}

// States of along: one that never takes a row, the one that goes along, and the results.
const (
	emptyState = iota
	movingState
	firstResult
)

// along moves one state over the rows. Rows with the same frame share a result.
func (a *windowAggregate) along(acc funcs.Stepper) (*vec.Column, error) {
	f := a.parts.Frames
	acc.Grow(firstResult + a.parts.Len)
	m := &movingFrame{a: a, acc: acc}
	m.remover, _ = acc.(funcs.Remover)
	result := make([]int32, a.parts.Len)
	n := int32(firstResult)
	for k := 1; k < len(a.parts.Starts); k++ {
		from, to := a.parts.Starts[k-1], a.parts.Starts[k]
		m.clear(from)
		for i := from; i < to; i++ {
			if i > from && f.From == nil && f.Head[i] == f.Head[i-1] && f.Tail[i] == f.Tail[i-1] {
				result[i] = result[i-1]
				continue
			}
			if err := m.move(f, int(i)); err != nil {
				return nil, err
			}
			acc.Copy(m.state, n)
			result[i] = n
			n++
		}
	}
	out, err := acc.Result(a.o.env.X.Fn, int(n))
	if err != nil {
		return nil, err
	}
	return out.Take(result), nil
}

// movingFrame is the state of the rows [head, tail).
type movingFrame struct {
	a          *windowAggregate
	acc        funcs.Stepper
	remover    funcs.Remover // nil: rows cannot be taken out
	head, tail int32
	state      int32 // that of the frame asked for
	buf        [3]funcs.Piece
}

func (m *movingFrame) clear(at int32) {
	m.acc.Copy(emptyState, movingState)
	m.head, m.tail, m.state = at, at, movingState
}

func (m *movingFrame) take(from, to int32) error {
	for j := from; j < to; j++ {
		if m.a.left != nil && m.a.left[j] {
			continue
		}
		if err := m.acc.Step(m.a.args, int(j), movingState); err != nil {
			return err
		}
	}
	return nil
}

// drop takes the rows before head out of the state, if that can be done.
func (m *movingFrame) drop(head int32) bool {
	if m.remover == nil || head > m.tail {
		return false
	}
	for j := m.head; j < head; j++ {
		if (m.a.left == nil || !m.a.left[j]) && !m.remover.Remove(m.a.args, int(j), movingState) {
			return false
		}
	}
	m.head = head
	return true
}

// move makes the state of row i's frame.
func (m *movingFrame) move(f *funcs.Frames, i int) error {
	if f.From != nil { // rows are missing inside the frame
		m.clear(f.Head[i])
		for _, p := range f.Pieces(i, m.buf[:]) {
			if err := m.take(p.From, p.To); err != nil {
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
	if head != m.head && !m.drop(head) {
		m.clear(head)
	}
	if err := m.take(m.tail, tail); err != nil {
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
	var pieces []*vec.Column
	var rows, groups []int32
	var buf [3]funcs.Piece
	done, n, held := int32(0), int32(0), int64(0)
	flush := func() error {
		acc := a.call.Agg.New(typesOf(a.call.Args))
		acc.Grow(int(n - done))
		args := make([]*vec.Column, len(a.args))
		for k, c := range a.args {
			args[k] = c.Take(rows)
		}
		if err := acc.Add(a.o.env.X.Fn, args, groups, len(rows)); err != nil {
			return err
		}
		col, err := acc.Result(a.o.env.X.Fn, int(n-done))
		if err != nil {
			return err
		}
		held += int64(col.MemSize())
		pieces = append(pieces, col)
		done, rows, groups = n, rows[:0], groups[:0]
		return a.o.acct.need(a.o.full.size() + held)
	}
	for i := range a.parts.Len {
		if i > 0 && f.From == nil && f.Head[i] == f.Head[i-1] && f.Tail[i] == f.Tail[i-1] {
			result[i] = result[i-1]
			continue
		}
		for _, p := range f.Pieces(i, buf[:]) {
			for j := p.From; j < p.To; j++ {
				if a.left == nil || !a.left[j] {
					rows, groups = append(rows, j), append(groups, n-done)
				}
			}
		}
		result[i] = n
		n++
		if len(rows) >= collectedRows {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if n > done || len(pieces) == 0 {
		if err := flush(); err != nil {
			return nil, err
		}
	}
	return concat(a.call.Typ, pieces).Take(result), nil
}

// extremes finds the least or greatest value of each frame in a tree over the rows; of equal values the last, as when they are
// compared one by one.
func (a *windowAggregate) extremes() *vec.Column {
	col := a.args[0]
	n := a.parts.Len
	better := a.better(col)
	pick := func(x, y int32) int32 {
		if x < 0 || y >= 0 && better(x, y) {
			return y
		}
		return x
	}
	tree := make([]int32, 2*n)
	for i := range n {
		tree[n+i] = int32(i)
		if a.left != nil && a.left[i] {
			tree[n+i] = -1
		}
	}
	for i := n - 1; i > 0; i-- {
		tree[i] = pick(tree[2*i], tree[2*i+1])
	}
	f := a.parts.Frames
	idx := make([]int32, n)
	var buf [3]funcs.Piece
	for i := range n {
		best := int32(-1)
		for _, p := range f.Pieces(i, buf[:]) {
			left, right := int32(-1), int32(-1)
			for lo, hi := int(p.From)+n, int(p.To)+n; lo < hi; lo, hi = lo/2, hi/2 {
				if lo&1 == 1 {
					left = pick(left, tree[lo])
					lo++
				}
				if hi&1 == 1 {
					hi--
					right = pick(tree[hi], right)
				}
			}
			best = pick(best, pick(left, right))
		}
		idx[i] = best
	}
	return col.Take(idx)
}

// better reports whether row y's value is to be preferred to that of row x, which comes before it.
func (a *windowAggregate) better(col *vec.Column) func(x, y int32) bool {
	t, least := a.call.Args[0].Type(), a.call.Agg.Name == "min"
	if col.Kind == vec.Int64 && col.Codes == nil && t.OID != datum.TimeTZ {
		if least {
			return func(x, y int32) bool { return col.I64[y] <= col.I64[x] }
		}
		return func(x, y int32) bool { return col.I64[y] >= col.I64[x] }
	}
	return func(x, y int32) bool {
		c := datum.Compare(t, col, int(y), col, int(x))
		return c == 0 || c < 0 == least
	}
}
