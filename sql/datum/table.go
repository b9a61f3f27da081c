package datum

import (
	"sort"
	"strings"

	"github.com/allsource-db/allsource/vec"
)

// Info is one row of the table of types; the fields are those of pg_type.
type Info struct {
	OID       OID
	Name      string // pg_type.typname
	SQLName   string // as format_type prints it without a modifier
	ArrayOID  OID    // the type of arrays of this type; 0 none
	Elem      OID    // for arrays and vectors, the element type
	Kind      vec.Kind
	Len       int16
	ByVal     bool
	Align     byte
	Category  byte
	Preferred bool
	Typtype   byte // 'b' base, 'p' pseudo
	Delim     byte
}

// IsArray reports whether values print as {…}: true arrays, not the vectors of the catalog.
func (i *Info) IsArray() bool {
	return i.Elem != 0 && i.Len == -1 && i.Category == 'A' && i.Name[0] == '_'
}

// base holds all types but the arrays, which follow from it.
var base = []Info{
	{16, "bool", "boolean", 1000, 0, vec.Bool, 1, true, 'c', 'B', true, 'b', ','},
	{17, "bytea", "bytea", 1001, 0, vec.Bytes, -1, false, 'i', 'U', false, 'b', ','},
	{18, "char", "\"char\"", 1002, 0, vec.Bytes, 1, true, 'c', 'Z', false, 'b', ','},
	{19, "name", "name", 1003, 18, vec.Bytes, 64, false, 'c', 'S', false, 'b', ','},
	{20, "int8", "bigint", 1016, 0, vec.Int64, 8, true, 'd', 'N', false, 'b', ','},
	{21, "int2", "smallint", 1005, 0, vec.Int64, 2, true, 's', 'N', false, 'b', ','},
	{22, "int2vector", "int2vector", 1006, 21, vec.List, -1, false, 'i', 'A', false, 'b', ','},
	{23, "int4", "integer", 1007, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{24, "regproc", "regproc", 1008, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{25, "text", "text", 1009, 0, vec.Bytes, -1, false, 'i', 'S', true, 'b', ','},
	{26, "oid", "oid", 1028, 0, vec.Int64, 4, true, 'i', 'N', true, 'b', ','},
	{27, "tid", "tid", 1010, 0, vec.Int64, 6, false, 's', 'U', false, 'b', ','},
	{28, "xid", "xid", 1011, 0, vec.Int64, 4, true, 'i', 'U', false, 'b', ','},
	{29, "cid", "cid", 1012, 0, vec.Int64, 4, true, 'i', 'U', false, 'b', ','},
	{30, "oidvector", "oidvector", 1013, 26, vec.List, -1, false, 'i', 'A', false, 'b', ','},
	{114, "json", "json", 199, 0, vec.Bytes, -1, false, 'i', 'U', false, 'b', ','},
	{142, "xml", "xml", 143, 0, vec.Bytes, -1, false, 'i', 'U', false, 'b', ','},
	{194, "pg_node_tree", "pg_node_tree", 0, 0, vec.Bytes, -1, false, 'i', 'Z', false, 'b', ','},
	{650, "cidr", "cidr", 651, 0, vec.Bytes, -1, false, 'i', 'I', false, 'b', ','},
	{700, "float4", "real", 1021, 0, vec.Float64, 4, true, 'i', 'N', false, 'b', ','},
	{701, "float8", "double precision", 1022, 0, vec.Float64, 8, true, 'd', 'N', true, 'b', ','},
	{705, "unknown", "unknown", 0, 0, vec.Bytes, -2, false, 'c', 'X', false, 'p', ','},
	{790, "money", "money", 791, 0, vec.Int64, 8, true, 'd', 'N', false, 'b', ','},
	{829, "macaddr", "macaddr", 1040, 0, vec.Bytes, 6, false, 'i', 'U', false, 'b', ','},
	{869, "inet", "inet", 1041, 0, vec.Bytes, -1, false, 'i', 'I', true, 'b', ','},
	{1033, "aclitem", "aclitem", 1034, 0, vec.Bytes, 12, false, 'i', 'U', false, 'b', ','},
	{1042, "bpchar", "character", 1014, 0, vec.Bytes, -1, false, 'i', 'S', false, 'b', ','},
	{1043, "varchar", "character varying", 1015, 0, vec.Bytes, -1, false, 'i', 'S', false, 'b', ','},
	{1082, "date", "date", 1182, 0, vec.Int64, 4, true, 'i', 'D', false, 'b', ','},
	{1083, "time", "time without time zone", 1183, 0, vec.Int64, 8, true, 'd', 'D', false, 'b', ','},
	{1114, "timestamp", "timestamp without time zone", 1115, 0, vec.Int64, 8, true, 'd', 'D', false, 'b', ','},
	{1184, "timestamptz", "timestamp with time zone", 1185, 0, vec.Int64, 8, true, 'd', 'D', true, 'b', ','},
	{1186, "interval", "interval", 1187, 0, vec.Interval, 16, false, 'd', 'T', true, 'b', ','},
	{1266, "timetz", "time with time zone", 1270, 0, vec.Int64, 12, false, 'd', 'D', false, 'b', ','},
	{1560, "bit", "bit", 1561, 0, vec.Bytes, -1, false, 'i', 'V', false, 'b', ','},
	{1562, "varbit", "bit varying", 1563, 0, vec.Bytes, -1, false, 'i', 'V', true, 'b', ','},
	{1700, "numeric", "numeric", 1231, 0, vec.Decimal, -1, false, 'i', 'N', false, 'b', ','},
	{1790, "refcursor", "refcursor", 2201, 0, vec.Bytes, -1, false, 'i', 'U', false, 'b', ','},
	{2202, "regprocedure", "regprocedure", 2207, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{2203, "regoper", "regoper", 2208, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{2204, "regoperator", "regoperator", 2209, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{2205, "regclass", "regclass", 2210, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{2206, "regtype", "regtype", 2211, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{2249, "record", "record", 2287, 0, vec.Struct, -1, false, 'd', 'P', false, 'p', ','},
	{2275, "cstring", "cstring", 1263, 0, vec.Bytes, -2, false, 'c', 'P', false, 'p', ','},
	{2276, "any", "\"any\"", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{2277, "anyarray", "anyarray", 0, 0, vec.List, -1, false, 'd', 'P', false, 'p', ','},
	{2278, "void", "void", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{2279, "trigger", "trigger", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{2280, "language_handler", "language_handler", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{2281, "internal", "internal", 0, 0, vec.Bytes, 8, true, 'd', 'P', false, 'p', ','},
	{2283, "anyelement", "anyelement", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{2776, "anynonarray", "anynonarray", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{2950, "uuid", "uuid", 2951, 0, vec.Bytes, 16, false, 'c', 'U', false, 'b', ','},
	{2970, "txid_snapshot", "txid_snapshot", 2949, 0, vec.Bytes, -1, false, 'd', 'U', false, 'b', ','},
	{3220, "pg_lsn", "pg_lsn", 3221, 0, vec.Int64, 8, true, 'd', 'U', false, 'b', ','},
	{3500, "anyenum", "anyenum", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{3734, "regconfig", "regconfig", 3735, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{3769, "regdictionary", "regdictionary", 3770, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{3802, "jsonb", "jsonb", 3807, 0, vec.Bytes, -1, false, 'i', 'U', false, 'b', ','},
	{3831, "anyrange", "anyrange", 0, 0, vec.Bytes, -1, false, 'd', 'P', false, 'p', ','},
	{3838, "event_trigger", "event_trigger", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{4072, "jsonpath", "jsonpath", 4073, 0, vec.Bytes, -1, false, 'i', 'U', false, 'b', ','},
	{4089, "regnamespace", "regnamespace", 4090, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{4096, "regrole", "regrole", 4097, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{4191, "regcollation", "regcollation", 4192, 0, vec.Int64, 4, true, 'i', 'N', false, 'b', ','},
	{5038, "pg_snapshot", "pg_snapshot", 5039, 0, vec.Bytes, -1, false, 'd', 'U', false, 'b', ','},
	{5069, "xid8", "xid8", 271, 0, vec.Int64, 8, true, 'd', 'U', false, 'b', ','},
	{5077, "anycompatible", "anycompatible", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{5078, "anycompatiblearray", "anycompatiblearray", 0, 0, vec.List, -1, false, 'd', 'P', false, 'p', ','},
	{5079, "anycompatiblenonarray", "anycompatiblenonarray", 0, 0, vec.Bytes, 4, true, 'i', 'P', false, 'p', ','},
	{5080, "anycompatiblerange", "anycompatiblerange", 0, 0, vec.Bytes, -1, false, 'd', 'P', false, 'p', ','},
}

var (
	all    = withArrays(base)
	byOID  = indexOID(all)
	low    = lowOIDs(all)
	byName = indexName(all)
)

// aliases are the names of SQL that are not in pg_type.
var aliases = map[string]OID{
	"int": Int4, "integer": Int4, "smallint": Int2, "bigint": Int8, "real": Float4, "float": Float8,
	"double precision": Float8, "decimal": Numeric, "dec": Numeric, "boolean": Bool, "string": Text,
	"character varying": Varchar, "char varying": Varchar, "character": BPChar, "char": BPChar, "nchar": BPChar,
	"national character": BPChar, "national character varying": Varchar, "nchar varying": Varchar,
	"timestamp without time zone": Timestamp, "timestamp with time zone": TimestampTZ,
	"time without time zone": Time, "time with time zone": TimeTZ, "bit varying": Varbit, "\"char\"": Char,
}

// withArrays gives every type that has an array type that row too, all in order of OID.
func withArrays(rows []Info) []*Info {
	out := make([]*Info, 0, 2*len(rows))
	for i := range rows {
		t := &rows[i]
		out = append(out, t)
		if t.ArrayOID == 0 {
			continue
		}
		align := byte('i')
		if t.Align == 'd' {
			align = 'd'
		}
		typtype := t.Typtype
		if t.OID == Record || t.OID == Cstring {
			typtype = 'p'
		}
		category := byte('A')
		if typtype == 'p' {
			category = 'P'
		}
		out = append(out, &Info{
			OID: t.ArrayOID, Name: "_" + t.Name, SQLName: t.SQLName + "[]", Elem: t.OID, Kind: vec.List, Len: -1,
			Align: align, Category: category, Typtype: typtype, Delim: t.Delim,
		})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].OID < out[j].OID })
	return out
}

func indexOID(rows []*Info) map[OID]*Info {
	m := make(map[OID]*Info, len(rows))
	for _, r := range rows {
		m[r.OID] = r
	}
	return m
}

// lowOIDs are the types whose numbers are below 4096, which are nearly all, by number: types are looked up for single values.
func lowOIDs(rows []*Info) (low [4096]*Info) {
	for _, r := range rows {
		if int(r.OID) < len(low) {
			low[r.OID] = r
		}
	}
	return low
}

func indexName(rows []*Info) map[string]*Info {
	m := make(map[string]*Info, 2*len(rows))
	for _, r := range rows {
		m[r.Name] = r
	}
	return m
}

// Lookup returns the row of a type, or nil. Users' types that a catalog has made are found by the numbers that OwnType gave.
func Lookup(oid OID) *Info {
	if int(oid) < len(low) {
		return low[oid]
	}
	if r := ownOf(oid); r != nil {
		return &r.info
	}
	return byOID[oid]
}

// All returns the table in order of OID; not to be changed.
func All() []*Info { return all }

// ByName finds a type by its name in pg_type or in SQL, in lower case, without modifier; name[] is the array. The name
// char is bpchar (char(n) of SQL), the one-byte type is spelled "char" with its quotes.
func ByName(name string) (*Info, bool) {
	if elem, ok := strings.CutSuffix(name, "[]"); ok {
		i, found := ByName(strings.TrimSpace(elem))
		if !found || i.ArrayOID == 0 {
			return i, found && i.Elem != 0
		}
		return byOID[i.ArrayOID], true
	}
	if oid, ok := aliases[name]; ok {
		return byOID[oid], true
	}
	i, ok := byName[name]
	return i, ok
}

// ByCatalogName finds a type by pg_type.typname only.
func ByCatalogName(name string) (*Info, bool) {
	i, ok := byName[name]
	return i, ok
}

// ArrayOf returns the OID of arrays of the type, 0 when there are none.
func ArrayOf(elem OID) OID {
	if i := Lookup(elem); i != nil {
		return i.ArrayOID
	}
	return 0
}

// ElemOf returns the element type of an array or vector, 0 for other types.
func ElemOf(array OID) OID {
	if i := Lookup(array); i != nil && i.Kind == vec.List {
		return i.Elem
	}
	return 0
}

// KindOf returns the physical kind of a type; unknown types are Bytes.
func KindOf(oid OID) vec.Kind {
	if i := Lookup(oid); i != nil {
		return i.Kind
	}
	return vec.Bytes
}

// NewBuilder returns a builder for values of the type with room for n rows; element builders of arrays and fields of
// registered records are there.
func NewBuilder(t Type, n int) *vec.Builder {
	switch k := KindOf(t.OID); k {
	case vec.List:
		if e := ElemOf(t.OID); e != 0 && KindOf(e) != vec.List {
			return vec.NewListBuilder(KindOf(e), n)
		}
		return vec.NewBuilder(k, n)
	case vec.Struct:
		var kinds []vec.Kind
		for _, f := range RecordFields(t) {
			kinds = append(kinds, KindOf(f.Type.OID))
		}
		return vec.NewStructBuilder(kinds, n)
	default:
		return vec.NewBuilder(k, n)
	}
}
