package decimal

import (
	"math/big"
	"math/bits"
	"strconv"
)

// lead gives the weight of d in base 10000 and its first digit in that base, as
// PostgreSQL's division looks at them; both are 0 for zero.
func (d Dec) lead() (weight, digit int) {
	if d.IsZero() {
		return 0, 0
	}
	w := d.weight()
	weight = w >> 2 // floor
	take := w&3 + 1 // decimal digits in the first base-10000 digit
	n := w + 1 + int(d.Scale)
	if d.Big == nil {
		v := abs64(d.Coef)
		if n >= take {
			// 10^19 does not occur: n is at most 19 and take at least 1.
			return weight, int(v / uint64(pow10[n-take]))
		}
		return weight, int(v) * int(pow10[take-n])
	}
	q := new(big.Int).Quo(d.Big, bigPow10(n-take))
	return weight, int(q.Abs(q).Int64())
}

// divScale chooses the scale of d / e as select_div_scale does.
func divScale(d, e Dec) int32 {
	wd, fd := d.lead()
	we, fe := e.lead()
	qweight := wd - we
	if fd <= fe {
		qweight--
	}
	scale := max(minSigDigits-qweight*decDigits, int(d.Scale), int(e.Scale), 0)
	return int32(min(scale, maxDisplayScale))
}

// specialDiv answers a division with an operand that is not finite.
func specialDiv(d, e Dec) (Dec, error) {
	switch {
	case d.Form == NaN || e.Form == NaN:
		return Dec{Form: NaN}, nil
	case d.Form == Finite:
		return Dec{}, nil
	case e.Form != Finite:
		return Dec{Form: NaN}, nil
	case e.IsZero():
		return Dec{}, ErrDivByZero
	}
	return Inf(d.Sign() * e.Sign()), nil
}

// Quo gives d / e, rounded to the scale PostgreSQL chooses: at least 16
// significant digits and no less than either operand's scale. The error is
// ErrDivByZero or ErrOverflow.
func (d Dec) Quo(e Dec) (Dec, error) {
	if d.Form != Finite || e.Form != Finite {
		return specialDiv(d, e)
	}
	if e.IsZero() {
		return Dec{}, ErrDivByZero
	}
	return quoScale(d, e, divScale(d, e))
}

// quoScale gives d / e rounded half away from zero to scale. Both are finite and e
// is not zero.
func quoScale(d, e Dec, scale int32) (Dec, error) {
	shift := int(scale - d.Scale + e.Scale)
	if d.Big == nil && e.Big == nil && shift >= 0 {
		if q, ok := quo64(abs64(d.Coef), abs64(e.Coef), shift); ok {
			if v, ok := signed(q, (d.Coef < 0) != (e.Coef < 0)); ok {
				return Dec{Coef: v, Scale: scale}, nil
			}
		}
	}
	num, den := d.bigCoef(), e.bigCoef()
	if shift >= 0 {
		num = new(big.Int).Mul(num, bigPow10(shift))
	} else {
		den = new(big.Int).Mul(den, bigPow10(-shift))
	}
	return checked(quoRound(num, den), scale)
}

// quo64 gives a * 10^shift / b rounded half up, by long division.
func quo64(a, b uint64, shift int) (uint64, bool) {
	q, r := a/b, a%b
	for shift > 0 {
		n := min(shift, 18)
		p := uint64(pow10[n])
		hi, lo := bits.Mul64(q, p)
		if hi != 0 {
			return 0, false
		}
		rhi, rlo := bits.Mul64(r, p)
		var part, carry uint64
		part, r = bits.Div64(rhi, rlo, b)
		if q, carry = bits.Add64(lo, part, 0); carry != 0 {
			return 0, false
		}
		shift -= n
	}
	if r >= b-r {
		q++
		return q, q != 0
	}
	return q, true
}

// quoRound gives num / den rounded half away from zero, in a new big.Int.
func quoRound(num, den *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if r.Lsh(r, 1).CmpAbs(den) >= 0 {
		if num.Sign() == den.Sign() {
			q.Add(q, big.NewInt(1))
		} else {
			q.Sub(q, big.NewInt(1))
		}
	}
	return q
}

// DivTrunc gives the integer part of d / e, scale 0: div(). The error is
// ErrDivByZero or ErrOverflow.
func (d Dec) DivTrunc(e Dec) (Dec, error) {
	if d.Form != Finite || e.Form != Finite {
		return specialDiv(d, e)
	}
	if e.IsZero() {
		return Dec{}, ErrDivByZero
	}
	if a, b, ok := align(d, e); ok && b != -1 {
		return Dec{Coef: a / b}, nil
	}
	a, b := alignBig(d, e)
	return checked(new(big.Int).Quo(a, b), 0)
}

// Rem gives the remainder of d / e with the sign of d and the larger scale: mod().
// The error is ErrDivByZero.
func (d Dec) Rem(e Dec) (Dec, error) {
	if d.Form != Finite || e.Form != Finite {
		switch {
		case d.Form == NaN || e.Form == NaN:
			return Dec{Form: NaN}, nil
		case d.Form == Finite:
			return d, nil
		case e.IsZero():
			return Dec{}, ErrDivByZero
		}
		return Dec{Form: NaN}, nil
	}
	if e.IsZero() {
		return Dec{}, ErrDivByZero
	}
	scale := max(d.Scale, e.Scale)
	if a, b, ok := align(d, e); ok {
		if b == -1 {
			return Dec{Scale: scale}, nil
		}
		return Dec{Coef: a % b, Scale: scale}, nil
	}
	a, b := alignBig(d, e)
	return checked(new(big.Int).Rem(a, b), scale)
}

