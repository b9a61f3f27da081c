package syntax

import (
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// ParseCode reads the code of a DO: a block of PL/pgSQL that has statements of SQL, blocks with handlers of errors, IF, PERFORM, EXECUTE,
// RAISE and NULL. Variables and loops are refused with 0A000. Positions count in the code.
func ParseCode(code string) (b *Block, err error) {
	p, err := newParser(code)
	if err != nil {
		return nil, err
	}
	defer catch(&err)
	b = p.block()
	p.acceptTok(';')
	if p.tok.kind != tEOF {
		p.unexpected()
	}
	return b, nil
}

// block reads BEGIN … END, the semicolon behind it not.
func (p *parser) block() *Block {
	p.enter()
	defer p.leave()
	if p.tok.isWord("declare") {
		p.notInCode("DECLARE")
	}
	b := &Block{At: p.at()}
	p.expect("begin")
	b.Body = p.codeUntil("exception", "end")
	if p.tok.isWord("exception") {
		p.advance()
		for p.tok.isWord("when") {
			b.Handlers = append(b.Handlers, p.handler())
		}
		if b.Handlers == nil {
			p.unexpected()
		}
	}
	p.expect("end")
	return b
}

func (p *parser) notInCode(what string) {
	p.fail(p.tok.pos, pgerr.FeatureNotSupported, "%s in the code of DO is not supported", what)
}

// codeUntil reads statements up to one of the words, which stays.
func (p *parser) codeUntil(words ...string) (out []CodeStmt) {
	for {
		for _, w := range words {
			if p.tok.isWord(w) {
				return out
			}
		}
		out = append(out, p.codeStmt())
		p.expectTok(';')
	}
}

func (p *parser) handler() *Handler {
	h := &Handler{At: p.at()}
	p.expect("when")
	for {
		h.Conditions = append(h.Conditions, p.condition())
		if !p.tok.isWord("or") {
			break
		}
		p.advance()
	}
	p.expect("then")
	h.Body = p.codeUntil("when", "end")
	return h
}

// condition reads the name of a kind of error, or SQLSTATE 'xxxxx'.
func (p *parser) condition() Condition {
	c := Condition{At: p.at()}
	if !p.tok.isWord("sqlstate") {
		c.Name = p.colID()
		return c
	}
	p.advance()
	if c.SQLState = p.str(); len(c.SQLState) != 5 || strings.Trim(c.SQLState, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		p.fail(c.Pos, pgerr.SyntaxError, "invalid SQLSTATE code")
	}
	return c
}

func (p *parser) codeStmt() CodeStmt {
	at := p.at()
	switch word := p.tok.text; {
	case p.tok.kind != tIdent || p.tok.quoted:
		if p.tok.kind != '(' {
			p.unexpected()
		}
	case word == "begin" || word == "declare":
		return p.block()
	case word == "null":
		p.advance()
		return &CodeNull{at}
	case word == "if":
		return p.codeIf()
	case word == "raise":
		return p.codeRaise()
	case word == "perform":
		p.tok.text, p.tok.class = "select", reserved
		return &CodeSQL{at, p.within(at.Pos, func() Stmt { return p.query() }), true}
	case word == "execute":
		p.advance()
		return &CodeExecute{at, p.asQuery("text", p.oneExpr)}
	case unsupportedCode[word]:
		p.notInCode(strings.ToUpper(word))
	case p.peek(1).kind == tColonEq || p.peek(1).kind == '=':
		p.notInCode("an assignment")
	}
	return &CodeSQL{at, p.statement(), false}
}

// unsupportedCode are the first words of statements of PL/pgSQL that are not read.
var unsupportedCode = map[string]bool{"for": true, "foreach": true, "while": true, "loop": true, "exit": true, "continue": true, "case": true,
	"return": true, "get": true, "open": true, "assert": true}

// within reads a statement with what Statement says about it.
func (p *parser) within(start int, read func() Stmt) Statement {
	p.maxParam, p.height = 0, 0
	s := read()
	return Statement{Stmt: s, Text: p.src[start:p.prevEnd], Offset: start, NumParams: p.maxParam}
}

// asQuery reads expressions and makes a query for their values in a type.
func (p *parser) asQuery(typ string, read func() []Expr) Statement {
	at := p.at()
	return p.within(at.Pos, func() Stmt {
		body := &Select{At: at}
		for _, e := range read() {
			cast := &Cast{At: at, X: e, Type: &TypeName{At: at, Name: Name{"pg_catalog", typ}}}
			body.Targets = append(body.Targets, &Target{At: at, Expr: cast})
		}
		return &Query{At: at, Body: body}
	})
}

func (p *parser) oneExpr() []Expr { return []Expr{p.expr()} }

func (p *parser) codeIf() CodeStmt {
	p.enter()
	defer p.leave()
	c := &CodeIf{At: p.at()}
	for p.tok.isWord("if") || p.tok.isWord("elsif") || p.tok.isWord("elseif") {
		arm := &CodeArm{At: p.at()}
		p.advance()
		arm.When = p.asQuery("bool", p.oneExpr)
		p.expect("then")
		arm.Body = p.codeUntil("elsif", "elseif", "else", "end")
		c.Arms = append(c.Arms, arm)
	}
	if p.tok.isWord("else") {
		p.advance()
		c.Else = p.codeUntil("end")
	}
	p.expect("end", "if")
	return c
}

// codeRaise reads RAISE [level] ['format' [, value]… | name | SQLSTATE 'xxxxx'] [USING option = value, …].
func (p *parser) codeRaise() CodeStmt {
	r := &CodeRaise{At: p.at(), Level: "exception"}
	p.advance()
	if p.tok.kind == ';' {
		r.Again = true
		return r
	}
	for _, level := range []string{"debug", "log", "info", "notice", "warning", "exception"} {
		if p.tok.isWord(level) {
			r.Level = level
			p.advance()
			break
		}
	}
	switch {
	case p.tok.kind == tString:
		r.Format = p.str()
	case !p.tok.isWord("using"):
		c := p.condition()
		r.Error = &c
	}
	if p.tok.kind == ',' && r.Error == nil || p.tok.isWord("using") {
		values := p.asQuery("text", func() []Expr { return p.raiseValues(r) })
		r.Values = &values
	}
	return r
}

func (p *parser) raiseValues(r *CodeRaise) (out []Expr) {
	for ; p.acceptTok(','); r.Args++ {
		out = append(out, p.expr())
	}
	if p.tok.isWord("using") {
		for more := true; more; more = p.tok.kind == ',' {
			p.advance()
			r.Options = append(r.Options, p.label())
			if p.tok.kind != '=' && p.tok.kind != tColonEq {
				p.unexpected()
			}
			p.advance()
			out = append(out, p.expr())
		}
	}
	return out
}
