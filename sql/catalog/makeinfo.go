package catalog

import (
	"context"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// Rows of information_schema.

var tableTypes = map[Kind]string{Table: "BASE TABLE", View: "VIEW"}

func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

func (r *Relation) insertable() bool { return r.OID == EventsOID || r.Kind == Table && r.Table != nil }

func infoTableRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		kind := tableTypes[r.Kind]
		if kind == "" {
			continue
		}
		if r.Table != nil && r.Table.Persistence == Temporary {
			kind = "LOCAL TEMPORARY"
		}
		t.add(row{"table_catalog": c.database, "table_schema": r.Schema, "table_name": r.Name, "table_type": kind,
			"is_insertable_into": yesNo(r.insertable()), "is_typed": "NO"})
	}
}

func infoColumnRows(_ context.Context, x *Context, t *rows) error {
	for _, r := range x.Catalog.relations {
		if tableTypes[r.Kind] == "" {
			continue
		}
		for i, col := range r.Columns {
			out := x.Catalog.infoColumn(r, i, col)
			if err := x.userColumn(r, col, out); err != nil {
				return err
			}
			t.add(out)
		}
	}
	return nil
}

// userColumn adds what the row of a column says of tables of users.
func (x *Context) userColumn(r *Relation, col Column, out row) error {
	c := x.Catalog
	if col.Domain != nil {
		out["domain_catalog"], out["domain_schema"], out["domain_name"] = c.database, c.SchemaName(col.Domain.Schema), col.Domain.Name
	}
	s := col.Stored
	if s == nil {
		return nil
	}
	delete(out, "column_default")
	if o, array := c.TypeObject(s.Type.OID); o != nil && col.Domain == nil {
		out["data_type"], out["udt_schema"], out["udt_name"] = "USER-DEFINED", c.SchemaName(o.Head().Schema), o.Head().Name
		if array {
			out["data_type"], out["udt_name"] = "ARRAY", "_"+o.Head().Name
		}
	}
	var err error
	switch {
	case s.Generated.Text != "":
		out["is_generated"], out["is_updatable"] = "ALWAYS", "YES"
		out["generation_expression"], err = x.shown(r, s.Generated.Text)
	case s.Identity != "":
		out["is_identity"], out["identity_generation"] = "YES", map[string]string{"a": "ALWAYS", "d": "BY DEFAULT"}[s.Identity]
		c.sequences(func(q *SequenceObject) {
			if q.Identity && q.Owner == r.OID && q.Column == col.Attr {
				text := func(n int64) string { return strconv.FormatInt(n, 10) }
				out["identity_start"], out["identity_increment"], out["identity_maximum"], out["identity_minimum"] = text(q.Start), text(q.Increment), text(q.Max), text(q.Min)
				out["identity_cycle"] = yesNo(q.Cycle)
			}
		})
	case s.Default.Text != "":
		out["column_default"], err = x.shown(r, s.Default.Text)
	}
	return err
}

func (c *Catalog) infoColumn(r *Relation, i int, col Column) row {
	out := row{
		"table_catalog": c.database, "table_schema": r.Schema, "table_name": r.Name, "column_name": col.Name, "ordinal_position": r.AttrNum(i),
		"is_nullable": yesNo(!col.NotNull), "data_type": infoType(col.Type), "udt_catalog": c.database, "udt_schema": pgCatalog,
		"dtd_identifier": decimalText(int(r.AttrNum(i))), "is_self_referencing": "NO", "is_identity": "NO", "identity_cycle": "NO",
		"is_generated": "NEVER", "is_updatable": yesNo(r.insertable()),
	}
	if info := datum.Lookup(col.Type.OID); info != nil {
		out["udt_name"] = info.Name
	}
	if own := datum.OwnOf(col.Type.OID); own != nil {
		out["udt_schema"] = own.Schema
	}
	if col.Default != "" {
		out["column_default"] = col.Default
	}
	typeFacts(col.Type, out)
	return out
}

// typeFacts adds lengths and precisions of a type to a row.
func typeFacts(t datum.Type, out row) {
	chars, precision, scale, times := datum.ColumnMod(t)
	set := func(name string, v int32) {
		if v >= 0 {
			out[name] = v
		}
	}
	set("character_maximum_length", chars)
	set("numeric_precision", precision)
	set("numeric_scale", scale)
	set("datetime_precision", times)
	switch {
	case t.OID == datum.Numeric:
		out["numeric_precision_radix"] = 10
	case precision >= 0:
		out["numeric_precision_radix"] = 2
	}
	switch t.OID {
	case datum.Text, datum.Varchar, datum.BPChar:
		if chars >= 0 {
			out["character_octet_length"] = 4 * chars
		} else {
			out["character_octet_length"] = 1 << 30
		}
	}
}

func decimalText(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimalText(n/10) + string(rune('0'+n%10))
}

