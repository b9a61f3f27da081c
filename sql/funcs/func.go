// Package funcs is the table of functions, operators, aggregates and casts. One row of one slice per overload names it,
// types it, documents it and holds its body; pg_proc, pg_operator, pg_cast, completion and help read the same rows.
package funcs

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// Volatility is PostgreSQL's provolatile.
type Volatility byte

const (
	Immutable Volatility = 'i'
	Stable    Volatility = 's'
	Volatile  Volatility = 'v'
)

// Func is one overload of a scalar function, operator or cast function.
type Func struct {
	OID      datum.OID
	Name     string // lower case; for operators the symbol
	Args     []datum.OID
	Defaults int // how many trailing arguments may be left out (the body then gets fewer columns)
	// Variadic: the last argument repeats. With the type "any" the body gets the arguments one by one; with an array type
	// it gets one array, which the binder makes of the arguments.
	Variadic bool
	ArgNames []string
	// DefaultArgs is what the last arguments are when they are left out and a later one is named, as text, or NULL; the others
	// are 0. A Query has defaults for all that may be left out.
	DefaultArgs []string
	Ret         datum.OID
	RetSet      bool
	Strict      bool // any null argument gives null; the evaluator sees to it, the body may put anything in such rows
	Volatile    Volatility
	Doc         string
	Example     string // an SQL expression; run as a test
	Result      string // what Example prints

	// Exactly one of these is set. The typed forms are told the types of the arguments as the binder resolved them (for
	// AnyElement, Any and Record arguments and their like); a row of them may be called with any column kinds those types have.
	Body      Body
	BodyTyped func(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error)
	SetBody   SetBody // for RetSet
	SetTyped  func(c *Ctx, types []datum.Type, args []*vec.Column, i int) (*vec.Column, error)
	// Moment says that the last argument is a moment, and where it is left out the one of the AS OF clause in force.
	Moment bool

	// Runs says that the function runs statements (Ctx.Routines): it is called for each row, one call after the other, however volatile
	// it says that it is.
	Runs bool

	// Query is the SQL text of a function in FROM that is nothing but a query. Its $1, $2… are the arguments, at any depth.
	Query string

	// Series, beside SetBody, gives the same rows a part at a time.
	Series Series

	// Out names and types the columns of a function whose Ret is Record; SetBody then returns a Struct column with these
	// fields, Body a Struct too.
	Out []datum.Field

	// Value is the name of the one column that it is in FROM, where that is not called as the function is.
	Value string
}

// calling gives the one column of a function in FROM a name.
func (f Func) calling(column string) Func {
	f.Value = column
	return f
}

// Default is the text of what argument i is when it is left out, or NULL.
func (f *Func) Default(i int) string {
	if k := i - (len(f.Args) - len(f.DefaultArgs)); k >= 0 {
		return f.DefaultArgs[k]
	}
	return "0"
}

// Call runs the function's Body or BodyTyped.
func (f *Func) Call(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	if f.BodyTyped != nil {
		return f.BodyTyped(c, types, args, n)
	}
	return f.Body(c, args, n)
}

// CallSet runs the function's SetBody or SetTyped for row i of the arguments.
func (f *Func) CallSet(c *Ctx, types []datum.Type, args []*vec.Column, i int) (*vec.Column, error) {
	if f.SetTyped != nil {
		return f.SetTyped(c, types, args, i)
	}
	return f.SetBody(c, args, i)
}

// Body computes n rows. A function without arguments has only n to go by. Arguments may be dictionary coded or constant (use the accessors or the lift helpers). The
// result has n rows, the kind of Ret, and may share memory with the arguments. It must not fail for rows in which a strict
// function has a null argument.
type Body func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error)

// SetBody computes the rows of a set-returning function for row i of the arguments; a Struct kind column for several columns.
type SetBody func(c *Ctx, args []*vec.Column, i int) (*vec.Column, error)

// Series begins the rows of a set-returning function for row i of the arguments. What it returns gives the next rows each
// time, n at most, and none at the end and after it.
type Series func(c *Ctx, args []*vec.Column, i int) (next func(n int) (*vec.Column, error), err error)

