package funcs

import (
	"fmt"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

const aclItems datum.OID = 1034

// accessFuncs are the functions about access lists (PostgreSQL documentation, table 9.70), and the exported snapshots of programs that
// copy everything. Every user of a database may do
// everything, and no list says so: they are null.
func accessFuncs() []Func {
	out := []Func{
		row(3943, "acldefault", aclItems, "null: no object has an access list", nothing(vec.List), datum.Char, datum.Oid),
		set(1689, "aclexplode", datum.Record, "the entries of an access list", "grantor oid, grantee oid, privilege_type text, is_grantable bool", noEntries, aclItems).as(Stable),
		row(3809, "pg_export_snapshot", datum.Text, "a name for what the transaction sees, for SET TRANSACTION SNAPSHOT", rowwise(vec.Bytes, exportSnapshot)).as(Volatile),
		row(3298, "row_security_active", datum.Bool, "whether rules about rows hold for the table: there are none", always(false), datum.Oid).as(Stable),
		row(3299, "row_security_active", datum.Bool, "whether rules about rows hold for the table: there are none", always(false), datum.Text).as(Stable),
	}
	for first, name := range map[datum.OID]string{3138: "has_type_privilege", 2262: "has_language_privilege", 3000: "has_foreign_data_wrapper_privilege"} {
		for i, args := range [][]datum.OID{{datum.Name, datum.Text}, {datum.Name, datum.Oid}, {datum.Oid, datum.Text}, {datum.Oid, datum.Oid}, {datum.Text}, {datum.Oid}} {
			out = append(out, row(first+datum.OID(i), name, datum.Bool, "whether the privilege is there", always(true), append(args, datum.Text)...).as(Stable))
		}
	}
	return out
}

func noEntries(*Ctx, []*vec.Column, int) (*vec.Column, error) {
	return vec.NewStructBuilder([]vec.Kind{vec.Int64, vec.Int64, vec.Bytes, vec.Bool}, 0).Finish(), nil
}

// snapshotID is the name of what a statement sees: its moment, since the log as of a moment is always the same.
const snapshotID = "%08X-%08X-1"

func exportSnapshot(c *Ctx, b *vec.Builder, _ []*vec.Column, _ int) error {
	if c.ReadTime == nil {
		return pgerr.New(pgerr.FeatureNotSupported, "snapshots cannot be exported here")
	}
	at, err := c.ReadTime()
	b.AppendString(fmt.Sprintf(snapshotID, uint64(at)>>32, uint32(at)))
	return err
}

// SnapshotMoment is the moment of what pg_export_snapshot returned. It is no later than now.
func SnapshotMoment(id string) (at int64, ok bool) {
	var high, low uint32
	n, err := fmt.Sscanf(id, snapshotID, &high, &low)
	at = int64(high)<<32 | int64(low)
	return at, err == nil && n == 2 && fmt.Sprintf(snapshotID, high, low) == id
}
