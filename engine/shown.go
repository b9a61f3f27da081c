package engine

import (
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/deparse"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/syntax"
)

// What the catalog keeps in SQL, written as PostgreSQL writes it.

// Shown writes an expression of a user's relation, or the query of a view.
func (v serverView) Shown(r *catalog.Relation, text string) (string, error) {
	return v.s.shown(r, text, true)
}

// ShownCheck writes a condition of a domain.
func (v serverView) ShownCheck(d *catalog.DomainObject, k *catalog.DomainCheck) string {
	return v.s.domainCheckText(d, k, true)
}

// ShownIndex is CREATE INDEX of an index.
func (v serverView) ShownIndex(r *catalog.Relation, ix *catalog.TableIndex) (string, error) {
	return v.s.indexText(r, ix, true)
}

// shown writes SQL of the catalog; spare asks for parentheses around every operator.
func (s *Session) shown(r *catalog.Relation, text string, spare bool) (string, error) {
	x, err := syntax.ParseExpr(text)
	if err != nil {
		return s.viewText(r, text, spare), nil
	}
	out, err := deparse.Expression(s.showContext(), r, x, deparse.Style{Pretty: !spare})
	if err != nil {
		return text, nil // it is what was written
	}
	return out, nil
}

// showContext is what stored SQL is bound in to be shown.
func (s *Session) showContext() *bind.Context {
	ctx := *s.momentContext("")
	ctx.Catalog, ctx.Text = s.catalog(), ""
	return &ctx
}

