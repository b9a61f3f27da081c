package funcs

import (
	"bytes"
	"regexp/syntax"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"
)

// What Go's engine cannot do is done here by backtracking over its compiled program. A subexpression in the program that
// the pattern does not have stands for a constraint or a back reference. A state that was tried is not tried again, so the time is
// bounded by the program's length times the text's; with back references what they refer to is part of the state.

// areMark is what a subexpression of the translation stands for.
type areMark struct {
	kind areMarkKind
	n    int // which subexpression of the pattern, or which of are.around
	last int // for markClear the last subexpression
}

type areMarkKind byte

const (
	markGroup areMarkKind = iota
	markBack
	markLook
	markWordStart
	markWordEnd
	markWordBoundary
	markNoWordBoundary
	markClear // a turn of a loop begins: n and the subexpressions inside it are forgotten
)

// areProgram is a compiled translation.
type areProgram struct {
	prog  *syntax.Prog
	marks []areMark
	forks []int // number of each instruction that goes two ways
	forky int   // how many there are
	backs []int // subexpressions that are referred to
	lead  []byte
}

// newProgram compiles a translation, with reverse one that reads texts from their end.
func newProgram(text string, marks []areMark, reverse bool) (*areProgram, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if reverse {
		turn(tree)
	}
	p := &areProgram{marks: marks}
	if p.prog, err = syntax.Compile(tree.Simplify()); err != nil {
		return nil, err
	}
	p.forks = make([]int, len(p.prog.Inst))
	for i, inst := range p.prog.Inst {
		if inst.Op == syntax.InstAlt || inst.Op == syntax.InstAltMatch {
			p.forks[i] = p.forky
			p.forky++
		}
	}
	for _, m := range marks {
		if m.kind == markBack && !slices.Contains(p.backs, m.n) {
			p.backs = append(p.backs, m.n)
		}
	}
	lead, _ := p.prog.Prefix()
	p.lead = []byte(lead)
	return p, nil
}

func turn(t *syntax.Regexp) {
	switch t.Op {
	case syntax.OpConcat:
		slices.Reverse(t.Sub)
	case syntax.OpLiteral:
		slices.Reverse(t.Rune)
	}
	for _, s := range t.Sub {
		turn(s)
	}
}

// areMatcher searches one text.
type areMatcher struct {
	*are
	c     *Ctx
	s     []byte
	looks [][]uint64 // where each look-around holds, when it was asked
	tried []uint64   // a bit for each fork at each place
	upTo  int        // the last place with such a bit
	keyed map[string]struct{}
	key   []byte
	caps  []int
	best  []int
	stack []areStep
	steps int
	any   bool // whether there is a match is all that is asked
}

// areStep is a way not yet taken, or with pc -1 an end of a subexpression to put back.
type areStep struct {
	pc, at, old int
}

var areMatchers = sync.Pool{New: func() any { return new(areMatcher) }}

// matcher begins the search of a text; whoever asked gives it back with done.
func (r *are) matcher(c *Ctx, s []byte) (*areMatcher, error) {
	words := (r.prog.forky*(len(s)+1) + 63) / 64
	if err := c.Allow(int64(8 * words)); err != nil {
		return nil, err
	}
	m := areMatchers.Get().(*areMatcher)
	*m = areMatcher{are: r, c: c, s: s, looks: make([][]uint64, len(r.around)), tried: m.tried, key: m.key, stack: m.stack[:0], caps: m.caps[:0], upTo: -1}
	if cap(m.tried) < words {
		m.tried = make([]uint64, words)
	}
	m.tried = m.tried[:words]
	clear(m.tried)
	m.caps = slices.Grow(m.caps, 2*r.groups+2)[:2*r.groups+2]
	return m, nil
}

func (m *areMatcher) done() {
	m.are, m.c, m.s, m.looks, m.keyed, m.best = nil, nil, nil, nil, nil, nil
	if cap(m.tried) < 1<<16 {
		areMatchers.Put(m)
	}
}

