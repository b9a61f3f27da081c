package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// source is a bound FROM item or list: a plan and the names of its row.
type source struct {
	node    plan.Node
	scope   *scope
	lateral bool // it refers to the row on its left by Outer level 1
}

// from binds a FROM list; without items it is one row without columns.
func (b *binder) from(list []syntax.TableExpr, e *env) (*source, error) {
	if len(list) == 0 {
		return &source{node: oneRow(), scope: &scope{up: e.outer}}, nil
	}
	var acc *source
	for _, t := range list {
		var left *scope
		if acc != nil {
			left = acc.scope
		}
		s, err := b.fromItem(t, e, left, "")
		if err != nil {
			return nil, err
		}
		if acc == nil {
			acc = s
			continue
		}
		if err := b.distinctNames(acc.scope, s.scope, t); err != nil {
			return nil, err
		}
		acc = &source{
			node:  &plan.Join{Kind: plan.Cross, Left: acc.node, Right: s.node, Lateral: s.lateral},
			scope: acc.scope.with(s.scope),
		}
	}
	acc.scope.up = e.outer
	return acc, nil
}

func oneRow() *plan.Values { return &plan.Values{Rows: [][]expr.Expr{{}}} }

// distinctNames refuses the same table name twice.
func (b *binder) distinctNames(l, r *scope, at syntax.Node) error {
	for _, x := range l.items {
		for _, y := range r.items {
			if x.table && y.table && x.name != "" && x.name == y.name && (x.aliased || y.aliased || x.schema == y.schema) {
				return b.errorIn(at, pgerr.DuplicateAlias, "table name %q specified more than once", x.name)
			}
		}
	}
	return nil
}

// fromItem binds one item. left is the row that a LATERAL item may refer to, nil when there is nothing on the left; bad
// says why it must not, when it must not.
func (b *binder) fromItem(t syntax.TableExpr, e *env, left *scope, bad string) (*source, error) {
	if err := b.enter(t); err != nil {
		return nil, err
	}
	defer b.leave()
	in := *e
	if left == nil || !mayBeLateral(t) {
		if left != nil {
			in.hidden = left.items
		}
		return b.tableExpr(t, &in)
	}
	in.outer = &scope{up: e.outer, items: left.items, hidden: left.hidden, width: left.width, lateral: true, bad: bad}
	s, err := b.tableExpr(t, &in)
	if err != nil {
		return nil, err
	}
	s.scope.up = e.outer
	if len(plan.OuterUses(s.node, 1)) > 0 {
		s.lateral = true
	} else {
		s.node = plan.ShiftOuter(s.node, -1)
	}
	return s, nil
}

// mayBeLateral reports whether an item may refer to what stands left of it.
func mayBeLateral(t syntax.TableExpr) bool {
	switch t := t.(type) {
	case *syntax.FuncTable:
		return true
	case *syntax.SubqueryTable:
		return t.Lateral
	case *syntax.Join:
		return mayBeLateral(t.Left) || mayBeLateral(t.Right)
	}
	return false
}

// opaque hides the rows of lateral levels from a place that must not see them; the levels still count.
func opaque(s *scope) *scope {
	if s == nil || !s.lateral {
		return s
	}
	return &scope{up: opaque(s.up), hidden: append(append([]*item(nil), s.hidden...), s.items...), width: s.width, lateral: true}
}

// within are the rows around a query, seen from inside: a FROM list there hides lateral rows of its own, never these.
func within(s *scope) *scope {
	if s == nil || !s.lateral {
		return s
	}
	out := *s
	out.up, out.lateral = within(s.up), false
	return &out
}

func (b *binder) tableExpr(t syntax.TableExpr, e *env) (*source, error) {
	switch t := t.(type) {
	case *syntax.TableName:
		return b.table(t, e)
	case *syntax.SubqueryTable:
		return b.derived(t, e)
	case *syntax.FuncTable:
		return b.funcTable(t, e)
	case *syntax.Join:
		return b.join(t, e)
	}
	return nil, b.errorIn(t, pgerr.FeatureNotSupported, "this FROM item is not supported yet")
}

