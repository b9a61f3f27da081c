package funcs

import (
	"fmt"
	"math"
	"time"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// datetimeFuncs are the functions of dates and times (PostgreSQL documentation, sections 9.8 and 9.9).
func datetimeFuncs() []Func {
	var out []Func
	for _, t := range [][]Func{clockFuncs(), truncFuncs(), extractFuncs(), spanFuncs(), makeFuncs(), zoneFuncs(), overlapsFuncs(), templateFuncs()} {
		out = append(out, t...)
	}
	return out
}

func microsNow() int64 { return time.Now().UnixMicro() + datum.UnixEpochMicros }

// clockFuncs tell the time. The statement's clock stands still, so that one answer serves all rows.
func clockFuncs() []Func {
	nowOf := func(c *Ctx) int64 { return c.Now }
	return []Func{
		stable(1299, "now", datum.TimestampTZ, "when the transaction began", intOf(nowOf)),
		stable(2647, "transaction_timestamp", datum.TimestampTZ, "when the transaction began", intOf(nowOf)),
		stable(2648, "statement_timestamp", datum.TimestampTZ, "when the statement began", intOf(func(c *Ctx) int64 { return c.StmtNow })),
		{OID: 2649, Name: "clock_timestamp", Ret: datum.TimestampTZ, Volatile: Volatile, Doc: "the time right now", Body: func(_ *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
			b := vec.NewBuilder(vec.Int64, n)
			for range n {
				b.AppendInt(microsNow())
			}
			return b.Finish(), nil
		}},
		{OID: 274, Name: "timeofday", Ret: datum.Text, Volatile: Volatile, Doc: "the time right now, as text", Body: textOf(func(c *Ctx) string {
			return time.Now().In(c.Env.Zone()).Format("Mon Jan 02 15:04:05.000000 2006 MST")
		})},
	}
}

// ageBetween is the time from b to a in years, months and days by the calendar.
func ageBetween(a, b int64) (vec.IntervalValue, error) {
	if datum.IsInfinite(a) || datum.IsInfinite(b) {
		return vec.IntervalValue{}, errTimestampRange
	}
	x, y := datum.CivilOf(a), datum.CivilOf(b)
	sign := int64(1)
	if a < b {
		x, y, sign = y, x, -1
	}
	months := (x.Year-y.Year)*12 + x.Month - y.Month
	days := x.Day - y.Day
	micros := x.TimeOfDay() - y.TimeOfDay()
	if micros < 0 {
		micros, days = micros+dayMicros, days-1
	}
	for days < 0 { // the month of the earlier one is what is borrowed
		days += datum.DaysInMonth(y.Year, y.Month)
		months--
	}
	return vec.IntervalValue{Months: int32(sign * months), Days: int32(sign * days), Micros: sign * micros}, nil
}

// binStamp is date_bin: the start of the bin of the given width, counted from origin.
func binStamp(stride vec.IntervalValue, ts, origin int64) (int64, error) {
	if datum.IsInfinite(ts) {
		return ts, nil
	}
	width := int64(stride.Days)*dayMicros + stride.Micros
	switch {
	case datum.IsInfinite(origin):
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "origin out of range")
	case stride.Months != 0:
		return 0, pgerr.New(pgerr.FeatureNotSupported, "timestamps cannot be binned into intervals containing months or years")
	case width <= 0:
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "stride must be greater than zero")
	}
	_, r := dtFloor(ts-origin, width)
	return ts - r, nil
}

