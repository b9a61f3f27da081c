package ddl

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// constraintName checks a name that was given, or makes one.
func (b *building) constraintName(given, columns, label string) (string, error) {
	if given != "" {
		if c := b.table.Constraint(given); c != nil && !b.old && c.Kind == catalog.Check && label == "check" {
			return "", pgerr.New(pgerr.DuplicateObject, "check constraint %q already exists", given)
		} else if c != nil {
			return "", pgerr.New(pgerr.DuplicateObject, "constraint %q for relation %q already exists", given, b.table.Name)
		}
		return given, nil
	}
	return b.unusedConstraint(b.table, columns, label), nil
}

// unusedConstraint makes a name that no constraint of a table in the schema has.
func (p *planner) unusedConstraint(own *catalog.TableObject, columns, label string) string {
	return unusedName(own.Name, columns, label, func(n string) bool {
		return own.Constraint(n) != nil || slices.ContainsFunc(p.cat.Objects(), func(o catalog.Object) bool {
			t, ok := o.(*catalog.TableObject)
			return ok && t.Schema == own.Schema && t.ID != own.ID && t.Constraint(n) != nil
		})
	})
}

// check makes a check constraint.
func (b *building) check(x *syntax.Constraint) error {
	e, _, err := b.expression(x.Expr, b.relation(), bind.Place{What: "check constraint", Columns: true, Boolean: "CHECK"})
	if err != nil {
		return err
	}
	cols := columnsOf(b.table, x.Expr)
	name := ""
	if len(cols) == 1 {
		name = b.table.Attr(cols[0]).Name
	}
	c := catalog.Constraint{Kind: catalog.Check, Columns: cols, Check: e, NoInherit: x.NoInherit, NotEnforced: x.Enforced == syntax.No}
	c.NotValid = c.NotEnforced || x.NotValid && b.old
	if c.Name, err = b.constraintName(x.Name, name, "check"); err != nil {
		return err
	}
	if err := b.ids(&c.ID); err != nil {
		return err
	}
	b.table.Constraints = append(b.table.Constraints, c)
	if b.old && !c.NotValid {
		b.out.Work = append(b.out.Work, checkRows(b.schema, b.table.Name, &c))
	}
	return nil
}

// checkRows looks for rows that do not satisfy a check constraint.
func checkRows(schema, table string, c *catalog.Constraint) Work {
	return Check{Query: "SELECT 1 FROM " + quoted(schema, table) + " WHERE NOT (" + c.Check.Text + ") LIMIT 1",
		Failed: func([]string) error {
			return pgerr.New(pgerr.CheckViolation, "check constraint %q of relation %q is violated by some row", c.Name, table).Of(pgerr.Object{Schema: schema, Table: table, Constraint: c.Name})
		}}
}

// notNullRows looks for nulls in a column.
func notNullRows(schema, table, column string) Work {
	return Check{Query: "SELECT 1 FROM " + quoted(schema, table) + " WHERE " + funcs.QuoteIdent(column) + " IS NOT DISTINCT FROM NULL LIMIT 1",
		Failed: func([]string) error {
			return pgerr.New(pgerr.NotNullViolation, "column %q of relation %q contains null values", column, table).Of(pgerr.Object{Schema: schema, Table: table, Column: column})
		}}
}

// attributes resolves the columns that a constraint lists.
func (b *building) attributes(x *syntax.Constraint, list []syntax.Ident, missing func(name string) error) (attrs []int16, names []string, err error) {
	for _, id := range list {
		a := b.table.Column(id.Name)
		if a == 0 {
			return nil, nil, missing(id.Name)
		}
		attrs, names = append(attrs, a), append(names, id.Name)
	}
	return attrs, names, nil
}

