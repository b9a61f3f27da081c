package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// array is ARRAY[…]. want is the array type it is cast to, zero when there is none.
func (f *frame) array(x *syntax.ArrayExpr, want datum.Type) (expr.Expr, error) {
	if err := f.enter(x); err != nil {
		return nil, err
	}
	defer f.leave()
	list := make([]typed, len(x.Elems))
	nested := false
	for i, el := range x.Elems {
		var e expr.Expr
		var err error
		if sub, ok := el.(*syntax.ArrayExpr); ok {
			e, err = f.array(sub, want)
		} else {
			e, err = f.bind(el)
		}
		if err != nil {
			return nil, err
		}
		nested = nested || isArray(e.Type().OID)
		list[i] = typed{e, el}
	}
	if want.OID != 0 {
		return f.arrayOfType(list, want, nested)
	}
	if len(list) == 0 {
		return nil, f.errorIn(x, pgerr.IndeterminateDatatype, "cannot determine type of empty array").
			WithHint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
	}
	t, _, err := f.commonType(list, "ARRAY")
	if err != nil {
		return nil, err
	}
	elems, err := f.toCommon(list, t, "ARRAY")
	if err != nil {
		return nil, err
	}
	at := t.OID
	if !isArray(at) {
		if at = arrayOf(t.OID); at == 0 {
			return nil, f.errorIn(x, pgerr.UndefinedObject, "could not find array type for data type %s", formatType(t))
		}
	}
	return &expr.Array{Elems: elems, Typ: datum.Type{OID: at, Mod: t.Mod}}, nil
}

func (f *frame) arrayOfType(list []typed, want datum.Type, nested bool) (expr.Expr, error) {
	elem := datum.Type{OID: elemOf(want.OID), Mod: want.Mod}
	if nested {
		elem = want
	}
	out := &expr.Array{Elems: make([]expr.Expr, len(list)), Typ: want}
	for i, e := range list {
		x, err := f.coerce(e.expr, elem, funcs.Explicit, e.at)
		if err != nil {
			return nil, err
		}
		out.Elems[i] = x
	}
	return out, nil
}

// row is ROW(…) or (a, b); a table.* in it stands for all the columns. Literals stay unsettled: what the row is compared
// with may settle them.
func (f *frame) row(x *syntax.Row) (expr.Expr, error) {
	out := &expr.Row{}
	for _, el := range x.Elems {
		if c, ok := el.(*syntax.ColumnRef); ok && c.Star {
			cols, err := f.star(c, f.scope)
			if err != nil {
				return nil, err
			}
			for _, t := range cols {
				out.Elems = append(out.Elems, t.expr)
			}
			continue
		}
		e, err := f.bind(el)
		if err != nil {
			return nil, err
		}
		out.Elems = append(out.Elems, e)
	}
	return out, nil
}

// settled gives the literals in a row value the type text, once nothing else can settle them.
func (f *frame) settled(e expr.Expr, at syntax.Node) (expr.Expr, error) {
	row, ok := e.(*expr.Row)
	if !ok {
		return f.textIfUnknown(e, at)
	}
	out := &expr.Row{Names: row.Names, Of: row.Of, Elems: make([]expr.Expr, len(row.Elems))}
	for i, el := range row.Elems {
		x, err := f.settled(el, at)
		if err != nil {
			return nil, err
		}
		out.Elems[i] = x
	}
	f.defining.became(at, e, out)
	return out, nil
}

// indirection takes subscripts and fields.
func (f *frame) indirection(x *syntax.Indirection) (expr.Expr, error) {
	e, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(x.Steps); {
		s := &x.Steps[i]
		n := 1
		switch {
		case s.Star:
			return nil, f.errorIn(x, pgerr.SyntaxError, "row expansion via \"*\" is not supported here")
		case s.Field != "":
			f.defining.field(&s.Field, e.Type())
			e, err = f.fieldOf(e, s.Field, x)
		default:
			for i+n < len(x.Steps) && !x.Steps[i+n].Star && x.Steps[i+n].Field == "" {
				n++
			}
			e, err = f.subscript(e, x.Steps[i:i+n], x)
		}
		if err != nil {
			return nil, err
		}
		i += n
	}
	return e, nil
}

