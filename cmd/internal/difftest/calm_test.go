package difftest

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// calm are the types that shapes are about: equal values of theirs look equal, and there are expressions that seldom fail.
var calm = []datum.OID{datum.Int4, datum.Int8, datum.Text, datum.Bool, datum.Date, datum.TimestampTZ, datum.Int4Array, datum.TextArray}

// calmly are expressions of a type over others that never fail. A shape is no test of its form where every second query of it ends
// in the error of a value. A place with a letter is one of another type: see calmPlaces.
var calmly = map[datum.OID][]string{
	datum.Int4: {"length(¤t)", "(¤i % 5 + ¤i % 7)", "abs(¤i % 100)", "coalesce(¤i, ¤i)", "(case when ¤b then ¤i else ¤i end)", "cardinality(¤n)",
		"coalesce(array_length(¤s, 1), -1)", "(¤l % 10)::int4", "extract(day from ¤z)::int4", "array_position(¤n, ¤i)", "(¤n)[1]", "(array[¤i, ¤i])[2]",
		"(array[[¤i, ¤i], [¤i, ¤i]])[2][1]", "nullif(¤i, ¤i)", "greatest(¤i, ¤i)", "(¤d - date '2024-01-01')", "(select count(*)::int4 from unnest(¤n) u (x) where u.x = ¤i)"},
	datum.Int8: {"(¤l % 100 + ¤i)", "coalesce(¤l, 0)", "(case when ¤b then ¤l end)", "least(¤l, ¤l)", "(¤l % 3 * 10 - ¤i % 10)", "hashless(¤t)"},
	datum.Text: {"lower(¤t)", "upper(¤t)", "left(¤t, 2)", "(¤t || ¤t)", "coalesce(¤t, ¤t)", "(case when ¤b then ¤t else ¤t end)", "(¤i)::text", "(¤b)::text",
		"(¤z)::text", "(¤n)::text", "replace(¤t, 'a', 'o')", "(¤s)[2]", "array_to_string(¤s, '-')", "jsonb_typeof(¤j)", "(¤j)::text", "to_char(¤z, 'YYYY-MM-DD')",
		"(jsonb_path_query_first(¤j, ¤p) #>> '{}')", "jsonb_path_query_array(¤j, ¤p)::text", "(row(¤i, ¤t)::text)", "array_dims(array[¤n, ¤n])", "split_part(¤t, '.', 1)"},
	datum.Bool: {"(¤i = ¤i)", "(¤l > ¤l)", "(¤t < ¤t)", "(¤t like 'a%')", "(¤t is null)", "(¤b and ¤b)", "(¤b or ¤b)", "(not ¤b)", "(¤i in (¤i, ¤i, 3))", "(¤i between ¤i and ¤i)",
		"(¤z >= ¤z)", "((¤i, ¤t) < (¤i, ¤t))", "((¤i, ¤l) = (¤i, ¤l))", "(row(¤t, ¤b) is distinct from row(¤t, ¤b))", "(row(¤i, ¤t) is null)", "(row(¤i, ¤t) is not null)",
		"(¤i = any(¤n))", "(¤i <> all(¤n))", "(¤t = any(¤s))", "(¤n @> ¤n)", "(¤n && ¤n)", "(¤n < ¤n)", "(¤j @? ¤p)", "(¤j @@ ¤p)", "jsonb_path_exists(¤j, ¤p)",
		"(¤j ? ¤t)", "(¤j @> ¤j)", "(¤i is not distinct from ¤i)", "(array[¤n, ¤n] = array[¤n, ¤n])", "coalesce(¤b, false)", "(¤t > any(¤s))"},
	datum.Date:        {"(¤z)::date", "(¤d + ¤i % 30)", "(case when ¤b then ¤d end)", "coalesce(¤d, ¤d)", "date_trunc('month', ¤z)::date"},
	datum.TimestampTZ: {"date_trunc('day', ¤z)", "(¤z + ¤i % 40 * interval '7 hours')", "coalesce(¤z, ¤z)", "greatest(¤z, ¤z)", "(case when ¤b then ¤z end)", "(¤d)::timestamptz"},
	datum.Int4Array: {"array[¤i, ¤i]", "(¤n || ¤i)", "(¤n || ¤n)", "array_remove(¤n, ¤i)", "(¤n)[1:2]", "array(select g.x from generate_series(1, ¤i % 4) g (x))", "(case when ¤b then ¤n end)",
		"(array[[¤i, 1], [¤i, 2]])[1:2][2:2]", "array(select u.x from unnest(¤n) u (x) order by u.x desc)"},
	datum.TextArray: {"array[¤t, ¤t]", "string_to_array(¤t, '.')", "(¤s || ¤t)", "array_replace(¤s, ¤t, ¤t)", "(¤s)[2:]", "coalesce(¤s, ¤s)", "array_append(¤s, ¤t)"},
}

