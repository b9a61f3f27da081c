package datum

import (
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// ApplyTypmod makes the values of c, of type t but for its modifier, fit the modifier. Explicit casts cut text off where
// assignments fail.
func ApplyTypmod(t Type, c *vec.Column, explicit bool) (*vec.Column, error) {
	if t.Mod < 0 || !hasTypmod(t.OID) {
		return c, nil
	}
	if c.Codes != nil && c.Dict.Len <= c.Len {
		if d, err := ApplyTypmod(t, c.Dict, explicit); err == nil {
			return &vec.Column{Kind: c.Kind, Len: c.Len, Valid: c.Valid, Codes: c.Codes, Dict: d.Flat()}, nil
		}
	}
	if Lookup(t.OID).IsArray() {
		return typmodArray(t, c, explicit)
	}
	b := NewBuilder(T(t.OID), c.Len)
	for i := range c.Len {
		if c.Null(i) {
			b.AppendNull()
			continue
		}
		if err := appendFitted(t, c, i, b, explicit); err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

func hasTypmod(oid OID) bool {
	switch oid {
	case Numeric, Varchar, BPChar, Bit, Varbit, Timestamp, TimestampTZ, Time, TimeTZ, Interval:
		return true
	}
	e := ElemOf(oid)
	return e != 0 && Lookup(oid).IsArray() && hasTypmod(e)
}

func typmodArray(t Type, c *vec.Column, explicit bool) (*vec.Column, error) {
	c = c.Flat()
	child, err := ApplyTypmod(Type{OID: ElemOf(t.OID), Mod: t.Mod}, c.Child, explicit)
	if err != nil {
		return nil, err
	}
	out := *c
	out.Child = child
	return &out, nil
}

func appendFitted(t Type, c *vec.Column, i int, b *vec.Builder, explicit bool) error {
	switch t.OID {
	case Numeric:
		d, err := AdjustNumeric(c.Decimal(i), t.Mod)
		if err == nil {
			b.AppendDecimal(d)
		}
		return err
	case Interval:
		b.AppendInterval(AdjustInterval(c.Interval(i), t.Mod))
	case Timestamp, TimestampTZ:
		v, err := roundTimestamp(c.Int(i), t.Mod)
		if err == nil {
			b.AppendInt(v)
		}
		return err
	case Time:
		b.AppendInt(RoundMicros(c.Int(i), t.Mod))
	case TimeTZ:
		micros, east := UnpackTimeTZ(c.Int(i))
		b.AppendInt(PackTimeTZ(RoundMicros(micros, t.Mod), east))
	default:
		return b.AppendWith(func(dst []byte) ([]byte, error) {
			start := len(dst)
			dst = append(dst, c.Bytes(i)...)
			if t.OID == Bit || t.OID == Varbit {
				return fitBits(dst, start, t, explicit)
			}
			return fitText(dst, start, t, explicit)
		})
	}
	return nil
}

// fitText makes dst[start:] fit varchar(n) or char(n).
func fitText(dst []byte, start int, t Type, explicit bool) ([]byte, error) {
	n, ok := LengthMod(t)
	if !ok {
		return dst, nil
	}
	chars := utf8.RuneCount(dst[start:])
	if chars > n {
		cut := start
		for range n {
			_, w := utf8.DecodeRune(dst[cut:])
			cut += w
		}
		if !explicit {
			for _, c := range dst[cut:] {
				if c != ' ' {
					return nil, pgerr.New(pgerr.StringDataRightTruncation, "value too long for type %s", FormatType(t))
				}
			}
		}
		return dst[:cut], nil
	}
	if t.OID == BPChar {
		for ; chars < n; chars++ {
			dst = append(dst, ' ')
		}
	}
	return dst, nil
}

// fitBits makes dst[start:] fit bit(n) or bit varying(n).
func fitBits(dst []byte, start int, t Type, explicit bool) ([]byte, error) {
	n, ok := LengthMod(t)
	if !ok {
		return dst, nil
	}
	have := len(dst) - start
	switch {
	case t.OID == Varbit && have <= n, have == n:
		return dst, nil
	case explicit && have > n:
		return dst[:start+n], nil
	case explicit:
		for ; have < n; have++ {
			dst = append(dst, '0')
		}
		return dst, nil
	case t.OID == Varbit:
		return nil, pgerr.New(pgerr.StringDataRightTruncation, "bit string too long for type bit varying(%d)", n)
	}
	return nil, pgerr.New("22026", "bit string length %d does not match type bit(%d)", have, n)
}

// AdjustNumeric rounds to the modifier's scale and checks its precision.
func AdjustNumeric(d decimal.Dec, mod int32) (decimal.Dec, error) {
	p, s, ok := NumericMod(mod)
	if !ok || d.Form == decimal.NaN {
		return d, nil
	}
	tooBig := func(what string) (decimal.Dec, error) {
		e := pgerr.New(pgerr.NumericValueOutOfRange, "numeric field overflow")
		if what == "" {
			return d, e.WithDetail("A field with precision %d, scale %d cannot hold an infinite value.", p, s)
		}
		return d, e.WithDetail("A field with precision %d, scale %d must round to an absolute value less than %s.", p, s, what)
	}
	if !d.IsFinite() {
		return tooBig("")
	}
	d = d.Round(s)
	if int(p-s) >= intDigits(d) {
		return d, nil
	}
	if p == s {
		return tooBig("1")
	}
	return tooBig("10^" + FormatIntText(int64(p-s)))
}

// FormatIntText is v in decimal.
func FormatIntText(v int64) string { return string(appendIntText(nil, Int8, v, nil)) }

// intDigits counts the digits before the point without leading zeros; negative where the fraction begins with zeros.
func intDigits(d decimal.Dec) int {
	if d.IsZero() {
		return -1 << 20
	}
	if c := max(d.Coef, -d.Coef); d.Big == nil && c > 0 {
		n := -int(d.Scale)
		for ; c > 0; c /= 10 {
			n++
		}
		return n
	}
	text := d.Abs().AppendText(nil)
	n := 0
	for n < len(text) && text[n] != '.' {
		n++
	}
	if n == 1 && text[0] == '0' {
		n = 0
		for k := 2; k < len(text) && text[k] == '0'; k++ {
			n--
		}
	}
	return n
}

// micros10 are the units of the digits after the point of a second.
var micros10 = [...]int64{1000000, 100000, 10000, 1000, 100, 10, 1}

// RoundMicros rounds to the digits of a second that a modifier keeps, halves away from zero.
func RoundMicros(v int64, mod int32) int64 {
	if mod < 0 || mod >= 6 {
		return v
	}
	u := micros10[mod]
	if v >= 0 {
		return (v + u/2) / u * u
	}
	return -((-v + u/2) / u * u)
}

func roundTimestamp(v int64, mod int32) (int64, error) {
	if IsInfinite(v) {
		return v, nil
	}
	r := RoundMicros(v, mod)
	if !ValidTimestamp(r) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range")
	}
	return r, nil
}

// AdjustInterval cuts an interval to the fields and precision of its modifier.
func AdjustInterval(v vec.IntervalValue, mod int32) vec.IntervalValue {
	if mod < 0 {
		return v
	}
	switch mask := mod >> 16 & 0x7fff; {
	case mask == ivFullRange:
	case mask == ivYear:
		v = vec.IntervalValue{Months: v.Months / 12 * 12}
	case mask == ivMonth, mask == ivYear|ivMonth:
		v = vec.IntervalValue{Months: v.Months}
	case mask == ivDay:
		v.Micros = 0
	case mask&ivSecond != 0:
	case mask&ivMinute != 0:
		v.Micros = v.Micros / MicrosPerMinute * MicrosPerMinute
	case mask&ivHour != 0:
		v.Micros = v.Micros / MicrosPerHour * MicrosPerHour
	}
	if p := mod & 0xffff; p <= 6 {
		v.Micros = RoundMicros(v.Micros, p)
	}
	return v
}
