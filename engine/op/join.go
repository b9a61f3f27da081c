package op

import (
	"maps"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// Joining says how two inputs are combined; the joined row is the left columns, then the right ones.
type Joining struct {
	Kind                plan.JoinKind
	LeftTypes           []datum.Type
	RightTypes          []datum.Type
	LeftKeys, RightKeys []expr.Expr // equal in a match; nulls match nothing
	Cond                expr.Expr   // over the joined row, may be nil
	// Used are the columns of the joined row that are read above, nil: all. The others come out nil.
	Used map[int]bool
	// Together says that the inputs do their work when they are opened, and are to be opened at the same time.
	Together bool
}

func (j *Joining) keepsLeft() bool  { return j.Kind == plan.Left || j.Kind == plan.Full }
func (j *Joining) keepsRight() bool { return j.Kind == plan.Right || j.Kind == plan.Full }
func (j *Joining) leftOnly() bool   { return j.Kind == plan.Semi || j.Kind == plan.Anti }

// readsLeft adds the columns of the left input that the join reads to used, and reports whether all of them are.
func (j *Joining) readsLeft(used map[int]bool) (all bool) {
	for _, e := range j.LeftKeys {
		plan.Cols(e, used)
	}
	joined := maps.Clone(j.Used)
	if j.Cond != nil && joined != nil {
		plan.Cols(j.Cond, joined)
	}
	for c := range joined {
		if c < len(j.LeftTypes) {
			used[c] = true
		}
	}
	return j.Used == nil
}

// matcher turns candidate pairs of rows into the answer's pairs.
type matcher struct {
	*Joining
	env  *Env
	test *expr.Program
	cols map[int]bool // columns of the joined row that the condition reads
	hit  vec.Bitmap   // right rows that matched, where the kind asks for the others
}

func newMatcher(env *Env, j *Joining) *matcher {
	m := &matcher{Joining: j, env: env}
	if j.Cond != nil {
		m.test = expr.Compile(j.Cond, env.X)
		m.cols = map[int]bool{}
		plan.Cols(j.Cond, m.cols)
	}
	return m
}

// holds reports whether a column of the right input is wanted of rows that were joined.
func (m *matcher) holds(col int) bool {
	col += len(m.LeftTypes)
	return m.cols[col] || !m.leftOnly() && (m.Used == nil || m.Used[col])
}

// pairs is rows of a left and a right batch side by side; a negative one stands for nulls. Left rows ascend.
type pairs struct{ left, right []int32 }

// match applies the condition to candidates that hold all the pairs of left rows [from, to), and gives the pairs of the
// answer: for Semi and Anti only their left sides.
func (m *matcher) match(l, r *vec.Batch, c pairs, from, to int) (pairs, error) {
	c, err := m.filter(l, r, c)
	if err != nil {
		return pairs{}, err
	}
	if m.hit != nil {
		for _, x := range c.right {
			m.hit.Set(int(x))
		}
	}
	switch {
	case m.leftOnly():
		return m.sides(c, from, to), nil
	case m.keepsLeft():
		return withUnmatched(c, from, to), nil
	}
	return c, nil
}

// filter keeps the candidates for which the condition holds.
func (m *matcher) filter(l, r *vec.Batch, c pairs) (pairs, error) {
	if m.test == nil {
		return c, nil
	}
	var out pairs
	for at := 0; at < len(c.left); at += m.env.Rows {
		end := min(at+m.env.Rows, len(c.left))
		part := pairs{c.left[at:end], c.right[at:end]}
		sel, err := m.test.Filter(m.joined(l, r, part, m.cols))
		if err != nil {
			return pairs{}, err
		}
		for _, i := range sel {
			out.left = append(out.left, part.left[i])
			out.right = append(out.right, part.right[i])
		}
	}
	return out, nil
}

// joined makes a batch of joined rows; with only, of those columns alone.
func (m *matcher) joined(l, r *vec.Batch, p pairs, only map[int]bool) *vec.Batch {
	out := &vec.Batch{Len: len(p.left), Cols: make([]*vec.Column, len(l.Cols)+len(r.Cols))}
	whole := isWhole(p.left, l.Len)
	for i, c := range l.Cols {
		switch {
		case c == nil || only != nil && !only[i]:
		case whole:
			out.Cols[i] = c
		default:
			out.Cols[i] = c.Take(p.left)
		}
	}
	for i, c := range r.Cols {
		if k := len(l.Cols) + i; c != nil && (only == nil || only[k]) {
			out.Cols[k] = c.Take(p.right)
		}
	}
	return out
}

// isWhole reports whether rows are all of n in their order.
func isWhole(rows []int32, n int) bool {
	if len(rows) != n {
		return false
	}
	for i, r := range rows {
		if int(r) != i {
			return false
		}
	}
	return true
}

// sides gives the left rows [from, to) that have a pair, or for Anti those that have none.
func (m *matcher) sides(c pairs, from, to int) pairs {
	var out pairs
	k := 0
	for i := from; i < to; i++ {
		found := false
		for k < len(c.left) && int(c.left[k]) == i {
			found = true
			k++
		}
		if found == (m.Kind == plan.Semi) {
			out.left = append(out.left, int32(i))
		}
	}
	return out
}

// withUnmatched puts left rows without a pair in their place.
func withUnmatched(c pairs, from, to int) pairs {
	out := pairs{make([]int32, 0, len(c.left)+8), make([]int32, 0, len(c.left)+8)}
	k := 0
	for i := from; i < to; i++ {
		start := k
		for k < len(c.left) && int(c.left[k]) == i {
			k++
		}
		if k == start {
			out.left, out.right = append(out.left, int32(i)), append(out.right, -1)
			continue
		}
		out.left, out.right = append(out.left, c.left[start:k]...), append(out.right, c.right[start:k]...)
	}
	return out
}

// having lists the left rows that have a place among right rows, or for Anti those that have none.
func (m *matcher) having(at, rows []int32) []int32 {
	for i, k := range at {
		if k >= 0 == (m.Kind == plan.Semi) {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// emit cuts pairs into output batches.
func (m *matcher) emit(l, r *vec.Batch, p pairs) []*vec.Batch {
	var out []*vec.Batch
	for at := 0; at < len(p.left); at += m.env.Rows {
		out = append(out, m.rows(l, r, p, at, min(at+m.env.Rows, len(p.left))))
	}
	return out
}

// rows makes the rows of pairs [from, to).
func (m *matcher) rows(l, r *vec.Batch, p pairs, from, to int) *vec.Batch {
	if m.leftOnly() {
		return m.joined(l, &vec.Batch{}, pairs{p.left[from:to], nil}, m.Used)
	}
	return m.joined(l, r, pairs{p.left[from:to], p.right[from:to]}, m.Used)
}

// unmatchedRight gives the right rows that no left row matched.
func (m *matcher) unmatchedRight(r *vec.Batch) []*vec.Batch {
	var p pairs
	for i := range r.Len {
		if !m.hit.Get(i) {
			p.left, p.right = append(p.left, -1), append(p.right, int32(i))
		}
	}
	var out []*vec.Batch
	for at := 0; at < len(p.left); at += m.env.Rows {
		rows := p.right[at:min(at+m.env.Rows, len(p.left))]
		b := r.Take(rows)
		b.Cols = append(nullColumns(m.LeftTypes, len(rows)), b.Cols...)
		out = append(out, b)
	}
	return out
}