var calmPlaces = map[byte]datum.OID{'i': datum.Int4, 'l': datum.Int8, 't': datum.Text, 'b': datum.Bool, 'd': datum.Date, 'z': datum.TimestampTZ,
	'n': datum.Int4Array, 's': datum.TextArray, 'j': datum.JSONB, 'p': datum.JSONPath}

var calmLiterals = map[datum.OID][]string{
	datum.Int4: {"0", "1", "2", "3", "7", "-1"}, datum.Int8: {"0", "1", "5", "20", "60"}, datum.Text: {"a", "b", "order.paid", "a-1", "", "ä"},
	datum.Bool: {"true", "false"}, datum.Date: {"2024-02-29", "2024-03-01", "2024-01-15"}, datum.TimestampTZ: {"2024-02-29 12:00+00", "2024-04-01 00:00+00"},
	datum.Int4Array: {"{}", "{1,2,3}", "{1,NULL}", "{{1,2},{3,4}}"}, datum.TextArray: {"{}", "{a,b}", "{NULL,a}"},
	datum.JSONB: {`{}`, `[1, "2", null]`, `{"n": 1, "s": "a"}`, `7`},
}

// calmPaths are jsonpaths that say nothing of an error.
var calmPaths = []string{"$", "$.n", "$.items[*].qty", "$.items[*] ? (@.qty > 1)", "$.arr[0]", "$.arr.size()", "$.** ? (@ == 1)", "$.s ? (@ like_regex \"^a\")", "exists($.n)",
	"$.n > 1", "$[last]", "$.keyvalue().key", "$.*", "$.obj.*.type()", "$.items[1 to last].sku", "$.n ? (@ > 0 && @ < 50)", "$.arr[*] ? (@ starts with \"a\")", "$.mix.type()",
	"$.items[*] ? (exists(@.price ? (@ > 2))).sku", "$.** ? (@.type() == \"boolean\")", "!($.n == 1)", "($.n == 1) is unknown", "$.d.floor()", "-$.n", "$.n * 2 - 1"}

// calmExpr makes an expression of a type that seldom fails.
func (g *generator) calmExpr(s *scope, typ datum.OID, depth int) *node {
	if s.grouped && (depth <= 0 || g.chance(30)) {
		return g.calmGroup(s, typ)
	}
	forms := calmly[typ]
	if depth <= 0 || forms == nil || g.chance(30) {
		return g.calmLeaf(s, typ)
	}
	form := pick(g.r, forms)
	if form == "hashless(¤t)" {
		form = "length(¤t)::int8"
	}
	n := g.fill(s, form, depth-1).of(typ)
	n.from = s.from
	return n
}

// fill replaces the places of a form by expressions of their types.
func (g *generator) fill(s *scope, form string, depth int) *node {
	pieces := strings.Split(form, place)
	kids := make([]*node, len(pieces)-1)
	// An aggregate in a query of its own would be this query's.
	inside := s
	if strings.Contains(form, "select") && s.grouped {
		inside = &scope{}
	}
	for i := range kids {
		typ := calmPlaces[pieces[i+1][0]]
		pieces[i+1] = pieces[i+1][1:]
		kids[i] = g.calmExpr(inside, typ, depth)
	}
	return &node{texts: pieces, kids: kids}
}

