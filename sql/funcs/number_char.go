package funcs

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// numberWriter lays the digits of a number out as a template says.
type numberWriter struct {
	*numberTemplate
	out       []byte
	digits    []byte // the number without sign, in plain digits with a point, or number signs where it does not fit
	next      int    // the digit to write next
	last      int    // the last digit that counts under FM, -1 for all
	negative  bool
	spaces    int // places before the first digit
	count     int
	place     int
	signed    bool // the sign is written, or needs not be
	someDigit bool // the place written last was a digit
}

// layOut writes a number, given its digits with a point and its sign.
func (t *numberTemplate) layOut(digits string, negative bool) (string, error) {
	pre := strings.IndexByte(digits, '.')
	if pre < 0 {
		pre = len(digits)
	}
	w := &numberWriter{numberTemplate: t, digits: []byte(digits), negative: negative, last: -1, spaces: max(t.pre-pre, 0)}
	if pre > t.pre {
		w.digits = bytes.Repeat([]byte{'#'}, t.pre+t.post+1)
		w.digits[t.pre] = '.'
	}
	w.prepare()
	for i := range t.nodes {
		if t.nodes[i].key == "TH" && !t.point && w.digits[0] != '#' && digits[pre-1] > '9' {
			return "", pgerr.New(pgerr.InvalidTextRepresentation, "\"%s\" is not a number", digits)
		}
		w.node(&t.nodes[i])
	}
	shown, _, _ := strings.Cut(string(w.out), "\x00")
	return shown, nil
}

func (w *numberWriter) prepare() {
	if w.zeroStart > 0 {
		w.zeroStart--
	}
	if w.plus || w.minus {
		w.signed = w.minus
	} else {
		if !w.negative && w.fill {
			w.brackets = false
		}
		w.signed = !w.negative && w.fill && !w.hasS
		if w.sign == signBefore && w.pre == w.signAt {
			w.sign = signAfter
		}
	}
	w.count = w.post + w.pre - 1
	if point := bytes.IndexByte(w.digits, '.'); w.fill && w.point && point >= 0 {
		w.last = point
		for k := point + 1; k < len(w.digits); k++ {
			if w.digits[k] != '0' {
				w.last = k
			}
		}
		if w.zeroEnd > w.spaces {
			w.last = max(w.last, min(len(w.digits)-1, w.zeroEnd-w.spaces))
		}
	}
	if !w.signed && w.spaces == 0 {
		w.count++
	}
}

func (w *numberWriter) put(c byte) { w.out = append(w.out, c) }

// blankUnless writes a blank, which FM leaves out.
func (w *numberWriter) filler() {
	if !w.fill {
		w.put(' ')
	}
}

func (w *numberWriter) signByte() byte {
	if w.negative {
		return '-'
	}
	return '+'
}

func (w *numberWriter) node(n *templateNode) {
	switch n.key {
	case "":
		w.out = append(w.out, n.text...)
	case "0", "9", ".", "D":
		w.part(n.key)
	case ",", "G":
		if w.someDigit {
			w.put(',')
		} else {
			w.filler()
		}
	case "L":
		w.put(' ')
	case "TH":
		if w.digits[0] != '#' && !w.negative && !w.point {
			w.out = append(w.out, ordinal(string(w.digits), n.text[0] == 'T')...)
		}
	case "MI":
		if w.negative {
			w.put('-')
		} else {
			w.filler()
		}
	case "PL":
		if w.negative {
			w.filler()
		} else {
			w.put('+')
		}
	case "SG":
		w.put(w.signByte())
	}
}

// lonelyZero reports whether the next digit is the 0 in front of a point, which is not shown.
func (w *numberWriter) lonelyZero() bool {
	return !w.zero && w.next == 0 && w.digits[0] == '0' && w.post != 0
}

// endsAtPoint reports whether nothing after the point counts.
func (w *numberWriter) endsAtPoint() bool { return w.last >= 0 && w.digits[w.last] == '.' }

