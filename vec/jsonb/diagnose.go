package jsonb

import (
	"fmt"
	"unicode/utf8"
)

// lexer finds the error in a text that the Scanner has refused, in the order and
// the words of PostgreSQL. It is slow and only ever sees bad text.
type lexer struct {
	in          []byte
	start, term int // of the current token; start is -1 at the end
	line        int
	lineStart   int
	tok         byte // the character itself, or one of s(tring) n(umber) w(ord), 0 at the end
	err         *Error
}

// diagnose gives the error in text, which has one.
func diagnose(text []byte) *Error {
	if e := badUTF8(text); e != nil {
		return e
	}
	l := &lexer{in: text, line: 1, tok: '?'}
	if l.next() && l.value(0) && l.tok != 0 {
		l.expected("end of input")
	}
	if l.err == nil {
		return &Error{Code: CodeInvalidText, Message: invalidSyntax}
	}
	return l.err
}

const invalidSyntax = "invalid input syntax for type json"

func badUTF8(text []byte) *Error {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r != utf8.RuneError || n > 1 {
			i += n
			continue
		}
		msg := `invalid byte sequence for encoding "UTF8":`
		for _, c := range text[i:min(len(text), i+sequenceLen(text[i]))] {
			msg += fmt.Sprintf(" 0x%02x", c)
		}
		return &Error{Code: CodeNotInRepertoire, Offset: i, Message: msg}
	}
	return nil
}

// sequenceLen gives how long the first byte says the sequence is.
func sequenceLen(c byte) int {
	switch {
	case c&0xe0 == 0xc0:
		return 2
	case c&0xf0 == 0xe0:
		return 3
	case c&0xf8 == 0xf0:
		return 4
	}
	return 1
}

// fail records the first error. Detail refers to the current token by start and
// term, which also bound the context shown.
func (l *lexer) fail(detail string, at int) bool {
	l.err = &Error{
		Code: CodeInvalidText, Offset: at, Message: invalidSyntax, Detail: detail,
		Context: l.context(),
	}
	return false
}

func (l *lexer) context() string {
	from := l.lineStart
	for l.term-from >= 50 {
		_, n := utf8.DecodeRune(l.in[from:])
		from += n
	}
	if from-l.lineStart <= 3 {
		from = l.lineStart
	}
	prefix, suffix := "", ""
	if from > l.lineStart {
		prefix = "..."
	}
	if l.tok != 0 && l.term < len(l.in) && l.in[l.term] != '\n' && l.in[l.term] != '\r' {
		suffix = "..."
	}
	return fmt.Sprintf("JSON data, line %d: %s%s%s", l.line, prefix, l.in[from:max(from, l.term)], suffix)
}

func (l *lexer) expected(what string) bool {
	if l.tok == 0 {
		return l.fail("The input string ended unexpectedly.", len(l.in))
	}
	return l.fail(fmt.Sprintf(`Expected %s, but found "%s".`, what, l.in[l.start:l.term]), l.start)
}

func (l *lexer) invalid() bool {
	return l.fail(fmt.Sprintf(`Token "%s" is invalid.`, l.in[l.start:l.term]), l.start)
}

// next reads a token.
func (l *lexer) next() bool {
	i := l.term
	for i < len(l.in) && (l.in[i] == ' ' || l.in[i] == '\t' || l.in[i] == '\n' || l.in[i] == '\r') {
		if l.in[i] == '\n' {
			l.line++
			l.lineStart = i + 1
		}
		i++
	}
	l.start = i
	if i >= len(l.in) {
		l.term, l.tok = i, 0
		return true
	}
	switch c := l.in[i]; c {
	case '{', '}', '[', ']', ',', ':':
		l.term, l.tok = i+1, c
		return true
	case '"':
		return l.str(i + 1)
	case '-':
		return l.number(i + 1)
	default:
		if c >= '0' && c <= '9' {
			return l.number(i)
		}
	}
	for i < len(l.in) && isWord(l.in[i]) {
		i++
	}
	if i == l.start {
		l.term = i + 1
		return l.invalid()
	}
	l.term = i
	switch string(l.in[l.start:i]) {
	case "true", "false", "null":
		l.tok = 'w'
		return true
	}
	return l.invalid()
}

func (l *lexer) number(i int) bool {
	digits := func() bool {
		from := i
		for i < len(l.in) && l.in[i]-'0' < 10 {
			i++
		}
		return i > from
	}
	ok := true
	if i < len(l.in) && l.in[i] == '0' {
		i++
	} else {
		ok = digits()
	}
	if i < len(l.in) && l.in[i] == '.' {
		i++
		ok = digits() && ok
	}
	if i < len(l.in) && l.in[i]|0x20 == 'e' {
		i++
		if i < len(l.in) && (l.in[i] == '+' || l.in[i] == '-') {
			i++
		}
		ok = digits() && ok
	}
	for i < len(l.in) && isWord(l.in[i]) {
		i++
		ok = false
	}
	l.term, l.tok = i, 'n'
	return ok || l.invalid()
}

