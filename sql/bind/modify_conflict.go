package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// conflict binds ON CONFLICT of an INSERT into a table.
func (m *modification) conflict(c *syntax.OnConflict) error {
	if c == nil {
		return nil
	}
	out := &plan.Conflict{Update: len(c.Set) > 0}
	var err error
	switch {
	case c.Constraint != "":
		out.Arbiters, err = m.namedArbiter(c)
	case len(c.Target) > 0:
		out.Arbiters, err = m.arbiters(c)
	case out.Update:
		err = m.errorIn(c, pgerr.SyntaxError, "ON CONFLICT DO UPDATE requires inference specification or constraint name").
			WithHint("For example, ON CONFLICT (column_name).")
	}
	m.out.Conflict = out
	if err != nil || !out.Update {
		return err
	}
	n := len(m.rel.Columns)
	own := rowItem(m.rel, aliasOf(m.name.Alias, m.rel.Name), 0)
	own.aliased = m.name.Alias != nil
	excluded := rowItem(m.rel, "excluded", n)
	excluded.aliased = true
	if own.name == "excluded" {
		return m.errorIn(m.name, pgerr.DuplicateAlias, "table name %q specified more than once", own.name)
	}
	f := *m.frame
	f.scope, f.what = &scope{items: []*item{own, excluded}, width: 2 * n}, "UPDATE"
	set := &assignments{modification: m, frame: &f}
	if err := set.all(c.Set); err != nil {
		return err
	}
	out.Set, out.Values = set.cols, set.values
	if c.Where != nil {
		f.what = "WHERE"
		out.Where, err = f.condition(c.Where, "WHERE")
	}
	return err
}

func (m *modification) namedArbiter(c *syntax.OnConflict) ([]datum.OID, error) {
	con := m.rel.Table.Constraint(c.Constraint)
	if con == nil {
		return nil, pgerr.New(pgerr.UndefinedObject, "constraint %q for table %q does not exist", c.Constraint, m.rel.Name)
	}
	if con.Kind != catalog.PrimaryKey && con.Kind != catalog.Unique {
		return nil, pgerr.New(pgerr.WrongObjectType, "constraint in ON CONFLICT clause has no associated index")
	}
	if con.Period && len(c.Set) > 0 {
		return nil, pgerr.New(pgerr.WrongObjectType, "ON CONFLICT DO UPDATE not supported with exclusion constraints")
	}
	return []datum.OID{con.Index}, nil
}

// arbiters are the unique indexes over exactly the columns and expressions that are named.
func (m *modification) arbiters(c *syntax.OnConflict) ([]datum.OID, error) {
	row := &scope{items: []*item{rowItem(m.rel, m.rel.Name, 0)}, width: len(m.rel.Columns)}
	var attrs []int16
	var exprs []expr.Expr
	f := &frame{binder: m.binder, env: &env{}, scope: row, what: "ON CONFLICT"}
	for _, t := range c.Target {
		if t.Name == "" {
			e, err := f.bind(t.Expr)
			if err != nil {
				return nil, err
			}
			exprs = append(exprs, e)
			continue
		}
		i := m.rel.Column(t.Name)
		if i < 0 {
			return nil, m.errorIn(t, pgerr.UndefinedColumn, "column %q does not exist", t.Name)
		}
		m.defining.name(&t.Name, m.rel, i)
		attrs = append(attrs, m.rel.AttrNum(i))
	}
	var where expr.Expr
	if c.TargetWhere != nil {
		var err error
		if where, err = f.condition(c.TargetWhere, "WHERE"); err != nil {
			return nil, err
		}
	}
	var out []datum.OID
	for i := range m.rel.Table.Indexes {
		ix := &m.rel.Table.Indexes[i]
		ok, err := m.infers(ix, attrs, exprs, where, row)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, ix.ID)
		}
	}
	if len(out) == 0 && m.checking == 0 { // a function may be made before the key
		return nil, pgerr.New(pgerr.InvalidColumnReference, "there is no unique or exclusion constraint matching the ON CONFLICT specification")
	}
	return out, nil
}

// infers reports whether an index is unique over the columns and expressions, in whatever order, for the rows that a condition names.
func (m *modification) infers(ix *catalog.TableIndex, attrs []int16, exprs []expr.Expr, where expr.Expr, row *scope) (bool, error) {
	if !ix.Unique || ix.Period || len(ix.Keys) == 0 {
		return false, nil
	}
	named := 0
	for _, k := range ix.Keys {
		switch {
		case k.Column != 0:
			if !slices.Contains(attrs, k.Column) {
				return false, nil
			}
			named++
		default:
			e, err := m.stored(k.Expr.Text, row, "index expressions", nil)
			if err != nil || !slices.ContainsFunc(exprs, func(x expr.Expr) bool { return expr.Equal(x, e) }) {
				return false, err
			}
		}
	}
	for _, a := range attrs {
		if !slices.ContainsFunc(ix.Keys, func(k catalog.IndexKey) bool { return k.Column == a }) {
			return false, nil
		}
	}
	if len(ix.Keys)-named < len(exprs) {
		return false, nil
	}
	if ix.Where.Text == "" {
		return true, nil
	}
	if where == nil {
		return false, nil
	}
	bool := datum.T(datum.Bool)
	e, err := m.stored(ix.Where.Text, row, "index predicates", &bool)
	return err == nil && implies(where, e), err
}

// constraintOf is the constraint that an index is for, nil if there is none.
func constraintOf(t *catalog.TableObject, ix *catalog.TableIndex) *catalog.Constraint {
	for i := range t.Constraints {
		if c := &t.Constraints[i]; ix.Constraint != 0 && c.ID == ix.Constraint {
			return c
		}
	}
	return nil
}

// implies reports whether a condition has all that another one asks for among its parts.
func implies(cond, asked expr.Expr) bool {
	have := expr.Conjuncts(cond)
	for _, a := range expr.Conjuncts(asked) {
		if !slices.ContainsFunc(have, func(h expr.Expr) bool { return expr.Equal(h, a) }) {
			return false
		}
	}
	return true
}
