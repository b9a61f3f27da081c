package decimal

import (
	"math"
	"math/big"
)

const log10e = 0.434294481903252 // as PostgreSQL writes it; scales depend on it

// chooseScale gives the scale that shows 16 significant digits of a result whose
// first digit has the given decimal weight, and no less than the operands.
func chooseScale(weight int, scales ...int32) int32 {
	scale := minSigDigits - weight
	for _, s := range scales {
		scale = max(scale, int(s))
	}
	return int32(min(max(scale, 0), maxDisplayScale))
}

// Sqrt gives the square root. The error is ErrSqrtNegative.
func (d Dec) Sqrt() (Dec, error) {
	switch {
	case d.Form == NaN || d.Form == PosInf:
		return d, nil
	case d.Sign() < 0:
		return Dec{}, ErrSqrtNegative
	}
	w, _ := d.lead()
	scale := chooseScale(sqrtWeight(w), d.Scale)
	shift := 2*int(scale+1) - int(d.Scale)
	x := new(big.Int).Mul(d.bigCoef(), bigPow10(shift))
	x.Sqrt(x)
	return checked(quoRound(x, big.NewInt(10)), scale)
}

// sqrtWeight is PostgreSQL's guess of the weight of a root from the base-10000
// weight of the number, with C's division.
func sqrtWeight(w int) int { return (w+1)*decDigits/2 - 1 }

// Exp gives e^d. The error is ErrOverflow.
func (d Dec) Exp() (Dec, error) {
	switch d.Form {
	case NaN, PosInf:
		return d, nil
	case NegInf:
		return Dec{}, nil
	}
	val := d.Float64() * log10e
	val = min(max(val, -maxResultScale), maxResultScale)
	return expScale(d, chooseScale(int(val), d.Scale))
}

// expScale gives e^d, d finite, to the given scale.
func expScale(d Dec, scale int32) (Dec, error) {
	val := d.Float64()
	if math.Abs(val) >= maxResultScale*3 {
		if val > 0 {
			return Dec{}, ErrOverflow
		}
		return Dec{Scale: scale}, nil
	}
	prec := decBits(int(scale)+max(int(val*log10e), 0)) + 32
	m, k := expFixed(toFixed(d, prec), prec)
	if k >= 0 {
		m.Lsh(m, uint(k))
	} else {
		// Rounding is decided by the digits cut off here only when all of them are
		// zeros or nines far beyond the guard.
		return fromFixed(m, prec+uint(-k), scale)
	}
	return fromFixed(m, prec, scale)
}

// lnWeight estimates the decimal weight of ln d, d > 0, as estimate_ln_dweight does.
func lnWeight(d Dec) int {
	if d.Sign() <= 0 {
		return 0
	}
	if d.Cmp(Dec{Coef: 9, Scale: 1}) >= 0 && d.Cmp(Dec{Coef: 11, Scale: 1}) <= 0 {
		x, _ := d.Sub(FromInt64(1))
		if x.IsZero() {
			return 0
		}
		w, digit := x.lead()
		return w*decDigits + int(math.Log10(float64(digit)))
	}
	// The first two base-10000 digits.
	w, digit := d.lead()
	digits, weight := float64(digit), w*decDigits
	if second, more := d.second(w); more {
		digits = digits*10000 + float64(second)
		weight -= decDigits
	}
	ln := math.Log(digits) + float64(weight)*2.302585092994046
	return int(math.Log10(math.Abs(ln)))
}

// second gives the second base-10000 digit of d, whose first has weight w, and
// whether PostgreSQL stores one: anything but zeros follows the first.
func (d Dec) second(w int) (int, bool) {
	// Digits up to and including the second end at 10^((w-1)*4).
	drop := int(d.Scale) + (w-1)*decDigits
	q := new(big.Int)
	var r *big.Int
	if drop >= 0 {
		q, r = q.QuoRem(d.bigCoef(), bigPow10(drop), new(big.Int))
	} else {
		q.Mul(d.bigCoef(), bigPow10(-drop))
		r = new(big.Int)
	}
	second := int(new(big.Int).Rem(q.Abs(q), big.NewInt(10000)).Int64())
	return second, second != 0 || r.Sign() != 0
}

func logCheck(d Dec) error {
	switch d.Sign() {
	case 0:
		return ErrLogZero
	case -1:
		return ErrLogNegative
	}
	return nil
}