// indexText is pg_get_indexdef. In whole the table has its schema.
func (s *Session) indexText(r *catalog.Relation, ix *catalog.TableIndex, whole bool) (string, error) {
	var b strings.Builder
	b.WriteString("CREATE ")
	if ix.Unique {
		b.WriteString("UNIQUE ")
	}
	b.WriteString("INDEX " + funcs.QuoteIdent(ix.Name) + " ON " + s.tableText(r, whole) + " USING " + ix.AccessMethod() + " (")
	for i := range ix.Keys {
		if i > 0 {
			b.WriteString(", ")
		}
		text, err := s.indexKeyText(r, &ix.Keys[i], true, whole)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	b.WriteString(")")
	if len(ix.Include) > 0 {
		b.WriteString(" INCLUDE (" + attrNames(r.Table, ix.Include) + ")")
	}
	if ix.NullsNotDistinct {
		b.WriteString(" NULLS NOT DISTINCT")
	}
	if ix.Where.Text != "" {
		text, err := s.shown(r, ix.Where.Text, whole)
		if err != nil {
			return "", err
		}
		b.WriteString(" WHERE " + text)
	}
	return b.String(), nil
}

// indexKeyText is one column or expression of an index.
func (s *Session) indexKeyText(r *catalog.Relation, k *catalog.IndexKey, order, spare bool) (string, error) {
	text := ""
	if k.Column > 0 {
		text = funcs.QuoteIdent(r.Table.Attr(k.Column).Name)
	} else {
		var err error
		if text, err = s.shown(r, k.Expr.Text, spare); err != nil {
			return "", err
		}
		if x, err := syntax.ParseExpr(k.Expr.Text); err == nil {
			switch x.(type) {
			case *syntax.FuncCall, *syntax.Special: // they look like calls
			default:
				text = "(" + text + ")"
			}
		}
	}
	if order && k.OpClass != "" {
		text += " " + k.OpClass
	}
	switch {
	case !order:
	case k.Desc && !k.NullsFirst:
		text += " DESC NULLS LAST"
	case k.Desc:
		text += " DESC"
	case k.NullsFirst:
		text += " NULLS FIRST"
	}
	return text, nil
}

func attrNames(t *catalog.TableObject, attrs []int16) string {
	names := make([]string, len(attrs))
	for i, a := range attrs {
		names[i] = funcs.QuoteIdent(t.Attr(a).Name)
	}
	return strings.Join(names, ", ")
}

// tableText is a relation's name, with its schema where that is asked for or the search path does not have it.
func (s *Session) tableText(r *catalog.Relation, whole bool) string {
	name := funcs.QuoteIdent(r.Name)
	if whole || s.catalog().Lookup(s.searchPath(), "", r.Name) != r {
		name = funcs.QuoteIdent(r.Schema) + "." + name
	}
	return name
}

var actionWords = map[string]string{"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

// constraintText is pg_get_constraintdef.
func (s *Session) constraintText(r *catalog.Relation, k *catalog.Constraint, spare bool) (string, error) {
	text := ""
	switch k.Kind {
	case catalog.PrimaryKey, catalog.Unique:
		if text = "UNIQUE"; k.Kind == catalog.PrimaryKey {
			text = "PRIMARY KEY"
		}
		ix := r.Table.Index(k.Index)
		if ix != nil && ix.NullsNotDistinct {
			text += " NULLS NOT DISTINCT"
		}
		if text += " ("; k.Period {
			text += attrNames(r.Table, k.Columns[:len(k.Columns)-2]) + ", " + funcs.QuoteIdent(r.Table.Periods[0].Name) + " WITHOUT OVERLAPS)"
		} else {
			text += attrNames(r.Table, k.Columns) + ")"
		}
		if ix != nil && len(ix.Include) > 0 {
			text += " INCLUDE (" + attrNames(r.Table, ix.Include) + ")"
		}
	case catalog.Check:
		e, err := s.shown(r, k.Check.Text, spare)
		if err != nil {
			return "", err
		}
		text = "CHECK (" + e + ")"
		if k.NoInherit {
			text += " NO INHERIT"
		}
	case catalog.ForeignKey:
		text = s.foreignText(r, k)
	case catalog.NotNull:
		if text = "NOT NULL " + attrNames(r.Table, k.Columns); k.NoInherit {
			text += " NO INHERIT"
		}
	}
	if k.Deferrable {
		text += " DEFERRABLE"
	}
	if k.Deferred {
		text += " INITIALLY DEFERRED"
	}
	switch {
	case k.NotEnforced:
		text += " NOT ENFORCED"
	case k.NotValid:
		text += " NOT VALID"
	}
	return text, nil
}

func (s *Session) foreignText(r *catalog.Relation, k *catalog.Constraint) string {
	ref := s.catalog().ByOID(k.RefTable)
	if ref == nil || ref.Table == nil {
		return ""
	}
	text := "FOREIGN KEY (" + attrNames(r.Table, k.Columns) + ") REFERENCES " + s.tableText(ref, false) + "(" + attrNames(ref.Table, k.RefColumns) + ")"
	if k.Full {
		text += " MATCH FULL"
	}
	if w := actionWords[k.OnUpdate]; w != "" {
		text += " ON UPDATE " + w
	}
	if w := actionWords[k.OnDelete]; w != "" {
		text += " ON DELETE " + w
	}
	if len(k.SetColumns) > 0 {
		text += " (" + attrNames(r.Table, k.SetColumns) + ")"
	}
	return text
}

// domainCheckText is a condition of a domain.
func (s *Session) domainCheckText(d *catalog.DomainObject, k *catalog.DomainCheck, spare bool) string {
	typ, _ := s.catalog().Resolve(d.Base)
	value := &catalog.Relation{Name: "value", Object: d, Columns: []catalog.Column{{Name: "value", Type: typ}}}
	x, err := syntax.ParseExpr(k.Check.Text)
	if err != nil {
		return k.Check.Text
	}
	text, err := deparse.Expression(s.showContext(), value, x, deparse.Style{Pretty: !spare})
	if err != nil {
		return k.Check.Text
	}
	return text
}

// viewText is the query of a view.
func (s *Session) viewText(r *catalog.Relation, text string, spare bool) string {
	var columns []string
	for _, c := range r.Columns {
		columns = append(columns, c.Name)
	}
	out, err := deparse.View(s.showContext(), text, columns, deparse.Style{Pretty: !spare})
	if err != nil {
		return " " + text + ";" // it is what was written
	}
	return out
}
