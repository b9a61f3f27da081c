package expr

import (
	"bytes"
	"math"
	"reflect"
	"slices"

	"github.com/allsource-db/allsource/vec"
)

// Equal reports whether two expressions are the same computation over the same row. Calls of volatile functions are equal
// to themselves only in form: whether they may be shared is for the caller to decide.
func Equal(a, b Expr) bool {
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
func sameHead(a, b Expr) bool {
	switch a := a.(type) {
	case *Col:
		b, ok := b.(*Col)
		return ok && a.Index == b.Index
	case *Outer:
		b, ok := b.(*Outer)
		return ok && a.Level == b.Level && a.Index == b.Index
	case *Const:
		b, ok := b.(*Const)
		return ok && sameValue(a.Val, b.Val)
	case *Param:
		b, ok := b.(*Param)
		return ok && a.N == b.N
	case *Call:
		b, ok := b.(*Call)
		return ok && a.Fn == b.Fn
	case *Cast:
		b, ok := b.(*Cast)
		return ok && a.Explicit == b.Explicit
	case *IsNull:
		b, ok := b.(*IsNull)
		return ok && a.Not == b.Not
	case *BoolTest:
		b, ok := b.(*BoolTest)
		return ok && a.Not == b.Not && a.Want == b.Want
	case *Distinct:
		b, ok := b.(*Distinct)
		return ok && a.Not == b.Not
	case *MinMax:
		b, ok := b.(*MinMax)
		return ok && a.Max == b.Max
	case *In:
		b, ok := b.(*In)
		return ok && a.Not == b.Not
	case *AnyAll:
		b, ok := b.(*AnyAll)
		return ok && a.Op == b.Op && a.All == b.All
	case *Field:
		b, ok := b.(*Field)
		return ok && a.Index == b.Index
	case *Apply:
		b, ok := b.(*Apply)
		return ok && a.Name == b.Name && Equal(a.Body, b.Body)
	case *Subquery:
		b, ok := b.(*Subquery)
		return ok && a.Kind == b.Kind && a.Not == b.Not && a.Op == b.Op && Equal(a.Compare, b.Compare) && sameTree(reflect.ValueOf(a.Plan), reflect.ValueOf(b.Plan))
	}
	return sameForm(a, b)
}

// sameTree compares two plans that the binder made, wherever in the statement they were written. It goes through them as they lie in memory:
// what a node gets new is compared without a line here.
func sameTree(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() {
		return a.IsValid() == b.IsValid() && !a.IsValid()
	}
	switch a.Kind() {
	case reflect.Interface, reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		if a.CanInterface() {
			x, ok := a.Interface().(Expr)
			if y, both := b.Interface().(Expr); ok && both {
				return Equal(x, y)
			}
		}
		return a.Kind() == reflect.Pointer && a.Pointer() == b.Pointer() || sameTree(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).Name != "Pos" && !sameTree(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameTree(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Comparable() && a.Equal(b)
}

// sameForm compares the nodes that carry nothing but operands.
func sameForm(a, b Expr) (ok bool) {
	switch a := a.(type) {
	case *And:
		_, ok = b.(*And)
	case *Or:
		_, ok = b.(*Or)
	case *Not:
		_, ok = b.(*Not)
	case *Case:
		_, ok = b.(*Case)
	case *Coalesce:
		_, ok = b.(*Coalesce)
	case *NullIf:
		_, ok = b.(*NullIf)
	case *Array:
		_, ok = b.(*Array)
	case *Row:
		_, ok = b.(*Row)
	case *Subscript:
		x, same := b.(*Subscript)
		ok = same && samePlace(a, x)
	case *Assign:
		x, same := b.(*Assign)
		ok = same && slices.EqualFunc(a.Steps, x.Steps, func(s, t AssignStep) bool {
			return s.Of == t.Of && s.Field == t.Field && (s.Place == nil) == (t.Place == nil) && (s.Place == nil || samePlace(s.Place, t.Place))
		})
	}
	return ok
}

// samePlace reports whether two subscripts have the same ones of their bounds.
func samePlace(a, b *Subscript) bool {
	there := func(a, b Expr) bool { return (a == nil) == (b == nil) }
	return len(a.Index) == len(b.Index) && slices.EqualFunc(a.Lower, b.Lower, there) && slices.EqualFunc(a.Upper, b.Upper, there)
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
