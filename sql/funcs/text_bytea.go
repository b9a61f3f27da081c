package funcs

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

func byteaFuncs() []Func {
	trim := func(left, right bool) Body {
		return textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
			s, set := a[0].Bytes(i), a[1].Bytes(i)
			for left && len(s) > 0 && bytes.IndexByte(set, s[0]) >= 0 {
				s = s[1:]
			}
			for right && len(s) > 0 && bytes.IndexByte(set, s[len(s)-1]) >= 0 {
				s = s[:len(s)-1]
			}
			return append(dst, s...), nil
		})
	}
	part := textBody(byteSubstring)
	out := []Func{
		textRow(2015, "btrim", "yy", "y", "without those bytes at both ends", trim(true, true)),
		textRow(6195, "ltrim", "yy", "y", "without those bytes at the start", trim(true, false)),
		textRow(6196, "rtrim", "yy", "y", "without those bytes at the end", trim(false, true)),
		textRow(2012, "substring", "yii", "y", "so many bytes from the position on", part), textRow(2013, "substring", "yi", "y", "bytes from the position on", part),
		textRow(2085, "substr", "yii", "y", "so many bytes from the position on", part), textRow(2086, "substr", "yi", "y", "bytes from the position on", part),
		textRow(2014, "position", "yy", "i", "position of the second in the first, 0 if absent", textInt(func(a []*vec.Column, i int) (int, error) {
			return bytes.Index(a[0].Bytes(i), a[1].Bytes(i)) + 1, nil
		})),
		textRow(749, "overlay", "yyii", "y", "with that many bytes from the position on replaced", textBody(byteOverlay)),
		textRow(752, "overlay", "yyi", "y", "with as many bytes from the position on replaced", textBody(byteOverlay)),
		textRow(721, "get_byte", "yi", "i", "byte at the position, from 0", textInt(getByte), `get_byte('\x1234', 1)`, "52"),
		textRow(722, "set_byte", "yii", "y", "with the byte at the position replaced", textBody(setByte)),
		textRow(723, "get_bit", "yl", "i", "bit at the position, from 0", textInt(getByteBit), `get_bit('\x1234', 1)`, "1"),
		textRow(724, "set_bit", "yli", "y", "with the bit at the position replaced", textBody(setByteBit)),
		textRow(6163, "bit_count", "y", "l", "bits that are set", textCount(func(s []byte) (n int) {
			for _, c := range s {
				n += bits.OnesCount8(c)
			}
			return n
		})),
		textRow(1946, "encode", "yt", "t", "as text in the format hex, base64 or escape", textBody(encode), `encode('\x1234', 'hex')`, "1234"),
		textRow(1947, "decode", "tt", "y", "bytes from text in the format hex, base64 or escape", textBody(decode), `decode('MTIz', 'base64')`, `\x313233`),
		textRow(1714, "convert_from", "yn", "t", "text from bytes in the encoding", textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
			s, err := fromEncoding(a[0].Bytes(i), string(a[1].Bytes(i)))
			return append(dst, s...), err
		})),
		textRow(1717, "convert_to", "tn", "y", "bytes of text in the encoding", textBody(toEncoding)),
	}
	for i := range out {
		if strings.HasPrefix(out[i].Name, "convert_") {
			out[i].Volatile = Stable
		}
	}
	return out
}

func byteSubstring(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, count := a[0].Bytes(i), int64(0)
	if len(a) > 2 {
		count = a[2].Int(i)
	}
	from, to, err := span(a[1].Int(i), count, len(a) > 2, len(s))
	if err != nil {
		return nil, err
	}
	return append(dst, s[from:to]...), nil
}

func byteOverlay(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, with := a[0].Bytes(i), a[1].Bytes(i)
	from, to, err := overlayRange(a, i, len(with))
	if err != nil {
		return nil, err
	}
	dst = append(append(dst, s[:min(from, len(s))]...), with...)
	return append(dst, s[min(to, len(s)):]...), nil
}

