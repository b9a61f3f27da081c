// Package datum is the table of SQL types: for every type its place in PostgreSQL's catalog (OID, array type, category,
// length) and what can be done with its values: text and binary form, order, hash. Values live in vec columns; a single
// value is a column of one row. pg_type, casts, the wire and the copy formats all read this table.
package datum

// OID is a PostgreSQL object identifier.
type OID uint32

// Type is an SQL type with its modifier (varchar(10), numeric(8,2), timestamp(3)…); Mod is -1 when there is none and
// encoded as PostgreSQL's atttypmod otherwise. Types compare with ==.
type Type struct {
	OID OID
	Mod int32
}

// T returns the type without a modifier.
func T(oid OID) Type { return Type{OID: oid, Mod: -1} }

// The OIDs of the built-in types that the code names (PostgreSQL's pg_type.dat).
const (
	Bool           OID = 16
	Bytea          OID = 17
	Char           OID = 18 // "char", one byte
	Name           OID = 19
	Int8           OID = 20
	Int2           OID = 21
	Int2Vector     OID = 22
	Int4           OID = 23
	Regproc        OID = 24
	Text           OID = 25
	Oid            OID = 26
	Tid            OID = 27
	Xid            OID = 28
	Cid            OID = 29
	OidVector      OID = 30
	JSON           OID = 114
	XML            OID = 142
	PgNodeTree     OID = 194
	Float4         OID = 700
	Float8         OID = 701
	Unknown        OID = 705 // a literal whose type is not settled yet; physical Bytes (text)
	Inet           OID = 869
	ACLItem        OID = 1033
	BPChar         OID = 1042
	Varchar        OID = 1043
	Date           OID = 1082
	Time           OID = 1083
	Timestamp      OID = 1114
	TimestampTZ    OID = 1184
	Interval       OID = 1186
	TimeTZ         OID = 1266
	Bit            OID = 1560
	Varbit         OID = 1562
	Numeric        OID = 1700
	Refcursor      OID = 1790
	Regclass       OID = 2205
	Regtype        OID = 2206
	Regrole        OID = 4096
	Regnsp         OID = 4089
	Regproced      OID = 2202
	Regoper        OID = 2203
	Regoperator    OID = 2204
	Record         OID = 2249
	Cstring        OID = 2275
	Any            OID = 2276
	AnyArray       OID = 2277
	Void           OID = 2278
	AnyElement     OID = 2283
	AnyNonArray    OID = 2776
	UUID           OID = 2950
	Regconfig      OID = 3734
	JSONB          OID = 3802
	JSONPath       OID = 4072
	AnyCompat      OID = 5077
	AnyCompatArray OID = 5078
)

// The array types that the code names.
const (
	BoolArray        OID = 1000
	Int2Array        OID = 1005
	Int4Array        OID = 1007
	TextArray        OID = 1009
	Int8Array        OID = 1016
	Float4Array      OID = 1021
	Float8Array      OID = 1022
	OidArray         OID = 1028
	NameArray        OID = 1003
	NumericArray     OID = 1231
	TimestampArray   OID = 1115
	TimestampTZArray OID = 1185
	IntervalArray    OID = 1187
	JSONArray        OID = 199
	JSONBArray       OID = 3807
	RecordArray      OID = 2287
)

// Further types.
const (
	Money           OID = 790
	MacAddr         OID = 829
	Cidr            OID = 650
	Trigger         OID = 2279
	Internal        OID = 2281
	PgLSN           OID = 3220
	Xid8            OID = 5069
	PgSnapshot      OID = 5038
	TxidSnapshot    OID = 2970
	Regcollation    OID = 4191
	Regdictionary   OID = 3769
	AnyEnum         OID = 3500
	AnyRange        OID = 3831
	AnyCompatNonArr OID = 5079
)