// leadingSign writes the sign once the number begins.
func (w *numberWriter) leadingSign() {
	begun := w.place >= w.spaces || w.zero && w.zeroStart == w.place
	if w.signed || !begun || w.lonelyZero() && !w.endsAtPoint() {
		return
	}
	switch {
	case w.hasS:
		if w.sign != signBefore {
			return
		}
		w.put(w.signByte())
	case w.brackets && w.negative:
		w.put('<')
	case w.brackets:
		w.put(' ')
	case w.negative:
		w.put('-')
	default:
		w.filler()
	}
	w.signed = true
}

// part writes one place of the number: a digit, a blank or the point.
func (w *numberWriter) part(key string) {
	w.someDigit = false
	w.leadingSign()
	switch {
	case w.place < w.spaces && (w.zeroStart > w.place || !w.zero):
		w.filler()
	case w.zero && w.place < w.spaces:
		w.put('0')
		w.someDigit = true
	default:
		w.character(key)
		if w.next < len(w.digits) {
			w.next++
		}
	}
	end := w.count
	if w.spaces > 0 {
		end++
	}
	if w.point {
		end++
	}
	if w.last >= 0 && w.last == w.next {
		end = w.place
	}
	if w.place+1 == end {
		switch {
		case w.signed && w.brackets && w.negative:
			w.put('>')
		case w.signed && w.brackets:
			w.put(' ')
		case w.hasS && w.sign == signAfter:
			w.put(w.signByte())
		}
	}
	w.place++
}

func (w *numberWriter) character(key string) {
	if w.next >= len(w.digits) { // a number with fewer digits than the template ends here, whatever follows
		w.put(0)
		return
	}
	switch c := w.digits[w.next]; {
	case c == '.':
		w.put('.')
	case w.last >= 0 && w.next > w.last && key != "0":
	case w.lonelyZero():
		if !w.fill {
			w.put(' ')
		} else if w.endsAtPoint() {
			w.put('0')
		}
	default:
		w.put(c)
		w.someDigit = true
	}
}

// romanNumber is RN; what Roman numbers do not reach is number signs.
func (t *numberTemplate) romanNumber(n int64) string {
	s := strings.Repeat("#", 15)
	if n > 0 && n < 4000 {
		s = ""
		for i, v := range []int64{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1} {
			for ; n >= v; n -= v {
				s += []string{"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"}[i]
			}
		}
	}
	var out strings.Builder
	for _, n := range t.nodes {
		shown := s
		switch {
		case n.key == "":
			shown = n.text
		case n.key != "RN":
			continue
		case n.text == "rn":
			shown = strings.ToLower(s)
		}
		if n.key != "" && !t.fill {
			shown = fmt.Sprintf("%15s", shown)
		}
		out.WriteString(shown)
	}
	return out.String()
}

// noScience stands for NaN and the infinities in the form with an exponent.
func (t *numberTemplate) noScience() string {
	s := []byte(" " + strings.Repeat("#", t.pre+t.post+5))
	s[t.pre+1] = '.'
	return string(s)
}

// decimalScience is a number with one digit before the point and an exponent.
func (t *numberTemplate) decimalScience(d decimal.Dec) string {
	if !d.IsFinite() {
		return t.noScience()
	}
	sign := " "
	if d.Sign() < 0 {
		sign = "-"
	}
	exponent := 0
	digits := "0" + strings.Repeat("0", t.post)
	if d = d.Abs(); d.Sign() != 0 {
		exponent = magnitude(d)
		rounded := d.Round(int32(t.post - exponent))
		digits = strings.TrimLeft(strings.Replace(rounded.String(), ".", "", 1), "0")
		long := t.post + 1 + magnitude(rounded) - exponent // 9.99 may have become 10.0, and stays it
		digits = (digits + strings.Repeat("0", long))[:long]
	}
	point := len(digits) - t.post
	out := sign + digits[:point]
	if t.post > 0 {
		out += "." + digits[point:]
	}
	return out + fmt.Sprintf("e%+03d", exponent)
}

