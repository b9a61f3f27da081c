package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// Working is the working table of a recursive query: the rows that the last round gave.
type Working struct {
	rows *buffer
}

// workingScan reads the working table as it was when the scan was opened.
type workingScan struct {
	w *Working
	r *bufferReader
}

// NewWorkingScan reads the working table.
func NewWorkingScan(w *Working) Op { return &workingScan{w: w} }

func (s *workingScan) Open(context.Context) error {
	if s.w.rows != nil {
		s.r = s.w.rows.reader()
	}
	return nil
}

func (s *workingScan) Next(context.Context) (*vec.Batch, error) {
	if s.r == nil {
		return nil, nil
	}
	return s.r.next()
}

func (s *workingScan) Close() error {
	s.r = nil
	return nil
}

// recursive gives the rows of its first term, then those of the recursive term over the rows of the round before, until a
// round gives none. Without all, rows that were given before are left out.
type recursive struct {
	env   *Env
	first Op
	round func() (Op, error)
	work  *Working
	seen  *grouper // nil for UNION ALL
	acct  account
	cur   Op
	next  *buffer
	ids   []int32
	done  bool
}

// NewRecursive runs a recursive query; round builds the recursive term, which reads work, anew for every round.
func NewRecursive(env *Env, first Op, round func() (Op, error), work *Working, types []datum.Type, all bool) Op {
	r := &recursive{env: env, first: first, round: round, work: work, acct: env.Budget.account()}
	if !all {
		r.seen = newGrouper(types)
	}
	return r
}

func (r *recursive) Open(ctx context.Context) error {
	r.cur, r.next = r.first, newBuffer(r.env)
	return r.first.Open(ctx)
}

func (r *recursive) Next(ctx context.Context) (*vec.Batch, error) {
	for !r.done {
		b, err := r.cur.Next(ctx)
		if err != nil {
			return nil, err
		}
		if b == nil {
			if err := r.turn(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if r.seen != nil {
			if b, err = r.fresh(b); err != nil {
				return nil, err
			}
		}
		if b.Len == 0 {
			continue
		}
		return b, r.next.add(b)
	}
	return nil, nil
}

// turn ends a round and begins the next one.
func (r *recursive) turn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.cur.Close(); err != nil {
		return err
	}
	if r.work.rows != nil {
		if err := r.work.rows.close(); err != nil {
			return err
		}
	}
	r.work.rows, r.next = r.next, newBuffer(r.env)
	if r.work.rows.rows == 0 {
		r.done = true
		return nil
	}
	op, err := r.round()
	if err != nil {
		return err
	}
	r.cur = op
	return op.Open(ctx)
}

// fresh keeps the rows that were not seen before.
func (r *recursive) fresh(b *vec.Batch) (*vec.Batch, error) {
	before := r.seen.len()
	r.ids = resized(r.ids, b.Len)
	r.seen.assign(b.Cols, b.Len, r.ids)
	if err := r.acct.need(r.seen.memSize()); err != nil {
		return nil, err
	}
	return b.Take(firsts(r.ids, before)), nil
}

// firsts lists the rows that got a number from before on, the first row of each number.
func firsts(ids []int32, before int) []int32 {
	var rows []int32
	for i, id := range ids {
		if int(id) == before {
			rows = append(rows, int32(i))
			before++
		}
	}
	return rows
}

func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func (r *recursive) Close() error {
	r.done = true
	r.acct.release()
	err := closeAll(r.cur, r.first)
	for _, b := range []*buffer{r.next, r.work.rows} {
		if b != nil {
			if e := b.close(); err == nil {
				err = e
			}
		}
	}
	r.seen = nil
	return err
}
