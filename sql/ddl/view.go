package ddl

import (
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// query binds a query that is kept, and gives it as it is stored.
func (p *planner) query(q *syntax.Query) (*bind.QueryDefinition, catalog.Expression, error) {
	d, err := bind.DefineQuery(p.bound(), q)
	if err != nil {
		return nil, catalog.Expression{}, err
	}
	s := &spelling{p: p, query: true}
	syntax.Walk(d.Tree, s.visit)
	return d, catalog.Expression{Text: syntax.Format(d.Tree), Uses: s.uses}, s.err
}

// viewColumns are the columns of a query with the names that a list gives to the first of them.
func (p *planner) viewColumns(fields []plan.Field, list []syntax.Ident, tooMany string) ([]catalog.ViewColumn, error) {
	if len(list) > len(fields) {
		return nil, pgerr.New(pgerr.SyntaxError, "%s", tooMany)
	}
	out := make([]catalog.ViewColumn, len(fields))
	seen := map[string]bool{}
	for i, f := range fields {
		t := datum.Named(f.Type)
		if t.OID == datum.Unknown {
			t = datum.T(datum.Text)
		}
		if info := datum.Lookup(t.OID); info != nil && info.Typtype == 'p' {
			return nil, pgerr.New(pgerr.InvalidTableDefinition, "column %q has pseudo-type %s", f.Name, datum.FormatType(t))
		}
		out[i] = catalog.ViewColumn{Name: f.Name, Type: catalog.RefOf(t)}
		if i < len(list) {
			out[i].Name = list[i].Name
		}
		if seen[out[i].Name] {
			return nil, pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", out[i].Name)
		}
		seen[out[i].Name] = true
	}
	return out, nil
}

func (p *planner) createView(s *syntax.CreateView) error {
	q := s.Query
	if s.Recursive {
		var err error
		if q, err = recursive(s); err != nil {
			return err
		}
	}
	d, text, err := p.query(q)
	if err != nil {
		return err
	}
	columns, err := p.viewColumns(d.Fields, s.Columns, "CREATE VIEW specifies more column names than columns")
	if err != nil {
		return err
	}
	temporary := s.Persistence == syntax.Temporary
	if !temporary && p.readsTemporary(d.Reads) {
		temporary = true
		p.notice("00000", "view %q will be a temporary view", s.Name.Last())
	}
	schema, id, err := p.creation(s.Name, temporary, s)
	if err != nil {
		return err
	}
	v := &catalog.ViewObject{Columns: columns, Query: text, Reads: d.Reads, Check: s.Check}
	v.Name, v.Schema = s.Name.Last(), id
	if s.Check != "" {
		if why := bind.NotUpdatable(q); why != "" {
			return pgerr.New(pgerr.FeatureNotSupported, "WITH CHECK OPTION is supported only on automatically updatable views").WithHint("%s", why)
		}
	}
	if !p.taken(schema, v.Name) {
		if err := p.ids(&v.ID); err != nil {
			return err
		}
		p.put(v)
		return nil
	}
	r := p.cat.Lookup(nil, schema, v.Name)
	if !s.Replace {
		return pgerr.New(pgerr.DuplicateTable, "relation %q already exists", v.Name)
	}
	if r == nil || r.Object == nil || r.Kind != catalog.View {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a view", v.Name)
	}
	return p.replaceView(r.Object.(*catalog.ViewObject), v)
}

// replaceView puts a view in the place of one that has its columns, or the first of them.
func (p *planner) replaceView(old, v *catalog.ViewObject) error {
	if len(v.Columns) < len(old.Columns) {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot drop columns from view")
	}
	for i, c := range old.Columns {
		n := &v.Columns[i]
		if n.Name != c.Name {
			return pgerr.New(pgerr.InvalidTableDefinition, "cannot change name of view column %q to %q", c.Name, n.Name).
				WithHint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.")
		}
		if n.Type != c.Type {
			return pgerr.New(pgerr.InvalidTableDefinition, "cannot change data type of view column %q from %s to %s", c.Name,
				p.cat.FormatType(p.path(), c.Type), p.cat.FormatType(p.path(), n.Type))
		}
		n.Comment, n.Default = c.Comment, c.Default
	}
	for _, r := range v.Reads {
		if r.Relation == old.ID {
			return pgerr.New(pgerr.InvalidObjectDefinition, "infinite recursion detected in rules for relation %q", old.Name)
		}
	}
	v.ID, v.Comment = old.ID, old.Comment
	p.put(v)
	return nil
}

// recursive is the query of CREATE RECURSIVE VIEW.
func recursive(s *syntax.CreateView) (*syntax.Query, error) {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = funcs.QuoteIdent(c.Name)
	}
	list, name := strings.Join(names, ", "), funcs.QuoteIdent(s.Name.Last())
	st, err := syntax.ParseOne("WITH RECURSIVE " + name + " (" + list + ") AS (" + syntax.Format(s.Query) + ") SELECT " + list + " FROM " + name)
	if err != nil {
		return nil, err
	}
	return st.Stmt.(*syntax.Query), nil
}

