package ddl

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

func (p *planner) alterTable(s *syntax.AlterTable) error {
	switch s.Kind {
	case "DOMAIN":
		return p.alterDomain(s)
	case "TYPE":
		return p.alterComposite(s)
	}
	r, err := p.find(s.Table.Name, s.Table)
	if err != nil {
		return err
	}
	if s.Kind == "INDEX" || r == nil && p.indexNamed(s.Table.Name.Qualifier(), s.Table.Name.Last()) != nil {
		return p.alterIndex(s)
	}
	if r == nil {
		if s.IfExists {
			p.notice(skipped, "relation %q does not exist, skipping", dotted(s.Table.Name))
			return nil
		}
		return pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", dotted(s.Table.Name))
	}
	if r.Object == nil {
		return p.notOwn(r)
	}
	switch s.Kind {
	case "SEQUENCE", "VIEW", "MATERIALIZED VIEW":
		return p.alterOther(s, r)
	}
	if r.Kind != catalog.Table {
		return p.alterOther(s, r)
	}
	for _, a := range ordered(s.Actions) {
		t, err := catalog.Clone(catalog.TableOf(p.cat.Object(r.OID)))
		if err != nil {
			return err
		}
		if err := p.nameNotNulls(t); err != nil {
			return err
		}
		b := &building{planner: p, schema: r.Schema, table: t, old: true}
		p.building = b
		if err := b.alter(a); err != nil {
			return err
		}
	}
	return nil
}

// ordered puts actions into the order of PostgreSQL's passes: what goes, types, what comes.
func ordered(list []*syntax.AlterAction) []*syntax.AlterAction {
	pass := func(a *syntax.AlterAction) int {
		switch a.Kind {
		case syntax.AlterDropColumn, syntax.AlterDropConstraint:
			return 0
		case syntax.AlterColumnType:
			return 1
		case syntax.AlterAddColumn:
			return 2
		case syntax.AlterAddConstraint:
			if a.Constraint.Kind == syntax.ConstraintForeignKey {
				return 5
			}
			return 4
		}
		return 3
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(x, y *syntax.AlterAction) int { return pass(x) - pass(y) })
	return out
}

// alterOther changes views and sequences.
func (p *planner) alterOther(s *syntax.AlterTable, r *catalog.Relation) error {
	if want, ok := relationKinds[s.Kind]; ok && want != r.Kind && s.Kind != "TABLE" {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a %s", r.Name, kindWord(want))
	}
	if r.Kind == catalog.Composite {
		return pgerr.New(pgerr.WrongObjectType, "%q is a composite type", r.Name).WithHint("Use ALTER TYPE instead.")
	}
	v, isView := r.Object.(*catalog.ViewObject)
	for _, a := range s.Actions {
		switch {
		case a.Kind == syntax.AlterOwner:
			if err := p.role(a.Owner); err != nil {
				return err
			}
		case a.Kind == syntax.AlterSetTablespace, a.Kind == syntax.AlterClusterOn:
		case r.Kind == catalog.Sequence && (a.Kind == syntax.AlterSetLogged || a.Kind == syntax.AlterSetUnlogged):
		case a.Kind == syntax.AlterSetOptions || a.Kind == syntax.AlterResetOptions:
			if err := viewOptions(r, a); err != nil {
				return err
			}
		case isView && (a.Kind == syntax.AlterSetDefault || a.Kind == syntax.AlterDropDefault):
			v, err := catalog.Clone(v)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(v.Columns, func(c catalog.ViewColumn) bool { return c.Name == a.Name }) {
				return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", a.Name, v.Name)
			}
		default:
			return pgerr.New(pgerr.FeatureNotSupported, "this form of ALTER %s is not supported yet", s.Kind)
		}
	}
	return nil
}

// viewOptions accepts options of views and materialized views that change nothing here.
func viewOptions(r *catalog.Relation, a *syntax.AlterAction) error {
	for _, o := range a.Options {
		switch {
		case r.Kind == catalog.View && o.Name == "check_option":
			return pgerr.New(pgerr.FeatureNotSupported, "check_option of a view that is there cannot be changed").WithHint("CREATE OR REPLACE VIEW … WITH CHECK OPTION does it.")
		case r.Kind == catalog.View && o.Name != "security_barrier" && o.Name != "security_invoker":
			return pgerr.New(pgerr.InvalidParameterValue, "unrecognized parameter %q", o.Name)
		}
	}
	return nil
}

// alterIndex accepts what changes nothing here.
func (p *planner) alterIndex(s *syntax.AlterTable) error {
	if o, _, err := p.indexObject(s.Table.Name, s.IfExists, s.Table); err != nil || o == nil {
		return err
	}
	for _, a := range s.Actions {
		switch a.Kind {
		case syntax.AlterOwner, syntax.AlterSetTablespace, syntax.AlterSetOptions, syntax.AlterResetOptions, syntax.AlterSetStatistics:
		default:
			return pgerr.New(pgerr.FeatureNotSupported, "this form of ALTER INDEX is not supported yet")
		}
	}
	return nil
}

