package expr

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// EvalCtx is what expressions see of the execution that they run in. It is not changed while programs use it, and it is
// used by one goroutine at a time: workers make copies.
type EvalCtx struct {
	Fn     *funcs.Ctx
	Params []*vec.Column // of one row each; $1 is the first
	// Outer holds the rows of the enclosing queries, the innermost last: it is Level 1.
	Outer []OuterRow
	// Subqueries runs the plans inside expressions; nil where none can occur.
	Subqueries SubqueryRunner
}

// OuterRow is one row of an enclosing query.
type OuterRow struct {
	Batch *vec.Batch
	Row   int
}

// SubqueryRunner runs the plan of a Subquery; the engine implements it.
type SubqueryRunner interface {
	// OuterCols lists the columns that the plan reads of the row that holds the subquery; nil for an uncorrelated one.
	OuterCols(s *Subquery) []int
	// RunSubquery returns the rows of the plan as one batch. The plan sees the rows in outer (see EvalCtx.Outer). It may
	// stop after one row for Exists and after two for Scalar.
	RunSubquery(x *EvalCtx, s *Subquery, outer []OuterRow) (*vec.Batch, error)
}

// Program is an expression made ready to run in one EvalCtx. It keeps what it found out about constants and dictionaries
// from one batch to the next, and is used by one goroutine at a time.
type Program struct {
	x     *EvalCtx
	e     Expr
	root  node
	conds []cond // of a condition, its conjuncts
	trues truths
}

// node is a compiled expression: b's rows in, a column of b.Len values out. Columns of b that the node does not read may
// be nil.
type node interface {
	eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error)
}

// cond is an operand of AND, OR or a filter.
type cond struct {
	node
	cols []int // the columns it reads
	safe bool  // cannot fail, so that it may see rows that it need not
}

// Compile makes e ready to run in x; a nil e is a condition that is always true.
func Compile(e Expr, x *EvalCtx) *Program { return &Program{x: x, e: e} }

// CompileAll compiles a list.
func CompileAll(list []Expr, x *EvalCtx) []*Program {
	out := make([]*Program, len(list))
	for i, e := range list {
		out[i] = Compile(e, x)
	}
	return out
}

// Type is the expression's.
func (p *Program) Type() datum.Type { return p.e.Type() }

// Eval returns the expression's value for each row of b. The column may share memory with b.
func (p *Program) Eval(b *vec.Batch) (*vec.Column, error) {
	if p.root == nil {
		p.root = newCompiler(p.x).compile(p.e)
	}
	return p.root.eval(p.x, b)
}

// Eval evaluates e once; an operator keeps a Program instead.
func Eval(x *EvalCtx, e Expr, b *vec.Batch) (*vec.Column, error) { return Compile(e, x).Eval(b) }

// Value evaluates an expression that reads no columns: a column of one row.
func Value(x *EvalCtx, e Expr) (*vec.Column, error) { return Eval(x, e, &vec.Batch{Len: 1}) }

// Filter returns the rows of b for which the condition is true, ascending. Each conjunct only sees the rows that those
// before it let through, unless it cannot fail.
func (p *Program) Filter(b *vec.Batch) ([]int32, error) {
	if p.conds == nil && p.e != nil {
		p.conds = newCompiler(p.x).conds(Conjuncts(p.e))
	}
	sel, all := []int32(nil), true
	for i := range p.conds {
		c := &p.conds[i]
		if !all && len(sel) == 0 {
			return sel, nil
		}
		if all || c.safe && len(sel) > b.Len/4 {
			v, err := c.eval(p.x, b)
			if err != nil {
				return nil, err
			}
			if all {
				sel, all = p.trues.rows(v, nil), false
			} else {
				sel = keepTrue(v, sel)
			}
			continue
		}
		v, err := c.eval(p.x, takeCols(b, c.cols, sel))
		if err != nil {
			return nil, err
		}
		out := sel[:0]
		for k, r := range sel {
			if isTrue(v, k) {
				out = append(out, r)
			}
		}
		sel = out
	}
	if all { // no condition
		for i := range b.Len {
			sel = append(sel, int32(i))
		}
	}
	return sel, nil
}

// takeCols returns the rows of b named by idx with the columns in cols only; the others are nil.
func takeCols(b *vec.Batch, cols []int, idx []int32) *vec.Batch {
	out := &vec.Batch{Len: len(idx), Cols: make([]*vec.Column, len(b.Cols))}
	for _, c := range cols {
		out.Cols[c] = b.Cols[c].Take(idx)
	}
	return out
}

func isTrue(c *vec.Column, i int) bool { return !c.Null(i) && c.Bool(i) }

// trueRows appends the rows in which the boolean column is true.
func trueRows(c *vec.Column, dst []int32) []int32 {
	if c.Codes == nil {
		bits := c.Bits
		if c.Valid != nil {
			bits = vec.And(nil, c.Bits, c.Valid, c.Len)
		}
		return bits.Indices(dst, c.Len)
	}
	return new(truths).rows(c, dst)
}

// truths remembers which entries of a dictionary are true.
type truths struct {
	dict *vec.Column
	one  []uint8 // 1 for true
}

// rows appends the rows in which the boolean column is true.
func (t *truths) rows(c *vec.Column, dst []int32) []int32 {
	if c.Codes == nil {
		return trueRows(c, dst)
	}
	if t.dict != c.Dict {
		t.dict, t.one = c.Dict, make([]uint8, max(c.Dict.Len, 1))
		for i, yes := range trueEntries(c.Dict) {
			if yes {
				t.one[i] = 1
			}
		}
	}
	n := len(dst)
	dst = slices.Grow(dst, c.Len)[:n+c.Len]
	for i, code := range c.Codes[:c.Len] {
		dst[n] = int32(i)
		n += int(t.one[code])
	}
	dst = dst[:n]
	if c.Valid == nil {
		return dst
	}
	return slices.DeleteFunc(dst, func(i int32) bool { return !c.Valid.Get(int(i)) })
}

// keepTrue keeps the rows of sel in which the boolean column is true.
func keepTrue(c *vec.Column, sel []int32) []int32 {
	out := sel[:0]
	for _, r := range sel {
		if isTrue(c, int(r)) {
			out = append(out, r)
		}
	}
	return out
}

func trueEntries(dict *vec.Column) []bool {
	yes := make([]bool, max(dict.Len, 1))
	for i := range dict.Len {
		yes[i] = isTrue(dict, i)
	}
	return yes
}
