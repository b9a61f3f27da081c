package ddl

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

func (p *planner) rename(s *syntax.Rename) error {
	if s.Kind == "INDEX" {
		return p.renameIndex(s)
	}
	o, err := p.renamed(s.Kind, s.Object, s.IfExists)
	if err != nil || o == nil {
		return err
	}
	switch s.What {
	case "COLUMN":
		return p.renameColumn(s, o)
	case "ATTRIBUTE":
		return p.renameAttribute(s)
	case "CONSTRAINT":
		return p.renameConstraint(s, o)
	case "VALUE":
		return p.renameLabel(s, o)
	}
	return p.renameObject(s, o)
}

// renamed finds what ALTER names: for it every relation is a table.
func (p *planner) renamed(kind string, n *syntax.ObjectName, missingOK bool) (catalog.Object, error) {
	if _, ok := relationKinds[kind]; !ok {
		return p.object(kind, n, missingOK)
	}
	r, err := p.find(n.Name, n)
	switch {
	case err != nil:
		return nil, err
	case r == nil && kind == "TABLE":
		if o, _, err := p.indexObject(n.Name, true, n); o != nil && err == nil {
			return nil, pgerr.New(pgerr.WrongObjectType, "%q is an index", n.Name.Last()).WithHint("Use ALTER INDEX instead.")
		}
		fallthrough
	case r == nil:
		return nil, p.missing(missingOK, pgerr.UndefinedTable, "relation %q does not exist", dotted(n.Name))
	case r.Object == nil:
		return nil, p.notOwn(r)
	case kind != "TABLE" && r.Kind != relationKinds[kind]:
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is not a %s", r.Name, strings.ToLower(kind))
	case r.Kind == catalog.Composite:
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is a composite type", r.Name).WithHint("Use ALTER TYPE instead.")
	}
	return catalog.Clone(r.Object)
}

func (p *planner) renameObject(s *syntax.Rename, o catalog.Object) error {
	h := o.Head()
	schema, old := p.schemaName(h.Schema), h.Name
	switch o := o.(type) {
	case *catalog.SchemaObject:
		if p.cat.HasSchema(s.New) {
			return pgerr.New("42P06", "schema %q already exists", s.New)
		}
		if strings.HasPrefix(s.New, "pg_") {
			return pgerr.New(pgerr.ReservedName, "unacceptable schema name %q", s.New).WithDetail("The prefix \"pg_\" is reserved for system schemas.")
		}
		schema = old
	case *catalog.FunctionObject:
		for _, f := range p.functionsNamed(syntax.Name{schema, s.New}) {
			if slices.Equal(inputTypes(f), inputTypes(o)) {
				return pgerr.New(pgerr.DuplicateFunction, "function %s already exists in schema %q", s.New+"("+p.signature(f, ", ")+")", schema)
			}
		}
	case *catalog.EnumObject, *catalog.DomainObject, *catalog.CompositeObject:
		if p.cat.TypeByName(nil, schema, s.New) != nil {
			return pgerr.New(pgerr.DuplicateObject, "type %q already exists", s.New)
		}
	default:
		if p.taken(schema, s.New) {
			return pgerr.New(pgerr.DuplicateTable, "relation %q already exists", s.New)
		}
	}
	h.Name = s.New
	p.put(o)
	if _, ok := o.(*catalog.SchemaObject); ok {
		return p.respell(func(n syntax.Name) syntax.Name {
			if len(n) > 1 && n[0] == schema {
				return append(syntax.Name{s.New}, n[1:]...)
			}
			return n
		}, nil)
	}
	return p.respell(func(n syntax.Name) syntax.Name {
		if len(n) == 2 && n[0] == schema && n[1] == old {
			return syntax.Name{schema, s.New}
		}
		return n
	}, o)
}

// respell rewrites the names in stored SQL after an object, or a schema (then o is nil), got another name.
func (p *planner) respell(to func(syntax.Name) syntax.Name, renamed catalog.Object) error {
	for _, o := range slices.Clone(p.cat.Objects()) {
		o, err := catalog.Clone(o)
		if err != nil {
			return err
		}
		changed := false
		for _, text := range textsOf(o) {
			respelled, err := respelled(*text, to)
			if err != nil {
				return err
			}
			if respelled != *text {
				*text, changed = respelled, true
			}
		}
		if changed {
			p.put(o)
		}
	}
	return nil
}

// textsOf lists the SQL in an object whose names are in full.
func textsOf(o catalog.Object) (out []*string) {
	for _, e := range expressionsOf(o) {
		out = append(out, &e.Text)
	}
	if f, ok := o.(*catalog.FunctionObject); ok && f.Form != "" {
		out = append(out, &f.Body)
	}
	return out
}

