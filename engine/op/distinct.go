package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/vec"
)

// distinct gives each distinct row once, at its first place. When the budget runs out, rows that are not known by then
// go to files by the hash of the row, and each file is made distinct by itself.
type distinct struct {
	env   *Env
	in    source
	types []datum.Type
	seen  *grouper
	acct  account
	level byte
	parts *partitions
	ids   []int32
	sub   *distinct
	done  bool
}

// source gives batches: an operator, or the rows of a file.
type source interface {
	Next(ctx context.Context) (*vec.Batch, error)
}

type distinctOp struct {
	*distinct
	input Op
}

// NewDistinct removes duplicate rows; types are the columns'.
func NewDistinct(env *Env, in Op, types []datum.Type) Op {
	return &distinctOp{newDistinct(env, in, types, 0), in}
}

func newDistinct(env *Env, in source, types []datum.Type, level byte) *distinct {
	return &distinct{env: env, in: in, types: types, seen: newGrouper(types), acct: env.Budget.account(), level: level}
}

func (d *distinctOp) Open(ctx context.Context) error { return d.input.Open(ctx) }

func (d *distinctOp) Close() error {
	err := d.distinct.close()
	if e := d.input.Close(); err == nil {
		err = e
	}
	return err
}

func (d *distinct) Next(ctx context.Context) (*vec.Batch, error) {
	for !d.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if d.sub != nil {
			b, err := d.sub.Next(ctx)
			if b != nil || err != nil {
				return b, err
			}
			if err := d.sub.close(); err != nil {
				return nil, err
			}
			d.sub = nil
		}
		if d.in == nil {
			if err := d.nextPart(); err != nil {
				return nil, err
			}
			continue
		}
		b, err := d.in.Next(ctx)
		if err != nil {
			return nil, err
		}
		if b == nil {
			d.in, d.seen = nil, nil
			d.acct.release()
			continue
		}
		if b, err = d.keep(b); err != nil {
			return nil, err
		}
		if b.Len > 0 {
			return b, nil
		}
	}
	return nil, nil
}

// keep gives the rows not seen before, or puts them aside.
func (d *distinct) keep(b *vec.Batch) (*vec.Batch, error) {
	d.ids = resized(d.ids, b.Len)
	if d.parts == nil {
		before := d.seen.len()
		d.seen.assign(b.Cols, b.Len, d.ids)
		if !d.acct.set(d.seen.memSize()) {
			var err error
			if d.parts, err = newPartitions(d.env, d.types, d.level); err != nil {
				return nil, err
			}
		}
		return b.Take(firsts(d.ids, before)), nil
	}
	d.seen.find(b.Cols, b.Len, d.ids)
	var unknown []int32
	for i, id := range d.ids {
		if id < 0 {
			unknown = append(unknown, int32(i))
		}
	}
	b = b.Take(unknown)
	return &vec.Batch{}, d.parts.add(b, b.Cols)
}

// nextPart begins with the next file of rows put aside.
func (d *distinct) nextPart() error {
	if d.parts == nil {
		d.done = true
		return nil
	}
	r, err := d.parts.next()
	if err != nil {
		return err
	}
	if r == nil {
		d.done = true
		return nil
	}
	d.sub = newDistinct(d.env, r, d.types, d.level+1)
	return nil
}

func (d *distinct) close() error {
	d.done, d.seen = true, nil
	d.acct.release()
	var err error
	if d.sub != nil {
		err = d.sub.close()
		d.sub = nil
	}
	if d.parts != nil {
		if e := d.parts.close(); err == nil {
			err = e
		}
	}
	return err
}

// distinctOn gives the first of each run of rows with equal values of the expressions.
type distinctOn struct {
	env  *Env
	in   Op
	on   []expr.Expr
	keys []*expr.Program
	last []byte
	any  bool
}

// NewDistinctOn is DISTINCT ON over an input sorted by the expressions.
func NewDistinctOn(env *Env, in Op, on []expr.Expr) Op {
	return &distinctOn{env: env, in: in, on: on}
}

func (d *distinctOn) Open(ctx context.Context) error {
	d.keys = expr.CompileAll(d.on, d.env.X)
	return d.in.Open(ctx)
}

func (d *distinctOn) Next(ctx context.Context) (*vec.Batch, error) {
	for {
		b, err := d.in.Next(ctx)
		if b == nil || err != nil {
			return nil, err
		}
		cols, err := evalAll(d.keys, b)
		if err != nil {
			return nil, err
		}
		var rows []int32
		var key []byte
		for i := range b.Len {
			key = appendKey(key[:0], d.on, cols, i)
			if d.any && string(key) == string(d.last) {
				continue
			}
			d.any = true
			d.last = append(d.last[:0], key...)
			rows = append(rows, int32(i))
		}
		if len(rows) > 0 {
			return b.Take(rows), nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// appendKey appends bytes that are equal for rows with equal values.
func appendKey(dst []byte, on []expr.Expr, cols []*vec.Column, i int) []byte {
	for k, c := range cols {
		if c.Null(i) {
			dst = append(dst, 0)
			continue
		}
		at := len(dst)
		dst = append(dst, 1, 0, 0, 0, 0)
		dst = datum.AppendHashKey(dst, on[k].Type(), c, i)
		n := len(dst) - at
		dst[at+1], dst[at+2], dst[at+3], dst[at+4] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	}
	return dst
}

func (d *distinctOn) Close() error { return d.in.Close() }
