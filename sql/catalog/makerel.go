package catalog

import (
	"context"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// Rows about relations and what belongs to them.

func namespaceRows(c *Catalog, t *rows) {
	for _, s := range c.schemas {
		t.add(row{"oid": s.OID, "nspname": s.Name, "nspowner": superuser})
	}
}

func classRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		x := row{
			"oid": r.OID, "relname": r.Name, "relnamespace": c.schemaOID(r.Schema), "reltype": r.typeOID(), "relowner": superuser,
			"relfilenode": r.OID, "reltuples": -1.0, "relhasindex": len(r.Indexes) > 0, "relpersistence": "p",
			"relkind": r.Kind, "relnatts": len(r.Columns), "relhasrules": r.Kind == View, "relispopulated": true, "relreplident": replicaIdentity(r),
		}
		if r.Kind == Table || r.Kind == Materialized {
			x["relam"] = heapAM
		}
		c.userClass(r, x)
		t.add(x)
		for i := range r.Indexes {
			ix := &r.Indexes[i]
			n := len(ix.Columns)
			if ix.Stored != nil {
				n += len(ix.Stored.Include)
			}
			t.add(row{
				"oid": ix.OID, "relname": ix.Name, "relnamespace": c.schemaOID(r.Schema), "relowner": superuser, "relam": AccessMethods[ix.method()],
				"relfilenode": ix.OID, "relpersistence": x["relpersistence"], "relkind": IndexKind, "relnatts": n,
				"relispopulated": true, "relreplident": "n",
			})
		}
	}
}

// userClass adds what pg_class says of relations of users.
func (c *Catalog) userClass(r *Relation, x row) {
	switch o := r.Object.(type) {
	case *SequenceObject:
		x["relpersistence"] = persistenceLetter(o.Temporary, o.Unlogged)
		x["relreplident"] = "n"
	case *MaterializedObject:
		x["relispopulated"], x["relhasrules"] = o.Populated, true
	case *ViewObject:
		x["relreplident"] = "n"
		if o.Check != "" {
			x["reloptions"] = []string{"check_option=" + o.Check}
		}
	case *CompositeObject:
		x["relreplident"], x["relnatts"] = "n", len(o.Fields)
	}
	if r.Table == nil {
		return
	}
	checks, triggers := 0, false
	for i := range r.Table.Constraints {
		switch k := &r.Table.Constraints[i]; k.Kind {
		case Check:
			checks++
		case ForeignKey:
			triggers = true
		}
	}
	x["relchecks"], x["relhastriggers"] = checks, triggers || c.isReferenced(r.OID)
	x["relnatts"], x["relpersistence"] = len(r.Table.Columns), persistenceLetter(r.Table.Persistence == Temporary, r.Table.Persistence == Unlogged)
	if len(r.Table.Options) > 0 {
		x["reloptions"] = r.Table.Options
	}
}

// isReferenced reports whether a foreign key refers to a table.
func (c *Catalog) isReferenced(id datum.OID) bool {
	for _, r := range c.relations {
		if r.Table == nil {
			continue
		}
		for i := range r.Table.Constraints {
			if r.Table.Constraints[i].RefTable == id {
				return true
			}
		}
	}
	return false
}

func persistenceLetter(temporary, unlogged bool) string {
	switch {
	case temporary:
		return "t"
	case unlogged:
		return "u"
	}
	return "p"
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
			t.add(c.attribute(r, i, col))
		}
		droppedRows(r, t)
		for k := range r.Indexes {
			c.indexAttributes(r, &r.Indexes[k], t)
		}
	}
}

// attribute is the row of a column.
func (c *Catalog) attribute(r *Relation, i int, col Column) row {
	a := attribute(r.OID, int(r.AttrNum(i)), col)
	c.userType(col.typeRef(), a)
	if s := col.Stored; s != nil {
		a["attidentity"], a["atthasmissing"] = s.Identity, s.Missing != nil
		a["atthasdef"] = s.Default.Text != "" || s.Generated.Text != ""
		if s.Generated.Text != "" {
			a["attgenerated"] = "s" // of a virtual column too: the version that is followed knows no others, and its pg_dump would write a default
		}
		if s.Storage != "" {
			a["attstorage"] = s.Storage
		}
	}
	return a
}

