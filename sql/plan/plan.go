// Package plan is the tree of relational operators that the binder makes, the optimizer rewrites and the engine builds
// operators from. Nodes are immutable; a rewrite makes new nodes.
package plan

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// Field is one output column of a node.
type Field struct {
	Name string
	Type datum.Type
	// Table and Attr name the catalog column it comes from unchanged (RowDescription's table OID and attribute number); else 0.
	Table datum.OID
	Attr  int16
}

// Node is a relational operator.
type Node interface {
	Schema() []Field
	Children() []Node
	WithChildren([]Node) Node
	// Describe prints the node alone in one line for EXPLAIN, Details further lines ("Filter: …").
	Describe() string
	Details() []string
}

// ScanCol is one column that a Scan reads: a whole column of the relation, or a path inside a document column.
type ScanCol struct {
	Column int      // index into Relation.Columns
	Path   []string // keys (array positions in decimal); nil: the whole column
	As     vec.ReadAs
	Field  Field
}

// CompareOp is the comparison of a Bound.
type CompareOp uint8

const (
	Eq CompareOp = iota
	Lt
	Le
	Gt
	Ge
	In
	NotNull
)

// Bound is a comparison that every row of a Scan's answer satisfies: storage may use it to leave out what cannot match.
// The Scan's Filter still tests every row. Values have no columns; they are evaluated when the scan opens.
type Bound struct {
	Col    ScanCol
	Op     CompareOp
	Values []expr.Expr // one, several for In, none for NotNull
}

// TimeClause is a system-time (or valid-time) clause; its expressions have no columns and are evaluated once per execution.
type TimeClause struct {
	Kind TimeKind
	From expr.Expr // AsOf, FromTo, Between, Position
	To   expr.Expr // FromTo, Between
	Pos  int       // byte offset in the statement
}

// TimeKind is the form of a TimeClause.
type TimeKind uint8

const (
	AsOf TimeKind = iota
	FromTo
	Between
	All
	AsOfPosition
)

// IsPeriod tells a clause that asks about more than a moment; nil does not.
func (c *TimeClause) IsPeriod() bool {
	return c != nil && (c.Kind == FromTo || c.Kind == Between || c.Kind == All)
}

// What a ScanCol of a table may name beside its columns.
const (
	RowID   = -1 // the row version, int8: negative ones are the transaction's own
	SysFrom = -2 // when the version was recorded
	SysTo   = -3 // when it was replaced or deleted, infinity while it is there
)

// Scan reads a stored relation (events, a table) or a built-in one (catalog rows made by its Rows function).
type Scan struct {
	Relation *catalog.Relation
	Alias    string
	Cols     []ScanCol
	Bounds   []Bound
	Filter   expr.Expr // over Cols; may be nil
	System   *TimeClause
	Reverse  bool  // newest first; of an index the last keys first
	Limit    int64 // stop after that many rows; -1: none
	// Target numbers the tables whose rows the statement changes or locks, from 1; 0 for one that is only read. Where somebody else has
	// changed such a row meanwhile, the plan is run again with the scan giving nothing but the row's present state.
	Target int
	Index  *IndexUse // nil: all of the table is read
}

// Rest is what of the filter does not follow from the index; nil: all of it does.
func (s *Scan) Rest() expr.Expr {
	if s.Index == nil || len(s.Index.Conds) == 0 {
		return s.Filter
	}
	if len(s.Index.Conds) == 1 && s.Index.Conds[0] == s.Filter {
		return nil
	}
	var rest []expr.Expr
	for _, e := range expr.Conjuncts(s.Filter) {
		if !slices.ContainsFunc(s.Index.Conds, func(o expr.Expr) bool { return expr.Equal(o, e) }) {
			rest = append(rest, e)
		}
	}
	return expr.Conjoin(rest)
}

// IsLookUp reports whether the scan asks for one whole key of a unique index: at a moment a row at most.
func (s *Scan) IsLookUp() bool {
	u := s.Index
	return u != nil && u.Or == nil && u.Index.Unique && !u.Index.Period && !u.IsList() && u.IsWhole() && (s.System == nil || s.System.Kind == AsOf)
}

