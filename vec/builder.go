package vec

import "github.com/allsource-db/allsource/vec/decimal"

// Builder makes a flat column row by row. The zero Builder is not usable; after Finish it is empty and may be used again.
type Builder struct {
	c     Column
	nulls bool
	child *Builder
	flds  []*Builder
}

// NewBuilder returns a builder with room for n rows. Builders of List and Struct kinds get their element builders
// from NewListBuilder and NewStructBuilder, or from the first AppendFrom.
func NewBuilder(k Kind, n int) *Builder {
	b := &Builder{c: Column{Kind: k}}
	switch k {
	case Int64:
		b.c.I64 = make([]int64, 0, n)
	case Float64:
		b.c.F64 = make([]float64, 0, n)
	case Bytes, List:
		b.c.Offsets = make([]int32, 1, n+1)
	case Decimal:
		b.c.Dec = make([]decimal.Dec, 0, n)
	case Interval:
		b.c.Iv = make([]IntervalValue, 0, n)
	}
	return b
}

// NewListBuilder returns a builder of lists whose elements have the given kind.
func NewListBuilder(elem Kind, n int) *Builder {
	b := NewBuilder(List, n)
	b.child = NewBuilder(elem, n)
	return b
}

// NewStructBuilder returns a builder of structs with fields of the given kinds.
func NewStructBuilder(kinds []Kind, n int) *Builder {
	b := NewBuilder(Struct, n)
	for _, k := range kinds {
		b.flds = append(b.flds, NewBuilder(k, n))
	}
	return b
}

// Len returns the rows appended so far.
func (b *Builder) Len() int { return b.c.Len }

// Bytes estimates how many bytes the values of variable length take that were appended so far.
func (b *Builder) Bytes() int {
	n := len(b.c.Data)
	if b.child != nil {
		n += 8*b.child.Len() + b.child.Bytes()
	}
	for _, f := range b.flds {
		n += f.Bytes()
	}
	return n
}

// Elem returns the element builder of a List builder: append the elements there, then call AppendList.
func (b *Builder) Elem() *Builder { return b.child }

// Field returns the builder of field i of a Struct builder: append one value to each, then call AppendStruct.
func (b *Builder) Field(i int) *Builder { return b.flds[i] }

func (b *Builder) valid() {
	if b.nulls {
		b.grow()
		b.c.Valid.Set(b.c.Len)
	}
	b.c.Len++
}

func (b *Builder) grow() {
	for len(b.c.Valid) <= b.c.Len>>6 {
		b.c.Valid = append(b.c.Valid, 0)
	}
}

// AppendNull appends a null.
func (b *Builder) AppendNull() {
	if !b.nulls {
		b.nulls = true
		b.c.Valid = NewBitmap(b.c.Len + 1)
		b.c.Valid.SetAll(b.c.Len)
		for i := b.c.Len; i < len(b.c.Valid)*64; i++ {
			b.c.Valid.Clear(i)
		}
	}
	b.grow()
	switch b.c.Kind {
	case Bool:
		b.growBits()
	case Int64:
		b.c.I64 = append(b.c.I64, 0)
	case Float64:
		b.c.F64 = append(b.c.F64, 0)
	case Bytes, List:
		b.c.Offsets = append(b.c.Offsets, b.c.Offsets[len(b.c.Offsets)-1])
	case Decimal:
		b.c.Dec = append(b.c.Dec, decimal.Dec{})
	case Interval:
		b.c.Iv = append(b.c.Iv, IntervalValue{})
	case Struct:
		for _, f := range b.flds {
			f.AppendNull()
		}
	}
	b.c.Len++
}

func (b *Builder) growBits() {
	for len(b.c.Bits) <= b.c.Len>>6 {
		b.c.Bits = append(b.c.Bits, 0)
	}
}

// AppendBool appends to a Bool builder.
func (b *Builder) AppendBool(v bool) {
	b.growBits()
	if v {
		b.c.Bits.Set(b.c.Len)
	}
	b.valid()
}

// AppendInt appends to an Int64 builder.
func (b *Builder) AppendInt(v int64) { b.c.I64 = append(b.c.I64, v); b.valid() }

// AppendFloat appends to a Float64 builder.
func (b *Builder) AppendFloat(v float64) { b.c.F64 = append(b.c.F64, v); b.valid() }

// AppendBytes appends a copy of v to a Bytes builder.
func (b *Builder) AppendBytes(v []byte) {
	b.c.Data = append(b.c.Data, v...)
	b.c.Offsets = append(b.c.Offsets, int32(len(b.c.Data)))
	b.valid()
}

