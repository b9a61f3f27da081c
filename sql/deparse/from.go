package deparse

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/syntax"
)

// nameItems gives every item a name that no other of this query, or of those around it, has.
func (p *printer) nameItems(list []syntax.TableExpr) {
	for _, t := range list {
		switch t := t.(type) {
		case *syntax.TableName:
			name := t.Name.Last()
			if rel := p.m.Tables[t]; rel != nil {
				name = rel.Name
			}
			p.nameItem(t, t.Alias, name)
		case *syntax.SubqueryTable:
			p.nameItem(t, t.Alias, "unnamed_subquery")
		case *syntax.FuncTable:
			p.nameItem(t, t.Alias, functionName(t.Funcs[0].Expr))
		case *syntax.Join:
			p.nameItems([]syntax.TableExpr{t.Left, t.Right})
			if t.Alias != nil {
				p.nameItem(t, t.Alias, "")
			}
		}
	}
}

func functionName(x syntax.Expr) string {
	if c, ok := x.(*syntax.FuncCall); ok {
		return c.Name.Last()
	}
	if v, ok := x.(*syntax.SQLValue); ok {
		return v.Name
	}
	return "coalesce"
}

func (p *printer) nameItem(at syntax.Node, alias *syntax.Alias, name string) {
	if alias != nil && alias.Name != "" {
		name = alias.Name
	}
	own := p.spaces[len(p.spaces)-1]
	unique := name
	for i := 1; p.used(unique); i++ {
		unique = name + "_" + strconv.Itoa(i)
	}
	own.used[unique], own.names[at], own.called[name] = true, unique, unique
}

func (p *printer) used(name string) bool {
	for _, s := range p.spaces {
		if s.used[name] {
			return true
		}
	}
	return false
}

func (p *printer) name(at syntax.Node) string { return p.spaces[len(p.spaces)-1].names[at] }

// fromClause prints FROM.
func (p *printer) fromClause(b *strings.Builder, list []syntax.TableExpr) {
	for i, t := range list {
		if i == 0 {
			b.WriteString(p.Line(" FROM ", -8, 8, 2) + p.item(t))
			continue
		}
		b.WriteString(", " + p.Line("", -8, 8, 4) + p.item(t))
	}
}

func (p *printer) item(t syntax.TableExpr) string {
	switch t := t.(type) {
	case *syntax.TableName:
		return p.table(t)
	case *syntax.SubqueryTable:
		text := "(" + p.query(t.Query, nil, true) + ")"
		if t.Lateral {
			text = "LATERAL " + text
		}
		text += " " + funcs.QuoteIdent(p.name(t))
		if t.Alias != nil && len(t.Alias.Columns) > 0 {
			text += "(" + quotedList(p.m.Columns[t]) + ")"
		}
		return text
	case *syntax.FuncTable:
		return p.functions(t)
	case *syntax.Join:
		return p.join(t)
	}
	return syntax.Format(t)
}

func (p *printer) table(t *syntax.TableName) string {
	text := ""
	if t.Only {
		text = "ONLY "
	}
	text += strings.Join(quotedParts(p.relationName(t)), ".")
	for _, c := range t.Times {
		text += strings.TrimPrefix(syntax.Format(&syntax.TableName{Name: syntax.Name{"t"}, Times: []*syntax.TimeClause{c}}), "t")
	}
	own := t.Name.Last()
	if rel := p.m.Tables[t]; rel != nil {
		own = rel.Name
	}
	if name := p.name(t); name != own || t.Alias != nil {
		text += " " + funcs.QuoteIdent(name)
	}
	if t.Alias != nil && len(t.Alias.Columns) > 0 {
		text += "(" + quotedList(p.m.Columns[t]) + ")"
	}
	if s := t.Sample; s != nil {
		text += " TABLESAMPLE " + funcs.QuoteIdent(s.Method.Last()) + " (" + p.expr(s.Args[0], false) + ")"
		if s.Seed != nil {
			text += " REPEATABLE (" + p.expr(s.Seed, false) + ")"
		}
	}
	return text
}

func quotedParts(list []string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = funcs.QuoteIdent(x)
	}
	return out
}

// relationName is the name of a relation, with its schema where the search path finds another or none.
func (p *printer) relationName(t *syntax.TableName) []string {
	rel := p.m.Tables[t]
	if rel == nil {
		return t.Name
	}
	if p.ctx.Catalog.Lookup(p.ctx.SearchPath, "", rel.Name) == rel {
		return []string{rel.Name}
	}
	return []string{rel.Schema, rel.Name}
}

