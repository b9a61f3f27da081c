package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// scope is a row that expressions may refer to: what a FROM list gives. Its parent is the row of the query around it (or of
// what stands to the left of a LATERAL item), one Outer level further out.
type scope struct {
	up      *scope
	items   []*item
	hidden  []*item // tables of this FROM list that cannot be referred to from here, for hints
	width   int
	lateral bool   // the row left of a LATERAL item, not that of a query
	asker   *frame // where the subquery stands that sees this scope from inside
	bad     string // not "": the row must not be referred to, with the reason as PostgreSQL's detail
}

// item is a name in a scope: a table, subquery, function or join.
type item struct {
	name    string // the alias, or the table's name
	schema  string // of a table without an alias
	rel     *catalog.Relation
	cols    []column
	table   bool // name.column and name.* are possible
	bare    bool // its columns can be named alone and are part of *
	scalar  bool // a function with one column: the item's name stands for that column's value
	aliased bool
	target  int       // number of the scan, where its rows may be locked
	there   expr.Expr // whether there is such a row; nil: always
}

// column is a column of an item: a name and what it is over the scope's row.
type column struct {
	name   string
	expr   expr.Expr
	field  plan.Field
	unseen bool // * leaves it out
	ref    Ref  // kept where somebody wants to know what names mean
}

// seen is how many columns * gives.
func (it *item) seen() int {
	n := 0
	for _, c := range it.cols {
		if !c.unseen {
			n++
		}
	}
	return n
}

// moved returns the item with its columns n places further right.
func (it *item) moved(n int) *item {
	if n == 0 {
		return it
	}
	c := *it
	c.cols = make([]column, len(it.cols))
	for i, col := range it.cols {
		col.expr = expr.MapCols(col.expr, func(i int) int { return i + n })
		c.cols[i] = col
	}
	if it.there != nil {
		c.there = expr.MapCols(it.there, func(i int) int { return i + n })
	}
	return &c
}

// with returns a scope of the items of both, the second standing to the right.
func (s *scope) with(right *scope) *scope {
	out := &scope{up: s.up, width: s.width + right.width}
	out.items = append(out.items, s.items...)
	for _, it := range right.items {
		out.items = append(out.items, it.moved(s.width))
	}
	out.hidden = append(append(out.hidden, s.hidden...), right.hidden...)
	return out
}

// itemOf makes an item of a node's whole schema.
func itemOf(name string, fields []plan.Field) *item {
	it := &item{name: name, table: true, bare: true}
	for i, f := range fields {
		it.cols = append(it.cols, column{name: f.Name, expr: &expr.Col{Index: i, Typ: f.Type, Name: f.Name}, field: f})
	}
	return it
}

// outwards turns an expression over the row of a scope `level` levels out into one over the present row.
func (b *binder) outwards(e expr.Expr, level int, at int) expr.Expr {
	return expr.Transform(e, func(x expr.Expr) expr.Expr {
		c, ok := x.(*expr.Col)
		if !ok {
			if o, ok := x.(*expr.Outer); ok && level > 0 {
				n := *o
				n.Level += level
				return &n
			}
			return x
		}
		if level > 0 {
			o := &expr.Outer{Level: level, Index: c.Index, Typ: c.Typ, Name: c.Name}
			b.places[o] = at
			return o
		}
		n := *c
		b.places[&n] = at
		return &n
	})
}

// find looks a column up by its bare name in this scope alone.
func (s *scope) find(name string) (col *column, it *item, ambiguous bool) {
	for _, i := range s.items {
		if !i.bare {
			continue
		}
		for k := range i.cols {
			if i.cols[k].name != name {
				continue
			}
			if col != nil {
				return col, it, true
			}
			col, it = &i.cols[k], i
		}
	}
	return col, it, false
}

// findItem looks a table up by name in this scope alone.
func (s *scope) findItem(schema, name string) (found *item, ambiguous bool) {
	for _, i := range s.items {
		if !i.table || i.name != name {
			continue
		}
		if schema != "" && (i.aliased || i.schema != schema) {
			continue
		}
		if found != nil {
			return found, true
		}
		found = i
	}
	return found, false
}

