package ddl

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

func (p *planner) createSchema(s *syntax.CreateSchema) error {
	name := s.Name
	if name == "" && s.Authorization != nil {
		name = s.Authorization.Name
	}
	switch {
	case strings.HasPrefix(name, "pg_"):
		return pgerr.New(pgerr.ReservedName, "unacceptable schema name %q", name).WithDetail("The prefix \"pg_\" is reserved for system schemas.")
	case p.cat.HasSchema(name) && s.IfNotExists:
		p.notice("42P06", "schema %q already exists, skipping", name)
		return nil
	case p.cat.HasSchema(name):
		return pgerr.New("42P06", "schema %q already exists", name)
	}
	o := &catalog.SchemaObject{}
	o.Name = name
	if err := p.ids(&o.ID); err != nil {
		return err
	}
	p.put(o)
	own := *p.Bind
	own.SearchPath = append([]string{name}, p.Bind.SearchPath...)
	outer := p.Context
	inner := *p.Context
	inner.Bind, inner.Path = &own, append([]string{name}, p.Path...)
	p.Context = &inner
	defer func() { p.Context = outer }()
	for _, e := range s.Elements {
		if err := p.statement(e); err != nil {
			return err
		}
	}
	return nil
}

// comment is COMMENT ON.
func (p *planner) comment(s *syntax.Comment) error {
	text := ""
	if s.Text != nil {
		text = *s.Text
	}
	switch s.Kind {
	case "COLUMN":
		return p.commentColumn(s, text)
	case "CONSTRAINT":
		return p.commentConstraint(s, text)
	case "INDEX":
		return p.commentIndex(s, text)
	case "DATABASE":
		return nil
	}
	if _, ok := relationKinds[s.Kind]; ok {
		if _, err := p.relation(s.Object.Name, nil); err != nil {
			return err
		}
	}
	o, err := p.object(s.Kind, s.Object, false)
	if err != nil {
		return err
	}
	if o == nil {
		return pgerr.New(pgerr.FeatureNotSupported, "COMMENT ON %s is not supported", s.Kind)
	}
	o.Head().Comment = text
	p.put(o)
	return nil
}

func (p *planner) commentColumn(s *syntax.Comment, text string) error {
	n := s.Object.Name
	if len(n) < 2 {
		return pgerr.New(pgerr.SyntaxError, "column name must be qualified")
	}
	r, err := p.relation(n[:len(n)-1], s.Object)
	if err != nil {
		return err
	}
	if r.Object == nil {
		return p.notOwn(r)
	}
	o, err := catalog.Clone(r.Object)
	if err != nil {
		return err
	}
	if t := catalog.TableOf(o); t != nil {
		if a := t.Column(n.Last()); a > 0 {
			t.Attr(a).Comment = text
			p.put(o)
			return nil
		}
	}
	if v, ok := o.(*catalog.ViewObject); ok {
		for i := range v.Columns {
			if v.Columns[i].Name == n.Last() {
				v.Columns[i].Comment = text
				p.put(o)
				return nil
			}
		}
	}
	return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", n.Last(), r.Name)
}

func (p *planner) commentConstraint(s *syntax.Comment, text string) error {
	if s.Object.OfDomain {
		x, err := p.object("DOMAIN", &syntax.ObjectName{At: s.Object.At, Name: s.Object.On}, false)
		if err != nil {
			return err
		}
		d := x.(*catalog.DomainObject)
		i := slices.IndexFunc(d.Checks, func(k catalog.DomainCheck) bool { return k.Name == s.Object.Name.Last() })
		if i < 0 {
			return pgerr.New(pgerr.UndefinedObject, "constraint %q for domain %s does not exist", s.Object.Name.Last(), d.Name)
		}
		d.Checks[i].Comment = text
		p.put(d)
		return nil
	}
	t, err := p.table(s.Object.On, s.Object)
	if err != nil {
		return err
	}
	if err := p.nameNotNulls(t); err != nil {
		return err
	}
	c := t.Constraint(s.Object.Name.Last())
	if c == nil {
		return pgerr.New(pgerr.UndefinedObject, "constraint %q for table %q does not exist", s.Object.Name.Last(), t.Name)
	}
	c.Comment = text
	p.put(t)
	return nil
}

func (p *planner) commentIndex(s *syntax.Comment, text string) error {
	o, ix, err := p.indexObject(s.Object.Name, false, s.Object)
	if err != nil {
		return err
	}
	ix.Comment = text
	p.put(o)
	return nil
}

// indexObject finds the table of an index, to be changed, and the index in it; nil where there may be none and is none.
func (p *planner) indexObject(n syntax.Name, missingOK bool, at syntax.Node) (catalog.Object, *catalog.TableIndex, error) {
	path := p.path()
	if q := n.Qualifier(); q != "" {
		path = []string{q}
	}
	for _, schema := range path {
		r := p.indexNamed(schema, n.Last())
		if r == nil {
			continue
		}
		if r.Object == nil {
			return nil, nil, p.notOwn(r)
		}
		o, err := catalog.Clone(r.Object)
		if err != nil {
			return nil, nil, err
		}
		t := catalog.TableOf(o)
		for i := range t.Indexes {
			if t.Indexes[i].Name == n.Last() {
				return o, &t.Indexes[i], nil
			}
		}
	}
	if r, _ := p.find(n, at); r != nil {
		return nil, nil, pgerr.New(pgerr.WrongObjectType, "%q is not an index", n.Last()).WithHint("Use DROP %s to remove a %s.", strings.ToUpper(dropWord(r.Kind)), dropWord(r.Kind))
	}
	if missingOK {
		return nil, nil, nil
	}
	return nil, nil, pgerr.New(pgerr.UndefinedObject, "index %q does not exist", dotted(n))
}
