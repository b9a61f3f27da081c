// Package vec holds columns of values in Arrow's memory layout and the kernels over them. It knows nothing of SQL:
// a column has a physical Kind, its SQL type is kept beside it by whoever made it. Storage produces columns,
// operators consume them, nobody counts references: a column that was handed out is never changed again, and the
// garbage collector owns it. The one exception is said where it holds: a batch from an operator's Next is valid
// until the following Next unless the operator says otherwise.
package vec

import "github.com/allsource-db/allsource/vec/decimal"

// Kind is the physical type of a column.
type Kind uint8

// The physical kinds. Narrow SQL integers, dates (days), times and timestamps (microseconds) are all Int64; float4 is
// Float64 already rounded to single precision; text, bytea, uuid (16 bytes), json (text) and jsonb (package jsonb) are Bytes.
const (
	Invalid  Kind = iota
	Bool          // Bits
	Int64         // I64
	Float64       // F64
	Bytes         // Offsets and Data
	Decimal       // Dec
	Interval      // Iv
	List          // Offsets into Child, and Shapes
	Struct        // Fields
)

// IntervalValue is an SQL interval: the three parts do not convert into each other.
type IntervalValue struct {
	Months int32
	Days   int32
	Micros int64
}

// Column is Len values of one Kind. Exactly the slices named beside the kind are set. When Codes is set the column is
// dictionary coded: value i is value Codes[i] of Dict, nulls are marked in this column's own Valid (the code of a null is
// unspecified but in range when Dict is not empty), and the other slices are empty. Dict itself is never dictionary coded;
// its entries need not be distinct and may be null too. A constant is a dictionary of one entry with Codes all zero, made by Repeat.
type Column struct {
	Kind    Kind
	Len     int
	Valid   Bitmap // nil: no nulls
	Bits    Bitmap
	I64     []int64
	F64     []float64
	Offsets []int32 // Len+1 entries; value i is Data[Offsets[i]:Offsets[i+1]]
	Data    []byte
	Dec     []decimal.Dec
	Iv      []IntervalValue
	Child   *Column
	Shapes  [][]Dim // of lists, as Shape says; nil where no row has one
	Fields  []*Column
	Codes   []int32
	Dict    *Column

	// Nums, where it is set, numbers the values of a column that is not dictionary coded: among columns of one Space values are
	// equal exactly where their numbers are. Numbers of nulls mean nothing. They spare comparing and hashing the values.
	Nums  []uint32
	Space *Space
}

// Batch is Len rows of columns, all of that length. A Batch may have no columns (count(*) needs only Len).
type Batch struct {
	Len  int
	Cols []*Column
}

// BatchRows is how many rows operators put in a batch unless configured otherwise.
const BatchRows = 4096

// Null reports whether row i is null, looking through the dictionary.
func (c *Column) Null(i int) bool {
	if c.Valid != nil && !c.Valid.Get(i) {
		return true
	}
	return c.Codes != nil && c.Dict.Valid != nil && !c.Dict.Valid.Get(int(c.Codes[i]))
}

// HasNulls reports whether the column may hold nulls (cheap, may say true for none).
func (c *Column) HasNulls() bool {
	return c.Valid != nil || c.Codes != nil && c.Dict.Valid != nil
}

// IsConst reports whether the column is one value repeated, as made by Repeat.
func (c *Column) IsConst() bool { return c.Codes != nil && c.Dict.Len == 1 }

// at resolves the dictionary: the column that holds row i's value and the place in it.
func (c *Column) at(i int) (*Column, int) {
	if c.Codes != nil {
		return c.Dict, int(c.Codes[i])
	}
	return c, i
}

// Bool returns row i of a Bool column; the value of a null is unspecified. So for the accessors below.
func (c *Column) Bool(i int) bool { d, j := c.at(i); return d.Bits.Get(j) }

// Int returns row i of an Int64 column.
func (c *Column) Int(i int) int64 { d, j := c.at(i); return d.I64[j] }

// Float returns row i of a Float64 column.
func (c *Column) Float(i int) float64 { d, j := c.at(i); return d.F64[j] }

