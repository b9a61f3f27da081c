package funcs

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// stampReader reads a date and time by a template, as to_timestamp and to_date do. Nothing is checked while it reads but
// that a field has one value and that the fields are all of the Gregorian calendar or all of ISO weeks.
type stampReader struct {
	text, rest string
	last       byte // the character read before rest
	exact      bool // FX: no blanks are skipped
	extra      int  // blanks skipped beyond what the template had
	fields     map[string]int64
	calendar   byte // 'g' or 'i', 0 while no field says
	yearDigits int
	precision  int // of FF1 to FF6, 0 for none
	clock12    bool
	sign       int64 // of the zone, 0 while there is none
	done       int   // nodes of the template that were read
	unmatched  bool  // a character of the template had no match
	standard   bool  // as the SQL standard wants it: separators match exactly and nothing is left over
}

// stampKey says how a key of digits is read.
type stampKey struct {
	field    string
	length   int // how many digits it takes when more digits follow
	calendar byte
}

// stampKeys are the keys of digits.
var stampKeys = map[string]stampKey{
	"HH": {field: "hour", length: 2}, "HH12": {field: "hour", length: 2}, "HH24": {field: "hour", length: 2},
	"MI": {field: "min", length: 2}, "SS": {field: "sec", length: 2}, "MS": {field: "ms", length: 3}, "US": {field: "us", length: 6},
	"FF1": {field: "us", length: 1}, "FF2": {field: "us", length: 2}, "FF3": {field: "us", length: 3}, "FF4": {field: "us", length: 4},
	"FF5": {field: "us", length: 5}, "FF6": {field: "us", length: 6}, "SSSS": {field: "ssss", length: 4}, "SSSSS": {field: "ssss", length: 5},
	"TZH": {field: "tzh", length: 2}, "TZM": {field: "tzm", length: 2}, "CC": {field: "cc", length: 2}, "Q": {length: 1}, "J": {field: "j", length: 1},
	"MM": {field: "mm", length: 2, calendar: 'g'}, "DDD": {field: "ddd", length: 3, calendar: 'g'}, "DD": {field: "dd", length: 2, calendar: 'g'},
	"D": {field: "d", length: 1, calendar: 'g'}, "WW": {field: "ww", length: 2, calendar: 'g'}, "W": {field: "w", length: 1, calendar: 'g'},
	"YYYY": {field: "year", length: 4, calendar: 'g'}, "YYY": {field: "year", length: 3, calendar: 'g'},
	"YY": {field: "year", length: 2, calendar: 'g'}, "Y": {field: "year", length: 1, calendar: 'g'},
	"IYYY": {field: "year", length: 4, calendar: 'i'}, "IYY": {field: "year", length: 3, calendar: 'i'},
	"IY": {field: "year", length: 2, calendar: 'i'}, "I": {field: "year", length: 1, calendar: 'i'},
	"IDDD": {field: "ddd", length: 3, calendar: 'i'}, "ID": {field: "d", length: 1, calendar: 'i'}, "IW": {field: "ww", length: 2, calendar: 'i'},
}

