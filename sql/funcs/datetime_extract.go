package funcs

import (
	"math"
	"math/big"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// dtField is the value of a field: exact, as extract gives it, or null.
type dtField struct {
	val  decimal.Dec
	null bool
}

func wholeField(v int64) dtField               { return dtField{val: decimal.FromInt64(v)} }
func scaledField(v int64, scale int32) dtField { return dtField{val: decimal.New(v, scale)} }

// extractFuncs are extract and date_part, over every type of dates and times.
func extractFuncs() []Func {
	rows := []struct {
		part, extract, t datum.OID
		get              fieldOf
	}{
		{1384, 6199, datum.Date, dateField}, {1385, 6200, datum.Time, timeField}, {1273, 6201, datum.TimeTZ, timetzField},
		{2021, 6202, datum.Timestamp, stampField}, {1171, 6203, datum.TimestampTZ, momentField}, {1172, 6204, datum.Interval, intervalField},
	}
	var out []Func
	for _, r := range rows {
		vol := Immutable
		if r.t == datum.TimestampTZ {
			vol = Stable
		}
		ex := Func{OID: r.extract, Name: "extract", Args: dtArgs(datum.Text, r.t), Ret: datum.Numeric, Strict: true, Volatile: vol,
			Doc: "a field such as year, dow or epoch, exactly", Body: extractBody(r.t, vec.Decimal, r.get)}
		pt, pget := r.t, r.get
		if r.t == datum.Date { // a date counts as the timestamp of its midnight
			pt, pget = datum.Timestamp, midnightField
		}
		part := Func{OID: r.part, Name: "date_part", Args: dtArgs(datum.Text, r.t), Ret: datum.Float8, Strict: true, Volatile: vol,
			Doc: "a field such as year, dow or epoch", Body: extractBody(pt, vec.Float64, pget)}
		out = append(out, ex, part)
	}
	return out
}

// fieldOf reads a field of row i; false when the type does not have it.
type fieldOf func(c *Ctx, u dtUnit, a *vec.Column, i int) (dtField, bool, error)

func extractBody(t datum.OID, kind vec.Kind, get fieldOf) Body {
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		var u dtUnit
		var low string
		known := false
		return rowwise(kind, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			if !known || !a[0].IsConst() {
				u, low = unitNamed(string(a[0].Bytes(i)))
				known = true
			}
			if u == unitNone {
				return unitUnknown(low, t)
			}
			f, ok, err := get(c, u, a[1], i)
			switch {
			case err != nil:
				return err
			case !ok:
				return unitUnsupported(low, t)
			case f.null:
				b.AppendNull()
			case kind == vec.Decimal:
				b.AppendDecimal(f.val)
			default:
				b.AppendFloat(f.val.Float64())
			}
			return nil
		})(c, args, n)
	}
}

// endlessField is a field of an infinite moment: infinite where the field grows with time, else null.
func endlessField(u dtUnit, positive bool) (dtField, bool) {
	switch u {
	case unitYear, unitDecade, unitCentury, unitMillennium, unitJulian, unitIsoYear, unitEpoch:
		sign := -1
		if positive {
			sign = 1
		}
		return dtField{val: decimal.Inf(sign)}, true
	}
	return dtField{null: true}, true
}

// dayField reads the fields that a date has.
func dayField(u dtUnit, days int64) (dtField, bool) {
	y, m, d := datum.CivilFromDays(days)
	switch u {
	case unitDay:
		return wholeField(d), true
	case unitMonth:
		return wholeField(m), true
	case unitQuarter:
		return wholeField((m-1)/3 + 1), true
	case unitWeek:
		_, w := isoWeek(days)
		return wholeField(w), true
	case unitDow:
		return wholeField(datum.Weekday(days)), true
	case unitIsoDow:
		return wholeField((datum.Weekday(days)+6)%7 + 1), true
	case unitDoy:
		return wholeField(days - datum.DaysFromCivil(y, 1, 1) + 1), true
	case unitIsoYear:
		iso, _ := isoWeek(days)
		return wholeField(noYearZero(iso)), true
	case unitJulian:
		return wholeField(days + 2451545), true
	}
	return yearField(u, y)
}

func noYearZero(y int64) int64 {
	if y > 0 {
		return y
	}
	return y - 1
}

func yearField(u dtUnit, y int64) (dtField, bool) {
	switch u {
	case unitYear:
		return wholeField(noYearZero(y)), true
	case unitDecade:
		if y >= 0 {
			return wholeField(y / 10), true
		}
		return wholeField(-((8 - (y - 1)) / 10)), true
	case unitCentury:
		if y > 0 {
			return wholeField((y + 99) / 100), true
		}
		return wholeField(-((99 - (y - 1)) / 100)), true
	case unitMillennium:
		if y > 0 {
			return wholeField((y + 999) / 1000), true
		}
		return wholeField(-((999 - (y - 1)) / 1000)), true
	}
	return dtField{}, false
}

// isoWeek returns the year and week by ISO 8601: weeks begin on Monday, the first has 4 January in it.
func isoWeek(days int64) (year, week int64) {
	thursday := days - (datum.Weekday(days)+6)%7 + 3
	year, _, _ = datum.CivilFromDays(thursday)
	return year, (thursday-datum.DaysFromCivil(year, 1, 1))/7 + 1
}

// clockField reads the fields of a time of day or the time of an interval.
func clockField(u dtUnit, micros int64) (dtField, bool) {
	inMinute := micros % datum.MicrosPerMinute
	switch u {
	case unitMicros:
		return wholeField(inMinute), true
	case unitMillis:
		return scaledField(inMinute, 3), true
	case unitSecond:
		return scaledField(inMinute, 6), true
	case unitMinute:
		return wholeField(micros / datum.MicrosPerMinute % 60), true
	case unitHour:
		return wholeField(micros / datum.MicrosPerHour), true
	}
	return dtField{}, false
}

