package plan

import (
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
)

// ModifyKind is what a Modify does.
type ModifyKind uint8

// The kinds.
const (
	InsertRows ModifyKind = iota
	UpdateRows
	DeleteRows
	MergeRows
)

var modifyVerbs = [...]string{InsertRows: "Insert", UpdateRows: "Update", DeleteRows: "Delete", MergeRows: "Merge"}

// Modify changes the rows of a table. The columns of its input are:
//
//	Insert  the columns of the table, defaults filled in; those that are generated are null
//	Update  the RowID, the columns of the table as they are, the values of Set, then what RETURNING reads of other tables
//	Delete  the RowID, the columns of the table, then what RETURNING reads of other tables
//	Merge   the RowID (null: no row of the table matches), the columns of the table, those of the source, then 1 (null: no row of the source matches)
//
// Returning is evaluated over the columns of the row that was stored (of a DELETE: that was deleted), those of the row before, those of the row after the
// change (null where there is none), what was done ('INSERT', 'UPDATE', 'DELETE'), then the input's. It is nil without RETURNING, and then the node gives
// no rows. Without Images nothing of it reads the rows before and after, nor what was done.
type Modify struct {
	Kind      ModifyKind
	Relation  *catalog.Relation
	Alias     string
	Input     Node
	Set       []int // columns of the relation that an UPDATE gives new values
	Unread    []int // those that are null in the input of an UPDATE, whatever they are in the table: nothing depends on them
	Portion   *Portion
	Rules     RowRules
	Conflict  *Conflict // of an INSERT, nil: none
	Whens     []MergeWhen
	On        expr.Expr     // of a MERGE, over the input: whether a row matches
	Target    int           // number of the scan of the table in the input
	Beside    []LockedTable // tables that an UPDATE or DELETE joins: their rows stay the same where one of the table is looked at again
	Cursor    string        // the scan gives nothing but the row that the cursor is on; "": what it finds
	Returning []expr.Expr
	Images    bool
	Fields    []Field // of Returning
}

// Portion is FOR PORTION OF a period: the part of each row that lies between From and To is changed, what is left before and after it stays as rows of
// its own. Start and End are columns of the relation; From and To have their type and read no row. Null is no bound.
type Portion struct {
	Start, End int
	From, To   expr.Expr
}

// RowRules are what every row of a table is subject to. Expressions are over the columns of the relation.
type RowRules struct {
	Generated []GeneratedColumn
	Checks    []RowCheck
	Indexes   []IndexRule
}

// IndexRule is what an index has of a row: its keys, if Where is nil or true.
type IndexRule struct {
	Index *catalog.TableIndex
	Keys  []expr.Expr
	Where expr.Expr
}

// GeneratedColumn is a column whose value follows from the others.
type GeneratedColumn struct {
	Column int
	Expr   expr.Expr
}

// RowCheck is a CHECK constraint: a row for which it is false is refused. Domain is the domain whose constraint it is, and without Name it says that
// the value must not be null. View says that Name is a view through which the row is changed, and which would not have it.
type RowCheck struct {
	Name   string
	Domain *funcs.DomainCheck // nil: it is the table's own
	View   bool
	Cond   expr.Expr
}

// OfDomain is the condition of a domain that a check is.
func (c *RowCheck) OfDomain() funcs.DomainCheck {
	out := *c.Domain
	out.Name = c.Name
	return out
}

// Conflict is ON CONFLICT. Arbiters are the indexes whose conflicts count, nil: all. Where DO UPDATE is asked for, Set are the columns that get the
// Values; these and Where are evaluated over the columns of the stored row, then those of the row that was to be inserted.
type Conflict struct {
	Arbiters []datum.OID
	Update   bool
	Set      []int
	Values   []expr.Expr
	Where    expr.Expr
}

// MergeWhen is a WHEN clause of MERGE: what is done with the rows for which Cond is true and no earlier clause's is. Set and Values are
// those of an UPDATE; an INSERT has a value for every column of the relation. Expressions are over the input.
type MergeWhen struct {
	Match   MergeMatch
	Cond    expr.Expr // nil: always
	Nothing bool
	Kind    ModifyKind
	Set     []int
	Values  []expr.Expr
}

// MergeMatch says for which rows a MergeWhen is.
type MergeMatch uint8

// The kinds of rows: of both, of the source alone, of the table alone.
const (
	Matched MergeMatch = iota
	NotMatched
	NotMatchedBySource
)

// LockRows locks rows that a SELECT reads, and gives those that are still there and still match, as they are now. The last columns of its
// input are the RowIDs of the scans that are targets, one for each of Rows.
type LockRows struct {
	Input Node
	Rows  []LockedTable
}

