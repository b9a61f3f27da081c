// Package jsonb is the binary form of JSON that storage keeps and SQL works on.
// It holds what PostgreSQL's jsonb holds and answers as PostgreSQL 15 does:
// object keys in order of length then bytes, the last of equal keys, numbers as
// exact numerics with their scale (1.50 stays 1.50, 1e2 is 100).
//
// # Format
//
// A Value is one value: a tag byte, then
//
//	00 null   01 false   02 true
//	03 integer       zigzag varint
//	04 decimal       scale uvarint, mantissa zigzag varint
//	05 large number  sign byte (0 or 1), scale uvarint, zeros uvarint, length uvarint,
//	                 big-endian magnitude; the value is magnitude * 10^zeros / 10^scale
//	06 string        length uvarint, UTF-8 bytes
//	t7 array         count uvarint, count ends of t bytes, elements
//	t8 object        count uvarint, count key ends, count value ends, keys, values
//
// t (1, 2 or 4) is the width of the little-endian ends, which say where each
// element, key or value ends, counted from where the first of its kind begins. An
// empty container is the tag with t = 1 and count 0. Any field is found without
// decoding its neighbours, and a value says its own length.
//
// Each value has one encoding, so equal texts of equal scale give equal bytes; but
// 1 and 1.0 are equal and differ in bytes: compare with Equal, hash with Hash.
//
// Functions that take a Value trust it: it must come from this package, or have
// passed Valid.
package jsonb

// Value is the encoding of one JSON value. It is immutable once made, and may be a
// slice of a larger value.
type Value []byte

// EmptyObject is {}.
var EmptyObject = Value{0x18, 0}

// Kind says what a value is. The order is that of values of different kinds in
// PostgreSQL's btree order, arrays that are empty apart.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	String
	Numeric
	False
	True
	Array
	Object
)

// Kind says what v is.
func (v Value) Kind() Kind { return kinds[v[0]&0xf] }

// KindOf is v.Kind.
func KindOf(v Value) Kind { return v.Kind() }

var kinds = [16]Kind{Null, False, True, Numeric, Numeric, Numeric, String, Array, Object}

// MaxDepth is how deep containers may nest.
const MaxDepth = 1000

// Token is what a Scanner found.
type Token uint8

// The tokens.
const (
	TokEOF Token = iota
	TokBeginObject
	TokEndObject
	TokBeginArray
	TokEndArray
	TokKey
	TokString
	TokNumber
	TokTrue
	TokFalse
	TokNull
)

// The SQLSTATEs an Error carries.
const (
	CodeInvalidText     = "22P02" // malformed text, or a path step that is no integer
	CodeUntranslatable  = "22P05" // \u0000
	CodeNotInRepertoire = "22021" // not UTF-8
	CodeOutOfRange      = "22003" // number beyond numeric
	CodeTooDeep         = "54001" // more than MaxDepth levels
	CodeTooLarge        = "54000" // an array with more elements than may be
	CodeInvalidArgument = "22023" // operation that does not apply to the value
)

// Error is what is wrong with a text or with the arguments of an operation, in
// PostgreSQL's words.
type Error struct {
	Code    string // SQLSTATE
	Offset  int    // byte in the text where it was noticed; -1 for operations
	Message string
	Detail  string // may be empty
	Hint    string // may be empty
	Context string // may be empty
}

// Error gives the message and the detail.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Message
	}
	return e.Message + ": " + e.Detail
}