// infoType is a type's name as the standard has it: without its modifier.
func infoType(t datum.Type) string {
	if i := datum.Lookup(t.OID); i != nil && i.IsArray() {
		return "ARRAY"
	}
	if datum.OwnOf(t.OID) != nil {
		return "USER-DEFINED"
	}
	return datum.FormatType(datum.T(t.OID))
}

func schemataRows(c *Catalog, t *rows) {
	for _, s := range c.schemas {
		t.add(row{"catalog_name": c.database, "schema_name": s.Name, "schema_owner": superuserName})
	}
}

func catalogNameRows(c *Catalog, t *rows) { t.add(row{"catalog_name": c.database}) }

// keys calls f for every key of every relation.
func (c *Catalog) keys(f func(r *Relation, ix *Index)) {
	for _, r := range c.relations {
		for i := range r.Indexes {
			if r.Indexes[i].Constraint != 0 && r.Table == nil {
				f(r, &r.Indexes[i])
			}
		}
	}
}

func tableConstraintRows(c *Catalog, t *rows) {
	c.keys(func(r *Relation, ix *Index) {
		t.add(row{"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": ix.Name, "table_catalog": c.database,
			"table_schema": r.Schema, "table_name": r.Name, "constraint_type": ix.constraintKind(), "is_deferrable": "NO",
			"initially_deferred": "NO", "enforced": "YES", "nulls_distinct": "YES"})
	})
	c.userTableConstraints(t)
}

func keyColumnRows(c *Catalog, t *rows) {
	c.keys(func(r *Relation, ix *Index) {
		for i, k := range ix.Columns {
			t.add(row{"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": ix.Name, "table_catalog": c.database,
				"table_schema": r.Schema, "table_name": r.Name, "column_name": r.Columns[k].Name, "ordinal_position": i + 1})
		}
	})
	c.userKeyColumns(t)
}

func constraintColumnRows(c *Catalog, t *rows) {
	c.keys(func(r *Relation, ix *Index) {
		for _, k := range ix.Columns {
			t.add(row{"table_catalog": c.database, "table_schema": r.Schema, "table_name": r.Name, "column_name": r.Columns[k].Name,
				"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": ix.Name})
		}
	})
	c.userConstraintColumns(t)
}

func infoViewRows(_ context.Context, x *Context, t *rows) error {
	return x.views(View, func(r *Relation, text string) {
		check := "NONE"
		if v, ok := r.Object.(*ViewObject); ok && v.Check != "" {
			check = strings.ToUpper(v.Check)
		}
		t.add(row{"table_catalog": x.Catalog.database, "table_schema": r.Schema, "table_name": r.Name, "view_definition": text,
			"check_option": check, "is_updatable": "NO", "is_insertable_into": "NO", "is_trigger_updatable": "NO",
			"is_trigger_deletable": "NO", "is_trigger_insertable_into": "NO"})
	})
}

// privilegeRows are what roles may do with the relations that are not built in.
func privilegeRows(ctx context.Context, c *Context, t *rows) error {
	list, err := c.Server.Roles(ctx)
	for _, u := range list {
		for _, r := range c.Catalog.relations {
			if r.Schema == pgCatalog || r.Schema == infoSchema || tableTypes[r.Kind] == "" {
				continue
			}
			may := []string{"INSERT", "SELECT"}
			if r.Object != nil {
				may = []string{"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}
			}
			for _, p := range may {
				t.add(row{"grantor": superuserName, "grantee": u.Name, "table_catalog": c.Catalog.database, "table_schema": r.Schema,
					"table_name": r.Name, "privilege_type": p, "is_grantable": "YES", "with_hierarchy": yesNo(p == "SELECT")})
			}
		}
	}
	return err
}

func enabledRoleRows(ctx context.Context, c *Context, t *rows) error {
	list, err := c.Server.Roles(ctx)
	for _, u := range list {
		t.add(row{"role_name": u.Name})
	}
	return err
}

func routineRows(c *Catalog, t *rows) {
	for _, p := range procs() {
		if p.kind != "f" {
			continue
		}
		r := row{"specific_catalog": c.database, "specific_schema": pgCatalog, "specific_name": p.name + "_" + decimalText(int(p.oid)),
			"routine_catalog": c.database, "routine_schema": pgCatalog, "routine_name": p.name, "routine_type": "FUNCTION",
			"data_type": infoType(datum.T(p.ret)), "type_udt_catalog": c.database, "type_udt_schema": pgCatalog,
			"routine_body": "EXTERNAL", "external_language": "INTERNAL", "is_deterministic": yesNo(p.volatile == "i"),
			"security_type": "INVOKER", "is_null_call": yesNo(p.strict)}
		if i := datum.Lookup(p.ret); i != nil {
			r["type_udt_name"] = i.Name
		}
		t.add(r)
	}
	c.userRoutineRows(t)
}
