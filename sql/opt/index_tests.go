package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// indexTest is a condition of a scan that an index may answer, or a part of it.
type indexTest struct {
	comparison
	null  bool         // that the expression is null, instead of a comparison
	array expr.Expr    // the values of In; nil: values
	more  []comparison // where rows are compared: what decides among those for which the fields before are equal
	cond  expr.Expr    // what of the filter follows from it; nil: nothing
}

// indexTests are the conditions of a scan that compare a column or a computed value with what is the same for all rows.
func indexTests(s *plan.Scan) (tests []indexTest) {
	for _, cond := range expr.Conjuncts(s.Filter) {
		for _, t := range testsOf(cond) {
			if t.on.Type().OID == datum.JSONB {
				continue
			}
			t.on = underCast(s, t.on)
			for i := range t.more {
				t.more[i].on = underCast(s, t.more[i].on)
			}
			tests = append(tests, t)
		}
	}
	return tests
}

// underCast is the column under a cast that does not change its values.
func underCast(s *plan.Scan, e expr.Expr) expr.Expr {
	if c, ok := e.(*expr.Cast); ok && isColumn(c.Arg) {
		if _, same := scanColumn(s, e); same {
			return c.Arg
		}
	}
	return e
}

func isColumn(e expr.Expr) bool {
	_, ok := e.(*expr.Col)
	return ok
}

// testsOf recognises a condition that an index may answer: by one test, or for texts that begin alike by two.
func testsOf(cond expr.Expr) []indexTest {
	if c, ok := comparisonOf(cond); ok {
		return []indexTest{{comparison: c, cond: cond}}
	}
	switch x := cond.(type) {
	case *expr.Col:
		return []indexTest{booleanTest(x, true, cond)}
	case *expr.Not:
		if isColumn(x.Arg) {
			return []indexTest{booleanTest(x.Arg, false, cond)}
		}
	case *expr.BoolTest:
		if !x.Not && x.Want == 'u' {
			return []indexTest{{comparison: comparison{on: x.Arg, op: plan.Eq}, null: true, cond: cond}}
		}
		if !x.Not {
			return []indexTest{booleanTest(x.Arg, x.Want == 't', cond)}
		}
	case *expr.IsNull:
		// Of rows it asks for each field.
		if datum.KindOf(x.Arg.Type().OID) == vec.Struct {
			return nil
		}
		if x.Not {
			return []indexTest{{comparison: comparison{on: x.Arg, op: plan.NotNull}, cond: cond}}
		}
		return []indexTest{{comparison: comparison{on: x.Arg, op: plan.Eq}, null: true, cond: cond}}
	case *expr.AnyAll:
		if !x.All && x.Op.Name == "=" && isSame(x.Array) && hashAlike(x.Left.Type().OID, datum.ElemOf(x.Array.Type().OID)) {
			return []indexTest{{comparison: comparison{on: x.Left, op: plan.In}, array: x.Array, cond: cond}}
		}
	case *expr.Or:
		if list, ok := rowComparison(x); ok {
			return []indexTest{{comparison: list[0], more: list[1:], cond: cond}}
		}
	case *expr.Call:
		return beginTests(x)
	}
	return nil
}

// queryTests are the tests that an index may answer with the values of a query that is the same for all rows, where that costs less than the table.
func (r *run) queryTests(s *plan.Scan) (tests []indexTest) {
	for _, cond := range expr.Conjuncts(s.Filter) {
		q, ok := cond.(*expr.Subquery)
		if !ok || q.Kind != expr.InQuery || q.Not || q.Correlated || q.Test == nil || hasSubquery(q.Test) {
			continue
		}
		sub, ok := q.Plan.(plan.Node)
		if !ok || plan.Width(sub) != 1 || hasVolatile(sub) {
			continue
		}
		of := sub.Schema()[0].Type
		array := datum.ArrayOf(of.OID)
		if cost := r.scanned(sub); array == 0 || cost < 0 || cost > r.tableRows(s.Relation) || !hashAlike(q.Test.Type().OID, of.OID) {
			continue
		}
		list := &expr.Subquery{Kind: expr.ArrayOf, Plan: sub, Typ: datum.T(array)}
		tests = append(tests, indexTest{comparison: comparison{on: underCast(s, q.Test), op: plan.In}, array: list, cond: cond})
	}
	return tests
}

func booleanTest(on expr.Expr, is bool, cond expr.Expr) indexTest {
	return indexTest{comparison: comparison{on: on, op: plan.Eq, values: []expr.Expr{boolConst(is)}}, cond: cond}
}

