package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/vec"
)

// batches gives rows that a function makes all at once when the operator is opened, cut into batches.
type batches struct {
	env  *Env
	make func(ctx context.Context) (*vec.Batch, error)
	all  *vec.Batch
	at   int
}

// NewRows gives the rows of a batch that make computes at Open: what a relation of the catalog holds.
func NewRows(env *Env, make func(ctx context.Context) (*vec.Batch, error)) Op {
	return &batches{env: env, make: make}
}

func (r *batches) Open(ctx context.Context) (err error) {
	r.all, err = r.make(ctx)
	return err
}

func (r *batches) Next(context.Context) (*vec.Batch, error) {
	if r.all == nil || r.at >= r.all.Len {
		return nil, nil
	}
	from := r.at
	r.at = min(from+r.env.Rows, r.all.Len)
	return r.all.Slice(from, r.at), nil
}

func (r *batches) Close() error {
	r.all = nil
	return nil
}

// values gives literal rows, evaluated batch by batch.
type values struct {
	env   *Env
	rows  [][]*expr.Program
	exprs [][]expr.Expr
	at    int
}

// NewValues gives one row per list of expressions, which have no columns.
func NewValues(env *Env, rows [][]expr.Expr) Op { return &values{env: env, exprs: rows} }

func (v *values) Open(context.Context) error {
	for _, r := range v.exprs {
		v.rows = append(v.rows, expr.CompileAll(r, v.env.X))
	}
	return nil
}

func (v *values) Next(context.Context) (*vec.Batch, error) {
	if v.at >= len(v.rows) {
		return nil, nil
	}
	rows := v.rows[v.at:min(v.at+v.env.Rows, len(v.rows))]
	b := &vec.Batch{Len: len(rows), Cols: make([]*vec.Column, len(rows[0]))}
	cells := make([]*vec.Column, len(rows))
	for k := range b.Cols {
		for i, r := range rows {
			c, err := r[k].Eval(&vec.Batch{Len: 1})
			if err != nil {
				return nil, err
			}
			cells[i] = c
		}
		b.Cols[k] = concat(rows[0][k].Type(), cells)
	}
	v.at += len(rows)
	return b, nil
}

func (v *values) Close() error {
	v.rows = nil
	return nil
}