// IndexUse says that a table's rows are found by an index: those whose first keys are equal to the values of Equal, whose next key is one
// of In or of the elements of Any, or whose next keys, of which the first is not null, lie between Low and High. Or they are found by several uses. Values have no
// columns; the Scan's Filter still tests every row.
type IndexUse struct {
	Conds     []expr.Expr // the parts of the filter that follow from the index
	Or        []*IndexUse // rows that are found by any of these, in no order; then there is nothing else than Conds, Most and Else
	Index     *catalog.TableIndex
	Equal     []expr.Expr // nil among them: the key is null
	In        []expr.Expr
	Any       expr.Expr   // an array; nil: none
	NotNull   bool        // the key after the equal ones is not null; bounds say so too
	Low, High []expr.Expr // values of the keys after the equal ones, compared as rows in the order of the index; none: no bound
	LowOp     CompareOp   // Gt or Ge
	HighOp    CompareOp   // Lt or Le
	Ordered   bool        // the rows must come in the order of the index
	// Where fewer than First of the rows asked for are among the first Within of an order, all of the table is read and sorted by Sort. Within is 0 where the order is
	// kept to its end.
	First, Within int64
	// What cannot be known beforehand is asked of the indexes when the plan is executed. Else is another use that may find fewer rows, and has one of its own;
	// that which finds the fewest is taken. A use that finds more than Most is not taken, 0: however many. Where none is left all of the table is read, or if
	// the first is one for the order, by which Else's rows would be sorted, that one is taken.
	Most int64
	Else *IndexUse
	Sort []SortKey
}

// IsSome reports whether the use is for some of the keys.
func (u *IndexUse) IsSome() bool {
	return len(u.Equal) > 0 || u.IsList() || u.IsRange()
}

// IsRange reports whether the key after the equal ones has bounds: it is not null.
func (u *IndexUse) IsRange() bool { return u.NotNull || u.Low != nil || u.High != nil }

// Names lists the indexes, each once.
func (u *IndexUse) Names() []string {
	if u.Or == nil {
		return []string{u.Index.Name}
	}
	var out []string
	for _, o := range u.Or {
		if !slices.Contains(out, o.Index.Name) {
			out = append(out, o.Index.Name)
		}
	}
	return out
}

// IsList reports whether the use is for the values of a list.
func (u *IndexUse) IsList() bool { return u.In != nil || u.Any != nil }

// IsWhole reports whether the use is for whole keys without nulls, one or those of a list.
func (u *IndexUse) IsWhole() bool {
	named := len(u.Equal)
	if u.IsList() {
		named++
	}
	return named == len(u.Index.Keys) && !slices.Contains(u.Equal, nil)
}

// Values gives literal rows. No columns and one row is the input of SELECT without FROM.
type Values struct {
	Rows   [][]expr.Expr
	Fields []Field
}

// FuncScan is a set-returning function in FROM. Lateral arguments refer to Outer level 1.
type FuncScan struct {
	Fn         *funcs.Func
	Args       []expr.Expr
	Ordinality bool
	Fields     []Field
}

// Filter keeps the rows for which Cond is true.
type Filter struct {
	Input Node
	Cond  expr.Expr
}

// Project computes columns. Set-returning functions among Exprs make it expand rows (ProjectSet in PostgreSQL).
type Project struct {
	Input  Node
	Exprs  []expr.Expr
	Fields []Field
}

// AggCall is one aggregate of an Aggregate node.
type AggCall struct {
	Fn       *funcs.Aggregate
	Args     []expr.Expr
	Distinct bool
	Filter   expr.Expr // may be nil
	Order    []SortKey // order of the input within the group; WITHIN GROUP's order for ordered sets
	Typ      datum.Type
}

// Exprs lists what a call evaluates over each row: its arguments, what it orders by, and its filter.
func (c *AggCall) Exprs() []expr.Expr {
	out := append([]expr.Expr(nil), c.Args...)
	for _, k := range c.Order {
		out = append(out, k.Expr)
	}
	if c.Filter != nil {
		out = append(out, c.Filter)
	}
	return out
}

