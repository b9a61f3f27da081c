package bind

import (
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// recursionCheck finds the references of a recursive query to itself and refuses those that the iteration cannot serve:
// it must see all the rows of the step before, each once.
type recursionCheck struct {
	*binder
	name  string
	where string // what the walk is in that a reference must not be in, "" for nothing
	count int
	err   error
}

// checkRecursion looks through the recursive term of a query; found says that it is recursive.
func (b *binder) checkRecursion(name string, term *syntax.Query) (found bool, err error) {
	c := &recursionCheck{binder: b, name: name}
	c.query(term)
	return c.count > 0, c.err
}

// inside walks something in which references are not allowed.
func (c *recursionCheck) inside(where string, walk func()) {
	outer := c.where
	if outer == "" {
		c.where = where
	}
	walk()
	c.where = outer
}

func (c *recursionCheck) query(q *syntax.Query) {
	if q == nil || c.err != nil {
		return
	}
	if q.With != nil {
		for _, cte := range q.With.CTEs {
			if inner, ok := cte.Stmt.(*syntax.Query); ok {
				c.query(inner)
			}
			if cte.Name == c.name { // from here on the name means another query
				return
			}
		}
	}
	switch body := q.Body.(type) {
	case *syntax.SetOp:
		c.setOp(body)
	case *syntax.Select:
		c.selectBody(body)
	case *syntax.TableBody:
		c.table(body.Table)
	case *syntax.Values:
		for _, r := range body.Rows {
			for _, e := range r {
				c.expr(e)
			}
		}
	}
	for _, k := range q.OrderBy {
		c.expr(k.Expr)
	}
	c.expr(q.Limit)
	c.expr(q.Skip)
}

func (c *recursionCheck) setOp(s *syntax.SetOp) {
	both := func() {
		c.query(s.Left)
		c.query(s.Right)
	}
	switch {
	case s.Op == syntax.Intersect && s.All:
		c.inside("INTERSECT", both)
	case s.Op == syntax.Except && s.All:
		c.inside("EXCEPT", both)
	case s.Op == syntax.Except:
		c.query(s.Left)
		c.inside("EXCEPT", func() { c.query(s.Right) })
	default:
		both()
	}
}

func (c *recursionCheck) selectBody(s *syntax.Select) {
	for _, t := range s.From {
		c.table(t)
	}
	for _, t := range s.Targets {
		c.expr(t.Expr)
	}
	c.expr(s.Where)
	c.expr(s.Having)
	for _, e := range s.DistinctOn {
		c.expr(e)
	}
}

func (c *recursionCheck) table(t syntax.TableExpr) {
	switch t := t.(type) {
	case *syntax.TableName:
		if len(t.Name) == 1 && t.Name[0] == c.name {
			c.reference(t)
		}
	case *syntax.SubqueryTable:
		c.query(t.Query)
	case *syntax.FuncTable:
		for _, f := range t.Funcs {
			c.expr(f.Expr)
		}
	case *syntax.Join:
		left, right := func() { c.table(t.Left) }, func() { c.table(t.Right) }
		if t.Kind == syntax.RightJoin || t.Kind == syntax.FullJoin {
			c.inside("an outer join", left)
		} else {
			left()
		}
		if t.Kind == syntax.LeftJoin || t.Kind == syntax.FullJoin {
			c.inside("an outer join", right)
		} else {
			right()
		}
		c.expr(t.On)
	}
}

func (c *recursionCheck) reference(t *syntax.TableName) {
	c.count++
	switch {
	case c.err != nil:
	case c.where != "":
		c.err = c.errorIn(t, pgerr.InvalidRecursion, "recursive reference to query %q must not appear within %s", c.name, c.where)
	case c.count > 1:
		c.err = c.errorIn(t, pgerr.InvalidRecursion, "recursive reference to query %q must not appear more than once", c.name)
	}
}

// expr walks the queries in an expression.
func (c *recursionCheck) expr(e syntax.Expr) {
	if e == nil {
		return
	}
	syntax.Walk(e, func(n syntax.Node) bool {
		q, ok := n.(*syntax.Query)
		if ok {
			c.inside("a subquery", func() { c.query(q) })
		}
		return !ok && c.err == nil
	})
}

// readsItself reports whether one of the tables is the recursive query whose recursive term is being bound.
func readsItself(list []syntax.TableExpr, ctes *cteScope) bool {
	for _, t := range list {
		switch t := t.(type) {
		case *syntax.TableName:
			if c := ctes.find(t.Name.Last()); len(t.Name) == 1 && c != nil && c.state == inRecursiveTerm {
				return true
			}
		case *syntax.Join:
			if readsItself([]syntax.TableExpr{t.Left, t.Right}, ctes) {
				return true
			}
		}
	}
	return false
}
