package syntax

// CreateFunction is CREATE FUNCTION or PROCEDURE.
type CreateFunction struct {
	At
	Replace   bool
	Procedure bool
	Name      Name
	Args      []*FuncParam // RETURNS TABLE columns are among them, with the mode "table"
	Returns   *TypeName    // nil when not given or RETURNS TABLE
	Options   []*FuncOption
	Return    Expr   // RETURN expression
	Body      []Stmt // BEGIN ATOMIC … END; nil without it
	Atomic    bool
}

// FuncParam is a parameter of a function.
type FuncParam struct {
	At
	Mode    string // "", "in", "out", "inout", "variadic", "table"
	Name    string
	Type    *TypeName
	Default Expr
}

// FuncOption is one option of a function. Name is in lower case: "language", "as", "immutable", "stable", "volatile",
// "strict", "called on null input", "security definer", "security invoker", "leakproof", "not leakproof", "window",
// "cost", "rows", "support", "parallel", "set", "transform".
type FuncOption struct {
	At
	Name   string
	Values []string // of language, as (one or two), cost, rows, support, parallel
	Set    Stmt     // *Set or *Reset
	Types  []*TypeName
}

// Grant is GRANT or REVOKE of privileges on objects.
type Grant struct {
	At
	Revoke      bool
	OptionFor   bool         // REVOKE GRANT OPTION FOR
	Privileges  []*Privilege // empty for ALL
	Kind        string       // "TABLE", "SEQUENCE", "DATABASE", "SCHEMA", "FUNCTION"…
	AllInSchema bool         // ON ALL TABLES IN SCHEMA: Objects are schemas
	Objects     []*ObjectName
	Grantees    []*RoleSpec
	GrantOption bool // WITH GRANT OPTION
	GrantedBy   *RoleSpec
	Cascade     bool
	// Default makes it ALTER DEFAULT PRIVILEGES FOR ROLE ForRoles IN SCHEMA InSchemas: it is about objects of a kind to come, and there are no Objects.
	Default   bool
	ForRoles  []*RoleSpec
	InSchemas []Ident
}

// Privilege is one privilege, in lower case, with the columns it is for.
type Privilege struct {
	At
	Name    string
	Columns []Ident
}

// GrantRole is GRANT role TO role, or REVOKE.
type GrantRole struct {
	At
	Revoke    bool
	Roles     []*Privilege
	Grantees  []*RoleSpec
	Options   []*Option // WITH ADMIN OPTION is admin true; REVOKE ADMIN OPTION FOR has it with no value
	GrantedBy *RoleSpec
	Cascade   bool
}

// ObjectName names an object of any kind; Args are a function's or aggregate's argument types when HasArgs.
type ObjectName struct {
	At
	Name    Name
	HasArgs bool
	Args    []*FuncParam
	Star    bool // aggregate(*)
	On      Name // of TRIGGER, RULE, POLICY, CONSTRAINT … ON table
	// OfDomain: On is a domain.
	OfDomain bool
}

// Comment is COMMENT ON kind name IS text.
type Comment struct {
	At
	Kind   string // in upper case: "TABLE", "COLUMN"
	Object *ObjectName
	Text   *string // nil for NULL
}

// Drop is DROP kind names.
type Drop struct {
	At
	Kind         string // in upper case: "TABLE", "MATERIALIZED VIEW", "FUNCTION", "ROLE"
	IfExists     bool
	Concurrently bool
	Objects      []*ObjectName
	Roles        []*RoleSpec // of DROP ROLE
	Force        bool        // DROP DATABASE … WITH (FORCE)
	Cascade      Tristate    // Yes CASCADE, No RESTRICT
}

// AlterTable is ALTER TABLE, VIEW, INDEX, SEQUENCE or MATERIALIZED VIEW with a list of actions; of TYPE the columns are attributes.
type AlterTable struct {
	At
	Kind     string // in upper case: "TABLE", "INDEX"
	IfExists bool
	Table    *TableName
	Actions  []*AlterAction
}

// AlterAction is one action of ALTER TABLE.
type AlterAction struct {
	At
	Kind       AlterKind
	IfExists   bool // IF NOT EXISTS for AlterAddColumn
	Name       string
	Column     *ColumnDef
	Constraint *Constraint
	Type       *TypeName
	Collation  Name
	Expr       Expr // USING, SET DEFAULT
	Owner      *RoleSpec
	Options    []*Option
	Bound      *PartitionBound
	Target     Name // the partition, the parent
	Sequence   []*SequenceOption
	Number     string   // SET STATISTICS
	Cascade    Tristate // Yes CASCADE, No RESTRICT
	Word       string   // SET STORAGE word, TRIGGER ALL or USER, REPLICA IDENTITY word
	Period     *Period
	Flag       bool // CONCURRENTLY of DETACH, FINALIZE with Word
}

