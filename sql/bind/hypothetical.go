package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// hypotheticals are the hypothetical-set aggregates: where a row with the direct arguments would stand among the rows of the
// group. They are spelled out as counts of the rows before it.
var hypotheticals = map[string]func(*hypothetical) (expr.Expr, error){
	"rank":         (*hypothetical).rank,
	"dense_rank":   (*hypothetical).denseRank,
	"percent_rank": (*hypothetical).percentRank,
	"cume_dist":    (*hypothetical).cumeDist,
}

// hypothetical is such a call. before and peer are conditions: that a row sorts before the hypothetical one, or the same.
type hypothetical struct {
	f            *frame
	x            *syntax.FuncCall
	filter       expr.Expr
	before, peer expr.Expr
	keys         []expr.Expr
}

// hypotheticalCall binds rank(…) WITHIN GROUP (ORDER BY …) and its kin.
func (f *frame) hypotheticalCall(x *syntax.FuncCall) (expr.Expr, error) {
	if err := f.aggregatesAllowed(x); err != nil {
		return nil, err
	}
	in := *f
	in.inAgg, in.sets = true, false
	args, _, err := in.arguments(x)
	if err != nil {
		return nil, err
	}
	keys, sorted, err := in.aggOrder(x.WithinGroup)
	if err != nil {
		return nil, err
	}
	if len(args) != len(keys) {
		return nil, pgerr.From(f.noFunction(x, append(typesOf(args), typesOf(sorted)...), nil, false)).
			WithHint("To use the hypothetical-set aggregate %s, the number of hypothetical direct arguments (here %d) must match the number of ordering columns (here %d).",
				dotted(x.Name), len(args), len(keys))
	}
	h := &hypothetical{f: f, x: x}
	if x.Filter != nil {
		if h.filter, err = in.aggFilter(x.Filter); err != nil {
			return nil, err
		}
	}
	for i := range keys {
		pair := []typed{args[i], sorted[i]}
		t, _, err := f.commonType(pair, "WITHIN GROUP")
		if err != nil {
			return nil, err
		}
		vals, err := f.toCommon(pair, t, "WITHIN GROUP")
		if err != nil {
			return nil, err
		}
		f.aggs.direct = append(f.aggs.direct, vals[0])
		if err := h.key(keys[i], vals[0], vals[1]); err != nil {
			return nil, err
		}
	}
	e, err := hypotheticals[x.Name.Last()](h)
	f.defining.called(e, x, f.aggs.direct[len(f.aggs.direct)-len(keys):])
	return e, err
}

// key adds a key: the rows whose value stands before the direct argument, or is the same where all keys before are.
func (h *hypothetical) key(k plan.SortKey, direct, value expr.Expr) error {
	op := "<"
	if k.Desc {
		op = ">"
	}
	less, err := h.f.operator(syntax.Operator{Name: op}, []typed{{value, h.x}, {direct, h.x}}, h.x)
	if err != nil {
		return err
	}
	before := expr.Expr(&expr.Case{Typ: datum.T(datum.Bool), Else: less, Whens: []expr.When{
		{Cond: &expr.IsNull{Arg: value}, Then: expr.Conjoin([]expr.Expr{expr.BoolConst(k.NullsFirst), &expr.IsNull{Arg: direct, Not: true}})},
		{Cond: &expr.IsNull{Arg: direct}, Then: expr.BoolConst(!k.NullsFirst)},
	}})
	peer := expr.Expr(&expr.Distinct{Left: value, Right: direct, Not: true})
	if h.before != nil {
		before = &expr.Or{Args: []expr.Expr{h.before, &expr.And{Args: []expr.Expr{h.peer, before}}}}
		peer = &expr.And{Args: []expr.Expr{h.peer, peer}}
	}
	h.before, h.peer, h.keys = before, peer, append(h.keys, value)
	return nil
}

// count counts the rows of the group that satisfy a condition, or the distinct values of args among them.
func (h *hypothetical) count(cond expr.Expr, distinct []expr.Expr) (expr.Expr, error) {
	call := plan.AggCall{Typ: datum.T(datum.Int8), Filter: cond}
	if h.filter != nil {
		call.Filter = expr.Conjoin(append([]expr.Expr{h.filter}, expr.Conjuncts(cond)...))
	}
	if distinct != nil {
		call.Distinct, call.Args = true, distinct
	}
	for _, a := range aggregatesNamed("count") {
		if len(a.Args) == len(call.Args) {
			call.Fn = a
		}
	}
	return h.f.placed(&call, h.x)
}

func (h *hypothetical) operator(op string, l, r expr.Expr) (expr.Expr, error) {
	return h.f.operator(syntax.Operator{Name: op}, []typed{{l, h.x}, {r, h.x}}, h.x)
}

func (h *hypothetical) plusOne(e expr.Expr, err error) (expr.Expr, error) {
	if err != nil {
		return nil, err
	}
	return h.operator("+", e, intConst(1, datum.Int8))
}

func (h *hypothetical) rank() (expr.Expr, error) { return h.plusOne(h.count(h.before, nil)) }

func (h *hypothetical) denseRank() (expr.Expr, error) {
	row, err := h.f.settled(&expr.Row{Elems: h.keys}, h.x) // a row of nulls counts
	if err != nil {
		return nil, err
	}
	return h.plusOne(h.count(h.before, []expr.Expr{row}))
}

// percentRank is the share of the rows that are before; 0 of no rows.
func (h *hypothetical) percentRank() (expr.Expr, error) {
	before, err := h.count(h.before, nil)
	if err != nil {
		return nil, err
	}
	all, err := h.count(nil, nil)
	if err != nil {
		return nil, err
	}
	none, err := h.operator("=", all, intConst(0, datum.Int8))
	if err != nil {
		return nil, err
	}
	share, err := h.share(before, all)
	if err != nil {
		return nil, err
	}
	zero, err := h.f.coerce(intConst(0, datum.Int8), datum.T(datum.Float8), funcs.Implicit, h.x)
	if err != nil {
		return nil, err
	}
	return &expr.Case{Typ: datum.T(datum.Float8), Whens: []expr.When{{Cond: none, Then: zero}}, Else: share}, nil
}

// cumeDist counts the hypothetical row too.
func (h *hypothetical) cumeDist() (expr.Expr, error) {
	upTo, err := h.plusOne(h.count(&expr.Or{Args: []expr.Expr{h.before, h.peer}}, nil))
	if err != nil {
		return nil, err
	}
	all, err := h.plusOne(h.count(nil, nil))
	if err != nil {
		return nil, err
	}
	return h.share(upTo, all)
}

func (h *hypothetical) share(part, all expr.Expr) (expr.Expr, error) {
	list := []expr.Expr{part, all}
	for i := range list {
		var err error
		if list[i], err = h.f.coerce(list[i], datum.T(datum.Float8), funcs.Implicit, h.x); err != nil {
			return nil, err
		}
	}
	return h.operator("/", list[0], list[1])
}

// directArguments notes the arguments of an ordered-set aggregate that are not computed for each row.
func (a *aggs) directArguments(c *plan.AggCall) {
	if c.Fn.Ordered {
		a.direct = append(a.direct, c.Args...)
	}
}

// aggFilter binds the FILTER of an aggregate.
func (f *frame) aggFilter(x syntax.Expr) (expr.Expr, error) {
	fl := *f
	fl.what, fl.aggs, fl.windows, fl.inAgg = "FILTER", nil, nil, false
	return fl.condition(x, "FILTER")
}
