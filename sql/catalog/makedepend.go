package catalog

import "github.com/allsource-db/allsource/sql/datum"

const (
	attrdefOID   datum.OID = 2604 // pg_attrdef
	rewriteOID   datum.OID = 2618 // pg_rewrite
	extensionOID datum.OID = 3079 // pg_extension
)

// depends collects rows of pg_depend: what tools follow to find what belongs together and what has to be there before what.
type depends struct {
	c *Catalog
	t *rows
}

func (d depends) add(class, obj datum.OID, sub int, refClass, ref datum.OID, refSub int, kind string) {
	d.t.add(row{"classid": class, "objid": obj, "objsubid": sub, "refclassid": refClass, "refobjid": ref, "refobjsubid": refSub, "deptype": kind})
}

func dependRows(c *Catalog, t *rows) {
	d := depends{c, t}
	d.builtin()
	for _, o := range c.Objects() {
		d.object(o)
	}
}

// builtin makes what stands beside the tables of users members of an extension, so that nobody takes it for theirs. The log
// itself is a table like others: who copies all tables has it.
func (d depends) builtin() {
	for _, s := range d.c.schemas {
		if s.Name == byType {
			d.add(namespaceOID, s.OID, 0, extensionOID, logExtension, 0, "e")
		}
	}
	for _, r := range d.c.relations {
		if r.Object == nil && r.Schema != pgCatalog && r.Schema != infoSchema && r.OID != EventsOID {
			d.add(classOID, r.OID, 0, extensionOID, logExtension, 0, "e")
		}
	}
}

// classOf is the catalog that an object is in, and its OID there.
func classOf(o Object) (class, id datum.OID) {
	switch o.(type) {
	case *FunctionObject:
		return procOID, o.Head().ID
	case *EnumObject, *DomainObject, *CompositeObject:
		return typeOID, o.Head().ID
	case *SchemaObject:
		return namespaceOID, o.Head().ID
	case *ExtensionObject:
		return extensionOID, o.Head().ID
	}
	return classOID, o.Head().ID
}

func (d depends) object(o Object) {
	h := o.Head()
	class, id := classOf(o)
	if h.Schema != 0 {
		d.add(class, id, 0, namespaceOID, h.Schema, 0, "n")
	}
	if ArrayOID(o) != 0 {
		d.add(typeOID, ArrayOID(o), 0, typeOID, TypeOID(o), 0, "i")
	}
	switch o := o.(type) {
	case *SequenceObject:
		kind := "a"
		if o.Identity {
			kind = "i"
		}
		if o.Owner != 0 {
			d.add(classOID, o.ID, 0, classOID, o.Owner, int(o.Column), kind)
		}
	case *TableObject:
		d.table(o)
	case *MaterializedObject:
		d.table(&o.TableObject)
		d.rule(o.ID, o.Query, o.Reads)
	case *ViewObject:
		d.rule(o.ID, o.Query, o.Reads)
	case *DomainObject:
		d.onType(typeOID, o.ID, 0, o.Base)
		d.uses(typeOID, o.ID, o.Default)
		for i := range o.Checks {
			d.add(constraintOID, o.Checks[i].ID, 0, typeOID, o.ID, 0, "a")
			d.uses(constraintOID, o.Checks[i].ID, o.Checks[i].Check)
		}
	case *CompositeObject:
		d.add(classOID, o.Relation, 0, typeOID, o.ID, 0, "i")
		for i, f := range o.Fields {
			if !f.Dropped {
				d.onType(classOID, o.Relation, i+1, f.Type)
			}
		}
	case *FunctionObject:
		d.onType(procOID, o.ID, 0, o.Returns)
		for _, a := range o.Args {
			d.onType(procOID, o.ID, 0, a.Type)
			d.uses(procOID, o.ID, a.Default)
		}
		d.reads(procOID, o.ID, o.Reads)
		d.uses(procOID, o.ID, Expression{Uses: o.Uses})
	}
}