// next finds the first match that begins at from or later.
func (m *areMatcher) next(from int) ([]int, error) {
	for at := from; at <= len(m.s); {
		if lead := m.prog.lead; len(lead) > 0 {
			k := bytes.Index(m.s[at:], lead)
			if k < 0 {
				break
			}
			at += k
		}
		if err := m.begin(at); err != nil {
			return nil, err
		}
		if m.best != nil {
			break
		}
		_, w := utf8.DecodeRune(m.s[at:])
		at += max(w, 1)
	}
	found := m.best
	m.best = nil
	// Failures hold for whatever begins later, what a match went through does not.
	if found != nil && m.upTo >= 0 {
		clear(m.tried[from*m.prog.forky/64 : min((m.upTo+1)*m.prog.forky/64+1, len(m.tried))])
		m.upTo = -1
	}
	return found, nil
}

// begin looks for the match that begins at a place: the longest, or the shortest, and of those of a length the one that is
// found first.
func (m *areMatcher) begin(at int) error {
	if len(m.keyed) > 0 {
		m.keyed = nil
	}
	for i := range m.caps {
		m.caps[i] = -1
	}
	m.caps[0] = at
	m.stack = append(m.stack[:0], areStep{pc: m.prog.prog.Start, at: at})
	for len(m.stack) > 0 {
		last := len(m.stack) - 1
		step := m.stack[last]
		m.stack = m.stack[:last]
		if step.pc < 0 {
			m.caps[step.at] = step.old
			continue
		}
		end, err := m.follow(step.pc, step.at)
		if err != nil {
			return err
		}
		if end < 0 || m.best != nil && (end == m.best[1] || end < m.best[1] != m.shortest) {
			continue
		}
		m.best = append(m.best[:0], m.caps...)
		m.best[1] = end
		if m.any || !m.shortest && end == len(m.s) {
			break
		}
	}
	return nil
}

// follow goes one way to its end: that of a match, or -1.
func (m *areMatcher) follow(pc, at int) (int, error) {
	for {
		if m.steps++; m.steps%4096 == 0 {
			if err := m.c.canceled(); err != nil {
				return -1, err
			}
		}
		inst := &m.prog.prog.Inst[pc]
		switch inst.Op {
		case syntax.InstMatch:
			return at, nil
		case syntax.InstFail:
			return -1, nil
		case syntax.InstAlt, syntax.InstAltMatch:
			new, err := m.try(pc, at)
			if err != nil || !new || m.shortest && m.best != nil && at >= m.best[1] {
				return -1, err
			}
			m.stack = append(m.stack, areStep{pc: int(inst.Arg), at: at})
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^emptyOps(m.s, at) != 0 {
				return -1, nil
			}
		case syntax.InstCapture:
			ok, err := m.mark(m.prog.marks, inst, at)
			if err != nil || !ok {
				return -1, err
			}
			if mark := m.prog.marks[inst.Arg/2]; mark.kind == markBack && inst.Arg%2 == 0 {
				if at, ok = m.repeated(mark.n, at); !ok {
					return -1, nil
				}
				pc = behind(m.prog.prog, int(inst.Out))
				continue
			}
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			r, w := utf8.DecodeRune(m.s[at:])
			if w == 0 || !takes(inst, r) {
				return -1, nil
			}
			at += w
		}
		pc = int(inst.Out)
	}
}

func takes(inst *syntax.Inst, r rune) bool {
	return inst.Op == syntax.InstRuneAny || inst.MatchRune(r)
}

// behind is what follows the loop over any characters that stands for a back reference.
func behind(p *syntax.Prog, loop int) int {
	if next := int(p.Inst[loop].Arg); p.Inst[next].Op == syntax.InstCapture {
		return next
	}
	return int(p.Inst[loop].Out)
}