func (p *planner) readsTemporary(reads []catalog.Reading) bool {
	for _, r := range reads {
		if o := p.cat.Object(r.Relation); o != nil && o.Head().Schema == p.Temporary && p.Temporary != 0 {
			return true
		}
	}
	return false
}

func (p *planner) createTableAs(s *syntax.CreateTableAs) error {
	q := s.Source.(*syntax.Query) // what EXECUTE names has taken its place
	b, err := p.newTable(s.Name, s.Persistence, s)
	if err != nil {
		return err
	}
	if skip, err := p.exists(b.schema, b.table.Name, s.IfNotExists); skip || err != nil {
		return err
	}
	d, text, err := p.query(q)
	if err != nil {
		return err
	}
	columns, err := p.viewColumns(d.Fields, s.Columns, "too many column names were specified")
	if err != nil {
		return err
	}
	if err := b.begin(s.OnCommit, s.With); err != nil {
		return err
	}
	for _, c := range columns {
		b.table.Columns = append(b.table.Columns, catalog.TableColumn{Physical: b.table.NextColumn, Name: c.Name, Type: c.Type})
		b.table.NextColumn++
	}
	b.planner.building = nil
	if s.Materialized {
		m := &catalog.MaterializedObject{TableObject: *b.table, Query: text, Reads: d.Reads, Populated: !s.NoData}
		if p.readsTemporary(d.Reads) {
			return pgerr.New(pgerr.FeatureNotSupported, "materialized views must not use temporary tables or views")
		}
		p.put(m)
	} else {
		p.put(b.table)
	}
	if !s.NoData {
		p.fill(b.schema, b.table, text)
	}
	return nil
}

// fill has the rows of a query put into a table.
func (p *planner) fill(schema string, t *catalog.TableObject, q catalog.Expression) {
	p.out.Work = append(p.out.Work, Run{Statement: "INSERT INTO " + quoted(schema, t.Name) + " " + q.Text, Objects: []catalog.Object{t}, Count: true})
}

func (p *planner) refreshView(s *syntax.RefreshView) error {
	r, err := p.relation(s.Name, nil)
	if err != nil {
		return err
	}
	old, ok := r.Object.(*catalog.MaterializedObject)
	if !ok {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a table or materialized view", r.Name)
	}
	m, err := catalog.Clone(old)
	if err != nil {
		return err
	}
	if s.Concurrently {
		if s.NoData {
			return pgerr.New(pgerr.SyntaxError, "REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together")
		}
		if err := mayRefreshConcurrently(r, m); err != nil {
			return err
		}
	}
	m.Populated = !s.NoData
	p.put(m)
	p.out.Work = append(p.out.Work, Empty{m.ID})
	if m.Populated {
		p.fill(r.Schema, &m.TableObject, m.Query)
	}
	return nil
}

func mayRefreshConcurrently(r *catalog.Relation, m *catalog.MaterializedObject) error {
	if !m.Populated {
		return pgerr.New(pgerr.FeatureNotSupported, "CONCURRENTLY cannot be used when the materialized view is not populated")
	}
	for i := range m.Indexes {
		if ix := &m.Indexes[i]; ix.Unique && ix.Where.Text == "" && ix.Keys[0].Column > 0 {
			return nil
		}
	}
	return pgerr.New(pgerr.ObjectNotInPrerequisite, "cannot refresh materialized view %q concurrently", r.Schema+"."+r.Name).
		WithHint("Create a unique index with no WHERE clause on one or more columns of the materialized view.")
}
