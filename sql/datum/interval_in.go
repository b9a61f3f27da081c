package datum

import (
	"math"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// ivUnit is a unit of an interval; each may be given once.
type ivUnit uint8

const (
	uNone ivUnit = iota
	uMicro
	uMilli
	uSecond
	uMinute
	uHour
	uDay
	uWeek
	uMonth
	uYear
	uDecade
	uCentury
	uMillennium
	uAgo
	uIgnore
)

var ivUnits = map[string]ivUnit{
	"us": uMicro, "usec": uMicro, "usecs": uMicro, "usecond": uMicro, "useconds": uMicro, "microsecon": uMicro,
	"ms": uMilli, "msec": uMilli, "msecs": uMilli, "mseconds": uMilli, "millisecon": uMilli,
	"s": uSecond, "sec": uSecond, "secs": uSecond, "second": uSecond, "seconds": uSecond,
	"m": uMinute, "min": uMinute, "mins": uMinute, "minute": uMinute, "minutes": uMinute,
	"h": uHour, "hr": uHour, "hrs": uHour, "hour": uHour, "hours": uHour, "d": uDay, "day": uDay, "days": uDay,
	"w": uWeek, "week": uWeek, "weeks": uWeek, "mon": uMonth, "mons": uMonth, "month": uMonth, "months": uMonth,
	"y": uYear, "yr": uYear, "yrs": uYear, "year": uYear, "years": uYear, "dec": uDecade, "decs": uDecade, "decade": uDecade,
	"decades": uDecade, "c": uCentury, "cent": uCentury, "century": uCentury, "centuries": uCentury, "mil": uMillennium,
	"mils": uMillennium, "millennia": uMillennium, "millennium": uMillennium, "ago": uAgo, "@": uIgnore, "at": uIgnore, "on": uIgnore,
}

// UnitMicros returns the length of a unit below a day in microseconds.
var unitMicros = map[ivUnit]int64{uMicro: 1, uMilli: 1000, uSecond: MicrosPerSecond, uMinute: MicrosPerMinute, uHour: MicrosPerHour}

// unitMonths is the length of a unit of years in months.
var unitMonths = map[ivUnit]int64{uMonth: 1, uYear: 12, uDecade: 120, uCentury: 1200, uMillennium: 12000}

// ivSum adds the parts of an interval up with their overflow checked.
type ivSum struct {
	months, days, micros int64
	bad                  bool // out of range
}

func (s *ivSum) add(dst *int64, v, scale int64) {
	if v != 0 && v*scale/v != scale || v == math.MinInt64 && scale != 1 {
		s.bad = true
		return
	}
	v *= scale
	if sum := *dst + v; (sum > *dst) == (v > 0) || v == 0 {
		*dst = sum
		return
	}
	s.bad = true
}

func (s *ivSum) addFloat(dst *int64, f float64) {
	if math.IsNaN(f) || math.Abs(f) > math.MaxInt64/2 {
		s.bad = true
		return
	}
	s.add(dst, int64(f), 1)
}

// fractionDays adds frac × scale days, the fraction of a day as time.
func (s *ivSum) fractionDays(frac float64, scale int64) {
	frac *= float64(scale)
	whole := math.Trunc(frac)
	s.addFloat(&s.days, whole)
	s.fractionMicros(frac-whole, MicrosPerDay)
}

func (s *ivSum) fractionMicros(frac float64, scale int64) {
	s.addFloat(&s.micros, roundEven(frac*float64(scale)))
}

// unit adds a number of units with a fraction.
func (s *ivSum) unit(u ivUnit, v int64, frac float64) {
	switch u {
	case uDay:
		s.add(&s.days, v, 1)
		s.fractionMicros(frac, MicrosPerDay)
	case uWeek:
		s.add(&s.days, v, 7)
		s.fractionDays(frac, 7)
	case uMonth:
		s.add(&s.months, v, 1)
		s.fractionDays(frac, 30)
	case uYear, uDecade, uCentury, uMillennium:
		s.add(&s.months, v, unitMonths[u])
		s.addFloat(&s.months, roundEven(frac*float64(unitMonths[u])))
	default:
		s.add(&s.micros, v, unitMicros[u])
		s.fractionMicros(frac, unitMicros[u])
	}
}

func (s *ivSum) value() (vec.IntervalValue, bool) {
	ok := !s.bad && int64(int32(s.months)) == s.months && int64(int32(s.days)) == s.days
	return vec.IntervalValue{Months: int32(s.months), Days: int32(s.days), Micros: s.micros}, ok
}

func (s *ivSum) negate() {
	s.bad = s.bad || s.micros == math.MinInt64
	s.months, s.days, s.micros = -s.months, -s.days, -s.micros
}

// ParseInterval reads an interval in any of PostgreSQL's forms; mod, a modifier of interval, says what a number without
// unit means.
func ParseInterval(text string, mod int32, env *Env) (vec.IntervalValue, error) {
	r := &ivReader{mask: ivFullRange, env: env.orDefault()}
	if mod >= 0 {
		r.mask = mod >> 16 & 0x7fff
	}
	fields, ok := splitDateTime(text)
	err := dtBadFormat
	if ok {
		err = r.read(fields)
	}
	if err == dtBadFormat && strings.HasPrefix(text, "P") {
		r.sum = ivSum{}
		err = r.iso(text[1:])
	}
	v, fits := r.sum.value()
	switch {
	case err == dtBadFormat:
		return v, pgerr.New(pgerr.InvalidDatetimeFormat, "invalid input syntax for type interval: \"%s\"", text)
	case err != dtOK || r.sum.bad || !fits:
		return v, pgerr.New(pgerr.IntervalFieldOverflow, "interval field value out of range: \"%s\"", text)
	}
	return v, nil
}

type ivReader struct {
	env  *Env
	mask int32
	sum  ivSum
	got  uint32
	unit ivUnit
	ago  bool
	neg  bool // the SQL standard's leading minus for everything
}

func (r *ivReader) read(fields []dtField) dtErr {
	r.neg = r.standardMinus(fields)
	for i := len(fields) - 1; i >= 0; i-- {
		f := fields[i]
		var err dtErr
		switch f.kind {
		case dtTime:
			err = r.clock(f.text, r.neg)
		case dtZone:
			if strings.Contains(f.text, ":") {
				err = r.clock(f.text[1:], f.text[0] == '-')
				break
			}
			err = r.number(f.text)
		case dtDate, dtNumber:
			err = r.number(f.text)
		default:
			err = r.word(f.text)
		}
		if err != dtOK {
			return err
		}
	}
	if r.got == 0 {
		return dtBadFormat
	}
	if r.ago {
		r.sum.negate()
	}
	return dtOK
}

func (r *ivReader) standardMinus(fields []dtField) bool {
	if r.env.IntervalFormat != StandardIntervals || len(fields) == 0 || fields[0].text[0] != '-' {
		return false
	}
	for _, f := range fields[1:] {
		if f.text[0] == '-' || f.text[0] == '+' {
			return false
		}
	}
	return true
}

func (r *ivReader) mark(u ivUnit) dtErr {
	if r.got&(1<<u) != 0 {
		return dtBadFormat
	}
	r.got |= 1 << u
	return dtOK
}

func (r *ivReader) clock(s string, neg bool) dtErr {
	h, m, sec, micro, err := decodeTime(s)
	if err != dtOK {
		return err
	}
	if r.mask == ivMinute|ivSecond && strings.Count(s, ":") == 1 && !strings.Contains(s, ".") {
		h, m, sec = 0, h, m
	}
	part := ivSum{}
	part.unit(uHour, h, 0)
	part.unit(uMinute, m, 0)
	part.unit(uSecond, sec, 0)
	part.unit(uMicro, micro, 0)
	if neg {
		part.negate()
	}
	r.sum.bad = r.sum.bad || part.bad
	r.sum.add(&r.sum.micros, part.micros, 1)
	r.unit = uDay
	for _, u := range []ivUnit{uHour, uMinute, uSecond, uMilli, uMicro} {
		if err := r.mark(u); err != dtOK {
			return err
		}
	}
	return dtOK
}

func (r *ivReader) defaultUnit() ivUnit {
	switch r.mask {
	case ivYear:
		return uYear
	case ivMonth, ivYear | ivMonth:
		return uMonth
	case ivDay:
		return uDay
	case ivHour, ivDay | ivHour:
		return uHour
	case ivMinute, ivHour | ivMinute, ivDay | ivHour | ivMinute:
		return uMinute
	}
	return uSecond
}

func (r *ivReader) number(s string) dtErr {
	u := r.unit
	if u == uNone || u == uIgnore {
		u = r.defaultUnit()
	}
	neg := s[0] == '-'
	body := strings.TrimLeft(s, "+-")
	end := 0
	for end < len(body) && isDigit(body[end]) {
		end++
	}
	v, e := strconv.ParseInt("-0"+body[:end], 10, 64)
	if e != nil || v == math.MinInt64 && !neg && !r.neg {
		return dtFieldRange
	}
	if !neg && !r.neg {
		v = -v
	}
	frac := 0.0
	switch rest := body[end:]; {
	case rest == "":
	case rest[0] == '-':
		months, e := strconv.ParseInt(rest[1:], 10, 64)
		if e != nil || months < 0 {
			return dtBadFormat
		}
		if months >= 12 {
			return dtFieldRange
		}
		if abs(v) > math.MaxInt64/24 {
			return dtFieldRange
		}
		if neg || r.neg {
			months = -months
		}
		u, v = uMonth, v*12+months
	case rest[0] == '.':
		if strings.Trim(rest[1:], "0123456789") != "" {
			return dtBadFormat
		}
		if len(rest) > 1 {
			frac, _ = strconv.ParseFloat("0"+rest, 64)
		}
	default:
		return dtBadFormat
	}
	if neg || r.neg {
		frac = -frac
	}
	r.sum.unit(u, v, frac)
	if r.sum.bad {
		return dtFieldRange
	}
	if r.unit = u; u == uHour {
		r.unit = uDay // for a number before it, as in '1 2' day to hour
	}
	return r.mark(u)
}

func (r *ivReader) word(s string) dtErr {
	u, ok := ivUnits[s[:min(len(s), 10)]]
	switch {
	case !ok:
		return dtBadFormat
	case u == uIgnore:
		return dtOK
	case u == uAgo:
		r.ago = true
		r.unit = u
		return dtOK
	}
	r.unit = u
	return dtOK
}

// iso reads what follows the P of an ISO 8601 duration, with designators or in the alternative format.
func (r *ivReader) iso(s string) dtErr {
	if s == "" {
		return dtBadFormat
	}
	inTime, any := false, false
	for s != "" {
		if s[0] == 'T' {
			inTime, any = true, true
			s = s[1:]
			continue
		}
		v, frac, rest, ok := isoNumber(s)
		if !ok {
			return dtBadFormat
		}
		unit := byte(0)
		if rest != "" {
			unit, rest = rest[0], rest[1:]
		}
		u, known := isoUnit(unit, inTime)
		if !known {
			return r.isoAlternative(s, inTime)
		}
		r.sum.unit(u, v, frac)
		if r.sum.bad {
			return dtFieldRange
		}
		s, any = rest, true
	}
	if !any {
		return dtBadFormat
	}
	return dtOK
}

func isoUnit(c byte, inTime bool) (ivUnit, bool) {
	if inTime {
		u, ok := map[byte]ivUnit{'H': uHour, 'M': uMinute, 'S': uSecond}[c]
		return u, ok
	}
	u, ok := map[byte]ivUnit{'Y': uYear, 'M': uMonth, 'W': uWeek, 'D': uDay}[c]
	return u, ok
}

func isoNumber(s string) (v int64, frac float64, rest string, ok bool) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	start := i
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	if i == start {
		return 0, 0, s, false
	}
	f, err := strconv.ParseFloat(s[:i], 64)
	if err != nil || math.Abs(f) > math.MaxInt64/2 {
		return 0, 0, s, false
	}
	whole := math.Trunc(f)
	return int64(whole), f - whole, s[i:], true
}

