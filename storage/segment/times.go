package segment

import (
	"math"
	"math/bits"
	"time"
)

// epochSeconds is 2000-01-01 UTC in Unix seconds.
const epochSeconds = 946684800

// parseTime reads a time as RFC 3339 writes it: date and time apart by T or a space, up to nine digits of a second
// (rounded to microseconds), Z or an offset (hh, hhmm, hh:mm). What has no offset is UTC; a date alone is its midnight.
func parseTime(s []byte) (int64, bool) {
	year, ok1 := number(s, 0, 4)
	month, ok2 := number(s, 5, 2)
	day, ok3 := number(s, 8, 2)
	if !ok1 || !ok2 || !ok3 || s[4] != '-' || s[7] != '-' || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || year < 1 {
		return 0, false
	}
	secs := int64(daysSince2000(year, month, day)) * 86400
	if len(s) == 10 {
		return secs * 1e6, true
	}
	hour, ok1 := number(s, 11, 2)
	minute, ok2 := number(s, 14, 2)
	if !ok1 || !ok2 || s[13] != ':' || (s[10] != 'T' && s[10] != 't' && s[10] != ' ') || hour > 24 || minute > 59 {
		return 0, false
	}
	secs += int64(hour*3600 + minute*60)
	rest := s[16:]
	micros := int64(0)
	if len(rest) > 0 && rest[0] == ':' {
		sec, ok := number(rest, 1, 2)
		if !ok || sec > 60 {
			return 0, false
		}
		secs += int64(sec)
		if micros, rest, ok = fraction(rest[3:]); !ok {
			return 0, false
		}
		if hour == 24 && (minute|sec) != 0 {
			return 0, false
		}
	} else if hour == 24 && minute != 0 {
		return 0, false
	}
	if hour == 24 && micros != 0 {
		return 0, false
	}
	off, ok := offset(rest)
	return (secs-off)*1e6 + micros, ok
}

// number reads n digits at i.
func number(s []byte, i, n int) (int, bool) {
	if len(s) < i+n {
		return 0, false
	}
	v := 0
	for _, c := range s[i : i+n] {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// fraction reads .digits as microseconds.
func fraction(s []byte) (micros int64, rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	i, nanos := 1, int64(0)
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		if i > 9 {
			return 0, s, false
		}
		nanos = nanos*10 + int64(s[i]-'0')
	}
	for k := i; k <= 9; k++ {
		nanos *= 10
	}
	return (nanos + 500) / 1000, s[i:], i > 1
}

// offset reads what follows the seconds, in seconds east of UTC.
func offset(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) == 1 && (s[0] == 'Z' || s[0] == 'z') {
		return 0, true
	}
	if s[0] == ' ' {
		s = s[1:]
	}
	if len(s) == 0 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok := number(s, 1, 2)
	minutes := 0
	switch {
	case !ok || len(s) == 3:
	case len(s) == 5:
		minutes, ok = number(s, 3, 2)
	case len(s) == 6 && s[3] == ':':
		minutes, ok = number(s, 4, 2)
	default:
		ok = false
	}
	if !ok || hours > 15 || minutes > 59 {
		return 0, false
	}
	secs := int64(hours*3600 + minutes*60)
	if s[0] == '-' {
		secs = -secs
	}
	return secs, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince2000 counts days of the Gregorian calendar; years begin in March, so that the leap day is their last.
func daysSince2000(year, month, day int) int {
	if month < 3 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 730425
}

// scaledTime turns a number of units of so many microseconds since 1970 into a time.
func scaledTime(mantissa int64, scale int32, unit int64) (int64, bool) {
	neg := mantissa < 0
	m := uint64(mantissa)
	if neg {
		m = -m
	}
	hi, lo := bits.Mul64(m, uint64(unit))
	div := uint64(1)
	for range scale {
		if div > math.MaxUint64/100 {
			return 0, false
		}
		div *= 10
	}
	if hi >= div {
		return 0, false
	}
	q, r := bits.Div64(hi, lo, div)
	if r >= div-r && r > 0 {
		q++
	}
	if q > math.MaxInt64/2 {
		return 0, false
	}
	v := int64(q)
	if neg {
		v = -v
	}
	return v - epochSeconds*int64(time.Second/time.Microsecond), true
}
