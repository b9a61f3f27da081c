package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// insertRows binds INSERT INTO a table.
func (b *binder) insertRows(x *syntax.Insert, rel *catalog.Relation, e *env) (plan.Node, error) {
	rel, view, err := b.targetOf(rel, x.Table, "INSERT")
	if err != nil {
		return nil, err
	}
	if x.Condition != nil {
		return nil, b.errorIn(x.Condition, pgerr.FeatureNotSupported, "WHEN is for INSERT INTO events")
	}
	m, err := b.modification(plan.InsertRows, rel, x.Table, x.With, e)
	if err == nil && view != nil {
		if err = m.through(view, x.Table); err == nil && x.OnConflict != nil {
			err = b.errorIn(x.OnConflict, pgerr.FeatureNotSupported, "ON CONFLICT of a view is not supported")
		}
	}
	if err != nil {
		return nil, err
	}
	cols, err := m.insertColumns(x)
	if err != nil {
		return nil, err
	}
	if m.out.Input, err = m.insertInput(x, cols); err != nil {
		return nil, err
	}
	if err := m.conflict(x.OnConflict); err != nil {
		return nil, err
	}
	if err := m.returning(x.Returning, nil, 0); err != nil {
		return nil, err
	}
	return m.finish(), nil
}

// insertColumns resolves the column list; without one it is all columns.
func (m *modification) insertColumns(x *syntax.Insert) ([]int, error) {
	var out []int
	if len(x.Columns) == 0 && m.via != nil {
		for i := range m.via.rel.Columns {
			k, err := m.tableColumnOf(i)
			if err != nil && i < insertWidth(x) {
				return nil, err
			}
			if err == nil {
				out = append(out, k)
			}
		}
		return out, nil
	}
	if len(x.Columns) == 0 {
		for i := range m.rel.Columns {
			out = append(out, i)
		}
		return out, nil
	}
	seen := map[int]bool{}
	for _, c := range x.Columns {
		i, err := m.column(c)
		if err != nil {
			return nil, err
		}
		if seen[i] {
			return nil, m.errorIn(c, pgerr.DuplicateColumn, "column %q specified more than once", c.Name)
		}
		seen[i] = true
		out = append(out, i)
	}
	return out, nil
}

// insertWidth is how many values VALUES gives, all that may be where that is not seen.
func insertWidth(x *syntax.Insert) int {
	if x.Query == nil {
		return 0
	}
	if v, ok := x.Query.Body.(*syntax.Values); ok && len(v.Rows) > 0 {
		return len(v.Rows[0])
	}
	return maxDepth
}

// insertInput binds the rows, with all columns of the table.
func (m *modification) insertInput(x *syntax.Insert, cols []int) (plan.Node, error) {
	q := x.Query
	if q == nil {
		return m.insertValues(x, nil, []*syntax.Values{{Rows: [][]syntax.Expr{{}}}}[0])
	}
	if v, ok := q.Body.(*syntax.Values); ok && q.With == nil && len(q.OrderBy) == 0 && q.Limit == nil && q.Skip == nil {
		return m.insertValues(x, cols, v)
	}
	n, err := m.query(q, m.env, true)
	if err != nil {
		return nil, err
	}
	fields := n.Schema()
	if cols, err = m.countMatches(x, cols, len(fields), firstTarget(q)); err != nil {
		return nil, err
	}
	given := map[int]int{}
	for i, f := range fields {
		c := m.rel.Columns[cols[i]]
		at := targetAt(q, i)
		if !canCoerce(f.Type.OID, c.Type.OID, funcs.Assignment) {
			return nil, m.errorOf(at, pgerr.DatatypeMismatch, "column %q is of type %s but expression is of type %s", c.Name, formatType(datum.T(c.Type.OID)), formatType(datum.T(f.Type.OID))).
				WithHint("You will need to rewrite or cast the expression.")
		}
		if n, err = m.retype(n, i, c.Type, at); err != nil {
			return nil, err
		}
		override, err := m.overridden(x, cols[i])
		if err != nil {
			return nil, err
		}
		if !override {
			given[cols[i]] = i
		}
	}
	p := &plan.Project{Input: n, Fields: relationFields(m.rel)}
	for i, c := range m.rel.Columns {
		e := expr.Expr(nil)
		if k, ok := given[i]; ok {
			e = &expr.Col{Index: k, Typ: c.Type, Name: c.Name}
		} else if e, err = m.defaultOf(i); err != nil {
			return nil, err
		}
		p.Exprs = append(p.Exprs, e)
	}
	return p, nil
}

