package vec

// ReadAs says in which form a JSON value is read out of a document column.
type ReadAs uint8

const (
	// AsJSON reads jsonb (package jsonb's encoding): the `->` of SQL. Absent is null, JSON null is a value.
	AsJSON ReadAs = iota
	// AsText reads text: the `->>` of SQL. Absent and JSON null are null, documents are printed as jsonb prints them.
	AsText
	// AsFloat, AsInt, AsDecimal and AsBool read what a cast of the `->>` text to that type would give. The column has
	// kind Float64, Int64, Decimal or Bool when every value in the rows read is such a number (or boolean, or null);
	// otherwise, and perhaps where only nulls are read, the column has kind Bytes and holds the text. Texts with few values come
	// dictionary coded; the reader casts them and reports the errors of the rows that count.
	AsFloat
	AsInt
	AsDecimal
	AsBool
)
