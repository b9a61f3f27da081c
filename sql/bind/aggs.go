package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// aggs collects the aggregate calls of one SELECT. In the expressions that hold them stand aggRefs, until the grouping is
// known and they become columns of the Aggregate node.
type aggs struct {
	calls []plan.AggCall
	refs  []*aggRef
	used  bool
	at    syntax.Node // the first call, for errors
	// direct are the arguments of ordered-set aggregates that belong to the group, not to a row.
	direct []expr.Expr
}

// aggRef stands for the result of calls[index].
type aggRef struct {
	index int
	typ   datum.Type
	name  string
}

func (r *aggRef) Type() datum.Type                   { return r.typ }
func (r *aggRef) Children() []expr.Expr              { return nil }
func (r *aggRef) WithChildren([]expr.Expr) expr.Expr { return r }
func (r *aggRef) String() string                     { return r.name }

// groupingRef stands for GROUPING(args).
type groupingRef struct {
	args []expr.Expr
	at   syntax.Node
}

func (r *groupingRef) Type() datum.Type                   { return datum.T(datum.Int4) }
func (r *groupingRef) Children() []expr.Expr              { return nil }
func (r *groupingRef) WithChildren([]expr.Expr) expr.Expr { return r }
func (r *groupingRef) String() string                     { return "GROUPING" }

// add records a call, once if it is made twice.
func (a *aggs) add(c plan.AggCall, at syntax.Node) *aggRef {
	if !a.used {
		a.used, a.at = true, at
	}
	for i := range a.calls {
		if sameCall(&a.calls[i], &c) {
			return a.refs[i]
		}
	}
	a.calls = append(a.calls, c)
	a.refs = append(a.refs, &aggRef{index: len(a.calls) - 1, typ: c.Typ, name: c.Fn.Name})
	return a.refs[len(a.refs)-1]
}

func sameCall(a, b *plan.AggCall) bool {
	if a.Fn != b.Fn || a.Distinct != b.Distinct || a.Typ != b.Typ || len(a.Args) != len(b.Args) || len(a.Order) != len(b.Order) {
		return false
	}
	for i := range a.Args {
		if !expr.Equal(a.Args[i], b.Args[i]) || expr.IsVolatile(a.Args[i]) {
			return false
		}
	}
	for i := range a.Order {
		if a.Order[i].Desc != b.Order[i].Desc || a.Order[i].NullsFirst != b.Order[i].NullsFirst || !expr.Equal(a.Order[i].Expr, b.Order[i].Expr) {
			return false
		}
	}
	return expr.Equal(a.Filter, b.Filter)
}

// aggregatesAllowed refuses aggregates where there are none.
func (f *frame) aggregatesAllowed(x *syntax.FuncCall) error {
	switch {
	case f.inAgg:
		return f.errorIn(x, pgerr.GroupingError, "aggregate function calls cannot be nested")
	case f.aggs == nil && f.what == "FROM":
		return f.errorIn(x, pgerr.GroupingError, "aggregate functions are not allowed in FROM clause of their own query level")
	case f.aggs == nil:
		return f.errorIn(x, pgerr.GroupingError, "aggregate functions are not allowed in %s", f.what)
	}
	return nil
}

