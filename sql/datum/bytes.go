package datum

import (
	"encoding/hex"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
)

const hexDigits = "0123456789abcdef"

func appendBytea(dst, v []byte, env *Env) []byte {
	if !env.orDefault().ByteaEscape {
		return hex.AppendEncode(append(dst, '\\', 'x'), v)
	}
	for _, c := range v {
		switch {
		case c == '\\':
			dst = append(dst, '\\', '\\')
		case c < 0x20 || c > 0x7e:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// ParseBytea appends what the text form of a bytea stands for.
func ParseBytea(dst []byte, s string) ([]byte, error) {
	if strings.HasPrefix(s, "\\x") {
		return DecodeHex(dst, s[2:])
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			dst = append(dst, s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			dst = append(dst, '\\')
			i++
		case i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '3' && octal(s[i+2]) && octal(s[i+3]):
			dst = append(dst, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
	}
	return dst, nil
}

func octal(c byte) bool { return '0' <= c && c <= '7' }

func hexValue(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|32 && c|32 <= 'f':
		return c | 32 - 'a' + 10, true
	}
	return 0, false
}

// DecodeHex appends the bytes that hexadecimal text stands for; white space between digit pairs is skipped.
func DecodeHex(dst []byte, s string) ([]byte, error) {
	for i := 0; i < len(s); i++ {
		if isSpace(s[i]) {
			continue
		}
		hi, ok := hexValue(s[i])
		if !ok {
			return nil, badHex(s[i:])
		}
		if i++; i == len(s) {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
		}
		lo, ok := hexValue(s[i])
		if !ok {
			return nil, badHex(s[i:])
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst, nil
}

func badHex(s string) error {
	for n := range s {
		if n > 0 {
			s = s[:n]
			break
		}
	}
	return pgerr.New(pgerr.InvalidParameterValue, "invalid hexadecimal digit: \"%s\"", s)
}

func appendUUID(dst, v []byte) []byte {
	if len(v) != 16 {
		return hex.AppendEncode(dst, v)
	}
	for i, c := range v {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// ParseUUID appends the 16 bytes of a uuid: hyphens may stand after every fourth digit, braces around it.
func ParseUUID(dst []byte, text string) ([]byte, error) {
	bad := func() ([]byte, error) {
		return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type uuid: \"%s\"", text)
	}
	s := text
	if strings.HasPrefix(s, "{") {
		if !strings.HasSuffix(s, "}") {
			return bad()
		}
		s = s[1 : len(s)-1]
	}
	for i := range 16 {
		if len(s) < 2 {
			return bad()
		}
		hi, ok1 := hexValue(s[0])
		lo, ok2 := hexValue(s[1])
		if !ok1 || !ok2 {
			return bad()
		}
		dst = append(dst, hi<<4|lo)
		s = s[2:]
		if i%2 == 1 && i < 15 && s != "" && s[0] == '-' {
			s = s[1:]
		}
	}
	if s != "" {
		return bad()
	}
	return dst, nil
}

// parseBits appends the digits of a bit string, written B'…' style as b101, hexadecimal as x1f, or plain.
func parseBits(dst []byte, s string) ([]byte, error) {
	if s != "" && s[0]|32 == 'x' {
		for _, c := range []byte(s[1:]) {
			v, ok := hexValue(c)
			if !ok {
				return nil, pgerr.New(pgerr.InvalidTextRepresentation, "\"%c\" is not a valid hexadecimal digit", c)
			}
			for b := 3; b >= 0; b-- {
				dst = append(dst, '0'+v>>b&1)
			}
		}
		return dst, nil
	}
	if s != "" && s[0]|32 == 'b' {
		s = s[1:]
	}
	for _, c := range []byte(s) {
		if c != '0' && c != '1' {
			return nil, pgerr.New(pgerr.InvalidTextRepresentation, "\"%c\" is not a valid binary digit", c)
		}
		dst = append(dst, c)
	}
	return dst, nil
}
