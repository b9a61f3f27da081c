package bind

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// target looks up the table that a statement changes. what is the statement's verb, for events that cannot be changed.
func (b *binder) target(t *syntax.TableName, what string) (*catalog.Relation, *changedView, error) {
	rel, err := b.relation(t.Name, t)
	if err != nil {
		return nil, nil, err
	}
	b.defining.table(t, rel)
	return b.targetOf(rel, t, what)
}

// targetOf is the table that is changed, and the view through which, if it is through one.
func (b *binder) targetOf(rel *catalog.Relation, t *syntax.TableName, what string) (*catalog.Relation, *changedView, error) {
	if rel.Kind == catalog.View && rel.Object != nil && viewHints[what] != "" && len(t.Times) == 0 {
		v, err := b.changedView(rel, t, what)
		if err != nil {
			return nil, nil, err
		}
		return v.base, v, nil
	}
	return rel, nil, b.changeable(rel, t, what)
}

// The words that PostgreSQL uses for changes of what is no table.
var changesOf = map[string]string{"INSERT": "insert into", "UPDATE": "update", "DELETE": "delete from", "MERGE": "merge into", "TRUNCATE": "truncate"}

func (b *binder) changeable(rel *catalog.Relation, t *syntax.TableName, what string) error {
	switch {
	case isEvents(rel) || rel.Schema == byTypeSchema || rel.OID == catalog.EntitiesView.OID:
		return b.errorIn(t, pgerr.InsufficientPrivilege, "cannot %s %s: events are immutable", what, rel.Name).
			WithHint("Append an event that corrects the earlier one; AS OF SYSTEM TIME keeps showing what was known before.")
	case !rel.Stored() && rel.Object == nil:
		return b.errorIn(t, pgerr.InsufficientPrivilege, "permission denied: %q is a system catalog", rel.Name)
	case rel.Kind == catalog.View && what == "TRUNCATE":
		return pgerr.New(pgerr.WrongObjectType, "%q is not a table", rel.Name)
	case rel.Kind == catalog.View:
		return b.errorIn(t, pgerr.FeatureNotSupported, "cannot %s view %q", changesOf[what], rel.Name)
	case rel.Table == nil || rel.Kind != catalog.Table:
		return b.errorIn(t, pgerr.WrongObjectType, "cannot change %s %q", kindWords[rel.Kind], rel.Name)
	case len(t.Times) > 0:
		return b.errorIn(t, pgerr.ReadOnlySQLTransaction, "cannot %s the past of table %q", changesOf[what], rel.Name)
	}
	return nil
}

var kindWords = map[catalog.Kind]string{catalog.Table: "table", catalog.View: "view", catalog.Materialized: "materialized view", catalog.Sequence: "sequence", catalog.Composite: "composite type"}

const byTypeSchema = "by_type"

// hiddenColumns are what a scan of a table may tell of its row versions.
func hiddenColumns(rel *catalog.Relation) []plan.ScanCol {
	if rel.Table == nil {
		return nil
	}
	out := []plan.ScanCol{{Column: plan.RowID, Field: plan.Field{Name: rowIDName, Type: datum.T(datum.Int8)}}}
	for _, c := range []plan.ScanCol{
		{Column: plan.SysFrom, Field: plan.Field{Name: "sys_from", Type: datum.T(datum.TimestampTZ)}},
		{Column: plan.SysTo, Field: plan.Field{Name: "sys_to", Type: datum.T(datum.TimestampTZ)}},
	} {
		if rel.Column(c.Field.Name) < 0 {
			out = append(out, c)
		}
	}
	return out
}

// rowIDName cannot be written as a column's name.
const rowIDName = "\x00row"

// modification is a statement that changes rows of a table while it is bound.
type modification struct {
	*frame // over the table's row and those of the other tables
	rel    *catalog.Relation
	attrs  []*catalog.TableColumn // of rel.Columns
	name   *syntax.TableName
	withs  []*plan.With
	out    *plan.Modify
	via    *changedView // the view through which the table is changed; nil: none
}

