package funcs

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// dtUnit is a field of dates and times, as date_trunc and extract name it.
type dtUnit uint8

const (
	unitNone dtUnit = iota
	unitMicros
	unitMillis
	unitSecond
	unitMinute
	unitHour
	unitDay
	unitWeek
	unitMonth
	unitQuarter
	unitYear
	unitDecade
	unitCentury
	unitMillennium
	unitZone
	unitZoneHour
	unitZoneMinute
	unitDow
	unitIsoDow
	unitDoy
	unitIsoYear
	unitJulian
	unitEpoch
)

// dtUnitNames holds the accepted names; only the first ten letters count.
var dtUnitNames = func() map[string]dtUnit {
	m := map[string]dtUnit{}
	for u, names := range map[dtUnit]string{
		unitMicros: "microsecon us usec usecond useconds usecs", unitMillis: "millisecon ms msec msecond mseconds msecs",
		unitSecond: "s sec second seconds secs", unitMinute: "m min mins minute minutes", unitHour: "h hour hours hr hrs",
		unitDay: "d day days", unitWeek: "w week weeks", unitMonth: "mon mons month months", unitQuarter: "qtr quarter",
		unitYear: "y year years yr yrs", unitDecade: "dec decade decades decs", unitCentury: "c cent centuries century",
		unitMillennium: "mil millennia millennium mils", unitZone: "timezone", unitZoneHour: "timezone_h", unitZoneMinute: "timezone_m",
		unitDow: "dow", unitIsoDow: "isodow", unitDoy: "doy", unitIsoYear: "isoyear", unitJulian: "j jd julian", unitEpoch: "epoch",
	} {
		for _, n := range strings.Fields(names) {
			m[n] = u
		}
	}
	return m
}()

func unitNamed(name string) (dtUnit, string) {
	low := strings.ToLower(name)
	key := low
	if len(key) > 10 {
		key = key[:10]
	}
	return dtUnitNames[key], low
}

func unitUnknown(name string, t datum.OID) error {
	return pgerr.New(pgerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s", name, datum.Lookup(t).SQLName)
}

func unitUnsupported(name string, t datum.OID) *pgerr.Error {
	return pgerr.New(pgerr.FeatureNotSupported, "unit \"%s\" not supported for type %s", name, datum.Lookup(t).SQLName)
}

// unitWidth is the length of the units of fixed length, and where one of them begins.
func unitWidth(u dtUnit) (width, start int64) {
	switch u {
	case unitMicros:
		return 1, 0
	case unitMillis:
		return 1000, 0
	case unitSecond:
		return datum.MicrosPerSecond, 0
	case unitMinute:
		return datum.MicrosPerMinute, 0
	case unitHour:
		return datum.MicrosPerHour, 0
	case unitDay:
		return dayMicros, 0
	case unitWeek:
		return 7 * dayMicros, 2 * dayMicros // 2000-01-03 was a Monday
	}
	return 0, 0
}

// truncLocal cuts a local timestamp down to the unit.
func truncLocal(u dtUnit, ts int64) (int64, error) {
	if datum.IsInfinite(ts) {
		return ts, nil
	}
	if w, start := unitWidth(u); w > 0 {
		_, r := dtFloor(ts-start, w)
		if ts-r < datum.MinTimestamp {
			return 0, errTimestampRange
		}
		return ts - r, nil
	}
	days, _ := dtFloor(ts, dayMicros)
	y, m, _ := datum.CivilFromDays(days)
	switch u {
	case unitMonth:
	case unitQuarter:
		m = (m-1)/3*3 + 1
	default:
		y, m = truncYear(u, y), 1
	}
	return stampAt(datum.DaysFromCivil(y, m, 1), 0)
}

// truncYear is the first year of the unit; centuries and millennia begin with a year 1, and there is no year 0.
func truncYear(u dtUnit, y int64) int64 {
	switch u {
	case unitDecade:
		if y > 0 {
			return y / 10 * 10
		}
		return -((8 - (y - 1)) / 10) * 10
	case unitCentury:
		if y > 0 {
			return (y+99)/100*100 - 99
		}
		return -((99-(y-1))/100)*100 + 1
	case unitMillennium:
		if y > 0 {
			return (y+999)/1000*1000 - 999
		}
		return -((999-(y-1))/1000)*1000 + 1
	}
	return y
}

// truncMoment cuts a moment down by the clock of env's zone. Below a day the offset stays as it is.
func truncMoment(env *datum.Env, u dtUnit, v int64) (int64, error) {
	if datum.IsInfinite(v) {
		return v, nil
	}
	local := toLocal(env, v)
	cut, err := truncLocal(u, local)
	if err != nil {
		return 0, err
	}
	if u <= unitHour {
		return cut - (local - v), nil
	}
	return toUTC(env, cut), nil
}

func truncUnit(name []byte, t datum.OID) (dtUnit, error) {
	u, low := unitNamed(string(name))
	switch {
	case u == unitNone || u > unitZoneMinute:
		return u, unitUnknown(low, t)
	case t == datum.Interval && u == unitWeek:
		return u, unitUnsupported(low, t).WithDetail("Months usually have fractional weeks.")
	case u > unitMillennium:
		return u, unitUnsupported(low, t)
	}
	return u, nil
}

// dateTrunc is date_trunc of a timestamp type; a zone may follow.
func dateTrunc(t datum.OID) Body {
	slow := rowwise(vec.Int64, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v := a[1].Int(i)
		if datum.IsInfinite(v) {
			b.AppendInt(v)
			return nil
		}
		env := c.Env
		if len(a) > 2 {
			loc, err := datum.ZoneByName(string(a[2].Bytes(i)))
			if err != nil {
				return err
			}
			env = &datum.Env{Location: loc}
		}
		u, err := truncUnit(a[0].Bytes(i), t)
		if err != nil {
			return err
		}
		if t == datum.Timestamp {
			v, err = truncLocal(u, v)
		} else {
			v, err = truncMoment(env, u, v)
		}
		b.AppendInt(v)
		return err
	})
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		utc := t == datum.Timestamp || len(args) == 2 && c.Env.Zone().String() == "UTC"
		if n == 0 || !utc || !args[0].IsConst() || args[0].Null(0) || args[1].Codes != nil {
			return slow(c, args, n)
		}
		u, err := truncUnit(args[0].Bytes(0), t)
		if err != nil {
			return slow(c, args, n) // the error is raised only for a row that has a value
		}
		return truncFlat(u, args[1], n)
	}
}

