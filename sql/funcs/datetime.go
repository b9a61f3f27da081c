package funcs

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

var (
	errTimestampRange = pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range")
	errIntervalRange  = pgerr.New(pgerr.DatetimeFieldOverflow, "interval out of range")
)

// dtRow is one row of the tables of dates and times: a strict function or operator computed row by row.
func dtRow(oid datum.OID, name string, vol Volatility, ret datum.OID, args []datum.OID, doc string,
	f func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error) Func {
	return Func{OID: oid, Name: name, Args: args, Ret: ret, Strict: true, Volatile: vol, Doc: doc, Body: rowwise(datum.KindOf(ret), f)}
}

func dtArgs(t ...datum.OID) []datum.OID { return t }

// dtInt makes a row function of two integers that gives an integer.
func dtInt(f func(a, b int64) (int64, error)) func(*Ctx, *vec.Builder, []*vec.Column, int) error {
	return func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Int(i), a[1].Int(i))
		b.AppendInt(v)
		return err
	}
}

// dtShift makes a row function of a moment and an interval, at the given places; sign -1 subtracts.
func dtShift(at, iv int, sign int32, f func(c *Ctx, v int64, by vec.IntervalValue) (int64, error)) func(*Ctx, *vec.Builder, []*vec.Column, int) error {
	return func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		by := a[iv].Interval(i)
		if sign < 0 {
			by = negateInterval(by)
		}
		v, err := f(c, a[at].Int(i), by)
		b.AppendInt(v)
		return err
	}
}

func negateInterval(v vec.IntervalValue) vec.IntervalValue {
	return vec.IntervalValue{Months: -v.Months, Days: -v.Days, Micros: -v.Micros}
}

// addMonths moves a day by months; the last day of the month is kept within the month.
func addMonths(days int64, months int32) int64 {
	y, m, d := datum.CivilFromDays(days)
	n := y*12 + m - 1 + int64(months)
	y, m = n/12, n%12+1
	if m < 1 {
		y, m = y-1, m+12
	}
	return datum.DaysFromCivil(y, m, min(d, datum.DaysInMonth(y, m)))
}

func dtFloor(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// stampAt puts a day and a time of it together.
func stampAt(days, micros int64) (int64, error) {
	if days < datum.MinDate-1 || days > 106751991 {
		return 0, errTimestampRange
	}
	v := days*dayMicros + micros
	if micros >= 0 && v < days*dayMicros || !datum.ValidTimestamp(v) {
		return 0, errTimestampRange
	}
	return v, nil
}

// addToTimestamp is timestamp + interval: months, then days, then time.
func addToTimestamp(ts int64, by vec.IntervalValue) (int64, error) {
	if datum.IsInfinite(ts) {
		return ts, nil
	}
	if by.Months != 0 || by.Days != 0 {
		days, rest := dtFloor(ts, dayMicros)
		if by.Months != 0 {
			days = addMonths(days, by.Months)
		}
		var err error
		if ts, err = stampAt(days+int64(by.Days), rest); err != nil {
			return 0, err
		}
	}
	return addMicros(ts, by.Micros)
}

func addMicros(ts, by int64) (int64, error) {
	v := ts + by
	if (ts^v)&(by^v) < 0 || !datum.ValidTimestamp(v) {
		return 0, errTimestampRange
	}
	return v, nil
}

// addToMoment is timestamptz + interval: months and days by the clock of the session's zone.
func addToMoment(env *datum.Env, ts int64, by vec.IntervalValue) (int64, error) {
	if datum.IsInfinite(ts) {
		return ts, nil
	}
	if by.Months != 0 || by.Days != 0 {
		local, err := addToTimestamp(toLocal(env, ts), vec.IntervalValue{Months: by.Months, Days: by.Days})
		if err != nil {
			return 0, err
		}
		ts = toUTC(env, local)
	}
	return addMicros(ts, by.Micros)
}

func shiftStamp(_ *Ctx, v int64, by vec.IntervalValue) (int64, error) { return addToTimestamp(v, by) }
func shiftMoment(c *Ctx, v int64, by vec.IntervalValue) (int64, error) {
	return addToMoment(c.Env, v, by)
}
func shiftDate(_ *Ctx, v int64, by vec.IntervalValue) (int64, error) {
	ts, err := dateToTimestamp(v)
	if err != nil {
		return 0, err
	}
	return addToTimestamp(ts, by)
}
func shiftTime(_ *Ctx, v int64, by vec.IntervalValue) (int64, error) {
	return timeOfDay(v + by.Micros%dayMicros), nil
}
func shiftTimeTZ(_ *Ctx, v int64, by vec.IntervalValue) (int64, error) {
	t, east := datum.UnpackTimeTZ(v)
	return datum.PackTimeTZ(timeOfDay(t+by.Micros%dayMicros), east), nil
}

func addDays(d, n int64) (int64, error) {
	if datum.IsInfiniteDate(d) {
		return d, nil
	}
	if !datum.ValidDate(d + n) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range")
	}
	return d + n, nil
}

func subtractDates(a, b int64) (int64, error) {
	if datum.IsInfiniteDate(a) || datum.IsInfiniteDate(b) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
	}
	return a - b, nil
}

func datePlusTime(d, t int64) (int64, error) {
	ts, err := dateToTimestamp(d)
	if err != nil || datum.IsInfinite(ts) {
		return ts, err
	}
	return addMicros(ts, t)
}

func datePlusTimeTZ(d, t int64) (int64, error) {
	micros, east := datum.UnpackTimeTZ(t)
	ts, err := dateToTimestamp(d)
	if err != nil || datum.IsInfinite(ts) {
		return ts, err
	}
	return addMicros(ts, micros-east*datum.MicrosPerSecond)
}