// modification begins a statement: the WITH clause and the table.
func (b *binder) modification(kind plan.ModifyKind, rel *catalog.Relation, name *syntax.TableName, w *syntax.With, e *env) (*modification, error) {
	withs, ctes, err := b.with(w, e, e.top)
	if err != nil {
		return nil, err
	}
	in := *e
	in.ctes, in.top = ctes, false
	b.appends = true
	m := &modification{rel: rel, name: name, withs: withs}
	m.frame = &frame{binder: b, env: &in, scope: &scope{}, what: [...]string{"VALUES", "UPDATE", "DELETE", "MERGE"}[kind]}
	m.out = &plan.Modify{Kind: kind, Relation: rel, Alias: aliasOf(name.Alias, rel.Name)}
	for i := range rel.Columns {
		m.attrs = append(m.attrs, rel.Columns[i].Stored)
	}
	m.out.Rules, err = b.rowRules(rel)
	return m, err
}

// targetTable is the scan of the table that is changed.
func (m *modification) targetTable() (*source, error) {
	s, err := m.table(m.name, m.env)
	if err != nil {
		return nil, err
	}
	scan, ok := s.node.(*plan.Scan)
	if !ok {
		return nil, m.errorIn(m.name, pgerr.InternalError, "table %q has no scan", m.rel.Name)
	}
	m.nextTarget++
	scan.Target, m.out.Target = m.nextTarget, m.nextTarget
	return s, nil
}

// column resolves a column that is set; it must be one of the table's own.
func (m *modification) column(c *syntax.InsertColumn) (int, error) {
	if m.via != nil {
		return m.viewColumn(c)
	}
	i := m.rel.Column(c.Name)
	if i < 0 {
		return 0, m.errorIn(c, pgerr.UndefinedColumn, "column %q of relation %q does not exist", c.Name, m.rel.Name)
	}
	m.defining.name(&c.Name, m.rel, i)
	return i, nil
}

// assigned converts a value for a column as a whole.
func (m *modification) assigned(f *frame, e expr.Expr, i int, at syntax.Node) (expr.Expr, error) {
	col := m.rel.Columns[i]
	if err := m.assignable(col, e.Type(), at); err != nil {
		return nil, err
	}
	return f.coerce(e, col.Type, funcs.Assignment, at)
}

// assignable refuses a value whose type does not go into a column.
func (b *binder) assignable(col catalog.Column, t datum.Type, at syntax.Node) error {
	if canCoerce(t.OID, col.Type.OID, funcs.Assignment) {
		return nil
	}
	return b.errorOf(at, pgerr.DatatypeMismatch, "column %q is of type %s but expression is of type %s", col.Name, formatType(datum.T(col.Type.OID)), formatType(datum.T(t.OID))).
		WithHint("You will need to rewrite or cast the expression.")
}

// value binds a value for a column, DEFAULT among them.
func (m *modification) value(f *frame, x syntax.Expr, i int) (expr.Expr, error) {
	if _, ok := x.(*syntax.Default); ok {
		return m.defaultOf(i)
	}
	e, err := f.bind(x)
	if err != nil {
		return nil, err
	}
	return m.assigned(f, e, i, x)
}

// defaultOf is the value that a column gets when none is given.
func (m *modification) defaultOf(i int) (expr.Expr, error) {
	a, t := m.attrs[i], m.rel.Columns[i].Type
	text := a.Default.Text
	if d := m.rel.Columns[i].Domain; d != nil && text == "" {
		text = d.Default.Text
	}
	switch {
	case a.Identity != "":
		return m.nextOfIdentity(i)
	case a.Generated.Text != "" || text == "":
		return expr.NullConst(t), nil
	}
	return m.stored(text, &scope{}, "DEFAULT expressions", &t)
}

