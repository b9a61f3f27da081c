package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// foldConstants computes what does not depend on a row, a parameter or the session. What fails is left for the execution,
// which may never come to it.
func foldConstants(r *run, n plan.Node) (plan.Node, error) {
	x := r.o.Context
	if x == nil {
		return n, nil
	}
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		out := plan.MapExprs(n, func(e expr.Expr) expr.Expr {
			return expr.Transform(e, func(e expr.Expr) expr.Expr { return fold(x, e) })
		})
		if f, ok := out.(*plan.Filter); ok && expr.IsTrue(f.Cond) {
			return f.Input, nil
		}
		return out, nil
	})
}

func fold(x *expr.EvalCtx, e expr.Expr) expr.Expr {
	switch e := e.(type) {
	case *expr.Const, *expr.Row:
		return e
	case *expr.And:
		return foldLogic(e.Args, false, func(a []expr.Expr) expr.Expr { return &expr.And{Args: a} }, e)
	case *expr.Or:
		return foldLogic(e.Args, true, func(a []expr.Expr) expr.Expr { return &expr.Or{Args: a} }, e)
	case *expr.Case:
		return foldCase(e)
	case *expr.Call:
		if nullWhatever(e) {
			return expr.NullConst(e.Typ)
		}
	}
	if len(e.Children()) == 0 || !expr.IsConst(e) {
		return e
	}
	for _, c := range e.Children() {
		if _, ok := c.(*expr.Const); !ok {
			return e
		}
	}
	v, err := expr.Value(x, e)
	if err != nil || v == nil || v.Kind == vec.Struct {
		return e
	}
	return &expr.Const{Val: v.Flat(), Typ: e.Type()}
}

// nullWhatever reports whether a call is null because one of its arguments is, so that the others are not computed, as in PostgreSQL. Constants
// that could not be computed are left: the execution is to fail.
func nullWhatever(e *expr.Call) bool {
	if !e.Fn.Strict || e.Fn.RetSet || !slices.ContainsFunc(e.Args, expr.IsNullConst) {
		return false
	}
	return !slices.ContainsFunc(e.Args, func(a expr.Expr) bool {
		_, known := a.(*expr.Const)
		return expr.HasSet(a) || !known && expr.IsConst(a)
	})
}

// foldLogic drops the operands that change nothing; stop is the value that decides the whole.
func foldLogic(args []expr.Expr, stop bool, join func([]expr.Expr) expr.Expr, same expr.Expr) expr.Expr {
	var out []expr.Expr
	for _, a := range args {
		c, ok := a.(*expr.Const)
		if !ok || c.Val.Null(0) {
			out = append(out, a)
			continue
		}
		if c.Val.Bool(0) == stop {
			// What stands before may fail; it is only left out together with what stands behind when there is nothing before.
			if len(out) == 0 {
				return expr.BoolConst(stop)
			}
			return join(append(out, a))
		}
	}
	switch {
	case len(out) == len(args):
		return same
	case len(out) == 0:
		return expr.BoolConst(!stop)
	case len(out) == 1:
		return out[0]
	}
	return join(out)
}

// foldCase drops the arms that are never taken.
func foldCase(e *expr.Case) expr.Expr {
	var whens []expr.When
	for _, w := range e.Whens {
		c, ok := w.Cond.(*expr.Const)
		switch {
		case !ok:
			whens = append(whens, w)
		case !c.Val.Null(0) && c.Val.Bool(0):
			if len(whens) == 0 {
				return w.Then
			}
			return &expr.Case{Whens: whens, Else: w.Then, Typ: e.Typ}
		}
	}
	switch len(whens) {
	case len(e.Whens):
		return e
	case 0:
		return e.Else
	}
	return &expr.Case{Whens: whens, Else: e.Else, Typ: e.Typ}
}

// intValue is the value of an integer constant.
func intValue(e expr.Expr) (int64, bool) {
	c, ok := e.(*expr.Const)
	if !ok || c.Val.Kind != vec.Int64 || c.Val.Null(0) {
		return 0, false
	}
	return c.Val.Int(0), true
}
