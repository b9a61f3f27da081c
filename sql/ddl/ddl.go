// Package ddl turns statements that define objects into changes of the catalog: which objects are new, replaced or dropped,
// and what has to be done with rows for that to be true. It changes nothing itself: the engine calls Plan, does the work
// and commits the changes. Errors, notices and the names that are made up are PostgreSQL's.
package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Context is what a statement is planned in.
type Context struct {
	Bind   *bind.Context             // its catalog is that of the statement, with what the transaction changed
	NewID  func() (datum.OID, error) // numbers of new objects
	Notice func(n *pgerr.Error)      // nil: nobody listens
	// Path is search_path as it was set: an object without a schema is made in the first that is there.
	Path []string
	// Bodies asks for the bodies of functions to be checked: without, what they read may come later.
	Bodies bool
	// Roles are the names to which something may be granted.
	Roles []string
	// Temporary is the schema of the session's temporary objects.
	Temporary datum.OID
	// Constant evaluates an expression without columns, as text under the zero Env; nil: null.
	Constant func(x syntax.Expr, t catalog.TypeRef) (*string, error)
	// Setting reads SET or RESET among the options of a function: the parameter ("" for all), and its value, nil for the caller's.
	Setting func(st syntax.Stmt) (name string, value *string, err error)
	// Under does something with parameters as a function has them.
	Under func(config []string, do func(ctx *bind.Context) error) error
	// LastValue is where a sequence stands.
	LastValue func(s *catalog.SequenceObject) (int64, error)
}

// Change is what a statement does.
type Change struct {
	Objects []catalog.Object // new, or in the place of those with the same ID
	Dropped []datum.OID
	Work    []Work // in order, under the catalog with the objects
	// Needs are objects that were there and that the objects depend on, as they did not before; Refers are the tables of new foreign keys among them.
	Needs, Refers []datum.OID
}

// Work is something to be done with rows.
type Work interface{ work() }

// Check asks for a row that must not be there: Query gives it.
type Check struct {
	Query string
	// Failed makes the error out of the row's columns as text.
	Failed func(row []string) error
}

// Build makes an index of the rows that are there.
type Build struct {
	Table *catalog.TableObject
	Index *catalog.TableIndex
}

// Run executes a statement that changes rows, under a catalog in which Objects stand for those with their IDs.
type Run struct {
	Statement string
	Objects   []catalog.Object
	Count     bool // the completion message counts the rows
}

// SetSequence puts a sequence to a value.
type SetSequence struct {
	Sequence datum.OID
	Value    int64
}

// Empty removes all rows.
type Empty struct{ Table datum.OID }

func (Check) work()       {}
func (Build) work()       {}
func (Run) work()         {}
func (SetSequence) work() {}
func (Empty) work()       {}

// Plans reports whether Plan knows the statement.
func Plans(s syntax.Stmt) bool {
	switch s := s.(type) {
	case *syntax.CreateTable, *syntax.CreateTableAs, *syntax.CreateView, *syntax.RefreshView, *syntax.CreateIndex, *syntax.CreateSequence,
		*syntax.CreateType, *syntax.CreateDomain, *syntax.CreateSchema, *syntax.CreateFunction, *syntax.Comment, *syntax.AlterTable,
		*syntax.AlterEnum, *syntax.AlterFunction, *syntax.AlterOwnerStmt, *syntax.CreateExtension, *syntax.Grant:
		return true
	case *syntax.Drop:
		return dropsObjects(s.Kind) || s.Kind == "ROLE"
	case *syntax.Rename:
		return dropsObjects(s.Kind)
	case *syntax.SetSchema:
		return dropsObjects(s.Kind)
	}
	return false
}

// Plan says what a statement does. Nothing is changed.
func Plan(ctx *Context, s syntax.Stmt) (*Change, error) {
	p := &planner{Context: ctx, cat: ctx.Bind.Catalog, out: &Change{}}
	err := p.statement(s)
	for _, o := range p.out.Objects {
		if t, ok := o.(*catalog.TableObject); ok && err == nil {
			err = p.nameNotNulls(t)
		}
	}
	if err == nil {
		p.needs()
	}
	return p.out, err
}

// planner is the state of planning one statement.
type planner struct {
	*Context
	cat      *catalog.Catalog // with the changes so far
	out      *Change
	building *building // the table that is being made, nil when none is
}

