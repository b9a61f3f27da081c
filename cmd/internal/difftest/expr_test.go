package difftest

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// column is a name that an expression may use.
type column struct {
	sql string
	typ datum.OID
}

// scope is what an expression sees.
type scope struct {
	columns []column
	outer   *scope
	from    *node
	// grouped: columns may be named in aggregates only; outside, the keys may.
	grouped bool
	keys    []*node
}

// generator makes random queries; the same seed gives the same ones.
type generator struct {
	r     *rand.Rand
	words *vocabulary
	names int
	// inexact: a sum of floats depends on its order; byValue: which of several equal values is shown does.
	inexact, byValue bool
}

func (g *generator) name(prefix string) string {
	g.names++
	return prefix + strconv.Itoa(g.names)
}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

// expr makes an expression of a type.
func (g *generator) expr(s *scope, typ datum.OID, depth int) *node {
	n := g.form(s, typ, depth)
	n.typ, n.from = typ, s.from
	return n
}

func (g *generator) form(s *scope, typ datum.OID, depth int) *node {
	if depth <= 0 || g.chance(15) {
		return g.leaf(s, typ)
	}
	switch g.r.IntN(12) {
	case 0, 1:
		if n := g.special(s, typ, depth); n != nil {
			return n
		}
	case 2:
		return g.conditional(s, typ, depth)
	case 3, 4:
		if n := g.cast(s, typ, depth); n != nil {
			return n
		}
	case 5:
		if n := g.scalarQuery(s, typ, depth); n != nil {
			return n
		}
	}
	if calls := g.words.calls[typ]; len(calls) > 0 {
		return g.call(s, pick(g.r, calls), depth)
	}
	return g.leaf(s, typ)
}

// leaf is a column, a path of a document, a group's key, an aggregate or a constant.
func (g *generator) leaf(s *scope, typ datum.OID) *node {
	if s.grouped {
		return g.groupLeaf(s, typ)
	}
	if g.chance(75) {
		if c, ok := g.column(s, typ); ok {
			return word(c)
		}
		if n := g.path(s, typ); n != nil {
			return n
		}
	}
	return literal(g.r, typ)
}

func (g *generator) groupLeaf(s *scope, typ datum.OID) *node {
	if g.chance(40) {
		var fit []*node
		for _, key := range s.keys {
			if key.typ == typ {
				fit = append(fit, key)
			}
		}
		if len(fit) > 0 {
			return word(pick(g.r, fit).String())
		}
	}
	if calls := g.words.aggs[typ]; len(calls) > 0 && g.chance(80) {
		if n := g.aggregate(s, pick(g.r, calls)); n != nil {
			return n
		}
	}
	return literal(g.r, typ)
}

// column finds a column of the type, now and then one of a query outside.
func (g *generator) column(s *scope, typ datum.OID) (string, bool) {
	for at := s; at != nil; at = at.outer {
		if at != s && at.grouped {
			continue
		}
		var fit []string
		for _, c := range at.columns {
			if c.typ == typ {
				fit = append(fit, c.sql)
			}
		}
		if len(fit) > 0 && (at.outer == nil || g.chance(80)) {
			return pick(g.r, fit), true
		}
	}
	return "", false
}

// path reads a value out of a document.
func (g *generator) path(s *scope, typ datum.OID) *node {
	doc, ok := g.column(s, datum.JSONB)
	if !ok {
		return nil
	}
	m := pick(g.r, members)
	if g.chance(30) {
		doc = "(" + doc + " -> '" + pick(g.r, []string{"obj", "mix", "items", "arr", m.key}) + "')"
	}
	key := "'" + m.key + "'"
	switch typ {
	case datum.JSONB:
		return word(pick(g.r, []string{"(" + doc + " -> " + key + ")", "(" + doc + " -> " + strconv.Itoa(g.r.IntN(4)-1) + ")",
			"(" + doc + " #> '{items,0,sku}')", "(" + doc + ")['n']"}))
	case datum.Text:
		return word(pick(g.r, []string{"(" + doc + " ->> " + key + ")", "(" + doc + " ->> " + strconv.Itoa(g.r.IntN(4)-1) + ")", "(" + doc + " #>> '{obj," + m.key + "}')"}))
	case datum.Numeric, datum.Float8, datum.Int8, datum.Int4, datum.Int2, datum.Float4:
		name := typeOf(typ).name
		key = "'" + pick(g.r, []string{"n", "n", "d", "big", "mix"}) + "'"
		return word(mostly(g.r, []string{
			"(case when jsonb_typeof(" + doc + " -> 'n') = 'number' then (" + doc + " ->> 'n')::" + name + " end)",
			"(case when jsonb_typeof(" + doc + " -> 'd') = 'number' then (" + doc + " -> 'd')::" + name + " end)",
			"(" + doc + " ->> " + key + ")::" + name,
			"(" + doc + " -> " + key + ")::" + name,
			"(case when jsonb_typeof(" + doc + " -> " + key + ") = 'number' then (" + doc + " ->> " + key + ")::numeric end)::" + name,
		}))
	case datum.Bool:
		return word(mostly(g.r, []string{"(" + doc + " ? " + key + ")", "(" + doc + ` @> '{"n": 1}')`, "((" + doc + " ->> " + key + ") is null)",
			"((" + doc + " ->> 'f')::bool)", "((" + doc + " -> 'f')::bool)"}))
	case datum.Date, datum.Timestamp, datum.TimestampTZ:
		return word("(case when " + doc + " ->> 't' like '20__-%' then (" + doc + " ->> 't')::" + typeOf(typ).name + " end)")
	}
	return nil
}

