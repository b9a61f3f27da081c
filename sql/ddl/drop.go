package ddl

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// skipped is the code of notices about what is not there.
const skipped pgerr.Code = "00000"

// relationKinds are the relations that a kind of statement is about.
var relationKinds = map[string]catalog.Kind{
	"TABLE": catalog.Table, "VIEW": catalog.View, "MATERIALIZED VIEW": catalog.Materialized, "SEQUENCE": catalog.Sequence, "INDEX": catalog.IndexKind,
}

func dropsObjects(kind string) bool {
	if _, ok := relationKinds[kind]; ok {
		return true
	}
	switch kind {
	case "TYPE", "DOMAIN", "SCHEMA", "FUNCTION", "PROCEDURE", "ROUTINE", "EXTENSION":
		return true
	}
	return false
}

func (p *planner) drop(s *syntax.Drop) error {
	var list []thing
	for _, n := range s.Objects {
		x, err := p.thingNamed(s.Kind, n, s.IfExists)
		if err != nil {
			return err
		}
		if x != (thing{}) && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return nil
	}
	for _, x := range list {
		if err := p.mayDrop(x); err != nil {
			return err
		}
	}
	return p.dropThings(list, cascades(s.Cascade))
}

// mayDrop refuses to drop what is part of something else.
func (p *planner) mayDrop(x thing) error {
	if q, ok := p.cat.Object(x.id).(*catalog.SequenceObject); ok && q.Identity && x.part == wholeObject {
		t := catalog.TableOf(p.cat.Object(q.Owner))
		col := p.describe(thing{part: columnPart, id: t.ID, attr: q.Column})
		return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop %s because %s requires it", p.describe(x), col).WithHint("You can drop %s instead.", col)
	}
	if x.part == indexPart {
		t := catalog.TableOf(p.cat.Object(x.id))
		if ix := t.Index(x.sub); ix.Constraint != 0 {
			c := p.describe(thing{part: constraintPart, id: x.id, sub: ix.Constraint})
			return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop %s because %s requires it", p.describe(x), c).WithHint("You can drop %s instead.", c)
		}
	}
	return nil
}

// thingNamed finds what DROP names; the zero thing where there may be none and is none.
func (p *planner) thingNamed(kind string, n *syntax.ObjectName, missingOK bool) (thing, error) {
	if q := n.Name.Qualifier(); kind != "SCHEMA" && q != "" && q != "pg_temp" && !p.cat.HasSchema(q) {
		if missingOK {
			p.notice(skipped, "schema %q does not exist, skipping", q)
			return thing{}, nil
		}
		return thing{}, pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", q)
	}
	if kind == "INDEX" {
		o, ix, err := p.indexObject(n.Name, missingOK, n)
		if err != nil || o == nil {
			if o == nil && err == nil {
				p.notice(skipped, "index %q does not exist, skipping", n.Name.Last())
			}
			return thing{}, err
		}
		return thing{part: indexPart, id: o.Head().ID, sub: ix.ID}, nil
	}
	o, err := p.object(kind, n, missingOK)
	if err != nil || o == nil {
		return thing{}, err
	}
	return thing{id: o.Head().ID}, nil
}

// object finds an object by its kind and name, as a copy that may be changed; nil where there may be none and is none.
func (p *planner) object(kind string, n *syntax.ObjectName, missingOK bool) (catalog.Object, error) {
	var o catalog.Object
	var err error
	switch kind {
	case "TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE":
		o, err = p.relationObject(kind, n, missingOK)
	case "TYPE", "DOMAIN":
		o, err = p.typeObject(kind, n, missingOK)
	case "SCHEMA":
		o, err = p.schemaObject(n.Name.Last(), missingOK)
	case "FUNCTION", "PROCEDURE", "ROUTINE":
		o, err = p.functionObject(kind, n, missingOK)
	case "EXTENSION":
		o, err = p.extensionObject(n.Name.Last(), missingOK)
	default:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "%s is not supported yet", kind)
	}
	if err != nil || o == nil {
		return nil, err
	}
	return catalog.Clone(o)
}

// missing is the error for a name that nothing has, or a notice.
func (p *planner) missing(ok bool, code pgerr.Code, format string, args ...any) error {
	if ok {
		p.notice(skipped, format+", skipping", args...)
		return nil
	}
	return pgerr.New(code, format, args...)
}

