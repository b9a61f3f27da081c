package syntax

func (p *parser) prepare() Stmt {
	at := p.at()
	p.advance()
	if next := p.peek(1); p.is("transaction") && next.kind == tString {
		p.advance()
		return &Transaction{At: at, Kind: PrepareTransaction, Name: p.str()}
	}
	s := &Prepare{At: at, Name: p.colID()}
	if p.tok.kind == '(' {
		s.Types = parens(p, p.typeName)
	}
	p.expect("as")
	s.Stmt = p.preparable()
	return s
}

func (p *parser) execute() Stmt {
	s := &Execute{At: p.at()}
	p.advance()
	s.Name = p.colID()
	if p.tok.kind == '(' {
		s.Args = parens(p, p.expr)
	}
	return s
}

func (p *parser) deallocate() Stmt {
	s := &Deallocate{At: p.at()}
	p.advance()
	if next := p.peek(1); p.is("prepare") && (next.isColID() || next.is("all")) {
		p.advance()
	}
	if !p.accept("all") {
		s.Name = p.colID()
	}
	return s
}

func (p *parser) explain() Stmt {
	s := &Explain{At: p.at()}
	p.enter()
	defer p.leave()
	p.advance()
	if p.tok.kind == '(' && !p.explainedQuery() {
		s.Options = p.genericOptions(false)
	} else {
		for _, w := range []string{"analyze", "verbose"} {
			at := p.at()
			if p.accept(w) || w == "analyze" && p.accept("analyse") {
				s.Options = append(s.Options, &Option{At: at, Name: w})
			}
		}
	}
	switch {
	case p.isAny("insert", "update", "delete", "merge"), p.tok.kind == '(', p.atQuery():
		s.Stmt = p.preparable()
	case p.is("execute"):
		s.Stmt = p.execute()
	case p.is("declare"):
		s.Stmt = p.declare()
	case p.is("refresh"):
		s.Stmt = p.refresh()
	case p.is("create"):
		pos := p.tok
		s.Stmt = p.create()
		if _, ok := s.Stmt.(*CreateTableAs); !ok {
			p.unexpectedAt(pos)
		}
	default:
		p.unexpected()
	}
	return s
}

// explainedQuery says whether the parenthesis at hand belongs to a query and not to options.
func (p *parser) explainedQuery() bool {
	t := p.peek(1)
	return t.kind == '(' || p.queryInside()
}
