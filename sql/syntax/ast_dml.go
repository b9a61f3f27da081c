package syntax

// Insert is INSERT INTO. Without Query it is DEFAULT VALUES.
type Insert struct {
	At
	With       *With
	Table      *TableName
	Columns    []*InsertColumn
	Overriding Overriding
	Query      *Query
	Condition  Expr // WHEN e, our own: the append takes place only where e is true of the log that it follows; may be nil
	OnConflict *OnConflict
	Returning  *Returning // may be nil
}

// InsertColumn is a column of an INSERT list; Steps is not empty in INSERT INTO t (a.b[1]).
type InsertColumn struct {
	At
	Name  string
	Steps []Step
}

// Returning is RETURNING, with the names of the row before and after the change: WITH (OLD AS o, NEW AS n).
type Returning struct {
	At
	Old, New *Alias // nil: old and new, where no table has that name
	List     []*Target
}

// Overriding is OVERRIDING SYSTEM VALUE or OVERRIDING USER VALUE.
type Overriding uint8

// What may be overridden.
const (
	OverridingNone Overriding = iota
	OverridingSystem
	OverridingUser
)

// OnConflict is ON CONFLICT … DO NOTHING, or DO UPDATE when Set is not empty.
type OnConflict struct {
	At
	Target      []*IndexElem // empty with Constraint or when nothing is named
	TargetWhere Expr
	Constraint  string
	Set         []*Assign // empty means DO NOTHING
	Where       Expr
}

// Assign is column = value, or (columns) = value when Multi. The value of a Multi is a *Row, a *Subquery or any
// expression that gives a row.
type Assign struct {
	At
	Multi   bool
	Columns []*InsertColumn
	Value   Expr
}

// Update is UPDATE.
type Update struct {
	At
	With      *With
	Table     *TableName
	Portion   *Portion // may be nil
	Set       []*Assign
	From      []TableExpr
	Where     Expr
	Returning *Returning // may be nil
}

// Portion is FOR PORTION OF period FROM from TO to: what is changed is that part of each row.
type Portion struct {
	At
	Period   string
	From, To Expr
}

// Delete is DELETE.
type Delete struct {
	At
	With      *With
	Table     *TableName
	Portion   *Portion // may be nil
	Using     []TableExpr
	Where     Expr
	Returning *Returning // may be nil
}

// Merge is MERGE.
type Merge struct {
	At
	With      *With
	Table     *TableName
	Source    TableExpr
	On        Expr
	Whens     []*MergeWhen
	Returning *Returning // may be nil
}

// MergeWhen is one WHEN clause of MERGE.
type MergeWhen struct {
	At
	Match      MergeMatch
	Cond       Expr
	Action     MergeAction
	Set        []*Assign       // MergeUpdate
	Columns    []*InsertColumn // MergeInsert
	Overriding Overriding
	Values     []Expr // MergeInsert; nil for DEFAULT VALUES
}

// MergeMatch says for which rows a MergeWhen is.
type MergeMatch uint8

// The kinds of rows.
const (
	MergeMatched MergeMatch = iota
	MergeNotMatched
	MergeNotMatchedBySource
)

// MergeAction is what a MergeWhen does.
type MergeAction uint8

// The actions.
const (
	MergeNothing MergeAction = iota
	MergeInsert
	MergeUpdate
	MergeDelete
)

// Copy is COPY. With Query it copies out of a query, otherwise from or to a table.
type Copy struct {
	At
	Query   Stmt // *Query, *Insert, *Update, *Delete, *Merge; nil with Table
	Table   Name
	Columns []Ident
	From    bool   // COPY … FROM, otherwise TO
	File    string // "" for STDIN and STDOUT
	Program bool
	// Options has the legacy words under their new names: BINARY is format binary, CSV format csv, DELIMITERS ','
	// delimiter, FORCE QUOTE a force_quote (a).
	Options []*Option
	Where   Expr
}

// Option is name value, as COPY, EXPLAIN and WITH (…) have them.
type Option struct {
	At
	Namespace string // toast in toast.autovacuum_enabled
	Name      string
	Kind      OptionKind
	Text      string    // the word, string or number
	List      []*Option // of OptionList: each with an empty Name
}

// OptionKind tells the values of options apart.
type OptionKind uint8

// The kinds of values.
const (
	OptionNone OptionKind = iota
	OptionWord
	OptionString
	OptionNumber
	OptionStar
	OptionList
)

