package op

import (
	"context"
	"errors"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// stage changes a batch by itself: what a filter or a projection does to each batch, or a join to the rows of one input. It may give nil
// for no rows. Asked with nil it gives what more there is for the last batch. A stage is used by one goroutine; parallel scans make one
// for each worker.
type stage func(b *vec.Batch) (*vec.Batch, error)

// Step makes stages: it is a filter, a projection or the probing of a join over whatever feeds it.
type Step interface {
	stage(x *expr.EvalCtx) stage
}

// FilterStep keeps the rows for which Cond is true.
type FilterStep struct {
	Cond  expr.Expr
	Stats *Stats // may be nil
}

func (s FilterStep) stage(x *expr.EvalCtx) stage {
	p := expr.Compile(s.Cond, x)
	return func(b *vec.Batch) (*vec.Batch, error) {
		if b == nil {
			return nil, nil
		}
		sel, err := p.Filter(b)
		switch {
		case err != nil || len(sel) == 0:
			return nil, err
		case len(sel) < b.Len:
			b = b.Take(sel)
		}
		s.Stats.count(b)
		return b, nil
	}
}

// ProjectStep computes columns; none of Exprs may return a set.
type ProjectStep struct {
	Exprs []expr.Expr
	Stats *Stats // may be nil
}

func (s ProjectStep) stage(x *expr.EvalCtx) stage {
	ps := expr.CompileAll(s.Exprs, x)
	return func(b *vec.Batch) (*vec.Batch, error) {
		if b == nil {
			return nil, nil
		}
		cols, err := evalAll(ps, b)
		if err != nil {
			return nil, err
		}
		s.Stats.count(b)
		return &vec.Batch{Len: b.Len, Cols: cols}, nil
	}
}

// chain makes one stage of several steps.
func chain(steps []Step, x *expr.EvalCtx) stage {
	stages := make([]stage, len(steps))
	for i, s := range steps {
		stages[i] = s.stage(x)
	}
	last := len(stages) - 1
	return func(b *vec.Batch) (*vec.Batch, error) {
		i := 0
		if b == nil {
			i = last
		}
		for i >= 0 {
			out, err := stages[i](b)
			switch {
			case err != nil:
				return nil, err
			case out == nil: // the stage before may have more
				b, i = nil, i-1
			case i == last:
				return out, nil
			default:
				b, i = out, i+1
			}
		}
		return nil, nil
	}
}

// piped runs a step over any input.
type piped struct {
	env  *Env
	in   Op
	step Step
	run  stage
	rest []*vec.Batch // of an input batch that was too much at once
}

// NewFilter keeps the rows of in for which cond is true.
func NewFilter(env *Env, in Op, cond expr.Expr) Op {
	return &piped{env: env, in: in, step: FilterStep{Cond: cond}}
}

// NewProject computes columns over the rows of in.
func NewProject(env *Env, in Op, exprs []expr.Expr) Op {
	return &piped{env: env, in: in, step: ProjectStep{Exprs: exprs}}
}

func (p *piped) Open(ctx context.Context) error {
	p.run = p.step.stage(p.env.X)
	return p.in.Open(ctx)
}

func (p *piped) Next(ctx context.Context) (*vec.Batch, error) {
	for {
		b, err := p.input(ctx)
		if b == nil || err != nil {
			return nil, err
		}
		out, err := p.run(b)
		if b.Len > 1 && errors.Is(err, funcs.ErrFull) {
			p.rest = append(p.rest, b.Slice(b.Len/2, b.Len), b.Slice(0, b.Len/2))
			continue
		}
		if out != nil || err != nil {
			return out, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// input gives the next rows to run the step over.
func (p *piped) input(ctx context.Context) (*vec.Batch, error) {
	if n := len(p.rest); n > 0 {
		b := p.rest[n-1]
		p.rest = p.rest[:n-1]
		return b, nil
	}
	return p.in.Next(ctx)
}

func (p *piped) Close() error { return p.in.Close() }
func (p *piped) Block() int64 { return blockOf(p.in) }
