package segment

import (
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Lines of a log repeat each other: between two values stands the same text again and again, such as `,"country":` or
// `},"metadata":{"host":`. A step is such a text and where the value behind it belongs. What followed a step last time is
// compared as a whole, so that keys and braces cost one comparison and no look-up; only what was never seen at that place
// is scanned, and then known. A step stands for a place in the document, so it holds in any line that came the same way.
//
// A line that is not plainly right is left to parseLine: this way neither reports errors nor takes keys that occur twice,
// and gives what parseLine gives.
type step struct {
	text     string // from the end of the value before, or the beginning of the line, to the value
	target   *node  // where the value goes, nil: into a column's field
	field    uint8
	depth    int     // objects that are open at the value
	in       *node   // the innermost of them, nil: the line itself
	through  []*node // objects that begin in text, and have members
	fields   uint16  // of the line, by bit, that are named in text
	unmapped bool    // text names a member of the line that is no field
	ends     bool    // text is the rest of the line

	next [slots]*step // what followed last time, by event type
	more []*step      // what else followed
	turn int          // which of more is given up next
}

const (
	maxSteps     = 4096 // of a builder; one more and all are learned again
	maxFollowers = 16   // of a step that are remembered
)

// shapes is what a builder knows of its lines.
type shapes struct {
	begin step
	count int
	off   bool // lines are such that trying is in vain
}

func (s *shapes) reset() { *s = shapes{} }

// matches tells whether the step is next at the beginning of rest.
func (s *step) matches(rest []byte) bool {
	n := len(s.text)
	if s.ends {
		return string(rest) == s.text
	}
	// Behind the same text there may be an object with members, whose first key belongs to a longer step.
	return len(rest) > n+1 && string(rest[:n]) == s.text && rest[n] > ' ' && (rest[n] != '{' || rest[n+1] == '}')
}

// addShaped reads a line by its shape. It returns false, and has left a part of a row behind, where parseLine has to read it.
func (b *Builder) addShaped(line []byte, m *Mapping) bool {
	if b.shapes.off {
		return false
	}
	l := &b.line
	named := uint16(0)
	at := 0
	for s := &b.shapes.begin; ; {
		n := s.next[b.slot]
		if n == nil || !n.matches(line[at:]) {
			if n = b.follow(s, line, at); n == nil {
				return false
			}
			s.next[b.slot] = n
		}
		at += len(n.text)
		if named&n.fields != 0 || !b.enter(n.through) {
			return false
		}
		named |= n.fields
		if n.ends {
			break
		}
		l.hasUnmapped = l.hasUnmapped || n.unmapped
		if n.fields&(1<<fieldPayload) != 0 {
			l.isObject = n.depth > 1 || line[at] == '{'
		}
		if at = b.shapedValue(line, at, n, m); at < 0 {
			return false
		}
		s = n
	}
	l.seen |= named & (1<<fieldPayload | 1<<fieldMetadata)
	if l.hasUnmapped && l.seen&(1<<fieldPayload) != 0 {
		if !l.isObject {
			return false
		}
		b.tree.nodes[rootPayload].cut(b.rows) // the payload is empty no more
	}
	return b.completeLine(m) == nil
}

// enter marks objects that begin; false: one was there before.
func (b *Builder) enter(through []*node) bool {
	for _, n := range through {
		if n.stamp == b.stamp {
			return false
		}
		n.stamp = b.stamp
	}
	return true
}

// shapedValue takes the value at line[at] and returns where it ends, or -1.
func (b *Builder) shapedValue(line []byte, at int, s *step, m *Mapping) int {
	n := s.target
	if n != nil && n.up != nil {
		if n.stamp == b.stamp {
			return -1
		}
		n.stamp = b.stamp
	}
	switch c := line[at]; {
	case c == '"':
		end := jsonb.PlainString(line, at+1)
		if end < 0 {
			break
		}
		if n != nil {
			n.addString(b.rows, line[at+1:end])
		} else if b.setText(int(s.field), line[at+1:end]) != nil {
			return -1
		}
		return end + 1
	case n == nil:
	case c-'0' < 10 || c == '-':
		mantissa, scale, end := jsonb.PlainNumber(line, at)
		if end < 0 {
			break
		}
		n.addNumber(b.rows, mantissa, scale)
		return end
	case c == 't' && len(line)-at > 4 && string(line[at:at+4]) == "true":
		n.mark(b.rows, valTrue)
		return at + 4
	case c == 'f' && len(line)-at > 5 && string(line[at:at+5]) == "false":
		n.mark(b.rows, valFalse)
		return at + 5
	}
	return b.scannedValue(line, at, s, m)
}

// scannedValue is shapedValue for what is rarer.
func (b *Builder) scannedValue(line []byte, at int, s *step, m *Mapping) int {
	b.scan.ResetAt(line, at, s.depth, true)
	tok, err := b.scan.Next()
	if err != nil {
		return -1
	}
	if s.target != nil {
		err = b.shred(s.target, tok)
	} else {
		err = b.setScalar(int(s.field), tok, m)
	}
	if err != nil {
		return -1
	}
	return b.scan.End()
}

// follow finds the step that comes after s at line[at], among those known or by reading on; nil if parseLine has to tell.
func (b *Builder) follow(s *step, line []byte, at int) *step {
	for _, n := range s.more {
		if n.matches(line[at:]) {
			return n
		}
	}
	n := &step{depth: s.depth, in: s.in}
	if s.depth == 0 {
		b.scan.Reset(line)
		if tok, err := b.scan.Next(); err != nil || tok != jsonb.TokBeginObject {
			return nil
		}
		n.depth = 1
	} else {
		b.scan.ResetAt(line, at, s.depth, false)
	}
	value, ok := b.learn(n)
	if !ok {
		return nil
	}
	n.text = string(line[at:value])
	if b.shapes.count++; b.shapes.count > maxSteps {
		b.shapes.reset()
		return n
	}
	if len(s.more) < maxFollowers {
		s.more = append(s.more, n)
	} else {
		s.more[s.turn%maxFollowers] = n
		s.turn++
	}
	return n
}

// learn scans to the next value, says in n what was passed, and returns where the value begins: the end of the text if
// there is none.
func (b *Builder) learn(n *step) (value int, ok bool) {
	tok, err := b.scan.Next()
	for err == nil {
		switch tok {
		case jsonb.TokEndObject:
			if n.depth == 1 {
				tok, err = b.scan.Next()
				n.ends = true
				return b.scan.Offset(), err == nil && tok == jsonb.TokEOF
			}
			// A member of the line that is no field is a child of the payload, but stands in the line.
			if n.depth--; n.depth == 1 {
				n.in = nil
			} else {
				n.in = n.in.up
			}
			tok, err = b.scan.Next()
		case jsonb.TokKey:
			if !b.learnKey(n) {
				return 0, false
			}
			tok, err = b.scan.Next()
			value = b.scan.Offset()
			if tok != jsonb.TokBeginObject || n.target == nil {
				return value, err == nil
			}
			if tok, err = b.scan.Next(); tok == jsonb.TokEndObject {
				return value, err == nil
			}
			if n.target.up != nil {
				n.through = append(n.through, n.target)
			}
			n.in = n.target
			n.depth++
		default:
			return 0, false
		}
	}
	return 0, false
}

// learnKey finds where the value belongs whose key was just scanned.
func (b *Builder) learnKey(n *step) bool {
	n.field, n.target = numFields, nil
	parent := n.in
	if parent == nil {
		f := b.names.field(b.scan.Bytes())
		if f < numFields {
			n.fields |= 1 << f
			n.field = uint8(f)
			if f == fieldPayload || f == fieldMetadata {
				n.target = b.tree.nodes[f-fieldPayload]
			}
			return true
		}
		n.unmapped = true
		parent = b.tree.nodes[rootPayload]
	}
	if n.target = b.tree.lookup(parent, b.scan.Bytes()); n.target == nil {
		b.shapes.off = true // no room for paths; what comes is likely to have new ones too
		return false
	}
	return true
}