// stored is SQL that an object keeps, and what goes if it means nothing any more.
type stored struct {
	of   thing
	text *string
	def  *catalog.FunctionObject // whose body it is
	expr *catalog.Expression     // whose text it is
}

// storedIn lists the SQL of an object. Bodies that are bound when they are called are not among it.
func storedIn(o catalog.Object) (out []stored) {
	id := o.Head().ID
	add := func(of thing, e *catalog.Expression) {
		if of.id = id; e.Text != "" {
			out = append(out, stored{of: of, text: &e.Text, expr: e})
		}
	}
	if t := catalog.TableOf(o); t != nil {
		for i := range t.Columns {
			add(thing{part: defaultPart, attr: int16(i + 1)}, &t.Columns[i].Default)
			add(thing{part: columnPart, attr: int16(i + 1)}, &t.Columns[i].Generated)
		}
		for i := range t.Constraints {
			add(thing{part: constraintPart, sub: t.Constraints[i].ID}, &t.Constraints[i].Check)
		}
		for i := range t.Indexes {
			ix := thing{part: indexPart, sub: t.Indexes[i].ID}
			add(ix, &t.Indexes[i].Where)
			for k := range t.Indexes[i].Keys {
				add(ix, &t.Indexes[i].Keys[k].Expr)
			}
		}
	}
	switch o := o.(type) {
	case *catalog.ViewObject:
		add(thing{}, &o.Query)
	case *catalog.MaterializedObject:
		add(thing{}, &o.Query)
	case *catalog.DomainObject:
		add(thing{}, &o.Default)
		for i := range o.Checks {
			add(thing{}, &o.Checks[i].Check)
		}
	case *catalog.FunctionObject:
		for i := range o.Args {
			add(thing{}, &o.Args[i].Default)
		}
		if o.Form != "" {
			out = append(out, stored{of: thing{id: id}, text: &o.Body, def: o})
		}
	}
	return out
}

// expressionsOf lists those of it that are no bodies.
func expressionsOf(o catalog.Object) (out []*catalog.Expression) {
	for _, s := range storedIn(o) {
		if s.expr != nil {
			out = append(out, s.expr)
		}
	}
	return out
}

// readable is what is stored in an object as the binder reads it, with the columns that the object has in a catalog.
func readable(in *catalog.Catalog, o catalog.Object, s stored) bind.Stored {
	rel := in.ByOID(o.Head().ID)
	if d, ok := o.(*catalog.DomainObject); ok {
		rel = valueOf(in, d)
	}
	return bind.Stored{Text: *s.text, Rel: rel, Def: s.def}
}

// rewriteStored puts another text in the place of each that is stored, which is read as it was before.
func (p *planner) rewriteStored(before *bind.Context, to func(s bind.Stored) (string, error)) error {
	for _, o := range slices.Clone(p.cat.Objects()) {
		o, err := catalog.Clone(o)
		if err != nil {
			return err
		}
		changed := false
		for _, s := range storedIn(o) {
			text, err := to(readable(before.Catalog, o, s))
			if err != nil {
				return err
			}
			changed, *s.text = changed || text != *s.text, text
		}
		if changed {
			p.put(o)
		}
	}
	return nil
}

// respelled is SQL text with other names of relations, types and functions. Tables keep the name by which columns call them.
func respelled(text string, to func(syntax.Name) syntax.Name) (string, error) {
	if text == "" {
		return text, nil
	}
	roots, format, err := parsedText(text)
	if err != nil {
		return "", err
	}
	changed := false
	swap := func(n *syntax.Name) bool {
		if r := to(*n); !slices.Equal(r, *n) {
			*n, changed = r, true
			return true
		}
		return false
	}
	visit := func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.TableName:
			old := n.Name.Last()
			if swap(&n.Name) && n.Alias == nil && n.Name.Last() != old {
				n.Alias = &syntax.Alias{Name: old}
			}
		case *syntax.TypeName:
			swap(&n.Name)
		case *syntax.FuncCall:
			swap(&n.Name)
		}
		return true
	}
	for _, n := range roots {
		syntax.Walk(n, visit)
	}
	if !changed {
		return text, nil
	}
	return format(), nil
}

// parsedText is the tree of a stored expression, or those of statements, and how it is stored.
func parsedText(text string) (roots []syntax.Node, format func() string, err error) {
	if e, err := syntax.ParseExpr(text); err == nil {
		return []syntax.Node{e}, func() string { return syntax.Format(e) }, nil
	}
	list, err := syntax.Parse(text)
	for i := range list {
		roots = append(roots, list[i].Stmt)
	}
	return roots, func() string { return bind.FormatBody(list) }, err
}

