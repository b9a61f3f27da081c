package ddl

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// maxName is how many bytes a name has at most.
const maxName = 63

// madeName is name1_name2_label, the longer of the names cut where it is too long.
func madeName(name1, name2, label string) string {
	over := len(label)
	if label != "" {
		over++
	}
	if name2 != "" {
		over++
	}
	n1, n2 := len(name1), len(name2)
	for n1+n2 > maxName-over {
		if n1 > n2 {
			n1--
		} else {
			n2--
		}
	}
	out := cutText(name1, n1)
	if name2 != "" {
		out += "_" + cutText(name2, n2)
	}
	if label != "" {
		out += "_" + label
	}
	return out
}

// cutText is the longest beginning of whole characters in n bytes.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// relationName makes the name of a relation that nobody else in the schema has.
func (p *planner) relationName(schema, name1, name2, label string) string {
	return unusedName(name1, name2, label, func(n string) bool { return p.taken(schema, n) })
}

// unusedName numbers the label until the name is free.
func unusedName(name1, name2, label string, taken func(string) bool) string {
	for i := 0; ; i++ {
		l := label
		if i > 0 {
			l += strconv.Itoa(i)
		}
		if n := madeName(name1, name2, l); !taken(n) {
			return n
		}
	}
}

// taken reports whether a relation or index of the schema has a name.
func (p *planner) taken(schema, name string) bool {
	if p.cat.Lookup(nil, schema, name) != nil {
		return true
	}
	if p.building != nil && p.building.schema == schema && (p.building.table.Name == name || p.building.hasIndex(name)) {
		return true
	}
	return p.indexNamed(schema, name) != nil
}

// indexNamed finds the table with an index of a name.
func (p *planner) indexNamed(schema, name string) *catalog.Relation {
	for _, r := range p.cat.Relations() {
		if r.Schema != schema {
			continue
		}
		for _, ix := range r.Indexes {
			if ix.Name == name {
				return r
			}
		}
	}
	return nil
}

// creation finds the schema in which an object with a name is made.
func (p *planner) creation(n syntax.Name, temporary bool, at syntax.Node) (schema string, id datum.OID, err error) {
	if len(n) == 3 {
		if n[0] != p.cat.Database() {
			return "", 0, p.errorIn(at, pgerr.FeatureNotSupported, "cross-database references are not implemented: %q", dotted(n))
		}
		n = n[1:]
	}
	q := n.Qualifier()
	switch {
	case temporary && (q == "" || q == "pg_temp"):
		return p.schemaName(p.Temporary), p.Temporary, nil
	case temporary:
		return "", 0, p.errorIn(at, pgerr.InvalidTableDefinition, "cannot create temporary relation in non-temporary schema")
	case q == "pg_temp":
		return p.schemaName(p.Temporary), p.Temporary, nil
	case q == "":
		for _, s := range p.Path {
			if id := p.schemaID(s); id != 0 {
				return s, id, p.writable(s, n.Last())
			}
		}
		return "", 0, p.errorIn(at, pgerr.InvalidSchemaName, "no schema has been selected to create in")
	}
	id = p.schemaID(q)
	if id == 0 {
		return "", 0, p.errorIn(at, pgerr.InvalidSchemaName, "schema %q does not exist", q)
	}
	return q, id, p.writable(q, n.Last())
}

// writable refuses the schemas in which nobody makes objects.
func (p *planner) writable(schema, name string) error {
	switch schema {
	case "pg_catalog", "information_schema", "by_type":
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to create \"%s.%s\"", schema, name).
			WithDetail("System catalog modifications are currently disallowed.")
	}
	return nil
}

func (p *planner) schemaID(name string) datum.OID {
	for _, s := range p.cat.Schemas() {
		if s.Name == name {
			return s.OID
		}
	}
	return 0
}

func (p *planner) schemaName(id datum.OID) string {
	for _, s := range p.cat.Schemas() {
		if s.OID == id {
			return s.Name
		}
	}
	return ""
}

// relation finds a relation by its written name.
func (p *planner) relation(n syntax.Name, at syntax.Node) (*catalog.Relation, error) {
	r, err := p.find(n, at)
	if err == nil && r == nil {
		return nil, p.errorIn(at, pgerr.UndefinedTable, "relation %q does not exist", dotted(n))
	}
	return r, err
}

// find is relation without an error if there is none.
func (p *planner) find(n syntax.Name, at syntax.Node) (*catalog.Relation, error) {
	if len(n) == 3 {
		if n[0] != p.cat.Database() {
			return nil, p.errorIn(at, pgerr.FeatureNotSupported, "cross-database references are not implemented: %q", dotted(n))
		}
		n = n[1:]
	}
	q := n.Qualifier()
	if q == "pg_temp" {
		q = p.schemaName(p.Temporary)
	}
	return p.cat.Lookup(p.path(), q, n.Last()), nil
}

// path is the search path with the temporary schema in front.
func (p *planner) path() []string {
	if t := p.schemaName(p.Temporary); t != "" {
		return append([]string{t}, p.Bind.SearchPath...)
	}
	return p.Bind.SearchPath
}

// table finds a user's table, or refuses what is none.
func (p *planner) table(n syntax.Name, at syntax.Node) (*catalog.TableObject, error) {
	r, err := p.relation(n, at)
	if err != nil {
		return nil, err
	}
	return p.tableOf(r, at)
}

func (p *planner) tableOf(r *catalog.Relation, at syntax.Node) (*catalog.TableObject, error) {
	switch {
	case r.Object == nil:
		return nil, p.notOwn(r)
	case r.Kind != catalog.Table:
		return nil, p.errorIn(nil, pgerr.WrongObjectType, "%q is not a table", r.Name)
	}
	return catalog.Clone(r.Table)
}

// notOwn refuses to change what every database has.
func (p *planner) notOwn(r *catalog.Relation) error {
	if r.OID == catalog.EventsOID {
		return pgerr.New(pgerr.InsufficientPrivilege, "cannot change %s: it is the log", r.Name).
			WithHint("Make a table or a view of your own beside it.")
	}
	return pgerr.New(pgerr.InsufficientPrivilege, "permission denied: %q is a system catalog", r.Name)
}

func dotted(n syntax.Name) string { return strings.Join(n, ".") }

func itoa(id datum.OID) string { return strconv.FormatUint(uint64(id), 10) }

// quoted is a relation's name in full, as SQL reads it back.
func quoted(schema, name string) string {
	return funcs.QuoteIdent(schema) + "." + funcs.QuoteIdent(name)
}

// listed is a list of columns as PostgreSQL's messages have it.
func listed(names []string) string { return strings.Join(names, ", ") }

func quoteIdents(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = funcs.QuoteIdent(n)
	}
	return out
}
