package jsonb

import "github.com/allsource-db/allsource/vec/decimal"

func Parse(dst []byte, text []byte) ([]byte, error)                 { panic("stub") }
func AppendText(dst []byte, v Value) []byte                         { panic("stub") }
func AppendCanonical(dst []byte, v Value) []byte                    { panic("stub") }
func Pretty(dst []byte, v Value) []byte                             { panic("stub") }
func Size(b []byte) int                                             { panic("stub") }
func Get(v Value, key string) (Value, bool)                         { panic("stub") }
func GetBytes(v Value, key []byte) (Value, bool)                    { panic("stub") }
func Index(v Value, i int) (Value, bool)                            { panic("stub") }
func GetPath(v Value, path []string) (Value, bool)                  { panic("stub") }
func Len(v Value) int                                               { panic("stub") }
func Field(v Value, i int) (key []byte, val Value)                  { panic("stub") }
func EachField(v Value, f func(key []byte, val Value) bool)         { panic("stub") }
func EachElem(v Value, f func(i int, val Value) bool)               { panic("stub") }
func AppendAsText(dst []byte, v Value) ([]byte, bool)               { panic("stub") }
func Number(v Value) decimal.Dec                                    { panic("stub") }
func Int64(v Value) (int64, bool)                                   { panic("stub") }
func Float64(v Value) (float64, bool)                               { panic("stub") }
func StringBytes(v Value) []byte                                    { panic("stub") }
func Compare(a, b Value) int                                        { panic("stub") }
func Equal(a, b Value) bool                                         { panic("stub") }
func AppendKey(dst []byte, v Value) []byte                          { panic("stub") }
func Hash(v Value) uint64                                           { panic("stub") }
func Contains(a, b Value) bool                                      { panic("stub") }
func Exists(v Value, key string) bool                               { panic("stub") }
func Concat(dst []byte, a, b Value) []byte                          { panic("stub") }
func DeleteKey(dst []byte, v Value, keys ...string) ([]byte, error) { panic("stub") }
func DeleteIndex(dst []byte, v Value, i int) ([]byte, error)        { panic("stub") }
func DeletePath(dst []byte, v Value, path []string) ([]byte, error) { panic("stub") }
func SetPath(dst []byte, v Value, path []string, nv Value, create bool) ([]byte, error) {
	panic("stub")
}
func Insert(dst []byte, v Value, path []string, nv Value, after bool) ([]byte, error) { panic("stub") }
func StripNulls(dst []byte, v Value) []byte                                           { panic("stub") }

// Builder makes one value from calls in document order.
type Builder struct{}

func (b *Builder) Reset()                     { panic("stub") }
func (b *Builder) BeginObject()               { panic("stub") }
func (b *Builder) BeginArray()                { panic("stub") }
func (b *Builder) End()                       { panic("stub") }
func (b *Builder) Key(k string)               { panic("stub") }
func (b *Builder) KeyBytes(k []byte)          { panic("stub") }
func (b *Builder) String(s string)            { panic("stub") }
func (b *Builder) StringBytes(s []byte)       { panic("stub") }
func (b *Builder) Int64(n int64)              { panic("stub") }
func (b *Builder) Float64(f float64)          { panic("stub") }
func (b *Builder) Number(d decimal.Dec)       { panic("stub") }
func (b *Builder) Bool(v bool)                { panic("stub") }
func (b *Builder) Null()                      { panic("stub") }
func (b *Builder) Value(v Value)              { panic("stub") }
func (b *Builder) AppendTo(dst []byte) []byte { panic("stub") }

// Num is a number token: its text, and its value when that is mantissa / 10^scale
// with an int64 mantissa.
type Num struct {
	Raw      []byte
	Mantissa int64
	Scale    int32
	Exact    bool
}

// Dec gives the value, or an *Error when it is out of numeric's range.
func (n Num) Dec() (decimal.Dec, error) { panic("stub") }

// Scanner takes JSON text apart.
type Scanner struct{}

func (s *Scanner) Reset(text []byte)     { panic("stub") }
func (s *Scanner) Next() (Token, error)  { panic("stub") }
func (s *Scanner) Bytes() []byte         { panic("stub") }
func (s *Scanner) Num() Num              { panic("stub") }
func (s *Scanner) Skip() ([]byte, error) { panic("stub") }
func (s *Scanner) Offset() int           { panic("stub") }
