package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// update binds UPDATE.
func (b *binder) update(x *syntax.Update, e *env) (plan.Node, error) {
	rel, view, err := b.target(x.Table, "UPDATE")
	if err != nil {
		return nil, err
	}
	m, err := b.modification(plan.UpdateRows, rel, x.Table, x.With, e)
	if err == nil && view != nil {
		err = m.through(view, x.Table)
	}
	if err != nil {
		return nil, err
	}
	node, others, err := m.rows(x, x.Portion, x.From, x.Where)
	if err != nil {
		return nil, err
	}
	set := &assignments{modification: m, frame: m.frame}
	if err := set.all(x.Set); err != nil {
		return nil, err
	}
	m.out.Set = set.cols
	m.project(node, others, true, set.values, x.Returning != nil)
	return m.finish(), m.returning(x.Returning, others, 1+len(rel.Columns)+len(set.cols))
}

// deleteRows binds DELETE.
func (b *binder) deleteRows(x *syntax.Delete, e *env) (plan.Node, error) {
	rel, view, err := b.target(x.Table, "DELETE")
	if err != nil {
		return nil, err
	}
	m, err := b.modification(plan.DeleteRows, rel, x.Table, x.With, e)
	if err == nil && view != nil {
		err = m.through(view, x.Table)
	}
	if err != nil {
		return nil, err
	}
	node, others, err := m.rows(x, x.Portion, x.Using, x.Where)
	if err != nil {
		return nil, err
	}
	m.project(node, others, x.Returning != nil || x.Portion != nil, nil, x.Returning != nil)
	return m.finish(), m.returning(x.Returning, others, 1+len(rel.Columns))
}

// rows binds the rows that are changed: those of the table, joined with others. The frame sees both afterwards.
func (m *modification) rows(statement syntax.Node, part *syntax.Portion, from []syntax.TableExpr, where syntax.Expr) (plan.Node, *scope, error) {
	t, err := m.targetTable()
	if err != nil {
		return nil, nil, err
	}
	if part != nil && m.via != nil {
		return nil, nil, m.errorIn(m.name, pgerr.FeatureNotSupported, "FOR PORTION OF is not supported for views")
	}
	node, err := m.portion(t.node, part)
	if err != nil {
		return nil, nil, err
	}
	others := (*scope)(nil)
	t.scope = m.seen(t.scope)
	m.scope = t.scope
	if m.via != nil && len(m.via.where) > 0 {
		node = &plan.Filter{Input: node, Cond: expr.Conjoin(m.via.where)}
	}
	if len(from) > 0 {
		hidden := *m.env
		hidden.rows = rowNames(from, statement)
		hidden.hidden, hidden.lock = t.scope.items, &locked{}
		o, err := m.from(from, &hidden)
		if err != nil {
			return nil, nil, err
		}
		if err := m.distinctNames(t.scope, o.scope, from[0]); err != nil {
			return nil, nil, placeless(err)
		}
		others = o.scope
		node = &plan.Join{Kind: plan.Cross, Left: node, Right: o.node}
		m.scope = t.scope.with(o.scope)
	}
	if at, ok := where.(*syntax.CurrentOf); ok {
		if m.via != nil {
			return nil, nil, m.errorIn(at, pgerr.FeatureNotSupported, "WHERE CURRENT OF on a view is not implemented")
		}
		m.out.Cursor, where = at.Cursor, nil
	}
	if where != nil {
		f := *m.frame
		f.what = "WHERE"
		cond, err := f.condition(where, "WHERE")
		if err != nil {
			return nil, nil, err
		}
		node = &plan.Filter{Input: node, Cond: cond}
	}
	return node, others, nil
}

// project makes the input of the node out of the rows: the RowID, the row as it is, the values that are set, and what RETURNING may read of
// other tables, and the RowIDs of those.
func (m *modification) project(rows plan.Node, others *scope, old bool, values []expr.Expr, returning bool) {
	n, width := len(m.rel.Columns), len(hiddenColumns(m.rel))+len(m.rel.Columns)
	p := &plan.Project{Input: rows}
	p.Exprs, p.Fields = colsOf(rows, n, n+1)
	if old {
		list, fields := colsOf(rows, 0, n)
		p.Exprs, p.Fields = append(p.Exprs, list...), append(p.Fields, fields...)
	}
	for i, v := range values {
		p.Exprs = append(p.Exprs, v)
		p.Fields = append(p.Fields, plan.Field{Name: m.rel.Columns[m.out.Set[i]].Name, Type: v.Type()})
	}
	if others != nil && returning {
		list, fields := colsOf(rows, width, width+others.width)
		p.Exprs, p.Fields = append(p.Exprs, list...), append(p.Fields, fields...)
	}
	for _, it := range m.scope.items {
		if it.target == 0 {
			continue
		}
		row := it.cols[it.seen()].expr
		m.out.Beside = append(m.out.Beside, plan.LockedTable{Relation: it.rel, Target: it.target, Column: len(p.Exprs), Strength: -1})
		p.Exprs, p.Fields = append(p.Exprs, row), append(p.Fields, plan.Field{Name: rowIDName, Type: row.Type()})
	}
	m.out.Input = p
}

