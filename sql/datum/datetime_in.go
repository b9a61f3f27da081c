package datum

import (
	"math"

	"github.com/allsource-db/allsource/sql/pgerr"
)

func roundEven(f float64) float64 { return math.RoundToEven(f) }

func readDateTime(text, typeName string, timeOnly bool, env *Env) (*dtReader, error) {
	r := &dtReader{env: env.orDefault(), timeOnly: timeOnly}
	fields, ok := splitDateTime(text)
	if !ok {
		return nil, r.report(dtBadFormat, text, typeName)
	}
	if err := r.read(fields); err != dtOK {
		return nil, r.report(err, text, typeName)
	}
	return r, nil
}

// isoStamp reads the one form that machines write, YYYY-MM-DD[( |T)HH:MM:SS[.ffffff][Z|+00[[:]00]]], without the general
// reader; ok is false for all else.
func isoStamp[T string | []byte](s T) (days, micros, east int64, hasTime, hasZone, ok bool) {
	num := func(i, n int) int64 {
		v := int64(0)
		for k := i; k < i+n; k++ {
			c := s[k]
			if !isDigit(c) {
				return -1
			}
			v = v*10 + int64(c-'0')
		}
		return v
	}
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return
	}
	y, m, d := num(0, 4), num(5, 2), num(8, 2)
	if y <= 0 || m < 1 || m > 12 || d < 1 || d > DaysInMonth(y, m) {
		return
	}
	days = DaysFromCivil(y, m, d)
	if len(s) == 10 {
		return days, 0, 0, false, false, true
	}
	if len(s) < 19 || s[10] != ' ' && s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return
	}
	h, mi, sec := num(11, 2), num(14, 2), num(17, 2)
	if h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 59 {
		return
	}
	micros = ((h*60+mi)*60 + sec) * MicrosPerSecond
	s = s[19:]
	if len(s) > 0 && s[0] == '.' {
		i, unit := 1, int64(100000)
		for ; i < len(s) && isDigit(s[i]); i++ {
			micros += int64(s[i]-'0') * unit
			unit /= 10
		}
		if i > 7 || i == 1 {
			return
		}
		s = s[i:]
	}
	switch {
	case len(s) == 0:
		return days, micros, 0, true, false, true
	case len(s) == 1 && s[0] == 'Z':
		return days, micros, 0, true, true, true
	case s[0] != '+' && s[0] != '-':
		return
	}
	east, rest, good := parseOffset(string(s))
	return days, micros, east, true, true, good && rest == ""
}

// ParseTimestamp reads a timestamp, or with tz a moment.
func ParseTimestamp(text string, tz bool, env *Env) (int64, error) {
	if days, micros, east, _, zoned, ok := isoStamp(text); ok {
		return localStamp(days, micros, east, zoned, tz, env), nil
	}
	name := "timestamp"
	if tz {
		name = "timestamp with time zone"
	}
	r, err := readDateTime(text, name, false, env)
	if err != nil {
		return 0, err
	}
	v, ok := r.timestamp(tz)
	if !ok {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", text)
	}
	return v, nil
}

// localStamp is what isoStamp read as a timestamp, or with tz as a moment.
func localStamp(days, micros, east int64, zoned, tz bool, env *Env) int64 {
	v := days*MicrosPerDay + micros
	switch {
	case tz && zoned:
		v -= east * MicrosPerSecond
	case tz:
		v = FromLocal(env.Zone(), v)
	}
	return v
}

// timestamp gives what was read as a moment (tz) or a local timestamp.
func (r *dtReader) timestamp(tz bool) (int64, bool) {
	loc := r.env.Zone()
	switch r.special {
	case wInf:
		if r.value < 0 {
			return NegInfinity, true
		}
		return PosInfinity, true
	case wEpoch:
		return UnixEpochMicros, true
	case wNow:
		if tz {
			return r.env.Now, true
		}
		return ToLocal(loc, r.env.Now), true
	case wToday:
		days, _ := floorDiv(ToLocal(loc, r.env.Now), MicrosPerDay)
		r.c.Year, r.c.Month, r.c.Day = CivilFromDays(days + r.value)
	}
	v, ok := r.c.Timestamp()
	if !ok && !(tz && r.got&mZone != 0 && v != 0) {
		return 0, false
	}
	if tz {
		v = r.moment(v)
	}
	return v, ValidTimestamp(v)
}

// moment turns the local timestamp that was read into a moment by the zone that was read, or the session's.
func (r *dtReader) moment(local int64) int64 {
	switch {
	case r.got&mZone != 0 && r.loc != nil && r.abbrev != "":
		return fromAbbreviation(r.loc, r.abbrev, local)
	case r.got&mZone != 0 && r.loc != nil:
		return FromLocal(r.loc, local)
	case r.got&mZone != 0:
		return local - r.zone*MicrosPerSecond
	}
	return FromLocal(r.env.Zone(), local)
}

// ParseDate reads a date as days since 2000-01-01.
func ParseDate(text string, env *Env) (int64, error) {
	if days, _, _, _, _, ok := isoStamp(text); ok {
		return days, nil
	}
	r, err := readDateTime(text, "date", false, env)
	if err != nil {
		return 0, err
	}
	switch r.special {
	case wInf:
		if r.value < 0 {
			return NegInfinityDate, nil
		}
		return PosInfinityDate, nil
	case wEpoch:
		return UnixEpochMicros / MicrosPerDay, nil
	case wNow, wToday:
		days, _ := floorDiv(ToLocal(env.Zone(), r.env.Now), MicrosPerDay)
		return days + r.value, nil
	}
	days := r.c.Days()
	if !ValidDate(days) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range: \"%s\"", text)
	}
	return days, nil
}

// ParseTime reads a time of day as microseconds since midnight.
func ParseTime(text string, env *Env) (int64, error) {
	r, err := readDateTime(text, "time", true, env)
	if err != nil {
		return 0, err
	}
	return r.timeOfDay(), nil
}

func (r *dtReader) timeOfDay() int64 {
	if r.special == wNow {
		_, rest := floorDiv(ToLocal(r.env.Zone(), r.env.Now), MicrosPerDay)
		return rest
	}
	return r.c.TimeOfDay()
}

// ParseTimeTZ reads a time with zone in its packed form.
func ParseTimeTZ(text string, env *Env) (int64, error) {
	r, err := readDateTime(text, "time with time zone", true, env)
	if err != nil {
		return 0, err
	}
	t, east := r.timeOfDay(), r.zone
	if r.got&mZone == 0 || r.loc != nil || r.special == wNow {
		loc := r.loc
		if loc == nil {
			loc = r.env.Zone()
		}
		at := r.env.Now
		if r.special == 0 && r.got&mDate == mDate {
			at = FromLocal(loc, r.c.Days()*MicrosPerDay+t)
		}
		_, east = ZoneOffset(loc, at)
	}
	return PackTimeTZ(t, east), nil
}
