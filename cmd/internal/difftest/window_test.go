package difftest

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// windowed makes a query with window functions, over rows or over groups, sometimes inside one that filters by them.
func (g *generator) windowed(outer *scope, want []datum.OID, depth int) *node {
	s, from, unique := g.calmFrom(outer, depth)
	where, group := g.calmWhere(s, depth), word("")
	if g.chance(25) {
		group = g.calmKeys(s)
		unique = texted(s.keys)
		if len(unique) > 0 {
			unique = append(unique, "grouping("+strings.Join(unique, ", ")+")")
		}
	}
	named, names := g.namedWindows(s, unique)
	out := make([]*node, len(want))
	for i, typ := range want {
		out[i] = g.windowExpr(s, typ, unique, names)
	}
	distinct := pick(g.r, []string{"", "", "", "", "distinct "})
	if g.chance(70) || depth < 1 {
		return piece("select "+distinct+"¤ from ¤¤¤¤", &node{texts: separated(len(out)), kids: out}, from, where, group, named).of(aQuery)
	}
	// The first rows of each partition.
	number := piece(pick(g.r, []string{"row_number()", "rank()", "dense_rank()", "count(*)"})+" over ("+g.partition(s)+"order by ¤)", word(strings.Join(append(g.sortKeys(s, 1), unique...), ", ")))
	alias := g.name("t")
	var columns []string
	for i := range want {
		columns = append(columns, alias+".c"+strconv.Itoa(i))
	}
	inner := piece("select ¤, ¤ from ¤¤¤¤", number, &node{texts: separated(len(out)), kids: out}, from, where, group, named).of(aQuery)
	list := "n"
	for i := range want {
		list += ", c" + strconv.Itoa(i)
	}
	return piece("select "+strings.Join(columns, ", ")+" from (¤) "+alias+" ("+list+") where "+alias+".n "+pick(g.r, []string{"<= ", "< ", "= "})+strconv.Itoa(1+g.r.IntN(4)), inner).of(aQuery)
}

// namedWindows makes a WINDOW clause, seldom; its windows have no frame, so that others may be made of them. The second is made of the first.
func (g *generator) namedWindows(s *scope, unique []string) (*node, []string) {
	if g.chance(70) {
		return word(""), nil
	}
	if g.chance(50) {
		return word(" window w1 as (" + g.partition(s) + ")"), []string{"w1"}
	}
	return word(" window w1 as (" + g.partition(s) + "), w2 as (w1 order by " + strings.Join(append(g.sortKeys(s, 1), unique...), ", ") + ")"), []string{"w1", "w2"}
}

func (g *generator) partition(s *scope) string {
	switch g.r.IntN(4) {
	case 0:
		return ""
	case 1:
		return "partition by " + g.calmExpr(s, pick(g.r, calm), 1).String() + ", " + g.calmExpr(s, datum.Bool, 1).String() + " "
	}
	return "partition by " + g.calmExpr(s, pick(g.r, calm), 1).String() + " "
}

// windowExpr is an expression of a type about a window.
func (g *generator) windowExpr(s *scope, typ datum.OID, unique, names []string) *node {
	of := func(t datum.OID) *node { return g.calmExpr(s, t, 1) }
	over, total := g.over(s, unique, names)
	filter := word("")
	if g.chance(20) {
		filter = clause(" filter (where ¤)", of(datum.Bool))
	}
	call := func(format string, kids ...*node) *node { return piece(format+over, kids...).of(typ) }
	value := func() *node {
		switch {
		case typ == datum.Bool && (!total || g.chance(40)):
			return call(pick(g.r, []string{"bool_and", "bool_or"})+"(¤)¤ over ", of(typ), filter)
		case !total:
			return call(pick(g.r, []string{"min", "max"})+"(¤)¤ over ", of(typ), filter)
		case g.chance(40):
			return call(pick(g.r, []string{"first_value", "last_value"})+"(¤) over ", of(typ))
		case g.chance(30):
			return call("nth_value(¤, ¤) over ", of(typ), word(strconv.Itoa(1+g.r.IntN(3))))
		}
		return call(pick(g.r, []string{"lag(¤) over ", "lead(¤) over ", "lag(¤, 2) over ", "lead(¤, 0) over ", "lag(¤, -1) over "}), of(typ))
	}
	switch typ {
	case datum.Int8:
		switch choice := g.r.IntN(6); {
		case choice == 0:
			return call("count(*)¤ over ", filter)
		case choice == 1:
			return call("count(¤)¤ over ", of(pick(g.r, calm)), filter)
		case choice == 2:
			return call("sum(¤)¤ over ", of(datum.Int4), filter)
		case choice == 3 && total:
			return call("row_number() over ")
		}
		return call(pick(g.r, []string{"rank() over ", "dense_rank() over "}))
	case datum.Int4:
		if total && g.chance(30) {
			return call("ntile(" + strconv.Itoa(1+g.r.IntN(4)) + ") over ")
		}
	case datum.Text:
		switch g.r.IntN(5) {
		case 0:
			return call("(avg(¤)¤ over ", of(datum.Int4), filter).wrap(")::text")
		case 1:
			return call("round((" + pick(g.r, []string{"percent_rank", "cume_dist"}) + "() over ").wrap(")::numeric, 9)::text")
		case 2:
			if total {
				return call("string_agg(¤, ',')¤ over ", of(typ), filter)
			}
		case 3:
			return call("(sum(¤)¤ over ", of(datum.Int8), filter).wrap(")::text")
		}
	case datum.Int4Array, datum.TextArray:
		if total && g.chance(60) {
			return call("array_agg(¤)¤ over ", of(datum.ElemOf(typ)), filter)
		}
		if !total {
			return call("array[max(¤) over ", of(datum.ElemOf(typ))).wrap("]")
		}
	}
	return value()
}

