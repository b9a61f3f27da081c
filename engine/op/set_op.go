package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// concatenation gives the rows of its inputs one after the other.
type concatenation struct {
	in []Op
	at int
}

// NewUnionAll gives the rows of the inputs one after the other.
func NewUnionAll(in ...Op) Op { return &concatenation{in: in} }

func (c *concatenation) Open(ctx context.Context) error {
	for _, in := range c.in {
		if err := in.Open(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *concatenation) Next(ctx context.Context) (*vec.Batch, error) {
	for c.at < len(c.in) {
		b, err := c.in[c.at].Next(ctx)
		if b != nil || err != nil {
			return b, err
		}
		c.at++
	}
	return nil, nil
}

func (c *concatenation) Close() error {
	c.at = len(c.in)
	return closeAll(c.in...)
}

// setOp is INTERSECT or EXCEPT: it counts the rows of the right input and gives rows of the left one.
type setOp struct {
	env         *Env
	left, right Op
	kind        plan.SetOpKind
	all         bool
	seen        *grouper
	count       []int64 // by number: how often the row is on the right and not yet paired
	given       []bool  // by number: without all, the row was given
	acct        account
	ids         []int32
	built       bool
	done        bool
}

// NewSetOp combines two inputs of the types; kind is Intersect or Except.
func NewSetOp(env *Env, kind plan.SetOpKind, all bool, left, right Op, types []datum.Type) Op {
	return &setOp{env: env, kind: kind, all: all, left: left, right: right, seen: newGrouper(types), acct: env.Budget.account()}
}

func (s *setOp) Open(ctx context.Context) error {
	if err := s.left.Open(ctx); err != nil {
		return err
	}
	return s.right.Open(ctx)
}

func (s *setOp) Next(ctx context.Context) (*vec.Batch, error) {
	if !s.built && !s.done {
		s.built = true
		if err := drain(ctx, s.right, s.add); err != nil {
			return nil, err
		}
	}
	for !s.done {
		b, err := s.left.Next(ctx)
		if b == nil || err != nil {
			return nil, err
		}
		rows, err := s.choose(b)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			return b.Take(rows), nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (s *setOp) number(b *vec.Batch) error {
	s.ids = resized(s.ids, b.Len)
	s.seen.assign(b.Cols, b.Len, s.ids)
	for len(s.count) < s.seen.len() {
		s.count, s.given = append(s.count, 0), append(s.given, false)
	}
	return s.acct.need(s.seen.memSize() + 9*int64(cap(s.count)))
}

func (s *setOp) add(b *vec.Batch) error {
	if err := s.number(b); err != nil {
		return err
	}
	for _, id := range s.ids {
		s.count[id]++
	}
	return nil
}

// choose lists the rows of a left batch that are in the answer.
func (s *setOp) choose(b *vec.Batch) ([]int32, error) {
	if err := s.number(b); err != nil {
		return nil, err
	}
	var rows []int32
	for i, id := range s.ids {
		paired := s.count[id] > 0
		if s.all && paired {
			s.count[id]--
		}
		if paired != (s.kind == plan.Intersect) || !s.all && s.given[id] {
			continue
		}
		s.given[id] = true
		rows = append(rows, int32(i))
	}
	return rows, nil
}

func (s *setOp) Close() error {
	s.done, s.seen = true, nil
	s.acct.release()
	return closeAll(s.left, s.right)
}
