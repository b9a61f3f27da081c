package engine

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// CatalogText describes a catalog object in SQL or words.
func (i sessionInfo) CatalogText(what string, oid datum.OID, sub int) (string, bool) {
	c := i.catalog
	if column, ok := strings.CutPrefix(what, "serial "); ok {
		return serialSequence(c, oid, column)
	}
	if kind, ok := strings.CutPrefix(what, "visible "); ok {
		return i.visible(kind, oid)
	}
	if text, ok := strings.CutPrefix(what, "pretty "); ok {
		text, err := i.s.shown(c.ByOID(oid), text, false)
		return text, err == nil
	}
	switch what {
	case "comment":
		return comment(c, oid)
	case "type":
		o, _ := c.TypeObject(oid)
		return c.FormatType(i.s.searchPath(), catalog.TypeRef{OID: oid, Mod: -1}), o != nil
	case "columncomment":
		if r := c.ByOID(oid); r != nil {
			for k := range r.Columns {
				if int(r.AttrNum(k)) == sub && r.Columns[k].Doc != "" {
					return r.Columns[k].Doc, true
				}
			}
		}
	case "viewdef", "viewdefpretty":
		if r := c.ByOID(oid); r != nil && r.Query() != "" {
			if r.Object != nil {
				return i.s.viewText(r, r.Definition, what == "viewdef"), true
			}
			return r.Query(), true
		}
	case "indexorder":
		return i.userText(c, what, oid, sub)
	case "indexdef", "indexcolumn", "indexcolumnspare", "constraintdef", "constraintdefspare":
		if text, ok := i.userText(c, what, oid, sub); ok {
			return text, true
		}
		return indexText(c, what, oid, sub)
	case "functionargs", "functionidentity", "functionresult", "functiondef", "functionbody":
		if f, ok := c.Object(oid).(*catalog.FunctionObject); ok {
			return i.s.ownFunctionText(what, f), (what != "functionresult" || !f.Procedure) && (what != "functionbody" || f.Form != "")
		}
		return functionText(what, oid)
	}
	return "", false
}

// visible is the name of a type or function which the search path finds by that, else empty; ok is false where there is none.
func (i sessionInfo) visible(kind string, oid datum.OID) (name string, ok bool) {
	c, path := i.catalog, i.s.searchPath()
	if f, is := c.Object(oid).(*catalog.FunctionObject); is && kind == "function" {
		if slices.Contains(c.Functions(path, "", f.Name), f) || slices.Contains(c.Procedures(path, "", f.Name), f) {
			name = f.Name
		}
		return name, true
	}
	if o, array := c.TypeObject(oid); o != nil && kind == "type" {
		if name = o.Head().Name; c.TypeByName(path, "", name) != o {
			name = ""
		}
		if array && name != "" {
			name = "_" + name
		}
		return name, true
	}
	if kind == "function" {
		return "built in", funcs.LookupFuncOID(oid) != nil || slices.ContainsFunc(funcs.Aggregates(), func(a funcs.Aggregate) bool { return a.OID == oid }) ||
			slices.ContainsFunc(funcs.Windows(), func(w funcs.Window) bool { return w.OID == oid })
	}
	return "built in", datum.Lookup(oid) != nil
}

// serialSequence is the sequence of a column, empty if it has none; ok is false where the column is not there.
func serialSequence(c *catalog.Catalog, table datum.OID, column string) (name string, ok bool) {
	r := c.ByOID(table)
	if r == nil || r.Column(column) < 0 {
		return "", false
	}
	attr := r.AttrNum(r.Column(column))
	for _, o := range c.Objects() {
		if q, is := o.(*catalog.SequenceObject); is && q.Owner == table && q.Column == attr {
			schema, name, _ := className(c, q.ID)
			return funcs.QuoteIdent(schema) + "." + funcs.QuoteIdent(name), true
		}
	}
	return "", true
}

// comment is what COMMENT ON said of an object.
func comment(c *catalog.Catalog, oid datum.OID) (string, bool) {
	text := ""
	if r := c.ByOID(oid); r != nil {
		text = r.Doc
	} else if o := c.Object(oid); o != nil {
		text = o.Head().Comment
	} else {
		for _, o := range c.Objects() {
			r := c.ByOID(o.Head().ID)
			if r == nil || r.Table == nil {
				continue
			}
			if ix := r.Table.Index(oid); ix != nil {
				text = ix.Comment
			}
			for n := range r.Table.Constraints {
				if r.Table.Constraints[n].ID == oid {
					text = r.Table.Constraints[n].Comment
				}
			}
		}
	}
	return text, text != ""
}

