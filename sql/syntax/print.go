package syntax

import (
	"strconv"
	"strings"
)

// Format prints a statement, expression or FROM item as SQL that parses to the same tree.
func Format(n Node) string {
	p := &printer{}
	switch n := n.(type) {
	case Stmt:
		p.stmt(n)
	case Expr:
		p.expr(n)
	case TableExpr:
		p.table(n)
	case *TypeName:
		p.typeName(n)
	case *Target:
		p.target(n)
	case *SortItem:
		p.sortItem(n)
	case TableElement:
		p.tableElement(n)
	}
	return p.b.String()
}

// printer writes words with single blanks between them; tight things are written by put.
type printer struct {
	b strings.Builder
	// glued says that no blank belongs before the next word.
	glued bool
}

// w writes words.
func (p *printer) w(words ...string) {
	for _, s := range words {
		if s == "" {
			continue
		}
		if p.b.Len() > 0 && !p.glued {
			p.b.WriteByte(' ')
		}
		p.b.WriteString(s)
		p.glued = false
	}
}

// put writes s directly behind what is there; what follows s is up to glue.
func (p *printer) put(s string) {
	p.b.WriteString(s)
	p.glued = false
}

// open writes s and lets nothing stand between it and what follows.
func (p *printer) open(s string) {
	p.w(s)
	p.glued = true
}

// call writes name( directly behind each other.
func (p *printer) call(name string) {
	p.w(name)
	p.put("(")
	p.glued = true
}

func (p *printer) flag(on bool, words string) {
	if on {
		p.w(words)
	}
}

func (p *printer) name(n Name) { p.w(quoteName(n)) }

func (p *printer) id(s string) { p.w(quoteIdent(s, notKeyword)) }

func (p *printer) str(s string) { p.w(quoteString(s)) }

// opt writes word and an identifier, if there is one.
func (p *printer) opt(word, id string) {
	if id != "" {
		p.w(word)
		p.id(id)
	}
}

// quoteString writes a string literal.
func quoteString(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// quoteIdent writes a name, in quotes unless it is a plain word and no keyword of a class above max.
func quoteIdent(s string, limit class) string {
	plain := s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] == '_')
	for i := 0; plain && i < len(s); i++ {
		c := s[i]
		plain = c >= 'a' && c <= 'z' || c == '_' || isDigit(c) || c == '$'
	}
	if plain && keywords[s].class <= limit {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// quoteName writes a qualified name.
func quoteName(n Name) string {
	parts := make([]string, len(n))
	for i, s := range n {
		parts[i] = quoteIdent(s, unreserved)
		if len(n) == 1 {
			parts[i] = quoteIdent(s, notKeyword)
		}
	}
	return strings.Join(parts, ".")
}

// commas writes items with commas between them.
func commas[T any](p *printer, items []T, item func(T)) {
	for i, x := range items {
		if i > 0 {
			p.put(",")
		}
		item(x)
	}
}

// paren writes (items).
func paren[T any](p *printer, items []T, item func(T)) {
	p.open("(")
	commas(p, items, item)
	p.put(")")
}

func (p *printer) ident(i Ident) { p.id(i.Name) }

// idents writes (a, b), if there are any.
func (p *printer) idents(ids []Ident) {
	if len(ids) > 0 {
		paren(p, ids, p.ident)
	}
}

// enclosed writes (e).
func (p *printer) enclosed(e Expr) {
	p.open("(")
	p.expr(e)
	p.put(")")
}

func (p *printer) alias(a *Alias) {
	if a == nil {
		return
	}
	p.w("AS")
	p.id(a.Name)
	p.idents(a.Columns)
}

// options writes (name value, …) as COPY and EXPLAIN have it.
func (p *printer) options(opts []*Option) {
	paren(p, opts, func(o *Option) {
		p.id(o.Name)
		p.optionValue(o)
	})
}

func (p *printer) optionValue(o *Option) {
	switch o.Kind {
	case OptionWord:
		p.w(optionWord(o.Text))
	case OptionString:
		p.str(o.Text)
	case OptionNumber:
		p.w(o.Text)
	case OptionStar:
		p.w("*")
	case OptionList:
		paren(p, o.List, p.optionValue)
	}
}

// optionWord leaves keywords as they are: options may be reserved words.
func optionWord(s string) string {
	if _, ok := keywords[s]; ok {
		return s
	}
	return quoteIdent(s, reserved)
}

// with writes WITH (name = value), if there are options.
func (p *printer) with(opts []*Option) {
	if len(opts) > 0 {
		p.w("WITH")
		p.relOptions(opts)
	}
}

func (p *printer) relOptions(opts []*Option) {
	paren(p, opts, func(o *Option) {
		n := quoteIdent(o.Name, notKeyword)
		if o.Namespace != "" {
			n = quoteIdent(o.Namespace, notKeyword) + "." + n
		}
		p.w(n)
		if o.Kind != OptionNone {
			p.w("=")
			p.optionValue(o)
		}
	})
}

func (p *printer) limitTo(n int) {
	if n >= 0 {
		p.put("(" + strconv.Itoa(n) + ")")
	}
}

// cascade writes CASCADE or RESTRICT.
func (p *printer) cascade(t Tristate) { p.w([...]string{"", "CASCADE", "RESTRICT"}[t]) }

// The String methods print what Format prints.

// String prints the query.
func (q *Query) String() string { return Format(q) }

// String prints the statement.
func (s Statement) String() string { return Format(s.Stmt) }

// String prints the type.
func (t *TypeName) String() string { return Format(t) }
