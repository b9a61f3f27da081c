package op

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// callInput evaluates the arguments of one aggregate call.
type callInput struct {
	call   *plan.AggCall
	types  []datum.Type // of the arguments that the accumulator gets
	args   []*expr.Program
	order  []plan.SortKey // over the columns args gives, nil when rows are taken as they come
	filter *expr.Program
	// perBlock says that the result depends on the order of additions, so that blocks are added up by themselves.
	perBlock bool
	// selects says that the accumulator finds its place among unsorted values.
	selects bool
}

// newCallInput compiles the call. The columns are the arguments, then the expressions of its order.
func newCallInput(call *plan.AggCall, suite *expr.Suite) *callInput {
	in := &callInput{call: call, types: typesOf(call.Args), args: suite.CompileAll(call.Args)}
	if call.Filter != nil {
		in.filter = suite.Compile(call.Filter)
	}
	if in.selects = selects(call); in.selects {
		in.args = append(in.args, suite.Compile(call.Order[0].Expr))
		in.types = append(in.types, call.Order[0].Expr.Type())
		return in
	}
	keys := orderOf(call)
	if call.Distinct && len(keys) == 0 && call.Fn.OrderMatters { // DISTINCT gives the values sorted
		for _, a := range call.Args {
			keys = append(keys, plan.SortKey{Expr: a})
		}
	}
	for _, k := range keys {
		col := &expr.Col{Index: 1 + len(in.args), Typ: k.Expr.Type()}
		in.order = append(in.order, plan.SortKey{Expr: col, Desc: k.Desc, NullsFirst: k.NullsFirst})
		in.args = append(in.args, suite.Compile(k.Expr))
		if call.Fn.Ordered {
			in.types = append(in.types, k.Expr.Type())
		}
	}
	in.perBlock = len(in.order) == 0 && addsFloats(call)
	return in
}

// selects reports whether the call is an ordered-set aggregate that need not sort.
func selects(call *plan.AggCall) bool {
	if call.Fn.Select == nil || call.Distinct || len(call.Order) != 1 {
		return false
	}
	return call.Fn.Select(append(typesOf(call.Args), call.Order[0].Expr.Type()), false) != nil
}

// newAcc makes the call's accumulator.
func (in *callInput) newAcc() funcs.Accumulator {
	if in.selects {
		return in.call.Fn.Select(in.types, in.call.Order[0].Desc)
	}
	return in.call.Fn.New(in.types)
}

// orderOf is the order in which the call must get its rows; where the result is the same in any order there is none.
func orderOf(call *plan.AggCall) []plan.SortKey {
	if call.Fn.Ordered || call.Fn.OrderMatters || addsFloats(call) {
		return call.Order
	}
	return nil
}

// addsFloats reports whether the result is made by adding floats.
func addsFloats(call *plan.AggCall) bool {
	if call.Fn.Ordered || call.Fn.Name == "min" || call.Fn.Name == "max" || datum.KindOf(call.Typ.OID) != vec.Float64 {
		return false
	}
	for _, a := range call.Args {
		if datum.KindOf(a.Type().OID) == vec.Float64 {
			return true
		}
	}
	return false
}

// parallel reports whether the call can be computed block by block and merged.
func parallel(call *plan.AggCall) bool {
	return selects(call) || countsDistinct(call) || !call.Distinct && len(orderOf(call)) == 0
}

// countsDistinct reports whether the call is count(DISTINCT x).
func countsDistinct(call *plan.AggCall) bool {
	return call.Distinct && call.Fn.Name == "count" && len(call.Args) == 1
}

// eval gives the columns for the rows of b that pass the filter; rows lists them, nil for all.
func (in *callInput) eval(b *vec.Batch) (cols []*vec.Column, rows []int32, err error) {
	if in.filter != nil {
		if rows, err = in.filter.Filter(b); err != nil {
			return nil, nil, err
		}
		if len(rows) == b.Len {
			rows = nil
		} else {
			b = b.Take(rows)
			if rows == nil {
				rows = []int32{}
			}
		}
	}
	cols, err = evalAll(in.args, b)
	return cols, rows, err
}

