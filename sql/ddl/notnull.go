package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// nameNotNulls gives the NOT NULLs of a table that were not named the constraints that they are; those of tables that were made before they had names, too.
func (p *planner) nameNotNulls(t *catalog.TableObject) error {
	for i := range t.Columns {
		attr := int16(i + 1)
		if c := t.Attr(attr); !c.NotNull || c.Dropped || t.NotNullOf(attr) != nil {
			continue
		}
		if err := p.addNotNull(t, catalog.Constraint{Columns: []int16{attr}}); err != nil {
			return err
		}
	}
	return nil
}

// addNotNull adds a constraint to a table, with a name that is made if it has none.
func (p *planner) addNotNull(t *catalog.TableObject, c catalog.Constraint) error {
	if c.Kind = catalog.NotNull; c.Name == "" {
		c.Name = p.unusedConstraint(t, t.Attr(c.Columns[0]).Name, "not_null")
	}
	if err := p.ids(&c.ID); err != nil {
		return err
	}
	t.Attr(c.Columns[0]).NotNull = true
	t.Constraints = append(t.Constraints, c)
	return nil
}

// notNull makes a column NOT NULL that a constraint of the table names.
func (b *building) notNull(x *syntax.Constraint) error {
	name, t := x.Columns[0].Name, b.table
	attr := t.Column(name)
	if attr == 0 && !b.old {
		return b.errorIn(x, pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, t.Name)
	} else if attr == 0 {
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, t.Name)
	}
	if k := t.NotNullOf(attr); k != nil {
		return b.sameNotNull(x, k, name)
	}
	c := catalog.Constraint{Columns: []int16{attr}, NoInherit: x.NoInherit, NotValid: x.NotValid && b.old, Name: x.Name}
	if x.Name != "" {
		if _, err := b.constraintName(x.Name, "", "not_null"); err != nil {
			return err
		}
	}
	if err := b.addNotNull(t, c); err != nil {
		return err
	}
	if b.old && !c.NotValid {
		b.out.Work = append(b.out.Work, notNullRows(b.schema, t.Name, name))
	}
	return nil
}

const inheritable = "You might need to make the existing constraint inheritable using ALTER TABLE ... ALTER CONSTRAINT ... INHERIT."

// sameNotNull takes a second NOT NULL of a column for the first, or refuses it.
func (b *building) sameNotNull(x *syntax.Constraint, k *catalog.Constraint, column string) error {
	switch {
	case !b.old && x.NoInherit != k.NoInherit:
		return b.errorIn(nil, pgerr.SyntaxError, "conflicting NO INHERIT declaration for not-null constraint on column %q", column)
	case !b.old && x.Name != "" && x.Name != k.Name:
		return b.errorIn(nil, pgerr.SyntaxError, "conflicting not-null constraint names %q and %q", k.Name, x.Name)
	case x.NoInherit != k.NoInherit:
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "cannot change NO INHERIT status of NOT NULL constraint %q on relation %q", k.Name, b.table.Name).WithHint(inheritable)
	case k.NotValid && !x.NotValid:
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "incompatible NOT VALID constraint %q on relation %q", k.Name, b.table.Name).
			WithHint("You might need to validate it using ALTER TABLE ... VALIDATE CONSTRAINT.")
	case x.Name != "" && x.Name != k.Name:
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "cannot create not-null constraint %q on column %q of table %q", x.Name, column, b.table.Name).
			WithDetail("A not-null constraint named %q already exists for this column.", k.Name)
	}
	return nil
}

// notNulls are what a primary key or a period asks of its columns.
func (b *building) notNulls(attrs []int16) error {
	for _, a := range attrs {
		col, k := b.table.Attr(a), b.table.NotNullOf(a)
		switch {
		case k != nil && k.NoInherit && !b.old:
			return b.errorIn(nil, pgerr.SyntaxError, "conflicting NO INHERIT declaration for not-null constraint on column %q", col.Name)
		case k != nil && (k.NoInherit || k.NotValid):
			word, hint := "NO INHERIT", inheritable
			if !k.NoInherit {
				word, hint = "NOT VALID", "You might need to validate it using ALTER TABLE ... VALIDATE CONSTRAINT."
			}
			return pgerr.New(pgerr.ObjectNotInPrerequisite, "cannot create primary key on column %q", col.Name).
				WithDetail("The constraint %q on column %q of table %q, marked %s, is incompatible with a primary key.", k.Name, col.Name, b.table.Name, word).WithHint("%s", hint)
		case !col.NotNull:
			if col.NotNull = true; b.old {
				b.out.Work = append(b.out.Work, notNullRows(b.schema, b.table.Name, col.Name))
			}
		}
	}
	return nil
}

// setNotNull is SET NOT NULL, which also looks for the nulls that a constraint NOT VALID left.
func (b *building) setNotNull(attr int16) {
	c, k := b.table.Attr(attr), b.table.NotNullOf(attr)
	if c.NotNull && (k == nil || !k.NotValid) {
		return
	}
	if c.NotNull = true; k != nil {
		k.NotValid = false
	}
	b.out.Work = append(b.out.Work, notNullRows(b.schema, b.table.Name, c.Name))
}

// dropNotNull takes NOT NULL from a column; code is that of the error for an identity column.
func (b *building) dropNotNull(attr int16, code pgerr.Code) error {
	c := b.table.Attr(attr)
	if c.Identity != "" {
		return pgerr.New(code, "column %q of relation %q is an identity column", c.Name, b.table.Name)
	}
	if pk := b.table.PrimaryKey(); pk != nil && slices.Contains(pk.Columns, attr) {
		return pgerr.New(pgerr.InvalidTableDefinition, "column %q is in a primary key", c.Name)
	}
	if inPeriod(b.table, attr) {
		return pgerr.New(pgerr.InvalidTableDefinition, "column %q is in a period", c.Name)
	}
	c.NotNull = false
	b.table.Constraints = slices.DeleteFunc(b.table.Constraints, func(k catalog.Constraint) bool { return k.Kind == catalog.NotNull && k.Columns[0] == attr })
	b.put(b.table)
	return nil
}
