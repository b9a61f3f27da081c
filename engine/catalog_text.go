package engine

import (
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// CatalogText describes a catalog object in SQL or words.
func (i sessionInfo) CatalogText(what string, oid datum.OID, sub int) (string, bool) {
	c := i.catalog
	switch what {
	case "comment":
		if r := c.ByOID(oid); r != nil && r.Doc != "" {
			return r.Doc, true
		}
	case "columncomment":
		if r := c.ByOID(oid); r != nil && sub > 0 && sub <= len(r.Columns) && r.Columns[sub-1].Doc != "" {
			return r.Columns[sub-1].Doc, true
		}
	case "viewdef":
		if r := c.ByOID(oid); r != nil && r.Definition != "" {
			return r.Definition, true
		}
	case "indexdef", "indexcolumn", "constraintdef":
		return indexText(c, what, oid, sub)
	case "functionargs", "functionresult":
		return functionText(what, oid)
	}
	return "", false
}

func indexText(c *catalog.Catalog, what string, oid datum.OID, sub int) (string, bool) {
	for _, r := range c.Relations() {
		for _, ix := range r.Indexes {
			if ix.OID != oid && (what != "constraintdef" || ix.Constraint != oid) {
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
	if f == nil {
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