// wrap adds text behind.
func (n *node) wrap(text string) *node {
	n.texts[len(n.texts)-1] += text
	return n
}

// over makes what stands behind OVER, and says whether the order is total.
func (g *generator) over(s *scope, unique, names []string) (string, bool) {
	if len(names) > 0 && g.chance(60) {
		switch name := pick(g.r, names); {
		case name == "w2" && g.chance(50):
			return "w2", len(unique) > 0
		case name == "w2":
			return "(w2 " + g.frame("rows") + ")", len(unique) > 0
		}
		return "(w1 order by " + strings.Join(append(g.sortKeys(s, 1), unique...), ", ") + " " + g.frame(pick(g.r, []string{"rows", "groups", "range"})) + ")", len(unique) > 0
	}
	part := g.partition(s)
	switch choice := g.r.IntN(10); {
	case choice == 0:
		return "(" + part + ")", false
	case choice < 3:
		return "(" + part + "order by " + strings.Join(g.sortKeys(s, 1), ", ") + " " + g.frame(pick(g.r, []string{"groups", "range"})) + ")", false
	case choice < 5:
		key, step := g.rangeKey(s)
		return "(" + part + "order by " + key + pick(g.r, directions) + " range between " + g.bounds(step) + g.exclude() + ")", false
	}
	by := append(g.sortKeys(s, g.r.IntN(2)), unique...)
	if len(by) == 0 {
		return "(" + part + ")", false
	}
	return "(" + part + "order by " + strings.Join(by, ", ") + " " + g.frame(pick(g.r, []string{"rows", "groups", "range"})) + ")", len(unique) > 0
}

// rangeKey is a key of the kind that RANGE with a distance takes, and a distance.
func (g *generator) rangeKey(s *scope) (key, step string) {
	switch g.r.IntN(4) {
	case 0:
		return g.calmExpr(s, datum.TimestampTZ, 1).String(), pick(g.r, []string{"interval '1 day'", "interval '3 hours'", "interval '1 month'"})
	case 1:
		return "(" + g.calmExpr(s, datum.Date, 1).String() + ")", pick(g.r, []string{"interval '1 day'", "interval '1 month'"})
	case 2:
		return "(" + g.calmExpr(s, datum.Int4, 1).String() + ")::numeric", pick(g.r, []string{"1.5", "0", "10"})
	}
	return "(" + g.calmExpr(s, datum.Int4, 1).String() + " + 0)", pick(g.r, []string{"1", "0", "3"})
}

// frame is a frame, or none.
func (g *generator) frame(unit string) string {
	if g.chance(30) {
		return ""
	}
	if unit == "range" {
		return "range between " + pick(g.r, []string{"unbounded preceding and current row", "unbounded preceding and unbounded following", "current row and unbounded following",
			"current row and current row"}) + g.exclude()
	}
	if g.chance(15) {
		return unit + " " + pick(g.r, []string{"2 preceding", "unbounded preceding", "current row"}) + g.exclude()
	}
	return unit + " between " + g.bounds(strconv.Itoa(g.r.IntN(4))) + g.exclude()
}

func (g *generator) bounds(step string) string {
	form := pick(g.r, []string{"¤ preceding and current row", "¤ preceding and ¤ following", "current row and ¤ following", "unbounded preceding and ¤ preceding", "¤ following and unbounded following",
		"¤ preceding and unbounded following", "unbounded preceding and ¤ following", "¤ preceding and ¤ preceding", "¤ following and ¤ following"})
	return strings.ReplaceAll(form, place, step)
}

func (g *generator) exclude() string {
	return pick(g.r, []string{"", "", "", " exclude current row", " exclude group", " exclude ties", " exclude no others"})
}
