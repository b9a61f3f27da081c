// Package expr is the typed expression tree that the binder makes and the vectorized evaluator runs. Trees are never
// changed after they are made; rewriting makes new nodes.
package expr

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// Expr is an expression over the columns of one input row.
type Expr interface {
	Type() datum.Type
	// Children returns the operands in order, WithChildren the same node over others.
	Children() []Expr
	WithChildren([]Expr) Expr
	String() string // as EXPLAIN prints it
}

// Col is column Index of the input.
type Col struct {
	Index int
	Typ   datum.Type
	Name  string
}

// Outer is a column of an enclosing query's row: Level 1 is the next one outwards.
type Outer struct {
	Level int
	Index int
	Typ   datum.Type
	Name  string
}

// Nearer is the reference seen from one level further out: of level 1 a column.
func (o *Outer) Nearer() Expr {
	if o.Level == 1 {
		return &Col{Index: o.Index, Typ: o.Typ, Name: o.Name}
	}
	up := *o
	up.Level--
	return &up
}

// Const is one value: a column of one row.
type Const struct {
	Val *vec.Column
	Typ datum.Type
}

// Param is $N, N from 1; its value is given at execution.
type Param struct {
	N   int
	Typ datum.Type
}

// Call calls a scalar function or operator. Args have exactly the declared types (the binder has put in the casts).
type Call struct {
	Fn   *funcs.Func
	Args []Expr
	Typ  datum.Type
	Pos  int // byte offset in the statement, -1 unknown
	// Words says that it was written in words and not as a call: x AT TIME ZONE y, EXTRACT(year FROM x).
	Words bool
	// Variadic says that the last argument is an array for a parameter that repeats.
	Variadic bool
}

// Cast converts; Implicit ones were put in by the binder and are not printed.
type Cast struct {
	Arg      Expr
	Typ      datum.Type
	Implicit bool
	Explicit bool // written by the user: varchar(n) cuts off silently, numeric(p,s) rounds
	Pos      int
}

// And and Or have two or more operands, three-valued; later operands are only evaluated for rows that earlier ones leave open.
type (
	And struct{ Args []Expr }
	Or  struct{ Args []Expr }
	Not struct{ Arg Expr }
)

// IsNull is IS [NOT] NULL; for a row value it asks all the fields.
type IsNull struct {
	Arg Expr
	Not bool
}

// BoolTest is IS [NOT] TRUE, FALSE or UNKNOWN: Want is 't', 'f' or 'u'.
type BoolTest struct {
	Arg  Expr
	Want byte
	Not  bool
}

// Distinct is IS [NOT] DISTINCT FROM over operands of one type.
type Distinct struct {
	Left, Right Expr
	Not         bool
}

// When is one arm of a Case.
type When struct{ Cond, Then Expr }

// Case is the searched form (the binder turns the simple form into it). Else is never nil (a null constant).
type Case struct {
	Whens []When
	Else  Expr
	Typ   datum.Type
}

// Coalesce gives the first operand that is not null; MinMax is LEAST (Max false) or GREATEST, NullIf gives null where Eq is true.
type (
	Coalesce struct {
		Args []Expr
		Typ  datum.Type
	}
	MinMax struct {
		Args []Expr
		Max  bool
		Typ  datum.Type
	}
	NullIf struct {
		Arg Expr
		Eq  Expr
	}
)

// In is arg [NOT] IN (list) with all the operands of one type and Eq its equality.
type In struct {
	Arg  Expr
	List []Expr
	Not  bool
}

// AnyAll is left op ANY|ALL (array).
type AnyAll struct {
	Op    *funcs.Func
	Left  Expr
	Array Expr
	All   bool
}

// Array is ARRAY[…]; Row is a row value; Field takes a row value's field; Subscript is array[index] (or jsonb subscripting).
type (
	Array struct {
		Elems []Expr
		Typ   datum.Type
	}
	Row struct {
		Elems []Expr
		Names []string
		Of    datum.OID // the type of a table's rows, if it is a whole one
	}
	Field struct {
		Arg   Expr
		Index int
		Typ   datum.Type
	}
	Subscript struct {
		Arg          Expr
		Index        []Expr // one per dimension; nil for a slice
		Lower, Upper []Expr // bounds of a slice, one of each per dimension, each may be nil
		Typ          datum.Type
	}
)

// Assign is the value of Arg with a part of it, where the steps lead from the outside in, replaced by Value. What is missing on the way is made.
type Assign struct {
	Arg   Expr
	Steps []AssignStep
	Value Expr
	Typ   datum.Type // of Arg
}

// AssignStep leads to a field of a composite value, or where Place says what of an array or a document; the argument of that is not asked.
type AssignStep struct {
	Of      datum.Type
	Field   int
	Place   *Subscript
	Numbers bool // Place begins with a number: without a document there is an array
}

// SubqueryKind is what a subquery in an expression stands for.
type SubqueryKind uint8

const (
	Scalar   SubqueryKind = iota // one column, at most one row
	Exists                       // any row
	InQuery                      // Test IN (…)
	AnyQuery                     // Test op ANY (…)
	AllQuery                     // Test op ALL (…)
	ArrayOf                      // ARRAY(…)
	RowQuery                     // Test compared with the only row of several columns
)

// Subquery is a query used as a value. Plan is a plan.Node, opaque here; the engine evaluates it through the Evaluator's
// RunSubquery. A plan without Outer columns runs once per execution.
type Subquery struct {
	Kind       SubqueryKind
	Plan       any
	Test       Expr        // nil for Scalar, Exists, ArrayOf
	Op         *funcs.Func // for AnyQuery, AllQuery; InQuery uses equality
	Not        bool
	Typ        datum.Type
	Correlated bool
	// Compare compares rows, for AnyQuery and AllQuery whose Test is a Row, and for RowQuery: an expression over the fields of
	// Test and then the columns of the query. Op is the operator as it was written, between the first of them.
	Compare Expr
}

// AggRef and window functions never reach the evaluator: plan.Aggregate computes them and the projection above reads Cols.
