package bind

import (
	"slices"
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

func itoa(n int) string { return strconv.Itoa(n) }

// sub binds a query that stands in this frame's expression. keep leaves unsettled columns so.
func (f *frame) sub(q *syntax.Query, keep bool) (plan.Node, error) {
	around := *f.scope
	around.asker = f
	return f.query(q, &env{outer: &around, ctes: f.env.ctes, asOf: f.env.asOf, valid: f.env.valid}, keep)
}

func subquery(kind expr.SubqueryKind, n plan.Node, t datum.Type) *expr.Subquery {
	return &expr.Subquery{Kind: kind, Plan: n, Typ: t, Correlated: plan.Correlated(n)}
}

// asked notes the query of a subquery.
func (f *frame) asked(e *expr.Subquery, q *syntax.Query) expr.Expr {
	f.defining.query(e, q)
	return e
}

func (f *frame) exists(x *syntax.Exists) (expr.Expr, error) {
	n, err := f.sub(x.Query, false)
	if err != nil {
		return nil, err
	}
	return f.asked(subquery(expr.Exists, withoutTargets(n), datum.T(datum.Bool)), x.Query), nil
}

// withoutTargets leaves out a select list that does not change how many rows there are: nobody looks at it, so it must not
// fail.
func withoutTargets(n plan.Node) plan.Node {
	p, ok := n.(*plan.Project)
	if !ok || slices.ContainsFunc(p.Exprs, expr.HasSet) {
		return n
	}
	return p.Input
}

// scalar is a query in parentheses: one column, at most one row.
func (f *frame) scalar(x *syntax.Subquery) (expr.Expr, error) {
	n, err := f.sub(x.Query, false)
	if err != nil {
		return nil, err
	}
	cols := n.Schema()
	if len(cols) != 1 {
		return nil, f.errorIn(x, pgerr.SyntaxError, "subquery must return only one column")
	}
	return f.asked(subquery(expr.Scalar, n, cols[0].Type), x.Query), nil
}

func (f *frame) arrayQuery(x *syntax.ArrayQuery) (expr.Expr, error) {
	n, err := f.sub(x.Query, false)
	if err != nil {
		return nil, err
	}
	cols := n.Schema()
	if len(cols) != 1 {
		return nil, f.errorIn(x, pgerr.SyntaxError, "subquery must return only one column")
	}
	t := cols[0].Type.OID
	if !isArray(t) {
		if t = arrayOf(t); t == 0 {
			return nil, f.errorIn(x, pgerr.UndefinedObject, "could not find array type for data type %s", formatType(cols[0].Type))
		}
	}
	return f.asked(subquery(expr.ArrayOf, n, datum.Type{OID: t, Mod: cols[0].Type.Mod}), x.Query), nil
}

// in is [NOT] IN a list or a query.
func (f *frame) in(x *syntax.In) (expr.Expr, error) {
	l, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	if x.Query != nil {
		return f.inQuery(typed{l, x.X}, x.Query, x.Not, x)
	}
	list, err := f.list(x.List)
	if err != nil {
		return nil, err
	}
	all := append([]typed{{l, x.X}}, list...)
	if _, isRow := l.(*expr.Row); !isRow {
		if e, ok, err := f.inList(all, x); ok || err != nil {
			return e, err
		}
	}
	parts := make([]expr.Expr, len(list))
	for i, e := range list {
		if parts[i], err = f.compare(syntax.Operator{Name: "="}, all[0], e, x); err != nil {
			return nil, err
		}
	}
	if out := disjoin(parts); x.Not {
		return &expr.Not{Arg: out}, nil
	} else {
		return out, nil
	}
}

// inList is IN where all operands have a common type; ok is false when they have none.
func (f *frame) inList(all []typed, x *syntax.In) (expr.Expr, bool, error) {
	for _, e := range all {
		if e.expr.Type().OID == datum.Record {
			return nil, false, nil
		}
	}
	t, ok, err := f.commonType(all, "")
	if err != nil || !ok {
		return nil, false, err
	}
	// The comparison must exist between the operands as they are, and be one of the common type.
	for _, e := range all[1:] {
		if _, _, _, err := f.resolveOperator(syntax.Operator{Name: "="}, []datum.OID{all[0].expr.Type().OID, e.expr.Type().OID}, x); err != nil {
			return nil, false, err
		}
	}
	if _, args, _, err := f.resolveOperator(syntax.Operator{Name: "="}, []datum.OID{t.OID, t.OID}, x); err != nil {
		return nil, false, err
	} else if args[0] != t.OID {
		t = datum.T(args[0])
	}
	t.Mod = -1
	args := make([]expr.Expr, len(all))
	for i, e := range all {
		if args[i], err = f.coerce(e.expr, t, funcs.Implicit, e.at); err != nil {
			return nil, false, err
		}
	}
	return &expr.In{Arg: args[0], List: args[1:], Not: x.Not}, true, nil
}

// inQuery is IN over a query; the operands and the query's columns are converted to types that are compared for equality.
func (f *frame) inQuery(l typed, q *syntax.Query, not bool, at syntax.Node) (expr.Expr, error) {
	n, err := f.sub(q, true)
	if err != nil {
		return nil, err
	}
	left := []expr.Expr{l.expr}
	row, isRow := l.expr.(*expr.Row)
	if isRow {
		left = row.Elems
	}
	tests, n, err := f.testedColumns(left, n, l.at, q, at)
	if err != nil {
		return nil, err
	}
	out := subquery(expr.InQuery, n, datum.T(datum.Bool))
	out.Not = not
	if out.Test = tests[0]; isRow {
		out.Test = &expr.Row{Elems: tests}
	}
	return f.asked(out, q), nil
}

func (f *frame) sameWidth(left, right int, at syntax.Node) error {
	switch {
	case right < left:
		return f.errorIn(at, pgerr.SyntaxError, "subquery has too few columns")
	case right > left:
		return f.errorIn(at, pgerr.SyntaxError, "subquery has too many columns")
	}
	return nil
}

// quantified is op ANY and op ALL over an array or a query.
func (f *frame) quantified(x *syntax.Quantified) (expr.Expr, error) {
	l, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	if x.Query == nil {
		return f.overArray(typed{l, x.X}, x)
	}
	switch {
	case x.Op.Name == "=" && !x.All:
		return f.inQuery(typed{l, x.X}, x.Query, false, x)
	case x.Op.Name == "<>" && x.All:
		return f.inQuery(typed{l, x.X}, x.Query, true, x)
	}
	n, err := f.sub(x.Query, true)
	if err != nil {
		return nil, err
	}
	kind := expr.AnyQuery
	if x.All {
		kind = expr.AllQuery
	}
	if row, isRow := l.(*expr.Row); isRow {
		return f.rowQuery(kind, x.Op, row, n, x.X, x.Query, x)
	}
	cols := n.Schema()
	if err := f.sameWidth(1, len(cols), x); err != nil {
		return nil, err
	}
	fn, args, ret, err := f.resolveOperator(x.Op, []datum.OID{l.Type().OID, cols[0].Type.OID}, x)
	if err != nil {
		return nil, err
	}
	if ret != datum.Bool {
		return nil, f.errorIn(x, pgerr.WrongObjectType, "operator %s must return type boolean, not type %s", x.Op.Name, formatType(datum.T(ret)))
	}
	if l, err = f.coerce(l, datum.T(args[0]), funcs.Implicit, x.X); err != nil {
		return nil, err
	}
	if n, err = f.retype(n, 0, datum.T(args[1]), x.Query); err != nil {
		return nil, err
	}
	out := subquery(kind, n, datum.T(datum.Bool))
	out.Test, out.Op = l, fn
	return f.asked(out, x.Query), nil
}

// rowQuery compares a row with the rows of a query, field by field.
func (f *frame) rowQuery(kind expr.SubqueryKind, op syntax.Operator, row *expr.Row, n plan.Node, lat syntax.Node, q *syntax.Query, at syntax.Node) (expr.Expr, error) {
	tests, n, err := f.testedColumns(row.Elems, n, lat, q, at)
	if err != nil {
		return nil, err
	}
	left, right := &expr.Row{}, &expr.Row{}
	for i, t := range tests {
		left.Elems = append(left.Elems, &expr.Col{Index: i, Typ: t.Type()})
	}
	for i, c := range n.Schema() {
		right.Elems = append(right.Elems, &expr.Col{Index: len(tests) + i, Typ: c.Type, Name: c.Name})
	}
	out := subquery(kind, n, datum.T(datum.Bool))
	out.Test = &expr.Row{Elems: tests}
	if out.Compare, err = f.compareRows(op, left, right, at, at, at); err != nil {
		return nil, err
	}
	out.Op, _, _, err = f.resolveOperator(op, []datum.OID{tests[0].Type().OID, n.Schema()[0].Type.OID}, at)
	return f.asked(out, q), err
}

// testedColumns converts the operands on the left and the columns of a query to types that can be compared.
func (f *frame) testedColumns(left []expr.Expr, n plan.Node, lat syntax.Node, q *syntax.Query, at syntax.Node) ([]expr.Expr, plan.Node, error) {
	cols := n.Schema()
	if err := f.sameWidth(len(left), len(cols), at); err != nil {
		return nil, nil, err
	}
	tests := make([]expr.Expr, len(left))
	for i := range left {
		c := &expr.Col{Index: i, Typ: cols[i].Type, Name: cols[i].Name}
		a, r, err := f.alike(typed{left[i], lat}, typed{c, q}, at)
		if err != nil {
			return nil, nil, err
		}
		tests[i] = a
		if n, err = f.retype(n, i, r.Type(), q); err != nil {
			return nil, nil, err
		}
	}
	return tests, n, nil
}

// rowOfQuery is row op (SELECT a, b …); ok is false where the right side is no query of several columns.
func (f *frame) rowOfQuery(l expr.Expr, x *syntax.Binary) (e expr.Expr, ok bool, err error) {
	row, isRow := l.(*expr.Row)
	sub, isQuery := x.R.(*syntax.Subquery)
	if !isRow || !isQuery {
		return nil, false, nil
	}
	n, err := f.sub(sub.Query, true)
	if err != nil {
		return nil, true, err
	}
	e, err = f.rowQuery(expr.RowQuery, x.Op, row, n, x.L, sub.Query, x)
	return e, true, err
}

// overArray is x op ANY (array).
func (f *frame) overArray(l typed, x *syntax.Quantified) (expr.Expr, error) {
	arr, err := f.bind(x.Array)
	if err != nil {
		return nil, err
	}
	right := datum.OID(datum.Unknown)
	if t := arr.Type().OID; t != datum.Unknown {
		if !isArray(t) {
			return nil, f.errorIn(x, pgerr.WrongObjectType, "op ANY/ALL (array) requires array on right side")
		}
		right = elemOf(t)
	}
	if fields := rowFields(l.expr); fields != nil && datum.IsComposite(right) {
		if err := f.sameFields(fields, datum.RecordFields(datum.T(right)), x); err != nil {
			return nil, err
		}
	}
	fn, args, ret, err := f.resolveOperator(x.Op, []datum.OID{l.expr.Type().OID, right}, x)
	if err != nil {
		return nil, err
	}
	if ret != datum.Bool {
		return nil, f.errorIn(x, pgerr.WrongObjectType, "op ANY/ALL (array) requires operator to yield boolean")
	}
	left, err := f.coerce(l.expr, datum.T(args[0]), funcs.Implicit, l.at)
	if err != nil {
		return nil, err
	}
	if elemOf(arr.Type().OID) != args[1] {
		want := arrayOf(args[1])
		if want == 0 {
			return nil, f.errorIn(x, pgerr.UndefinedObject, "could not find array type for data type %s", formatType(datum.T(args[1])))
		}
		if arr, err = f.coerce(arr, datum.T(want), funcs.Implicit, x.Array); err != nil {
			return nil, err
		}
	}
	return &expr.AnyAll{Op: fn, Left: left, Array: arr, All: x.All}, nil
}

// retype converts column i of a plan. A literal or parameter that nothing settled is settled where it stands.
func (b *binder) retype(n plan.Node, i int, t datum.Type, at syntax.Node) (plan.Node, error) {
	fields := n.Schema()
	if fields[i].Type == t {
		return n, nil
	}
	if fields[i].Type.OID == datum.Unknown {
		if out, ok, err := b.settleColumn(n, i, t, at); ok || err != nil {
			return out, err
		}
	}
	exprs := make([]expr.Expr, len(fields))
	out := append([]plan.Field(nil), fields...)
	for k, fl := range fields {
		exprs[k] = &expr.Col{Index: k, Typ: fl.Type, Name: fl.Name}
	}
	x, err := b.coerce(exprs[i], t, funcs.Assignment, at)
	if err != nil {
		return nil, err
	}
	exprs[i] = x
	out[i] = plan.Field{Name: fields[i].Name, Type: x.Type()}
	return &plan.Project{Input: n, Exprs: exprs, Fields: out}, nil
}

// settleColumn settles an unsettled column inside the node that makes it; ok is false where that is not possible.
func (b *binder) settleColumn(n plan.Node, i int, t datum.Type, at syntax.Node) (plan.Node, bool, error) {
	switch n := n.(type) {
	case *plan.Project:
		if n.Exprs[i].Type().OID != datum.Unknown {
			return nil, false, nil
		}
		c := *n
		c.Exprs = append([]expr.Expr(nil), n.Exprs...)
		c.Fields = append([]plan.Field(nil), n.Fields...)
		e, err := b.coerce(n.Exprs[i], t, funcs.Assignment, at)
		if err != nil {
			return nil, false, err
		}
		c.Exprs[i], c.Fields[i].Type = e, t
		return &c, true, nil
	case *plan.Filter, *plan.Limit:
		in, ok, err := b.settleColumn(n.Children()[0], i, t, at)
		if !ok || err != nil {
			return nil, false, err
		}
		return n.WithChildren([]plan.Node{in}), true, nil
	}
	return nil, false, nil
}
