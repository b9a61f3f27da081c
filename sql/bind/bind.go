// Package bind turns syntax trees into plans: names are resolved against a catalog, every expression gets its type as
// PostgreSQL would give it, conversions are put in, and what PostgreSQL refuses is refused with its words and place. The
// engine calls it once per statement; what comes out needs no name any more.
package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Context is what a statement is bound in. Nothing of it is changed.
type Context struct {
	Catalog    *catalog.Catalog
	SearchPath []string
	Env        *datum.Env // how literals are read
	Text       string     // the script that the positions of the tree count in
	// AsOf gives the catalog as it was at the moment of a clause; nil: it is always the same.
	AsOf func(*plan.TimeClause) *catalog.Catalog
	// Calls says that the expression is to be shown and not evaluated: users' functions in it stay calls.
	Calls bool
	// Routine is the function whose statement is bound; nil: it is nobody's.
	Routine *Routine
	// Procedure is the call that is one of a procedure, as CALL has it.
	Procedure *syntax.FuncCall
	// Cursor is the outermost SELECT of a cursor: behind its columns are the RowIDs of tables.
	Cursor *syntax.Select
}

// Bound is a bound statement.
type Bound struct {
	Node       plan.Node
	Fields     []plan.Field     // of the answer; nil when there is none
	ParamTypes []datum.OID      // of $1, $2…
	TimeParams []int            // the $n whose type comes from AS OF SYSTEM TIME: their text may have any form that the clause takes
	ReadOnly   bool             // nothing is appended or changed
	Changing   bool             // a view in it follows the log
	Moving     bool             // a view in it is that of the moment of a clause, which each execution finds anew
	AsOf       *plan.TimeClause // of the outermost query; nil when it asks about now
	Locks      string           // what locks rows, as SELECT FOR UPDATE; empty: nothing does
	Tag        string           // as in the completion message, without counts
	Rows       []CursorRows     // of a cursor
}

// CursorRows is a table whose rows a cursor is on, one at a time. Behind Fields, column Column of the node is the RowID.
type CursorRows struct {
	Relation datum.OID
	Locked   bool // the query locks the row
	Column   int
}

// maxDepth bounds how deep expressions and queries nest.
const maxDepth = 1200

// maxParams is PostgreSQL's limit.
const maxParams = 65535

// Bind binds a statement. paramTypes are the types of the parameters where they are known (0: to be inferred).
// It answers 0A000 to statements that are no queries and add no events.
func Bind(ctx *Context, stmt syntax.Stmt, paramTypes []datum.OID) (*Bound, error) {
	b := newBinder(ctx, paramTypes)
	node, err := b.boundIn(ctx.Routine, stmt)
	if err == nil && b.momentary && doesSomething(node) {
		b = newBinder(ctx, paramTypes)
		b.running = true
		node, err = b.boundIn(ctx.Routine, stmt)
	}
	if err != nil {
		return nil, err
	}
	out := &Bound{Node: node, Tag: stmt.Tag(), ReadOnly: !b.appends, Changing: b.changing, Moving: b.moving, Locks: b.locks, AsOf: b.topAsOf, TimeParams: b.timeParams}
	if out.Fields = answer(node); len(b.cursorRows) > 0 {
		out.Fields, out.Rows = out.Fields[:b.visible], b.cursorRows
	}
	out.ParamTypes, err = b.paramTypes()
	return out, err
}

// answer are the columns that a statement gives, nil when it gives no rows.
func answer(n plan.Node) []plan.Field {
	if gives, known := returns(n); known && !gives {
		return nil
	}
	if fields := n.Schema(); fields != nil {
		return fields
	}
	return []plan.Field{} // rows without columns are rows
}

// boundIn binds a statement, which is one of a routine's unless that is nil.
func (b *binder) boundIn(r *Routine, stmt syntax.Stmt) (node plan.Node, err error) {
	if r == nil {
		return b.statement(stmt)
	}
	err = b.inRoutine(r, func() error {
		node, err = b.statement(stmt)
		return err
	})
	return node, err
}

// returns reports whether a statement that changes something gives rows; known is false for queries.
func returns(n plan.Node) (gives, known bool) {
	switch n := n.(type) {
	case *plan.Append:
		return n.Returning != nil, true
	case *plan.Modify:
		return n.Returning != nil, true
	case *plan.Truncate:
		return false, true
	case *plan.With:
		return returns(n.Body)
	}
	return true, false
}

func newBinder(ctx *Context, paramTypes []datum.OID) *binder {
	b := &binder{ctx: ctx, places: map[expr.Expr]int{}}
	for _, t := range paramTypes {
		if t == 0 {
			t = datum.Unknown
		}
		b.params = append(b.params, t)
		b.given = append(b.given, t != datum.Unknown)
	}
	return b
}

// paramTypes are the types of the parameters, each of which must be known by now.
func (b *binder) paramTypes() ([]datum.OID, error) {
	for i, t := range b.params {
		if t == datum.Unknown {
			return nil, b.errorAt(b.paramPlace(i+1), pgerr.IndeterminateDatatype, "could not determine data type of parameter $%d", i+1)
		}
	}
	return b.params, nil
}