// fieldOf takes a field of a row value.
func (f *frame) fieldOf(e expr.Expr, name string, at syntax.Node) (expr.Expr, error) {
	fields := rowFields(e)
	for i, fl := range fields {
		if fl.Name != name {
			continue
		}
		if row, ok := e.(*expr.Row); ok {
			return row.Elems[i], nil
		}
		return &expr.Field{Arg: e, Index: i, Typ: fl.Type}, nil
	}
	return f.attribute(e, name, at, f.noField(e, fields, name, at))
}

// attribute is row.name where the row has no such field: a call of a function of that name with the row as its argument (PostgreSQL ch. 8.16.5).
// The error given is for where there is none.
func (f *frame) attribute(row expr.Expr, name string, at syntax.Node, missing error) (expr.Expr, error) {
	of := datum.Named(row.Type())
	if !datum.IsComposite(of.OID) {
		return nil, missing
	}
	call := &syntax.FuncCall{At: syntax.At{Pos: at.Offset()}, Name: syntax.Name{name}}
	list, _ := f.overloads(call)
	if best, _ := f.chooseNamed(f.candidates(list, 1, nil, false), []datum.OID{of.OID}); best == nil {
		return nil, missing
	}
	return f.resolveCall(call, name, []typed{{row, at}}, nil)
}

// noField says that a value has no field of that name.
func (f *frame) noField(e expr.Expr, fields []datum.Field, name string, at syntax.Node) error {
	switch {
	case e.Type().OID != datum.Record && fields == nil:
		return f.errorIn(at, pgerr.WrongObjectType, "column notation .%s applied to type %s, which is not a composite type", name, formatType(e.Type()))
	case fields == nil:
		return f.errorIn(at, pgerr.UndefinedColumn, "could not identify column %q in record data type", name)
	}
	if t := e.Type(); t.OID != datum.Record {
		return f.errorIn(at, pgerr.UndefinedColumn, "column %q not found in data type %s", name, formatType(t))
	}
	return f.errorIn(at, pgerr.UndefinedColumn, "column %q not found in record data type", name)
}

// rowFields lists what is known of a row value's fields.
func rowFields(e expr.Expr) []datum.Field {
	row, ok := e.(*expr.Row)
	if !ok {
		return datum.RecordFields(e.Type())
	}
	out := make([]datum.Field, len(row.Elems))
	for i, el := range row.Elems {
		out[i] = datum.Field{Name: rowFieldName(row, i), Type: el.Type()}
	}
	return out
}

func rowFieldName(row *expr.Row, i int) string {
	if i < len(row.Names) && row.Names[i] != "" {
		return row.Names[i]
	}
	return "f" + itoa(i+1)
}

// subscript is array[i][j], array[a:b][c:d] or document[key].
func (f *frame) subscript(e expr.Expr, steps []syntax.Step, at *syntax.Indirection) (expr.Expr, error) {
	t := e.Type()
	switch {
	case t.OID == datum.JSONB:
		return f.jsonSubscript(e, steps, at)
	case t.OID == datum.Name && len(steps) == 1 && !steps[0].Slice:
		i, err := f.bound(steps[0].Lower)
		return &expr.Subscript{Arg: e, Index: []expr.Expr{i}, Typ: datum.T(datum.Char)}, err
	}
	return f.arrayPlace(e, steps, at)
}

