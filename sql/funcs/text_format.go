package funcs

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// quotedWords are the key words that must be quoted as identifiers: all but the unreserved ones.
var quotedWords = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`all analyse analyze and any array as asc asymmetric authorization between bigint binary bit
		boolean both case cast char character check coalesce collate collation column concurrently constraint create cross
		current_catalog current_date current_role current_schema current_time current_timestamp current_user dec decimal default
		deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest
		group grouping having ilike in initially inner inout int integer intersect interval into is isnull join lateral leading
		least left like limit localtime localtimestamp national natural nchar none normalize not notnull null nullif numeric
		offset on only or order out outer overlaps overlay placing position precision primary real references returning right
		row select session_user setof similar smallint some substring symmetric table tablesample then time timestamp to
		trailing treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes
		xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`) {
		m[w] = true
	}
	return m
}()

// QuoteIdent is quote_ident.
func QuoteIdent(s string) string { return string(appendIdent(nil, []byte(s))) }

// appendIdent writes a name, in double quotes where it needs them.
func appendIdent(dst, s []byte) []byte {
	safe := len(s) > 0 && !('0' <= s[0] && s[0] <= '9') && !quotedWords[string(s)]
	for _, c := range s {
		safe = safe && (c == '_' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9')
	}
	if safe {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	dst = append(dst, bytes.ReplaceAll(s, []byte{'"'}, []byte(`""`))...)
	return append(dst, '"')
}

// QuoteLiteral is a text as a literal of SQL.
func QuoteLiteral(s string) string { return string(appendLiteral(nil, []byte(s))) }

// appendLiteral writes a literal; one with backslashes is written as E'…'.
func appendLiteral(dst, s []byte) []byte {
	if bytes.IndexByte(s, '\\') >= 0 {
		dst = append(dst, 'E')
	}
	dst = append(dst, '\'')
	for _, c := range s {
		if c == '\'' || c == '\\' {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return append(dst, '\'')
}

func formatError(message string, args ...any) *pgerr.Error {
	return pgerr.New(pgerr.InvalidParameterValue, message, args...)
}

const percentHint = `For a single "%%" use "%%%%".`

var errTooFew = formatError("too few arguments for format()")

// formatter reads the template of format().
type formatter struct {
	c     *Ctx
	types []datum.Type
	a     []*vec.Column
	row   int
	s     []byte
	next  int // argument taken last by position
}

func formatText(c *Ctx, types []datum.Type, a []*vec.Column, i int, b *vec.Builder) error {
	if a[0].Null(i) {
		b.AppendNull()
		return nil
	}
	f := &formatter{c: c, types: types, a: a, row: i, s: a[0].Bytes(i)}
	return b.AppendWith(f.run)
}

func (f *formatter) run(dst []byte) ([]byte, error) {
	for len(f.s) > 0 {
		at := bytes.IndexByte(f.s, '%')
		if at < 0 {
			return append(dst, f.s...), nil
		}
		dst = append(dst, f.s[:at]...)
		f.s = f.s[at+1:]
		if len(f.s) > 0 && f.s[0] == '%' {
			dst, f.s = append(dst, '%'), f.s[1:]
			continue
		}
		var err error
		if dst, err = f.directive(dst); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// number reads digits; false if there are none.
func (f *formatter) number() (int, bool, error) {
	n := 0
	for n < len(f.s) && '0' <= f.s[n] && f.s[n] <= '9' {
		n++
	}
	if n == 0 {
		return 0, false, nil
	}
	v, err := strconv.ParseInt(string(f.s[:n]), 10, 32)
	if err != nil {
		return 0, false, pgerr.New(pgerr.NumericValueOutOfRange, "number is out of range")
	}
	f.s = f.s[n:]
	return int(v), true, nil
}

// position reads n$; 0 if there is none.
func (f *formatter) position() (arg, width int, hasWidth bool, err error) {
	v, ok, err := f.number()
	if err != nil || !ok {
		return 0, 0, false, err
	}
	if len(f.s) == 0 || f.s[0] != '$' {
		return 0, v, true, nil
	}
	f.s = f.s[1:]
	if v == 0 {
		return 0, 0, false, formatError("format specifies argument 0, but arguments are numbered from 1")
	}
	return v, 0, false, nil
}

// take names the argument: the one asked for, or the next one.
func (f *formatter) take(arg int) (int, error) {
	if arg == 0 {
		arg = f.next + 1
	}
	f.next = arg
	if arg >= len(f.a) {
		return 0, errTooFew
	}
	return arg, nil
}

// widthArg is a width given by an argument: its value, null counts as 0.
func (f *formatter) widthArg() (int, error) {
	f.s = f.s[1:]
	arg, _, bare, err := f.position()
	if err != nil {
		return 0, err
	}
	if bare {
		return 0, formatError("width argument position must be ended by \"$\"")
	}
	if arg, err = f.take(arg); err != nil || f.a[arg].Null(f.row) {
		return 0, err
	}
	if f.a[arg].Kind == vec.Int64 {
		return int(f.a[arg].Int(f.row)), nil
	}
	text := datum.AppendText(nil, f.types[arg], f.a[arg], f.row, f.c.Env)
	v, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return 0, pgerr.New(pgerr.InvalidTextRepresentation, `invalid input syntax for type integer: "%s"`, text)
	}
	return int(v), nil
}

// directive writes what stands after a %.
func (f *formatter) directive(dst []byte) ([]byte, error) {
	arg, width, done, err := f.position()
	left := false
	for !done && len(f.s) > 0 && f.s[0] == '-' {
		left, f.s = true, f.s[1:]
	}
	if err == nil && !done && len(f.s) > 0 {
		if f.s[0] == '*' {
			width, err = f.widthArg()
		} else {
			width, _, err = f.number()
		}
	}
	if err != nil {
		return nil, err
	}
	if width < 0 {
		if width == math.MinInt32 {
			return nil, pgerr.New(pgerr.NumericValueOutOfRange, "number is out of range")
		}
		left, width = true, -width
	}
	if len(f.s) == 0 {
		return nil, formatError("unterminated format() type specifier").WithHint(percentHint)
	}
	kind, w := utf8.DecodeRune(f.s)
	f.s = f.s[w:]
	if kind != 's' && kind != 'I' && kind != 'L' {
		return nil, formatError(`unrecognized format() type specifier "%c"`, kind).WithHint(percentHint)
	}
	if arg, err = f.take(arg); err != nil {
		return nil, err
	}
	text, err := f.value(kind, arg)
	if err != nil {
		return nil, err
	}
	if err := f.c.Allow(int64(max(width, len(text)) + len(dst))); err != nil {
		return nil, err
	}
	fill := bytes.Repeat([]byte(" "), max(width-charCount(text), 0))
	if left {
		return append(append(dst, text...), fill...), nil
	}
	return append(append(dst, fill...), text...), nil
}

func (f *formatter) value(kind rune, arg int) ([]byte, error) {
	if f.a[arg].Null(f.row) {
		switch kind {
		case 'I':
			return nil, pgerr.New(pgerr.NullValueNotAllowed, "null values cannot be formatted as an SQL identifier")
		case 'L':
			return []byte("NULL"), nil
		}
		return nil, nil
	}
	text := datum.AppendText(nil, f.types[arg], f.a[arg], f.row, f.c.Env)
	switch kind {
	case 'I':
		return appendIdent(nil, text), nil
	case 'L':
		return appendLiteral(nil, text), nil
	}
	return text, nil
}

var (
	errUnicodeEscape = pgerr.New(pgerr.SyntaxError, "invalid Unicode escape").WithHint(`Unicode escapes must be \XXXX, \+XXXXXX, \uXXXX, or \UXXXXXXXX.`)
	errSurrogate     = pgerr.New(pgerr.SyntaxError, "invalid Unicode surrogate pair")
)

// unicodeEscape reads an escape after the backslash.
func unicodeEscape(s []byte) (r rune, size int, ok bool) {
	skip, n := 0, 4
	switch {
	case len(s) > 0 && s[0] == 'u':
		skip = 1
	case len(s) > 0 && s[0] == 'U':
		skip, n = 1, 8
	case len(s) > 0 && s[0] == '+':
		skip, n = 1, 6
	}
	if len(s) < skip+n || bytes.ContainsAny(s[skip:skip+n], "+-_") {
		return 0, 0, false
	}
	v, err := strconv.ParseUint(string(s[skip:skip+n]), 16, 32)
	return rune(v), skip + n, err == nil
}

func unistr(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	high := rune(0)
	for s := a[0].Bytes(i); len(s) > 0; {
		if s[0] != '\\' || len(s) > 1 && s[1] == '\\' {
			if high != 0 {
				return nil, errSurrogate
			}
			if s[0] == '\\' {
				s = s[1:]
			}
			dst, s = append(dst, s[0]), s[1:]
			continue
		}
		r, n, ok := unicodeEscape(s[1:])
		switch {
		case !ok:
			return nil, errUnicodeEscape
		case r <= 0 || r > unicode.MaxRune:
			return nil, formatError("invalid Unicode code point: %04X", uint32(r))
		}
		low := 0xdc00 <= r && r < 0xe000
		if low != (high != 0) {
			return nil, errSurrogate
		}
		s = s[1+n:]
		switch {
		case low:
			dst, high = utf8.AppendRune(dst, (high-0xd800)<<10+(r-0xdc00)+0x10000), 0
		case 0xd800 <= r && r < 0xdc00:
			high = r
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	if high != 0 {
		return nil, errSurrogate
	}
	return dst, nil
}
