package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

const dayMicros = 86_400_000_000

// timeCasts are the conversions among dates, times and intervals; what has no zone is local time of the session's.
func timeCasts() []Cast {
	row := func(from, to datum.OID, ctx CastContext, f func(env *datum.Env, v int64) (int64, error)) Cast {
		return Cast{From: from, To: to, Context: ctx, Body: each(vec.Int64, func(c *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			// An infinite moment has no time of day.
			if (to == datum.Time || to == datum.TimeTZ) && (from == datum.Timestamp || from == datum.TimestampTZ) && datum.IsInfinite(arg.Int(i)) {
				b.AppendNull()
				return nil
			}
			v, err := f(c.Env, arg.Int(i))
			b.AppendInt(v)
			return err
		})}
	}
	return []Cast{
		row(datum.Date, datum.Timestamp, Implicit, func(_ *datum.Env, v int64) (int64, error) { return dateToTimestamp(v) }),
		row(datum.Date, datum.TimestampTZ, Implicit, func(env *datum.Env, v int64) (int64, error) {
			ts, err := dateToTimestamp(v)
			return toUTC(env, ts), err
		}),
		row(datum.Timestamp, datum.Date, Assignment, func(_ *datum.Env, v int64) (int64, error) { return timestampToDate(v), nil }),
		row(datum.TimestampTZ, datum.Date, Assignment, func(env *datum.Env, v int64) (int64, error) { return timestampToDate(toLocal(env, v)), nil }),
		row(datum.Timestamp, datum.TimestampTZ, Implicit, func(env *datum.Env, v int64) (int64, error) { return toUTC(env, v), nil }),
		row(datum.TimestampTZ, datum.Timestamp, Assignment, func(env *datum.Env, v int64) (int64, error) { return toLocal(env, v), nil }),
		row(datum.Timestamp, datum.Time, Assignment, func(_ *datum.Env, v int64) (int64, error) { return timeOfDay(v), nil }),
		row(datum.TimestampTZ, datum.Time, Assignment, func(env *datum.Env, v int64) (int64, error) { return timeOfDay(toLocal(env, v)), nil }),
		row(datum.TimestampTZ, datum.TimeTZ, Assignment, func(env *datum.Env, v int64) (int64, error) {
			_, east := datum.ZoneOffset(env.Zone(), v)
			return datum.PackTimeTZ(timeOfDay(toLocal(env, v)), east), nil
		}),
		row(datum.TimeTZ, datum.Time, Assignment, func(_ *datum.Env, v int64) (int64, error) {
			t, _ := datum.UnpackTimeTZ(v)
			return t, nil
		}),
		row(datum.Time, datum.TimeTZ, Implicit, func(env *datum.Env, v int64) (int64, error) {
			_, east := datum.ZoneOffset(env.Zone(), env.Now)
			return datum.PackTimeTZ(v, east), nil
		}),
		{From: datum.Time, To: datum.Interval, Context: Implicit, Body: each(vec.Interval, func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			b.AppendInterval(vec.IntervalValue{Micros: arg.Int(i)})
			return nil
		})},
		{From: datum.Interval, To: datum.Time, Context: Assignment, Body: each(vec.Int64, func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			b.AppendInt(timeOfDay(arg.Interval(i).Micros))
			return nil
		})},
	}
}

func toUTC(env *datum.Env, v int64) int64 {
	if datum.IsInfinite(v) {
		return v
	}
	return datum.FromLocal(env.Zone(), v)
}

func toLocal(env *datum.Env, v int64) int64 {
	if datum.IsInfinite(v) {
		return v
	}
	return datum.ToLocal(env.Zone(), v)
}

func dateToTimestamp(days int64) (int64, error) {
	switch days {
	case datum.PosInfinityDate:
		return datum.PosInfinity, nil
	case datum.NegInfinityDate:
		return datum.NegInfinity, nil
	}
	if days > datum.EndTimestamp/dayMicros || days < datum.MinTimestamp/dayMicros {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range for timestamp")
	}
	return days * dayMicros, nil
}

func timestampToDate(v int64) int64 {
	switch v {
	case datum.PosInfinity:
		return datum.PosInfinityDate
	case datum.NegInfinity:
		return datum.NegInfinityDate
	}
	d := v / dayMicros
	if v%dayMicros < 0 {
		d--
	}
	return d
}

func timeOfDay(v int64) int64 {
	r := v % dayMicros
	if r < 0 {
		r += dayMicros
	}
	return r
}
