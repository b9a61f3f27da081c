package plan

import (
	"bytes"
	"math"
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/vec"
)

// Equal reports whether two expressions are the same computation over the same row. Calls of volatile functions are equal
// to themselves only in form: whether they may be shared is for the caller to decide. Subqueries are equal only to themselves.
func Equal(a, b expr.Expr) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if a == b {
		return true
	}
	if a.Type() != b.Type() || !sameHead(a, b) {
		return false
	}
	return slices.EqualFunc(a.Children(), b.Children(), Equal)
}

// sameHead compares what two nodes are apart from their operands.
func sameHead(a, b expr.Expr) bool {
	switch a := a.(type) {
	case *expr.Col:
		b, ok := b.(*expr.Col)
		return ok && a.Index == b.Index
	case *expr.Outer:
		b, ok := b.(*expr.Outer)
		return ok && a.Level == b.Level && a.Index == b.Index
	case *expr.Const:
		b, ok := b.(*expr.Const)
		return ok && sameValue(a.Val, b.Val)
	case *expr.Param:
		b, ok := b.(*expr.Param)
		return ok && a.N == b.N
	case *expr.Call:
		b, ok := b.(*expr.Call)
		return ok && a.Fn == b.Fn
	case *expr.Cast:
		b, ok := b.(*expr.Cast)
		return ok && a.Explicit == b.Explicit
	case *expr.IsNull:
		b, ok := b.(*expr.IsNull)
		return ok && a.Not == b.Not
	case *expr.BoolTest:
		b, ok := b.(*expr.BoolTest)
		return ok && a.Not == b.Not && a.Want == b.Want
	case *expr.Distinct:
		b, ok := b.(*expr.Distinct)
		return ok && a.Not == b.Not
	case *expr.MinMax:
		b, ok := b.(*expr.MinMax)
		return ok && a.Max == b.Max
	case *expr.In:
		b, ok := b.(*expr.In)
		return ok && a.Not == b.Not
	case *expr.AnyAll:
		b, ok := b.(*expr.AnyAll)
		return ok && a.Op == b.Op && a.All == b.All
	case *expr.Field:
		b, ok := b.(*expr.Field)
		return ok && a.Index == b.Index
	}
	return sameForm(a, b)
}

// sameForm compares the nodes that carry nothing but operands.
func sameForm(a, b expr.Expr) (ok bool) {
	switch a := a.(type) {
	case *expr.And:
		_, ok = b.(*expr.And)
	case *expr.Or:
		_, ok = b.(*expr.Or)
	case *expr.Not:
		_, ok = b.(*expr.Not)
	case *expr.Case:
		_, ok = b.(*expr.Case)
	case *expr.Coalesce:
		_, ok = b.(*expr.Coalesce)
	case *expr.NullIf:
		_, ok = b.(*expr.NullIf)
	case *expr.Array:
		_, ok = b.(*expr.Array)
	case *expr.Row:
		_, ok = b.(*expr.Row)
	case *expr.Subscript:
		x, same := b.(*expr.Subscript)
		there := func(a, b expr.Expr) bool { return (a == nil) == (b == nil) }
		ok = same && len(a.Index) == len(x.Index) && slices.EqualFunc(a.Lower, x.Lower, there) && slices.EqualFunc(a.Upper, x.Upper, there)
	}
	return ok
}

// sameValue compares two columns of one row by representation: a NaN is the same as a NaN, and the two zeros are not.
func sameValue(a, b *vec.Column) bool { return a == b || sameRow(a, 0, b, 0) }

func sameRow(a *vec.Column, i int, b *vec.Column, j int) bool {
	if a.Kind != b.Kind || a.Null(i) != b.Null(j) {
		return false
	}
	if a.Null(i) {
		return true
	}
	switch a.Kind {
	case vec.Bool:
		return a.Bool(i) == b.Bool(j)
	case vec.Int64:
		return a.Int(i) == b.Int(j)
	case vec.Float64:
		return math.Float64bits(a.Float(i)) == math.Float64bits(b.Float(j))
	case vec.Bytes:
		return bytes.Equal(a.Bytes(i), b.Bytes(j))
	case vec.Decimal:
		return a.Decimal(i) == b.Decimal(j)
	case vec.Interval:
		return a.Interval(i) == b.Interval(j)
	case vec.List:
		return sameList(a, i, b, j)
	}
	return false
}

func sameList(a *vec.Column, i int, b *vec.Column, j int) bool {
	x, from, to := a.List(i)
	y, start, end := b.List(j)
	if to-from != end-start {
		return false
	}
	for k := range to - from {
		if !sameRow(x, from+k, y, start+k) {
			return false
		}
	}
	return true
}