// stored binds the text of an expression that the catalog keeps, as a value of the type if one is given.
func (b *binder) stored(text string, s *scope, what string, to *datum.Type) (expr.Expr, error) {
	x, err := syntax.ParseExpr(text)
	if err != nil {
		return nil, err
	}
	ctx := *b.ctx
	ctx.Text = "" // positions would count in another text
	in := *b
	in.ctx, in.defining = &ctx, nil
	f := &frame{binder: &in, env: &env{}, scope: s, what: what}
	e, err := f.bind(x)
	b.momentary = b.momentary || in.momentary
	if err != nil || to == nil {
		return e, err
	}
	return f.coerce(e, *to, funcs.Assignment, x)
}

// rowItem is the columns of a table, the first of them at a place of the row.
func rowItem(rel *catalog.Relation, name string, at int) *item {
	it := itemOf(name, relationFields(rel))
	it.rel, it.schema = rel, rel.Schema
	return it.moved(at)
}

// rowRules binds what every row of the table is subject to.
func (b *binder) rowRules(rel *catalog.Relation) (plan.RowRules, error) {
	var out plan.RowRules
	row := &scope{items: []*item{rowItem(rel, rel.Name, 0)}, width: len(rel.Columns)}
	for i, c := range rel.Columns {
		text := c.Stored.Generated.Text
		if text == "" {
			continue
		}
		e, err := b.stored(text, row, "column generation expressions", &c.Type)
		if err != nil {
			return out, err
		}
		out.Generated = append(out.Generated, plan.GeneratedColumn{Column: i, Expr: e})
	}
	for _, c := range rel.Table.Constraints {
		if c.Kind != catalog.Check || c.NotEnforced {
			continue
		}
		bool := datum.T(datum.Bool)
		e, err := b.stored(c.Check.Text, row, "check constraints", &bool)
		if err != nil {
			return out, err
		}
		out.Checks = append(out.Checks, plan.RowCheck{Name: c.Name, Cond: e})
	}
	slices.SortStableFunc(out.Checks, func(a, b plan.RowCheck) int { return strings.Compare(a.Name, b.Name) })
	domains, err := b.domainRules(rel)
	if err != nil {
		return out, err
	}
	out.Checks = append(domains, out.Checks...)
	for i := range rel.Table.Indexes {
		if !rel.Table.Indexes[i].Kept() {
			continue
		}
		ix, err := b.indexRule(rel, &rel.Table.Indexes[i], row)
		if err != nil {
			return out, err
		}
		out.Indexes = append(out.Indexes, ix)
	}
	return out, nil
}

// domainRules are the conditions of the domains that columns are of, those of the domain underneath first.
func (b *binder) domainRules(rel *catalog.Relation) ([]plan.RowCheck, error) {
	var out []plan.RowCheck
	for i, c := range rel.Columns {
		if c.Domain == nil {
			continue
		}
		own, err := b.domainChecks(c.Domain, &expr.Col{Index: i, Typ: c.Type, Name: c.Name}, len(rel.Columns))
		if err != nil {
			return nil, err
		}
		out = append(out, own...)
	}
	return out, nil
}

// domainChecks are the conditions of a domain on a column of a row: NOT NULL, then those of the domain underneath first. All go by the name of the
// domain itself.
func (b *binder) domainChecks(d *catalog.DomainObject, col *expr.Col, width int) ([]plan.RowCheck, error) {
	var out []plan.RowCheck
	bool := datum.T(datum.Bool)
	value := &scope{items: []*item{{bare: true, cols: []column{{name: "value", expr: col}}}}, width: width}
	of := funcs.DomainCheck{Domain: b.ctx.Catalog.FormatType(b.ctx.SearchPath, catalog.TypeRef{OID: d.ID, Mod: -1}), Schema: b.ctx.Catalog.SchemaName(d.Schema), Type: d.Name}
	notNull := false
	for ; d != nil; d = domainUnder(b.ctx.Catalog, d) {
		notNull = notNull || d.NotNull
		var list []plan.RowCheck
		for _, k := range d.Checks {
			e, err := b.stored(k.Check.Text, value, "check constraints", &bool)
			if err != nil {
				return nil, err
			}
			list = append(list, plan.RowCheck{Domain: &of, Name: k.Name, Cond: e})
		}
		slices.SortStableFunc(list, func(a, b plan.RowCheck) int { return strings.Compare(a.Name, b.Name) })
		out = append(list, out...)
	}
	if notNull {
		out = append([]plan.RowCheck{{Domain: &of, Cond: &expr.IsNull{Arg: col, Not: true}}}, out...)
	}
	return out, nil
}

