package syntax

import (
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// parser reads tokens and makes trees: one function per rule of the grammar, named after what it reads. A function is
// called with p.tok at the first token of its rule and leaves it behind the last. Mistakes unwind as a bailout.
type parser struct {
	src      string
	lex      lexer
	tok      token // the token at hand
	queue    []token
	prevEnd  int // where the token before tok ended
	maxParam int
	depth    int
	// height is the greatest height of the trees read since it was last set to zero: whoever makes a node of parts
	// collects their heights here, so that chains are bounded as nesting is.
	height int
	// far is the token at which the longest sequence of words that begins at the byte farFrom was broken off: if that is
	// where the parser gives up, far is what the user did wrong.
	far     token
	farFrom int
}

// check fails if the token at hand is a lexical mistake.
func (p *parser) check() {
	if p.tok.kind == tError {
		panic(bailout{p.tok.err})
	}
}

func (p *parser) advance() {
	p.prevEnd = p.tok.end
	if len(p.queue) > 0 {
		p.tok = p.queue[0]
		p.queue = p.queue[:copy(p.queue, p.queue[1:])]
	} else {
		p.tok = p.lex.next()
	}
	p.check()
}

// peek returns the n-th token after the one at hand, from 1.
func (p *parser) peek(n int) token {
	for len(p.queue) < n {
		p.queue = append(p.queue, p.lex.next())
	}
	return p.queue[n-1]
}

func (p *parser) at() At { return At{p.tok.pos} }

// fail stops with an error at a byte offset.
func (p *parser) fail(pos int, code pgerr.Code, format string, args ...any) {
	panic(bailout{pgerr.New(code, format, args...).At(CharPosition(p.src, pos))})
}

// unexpected stops with a syntax error at the token at hand.
func (p *parser) unexpected() {
	if p.farFrom == p.tok.pos {
		p.unexpectedAt(p.far)
	}
	p.unexpectedAt(p.tok)
}

func (p *parser) unexpectedAt(t token) {
	if t.kind == tError {
		panic(bailout{t.err})
	}
	l := lexer{src: p.src, pos: t.end}
	panic(bailout{l.near(t.pos, "syntax error")})
}

// yyerror stops with a message about the token at hand, in the words of PostgreSQL's grammar.
func (p *parser) yyerror(message string) {
	l := lexer{src: p.src, pos: p.tok.end}
	panic(bailout{l.near(p.tok.pos, message)})
}

// enter counts one level of nesting; leave ends it.
func (p *parser) enter() {
	p.depth++
	if p.depth > MaxDepth {
		p.fail(p.tok.pos, pgerr.StatementTooComplex, "stack depth limit exceeded: more than %d levels of nesting", MaxDepth)
	}
}

func (p *parser) leave() { p.depth-- }

// grow makes h the height of a node above parts of the heights h and p.height.
func (p *parser) grow(h int) int {
	h = max(h, p.height) + 1
	if h > MaxHeight {
		p.fail(p.tok.pos, pgerr.StatementTooComplex, "statement too complex: more than %d operators in a chain", MaxHeight)
	}
	return h
}

// is says whether the token at hand is the keyword w.
func (p *parser) is(w string) bool { return p.tok.is(w) }

func (t *token) is(w string) bool { return t.class != notKeyword && t.text == w }

// isWord says whether the token is the unquoted word w, keyword or not.
func (t *token) isWord(w string) bool { return t.kind == tIdent && !t.quoted && t.text == w }

func (p *parser) isAny(ws ...string) bool {
	if p.tok.class == notKeyword {
		return false
	}
	for _, w := range ws {
		if p.tok.text == w {
			return true
		}
	}
	return false
}

// follows says whether the tokens at hand are these words.
func (p *parser) follows(ws ...string) bool {
	if !p.tok.isWord(ws[0]) {
		return false
	}
	for i, w := range ws[1:] {
		if t := p.peek(i + 1); !t.isWord(w) {
			if p.farFrom != p.tok.pos || t.pos > p.far.pos {
				p.far, p.farFrom = t, p.tok.pos
			}
			return false
		}
	}
	return true
}

// accept moves over the words if they are all there.
func (p *parser) accept(ws ...string) bool {
	if !p.follows(ws...) {
		return false
	}
	for range ws {
		p.advance()
	}
	return true
}

// expect moves over the words and fails at the first that is not there.
func (p *parser) expect(ws ...string) {
	for _, w := range ws {
		if !p.tok.isWord(w) {
			p.unexpected()
		}
		p.advance()
	}
}

func (p *parser) acceptTok(k kind) bool {
	if p.tok.kind != k {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expectTok(k kind) {
	if p.tok.kind != k {
		p.unexpected()
	}
	p.advance()
}

// list reads items separated by commas.
func list[T any](p *parser, item func() T) []T {
	out := []T{item()}
	for p.acceptTok(',') {
		out = append(out, item())
	}
	return out
}

// parens reads items separated by commas in parentheses.
func parens[T any](p *parser, item func() T) []T {
	p.expectTok('(')
	out := list(p, item)
	p.expectTok(')')
	return out
}

func (t *token) isColID() bool { return t.kind == tIdent && t.class <= colName }

func (t *token) isTypeFunc() bool {
	return t.kind == tIdent && (t.class <= unreserved || t.class == typeFunc)
}

// colID reads the name of a column, table or the like.
func (p *parser) colID() string {
	if !p.tok.isColID() {
		p.unexpected()
	}
	return p.word()
}

// label reads a name where any keyword will do.
func (p *parser) label() string {
	if p.tok.kind != tIdent {
		p.unexpected()
	}
	return p.word()
}

// nonReserved reads a name that is no reserved keyword.
func (p *parser) nonReserved() string {
	if p.tok.kind != tIdent || p.tok.class == reserved {
		p.unexpected()
	}
	return p.word()
}

func (p *parser) word() string {
	s := p.tok.text
	p.advance()
	return s
}

func (p *parser) ident() Ident { return Ident{p.at(), p.colID()} }

func (p *parser) idents() []Ident { return parens(p, p.ident) }

// optIdents reads (a, b) if it is there.
func (p *parser) optIdents() []Ident {
	if p.tok.kind != '(' {
		return nil
	}
	return p.idents()
}

// name reads a possibly qualified name.
func (p *parser) name() Name {
	n := Name{p.colID()}
	for p.acceptTok('.') {
		n = append(n, p.label())
	}
	return n
}

// relation is a name of a table: no more than three parts.
func (p *parser) relation() Name {
	pos := p.tok.pos
	n := p.name()
	if len(n) > 3 {
		p.fail(pos, pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", strings.Join(n, "."))
	}
	return n
}

func (p *parser) str() string {
	if p.tok.kind != tString {
		p.unexpected()
	}
	return p.word()
}

// signed reads an integer or decimal with an optional sign, as text.
func (p *parser) signed() string {
	sign := ""
	if p.tok.kind == '-' {
		sign = "-"
		p.advance()
	} else {
		p.acceptTok('+')
	}
	if p.tok.kind != tInt && p.tok.kind != tDecimal {
		p.unexpected()
	}
	return sign + p.word()
}

// signedInt reads an integer that fits int32, with an optional sign.
func (p *parser) signedInt() string {
	t := p.tok
	if t.kind == '-' || t.kind == '+' {
		t = p.peek(1)
	}
	if t.kind != tInt {
		p.unexpectedAt(t)
	}
	return p.signed()
}