// table is a relation, view or CTE by name.
func (b *binder) table(t *syntax.TableName, e *env) (*source, error) {
	if len(t.Name) == 1 {
		if c := e.ctes.find(t.Name[0]); c != nil {
			if t.Sample != nil {
				return nil, b.notSampled(t)
			}
			return b.cteRef(c, t)
		}
	}
	rel, err := b.relationThen(t, e)
	if err != nil {
		return nil, err
	}
	b.defining.table(t, rel)
	switch {
	case rel.Kind == catalog.View && t.Sample != nil:
		return nil, b.notSampled(t)
	case rel.Kind == catalog.View && rel.Stored():
		return b.view(rel, t, e)
	case rel.Kind == catalog.Composite:
		return nil, b.errorIn(t, pgerr.WrongObjectType, "cannot open relation %q", rel.Name).
			WithDetail("This operation is not supported for composite types.")
	}
	scan := &plan.Scan{Relation: rel, Alias: aliasOf(t.Alias, rel.Name), Limit: -1}
	for i, f := range relationFields(rel) {
		scan.Cols = append(scan.Cols, plan.ScanCol{Column: i, Field: f})
	}
	scan.Cols = append(scan.Cols, hiddenColumns(rel)...)
	node, err := b.times(scan, t, e)
	if err != nil {
		return nil, err
	}
	if t.Sample != nil {
		if node, err = b.sampled(node, rel, t, e); err != nil {
			return nil, err
		}
	}
	it := itemOf(aliasOf(t.Alias, rel.Name), scan.Schema())
	for i := len(rel.Columns); i < len(it.cols); i++ {
		it.cols[i].unseen = true
	}
	it.rel, it.schema, it.aliased = rel, rel.Schema, t.Alias != nil
	if err := b.marked(scan, it, e, t); err != nil {
		return nil, err
	}
	return b.named(node, it, t.Alias, t)
}

// relationThen looks a relation up in the catalog of the moment that it is asked about.
func (b *binder) relationThen(t *syntax.TableName, e *env) (*catalog.Relation, error) {
	at, _, err := b.viewTimes(&syntax.TableName{Times: t.Times}, e.asOf)
	if err != nil || at == nil || b.ctx.AsOf == nil || at.clause.Kind != plan.AsOf && at.clause.Kind != plan.AsOfPosition {
		return b.relation(t.Name, t)
	}
	now := b.ctx.Catalog.Lookup(b.ctx.SearchPath, t.Name.Qualifier(), t.Name.Last())
	if now != nil && now.Object == nil {
		return now, nil
	}
	b.changing, b.moving = true, true
	own := *b
	ctx := *b.ctx
	ctx.Catalog = b.ctx.AsOf(at.clause)
	own.ctx = &ctx
	return own.relation(t.Name, t)
}

// relation looks a relation up by its written name.
func (b *binder) relation(n syntax.Name, at syntax.Node) (*catalog.Relation, error) {
	if len(n) > 2 {
		if len(n) == 3 && n[0] == b.ctx.Catalog.Database() {
			n = n[1:]
		} else {
			return nil, b.errorIn(at, pgerr.FeatureNotSupported, "cross-database references are not implemented: %q", dotted(n))
		}
	}
	rel := b.ctx.Catalog.Lookup(b.ctx.SearchPath, n.Qualifier(), n.Last())
	if rel == nil {
		return nil, b.errorIn(at, pgerr.UndefinedTable, "relation %q does not exist", dotted(n))
	}
	return rel, nil
}

// view binds a view's definition in the place of its name.
func (b *binder) view(rel *catalog.Relation, t *syntax.TableName, e *env) (*source, error) {
	at, valid, err := b.viewTimes(t, e.asOf)
	if err != nil {
		return nil, err
	}
	if rel, err = b.viewAt(rel, at, t); err != nil {
		return nil, err
	}
	st, err := syntax.ParseOne(rel.Definition)
	if err != nil {
		return nil, err
	}
	q, ok := st.Stmt.(*syntax.Query)
	if !ok {
		return nil, b.errorIn(t, pgerr.InternalError, "view %q is not a query", rel.Name)
	}
	defining := b.defining
	b.defining = nil
	uses := b.validUses
	node, err := b.query(q, &env{outer: opaque(e.outer), asOf: at, valid: append(valid, e.valid...)}, false)
	b.defining = defining
	if err == nil && len(valid) > 0 && b.validUses == uses {
		err = b.noValidTime(rel, valid[0])
	}
	if err != nil {
		return nil, err
	}
	if rel.Object != nil {
		if node, err = b.viewColumns(node, rel, t); err != nil {
			return nil, err
		}
	}
	it := itemOf(aliasOf(t.Alias, rel.Name), node.Schema())
	it.schema, it.aliased = rel.Schema, t.Alias != nil
	return b.named(node, it, t.Alias, t)
}

// viewAt is a view as it was at the moment that is asked about.
func (b *binder) viewAt(rel *catalog.Relation, at *moment, t *syntax.TableName) (*catalog.Relation, error) {
	b.changing = b.changing || rel.Changing
	if !rel.Changing || at == nil || b.ctx.AsOf == nil {
		return rel, nil
	}
	b.moving = true
	then := b.ctx.AsOf(at.clause).Lookup(nil, rel.Schema, rel.Name)
	if then == nil {
		return nil, b.errorIn(t, pgerr.UndefinedTable, "relation %q does not exist", dotted(t.Name)).
			WithDetail("There was no event of the type at the moment that is asked about.")
	}
	return then, nil
}

