package catalog

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
)

// TableObject is a table. Its constraints and indexes are part of it.
type TableObject struct {
	Header
	RowType     datum.OID     `json:"rowtype"` // OIDs of the type of its rows and of arrays of them
	Array       datum.OID     `json:"array"`
	Persistence Persistence   `json:"persistence,omitempty"`
	OnCommit    string        `json:"oncommit,omitempty"` // of temporary tables: "delete", "drop"
	Columns     []TableColumn `json:"columns"`
	NextColumn  uint32        `json:"nextcolumn"` // number of the next physical column
	Constraints []Constraint  `json:"constraints,omitempty"`
	Indexes     []TableIndex  `json:"indexes,omitempty"`
	Periods     []Period      `json:"periods,omitempty"`
	Options     []string      `json:"options,omitempty"`   // name=value of WITH, as pg_class.reloptions has them
	Unchecked   bool          `json:"unchecked,omitempty"` // its triggers are disabled, and with them its foreign keys both ways
}

// Persistence is how long rows last.
type Persistence string

// The kinds of persistence.
const (
	Permanent Persistence = ""
	Temporary Persistence = "temporary"
	Unlogged  Persistence = "unlogged"
)

// MaterializedObject is a materialized view: a table that a query fills.
type MaterializedObject struct {
	TableObject
	Query     Expression `json:"query"`
	Reads     []Reading  `json:"reads,omitempty"`
	Populated bool       `json:"populated,omitempty"`
}

// TableColumn is a column. Its attribute number is its place in TableObject.Columns plus one: dropped columns stay.
type TableColumn struct {
	Physical  uint32     `json:"physical"` // column of the storage; ALTER TYPE makes a new one
	Name      string     `json:"name"`
	Type      TypeRef    `json:"type"`
	NotNull   bool       `json:"notnull,omitempty"`
	Default   Expression `json:"default,omitzero"`
	DefaultID datum.OID  `json:"defaultid,omitempty"` // OID of the default or generation expression in pg_attrdef
	Identity  string     `json:"identity,omitempty"`  // "a" always, "d" by default
	Generated Expression `json:"generated,omitzero"`  // GENERATED ALWAYS AS …
	// Virtual: the column was declared so. It is computed when rows are written all the same: expressions are immutable, and columns that nobody reads cost nothing.
	Virtual bool `json:"virtual,omitempty"`
	// Missing is the value of versions written before the column was there, in datum's text form under the zero Env; nil: null.
	Missing *string `json:"missing,omitempty"`
	Storage string  `json:"storage,omitempty"` // "p", "e", "m", "x" where it was set
	Comment string  `json:"comment,omitempty"`
	Dropped bool    `json:"dropped,omitempty"`
}

// ConstraintKind is the letter that pg_constraint.contype has.
type ConstraintKind string

// The kinds of constraints.
const (
	PrimaryKey ConstraintKind = "p"
	Unique     ConstraintKind = "u"
	Check      ConstraintKind = "c"
	ForeignKey ConstraintKind = "f"
	NotNull    ConstraintKind = "n"
)

