package funcs

import (
	"fmt"
	"strings"
)

// quantified reads an atom with what says how often.
func (t *areReader) quantified() (preference, error) {
	p, fixed, err := t.atom()
	if err != nil || fixed {
		return p, err
	}
	q, err := t.quantifier(p)
	if err == nil {
		t.times(q)
	}
	return q.want, err
}

// parenthesized reads what begins with a parenthesis. What quantifiers make of subexpressions is PostgreSQL's way: of x+ the
// last x is a subexpression, and those before it take what they can; each turn of a loop forgets the subexpressions of the one
// before. {1,1} says nothing but the preference of the whole, which is that of what is
// repeated in it if that is one piece.
func (t *areReader) parenthesized() (preference, error) {
	before, text := *t, t.out.String()
	t.muted = true
	p, fixed, err := t.atom()
	var q quantity
	if err == nil && !fixed {
		q, err = t.quantifier(p)
	}
	if err != nil {
		return p, err
	}
	end, groups, backs, itself, single := t.at, t.groups-before.groups, t.backs > before.backs, t.s[before.at+1] != '?', t.single
	ahead := groups > 0 && q.lo > 0 && (q.hi > 1 || q.hi < 0) && !backs
	if !ahead {
		*t = before
		t.out = strings.Builder{}
		t.out.WriteString(text)
	} else {
		t.times(quantity{given: true, lo: q.lo - 1, hi: max(q.hi-1, -1), fixed: q.fixed, want: q.want})
		t.at, t.groups, t.closed, t.muted = before.at, before.groups, before.closed, false
	}
	clears := q.lo == 0 && q.hi != 1 && (groups > 1 || groups == 1 && !itself)
	if clears {
		t.out.WriteString("(?:()")
		t.marks = append(t.marks, areMark{markClear, t.groups + 1, t.groups + groups})
		t.loops = true
	}
	if q.given && q.lo == 1 && q.hi == 1 && !q.fixed && p != noPreference && q.want != p && single {
		t.force = q.want
	}
	if _, _, err = t.atom(); err != nil {
		return p, err
	}
	t.force = before.force
	if clears {
		t.out.WriteByte(')')
	}
	if t.at = end; q.given && !ahead {
		t.times(q)
	}
	if !q.given {
		return p, nil
	}
	return q.want, nil
}

// quantity says how often an atom comes: hi is -1 without a bound.
type quantity struct {
	given  bool
	lo, hi int
	fixed  bool       // {m}, which prefers nothing
	want   preference // of the whole
}

// quantifier reads what may follow an atom of the given preference.
func (t *areReader) quantifier(p preference) (q quantity, err error) {
	q.want = p
	if err := t.space(); err != nil {
		return q, err
	}
	switch c := t.peek(); {
	case c == '*':
		q.hi = -1
	case c == '+':
		q.lo, q.hi = 1, -1
	case c == '?':
		q.hi = 1
	case c == '{' && t.at+1 < len(t.s) && '0' <= t.s[t.at+1] && t.s[t.at+1] <= '9':
		if q, err = t.bound(); err != nil {
			return q, err
		}
		t.at--
	default:
		return q, nil
	}
	t.at++
	q.given, q.want = true, longest
	if t.peek() == '?' {
		t.at++
		q.want = shortest
	}
	if q.fixed {
		q.want = p
	}
	return q, nil
}

// bound reads {m}, {m,} or {m,n}.
func (t *areReader) bound() (q quantity, err error) {
	number := func() (int, bool) {
		v, from := 0, t.at
		for ; t.at < len(t.s) && '0' <= t.s[t.at] && t.s[t.at] <= '9'; t.at++ {
			v = min(v*10+int(t.s[t.at]-'0'), 1000)
		}
		return v, t.at > from
	}
	t.at++
	q.lo, _ = number()
	if q.hi, q.fixed = q.lo, t.peek() != ','; !q.fixed {
		t.at++
		if v, ok := number(); ok {
			q.hi = v
		} else {
			q.hi = -1
		}
	}
	if t.peek() != '}' || q.lo > 255 || q.hi > 255 || q.lo > q.hi && q.hi >= 0 {
		return q, errBound
	}
	t.at++
	return q, nil
}

// times writes a quantifier.
func (t *areReader) times(q quantity) {
	switch {
	case !q.given:
		return
	case q.lo == 0 && q.hi < 0:
		t.out.WriteByte('*')
	case q.lo == 1 && q.hi < 0:
		t.out.WriteByte('+')
	case q.lo == 0 && q.hi == 1:
		t.out.WriteByte('?')
	case q.hi < 0:
		fmt.Fprintf(&t.out, "{%d,}", q.lo)
	default:
		fmt.Fprintf(&t.out, "{%d,%d}", q.lo, q.hi)
	}
	if !q.fixed && (t.force == shortest || t.force != longest && q.want == shortest) {
		t.out.WriteByte('?')
		t.anyLazy = true
	}
}
