package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// alterAddColumn is ADD COLUMN. Rows that are there have the default of now: one value that the catalog keeps, or, where each row has
// its own, they are written again.
func (b *building) alterAddColumn(a *syntax.AlterAction) error {
	if b.table.Column(a.Column.Name) != 0 {
		if a.IfExists {
			b.notice(pgerr.DuplicateColumn, "column %q of relation %q already exists, skipping", a.Column.Name, b.table.Name)
			return nil
		}
		return pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q already exists", a.Column.Name, b.table.Name)
	}
	if err := b.mayReshape(b.table, nil); err != nil {
		return err
	}
	if err := b.addColumn(a.Column); err != nil {
		return err
	}
	if err := b.notMember(b.table, b.table.Columns[len(b.table.Columns)-1].Type); err != nil {
		return err
	}
	attr := int16(len(b.table.Columns))
	var work []Work
	work, b.out.Work = b.out.Work, nil
	if err := b.finish(); err != nil {
		return err
	}
	checks := b.out.Work
	b.out.Work = work
	c := b.table.Attr(attr)
	fill := catalog.Expression{}
	switch {
	case c.Generated.Text != "":
		fill = c.Generated
	case c.Identity != "":
		seq, err := b.sequenceOf(attr)
		if err != nil {
			return err
		}
		fill = nextOf(seq.ID)
	case c.Default.Text != "":
		fill = c.Default
	default:
		if d, ok := b.cat.Object(c.Type.OID).(*catalog.DomainObject); ok {
			fill = d.Default
		}
	}
	if err := b.fillColumn(c, fill, a.Column); err != nil {
		return err
	}
	if c.NotNull && fill.Text == "" {
		b.out.Work = append(b.out.Work, notNullRows(b.schema, b.table.Name, c.Name))
	}
	b.out.Work = append(b.out.Work, checks...)
	return nil
}

// fillColumn gives rows that are there the value of a new column.
func (b *building) fillColumn(c *catalog.TableColumn, e catalog.Expression, d *syntax.ColumnDef) error {
	if e.Text == "" {
		return nil
	}
	x, err := parsed(e)
	if err != nil {
		return err
	}
	bound, err := bind.Definition(b.bound(), b.cat.ByOID(b.table.ID), x, bind.Place{What: "DEFAULT expression", Columns: true})
	if err != nil {
		return err
	}
	if c.Generated.Text == "" && !expr.IsVolatile(bound) {
		if c.Missing, err = b.Constant(x, c.Type); err != nil {
			return err
		}
		b.put(b.table)
		return nil
	}
	plain, err := catalog.Clone(b.table)
	if err != nil {
		return err
	}
	own := plain.Attr(plain.Column(c.Name))
	own.NotNull, own.Generated, own.Identity, own.Virtual = false, catalog.Expression{}, "", false
	plain.Constraints, plain.Indexes = nil, nil
	b.out.Work = append(b.out.Work, Run{Objects: []catalog.Object{plain},
		Statement: "UPDATE " + quoted(b.schema, b.table.Name) + " SET " + funcs.QuoteIdent(c.Name) + " = " + e.Text})
	return b.rebuildAll()
}

// rebuildAll has all indexes made again, after all rows have been written again.
func (b *building) rebuildAll() error {
	for i := range b.table.Indexes {
		ix := &b.table.Indexes[i]
		if slices.ContainsFunc(b.out.Work, func(w Work) bool { x, ok := w.(Build); return ok && x.Index.ID == ix.ID }) {
			continue
		}
		if err := b.renumber(ix); err != nil {
			return err
		}
		b.build(ix)
	}
	b.put(b.table)
	return nil
}

