package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// datetimeOperators are the arithmetic operators of dates and times (PostgreSQL documentation, section 9.9).
func datetimeOperators() []Func {
	return append(dateOperators(), intervalOperators()...)
}

func dtOp(oid datum.OID, name string, l, r, ret datum.OID, doc string, f func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error) Func {
	vol := Immutable
	if ret == datum.TimestampTZ && l != datum.TimeTZ && r != datum.TimeTZ {
		vol = Stable
	}
	return dtRow(oid, name, vol, ret, dtArgs(l, r), doc, f)
}

func dateOperators() []Func {
	const (
		d, t, tz, ts, tstz, iv, i4 = datum.Date, datum.Time, datum.TimeTZ, datum.Timestamp, datum.TimestampTZ, datum.Interval, datum.Int4
	)
	days := "the date so many days later"
	join := "the moment of that date and time"
	return []Func{
		dtOp(1100, "+", d, i4, d, days, dtInt(addDays)),
		dtOp(2555, "+", i4, d, d, days, dtInt(swap2(addDays))),
		dtOp(1101, "-", d, i4, d, "the date so many days earlier", dtInt(func(a, b int64) (int64, error) { return addDays(a, -b) })),
		dtOp(1099, "-", d, d, i4, "days between the dates", dtInt(subtractDates)),
		dtOp(1076, "+", d, iv, ts, "date moved by an interval", dtShift(0, 1, 1, shiftDate)),
		dtOp(1077, "-", d, iv, ts, "date moved back by an interval", dtShift(0, 1, -1, shiftDate)),
		dtOp(2551, "+", iv, d, ts, "date moved by an interval", dtShift(1, 0, 1, shiftDate)),
		dtOp(1360, "+", d, t, ts, join, dtInt(datePlusTime)),
		dtOp(1363, "+", t, d, ts, join, dtInt(swap2(datePlusTime))),
		dtOp(1361, "+", d, tz, tstz, join, dtInt(datePlusTimeTZ)),
		dtOp(1366, "+", tz, d, tstz, join, dtInt(swap2(datePlusTimeTZ))),
		dtOp(2066, "+", ts, iv, ts, "timestamp moved by an interval", dtShift(0, 1, 1, shiftStamp)),
		dtOp(2068, "-", ts, iv, ts, "timestamp moved back by an interval", dtShift(0, 1, -1, shiftStamp)),
		dtOp(2553, "+", iv, ts, ts, "timestamp moved by an interval", dtShift(1, 0, 1, shiftStamp)),
		dtOp(1327, "+", tstz, iv, tstz, "moment moved by an interval, days and months in the session's zone", dtShift(0, 1, 1, shiftMoment)),
		dtOp(1329, "-", tstz, iv, tstz, "moment moved back by an interval, days and months in the session's zone", dtShift(0, 1, -1, shiftMoment)),
		dtOp(2554, "+", iv, tstz, tstz, "moment moved by an interval, days and months in the session's zone", dtShift(1, 0, 1, shiftMoment)),
		inLoop(dtOp(2067, "-", ts, ts, iv, "time between, in days and a rest", dtSpan(subtractStamps)), spanLoop),
		inLoop(dtOp(1328, "-", tstz, tstz, iv, "time between, in days and a rest", dtSpan(subtractStamps)), spanLoop),
		dtOp(1399, "-", t, t, iv, "time between", dtSpan(func(a, b int64) (vec.IntervalValue, error) { return vec.IntervalValue{Micros: a - b}, nil })),
		dtOp(1800, "+", t, iv, t, "time of day moved by an interval", dtShift(0, 1, 1, shiftTime)),
		dtOp(1801, "-", t, iv, t, "time of day moved back by an interval", dtShift(0, 1, -1, shiftTime)),
		dtOp(1849, "+", iv, t, t, "time of day moved by an interval", dtShift(1, 0, 1, shiftTime)),
		dtOp(1802, "+", tz, iv, tz, "time of day moved by an interval", dtShift(0, 1, 1, shiftTimeTZ)),
		dtOp(1803, "-", tz, iv, tz, "time of day moved back by an interval", dtShift(0, 1, -1, shiftTimeTZ)),
		dtOp(2552, "+", iv, tz, tz, "time of day moved by an interval", dtShift(1, 0, 1, shiftTimeTZ)),
	}
}

