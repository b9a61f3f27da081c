package datum

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// ParseText reads the text form of a value of type t, its modifier applied, and appends it to b, a builder of the type's
// kind (NewBuilder).
func ParseText(t Type, s []byte, b *vec.Builder, env *Env) error {
	env = env.orDefault()
	if parsePlain(t, s, b, env) {
		return nil
	}
	switch KindOf(t.OID) {
	case vec.Bool:
		v, ok := ParseBool(string(s))
		if !ok {
			return badText("boolean", string(s))
		}
		b.AppendBool(v)
		return nil
	case vec.Int64:
		v, err := parseIntText(t, string(s), env)
		if err == nil {
			b.AppendInt(v)
		}
		return err
	case vec.Float64:
		v, err := ParseFloat(string(s), t.OID == Float4)
		if err == nil {
			b.AppendFloat(v)
		}
		return err
	case vec.Decimal:
		return parseNumeric(t, s, b)
	case vec.Interval:
		v, err := ParseInterval(string(s), t.Mod, env)
		if err == nil {
			b.AppendInterval(AdjustInterval(v, t.Mod))
		}
		return err
	case vec.List:
		return parseArray(t, string(s), b, env)
	case vec.Struct:
		return parseRecord(t, string(s), b, env)
	}
	if IsComposite(t.OID) {
		return packedWith(t, b, func(row *vec.Builder) error { return parseRecord(t, string(s), row, env) })
	}
	if t.OID == JSONB { // without a copy
		return b.AppendWith(func(dst []byte) ([]byte, error) { return parseJSONB(dst, s) })
	}
	return b.AppendWith(func(dst []byte) ([]byte, error) { return parseBytesText(dst, t, string(s)) })
}

func badText(typeName, s string) error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", typeName, s)
}

// ParseBool reads a boolean: any unique beginning of true, false, yes, no, on, off, or 1 and 0.
func ParseBool(s string) (v, ok bool) {
	s = strings.ToLower(trimSpace(s))
	switch {
	case s == "":
	case s == "1", s == "on", strings.HasPrefix("true", s), strings.HasPrefix("yes", s):
		return true, true
	case s == "0", s == "of", s == "off", strings.HasPrefix("false", s), strings.HasPrefix("no", s):
		return false, true
	}
	return false, false
}

func trimSpace(s string) string {
	return strings.Trim(s, " \t\n\v\f\r")
}

// ParseInt reads an integer of the given width in bits, for the type named.
func ParseInt(s string, bits int, typeName string) (int64, error) {
	v, err := strconv.ParseInt(trimSpace(s), 10, bits)
	if err == nil {
		return v, nil
	}
	if errors.Is(err, strconv.ErrRange) {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value \"%s\" is out of range for type %s", s, typeName)
	}
	return 0, badText(typeName, s)
}

// ParseFloat reads a float8, or with single a float4 rounded to single precision.
func ParseFloat(text string, single bool) (float64, error) {
	name, bits := "double precision", 64
	if single {
		name, bits = "real", 32
	}
	s := strings.ToLower(trimSpace(text))
	switch strings.TrimLeft(s, "+-") {
	case "nan":
		if len(s) <= len("-nan") {
			return math.NaN(), nil
		}
	case "inf", "infinity":
		if s[0] == '-' {
			return math.Inf(-1), nil
		}
		return math.Inf(1), nil
	}
	nonzero := false
	for i := range len(s) {
		switch c := s[i]; {
		case c == 'e':
		case '1' <= c && c <= '9':
			nonzero = nonzero || !strings.Contains(s[:i], "e")
		case c != '0' && c != '.' && c != '+' && c != '-':
			return 0, badText(name, text)
		}
	}
	v, err := strconv.ParseFloat(s, bits)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && v == 0 && nonzero:
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "\"%s\" is out of range for type %s", trimSpace(text), name)
	case err != nil:
		return 0, badText(name, text)
	}
	return v, nil
}

func parseIntText(t Type, s string, env *Env) (int64, error) {
	switch t.OID {
	case Int2:
		return ParseInt(s, 16, "smallint")
	case Int4:
		return ParseInt(s, 32, "integer")
	case Int8:
		return ParseInt(s, 64, "bigint")
	case Date:
		return ParseDate(s, env)
	case Timestamp, TimestampTZ:
		v, err := ParseTimestamp(s, t.OID == TimestampTZ, env)
		if err == nil {
			v, err = roundTimestamp(v, t.Mod)
		}
		return v, err
	case Time:
		v, err := ParseTime(s, env)
		return RoundMicros(v, t.Mod), err
	case TimeTZ:
		v, err := ParseTimeTZ(s, env)
		micros, east := UnpackTimeTZ(v)
		return PackTimeTZ(RoundMicros(micros, t.Mod), east), err
	case Oid, Xid, Cid:
		return parseOID(s, Lookup(t.OID).Name)
	case Xid8:
		return parseXid8(s), nil
	case Tid:
		return parseTid(s)
	case PgLSN:
		return parseLSN(s)
	case Money:
		return parseMoney(s)
	}
	if o := OwnOf(t.OID); o != nil && env.stored {
		return strconv.ParseInt(s, 10, 64)
	} else if o != nil {
		return o.number(s)
	}
	return parseReg(t.OID, s, env)
}

