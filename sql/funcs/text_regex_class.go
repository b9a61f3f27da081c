package funcs

import (
	"regexp"
	"strconv"
	"strings"
)

// The character classes as glibc's C.UTF-8 has them: digits are ASCII, letters and spaces Unicode.
const (
	digitClass = `0-9`
	spaceClass = `\t-\r \x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}`
	alnumClass = `\pL\p{Nl}\p{Nd}\p{Mc}`
)

var classShorthands = map[rune]string{
	'd': "[" + digitClass + "]", 'D': "[^" + digitClass + "]", 's': "[" + spaceClass + "]", 'S': "[^" + spaceClass + "]",
	'w': "[_" + alnumClass + "]", 'W': "[^_" + alnumClass + "]",
}

var namedClasses = map[string]string{
	"alnum": alnumClass, "alpha": `\pL\p{Nl}\p{Mc}`, "blank": `\t \x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{205f}\x{3000}`, "cntrl": `\p{Cc}\x{2028}\x{2029}`, "digit": digitClass,
	"graph": `!-~\pL\pM\pN\pP\pS`, "lower": `\p{Ll}`, "print": ` -~\pL\pM\pN\pP\pS\p{Zs}`, "punct": "!-/:-@\\[-`{-~\\pP\\pS", "space": spaceClass, "upper": `\p{Lu}`,
	"xdigit": `0-9A-Fa-f`, "word": `_` + alnumClass,
}

var controlEscapes = map[rune]rune{'a': 7, 'b': 8, 'e': 27, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, 'B': '\\'}

var wordConstraints = map[rune]areMarkKind{'m': markWordStart, 'M': markWordEnd, 'y': markWordBoundary, 'Y': markNoWordBoundary}

// referred reads the number of a subexpression. Of several digits that are no such number the character is meant.
func (t *areReader) referred() (int, bool) {
	from, n := t.at, 0
	for ; t.at < len(t.s) && '0' <= t.s[t.at] && t.s[t.at] <= '9'; t.at++ {
		n = min(n*10+int(t.s[t.at]-'0'), 1000)
	}
	if t.at == from+1 || n <= t.groups {
		return n, true
	}
	t.at = from
	return 0, false
}

// escape translates what follows a backslash outside brackets; fixed is true for constraints.
func (t *areReader) escape() (fixed bool, err error) {
	c := t.peek()
	if class, ok := classShorthands[c]; ok {
		t.at++
		t.out.WriteString(class)
		return false, nil
	}
	if anchor := map[rune]string{'A': `\A`, 'Z': `\z`}[c]; anchor != "" {
		t.at++
		t.out.WriteString(anchor)
		return true, nil
	}
	if kind := wordConstraints[c]; kind != 0 {
		t.at++
		t.constraint(kind, 0)
		return true, nil
	}
	if '1' <= c && c <= '9' {
		if n, ok := t.referred(); ok {
			return false, t.backReference(n)
		}
	}
	r, err := t.charEscape()
	if err == nil {
		t.out.WriteString(regexp.QuoteMeta(string(r)))
	}
	return false, err
}

// charEscape reads an escape that stands for one character, after the backslash.
func (t *areReader) charEscape() (rune, error) {
	c := t.peek()
	t.at++
	if r, ok := controlEscapes[c]; ok {
		return r, nil
	}
	switch {
	case c == -1:
		return 0, errBackslash
	case c == 'c':
		if t.peek() == -1 {
			return 0, errBackslash
		}
		t.at++
		return t.s[t.at-1] & 31, nil
	case c == 'u':
		return t.digits(4, 4, 16)
	case c == 'U':
		return t.digits(8, 8, 16)
	case c == 'x':
		return t.digits(1, 255, 16)
	case '0' <= c && c <= '7':
		t.at--
		return t.digits(1, 3, 8)
	case c == '8' || c == '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		return 0, errBackslash
	}
	return c, nil
}

func (t *areReader) digits(least, most, base int) (rune, error) {
	from := t.at
	for t.at < len(t.s) && t.at-from < most && t.s[t.at] < 128 {
		if _, err := strconv.ParseUint(string(t.s[t.at]), base, 8); err != nil {
			break
		}
		t.at++
	}
	v, err := strconv.ParseUint(string(t.s[from:t.at]), base, 64)
	if err != nil || t.at-from < least || v > 0x10ffff {
		return 0, errBackslash
	}
	return rune(v), nil
}

// bracket translates a bracket expression after the [.
func (t *areReader) bracket() error {
	var b strings.Builder
	b.WriteByte('[')
	if t.peek() == '^' {
		t.at++
		b.WriteByte('^')
		if t.flags.dotLine {
			b.WriteString(`\n`)
		}
	}
	for start := t.at; ; {
		c := t.peek()
		if c == -1 {
			return errBrackets
		}
		if c == ']' && t.at > start {
			t.at++
			b.WriteByte(']')
			t.out.WriteString(b.String())
			return nil
		}
		class, lo, err := t.member()
		if err != nil {
			return err
		}
		ranged := t.peek() == '-' && t.at+1 < len(t.s) && t.s[t.at+1] != ']'
		if class != "" {
			if ranged {
				return errRange
			}
			b.WriteString(class)
			continue
		}
		writeMember(&b, lo)
		if !ranged {
			continue
		}
		t.at++
		class, hi, err := t.member()
		switch {
		case err != nil:
			return err
		case class != "" || hi < lo:
			return errRange
		}
		b.WriteByte('-')
		writeMember(&b, hi)
	}
}

func writeMember(b *strings.Builder, r rune) {
	b.WriteString(`\x{` + strconv.FormatInt(int64(r), 16) + `}`)
}

// member reads one member of a bracket expression: a class in Go's notation, or a character.
func (t *areReader) member() (class string, r rune, err error) {
	c := t.peek()
	t.at++
	switch {
	case c == -1:
		return "", 0, errBrackets
	case c == '\\':
		switch d := t.peek(); d {
		case 'd', 's', 'w':
			t.at++
			class = classShorthands[d]
			return class[1 : len(class)-1], 0, nil
		case 'D', 'S', 'W', 'A', 'Z', 'm', 'M', 'y', 'Y', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			return "", 0, errBackslash
		}
		r, err = t.charEscape()
		return "", r, err
	case c == '[' && (t.peek() == ':' || t.peek() == '.' || t.peek() == '='):
		kind := t.peek()
		rest := string(t.s[t.at+1:])
		end := strings.Index(rest, string(kind)+"]")
		if end < 0 {
			return "", 0, errBrackets
		}
		name := []rune(rest[:end])
		t.at += 1 + len(name) + 2
		if kind == ':' {
			if class = namedClasses[string(name)]; class == "" {
				return "", 0, errClass
			}
			if t.flags.fold && (string(name) == "lower" || string(name) == "upper") {
				class = namedClasses["alpha"]
			}
			return class, 0, nil
		}
		if len(name) != 1 {
			return "", 0, badRegexp("invalid collating element")
		}
		return "", name[0], nil
	}
	return "", c, nil
}
