package bind

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// call is a call of a function or aggregate, or a cast written as one.
func (f *frame) call(x *syntax.FuncCall) (expr.Expr, error) {
	name := x.Name.Last()
	if err := f.checkSchema(x); err != nil {
		return nil, err
	}
	if name == "merge_action" && len(x.Name) == 1 && len(x.Args) == 0 {
		return f.mergeAction(x)
	}
	if x.Over != nil {
		return f.windowCall(x)
	}
	if hypotheticals[name] != nil && len(x.WithinGroup) > 0 {
		return f.hypotheticalCall(x)
	}
	if list := funcs.LookupWindow(name); len(list) > 0 && len(x.WithinGroup) == 0 {
		return nil, f.overMissing(x, list)
	}
	if len(aggregatesNamed(name)) > 0 {
		return f.aggregateCall(x)
	}
	if err := f.plainOnly(x); err != nil {
		return nil, err
	}
	args, names, err := f.arguments(x)
	if err != nil {
		return nil, err
	}
	if form := appendFormOf(x); form != nil {
		return nil, f.errorIn(x, pgerr.FeatureNotSupported, "%s() can only stand alone in the select list, or in FROM, of a statement without other clauses", form.name).
			WithHint("To append the rows of a query, write INSERT INTO events … SELECT ….")
	}
	if args, names, err = f.withMoment(x, args, names); err != nil {
		return nil, err
	}
	return f.resolveCall(x, name, args, names)
}

// withMoment gives a function that asks about a moment the one of the AS OF clause in force, unless the call names one.
func (f *frame) withMoment(x *syntax.FuncCall, args []typed, names []string) ([]typed, []string, error) {
	list := functionsNamed(x.Name.Last())
	if f.env.asOf == nil || len(list) == 0 || !list[0].Moment {
		return args, names, nil
	}
	params := list[0].ArgNames
	last := params[len(params)-1]
	if names == nil && len(args) != len(params)-1 || slices.Contains(names, last) {
		return args, names, nil
	}
	at, err := f.momentValue(f.env.asOf.clause, x)
	f.defining.added(at)
	if names != nil {
		names = append(names, last)
	}
	return append(args, typed{at, x}), names, err
}

// overMissing is the error for a call of a window function without OVER.
func (f *frame) overMissing(x *syntax.FuncCall, list []*funcs.Window) error {
	in := *f
	args, _, err := in.arguments(x)
	if err != nil {
		return err
	}
	for _, w := range list {
		if len(w.Args) == len(args) && reachable(w.Args, typesOf(args)) {
			return f.errorIn(x, pgerr.WrongObjectType, "window function %s requires an OVER clause", dotted(x.Name))
		}
	}
	if hypotheticals[x.Name.Last()] != nil {
		return f.errorIn(x, pgerr.WrongObjectType, "WITHIN GROUP is required for ordered-set aggregate %s", dotted(x.Name))
	}
	return f.noFunction(x, typesOf(args), nil, false)
}

// checkSchema refuses functions of schemas that have none.
func (f *frame) checkSchema(x *syntax.FuncCall) error {
	q := x.Name.Qualifier()
	switch {
	case len(x.Name) > 2:
		return f.errorIn(x, pgerr.FeatureNotSupported, "cross-database references are not implemented: %s", dotted(x.Name))
	case q == "" || q == pgCatalog || q == "information_schema":
		return nil
	case !f.ctx.Catalog.HasSchema(q):
		return f.errorIn(x, "3F000", "schema %q does not exist", q)
	}
	return nil
}

// plainOnly refuses what only aggregates can have.
func (f *frame) plainOnly(x *syntax.FuncCall) error {
	what := ""
	switch {
	case x.Star:
		return f.noFunction(x, nil, nil, false)
	case x.Distinct:
		what = "DISTINCT specified, but %s is not an aggregate function"
	case len(x.WithinGroup) > 0:
		what = "WITHIN GROUP specified, but %s is not an aggregate function"
	case len(x.OrderBy) > 0:
		what = "ORDER BY specified, but %s is not an aggregate function"
	case x.Filter != nil:
		what = "FILTER specified, but %s is not an aggregate function"
	default:
		return nil
	}
	return f.errorIn(x, pgerr.WrongObjectType, "%s", strings.ReplaceAll(what, "%s", dotted(x.Name)))
}

