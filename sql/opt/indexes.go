package opt

import (
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
		use, _ := r.bestIndex(s)
		if use == nil {
			return n, nil
		}
		c := *s
		c.Index = use
		return &c, nil
	})
}

// indexTest is a condition of a scan that an index may answer.
type indexTest struct {
	comparison
	cond expr.Expr
}

// indexTests are the conditions of a scan that compare a column or a computed value with what is the same for all rows.
func indexTests(s *plan.Scan) (tests []indexTest) {
	for _, cond := range expr.Conjuncts(s.Filter) {
		c, ok := comparisonOf(cond)
		if !ok || c.on.Type().OID == datum.JSONB {
			continue
		}
		if col, ok := c.on.(*expr.Cast); ok && isColumn(col.Arg) {
			if _, same := scanColumn(s, c.on); same {
				c.on = col.Arg // the value is the same
			}
		}
		tests = append(tests, indexTest{c, cond})
	}
	return tests
}

func isColumn(e expr.Expr) bool {
	_, ok := e.(*expr.Col)
	return ok
}

// bestIndex is the index that finds the fewest rows, and about how many; nil: all of the table is read.
func (r *run) bestIndex(s *plan.Scan) (best *plan.IndexUse, rows float64) {
	tests := indexTests(s)
	if len(tests) == 0 {
		return nil, 1
	}
	for i := range s.Relation.Table.Indexes {
		ix := &s.Relation.Table.Indexes[i]
		keys, ok := r.indexKeys(s, ix)
		if !ok || !ix.Kept() {
			continue
		}
		use, found := r.useOf(s, ix, keys, tests)
		narrow := len(use.Equal) > 0 || use.In != nil || use.Low != nil && use.High != nil
		if narrow && (best == nil || found < rows) {
			best, rows = use, found
		}
	}
	return best, max(1, rows)
}

// useOf is how an index finds what the tests ask for, and about how many rows those are.
func (r *run) useOf(s *plan.Scan, ix *catalog.TableIndex, keys []expr.Expr, tests []indexTest) (*plan.IndexUse, float64) {
	use, found := &plan.IndexUse{Index: ix}, r.tableRows(s.Relation)
	take := func(k int, op ...plan.CompareOp) *indexTest {
		for t := range tests {
			if sameKey(tests[t].on, keys[k]) && slices.Contains(op, tests[t].op) {
				use.Conds = append(use.Conds, tests[t].cond)
				return &tests[t]
			}
		}
		return nil
	}
	k := 0
	for ; k < len(keys); k++ {
		t := take(k, plan.Eq)
		if t == nil {
			break
		}
		use.Equal = append(use.Equal, t.values[0])
		found *= equalityLeaves
	}
	if k == len(keys) {
		if ix.Unique {
			found = 1
		}
		return use, found
	}
	if t := take(k, plan.In); t != nil {
		use.In = t.values
		if found *= equalityLeaves * float64(len(t.values)); ix.Unique && k+1 == len(keys) {
			found = float64(len(t.values))
		}
		return use, found
	}
	if t := take(k, plan.Gt, plan.Ge); t != nil {
		use.Low, use.LowOp = t.values[0], t.op
	}
	if t := take(k, plan.Lt, plan.Le); t != nil {
		use.High, use.HighOp = t.values[0], t.op
	}
	if use.Low != nil && use.High != nil {
		found *= indexRangeLeaves
	}
	return use, found
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

// indexOrder reads a table in the order of an index where a sort would keep only the first rows, or rows are locked one by one.
func indexOrder(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		switch x := n.(type) {
		case *plan.Sort:
			if x.Limit < 0 {
				return n, nil
			}
			if in, ok := r.byIndex(x.Input, x.Keys); ok {
				return in, nil // the limit that a sort has is that of a Limit above it
			}
		case *plan.LockRows:
			sort, ok := x.Input.(*plan.Sort)
			if !ok {
				return n, nil
			}
			if in, ok := r.byIndex(sort.Input, sort.Keys); ok {
				return over(x, in), nil
			}
		}
		return n, nil
	})
}

// byIndex returns n with its scan reading in the order of the keys, if an index has that order.
func (r *run) byIndex(n plan.Node, keys []plan.SortKey) (plan.Node, bool) {
	switch x := n.(type) {
	case *plan.Project:
		below := make([]plan.SortKey, len(keys))
		for i, k := range keys {
			e, ok := throughProject(x, k.Expr)
			if !ok || !keepsRows(x) {
				return n, false
			}
			below[i] = plan.SortKey{Expr: e, Desc: k.Desc, NullsFirst: k.NullsFirst}
		}
		in, ok := r.byIndex(x.Input, below)
		return over(x, in), ok
	case *plan.Filter:
		in, ok := r.byIndex(x.Input, keys)
		return over(x, in), ok
	case *plan.Scan:
		if x.Relation.Table == nil || x.Limit >= 0 {
			return n, false
		}
		if x.Index != nil {
			if x.Index.In != nil && len(x.Index.In) > 1 {
				return n, false
			}
			if have, ok := r.indexKeys(x, x.Index.Index); ok {
				return orderedBy(x, x.Index, have, keys)
			}
			return n, false
		}
		for i := range x.Relation.Table.Indexes {
			ix := &x.Relation.Table.Indexes[i]
			have, ok := r.indexKeys(x, ix)
			if !ok || !ix.Kept() {
				continue
			}
			if out, ok := orderedBy(x, &plan.IndexUse{Index: ix}, have, keys); ok {
				return out, true
			}
		}
	}
	return n, false
}

// orderedBy reads a scan by an index, whose keys the scan has as given, if those after the equal ones are the sort keys, forwards or backwards.
func orderedBy(s *plan.Scan, use *plan.IndexUse, have []expr.Expr, keys []plan.SortKey) (plan.Node, bool) {
	rest, have := use.Index.Keys[len(use.Equal):], have[len(use.Equal):]
	if len(keys) > len(rest) {
		return s, false
	}
	reverse := false
	for i, k := range keys {
		if !sameKey(k.Expr, have[i]) {
			return s, false
		}
		back := k.Desc != rest[i].Desc
		if i > 0 && back != reverse || back != (k.NullsFirst != rest[i].NullsFirst) {
			return s, false
		}
		reverse = back
	}
	c, u := *s, *use
	u.Ordered = true
	c.Index, c.Reverse = &u, reverse
	return &c, true
}

// indexJoins looks up the rows of a table by an index for each row of the other input, where those are few.
func indexJoins(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		j, ok := n.(*plan.Join)
		if !ok || len(j.LeftKeys) == 0 || j.Lateral || j.Merge != nil {
			return n, nil
		}
		if j.Kind == plan.Inner || j.Kind == plan.Left {
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
	if use == nil || found > 100 || !slices.ContainsFunc(use.Conds, func(c expr.Expr) bool { return slices.Contains(conds[len(conds)-len(j.LeftKeys):], c) }) {
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
