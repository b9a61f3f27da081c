package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

func (p *parser) copy() Stmt {
	c := &Copy{At: p.at()}
	p.advance()
	binary := p.at()
	if t := p.peek(1); p.is("binary") && t.kind != '(' {
		p.advance()
		c.Options = append(c.Options, &Option{At: binary, Name: "format", Kind: OptionWord, Text: "binary"})
	}
	if p.acceptTok('(') {
		c.Query = p.preparable()
		p.expectTok(')')
		p.expect("to")
	} else {
		c.Table = p.relation()
		c.Columns = p.optIdents()
		if c.From = p.accept("from"); !c.From {
			p.expect("to")
		}
	}
	c.Program = p.accept("program")
	switch {
	case p.tok.kind == tString:
		c.File = p.word()
	case !c.Program && p.isAny("stdin", "stdout"):
		p.advance()
	default:
		p.unexpected()
	}
	if at := p.at(); p.accept("using") || p.is("delimiters") {
		p.expect("delimiters")
		c.Options = append(c.Options, &Option{At: at, Name: "delimiter", Kind: OptionString, Text: p.str()})
	}
	p.accept("with")
	if p.tok.kind == '(' {
		c.Options = append(c.Options, p.genericOptions(true)...)
	} else {
		for o := p.legacyCopyOption(); o != nil; o = p.legacyCopyOption() {
			c.Options = append(c.Options, o)
		}
	}
	if pos := p.tok.pos; p.is("where") {
		c.Where = p.where()
		if !c.From {
			p.fail(pos, pgerr.SyntaxError, "WHERE clause not allowed with COPY TO")
		}
	}
	return c
}

// legacyCopyOption reads one option as COPY had it before parentheses; nil if there is none.
func (p *parser) legacyCopyOption() *Option {
	o := &Option{At: p.at(), Kind: OptionWord}
	switch {
	case p.accept("binary"):
		o.Name, o.Text = "format", "binary"
	case p.accept("csv"):
		o.Name, o.Text = "format", "csv"
	case p.accept("freeze"):
		o.Name, o.Text = "freeze", "true"
	case p.accept("header"):
		o.Name, o.Text = "header", "true"
	case p.isAny("delimiter", "null", "quote", "escape"):
		o.Name, o.Kind = p.word(), OptionString
		p.accept("as")
		o.Text = p.str()
	case p.accept("encoding"):
		o.Name, o.Kind, o.Text = "encoding", OptionString, p.str()
	case p.accept("force", "quote"):
		p.columnsOrStar(o, "force_quote")
	case p.accept("force", "not", "null"):
		p.columnsOrStar(o, "force_not_null")
	case p.accept("force", "null"):
		p.columnsOrStar(o, "force_null")
	default:
		return nil
	}
	return o
}

func (p *parser) columnsOrStar(o *Option, name string) {
	o.Name = name
	if p.acceptTok('*') {
		o.Kind = OptionStar
		return
	}
	o.Kind = OptionList
	o.List = list(p, func() *Option { return &Option{At: p.at(), Kind: OptionWord, Text: p.colID()} })
}