// arguments binds the arguments of a call; names is nil when none is named.
func (f *frame) arguments(x *syntax.FuncCall) (args []typed, names []string, err error) {
	for _, a := range x.Args {
		if c, ok := a.Expr.(*syntax.ColumnRef); ok && c.Star && len(c.Name) > 0 {
			e, err := f.rowOf(c)
			if err != nil {
				return nil, nil, err
			}
			args = append(args, typed{e, c})
			continue
		}
		e, err := f.bind(a.Expr)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, typed{e, a.Expr})
		if a.Name != "" && names == nil {
			names = make([]string, len(args)-1, len(x.Args))
		}
		switch {
		case a.Name != "":
			names = append(names, a.Name)
		case names != nil:
			return nil, nil, f.errorIn(a.Expr, pgerr.SyntaxError, "positional argument cannot follow named argument")
		}
	}
	return args, names, nil
}

// rowOf is table.* as an argument: the table's whole row.
func (f *frame) rowOf(c *syntax.ColumnRef) (expr.Expr, error) {
	it, sc, level, err := f.findTable(c, f.scope, c.Name.Qualifier(), c.Name.Last())
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, f.noTable(c, f.scope, c.Name.Qualifier(), c.Name.Last())
	}
	if err := f.reachable(c, sc, it); err != nil {
		return nil, err
	}
	return f.wholeRow(it, level, c.Pos), nil
}

// function calls a function of pg_catalog that the binder itself put in.
func (f *frame) function(name string, args []typed, at syntax.Node) (expr.Expr, error) {
	return f.resolveCall(&syntax.FuncCall{At: syntax.At{Pos: at.Offset()}, Name: syntax.Name{pgCatalog, name}}, name, args, nil)
}

// resolveCall chooses the overload and calls it.
func (f *frame) resolveCall(x *syntax.FuncCall, name string, args []typed, names []string) (expr.Expr, error) {
	if row := populated(name, args); row.OID != 0 {
		var err error
		args = slices.Clone(args)
		if args[0].expr, err = f.coerce(args[0].expr, datum.T(datum.Record), funcs.Implicit, args[0].at); err != nil {
			return nil, err
		}
		e, err := f.resolveCall(x, name, args, names)
		if c, ok := e.(*expr.Call); err != nil || !ok || c.Fn.RetSet {
			return e, err
		}
		return f.coerce(e, row, funcs.Explicit, x)
	}
	actual := namedTypesOf(args)
	funcsNamed, own := f.overloads(x)
	list := f.candidates(funcsNamed, len(args), names, x.Variadic)
	best, many := f.chooseNamed(list, actual)
	if best != nil && own[best.fn] != nil {
		return f.ownFunction(best, own[best.fn], args, x)
	}
	if best != nil && x.Variadic {
		if err := f.spread(best, args, x); err != nil {
			return nil, err
		}
	}
	if best == nil {
		if e, ok, err := f.callAsCast(x, name, args, many); ok || err != nil {
			return e, err
		}
		return nil, f.noFunction(x, actual, names, many)
	}
	ordered := args
	if best.order != nil {
		ordered = make([]typed, len(best.order))
		for i, o := range best.order {
			if o >= 0 {
				ordered[i] = args[o]
			} else {
				ordered[i] = typed{defaultOf(best.fn, i), x}
			}
		}
	}
	types, ret, perr := instantiate(typesOf(ordered), best.args, best.fn.Ret)
	if perr != nil {
		return nil, f.place(perr, x)
	}
	if err := f.setAllowed(best.fn, x); err != nil {
		return nil, err
	}
	for i := range ordered {
		e, err := f.settledRow(ordered[i])
		if err != nil {
			return nil, err
		}
		ordered[i].expr = e
	}
	e, err := f.apply(best.fn, ordered, types, ret, x)
	if err != nil {
		return nil, err
	}
	call := gather(e.(*expr.Call), best)
	call.Words, call.Variadic = x.SQLSyntax, x.Variadic || call != e
	for i, a := range call.Args {
		call.Typ = shaped(call.Typ, best.fn.Ret, best.args[min(i, len(best.args)-1)], a)
	}
	if out := outColumns(call); out != nil && call.Typ.OID == datum.Record {
		call.Typ = datum.RecordType(out)
	}
	return call, nil
}

