package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// funcTable is a function in FROM, or several side by side.
func (b *binder) funcTable(t *syntax.FuncTable, e *env) (*source, error) {
	f := &frame{binder: b, env: e, scope: &scope{up: e.outer}, what: "FROM"}
	var parts []plan.Node
	name, scalar := "", false
	for _, fi := range t.Funcs {
		defs := fi.Columns
		if len(t.Columns) > 0 {
			defs = t.Columns
		}
		calls := unnestEach(fi.Expr)
		for _, x := range calls {
			ordinal := t.Ordinality || len(t.Funcs) > 1 || len(calls) > 1
			n, fn, one, err := f.tableFunction(x, defs, ordinal)
			if err != nil {
				return nil, err
			}
			if name == "" {
				name = fn
			}
			parts, scalar = append(parts, n), one
		}
	}
	node := parts[0]
	if len(parts) > 1 {
		node = zip(parts, t.Ordinality)
		scalar = false
	}
	fields := append([]plan.Field(nil), node.Schema()...)
	alias := aliasOf(t.Alias, name)
	if scalar && t.Alias != nil && t.Alias.Name != "" && fields[0].Name == name {
		fields[0].Name = t.Alias.Name // a function's one column is named as the function is, unless it has a name of its own
		node = renamed(node, fields)
	}
	it := itemOf(alias, fields)
	it.aliased, it.scalar = true, scalar && len(fields) == 1
	return b.named(node, it, t.Alias, t)
}

// unnestEach splits unnest(a, b) into unnest(a), unnest(b), which run side by side.
func unnestEach(x syntax.Expr) []syntax.Expr {
	c, ok := x.(*syntax.FuncCall)
	if !ok || c.Name.Last() != "unnest" || len(c.Args) < 2 {
		return []syntax.Expr{x}
	}
	out := make([]syntax.Expr, len(c.Args))
	for i, a := range c.Args {
		one := *c
		one.Args = []syntax.Arg{a}
		out[i] = &one
	}
	return out
}

// renamed is the node with other names of its columns.
func renamed(n plan.Node, fields []plan.Field) plan.Node {
	if f, ok := n.(*plan.FuncScan); ok {
		c := *f
		c.Fields = fields
		return &c
	}
	exprs := make([]expr.Expr, len(fields))
	for i, f := range fields {
		exprs[i] = &expr.Col{Index: i, Typ: f.Type, Name: f.Name}
	}
	return &plan.Project{Input: n, Exprs: exprs, Fields: fields}
}

// tableFunction binds one function; one says that it gives one column that takes the alias's name.
func (f *frame) tableFunction(x syntax.Expr, defs []*syntax.ColumnDef, ordinal bool) (n plan.Node, name string, one bool, err error) {
	name = outputName(x)
	call, ok := x.(*syntax.FuncCall)
	if isAppend(x) != nil {
		return nil, "", false, f.errorIn(x, pgerr.FeatureNotSupported, "%s() in FROM can only stand alone, in a statement without other clauses", name).
			WithHint("To append the rows of a query, write INSERT INTO events … SELECT ….")
	}
	if ok && len(defs) > 0 {
		n, err = f.recordTable(call, defs, ordinal)
		return n, name, false, err
	}
	var e expr.Expr
	if ok && len(aggregatesNamed(call.Name.Last())) == 0 {
		e, err = f.topCall(call)
	} else {
		e, err = f.bind(x)
	}
	if err != nil {
		return nil, "", false, err
	}
	column := name // if it is only one
	if fn := calledBy(e); fn != nil && fn.Value != "" {
		column = fn.Value
	}
	if c, ok := e.(*ownCall); ok {
		n, one, err = f.ownTable(c, column, nil, ordinal)
		return n, name, one, err
	}
	if e, err = f.textIfUnknown(e, x); err != nil {
		return nil, "", false, err
	}
	if c, ok := e.(*expr.Call); ok && c.Fn.Query != "" {
		n, err = f.queryTable(c, ordinal, x)
		return n, name, false, err
	}
	if c, ok := e.(*expr.Call); ok && c.Fn.RetSet {
		n, one, err = f.setFunction(c, column, ordinal, x)
		return n, name, one, err
	}
	if e.Type().OID == datum.Record && rowFields(e) == nil {
		return nil, "", false, f.errorIn(x, pgerr.SyntaxError, "a column definition list is required for functions returning \"record\"")
	}
	return f.valueTable(e, name, ordinal)
}