func swap2(f func(a, b int64) (int64, error)) func(a, b int64) (int64, error) {
	return func(a, b int64) (int64, error) { return f(b, a) }
}

// subtractStamps is timestamp - timestamp: whole days and the rest, no months.
func subtractStamps(a, b int64) (vec.IntervalValue, error) {
	if datum.IsInfinite(a) || datum.IsInfinite(b) {
		return vec.IntervalValue{}, pgerr.New(pgerr.DatetimeFieldOverflow, "cannot subtract infinite timestamps")
	}
	v := a - b
	if (a^b)&(a^v) < 0 {
		return vec.IntervalValue{}, errIntervalRange
	}
	return justifyHours(vec.IntervalValue{Micros: v})
}

func fits32(v int64) bool { return v >= math.MinInt32 && v <= math.MaxInt32 }

func addIntervals(a, b vec.IntervalValue) (vec.IntervalValue, error) {
	m, d, u := int64(a.Months)+int64(b.Months), int64(a.Days)+int64(b.Days), a.Micros+b.Micros
	if !fits32(m) || !fits32(d) || (a.Micros^u)&(b.Micros^u) < 0 {
		return vec.IntervalValue{}, errIntervalRange
	}
	return vec.IntervalValue{Months: int32(m), Days: int32(d), Micros: u}, nil
}

func subtractIntervals(a, b vec.IntervalValue) (vec.IntervalValue, error) {
	m, d, u := int64(a.Months)-int64(b.Months), int64(a.Days)-int64(b.Days), a.Micros-b.Micros
	if !fits32(m) || !fits32(d) || (a.Micros^b.Micros)&(a.Micros^u) < 0 {
		return vec.IntervalValue{}, errIntervalRange
	}
	return vec.IntervalValue{Months: int32(m), Days: int32(d), Micros: u}, nil
}

// scaleInterval multiplies the three parts; what is left of a month goes to days of 30 to a month, what is left of a day to
// the time.
func scaleInterval(v vec.IntervalValue, by float64) (vec.IntervalValue, error) {
	months, days := float64(v.Months)*by, float64(v.Days)*by
	micros := float64(v.Micros) * by
	return carryInterval(months, days, micros)
}

func carryInterval(months, days, micros float64) (vec.IntervalValue, error) {
	bad := func(f float64) bool { return math.IsNaN(f) || f > math.MaxInt32 || f < math.MinInt32 }
	if bad(months) || bad(days) {
		return vec.IntervalValue{}, errIntervalRange
	}
	out := vec.IntervalValue{Months: int32(months), Days: int32(days)}
	monthDays := roundMicro((months - float64(out.Months)) * 30)
	secs := roundMicro((days - float64(out.Days) + monthDays - math.Trunc(monthDays)) * 86400)
	if math.Abs(secs) >= 86400 {
		out.Days += int32(secs / 86400)
		secs -= math.Trunc(secs/86400) * 86400
	}
	out.Days += int32(monthDays)
	total := math.RoundToEven(micros + secs*1e6)
	if math.IsNaN(total) || total >= 9.223372036854775e18 || total <= -9.223372036854775e18 {
		return vec.IntervalValue{}, errIntervalRange
	}
	out.Micros = int64(total)
	return out, nil
}

// quotientInterval is interval / number.
func quotientInterval(v vec.IntervalValue, by float64) (vec.IntervalValue, error) {
	if by == 0 {
		return vec.IntervalValue{}, pgerr.New(pgerr.DivisionByZero, "division by zero")
	}
	return carryInterval(float64(v.Months)/by, float64(v.Days)/by, float64(v.Micros)/by)
}

func justifyHours(v vec.IntervalValue) (vec.IntervalValue, error) {
	days := int64(v.Days) + v.Micros/dayMicros
	v.Micros %= dayMicros
	switch {
	case days > 0 && v.Micros < 0:
		days, v.Micros = days-1, v.Micros+dayMicros
	case days < 0 && v.Micros > 0:
		days, v.Micros = days+1, v.Micros-dayMicros
	}
	if !fits32(days) {
		return v, errIntervalRange
	}
	v.Days = int32(days)
	return v, nil
}

func justifyDays(v vec.IntervalValue) (vec.IntervalValue, error) {
	months := int64(v.Months) + int64(v.Days/30)
	v.Days %= 30
	switch {
	case months > 0 && v.Days < 0:
		months, v.Days = months-1, v.Days+30
	case months < 0 && v.Days > 0:
		months, v.Days = months+1, v.Days-30
	}
	if !fits32(months) {
		return v, errIntervalRange
	}
	v.Months = int32(months)
	return v, nil
}

// justifyInterval makes all three parts of one sign, days below 30 and time below a day.
func justifyInterval(v vec.IntervalValue) (vec.IntervalValue, error) {
	days := int64(v.Days) + v.Micros/dayMicros
	micros := v.Micros % dayMicros
	months := int64(v.Months) + days/30
	days %= 30
	switch {
	case months > 0 && (days < 0 || days == 0 && micros < 0):
		months, days = months-1, days+30
	case months < 0 && (days > 0 || days == 0 && micros > 0):
		months, days = months+1, days-30
	}
	switch {
	case days > 0 && micros < 0:
		days, micros = days-1, micros+dayMicros
	case days < 0 && micros > 0:
		days, micros = days+1, micros-dayMicros
	}
	if !fits32(months) {
		return v, errIntervalRange
	}
	return vec.IntervalValue{Months: int32(months), Days: int32(days), Micros: micros}, nil
}