// populated is the composite type whose rows a call makes of JSON, the zero type of other calls.
func populated(name string, args []typed) (row datum.Type) {
	if len(args) > 0 && (strings.HasSuffix(name, "_populate_record") || strings.HasSuffix(name, "_populate_recordset")) && datum.IsComposite(args[0].expr.Type().OID) {
		row = args[0].expr.Type()
	}
	return row
}

// defaultOf is what an argument is that is left out.
func defaultOf(fn *funcs.Func, i int) expr.Expr {
	if text := fn.Default(i); text != "NULL" {
		return textConst(text)
	}
	return nullConst()
}

// shaped gives a result that is a row, or an array of rows, the shape of the argument that decides its type.
func shaped(t datum.Type, ret, param datum.OID, arg expr.Expr) datum.Type {
	from := arg.Type()
	if t.Mod >= 0 || from.Mod < 0 || !isPolymorphic(ret) || !isPolymorphic(param) {
		return t
	}
	if t.OID == datum.Record || elemOf(t.OID) == datum.Record {
		if from.OID == datum.Record || elemOf(from.OID) == datum.Record {
			t.Mod = from.Mod
		}
	}
	return t
}

// spread is VARIADIC in front of the array for a parameter of type "any": the function gets the elements one by one.
func (f *frame) spread(best *candidate, args []typed, x *syntax.FuncCall) error {
	fn, last := best.fn, len(args)-1
	if !fn.Variadic || fn.Args[len(fn.Args)-1] != datum.Any {
		return nil
	}
	if e := args[last].expr; !isArray(e.Type().OID) {
		return f.errorIn(args[last].at, pgerr.DatatypeMismatch, "VARIADIC argument must be an array")
	}
	best.fn = fn.Spread()
	return nil
}

func (f *frame) settledRow(a typed) (expr.Expr, error) {
	if _, ok := a.expr.(*expr.Row); ok {
		return f.settled(a.expr, a.at)
	}
	return a.expr, nil
}

// gather makes the repeated arguments of a variadic parameter one array; those of "any" stay as they are.
func gather(c *expr.Call, best *candidate) *expr.Call {
	fixed := len(best.fn.Args) - 1
	if !best.expanded || best.fn.Args[fixed] == datum.Any || len(c.Args) <= fixed {
		return c
	}
	out := *c
	rest := c.Args[fixed:]
	arr := &expr.Array{Elems: rest, Typ: datum.T(arrayOf(rest[0].Type().OID))}
	out.Args = append(append([]expr.Expr(nil), c.Args[:fixed]...), arr)
	return &out
}

// setAllowed refuses set-returning functions where a row must stay one row.
func (f *frame) setAllowed(fn *funcs.Func, x syntax.Node) error {
	if !fn.RetSet || f.sets {
		return nil
	}
	if f.inWindow {
		return f.errorIn(x, pgerr.FeatureNotSupported, "window function calls cannot contain set-returning function calls").
			WithHint("You might be able to move the set-returning function into a LATERAL FROM item.")
	}
	if f.inAgg {
		return f.errorIn(x, pgerr.FeatureNotSupported, "aggregate function calls cannot contain set-returning function calls").
			WithHint("You might be able to move the set-returning function into a LATERAL FROM item.")
	}
	e := f.errorIn(x, pgerr.FeatureNotSupported, "set-returning functions are not allowed in %s", f.what)
	if f.what == "CASE" || f.what == "COALESCE" {
		return e.WithHint("You might be able to move the set-returning function into a LATERAL FROM item.")
	}
	return e
}

// candidates lays the overloads out for a number of arguments.
func (f *frame) candidates(list []*funcs.Func, n int, names []string, variadic bool) []candidate {
	var out []candidate
	for _, fn := range list {
		if names != nil {
			if c, ok := byNames(fn, n, names); ok {
				out = append(out, c)
			}
			continue
		}
		if c, ok := layOut(fn.Args, fn.Defaults, fn.Variadic && !variadic, n); ok {
			c.fn = fn
			out = append(out, c)
		}
	}
	return out
}