// key makes a primary key or unique constraint.
func (b *building) key(x *syntax.Constraint) error {
	primary := x.Kind == syntax.ConstraintPrimaryKey
	if primary && b.table.PrimaryKey() != nil {
		return b.errorIn(x, pgerr.InvalidTableDefinition, "multiple primary keys for table %q are not allowed", b.table.Name)
	}
	if x.UsingIndex != "" {
		return b.keyOfIndex(x, primary)
	}
	attrs, names, err := b.attributes(x, x.Columns, func(n string) error {
		return b.errorIn(x, pgerr.UndefinedColumn, "column %q named in key does not exist", n)
	})
	if err != nil {
		return err
	}
	if x.Period != "" {
		if attrs, names, err = b.withoutOverlaps(x, attrs, names); err != nil {
			return err
		}
	}
	for i, a := range attrs {
		if slices.Contains(attrs[:i], a) {
			return b.errorIn(x, pgerr.DuplicateColumn, "column %q appears twice in %s constraint", names[i], map[bool]string{true: "primary key", false: "unique"}[primary])
		}
	}
	if err := b.notVirtual(attrs, map[bool]string{true: "primary keys", false: "unique constraints"}[primary]); err != nil {
		return err
	}
	ix, err := b.keyIndex(x, attrs)
	if err != nil {
		return err
	}
	deferred := x.Deferred == syntax.Yes
	c := catalog.Constraint{Kind: catalog.Unique, Columns: attrs, Deferrable: deferred || x.Deferrable == syntax.Yes, Deferred: deferred, Period: ix.Period}
	if primary {
		c.Kind = catalog.PrimaryKey
		if x.Name == "" {
			ix.Name = b.relationName(b.schema, b.table.Name, "", "pkey")
		}
		if err := b.notNulls(attrs); err != nil {
			return err
		}
	} else if x.Name == "" {
		ix.Name = b.relationName(b.schema, b.table.Name, strings.Join(names, "_"), "key")
	}
	if x.Name != "" && b.taken(b.schema, x.Name) {
		return pgerr.New(pgerr.DuplicateTable, "relation %q already exists", x.Name)
	} else if x.Name != "" {
		if _, err := b.constraintName(x.Name, "", ""); err != nil {
			return err
		}
	}
	c.Name = ix.Name
	if err := b.ids(&c.ID, &ix.ID); err != nil {
		return err
	}
	c.Index, ix.Constraint = ix.ID, c.ID
	b.table.Constraints = append(b.table.Constraints, c)
	b.table.Indexes = append(b.table.Indexes, ix)
	b.build(&ix)
	return nil
}

// keyIndex is the index of a key.
func (b *building) keyIndex(x *syntax.Constraint, attrs []int16) (ix catalog.TableIndex, err error) {
	ix = catalog.TableIndex{Unique: true, NullsNotDistinct: x.NullsNotDistinct, Name: x.Name, Period: x.Period != ""}
	for _, a := range attrs {
		t := b.table.Attr(a).Type
		if t, _ := b.cat.Resolve(t); datum.IsComposite(t.OID) {
			return ix, b.errorIn(x, pgerr.FeatureNotSupported, "keys of composite types are not supported")
		}
		ix.Keys = append(ix.Keys, catalog.IndexKey{Column: a, Type: b.keyType(t)})
	}
	for _, id := range x.Include {
		a := b.table.Column(id.Name)
		if a == 0 {
			return ix, b.errorIn(x, pgerr.UndefinedColumn, "column %q named in key does not exist", id.Name)
		}
		ix.Include = append(ix.Include, a)
	}
	return ix, nil
}

// notVirtual refuses constraints over virtual columns.
func (b *building) notVirtual(attrs []int16, what string) error {
	if slices.ContainsFunc(attrs, func(a int16) bool { return b.table.Attr(a).Virtual }) {
		return pgerr.New(pgerr.FeatureNotSupported, "%s on virtual generated columns are not supported", what)
	}
	return nil
}

// keyType is the type that an index compares.
func (p *planner) keyType(t catalog.TypeRef) catalog.TypeRef {
	typ, _ := p.cat.Resolve(t)
	return catalog.RefOf(typ)
}

// keyOfIndex makes a constraint of an index that is there.
func (b *building) keyOfIndex(x *syntax.Constraint, primary bool) error {
	i := slices.IndexFunc(b.table.Indexes, func(ix catalog.TableIndex) bool { return ix.Name == x.UsingIndex })
	if i < 0 {
		return b.errorIn(x, pgerr.UndefinedObject, "index %q does not exist", x.UsingIndex)
	}
	ix := &b.table.Indexes[i]
	switch {
	case ix.Constraint != 0:
		return b.errorIn(x, pgerr.ObjectNotInPrerequisite, "index %q is already associated with a constraint", ix.Name)
	case !ix.Unique:
		return b.errorIn(x, pgerr.WrongObjectType, "%q is not a unique index", ix.Name).WithDetail("Cannot create a primary key or unique constraint using such an index.")
	case ix.Where.Text != "":
		return b.errorIn(x, pgerr.WrongObjectType, "%q is a partial index", ix.Name).WithDetail("Cannot create a primary key or unique constraint using such an index.")
	}
	c := catalog.Constraint{Kind: catalog.Unique, Name: x.Name, Index: ix.ID}
	if c.Name == "" {
		c.Name = ix.Name
	}
	for _, k := range ix.Keys {
		if k.Column == 0 {
			return b.errorIn(x, pgerr.WrongObjectType, "index %q contains expressions", ix.Name).WithDetail("Cannot create a primary key or unique constraint using such an index.")
		}
		c.Columns = append(c.Columns, k.Column)
	}
	if primary {
		c.Kind = catalog.PrimaryKey
		if err := b.notNulls(c.Columns); err != nil {
			return err
		}
	}
	if c.Name != ix.Name {
		b.notice("00000", "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index %q to %q", ix.Name, c.Name)
		ix.Name = c.Name
	}
	if err := b.ids(&c.ID); err != nil {
		return err
	}
	ix.Constraint = c.ID
	b.table.Constraints = append(b.table.Constraints, c)
	return nil
}

