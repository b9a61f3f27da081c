package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// TypeIO are the functions between a type and its forms in text and binary. Drivers and tools tell kinds of types by them.
type TypeIO struct{ In, Out, Recv, Send datum.OID }

// Kinds of types that share their functions.
var (
	ArrayIO     = TypeIO{750, 751, 2400, 2401}
	RecordIO    = TypeIO{2290, 2291, 2402, 2403}
	EnumIO      = TypeIO{3506, 3507, 3532, 3533}
	domainIn    = datum.OID(2597)
	domainRecv  = datum.OID(2598)
	typmodInput = []datum.OID{datum.Oid, datum.Int4}
)

// IOOf returns the functions of a built-in type.
func IOOf(t datum.OID) TypeIO {
	switch i := datum.Lookup(t); {
	case t == datum.Record:
		return RecordIO
	case t == datum.Refcursor:
		t = datum.Text
	case i != nil && i.IsArray():
		return ArrayIO
	}
	for i := range typeIOs {
		if r := &typeIOs[i]; r.typ == t {
			return TypeIO{r.in, r.out, r.recv, r.send}
		}
	}
	return TypeIO{}
}

// DomainIO are the functions of a domain over a type.
func DomainIO(base datum.OID) TypeIO {
	out := IOOf(base)
	out.In, out.Recv = domainIn, domainRecv
	return out
}