// layOut gives the parameters for n arguments; the last one repeats when variadic.
func layOut(params []datum.OID, defaults int, variadic bool, n int) (candidate, bool) {
	switch {
	case variadic && len(params) > 0 && n >= len(params)-1:
		args := append([]datum.OID(nil), params[:min(n, len(params)-1)]...)
		last := repeated(params[len(params)-1])
		for len(args) < n {
			args = append(args, last)
		}
		return candidate{args: args, expanded: true}, n >= len(params)-1
	case n <= len(params) && n >= len(params)-defaults:
		return candidate{args: params[:n]}, true
	}
	return candidate{}, false
}

// repeated is the type of one argument of a variadic parameter.
func repeated(t datum.OID) datum.OID {
	switch t {
	case datum.Any:
		return t
	case datum.AnyArray:
		return datum.AnyElement
	case datum.AnyCompatArray:
		return datum.AnyCompat
	}
	if e := elemOf(t); e != 0 {
		return e
	}
	return t
}

// byNames lays an overload out for arguments of which the last ones are named.
func byNames(fn *funcs.Func, n int, names []string) (candidate, bool) {
	if fn.Variadic || n > len(fn.Args) || len(fn.ArgNames) < len(fn.Args) {
		return candidate{}, false
	}
	order := make([]int, len(fn.Args))
	for i := range order {
		order[i] = -1
	}
	for i := range n {
		p := i
		if names[i] != "" {
			p = -1
			for k, name := range fn.ArgNames[:len(fn.Args)] {
				if name == names[i] {
					p = k
				}
			}
		}
		if p < 0 || order[p] >= 0 {
			return candidate{}, false
		}
		order[p] = i
	}
	used := len(order)
	for used > 0 && order[used-1] < 0 {
		used--
	}
	if used < len(fn.Args)-fn.Defaults {
		return candidate{}, false
	}
	for i, o := range order[:used] {
		if o < 0 && i < len(fn.Args)-fn.Defaults {
			return candidate{}, false
		}
	}
	return candidate{args: fn.Args[:used], fn: fn, order: order[:used]}, true
}

// chooseNamed is choose for candidates that may take the arguments in another order.
func (f *frame) chooseNamed(list []candidate, actual []datum.OID) (*candidate, bool) {
	if len(list) == 0 || list[0].order == nil {
		return choose(list, actual)
	}
	for i := range list {
		in := make([]datum.OID, len(list[i].order))
		for k, o := range list[i].order {
			if in[k] = datum.Unknown; o >= 0 {
				in[k] = actual[o]
			}
		}
		if reachable(list[i].args, in) {
			return &list[i], false
		}
	}
	return nil, false
}

// callAsCast is type(x), which PostgreSQL takes for a cast where no function of the name fits.
func (f *frame) callAsCast(x *syntax.FuncCall, name string, args []typed, many bool) (expr.Expr, bool, error) {
	if len(args) != 1 || many || x.Variadic {
		return nil, false, nil
	}
	oid, ok := typeByName(name)
	if !ok || isPseudo(oid) {
		return nil, false, nil
	}
	from := args[0].expr.Type().OID
	if from != datum.Unknown && castBetween(from, oid) == nil && categoryOf(from) != 'S' && categoryOf(oid) != 'S' {
		return nil, false, nil
	}
	e, err := f.coerce(args[0].expr, datum.T(oid), funcs.Explicit, args[0].at)
	return e, true, err
}

// noFunction is the error for a call that fits no overload, or more than one.
func (f *frame) noFunction(x *syntax.FuncCall, actual []datum.OID, names []string, many bool) error {
	parts := make([]string, len(actual))
	for i, t := range actual {
		parts[i] = formatType(datum.T(t))
		if i < len(names) && names[i] != "" {
			parts[i] = names[i] + " => " + parts[i]
		}
	}
	if err := f.otherKind(x, actual, names); err != nil {
		return err
	}
	sig := dotted(x.Name) + "(" + strings.Join(parts, ", ") + ")"
	if many {
		return f.errorIn(x, pgerr.AmbiguousFunction, "function %s is not unique", sig).
			WithHint("Could not choose a best candidate function. You might need to add explicit type casts.")
	}
	word := "function"
	if x == f.ctx.Procedure {
		word = "procedure"
	}
	return f.errorIn(x, pgerr.UndefinedFunction, "%s %s does not exist", word, sig).
		WithHint("No %s matches the given name and argument types. You might need to add explicit type casts.", word)
}
