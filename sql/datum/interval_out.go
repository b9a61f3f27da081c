package datum

import (
	"strconv"

	"github.com/allsource-db/allsource/vec"
)

// AppendIntervalText appends an interval in the style that env asks for.
func AppendIntervalText(dst []byte, v vec.IntervalValue, env *Env) []byte {
	p := splitInterval(v)
	switch env.orDefault().IntervalFormat {
	case VerboseIntervals:
		return p.verbose(dst)
	case StandardIntervals:
		return p.standard(dst)
	case ISOIntervals:
		return p.iso(dst)
	}
	return p.postgres(dst)
}

// ivParts is an interval taken apart; all parts carry their own sign.
type ivParts struct{ year, mon, day, hour, min, sec, micro int64 }

func splitInterval(v vec.IntervalValue) ivParts {
	p := ivParts{year: int64(v.Months) / 12, mon: int64(v.Months) % 12, day: int64(v.Days)}
	t := v.Micros
	p.hour, t = t/MicrosPerHour, t%MicrosPerHour
	p.min, t = t/MicrosPerMinute, t%MicrosPerMinute
	p.sec, p.micro = t/MicrosPerSecond, t%MicrosPerSecond
	return p
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

func (p ivParts) timeIsNegative() bool { return p.hour < 0 || p.min < 0 || p.sec < 0 || p.micro < 0 }
func (p ivParts) hasTime() bool        { return p.hour != 0 || p.min != 0 || p.sec != 0 || p.micro != 0 }

func (p ivParts) clock(dst []byte) []byte {
	return appendClock(dst, abs(p.hour), abs(p.min), abs(p.sec), abs(p.micro))
}

// postgres appends as in "1 year 2 mons -3 days +04:05:06".
func (p ivParts) postgres(dst []byte) []byte {
	first, before := true, false
	part := func(v int64, unit string) {
		if v == 0 {
			return
		}
		if !first {
			dst = append(dst, ' ')
		}
		if before && v > 0 {
			dst = append(dst, '+')
		}
		dst = append(strconv.AppendInt(dst, v, 10), ' ')
		dst = append(dst, unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
		first, before = false, v < 0
	}
	part(p.year, "year")
	part(p.mon, "mon")
	part(p.day, "day")
	if first || p.hasTime() {
		if !first {
			dst = append(dst, ' ')
		}
		if p.timeIsNegative() {
			dst = append(dst, '-')
		} else if before {
			dst = append(dst, '+')
		}
		dst = p.clock(dst)
	}
	return dst
}

// verbose appends as in "@ 1 year 2 mons 3 days 4 hours ago".
func (p ivParts) verbose(dst []byte) []byte {
	dst = append(dst, '@')
	zero, ago := true, false
	part := func(v int64, unit string) {
		if v == 0 {
			return
		}
		if zero {
			ago = v < 0
			v = abs(v)
		} else if ago {
			v = -v
		}
		dst = append(strconv.AppendInt(append(dst, ' '), v, 10), ' ')
		dst = append(dst, unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
		zero = false
	}
	part(p.year, "year")
	part(p.mon, "mon")
	part(p.day, "day")
	part(p.hour, "hour")
	part(p.min, "min")
	if p.sec != 0 || p.micro != 0 {
		dst = append(dst, ' ')
		neg := p.sec < 0 || p.micro < 0
		if neg && zero {
			ago = true
		} else if neg != ago {
			dst = append(dst, '-')
		}
		dst = appendFraction(strconv.AppendInt(dst, abs(p.sec), 10), abs(p.micro))
		dst = append(dst, " sec"...)
		if abs(p.sec) != 1 || p.micro != 0 {
			dst = append(dst, 's')
		}
		zero = false
	}
	if zero {
		dst = append(dst, " 0"...)
	}
	if ago {
		dst = append(dst, " ago"...)
	}
	return dst
}

// standard appends as in "+1-2 -3 +4:05:06".
func (p ivParts) standard(dst []byte) []byte {
	neg := p.year < 0 || p.mon < 0 || p.day < 0 || p.timeIsNegative()
	pos := p.year > 0 || p.mon > 0 || p.day > 0 || p.hour > 0 || p.min > 0 || p.sec > 0 || p.micro > 0
	ym := p.year != 0 || p.mon != 0
	dayTime := p.day != 0 || p.hasTime()
	mixed := neg && pos
	sign := func(negative bool) byte {
		if negative {
			return '-'
		}
		return '+'
	}
	plainClock := func() {
		dst = strconv.AppendInt(dst, abs(p.hour), 10)
		dst = append(pad(append(dst, ':'), abs(p.min), 2), ':')
		dst = appendFraction(pad(dst, abs(p.sec), 2), abs(p.micro))
	}
	if !neg && !pos {
		return append(dst, '0')
	}
	if mixed || ym && dayTime {
		dst = append(dst, sign(p.year < 0 || p.mon < 0))
		dst = append(strconv.AppendInt(dst, abs(p.year), 10), '-')
		dst = append(strconv.AppendInt(dst, abs(p.mon), 10), ' ', sign(p.day < 0))
		dst = append(strconv.AppendInt(dst, abs(p.day), 10), ' ', sign(p.timeIsNegative()))
		plainClock()
		return dst
	}
	if neg {
		dst = append(dst, '-')
	}
	switch {
	case ym:
		dst = append(strconv.AppendInt(dst, abs(p.year), 10), '-')
		return strconv.AppendInt(dst, abs(p.mon), 10)
	case p.day != 0:
		dst = append(strconv.AppendInt(dst, abs(p.day), 10), ' ')
	}
	plainClock()
	return dst
}

// iso appends as in "P1Y2M-3DT4H5M6S".
func (p ivParts) iso(dst []byte) []byte {
	if p == (ivParts{}) {
		return append(dst, "PT0S"...)
	}
	part := func(v int64, unit byte) {
		if v != 0 {
			dst = append(strconv.AppendInt(dst, v, 10), unit)
		}
	}
	dst = append(dst, 'P')
	part(p.year, 'Y')
	part(p.mon, 'M')
	part(p.day, 'D')
	if p.hasTime() {
		dst = append(dst, 'T')
	}
	part(p.hour, 'H')
	part(p.min, 'M')
	if p.sec != 0 || p.micro != 0 {
		if p.sec < 0 || p.micro < 0 {
			dst = append(dst, '-')
		}
		dst = append(appendFraction(strconv.AppendInt(dst, abs(p.sec), 10), abs(p.micro)), 'S')
	}
	return dst
}
