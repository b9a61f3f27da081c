package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// maxSets is PostgreSQL's limit of grouping sets.
const maxSets = 4096

// grouper turns the rows of a SELECT into groups, and what was bound over the rows into what can be computed over groups.
type grouper struct {
	*frame
	s     *selection
	keys  []expr.Expr
	names []plan.Field
	sets  [][]int // nil without grouping sets
	err   error
}

// group binds GROUP BY and HAVING and, if the query groups, puts an Aggregate under the select list.
func (s *selection) group() error {
	g := &grouper{frame: s.f, s: s}
	if s.sel.GroupBy != nil {
		if err := g.groupBy(s.sel.GroupBy); err != nil {
			return err
		}
	}
	if s.sel.Having != nil {
		f := *s.f
		f.what, f.sets, f.windows = "HAVING", false, nil
		h, err := f.condition(s.sel.Having, "HAVING")
		if err != nil {
			return err
		}
		s.have = h
	}
	if s.f.aggs.used && readsItself(s.sel.From, s.f.env.ctes) {
		return s.f.errorIn(s.f.aggs.at, pgerr.InvalidRecursion, "aggregate functions are not allowed in a recursive query's recursive term")
	}
	if s.sel.GroupBy == nil && s.have == nil && !s.f.aggs.used {
		return nil
	}
	return g.build()
}

// build makes the Aggregate node and rewrites what stands above it.
func (g *grouper) build() error {
	s := g.s
	cols := make([]expr.Expr, len(s.cols))
	for i, c := range s.cols {
		cols[i] = g.rewrite(c.expr)
	}
	have := g.rewrite(s.have)
	g.windows.rewrite(g.rewrite)
	if g.err == nil {
		for _, e := range g.aggs.direct {
			g.rewrite(e)
		}
		if g.err != nil {
			g.err = pgerr.From(g.err).WithDetail("Direct arguments of an ordered-set aggregate must use only grouped columns.")
		}
	}
	if g.err != nil {
		return g.err
	}
	agg := &plan.Aggregate{Input: s.node, Keys: g.keys, Calls: g.aggs.calls, Sets: g.sets}
	agg.Fields = append(agg.Fields, g.names...)
	for _, c := range agg.Calls {
		agg.Fields = append(agg.Fields, plan.Field{Name: c.Fn.Name, Type: c.Typ})
	}
	if g.sets != nil {
		agg.Fields = append(agg.Fields, plan.Field{Name: "grouping_set", Type: datum.T(datum.Int4)})
	}
	// A key found while rewriting stands before the calls, so only now their columns are known.
	for i := range s.cols {
		s.cols[i].expr = g.located(cols[i])
	}
	g.windows.rewrite(g.located)
	s.node, s.groupKeys = agg, len(g.keys)
	if have != nil {
		s.node = &plan.Filter{Input: agg, Cond: g.located(have)}
	}
	return nil
}

// groupBy resolves the items and expands grouping sets.
func (g *grouper) groupBy(by *syntax.GroupBy) error {
	sets := [][]int{nil}
	plain := true
	for _, it := range by.Items {
		more, err := g.itemSets(it)
		if err != nil {
			return err
		}
		plain = plain && it.Kind == syntax.GroupExpr
		if len(sets)*len(more) > maxSets {
			return g.errorIn(it, pgerr.StatementTooComplex, "too many grouping sets present (maximum %d)", maxSets)
		}
		var next [][]int
		for _, a := range sets {
			for _, b := range more {
				next = append(next, union(a, b))
			}
		}
		sets = next
	}
	if plain {
		return nil
	}
	if by.Distinct {
		sets = distinctSets(sets)
	}
	for i := range sets {
		if sets[i] == nil {
			sets[i] = []int{}
		}
	}
	g.sets = sets
	return nil
}