// Ctx is what a function may know of the statement and session that it runs in.
type Ctx struct {
	Context context.Context
	Env     *datum.Env
	Now     int64 // transaction_timestamp, microseconds since 2000-01-01 UTC
	StmtNow int64 // statement_timestamp
	// ReadTime is the moment that the statement sees, microseconds since 2000-01-01 UTC: as of it the log is what the statement
	// reads. nil where no statement runs.
	ReadTime func() (int64, error)
	// Entities reads entities at the moment that the statement sees; nil where no statement runs.
	Entities Entities
	Session  SessionInfo
	// Sequences and Advisory are of the session; nil where no statement runs.
	Sequences Sequences
	Advisory  Advisory
	Routines  Routines // nil where functions of users cannot run statements
	// Room is how many bytes the results of one function over a batch may have, as no memory budget sees them before they
	// are made; 0 is the most.
	Room int64
}

// SessionInfo answers what information functions ask; the engine implements it.
type SessionInfo interface {
	Database() string
	User() string
	// SearchPath lists the schemas that search_path names, with implicit also those that are searched without being named.
	SearchPath(implicit bool) []string
	Setting(name string) (string, bool)
	SetSetting(name, value string, local bool) error
	BackendPID() int32
	// Changed reports whether the transaction has changed or appended anything.
	Changed() bool
	// RelationSize is how many stored bytes a relation has, all of them together for 0; false: it is not there.
	RelationSize(ctx context.Context, relation datum.OID) (bytes int64, ok bool, err error)
	// BlockedBy lists the sessions whose locks a session waits for, or that wait before it.
	BlockedBy(pid int32) []int32
	// Signal cancels the statement of a session of the database, or ends the session and waits for that as many milliseconds; false: it did not.
	Signal(ctx context.Context, pid int32, end bool, wait int64) bool
	Notify(channel, payload string) error
	Listening() []string
	NotifyUsage() float64
	// Catalog looks up catalog facts for regclass, format_type, pg_get_expr and their like: kind is the relation's name
	// such as "pg_class"; key the object's OID.
	CatalogName(kind string, oid datum.OID) (schema, name string, ok bool)
	CatalogOID(kind, schema, name string) (datum.OID, bool)
	// CatalogText describes a catalog object: what is "indexdef", "constraintdef", "comment"…; sub is a column number where
	// one is meant.
	CatalogText(what string, oid datum.OID, sub int) (string, bool)
}

// Aggregate is one overload of an aggregate function.
type Aggregate struct {
	OID     datum.OID
	Name    string
	Args    []datum.OID // nil for count(*)
	Ret     datum.OID
	Ordered bool // ordered-set (WITHIN GROUP): the direct arguments come first, rows arrive in the order asked for
	Strict  bool // rows with a null argument are skipped before Add
	// OrderMatters: the result depends on the order of the rows (array_agg, string_agg); ORDER BY in the call is obeyed and
	// partial results are merged in order.
	OrderMatters bool
	Doc          string
	New          func(args []datum.Type) Accumulator
	// Select, where an ordered-set aggregate has it, makes an accumulator for the rows in any order, or nil for types that
	// have none. args are the types of the direct argument and of the one column to order by.
	Select func(args []datum.Type, desc bool) Accumulator
}

// Accumulator holds the states of all groups of one aggregate call; group numbers are dense from 0.
// Float sums must not depend on parallelism: partial accumulators are merged in block order by the caller.
type Accumulator interface {
	// Grow makes room for groups [0, n).
	Grow(n int)
	// Add takes row i of args into group groups[i], for every i; groups[i] < 0 means the row is not taken.
	Add(c *Ctx, args []*vec.Column, groups []int32, n int) error
	// Merge takes group g of other (made by the same New) into group groups[g].
	Merge(other Accumulator, groups []int32) error
	// Result returns one row per group [0, n).
	Result(c *Ctx, n int) (*vec.Column, error)
	// MemSize estimates the bytes held.
	MemSize() int
}

// Counter is an Accumulator for which only the number of rows matters.
type Counter interface {
	// AddCounts takes counts[i] rows, none with a null argument, into group groups[i].
	AddCounts(groups []int32, counts []int64)
}

// CastContext says where a conversion may happen, as pg_cast.castcontext.
type CastContext byte

const (
	Explicit   CastContext = 'e'
	Assignment CastContext = 'a'
	Implicit   CastContext = 'i'
)

// Cast is one row of pg_cast, beyond the text conversions that every type has.
type Cast struct {
	From, To datum.OID
	Context  CastContext
	// Body converts; nil when the physical values are the same. mod is the target's modifier.
	Body func(c *Ctx, arg *vec.Column, n int, mod int32, explicit bool) (*vec.Column, error)
}
