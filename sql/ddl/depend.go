package ddl

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// thing is what can be dropped by itself: an object, or a part of a table.
type thing struct {
	part part
	id   datum.OID // the object, or the table of the part
	sub  datum.OID // a constraint or index of it
	attr int16     // a column of it, or an attribute of the composite type
}

type part uint8

const (
	wholeObject part = iota
	columnPart
	defaultPart
	constraintPart
	indexPart
	attributePart
)

// number is what dependents are put in order by.
func (t thing) number() datum.OID {
	if t.sub != 0 {
		return t.sub
	}
	return t.id
}

// dependent is what cannot be without something; auto says that it goes with it unasked.
type dependent struct {
	thing
	auto bool
}

// dependents lists what depends on a thing, in order.
func (p *planner) dependents(x thing) []dependent {
	var out []dependent
	add := func(auto bool, t thing) {
		if d := (dependent{t, auto}); t != x && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	for _, o := range p.cat.Objects() {
		if o.Head().ID == x.id && x.part == wholeObject {
			continue
		}
		p.dependsObject(o, x, add)
	}
	slices.SortStableFunc(out, func(a, b dependent) int {
		if x, y := p.onArrays(a.thing, x.id), p.onArrays(b.thing, x.id); x != y && x { // arrays go by a type of their own, which is dropped first
			return -1
		} else if x != y {
			return 1
		}
		return cmp.Compare(a.number(), b.number())
	})
	return out
}

// dependsObject finds what of an object depends on x.
func (p *planner) dependsObject(o catalog.Object, x thing, add func(auto bool, t thing)) {
	whole := thing{id: o.Head().ID}
	if x.part == attributePart {
		p.dependsField(o, x, add)
		return
	}
	if _, ok := p.cat.Object(x.id).(*catalog.SchemaObject); ok && x.part == wholeObject && o.Head().Schema == x.id {
		add(false, whole)
	}
	switch o := o.(type) {
	case *catalog.ViewObject:
		if reads(o.Reads, x) || x.part == wholeObject && p.uses(o.Query, x.id) {
			add(false, whole)
		}
	case *catalog.MaterializedObject:
		if reads(o.Reads, x) || x.part == wholeObject && p.uses(o.Query, x.id) {
			add(false, whole)
		}
		p.dependsTable(&o.TableObject, x, add)
	case *catalog.TableObject:
		p.dependsTable(o, x, add)
	case *catalog.SequenceObject:
		if o.Owner == x.id && (x.part == wholeObject || x.part == columnPart && o.Column == x.attr) {
			add(true, whole)
		}
	case *catalog.DomainObject:
		if x.part == wholeObject && (p.isType(o.Base, x.id) || p.uses(o.Default, x.id) || slices.ContainsFunc(o.Checks, func(c catalog.DomainCheck) bool { return p.uses(c.Check, x.id) })) {
			add(false, whole)
		}
	case *catalog.CompositeObject:
		for i, f := range o.Fields {
			if x.part == wholeObject && !f.Dropped && p.isType(f.Type, x.id) {
				add(false, thing{part: attributePart, id: o.ID, attr: int16(i + 1)})
			}
		}
	case *catalog.FunctionObject:
		if reads(o.Reads, x) || x.part == wholeObject && (p.isType(o.Returns, x.id) || slices.Contains(o.Uses, x.id) ||
			slices.ContainsFunc(o.Args, func(a catalog.FunctionParam) bool { return p.isType(a.Type, x.id) || p.uses(a.Default, x.id) })) {
			add(false, whole)
		}
	}
}

// needs finds what the objects of the change depend on, as they did not before.
func (p *planner) needs() {
	for _, o := range p.out.Objects {
		before := p.Bind.Catalog.Object(o.Head().ID)
		for _, x := range p.Bind.Catalog.Objects() {
			id := x.Head().ID
			if id == o.Head().ID || !p.dependsOn(o, id) || before != nil && p.dependsOn(before, id) {
				continue
			}
			p.out.Needs = append(p.out.Needs, id)
			if t := catalog.TableOf(o); t != nil && slices.ContainsFunc(t.Constraints, func(c catalog.Constraint) bool { return c.Kind == catalog.ForeignKey && c.RefTable == id }) {
				p.out.Refers = append(p.out.Refers, id)
			}
		}
	}
}

// dependsOn reports whether something of an object depends on another.
func (p *planner) dependsOn(o catalog.Object, id datum.OID) (yes bool) {
	p.dependsObject(o, thing{id: id}, func(bool, thing) { yes = true })
	return yes
}

// dependsTable finds what of a table depends on x.
func (p *planner) dependsTable(t *catalog.TableObject, x thing, add func(auto bool, t thing)) {
	for i := range t.Columns {
		c, attr := &t.Columns[i], int16(i+1)
		if c.Dropped || x.part != wholeObject {
			continue
		}
		if p.isType(c.Type, x.id) {
			add(false, thing{part: columnPart, id: t.ID, attr: attr})
		}
		if p.uses(c.Default, x.id) || p.uses(c.Generated, x.id) {
			add(false, thing{part: defaultPart, id: t.ID, attr: attr})
		}
	}
	for i := range t.Constraints {
		c := &t.Constraints[i]
		self := thing{part: constraintPart, id: t.ID, sub: c.ID}
		own := x.part == columnPart && x.id == t.ID && slices.Contains(c.Columns, x.attr)
		switch {
		case own:
			add(true, self)
		case c.Kind == catalog.ForeignKey && c.RefTable == x.id && (x.part == wholeObject || x.part == columnPart && slices.Contains(c.RefColumns, x.attr)):
			if x.id != t.ID || x.part == columnPart {
				add(false, self)
			}
		case c.Kind == catalog.ForeignKey && x.sub != 0 && (c.Index == x.sub || x.part == constraintPart && c.RefTable == x.id && c.Index == p.indexOf(x)):
			add(false, self)
		case x.part == wholeObject && p.uses(c.Check, x.id):
			add(false, self)
		}
	}
	for i := range t.Indexes {
		ix := &t.Indexes[i]
		if x.part == columnPart && x.id == t.ID && ix.Constraint == 0 && indexReads(t, ix, x.attr) {
			add(true, thing{part: indexPart, id: t.ID, sub: ix.ID})
		}
		if x.part == wholeObject && (p.uses(ix.Where, x.id) || slices.ContainsFunc(ix.Keys, func(k catalog.IndexKey) bool { return p.uses(k.Expr, x.id) })) {
			add(false, thing{part: indexPart, id: t.ID, sub: ix.ID})
		}
	}
	if x.part == columnPart && x.id == t.ID {
		for i := range t.Columns {
			if e, err := parsed(t.Columns[i].Generated); err == nil && !t.Columns[i].Dropped && slices.Contains(columnsOf(t, e), x.attr) {
				add(false, thing{part: columnPart, id: t.ID, attr: int16(i + 1)})
			}
		}
	}
}

// indexOf is the index of a key.
func (p *planner) indexOf(x thing) datum.OID {
	if t := catalog.TableOf(p.cat.Object(x.id)); t != nil {
		for i := range t.Constraints {
			if t.Constraints[i].ID == x.sub && t.Constraints[i].Kind != catalog.ForeignKey {
				return t.Constraints[i].Index
			}
		}
	}
	return ^datum.OID(0)
}

func indexReads(t *catalog.TableObject, ix *catalog.TableIndex, attr int16) bool {
	if slices.Contains(ix.Include, attr) {
		return true
	}
	exprs := []catalog.Expression{ix.Where}
	for _, k := range ix.Keys {
		if k.Column == attr {
			return true
		}
		exprs = append(exprs, k.Expr)
	}
	for _, e := range exprs {
		if x, err := parsed(e); e.Text != "" && err == nil && slices.Contains(columnsOf(t, x), attr) {
			return true
		}
	}
	return false
}

func reads(list []catalog.Reading, x thing) bool {
	return slices.ContainsFunc(list, func(r catalog.Reading) bool {
		return r.Relation == x.id && (x.part == wholeObject || x.part == columnPart && slices.Contains(r.Columns, x.attr) ||
			x.part == constraintPart && slices.Contains(r.Keys, x.sub))
	})
}

func (p *planner) uses(e catalog.Expression, id datum.OID) bool { return slices.Contains(e.Uses, id) }

// isType reports whether a type is that of an object, or arrays of it.
func (p *planner) isType(t catalog.TypeRef, id datum.OID) bool {
	o := p.cat.Object(id)
	return o != nil && t.OID != 0 && (t.OID == catalog.TypeOID(o) || t.OID == catalog.ArrayOID(o))
}

// onArrays reports whether a column or attribute is one of arrays of a type.
func (p *planner) onArrays(t thing, id datum.OID) bool {
	o := p.cat.Object(id)
	if c, ok := p.cat.Object(t.id).(*catalog.CompositeObject); ok && o != nil && t.part == attributePart {
		return c.Fields[t.attr-1].Type.OID == catalog.ArrayOID(o)
	}
	if o == nil || t.part != columnPart {
		return false
	}
	of := catalog.TableOf(p.cat.Object(t.id))
	return of != nil && of.Attr(t.attr).Type.OID == catalog.ArrayOID(o) && catalog.ArrayOID(o) != 0
}

// doom is what goes with things that are dropped.
type doom struct {
	p       *planner
	things  []thing
	said    []string // "view v depends on table t", in order
	cascade []string // "drop cascades to view v"
	of      []thing  // what each of these is about
}

func (d *doom) visit(x thing) {
	for _, dep := range d.p.dependents(x) {
		if d.has(dep.thing) {
			continue
		}
		d.things = append(d.things, dep.thing)
		if dep.part == wholeObject {
			d.forget(dep.id)
		}
		if !dep.auto {
			name := d.p.describe(dep.thing)
			on := x
			if i := d.p.indexOf(x); x.part == constraintPart && dep.part == constraintPart && i != ^datum.OID(0) {
				on = thing{part: indexPart, id: x.id, sub: i}
			}
			what := d.p.describe(on)
			if d.p.onArrays(dep.thing, x.id) {
				what += "[]"
			}
			d.said = append(d.said, name+" depends on "+what)
			d.cascade = append(d.cascade, "drop cascades to "+name)
			d.of = append(d.of, dep.thing)
		}
		d.visit(dep.thing)
	}
}

// forget takes back what was said of parts of an object, which goes as a whole.
func (d *doom) forget(id datum.OID) {
	for i := len(d.of) - 1; i >= 0; i-- {
		if d.of[i].id == id && d.of[i].part != wholeObject {
			d.of, d.said, d.cascade = slices.Delete(d.of, i, i+1), slices.Delete(d.said, i, i+1), slices.Delete(d.cascade, i, i+1)
		}
	}
}

// has reports whether a thing is dropped, by itself or with what it is part of.
func (d *doom) has(x thing) bool {
	return slices.Contains(d.things, x) || slices.Contains(d.things, thing{id: x.id}) ||
		x.part == defaultPart && slices.Contains(d.things, thing{part: columnPart, id: x.id, attr: x.attr})
}

// dropThings drops things and, with CASCADE, what depends on them.
func (p *planner) dropThings(list []thing, cascade bool) error {
	d := &doom{p: p, things: slices.Clone(list)}
	for _, x := range slices.Backward(list) {
		d.visit(x)
	}
	switch {
	case len(d.said) > 0 && !cascade:
		what := "cannot drop desired object(s) because other objects depend on them"
		if len(list) == 1 {
			what = "cannot drop " + p.describe(list[0]) + " because other objects depend on it"
		}
		return pgerr.New(pgerr.DependentObjectsStillExist, "%s", what).WithDetail("%s", strings.Join(d.said, "\n")).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	case len(d.cascade) == 1:
		p.notice("00000", "%s", d.cascade[0])
	case len(d.cascade) > 1:
		p.noticeDetail("drop cascades to "+strconv.Itoa(len(d.cascade))+" other objects", strings.Join(d.cascade, "\n"))
	}
	return p.erase(d.things)
}

// erase takes things out of the catalog.
func (p *planner) erase(list []thing) error {
	for _, x := range list {
		if x.part == wholeObject {
			continue
		}
		whole := thing{id: x.id}
		if slices.Contains(list, whole) {
			continue
		}
		o, err := catalog.Clone(p.cat.Object(x.id))
		if err != nil {
			return err
		}
		if x.part == attributePart {
			if err := p.eraseAttribute(o.(*catalog.CompositeObject), x.attr); err != nil {
				return err
			}
			continue
		}
		t := catalog.TableOf(o)
		if x.part == columnPart {
			if err := p.mayReshape(t, list); err != nil {
				return err
			}
		}
		erasePart(t, x)
		p.put(o)
	}
	for _, x := range list {
		if x.part == wholeObject {
			p.remove(x.id)
		}
	}
	return nil
}

func erasePart(t *catalog.TableObject, x thing) {
	switch x.part {
	case columnPart:
		c := t.Attr(x.attr)
		t.Periods = slices.DeleteFunc(t.Periods, func(p catalog.Period) bool { return p.Start == x.attr || p.End == x.attr })
		*c = catalog.TableColumn{Physical: c.Physical, Name: catalog.DroppedName(int(x.attr)), Type: c.Type, Dropped: true}
	case defaultPart:
		t.Attr(x.attr).Default, t.Attr(x.attr).DefaultID = catalog.Expression{}, 0
	case constraintPart:
		for _, c := range t.Constraints {
			if c.ID == x.sub && (c.Kind == catalog.PrimaryKey || c.Kind == catalog.Unique) {
				t.Indexes = slices.DeleteFunc(t.Indexes, func(ix catalog.TableIndex) bool { return ix.ID == c.Index })
			}
		}
		t.Constraints = slices.DeleteFunc(t.Constraints, func(c catalog.Constraint) bool { return c.ID == x.sub })
	case indexPart:
		t.Indexes = slices.DeleteFunc(t.Indexes, func(ix catalog.TableIndex) bool { return ix.ID == x.sub })
	}
}

// describe names a thing as PostgreSQL's messages do.
func (p *planner) describe(x thing) string {
	o := p.cat.Object(x.id)
	if o == nil {
		return "object " + itoa(x.id)
	}
	t := catalog.TableOf(o)
	switch x.part {
	case attributePart:
		return "column " + o.(*catalog.CompositeObject).Fields[x.attr-1].Name + " of composite " + p.describe(thing{id: x.id})
	case columnPart:
		return "column " + t.Attr(x.attr).Name + " of " + p.describe(thing{id: x.id})
	case defaultPart:
		return "default value for column " + t.Attr(x.attr).Name + " of " + p.describe(thing{id: x.id})
	case constraintPart:
		for i := range t.Constraints {
			if t.Constraints[i].ID == x.sub {
				return "constraint " + t.Constraints[i].Name + " on " + p.describe(thing{id: x.id})
			}
		}
	case indexPart:
		if ix := t.Index(x.sub); ix != nil {
			return "index " + p.shown(t.Schema, ix.Name)
		}
	}
	return p.objectWord(o) + " " + p.objectName(o)
}

func (p *planner) objectWord(o catalog.Object) string {
	switch o := o.(type) {
	case *catalog.SchemaObject:
		return "schema"
	case *catalog.ExtensionObject:
		return "extension"
	case *catalog.TableObject:
		return "table"
	case *catalog.MaterializedObject:
		return "materialized view"
	case *catalog.ViewObject:
		return "view"
	case *catalog.SequenceObject:
		return "sequence"
	case *catalog.FunctionObject:
		if o.Procedure {
			return "procedure"
		}
		return "function"
	}
	return "type"
}

func (p *planner) objectName(o catalog.Object) string {
	h := o.Head()
	if _, ok := o.(*catalog.ExtensionObject); ok || h.Schema == 0 {
		return funcs.QuoteIdent(h.Name)
	}
	name := p.shown(h.Schema, h.Name)
	if f, ok := o.(*catalog.FunctionObject); ok {
		name += "(" + p.signature(f, ",") + ")"
	}
	return name
}

// shown is a name with its schema where the search path does not have that.
func (p *planner) shown(schema datum.OID, name string) string {
	if slices.Contains(p.path(), p.schemaName(schema)) {
		return funcs.QuoteIdent(name)
	}
	return quoted(p.schemaName(schema), name)
}

// signature lists the types of the arguments that a function takes.
func (p *planner) signature(f *catalog.FunctionObject, sep string) string {
	var out []string
	for _, a := range f.Args {
		if a.Mode != "t" && a.Mode != "o" {
			out = append(out, p.cat.FormatType(p.path(), a.Type))
		}
	}
	return strings.Join(out, sep)
}

func cascades(t syntax.Tristate) bool { return t == syntax.Yes }
