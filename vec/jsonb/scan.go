package jsonb

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/allsource-db/allsource/vec/decimal"
)

// Num is a number token: its text, and its value when that is Mantissa / 10^Scale
// with an int64 mantissa and a scale of 0..decimal.MaxScale.
type Num struct {
	Raw      []byte
	Mantissa int64
	Scale    int32
	Exact    bool // Mantissa and Scale hold the value
}

// Dec gives the value, or an *Error when it is out of numeric's range.
func (n Num) Dec() (decimal.Dec, error) {
	if n.Exact {
		return decimal.New(n.Mantissa, n.Scale), nil
	}
	d, err := decimal.ParseBytes(n.Raw)
	if err != nil {
		return d, overflow()
	}
	return d, nil
}

func overflow() *Error {
	return &Error{Code: CodeOutOfRange, Offset: -1, Message: decimal.ErrOverflow.Error()}
}

// What may come next.
const (
	wantValue      = iota // a value
	wantFirstElem         // a value or ]
	wantFirstKey          // a key or }
	wantCommaOrEnd        // after a value
)

// Scanner takes JSON text apart without building anything. It checks the whole
// syntax, escapes and UTF-8 of what it passes over, and accepts what PostgreSQL's
// jsonb accepts. Use: Reset, then Next until TokEOF or an error.
type Scanner struct {
	data    []byte
	pos     int
	start   int // of the last token
	depth   int
	want    uint8
	last    Token
	bytes   []byte
	num     Num
	scratch []byte
	err     error
	objects [MaxDepth/64 + 1]uint64 // bit d: the container at depth d is an object
}

// Reset starts on text, which must not change while the Scanner is used.
func (s *Scanner) Reset(text []byte) {
	s.data, s.pos, s.start, s.depth = text, 0, 0, 0
	s.want, s.last, s.err = wantValue, TokEOF, nil
}

// ResetAt starts in the middle of a text: within so many objects, and no arrays, right after a value, or, if value is set,
// right before one. The caller knows that what is before at is right. depth is less than 64.
func (s *Scanner) ResetAt(text []byte, at, depth int, value bool) {
	s.Reset(text)
	s.pos, s.depth = at, depth
	s.objects[0] = 1<<(depth+1) - 1
	if !value {
		s.want = wantCommaOrEnd
	}
}

// End gives where the last token ends; of a key, after its colon.
func (s *Scanner) End() int { return s.pos }

// Bytes gives the content of the last key or string. It is part of the text, or
// of a buffer that the next call of Next or Skip may overwrite.
func (s *Scanner) Bytes() []byte { return s.bytes }

// Num gives the last number; Raw is part of the text.
func (s *Scanner) Num() Num { return s.num }

// Offset gives where the last token begins.
func (s *Scanner) Offset() int { return s.start }

// Depth gives how many containers are open.
func (s *Scanner) Depth() int { return s.depth }

// Next gives the next token; TokEOF after one whole value and nothing but blanks
// behind it. Errors are *Error and stay.
func (s *Scanner) Next() (Token, error) {
	data, i := s.data, s.pos
	for {
		for i < len(data) && data[i] <= ' ' {
			if c := data[i]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return s.fail()
			}
			i++
		}
		if s.want != wantCommaOrEnd || s.depth == 0 || i >= len(data) || data[i] != ',' {
			break
		}
		i++
		if s.inObject() {
			for i < len(data) && data[i] <= ' ' && data[i] != 0 {
				if c := data[i]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
					return s.fail()
				}
				i++
			}
			return s.key(i)
		}
		s.want = wantValue
	}
	s.start = i
	if i >= len(data) {
		if s.err == nil && s.depth == 0 && s.want == wantCommaOrEnd {
			s.pos = i
			return s.token(TokEOF)
		}
		return s.fail()
	}
	if s.err != nil {
		return TokEOF, s.err
	}
	switch c := data[i]; {
	case s.want == wantCommaOrEnd:
		return s.end(c, i)
	case s.want == wantFirstKey:
		if c == '}' {
			return s.end(c, i)
		}
		return s.key(i)
	case s.want == wantFirstElem && c == ']':
		return s.end(c, i)
	default:
		return s.value(c, i)
	}
}