// LockedTable is a table of LockRows. Strength is -1 where its rows are not locked.
type LockedTable struct {
	Relation *catalog.Relation
	Target   int
	Column   int // of the input that has its RowID
	Strength int // catalog order: 0 KEY SHARE, 1 SHARE, 2 NO KEY UPDATE, 3 UPDATE
	NoWait   bool
	Skip     bool // SKIP LOCKED
}

// Truncate empties tables.
type Truncate struct {
	Relations []*catalog.Relation
	Restart   bool // RESTART IDENTITY
	Cascade   bool
}

// Children implements Node.
func (m *Modify) Children() []Node { return []Node{m.Input} }

// WithChildren implements Node.
func (m *Modify) WithChildren(in []Node) Node { n := *m; n.Input = in[0]; return &n }

// Schema implements Node.
func (m *Modify) Schema() []Field { return m.Fields }

// Describe implements Node.
func (m *Modify) Describe() string {
	return modifyVerbs[m.Kind] + " on " + named(m.Relation.Name, m.Alias)
}

// Details implements Node.
func (m *Modify) Details() []string {
	if m.Cursor != "" {
		return []string{"Current Of: " + m.Cursor}
	}
	if m.Conflict == nil {
		return nil
	}
	out := []string{"Conflict Resolution: NOTHING"}
	if m.Conflict.Update {
		out[0] = "Conflict Resolution: UPDATE"
	}
	var names []string
	for _, a := range m.Conflict.Arbiters {
		if ix := m.Relation.Table.Index(a); ix != nil {
			names = append(names, ix.Name)
		}
	}
	if len(names) > 0 {
		out = append(out, "Conflict Arbiter Indexes: "+strings.Join(names, ", "))
	}
	if m.Conflict.Where != nil {
		out = append(out, "Conflict Filter: "+m.Conflict.Where.String())
	}
	return out
}

// Children implements Node.
func (l *LockRows) Children() []Node { return []Node{l.Input} }

// WithChildren implements Node.
func (l *LockRows) WithChildren(in []Node) Node { n := *l; n.Input = in[0]; return &n }

// Schema implements Node.
func (l *LockRows) Schema() []Field { return l.Input.Schema() }

// Describe implements Node.
func (l *LockRows) Describe() string { return "LockRows" }

// Details implements Node.
func (l *LockRows) Details() []string { return nil }

// Children implements Node.
func (t *Truncate) Children() []Node { return nil }

// WithChildren implements Node.
func (t *Truncate) WithChildren([]Node) Node { return t }

// Schema implements Node.
func (t *Truncate) Schema() []Field { return nil }

// Describe implements Node.
func (t *Truncate) Describe() string { return "Truncate" }

// Details implements Node.
func (t *Truncate) Details() []string { return nil }

// modify maps the expressions of a Modify.
func (m *mapper) modify(n *Modify) Node {
	c := *n
	c.Returning, c.On = m.list(n.Returning), m.one(n.On)
	c.Rules.Generated = append([]GeneratedColumn(nil), n.Rules.Generated...)
	for i := range c.Rules.Generated {
		c.Rules.Generated[i].Expr = m.one(c.Rules.Generated[i].Expr)
	}
	c.Rules.Checks = append([]RowCheck(nil), n.Rules.Checks...)
	for i := range c.Rules.Checks {
		c.Rules.Checks[i].Cond = m.one(c.Rules.Checks[i].Cond)
	}
	c.Rules.Indexes = append([]IndexRule(nil), n.Rules.Indexes...)
	for i := range c.Rules.Indexes {
		c.Rules.Indexes[i].Keys, c.Rules.Indexes[i].Where = m.list(c.Rules.Indexes[i].Keys), m.one(c.Rules.Indexes[i].Where)
	}
	if n.Conflict != nil {
		on := *n.Conflict
		on.Values, on.Where = m.list(on.Values), m.one(on.Where)
		c.Conflict = &on
	}
	if n.Portion != nil {
		part := *n.Portion
		part.From, part.To = m.one(part.From), m.one(part.To)
		c.Portion = &part
	}
	c.Whens = append([]MergeWhen(nil), n.Whens...)
	for i := range c.Whens {
		c.Whens[i].Cond, c.Whens[i].Values = m.one(c.Whens[i].Cond), m.list(c.Whens[i].Values)
	}
	return &c
}

// Modifies reports whether a plan changes rows of tables or appends events, in WITH queries too.
func Modifies(n Node) bool {
	found := false
	Walk(n, func(n Node) bool {
		switch n.(type) {
		case *Modify, *Append:
			found = true
		}
		return !found
	})
	return found
}

// Locks reports whether a plan changes or locks rows of tables, or appends events in WITH.
func Locks(n Node) bool {
	found := false
	root := n
	Walk(n, func(n Node) bool {
		switch n.(type) {
		case *Modify, *LockRows:
			found = true
		case *Append:
			found = found || n != root
		}
		for _, sub := range Subplans(n) {
			found = found || Locks(sub)
		}
		return !found
	})
	return found
}
