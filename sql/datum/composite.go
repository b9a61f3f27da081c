package datum

import (
	"github.com/allsource-db/allsource/vec"
)

// Values of composite types are bytes: the text of the row under settings that never change, labels of enums as their numbers. So they are
// stored and sent around like text, and taken apart where a field counts. A field keeps its place in the text when others go, and the text may be from
// before it came.

// storedEnv is what the bytes of composite values depend on.
var storedEnv = &Env{ExtraFloatDigits: 1, stored: true}

// unpacked is a composite value as a Struct column of one row; ok is false where its bytes are not what the type says.
func unpacked(oid OID, v []byte) (c *vec.Column, ok bool) {
	b := structBuilder(OwnOf(oid).Fields, 1)
	if err := parseRecord(T(oid), string(v), b, storedEnv); err != nil {
		return nil, false
	}
	return b.Finish(), true
}

func structBuilder(fields []Field, n int) *vec.Builder {
	kinds := make([]vec.Kind, len(fields))
	for i, f := range fields {
		kinds[i] = KindOf(f.Type.OID)
	}
	return vec.NewStructBuilder(kinds, n)
}

// appendPacked appends the bytes of row i of a Struct column of the fields of a composite type.
func appendPacked(dst []byte, oid OID, c *vec.Column, i int) []byte {
	return appendRecord(dst, T(oid), c, i, storedEnv)
}

// Unpack gives values of a composite type as a Struct column.
func Unpack(t Type, c *vec.Column) *vec.Column {
	b := structBuilder(OwnOf(t.OID).Fields, c.Len)
	for i := range c.Len {
		if c.Null(i) {
			b.AppendNull()
		} else if row, ok := unpacked(t.OID, c.Bytes(i)); ok {
			b.AppendFrom(row, 0)
		} else {
			b.AppendNull()
		}
	}
	return b.Finish()
}

// Pack makes values of a composite type of a Struct column of its fields.
func Pack(t Type, c *vec.Column) *vec.Column {
	b := vec.NewBuilder(vec.Bytes, c.Len)
	for i := range c.Len {
		if c.Null(i) {
			b.AppendNull()
		} else {
			b.AppendBytes(appendPacked(nil, t.OID, c, i))
		}
	}
	return b.Finish()
}

// packedWith reads a value with f into a row of the type's fields and appends its bytes to b.
func packedWith(t Type, b *vec.Builder, f func(row *vec.Builder) error) error {
	row := structBuilder(OwnOf(t.OID).Fields, 1)
	if err := f(row); err != nil {
		return err
	}
	b.AppendBytes(appendPacked(nil, t.OID, row.Finish(), 0))
	return nil
}

// compareComposite orders two composite values field by field.
func compareComposite(oid OID, x, y []byte) (order int, ok bool) {
	a, ok := unpacked(oid, x)
	if !ok {
		return 0, false
	}
	b, ok := unpacked(oid, y)
	if !ok {
		return 0, false
	}
	return compareRecords(T(oid), a, 0, b, 0), true
}
