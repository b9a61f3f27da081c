package catalog

import (
	"strings"
	"sync"

	"github.com/allsource-db/allsource/sql/datum"
)

// builtin declares a relation that every database has. Columns are "name type" with ! for not null, separated by commas.
// Without a row maker the relation is there and empty: what it would list does not exist here.
type builtin struct {
	oid     datum.OID
	name    string
	rows    rowsMaker
	columns string
}

// builtinTypes are the types that occur in the declarations.
var builtinTypes = map[string]datum.Type{
	"bool": datum.T(datum.Bool), "bytea": datum.T(datum.Bytea), "char": datum.T(datum.Char), "name": datum.T(datum.Name),
	"int8": datum.T(datum.Int8), "int2": datum.T(datum.Int2), "int2vector": datum.T(datum.Int2Vector), "int4": datum.T(datum.Int4),
	"regproc": datum.T(datum.Regproc), "text": datum.T(datum.Text), "oid": datum.T(datum.Oid), "xid": datum.T(datum.Xid),
	"oidvector": datum.T(datum.OidVector), "pg_node_tree": datum.T(datum.PgNodeTree), "float4": datum.T(datum.Float4),
	"float8": datum.T(datum.Float8), "inet": datum.T(datum.Inet), "varchar": datum.T(datum.Varchar), "interval": datum.T(datum.Interval),
	"timestamptz": datum.T(datum.TimestampTZ), "numeric": datum.T(datum.Numeric), "regtype": datum.T(datum.Regtype),
	"yes_or_no": {OID: datum.Varchar, Mod: 3 + 4},
	"_bool":     datum.T(1000), "_char": datum.T(1002), "_name": datum.T(1003), "_int2": datum.T(1005), "_text": datum.T(1009),
	"_float4": datum.T(1021), "_float8": datum.T(1022), "_oid": datum.T(1028), "_aclitem": datum.T(1034), "_regtype": datum.T(2211),
}

var builtins = sync.OnceValue(func() []*Relation {
	out := []*Relation{Events, EntitiesView, EventTypes}
	for _, group := range []struct {
		schema string
		kind   Kind
		list   []builtin
	}{{pgCatalog, Table, pgTables}, {pgCatalog, View, pgViews}, {infoSchema, View, infoViews}, {public, View, logViews}} {
		for _, b := range group.list {
			out = append(out, b.relation(group.schema, group.kind))
		}
	}
	return out
})

func (b builtin) relation(schema string, kind Kind) *Relation {
	r := &Relation{OID: b.oid, Schema: schema, Name: b.name, Kind: kind}
	for _, decl := range strings.Split(b.columns, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(decl), " ")
		bare := strings.TrimSuffix(typ, "!")
		r.Columns = append(r.Columns, Column{Name: name, Type: builtinTypes[bare], NotNull: bare != typ})
	}
	r.Rows, r.Changing = b.rows.bind(r), b.rows.following
	return r
}