func (g *generator) calmLeaf(s *scope, typ datum.OID) *node {
	if typ == datum.JSONPath {
		return word("'" + pick(g.r, calmPaths) + "'::jsonpath")
	}
	if g.chance(85) {
		if c, ok := g.column(s, typ); ok {
			return word(c).of(typ)
		}
		if doc, ok := g.column(s, datum.JSONB); ok {
			if n := g.calmPath(doc, typ); n != nil {
				return n.of(typ)
			}
		}
	}
	t := typeOf(typ)
	if g.chance(7) {
		return word("null::" + t.name).of(typ)
	}
	return word(constant(t, pick(g.r, calmLiterals[typ]))).of(typ)
}

func (g *generator) calmPath(doc string, typ datum.OID) *node {
	switch typ {
	case datum.Int4:
		return word("(case when jsonb_typeof(" + doc + " -> 'n') = 'number' then ((" + doc + " ->> 'n')::numeric % 1000)::int4 end)")
	case datum.Int8:
		return word("(case when jsonb_typeof(" + doc + " -> 'n') = 'number' then ((" + doc + " ->> 'n')::numeric % 100000)::int8 end)")
	case datum.Text:
		return word("(" + doc + " ->> '" + pick(g.r, []string{"s", "n", "t", "mix", "f"}) + "')")
	case datum.Bool:
		return word("(" + doc + " ->> 'f' = 'true')")
	case datum.Int4Array, datum.TextArray:
		if typ == datum.TextArray {
			return word("(case when jsonb_typeof(" + doc + " -> 'arr') = 'array' then array(select jsonb_array_elements_text(" + doc + " -> 'arr')) end)")
		}
	}
	return nil
}

// calmGroup is a key or an aggregate.
func (g *generator) calmGroup(s *scope, typ datum.OID) *node {
	if typ == datum.JSONPath {
		return g.calmLeaf(s, typ)
	}
	if g.chance(50) {
		for _, key := range s.keys {
			if key.typ == typ && g.chance(60) {
				return word(key.String()).of(typ)
			}
		}
	}
	inside := &scope{columns: s.columns, from: s.from}
	of := func(t datum.OID) *node { return g.calmExpr(inside, t, 1) }
	filter := word("")
	if g.chance(25) {
		filter = clause(" filter (where ¤)", of(datum.Bool))
	}
	distinct := pick(g.r, []string{"", "", "distinct "})
	switch typ {
	case datum.Int4:
		return piece(pick(g.r, []string{"min", "max", "bit_or", "bit_xor"})+"("+distinct+"¤)¤", of(typ), filter).of(typ)
	case datum.Int8:
		switch g.r.IntN(6) {
		case 0:
			return piece("count(*)¤", filter).of(typ)
		case 1:
			return piece("sum("+distinct+"¤)¤", of(datum.Int4), filter).of(typ)
		case 2:
			return piece(pick(g.r, []string{"rank", "dense_rank"})+"(¤) within group (order by ¤"+pick(g.r, directions)+")¤", literal2(g, datum.Int4), of(datum.Int4), filter).of(typ)
		}
		return piece("count("+distinct+"¤)¤", of(pick(g.r, calm)), filter).of(typ)
	case datum.Text:
		switch g.r.IntN(5) {
		case 0:
			key := of(typ)
			return piece("string_agg(¤, ',' order by ¤"+pick(g.r, directions)+")¤", key, word(key.String()), filter).of(typ)
		case 1:
			return piece("string_agg(distinct ¤, ',')¤", of(typ), filter).of(typ)
		case 2:
			return piece("mode() within group (order by ¤)¤", of(typ), filter).of(typ)
		case 3:
			return piece("percentile_disc("+pick(g.r, []string{"0.5", "0", "1", "0.25", "0.9"})+") within group (order by ¤"+pick(g.r, directions)+")¤", of(typ), filter).of(typ)
		}
	case datum.Bool:
		return piece(pick(g.r, []string{"bool_and", "bool_or", "every"})+"(¤)¤", of(typ), filter).of(typ)
	case datum.Int4Array, datum.TextArray:
		key := of(datum.ElemOf(typ))
		if g.chance(30) {
			return piece("array_agg(distinct ¤)¤", key, filter).of(typ)
		}
		return piece("array_agg(¤ order by ¤"+pick(g.r, directions)+")¤", key, word(key.String()), filter).of(typ)
	case datum.JSONB:
		key := of(datum.Int4)
		return piece("jsonb_agg(¤ order by ¤)¤", key, word(key.String()), filter).of(typ)
	}
	return piece(pick(g.r, []string{"min", "max"})+"(¤)¤", of(typ), filter).of(typ)
}

