package bind

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// binary is an infix operator, over rows field by field.
func (f *frame) binary(x *syntax.Binary) (expr.Expr, error) {
	l, err := f.bind(x.L)
	if err != nil {
		return nil, err
	}
	if e, ok, err := f.rowOfQuery(l, x); ok || err != nil {
		return e, err
	}
	r, err := f.bind(x.R)
	if err != nil {
		return nil, err
	}
	return f.compare(x.Op, typed{l, x.L}, typed{r, x.R}, x)
}

// compare applies an operator to two operands, which may be rows.
func (f *frame) compare(op syntax.Operator, l, r typed, at syntax.Node) (expr.Expr, error) {
	lr, lok := l.expr.(*expr.Row)
	rr, rok := r.expr.(*expr.Row)
	// A row beside a value of a composite type is one too.
	var err error
	switch {
	case lok && datum.IsComposite(r.expr.Type().OID):
		if err := f.sameFields(rowFields(lr), rowFields(r.expr), at); err != nil {
			return nil, err
		}
		if l.expr, err = f.rowTo(lr, r.expr.Type(), funcs.Implicit, at); err != nil {
			return nil, err
		}
	case rok && datum.IsComposite(l.expr.Type().OID):
		if err := f.sameFields(rowFields(l.expr), rowFields(rr), at); err != nil {
			return nil, err
		}
		if r.expr, err = f.rowTo(rr, l.expr.Type(), funcs.Implicit, at); err != nil {
			return nil, err
		}
	case lok && rok && lr.Names == nil && rr.Names == nil:
		return f.compareRows(op, lr, rr, l.at, r.at, at)
	case lok && rok:
		if err := f.similarRows(lr, rr, at); err != nil {
			return nil, err
		}
	}
	return f.operator(op, []typed{l, r}, at)
}

// similarRows checks two rows that are compared as values, of which at least one is a table's: their nulls are equal.
func (f *frame) similarRows(l, r *expr.Row, at syntax.Node) error {
	return f.sameFields(rowFields(l), rowFields(r), at)
}

func (f *frame) sameFields(l, r []datum.Field, at syntax.Node) error {
	if len(l) != len(r) {
		return f.errorIn(at, pgerr.DatatypeMismatch, "cannot compare record types with different numbers of columns")
	}
	for i := range l {
		if a, b := l[i].Type, r[i].Type; a.OID != b.OID && a.OID != datum.Unknown && b.OID != datum.Unknown {
			return f.errorIn(at, pgerr.DatatypeMismatch, "cannot compare dissimilar column types %s and %s at record column %d", formatType(a), formatType(b), i+1)
		}
	}
	return nil
}

// compareRows spells a comparison of rows out: = and <> over all fields, the orderings field by field.
func (f *frame) compareRows(op syntax.Operator, l, r *expr.Row, lat, rat, at syntax.Node) (expr.Expr, error) {
	if len(l.Elems) != len(r.Elems) {
		return nil, f.errorIn(at, pgerr.SyntaxError, "unequal number of entries in row expressions")
	}
	if len(l.Elems) == 0 {
		return nil, f.errorIn(at, pgerr.FeatureNotSupported, "cannot compare rows of zero length")
	}
	each := func(name string, i int) (expr.Expr, error) {
		return f.compare(syntax.Operator{Name: name}, typed{l.Elems[i], lat}, typed{r.Elems[i], rat}, at)
	}
	switch op.Name {
	case "=", "<>":
		parts := make([]expr.Expr, len(l.Elems))
		for i := range parts {
			e, err := each(op.Name, i)
			if err != nil {
				return nil, err
			}
			parts[i] = e
		}
		if op.Name == "<>" {
			return disjoin(parts), nil
		}
		return expr.Conjoin(parts), nil
	case "<", "<=", ">", ">=":
		last := len(l.Elems) - 1
		out, err := each(op.Name, last)
		strict := op.Name[:1]
		for i := last - 1; i >= 0 && err == nil; i-- {
			var less, same expr.Expr
			if less, err = each(strict, i); err != nil {
				break
			}
			if same, err = each("=", i); err != nil {
				break
			}
			out = &expr.Or{Args: []expr.Expr{less, &expr.And{Args: []expr.Expr{same, out}}}}
		}
		return out, err
	}
	return nil, f.errorIn(at, pgerr.FeatureNotSupported, "could not determine interpretation of row comparison operator %s", op.Name)
}

