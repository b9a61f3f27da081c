package bind

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// env is what a query is bound in: the rows around it, the CTEs it can name, the moment it asks about.
type env struct {
	outer *scope
	ctes  *cteScope
	asOf  *moment
	valid []*syntax.TimeClause // FOR VALID_TIME clauses of the view that is being bound: they are about the tables in it
	top   bool                 // the outermost query
	// hidden are tables on the left of a subquery in FROM, which it cannot see without LATERAL.
	hidden []*item
	rows   map[string]bool // names that may stand for whole rows of the FROM list, where it has outer joins
	lock   *locked         // the tables of the FROM list are locked; nil: they are not
}

// moment is an AS OF clause in force.
type moment struct {
	clause *plan.TimeClause
	text   string // the clause as written, to recognise the same one
}

// frame is where an expression stands: the row it may refer to and what it may contain.
type frame struct {
	*binder
	env      *env
	scope    *scope
	what     string   // "WHERE", "JOIN conditions"…: as PostgreSQL names the place
	aggs     *aggs    // collects aggregate calls; nil where they are not allowed
	inAgg    bool     // inside an aggregate's arguments
	windows  *windows // collects calls over windows; nil where they are not allowed
	inWindow bool     // inside the arguments of such a call
	sets     bool     // set-returning functions are allowed
	inFrom   bool     // the call is one in FROM
	novar    bool     // columns of the row itself are not allowed
}

// inside returns the frame for a place inside this one where set-returning functions are not allowed.
func (f *frame) inside(what string) *frame {
	c := *f
	c.inFrom = false
	c.sets = false
	if f.sets {
		c.what = what
	}
	return &c
}

// list binds several expressions.
func (f *frame) list(in []syntax.Expr) ([]typed, error) {
	out := make([]typed, len(in))
	for i, x := range in {
		e, err := f.bind(x)
		if err != nil {
			return nil, err
		}
		out[i] = typed{e, x}
	}
	return out, nil
}

// condition binds a boolean expression.
func (f *frame) condition(x syntax.Expr, what string) (expr.Expr, error) {
	e, err := f.bind(x)
	if err != nil {
		return nil, err
	}
	return f.boolean(e, what, x)
}

// bind gives the typed expression for a tree. Literals and parameters that nothing settles are of type unknown.
func (f *frame) bind(x syntax.Expr) (expr.Expr, error) {
	if err := f.enter(x); err != nil {
		return nil, err
	}
	defer f.leave()
	e, err := f.bindOne(x)
	f.defining.bound(x, e)
	return e, err
}

func (f *frame) bindOne(x syntax.Expr) (expr.Expr, error) {
	switch x := x.(type) {
	case *syntax.Const:
		return f.constant(x)
	case *syntax.Param:
		return f.param(x)
	case *syntax.ColumnRef:
		return f.column(x)
	case *syntax.Indirection:
		return f.indirection(x)
	case *syntax.Unary:
		return f.unary(x)
	case *syntax.Binary:
		return f.binary(x)
	case *syntax.Logic:
		return f.logic(x)
	case *syntax.Not:
		return f.not(x)
	case *syntax.IsTest:
		return f.isTest(x)
	case *syntax.IsDistinct:
		return f.isDistinct(x)
	case *syntax.Between:
		return f.between(x)
	case *syntax.In:
		return f.in(x)
	case *syntax.Like:
		return f.like(x)
	case *syntax.Quantified:
		return f.quantified(x)
	}
	return f.bindMore(x)
}

func (f *frame) bindMore(x syntax.Expr) (expr.Expr, error) {
	switch x := x.(type) {
	case *syntax.Exists:
		return f.exists(x)
	case *syntax.Subquery:
		return f.scalar(x)
	case *syntax.ArrayQuery:
		return f.arrayQuery(x)
	case *syntax.ArrayExpr:
		return f.array(x, datum.Type{})
	case *syntax.Row:
		return f.row(x)
	case *syntax.Cast:
		return f.cast(x)
	case *syntax.Collate:
		return f.collate(x)
	case *syntax.AtTimeZone:
		return f.atTimeZone(x)
	case *syntax.Case:
		return f.caseOf(x)
	case *syntax.Special:
		return f.special(x)
	case *syntax.SQLValue:
		return f.sqlValue(x)
	case *syntax.FuncCall:
		return f.call(x)
	case *syntax.Default:
		return nil, f.errorIn(x, pgerr.SyntaxError, "DEFAULT is not allowed in this context")
	case *syntax.CurrentOf:
		return nil, f.errorIn(x, pgerr.FeatureNotSupported, "WHERE CURRENT OF is not supported here")
	case *syntax.IsJSON:
		return nil, f.errorIn(x, pgerr.FeatureNotSupported, "IS JSON is not supported yet")
	}
	return nil, f.errorIn(x, pgerr.FeatureNotSupported, "this expression is not supported yet")
}

// column resolves a name, or refuses it where the row must not be used.
func (f *frame) column(x *syntax.ColumnRef) (expr.Expr, error) {
	if x.Star {
		return nil, f.errorIn(x, pgerr.SyntaxError, "row expansion via \"*\" is not supported here")
	}
	e, err := f.columnRef(x, f.scope)
	if err != nil && pgerr.Is(err, pgerr.UndefinedColumn) && len(x.Name) > 1 {
		if row, missing := f.rowOf(&syntax.ColumnRef{At: x.At, Name: x.Name[:len(x.Name)-1]}); missing == nil {
			e, err = f.attribute(row, x.Name.Last(), x, err)
		}
	}
	if err != nil {
		return nil, err
	}
	if f.novar && expr.Any(e, func(e expr.Expr) bool { _, ok := e.(*expr.Col); return ok }) {
		return nil, f.errorIn(x, pgerr.InvalidColumnReference, "argument of %s must not contain variables", strings.TrimPrefix(f.what, "window "))
	}
	return e, nil
}

// param makes $n, of unknown type while nothing settled it.
func (f *frame) param(x *syntax.Param) (expr.Expr, error) {
	if f.calling != nil {
		if x.N < 1 || x.N > len(f.calling.args) {
			return nil, f.errorIn(x, pgerr.UndefinedParameter, "there is no parameter $%d", x.N)
		}
		return f.defining.ref(f.calling.argument(x.N, f.scope), f.calling.ref(x.N-1)), nil
	}
	if x.N < 1 || x.N > maxParams {
		return nil, f.errorIn(x, pgerr.UndefinedParameter, "there is no parameter $%d", x.N)
	}
	for len(f.params) < x.N {
		f.params = append(f.params, datum.Unknown)
		f.given = append(f.given, false)
	}
	if f.paramPlaces == nil {
		f.paramPlaces = map[int]int{}
	}
	if _, ok := f.paramPlaces[x.N]; !ok {
		f.paramPlaces[x.N] = x.Pos
	}
	return &expr.Param{N: x.N, Typ: datum.T(f.params[x.N-1])}, nil
}