func (s *Scanner) inObject() bool { return s.objects[s.depth>>6]>>(s.depth&63)&1 == 1 }

func (s *Scanner) token(t Token) (Token, error) {
	s.last = t
	return t, nil
}

func (s *Scanner) value(c byte, i int) (Token, error) {
	s.want = wantCommaOrEnd
	switch c {
	case '"':
		if !s.str(i + 1) {
			return s.fail()
		}
		return s.token(TokString)
	case '{', '[':
		return s.begin(c, i)
	case 't':
		return s.word(i, "true", TokTrue)
	case 'f':
		return s.word(i, "false", TokFalse)
	case 'n':
		return s.word(i, "null", TokNull)
	}
	if !s.number(i) {
		return s.fail()
	}
	return s.token(TokNumber)
}

func (s *Scanner) begin(c byte, i int) (Token, error) {
	if s.depth == MaxDepth {
		if !closes(s.data) {
			return s.failWith(&Error{Code: CodeInvalidText, Offset: len(s.data), Message: "invalid input syntax for type json",
				Detail: "The input string ended unexpectedly."})
		}
		return s.failWith(tooDeep(i))
	}
	s.depth++
	s.pos = i + 1
	w, b := s.depth>>6, uint64(1)<<(s.depth&63)
	if c == '{' {
		s.objects[w] |= b
		s.want = wantFirstKey
		return s.token(TokBeginObject)
	}
	s.objects[w] &^= b
	s.want = wantFirstElem
	return s.token(TokBeginArray)
}

// closes reports whether all that is opened in a text is closed: what is not is no JSON, however deep.
func closes(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return depth == 0 && !quoted
}

func tooDeep(i int) *Error {
	return &Error{Code: CodeTooDeep, Offset: i, Message: "stack depth limit exceeded",
		Detail: "JSON values may nest 1000 levels deep."}
}

func (s *Scanner) end(c byte, i int) (Token, error) {
	t := TokEndArray
	if c == '}' {
		t = TokEndObject
	}
	if s.depth == 0 || c != '}' && c != ']' || (c == '}') != s.inObject() {
		return s.fail()
	}
	s.depth--
	s.pos = i + 1
	s.want = wantCommaOrEnd
	return s.token(t)
}

func (s *Scanner) word(i int, w string, t Token) (Token, error) {
	end := i + len(w)
	if end > len(s.data) || string(s.data[i:end]) != w || end < len(s.data) && isWord(s.data[end]) {
		return s.fail()
	}
	s.pos = end
	return s.token(t)
}

// isWord reports whether c would belong to the word before it.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

