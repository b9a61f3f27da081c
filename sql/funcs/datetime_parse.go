package funcs

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// stampReader reads a date and time by a template.
type stampReader struct {
	text, rest       string
	year, month, day int64
	doy, julian      int64
	hour, min, sec   int64
	micro, east      int64
	daySecs          int64
	pm, half, bc     bool
	hasJulian, zoned bool
}

// keyWidth is how many digits a key takes when a digit follows.
var keyWidth = map[string]int{"YYYY": 4, "YYY": 3, "YY": 2, "Y": 1, "MM": 2, "DD": 2, "DDD": 3, "HH": 2, "HH12": 2, "HH24": 2, "MI": 2, "SS": 2,
	"MS": 3, "US": 6, "FF1": 1, "FF2": 2, "FF3": 3, "FF4": 4, "FF5": 5, "FF6": 6, "SSSS": 5, "SSSSS": 5, "J": 7, "TZH": 2, "TZM": 2}

func (r *stampReader) skip(set string) { r.rest = strings.TrimLeft(r.rest, set) }

const templateSeparators = " \t\n\r-/.,:;'_"

// number reads the digits of a key; false at the end of the text.
func (r *stampReader) number(key string, bounded bool) (n int64, digits int, ok bool, err error) {
	r.skip(" ")
	if r.rest == "" {
		return 0, 0, false, nil
	}
	limit := 10
	if bounded {
		limit = keyWidth[key]
	}
	end := 0
	if r.rest[0] == '-' || r.rest[0] == '+' {
		end, limit = 1, limit+1
	}
	for end < len(r.rest) && end < limit && r.rest[end] >= '0' && r.rest[end] <= '9' {
		end++
	}
	n, bad := strconv.ParseInt(r.rest[:end], 10, 64)
	if bad != nil {
		word := r.rest
		if bounded {
			word = word[:min(len(word), limit)]
		} else if i := strings.IndexAny(word, " "); i > 0 {
			word = word[:i]
		}
		return 0, 0, false, pgerr.New(pgerr.InvalidDatetimeFormat, "invalid value \"%s\" for \"%s\"", word, key).WithDetail("Value must be an integer.")
	}
	r.rest = r.rest[end:]
	return n, end, true, nil
}

// word reads one of the names, of which a prefix of the given length is enough (0: all of it).
func (r *stampReader) word(key string, prefix int, name func(i int64) string, from, to int64) (int64, error) {
	r.skip(" ")
	for i := from; i <= to; i++ {
		w := name(i)
		if prefix > 0 {
			w = w[:prefix]
		}
		if len(r.rest) >= len(w) && strings.EqualFold(r.rest[:len(w)], w) {
			r.rest = r.rest[len(w):]
			return i, nil
		}
	}
	bad, _, _ := strings.Cut(r.rest, " ")
	return 0, pgerr.New(pgerr.InvalidDatetimeFormat, "invalid value \"%s\" for \"%s\"", bad, key).
		WithDetail("The given value did not match any of the allowed values for this field.")
}

// suffix reads AM, PM, AD or BC with or without points.
func (r *stampReader) suffix(key string) error {
	r.skip(" ")
	for _, s := range []string{"a.m.", "p.m.", "a.d.", "b.c.", "am", "pm", "ad", "bc"} {
		if len(r.rest) >= len(s) && strings.EqualFold(r.rest[:len(s)], s) {
			r.rest = r.rest[len(s):]
			r.pm = r.pm || s[0] == 'p'
			r.bc = r.bc || s[0] == 'b'
			r.half = r.half || strings.Contains(s, "m")
			return nil
		}
	}
	_, err := r.word(key, 0, func(int64) string { return "a.m." }, 0, 0)
	return err
}

func (r *stampReader) key(n templateNode, bounded bool) (err error) {
	switch strings.ToUpper(n.key) {
	case "MONTH":
		r.month, err = r.word(n.key, 0, datum.MonthName, 1, 12)
		return err
	case "MON":
		r.month, err = r.word(n.key, 3, datum.MonthName, 1, 12)
		return err
	case "DAY":
		_, err = r.word(n.key, 0, datum.DayName, 0, 6)
		return err
	case "DY":
		_, err = r.word(n.key, 3, datum.DayName, 0, 6)
		return err
	case "AM", "PM", "A.M.", "P.M.", "AD", "BC", "A.D.", "B.C.":
		if strings.TrimSpace(r.rest) == "" {
			return nil
		}
		return r.suffix(n.key)
	case "FX":
		return nil
	}
	if keyWidth[n.key] == 0 {
		return pgerr.New(pgerr.FeatureNotSupported, "formatting field \"%s\" is not supported here", n.key)
	}
	v, digits, ok, err := r.number(n.key, bounded)
	if err != nil || !ok {
		return err
	}
	return r.set(n.key, v, digits)
}

