package bind

import (
	"fmt"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// functionQuery is a function that is nothing but a query, while that is bound in the place of its call.
type functionQuery struct {
	args  []expr.Expr
	depth int // row contexts around the place of the call
	// Of a users' function: its name, those of its parameters, and how often each was asked for.
	name  string
	names []string
	used  []int
}

// queryTable puts the query of a function in the place of its call: the optimizer sees all of it, and an AS OF clause in force
// reaches the tables in it.
func (f *frame) queryTable(c *expr.Call, ordinal bool, at syntax.Node) (plan.Node, error) {
	if ordinal {
		return nil, f.errorIn(at, pgerr.FeatureNotSupported, "%s can stand neither in ROWS FROM nor with WITH ORDINALITY", c.Fn.Name)
	}
	in := &functionQuery{args: append([]expr.Expr(nil), c.Args...), depth: f.scope.depth()}
	for i := len(in.args); i < len(c.Fn.Args); i++ {
		e, err := f.coerce(defaultOf(c.Fn, i), datum.T(c.Fn.Args[i]), funcs.Implicit, at)
		if err != nil {
			return nil, err
		}
		in.args = append(in.args, e)
	}
	for _, a := range in.args {
		if expr.IsVolatile(a) {
			return nil, f.errorIn(at, pgerr.FeatureNotSupported, "an argument of %s cannot be volatile", c.Fn.Name).
				WithHint("It is evaluated wherever the query of the function names it.")
		}
	}
	st, err := syntax.ParseOne(answeredQuery(c.Fn, in.args))
	if err != nil {
		return nil, err
	}
	around := f.calling
	f.calling = in
	defer func() { f.calling = around }()
	n, err := f.query(st.Stmt.(*syntax.Query), &env{outer: opaque(f.env.outer), asOf: f.env.asOf, valid: f.env.valid}, false)
	if err != nil {
		return nil, err
	}
	return f.declared(n, c.Fn, at)
}

// answeredQuery is the query of a function, without rows where an argument is null that is not null when it is left out.
func answeredQuery(fn *funcs.Func, args []expr.Expr) string {
	var given []string
	for i, a := range args {
		if k, ok := a.(*expr.Const); fn.Default(i) != "NULL" && (!ok || k.Val.Null(0)) {
			given = append(given, fmt.Sprintf("$%d IS NOT NULL", i+1))
		}
	}
	if given == nil {
		return fn.Query
	}
	return "SELECT * FROM (" + fn.Query + ") AS answer WHERE " + strings.Join(given, " AND ")
}

// declared gives the columns of a function's query the names that the function says.
func (f *frame) declared(n plan.Node, fn *funcs.Func, at syntax.Node) (plan.Node, error) {
	fields := append([]plan.Field(nil), n.Schema()...)
	if len(fields) != len(fn.Out) {
		return nil, f.errorIn(at, pgerr.InternalError, "the query of %s gives %d columns and not %d", fn.Name, len(fields), len(fn.Out))
	}
	for i, o := range fn.Out {
		if fields[i].Type.OID != o.Type.OID {
			return nil, f.errorIn(at, pgerr.InternalError, "column %d of the query of %s is %s and not %s", i+1, fn.Name, formatType(fields[i].Type), formatType(o.Type))
		}
		fields[i] = plan.Field{Name: o.Name, Type: o.Type}
	}
	return renamed(n, fields), nil
}

// argument is argument n as seen from a place in the query. What it reads of rows around the call is further out from there.
func (q *functionQuery) argument(n int, from *scope) expr.Expr {
	if q.used != nil {
		q.used[n-1]++
	}
	by := from.depth() - q.depth
	e := expr.Transform(q.args[n-1], func(x expr.Expr) expr.Expr {
		if r, ok := x.(*aggRef); ok && by > 0 {
			return &expr.Outer{Level: 0, Index: outerAggregate(r.index), Typ: r.typ, Name: r.name}
		}
		return x
	})
	return plan.Inwards(e, by)
}

// named is the parameter that a name means: by itself, or after the name of the function. ok is false where it means none.
func (q *functionQuery) named(x *syntax.ColumnRef, from *scope) (e expr.Expr, ok bool) {
	if q == nil || x.Star || len(x.Name) > 2 || len(x.Name) == 2 && x.Name[0] != q.name {
		return nil, false
	}
	for i, n := range q.names {
		if n != "" && n == x.Name.Last() {
			return q.argument(i+1, from), true
		}
	}
	return nil, false
}

// ref is what a reference to parameter i means.
func (q *functionQuery) ref(i int) Ref {
	if i >= len(q.names) || q.names[i] == "" {
		return Ref{Column: "$" + itoa(i+1)}
	}
	return Ref{Table: q.name, Column: q.names[i]}
}

// field is parameter.field.
func (q *functionQuery) field(x *syntax.ColumnRef, from *scope) (e expr.Expr, ok bool) {
	if q == nil || x.Star || len(x.Name) != 2 {
		return nil, false
	}
	row, ok := q.named(&syntax.ColumnRef{Name: x.Name[:1]}, from)
	if !ok {
		return nil, false
	}
	for i, fl := range rowFields(row) {
		if fl.Name == x.Name[1] {
			return &expr.Field{Arg: row, Index: i, Typ: fl.Type}, true
		}
	}
	return nil, false
}

// depth is how many row contexts a place is in.
func (s *scope) depth() int {
	n := 0
	for ; s != nil; s = s.up {
		n++
	}
	return n
}
