package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// seriesScan gives the rows of a function that makes them as they are asked for.
type seriesScan struct {
	env  *Env
	call *SetCall
	next func(n int) (*vec.Column, error)
	rows int64
}

func (s *seriesScan) Open(context.Context) error {
	args := make([]*vec.Column, len(s.call.Args))
	for k, a := range s.call.Args {
		c, err := expr.Value(s.env.X, a)
		if err != nil {
			return err
		}
		args[k] = c
	}
	s.rows = 0
	var err error
	s.next, err = series(s.env.X, s.call.Fn, args, 0)
	return err
}

// series begins a function for row i of its arguments; nil where a null makes that no rows.
func series(x *expr.EvalCtx, fn *funcs.Func, args []*vec.Column, i int) (func(int) (*vec.Column, error), error) {
	for _, a := range args {
		if a.Null(i) {
			return nil, nil
		}
	}
	return fn.Series(x.Fn, args, i)
}

func (s *seriesScan) Next(ctx context.Context) (*vec.Batch, error) {
	if err := ctx.Err(); err != nil || s.next == nil {
		return nil, err
	}
	col, err := s.next(s.env.Rows)
	if err != nil || col.Len == 0 {
		s.next = nil
		return nil, err
	}
	b := &vec.Batch{Len: col.Len, Cols: []*vec.Column{col}}
	if s.call.Ordinality {
		n := vec.NewBuilder(vec.Int64, b.Len)
		for range b.Len {
			s.rows++
			n.AppendInt(s.rows)
		}
		b.Cols = append(b.Cols, n.Finish())
	}
	return b, nil
}

func (s *seriesScan) Close() error {
	s.next = nil
	return nil
}

// inSeries reports whether all sets of a projection come as they are asked for.
func (p *projectSet) inSeries() bool {
	for _, c := range p.levels[0] {
		if c.Fn.Series == nil {
			return false
		}
	}
	return len(p.levels) == 1
}

// someSeries gives the rows of some more of p.cur, nil at its end.
func (p *projectSet) someSeries() (*vec.Batch, error) {
	calls := p.levels[0]
	var rows []int32
	parts := make([][]*vec.Column, len(calls))
	for len(rows) < p.env.Rows && p.row < p.cur.Len {
		if p.sets == nil {
			for k, c := range calls {
				next, err := series(p.env.X, c.Fn, p.vals[k], p.row)
				if err != nil {
					return nil, err
				}
				p.sets = append(p.sets, next)
			}
		}
		longest := 0
		sets := make([]*vec.Column, len(calls))
		for k, next := range p.sets {
			if next == nil {
				continue
			}
			var err error
			if sets[k], err = next(p.env.Rows - len(rows)); err != nil {
				return nil, err
			}
			longest = max(longest, sets[k].Len)
		}
		if longest == 0 {
			p.sets = nil
			p.row++
			continue
		}
		for range longest {
			rows = append(rows, int32(p.row))
		}
		for k, s := range sets {
			parts[k] = append(parts[k], padded(s, calls[k], longest))
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	out := p.cur.Take(rows)
	for k, c := range calls {
		out.Cols = append(out.Cols, concat(c.Typ, parts[k]))
	}
	return out, nil
}
