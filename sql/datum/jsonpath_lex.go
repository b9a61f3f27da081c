package datum

import (
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
)

type pathTokenKind uint8

const (
	ptEnd pathTokenKind = iota
	ptSymbol
	ptWord
	ptString
	ptNumber
	ptVariable
)

type pathToken struct {
	kind pathTokenKind
	text string
}

// pathLexer takes an SQL/JSON path apart.
type pathLexer struct {
	s   string
	i   int
	err error
}

const pathSpecial = "?%$.[]{}()|&!=<>@#,*:-+/"

func isPathBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// isPathOther reports whether a character can stand in a word.
func isPathOther(c byte) bool {
	return !isPathBlank(c) && c != '"' && c != '\\' && strings.IndexByte(pathSpecial, c) < 0
}

func (l *pathLexer) fail(err error) pathToken {
	if l.err == nil {
		l.err = err
	}
	l.i = len(l.s)
	return pathToken{}
}

func (l *pathLexer) rest() string { return l.s[l.i:] }

func (l *pathLexer) next() pathToken {
	for {
		switch {
		case l.i < len(l.s) && isPathBlank(l.s[l.i]):
			l.i++
			continue
		case strings.HasPrefix(l.rest(), "/*"):
			end := strings.Index(l.s[l.i+2:], "*/")
			if end < 0 {
				return l.fail(pathError("unexpected end of comment of jsonpath input"))
			}
			l.i += end + 4
			continue
		}
		break
	}
	if l.i >= len(l.s) {
		return pathToken{}
	}
	for _, op := range []string{"**", "&&", "||", "==", "!=", "<>", "<=", ">="} {
		if strings.HasPrefix(l.rest(), op) {
			l.i += 2
			return pathToken{ptSymbol, op}
		}
	}
	c := l.s[l.i]
	switch {
	case c == '"':
		l.i++
		return pathToken{ptString, l.text(true)}
	case c == '$' && strings.HasPrefix(l.s[l.i+1:], "\""):
		l.i += 2
		return pathToken{ptVariable, l.text(true)}
	case c == '$' && l.i+1 < len(l.s) && (isPathOther(l.s[l.i+1]) || l.s[l.i+1] == '\\'):
		l.i++
		return pathToken{ptVariable, l.text(false)}
	case isDigit(c), c == '.' && l.i+1 < len(l.s) && isDigit(l.s[l.i+1]):
		return l.number()
	case isPathOther(c) || c == '\\':
		return pathToken{ptWord, l.text(false)}
	}
	l.i++
	return pathToken{ptSymbol, string(c)}
}

// number reads digits with a point and an exponent, which nothing that could belong to a word may follow.
func (l *pathLexer) number() pathToken {
	from := l.i
	digits := func() int {
		at := l.i
		for l.i < len(l.s) && isDigit(l.s[l.i]) {
			l.i++
		}
		return l.i - at
	}
	if l.s[l.i] == '0' {
		l.i++
	} else {
		digits()
	}
	if l.i < len(l.s) && l.s[l.i] == '.' {
		l.i++
		digits()
	}
	if l.i < len(l.s) && l.s[l.i]|32 == 'e' {
		at := l.i
		l.i++
		signed := l.i < len(l.s) && (l.s[l.i] == '+' || l.s[l.i] == '-')
		if signed {
			l.i++
		}
		if digits() == 0 {
			if signed {
				return l.fail(pathError("invalid numeric literal at or near \"%s\" of jsonpath input", l.s[from:l.i]))
			}
			l.i = at
		}
	}
	if l.i < len(l.s) && (isPathOther(l.s[l.i]) || l.s[l.i] == '\\') {
		return l.fail(pathError("trailing junk after numeric literal at or near \"%s\" of jsonpath input", l.s[from:l.i+1]))
	}
	return pathToken{ptNumber, l.s[from:l.i]}
}