// dtSpan makes a row function of two moments that gives an interval.
func dtSpan(f func(a, b int64) (vec.IntervalValue, error)) func(*Ctx, *vec.Builder, []*vec.Column, int) error {
	return func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Int(i), a[1].Int(i))
		b.AppendInterval(v)
		return err
	}
}

// inLoop lets loop compute what it can; it gives nil for what it leaves to the function's own body.
func inLoop(f Func, loop func(args []*vec.Column, n int) (*vec.Column, error)) Func {
	body := f.Body
	f.Body = func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		if out, err := loop(args, n); out != nil || err != nil {
			return out, err
		}
		return body(c, args, n)
	}
	return f
}

// spanLoop is subtractStamps over plain columns.
func spanLoop(args []*vec.Column, n int) (*vec.Column, error) {
	a, b := args[0], args[1]
	if a.Codes != nil || b.Codes != nil {
		return nil, nil
	}
	out := &vec.Column{Kind: vec.Interval, Len: n, Iv: make([]vec.IntervalValue, n), Valid: bothValid(a, b, n)}
	for i := range n {
		if out.Valid != nil && !out.Valid.Get(i) {
			continue
		}
		var err error
		if out.Iv[i], err = subtractStamps(a.I64[i], b.I64[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bothValid marks the rows in which neither column is null; nil for all.
func bothValid(a, b *vec.Column, n int) vec.Bitmap {
	switch {
	case a.Valid == nil:
		return b.Valid
	case b.Valid == nil:
		return a.Valid
	}
	out := vec.NewBitmap(n)
	for i := range out {
		out[i] = a.Valid[i] & b.Valid[i]
	}
	return out
}

func intervalOperators() []Func {
	const iv, f8 = datum.Interval, datum.Float8
	two := func(f func(a, b vec.IntervalValue) (vec.IntervalValue, error)) func(*Ctx, *vec.Builder, []*vec.Column, int) error {
		return func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := f(a[0].Interval(i), a[1].Interval(i))
			b.AppendInterval(v)
			return err
		}
	}
	scaled := func(at, by int, f func(v vec.IntervalValue, by float64) (vec.IntervalValue, error)) func(*Ctx, *vec.Builder, []*vec.Column, int) error {
		return func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			v, err := f(a[at].Interval(i), a[by].Float(i))
			b.AppendInterval(v)
			return err
		}
	}
	return []Func{
		dtOp(1337, "+", iv, iv, iv, "sum of the intervals", two(addIntervals)),
		dtOp(1338, "-", iv, iv, iv, "difference of the intervals", two(subtractIntervals)),
		dtRow(1336, "-", Immutable, iv, dtArgs(iv), "the interval backwards", oneInterval(func(v vec.IntervalValue) (vec.IntervalValue, error) {
			return subtractIntervals(vec.IntervalValue{}, v)
		})),
		dtOp(1583, "*", iv, f8, iv, "so many times the interval", scaled(0, 1, scaleInterval)),
		dtOp(1584, "*", f8, iv, iv, "so many times the interval", scaled(1, 0, scaleInterval)),
		dtOp(1585, "/", iv, f8, iv, "the interval divided", scaled(0, 1, quotientInterval)),
	}
}

// oneInterval makes a row function of one interval.
func oneInterval(f func(v vec.IntervalValue) (vec.IntervalValue, error)) func(*Ctx, *vec.Builder, []*vec.Column, int) error {
	return func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Interval(i))
		b.AppendInterval(v)
		return err
	}
}
