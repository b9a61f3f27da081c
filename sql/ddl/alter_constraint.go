package ddl

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// addConstraint is ADD CONSTRAINT.
func (b *building) addConstraint(x *syntax.Constraint) error {
	if err := b.collect(x); err != nil {
		return err
	}
	return b.finish()
}

func (b *building) dropConstraint(a *syntax.AlterAction) error {
	c := b.table.Constraint(a.Name)
	if c == nil {
		if a.IfExists {
			b.notice(skipped, "constraint %q of relation %q does not exist, skipping", a.Name, b.table.Name)
			return nil
		}
		return pgerr.New(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", a.Name, b.table.Name)
	}
	if c.Kind == catalog.NotNull {
		return b.dropNotNull(c.Columns[0], pgerr.ObjectNotInPrerequisite)
	}
	if c.Period && c.Kind == catalog.Check {
		return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop constraint %s on table %s because period %s requires it", c.Name, b.table.Name, b.table.Periods[0].Name).
			WithHint("You can drop the period instead.")
	}
	return b.dropThings([]thing{{part: constraintPart, id: b.table.ID, sub: c.ID}}, cascades(a.Cascade))
}

// validate is VALIDATE CONSTRAINT.
func (b *building) validate(name string) error {
	c := b.table.Constraint(name)
	switch {
	case c == nil:
		return pgerr.New(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", name, b.table.Name)
	case c.Kind == catalog.PrimaryKey || c.Kind == catalog.Unique:
		return pgerr.New(pgerr.WrongObjectType, "cannot validate constraint %q of relation %q", name, b.table.Name).
			WithDetail("This operation is not supported for this type of constraint.")
	case c.NotEnforced:
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "cannot validate NOT ENFORCED constraint")
	case !c.NotValid:
		return nil
	case c.Kind == catalog.NotNull:
		b.out.Work = append(b.out.Work, notNullRows(b.schema, b.table.Name, b.table.Attr(c.Columns[0]).Name))
	case c.Kind == catalog.Check:
		b.out.Work = append(b.out.Work, checkRows(b.schema, b.table.Name, c))
	default:
		b.out.Work = append(b.out.Work, b.referencing(c, catalog.TableOf(b.cat.Object(c.RefTable))))
	}
	c.NotValid = false
	b.put(b.table)
	return nil
}

// alterConstraint is ALTER CONSTRAINT.
func (b *building) alterConstraint(name string, x *syntax.Constraint) error {
	c := b.table.Constraint(name)
	defers := x.Deferrable != syntax.Unsaid || x.Deferred != syntax.Unsaid
	switch {
	case c == nil:
		return pgerr.New(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", name, b.table.Name)
	case defers && c.Kind != catalog.ForeignKey:
		return pgerr.New(pgerr.WrongObjectType, "constraint %q of relation %q is not a foreign key constraint", name, b.table.Name)
	case x.Enforced != syntax.Unsaid && c.Kind != catalog.ForeignKey:
		return pgerr.New(pgerr.WrongObjectType, "cannot alter enforceability of constraint %q of relation %q", name, b.table.Name)
	case (x.Inherit || x.NoInherit) && c.Kind != catalog.NotNull:
		return pgerr.New(pgerr.WrongObjectType, "constraint %q of relation %q is not a not-null constraint", name, b.table.Name)
	}
	if x.Inherit || x.NoInherit {
		c.NoInherit = x.NoInherit
	}
	if defers {
		c.Deferred = x.Deferred == syntax.Yes
		c.Deferrable = c.Deferred || x.Deferrable == syntax.Yes
	}
	switch {
	case x.Enforced == syntax.No:
		c.NotEnforced, c.NotValid = true, true
	case x.Enforced == syntax.Yes && c.NotEnforced:
		c.NotEnforced, c.NotValid = false, false
		b.out.Work = append(b.out.Work, b.referencing(c, catalog.TableOf(b.cat.Object(c.RefTable))))
	}
	b.put(b.table)
	return nil
}
