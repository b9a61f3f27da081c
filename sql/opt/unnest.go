package opt

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// correlation is what connects a subquery with the row around it, taken out of the subquery: the rest stands alone.
type correlation struct {
	rest  plan.Node   // of the input, in the context of the subquery still
	own   []expr.Expr // conditions on rest alone, in order
	inner []expr.Expr // over rest; inner[i] = outer[i]
	outer []expr.Expr // over the row around, as columns
	other []expr.Expr // conditions of both that are no such equalities, over rest and Outer columns
}

// correlate takes the conditions on the row around out of the filters and inner joins at the top of a subquery's input. ok
// is false where the subquery reads that row elsewhere too.
func correlate(n plan.Node) (c correlation, ok bool) {
	ok = c.collect(n)
	return c, ok && len(plan.OuterUses(c.rest, 1)) == 0
}

func (c *correlation) collect(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Filter:
		if !c.collect(n.Input) {
			return false
		}
		return c.sort(n.Cond)
	case *plan.Join:
		if n.Kind == plan.Inner && !n.Lateral && n.Cond != nil && len(n.LeftKeys) == 0 && hasOuter(n.Cond) {
			bare := *n
			bare.Kind, bare.Cond = plan.Cross, nil
			c.rest = &bare
			return c.sort(n.Cond)
		}
	}
	c.rest = n
	return true
}

// sort tells conditions apart; a volatile one must stay where it is.
func (c *correlation) sort(cond expr.Expr) bool {
	for _, x := range expr.Conjuncts(cond) {
		if expr.IsVolatile(x) {
			return false
		}
		if !hasOuter(x) {
			c.own = append(c.own, x)
			continue
		}
		if hasSubquery(x) {
			return false
		}
		if in, out, ok := outerEquality(x); ok {
			c.inner, c.outer = append(c.inner, in), append(c.outer, out)
			continue
		}
		c.other = append(c.other, x)
	}
	return true
}

// outerEquality splits inner = outer, where the one side reads only the subquery's rows and the other only the row around it.
func outerEquality(e expr.Expr) (inner, outer expr.Expr, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || c.Fn.Name != "=" || len(c.Args) != 2 {
		return nil, nil, false
	}
	inner, outer = c.Args[0], c.Args[1]
	if hasOuter(inner) {
		inner, outer = outer, inner
	}
	if hasOuter(inner) || hasCols(outer) || !hasCols(inner) || !hashAlike(inner.Type().OID, outer.Type().OID) {
		return nil, nil, false
	}
	return inner, outside(outer, nil), true
}

func hasCols(e expr.Expr) bool {
	return expr.Any(e, func(x expr.Expr) bool { _, ok := x.(*expr.Col); return ok })
}

// outside moves an expression of a subquery one row context out: what it read of the row around is columns now, and by
// puts others in the place of its own columns.
func outside(e expr.Expr, by func(*expr.Col) expr.Expr) expr.Expr {
	return expr.Transform(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *expr.Col:
			if by != nil {
				return by(x)
			}
		case *expr.Outer:
			return x.Nearer()
		}
		return x
	})
}

// grouped is a subquery's rows without their correlation, each with the key by which the rows around find it.
type grouped struct {
	in    plan.Node
	keys  []expr.Expr  // over in
	named []plan.Field // of the keys
	shift int          // where the columns of rest begin in in
	outer []expr.Expr  // over the row around: what the keys are equal to
}

// group takes the rows of all keys together. Where they may fail to be computed, only those are computed that the rows around
// ask for: errors of others are nobody's.
func (c *correlation) group(around plan.Node, careful bool) (g grouped, ok bool) {
	if len(c.inner) == 0 {
		return g, false
	}
	own := make([]expr.Expr, len(c.own))
	for i, e := range c.own {
		own[i] = plan.ShiftOuterExpr(e, -1)
		careful = careful || !expr.CannotFail(e)
	}
	keys := make([]expr.Expr, len(c.inner))
	for i, e := range c.inner {
		keys[i] = plan.ShiftOuterExpr(e, -1)
	}
	rest := plan.ShiftOuter(c.rest, -1)
	if len(c.other) > 0 {
		return c.perRow(around, rest, keys, own, careful)
	}
	g.keys, g.outer = keys, c.outer
	for _, e := range c.inner {
		g.named = append(g.named, keyField(e))
	}
	if careful && !c.asksForAll(around) {
		asked := &plan.Project{Input: around, Exprs: c.outer}
		for _, e := range c.outer {
			asked.Fields = append(asked.Fields, keyField(e))
		}
		rest = &plan.Join{Kind: plan.Semi, Left: rest, Right: asked, LeftKeys: keys, RightKeys: keyCols(asked.Fields), Guard: true}
	}
	g.in = filtered(rest, own)
	return g, true
}

