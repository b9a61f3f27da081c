package datum

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// AppendFloat appends a float as PostgreSQL prints it: bits is 32 or 64, extra the setting extra_float_digits (above 0:
// the shortest digits that read back the same).
func AppendFloat(dst []byte, f float64, bits, extra int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	prec, limit := -1, 15
	if bits == 32 {
		limit = 6
	}
	if extra <= 0 {
		prec = max(limit+extra, 1)
		limit = prec
	}
	if extra > 0 && f == math.Trunc(f) && math.Abs(f) < 1e6 && !(f == 0 && math.Signbit(f)) {
		return strconv.AppendInt(dst, int64(f), 10)
	}
	var buf [40]byte
	digits := strconv.AppendFloat(buf[:0], f, 'e', max(prec-1, -1), bits)
	if extra > 0 {
		digits = insideBounds(digits, f, bits)
	}
	mark := len(digits) - 1
	for digits[mark] != 'e' {
		mark--
	}
	exp, _ := strconv.Atoi(string(digits[mark+1:]))
	mantissa := digits[:mark]
	if prec > 0 {
		mantissa = trimZeros(mantissa)
	}
	if exp < -4 || exp >= limit {
		dst = append(append(dst, mantissa...), 'e')
		if exp < 0 {
			dst = append(dst, '-')
		} else {
			dst = append(dst, '+')
		}
		return pad(dst, abs(int64(exp)), 2)
	}
	return appendPlain(dst, mantissa, exp)
}

// insideBounds adds digits to the shortest form of f where that lies in the middle between f and a neighbour: it reads back as
// f, whose last bit is even, but PostgreSQL's algorithm does not take the ends of the interval.
func insideBounds(digits []byte, f float64, bits int) []byte {
	if fraction, _ := math.Frexp(f); math.Abs(fraction) == 0.5 { // of two forms as short and as close, the even one
		mark := bytes.IndexByte(digits, 'e')
		dot := bytes.IndexByte(digits, '.')
		if dot > 0 {
			even := strconv.AppendFloat(digits[:0:0], f, 'e', mark-dot-1, bits)
			if v, err := strconv.ParseFloat(string(even), bits); err == nil && v == f {
				digits = even
			}
		}
	}
	if !inMiddle(digits, f, bits) {
		return digits
	}
	for prec := 1; prec <= 17; prec++ {
		longer := strconv.AppendFloat(digits[:0:0], f, 'e', prec, bits)
		if len(longer) <= len(digits) || longer[bytes.IndexByte(longer, 'e')-1] == '0' {
			continue // the shortest form again
		}
		if v, err := strconv.ParseFloat(string(longer), bits); err == nil && v == f {
			return longer
		}
	}
	return digits
}

// inMiddle reports whether a number, as d.ddde±dd, is exactly in the middle between f and one of its neighbours.
func inMiddle(digits []byte, f float64, size int) bool {
	at := bytes.IndexByte(digits, 'e')
	dot := bytes.IndexByte(digits[:at], '.')
	if dot < 0 {
		dot = at
	}
	number, places := uint64(0), 0
	for i, c := range digits[:at] {
		if '0' <= c && c <= '9' {
			number = number*10 + uint64(c-'0')
			if i > dot {
				places++
			}
		}
	}
	tens, err := strconv.Atoi(string(digits[at+1:]))
	if number == 0 || err != nil {
		return false
	}
	tens -= places
	// The number is odd · 5^tens · 2^twos, and f is m · 2^exp.
	twos := bits.TrailingZeros64(number) + tens
	width := 53
	if size == 32 {
		width = 24
	}
	fraction, exp := math.Frexp(math.Abs(f))
	m := uint64(math.Ldexp(fraction, width))
	exp -= width
	odd := number >> bits.TrailingZeros64(number)
	return twos == exp-1 && (equalFives(odd, tens, 2*m+1) || equalFives(odd, tens, 2*m-1)) ||
		m == 1<<(width-1) && twos == exp-2 && equalFives(odd, tens, 4*m-1) // below a power of two floats are closer
}

// equalFives reports whether a · 5^n is b.
func equalFives(a uint64, n int, b uint64) bool {
	if n < 0 {
		a, n, b = b, -n, a
	}
	for ; n > 0 && a <= b; n-- {
		a *= 5
	}
	return n == 0 && a == b
}

func trimZeros(m []byte) []byte {
	dot := false
	for _, c := range m {
		dot = dot || c == '.'
	}
	if !dot {
		return m
	}
	for m[len(m)-1] == '0' {
		m = m[:len(m)-1]
	}
	if m[len(m)-1] == '.' {
		m = m[:len(m)-1]
	}
	return m
}

// appendPlain writes d.ddd times 10^exp without exponent.
func appendPlain(dst, mantissa []byte, exp int) []byte {
	if mantissa[0] == '-' {
		dst = append(dst, '-')
		mantissa = mantissa[1:]
	}
	digits := append([]byte{mantissa[0]}, mantissa[min(2, len(mantissa)):]...)
	if exp < 0 {
		dst = append(dst, "0."...)
		for i := -1; i > exp; i-- {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	for i := 0; i <= exp; i++ {
		if i < len(digits) {
			dst = append(dst, digits[i])
		} else {
			dst = append(dst, '0')
		}
	}
	if len(digits) > exp+1 {
		dst = append(append(dst, '.'), digits[exp+1:]...)
	}
	return dst
}
