package ddl

import (
	"math"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

func (p *planner) createSequence(s *syntax.CreateSequence) error {
	schema, id, err := p.creation(s.Name, s.Persistence == syntax.Temporary, s)
	if err != nil {
		return err
	}
	if skip, err := p.exists(schema, s.Name.Last(), s.IfNotExists); skip || err != nil {
		return err
	}
	o := &catalog.SequenceObject{Type: datum.Int8, Temporary: id == p.Temporary, Unlogged: s.Persistence == syntax.Unlogged}
	o.Name, o.Schema = s.Name.Last(), id
	if err := p.ids(&o.ID); err != nil {
		return err
	}
	if _, err := p.sequenceOptions(o, s.Options, true); err != nil {
		return err
	}
	p.put(o)
	p.out.Work = append(p.out.Work, SetSequence{Sequence: o.ID, Value: o.Start})
	return nil
}

// exists refuses a name that a relation has, or says that it is there already.
func (p *planner) exists(schema, name string, ifNot bool) (skip bool, err error) {
	switch {
	case !p.taken(schema, name):
		return false, nil
	case ifNot:
		p.notice(pgerr.DuplicateTable, "relation %q already exists, skipping", name)
		return true, nil
	}
	return true, pgerr.New(pgerr.DuplicateTable, "relation %q already exists", name)
}

var sequenceRange = map[datum.OID][2]int64{
	datum.Int2: {math.MinInt16, math.MaxInt16}, datum.Int4: {math.MinInt32, math.MaxInt32}, datum.Int8: {math.MinInt64, math.MaxInt64},
}

// givenOptions are the options of a sequence by what they are about.
func (p *planner) givenOptions(list []*syntax.SequenceOption) (map[string]*syntax.SequenceOption, error) {
	given := map[string]*syntax.SequenceOption{}
	for _, x := range list {
		kind := strings.TrimPrefix(x.Kind, "no ")
		if given[kind] != nil {
			return nil, p.errorIn(x, pgerr.SyntaxError, "conflicting or redundant options")
		}
		given[kind] = x
	}
	return given, nil
}

// sequenceOptions applies options to a sequence. restart is where it is to go on, nil where it stands.
func (p *planner) sequenceOptions(o *catalog.SequenceObject, list []*syntax.SequenceOption, isNew bool) (restart *int64, err error) {
	given, err := p.givenOptions(list)
	if err != nil {
		return nil, err
	}
	before := sequenceRange[o.Type]
	if x := given["as"]; x != nil {
		t, err := bind.TypeNamed(p.bound(), x.Type)
		if err != nil {
			return nil, err
		}
		if _, ok := sequenceRange[t.OID]; !ok {
			if o.Identity {
				return nil, pgerr.New(pgerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint")
			}
			return nil, pgerr.New(pgerr.InvalidParameterValue, "sequence type must be smallint, integer, or bigint")
		}
		o.Type = t.OID
	}
	limits := sequenceRange[o.Type]
	typeChanged := !isNew && given["as"] != nil
	if isNew {
		o.Increment, o.Cache = 1, 1
	}
	if x := given["increment"]; x != nil {
		if o.Increment, err = number(x); err != nil {
			return nil, err
		}
		if o.Increment == 0 {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "INCREMENT must not be zero")
		}
	}
	if x := given["cycle"]; x != nil {
		o.Cycle = x.Kind == "cycle"
	}
	down := o.Increment < 0
	if x := given["maxvalue"]; x != nil && x.Value != "" {
		if o.Max, err = number(x); err != nil {
			return nil, err
		}
	} else if isNew || x != nil || typeChanged && o.Max == before[1] {
		if o.Max = limits[1]; down {
			o.Max = -1
		}
	}
	if x := given["minvalue"]; x != nil && x.Value != "" {
		if o.Min, err = number(x); err != nil {
			return nil, err
		}
	} else if isNew || x != nil || typeChanged && o.Min == before[0] {
		if o.Min = 1; down {
			o.Min = limits[0]
		}
	}
	if err := sequenceLimits(o, limits); err != nil {
		return nil, err
	}
	if x := given["start"]; x != nil {
		if o.Start, err = number(x); err != nil {
			return nil, err
		}
	} else if isNew {
		if o.Start = o.Min; down {
			o.Start = o.Max
		}
	}
	switch {
	case o.Start < o.Min:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "START value (%d) cannot be less than MINVALUE (%d)", o.Start, o.Min)
	case o.Start > o.Max:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "START value (%d) cannot be greater than MAXVALUE (%d)", o.Start, o.Max)
	}
	return p.sequenceRest(o, given, isNew)
}

// sequenceRest applies the options that do not depend on each other.
func (p *planner) sequenceRest(o *catalog.SequenceObject, given map[string]*syntax.SequenceOption, isNew bool) (restart *int64, err error) {
	at := o.Start // where it stands, or is to go on
	x := given["restart"]
	switch {
	case x == nil && !isNew:
		at, err = p.LastValue(o)
	case x != nil && x.Value != "":
		at, err = number(x)
	}
	switch {
	case err != nil:
		return nil, err
	case at < o.Min:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "RESTART value (%d) cannot be less than MINVALUE (%d)", at, o.Min)
	case at > o.Max:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "RESTART value (%d) cannot be greater than MAXVALUE (%d)", at, o.Max)
	case x != nil:
		restart = &at
	}
	if x := given["cache"]; x != nil {
		if o.Cache, err = number(x); err != nil {
			return nil, err
		}
		if o.Cache <= 0 {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "CACHE (%d) must be greater than zero", o.Cache)
		}
	}
	if x := given["owned by"]; x != nil {
		return restart, p.ownedBy(o, x)
	}
	return restart, nil
}