// aggregateCall binds a call of an aggregate.
func (f *frame) aggregateCall(x *syntax.FuncCall) (expr.Expr, error) {
	in := *f
	in.inAgg, in.sets = true, false
	args, _, err := in.arguments(x)
	if err != nil {
		return nil, err
	}
	if !x.Star && len(args) == 0 && len(x.WithinGroup) == 0 && takesNothing(x.Name.Last()) {
		return nil, f.errorIn(x, pgerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", dotted(x.Name))
	}
	for i := range args {
		if args[i].expr, err = in.settledRow(args[i]); err != nil {
			return nil, err
		}
	}
	order := x.OrderBy
	if len(x.WithinGroup) > 0 {
		order = x.WithinGroup
	}
	keys, sorted, err := in.aggOrder(order)
	if err != nil {
		return nil, err
	}
	call, err := in.resolveAggregate(x, args, keys, sorted)
	if err != nil {
		return nil, err
	}
	if x.Filter != nil {
		if call.Filter, err = in.aggFilter(x.Filter); err != nil {
			return nil, err
		}
	}
	written := slices.Clone(call.Args)
	e, err := f.placed(call, x)
	f.defining.called(e, x, written)
	return e, err
}

// takesNothing reports whether an aggregate has a form without arguments, which is written with a star.
func takesNothing(name string) bool {
	for _, a := range aggregatesNamed(name) {
		if len(a.Args) == 0 {
			return true
		}
	}
	return false
}

// aggOrder binds ORDER BY inside an aggregate.
func (f *frame) aggOrder(items []*syntax.SortItem) ([]plan.SortKey, []typed, error) {
	var keys []plan.SortKey
	var sorted []typed
	for _, it := range items {
		e, err := f.bind(it.Expr)
		if err != nil {
			return nil, nil, err
		}
		if e, err = f.textIfUnknown(e, it.Expr); err != nil {
			return nil, nil, err
		}
		k, err := f.sortKey(it, e)
		if err != nil {
			return nil, nil, err
		}
		keys, sorted = append(keys, k), append(sorted, typed{e, it.Expr})
	}
	return keys, sorted, nil
}

// resolveAggregate chooses the overload. For ordered-set aggregates the sorted expressions are arguments too.
func (f *frame) resolveAggregate(x *syntax.FuncCall, args []typed, keys []plan.SortKey, sorted []typed) (*plan.AggCall, error) {
	name := x.Name.Last()
	all := args
	within := len(x.WithinGroup) > 0
	if within {
		all = append(append([]typed(nil), args...), sorted...)
	}
	var list []candidate
	ordered := false
	for _, a := range aggregatesNamed(name) {
		ordered = ordered || a.Ordered
		if a.Ordered != within {
			continue
		}
		if c, ok := layOut(a.Args, 0, false, len(all)); ok {
			c.agg = a
			list = append(list, c)
		}
	}
	switch {
	case ordered && !within:
		return nil, f.errorIn(x, pgerr.WrongObjectType, "WITHIN GROUP is required for ordered-set aggregate %s", dotted(x.Name))
	case within && !ordered:
		return nil, f.errorIn(x, pgerr.WrongObjectType, "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", dotted(x.Name))
	case within && x.Distinct:
		return nil, f.errorIn(x, pgerr.WrongObjectType, "cannot use DISTINCT with WITHIN GROUP")
	case x.Star && x.Distinct:
		return nil, f.errorIn(x, pgerr.SyntaxError, "DISTINCT specified, but %s(*) takes no arguments", dotted(x.Name))
	}
	best, many := choose(list, typesOf(all))
	if best == nil {
		return nil, f.noFunction(x, typesOf(all), nil, many)
	}
	types, ret, perr := instantiate(typesOf(all), best.args, best.agg.Ret)
	if perr != nil {
		return nil, f.place(perr, x)
	}
	call := &plan.AggCall{Fn: best.agg, Distinct: x.Distinct, Order: keys, Typ: datum.T(ret)}
	for i, a := range all {
		e, err := f.coerce(a.expr, datum.T(types[i]), funcs.Implicit, a.at)
		if err != nil {
			return nil, err
		}
		if i < len(args) {
			call.Typ = shaped(call.Typ, best.agg.Ret, best.args[i], e)
			call.Args = append(call.Args, e)
		} else {
			call.Order[i-len(args)].Expr = e
		}
	}
	if x.Distinct {
		return call, f.distinctOrder(call, sorted)
	}
	return call, nil
}

// distinctOrder checks that DISTINCT in an aggregate and its ORDER BY agree.
func (f *frame) distinctOrder(c *plan.AggCall, sorted []typed) error {
	for i, k := range c.Order {
		found := false
		for _, a := range c.Args {
			found = found || expr.Equal(a, k.Expr)
		}
		if !found {
			return f.errorIn(sorted[i].at, pgerr.InvalidColumnReference,
				"in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list")
		}
	}
	return nil
}

// grouping is GROUPING(a, b).
func (f *frame) grouping(x *syntax.Special) (expr.Expr, error) {
	if f.aggs == nil || f.inAgg {
		return nil, f.errorIn(x, pgerr.GroupingError, "grouping operations are not allowed in %s", f.what)
	}
	if len(x.Args) > 31 {
		return nil, f.errorIn(x, pgerr.TooManyArguments, "GROUPING must have fewer than 32 arguments")
	}
	in := *f
	in.aggs = nil
	list, err := in.list(x.Args)
	if err != nil {
		return nil, err
	}
	ref := &groupingRef{at: x}
	defer func() { f.defining.called(ref, nil, ref.args) }()
	if len(x.Args) > 0 {
		ref.at = x.Args[0]
	}
	for _, e := range list {
		ref.args = append(ref.args, e.expr)
	}
	if !f.aggs.used {
		f.aggs.used, f.aggs.at = true, x
	}
	return ref, nil
}
