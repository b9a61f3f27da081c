package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// quoteKind is how the inside of a quoted string is read.
type quoteKind uint8

const (
	quotePlain quoteKind = iota
	quoteEscape
	quoteUnicode
	quoteBit
	quoteHex
)

var unterminated = [...]string{
	quotePlain: "unterminated quoted string", quoteEscape: "unterminated quoted string",
	quoteUnicode: "unterminated quoted string", quoteBit: "unterminated bit string literal",
	quoteHex: "unterminated hexadecimal string literal",
}

// quoted reads a string whose token begins at start and whose first quote is at open. Strings that stand on different
// lines with nothing but blanks between them are one.
func (l *lexer) quoted(start, open int, k quoteKind) token {
	var b strings.Builder
	plain := ""
	l.pos = open
	for segments := 0; ; segments++ {
		l.pos++
		from := l.pos
		if !l.closing(k == quoteEscape) {
			l.pos = len(l.src)
			return l.fail(start, unterminated[k])
		}
		inner := l.src[from : l.pos-1]
		if strings.Contains(inner, "''") {
			inner = doubled(inner, k == quoteEscape)
		}
		if segments == 0 {
			plain = inner
		} else {
			if segments == 1 {
				b.WriteString(plain)
			}
			b.WriteString(inner)
		}
		if !l.continued() {
			if segments > 0 {
				plain = b.String()
			}
			break
		}
	}
	t := token{kind: tString, pos: start, end: l.pos, text: plain}
	switch k {
	case quoteEscape:
		return l.unescape(t)
	case quoteUnicode:
		return l.uescape(t)
	case quoteBit:
		t.kind = tBit
	case quoteHex:
		t.kind = tHex
	}
	return t
}

// closing moves behind the quote that ends a string; a doubled quote does not.
func (l *lexer) closing(escapes bool) bool {
	for l.pos < len(l.src) {
		i := strings.IndexAny(l.src[l.pos:], `'\`)
		if i < 0 {
			return false
		}
		l.pos += i
		if l.src[l.pos] == '\\' {
			l.pos++
			if escapes {
				l.pos++
			}
			continue
		}
		if l.at(1) != '\'' {
			l.pos++
			return true
		}
		l.pos += 2
	}
	return false
}

// doubled makes one quote of two. Where a backslash escapes, the character after it is left alone.
func doubled(s string, escapes bool) string {
	if !escapes {
		return strings.ReplaceAll(s, "''", "'")
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		b.WriteByte(s[i])
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '\'':
			i++
		}
	}
	return b.String()
}

// continued says whether the string goes on with a quote on a later line, and moves to that quote.
func (l *lexer) continued() bool {
	newline := false
	for i := l.pos; i < len(l.src); {
		switch c := l.src[i]; {
		case c == '\n' || c == '\r':
			newline = true
			i++
		case isBlank(c):
			i++
		case c == '-' && newline && i+1 < len(l.src) && l.src[i+1] == '-':
			for i < len(l.src) && l.src[i] != '\n' && l.src[i] != '\r' {
				i++
			}
		case c == '\'' && newline:
			l.pos = i
			return true
		default:
			return false
		}
	}
	return false
}

// unescape reads the backslashes of E'…'. t.text still has them.
func (l *lexer) unescape(t token) token {
	s := t.text
	if strings.IndexByte(s, '\\') < 0 {
		return t
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		i++
		if i >= len(s) {
			break
		}
		n, bad := escapeChar(&b, s[i:])
		if bad == badEscape {
			e := l.failCode(t.pos, pgerr.InvalidEscapeSequence, bad)
			e.err.Hint = `Unicode escapes must be \uXXXX or \UXXXXXXXX.`
			return e
		} else if bad != "" {
			return l.failCode(t.pos, pgerr.SyntaxError, bad)
		}
		i += n
	}
	t.text = b.String()
	if !utf8.ValidString(t.text) || strings.IndexByte(t.text, 0) >= 0 {
		return l.failCode(t.pos, pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8"`)
	}
	return t
}

var simpleEscapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// What can be wrong with a Unicode escape.
const (
	badEscape    = "invalid Unicode escape"
	badValue     = "invalid Unicode escape value"
	badSurrogate = "invalid Unicode surrogate pair"
)

// escapeChar decodes what follows a backslash and says how long it was and what is wrong with it.
func escapeChar(b *strings.Builder, s string) (n int, bad string) {
	switch c := s[0]; {
	case c == 'u' || c == 'U':
		r, n, bad := unicodeEscape(s)
		b.WriteRune(r)
		return n, bad
	case c == 'x' && len(s) > 1 && hexVal(s[1]) >= 0:
		v, i := hexVal(s[1]), 2
		if len(s) > 2 && hexVal(s[2]) >= 0 {
			v, i = v<<4|hexVal(s[2]), 3
		}
		b.WriteByte(byte(v))
		return i, ""
	case c >= '0' && c <= '7':
		v, i := 0, 0
		for i < len(s) && i < 3 && s[i] >= '0' && s[i] <= '7' {
			v = v<<3 | int(s[i]-'0')
			i++
		}
		b.WriteByte(byte(v))
		return i, ""
	case simpleEscapes[c] != 0:
		b.WriteByte(simpleEscapes[c])
	default:
		b.WriteByte(c)
	}
	return 1, ""
}