// disjoin joins conditions by OR.
func disjoin(parts []expr.Expr) expr.Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return &expr.Or{Args: parts}
}

// operatorKey is an operator over operands of two types; operatorChoice what it means.
type operatorKey struct {
	name        string
	left, right datum.OID
}

type operatorChoice struct {
	fn   *funcs.Func
	args []datum.OID
	ret  datum.OID
}

// resolveOperator finds the overload that an operator over these types means, and the types to convert the operands to. A
// statement asks the same again and again, as for each element of an IN list.
func (f *frame) resolveOperator(op syntax.Operator, actual []datum.OID, at syntax.Node) (fn *funcs.Func, args []datum.OID, ret datum.OID, err error) {
	if len(actual) != 2 || len(op.Schema) > 0 {
		return f.chooseOperator(op, actual, at)
	}
	key := operatorKey{op.Name, actual[0], actual[1]}
	c, ok := f.operators[key]
	if !ok {
		if c.fn, c.args, c.ret, err = f.chooseOperator(op, actual, at); err != nil {
			return nil, nil, 0, err
		}
		if f.operators == nil {
			f.operators = map[operatorKey]operatorChoice{}
		}
		f.operators[key] = c
	}
	return c.fn, c.args, c.ret, nil
}

func (f *frame) chooseOperator(op syntax.Operator, actual []datum.OID, at syntax.Node) (fn *funcs.Func, args []datum.OID, ret datum.OID, err error) {
	name := op.Name
	if name == "!=" {
		name = "<>"
	}
	var list []candidate
	if q := syntax.Name(op.Schema).Last(); q == "" || q == pgCatalog {
		for _, o := range funcs.LookupOperator(name, len(actual)) {
			list = append(list, candidate{args: o.Args, fn: o})
		}
	}
	best := exactOperator(list, actual)
	many := false
	if best == nil {
		best, many = choose(list, actual)
	}
	switch {
	case many:
		return nil, nil, 0, f.errorIn(at, pgerr.AmbiguousFunction, "operator is not unique: %s", operatorTypes(name, actual)).
			WithHint("Could not choose a best candidate operator. You might need to add explicit type casts.")
	case best == nil && len(actual) == 1:
		return nil, nil, 0, f.errorIn(at, pgerr.UndefinedFunction, "operator does not exist: %s", operatorTypes(name, actual)).
			WithHint("No operator matches the given name and argument type. You might need to add an explicit type cast.")
	case best == nil:
		return nil, nil, 0, f.errorIn(at, pgerr.UndefinedFunction, "operator does not exist: %s", operatorTypes(name, actual)).
			WithHint("No operator matches the given name and argument types. You might need to add explicit type casts.")
	}
	args, ret, perr := instantiate(actual, best.args, best.fn.Ret)
	if perr != nil {
		return nil, nil, 0, f.place(perr, at)
	}
	return best.fn, args, ret, nil
}

// exactOperator tries the operand of unknown type as of the other's type.
func exactOperator(list []candidate, actual []datum.OID) *candidate {
	if len(actual) != 2 || (actual[0] == datum.Unknown) == (actual[1] == datum.Unknown) {
		return nil
	}
	t := actual[0]
	if t == datum.Unknown {
		t = actual[1]
	}
	for i := range list {
		if list[i].args[0] == t && list[i].args[1] == t {
			return &list[i]
		}
	}
	return nil
}

func operatorTypes(name string, actual []datum.OID) string {
	if len(actual) == 1 {
		return name + " " + formatType(datum.T(actual[0]))
	}
	return formatType(datum.T(actual[0])) + " " + name + " " + formatType(datum.T(actual[1]))
}

