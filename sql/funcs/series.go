package funcs

import (
	"context"
	"crypto/rand"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// maxSeries bounds the rows of one series: they are in memory all at once.
const maxSeries = 50_000_000

var (
	errZeroStep  = pgerr.New(pgerr.InvalidParameterValue, "step size cannot equal zero")
	errBigSeries = pgerr.New(pgerr.ProgramLimitExceeded, "generate_series would give more than %d rows", maxSeries).
			WithHint("Ask for a shorter series, or put several together.")
)

// seriesFuncs are generate_series and gen_random_uuid.
func seriesFuncs() []Func {
	const i4, i8, num, ts, tz, iv = datum.Int4, datum.Int8, datum.Numeric, datum.Timestamp, datum.TimestampTZ, datum.Interval
	row := func(oid, t datum.OID, vol Volatility, body SetBody, args ...datum.OID) Func {
		return Func{OID: oid, Name: "generate_series", Args: args, Ret: t, RetSet: true, Strict: true, Volatile: vol,
			Doc: "the values from the first to the second, by steps of the third (1 if there is none)", SetBody: body}
	}
	return []Func{
		row(1067, i4, Immutable, intSeries, i4, i4), row(1066, i4, Immutable, intSeries, i4, i4, i4),
		row(1069, i8, Immutable, intSeries, i8, i8), row(1068, i8, Immutable, intSeries, i8, i8, i8),
		row(3260, num, Immutable, numericSeries, num, num), row(3259, num, Immutable, numericSeries, num, num, num),
		row(938, ts, Immutable, timeSeries(shiftStamp), ts, ts, iv), row(939, tz, Stable, timeSeries(shiftMoment), tz, tz, iv),
		{OID: 3432, Name: "gen_random_uuid", Ret: datum.UUID, Volatile: Volatile, Doc: "a new random UUID (version 4)", Body: randomUUIDs},
	}
}

// stillWanted says now and then whether the statement was cancelled.
func stillWanted(c *Ctx, row int64) error {
	if row&(1<<16-1) != 0 || c == nil || c.Context == nil {
		return nil
	}
	if err := context.Cause(c.Context); err != nil {
		return err
	}
	return nil
}

func intSeries(c *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
	from, to, step := a[0].Int(i), a[1].Int(i), int64(1)
	if len(a) > 2 {
		step = a[2].Int(i)
	}
	if step == 0 {
		return nil, errZeroStep
	}
	// Distances are counted without sign: they may be longer than an int64.
	var dist, by uint64
	switch {
	case step > 0 && from <= to:
		dist, by = uint64(to)-uint64(from), uint64(step)
	case step < 0 && from >= to:
		dist, by = uint64(from)-uint64(to), -uint64(step)
	default:
		return &vec.Column{Kind: vec.Int64}, nil
	}
	if dist/by >= maxSeries {
		return nil, errBigSeries
	}
	n := int64(dist/by) + 1
	out := &vec.Column{Kind: vec.Int64, Len: int(n), I64: make([]int64, n)}
	for k := range n {
		if err := stillWanted(c, k); err != nil {
			return nil, err
		}
		out.I64[k] = from + k*step
	}
	return out, nil
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

func numericSeries(c *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
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
	b := vec.NewBuilder(vec.Decimal, 8)
	for n := int64(0); v.Cmp(to)*sign <= 0; n++ {
		if n >= maxSeries {
			return nil, errBigSeries
		}
		if err := stillWanted(c, n); err != nil {
			return nil, err
		}
		b.AppendDecimal(v)
		var err error
		if v, err = v.Add(step); err != nil {
			return nil, numericError(err)
		}
	}
	return b.Finish(), nil
}

// timeSeries steps by adding the interval again and again, so that months are clamped as they come.
func timeSeries(shift func(c *Ctx, v int64, by vec.IntervalValue) (int64, error)) SetBody {
	return func(c *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
		v, to, step := a[0].Int(i), a[1].Int(i), a[2].Interval(i)
		sign := datum.CompareInterval(step, vec.IntervalValue{})
		if sign == 0 {
			return nil, errZeroStep
		}
		b := vec.NewBuilder(vec.Int64, 8)
		for n := int64(0); sign > 0 && v <= to || sign < 0 && v >= to; n++ {
			if n >= maxSeries || datum.IsInfinite(v) {
				return nil, errBigSeries
			}
			if err := stillWanted(c, n); err != nil {
				return nil, err
			}
			b.AppendInt(v)
			var err error
			if v, err = shift(c, v, step); err != nil {
				return nil, err
			}
		}
		return b.Finish(), nil
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
