package datum

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// varHeader is what PostgreSQL adds to a length or precision so that a modifier is never 0.
const varHeader = 4

// The masks of an interval's field range (INTERVAL DAY TO SECOND), as PostgreSQL numbers the fields.
const (
	ivMonth, ivYear, ivDay           = 1 << 1, 1 << 2, 1 << 3
	ivHour, ivMinute, ivSecond       = 1 << 10, 1 << 11, 1 << 12
	ivFullRange                      = 0x7fff
	ivFullPrecision            int32 = 0xffff
)

// ivRanges are the spellings of an interval's field range.
var ivRanges = []struct {
	mask int32
	name string
}{
	{ivYear, "year"}, {ivMonth, "month"}, {ivDay, "day"}, {ivHour, "hour"}, {ivMinute, "minute"}, {ivSecond, "second"},
	{ivYear | ivMonth, "year to month"}, {ivDay | ivHour, "day to hour"}, {ivDay | ivHour | ivMinute, "day to minute"},
	{ivDay | ivHour | ivMinute | ivSecond, "day to second"}, {ivHour | ivMinute, "hour to minute"},
	{ivHour | ivMinute | ivSecond, "hour to second"}, {ivMinute | ivSecond, "minute to second"},
}

// IntervalTypmod encodes INTERVAL fields(precision): fields such as "day to second", "" for all; precision -1 for none.
func IntervalTypmod(fields string, precision int32) (int32, bool) {
	mask := int32(ivFullRange)
	if fields != "" {
		mask = 0
		for _, r := range ivRanges {
			if r.name == strings.ToLower(fields) {
				mask = r.mask
			}
		}
		if mask == 0 {
			return 0, false
		}
	}
	if precision < 0 {
		if mask == ivFullRange {
			return -1, true
		}
		return mask<<16 | ivFullPrecision, true
	}
	return mask<<16 | min(precision, 6), true
}

// MakeTypmod encodes the written modifiers of a type, as in numeric(8,2), and checks them; no modifiers give -1, or 1
// character for character. Modifiers of an array are those of its elements.
func MakeTypmod(oid OID, args []int64) (int32, error) {
	if e := ElemOf(oid); e != 0 && Lookup(oid).IsArray() {
		oid = e
	}
	if len(args) == 0 {
		return -1, nil
	}
	a := args[0]
	switch oid {
	case Numeric:
		return numericTypmod(args)
	case Varchar, BPChar, Bit, Varbit:
		return lengthTypmod(oid, args)
	case Timestamp, TimestampTZ, Time, TimeTZ, Interval:
		if len(args) > 1 {
			return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid type modifier")
		}
		if a < 0 {
			return 0, pgerr.New(pgerr.InvalidParameterValue, "%s(%d) precision must not be negative", precisionName(oid), a)
		}
		if oid == Interval {
			m, _ := IntervalTypmod("", int32(min(a, 6)))
			return m, nil
		}
		return int32(min(a, 6)), nil
	}
	return 0, pgerr.New(pgerr.SyntaxError, "type modifier is not allowed for type \"%s\"", Lookup(oid).Name)
}

func precisionName(oid OID) string {
	switch oid {
	case Timestamp:
		return "TIMESTAMP"
	case TimestampTZ:
		return "TIMESTAMP WITH TIME ZONE"
	case Time:
		return "TIME"
	case TimeTZ:
		return "TIME WITH TIME ZONE"
	}
	return "INTERVAL"
}

func numericTypmod(args []int64) (int32, error) {
	p, s := args[0], int64(0)
	switch {
	case len(args) > 2:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid NUMERIC type modifier")
	case p < 1 || p > 1000:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "NUMERIC precision %d must be between 1 and 1000", p)
	case len(args) == 2:
		if s = args[1]; s < -1000 || s > 1000 {
			return 0, pgerr.New(pgerr.InvalidParameterValue, "NUMERIC scale %d must be between -1000 and 1000", s)
		}
	}
	return (int32(p)<<16 | int32(s)&0x7ff) + varHeader, nil
}