// typeIOs are the functions of the types that have some of their own; volatile has a letter for each, and with modifier the functions
// that read are told type and modifier.
var typeIOs = []struct {
	typ      datum.OID
	in       datum.OID
	inName   string
	out      datum.OID
	outName  string
	recv     datum.OID
	recvName string
	send     datum.OID
	sendName string
	volatile string
	modifier bool
}{
	{16, 1242, "boolin", 1243, "boolout", 2436, "boolrecv", 2437, "boolsend", "iiii", false},
	{17, 1244, "byteain", 31, "byteaout", 2412, "bytearecv", 2413, "byteasend", "iiii", false},
	{18, 1245, "charin", 33, "charout", 2434, "charrecv", 2435, "charsend", "iiii", false},
	{19, 34, "namein", 35, "nameout", 2422, "namerecv", 2423, "namesend", "iiss", false},
	{20, 460, "int8in", 461, "int8out", 2408, "int8recv", 2409, "int8send", "iiii", false},
	{21, 38, "int2in", 39, "int2out", 2404, "int2recv", 2405, "int2send", "iiii", false},
	{22, 40, "int2vectorin", 41, "int2vectorout", 2410, "int2vectorrecv", 2411, "int2vectorsend", "iiii", false},
	{23, 42, "int4in", 43, "int4out", 2406, "int4recv", 2407, "int4send", "iiii", false},
	{24, 44, "regprocin", 45, "regprocout", 2444, "regprocrecv", 2445, "regprocsend", "ssii", false},
	{25, 46, "textin", 47, "textout", 2414, "textrecv", 2415, "textsend", "iiss", false},
	{26, 1798, "oidin", 1799, "oidout", 2418, "oidrecv", 2419, "oidsend", "iiii", false},
	{27, 48, "tidin", 49, "tidout", 2438, "tidrecv", 2439, "tidsend", "iiii", false},
	{28, 50, "xidin", 51, "xidout", 2440, "xidrecv", 2441, "xidsend", "iiii", false},
	{29, 52, "cidin", 53, "cidout", 2442, "cidrecv", 2443, "cidsend", "iiii", false},
	{30, 54, "oidvectorin", 55, "oidvectorout", 2420, "oidvectorrecv", 2421, "oidvectorsend", "iiii", false},
	{114, 321, "json_in", 322, "json_out", 323, "json_recv", 324, "json_send", "iiii", false},
	{142, 2893, "xml_in", 2894, "xml_out", 2898, "xml_recv", 2899, "xml_send", "siss", false},
	{194, 195, "pg_node_tree_in", 196, "pg_node_tree_out", 197, "pg_node_tree_recv", 198, "pg_node_tree_send", "iiss", false},
	{650, 1267, "cidr_in", 1427, "cidr_out", 2498, "cidr_recv", 2499, "cidr_send", "iiii", false},
	{700, 200, "float4in", 201, "float4out", 2424, "float4recv", 2425, "float4send", "iiii", false},
	{701, 214, "float8in", 215, "float8out", 2426, "float8recv", 2427, "float8send", "iiii", false},
	{705, 109, "unknownin", 110, "unknownout", 2416, "unknownrecv", 2417, "unknownsend", "iiii", false},
	{790, 886, "cash_in", 887, "cash_out", 2492, "cash_recv", 2493, "cash_send", "ssii", false},
	{829, 436, "macaddr_in", 437, "macaddr_out", 2494, "macaddr_recv", 2495, "macaddr_send", "iiii", false},
	{869, 910, "inet_in", 911, "inet_out", 2496, "inet_recv", 2497, "inet_send", "iiii", false},
	{1042, 1044, "bpcharin", 1045, "bpcharout", 2430, "bpcharrecv", 2431, "bpcharsend", "iiss", true},
	{1043, 1046, "varcharin", 1047, "varcharout", 2432, "varcharrecv", 2433, "varcharsend", "iiss", true},
	{1082, 1084, "date_in", 1085, "date_out", 2468, "date_recv", 2469, "date_send", "ssii", false},
	{1083, 1143, "time_in", 1144, "time_out", 2470, "time_recv", 2471, "time_send", "siii", true},
	{1114, 1312, "timestamp_in", 1313, "timestamp_out", 2474, "timestamp_recv", 2475, "timestamp_send", "ssii", true},
	{1184, 1150, "timestamptz_in", 1151, "timestamptz_out", 2476, "timestamptz_recv", 2477, "timestamptz_send", "ssii", true},
	{1186, 1160, "interval_in", 1161, "interval_out", 2478, "interval_recv", 2479, "interval_send", "ssii", true},
	{1266, 1350, "timetz_in", 1351, "timetz_out", 2472, "timetz_recv", 2473, "timetz_send", "siii", true},
	{1560, 1564, "bit_in", 1565, "bit_out", 2456, "bit_recv", 2457, "bit_send", "iiii", true},
	{1562, 1579, "varbit_in", 1580, "varbit_out", 2458, "varbit_recv", 2459, "varbit_send", "iiii", true},
	{1700, 1701, "numeric_in", 1702, "numeric_out", 2460, "numeric_recv", 2461, "numeric_send", "iiii", true},
	{2202, 2212, "regprocedurein", 2213, "regprocedureout", 2446, "regprocedurerecv", 2447, "regproceduresend", "ssii", false},
	{2203, 2214, "regoperin", 2215, "regoperout", 2448, "regoperrecv", 2449, "regopersend", "ssii", false},
	{2204, 2216, "regoperatorin", 2217, "regoperatorout", 2450, "regoperatorrecv", 2451, "regoperatorsend", "ssii", false},
	{2205, 2218, "regclassin", 2219, "regclassout", 2452, "regclassrecv", 2453, "regclasssend", "ssii", false},
	{2206, 2220, "regtypein", 2221, "regtypeout", 2454, "regtyperecv", 2455, "regtypesend", "ssii", false},
	{2275, 2292, "cstring_in", 2293, "cstring_out", 2500, "cstring_recv", 2501, "cstring_send", "iiss", false},
	{2950, 2952, "uuid_in", 2953, "uuid_out", 2961, "uuid_recv", 2962, "uuid_send", "iiii", false},
	{2970, 2939, "txid_snapshot_in", 2940, "txid_snapshot_out", 2941, "txid_snapshot_recv", 2942, "txid_snapshot_send", "iiii", false},
	{3220, 3229, "pg_lsn_in", 3230, "pg_lsn_out", 3238, "pg_lsn_recv", 3239, "pg_lsn_send", "iiii", false},
	{3734, 3736, "regconfigin", 3737, "regconfigout", 3738, "regconfigrecv", 3739, "regconfigsend", "ssii", false},
	{3769, 3771, "regdictionaryin", 3772, "regdictionaryout", 3773, "regdictionaryrecv", 3774, "regdictionarysend", "ssii", false},
	{3802, 3806, "jsonb_in", 3804, "jsonb_out", 3805, "jsonb_recv", 3803, "jsonb_send", "iiii", false},
	{4072, 4001, "jsonpath_in", 4003, "jsonpath_out", 4002, "jsonpath_recv", 4004, "jsonpath_send", "iiii", false},
	{4089, 4084, "regnamespacein", 4085, "regnamespaceout", 4087, "regnamespacerecv", 4088, "regnamespacesend", "ssii", false},
	{4096, 4098, "regrolein", 4092, "regroleout", 4094, "regrolerecv", 4095, "regrolesend", "ssii", false},
	{4191, 4193, "regcollationin", 4194, "regcollationout", 4196, "regcollationrecv", 4197, "regcollationsend", "ssii", false},
	{5038, 5055, "pg_snapshot_in", 5056, "pg_snapshot_out", 5057, "pg_snapshot_recv", 5058, "pg_snapshot_send", "iiii", false},
	{5069, 5070, "xid8in", 5081, "xid8out", 5082, "xid8recv", 5083, "xid8send", "iiii", false},
}

