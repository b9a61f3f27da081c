package datum

import (
	"strings"
	"time"
)

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December"}
	dayNames = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// MonthName returns the English name of month m (1 to 12).
func MonthName(m int64) string { return monthNames[m-1] }

// DayName returns the English name of a day of the week, Sunday being 0.
func DayName(d int64) string { return dayNames[d] }

// Weekday returns the day of the week of a date, Sunday being 0.
func Weekday(days int64) int64 {
	_, r := floorDiv(days+6, 7)
	return r
}

// pad appends v with at least width digits; v is not negative.
func pad(dst []byte, v int64, width int) []byte {
	var buf [20]byte
	i := len(buf)
	for v > 0 || width > 0 {
		i--
		buf[i] = byte('0' + v%10)
		v /= 10
		width--
	}
	return append(dst, buf[i:]...)
}

// appendFraction appends .ffffff without trailing zeros, nothing for 0.
func appendFraction(dst []byte, micros int64) []byte {
	if micros == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = pad(dst, micros, 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func appendClock(dst []byte, h, m, s, micros int64) []byte {
	dst = append(pad(dst, h, 2), ':')
	dst = append(pad(dst, m, 2), ':')
	return appendFraction(pad(dst, s, 2), micros)
}

// AppendTime appends a time of day, 24:00:00 included.
func AppendTime(dst []byte, micros int64) []byte {
	c := Civil{}
	c.SetTime(micros)
	return appendClock(dst, c.Hour, c.Minute, c.Second, c.Micro)
}

// appendOffset appends +05, +05:30 or -00:01:15.
func appendOffset(dst []byte, seconds int64) []byte {
	if seconds < 0 {
		dst = append(dst, '-')
		seconds = -seconds
	} else {
		dst = append(dst, '+')
	}
	dst = pad(dst, seconds/3600, 2)
	if rest := seconds % 3600; rest != 0 {
		dst = pad(append(dst, ':'), rest/60, 2)
		if rest%60 != 0 {
			dst = pad(append(dst, ':'), rest%60, 2)
		}
	}
	return dst
}

// shownYear returns the year as it is written and whether BC follows.
func shownYear(y int64) (int64, bool) {
	if y <= 0 {
		return 1 - y, true
	}
	return y, false
}

func appendYMD(dst []byte, y, m, d int64, env *Env) []byte {
	switch env.DateFormat {
	case SQLDates, PostgresDates:
		sep := byte('/')
		if env.DateFormat == PostgresDates {
			sep = '-'
		}
		if env.DateOrder == DMY {
			m, d = d, m
		}
		dst = append(pad(dst, m, 2), sep)
		dst = append(pad(dst, d, 2), sep)
		return pad(dst, y, 4)
	case GermanDates:
		dst = append(pad(dst, d, 2), '.')
		dst = append(pad(dst, m, 2), '.')
		return pad(dst, y, 4)
	}
	dst = append(pad(dst, y, 4), '-')
	dst = append(pad(dst, m, 2), '-')
	return pad(dst, d, 2)
}

// AppendDate appends a date.
func AppendDate(dst []byte, days int64, env *Env) []byte {
	switch days {
	case PosInfinityDate:
		return append(dst, "infinity"...)
	case NegInfinityDate:
		return append(dst, "-infinity"...)
	}
	y, m, d := CivilFromDays(days)
	y, bc := shownYear(y)
	dst = appendYMD(dst, y, m, d, env.orDefault())
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// AppendTimestamp appends a local timestamp; with tz, a moment in the session's zone.
func AppendTimestamp(dst []byte, micros int64, tz bool, env *Env) []byte {
	switch micros {
	case PosInfinity:
		return append(dst, "infinity"...)
	case NegInfinity:
		return append(dst, "-infinity"...)
	}
	env = env.orDefault()
	zone, off := "", int64(0)
	if tz {
		zone, off = ZoneOffset(env.Zone(), micros)
		micros += off * MicrosPerSecond
	}
	c := CivilOf(micros)
	year, bc := shownYear(c.Year)
	switch env.DateFormat {
	case PostgresDates:
		dst = appendPostgresStamp(dst, c, year, env)
	default:
		dst = append(appendYMD(dst, year, c.Month, c.Day, env), ' ')
		dst = appendClock(dst, c.Hour, c.Minute, c.Second, c.Micro)
	}
	if tz {
		dst = appendZone(dst, zone, off, env)
	}
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

func appendPostgresStamp(dst []byte, c Civil, year int64, env *Env) []byte {
	dst = append(dst, dayNames[Weekday(c.Days())][:3]...)
	dst = append(dst, ' ')
	if env.DateOrder == DMY {
		dst = append(pad(dst, c.Day, 2), ' ')
		dst = append(dst, monthNames[c.Month-1][:3]...)
	} else {
		dst = append(dst, monthNames[c.Month-1][:3]...)
		dst = pad(append(dst, ' '), c.Day, 2)
	}
	dst = append(dst, ' ')
	dst = append(appendClock(dst, c.Hour, c.Minute, c.Second, c.Micro), ' ')
	return pad(dst, year, 4)
}

func appendZone(dst []byte, zone string, off int64, env *Env) []byte {
	if env.DateFormat == ISODates {
		return appendOffset(dst, off)
	}
	if zone == "" || strings.ContainsAny(zone[:1], "+-0123456789") {
		if env.DateFormat == PostgresDates {
			dst = append(dst, ' ')
		}
		return appendOffset(dst, off)
	}
	return append(append(dst, ' '), zone...)
}

// PackTimeTZ packs a time of day and its offset (seconds east) into the physical form of timetz, UnpackTimeTZ takes it apart.
func PackTimeTZ(micros, east int64) int64 { return micros<<20 | (east + 1<<19) }

// UnpackTimeTZ is the inverse of PackTimeTZ.
func UnpackTimeTZ(v int64) (micros, east int64) { return v >> 20, v&(1<<20-1) - 1<<19 }

func appendTimeTZ(dst []byte, v int64) []byte {
	t, east := UnpackTimeTZ(v)
	return appendOffset(AppendTime(dst, t), east)
}

// fixedZone is a zone that is a distance from Greenwich.
func fixedZone(name string, east int64) *time.Location { return time.FixedZone(name, int(east)) }
