package syntax

import (
	"math"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
)

func fields(s string) []string { return strings.Fields(s) }

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

func (p *parser) declare() Stmt {
	s := &DeclareCursor{At: p.at()}
	p.advance()
	s.Name = p.colID()
	for {
		switch {
		case p.accept("no"):
			p.expect("scroll")
			s.Scroll = No
		case p.accept("scroll"):
			s.Scroll = Yes
		case p.accept("binary"):
			s.Binary = true
		case p.accept("insensitive"):
			s.Insensitive = Yes
		case p.accept("asensitive"):
			s.Insensitive = No
		default:
			p.expect("cursor")
			if p.accept("with", "hold") {
				s.Hold = Yes
			} else if p.accept("without", "hold") {
				s.Hold = No
			}
			p.expect("for")
			s.Query = p.query()
			return s
		}
	}
}

func (p *parser) fetch() Stmt {
	s := &Fetch{At: p.at(), Move: p.is("move"), Count: 1}
	p.advance()
	named := func() bool { // a cursor called like a direction
		t := p.peek(1)
		return t.kind == tEOF || t.kind == ';'
	}
	switch {
	case p.tok.kind == tInt || p.tok.kind == '-' || p.tok.kind == '+':
		s.Count = p.count()
	case named() && p.tok.isColID():
	case p.accept("all"):
		s.All = true
	case p.accept("next"):
	case p.accept("prior"):
		s.Direction = FetchBackward
	case p.accept("first"):
		s.Direction = FetchAbsolute
	case p.accept("last"):
		s.Direction, s.Count = FetchAbsolute, -1
	case p.accept("absolute"):
		s.Direction, s.Count = FetchAbsolute, p.count()
	case p.accept("relative"):
		s.Direction, s.Count = FetchRelative, p.count()
	case p.isAny("forward", "backward"):
		if p.word() == "backward" {
			s.Direction = FetchBackward
		}
		if p.accept("all") {
			s.All = true
		} else if p.tok.kind == tInt || p.tok.kind == '-' || p.tok.kind == '+' {
			s.Count = p.count()
		}
	}
	if !p.accept("from") {
		p.accept("in")
	}
	s.Cursor = p.colID()
	if s.All {
		s.Count = math.MaxInt64
	}
	return s
}

func (p *parser) count() int64 {
	n, _ := strconv.ParseInt(p.signedInt(), 10, 64)
	return n
}

func (p *parser) closeCursor() Stmt {
	s := &CloseCursor{At: p.at()}
	p.advance()
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

func (p *parser) truncate() Stmt {
	s := &Truncate{At: p.at()}
	p.advance()
	p.accept("table")
	s.Tables = list(p, p.relationExpr)
	if p.accept("restart", "identity") {
		s.RestartIdentity = Yes
	} else if p.accept("continue", "identity") {
		s.RestartIdentity = No
	}
	s.Cascade = p.cascade() == Yes
	return s
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

func (p *parser) lock() Stmt {
	s := &Lock{At: p.at(), Mode: "ACCESS EXCLUSIVE"}
	p.advance()
	p.accept("table")
	s.Tables = list(p, p.relationExpr)
	if p.accept("in") {
		s.Mode = upper(p.objectKind(lockModes))
		p.expect("mode")
	}
	s.NoWait = p.accept("nowait")
	return s
}

func (p *parser) callStmt() Stmt {
	s := &Call{At: p.at()}
	p.advance()
	s.Func = &FuncCall{At: p.at(), Name: p.funcName()}
	p.callArgs(s.Func)
	return s
}
