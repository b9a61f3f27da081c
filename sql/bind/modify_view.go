package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// changedView is a view over one table, through which that is changed: what its columns are over the table's row, and which rows it has.
type changedView struct {
	rel, base *catalog.Relation
	exprs     []expr.Expr         // of rel.Columns
	where     []expr.Expr         // all must be true
	of        []*catalog.Relation // the views whose conditions these are
	check     []plan.RowCheck
}

// The words of PostgreSQL's errors about views that cannot be changed, by the statement.
var viewHints = map[string]string{"INSERT": "inserting into", "UPDATE": "updating", "DELETE": "deleting from", "MERGE": "merging into"}

// changedView looks through a view; at is where the statement names it.
func (b *binder) changedView(rel *catalog.Relation, t *syntax.TableName, what string) (*changedView, error) {
	fail := func(detail string) error {
		return pgerr.New("55000", "cannot %s view %q", changesOf[what], rel.Name).WithDetail("%s", detail).
			WithHint("To enable %s the view, provide an INSTEAD OF %s trigger or an unconditional ON %s DO INSTEAD rule.", viewHints[what], what, what)
	}
	st, err := syntax.ParseOne(rel.Definition)
	if err != nil {
		return nil, err
	}
	q, _ := st.Stmt.(*syntax.Query)
	if why := NotUpdatable(q); why != "" {
		return nil, fail(why)
	}
	sel := q.Body.(*syntax.Select)
	from := sel.From[0].(*syntax.TableName)
	under, err := b.relation(from.Name, t)
	if err != nil {
		return nil, err
	}
	out := &changedView{rel: rel, base: under}
	it := rowItem(under, aliasOf(from.Alias, under.Name), 0)
	if under.Kind == catalog.View && under.Object != nil {
		inner, err := b.changedView(under, t, what)
		if err != nil {
			return nil, err
		}
		out.base, out.where, out.of, out.check, it = inner.base, inner.where, inner.of, inner.check, inner.item(it.name)
	} else if err := b.changeable(under, t, what); err != nil {
		return nil, err
	}
	return out, b.viewOver(out, sel, it)
}

// viewOver binds the columns and the condition of a view over the row of its table.
func (b *binder) viewOver(v *changedView, sel *syntax.Select, it *item) error {
	ctx := *b.ctx
	ctx.Text = ""
	own := *b
	own.ctx, own.defining = &ctx, nil
	f := &frame{binder: &own, env: &env{}, scope: &scope{items: []*item{it}, width: len(v.base.Columns)}, what: "SELECT"}
	cols, err := f.targetList(sel.Targets, false)
	if err != nil {
		return err
	}
	for _, c := range cols {
		v.exprs = append(v.exprs, c.expr)
	}
	var cond expr.Expr
	if sel.Where != nil {
		if cond, err = f.condition(sel.Where, "WHERE"); err != nil {
			return err
		}
		v.where, v.of = append(v.where[:len(v.where):len(v.where)], cond), append(v.of[:len(v.of):len(v.of)], v.rel)
	}
	switch o, _ := v.rel.Object.(*catalog.ViewObject); {
	case o == nil || o.Check == "":
		return nil
	case o.Check == "cascaded":
		v.check = nil
		for i, c := range v.where {
			v.check = append(v.check, viewCheck(v.of[i], c))
		}
	case cond != nil:
		v.check = append(v.check[:len(v.check):len(v.check)], viewCheck(v.rel, cond))
	}
	return nil
}

// viewCheck is the condition of a view on a row: here null is not enough.
func viewCheck(rel *catalog.Relation, cond expr.Expr) plan.RowCheck {
	return plan.RowCheck{Name: rel.Name, View: true, Cond: &expr.BoolTest{Arg: cond, Want: 't'}}
}

