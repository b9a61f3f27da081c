package catalog

import (
	"context"

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
		r["type_udt_schema"], r["type_udt_name"] = typeNames(ret)
		t.add(r)
	})
}

// typeNames are the schema and the name of a type in the catalog.
func typeNames(t datum.Type) (schema, name string) {
	if i := datum.Lookup(t.OID); i != nil {
		name = i.Name
	}
	if own := datum.OwnOf(t.OID); own != nil {
		return own.Schema, name
	}
	return pgCatalog, name
}

// parameterModes are the words of information_schema for the modes of parameters.
var parameterModes = map[string]string{"i": "IN", "v": "IN", "o": "OUT", "b": "INOUT", "t": "OUT"}

// parameterRows are the rows of information_schema.parameters about functions of users.
func parameterRows(_ context.Context, x *Context, t *rows) (err error) {
	c := x.Catalog
	c.userFunctions(func(f *FunctionObject) {
		for i, a := range f.Args {
			typ, domain := c.Resolve(a.Type)
			at := i + 1
			r := row{"specific_catalog": c.database, "specific_schema": c.SchemaName(f.Schema), "specific_name": f.Name + "_" + decimalText(int(f.ID)),
				"ordinal_position": at, "parameter_mode": parameterModes[a.Mode], "is_result": "NO", "as_locator": "NO", "data_type": infoType(typ),
				"udt_catalog": c.database, "dtd_identifier": decimalText(at)}
			if r["udt_schema"], r["udt_name"] = typeNames(typ); domain != nil {
				r["data_type"], r["udt_schema"], r["udt_name"] = "USER-DEFINED", c.SchemaName(domain.Schema), domain.Name
			}
			if a.Name != "" {
				r["parameter_name"] = a.Name
			}
			if a.Default.Text != "" && err == nil {
				r["parameter_default"], err = x.Server.Shown(nil, a.Default.Text)
			}
			t.add(r)
		}
	})
	return err
}