// inDomain is a value of the type under a domain as one of the domain: an error where that does not allow it.
func (b *binder) inDomain(e expr.Expr, d *catalog.DomainObject) (expr.Expr, error) {
	if d == nil {
		return e, nil
	}
	value := &expr.Col{Typ: e.Type(), Name: "value"}
	checks, err := b.domainChecks(d, value, 1)
	if err != nil || len(checks) == 0 {
		return e, err
	}
	args, named := []expr.Expr{value}, make([]funcs.DomainCheck, len(checks))
	for i, k := range checks {
		args, named[i] = append(args, k.Cond), k.OfDomain()
	}
	body := &expr.Call{Fn: funcs.CheckDomain(e.Type().OID, named), Args: args, Typ: e.Type(), Pos: -1}
	return &expr.Apply{Name: b.ctx.Catalog.FormatType(b.ctx.SearchPath, catalog.TypeRef{OID: d.ID, Mod: -1}), Args: []expr.Expr{e}, Body: body, Domain: true}, nil
}

// domainUnder is the domain that a domain is made of, nil if it is made of another type.
func domainUnder(c *catalog.Catalog, d *catalog.DomainObject) *catalog.DomainObject {
	_, under := c.Resolve(d.Base)
	return under
}

// IndexRule binds the keys and the predicate of an index over the columns of its relation.
func IndexRule(ctx *Context, rel *catalog.Relation, ix *catalog.TableIndex) (plan.IndexRule, error) {
	return newBinder(ctx, nil).indexRule(rel, ix, &scope{items: []*item{rowItem(rel, rel.Name, 0)}, width: len(rel.Columns)})
}

// indexRule binds the keys of an index over the row of its table.
func (b *binder) indexRule(rel *catalog.Relation, ix *catalog.TableIndex, row *scope) (plan.IndexRule, error) {
	out := plan.IndexRule{Index: ix}
	for _, k := range ix.Keys {
		if k.Column > 0 {
			i := slices.IndexFunc(rel.Columns, func(c catalog.Column) bool { return c.Attr == k.Column })
			out.Keys = append(out.Keys, &expr.Col{Index: i, Typ: rel.Columns[i].Type, Name: rel.Columns[i].Name})
			continue
		}
		e, err := b.stored(k.Expr.Text, row, "index expressions", nil)
		if err == nil {
			e, err = b.textIfUnknown(e, &syntax.Const{})
		}
		if err != nil {
			return out, err
		}
		out.Keys = append(out.Keys, e)
	}
	if ix.Where.Text == "" {
		return out, nil
	}
	var err error
	bool := datum.T(datum.Bool)
	out.Where, err = b.stored(ix.Where.Text, row, "index predicates", &bool)
	return out, err
}

// finish is the node with its WITH queries around it.
func (m *modification) finish() plan.Node { return wrapWiths(m.out, m.withs) }

// cols lists the first n columns of a node as expressions, from a place on.
func colsOf(n plan.Node, from, to int) (list []expr.Expr, fields []plan.Field) {
	for i, f := range n.Schema()[from:to] {
		list, fields = append(list, &expr.Col{Index: from + i, Typ: f.Type, Name: f.Name}), append(fields, f)
	}
	return list, fields
}

// truncate binds TRUNCATE.
func (b *binder) truncate(x *syntax.Truncate) (plan.Node, error) {
	out := &plan.Truncate{Restart: x.RestartIdentity == syntax.Yes, Cascade: x.Cascade}
	seen := map[datum.OID]bool{}
	for _, t := range x.Tables {
		rel, _, err := b.target(t, "TRUNCATE")
		if err != nil {
			return nil, err
		}
		if !seen[rel.OID] {
			seen[rel.OID] = true
			out.Relations = append(out.Relations, rel)
		}
	}
	b.appends = true
	return out, nil
}
