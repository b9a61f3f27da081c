package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Relabel rewrites the literals of enums in a stored expression, over the columns of a relation if there is one, in a stored query, or in the body
// of function def unless that is nil: each is called as it is in the catalog of now.
func Relabel(before, now *Context, rel *catalog.Relation, def *catalog.FunctionObject, text string) (string, error) {
	format, meaning, err := readStored(before, rel, def, text)
	if err != nil || meaning == nil {
		return text, err
	}
	changed := false
	for lit, old := range meaning.labels {
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
		return text, nil
	}
	return format(), nil
}

// readStored tells what an expression, a query or a body means, and how it is stored.
func readStored(ctx *Context, rel *catalog.Relation, def *catalog.FunctionObject, text string) (format func() string, _ *Meaning, err error) {
	if def == nil {
		if x, err := syntax.ParseExpr(text); err == nil {
			own := *ctx
			own.Text = ""
			b := newBinder(&own, nil)
			b.defining = newMeaning()
			return func() string { return syntax.Format(x) }, b.defining, b.bindOver(rel, x)
		}
	}
	list, t, err := Read(ctx, text, def)
	return func() string { return FormatBody(list) }, t, err
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
