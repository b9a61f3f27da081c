package ddl

import (
	"math"
	"slices"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// newType begins a type.
func (p *planner) newType(h *catalog.Header, n syntax.Name, at syntax.Node) error {
	schema, id, err := p.creation(n, false, at)
	if err != nil {
		return err
	}
	if p.cat.TypeByName(nil, schema, n.Last()) != nil {
		return pgerr.New(pgerr.DuplicateObject, "type %q already exists", n.Last())
	}
	h.Name, h.Schema = n.Last(), id
	return nil
}

func (p *planner) createType(s *syntax.CreateType) error {
	switch s.Kind {
	case syntax.EnumType:
		return p.createEnum(s)
	case syntax.CompositeType:
		return p.createComposite(s)
	}
	return p.errorIn(s, pgerr.FeatureNotSupported, "types that are only a name are not supported").WithHint("CREATE TYPE … AS ENUM or AS (…) makes a type.")
}

// labelGap is the distance of the numbers of two labels: what is added between them gets a number between theirs.
const labelGap = 1 << 32

func (p *planner) createEnum(s *syntax.CreateType) error {
	o := &catalog.EnumObject{}
	if err := p.newType(&o.Header, s.Name, s); err != nil {
		return err
	}
	if err := p.ids(&o.ID, &o.Array); err != nil {
		return err
	}
	for i, l := range s.Labels {
		if err := checkLabel(l); err != nil {
			return err
		}
		if o.Label(l) != nil {
			return pgerr.New(pgerr.UniqueViolation, "duplicate key value violates unique constraint %q", "pg_enum_typid_label_index").
				WithDetail("Key (enumtypid, enumlabel)=(%d, %s) already exists.", o.ID, l)
		}
		n := catalog.EnumLabel{Number: int64(i+1) * labelGap, Label: l, Sort: float64(i + 1)}
		if err := p.ids(&n.ID); err != nil {
			return err
		}
		o.Labels = append(o.Labels, n)
	}
	p.put(o)
	return nil
}

func checkLabel(l string) error {
	if len(l) > maxName {
		return pgerr.New(pgerr.InvalidName, "invalid enum label %q", l).WithDetail("Labels must be %d bytes or less.", maxName)
	}
	return nil
}

func (p *planner) alterEnum(s *syntax.AlterEnum) error {
	o, err := p.enum(s.Name)
	if err != nil {
		return err
	}
	if err := checkLabel(s.Value); err != nil {
		return err
	}
	if o.Label(s.Value) != nil {
		return p.already(s.IfNotExists, "enum label %q already exists", s.Value)
	}
	at := len(o.Labels)
	if s.Neighbour != nil {
		at = slices.IndexFunc(o.Labels, func(l catalog.EnumLabel) bool { return l.Label == *s.Neighbour })
		if at < 0 {
			return pgerr.New(pgerr.InvalidParameterValue, "%q is not an existing enum label", *s.Neighbour)
		}
		if !s.Before {
			at++
		}
	}
	n := catalog.EnumLabel{Label: s.Value, Sort: sortBetween(o.Labels, at)}
	if n.Number, err = between(o.Labels, at); err != nil {
		return err
	}
	if err := p.ids(&n.ID); err != nil {
		return err
	}
	o.Labels = slices.Insert(o.Labels, at, n)
	p.put(o)
	return nil
}

// sortBetween is where pg_enum says that a label at a place stands.
func sortBetween(list []catalog.EnumLabel, at int) float64 {
	switch {
	case len(list) == 0:
		return 1
	case at == len(list):
		return list[at-1].Sort + 1
	case at == 0:
		return list[0].Sort - 1
	}
	return (list[at-1].Sort + list[at].Sort) / 2
}

// between is a number for a label at a place.
func between(list []catalog.EnumLabel, at int) (int64, error) {
	low, high := int64(math.MinInt64/2), int64(math.MaxInt64/2)
	switch {
	case len(list) == 0:
		return labelGap, nil
	case at == len(list):
		return list[at-1].Number + labelGap, nil
	case at == 0:
		return list[0].Number - labelGap, nil
	default:
		low, high = list[at-1].Number, list[at].Number
	}
	if high-low < 2 {
		return 0, pgerr.New(pgerr.ProgramLimitExceeded, "there is no room for another enum label at this place")
	}
	return low + (high-low)/2, nil
}

// already is the error for something that is there already, or a notice.
func (p *planner) already(ok bool, format string, args ...any) error {
	if ok {
		p.notice(pgerr.DuplicateObject, format+", skipping", args...)
		return nil
	}
	return pgerr.New(pgerr.DuplicateObject, format, args...)
}

func (p *planner) enum(n syntax.Name) (*catalog.EnumObject, error) {
	o := p.cat.TypeByName(p.path(), n.Qualifier(), n.Last())
	if o == nil {
		return nil, pgerr.New(pgerr.UndefinedObject, "type %q does not exist", dotted(n))
	}
	e, ok := o.(*catalog.EnumObject)
	if !ok {
		return nil, pgerr.New(pgerr.WrongObjectType, "%s is not an enum", dotted(n))
	}
	return catalog.Clone(e)
}

func (p *planner) createComposite(s *syntax.CreateType) error {
	o := &catalog.CompositeObject{}
	if err := p.newType(&o.Header, s.Name, s); err != nil {
		return err
	}
	if schema := p.schemaName(o.Schema); p.taken(schema, o.Name) {
		return pgerr.New(pgerr.DuplicateTable, "relation %q already exists", o.Name)
	}
	if err := p.ids(&o.ID, &o.Array, &o.Relation); err != nil {
		return err
	}
	for _, d := range s.Fields {
		t, serial, err := p.columnType(d)
		if err != nil {
			return err
		}
		if serial {
			return p.errorIn(d.Type, pgerr.UndefinedObject, "type %q does not exist", dotted(d.Type.Name))
		}
		if slices.ContainsFunc(o.Fields, func(f catalog.CompositeField) bool { return f.Name == d.Name }) {
			return pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", d.Name)
		}
		o.Fields = append(o.Fields, catalog.CompositeField{Name: d.Name, Type: t})
	}
	p.put(o)
	return nil
}

func (p *planner) createDomain(s *syntax.CreateDomain) error {
	o := &catalog.DomainObject{}
	if err := p.newType(&o.Header, s.Name, s); err != nil {
		return err
	}
	var err error
	if o.Base, err = bind.TypeNamed(p.bound(), s.Type); err != nil {
		return err
	}
	base, _ := p.cat.Resolve(o.Base)
	if i := datum.Lookup(base.OID); i != nil && i.Typtype == 'p' {
		return p.errorIn(s.Type, pgerr.DatatypeMismatch, "%q is not a valid base type for a domain", dotted(s.Type.Name))
	}
	if err := p.collation(s.Collation, base, s); err != nil {
		return err
	}
	if err := p.ids(&o.ID, &o.Array); err != nil {
		return err
	}
	nullable := -1
	for _, c := range s.Constraints {
		if err := p.domainConstraint(o, c, &nullable); err != nil {
			return err
		}
	}
	p.put(o)
	return nil
}

func (p *planner) domainConstraint(o *catalog.DomainObject, c *syntax.Constraint, nullable *int) error {
	switch c.Kind {
	case syntax.ConstraintNull, syntax.ConstraintNotNull:
		n := 0
		if c.Kind == syntax.ConstraintNull {
			n = 1
		}
		if *nullable >= 0 && *nullable != n {
			return pgerr.New(pgerr.SyntaxError, "conflicting NULL/NOT NULL constraints")
		}
		*nullable, o.NotNull = n, n == 0
		if o.NotNull && c.Name != "" {
			return p.nameDomainNull(o, c.Name)
		}
	case syntax.ConstraintDefault:
		if o.Default.Text != "" {
			return pgerr.New(pgerr.SyntaxError, "multiple default expressions")
		}
		return p.domainDefault(o, c.Expr)
	case syntax.ConstraintCheck:
		return p.domainCheck(o, c)
	case syntax.ConstraintUnique:
		return p.errorIn(c, pgerr.SyntaxError, "unique constraints not possible for domains")
	case syntax.ConstraintPrimaryKey:
		return p.errorIn(c, pgerr.SyntaxError, "primary key constraints not possible for domains")
	case syntax.ConstraintForeignKey:
		return p.errorIn(c, pgerr.SyntaxError, "foreign key constraints not possible for domains")
	default:
		return p.errorIn(c, pgerr.FeatureNotSupported, "specifying this constraint is not supported for domains")
	}
	return nil
}

func (p *planner) domainDefault(o *catalog.DomainObject, x syntax.Expr) error {
	base, _ := p.cat.Resolve(o.Base)
	stored, e, err := p.expression(x, nil, bind.Place{What: "DEFAULT expression", To: &base, Column: o.Name})
	if err == nil {
		o.Default, err = p.readLiteral(x, e, stored)
	}
	if o.Default.Text != stored.Text && o.Default.Uses == nil {
		o.Default.Text = expr.Show(e, false, &datum.Env{ExtraFloatDigits: 1}) // pg_type has it as it is
	}
	return err
}

// domainCheck adds a condition to a domain.
func (p *planner) domainCheck(o *catalog.DomainObject, c *syntax.Constraint) error {
	e, _, err := p.expression(c.Expr, valueOf(p.cat, o), bind.Place{What: "domain check constraint", Columns: true, Boolean: "CHECK"})
	if err != nil {
		return err
	}
	k := catalog.DomainCheck{Name: c.Name, Check: e, NotValid: c.NotValid}
	has := func(n string) bool {
		return slices.ContainsFunc(o.Checks, func(x catalog.DomainCheck) bool { return x.Name == n })
	}
	if k.Name == "" {
		k.Name = unusedName(o.Name, "", "check", has)
	} else if has(k.Name) {
		return pgerr.New(pgerr.DuplicateObject, "constraint %q for domain %q already exists", k.Name, o.Name)
	}
	if err := p.ids(&k.ID); err != nil {
		return err
	}
	o.Checks = append(o.Checks, k)
	return nil
}
