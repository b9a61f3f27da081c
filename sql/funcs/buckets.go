package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// Where buckets begin when no origin is given: those of months and years with a year, all others with a Monday.
const (
	originMonths = 0             // 2000-01-01
	originDays   = 2 * dayMicros // 2000-01-03
)

// bucketFuncs cut time and credit into parts.
func bucketFuncs() []Func {
	const ts, tz, iv = datum.Timestamp, datum.TimestampTZ, datum.Interval
	bucket := func(oid, t datum.OID, example, result string) Func {
		f := dtRow(ownOIDs+oid, "time_bucket", Immutable, t, dtArgs(iv, t, t),
			"start of the bucket of the width that the moment falls in, buckets being counted from the origin, in UTC",
			func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
				origin, given := int64(0), len(a) > 2
				if given {
					origin = a[2].Int(i)
				}
				v, err := bucketOf(a[0].Interval(i), a[1].Int(i), origin, given)
				b.AppendInt(v)
				return err
			})
		f.Defaults, f.ArgNames, f.Example, f.Result = 1, []string{"bucket_width", "ts", "origin"}, example, result
		return f
	}
	return []Func{
		bucket(510, tz, "time_bucket('15 minutes', timestamptz '2026-01-02 03:44:05+00')", "2026-01-02 03:30:00+00"),
		bucket(511, ts, "time_bucket('3 months', timestamp '2026-05-03 03:44:05')", "2026-04-01 00:00:00"),
		{OID: ownOIDs + 513, Name: "attribution_share", Args: []datum.OID{datum.Text, datum.Int8, datum.Int8}, ArgNames: []string{"model", "nth", "of"},
			Ret: datum.Float8, Strict: true, Volatile: Immutable, Doc: "what part a model of attribution (first, last, linear) gives to the nth of some touches",
			Example: "attribution_share('linear', 1, 4)", Result: "0.25",
			Body: rowwise(vec.Float64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
				v, err := attributionShare(string(a[0].Bytes(i)), a[1].Int(i), a[2].Int(i))
				b.AppendFloat(v)
				return err
			})},
	}
}

func bucketOf(width vec.IntervalValue, ts, origin int64, given bool) (int64, error) {
	if width.Months == 0 {
		if !given {
			origin = originDays
		}
		return binStamp(width, ts, origin)
	}
	if width.Days != 0 || width.Micros != 0 {
		return 0, pgerr.New(pgerr.FeatureNotSupported, "a bucket is of months or of days and less, not of both")
	}
	if width.Months < 0 {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "stride must be greater than zero")
	}
	if datum.IsInfinite(ts) {
		return ts, nil
	}
	if !given {
		origin = originMonths
	}
	return monthBucket(int64(width.Months), ts, origin)
}

// monthBucket counts months from that of the origin.
func monthBucket(width, ts, origin int64) (int64, error) {
	if datum.IsInfinite(origin) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "origin out of range")
	}
	o, t := datum.CivilOf(origin), datum.CivilOf(ts)
	if o.Day != 1 || o.TimeOfDay() != 0 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "buckets of months need an origin that is the start of a month")
	}
	_, past := dtFloor((t.Year-o.Year)*12+t.Month-o.Month, width)
	year, month := dtFloor(t.Year*12+t.Month-1-past, 12)
	v, ok := datum.Civil{Year: year, Month: month + 1, Day: 1}.Timestamp()
	if !ok {
		return 0, errTimestampRange
	}
	return v, nil
}

func attributionShare(model string, nth, n int64) (float64, error) {
	credited := nth
	switch model {
	case "first":
		credited = 1
	case "last":
		credited = n
	case "linear":
		return 1 / float64(n), nil
	default:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "attribution model %q not recognized", model).WithHint("There are first, last and linear.")
	}
	if nth == credited {
		return 1, nil
	}
	return 0, nil
}
