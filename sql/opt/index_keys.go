package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// indexKeys are the keys of an index as the scan has them, nil for one of columns that it does not read. ok is false where the scan may ask
// for rows that the index has not: those outside its predicate, or of a time before it.
func (r *run) indexKeys(s *plan.Scan, ix *catalog.TableIndex) (keys []expr.Expr, ok bool) {
	if r.o.Indexed != nil && !r.o.Indexed(s.Relation, ix) {
		return nil, false
	}
	if r.o.Whole != nil && s.System.IsPeriod() && !r.o.Whole(s.Relation, ix) {
		return nil, false
	}
	keys = make([]expr.Expr, len(ix.Keys))
	for i, k := range ix.Keys {
		if k.Column > 0 {
			keys[i] = columnOf(s, func(c int) bool { return s.Relation.Columns[c].Attr == k.Column })
		}
	}
	if !ix.Computed() {
		return keys, true
	}
	if r.o.IndexRule == nil {
		return nil, false
	}
	rule, err := r.o.IndexRule(s.Relation, ix)
	if err != nil {
		return nil, false
	}
	for i, k := range rule.Keys {
		if ix.Keys[i].Column == 0 {
			keys[i] = r.inScan(s, k)
		}
	}
	for _, asked := range expr.Conjuncts(rule.Where) {
		p := r.inScan(s, asked)
		if p == nil || !slices.ContainsFunc(expr.Conjuncts(s.Filter), func(c expr.Expr) bool { return r.implies(c, p) }) {
			return nil, false
		}
	}
	return keys, true
}

// columnOf is the column of a scan that a relation's column, which is told by its place, comes as; nil if it does not.
func columnOf(s *plan.Scan, is func(column int) bool) expr.Expr {
	for i, c := range s.Cols {
		if c.Column >= 0 && len(c.Path) == 0 && is(c.Column) {
			return &expr.Col{Index: i, Typ: c.Field.Type, Name: c.Field.Name}
		}
	}
	return nil
}

// inScan turns an expression over the columns of a relation into one over those of a scan, in the form that the scan's own expressions have
// by now; nil where it needs a column that the scan does not read.
func (r *run) inScan(s *plan.Scan, e expr.Expr) expr.Expr {
	missing := false
	out := expr.Transform(e, func(e expr.Expr) expr.Expr {
		if c, ok := e.(*expr.Col); ok {
			at := columnOf(s, func(column int) bool { return column == c.Index })
			if missing = missing || at == nil; at == nil {
				return e
			}
			return at
		}
		if r.o.Context != nil {
			return fold(r.o.Context, e)
		}
		return e
	})
	if missing {
		return nil
	}
	return out
}

// implies reports whether a row for which one condition is true is one for which the other is: because they are the same, because a comparison
// is not true of null, or because the constants say so (as PostgreSQL proves predicates of indexes; manual, 11.8). Of rows IS NOT NULL asks
// for each field, which a comparison does not.
func (r *run) implies(have, asked expr.Expr) bool {
	if expr.Equal(have, asked) {
		return true
	}
	h, ok := comparisonOf(have)
	if !ok {
		return false
	}
	if n, ok := asked.(*expr.IsNull); ok {
		return n.Not && datum.KindOf(n.Arg.Type().OID) != vec.Struct && expr.Equal(h.on, n.Arg)
	}
	a, ok := comparisonOf(asked)
	if !ok || r.o.Context == nil || !expr.Equal(h.on, a.on) {
		return false
	}
	switch h.op {
	case plan.Eq, plan.In: // each of the values is one of the rows asked for
		return !slices.ContainsFunc(h.values, func(v expr.Expr) bool { return !r.known(replaced(asked, a.on, v)) })
	case plan.Gt, plan.Ge:
		if a.op != plan.Gt && a.op != plan.Ge {
			return false
		}
	case plan.Lt, plan.Le:
		if a.op != plan.Lt && a.op != plan.Le {
			return false
		}
	}
	// x > 5 says x >= 3 since 5 >= 3, and x > 5 since it leaves 5 out itself.
	same := (h.op == plan.Gt || h.op == plan.Lt) && r.known(r.equal(h.values[0], a.values[0]))
	return same || r.known(replaced(asked, a.on, h.values[0]))
}