func checkIndex(s []byte, at int64) error {
	if at < 0 || at >= int64(len(s)) {
		return pgerr.New(pgerr.ArraySubscriptError, "index %d out of valid range, 0..%d", at, len(s)-1)
	}
	return nil
}

func getByte(a []*vec.Column, i int) (int, error) {
	s, at := a[0].Bytes(i), a[1].Int(i)
	if err := checkIndex(s, at); err != nil {
		return 0, err
	}
	return int(s[at]), nil
}

func setByte(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, at := a[0].Bytes(i), a[1].Int(i)
	if err := checkIndex(s, at); err != nil {
		return nil, err
	}
	start := len(dst)
	dst = append(dst, s...)
	dst[start+int(at)] = byte(a[2].Int(i))
	return dst, nil
}

func unknownFormat(name []byte) error {
	return pgerr.New(pgerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", name)
}

func encode(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, name := a[0].Bytes(i), a[1].Bytes(i)
	switch strings.ToLower(string(name)) {
	case "hex":
		return hex.AppendEncode(dst, s), nil
	case "base64":
		return appendBase64(dst, s), nil
	case "escape":
		for _, c := range s {
			switch {
			case c == 0 || c >= 0x80:
				dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
			case c == '\\':
				dst = append(dst, '\\', '\\')
			default:
				dst = append(dst, c)
			}
		}
		return dst, nil
	}
	return nil, unknownFormat(name)
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// appendBase64 writes lines of 76 characters; the line end stands after every full line, also the last one.
func appendBase64(dst, s []byte) []byte {
	line := 0
	for ; len(s) >= 3; s = s[3:] {
		v := uint(s[0])<<16 | uint(s[1])<<8 | uint(s[2])
		dst = append(dst, base64Digits[v>>18], base64Digits[v>>12&63], base64Digits[v>>6&63], base64Digits[v&63])
		if line += 4; line >= 76 {
			dst, line = append(dst, '\n'), 0
		}
	}
	switch len(s) {
	case 1:
		v := uint(s[0]) << 16
		dst = append(dst, base64Digits[v>>18], base64Digits[v>>12&63], '=', '=')
	case 2:
		v := uint(s[0])<<16 | uint(s[1])<<8
		dst = append(dst, base64Digits[v>>18], base64Digits[v>>12&63], base64Digits[v>>6&63], '=')
	}
	return dst
}

func decode(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, name := a[0].Bytes(i), a[1].Bytes(i)
	switch strings.ToLower(string(name)) {
	case "hex":
		return datum.DecodeHex(dst, string(s))
	case "base64":
		return decodeBase64(dst, s)
	case "escape":
		return decodeEscape(dst, s)
	}
	return nil, unknownFormat(name)
}

func decodeBase64(dst, s []byte) ([]byte, error) {
	var buf, pos, end int
	for at, c := range s {
		var digit int
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		case '=':
			if end == 0 {
				if pos < 2 {
					return nil, pgerr.New(pgerr.InvalidParameterValue, `unexpected "=" while decoding base64 sequence`)
				}
				end = pos - 1
			}
		default:
			if digit = strings.IndexByte(base64Digits, c); digit < 0 {
				_, w := utf8.DecodeRune(s[at:])
				return nil, pgerr.New(pgerr.InvalidParameterValue, `invalid symbol "%s" found while decoding base64 sequence`, s[at:at+w])
			}
		}
		buf = buf<<6 | digit
		if pos++; pos < 4 {
			continue
		}
		dst = append(dst, byte(buf>>16))
		if end == 0 || end > 1 {
			dst = append(dst, byte(buf>>8))
		}
		if end == 0 {
			dst = append(dst, byte(buf))
		}
		buf, pos = 0, 0
	}
	if pos != 0 {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid base64 end sequence").WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
	}
	return dst, nil
}

func decodeEscape(dst, s []byte) ([]byte, error) {
	octal := func(c, top byte) bool { return '0' <= c && c <= top }
	for len(s) > 0 {
		switch {
		case s[0] != '\\':
			dst, s = append(dst, s[0]), s[1:]
		case len(s) > 3 && octal(s[1], '3') && octal(s[2], '7') && octal(s[3], '7'):
			dst, s = append(dst, (s[1]-'0')<<6|(s[2]-'0')<<3|(s[3]-'0')), s[4:]
		case len(s) > 1 && s[1] == '\\':
			dst, s = append(dst, '\\'), s[2:]
		default:
			return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
	}
	return dst, nil
}

// encodingName is how PostgreSQL compares the names of encodings.
func encodingName(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(name))
}

// fromEncoding reads bytes in an encoding: UTF8, SQL_ASCII or LATIN1.
func fromEncoding(s []byte, name string) ([]byte, error) {
	switch encodingName(name) {
	case "utf8", "unicode", "sqlascii":
		return s, checkUTF8(s)
	case "latin1", "iso88591":
		var out []byte
		for _, c := range s {
			if c == 0 {
				return nil, pgerr.New(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "LATIN1": 0x00`)
			}
			out = utf8.AppendRune(out, rune(c))
		}
		return out, nil
	}
	return nil, pgerr.New(pgerr.InvalidParameterValue, `invalid source encoding name "%s"`, name)
}

func toEncoding(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, name := a[0].Bytes(i), string(a[1].Bytes(i))
	switch encodingName(name) {
	case "utf8", "unicode", "sqlascii":
		return append(dst, s...), nil
	case "latin1", "iso88591":
		for len(s) > 0 {
			r, w := utf8.DecodeRune(s)
			if r > 0xff {
				return nil, pgerr.New(pgerr.UntranslatableCharacter, `character with byte sequence %s in encoding "UTF8" has no equivalent in encoding "LATIN1"`, byteList(s[:w]))
			}
			dst, s = append(dst, byte(r)), s[w:]
		}
		return dst, nil
	}
	return nil, pgerr.New(pgerr.InvalidParameterValue, `invalid destination encoding name "%s"`, name)
}

func byteList(s []byte) string {
	parts := make([]string, len(s))
	for k, c := range s {
		parts[k] = fmt.Sprintf("0x%02x", c)
	}
	return strings.Join(parts, " ")
}

func checkUTF8(s []byte) error {
	for at := 0; at < len(s); {
		r, w := utf8.DecodeRune(s[at:])
		if s[at] != 0 && (r != utf8.RuneError || w > 1) {
			at += w
			continue
		}
		n := 1
		switch c := s[at]; {
		case c >= 0xf0 && c < 0xf8:
			n = 4
		case c >= 0xe0 && c < 0xf0:
			n = 3
		case c >= 0xc0 && c < 0xe0:
			n = 2
		}
		return pgerr.New(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": %s`, byteList(s[at:min(at+n, len(s))]))
	}
	return nil
}

// bitPlace finds a bit, the lowest of each byte first.
func bitPlace(a []*vec.Column, i int) (at int64, mask byte, err error) {
	k, bits := a[1].Int(i), 8*int64(len(a[0].Bytes(i)))
	if k < 0 || k >= bits {
		return 0, 0, pgerr.New(pgerr.ArraySubscriptError, "index %d out of valid range, 0..%d", k, bits-1)
	}
	return k / 8, 1 << (k % 8), nil
}

func getByteBit(a []*vec.Column, i int) (int, error) {
	at, mask, err := bitPlace(a, i)
	if err != nil || a[0].Bytes(i)[at]&mask == 0 {
		return 0, err
	}
	return 1, nil
}

func setByteBit(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	at, mask, err := bitPlace(a, i)
	if err != nil {
		return nil, err
	}
	start := int64(len(dst))
	dst = append(dst, a[0].Bytes(i)...)
	switch a[2].Int(i) {
	case 0:
		dst[start+at] &^= mask
	case 1:
		dst[start+at] |= mask
	default:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "new bit must be 0 or 1")
	}
	return dst, nil
}
