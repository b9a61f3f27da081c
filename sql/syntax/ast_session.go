package syntax

// Transaction is a transaction statement.
type Transaction struct {
	At
	Kind  TransactionKind
	Modes []*TransactionMode // BEGIN and START
	Name  string             // the savepoint, or the id of a prepared transaction
	Chain Tristate           // COMMIT AND [NO] CHAIN
}

// TransactionKind tells transaction statements apart.
type TransactionKind uint8

// The transaction statements. END is COMMIT and ABORT is ROLLBACK.
const (
	Begin TransactionKind = iota
	StartTransaction
	Commit
	Rollback
	Savepoint
	ReleaseSavepoint
	RollbackTo
	PrepareTransaction
	CommitPrepared
	RollbackPrepared
)

// TransactionMode is one of the modes that BEGIN, START TRANSACTION and SET TRANSACTION take.
type TransactionMode struct {
	At
	Kind  TransactionModeKind
	Level string // of Isolation, in lower case: "read committed"
	AsOf  *AsOf  // of ModeAsOf
}

// TransactionModeKind tells the modes apart.
type TransactionModeKind uint8

// The modes.
const (
	ModeIsolation TransactionModeKind = iota
	ModeReadOnly
	ModeReadWrite
	ModeDeferrable
	ModeNotDeferrable
	ModeAsOf
)

// Set is SET name = values. SET TIME ZONE is the name timezone, SET NAMES client_encoding, SET SCHEMA search_path,
// SET ROLE role, SET SESSION AUTHORIZATION session_authorization, SET XML OPTION xmloption, SET CATALOG catalog.
type Set struct {
	At
	Scope   SetScope
	Name    string
	Default bool   // SET … TO DEFAULT
	Current bool   // SET … FROM CURRENT, as functions have it
	Values  []Expr // otherwise: *Const, or a *ColumnRef for a bare word; a *Cast for SET TIME ZONE INTERVAL '…'
}

// SetScope is SESSION or LOCAL, or neither.
type SetScope uint8

// The scopes.
const (
	ScopeDefault SetScope = iota
	ScopeSession
	ScopeLocal
)

// SetTransaction is SET TRANSACTION modes, or SET SESSION CHARACTERISTICS AS TRANSACTION modes with Session, or
// SET TRANSACTION SNAPSHOT 'id'.
type SetTransaction struct {
	At
	Session  bool
	Local    bool // SET LOCAL TRANSACTION
	Modes    []*TransactionMode
	Snapshot string // "" when there are modes
}

// SetConstraints is SET CONSTRAINTS names DEFERRED; Names is empty for ALL.
type SetConstraints struct {
	At
	Names    []Name
	Deferred bool
}

// Show is SHOW name; Name is "" for ALL, and "timezone" for TIME ZONE.
type Show struct {
	At
	Name string
}

// Reset is RESET name; Name is "" for ALL.
type Reset struct {
	At
	Name string
}

// Discard is DISCARD what.
type Discard struct {
	At
	What string // "ALL", "PLANS", "SEQUENCES", "TEMP"
}

// Listen is LISTEN channel. Names of channels are not cut, here and below.
type Listen struct {
	At
	Channel string
}

// Unlisten is UNLISTEN channel; Channel is "" for *.
type Unlisten struct {
	At
	Channel string
}

// Notify is NOTIFY channel, payload.
type Notify struct {
	At
	Channel string
	Payload *Const // nil without one
}

// Checkpoint is CHECKPOINT.
type Checkpoint struct{ At }

// Vacuum is VACUUM, or ANALYZE. The words before the tables are options.
type Vacuum struct {
	At
	Analyze bool
	Options []*Option
	Tables  []*VacuumTable
}

// VacuumTable is a table of VACUUM or ANALYZE with its columns.
type VacuumTable struct {
	At
	Table   *TableName
	Columns []Ident
}

// Reindex is REINDEX. Kind is in upper case; Name may be empty for DATABASE and SYSTEM.
type Reindex struct {
	At
	Options      []*Option
	Kind         string // "INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM"
	Concurrently bool
	Name         Name
}

// Cluster is CLUSTER. Without Table it is about all tables.
type Cluster struct {
	At
	Options []*Option
	Table   Name
	Index   string // "": the one of before
}

// Do is DO 'code'; Language is "" when not given.
type Do struct {
	At
	Language string
	Code     string
}

// Load is LOAD 'file'.
type Load struct {
	At
	File string
}

// Unsupported is a statement of PostgreSQL that exists but has no tree here: it is taken as its text, unread.
type Unsupported struct {
	At
	Command string // its tag: "CREATE TRIGGER"
	Text    string // the whole statement
}

func (*Transaction) stmt()    {}
func (*Set) stmt()            {}
func (*SetTransaction) stmt() {}
func (*SetConstraints) stmt() {}
func (*Show) stmt()           {}
func (*Reset) stmt()          {}
func (*Discard) stmt()        {}
func (*Listen) stmt()         {}
func (*Unlisten) stmt()       {}
func (*Notify) stmt()         {}
func (*Checkpoint) stmt()     {}
func (*Vacuum) stmt()         {}
func (*Reindex) stmt()        {}
func (*Cluster) stmt()        {}
func (*Do) stmt()             {}
func (*Load) stmt()           {}
func (*Unsupported) stmt()    {}

var transactionTags = [...]string{
	Begin: "BEGIN", StartTransaction: "START TRANSACTION", Commit: "COMMIT", Rollback: "ROLLBACK",
	Savepoint: "SAVEPOINT", ReleaseSavepoint: "RELEASE", RollbackTo: "ROLLBACK",
	PrepareTransaction: "PREPARE TRANSACTION", CommitPrepared: "COMMIT PREPARED", RollbackPrepared: "ROLLBACK PREPARED",
}

// Tag implements Stmt.
func (s *Transaction) Tag() string { return transactionTags[s.Kind] }

// Tag implements Stmt.
func (*Set) Tag() string { return "SET" }

// Tag implements Stmt.
func (*SetTransaction) Tag() string { return "SET" }

// Tag implements Stmt.
func (*SetConstraints) Tag() string { return "SET CONSTRAINTS" }

// Tag implements Stmt.
func (*Show) Tag() string { return "SHOW" }

// Tag implements Stmt.
func (*Reset) Tag() string { return "RESET" }

// Tag implements Stmt.
func (s *Discard) Tag() string { return "DISCARD " + s.What }

// Tag implements Stmt.
func (*Listen) Tag() string { return "LISTEN" }

// Tag implements Stmt.
func (*Unlisten) Tag() string { return "UNLISTEN" }

// Tag implements Stmt.
func (*Notify) Tag() string { return "NOTIFY" }

// Tag implements Stmt.
func (*Checkpoint) Tag() string { return "CHECKPOINT" }

// Tag implements Stmt.
func (s *Vacuum) Tag() string {
	if s.Analyze {
		return "ANALYZE"
	}
	return "VACUUM"
}

// Tag implements Stmt.
func (*Reindex) Tag() string { return "REINDEX" }

// Tag implements Stmt.
func (*Cluster) Tag() string { return "CLUSTER" }

// Tag implements Stmt.
func (*Do) Tag() string { return "DO" }

// Tag implements Stmt.
func (*Load) Tag() string { return "LOAD" }

// Tag implements Stmt.
func (s *Unsupported) Tag() string { return s.Command }
