package catalog

import (
	"github.com/allsource-db/allsource/sql/datum"
)

// AccessMethods are the kinds of indexes by name, with their OIDs. What is not a btree or hash keeps no entries: a scan finds its rows by the
// minima and maxima of columns, which is all that a brin index has, and the definition stays for those who read it back.
var AccessMethods = map[string]datum.OID{"btree": btreeAM, "hash": 405, "gist": 783, "gin": 2742, "brin": 3580, "spgist": 4000}

// OpClass is an operator class: what an access method needs to know of a type.
type OpClass struct {
	OID     datum.OID
	Method  string
	Name    string
	Type    datum.OID
	Default bool
}

// opclasses are those of the types that there are.
var opclasses = []OpClass{
	{1978, "btree", "int4_ops", 23, true},
	{1979, "btree", "int2_ops", 21, true},
	{1981, "btree", "oid_ops", 26, true},
	{3122, "btree", "date_ops", 1082, true},
	{3123, "btree", "float8_ops", 701, true},
	{3124, "btree", "int8_ops", 20, true},
	{3125, "btree", "numeric_ops", 1700, true},
	{3126, "btree", "text_ops", 25, true},
	{3127, "btree", "timestamptz_ops", 1184, true},
	{3128, "btree", "timestamp_ops", 1114, true},
	{4217, "btree", "text_pattern_ops", 25, false},
	{4218, "btree", "varchar_pattern_ops", 25, false},
	{4219, "btree", "bpchar_pattern_ops", 1042, false},
	{10000, "btree", "array_ops", datum.AnyArray, true},
	{10002, "btree", "bit_ops", 1560, true},
	{10003, "btree", "bool_ops", 16, true},
	{10004, "btree", "bpchar_ops", 1042, true},
	{10006, "btree", "bytea_ops", 17, true},
	{10007, "btree", "char_ops", 18, true},
	{10009, "btree", "cidr_ops", 869, false},
	{10012, "btree", "float4_ops", 700, true},
	{10015, "btree", "inet_ops", 869, true},
	{10022, "btree", "interval_ops", 1186, true},
	{10024, "btree", "macaddr_ops", 829, true},
	{10028, "btree", "name_ops", 19, true},
	{10034, "btree", "record_ops", 2249, true},
	{10036, "btree", "record_image_ops", 2249, false},
	{10038, "btree", "time_ops", 1083, true},
	{10041, "btree", "timetz_ops", 1266, true},
	{10043, "btree", "varbit_ops", 1562, true},
	{10044, "btree", "varchar_ops", 25, false},
	{10047, "btree", "money_ops", 790, true},
	{10050, "btree", "tid_ops", 27, true},
	{10053, "btree", "xid8_ops", 5069, true},
	{10065, "btree", "uuid_ops", 2950, true},
	{10067, "btree", "pg_lsn_ops", 3220, true},
	{10069, "btree", "enum_ops", datum.AnyEnum, true},
	{10088, "btree", "jsonb_ops", 3802, true},
	{10092, "brin", "bytea_minmax_ops", 17, true},
	{10094, "brin", "char_minmax_ops", 18, true},
	{10096, "brin", "name_minmax_ops", 19, true},
	{10098, "brin", "int8_minmax_ops", 20, true},
	{10101, "brin", "int2_minmax_ops", 21, true},
	{10104, "brin", "int4_minmax_ops", 23, true},
	{10107, "brin", "text_minmax_ops", 25, true},
	{10109, "brin", "oid_minmax_ops", 26, true},
	{10112, "brin", "tid_minmax_ops", 27, true},
	{10115, "brin", "float4_minmax_ops", 700, true},
	{10118, "brin", "float8_minmax_ops", 701, true},
	{10121, "brin", "macaddr_minmax_ops", 829, true},
	{10127, "brin", "inet_minmax_ops", 869, false},
	{10130, "brin", "inet_inclusion_ops", 869, true},
	{10131, "brin", "bpchar_minmax_ops", 1042, true},
	{10133, "brin", "time_minmax_ops", 1083, true},
	{10136, "brin", "date_minmax_ops", 1082, true},
	{10139, "brin", "timestamp_minmax_ops", 1114, true},
	{10142, "brin", "timestamptz_minmax_ops", 1184, true},
	{10145, "brin", "interval_minmax_ops", 1186, true},
	{10148, "brin", "timetz_minmax_ops", 1266, true},
	{10151, "brin", "bit_minmax_ops", 1560, true},
	{10152, "brin", "varbit_minmax_ops", 1562, true},
	{10153, "brin", "numeric_minmax_ops", 1700, true},
	{10156, "brin", "uuid_minmax_ops", 2950, true},
	{10160, "brin", "pg_lsn_minmax_ops", 3220, true},
	{10064, "gin", "array_ops", datum.AnyArray, true},
	{10090, "gin", "jsonb_ops", 3802, true},
	{10091, "gin", "jsonb_path_ops", 3802, false},
	{10017, "gist", "inet_ops", 869, false},
	{10001, "hash", "array_ops", datum.AnyArray, true},
	{10005, "hash", "bpchar_ops", 1042, true},
	{10008, "hash", "char_ops", 18, true},
	{10010, "hash", "cidr_ops", 869, false},
	{10011, "hash", "date_ops", 1082, true},
	{10013, "hash", "float4_ops", 700, true},
	{10014, "hash", "float8_ops", 701, true},
	{10016, "hash", "inet_ops", 869, true},
	{10019, "hash", "int2_ops", 21, true},
	{10020, "hash", "int4_ops", 23, true},
	{10021, "hash", "int8_ops", 20, true},
	{10023, "hash", "interval_ops", 1186, true},
	{10025, "hash", "macaddr_ops", 829, true},
	{10029, "hash", "name_ops", 19, true},
	{10030, "hash", "numeric_ops", 1700, true},
	{10031, "hash", "oid_ops", 26, true},
	{10035, "hash", "record_ops", 2249, true},
	{10037, "hash", "text_ops", 25, true},
	{10039, "hash", "time_ops", 1083, true},
	{10040, "hash", "timestamptz_ops", 1184, true},
	{10042, "hash", "timetz_ops", 1266, true},
	{10045, "hash", "varchar_ops", 25, false},
	{10046, "hash", "timestamp_ops", 1114, true},
	{10048, "hash", "bool_ops", 16, true},
	{10049, "hash", "bytea_ops", 17, true},
	{10051, "hash", "xid_ops", 28, true},
	{10052, "hash", "xid8_ops", 5069, true},
	{10055, "hash", "tid_ops", 27, true},
	{10056, "hash", "text_pattern_ops", 25, false},
	{10057, "hash", "varchar_pattern_ops", 25, false},
	{10058, "hash", "bpchar_pattern_ops", 1042, false},
	{10066, "hash", "uuid_ops", 2950, true},
	{10068, "hash", "pg_lsn_ops", 3220, true},
	{10070, "hash", "enum_ops", datum.AnyEnum, true},
	{10089, "hash", "jsonb_ops", 3802, true},
	{10018, "spgist", "inet_ops", 869, true},
	{10086, "spgist", "text_ops", 25, true},
}

