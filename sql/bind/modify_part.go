package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// part is a part of a column that is set: array[i], array[a:b], composite.field, document[key] and what they lead to.
type part struct {
	column *syntax.InsertColumn
	steps  []expr.AssignStep
	typ    datum.Type // of the part
	name   string     // of what the last step goes into
	place  bool       // the last step is a subscript
}

// partOf binds where an assignment goes inside of a column.
func (f *frame) partOf(c *syntax.InsertColumn, t datum.Type) (*part, error) {
	p := &part{column: c, typ: t, name: c.Name}
	for i := 0; i < len(c.Steps); {
		n := 1
		var err error
		switch s := &c.Steps[i]; {
		case s.Star:
			err = f.errorIn(c, pgerr.FeatureNotSupported, "row expansion via \"*\" is not supported here")
		case s.Field != "":
			err = f.intoField(p, &s.Field)
		default:
			for i+n < len(c.Steps) && !c.Steps[i+n].Star && c.Steps[i+n].Field == "" {
				n++
			}
			err = f.intoPlace(p, c.Steps[i:i+n])
		}
		if err != nil {
			return nil, err
		}
		i += n
	}
	return p, nil
}

func (f *frame) intoField(p *part, named *string) error {
	name := *named
	f.defining.field(named, p.typ)
	fields := datum.RecordFields(p.typ)
	if !datum.IsComposite(p.typ.OID) {
		return f.errorIn(p.column, pgerr.DatatypeMismatch, "cannot assign to field %q of column %q because its type %s is not a composite type",
			name, p.name, formatType(datum.T(p.typ.OID)))
	}
	for i, fl := range fields {
		if fl.Name == name {
			p.steps = append(p.steps, expr.AssignStep{Of: p.typ, Field: i})
			p.typ, p.name, p.place = fl.Type, name, false
			return nil
		}
	}
	return f.errorIn(p.column, pgerr.UndefinedColumn, "cannot assign to field %q of column %q because there is no such column in data type %s",
		name, p.name, formatType(datum.T(p.typ.OID)))
}

func (f *frame) intoPlace(p *part, steps []syntax.Step) error {
	step := expr.AssignStep{Of: p.typ}
	var err error
	if whole := expr.NullConst(p.typ); p.typ.OID == datum.JSONB {
		step.Place = &expr.Subscript{Arg: whole, Typ: p.typ}
		step.Place.Index, step.Numbers, err = f.jsonKeys(steps, p.column)
	} else {
		step.Place, err = f.arrayPlace(whole, steps, p.column)
	}
	if err != nil {
		return err
	}
	p.steps, p.typ, p.place = append(p.steps, step), step.Place.Typ, true
	return nil
}

// takes refuses a value whose type does not go into the part.
func (f *frame) takes(p *part, t datum.Type) error {
	if canCoerce(t.OID, p.typ.OID, funcs.Assignment) {
		return nil
	}
	words := "subfield %q is of type %s but expression is of type %s"
	if p.place {
		words = "subscripted assignment to %q requires type %s but expression is of type %s"
	}
	return f.errorIn(p.column, pgerr.DatatypeMismatch, words, p.name, formatType(datum.T(p.typ.OID)), formatType(datum.T(t.OID))).
		WithHint("You will need to rewrite or cast the expression.")
}

// into is the whole with a value in the part; the whole may have had another of its parts set.
func (p *part) into(whole, value expr.Expr) expr.Expr {
	return &expr.Assign{Arg: whole, Steps: p.steps, Value: value, Typ: whole.Type()}
}

// setPart binds a value for a part of a column, given the column as it is.
func (f *frame) setPart(c *syntax.InsertColumn, whole, value expr.Expr, at syntax.Node) (expr.Expr, error) {
	p, err := f.partOf(c, whole.Type())
	if err != nil {
		return nil, err
	}
	if value, err = f.partValue(p, value, at); err != nil {
		return nil, err
	}
	return p.into(whole, value), nil
}

// partValue converts a value for a part.
func (f *frame) partValue(p *part, value expr.Expr, at syntax.Node) (expr.Expr, error) {
	if err := f.takes(p, value.Type()); err != nil {
		return nil, err
	}
	return f.coerce(value, p.typ, funcs.Assignment, at)
}

// noDefault is the error of DEFAULT for a part of a column.
func (f *frame) noDefault(c *syntax.InsertColumn) error {
	what := "a subfield"
	if c.Steps[0].Field == "" {
		what = "an array element"
	}
	return f.errorIn(c, pgerr.FeatureNotSupported, "cannot set %s to DEFAULT", what)
}