// spanFuncs are the functions of intervals and of the time between.
func spanFuncs() []Func {
	const ts, tz, iv = datum.Timestamp, datum.TimestampTZ, datum.Interval
	bin := func(oid, t datum.OID) Func {
		return dtRow(oid, "date_bin", Immutable, t, dtArgs(iv, t, t), "start of the bin of the width (first) that the moment falls in; bins count from the third", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := binStamp(a[0].Interval(i), a[1].Int(i), a[2].Int(i))
			b.AppendInt(v)
			return err
		})
	}
	today := func(c *Ctx) int64 { l := toLocal(c.Env, c.Now); return l - timeOfDay(l) }
	since := func(local func(c *Ctx, v int64) int64) func(*Ctx, *vec.Builder, []*vec.Column, int) error {
		return func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := ageBetween(today(c), local(c, a[0].Int(i)))
			b.AppendInterval(v)
			return err
		}
	}
	plain := func(_ *Ctx, v int64) int64 { return v }
	zoned := func(c *Ctx, v int64) int64 { return toLocal(c.Env, v) }
	finite := func(oid, t datum.OID, f func(a *vec.Column, i int) bool) Func {
		return dtRow(oid, "isfinite", Immutable, datum.Bool, dtArgs(t), "whether it is not infinity", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			b.AppendBool(f(a[0], i))
			return nil
		})
	}
	stampFinite := func(a *vec.Column, i int) bool { return !datum.IsInfinite(a.Int(i)) }
	return []Func{
		bin(6177, ts), bin(6178, tz),
		dtRow(2058, "age", Immutable, iv, dtArgs(ts, ts), "time between, in years, months and days", dtSpan(ageBetween)),
		dtRow(1199, "age", Immutable, iv, dtArgs(tz, tz), "time between, in years, months and days", func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := ageBetween(toLocal(c.Env, a[0].Int(i)), toLocal(c.Env, a[1].Int(i)))
			b.AppendInterval(v)
			return err
		}),
		dtRow(2059, "age", Stable, iv, dtArgs(ts), "time until today's midnight", since(plain)),
		dtRow(1386, "age", Stable, iv, dtArgs(tz), "time until today's midnight", since(zoned)),
		dtRow(1295, "justify_days", Immutable, iv, dtArgs(iv), "30 days become a month", oneInterval(justifyDays)),
		dtRow(1175, "justify_hours", Immutable, iv, dtArgs(iv), "24 hours become a day", oneInterval(justifyHours)),
		dtRow(2711, "justify_interval", Immutable, iv, dtArgs(iv), "24 hours become a day, 30 days a month, all of one sign", oneInterval(justifyInterval)),
		finite(1373, datum.Date, func(a *vec.Column, i int) bool { return !datum.IsInfiniteDate(a.Int(i)) }),
		finite(1389, tz, stampFinite), finite(2048, ts, stampFinite),
		finite(1390, iv, func(*vec.Column, int) bool { return true }),
	}
}

func makeDate(y, m, d int64) (int64, error) {
	year := y
	if y < 0 {
		year = y + 1 // -1 is 1 BC
	}
	if y == 0 || m < 1 || m > 12 || d < 1 || d > datum.DaysInMonth(year, m) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date field value out of range: %d-%02d-%02d", y, m, d)
	}
	days := datum.DaysFromCivil(year, m, d)
	if !datum.ValidDate(days) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range: %d-%02d-%02d", y, m, d)
	}
	return days, nil
}

func makeTime(h, m int64, s float64) (int64, error) {
	micros, ok := secondsToMicros(s)
	if !ok || h < 0 || m < 0 || m > 59 || h > 24 || s < 0 || s > 60 || h == 24 && (m > 0 || s > 0) {
		sec := fmt.Sprintf("%02.6g", s)
		if len(sec) < 2 {
			sec = "0" + sec
		}
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "time field value out of range: %d:%02d:%s", h, m, sec)
	}
	return (h*60+m)*datum.MicrosPerMinute + micros, nil
}

// makeStamp reads the six parts from the first six arguments.
func makeStamp(a []*vec.Column, i int) (int64, error) {
	d, err := makeDate(a[0].Int(i), a[1].Int(i), a[2].Int(i))
	if err != nil {
		return 0, err
	}
	t, err := makeTime(a[3].Int(i), a[4].Int(i), a[5].Float(i))
	if err != nil {
		return 0, err
	}
	return stampAt(d, t)
}

