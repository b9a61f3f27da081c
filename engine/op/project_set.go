package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/vec"
)

// projectSet is a projection with set-returning functions in it. The functions of one level run in lockstep: a row gives
// as many rows as the longest set, shorter ones go on with nulls, and no row if all are empty.
type projectSet struct {
	env   *Env
	in    Op
	exprs []expr.Expr
	width int // of the input
	// levels holds the calls from the innermost: level i reads the input's columns and the results of the levels below.
	levels [][]*expr.Call
	args   [][][]*expr.Program
	last   []*expr.Program
	queue  []*vec.Batch

	// Where all sets come in series: the rows at hand, and where in them the output is.
	cur  *vec.Batch
	vals [][]*vec.Column
	row  int
	sets []func(n int) (*vec.Column, error)
}

// NewProjectSet computes columns, expanding rows by the set-returning functions in them. width is how many columns in has.
func NewProjectSet(env *Env, in Op, width int, exprs []expr.Expr) Op {
	p := &projectSet{env: env, in: in, width: width}
	for expr.Any(&expr.Row{Elems: exprs}, isSet) {
		var calls []*expr.Call
		next := make([]expr.Expr, len(exprs))
		for i, e := range exprs {
			next[i] = expr.Transform(e, func(x expr.Expr) expr.Expr {
				c, ok := x.(*expr.Call)
				if !ok || !c.Fn.RetSet || readsFrom(c, width) {
					return x
				}
				calls = append(calls, c)
				return &expr.Col{Index: width + len(calls) - 1, Typ: c.Typ, Name: c.Fn.Name}
			})
		}
		p.levels = append(p.levels, calls)
		width += len(calls)
		exprs = next
	}
	p.exprs = exprs
	return p
}

func isSet(x expr.Expr) bool {
	c, ok := x.(*expr.Call)
	return ok && c.Fn.RetSet
}

// readsFrom reports whether the call reads a column at or after width: the result of another call of its level.
func readsFrom(c *expr.Call, width int) bool {
	return expr.Any(c, func(x expr.Expr) bool {
		col, ok := x.(*expr.Col)
		return ok && col.Index >= width
	})
}

func (p *projectSet) Open(ctx context.Context) error {
	for _, calls := range p.levels {
		var args [][]*expr.Program
		for _, c := range calls {
			args = append(args, expr.CompileAll(c.Args, p.env.X))
		}
		p.args = append(p.args, args)
	}
	p.last = expr.CompileAll(p.exprs, p.env.X)
	return p.in.Open(ctx)
}

func (p *projectSet) Next(ctx context.Context) (*vec.Batch, error) {
	for len(p.queue) == 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.cur != nil {
			b, err := p.someSeries()
			if err != nil {
				return nil, err
			}
			if b != nil {
				p.queue = append(p.queue, b)
				break
			}
		}
		b, err := p.in.Next(ctx)
		p.cur = nil
		if b == nil || err != nil {
			return nil, err
		}
		if p.inSeries() {
			if p.vals, err = p.arguments(0, b); err != nil {
				return nil, err
			}
			p.cur, p.row, p.sets = b, 0, nil
			continue
		}
		for k := range p.levels {
			if b, err = p.expand(ctx, k, b); err != nil {
				return nil, err
			}
		}
		for from := 0; from < b.Len; from += p.env.Rows {
			p.queue = append(p.queue, b.Slice(from, min(from+p.env.Rows, b.Len)))
		}
	}
	b := p.queue[0]
	p.queue = p.queue[1:]
	cols, err := evalAll(p.last, b)
	if err != nil {
		return nil, err
	}
	return &vec.Batch{Len: b.Len, Cols: cols}, nil
}

// arguments evaluates those of the calls of a level.
func (p *projectSet) arguments(level int, b *vec.Batch) ([][]*vec.Column, error) {
	out := make([][]*vec.Column, len(p.levels[level]))
	for k := range out {
		var err error
		if out[k], err = evalAll(p.args[level][k], b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// expand runs the calls of a level for each row of b.
func (p *projectSet) expand(ctx context.Context, level int, b *vec.Batch) (*vec.Batch, error) {
	calls := p.levels[level]
	args, err := p.arguments(level, b)
	if err != nil {
		return nil, err
	}
	var rows []int32
	parts := make([][]*vec.Column, len(calls))
	for i := range b.Len {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		longest := 0
		sets := make([]*vec.Column, len(calls))
		for k, c := range calls {
			var err error
			if sets[k], err = callSet(p.env.X, c.Fn, typesOf(c.Args), args[k], i); err != nil {
				return nil, err
			}
			if sets[k] != nil {
				longest = max(longest, sets[k].Len)
			}
		}
		for range longest {
			rows = append(rows, int32(i))
		}
		for k, s := range sets {
			if longest > 0 {
				parts[k] = append(parts[k], padded(s, calls[k], longest))
			}
		}
	}
	out := b.Take(rows)
	for k, c := range calls {
		out.Cols = append(out.Cols, concat(c.Typ, parts[k]))
	}
	return out, nil
}

// padded is a set with nulls after its end.
func padded(s *vec.Column, c *expr.Call, n int) *vec.Column {
	switch {
	case s == nil:
		return nullColumns(typesOf([]expr.Expr{c}), n)[0]
	case s.Len == n:
		return s
	}
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = -1
		if i < s.Len {
			idx[i] = int32(i)
		}
	}
	return s.Take(idx)
}

func (p *projectSet) Close() error {
	p.queue, p.cur, p.sets = nil, nil, nil
	return p.in.Close()
}