// typeRef is the type of a column as it was said: a domain itself.
func (col *Column) typeRef() TypeRef {
	switch {
	case col.Stored != nil:
		return col.Stored.Type
	case col.Domain != nil:
		return TypeRef{OID: col.Domain.ID, Mod: -1}
	}
	return RefOf(col.Type)
}

// userType puts a user's type into the row of an attribute.
func (c *Catalog) userType(t TypeRef, a row) {
	if datum.Lookup(t.OID) != nil {
		return
	}
	a["atttypid"], a["atttypmod"] = t.OID, t.Mod
	if o, array := c.TypeObject(t.OID); o != nil {
		l, byVal, align, storage := c.typeLayout(o, array)
		a["attlen"], a["attbyval"], a["attalign"], a["attstorage"] = l, byVal, align, storage
	}
}

// droppedRows are the rows of columns that are no more.
func droppedRows(r *Relation, t *rows) {
	add := func(i int, name string) {
		t.add(row{"attrelid": r.OID, "attname": name, "attstattarget": 0, "attnum": i + 1, "attcacheoff": -1, "atttypmod": -1,
			"attisdropped": true, "attislocal": true})
	}
	if r.Table != nil {
		for i := range r.Table.Columns {
			if col := &r.Table.Columns[i]; col.Dropped {
				add(i, col.Name)
			}
		}
	}
	if o, ok := r.Object.(*CompositeObject); ok {
		for i, f := range o.Fields {
			if f.Dropped {
				add(i, DroppedName(i+1))
			}
		}
	}
}

// DroppedName is what a column or attribute is called when it is no more.
func DroppedName(n int) string { return "........pg.dropped." + strconv.Itoa(n) + "........" }

