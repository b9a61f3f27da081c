package decimal

import (
	"math/big"
	"strconv"
)

// Parse reads text as numeric_in does: blanks around it, a sign, digits with an
// optional point, an exponent, or NaN and the spellings of infinity in any case.
// The error is ErrSyntax or ErrOverflow.
func Parse(s string) (Dec, error) { return parse(s) }

// ParseBytes is Parse on bytes; it does not keep s.
func ParseBytes(s []byte) (Dec, error) { return parse(s) }

type text interface{ ~string | ~[]byte }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func parse[T text](s T) (Dec, error) {
	i, end := 0, len(s)
	for i < end && isSpace(s[i]) {
		i++
	}
	for end > i && isSpace(s[end-1]) {
		end--
	}
	s = s[i:end]
	if len(s) == 0 {
		return Dec{}, ErrSyntax
	}
	i = 0
	neg := false
	if s[0] == '-' || s[0] == '+' {
		neg = s[0] == '-'
		i++
	}
	if i < len(s) && !isDigit(s[i]) && s[i] != '.' {
		return parseSpecial(s)
	}
	return parseFinite(s[i:], neg)
}

func parseSpecial[T text](s T) (Dec, error) {
	if len(s) > len("-infinity") {
		return Dec{}, ErrSyntax
	}
	var buf [16]byte
	low := buf[:len(s)]
	for i := range low {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	switch string(low) {
	case "nan":
		return Dec{Form: NaN}, nil
	case "inf", "+inf", "infinity", "+infinity":
		return Dec{Form: PosInf}, nil
	case "-inf", "-infinity":
		return Dec{Form: NegInf}, nil
	}
	return Dec{}, ErrSyntax
}

// parseFinite reads digits, point and exponent; the sign is already taken.
func parseFinite[T text](s T, neg bool) (Dec, error) {
	var coef uint64
	digits, frac := 0, 0 // digits after leading zeros; digits after the point
	point := false
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !point {
			if point = true; i+1 < len(s) && !isDigit(s[i+1]) && i == 0 {
				return Dec{}, ErrSyntax
			}
			continue
		}
		if !isDigit(c) {
			break
		}
		if point {
			frac++
		}
		if digits > 0 || c != '0' {
			digits++
		}
		if digits <= 18 {
			coef = coef*10 + uint64(c-'0')
		}
	}
	if i == 0 || i == 1 && point {
		return Dec{}, ErrSyntax
	}
	end := i
	exp := 0
	if i < len(s) {
		var err error
		if exp, err = parseExponent(s[i:]); err != nil {
			return Dec{}, err
		}
	}
	exp -= frac
	if exp < -MaxScale || digits > 0 && digits+exp > MaxIntDigits {
		return Dec{}, ErrOverflow
	}
	if digits > 18 {
		return bigFromDigits(s[:end], exp, neg), nil
	}
	return scaled(int64(coef), exp, neg), nil
}

// parseExponent reads what follows the digits, which must be an exponent. Blanks
// before its sign are let through, as PostgreSQL's strtol does.
func parseExponent[T text](s T) (int, error) {
	if s[0] != 'e' && s[0] != 'E' {
		return 0, ErrSyntax
	}
	i := 1
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	neg := false
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		neg = s[i] == '-'
		i++
	}
	if i == len(s) {
		return 0, ErrSyntax
	}
	exp := 0
	for ; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, ErrSyntax
		}
		if exp < 1<<30 {
			exp = exp*10 + int(s[i]-'0')
		}
	}
	if exp >= 1<<30-1 {
		return 0, ErrOverflow
	}
	if neg {
		exp = -exp
	}
	return exp, nil
}

// scaled gives ±coef * 10^exp.
func scaled(coef int64, exp int, neg bool) Dec {
	if neg {
		coef = -coef
	}
	if exp <= 0 {
		return Dec{Coef: coef, Scale: int32(-exp)}
	}
	if coef == 0 {
		return Dec{}
	}
	if exp <= 18 {
		if v, ok := mul64(coef, pow10[exp]); ok {
			return Dec{Coef: v}
		}
	}
	b := new(big.Int).Mul(big.NewInt(coef), bigPow10(exp))
	return FromBig(b, 0)
}

func bigFromDigits[T text](s T, exp int, neg bool) Dec {
	digits := make([]byte, 0, len(s)+1)
	if neg {
		digits = append(digits, '-')
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '.' {
			digits = append(digits, s[i])
		}
	}
	b, _ := new(big.Int).SetString(string(digits), 10)
	if exp > 0 {
		b.Mul(b, bigPow10(exp))
		exp = 0
	}
	return FromBig(b, int32(-exp))
}

// FromFloat64 converts as a cast from float8 does: 15 significant digits.
func FromFloat64(f float64) Dec { return fromFloat(f, 15) }

// FromFloat32 converts as a cast from float4 does: 6 significant digits.
func FromFloat32(f float32) Dec { return fromFloat(float64(f), 6) }

func fromFloat(f float64, prec int) Dec {
	var buf [32]byte
	// %.*g drops trailing zeros, which 'e' does not.
	b := strconv.AppendFloat(buf[:0], f, 'e', prec-1, 64)
	if f-f != 0 {
		d, _ := ParseBytes(b)
		return d
	}
	e := len(b) - 1
	for b[e] != 'e' {
		e--
	}
	m := e
	for m > 0 && b[m-1] == '0' {
		m--
	}
	if b[m-1] == '.' {
		m--
	}
	d, _ := ParseBytes(append(b[:m:m], b[e:]...))
	return d
}

// String gives the text of numeric_out.
func (d Dec) String() string {
	var buf [32]byte
	return string(d.AppendText(buf[:0]))
}

// AppendText appends the text of numeric_out: all digits, Scale of them after the
// point, never an exponent.
func (d Dec) AppendText(dst []byte) []byte {
	switch d.Form {
	case NaN:
		return append(dst, "NaN"...)
	case PosInf:
		return append(dst, "Infinity"...)
	case NegInf:
		return append(dst, "-Infinity"...)
	}
	if d.Scale == 0 && d.Big == nil {
		return strconv.AppendInt(dst, d.Coef, 10)
	}
	var buf [24]byte
	digits := d.digits(buf[:0])
	if d.Sign() < 0 {
		dst = append(dst, '-')
	}
	point := len(digits) - int(d.Scale)
	if point <= 0 {
		dst = append(dst, '0', '.')
		for ; point < 0; point++ {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:point]...)
	if d.Scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, digits[point:]...)
	}
	return dst
}

// digits appends the decimal digits of the coefficient, without sign.
func (d Dec) digits(dst []byte) []byte {
	if d.Big == nil {
		return strconv.AppendUint(dst, abs64(d.Coef), 10)
	}
	n := len(dst)
	dst = d.Big.Append(dst, 10)
	if dst[n] == '-' {
		dst = append(dst[:n], dst[n+1:]...)
	}
	return dst
}