// operator applies an operator to operands that are no rows.
func (f *frame) operator(op syntax.Operator, in []typed, at syntax.Node) (expr.Expr, error) {
	fn, args, ret, err := f.resolveOperator(op, typesOf(in), at)
	if err != nil {
		return nil, err
	}
	return f.apply(fn, in, args, ret, at)
}

// namedTypesOf is typesOf with the whole row of a table having the type of its rows, by which functions are told apart.
func namedTypesOf(in []typed) []datum.OID {
	out := make([]datum.OID, len(in))
	for i, e := range in {
		out[i] = datum.Named(e.expr.Type()).OID
	}
	return out
}

func typesOf(in []typed) []datum.OID {
	out := make([]datum.OID, len(in))
	for i, e := range in {
		out[i] = e.expr.Type().OID
	}
	return out
}

// apply converts the operands and calls.
func (f *frame) apply(fn *funcs.Func, in []typed, args []datum.OID, ret datum.OID, at syntax.Node) (expr.Expr, error) {
	call := &expr.Call{Fn: fn, Args: make([]expr.Expr, len(in)), Typ: datum.T(ret), Pos: at.Offset()}
	for i, e := range in {
		x, err := f.coerce(e.expr, datum.T(args[i]), funcs.Implicit, e.at)
		if err != nil {
			return nil, err
		}
		call.Args[i] = x
	}
	return call, nil
}

// logic is AND and OR.
func (f *frame) logic(x *syntax.Logic) (expr.Expr, error) {
	word := "AND"
	if x.Or {
		word = "OR"
	}
	args := make([]expr.Expr, len(x.Args))
	for i, a := range x.Args {
		e, err := f.condition(a, word)
		if err != nil {
			return nil, err
		}
		args[i] = e
	}
	if x.Or {
		return &expr.Or{Args: args}, nil
	}
	return &expr.And{Args: args}, nil
}

func (f *frame) not(x *syntax.Not) (expr.Expr, error) {
	e, err := f.condition(x.X, "NOT")
	if err != nil {
		return nil, err
	}
	return &expr.Not{Arg: e}, nil
}

// between is two comparisons; SYMMETRIC tries the bounds both ways.
func (f *frame) between(x *syntax.Between) (expr.Expr, error) {
	list, err := f.list([]syntax.Expr{x.X, x.Lo, x.Hi})
	if err != nil {
		return nil, err
	}
	rng := func(lo, hi typed) (expr.Expr, error) {
		a, err := f.compare(syntax.Operator{Name: ">="}, list[0], lo, x)
		if err != nil {
			return nil, err
		}
		b, err := f.compare(syntax.Operator{Name: "<="}, list[0], hi, x)
		if err != nil {
			return nil, err
		}
		return &expr.And{Args: []expr.Expr{a, b}}, nil
	}
	out, err := rng(list[1], list[2])
	if err == nil && x.Symmetric {
		var swapped expr.Expr
		swapped, err = rng(list[2], list[1])
		out = &expr.Or{Args: []expr.Expr{out, swapped}}
	}
	if err != nil {
		return nil, err
	}
	if x.Not {
		out = &expr.Not{Arg: out}
		f.defining.form(out, x)
	}
	return out, nil
}

var likeOps = [...]string{syntax.LikeMatch: "~~", syntax.ILikeMatch: "~~*", syntax.SimilarMatch: "~"}

// like is the operator that the words stand for; ESCAPE and SIMILAR rewrite the pattern first.
func (f *frame) like(x *syntax.Like) (expr.Expr, error) {
	l, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	p, err := f.bind(x.Pattern)
	if err != nil {
		return nil, err
	}
	if x.Escape != nil || x.Kind == syntax.SimilarMatch {
		args := []typed{{p, x.Pattern}}
		if x.Escape != nil {
			e, err := f.bind(x.Escape)
			if err != nil {
				return nil, err
			}
			args = append(args, typed{e, x.Escape})
		}
		name := "like_escape"
		if x.Kind == syntax.SimilarMatch {
			name = "similar_to_escape"
		}
		if p, err = f.function(name, args, x); err != nil {
			return nil, err
		}
	}
	op := likeOps[x.Kind]
	if x.Not {
		op = "!" + op
	}
	return f.operator(syntax.Operator{Name: op}, []typed{{l, x.X}, {p, x.Pattern}}, x)
}