// onType says that something is of a type of users.
func (d depends) onType(class, obj datum.OID, sub int, t TypeRef) {
	if o, _ := d.c.TypeObject(t.OID); o != nil {
		d.add(class, obj, sub, typeOID, t.OID, 0, "n")
	}
}

// uses says what an expression cannot do without.
func (d depends) uses(class, obj datum.OID, e Expression) {
	for _, u := range e.Uses {
		if o := d.c.Object(u); o != nil {
			refClass, ref := classOf(o)
			d.add(class, obj, 0, refClass, ref, 0, "n")
		}
	}
}

// rule says what the query of a view reads. The query is the rule of its own in pg_rewrite, with the view's OID.
func (d depends) rule(view datum.OID, q Expression, reads []Reading) {
	d.add(rewriteOID, view, 0, classOID, view, 0, "i")
	d.add(rewriteOID, view, 0, classOID, view, 0, "n")
	d.reads(rewriteOID, view, reads)
	d.uses(rewriteOID, view, q)
}

// reads says which relations, or columns of them, something names.
func (d depends) reads(class, obj datum.OID, list []Reading) {
	for _, r := range list {
		if len(r.Columns) == 0 {
			d.add(class, obj, 0, classOID, r.Relation, 0, "n")
		}
		for _, a := range r.Columns {
			d.add(class, obj, 0, classOID, r.Relation, int(a), "n")
		}
		for _, k := range r.Keys {
			d.add(class, obj, 0, constraintOID, k, 0, "n")
		}
	}
}

func (d depends) table(o *TableObject) {
	d.add(typeOID, o.RowType, 0, classOID, o.ID, 0, "i")
	for i := range o.Columns {
		col := &o.Columns[i]
		if col.DefaultID != 0 {
			kind := "a"
			if col.Generated.Text != "" {
				kind = "i"
			}
			d.add(attrdefOID, col.DefaultID, 0, classOID, o.ID, i+1, kind)
			d.uses(attrdefOID, col.DefaultID, col.Default)
			d.uses(attrdefOID, col.DefaultID, col.Generated)
		}
		if !col.Dropped {
			d.onType(classOID, o.ID, i+1, col.Type)
		}
	}
	for i := range o.Constraints {
		if k := &o.Constraints[i]; k.Kind != NotNull {
			d.constraint(o, k)
		}
	}
	for i := range o.Indexes {
		d.index(o, &o.Indexes[i])
	}
}

func (d depends) constraint(o *TableObject, k *Constraint) {
	for _, a := range k.Columns {
		d.add(constraintOID, k.ID, 0, classOID, o.ID, int(a), "a")
	}
	for _, a := range k.RefColumns {
		d.add(constraintOID, k.ID, 0, classOID, k.RefTable, int(a), "n")
	}
	if k.Kind == ForeignKey {
		d.add(constraintOID, k.ID, 0, classOID, k.Index, 0, "n")
	}
	d.uses(constraintOID, k.ID, k.Check)
}

func (d depends) index(o *TableObject, ix *TableIndex) {
	if ix.Constraint != 0 {
		d.add(classOID, ix.ID, 0, constraintOID, ix.Constraint, 0, "i")
		return
	}
	if ix.Computed() {
		d.add(classOID, ix.ID, 0, classOID, o.ID, 0, "a")
	}
	for _, k := range ix.Keys {
		if k.Column > 0 {
			d.add(classOID, ix.ID, 0, classOID, o.ID, int(k.Column), "a")
		}
		d.uses(classOID, ix.ID, k.Expr)
	}
	d.uses(classOID, ix.ID, ix.Where)
}

// rewriteRows are the queries of views, each the one rule of its view.
func rewriteRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		if r.Kind == View || r.Kind == Materialized {
			t.add(row{"oid": r.OID, "rulename": "_RETURN", "ev_class": r.OID, "ev_type": "1", "ev_enabled": "O", "is_instead": true})
		}
	}
}