// arrayPlace is an element or a slice of an array.
func (f *frame) arrayPlace(e expr.Expr, steps []syntax.Step, at syntax.Node) (*expr.Subscript, error) {
	t := e.Type()
	switch {
	case !isArray(t.OID):
		return nil, f.errorIn(at, pgerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting", formatType(t))
	case len(steps) > datum.MaxDims:
		return nil, f.place(datum.TooManyDims(len(steps)), at)
	}
	out := &expr.Subscript{Arg: e, Typ: datum.Type{OID: elemOf(t.OID), Mod: t.Mod}}
	for i := range steps {
		if steps[i].Slice {
			out.Typ, out.Lower, out.Upper = t, make([]expr.Expr, len(steps)), make([]expr.Expr, len(steps))
		}
	}
	for i := range steps {
		s := &steps[i]
		lower, err := f.bound(s.Lower)
		if err != nil {
			return nil, err
		}
		switch {
		case out.Lower == nil:
			out.Index = append(out.Index, lower)
		case !s.Slice: // beside a slice, [n] is [1:n]
			out.Lower[i], out.Upper[i] = intConst(1, datum.Int4), lower
		default:
			out.Lower[i] = lower
			if out.Upper[i], err = f.bound(s.Upper); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// bound is one subscript of an array.
func (f *frame) bound(x syntax.Expr) (expr.Expr, error) {
	if x == nil {
		return nil, nil
	}
	i, err := f.bind(x)
	if err != nil {
		return nil, err
	}
	if from := i.Type().OID; !canCoerce(from, datum.Int4, funcs.Assignment) {
		return nil, f.errorIn(x, pgerr.DatatypeMismatch, "array subscript must have type integer")
	}
	return f.coerce(i, datum.T(datum.Int4), funcs.Assignment, x)
}

// jsonSubscript is document[key][key], which is the path of the keys.
func (f *frame) jsonSubscript(e expr.Expr, steps []syntax.Step, at *syntax.Indirection) (expr.Expr, error) {
	keys, _, err := f.jsonKeys(steps, at)
	if err != nil {
		return nil, err
	}
	path := &expr.Array{Typ: datum.T(datum.TextArray), Elems: keys}
	out, err := f.operator(syntax.Operator{Name: "#>"}, []typed{{e, at.X}, {path, at.X}}, at)
	f.defining.form(out, at)
	return out, err
}

// jsonKeys are the subscripts of a document as text; numbers says whether the first of them is a number.
func (f *frame) jsonKeys(steps []syntax.Step, at syntax.Node) (keys []expr.Expr, numbers bool, err error) {
	for i := range steps {
		s := &steps[i]
		if s.Slice {
			if s.Upper != nil {
				at = s.Upper
			}
			return nil, false, f.errorIn(at, pgerr.DatatypeMismatch, "jsonb subscript does not support slices")
		}
		key, err := f.bind(s.Lower)
		if err != nil {
			return nil, false, err
		}
		t := key.Type().OID
		isInt, isText := canCoerce(t, datum.Int4, funcs.Implicit), canCoerce(t, datum.Text, funcs.Implicit)
		switch {
		case t == datum.Unknown || isText && !isInt:
			key, err = f.coerce(key, datum.T(datum.Text), funcs.Implicit, s.Lower)
		case isInt && !isText:
			if key, err = f.coerce(key, datum.T(datum.Int4), funcs.Implicit, s.Lower); err == nil {
				key, err = f.coerce(key, datum.T(datum.Text), funcs.Explicit, s.Lower)
				numbers = numbers || i == 0
			}
		default:
			return nil, false, f.errorIn(s.Lower, pgerr.DatatypeMismatch, "subscript type %s is not supported", formatType(key.Type())).
				WithHint("jsonb subscript must be coercible to either integer or text.")
		}
		if err != nil {
			return nil, false, err
		}
		keys = append(keys, key)
	}
	return keys, numbers, nil
}

// caseOf is CASE; the form with an operand compares it with each WHEN.
func (f *frame) caseOf(x *syntax.Case) (expr.Expr, error) {
	in := f.inside("CASE")
	var operand expr.Expr
	var err error
	if x.X != nil {
		if operand, err = in.bind(x.X); err != nil {
			return nil, err
		}
		if operand, err = in.textIfUnknown(operand, x.X); err != nil {
			return nil, err
		}
	}
	conds := make([]expr.Expr, len(x.Whens))
	results := make([]typed, 1, len(x.Whens)+1)
	for i, w := range x.Whens {
		if operand == nil {
			conds[i], err = in.condition(w.Cond, "CASE/WHEN")
		} else {
			var v expr.Expr
			if v, err = in.bind(w.Cond); err == nil {
				conds[i], err = in.compare(syntax.Operator{Name: "="}, typed{operand, x.X}, typed{v, w.Cond}, w)
			}
		}
		if err != nil {
			return nil, err
		}
		r, err := in.bind(w.Then)
		if err != nil {
			return nil, err
		}
		results = append(results, typed{r, w.Then})
	}
	results[0] = typed{nullConst(), x}
	if x.Else != nil {
		e, err := in.bind(x.Else)
		if err != nil {
			return nil, err
		}
		results[0] = typed{e, x.Else}
	}
	t, _, err := f.commonType(results, "CASE")
	if err != nil {
		return nil, err
	}
	vals, err := f.toCommon(results, t, "CASE")
	if err != nil {
		return nil, err
	}
	out := &expr.Case{Else: vals[0], Typ: t}
	f.defining.simple(out, operand)
	for i, c := range conds {
		out.Whens = append(out.Whens, expr.When{Cond: c, Then: vals[i+1]})
	}
	return out, nil
}

var specialNames = [...]string{syntax.Coalesce: "COALESCE", syntax.NullIf: "NULLIF", syntax.Greatest: "GREATEST",
	syntax.Least: "LEAST", syntax.Grouping: "GROUPING"}

// special is COALESCE, NULLIF, GREATEST, LEAST and GROUPING.
func (f *frame) special(x *syntax.Special) (expr.Expr, error) {
	name := specialNames[x.Kind]
	if x.Kind == syntax.Grouping {
		return f.grouping(x)
	}
	in := f.inside(name)
	list, err := in.list(x.Args)
	if err != nil {
		return nil, err
	}
	if x.Kind == syntax.NullIf {
		return f.nullIf(x, list)
	}
	t, _, err := f.commonType(list, name)
	if err != nil {
		return nil, err
	}
	args, err := f.toCommon(list, t, name)
	if err != nil {
		return nil, err
	}
	if x.Kind == syntax.Coalesce {
		return &expr.Coalesce{Args: args, Typ: t}, nil
	}
	return &expr.MinMax{Args: args, Max: x.Kind == syntax.Greatest, Typ: t}, nil
}

func (f *frame) nullIf(x *syntax.Special, list []typed) (expr.Expr, error) {
	for i := range list {
		if list[0].expr.Type().OID == datum.Unknown && list[1].expr.Type().OID == datum.Unknown {
			e, err := f.textIfUnknown(list[i].expr, list[i].at)
			if err != nil {
				return nil, err
			}
			list[i].expr = e
		}
	}
	eq, err := f.compare(syntax.Operator{Name: "="}, list[0], list[1], x)
	if err != nil {
		return nil, err
	}
	arg := list[0].expr
	// The result has the type in which the operands are compared: text for varchar, numeric for an integer beside one.
	if call, ok := eq.(*expr.Call); ok {
		arg = call.Args[0]
	}
	return &expr.NullIf{Arg: arg, Eq: eq}, nil
}

// star expands * or table.* to the columns it stands for.
func (f *frame) star(x *syntax.ColumnRef, s *scope) ([]typedColumn, error) {
	var out []typedColumn
	f.defining.restar(x)
	add := func(it *item, level int) {
		for _, c := range it.cols {
			if c.unseen {
				continue
			}
			f.defining.star(x, it, &c)
			out = append(out, typedColumn{name: c.name, expr: f.defining.ref(f.outwards(c.expr, level, x.Pos), c.ref), field: c.field, at: x})
		}
	}
	if len(x.Name) == 0 {
		for _, it := range s.items {
			if it.bare {
				add(it, 0)
			}
		}
		if len(s.items) == 0 {
			return nil, f.errorIn(x, pgerr.SyntaxError, "SELECT * with no tables specified is not valid")
		}
		return out, nil
	}
	it, sc, level, err := f.findTable(x, s, x.Name.Qualifier(), x.Name.Last())
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, f.noTable(x, s, x.Name.Qualifier(), x.Name.Last())
	}
	if err := f.reachable(x, sc, it); err != nil {
		return nil, err
	}
	add(it, level)
	return out, nil
}

// typedColumn is an output column while a select list is being bound.
type typedColumn struct {
	name  string
	expr  expr.Expr
	field plan.Field // the source column's, for its Table and Attr
	at    syntax.Node
	junk  bool // not in the answer: computed for ORDER BY
}
