package syntax

import "strings"

func (p *parser) begin() Stmt {
	s := &Transaction{At: p.at()}
	if p.word() == "start" {
		s.Kind = StartTransaction
		p.expect("transaction")
	} else if !p.accept("work") {
		p.accept("transaction")
	}
	s.Modes = p.transactionModes()
	return s
}

// transactionModes reads modes, commas between them or not.
func (p *parser) transactionModes() []*TransactionMode {
	var out []*TransactionMode
	for {
		comma := len(out) > 0 && p.acceptTok(',')
		m := p.transactionMode()
		if m == nil {
			if comma {
				p.unexpected()
			}
			return out
		}
		out = append(out, m)
	}
}

func (p *parser) transactionMode() *TransactionMode {
	m := &TransactionMode{At: p.at()}
	switch {
	case p.accept("isolation"):
		p.expect("level")
		m.Level = p.objectKind([]string{"read uncommitted", "read committed", "repeatable read", "serializable"})
	case p.accept("read"):
		m.Kind = ModeReadOnly
		if p.accept("write") {
			m.Kind = ModeReadWrite
		} else {
			p.expect("only")
		}
	case p.accept("deferrable"):
		m.Kind = ModeDeferrable
	case p.accept("not"):
		p.expect("deferrable")
		m.Kind = ModeNotDeferrable
	case p.atAsOf():
		m.Kind, m.AsOf = ModeAsOf, p.asOf()
	default:
		return nil
	}
	return m
}

// commit reads COMMIT, END, ROLLBACK and ABORT with all that may follow.
func (p *parser) commit() Stmt {
	s := &Transaction{At: p.at(), Kind: Commit}
	word := p.word()
	if word == "rollback" || word == "abort" {
		s.Kind = Rollback
	}
	if (word == "commit" || word == "rollback") && p.accept("prepared") {
		s.Kind = CommitPrepared
		if word == "rollback" {
			s.Kind = RollbackPrepared
		}
		s.Name = p.str()
		return s
	}
	if !p.accept("work") {
		p.accept("transaction")
	}
	if word == "rollback" && p.accept("to") {
		s.Kind = RollbackTo
		if next := p.peek(1); next.isColID() {
			p.accept("savepoint")
		}
		s.Name = p.colID()
		return s
	}
	if p.accept("and") {
		s.Chain = Yes
		if p.accept("no") {
			s.Chain = No
		}
		p.expect("chain")
	}
	return s
}

func (p *parser) savepoint() Stmt {
	s := &Transaction{At: p.at(), Kind: Savepoint}
	p.advance()
	s.Name = p.colID()
	return s
}

func (p *parser) release() Stmt {
	s := &Transaction{At: p.at(), Kind: ReleaseSavepoint}
	p.advance()
	if next := p.peek(1); next.isColID() {
		p.accept("savepoint")
	}
	s.Name = p.colID()
	return s
}

// set reads SET in all its forms.
func (p *parser) set() Stmt {
	at := p.at()
	p.advance()
	if p.accept("constraints") {
		return p.setConstraints(at)
	}
	scope := ScopeDefault
	if next := p.peek(1); p.isAny("session", "local") && next.kind == tIdent && !next.is("to") {
		if p.is("session") && next.is("characteristics") {
			p.expect("session", "characteristics", "as", "transaction")
			return &SetTransaction{At: at, Session: true, Modes: p.someModes()}
		}
		if !next.is("authorization") || p.is("local") {
			scope = ScopeSession
			if p.word() == "local" {
				scope = ScopeLocal
			}
		}
	}
	if next := p.peek(1); p.is("transaction") && next.kind == tIdent && !next.is("to") {
		p.advance()
		s := &SetTransaction{At: at, Local: scope == ScopeLocal}
		if p.accept("snapshot") {
			s.Snapshot = p.str()
		} else {
			s.Modes = p.someModes()
		}
		return s
	}
	s := &Set{At: at, Scope: scope}
	p.setRest(s)
	return s
}

func (p *parser) someModes() []*TransactionMode {
	m := p.transactionModes()
	if m == nil {
		p.unexpected()
	}
	return m
}