// functions prints a function in FROM, or several.
func (p *printer) functions(t *syntax.FuncTable) string {
	text := ""
	if t.Lateral || p.beside(t) {
		text = "LATERAL "
	}
	if len(t.Funcs) == 1 && !t.RowsFrom {
		text += p.tableFunction(t.Funcs[0].Expr)
	} else {
		parts := make([]string, len(t.Funcs))
		for i, f := range t.Funcs {
			parts[i] = p.tableFunction(f.Expr)
			if len(f.Columns) > 0 {
				parts[i] += " AS (" + p.definitions(f.Columns) + ")"
			}
		}
		if len(parts) == 1 {
			text += parts[0]
		} else {
			text += "ROWS FROM(" + strings.Join(parts, ", ") + ")"
		}
	}
	if t.Ordinality {
		text += " WITH ORDINALITY"
	}
	text += " " + funcs.QuoteIdent(p.name(t))
	if len(t.Columns) > 0 {
		return text + "(" + p.definitions(t.Columns) + ")"
	}
	return text + "(" + quotedList(p.m.Columns[t]) + ")"
}

// beside reports whether a function in FROM names items beside it.
func (p *printer) beside(t *syntax.FuncTable) (yes bool) {
	own := p.spaces[len(p.spaces)-1]
	syntax.Walk(t, func(n syntax.Node) bool {
		if x, ok := n.(syntax.Expr); ok {
			if ref, ok := p.m.Refs[p.m.Exprs[x]]; ok && ref.From != nil && own.names[ref.From] != "" {
				yes = true
			}
		}
		return !yes
	})
	return yes
}

func (p *printer) definitions(list []*syntax.ColumnDef) string {
	parts := make([]string, len(list))
	for i, c := range list {
		t, err := bind.TypeNamed(p.ctx, c.Type)
		name := syntax.Format(c.Type)
		if err == nil {
			name = p.ctx.Catalog.FormatType(p.ctx.SearchPath, t)
		}
		parts[i] = funcs.QuoteIdent(c.Name) + " " + name
	}
	return strings.Join(parts, ", ")
}

// tableFunction prints a call in FROM; unnest of several arrays is several calls.
func (p *printer) tableFunction(x syntax.Expr) string {
	c, ok := x.(*syntax.FuncCall)
	if ok && c.Name.Last() == "unnest" && len(c.Args) > 1 {
		args := make([]string, len(c.Args))
		for i, a := range c.Args {
			args[i] = p.expr(a.Expr, true)
		}
		return "UNNEST(" + strings.Join(args, ", ") + ")"
	}
	return p.expr(x, true)
}

func (p *printer) join(t *syntax.Join) string {
	var b strings.Builder
	parens := p.Spare || t.Alias != nil
	if parens {
		b.WriteString("(")
	}
	b.WriteString(p.item(t.Left))
	names := p.usingNames(t)
	word := [...]string{" JOIN ", " CROSS JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN "}[t.Kind]
	if t.Kind == syntax.InnerJoin && t.On == nil && names == nil {
		word = " CROSS JOIN "
	}
	b.WriteString(p.Line(word, -8, 8, 4))
	right, isJoin := t.Right.(*syntax.Join)
	if !p.Spare && isJoin && right.Alias == nil {
		b.WriteString("(" + p.item(t.Right) + ")")
	} else {
		b.WriteString(p.item(t.Right))
	}
	switch {
	case names != nil:
		b.WriteString(" USING (" + quotedList(names) + ")")
		if t.UsingAlias != "" {
			b.WriteString(" AS " + funcs.QuoteIdent(t.UsingAlias))
		}
	case t.On != nil && p.Spare:
		b.WriteString(" ON (" + p.expr(t.On, false) + ")")
	case t.On != nil:
		b.WriteString(" ON " + p.expr(t.On, false))
	case word != " CROSS JOIN ":
		b.WriteString(" ON TRUE")
	}
	if parens {
		b.WriteString(")")
	}
	if t.Alias != nil {
		b.WriteString(" " + funcs.QuoteIdent(p.name(t)))
		if len(t.Alias.Columns) > 0 {
			b.WriteString("(" + quotedList(p.m.Columns[t]) + ")")
		}
	}
	return b.String()
}

// usingNames are the columns that a join merges, nil where it has a condition or none.
func (p *printer) usingNames(t *syntax.Join) []string {
	if t.Natural {
		return p.m.Natural[t]
	}
	var out []string
	for _, n := range t.Using {
		out = append(out, n.Name)
	}
	return out
}

// asOf prints AS OF; a moment that is a literal stays as it is.
func (p *printer) asOf(x *syntax.AsOf) string {
	word := [...]string{"AS OF SYSTEM TIME ", "AS OF SYSTEM TIME ", "AS OF POSITION "}[x.Kind]
	if _, ok := x.Expr.(*syntax.Const); ok {
		return word + syntax.Format(x.Expr)
	}
	return word + p.expr(x.Expr, false)
}

func typeOf(c *expr.Const) string { return datum.FormatType(c.Typ) }
