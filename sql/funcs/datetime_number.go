package funcs

import (
	"fmt"
	"math"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// numberKeys are the patterns of numbers; a longer one stands before what it begins with.
var numberKeys = []string{"EEEE", "FM", "MI", "PL", "PR", "RN", "SG", "TH", "0", "9", ".", ",", "B", "D", "G", "L", "S", "V"}

// numberTemplate is a template of numbers, taken apart.
type numberTemplate struct {
	nodes                []templateNode
	pre, post, shift     int // digits before and after the point; after V
	zeroFrom, zeroTo     int // the first 0 before the point (of the digits there, -1 none), the last one after it
	fill, roman, science bool
	signed               bool // a sign of its own: S, SG, MI or PR
	brackets, lastSign   bool
}

func parseNumberTemplate(s string) *numberTemplate {
	t := &numberTemplate{zeroFrom: -1}
	point := false
	for s != "" {
		key := ""
		for _, k := range numberKeys {
			if len(s) >= len(k) && strings.EqualFold(s[:len(k)], k) {
				key = k
				break
			}
		}
		if key == "" {
			lit := s[:1]
			if s = s[1:]; lit == "\"" {
				lit, s = quotedPart(s)
			}
			t.nodes = append(t.nodes, templateNode{text: lit})
			continue
		}
		t.nodes = append(t.nodes, templateNode{key: key, text: s[:len(key)]})
		s = s[len(key):]
		point = t.count(key, point)
	}
	return t
}

// count takes a pattern into account; point says whether the decimal point has been seen.
func (t *numberTemplate) count(key string, point bool) bool {
	switch key {
	case "0", "9":
		switch {
		case t.shift > 0 || point && t.shift < 0:
		case point:
			if t.post++; key == "0" {
				t.zeroTo = t.post
			}
		default:
			if key == "0" && t.zeroFrom < 0 {
				t.zeroFrom = t.pre
			}
			t.pre++
		}
	case ".", "D":
		return true
	case "V":
		t.shift = -1
		return true
	case "FM":
		t.fill = true
	case "RN":
		t.roman = true
	case "EEEE":
		t.science = true
	case "S":
		t.signed, t.lastSign = true, t.pre > 0
	case "SG", "MI":
		t.signed = true
	case "PR":
		t.signed, t.brackets = true, true
	}
	return point
}

// numberText writes a number by its template.
func numberText(d decimal.Dec, t *numberTemplate) (string, error) {
	switch {
	case t.roman:
		return romanText(d, t.fill), nil
	case t.science:
		f := d.Float64()
		s := fmt.Sprintf("%.*e", t.post, f)
		if f >= 0 {
			s = " " + s
		}
		return s, nil
	}
	if t.shift < 0 {
		places := 0
		seen := false
		for _, n := range t.nodes {
			if seen = seen || n.key == "V"; seen && (n.key == "9" || n.key == "0") {
				places++
			}
		}
		var err error
		if d, err = d.Mul(decimal.FromInt64(int64(math.Pow10(min(places, 18))))); err != nil {
			return "", numericError(err)
		}
		moved := *t
		moved.pre, moved.shift = t.pre+places, 0
		t = &moved
	}
	negative := d.Sign() < 0
	whole, frac, _ := strings.Cut(d.Abs().Round(int32(t.post)).String(), ".")
	if !d.IsFinite() || len(whole) > t.pre && whole != "0" {
		whole, frac = strings.Repeat("#", t.pre), strings.Repeat("#", t.post)
	} else if strings.Trim(whole+frac, "0") == "" {
		negative = false
	}
	return t.lay(whole, frac, negative), nil
}

// lay puts the digits in their places.
func (t *numberTemplate) lay(whole, frac string, negative bool) string {
	if whole == "0" && (t.post > 0 || t.pre == 0) {
		whole = ""
	}
	first := t.pre - len(whole) // the first place that shows a digit
	if t.zeroFrom >= 0 {
		first = min(first, t.zeroFrom)
	}
	if t.fill { // no zeros at the end but those asked for
		for len(frac) > t.zeroTo && frac[len(frac)-1] == '0' {
			frac = frac[:len(frac)-1]
		}
	}
	digits := strings.Repeat("0", max(t.pre-len(whole), 0)) + whole
	w := &numberWriter{t: t, digits: digits, frac: frac, first: first, negative: negative}
	for _, n := range t.nodes {
		w.node(n)
	}
	return w.finish()
}

type numberWriter struct {
	t             *numberTemplate
	out           strings.Builder
	digits, frac  string
	first         int
	at, fracAt    int
	negative, put bool // put: the sign is written
}

// sign writes the sign that moves along to the first digit.
func (w *numberWriter) sign() {
	if w.put {
		return
	}
	w.put = true
	plain := !w.t.signed
	switch {
	case w.t.brackets && w.negative:
		w.out.WriteByte('<')
	case plain && w.negative, w.t.signed && !w.t.brackets && w.hasLeadingS() && w.negative:
		w.out.WriteByte('-')
	case w.hasLeadingS():
		w.out.WriteByte('+')
	case (plain || w.t.brackets) && !w.t.fill:
		w.out.WriteByte(' ')
	}
}

func (w *numberWriter) hasLeadingS() bool {
	for _, n := range w.t.nodes {
		if n.key == "S" {
			return !w.t.lastSign
		}
	}
	return false
}

func (w *numberWriter) blank() {
	if !w.t.fill {
		w.out.WriteByte(' ')
	}
}

func (w *numberWriter) node(n templateNode) {
	sign := map[bool]byte{true: '-', false: '+'}[w.negative]
	switch n.key {
	case "":
		w.out.WriteString(n.text)
	case "0", "9":
		w.digit()
	case ".", "D":
		w.sign()
		w.out.WriteByte('.')
	case ",", "G":
		if w.at > w.first {
			w.out.WriteByte(',')
		} else {
			w.blank()
		}
	case "S":
		if w.t.lastSign {
			w.out.WriteByte(sign)
		}
	case "SG":
		w.out.WriteByte(sign)
	case "MI":
		if w.negative {
			w.out.WriteByte('-')
		} else {
			w.blank()
		}
	case "PL":
		if w.negative {
			w.blank()
		} else {
			w.out.WriteByte('+')
		}
	case "PR":
		if w.negative {
			w.out.WriteByte('>')
		} else {
			w.blank()
		}
	case "L":
		w.blank()
	case "TH":
		if !w.negative && w.t.post == 0 {
			w.out.WriteString(ordinal(w.digits, n.text[0] == 'T'))
		}
	}
}

func (w *numberWriter) digit() {
	if w.at < w.t.pre {
		if w.at < w.first {
			w.blank()
		} else {
			w.sign()
			w.out.WriteByte(w.digits[w.at])
		}
		w.at++
		return
	}
	if w.fracAt < len(w.frac) {
		w.sign()
		w.out.WriteByte(w.frac[w.fracAt])
	}
	w.fracAt++
}

func (w *numberWriter) finish() string { return w.out.String() }

func romanText(d decimal.Dec, fill bool) string {
	n, ok := d.Round(0).Int64()
	s := strings.Repeat("#", 15)
	if ok && n > 0 && n < 4000 {
		s = ""
		for i, v := range []int64{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1} {
			for ; n >= v; n -= v {
				s += []string{"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"}[i]
			}
		}
	}
	if fill {
		return s
	}
	return fmt.Sprintf("%15s", s)
}

// numberTemplates are to_char of numbers and to_number.
func numberTemplates() []Func {
	row := func(oid, t datum.OID, get func(a *vec.Column, i int) decimal.Dec) Func {
		return dtRow(oid, "to_char", Stable, datum.Text, dtArgs(t, datum.Text), "the number as text after a template such as 9,999.00", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			s, err := numberText(get(a[0], i), parseNumberTemplate(string(a[1].Bytes(i))))
			b.AppendString(s)
			return err
		})
	}
	return []Func{
		row(1773, datum.Int4, intDec), row(1774, datum.Int8, intDec), row(1772, datum.Numeric, decDec),
		row(1775, datum.Float4, func(a *vec.Column, i int) decimal.Dec { return decimal.FromFloat32(float32(a.Float(i))) }),
		row(1776, datum.Float8, func(a *vec.Column, i int) decimal.Dec { return decimal.FromFloat64(a.Float(i)) }),
		dtRow(1777, "to_number", Stable, datum.Numeric, dtArgs(datum.Text, datum.Text), "the number in a text; what is no digit, point or sign is left out", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			d, err := looseNumber(string(a[0].Bytes(i)))
			b.AppendDecimal(d)
			return err
		}),
	}
}

// looseNumber reads the digits, the first point and the sign, wherever they stand.
func looseNumber(s string) (decimal.Dec, error) {
	text, negative, point := "", false, false
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			text += string(c)
		case c == '.' && !point:
			text, point = text+".", true
		case c == '-' || c == '<':
			negative = true
		}
	}
	if negative {
		text = "-" + text
	}
	d, err := decimal.Parse(text)
	if err != nil {
		return d, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type numeric: \"%s\"", " ")
	}
	return d, nil
}
