package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// alterDomain is ALTER DOMAIN with one action.
func (p *planner) alterDomain(s *syntax.AlterTable) error {
	x, err := p.object("DOMAIN", &syntax.ObjectName{At: s.At, Name: s.Table.Name}, false)
	if err != nil {
		return err
	}
	o := x.(*catalog.DomainObject)
	a := s.Actions[0]
	switch a.Kind {
	case syntax.AlterSetDefault:
		err = p.domainDefault(o, a.Expr)
	case syntax.AlterDropDefault:
		o.Default = catalog.Expression{}
	case syntax.AlterSetNotNull:
		if !o.NotNull {
			if err = p.notInside(o); err == nil {
				err = p.domainNotNull(o)
			}
		}
		o.NotNull = true
	case syntax.AlterDropNotNull:
		o.NotNull, o.NullName = false, ""
	case syntax.AlterAddConstraint:
		if a.Constraint.Kind == syntax.ConstraintNotNull {
			err = p.addDomainNull(o, a.Constraint)
			break
		}
		nullable := -1
		if err := p.domainConstraint(o, a.Constraint, &nullable); err != nil {
			return err
		}
		if k := &o.Checks[len(o.Checks)-1]; !k.NotValid {
			if err = p.notInside(o); err == nil {
				err = p.domainRows(o, k)
			}
		}
	default:
		err = p.alterDomainConstraint(o, a)
	}
	if err != nil {
		return err
	}
	p.put(o)
	return nil
}

// addDomainNull is ADD NOT NULL, which does nothing where a domain is that already.
func (p *planner) addDomainNull(o *catalog.DomainObject, c *syntax.Constraint) error {
	if o.NotNull {
		return nil
	}
	if err := p.notInside(o); err != nil {
		return err
	}
	if o.NotNull = true; c.Name != "" {
		if err := p.nameDomainNull(o, c.Name); err != nil {
			return err
		}
	}
	return p.domainNotNull(o)
}

// nameDomainNull gives the NOT NULL of a domain a name.
func (p *planner) nameDomainNull(o *catalog.DomainObject, name string) error {
	if slices.ContainsFunc(o.Checks, func(k catalog.DomainCheck) bool { return k.Name == name }) {
		return pgerr.New(pgerr.DuplicateObject, "constraint %q for domain %q already exists", name, o.Name)
	}
	o.NullName = name
	return nil
}

// alterDomainConstraint drops or validates a condition.
func (p *planner) alterDomainConstraint(o *catalog.DomainObject, a *syntax.AlterAction) error {
	if o.NotNull && a.Name == o.NotNullName() {
		if a.Kind == syntax.AlterDropConstraint {
			o.NotNull, o.NullName = false, ""
			return nil
		}
		return pgerr.New(pgerr.WrongObjectType, "constraint %q of domain %q is not a check constraint", a.Name, o.Name)
	}
	at := slices.IndexFunc(o.Checks, func(k catalog.DomainCheck) bool { return k.Name == a.Name })
	if at < 0 {
		return p.missing(a.IfExists, pgerr.UndefinedObject, "constraint %q of domain %q does not exist", a.Name, o.Name)
	}
	if a.Kind == syntax.AlterDropConstraint {
		o.Checks = slices.Delete(o.Checks, at, at+1)
		return nil
	}
	k := &o.Checks[at]
	if !k.NotValid {
		return nil
	}
	k.NotValid = false
	if err := p.notInside(o); err != nil {
		return err
	}
	return p.domainRows(o, k)
}

// domainRows asks for rows whose values in columns of the domain break a condition.
func (p *planner) domainRows(o *catalog.DomainObject, k *catalog.DomainCheck) error {
	return p.ofColumns(o, func(schema, table, column string) error {
		x, err := parsed(k.Check)
		if err != nil {
			return err
		}
		syntax.Walk(x, func(n syntax.Node) bool {
			if ref, ok := n.(*syntax.ColumnRef); ok && len(ref.Name) == 1 && ref.Name[0] == "value" {
				ref.Name = syntax.Name{column}
			}
			return true
		})
		p.out.Work = append(p.out.Work, Check{Query: "SELECT 1 FROM " + quoted(schema, table) + " WHERE NOT (" + syntax.Format(x) + ") LIMIT 1",
			Failed: func([]string) error {
				return pgerr.New(pgerr.CheckViolation, "column %q of table %q contains values that violate the new constraint", column, table)
			}})
		return nil
	})
}

// domainNotNull asks for rows in which columns of the domain are null.
func (p *planner) domainNotNull(o *catalog.DomainObject) error {
	return p.ofColumns(o, func(schema, table, column string) error {
		p.out.Work = append(p.out.Work, Check{Query: "SELECT 1 FROM " + quoted(schema, table) + " WHERE " + funcs.QuoteIdent(column) + " IS NOT DISTINCT FROM NULL LIMIT 1",
			Failed: func([]string) error {
				return pgerr.New(pgerr.NotNullViolation, "column %q of table %q contains null values", column, table)
			}})
		return nil
	})
}

// ofColumns calls f for the columns of tables that are of a domain, or of one made of it.
func (p *planner) ofColumns(o *catalog.DomainObject, f func(schema, table, column string) error) error {
	for _, r := range p.cat.Relations() {
		if r.Table == nil || r.Kind != catalog.Table {
			continue
		}
		for i := range r.Columns {
			if p.under(r.Columns[i].Domain, o.ID) {
				if err := f(r.Schema, r.Name, r.Columns[i].Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// under reports whether a domain is one, or made of it.
func (p *planner) under(d *catalog.DomainObject, id datum.OID) bool {
	for d != nil {
		if d.ID == id {
			return true
		}
		_, d = p.cat.Resolve(d.Base)
	}
	return false
}