// Prepare is PREPARE name (types) AS statement.
type Prepare struct {
	At
	Name  string
	Types []*TypeName
	Stmt  Stmt
}

// Execute is EXECUTE name (args).
type Execute struct {
	At
	Name string
	Args []Expr
}

// Deallocate is DEALLOCATE; Name is "" for ALL.
type Deallocate struct {
	At
	Name string
}

// DeclareCursor is DECLARE name … CURSOR … FOR query.
type DeclareCursor struct {
	At
	Name        string
	Binary      bool
	Insensitive Tristate // INSENSITIVE, ASENSITIVE
	Scroll      Tristate // SCROLL, NO SCROLL
	Hold        Tristate // WITH HOLD, WITHOUT HOLD
	Query       *Query
}

// Tristate is yes, no or not said.
type Tristate uint8

// The three.
const (
	Unsaid Tristate = iota
	Yes
	No
)

// Fetch is FETCH or MOVE.
type Fetch struct {
	At
	Move      bool
	Cursor    string
	Direction FetchDirection
	// Count is how many rows, or which one for ABSOLUTE and RELATIVE; negative turns the direction.
	Count int64
	All   bool
}

// FetchDirection is where a cursor goes. NEXT is forward 1, PRIOR backward 1, FIRST absolute 1, LAST absolute -1.
type FetchDirection uint8

// The directions.
const (
	FetchForward FetchDirection = iota
	FetchBackward
	FetchAbsolute
	FetchRelative
)

// CloseCursor is CLOSE; Name is "" for ALL.
type CloseCursor struct {
	At
	Name string
}

// Explain is EXPLAIN; ANALYZE and VERBOSE without parentheses are options too.
type Explain struct {
	At
	Options []*Option
	Stmt    Stmt
}

// Truncate is TRUNCATE.
type Truncate struct {
	At
	Tables          []*TableName
	RestartIdentity Tristate
	Cascade         bool
}

// Lock is LOCK TABLE. Mode is in upper case: "ACCESS EXCLUSIVE".
type Lock struct {
	At
	Tables []*TableName
	Mode   string
	NoWait bool
}

// Call is CALL f(…).
type Call struct {
	At
	Func *FuncCall
}

func (*Insert) stmt()        {}
func (*Update) stmt()        {}
func (*Delete) stmt()        {}
func (*Merge) stmt()         {}
func (*Copy) stmt()          {}
func (*Prepare) stmt()       {}
func (*Execute) stmt()       {}
func (*Deallocate) stmt()    {}
func (*DeclareCursor) stmt() {}
func (*Fetch) stmt()         {}
func (*CloseCursor) stmt()   {}
func (*Explain) stmt()       {}
func (*Truncate) stmt()      {}
func (*Lock) stmt()          {}
func (*Call) stmt()          {}

// Tag implements Stmt.
func (*Insert) Tag() string { return "INSERT" }

// Tag implements Stmt.
func (*Update) Tag() string { return "UPDATE" }

// Tag implements Stmt.
func (*Delete) Tag() string { return "DELETE" }

// Tag implements Stmt.
func (*Merge) Tag() string { return "MERGE" }

// Tag implements Stmt.
func (*Copy) Tag() string { return "COPY" }

// Tag implements Stmt.
func (*Prepare) Tag() string { return "PREPARE" }

// Tag implements Stmt.
func (*Execute) Tag() string { return "EXECUTE" }

// Tag implements Stmt.
func (s *Deallocate) Tag() string {
	if s.Name == "" {
		return "DEALLOCATE ALL"
	}
	return "DEALLOCATE"
}

// Tag implements Stmt.
func (*DeclareCursor) Tag() string { return "DECLARE CURSOR" }

// Tag implements Stmt.
func (s *Fetch) Tag() string {
	if s.Move {
		return "MOVE"
	}
	return "FETCH"
}

// Tag implements Stmt.
func (s *CloseCursor) Tag() string {
	if s.Name == "" {
		return "CLOSE CURSOR ALL"
	}
	return "CLOSE CURSOR"
}

// Tag implements Stmt.
func (*Explain) Tag() string { return "EXPLAIN" }

// Tag implements Stmt.
func (*Truncate) Tag() string { return "TRUNCATE TABLE" }

// Tag implements Stmt.
func (*Lock) Tag() string { return "LOCK TABLE" }

// Tag implements Stmt.
func (*Call) Tag() string { return "CALL" }
