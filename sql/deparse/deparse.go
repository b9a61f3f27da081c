// Package deparse prints stored queries, bodies of functions and expressions as PostgreSQL prints them: what the binder found out, with names as
// the search path of now finds them, so that what is printed can be run and means the same.
package deparse

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Style is how something is printed. Pretty leaves parentheses out that are not needed.
type Style struct{ Pretty bool }

// View prints the query of a view whose columns have these names.
func View(ctx *bind.Context, text string, columns []string, style Style) (string, error) {
	list, m, err := bind.Read(shown(ctx), text, nil)
	if err != nil {
		return "", err
	}
	p := newPrinter(ctx, m, style)
	p.On = true
	return expr.Finish(p.query(list[0].Stmt.(*syntax.Query), columns, true)) + ";", nil
}

// Body prints the body of a function that is SQL in its definition.
func Body(ctx *bind.Context, def *catalog.FunctionObject) (string, error) {
	list, m, err := bind.Read(shown(ctx), def.Body, def)
	if err != nil {
		return "", err
	}
	if m == nil {
		m = &bind.Meaning{}
	}
	p := newPrinter(ctx, m, Style{})
	if def.Form == "return" {
		sel := list[0].Stmt.(*syntax.Query).Body.(*syntax.Select)
		return "RETURN " + expr.Finish(p.expr(sel.Targets[0].Expr, true)), nil
	}
	p.On = true
	var b strings.Builder
	b.WriteString("BEGIN ATOMIC\n")
	for _, st := range list {
		p.Level = 1
		b.WriteString(expr.Finish(p.statement(st.Stmt)) + ";\n")
	}
	return b.String() + "END", nil
}

// Expression prints an expression over the columns of a relation, nil: over none.
func Expression(ctx *bind.Context, rel *catalog.Relation, x syntax.Expr, style Style) (string, error) {
	e, m, err := bind.ReadDefinition(shown(ctx), rel, x)
	if err != nil {
		return "", err
	}
	p := newPrinter(ctx, m, style)
	p.On, p.bare = true, true
	if rel != nil {
		_, p.value = rel.Object.(*catalog.DomainObject)
	}
	return expr.Finish(p.Show(e, false)), nil
}

// shown is the context in which something is bound to be shown.
func shown(ctx *bind.Context) *bind.Context {
	own := *ctx
	own.Text, own.Calls = "", true
	return &own
}

// printer prints nodes of one tree.
type printer struct {
	expr.Shower
	ctx    *bind.Context
	m      *bind.Meaning
	spaces []*space // the queries around, the innermost last
	bare   bool     // columns are called without their table
	value  bool     // the one column is the value of a domain
}

// space has the names of the items in the FROM clause of one query.
type space struct {
	names  map[syntax.Node]string
	used   map[string]bool
	called map[string]string // the names of items by what the query calls them
}

func newPrinter(ctx *bind.Context, m *bind.Meaning, style Style) *printer {
	p := &printer{ctx: ctx, m: m}
	p.Shower = expr.Shower{Spare: !style.Pretty, Env: ctx.Env, Layout: &expr.Layout{}, Special: p.special, Function: p.function}
	literals := map[expr.Expr]bool{}
	for _, to := range m.Settled {
		literals[to] = true
	}
	p.Untyped = func(c *expr.Const) bool { return literals[c] }
	return p
}

// function is the name of a function, with the schema of its extension where the search path does not find that.
func (p *printer) function(f *funcs.Func) string {
	name := funcs.QuoteIdent(f.Name)
	for _, s := range p.ctx.Catalog.Schemas() {
		if s.Name != "pg_catalog" && p.ctx.Catalog.ExtensionFunction(s.Name, f.Name) && !slices.Contains(p.ctx.SearchPath, s.Name) {
			return funcs.QuoteIdent(s.Name) + "." + name
		}
	}
	return name
}

// expr prints an expression of the tree.
func (p *printer) expr(x syntax.Expr, implicit bool) string {
	if e := p.m.Exprs[x]; e != nil {
		return p.Show(e, implicit)
	}
	return syntax.Format(x)
}

func (p *printer) exprs(list []syntax.Expr, sep string, implicit bool) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = p.expr(x, implicit)
	}
	return strings.Join(parts, sep)
}

// special prints what the tree knows more of than the bound expression.
func (p *printer) special(e expr.Expr, implicit bool) (string, bool) {
	if ref, ok := p.m.Refs[e]; ok && !p.bare {
		return p.ref(ref), true
	}
	if c := p.m.Calls[e]; c != nil {
		return p.call(c), true
	}
	if v := p.m.Words[e]; v != nil {
		return strings.ToUpper(syntax.Format(v)), true
	}
	if name := p.m.Collate[e]; name != nil {
		return p.Around(p.Tight(e.(*expr.Cast).Arg) + " COLLATE " + quotedName(name)), true
	}
	switch x := e.(type) {
	case *expr.Col:
		if p.value {
			return "VALUE", true
		}
		return funcs.QuoteIdent(x.Name), p.bare
	case *expr.Const:
		if to := p.m.Settled[e]; to != nil && x.Typ.OID == datum.Unknown {
			return p.Show(to, implicit), true
		}
	case *expr.Case:
		if operand := p.m.Simple[e]; operand != nil {
			return p.Case(x, operand), true
		}
	case *expr.Not:
		if _, ok := p.m.Forms[e].(*syntax.Between); ok {
			return p.outside(x)
		}
	case *expr.Call:
		if _, ok := p.m.Forms[e].(*syntax.Indirection); ok {
			return p.keys(x), true
		}
		return p.momentless(x, implicit)
	case *expr.Subquery:
		if q := p.m.Queries[e]; q != nil {
			return p.subquery(x, q), true
		}
	}
	return "", false
}