// NotUpdatable says why a query is no view of rows of one table, in PostgreSQL's words.
func NotUpdatable(q *syntax.Query) string {
	sel, ok := q.Body.(*syntax.Select)
	switch {
	case !ok:
		return "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable."
	case sel.Distinct || sel.DistinctOn != nil:
		return "Views containing DISTINCT are not automatically updatable."
	case sel.GroupBy != nil:
		return "Views containing GROUP BY are not automatically updatable."
	case sel.Having != nil:
		return "Views containing HAVING are not automatically updatable."
	case q.With != nil:
		return "Views containing WITH are not automatically updatable."
	case q.Limit != nil || q.Skip != nil:
		return "Views containing LIMIT or OFFSET are not automatically updatable."
	}
	why := ""
	for _, t := range sel.Targets {
		syntax.Walk(t.Expr, func(n syntax.Node) bool {
			call, ok := n.(*syntax.FuncCall)
			switch {
			case ok && call.Over != nil:
				why = "Views that return window functions are not automatically updatable."
			case ok && len(aggregatesNamed(call.Name.Last())) > 0:
				why = "Views that return aggregate functions are not automatically updatable."
			case ok && len(functionsNamed(call.Name.Last())) > 0 && functionsNamed(call.Name.Last())[0].RetSet:
				why = "Views that return set-returning functions are not automatically updatable."
			}
			_, query := n.(*syntax.Query)
			return !query
		})
	}
	if why != "" {
		return why
	}
	if len(sel.From) == 1 && sel.AsOf == nil {
		if t, ok := sel.From[0].(*syntax.TableName); ok && t.Sample != nil {
			return "Views containing TABLESAMPLE are not automatically updatable."
		} else if ok && t.Times == nil {
			return ""
		}
	}
	return "Views that do not select from a single table or view are not automatically updatable."
}

// item names the columns of the view over the row of its table.
func (v *changedView) item(name string) *item {
	it := &item{name: name, schema: v.rel.Schema, table: true, bare: true}
	for i, c := range v.rel.Columns {
		f := plan.Field{Name: c.Name, Type: c.Type, Table: v.rel.OID, Attr: v.rel.AttrNum(i)}
		it.cols = append(it.cols, column{name: c.Name, expr: v.exprs[i], field: f})
	}
	return it
}

// baseName is the table under the view, by the name of the view.
func (v *changedView) baseName(t *syntax.TableName) *syntax.TableName {
	return &syntax.TableName{At: t.At, Name: syntax.Name{v.base.Schema, v.base.Name}, Alias: &syntax.Alias{Name: aliasOf(t.Alias, v.rel.Name)}}
}

// viewColumn is the column of the table that one of the view is, or an error.
func (m *modification) viewColumn(c *syntax.InsertColumn) (int, error) {
	i := m.via.rel.Column(c.Name)
	if i < 0 {
		return 0, m.errorIn(c, pgerr.UndefinedColumn, "column %q of relation %q does not exist", c.Name, m.via.rel.Name)
	}
	m.defining.name(&c.Name, m.via.rel, i)
	return m.tableColumnOf(i)
}

func (m *modification) tableColumnOf(i int) (int, error) {
	if col, ok := m.via.exprs[i].(*expr.Col); ok {
		return col.Index, nil
	}
	verb := "update"
	switch m.out.Kind {
	case plan.InsertRows:
		verb = "insert into"
	case plan.MergeRows:
		verb = "merge into"
	}
	return 0, pgerr.New(pgerr.FeatureNotSupported, "cannot %s column %q of view %q", verb, m.via.rel.Columns[i].Name, m.via.rel.Name).
		WithDetail("View columns that are not columns of their base relation are not updatable.")
}

// through makes a modification one through a view.
func (m *modification) through(v *changedView, t *syntax.TableName) error {
	for _, c := range v.check {
		if expr.Any(c.Cond, func(e expr.Expr) bool { _, ok := e.(*expr.Subquery); return ok }) {
			return m.errorIn(t, pgerr.FeatureNotSupported, "a check option with a subquery is not supported")
		}
	}
	m.via, m.name = v, v.baseName(t)
	m.out.Rules.Checks = append(m.out.Rules.Checks[:len(m.out.Rules.Checks):len(m.out.Rules.Checks)], v.check...)
	return nil
}

// seen is the row of the target as the statement names its columns.
func (m *modification) seen(s *scope) *scope {
	if m.via == nil {
		return s
	}
	it := m.via.item(m.name.Alias.Name)
	it.aliased, it.target = true, s.items[0].target
	return &scope{up: s.up, items: []*item{it}, hidden: s.hidden, width: s.width}
}
