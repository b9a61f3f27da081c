package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// Aggregation says how rows are grouped and what is computed of the groups; see plan.Aggregate.
type Aggregation struct {
	Keys  []expr.Expr
	Calls []plan.AggCall
	Sets  [][]int
}

// aggInput evaluates keys and arguments: what one goroutine needs to fill tables.
type aggInput struct {
	*Aggregation
	env      *Env
	keyTypes []datum.Type
	keys     []*expr.Program
	calls    []*callInput
}

func newAggInput(env *Env, a *Aggregation) *aggInput {
	in := &aggInput{Aggregation: a, env: env, keyTypes: typesOf(a.Keys), keys: expr.CompileAll(a.Keys, env.X)}
	for i := range a.Calls {
		in.calls = append(in.calls, newCallInput(&a.Calls[i], env.X))
	}
	return in
}

// aggTable is groups and their states. With grouping sets a group is a set's number and its keys; the keys that are not
// in the set are null.
type aggTable struct {
	in     *aggInput
	groups *grouper
	n      int
	keys   []*vec.Builder // values of the groups' keys
	sets   *vec.Builder   // number of the groups' sets
	bytes  int64          // of keys
	calls  []*callState
	block  int64
	ids    []int32
	full   *partitions // rows of groups that are not in the table, once nothing more fits
}

// newAggTable makes an empty table; blocks says that additions of floats are kept apart by block.
func newAggTable(in *aggInput, blocks bool) *aggTable {
	t := &aggTable{in: in, block: -1, sets: vec.NewBuilder(vec.Int64, 0)}
	t.groups = newGrouper(t.groupTypes())
	for _, k := range in.keyTypes {
		t.keys = append(t.keys, datum.NewBuilder(k, 0))
	}
	for _, c := range in.calls {
		t.calls = append(t.calls, newCallState(c, in.env, blocks))
	}
	return t
}

// groupTypes are the types of what tells groups apart.
func (t *aggTable) groupTypes() []datum.Type {
	types := t.in.keyTypes
	if t.in.Sets != nil {
		types = append(types[:len(types):len(types)], datum.T(datum.Int4))
	}
	return types
}

// add takes the rows of a batch of a block into the table; only says which set's groups they belong to, -1 all.
func (t *aggTable) add(b *vec.Batch, block int64, only int) error {
	if block != t.block {
		if err := t.endBlock(); err != nil {
			return err
		}
		t.block = block
	}
	keys, err := evalAll(t.in.keys, b)
	if err != nil {
		return err
	}
	sets := make([][]int32, 0, max(1, len(t.in.Sets)))
	if t.in.Sets == nil {
		sets = append(sets, t.number(keys, b.Len))
	}
	for s := range t.in.Sets {
		if only >= 0 && s != only {
			sets = append(sets, nil)
			continue
		}
		sets = append(sets, t.number(t.setKeys(keys, s, b.Len), b.Len))
	}
	if t.full != nil {
		if err := t.putAside(b, keys, sets); err != nil {
			return err
		}
	}
	for k, c := range t.calls {
		cols, rows, err := t.in.calls[k].eval(b)
		if err != nil {
			return err
		}
		for _, ids := range sets {
			if ids == nil {
				continue
			}
			if err := c.add(cols, picked(ids, rows), t.n); err != nil {
				return err
			}
		}
	}
	return nil
}

// picked copies the numbers of the rows, nil for all.
func picked(ids, rows []int32) []int32 {
	if rows == nil {
		return append([]int32(nil), ids...)
	}
	out := make([]int32, len(rows))
	for k, r := range rows {
		out[k] = ids[r]
	}
	return out
}

// setKeys are the keys of a grouping set: nulls for those that are not in it, then its number.
func (t *aggTable) setKeys(keys []*vec.Column, set, n int) []*vec.Column {
	out := nullColumns(t.in.keyTypes, n)
	for _, k := range t.in.Sets[set] {
		out[k] = keys[k]
	}
	return append(out, intColumn(int64(set), n))
}

