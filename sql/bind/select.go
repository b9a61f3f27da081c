package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// selection is a SELECT being bound, clause by clause.
type selection struct {
	f     *frame // of the select list
	sel   *syntax.Select
	q     *syntax.Query
	node  plan.Node
	scope *scope
	cols  []typedColumn
	sort  []sortItem
	on    []int
	have  expr.Expr
	lock  *plan.LockRows // its input is not set yet; nil: no rows are locked
	// groupKeys is how many of the first columns of node are the keys of a grouping.
	groupKeys int
}

// selectQuery binds SELECT with its ORDER BY and LIMIT.
func (b *binder) selectQuery(sel *syntax.Select, q *syntax.Query, e *env, keep bool) (plan.Node, error) {
	if sel.Into != nil {
		return nil, b.errorIn(sel.Into, pgerr.FeatureNotSupported, "SELECT INTO is not supported yet")
	}
	in := *e
	in.rows = rowNames(sel.From, q)
	if len(q.Locking) > 0 {
		in.lock = &locked{q.Locking}
	}
	src, err := b.from(sel.From, &in)
	if err != nil {
		return nil, err
	}
	s := &selection{sel: sel, q: q, node: src.node, scope: src.scope}
	s.scope.hidden = append(s.scope.hidden, e.hidden...)
	if sel.Where != nil {
		f := &frame{binder: b, env: e, scope: s.scope, what: "WHERE"}
		cond, err := f.condition(sel.Where, "WHERE")
		if err != nil {
			return nil, err
		}
		s.node = &plan.Filter{Input: s.node, Cond: cond}
	}
	s.f = &frame{binder: b, env: e, scope: s.scope, what: "SELECT", aggs: &aggs{}, sets: true}
	defs := *s.f
	defs.what, defs.sets = "window definitions", false
	s.f.windows = &windows{frame: &defs}
	if err := s.f.windows.define(sel.Windows); err != nil {
		return nil, err
	}
	if err := s.targets(keep); err != nil {
		return nil, err
	}
	if err := s.clauses(); err != nil {
		return nil, err
	}
	if s.lock, err = s.locking(); err != nil {
		return nil, err
	}
	if err := s.group(); err != nil {
		return nil, err
	}
	s.windowing()
	s.cursor(src.node)
	return s.finish()
}

// targets binds the select list.
func (s *selection) targets(keep bool) error {
	cols, err := s.f.targetList(s.sel.Targets, keep)
	s.cols = cols
	s.f.defining.targets(s.sel, cols)
	return err
}

// targetList binds a select list or RETURNING list.
func (f *frame) targetList(list []*syntax.Target, keep bool) ([]typedColumn, error) {
	var out []typedColumn
	for _, t := range list {
		if cols, ok, err := f.expand(t); err != nil {
			return nil, err
		} else if ok {
			out = append(out, cols...)
			continue
		}
		e, err := f.bind(t.Expr)
		if err != nil {
			return nil, err
		}
		c := typedColumn{name: t.As, expr: e, at: t.Expr}
		if c.name == "" {
			c.name = outputName(t.Expr)
		}
		if col, ok := e.(*expr.Col); ok {
			c.field = f.sourceField(col)
		}
		out = append(out, c)
	}
	for i := range out {
		if keep && out[i].expr.Type().OID == datum.Unknown {
			continue
		}
		e, err := f.settled(out[i].expr, out[i].at)
		if err != nil {
			return nil, err
		}
		out[i].expr = e
	}
	return out, nil
}

// sourceField is what is known of a column of the row: the table and attribute that it comes from.
func (f *frame) sourceField(c *expr.Col) plan.Field {
	for _, it := range f.scope.items {
		for i := range it.cols {
			if x, ok := it.cols[i].expr.(*expr.Col); ok && x.Index == c.Index {
				return it.cols[i].field
			}
		}
	}
	return plan.Field{}
}

// expand spreads *, t.* and (row).* over columns.
func (f *frame) expand(t *syntax.Target) ([]typedColumn, bool, error) {
	switch x := t.Expr.(type) {
	case *syntax.ColumnRef:
		if !x.Star {
			return nil, false, nil
		}
		cols, err := f.star(x, f.scope)
		return cols, true, err
	case *syntax.Indirection:
		last := len(x.Steps) - 1
		if !x.Steps[last].Star {
			return nil, false, nil
		}
		var e expr.Expr
		var err error
		if last == 0 {
			e, err = f.bind(x.X)
		} else {
			e, err = f.bind(&syntax.Indirection{At: x.At, X: x.X, Steps: x.Steps[:last]})
		}
		if err != nil {
			return nil, false, err
		}
		if e, err = f.settled(e, x.X); err != nil {
			return nil, false, err
		}
		fields := rowFields(e)
		if c, ok := e.(*expr.Call); ok && fields == nil {
			fields = outColumns(c)
		}
		if fields == nil {
			return nil, false, f.errorIn(x, pgerr.WrongObjectType, "type %s is not composite", formatType(e.Type()))
		}
		f.defining.row(x, e)
		var out []typedColumn
		for i, fl := range fields {
			c := typedColumn{name: fl.Name, at: x}
			if row, ok := e.(*expr.Row); ok {
				c.expr = row.Elems[i]
			} else {
				c.expr = &expr.Field{Arg: e, Index: i, Typ: fl.Type}
			}
			out = append(out, c)
		}
		return out, true, nil
	}
	return nil, false, nil
}

