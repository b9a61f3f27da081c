package funcs

import (
	"fmt"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// templateNode is a piece of a template: a key with its modifiers, or text as it is.
type templateNode struct {
	key    string // in upper case but for the keys whose case shows
	text   string
	quoted bool // the text stood in quotes
	fill   bool // FM: no padding
	th, TH bool
}

// dateKeys are the patterns of dates and times, longer ones before those that they begin with.
var dateKeys = []string{
	"A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "Day", "Dy", "D", "FF1", "FF2", "FF3", "FF4", "FF5",
	"FF6", "FX", "HH24", "HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "MI", "MM", "MONTH", "MON", "MS", "Month",
	"Mon", "OF", "P.M.", "PM", "Q", "RM", "SSSSS", "SSSS", "SS", "TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY", "YYYY", "YYY", "YY", "Y",
	"a.d.", "a.m.", "ad", "am", "b.c.", "bc", "day", "dy", "month", "mon", "p.m.", "pm", "rm", "tz",
}

// lowerKeys are the patterns that mean the same in small letters.
var lowerKeys = map[string]bool{"cc": true, "ddd": true, "dd": true, "d": true, "ff1": true, "ff2": true, "ff3": true, "ff4": true, "ff5": true,
	"ff6": true, "fx": true, "hh24": true, "hh12": true, "hh": true, "iddd": true, "id": true, "iw": true, "iyyy": true, "iyy": true, "iy": true, "i": true,
	"j": true, "mi": true, "mm": true, "ms": true, "of": true, "q": true, "sssss": true, "ssss": true, "ss": true, "tzh": true, "tzm": true,
	"us": true, "ww": true, "w": true, "y,yyy": true, "yyyy": true, "yyy": true, "yy": true, "y": true}

// dateKey finds the longest pattern that s begins with.
func dateKey(s string) string {
	best := ""
	for _, k := range dateKeys {
		if len(k) > len(best) && strings.HasPrefix(s, k) {
			best = k
		}
	}
	for n := min(5, len(s)); n > len(best); n-- {
		if lowerKeys[s[:n]] {
			return strings.ToUpper(s[:n])
		}
	}
	return best
}

// parseTemplate splits a template of dates and times.
func parseTemplate(s string) []templateNode {
	var out []templateNode
	for s != "" {
		if s[0] == '"' {
			var lit string
			lit, s = quotedPart(s[1:])
			out = append(out, templateNode{text: lit, quoted: true})
			continue
		}
		if strings.HasPrefix(s, "\\\"") {
			out, s = append(out, templateNode{text: "\"", quoted: true}), s[2:]
			continue
		}
		rest, fill := s, false
		for len(rest) > 1 && (rest[:2] == "FM" || rest[:2] == "fm" || rest[:2] == "TM" || rest[:2] == "tm") {
			fill = fill || rest[0]|32 == 'f'
			rest = rest[2:]
		}
		k := dateKey(rest)
		switch {
		case k == "" && len(rest) < len(s):
			s = rest
			continue
		case k == "":
			n := 1
			for n < len(s) && s[n]&0xc0 == 0x80 {
				n++
			}
			out, s = append(out, templateNode{text: s[:n]}), s[n:]
			continue
		}
		node := templateNode{key: k, fill: fill}
		s = rest[len(k):]
		if len(s) > 1 && strings.EqualFold(s[:2], "th") {
			node.TH, node.th = s[0] == 'T', true
			s = s[2:]
		}
		out = append(out, node)
	}
	return out
}

// quotedPart reads up to the closing quote; a backslash takes the next character as it is.
func quotedPart(s string) (lit, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// shown is what a template shows: a local timestamp, or an interval.
type shown struct {
	datum.Civil
	days     int64
	interval bool
	zone     string
	east     int64
}

var romanMonths = []string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}

// cased gives a name the case that the key has.
func cased(name, key string) string {
	switch {
	case key == strings.ToUpper(key):
		return strings.ToUpper(name)
	case key == strings.ToLower(key):
		return strings.ToLower(name)
	}
	return name
}

func padded(name string, width int, fill bool) string {
	if fill {
		return name
	}
	return fmt.Sprintf("%-*s", width, name)
}

// named shows the keys whose values are words.
func (v *shown) named(n templateNode) (string, bool) {
	wd := datum.DayName(datum.Weekday(v.days))
	switch strings.ToUpper(n.key) {
	case "AM", "PM":
		return cased(map[bool]string{true: "PM", false: "AM"}[v.Hour%24 >= 12], n.key), true
	case "A.M.", "P.M.":
		return cased(map[bool]string{true: "P.M.", false: "A.M."}[v.Hour%24 >= 12], n.key), true
	case "AD", "BC":
		return cased(map[bool]string{true: "BC", false: "AD"}[v.Year <= 0], n.key), true
	case "A.D.", "B.C.":
		return cased(map[bool]string{true: "B.C.", false: "A.D."}[v.Year <= 0], n.key), true
	case "MONTH":
		return padded(cased(datum.MonthName(v.Month), n.key), 9, n.fill), true
	case "MON":
		return cased(datum.MonthName(v.Month)[:3], n.key), true
	case "DAY":
		return padded(cased(wd, n.key), 9, n.fill), true
	case "DY":
		return cased(wd[:3], n.key), true
	case "RM":
		m := v.Month
		if m == 0 && (!v.interval || v.Year == 0) {
			return "", true
		}
		at := (m + 11) % 12
		if m < 0 || m == 0 && v.Year < 0 { // the months of a negative interval count back from December
			at = (m + 12) % 12
		}
		return padded(cased(romanMonths[at], n.key), 4, n.fill), true
	case "TZ":
		return cased(v.zone, n.key), true
	case "OF", "TZH", "TZM":
		return v.offset(n.key), true
	}
	return "", false
}

func (v *shown) offset(key string) string {
	sign, e := '+', v.east
	if e < 0 {
		sign, e = '-', -e
	}
	switch key {
	case "TZH":
		return fmt.Sprintf("%c%02d", sign, e/3600)
	case "TZM":
		return fmt.Sprintf("%02d", e%3600/60)
	}
	s := fmt.Sprintf("%c%02d", sign, e/3600)
	if e%3600 != 0 {
		s += fmt.Sprintf(":%02d", e%3600/60)
	}
	return s
}

// number gives the value of a numeric key and the width it is padded to.
func (v *shown) number(key string) (n int64, width int) {
	year, iso, week := v.Year, v.Year, int64(0)
	if !v.interval {
		iso, week = isoWeek(v.days)
		if year <= 0 {
			year = 1 - year
		}
		if iso <= 0 {
			iso = 1 - iso
		}
	}
	doy := v.days - datum.DaysFromCivil(v.Year, 1, 1) + 1
	switch key {
	case "HH24":
		return v.Hour, 2
	case "HH", "HH12":
		h := v.Hour % 12
		if h == 0 {
			h = 12
		}
		return h, 2
	case "MI":
		return v.Minute, 2
	case "SS":
		return v.Second, 2
	case "MS":
		return v.Micro / 1000, 3
	case "US":
		return v.Micro, 6
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		return v.fraction(int(key[2] - '0'))
	case "SSSS", "SSSSS":
		return v.Hour*3600 + v.Minute*60 + v.Second, 1
	case "MM":
		return v.Month, 2
	case "DD":
		return v.Day, 2
	case "D":
		return datum.Weekday(v.days) + 1, 1
	case "ID":
		return (datum.Weekday(v.days)+6)%7 + 1, 1
	case "DDD":
		return doy, 3
	case "IDDD":
		return (week-1)*7 + (datum.Weekday(v.days)+6)%7 + 1, 3
	case "WW":
		return (doy-1)/7 + 1, 2
	case "IW":
		return week, 2
	case "W":
		return (v.Day-1)/7 + 1, 1
	case "Q":
		return (v.Month-1)/3 + 1, 1
	case "J":
		return v.days + 2451545, 1
	case "CC":
		return v.century(), 2
	}
	return yearDigits(key, year, iso)
}

// fraction gives that many digits after the point of the seconds.
func (v *shown) fraction(digits int) (int64, int) {
	f := v.Micro
	for range 6 - digits {
		f /= 10
	}
	return f, digits
}

func (v *shown) century() int64 {
	switch {
	case v.interval:
		return v.Year / 100
	case v.Year > 0:
		return (v.Year + 99) / 100
	}
	return -((99 - (v.Year - 1)) / 100)
}

func yearDigits(key string, year, iso int64) (int64, int) {
	if key[0] == 'I' {
		year, key = iso, strings.ReplaceAll(key, "I", "Y")
	}
	switch key {
	case "YYY":
		return year % 1000, 3
	case "YY":
		return year % 100, 2
	case "Y":
		return year % 10, 1
	}
	return year, 4
}

// datesOnly are the keys that say nothing about an interval, which has no weekday, no month with a name and no zone.
var datesOnly = map[string]bool{"AD": true, "BC": true, "A.D.": true, "B.C.": true, "MONTH": true, "MON": true, "DAY": true, "DY": true,
	"D": true, "ID": true, "TZ": true, "TZH": true, "TZM": true, "OF": true}

// format writes the value by the template.
func (v *shown) format(dst []byte, nodes []templateNode) ([]byte, error) {
	for _, n := range nodes {
		if v.interval && datesOnly[strings.ToUpper(n.key)] {
			return nil, pgerr.New(pgerr.InvalidDatetimeFormat, "invalid format specification for an interval value").
				WithHint("Intervals are not tied to specific calendar dates.")
		}
		if n.key == "" {
			dst = append(dst, n.text...)
			continue
		}
		if n.key == "FX" {
			continue
		}
		if s, ok := v.named(n); ok {
			dst = append(dst, s...)
			continue
		}
		s := v.digits(n)
		dst = append(dst, s...)
		if n.th {
			dst = append(dst, ordinal(s, n.TH)...)
		}
	}
	return dst, nil
}

func (v *shown) digits(n templateNode) string {
	if n.key == "Y,YYY" {
		y, _ := v.number("YYYY")
		return fmt.Sprintf("%d,%03d", y/1000, y%1000)
	}
	if n.key == "Q" && v.Month == 0 {
		return ""
	}
	num, width := v.number(n.key)
	if n.fill && !(n.key == "MS" || n.key == "US" || n.key[0] == 'F') {
		width = 1
	}
	if num < 0 {
		width++
	}
	return fmt.Sprintf("%0*d", width, num)
}

// ordinal is the ending of an ordinal number.
func ordinal(number string, upper bool) string {
	end := "th"
	if l := len(number); l > 0 && (l < 2 || number[l-2] != '1') {
		switch number[l-1] {
		case '1':
			end = "st"
		case '2':
			end = "nd"
		case '3':
			end = "rd"
		}
	}
	if upper {
		return strings.ToUpper(end)
	}
	return end
}

func showStamp(c *Ctx, ts int64, tz bool) *shown {
	v := &shown{}
	if tz {
		v.zone, v.east = datum.ZoneOffset(c.Env.Zone(), ts)
		ts += v.east * datum.MicrosPerSecond
	}
	v.Civil = datum.CivilOf(ts)
	v.days = v.Days()
	return v
}

func showInterval(i vec.IntervalValue) *shown {
	v := &shown{interval: true}
	v.SetTime(i.Micros)
	v.Year, v.Month, v.Day = int64(i.Months/12), int64(i.Months%12), int64(i.Days)
	v.days = (v.Year*12+v.Month)*30 + v.Day - 2451545
	return v
}

// templated makes the body of to_char for dates and times; nil from show is null. A template is read once for all the rows
// that follow each other with it.
func templated(show func(c *Ctx, a *vec.Column, i int) *shown) Body {
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		var last string
		var nodes []templateNode
		return rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v := show(c, a[0], i)
			if text := a[1].Bytes(i); string(text) != last {
				last = string(text)
				nodes = parseTemplate(last)
			}
			if v == nil || last == "" {
				b.AppendNull()
				return nil
			}
			return b.AppendWith(func(dst []byte) ([]byte, error) { return v.format(dst, nodes) })
		})(c, args, n)
	}
}

