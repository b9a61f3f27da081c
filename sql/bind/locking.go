package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// locked is the clauses FOR UPDATE of a query, while the tables that they lock are found. Without any they are those beside a table that is changed.
type locked struct{ clauses []*syntax.Locking }

// mayLock refuses FOR UPDATE where rows of the answer are no rows of tables.
func (s *selection) mayLock() error {
	if len(s.q.Locking) == 0 {
		return nil
	}
	what := ""
	switch {
	case s.sel.Distinct || len(s.sel.DistinctOn) > 0:
		what = "DISTINCT clause"
	case s.sel.GroupBy != nil:
		what = "GROUP BY clause"
	case s.sel.Having != nil:
		what = "HAVING clause"
	case len(s.f.aggs.calls) > 0:
		what = "aggregate functions"
	case len(s.f.windows.calls) > 0:
		what = "window functions"
	}
	for _, c := range s.cols {
		if expr.HasSet(c.expr) {
			what = "set-returning functions in the target list"
		}
	}
	if what == "" {
		return nil
	}
	return pgerr.New(pgerr.FeatureNotSupported, "%s is not allowed with %s", s.q.Locking[0].Strength, what)
}

// locking adds the RowIDs of the tables whose rows are locked to the columns, and says which they are.
func (s *selection) locking() (*plan.LockRows, error) {
	if err := s.mayLock(); err != nil || len(s.q.Locking) == 0 {
		return nil, err
	}
	out := &plan.LockRows{}
	for _, it := range s.scope.items {
		if it.target == 0 {
			continue
		}
		row := it.cols[it.seen()].expr
		t := plan.LockedTable{Relation: it.rel, Target: it.target, Column: len(s.cols), Strength: -1}
		for _, c := range s.q.Locking {
			if !locksItem(c, it) {
				continue
			}
			t.Strength = max(t.Strength, int(c.Strength))
			t.NoWait = t.NoWait || c.Wait == syntax.LockNoWait
			t.Skip = t.Skip || c.Wait == syntax.LockSkip
		}
		s.cols = append(s.cols, typedColumn{name: rowIDName, expr: row, junk: true, at: s.sel})
		out.Rows = append(out.Rows, t)
	}
	for _, c := range s.q.Locking {
		for _, n := range c.Of {
			if !slices.ContainsFunc(s.scope.items, func(it *item) bool { return it.name == n.Last() }) {
				return nil, s.f.errorIn(c, pgerr.UndefinedTable, "relation %q in %s clause not found in FROM clause", n.Last(), c.Strength)
			}
		}
	}
	if !slices.ContainsFunc(out.Rows, func(t plan.LockedTable) bool { return t.Strength >= 0 }) {
		s.cols = s.cols[:len(s.cols)-len(out.Rows)]
		return nil, nil
	}
	s.f.appends = true
	return out, nil
}

func locksItem(c *syntax.Locking, it *item) bool {
	if len(c.Of) == 0 {
		return true
	}
	return slices.ContainsFunc(c.Of, func(n syntax.Name) bool { return n.Last() == it.name })
}

// marked makes the scan of a table a target, where the query around locks rows or changes those of another table.
func (b *binder) marked(scan *plan.Scan, it *item, e *env, at syntax.Node) error {
	if e.lock == nil || scan.Relation.Table == nil {
		return nil
	}
	if scan.System != nil && len(e.lock.clauses) == 0 {
		return nil
	}
	if scan.System != nil {
		return b.errorIn(at, pgerr.ReadOnlySQLTransaction, "rows of the past cannot be locked")
	}
	b.nextTarget++
	scan.Target, it.target = b.nextTarget, b.nextTarget
	return nil
}

// lockedToo is a query in FROM with the clauses FOR UPDATE of the query around.
func lockedToo(q *syntax.Query, e *env, alias string) *syntax.Query {
	if e.lock == nil {
		return q
	}
	c := *q
	c.Locking = append([]*syntax.Locking(nil), q.Locking...)
	for _, l := range e.lock.clauses {
		if len(l.Of) == 0 || slices.ContainsFunc(l.Of, func(n syntax.Name) bool { return n.Last() == alias }) {
			inner := *l
			inner.Of = nil
			c.Locking = append(c.Locking, &inner)
		}
	}
	return &c
}