// clauses binds what refers to the select list: ORDER BY and DISTINCT ON.
func (s *selection) clauses() error {
	f := *s.f
	f.what = "ORDER BY"
	var err error
	if s.sort, s.cols, err = f.orderBy(s.q.OrderBy, s.cols); err != nil {
		return err
	}
	if s.sel.Distinct && len(s.sel.DistinctOn) == 0 {
		for _, it := range s.sort {
			if s.cols[it.col].junk {
				return f.errorOf(it.at, pgerr.InvalidColumnReference, "for SELECT DISTINCT, ORDER BY expressions must appear in select list")
			}
		}
		for _, c := range s.cols {
			if err := f.hasEquality(c.expr.Type(), c.at); err != nil {
				return err
			}
		}
	}
	if len(s.sel.DistinctOn) > 0 {
		f.what = "DISTINCT ON"
		s.on, s.sort, s.cols, err = f.distinctOn(s.sel.DistinctOn, s.sort, s.cols)
	}
	return err
}

// finish builds what stands above the rows: the projection, DISTINCT, ORDER BY, LIMIT.
func (s *selection) finish() (plan.Node, error) {
	node := s.project()
	if s.sel.Distinct && len(s.on) == 0 {
		node = &plan.Distinct{Input: node}
	}
	col := func(i int) expr.Expr {
		return &expr.Col{Index: i, Typ: s.cols[i].expr.Type(), Name: s.cols[i].name}
	}
	var keys []plan.SortKey
	for _, it := range s.sort {
		k := it.key
		k.Expr = col(it.col)
		keys = append(keys, k)
	}
	if len(keys) > 0 {
		node = &plan.Sort{Input: node, Keys: keys, Limit: -1}
	}
	if len(s.on) > 0 {
		d := &plan.Distinct{Input: node}
		for _, i := range s.on {
			d.On = append(d.On, col(i))
		}
		node = d
	}
	if s.lock != nil {
		s.lock.Input = node
		node = s.lock
	}
	f := &frame{binder: s.f.binder, env: s.f.env, scope: &scope{up: s.f.env.outer}, what: "LIMIT"}
	node, err := f.limit(node, s.q, keys)
	if err != nil {
		return nil, err
	}
	visible := countVisible(s.cols)
	if visible == len(s.cols) || s.isCursor() && len(s.f.cursorRows) > 0 {
		return node, nil
	}
	return renamed(node, node.Schema()[:visible]), nil
}

// project computes the select list. Set-returning functions are computed below what uses their results, innermost first.
func (s *selection) project() plan.Node {
	node := s.node
	exprs := make([]expr.Expr, len(s.cols))
	for i, c := range s.cols {
		exprs[i] = c.expr
	}
	for hasNestedSet(exprs) {
		node, exprs = liftSets(node, exprs)
	}
	p := &plan.Project{Input: node, Exprs: exprs}
	for i, c := range s.cols {
		p.Fields = append(p.Fields, plan.Field{Name: c.name, Type: exprs[i].Type(), Table: c.field.Table, Attr: c.field.Attr})
	}
	return p
}

func isSet(e expr.Expr) bool {
	c, ok := e.(*expr.Call)
	return ok && c.Fn.RetSet
}

// hasNestedSet reports whether a set-returning function stands inside another expression.
func hasNestedSet(list []expr.Expr) bool {
	for _, e := range list {
		for _, c := range e.Children() {
			if expr.HasSet(c) {
				return true
			}
		}
	}
	return false
}

// liftSets computes the set-returning functions that have no others inside in a projection of their own.
func liftSets(in plan.Node, list []expr.Expr) (plan.Node, []expr.Expr) {
	p := &plan.Project{Input: in}
	for i, f := range in.Schema() {
		p.Exprs = append(p.Exprs, &expr.Col{Index: i, Typ: f.Type, Name: f.Name})
		p.Fields = append(p.Fields, f)
	}
	out := make([]expr.Expr, len(list))
	width := len(p.Exprs)
	lifted := func(x expr.Expr) bool { // it reads a function that is lifted now, so it has to wait
		c, ok := x.(*expr.Col)
		return ok && c.Index >= width
	}
	for i, e := range list {
		out[i] = expr.Transform(e, func(x expr.Expr) expr.Expr {
			if !isSet(x) || expr.Any(x, lifted) {
				return x
			}
			c := x.(*expr.Call)
			for k, old := range p.Exprs {
				if isSet(old) && expr.Equal(old, x) {
					return &expr.Col{Index: k, Typ: c.Typ, Name: c.Fn.Name}
				}
			}
			p.Exprs = append(p.Exprs, x)
			p.Fields = append(p.Fields, plan.Field{Name: c.Fn.Name, Type: c.Typ})
			return &expr.Col{Index: len(p.Exprs) - 1, Typ: c.Typ, Name: c.Fn.Name}
		})
	}
	return p, out
}