// viewColumns gives the columns of a user's view the names and types that they had when it was made.
func (b *binder) viewColumns(n plan.Node, rel *catalog.Relation, t *syntax.TableName) (plan.Node, error) {
	fields := append([]plan.Field(nil), n.Schema()...)
	if len(fields) != len(rel.Columns) {
		return nil, b.errorIn(t, pgerr.InvalidObjectDefinition, "view %q has %d columns and its query gives %d", rel.Name, len(rel.Columns), len(fields))
	}
	var err error
	for i, c := range rel.Columns {
		if fields[i].Type.OID != c.Type.OID {
			if n, err = b.retype(n, i, c.Type, t); err != nil {
				return nil, err
			}
		}
		fields[i] = plan.Field{Name: c.Name, Type: c.Type, Table: rel.OID, Attr: int16(i + 1)}
	}
	return renamed(n, fields), nil
}

func aliasOf(a *syntax.Alias, name string) string {
	if a != nil && a.Name != "" {
		return a.Name
	}
	return name
}

// named makes the source of one item, with the column names of its alias.
func (b *binder) named(n plan.Node, it *item, a *syntax.Alias, at syntax.Node) (*source, error) {
	if a != nil {
		if n := it.seen(); len(a.Columns) > n {
			return nil, b.errorIn(at, pgerr.InvalidColumnReference, "table %q has %d columns available but %d columns specified",
				it.name, n, len(a.Columns))
		}
		for i, c := range a.Columns {
			it.cols[i].name = c.Name
			it.cols[i].field.Name = c.Name
			if col, ok := it.cols[i].expr.(*expr.Col); ok {
				named := *col
				named.Name = c.Name
				it.cols[i].expr = &named
			}
		}
	}
	b.defining.from(at, it)
	return &source{node: n, scope: &scope{items: []*item{it}, width: len(n.Schema())}}, nil
}

// derived is a query in FROM.
func (b *binder) derived(t *syntax.SubqueryTable, e *env) (*source, error) {
	in := &env{outer: e.outer, ctes: e.ctes, asOf: e.asOf, valid: e.valid, hidden: e.hidden}
	if !t.Lateral {
		in.outer = opaque(e.outer)
	}
	node, err := b.query(lockedToo(t.Query, e, aliasOf(t.Alias, "")), in, false)
	if err != nil {
		return nil, err
	}
	it := itemOf(aliasOf(t.Alias, ""), node.Schema())
	it.aliased = true
	it.table = it.name != ""
	return b.named(node, it, t.Alias, t)
}

// join is left JOIN right.
func (b *binder) join(t *syntax.Join, e *env) (*source, error) {
	l, err := b.fromItem(t.Left, e, nil, "")
	if err != nil {
		return nil, err
	}
	bad := ""
	if t.Kind == syntax.RightJoin || t.Kind == syntax.FullJoin {
		bad = "The combining JOIN type must be INNER or LEFT for a LATERAL reference."
	}
	r, err := b.fromItem(t.Right, e, l.scope, bad)
	if err != nil {
		return nil, err
	}
	if err := b.distinctNames(l.scope, r.scope, t.Right); err != nil {
		return nil, err
	}
	if t.Kind == syntax.LeftJoin || t.Kind == syntax.FullJoin {
		e.mayMiss(r)
	}
	if t.Kind == syntax.RightJoin || t.Kind == syntax.FullJoin {
		e.mayMiss(l)
	}
	both := l.scope.with(r.scope)
	both.up = e.outer
	out := &source{scope: both}
	join := &plan.Join{Kind: joinKinds[t.Kind], Left: l.node, Right: r.node, Lateral: r.lateral}
	switch {
	case t.Using != nil || t.Natural:
		if join.Cond, out.scope, err = b.using(t, l.scope, r.scope, both, e); err != nil {
			return nil, err
		}
	case t.On != nil:
		f := &frame{binder: b, env: e, scope: &scope{up: opaque(e.outer), items: both.items, hidden: both.hidden, width: both.width}, what: "JOIN conditions"}
		if join.Cond, err = f.condition(t.On, "JOIN/ON"); err != nil {
			return nil, err
		}
	}
	if join.Kind == plan.Cross && join.Cond != nil {
		join.Kind = plan.Inner
	}
	if join.Kind == plan.Inner && join.Cond == nil {
		join.Kind = plan.Cross
	}
	out.node = join
	if t.Alias != nil {
		return b.joinAlias(out, t)
	}
	return out, nil
}

var joinKinds = [...]plan.JoinKind{
	syntax.InnerJoin: plan.Inner, syntax.CrossJoin: plan.Cross, syntax.LeftJoin: plan.Left,
	syntax.RightJoin: plan.Right, syntax.FullJoin: plan.Full,
}

