package difftest

import (
	"github.com/allsource-db/allsource/sql/datum"
)

// special are the forms with a syntax of their own; nil where the type has none.
func (g *generator) special(s *scope, typ datum.OID, depth int) *node {
	of := func(t datum.OID) *node { return g.expr(s, t, depth-1) }
	switch typ {
	case datum.Bool:
		return g.predicate(s, depth)
	case datum.Numeric:
		when := pick(g.r, []datum.OID{datum.TimestampTZ, datum.Timestamp, datum.Date, datum.Interval, datum.Time})
		return piece("extract("+pick(g.r, fields)+" from ¤)", of(when))
	case datum.Text:
		return piece(pick(g.r, []string{"substring(¤ from ¤ for ¤)", "overlay(¤ placing 'xy' from ¤ for ¤)"}), of(typ), of(datum.Int4), of(datum.Int4))
	case datum.Int4:
		return piece("position(¤ in ¤)", of(datum.Text), of(datum.Text))
	case datum.Timestamp:
		return piece("(¤ at time zone '"+pick(g.r, texts["timezone"][0])+"')", of(datum.TimestampTZ))
	case datum.TimestampTZ:
		return piece("(¤ at time zone '"+pick(g.r, texts["timezone"][0])+"')", of(datum.Timestamp))
	}
	if elem := datum.ElemOf(typ); elem != 0 && typeOf(elem) != nil {
		if g.chance(50) {
			return piece("(¤)[¤:¤]", of(typ), of(datum.Int4), of(datum.Int4))
		}
		return piece("array[¤]::"+typeOf(typ).name, list(", ", []*node{of(elem), of(elem)}))
	}
	for i := range types {
		if array := types[i].oid; datum.ElemOf(array) == typ {
			return piece("(¤)[¤]", of(array), of(datum.Int4))
		}
	}
	return nil
}

// predicate is a condition with a syntax of its own.
func (g *generator) predicate(s *scope, depth int) *node {
	of := func(t datum.OID) *node { return g.expr(s, t, depth-1) }
	not := ""
	if g.chance(30) {
		not = "not "
	}
	typ := grouping(g.r)
	switch g.r.IntN(13) {
	case 0, 1:
		return piece("(¤ and ¤)", of(datum.Bool), of(datum.Bool))
	case 2, 3:
		return piece("(¤ or ¤)", of(datum.Bool), of(datum.Bool))
	case 4:
		return piece("(not ¤)", of(datum.Bool))
	case 5:
		return piece("(¤ is "+not+pick(g.r, []string{"true", "false", "unknown"})+")", of(datum.Bool))
	case 6:
		return piece("(¤ is "+not+"null)", of(pick(g.r, types).oid))
	case 7:
		return piece("(¤ is "+not+"distinct from ¤)", of(typ), of(typ))
	case 8:
		return piece("(¤ "+not+"between "+pick(g.r, []string{"", "symmetric "})+"¤ and ¤)", of(typ), of(typ), of(typ))
	case 9:
		return piece("(¤ "+not+"in (¤))", of(typ), list(", ", []*node{of(typ), of(typ), of(typ)}))
	case 10:
		return piece("(¤ "+not+pick(g.r, []string{"like", "ilike", "similar to"})+" '"+pick(g.r, likes)+"')", of(datum.Text))
	case 11:
		other := grouping(g.r)
		return piece("((¤, ¤) "+pick(g.r, []string{"=", "<", ">=", "<>", "is distinct from"})+" (¤, ¤))", of(typ), of(other), of(typ), of(other))
	}
	return g.queryPredicate(s, typ, not, depth)
}

// queryPredicate asks whether a query has a row.
func (g *generator) queryPredicate(s *scope, typ datum.OID, not string, depth int) *node {
	if depth < 2 {
		return piece("(¤ = any(¤))", g.expr(s, datum.Int4, depth-1), g.expr(s, datum.Int4Array, depth-1))
	}
	switch g.r.IntN(3) {
	case 0:
		return piece("("+not+"exists (¤))", g.query(s, []datum.OID{datum.Int4}, depth-2))
	case 1:
		return piece("(¤ "+not+"in (¤))", g.expr(s, typ, depth-1), g.query(s, []datum.OID{typ}, depth-2))
	}
	return piece("(¤ "+pick(g.r, []string{"= any", "<> all", "< any", ">= all"})+" (¤))", g.expr(s, typ, depth-1), g.query(s, []datum.OID{typ}, depth-2))
}

// scalarQuery is a query of one row: the first of an order that is total, or an aggregate.
func (g *generator) scalarQuery(s *scope, typ datum.OID, depth int) *node {
	if depth < 2 || !typeOf(typ).groups {
		return nil
	}
	inner, from := g.from(s, depth-2)
	where := clause(" where ¤", g.expr(inner, datum.Bool, depth-2))
	if calls := g.words.aggs[typ]; len(calls) > 0 && g.chance(50) {
		inner.grouped = true
		if agg := g.aggregate(inner, pick(g.r, calls)); agg != nil {
			return piece("(select ¤ from ¤¤)", agg, from, where)
		}
		inner.grouped = false
	}
	return piece("(select ¤ from ¤¤ order by 1 limit 1)", g.expr(inner, typ, depth-2), from, where)
}

// ordered are the aggregates that change with the order of the values.
func (g *generator) aggregate(s *scope, c call) *node {
	// Without the queries outside: an aggregate of their columns alone would be theirs.
	inside := &scope{columns: s.columns, from: s.from}
	distinct, order := "", word("")
	floats := false
	args := make([]*node, len(c.args))
	for i, typ := range c.args {
		if typ == datum.Float8 || typ == datum.Float4 {
			floats = true
			args[i] = g.tame(inside, typ)
			continue
		}
		args[i] = g.expr(inside, typ, 1)
	}
	first := datum.OID(0)
	if len(c.args) > 0 {
		first = c.args[0]
	}
	switch {
	case c.agg.OrderMatters:
		by := make([]*node, len(args))
		for i, arg := range args {
			by[i] = piece("(¤)::text", arg)
		}
		order = piece(" order by ¤", &node{texts: separated(len(by)), kids: by})
	case len(args) == 1 && typeOf(first).groups && g.chance(25):
		distinct = "distinct "
	case floats:
		g.inexact = true
	case (c.name == "min" || c.name == "max") && !typeOf(first).groups:
		g.byValue = true
	}
	filter := word("")
	if g.chance(25) {
		filter = clause(" filter (where ¤)", g.expr(inside, datum.Bool, 1))
	}
	if c.agg.Args == nil {
		return piece("count(*)¤", filter)
	}
	return piece(c.name+"("+distinct+"¤¤)¤", list(", ", args), order, filter)
}

// tame is a float whose sums are far from where order would decide over more than the last digits.
func (g *generator) tame(s *scope, typ datum.OID) *node {
	name := typeOf(typ).name
	if c, ok := g.column(s, datum.Int8); ok {
		return word("(" + c + " % 17 + 0.5)::" + name).of(typ)
	}
	if c, ok := g.column(s, datum.Text); ok {
		return word("length(" + c + ")::" + name).of(typ)
	}
	return word(pick(g.r, []string{"1.5", "2", "-0.25"}) + "::" + name).of(typ)
}
