package funcs

import (
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// numberKeys are the patterns of numbers, in capitals or in small letters; a longer one stands before what it begins with.
var numberKeys = []string{"EEEE", "FM", "MI", "PL", "PR", "RN", "SG", "SP", "TH", "0", "9", ".", ",", "B", "C", "D", "G", "L", "S", "V"}

// signPlace is where the sign of the pattern S stands.
type signPlace uint8

const (
	noSign signPlace = iota
	signBefore
	signAfter
)

// numberTemplate is a template of numbers, taken apart.
type numberTemplate struct {
	nodes              []templateNode
	pre, post, shift   int // digits before and after the point, and after V
	zeroStart, zeroEnd int // the first 0 before the point, counted from 1, and the last one
	sign               signPlace
	signAt             int // digits before S
	point, zero, blank bool
	fill, roman        bool
	science, multi     bool
	plus, minus        bool // PL and SG, MI and SG
	brackets, hasS     bool
}

func parseNumberTemplate(s string) (*numberTemplate, error) {
	t := &numberTemplate{}
	for s != "" {
		if key := numberKey(s); key != "" {
			if err := t.count(key); err != nil {
				return nil, err
			}
			t.nodes = append(t.nodes, templateNode{key: key, text: s[:len(key)]})
			s = s[len(key):]
			continue
		}
		if s[0] == '"' {
			var lit string
			lit, s = quotedPart(s[1:])
			for _, c := range lit {
				t.nodes = append(t.nodes, templateNode{text: string(c)})
			}
			continue
		}
		if strings.HasPrefix(s, "\\\"") {
			s = s[1:]
		}
		_, n := utf8.DecodeRuneInString(s)
		t.nodes = append(t.nodes, templateNode{text: s[:n]})
		s = s[n:]
	}
	return t, nil
}

func numberKey(s string) string {
	for _, k := range numberKeys {
		if strings.HasPrefix(s, k) || strings.HasPrefix(s, strings.ToLower(k)) {
			return k
		}
	}
	return ""
}

// count takes a pattern into account and refuses those that contradict earlier ones.
func (t *numberTemplate) count(key string) error {
	fail := func(format string, args ...any) error { return pgerr.New(pgerr.SyntaxError, format, args...) }
	if t.science && key != "EEEE" {
		return fail("\"EEEE\" must be the last pattern used")
	}
	switch key {
	case "9", "0":
		if t.brackets {
			return fail("\"%s\" must be ahead of \"PR\"", key)
		}
		t.digit(key)
	case "B":
		t.blank = t.blank || t.pre == 0 && t.post == 0 && !t.zero
	case "D", ".":
		switch {
		case t.point:
			return fail("multiple decimal points")
		case t.multi:
			return fail("cannot use \"V\" and decimal point together")
		}
		t.point = true
	case "FM":
		t.fill = true
	case "S":
		switch {
		case t.hasS:
			return fail("cannot use \"S\" twice")
		case t.plus || t.minus || t.brackets:
			return fail("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together")
		}
		t.hasS, t.sign = true, signAfter
		if !t.point {
			t.sign, t.signAt = signBefore, t.pre
		}
	case "MI", "PL", "SG":
		if t.hasS {
			return fail("cannot use \"S\" and \"%s\" together", key)
		}
		t.minus, t.plus = t.minus || key != "PL", t.plus || key != "MI"
	case "PR":
		if t.hasS || t.plus || t.minus {
			return fail("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together")
		}
		t.brackets = true
	case "RN":
		t.roman = true
	case "V":
		if t.point {
			return fail("cannot use \"V\" and decimal point together")
		}
		t.multi = true
	case "EEEE":
		switch {
		case t.science:
			return fail("cannot use \"EEEE\" twice")
		case t.blank || t.fill || t.hasS || t.brackets || t.minus || t.plus || t.roman || t.multi:
			return fail("\"EEEE\" is incompatible with other formats")
		}
		t.science = true
	}
	return nil
}

func (t *numberTemplate) digit(key string) {
	if key == "9" {
		switch {
		case t.multi:
			t.shift++
		case t.point:
			t.post++
		default:
			t.pre++
		}
		return
	}
	if !t.zero && !t.point {
		t.zero, t.zeroStart = true, t.pre+1
	}
	if t.point {
		t.post++
	} else {
		t.pre++
	}
	t.zeroEnd = t.pre + t.post
}