// magnitude is the power of ten of the first digit of a number that is not zero.
func magnitude(d decimal.Dec) int {
	whole, frac, _ := strings.Cut(d.String(), ".")
	if whole != "0" {
		return len(whole) - 1
	}
	return len(strings.TrimLeft(frac, "0")) - len(frac) - 1
}

func decimalChar(d decimal.Dec, t *numberTemplate) (string, error) {
	switch {
	case t.roman:
		if !d.IsFinite() {
			return "", pgerr.New(pgerr.FeatureNotSupported, "cannot convert %s to integer", strings.ToLower(strings.TrimPrefix(d.String(), "-")))
		}
		n, ok := d.Round(0).Int64()
		if !ok || n != int64(int32(n)) {
			return "", pgerr.New(pgerr.NumericValueOutOfRange, "integer out of range")
		}
		return t.romanNumber(n), nil
	case t.science:
		return t.decimalScience(d), nil
	}
	if t.multi {
		factor, err := decimal.Parse("1e" + strconv.Itoa(t.shift))
		if err == nil {
			d, err = d.Mul(factor)
		}
		if err != nil {
			return "", numericError(err)
		}
		t.pre += t.shift
	}
	s := d.Round(int32(t.post)).String()
	digits, negative := strings.CutPrefix(s, "-")
	return t.layOut(digits, negative)
}

// floatChar writes a float of so many decimal digits.
func floatChar(f float64, t *numberTemplate, precision int) (string, error) {
	switch {
	case t.roman:
		n := math.RoundToEven(f)
		if !(n > 0 && n < 4000) {
			n = 0
		}
		return t.romanNumber(int64(n)), nil
	case t.science:
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return t.noScience(), nil
		}
		s := strconv.FormatFloat(f, 'e', t.post, 64)
		if s[0] != '-' {
			s = " " + s
		}
		return s, nil
	}
	if t.multi {
		f *= math.Pow10(t.shift)
		t.pre += t.shift
	}
	if n := len(plainFloat(math.Abs(f), 0)); n+t.post > precision {
		t.post = max(precision-n, 0)
	}
	digits, negative := strings.CutPrefix(plainFloat(f, t.post), "-")
	return t.layOut(digits, negative)
}

func plainFloat(f float64, post int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'f', post, 64)
}

// numberTemplates are to_char of numbers and to_number.
func numberTemplates() []Func {
	row := func(oid, t datum.OID, show func(a *vec.Column, i int, t *numberTemplate) (string, error)) Func {
		return dtRow(oid, "to_char", Stable, datum.Text, dtArgs(t, datum.Text), "the number as text after a template such as 9,999.00", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			t, err := parseNumberTemplate(string(a[1].Bytes(i)))
			if err != nil {
				return err
			}
			s, err := show(a[0], i, t)
			b.AppendString(s)
			return err
		})
	}
	ofInt := func(a *vec.Column, i int, t *numberTemplate) (string, error) { return decimalChar(intDec(a, i), t) }
	return []Func{
		row(1773, datum.Int4, ofInt), row(1774, datum.Int8, ofInt),
		row(1772, datum.Numeric, func(a *vec.Column, i int, t *numberTemplate) (string, error) { return decimalChar(decDec(a, i), t) }),
		row(1775, datum.Float4, func(a *vec.Column, i int, t *numberTemplate) (string, error) { return floatChar(a.Float(i), t, 6) }),
		row(1776, datum.Float8, func(a *vec.Column, i int, t *numberTemplate) (string, error) { return floatChar(a.Float(i), t, 15) }),
		dtRow(1777, "to_number", Stable, datum.Numeric, dtArgs(datum.Text, datum.Text), "the number in a text, by a template such as 9,999.00", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			if len(a[1].Bytes(i)) == 0 {
				b.AppendNull()
				return nil
			}
			d, err := readNumber(a[0].Bytes(i), string(a[1].Bytes(i)))
			if err != nil {
				return err
			}
			b.AppendDecimal(d)
			return nil
		}),
	}
}