// countMatches compares the number of values with that of columns. Without a list, columns at the end may be left out.
func (m *modification) countMatches(x *syntax.Insert, cols []int, n int, at syntax.Node) ([]int, error) {
	switch {
	case n > len(cols):
		return nil, m.errorIn(at, pgerr.SyntaxError, "INSERT has more expressions than target columns")
	case n < len(cols) && len(x.Columns) > 0:
		return nil, m.errorIn(x.Columns[n], pgerr.SyntaxError, "INSERT has more target columns than expressions")
	}
	return cols[:n], nil
}

// overridden reports whether a value that is given for a column is passed over for its default; for some columns none may be given.
func (m *modification) overridden(x *syntax.Insert, i int) (bool, error) {
	a, at := m.attrs[i], syntax.Node(x)
	for _, c := range x.Columns {
		if c.Name == m.rel.Columns[i].Name {
			at = c
		}
	}
	refused := m.errorIn(at, generatedAlways, "cannot insert a non-DEFAULT value into column %q", m.rel.Columns[i].Name)
	refused.Position = 0
	switch {
	case a.Generated.Text != "":
		return false, refused.WithDetail("Column %q is a generated column.", m.rel.Columns[i].Name)
	case a.Identity == "":
		return false, nil
	case x.Overriding == syntax.OverridingUser:
		return true, nil
	case a.Identity == "a" && x.Overriding == syntax.OverridingNone:
		return false, refused.WithDetail("Column %q is an identity column defined as GENERATED ALWAYS.", m.rel.Columns[i].Name).
			WithHint("Use OVERRIDING SYSTEM VALUE to override.")
	}
	return false, nil
}

// insertValues binds VALUES, each expression to its column's type.
func (m *modification) insertValues(x *syntax.Insert, cols []int, v *syntax.Values) (plan.Node, error) {
	out := &plan.Values{Fields: relationFields(m.rel), Rows: make([][]expr.Expr, len(v.Rows))}
	width := len(v.Rows[0])
	for r, row := range v.Rows {
		if len(row) != width {
			at := syntax.Node(v)
			if len(row) > 0 {
				at = row[0]
			}
			return nil, m.errorIn(at, pgerr.SyntaxError, "VALUES lists must all be the same length")
		}
		at := syntax.Node(x)
		if len(row) > len(cols) {
			at = row[len(cols)]
		}
		list, err := m.countMatches(x, cols, len(row), at)
		if err != nil {
			return nil, err
		}
		given := make([]expr.Expr, len(m.rel.Columns))
		for k, e := range row {
			if given[list[k]], err = m.insertValue(x, e, list[k]); err != nil {
				return nil, err
			}
		}
		for i := range given {
			if given[i] != nil {
				continue
			}
			if given[i], err = m.defaultOf(i); err != nil {
				return nil, err
			}
		}
		out.Rows[r] = given
	}
	return out, nil
}

// insertValue binds one value of VALUES; nil is the column's default.
func (m *modification) insertValue(x *syntax.Insert, e syntax.Expr, i int) (expr.Expr, error) {
	if _, ok := e.(*syntax.Default); ok {
		return nil, nil
	}
	v, err := m.bind(e)
	if err != nil {
		return nil, err
	}
	if v, err = m.assigned(m.frame, v, i, e); err != nil {
		return nil, err
	}
	override, err := m.overridden(x, i)
	if err != nil || override {
		return nil, err
	}
	return v, nil
}

// nextOfIdentity draws the next number of an identity column.
func (m *modification) nextOfIdentity(i int) (expr.Expr, error) {
	seq := datum.OID(0)
	for _, o := range m.ctx.Catalog.Objects() {
		if s, ok := o.(*catalog.SequenceObject); ok && s.Identity && s.Owner == m.rel.OID && s.Column == m.rel.AttrNum(i) {
			seq = s.ID
		}
	}
	if seq == 0 {
		return nil, m.errorIn(m.name, pgerr.InternalError, "no sequence of identity column %q", m.rel.Columns[i].Name)
	}
	e, err := m.function("nextval", []typed{{intConst(int64(seq), datum.Regclass), m.name}}, m.name)
	if err != nil {
		return nil, err
	}
	return m.coerce(e, m.rel.Columns[i].Type, funcs.Assignment, m.name)
}
