package funcs

import (
	"regexp/syntax"
	"unicode/utf8"
)

// areLook is a look-ahead or look-behind constraint.
type areLook struct {
	prog     *areProgram
	behind   bool
	negative bool
}

// look says whether constraint k holds at a place. The first question finds the answers for the whole text in one pass, since
// one question after the other could take the text's length each.
func (m *areMatcher) look(k, at int) (bool, error) {
	if m.looks[k] == nil {
		if err := m.c.Allow(int64(len(m.s) / 8)); err != nil {
			return false, err
		}
		pass := arePass{m: m, p: m.around[k].prog, holds: make([]uint64, len(m.s)/64+1)}
		if err := pass.run(m.around[k].behind); err != nil {
			return false, err
		}
		m.looks[k] = pass.holds
	}
	return m.looks[k][at/64]>>(at%64)&1 != 0 != m.around[k].negative, nil
}

// arePass runs a program over a text, forwards or backwards, beginning at every place, and notes where it matches.
type arePass struct {
	m     *areMatcher
	p     *areProgram
	holds []uint64
	now   areSet
	then  areSet
	stack []int
}

// areSet is a set of instructions that is emptied at once.
type areSet struct {
	place []int
	list  []int
}

func (s *areSet) add(pc int) bool {
	if k := s.place[pc]; k < len(s.list) && s.list[k] == pc {
		return false
	}
	s.place[pc] = len(s.list)
	s.list = append(s.list, pc)
	return true
}

func (p *arePass) run(forwards bool) error {
	n := len(p.p.prog.Inst)
	p.now, p.then = areSet{place: make([]int, n)}, areSet{place: make([]int, n)}
	s, at := p.m.s, 0
	if !forwards {
		at = len(s)
	}
	for steps := 0; ; steps++ {
		if steps%1024 == 0 {
			if err := p.m.c.canceled(); err != nil {
				return err
			}
		}
		if err := p.enter(p.p.prog.Start, at); err != nil {
			return err
		}
		r, w := utf8.DecodeRune(s[at:])
		if !forwards {
			r, w = utf8.DecodeLastRune(s[:at])
			w = -w
		}
		if w == 0 {
			return nil
		}
		at += w
		p.now, p.then = p.then, p.now
		p.now.list = p.now.list[:0]
		for _, pc := range p.then.list {
			switch inst := &p.p.prog.Inst[pc]; inst.Op {
			case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
				if !takes(inst, r) {
					continue
				}
				if err := p.enter(int(inst.Out), at); err != nil {
					return err
				}
			}
		}
	}
}

// enter adds an instruction and what it leads to without taking a character.
func (p *arePass) enter(pc, at int) error {
	p.stack = append(p.stack[:0], pc)
	for len(p.stack) > 0 {
		pc := p.stack[len(p.stack)-1]
		p.stack = p.stack[:len(p.stack)-1]
		if !p.now.add(pc) {
			continue
		}
		inst := &p.p.prog.Inst[pc]
		switch inst.Op {
		case syntax.InstMatch:
			p.holds[at/64] |= 1 << (at % 64)
		case syntax.InstAlt, syntax.InstAltMatch:
			p.stack = append(p.stack, int(inst.Arg), int(inst.Out))
		case syntax.InstNop:
			p.stack = append(p.stack, int(inst.Out))
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^emptyOps(p.m.s, at) == 0 {
				p.stack = append(p.stack, int(inst.Out))
			}
		case syntax.InstCapture:
			ok, err := p.m.mark(p.p.marks, inst, at)
			if err != nil {
				return err
			}
			if ok {
				p.stack = append(p.stack, int(inst.Out))
			}
		}
	}
	return nil
}
