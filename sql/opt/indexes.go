package opt

import (
	"cmp"
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
)

// TableStats is what statistics may know of tables too.
type TableStats interface {
	// TableRows is how many rows a table has, about; negative when unknown.
	TableRows(table datum.OID) float64
}

// What an index is taken to find of a table.
const (
	indexRangeLeaves = 0.05
	arrayValues      = 10
	// fewRows by an index cost no more than a table.
	fewRows = 10
	// How many ways to find rows are tried; how many rows are scanned in the time in which one is found and read, and the least number of rows by an index
	// that are worth a scan for which it is done.
	mostWeighed  = 3
	weighedCost  = 40
	leastWeighed = 100
	// pairCost is how many rows of a table are read in the time that one look-up by an index takes.
	pairCost = 1000
)

// indexScans finds rows of tables by an index, where conditions name keys or a range of them.
func indexScans(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		s, ok := n.(*plan.Scan)
		if !ok || s.Relation.Table == nil || s.Filter == nil || s.Index != nil {
			return n, nil
		}
		use := weighed(r.usesOf(s), int64(r.tableRows(s.Relation)/weighedCost))
		if use == nil {
			return n, nil
		}
		c := *s
		c.Index = use
		return &c, nil
	})
}

// indexUse is a way to find rows by an index, and about how many it finds.
type indexUse struct {
	*plan.IndexUse
	found  float64
	narrow bool // few, whatever the table has
}

// usesOf lists the ways to find what a scan asks for by indexes, those that find fewer rows first.
func (r *run) usesOf(s *plan.Scan) []indexUse {
	out := append(r.singleUses(s), r.unions(s)...)
	slices.SortStableFunc(out, func(a, b indexUse) int { return cmp.Compare(a.found, b.found) })
	return out
}

// singleUses are the uses of one index each.
func (r *run) singleUses(s *plan.Scan) (out []indexUse) {
	tests := append(indexTests(s), r.queryTests(s)...)
	if len(tests) == 0 {
		return nil
	}
	rows := r.tableRows(s.Relation)
	for i := range s.Relation.Table.Indexes {
		ix := &s.Relation.Table.Indexes[i]
		keys, ok := r.indexKeys(s, ix)
		if !ok || !ix.Kept() {
			continue
		}
		if use, found := r.useOf(s, ix, keys, tests); use.IsSome() {
			out = append(out, indexUse{use, found, found <= max(1, rows/indexRowCost) || use.IsList()})
		}
	}
	return out
}

// weighed puts the first uses of a list together: when the plan is executed that one of them is taken that finds the fewest rows, and no more than so many.
// A small table is not worth asking.
func weighed(list []indexUse, most int64) *plan.IndexUse {
	if len(list) == 0 {
		return nil
	}
	if first := list[0]; first.narrow && (first.found <= fewRows || most < leastWeighed) {
		return first.IndexUse
	}
	if most < leastWeighed {
		return nil
	}
	var out *plan.IndexUse
	for _, u := range slices.Backward(list[:min(len(list), mostWeighed)]) {
		u.Most, u.Else = most, out
		out = u.IndexUse
	}
	return out
}

// bestIndex is the index that is taken to find the fewest rows, and about how many; nil: all of the table is read.
func (r *run) bestIndex(s *plan.Scan) (best *plan.IndexUse, rows float64) {
	list := r.usesOf(s)
	if len(list) == 0 || !list[0].narrow {
		return nil, 1
	}
	return list[0].IndexUse, max(1, list[0].found)
}

// useOf is how an index finds what the tests ask for, and about how many rows those are.
func (r *run) useOf(s *plan.Scan, ix *catalog.TableIndex, keys []expr.Expr, tests []indexTest) (*plan.IndexUse, float64) {
	use, found := &plan.IndexUse{Index: ix}, r.tableRows(s.Relation)
	take := func(k int, op plan.CompareOp) *indexTest {
		for t := range tests {
			if tests[t].op == op && sameKey(tests[t].on, keys[k]) {
				use.Conds = appendCond(use.Conds, tests[t].cond)
				return &tests[t]
			}
		}
		return nil
	}
	k, null := 0, false
	for ; k < len(keys); k++ {
		t := take(k, plan.Eq)
		if t == nil {
			break
		}
		found *= leftBy(t)
		if null = null || t.null; t.null {
			use.Equal = append(use.Equal, nil)
			continue
		}
		use.Equal = append(use.Equal, t.values[0])
	}
	if k == len(keys) {
		if ix.Unique && !null {
			found = 1
		}
		return use, found
	}
	if t := take(k, plan.In); t != nil {
		use.In, use.Any = t.values, t.array
		if found *= leftBy(t); ix.Unique && k+1 == len(keys) {
			found = t.count()
		}
		return use, found
	}
	return use, found * r.between(s, use, keys, k, tests)
}

