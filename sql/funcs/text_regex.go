package funcs

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// The patterns are PostgreSQL's advanced regular expressions (documentation, section 9.7.3), translated for Go's linear-time
// engine. Differences: back references and look-around are refused, and \m, \M, \y and \Y are word boundaries of ASCII words.

// areFlags are the options of a pattern.
type areFlags struct {
	fold     bool // i
	dotLine  bool // . and [^…] stop at line ends
	ancLine  bool // ^ and $ match at lines
	expanded bool // x
	literal  bool // q
	global   bool // g, not of the pattern but of the function
	inside   bool // the search begins inside the text: its start is not to be found
}

// set takes one option letter.
func (f *areFlags) set(c rune) bool {
	switch c {
	case 'c':
		f.fold = false
	case 'i':
		f.fold = true
	case 'm', 'n':
		f.dotLine, f.ancLine = true, true
	case 'p':
		f.dotLine, f.ancLine = true, false
	case 's':
		f.dotLine, f.ancLine = false, false
	case 'w':
		f.dotLine, f.ancLine = false, true
	case 'x':
		f.expanded = true
	case 't':
		f.expanded = false
	case 'q':
		f.literal = true
	case 'b', 'e':
		f.literal = false
	default:
		return false
	}
	return true
}

func badRegexp(why string) error {
	return pgerr.New(pgerr.InvalidRegexp, "invalid regular expression: %s", why)
}

var (
	errParens    = badRegexp("parentheses () not balanced")
	errBrackets  = badRegexp("brackets [] not balanced")
	errBound     = badRegexp("invalid repetition count(s)")
	errOperand   = badRegexp("quantifier operand invalid")
	errBackslash = badRegexp(`invalid escape \ sequence`)
	errClass     = badRegexp("invalid character class")
	errRange     = badRegexp("invalid character range")
	errBackref   = badRegexp("back references are not supported")
	errLook      = badRegexp("look-around constraints are not supported")
)

// are is a translated pattern.
type are struct {
	re    *regexp.Regexp
	text  string // the translation
	empty bool   // the pattern can match nothing
	at    *regexp.Regexp
}

// preference of a part: whether it wants the longest or the shortest match.
type preference byte

const (
	noPreference preference = iota
	longest
	shortest
)

// compileARE translates a pattern. PostgreSQL takes the longest match as a whole, or the shortest if the first quantifier is
// a non-greedy one.
func compileARE(pattern string, flags areFlags) (*are, error) {
	t := &areReader{s: []rune(pattern), flags: flags}
	if err := t.director(); err != nil {
		return nil, err
	}
	if t.flags.literal {
		return finishARE(t.prefix()+regexp.QuoteMeta(string(t.s[t.at:])), true)
	}
	start := *t
	want, err := t.all()
	if err != nil {
		return nil, err
	}
	if want == shortest {
		start.allLazy = true
		t = &start
		if _, err := t.all(); err != nil {
			return nil, err
		}
	}
	return finishARE(t.prefix()+t.out.String(), !t.anyLazy)
}

func finishARE(text string, greedy bool) (*are, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) && (bad.Code == syntax.ErrInvalidRepeatSize || bad.Code == syntax.ErrLarge || bad.Code == syntax.ErrNestingDepth) {
			return nil, badRegexp("regular expression is too complex")
		}
		return nil, badRegexp(err.Error())
	}
	out := &are{re: re, text: text}
	if greedy {
		re.Longest()
	}
	if tree, err := syntax.Parse(text, syntax.Perl); err == nil {
		out.empty = matchesEmpty(tree)
	}
	if out.empty {
		if out.at, err = regexp.Compile(`\A(?s:.)(?:` + text + `)`); err == nil && greedy {
			out.at.Longest()
		}
	}
	return out, nil
}

// matchesEmpty says whether the tree may match without taking a character.
func matchesEmpty(t *syntax.Regexp) bool {
	switch t.Op {
	case syntax.OpNoMatch, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	case syntax.OpLiteral:
		return len(t.Rune) == 0
	case syntax.OpCapture, syntax.OpPlus:
		return matchesEmpty(t.Sub[0])
	case syntax.OpRepeat:
		return t.Min == 0 || matchesEmpty(t.Sub[0])
	case syntax.OpConcat:
		for _, s := range t.Sub {
			if !matchesEmpty(s) {
				return false
			}
		}
	case syntax.OpAlternate:
		for _, s := range t.Sub {
			if matchesEmpty(s) {
				return true
			}
		}
		return false
	}
	return true
}

// areReader translates a pattern while reading it.
type areReader struct {
	s       []rune
	at      int
	flags   areFlags
	out     strings.Builder
	depth   int
	allLazy bool
	anyLazy bool
}

func (t *areReader) prefix() string {
	p := "(?"
	if t.flags.fold {
		p += "i"
	}
	if t.flags.ancLine {
		p += "m"
	}
	if !t.flags.dotLine {
		p += "s"
	}
	if p == "(?" {
		return ""
	}
	return p + ")"
}

// has takes the text if it comes next.
func (t *areReader) has(text string) bool {
	if !strings.HasPrefix(string(t.s[t.at:min(len(t.s), t.at+len(text))]), text) {
		return false
	}
	t.at += len([]rune(text))
	return true
}

func (t *areReader) peek() rune {
	if t.at < len(t.s) {
		return t.s[t.at]
	}
	return -1
}

