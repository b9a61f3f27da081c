package syntax

// createFunction reads CREATE FUNCTION and CREATE PROCEDURE.
func (p *parser) createFunction(at At, replace bool) Stmt {
	f := &CreateFunction{At: at, Replace: replace, Procedure: p.word() == "procedure"}
	f.Name = p.funcName()
	p.expectTok('(')
	if p.tok.kind != ')' {
		f.Args = list(p, p.funcParam)
	}
	p.expectTok(')')
	if !f.Procedure && p.accept("returns") {
		if p.accept("table") {
			f.Args = append(f.Args, parens(p, func() *FuncParam {
				return &FuncParam{At: p.at(), Mode: "table", Name: p.typeFuncName(), Type: p.typeName()}
			})...)
		} else {
			f.Returns = p.typeName()
		}
	}
	for {
		o := p.funcOption()
		if o == nil {
			break
		}
		f.Options = append(f.Options, o)
	}
	p.funcBody(f)
	return f
}

// alterFunction reads the options of ALTER FUNCTION, of which there is one at least; nil for what has no tree.
func (p *parser) alterFunction(at At, kind string, o *ObjectName) Stmt {
	f := &AlterFunction{At: at, Kind: kind, Object: o}
	for !p.isAny("as", "language", "window", "transform") { // CREATE FUNCTION alone gives those
		option := p.funcOption()
		if option == nil {
			break
		}
		f.Options = append(f.Options, option)
	}
	switch {
	case len(f.Options) > 0:
	case p.isAny("depends", "no"):
		return nil
	default:
		p.unexpected()
	}
	p.accept("restrict")
	return f
}

func (p *parser) typeFuncName() string {
	if !p.tok.isTypeFunc() {
		p.unexpected()
	}
	return p.word()
}

// funcName reads the name of a function: a word that names a column but no function must be qualified.
func (p *parser) funcName() Name {
	first := p.tok
	if first.class == typeFunc {
		return Name{p.word()}
	}
	n := p.name()
	if len(n) == 1 && !first.isTypeFunc() {
		p.unexpected()
	}
	return n
}

// funcBody reads RETURN e and BEGIN ATOMIC … END, if they are there.
func (p *parser) funcBody(f *CreateFunction) {
	if p.accept("return") {
		f.Return = p.expr()
		return
	}
	if !p.is("begin") {
		return
	}
	p.expect("begin", "atomic")
	p.enter()
	defer p.leave()
	f.Atomic = true
	for !p.is("end") {
		if p.acceptTok(';') {
			continue
		}
		at := p.at()
		if p.accept("return") {
			f.Body = append(f.Body, &Return{at, p.expr()})
		} else {
			f.Body = append(f.Body, p.stmt())
		}
		p.expectTok(';')
	}
	p.advance()
}

var funcWords = []string{
	"as", "language", "immutable", "stable", "volatile", "strict", "called on null input",
	"returns null on null input", "external security definer", "external security invoker", "security definer",
	"security invoker", "leakproof", "not leakproof", "window", "cost", "rows", "support", "parallel", "transform",
}

// funcOption reads one option of a function; nil if there is none.
func (p *parser) funcOption() *FuncOption {
	o := &FuncOption{At: p.at()}
	if p.is("set") {
		o.Name = "set"
		s := &Set{At: p.at()}
		p.advance()
		p.setRest(s)
		o.Set = s
		return o
	}
	if p.is("reset") {
		o.Name, o.Set = "set", p.reset()
		return o
	}
	o.Name = p.acceptKind(funcWords)
	switch o.Name {
	case "":
		return nil
	case "returns null on null input":
		o.Name = "strict"
	case "external security definer", "external security invoker":
		o.Name = o.Name[len("external "):]
	case "as":
		o.Values = []string{p.str()}
		if p.acceptTok(',') {
			o.Values = append(o.Values, p.str())
		}
	case "language":
		o.Values = []string{p.nonReservedOrString()}
	case "cost", "rows":
		o.Values = []string{p.signed()}
	case "support":
		o.Values = p.name()
	case "parallel":
		o.Values = []string{p.colID()}
	case "transform":
		o.Types = list(p, func() *TypeName { p.expect("for", "type"); return p.typeName() })
	}
	return o
}