// indexAttributes are the rows of the columns of an index.
func (c *Catalog) indexAttributes(r *Relation, ix *Index, t *rows) {
	for i, k := range ix.Columns {
		var col Column
		if k >= 0 {
			col = r.Columns[k]
			if col.Stored != nil {
				col.Stored, col.Domain = nil, nil // the type that is compared
			}
		} else {
			key := ix.Stored.Keys[i]
			col = Column{Name: key.Name, Type: datum.Type{OID: key.Type.OID, Mod: key.Type.Mod}}
		}
		a := attribute(ix.OID, i+1, col)
		c.userType(col.typeRef(), a)
		a["attnotnull"], a["atthasdef"] = false, false
		t.add(a)
	}
	if ix.Stored == nil {
		return
	}
	for i, attr := range ix.Stored.Include {
		s := r.Table.Attr(attr)
		typ, _ := c.Resolve(s.Type)
		t.add(attribute(ix.OID, len(ix.Columns)+i+1, Column{Name: s.Name, Type: typ}))
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
	switch {
	case i.OID == datum.Numeric:
		return "m"
	case i.Len == -1:
		return "x"
	}
	return "p"
}

func attrdefRows(_ context.Context, x *Context, t *rows) error {
	for _, r := range x.Catalog.relations {
		for i, col := range r.Columns {
			text, oid := col.Default, r.OID+500_000+datum.OID(i)
			if s := col.Stored; s != nil {
				oid = s.DefaultID
				if s.Generated.Text != "" {
					text = s.Generated.Text
				}
				if s.Identity != "" {
					text = ""
				}
			}
			if text == "" {
				continue
			}
			shown, err := x.shown(r, text)
			if err != nil {
				return err
			}
			t.add(row{"oid": oid, "adrelid": r.OID, "adnum": r.AttrNum(i), "adbin": shown})
		}
	}
	return nil
}

// shown is an expression of a user's relation as PostgreSQL would write it; others are written so already.
func (x *Context) shown(r *Relation, text string) (string, error) {
	if r.Object == nil || text == "" {
		return text, nil
	}
	return x.Server.Shown(r, text)
}

func indexRows(_ context.Context, x *Context, t *rows) error {
	c := x.Catalog
	for _, r := range c.relations {
		for i := range r.Indexes {
			ix := &r.Indexes[i]
			var classes, collations []datum.OID
			var options []int
			out := row{
				"indexrelid": ix.OID, "indrelid": r.OID, "indnatts": len(ix.Columns), "indnkeyatts": len(ix.Columns),
				"indisunique": ix.Unique, "indisprimary": ix.Primary, "indimmediate": true, "indisvalid": true, "indisready": true,
				"indislive": true, "indkey": c.indexAttrs(r, ix),
			}
			for n, k := range ix.Columns {
				typ, option := datum.OID(0), 0
				var key IndexKey
				if k >= 0 {
					typ = r.Columns[k].Type.OID
					key.Type = RefOf(r.Columns[k].Type)
				}
				if ix.Stored != nil {
					key = ix.Stored.Keys[n]
					typ = key.Type.OID
					if key.Desc {
						option |= 1
					}
					if key.NullsFirst {
						option |= 2
					}
				}
				classes, collations, options = append(classes, c.opclassOID(ix.method(), &key)), append(collations, collationOf(typ)), append(options, option)
			}
			out["indcollation"], out["indclass"], out["indoption"] = collations, classes, options
			if ix.Stored != nil {
				if err := x.userIndex(r, ix.Stored, out); err != nil {
					return err
				}
			}
			t.add(out)
		}
	}
	return nil
}

// indexAttrs are the attribute numbers of the columns of an index, 0 for expressions.
func (c *Catalog) indexAttrs(r *Relation, ix *Index) []int {
	var out []int
	for _, k := range ix.Columns {
		if k < 0 {
			out = append(out, 0)
			continue
		}
		out = append(out, int(r.AttrNum(k)))
	}
	if ix.Stored != nil {
		for _, a := range ix.Stored.Include {
			out = append(out, int(a))
		}
	}
	return out
}

// userIndex adds what pg_index says of indexes of users.
func (x *Context) userIndex(r *Relation, ix *TableIndex, out row) error {
	out["indnatts"], out["indnullsnotdistinct"] = len(ix.Keys)+len(ix.Include), ix.NullsNotDistinct
	out["indimmediate"] = r.Table.Immediate(ix)
	var exprs []string
	for _, k := range ix.Keys {
		if k.Column == 0 {
			text, err := x.shown(r, k.Expr.Text)
			if err != nil {
				return err
			}
			exprs = append(exprs, text)
		}
	}
	if len(exprs) > 0 {
		out["indexprs"] = strings.Join(exprs, ", ")
	}
	if ix.Where.Text == "" {
		return nil
	}
	text, err := x.shown(r, ix.Where.Text)
	out["indpred"] = text
	return err
}

func constraintRows(_ context.Context, x *Context, t *rows) error {
	c := x.Catalog
	for _, r := range c.relations {
		if r.Table != nil {
			if err := x.userConstraints(r, t); err != nil {
				return err
			}
			continue
		}
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
				"conislocal": true, "connoinherit": true, "conkey": c.indexAttrs(r, ix),
			})
		}
	}
	for _, o := range c.Objects() {
		d, ok := o.(*DomainObject)
		if !ok {
			continue
		}
		for i := range d.Checks {
			k := &d.Checks[i]
			t.add(row{"oid": k.ID, "conname": k.Name, "connamespace": d.Schema, "contype": "c", "convalidated": !k.NotValid, "contypid": d.ID,
				"confupdtype": " ", "confdeltype": " ", "confmatchtype": " ", "conislocal": true, "conbin": x.Server.ShownCheck(d, k)})
		}
	}
	return nil
}

// userConstraints are the rows of the constraints of a table.
func (x *Context) userConstraints(r *Relation, t *rows) error {
	for i := range r.Table.Constraints {
		k := &r.Table.Constraints[i]
		if k.Kind == NotNull {
			continue
		}
		out := row{
			"oid": k.ID, "conname": k.Name, "connamespace": r.Table.Schema, "contype": string(k.Kind), "condeferrable": k.Deferrable, "condeferred": k.Deferred,
			"convalidated": !k.NotValid, "conrelid": r.OID, "conindid": k.Index, "confupdtype": " ", "confdeltype": " ", "confmatchtype": " ",
			"conislocal": true, "connoinherit": k.Kind != Check || k.NoInherit, "conkey": ints(k.Columns),
		}
		switch k.Kind {
		case ForeignKey:
			match := "s"
			if k.Full {
				match = "f"
			}
			out["confrelid"], out["confkey"], out["confupdtype"], out["confdeltype"], out["confmatchtype"] = k.RefTable, ints(k.RefColumns), k.OnUpdate, k.OnDelete, match
			if len(k.SetColumns) > 0 {
				out["confdelsetcols"] = ints(k.SetColumns)
			}
		case Check:
			text, err := x.shown(r, k.Check.Text)
			if err != nil {
				return err
			}
			out["conbin"] = text
		}
		t.add(out)
	}
	return nil
}

