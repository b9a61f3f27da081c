// Package syntax turns SQL text into trees and back. It speaks PostgreSQL's grammar and, on top of it, clauses that
// ask about the past: AS OF SYSTEM TIME, AS OF POSITION, FOR SYSTEM_TIME and FOR VALID_TIME. It knows no catalog: names
// are names, and whether they mean anything is decided by the binder. DESIGN.md in this folder says why it is our own.
//
// Every node carries the byte offset at which it begins (At.Pos); CharPosition converts an offset to the position that
// PostgreSQL's protocol reports. Trees may be built by hand too: positions are then zero, and Format prints them.
// Trees are not changed after they are handed on.
package syntax

import "unicode/utf8"

// At is embedded in every node: where the node stands in the source, as a byte offset.
// Operators and casts stand at their operator, everything else at its first character.
type At struct{ Pos int }

// Offset returns the byte offset of the node in the source.
func (a At) Offset() int { return a.Pos }

// Node is any part of a tree that Walk visits.
type Node interface{ Offset() int }

// Stmt is a statement.
type Stmt interface {
	Node
	// Tag is the command as PostgreSQL names it in completion messages: SELECT, CREATE TABLE.
	Tag() string
	stmt()
}

// Expr is a scalar expression.
type Expr interface {
	Node
	expr()
}

// TableExpr is an item of a FROM list.
type TableExpr interface {
	Node
	tableExpr()
}

// Body is what a Query is about before its ORDER BY and LIMIT: *Select, *SetOp, *Values or *TableBody.
type Body interface {
	Node
	body()
}

// Statement is one statement of a script.
type Statement struct {
	Stmt      Stmt
	Text      string // its source, without the semicolon and surrounding blanks
	Offset    int    // byte offset of Text in the script; positions in Stmt count from the script's start
	NumParams int    // the highest $n
}

// CharPosition converts a byte offset in sql to a position in characters that counts from 1.
func CharPosition(sql string, offset int) int {
	if offset < 0 {
		return 0
	}
	return utf8.RuneCountInString(sql[:min(offset, len(sql))]) + 1
}

// Name is a possibly qualified name, outermost part first, already folded: schema.table is {"schema", "table"}.
type Name []string

// Last returns the unqualified name.
func (n Name) Last() string {
	if len(n) == 0 {
		return ""
	}
	return n[len(n)-1]
}

// Qualifier returns the part before the last one, or "".
func (n Name) Qualifier() string {
	if len(n) < 2 {
		return ""
	}
	return n[len(n)-2]
}

// Ident is a name with a place, for lists of column names.
type Ident struct {
	At
	Name string
}

// Query is a complete query expression: SELECT, VALUES, TABLE, or these joined by set operations, with what may
// follow them. Parentheses around a query leave no trace.
type Query struct {
	At
	With    *With
	Body    Body
	OrderBy []*SortItem
	// Limit is nil without LIMIT or FETCH; LIMIT ALL is a Const of kind NullConst.
	Limit    Expr
	WithTies bool // FETCH FIRST n ROWS WITH TIES
	Skip     Expr // OFFSET
	Locking  []*Locking
}

// Select is SELECT … FROM … WHERE ….
type Select struct {
	At
	Distinct   bool
	DistinctOn []Expr
	Targets    []*Target // may be empty
	Into       *Into
	From       []TableExpr // items joined by commas
	AsOf       *AsOf       // AS OF … after the FROM list; it is about every table in it
	Where      Expr
	GroupBy    *GroupBy
	Having     Expr
	Windows    []*Window // WINDOW name AS (…)
}

// SetOp is left UNION right and the like.
type SetOp struct {
	At
	Op          SetOpKind
	All         bool
	Left, Right *Query
}

// SetOpKind tells the set operations apart.
type SetOpKind uint8

// The set operations.
const (
	Union SetOpKind = iota
	Intersect
	Except
)

// Values is VALUES (…), (…).
type Values struct {
	At
	Rows [][]Expr
}

// TableBody is TABLE t, short for SELECT * FROM t.
type TableBody struct {
	At
	Table *TableName
}

// With is WITH [RECURSIVE] ….
type With struct {
	At
	Recursive bool
	CTEs      []*CTE
}

// CTE is one name of a WITH clause.
type CTE struct {
	At
	Name         string
	Columns      []Ident
	Materialized Materialized
	Stmt         Stmt // *Query, *Insert, *Update, *Delete or *Merge
	Search       *CTESearch
	Cycle        *CTECycle
}

// Materialized is what a CTE says about its being computed once.
type Materialized uint8

// The ways to say it.
const (
	MaterializedDefault Materialized = iota
	MaterializedAlways
	MaterializedNever
)

// CTESearch is SEARCH DEPTH|BREADTH FIRST BY columns SET column.
type CTESearch struct {
	At
	Breadth bool
	By      []Ident
	Set     string
}

