package bind

import (
	"errors"
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// A function of users that is one query is bound in the place of the call, where that gives the same; the others are run (routine.go).

// ownCall is a call of a users' function before its query stands in its place.
type ownCall struct {
	fn   *funcs.Func
	def  *catalog.FunctionObject
	args []expr.Expr // all of them, of the types of the parameters
	typ  datum.Type
	at   syntax.Node

	parsed []syntax.Statement // the body; nil: not yet
}

func (c *ownCall) Type() datum.Type                   { return c.typ }
func (c *ownCall) Children() []expr.Expr              { return nil }
func (c *ownCall) WithChildren([]expr.Expr) expr.Expr { return c }
func (c *ownCall) String() string                     { return c.def.Name }

// overloads are the functions that a name may mean: those of the table, then those of users.
func (f *frame) overloads(x *syntax.FuncCall) (list []*funcs.Func, own map[*funcs.Func]*catalog.FunctionObject) {
	n, schema := x.Name, x.Name.Qualifier()
	called := f.ctx.Procedure != nil && x == f.ctx.Procedure
	if called {
		list = nil
	} else if schema == "" || schema == pgCatalog || schema == "information_schema" || f.ctx.Catalog.ExtensionFunction(schema, n.Last()) {
		list = functionsNamed(n.Last())
	}
	if schema == pgCatalog {
		return list, nil
	}
	c := f.ctx.Catalog
	if f.env.asOf != nil && f.ctx.AsOf != nil {
		if k := f.env.asOf.clause.Kind; k == plan.AsOf || k == plan.AsOfPosition {
			c, f.changing, f.moving = f.ctx.AsOf(f.env.asOf.clause), true, true
		}
	}
	defs := c.Functions(f.ctx.SearchPath, schema, n.Last())
	if called {
		defs = c.Procedures(f.ctx.SearchPath, schema, n.Last())
	}
	if len(defs) == 0 {
		return list, nil
	}
	own = map[*funcs.Func]*catalog.FunctionObject{}
	list = slices.Clone(list)
	for _, d := range defs {
		fn := signature(c, d)
		own[fn] = d
		list = append(list, fn)
	}
	return list, own
}

// signature is what a call needs to know of a users' function.
func signature(c *catalog.Catalog, d *catalog.FunctionObject) *funcs.Func {
	ret, _ := c.Resolve(d.Returns)
	fn := &funcs.Func{OID: d.ID, Name: d.Name, Ret: ret.OID, RetSet: d.Set, Strict: d.Strict, Volatile: funcs.Volatility(d.Volatility[0])}
	for _, a := range d.Args {
		t, _ := c.Resolve(a.Type)
		if takes(d, a.Mode) {
			fn.Args, fn.ArgNames = append(fn.Args, t.OID), append(fn.ArgNames, a.Name)
			if fn.Variadic = fn.Variadic || a.Mode == "v"; a.Default.Text != "" {
				fn.Defaults++
			}
		}
		if a.Mode != "i" && a.Mode != "v" {
			fn.Out = append(fn.Out, datum.Field{Name: a.Name, Type: t})
		}
	}
	if ret.OID != datum.Record {
		if len(fn.Out) == 1 { // it is the value itself
			fn.Value = fn.Out[0].Name
		}
		fn.Out = nil
	}
	for i := range fn.Out {
		if fn.Out[i].Name == "" {
			fn.Out[i].Name = "column" + itoa(i+1)
		}
	}
	return fn
}

// takes reports whether a call gives values for parameters of a mode.
func takes(d *catalog.FunctionObject, mode string) bool {
	return mode == "i" || mode == "b" || mode == "v" || mode == "o" && d.Procedure
}

// given are the parameters that a call gives values for.
func given(d *catalog.FunctionObject) (out []*catalog.FunctionParam) {
	for i := range d.Args {
		if takes(d, d.Args[i].Mode) {
			out = append(out, &d.Args[i])
		}
	}
	return out
}

// ownFunction puts the arguments of a call in their places.
func (f *frame) ownFunction(best *candidate, def *catalog.FunctionObject, args []typed, x *syntax.FuncCall) (expr.Expr, error) {
	params := given(def)
	if best.expanded {
		var err error
		if args, err = f.gathered(best.fn, args, x); err != nil {
			return nil, err
		}
	}
	full := make([]typed, len(params))
	for i := range params {
		from := i
		if best.order != nil {
			if from = -1; i < len(best.order) {
				from = best.order[i]
			}
		}
		if from >= 0 && from < len(args) {
			full[i] = args[from]
			continue
		}
		e, err := f.stored(params[i].Default.Text, &scope{}, "DEFAULT expressions", nil)
		if err != nil {
			return nil, err
		}
		full[i] = typed{e, x}
	}
	types, ret, perr := instantiate(typesOf(full), best.fn.Args, best.fn.Ret)
	if perr != nil {
		return nil, f.place(perr, x)
	}
	c := &ownCall{fn: best.fn, def: def, typ: datum.T(ret), at: x}
	for i := range full {
		e, err := f.settledRow(full[i])
		if err == nil {
			e, err = f.coerce(e, datum.T(types[i]), funcs.Implicit, full[i].at)
		}
		if err != nil {
			return nil, err
		}
		_, domain := f.ctx.Catalog.Resolve(params[i].Type)
		if f.ctx.Calls {
			domain = nil
		}
		if e, err = f.inDomain(e, domain); err != nil {
			return nil, err
		}
		if params[i].Mode == "o" {
			continue // a place for what the procedure gives
		}
		c.args = append(c.args, e)
	}
	if len(best.fn.Out) > 0 {
		g, _ := solve(types, best.fn.Args)
		out := slices.Clone(best.fn.Out)
		for i := range out {
			if isPolymorphic(out[i].Type.OID) {
				out[i].Type = datum.T(g.actual(out[i].Type.OID))
			}
		}
		c.typ = datum.RecordType(out)
	}
	switch {
	case f.inFrom:
		return c, nil
	case f.ctx.Calls:
		shown := len(args)
		if best.order != nil {
			shown = len(c.args) // those between have their defaults
		}
		e := f.shownCall(c, shown).(*expr.Apply)
		e.Variadic = best.expanded || x.Variadic
		return e, nil
	}
	return f.value(c)
}

// shownCall is a call of a users' function as it is shown: with as many arguments as were given. Other calls stay as they are.
func (f *frame) shownCall(e expr.Expr, given int) expr.Expr {
	c, ok := e.(*ownCall)
	if !ok {
		return e
	}
	return &expr.Apply{Name: f.functionName(c.def), Args: c.args[:min(given, len(c.args))], Body: &expr.Const{Val: vec.NullColumn(kindOf(c.typ.OID), 1), Typ: c.typ}}
}

// functionName is the name of a function, with its schema where the search path does not find it.
func (f *frame) functionName(def *catalog.FunctionObject) string {
	c, name := f.ctx.Catalog, funcs.QuoteIdent(def.Name)
	if slices.Contains(c.Functions(f.ctx.SearchPath, "", def.Name), def) {
		return name
	}
	for _, s := range c.Schemas() {
		if s.OID == def.Schema {
			return funcs.QuoteIdent(s.Name) + "." + name
		}
	}
	return name
}

// statements parses the body of a function, once.
func (c *ownCall) statements() (list []syntax.Statement, err error) {
	if c.parsed == nil {
		c.parsed, err = syntax.Parse(c.def.Body)
	}
	return c.parsed, err
}

// body is the query that a function is.
func (c *ownCall) body() (*syntax.Query, error) {
	list, err := c.statements()
	if err != nil {
		return nil, err
	}
	if len(list) == 1 {
		if q, ok := list[0].Stmt.(*syntax.Query); ok {
			return q, nil
		}
	}
	return nil, pgerr.New(pgerr.InternalError, "the body of function %q is no query", c.def.Name)
}

// during binds something of the query of a function: names in it are those of parameters too, and errors have no place in the statement.
func (f *frame) during(c *ownCall, in *functionQuery, do func() error) error {
	in.name, in.used = c.def.Name, make([]int, len(in.args))
	for _, p := range c.def.Inputs() {
		in.names = append(in.names, p.Name)
	}
	ctx := *f.ctx
	if ctx.Text = ""; c.def.Form != "" {
		ctx.SearchPath = c.def.Path
	}
	b := f.binder
	around, calling, defining := b.ctx, b.calling, b.defining
	b.ctx, b.calling, b.inlining = &ctx, in, append(b.inlining, c.def.ID)
	if b.checking != c.def.ID {
		b.defining = nil
	}
	defer func() {
		b.ctx, b.calling, b.defining, b.inlining = around, calling, defining, b.inlining[:len(b.inlining)-1]
	}()
	return do()
}

// sealed are the rows around a place without their names; the levels still count.
func sealed(s *scope) *scope {
	if s == nil {
		return nil
	}
	return &scope{up: sealed(s.up), width: s.width, lateral: s.lateral}
}

// value is the value of a call.
func (f *frame) value(c *ownCall) (expr.Expr, error) {
	runs, err := f.runs(c)
	if err != nil {
		return nil, err
	}
	if err := f.setAllowed(c.fn, c.at); err != nil {
		return nil, err
	}
	if runs || c.def.Set {
		return f.run(c)
	}
	q, err := c.body()
	if err != nil {
		return nil, err
	}
	once := false
	for _, a := range c.args {
		once = once || c.def.Strict && expr.IsVolatile(a)
	}
	e, again, err := f.valueOf(c, q, once)
	if err == nil && again {
		e, _, err = f.valueOf(c, q, true)
	}
	if errors.Is(err, errRuns) {
		return f.run(c)
	}
	if err != nil {
		return nil, err
	}
	_, domain := f.ctx.Catalog.Resolve(c.def.Returns)
	if e, err = f.inDomain(e, domain); err != nil {
		return nil, err
	}
	f.trust(c, e)
	return e, nil
}

// trust notes how volatile a function says that it is; one that is nothing but an expression is as that is.
func (f *frame) trust(c *ownCall, e expr.Expr) {
	if c.fn.Volatile != funcs.Immutable {
		f.mutable = f.mutable || expr.Any(e, func(e expr.Expr) bool { _, ok := e.(*expr.Subquery); return ok })
		return
	}
	if f.trusted == nil {
		f.trusted = map[expr.Expr]bool{}
	}
	f.trusted[e] = true
}

// errRuns says that the query of a function cannot stand in the place of its call.
var errRuns = errors.New("the function must be run")

// valueOf binds the query of a call as a value. once: over arguments that are evaluated before; again asks for that, since one of
// them gives another value each time.
func (f *frame) valueOf(c *ownCall, q *syntax.Query, once bool) (e expr.Expr, again bool, err error) {
	in := &functionQuery{args: c.args, depth: f.scope.depth()}
	place := sealed(f.scope)
	if once {
		in.args, in.depth, place = make([]expr.Expr, len(c.args)), 1, &scope{width: len(c.args)}
		for i, a := range c.args {
			in.args[i] = &expr.Col{Index: i, Typ: a.Type()}
		}
	}
	err = f.during(c, in, func() error {
		if e, err = f.bodyValue(c, q, place); err != nil {
			return err
		}
		e, err = f.returned(c, e)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	for i, n := range in.used {
		again = again || n > 1 && !once && expr.IsVolatile(c.args[i])
	}
	if c.def.Strict {
		e = strictly(in.args, e)
	}
	if !once {
		return e, again, nil
	}
	if expr.Any(e, func(e expr.Expr) bool { _, ok := e.(*expr.Subquery); return ok }) {
		return nil, false, errRuns
	}
	return &expr.Apply{Name: c.def.Name, Args: c.args, Body: e}, false, nil
}

// bodyValue is the value of a query: that of its one expression, or of its first row.
func (f *frame) bodyValue(c *ownCall, q *syntax.Query, place *scope) (expr.Expr, error) {
	if x := onlyExpression(q); x != nil {
		in := &frame{binder: f.binder, env: &env{outer: place.up, asOf: f.env.asOf, valid: f.env.valid}, scope: place, what: "SELECT", sets: true}
		e, err := in.bind(x)
		f.defining.onlyTarget(q, e)
		if err == nil && c.typ.OID != datum.Unknown && e.Type().OID == datum.Unknown {
			e, err = in.coerce(e, c.typ, funcs.Assignment, x)
		}
		if err == nil {
			e, err = in.settled(e, x)
		}
		if err != nil || !expr.HasSet(e) {
			return e, err
		}
	}
	n, err := f.query(q, &env{outer: place, asOf: f.env.asOf, valid: f.env.valid}, false)
	if err != nil {
		return nil, err
	}
	if volatilePlan(n) && len(f.scope.items) > 0 {
		return nil, errRuns
	}
	n = &plan.Limit{Input: n, Count: intConst(1, datum.Int8)}
	fields := n.Schema()
	if isValue(fields, c.typ) {
		return subquery(expr.Scalar, n, fields[0].Type), nil
	}
	row := rowOfAll(fields)
	n = &plan.Project{Input: n, Exprs: []expr.Expr{row}, Fields: []plan.Field{{Name: c.def.Name, Type: row.Type()}}}
	return subquery(expr.Scalar, n, row.Type()), nil
}

// isValue reports whether what a body gives is a value of a function's type itself, and not a row of fields of it.
func isValue(fields []plan.Field, typ datum.Type) bool {
	return len(fields) == 1 && (len(datum.RecordFields(typ)) != 1 || fields[0].Type.OID == typ.OID)
}

// rowOfAll is the row of all columns of a plan with these fields.
func rowOfAll(fields []plan.Field) *expr.Row {
	row := &expr.Row{}
	for i, fl := range fields {
		row.Elems, row.Names = append(row.Elems, &expr.Col{Index: i, Typ: fl.Type, Name: fl.Name}), append(row.Names, fl.Name)
	}
	return row
}

// volatilePlan reports whether a volatile function is called anywhere in a plan.
func volatilePlan(n plan.Node) bool {
	found := false
	plan.Walk(n, func(n plan.Node) bool {
		for _, e := range plan.Exprs(n) {
			found = found || expr.Any(e, func(e expr.Expr) bool {
				call, ok := e.(*expr.Call)
				return ok && call.Fn.Volatile == funcs.Volatile
			})
		}
		for _, sub := range plan.Subplans(n) {
			found = found || volatilePlan(sub)
		}
		return !found
	})
	return found
}

// onlyExpression is the expression that a query is nothing but, nil if it is more.
func onlyExpression(q *syntax.Query) syntax.Expr {
	s, ok := q.Body.(*syntax.Select)
	if !ok || q.With != nil || q.OrderBy != nil || q.Limit != nil || q.Skip != nil || q.Locking != nil || s.Distinct || s.DistinctOn != nil ||
		len(s.Targets) != 1 || s.Into != nil || s.From != nil || s.AsOf != nil || s.Where != nil || s.GroupBy != nil || s.Having != nil || s.Windows != nil {
		return nil
	}
	x := s.Targets[0].Expr
	plain := true
	syntax.Walk(x, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.ColumnRef:
			plain = plain && !n.Star
		case *syntax.FuncCall:
			plain = plain && n.Over == nil && len(aggregatesNamed(n.Name.Last())) == 0
		case *syntax.Query:
			return false
		}
		return plain
	})
	if !plain {
		return nil
	}
	return x
}

// strictly is null where an argument is.
func strictly(args []expr.Expr, e expr.Expr) expr.Expr {
	var given []expr.Expr
	for _, a := range args {
		if k, ok := a.(*expr.Const); ok {
			if k.Val.Null(0) {
				return expr.NullConst(e.Type())
			}
			continue
		}
		given = append(given, expr.Present(a))
	}
	if given == nil {
		return e
	}
	return &expr.Case{Whens: []expr.When{{Cond: expr.Conjoin(given), Then: e}}, Else: expr.NullConst(e.Type()), Typ: e.Type()}
}

// returned converts what a query gives to what the function says that it returns.
func (f *frame) returned(c *ownCall, e expr.Expr) (expr.Expr, error) {
	t := e.Type()
	want := datum.RecordFields(c.typ)
	switch {
	case c.typ.OID == datum.Void:
		return &expr.Case{Whens: []expr.When{{Cond: expr.Present(e), Then: expr.NullConst(c.typ)}}, Else: expr.NullConst(c.typ), Typ: c.typ}, nil
	case t == c.typ || c.typ.OID == datum.Record && want == nil && datum.RecordFields(t) != nil:
		return e, nil
	case want != nil && rowFields(e) != nil:
		return f.rowAs(c, e, want)
	case want != nil && len(want) == 1:
		e = &expr.Row{Elems: []expr.Expr{e}, Names: []string{want[0].Name}}
		return f.rowAs(c, e, want)
	case c.typ.OID == datum.Record && want == nil:
		return &expr.Row{Elems: []expr.Expr{e}}, nil
	case rowFields(e) != nil && t.OID == datum.Record:
		return nil, mismatch(c, "Final statement must return exactly one column.")
	case !canCoerce(t.OID, c.typ.OID, funcs.Assignment):
		return nil, mismatch(c, "Actual return type is "+formatType(datum.T(t.OID))+".")
	}
	return f.coerce(e, c.typ, funcs.Assignment, c.at)
}

// rowAs converts a row field by field.
func (f *frame) rowAs(c *ownCall, e expr.Expr, want []datum.Field) (expr.Expr, error) {
	have := rowFields(e)
	if err := f.sameShape(c, have, want); err != nil {
		return nil, err
	}
	row := &expr.Row{}
	for i, w := range want {
		var x expr.Expr = &expr.Field{Arg: e, Index: i, Typ: have[i].Type}
		if r, ok := e.(*expr.Row); ok {
			x = r.Elems[i]
		}
		x, err := f.coerce(x, w.Type, funcs.Assignment, c.at)
		if err != nil {
			return nil, err
		}
		row.Elems, row.Names = append(row.Elems, x), append(row.Names, w.Name)
	}
	if c.typ.OID == datum.Record {
		return row, nil
	}
	return f.coerce(row, c.typ, funcs.Explicit, c.at)
}

func (f *frame) sameShape(c *ownCall, have, want []datum.Field) error {
	switch {
	case len(have) < len(want):
		return mismatch(c, "Final statement returns too few columns.")
	case len(have) > len(want):
		return mismatch(c, "Final statement returns too many columns.")
	}
	for i, w := range want {
		if !canCoerce(have[i].Type.OID, w.Type.OID, funcs.Assignment) {
			return mismatch(c, "Final statement returns "+formatType(datum.T(have[i].Type.OID))+" instead of "+formatType(datum.T(w.Type.OID))+" at column "+itoa(i+1)+".")
		}
	}
	return nil
}

func mismatch(c *ownCall, detail string) error {
	name := formatType(c.typ)
	return pgerr.New("42P13", "return type mismatch in function declared to return %s", name).WithDetail("%s", detail)
}