func (s *Scanner) key(i int) (Token, error) {
	s.start = i
	if i >= len(s.data) || s.data[i] != '"' || !s.str(i+1) {
		return s.fail()
	}
	data, j := s.data, s.pos
	if j < len(data) && data[j] == ':' {
		s.pos = j + 1
	} else {
		for j < len(data) && (data[j] == ' ' || data[j] == '\n' || data[j] == '\r' || data[j] == '\t') {
			j++
		}
		if j >= len(data) || data[j] != ':' {
			return s.fail()
		}
		s.pos = j + 1
	}
	s.want = wantValue
	return s.token(TokKey)
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, in the top bit of each byte of w, quotes, backslashes and control
// characters. Only the lowest mark is certain.
func special(w uint64) uint64 {
	q, b := w^(ones*'"'), w^(ones*'\\')
	return ((q-ones)&^q | (b-ones)&^b | (w-ones*' ')&^w) & highs
}

// plainRun returns where the first quote, backslash or control character at or after i is, len(data) if there is none.
// high has a top bit set when a byte before it is not ASCII.
func plainRun(data []byte, i int) (end int, high uint64) {
	for i+8 <= len(data) {
		w := binary.LittleEndian.Uint64(data[i:])
		if m := special(w); m != 0 {
			n := bits.TrailingZeros64(m) >> 3
			return i + n, (high | w&(1<<(8*n)-1)) & highs
		}
		high |= w
		i += 8
	}
	for ; i < len(data); i++ {
		c := data[i]
		if c == '"' || c == '\\' || c < ' ' {
			break
		}
		high |= uint64(c)
	}
	return i, high & highs
}

// PlainString returns where the quote is that ends the string whose first byte is data[i], -1 unless what is between
// stands for itself: valid UTF-8 without escapes and control characters.
func PlainString(data []byte, i int) int {
	end, high := plainRun(data, i)
	if end == len(data) || data[end] != '"' || high != 0 && !utf8.Valid(data[i:end]) {
		return -1
	}
	return end
}

// str reads a string whose first byte after the quote is at i.
func (s *Scanner) str(i int) bool {
	data := s.data
	end, high := plainRun(data, i)
	if end == len(data) {
		return false
	}
	if data[end] != '"' {
		return data[end] == '\\' && s.escaped(i, end)
	}
	s.bytes, s.pos = data[i:end], end+1
	return high == 0 || utf8.Valid(s.bytes)
}

// escaped goes on with a string that has its first backslash at i.
func (s *Scanner) escaped(begin, i int) bool {
	data, out := s.data, append(s.scratch[:0], s.data[begin:i]...)
	for i < len(data) {
		c := data[i]
		switch {
		case c == '"':
			s.scratch, s.bytes, s.pos = out, out, i+1
			return utf8.Valid(out)
		case c < ' ':
			return false
		case c != '\\':
			from := i
			for i < len(data) && data[i] != '"' && data[i] != '\\' && data[i] >= ' ' {
				i++
			}
			out = append(out, data[from:i]...)
			continue
		}
		if i+1 >= len(data) {
			return false
		}
		if data[i+1] == 'u' {
			r, n := unicodeEscape(data[i:])
			if n == 0 {
				return false
			}
			out = utf8.AppendRune(out, r)
			i += n
			continue
		}
		u := unescape[data[i+1]]
		if u == 0 {
			return false
		}
		out = append(out, u)
		i += 2
	}
	return false
}

var unescape = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unicodeEscape reads \uXXXX, or two that make a surrogate pair, and gives the
// length, 0 if it is none or a NUL.
func unicodeEscape(b []byte) (rune, int) {
	r, ok := hex4(b)
	if !ok || r == 0 || r >= 0xdc00 && r < 0xe000 {
		return 0, 0
	}
	if r < 0xd800 || r >= 0xe000 {
		return r, 6
	}
	low, ok := hex4(b[6:])
	if !ok || low < 0xdc00 || low >= 0xe000 {
		return 0, 0
	}
	return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00), 12
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		h, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | h
	}
	return r, true
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}

// PlainNumber reads the number at data[i] if it has no exponent and at most 18 digits: it is mantissa / 10^scale and ends
// at end. Otherwise end is -1: it is another number, or none.
func PlainNumber(data []byte, i int) (mantissa int64, scale int32, end int) {
	neg := data[i] == '-'
	if neg {
		i++
	}
	first := i
	for ; i < len(data) && data[i]-'0' < 10; i++ {
		mantissa = mantissa*10 + int64(data[i]-'0')
	}
	digits := i - first
	if digits == 0 || digits > 1 && data[first] == '0' {
		return 0, 0, -1
	}
	if i < len(data) && data[i] == '.' {
		i++
		point := i
		for ; i < len(data) && data[i]-'0' < 10; i++ {
			mantissa = mantissa*10 + int64(data[i]-'0')
		}
		scale = int32(i - point)
		if scale == 0 {
			return 0, 0, -1
		}
	}
	if digits+int(scale) > 18 || i < len(data) && isWord(data[i]) {
		return 0, 0, -1
	}
	if neg {
		mantissa = -mantissa
	}
	return mantissa, scale, i
}

