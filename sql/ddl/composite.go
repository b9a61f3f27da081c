package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// compositeNamed finds the composite type that ALTER TYPE … ATTRIBUTE is about, to be changed.
func (p *planner) compositeNamed(n syntax.Name, at syntax.Node) (*catalog.CompositeObject, error) {
	r, err := p.find(n, at)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", dotted(n))
	}
	o, ok := r.Object.(*catalog.CompositeObject)
	if !ok {
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is not a composite type", r.Name)
	}
	return catalog.Clone(o)
}

// alterComposite adds attributes to a composite type, drops them, and gives them other types. Values that are stored have what is new as null, and
// no longer what is gone, without being written again; other types they cannot have.
func (p *planner) alterComposite(s *syntax.AlterTable) error {
	before := p.bound()
	for _, a := range ordered(s.Actions) {
		o, err := p.compositeNamed(s.Table.Name, s.Table)
		if err != nil {
			return err
		}
		switch a.Kind {
		case syntax.AlterAddColumn:
			err = p.addAttribute(o, a.Column)
		case syntax.AlterDropColumn:
			err = p.dropAttribute(o, a)
		default:
			err = p.attributeType(o, a)
		}
		if err != nil {
			return err
		}
	}
	return p.stillRead(before, s.Table.Name.Last())
}

func attributeOf(o *catalog.CompositeObject, name string) int16 {
	return int16(1 + slices.IndexFunc(o.Fields, func(f catalog.CompositeField) bool { return f.Name == name && !f.Dropped }))
}

func (p *planner) addAttribute(o *catalog.CompositeObject, d *syntax.ColumnDef) error {
	if attributeOf(o, d.Name) != 0 {
		return pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q already exists", d.Name, o.Name)
	}
	t, err := p.attributeOfType(o, d)
	if err != nil {
		return err
	}
	o.Fields = append(o.Fields, catalog.CompositeField{Name: d.Name, Type: t})
	p.put(o)
	return nil
}

// attributeOfType resolves the type of an attribute.
func (p *planner) attributeOfType(o *catalog.CompositeObject, d *syntax.ColumnDef) (catalog.TypeRef, error) {
	t, serial, err := p.columnType(d)
	switch {
	case err != nil:
	case serial:
		err = pgerr.New(pgerr.WrongObjectType, "sequence cannot be owned by relation %q", o.Name).WithDetail("This operation is not supported for composite types.")
	case p.holds(t, o.ID):
		err = pgerr.New(pgerr.InvalidTableDefinition, "composite type %s cannot be made a member of itself", o.Name)
	}
	return t, err
}

func (p *planner) dropAttribute(o *catalog.CompositeObject, a *syntax.AlterAction) error {
	attr := attributeOf(o, a.Name)
	switch {
	case attr == 0 && a.IfExists:
		p.notice(skipped, "column %q of relation %q does not exist, skipping", a.Name, o.Name)
		return nil
	case attr == 0:
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", a.Name, o.Name)
	}
	return p.dropThings([]thing{{part: attributePart, id: o.ID, attr: attr}}, cascades(a.Cascade))
}

// eraseAttribute takes an attribute out of a composite type.
func (p *planner) eraseAttribute(o *catalog.CompositeObject, attr int16) error {
	o.Fields[attr-1] = catalog.CompositeField{Name: o.Fields[attr-1].Name, Type: o.Fields[attr-1].Type, Dropped: true}
	p.put(o)
	return nil
}

func (p *planner) attributeType(o *catalog.CompositeObject, a *syntax.AlterAction) error {
	attr := attributeOf(o, a.Name)
	if attr == 0 {
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", a.Name, o.Name)
	}
	t, err := p.attributeOfType(o, &syntax.ColumnDef{At: a.At, Name: a.Name, Type: a.Type, Collation: a.Collation})
	if err != nil {
		return err
	}
	if c := p.keptIn(o.ID, nil); c != "" {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot alter type %q because column %q uses it", o.Name, c)
	}
	for _, d := range p.dependents(thing{part: attributePart, id: o.ID, attr: attr}) {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot alter type of a column used by a view or rule").
			WithDetail("%s depends on column %q", p.describe(d.thing), a.Name)
	}
	o.Fields[attr-1].Type = t
	p.put(o)
	return nil
}

// renameAttribute is RENAME ATTRIBUTE; what is stored names it anew.
func (p *planner) renameAttribute(s *syntax.Rename) error {
	o, err := p.compositeNamed(s.Object.Name, s.Object)
	if err != nil {
		return err
	}
	attr := attributeOf(o, s.Old)
	switch {
	case attr == 0:
		return pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", s.Old)
	case attributeOf(o, s.New) != 0:
		return pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q already exists", s.New, o.Name)
	}
	before := p.bound()
	o.Fields[attr-1].Name = s.New
	p.put(o)
	err = p.rewriteStored(before, func(x bind.Stored) (string, error) {
		return x.RenameField(before, o.ID, attr, s.Old, s.New), nil
	})
	if err != nil {
		return err
	}
	return p.stillRead(before, o.Name)
}

// dependsField finds what of an object names an attribute.
func (p *planner) dependsField(o catalog.Object, x thing, add func(auto bool, t thing)) {
	for _, s := range storedIn(o) {
		if m, err := readable(p.cat, o, s).Read(p.bound()); err == nil && m != nil && m.Names(x.id, x.attr) {
			add(false, s.of)
		}
	}
}

// stillRead refuses a change of composite types after which something that is stored could no longer be read: a row, or the text of a value, of
// other attributes.
func (p *planner) stillRead(before *bind.Context, typ string) error {
	now := p.bound()
	for _, o := range p.cat.Objects() {
		if t := catalog.TableOf(o); t != nil && slices.ContainsFunc(t.Columns, func(c catalog.TableColumn) bool {
			return !c.Dropped && c.Missing != nil && p.reshaped(c.Type)
		}) {
			return p.inTheWay(typ, o)
		}
		was := before.Catalog.Object(o.Head().ID)
		if was != nil && !allRead(now, o) && allRead(before, was) {
			return p.inTheWay(typ, o)
		}
	}
	return nil
}

// reshaped reports whether values of a type have in them those of one that the statement changes.
func (p *planner) reshaped(t catalog.TypeRef) bool {
	return slices.ContainsFunc(p.out.Objects, func(o catalog.Object) bool {
		c, ok := o.(*catalog.CompositeObject)
		return ok && p.holds(t, c.ID)
	})
}

// allRead reports whether all that an object keeps as SQL means something.
func allRead(ctx *bind.Context, o catalog.Object) bool {
	return !slices.ContainsFunc(storedIn(o), func(s stored) bool {
		_, err := readable(ctx.Catalog, o, s).Read(ctx)
		return err != nil
	})
}

// inTheWay is the error of an object that names attributes of a composite type so that they cannot change.
func (p *planner) inTheWay(typ string, o catalog.Object) error {
	what := p.describe(thing{id: o.Head().ID})
	return pgerr.New(pgerr.FeatureNotSupported, "cannot alter type %q because of how %s uses it", typ, what).
		WithHint("Drop that, alter the type, and make it again.")
}
