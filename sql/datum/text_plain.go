package datum

import (
	"math"
	"unicode/utf8"

	"github.com/allsource-db/allsource/vec"
)

// parsePlain reads the forms that machines write of the types that most columns have, which are what a bulk load consists of. It
// appends nothing and returns false for all else, errors included.
func parsePlain(t Type, s []byte, b *vec.Builder, env *Env) bool {
	switch t.OID {
	case Text, Varchar:
		if _, limited := LengthMod(t); t.OID == Varchar && limited || !utf8.Valid(s) {
			return false
		}
		b.AppendBytes(s)
		return true
	case Int2, Int4, Int8:
		v, ok := plainInt(s)
		if !ok || t.OID == Int4 && v != int64(int32(v)) || t.OID == Int2 && v != int64(int16(v)) {
			return false
		}
		b.AppendInt(v)
		return true
	case Float8:
		v, ok := plainFloat(s)
		if ok {
			b.AppendFloat(v)
		}
		return ok
	case Timestamp, TimestampTZ:
		days, micros, east, _, zoned, ok := isoStamp(s)
		if !ok || t.Mod >= 0 {
			return false
		}
		v := localStamp(days, micros, east, zoned, t.OID == TimestampTZ, env)
		if ok = ValidTimestamp(v); ok {
			b.AppendInt(v)
		}
		return ok
	}
	return false
}

// plainInt reads up to 18 digits, which may have a minus before them.
func plainInt(s []byte) (int64, bool) {
	minus := len(s) > 1 && s[0] == '-'
	if minus {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	v := int64(0)
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if minus {
		v = -v
	}
	return v, true
}

// plainFloat reads up to 15 digits with a point among them. Their number and the power of ten are exact then, so the quotient is rounded once.
func plainFloat(s []byte) (float64, bool) {
	minus := len(s) > 1 && s[0] == '-'
	if minus {
		s = s[1:]
	}
	v, digits, point := int64(0), 0, -1
	for i, c := range s {
		switch {
		case isDigit(c):
			v = v*10 + int64(c-'0')
			digits++
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
		if digits > 15 {
			return 0, false
		}
	}
	if digits == 0 || v == 0 && minus {
		return 0, false
	}
	f := float64(v)
	if point >= 0 {
		f /= math.Pow10(len(s) - 1 - point)
	}
	if minus {
		f = -f
	}
	return f, true
}