// alter does one action.
func (b *building) alter(a *syntax.AlterAction) error {
	switch a.Kind {
	case syntax.AlterAddColumn:
		return b.alterAddColumn(a)
	case syntax.AlterDropColumn:
		return b.dropColumn(a)
	case syntax.AlterAddConstraint:
		return b.addConstraint(a.Constraint)
	case syntax.AlterDropConstraint:
		return b.dropConstraint(a)
	case syntax.AlterConstraint:
		return b.alterConstraint(a.Name, a.Constraint)
	case syntax.AlterValidateConstraint:
		return b.validate(a.Name)
	case syntax.AlterAddPeriod:
		if err := b.period(a.Period); err != nil {
			return err
		}
		b.put(b.table)
		return nil
	case syntax.AlterDropPeriod:
		return b.dropPeriod(a.Name)
	case syntax.AlterSetOptions, syntax.AlterResetOptions:
		return b.setOptions(a)
	case syntax.AlterSetLogged, syntax.AlterSetUnlogged:
		if err := b.mayPersist(a.Kind == syntax.AlterSetLogged); err != nil {
			return err
		}
		b.table.Persistence = map[bool]catalog.Persistence{true: catalog.Permanent, false: catalog.Unlogged}[a.Kind == syntax.AlterSetLogged]
		b.put(b.table)
		return nil
	case syntax.AlterOwner:
		return b.role(a.Owner)
	case syntax.AlterSetAccessMethod:
		return accessMethod(a.Name)
	case syntax.AlterSetTablespace, syntax.AlterClusterOn, syntax.AlterSetWithoutCluster, syntax.AlterReplicaIdentity:
		return nil
	case syntax.AlterEnableTrigger, syntax.AlterDisableTrigger, syntax.AlterEnableAlwaysTrigger, syntax.AlterEnableReplicaTrigger:
		return b.triggers(a)
	case syntax.AlterEnableRule, syntax.AlterDisableRule, syntax.AlterEnableAlwaysRule, syntax.AlterEnableReplicaRule:
		return pgerr.New(pgerr.UndefinedObject, "rule %q for relation %q does not exist", a.Name, b.table.Name)
	case syntax.AlterInherit, syntax.AlterNoInherit, syntax.AlterAttachPartition, syntax.AlterDetachPartition:
		return pgerr.New(pgerr.FeatureNotSupported, "inherited and partitioned tables are not supported")
	case syntax.AlterEnableRowSecurity, syntax.AlterForceRowSecurity:
		return pgerr.New(pgerr.FeatureNotSupported, "row security is not supported")
	case syntax.AlterDisableRowSecurity, syntax.AlterNoForceRowSecurity:
		return nil
	}
	return b.alterColumn(a)
}

// mayPersist refuses that a logged table refers to an unlogged one.
func (b *building) mayPersist(logged bool) error {
	for _, o := range append(b.others(), b.table) {
		t, ok := o.(*catalog.TableObject)
		if !ok {
			continue
		}
		for i := range t.Constraints {
			k := &t.Constraints[i]
			if k.Kind != catalog.ForeignKey || k.RefTable == t.ID {
				continue
			}
			if logged && t.ID == b.table.ID {
				if ref := catalog.TableOf(b.cat.Object(k.RefTable)); ref.Persistence == catalog.Unlogged {
					return pgerr.New(pgerr.InvalidTableDefinition, "could not change table %q to logged because it references unlogged table %q", t.Name, ref.Name)
				}
			}
			if !logged && k.RefTable == b.table.ID && t.Persistence == catalog.Permanent {
				return pgerr.New(pgerr.InvalidTableDefinition, "could not change table %q to unlogged because it references logged table %q", b.table.Name, t.Name)
			}
		}
	}
	return nil
}

// accessMethod refuses ways to store a table that PostgreSQL has not either.
func accessMethod(name string) error {
	switch name {
	case "", "heap", "default":
		return nil
	case "btree", "hash", "gin", "gist", "brin", "spgist":
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "access method %q is not of type TABLE", name)
	}
	return pgerr.New(pgerr.UndefinedObject, "access method %q does not exist", name)
}

// triggers enables or disables all triggers, which are those that foreign keys have; there are no others.
func (b *building) triggers(a *syntax.AlterAction) error {
	if a.Name != "" {
		return pgerr.New(pgerr.UndefinedObject, "trigger %q for table %q does not exist", a.Name, b.table.Name)
	}
	if a.Word == "all" {
		b.table.Unchecked = a.Kind == syntax.AlterDisableTrigger
		b.put(b.table)
	}
	return nil
}