func (p *parser) setConstraints(at At) Stmt {
	s := &SetConstraints{At: at}
	if !p.accept("all") {
		s.Names = list(p, p.relation)
	}
	if s.Deferred = p.accept("deferred"); !s.Deferred {
		p.expect("immediate")
	}
	return s
}

// setRest reads what follows SET [LOCAL].
func (p *parser) setRest(s *Set) {
	next := p.peek(1)
	named := next.kind == '=' || next.is("to") || next.kind == '.'
	word := func(name string, value func() Expr) {
		s.Name, s.Values = name, []Expr{value()}
	}
	switch {
	case named:
	case p.accept("time", "zone"):
		p.setTimeZone(s)
		return
	case p.accept("names"):
		s.Name = "client_encoding"
		switch {
		case p.tok.kind == tString:
			s.Values = []Expr{p.stringConst()}
		default:
			s.Default = true
			p.accept("default")
		}
		return
	case p.is("schema"), p.is("catalog"):
		name := p.word()
		if name == "schema" {
			name = "search_path"
		}
		word(name, func() Expr { return p.stringConst() })
		return
	case p.accept("role"):
		word("role", p.wordOrString)
		return
	case p.accept("session", "authorization"):
		if s.Name = "session_authorization"; p.accept("default") {
			s.Default = true
			return
		}
		word(s.Name, p.wordOrString)
		return
	case p.accept("xml", "option"):
		word("xmloption", func() Expr {
			at := p.at()
			return &Const{at, StringConst, upper(p.objectKind([]string{"document", "content"}))}
		})
		return
	}
	s.Name = p.varName()
	if p.accept("from") {
		p.expect("current")
		s.Current = true
		return
	}
	if !p.acceptTok('=') {
		p.expect("to")
	}
	if p.accept("default") {
		s.Default = true
		return
	}
	s.Values = list(p, p.setValue)
}

// varName reads the name of a setting: a.b.c.
func (p *parser) varName() string {
	n := Name{p.colID()}
	for p.acceptTok('.') {
		n = append(n, p.colID())
	}
	return strings.Join(n, ".")
}

func (p *parser) wordOrString() Expr {
	at := p.at()
	if p.tok.kind == tString {
		return p.stringConst()
	}
	return &ColumnRef{At: at, Name: Name{p.nonReserved()}}
}

// setValue reads one value of SET: a word, a string or a number.
func (p *parser) setValue() Expr {
	at := p.at()
	switch {
	case p.tok.kind == tString:
		return p.stringConst()
	case p.isAny("true", "false", "on"):
		return &ColumnRef{At: at, Name: Name{p.word()}}
	case p.tok.kind == tIdent:
		return &ColumnRef{At: at, Name: Name{p.nonReserved()}}
	}
	c := &Const{At: at, Text: p.signed()}
	c.Kind = numberKind(c.Text)
	return c
}

func (p *parser) setTimeZone(s *Set) {
	s.Name = "timezone"
	switch {
	case p.accept("default"), p.accept("local"):
		s.Default = true
	case p.is("interval"):
		s.Values = []Expr{p.typedLiteral()}
	case p.tok.kind == tIdent && p.tok.class == notKeyword:
		at := p.at()
		s.Values = []Expr{&ColumnRef{At: at, Name: Name{p.word()}}}
	case p.tok.kind == tIdent:
		p.unexpected()
	default:
		s.Values = []Expr{p.setValue()}
	}
}

// settingName reads the name that SHOW and RESET take; "" for ALL.
func (p *parser) settingName() string {
	switch next := p.peek(1); {
	case p.accept("all"):
		return ""
	case p.accept("time", "zone"):
		return "timezone"
	case p.is("transaction") && next.is("isolation"):
		p.expect("transaction", "isolation", "level")
		return "transaction_isolation"
	case p.accept("session", "authorization"):
		return "session_authorization"
	}
	return p.varName()
}

func (p *parser) show() Stmt {
	at := p.at()
	p.advance()
	return &Show{at, p.settingName()}
}

