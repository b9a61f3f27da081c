package syntax

import "reflect"

// Walk calls visit for n and for every node under it, parents first and in the order of the source. When visit returns
// false, what is under the node is left out. Chains a + b + c are walked without going down their left side.
func Walk(n Node, visit func(Node) bool) {
	w := &walker{visit: visit}
	w.node(n)
}

type walker struct{ visit func(Node) bool }

func (w *walker) node(n Node) {
	if n == nil || reflect.ValueOf(n).IsNil() {
		return
	}
	switch n := n.(type) {
	case *Binary:
		w.binary(n)
	case Expr:
		w.expr(n)
	default:
		if w.visit(n) {
			w.fields(reflect.ValueOf(n).Elem())
		}
	}
}

func (w *walker) expr(e Expr) {
	if e == nil {
		return
	}
	if b, ok := e.(*Binary); ok {
		w.binary(b)
		return
	}
	if w.visit(e) {
		w.children(e)
	}
}

// exprs skips what is nil.
func (w *walker) exprs(es ...Expr) {
	for _, e := range es {
		w.expr(e)
	}
}

// binary visits the operators of a chain from the outermost inwards, and then the operands from left to right.
func (w *walker) binary(b *Binary) {
	var chain []*Binary
	var left Expr = b
	for {
		b, ok := left.(*Binary)
		if !ok {
			w.expr(left)
			break
		}
		if !w.visit(b) {
			break
		}
		chain = append(chain, b)
		left = b.L
	}
	for i := len(chain) - 1; i >= 0; i-- {
		w.expr(chain[i].R)
	}
}

// children walks what is under an expression; the common ones are spelled out for speed.
func (w *walker) children(e Expr) {
	switch e := e.(type) {
	case *Const, *Param, *ColumnRef, *SQLValue, *Default, *CurrentOf:
	case *Unary:
		w.expr(e.X)
	case *Not:
		w.expr(e.X)
	case *Logic:
		w.exprs(e.Args...)
	case *IsTest:
		w.expr(e.X)
	case *IsDistinct:
		w.exprs(e.L, e.R)
	case *Between:
		w.exprs(e.X, e.Lo, e.Hi)
	case *Like:
		w.exprs(e.X, e.Pattern, e.Escape)
	case *Cast:
		w.expr(e.X)
		w.node(e.Type)
	case *Special:
		w.exprs(e.Args...)
	case *Row:
		w.exprs(e.Elems...)
	case *ArrayExpr:
		w.exprs(e.Elems...)
	case *Indirection:
		w.expr(e.X)
		for _, s := range e.Steps {
			w.exprs(s.Lower, s.Upper)
		}
	case *FuncCall:
		for _, a := range e.Args {
			w.expr(a.Expr)
		}
		for _, s := range e.OrderBy {
			w.node(s)
		}
		for _, s := range e.WithinGroup {
			w.node(s)
		}
		w.expr(e.Filter)
		if e.Over != nil {
			w.node(e.Over)
		}
	default:
		w.fields(reflect.ValueOf(e).Elem())
	}
}

// fields walks the nodes in the fields of a struct, in their order.
func (w *walker) fields(v reflect.Value) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Type != atType && f.IsExported() {
			w.value(v.Field(i))
		}
	}
}

var atType = reflect.TypeFor[At]()

func (w *walker) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return
		}
		if n, ok := v.Interface().(Node); ok {
			w.node(n)
		}
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Struct, reflect.Slice:
			for i := range v.Len() {
				w.value(v.Index(i))
			}
		}
	case reflect.Struct:
		w.fields(v)
	}
}
