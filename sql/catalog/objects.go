package catalog

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// Numbers that PostgreSQL gave to objects that rows of the catalog refer to.
const (
	superuser     datum.OID = 10   // the bootstrap role, owner of all built-in objects
	classOID      datum.OID = 1259 // pg_class
	typeOID       datum.OID = 1247 // pg_type
	procOID       datum.OID = 1255 // pg_proc
	namespaceOID  datum.OID = 2615 // pg_namespace
	constraintOID datum.OID = 2606 // pg_constraint
	btreeAM       datum.OID = 403
	heapAM        datum.OID = 2
	defaultColl   datum.OID = 100
	nameColl      datum.OID = 950 // C, the collation of type name
	defaultSpace  datum.OID = 1663
	internalLang  datum.OID = 12
)

// typeOID is the OID of a relation's row type. That of a built-in one is registered nowhere, but the column must not be zero.
func (r *Relation) typeOID() datum.OID {
	switch o := r.Object.(type) {
	case *SequenceObject:
		return 0
	case *CompositeObject:
		return o.ID
	}
	if r.Table != nil {
		return r.Table.RowType
	}
	return r.OID + 1_000_000
}

func (c *Catalog) schemaOID(name string) datum.OID {
	for _, s := range c.schemas {
		if s.Name == name {
			return s.OID
		}
	}
	return 0
}

// index finds an index by its OID.
func (c *Catalog) index(match func(*Index) bool) (*Relation, *Index) {
	for _, r := range c.relations {
		for i := range r.Indexes {
			if match(&r.Indexes[i]) {
				return r, &r.Indexes[i]
			}
		}
	}
	return nil, nil
}

// IndexDefinition is pg_get_indexdef: CREATE INDEX of the index with the OID, or column number column of it from 1.
func (c *Catalog) IndexDefinition(oid datum.OID, column int) (string, bool) {
	r, ix := c.index(func(i *Index) bool { return i.OID == oid })
	switch {
	case ix == nil:
		return "", false
	case column > len(ix.Columns):
		return "", true
	case column > 0:
		return r.Columns[ix.Columns[column-1]].Name, true
	}
	unique := ""
	if ix.Unique {
		unique = "UNIQUE "
	}
	return "CREATE " + unique + "INDEX " + ix.Name + " ON " + r.Schema + "." + r.Name + " USING btree (" + r.columnNames(ix) + ")", true
}

// ConstraintDefinition is pg_get_constraintdef.
func (c *Catalog) ConstraintDefinition(oid datum.OID) (string, bool) {
	r, ix := c.index(func(i *Index) bool { return i.Constraint != 0 && i.Constraint == oid })
	if ix == nil {
		return "", false
	}
	return ix.constraintKind() + " (" + r.columnNames(ix) + ")", true
}

func (ix *Index) constraintKind() string {
	if ix.Primary {
		return "PRIMARY KEY"
	}
	return "UNIQUE"
}

func (r *Relation) columnNames(ix *Index) string {
	out := make([]string, len(ix.Columns))
	for i, c := range ix.Columns {
		out[i] = r.Columns[c].Name
	}
	return strings.Join(out, ", ")
}

func (ix *Index) attributes() []int {
	out := make([]int, len(ix.Columns))
	for i, c := range ix.Columns {
		out[i] = c + 1
	}
	return out
}

func collationOf(t datum.OID) datum.OID {
	switch t {
	case datum.Text, datum.Varchar, datum.BPChar, datum.PgNodeTree:
		return defaultColl
	case datum.Name:
		return nameColl
	}
	if e := datum.ElemOf(t); e != 0 && t != datum.Name {
		return collationOf(e)
	}
	return 0
}

// Comment is the description of an object: of a relation, or of one of its columns (from 1); class is the catalog's OID.
func (c *Catalog) Comment(class, oid datum.OID, column int) (string, bool) {
	switch class {
	case classOID:
		r := c.byOID[oid]
		switch {
		case r == nil || column > len(r.Columns):
		case column > 0:
			return r.Columns[column-1].Doc, r.Columns[column-1].Doc != ""
		default:
			return r.Doc, r.Doc != ""
		}
	case namespaceOID:
		for _, s := range c.schemas {
			if s.OID == oid {
				return s.Doc, s.Doc != ""
			}
		}
	}
	return "", false
}
