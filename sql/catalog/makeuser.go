package catalog

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// Rows about types of users.

// typeLayout is how pg_type says that values of a user's type, or arrays of it, are laid out.
func (c *Catalog) typeLayout(o Object, array bool) (length int, byVal bool, align, storage string) {
	if array {
		align = "i"
		if _, ok := o.(*EnumObject); !ok {
			align = "d"
		}
		return -1, false, align, "x"
	}
	switch o := o.(type) {
	case *EnumObject:
		return 4, true, "i", "p"
	case *DomainObject:
		base, _ := c.Resolve(o.Base)
		if i := datum.Lookup(base.OID); i != nil {
			return int(i.Len), i.ByVal, string(i.Align), storageOf(i)
		}
	}
	return -1, false, "d", "x"
}

// userTypeRows are the types of objects and the arrays of them.
func (c *Catalog) userTypeRows(t *rows) {
	for _, o := range c.Objects() {
		h := o.Head()
		if TypeOID(o) == 0 {
			continue
		}
		r := row{"oid": TypeOID(o), "typname": h.Name, "typnamespace": h.Schema, "typowner": superuser, "typcategory": "C", "typtype": "c",
			"typisdefined": true, "typdelim": ",", "typarray": ArrayOID(o), "typtypmod": -1}
		r["typlen"], r["typbyval"], r["typalign"], r["typstorage"] = c.typeLayout(o, false)
		io := funcs.RecordIO
		switch o := o.(type) {
		case *EnumObject:
			io = funcs.EnumIO
			r["typtype"], r["typcategory"] = "e", "E"
		case *DomainObject:
			base, _ := c.Resolve(o.Base)
			io = funcs.DomainIO(base.OID)
			r["typtype"], r["typbasetype"], r["typtypmod"], r["typnotnull"] = "d", o.Base.OID, o.Base.Mod, o.NotNull
			r["typcollation"] = collationOf(base.OID)
			if i := datum.Lookup(base.OID); i != nil {
				r["typcategory"] = i.Category
			}
			if o.Default.Text != "" {
				r["typdefault"], r["typdefaultbin"] = o.Default.Text, o.Default.Text
			}
		case *CompositeObject:
			r["typrelid"] = o.Relation
		default:
			r["typrelid"] = h.ID
		}
		t.add(r.with(io))
		a := row{"oid": ArrayOID(o), "typname": "_" + h.Name, "typnamespace": h.Schema, "typowner": superuser, "typcategory": "A", "typtype": "b",
			"typisdefined": true, "typdelim": ",", "typelem": TypeOID(o), "typtypmod": -1}
		a["typlen"], a["typbyval"], a["typalign"], a["typstorage"] = c.typeLayout(o, true)
		t.add(a.with(funcs.ArrayIO))
	}
}

func enumRows(c *Catalog, t *rows) {
	for _, o := range c.Objects() {
		if e, ok := o.(*EnumObject); ok {
			for _, l := range e.Labels {
				t.add(row{"oid": l.ID, "enumtypid": e.ID, "enumsortorder": l.Sort, "enumlabel": l.Label})
			}
		}
	}
}

// Rows of information_schema about constraints and domains.

