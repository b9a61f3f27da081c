package bind

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// What cannot stand in the place of its call is run, call by call: bodies of several statements, those that change something, functions
// that call themselves, that have settings of their own, volatile queries for each row.

// Routine is the function whose body the statement belongs to that is bound: its names are those of the parameters too, and $1, $2…
// are the arguments.
type Routine struct {
	Def  *catalog.FunctionObject
	Args []datum.OID // types of the arguments, as the call has them
}

// runs reports whether the body of a function is more than a query that may stand in the place of a call. That of a volatile function which
// reads anything may, as long as the statement does nothing that the function could see.
func (f *frame) runs(c *ownCall) (bool, error) {
	if c.def.Procedure || len(c.def.Config) > 0 || slices.Contains(f.inlining, c.def.ID) {
		return true, nil
	}
	list, err := c.statements()
	if err != nil {
		return false, err
	}
	if len(list) != 1 || changes(list[0].Stmt) {
		return true, nil
	}
	if c.def.Volatility == "v" && readsRows(list[0].Stmt) {
		f.binder.momentary = true
		return f.binder.running, nil
	}
	return false, nil
}

// readsRows reports whether a query has a FROM anywhere.
func readsRows(st syntax.Stmt) (found bool) {
	syntax.Walk(st, func(n syntax.Node) bool {
		s, ok := n.(*syntax.Select)
		found = found || ok && s.From != nil
		return !found
	})
	return found
}

// doesSomething reports whether a statement changes anything, or calls a function that may. What an append asks of the log before it is no part of that.
func doesSomething(n plan.Node) bool {
	if a, ok := n.(*plan.Append); ok && a.Condition != nil {
		return false
	}
	return plan.Modifies(n) || plan.Locks(n) || volatilePlan(n)
}

// changes reports whether a statement is no query or does more than to read.
func changes(st syntax.Stmt) bool {
	q, ok := st.(*syntax.Query)
	if !ok {
		return true
	}
	found := q.Locking != nil
	syntax.Walk(q, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Insert, *syntax.Update, *syntax.Delete, *syntax.Merge:
			found = true
		case *syntax.Query:
			found = found || n.Locking != nil
		case *syntax.FuncCall:
			found = found || isAppend(n) != nil
		}
		return !found
	})
	return found
}

// run is a call whose statements run.
func (f *frame) run(c *ownCall) (expr.Expr, error) {
	fn := c.fn.RunAs(c.typ)
	args := c.args
	if at := f.env.asOf; at != nil {
		moment, err := f.momentValue(at.clause, c.at)
		if err != nil {
			return nil, err
		}
		args = append(slices.Clone(args), moment)
		fn.Args, fn.ArgNames = append(slices.Clone(fn.Args), moment.Type().OID), nil
	}
	var e expr.Expr = &expr.Call{Fn: fn, Args: args, Typ: c.typ}
	if c.def.Set {
		return e, nil
	}
	_, domain := f.ctx.Catalog.Resolve(c.def.Returns)
	return f.inDomain(e, domain)
}

// runTable is a function in FROM that runs: one call, however many columns it has.
func (f *frame) runTable(c *ownCall, name string, ordinal bool) (plan.Node, bool, error) {
	if fields := datum.RecordFields(c.typ); fields != nil {
		c.typ = datum.RecordType(fields) // its columns, not the values of a composite type
	}
	e, err := f.run(c)
	if err != nil {
		return nil, false, err
	}
	if call, ok := e.(*expr.Call); ok {
		return f.setFunction(call, name, ordinal, c.at)
	}
	n, _, one, err := f.valueTable(e, name, ordinal)
	return n, one, err
}

// inRoutine binds a statement of the body of a function.
func (b *binder) inRoutine(r *Routine, bind func() error) error {
	f := &frame{binder: b, env: &env{}, scope: &scope{}, what: "SELECT"}
	c := &ownCall{def: r.Def, at: &syntax.Const{}}
	for i, t := range r.Args {
		c.args = append(c.args, &expr.Param{N: i + 1, Typ: datum.T(t)})
	}
	return f.during(c, &functionQuery{args: c.args}, bind)
}

