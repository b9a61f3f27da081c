package funcs

import (
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec/decimal"
)

// numberReader reads a number from text as a template says.
type numberReader struct {
	*numberTemplate
	text          []byte
	at            int
	sign          byte // ' ' while none was read
	number        []byte
	before, after int // digits read before and after the point
	pointRead     bool
}

// readNumber is to_number.
func readNumber(text []byte, template string) (decimal.Dec, error) {
	var none decimal.Dec
	t, err := parseNumberTemplate(template)
	if err != nil {
		return none, err
	}
	switch {
	case t.science:
		return none, pgerr.New(pgerr.FeatureNotSupported, "\"EEEE\" not supported for input")
	case t.roman:
		return none, pgerr.New(pgerr.FeatureNotSupported, "\"RN\" not supported for input")
	}
	r := &numberReader{numberTemplate: t, text: text, sign: ' '}
	for i := 0; i < len(t.nodes) && r.more(); i++ {
		r.node(&t.nodes[i])
	}
	s := string(r.sign) + strings.TrimSuffix(string(r.number), ".")
	d, err := decimal.Parse(strings.TrimSpace(s))
	if err != nil || strings.TrimSpace(s) == "" {
		return none, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type numeric: \"%s\"", s)
	}
	d, err = datum.AdjustNumeric(d, int32((t.pre+t.shift+r.after)<<16|r.after)+4)
	if err != nil || !t.multi {
		return d, err
	}
	factor, err := decimal.FromInt64(10).Power(decimal.FromInt64(int64(-t.shift)))
	if err != nil {
		return none, numericError(err)
	}
	if d, err = d.Mul(factor); err != nil {
		return none, numericError(err)
	}
	return d, nil
}

func (r *numberReader) more() bool { return r.at < len(r.text) }

func (r *numberReader) digitAt(i int) bool {
	return i < len(r.text) && r.text[i] >= '0' && r.text[i] <= '9'
}

// skip passes over up to n characters that cannot belong to a number.
func (r *numberReader) skip(n int) {
	for ; n > 0 && r.more() && strings.IndexByte("0123456789.,+-", r.text[r.at]) < 0; n-- {
		_, size := utf8.DecodeRune(r.text[r.at:])
		r.at += size
	}
}

func (r *numberReader) node(n *templateNode) {
	c := r.text[r.at]
	switch n.key {
	case "":
		_, size := utf8.DecodeRune(r.text[r.at:])
		r.at += size
	case "0", "9", ".", "D":
		r.part(n.key)
		r.at++
	case ",", "G":
		if c == ',' {
			r.at++
		}
	case "L":
		r.skip(1)
	case "TH":
		if r.sign != '-' && !r.point {
			r.skip(2)
		}
	case "MI", "PL", "SG":
		if c == '-' && n.key != "PL" || c == '+' && n.key != "MI" {
			r.sign = c
			r.at++
		} else {
			r.skip(1)
		}
	}
}

// part reads a digit or the point, and a sign before or after the number.
func (r *numberReader) part(key string) {
	if r.text[r.at] == ' ' {
		r.at++
	}
	if !r.more() {
		return
	}
	if r.sign == ' ' && key != "." && key != "D" && r.before+r.after == 0 {
		r.leading()
	}
	if !r.more() {
		return
	}
	read := false
	switch c := r.text[r.at]; {
	case r.digitAt(r.at):
		if r.pointRead && r.after == r.post {
			return
		}
		r.number = append(r.number, c)
		if read = true; r.pointRead {
			r.after++
		} else {
			r.before++
		}
	case r.point && !r.pointRead && c == '.':
		r.number = append(r.number, '.')
		r.pointRead, read = true, true
	}
	if r.sign != ' ' || r.before+r.after == 0 {
		return
	}
	switch {
	case r.hasS && read:
		if next := r.at + 1; next < len(r.text) && (r.text[next] == '-' || r.text[next] == '+') {
			r.sign, r.at = r.text[next], next
		}
	case !read && !r.hasS:
		if c := r.text[r.at]; c == '-' || c == '+' {
			r.sign = c
		}
	}
}

// leading reads the sign before the first digit.
func (r *numberReader) leading() {
	c := r.text[r.at]
	switch {
	case r.hasS && r.numberTemplate.sign != signBefore:
	case c == '-', r.brackets && c == '<':
		r.sign = '-'
		r.at++
	case c == '+':
		r.sign = '+'
		r.at++
	}
}