// joinAlias names a join as a whole: the names inside are hidden.
func (b *binder) joinAlias(s *source, t *syntax.Join) (*source, error) {
	it := &item{name: t.Alias.Name, table: true, bare: true, aliased: true}
	for _, old := range s.scope.items {
		if old.bare {
			it.cols = append(it.cols, old.cols...)
		}
	}
	out, err := b.named(s.node, it, t.Alias, t)
	if err != nil {
		return nil, err
	}
	out.scope.hidden, out.scope.up = s.scope.items, s.scope.up
	return out, nil
}

// using builds the condition and the names of a join USING columns, or NATURAL.
func (b *binder) using(t *syntax.Join, l, r, both *scope, e *env) (expr.Expr, *scope, error) {
	names := t.Using
	if t.Natural {
		names = commonNames(l, r, t)
		b.defining.natural(t, names)
	}
	f := &frame{binder: b, env: e, scope: both, what: "JOIN/USING"}
	merged := &item{bare: true}
	seen := map[string]bool{}
	var conds []expr.Expr
	for _, n := range names {
		if seen[n.Name] {
			return nil, nil, b.errorIn(n, pgerr.DuplicateColumn, "column name %q appears more than once in USING clause", n.Name)
		}
		seen[n.Name] = true
		lc, err := b.usingColumn(l, n, "left", 0)
		if err != nil {
			return nil, nil, err
		}
		rc, err := b.usingColumn(r, n, "right", l.width)
		if err != nil {
			return nil, nil, err
		}
		le, re := typed{lc.expr, n}, typed{rc.expr, n}
		eq, err := f.operator(syntax.Operator{Name: "="}, []typed{le, re}, n)
		if err != nil {
			return nil, nil, err
		}
		conds = append(conds, eq)
		col, err := f.mergedColumn(t.Kind, lc, rc, le, re)
		if err != nil {
			return nil, nil, err
		}
		merged.cols = append(merged.cols, col)
	}
	out := &scope{up: both.up, width: both.width, hidden: both.hidden}
	rest := append([]column(nil), merged.cols...)
	for _, it := range both.items {
		c := *it
		if c.bare {
			for _, col := range c.cols {
				if !seen[col.name] {
					rest = append(rest, col)
				}
			}
			c.bare = false
		}
		if c.table {
			out.items = append(out.items, &c)
		}
	}
	out.items = append(out.items, &item{bare: true, cols: rest})
	if t.UsingAlias != "" {
		out.items = append(out.items, &item{name: t.UsingAlias, table: true, aliased: true, cols: merged.cols})
	}
	return expr.Conjoin(conds), out, nil
}

// commonNames are the columns of a NATURAL join.
func commonNames(l, r *scope, t *syntax.Join) []syntax.Ident {
	var out []syntax.Ident
	seen := map[string]bool{}
	for _, it := range l.items {
		for _, c := range it.cols {
			if !it.bare || seen[c.name] || c.unseen {
				continue
			}
			seen[c.name] = true
			if col, _, _ := r.find(c.name); col != nil && !col.unseen {
				out = append(out, syntax.Ident{At: t.At, Name: c.name})
			}
		}
	}
	return out
}

func (b *binder) usingColumn(s *scope, n syntax.Ident, side string, shift int) (column, error) {
	c, _, ambiguous := s.find(n.Name)
	switch {
	case ambiguous:
		return column{}, b.errorIn(n, pgerr.AmbiguousColumn, "common column name %q appears more than once in %s table", n.Name, side)
	case c == nil:
		return column{}, b.errorIn(n, pgerr.UndefinedColumn, "column %q specified in USING clause does not exist in %s table", n.Name, side)
	}
	out := *c
	out.expr = expr.MapCols(c.expr, func(i int) int { return i + shift })
	return out, nil
}

// mergedColumn is the one column that stands for both sides of USING.
func (f *frame) mergedColumn(kind syntax.JoinKind, lc, rc column, l, r typed) (column, error) {
	t, _, err := f.commonType([]typed{l, r}, "JOIN/USING")
	if err != nil {
		return column{}, err
	}
	vals, err := f.toCommon([]typed{l, r}, t, "JOIN/USING")
	if err != nil {
		return column{}, err
	}
	out := column{name: lc.name, expr: vals[0], field: lc.field, ref: lc.ref}
	switch kind {
	case syntax.RightJoin:
		out.expr, out.field, out.ref = vals[1], rc.field, rc.ref
	case syntax.FullJoin:
		out.expr, out.field = &expr.Coalesce{Args: vals, Typ: t}, plan.Field{Name: lc.name}
	}
	out.field.Type = datum.Type(out.expr.Type())
	if _, ok := out.expr.(*expr.Col); !ok {
		out.ref = Ref{Column: lc.name}
	}
	return out, nil
}
