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
	seen := map[int]bool{} // whether the column is there as a whole
	for _, c := range x.Columns {
		i, err := m.column(c)
		if err != nil {
			return nil, err
		}
		if whole, again := seen[i]; again && (whole || len(c.Steps) == 0) {
			return nil, m.errorIn(c, pgerr.DuplicateColumn, "column %q specified more than once", c.Name)
		}
		seen[i] = len(c.Steps) == 0
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
	given := make([]expr.Expr, len(m.rel.Columns))
	for i, f := range fields {
		c, at := m.rel.Columns[cols[i]], targetAt(q, i)
		into, err := m.insertPart(x, i, c.Type)
		if err != nil {
			return nil, err
		}
		if into != nil {
			c.Type, err = into.typ, m.takes(into, f.Type)
		} else {
			err = m.assignable(c, f.Type, at)
		}
		if err != nil {
			return nil, err
		}
		if n, err = m.retype(n, i, c.Type, at); err != nil {
			return nil, err
		}
		override, err := m.overridden(x, cols[i])
		if err != nil {
			return nil, err
		}
		if !override {
			m.give(given, cols[i], into, &expr.Col{Index: i, Typ: c.Type, Name: c.Name})
		}
	}
	p := &plan.Project{Input: n, Fields: relationFields(m.rel), Exprs: given}
	return p, m.restOf(given)
}

// insertPart is the part of a column that the k-th value of an INSERT is for, nil: all of it.
func (m *modification) insertPart(x *syntax.Insert, k int, t datum.Type) (*part, error) {
	if k >= len(x.Columns) || len(x.Columns[k].Steps) == 0 {
		return nil, nil
	}
	return m.partOf(x.Columns[k], t)
}

// give puts a value for a column, or for a part of it, among those of a row.
func (m *modification) give(row []expr.Expr, i int, into *part, v expr.Expr) {
	if into != nil {
		whole := row[i]
		if whole == nil {
			whole = expr.NullConst(m.rel.Columns[i].Type)
		}
		v = into.into(whole, v)
	}
	row[i] = v
}

// restOf gives the columns of a row without a value their defaults.
func (m *modification) restOf(row []expr.Expr) (err error) {
	for i := range row {
		if row[i] != nil {
			continue
		}
		if row[i], err = m.defaultOf(i); err != nil {
			return err
		}
	}
	return nil
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
			if err := m.insertValue(x, e, k, list[k], given); err != nil {
				return nil, err
			}
		}
		if err := m.restOf(given); err != nil {
			return nil, err
		}
		out.Rows[r] = given
	}
	return out, nil
}

// insertValue binds the k-th value of VALUES, which is for column i, and puts it into the row; DEFAULT leaves that as it is.
func (m *modification) insertValue(x *syntax.Insert, e syntax.Expr, k, i int, row []expr.Expr) error {
	into, err := m.insertPart(x, k, m.rel.Columns[i].Type)
	if err != nil {
		return err
	}
	if _, ok := e.(*syntax.Default); ok {
		if into != nil {
			return m.noDefault(into.column)
		}
		return nil
	}
	v, err := m.bind(e)
	if err != nil {
		return err
	}
	if into == nil {
		v, err = m.assigned(m.frame, v, i, e)
	} else {
		v, err = m.partValue(into, v, e)
	}
	if err != nil {
		return err
	}
	override, err := m.overridden(x, i)
	if err == nil && !override {
		m.give(row, i, into, v)
	}
	return err
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