// outside prints NOT BETWEEN, which PostgreSQL takes for two comparisons; ok is false where it is SYMMETRIC.
func (p *printer) outside(n *expr.Not) (text string, ok bool) {
	and, ok := n.Arg.(*expr.And)
	if !ok {
		return "", false
	}
	out := &expr.Or{}
	for i, op := range [...]string{"<", ">"} {
		c, ok := and.Args[i].(*expr.Call)
		if !ok {
			return "", false
		}
		out.Args = append(out.Args, &expr.Call{Fn: &funcs.Func{Name: op}, Args: c.Args, Typ: c.Typ})
	}
	return p.Show(out, false), true
}

// keys prints subscripts of a document.
func (p *printer) keys(c *expr.Call) string {
	text := p.Show(c.Args[0], true)
	if _, ok := p.m.Refs[c.Args[0]]; !ok {
		text = "(" + text + ")"
	}
	if path, ok := c.Args[1].(*expr.Array); ok {
		for _, k := range path.Elems {
			text += "[" + p.Show(k, false) + "]"
		}
	}
	return text
}

func quotedName(n syntax.Name) string {
	parts := make([]string, len(n))
	for i, x := range n {
		parts[i] = `"` + strings.ReplaceAll(x, `"`, `""`) + `"`
		if q := funcs.QuoteIdent(x); q == x {
			parts[i] = x
		}
	}
	return strings.Join(parts, ".")
}

// momentless prints a call without the moment that an AS OF clause has given it.
func (p *printer) momentless(c *expr.Call, implicit bool) (string, bool) {
	if n := len(c.Args) - 1; n >= 0 && p.m.Added[c.Args[n]] {
		short := *c
		short.Args = c.Args[:n]
		return p.Show(&short, implicit), true
	}
	return "", false
}

// ref prints what a name means.
func (p *printer) ref(r bind.Ref) string {
	if r.From == nil {
		switch {
		case strings.HasPrefix(r.Column, "$"):
			return r.Column
		case r.Table == "" || !p.reads():
			return funcs.QuoteIdent(r.Column)
		}
		return funcs.QuoteIdent(r.Table) + "." + funcs.QuoteIdent(r.Column)
	}
	name := r.Table
	for i := len(p.spaces) - 1; i >= 0; i-- {
		if n, ok := p.spaces[i].names[r.From]; ok {
			name = n
			break
		}
	}
	if r.Column == "" {
		return funcs.QuoteIdent(name) + ".*"
	}
	return funcs.QuoteIdent(name) + "." + funcs.QuoteIdent(r.Column)
}

// reads reports whether there is an item in a FROM clause that a name could mean.
func (p *printer) reads() bool {
	for _, s := range p.spaces {
		if len(s.names) > 0 {
			return true
		}
	}
	return false
}

// call prints the call of an aggregate or window function, or GROUPING.
func (p *printer) call(c *bind.Called) string {
	if c.Call == nil {
		return "GROUPING(" + p.List(c.Args) + ")"
	}
	x := c.Call
	args := p.List(c.Args)
	switch {
	case x.Star:
		args = "*"
	case x.Distinct:
		args = "DISTINCT " + args
	}
	if len(x.OrderBy) > 0 {
		args += " ORDER BY " + p.sort(x.OrderBy)
	}
	out := funcs.QuoteIdent(x.Name.Last()) + "(" + args + ")"
	if len(x.WithinGroup) > 0 {
		out += " WITHIN GROUP (ORDER BY " + p.sort(x.WithinGroup) + ")"
	}
	if x.Filter != nil {
		out += " FILTER (WHERE " + p.expr(x.Filter, false) + ")"
	}
	switch {
	case x.Over == nil:
	case x.Over.Bare:
		out += " OVER " + funcs.QuoteIdent(x.Over.Ref)
	default:
		out += " OVER (" + p.window(x.Over) + ")"
	}
	return out
}

// subquery prints a query that stands for a value.
func (p *printer) subquery(s *expr.Subquery, q *syntax.Query) string {
	if s.Kind == expr.ArrayOf {
		return "ARRAY(" + p.query(q, nil, false) + ")"
	}
	var test string
	if s.Test != nil {
		test = p.Show(s.Test, true)
		if row, ok := s.Test.(*expr.Row); ok {
			test = "(" + p.List(row.Elems) + ")"
		}
	}
	inner := func() string { return "(" + p.query(q, nil, false) + ")" }
	op := "="
	if s.Op != nil {
		op = s.Op.Name
	}
	out := ""
	switch s.Kind {
	case expr.Exists:
		out = "(EXISTS " + inner() + ")"
	case expr.InQuery:
		out = "(" + test + " IN " + inner() + ")"
	case expr.AnyQuery:
		out = "(" + test + " " + op + " ANY " + inner() + ")"
	case expr.AllQuery:
		out = "(" + test + " " + op + " ALL " + inner() + ")"
	case expr.RowQuery:
		out = "(" + test + " " + op + " " + inner() + ")"
	default:
		return inner()
	}
	if s.Not {
		return p.Around("NOT " + out)
	}
	return out
}