// Bytes returns row i of a Bytes column, not to be changed.
func (c *Column) Bytes(i int) []byte {
	d, j := c.at(i)
	return d.Data[d.Offsets[j]:d.Offsets[j+1]:d.Offsets[j+1]]
}

// Decimal returns row i of a Decimal column.
func (c *Column) Decimal(i int) decimal.Dec { d, j := c.at(i); return d.Dec[j] }

// Interval returns row i of an Interval column.
func (c *Column) Interval(i int) IntervalValue { d, j := c.at(i); return d.Iv[j] }

// List returns the child column and the range [from, to) of row i of a List column.
func (c *Column) List(i int) (child *Column, from, to int) {
	d, j := c.at(i)
	return d.Child, int(d.Offsets[j]), int(d.Offsets[j+1])
}

// Repeat returns a column of n rows that all hold row i of c.
func Repeat(c *Column, i, n int) *Column {
	if n == 1 && c.Len == 1 && c.Codes == nil {
		return c
	}
	d, j := c.at(i)
	one := d.Slice(j, j+1)
	if c.Null(i) {
		one = NullColumn(c.Kind, 1)
	}
	return &Column{Kind: c.Kind, Len: n, Codes: make([]int32, n), Dict: one}
}

// Slice returns rows [from, to) sharing memory; bitmaps are copied where from is not a multiple of 64.
func (c *Column) Slice(from, to int) *Column {
	if from == 0 && to == c.Len {
		return c
	}
	s := &Column{Kind: c.Kind, Len: to - from, Dict: c.Dict, Data: c.Data, Child: c.Child}
	s.Valid = c.Valid.Slice(from, to)
	if c.Codes != nil {
		s.Codes = c.Codes[from:to]
		return s
	}
	if c.Nums != nil {
		s.Space, s.Nums = c.Space, c.Nums[from:to]
	}
	switch c.Kind {
	case Bool:
		s.Bits = c.Bits.Slice(from, to)
	case Int64:
		s.I64 = c.I64[from:to]
	case Float64:
		s.F64 = c.F64[from:to]
	case Bytes, List:
		s.Offsets = c.Offsets[from : to+1]
		if c.Shapes != nil {
			s.Shapes = c.Shapes[from:to]
		}
	case Decimal:
		s.Dec = c.Dec[from:to]
	case Interval:
		s.Iv = c.Iv[from:to]
	case Struct:
		for _, f := range c.Fields {
			s.Fields = append(s.Fields, f.Slice(from, to))
		}
	}
	return s
}

// Take returns the rows of b named by idx. Columns that are nil, because nobody reads them, stay so.
func (b *Batch) Take(idx []int32) *Batch {
	out := &Batch{Len: len(idx), Cols: make([]*Column, len(b.Cols))}
	for i, c := range b.Cols {
		if c != nil {
			out.Cols[i] = c.Take(idx)
		}
	}
	return out
}

// Slice returns rows [from, to) of b. Columns that are nil stay so.
func (b *Batch) Slice(from, to int) *Batch {
	out := &Batch{Len: to - from, Cols: make([]*Column, len(b.Cols))}
	for i, c := range b.Cols {
		if c != nil {
			out.Cols[i] = c.Slice(from, to)
		}
	}
	return out
}

// MemSize estimates the bytes that the column holds, its dictionary included.
func (c *Column) MemSize() int {
	if c == nil {
		return 0
	}
	n := len(c.Valid)*8 + len(c.Bits)*8 + len(c.I64)*8 + len(c.F64)*8 + len(c.Offsets)*4 + len(c.Dec)*24 + len(c.Iv)*16 + len(c.Codes)*4 + len(c.Shapes)*24 + len(c.Nums)*4
	if len(c.Offsets) > 0 && c.Kind == Bytes {
		n += int(c.Offsets[len(c.Offsets)-1] - c.Offsets[0])
	}
	for i := range c.Dec {
		if c.Dec[i].Big != nil {
			n += 8 * len(c.Dec[i].Big.Bits())
		}
	}
	n += c.Dict.MemSize() + c.Child.MemSize()
	for _, f := range c.Fields {
		n += f.MemSize()
	}
	return n
}
