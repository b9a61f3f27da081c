package syntax

import (
	"math"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// number reads a number: 12, 1_000, 0xFF, 1.5, .5, 1e10.
func (l *lexer) number() token {
	start := l.pos
	if base, digits := l.basePrefix(); base != 0 {
		l.pos += 2
		l.run(digits, true)
		if l.pos == start+2 {
			return l.fail(start, "invalid "+baseNames[base]+" integer")
		}
		if l.junk() {
			return l.fail(start, "trailing junk after numeric literal")
		}
		return l.integer(start)
	}
	l.run("0123456789", false)
	decimal := false
	if l.at(0) == '.' && l.at(1) != '.' {
		decimal = true
		l.pos++
		l.run("0123456789", false)
	}
	if c := l.at(0); c == 'e' || c == 'E' {
		n := 1
		if s := l.at(1); s == '+' || s == '-' {
			n = 2
		}
		if isDigit(l.at(n)) {
			decimal = true
			l.pos += n
			l.run("0123456789", false)
		} else {
			l.pos += n
			return l.fail(start, "trailing junk after numeric literal")
		}
	}
	if l.junk() {
		return l.fail(start, "trailing junk after numeric literal")
	}
	if decimal {
		return token{kind: tDecimal, pos: start, end: l.pos, text: strings.ReplaceAll(l.src[start:l.pos], "_", "")}
	}
	return l.integer(start)
}

var baseNames = map[int]string{16: "hexadecimal", 8: "octal", 2: "binary"}

func (l *lexer) basePrefix() (base int, digits string) {
	if l.at(0) != '0' {
		return 0, ""
	}
	switch l.at(1) {
	case 'x', 'X':
		return 16, "0123456789abcdefABCDEF"
	case 'o', 'O':
		return 8, "01234567"
	case 'b', 'B':
		return 2, "01"
	}
	return 0, ""
}

// run moves over digits with single underscores between them (before the first one too after 0x).
func (l *lexer) run(digits string, lead bool) {
	first := !lead
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		if c == '_' && (!first || lead) && l.at(1) != 0 && strings.IndexByte(digits, l.at(1)) >= 0 {
			l.pos += 2
		} else if strings.IndexByte(digits, c) >= 0 {
			l.pos++
		} else {
			return
		}
		first = false
	}
}

// junk moves over a name that follows a number without a blank, and says whether there is one.
func (l *lexer) junk() bool {
	if !isIdentStart(l.at(0)) {
		return false
	}
	for isIdentPart(l.at(0)) {
		l.pos++
	}
	return true
}

// integer makes the token of an integer: tInt if it fits int32, else tDecimal.
func (l *lexer) integer(start int) token {
	t := token{kind: tInt, pos: start, end: l.pos}
	raw := strings.ReplaceAll(l.src[start:l.pos], "_", "")
	v, err := strconv.ParseUint(raw, base0(raw), 64)
	switch {
	case err != nil:
		t.kind, t.text = tDecimal, raw
	case v > math.MaxInt32:
		t.kind, t.text = tDecimal, raw
	default:
		t.text = strconv.FormatUint(v, 10)
	}
	return t
}

// base0 is the base to give to strconv: Go's 0 would read 010 as octal.
func base0(s string) int {
	if len(s) > 1 && s[0] == '0' && !isDigit(s[1]) {
		return 0
	}
	return 10
}

// dollar reads $1 or a dollar-quoted string.
func (l *lexer) dollar() token {
	start := l.pos
	if isDigit(l.at(1)) {
		l.pos++
		for isDigit(l.at(0)) {
			l.pos++
		}
		text := l.src[start+1 : l.pos]
		if isIdentStart(l.at(0)) {
			for isIdentPart(l.at(0)) {
				l.pos++
			}
			return l.fail(start, "trailing junk after parameter")
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return l.fail(start, "parameter number too large")
		}
		return token{kind: tParam, pos: start, end: l.pos, num: int(n)}
	}
	i := start + 1
	if i < len(l.src) && isIdentStart(l.src[i]) {
		for i < len(l.src) && (isIdentStart(l.src[i]) || isDigit(l.src[i])) {
			i++
		}
	}
	if i >= len(l.src) || l.src[i] != '$' {
		l.pos++
		return l.fail(start, "syntax error")
	}
	tag := l.src[start : i+1]
	n := strings.Index(l.src[i+1:], tag)
	if n < 0 {
		l.pos = len(l.src)
		return l.fail(start, "unterminated dollar-quoted string")
	}
	l.pos = i + 1 + n + len(tag)
	return token{kind: tString, pos: start, end: l.pos, text: l.src[i+1 : i+1+n]}
}

// tooLong is the error for a source that is longer than any statement may be.
func tooLong() *pgerr.Error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "statement is longer than %d bytes", MaxLength)
}