// text reads a string up to its quote, or a word.
func (l *pathLexer) text(quoted bool) string {
	var out []byte
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case quoted && c == '"':
			l.i++
			return string(out)
		case c == '\\':
			if out = l.escape(out); l.err != nil {
				return ""
			}
			continue
		case !quoted && !isPathOther(c):
			return string(out)
		}
		out = append(out, c)
		l.i++
	}
	if quoted {
		l.fail(pathError("unterminated quoted string at end of jsonpath input"))
	}
	return string(out)
}

func (l *pathLexer) escape(out []byte) []byte {
	l.i++
	if l.i >= len(l.s) {
		l.fail(pathError("unexpected end after backslash at end of jsonpath input"))
		return nil
	}
	c := l.s[l.i]
	switch c {
	case 'x':
		v, n := hexRun(l.s[l.i+1:], 2)
		if n != 2 {
			l.fail(pathError("invalid hexadecimal character sequence at or near \"%s\" of jsonpath input", l.s[l.i-1:min(len(l.s), l.i+3)]))
			return nil
		}
		l.i += 3
		return l.rune(out, v)
	case 'u':
		return l.unicode(out)
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'v':
		c = '\v'
	default:
		_, n := utf8.DecodeRuneInString(l.rest())
		out = append(out, l.s[l.i:l.i+n]...)
		l.i += n
		return out
	}
	l.i++
	return append(out, c)
}

// hexRun reads up to limit hexadecimal digits.
func hexRun(s string, limit int) (v rune, n int) {
	for n < len(s) && n < limit {
		d := strings.IndexByte("0123456789abcdef", s[n]|32)
		if s[n] < '0' || d < 0 {
			break
		}
		v = v<<4 | rune(d)
		n++
	}
	return v, n
}

func (l *pathLexer) rune(out []byte, v rune) []byte {
	if v == 0 {
		l.fail(pgerr.New(pgerr.UntranslatableCharacter, "unsupported Unicode escape sequence").WithDetail("\\u0000 cannot be converted to text."))
		return nil
	}
	if v > utf8.MaxRune {
		l.fail(pathError("invalid Unicode escape sequence"))
		return nil
	}
	return utf8.AppendRune(out, v)
}

// code reads what follows \u: four digits, or one to six in braces.
func (l *pathLexer) code() (rune, bool) {
	l.i++
	if strings.HasPrefix(l.rest(), "{") {
		v, n := hexRun(l.s[l.i+1:], 6)
		if n > 0 && strings.HasPrefix(l.s[l.i+1+n:], "}") {
			l.i += n + 2
			return v, true
		}
	} else if v, n := hexRun(l.rest(), 4); n == 4 {
		l.i += 4
		return v, true
	}
	l.fail(pathError("invalid Unicode escape sequence at or near \"\\u\" of jsonpath input"))
	return 0, false
}

func (l *pathLexer) unicode(out []byte) []byte {
	v, ok := l.code()
	if !ok {
		return nil
	}
	bad := func(detail string) []byte {
		l.fail(pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type %s", "jsonpath").WithDetail("%s", detail))
		return nil
	}
	switch {
	case v >= 0xdc00 && v < 0xe000:
		return bad("Unicode low surrogate must follow a high surrogate.")
	case v < 0xd800 || v >= 0xdc00:
		return l.rune(out, v)
	}
	if !strings.HasPrefix(l.rest(), "\\u") {
		return bad("Unicode low surrogate must follow a high surrogate.")
	}
	l.i++
	low, ok := l.code()
	switch {
	case !ok:
		return nil
	case low >= 0xd800 && low < 0xdc00:
		return bad("Unicode high surrogate must not follow a high surrogate.")
	case low < 0xdc00 || low >= 0xe000:
		return bad("Unicode low surrogate must follow a high surrogate.")
	}
	return l.rune(out, (v-0xd800)<<10+(low-0xdc00)+0x10000)
}