// parseXid8 reads as C's strtoull does, as PostgreSQL reads xid8: the number at the start, in any of its bases; nothing is 0.
func parseXid8(s string) int64 {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	minus := strings.HasPrefix(s, "-")
	if minus || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	base, digits := 10, "0123456789"
	switch {
	case len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X") && strings.ContainsRune("0123456789abcdefABCDEF", rune(s[2])):
		s, base, digits = s[2:], 16, "0123456789abcdefABCDEF"
	case strings.HasPrefix(s, "0"):
		base, digits = 8, "01234567"
	}
	s = s[:len(s)-len(strings.TrimLeft(s, digits))]
	v, err := strconv.ParseUint(s, base, 64)
	if minus && errors.Is(err, strconv.ErrRange) {
		minus = false // the largest number
	}
	if minus {
		v = -v
	}
	return int64(v)
}

func parseOID(s, typeName string) (int64, error) {
	v, err := ParseInt(s, 64, typeName)
	if err != nil {
		return 0, err
	}
	if v > math.MaxUint32 || v < math.MinInt32 {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value \"%s\" is out of range for type %s", s, typeName)
	}
	return int64(uint32(v)), nil
}

func parseTid(s string) (int64, error) {
	block, off, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(trimSpace(s), "("), ")"), ",")
	b, err1 := strconv.ParseUint(block, 10, 32)
	o, err2 := strconv.ParseUint(off, 10, 16)
	if !ok || err1 != nil || err2 != nil {
		return 0, badText("tid", s)
	}
	return int64(b<<16 | o), nil
}

func parseLSN(s string) (int64, error) {
	hi, lo, ok := strings.Cut(s, "/")
	h, err1 := strconv.ParseUint(hi, 16, 32)
	l, err2 := strconv.ParseUint(lo, 16, 32)
	if !ok || err1 != nil || err2 != nil {
		return 0, badText("pg_lsn", s)
	}
	return int64(h<<32 | l), nil
}

func parseMoney(s string) (int64, error) {
	clean := strings.NewReplacer("$", "", ",", "", " ", "").Replace(s)
	neg := strings.HasPrefix(clean, "(") && strings.HasSuffix(clean, ")")
	d, err := decimal.Parse(strings.Trim(clean, "()"))
	if err != nil || !d.IsFinite() {
		return 0, badText("money", s)
	}
	if neg {
		d = d.Neg()
	}
	if d, err = d.Mul(decimal.FromInt64(100)); err == nil {
		if v, ok := d.Round(0).Int64(); ok {
			return v, nil
		}
	}
	return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value \"%s\" is out of range for type money", s)
}

// regMissing are the messages for names that are not there, by kind.
var regMissing = map[OID]struct {
	code pgerr.Code
	what string
}{
	Regproc: {pgerr.UndefinedFunction, "function"}, Regproced: {pgerr.UndefinedFunction, "function"},
	Regoper: {pgerr.UndefinedFunction, "operator"}, Regoperator: {pgerr.UndefinedFunction, "operator"},
	Regclass: {pgerr.UndefinedTable, "relation"}, Regtype: {pgerr.UndefinedObject, "type"},
	Regrole: {pgerr.UndefinedObject, "role"}, Regnsp: {pgerr.InvalidSchemaName, "schema"},
	Regconfig:     {pgerr.UndefinedObject, "text search configuration"},
	Regdictionary: {pgerr.UndefinedObject, "text search dictionary"}, Regcollation: {pgerr.UndefinedObject, "collation"},
}

// ReadsNames reports whether text of a type may have names in it that Env.RegLookup is asked for.
func ReadsNames(oid OID) bool {
	info := Lookup(oid)
	if info.Elem != 0 && info.Kind == vec.List {
		return ReadsNames(info.Elem)
	}
	_, reg := regMissing[oid]
	return reg || info.Kind == vec.Struct || IsComposite(oid)
}