// Aggregate groups by Keys; its columns are the keys, then the calls (then, with Sets, the grouping-set number as int4).
// Without keys it gives one row always. Sets lists grouping sets as indexes into Keys; nil: the one set of all.
type Aggregate struct {
	Input  Node
	Keys   []expr.Expr
	Calls  []AggCall
	Sets   [][]int
	Fields []Field
}

// SortKey orders by an expression.
type SortKey struct {
	Expr       expr.Expr
	Desc       bool
	NullsFirst bool
}

// Sort orders its input (stable by nothing: ties in any order). Limit >= 0 keeps only the first rows (top-N).
type Sort struct {
	Input Node
	Keys  []SortKey
	Limit int64 // rows kept, -1 all
}

// Limit skips Offset rows and gives Count; both are expressions without columns, nil when absent. With Ties the rows equal
// to the last one by Keys follow.
type Limit struct {
	Input  Node
	Count  expr.Expr
	Offset expr.Expr
	Ties   []SortKey
}

// Distinct removes duplicates; with On it keeps the first row per value of On. The input is sorted by On, unless AnyOrder: then
// the first row is that of Order, and the rows come out in any order.
type Distinct struct {
	Input    Node
	On       []expr.Expr
	AnyOrder bool
	Order    []SortKey
}

// JoinKind is the kind of a Join.
type JoinKind uint8

const (
	Inner JoinKind = iota
	Left
	Right
	Full
	Semi // left rows that have a match
	Anti // left rows that have none
	Cross
)

// Join combines Left and Right; its columns are those of Left then Right (Semi and Anti: Left only). LeftKeys[i] = RightKeys[i]
// are hashable equalities over the respective input alone; Cond is the rest, over the joined row. Without keys it is a nested
// loop. Lateral says that Right refers to Left's row by Outer level 1. Guard says that conditions above that may fail must stay
// above: nobody asks for the rows that the join leaves out. Merge, one for each key, says that both inputs come in the order of their
// keys and whether it is descending: they are merged, and the left rows keep their order.
type Join struct {
	Kind      JoinKind
	Left      Node
	Right     Node
	LeftKeys  []expr.Expr
	RightKeys []expr.Expr
	Cond      expr.Expr
	Lateral   bool
	Guard     bool
	Merge     []bool
}

// SetOpKind is UNION, INTERSECT or EXCEPT.
type SetOpKind uint8

const (
	Union SetOpKind = iota
	Intersect
	Except
)

// SetOp combines two inputs of the same column types.
type SetOp struct {
	Kind   SetOpKind
	All    bool
	Left   Node
	Right  Node
	Fields []Field
}

// With evaluates Def at most once into a buffer that the CTERef nodes of the same ID inside Body read.
// Recursive: Def is the non-recursive term and Rec the recursive one, which reads the working table through CTERef.
type With struct {
	ID   int
	Name string
	Def  Node
	Rec  Node // nil unless recursive
	All  bool // UNION ALL in the recursion
	Body Node
	// Materialized says that the user asked for it to be computed once: it is not merged into the body.
	Materialized bool
}

// CTERef reads the rows of With ID.
type CTERef struct {
	ID     int
	Name   string
	Fields []Field
}

// Append inserts the input's rows into events. Columns maps input columns to the relation's columns: input column i is
// relation column Columns[i], or the expected version where Columns[i] is ExpectedVersion. A null id, timestamp, payload,
// metadata or expected version is one that was not given. Returning, when not nil, projects the stored rows (all the
// relation's columns in order); for an event that was there already it is the stored one.
type Append struct {
	Relation *catalog.Relation
	Input    Node
	// Condition, where there is one, gives one row with one boolean, which must be true of the log that the events would follow;
	// nil: none. Incremental: what holds of a log goes on to hold if it holds of the events that come after.
	Condition   Node
	Incremental bool
	Columns     []int
	Returning   []expr.Expr
	Fields      []Field // of Returning
}

// ExpectedVersion in Append.Columns marks the column, bigint or text, with the version that the entity must have before the
// event: 0 or 'none' for none, n for exactly n, 'exists' for any but none, null or 'any' for whatever.
const ExpectedVersion = -1
