package catalog

import (
	"cmp"
	"slices"
	"sync"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// objects are the users' objects of a catalog.
type objects struct {
	list []Object // by ID
	byID map[datum.OID]Object
	// byType are the objects that types, and arrays of them, belong to; their numbers in package datum are made when they are asked for.
	byType map[datum.OID]Object
	types  *sync.Map
	// functions are those of users, by name.
	functions map[string][]*FunctionObject
	// byTable are the indexes and constraints of tables: the table's ID by theirs.
	byTable map[datum.OID]datum.OID
}

// With returns the catalog with these objects as the users' objects, instead of those that it had.
func (c *Catalog) With(list ...Object) *Catalog {
	out := c.base().with(nil)
	out.types, out.end, out.typed = c.types, c.end, &typed{}
	own := &objects{list: slices.Clone(list), byID: map[datum.OID]Object{}, byTable: map[datum.OID]datum.OID{}, byType: map[datum.OID]Object{}, types: &sync.Map{}, functions: map[string][]*FunctionObject{}}
	slices.SortFunc(own.list, func(a, b Object) int { return cmp.Compare(a.Head().ID, b.Head().ID) })
	for _, o := range own.list {
		own.byID[o.Head().ID] = o
		if t := TypeOID(o); t != 0 {
			own.byType[t], own.byType[ArrayOID(o)] = o, o
		}
		if f, ok := o.(*FunctionObject); ok {
			own.functions[f.Name] = append(own.functions[f.Name], f)
		}
	}
	out.own, out.built = own, c.base()
	for _, o := range own.list {
		if s, ok := o.(*SchemaObject); ok {
			out.schemas = append(slices.Clip(out.schemas), Schema{OID: s.ID, Name: s.Name, Doc: s.Comment})
		}
	}
	for _, o := range own.list {
		if r := out.relationOf(o); r != nil {
			out.add(r)
		}
	}
	sortRelations(out.relations)
	return out
}

// base is the catalog without objects of users.
func (c *Catalog) base() *Catalog {
	if c.built != nil {
		return c.built
	}
	return c
}

// Objects lists the users' objects by ID. The slice is not to be changed.
func (c *Catalog) Objects() []Object {
	if c.own == nil {
		return nil
	}
	return c.own.list
}

// Object returns the users' object with an ID, or nil.
func (c *Catalog) Object(id datum.OID) Object {
	if c.own == nil {
		return nil
	}
	return c.own.byID[id]
}

// relationOf makes the relation of an object, nil of one that is none.
func (c *Catalog) relationOf(o Object) *Relation {
	h := o.Head()
	r := &Relation{OID: h.ID, Schema: c.SchemaName(h.Schema), Name: h.Name, Doc: h.Comment, Object: o}
	switch o := o.(type) {
	case *TableObject:
		r.Kind = Table
		c.tableRelation(r, o)
	case *MaterializedObject:
		r.Kind = Materialized
		c.tableRelation(r, &o.TableObject)
		r.Definition = o.Query.Text
	case *ViewObject:
		r.Kind, r.Definition = View, o.Query.Text
		for i := range o.Columns {
			v := &o.Columns[i]
			r.Columns = append(r.Columns, c.column(v.Name, v.Type, v.Comment))
		}
	case *SequenceObject:
		r.Kind, r.Columns = Sequence, sequenceColumns
		r.Rows = asked(sequenceRow).bind(r)
	case *CompositeObject:
		r.OID, r.Kind = o.Relation, Composite
		for i, f := range o.Fields {
			if !f.Dropped {
				col := c.column(f.Name, f.Type, "")
				col.Attr = int16(i + 1)
				r.Columns = append(r.Columns, col)
			}
		}
	default:
		return nil
	}
	return r
}

// tableRelation fills in what a table is.
func (c *Catalog) tableRelation(r *Relation, t *TableObject) {
	r.Table = t
	place := make([]int, len(t.Columns))
	for i := range t.Columns {
		tc := &t.Columns[i]
		place[i] = -1
		if tc.Dropped {
			continue
		}
		place[i] = len(r.Columns)
		col := c.column(tc.Name, tc.Type, tc.Comment)
		col.Attr, col.Stored = int16(i+1), tc
		col.NotNull, col.Default = tc.NotNull, tc.Default.Text
		r.Columns = append(r.Columns, col)
	}
	for i := range t.Indexes {
		x := &t.Indexes[i]
		ix := Index{OID: x.ID, Constraint: x.Constraint, Name: x.Name, Unique: x.Unique, Stored: x}
		for _, k := range x.Keys {
			at := -1
			if k.Column > 0 {
				at = place[k.Column-1]
			}
			ix.Columns = append(ix.Columns, at)
		}
		c.own.byTable[x.ID] = t.ID
		r.Indexes = append(r.Indexes, ix)
	}
	for i := range t.Constraints {
		k := &t.Constraints[i]
		c.own.byTable[k.ID] = t.ID
		if k.Kind == NotNull && k.NotValid {
			r.Columns[place[k.Columns[0]-1]].NullsLeft = true
		}
		if k.Kind == PrimaryKey {
			for n := range r.Indexes {
				r.Indexes[n].Primary = r.Indexes[n].Primary || r.Indexes[n].OID == k.Index
			}
		}
	}
}

// column makes a column of a type that may be a user's.
func (c *Catalog) column(name string, t TypeRef, doc string) Column {
	typ, domain := c.Resolve(t)
	return Column{Name: name, Type: typ, Domain: domain, Doc: doc}
}

// Resolve gives the type that values of t have: of a domain it is the type under it, and the domain, whose conditions
// (and those of the domains that it is made of) they satisfy.
func (c *Catalog) Resolve(t TypeRef) (datum.Type, *DomainObject) {
	o, array := c.TypeObject(t.OID)
	switch o := o.(type) {
	case nil:
		return datum.Type{OID: t.OID, Mod: t.Mod}, nil
	case *DomainObject:
		if base, _ := c.Resolve(o.Base); !array {
			return base, o
		}
		return datum.T(datum.Unknown), nil // arrays of domains are refused where types are named
	}
	typ := c.ownType(o)
	if array {
		typ = datum.ArrayOf(typ)
	}
	return datum.T(typ), nil
}

// RefOf is a type as the catalog stores it.
func RefOf(t datum.Type) TypeRef { return TypeRef{OID: datum.Public(t.OID), Mod: t.Mod} }

// ownType is the number that package datum has for the type of an object.
func (c *Catalog) ownType(o Object) datum.OID {
	id := TypeOID(o)
	if t, ok := c.own.types.Load(id); ok {
		return t.(datum.OID)
	}
	h := o.Head()
	own := &datum.Own{ID: id, Array: ArrayOID(o), Schema: c.SchemaName(h.Schema), Name: h.Name, SQLName: funcs.QuoteIdent(h.Name)}
	if own.Schema != public {
		own.SQLName = funcs.QuoteIdent(own.Schema) + "." + own.SQLName
	}
	field := func(name string, t TypeRef) {
		typ, _ := c.Resolve(t)
		own.Fields = append(own.Fields, datum.Field{Name: name, Type: typ})
	}
	table := TableOf(o)
	switch o := o.(type) {
	case *EnumObject:
		own.Labels = []datum.Label{}
		for _, l := range o.Labels {
			own.Labels = append(own.Labels, datum.Label{Number: l.Number, Text: l.Label})
		}
	case *CompositeObject:
		own.Fields = []datum.Field{}
		var places []int
		for i, f := range o.Fields {
			if !f.Dropped {
				places = append(places, i)
				field(f.Name, f.Type)
			}
		}
		if len(places) < len(o.Fields) {
			own.Places = places
		}
	}
	if table != nil {
		for i := range table.Columns {
			if col := &table.Columns[i]; !col.Dropped {
				field(col.Name, col.Type)
			}
		}
	}
	t := datum.OwnType(own)
	c.own.types.Store(id, t)
	return t
}

// TableOf is the table that an object is or has, nil if there is none; it belongs to the object.
func TableOf(o Object) *TableObject {
	switch o := o.(type) {
	case *TableObject:
		return o
	case *MaterializedObject:
		return &o.TableObject
	}
	return nil
}

// SchemaName is the name of a schema, "" if there is none of that number.
func (c *Catalog) SchemaName(id datum.OID) string {
	for _, s := range c.schemas {
		if s.OID == id {
			return s.Name
		}
	}
	return ""
}