func boolConst(v bool) *expr.Const {
	c := vec.NewBuilder(vec.Bool, 1)
	c.AppendBool(v)
	return &expr.Const{Val: c.Finish(), Typ: datum.T(datum.Bool)}
}

// rowComparison recognises a comparison of rows that is spelled out, a < x OR a = x AND b < y: the comparisons of the fields, of which each
// but the last is strict.
func rowComparison(x *expr.Or) ([]comparison, bool) {
	arms := disjuncts(x)
	var first comparison
	at := slices.IndexFunc(arms, func(e expr.Expr) bool {
		c, ok := comparisonOf(e)
		first = c
		return ok && (c.op == plan.Lt || c.op == plan.Gt)
	})
	if at < 0 {
		return nil, false
	}
	var rest []expr.Expr
	for i, arm := range arms {
		if i == at {
			continue
		}
		all := expr.Conjuncts(arm)
		same := slices.IndexFunc(all, func(e expr.Expr) bool {
			c, ok := comparisonOf(e)
			return ok && c.op == plan.Eq && expr.Equal(c.on, first.on) && expr.Equal(c.values[0], first.values[0])
		})
		if same < 0 || len(all) == 1 {
			return nil, false
		}
		rest = append(rest, expr.Conjoin(slices.Delete(slices.Clone(all), same, same+1)))
	}
	if len(rest) > 1 {
		more, ok := rowComparison(&expr.Or{Args: rest})
		return append([]comparison{first}, more...), ok
	}
	if or, ok := rest[0].(*expr.Or); ok {
		more, ok := rowComparison(or)
		return append([]comparison{first}, more...), ok
	}
	last, ok := comparisonOf(rest[0])
	return []comparison{first, last}, ok && isBound(last.op)
}

func isBound(op plan.CompareOp) bool { return op >= plan.Lt && op <= plan.Ge }

// disjuncts splits a condition at its top ORs.
func disjuncts(e expr.Expr) (out []expr.Expr) {
	or, ok := e.(*expr.Or)
	if !ok {
		return []expr.Expr{e}
	}
	for _, a := range or.Args {
		out = append(out, disjuncts(a)...)
	}
	return out
}

// matches is how many keys of an index, from one on, a comparison of rows is about, and the values that it has for them: the fields must be
// compared in the directions that the keys have.
func (t *indexTest) matches(ix *catalog.TableIndex, keys []expr.Expr, k int) (values []expr.Expr) {
	before := isBelow(t.op) != ix.Keys[k].Desc
	for i, c := range append([]comparison{t.comparison}, t.more...) {
		if k+i == len(keys) || !sameKey(c.on, keys[k+i]) || (isBelow(c.op) != ix.Keys[k+i].Desc) != before {
			break
		}
		values = append(values, c.values[0])
	}
	return values
}

func isBelow(op plan.CompareOp) bool { return op == plan.Lt || op == plan.Le }

// bound is the bound that a test is for the keys from k on; nil: none. Where rows are compared whose later fields may be null, or of which the index
// has only the first, the test must still be made.
func (t *indexTest) bound(s *plan.Scan, ix *catalog.TableIndex, keys []expr.Expr, k int) (values []expr.Expr, op plan.CompareOp, cond expr.Expr) {
	values = t.matches(ix, keys, k)
	if len(values) == 0 {
		return nil, 0, nil
	}
	op, cond = t.op, t.cond
	switch n := len(values) - 1; {
	case n < len(t.more):
		op, cond = orEqual[t.op], nil
	case n > 0:
		if last := t.more[n-1].op; last == plan.Le || last == plan.Ge {
			op = orEqual[t.op]
		}
		for _, c := range t.more {
			if !isNotNull(s, c.on) {
				cond = nil
			}
		}
	}
	return values, op, cond
}

var orEqual = map[plan.CompareOp]plan.CompareOp{plan.Lt: plan.Le, plan.Le: plan.Le, plan.Gt: plan.Ge, plan.Ge: plan.Ge}

// isNotNull reports whether an expression is a column of the table that is never null.
func isNotNull(s *plan.Scan, e expr.Expr) bool {
	c, ok := e.(*expr.Col)
	if !ok || s.Cols[c.Index].Column < 0 {
		return false
	}
	of := &s.Relation.Columns[s.Cols[c.Index].Column]
	return of.NotNull && !of.NullsLeft
}