// OpClassNamed finds the operator class of an access method by name, nil if there is none.
func OpClassNamed(method, name string) *OpClass {
	for i := range opclasses {
		if o := &opclasses[i]; o.Method == method && o.Name == name {
			return o
		}
	}
	return nil
}

// OpClass is what an access method takes for a type that it is told nothing about, nil if nothing.
func (c *Catalog) OpClass(method string, t TypeRef) *OpClass {
	typ := c.InputType(t)
	for i := range opclasses {
		if o := &opclasses[i]; o.Method == method && o.Type == typ && o.Default {
			return o
		}
	}
	return nil
}

// InputType is the type by which operator classes know another one.
func (c *Catalog) InputType(t TypeRef) datum.OID {
	typ, _ := c.Resolve(t)
	o, array := c.TypeObject(typ.OID)
	_, enum := o.(*EnumObject)
	switch info := datum.Lookup(typ.OID); {
	case array || info != nil && info.IsArray():
		return datum.AnyArray
	case enum:
		return datum.AnyEnum
	case datum.IsComposite(typ.OID):
		return datum.Record
	case typ.OID == datum.Varchar:
		return datum.Text
	case typ.OID == datum.Cidr:
		return datum.Inet
	}
	return typ.OID
}

// opclassOID is the operator class of a key of an index, 0 if it is not known.
func (c *Catalog) opclassOID(method string, key *IndexKey) datum.OID {
	o := c.OpClass(method, key.Type)
	if key.OpClass != "" {
		o = OpClassNamed(method, key.OpClass)
	}
	if o == nil {
		return 0
	}
	return o.OID
}

func opclassRows(_ *Catalog, t *rows) {
	for _, o := range opclasses {
		t.add(row{"oid": o.OID, "opcmethod": AccessMethods[o.Method], "opcname": o.Name, "opcnamespace": 11, "opcowner": superuser, "opcintype": o.Type,
			"opcdefault": o.Default})
	}
}

func amRows(_ *Catalog, t *rows) {
	t.add(row{"oid": heapAM, "amname": "heap", "amtype": "t"})
	for _, name := range []string{"btree", "hash", "gist", "gin", "brin", "spgist"} {
		t.add(row{"oid": AccessMethods[name], "amname": name, "amtype": "i"})
	}
}
