package expr

import (
	"errors"

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
	suite *Suite
	x     *EvalCtx
	e     Expr
	root  node
	conds []cond // of a condition, its conjuncts
}

// node is a compiled expression: b's rows in, a column of b.Len values out. Columns of b that the node does not read may
// be nil.
type node interface {
	eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error)
}

// cond is an operand of AND, OR or a filter.
type cond struct {
	node
	suite *Suite
	cols  []int // the columns it reads
	safe  bool  // cannot fail, so that it may see rows that it need not
}

// Compile makes e ready to run in x; a nil e is a condition that is always true.
func Compile(e Expr, x *EvalCtx) *Program { return NewSuite(x).Compile(e) }

// CompileAll compiles a list whose expressions are evaluated over the same batches.
func CompileAll(list []Expr, x *EvalCtx) []*Program { return NewSuite(x).CompileAll(list) }

// Type is the expression's.
func (p *Program) Type() datum.Type { return p.e.Type() }

// Eval returns the expression's value for each row of b. The column may share memory with b.
func (p *Program) Eval(b *vec.Batch) (*vec.Column, error) {
	if p.root == nil {
		p.root = p.suite.compiler().compile(p.e)
	}
	return evalParts(p.root, p.x, b)
}

// evalParts evaluates n for all rows of b, or for fewer at a time where what functions make on the way is too large for all.
func evalParts(n node, x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	out, err := n.eval(x, b)
	if err == nil || b.Len < 2 || !errors.Is(err, funcs.ErrFull) {
		return out, err
	}
	all := err
	var parts []piece
	size := 0
	rows := make([]int32, b.Len)
	for i := range rows {
		rows[i] = int32(i)
	}
	for _, half := range [][]int32{rows[:b.Len/2], rows[b.Len/2:]} {
		if out, err = evalParts(n, x, b.Slice(int(half[0]), int(half[0])+len(half))); err != nil {
			return nil, err
		}
		parts = append(parts, piece{out, half})
		if size += out.MemSize(); !x.Fn.Fits(size) {
			return nil, all
		}
	}
	return merge(out.Kind, b.Len, parts), nil
}

// Eval evaluates e once; an operator keeps a Program instead.
func Eval(x *EvalCtx, e Expr, b *vec.Batch) (*vec.Column, error) {
	if n := leaf(e); n != nil {
		return n.eval(x, b)
	}
	if b.Len == 1 && isFlat(e) {
		// Nothing in it can be evaluated less often than once.
		c := compiler{x: x, suite: &Suite{x: x}, steady: true, single: true}
		return c.build(e).eval(x, b)
	}
	return Compile(e, x).Eval(b)
}

// Value evaluates an expression that reads no columns: a column of one row.
func Value(x *EvalCtx, e Expr) (*vec.Column, error) { return Eval(x, e, &vec.Batch{Len: 1}) }

// Filter returns the rows of b for which the condition is true, ascending; not nil where there is none. Each conjunct only
// sees the rows that those before it let through, unless it cannot fail.
func (p *Program) Filter(b *vec.Batch) ([]int32, error) {
	if p.conds == nil && p.e != nil {
		p.conds = p.suite.compiler().conds(Conjuncts(p.e))
	}
	var live vec.Bitmap // nil: all rows
	count := b.Len
	for i := range p.conds {
		c := &p.conds[i]
		if count == 0 {
			return []int32{}, nil
		}
		if live == nil || c.safe && count > b.Len/4 {
			v, err := evalParts(c, p.x, b)
			if err != nil {
				return nil, err
			}
			live = vec.And(nil, v.Truth(), live, b.Len)
		} else {
			rows := live.Indices(nil, b.Len)
			v, err := p.suite.evalSome(c, b, rows)
			if err != nil {
				return nil, err
			}
			yes := v.Truth()
			live = vec.NewBitmap(b.Len)
			for k, r := range rows {
				live[r>>6] |= yes[k>>6] >> (k & 63) & 1 << (r & 63)
			}
		}
		count = live.Count(b.Len)
	}
	if live == nil { // no condition
		sel := make([]int32, b.Len)
		for i := range sel {
			sel[i] = int32(i)
		}
		return sel, nil
	}
	return live.Indices(make([]int32, 0, count), b.Len), nil
}

// takeCols returns the rows of b named by idx with the columns in cols only; the others are nil.
func takeCols(b *vec.Batch, cols []int, idx []int32) *vec.Batch {
	out := &vec.Batch{Len: len(idx), Cols: make([]*vec.Column, len(b.Cols))}
	for _, c := range cols {
		out.Cols[c] = b.Cols[c].Take(idx)
	}
	return out
}