func intColumn(v int64, n int) *vec.Column {
	b := vec.NewBuilder(vec.Int64, 1)
	b.AppendInt(v)
	return vec.Repeat(b.Finish(), 0, n)
}

// number finds the groups of rows. Groups that are new are added, or where nothing more fits are -1.
func (t *aggTable) number(keys []*vec.Column, n int) []int32 {
	ids := make([]int32, n)
	if t.full != nil {
		t.groups.find(keys, n, ids)
		return ids
	}
	t.groups.assign(keys, n, ids)
	for i, id := range ids {
		if int(id) < t.n {
			continue
		}
		t.n++
		for k, b := range t.keys {
			b.AppendFrom(keys[k], i)
			t.bytes += 16
			if c := keys[k]; c.Kind == vec.Bytes && !c.Null(i) {
				t.bytes += int64(len(c.Bytes(i)))
			}
		}
		if t.in.Sets != nil {
			t.sets.AppendInt(keys[len(keys)-1].Int(i))
		}
	}
	return ids
}

// endBlock ends the sums of the current block.
func (t *aggTable) endBlock() error {
	for _, c := range t.calls {
		if err := c.endBlock(t.n); err != nil {
			return err
		}
	}
	return nil
}

// merge takes the groups of another table over, in their order.
func (t *aggTable) merge(o *aggTable) error {
	keys := make([]*vec.Column, 0, len(o.keys)+1)
	for _, b := range o.keys {
		keys = append(keys, b.Finish())
	}
	if t.in.Sets != nil {
		keys = append(keys, o.sets.Finish())
	}
	ids := t.number(keys, o.n)
	for k, c := range t.calls {
		from := o.calls[k].acc
		from.Grow(o.n)
		c.acc.Grow(t.n)
		if err := c.acc.Merge(from, ids); err != nil {
			return err
		}
	}
	return nil
}

// memSize estimates what the table holds.
func (t *aggTable) memSize() int64 {
	n := t.groups.memSize() + t.bytes
	for _, c := range t.calls {
		n += c.memSize()
	}
	return n
}

// complete adds the groups that are there without any row: the one of all rows, and those of empty grouping sets.
func (t *aggTable) complete() {
	if t.n > 0 {
		return
	}
	if t.in.Sets == nil {
		if len(t.keys) == 0 {
			t.n = 1
		}
		return
	}
	for s, set := range t.in.Sets {
		if len(set) == 0 {
			t.number(t.setKeys(nil, s, 1), 1)
		}
	}
}

// result gives all groups as one batch: keys, calls, and with grouping sets the set's number.
func (t *aggTable) result(ctx context.Context) (*vec.Batch, error) {
	out := &vec.Batch{Len: t.n}
	for _, b := range t.keys {
		out.Cols = append(out.Cols, b.Finish())
	}
	for _, c := range t.calls {
		col, err := c.result(ctx, t.n)
		if err != nil {
			return nil, err
		}
		out.Cols = append(out.Cols, col)
	}
	if t.in.Sets != nil {
		out.Cols = append(out.Cols, t.sets.Finish())
	}
	return out, nil
}

// putAside writes the rows whose group is not in the table, with their block and set as last columns.
func (t *aggTable) putAside(b *vec.Batch, keys []*vec.Column, sets [][]int32) error {
	for s, ids := range sets {
		var rows []int32
		for i, id := range ids {
			if id < 0 {
				rows = append(rows, int32(i))
			}
		}
		if len(rows) == 0 {
			continue
		}
		of := keys
		if t.in.Sets != nil {
			of = t.setKeys(keys, s, b.Len)
		}
		out := b.Take(rows)
		out.Cols = append(out.Cols, intColumn(t.block, out.Len), intColumn(int64(s), out.Len))
		taken := make([]*vec.Column, len(of))
		for i, c := range of {
			taken[i] = c.Take(rows)
		}
		if err := t.full.add(out, taken); err != nil {
			return err
		}
	}
	return nil
}

func (t *aggTable) close() error {
	var first error
	for _, c := range t.calls {
		if err := c.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