// AppendString appends v to a Bytes builder.
func (b *Builder) AppendString(v string) {
	b.c.Data = append(b.c.Data, v...)
	b.c.Offsets = append(b.c.Offsets, int32(len(b.c.Data)))
	b.valid()
}

// AppendWith lets f append one value's bytes to the builder's buffer; on error nothing is appended.
func (b *Builder) AppendWith(f func(dst []byte) ([]byte, error)) error {
	d, err := f(b.c.Data)
	if err != nil {
		return err
	}
	b.c.Data = d
	b.c.Offsets = append(b.c.Offsets, int32(len(d)))
	b.valid()
	return nil
}

// AppendDecimal appends to a Decimal builder.
func (b *Builder) AppendDecimal(v decimal.Dec) { b.c.Dec = append(b.c.Dec, v); b.valid() }

// AppendInterval appends to an Interval builder.
func (b *Builder) AppendInterval(v IntervalValue) { b.c.Iv = append(b.c.Iv, v); b.valid() }

// AppendList ends the list whose elements were appended to Elem since the last one.
func (b *Builder) AppendList() {
	b.c.Offsets = append(b.c.Offsets, int32(b.child.Len()))
	b.valid()
}

// AppendStruct ends the struct whose fields were appended one each.
func (b *Builder) AppendStruct() { b.valid() }

// AppendFrom appends row i of c, which has the builder's kind.
func (b *Builder) AppendFrom(c *Column, i int) {
	if c.Null(i) {
		b.shapeFrom(c)
		b.AppendNull()
		return
	}
	d, j := c.at(i)
	switch b.c.Kind {
	case Bool:
		b.AppendBool(d.Bits.Get(j))
	case Int64:
		b.AppendInt(d.I64[j])
	case Float64:
		b.AppendFloat(d.F64[j])
	case Bytes:
		b.AppendBytes(d.Data[d.Offsets[j]:d.Offsets[j+1]])
	case Decimal:
		b.AppendDecimal(d.Dec[j])
	case Interval:
		b.AppendInterval(d.Iv[j])
	case List:
		b.shapeFrom(d)
		// A column without elements may not have known their kind.
		if b.child.Len() == 0 && b.child.c.Kind != elemKind(d) && d.Offsets[j] < d.Offsets[j+1] {
			b.child = NewBuilder(elemKind(d), 0)
		}
		for k := d.Offsets[j]; k < d.Offsets[j+1]; k++ {
			b.child.AppendFrom(d.Child, int(k))
		}
		b.AppendList()
		if d.Shapes != nil {
			b.shape(d.Shapes[j])
		}
	case Struct:
		b.shapeFrom(d)
		for k, f := range d.Fields {
			b.flds[k].AppendFrom(f, j)
		}
		b.AppendStruct()
	}
}

// shapeFrom makes the element builders after the example of c.
func (b *Builder) shapeFrom(c *Column) {
	if c.Codes != nil {
		c = c.Dict
	}
	switch {
	case b.c.Kind == List && b.child == nil:
		b.child = NewBuilder(elemKind(c), 0)
	case b.c.Kind == Struct && b.flds == nil:
		for _, f := range c.Fields {
			fb := NewBuilder(f.Kind, 0)
			for range b.c.Len {
				fb.AppendNull()
			}
			b.flds = append(b.flds, fb)
		}
	}
}

func elemKind(c *Column) Kind {
	if c.Child == nil {
		return Bytes
	}
	return c.Child.Kind
}

// noOffsets are those of an empty column. There is no room behind, so that appending copies it.
var noOffsets [1]int32

// Finish returns the column and empties the builder.
func (b *Builder) Finish() *Column {
	c := *b.Last()
	b.c = Column{Kind: c.Kind}
	if c.Kind == Bytes || c.Kind == List {
		b.c.Offsets = noOffsets[:]
	}
	b.nulls = false
	return &c
}

// Last is Finish of a builder that is not used any more: the column is the builder's own.
func (b *Builder) Last() *Column {
	c := &b.c
	if b.child != nil {
		c.Child = b.child.Finish()
	}
	for _, f := range b.flds {
		c.Fields = append(c.Fields, f.Finish())
	}
	if c.Kind == List && c.Child == nil {
		c.Child = NewBuilder(Bytes, 0).Finish()
	}
	if c.Shapes != nil {
		c.Shapes = padShapes(c.Shapes, c.Len)
	}
	return c
}
