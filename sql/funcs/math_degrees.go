package funcs

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// degreeFuncs are the trigonometric functions in degrees, exact at the angles that have exact results, and factorial.
func degreeFuncs() []Func {
	out := []Func{row(1376, "factorial", datum.Numeric, "n!", rowwise(vec.Decimal, factorial), datum.Int8)}
	for _, r := range []struct {
		oid  datum.OID
		name string
		f    func(float64) float64
		ok   func(float64) bool
	}{
		{2735, "sind", sind, isFinite}, {2736, "cosd", cosd, isFinite}, {2737, "tand", tand, isFinite},
		{2738, "cotd", cotd, isFinite},
		{2731, "asind", asind, inUnit}, {2732, "acosd", func(a float64) float64 { return 90 - asind(a) }, inUnit},
		{2733, "atand", atand, anyFloat},
	} {
		out = append(out, unbounded(r.oid, r.name, r.name[:len(r.name)-1]+" in degrees", r.ok, r.f))
	}
	return append(out, row(2734, "atan2d", datum.Float8, "angle of y and x in degrees", float2(func(y, x float64) (float64, error) {
		return exactDegrees(math.Atan2(y, x) * 180 / math.Pi), nil
	}), datum.Float8, datum.Float8))
}

// cotd folds the angle into the first quarter; at its poles the sign is that of the side from which the fold comes.
func cotd(a float64) float64 {
	a = math.Mod(a, 360)
	sign := 1.0
	if a < 0 {
		a, sign = -a, -sign
	}
	if a > 180 {
		a, sign = 360-a, -sign
	}
	if a > 90 {
		a, sign = 180-a, -sign
	}
	if a == 90 {
		return 0
	}
	// Over the same quotient at 45 degrees, so that it is exactly 1 there.
	return sign * (cosd(a) / sind(a)) / (cosd(45) / sind(45))
}

func sind(a float64) float64 {
	a = math.Mod(a, 360)
	switch {
	case a < 0:
		return -sind(-a)
	case a > 180:
		return -sind(a - 180)
	case a > 90:
		return sind(180 - a)
	case a == 30:
		return 0.5
	case a == 90:
		return 1
	}
	return math.Sin(a * math.Pi / 180)
}

func cosd(a float64) float64 {
	a = math.Abs(math.Mod(a, 360))
	switch {
	case a > 180:
		return cosd(360 - a)
	case a > 90:
		return -cosd(180 - a)
	case a == 60:
		return 0.5
	case a == 90:
		return 0
	}
	return math.Cos(a * math.Pi / 180)
}

func tand(a float64) float64 {
	switch math.Mod(math.Mod(a, 180)+180, 180) {
	case 0:
		return 0
	case 45:
		return 1
	case 135:
		return -1
	case 90:
		if math.Mod(math.Mod(a, 360)+360, 360) == 270 {
			return math.Inf(-1)
		}
		return math.Inf(1)
	}
	return sind(a) / cosd(a)
}

func asind(v float64) float64 { return exactDegrees(math.Asin(v) * 180 / math.Pi) }
func atand(v float64) float64 { return exactDegrees(math.Atan(v) * 180 / math.Pi) }

// exactDegrees rounds an angle that is all but a multiple of 15 degrees to it.
func exactDegrees(a float64) float64 {
	if r := math.Round(a/15) * 15; math.Abs(a-r) < 1e-13*math.Max(1, math.Abs(r)) {
		return r
	}
	return a
}

func factorial(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	n := a[0].Int(i)
	switch {
	case n < 0:
		return pgerr.New(pgerr.NumericValueOutOfRange, "factorial of a negative number is undefined")
	case n > 32177:
		return pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format")
	}
	d := decimal.FromInt64(1)
	for k := int64(2); k <= n; k++ {
		var err error
		if d, err = d.Mul(decimal.FromInt64(k)); err != nil {
			return numericError(err)
		}
	}
	b.AppendDecimal(d)
	return nil
}