// renumber gives an index new storage: entries of the old one stay what they were, for questions about the past.
func (b *building) renumber(ix *catalog.TableIndex) error {
	old := ix.ID
	if err := b.ids(&ix.ID); err != nil {
		return err
	}
	for i := range b.table.Constraints {
		if c := &b.table.Constraints[i]; c.Index == old {
			c.Index = ix.ID
		}
	}
	for _, o := range b.cat.Objects() {
		t, ok := o.(*catalog.TableObject)
		if !ok || t.ID == b.table.ID || !slices.ContainsFunc(t.Constraints, func(c catalog.Constraint) bool { return c.Index == old }) {
			continue
		}
		t, err := catalog.Clone(t)
		if err != nil {
			return err
		}
		for i := range t.Constraints {
			if t.Constraints[i].Index == old {
				t.Constraints[i].Index = ix.ID
			}
		}
		b.put(t)
	}
	return nil
}

// setType is ALTER COLUMN TYPE.
func (b *building) setType(a *syntax.AlterAction, attr int16) error {
	c := b.table.Attr(attr)
	to, err := bind.TypeNamed(b.bound(), a.Type)
	if err != nil {
		return err
	}
	if c.Generated.Text != "" && a.Expr != nil {
		return pgerr.New("42611", "cannot specify USING when altering type of generated column").
			WithDetail("Column %q is a generated column.", c.Name)
	}
	if err := b.notMember(b.table, to); err != nil {
		return err
	}
	if err := b.mayReshape(b.table, nil); err != nil {
		return err
	}
	if inPeriod(b.table, attr) && to != c.Type {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot alter type of a column used by a period").
			WithHint("Drop the period, alter both columns, and add it again.")
	}
	typ, _ := b.cat.Resolve(to)
	if err := b.collation(a.Collation, typ, a); err != nil {
		return err
	}
	x := a.Expr
	if x == nil {
		x = &syntax.ColumnRef{Name: syntax.Name{c.Name}}
	}
	place := bind.Place{What: "transform expression", Columns: true, To: &typ, Column: c.Name}
	e, _, err := b.expression(x, b.cat.ByOID(b.table.ID), place)
	if err != nil {
		if pgerr.From(err).Code != pgerr.DatatypeMismatch {
			return err
		}
		if a.Expr != nil {
			return pgerr.New(pgerr.DatatypeMismatch, "result of USING clause for column %q cannot be cast automatically to type %s", c.Name, b.cat.FormatType(b.path(), to)).
				WithHint("You might need to add an explicit cast.")
		}
		cast := funcs.QuoteIdent(c.Name) + "::" + b.cat.FormatType(b.path(), to)
		return pgerr.New(pgerr.DatatypeMismatch, "column %q cannot be cast automatically to type %s", c.Name, b.cat.FormatType(b.path(), to)).
			WithHint("You might need to specify \"USING %s\".", cast)
	}
	if err := b.defaultAs(c, to); err != nil {
		return err
	}
	if err := b.readByNone(attr); err != nil {
		return err
	}
	return b.rewriteColumn(attr, to, e)
}

// setExpression is SET EXPRESSION: all rows are written again.
func (b *building) setExpression(a *syntax.AlterAction, attr int16) error {
	c := b.table.Attr(attr)
	switch {
	case c.Generated.Text == "":
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "column %q of relation %q is not a generated column", c.Name, b.table.Name)
	case c.Virtual && slices.ContainsFunc(b.table.Constraints, func(k catalog.Constraint) bool { return k.Kind == catalog.Check }):
		return pgerr.New(pgerr.FeatureNotSupported, "ALTER TABLE / SET EXPRESSION is not supported for virtual generated columns in tables with check constraints").
			WithDetail("Column %q of relation %q is a virtual generated column.", c.Name, b.table.Name)
	}
	if err := b.generated(c, a.Expr); err != nil {
		return err
	}
	if err := b.laterColumns[0](); err != nil {
		return err
	}
	if c.NotNull {
		defer func() { b.out.Work = append(b.out.Work, notNullRows(b.schema, b.table.Name, c.Name)) }()
	}
	return b.rewriteColumn(attr, c.Type, c.Generated)
}

