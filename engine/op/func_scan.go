package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// SetCall is a set-returning function in FROM.
type SetCall struct {
	Fn         *funcs.Func
	Args       []expr.Expr
	Types      []datum.Type // of the columns, the ordinal number's included
	Ordinality bool
}

// setRows runs the function for row i of the arguments: one column per column of its result, then the ordinal number.
func (s *SetCall) setRows(x *expr.EvalCtx, args []*vec.Column, i int) (*vec.Batch, error) {
	col, err := callSet(x, s.Fn, typesOf(s.Args), args, i)
	if err != nil {
		return nil, err
	}
	b := &vec.Batch{}
	width := len(s.Types)
	if s.Ordinality {
		width--
	}
	switch {
	case col == nil:
		for _, t := range s.Types[:width] {
			b.Cols = append(b.Cols, datum.NewBuilder(t, 0).Finish())
		}
	case col.Kind == vec.Struct && (width != 1 || datum.KindOf(s.Types[0].OID) != vec.Struct):
		b.Len = col.Len
		flat := col.Flat()
		for k := range width {
			b.Cols = append(b.Cols, flat.Fields[k])
		}
	default:
		b.Len, b.Cols = col.Len, []*vec.Column{col}
	}
	if s.Ordinality {
		n := vec.NewBuilder(vec.Int64, b.Len)
		for k := range b.Len {
			n.AppendInt(int64(k + 1))
		}
		b.Cols = append(b.Cols, n.Finish())
	}
	return b, nil
}

// callSet runs a set-returning function for row i; nil for no rows. A plain function gives its one row.
func callSet(x *expr.EvalCtx, fn *funcs.Func, types []datum.Type, args []*vec.Column, i int) (*vec.Column, error) {
	if fn.Strict {
		for _, a := range args {
			if a.Null(i) {
				return nil, nil
			}
		}
	}
	switch {
	case fn.SetBody != nil || fn.SetTyped != nil:
		return fn.CallSet(x.Fn, types, args, i)
	case fn.Body == nil && fn.BodyTyped == nil:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "function %s cannot be called here", fn.Name)
	}
	one := make([]*vec.Column, len(args))
	for k, a := range args {
		one[k] = vec.Repeat(a, i, 1)
	}
	return fn.Call(x.Fn, types, one, 1)
}

// NewFuncScan gives the rows of a set-returning function; its arguments have no columns. A plain function gives one row,
// of nulls if it is strict and an argument is null.
func NewFuncScan(env *Env, s *SetCall) Op {
	if s.Fn.Series != nil {
		return &seriesScan{env: env, call: s}
	}
	return NewRows(env, func(context.Context) (*vec.Batch, error) {
		args := make([]*vec.Column, len(s.Args))
		for k, a := range s.Args {
			c, err := expr.Value(env.X, a)
			if err != nil {
				return nil, err
			}
			args[k] = c
		}
		return s.withPlain(env.X, args, 0)
	})
}

// withPlain is setRows where a plain function of a null gives a row of nulls, not none.
func (s *SetCall) withPlain(x *expr.EvalCtx, args []*vec.Column, i int) (*vec.Batch, error) {
	b, err := s.setRows(x, args, i)
	if err != nil || b.Len > 0 || s.Fn.RetSet {
		return b, err
	}
	types := s.Types
	if s.Ordinality {
		types = types[:len(types)-1]
	}
	b = &vec.Batch{Len: 1, Cols: nullColumns(types, 1)}
	if s.Ordinality {
		n := vec.NewBuilder(vec.Int64, 1)
		n.AppendInt(1)
		b.Cols = append(b.Cols, n.Finish())
	}
	return b, nil
}

// lateralFunc joins each row of its input with the rows of a set-returning function of it.
type lateralFunc struct {
	env  *Env
	in   Op
	call *SetCall
	left bool // rows without a match come with nulls
	cond expr.Expr

	args []*expr.Program
	test *expr.Program
	cur  *vec.Batch
	vals []*vec.Column
	row  int
}

// NewLateralFunc is in CROSS JOIN LATERAL fn(…), or LEFT JOIN, with a condition over the joined row that may be nil. The
// arguments are over in's columns.
func NewLateralFunc(env *Env, in Op, call *SetCall, left bool, cond expr.Expr) Op {
	return &lateralFunc{env: env, in: in, call: call, left: left, cond: cond}
}

func (l *lateralFunc) Open(ctx context.Context) error {
	l.args = expr.CompileAll(l.call.Args, l.env.X)
	if l.cond != nil {
		l.test = expr.Compile(l.cond, l.env.X)
	}
	return l.in.Open(ctx)
}

func (l *lateralFunc) Next(ctx context.Context) (*vec.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if l.cur == nil || l.row >= l.cur.Len {
			b, err := l.in.Next(ctx)
			if b == nil || err != nil {
				return nil, err
			}
			if l.vals, err = evalAll(l.args, b); err != nil {
				return nil, err
			}
			l.cur, l.row = b, 0
		}
		out, err := l.some()
		if out != nil || err != nil {
			return out, err
		}
	}
}

// some joins rows of the current batch until there are enough for a batch.
func (l *lateralFunc) some() (*vec.Batch, error) {
	var rows []int32
	var parts []*vec.Batch
	for ; l.row < l.cur.Len && len(rows) < l.env.Rows; l.row++ {
		set, err := l.call.withPlain(l.env.X, l.vals, l.row)
		if err == nil && l.test != nil {
			set, err = l.matching(set)
		}
		if err != nil {
			return nil, err
		}
		if set.Len == 0 {
			if !l.left {
				continue
			}
			set = &vec.Batch{Len: 1, Cols: nullColumns(l.call.Types, 1)}
		}
		parts = append(parts, set)
		for range set.Len {
			rows = append(rows, int32(l.row))
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	out := l.cur.Take(rows)
	out.Cols = append(out.Cols, concatBatches(l.call.Types, parts).Cols...)
	return out, nil
}

// matching keeps the rows of the set for which the condition holds.
func (l *lateralFunc) matching(set *vec.Batch) (*vec.Batch, error) {
	joined := &vec.Batch{Len: set.Len}
	for _, c := range l.cur.Cols {
		joined.Cols = append(joined.Cols, vec.Repeat(c, l.row, set.Len))
	}
	joined.Cols = append(joined.Cols, set.Cols...)
	sel, err := l.test.Filter(joined)
	if err != nil {
		return nil, err
	}
	return set.Take(sel), nil
}

func (l *lateralFunc) Close() error {
	l.cur = nil
	return l.in.Close()
}
