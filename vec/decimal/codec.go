package decimal

import (
	"encoding/binary"
	"fmt"
	"math/big"
)

// Tags of the storage form.
const (
	tagInt = iota
	tagScaled
	tagBigPos
	tagBigNeg
	tagNaN
	tagPosInf
	tagNegInf
)

// AppendBinary appends the storage form.
func (d Dec) AppendBinary(dst []byte) []byte {
	switch {
	case d.Form == NaN:
		return append(dst, tagNaN)
	case d.Form == PosInf:
		return append(dst, tagPosInf)
	case d.Form == NegInf:
		return append(dst, tagNegInf)
	case d.Big != nil:
		tag := byte(tagBigPos)
		if d.Big.Sign() < 0 {
			tag = tagBigNeg
		}
		dst = append(dst, tag)
		dst = binary.AppendUvarint(dst, uint64(d.Scale))
		mag := d.Big.Bytes()
		dst = binary.AppendUvarint(dst, uint64(len(mag)))
		return append(dst, mag...)
	case d.Scale == 0:
		return binary.AppendVarint(append(dst, tagInt), d.Coef)
	}
	dst = binary.AppendUvarint(append(dst, tagScaled), uint64(d.Scale))
	return binary.AppendVarint(dst, d.Coef)
}

// Decode reads a storage form at the start of b and gives the number and how many
// bytes it took. It keeps no part of b. The error wraps ErrCorrupt.
func Decode(b []byte) (Dec, int, error) {
	if len(b) == 0 {
		return Dec{}, 0, fmt.Errorf("%w: empty", ErrCorrupt)
	}
	n := 1
	uvarint := func(limit uint64) (uint64, bool) {
		v, k := binary.Uvarint(b[n:])
		n += max(k, 0)
		return v, k > 0 && v <= limit
	}
	switch tag := b[0]; tag {
	case tagNaN, tagPosInf, tagNegInf:
		return Dec{Form: NaN + tag - tagNaN}, 1, nil
	case tagInt, tagScaled:
		var scale uint64
		if tag == tagScaled {
			var ok bool
			if scale, ok = uvarint(MaxScale); !ok {
				return Dec{}, 0, fmt.Errorf("%w: scale", ErrCorrupt)
			}
		}
		v, k := binary.Varint(b[n:])
		if k <= 0 {
			return Dec{}, 0, fmt.Errorf("%w: coefficient", ErrCorrupt)
		}
		return Dec{Coef: v, Scale: int32(scale)}, n + k, nil
	case tagBigPos, tagBigNeg:
		scale, ok := uvarint(MaxScale)
		size, ok2 := uvarint(uint64(len(b)))
		if !ok || !ok2 || uint64(len(b)-n) < size {
			return Dec{}, 0, fmt.Errorf("%w: magnitude", ErrCorrupt)
		}
		mag := new(big.Int).SetBytes(b[n : n+int(size)])
		if tag == tagBigNeg {
			mag.Neg(mag)
		}
		return FromBig(mag, int32(scale)), n + int(size), nil
	}
	return Dec{}, 0, fmt.Errorf("%w: tag %d", ErrCorrupt, b[0])
}

// Classes of the key form.
const (
	keyNegInf = iota + 1
	keyNeg
	keyZero
	keyPos
	keyPosInf
	keyNaN
)

// AppendKey appends the key form: bytes.Compare on keys is Cmp on numbers, and no
// key is a prefix of another.
func (d Dec) AppendKey(dst []byte) []byte {
	switch {
	case d.Form == NaN:
		return append(dst, keyNaN)
	case d.Form == PosInf:
		return append(dst, keyPosInf)
	case d.Form == NegInf:
		return append(dst, keyNegInf)
	case d.IsZero():
		return append(dst, keyZero)
	}
	var buf [24]byte
	digits := d.digits(buf[:0])
	weight := len(digits) - int(d.Scale) - 1 + 1<<23
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	class, flip := byte(keyPos), byte(0)
	if d.Sign() < 0 {
		class, flip = keyNeg, 0xff
	}
	dst = append(dst, class, byte(weight>>16)^flip, byte(weight>>8)^flip, byte(weight)^flip)
	for i := 0; i < len(digits); i += 2 {
		pair := 10 * (digits[i] - '0')
		if i+1 < len(digits) {
			pair += digits[i+1] - '0'
		}
		dst = append(dst, (pair+1)^flip)
	}
	return append(dst, flip)
}

// base10000 is a number the way PostgreSQL holds it: digits[i] * 10000^(weight-i),
// without zeros at either end.
type base10000 struct {
	weight int
	digits []uint16
}