// dropExpression is DROP EXPRESSION: the values stay.
func (b *building) dropExpression(a *syntax.AlterAction, c *catalog.TableColumn) error {
	switch {
	case c.Virtual:
		return pgerr.New(pgerr.FeatureNotSupported, "ALTER TABLE / DROP EXPRESSION is not supported for virtual generated columns").
			WithDetail("Column %q of relation %q is a virtual generated column.", c.Name, b.table.Name)
	case c.Generated.Text == "" && a.IfExists:
		b.notice(skipped, "column %q of relation %q is not a generated column, skipping", c.Name, b.table.Name)
		return nil
	case c.Generated.Text == "":
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "column %q of relation %q is not a generated column", c.Name, b.table.Name)
	}
	c.Generated, c.DefaultID = catalog.Expression{}, 0
	b.put(b.table)
	return nil
}

// readByNone refuses another type for a column that views or generated columns read.
func (b *building) readByNone(attr int16) error {
	c := b.table.Attr(attr)
	if views := b.viewsOf(attr); len(views) > 0 {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot alter type of a column used by a view or rule").
			WithDetail("rule _RETURN on %s depends on column %q", views[0], c.Name)
	}
	for _, other := range b.table.Columns {
		if other.Dropped || other.Generated.Text == "" {
			continue
		}
		x, err := parsed(other.Generated)
		if err != nil {
			return err
		}
		if slices.Contains(columnsOf(b.table, x), attr) {
			return pgerr.New(pgerr.FeatureNotSupported, "cannot alter type of a column used by a generated column").
				WithDetail("Column %q is used by generated column %q.", c.Name, other.Name)
		}
	}
	return nil
}

// defaultAs refuses a type that the default of a column does not become.
func (b *building) defaultAs(c *catalog.TableColumn, to catalog.TypeRef) error {
	if c.Default.Text == "" {
		return nil
	}
	typ, _ := b.cat.Resolve(to)
	x, err := parsed(c.Default)
	if err != nil {
		return err
	}
	if _, err := bind.Definition(b.bound(), nil, x, bind.Place{What: "DEFAULT expression", To: &typ, Column: c.Name}); err != nil {
		return pgerr.New(pgerr.DatatypeMismatch, "default for column %q cannot be cast automatically to type %s", c.Name, b.cat.FormatType(b.path(), to))
	}
	return nil
}

// rewriteColumn puts a column of another type in the place of one. The rows are written again, with an expression over those that are there.
func (b *building) rewriteColumn(attr int16, to catalog.TypeRef, e catalog.Expression) error {
	c := b.table.Attr(attr)
	was := b.cat.ByOID(b.table.ID)
	between, err := catalog.Clone(b.table)
	if err != nil {
		return err
	}
	between.Constraints, between.Indexes = nil, nil
	name := "pg_new_" + c.Name
	between.Columns = append(between.Columns, catalog.TableColumn{Physical: b.table.NextColumn, Name: name, Type: to})
	between.NextColumn++
	for i := range between.Columns {
		between.Columns[i].Generated = catalog.Expression{}
	}
	b.out.Work = append(b.out.Work, Run{Objects: []catalog.Object{between},
		Statement: "UPDATE " + quoted(b.schema, b.table.Name) + " SET " + funcs.QuoteIdent(name) + " = " + e.Text})
	c.Physical, c.Type, c.Missing = b.table.NextColumn, to, nil
	b.table.NextColumn++
	for i := range b.table.Indexes {
		ix := &b.table.Indexes[i]
		for k := range ix.Keys {
			if ix.Keys[k].Column == attr {
				ix.Keys[k].Type = b.keyType(to)
			}
		}
	}
	b.put(b.table)
	for _, o := range b.cat.Objects() {
		if s, ok := o.(*catalog.SequenceObject); ok && s.Identity && s.Owner == b.table.ID && s.Column == attr && sequenceRange[to.OID] != [2]int64{} {
			if s, err = catalog.Clone(s); err != nil {
				return err
			}
			was := sequenceRange[s.Type]
			if s.Type = to.OID; s.Max == was[1] {
				s.Max = sequenceRange[to.OID][1]
			}
			b.put(s)
		}
	}
	if err := b.rebind(attr, was); err != nil {
		return err
	}
	return b.rebuildAll()
}