// complete refuses text that is left over, and a template that is, as the standard mode wants it.
func (r *stampReader) complete(nodes []templateNode) error {
	switch {
	case r.unmatched:
		return badStamp("unmatched format character")
	case strings.TrimLeft(r.rest, " ") != "":
		return badStamp("trailing characters remain in input string after datetime format")
	case r.done < len(nodes):
		return badStamp("input string is too short for datetime format")
	}
	return nil
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// isSeparator reports whether a character of template or text separates fields.
func isSeparator(c byte) bool {
	return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9' || c|32 >= 'a' && c|32 <= 'z')
}

func (r *stampReader) drop(n int) {
	if n > 0 {
		r.last = r.rest[n-1]
	}
	r.rest = r.rest[n:]
}

func (r *stampReader) blanks() {
	n := 0
	for n < len(r.rest) && isBlank(r.rest[n]) {
		n++
	}
	r.drop(n)
	r.extra += n
}

// read takes the text apart. It stops where the text ends, whatever is left of the template.
func (r *stampReader) read(nodes []templateNode) error {
	for k := 0; k < len(nodes) && r.rest != ""; k++ {
		n := &nodes[k]
		r.done = k + 1
		if n.key == "" {
			r.literal(n, k == 0)
			continue
		}
		if !r.exact {
			r.blanks()
		}
		if err := r.key(nodes, k); err != nil {
			return err
		}
		if !r.exact {
			r.extra = 0
			r.blanks()
		}
	}
	return nil
}

// literal matches text of the template, character by character: a separator takes at most one separator, anything else
// takes a character unless blanks were skipped in its place.
func (r *stampReader) literal(n *templateNode, first bool) {
	for k := 0; k < len(n.text) && r.rest != ""; {
		c := n.text[k]
		_, size := utf8.DecodeRuneInString(n.text[k:])
		k += size
		_, ahead := utf8.DecodeRuneInString(r.rest)
		separator := !n.quoted && (isBlank(c) || isSeparator(c))
		if first && !r.exact {
			r.blanks()
		}
		switch {
		case r.standard:
			r.unmatched = r.unmatched || r.rest[0] != c
			r.drop(ahead)
		case r.exact:
			r.drop(ahead)
		case separator:
			if r.extra--; r.rest != "" && (isBlank(r.rest[0]) || isSeparator(r.rest[0])) {
				r.drop(1)
				r.extra++
			}
		default:
			if r.extra > 0 {
				r.extra--
			} else if r.rest != "" {
				r.drop(ahead)
			}
		}
		first = false
	}
}

// digitsFollow reports whether what comes after node k begins with a digit, so that node k takes no more than its length.
func digitsFollow(nodes []templateNode, k int) bool {
	if nodes[k].th || k+1 == len(nodes) {
		return false
	}
	next := &nodes[k+1]
	if next.key == "" {
		return len(next.text) == 1 && next.text[0] >= '0' && next.text[0] <= '9'
	}
	key, ok := stampKeys[next.key]
	return ok && key.length > 0 && next.key != "TZH" && !strings.HasPrefix(next.key, "FF") || next.key == "Y,YYY"
}

func badStamp(format string, args ...any) *pgerr.Error {
	return pgerr.New(pgerr.InvalidDatetimeFormat, format, args...)
}

// number reads an integer for node k and says how many characters it took.
func (r *stampReader) number(nodes []templateNode, k, length int) (v int64, used int, err error) {
	n := &nodes[k]
	start := len(r.rest)
	lead := 0
	for lead < len(r.rest) && isBlank(r.rest[lead]) {
		lead++
	}
	text := r.rest[lead:]
	bounded := !n.fill && digitsFollow(nodes, k)
	if bounded {
		if len(text) < length {
			return 0, 0, badStamp("source string too short for \"%s\" formatting field", n.key).
				WithDetail("Field requires %d characters, but only %d remain.", length, len(text)).
				WithHint("If your source string is not fixed-width, try using the \"FM\" modifier.")
		}
		text = text[:length]
	}
	end := 0
	if text != "" && (text[0] == '-' || text[0] == '+') {
		end = 1
	}
	digits := end
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	word := r.rest[lead:min(len(r.rest), lead+length)]
	switch {
	case end == digits:
		return 0, 0, badStamp("invalid value \"%s\" for \"%s\"", word, n.key).WithDetail("Value must be an integer.")
	case bounded && end < length:
		return 0, 0, badStamp("invalid value \"%s\" for \"%s\"", word, n.key).
			WithDetail("Field requires %d characters, but only %d could be parsed.", length, end).
			WithHint("If your source string is not fixed-width, try using the \"FM\" modifier.")
	}
	v, bad := strconv.ParseInt(text[:end], 10, 64)
	if bad != nil || v > math.MaxInt32 || v < math.MinInt32 {
		return 0, 0, pgerr.New(pgerr.DatetimeFieldOverflow, "value for \"%s\" in source string is out of range", n.key).
			WithDetail("Value must be in the range %d to %d.", math.MinInt32, math.MaxInt32)
	}
	r.drop(lead + end)
	return v, start - len(r.rest), nil
}

// word reads one of the names, whatever its case, and gives its place.
func (r *stampReader) word(key string, names []string) (int64, error) {
	for i, w := range names {
		if len(r.rest) >= len(w) && strings.EqualFold(r.rest[:len(w)], w) {
			r.drop(len(w))
			return int64(i), nil
		}
	}
	bad := strings.FieldsFunc(r.rest, func(c rune) bool { return c == ' ' })
	return 0, badStamp("invalid value \"%s\" for \"%s\"", strings.Join(bad[:min(1, len(bad))], ""), key).
		WithDetail("The given value did not match any of the allowed values for this field.")
}

func (r *stampReader) set(key, field string, v int64) error {
	if have, ok := r.fields[field]; ok && have != 0 && have != v {
		return badStamp("conflicting values for \"%s\" field in formatting string", key).
			WithDetail("This value contradicts a previous setting for the same field type.")
	}
	r.fields[field] = v
	return nil
}

func (r *stampReader) setCalendar(c byte) error {
	if c != 0 && r.calendar != 0 && r.calendar != c {
		return badStamp("invalid combination of date conventions").
			WithHint("Do not mix Gregorian and ISO week date conventions in a formatting template.")
	}
	if c != 0 {
		r.calendar = c
	}
	return nil
}

// key reads the field of node k.
func (r *stampReader) key(nodes []templateNode, k int) error {
	n := &nodes[k]
	if done, err := r.named(n); done || err != nil {
		return err
	}
	d, ok := stampKeys[n.key]
	if !ok {
		return pgerr.New(pgerr.FeatureNotSupported, "formatting field \"%s\" is only supported in to_char", n.key)
	}
	if err := r.setCalendar(d.calendar); err != nil {
		return err
	}
	switch n.key {
	case "HH", "HH12":
		r.clock12 = true
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		r.precision = d.length
	case "TZH":
		r.zoneSign()
	case "TZM":
		if r.sign == 0 {
			r.sign = 1
		}
	}
	v, used, err := r.number(nodes, k, d.length)
	if err != nil {
		return err
	}
	if d.field != "" {
		if err := r.set(n.key, d.field, r.scaled(n.key, d, v, used)); err != nil {
			return err
		}
	}
	if n.th {
		for range min(2, utf8.RuneCountInString(r.rest)) {
			_, size := utf8.DecodeRuneInString(r.rest)
			r.drop(size)
		}
	}
	return nil
}

// scaled is the value of a field for the number that was read.
func (r *stampReader) scaled(key string, d stampKey, v int64, used int) int64 {
	switch d.field {
	case "ms", "us":
		width := 3
		if d.field == "us" {
			width = 6
		}
		for ; used < width; used++ {
			v *= 10
		}
	case "year":
		if r.yearDigits = d.length; used < 4 && d.length < 4 {
			v = fullYear(v)
		}
	case "d":
		if key == "ID" { // counted from Sunday as D is; what is no day of a week is Sunday
			if v++; v > 7 {
				v = 1
			}
		}
	}
	return v
}

// fullYear puts a year of fewer digits near 2020.
func fullYear(v int64) int64 {
	switch {
	case v < 70:
		return v + 2000
	case v < 100:
		return v + 1900
	case v < 520:
		return v + 2000
	case v < 1000:
		return v + 1000
	}
	return v
}

// zoneSign reads the sign of TZH; a minus may have been taken for a separator.
func (r *stampReader) zoneSign() {
	switch c := r.rest[0]; {
	case c == '+' || c == '-' || c == ' ':
		if r.sign = 1; c == '-' {
			r.sign = -1
		}
		r.drop(1)
	case r.extra > 0 && r.last == '-':
		r.sign = -1
	default:
		r.sign = 1
	}
}

var romanDescending = []string{"XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"}

// named reads the keys whose values are words.
func (r *stampReader) named(n *templateNode) (bool, error) {
	var v int64
	var err error
	field := "pm"
	switch key := strings.ToUpper(n.key); key {
	case "FX":
		r.exact = true
		return true, nil
	case "A.M.", "P.M.":
		v, err = r.word(n.key, []string{"a.m.", "p.m."})
		r.clock12 = true
	case "AM", "PM":
		v, err = r.word(n.key, []string{"am", "pm"})
		r.clock12 = true
	case "A.D.", "B.C.":
		field = "bc"
		v, err = r.word(n.key, []string{"a.d.", "b.c."})
	case "AD", "BC":
		field = "bc"
		v, err = r.word(n.key, []string{"ad", "bc"})
	case "MONTH", "MON", "RM":
		if err := r.setCalendar('g'); err != nil {
			return true, err
		}
		field = "mm"
		if key == "RM" {
			v, err = r.word(n.key, romanDescending)
			v = 12 - v
		} else {
			v, err = r.word(n.key, names(datum.MonthName, 1, 12, key == "MON"))
			v++
		}
	case "DAY", "DY":
		field = "d"
		v, err = r.word(n.key, names(datum.DayName, 0, 6, key == "DY"))
		v++
	case "Y,YYY":
		return true, r.longYear(n)
	default:
		return false, nil
	}
	if err != nil {
		return true, err
	}
	return true, r.set(n.key, field, v)
}

func names(name func(int64) string, from, to int64, short bool) []string {
	var out []string
	for i := from; i <= to; i++ {
		w := name(i)
		if short {
			w = w[:3]
		}
		out = append(out, w)
	}
	return out
}

// longYear reads a year with a comma after the thousands.
func (r *stampReader) longYear(n *templateNode) error {
	if err := r.setCalendar('g'); err != nil {
		return err
	}
	at := strings.IndexByte(r.rest, ',')
	bad := badStamp("invalid input string for \"Y,YYY\"")
	if at < 0 {
		return bad
	}
	thousands, err := strconv.ParseInt(strings.TrimSpace(r.rest[:at]), 10, 32)
	if err != nil {
		return bad
	}
	end := at + 1
	for end < len(r.rest) && end < at+4 && r.rest[end] >= '0' && r.rest[end] <= '9' {
		end++
	}
	years, err := strconv.ParseInt(r.rest[at+1:end], 10, 32)
	if err != nil {
		return bad
	}
	r.drop(end)
	r.yearDigits = 4
	if n.th {
		r.drop(min(2, len(r.rest)))
	}
	return r.set(n.key, "year", thousands*1000+years)
}

// parseTemplates are to_date and to_timestamp of text.
func parseTemplates() []Func {
	read := func(a []*vec.Column, i int) (*stampReader, int64, error) {
		r := &stampReader{text: string(a[0].Bytes(i)), fields: map[string]int64{}}
		r.rest = r.text
		if err := r.read(parseTemplate(string(a[1].Bytes(i)))); err != nil {
			return r, 0, err
		}
		v, err := r.moment()
		return r, v, err
	}
	args := dtArgs(datum.Text, datum.Text)
	return []Func{
		dtRow(1176, "timestamptz", Stable, datum.TimestampTZ, dtArgs(datum.Date, datum.Time), "the moment of that date and time in the session's zone", func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := datePlusTime(a[0].Int(i), a[1].Int(i))
			b.AppendInt(toUTC(c.Env, v))
			return err
		}),
		dtRow(1359, "timestamptz", Immutable, datum.TimestampTZ, dtArgs(datum.Date, datum.TimeTZ), "the moment of that date and time", dtInt(datePlusTimeTZ)),
		dtRow(2025, "timestamp", Immutable, datum.Timestamp, dtArgs(datum.Date, datum.Time), "the moment of that date and time", dtInt(datePlusTime)),
		dtRow(1780, "to_date", Stable, datum.Date, args, "the date in a text, by a template such as YYYY-MM-DD", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			_, v, err := read(a, i)
			b.AppendInt(timestampToDate(v))
			return err
		}),
		dtRow(1778, "to_timestamp", Stable, datum.TimestampTZ, args, "the moment in a text, by a template such as YYYY-MM-DD HH24:MI:SS", func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			r, v, err := read(a, i)
			if err != nil {
				return err
			}
			if r.sign != 0 {
				v -= r.sign * (r.fields["tzh"]*3600 + r.fields["tzm"]*60) * datum.MicrosPerSecond
			} else {
				v = toUTC(c.Env, v)
			}
			if unit := int64(math.Pow10(6 - r.precision)); r.precision > 0 {
				v = roundMicros(v, unit)
			}
			b.AppendInt(v)
			return nil
		}),
	}
}

// roundMicros rounds half away from zero to a multiple of unit.
func roundMicros(v, unit int64) int64 {
	if v < 0 {
		return -roundMicros(-v, unit)
	}
	return (v + unit/2) / unit * unit
}