func (p *parser) reset() Stmt {
	at := p.at()
	p.advance()
	return &Reset{at, p.settingName()}
}

func (p *parser) discard() Stmt {
	at := p.at()
	p.advance()
	w := p.objectKind([]string{"all", "plans", "sequences", "temp", "temporary"})
	if w == "temporary" {
		w = "temp"
	}
	return &Discard{at, upper(w)}
}

func (p *parser) listen() Stmt {
	at := p.at()
	p.advance()
	return &Listen{at, p.channel()}
}

// channel reads a channel's name whole: that of an entity's channel may be longer than other names.
func (p *parser) channel() string {
	raw := p.src[p.tok.pos:p.tok.end]
	name := p.colID()
	switch {
	case len(raw) <= maxIdent:
		return name
	case raw[0] == '"':
		return strings.ReplaceAll(raw[1:len(raw)-1], `""`, `"`)
	case raw[1] == '&':
		return name
	}
	return foldName(raw)
}

func (p *parser) unlisten() Stmt {
	at := p.at()
	p.advance()
	if p.acceptTok('*') {
		return &Unlisten{At: at}
	}
	return &Unlisten{at, p.channel()}
}

func (p *parser) notify() Stmt {
	s := &Notify{At: p.at()}
	p.advance()
	s.Channel = p.channel()
	if p.acceptTok(',') {
		s.Payload = p.stringConst()
	}
	return s
}

func (p *parser) checkpoint() Stmt {
	at := p.at()
	p.advance()
	return &Checkpoint{at}
}

func (p *parser) vacuum() Stmt {
	s := &Vacuum{At: p.at(), Analyze: !p.is("vacuum")}
	p.advance()
	words := []string{"full", "freeze", "verbose", "analyze"}
	if s.Analyze {
		words = words[2:3]
	}
	if p.tok.kind == '(' {
		s.Options = p.genericOptions(false)
	} else {
		for _, w := range words {
			at := p.at()
			if p.accept(w) || w == "analyze" && p.accept("analyse") {
				s.Options = append(s.Options, &Option{At: at, Name: w})
			}
		}
	}
	if p.tok.isColID() {
		s.Tables = list(p, func() *VacuumTable {
			return &VacuumTable{p.at(), p.relationExpr(), p.optIdents()}
		})
	}
	return s
}

func (p *parser) reindex() Stmt {
	s := &Reindex{At: p.at()}
	p.advance()
	if p.tok.kind == '(' {
		s.Options = p.genericOptions(false)
	}
	kind := p.acceptKind([]string{"index", "table", "schema", "database", "system"})
	if kind == "" {
		p.unexpected()
	}
	s.Kind = upper(kind)
	s.Concurrently = p.accept("concurrently")
	switch {
	case kind == "index" || kind == "table":
		s.Name = p.name()
	case kind == "schema" || p.tok.isColID():
		s.Name = Name{p.colID()}
	}
	return s
}

func (p *parser) cluster() Stmt {
	s := &Cluster{At: p.at()}
	p.advance()
	if p.tok.kind == '(' {
		s.Options = p.genericOptions(false)
	} else if at := p.at(); p.accept("verbose") {
		s.Options = []*Option{{At: at, Name: "verbose"}}
	}
	if !p.tok.isColID() {
		return s
	}
	s.Table = p.name()
	switch {
	case p.accept("using"):
		s.Index = p.colID()
	case len(s.Table) == 1 && p.accept("on"):
		s.Index, s.Table = s.Table.Last(), p.name()
	}
	return s
}

func (p *parser) do() Stmt {
	s := &Do{At: p.at()}
	p.advance()
	found := false
	for {
		switch {
		case p.tok.kind == tString:
			s.Code, found = p.word(), true
		case p.accept("language"):
			s.Language = p.nonReservedOrString()
		default:
			if !found {
				p.unexpected()
			}
			return s
		}
	}
}

func (p *parser) nonReservedOrString() string {
	if p.tok.kind == tString {
		return p.word()
	}
	return p.nonReserved()
}

func (p *parser) load() Stmt {
	s := &Load{At: p.at()}
	p.advance()
	s.File = p.str()
	return s
}
