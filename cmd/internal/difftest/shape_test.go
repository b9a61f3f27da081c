package difftest

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// shaped makes a whole query whose form is what it is about: windows, recursion, sets of groups, laterals.
func (g *generator) shaped() *node {
	want := make([]datum.OID, 1+g.r.IntN(3))
	for i := range want {
		want[i] = pick(g.r, calm)
	}
	n, total := g.shape(nil, want, 1+g.r.IntN(3))
	if total {
		return piece("¤¤", n, g.order(len(want))).of(aQuery)
	}
	return n
}

// shape makes a query with columns of calm types; an ORDER BY may follow where it says so.
func (g *generator) shape(outer *scope, want []datum.OID, depth int) (n *node, open bool) {
	switch g.r.IntN(13) {
	case 0, 1, 2:
		return g.windowed(outer, want, depth), true
	case 3, 4:
		return g.setsOfGroups(outer, want, depth), true
	case 5:
		return g.recursive(want), false
	case 6, 7:
		return g.lateral(outer, want, depth), true
	case 8:
		return g.distinctOn(outer, want, depth), false
	case 9:
		return g.ties(outer, want, depth), false
	case 10:
		return g.nested(outer, want, depth), false
	case 11:
		return g.merged(outer, want, depth), true
	}
	s, from, _ := g.calmFrom(outer, depth)
	return piece("select ¤ from ¤¤", g.outputs(s, want, 2), from, g.calmWhere(s, depth)).of(aQuery), true
}

func (g *generator) outputs(s *scope, want []datum.OID, depth int) *node {
	kids := make([]*node, len(want))
	for i, typ := range want {
		kids[i] = g.calmExpr(s, typ, depth)
	}
	// No list: the columns are as many as the query around it expects.
	return &node{texts: separated(len(kids)), kids: kids}
}

// calmWhere is a condition, now and then one about a query.
func (g *generator) calmWhere(s *scope, depth int) *node {
	switch {
	case depth > 0 && g.chance(25):
		typ := pick(g.r, calm)
		inner, _ := g.shape(s, []datum.OID{typ}, 0)
		switch g.r.IntN(4) {
		case 0:
			return clause(" where "+pick(g.r, []string{"", "not "})+"exists (¤)", inner)
		case 1:
			return clause(" where ¤ "+pick(g.r, []string{"", "not "})+"in (¤)", g.calmExpr(s, typ, 1), inner)
		case 2:
			pair, _ := g.shape(s, []datum.OID{datum.Text, datum.Int4}, 0)
			return clause(" where (¤, ¤) "+pick(g.r, []string{"in", "not in", "= any", "<> all"})+" (¤)", g.calmExpr(s, datum.Text, 1), g.calmExpr(s, datum.Int4, 1), pair)
		}
		return clause(" where ¤ "+pick(g.r, []string{"= any", "< any", ">= all", "<> all", "> any"})+" (¤)", g.calmExpr(s, typ, 1), inner)
	case g.chance(50):
		return clause(" where ¤", g.calmExpr(s, datum.Bool, 2))
	}
	return word("")
}

// setsOfGroups groups by keys, by sets of them, or by none.
func (g *generator) setsOfGroups(outer *scope, want []datum.OID, depth int) *node {
	s, from, _ := g.calmFrom(outer, depth)
	where := g.calmWhere(s, depth)
	group := g.calmKeys(s)
	out := g.outputs(s, want, 1)
	if len(s.keys) > 0 && want[0] == datum.Int4 && g.chance(60) {
		out.kids[0] = word("grouping(" + strings.Join(texted(s.keys), ", ") + ")")
	}
	having := word("")
	if g.chance(30) {
		having = clause(" having ¤", g.calmExpr(s, datum.Bool, 1))
	}
	return piece("select "+pick(g.r, []string{"", "", "", "distinct "})+"¤ from ¤¤¤¤", out, from, where, group, having).of(aQuery)
}

// calmKeys makes GROUP BY; the scope is grouped then.
func (g *generator) calmKeys(s *scope) *node {
	for range g.r.IntN(4) {
		key := g.calmExpr(&scope{columns: s.columns, from: s.from}, pick(g.r, calm), g.r.IntN(2))
		// A constant would be the number of a column, and in a set of groups null in some rows or not, as the version has it.
		if tableNames.MatchString(key.String()) && !strings.Contains(key.String(), "select") {
			s.keys = append(s.keys, key)
		}
	}
	s.grouped = true
	keys := texted(s.keys)
	if len(keys) == 0 {
		return word("")
	}
	all := strings.Join(keys, ", ")
	last := keys[len(keys)-1]
	return word(" group by " + pick(g.r, []string{all, all, "rollup (" + all + ")", "cube (" + all + ")", "grouping sets ((" + all + "), ())",
		"grouping sets ((" + strings.Join(keys, "), (") + "))", "distinct rollup (" + all + "), cube (" + last + ")", keys[0] + ", rollup (" + all + ")",
		"grouping sets (rollup (" + all + "), (" + last + "))", "grouping sets ((" + last + "), (" + last + "), ())"}))
}