// truncFlat cuts a flat column of local timestamps down.
func truncFlat(u dtUnit, col *vec.Column, n int) (*vec.Column, error) {
	out := &vec.Column{Kind: vec.Int64, Len: n, Valid: col.Valid, I64: make([]int64, n)}
	in := col.I64[:n]
	w, start := unitWidth(u)
	if w == 0 {
		for i, v := range in {
			if col.Valid != nil && !col.Valid.Get(i) {
				continue
			}
			cut, err := truncLocal(u, v)
			if err != nil {
				return nil, err
			}
			out.I64[i] = cut
		}
		return out, nil
	}
	if lo, hi := vec.Bounds(in); lo >= datum.MinTimestamp+w && hi < datum.EndTimestamp {
		vec.FloorTo(out.I64, in, start, w)
		return out, nil
	}
	for i, v := range in {
		r := (v - start) % w
		if r < 0 {
			r += w
		}
		cut := v - r
		if v < datum.MinTimestamp+w || v >= datum.EndTimestamp { // rare, a null's value included
			if col.Valid != nil && !col.Valid.Get(i) {
				continue
			}
			var err error
			if cut, err = truncLocal(u, v); err != nil {
				return nil, err
			}
		}
		out.I64[i] = cut
	}
	return out, nil
}

// truncInterval cuts an interval down to the unit.
func truncInterval(u dtUnit, v vec.IntervalValue) vec.IntervalValue {
	if w, _ := unitWidth(u); w > 0 && u < unitDay {
		v.Micros -= v.Micros % w
		return v
	}
	v.Micros = 0
	if u == unitDay {
		return v
	}
	v.Days = 0
	months := map[dtUnit]int32{unitMonth: 1, unitQuarter: 3, unitYear: 12, unitDecade: 120, unitCentury: 1200, unitMillennium: 12000}[u]
	v.Months -= v.Months % months
	return v
}

func truncFuncs() []Func {
	f := func(oid, t datum.OID, vol Volatility, doc string, extra ...datum.OID) Func {
		return Func{OID: oid, Name: "date_trunc", Args: append(dtArgs(datum.Text, t), extra...), Ret: t, Strict: true, Volatile: vol, Doc: doc, Body: dateTrunc(t)}
	}
	return []Func{
		f(2020, datum.Timestamp, Immutable, "the timestamp cut down to a unit such as hour, day or month"),
		f(1217, datum.TimestampTZ, Stable, "the moment cut down to a unit, by the session's clock"),
		f(1284, datum.TimestampTZ, Stable, "the moment cut down to a unit, by the clock of a zone", datum.Text),
		dtRow(1218, "date_trunc", Immutable, datum.Interval, dtArgs(datum.Text, datum.Interval), "the interval cut down to a unit",
			func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
				u, err := truncUnit(a[0].Bytes(i), datum.Interval)
				if err != nil {
					return err
				}
				b.AppendInterval(truncInterval(u, a[1].Interval(i)))
				return nil
			}),
	}
}