// plainArgs are the columns that the accumulator gets.
func (in *callInput) plainArgs(cols []*vec.Column) []*vec.Column { return cols[:len(in.types)] }

// callState is one call's state over the groups of a table.
type callState struct {
	in   *callInput
	env  *Env
	acc  funcs.Accumulator
	sets *distinctCount // of count(DISTINCT x), which needs no acc
	seen *grouper       // of DISTINCT otherwise: group number and arguments
	sort *sorter        // of ORDER BY: group number, then the columns
	part *partial
	ids  []int32
	own  []int32
}

// partial is a call's sums over the current block.
type partial struct {
	acc    funcs.Accumulator
	groups []int32 // number in the table of each group of acc
	local  []int32 // number in acc plus one of each group of the table
}

func newCallState(in *callInput, env *Env, blocks bool) *callState {
	s := &callState{in: in, env: env, acc: in.newAcc()}
	if p, ok := s.acc.(funcs.Partial); ok && !blocks {
		p.Part()
	}
	group := []datum.Type{datum.T(datum.Int8)}
	if countsDistinct(in.call) {
		s.sets = newDistinctCount(in.types[0])
		return s
	}
	if in.call.Distinct {
		s.seen = newGrouper(append(group, in.types...))
	}
	if in.order != nil {
		s.sort = in.newSorter(env, in.order)
	}
	if blocks && in.perBlock {
		s.part = &partial{acc: in.call.Fn.New(in.types)}
	}
	return s
}

// newSorter sorts rows by group number, then by the keys over the columns that args gives.
func (in *callInput) newSorter(env *Env, order []plan.SortKey) *sorter {
	types := []datum.Type{datum.T(datum.Int8)}
	for _, p := range in.args {
		types = append(types, p.Type())
	}
	keys := append([]plan.SortKey{{Expr: &expr.Col{Typ: datum.T(datum.Int8)}}}, order...)
	return newSorter(env, types, keys, -1)
}

// groupsOf gives the groups of the columns' rows, which are the rows listed of the batch that ids is of, nil for all. They are
// a copy where the call drops some of them.
func (s *callState) groupsOf(args []*vec.Column, ids, rows []int32) []int32 {
	strict := s.in.call.Fn.Strict && slices.ContainsFunc(args, (*vec.Column).HasNulls)
	if rows == nil && !strict && s.seen == nil && s.part == nil {
		return ids
	}
	if rows == nil {
		s.own = append(s.own[:0], ids...)
	} else {
		s.own = resized(s.own, len(rows))
		for k, r := range rows {
			s.own[k] = ids[r]
		}
	}
	if strict {
		dropNulls(args, s.own)
	}
	return s.own
}

// dropNulls takes the group from rows with a null among the columns.
func dropNulls(cols []*vec.Column, groups []int32) {
	for _, c := range cols {
		if !c.HasNulls() {
			continue
		}
		for i := range groups {
			if c.Null(i) {
				groups[i] = -1
			}
		}
	}
}

// add takes the columns' rows into groups. total is how many groups the table has.
func (s *callState) add(cols []*vec.Column, ids, rows []int32, total int) error {
	args := s.in.plainArgs(cols)
	groups := s.groupsOf(args, ids, rows)
	if s.sets != nil {
		s.sets.add(args[0], groups, total)
		return nil
	}
	if s.seen != nil {
		s.dropSeen(args, groups)
	}
	if s.sort != nil {
		return s.putAside(cols, groups)
	}
	if s.part != nil {
		return s.part.add(s.env, args, groups, total)
	}
	s.acc.Grow(total)
	return s.acc.Add(s.env.X.Fn, args, groups, len(groups))
}

// dropSeen takes the group from rows whose arguments the group had before.
func (s *callState) dropSeen(args []*vec.Column, groups []int32) {
	n := len(groups)
	s.ids = resized(s.ids, n)
	before := s.seen.len()
	s.seen.assign(append([]*vec.Column{groupColumn(groups)}, args...), n, s.ids)
	for i, id := range s.ids {
		if int(id) < before {
			groups[i] = -1
		} else {
			before++
		}
	}
}

func groupColumn(groups []int32) *vec.Column {
	c := &vec.Column{Kind: vec.Int64, Len: len(groups), I64: make([]int64, len(groups))}
	for i, g := range groups {
		c.I64[i] = int64(g)
	}
	return c
}