// try notes a state and reports whether it is new.
func (m *areMatcher) try(pc, at int) (bool, error) {
	p := m.prog
	if len(p.backs) == 0 {
		bit := at*p.forky + p.forks[pc]
		if m.tried[bit/64]>>(bit%64)&1 != 0 {
			return false, nil
		}
		m.tried[bit/64] |= 1 << (bit % 64)
		m.upTo = max(m.upTo, at)
		return true, nil
	}
	key := appendState(m.key[:0], pc, at)
	for _, g := range p.backs {
		key = appendState(key, m.caps[2*g], m.caps[2*g+1])
	}
	m.key = key
	if _, ok := m.keyed[string(key)]; ok {
		return false, nil
	}
	if m.keyed == nil {
		m.keyed = map[string]struct{}{}
	}
	m.keyed[string(key)] = struct{}{}
	return true, m.c.Allow(int64(len(m.keyed) * (2*len(key) + matchSize)))
}

func appendState(key []byte, a, b int) []byte {
	return append(key, byte(a), byte(a>>8), byte(a>>16), byte(a>>24), byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
}

// mark does what a subexpression of the translation stands for and reports whether the way goes on.
func (m *areMatcher) mark(marks []areMark, inst *syntax.Inst, at int) (bool, error) {
	mark := marks[inst.Arg/2]
	switch {
	case mark.kind == markGroup && mark.n > 0:
		m.set(2*mark.n+int(inst.Arg%2), at)
		return true, nil
	case mark.kind == markClear && inst.Arg%2 == 0:
		for slot := 2 * mark.n; slot < 2*mark.last+2; slot++ {
			m.set(slot, -1)
		}
		return true, nil
	case mark.kind == markGroup || mark.kind == markBack || inst.Arg%2 != 0:
		return true, nil
	case mark.kind == markLook:
		return m.look(mark.n, at)
	}
	before, after := wordBefore(m.s, at), wordAfter(m.s, at)
	switch mark.kind {
	case markWordStart:
		return !before && after, nil
	case markWordEnd:
		return before && !after, nil
	case markWordBoundary:
		return before != after, nil
	}
	return before == after, nil
}

// set notes an end of a subexpression until the way is given up.
func (m *areMatcher) set(slot, at int) {
	m.stack = append(m.stack, areStep{pc: -1, at: slot, old: m.caps[slot]})
	m.caps[slot] = at
}

// repeated is where what subexpression g matched ends, if it comes again.
func (m *areMatcher) repeated(g, at int) (int, bool) {
	lo, hi := m.caps[2*g], m.caps[2*g+1]
	if lo < 0 || hi < lo {
		return at, false
	}
	was := m.s[lo:hi]
	if !m.fold {
		return at + len(was), bytes.HasPrefix(m.s[at:], was)
	}
	for len(was) > 0 {
		a, w := utf8.DecodeRune(was)
		b, v := utf8.DecodeRune(m.s[at:])
		if v == 0 || unicode.ToLower(a) != unicode.ToLower(b) {
			return at, false
		}
		was, at = was[w:], at+v
	}
	return at, true
}

func emptyOps(s []byte, at int) syntax.EmptyOp {
	before, after := rune(-1), rune(-1)
	if at > 0 {
		before, _ = utf8.DecodeLastRune(s[:at])
	}
	if at < len(s) {
		after, _ = utf8.DecodeRune(s[at:])
	}
	return syntax.EmptyOpContext(before, after)
}

func wordBefore(s []byte, at int) bool {
	r, w := utf8.DecodeLastRune(s[:at])
	return w > 0 && wordRune(r)
}

func wordAfter(s []byte, at int) bool {
	r, w := utf8.DecodeRune(s[at:])
	return w > 0 && wordRune(r)
}

// wordRune says whether \w takes the character.
func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r|32 && r|32 <= 'z'
	}
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Nd, unicode.Mc)
}
