package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Relabel rewrites the literals of enums in a stored expression, over the columns of a relation if there is one, or in a stored query: each
// is called as it is in the catalog of now.
func Relabel(before, now *Context, rel *catalog.Relation, text string) (string, error) {
	ctx := *before
	ctx.Text = ""
	b := newBinder(&ctx, nil)
	b.defining = newMeaning()
	var root syntax.Node
	x, err := syntax.ParseExpr(text)
	if err == nil {
		root, err = x, b.bindOver(rel, x)
	} else {
		root, err = b.bindQuery(text)
	}
	if err != nil {
		return "", err
	}
	changed := false
	for lit, old := range b.defining.labels {
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
	return syntax.Format(root), nil
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

func (b *binder) bindQuery(text string) (syntax.Node, error) {
	st, err := syntax.ParseOne(text)
	if err != nil {
		return nil, err
	}
	q, ok := st.Stmt.(*syntax.Query)
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "a view is not a query")
	}
	_, err = b.query(q, &env{top: true}, false)
	return q, err
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