// assignments is SET being bound: columns, and their values over the frame's row.
type assignments struct {
	*modification
	frame  *frame
	at     int // where the columns of the row that is changed begin
	cols   []int
	values []expr.Expr
}

func (s *assignments) all(list []*syntax.Assign) error {
	for _, a := range list {
		var err error
		if a.Multi {
			err = s.several(a)
		} else {
			err = s.one(a.Columns[0], a.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// place resolves the column of an assignment. Parts of it may be set one after the other.
func (s *assignments) place(c *syntax.InsertColumn) (int, error) {
	i, err := s.column(c)
	if err != nil {
		return 0, err
	}
	if k := slices.Index(s.cols, i); k >= 0 {
		if _, parts := s.values[k].(*expr.Assign); !parts || len(c.Steps) == 0 {
			return 0, pgerr.New(pgerr.SyntaxError, "multiple assignments to same column %q", c.Name)
		}
	}
	if part := s.out.Portion; part != nil && (i == part.Start || i == part.End) {
		return 0, s.errorIn(c, pgerr.SyntaxError, "cannot update column %q because it is used in FOR PORTION OF", c.Name)
	}
	return i, nil
}

func (s *assignments) one(c *syntax.InsertColumn, x syntax.Expr) error {
	_, isDefault := x.(*syntax.Default)
	var e expr.Expr
	var err error
	if !isDefault { // its errors come first
		if e, err = s.frame.bind(x); err != nil {
			return err
		}
	}
	i, err := s.place(c)
	if err != nil {
		return err
	}
	switch {
	case !isDefault:
		return s.set(c, i, e, x)
	case len(c.Steps) > 0:
		return s.frame.noDefault(c)
	case s.attrs[i].Generated.Text != "":
		return nil // it is computed anyhow
	}
	v, err := s.defaultOf(i)
	if err == nil {
		s.cols, s.values = append(s.cols, i), append(s.values, v)
	}
	return err
}

// set adds a value for a column or a part of it.
func (s *assignments) set(c *syntax.InsertColumn, i int, e expr.Expr, at syntax.Node) (err error) {
	k := slices.Index(s.cols, i)
	if k < 0 {
		k = len(s.cols)
		col := s.rel.Columns[i]
		s.cols, s.values = append(s.cols, i), append(s.values, &expr.Col{Index: s.at + i, Typ: col.Type, Name: col.Name})
	}
	if len(c.Steps) > 0 {
		s.values[k], err = s.frame.setPart(c, s.values[k], e, at)
	} else {
		s.values[k], err = s.assigned(s.frame, e, i, at)
	}
	if err != nil {
		return err
	}
	return s.mayBeSet(i)
}

// mayBeSet refuses values for columns that have only their default.
func (s *assignments) mayBeSet(i int) error {
	a, name := s.attrs[i], s.rel.Columns[i].Name
	e := pgerr.New(generatedAlways, "column %q can only be updated to DEFAULT", name)
	switch {
	case a.Generated.Text != "":
		return e.WithDetail("Column %q is a generated column.", name)
	case a.Identity == "a":
		return e.WithDetail("Column %q is an identity column defined as GENERATED ALWAYS.", name)
	}
	return nil
}

// several is (a, b) = a row or a query of one row.
func (s *assignments) several(a *syntax.Assign) error {
	if row, ok := a.Value.(*syntax.Row); ok {
		if len(row.Elems) != len(a.Columns) {
			return s.errorIn(a.Value, pgerr.SyntaxError, "number of columns does not match number of values")
		}
		for i, c := range a.Columns {
			if err := s.one(c, row.Elems[i]); err != nil {
				return err
			}
		}
		return nil
	}
	sub, ok := a.Value.(*syntax.Subquery)
	if !ok {
		return s.errorIn(a.Value, pgerr.FeatureNotSupported, "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression")
	}
	n, err := s.frame.sub(sub.Query, true)
	if err != nil {
		return err
	}
	fields := n.Schema()
	if len(fields) != len(a.Columns) {
		return s.errorIn(a.Value, pgerr.SyntaxError, "number of columns does not match number of values")
	}
	for k, c := range a.Columns {
		i, err := s.place(c)
		if err != nil {
			return err
		}
		if fields[k].Type.OID == datum.Unknown {
			t, err := s.typeOf(c, i)
			if err != nil {
				return err
			}
			if n, err = s.retype(n, k, t, a.Value); err != nil {
				return err
			}
		}
		one := &plan.Project{Input: n}
		one.Exprs, one.Fields = colsOf(n, k, k+1)
		if err := s.set(c, i, subquery(expr.Scalar, one, one.Fields[0].Type), a.Value); err != nil {
			return err
		}
	}
	return nil
}

// typeOf is the type of what is set: a column, or a part of it.
func (s *assignments) typeOf(c *syntax.InsertColumn, i int) (datum.Type, error) {
	p, err := s.frame.partOf(c, s.rel.Columns[i].Type)
	if err != nil {
		return datum.Type{}, err
	}
	return p.typ, nil
}

// placeless is an error that PostgreSQL gives no place in the statement.
func placeless(err error) error {
	e := *pgerr.From(err)
	e.Position = 0
	return &e
}