// rebind makes the expressions over a column, whose constants keep their types, anew for its other type. was is the table before.
func (b *building) rebind(attr int16, was *catalog.Relation) error {
	rel := b.cat.ByOID(b.table.ID)
	for i := range b.table.Indexes {
		ix := &b.table.Indexes[i]
		if !indexReads(b.table, ix, attr) {
			continue
		}
		for k := range ix.Keys {
			key := &ix.Keys[k]
			bound, err := b.retype(&key.Expr, was, rel, indexExpression)
			if err != nil {
				return err
			}
			if bound != nil {
				key.Type = catalog.RefOf(bound.Type())
			}
		}
		if _, err := b.retype(&ix.Where, was, rel, indexPredicate); err != nil {
			return err
		}
	}
	for i := range b.table.Constraints {
		k := &b.table.Constraints[i]
		if k.Kind != catalog.Check || !slices.Contains(k.Columns, attr) {
			continue
		}
		if _, err := b.retype(&k.Check, was, rel, bind.Place{What: "check constraint", Columns: true, Boolean: "CHECK"}); err != nil {
			return err
		}
		if !k.NotValid {
			b.out.Work = append(b.out.Work, checkRows(b.schema, b.table.Name, k))
		}
	}
	return b.referable(attr)
}

// retype makes a stored expression over a table of other types, and returns it as it is bound; nil: there is none.
func (b *building) retype(e *catalog.Expression, was, rel *catalog.Relation, place bind.Place) (expr.Expr, error) {
	if e.Text == "" {
		return nil, nil
	}
	x, err := parsed(*e)
	if err != nil {
		return nil, err
	}
	bound, err := bind.Definition(b.bound(), was, x, place)
	if err != nil {
		return nil, err
	}
	if typed, err := syntax.ParseExpr(expr.Show(bound, true, &datum.Env{})); err == nil {
		if _, err := bind.Definition(b.bound(), was, typed, place); err == nil {
			x = typed
		}
	}
	*e, bound, err = b.expression(x, rel, place)
	return bound, placeless(err)
}

// placeless is an error without its place, which would count in another text.
func placeless(err error) error {
	if err == nil {
		return nil
	}
	e := *pgerr.From(err)
	e.Position = 0
	return &e
}

// referable checks that the foreign keys over a column, of the table and to it, still compare what can be compared.
func (b *building) referable(attr int16) error {
	for _, o := range b.cat.Objects() {
		t, ok := o.(*catalog.TableObject)
		if !ok {
			continue
		}
		for i := range t.Constraints {
			k := &t.Constraints[i]
			own, inward := t.ID == b.table.ID && slices.Contains(k.Columns, attr), k.RefTable == b.table.ID && slices.Contains(k.RefColumns, attr)
			if k.Kind != catalog.ForeignKey || !own && !inward {
				continue
			}
			if err := b.comparable(k, t, catalog.TableOf(b.cat.Object(k.RefTable))); err != nil {
				return err
			}
		}
	}
	return nil
}

// viewsOf describes the views that read a column.
func (b *building) viewsOf(attr int16) (out []string) {
	x := thing{part: columnPart, id: b.table.ID, attr: attr}
	for _, o := range b.cat.Objects() {
		var list []catalog.Reading
		switch o := o.(type) {
		case *catalog.ViewObject:
			list = o.Reads
		case *catalog.MaterializedObject:
			list = o.Reads
		}
		if reads(list, x) {
			out = append(out, b.describe(thing{id: o.Head().ID}))
		}
	}
	return out
}
