// Package catalog is the table of relations: events, and pg_catalog and information_schema as relations that can be
// scanned like any other. The binder resolves names against a Catalog as of the read time; the engine scans what is
// stored and calls Rows for the rest. A Catalog is a value made for one database at one moment: later tables and
// views are further relations given to New, and the Catalog of another moment is another value.
package catalog

import (
	"context"
	"sort"
	"strings"
	"sync"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// Kind is what a relation is, in the letters of pg_class.relkind.
type Kind byte

// The kinds in use.
const (
	Table Kind = 'r'
	View  Kind = 'v'
	// IndexKind is what the keys of a table are in pg_class. No Relation has it.
	IndexKind    Kind = 'i'
	Materialized Kind = 'm'
	Sequence     Kind = 'S'
	Composite    Kind = 'c' // a type of rows: no query can name it
)

// Relation is one relation. It is not changed after it was given to New.
type Relation struct {
	OID     datum.OID
	Schema  string
	Name    string
	Kind    Kind
	Columns []Column
	Indexes []Index
	Doc     string
	// Definition is the query of a view.
	Definition string
	// Changing says that the relation follows the log. Of a view the definition does, and a plan is right for what the log was
	// when it was made; other rows are those of the moment that is asked about.
	Changing bool
	// Rows computes the rows of a relation that is not stored: all the columns in order, of their types' kinds.
	// It is nil for stored relations.
	Rows RowsFunc
	// Object is what a user made, nil for what every database has.
	Object Object
	// Table is how the rows of a user's table or materialized view are stored, with its constraints; nil for others.
	Table *TableObject
}

// Query is the query of a view. That of one whose rows are made by the server names the view itself.
func (r *Relation) Query() string {
	if r.Definition != "" || r.Kind != View {
		return r.Definition
	}
	names := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		names[i] = funcs.QuoteIdent(c.Name)
	}
	return " SELECT " + strings.Join(names, ",\n    ") + "\n   FROM " + funcs.QuoteIdent(r.Schema) + "." + funcs.QuoteIdent(r.Name) + ";"
}

// Column is a column of a relation.
type Column struct {
	Name    string
	Type    datum.Type // of a domain: the type under it
	NotNull bool
	// NullsLeft: rows from before it was NOT NULL may have nulls in it.
	NullsLeft bool
	Default   string // SQL text, "" when there is none
	Doc       string
	Attr      int16         // attribute number; 0: its place in Relation.Columns plus one
	Stored    *TableColumn  // of a user's table
	Domain    *DomainObject // what the type is, when it is a domain
}

// IsGenerated reports whether the values are computed from other columns.
func (c *Column) IsGenerated() bool { return c.Stored != nil && c.Stored.Generated.Text != "" }

// Index is a key of a relation and, when Primary or Unique, the constraint of the same name.
type Index struct {
	OID        datum.OID
	Constraint datum.OID // OID of the constraint, 0 when there is none
	Name       string
	Columns    []int // into Relation.Columns; -1 stands for an expression
	Unique     bool
	Primary    bool
	Stored     *TableIndex // of a user's table
}

// method is the name of the index's access method.
func (ix *Index) method() string {
	if ix.Stored == nil {
		return "btree"
	}
	return ix.Stored.AccessMethod()
}

// RowsFunc makes the rows of a built-in relation.
type RowsFunc func(ctx context.Context, c *Context) (*vec.Batch, error)

// Context is what built-in relations are made from.
type Context struct {
	Catalog *Catalog
	Server  Server
	// Counted gives the event types with how many events have what; nil: there are none. Rows sets it.
	Counted func() []EventShape
}

// Server answers what only the running server knows; the engine implements it. What is not one database's business is
// left out by the engine: it lists what the asking session may see.
type Server interface {
	Databases(ctx context.Context) ([]Database, error)
	Roles(ctx context.Context) ([]Role, error)
	Settings(ctx context.Context) ([]Setting, error)
	Sessions(ctx context.Context) ([]Session, error)
	// Prepared lists the session's prepared statements, Cursors its open cursors, by name.
	Prepared() []PreparedStatement
	Cursors() []OpenCursor
	// Locks lists what sessions of the database have locked or wait for.
	Locks() []Lock
	// SequenceState is the last value that a sequence gave, or the first that it will give when called is false.
	SequenceState(id datum.OID) (last int64, called bool, err error)
	// Shown writes an expression of a user's relation, with spare parentheses, or the query of a view, as PostgreSQL does.
	Shown(r *Relation, text string) (string, error)
	// ShownCheck writes a condition of a domain, with spare parentheses.
	ShownCheck(d *DomainObject, k *DomainCheck) string
	// ShownIndex is CREATE INDEX of an index.
	ShownIndex(r *Relation, ix *TableIndex) (string, error)
}

// PreparedStatement is a row of pg_prepared_statements.
type PreparedStatement struct {
	Name, Text string
	At         int64 // when it was prepared
	Types      []datum.OID
	SQL        bool // by PREPARE, not by the protocol
}

// OpenCursor is a row of pg_cursors.
type OpenCursor struct {
	Name, Text           string
	Holdable, Scrollable bool
	At                   int64 // when it was declared
}