var refRules = map[string]string{"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

func referentialRows(c *Catalog, t *rows) {
	c.constraints(func(r *Relation, k *Constraint) {
		if k.Kind != ForeignKey {
			return
		}
		out := row{"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": k.Name, "match_option": "NONE",
			"update_rule": refRules[k.OnUpdate], "delete_rule": refRules[k.OnDelete]}
		if k.Full {
			out["match_option"] = "FULL"
		}
		if ref := c.byOID[k.RefTable]; ref != nil && ref.Table != nil {
			for i := range ref.Table.Constraints {
				if u := &ref.Table.Constraints[i]; u.Index == k.Index && u.Kind != ForeignKey {
					out["unique_constraint_catalog"], out["unique_constraint_schema"], out["unique_constraint_name"] = c.database, ref.Schema, u.Name
				}
			}
		}
		t.add(out)
	})
}

// constraints calls f for every constraint of users' tables that is listed.
func (c *Catalog) constraints(f func(r *Relation, k *Constraint)) {
	for _, r := range c.relations {
		if r.Table == nil {
			continue
		}
		for i := range r.Table.Constraints {
			if k := &r.Table.Constraints[i]; k.Kind != NotNull {
				f(r, k)
			}
		}
	}
}

func checkConstraintRows(_ context.Context, x *Context, t *rows) (err error) {
	c := x.Catalog
	c.constraints(func(r *Relation, k *Constraint) {
		if k.Kind != Check {
			return
		}
		text, e := x.shown(r, k.Check.Text)
		if e != nil {
			err = e
		}
		t.add(row{"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": k.Name, "check_clause": "(" + text + ")"})
	})
	for _, o := range c.Objects() {
		if d, ok := o.(*DomainObject); ok {
			for i := range d.Checks {
				t.add(row{"constraint_catalog": c.database, "constraint_schema": c.SchemaName(d.Schema), "constraint_name": d.Checks[i].Name,
					"check_clause": "(" + x.Server.ShownCheck(d, &d.Checks[i]) + ")"})
			}
		}
	}
	for _, r := range c.relations {
		for i := range r.Columns {
			if r.Table != nil && r.Columns[i].NotNull {
				t.add(row{"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": notNullName(c, r, i),
					"check_clause": r.Columns[i].Name + " IS NOT NULL"})
			}
		}
	}
	return err
}

// notNullName is the name that information_schema makes for NOT NULL.
func notNullName(c *Catalog, r *Relation, i int) string {
	return decimalText(int(c.schemaOID(r.Schema))) + "_" + decimalText(int(r.OID)) + "_" + decimalText(int(r.AttrNum(i))) + "_not_null"
}

func domainRows(c *Catalog, t *rows) {
	for _, o := range c.Objects() {
		d, ok := o.(*DomainObject)
		if !ok {
			continue
		}
		base, _ := c.Resolve(d.Base)
		out := row{"domain_catalog": c.database, "domain_schema": c.SchemaName(d.Schema), "domain_name": d.Name, "data_type": infoType(base),
			"udt_catalog": c.database, "udt_schema": pgCatalog, "dtd_identifier": "1"}
		if i := datum.Lookup(base.OID); i != nil {
			out["udt_name"] = i.Name
		}
		if d.Default.Text != "" {
			out["domain_default"] = d.Default.Text
		}
		typeFacts(base, out)
		t.add(out)
	}
}

func domainConstraintRows(c *Catalog, t *rows) {
	for _, o := range c.Objects() {
		if d, ok := o.(*DomainObject); ok {
			for _, k := range d.Checks {
				t.add(row{"constraint_catalog": c.database, "constraint_schema": c.SchemaName(d.Schema), "constraint_name": k.Name, "domain_catalog": c.database,
					"domain_schema": c.SchemaName(d.Schema), "domain_name": d.Name, "is_deferrable": "NO", "initially_deferred": "NO"})
			}
		}
	}
}

var constraintWords = map[ConstraintKind]string{PrimaryKey: "PRIMARY KEY", Unique: "UNIQUE", Check: "CHECK", ForeignKey: "FOREIGN KEY"}

// userTableConstraints are the rows of table_constraints about tables of users.
func (c *Catalog) userTableConstraints(t *rows) {
	add := func(r *Relation, name, kind string, deferrable, deferred bool) {
		t.add(row{"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": name, "table_catalog": c.database,
			"table_schema": r.Schema, "table_name": r.Name, "constraint_type": kind, "is_deferrable": yesNo(deferrable),
			"initially_deferred": yesNo(deferred), "enforced": "YES"})
	}
	c.constraints(func(r *Relation, k *Constraint) { add(r, k.Name, constraintWords[k.Kind], k.Deferrable, k.Deferred) })
	for _, r := range c.relations {
		for i := range r.Columns {
			if r.Table != nil && r.Columns[i].NotNull {
				add(r, notNullName(c, r, i), "CHECK", false, false)
			}
		}
	}
}

// userKeyColumns are the rows of key_column_usage about tables of users.
func (c *Catalog) userKeyColumns(t *rows) {
	c.constraints(func(r *Relation, k *Constraint) {
		if k.Kind == Check {
			return
		}
		for i, a := range k.Columns {
			out := row{"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": k.Name, "table_catalog": c.database,
				"table_schema": r.Schema, "table_name": r.Name, "column_name": r.Table.Attr(a).Name, "ordinal_position": i + 1}
			if k.Kind == ForeignKey {
				if at := c.placeInKey(k, i); at >= 0 {
					out["position_in_unique_constraint"] = at + 1
				}
			}
			t.add(out)
		}
	})
}

// placeInKey is where the i-th column that a foreign key refers to stands in the key there, -1 if it is in none.
func (c *Catalog) placeInKey(k *Constraint, i int) int {
	ref := c.byOID[k.RefTable]
	if ref == nil || ref.Table == nil {
		return -1
	}
	for n := range ref.Table.Constraints {
		if u := &ref.Table.Constraints[n]; u.Index == k.Index && u.Kind != ForeignKey {
			return slices.Index(u.Columns, k.RefColumns[i])
		}
	}
	return -1
}

// userConstraintColumns are the rows of constraint_column_usage about tables of users.
func (c *Catalog) userConstraintColumns(t *rows) {
	c.constraints(func(r *Relation, k *Constraint) {
		of, attrs := r, k.Columns
		if k.Kind == ForeignKey {
			if of, attrs = c.byOID[k.RefTable], k.RefColumns; of == nil || of.Table == nil {
				return
			}
		}
		for _, a := range attrs {
			t.add(row{"table_catalog": c.database, "table_schema": of.Schema, "table_name": of.Name, "column_name": of.Table.Attr(a).Name,
				"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": k.Name})
		}
	})
}

// periodRows are the periods of tables; keyPeriodRows are the keys whose rows do not overlap in them.
func periodRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		if r.Table == nil {
			continue
		}
		for _, p := range r.Table.Periods {
			t.add(row{"table_catalog": c.database, "table_schema": r.Schema, "table_name": r.Name, "period_name": p.Name,
				"start_column_name": r.Table.Attr(p.Start).Name, "end_column_name": r.Table.Attr(p.End).Name})
		}
	}
}

func keyPeriodRows(c *Catalog, t *rows) {
	c.constraints(func(r *Relation, k *Constraint) {
		if k.Period && k.Kind != Check {
			t.add(row{"constraint_catalog": c.database, "constraint_schema": r.Schema, "constraint_name": k.Name, "table_catalog": c.database,
				"table_schema": r.Schema, "table_name": r.Name, "period_name": r.Table.Periods[0].Name})
		}
	})
}