var refActions = map[syntax.RefAction]string{syntax.RefUnsaid: "a", syntax.RefNoAction: "a", syntax.RefRestrict: "r", syntax.RefCascade: "c",
	syntax.RefSetNull: "n", syntax.RefSetDefault: "d"}

// foreign makes a foreign key.
func (b *building) foreign(x *syntax.Constraint) error {
	ref, err := b.referenced(x)
	if err != nil {
		return err
	}
	attrs, names, err := b.attributes(x, x.Columns, func(n string) error {
		return pgerr.New(pgerr.UndefinedColumn, "column %q referenced in foreign key constraint does not exist", n)
	})
	if err != nil {
		return err
	}
	if x.Period != "" || x.RefPeriod != "" {
		return b.errorIn(x, pgerr.FeatureNotSupported, "foreign keys with PERIOD are not supported yet")
	}
	if x.Match == "partial" {
		return b.errorIn(x, pgerr.FeatureNotSupported, "MATCH PARTIAL not yet implemented")
	}
	c := catalog.Constraint{Kind: catalog.ForeignKey, Columns: attrs, RefTable: ref.ID, Full: x.Match == "full",
		OnUpdate: refActions[x.OnUpdate], OnDelete: refActions[x.OnDelete], NotEnforced: x.Enforced == syntax.No, NotValid: x.Enforced == syntax.No || x.NotValid && b.old,
		Deferrable: x.Deferrable == syntax.Yes || x.Deferred == syntax.Yes, Deferred: x.Deferred == syntax.Yes}
	if c.RefColumns, c.Index, err = referencedKey(x, ref); err != nil {
		return err
	}
	if err := b.notVirtual(attrs, "foreign key constraints"); err != nil {
		return err
	}
	if len(c.RefColumns) != len(attrs) {
		return pgerr.New(pgerr.InvalidForeignKey, "number of referencing and referenced columns for foreign key disagree")
	}
	for _, id := range x.SetColumns {
		a := b.table.Column(id.Name)
		if a == 0 || !slices.Contains(attrs, a) {
			return pgerr.New(pgerr.InvalidColumnReference, "column %q referenced in ON DELETE SET action must be part of foreign key", id.Name)
		}
		c.SetColumns = append(c.SetColumns, a)
	}
	if c.Name, err = b.constraintName(x.Name, strings.Join(names, "_"), "fkey"); err != nil {
		return err
	}
	if err := b.comparable(&c, b.table, ref); err != nil {
		return err
	}
	if err := b.ids(&c.ID); err != nil {
		return err
	}
	b.table.Constraints = append(b.table.Constraints, c)
	if b.old && !c.NotValid {
		b.out.Work = append(b.out.Work, b.referencing(&c, ref))
	}
	return nil
}

// referenced is the table that a foreign key refers to, which may be this one.
func (b *building) referenced(x *syntax.Constraint) (*catalog.TableObject, error) {
	q := x.Ref.Qualifier()
	if x.Ref.Last() == b.table.Name && (q == "" || q == b.schema) {
		if r, _ := b.find(x.Ref, x); r == nil || r.OID == b.table.ID || q != "" {
			return b.table, nil
		}
	}
	r, err := b.find(x.Ref, x)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", dotted(x.Ref))
	case r.Kind != catalog.Table:
		return nil, pgerr.New(pgerr.WrongObjectType, "referenced relation %q is not a table", r.Name)
	case r.Table == nil:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "foreign keys cannot refer to %q", r.Name).WithHint("They refer to tables that were made with CREATE TABLE.")
	case r.Table.Persistence != b.table.Persistence && b.table.Persistence != catalog.Unlogged:
		return nil, pgerr.New(pgerr.InvalidTableDefinition, "constraints on %s tables may reference only %s tables", persistenceWord(b.table), persistenceWord(b.table))
	}
	return r.Table, nil
}

func persistenceWord(t *catalog.TableObject) string {
	if t.Persistence == catalog.Permanent {
		return "permanent"
	}
	return string(t.Persistence)
}

