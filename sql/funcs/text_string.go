package funcs

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"golang.org/x/text/unicode/norm"
)

var (
	errNegativeLength = pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
)

func charCount(s []byte) int         { return utf8.RuneCount(s) }
func hasPrefix(s, start []byte) bool { return bytes.HasPrefix(s, start) }

// charOffset is where character n (from 0) begins; the length if there are fewer.
func charOffset(s []byte, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		if s[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, w := utf8.DecodeRune(s[at:])
		at += w
	}
	return at
}

// charIndex is the position of sub in s in characters from 1, 0 if absent.
func charIndex(s, sub []byte) int {
	at := bytes.Index(s, sub)
	if at < 0 {
		return 0
	}
	return charCount(s[:at]) + 1
}

func appendLower(dst, s []byte) []byte { return appendMapped(dst, s, unicode.ToLower) }
func appendUpper(dst, s []byte) []byte { return appendMapped(dst, s, unicode.ToUpper) }

func appendMapped(dst, s []byte, f func(rune) rune) []byte {
	for len(s) > 0 {
		r, w := utf8.DecodeRune(s)
		dst = utf8.AppendRune(dst, f(r))
		s = s[w:]
	}
	return dst
}

func initcap(dst, s []byte) []byte {
	inside := false
	return appendMapped(dst, s, func(r rune) rune {
		was := inside
		inside = unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Mc, r)
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	})
}

func reverse(dst, s []byte) []byte {
	for len(s) > 0 {
		_, w := utf8.DecodeLastRune(s)
		dst = append(dst, s[len(s)-w:]...)
		s = s[:len(s)-w]
	}
	return dst
}

var normalForms = map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}

func normalForm(name []byte) (norm.Form, error) {
	f, ok := normalForms[string(bytes.ToUpper(name))]
	if !ok {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid normalization form: %s", name)
	}
	return f, nil
}

func normalize(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	f, err := normalForm(a[1].Bytes(i))
	if err != nil {
		return nil, err
	}
	return append(dst, f.Bytes(a[0].Bytes(i))...), nil
}

func isNormalized(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	f, err := normalForm(a[1].Bytes(i))
	if err != nil {
		return err
	}
	b.AppendBool(f.IsNormal(a[0].Bytes(i)))
	return nil
}

// trimSet cuts off the characters of set.
func trimSet(s, set []byte, left, right bool) []byte {
	in := func(ch []byte) bool { return bytes.Contains(set, ch) }
	for left && len(s) > 0 {
		_, w := utf8.DecodeRune(s)
		if !in(s[:w]) {
			break
		}
		s = s[w:]
	}
	for right && len(s) > 0 {
		_, w := utf8.DecodeLastRune(s)
		if !in(s[len(s)-w:]) {
			break
		}
		s = s[:len(s)-w]
	}
	return s
}

// span clips the range of count units from position start (from 1) to [0, n); without count it goes to the end.
func span(start, count int64, counted bool, n int) (from, to int, err error) {
	end := int64(n) + 1
	if counted {
		if count < 0 {
			return 0, 0, errNegativeLength
		}
		end = min(end, start+count)
	}
	start = min(max(start, 1), int64(n)+1)
	return int(start - 1), int(max(end, start) - 1), nil
}

// substring is substring(text, start [, count]).
func substring(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, start, count := a[0].Bytes(i), a[1].Int(i), int64(0)
	if len(a) > 2 {
		count = a[2].Int(i)
	}
	from, to, err := span(start, count, len(a) > 2, len(s)) // there are no more characters than bytes
	if err != nil {
		return nil, err
	}
	s = s[charOffset(s, from):]
	return append(dst, s[:charOffset(s, to-from)]...), nil
}

// overlayRange is what overlay replaces, before clipping: [from, to) counted from 0.
func overlayRange(a []*vec.Column, i, count int) (from, to int, err error) {
	start, n := a[2].Int(i), int64(count)
	if len(a) > 3 {
		n = a[3].Int(i)
	}
	if start <= 0 {
		return 0, 0, errNegativeLength
	}
	if v := start + n; v != int64(int32(v)) {
		return 0, 0, pgerr.New(pgerr.NumericValueOutOfRange, "integer out of range")
	}
	return int(start) - 1, int(max(start+n-1, 0)), nil
}

