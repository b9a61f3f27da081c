package funcs

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// The patterns are PostgreSQL's advanced regular expressions (documentation, section 9.7.3), translated for Go's linear-time
// engine and, where that would find something else or cannot search at all, for areMatcher. A difference is left: which part of a
// match a subexpression gets is found out from left to right, without trying the longer alternatives first.

// areFlags are the options of a pattern.
type areFlags struct {
	fold     bool // i
	dotLine  bool // . and [^…] stop at line ends
	ancLine  bool // ^ and $ match at lines
	expanded bool // x
	literal  bool // q
	global   bool // g, not of the pattern but of the function
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
	errBackref   = badRegexp("invalid backreference number")
)

// are is a translated pattern.
type are struct {
	re       *regexp.Regexp // of the translation, in which what stands for a constraint holds everywhere
	prog     *areProgram
	around   []areLook
	groups   int
	fold     bool
	shortest bool // the match as a whole is to be the shortest
	relaxed  bool // re matches more texts than the pattern
	exact    bool // re finds the places that the pattern has
	empty    bool // the pattern can match nothing
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
	t := &areReader{s: []rune(pattern), flags: flags, marks: make([]areMark, 1)}
	if err := t.director(); err != nil {
		return nil, err
	}
	if t.flags.literal {
		t.out.WriteString(regexp.QuoteMeta(string(t.s[t.at:])))
		return t.finish(false)
	}
	want, err := t.all()
	if err != nil {
		return nil, err
	}
	return t.finish(want == shortest)
}

// finish compiles what was read.
func (t *areReader) finish(short bool) (*are, error) {
	text := t.prefix() + t.out.String()
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, tooComplex(err)
	}
	out := &are{re: re, around: t.around, groups: t.groups, fold: t.flags.fold, shortest: short, relaxed: t.constrained}
	out.exact = !t.constrained && !t.anyLazy && !t.loops
	if out.exact {
		re.Longest()
	}
	if out.prog, err = newProgram(text, t.marks, false); err != nil {
		return nil, tooComplex(err)
	}
	if tree, err := syntax.Parse(text, syntax.Perl); err == nil {
		out.empty = matchesEmpty(tree)
	}
	return out, nil
}

func tooComplex(err error) error {
	var bad *syntax.Error
	if errors.As(err, &bad) && (bad.Code == syntax.ErrInvalidRepeatSize || bad.Code == syntax.ErrLarge || bad.Code == syntax.ErrNestingDepth) {
		return badRegexp("regular expression is too complex")
	}
	return badRegexp(err.Error())
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
	force   preference // of all quantifiers, whatever they say
	anyLazy bool
	loops   bool // a loop forgets subexpressions
	single  bool // the branch that was read last is one piece
	muted   bool // subexpressions are only counted
	backs   int  // how many back references were read

	marks       []areMark // what the subexpressions of the translation are
	around      []areLook
	groups      int
	closed      []bool // by subexpression
	looking     int    // how many look-around constraints are open
	constrained bool   // there is something that is only marked
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
	for pieces := 0; ; pieces++ {
		if err := t.space(); err != nil {
			return out, err
		}
		if c := t.peek(); c == -1 || c == '|' || c == ')' && t.depth > 0 {
			t.single = pieces == 1
			return out, nil
		}
		var p preference
		var err error
		if t.peek() == '(' && !t.muted {
			p, err = t.parenthesized()
		} else {
			p, err = t.quantified()
		}
		if err != nil {
			return out, err
		}
		if out == noPreference {
			out = p
		}
	}
}

// atom reads one atom or constraint; fixed is true for what cannot be repeated.
func (t *areReader) atom() (p preference, fixed bool, err error) {
	c := t.s[t.at]
	t.at++
	switch c {
	case '(':
		return t.group()
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
		t.out.WriteByte('^')
		return p, true, nil
	case '$':
		t.out.WriteByte('$')
		return p, true, nil
	case '.':
		t.out.WriteByte('.')
	case '[':
		switch {
		case t.has("[:<:]]"):
			t.constraint(markWordStart, 0)
			return p, true, nil
		case t.has("[:>:]]"):
			t.constraint(markWordEnd, 0)
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

// constraint writes what stands for one.
func (t *areReader) constraint(kind areMarkKind, n int) {
	t.marks = append(t.marks, areMark{kind: kind, n: n})
	t.constrained = true
	t.out.WriteString("()")
}

// backReference writes what stands for one: whatever it may match.
func (t *areReader) backReference(n int) error {
	if t.looking > 0 || n > t.groups || !t.closed[n-1] {
		return errBackref
	}
	t.marks = append(t.marks, areMark{kind: markBack, n: n})
	t.backs++
	t.constrained = true
	t.out.WriteString("((?s:.*))")
	return nil
}

// group reads what is in parentheses; fixed is true for a constraint.
func (t *areReader) group() (p preference, fixed bool, err error) {
	capture := 0
	switch {
	case t.has("?:"):
		t.out.WriteString("(?:")
	case t.has("?="), t.has("?!"):
		return p, true, t.lookAround(false, t.s[t.at-1] == '!')
	case t.has("?<="), t.has("?<!"):
		return p, true, t.lookAround(true, t.s[t.at-1] == '!')
	case t.peek() == '?':
		return p, false, errOperand
	case t.looking > 0:
		t.out.WriteString("(?:")
	default:
		t.groups++
		capture = t.groups
		t.closed = append(t.closed, false)
		if t.muted {
			t.out.WriteString("(?:")
		} else {
			t.out.WriteByte('(')
			t.marks = append(t.marks, areMark{kind: markGroup, n: capture})
		}
	}
	if p, err = t.inside(); err != nil {
		return p, false, err
	}
	if capture > 0 {
		t.closed[capture-1] = true
	}
	t.out.WriteByte(')')
	return p, false, nil
}

// inside reads up to the parenthesis that closes.
func (t *areReader) inside() (preference, error) {
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
	return p, nil
}

// lookAround reads a constraint into a program of its own.
func (t *areReader) lookAround(behind, negative bool) error {
	within := *t
	within.out, within.marks, within.constrained = strings.Builder{}, make([]areMark, 1), false
	within.looking++
	if _, err := within.inside(); err != nil {
		return err
	}
	prog, err := newProgram(within.prefix()+within.out.String(), within.marks, !behind)
	if err != nil {
		return tooComplex(err)
	}
	t.at, t.around = within.at, append(within.around, areLook{prog, behind, negative})
	t.constraint(markLook, len(t.around)-1)
	return nil
}
