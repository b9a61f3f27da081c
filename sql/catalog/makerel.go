package catalog

import "github.com/allsource-db/allsource/sql/datum"

// Rows about relations and what belongs to them.

func namespaceRows(c *Catalog, t *rows) {
	for _, s := range c.schemas {
		t.add(row{"oid": s.OID, "nspname": s.Name, "nspowner": superuser})
	}
}

func classRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		am := heapAM
		if r.Kind != Table {
			am = 0
		}
		t.add(row{
			"oid": r.OID, "relname": r.Name, "relnamespace": c.schemaOID(r.Schema), "reltype": r.typeOID(), "relowner": superuser,
			"relam": am, "relfilenode": r.OID, "reltuples": -1.0, "relhasindex": len(r.Indexes) > 0, "relpersistence": "p",
			"relkind": r.Kind, "relnatts": len(r.Columns), "relhasrules": r.Kind == View, "relispopulated": true, "relreplident": replicaIdentity(r),
		})
		for i := range r.Indexes {
			ix := &r.Indexes[i]
			t.add(row{
				"oid": ix.OID, "relname": ix.Name, "relnamespace": c.schemaOID(r.Schema), "relowner": superuser, "relam": btreeAM,
				"relfilenode": ix.OID, "relpersistence": "p", "relkind": IndexKind, "relnatts": len(ix.Columns),
				"relispopulated": true, "relreplident": "n",
			})
		}
	}
}

func replicaIdentity(r *Relation) string {
	if r.Schema == pgCatalog {
		return "n"
	}
	return "d"
}

func attributeRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		for i, col := range r.Columns {
			t.add(attribute(r.OID, i+1, col))
		}
		for _, ix := range r.Indexes {
			for i, k := range ix.Columns {
				a := attribute(ix.OID, i+1, r.Columns[k])
				a["attnotnull"] = false
				t.add(a)
			}
		}
	}
}

func attribute(rel datum.OID, num int, col Column) row {
	a := row{
		"attrelid": rel, "attname": col.Name, "atttypid": col.Type.OID, "attstattarget": -1, "attnum": num, "attcacheoff": -1,
		"atttypmod": col.Type.Mod, "attnotnull": col.NotNull, "atthasdef": col.Default != "", "attislocal": true,
		"attcollation": collationOf(col.Type.OID),
	}
	if i := datum.Lookup(col.Type.OID); i != nil {
		a["attlen"], a["attbyval"], a["attalign"] = i.Len, i.ByVal, i.Align
		a["attstorage"] = storageOf(i)
		if i.IsArray() {
			a["attndims"] = 1
		}
	}
	return a
}

func storageOf(i *datum.Info) string {
	if i.Len == -1 {
		return "x"
	}
	return "p"
}

func attrdefRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		for i, col := range r.Columns {
			if col.Default != "" {
				t.add(row{"oid": r.OID + 500_000 + datum.OID(i), "adrelid": r.OID, "adnum": i + 1, "adbin": col.Default})
			}
		}
	}
}

func indexRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		for i := range r.Indexes {
			ix := &r.Indexes[i]
			var classes, collations []datum.OID
			var options []int
			for _, k := range ix.Columns {
				classes = append(classes, opclassOf(r.Columns[k].Type.OID))
				collations = append(collations, collationOf(r.Columns[k].Type.OID))
				options = append(options, 0)
			}
			t.add(row{
				"indexrelid": ix.OID, "indrelid": r.OID, "indnatts": len(ix.Columns), "indnkeyatts": len(ix.Columns),
				"indisunique": ix.Unique, "indisprimary": ix.Primary, "indimmediate": true, "indisvalid": true, "indisready": true,
				"indislive": true, "indkey": ix.attributes(), "indcollation": collations, "indclass": classes, "indoption": options,
			})
		}
	}
}

func constraintRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		for i := range r.Indexes {
			ix := &r.Indexes[i]
			if ix.Constraint == 0 {
				continue
			}
			kind := "u"
			if ix.Primary {
				kind = "p"
			}
			t.add(row{
				"oid": ix.Constraint, "conname": ix.Name, "connamespace": c.schemaOID(r.Schema), "contype": kind, "convalidated": true,
				"conrelid": r.OID, "conindid": ix.OID, "confupdtype": " ", "confdeltype": " ", "confmatchtype": " ",
				"conislocal": true, "connoinherit": true, "conkey": ix.attributes(),
			})
		}
	}
}

func descriptionRows(c *Catalog, t *rows) {
	for _, s := range c.schemas {
		if s.Doc != "" {
			t.add(row{"objoid": s.OID, "classoid": namespaceOID, "description": s.Doc})
		}
	}
	for _, r := range c.relations {
		if r.Doc != "" {
			t.add(row{"objoid": r.OID, "classoid": classOID, "description": r.Doc})
		}
		for i, col := range r.Columns {
			if col.Doc != "" {
				t.add(row{"objoid": r.OID, "classoid": classOID, "objsubid": i + 1, "description": col.Doc})
			}
		}
	}
	procDescriptions(t)
}

// tableRows are pg_tables.
func tableRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		if r.Kind == Table {
			t.add(row{"schemaname": r.Schema, "tablename": r.Name, "tableowner": superuserName, "hasindexes": len(r.Indexes) > 0,
				"hasrules": false, "hastriggers": false, "rowsecurity": false})
		}
	}
}

// viewRows are pg_views.
func viewRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		if r.Kind == View {
			t.add(row{"schemaname": r.Schema, "viewname": r.Name, "viewowner": superuserName, "definition": r.Definition})
		}
	}
}

// indexListRows are pg_indexes.
func indexListRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		for _, ix := range r.Indexes {
			def, _ := c.IndexDefinition(ix.OID, 0)
			t.add(row{"schemaname": r.Schema, "tablename": r.Name, "indexname": ix.Name, "indexdef": def})
		}
	}
}

// userTableRows are pg_stat_user_tables and pg_statio_user_tables: nothing is counted.
func userTableRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		if r.Kind == Table && r.Schema != pgCatalog && r.Schema != infoSchema {
			t.add(row{"relid": r.OID, "schemaname": r.Schema, "relname": r.Name})
		}
	}
}

func opclassRows(_ *Catalog, t *rows) {
	for _, o := range opclasses {
		t.add(row{"oid": o.oid, "opcmethod": btreeAM, "opcname": o.name, "opcnamespace": 11, "opcowner": superuser, "opcintype": o.typ, "opcdefault": true})
	}
}
