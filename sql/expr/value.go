package expr

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// What the evaluator asks of the table of types.

// kindOf is the physical kind of a type's values.
func kindOf(t datum.Type) vec.Kind { return datum.KindOf(t.OID) }

// elemType is the type of an array type's elements; its OID is 0 for other types.
func elemType(t datum.Type) datum.Type { return datum.Type{OID: datum.ElemOf(t.OID), Mod: t.Mod} }

// newBuilder returns a builder for values of the type.
func newBuilder(t datum.Type, n int) *vec.Builder { return datum.NewBuilder(t, n) }

// isText reports whether values of the type are their own text.
func isText(oid datum.OID) bool {
	switch oid {
	case datum.Text, datum.Varchar, datum.BPChar, datum.Name, datum.Unknown, datum.Cstring, datum.Char:
		return true
	}
	return false
}

// compare orders two values that are not null.
func compare(t datum.Type, a *vec.Column, i int, b *vec.Column, j int) int {
	return datum.Compare(t, a, i, b, j)
}

// appendKey appends bytes that are equal for equal values; the value is not null.
func appendKey(dst []byte, t datum.Type, c *vec.Column, i int) []byte {
	return datum.AppendHashKey(dst, t, c, i)
}

func typeName(t datum.Type) string { return datum.FormatType(t) }