func union(a, b []int) []int {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

func distinctSets(sets [][]int) [][]int {
	var out [][]int
	for _, s := range sets {
		sorted := slices.Sorted(slices.Values(s))
		if !slices.ContainsFunc(out, func(o []int) bool { return slices.Equal(slices.Sorted(slices.Values(o)), sorted) }) {
			out = append(out, s)
		}
	}
	return out
}

// itemSets gives the grouping sets that one item stands for.
func (g *grouper) itemSets(it *syntax.GroupItem) ([][]int, error) {
	if err := g.enter(it); err != nil {
		return nil, err
	}
	defer g.leave()
	switch it.Kind {
	case syntax.GroupEmpty:
		return [][]int{nil}, nil
	case syntax.GroupExpr:
		set, err := g.exprSet(it.Expr)
		return [][]int{set}, err
	case syntax.GroupSets:
		var out [][]int
		for _, sub := range it.Items {
			more, err := g.itemSets(sub)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	}
	var parts [][]int
	for _, sub := range it.Items {
		sets, err := g.itemSets(sub)
		if err != nil {
			return nil, err
		}
		parts = append(parts, sets[0])
	}
	if it.Kind == syntax.GroupRollup {
		var out [][]int
		for n := len(parts); n >= 0; n-- {
			var set []int
			for _, p := range parts[:n] {
				set = union(set, p)
			}
			out = append(out, set)
		}
		return out, nil
	}
	if len(parts) > 12 {
		return nil, g.errorIn(it, pgerr.TooManyColumns, "CUBE is limited to 12 elements")
	}
	var out [][]int
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		var set []int
		for i, p := range parts {
			if mask>>(len(parts)-1-i)&1 == 1 {
				set = union(set, p)
			}
		}
		out = append(out, set)
	}
	return out, nil
}

// exprSet resolves an expression of GROUP BY to its keys; (a, b) is two.
func (g *grouper) exprSet(x syntax.Expr) ([]int, error) {
	if r, ok := x.(*syntax.Row); ok && !r.Explicit {
		var out []int
		for _, el := range r.Elems {
			more, err := g.exprSet(el)
			if err != nil {
				return nil, err
			}
			out = union(out, more)
		}
		return out, nil
	}
	e, field, err := g.keyExpr(x)
	if err != nil {
		return nil, err
	}
	if err := g.hasEquality(e.Type(), x); err != nil {
		return nil, err
	}
	return []int{g.key(e, field)}, nil
}

// key gives the number of a key, adding it if it is new.
func (g *grouper) key(e expr.Expr, field plan.Field) int {
	for i, k := range g.keys {
		if expr.Equal(k, e) {
			return i
		}
	}
	g.keys, g.names = append(g.keys, e), append(g.names, field)
	return len(g.keys) - 1
}

// keyExpr binds an item: a column of the input, else an output column by name or number, else an expression.
func (g *grouper) keyExpr(x syntax.Expr) (expr.Expr, plan.Field, error) {
	f := *g.frame
	f.what, f.aggs, f.windows, f.sets = "GROUP BY", nil, nil, false
	match := true
	if c, ok := x.(*syntax.ColumnRef); ok && len(c.Name) == 1 {
		if col, _, ambiguous := g.scope.find(c.Name[0]); col != nil || ambiguous {
			match = false
		}
	}
	if match {
		i, ok, err := f.matchOutput(x, g.s.cols, "GROUP BY")
		if err != nil {
			return nil, plan.Field{}, err
		}
		if ok {
			c := g.s.cols[i]
			if err := g.noAggregate(c); err != nil {
				return nil, plan.Field{}, err
			}
			return c.expr, plan.Field{Name: c.name, Type: c.expr.Type(), Table: c.field.Table, Attr: c.field.Attr}, nil
		}
	}
	e, err := f.bind(x)
	if err == nil {
		e, err = f.settled(e, x)
	}
	if err != nil {
		return nil, plan.Field{}, err
	}
	field := plan.Field{Name: outputName(x), Type: e.Type()}
	if c, ok := e.(*expr.Col); ok {
		src := g.sourceField(c)
		field.Table, field.Attr = src.Table, src.Attr
	}
	return e, field, nil
}

func (g *grouper) noAggregate(c typedColumn) error {
	if expr.Any(c.expr, func(e expr.Expr) bool { _, ok := e.(*aggRef); return ok }) {
		return g.errorIn(c.at, pgerr.GroupingError, "aggregate functions are not allowed in GROUP BY")
	}
	if expr.Any(c.expr, func(e expr.Expr) bool { _, ok := e.(*windowCall); return ok }) {
		return g.errorIn(c.at, pgerr.WindowingError, "window functions are not allowed in GROUP BY")
	}
	if expr.HasSet(c.expr) {
		return g.errorIn(c.at, pgerr.FeatureNotSupported, "set-returning functions are not allowed in GROUP BY")
	}
	return nil
}

// keyRef stands for a key while keys may still be added.
type keyRef struct {
	index int
	typ   datum.Type
	name  string
}

func (r *keyRef) Type() datum.Type                   { return r.typ }
func (r *keyRef) Children() []expr.Expr              { return nil }
func (r *keyRef) WithChildren([]expr.Expr) expr.Expr { return r }
func (r *keyRef) String() string                     { return r.name }

// rewrite replaces what is a key by a reference to it, from the top down, and refuses columns that are left.
func (g *grouper) rewrite(e expr.Expr) expr.Expr {
	if e == nil || g.err != nil {
		return e
	}
	for i, k := range g.keys {
		if expr.Equal(k, e) {
			return &keyRef{index: i, typ: k.Type(), name: g.names[i].Name}
		}
	}
	switch x := e.(type) {
	case *expr.Col:
		return g.ungrouped(x)
	case *expr.Subquery:
		return g.rewriteSubquery(x)
	case *groupingRef:
		return g.groupingValue(x)
	}
	in := e.Children()
	out := make([]expr.Expr, len(in))
	changed := false
	for i, c := range in {
		out[i] = g.rewrite(c)
		changed = changed || out[i] != c
	}
	if !changed {
		return e
	}
	return e.WithChildren(out)
}

// ungrouped is a column that is no key: an error, unless the table's primary key is among the keys.
func (g *grouper) ungrouped(c *expr.Col) expr.Expr {
	if i, ok := g.dependent(c.Index); ok {
		return &keyRef{index: i, typ: c.Typ, name: c.Name}
	}
	at := -1
	if p, ok := g.places[c]; ok {
		at = p
	}
	g.err = g.errorAt(at, pgerr.GroupingError, "column %q must appear in the GROUP BY clause or be used in an aggregate function", g.fullName(c.Index))
	return c
}

// dependent makes a key of a column that a primary key among the keys, of all grouping sets, determines.
func (g *grouper) dependent(index int) (int, bool) {
	for _, it := range g.scope.items {
		if it.rel == nil || !it.marks(index) && !g.owns(it, index) {
			continue
		}
		for _, ix := range it.rel.Indexes {
			if !ix.Primary {
				continue
			}
			for _, pk := range ix.Columns {
				k := slices.IndexFunc(g.keys, func(k expr.Expr) bool { return expr.Equal(k, it.cols[pk].expr) })
				if k < 0 || slices.ContainsFunc(g.sets, func(set []int) bool { return !slices.Contains(set, k) }) {
					return 0, false
				}
			}
			if it.marks(index) {
				return g.key(&expr.Col{Index: index, Typ: datum.T(datum.Int4)}, plan.Field{}), true
			}
			for _, c := range it.cols {
				if col, ok := c.expr.(*expr.Col); ok && col.Index == index {
					g.defining.key(it.rel, &ix)
					k := g.key(col, c.field)
					for i := range g.sets {
						g.sets[i] = union(g.sets[i], []int{k})
					}
					return k, true
				}
			}
		}
	}
	return 0, false
}

func (g *grouper) owns(it *item, index int) bool {
	for _, c := range it.cols {
		if col, ok := c.expr.(*expr.Col); ok && col.Index == index {
			return true
		}
	}
	return false
}

// fullName is table.column, as messages name it.
func (g *grouper) fullName(index int) string {
	for _, it := range g.scope.items {
		if it.marks(index) {
			return it.name + ".*"
		}
		for _, c := range it.cols {
			if col, ok := c.expr.(*expr.Col); ok && col.Index == index {
				if it.name == "" {
					return c.name
				}
				return it.name + "." + c.name
			}
		}
	}
	return "?column?"
}

// rewriteSubquery makes a subquery's references to the row references to the group.
func (g *grouper) rewriteSubquery(x *expr.Subquery) expr.Expr {
	out := *x
	if x.Test != nil {
		out.Test = g.rewrite(x.Test)
	}
	p, ok := x.Plan.(plan.Node)
	if !ok {
		return &out
	}
	out.Plan = plan.MapOuter(p, func(o *expr.Outer, depth int) expr.Expr {
		if o.Level != depth+1 || o.Index < 0 || g.err != nil {
			return o // of what is around, or an aggregate of this query
		}
		for i, k := range g.keys {
			if c, ok := k.(*expr.Col); ok && c.Index == o.Index {
				return &expr.Outer{Level: o.Level, Index: i, Typ: o.Typ, Name: o.Name}
			}
		}
		if i, ok := g.dependent(o.Index); ok {
			return &expr.Outer{Level: o.Level, Index: i, Typ: o.Typ, Name: o.Name}
		}
		at := -1
		if p, ok := g.places[o]; ok {
			at = p
		}
		g.err = g.errorAt(at, pgerr.GroupingError, "subquery uses ungrouped column %q from outer query", g.fullName(o.Index))
		return o
	})
	return &out
}

// setNumber is the column with the number of the grouping set.
type setNumber struct{ aggRef }

func (r *setNumber) WithChildren([]expr.Expr) expr.Expr { return r }

// groupingValue computes GROUPING(args) from the number of the grouping set: a bit for each argument that is not in it.
func (g *grouper) groupingValue(x *groupingRef) expr.Expr {
	var keys []int
	for _, a := range x.args {
		i := slices.IndexFunc(g.keys, func(k expr.Expr) bool { return expr.Equal(k, a) })
		if i < 0 {
			g.err = g.errorIn(x.at, pgerr.GroupingError, "arguments to GROUPING must be grouping expressions of the associated query level")
			return x
		}
		keys = append(keys, i)
	}
	zero := intConst(0, datum.Int4)
	if g.sets == nil {
		return zero
	}
	out := &expr.Case{Else: zero, Typ: datum.T(datum.Int4)}
	number := &setNumber{aggRef{typ: datum.T(datum.Int4), name: "grouping_set"}}
	for n, set := range g.sets {
		v := 0
		for _, k := range keys {
			v <<= 1
			if !slices.Contains(set, k) {
				v |= 1
			}
		}
		eq, err := g.operator(syntax.Operator{Name: "="}, []typed{{number, x.at}, {intConst(int64(n), datum.Int4), x.at}}, x.at)
		if err != nil {
			g.err = err
			return x
		}
		out.Whens = append(out.Whens, expr.When{Cond: eq, Then: intConst(int64(v), datum.Int4)})
	}
	return out
}

// located gives the references their columns in the Aggregate node.
func (g *grouper) located(e expr.Expr) expr.Expr {
	return expr.Transform(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *keyRef:
			return &expr.Col{Index: x.index, Typ: x.typ, Name: x.name}
		case *aggRef:
			return &expr.Col{Index: len(g.keys) + x.index, Typ: x.typ, Name: x.name}
		case *setNumber:
			return &expr.Col{Index: len(g.keys) + len(g.aggs.calls), Typ: x.typ, Name: x.name}
		case *expr.Subquery:
			return g.locatedInside(x)
		}
		return x
	})
}

// locatedInside does so for the aggregates of this query that a subquery asks for.
func (g *grouper) locatedInside(x *expr.Subquery) expr.Expr {
	p, ok := x.Plan.(plan.Node)
	if !ok {
		return x
	}
	out := *x
	out.Plan = plan.MapOuter(p, func(o *expr.Outer, depth int) expr.Expr {
		if o.Level != depth+1 || o.Index >= 0 {
			return o
		}
		c := *o
		c.Index = len(g.keys) + outerAggregate(o.Index)
		return &c
	})
	return &out
}
