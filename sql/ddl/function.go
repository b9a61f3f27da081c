package ddl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

var paramModes = map[string]string{"": "i", "in": "i", "out": "o", "inout": "b", "variadic": "v", "table": "t"}

func (p *planner) createFunction(s *syntax.CreateFunction) error {
	schema, id, err := p.creation(s.Name, false, s)
	if err != nil {
		return err
	}
	f := &catalog.FunctionObject{Procedure: s.Procedure, Volatility: "v", Cost: 100}
	f.Name, f.Schema = s.Name.Last(), id
	if err := p.parameters(f, s); err != nil {
		return err
	}
	if err := p.functionOptions(f, s); err != nil {
		return err
	}
	for _, old := range p.functionsNamed(syntax.Name{schema, f.Name}) {
		if !slices.Equal(inputTypes(old), inputTypes(f)) {
			continue
		}
		if !s.Replace {
			return pgerr.New(pgerr.DuplicateFunction, "function %q already exists with same argument types", f.Name)
		}
		if old.Procedure != f.Procedure {
			return pgerr.New(pgerr.WrongObjectType, "cannot change routine kind").WithDetail("%q is a %s.", f.Name, p.objectWord(old))
		}
		if old.Returns != f.Returns || old.Set != f.Set {
			return pgerr.New("42P13", "cannot change return type of existing function").WithHint("Use DROP FUNCTION %s first.", p.objectName(old))
		}
		f.ID, f.Comment = old.ID, old.Comment
	}
	if f.ID == 0 {
		if err := p.ids(&f.ID); err != nil {
			return err
		}
	}
	p.put(f) // it may call itself
	return p.checkBody(f)
}

// parameters reads the parameters and what the function returns.
func (p *planner) parameters(f *catalog.FunctionObject, s *syntax.CreateFunction) error {
	var out []catalog.FunctionParam
	defaults := false
	for _, a := range s.Args {
		t, err := bind.TypeNamed(p.bound(), a.Type)
		if err != nil {
			return err
		}
		x := catalog.FunctionParam{Name: a.Name, Mode: paramModes[a.Mode], Type: t}
		if last := len(f.Args) - 1; last >= 0 && f.Args[last].Mode == "v" && x.Input() {
			return p.errorIn(a, "42P13", "VARIADIC parameter must be the last input parameter")
		}
		if x.Mode == "v" && datum.ElemOf(t.OID) == 0 && t.OID != datum.AnyArray {
			return p.errorIn(a, "42P13", "VARIADIC parameter must be an array")
		}
		if a.Default != nil {
			typ, _ := p.cat.Resolve(t)
			stored, e, err := p.expression(a.Default, nil, bind.Place{What: "DEFAULT expression", To: &typ, Column: a.Name})
			if err == nil {
				x.Default, err = p.readLiteral(a.Default, e, stored)
			}
			if err != nil {
				return err
			}
			defaults = true
		} else if defaults && x.Input() {
			return p.errorIn(a, "42P13", "input parameters after one with a default value must also have defaults")
		}
		if x.Name != "" && slices.ContainsFunc(f.Args, func(y catalog.FunctionParam) bool { return y.Name == x.Name && (y.Mode == "t") == (x.Mode == "t") }) {
			return p.errorIn(a, "42P13", "parameter name %q used more than once", x.Name)
		}
		f.Args = append(f.Args, x)
		if x.Mode == "o" || x.Mode == "b" || x.Mode == "t" {
			out = append(out, x)
		}
		f.Set = f.Set || x.Mode == "t"
	}
	return p.returns(f, s, out)
}

func (p *planner) returns(f *catalog.FunctionObject, s *syntax.CreateFunction, out []catalog.FunctionParam) error {
	f.Returns = catalog.TypeRef{OID: datum.Void, Mod: -1}
	switch {
	case f.Procedure && len(out) > 0:
		f.Returns = catalog.TypeRef{OID: datum.Record, Mod: -1}
	case len(out) == 1 && !f.Set:
		f.Returns = out[0].Type
	case len(out) == 1:
		f.Returns = out[0].Type
	case len(out) > 1:
		f.Returns = catalog.TypeRef{OID: datum.Record, Mod: -1}
	}
	if s.Returns == nil {
		if len(out) == 0 && !s.Procedure {
			return p.errorIn(s, "42P13", "function result type must be specified")
		}
		return nil
	}
	own := *s.Returns
	own.SetOf = false
	t, err := bind.TypeNamed(p.bound(), &own)
	if err != nil {
		return err
	}
	if len(out) > 0 && t.OID != f.Returns.OID {
		return p.errorIn(s, "42P13", "function result type must be %s because of OUT parameters", p.cat.FormatType(p.path(), f.Returns))
	}
	f.Returns, f.Set = t, f.Set || s.Returns.SetOf
	return nil
}