func parseReg(kind OID, s string, env *Env) (int64, error) {
	name := trimSpace(s)
	if name == "-" {
		return 0, nil
	}
	if name != "" && strings.Trim(name, "0123456789") == "" {
		return parseOID(name, "oid")
	}
	if kind == Regtype {
		if i, ok := ByName(strings.TrimPrefix(strings.ToLower(name), "pg_catalog.")); ok {
			return int64(i.OID), nil
		}
	}
	if env.RegLookup != nil {
		if oid, ok := env.RegLookup(kind, name); ok {
			return int64(oid), nil
		}
	}
	m := regMissing[kind]
	if kind == Regoper || kind == Regoperator {
		return 0, pgerr.New(m.code, "operator does not exist: %s", name)
	}
	return 0, pgerr.New(m.code, "%s \"%s\" does not exist", m.what, strings.ReplaceAll(name, "\"", ""))
}

func parseNumeric(t Type, s []byte, b *vec.Builder) error {
	d, err := decimal.ParseBytes(s)
	switch {
	case errors.Is(err, decimal.ErrOverflow):
		return pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format")
	case err != nil:
		return badText("numeric", string(s))
	}
	if d, err = AdjustNumeric(d, t.Mod); err != nil {
		return err
	}
	b.AppendDecimal(d)
	return nil
}

func parseBytesText(dst []byte, t Type, s string) ([]byte, error) {
	switch t.OID {
	case Bytea:
		return ParseBytea(dst, s)
	case UUID:
		return ParseUUID(dst, s)
	case JSONB:
		return parseJSONB(dst, []byte(s))
	case JSON:
		return parseJSON(dst, s)
	case Inet, Cidr:
		return parseInet(dst, s, Lookup(t.OID).Name, t.OID == Cidr)
	case MacAddr:
		return parseMAC(dst, s)
	case Bit, Varbit:
		start := len(dst)
		out, err := parseBits(dst, s)
		if err != nil {
			return nil, err
		}
		return fitBits(out, start, t, false)
	case Char:
		return append(dst, parseChar(s)), nil
	}
	if !utf8.ValidString(s) {
		return nil, badEncoding(s)
	}
	switch t.OID {
	case Name:
		return append(dst, TruncateName(s)...), nil
	case BPChar, Varchar:
		return fitText(append(dst, s...), len(dst), t, false)
	case JSONPath:
		p, err := ParsePath(s)
		if err != nil {
			return nil, err
		}
		return p.Append(dst), nil
	}
	return append(dst, s...), nil
}

func parseJSONB(dst, s []byte) ([]byte, error) {
	out, err := jsonb.Parse(dst, s)
	return out, JSONError(err)
}

// parseChar reads a "char": \ooo for any byte, else the first byte of the text.
func parseChar(s string) byte {
	switch {
	case s == "":
		return 0
	case len(s) == 4 && s[0] == '\\' && s[1] <= '3' && octal(s[1]) && octal(s[2]) && octal(s[3]):
		return (s[1]-'0')<<6 | (s[2]-'0')<<3 | (s[3] - '0')
	}
	return s[0]
}

func badEncoding(s string) error {
	for i, r := range s {
		if r != utf8.RuneError {
			continue
		}
		if _, n := utf8.DecodeRuneInString(s[i:]); n > 1 {
			continue
		}
		msg := ""
		for _, c := range []byte(s[i:min(i+1, len(s))]) {
			msg += " 0x" + string([]byte{hexDigits[c>>4], hexDigits[c&15]})
		}
		return pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\":%s", msg)
	}
	return nil
}

// TruncateName cuts an identifier to the 63 bytes that a name has, not inside a character.
func TruncateName(s string) string {
	if len(s) <= 63 {
		return s
	}
	n := 63
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// parseJSON checks text of type json, which is kept as it was written.
func parseJSON(dst []byte, s string) ([]byte, error) {
	_, err := jsonb.Parse(nil, []byte(s))
	var je *jsonb.Error
	if errors.As(err, &je) && (je.Code == jsonb.CodeUntranslatable && strings.Contains(s, "\\u0000") || je.Code == jsonb.CodeOutOfRange) {
		err = nil
	}
	if err != nil {
		return nil, JSONError(err)
	}
	return append(dst, s...), nil
}

// JSONError makes an SQL error of one of package jsonb; other errors and nil pass.
func JSONError(err error) error {
	if err == nil {
		return nil
	}
	var je *jsonb.Error
	if !errors.As(err, &je) {
		return err
	}
	return &pgerr.Error{Code: pgerr.Code(je.Code), Message: je.Message, Detail: je.Detail, Hint: je.Hint, Where: je.Context}
}