// calledBy is the function that an expression is a call of, nil if it is something else.
func calledBy(e expr.Expr) *funcs.Func {
	switch c := e.(type) {
	case *ownCall:
		return c.fn
	case *expr.Call:
		return c.Fn
	}
	return nil
}

// topCall binds a call whose function may return a set, though its arguments may not.
func (f *frame) topCall(x *syntax.FuncCall) (expr.Expr, error) {
	if err := f.checkSchema(x); err != nil {
		return nil, err
	}
	if x.Over != nil {
		return nil, f.errorIn(x, pgerr.WindowingError, "window functions are not allowed in functions in FROM")
	}
	if err := f.plainOnly(x); err != nil {
		return nil, err
	}
	args, names, err := f.arguments(x)
	if err != nil {
		return nil, err
	}
	if args, names, err = f.withMoment(x, args, names); err != nil {
		return nil, err
	}
	top := *f
	top.sets, top.inFrom = true, true
	e, err := top.resolveCall(x, x.Name.Last(), args, names)
	f.defining.bound(x, f.shownCall(e, len(args)))
	return e, err
}

var ordinality = plan.Field{Name: "ordinality", Type: datum.T(datum.Int8)}

// setFunction is a FuncScan.
func (f *frame) setFunction(c *expr.Call, name string, ordinal bool, at syntax.Node) (plan.Node, bool, error) {
	scan := &plan.FuncScan{Fn: c.Fn, Args: c.Args, Ordinality: ordinal}
	cols := outColumns(c)
	if cols == nil {
		cols = datum.RecordFields(c.Typ)
	}
	one := cols == nil
	if one {
		if c.Typ.OID == datum.Record {
			return nil, false, f.errorIn(at, pgerr.SyntaxError, "a column definition list is required for functions returning \"record\"")
		}
		cols = []datum.Field{{Name: name, Type: c.Typ}}
	}
	for _, col := range cols {
		scan.Fields = append(scan.Fields, plan.Field{Name: col.Name, Type: col.Type})
	}
	if ordinal {
		scan.Fields = append(scan.Fields, ordinality)
	}
	return scan, one, nil
}

// outColumns are the columns of a function that returns rows of a known shape, nil for others.
func outColumns(c *expr.Call) []datum.Field {
	if len(c.Fn.Out) == 0 {
		return nil
	}
	out := append([]datum.Field(nil), c.Fn.Out...)
	g, _ := solve(typesOfExprs(c.Args), c.Fn.Args[:len(c.Args)])
	for i := range out {
		if isPolymorphic(out[i].Type.OID) {
			out[i].Type = datum.T(g.actual(out[i].Type.OID))
		}
	}
	return out
}

func typesOfExprs(in []expr.Expr) []datum.OID {
	out := make([]datum.OID, len(in))
	for i, e := range in {
		out[i] = e.Type().OID
	}
	return out
}

// valueTable is a plain function in FROM: one row.
func (f *frame) valueTable(e expr.Expr, name string, ordinal bool) (plan.Node, string, bool, error) {
	p := &plan.Project{Input: oneRow()}
	one := true
	if fields := rowFields(e); fields != nil {
		one = false
		for i, fl := range fields {
			p.Exprs = append(p.Exprs, &expr.Field{Arg: e, Index: i, Typ: fl.Type})
			p.Fields = append(p.Fields, plan.Field{Name: fl.Name, Type: fl.Type})
		}
	} else {
		p.Exprs, p.Fields = []expr.Expr{e}, []plan.Field{{Name: name, Type: e.Type()}}
	}
	if ordinal {
		p.Exprs, p.Fields = append(p.Exprs, intConst(1, datum.Int8)), append(p.Fields, ordinality)
	}
	return p, name, one, nil
}