func ints(list []int16) []int {
	out := make([]int, len(list))
	for i, a := range list {
		out[i] = int(a)
	}
	return out
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
				t.add(row{"objoid": r.OID, "classoid": classOID, "objsubid": r.AttrNum(i), "description": col.Doc})
			}
		}
	}
	for _, b := range builtinExtensions {
		t.add(row{"objoid": b.oid, "classoid": extensionOID, "description": b.comment})
	}
	c.userDescriptions(t)
	procDescriptions(t)
}

// userDescriptions are the comments on what is no relation or column.
func (c *Catalog) userDescriptions(t *rows) {
	for _, o := range c.Objects() {
		h := o.Head()
		if h.Comment != "" {
			switch o.(type) {
			case *EnumObject, *DomainObject, *CompositeObject:
				t.add(row{"objoid": h.ID, "classoid": typeOID, "description": h.Comment})
			case *FunctionObject:
				t.add(row{"objoid": h.ID, "classoid": procOID, "description": h.Comment})
			case *ExtensionObject:
				t.add(row{"objoid": h.ID, "classoid": extensionOID, "description": h.Comment})
			}
		}
		if d, ok := o.(*DomainObject); ok {
			for i := range d.Checks {
				if k := &d.Checks[i]; k.Comment != "" {
					t.add(row{"objoid": k.ID, "classoid": constraintOID, "description": k.Comment})
				}
			}
		}
		r := c.byOID[h.ID]
		if r == nil || r.Table == nil {
			continue
		}
		for i := range r.Table.Constraints {
			if k := &r.Table.Constraints[i]; k.Comment != "" {
				t.add(row{"objoid": k.ID, "classoid": constraintOID, "description": k.Comment})
			}
		}
		for i := range r.Table.Indexes {
			if k := &r.Table.Indexes[i]; k.Comment != "" {
				t.add(row{"objoid": k.ID, "classoid": classOID, "description": k.Comment})
			}
		}
	}
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
func viewRows(_ context.Context, x *Context, t *rows) error {
	return x.views(View, func(r *Relation, text string) {
		t.add(row{"schemaname": r.Schema, "viewname": r.Name, "viewowner": superuserName, "definition": text})
	})
}

// materializedRows are pg_matviews.
func materializedRows(_ context.Context, x *Context, t *rows) error {
	return x.views(Materialized, func(r *Relation, text string) {
		t.add(row{"schemaname": r.Schema, "matviewname": r.Name, "matviewowner": superuserName, "hasindexes": len(r.Indexes) > 0,
			"ispopulated": r.Object.(*MaterializedObject).Populated, "definition": text})
	})
}

// views calls f for every relation of a kind with its query.
func (x *Context) views(kind Kind, f func(r *Relation, text string)) error {
	for _, r := range x.Catalog.relations {
		if r.Kind != kind {
			continue
		}
		text, err := x.shown(r, r.Query())
		if err != nil {
			return err
		}
		f(r, text)
	}
	return nil
}

// indexListRows are pg_indexes.
func indexListRows(_ context.Context, x *Context, t *rows) error {
	for _, r := range x.Catalog.relations {
		for i := range r.Indexes {
			ix := &r.Indexes[i]
			var def string
			var err error
			if ix.Stored == nil {
				def, _ = x.Catalog.IndexDefinition(ix.OID, 0)
			} else if def, err = x.Server.ShownIndex(r, ix.Stored); err != nil {
				return err
			}
			t.add(row{"schemaname": r.Schema, "tablename": r.Name, "indexname": ix.Name, "indexdef": def})
		}
	}
	return nil
}
