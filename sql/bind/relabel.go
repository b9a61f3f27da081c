package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Stored is what the catalog keeps as SQL: the body of function Def unless that is nil, else a query, or an expression over the columns of Rel if there
// is one.
type Stored struct {
	Text string
	Rel  *catalog.Relation
	Def  *catalog.FunctionObject
}

// reading is stored SQL that was bound.
type reading struct {
	*Meaning
	roots  []syntax.Node
	format func() string
}

// Read binds what is stored and tells what it means.
func (s Stored) Read(ctx *Context) (*Meaning, error) {
	r, err := s.read(ctx)
	if r == nil {
		return nil, err
	}
	return r.Meaning, err
}

func (s Stored) read(ctx *Context) (*reading, error) {
	if s.Def == nil {
		if x, err := syntax.ParseExpr(s.Text); err == nil {
			own := *ctx
			own.Text = ""
			b := newBinder(&own, nil)
			b.defining = newMeaning()
			err := b.bindOver(s.Rel, x)
			return &reading{b.defining, []syntax.Node{x}, func() string { return syntax.Format(x) }}, err
		}
	}
	list, t, err := Read(ctx, s.Text, s.Def)
	if t == nil || err != nil {
		return nil, err
	}
	return &reading{t, roots(list), func() string { return FormatBody(list) }}, nil
}

// Relabel rewrites the literals of enums in what is stored: each is called as it is in the catalog of now.
func (s Stored) Relabel(before, now *Context) (string, error) {
	r, err := s.read(before)
	if err != nil || r == nil {
		return s.Text, err
	}
	changed := false
	for lit, old := range r.labels {
		t, _ := now.Catalog.Resolve(catalog.TypeRef{OID: datum.Public(old), Mod: -1})
		v, err := parseValue(datum.T(old), lit.Text, nil)
		if err != nil {
			return "", err
		}
		if label := string(datum.AppendText(nil, t, v, 0, nil)); label != lit.Text && t.OID != old {
			lit.Text, changed = label, true
		}
	}
	if !changed {
		return s.Text, nil
	}
	return r.format(), nil
}

// RenameField rewrites what is stored after an attribute of a composite type, called from before, is called to.
func (s Stored) RenameField(before *Context, typ datum.OID, attr int16, from, to string) string {
	r, err := s.read(before)
	if err != nil || r == nil || !r.Names(typ, attr) { // what could not be read before is nobody's concern
		return s.Text
	}
	is := func(name *string) bool { return r.named[name] == (attribute{typ, attr}) }
	keepNames(r.roots, from, func(x syntax.Expr) bool {
		in, ok := x.(*syntax.Indirection)
		return ok && is(&in.Steps[len(in.Steps)-1].Field)
	})
	for name := range r.named {
		if is(name) {
			*name = to
		}
	}
	return r.format()
}

// bindOver binds an expression over the columns of a relation, to see what its names and literals mean.
func (b *binder) bindOver(rel *catalog.Relation, x syntax.Expr) error {
	s := &scope{}
	if rel != nil {
		it := itemOf(rel.Name, relationFields(rel))
		it.rel = rel
		s.items, s.width = []*item{it}, len(rel.Columns)
	}
	f := &frame{binder: b, env: &env{}, scope: s, what: "expression"}
	_, err := f.bind(x)
	return err
}

// label notes a literal that became a label of an enum, or an array of them.
func (t *Meaning) label(at syntax.Node, typ datum.OID) {
	if t == nil || datum.OwnOf(typ) == nil {
		return
	}
	if lit, ok := at.(*syntax.Const); ok && lit.Kind == syntax.StringConst {
		t.labels[lit] = typ
	}
}
