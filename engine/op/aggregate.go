package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// hashAggregate groups its input in a table. When the budget runs out the table takes no more groups: rows of others go
// to files by the hash of their keys, with the block that they came from, and are grouped file by file afterwards.
type hashAggregate struct {
	env   *Env
	in    source
	spec  *aggInput
	level byte
	block func() int64 // of the input's last batch; nil: the batches tell in their last columns

	acct  account
	table *aggTable
	out   *answer
	parts *partitions
	sub   *hashAggregate
	done  bool
}

type hashAggregateOp struct {
	*hashAggregate
	input Op
	a     *Aggregation
}

// NewAggregate groups the rows of in. Where in knows blocks, floats are added up block by block.
func NewAggregate(env *Env, in Op, a *Aggregation) Op {
	h := &hashAggregate{env: env, in: in, acct: env.Budget.account()}
	h.block = func() int64 { return blockOf(in) }
	return &hashAggregateOp{h, in, a}
}

func (h *hashAggregateOp) Open(ctx context.Context) error {
	h.spec = newAggInput(h.env, h.a)
	return h.input.Open(ctx)
}

func (h *hashAggregateOp) Close() error {
	err := h.hashAggregate.close()
	if e := h.input.Close(); err == nil {
		err = e
	}
	return err
}

func (h *hashAggregate) Next(ctx context.Context) (*vec.Batch, error) {
	for !h.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if h.in != nil {
			if err := h.fill(ctx); err != nil {
				return nil, err
			}
		}
		if b := h.some(); b != nil {
			return b, nil
		}
		if h.sub != nil {
			b, err := h.sub.Next(ctx)
			if b != nil || err != nil {
				return b, err
			}
			if err := h.sub.close(); err != nil {
				return nil, err
			}
			h.sub = nil
		}
		if err := h.nextPart(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// fill groups the whole input and computes the answer of the groups in the table.
func (h *hashAggregate) fill(ctx context.Context) error {
	h.table = newAggTable(h.spec, true)
	for {
		b, err := h.in.Next(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		block, set := int64(-1), -1
		if h.block != nil {
			block = h.block()
		} else {
			last := len(b.Cols) - 2
			block, set = b.Cols[last].Int(0), int(b.Cols[last+1].Int(0))
			b = &vec.Batch{Len: b.Len, Cols: b.Cols[:last]}
		}
		if err := h.table.add(b, block, set); err != nil {
			return err
		}
		if err := h.check(); err != nil {
			return err
		}
	}
	h.in = nil
	if h.level == 0 {
		h.table.complete()
	}
	var err error
	if h.out, err = h.table.result(ctx); err != nil {
		return err
	}
	h.parts = h.table.full
	err = h.table.close()
	h.table = nil
	return err
}

// leastTable is what a table may need however little memory there is.
const leastTable = 64 << 10

// check keeps the table within the budget: first no more groups are taken, and when even those that are there need twice
// as much, it is over.
func (h *hashAggregate) check() error {
	size := h.table.memSize()
	if h.acct.set(size) {
		return nil
	}
	relieved, err := h.table.relieve()
	if err != nil || relieved && h.acct.set(h.table.memSize()) {
		return err
	}
	if h.table.full == nil && len(h.spec.Keys) > 0 {
		var err error
		h.table.full, err = newPartitions(h.env, h.table.groupTypes(), h.level)
		return err
	}
	if size > max(2*h.env.Budget.limit, leastTable) {
		return h.env.Budget.exhausted()
	}
	return nil
}

// some gives the next rows of the answer that is there.
func (h *hashAggregate) some() *vec.Batch {
	if h.out == nil {
		return nil
	}
	b := h.out.next(h.env.Rows)
	if b == nil {
		h.out = nil
		h.acct.release()
	}
	return b
}

// nextPart begins with the next file of rows that were put aside.
func (h *hashAggregate) nextPart() error {
	if h.parts == nil {
		h.done = true
		return nil
	}
	r, err := h.parts.next()
	if err != nil {
		return err
	}
	if r == nil {
		h.done = true
		return nil
	}
	h.sub = &hashAggregate{env: h.env, in: r, spec: h.spec, level: h.level + 1, acct: h.env.Budget.account()}
	return nil
}

func (h *hashAggregate) close() error {
	h.done, h.out = true, nil
	h.acct.release()
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if h.sub != nil {
		keep(h.sub.close())
		h.sub = nil
	}
	if h.table != nil {
		keep(h.table.close())
		if h.table.full != nil {
			keep(h.table.full.close())
		}
		h.table = nil
	}
	if h.parts != nil {
		keep(h.parts.close())
	}
	return first
}

// Parallel reports whether the aggregation can be computed by workers, each for blocks of its own.
func (a *Aggregation) Parallel() bool {
	for i := range a.Calls {
		c := &a.Calls[i]
		if !parallel(c) || c.Filter != nil && expr.IsVolatile(c.Filter) {
			return false
		}
		for _, e := range c.Args {
			if expr.IsVolatile(e) {
				return false
			}
		}
	}
	for _, k := range a.Keys {
		if expr.IsVolatile(k) {
			return false
		}
	}
	return true
}

// anyOrder reports whether the answer does not depend on the order in which rows are taken, but for the order of groups.
func (a *Aggregation) anyOrder() bool {
	if a.Sets != nil {
		return false
	}
	for i := range a.Calls {
		c := &a.Calls[i]
		if addsFloats(c) || c.Fn.OrderMatters || keepsFirst(c) {
			return false
		}
	}
	return true
}

// keepsFirst reports whether the call gives the first of values that are equal and yet not the same: 1.5 and 1.50, 0 and -0.
func keepsFirst(c *plan.AggCall) bool {
	if c.Fn.Name != "min" && c.Fn.Name != "max" {
		return false
	}
	switch t := c.Args[0].Type().OID; datum.KindOf(t) {
	case vec.Int64:
		return false
	case vec.Bytes:
		return t == datum.BPChar
	}
	return true
}

// Cols are the columns that the aggregation reads.
func (a *Aggregation) Cols() map[int]bool {
	used := map[int]bool{}
	for _, k := range a.Keys {
		plan.Cols(k, used)
	}
	for i := range a.Calls {
		c := &a.Calls[i]
		for _, e := range c.Args {
			plan.Cols(e, used)
		}
		for _, k := range c.Order {
			plan.Cols(k.Expr, used)
		}
		if c.Filter != nil {
			plan.Cols(c.Filter, used)
		}
	}
	return used
}
