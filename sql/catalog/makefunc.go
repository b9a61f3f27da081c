package catalog

import (
	"github.com/allsource-db/allsource/sql/datum"
)

// sqlLang is the language of users' functions in pg_language.
const sqlLang datum.OID = 14

// userFunctions calls f for every function of users.
func (c *Catalog) userFunctions(f func(o *FunctionObject)) {
	for _, o := range c.Objects() {
		if d, ok := o.(*FunctionObject); ok {
			f(d)
		}
	}
}

// userProcRows are the rows of pg_proc about functions of users.
func (c *Catalog) userProcRows(t *rows) {
	c.userFunctions(func(f *FunctionObject) {
		in, all, modes, names, defaults, named := []datum.OID{}, []datum.OID{}, "", []string{}, 0, false
		for _, a := range f.Args {
			if a.Input() {
				in = append(in, a.Type.OID)
			}
			if a.Default.Text != "" {
				defaults++
			}
			named = named || a.Name != ""
			all, modes, names = append(all, a.Type.OID), modes+a.Mode, append(names, a.Name)
		}
		r := row{
			"oid": f.ID, "proname": f.Name, "pronamespace": f.Schema, "proowner": superuser, "prolang": sqlLang, "procost": f.Cost, "prorows": f.Rows,
			"prokind": f.Kind(), "proisstrict": f.Strict, "prosecdef": f.Definer, "proretset": f.Set, "provolatile": f.Volatility, "proparallel": "u",
			"pronargs": len(in), "pronargdefaults": defaults, "prorettype": f.Returns.OID, "proargtypes": in, "prosrc": f.Body,
		}
		if n := len(f.Args); n > 0 && f.Args[n-1].Mode == "v" {
			r["provariadic"] = datum.ElemOf(f.Args[n-1].Type.OID)
		}
		if f.Form != "" {
			r["prosrc"], r["prosqlbody"] = "", f.Body
		}
		if f.Config != nil {
			r["proconfig"] = f.Config
		}
		if named {
			r["proargnames"] = names
		}
		if len(in) < len(all) {
			r["proallargtypes"], r["proargmodes"] = all, letters(modes)
		}
		t.add(r)
	})
}

// userRoutineRows are the rows of information_schema.routines about functions of users.
func (c *Catalog) userRoutineRows(t *rows) {
	c.userFunctions(func(f *FunctionObject) {
		ret, _ := c.Resolve(f.Returns)
		r := row{"specific_catalog": c.database, "specific_schema": c.SchemaName(f.Schema), "specific_name": f.Name + "_" + decimalText(int(f.ID)),
			"routine_catalog": c.database, "routine_schema": c.SchemaName(f.Schema), "routine_name": f.Name, "routine_type": map[bool]string{false: "FUNCTION", true: "PROCEDURE"}[f.Procedure],
			"data_type": infoType(ret), "type_udt_catalog": c.database, "type_udt_schema": pgCatalog, "routine_body": "SQL", "external_language": "SQL",
			"is_deterministic": yesNo(f.Volatility == "i"), "security_type": "INVOKER", "is_null_call": yesNo(f.Strict)}
		if f.Definer {
			r["security_type"] = "DEFINER"
		}
		if r["routine_definition"] = f.Body; f.Form == "" {
			r["routine_body"] = "EXTERNAL"
		}
		if i := datum.Lookup(ret.OID); i != nil {
			r["type_udt_name"] = i.Name
		}
		if own := datum.OwnOf(ret.OID); own != nil {
			r["type_udt_schema"] = own.Schema
		}
		t.add(r)
	})
}