func (p *planner) functionOptions(f *catalog.FunctionObject, s *syntax.CreateFunction) error {
	body := false
	for _, o := range s.Options {
		switch o.Name {
		case "language":
			f.Language = strings.ToLower(o.Values[0])
		case "as":
			f.Body, body = o.Values[0], true
		default:
			if err := p.functionOption(f, o); err != nil {
				return err
			}
		}
	}
	if s.Return != nil {
		f.Body, f.Form, body = "SELECT "+syntax.Format(s.Return), "return", true
	}
	if s.Atomic {
		var parts []string
		for _, st := range s.Body {
			parts = append(parts, syntax.Format(st))
		}
		f.Body, f.Form, body = strings.Join(parts, ";\n"), "atomic", true
	}
	switch {
	case !body:
		return pgerr.New("42P13", "no function body specified")
	case f.Language == "" && (s.Return != nil || s.Atomic):
		f.Language = "sql"
	case f.Language == "":
		return pgerr.New("42P13", "no language specified")
	case f.Language != "sql":
		return pgerr.New(pgerr.FeatureNotSupported, "functions in language %q are not supported", f.Language).WithHint("Functions are written in SQL here.")
	}
	if f.Set && f.Rows == 0 {
		f.Rows = 1000
	}
	return nil
}

// functionOption applies an option that may be altered.
func (p *planner) functionOption(f *catalog.FunctionObject, o *syntax.FuncOption) error {
	switch o.Name {
	case "set":
		name, value, err := p.Setting(o.Set)
		if err == nil {
			f.Configure(name, value)
		}
		return err
	case "window", "transform", "support":
		return p.errorIn(o, pgerr.FeatureNotSupported, "%s is not supported for functions", strings.ToUpper(o.Name))
	case "security definer", "security invoker":
		f.Definer = o.Name == "security definer"
		return nil
	}
	if f.Procedure {
		return p.errorIn(o, "42P13", "invalid attribute in procedure definition")
	}
	switch o.Name {
	case "immutable", "stable", "volatile":
		f.Volatility = o.Name[:1]
	case "strict", "called on null input":
		f.Strict = o.Name == "strict"
	case "cost", "rows":
		n, err := strconv.ParseFloat(o.Values[0], 64)
		if err != nil || n <= 0 {
			return pgerr.New(pgerr.InvalidParameterValue, "%s must be positive", strings.ToUpper(o.Name))
		}
		switch {
		case o.Name == "cost":
			f.Cost = n
		case !f.Set:
			return pgerr.New(pgerr.InvalidParameterValue, "ROWS is not applicable when function does not return a set")
		default:
			f.Rows = n
		}
	}
	return nil
}

func (p *planner) alterFunction(s *syntax.AlterFunction) error {
	o, err := p.object(s.Kind, s.Object, false)
	if err != nil {
		return err
	}
	f := o.(*catalog.FunctionObject)
	for _, option := range s.Options {
		if err := p.functionOption(f, option); err != nil {
			return err
		}
	}
	p.put(f)
	return nil
}

// checkBody refuses a body that could not be run, unless check_function_bodies is off.
func (p *planner) checkBody(f *catalog.FunctionObject) error {
	if _, err := syntax.Parse(f.Body); err != nil {
		e := *pgerr.From(err)
		e.Position = 0
		return &e
	}
	if !p.Bodies && f.Form == "" {
		return nil
	}
	if f.Form == "" {
		return p.Under(f.Config, func(ctx *bind.Context) error {
			c := *ctx
			c.Catalog = p.cat
			_, err := bind.CheckFunction(&c, f)
			return err
		})
	}
	f.Path = slices.Clone(p.Bind.SearchPath)
	d, err := bind.CheckFunction(p.bound(), f)
	if err != nil || d.Body == nil {
		return err
	}
	s := &spelling{p: p, query: true}
	for i := range d.Body {
		syntax.Walk(d.Body[i].Stmt, s.visit)
	}
	f.Body, f.Reads, f.Uses = bind.FormatBody(d.Body), d.Reads, slices.DeleteFunc(s.uses, func(id datum.OID) bool { return id == f.ID })
	p.put(f)
	return s.err
}
