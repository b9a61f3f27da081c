package datum

import (
	"strconv"
	"strings"
	"time"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// dtMask says which parts of a date and time were read.
type dtMask uint16

const (
	mYear dtMask = 1 << iota
	mMonth
	mDay
	mDOY
	mTime
	mZone
	mAmPm
	mEra
	mWeekday
	mDate = mYear | mMonth | mDay
)

// dtErr is why text is not a date.
type dtErr uint8

const (
	dtOK dtErr = iota
	dtBadFormat
	dtFieldRange
	dtMonthDayRange // perhaps the order of month and day is another
	dtZoneRange
	dtBadZone
)

// dtReader puts the parts of a date and time together as PostgreSQL's DecodeDateTime does.
type dtReader struct {
	env       *Env
	timeOnly  bool
	c         Civil
	got       dtMask
	textMonth bool
	twoDigits bool
	julian    bool
	bc        bool
	half      byte // wAM, wPM
	doy       int64
	prefix    byte // wISO or wJulian seen last
	zone      int64
	loc       *time.Location // a named zone: the offset depends on the date
	abbrev    string         // the abbreviation that loc was found by
	special   byte           // wNow, wToday, wEpoch, wInf
	value     int64          // of special
	badZone   string
}

func (r *dtReader) read(fields []dtField) dtErr {
	for i, f := range fields {
		var got dtMask
		var err dtErr
		switch f.kind {
		case dtDate:
			got, err = r.dateField(f.text)
		case dtTime:
			got, err = r.timeField(f.text)
		case dtZone:
			got, err = r.zoneField(f.text)
		case dtNumber:
			got, err = r.numberField(f.text, i == len(fields)-1)
		default:
			got, err = r.wordField(f.text)
		}
		if err != dtOK {
			return err
		}
		if r.got&got != 0 {
			return dtBadFormat
		}
		r.got |= got
	}
	if r.prefix != 0 {
		return dtBadFormat
	}
	return r.finish()
}

func (r *dtReader) finish() dtErr {
	if err := r.validate(); err != dtOK {
		return err
	}
	if r.half != 0 {
		if r.c.Hour > 12 {
			return dtFieldRange
		}
		if r.half == wAM && r.c.Hour == 12 {
			r.c.Hour = 0
		} else if r.half == wPM && r.c.Hour != 12 {
			r.c.Hour += 12
		}
	}
	if r.special == 0 && r.got&mDate != mDate {
		if !r.timeOnly || r.got&mTime == 0 {
			return dtBadFormat
		}
	}
	return dtOK
}

// validate checks the date and completes the year.
func (r *dtReader) validate() dtErr {
	c := &r.c
	if r.special != 0 {
		return dtOK
	}
	if r.got&mYear != 0 && !r.julian {
		switch {
		case r.bc && c.Year <= 0:
			return dtFieldRange
		case r.bc:
			c.Year = 1 - c.Year
		case r.twoDigits && c.Year < 70:
			c.Year += 2000
		case r.twoDigits && c.Year < 100:
			c.Year += 1900
		case c.Year <= 0:
			return dtFieldRange
		}
	}
	if r.got&mDOY != 0 {
		c.Year, c.Month, c.Day = CivilFromDays(DaysFromCivil(c.Year, 1, 1) + r.doy - 1)
		r.got |= mMonth | mDay
	}
	if r.got&mMonth != 0 && (c.Month < 1 || c.Month > 12) || r.got&mDay != 0 && (c.Day < 1 || c.Day > 31) {
		return dtMonthDayRange
	}
	if r.got&mDate == mDate && c.Day > DaysInMonth(c.Year, c.Month) {
		return dtFieldRange
	}
	return dtOK
}

func (r *dtReader) dateField(s string) (dtMask, dtErr) {
	if at := strings.IndexByte(s, '-'); r.prefix == wJulian && at > 0 { // a Julian day and a zone, as in J2452271-08
		r.prefix = 0
		day, err := r.julianDay(s[:at])
		if err != dtOK {
			return 0, err
		}
		zone, err := r.zoneField(s[at:])
		return day | zone, err
	}
	if r.prefix == wISO || r.got&(mMonth|mDay) == mMonth|mDay {
		if isDigit(s[0]) || r.prefix != 0 {
			return r.runTogether(s)
		}
		return r.namedZone(s)
	}
	if r.timeOnly && !isDigit(s[0]) {
		if got, err := r.namedZone(s); err == dtOK {
			return got, err
		}
	}
	return r.decodeDate(s)
}

// runTogether reads a time whose zone follows with a sign, hhmmss-zz.
func (r *dtReader) runTogether(s string) (dtMask, dtErr) {
	cut := strings.IndexByte(s, '-')
	if cut < 0 {
		return 0, dtBadFormat
	}
	r.prefix = 0
	got, err := r.concatenated(s[:cut], true)
	if err != dtOK {
		return 0, err
	}
	z, err := r.zoneField(s[cut:])
	return got | z, err
}

func (r *dtReader) namedZone(s string) (dtMask, dtErr) {
	loc, ok := LoadZone(s)
	if !ok {
		r.badZone = s
		return 0, dtBadZone
	}
	r.loc = loc
	return mZone, dtOK
}

func (r *dtReader) decodeDate(s string) (dtMask, dtErr) {
	var parts []string
	for i := 0; i < len(s); {
		j := i
		switch {
		case isDigit(s[i]):
			for j < len(s) && isDigit(s[j]) {
				j++
			}
		case isAlpha(s[i]):
			for j < len(s) && isAlpha(s[j]) {
				j++
			}
		default:
			i++
			continue
		}
		parts = append(parts, s[i:j])
		i = j
	}
	saved := r.got
	var got dtMask
	for k, p := range parts {
		if isDigit(p[0]) {
			continue
		}
		w, ok := dtWords[p]
		if !ok || w.is != wMonth && w.is != wIgnore && w.is != wDay {
			return 0, dtBadFormat
		}
		if w.is == wMonth {
			if got&mMonth != 0 {
				return 0, dtBadFormat
			}
			r.c.Month, r.textMonth = w.val, true
			got |= mMonth
		}
		parts[k] = ""
	}
	for _, p := range parts {
		if p == "" {
			continue
		}
		r.got = saved | got
		m, err := r.decodeNumber(p)
		if err != dtOK {
			return 0, err
		}
		if got&m != 0 {
			return 0, dtBadFormat
		}
		got |= m
	}
	r.got = saved
	if got&^mDOY != mDate && got != mYear|mDOY {
		return 0, dtBadFormat
	}
	return got, dtOK
}

func (r *dtReader) timeField(s string) (dtMask, dtErr) {
	r.prefix = 0
	var err dtErr
	r.c.Hour, r.c.Minute, r.c.Second, r.c.Micro, err = decodeTime(s)
	if err != dtOK {
		return 0, err
	}
	if c := &r.c; c.Hour > 24 || c.Hour == 24 && (c.Minute|c.Second|c.Micro) != 0 {
		return 0, dtFieldRange
	}
	return mTime, dtOK
}

// decodeTime reads hh:mm, hh:mm:ss.ffffff or mm:ss.ffffff.
func decodeTime(s string) (h, m, sec, micro int64, err dtErr) {
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0, 0, 0, 0, dtBadFormat
	}
	last, frac, hasFrac := strings.Cut(parts[len(parts)-1], ".")
	parts[len(parts)-1] = last
	n := make([]int64, 3)
	for k, p := range parts {
		if p == "" && k == len(parts)-1 && k > 0 && !hasFrac {
			continue
		}
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return 0, 0, 0, 0, dtBadFormat
		}
		bits := 32
		if k == 0 {
			bits = 64 // the hours of an interval
		}
		var e error
		if n[k], e = strconv.ParseInt(p, 10, bits); e != nil {
			err = dtFieldRange
		}
	}
	if err != dtOK {
		return 0, 0, 0, 0, err
	}
	if hasFrac && len(parts) == 2 {
		n[0], n[1], n[2] = 0, n[0], n[1]
	}
	if hasFrac {
		if micro, err = decodeFraction(frac); err != dtOK {
			return 0, 0, 0, 0, err
		}
	}
	if n[1] > 59 || n[2] > 60 || n[2] == 60 && micro > 0 {
		return 0, 0, 0, 0, dtFieldRange
	}
	return n[0], n[1], n[2], micro, dtOK
}