func (p *planner) renameColumn(s *syntax.Rename, o catalog.Object) error {
	name := o.Head().Name
	if v, ok := o.(*catalog.ViewObject); ok {
		return p.renameViewColumn(s, v)
	}
	t := catalog.TableOf(o)
	if t == nil {
		return pgerr.New(pgerr.WrongObjectType, "cannot rename columns of relation %q", name).WithDetail("This operation is not supported for sequences.")
	}
	a := t.Column(s.Old)
	switch {
	case a == 0:
		return pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", s.Old)
	case t.Column(s.New) != 0:
		return pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q already exists", s.New, name)
	}
	t.Attr(a).Name = s.New
	for _, e := range expressionsOf(&catalog.TableObject{Columns: t.Columns, Constraints: t.Constraints, Indexes: t.Indexes}) {
		var err error
		if *e, err = renamedColumn(*e, s.Old, s.New); err != nil {
			return err
		}
	}
	before := p.cat
	p.put(o)
	return p.renameInViews(before, t.ID, a, s.Old, s.New)
}

func (p *planner) renameViewColumn(s *syntax.Rename, v *catalog.ViewObject) error {
	i := slices.IndexFunc(v.Columns, func(c catalog.ViewColumn) bool { return c.Name == s.Old })
	if i < 0 {
		return pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", s.Old)
	}
	if slices.ContainsFunc(v.Columns, func(c catalog.ViewColumn) bool { return c.Name == s.New }) {
		return pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q already exists", s.New, v.Name)
	}
	v.Columns[i].Name = s.New
	before := p.cat
	p.put(v)
	return p.renameInViews(before, v.ID, int16(i+1), s.Old, s.New)
}

// renameInViews rewrites the queries that read a column that got another name. What they give keeps its names.
func (p *planner) renameInViews(before *catalog.Catalog, rel datum.OID, attr int16, from, to string) error {
	x := thing{part: columnPart, id: rel, attr: attr}
	for _, o := range slices.Clone(p.cat.Objects()) {
		o, err := catalog.Clone(o)
		if err != nil {
			return err
		}
		var text *string
		var def *catalog.FunctionObject
		switch v := o.(type) {
		case *catalog.ViewObject:
			if reads(v.Reads, x) {
				text = &v.Query.Text
			}
		case *catalog.MaterializedObject:
			if reads(v.Reads, x) {
				text = &v.Query.Text
			}
		case *catalog.FunctionObject:
			if reads(v.Reads, x) {
				text, def = &v.Body, v
			}
		}
		if text == nil {
			continue
		}
		was := *p.Bind
		was.Catalog = before
		if *text, err = bind.RenameColumn(&was, p.bound(), *text, def, rel, attr, from, to); err != nil {
			word := p.objectWord(o)
			return pgerr.New(pgerr.FeatureNotSupported, "cannot rename column %q because of how %s %q names it", from, word, o.Head().Name).
				WithHint("Drop the %s, rename the column, and make the %s again.", word, word)
		}
		p.put(o)
	}
	return nil
}

func (p *planner) renameConstraint(s *syntax.Rename, o catalog.Object) error {
	t := catalog.TableOf(o)
	if d, ok := o.(*catalog.DomainObject); ok {
		if d.NotNull && s.Old == d.NotNullName() {
			if err := p.nameDomainNull(d, s.New); err != nil {
				return err
			}
			p.put(d)
			return nil
		}
		at := slices.IndexFunc(d.Checks, func(k catalog.DomainCheck) bool { return k.Name == s.Old })
		if at < 0 {
			return pgerr.New(pgerr.UndefinedObject, "constraint %q for domain %s does not exist", s.Old, d.Name)
		}
		if slices.ContainsFunc(d.Checks, func(k catalog.DomainCheck) bool { return k.Name == s.New }) {
			return pgerr.New(pgerr.DuplicateObject, "constraint %q for domain %s already exists", s.New, d.Name)
		}
		d.Checks[at].Name = s.New
		p.put(d)
		return nil
	}
	if err := p.nameNotNulls(t); err != nil {
		return err
	}
	c := t.Constraint(s.Old)
	switch {
	case c == nil:
		return pgerr.New(pgerr.UndefinedObject, "constraint %q for table %q does not exist", s.Old, t.Name)
	case t.Constraint(s.New) != nil:
		return pgerr.New(pgerr.DuplicateObject, "constraint %q for relation %q already exists", s.New, t.Name)
	case c.Kind == catalog.PrimaryKey || c.Kind == catalog.Unique:
		if p.taken(p.schemaName(t.Schema), s.New) {
			return pgerr.New(pgerr.DuplicateTable, "relation %q already exists", s.New)
		}
		t.Index(c.Index).Name = s.New
	}
	c.Name = s.New
	p.put(o)
	return nil
}