// referencedKey finds the key that a foreign key refers to.
func referencedKey(x *syntax.Constraint, ref *catalog.TableObject) ([]int16, datum.OID, error) {
	if len(x.RefColumns) == 0 {
		pk := ref.PrimaryKey()
		switch {
		case pk == nil:
			return nil, 0, pgerr.New(pgerr.UndefinedObject, "there is no primary key for referenced table %q", ref.Name)
		case pk.Period:
			return nil, 0, pgerr.New(pgerr.InvalidForeignKey, "foreign key must use PERIOD when referencing a primary key using WITHOUT OVERLAPS")
		}
		return pk.Columns, pk.Index, nil
	}
	var attrs []int16
	for i, id := range x.RefColumns {
		a := ref.Column(id.Name)
		if a == 0 {
			return nil, 0, pgerr.New(pgerr.UndefinedColumn, "column %q referenced in foreign key constraint does not exist", id.Name)
		}
		if slices.Contains(attrs[:i], a) {
			return nil, 0, pgerr.New(pgerr.InvalidForeignKey, "foreign key referenced-columns list must not contain duplicates")
		}
		attrs = append(attrs, a)
	}
	for i := range ref.Indexes {
		ix := &ref.Indexes[i]
		if ix.Unique && !ix.Period && ix.Where.Text == "" && sameColumns(ix, attrs) {
			return attrs, ix.ID, nil
		}
	}
	return nil, 0, pgerr.New(pgerr.InvalidForeignKey, "there is no unique constraint matching given keys for referenced table %q", ref.Name)
}

func sameColumns(ix *catalog.TableIndex, attrs []int16) bool {
	if len(ix.Keys) != len(attrs) {
		return false
	}
	for _, k := range ix.Keys {
		if k.Column == 0 || !slices.Contains(attrs, k.Column) {
			return false
		}
	}
	return true
}

// comparable checks that the columns of a foreign key can be equal to those that they refer to.
func (b *building) comparable(c *catalog.Constraint, table, ref *catalog.TableObject) error {
	for i, a := range c.Columns {
		own, other := table.Attr(a), ref.Attr(c.RefColumns[i])
		x, _ := b.cat.Resolve(own.Type)
		y, _ := b.cat.Resolve(other.Type)
		pair := &catalog.Relation{Name: "pair", Columns: []catalog.Column{{Name: "x", Type: x}, {Name: "y", Type: y}}}
		eq, err := syntax.ParseExpr("x = y")
		if err != nil {
			return err
		}
		_, err = bind.Definition(b.bound(), pair, eq, bind.Place{What: "foreign key", Columns: true, Boolean: "CHECK"})
		if err != nil || width(x.OID) > width(y.OID) {
			return pgerr.New(pgerr.DatatypeMismatch, "foreign key constraint %q cannot be implemented", c.Name).
				WithDetail("Key columns %q and %q are of incompatible types: %s and %s.", own.Name, other.Name,
					b.cat.FormatType(b.path(), catalog.TypeRef{OID: own.Type.OID}), b.cat.FormatType(b.path(), catalog.TypeRef{OID: other.Type.OID}))
		}
	}
	return nil
}

// width orders the numeric types as they become each other unasked: the index of a key can be searched for what becomes its type.
func width(t datum.OID) int {
	switch t {
	case datum.Int2, datum.Int4, datum.Int8:
		return 1
	case datum.Numeric:
		return 2
	case datum.Float4, datum.Float8:
		return 3
	}
	return 0
}

// referencing looks for rows whose foreign key refers to no row.
func (b *building) referencing(c *catalog.Constraint, ref *catalog.TableObject) Work {
	var own, shown, refs, some []string
	for i, a := range c.Columns {
		name, other := b.table.Attr(a).Name, ref.Attr(c.RefColumns[i]).Name
		own, refs = append(own, name), append(refs, other)
		shown = append(shown, "fk."+funcs.QuoteIdent(name)+"::text")
		some = append(some, "fk."+funcs.QuoteIdent(name)+" IS NOT NULL")
	}
	var same []string
	for i := range own {
		same = append(same, "pk."+funcs.QuoteIdent(refs[i])+" = fk."+funcs.QuoteIdent(own[i]))
	}
	join := " AND "
	if c.Full {
		join = " OR "
	}
	schema, table, name := b.schema, b.table.Name, c.Name
	return Check{Query: "SELECT " + strings.Join(shown, ", ") + " FROM " + quoted(b.schema, table) + " fk WHERE (" + strings.Join(some, join) + ") AND NOT EXISTS (SELECT 1 FROM " +
		quoted(b.schemaName(ref.Schema), ref.Name) + " pk WHERE " + strings.Join(same, " AND ") + ") LIMIT 1",
		Failed: func(row []string) error {
			return pgerr.New(pgerr.ForeignKeyViolation, "insert or update on table %q violates foreign key constraint %q", table, name).
				WithDetail("Key (%s)=(%s) is not present in table %q.", listed(own), listed(row), ref.Name).Of(pgerr.Object{Schema: schema, Table: table, Constraint: name})
		}}
}
