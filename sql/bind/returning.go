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

// actionName is the name of the column that says what was done with a row; it cannot be written.
const actionName = "\x00action"

// returning binds RETURNING over the row that was changed, as it is and as it was, and the rows of other tables, whose first column is at a place of the
// node's input.
func (m *modification) returning(r *syntax.Returning, others *scope, at int) error {
	if r == nil {
		return nil
	}
	n := len(m.rel.Columns)
	own, old, now := m.image(0), m.image(n), m.image(2*n)
	own.name, own.aliased = aliasOf(m.name.Alias, m.rel.Name), m.name.Alias != nil
	s := &scope{items: []*item{own}, width: 3*n + 1 + at}
	if others != nil {
		s.width += others.width
		moved := make([]*item, len(others.items))
		for i, o := range others.items {
			moved[i] = o.moved(3*n + 1 + at)
		}
		if m.out.Kind == plan.MergeRows {
			s.items = append(moved, own)
		} else {
			s.items = append(s.items, moved...)
		}
	}
	action := &expr.Col{Index: 3 * n, Typ: datum.T(datum.Text), Name: "action"}
	if m.out.Kind == plan.MergeRows {
		s.items = append(s.items, &item{bare: true, cols: []column{{name: actionName, expr: action, unseen: true}}})
	}
	f := &frame{binder: m.binder, env: m.env, scope: s, what: "RETURNING"}
	if err := f.existing(old, action, "INSERT", m.out.Kind != plan.UpdateRows); err != nil {
		return err
	}
	if m.out.Kind == plan.InsertRows {
		if err := f.locked(own, action); err != nil {
			return err
		}
	}
	if err := f.existing(now, action, "DELETE", m.out.Kind == plan.DeleteRows || m.out.Kind == plan.MergeRows); err != nil {
		return err
	}
	if err := s.images(m.binder, r, old, now); err != nil {
		return err
	}
	cols, err := f.targetList(r.List, false)
	if err != nil {
		return err
	}
	m.out.Returning, m.out.Fields, err = m.answer(r, cols)
	for _, e := range m.out.Returning {
		plan.MoveCols(e, func(i int) int {
			m.out.Images = m.out.Images || i >= n && i <= 3*n
			return i
		})
	}
	return err
}

// locked gives the row of an INSERT the xmax from which programs learn whether ON CONFLICT DO UPDATE has changed a row, which was locked, or there is
// a new one, whose xmax is 0.
func (f *frame) locked(own *item, action expr.Expr) error {
	at := &syntax.Const{}
	updated, err := f.operator(syntax.Operator{Name: "<>"}, []typed{{action, at}, {textConst("INSERT"), at}}, at)
	if err != nil {
		return err
	}
	xmax := &expr.Case{Whens: []expr.When{{Cond: updated, Then: intConst(frozenXid, datum.Xid)}}, Else: intConst(0, datum.Xid), Typ: datum.T(datum.Xid)}
	own.cols = append(slices.Clone(own.cols), column{name: "xmax", expr: xmax, unseen: true})
	return nil
}

// image is the row of the target as the statement names its columns, the first of which is at a place.
func (m *modification) image(at int) *item {
	if m.via != nil {
		return m.via.item("").moved(at)
	}
	return rowItem(m.rel, "", at)
}

// existing makes an image null where there is no such row: where the action was the one that has none.
func (f *frame) existing(it *item, action expr.Expr, none string, may bool) error {
	it.bare, it.aliased = false, true
	if !may {
		return nil
	}
	at := &syntax.Const{}
	there, err := f.operator(syntax.Operator{Name: "<>"}, []typed{{action, at}, {textConst(none), at}}, at)
	if err != nil {
		return err
	}
	it.there = there
	it.cols = slices.Clone(it.cols)
	for i, c := range it.cols {
		if _, ok := c.expr.(*expr.Col); !ok {
			it.cols[i].expr = &expr.Case{Whens: []expr.When{{Cond: there, Then: c.expr}}, Else: expr.NullConst(c.expr.Type()), Typ: c.expr.Type()}
		}
	}
	return nil
}

// images adds the rows before and after a change by the names that RETURNING gives them, old and new where no table is called so.
func (s *scope) images(b *binder, r *syntax.Returning, old, now *item) error {
	for _, im := range []struct {
		it    *item
		alias *syntax.Alias
		name  string
	}{{old, r.Old, "old"}, {now, r.New, "new"}} {
		name := im.name
		if im.alias != nil {
			name = im.alias.Name
		}
		if found, ambiguous := s.findItem("", name); found != nil || ambiguous {
			if im.alias != nil {
				return b.errorIn(im.alias, pgerr.DuplicateAlias, "table name %q specified more than once", name)
			}
			continue
		}
		im.it.name = name
		s.items = append(s.items, im.it)
	}
	return nil
}

// answer is what RETURNING gives.
func (b *binder) answer(r *syntax.Returning, cols []typedColumn) ([]expr.Expr, []plan.Field, error) {
	if len(cols) == 0 {
		return nil, nil, b.errorIn(r.List[0], pgerr.SyntaxError, "RETURNING must have at least one column")
	}
	list, fields := []expr.Expr{}, []plan.Field{}
	for _, c := range cols {
		list = append(list, c.expr)
		fields = append(fields, plan.Field{Name: c.name, Type: c.expr.Type(), Table: c.field.Table, Attr: c.field.Attr})
	}
	return list, fields, nil
}

// appended are the images of an event that is appended: there is none of before.
func appended(rel *catalog.Relation) (old, now *item) {
	fields := relationFields(rel)
	old, now = itemOf("old", fields), itemOf("new", fields)
	for i, f := range fields {
		old.cols[i].expr = expr.NullConst(f.Type)
	}
	old.there = expr.NullConst(datum.T(datum.Bool))
	old.bare, now.bare = false, false
	return old, now
}

// mergeAction is MERGE_ACTION(), which only RETURNING of MERGE has.
func (f *frame) mergeAction(x *syntax.FuncCall) (expr.Expr, error) {
	level := 0
	for s := f.scope; s != nil; s, level = s.up, level+1 {
		if c, _, _ := s.find(actionName); c != nil {
			return f.outwards(c.expr, level, x.Pos), nil
		}
	}
	return nil, f.errorIn(x, pgerr.SyntaxError, "MERGE_ACTION() can only be used in the RETURNING list of a MERGE command")
}