// recordTable is a function of rows whose columns the statement declares, as in jsonb_to_recordset(x) AS t(a int, b text).
func (f *frame) recordTable(x *syntax.FuncCall, defs []*syntax.ColumnDef, ordinal bool) (plan.Node, error) {
	fields := make([]datum.Field, len(defs))
	scan := &plan.FuncScan{Ordinality: ordinal}
	for i, d := range defs {
		t, err := f.typeName(d.Type)
		if err != nil {
			return nil, err
		}
		fields[i] = datum.Field{Name: d.Name, Type: t}
		scan.Fields = append(scan.Fields, plan.Field{Name: d.Name, Type: t})
	}
	if ordinal {
		scan.Fields = append(scan.Fields, ordinality)
	}
	e, err := f.topCall(x)
	if err != nil {
		return nil, err
	}
	if own, ok := e.(*ownCall); ok && own.typ.OID == datum.Record && len(own.fn.Out) == 0 {
		n, _, err := f.ownTable(own, x.Name.Last(), fields, ordinal)
		return n, err
	}
	c, ok := e.(*expr.Call)
	switch {
	case !ok || c.Typ.OID != datum.Record:
		return nil, f.errorIn(x, pgerr.SyntaxError, "a column definition list is only allowed for functions returning \"record\"")
	case len(c.Fn.Out) > 0:
		return nil, f.errorIn(x, pgerr.SyntaxError, "a column definition list is redundant for a function with OUT parameters")
	}
	scan.Fn, scan.Args = c.Fn, c.Args
	rec := datum.RecordType(fields)
	if as := c.Fn.PopulateAs(); as != nil {
		scan.Fn, scan.Args = as, append([]expr.Expr{expr.NullConst(rec)}, c.Args...)
		return scan, nil
	}
	if datum.RecordFields(c.Typ) == nil && len(c.Args) > 0 && c.Args[0].Type().OID == datum.Record {
		scan.Args = append([]expr.Expr{expr.NullConst(rec)}, c.Args[1:]...)
		return scan, nil
	}
	return scan, f.sameRow(datum.RecordFields(c.Typ), fields, x)
}

// sameRow refuses a column definition list that declares other types than the function gives.
func (f *frame) sameRow(have, want []datum.Field, x syntax.Node) error {
	same := len(have) == len(want)
	for i := 0; same && i < len(have); i++ {
		same = have[i].Type.OID == want[i].Type.OID
	}
	if !same {
		return f.errorIn(x, pgerr.DatatypeMismatch, "function return row and query-specified return row do not match")
	}
	return nil
}

// zip puts functions side by side, row by row; each part ends with its ordinality, by which they are joined.
func zip(parts []plan.Node, keep bool) plan.Node {
	acc := parts[0]
	for _, r := range parts[1:] {
		lf, rf := acc.Schema(), r.Schema()
		ln, rn := len(lf)-1, len(rf)-1
		lo := &expr.Col{Index: ln, Typ: ordinality.Type, Name: ordinality.Name}
		join := &plan.Join{Kind: plan.Full, Left: acc, Right: r, LeftKeys: []expr.Expr{lo},
			RightKeys: []expr.Expr{&expr.Col{Index: rn, Typ: ordinality.Type, Name: ordinality.Name}}}
		p := &plan.Project{Input: join}
		for i, fl := range lf[:ln] {
			p.Exprs, p.Fields = append(p.Exprs, &expr.Col{Index: i, Typ: fl.Type, Name: fl.Name}), append(p.Fields, fl)
		}
		for i, fl := range rf[:rn] {
			p.Exprs, p.Fields = append(p.Exprs, &expr.Col{Index: ln + 1 + i, Typ: fl.Type, Name: fl.Name}), append(p.Fields, fl)
		}
		ord := &expr.Coalesce{Typ: ordinality.Type, Args: []expr.Expr{lo, &expr.Col{Index: ln + 1 + rn, Typ: ordinality.Type, Name: ordinality.Name}}}
		p.Exprs, p.Fields = append(p.Exprs, ord), append(p.Fields, ordinality)
		acc = p
	}
	fields := acc.Schema()
	last := len(fields) - 1
	acc = &plan.Sort{Input: acc, Keys: []plan.SortKey{{Expr: &expr.Col{Index: last, Typ: ordinality.Type, Name: ordinality.Name}}}, Limit: -1}
	if keep {
		return acc
	}
	return renamed(acc, fields[:last])
}