// decodeFraction reads the digits after the point as microseconds, rounding.
func decodeFraction(frac string) (int64, dtErr) {
	if strings.Trim(frac, "0123456789") != "" {
		return 0, dtBadFormat
	}
	f, err := strconv.ParseFloat("0."+frac, 64)
	if frac == "" {
		return 0, dtOK
	}
	if err != nil {
		return 0, dtBadFormat
	}
	return int64(roundEven(f * 1e6)), dtOK
}

func (r *dtReader) zoneField(s string) (dtMask, dtErr) {
	off, rest, ok := parseOffset(s)
	switch {
	case !ok && off > 15:
		return 0, dtZoneRange
	case !ok || rest != "":
		return 0, dtBadFormat
	}
	if r.got&mZone != 0 && r.loc == nil {
		return 0, dtBadFormat
	}
	r.zone = off
	return mZone, dtOK
}

func (r *dtReader) wordField(s string) (dtMask, dtErr) {
	if r.prefix == wJulian {
		return 0, dtBadFormat
	}
	w, ok := dtWords[s]
	if !ok || w.is == 'u' {
		return r.zoneWord(s)
	}
	switch w.is {
	case wMonth:
		return r.monthWord(w.val)
	case wDay:
		return mWeekday, dtOK
	case wAM, wPM:
		r.half = w.is
		return mAmPm, dtOK
	case wAD, wBC:
		r.bc = w.is == wBC
		return mEra, dtOK
	case wISO:
		if r.timeOnly || r.got&mDate == mDate || r.got&mDate == 0 {
			r.prefix = wISO
			return 0, dtOK
		}
		return 0, dtBadFormat
	case wJulian:
		r.prefix = wJulian
		return 0, dtOK
	case wDST:
		r.zone += 3600
		return 0, dtOK
	case wZero:
		return mTime | mZone, dtOK
	case wIgnore:
		return 0, dtOK
	}
	r.special, r.value = w.is, w.val
	if w.is == wToday {
		return mDate, dtOK
	}
	return mDate | mTime | mZone, dtOK
}