func (p *planner) relationObject(kind string, n *syntax.ObjectName, missingOK bool) (catalog.Object, error) {
	r, err := p.find(n.Name, n)
	if err != nil {
		return nil, err
	}
	word := strings.ToLower(kind)
	if r == nil {
		if p.indexNamed(n.Name.Qualifier(), n.Name.Last()) != nil {
			return nil, pgerr.New(pgerr.WrongObjectType, "%q is not a %s", n.Name.Last(), word).WithHint("Use DROP INDEX to remove an index.")
		}
		return nil, p.missing(missingOK, pgerr.UndefinedTable, word+" %q does not exist", n.Name.Last())
	}
	if r.Kind != relationKinds[kind] {
		e := pgerr.New(pgerr.WrongObjectType, "%q is not a %s", r.Name, word)
		article := "a"
		if r.Kind == catalog.IndexKind {
			article = "an"
		}
		return nil, e.WithHint("Use DROP %s to remove %s %s.", strings.ToUpper(dropWord(r.Kind)), article, dropWord(r.Kind))
	}
	if r.Object == nil {
		return nil, p.notOwn(r)
	}
	return r.Object, nil
}

func dropWord(k catalog.Kind) string {
	if k == catalog.Composite {
		return "type"
	}
	return kindWord(k)
}

func (p *planner) typeObject(kind string, n *syntax.ObjectName, missingOK bool) (catalog.Object, error) {
	o := p.cat.TypeByName(p.path(), n.Name.Qualifier(), n.Name.Last())
	if o == nil {
		if i, ok := datum.ByName(n.Name.Last()); ok {
			return nil, pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop type %s because it is required by the database system", i.SQLName)
		}
		return nil, p.missing(missingOK, pgerr.UndefinedObject, "type %q does not exist", dotted(n.Name))
	}
	if _, ok := o.(*catalog.DomainObject); !ok && kind == "DOMAIN" {
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is not a domain", n.Name.Last())
	}
	if t := catalog.TableOf(o); t != nil {
		w := p.describe(thing{id: t.ID})
		return nil, pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop type %s because %s requires it", p.objectName(o), w).WithHint("You can drop %s instead.", w)
	}
	return o, nil
}

func (p *planner) schemaObject(name string, missingOK bool) (catalog.Object, error) {
	for _, o := range p.cat.Objects() {
		if s, ok := o.(*catalog.SchemaObject); ok && s.Name == name {
			return s, nil
		}
	}
	if p.cat.HasSchema(name) {
		return nil, pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop schema %s because it is required by the database system", name)
	}
	return nil, p.missing(missingOK, pgerr.InvalidSchemaName, "schema %q does not exist", name)
}

func (p *planner) functionObject(kind string, n *syntax.ObjectName, missingOK bool) (catalog.Object, error) {
	var args []datum.OID
	var shown []string
	for _, a := range n.Args {
		if a.Mode == "out" || a.Mode == "table" {
			continue
		}
		t, err := bind.TypeNamed(p.bound(), a.Type)
		if err != nil {
			return nil, err
		}
		args, shown = append(args, t.OID), append(shown, p.cat.FormatType(p.path(), t))
	}
	word := strings.ToLower(kind)
	var found []*catalog.FunctionObject
	for _, f := range p.functionsNamed(n.Name) {
		if !n.HasArgs || slices.Equal(inputTypes(f), args) {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 0 && !n.HasArgs && missingOK:
		return nil, p.missing(true, pgerr.UndefinedFunction, word+" %s() does not exist", dotted(n.Name))
	case len(found) == 0 && !n.HasArgs:
		return nil, p.missing(missingOK, pgerr.UndefinedFunction, "could not find a "+word+" named %q", dotted(n.Name))
	case len(found) == 0:
		return nil, p.missing(missingOK, pgerr.UndefinedFunction, word+" %s(%s) does not exist", dotted(n.Name), strings.Join(shown, ", "))
	case len(found) > 1:
		return nil, pgerr.New(pgerr.AmbiguousFunction, "%s name %q is not unique", word, dotted(n.Name)).
			WithHint("Specify the argument list to select the %s unambiguously.", word)
	case found[0].Procedure && kind == "FUNCTION":
		return nil, pgerr.New(pgerr.WrongObjectType, "%s(%s) is not a function", found[0].Name, p.signature(found[0], ", "))
	case !found[0].Procedure && kind == "PROCEDURE":
		return nil, pgerr.New(pgerr.WrongObjectType, "%s(%s) is not a procedure", found[0].Name, p.signature(found[0], ", "))
	}
	return found[0], nil
}

// functionsNamed lists the users' functions of a name, in the first schema that has any.
func (p *planner) functionsNamed(n syntax.Name) (out []*catalog.FunctionObject) {
	path := p.path()
	if q := n.Qualifier(); q != "" {
		path = []string{q}
	}
	for _, schema := range path {
		id := p.schemaID(schema)
		for _, o := range p.cat.Objects() {
			if f, ok := o.(*catalog.FunctionObject); ok && f.Schema == id && f.Name == n.Last() {
				out = append(out, f)
			}
		}
	}
	return out
}

func inputTypes(f *catalog.FunctionObject) (out []datum.OID) {
	for _, a := range f.Args {
		if a.Mode != "t" && a.Mode != "o" {
			out = append(out, a.Type.OID)
		}
	}
	return out
}