func texted(nodes []*node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.String()
	}
	return out
}

// distinctOn takes the first row of each of the keys' values, in a total order.
func (g *generator) distinctOn(outer *scope, want []datum.OID, depth int) *node {
	s, from, unique := g.calmFrom(outer, depth)
	var keys []string
	for range 1 + g.r.IntN(2) {
		if key := g.calmExpr(s, pick(g.r, calm), 1).String(); strings.Contains(key, ".") {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		keys = unique[:1]
	}
	by := pick(g.r, directions)
	tail := word("")
	if g.chance(30) {
		tail = clause(" offset " + strconv.Itoa(g.r.IntN(3)))
	}
	return piece("select distinct on ("+strings.Join(keys, ", ")+") ¤ from ¤¤ order by "+strings.Join(keys, by+", ")+by+", "+strings.Join(unique, ", ")+"¤",
		g.outputs(s, want, 1), from, g.calmWhere(s, depth), tail).of(aQuery)
}

// ties are the first rows with those that are equal to the last, or simply the first of a total order.
func (g *generator) ties(outer *scope, want []datum.OID, depth int) *node {
	s, from, unique := g.calmFrom(outer, depth)
	by := g.sortKeys(s, 1+g.r.IntN(2))
	offset := pick(g.r, []string{"", "", " offset " + strconv.Itoa(g.r.IntN(4))})
	first := strconv.Itoa(g.r.IntN(9))
	end := clause(offset + " fetch first " + first + " rows with ties")
	if offset != "" || g.chance(50) {
		by = append(by, unique...)
		end = clause(pick(g.r, []string{" limit " + first, " fetch next " + first + " rows only", " limit all"}) + offset)
	}
	return piece("select ¤ from ¤¤ order by "+strings.Join(by, ", ")+"¤", g.outputs(s, want, 1), from, g.calmWhere(s, depth), end).of(aQuery)
}

// sortKeys are expressions with directions.
func (g *generator) sortKeys(s *scope, n int) []string {
	var by []string
	for range n {
		// A constant would be the number of a column.
		key := g.calmExpr(s, pick(g.r, calm), 1).String()
		if !strings.Contains(key, "(") && !strings.Contains(key, ".") {
			key = "(" + key + " is null)"
		}
		by = append(by, key+pick(g.r, directions))
	}
	return by
}

// nested are operations on sets of rows, and on those.
func (g *generator) nested(outer *scope, want []datum.OID, depth int) *node {
	arm := func() *node {
		if depth > 1 && g.chance(50) {
			return g.nested(outer, want, depth-1)
		}
		n, _ := g.shape(outer, want, min(depth-1, 1))
		return n
	}
	op := func() string {
		return pick(g.r, []string{"union", "union all", "intersect", "except", "intersect all", "except all"})
	}
	if g.chance(30) {
		return piece("(¤) "+op()+" (¤) "+op()+" (¤)", arm(), arm(), arm()).of(aQuery)
	}
	return piece("(¤) "+op()+" (¤)", arm(), arm()).of(aQuery)
}

// merged joins on columns of the same name.
func (g *generator) merged(outer *scope, want []datum.OID, depth int) *node {
	a, b := g.name("t"), g.name("t")
	left, _ := g.shape(outer, []datum.OID{datum.Text, datum.Int4}, depth-1)
	right, _ := g.shape(outer, []datum.OID{datum.Text, datum.Int4}, depth-1)
	s := &scope{outer: outer, columns: []column{{a + ".y", datum.Int4}, {b + ".z", datum.Int4}, {"x", datum.Text}}}
	names, kind := "(x, z)", pick(g.r, []string{"", "left ", "right ", "full "})
	join := kind + "join ¤ using (x)"
	switch g.r.IntN(3) {
	case 0:
		join = "natural " + kind + "join ¤"
	case 1:
		join, names = kind+"join ¤ using (x, y)", "(x, y)"
		s.columns = []column{{"x", datum.Text}, {"y", datum.Int4}, {a + ".x", datum.Text}, {b + ".y", datum.Int4}}
	}
	from := piece("(¤) "+a+" (x, y) "+join, left, piece("(¤) "+b+" "+names, right)).of(aTable)
	s.from = from
	return piece("select ¤ from ¤¤", g.outputs(s, want, 2), from, g.calmWhere(s, 0)).of(aQuery)
}