// templateFuncs are to_char, to_date, to_timestamp and to_number (PostgreSQL documentation, section 9.8).
func templateFuncs() []Func {
	row := func(oid, t datum.OID, doc string, show func(c *Ctx, a *vec.Column, i int) *shown) Func {
		return Func{OID: oid, Name: "to_char", Args: dtArgs(t, datum.Text), Ret: datum.Text, Strict: true, Volatile: Stable, Doc: doc, Body: templated(show)}
	}
	stamp := func(tz bool) func(c *Ctx, a *vec.Column, i int) *shown {
		return func(c *Ctx, a *vec.Column, i int) *shown {
			if datum.IsInfinite(a.Int(i)) {
				return nil
			}
			return showStamp(c, a.Int(i), tz)
		}
	}
	const doc = "as text after a template such as YYYY-MM-DD HH24:MI:SS"
	out := []Func{
		row(2049, datum.Timestamp, "the timestamp "+doc, stamp(false)), row(1770, datum.TimestampTZ, "the moment "+doc, stamp(true)),
		row(1768, datum.Interval, "the interval "+doc, func(_ *Ctx, a *vec.Column, i int) *shown { return showInterval(a.Interval(i)) }),
	}
	return append(out, append(numberTemplates(), parseTemplates()...)...)
}
