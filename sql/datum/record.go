package datum

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/allsource-db/allsource/vec"
)

// Field is a field of a row type.
type Field struct {
	Name string
	Type Type
}

// shapes numbers the row types that statements have made, so that a record's Type says its fields: the modifier of Record is
// the number. A shape that was seen keeps its number; there are as many as distinct lists of names and types.
type shapes struct {
	mu     sync.RWMutex
	byKey  map[string]int32
	fields [][]Field
	of     []OID // the type of a table's rows, where these are whole rows of it
}

var records = &shapes{byKey: map[string]int32{}}

// RecordType returns the type of rows with the given fields: Record with a modifier that names the shape.
func RecordType(fields []Field) Type { return recordType(fields, 0) }

// WholeRow returns the type of records that are values of a composite type.
func WholeRow(of OID) Type { return recordType(RecordFields(T(of)), of) }

func recordType(fields []Field, of OID) Type {
	var key strings.Builder
	fmt.Fprintf(&key, "%d:", of)
	for _, f := range fields {
		fmt.Fprintf(&key, "%d.%d.%q,", f.Type.OID, f.Type.Mod, f.Name)
	}
	k := key.String()
	records.mu.RLock()
	n, ok := records.byKey[k]
	records.mu.RUnlock()
	if ok {
		return Type{OID: Record, Mod: n}
	}
	records.mu.Lock()
	defer records.mu.Unlock()
	if n, ok = records.byKey[k]; !ok {
		n = int32(len(records.fields))
		records.fields, records.of = append(records.fields, append([]Field(nil), fields...)), append(records.of, of)
		records.byKey[k] = n
	}
	return Type{OID: Record, Mod: n}
}

// RecordFields returns the fields of a type made by RecordType and of a composite type, or of the elements of arrays of one; nil for others;
// not to be changed.
func RecordFields(t Type) []Field {
	if o := OwnOf(t.OID); o != nil {
		return o.Fields
	}
	if t.OID != Record && t.OID != RecordArray || t.Mod < 0 {
		return nil
	}
	records.mu.RLock()
	defer records.mu.RUnlock()
	if int(t.Mod) >= len(records.fields) {
		return nil
	}
	return records.fields[t.Mod]
}

// Named is the type that values have by themselves: of records that are whole rows of a table that of its rows, else t itself.
func Named(t Type) Type {
	if t.OID != Record || t.Mod < 0 {
		return t
	}
	records.mu.RLock()
	defer records.mu.RUnlock()
	if int(t.Mod) < len(records.of) && records.of[t.Mod] != 0 {
		return T(records.of[t.Mod])
	}
	return t
}

// FieldsOf returns the fields of a Struct column of type t: those of its shape, or f1, f2… of the types that the columns'
// kinds suggest where the type does not say.
func FieldsOf(t Type, c *vec.Column) []Field {
	if c.Codes != nil {
		c = c.Dict
	}
	if f := RecordFields(t); len(f) == len(c.Fields) {
		return f
	}
	out := make([]Field, len(c.Fields))
	for k, f := range c.Fields {
		out[k] = Field{Name: "f" + strconv.Itoa(k+1), Type: T(kindType(f.Kind))}
	}
	return out
}

// ElemType returns the type of the elements of a list of type t with the given element column; that of an array of arrays
// is t itself.
func ElemType(t Type, child *vec.Column) Type { return elemType(t, child) }
