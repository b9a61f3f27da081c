package op

import (
	"bytes"
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// firstRows gives one row per value of some expressions: the first in an order, of those that tie the first that came. The
// input comes in any order; the answer comes in the order in which the values were first seen. When the budget runs out, rows
// of values that are not known by then go to files by the hash of the value, and each file is done by itself.
type firstRows struct {
	env   *Env
	in    source
	spec  *firstSpec
	level byte

	acct    account
	seen    *grouper
	best    []firstRow
	batches []*vec.Batch
	rows    int   // in batches
	bytes   int64 // of batches and keys
	ids     []int32
	parts   *partitions
	sub     *firstRows
	at      int
	done    bool
}

// firstRow is the best row of a value so far.
type firstRow struct {
	ref rowRef
	key []byte // orders as the rows do
}

// firstSpec is what the parts of one execution share.
type firstSpec struct {
	types []datum.Type
	on    []*expr.Program
	order *sortKeys
}

type firstRowsOp struct {
	*firstRows
	input Op
	on    []expr.Expr
	order []plan.SortKey
}

// NewFirstRows gives the first row by order of each value of on; on and order call no volatile functions.
func NewFirstRows(env *Env, in Op, on []expr.Expr, order []plan.SortKey) Op {
	return &firstRowsOp{&firstRows{env: env, in: in, acct: env.Budget.account()}, in, on, order}
}

func (f *firstRowsOp) Open(ctx context.Context) error {
	f.spec = &firstSpec{types: typesOf(f.on), on: expr.CompileAll(f.on, f.env.X), order: newSortKeys(f.env, f.order)}
	return f.input.Open(ctx)
}

func (f *firstRowsOp) Close() error {
	err := f.firstRows.close()
	if e := f.input.Close(); err == nil {
		err = e
	}
	return err
}

func (f *firstRows) Next(ctx context.Context) (*vec.Batch, error) {
	for !f.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.in != nil {
			if err := f.fill(ctx); err != nil {
				return nil, err
			}
		}
		if f.at < len(f.best) {
			return f.some(), nil
		}
		f.best, f.batches, f.at = nil, nil, 0
		f.acct.release()
		if f.sub != nil {
			b, err := f.sub.Next(ctx)
			if b != nil || err != nil {
				return b, err
			}
			if err := f.sub.close(); err != nil {
				return nil, err
			}
			f.sub = nil
		}
		if err := f.nextPart(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// fill reads the whole input.
func (f *firstRows) fill(ctx context.Context) error {
	f.seen = newGrouper(f.spec.types)
	for {
		b, err := f.in.Next(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := f.add(b); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	f.in, f.seen = nil, nil
	return nil
}

func (f *firstRows) add(b *vec.Batch) error {
	cols, err := evalAll(f.spec.on, b)
	if err != nil {
		return err
	}
	keys, err := f.spec.order.encode(b)
	if err != nil {
		return err
	}
	f.ids = resized(f.ids, b.Len)
	if f.parts == nil {
		f.seen.assign(cols, b.Len, f.ids)
	} else {
		f.seen.find(cols, b.Len, f.ids)
	}
	batch := int32(len(f.batches))
	var better []int32 // values whose best row is in b, perhaps more than once
	var unknown []int32
	for i, id := range f.ids {
		switch key := keys.at(i); {
		case id < 0:
			unknown = append(unknown, int32(i))
		case int(id) == len(f.best):
			f.best = append(f.best, firstRow{rowRef{batch: batch, row: int32(i)}, bytes.Clone(key)})
			f.bytes += int64(len(key)) + 48
			better = append(better, id)
		case bytes.Compare(key, f.best[id].key) < 0:
			r := &f.best[id]
			r.ref, r.key = rowRef{batch: batch, row: int32(i)}, append(r.key[:0], key...)
			better = append(better, id)
		}
	}
	f.take(b, batch, better)
	if len(unknown) > 0 {
		taken := make([]*vec.Column, len(cols))
		for i, c := range cols {
			taken[i] = c.Take(unknown)
		}
		if err := f.parts.add(b.Take(unknown), taken); err != nil {
			return err
		}
	}
	return f.fit()
}

// take keeps the rows of b that are the best ones of their values.
func (f *firstRows) take(b *vec.Batch, batch int32, better []int32) {
	var rows []int32
	for _, id := range better {
		r := &f.best[id].ref
		if r.batch == batch && r.prefix == 0 {
			rows = append(rows, r.row)
			r.row, r.prefix = int32(len(rows)-1), 1 // once
		}
	}
	for _, id := range better {
		f.best[id].ref.prefix = 0
	}
	if len(rows) == 0 {
		return
	}
	kept := settled(b.Take(rows))
	f.batches = append(f.batches, kept)
	f.rows += kept.Len
	f.bytes += memSize(kept)
}

// fit drops the rows that are not the best any more when they are many, and keeps within the budget.
func (f *firstRows) fit() error {
	if f.rows > 2*len(f.best)+16*f.env.Rows {
		f.compact()
	}
	if f.acct.set(f.bytes + f.seen.memSize()) {
		return nil
	}
	f.compact()
	if f.acct.set(f.bytes+f.seen.memSize()) || f.parts != nil {
		return nil
	}
	var err error
	f.parts, err = newPartitions(f.env, f.spec.types, f.level)
	return err
}

// compact puts the best rows into one batch.
func (f *firstRows) compact() {
	if len(f.batches) < 2 {
		return
	}
	refs := make([]rowRef, len(f.best))
	for i := range f.best {
		refs[i] = f.best[i].ref
	}
	for _, b := range f.batches {
		f.bytes -= memSize(b)
	}
	kept := (&sortRun{batches: f.batches}).gather(refs)
	for i := range f.best {
		f.best[i].ref = rowRef{row: int32(i)}
	}
	f.batches, f.rows = []*vec.Batch{kept}, kept.Len
	f.bytes += memSize(kept)
}

// some gives the next rows of the answer.
func (f *firstRows) some() *vec.Batch {
	to := min(f.at+f.env.Rows, len(f.best))
	refs := make([]rowRef, 0, to-f.at)
	for _, r := range f.best[f.at:to] {
		refs = append(refs, r.ref)
	}
	f.at = to
	return (&sortRun{batches: f.batches}).gather(refs)
}

// nextPart begins with the next file of rows that were put aside.
func (f *firstRows) nextPart() error {
	if f.parts == nil {
		f.done = true
		return nil
	}
	r, err := f.parts.next()
	if err != nil {
		return err
	}
	if r == nil {
		f.done = true
		return nil
	}
	f.sub = &firstRows{env: f.env, in: r, spec: f.spec, level: f.level + 1, acct: f.env.Budget.account()}
	return nil
}

func (f *firstRows) close() error {
	f.done, f.seen, f.best, f.batches = true, nil, nil, nil
	f.acct.release()
	var err error
	if f.sub != nil {
		err = f.sub.close()
		f.sub = nil
	}
	if f.parts != nil {
		if e := f.parts.close(); err == nil {
			err = e
		}
	}
	return err
}