// isoAlternative reads YYYY-MM-DD and YYYYMMDD, then THH:MM:SS and THHMMSS.
func (r *ivReader) isoAlternative(s string, inTime bool) dtErr {
	date, clock, hasClock := s, "", false
	if inTime {
		date, clock, hasClock = "", s, true
	} else if d, c, ok := strings.Cut(s, "T"); ok {
		date, clock, hasClock = d, c, true
	}
	if date != "" && !r.isoFields(date, "-", 4, []ivUnit{uYear, uMonth, uDay}) {
		return dtBadFormat
	}
	if hasClock && !r.isoFields(clock, ":", 2, []ivUnit{uHour, uMinute, uSecond}) {
		return dtBadFormat
	}
	return dtOK
}

func (r *ivReader) isoFields(s, sep string, first int, units []ivUnit) bool {
	var parts []string
	switch head, neg := s, strings.HasPrefix(s, "-"); {
	case neg:
		parts = strings.SplitN(head[1:], sep, 3)
		parts[0] = "-" + parts[0]
	case strings.Contains(s, sep):
		parts = strings.SplitN(s, sep, 3)
	case len(s) == first+4 || len(s) > first+4 && s[first+4] == '.':
		parts = []string{s[:first], s[first : first+2], s[first+2:]}
	default:
		parts = []string{s}
	}
	for i, p := range parts {
		v, frac, rest, ok := isoNumber(p)
		if !ok || rest != "" {
			return false
		}
		r.sum.unit(units[i], v, frac)
	}
	return true
}