func (p *planner) renameLabel(s *syntax.Rename, o catalog.Object) error {
	e, ok := o.(*catalog.EnumObject)
	if !ok {
		return pgerr.New(pgerr.WrongObjectType, "%s is not an enum", o.Head().Name)
	}
	l := e.Label(s.Old)
	switch {
	case l == nil:
		return pgerr.New(pgerr.InvalidParameterValue, "%q is not an existing enum label", s.Old)
	case e.Label(s.New) != nil:
		return pgerr.New(pgerr.DuplicateObject, "enum label %q already exists", s.New)
	}
	before := p.bound()
	l.Label = s.New
	p.put(e)
	return p.relabel(before, e, s.Old, s.New)
}

// relabel rewrites what is stored as text of labels after one of an enum got another name.
func (p *planner) relabel(before *bind.Context, e *catalog.EnumObject, from, to string) error {
	now := p.bound()
	err := p.rewriteStored(before, func(s bind.Stored) (string, error) { return s.Relabel(before, now) })
	if err != nil {
		return err
	}
	for _, o := range slices.Clone(p.cat.Objects()) {
		o, err := catalog.Clone(o)
		if err != nil {
			return err
		}
		t := catalog.TableOf(o)
		for i := 0; t != nil && i < len(t.Columns); i++ {
			if c := &t.Columns[i]; c.Type.OID == e.ID && c.Missing != nil && *c.Missing == from {
				c.Missing = &to
				p.put(o)
			}
		}
	}
	return nil
}

// valueOf is the relation over which the conditions of a domain are: its column is the value.
func valueOf(in *catalog.Catalog, o *catalog.DomainObject) *catalog.Relation {
	base, _ := in.Resolve(o.Base)
	return &catalog.Relation{Name: "value", Columns: []catalog.Column{{Name: "value", Type: base}}}
}

func (p *planner) renameIndex(s *syntax.Rename) error {
	o, ix, err := p.indexObject(s.Object.Name, s.IfExists, s.Object)
	if err != nil || o == nil {
		if o == nil && err == nil {
			p.notice(skipped, "relation %q does not exist, skipping", dotted(s.Object.Name))
		}
		if err != nil && pgerr.From(err).Code == pgerr.UndefinedObject {
			return pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", dotted(s.Object.Name))
		}
		return err
	}
	if p.taken(p.schemaName(o.Head().Schema), s.New) {
		return pgerr.New(pgerr.DuplicateTable, "relation %q already exists", s.New)
	}
	ix.Name = s.New
	t := catalog.TableOf(o)
	for i := range t.Constraints {
		if t.Constraints[i].ID == ix.Constraint && ix.Constraint != 0 {
			t.Constraints[i].Name = s.New
		}
	}
	p.put(o)
	return nil
}

func (p *planner) setSchema(s *syntax.SetSchema) error {
	o, err := p.renamed(s.Kind, s.Object, s.IfExists)
	if err != nil || o == nil {
		return err
	}
	h := o.Head()
	old, name := p.schemaName(h.Schema), h.Name
	id := p.schemaID(s.Schema)
	if id == 0 {
		return pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", s.Schema)
	}
	if err := p.writable(s.Schema, h.Name); err != nil {
		return err
	}
	if id == h.Schema {
		return nil
	}
	if q, ok := o.(*catalog.SequenceObject); ok && q.Owner != 0 {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot move an owned sequence into another schema").
			WithDetail("Sequence %q is linked to table %q.", q.Name, p.cat.Object(q.Owner).Head().Name)
	}
	if _, isFunction := o.(*catalog.FunctionObject); !isFunction && p.taken(s.Schema, name) {
		return pgerr.New(pgerr.DuplicateTable, "relation %q already exists in schema %q", name, s.Schema)
	}
	h.Schema = id
	p.put(o)
	for _, x := range slices.Clone(p.cat.Objects()) {
		if q, ok := x.(*catalog.SequenceObject); ok && q.Owner == h.ID {
			if q, err = catalog.Clone(q); err != nil {
				return err
			}
			q.Schema = id
			p.put(q)
		}
	}
	return p.respell(func(n syntax.Name) syntax.Name {
		if len(n) == 2 && n[0] == old && n[1] == name {
			return syntax.Name{s.Schema, name}
		}
		return n
	}, o)
}
