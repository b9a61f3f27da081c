package difftest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// Pieces that are no expressions may be replaced by others of their kind too.
const (
	aTable datum.OID = 1
	aQuery datum.OID = 2
)

// statement makes a whole query: columns of types of its own choice. Every second is about a form, the others about values.
func (g *generator) statement() *node {
	if g.chance(50) {
		return g.shaped()
	}
	want := make([]datum.OID, 1+g.r.IntN(3))
	for i := range want {
		want[i] = pick(g.r, types).oid
	}
	depth := 1 + g.r.IntN(4)
	if g.chance(15) {
		return g.with(want, depth)
	}
	return g.query(nil, want, depth)
}

// with reads a query by name, once or twice.
func (g *generator) with(want []datum.OID, depth int) *node {
	name := g.name("w")
	inner, columns := g.safeTypes(2), []column{}
	var names []string
	for i, typ := range inner {
		names = append(names, "c"+strconv.Itoa(i+1))
		columns = append(columns, column{"c" + strconv.Itoa(i+1), typ})
	}
	body := g.query(nil, inner, depth-1)
	how := pick(g.r, []string{"", "", "materialized ", "not materialized "})
	a, b := g.name("t"), g.name("t")
	s := &scope{}
	from := word(name + " " + a)
	s.columns = prefixed(a, columns)
	if g.chance(40) {
		from = word(fmt.Sprintf("%s %s join %s %s on %s.c1 = %s.c1", name, a, name, b, a, b))
		s.columns = append(s.columns, prefixed(b, columns)...)
	}
	from.typ = aTable
	outer := g.selectFrom(s, from, want, depth-1)
	return piece("with "+name+" ("+strings.Join(names, ", ")+") as "+how+"(¤) ¤", body, outer)
}

func prefixed(alias string, columns []column) []column {
	out := make([]column, len(columns))
	for i, c := range columns {
		out[i] = column{alias + "." + c.sql, c.typ}
	}
	return out
}

func (g *generator) safeTypes(n int) []datum.OID {
	out := make([]datum.OID, n)
	for i := range out {
		out[i] = grouping(g.r)
	}
	return out
}

// query makes a query with columns of the wanted types.
func (g *generator) query(outer *scope, want []datum.OID, depth int) *node {
	if depth >= 1 && allGroup(want) && g.chance(10) {
		op := pick(g.r, []string{"union", "union all", "intersect", "except", "intersect all", "except all"})
		return piece("(¤) "+op+" (¤)", g.query(outer, want, depth-1), g.query(outer, want, depth-1)).of(aQuery)
	}
	s, from := g.from(outer, depth)
	return g.selectFrom(s, from, want, depth)
}

func allGroup(want []datum.OID) bool {
	for _, typ := range want {
		if !typeOf(typ).groups {
			return false
		}
	}
	return true
}

func (g *generator) selectFrom(s *scope, from *node, want []datum.OID, depth int) *node {
	s.from = from
	where := word("")
	if g.chance(50) {
		where = clause(" where ¤", g.expr(s, datum.Bool, depth))
	}
	group, having, distinct := word(""), word(""), ""
	switch {
	case g.chance(30):
		group, having = g.groups(s, depth)
	case allGroup(want) && g.chance(15):
		distinct = "distinct "
	}
	outputs := make([]*node, len(want))
	for i, typ := range want {
		outputs[i] = g.expr(s, typ, depth)
		if !typeOf(typ).groups && s.grouped {
			g.byValue = true
		}
	}
	order := word("")
	if allGroup(want) && g.chance(35) {
		order = g.order(len(want))
	}
	return piece("select "+distinct+"¤ from ¤¤¤¤¤", list(", ", outputs), from, where, group, having, order).of(aQuery)
}

// order sorts by all columns, so that a limit takes the same rows everywhere.
func (g *generator) order(columns int) *node {
	var by []string
	for _, i := range g.r.Perm(columns) {
		by = append(by, strconv.Itoa(i+1)+pick(g.r, []string{"", " desc", " nulls first", " desc nulls last"}))
	}
	limit, offset := word(""), word("")
	if g.chance(60) {
		limit = clause(" limit " + strconv.Itoa(g.r.IntN(12)))
	}
	if g.chance(25) {
		offset = clause(" offset " + strconv.Itoa(g.r.IntN(5)))
	}
	return piece(" order by "+strings.Join(by, ", ")+"¤¤", limit, offset)
}