// Database is a row of pg_database.
type Database struct {
	OID   datum.OID
	Name  string
	Owner datum.OID
}

// Role is a row of pg_roles.
type Role struct {
	OID        datum.OID
	Name       string
	Super      bool
	CreateRole bool
	CreateDB   bool
	Login      bool
	MemberOf   []datum.OID
}

// Setting is a row of pg_settings.
type Setting struct {
	Name, Value, Unit, Category, Doc string
	Context                          string // "user", "internal", "postmaster"…
	Type                             string // "bool", "integer", "string", "enum", "real"
	Source, Default                  string
}

// Session is a row of pg_stat_activity. Times are microseconds since 2000-01-01 UTC, 0 for none.
type Session struct {
	PID                                 int32
	Database, User, Application, Client string
	Port                                int32 // -1 unknown
	Started, TxStarted, QueryStarted    int64
	StateChanged                        int64
	State, Query                        string
	WaitsFor                            string // the kind of lock, as in pg_locks; "": nothing
}

// Lock is a row of pg_locks.
type Lock struct {
	Type, Mode string
	Relation   datum.OID // 0: not of a table
	Object     datum.OID // an index; the lower half of an advisory lock's number
	Class      datum.OID // the upper half
	Two        bool      // an advisory lock that was named by two numbers
	PID        int32
	Granted    bool
}

// Schema is a namespace.
type Schema struct {
	OID  datum.OID
	Name string
	Doc  string
}

// Catalog holds the relations of one database as of one moment. It is safe for concurrent use.
type Catalog struct {
	database  string
	relations []*Relation // by OID
	byOID     map[datum.OID]*Relation
	byName    map[[2]string]*Relation
	schemas   []Schema
	own       *objects   // of users; nil: none
	built     *Catalog   // what With began with, nil when this is it
	types     TypeSource // nil: the views of event types are not asked for
	end       int64      // the position that they are asked for
	typed     *typed
	made      sync.Map // OID of a built-in relation to its rows, of those that depend on nothing but the catalog
}

// New returns the catalog of a database: the built-in relations and those given.
func New(database string, relations ...*Relation) *Catalog {
	return (&Catalog{database: database, relations: builtins(), schemas: builtinSchemas}).with(relations)
}

// with returns a catalog that has more relations.
func (c *Catalog) with(more []*Relation) *Catalog {
	out := &Catalog{database: c.database, byOID: map[datum.OID]*Relation{}, byName: map[[2]string]*Relation{}, schemas: c.schemas, own: c.own, built: c.built}
	for _, list := range [][]*Relation{c.relations, more} {
		for _, r := range list {
			out.add(r)
		}
	}
	sortRelations(out.relations)
	return out
}

func sortRelations(list []*Relation) {
	sort.Slice(list, func(i, j int) bool { return list[i].OID < list[j].OID })
}

func (c *Catalog) add(r *Relation) {
	c.relations = append(c.relations, r)
	c.byOID[r.OID] = r
	c.byName[[2]string{r.Schema, r.Name}] = r
}

// Database returns the name of the database.
func (c *Catalog) Database() string { return c.database }

// Relations lists all relations by OID. The slice is not to be changed.
func (c *Catalog) Relations() []*Relation { return c.whole().relations }

// Schemas lists the schemas by OID. The slice is not to be changed.
func (c *Catalog) Schemas() []Schema { return c.schemas }

// ByOID returns the relation or nil.
func (c *Catalog) ByOID(oid datum.OID) *Relation {
	if oid >= firstTypeView {
		c = c.whole()
	}
	return c.byOID[oid]
}

// HasSchema reports whether the schema exists.
func (c *Catalog) HasSchema(name string) bool {
	for _, s := range c.schemas {
		if s.Name == name {
			return true
		}
	}
	return false
}

// Lookup finds a relation: in the schema if one is given, else in pg_catalog and then along the search path ("$user" and
// unknown schemas are passed over). It returns nil when there is none.
func (c *Catalog) Lookup(searchPath []string, schema, name string) *Relation {
	if schema == byType && c.types != nil {
		return c.typeView(name)
	}
	if schema != "" {
		return c.byName[[2]string{schema, name}]
	}
	explicit := false
	for _, s := range searchPath {
		explicit = explicit || s == pgCatalog
	}
	if !explicit {
		if r := c.byName[[2]string{pgCatalog, name}]; r != nil {
			return r
		}
	}
	for _, s := range searchPath {
		if r := c.byName[[2]string{s, name}]; r != nil {
			return r
		}
		if s == byType && c.types != nil {
			if r := c.typeView(name); r != nil {
				return r
			}
		}
	}
	return nil
}

// Column returns the index of the named column, or -1.
func (r *Relation) Column(name string) int {
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// AttrNum is the attribute number of the column at place i.
func (r *Relation) AttrNum(i int) int16 {
	if n := r.Columns[i].Attr; n != 0 {
		return n
	}
	return int16(i + 1)
}

// Stored reports whether rows are read from the log rather than computed.
func (r *Relation) Stored() bool { return r.Rows == nil }

const (
	pgCatalog  = "pg_catalog"
	infoSchema = "information_schema"
	public     = "public"
)
