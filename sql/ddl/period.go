package ddl

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// periods adds PERIOD FOR name (start, end).
func (b *building) periods(list []syntax.TableElement) error {
	for _, e := range list {
		x, ok := e.(*syntax.Period)
		if !ok {
			continue
		}
		if err := b.period(x); err != nil {
			return err
		}
	}
	return nil
}

// period makes two columns the period of the table: they are not null, and the first lies before the second.
func (b *building) period(x *syntax.Period) error {
	from, to := b.table.Column(x.Start), b.table.Column(x.End)
	for _, c := range []struct {
		name string
		attr int16
	}{{x.Start, from}, {x.End, to}} {
		if c.attr == 0 {
			return b.errorIn(x, pgerr.UndefinedColumn, "column %q named in period does not exist", c.name)
		}
	}
	f, t := b.table.Attr(from), b.table.Attr(to)
	switch typ, _ := b.cat.Resolve(f.Type); {
	case x.Name == "system_time":
		return b.errorIn(x, pgerr.FeatureNotSupported, "PERIOD FOR SYSTEM_TIME is not supported").
			WithHint("Every table has its system time by itself: FOR SYSTEM_TIME asks by it, sys_from and sys_to show it.")
	case from == to:
		return b.errorIn(x, pgerr.InvalidTableDefinition, "a period begins and ends with two columns")
	case f.Type != t.Type:
		return b.errorIn(x, pgerr.DatatypeMismatch, "the columns of period %q are of different types: %s and %s", x.Name,
			b.cat.FormatType(b.path(), f.Type), b.cat.FormatType(b.path(), t.Type))
	case typ.OID != datum.Date && typ.OID != datum.Timestamp && typ.OID != datum.TimestampTZ:
		return b.errorIn(x, pgerr.DatatypeMismatch, "a period cannot have columns of type %s", b.cat.FormatType(b.path(), f.Type)).
			WithHint("They are dates or timestamps.")
	case f.Generated.Text != "" || t.Generated.Text != "":
		return b.errorIn(x, pgerr.InvalidTableDefinition, "a period cannot have generated columns")
	case slices.ContainsFunc(b.table.Periods, func(p catalog.Period) bool { return p.Name == x.Name }):
		return b.errorIn(x, pgerr.DuplicateObject, "period %q of table %q already exists", x.Name, b.table.Name)
	case len(b.table.Periods) > 0:
		return b.errorIn(x, pgerr.FeatureNotSupported, "a table can have only one period").
			WithDetail("Table %q has the period %q.", b.table.Name, b.table.Periods[0].Name)
	}
	if err := b.notNulls([]int16{from, to}); err != nil {
		return err
	}
	return b.addPeriod(catalog.Period{Name: x.Name, Start: from, End: to})
}

// addPeriod adds a period with the check that it implies.
func (b *building) addPeriod(p catalog.Period) error {
	b.table.Periods = append(b.table.Periods, p)
	c := catalog.Constraint{Kind: catalog.Check, Columns: []int16{p.Start, p.End}, Period: true}
	c.Check.Text = funcs.QuoteIdent(b.table.Attr(p.Start).Name) + " < " + funcs.QuoteIdent(b.table.Attr(p.End).Name)
	var err error
	if c.Name, err = b.constraintName("", p.Name, "check"); err != nil {
		return err
	}
	if err := b.ids(&c.ID); err != nil {
		return err
	}
	b.table.Constraints = append(b.table.Constraints, c)
	if b.old {
		b.out.Work = append(b.out.Work, checkRows(b.schema, b.table.Name, &c))
	}
	return nil
}

// dropPeriod is DROP PERIOD FOR name.
func (b *building) dropPeriod(name string) error {
	t := b.table
	if len(t.Periods) == 0 || t.Periods[0].Name != name {
		return pgerr.New(pgerr.UndefinedObject, "period %q of table %q does not exist", name, t.Name)
	}
	for i := range t.Constraints {
		if c := &t.Constraints[i]; c.Period && c.Kind != catalog.Check {
			return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop period %q of table %q because other objects depend on it", name, t.Name).
				WithDetail("constraint %s on table %s depends on period %s", c.Name, t.Name, name).
				WithHint("Drop the constraint first.")
		}
	}
	t.Constraints = slices.DeleteFunc(t.Constraints, func(c catalog.Constraint) bool { return c.Period })
	t.Periods = nil
	b.put(t)
	return nil
}

// inPeriod reports whether a column is one of the table's period.
func inPeriod(t *catalog.TableObject, attr int16) bool {
	return slices.ContainsFunc(t.Periods, func(p catalog.Period) bool { return p.Start == attr || p.End == attr })
}

// overlaps completes the columns of a key that is WITHOUT OVERLAPS.
func (b *building) withoutOverlaps(x *syntax.Constraint, attrs []int16, names []string) ([]int16, []string, error) {
	switch {
	case len(b.table.Periods) == 0 || b.table.Periods[0].Name != x.Period:
		return nil, nil, b.errorIn(x, pgerr.UndefinedObject, "period %q of table %q does not exist", x.Period, b.table.Name)
	case len(attrs) == 0:
		return nil, nil, b.errorIn(x, pgerr.SyntaxError, "constraint using WITHOUT OVERLAPS needs at least two columns")
	}
	for i, a := range attrs {
		if inPeriod(b.table, a) {
			return nil, nil, b.errorIn(x, pgerr.InvalidTableDefinition, "column %q is in the period %q of a key WITHOUT OVERLAPS", names[i], x.Period)
		}
	}
	p := b.table.Periods[0]
	return append(attrs, p.Start, p.End), append(names, b.table.Attr(p.Start).Name, b.table.Attr(p.End).Name), nil
}

// apart looks for two rows that have the same key and overlap. If there are any, two are among them between which no other row begins.
func (b *building) apart(ix *catalog.TableIndex) Work {
	var names, cols, shown, some []string
	n := len(ix.Keys) - 2
	for i, k := range ix.Keys {
		names = append(names, b.table.Attr(k.Column).Name)
		cols = append(cols, funcs.QuoteIdent(names[i]))
		shown = append(shown, cols[i]+"::text")
		if i < n && !ix.NullsNotDistinct {
			some = append(some, cols[i]+" IS NOT NULL")
		}
	}
	from, to := cols[n], cols[n+1]
	where := ""
	if len(some) > 0 {
		where = " WHERE " + strings.Join(some, " AND ")
	}
	window := " OVER (PARTITION BY " + strings.Join(cols[:n], ", ") + " ORDER BY " + from + ", " + to + ")"
	q := "SELECT " + strings.Join(shown, ", ") + ", began::text, ended::text FROM (SELECT *, lag(" + from + ")" + window + " AS began, lag(" + to + ")" + window +
		" AS ended FROM " + quoted(b.schema, b.table.Name) + where + ") AS rows WHERE ended > " + from + " LIMIT 1"
	return Check{Query: q, Failed: func(row []string) error {
		other := append(slices.Clone(row[:n]), row[n+2:]...)
		return pgerr.New(pgerr.ExclusionViolation, "could not create exclusion constraint %q", ix.Name).
			WithDetail("Key (%s)=(%s) conflicts with key (%s)=(%s).", listed(names), listed(other), listed(names), listed(row[:n+2]))
	}}
}
