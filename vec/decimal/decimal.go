// Package decimal is PostgreSQL's numeric as a Go value.
//
// A number is coefficient / 10^scale, and the scale is what is shown: 1.50 keeps
// its zero, and 1.50 equals 1.5. Every operation gives the digits and the
// display scale PostgreSQL 15 gives for the same operands; testdata holds its
// answers. Coefficients that fit an int64 are worked on without allocation; what
// does not fit goes through math/big and comes back as soon as it fits again.
//
// Limits are those of numeric: 131072 digits before the point and 16383 after
// it; crossing them is ErrOverflow.
//
// # Storage form (AppendBinary, Decode)
//
//	tag byte, then
//	0  integer that fits int64:   zigzag varint
//	1  scale uvarint, coefficient zigzag varint
//	2  scale uvarint, length uvarint, big-endian magnitude    (positive)
//	3  the same                                               (negative)
//	4  NaN    5  Infinity    6  -Infinity
//
// It keeps the display scale, so that 1.50 comes back as 1.50.
//
// # Key form (AppendKey)
//
//	01 -Infinity  02 negative  03 zero  04 positive  05 Infinity  06 NaN
//
// Positive numbers continue with the decimal weight of the first digit (3 bytes,
// big-endian, offset 2^23), the digits in pairs as bytes pair+1 without trailing
// zero pairs, and a 00. Negative numbers continue with the complement of the same
// bytes. Keys sort as Cmp does and are equal exactly when Cmp is 0.
//
// # Wire form (AppendWire, DecodeWire)
//
// numeric_send: int16 ndigits, weight, sign, dscale, then base-10000 digits.
package decimal

import (
	"errors"
	"math/big"
)

// The values of Dec.Form.
const (
	Finite uint8 = iota
	NaN
	PosInf
	NegInf
)

// Limits of the type.
const (
	MaxIntDigits = 131072 // digits before the point
	MaxScale     = 16383  // digits after the point

	maxResultScale  = 2000 // largest scale round() and trunc() go to, either way
	maxDisplayScale = 1000 // largest scale division and the functions choose by themselves
	minSigDigits    = 16   // significant digits division and the functions aim at
	decDigits       = 4    // PostgreSQL's digits are base 10^4; its scales follow from that
)

// Errors of this package. They are compared with errors.Is; the caller chooses the
// SQLSTATE. The text is the message PostgreSQL gives.
var (
	ErrSyntax       = errors.New("invalid input syntax for type numeric")
	ErrOverflow     = errors.New("value overflows numeric format")
	ErrDivByZero    = errors.New("division by zero")
	ErrSqrtNegative = errors.New("cannot take square root of a negative number")
	ErrLogZero      = errors.New("cannot take logarithm of zero")
	ErrLogNegative  = errors.New("cannot take logarithm of a negative number")
	ErrPowerZero    = errors.New("zero raised to a negative power is undefined")
	ErrPowerComplex = errors.New("a negative number raised to a non-integer power yields a complex result")
	ErrCorrupt      = errors.New("decimal: malformed encoding")
)

// Dec is a numeric. It is a value: no operation changes its operands, and the
// big.Int behind Big is shared and never written to. The zero Dec is 0.
type Dec struct {
	Coef  int64    // coefficient, unless Big is set
	Scale int32    // digits after the point, 0..MaxScale
	Form  uint8    // Finite, NaN, PosInf or NegInf; otherwise the other fields are zero
	Big   *big.Int // coefficient that does not fit an int64, else nil
}

// New gives coef / 10^scale. scale must be 0..MaxScale.
func New(coef int64, scale int32) Dec { return Dec{Coef: coef, Scale: scale} }

// FromInt64 gives v with scale 0.
func FromInt64(v int64) Dec { return Dec{Coef: v} }

// FromBig gives coef / 10^scale. It takes coef over: the caller must not write to
// it afterwards.
func FromBig(coef *big.Int, scale int32) Dec {
	if coef.IsInt64() {
		return Dec{Coef: coef.Int64(), Scale: scale}
	}
	return Dec{Big: coef, Scale: scale}
}

// Inf gives Infinity, or -Infinity when sign is negative.
func Inf(sign int) Dec {
	if sign < 0 {
		return Dec{Form: NegInf}
	}
	return Dec{Form: PosInf}
}

// NotANumber gives NaN.
func NotANumber() Dec { return Dec{Form: NaN} }

// IsFinite reports whether d is a number, not NaN or infinite.
func (d Dec) IsFinite() bool { return d.Form == Finite }

// IsZero reports whether d is a zero of any scale.
func (d Dec) IsZero() bool { return d.Form == Finite && d.Big == nil && d.Coef == 0 }

// Sign gives -1, 0 or 1; NaN and Infinity give 1.
func (d Dec) Sign() int {
	switch d.Form {
	case NaN, PosInf:
		return 1
	case NegInf:
		return -1
	}
	switch {
	case d.Big != nil:
		return d.Big.Sign()
	case d.Coef < 0:
		return -1
	case d.Coef > 0:
		return 1
	}
	return 0
}

// bigCoef gives the coefficient as a big.Int that must not be written to.
func (d Dec) bigCoef() *big.Int {
	if d.Big != nil {
		return d.Big
	}
	return big.NewInt(d.Coef)
}