// alterColumn does the actions about one column that is there.
func (b *building) alterColumn(a *syntax.AlterAction) error {
	attr := b.table.Column(a.Name)
	if attr == 0 {
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", a.Name, b.table.Name)
	}
	c := b.table.Attr(attr)
	var err error
	switch a.Kind {
	case syntax.AlterColumnType:
		return b.setType(a, attr)
	case syntax.AlterSetDefault, syntax.AlterDropDefault:
		switch {
		case c.Identity != "":
			e := pgerr.New(pgerr.SyntaxError, "column %q of relation %q is an identity column", c.Name, b.table.Name)
			if a.Kind == syntax.AlterDropDefault {
				return e.WithHint("Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.")
			}
			return e
		case c.Generated.Text != "":
			e := pgerr.New(pgerr.SyntaxError, "column %q of relation %q is a generated column", c.Name, b.table.Name)
			if a.Kind == syntax.AlterDropDefault {
				return e.WithHint("Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.")
			}
			return e
		}
		if c.Default, c.DefaultID = (catalog.Expression{}), 0; a.Kind == syntax.AlterSetDefault {
			err = b.setDefault(c, a.Expr)
		}
	case syntax.AlterSetNotNull:
		b.setNotNull(attr)
	case syntax.AlterDropNotNull:
		return b.dropNotNull(attr, pgerr.SyntaxError)
	case syntax.AlterAddIdentity, syntax.AlterSetIdentity, syntax.AlterDropIdentity:
		err = b.alterIdentity(a, c, attr)
	case syntax.AlterDropExpression:
		return b.dropExpression(a, c)
	case syntax.AlterSetExpression:
		return b.setExpression(a, attr)
	case syntax.AlterSetStorage:
		c.Storage = strings.ToLower(a.Word[:1])
		if a.Word == "extended" || a.Word == "EXTENDED" {
			c.Storage = "x"
		}
	case syntax.AlterSetStatistics, syntax.AlterSetCompression, syntax.AlterSetColumnOptions, syntax.AlterResetColumnOptions:
	default:
		return pgerr.New(pgerr.FeatureNotSupported, "this form of ALTER TABLE is not supported yet")
	}
	if err == nil {
		b.put(b.table)
	}
	return err
}

// alterIdentity adds, changes or takes away the sequence of an identity column.
func (b *building) alterIdentity(a *syntax.AlterAction, c *catalog.TableColumn, attr int16) error {
	if a.Kind == syntax.AlterAddIdentity {
		x := a.Constraint
		switch {
		case c.Identity != "":
			return pgerr.New(pgerr.ObjectNotInPrerequisite, "column %q of relation %q is already an identity column", c.Name, b.table.Name)
		case c.Default.Text != "":
			return pgerr.New(pgerr.ObjectNotInPrerequisite, "column %q of relation %q already has a default value", c.Name, b.table.Name)
		case !c.NotNull:
			return pgerr.New(pgerr.ObjectNotInPrerequisite, "column %q of relation %q must be declared NOT NULL before identity can be added", c.Name, b.table.Name)
		}
		return b.identity(c, x.Always, x.Sequence)
	}
	if c.Identity == "" {
		if a.IfExists {
			b.notice(skipped, "column %q of relation %q is not an identity column, skipping", c.Name, b.table.Name)
			return nil
		}
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "column %q of relation %q is not an identity column", c.Name, b.table.Name)
	}
	seq, err := b.sequenceOf(attr)
	if err != nil {
		return err
	}
	if a.Kind == syntax.AlterDropIdentity {
		c.Identity = ""
		b.remove(seq.ID)
		return nil
	}
	var rest []*syntax.SequenceOption
	for _, o := range a.Sequence {
		switch o.Kind {
		case "generated always":
			c.Identity = "a"
		case "generated by default":
			c.Identity = "d"
		default:
			rest = append(rest, o)
		}
	}
	switch a.Word {
	case "always":
		c.Identity = "a"
	case "by default":
		c.Identity = "d"
	}
	return b.changeSequence(seq, rest)
}

// sequenceOf is the sequence of an identity column.
func (b *building) sequenceOf(attr int16) (*catalog.SequenceObject, error) {
	for _, o := range b.cat.Objects() {
		if s, ok := o.(*catalog.SequenceObject); ok && s.Identity && s.Owner == b.table.ID && s.Column == attr {
			return catalog.Clone(s)
		}
	}
	return nil, pgerr.New(pgerr.InternalError, "no sequence of identity column %d of %q", attr, b.table.Name)
}

func (b *building) setOptions(a *syntax.AlterAction) error {
	drop := map[string]bool{}
	for _, o := range a.Options {
		drop[o.Name] = true
	}
	t := b.table
	t.Options = slices.DeleteFunc(t.Options, func(o string) bool { name, _, _ := strings.Cut(o, "="); return drop[name] })
	if a.Kind == syntax.AlterSetOptions {
		var err error
		if t.Options, err = relOptions(t.Options, a.Options); err != nil {
			return err
		}
	}
	b.put(t)
	return nil
}

func (b *building) dropColumn(a *syntax.AlterAction) error {
	attr := b.table.Column(a.Name)
	if attr == 0 {
		if a.IfExists {
			b.notice(skipped, "column %q of relation %q does not exist, skipping", a.Name, b.table.Name)
			return nil
		}
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", a.Name, b.table.Name)
	}
	if inPeriod(b.table, attr) && !cascades(a.Cascade) {
		return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop column %s of table %s because a period has it", a.Name, b.table.Name)
	}
	return b.dropThings([]thing{{part: columnPart, id: b.table.ID, attr: attr}}, cascades(a.Cascade))
}
