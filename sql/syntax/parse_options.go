package syntax

// relOptions reads (name = value, …) as WITH has it.
func (p *parser) relOptions() []*Option {
	return parens(p, func() *Option {
		o := &Option{At: p.at(), Name: p.label()}
		if p.acceptTok('.') {
			o.Namespace, o.Name = o.Name, p.label()
		}
		if p.acceptTok('=') {
			p.optionValue(o)
		}
		return o
	})
}

// withOptions reads WITH (…), if it is there.
func (p *parser) withOptions() []*Option {
	if t := p.peek(1); !p.is("with") || t.kind != '(' {
		return nil
	}
	p.advance()
	return p.relOptions()
}

// genericOptions reads (name value, …) as COPY and EXPLAIN have it; COPY takes any word for a name.
func (p *parser) genericOptions(anyWord bool) []*Option {
	return parens(p, func() *Option {
		if !anyWord && p.tok.class == reserved && !p.isAny("analyze", "analyse") {
			p.unexpected()
		}
		o := &Option{At: p.at(), Name: p.label()}
		switch {
		case p.tok.kind == ',' || p.tok.kind == ')':
		case p.tok.kind == '(':
			o.Kind = OptionList
			o.List = parens(p, func() *Option {
				e := &Option{At: p.at()}
				p.optionValue(e)
				return e
			})
		case p.tok.class == reserved && !p.isAny("true", "false", "on", "default"):
			p.unexpected()
		default:
			p.optionValue(o)
		}
		return o
	})
}

// optionValue reads one value of an option.
func (p *parser) optionValue(o *Option) {
	switch p.tok.kind {
	case tString:
		o.Kind, o.Text = OptionString, p.word()
	case '*':
		p.advance()
		o.Kind = OptionStar
	case tInt, tDecimal, '-', '+':
		o.Kind, o.Text = OptionNumber, p.signed()
	default:
		o.Kind, o.Text = OptionWord, p.label()
	}
}

// cascade reads CASCADE or RESTRICT, if it is there.
func (p *parser) cascade() Tristate {
	switch {
	case p.accept("cascade"):
		return Yes
	case p.accept("restrict"):
		return No
	}
	return Unsaid
}

var lockModes = []string{
	"access share", "row share", "row exclusive", "share update exclusive", "share", "share row exclusive",
	"exclusive", "access exclusive",
}