func (p *planner) statement(s syntax.Stmt) error {
	switch s := s.(type) {
	case *syntax.CreateTable:
		return p.createTable(s)
	case *syntax.CreateTableAs:
		return p.createTableAs(s)
	case *syntax.CreateView:
		return p.createView(s)
	case *syntax.RefreshView:
		return p.refreshView(s)
	case *syntax.CreateIndex:
		return p.createIndex(s)
	case *syntax.CreateSequence:
		if s.Alter {
			return p.alterSequence(s)
		}
		return p.createSequence(s)
	case *syntax.CreateType:
		return p.createType(s)
	case *syntax.CreateDomain:
		return p.createDomain(s)
	case *syntax.CreateSchema:
		return p.createSchema(s)
	case *syntax.CreateFunction:
		return p.createFunction(s)
	case *syntax.AlterFunction:
		return p.alterFunction(s)
	case *syntax.Comment:
		return p.comment(s)
	case *syntax.Drop:
		if s.Kind == "ROLE" {
			return p.dropRoles(s)
		}
		return p.drop(s)
	case *syntax.AlterTable:
		return p.alterTable(s)
	case *syntax.AlterEnum:
		return p.alterEnum(s)
	case *syntax.Rename:
		return p.rename(s)
	case *syntax.SetSchema:
		return p.setSchema(s)
	case *syntax.AlterOwnerStmt:
		return p.role(s.Owner) // every user is the owner
	case *syntax.Grant:
		return p.grant(s)
	case *syntax.CreateExtension:
		return p.createExtension(s)
	}
	return pgerr.New(pgerr.FeatureNotSupported, "%s is not supported yet", s.Tag())
}

// put adds or replaces objects.
func (p *planner) put(list ...catalog.Object) {
	for _, o := range list {
		id := o.Head().ID
		i := slices.IndexFunc(p.out.Objects, func(x catalog.Object) bool { return x.Head().ID == id })
		if i >= 0 {
			p.out.Objects[i] = o
		} else {
			p.out.Objects = append(p.out.Objects, o)
		}
	}
	p.refresh()
}

// remove drops objects.
func (p *planner) remove(ids ...datum.OID) {
	for _, id := range ids {
		p.out.Objects = slices.DeleteFunc(p.out.Objects, func(x catalog.Object) bool { return x.Head().ID == id })
		if p.Bind.Catalog.Object(id) != nil {
			p.out.Dropped = append(p.out.Dropped, id)
		}
	}
	p.refresh()
}

// refresh makes the catalog with all changes so far.
func (p *planner) refresh() { p.cat = Apply(p.Bind.Catalog, p.out.Objects, p.out.Dropped) }

// Apply is a catalog with changes.
func Apply(c *catalog.Catalog, objects []catalog.Object, dropped []datum.OID) *catalog.Catalog {
	changed := map[datum.OID]bool{}
	for _, o := range objects {
		changed[o.Head().ID] = true
	}
	for _, id := range dropped {
		changed[id] = true
	}
	var list []catalog.Object
	for _, o := range c.Objects() {
		if !changed[o.Head().ID] {
			list = append(list, o)
		}
	}
	return c.With(append(list, objects...)...)
}

// bound is the context of the binder with the changes so far.
func (p *planner) bound() *bind.Context {
	c := *p.Bind
	c.Catalog = p.cat
	return &c
}

// ids gives n new numbers.
func (p *planner) ids(to ...*datum.OID) error {
	for _, id := range to {
		n, err := p.NewID()
		if err != nil {
			return err
		}
		*id = n
	}
	return nil
}

// errorIn makes an error at a node.
func (p *planner) errorIn(n syntax.Node, code pgerr.Code, format string, args ...any) *pgerr.Error {
	e := pgerr.New(code, format, args...)
	if n != nil && p.Bind.Text != "" {
		e.Position = syntax.CharPosition(p.Bind.Text, n.Offset())
	}
	return e
}

func (p *planner) notice(code pgerr.Code, format string, args ...any) {
	if p.Notice != nil {
		p.Notice(pgerr.New(code, format, args...))
	}
}

func (p *planner) noticeDetail(text, detail string) {
	if p.Notice != nil {
		p.Notice(pgerr.New("00000", "%s", text).WithDetail("%s", detail))
	}
}
