package jsonb

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"math/bits"
	"sort"
	"sync"

	"github.com/allsource-db/allsource/vec/decimal"
)

type parser struct {
	scan  Scanner
	build Builder
}

var parsers = sync.Pool{New: func() any { return new(parser) }}

// Parse appends the encoding of a JSON text, read as jsonb_in reads it. The error
// is an *Error, and dst is unchanged then.
func Parse(dst []byte, text []byte) ([]byte, error) {
	p := parsers.Get().(*parser)
	defer func() {
		p.scan.data, p.scan.bytes, p.scan.num = nil, nil, Num{}
		parsers.Put(p)
	}()
	p.scan.Reset(text)
	p.build.Reset()
	for {
		t, err := p.scan.Next()
		if err != nil {
			return dst, err
		}
		if t == TokEOF {
			return p.build.AppendTo(dst), nil
		}
		if err := p.build.Token(&p.scan, t); err != nil {
			return dst, err
		}
	}
}

// Token adds what the Scanner just found. The error is an *Error when a number is
// out of range.
func (b *Builder) Token(s *Scanner, t Token) error {
	switch t {
	case TokBeginObject:
		b.BeginObject()
	case TokBeginArray:
		b.BeginArray()
	case TokEndObject, TokEndArray:
		b.End()
	case TokKey:
		b.KeyBytes(s.Bytes())
	case TokString:
		b.StringBytes(s.Bytes())
	case TokTrue, TokFalse:
		b.Bool(t == TokTrue)
	case TokNull:
		b.Null()
	case TokNumber:
		if err := b.Num(s.Num()); err != nil {
			e := *err.(*Error)
			e.Offset = s.Offset()
			return &e
		}
	}
	return nil
}

// AppendText appends the text of jsonb_out.
func AppendText(dst []byte, v Value) []byte { return appendText(dst, v, ": ", ", ", false) }

// AppendCanonical appends the form that hashes are taken of: no blanks, keys in
// code-point order, numbers as jsonb prints them, strings escaped only where JSON
// demands it.
func AppendCanonical(dst []byte, v Value) []byte { return appendText(dst, v, ":", ",", true) }

func appendText(dst []byte, v Value, colon, comma string, byCode bool) []byte {
	switch v[0] & 0xf {
	case tagArray:
		h := v.head()
		dst = append(dst, '[')
		for i := range h.n {
			if i > 0 {
				dst = append(dst, comma...)
			}
			dst = appendText(dst, h.val(i), colon, comma, byCode)
		}
		return append(dst, ']')
	case tagObject:
		h := v.head()
		dst = append(dst, '{')
		var order []int
		if byCode {
			order = h.codeOrder()
		}
		for i := range h.n {
			if i > 0 {
				dst = append(dst, comma...)
			}
			if byCode {
				i = order[i]
			}
			dst = AppendQuoted(dst, h.key(i))
			dst = append(dst, colon...)
			dst = appendText(dst, h.val(i), colon, comma, byCode)
		}
		return append(dst, '}')
	}
	return appendScalar(dst, v)
}

func (h *head) codeOrder() []int {
	order := make([]int, h.n)
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return bytes.Compare(h.key(order[i]), h.key(order[j])) < 0 })
	return order
}

func appendScalar(dst []byte, v Value) []byte {
	switch v[0] & 0xf {
	case tagNull:
		return append(dst, "null"...)
	case tagFalse:
		return append(dst, "false"...)
	case tagTrue:
		return append(dst, "true"...)
	case tagString:
		return AppendQuoted(dst, StringBytes(v))
	case tagBig:
		return appendLarge(dst, v)
	}
	return decimal.New(scaled(v)).AppendText(dst)
}

func appendLarge(dst []byte, v Value) []byte {
	neg, scale, zeros, mag := large(v)
	if neg {
		dst = append(dst, '-')
	}
	begin := len(dst)
	dst = new(big.Int).SetBytes(mag).Append(dst, 10)
	dst = append(dst, bytes.Repeat([]byte{'0'}, zeros)...)
	if missing := int(scale) + 1 - (len(dst) - begin); missing > 0 {
		digits := append([]byte(nil), dst[begin:]...)
		dst = append(append(dst[:begin], bytes.Repeat([]byte{'0'}, missing)...), digits...)
	}
	if scale > 0 {
		point := len(dst) - int(scale)
		dst = append(dst, 0)
		copy(dst[point+1:], dst[point:])
		dst[point] = '.'
	}
	return dst
}

// AppendQuoted appends s as a JSON string the way escape_json does.
func AppendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		if i+8 <= len(s) {
			m := special(binary.LittleEndian.Uint64(s[i:]))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		i++
		from = i
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// AppendAsText appends what ->> gives: strings bare, other values as text. It is
// false, for SQL NULL, when v is JSON null.
func AppendAsText(dst []byte, v Value) ([]byte, bool) {
	switch v[0] {
	case tagNull:
		return dst, false
	case tagString:
		return append(dst, StringBytes(v)...), true
	}
	return AppendText(dst, v), true
}

// Pretty appends the text of jsonb_pretty.
func Pretty(dst []byte, v Value) []byte { return pretty(dst, v, 0) }

func pretty(dst []byte, v Value, depth int) []byte {
	kind := v.Kind()
	if kind < Array {
		return appendScalar(dst, v)
	}
	h := v.head()
	open, end := byte('['), byte(']')
	if kind == Object {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	for i := range h.n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = newline(dst, depth+1)
		if kind == Object {
			dst = append(AppendQuoted(dst, h.key(i)), ": "...)
		}
		dst = pretty(dst, h.val(i), depth+1)
	}
	return append(newline(dst, depth), end)
}

func newline(dst []byte, depth int) []byte {
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, "    "...)
	}
	return dst
}