// unicodeEscape decodes uXXXX or UXXXXXXXX, and a pair of surrogates.
func unicodeEscape(s string) (r rune, n int, bad string) {
	n = 5
	if s[0] == 'U' {
		n = 9
	}
	r, ok := hexRune(s, 1, n)
	switch {
	case !ok:
		return 0, n, badEscape
	case r == 0 || r > utf8.MaxRune:
		return 0, n, badValue
	case isLow(r):
		return 0, n, badSurrogate
	case !isHigh(r):
		return r, n, ""
	}
	rest := s[n:]
	if len(rest) < 2 || rest[0] != '\\' || rest[1] != 'u' && rest[1] != 'U' {
		return 0, n, badSurrogate
	}
	m := 6
	if rest[1] == 'U' {
		m = 10
	}
	low, ok := hexRune(rest, 2, m)
	if !ok {
		return 0, n, badEscape
	}
	if !isLow(low) {
		return 0, n, badSurrogate
	}
	return joinSurrogates(r, low), n + m, ""
}

func isHigh(r rune) bool { return r >= 0xD800 && r < 0xDC00 }
func isLow(r rune) bool  { return r >= 0xDC00 && r < 0xE000 }

func joinSurrogates(high, low rune) rune { return (high-0xD800)<<10 | (low - 0xDC00) + 0x10000 }

// hexRune reads s[from:to] as a hexadecimal number; what is above the last code point is only known to be so.
func hexRune(s string, from, to int) (rune, bool) {
	if to > len(s) {
		return 0, false
	}
	var r rune
	for i := from; i < to; i++ {
		v := hexVal(s[i])
		if v < 0 {
			return 0, false
		}
		r = min(r<<4|rune(v), utf8.MaxRune+1)
	}
	return r, true
}

func hexVal(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// quotedIdent reads "name" or U&"name".
func (l *lexer) quotedIdent(start, open int, unicode bool) token {
	i := open + 1
	double := false
	for {
		n := strings.IndexByte(l.src[i:], '"')
		if n < 0 {
			l.pos = len(l.src)
			return l.fail(start, "unterminated quoted identifier")
		}
		i += n
		if i+1 >= len(l.src) || l.src[i+1] != '"' {
			break
		}
		double = true
		i += 2
	}
	l.pos = i + 1
	text := l.src[open+1 : i]
	if text == "" {
		return l.fail(start, "zero-length delimited identifier")
	}
	if double {
		text = strings.ReplaceAll(text, `""`, `"`)
	}
	t := token{kind: tIdent, quoted: true, pos: start, end: l.pos, text: text}
	if unicode {
		if t = l.uescape(t); t.kind == tError {
			return t
		}
	}
	t.text = TruncateIdent(t.text)
	return t
}

// uescape reads the escapes of U&'…' and U&"…", and UESCAPE 'c' if it follows.
func (l *lexer) uescape(t token) token {
	esc := byte('\\')
	ahead := *l
	if ahead.isUescape() {
		c := ahead.next()
		if c.kind != tString {
			return token{kind: tError, pos: c.pos, end: c.end, err: ahead.near(c.pos, "UESCAPE must be followed by a simple string literal")}
		}
		if len(c.text) != 1 || hexVal(c.text[0]) >= 0 || strings.IndexByte("+'\"", c.text[0]) >= 0 || isBlank(c.text[0]) {
			return token{kind: tError, pos: c.pos, end: c.end, err: ahead.near(c.pos, "invalid Unicode escape character")}
		}
		esc = c.text[0]
		*l = ahead
		t.end = l.pos
	}
	s := t.text
	if strings.IndexByte(s, esc) < 0 {
		return t
	}
	text, bad := unicodeText(s, esc)
	if bad != "" {
		e := l.failCode(t.pos, pgerr.SyntaxError, bad)
		if bad == badEscape {
			e.err.Hint = `Unicode escapes must be \XXXX or \+XXXXXX.`
		}
		return e
	}
	t.text = text
	return t
}

// isUescape moves behind the word UESCAPE if it is next.
func (l *lexer) isUescape() bool {
	const word = "uescape"
	if _, bad := l.skipBlanks(); bad || len(l.src)-l.pos < len(word) || !strings.EqualFold(l.src[l.pos:l.pos+len(word)], word) {
		return false
	}
	l.pos += len(word)
	l.skipBlanks()
	return l.at(0) == '\''
}

// unicodeText decodes \XXXX and \+XXXXXX with esc for the backslash, and says what is wrong.
func unicodeText(s string, esc byte) (text, bad string) {
	var b strings.Builder
	var high rune
	for i := 0; i < len(s); {
		escaped := s[i] == esc && i+1 < len(s) && s[i+1] == esc
		if s[i] != esc || escaped {
			if high != 0 {
				return "", badSurrogate
			}
			b.WriteByte(s[i])
			if i++; escaped {
				i++
			}
			continue
		}
		from, to := i+1, i+5
		if i+1 < len(s) && s[i+1] == '+' {
			from, to = i+2, i+8
		}
		r, ok := hexRune(s, from, to)
		i = to
		switch {
		case !ok:
			return "", badEscape
		case r == 0 || r > utf8.MaxRune:
			return "", badValue
		case high != 0 && isLow(r):
			b.WriteRune(joinSurrogates(high, r))
			high = 0
		case high != 0 || isLow(r):
			return "", badSurrogate
		case isHigh(r):
			high = r
		default:
			b.WriteRune(r)
		}
	}
	if high != 0 {
		return "", badSurrogate
	}
	return b.String(), ""
}
