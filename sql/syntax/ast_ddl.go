package syntax

// Persistence is TEMPORARY or UNLOGGED, or neither.
type Persistence uint8

// The kinds of persistence.
const (
	Permanent Persistence = iota
	Temporary
	Unlogged
)

// OnCommit is what a temporary table does at commit.
type OnCommit uint8

// The behaviours.
const (
	OnCommitDefault OnCommit = iota
	OnCommitPreserve
	OnCommitDelete
	OnCommitDrop
)

// CreateTable is CREATE TABLE.
type CreateTable struct {
	At
	Persistence Persistence
	IfNotExists bool
	Name        Name
	OfType      Name // CREATE TABLE … OF type
	Elements    []TableElement
	Inherits    []Name
	PartitionOf Name            // CREATE TABLE … PARTITION OF parent
	Bound       *PartitionBound // of PartitionOf
	PartitionBy *PartitionBy
	Access      string // USING method
	With        []*Option
	OnCommit    OnCommit
	Tablespace  string
}

// TableElement is what stands in the parentheses of CREATE TABLE: *ColumnDef, *Constraint, *TableLike or *Period.
type TableElement interface {
	Node
	tableElement()
}

// ColumnDef is a column of a table, of a composite type or of a function in FROM.
type ColumnDef struct {
	At
	Name        string
	Type        *TypeName // nil in CREATE TABLE … OF
	Storage     string
	Compression string
	Collation   Name
	Constraints []*Constraint
}

// Constraint is a constraint of a column or of a table.
type Constraint struct {
	At
	Name    string
	Kind    ConstraintKind
	Expr    Expr    // ConstraintCheck, ConstraintDefault, ConstraintGenerated
	Columns []Ident // of the table: unique, primary key, foreign key, not null
	// Period ends the list of a key as PERIOD WITHOUT OVERLAPS and that of a foreign key as PERIOD p; RefPeriod is the other table's.
	Period, RefPeriod string
	// NullsNotDistinct and Include are of unique and primary key.
	NullsNotDistinct bool
	Include          []Ident
	With             []*Option
	Tablespace       string
	UsingIndex       string // ALTER TABLE … ADD UNIQUE USING INDEX i
	// Exclude and the rest are of EXCLUDE USING method (elem WITH op) WHERE (…).
	Exclude []*ExcludeElem
	Method  string
	Where   Expr
	// Ref and what follows are of foreign keys.
	Ref        Name
	RefColumns []Ident
	Match      string // "", "full", "partial", "simple"
	OnDelete   RefAction
	OnUpdate   RefAction
	SetColumns []Ident // ON DELETE SET NULL (columns)
	Always     bool    // GENERATED ALWAYS
	Sequence   []*SequenceOption
	Virtual    bool // GENERATED ALWAYS AS (…) VIRTUAL, which is meant where it does not say STORED
	Deferrable Tristate
	Deferred   Tristate // INITIALLY DEFERRED, INITIALLY IMMEDIATE
	Enforced   Tristate
	NotValid   bool
	NoInherit  bool
	Inherit    bool // ALTER CONSTRAINT … INHERIT
	Attrs      At   // where DEFERRABLE and its like begin
}

// ConstraintKind tells constraints apart.
type ConstraintKind uint8

// The constraints.
const (
	ConstraintNull ConstraintKind = iota
	ConstraintNotNull
	ConstraintDefault
	ConstraintCheck
	ConstraintUnique
	ConstraintPrimaryKey
	ConstraintForeignKey
	ConstraintExclude
	ConstraintIdentity  // GENERATED … AS IDENTITY
	ConstraintGenerated // GENERATED ALWAYS AS (…) STORED or VIRTUAL
	// ConstraintAttr is DEFERRABLE, ENFORCED or INITIALLY … standing after a column's constraint.
	ConstraintAttr
)

// RefAction is what a foreign key does when its row goes.
type RefAction uint8

// The actions.
const (
	RefUnsaid RefAction = iota
	RefNoAction
	RefRestrict
	RefCascade
	RefSetNull
	RefSetDefault
)

// ExcludeElem is one element of EXCLUDE.
type ExcludeElem struct {
	At
	Elem *IndexElem
	Op   Operator
}

// TableLike is LIKE table INCLUDING ….
type TableLike struct {
	At
	Name    Name
	Options []LikeOption
}

// LikeOption is INCLUDING or EXCLUDING what, in lower case: "all", "defaults".
type LikeOption struct {
	Excluding bool
	What      string
}

// Period is PERIOD FOR name (start, end): the table's own valid time.
type Period struct {
	At
	Name       string
	Start, End string
}

