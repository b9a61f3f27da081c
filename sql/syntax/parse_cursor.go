package syntax

import (
	"math"
	"strconv"
)

func (p *parser) declare() Stmt {
	s := &DeclareCursor{At: p.at()}
	p.advance()
	s.Name = p.colID()
	for {
		switch {
		case p.accept("no"):
			p.expect("scroll")
			s.Scroll = No
		case p.accept("scroll"):
			s.Scroll = Yes
		case p.accept("binary"):
			s.Binary = true
		case p.accept("insensitive"):
			s.Insensitive = Yes
		case p.accept("asensitive"):
			s.Insensitive = No
		default:
			p.expect("cursor")
			if p.accept("with", "hold") {
				s.Hold = Yes
			} else if p.accept("without", "hold") {
				s.Hold = No
			}
			p.expect("for")
			s.Query = p.query()
			return s
		}
	}
}

func (p *parser) fetch() Stmt {
	s := &Fetch{At: p.at(), Move: p.is("move"), Count: 1}
	p.advance()
	named := func() bool { // a cursor called like a direction
		t := p.peek(1)
		return t.kind == tEOF || t.kind == ';'
	}
	switch {
	case p.tok.kind == tInt || p.tok.kind == '-' || p.tok.kind == '+':
		s.Count = p.count()
	case named() && p.tok.isColID():
	case p.accept("all"):
		s.All = true
	case p.accept("next"):
	case p.accept("prior"):
		s.Direction = FetchBackward
	case p.accept("first"):
		s.Direction = FetchAbsolute
	case p.accept("last"):
		s.Direction, s.Count = FetchAbsolute, -1
	case p.accept("absolute"):
		s.Direction, s.Count = FetchAbsolute, p.count()
	case p.accept("relative"):
		s.Direction, s.Count = FetchRelative, p.count()
	case p.isAny("forward", "backward"):
		if p.word() == "backward" {
			s.Direction = FetchBackward
		}
		if p.accept("all") {
			s.All = true
		} else if p.tok.kind == tInt || p.tok.kind == '-' || p.tok.kind == '+' {
			s.Count = p.count()
		}
	}
	if !p.accept("from") {
		p.accept("in")
	}
	s.Cursor = p.colID()
	if s.All {
		s.Count = math.MaxInt64
	}
	return s
}

func (p *parser) count() int64 {
	n, _ := strconv.ParseInt(p.signedInt(), 10, 64)
	return n
}

func (p *parser) closeCursor() Stmt {
	s := &CloseCursor{At: p.at()}
	p.advance()
	if !p.accept("all") {
		s.Name = p.colID()
	}
	return s
}
