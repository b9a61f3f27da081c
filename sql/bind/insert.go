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

// logColumns are the columns of events that the log gives itself.
var logColumns = map[int]string{
	catalog.EventPosition:   "The log gives every event its position.",
	catalog.EventVersion:    "The log counts an entity's events itself. To expect a version, name the column expected_version.",
	catalog.EventRecordedAt: "The log stamps what it accepts. When it happened goes into the column timestamp.",
}

// insertion is an INSERT being bound.
type insertion struct {
	*frame
	x    *syntax.Insert
	rel  *catalog.Relation
	cols []int // the relation's columns, in the order of the list
}

// insert binds INSERT INTO events.
func (b *binder) insert(x *syntax.Insert, e *env) (plan.Node, error) {
	rel, err := b.relation(x.Table.Name, x.Table)
	if err != nil {
		return nil, err
	}
	b.defining.table(x.Table, rel)
	if !isEvents(rel) {
		return b.insertRows(x, rel, e)
	}
	if err := b.noConflict(x.OnConflict); err != nil {
		return nil, err
	}
	withs, ctes, err := b.with(x.With, e, e.top)
	if err != nil {
		return nil, err
	}
	in := *e
	in.ctes, in.top = ctes, false
	ins := &insertion{frame: &frame{binder: b, env: &in, scope: &scope{}, what: "VALUES"}, x: x, rel: rel}
	if err := ins.columns(); err != nil {
		return nil, err
	}
	input, err := ins.input()
	if err != nil {
		return nil, err
	}
	b.appends = true
	out := &plan.Append{Relation: rel, Input: wrapWiths(input, withs), Columns: ins.cols}
	if x.Condition != nil {
		cond, err := ins.bind(x.Condition)
		if err != nil {
			return nil, err
		}
		if err := ins.appendCondition(out, typed{cond, x.Condition}); err != nil {
			return nil, err
		}
		out.Condition = wrapWiths(out.Condition, withs)
		out.Incremental = out.Incremental && x.With == nil // a name of WITH may hide events
	}
	return out, ins.returning(out)
}

// noConflict accepts what idempotency by (entity_id, id) does anyhow.
func (b *binder) noConflict(c *syntax.OnConflict) error {
	switch {
	case c == nil:
		return nil
	case len(c.Set) > 0:
		return b.errorIn(c, pgerr.FeatureNotSupported, "ON CONFLICT DO UPDATE is not supported: events are immutable").
			WithHint("An event with the same entity_id, id and content is the same event and is not stored twice.")
	}
	return nil
}

// columns resolves the column list.
func (s *insertion) columns() error {
	if len(s.x.Columns) == 0 {
		return s.errorIn(s.x, pgerr.FeatureNotSupported, "INSERT INTO events must name its columns").
			WithHint("For example: INSERT INTO events (entity_id, event_type, payload) VALUES ('order-1', 'order.placed', '{\"total\": 12.5}').")
	}
	seen := map[int]bool{}
	for _, c := range s.x.Columns {
		i := eventColumn(c.Name)
		if i < 0 && c.Name != expectedName {
			return s.errorIn(c, pgerr.UndefinedColumn, "column %q of relation %q does not exist", c.Name, s.rel.Name)
		}
		if len(c.Steps) > 0 {
			return s.errorIn(c, pgerr.FeatureNotSupported, "inserting into a part of a column is not supported")
		}
		if seen[i] {
			return s.errorIn(c, pgerr.DuplicateColumn, "column %q specified more than once", c.Name)
		}
		seen[i] = true
		s.cols = append(s.cols, i)
	}
	for _, i := range []int{catalog.EventEntity, catalog.EventType} {
		if !seen[i] {
			return s.errorIn(s.x, pgerr.NotNullViolation, "null value in column %q of relation %q violates not-null constraint",
				s.rel.Columns[i].Name, s.rel.Name).WithHint("Name it among the columns and give it a value.")
		}
	}
	return nil
}

// column is the i-th of the list: one of the relation's, or the version that the entity must have.
func (s *insertion) column(i int) catalog.Column {
	if s.cols[i] == plan.ExpectedVersion {
		return catalog.Column{Name: expectedName, Type: datum.T(datum.Text)}
	}
	return s.rel.Columns[s.cols[i]]
}

