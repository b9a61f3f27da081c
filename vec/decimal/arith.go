package decimal

import (
	"math/big"
	"math/bits"
	"sync"
)

var pow10 = func() (t [19]int64) {
	v := int64(1)
	for i := range t {
		t[i] = v
		if i < 18 {
			v *= 10
		}
	}
	return t
}()

var smallBigPow10 = sync.OnceValue(func() []*big.Int {
	t := make([]*big.Int, 256)
	t[0] = big.NewInt(1)
	for i := 1; i < len(t); i++ {
		t[i] = new(big.Int).Mul(t[i-1], big.NewInt(10))
	}
	return t
})

// bigPow10 gives 10^n, which must not be written to.
func bigPow10(n int) *big.Int {
	if t := smallBigPow10(); n < len(t) {
		return t[n]
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

func abs64(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func mul64(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(abs64(a), abs64(b))
	if hi != 0 {
		return 0, false
	}
	return signed(lo, (a < 0) != (b < 0))
}

func add64(a, b int64) (int64, bool) {
	s := a + b
	return s, (a^s)&(b^s) >= 0
}

// signed gives ±v if an int64 holds it.
func signed(v uint64, neg bool) (int64, bool) {
	if neg {
		return -int64(v), v <= 1<<63
	}
	return int64(v), v < 1<<63
}

// checked normalises a result and refuses one that is out of range.
func checked(coef *big.Int, scale int32) (Dec, error) {
	if coef.IsInt64() {
		d := Dec{Coef: coef.Int64(), Scale: scale}
		if scale > MaxScale {
			d = d.roundTo(MaxScale)
		}
		return d, nil
	}
	d := Dec{Big: coef, Scale: scale}
	if scale > MaxScale {
		d = d.roundTo(MaxScale)
	}
	if d.Big != nil && d.Big.BitLen() > 400000 && bigDigits(d.Big)-int(d.Scale) > MaxIntDigits {
		return Dec{}, ErrOverflow
	}
	return d, nil
}

// bigDigits counts the decimal digits of b, which is not zero.
func bigDigits(b *big.Int) int {
	// 10^(n-1) <= |b|: the estimate from the bit length is n or n-1.
	n := int(float64(b.BitLen()-1)*0.30102999566398119521) + 1
	if b.CmpAbs(bigPow10(n)) >= 0 {
		n++
	}
	return n
}

// weight gives the power of ten of the first digit of a finite d that is not zero.
func (d Dec) weight() int {
	if d.Big != nil {
		return bigDigits(d.Big) - int(d.Scale) - 1
	}
	return digits64(abs64(d.Coef)) - int(d.Scale) - 1
}

func digits64(v uint64) int {
	n := 1
	for v >= 10000 {
		v /= 10000
		n += 4
	}
	switch {
	case v >= 1000:
		return n + 3
	case v >= 100:
		return n + 2
	case v >= 10:
		return n + 1
	}
	return n
}

// align gives both coefficients at the larger of the two scales, if they fit.
func align(d, e Dec) (a, b int64, ok bool) {
	if d.Big != nil || e.Big != nil {
		return 0, 0, false
	}
	switch diff := d.Scale - e.Scale; {
	case diff == 0:
		return d.Coef, e.Coef, true
	case diff > 18 || diff < -18:
		return 0, 0, false
	case diff > 0:
		b, ok = mul64(e.Coef, pow10[diff])
		return d.Coef, b, ok
	default:
		a, ok = mul64(d.Coef, pow10[-diff])
		return a, e.Coef, ok
	}
}

// alignBig is align without limits. The results must not be written to.
func alignBig(d, e Dec) (a, b *big.Int) {
	a, b = d.bigCoef(), e.bigCoef()
	if diff := int(d.Scale - e.Scale); diff > 0 {
		b = new(big.Int).Mul(b, bigPow10(diff))
	} else if diff < 0 {
		a = new(big.Int).Mul(a, bigPow10(-diff))
	}
	return a, b
}

// Cmp gives -1, 0 or 1. NaN equals itself and is greater than everything else.
func (d Dec) Cmp(e Dec) int {
	if d.Form != Finite || e.Form != Finite {
		return cmpInt(rank(d.Form), rank(e.Form))
	}
	if a, b, ok := align(d, e); ok {
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	sd, se := d.Sign(), e.Sign()
	if sd != se || sd == 0 {
		return cmpInt(sd, se)
	}
	if wd, we := d.weight(), e.weight(); wd != we {
		return cmpInt(wd, we) * sd
	}
	a, b := alignBig(d, e)
	return a.Cmp(b)
}

func rank(form uint8) int {
	switch form {
	case NegInf:
		return 0
	case PosInf:
		return 2
	case NaN:
		return 3
	}
	return 1
}

func cmpInt(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Equal reports whether Cmp is 0: 1.0 equals 1.
func (d Dec) Equal(e Dec) bool { return d.Cmp(e) == 0 }

// Add gives d + e with the larger scale. The error is ErrOverflow.
func (d Dec) Add(e Dec) (Dec, error) {
	if d.Form != Finite || e.Form != Finite {
		switch {
		case d.Form == NaN || e.Form == NaN:
			return Dec{Form: NaN}, nil
		case d.Form == Finite:
			return e, nil
		case e.Form == Finite || d.Form == e.Form:
			return d, nil
		}
		return Dec{Form: NaN}, nil
	}
	scale := max(d.Scale, e.Scale)
	if a, b, ok := align(d, e); ok {
		if s, ok := add64(a, b); ok {
			return Dec{Coef: s, Scale: scale}, nil
		}
	}
	a, b := alignBig(d, e)
	return checked(new(big.Int).Add(a, b), scale)
}

// Sub gives d - e with the larger scale. The error is ErrOverflow.
func (d Dec) Sub(e Dec) (Dec, error) { return d.Add(e.Neg()) }

// Mul gives d * e; its scale is the sum of the scales. The error is ErrOverflow.
func (d Dec) Mul(e Dec) (Dec, error) {
	if d.Form != Finite || e.Form != Finite {
		sign := d.Sign() * e.Sign()
		if d.Form == NaN || e.Form == NaN || sign == 0 {
			return Dec{Form: NaN}, nil
		}
		return Inf(sign), nil
	}
	scale := d.Scale + e.Scale
	if d.Big == nil && e.Big == nil && scale <= MaxScale {
		if v, ok := mul64(d.Coef, e.Coef); ok {
			return Dec{Coef: v, Scale: scale}, nil
		}
	}
	return checked(new(big.Int).Mul(d.bigCoef(), e.bigCoef()), scale)
}

// Neg gives -d.
func (d Dec) Neg() Dec {
	switch d.Form {
	case NaN:
		return d
	case PosInf:
		return Dec{Form: NegInf}
	case NegInf:
		return Dec{Form: PosInf}
	}
	if d.Big == nil && d.Coef != -1<<63 {
		return Dec{Coef: -d.Coef, Scale: d.Scale}
	}
	return FromBig(new(big.Int).Neg(d.bigCoef()), d.Scale)
}

// Abs gives |d|.
func (d Dec) Abs() Dec {
	if d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// Gcd gives the greatest common divisor, of the larger scale and never negative;
// NaN when an operand is not finite. The error is ErrOverflow.
func Gcd(a, b Dec) (Dec, error) {
	if a.Form != Finite || b.Form != Finite {
		return Dec{Form: NaN}, nil
	}
	scale := max(a.Scale, b.Scale)
	if x, y, ok := align(a, b); ok {
		u, v := abs64(x), abs64(y)
		for v != 0 {
			u, v = v, u%v
		}
		if g, ok := signed(u, false); ok {
			return Dec{Coef: g, Scale: scale}, nil
		}
	}
	x, y := alignBig(a, b)
	return checked(new(big.Int).GCD(nil, nil, new(big.Int).Abs(x), new(big.Int).Abs(y)), scale)
}

// Lcm gives the least common multiple, of the larger scale and never negative; NaN
// when an operand is not finite. The error is ErrOverflow.
func Lcm(a, b Dec) (Dec, error) {
	g, err := Gcd(a, b)
	if err != nil || g.Form != Finite {
		return g, err
	}
	if a.IsZero() || b.IsZero() {
		return Dec{Scale: g.Scale}, nil
	}
	x, y := alignBig(a, b)
	q := new(big.Int).Quo(x, g.bigCoef())
	q.Mul(q, y)
	return checked(q.Abs(q), g.Scale)
}
