package bind

import (
	"errors"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// ownTable is a users' function in FROM. fields are those of a column definition list, nil without one.
func (f *frame) ownTable(c *ownCall, name string, fields []datum.Field, ordinal bool) (n plan.Node, one bool, err error) {
	if c.typ.OID == datum.Record && datum.RecordFields(c.typ) == nil {
		if fields == nil {
			return nil, false, f.errorIn(c.at, pgerr.SyntaxError, "a column definition list is required for functions returning \"record\"")
		}
		c.typ = datum.RecordType(fields)
	}
	runs, err := f.runs(c)
	if err == nil && !runs && c.def.Set && !ordinal {
		n, err = f.ownRows(c)
		runs = errors.Is(err, errRuns)
	}
	if runs || err == nil && c.def.Set && ordinal {
		return f.runTable(c, name, ordinal)
	}
	if err != nil {
		return nil, false, err
	}
	if !c.def.Set {
		e, err := f.value(c)
		if err != nil {
			return nil, false, err
		}
		n, _, one, err = f.valueTable(e, name, ordinal)
		return n, one, err
	}
	if fields = datum.RecordFields(c.typ); fields == nil {
		fields, one = []datum.Field{{Name: name, Type: c.typ}}, true
	}
	named := make([]plan.Field, len(fields))
	for i, fl := range fields {
		named[i] = plan.Field{Name: fl.Name, Type: fl.Type}
	}
	return renamed(n, named), one, nil
}

// ownRows binds the query of a function that gives rows, as columns of the types that it says.
func (f *frame) ownRows(c *ownCall) (n plan.Node, err error) {
	q, err := c.body()
	if err != nil {
		return nil, err
	}
	in := &functionQuery{args: c.args, depth: f.scope.depth()}
	err = f.during(c, in, func() error {
		if n, err = f.query(q, &env{outer: sealed(f.env.outer), asOf: f.env.asOf, valid: f.env.valid}, true); err != nil {
			return err
		}
		n, err = f.returnedRows(c, n, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, times := range in.used {
		if times > 1 && expr.IsVolatile(c.args[i]) {
			return nil, errRuns
		}
	}
	if !c.def.Strict {
		return n, nil
	}
	var given []expr.Expr
	for _, a := range c.args {
		if k, ok := a.(*expr.Const); !ok || k.Val.Null(0) {
			given = append(given, expr.Present(a))
		}
	}
	if given == nil {
		return n, nil
	}
	return &plan.Filter{Input: n, Cond: expr.Conjoin(given)}, nil
}

func (f *frame) returnedRows(c *ownCall, n plan.Node, q *syntax.Query) (plan.Node, error) {
	want := datum.RecordFields(c.typ)
	have := n.Schema()
	if want == nil {
		if len(have) != 1 {
			return nil, mismatch(c, "Final statement must return exactly one column.")
		}
		if have[0].Type.OID != datum.Unknown && !canCoerce(have[0].Type.OID, c.typ.OID, funcs.Assignment) {
			return nil, mismatch(c, "Actual return type is "+formatType(datum.T(have[0].Type.OID))+".")
		}
		return f.retype(n, 0, c.typ, q)
	}
	if row := datum.RecordFields(have[0].Type); len(have) == 1 && row != nil && (len(want) != 1 || datum.RecordFields(want[0].Type) == nil) {
		p := &plan.Project{Input: n}
		for i, fl := range row {
			p.Exprs = append(p.Exprs, &expr.Field{Arg: &expr.Col{Typ: have[0].Type, Name: have[0].Name}, Index: i, Typ: fl.Type})
			p.Fields = append(p.Fields, plan.Field{Name: fl.Name, Type: fl.Type})
		}
		n, have = p, p.Fields
	}
	given := make([]datum.Field, len(have))
	for i, fl := range have {
		given[i] = datum.Field{Name: fl.Name, Type: fl.Type}
	}
	if err := f.sameShape(c, given, want); err != nil {
		return nil, err
	}
	var err error
	for i, w := range want {
		if n, err = f.retype(n, i, w.Type, q); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// FunctionDefinition is what the body of a function reads, and its statements with all names in full. Nil of both: it is bound when it is called.
type FunctionDefinition struct {
	Reads []catalog.Reading
	Body  []syntax.Statement
}

// CheckFunction binds the body of a function, to refuse what could not be called. One of polymorphic types is bound when it is called.
func CheckFunction(ctx *Context, def *catalog.FunctionObject) (*FunctionDefinition, error) {
	list, err := syntax.Parse(def.Body)
	if err != nil {
		return nil, err
	}
	own := *ctx
	own.Text = ""
	t, err := bodyOf(&own, def, list)
	if err != nil {
		e := *pgerr.From(err)
		e.Position, e.Where = 0, "SQL function \""+def.Name+"\""
		return nil, &e
	}
	if t == nil {
		return &FunctionDefinition{}, nil
	}
	for i := range list {
		t.spellOut(list[i].Stmt)
	}
	return &FunctionDefinition{t.readings(), list}, nil
}

// bodyOf binds the statements of a body and tells what the names in them mean. Nil: they are bound when the function is called.
func bodyOf(ctx *Context, def *catalog.FunctionObject, list []syntax.Statement) (*Meaning, error) {
	fn := signature(ctx.Catalog, def)
	c := &ownCall{fn: fn, def: def, typ: datum.T(fn.Ret), at: &syntax.Const{}, parsed: list}
	for i, t := range fn.Args {
		if isPolymorphic(t) {
			return nil, nil
		}
		c.args = append(c.args, &expr.Param{N: i + 1, Typ: datum.T(t)})
	}
	if len(fn.Out) > 0 {
		c.typ = datum.RecordType(fn.Out)
	}
	f := &frame{binder: newBinder(ctx, nil), env: &env{}, scope: &scope{}, what: "SELECT"}
	f.defining, f.checking = newMeaning(), def.ID
	runs, err := f.runs(c)
	switch {
	case err != nil:
	case runs:
		err = f.checkBody(c)
	case !def.Set:
		_, err = f.value(c)
	case c.typ.OID == datum.Record && datum.RecordFields(c.typ) == nil:
		return nil, nil // its columns are said by the call
	default:
		if _, err = f.ownRows(c); errors.Is(err, errRuns) {
			err = nil
		}
	}
	return f.defining, err
}