// base10000 splits |d|, d finite.
func (d Dec) base10000() base10000 {
	if d.IsZero() {
		return base10000{}
	}
	var buf [24]byte
	digits := d.digits(buf[:0])
	first := len(digits) - int(d.Scale) - 1 // weight of digits[0]
	b := base10000{weight: first >> 2}
	group, left := 0, first&3+1
	for _, c := range digits {
		group = group*10 + int(c-'0')
		if left--; left == 0 {
			b.digits = append(b.digits, uint16(group))
			group, left = 0, 4
		}
	}
	if left < 4 {
		for ; left > 0; left-- {
			group *= 10
		}
		b.digits = append(b.digits, uint16(group))
	}
	for b.digits[len(b.digits)-1] == 0 {
		b.digits = b.digits[:len(b.digits)-1]
	}
	return b
}

// Signs of the wire form.
const (
	wirePos    = 0x0000
	wireNeg    = 0x4000
	wireNaN    = 0xC000
	wirePosInf = 0xD000
	wireNegInf = 0xF000

	wireInfScale = 0x20 // the scale PostgreSQL sends with an infinity
)

// AppendWire appends the bytes of numeric_send.
func (d Dec) AppendWire(dst []byte) []byte {
	be := binary.BigEndian
	sign := uint16(wirePos)
	switch d.Form {
	case NaN:
		sign = wireNaN
	case PosInf:
		sign = wirePosInf
	case NegInf:
		sign = wireNegInf
	}
	if d.Form != Finite {
		dst = be.AppendUint32(dst, 0)
		dst = be.AppendUint16(dst, sign)
		if d.Form == NaN {
			return be.AppendUint16(dst, 0)
		}
		return be.AppendUint16(dst, wireInfScale)
	}
	if d.Sign() < 0 {
		sign = wireNeg
	}
	b := d.base10000()
	dst = be.AppendUint16(dst, uint16(len(b.digits)))
	dst = be.AppendUint16(dst, uint16(int16(b.weight)))
	dst = be.AppendUint16(dst, sign)
	dst = be.AppendUint16(dst, uint16(d.Scale))
	for _, digit := range b.digits {
		dst = be.AppendUint16(dst, digit)
	}
	return dst
}

// DecodeWire reads what numeric_recv reads; all of b must be one number. Digits
// beyond the display scale are cut off. The error wraps ErrCorrupt or is
// ErrOverflow.
func DecodeWire(b []byte) (Dec, error) {
	be := binary.BigEndian
	if len(b) < 8 {
		return Dec{}, fmt.Errorf("%w: short binary numeric", ErrCorrupt)
	}
	count, weight := int(be.Uint16(b)), int(int16(be.Uint16(b[2:])))
	sign, scale := be.Uint16(b[4:]), int(be.Uint16(b[6:]))
	b = b[8:]
	switch sign {
	case wireNaN:
		return Dec{Form: NaN}, nil
	case wirePosInf:
		return Dec{Form: PosInf}, nil
	case wireNegInf:
		return Dec{Form: NegInf}, nil
	case wirePos, wireNeg:
	default:
		return Dec{}, fmt.Errorf("%w: invalid sign in external \"numeric\" value", ErrCorrupt)
	}
	if scale > MaxScale {
		return Dec{}, fmt.Errorf("%w: invalid scale in external \"numeric\" value", ErrCorrupt)
	}
	if len(b) != 2*count {
		return Dec{}, fmt.Errorf("%w: binary numeric of %d digits in %d bytes", ErrCorrupt, count, len(b))
	}
	digits := make([]byte, 0, 4*count+1)
	if sign == wireNeg {
		digits = append(digits, '-')
	}
	for ; len(b) > 0; b = b[2:] {
		v := be.Uint16(b)
		if v > 9999 {
			return Dec{}, fmt.Errorf("%w: invalid digit in external \"numeric\" value", ErrCorrupt)
		}
		digits = append(digits, byte(v/1000)+'0', byte(v/100%10)+'0', byte(v/10%10)+'0', byte(v%10)+'0')
	}
	if count == 0 {
		return Dec{Scale: int32(scale)}, nil
	}
	coef, _ := new(big.Int).SetString(string(digits), 10)
	exp := 4 * (weight - count + 1) // of the last digit
	switch shift := exp + scale; {
	case shift >= 0:
		coef.Mul(coef, bigPow10(shift))
	default:
		coef.Quo(coef, bigPow10(-shift))
	}
	return checked(coef, int32(scale))
}