// Ln gives the natural logarithm. The error is ErrLogZero or ErrLogNegative.
func (d Dec) Ln() (Dec, error) {
	if d.Form == NaN {
		return d, nil
	}
	if err := logCheck(d); err != nil {
		return Dec{}, err
	}
	if d.Form == PosInf {
		return d, nil
	}
	return lnScale(d, chooseScale(lnWeight(d), d.Scale))
}

// lnScale gives ln d, d > 0 and finite, to the given scale.
func lnScale(d Dec, scale int32) (Dec, error) {
	prec := decBits(int(scale))
	return fromFixed(lnFixed(d, prec), prec, scale)
}

// Log10 gives the logarithm to base 10: log(d). Errors are those of Log.
func (d Dec) Log10() (Dec, error) { return Log(FromInt64(10), d) }

// Log gives the logarithm of num to the given base. The error is ErrLogZero,
// ErrLogNegative or, for base 1, ErrDivByZero.
func Log(base, num Dec) (Dec, error) {
	if base.Form != Finite || num.Form != Finite {
		return logSpecial(base, num)
	}
	if err := logCheck(base); err != nil {
		return Dec{}, err
	}
	if err := logCheck(num); err != nil {
		return Dec{}, err
	}
	if base.Cmp(FromInt64(1)) == 0 {
		return Dec{}, ErrDivByZero
	}
	wb, wn := lnWeight(base), lnWeight(num)
	scale := chooseScale(wn-wb, base.Scale, num.Scale)
	prec := decBits(int(scale)+max(0, wn-wb)) + uint(4*max(0, -wb, wn))
	lb, ln := lnFixed(base, prec), lnFixed(num, prec)
	q := ln.Quo(ln.Lsh(ln, prec), lb)
	return fromFixed(q, prec, scale)
}

func logSpecial(base, num Dec) (Dec, error) {
	if base.Form == NaN || num.Form == NaN {
		return Dec{Form: NaN}, nil
	}
	sb, sn := base.Sign(), num.Sign()
	switch {
	case sb < 0 || sn < 0:
		return Dec{}, ErrLogNegative
	case sb == 0 || sn == 0:
		return Dec{}, ErrLogZero
	case base.Form == PosInf && num.Form == PosInf:
		return Dec{Form: NaN}, nil
	case base.Form == PosInf:
		return Dec{}, nil
	}
	return num, nil
}

// IsIntegral reports whether d has no fraction; infinities have none, NaN does.
func (d Dec) IsIntegral() bool {
	if d.Form != Finite {
		return d.Form != NaN
	}
	return d.Scale == 0 || d.TrimScale().Scale == 0
}

// Power gives d^e. The error is ErrPowerZero, ErrPowerComplex, ErrOverflow or
// ErrDivByZero.
func (d Dec) Power(e Dec) (Dec, error) {
	if d.Form != Finite || e.Form != Finite {
		return powSpecial(d, e)
	}
	if d.IsZero() && e.Sign() < 0 {
		return Dec{}, ErrPowerZero
	}
	integral := e.IsIntegral()
	if d.Sign() < 0 && !integral {
		return Dec{}, ErrPowerComplex
	}
	if n, ok := e.Int64(); ok && integral && n == int64(int32(n)) {
		return powInt(d, int(n))
	}
	if d.IsZero() {
		return Dec{Scale: minSigDigits}, nil
	}
	neg := d.Sign() < 0 && odd(e)
	r, err := powReal(d.Abs(), e)
	if neg {
		r = r.Neg()
	}
	return r, err
}

// odd reports whether an integral d is odd.
func odd(d Dec) bool {
	t := d.TrimScale()
	if t.Big != nil {
		return t.Big.Bit(0) == 1
	}
	return t.Coef&1 == 1
}

// powReal gives d^e for d > 0.
func powReal(d, e Dec) (Dec, error) {
	w := lnWeight(d)
	// A first estimate with 8 digits, rounded where PostgreSQL rounds: the scale of
	// the result depends on it.
	rough := int32(max(8-w, 0))
	ln, err := lnScale(d, rough)
	if err != nil {
		return Dec{}, err
	}
	prod, err := mulScale(ln, e, rough)
	if err != nil {
		return Dec{}, err
	}
	val := prod.Float64()
	if math.Abs(val) > maxResultScale*3.01 {
		if val > 0 {
			return Dec{}, ErrOverflow
		}
		return Dec{Scale: maxDisplayScale}, nil
	}
	val *= log10e
	scale := chooseScale(int(val), d.Scale, e.Scale)
	sig := max(int(scale)+int(val), 0)
	local := int32(max(sig-w+8, 0))
	if ln, err = lnScale(d, local); err != nil {
		return Dec{}, err
	}
	if prod, err = mulScale(ln, e, local); err != nil {
		return Dec{}, err
	}
	return expScale(prod, scale)
}