// userText describes the indexes and constraints of users.
func (i sessionInfo) userText(c *catalog.Catalog, what string, oid datum.OID, sub int) (text string, ok bool) {
	var err error
	for _, o := range c.Objects() {
		if d, is := o.(*catalog.DomainObject); is && strings.HasPrefix(what, "constraintdef") {
			for k := range d.Checks {
				if d.Checks[k].ID == oid {
					return "CHECK (" + i.s.domainCheckText(d, &d.Checks[k], what != "constraintdef") + ")", true
				}
			}
		}
		r := c.ByOID(o.Head().ID)
		if r == nil || r.Table == nil {
			continue
		}
		for n := range r.Table.Constraints {
			if k := &r.Table.Constraints[n]; k.ID == oid && strings.HasPrefix(what, "constraintdef") {
				text, err = i.s.constraintText(r, k, what != "constraintdef")
				return text, err == nil
			}
		}
		ix := r.Table.Index(oid)
		switch {
		case ix == nil || strings.HasPrefix(what, "constraintdef"):
			continue
		case what == "indexorder":
			return indexOrder(ix, sub)
		case sub == 0:
			text, err = i.s.indexText(r, ix, what != "indexcolumn")
		case sub <= len(ix.Keys):
			text, err = i.s.indexKeyText(r, &ix.Keys[sub-1], false, what != "indexcolumn")
		case sub <= len(ix.Keys)+len(ix.Include):
			text = attrNames(r.Table, ix.Include[sub-1-len(ix.Keys):][:1])
		}
		return text, err == nil
	}
	return "", false
}

// indexOrder says how a key of an index is ordered.
func indexOrder(ix *catalog.TableIndex, key int) (order string, ok bool) {
	if key < 1 || key > len(ix.Keys) {
		return "", false
	}
	order = "asc"
	if ix.Keys[key-1].Desc {
		order = "desc"
	}
	if ix.Keys[key-1].NullsFirst {
		return order + " nulls_first", true
	}
	return order + " nulls_last", true
}

func indexText(c *catalog.Catalog, what string, oid datum.OID, sub int) (string, bool) {
	what = strings.TrimSuffix(what, "spare")
	for _, r := range c.Relations() {
		for _, ix := range r.Indexes {
			if ix.OID != oid && (what != "constraintdef" || ix.Constraint != oid) || ix.Stored != nil {
				continue
			}
			cols := make([]string, len(ix.Columns))
			for k, col := range ix.Columns {
				cols[k] = funcs.QuoteIdent(r.Columns[col].Name)
			}
			list := "(" + strings.Join(cols, ", ") + ")"
			switch {
			case what == "constraintdef" && ix.Primary:
				return "PRIMARY KEY " + list, true
			case what == "constraintdef":
				return "UNIQUE " + list, true
			case sub > 0 && sub <= len(cols):
				return cols[sub-1], true
			}
			return "CREATE UNIQUE INDEX " + funcs.QuoteIdent(ix.Name) + " ON " + funcs.QuoteIdent(r.Schema) + "." + funcs.QuoteIdent(r.Name) + " USING btree " + list, true
		}
	}
	return "", false
}

func functionText(what string, oid datum.OID) (string, bool) {
	f := funcs.LookupFuncOID(oid)
	if f == nil || what == "functiondef" || what == "functionbody" {
		return "", false
	}
	if what == "functionresult" {
		return functionResult(f), true
	}
	args := make([]string, len(f.Args))
	for k, a := range f.Args {
		args[k] = datum.FormatType(datum.T(a))
		if k < len(f.ArgNames) && f.ArgNames[k] != "" {
			args[k] = f.ArgNames[k] + " " + args[k]
		}
	}
	return strings.Join(args, ", "), true
}

func functionResult(f *funcs.Func) string {
	if f.Query == "" {
		return datum.FormatType(datum.T(f.Ret))
	}
	cols := make([]string, len(f.Out))
	for i, o := range f.Out {
		cols[i] = funcs.QuoteIdent(o.Name) + " " + datum.FormatType(o.Type)
	}
	return "TABLE(" + strings.Join(cols, ", ") + ")"
}
