package ddl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// build has an index made of the rows that are there, after looking for equal ones where it is unique.
func (b *building) build(ix *catalog.TableIndex) {
	if !b.old || !ix.Kept() {
		return
	}
	switch {
	case ix.Period:
		b.out.Work = append(b.out.Work, b.apart(ix))
	case ix.Unique:
		b.out.Work = append(b.out.Work, b.distinct(ix))
	}
	b.out.Work = append(b.out.Work, Build{Table: b.table, Index: ix})
}

// distinct looks for two rows with the same key.
func (b *building) distinct(ix *catalog.TableIndex) Work {
	var keys, names, shown, some []string
	for _, k := range ix.Keys {
		key, name := "("+k.Expr.Text+")", k.Expr.Text
		if k.Column > 0 {
			name = b.table.Attr(k.Column).Name
			key = funcs.QuoteIdent(name)
		}
		keys, names, shown = append(keys, key), append(names, name), append(shown, key+"::text")
		some = append(some, key+" IS NOT NULL")
	}
	q := "SELECT " + strings.Join(shown, ", ") + " FROM " + quoted(b.schema, b.table.Name)
	var where []string
	if !ix.NullsNotDistinct {
		where = some
	}
	if ix.Where.Text != "" {
		where = append(where, "("+ix.Where.Text+")")
	}
	if len(where) > 0 {
		q += " WHERE " + strings.Join(where, " AND ")
	}
	q += " GROUP BY " + strings.Join(keys, ", ") + " HAVING count(*) > 1 LIMIT 1"
	index := ix.Name
	return Check{Query: q, Failed: func(row []string) error {
		return pgerr.New(pgerr.UniqueViolation, "could not create unique index %q", index).WithDetail("Key (%s)=(%s) is duplicated.", listed(names), listed(row))
	}}
}

func (p *planner) createIndex(s *syntax.CreateIndex) error {
	r, err := p.relation(s.Table.Name, s.Table)
	if err != nil {
		return err
	}
	b := &building{planner: p, old: true}
	var holder catalog.Object
	switch o := r.Object.(type) {
	case *catalog.TableObject:
		if b.table, err = catalog.Clone(o); err != nil {
			return err
		}
		holder = b.table
	case *catalog.MaterializedObject:
		m, err := catalog.Clone(o)
		if err != nil {
			return err
		}
		b.table, holder, b.old = &m.TableObject, m, m.Populated
	case nil:
		return p.notOwn(r)
	default:
		return pgerr.New(pgerr.WrongObjectType, "cannot create index on relation %q", r.Name).WithDetail("This operation is not supported for %ss.", kindWord(r.Kind))
	}
	b.schema = p.schemaName(b.table.Schema)
	if err := methodTakes(s); err != nil {
		return err
	}
	if s.Name != "" {
		if skip, err := p.exists(b.schema, s.Name, s.IfNotExists); skip || err != nil {
			return err
		}
	}
	ix, err := b.index(s)
	if err != nil {
		return err
	}
	b.table.Indexes = append(b.table.Indexes, *ix)
	b.build(ix)
	p.put(holder)
	return nil
}

// index makes an index out of the statement.
func (b *building) index(s *syntax.CreateIndex) (*catalog.TableIndex, error) {
	ix := &catalog.TableIndex{Name: s.Name, Unique: s.Unique, NullsNotDistinct: s.NullsNotDistinct}
	rel := b.cat.ByOID(b.table.ID)
	var names []string
	if s.Method != "btree" {
		ix.Method = s.Method
	}
	for _, e := range s.Elems {
		k, name, err := b.indexKey(e, rel)
		if err != nil {
			return nil, err
		}
		if err := b.opClass(ix.AccessMethod(), e, &k); err != nil {
			return nil, err
		}
		ix.Keys = append(ix.Keys, k)
		for i, base := 1, name; slices.Contains(names, name); i++ {
			name = cutText(base, maxName-len(strconv.Itoa(i))) + strconv.Itoa(i)
		}
		names = append(names, name)
		if k.Column == 0 {
			ix.Keys[len(ix.Keys)-1].Name = name
		}
	}
	for _, e := range s.Include {
		a := b.table.Column(e.Name)
		if a == 0 || e.Name == "" {
			return nil, b.errorIn(nil, pgerr.UndefinedColumn, "column %q does not exist", e.Name)
		}
		ix.Include = append(ix.Include, a)
		names = append(names, e.Name)
	}
	if s.Where != nil {
		var err error
		if ix.Where, _, err = b.expression(s.Where, rel, indexPredicate); err != nil {
			return nil, err
		}
	}
	for i := range b.table.Columns {
		if b.table.Columns[i].Virtual && indexReads(b.table, ix, int16(i+1)) {
			return nil, b.errorIn(nil, pgerr.FeatureNotSupported, "indexes on virtual generated columns are not supported")
		}
	}
	if ix.Name == "" {
		ix.Name = b.relationName(b.schema, b.table.Name, cutText(strings.Join(names, "_"), maxName), "idx")
	}
	return ix, b.ids(&ix.ID)
}

