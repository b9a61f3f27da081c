package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

var specials = map[string]SpecialKind{"coalesce": Coalesce, "greatest": Greatest, "least": Least, "grouping": Grouping}

// special reads the functions that are syntax; nil if the word at hand is none of them.
func (p *parser) special() Expr {
	at, word := p.at(), p.tok.text
	switch word {
	case "exists":
		p.advance()
		s := p.tok
		_, q := p.paren()
		if q == nil {
			p.unexpectedAt(s)
		}
		return &Exists{at, q}
	case "coalesce", "greatest", "least", "grouping":
		p.advance()
		return &Special{at, specials[word], parens(p, p.expr)}
	case "nullif":
		p.advance()
		p.expectTok('(')
		a := p.expr()
		p.expectTok(',')
		b := p.expr()
		p.expectTok(')')
		return &Special{at, NullIf, []Expr{a, b}}
	case "extract", "position", "substring", "overlay", "trim", "normalize", "treat":
		return p.worded(at, word)
	case "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi",
		"xmlroot", "xmlserialize", "xmltable":
		p.fail(at.Pos, pgerr.FeatureNotSupported, "XML functions are not supported")
	}
	p.advance()
	p.unexpected()
	return nil
}

// worded reads the functions whose arguments are separated by words.
func (p *parser) worded(at At, word string) Expr {
	p.advance()
	p.expectTok('(')
	f := sqlCall(at, word)
	switch word {
	case "extract":
		p.extract(f)
	case "position":
		needle := p.bExpr()
		p.expect("in")
		f.Args = args(p.bExpr(), needle)
	case "substring":
		p.substring(f)
	case "overlay":
		p.overlay(f)
	case "trim":
		p.trim(f)
	case "normalize":
		f.Args = args(p.expr())
		if p.acceptTok(',') {
			form := p.at()
			if !p.isAny("nfc", "nfd", "nfkc", "nfkd") {
				p.unexpected()
			}
			f.Args = append(f.Args, Arg{Expr: &Const{form, StringConst, upper(p.word())}})
		}
	case "treat":
		x := p.expr()
		p.expect("as")
		t := p.typeName()
		f = &FuncCall{At: at, Name: pgName(t.Name.Last()), Args: args(x)}
	}
	p.expectTok(')')
	return f
}

func args(es ...Expr) []Arg {
	out := make([]Arg, len(es))
	for i, e := range es {
		out[i].Expr = e
	}
	return out
}

// plainCall turns a worded function into an ordinary call, for substring(a, b).
func (p *parser) plainCall(f *FuncCall, first []Arg) {
	f.Name, f.SQLSyntax = f.Name[1:], false
	f.Args = first
	for p.acceptTok(',') {
		f.Args = append(f.Args, p.arg())
	}
}

func (p *parser) extract(f *FuncCall) {
	field := &Const{At: p.at(), Kind: StringConst, Text: p.tok.text}
	switch {
	case p.tok.kind == tString,
		p.tok.kind == tIdent && p.tok.class == notKeyword,
		p.isAny("year", "month", "day", "hour", "minute", "second"):
		p.advance()
	default:
		p.unexpected()
	}
	p.expect("from")
	f.Args = args(field, p.expr())
}

func (p *parser) substring(f *FuncCall) {
	if p.tok.kind == ')' {
		p.plainCall(f, nil)
		return
	}
	x := p.arg()
	if x.Name != "" || p.tok.kind == ',' || p.tok.kind == ')' {
		p.plainCall(f, []Arg{x})
		return
	}
	s := x.Expr
	switch {
	case p.accept("from"):
		f.Args = args(s, p.expr())
		if p.accept("for") {
			f.Args = append(f.Args, Arg{Expr: p.expr()})
		}
	case p.is("for"):
		at := p.at()
		p.advance()
		n := p.expr()
		if p.accept("from") {
			f.Args = args(s, p.expr(), n)
			return
		}
		int4 := &Cast{at, n, &TypeName{At: at, Name: pgName("int4")}}
		f.Args = args(s, &Const{at, IntConst, "1"}, int4)
	default:
		p.expect("similar")
		pattern := p.expr()
		p.expect("escape")
		f.Args = args(s, pattern, p.expr())
	}
}

func (p *parser) overlay(f *FuncCall) {
	if p.tok.kind == ')' {
		p.plainCall(f, nil)
		return
	}
	x := p.arg()
	if x.Name != "" || !p.is("placing") {
		p.plainCall(f, []Arg{x})
		return
	}
	p.expect("placing")
	by := p.expr()
	p.expect("from")
	f.Args = args(x.Expr, by, p.expr())
	if p.accept("for") {
		f.Args = append(f.Args, Arg{Expr: p.expr()})
	}
}

// trim reads TRIM([BOTH|LEADING|TRAILING] [chars] FROM s), and TRIM(s, chars) too.
func (p *parser) trim(f *FuncCall) {
	f.Name = pgName("btrim")
	switch {
	case p.accept("both"):
	case p.accept("leading"):
		f.Name = pgName("ltrim")
	case p.accept("trailing"):
		f.Name = pgName("rtrim")
	}
	if p.accept("from") {
		f.Args = args(p.exprs()...)
		return
	}
	first := p.exprs()
	if len(first) == 1 && p.accept("from") {
		f.Args = append(args(p.exprs()...), Arg{Expr: first[0]})
		return
	}
	f.Args = args(first...)
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return string(b)
}