// input binds the rows.
func (s *insertion) input() (plan.Node, error) {
	q := s.x.Query
	if q == nil {
		return nil, s.errorIn(s.x, pgerr.NotNullViolation, "null value in column \"entity_id\" of relation %q violates not-null constraint", s.rel.Name)
	}
	if v, ok := q.Body.(*syntax.Values); ok && q.With == nil && len(q.OrderBy) == 0 && q.Limit == nil && q.Skip == nil {
		return s.rows(v)
	}
	if err := s.refuseLogColumns(); err != nil {
		return nil, err
	}
	n, err := s.query(q, s.env, true)
	if err != nil {
		return nil, err
	}
	fields := n.Schema()
	if err := s.sameCount(len(fields), firstTarget(q)); err != nil {
		return nil, err
	}
	for i, f := range fields {
		col := s.column(i)
		if err := s.assignable(col, f.Type, targetAt(q, i)); err != nil {
			return nil, err
		}
		if n, err = s.retype(n, i, col.Type, targetAt(q, i)); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// targetAt is where column i of a query is written, as far as its select list says it.
func targetAt(q *syntax.Query, i int) syntax.Node {
	if sel, ok := q.Body.(*syntax.Select); ok && i < len(sel.Targets) {
		return sel.Targets[i].Expr
	}
	return firstTarget(q)
}

func (s *insertion) refuseLogColumns() error {
	for k, i := range s.cols {
		if hint, own := logColumns[i]; own {
			return s.errorIn(s.x.Columns[k], generatedAlways, "cannot insert a non-DEFAULT value into column %q", s.rel.Columns[i].Name).
				WithDetail("Column %q is given by the log.", s.rel.Columns[i].Name).WithHint("%s", hint)
		}
	}
	return nil
}

func (s *insertion) sameCount(n int, at syntax.Node) error {
	switch {
	case n > len(s.cols):
		return s.errorIn(at, pgerr.SyntaxError, "INSERT has more expressions than target columns")
	case n < len(s.cols):
		return s.errorIn(s.x.Columns[n], pgerr.SyntaxError, "INSERT has more target columns than expressions")
	}
	return nil
}

// rows binds VALUES, each expression to its column's type. DEFAULT is what was not given.
func (s *insertion) rows(v *syntax.Values) (plan.Node, error) {
	out := &plan.Values{}
	given := make([]bool, len(s.cols))
	for _, r := range v.Rows {
		at := syntax.Node(v)
		if len(r) > len(s.cols) {
			at = r[len(s.cols)]
		}
		if err := s.sameCount(len(r), at); err != nil {
			return nil, err
		}
		row := make([]expr.Expr, len(r))
		for i, x := range r {
			col := s.column(i)
			if _, ok := x.(*syntax.Default); ok {
				row[i] = expr.NullConst(col.Type)
				continue
			}
			given[i] = true
			e, err := s.bind(x)
			if err != nil {
				return nil, err
			}
			if p, ok := e.(*expr.Param); ok && p.Typ.OID == datum.Unknown && s.cols[i] == plan.ExpectedVersion {
				if e, err = s.coerce(e, datum.T(datum.Int8), funcs.Assignment, x); err != nil {
					return nil, err
				}
			}
			if err := s.assignable(col, e.Type(), x); err != nil {
				return nil, err
			}
			if row[i], err = s.coerce(e, col.Type, funcs.Assignment, x); err != nil {
				return nil, err
			}
		}
		out.Rows = append(out.Rows, row)
	}
	for i := range s.cols {
		out.Fields = append(out.Fields, plan.Field{Name: s.column(i).Name, Type: s.column(i).Type})
	}
	return s.dropDefaults(out, given)
}

// dropDefaults leaves out the log's own columns, which must be DEFAULT in every row.
func (s *insertion) dropDefaults(v *plan.Values, given []bool) (plan.Node, error) {
	var keep []int
	for i, c := range s.cols {
		hint, own := logColumns[c]
		switch {
		case own && given[i]:
			return nil, s.errorIn(s.x.Columns[i], generatedAlways, "cannot insert a non-DEFAULT value into column %q", s.rel.Columns[c].Name).
				WithDetail("Column %q is given by the log.", s.rel.Columns[c].Name).WithHint("%s", hint)
		case !own:
			keep = append(keep, i)
		}
	}
	if len(keep) == len(s.cols) {
		return v, nil
	}
	out := &plan.Values{Rows: make([][]expr.Expr, len(v.Rows))}
	var cols []int
	for _, i := range keep {
		cols = append(cols, s.cols[i])
		out.Fields = append(out.Fields, v.Fields[i])
		for r, row := range v.Rows {
			out.Rows[r] = append(out.Rows[r], row[i])
		}
	}
	s.cols = cols
	return out, nil
}

// returning binds RETURNING over the stored rows.
func (s *insertion) returning(a *plan.Append) error {
	r := s.x.Returning
	if r == nil {
		return nil
	}
	it := itemOf(aliasOf(s.x.Table.Alias, s.rel.Name), relationFields(s.rel))
	it.rel, it.schema, it.aliased = s.rel, s.rel.Schema, s.x.Table.Alias != nil
	f := &frame{binder: s.binder, env: s.env, scope: &scope{items: []*item{it}, width: len(it.cols)}, what: "RETURNING"}
	old, now := appended(s.rel)
	if err := f.scope.images(s.binder, r, old, now); err != nil {
		return err
	}
	cols, err := f.targetList(r.List, false)
	if err != nil {
		return err
	}
	a.Returning, a.Fields, err = s.answer(r, cols)
	return err
}

func relationFields(r *catalog.Relation) []plan.Field {
	out := make([]plan.Field, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = plan.Field{Name: c.Name, Type: c.Type, Table: r.OID, Attr: r.AttrNum(i)}
	}
	return out
}
