package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// kind tells tokens apart. Single characters are their own kind.
type kind uint8

const (
	tEOF kind = iota
	tError
	tIdent // name or keyword
	tInt   // fits int32
	tDecimal
	tString
	tBit
	tHex
	tParam
	tOp       // an operator of more than one character, or a character that has no kind of its own
	tCast     // ::
	tDotDot   // ..
	tColonEq  // :=
	tArrow    // =>
	tLessEq   // <=
	tGreatEq  // >=
	tNotEq    // <> and !=
	tNational // the N of N'…'
)

// maxIdent is the longest identifier in bytes; longer ones are cut, as PostgreSQL does.
const maxIdent = 63

// token is one token of the source. text is what it means: the folded name, the decoded string.
type token struct {
	kind    kind
	class   class
	needsAS bool
	quoted  bool // a "name"
	pos     int
	end     int
	text    string
	num     int // tParam
	err     *pgerr.Error
}

// lexer reads tokens from src. It keeps no state but its place.
type lexer struct {
	src string
	pos int
}

// next returns the token at the lexer's place and moves behind it. A mistake is a token too: it is only an error once
// the parser gets to it.
func (l *lexer) next() token {
	if t, bad := l.skipBlanks(); bad {
		return t
	}
	if l.pos >= len(l.src) {
		return token{kind: tEOF, pos: len(l.src), end: len(l.src)}
	}
	c := l.src[l.pos]
	switch {
	case isIdentStart(c):
		return l.word(c)
	case isDigit(c):
		return l.number()
	}
	switch c {
	case '\'':
		return l.quoted(l.pos, l.pos, quotePlain)
	case '"':
		return l.quotedIdent(l.pos, l.pos, false)
	case '$':
		return l.dollar()
	case '.':
		if isDigit(l.at(1)) {
			return l.number()
		}
		if l.at(1) == '.' {
			return l.take(tDotDot, 2)
		}
		return l.take('.', 1)
	case ':':
		if l.at(1) == ':' {
			return l.take(tCast, 2)
		}
		if l.at(1) == '=' {
			return l.take(tColonEq, 2)
		}
		return l.take(':', 1)
	case ',', '(', ')', '[', ']', ';':
		return l.take(kind(c), 1)
	}
	if isOpChar(c) {
		return l.operator()
	}
	_, n := utf8.DecodeRuneInString(l.src[l.pos:])
	t := l.take(tError, n)
	t.err = l.near(t.pos, "syntax error")
	return t
}

// at returns the byte n places ahead, 0 behind the end.
func (l *lexer) at(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

// take makes a token of the next n bytes.
func (l *lexer) take(k kind, n int) token {
	t := token{kind: k, pos: l.pos, end: l.pos + n, text: l.src[l.pos : l.pos+n]}
	l.pos += n
	return t
}

// near makes a syntax error about the text from pos to the lexer's place.
func (l *lexer) near(pos int, message string) *pgerr.Error {
	e := &pgerr.Error{Code: pgerr.SyntaxError, Position: CharPosition(l.src, pos)}
	if pos >= len(l.src) {
		e.Message = message + " at end of input"
	} else {
		e.Message = message + ` at or near "` + l.src[pos:l.pos] + `"`
	}
	return e
}

// fail makes an error token that begins at pos and ends where the lexer is.
func (l *lexer) fail(pos int, message string) token {
	return token{kind: tError, pos: pos, end: l.pos, err: l.near(pos, message)}
}

// failCode makes an error token with another code and the message as it is.
func (l *lexer) failCode(pos int, code pgerr.Code, message string) token {
	return token{kind: tError, pos: pos, end: l.pos, err: pgerr.New(code, "%s", message).At(CharPosition(l.src, pos))}
}

func isIdentStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isIdentPart(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '$' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isOpChar(c byte) bool { return c != 0 && strings.IndexByte("~!@#^&|`?+-*/%<>=", c) >= 0 }

// skipBlanks moves over blanks and comments; bad means that a comment does not end.
func (l *lexer) skipBlanks() (t token, bad bool) {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case isBlank(c):
			l.pos++
		case c == '-' && l.at(1) == '-':
			l.lineComment()
		case c == '/' && l.at(1) == '*':
			start := l.pos
			if !l.blockComment() {
				return l.fail(start, "unterminated /* comment"), true
			}
		default:
			return token{}, false
		}
	}
	return token{}, false
}