// binder is the state of binding one statement.
type binder struct {
	ctx         *Context
	params      []datum.OID
	given       []bool // the client said the type
	paramPlaces map[int]int
	timeParams  []int
	nextCTE     int
	nextTarget  int
	validUses   int // tables that a FOR VALID_TIME clause was about
	depth       int
	places      map[expr.Expr]int // where a column was named, for errors found later
	appends     bool
	changing    bool
	moving      bool
	locks       string
	operators   map[operatorKey]operatorChoice // found so far
	topAsOf     *plan.TimeClause
	calling     *functionQuery     // whose query is being bound, if it is one's
	checking    datum.OID          // the users' function that is being made, of which is noted what it reads
	inlining    []datum.OID        // users' functions whose queries are being bound
	momentary   bool               // the query of a volatile function stands in the place of its call: what it sees hangs on when it is called
	running     bool               // such functions are run, since the statement does something that they may see
	mutable     bool               // one that is not immutable was called
	trusted     map[expr.Expr]bool // what calls of those that are became
	defining    *Meaning           // nil: nobody wants to know what names mean
	cursorRows  []CursorRows
	visible     int // columns of the answer of a cursor with such rows
}

// statement dispatches on the kind of statement.
func (b *binder) statement(stmt syntax.Stmt) (plan.Node, error) {
	switch s := stmt.(type) {
	case *syntax.Query:
		if n, ok, err := b.appendQuery(s); ok || err != nil {
			return n, err
		}
		n, err := b.topQuery(s)
		return n, err
	case *syntax.Insert:
		return b.insert(s, &env{top: true})
	case *syntax.Update:
		return b.update(s, &env{top: true})
	case *syntax.Delete:
		return b.deleteRows(s, &env{top: true})
	case *syntax.Merge:
		return b.merge(s, &env{top: true})
	case *syntax.Truncate:
		return b.truncate(s)
	}
	return nil, pgerr.New(pgerr.FeatureNotSupported, "%s is not supported yet", stmt.Tag())
}

func (b *binder) topQuery(q *syntax.Query) (plan.Node, error) {
	n, err := b.query(q, &env{top: true}, false)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// errorAt makes an error at a byte offset of the script.
func (b *binder) errorAt(offset int, code pgerr.Code, format string, args ...any) *pgerr.Error {
	e := pgerr.New(code, format, args...)
	if offset >= 0 && b.ctx.Text != "" {
		e.Position = syntax.CharPosition(b.ctx.Text, offset)
	}
	return e
}

// errorIn is errorAt the place of a node.
func (b *binder) errorIn(n syntax.Node, code pgerr.Code, format string, args ...any) *pgerr.Error {
	return b.errorAt(n.Offset(), code, format, args...)
}

// errorOf is errorIn the place where an expression begins, which for operators is that of the first operand.
func (b *binder) errorOf(n syntax.Node, code pgerr.Code, format string, args ...any) *pgerr.Error {
	return b.errorAt(beginning(n), code, format, args...)
}

// beginning is the offset of the first character of an expression.
func beginning(n syntax.Node) int {
	var left syntax.Expr
	switch x := n.(type) {
	case *syntax.Binary:
		left = x.L
	case *syntax.Cast:
		if _, ok := x.X.(*syntax.Const); !ok || x.X.Offset() < x.Offset() {
			left = x.X
		}
	case *syntax.IsTest:
		left = x.X
	case *syntax.IsDistinct:
		left = x.L
	case *syntax.Between:
		left = x.X
	case *syntax.In:
		left = x.X
	case *syntax.Like:
		left = x.X
	case *syntax.Quantified:
		left = x.X
	case *syntax.Logic:
		left = x.Args[0]
	case *syntax.Indirection:
		left = x.X
	case *syntax.Collate:
		left = x.X
	case *syntax.AtTimeZone:
		left = x.X
	case *syntax.Target:
		left = x.Expr
	}
	if left == nil {
		return n.Offset()
	}
	return min(n.Offset(), beginning(left))
}

// place gives an error without a position one.
func (b *binder) place(err error, n syntax.Node) error {
	if err == nil {
		return nil
	}
	e := pgerr.From(err)
	if e.Position == 0 && b.ctx.Text != "" {
		c := *e
		c.Position = syntax.CharPosition(b.ctx.Text, n.Offset())
		return &c
	}
	return e
}

// enter counts one level of nesting; the caller calls leave.
func (b *binder) enter(n syntax.Node) error {
	b.depth++
	if b.depth > maxDepth {
		return b.errorIn(n, pgerr.StatementTooComplex, "stack depth limit exceeded").
			WithHint("The statement nests more than %d levels deep.", maxDepth)
	}
	return nil
}

func (b *binder) leave() { b.depth-- }

// paramPlace is where $n first stands.
func (b *binder) paramPlace(n int) int {
	if p, ok := b.paramPlaces[n]; ok {
		return p
	}
	return -1
}