func overlay(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, with := a[0].Bytes(i), a[1].Bytes(i)
	from, to, err := overlayRange(a, i, charCount(with))
	if err != nil {
		return nil, err
	}
	dst = append(dst, s[:charOffset(s, from)]...)
	dst = append(dst, with...)
	return append(dst, s[charOffset(s, to):]...), nil
}

func replaceAll(c *Ctx, dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, old, with := a[0].Bytes(i), a[1].Bytes(i), a[2].Bytes(i)
	start := len(dst)
	for len(old) > 0 {
		at := bytes.Index(s, old)
		if at < 0 {
			break
		}
		if err := c.Allow(int64(len(dst) - start + at + len(with))); err != nil {
			return nil, err
		}
		dst = append(append(dst, s[:at]...), with...)
		s = s[at+len(old):]
	}
	return append(dst, s...), nil
}

func translate(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	from, to := []rune(string(a[1].Bytes(i))), []rune(string(a[2].Bytes(i)))
next:
	for s := a[0].Bytes(i); len(s) > 0; {
		r, w := utf8.DecodeRune(s)
		s = s[w:]
		for k, f := range from {
			if f != r {
				continue
			}
			if k < len(to) {
				dst = utf8.AppendRune(dst, to[k])
			}
			continue next
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}

func splitPart(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, sep, n := a[0].Bytes(i), a[1].Bytes(i), int(a[2].Int(i))
	if n == 0 {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "field position must not be zero")
	}
	fields := [][]byte{s}
	if len(sep) > 0 {
		fields = bytes.Split(s, sep)
	}
	if n < 0 {
		n += len(fields) + 1
	}
	if n < 1 || n > len(fields) {
		return dst, nil
	}
	return append(dst, fields[n-1]...), nil
}

func leftPart(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, n := a[0].Bytes(i), int(a[1].Int(i))
	if n < 0 {
		n = max(charCount(s)+n, 0)
	}
	return append(dst, s[:charOffset(s, n)]...), nil
}

func rightPart(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, n := a[0].Bytes(i), int(a[1].Int(i))
	if n < 0 {
		n = -n
	} else {
		n = max(charCount(s)-n, 0)
	}
	return append(dst, s[charOffset(s, n):]...), nil
}

// pad is lpad and rpad: filled up, or cut off at the end, to the length.
func pad(left bool) Body {
	return growing(func(c *Ctx, dst []byte, a []*vec.Column, i int) ([]byte, error) {
		s, n, fill := a[0].Bytes(i), max(int(a[1].Int(i)), 0), []byte(" ")
		if len(a) > 2 {
			fill = a[2].Bytes(i)
		}
		have := charCount(s)
		if have >= n || len(fill) == 0 {
			return append(dst, s[:charOffset(s, n)]...), nil
		}
		fillChars := charCount(fill)
		size := int64(len(s)) + int64(n-have)*int64(len(fill))/int64(fillChars)
		if err := c.Allow(size); err != nil {
			return nil, err
		}
		dst = slices.Grow(dst, int(size))
		if !left {
			dst = append(dst, s...)
		}
		for need := n - have; need > 0; need -= fillChars {
			dst = append(dst, fill[:charOffset(fill, need)]...)
		}
		if left {
			dst = append(dst, s...)
		}
		return dst, nil
	})
}

func repeat(c *Ctx, dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, n := a[0].Bytes(i), max(int(a[1].Int(i)), 0)
	if err := c.Allow(int64(len(s)) * int64(n)); err != nil {
		return nil, err
	}
	start, end := len(dst), len(dst)+len(s)*n
	dst = append(slices.Grow(dst, end-start), s[:min(len(s), end-start)]...)
	for len(dst) < end { // what is there already doubles each time
		dst = append(dst, dst[start:min(len(dst), start+end-len(dst))]...)
	}
	return dst, nil
}

func firstCode(s []byte) int {
	if len(s) == 0 {
		return 0
	}
	r, _ := utf8.DecodeRune(s)
	return int(r)
}

func chr(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	switch v := a[0].Int(i); {
	case v < 0:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "character number must be positive")
	case v == 0:
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "null character not permitted")
	case v > unicode.MaxRune:
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "requested character too large for encoding: %d", v)
	case !utf8.ValidRune(rune(v)):
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "requested character not valid for encoding: %d", v)
	default:
		return utf8.AppendRune(dst, rune(v)), nil
	}
}