// surrogate looks at the escape r at i, given the high surrogate before it or -1,
// and gives what is now before the next.
func (l *lexer) surrogate(r, high rune, i int) (rune, bool) {
	was := l.term
	l.term = i + 6
	switch isHigh, isLow := r&^0x3ff == 0xd800, r&^0x3ff == 0xdc00; {
	case isHigh && high >= 0:
		return 0, l.fail("Unicode high surrogate must not follow a high surrogate.", i)
	case isLow != (high >= 0) && !isHigh:
		return 0, l.fail("Unicode low surrogate must follow a high surrogate.", i)
	case r == 0:
		l.fail(`\u0000 cannot be converted to text.`, i)
		l.err.Code, l.err.Message = CodeUntranslatable, "unsupported Unicode escape sequence"
		return 0, false
	case isHigh:
		l.term = was
		return r, true
	}
	l.term = was
	return -1, true
}

// str reads a string.
func (l *lexer) str(i int) bool {
	high := rune(-1)
	for ; ; i++ {
		if i >= len(l.in) {
			l.term = i
			return l.invalid()
		}
		c := l.in[i]
		if c == '\\' && i+1 < len(l.in) && l.in[i+1] == 'u' {
			r, ok := l.unicode(i + 2)
			if !ok {
				return false
			}
			if high, ok = l.surrogate(r, high, i); !ok {
				return false
			}
			i += 5
			continue
		}
		if c < ' ' {
			l.term = i
			return l.fail(fmt.Sprintf("Character with value 0x%02x must be escaped.", c), i)
		}
		at := i
		if c == '\\' {
			if i++; i >= len(l.in) {
				l.term = i
				return l.invalid()
			}
		}
		_, n := utf8.DecodeRune(l.in[i:])
		if high >= 0 {
			l.term = i + n
			return l.fail("Unicode low surrogate must follow a high surrogate.", at)
		}
		if c == '"' {
			l.term, l.tok = i+1, 's'
			return true
		}
		if c != '\\' {
			continue
		}
		if unescape[l.in[i]] == 0 {
			l.start, l.term = i, i+n
			return l.fail(fmt.Sprintf(`Escape sequence "\%s" is invalid.`, l.in[i:i+n]), at)
		}
	}
}

// unicode reads the four digits of an escape.
func (l *lexer) unicode(i int) (r rune, ok bool) {
	for k := range 4 {
		if i+k >= len(l.in) {
			l.term = len(l.in)
			return 0, l.invalid()
		}
		h, ok := hexDigit(l.in[i+k])
		if !ok {
			_, n := utf8.DecodeRune(l.in[i+k:])
			l.term = i + k + n
			return 0, l.fail(`"\u" must be followed by four hexadecimal digits.`, i+k)
		}
		r = r<<4 | h
	}
	return r, true
}

// value checks one value and reads the token after it.
func (l *lexer) value(depth int) bool {
	if (l.tok == '{' || l.tok == '[') && depth == MaxDepth {
		l.err = tooDeep(l.start)
		return false
	}
	switch l.tok {
	case 's', 'n', 'w':
		return l.next()
	case '{':
		return l.object(depth)
	case '[':
		return l.array(depth)
	}
	return l.expected("JSON value")
}

func (l *lexer) object(depth int) bool {
	if !l.next() {
		return false
	}
	if l.tok == 's' {
		for {
			if l.tok != 's' {
				return l.expected("string")
			}
			if !l.next() {
				return false
			}
			if l.tok != ':' {
				return l.expected(`":"`)
			}
			if !l.next() || !l.value(depth+1) {
				return false
			}
			if l.tok != ',' {
				break
			}
			if !l.next() {
				return false
			}
		}
		if l.tok != '}' {
			return l.expected(`"," or "}"`)
		}
	} else if l.tok != '}' {
		return l.expected(`string or "}"`)
	}
	return l.next()
}

func (l *lexer) array(depth int) bool {
	if !l.next() {
		return false
	}
	for l.tok != ']' {
		if !l.value(depth + 1) {
			return false
		}
		if l.tok == ']' {
			break
		}
		if l.tok != ',' {
			return l.expected(`"," or "]"`)
		}
		if !l.next() {
			return false
		}
		if l.tok == ']' {
			return l.expected("JSON value")
		}
	}
	return l.next()
}