// between adds the bounds of the keys from k on, and returns about how much of the rows they leave. Of several bounds on one side the one of the most keys counts.
func (r *run) between(s *plan.Scan, use *plan.IndexUse, keys []expr.Expr, k int, tests []indexTest) float64 {
	var low, high expr.Expr
	for i := range tests {
		t := &tests[i]
		switch {
		case t.op == plan.NotNull && sameKey(t.on, keys[k]):
			use.NotNull, use.Conds = true, appendCond(use.Conds, t.cond)
		case isBound(t.op):
			values, op, cond := t.bound(s, use.Index, keys, k)
			if isBelow(t.op) && len(values) > len(use.High) {
				use.High, use.HighOp, high = values, op, cond
			} else if !isBelow(t.op) && len(values) > len(use.Low) {
				use.Low, use.LowOp, low = values, op, cond
			}
		}
	}
	use.Conds = appendCond(appendCond(use.Conds, low), high)
	switch {
	case use.Low != nil && use.High != nil:
		return indexRangeLeaves
	case use.Low != nil || use.High != nil:
		return rangeLeaves
	case use.NotNull:
		return presentLeaves
	}
	return 1
}

func appendCond(list []expr.Expr, cond expr.Expr) []expr.Expr {
	if cond == nil || slices.Contains(list, cond) {
		return list
	}
	return append(list, cond)
}

// leftBy is about how much of a table's rows a test for one or several values leaves.
func leftBy(t *indexTest) float64 {
	switch {
	case t.null:
		return 1 - presentLeaves
	case t.on.Type().OID == datum.Bool:
		return 0.5
	}
	return min(indexRangeLeaves, equalityLeaves*t.count())
}

// count is how many values a test is for, about.
func (t *indexTest) count() float64 {
	if t.array != nil {
		return arrayValues
	}
	return float64(len(t.values))
}

// tableRows is how many rows a table is taken to have.
func (r *run) tableRows(rel *catalog.Relation) float64 { return r.guess.table(rel) }

// table is how many rows a table is taken to have.
func (s *estimator) table(rel *catalog.Relation) float64 {
	if t, ok := s.s.(TableStats); ok {
		if rows := t.TableRows(rel.OID); rows >= 0 {
			return rows
		}
	}
	return storedRows
}

// indexJoins looks up the rows of a table by an index for each row of the other input, where those are few.
func indexJoins(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		j, ok := n.(*plan.Join)
		if !ok || len(j.LeftKeys) == 0 || j.Lateral || j.Merge != nil {
			return n, nil
		}
		if j.Kind == plan.Inner || j.Kind == plan.Left || j.Kind == plan.Semi || j.Kind == plan.Anti {
			if out := r.indexJoin(j); out != nil {
				return out, nil
			}
		}
		if j.Kind == plan.Inner || j.Kind == plan.Right {
			p := swapped(j, map[plan.JoinKind]plan.JoinKind{plan.Inner: plan.Inner, plan.Right: plan.Left}[j.Kind])
			if out := r.indexJoin(p.Input.(*plan.Join)); out != nil {
				return over(p, out), nil
			}
		}
		return n, nil
	})
}

func (r *run) indexJoin(j *plan.Join) plan.Node {
	s, ok := j.Right.(*plan.Scan)
	if !ok || s.Relation.Table == nil || s.Index != nil || s.Limit >= 0 {
		return nil
	}
	few := r.guess.of(j.Left)
	if few < 0 || r.tableRows(s.Relation) < pairCost*few {
		return nil
	}
	return r.lookedUp(j)
}

// lookedUp is a join whose right rows are looked up by an index for each left one, nil if there is none.
func (r *run) lookedUp(j *plan.Join) plan.Node {
	s, ok := j.Right.(*plan.Scan)
	if !ok || s.Relation.Table == nil || s.Index != nil && !s.Index.Ordered && s.Index.Most == 0 || s.Limit >= 0 || len(j.LeftKeys) == 0 {
		return nil
	}
	inner := *plan.ShiftOuter(s, 1).(*plan.Scan)
	conds := expr.Conjuncts(inner.Filter)
	for i := range j.LeftKeys {
		l, ok1 := j.LeftKeys[i].(*expr.Col)
		right, ok2 := j.RightKeys[i].(*expr.Col)
		if !ok1 || !ok2 {
			return nil
		}
		eq := equalOf(right.Typ.OID, l.Typ.OID)
		if eq == nil {
			return nil
		}
		conds = append(conds, &expr.Call{Fn: eq, Args: []expr.Expr{right, &expr.Outer{Level: 1, Index: l.Index, Typ: l.Typ, Name: l.Name}}, Typ: datum.T(datum.Bool), Pos: -1})
	}
	inner.Filter = expr.Conjoin(conds)
	use, found := r.bestIndex(&inner)
	if use == nil || found > max(100, r.tableRows(s.Relation)*equalityLeaves) || !slices.ContainsFunc(use.Conds, func(c expr.Expr) bool { return slices.Contains(conds[len(conds)-len(j.LeftKeys):], c) }) {
		return nil
	}
	inner.Index = use
	c := *j
	c.Right, c.LeftKeys, c.RightKeys, c.Lateral = &inner, nil, nil, true
	return &c
}

// equalOf is the equality between two types, nil if there is none.
func equalOf(l, r datum.OID) *funcs.Func {
	for _, f := range funcs.LookupOperator("=", 2) {
		if f.Args[0] == l && f.Args[1] == r {
			return f
		}
	}
	return nil
}
