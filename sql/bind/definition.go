package bind

import (
	"cmp"
	"maps"
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
	b := newBinder(ctx, nil)
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
			WithHint("One whose body is a single query without calls of itself is.")
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

// tracker notes what the names in a query mean, those in the views below it apart.
type tracker struct {
	tables  map[*syntax.TableName]*catalog.Relation
	columns map[*syntax.ColumnRef]syntax.Name
	stars   map[*syntax.ColumnRef][]syntax.Name
	fields  map[*syntax.ColumnRef]plan.Field
	named   map[*string]attribute // columns that are named without a table, as in INSERT INTO t (a)
	reads   map[datum.OID]map[int16]bool
	keys    map[datum.OID][]datum.OID   // by their relations
	labels  map[*syntax.Const]datum.OID // literals of enums
}

// attribute is a column of a relation.
type attribute struct {
	rel  datum.OID
	attr int16
}

func newTracker() *tracker {
	return &tracker{map[*syntax.TableName]*catalog.Relation{}, map[*syntax.ColumnRef]syntax.Name{}, map[*syntax.ColumnRef][]syntax.Name{},
		map[*syntax.ColumnRef]plan.Field{}, map[*string]attribute{}, map[datum.OID]map[int16]bool{}, map[datum.OID][]datum.OID{}, map[*syntax.Const]datum.OID{}}
}

func (t *tracker) read(rel datum.OID, attr int16) {
	if t.reads[rel] == nil {
		t.reads[rel] = map[int16]bool{}
	}
	if attr > 0 {
		t.reads[rel][attr] = true
	}
}

// table notes what the name of a relation means.
func (t *tracker) table(x *syntax.TableName, rel *catalog.Relation) {
	if t != nil {
		t.tables[x] = rel
		t.read(rel.OID, 0)
	}
}

// key notes that a grouping by the primary key of a relation gives its other columns.
func (t *tracker) key(rel *catalog.Relation, ix *catalog.Index) {
	if t != nil && rel.Object != nil && ix.Constraint != 0 && !slices.Contains(t.keys[rel.OID], ix.Constraint) {
		t.keys[rel.OID] = append(t.keys[rel.OID], ix.Constraint)
	}
}

// name notes which column of a relation is meant where no table can be named.
func (t *tracker) name(x *string, rel *catalog.Relation, column int) {
	if t != nil {
		t.named[x] = attribute{rel.OID, rel.AttrNum(column)}
		t.read(rel.OID, rel.AttrNum(column))
	}
}

// column notes which column a name means.
func (t *tracker) column(x *syntax.ColumnRef, it *item, c *column) {
	if t == nil {
		return
	}
	if it.table && it.name != "" && !it.scalar {
		t.columns[x] = syntax.Name{it.name, c.name}
	}
	t.fields[x] = c.field
	if c.field.Table != 0 {
		t.read(c.field.Table, c.field.Attr)
	}
}

// restar forgets which columns * means: it is bound anew.
func (t *tracker) restar(x *syntax.ColumnRef) {
	if t != nil {
		delete(t.stars, x)
	}
}

// star notes which columns * means.
func (t *tracker) star(x *syntax.ColumnRef, it *item, c *column) {
	if t == nil {
		return
	}
	name := syntax.Name{c.name}
	if it.table && it.name != "" {
		name = syntax.Name{it.name, c.name}
	}
	t.stars[x] = append(t.stars[x], name)
	if c.field.Table != 0 {
		t.read(c.field.Table, c.field.Attr)
	}
}

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
	b.defining = newTracker()
	n, err := b.topQuery(tree)
	if err != nil {
		return nil, err
	}
	out := &QueryDefinition{Fields: n.Schema(), Tree: tree, Reads: b.defining.readings()}
	b.defining.spellOut(tree)
	out.Text = syntax.Format(tree)
	return out, nil
}

// readings are the relations that were read, with their columns.
func (t *tracker) readings() (out []catalog.Reading) {
	for rel, attrs := range t.reads {
		out = append(out, catalog.Reading{Relation: rel, Columns: slices.Sorted(maps.Keys(attrs)), Keys: t.keys[rel]})
	}
	slices.SortFunc(out, func(x, y catalog.Reading) int { return cmp.Compare(x.Relation, y.Relation) })
	return out
}

// spellOut writes the names of a tree in full.
func (t *tracker) spellOut(root syntax.Node) {
	syntax.Walk(root, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.TableName:
			if rel := t.tables[n]; rel != nil {
				n.Name = syntax.Name{rel.Schema, rel.Name}
			}
		case *syntax.ColumnRef:
			if name := t.columns[n]; name != nil && !n.Star {
				n.Name = name
			}
		case *syntax.Select:
			n.Targets = t.unstarred(n.Targets)
		case *syntax.Returning:
			n.List = t.unstarred(n.List)
		}
		return true
	})
}

func (t *tracker) unstarred(list []*syntax.Target) []*syntax.Target {
	var out []*syntax.Target
	for _, target := range list {
		ref, ok := target.Expr.(*syntax.ColumnRef)
		if !ok || !ref.Star || t.stars[ref] == nil {
			out = append(out, target)
			continue
		}
		for _, name := range t.stars[ref] {
			out = append(out, &syntax.Target{At: target.At, Expr: &syntax.ColumnRef{At: ref.At, Name: name}})
		}
	}
	return out
}

// RenameColumn rewrites the text of a query, or of the body of function def unless that is nil, after column attr of a relation, which was
// called from in the catalog of before, is called to in that of now. It fails where the text means something else then.
func RenameColumn(before, now *Context, text string, def *catalog.FunctionObject, rel datum.OID, attr int16, from, to string) (string, error) {
	list, t, err := traced(before, text, def)
	if err != nil {
		return "", err
	}
	renamed := map[*syntax.ColumnRef]bool{}
	for ref, field := range t.fields {
		if field.Table == rel && field.Attr == attr && ref.Name.Last() == from {
			renamed[ref] = true
		}
	}
	for ref := range renamed {
		ref.Name = append(slices.Clone(ref.Name[:len(ref.Name)-1]), to)
	}
	for name, of := range t.named {
		if of == (attribute{rel, attr}) {
			*name = to
		}
	}
	out := FormatBody(list)
	_, _, err = traced(now, out, def)
	return out, err
}

// traced binds a stored query, or the body of function def unless that is nil, and tells what its names mean.
func traced(ctx *Context, text string, def *catalog.FunctionObject) ([]syntax.Statement, *tracker, error) {
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
	b.defining = newTracker()
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
