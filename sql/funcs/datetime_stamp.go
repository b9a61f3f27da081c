package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
)

// moment puts together what was read, as local time.
func (r *stampReader) moment() (int64, error) {
	f := r.fields
	micros, err := r.timeOfDay()
	if err != nil {
		return 0, err
	}
	days, err := r.date()
	if err != nil {
		return 0, err
	}
	if r.sign != 0 && (f["tzh"] < 0 || f["tzh"] > 15 || f["tzm"] < 0 || f["tzm"] >= 60) {
		return 0, pgerr.New(pgerr.InvalidTimeZone, "time zone displacement out of range: \"%s\"", r.text)
	}
	return stampAt(days, micros)
}

func (r *stampReader) outOfRange() error {
	return pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", r.text)
}

func (r *stampReader) timeOfDay() (int64, error) {
	f := r.fields
	hour, min, sec := f["ssss"]/3600, f["ssss"]/60%60, f["ssss"]%60
	if f["sec"] != 0 {
		sec = f["sec"]
	}
	if f["min"] != 0 {
		min = f["min"]
	}
	if f["hour"] != 0 {
		hour = f["hour"]
	}
	if r.clock12 {
		if hour < 1 || hour > 12 {
			return 0, badStamp("hour \"%d\" is invalid for the 12-hour clock", hour).
				WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
		}
		hour %= 12
		if f["pm"] != 0 {
			hour += 12
		}
	}
	micros := f["ms"]*1000 + f["us"]
	if hour < 0 || hour > 23 || min < 0 || min > 59 || sec < 0 || sec > 59 || micros < 0 || micros >= datum.MicrosPerSecond {
		return 0, r.outOfRange()
	}
	return ((hour*60+min)*60+sec)*datum.MicrosPerSecond + micros, nil
}

// year is the year of the Gregorian calendar or of ISO weeks, 0 where none was read.
func (r *stampReader) year() int64 {
	f := r.fields
	year, century := f["year"], f["cc"]
	if f["bc"] != 0 {
		century = -century
	}
	switch {
	case year != 0 && century != 0 && r.yearDigits <= 2:
		switch y := year % 100; {
		case y != 0 && century >= 0:
			return y + (century-1)*100
		case y != 0:
			return (century+1)*100 - y + 1
		case century >= 0:
			return century * 100
		}
		return century*100 + 1
	case year != 0:
		if f["bc"] != 0 {
			year = -year
		}
		if year < 0 {
			year++
		}
		return year
	case century > 0:
		return (century-1)*100 + 1
	case century < 0:
		return century*100 + 1
	}
	return 0
}

// isoMonday is the Monday of a week of an ISO year.
func isoMonday(year, week int64) int64 {
	jan4 := datum.DaysFromCivil(year, 1, 4)
	return jan4 - (datum.Weekday(jan4)+6)%7 + (week-1)*7
}

// date is the day that was read, counted from 2000-01-01.
func (r *stampReader) date() (int64, error) {
	f := r.fields
	year, month, day := r.year(), int64(1), int64(1)
	doy := f["ddd"]
	set := func(days int64) { year, month, day = datum.CivilFromDays(days) }
	if f["j"] != 0 {
		set(f["j"] - 2451545)
	}
	if ww := f["ww"]; ww != 0 {
		switch d := f["d"]; {
		case r.calendar != 'i':
			doy = (ww-1)*7 + 1
		case d > 1:
			set(isoMonday(year, ww) + d - 2)
		case d == 1: // a Sunday ends the week
			set(isoMonday(year, ww) + 6)
		default:
			set(isoMonday(year, ww))
		}
	}
	if f["w"] != 0 {
		f["dd"] = (f["w"]-1)*7 + 1
	}
	if f["dd"] != 0 {
		day = f["dd"]
	}
	if f["mm"] != 0 {
		month = f["mm"]
	}
	if doy != 0 && (month <= 1 || day <= 1) {
		if year == 0 && f["bc"] == 0 {
			return 0, badStamp("cannot calculate day of year without year information")
		}
		if r.calendar == 'i' {
			set(isoMonday(year, 1) + doy - 1)
		} else if err := r.dayOfYear(year, doy, &month, &day); err != nil {
			return 0, err
		}
	}
	if month < 1 || month > 12 || day < 1 || day > datum.DaysInMonth(year, month) {
		return 0, r.outOfRange()
	}
	return datum.DaysFromCivil(year, month, day), nil
}

// dayOfYear sets the month and the day that are not set yet.
func (r *stampReader) dayOfYear(year, doy int64, month, day *int64) error {
	first := datum.DaysFromCivil(year, 1, 1)
	if doy < 1 || first+doy > datum.DaysFromCivil(year+1, 1, 1) {
		return r.outOfRange()
	}
	_, m, d := datum.CivilFromDays(first + doy - 1)
	if *month <= 1 {
		*month = m
	}
	if *day <= 1 {
		*day = d
	}
	return nil
}