// equal is the equality of two expressions, nil where their types have none.
func (r *run) equal(a, b expr.Expr) expr.Expr {
	fn := equalOf(a.Type().OID, b.Type().OID)
	if fn == nil {
		return nil
	}
	return &expr.Call{Fn: fn, Args: []expr.Expr{a, b}, Typ: datum.T(datum.Bool), Pos: -1}
}

// known reports whether a condition is true whatever comes.
func (r *run) known(e expr.Expr) bool {
	if e == nil || !expr.IsConst(e) {
		return false
	}
	return expr.IsTrue(expr.Transform(e, func(e expr.Expr) expr.Expr { return fold(r.o.Context, e) }))
}

// replaced is e with another expression in the place of one, of the same type; nil where the types differ.
func replaced(e, old, by expr.Expr) expr.Expr {
	if old.Type().OID != by.Type().OID {
		return nil
	}
	return expr.Transform(e, func(e expr.Expr) expr.Expr {
		if expr.Equal(e, old) {
			return by
		}
		return e
	})
}

// comparison is a condition on an expression with values that are the same for every row.
type comparison struct {
	on     expr.Expr
	op     plan.CompareOp
	values []expr.Expr // several for In
}

// comparisonOf recognises a comparison that an index may answer.
func comparisonOf(cond expr.Expr) (c comparison, ok bool) {
	switch x := cond.(type) {
	case *expr.Call:
		op, known := boundOps[x.Fn.Name]
		if !known || len(x.Args) != 2 {
			return c, false
		}
		l, r := x.Args[0], x.Args[1]
		if expr.IsSteady(l) {
			l, r, op = r, l, mirrored[op]
		}
		c = comparison{l, op, []expr.Expr{r}}
	case *expr.In:
		if x.Not {
			return c, false
		}
		c = comparison{x.Arg, plan.In, x.List}
	case *expr.Or:
		return alternatives(x)
	default:
		return c, false
	}
	for i, v := range c.values {
		if v, ok = asCompared(v, c.on.Type()); !ok {
			return c, false
		}
		if v != c.values[i] {
			c.values = slices.Clone(c.values)
			c.values[i] = v
		}
	}
	return c, true
}

// alternatives is an OR of equalities of one expression as that expression in a list.
func alternatives(x *expr.Or) (out comparison, ok bool) {
	for _, arm := range disjuncts(x) {
		c, ok := comparisonOf(arm)
		if !ok || c.op != plan.Eq && c.op != plan.In || out.on != nil && !expr.Equal(c.on, out.on) {
			return out, false
		}
		out = comparison{c.on, plan.In, append(out.values[:len(out.values):len(out.values)], c.values...)}
	}
	return out, true
}

// isSame reports whether an expression has the same value for all rows, and is one that can be evaluated beforehand.
func isSame(e expr.Expr) bool { return expr.IsSteady(e) && !hasSubquery(e) }

// asCompared is a value, the same for all rows, as one whose order with values of a type is the order of the type: dates and times are compared with
// one another as PostgreSQL's operators between their types do, by conversion.
func asCompared(v expr.Expr, t datum.Type) (expr.Expr, bool) {
	if !isSame(v) {
		return v, false
	}
	from := v.Type().OID
	if from == datum.Date && (t.OID == datum.Timestamp || t.OID == datum.TimestampTZ) || from == datum.Timestamp && t.OID == datum.TimestampTZ {
		return &expr.Cast{Arg: v, Typ: datum.T(t.OID), Implicit: true, Pos: -1}, true
	}
	return v, hashAlike(t.OID, from)
}

// sameKey reports whether an expression is a key of an index; nil is none.
func sameKey(e, key expr.Expr) bool {
	if c, ok := e.(*expr.Col); ok {
		k, isCol := key.(*expr.Col)
		return isCol && c.Index == k.Index
	}
	return key != nil && expr.Equal(e, key)
}