func (l *lexer) lineComment() {
	if i := strings.IndexAny(l.src[l.pos:], "\r\n"); i >= 0 {
		l.pos += i
	} else {
		l.pos = len(l.src)
	}
}

// blockComment moves over a comment, whose depth is only counted: nesting costs nothing.
func (l *lexer) blockComment() bool {
	depth := 0
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '/' && l.at(1) == '*':
			depth++
			l.pos += 2
		case c == '*' && l.at(1) == '/':
			depth--
			l.pos += 2
			if depth == 0 {
				return true
			}
		default:
			l.pos++
		}
	}
	return false
}

// word reads a name, a keyword, or a string with a letter before it.
func (l *lexer) word(c byte) token {
	start := l.pos
	switch n := l.at(1); {
	case n == '\'' && (c == 'e' || c == 'E'):
		return l.quoted(start, start+1, quoteEscape)
	case n == '\'' && (c == 'b' || c == 'B'):
		return l.quoted(start, start+1, quoteBit)
	case n == '\'' && (c == 'x' || c == 'X'):
		return l.quoted(start, start+1, quoteHex)
	case n == '\'' && (c == 'n' || c == 'N'):
		return l.take(tNational, 1)
	case n == '&' && (c == 'u' || c == 'U') && l.at(2) == '\'':
		return l.quoted(start, start+2, quoteUnicode)
	case n == '&' && (c == 'u' || c == 'U') && l.at(2) == '"':
		return l.quotedIdent(start, start+2, true)
	}
	i := start + 1
	for i < len(l.src) && isIdentPart(l.src[i]) {
		i++
	}
	l.pos = i
	t := token{kind: tIdent, pos: start, end: i}
	raw := l.src[start:i]
	var buf [20]byte
	if len(raw) <= len(buf) {
		low := fold(buf[:0], raw)
		if k, ok := keywords[string(low)]; ok {
			t.text, t.class, t.needsAS = k.word, k.class, k.needsAS
			return t
		}
	}
	t.text = TruncateIdent(foldName(raw))
	return t
}

// fold appends s with its ASCII letters in lower case.
func fold(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// foldName is fold without a copy where nothing changes.
func foldName(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return string(fold(make([]byte, 0, len(s)), s))
		}
	}
	return s
}

// TruncateIdent cuts a name to what PostgreSQL keeps of it, at the border of a character.
func TruncateIdent(s string) string {
	if len(s) <= maxIdent {
		return s
	}
	n := maxIdent
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// operator reads an operator. A comment begins in the middle of one, and + or - at the end belong to it only if it has
// a character that SQL's own operators do not have.
func (l *lexer) operator() token {
	n := 1
	special := strings.IndexByte("~!@#%^&|`?", l.src[l.pos]) >= 0
	for isOpChar(l.at(n)) {
		c, d := l.at(n), l.at(n+1)
		if c == '/' && d == '*' || c == '-' && d == '-' {
			break
		}
		special = special || strings.IndexByte("~!@#%^&|`?", c) >= 0
		n++
	}
	if !special {
		for n > 1 && (l.at(n-1) == '+' || l.at(n-1) == '-') {
			n--
		}
	}
	if n == 1 {
		if c := l.src[l.pos]; strings.IndexByte("+-*/%^<>=", c) >= 0 {
			return l.take(kind(c), 1)
		}
		return l.take(tOp, 1)
	}
	if n > maxIdent {
		start := l.pos
		l.pos += n
		return l.fail(start, "operator too long")
	}
	t := l.take(tOp, n)
	switch t.text {
	case "<=":
		t.kind = tLessEq
	case ">=":
		t.kind = tGreatEq
	case "<>", "!=":
		t.kind = tNotEq
	case "=>":
		t.kind = tArrow
	}
	return t
}