func literal2(g *generator, typ datum.OID) *node {
	return word(constant(typeOf(typ), pick(g.r, calmLiterals[typ]))).of(typ)
}

var directions = []string{"", "", " desc", " nulls first", " desc nulls last"}

// calmFrom makes tables with a unique key each, so that an order by all of those is total.
func (g *generator) calmFrom(outer *scope, depth int) (s *scope, from *node, unique []string) {
	s = &scope{outer: outer}
	from, unique = g.calmTable(s, outer, depth)
	for n := 0; n < 2 && g.chance(30); n++ {
		right := &scope{outer: outer}
		next, more := g.calmTable(right, outer, depth)
		left := s.columns
		s.columns = append(append([]column{}, left...), right.columns...)
		unique = append(unique, more...)
		s.from = piece("¤ cross join ¤", from, next)
		on := g.calmOn(left, right.columns, s)
		kind := pick(g.r, []string{"join", "join", "left join", "right join", "full join"})
		if kind == "full join" && g.chance(70) || on.typ != 0 {
			kind = pick(g.r, []string{"join", "left join"})
		}
		from = piece("¤ "+kind+" ¤ on ¤", from, next, on).of(aTable)
	}
	s.from = from
	return s, from, unique
}

// calmOn joins on equal columns, mostly; the type is set where it is another condition.
func (g *generator) calmOn(left, right []column, both *scope) *node {
	var pairs []string
	for _, l := range left {
		for _, r := range right {
			if l.typ == r.typ && l.typ != datum.JSONB {
				pairs = append(pairs, l.sql+" = "+r.sql)
			}
		}
	}
	if len(pairs) == 0 || g.chance(15) {
		return g.calmExpr(both, datum.Bool, 1)
	}
	if g.chance(30) {
		return piece(pick(g.r, pairs)+" and ¤", g.calmExpr(both, datum.Bool, 1)).of(datum.Bool)
	}
	return word(pick(g.r, pairs))
}

func (g *generator) calmTable(s, outer *scope, depth int) (table *node, unique []string) {
	alias := g.name("t")
	switch choice := g.r.IntN(10); {
	case choice < 6 || depth < 1:
		s.columns = prefixed(alias, logColumns)
		return word("events " + alias).of(aTable), []string{alias + ".position"}
	case choice < 8:
		inner, _ := g.shape(outer, []datum.OID{datum.Text, datum.Int4}, depth-1)
		s.columns = prefixed(alias, []column{{"c0", datum.Int8}, {"c1", datum.Text}, {"c2", datum.Int4}})
		// Numbered over all columns: equal rows may change their numbers, not what is asked of both.
		return piece("(select row_number() over (order by c1, c2), c1, c2 from (¤) as "+alias+"q (c1, c2)) "+alias+" (c0, c1, c2)", inner).of(aTable), []string{alias + ".c0"}
	case choice < 9:
		s.columns = prefixed(alias, []column{{"c1", datum.Int4}})
		return word("generate_series(1, " + strconv.Itoa(2+g.r.IntN(12)) + ") " + alias + " (c1)").of(aTable), []string{alias + ".c1"}
	}
	s.columns = prefixed(alias, []column{{"c1", datum.Int4}, {"c2", datum.Text}, {"c3", datum.Date}})
	var rows []string
	for i := range 1 + g.r.IntN(5) {
		rows = append(rows, "("+strconv.Itoa(i)+", "+literal2(g, datum.Text).String()+", "+literal2(g, datum.Date).String()+")")
	}
	return word("(values " + strings.Join(rows, ", ") + ") " + alias + " (c1, c2, c3)").of(aTable), []string{alias + ".c1"}
}
