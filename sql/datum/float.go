package datum

import (
	"math"
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
	if extra > 0 && bits == 32 {
		digits = insideBounds(digits, float32(f))
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
func insideBounds(digits []byte, f float32) []byte {
	short, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		return digits
	}
	for _, to := range []float32{float32(math.Inf(1)), float32(math.Inf(-1))} {
		if short != (float64(f)+float64(math.Nextafter32(f, to)))/2 {
			continue
		}
		for prec := 1; prec <= 9; prec++ {
			longer := strconv.AppendFloat(digits[:0:0], float64(f), 'e', prec, 32)
			if v, err := strconv.ParseFloat(string(longer), 64); err == nil && v != short && float32(v) == f {
				return longer
			}
		}
	}
	return digits
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