// CTECycle is CYCLE columns SET mark [TO value DEFAULT value] USING path. Value and Default are nil when not given.
type CTECycle struct {
	At
	Columns        []Ident
	Mark           string
	Value, Default Expr
	Path           string
}

// Target is one item of a select list or RETURNING list. A star is a ColumnRef with Star.
type Target struct {
	At
	Expr Expr
	As   string // "" when there is none
}

// Into is SELECT … INTO table.
type Into struct {
	At
	Persistence Persistence
	Name        Name
}

// AsOf is AS OF SYSTEM TIME e, AS OF TIMESTAMP e (the same question) or AS OF POSITION e.
type AsOf struct {
	At
	Kind AsOfKind
	Expr Expr
}

// AsOfKind says what moment an AsOf names.
type AsOfKind uint8

// The moments.
const (
	AsOfSystemTime AsOfKind = iota // AS OF SYSTEM TIME e
	AsOfTimestamp                  // AS OF TIMESTAMP e: system time too
	AsOfPosition                   // AS OF POSITION e: events up to and including that position
)

// GroupBy is GROUP BY [DISTINCT] items.
type GroupBy struct {
	At
	Distinct bool
	Items    []*GroupItem
}

// GroupItem is one item of GROUP BY: an expression, or grouping sets made of items.
type GroupItem struct {
	At
	Kind  GroupKind
	Expr  Expr         // GroupExpr only; (a, b) is a Row
	Items []*GroupItem // Rollup, Cube and Sets
}

// GroupKind tells the kinds of GroupItem apart.
type GroupKind uint8

// The kinds of GroupItem.
const (
	GroupExpr  GroupKind = iota
	GroupEmpty           // ()
	GroupRollup
	GroupCube
	GroupSets
)

// SortItem is one item of ORDER BY.
type SortItem struct {
	At
	Expr  Expr
	Dir   SortDir
	Using *Operator // ORDER BY e USING op
	Nulls NullsOrder
}

// SortDir is ASC or DESC, or neither.
type SortDir uint8

// The directions.
const (
	SortDefault SortDir = iota
	SortAsc
	SortDesc
)

// NullsOrder is NULLS FIRST or NULLS LAST, or neither.
type NullsOrder uint8

// Where the nulls go.
const (
	NullsDefault NullsOrder = iota
	NullsFirst
	NullsLast
)

// Locking is FOR UPDATE and its like.
type Locking struct {
	At
	Strength LockStrength
	Of       []Name
	Wait     LockWait
}

// LockStrength is how strongly rows are locked, weakest first.
type LockStrength uint8

// The strengths.
const (
	ForKeyShare LockStrength = iota
	ForShare
	ForNoKeyUpdate
	ForUpdate
)

// String is what is said of it.
func (s LockStrength) String() string {
	return [...]string{"FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}[s]
}

// LockWait is what to do when a row is locked by someone else.
type LockWait uint8

// The ways.
const (
	LockBlock LockWait = iota
	LockSkip
	LockNoWait
)

// Window is a window definition: of the WINDOW clause (Name set), or of OVER (…). OVER w is a Window with only Ref set
// and Bare true; OVER (w …) has Ref and Bare false.
type Window struct {
	At
	Name        string
	Ref         string
	Bare        bool
	PartitionBy []Expr
	OrderBy     []*SortItem
	Frame       *Frame
}

// Frame is a window frame. Without BETWEEN, the end is FrameCurrentRow and Between is false.
type Frame struct {
	At
	Mode       FrameMode
	Between    bool
	Start, End FrameBound
	Exclude    FrameExclude
}

// FrameBound is one end of a frame; Expr is set for FramePreceding and FrameFollowing.
type FrameBound struct {
	Kind FrameBoundKind
	Expr Expr
}

// FrameMode is RANGE, ROWS or GROUPS.
type FrameMode uint8

// The modes.
const (
	FrameRange FrameMode = iota
	FrameRows
	FrameGroups
)

// FrameBoundKind tells the ends of a frame apart.
type FrameBoundKind uint8

// The bounds, in the order in which they may follow each other.
const (
	FrameUnboundedPreceding FrameBoundKind = iota
	FramePreceding
	FrameCurrentRow
	FrameFollowing
	FrameUnboundedFollowing
)

// FrameExclude is the EXCLUDE clause.
type FrameExclude uint8

// What may be excluded; EXCLUDE NO OTHERS is the default.
const (
	ExcludeNoOthers FrameExclude = iota
	ExcludeCurrentRow
	ExcludeGroup
	ExcludeTies
)

func (*Query) stmt() {}

// Tag implements Stmt.
func (q *Query) Tag() string {
	if s, ok := q.Body.(*Select); ok && s.Into != nil {
		return "SELECT INTO"
	}
	return "SELECT"
}

func (*Select) body()    {}
func (*SetOp) body()     {}
func (*Values) body()    {}
func (*TableBody) body() {}
