package catalog

import (
	"sort"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// Rows about types, functions, operators and casts.

func typeRows(c *Catalog, t *rows) {
	for _, i := range datum.All() {
		array := i.ArrayOID
		storage := storageOf(i)
		t.add(row{
			"oid": i.OID, "typname": i.Name, "typnamespace": 11, "typowner": superuser, "typlen": i.Len, "typbyval": i.ByVal,
			"typtype": i.Typtype, "typcategory": i.Category, "typispreferred": i.Preferred, "typisdefined": true, "typdelim": i.Delim,
			"typelem": i.Elem, "typarray": array, "typalign": i.Align, "typstorage": storage, "typtypmod": -1,
			"typcollation": collationOf(i.OID),
		}.with(funcs.IOOf(i.OID)))
	}
	c.userTypeRows(t)
	for _, r := range c.relations {
		if r.Object != nil {
			continue
		}
		t.add(row{
			"oid": r.typeOID(), "typname": r.Name, "typnamespace": c.schemaOID(r.Schema), "typowner": superuser, "typlen": -1,
			"typtype": "c", "typcategory": "C", "typisdefined": true, "typdelim": ",", "typrelid": r.OID, "typalign": "d",
			"typstorage": "x", "typtypmod": -1,
		}.with(funcs.RecordIO))
	}
}

// with adds the functions of a type to its row.
func (r row) with(io funcs.TypeIO) row {
	r["typinput"], r["typoutput"], r["typreceive"], r["typsend"] = io.In, io.Out, io.Recv, io.Send
	return r
}

// procRow is what pg_proc tells of a function or aggregate.
type procRow struct {
	oid      datum.OID
	name     string
	kind     string
	args     []datum.OID
	ret      datum.OID
	set      bool
	strict   bool
	volatile string
	variadic datum.OID
	defaults int
	names    []string
	out      []datum.Field
	doc      string
}

func procs() []procRow {
	var out []procRow
	for _, f := range funcs.Scalars() {
		p := procRow{oid: f.OID, name: f.Name, kind: "f", args: f.Args, ret: f.Ret, set: f.RetSet, strict: f.Strict,
			volatile: string(rune(f.Volatile)), defaults: f.Defaults, names: f.ArgNames, out: f.Out, doc: f.Doc}
		if f.Variadic && len(f.Args) > 0 {
			last := f.Args[len(f.Args)-1]
			if p.variadic = datum.ElemOf(last); last == datum.Any {
				p.variadic = datum.Any
			}
		}
		out = append(out, p)
	}
	for _, a := range funcs.Aggregates() {
		out = append(out, procRow{oid: a.OID, name: a.Name, kind: "a", args: a.Args, ret: a.Ret, volatile: "i", doc: a.Doc})
	}
	for _, w := range funcs.Windows() {
		out = append(out, procRow{oid: w.OID, name: w.Name, kind: "w", args: w.Args, ret: w.Ret, strict: len(w.Args) > 0, volatile: "i", doc: w.Doc})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].oid < out[j].oid })
	return out
}

func procRows(c *Catalog, t *rows) {
	c.userProcRows(t)
	for _, p := range procs() {
		r := row{
			"oid": p.oid, "proname": p.name, "pronamespace": 11, "proowner": superuser, "prolang": internalLang, "procost": 1.0,
			"provariadic": p.variadic, "prokind": p.kind, "proisstrict": p.strict, "proretset": p.set, "provolatile": p.volatile,
			"proparallel": "s", "pronargs": len(p.args), "pronargdefaults": p.defaults, "prorettype": p.ret, "proargtypes": p.args,
			"prosrc": p.name,
		}
		if p.args == nil {
			r["proargtypes"] = []datum.OID{}
		}
		if p.set {
			r["prorows"] = 1000.0
		}
		if len(p.names) > 0 {
			r["proargnames"] = p.names
		}
		if len(p.out) > 0 {
			all, modes, names := append([]datum.OID(nil), p.args...), "", append([]string(nil), p.names...)
			for range p.args {
				modes += "i"
			}
			for len(names) < len(p.args) {
				names = append(names, "")
			}
			for _, o := range p.out {
				all, modes, names = append(all, o.Type.OID), modes+"o", append(names, o.Name)
			}
			r["proallargtypes"], r["proargmodes"], r["proargnames"] = all, letters(modes), names
		}
		t.add(r)
	}
}

func procDescriptions(t *rows) {
	for _, p := range procs() {
		if p.doc != "" {
			t.add(row{"objoid": p.oid, "classoid": procOID, "description": p.doc})
		}
	}
}

func aggregateRows(_ *Catalog, t *rows) {
	for _, a := range funcs.Aggregates() {
		kind := "n"
		if a.Ordered {
			kind = "o"
		}
		t.add(row{"aggfnoid": a.OID, "aggkind": kind, "aggfinalmodify": "r", "aggmfinalmodify": "r", "aggtranstype": a.Ret})
	}
}

func operatorRows(_ *Catalog, t *rows) {
	for _, o := range funcs.Operators() {
		r := row{"oid": o.OID, "oprname": o.Name, "oprnamespace": 11, "oprowner": superuser, "oprkind": "b", "oprresult": o.Ret}
		if len(o.Args) == 1 {
			r["oprkind"], r["oprright"] = "l", o.Args[0]
		} else {
			r["oprleft"], r["oprright"] = o.Args[0], o.Args[1]
		}
		r["oprcanhash"], r["oprcanmerge"] = o.Name == "=", o.Name == "="
		t.add(r)
	}
}

// firstCast is where the OIDs of casts begin; PostgreSQL does not freeze its own.
const firstCast datum.OID = 10048

func castRows(_ *Catalog, t *rows) {
	for i, c := range funcs.Casts() {
		method := "f"
		if c.Body == nil {
			method = "b"
		}
		t.add(row{"oid": firstCast + datum.OID(i), "castsource": c.From, "casttarget": c.To, "castcontext": byte(c.Context), "castmethod": method})
	}
}

func languageRows(_ *Catalog, t *rows) {
	t.add(row{"oid": internalLang, "lanname": "internal", "lanowner": superuser})
	t.add(row{"oid": 14, "lanname": "sql", "lanowner": superuser, "lanpltrusted": true})
}

func collationRows(_ *Catalog, t *rows) {
	add := func(oid datum.OID, name, provider string, locale any) {
		t.add(row{"oid": oid, "collname": name, "collnamespace": 11, "collowner": superuser, "collprovider": provider,
			"collisdeterministic": true, "collencoding": -1, "collcollate": locale, "collctype": locale})
	}
	add(defaultColl, "default", "d", nil)
	add(nameColl, "C", "c", "C")
	add(951, "POSIX", "c", "POSIX")
	t.add(row{"oid": 12341, "collname": "ucs_basic", "collnamespace": 11, "collowner": superuser, "collprovider": "c",
		"collisdeterministic": true, "collencoding": 6, "collcollate": "C", "collctype": "C"})
}

func tablespaceRows(_ *Catalog, t *rows) {
	t.add(row{"oid": defaultSpace, "spcname": "pg_default", "spcowner": superuser})
	t.add(row{"oid": 1664, "spcname": "pg_global", "spcowner": superuser})
}
