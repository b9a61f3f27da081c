package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// asOf puts a SELECT's AS OF clause in force, for its tables and those of the queries inside it. Inside another one it must
// be the same.
func (b *binder) asOf(x *syntax.AsOf, e *env) (*env, error) {
	text := syntax.Format(x.Expr)
	if x.Kind == syntax.AsOfPosition {
		text = "POSITION " + text
	}
	if e.asOf != nil {
		if e.asOf.text == text {
			return e, nil
		}
		return nil, b.errorIn(x, pgerr.FeatureNotSupported, "AS OF SYSTEM TIME inside another one must name the same moment").
			WithHint("Put the two queries side by side, each with its own clause, and join them.")
	}
	clause, err := b.asOfClause(x)
	if err != nil {
		return nil, err
	}
	out := *e
	out.asOf = &moment{clause: clause, text: text}
	if e.top {
		b.topAsOf = clause
	}
	return &out, nil
}

// locking refuses to lock rows of the past. Where a transaction only reads, its executions refuse.
func (b *binder) locking(list []*syntax.Locking, e *env) error {
	if len(list) == 0 {
		return nil
	}
	b.locks = "SELECT " + list[0].Strength.String()
	if e.asOf != nil {
		return b.errorIn(list[0], pgerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", b.locks)
	}
	return nil
}

func (b *binder) asOfClause(x *syntax.AsOf) (*plan.TimeClause, error) {
	kind, what := plan.AsOf, "AS OF SYSTEM TIME"
	if x.Kind == syntax.AsOfPosition {
		kind, what = plan.AsOfPosition, "AS OF POSITION"
	}
	from, err := b.momentExpr(x.Expr, what, kind == plan.AsOfPosition)
	return &plan.TimeClause{Kind: kind, From: from, Pos: x.Pos}, err
}

// Moment binds the AS OF clause of a transaction: of what it returns, AsOf and the parameters are set.
func Moment(ctx *Context, x *syntax.AsOf, paramTypes []datum.OID) (*Bound, error) {
	b := newBinder(ctx, paramTypes)
	clause, err := b.asOfClause(x)
	if err != nil {
		return nil, err
	}
	types, err := b.paramTypes()
	return &Bound{AsOf: clause, ParamTypes: types, TimeParams: b.timeParams, ReadOnly: true}, err
}

// momentExpr binds the expression of a time clause: no columns, evaluated once. Text stays text: the engine reads it.
func (b *binder) momentExpr(x syntax.Expr, what string, position bool) (expr.Expr, error) {
	if err := b.columnFree(x, what); err != nil {
		return nil, err
	}
	f := &frame{binder: b, env: &env{}, scope: &scope{}, what: what}
	e, err := f.bind(x)
	if err != nil {
		return nil, err
	}
	if p, ok := e.(*expr.Param); ok && p.Typ.OID == datum.Unknown {
		b.timeParams = append(b.timeParams, p.N)
		if position {
			return f.coerce(e, datum.T(datum.Int8), funcs.Implicit, x)
		}
		return f.coerce(e, datum.T(datum.TimestampTZ), funcs.Implicit, x)
	}
	if position {
		if t := e.Type().OID; !canCoerce(t, datum.Int8, funcs.Assignment) {
			return nil, f.errorIn(x, pgerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s", what, formatType(e.Type()))
		}
		return f.coerce(e, datum.T(datum.Int8), funcs.Assignment, x)
	}
	switch e.Type().OID {
	case datum.Unknown:
		return f.textIfUnknown(e, x)
	case datum.Text, datum.Varchar, datum.TimestampTZ, datum.Timestamp, datum.Date, datum.Interval, datum.Int2, datum.Int4,
		datum.Int8, datum.Numeric:
		return e, nil
	}
	return nil, f.errorIn(x, pgerr.DatatypeMismatch, "%s cannot be of type %s", what, formatType(e.Type())).
		WithHint("Give a timestamp, a negative interval such as '-10m', or nanoseconds since 1970.")
}

// momentValue is the moment of an AS OF clause as a value: of a position the text that names it.
func (f *frame) momentValue(c *plan.TimeClause, at syntax.Node) (expr.Expr, error) {
	switch c.Kind {
	case plan.AsOf:
		return c.From, nil
	case plan.AsOfPosition:
		return f.operator(syntax.Operator{Name: "||"}, []typed{{textConst("position "), at}, {c.From, at}}, at)
	}
	return nil, f.errorIn(at, pgerr.FeatureNotSupported, "a function cannot be about a period of time")
}

// columnFree refuses columns and queries in a time clause.
func (b *binder) columnFree(x syntax.Expr, what string) error {
	var bad error
	syntax.Walk(x, func(n syntax.Node) bool {
		if bad != nil {
			return false
		}
		switch n := n.(type) {
		case *syntax.ColumnRef:
			bad = b.errorIn(n, pgerr.UndefinedColumn, "%s cannot refer to column %q", what, dotted(n.Name)).
				WithHint("It is evaluated once, before any row is read: use constants, parameters and now().")
		case *syntax.Subquery, *syntax.ArrayQuery, *syntax.Exists:
			bad = b.errorIn(n, pgerr.FeatureNotSupported, "cannot use subquery in %s", what)
		}
		return bad == nil
	})
	return bad
}

// times puts the time clauses of a table, and the one in force, on its scan.
func (b *binder) times(scan *plan.Scan, t *syntax.TableName, e *env) (plan.Node, error) {
	follows := scan.Relation.Stored() || scan.Relation.Rows != nil // else its rows are the same at all times
	if follows && e.asOf != nil {
		scan.System = e.asOf.clause
	}
	var node plan.Node = scan
	for i, c := range append(t.Times[:len(t.Times):len(t.Times)], e.valid...) {
		if c.Period == syntax.ValidTime {
			n, err := b.validTime(node, scan.Relation, c)
			switch {
			case err != nil:
				return nil, err
			case n != nil:
				node = n
				b.validUses++
			case i < len(t.Times):
				return nil, b.noValidTime(scan.Relation, c)
			}
			continue
		}
		if e.asOf != nil {
			return nil, b.errorIn(c, pgerr.FeatureNotSupported, "FOR SYSTEM_TIME cannot be combined with AS OF SYSTEM TIME").
				WithHint("Give every table its own FOR SYSTEM_TIME clause.")
		}
		clause, err := b.systemTime(c)
		if err != nil {
			return nil, err
		}
		if follows {
			scan.System = clause
		}
	}
	return node, nil
}

// viewTimes puts the time clauses of a view in force for the tables in it.
func (b *binder) viewTimes(t *syntax.TableName, in *moment) (system *moment, valid []*syntax.TimeClause, err error) {
	for _, c := range t.Times {
		switch {
		case c.Period == syntax.ValidTime:
			valid = append(valid, c)
			continue
		case in != nil:
			return nil, nil, b.errorIn(c, pgerr.FeatureNotSupported, "FOR SYSTEM_TIME cannot be combined with AS OF SYSTEM TIME").
				WithHint("Give every table its own FOR SYSTEM_TIME clause.")
		}
		clause, err := b.systemTime(c)
		if err != nil {
			return nil, nil, err
		}
		in = &moment{clause: clause}
	}
	return in, valid, nil
}

func (b *binder) systemTime(c *syntax.TimeClause) (*plan.TimeClause, error) {
	out := &plan.TimeClause{Pos: c.Pos}
	switch c.Kind {
	case syntax.TimeFromTo:
		out.Kind = plan.FromTo
	case syntax.TimeBetween:
		out.Kind = plan.Between
	case syntax.TimeAll:
		out.Kind = plan.All
	}
	var err error
	if c.From != nil {
		if out.From, err = b.momentExpr(c.From, "FOR SYSTEM_TIME", false); err != nil {
			return nil, err
		}
	}
	if c.To != nil {
		if out.To, err = b.momentExpr(c.To, "FOR SYSTEM_TIME", false); err != nil {
			return nil, err
		}
	}
	return out, nil
}
