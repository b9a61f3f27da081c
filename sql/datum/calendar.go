package datum

import (
	"math"
	"time"
)

// The moments and days that stand for infinity, and units of microseconds.
const (
	PosInfinity     int64 = math.MaxInt64 // timestamps
	NegInfinity     int64 = math.MinInt64
	PosInfinityDate int64 = math.MaxInt32 // dates
	NegInfinityDate int64 = math.MinInt32

	MicrosPerSecond int64 = 1_000_000
	MicrosPerMinute       = 60 * MicrosPerSecond
	MicrosPerHour         = 60 * MicrosPerMinute
	MicrosPerDay          = 24 * MicrosPerHour

	// epochSeconds is 2000-01-01 in Unix seconds.
	epochSeconds int64 = 946684800
	// UnixEpochMicros is 1970-01-01 in microseconds since 2000-01-01.
	UnixEpochMicros = -epochSeconds * MicrosPerSecond
	// julian2000 is the Julian day number of 2000-01-01.
	julian2000 = 2451545

	// MinDate and MaxDate bound the finite dates (4714-11-24 BC to 5874897-12-31), MinTimestamp and EndTimestamp the finite
	// timestamps (to 294276-12-31; the end is not included).
	MinDate      int64 = -julian2000
	MaxDate      int64 = 2145031948
	MinTimestamp int64 = -211813488000000000
	EndTimestamp int64 = 9223371331200000000
)

// IsInfinite reports whether a timestamp is infinity or -infinity.
func IsInfinite(micros int64) bool { return micros == PosInfinity || micros == NegInfinity }

// IsInfiniteDate reports whether a date is infinity or -infinity.
func IsInfiniteDate(days int64) bool { return days == PosInfinityDate || days == NegInfinityDate }

// ValidTimestamp reports whether a finite timestamp is in range.
func ValidTimestamp(micros int64) bool { return micros >= MinTimestamp && micros < EndTimestamp }

// ValidDate reports whether a finite date is in range.
func ValidDate(days int64) bool { return days >= MinDate && days <= MaxDate }

// floorDiv divides rounding down and gives the remainder, never negative.
func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q--
		r += b
	}
	return q, r
}

// DaysFromCivil returns the day of a date in the proleptic Gregorian calendar, in days since 2000-01-01. Year 0 is 1 BC.
func DaysFromCivil(y, m, d int64) int64 {
	if m <= 2 {
		y--
	}
	era, yoe := floorDiv(y, 400)
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 730425
}

// CivilFromDays is the inverse of DaysFromCivil.
func CivilFromDays(days int64) (y, m, d int64) {
	era, doe := floorDiv(days+730425, 146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

// IsLeap reports whether the year has 366 days.
func IsLeap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

// DaysInMonth returns the length of month m (1 to 12).
func DaysInMonth(y, m int64) int64 {
	switch m {
	case 2:
		if IsLeap(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Civil is a local date and time taken apart.
type Civil struct {
	Year, Month, Day     int64 // year 0 is 1 BC
	Hour, Minute, Second int64
	Micro                int64
}

// CivilOf takes a local timestamp apart.
func CivilOf(micros int64) Civil {
	days, rest := floorDiv(micros, MicrosPerDay)
	c := Civil{}
	c.Year, c.Month, c.Day = CivilFromDays(days)
	c.SetTime(rest)
	return c
}

// SetTime sets hours and below from microseconds of the day.
func (c *Civil) SetTime(micros int64) {
	c.Hour, micros = micros/MicrosPerHour, micros%MicrosPerHour
	c.Minute, micros = micros/MicrosPerMinute, micros%MicrosPerMinute
	c.Second, c.Micro = micros/MicrosPerSecond, micros%MicrosPerSecond
}

// Days returns the day since 2000-01-01.
func (c Civil) Days() int64 { return DaysFromCivil(c.Year, c.Month, c.Day) }

// TimeOfDay returns the microseconds since midnight.
func (c Civil) TimeOfDay() int64 {
	return ((c.Hour*60+c.Minute)*60+c.Second)*MicrosPerSecond + c.Micro
}

// Timestamp puts the parts together; false when that is out of the range of timestamps.
func (c Civil) Timestamp() (int64, bool) { return makeTimestamp(c.Days(), c.TimeOfDay()) }

func makeTimestamp(days, micros int64) (int64, bool) {
	if days < MinDate-1 || days > 106751991 {
		return 0, false
	}
	hi := days * MicrosPerDay
	v := hi + micros
	if (micros > 0) != (v > hi) && micros != 0 {
		return 0, false
	}
	return v, ValidTimestamp(v)
}

// ZoneOffset returns the seconds east of Greenwich in loc at a moment, and the abbreviation in use.
func ZoneOffset(loc *time.Location, micros int64) (abbrev string, seconds int64) {
	if loc == time.UTC {
		return "UTC", 0
	}
	sec, _ := floorDiv(micros, MicrosPerSecond)
	name, off := time.Unix(sec+epochSeconds, 0).In(loc).Zone()
	return name, int64(off)
}

// ToLocal turns a moment into the local timestamp in loc.
func ToLocal(loc *time.Location, micros int64) int64 {
	if loc == time.UTC || IsInfinite(micros) {
		return micros
	}
	_, off := ZoneOffset(loc, micros)
	return micros + off*MicrosPerSecond
}

// FromLocal turns a local timestamp in loc into the moment. Where the clock was put forward, the time that was skipped is
// read by the clock before; where it was put back, the time that came twice is the second one.
func FromLocal(loc *time.Location, micros int64) int64 {
	if loc == time.UTC || IsInfinite(micros) {
		return micros
	}
	_, before := ZoneOffset(loc, micros-MicrosPerDay)
	_, after := ZoneOffset(loc, micros+MicrosPerDay)
	if before == after {
		return micros - before*MicrosPerSecond
	}
	t1, t2 := micros-before*MicrosPerSecond, micros-after*MicrosPerSecond
	_, o1 := ZoneOffset(loc, t1)
	_, o2 := ZoneOffset(loc, t2)
	switch {
	case o2 == after:
		return t2
	case o1 == before || before < after:
		return t1
	}
	return t2
}