func makeFuncs() []Func {
	const i4, f8 = datum.Int4, datum.Float8
	six, names := dtArgs(i4, i4, i4, i4, i4, f8), []string{"year", "month", "mday", "hour", "min", "sec"}
	out := []Func{
		dtRow(3846, "make_date", Immutable, datum.Date, dtArgs(i4, i4, i4), "date of year, month and day", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := makeDate(a[0].Int(i), a[1].Int(i), a[2].Int(i))
			b.AppendInt(v)
			return err
		}),
		dtRow(3847, "make_time", Immutable, datum.Time, dtArgs(i4, i4, f8), "time of hours, minutes and seconds", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := makeTime(a[0].Int(i), a[1].Int(i), a[2].Float(i))
			b.AppendInt(v)
			return err
		}),
		dtRow(3461, "make_timestamp", Immutable, datum.Timestamp, six, "timestamp of its parts", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := makeStamp(a, i)
			b.AppendInt(v)
			return err
		}),
		dtRow(3462, "make_timestamptz", Stable, datum.TimestampTZ, six, "moment of its parts in the session's zone", func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := makeStamp(a, i)
			b.AppendInt(toUTC(c.Env, v))
			return err
		}),
		dtRow(3463, "make_timestamptz", Stable, datum.TimestampTZ, append(six[:6:6], datum.Text), "moment of its parts in a zone", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := makeStamp(a, i)
			if err != nil {
				return err
			}
			env, err := writtenZone(string(a[6].Bytes(i)))
			if err != nil {
				return err
			}
			b.AppendInt(toUTC(env, v))
			return nil
		}),
		dtRow(3464, "make_interval", Immutable, datum.Interval, dtArgs(i4, i4, i4, i4, i4, i4, f8), "interval of its parts", makeInterval),
		dtRow(1158, "to_timestamp", Immutable, datum.TimestampTZ, dtArgs(f8), "moment of the seconds since 1970", func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := stampOfSeconds(a[0].Float(i))
			b.AppendInt(v)
			return err
		}),
	}
	out[0].ArgNames, out[1].ArgNames = []string{"year", "month", "day"}, []string{"hour", "min", "sec"}
	out[2].ArgNames, out[3].ArgNames, out[4].ArgNames = names, names, append(names[:6:6], "timezone")
	out[5].ArgNames, out[5].Defaults = []string{"years", "months", "weeks", "days", "hours", "mins", "secs"}, 7
	return out
}

func makeInterval(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	var p [6]int64
	for k := range min(len(a), 6) {
		p[k] = a[k].Int(i)
	}
	micros := int64(0)
	if len(a) > 6 {
		v, ok := secondsToMicros(a[6].Float(i))
		if !ok {
			return errIntervalRange
		}
		micros = v
	}
	months, days := p[0]*12+p[1], p[2]*7+p[3]
	clock := p[4]*datum.MicrosPerHour + p[5]*datum.MicrosPerMinute
	if !fits32(months) || !fits32(days) || (clock^(clock+micros))&(micros^(clock+micros)) < 0 {
		return errIntervalRange
	}
	b.AppendInterval(vec.IntervalValue{Months: int32(months), Days: int32(days), Micros: clock + micros})
	return nil
}

func stampOfSeconds(s float64) (int64, error) {
	switch {
	case math.IsNaN(s):
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
	case math.IsInf(s, 1):
		return datum.PosInfinity, nil
	case math.IsInf(s, -1):
		return datum.NegInfinity, nil
	}
	v := math.RoundToEven((s + float64(datum.UnixEpochMicros/datum.MicrosPerSecond)) * 1e6)
	if v < float64(datum.MinTimestamp) || v >= float64(datum.EndTimestamp) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range: \"%.6g\"", s)
	}
	return int64(v), nil
}

// writtenZone is a zone as it is written behind a timestamp: a name, or a distance that counts to the east.
func writtenZone(name string) (*datum.Env, error) {
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid input syntax for type numeric time zone: \"%s\"", name).
			WithHint("Numeric time zones must have \"-\" or \"+\" as first character.")
	}
	loc, err := datum.ZoneByName(name)
	if err != nil {
		return nil, err
	}
	if name[0] == '+' || name[0] == '-' { // ZoneByName reads these as POSIX does, to the west
		_, east := datum.ZoneOffset(loc, 0)
		loc = time.FixedZone(name, int(-east))
	}
	return &datum.Env{Location: loc}, nil
}