// Result is what a function returns that gives values of type ret: an expression over the columns that its last statement gives, nil if that gives none.
func Result(ctx *Context, def *catalog.FunctionObject, ret datum.Type, fields []plan.Field) (e expr.Expr, err error) {
	f := &frame{binder: newBinder(ctx, nil), env: &env{}, scope: &scope{}, what: "SELECT"}
	c := &ownCall{def: def, typ: ret, at: &syntax.Const{}}
	switch {
	case ret.OID == datum.Void:
		return nil, nil
	case fields == nil:
		return nil, mismatch(c, "Function's final statement must be SELECT or INSERT/UPDATE/DELETE/MERGE RETURNING.")
	case isValue(fields, ret):
		e = &expr.Col{Typ: fields[0].Type, Name: fields[0].Name}
	default:
		e = rowOfAll(fields)
	}
	return f.returned(c, e)
}

// checkBody binds the statements of a body that runs. What is no query is looked at when it runs.
func (f *frame) checkBody(c *ownCall) error {
	list, err := c.statements()
	if err != nil {
		return err
	}
	var types []datum.OID
	for _, a := range c.args {
		types = append(types, a.Type().OID)
	}
	var last []plan.Field
	for _, st := range list {
		last = nil
		if t, ok := st.Stmt.(*syntax.Transaction); ok {
			return pgerr.New(pgerr.FeatureNotSupported, "%s is not allowed in an SQL function", t.Tag())
		}
		if !planned(st.Stmt) {
			continue
		}
		err := f.inRoutine(&Routine{Def: c.def, Args: types}, func() error {
			n, err := f.statement(st.Stmt)
			if err == nil {
				last = answer(n)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	_, err = Result(f.ctx, c.def, c.typ, last)
	return err
}

// planned reports whether a statement becomes a plan.
func planned(st syntax.Stmt) bool {
	switch st.(type) {
	case *syntax.Query, *syntax.Insert, *syntax.Update, *syntax.Delete, *syntax.Merge, *syntax.Truncate:
		return true
	}
	return false
}

// otherKind refuses to call a procedure as a function and the other way round; nil: neither is meant.
func (f *frame) otherKind(x *syntax.FuncCall, actual []datum.OID, names []string) error {
	c, schema, name := f.ctx.Catalog, x.Name.Qualifier(), x.Name.Last()
	what, hint, defs := "procedure", "To call a procedure, use CALL.", c.Procedures(f.ctx.SearchPath, schema, name)
	var list []*funcs.Func
	if x == f.ctx.Procedure {
		what, hint, defs, list = "function", "To call a function, use SELECT.", c.Functions(f.ctx.SearchPath, schema, name), functionsNamed(name)
	}
	for _, d := range defs {
		list = append(list, signature(c, d))
	}
	best, _ := f.chooseNamed(f.candidates(list, len(actual), names, x.Variadic), actual)
	if best == nil {
		return nil
	}
	shown := make([]string, len(actual))
	for i, t := range actual {
		shown[i] = formatType(datum.T(t))
	}
	if what == "function" {
		return f.errorIn(x, pgerr.WrongObjectType, "%s(%s) is not a procedure", dotted(x.Name), strings.Join(shown, ", ")).WithHint("%s", hint)
	}
	return f.errorIn(x, pgerr.WrongObjectType, "%s(%s) is a procedure", dotted(x.Name), strings.Join(shown, ", ")).WithHint("%s", hint)
}

// gathered makes the last arguments of a call, which repeat a variadic parameter, one array.
func (f *frame) gathered(fn *funcs.Func, args []typed, x *syntax.FuncCall) ([]typed, error) {
	fixed := len(fn.Args) - 1
	list := &syntax.ArrayExpr{At: x.At}
	for _, a := range x.Args[fixed:] {
		list.Elems = append(list.Elems, a.Expr)
	}
	elems, err := f.bind(list)
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(args[:fixed]), typed{elems, x}), nil
}
