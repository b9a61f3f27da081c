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

// setOp is INTERSECT or EXCEPT: it counts the rows of the right input and gives rows of the left one. When the budget runs out
// it takes no more distinct rows: those it does not know go to files by their hash, of both sides, and each pair of files is
// combined by itself.
type setOp struct {
	env         *Env
	left, right source
	kind        plan.SetOpKind
	all         bool
	types       []datum.Type
	level       byte
	seen        *grouper
	count       []int64 // by number: how often the row is on the right and not yet paired
	given       []bool  // by number: without all, the row was given
	acct        account
	ids         []int32
	aside       *setAside // nil while everything fits
	sub         *setOp
	done        bool
}

// setAside is the rows of both sides that were put aside.
type setAside struct {
	left, right *partitions
	at          int
}

type setOpOp struct {
	*setOp
	inputs [2]Op
}

// NewSetOp combines two inputs of the types; kind is Intersect or Except.
func NewSetOp(env *Env, kind plan.SetOpKind, all bool, left, right Op, types []datum.Type) Op {
	s := &setOp{env: env, kind: kind, all: all, left: left, right: right, types: types}
	return &setOpOp{s.begin(), [2]Op{left, right}}
}

func (o *setOpOp) Open(ctx context.Context) error {
	if err := o.inputs[0].Open(ctx); err != nil {
		return err
	}
	return o.inputs[1].Open(ctx)
}

func (o *setOpOp) Close() error {
	err := o.setOp.close()
	if e := closeAll(o.inputs[:]...); err == nil {
		err = e
	}
	return err
}

func (s *setOp) begin() *setOp {
	s.seen, s.acct = newGrouper(s.types), s.env.Budget.account()
	return s
}

func (s *setOp) Next(ctx context.Context) (*vec.Batch, error) {
	for !s.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.right != nil {
			if err := drain(ctx, s.right, s.add); err != nil {
				return nil, err
			}
			s.right = nil
		}
		b, err := s.some(ctx)
		if err != nil {
			return nil, err
		}
		if b != nil && b.Len > 0 {
			return b, nil
		}
	}
	return nil, nil
}

// some gives rows of the left input, then of the files; none does not mean the end.
func (s *setOp) some(ctx context.Context) (*vec.Batch, error) {
	if s.left != nil {
		b, err := s.left.Next(ctx)
		if err != nil {
			return nil, err
		}
		if b != nil {
			return s.choose(b)
		}
		s.left, s.seen, s.count, s.given = nil, nil, nil, nil
		s.acct.release()
	}
	if s.sub != nil {
		b, err := s.sub.Next(ctx)
		if b != nil || err != nil {
			return b, err
		}
		if err := s.sub.close(); err != nil {
			return nil, err
		}
		s.sub = nil
	}
	return nil, s.nextPair()
}

// nextPair begins with the next pair of files. Without rows on the left there is nothing to give.
func (s *setOp) nextPair() error {
	for s.aside != nil && s.aside.at < fanOut {
		k := s.aside.at
		s.aside.at++
		left, err := s.aside.left.file(k)
		if err != nil {
			return err
		}
		if left == nil {
			continue
		}
		right, err := s.aside.right.file(k)
		if err != nil {
			return err
		}
		if right == nil {
			right = noRows{}
		}
		sub := &setOp{env: s.env, kind: s.kind, all: s.all, types: s.types, level: s.level + 1, left: left, right: right}
		s.sub = sub.begin()
		return nil
	}
	s.done = true
	return nil
}

// number gives the rows of a batch of the left or the right side their numbers, -1 to those that are put aside.
func (s *setOp) number(b *vec.Batch, left bool) error {
	s.ids = resized(s.ids, b.Len)
	if s.aside == nil {
		s.seen.assign(b.Cols, b.Len, s.ids)
		for len(s.count) < s.seen.len() {
			s.count, s.given = append(s.count, 0), append(s.given, false)
		}
		if s.acct.set(s.seen.memSize() + 9*int64(cap(s.count))) {
			return nil
		}
		a := &setAside{}
		var err error
		if a.left, err = newPartitions(s.env, s.types, s.level); err != nil {
			return err
		}
		if a.right, err = newPartitions(s.env, s.types, s.level); err != nil {
			return err
		}
		s.aside = a
		return nil
	}
	s.seen.find(b.Cols, b.Len, s.ids)
	var unknown []int32
	for i, id := range s.ids {
		if id < 0 {
			unknown = append(unknown, int32(i))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	to := s.aside.right
	if left {
		to = s.aside.left
	}
	b = b.Take(unknown)
	return to.add(b, b.Cols)
}

func (s *setOp) add(b *vec.Batch) error {
	if err := s.number(b, false); err != nil {
		return err
	}
	for _, id := range s.ids {
		if id >= 0 {
			s.count[id]++
		}
	}
	return nil
}

// choose gives the rows of a left batch that are in the answer.
func (s *setOp) choose(b *vec.Batch) (*vec.Batch, error) {
	if err := s.number(b, true); err != nil {
		return nil, err
	}
	var rows []int32
	for i, id := range s.ids {
		if id < 0 {
			continue
		}
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
	return b.Take(rows), nil
}

func (s *setOp) close() error {
	s.done, s.seen = true, nil
	s.acct.release()
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if s.sub != nil {
		keep(s.sub.close())
		s.sub = nil
	}
	if s.aside != nil {
		keep(s.aside.left.close())
		keep(s.aside.right.close())
	}
	return first
}
