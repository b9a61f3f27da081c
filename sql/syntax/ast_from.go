package syntax

// TableName is a table, view or CTE in a FROM list, or the target of a statement.
type TableName struct {
	At
	Name   Name
	Only   bool // ONLY t; t * is the same as t
	Times  []*TimeClause
	Alias  *Alias // nil without one
	Sample *TableSample
}

// Alias is AS name (columns).
type Alias struct {
	At
	Name    string
	Columns []Ident
}

// TimeClause is FOR SYSTEM_TIME … or FOR VALID_TIME … on one table.
type TimeClause struct {
	At
	Period TimePeriod
	Kind   TimeClauseKind
	From   Expr // AS OF, FROM, BETWEEN
	To     Expr // TO, AND
}

// TimePeriod says which of the two clocks a clause is about.
type TimePeriod uint8

// The clocks: when the log learned of it, and when it was so.
const (
	SystemTime TimePeriod = iota
	ValidTime
)

// TimeClauseKind tells the forms of a TimeClause apart.
type TimeClauseKind uint8

// The forms. FROM … TO leaves out its end, BETWEEN … AND includes it.
const (
	TimeAsOf TimeClauseKind = iota
	TimeFromTo
	TimeBetween
	TimeAll
)

// TableSample is TABLESAMPLE method (args) REPEATABLE (seed).
type TableSample struct {
	At
	Method Name
	Args   []Expr
	Seed   Expr
}

// SubqueryTable is (query) AS alias.
type SubqueryTable struct {
	At
	Lateral bool
	Query   *Query
	Alias   *Alias // may be nil
}

// FuncTable is f(…) or ROWS FROM (f(…), g(…)) in a FROM list.
type FuncTable struct {
	At
	Lateral    bool
	RowsFrom   bool // written as ROWS FROM
	Funcs      []*FuncItem
	Ordinality bool
	Alias      *Alias       // may be nil; its Name is "" in f() AS (a int)
	Columns    []*ColumnDef // f() AS t (a int, b text): then Alias.Columns is empty
}

// FuncItem is one function of a FuncTable. Expr is a *FuncCall or another node that is written like a call.
type FuncItem struct {
	At
	Expr    Expr
	Columns []*ColumnDef // ROWS FROM (f() AS (a int))
}

// Join is left JOIN right.
type Join struct {
	At
	Kind        JoinKind
	Natural     bool
	Left, Right TableExpr
	On          Expr    // at most one of On and Using is set
	Using       []Ident // nil without USING
	UsingAlias  string  // USING (…) AS alias
	Alias       *Alias  // (a JOIN b ON …) AS alias
}

// JoinKind tells joins apart.
type JoinKind uint8

// The joins.
const (
	InnerJoin JoinKind = iota
	CrossJoin
	LeftJoin
	RightJoin
	FullJoin
)

func (*TableName) tableExpr()     {}
func (*SubqueryTable) tableExpr() {}
func (*FuncTable) tableExpr()     {}
func (*Join) tableExpr()          {}