// isTest is IS [NOT] NULL and the tests of truth.
func (f *frame) isTest(x *syntax.IsTest) (expr.Expr, error) {
	e, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	words := map[syntax.IsKind]byte{syntax.IsTrue: 't', syntax.IsFalse: 'f', syntax.IsUnknown: 'u'}
	switch x.Kind {
	case syntax.IsNull:
		if datum.IsComposite(e.Type().OID) { // asks all the fields
			e, err = f.coerce(e, datum.T(datum.Record), funcs.Implicit, x.X)
		} else {
			e, err = f.textIfUnknown(e, x.X)
		}
		if err != nil {
			return nil, err
		}
		return &expr.IsNull{Arg: e, Not: x.Not}, nil
	case syntax.IsTrue, syntax.IsFalse, syntax.IsUnknown:
		name := map[byte]string{'t': "TRUE", 'f': "FALSE", 'u': "UNKNOWN"}[words[x.Kind]]
		if x.Not {
			name = "NOT " + name
		}
		if e, err = f.boolean(e, "IS "+name, x.X); err != nil {
			return nil, err
		}
		return &expr.BoolTest{Arg: e, Want: words[x.Kind], Not: x.Not}, nil
	case syntax.IsNormalized:
		form := x.Form
		if form == "" {
			form = "nfc"
		}
		e, err = f.function("is_normalized", []typed{{e, x.X}, {textConst(strings.ToUpper(form)), x}}, x)
		if err == nil && x.Not {
			e = &expr.Not{Arg: e}
		}
		return e, err
	}
	return nil, f.errorIn(x, pgerr.FeatureNotSupported, "IS DOCUMENT is not supported yet")
}

// isDistinct compares so that nulls are equal.
func (f *frame) isDistinct(x *syntax.IsDistinct) (expr.Expr, error) {
	l, err := f.bind(x.L)
	if err != nil {
		return nil, err
	}
	r, err := f.bind(x.R)
	if err != nil {
		return nil, err
	}
	lr, lok := l.(*expr.Row)
	rr, rok := r.(*expr.Row)
	if !lok || !rok {
		return f.distinct(typed{l, x.L}, typed{r, x.R}, x.Not, x)
	}
	if len(lr.Elems) != len(rr.Elems) {
		return nil, f.errorIn(x, pgerr.SyntaxError, "unequal number of entries in row expressions")
	}
	parts := make([]expr.Expr, len(lr.Elems))
	for i := range parts {
		if parts[i], err = f.distinct(typed{lr.Elems[i], x.L}, typed{rr.Elems[i], x.R}, x.Not, x); err != nil {
			return nil, err
		}
	}
	if x.Not {
		return expr.Conjoin(parts), nil
	}
	return disjoin(parts), nil
}

func (f *frame) distinct(l, r typed, not bool, at syntax.Node) (expr.Expr, error) {
	a, b, err := f.alike(l, r, at)
	if err != nil {
		return nil, err
	}
	return &expr.Distinct{Left: a, Right: b, Not: not}, nil
}

// alike converts two operands that are to be compared for equality to one type.
func (f *frame) alike(l, r typed, at syntax.Node) (expr.Expr, expr.Expr, error) {
	_, args, _, err := f.resolveOperator(syntax.Operator{Name: "="}, typesOf([]typed{l, r}), at)
	if err != nil {
		return nil, nil, err
	}
	t := datum.T(args[0])
	if args[0] != args[1] {
		if t, _, err = f.commonType([]typed{l, r}, "="); err != nil {
			return nil, nil, err
		}
		t.Mod = -1
	}
	a, err := f.coerce(l.expr, t, funcs.Implicit, l.at)
	if err != nil {
		return nil, nil, err
	}
	b, err := f.coerce(r.expr, t, funcs.Implicit, r.at)
	return a, b, err
}