// columnRef resolves a name: column, table.column, schema.table.column, or a table for its whole row.
func (b *binder) columnRef(x *syntax.ColumnRef, s *scope) (expr.Expr, error) {
	switch len(x.Name) {
	case 1:
		return b.bareColumn(x, s)
	case 2:
		return b.tableColumn(x, s, "", x.Name[0], x.Name[1])
	case 3:
		return b.tableColumn(x, s, x.Name[0], x.Name[1], x.Name[2])
	case 4:
		if x.Name[0] == b.ctx.Catalog.Database() {
			return b.tableColumn(x, s, x.Name[1], x.Name[2], x.Name[3])
		}
		return nil, b.errorIn(x, pgerr.FeatureNotSupported, "cross-database references are not implemented: %s", dotted(x.Name))
	}
	return nil, b.errorIn(x, pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", dotted(x.Name))
}

func (b *binder) bareColumn(x *syntax.ColumnRef, s *scope) (expr.Expr, error) {
	name := x.Name[0]
	level := 0
	for sc := s; sc != nil; sc, level = sc.up, level+1 {
		col, it, ambiguous := sc.find(name)
		if ambiguous {
			return nil, b.errorIn(x, pgerr.AmbiguousColumn, "column reference %q is ambiguous", name)
		}
		if col != nil {
			if err := b.reachable(x, sc, it); err != nil {
				return nil, err
			}
			b.defining.column(x, it, col)
			return b.defining.ref(b.outwards(col.expr, level, x.Pos), col.ref), nil
		}
		if e := b.systemColumn(sc, name); e != nil {
			return e, nil
		}
	}
	level = 0
	for sc := s; sc != nil; sc, level = sc.up, level+1 {
		if it, _ := sc.findItem("", name); it != nil {
			if err := b.reachable(x, sc, it); err != nil {
				return nil, err
			}
			return b.wholeRow(it, level, x.Pos), nil
		}
	}
	if e, ok := b.calling.named(x, s); ok {
		return b.defining.ref(e, Ref{Table: b.calling.name, Column: name}), nil
	}
	return nil, b.noColumn(x, s, "", name)
}

// systemColumn gives the columns that every table of PostgreSQL has; they are constants here.
func (b *binder) systemColumn(s *scope, name string) expr.Expr {
	for _, it := range s.items {
		if it.rel != nil {
			if e := systemColumnOf(it.rel, name); e != nil {
				return e
			}
		}
	}
	return nil
}

// frozenXid is the number of a transaction that everybody sees.
const frozenXid = 2

func systemColumnOf(r *catalog.Relation, name string) expr.Expr {
	switch name {
	case "tableoid":
		return intConst(int64(r.OID), datum.Oid)
	case "xmin":
		return intConst(frozenXid, datum.Xid)
	case "xmax":
		return intConst(0, datum.Xid)
	case "cmin", "cmax":
		return intConst(0, datum.Cid)
	}
	return nil
}

func (b *binder) tableColumn(x *syntax.ColumnRef, s *scope, schema, table, name string) (expr.Expr, error) {
	it, sc, level, err := b.findTable(x, s, schema, table)
	if err != nil {
		return nil, err
	}
	if it == nil {
		if schema == "" {
			if e := b.fieldOfRow(s, table, name, x.Pos); e != nil {
				return e, nil
			}
		}
		if e, ok := b.calling.named(x, s); ok {
			return b.defining.ref(e, Ref{Table: table, Column: name}), nil
		}
		if e, ok := b.calling.field(x, s); ok {
			return e, nil
		}
		return nil, b.noTable(x, s, schema, table)
	}
	if err := b.reachable(x, sc, it); err != nil {
		return nil, err
	}
	var found *column
	for i := range it.cols {
		if it.cols[i].name == name {
			if found != nil {
				return nil, b.errorIn(x, pgerr.AmbiguousColumn, "column reference %q is ambiguous", name)
			}
			found = &it.cols[i]
		}
	}
	if found != nil {
		b.defining.column(x, it, found)
		return b.defining.ref(b.outwards(found.expr, level, x.Pos), found.ref), nil
	}
	if it.rel != nil {
		if e := systemColumnOf(it.rel, name); e != nil {
			return e, nil
		}
	}
	return nil, b.noColumn(x, s, table, name)
}

// fieldOfRow is column.field where the column is a row value.
func (b *binder) fieldOfRow(s *scope, col, field string, at int) expr.Expr {
	level := 0
	for sc := s; sc != nil; sc, level = sc.up, level+1 {
		c, _, ambiguous := sc.find(col)
		if c == nil || ambiguous {
			continue
		}
		if row, ok := c.expr.(*expr.Row); ok {
			for i, n := range row.Names {
				if n == field {
					return b.outwards(row.Elems[i], level, at)
				}
			}
		}
		return nil
	}
	return nil
}

// findTable looks a table up here and in the queries around.
func (b *binder) findTable(x syntax.Node, s *scope, schema, table string) (*item, *scope, int, error) {
	level := 0
	for sc := s; sc != nil; sc, level = sc.up, level+1 {
		it, ambiguous := sc.findItem(schema, table)
		if ambiguous {
			return nil, nil, 0, b.errorIn(x, ambiguousAlias, "table reference %q is ambiguous", table)
		}
		if it != nil {
			return it, sc, level, nil
		}
	}
	return nil, nil, 0, nil
}

// reachable refuses references to a row that exists but cannot be seen from here.
func (b *binder) reachable(x syntax.Node, s *scope, it *item) error {
	if s.bad == "" {
		return nil
	}
	return b.errorIn(x, pgerr.InvalidColumnReference, "invalid reference to FROM-clause entry for table %q", it.name).WithDetail("%s", s.bad)
}

func dotted(n syntax.Name) string {
	out := ""
	for i, p := range n {
		if i > 0 {
			out += "."
		}
		out += p
	}
	return out
}

const pgCatalog = "pg_catalog"