func lengthTypmod(oid OID, args []int64) (int32, error) {
	name, limit := map[OID]string{Varchar: "varchar", BPChar: "char", Bit: "bit", Varbit: "varbit"}[oid], int64(10485760)
	if oid == Bit || oid == Varbit {
		limit = 83886080
	}
	switch {
	case len(args) > 1:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid type modifier")
	case args[0] < 1:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "length for type %s must be at least 1", name)
	case args[0] > limit:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "length for type %s cannot exceed %d", name, limit)
	}
	if oid == Bit || oid == Varbit {
		return int32(args[0]), nil
	}
	return int32(args[0]) + varHeader, nil
}

// NumericMod decodes the modifier of numeric(precision, scale).
func NumericMod(mod int32) (precision, scale int32, ok bool) {
	if mod < varHeader {
		return 0, 0, false
	}
	mod -= varHeader
	return mod >> 16 & 0xffff, (mod&0x7ff ^ 1024) - 1024, true
}

// LengthMod decodes the modifier of varchar(n), char(n), bit(n) and varbit(n).
func LengthMod(t Type) (n int, ok bool) {
	switch {
	case t.Mod < 0:
		return 0, false
	case t.OID == Bit || t.OID == Varbit:
		return int(t.Mod), true
	case t.Mod < varHeader:
		return 0, false
	}
	return int(t.Mod - varHeader), true
}

// bareTypes are the types whose names mean another one without a modifier: character is of length 1.
var bareTypes = map[OID]string{BPChar: "bpchar", ArrayOf(BPChar): "bpchar[]", Bit: `"bit"`, ArrayOf(Bit): `"bit"[]`}

// FormatBare prints a type as FormatType does, but so that SQL reads the same type: its modifier, or that it has none, is part of it.
func FormatBare(t Type) string {
	if name := bareTypes[t.OID]; name != "" && t.Mod < 0 {
		return name
	}
	return FormatType(t)
}

// FormatType prints a type as format_type does.
func FormatType(t Type) string {
	i := Lookup(t.OID)
	if i == nil {
		return "???"
	}
	if i.IsArray() {
		return FormatType(Type{OID: i.Elem, Mod: t.Mod}) + "[]"
	}
	if t.Mod < 0 {
		return i.SQLName
	}
	n := strconv.Itoa(int(t.Mod))
	switch t.OID {
	case Numeric:
		if p, s, ok := NumericMod(t.Mod); ok {
			return "numeric(" + strconv.Itoa(int(p)) + "," + strconv.Itoa(int(s)) + ")"
		}
	case Varchar, BPChar, Bit, Varbit:
		if l, ok := LengthMod(t); ok {
			return i.SQLName + "(" + strconv.Itoa(l) + ")"
		}
	case Timestamp, TimestampTZ, Time, TimeTZ:
		word, rest, _ := strings.Cut(i.SQLName, " ")
		return word + "(" + n + ") " + rest
	case Interval:
		return formatInterval(t.Mod)
	}
	return i.SQLName
}

func formatInterval(mod int32) string {
	out := "interval"
	for _, r := range ivRanges {
		if r.mask == mod>>16&0x7fff {
			out += " " + r.name
		}
	}
	if p := mod & 0xffff; p != ivFullPrecision {
		out += "(" + strconv.Itoa(int(p)) + ")"
	}
	return out
}

// ColumnMod returns the modifiers as information_schema.columns shows them; each -1 where it does not apply.
func ColumnMod(t Type) (charLength, precision, scale, datetime int32) {
	charLength, precision, scale, datetime = -1, -1, -1, -1
	switch t.OID {
	case Varchar, BPChar, Bit, Varbit:
		if n, ok := LengthMod(t); ok {
			charLength = int32(n)
		}
	case Int2:
		precision, scale = 16, 0
	case Int4:
		precision, scale = 32, 0
	case Int8:
		precision, scale = 64, 0
	case Float4:
		precision = 24
	case Float8:
		precision = 53
	case Numeric:
		if p, s, ok := NumericMod(t.Mod); ok {
			precision, scale = p, s
		}
	case Date:
		datetime = 0
	case Timestamp, TimestampTZ, Time, TimeTZ, Interval:
		if datetime = 6; t.Mod >= 0 && t.Mod&0xffff <= 6 {
			datetime = t.Mod & 0xffff
		}
	}
	return
}