// Constraint is a constraint of a table. Columns are attribute numbers. Every column that is NOT NULL has one that says its name; tables that were
// made before these had names have none. As in the version of PostgreSQL that is followed, no relation of the catalog lists them.
type Constraint struct {
	ID         datum.OID      `json:"id"`
	Name       string         `json:"name"`
	Kind       ConstraintKind `json:"kind"`
	Columns    []int16        `json:"columns,omitempty"`
	Index      datum.OID      `json:"index,omitempty"` // of a key: its index; of a foreign key: the index of the key that it refers to
	Check      Expression     `json:"check,omitzero"`
	RefTable   datum.OID      `json:"reftable,omitempty"`
	RefColumns []int16        `json:"refcolumns,omitempty"`
	Full       bool           `json:"full,omitempty"`       // MATCH FULL
	OnUpdate   string         `json:"onupdate,omitempty"`   // "a" no action, "r" restrict, "c" cascade, "n" set null, "d" set default
	OnDelete   string         `json:"ondelete,omitempty"`   // the same
	SetColumns []int16        `json:"setcolumns,omitempty"` // ON DELETE SET NULL (columns)
	Deferrable bool           `json:"deferrable,omitempty"`
	Deferred   bool           `json:"deferred,omitempty"`
	NotValid   bool           `json:"notvalid,omitempty"` // rows that were there before are not checked
	NoInherit  bool           `json:"noinherit,omitempty"`
	// NotEnforced is a check or foreign key that nobody looks at; it is not valid then, either.
	NotEnforced bool `json:"notenforced,omitempty"`
	// Period is said of a key WITHOUT OVERLAPS, whose last two columns are the table's period, and of the check that a period implies.
	Period  bool   `json:"period,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// TableIndex is an index of a table. That of a primary key or unique constraint names it.
type TableIndex struct {
	ID               datum.OID  `json:"id"`
	Name             string     `json:"name"`
	Unique           bool       `json:"unique,omitempty"`
	Method           string     `json:"method,omitempty"` // access method; empty: btree
	NullsNotDistinct bool       `json:"nullsnotdistinct,omitempty"`
	Period           bool       `json:"period,omitempty"` // no two rows overlap that have the same keys but the last two: these are a period
	Keys             []IndexKey `json:"keys"`
	Include          []int16    `json:"include,omitempty"`
	Where            Expression `json:"where,omitzero"`
	Constraint       datum.OID  `json:"constraint,omitempty"`
	Comment          string     `json:"comment,omitempty"`
}

// AccessMethod is the name of the index's access method.
func (ix *TableIndex) AccessMethod() string {
	if ix.Method == "" {
		return "btree"
	}
	return ix.Method
}

// Kept reports whether the index has entries by which rows are found; if not, it is a definition only.
func (ix *TableIndex) Kept() bool { return ix.Method == "" || ix.Method == "hash" }

// Computed reports whether the index has expressions among its keys, or a predicate.
func (ix *TableIndex) Computed() bool {
	return ix.Where.Text != "" || slices.ContainsFunc(ix.Keys, func(k IndexKey) bool { return k.Column == 0 })
}

// Immediate reports whether an index is not that of a deferrable constraint, whose transaction may have one key in several rows meanwhile.
func (t *TableObject) Immediate(ix *TableIndex) bool {
	k := t.constraintByID(ix.Constraint)
	return k == nil || !k.Deferrable
}

func (t *TableObject) constraintByID(id datum.OID) *Constraint {
	for i := range t.Constraints {
		if t.Constraints[i].ID == id && id != 0 {
			return &t.Constraints[i]
		}
	}
	return nil
}

// IndexKey is a column or an expression of an index.
type IndexKey struct {
	Column     int16      `json:"column,omitempty"` // 0: Expr
	Expr       Expression `json:"expr,omitzero"`
	Name       string     `json:"name,omitempty"` // that pg_attribute gives an expression
	Type       TypeRef    `json:"type"`           // of what is compared: domains are resolved
	Desc       bool       `json:"desc,omitempty"`
	NullsFirst bool       `json:"nullsfirst,omitempty"`
	OpClass    string     `json:"opclass,omitempty"` // empty: the type's default
}

// Period is PERIOD FOR name (start, end): attribute numbers. A table has one at most.
type Period struct {
	Name  string `json:"name"`
	Start int16  `json:"start"`
	End   int16  `json:"end"`
}

// Column returns the attribute number of the named column, 0 if there is none.
func (t *TableObject) Column(name string) int16 {
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Name == name && !c.Dropped {
			return int16(i + 1)
		}
	}
	return 0
}

// Attr returns the column with an attribute number.
func (t *TableObject) Attr(n int16) *TableColumn { return &t.Columns[n-1] }

// Constraint returns the named constraint or nil.
func (t *TableObject) Constraint(name string) *Constraint {
	for i := range t.Constraints {
		if t.Constraints[i].Name == name {
			return &t.Constraints[i]
		}
	}
	return nil
}

// NotNullOf returns the constraint of a column that is NOT NULL, or nil.
func (t *TableObject) NotNullOf(attr int16) *Constraint {
	for i := range t.Constraints {
		if k := &t.Constraints[i]; k.Kind == NotNull && k.Columns[0] == attr {
			return k
		}
	}
	return nil
}

// PrimaryKey returns the primary key or nil.
func (t *TableObject) PrimaryKey() *Constraint {
	for i := range t.Constraints {
		if t.Constraints[i].Kind == PrimaryKey {
			return &t.Constraints[i]
		}
	}
	return nil
}

// Index returns the index with an ID, or nil.
func (t *TableObject) Index(id datum.OID) *TableIndex {
	for i := range t.Indexes {
		if t.Indexes[i].ID == id {
			return &t.Indexes[i]
		}
	}
	return nil
}