func zoneField(u dtUnit, east int64) (dtField, bool) {
	switch u {
	case unitZone:
		return wholeField(east), true
	case unitZoneHour:
		return wholeField(east / 3600), true
	case unitZoneMinute:
		return wholeField(east % 3600 / 60), true
	}
	return dtField{}, false
}

func dateField(_ *Ctx, u dtUnit, a *vec.Column, i int) (dtField, bool, error) {
	days := a.Int(i)
	if f, ok := dayField(u, 0); !ok && u != unitEpoch {
		return f, false, nil
	}
	if datum.IsInfiniteDate(days) {
		f, ok := endlessField(u, days > 0)
		return f, ok, nil
	}
	if u == unitEpoch {
		return wholeField((days + 10957) * 86400), true, nil
	}
	f, ok := dayField(u, days)
	return f, ok, nil
}

func midnightField(_ *Ctx, u dtUnit, a *vec.Column, i int) (dtField, bool, error) {
	ts, err := dateToTimestamp(a.Int(i))
	if err != nil {
		return dtField{}, false, err
	}
	return localField(u, ts)
}

func stampField(_ *Ctx, u dtUnit, a *vec.Column, i int) (dtField, bool, error) {
	return localField(u, a.Int(i))
}

func localField(u dtUnit, ts int64) (dtField, bool, error) {
	if _, zoned := zoneField(u, 0); zoned && !datum.IsInfinite(ts) {
		return dtField{}, false, nil
	}
	return stampPart(u, ts, ts)
}

func momentField(c *Ctx, u dtUnit, a *vec.Column, i int) (dtField, bool, error) {
	ts := a.Int(i)
	if datum.IsInfinite(ts) {
		f, ok := endlessField(u, ts > 0)
		return f, ok, nil
	}
	local := toLocal(c.Env, ts)
	if f, ok := zoneField(u, (local-ts)/datum.MicrosPerSecond); ok {
		return f, true, nil
	}
	return stampPart(u, local, ts)
}

// stampPart reads a field of a local timestamp; utc is what the epoch counts.
func stampPart(u dtUnit, ts, utc int64) (dtField, bool, error) {
	if datum.IsInfinite(ts) {
		f, ok := endlessField(u, ts > 0)
		return f, ok, nil
	}
	days, rest := dtFloor(ts, dayMicros)
	if u == unitEpoch {
		return epochField(big.NewInt(utc), -datum.UnixEpochMicros), true, nil
	}
	if u == unitJulian {
		frac, err := decimal.FromInt64(rest).Quo(decimal.FromInt64(dayMicros))
		if err != nil {
			return dtField{}, false, numericError(err)
		}
		v, err := decimal.FromInt64(days + 2451545).Add(frac)
		return dtField{val: v}, true, err
	}
	f, ok := clockField(u, rest)
	if !ok {
		f, ok = dayField(u, days)
	}
	return f, ok, nil
}

// epochField is microseconds and more of them, as seconds.
func epochField(micros *big.Int, more int64) dtField {
	return dtField{val: decimal.FromBig(micros.Add(micros, big.NewInt(more)), 6)}
}

func timeField(_ *Ctx, u dtUnit, a *vec.Column, i int) (dtField, bool, error) {
	if u == unitEpoch {
		return scaledField(a.Int(i), 6), true, nil
	}
	f, ok := clockField(u, a.Int(i))
	return f, ok, nil
}

func timetzField(_ *Ctx, u dtUnit, a *vec.Column, i int) (dtField, bool, error) {
	t, east := datum.UnpackTimeTZ(a.Int(i))
	if u == unitEpoch {
		return scaledField(t-east*datum.MicrosPerSecond, 6), true, nil
	}
	if f, ok := zoneField(u, east); ok {
		return f, true, nil
	}
	f, ok := clockField(u, t)
	return f, ok, nil
}

func intervalField(_ *Ctx, u dtUnit, a *vec.Column, i int) (dtField, bool, error) {
	v := a.Interval(i)
	years, months := int64(v.Months/12), int64(v.Months%12)
	switch u {
	case unitDay:
		return wholeField(int64(v.Days)), true, nil
	case unitMonth:
		return wholeField(months), true, nil
	case unitQuarter:
		return wholeField(months/3 + 1), true, nil
	case unitYear:
		return wholeField(years), true, nil
	case unitDecade:
		return wholeField(years / 10), true, nil
	case unitCentury:
		return wholeField(years / 100), true, nil
	case unitMillennium:
		return wholeField(years / 1000), true, nil
	case unitEpoch: // a year has 365.25 days, a month 30
		secs := (1461*years + 120*months + 4*int64(v.Days)) * 21600
		if micros := secs*1_000_000 + v.Micros; secs/4_000_000_000_000 == 0 && v.Micros/4_000_000_000_000_000_000 == 0 {
			return scaledField(micros, 6), true, nil
		}
		return epochField(new(big.Int).Mul(big.NewInt(secs), big.NewInt(1e6)), v.Micros), true, nil
	}
	f, ok := clockField(u, v.Micros)
	return f, ok, nil
}

// secondsToMicros rounds seconds to microseconds; false when they are no number of that range.
func secondsToMicros(s float64) (int64, bool) {
	f := math.RoundToEven(s * 1e6)
	return int64(f), !math.IsNaN(f) && math.Abs(f) < 9.2e18
}
