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

// What statements that define objects ask of the binder: types by name, expressions over the columns of a table, and what
// a query reads.

// TypeNamed resolves the name of a type.
func TypeNamed(ctx *Context, t *syntax.TypeName) (catalog.TypeRef, error) {
	return newBinder(ctx, nil).typeRef(t)
}

// Place is where an expression of a definition stands, in PostgreSQL's words: "DEFAULT expression", "check constraint"…
type Place struct {
	What    string
	Columns bool // it may refer to columns
	// Boolean, when not "", is the word that asks for a condition: "CHECK", "WHERE".
	Boolean string
	// To is the type that the value is assigned to; nil: its own.
	To     *datum.Type
	Column string // of that type
	// Immutable, when not "", is the error if the value depends on more than the columns.
	Immutable string
}

// Definition binds an expression over the columns of a relation.
func Definition(ctx *Context, rel *catalog.Relation, x syntax.Expr, p Place) (expr.Expr, error) {
	return newBinder(ctx, nil).definition(rel, x, p)
}

// ReadDefinition is Definition of what is to be shown, with its meaning.
func ReadDefinition(ctx *Context, rel *catalog.Relation, x syntax.Expr) (expr.Expr, *Meaning, error) {
	b := newBinder(ctx, nil)
	b.defining = newMeaning()
	e, err := b.definition(rel, x, Place{What: "expression", Columns: true})
	return e, b.defining, err
}

func (b *binder) definition(rel *catalog.Relation, x syntax.Expr, p Place) (expr.Expr, error) {
	if err := b.noQuery(x, p.What); err != nil {
		return nil, err
	}
	s := &scope{}
	if rel != nil {
		fields := make([]plan.Field, len(rel.Columns))
		for i, c := range rel.Columns {
			fields[i] = plan.Field{Name: c.Name, Type: c.Type, Table: rel.OID, Attr: rel.AttrNum(i)}
		}
		it := itemOf(rel.Name, fields)
		it.rel = rel
		s.items, s.width = []*item{it}, len(fields)
	}
	f := &frame{binder: b, env: &env{}, scope: s, what: p.What + "s"}
	if !p.Columns {
		if err := b.noColumns(x, p.What); err != nil {
			return nil, err
		}
	}
	e, err := f.definition(x, p)
	if err != nil {
		return nil, err
	}
	if p.Immutable != "" && (b.mutable || !b.immutable(e)) {
		return nil, pgerr.New(pgerr.InvalidObjectDefinition, "%s", p.Immutable)
	}
	if p.Immutable != "" && expr.RunsStatements(e) {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "a function that runs statements is not allowed in %s", p.What).
			WithHint("One whose body is a single query without calls of itself, and which has no parameters SET, is.")
	}
	_, err = b.paramTypes()
	return e, err
}

func (f *frame) definition(x syntax.Expr, p Place) (expr.Expr, error) {
	if p.Boolean != "" {
		return f.condition(x, p.Boolean)
	}
	e, err := f.bind(x)
	if err != nil {
		return nil, err
	}
	if p.To == nil {
		return f.settled(e, x)
	}
	if !canCoerce(e.Type().OID, p.To.OID, funcs.Assignment) {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "column %q is of type %s but %s expression is of type %s", p.Column, formatType(*p.To),
			firstWord(p.What), formatType(e.Type())).WithHint("You will need to rewrite or cast the expression.")
	}
	return f.coerce(e, *p.To, funcs.Assignment, x)
}

func firstWord(what string) string {
	if what == "DEFAULT expression" {
		return "default"
	}
	return "generation"
}

// noQuery refuses subqueries.
func (b *binder) noQuery(x syntax.Expr, what string) (err error) {
	syntax.Walk(x, func(n syntax.Node) bool {
		if q, ok := n.(*syntax.Query); ok && err == nil {
			at := syntax.Node(q)
			err = b.errorIn(at, pgerr.FeatureNotSupported, "cannot use subquery in %s", what)
		}
		return err == nil
	})
	return err
}

// noColumns refuses references to columns.
func (b *binder) noColumns(x syntax.Expr, what string) (err error) {
	syntax.Walk(x, func(n syntax.Node) bool {
		if _, ok := n.(*syntax.ColumnRef); ok && err == nil {
			err = b.errorIn(n, pgerr.FeatureNotSupported, "cannot use column reference in %s", what)
		}
		return err == nil
	})
	return err
}

// immutable reports whether an expression depends on its columns alone; what users' functions are, they say themselves.
func (b *binder) immutable(e expr.Expr) bool {
	mutable := false
	expr.Walk(e, func(e expr.Expr) bool {
		mutable = mutable || !b.trusted[e] && mutableNode(e)
		return !b.trusted[e] && !mutable
	})
	return !mutable
}

func mutableNode(e expr.Expr) bool {
	switch e := e.(type) {
	case *expr.Call:
		for i, oid := range [2]datum.OID{anyTextConcat, textAnyConcat} {
			if e.Fn.OID == oid { // it is as stable as the text of the other operand
				return !immutableCast(e.Args[i].Type().OID, datum.Text)
			}
		}
		return e.Fn.Volatile != funcs.Immutable
	case *expr.Cast:
		return !immutableCast(e.Arg.Type().OID, e.Typ.OID)
	}
	return false
}

