package op

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

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
	Top   *TopGroups // may be nil
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
	suite := expr.NewSuite(env.X)
	in := &aggInput{Aggregation: a, env: env, keyTypes: typesOf(a.Keys), keys: suite.CompileAll(a.Keys)}
	for i := range a.Calls {
		in.calls = append(in.calls, newCallInput(&a.Calls[i], suite))
	}
	return in
}

// aggTable is groups and their states. With grouping sets a group is a set's number and its keys; the keys that are not
// in the set are null.
type aggTable struct {
	in     *aggInput
	groups *grouper
	n      int
	keys   []keyValues  // values of the groups' keys
	sets   *vec.Builder // number of the groups' sets
	calls  []*callState
	block  int64
	full   *partitions // rows of groups that are not in the table, once nothing more fits

	// A table that gets rows of some blocks only keeps for each group the number of its first row, so that the groups of
	// merged tables come in the order of all rows.
	ordered bool
	seq     int64 // number of the next row
	firsts  []int64

	space *spaceGroups // how groups are told apart; nil: by values
	rows  int64        // taken in

	fresh []int32 // rows of the last batch that began groups
	tally tally
}

// newAggTable makes an empty table; blocks says that additions of floats are kept apart by block.
func newAggTable(in *aggInput, blocks bool) *aggTable {
	t := &aggTable{in: in, block: -1, sets: vec.NewBuilder(vec.Int64, 0)}
	t.groups = newGrouper(t.groupTypes())
	for _, k := range in.keyTypes {
		t.keys = append(t.keys, keyValues{typ: k})
	}
	if len(t.keys) == 1 && in.Sets == nil {
		t.keys[0].table = &t.groups.cols[0]
	}
	for _, c := range in.calls {
		t.calls = append(t.calls, newCallState(c, in.env, blocks))
	}
	t.tally = newTally(t)
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
	if t.tally.calls != nil && t.tally.add(keys[0], &t.groups.cols[0], b.Len) {
		t.seq += int64(b.Len)
		return nil
	}
	sets := make([][]int32, 0, max(1, len(t.in.Sets)))
	if t.in.Sets == nil {
		ids, err := t.groupsOf(keys, b.Len)
		if err != nil {
			return err
		}
		sets = append(sets, ids)
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
	t.seq += int64(b.Len)
	for k, c := range t.calls {
		cols, rows, err := t.in.calls[k].eval(b)
		if err != nil {
			return err
		}
		for _, ids := range sets {
			if ids == nil {
				continue
			}
			if err := c.add(cols, ids, rows, t.n); err != nil {
				return err
			}
		}
	}
	return nil
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

// groupsOf finds the groups of rows, by number where that can be done.
func (t *aggTable) groupsOf(keys []*vec.Column, n int) ([]int32, error) {
	t.rows += int64(n)
	if t.space != nil {
		if ids, ok := t.space.number(t, keys[0], n); ok {
			return ids, nil
		}
		if err := t.leaveSpace(); err != nil {
			return nil, err
		}
	}
	return t.number(keys, n), nil
}

// number finds the groups of rows. Groups that are new are added, or where nothing more fits are -1.
func (t *aggTable) number(keys []*vec.Column, n int) []int32 {
	ids := make([]int32, n)
	if t.full != nil {
		t.groups.find(keys, n, ids)
		return ids
	}
	t.groups.assign(keys, n, ids)
	if t.groups.len() == t.n {
		return ids
	}
	fresh := t.groups.fresh(t.fresh[:0], ids, t.n)
	t.fresh = fresh
	t.n += len(fresh)
	for k := range t.keys {
		t.keys[k].addRows(keys[k], fresh)
	}
	if t.in.Sets != nil {
		for _, i := range fresh {
			t.sets.AppendInt(keys[len(keys)-1].Int(int(i)))
		}
	}
	if t.ordered {
		t.firsts = roomFor(t.firsts, len(fresh))
		for _, i := range fresh {
			t.firsts = append(t.firsts, t.seq+int64(i))
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

// merge takes the groups of another table over, in their order, and the table with them.
func (t *aggTable) merge(o *aggTable) error {
	if t.space != nil {
		if ids, ok := t.space.take(t, o); ok {
			return t.mergeCalls(o, ids)
		}
		if err := t.leaveSpace(); err != nil {
			return err
		}
	}
	places, present := o.n, o.present()
	if o.space != nil {
		o.list(present)
	}
	ids := t.mergeGroups(o)
	if present != nil { // the states of the other groups have nothing in them, wherever they go
		all := make([]int32, places)
		for i, g := range present {
			all[g] = ids[i]
		}
		ids = all
	}
	return t.mergeCalls(o, ids)
}

// mergeGroups gives the groups of another table their numbers here.
func (t *aggTable) mergeGroups(o *aggTable) []int32 {
	before := t.n
	ids, ordered := t.numberOf(o)
	if t.ordered && !ordered {
		t.firsts = t.firsts[:before]
		for i, id := range ids {
			if int(id) == len(t.firsts) {
				t.firsts = append(doubled(t.firsts), o.firsts[i])
			}
			t.firsts[id] = min(t.firsts[id], o.firsts[i])
		}
	}
	return ids
}

func (t *aggTable) mergeCalls(o *aggTable, ids []int32) error {
	t.rows += o.rows
	for k, c := range t.calls {
		if err := c.merge(o.calls[k], ids, t.n); err != nil {
			return err
		}
	}
	return nil
}

// numberOf finds the groups of another table, and reports whether their first rows are merged too.
func (t *aggTable) numberOf(o *aggTable) (ids []int32, ordered bool) {
	if len(t.keys) == 1 && t.in.Sets == nil {
		f := (*firstsOf)(nil)
		if t.ordered {
			f = &firstsOf{ours: &t.firsts, theirs: o.firsts}
		}
		ids := t.groups.cols[0].numberValues(&o.keys[0], &t.keys[0], f, t.in.env.Workers)
		t.n = t.keys[0].n
		return ids, f != nil && f.merged
	}
	keys := make([]*vec.Column, 0, len(o.keys)+1)
	for k := range o.keys {
		keys = append(keys, o.keys[k].column(nil))
	}
	if t.in.Sets != nil {
		keys = append(keys, o.sets.Finish())
	}
	return t.number(keys, o.n), false
}

// order lists groups, nil for all, by their first rows; nil where all are in that order.
func (t *aggTable) order(groups []int32) []int32 {
	if groups == nil {
		if !t.ordered || slices.IsSorted(t.firsts) {
			return nil
		}
		groups = make([]int32, t.n)
		for i := range groups {
			groups[i] = int32(i)
		}
	}
	return t.byFirst(groups)
}

// byFirst puts groups into the order of their first rows; they may be put so in place.
func (t *aggTable) byFirst(groups []int32) []int32 {
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, g := range groups {
		low, high = min(low, t.firsts[g]), max(high, t.firsts[g])
	}
	if (high-low)/64 > 4*int64(len(groups)) {
		slices.SortFunc(groups, func(a, b int32) int { return cmp.Compare(t.firsts[a], t.firsts[b]) })
		return groups
	}
	// No two groups begin with the same row: a bitmap of the rows gives every group its place.
	rows := vec.NewBitmap(int(high-low) + 1)
	for _, g := range groups {
		rows.Set(int(t.firsts[g] - low))
	}
	before := make([]int32, len(rows))
	n := 0
	for i, w := range rows {
		before[i] = int32(n)
		n += bits.OnesCount64(w)
	}
	order := make([]int32, len(groups))
	for _, g := range groups {
		i := uint64(t.firsts[g] - low)
		order[before[i>>6]+int32(bits.OnesCount64(rows[i>>6]&(1<<(i&63)-1)))] = g
	}
	return order
}

// memSize estimates what the table holds.
func (t *aggTable) memSize() int64 {
	n := t.groups.memSize() + int64(cap(t.firsts))*8
	for k := range t.keys {
		n += t.keys[k].memSize()
	}
	for _, c := range t.calls {
		n += c.memSize()
	}
	if t.space != nil {
		n += t.space.held + int64(cap(t.space.seen))*8
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

// best lists the groups that a sort above may want, in their order; nil for all. calls are the results of groups, nil for all.
func (t *aggTable) best(calls []*vec.Column, groups []int32) []int32 {
	if t.in.Top == nil || t.in.Sets != nil {
		return nil
	}
	of := calls[t.in.Top.Call]
	if groups != nil {
		of = of.Take(groups)
	}
	rows := t.in.Top.rows(of)
	for i, row := range rows {
		if groups != nil {
			rows[i] = groups[row]
		}
	}
	if t.ordered && len(rows) > 0 {
		rows = t.byFirst(rows)
	}
	return rows
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

// relieve asks the calls to hold less.
func (t *aggTable) relieve() (bool, error) {
	some := false
	for _, c := range t.calls {
		ok, err := c.relieve()
		if err != nil {
			return some, err
		}
		some = some || ok
	}
	return some, nil
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
