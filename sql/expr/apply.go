package expr

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// Apply evaluates Args once, and Body over them as its row: its columns are the arguments, and it refers to nothing else. So
// Body is no operand, and what moves columns does not see it.
type Apply struct {
	Name string // of the function, or of the domain with Domain
	Args []Expr
	Body Expr
	// Domain says that it is a cast to a domain: Body is the value, or an error.
	Domain bool
	// Variadic says that the last argument is the array of those that repeat.
	Variadic bool
}

// Type implements Expr.
func (e *Apply) Type() datum.Type { return e.Body.Type() }

// Children implements Expr.
func (e *Apply) Children() []Expr { return e.Args }

// WithChildren implements Expr.
func (e *Apply) WithChildren(c []Expr) Expr {
	n := *e
	n.Args = c
	return &n
}

// String implements Expr.
func (e *Apply) String() string {
	if e.Domain {
		return within(e.Args[0], bindCast) + "::" + e.Name
	}
	return e.Name + "(" + list(e.Args) + ")"
}

type applyNode struct {
	args []node
	body *Program
}

func (n *applyNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	args, err := evalAll(x, n.args, b)
	if err != nil {
		return nil, err
	}
	return n.body.Eval(&vec.Batch{Len: b.Len, Cols: args})
}