// director reads *** and (?options) at the start.
func (t *areReader) director() error {
	if t.flags.literal {
		return nil
	}
	switch {
	case t.has("***="):
		t.flags.literal = true
		return nil
	case t.has("***:"):
	case t.has("***"):
		return errOperand
	}
	if t.at+2 < len(t.s) && t.s[t.at] == '(' && t.s[t.at+1] == '?' && unicode.IsLetter(t.s[t.at+2]) {
		for t.at += 2; t.peek() != ')'; t.at++ {
			if !t.flags.set(t.peek()) {
				return badRegexp("invalid embedded option")
			}
		}
		t.at++
	}
	return nil
}

func (t *areReader) all() (preference, error) {
	p, err := t.alternatives()
	if err == nil && t.at < len(t.s) {
		err = errParens
	}
	return p, err
}

// alternatives reads branches up to ) or the end.
func (t *areReader) alternatives() (preference, error) {
	p, err := t.branch()
	for err == nil && t.peek() == '|' {
		t.at++
		t.out.WriteByte('|')
		p = longest
		_, err = t.branch()
	}
	return p, err
}

// space skips white space and comments.
func (t *areReader) space() error {
	for {
		switch {
		case t.flags.expanded && t.peek() == '#':
			for t.at < len(t.s) && t.s[t.at] != '\n' {
				t.at++
			}
		case t.flags.expanded && t.at < len(t.s) && unicode.IsSpace(t.s[t.at]):
			t.at++
		case t.at+2 < len(t.s) && string(t.s[t.at:t.at+3]) == "(?#":
			for t.peek() != ')' {
				if t.at++; t.at > len(t.s) {
					return errParens
				}
			}
			t.at++
		default:
			return nil
		}
	}
}

func (t *areReader) branch() (preference, error) {
	out := noPreference
	for {
		if err := t.space(); err != nil {
			return out, err
		}
		if c := t.peek(); c == -1 || c == '|' || c == ')' && t.depth > 0 {
			return out, nil
		}
		p, fixed, err := t.atom()
		if err == nil && !fixed {
			p, err = t.quantifier(p)
		}
		if err != nil {
			return out, err
		}
		if out == noPreference {
			out = p
		}
	}
}

// quantifier reads what may follow an atom of the given preference and returns the preference of both.
func (t *areReader) quantifier(p preference) (preference, error) {
	if err := t.space(); err != nil {
		return p, err
	}
	fixed := false
	switch c := t.peek(); {
	case c == '*' || c == '+' || c == '?':
		t.out.WriteRune(c)
		t.at++
	case c == '{' && t.at+1 < len(t.s) && '0' <= t.s[t.at+1] && t.s[t.at+1] <= '9':
		t.at++
		var err error
		if fixed, err = t.bound(); err != nil {
			return p, err
		}
	default:
		return p, nil
	}
	want := longest
	if t.peek() == '?' {
		t.at++
		want = shortest
	}
	switch {
	case fixed:
		want = p
	case want == shortest || t.allLazy:
		t.out.WriteByte('?')
		t.anyLazy = true
	}
	return want, nil
}

// bound reads {m}, {m,} or {m,n} after the brace.
func (t *areReader) bound() (fixed bool, err error) {
	number := func() (int, bool) {
		v, from := 0, t.at
		for ; t.at < len(t.s) && '0' <= t.s[t.at] && t.s[t.at] <= '9'; t.at++ {
			v = min(v*10+int(t.s[t.at]-'0'), 1000)
		}
		return v, t.at > from
	}
	lo, _ := number()
	hi, open, comma := lo, false, t.peek() == ','
	if t.peek() == ',' {
		t.at++
		if v, ok := number(); ok {
			hi = v
		} else {
			open = true
		}
	}
	if t.peek() != '}' || lo > 255 || hi > 255 || lo > hi && !open {
		return false, errBound
	}
	t.at++
	switch {
	case open:
		fmt.Fprintf(&t.out, "{%d,}", lo)
	default:
		fmt.Fprintf(&t.out, "{%d,%d}", lo, hi)
	}
	return !open && !comma, nil
}

// atom reads one atom or constraint; fixed is true for what cannot be repeated.
func (t *areReader) atom() (p preference, fixed bool, err error) {
	c := t.s[t.at]
	t.at++
	switch c {
	case '(':
		p, err = t.group()
		return p, false, err
	case ')':
		return p, false, errParens
	case '*', '+', '?':
		return p, false, errOperand
	case '{':
		if d := t.peek(); '0' <= d && d <= '9' {
			return p, false, errOperand
		}
		t.out.WriteString(`\{`)
	case '^':
		t.textStart(`^`, t.flags.inside && !t.flags.ancLine)
		return p, true, nil
	case '$':
		t.out.WriteByte('$')
		return p, true, nil
	case '.':
		t.out.WriteByte('.')
	case '[':
		switch {
		case t.has("[:<:]]"), t.has("[:>:]]"):
			t.out.WriteString(`\b`)
			return p, true, nil
		}
		return p, false, t.bracket()
	case '\\':
		fixed, err = t.escape()
	default:
		t.out.WriteString(regexp.QuoteMeta(string(c)))
	}
	return p, fixed, err
}

// textStart writes a constraint for the start of the text, or what never matches.
func (t *areReader) textStart(constraint string, never bool) {
	if never {
		constraint = `[^\x00-\x{10FFFF}]`
	}
	t.out.WriteString(constraint)
}

func (t *areReader) group() (preference, error) {
	switch {
	case t.has("?:"):
		t.out.WriteString("(?:")
	case t.has("?="), t.has("?!"), t.has("?<="), t.has("?<!"):
		return noPreference, errLook
	case t.peek() == '?':
		return noPreference, errOperand
	default:
		t.out.WriteByte('(')
	}
	t.depth++
	p, err := t.alternatives()
	if err != nil {
		return p, err
	}
	if t.peek() != ')' {
		return p, errParens
	}
	t.at++
	t.depth--
	t.out.WriteByte(')')
	return p, nil
}
