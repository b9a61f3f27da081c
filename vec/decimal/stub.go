package decimal

func Parse(s string) (Dec, error)            { panic("stub") }
func ParseBytes(s []byte) (Dec, error)       { panic("stub") }
func (d Dec) String() string                 { panic("stub") }
func (d Dec) AppendText(dst []byte) []byte   { panic("stub") }
func FromFloat64(f float64) Dec              { panic("stub") }
func FromFloat32(f float32) Dec              { panic("stub") }
func (d Dec) Float64() float64               { panic("stub") }
func (d Dec) Int64() (int64, bool)           { panic("stub") }
func (d Dec) Cmp(e Dec) int                  { panic("stub") }
func (d Dec) Equal(e Dec) bool               { panic("stub") }
func (d Dec) Add(e Dec) (Dec, error)         { panic("stub") }
func (d Dec) Sub(e Dec) (Dec, error)         { panic("stub") }
func (d Dec) Mul(e Dec) (Dec, error)         { panic("stub") }
func (d Dec) Quo(e Dec) (Dec, error)         { panic("stub") }
func (d Dec) DivTrunc(e Dec) (Dec, error)    { panic("stub") }
func (d Dec) Rem(e Dec) (Dec, error)         { panic("stub") }
func (d Dec) Neg() Dec                       { panic("stub") }
func (d Dec) Abs() Dec                       { panic("stub") }
func (d Dec) Round(scale int32) Dec          { panic("stub") }
func (d Dec) Trunc(scale int32) Dec          { panic("stub") }
func (d Dec) Ceil() Dec                      { panic("stub") }
func (d Dec) Floor() Dec                     { panic("stub") }
func (d Dec) Sqrt() (Dec, error)             { panic("stub") }
func (d Dec) Exp() (Dec, error)              { panic("stub") }
func (d Dec) Ln() (Dec, error)               { panic("stub") }
func Log(base, num Dec) (Dec, error)         { panic("stub") }
func (d Dec) Log10() (Dec, error)            { panic("stub") }
func (d Dec) Power(e Dec) (Dec, error)       { panic("stub") }
func Gcd(a, b Dec) (Dec, error)              { panic("stub") }
func Lcm(a, b Dec) (Dec, error)              { panic("stub") }
func (d Dec) MinScale() int32                { panic("stub") }
func (d Dec) TrimScale() Dec                 { panic("stub") }
func (d Dec) AppendKey(dst []byte) []byte    { panic("stub") }
func (d Dec) AppendBinary(dst []byte) []byte { panic("stub") }
func Decode(b []byte) (Dec, int, error)      { panic("stub") }
func (d Dec) AppendWire(dst []byte) []byte   { panic("stub") }
func DecodeWire(b []byte) (Dec, error)       { panic("stub") }
