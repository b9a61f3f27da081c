package expr

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// Walk calls visit for e and everything under it, parents first; visit returning false skips the children. The plans
// of subqueries are not entered.
func Walk(e Expr, visit func(Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, c := range e.Children() {
		Walk(c, visit)
	}
}

// Transform rebuilds e from the leaves up, replacing every node by what f returns for it; f returning its argument keeps
// it, and a tree in which nothing changed is returned as it is. The plans of subqueries are not entered.
func Transform(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	old := e.Children()
	var changed []Expr
	for i, c := range old {
		n := Transform(c, f)
		if n != c && changed == nil {
			changed = append(make([]Expr, 0, len(old)), old...)
		}
		if changed != nil {
			changed[i] = n
		}
	}
	if changed != nil {
		e = e.WithChildren(changed)
	}
	return f(e)
}

// Any reports whether visit is true for e or for something under it.
func Any(e Expr, visit func(Expr) bool) bool {
	found := false
	Walk(e, func(x Expr) bool {
		found = found || visit(x)
		return !found
	})
	return found
}

// MapCols returns e with every Col at index i moved to to(i).
func MapCols(e Expr, to func(int) int) Expr {
	return Transform(e, func(x Expr) Expr {
		c, ok := x.(*Col)
		if !ok || to(c.Index) == c.Index {
			return x
		}
		n := *c
		n.Index = to(c.Index)
		return &n
	})
}

// IsConst reports whether e has one value that is known before execution: constants under immutable functions.
func IsConst(e Expr) bool {
	return !Any(e, func(x Expr) bool {
		switch n := x.(type) {
		case *Col, *Outer, *Param, *Subquery, *Apply:
			return true
		case *Cast:
			// A conversion may depend on the session (time zone, search path); those between the same types may not.
			return !steadyCast(n)
		}
		fn := calledBy(x)
		return fn != nil && (fn.RetSet || fn.Runs || fn.Volatile != funcs.Immutable)
	})
}

// steadyCast reports whether the conversion gives the same in every session.
func steadyCast(c *Cast) bool {
	for _, t := range []datum.OID{c.Arg.Type().OID, c.Typ.OID} {
		switch t {
		case datum.Regproc, datum.Regclass, datum.Regtype, datum.Regrole, datum.Regnsp, datum.Regproced, datum.Regoper,
			datum.Regoperator, datum.Regconfig:
			return c.Arg.Type().OID == c.Typ.OID
		case datum.Date, datum.Time, datum.Timestamp, datum.TimestampTZ, datum.TimeTZ, datum.Interval:
			return c.Arg.Type().OID == c.Typ.OID
		}
	}
	return true
}

// calledBy returns the function that the node itself calls, or nil.
func calledBy(e Expr) *funcs.Func {
	switch n := e.(type) {
	case *Call:
		return n.Fn
	case *AnyAll:
		return n.Op
	}
	return nil
}

// IsSteady reports whether e has one value during an execution, whatever the row: no columns, no volatile functions, no
// sets. Outer columns, parameters and uncorrelated subqueries are allowed.
func IsSteady(e Expr) bool {
	return !Any(e, func(x Expr) bool {
		switch n := x.(type) {
		case *Col:
			return true
		case *Subquery:
			return n.Correlated
		}
		return volatile(x)
	})
}

// IsVolatile reports whether e calls a volatile function, so that it must be called for each row and never be moved or
// left out. The plans of subqueries are not entered.
func IsVolatile(e Expr) bool { return Any(e, volatile) }

func volatile(x Expr) bool {
	if a, ok := x.(*Apply); ok {
		return IsVolatile(a.Body)
	}
	fn := calledBy(x)
	return fn != nil && (fn.RetSet || fn.Runs || fn.Volatile == funcs.Volatile)
}

// RunsStatements reports whether e calls a users' function whose statements run. The plans of subqueries are not entered.
func RunsStatements(e Expr) bool {
	return Any(e, func(x Expr) bool {
		fn := calledBy(x)
		return fn != nil && fn.Runs
	})
}

// HasSet reports whether e calls a set-returning function.
func HasSet(e Expr) bool {
	return Any(e, func(x Expr) bool {
		fn := calledBy(x)
		return fn != nil && fn.RetSet
	})
}

// Conjuncts splits a condition at its top ANDs; nil gives none.
func Conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	a, ok := e.(*And)
	if !ok {
		return []Expr{e}
	}
	var out []Expr
	for _, x := range a.Args {
		out = append(out, Conjuncts(x)...)
	}
	return out
}

// Conjoin is the opposite of Conjuncts: nil for none.
func Conjoin(list []Expr) Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &And{Args: list}
}

// BoolConst returns the constant.
func BoolConst(v bool) *Const {
	b := vec.NewBuilder(vec.Bool, 1)
	b.AppendBool(v)
	return &Const{Val: b.Finish(), Typ: boolean}
}

// NullConst returns the null of a type.
func NullConst(t datum.Type) *Const {
	b := datum.NewBuilder(t, 1)
	b.AppendNull()
	return &Const{Val: b.Finish(), Typ: t}
}

// Present returns a condition that is true of a value that is not null. A row of nulls is one, of which IS NOT NULL is false.
func Present(e Expr) Expr {
	if datum.KindOf(e.Type().OID) == vec.Struct {
		return &Distinct{Left: e, Right: NullConst(e.Type())}
	}
	return &IsNull{Arg: e, Not: true}
}

// IsTrue and IsNullConst recognise those constants; a nil condition is true.
func IsTrue(e Expr) bool {
	if e == nil {
		return true
	}
	c, ok := e.(*Const)
	return ok && c.Val.Kind == vec.Bool && !c.Val.Null(0) && c.Val.Bool(0)
}

// IsNullConst reports whether e is a null constant.
func IsNullConst(e Expr) bool {
	c, ok := e.(*Const)
	return ok && c.Val.Null(0)
}

// CannotFail reports whether evaluating e can raise no error, whatever the row. It knows comparisons, logic, paths into
// documents and conversions that lose nothing; false says nothing.
func CannotFail(e Expr) bool {
	return !Any(e, func(x Expr) bool {
		switch n := x.(type) {
		case *Col, *Const, *Outer, *Param, *And, *Or, *Not, *IsNull, *BoolTest, *Distinct, *Case, *Coalesce, *NullIf, *In, *MinMax:
			return false
		case *Call:
			return !safeCall(n.Fn) && !safeArrow(n)
		case *Cast:
			return !safeCast(n)
		}
		return true
	})
}

// safeArrow knows the operators that give null where a document has nothing.
func safeArrow(c *Call) bool {
	return (c.Fn.Name == "->" || c.Fn.Name == "->>") && len(c.Args) == 2 && c.Args[0].Type().OID == datum.JSONB
}

func safeCast(c *Cast) bool {
	from, to := c.Arg.Type().OID, c.Typ.OID
	switch {
	case from == to:
		return c.Typ.Mod == -1
	case to == datum.Text:
		return true
	case from == datum.Int2 || from == datum.Int4 || from == datum.Int8:
		return to == datum.Float8 || to == datum.Numeric && c.Typ.Mod == -1 || to == datum.Int8 || to == datum.Int4 && from == datum.Int2
	case from == datum.Text:
		return to == datum.Varchar && c.Typ.Mod == -1
	}
	return false
}
