package engine

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// unixEpoch is 1970-01-01 in microseconds since 2000-01-01.
const unixEpoch storage.Micros = -946684800 * 1_000_000

// moment reads the value of an AS OF SYSTEM TIME clause, row 0 of c, in the forms that CockroachDB takes: a timestamp, a
// negative interval (counted from the statement's time), nanoseconds since 1970 as an integer or decimal, or text of any
// of these. Whether it lies in the future the log says: its clock may be ahead of a wall clock that was set back.
func moment(t datum.Type, c *vec.Column, now storage.Micros, env *datum.Env) (storage.Micros, error) {
	if c.Null(0) {
		return 0, pgerr.New(pgerr.NullValueNotAllowed, "AS OF SYSTEM TIME must not be null")
	}
	var at storage.Micros
	var err error
	switch t.OID {
	case datum.TimestampTZ:
		at = c.Int(0)
	case datum.Timestamp:
		at = inZone(c.Int(0), env.Zone())
	case datum.Date:
		at = inZone(dateMicros(c.Int(0)), env.Zone())
	case datum.Interval:
		at, err = before(now, c.Interval(0))
	case datum.Int8, datum.Int4, datum.Int2:
		at = fromNanos(c.Int(0))
	case datum.Numeric:
		ns, ok := c.Decimal(0).Int64()
		if !ok {
			return 0, pgerr.New(pgerr.NumericValueOutOfRange, "AS OF SYSTEM TIME is out of range")
		}
		at = fromNanos(ns)
	case datum.Text, datum.Unknown, datum.Varchar:
		at, err = momentText(string(c.Bytes(0)), now, env)
	default:
		return 0, pgerr.New(pgerr.DatatypeMismatch, "AS OF SYSTEM TIME cannot be of type %s", datum.FormatType(t)).
			WithHint("Give a timestamp, a negative interval such as '-10m', or nanoseconds since 1970.")
	}
	if err != nil {
		return 0, err
	}
	if at == storage.Latest {
		return 0, storage.ErrFuture // infinity, which the log would take for "whatever is there"
	}
	return at, nil
}

func fromNanos(ns int64) storage.Micros { return ns/1000 + unixEpoch }

// before applies an interval, which must be negative, to now.
func before(now storage.Micros, iv vec.IntervalValue) (storage.Micros, error) {
	t := epoch.Add(time.Duration(now)*time.Microsecond).AddDate(0, int(iv.Months), int(iv.Days))
	at := micros(t) + iv.Micros
	if at >= now {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "AS OF SYSTEM TIME: an interval must be negative").WithHint("Write '-10m' for ten minutes ago.")
	}
	return at, nil
}

func momentText(text string, now storage.Micros, env *datum.Env) (storage.Micros, error) {
	text = strings.TrimSpace(text)
	whole, _, _ := strings.Cut(text, ".")
	if ns, err := strconv.ParseInt(whole, 10, 64); err == nil && len(whole) > 10 {
		return fromNanos(ns), nil
	}
	if strings.EqualFold(text, "-infinity") {
		return math.MinInt64, nil
	}
	if strings.HasPrefix(text, "-") {
		b := vec.NewBuilder(vec.Interval, 1)
		if err := datum.ParseText(datum.T(datum.Interval), []byte(text), b, env); err != nil {
			return 0, err
		}
		return before(now, b.Finish().Interval(0))
	}
	b := vec.NewBuilder(vec.Int64, 1)
	if err := datum.ParseText(datum.T(datum.TimestampTZ), []byte(text), b, env); err != nil {
		e := pgerr.From(err)
		return 0, pgerr.New(e.Code, "AS OF SYSTEM TIME: %s", e.Message).WithHint("Give a timestamp, a negative interval such as '-10m', or nanoseconds since 1970.")
	}
	return b.Finish().Int(0), nil
}

// dateMicros is the midnight of a date; an infinite one stays infinite.
func dateMicros(days int64) storage.Micros {
	switch {
	case days >= math.MaxInt32:
		return math.MaxInt64
	case days <= math.MinInt32:
		return math.MinInt64
	}
	return days * 86400 * 1_000_000
}

// inZone reads a timestamp without time zone as local time of the zone.
func inZone(at storage.Micros, loc *time.Location) storage.Micros {
	if at == math.MaxInt64 || at == math.MinInt64 {
		return at
	}
	t := time.Unix(epoch.Unix()+at/1_000_000, 0).UTC()
	local := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, loc)
	return micros(local) + at%1_000_000
}
