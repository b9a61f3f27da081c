package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
)

// Values of row types are stored with their fields one after the other: as long as a column has such values the fields stay as they are.

// keptIn names a column with values of a type, in itself or as a part of them; "" if there is none but in what goes anyway.
func (p *planner) keptIn(id datum.OID, gone []thing) string {
	for _, o := range p.cat.Objects() {
		h := o.Head()
		if h.ID == id || slices.Contains(gone, thing{id: h.ID}) {
			continue
		}
		within := false
		switch o := o.(type) {
		case *catalog.CompositeObject:
			within = p.hasAttribute(o, id)
		case *catalog.DomainObject:
			within = p.isType(o.Base, id)
		}
		if within {
			if said := p.keptIn(h.ID, gone); said != "" {
				return said
			}
		}
		t := catalog.TableOf(o)
		if t == nil {
			continue
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			if !c.Dropped && p.isType(c.Type, id) && !slices.Contains(gone, thing{part: columnPart, id: h.ID, attr: int16(i + 1)}) {
				return h.Name + "." + c.Name
			}
		}
	}
	return ""
}

func (p *planner) hasAttribute(o *catalog.CompositeObject, id datum.OID) bool {
	return slices.ContainsFunc(o.Fields, func(f catalog.CompositeField) bool { return !f.Dropped && p.isType(f.Type, id) })
}

// mayReshape refuses other columns for a table whose row type is that of stored values.
func (p *planner) mayReshape(t *catalog.TableObject, gone []thing) error {
	if c := p.keptIn(t.ID, gone); c != "" {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot alter table %q because column %q uses its row type", t.Name, c)
	}
	return nil
}

// notInside refuses new conditions of a domain of which there are values inside those of composite types: they are not gone through.
func (p *planner) notInside(d *catalog.DomainObject) error {
	for _, o := range p.cat.Objects() {
		c, ok := o.(*catalog.CompositeObject)
		if !ok || !p.hasAttribute(c, d.ID) {
			continue
		}
		if kept := p.keptIn(c.ID, nil); kept != "" {
			return pgerr.New(pgerr.FeatureNotSupported, "cannot alter type %q because column %q uses it", d.Name, kept)
		}
	}
	return nil
}

// notMember refuses a type for a column of a table if its values would hold rows of the table.
func (p *planner) notMember(t *catalog.TableObject, typ catalog.TypeRef) error {
	if p.holds(typ, t.ID) {
		return pgerr.New(pgerr.InvalidTableDefinition, "composite type %s cannot be made a member of itself", t.Name)
	}
	return nil
}

// holds reports whether values of a type have values of that of an object in them.
func (p *planner) holds(typ catalog.TypeRef, id datum.OID) bool {
	if p.isType(typ, id) {
		return true
	}
	for _, o := range p.cat.Objects() {
		if !p.isType(typ, o.Head().ID) {
			continue
		}
		switch o := o.(type) {
		case *catalog.DomainObject:
			return p.holds(o.Base, id)
		case *catalog.CompositeObject:
			return slices.ContainsFunc(o.Fields, func(f catalog.CompositeField) bool { return !f.Dropped && p.holds(f.Type, id) })
		}
		t := catalog.TableOf(o)
		return t != nil && slices.ContainsFunc(t.Columns, func(c catalog.TableColumn) bool { return !c.Dropped && p.holds(c.Type, id) })
	}
	return false
}
