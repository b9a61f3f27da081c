package catalog

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// TypeOID is the OID of the type that an object is or has, 0 if there is none.
func TypeOID(o Object) datum.OID {
	switch o := o.(type) {
	case *EnumObject, *DomainObject, *CompositeObject:
		return o.Head().ID
	case *TableObject:
		return o.RowType
	case *MaterializedObject:
		return o.RowType
	}
	return 0
}

// ArrayOID is the OID of the arrays of that type.
func ArrayOID(o Object) datum.OID {
	switch o := o.(type) {
	case *EnumObject:
		return o.Array
	case *DomainObject:
		return o.Array
	case *CompositeObject:
		return o.Array
	case *TableObject:
		return o.Array
	case *MaterializedObject:
		return o.Array
	}
	return 0
}

// TypeByName finds the object whose type a name means: in the schema if one is given, else along the search path.
func (c *Catalog) TypeByName(searchPath []string, schema, name string) Object {
	if schema != "" {
		searchPath = []string{schema}
	}
	for _, s := range searchPath {
		id := c.schemaOID(s)
		for _, o := range c.Objects() {
			if h := o.Head(); h.Name == name && h.Schema == id && TypeOID(o) != 0 {
				return o
			}
		}
	}
	return nil
}

// TypeObject returns the object that a type, or arrays of it, belongs to, and whether it is the arrays'; nil of built-in types.
func (c *Catalog) TypeObject(oid datum.OID) (o Object, array bool) {
	if c.own == nil {
		return nil, false
	}
	o = c.own.byType[oid]
	return o, o != nil && TypeOID(o) != oid
}

// FormatType names a type as SQL does, with its schema where the search path does not find it.
func (c *Catalog) FormatType(searchPath []string, t TypeRef) string {
	if datum.Lookup(t.OID) != nil {
		return datum.FormatType(datum.Type{OID: t.OID, Mod: t.Mod})
	}
	o, array := c.TypeObject(t.OID)
	if o == nil {
		return "???"
	}
	h := o.Head()
	name := funcs.QuoteIdent(h.Name)
	if c.TypeByName(searchPath, "", h.Name) != o {
		name = funcs.QuoteIdent(c.SchemaName(h.Schema)) + "." + name
	}
	if array {
		name += "[]"
	}
	return name
}

// Label finds a label, nil if there is none.
func (e *EnumObject) Label(label string) *EnumLabel {
	for i := range e.Labels {
		if e.Labels[i].Label == label {
			return &e.Labels[i]
		}
	}
	return nil
}

// Functions lists the users' functions of a name, in the order of the search path, or those of one schema.
func (c *Catalog) Functions(searchPath []string, schema, name string) []*FunctionObject {
	return c.routines(searchPath, schema, name, false)
}

// Procedures is Functions for procedures.
func (c *Catalog) Procedures(searchPath []string, schema, name string) []*FunctionObject {
	return c.routines(searchPath, schema, name, true)
}

func (c *Catalog) routines(searchPath []string, schema, name string, procedures bool) (out []*FunctionObject) {
	if c.own == nil || c.own.functions[name] == nil {
		return nil
	}
	if schema != "" {
		searchPath = []string{schema}
	}
	for _, s := range searchPath {
		id := c.schemaOID(s)
		for _, f := range c.own.functions[name] {
			if f.Schema == id && f.Procedure == procedures {
				out = append(out, f)
			}
		}
	}
	return out
}
