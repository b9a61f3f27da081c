package expr

import (
	"slices"
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
)

// The methods of the nodes. A node without operands returns nil children and itself from WithChildren; the others copy
// themselves over the given operands, which must be as many as Children returned.

var boolean = datum.T(datum.Bool)

func (e *Col) Type() datum.Type         { return e.Typ }
func (e *Col) Children() []Expr         { return nil }
func (e *Col) WithChildren([]Expr) Expr { return e }

func (e *Outer) Type() datum.Type         { return e.Typ }
func (e *Outer) Children() []Expr         { return nil }
func (e *Outer) WithChildren([]Expr) Expr { return e }

func (e *Const) Type() datum.Type         { return e.Typ }
func (e *Const) Children() []Expr         { return nil }
func (e *Const) WithChildren([]Expr) Expr { return e }

func (e *Param) Type() datum.Type         { return e.Typ }
func (e *Param) Children() []Expr         { return nil }
func (e *Param) WithChildren([]Expr) Expr { return e }

func (e *Call) Type() datum.Type { return e.Typ }
func (e *Call) Children() []Expr { return e.Args }
func (e *Call) WithChildren(c []Expr) Expr {
	n := *e
	n.Args = c
	return &n
}

func (e *Cast) Type() datum.Type { return e.Typ }
func (e *Cast) Children() []Expr { return []Expr{e.Arg} }
func (e *Cast) WithChildren(c []Expr) Expr {
	n := *e
	n.Arg = c[0]
	return &n
}

func (e *And) Type() datum.Type           { return boolean }
func (e *And) Children() []Expr           { return e.Args }
func (e *And) WithChildren(c []Expr) Expr { return &And{Args: c} }

func (e *Or) Type() datum.Type           { return boolean }
func (e *Or) Children() []Expr           { return e.Args }
func (e *Or) WithChildren(c []Expr) Expr { return &Or{Args: c} }

func (e *Not) Type() datum.Type           { return boolean }
func (e *Not) Children() []Expr           { return []Expr{e.Arg} }
func (e *Not) WithChildren(c []Expr) Expr { return &Not{Arg: c[0]} }

func (e *IsNull) Type() datum.Type           { return boolean }
func (e *IsNull) Children() []Expr           { return []Expr{e.Arg} }
func (e *IsNull) WithChildren(c []Expr) Expr { return &IsNull{Arg: c[0], Not: e.Not} }

func (e *BoolTest) Type() datum.Type           { return boolean }
func (e *BoolTest) Children() []Expr           { return []Expr{e.Arg} }
func (e *BoolTest) WithChildren(c []Expr) Expr { return &BoolTest{Arg: c[0], Want: e.Want, Not: e.Not} }

func (e *Distinct) Type() datum.Type { return boolean }
func (e *Distinct) Children() []Expr { return []Expr{e.Left, e.Right} }
func (e *Distinct) WithChildren(c []Expr) Expr {
	return &Distinct{Left: c[0], Right: c[1], Not: e.Not}
}

func (e *Case) Type() datum.Type { return e.Typ }

// Children returns the condition and result of each arm in turn, then Else.
func (e *Case) Children() []Expr {
	c := make([]Expr, 0, 2*len(e.Whens)+1)
	for _, w := range e.Whens {
		c = append(c, w.Cond, w.Then)
	}
	return append(c, e.Else)
}

func (e *Case) WithChildren(c []Expr) Expr {
	n := &Case{Whens: make([]When, len(e.Whens)), Else: c[len(c)-1], Typ: e.Typ}
	for i := range n.Whens {
		n.Whens[i] = When{Cond: c[2*i], Then: c[2*i+1]}
	}
	return n
}

func (e *Coalesce) Type() datum.Type           { return e.Typ }
func (e *Coalesce) Children() []Expr           { return e.Args }
func (e *Coalesce) WithChildren(c []Expr) Expr { return &Coalesce{Args: c, Typ: e.Typ} }

func (e *MinMax) Type() datum.Type           { return e.Typ }
func (e *MinMax) Children() []Expr           { return e.Args }
func (e *MinMax) WithChildren(c []Expr) Expr { return &MinMax{Args: c, Max: e.Max, Typ: e.Typ} }

func (e *NullIf) Type() datum.Type           { return e.Arg.Type() }
func (e *NullIf) Children() []Expr           { return []Expr{e.Arg, e.Eq} }
func (e *NullIf) WithChildren(c []Expr) Expr { return &NullIf{Arg: c[0], Eq: c[1]} }

