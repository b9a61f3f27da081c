package difftest

import (
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
)

// recursive makes a WITH RECURSIVE that ends: numbers up to a bound, or ways through a graph, with SEARCH and CYCLE.
func (g *generator) recursive(want []datum.OID) *node {
	r, depth := g.name("r"), strconv.Itoa(1+g.r.IntN(4))
	edges := pick(g.r, []string{
		"values (1, 2), (2, 3), (3, 1), (3, 4), (4, 4), (1, 5), (5, 6), (6, null)",
		"values (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)",
		"select (position % 7)::int4, (position % 5)::int4 from events where position < 20",
		"select distinct length(entity_id), version::int4 from events where version < 6"})
	seed := g.calmExpr(&scope{}, datum.Int4, 0)
	step := g.calmExpr(&scope{columns: []column{{"r.x", datum.Int4}, {"r.s", datum.Text}}}, datum.Int4, 1)
	label := g.calmExpr(&scope{columns: []column{{"r.x", datum.Int4}, {"r.s", datum.Text}}}, datum.Text, 1)
	columns := []column{{"n", datum.Int4}, {"x", datum.Int4}, {"s", datum.Text}}
	var body, tail *node
	tail = word("")
	switch g.r.IntN(4) {
	case 0:
		body = piece("select 1, ¤, 'a'::text "+pick(g.r, []string{"union all", "union"})+" select r.n + 1, ¤, left(¤, 20) from "+r+" r where r.n < "+depth, seed, step, label)
	case 1:
		body = piece("select 1, e.a, e.b::text from e " + pick(g.r, []string{"where e.a = 1", ""}) + " union select r.n + 1, e.b, r.s from " + r + " r join e on e.a = r.x where r.n < " + depth)
	case 2:
		body = piece("select 1, t.position::int4, t.event_type from events t where t.position < 9 union all select r.n + 1, (r.x * 2 + ¤ % 3)::int4, t.event_type from "+r+
			" r, events t where t.position = r.x + 1 and r.n < "+depth, step)
	default:
		body = word("select 1, e.a, e.b::text from e where e.a = 1 union all select r.n + 1, e.b, left(r.s || '>' || e.b, 40) from " + r + " r join e on e.a = r.x" +
			pick(g.r, []string{"", " and r.n < 6"}))
		cycle := " cycle x set looped" + pick(g.r, []string{"", " to 'y'::text default 'n'"}) + " using way"
		search := " search " + pick(g.r, []string{"depth", "breadth"}) + " first by " + pick(g.r, []string{"x", "x, s", "n"}) + " set place"
		tail = word(pick(g.r, []string{cycle, search + cycle}))
		columns = append(columns, column{"way::text", datum.Text}, column{"looped::text", datum.Text})
		if len(tail.String()) > len(cycle) {
			columns = append(columns, column{"place::text", datum.Text})
		}
	}
	s := &scope{columns: columns}
	out := g.outputs(s, want, 1)
	order := word("")
	if g.chance(30) {
		order = clause(" order by n, x, s limit all")
	}
	return piece("with recursive e (a, b) as ("+edges+"), "+r+" (n, x, s) as (¤)¤ select ¤ from "+r+"¤¤", body, tail, out, g.calmWhere(s, 0), order).of(aQuery)
}

// lateral makes a FROM whose entries read those before them.
func (g *generator) lateral(outer *scope, want []datum.OID, depth int) *node {
	s, from, _ := g.calmFrom(outer, min(depth, 1))
	alias := g.name("t")
	of := func(typ datum.OID) *node { return g.calmExpr(s, typ, 1) }
	var next *node
	columns := []column{{alias + ".c1", datum.Int4}}
	switch g.r.IntN(9) {
	case 0:
		next = piece("generate_series(1, ¤ % 4) "+alias+" (c1)", of(datum.Int4))
	case 1:
		next = piece("unnest(¤, ¤) "+alias+" (c1, c2)", of(datum.Int4Array), of(datum.TextArray))
		columns = append(columns, column{alias + ".c2", datum.Text})
	case 2:
		next = piece("unnest(¤) with ordinality "+alias+" (c1, c2)", of(datum.TextArray))
		columns = []column{{alias + ".c1", datum.Text}, {alias + ".c2", datum.Int8}}
	case 3:
		next = piece("rows from (generate_series(1, ¤ % 3), unnest(¤)) with ordinality "+alias+" (c1, c2, c3)", of(datum.Int4), of(datum.Int4Array))
		columns = append(columns, column{alias + ".c2", datum.Int4}, column{alias + ".c3", datum.Int8})
	case 4:
		next = piece("jsonb_path_query(¤, ¤) "+alias+" (c1)", of(datum.JSONB), of(datum.JSONPath))
		columns = []column{{alias + ".c1", datum.JSONB}}
	case 5:
		doc := of(datum.JSONB).String()
		next = word("jsonb_each(case when jsonb_typeof(" + doc + ") = 'object' then " + doc + " end) " + alias + " (c1, c2)")
		columns = []column{{alias + ".c1", datum.Text}, {alias + ".c2", datum.JSONB}}
	default:
		inner, _ := g.shape(s, []datum.OID{datum.Int4, datum.Text}, min(depth-1, 1))
		next = piece("lateral (¤) "+alias+" (c1, c2)", inner)
		columns = append(columns, column{alias + ".c2", datum.Text})
	}
	s.columns = append(append([]column{}, s.columns...), columns...)
	from = piece("¤"+pick(g.r, []string{" cross join ¤", " left join ¤ on true", " join ¤ on true"}), from, next).of(aTable)
	s.from = from
	out := g.outputs(s, want, 1)
	if array := datum.ArrayOf(want[0]); calmly[array] != nil && g.chance(20) {
		out.kids[0] = piece("unnest(¤)", g.calmExpr(s, array, 1))
	}
	return piece("select ¤ from ¤¤", out, from, g.calmWhere(s, 0)).of(aQuery)
}