func sequenceLimits(o *catalog.SequenceObject, limits [2]int64) error {
	switch {
	case o.Max < limits[0] || o.Max > limits[1]:
		return pgerr.New(pgerr.InvalidParameterValue, "MAXVALUE (%d) is out of range for sequence data type %s", o.Max, datum.FormatType(datum.T(o.Type)))
	case o.Min < limits[0] || o.Min > limits[1]:
		return pgerr.New(pgerr.InvalidParameterValue, "MINVALUE (%d) is out of range for sequence data type %s", o.Min, datum.FormatType(datum.T(o.Type)))
	case o.Min >= o.Max:
		return pgerr.New(pgerr.InvalidParameterValue, "MINVALUE (%d) must be less than MAXVALUE (%d)", o.Min, o.Max)
	}
	return nil
}

func number(x *syntax.SequenceOption) (int64, error) {
	n, err := strconv.ParseInt(x.Value, 10, 64)
	if err != nil {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value %q is out of range for type bigint", x.Value)
	}
	return n, nil
}

// ownedBy makes a sequence that of a column.
func (p *planner) ownedBy(o *catalog.SequenceObject, x *syntax.SequenceOption) error {
	if len(x.Name) == 0 || len(x.Name) == 1 && x.Name[0] == "none" {
		o.Owner, o.Column = 0, 0
		return nil
	}
	if len(x.Name) == 1 {
		return pgerr.New(pgerr.SyntaxError, "invalid OWNED BY option").WithHint("Specify OWNED BY table.column or OWNED BY NONE.")
	}
	t, err := p.table(x.Name[:len(x.Name)-1], nil)
	if err != nil {
		return err
	}
	if t.Schema != o.Schema {
		return pgerr.New(pgerr.ObjectNotInPrerequisite, "sequence must be in same schema as table it is linked to")
	}
	o.Owner, o.Column = t.ID, t.Column(x.Name.Last())
	if o.Column == 0 {
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", x.Name.Last(), t.Name)
	}
	return nil
}

func (p *planner) alterSequence(s *syntax.CreateSequence) error {
	o, err := p.sequence(s.Name, s.IfNotExists, s)
	if o == nil || err != nil {
		return err
	}
	if o.Identity {
		for _, x := range s.Options {
			if x.Kind == "owned by" {
				return pgerr.New(pgerr.FeatureNotSupported, "cannot change ownership of identity sequence").
					WithDetail("Sequence %q is linked to table %q.", o.Name, p.cat.Object(o.Owner).Head().Name)
			}
		}
	}
	return p.changeSequence(o, s.Options)
}

func (p *planner) changeSequence(o *catalog.SequenceObject, list []*syntax.SequenceOption) error {
	restart, err := p.sequenceOptions(o, list, false)
	if err != nil {
		return err
	}
	p.put(o)
	if restart != nil {
		p.out.Work = append(p.out.Work, SetSequence{Sequence: o.ID, Value: *restart})
	}
	return nil
}

// sequence finds a sequence, to be changed; nil where there may be none and is none.
func (p *planner) sequence(n syntax.Name, missingOK bool, at syntax.Node) (*catalog.SequenceObject, error) {
	r, err := p.find(n, at)
	switch {
	case err != nil:
		return nil, err
	case r == nil && missingOK:
		p.notice(skipped, "relation %q does not exist, skipping", dotted(n))
		return nil, nil
	case r == nil:
		return nil, pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", dotted(n))
	}
	o, ok := r.Object.(*catalog.SequenceObject)
	if !ok {
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is not a sequence", r.Name)
	}
	return catalog.Clone(o)
}

// ownSequence makes the sequence of a column.
func (p *planner) ownSequence(t *catalog.TableObject, column string, attr int16, typ datum.OID, identity bool, options []*syntax.SequenceOption) (*catalog.SequenceObject, error) {
	schema := p.schemaName(t.Schema)
	o := &catalog.SequenceObject{Type: typ, Owner: t.ID, Column: attr, Identity: identity, Temporary: t.Persistence == catalog.Temporary,
		Unlogged: t.Persistence == catalog.Unlogged}
	o.Schema = t.Schema
	var rest []*syntax.SequenceOption
	for _, x := range options {
		if x.Kind != "sequence name" {
			rest = append(rest, x)
			continue
		}
		o.Name = x.Name.Last()
		if p.taken(schema, o.Name) {
			return nil, pgerr.New(pgerr.DuplicateTable, "relation %q already exists", o.Name)
		}
	}
	if o.Name == "" {
		o.Name = p.relationName(schema, t.Name, column, "seq")
	}
	if err := p.ids(&o.ID); err != nil {
		return nil, err
	}
	if _, err := p.sequenceOptions(o, rest, true); err != nil {
		return nil, err
	}
	p.put(o)
	p.out.Work = append(p.out.Work, SetSequence{Sequence: o.ID, Value: o.Start})
	return o, nil
}