// monthWord reads a month's name; a number before it that was taken for the month was the day.
func (r *dtReader) monthWord(m int64) (dtMask, dtErr) {
	if r.got&mMonth != 0 && !r.textMonth && r.got&mDay == 0 && r.c.Month >= 1 && r.c.Month <= 31 {
		r.c.Day, r.c.Month, r.textMonth = r.c.Month, m, true
		return mDay, dtOK
	}
	r.textMonth, r.c.Month = true, m
	return mMonth, dtOK
}

func (r *dtReader) zoneWord(s string) (dtMask, dtErr) {
	if zone, ok := movedAbbreviations[s]; ok {
		r.loc, _ = LoadZone(zone)
		r.abbrev = s
		return mZone, dtOK
	}
	if off, ok := Abbreviation(s); ok {
		r.zone += off
		return mZone, dtOK
	}
	if loc, ok := LoadZone(s); ok {
		r.loc = loc
		return mZone, dtOK
	}
	return 0, dtBadFormat
}

func (r *dtReader) numberField(s string, last bool) (dtMask, dtErr) {
	switch r.prefix {
	case wISO:
		r.prefix = 0
		return r.concatenated(s, true)
	case wJulian:
		r.prefix = 0
		return r.julianDay(s)
	}
	if r.timeOnly {
		return r.concatenated(s, true)
	}
	dot := strings.IndexByte(s, '.')
	switch {
	case dot >= 0 && r.got&mDate == 0:
		return r.decodeDate(s)
	case dot > 2:
		return r.concatenated(s, r.got&mDate == mDate)
	case dot < 0 && len(s) >= 6 && (r.got&mDate == 0 || r.got&mTime == 0):
		return r.concatenated(s, r.got&mDate == mDate)
	}
	return r.decodeNumber(s)
}