func (r *stampReader) set(key string, v int64, digits int) error {
	switch key {
	case "YYYY":
		r.year = v
	case "YYY", "YY", "Y":
		r.year = v
		if digits < 4 && v < 70 {
			r.year += 2000
		} else if v < 100 {
			r.year += 1900
		}
	case "MM":
		r.month = v
	case "DD":
		r.day = v
	case "DDD":
		r.doy = v
	case "J":
		r.julian, r.hasJulian = v, true
	case "HH", "HH12":
		if r.hour, r.half = v, true; v < 1 || v > 12 {
			return pgerr.New(pgerr.InvalidDatetimeFormat, "hour \"%d\" is invalid for the 12-hour clock", v).
				WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
		}
	case "HH24":
		r.hour = v
	case "MI":
		r.min = v
	case "SS":
		r.sec = v
	case "SSSS", "SSSSS":
		r.daySecs = v
	case "TZH":
		r.east, r.zoned = v*3600, true
	case "TZM":
		if r.east < 0 {
			v = -v
		}
		r.east += v * 60
	default: // MS, US, FF1…: digits after the point
		for ; digits < 6; digits++ {
			v *= 10
		}
		r.micro = v
	}
	return nil
}

func (r *stampReader) read(nodes []templateNode) error {
	for k, n := range nodes {
		switch {
		case n.key != "":
			bounded := k+1 < len(nodes) && keyWidth[nodes[k+1].key] > 0
			if err := r.key(n, bounded); err != nil {
				return err
			}
			if n.th && len(r.rest) > 1 {
				r.rest = r.rest[2:]
			}
		case strings.Contains(templateSeparators, n.text):
			if k+1 < len(nodes) && nodes[k+1].key == "TZH" {
				r.skip(" ")
			} else {
				r.skip(templateSeparators)
			}
		default:
			r.rest = r.rest[min(len(n.text), len(r.rest)):]
		}
	}
	return nil
}

// moment puts together what was read, as local time.
func (r *stampReader) moment() (int64, error) {
	bad := pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", r.text)
	year := r.year
	switch {
	case r.bc && year > 0:
		year = 1 - year
	case year < 0:
		year++
	}
	month, day := max(r.month, 1), max(r.day, 1)
	if month > 12 || day > datum.DaysInMonth(year, month) || r.month < 0 || r.doy > 366 || r.hour > 23 || r.min > 59 || r.sec > 59 ||
		r.hour < 0 || r.min < 0 || r.sec < 0 || r.daySecs >= 86400 {
		return 0, bad
	}
	days := datum.DaysFromCivil(year, month, day)
	if r.doy > 0 {
		days = datum.DaysFromCivil(year, 1, 1) + r.doy - 1
	}
	if r.hasJulian {
		days = r.julian - 2451545
	}
	hour := r.hour
	if r.half {
		hour %= 12
		if r.pm {
			hour += 12
		}
	}
	return stampAt(days, ((hour*60+r.min)*60+r.sec+r.daySecs)*datum.MicrosPerSecond+r.micro)
}

// parseTemplates are to_date and to_timestamp of text.
func parseTemplates() []Func {
	read := func(a []*vec.Column, i int) (*stampReader, int64, error) {
		r := &stampReader{text: string(a[0].Bytes(i))}
		r.rest = strings.TrimLeft(r.text, " ")
		if err := r.read(parseTemplate(string(a[1].Bytes(i)))); err != nil {
			return r, 0, err
		}
		v, err := r.moment()
		return r, v, err
	}
	args := dtArgs(datum.Text, datum.Text)
	return []Func{
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
			if r.zoned {
				v -= r.east * datum.MicrosPerSecond
			} else {
				v = toUTC(c.Env, v)
			}
			b.AppendInt(v)
			return nil
		}),
	}
}
