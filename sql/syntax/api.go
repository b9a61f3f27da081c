package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// The limits. What goes beyond them is refused with 54000 or 54001.
const (
	MaxLength = 16 << 20 // bytes of a script
	MaxDepth  = 1000     // parentheses, subqueries, prefix operators inside each other
	MaxHeight = 150_000  // height of a tree: also that of a chain a + a + a …
)

// bailout carries an error from the depth of the parser to its entry point.
type bailout struct{ err *pgerr.Error }

// catch turns a bailout into an error.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case bailout:
		*err = r.err
	default:
		panic(r)
	}
}

// Parse reads a script: statements separated by semicolons, empty ones left out. Errors are *pgerr.Error.
func Parse(sql string) (stmts []Statement, err error) {
	p, err := newParser(sql)
	if err != nil {
		return nil, err
	}
	defer catch(&err)
	for {
		for p.acceptTok(';') {
		}
		if p.tok.kind == tEOF {
			return stmts, nil
		}
		stmts = append(stmts, p.statement())
		if p.tok.kind != ';' && p.tok.kind != tEOF {
			p.unexpected()
		}
	}
}

// statement reads one statement with what Statement says about it.
func (p *parser) statement() Statement {
	start := p.tok.pos
	p.maxParam, p.height = 0, 0
	s := p.stmt()
	return Statement{Stmt: s, Text: p.src[start:p.prevEnd], Offset: start, NumParams: p.maxParam}
}

// ParseOne reads exactly one statement.
func ParseOne(sql string) (Statement, error) {
	stmts, err := Parse(sql)
	if err != nil {
		return Statement{}, err
	}
	if len(stmts) != 1 {
		return Statement{}, pgerr.New(pgerr.SyntaxError, "expected one statement, got %d", len(stmts))
	}
	return stmts[0], nil
}

// ParseExpr reads one expression.
func ParseExpr(sql string) (e Expr, err error) {
	p, err := newParser(sql)
	if err != nil {
		return nil, err
	}
	defer catch(&err)
	e = p.expr()
	if p.tok.kind != tEOF {
		p.unexpected()
	}
	return e, nil
}

func newParser(sql string) (p *parser, err error) {
	if len(sql) > MaxLength {
		return nil, tooLong()
	}
	if !utf8.ValidString(sql) || strings.IndexByte(sql, 0) >= 0 {
		return nil, pgerr.New(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8"`)
	}
	defer catch(&err)
	p = &parser{src: sql, lex: lexer{src: sql}, farFrom: -1}
	p.tok = p.lex.next()
	p.check()
	return p, nil
}
