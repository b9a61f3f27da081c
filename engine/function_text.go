package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/deparse"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/syntax"
)

// ownFunctionText describes a users' function in SQL: what as CatalogText has it.
func (s *Session) ownFunctionText(what string, f *catalog.FunctionObject) string {
	switch what {
	case "functionresult":
		return s.functionReturns(f)
	case "functionargs":
		return s.functionArgs(f, true)
	case "functionidentity":
		return s.functionArgs(f, false)
	case "functionbody":
		return s.functionBody(f)
	}
	var b strings.Builder
	what, returns := "FUNCTION", "\n RETURNS "+s.functionReturns(f)
	if f.Procedure {
		what, returns = "PROCEDURE", ""
	}
	b.WriteString("CREATE OR REPLACE " + what + " " + funcs.QuoteIdent(s.schemaName(f.Schema)) + "." + funcs.QuoteIdent(f.Name) +
		"(" + s.functionArgs(f, true) + ")" + returns + "\n LANGUAGE " + f.Language + "\n")
	var options []string
	switch f.Volatility {
	case "i":
		options = append(options, "IMMUTABLE")
	case "s":
		options = append(options, "STABLE")
	}
	if f.Strict {
		options = append(options, "STRICT")
	}
	if f.Definer {
		options = append(options, "SECURITY DEFINER")
	}
	if f.Cost != 100 {
		options = append(options, "COST "+strconv.FormatFloat(f.Cost, 'g', -1, 64))
	}
	if f.Rows != 0 && f.Rows != 1000 {
		options = append(options, "ROWS "+strconv.FormatFloat(f.Rows, 'g', -1, 64))
	}
	if options != nil {
		b.WriteString(" " + strings.Join(options, " ") + "\n")
	}
	for _, c := range f.Config {
		b.WriteString(" " + settingText(c) + "\n")
	}
	if f.Form != "" {
		b.WriteString(s.functionBody(f) + "\n")
		return b.String()
	}
	quote := "$" + strings.ToLower(what) + "$"
	for strings.Contains(f.Body, quote) {
		quote = quote[:len(quote)-1] + "x$"
	}
	b.WriteString("AS " + quote + f.Body + quote + "\n")
	return b.String()
}

// functionBody is a body that is SQL in the definition.
func (s *Session) functionBody(f *catalog.FunctionObject) string {
	text, err := deparse.Body(s.showContext(), f)
	switch {
	case err == nil:
		return text
	case f.Form == "return":
		return "RETURN " + strings.TrimPrefix(f.Body, "SELECT ")
	}
	return "BEGIN ATOMIC\n" + f.Body + ";\nEND"
}

// functionArgs lists parameters, with their defaults if those are asked for.
func (s *Session) functionArgs(f *catalog.FunctionObject, defaults bool) string {
	var out []string
	for i := range f.Args {
		a := &f.Args[i]
		text := map[string]string{"o": "OUT ", "b": "INOUT ", "v": "VARIADIC "}[a.Mode]
		if a.Mode == "i" && f.Procedure {
			text = "IN "
		}
		if a.Mode == "t" {
			continue
		}
		if a.Name != "" {
			text += funcs.QuoteIdent(a.Name) + " "
		}
		text += s.catalog().FormatType(s.searchPath(), a.Type)
		if defaults && a.Default.Text != "" {
			x, err := s.shown(nil, a.Default.Text, true)
			if err == nil {
				text += " DEFAULT " + x
			}
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func (s *Session) functionReturns(f *catalog.FunctionObject) string {
	var cols []string
	for _, a := range f.Args {
		if a.Mode == "t" {
			cols = append(cols, funcs.QuoteIdent(a.Name)+" "+s.catalog().FormatType(s.searchPath(), a.Type))
		}
	}
	text := s.catalog().FormatType(s.searchPath(), f.Returns)
	switch {
	case cols != nil:
		return "TABLE(" + strings.Join(cols, ", ") + ")"
	case f.Set:
		return "SETOF " + text
	}
	return text
}

func (s *Session) schemaName(id datum.OID) string {
	for _, x := range s.catalog().Schemas() {
		if x.OID == id {
			return x.Name
		}
	}
	return ""
}

// ownFunctionName prints a users' function as regproc, or with its parameters as regprocedure.
func (s *Session) ownFunctionName(f *catalog.FunctionObject, signature bool) string {
	name := funcs.QuoteIdent(f.Name)
	if schema := s.schemaName(f.Schema); !slices.Contains(s.searchPath(), schema) {
		name = funcs.QuoteIdent(schema) + "." + name
	}
	if !signature {
		return name
	}
	var types []string
	for _, a := range f.Args {
		if a.Input() {
			types = append(types, s.catalog().FormatType(s.searchPath(), a.Type))
		}
	}
	return name + "(" + strings.Join(types, ",") + ")"
}

// ownFunctionNamed finds the users' function that the text of a regproc or regprocedure names.
func (s *Session) ownFunctionNamed(text string) (datum.OID, bool) {
	name, list, signature := functionNamed(text)
	parts := identifiers(name)
	if len(parts) == 0 {
		return 0, false
	}
	n := syntax.Name(parts)
	c := s.catalog()
	for _, f := range slices.Concat(c.Functions(s.searchPath(), n.Qualifier(), n.Last()), c.Procedures(s.searchPath(), n.Qualifier(), n.Last())) {
		var in []datum.OID
		for _, a := range f.Args {
			if a.Input() {
				in = append(in, a.Type.OID)
			}
		}
		if !signature || s.takes(in, list) {
			return f.ID, true
		}
	}
	return 0, false
}

// functionNamed takes the text of a regproc or regprocedure apart.
func functionNamed(text string) (name, list string, signature bool) {
	return strings.Cut(strings.TrimSuffix(strings.TrimSpace(text), ")"), "(")
}

// takes reports whether the parameters of a function are of the types in a list.
func (s *Session) takes(in []datum.OID, list string) bool {
	var types []datum.OID
	for text := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		info, ok := datum.ByName(strings.ToLower(strings.TrimSpace(text)))
		if ok {
			types = append(types, info.OID)
			continue
		}
		oid, ok := s.regLookup(datum.Regtype, strings.TrimSpace(text))
		if !ok {
			return false
		}
		types = append(types, oid)
	}
	return slices.Equal(in, types)
}