// call writes a function or an operator around its arguments.
func (g *generator) call(s *scope, c call, depth int) *node {
	args := g.arguments(s, c, depth)
	if c.ret == datum.Float8 && slices.Contains(approximate, c.name) {
		g.inexact = true
	}
	switch {
	case !c.operator:
		return piece(`pg_catalog."`+c.name+`"(¤)`, list(", ", args))
	case len(args) == 1:
		return piece("("+c.name+" ¤)", args...)
	}
	return piece("(¤ "+c.name+" ¤)", args...)
}

func (g *generator) arguments(s *scope, c call, depth int) []*node {
	args := make([]*node, len(c.args))
	for i, typ := range c.args {
		number := typ == datum.Int4 || typ == datum.Int8 || typ == datum.Numeric || typ == datum.Float8
		switch choices := texts[c.name][i]; {
		case typ == datum.JSONPath:
			args[i] = word("'" + pick(g.r, jsonPaths) + "'::jsonpath")
		case choices != nil && (typ == datum.Text || typ == datum.Name) && g.chance(85):
			args[i] = word("'" + mostly(g.r, choices) + "'::text")
		case c.name == "generate_series" && !number:
			args[i] = word(constant(typeOf(typ), typeOf(typ).literals[i%2]))
		case slices.Contains(measured, c.name) && number:
			args[i] = word("'" + strconv.Itoa(g.r.IntN(9)-2) + "'::" + typeOf(typ).name)
		default:
			args[i] = g.expr(s, typ, depth-1)
		}
	}
	return args
}

// conditional chooses between values of a type.
func (g *generator) conditional(s *scope, typ datum.OID, depth int) *node {
	of := func(t datum.OID) *node { return g.expr(s, t, depth-1) }
	// Equal values that look different: which one is the greatest is left open.
	comparable := typ != datum.JSON && typeOf(typ).groups
	switch g.r.IntN(6) {
	case 0:
		return piece("coalesce(¤)", list(", ", []*node{of(typ), of(typ)}))
	case 1:
		if comparable {
			return piece("nullif(¤, ¤)", of(typ), of(typ))
		}
	case 2:
		if comparable {
			return piece(pick(g.r, []string{"greatest(¤)", "least(¤)"}), list(", ", []*node{of(typ), of(typ), of(typ)}))
		}
	case 3:
		if kind := grouping(g.r); kind != datum.Bool {
			return piece("case ¤ when ¤ then ¤ when ¤ then ¤ else ¤ end", of(kind), of(kind), of(typ), of(kind), of(typ), of(typ))
		}
	}
	return piece("case when ¤ then ¤ ¤ end", of(datum.Bool), of(typ), clause("else ¤", of(typ)))
}

// modified are casts to types with a modifier.
var modified = map[datum.OID][]string{
	datum.Numeric: {"numeric(6,2)", "numeric(3)", "numeric(20,5)"}, datum.Varchar: {"varchar(2)"}, datum.BPChar: {"char(2)", "char(5)"},
	datum.Timestamp: {"timestamp(0)", "timestamp(2)"}, datum.TimestampTZ: {"timestamptz(1)"}, datum.Time: {"time(0)"},
	datum.Interval: {"interval hour to minute", "interval(0)", "interval day"}, datum.Varbit: {"bit(3)::varbit", "varbit(2)"},
}

func (g *generator) cast(s *scope, typ datum.OID, depth int) *node {
	name := typeOf(typ).name
	if with := modified[typ]; with != nil && g.chance(25) {
		return piece("(¤::"+pick(g.r, with)+")", g.expr(s, typ, depth-1))
	}
	sources := g.words.casts[typ]
	if len(sources) == 0 {
		return nil
	}
	source := pick(g.r, sources)
	if source == datum.Text && g.chance(75) {
		return word("('" + strings.ReplaceAll(pick(g.r, typeOf(typ).literals), "'", "''") + "'::text::" + name + ")")
	}
	return piece("(¤::"+name+")", g.expr(s, source, depth-1))
}
