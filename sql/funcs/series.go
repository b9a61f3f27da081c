package funcs

import (
	"crypto/rand"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

var errZeroStep = pgerr.New(pgerr.InvalidParameterValue, "step size cannot equal zero")

// seriesFuncs are generate_series and gen_random_uuid.
func seriesFuncs() []Func {
	const i4, i8, num, ts, tz, iv = datum.Int4, datum.Int8, datum.Numeric, datum.Timestamp, datum.TimestampTZ, datum.Interval
	row := func(oid, t datum.OID, vol Volatility, body Series, args ...datum.OID) Func {
		return Func{OID: oid, Name: "generate_series", Args: args, Ret: t, RetSet: true, Strict: true, Volatile: vol,
			Doc: "the values from the first to the second, by steps of the third (1 if there is none)", SetBody: allAtOnce(body), Series: body}
	}
	return []Func{
		row(1067, i4, Immutable, intSeries, i4, i4), row(1066, i4, Immutable, intSeries, i4, i4, i4),
		row(1069, i8, Immutable, intSeries, i8, i8), row(1068, i8, Immutable, intSeries, i8, i8, i8),
		row(3260, num, Immutable, numericSeries, num, num), row(3259, num, Immutable, numericSeries, num, num, num),
		row(938, ts, Immutable, timeSeries(shiftStamp), ts, ts, iv), row(939, tz, Stable, timeSeries(shiftMoment), tz, tz, iv),
		{OID: 3432, Name: "gen_random_uuid", Ret: datum.UUID, Volatile: Volatile, Doc: "a new random UUID (version 4)", Body: randomUUIDs},
	}
}

// allAtOnce makes a body that gives all rows of a series at once, as long as they fit.
func allAtOnce(body Series) SetBody {
	return func(c *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
		next, err := body(c, a, i)
		if err != nil {
			return nil, err
		}
		var b *vec.Builder
		for {
			some, err := next(vec.BatchRows)
			if err != nil {
				return nil, err
			}
			if b == nil {
				b = vec.NewBuilder(some.Kind, some.Len)
			}
			for k := range some.Len {
				b.AppendFrom(some, k)
			}
			switch {
			case some.Len == 0:
				return b.Finish(), nil
			case !c.Fits(16 * b.Len()):
				return nil, c.full()
			case c.canceled() != nil:
				return nil, c.canceled()
			}
		}
	}
}

func intSeries(_ *Ctx, a []*vec.Column, i int) (func(int) (*vec.Column, error), error) {
	from, to, step := a[0].Int(i), a[1].Int(i), int64(1)
	if len(a) > 2 {
		step = a[2].Int(i)
	}
	// Distances are counted without sign: they may be longer than an int64.
	var dist, by uint64
	more := true
	switch {
	case step == 0:
		return nil, errZeroStep
	case step > 0 && from <= to:
		dist, by = uint64(to)-uint64(from), uint64(step)
	case step < 0 && from >= to:
		dist, by = uint64(from)-uint64(to), -uint64(step)
	default:
		more = false
	}
	return func(n int) (*vec.Column, error) {
		out := &vec.Column{Kind: vec.Int64, I64: make([]int64, 0, min(uint64(n), dist/max(by, 1)+1))}
		for ; more && out.Len < n; out.Len++ {
			out.I64 = append(out.I64, from)
			if more = dist >= by; more {
				dist, from = dist-by, from+step
			}
		}
		return out, nil
	}, nil
}

// wantFinite refuses NaN and infinity as a bound or step of a series.
func wantFinite(what string, d decimal.Dec) error {
	switch {
	case d.IsFinite():
		return nil
	case d.Form == decimal.NaN:
		return pgerr.New(pgerr.InvalidParameterValue, "%s cannot be NaN", what)
	}
	return pgerr.New(pgerr.InvalidParameterValue, "%s cannot be infinity", what)
}

func numericSeries(_ *Ctx, a []*vec.Column, i int) (func(int) (*vec.Column, error), error) {
	v, to, step := a[0].Decimal(i), a[1].Decimal(i), decimal.FromInt64(1)
	if err := wantFinite("start value", v); err != nil {
		return nil, err
	}
	if err := wantFinite("stop value", to); err != nil {
		return nil, err
	}
	if len(a) > 2 {
		step = a[2].Decimal(i)
		if err := wantFinite("step size", step); err != nil {
			return nil, err
		}
	}
	sign := step.Sign()
	if sign == 0 {
		return nil, errZeroStep
	}
	return func(n int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Decimal, 8)
		for v.Cmp(to)*sign <= 0 && b.Len() < n {
			b.AppendDecimal(v)
			var err error
			if v, err = v.Add(step); err != nil {
				return nil, numericError(err)
			}
		}
		return b.Finish(), nil
	}, nil
}

// timeSeries steps by adding the interval again and again, so that months are clamped as they come.
func timeSeries(shift func(c *Ctx, v int64, by vec.IntervalValue) (int64, error)) Series {
	return func(c *Ctx, a []*vec.Column, i int) (func(int) (*vec.Column, error), error) {
		v, to, step := a[0].Int(i), a[1].Int(i), a[2].Interval(i)
		sign := datum.CompareInterval(step, vec.IntervalValue{})
		if sign == 0 {
			return nil, errZeroStep
		}
		return func(n int) (*vec.Column, error) {
			b := vec.NewBuilder(vec.Int64, 8)
			for (sign > 0 && v <= to || sign < 0 && v >= to) && b.Len() < n {
				b.AppendInt(v)
				var err error
				if v, err = shift(c, v, step); err != nil {
					return nil, err
				}
			}
			return b.Finish(), nil
		}, nil
	}
}

func randomUUIDs(_ *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, n)
	var id [16]byte
	for range n {
		if _, err := rand.Read(id[:]); err != nil {
			return nil, err
		}
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
		b.AppendBytes(id[:])
	}
	return b.Finish(), nil
}