// number reads a number at i.
func (s *Scanner) number(i int) bool {
	if m, scale, end := PlainNumber(s.data, i); end >= 0 {
		s.num = Num{Raw: s.data[i:end], Mantissa: m, Scale: scale, Exact: true}
		s.pos = end
		return true
	}
	return s.anyNumber(i)
}

// anyNumber reads a number at i, of any form.
func (s *Scanner) anyNumber(i int) bool {
	data, begin := s.data, i
	neg := data[i] == '-'
	if neg {
		i++
	}
	first := i
	var m uint64
	for ; i < len(data) && data[i]-'0' < 10; i++ {
		m = m*10 + uint64(data[i]-'0')
	}
	digits := i - first
	if digits == 0 || digits > 1 && data[first] == '0' {
		return false
	}
	scale := 0
	if i < len(data) && data[i] == '.' {
		i++
		point := i
		for ; i < len(data) && data[i]-'0' < 10; i++ {
			m = m*10 + uint64(data[i]-'0')
		}
		if scale = i - point; scale == 0 {
			return false
		}
	}
	exact := digits+scale <= 18
	if i < len(data) && data[i]|0x20 == 'e' {
		var exp int
		if exp, i = exponent(data, i+1); i < 0 {
			return false
		}
		scale -= exp
		for exact && m != 0 && scale < 0 && m < 1e17 {
			m *= 10
			scale++
		}
		if m == 0 {
			scale = max(scale, 0)
		}
	}
	if i < len(data) && isWord(data[i]) {
		return false
	}
	s.pos = i
	s.num = Num{Raw: data[begin:i]}
	if exact && scale >= 0 && scale <= decimal.MaxScale {
		s.num.Mantissa, s.num.Scale, s.num.Exact = int64(m), int32(scale), true
		if neg {
			s.num.Mantissa = -int64(m)
		}
	}
	return true
}

// exponent reads sign and digits at i and gives where they end, -1 if there are
// none. Values beyond any numeric are cut.
func exponent(data []byte, i int) (exp, end int) {
	neg := false
	if i < len(data) && (data[i] == '+' || data[i] == '-') {
		neg = data[i] == '-'
		i++
	}
	first := i
	for ; i < len(data) && data[i]-'0' < 10; i++ {
		if exp < 1<<24 {
			exp = exp*10 + int(data[i]-'0')
		}
	}
	if i == first {
		return 0, -1
	}
	if neg {
		exp = -exp
	}
	return exp, i
}

// Skip passes over a whole value, checking it, and gives its text: the container
// just begun if the last token began one, else the value that comes next. It must
// not be called where a value cannot come, as after TokBeginObject's last field.
func (s *Scanner) Skip() ([]byte, error) {
	t := s.last
	if t != TokBeginObject && t != TokBeginArray {
		var err error
		if t, err = s.Next(); err != nil {
			return nil, err
		}
	}
	begin := s.start
	if t == TokBeginObject || t == TokBeginArray {
		for floor := s.depth - 1; s.depth > floor; {
			if _, err := s.Next(); err != nil {
				return nil, err
			}
		}
	}
	return s.data[begin:s.pos], nil
}

// fail finds out what is wrong and says it.
func (s *Scanner) fail() (Token, error) {
	if s.err != nil {
		return TokEOF, s.err
	}
	return s.failWith(diagnose(s.data))
}

func (s *Scanner) failWith(err *Error) (Token, error) {
	s.err = err
	s.last = TokEOF
	s.pos, s.want = len(s.data), wantValue
	return TokEOF, err
}
