package syntax

// Block is BEGIN … EXCEPTION … END of PL/pgSQL (PostgreSQL documentation, "Structure of PL/pgSQL"), without variables.
type Block struct {
	At
	Body     []CodeStmt
	Handlers []*Handler // what EXCEPTION says: where it is there, the body is undone before one of them runs
}

// Handler is WHEN conditions THEN body.
type Handler struct {
	At
	Conditions []Condition
	Body       []CodeStmt
}

// Condition is a kind of error by its name in lower case, or by its SQLSTATE where Name is "".
type Condition struct {
	At
	Name     string
	SQLState string
}

// CodeStmt is a statement of PL/pgSQL.
type CodeStmt interface {
	Node
	code()
}

// CodeIf is IF, with an arm for it and for each ELSIF.
type CodeIf struct {
	At
	Arms []*CodeArm
	Else []CodeStmt
}

// CodeArm is a condition, as a query for one boolean, and what is done where it is true.
type CodeArm struct {
	At
	When Statement
	Body []CodeStmt
}

// CodeSQL is a statement of SQL. Perform says that it is a query whose rows nobody wants.
type CodeSQL struct {
	At
	SQL     Statement
	Perform bool
}

// CodeExecute is EXECUTE text: a query for one text, which is SQL.
type CodeExecute struct {
	At
	Text Statement
}

// CodeRaise is RAISE. Without anything it raises again what the handler around it is for.
type CodeRaise struct {
	At
	Level   string // in lower case, "exception" where none is given
	Format  string // whose % stand for the arguments
	Error   *Condition
	Values  *Statement // a query for the arguments, then for the options, as texts; nil: there are none
	Args    int        // how many arguments
	Options []string   // in lower case
	Again   bool
}

// CodeNull is NULL, which does nothing.
type CodeNull struct{ At }

func (*Block) code()       {}
func (*CodeIf) code()      {}
func (*CodeSQL) code()     {}
func (*CodeExecute) code() {}
func (*CodeRaise) code()   {}
func (*CodeNull) code()    {}
