package bind

import (
	"cmp"
	"maps"
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Meaning is what the binder found out about the nodes of a tree, those of views below it apart. Expressions are as they are before the query is grouped.
type Meaning struct {
	// Exprs are the expressions, with the conversions of their places.
	Exprs map[syntax.Expr]expr.Expr
	// Settled is what literals of no type of their own became.
	Settled map[expr.Expr]expr.Expr
	Refs    map[expr.Expr]Ref
	Calls   map[expr.Expr]*Called       // of aggregates and window functions
	Queries map[expr.Expr]*syntax.Query // of subqueries
	Words   map[expr.Expr]*syntax.SQLValue
	Forms   map[expr.Expr]syntax.Expr // what is bound as something else than it is written: NOT BETWEEN, subscripts of documents
	Simple  map[expr.Expr]expr.Expr   // operands of CASE x WHEN
	Collate map[expr.Expr]syntax.Name
	Added   map[expr.Expr]bool // arguments that nobody wrote
	Targets map[*syntax.Select][]Output
	Numbers map[syntax.Expr]int // of output columns in ORDER BY after a set operation
	Tables  map[*syntax.TableName]*catalog.Relation
	Natural map[*syntax.Join][]string // columns that NATURAL and USING merge
	Columns map[syntax.Node][]string  // of items in FROM
	columns map[*syntax.ColumnRef]syntax.Name
	stars   map[*syntax.ColumnRef][]syntax.Name
	fields  map[*syntax.ColumnRef]plan.Field
	rows    map[*syntax.Indirection][]string // fields that (row).* means
	named   map[*string]attribute            // columns that are named without a table, as in INSERT INTO t (a), and attributes of composite types
	reads   map[datum.OID]map[int16]bool
	keys    map[datum.OID][]datum.OID   // by their relations
	labels  map[*syntax.Const]datum.OID // literals of enums
}

// Ref is what a name means: a column of an item in FROM, the whole row where Column is "". From is nil where it is no item: then it is a column
// that a join has made of two, or with Table a parameter of that function.
type Ref struct {
	From   syntax.Node
	Table  string
	Column string
}

// Called is a call of an aggregate or window function, and its arguments.
type Called struct {
	Call *syntax.FuncCall
	Args []expr.Expr
}

// Output is a column of a select list.
type Output struct {
	Name string
	Expr expr.Expr
}

// attribute is a column of a relation.
type attribute struct {
	rel  datum.OID
	attr int16
}

func newMeaning() *Meaning {
	return &Meaning{
		Exprs: map[syntax.Expr]expr.Expr{}, Settled: map[expr.Expr]expr.Expr{}, Refs: map[expr.Expr]Ref{}, Calls: map[expr.Expr]*Called{},
		Queries: map[expr.Expr]*syntax.Query{}, Words: map[expr.Expr]*syntax.SQLValue{}, Forms: map[expr.Expr]syntax.Expr{}, Simple: map[expr.Expr]expr.Expr{}, Collate: map[expr.Expr]syntax.Name{},
		Added: map[expr.Expr]bool{}, Targets: map[*syntax.Select][]Output{}, Numbers: map[syntax.Expr]int{}, Tables: map[*syntax.TableName]*catalog.Relation{},
		Natural: map[*syntax.Join][]string{}, Columns: map[syntax.Node][]string{}, columns: map[*syntax.ColumnRef]syntax.Name{}, stars: map[*syntax.ColumnRef][]syntax.Name{},
		rows: map[*syntax.Indirection][]string{}, fields: map[*syntax.ColumnRef]plan.Field{}, named: map[*string]attribute{}, reads: map[datum.OID]map[int16]bool{},
		keys: map[datum.OID][]datum.OID{}, labels: map[*syntax.Const]datum.OID{},
	}
}

// bound notes what an expression is.
func (t *Meaning) bound(x syntax.Expr, e expr.Expr) {
	if t != nil && e != nil {
		t.Exprs[x] = e
	}
}

// became notes that an expression was converted for its place.
func (t *Meaning) became(at syntax.Node, from, to expr.Expr) {
	if t == nil || from == to || to == nil {
		return
	}
	if from.Type().OID == datum.Unknown {
		t.Settled[from] = to
	}
	if ref, ok := t.Refs[from]; ok && isRow(from) && isRow(to) {
		t.Refs[to] = ref
	}
	if x, ok := at.(syntax.Expr); ok && t.Exprs[x] == from {
		t.Exprs[x] = to
	}
}

func isRow(e expr.Expr) bool {
	_, ok := e.(*expr.Row)
	return ok
}

// ref notes which column of which item an expression is.
func (t *Meaning) ref(e expr.Expr, r Ref) expr.Expr {
	if t != nil {
		t.Refs[e] = r
	}
	return e
}

// called notes the call whose result an expression is.
func (t *Meaning) called(e expr.Expr, x *syntax.FuncCall, args []expr.Expr) {
	if t != nil && t.Calls[e] == nil {
		t.Calls[e] = &Called{x, args}
	}
}

// query notes the query of a subquery.
func (t *Meaning) query(e expr.Expr, q *syntax.Query) {
	if t != nil {
		t.Queries[e] = q
	}
}

// targets notes the columns of a select list.
func (t *Meaning) targets(sel *syntax.Select, cols []typedColumn) {
	if t == nil {
		return
	}
	out := make([]Output, len(cols))
	for i, c := range cols {
		out[i] = Output{c.name, c.expr}
	}
	t.Targets[sel] = out
}

// onlyTarget notes the one expression of a query.
func (t *Meaning) onlyTarget(q *syntax.Query, e expr.Expr) {
	sel := q.Body.(*syntax.Select)
	name := sel.Targets[0].As
	if name == "" {
		name = outputName(sel.Targets[0].Expr)
	}
	t.targets(sel, []typedColumn{{name: name, expr: e}})
}

// number notes which column of a set operation ORDER BY means.
func (t *Meaning) number(x syntax.Expr, n int) {
	if t != nil {
		t.Numbers[x] = n
	}
}

// word notes a value that is written as a word.
func (t *Meaning) word(e expr.Expr, x *syntax.SQLValue) {
	if t != nil && e != nil {
		t.Words[e] = x
	}
}

// form notes how something was written.
func (t *Meaning) form(e expr.Expr, x syntax.Expr) {
	if t != nil && e != nil {
		t.Forms[e] = x
	}
}

// simple notes the operand of CASE x WHEN.
func (t *Meaning) simple(e, operand expr.Expr) {
	if t != nil && operand != nil {
		t.Simple[e] = operand
	}
}

// added notes an argument that nobody wrote.
func (t *Meaning) added(e expr.Expr) {
	if t != nil && e != nil {
		t.Added[e] = true
	}
}

// natural notes the columns of a NATURAL join.
func (t *Meaning) natural(x *syntax.Join, names []syntax.Ident) {
	if t != nil {
		t.Natural[x] = []string{}
		for _, n := range names {
			t.Natural[x] = append(t.Natural[x], n.Name)
		}
	}
}

// from notes the columns of an item in FROM, and has them know it.
func (t *Meaning) from(at syntax.Node, it *item) {
	if t == nil {
		return
	}
	names := []string{}
	for i := range it.cols {
		it.cols[i].ref = Ref{From: at, Table: it.name, Column: it.cols[i].name}
		if !it.cols[i].unseen {
			names = append(names, it.cols[i].name)
		}
	}
	t.Columns[at] = names
}

func (t *Meaning) read(rel datum.OID, attr int16) {
	if t.reads[rel] == nil {
		t.reads[rel] = map[int16]bool{}
	}
	if attr > 0 {
		t.reads[rel][attr] = true
	}
}

// table notes what the name of a relation means.
func (t *Meaning) table(x *syntax.TableName, rel *catalog.Relation) {
	if t != nil {
		t.Tables[x] = rel
		t.read(rel.OID, 0)
	}
}

// key notes that a grouping by the primary key of a relation gives its other columns.
func (t *Meaning) key(rel *catalog.Relation, ix *catalog.Index) {
	if t != nil && rel.Object != nil && ix.Constraint != 0 && !slices.Contains(t.keys[rel.OID], ix.Constraint) {
		t.keys[rel.OID] = append(t.keys[rel.OID], ix.Constraint)
	}
}

// name notes which column of a relation is meant where no table can be named.
func (t *Meaning) name(x *string, rel *catalog.Relation, column int) {
	if t != nil {
		t.named[x] = attribute{rel.OID, rel.AttrNum(column)}
		t.read(rel.OID, rel.AttrNum(column))
	}
}

// column notes which column a name means.
func (t *Meaning) column(x *syntax.ColumnRef, it *item, c *column) {
	if t == nil {
		return
	}
	if it.table && it.name != "" && !it.scalar {
		t.columns[x] = syntax.Name{it.name, c.name}
	}
	rel := it.rel
	if from, ok := c.ref.From.(*syntax.TableName); ok && rel == nil {
		rel = t.Tables[from]
	}
	if rel != nil && rel.OID == c.field.Table {
		t.fields[x] = c.field
	}
	if c.field.Table != 0 {
		t.read(c.field.Table, c.field.Attr)
	}
}

// restar forgets which columns * means: it is bound anew.
func (t *Meaning) restar(x *syntax.ColumnRef) {
	if t != nil {
		delete(t.stars, x)
	}
}

// star notes which columns * means.
func (t *Meaning) star(x *syntax.ColumnRef, it *item, c *column) {
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

// field notes the name of a field of a composite value.
func (t *Meaning) field(name *string, typ datum.Type) {
	if own := datum.OwnOf(typ.OID); t != nil && own != nil && own.Labels == nil {
		if k := slices.IndexFunc(own.Fields, func(f datum.Field) bool { return f.Name == *name }); k >= 0 {
			t.named[name] = attribute{own.ID, int16(own.Place(k) + 1)}
		}
	}
}

// row notes which fields (row).* means. A call, which may give many rows, stays one.
func (t *Meaning) row(x *syntax.Indirection, e expr.Expr) {
	if _, call := x.X.(*syntax.FuncCall); t == nil || call || !datum.IsComposite(e.Type().OID) {
		return
	}
	for _, f := range datum.RecordFields(e.Type()) {
		t.rows[x] = append(t.rows[x], f.Name)
	}
}

// Names reports whether an attribute of a composite type, or a column without its table, is named.
func (t *Meaning) Names(of datum.OID, attr int16) bool {
	for _, a := range t.named {
		if a == (attribute{of, attr}) {
			return true
		}
	}
	return false
}

// readings are the relations that were read, with their columns.
func (t *Meaning) readings() (out []catalog.Reading) {
	for rel, attrs := range t.reads {
		out = append(out, catalog.Reading{Relation: rel, Columns: slices.Sorted(maps.Keys(attrs)), Keys: t.keys[rel]})
	}
	slices.SortFunc(out, func(x, y catalog.Reading) int { return cmp.Compare(x.Relation, y.Relation) })
	return out
}

// spellOut writes the names of a tree in full.
func (t *Meaning) spellOut(root syntax.Node) {
	syntax.Walk(root, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.TableName:
			if rel := t.Tables[n]; rel != nil {
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

func (t *Meaning) unstarred(list []*syntax.Target) []*syntax.Target {
	var out []*syntax.Target
	for _, target := range list {
		if row, ok := target.Expr.(*syntax.Indirection); ok {
			for _, name := range t.rows[row] {
				steps := append(slices.Clone(row.Steps[:len(row.Steps)-1]), syntax.Step{At: row.At, Field: name})
				out = append(out, &syntax.Target{At: target.At, Expr: &syntax.Indirection{At: row.At, X: row.X, Steps: steps}})
			}
			if t.rows[row] != nil {
				continue
			}
		}
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
