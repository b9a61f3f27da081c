package bind

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// windowsAllowed refuses window functions where there are none.
func (f *frame) windowsAllowed(x *syntax.FuncCall) error {
	switch {
	case f.inWindow:
		return f.errorIn(x, pgerr.WindowingError, "window function calls cannot be nested")
	case f.inAgg:
		return f.errorIn(x, pgerr.GroupingError, "aggregate function calls cannot contain window function calls")
	case f.windows == nil && f.what == "FROM":
		return f.errorIn(x, pgerr.WindowingError, "window functions are not allowed in functions in FROM")
	case f.windows == nil && strings.HasPrefix(f.what, "window "):
		return f.errorIn(x, pgerr.WindowingError, "window functions are not allowed in window definitions")
	case f.windows == nil:
		return f.errorIn(x, pgerr.WindowingError, "window functions are not allowed in %s", f.what)
	}
	return nil
}

// windowCall binds a call with OVER.
func (f *frame) windowCall(x *syntax.FuncCall) (expr.Expr, error) {
	if err := f.windowsAllowed(x); err != nil {
		return nil, err
	}
	name := x.Name.Last()
	overloads, aggs := funcs.LookupWindow(name), aggregatesNamed(name)
	in := *f
	in.inWindow, in.sets = true, false
	args, names, err := in.arguments(x)
	if err != nil {
		return nil, err
	}
	if len(overloads) == 0 && len(aggs) == 0 {
		if c := f.candidates(functionsNamed(name), len(args), names, x.Variadic); len(c) == 0 && !x.Star {
			return nil, f.noFunction(x, typesOf(args), names, false)
		}
		return nil, f.errorIn(x, pgerr.WrongObjectType, "OVER specified, but %s is not a window function nor an aggregate function", dotted(x.Name))
	}
	for i := range args {
		if args[i].expr, err = in.settledRow(args[i]); err != nil {
			return nil, err
		}
	}
	c := &windowCall{}
	if len(overloads) > 0 {
		err = f.resolveWindow(c, x, overloads, args)
	} else {
		err = f.resolveWindowAggregate(c, x, args)
	}
	if err != nil {
		return nil, err
	}
	if x.Filter != nil {
		fl := in
		fl.what, fl.aggs, fl.windows, fl.inWindow = "FILTER", nil, nil, false
		if c.call.Filter, err = fl.condition(x.Filter, "FILTER"); err != nil {
			return nil, err
		}
		c.args = append(c.args, c.call.Filter)
	}
	if c.window, err = f.windows.over(x.Over); err != nil {
		return nil, err
	}
	c.call.Frame = plan.DefaultFrame
	if c.call.Framed() {
		c.call.Frame = c.window.frame
	}
	out := f.windows.add(c)
	f.defining.called(out, x, c.finished().Args)
	return out, nil
}

// resolveWindow chooses the overload of a window function.
func (f *frame) resolveWindow(c *windowCall, x *syntax.FuncCall, list []*funcs.Window, args []typed) error {
	var fit []candidate
	for _, w := range list {
		if l, ok := layOut(w.Args, 0, false, len(args)); ok {
			l.win = w
			fit = append(fit, l)
		}
	}
	best, many := choose(fit, typesOf(args))
	switch {
	case len(x.WithinGroup) > 0 && hypotheticals[x.Name.Last()] != nil:
		return f.errorIn(x, pgerr.FeatureNotSupported, "OVER is not supported for ordered-set aggregate %s", dotted(x.Name))
	case len(x.WithinGroup) > 0:
		return f.errorIn(x, pgerr.WrongObjectType, "window function %s cannot have WITHIN GROUP", dotted(x.Name))
	case best == nil:
		return f.noFunction(x, typesOf(args), nil, many)
	case x.Distinct:
		return f.errorIn(x, pgerr.FeatureNotSupported, "DISTINCT is not implemented for window functions")
	case len(x.OrderBy) > 0:
		return f.errorIn(x, pgerr.FeatureNotSupported, "aggregate ORDER BY is not implemented for window functions")
	case x.Filter != nil:
		return f.errorIn(x, pgerr.FeatureNotSupported, "FILTER is not implemented for non-aggregate window functions")
	}
	types, ret, perr := instantiate(typesOf(args), best.args, best.win.Ret)
	if perr != nil {
		return f.place(perr, x)
	}
	c.call.Fn, c.call.Typ = best.win, datum.T(ret)
	for i, a := range args {
		e, err := f.coerce(a.expr, datum.T(types[i]), funcs.Implicit, a.at)
		if err != nil {
			return err
		}
		c.args = append(c.args, e)
	}
	return nil
}

// resolveWindowAggregate chooses the overload of an aggregate over a window.
func (f *frame) resolveWindowAggregate(c *windowCall, x *syntax.FuncCall, args []typed) error {
	name := x.Name.Last()
	for _, a := range aggregatesNamed(name) {
		if a.Ordered {
			return f.errorIn(x, pgerr.FeatureNotSupported, "OVER is not supported for ordered-set aggregate %s", dotted(x.Name))
		}
	}
	switch {
	case !x.Star && len(args) == 0 && takesNothing(name):
		return f.errorIn(x, pgerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", dotted(x.Name))
	case x.Distinct:
		return f.errorIn(x, pgerr.FeatureNotSupported, "DISTINCT is not implemented for window functions")
	case len(x.OrderBy) > 0:
		return f.errorIn(x, pgerr.FeatureNotSupported, "aggregate ORDER BY is not implemented for window functions")
	}
	agg, err := f.resolveAggregate(x, args, nil, nil)
	if err != nil {
		return err
	}
	c.call.Agg, c.call.Typ, c.args = agg.Fn, agg.Typ, agg.Args
	return nil
}

// rewrite changes the keys of all windows.
func (w *windows) rewrite(by func(expr.Expr) expr.Expr) {
	done := map[*expr.Expr]bool{}
	for _, d := range w.all {
		for i := range d.partition {
			if p := &d.partition[i]; !done[p] { // windows that copy another share its keys
				done[p] = true
				*p = by(*p)
			}
		}
		for i := range d.order {
			if p := &d.order[i].Expr; !done[p] {
				done[p] = true
				*p = by(*p)
			}
		}
	}
}
