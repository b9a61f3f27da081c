package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// role refuses the name of a role that nobody has.
func (p *planner) role(r *syntax.RoleSpec) error {
	if r == nil || r.Special || slices.Contains(p.Roles, r.Name) {
		return nil
	}
	return pgerr.New(pgerr.UndefinedObject, "role %q does not exist", r.Name)
}

// dropRoles refuses to drop roles: those that are there belong to the server or the session.
func (p *planner) dropRoles(s *syntax.Drop) error {
	for _, r := range s.Roles {
		err := p.role(r)
		switch {
		case r.Special:
			return pgerr.New(pgerr.InvalidParameterValue, "cannot use special role specifier in DROP ROLE")
		case err != nil && s.IfExists:
			p.notice(skipped, "role %q does not exist, skipping", r.Name)
		case err != nil:
			return err
		default:
			return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop role %s because it is required by the database system", r.Name)
		}
	}
	return nil
}

// grant gives what everybody has: who may connect to a database may do everything in it.
func (p *planner) grant(s *syntax.Grant) error {
	for _, r := range s.ForRoles {
		if err := p.role(r); err != nil {
			return err
		}
	}
	for _, n := range s.InSchemas {
		if !p.cat.HasSchema(n.Name) {
			return pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", n.Name)
		}
	}
	for _, o := range s.Objects {
		switch {
		case s.AllInSchema || s.Kind == "SCHEMA":
			if !p.cat.HasSchema(o.Name.Last()) {
				return pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", o.Name.Last())
			}
		case s.Kind == "TABLE" || s.Kind == "SEQUENCE":
			if _, err := p.relation(o.Name, nil); err != nil {
				return err
			}
		}
	}
	for _, g := range s.Grantees {
		if g.Name == "public" {
			continue
		}
		if err := p.role(g); err != nil {
			return err
		}
	}
	if s.Revoke && s.Default && p.Notice != nil {
		p.Notice(&pgerr.Error{Code: "01006", Severity: pgerr.Warning, Message: "no default privileges could be revoked"})
	}
	if s.Revoke {
		for _, o := range s.Objects {
			if p.Notice != nil {
				p.Notice(&pgerr.Error{Code: "01006", Severity: pgerr.Warning, Message: "no privileges could be revoked for \"" + o.Name.Last() + "\""})
			}
		}
	}
	return nil
}