// AlterKind tells the actions of ALTER TABLE apart.
type AlterKind uint8

// The actions.
const (
	AlterAddColumn AlterKind = iota
	AlterDropColumn
	AlterColumnType
	AlterSetDefault
	AlterDropDefault
	AlterSetNotNull
	AlterDropNotNull
	AlterSetStatistics
	AlterSetStorage
	AlterSetCompression
	AlterSetColumnOptions
	AlterResetColumnOptions
	AlterSetExpression
	AlterDropExpression
	AlterAddIdentity
	AlterSetIdentity
	AlterDropIdentity
	AlterAddConstraint
	AlterConstraint
	AlterValidateConstraint
	AlterDropConstraint
	AlterOwner
	AlterSetOptions
	AlterResetOptions
	AlterSetTablespace
	AlterSetLogged
	AlterSetUnlogged
	AlterClusterOn
	AlterSetWithoutCluster
	AlterEnableTrigger
	AlterEnableAlwaysTrigger
	AlterEnableReplicaTrigger
	AlterDisableTrigger
	AlterEnableRule
	AlterEnableAlwaysRule
	AlterEnableReplicaRule
	AlterDisableRule
	AlterEnableRowSecurity
	AlterDisableRowSecurity
	AlterForceRowSecurity
	AlterNoForceRowSecurity
	AlterInherit
	AlterNoInherit
	AlterAttachPartition
	AlterDetachPartition
	AlterReplicaIdentity
	AlterSetAccessMethod
	AlterAddPeriod  // ADD PERIOD FOR: Period
	AlterDropPeriod // DROP PERIOD FOR name
)

// Rename is ALTER kind name RENAME [COLUMN|CONSTRAINT x] TO y.
type Rename struct {
	At
	Kind     string // in upper case: "TABLE", "VIEW", "INDEX", "SCHEMA", "ROLE"
	IfExists bool
	Object   *ObjectName
	Only     bool
	What     string // "" for the object itself, "COLUMN", "CONSTRAINT", "ATTRIBUTE", "VALUE"
	Old      string
	New      string
	Cascade  Tristate // of ATTRIBUTE
}

// SetSchema is ALTER kind name SET SCHEMA schema.
type SetSchema struct {
	At
	Kind     string
	IfExists bool
	Object   *ObjectName
	Only     bool
	Schema   string
}

// AlterOwnerStmt is ALTER kind name OWNER TO role, for what is not a table.
type AlterOwnerStmt struct {
	At
	Kind   string
	Object *ObjectName
	Owner  *RoleSpec
}

// AlterFunction is ALTER FUNCTION, PROCEDURE or ROUTINE name with other options.
type AlterFunction struct {
	At
	Kind    string
	Object  *ObjectName
	Options []*FuncOption
}

// AlterEnum is ALTER TYPE name ADD VALUE.
type AlterEnum struct {
	At
	Name        Name
	IfNotExists bool
	Value       string
	Neighbour   *string // nil when neither BEFORE nor AFTER is given
	Before      bool
}

// AlterSetting is ALTER ROLE … SET, ALTER DATABASE … SET and ALTER SYSTEM SET.
type AlterSetting struct {
	At
	Kind     string    // "ROLE", "DATABASE", "SYSTEM"
	Role     *RoleSpec // nil for ROLE ALL
	Database string    // the database, or IN DATABASE
	Change   Stmt      // *Set or *Reset
}

func (*ColumnDef) tableElement()  {}
func (*Constraint) tableElement() {}
func (*TableLike) tableElement()  {}
func (*Period) tableElement()     {}

func (*CreateTable) stmt()     {}
func (*CreateTableAs) stmt()   {}
func (*CreateView) stmt()      {}
func (*RefreshView) stmt()     {}
func (*CreateIndex) stmt()     {}
func (*CreateSequence) stmt()  {}
func (*CreateType) stmt()      {}
func (*CreateDomain) stmt()    {}
func (*CreateSchema) stmt()    {}
func (*CreateExtension) stmt() {}
func (*CreateDatabase) stmt()  {}
func (*CreateRole) stmt()      {}
func (*CreateFunction) stmt()  {}
func (*AlterFunction) stmt()   {}
func (*Grant) stmt()           {}
func (*GrantRole) stmt()       {}
func (*Comment) stmt()         {}
func (*Drop) stmt()            {}
func (*AlterTable) stmt()      {}
func (*Rename) stmt()          {}
func (*SetSchema) stmt()       {}
func (*AlterOwnerStmt) stmt()  {}
func (*AlterEnum) stmt()       {}
func (*AlterSetting) stmt()    {}

// Return is RETURN expression in the body of a function.
type Return struct {
	At
	Expr Expr
}

func (*Return) stmt() {}

// Tag implements Stmt.
func (*Return) Tag() string { return "RETURN" }