// groups makes the keys, which the select list then may name, and a condition on groups.
func (g *generator) groups(s *scope, depth int) (group, having *node) {
	var keys []*node
	for range g.r.IntN(3) {
		key := g.expr(s, grouping(g.r), min(depth, 1))
		// A constant would be the number of a column, or no key at all.
		if len(s.columns) > 0 && strings.Contains(key.String(), ".") {
			keys = append(keys, key)
		}
	}
	s.grouped, s.keys = true, keys
	group, having = word(""), word("")
	if len(keys) > 0 {
		format := " group by ¤"
		if g.chance(25) {
			format = pick(g.r, []string{" group by rollup (¤)", " group by cube (¤)", " group by grouping sets ((¤), ())"})
		}
		// No list: a key that the select list names cannot go. In grouping sets a key stays as it is: a constant there is
		// null in some rows or not, as PostgreSQL's version has it.
		names := &node{texts: separated(len(keys)), kids: keys}
		if strings.Contains(format, "(") {
			names.each(func(n *node) { n.fixed = true })
		}
		group = piece(format, names)
	}
	if g.chance(30) {
		having = clause(" having ¤", g.expr(s, datum.Bool, min(depth, 2)))
	}
	return group, having
}

// from makes the tables of a query.
func (g *generator) from(outer *scope, depth int) (*scope, *node) {
	s := &scope{outer: outer}
	big := 0
	from := g.table(s, outer, depth, &big)
	for g.chance(30) && big < 2 {
		left := &scope{columns: s.columns}
		right := &scope{}
		next := g.table(right, outer, depth, &big)
		s.columns = append(s.columns, right.columns...)
		from = g.join(left, right, s, from, next, depth)
	}
	s.from = from
	return s, from
}

func (g *generator) join(left, right, both *scope, from, next *node, depth int) *node {
	var pairs []string
	for _, l := range left.columns {
		for _, r := range right.columns {
			if l.typ == r.typ && l.typ != datum.JSON {
				pairs = append(pairs, l.sql+" = "+r.sql)
			}
		}
	}
	both.from = piece("¤ cross join ¤", from, next)
	kind := pick(g.r, []string{"join", "left join", "right join", "full join", "cross join"})
	switch {
	case kind == "cross join" || len(pairs) == 0 && kind == "full join":
		return piece("¤ cross join ¤", from, next).of(aTable)
	case kind == "full join":
		return piece("¤ full join ¤ on "+pick(g.r, pairs), from, next).of(aTable)
	case len(pairs) > 0 && g.chance(70):
		more := word("")
		if g.chance(40) {
			more = clause(" and ¤", g.expr(both, datum.Bool, min(depth, 2)))
		}
		return piece("¤ "+kind+" ¤ on "+pick(g.r, pairs)+"¤", from, next, more).of(aTable)
	}
	return piece("¤ "+kind+" ¤ on ¤", from, next, g.expr(both, datum.Bool, min(depth, 2))).of(aTable)
}

// logColumns are the columns of the log.
var logColumns = []column{
	{"position", datum.Int8}, {"id", datum.UUID}, {"entity_id", datum.Text}, {"event_type", datum.Text}, {"version", datum.Int8},
	{"timestamp", datum.TimestampTZ}, {"recorded_at", datum.TimestampTZ}, {"payload", datum.JSONB}, {"metadata", datum.JSONB},
}

// table is one entry of FROM.
func (g *generator) table(s, outer *scope, depth int, big *int) *node {
	alias := g.name("t")
	choice := g.r.IntN(20)
	switch {
	case choice < 12 || depth < 1:
		*big++
		s.columns = prefixed(alias, logColumns)
		return word("events " + alias).of(aTable)
	case choice < 15:
		*big++
		var inner []datum.OID
		var names []string
		for i := range 1 + g.r.IntN(3) {
			inner = append(inner, pick(g.r, types).oid)
			names = append(names, "c"+strconv.Itoa(i+1))
			s.columns = append(s.columns, column{alias + "." + names[i], inner[i]})
		}
		return piece("(¤) "+alias+" ("+strings.Join(names, ", ")+")", g.query(outer, inner, depth-1)).of(aTable)
	case choice < 17:
		return g.values(s, alias)
	}
	c := pick(g.r, g.words.sets)
	s.columns = []column{{alias + ".c1", c.ret}}
	return piece(`pg_catalog."`+c.name+`"(¤) `+alias+` (c1)`, list(", ", g.arguments(&scope{outer: outer}, c, 1))).of(aTable)
}

// values is a small table of constants.
func (g *generator) values(s *scope, alias string) *node {
	columns := 1 + g.r.IntN(3)
	var names []string
	row := make([]datum.OID, columns)
	for i := range row {
		row[i] = pick(g.r, types).oid
		names = append(names, "c"+strconv.Itoa(i+1))
		s.columns = append(s.columns, column{alias + "." + names[i], row[i]})
	}
	var rows []*node
	for range 1 + g.r.IntN(4) {
		cells := make([]*node, columns)
		for i, typ := range row {
			cells[i] = literal(g.r, typ)
		}
		rows = append(rows, piece("(¤)", &node{texts: separated(columns), kids: cells}))
	}
	return piece("(values ¤) "+alias+" ("+strings.Join(names, ", ")+")", list(", ", rows)).of(aTable)
}

// separated are the texts of a row: a list whose members cannot go.
func separated(n int) []string {
	out := make([]string, n+1)
	for i := 1; i < n; i++ {
		out[i] = ", "
	}
	return out
}