// Round rounds half away from zero to scale digits after the point, which may be
// negative; the result shows max(scale, 0) digits. Scales beyond ±2000 are taken
// as that. The result can be one digit longer than a numeric may be: Valid tells.
func (d Dec) Round(scale int32) Dec {
	if d.Form != Finite {
		return d
	}
	scale = min(max(scale, -maxResultScale), maxResultScale)
	return d.roundTo(scale)
}

func (d Dec) roundTo(scale int32) Dec {
	if scale >= d.Scale {
		return d.extend(scale)
	}
	drop := int(d.Scale - scale)
	if d.Big == nil {
		if drop > 19 || drop == 19 && abs64(d.Coef) < 5e18 {
			return Dec{Scale: max(scale, 0)}
		}
		if drop == 19 {
			return d.roundBig(scale)
		}
		p := pow10[drop]
		q, r := d.Coef/p, d.Coef%p
		switch {
		case abs64(r) < uint64(p)-abs64(r):
		case r < 0:
			q--
		default:
			q++
		}
		return Dec{Coef: q, Scale: scale}.unscale()
	}
	return d.roundBig(scale)
}

func (d Dec) roundBig(scale int32) Dec {
	q := quoRound(d.bigCoef(), bigPow10(int(d.Scale-scale)))
	return FromBig(q, scale).unscale()
}

// unscale gives a number with a negative scale its zeros.
func (d Dec) unscale() Dec {
	if d.Scale >= 0 {
		return d
	}
	if d.Big != nil {
		return FromBig(new(big.Int).Mul(d.Big, bigPow10(int(-d.Scale))), 0)
	}
	return scaled(d.Coef, int(-d.Scale), false)
}

// extend shows more digits.
func (d Dec) extend(scale int32) Dec {
	more := int(scale - d.Scale)
	if more == 0 {
		return d
	}
	if d.Big == nil && more <= 18 {
		if v, ok := mul64(d.Coef, pow10[more]); ok {
			return Dec{Coef: v, Scale: scale}
		}
	}
	return FromBig(new(big.Int).Mul(d.bigCoef(), bigPow10(more)), scale)
}

// Trunc is Round towards zero.
func (d Dec) Trunc(scale int32) Dec {
	if d.Form != Finite {
		return d
	}
	scale = min(max(scale, -maxResultScale), maxResultScale)
	if scale >= d.Scale {
		return d.extend(scale)
	}
	drop := int(d.Scale - scale)
	if d.Big == nil {
		if drop > 18 {
			return Dec{Scale: max(scale, 0)} // an int64 has at most 19 digits, and 10^19 does not fit
		}
		return Dec{Coef: d.Coef / pow10[drop], Scale: scale}.unscale()
	}
	return FromBig(new(big.Int).Quo(d.Big, bigPow10(drop)), scale).unscale()
}

// Ceil gives the smallest integer not below d, scale 0.
func (d Dec) Ceil() Dec {
	t := d.Trunc(0)
	if d.Form == Finite && d.Cmp(t) > 0 {
		t, _ = t.Add(FromInt64(1))
	}
	return t
}

// Floor gives the largest integer not above d, scale 0.
func (d Dec) Floor() Dec {
	t := d.Trunc(0)
	if d.Form == Finite && d.Cmp(t) < 0 {
		t, _ = t.Sub(FromInt64(1))
	}
	return t
}

// MinScale gives how many digits after the point are needed; 0 unless finite.
func (d Dec) MinScale() int32 { return d.TrimScale().Scale }

// TrimScale drops zeros at the end of the fraction.
func (d Dec) TrimScale() Dec {
	if d.Form != Finite || d.Scale == 0 {
		return d
	}
	if d.IsZero() {
		return Dec{}
	}
	if d.Big == nil {
		for d.Scale > 0 && d.Coef%10 == 0 {
			d.Coef /= 10
			d.Scale--
		}
		return d
	}
	digits := d.digits(nil)
	zeros := 0
	for zeros < int(d.Scale) && digits[len(digits)-1-zeros] == '0' {
		zeros++
	}
	if zeros == 0 {
		return d
	}
	return FromBig(new(big.Int).Quo(d.Big, bigPow10(zeros)), d.Scale-int32(zeros))
}

var floatPow10 = [...]float64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// Float64 gives the nearest float64, infinite when d is beyond its range.
func (d Dec) Float64() float64 {
	if d.Form == Finite && d.Big == nil && int(d.Scale) < len(floatPow10) && abs64(d.Coef) <= 1<<53 {
		return float64(d.Coef) / floatPow10[d.Scale]
	}
	var buf [40]byte
	f, _ := strconv.ParseFloat(string(d.AppendText(buf[:0])), 64)
	return f
}

// Int64 gives d rounded half away from zero; ok is false when that is not an int64.
func (d Dec) Int64() (v int64, ok bool) {
	if d.Form != Finite {
		return 0, false
	}
	if d.Scale == 0 {
		return d.Coef, d.Big == nil
	}
	r := d.roundTo(0)
	return r.Coef, r.Big == nil
}

// Valid reports whether d is within numeric's limits.
func (d Dec) Valid() bool {
	return d.Form != Finite || d.Scale >= 0 && d.Scale <= MaxScale &&
		(d.Big == nil || bigDigits(d.Big)-int(d.Scale) <= MaxIntDigits)
}