func (e *In) Type() datum.Type { return boolean }

// Children returns the left side, then the list.
func (e *In) Children() []Expr           { return append([]Expr{e.Arg}, e.List...) }
func (e *In) WithChildren(c []Expr) Expr { return &In{Arg: c[0], List: c[1:], Not: e.Not} }

func (e *AnyAll) Type() datum.Type { return boolean }
func (e *AnyAll) Children() []Expr { return []Expr{e.Left, e.Array} }
func (e *AnyAll) WithChildren(c []Expr) Expr {
	return &AnyAll{Op: e.Op, Left: c[0], Array: c[1], All: e.All}
}

func (e *Array) Type() datum.Type           { return e.Typ }
func (e *Array) Children() []Expr           { return e.Elems }
func (e *Array) WithChildren(c []Expr) Expr { return &Array{Elems: c, Typ: e.Typ} }

// Type names the fields, f1, f2… where they have no names of their own.
func (e *Row) Type() datum.Type {
	if e.Of != 0 {
		return datum.WholeRow(e.Of)
	}
	fields := make([]datum.Field, len(e.Elems))
	for i, x := range e.Elems {
		fields[i] = datum.Field{Name: "f" + strconv.Itoa(i+1), Type: x.Type()}
		if i < len(e.Names) && e.Names[i] != "" {
			fields[i].Name = e.Names[i]
		}
	}
	return datum.RecordType(fields)
}

func (e *Row) Children() []Expr           { return e.Elems }
func (e *Row) WithChildren(c []Expr) Expr { return &Row{Elems: c, Names: e.Names, Of: e.Of} }

func (e *Field) Type() datum.Type { return e.Typ }
func (e *Field) Children() []Expr { return []Expr{e.Arg} }
func (e *Field) WithChildren(c []Expr) Expr {
	return &Field{Arg: c[0], Index: e.Index, Typ: e.Typ}
}

func (e *Subscript) Type() datum.Type { return e.Typ }

// Children returns the array and those of index, lower and upper bounds that are there.
func (e *Subscript) Children() []Expr {
	c := []Expr{e.Arg}
	for _, list := range [][]Expr{e.Index, e.Lower, e.Upper} {
		for _, x := range list {
			if x != nil {
				c = append(c, x)
			}
		}
	}
	return c
}

func (e *Subscript) WithChildren(c []Expr) Expr {
	n := &Subscript{Arg: c[0], Typ: e.Typ}
	c = c[1:]
	take := func(old []Expr) []Expr {
		if old == nil {
			return nil
		}
		out := make([]Expr, len(old))
		for i, x := range old {
			if x != nil {
				out[i], c = c[0], c[1:]
			}
		}
		return out
	}
	n.Index, n.Lower, n.Upper = take(e.Index), take(e.Lower), take(e.Upper)
	return n
}

func (e *Assign) Type() datum.Type { return e.Typ }

// Children returns the value that is changed, that of the part, and the subscripts.
func (e *Assign) Children() []Expr {
	c := []Expr{e.Arg, e.Value}
	for _, s := range e.Steps {
		if s.Place != nil {
			c = append(c, s.Place.Children()[1:]...)
		}
	}
	return c
}

func (e *Assign) WithChildren(c []Expr) Expr {
	n := &Assign{Arg: c[0], Value: c[1], Typ: e.Typ, Steps: slices.Clone(e.Steps)}
	c = c[2:]
	for i, s := range n.Steps {
		if s.Place != nil {
			k := len(s.Place.Children()) - 1
			n.Steps[i].Place = s.Place.WithChildren(append([]Expr{s.Place.Arg}, c[:k]...)).(*Subscript)
			c = c[k:]
		}
	}
	return n
}

// Type of a test (EXISTS, IN, ANY, ALL) is boolean whatever Typ says.
func (e *Subquery) Type() datum.Type {
	if e.Kind == Scalar || e.Kind == ArrayOf {
		return e.Typ
	}
	return boolean
}

// Children returns Test where there is one; what is inside Plan is the plan's.
func (e *Subquery) Children() []Expr {
	if e.Test == nil {
		return nil
	}
	return []Expr{e.Test}
}

func (e *Subquery) WithChildren(c []Expr) Expr {
	n := *e
	if e.Test != nil {
		n.Test = c[0]
	}
	return &n
}