// The operators anynonarray || text and text || anynonarray.
const (
	anyTextConcat datum.OID = 2780
	textAnyConcat datum.OID = 2779
)

// zoned are the types whose text depends on settings.
var zoned = map[datum.OID]bool{datum.Date: true, datum.Timestamp: true, datum.TimestampTZ: true, datum.TimeTZ: true}

// immutableCast reports whether a conversion depends on no setting, as the time zone is one.
func immutableCast(from, to datum.OID) bool {
	switch {
	case from == to:
		return true
	case from == datum.TimestampTZ || to == datum.TimestampTZ:
		return false
	case ownText(from) && categoryOf(to) == 'S', ownText(to) && categoryOf(from) == 'S':
		return false
	case zoned[from] && categoryOf(to) == 'S', zoned[to] && categoryOf(from) == 'S', to == datum.Interval && categoryOf(from) == 'S':
		return false
	}
	return true
}

// ownText reports whether the text of a type depends on others, which may change: of elements, labels or fields.
func ownText(t datum.OID) bool { return categoryOf(t) == 'A' || datum.OwnOf(t) != nil }

// QueryDefinition is what a query gives and reads.
type QueryDefinition struct {
	Fields []plan.Field
	Reads  []catalog.Reading
	// Text is the query with all names in full, so that it means the same under any search path.
	Text string
	Tree *syntax.Query // of Text
}

// DefineQuery binds a query that is kept: that of a view. It must have no parameters.
func DefineQuery(ctx *Context, q *syntax.Query) (*QueryDefinition, error) {
	b := newBinder(ctx, nil)
	if _, err := b.topQuery(q); err != nil {
		return nil, err
	}
	if len(b.params) > 0 {
		return nil, b.errorAt(b.paramPlace(1), pgerr.UndefinedParameter, "there is no parameter $1")
	}
	st, err := syntax.ParseOne(syntax.Format(q)) // a tree of our own, to be rewritten
	if err != nil {
		return nil, err
	}
	own := *ctx
	own.Text = ""
	b = newBinder(&own, nil)
	tree := st.Stmt.(*syntax.Query)
	b.defining = newMeaning()
	n, err := b.topQuery(tree)
	if err != nil {
		return nil, err
	}
	out := &QueryDefinition{Fields: n.Schema(), Tree: tree, Reads: b.defining.readings()}
	b.defining.spellOut(tree)
	out.Text = syntax.Format(tree)
	return out, nil
}

// RenameColumn rewrites the text of a query, or of the body of function def unless that is nil, after column attr of a relation, which was
// called from in the catalog of before, is called to in that of now. It fails where the text means something else then.
func RenameColumn(before, now *Context, text string, def *catalog.FunctionObject, rel datum.OID, attr int16, from, to string) (string, error) {
	list, t, err := Read(before, text, def)
	if err != nil {
		return "", err
	}
	renamed := map[*syntax.ColumnRef]bool{}
	for ref, field := range t.fields {
		if field.Table == rel && field.Attr == attr && ref.Name.Last() == from {
			renamed[ref] = true
		}
	}
	keepNames(roots(list), from, func(x syntax.Expr) bool { ref, ok := x.(*syntax.ColumnRef); return ok && renamed[ref] })
	for ref := range renamed {
		ref.Name = append(slices.Clone(ref.Name[:len(ref.Name)-1]), to)
	}
	for name, of := range t.named {
		if of == (attribute{rel, attr}) {
			*name = to
		}
	}
	out := FormatBody(list)
	_, _, err = Read(now, out, def)
	return out, err
}

// keepNames has the columns of select lists called as they are, though what they give gets other names.
func keepNames(roots []syntax.Node, name string, renamed func(x syntax.Expr) bool) {
	for _, root := range roots {
		syntax.Walk(root, func(n syntax.Node) bool {
			if t, ok := n.(*syntax.Target); ok && t.As == "" && renamed(t.Expr) {
				t.As = name
			}
			return true
		})
	}
}

func roots(list []syntax.Statement) []syntax.Node {
	out := make([]syntax.Node, len(list))
	for i := range list {
		out[i] = list[i].Stmt
	}
	return out
}

// Read binds a stored query, or the body of function def unless that is nil, and tells what it means. The meaning is nil of a body that is bound
// when it is called.
func Read(ctx *Context, text string, def *catalog.FunctionObject) ([]syntax.Statement, *Meaning, error) {
	list, err := syntax.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	own := *ctx
	own.Text = ""
	if def != nil {
		t, err := bodyOf(&own, def, list)
		return list, t, err
	}
	b := newBinder(&own, nil)
	b.defining = newMeaning()
	q, ok := list[0].Stmt.(*syntax.Query)
	if !ok {
		return nil, nil, pgerr.New(pgerr.InternalError, "a view is not a query")
	}
	_, err = b.topQuery(q)
	return list, b.defining, err
}

// FormatBody writes statements as the body of a function is stored.
func FormatBody(list []syntax.Statement) string {
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = syntax.Format(list[i].Stmt)
	}
	return strings.Join(parts, ";\n")
}