// Where the expressions of an index stand.
var (
	indexExpression = bind.Place{What: "index expression", Columns: true, Immutable: "functions in index expression must be marked IMMUTABLE"}
	indexPredicate  = bind.Place{What: "index predicate", Columns: true, Boolean: "WHERE", Immutable: "functions in index predicate must be marked IMMUTABLE"}
)

// indexKey is one element of an index, and the name that it gives to the index.
func (b *building) indexKey(e *syntax.IndexElem, rel *catalog.Relation) (k catalog.IndexKey, name string, err error) {
	k.Desc = e.Dir == syntax.SortDesc
	k.NullsFirst = e.Nulls == syntax.NullsFirst || e.Nulls == syntax.NullsDefault && k.Desc
	if ref, ok := e.Expr.(*syntax.ColumnRef); ok && len(ref.Name) == 1 && e.Name == "" {
		e = &syntax.IndexElem{At: e.At, Name: ref.Name[0], Collation: e.Collation}
	}
	if e.Name != "" {
		if k.Column = b.table.Column(e.Name); k.Column == 0 {
			return k, "", pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", e.Name)
		}
		k.Type = b.keyType(b.table.Attr(k.Column).Type)
		t, _ := b.cat.Resolve(k.Type)
		if datum.IsComposite(t.OID) {
			return k, "", pgerr.New(pgerr.FeatureNotSupported, "indexes on columns of composite types are not supported").WithHint("Index an expression: one of the fields.")
		}
		return k, e.Name, b.collation(e.Collation, t, e)
	}
	x, bound, err := b.expression(e.Expr, rel, indexExpression)
	if err != nil {
		return k, "", err
	}
	t := bound.Type()
	k.Expr, k.Type = x, catalog.RefOf(t)
	if name = bind.FigureName(e.Expr); name == "" {
		name = "expr"
	}
	return k, name, b.collation(e.Collation, t, e)
}

func kindWord(k catalog.Kind) string {
	return map[catalog.Kind]string{catalog.Table: "table", catalog.View: "view", catalog.Materialized: "materialized view", catalog.Sequence: "sequence",
		catalog.Composite: "composite type", catalog.IndexKind: "index"}[k]
}

// methodTakes refuses what the access method of an index cannot do.
func methodTakes(s *syntax.CreateIndex) error {
	method := s.Method
	if method == "" || method == "btree" {
		return nil
	}
	if catalog.AccessMethods[method] == 0 {
		return pgerr.New(pgerr.UndefinedObject, "access method %q does not exist", method)
	}
	what := ""
	switch {
	case s.Unique:
		what = "unique indexes"
	case len(s.Include) > 0 && method != "gist" && method != "spgist":
		what = "included columns"
	case len(s.Elems) > 1 && (method == "hash" || method == "spgist"):
		what = "multicolumn indexes"
	case slices.ContainsFunc(s.Elems, func(e *syntax.IndexElem) bool { return e.Dir != syntax.SortDefault }):
		what = "ASC/DESC options"
	case slices.ContainsFunc(s.Elems, func(e *syntax.IndexElem) bool { return e.Nulls != syntax.NullsDefault }):
		what = "NULLS FIRST/LAST options"
	default:
		return nil
	}
	return pgerr.New(pgerr.FeatureNotSupported, "access method %q does not support %s", method, what)
}

// opClass finds the operator class of a key.
func (b *building) opClass(method string, e *syntax.IndexElem, k *catalog.IndexKey) error {
	if len(e.OpClass) == 0 {
		if method != "btree" && b.cat.OpClass(method, k.Type) == nil {
			return pgerr.New(pgerr.UndefinedObject, "data type %s has no default operator class for access method %q", b.cat.FormatType(b.Bind.SearchPath, k.Type), method).
				WithHint("You must specify an operator class for the index or define a default operator class for the data type.")
		}
		return nil
	}
	o := catalog.OpClassNamed(method, e.OpClass.Last())
	switch {
	case o == nil:
		return pgerr.New(pgerr.UndefinedObject, "operator class %q does not exist for access method %q", dotted(e.OpClass), method)
	case o.Type != b.cat.InputType(k.Type):
		return pgerr.New(pgerr.DatatypeMismatch, "operator class %q does not accept data type %s", dotted(e.OpClass), b.cat.FormatType(b.Bind.SearchPath, k.Type))
	case !o.Default:
		k.OpClass = o.Name
	}
	return nil
}