// putAside keeps rows until all are there and can be taken in order.
func (s *callState) putAside(cols []*vec.Column, groups []int32) error {
	b := &vec.Batch{Len: len(groups), Cols: append([]*vec.Column{groupColumn(groups)}, cols...)}
	var rows []int32
	for i, g := range groups {
		if g >= 0 {
			rows = append(rows, int32(i))
		}
	}
	switch {
	case len(rows) == 0:
		return nil
	case len(rows) < b.Len:
		b = b.Take(rows)
	}
	return s.sort.add(b)
}

// add takes rows into the block's sums.
func (p *partial) add(env *Env, args []*vec.Column, groups []int32, total int) error {
	for len(p.local) < total {
		p.local = append(p.local, 0)
	}
	for i, g := range groups {
		if g < 0 {
			continue
		}
		if p.local[g] == 0 {
			p.groups = append(p.groups, g)
			p.local[g] = int32(len(p.groups))
		}
		groups[i] = p.local[g] - 1
	}
	p.acc.Grow(len(p.groups))
	return p.acc.Add(env.X.Fn, args, groups, len(groups))
}

// endBlock adds the block's sums to the table's.
func (s *callState) endBlock(total int) error {
	p := s.part
	if p == nil || len(p.groups) == 0 {
		return nil
	}
	s.acc.Grow(total)
	if err := s.acc.Merge(p.acc, p.groups); err != nil {
		return err
	}
	for _, g := range p.groups {
		p.local[g] = 0
	}
	p.acc, p.groups = s.in.call.Fn.New(s.in.types), p.groups[:0]
	return nil
}

// merge takes group g of another state into group ids[g].
func (s *callState) merge(o *callState, ids []int32, total int) error {
	if s.sets != nil {
		s.sets.merge(o.sets, ids, total, s.env.Workers)
		return nil
	}
	o.acc.Grow(len(ids))
	s.acc.Grow(total)
	return s.acc.Merge(o.acc, ids)
}

// relieve makes an accumulator that holds all values give them to a sort, which can put them into files. It reports
// whether there was something to give.
func (s *callState) relieve() (bool, error) {
	acc, ok := s.acc.(funcs.Selector)
	if !ok {
		return false, nil
	}
	groups, cols := acc.Drain()
	in := *s.in
	in.selects = false
	last := len(in.args)
	col := &expr.Col{Index: last, Typ: in.types[last-1]}
	key := in.call.Order[0]
	in.order = []plan.SortKey{{Expr: col, Desc: key.Desc, NullsFirst: key.NullsFirst}}
	s.in, s.acc, s.sort = &in, in.newAcc(), in.newSorter(s.env, in.order)
	return true, s.putAside(cols, groups)
}

// result ends the call: one row per group.
func (s *callState) result(ctx context.Context, total int) (*vec.Column, error) {
	if err := s.endBlock(total); err != nil {
		return nil, err
	}
	if s.sets != nil {
		return s.sets.result(total), nil
	}
	s.acc.Grow(total)
	if s.sort != nil {
		next, err := s.sort.sorted(ctx)
		if err != nil {
			return nil, err
		}
		for {
			b, err := next()
			if err != nil {
				return nil, err
			}
			if b == nil {
				break
			}
			groups := make([]int32, b.Len)
			for i := range groups {
				groups[i] = int32(b.Cols[0].Int(i))
			}
			if err := s.acc.Add(s.env.X.Fn, s.in.plainArgs(b.Cols[1:]), groups, b.Len); err != nil {
				return nil, err
			}
		}
	}
	return s.acc.Result(s.env.X.Fn, total)
}

func (s *callState) memSize() int64 {
	n := int64(s.acc.MemSize())
	if s.sets != nil {
		n += s.sets.memSize()
	}
	if s.part != nil {
		n += int64(s.part.acc.MemSize()) + int64(cap(s.part.local))*4
	}
	if s.seen != nil {
		n += s.seen.memSize()
	}
	return n
}

func (s *callState) close() error {
	if s.sort != nil {
		return s.sort.close()
	}
	return nil
}