// asksForAll reports whether the rows around are the same as those of the subquery, so that no key is left out.
func (c *correlation) asksForAll(around plan.Node) bool {
	a, ok1 := around.(*plan.Scan)
	b, ok2 := c.rest.(*plan.Scan)
	if !ok1 || !ok2 || a.Relation != b.Relation || a.System != b.System || a.Filter != nil || a.Limit >= 0 {
		return false
	}
	for i := range c.inner {
		in, ok1 := origin(c.inner[i], b)
		out, ok2 := origin(c.outer[i], a)
		if !ok1 || !ok2 || in != out {
			return false
		}
	}
	return true
}

// lift puts an expression of the subquery over the rows of g.
func (g *grouped) lift(e expr.Expr) expr.Expr { return plan.ShiftOuterExpr(moved(e, g.shift), -1) }

// perRow groups by what the subquery reads of the row around, for conditions that are no equalities: each distinct value of
// that is joined with the rows that belong to it.
func (c *correlation) perRow(around, rest plan.Node, keys, own []expr.Expr, careful bool) (g grouped, ok bool) {
	at := map[int]int{}
	asked := &plan.Aggregate{Input: around}
	over := func(e expr.Expr) expr.Expr { // the row around becomes its place among the keys
		return plan.MoveCols(e, func(i int) int { return at[i] })
	}
	used := map[int]bool{}
	for _, e := range c.outer {
		plan.Cols(e, used)
	}
	for _, e := range c.other {
		for i := range outerCols(e) {
			used[i] = true
		}
	}
	for i, f := range around.Schema() {
		if !used[i] {
			continue
		}
		e := col(i, f.Type, f.Name)
		if !neverNull(e, around) {
			return g, false // a join by equality would lose it
		}
		at[i] = len(asked.Keys)
		asked.Keys, asked.Fields = append(asked.Keys, e), append(asked.Fields, keyField(e))
	}
	g.shift = len(asked.Keys)
	join := &plan.Join{Kind: plan.Inner, Left: asked, Right: rest, RightKeys: keys, Guard: careful}
	for _, e := range c.outer {
		join.LeftKeys = append(join.LeftKeys, over(e))
	}
	var conds []expr.Expr
	for _, e := range c.other {
		// Columns of rest first move out of the way of those of the row around.
		width := plan.Width(around)
		e = outside(e, func(x *expr.Col) expr.Expr { return col(x.Index+width, x.Typ, x.Name) })
		conds = append(conds, plan.MoveCols(e, func(i int) int {
			if i >= width {
				return i - width + g.shift
			}
			return at[i]
		}))
	}
	join.Cond = expr.Conjoin(conds)
	for i := range own {
		own[i] = moved(own[i], g.shift)
	}
	g.in, g.keys, g.named, g.outer = filtered(join, own), keyCols(asked.Fields), asked.Fields, asked.Keys
	return g, true
}

// outerCols are the columns of the row around that an expression without subqueries reads.
func outerCols(e expr.Expr) map[int]bool {
	used := map[int]bool{}
	expr.Walk(e, func(x expr.Expr) bool {
		if o, ok := x.(*expr.Outer); ok && o.Level == 1 {
			used[o.Index] = true
		}
		return true
	})
	return used
}

func keyField(e expr.Expr) plan.Field {
	if c, ok := e.(*expr.Col); ok {
		return plan.Field{Name: c.Name, Type: c.Typ}
	}
	return plan.Field{Name: "key", Type: e.Type()}
}

// neverNull reports whether a column of a node comes straight from one of events that is never null.
func neverNull(e expr.Expr, n plan.Node) bool {
	switch x := n.(type) {
	case *plan.Scan:
		column, ok := origin(e, x)
		if !ok {
			return false
		}
		c := &x.Relation.Columns[column]
		return c.NotNull && !c.NullsLeft
	case *plan.Filter:
		return neverNull(e, x.Input)
	case *plan.Project:
		c, ok := e.(*expr.Col)
		return ok && neverNull(x.Exprs[c.Index], x.Input)
	}
	return false
}

// moved gives an expression over the right input of a join as one over the joined row.
func moved(e expr.Expr, nl int) expr.Expr {
	return plan.MoveCols(e, func(i int) int { return i + nl })
}

func col(i int, t datum.Type, name string) *expr.Col { return &expr.Col{Index: i, Typ: t, Name: name} }