func (r *dtReader) julianDay(s string) (dtMask, dtErr) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f > 1e9 {
		return 0, dtFieldRange
	}
	day := int64(f)
	r.julian = true
	r.c.Year, r.c.Month, r.c.Day = CivilFromDays(day - julian2000)
	if strings.IndexByte(s, '.') < 0 {
		return mDate, dtOK
	}
	r.c.SetTime(int64((f - float64(day)) * float64(MicrosPerDay)))
	return mDate | mTime, dtOK
}

// concatenated reads yymmdd, yyyymmdd, hhmmss and hhmm.
func (r *dtReader) concatenated(s string, isTime bool) (dtMask, dtErr) {
	whole, frac, hasFrac := strings.Cut(s, ".")
	if strings.Trim(whole, "0123456789") != "" {
		return 0, dtBadFormat
	}
	at := func(i, j int) int64 {
		n, _ := strconv.ParseInt(whole[i:j], 10, 64)
		return n
	}
	n := len(whole)
	if !hasFrac && !isTime && n >= 6 {
		if n > 12 {
			return 0, dtFieldRange
		}
		r.c.Year, r.c.Month, r.c.Day = at(0, n-4), at(n-4, n-2), at(n-2, n)
		r.twoDigits = n == 6
		return mDate, dtOK
	}
	if hasFrac {
		var err dtErr
		if r.c.Micro, err = decodeFraction(frac); err != dtOK {
			return 0, err
		}
	}
	switch {
	case r.got&mTime != 0:
		return 0, dtBadFormat
	case n == 6:
		r.c.Hour, r.c.Minute, r.c.Second = at(0, 2), at(2, 4), at(4, 6)
	case n == 4 && !hasFrac:
		r.c.Hour, r.c.Minute, r.c.Second = at(0, 2), at(2, 4), 0
	default:
		return 0, dtBadFormat
	}
	if r.c.Hour > 24 || r.c.Minute > 59 || r.c.Second > 60 {
		return 0, dtFieldRange
	}
	return mTime, dtOK
}

// decodeNumber finds out whether a number is the year, month or day.
func (r *dtReader) decodeNumber(s string) (dtMask, dtErr) {
	v, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		if strings.IndexByte(s, '.') >= 0 {
			return r.concatenated(s, true)
		}
		return 0, dtFieldRange
	}
	if len(s) == 3 && r.got&mDate == mYear && v >= 1 && v <= 366 {
		r.doy = v
		return mDOY, dtOK
	}
	long := len(s) >= 3 || r.env.DateOrder == YMD
	set := mDay
	switch r.got & mDate {
	case 0:
		set = mMonth
		if long {
			set = mYear
		} else if r.env.DateOrder == DMY {
			set = mDay
		}
	case mYear, mDay, mYear | mDay:
		set = mMonth
	case mMonth:
		if r.textMonth && long {
			set = mYear
		}
	case mYear | mMonth:
		if r.textMonth && len(s) >= 3 && r.twoDigits {
			r.c.Day, r.c.Year, r.twoDigits = r.c.Year, v, false
			return mDay, dtOK
		}
	case mMonth | mDay:
		set = mYear
	case mDate:
		return r.concatenated(s, true)
	}
	switch set {
	case mYear:
		r.c.Year, r.twoDigits = v, len(s) <= 2
	case mMonth:
		r.c.Month = v
	default:
		r.c.Day = v
	}
	return set, dtOK
}

// report makes the error that PostgreSQL gives.
func (r *dtReader) report(e dtErr, text, typeName string) error {
	switch e {
	case dtFieldRange:
		return pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", text)
	case dtMonthDayRange:
		return pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", text).
			WithHint("Perhaps you need a different \"datestyle\" setting.")
	case dtZoneRange:
		return pgerr.New(pgerr.InvalidTimeZone, "time zone displacement out of range: \"%s\"", text)
	case dtBadZone:
		return pgerr.New(pgerr.InvalidParameterValue, "time zone \"%s\" not recognized", r.badZone)
	}
	return pgerr.New(pgerr.InvalidDatetimeFormat, "invalid input syntax for type %s: \"%s\"", typeName, text)
}