// mulScale is Mul rounded to scale.
func mulScale(d, e Dec, scale int32) (Dec, error) {
	p, err := d.Mul(e)
	return p.roundTo(scale), err
}

// powInt gives d^n, as power_var_int does.
func powInt(d Dec, n int) (Dec, error) {
	f := 0.0
	if !d.IsZero() {
		digits, p := d.leading16()
		f = float64(n) * (math.Log10(digits) + float64(p))
	}
	if f > (math.MaxInt16+1)*decDigits {
		return Dec{}, ErrOverflow
	}
	// Unlike the general case, the scale does not look at the size of the result.
	scale := chooseScale(0, d.Scale)
	if f+2 < -float64(scale) {
		return Dec{Scale: scale}, nil
	}
	switch {
	case n == 0:
		return Dec{Coef: 1}.extend(scale), nil
	case n == 1:
		return d.roundTo(scale), nil
	case n == -1:
		return quoScale(FromInt64(1), d, scale)
	case n == 2:
		return mulScale(d, d, scale)
	case d.IsZero():
		return Dec{Scale: scale}, nil
	}
	a := n
	if a < 0 {
		a = -a
	}
	coef := d.bigCoef()
	if coef.BitLen()*a <= 1<<15 && int(d.Scale)*a <= 1<<14 {
		pow := new(big.Int).Exp(coef, big.NewInt(int64(a)), nil)
		den := bigPow10(int(d.Scale) * a)
		if n < 0 {
			pow, den = den, pow
		}
		return checked(quoRound(new(big.Int).Mul(pow, bigPow10(int(scale))), den), scale)
	}
	return powFloat(d, n, scale, int(f))
}

// powFloat gives d^n to the given scale for powers too long to write out; weight is
// that of the result.
func powFloat(d Dec, n int, scale int32, weight int) (Dec, error) {
	prec := decBits(int(scale)+max(weight, 0)) + 64
	a := uint64(n)
	if n < 0 {
		a = uint64(-n)
	}
	newFloat := func() *big.Float { return new(big.Float).SetPrec(prec) }
	x := newFloat().SetInt(d.bigCoef())
	x.Quo(x, newFloat().SetInt(bigPow10(int(d.Scale))))
	r := newFloat().SetInt64(1)
	for ; a > 0; a >>= 1 {
		if a&1 == 1 {
			r.Mul(r, x)
		}
		x.Mul(x, x)
	}
	if n < 0 {
		r.Quo(newFloat().SetInt64(1), r)
	}
	r.Mul(r, newFloat().SetInt(bigPow10(int(scale))))
	half := big.NewFloat(0.5)
	if r.Signbit() {
		half.Neg(half)
	}
	i, _ := r.Add(r, half).Int(nil)
	return checked(i, scale)
}

// leading16 gives f and p with |d| about f * 10^p, f holding up to four base-10000
// digits.
func (d Dec) leading16() (f float64, p int) {
	text := d.TrimScale().base10000()
	p = text.weight * decDigits
	for i, digit := range text.digits {
		if i*decDigits >= 16 {
			break
		}
		if i > 0 {
			p -= decDigits
		}
		f = f*10000 + float64(digit)
	}
	return f, p
}

// powSpecial answers powers with an operand that is not finite, after POSIX pow.
func powSpecial(d, e Dec) (Dec, error) {
	one := FromInt64(1)
	switch {
	case d.Form == NaN:
		if e.IsZero() {
			return one, nil
		}
		return d, nil
	case e.Form == NaN:
		if d.Cmp(one) == 0 {
			return one, nil
		}
		return e, nil
	}
	sd, se := d.Sign(), e.Sign()
	switch {
	case sd == 0 && se < 0:
		return Dec{}, ErrPowerZero
	case sd < 0 && !e.IsIntegral():
		return Dec{}, ErrPowerComplex
	case d.Cmp(one) == 0 || se == 0:
		return one, nil
	case sd == 0:
		return Dec{}, nil
	}
	if e.Form != Finite {
		switch c := d.Abs().Cmp(one); {
		case c == 0:
			return one, nil
		case (c > 0) == (se > 0):
			return Inf(1), nil
		}
		return Dec{}, nil
	}
	switch {
	case se < 0:
		return Dec{}, nil
	case d.Form == NegInf && odd(e):
		return d, nil
	}
	return Inf(1), nil
}