func typeIOFuncs() []Func {
	var out []Func
	for _, r := range typeIOs {
		t, reads := datum.T(r.typ), []datum.OID(nil)
		if r.modifier {
			reads = typmodInput
		}
		in := row(r.in, r.inName, r.typ, "the value of a text", readText(t), append([]datum.OID{datum.Cstring}, reads...)...)
		text := row(r.out, r.outName, datum.Cstring, "the text of a value", rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			b.AppendBytes(datum.AppendText(nil, t, a[0], i, c.Env))
			return nil
		}), r.typ)
		recv := row(r.recv, r.recvName, r.typ, "the value of a binary form", internalOnly, append([]datum.OID{datum.Internal}, reads...)...)
		send := row(r.send, r.sendName, datum.Bytea, "the binary form", rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			return b.AppendWith(func(dst []byte) ([]byte, error) { return datum.AppendBinary(dst, t, a[0], i, c.Env) })
		}), r.typ)
		for i, f := range []Func{in, text, recv, send} {
			out = append(out, f.as(Volatility(r.volatile[i])))
		}
	}
	for _, r := range []struct {
		io   TypeIO
		name string
		typ  datum.OID
		args int
	}{{ArrayIO, "array", datum.AnyArray, 2}, {RecordIO, "record", datum.Record, 2}, {EnumIO, "enum", datum.AnyEnum, 1}} {
		reads := typmodInput[:r.args]
		out = append(out,
			row(r.io.In, r.name+"_in", r.typ, "the value of a text", internalOnly, append([]datum.OID{datum.Cstring}, reads...)...).as(Stable),
			row(r.io.Out, r.name+"_out", datum.Cstring, "the text of a value", internalOnly, r.typ).as(Stable),
			row(r.io.Recv, r.name+"_recv", r.typ, "the value of a binary form", internalOnly, append([]datum.OID{datum.Internal}, reads...)...).as(Stable),
			row(r.io.Send, r.name+"_send", datum.Bytea, "the binary form", internalOnly, r.typ).as(Stable))
	}
	for oid, arg := range map[datum.OID]datum.OID{domainIn: datum.Cstring, domainRecv: datum.Internal} {
		f := row(oid, "domain_in", datum.Any, "the value of a text", internalOnly, arg, datum.Oid, datum.Int4).as(Stable)
		if f.Strict = false; oid == domainRecv {
			f.Name, f.Doc = "domain_recv", "the value of a binary form"
		}
		out = append(out, f)
	}
	return out
}

// readText reads the texts of a type, with the modifier that is the third argument.
func readText(t datum.Type) Body {
	return func(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
		if len(a) < 3 {
			return IOCast(c, datum.T(datum.Cstring), t, a[0], n, false)
		}
		b := datum.NewBuilder(t, n)
		for i := range n {
			if a[0].Null(i) || a[2].Null(i) {
				b.AppendNull()
				continue
			}
			if err := datum.ParseText(datum.Type{OID: t.OID, Mod: int32(a[2].Int(i))}, a[0].Bytes(i), b, c.Env); err != nil {
				return nil, err
			}
		}
		return b.Finish(), nil
	}
}

// internalOnly is the body of functions that the server alone can call.
func internalOnly(*Ctx, []*vec.Column, int) (*vec.Column, error) {
	return nil, pgerr.New(pgerr.FeatureNotSupported, "cannot accept a value of type internal")
}