// PartitionBy is PARTITION BY strategy (elements).
type PartitionBy struct {
	At
	Strategy string
	Elems    []*IndexElem
}

// PartitionBound is FOR VALUES …, or DEFAULT. Exactly one form is set.
type PartitionBound struct {
	At
	Default   bool
	In        []Expr
	From, To  []Expr
	Modulus   int
	Remainder int
}

// CreateTableAs is CREATE TABLE … AS, and CREATE MATERIALIZED VIEW with Materialized.
type CreateTableAs struct {
	At
	Materialized bool
	Persistence  Persistence
	IfNotExists  bool
	Name         Name
	Columns      []Ident
	Access       string
	With         []*Option
	OnCommit     OnCommit
	Tablespace   string
	Source       Stmt // *Query or *Execute
	NoData       bool
}

// CreateView is CREATE VIEW.
type CreateView struct {
	At
	Replace     bool
	Persistence Persistence
	Recursive   bool
	Name        Name
	Columns     []Ident
	With        []*Option
	Query       *Query
	Check       string // "", "local", "cascaded"
}

// RefreshView is REFRESH MATERIALIZED VIEW.
type RefreshView struct {
	At
	Concurrently bool
	Name         Name
	NoData       bool
}

// CreateIndex is CREATE INDEX.
type CreateIndex struct {
	At
	Unique           bool
	Concurrently     bool
	IfNotExists      bool
	Name             string
	Table            *TableName
	Method           string
	Elems            []*IndexElem
	Include          []*IndexElem
	NullsNotDistinct bool
	With             []*Option
	Tablespace       string
	Where            Expr
}

// IndexElem is a column or expression of an index: Name or Expr is set.
type IndexElem struct {
	At
	Name      string
	Expr      Expr
	Collation Name
	OpClass   Name
	OpOptions []*Option
	Dir       SortDir
	Nulls     NullsOrder
}

// CreateSequence is CREATE SEQUENCE, or ALTER SEQUENCE with Alter.
type CreateSequence struct {
	At
	Alter       bool
	Persistence Persistence
	IfNotExists bool // IF EXISTS with Alter
	Name        Name
	Options     []*SequenceOption
}

// SequenceOption is one option of a sequence. Kind is in lower case: "as", "start", "increment", "minvalue",
// "no minvalue", "maxvalue", "no maxvalue", "cache", "cycle", "no cycle", "owned by", "sequence name", "restart".
type SequenceOption struct {
	At
	Kind  string
	Value string // a number, "" when there is none
	Name  Name   // of OWNED BY and SEQUENCE NAME
	Type  *TypeName
}

// CreateType is CREATE TYPE: enum, composite or (Shell) only a name.
type CreateType struct {
	At
	Name   Name
	Kind   TypeKind
	Labels []string
	Fields []*ColumnDef
}

// TypeKind tells the kinds of CREATE TYPE apart.
type TypeKind uint8

// The kinds of types.
const (
	ShellType TypeKind = iota
	EnumType
	CompositeType
)

// CreateDomain is CREATE DOMAIN.
type CreateDomain struct {
	At
	Name        Name
	Type        *TypeName
	Collation   Name
	Constraints []*Constraint
}

// CreateExtension is CREATE EXTENSION.
type CreateExtension struct {
	At
	IfNotExists bool
	Name        string
	Schema      string
	Version     string
	Cascade     bool
}

// CreateSchema is CREATE SCHEMA.
type CreateSchema struct {
	At
	IfNotExists   bool
	Name          string // may be "" with Authorization
	Authorization *RoleSpec
	Elements      []Stmt
}

// CreateDatabase is CREATE DATABASE. Option names are in lower case, blanks kept.
type CreateDatabase struct {
	At
	Name    string
	Options []*Option
}

// CreateRole is CREATE ROLE, USER or GROUP, and ALTER of these with Alter.
type CreateRole struct {
	At
	Alter   bool
	Kind    string // "ROLE", "USER", "GROUP"
	Name    *RoleSpec
	Options []*RoleOption
}

// RoleOption is one option of a role. Name is in lower case as PostgreSQL's catalog has it: "superuser", "nologin",
// "password", "connection limit", "valid until", "in role", "role", "admin", "sysid".
type RoleOption struct {
	At
	Name  string
	Value *Const
	Roles []*RoleSpec
}

// RoleSpec is a role's name, or one of CURRENT_USER, CURRENT_ROLE, SESSION_USER (Special, in lower case) or PUBLIC.
type RoleSpec struct {
	At
	Name    string
	Special bool
}
