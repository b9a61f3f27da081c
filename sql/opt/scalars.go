package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// scalarSubqueries makes joins of subqueries that compute a value for each row: what is aggregated for one row is grouped
// for all of them at once, and the first row in some order becomes the first row of each group.
func scalarSubqueries(r *run, n plan.Node) (plan.Node, error) {
	return r.scalars(n, -1), nil
}

// scalars rewrites n, of which at most so many rows are asked for (-1: all).
func (r *run) scalars(n plan.Node, rows int64) plan.Node {
	n, below := r.mapAsked(n, rows, r.scalars)
	switch n.(type) {
	case *plan.Project, *plan.Filter, *plan.Aggregate:
	default:
		return n
	}
	u := &unnester{r: r, in: n.Children()[0], rows: below}
	u.width = plan.Width(u.in)
	width := u.width
	for _, e := range plan.Exprs(n) {
		u.find(e, false)
	}
	if len(u.value) == 0 {
		return n
	}
	n = plan.MapExprs(n, func(e expr.Expr) expr.Expr {
		return expr.Transform(e, func(x expr.Expr) expr.Expr {
			if v, ok := u.value[x]; ok {
				return v
			}
			return x
		})
	})
	n = over(n, u.in)
	if _, ok := n.(*plan.Filter); ok {
		return firstColumns(n, width)
	}
	return n
}

// mapAsked rewrites the inputs of n, of which at most so many rows are asked for; f is told how many of theirs are (-1: all). Of those of a sort as many
// are if an index has the order.
func (r *run) mapAsked(n plan.Node, rows int64, f func(plan.Node, int64) plan.Node) (out plan.Node, below int64) {
	below = -1
	switch x := n.(type) {
	case *plan.Limit:
		below = limitRows(x)
	case *plan.Project:
		below = rows
	case *plan.Sort:
		if rows >= 0 {
			if _, sorted := r.byIndex(x.Input, wanted{x.Keys, rows, float64(rows)}); sorted == len(x.Keys) {
				below = rows
			}
		}
	}
	return plan.MapChildren(n, func(_ int, c plan.Node) plan.Node { return f(c, below) }), below
}

// firstColumns drops the columns after the first ones.
func firstColumns(n plan.Node, width int) plan.Node {
	p := &plan.Project{Input: n, Fields: n.Schema()[:width]}
	for i, f := range p.Fields {
		p.Exprs = append(p.Exprs, col(i, f.Type, f.Name))
	}
	return p
}

// unnester joins the input of a node with what its subqueries ask for.
type unnester struct {
	r     *run
	in    plan.Node
	width int                     // columns of in
	rows  int64                   // asked for of in, -1 all
	value map[expr.Expr]expr.Expr // of each subquery that is a join now, over in
}

// find looks for subqueries that can be joined; maybe says that e is not computed for every row.
func (u *unnester) find(e expr.Expr, maybe bool) {
	if e == nil {
		return
	}
	switch x := e.(type) {
	case *expr.Subquery:
		u.try(x, maybe)
		return
	case *expr.Case, *expr.Coalesce, *expr.And, *expr.Or:
		maybe = true
	}
	for _, c := range e.Children() {
		u.find(c, maybe)
	}
}

func (u *unnester) try(s *expr.Subquery, maybe bool) {
	sub, ok := s.Plan.(plan.Node)
	if !ok || !s.Correlated || s.Not || u.value[s] != nil || hasVolatile(sub) || hasVolatile(u.in) {
		return
	}
	sub = u.r.folded(sub)
	var j *unnested
	switch s.Kind {
	case expr.Scalar:
		if j, ok = u.aggregated(sub); !ok {
			j, ok = u.first(sub, false)
		}
	case expr.Exists:
		j, ok = u.exists(sub)
	default:
		return
	}
	if !ok || maybe && j.careful || !j.worthwhile(u) {
		return
	}
	u.in = &plan.Join{Kind: plan.Left, Left: u.in, Right: u.r.again(j.right), LeftKeys: j.outer, RightKeys: j.keys}
	if u.value == nil {
		u.value = map[expr.Expr]expr.Expr{}
	}
	u.value[s] = j.values[0]
	u.width += plan.Width(j.right)
}

// folded is a plan with its constants computed: subqueries have not been through the rules yet.
func (r *run) folded(n plan.Node) plan.Node {
	if out, err := foldConstants(r, n); err == nil {
		return out
	}
	return n
}

// again applies the rules for subqueries to what was inside one.
func (r *run) again(n plan.Node) plan.Node {
	if out, err := semiJoins(r, n); err == nil {
		n = out
	}
	return r.scalars(n, -1)
}

// unnested is a subquery as the right side of a left join.
type unnested struct {
	correlation
	right   plan.Node
	keys    []expr.Expr // over right
	values  []expr.Expr // over the joined row
	having  expr.Expr   // over the same: whether there is a row at all; nil: always
	careful bool        // it may fail for rows that nobody asks about
}

// aggregated is a subquery of aggregates over all its rows.
func (u *unnester) aggregated(sub plan.Node) (*unnested, bool) {
	q, ok := aggregateOf(sub)
	if !ok {
		return nil, false
	}
	c, ok := correlate(q.agg.Input)
	if !ok {
		return nil, false
	}
	j := &unnested{correlation: c}
	empty := make([]*expr.Const, len(q.agg.Calls))
	for i := range q.agg.Calls {
		call := &q.agg.Calls[i]
		for _, e := range call.Exprs() {
			if hasOuter(e) {
				return nil, false
			}
			j.careful = j.careful || !expr.CannotFail(e)
		}
		j.careful = j.careful || !addsSafely[call.Fn.Name]
		if empty[i], ok = ofNothing(call); !ok {
			return nil, false
		}
	}
	g, ok := c.group(u.in, j.careful)
	if !ok {
		return nil, false
	}
	nk := len(g.keys)
	calls := plan.MapExprs(q.agg, g.lift).(*plan.Aggregate).Calls
	j.right = &plan.Aggregate{Input: g.in, Keys: g.keys, Calls: calls, Fields: append(g.named[:nk:nk], q.agg.Fields...)}
	j.keys, j.outer = keyCols(g.named), g.outer
	result := func(x *expr.Col) expr.Expr {
		v := col(u.width+nk+x.Index, x.Typ, x.Name)
		if empty[x.Index] == nil {
			return v
		}
		return &expr.Coalesce{Args: []expr.Expr{v, empty[x.Index]}, Typ: x.Typ}
	}
	if q.having != nil {
		j.having = outside(q.having, result)
	}
	for _, e := range q.exprs {
		j.values = append(j.values, nullUnless(j.having, outside(e, result)))
	}
	return j, true
}

// aggregateQuery is what stands over an aggregation without keys.
type aggregateQuery struct {
	agg    *plan.Aggregate
	having expr.Expr   // over the aggregation's columns; nil: none
	exprs  []expr.Expr // over the same
}

func aggregateOf(n plan.Node) (q aggregateQuery, ok bool) {
	if p, ok := n.(*plan.Project); ok {
		q.exprs, n = p.Exprs, p.Input
	}
	if f, ok := n.(*plan.Filter); ok {
		q.having, n = f.Cond, f.Input
	}
	q.agg, ok = n.(*plan.Aggregate)
	if !ok || len(q.agg.Keys) > 0 || q.agg.Sets != nil {
		return q, false
	}
	if q.exprs == nil {
		q.exprs = keyCols(q.agg.Fields)
	}
	for _, e := range append(q.exprs[:len(q.exprs):len(q.exprs)], q.having) {
		if e != nil && (hasSubquery(e) || expr.IsVolatile(e)) {
			return q, false
		}
	}
	return q, true
}

// addsSafely lists the aggregates that cannot fail over values that are there.
var addsSafely = map[string]bool{"count": true, "min": true, "max": true, "sum": true, "avg": true, "bool_and": true, "bool_or": true, "every": true}

// ofNothing is the result of an aggregate over no rows, nil for null; it is not known of ordered sets.
func ofNothing(c *plan.AggCall) (*expr.Const, bool) {
	if c.Fn.Ordered {
		return nil, false
	}
	if c.Fn.Name != "count" && c.Fn.Name != "regr_count" {
		return nil, true
	}
	b := vec.NewBuilder(vec.Int64, 1)
	b.AppendInt(0)
	return &expr.Const{Val: b.Finish(), Typ: c.Typ}, true
}

// nullUnless is a value where a condition holds, null elsewhere; a nil condition always holds.
func nullUnless(cond, v expr.Expr) expr.Expr {
	if cond == nil {
		return v
	}
	return &expr.Case{Whens: []expr.When{{Cond: cond, Then: v}}, Else: expr.NullConst(v.Type()), Typ: v.Type()}
}

// keyCols are the columns of the fields.
func keyCols(fields []plan.Field) []expr.Expr {
	out := make([]expr.Expr, len(fields))
	for i, f := range fields {
		out[i] = col(i, f.Type, f.Name)
	}
	return out
}

// first is a subquery that takes one row, the first in some order: for all at once it is the first of each key. Where it may be
// several they are numbered by key.
func (u *unnester) first(sub plan.Node, several bool) (*unnested, bool) {
	q, ok := firstOf(sub)
	if !ok || q.rows > 1 && !several {
		return nil, false
	}
	c, ok := correlate(q.input)
	if !ok {
		return nil, false
	}
	j := &unnested{correlation: c}
	list := append([]expr.Expr(nil), q.exprs...)
	for _, k := range q.order {
		list = append(list, k.Expr)
	}
	for _, e := range list {
		if hasOuter(e) || expr.HasSet(e) {
			return nil, false
		}
		j.careful = j.careful || !expr.CannotFail(e)
	}
	g, ok := c.group(u.in, j.careful)
	if !ok {
		return nil, false
	}
	nk := len(g.keys)
	p := &plan.Project{Input: g.in, Fields: append(g.named[:nk:nk], q.fields...), Exprs: g.keys[:nk:nk]}
	for _, e := range q.exprs {
		p.Exprs = append(p.Exprs, g.lift(e))
	}
	var order []plan.SortKey
	for _, k := range q.order {
		k.Expr = plan.ShiftOuterExpr(moved(k.Expr, nk), -1)
		order = append(order, k)
	}
	if j.right = numbered(p, nk, order, q.rows); q.rows == 1 {
		j.right = &plan.Distinct{Input: p, On: keyCols(g.named), AnyOrder: true, Order: order}
	}
	j.keys, j.outer = keyCols(g.named), g.outer
	for _, i := range q.give {
		j.values = append(j.values, col(u.width+nk+i, q.fields[i].Type, q.fields[i].Name))
	}
	return j, true
}

// numbered gives the first rows of each value of the first columns.
func numbered(p *plan.Project, keys int, order []plan.SortKey, most int64) plan.Node {
	fn := funcs.LookupWindow("row_number")[0]
	call := plan.WindowCall{Fn: fn, Frame: plan.DefaultFrame, Typ: datum.T(fn.Ret)}
	w := &plan.Window{Input: p, Partition: keyCols(p.Fields[:keys]), Order: order, Calls: []plan.WindowCall{call}, Run: &plan.RunCondition{Limit: int8Of(most)}}
	for i := range p.Fields {
		w.Keep = append(w.Keep, i)
	}
	w.Fields = append(p.Fields[:len(p.Fields):len(p.Fields)], plan.Field{Name: fn.Name, Type: call.Typ})
	return w
}

// firstQuery is a query that gives the first rows of its input.
type firstQuery struct {
	rows   int64
	give   []int // columns of the projection that are the answer
	order  []plan.SortKey
	exprs  []expr.Expr
	fields []plan.Field
	input  plan.Node
}

func firstOf(n plan.Node) (q firstQuery, ok bool) {
	if p, ok := n.(*plan.Project); ok {
		for _, e := range p.Exprs {
			c, ok := e.(*expr.Col)
			if !ok {
				return q, false
			}
			q.give = append(q.give, c.Index)
		}
		n = p.Input
	}
	l, ok := n.(*plan.Limit)
	if !ok || l.Offset != nil || limitRows(l) < 1 {
		return q, false
	}
	q.rows = limitRows(l)
	n = l.Input
	if s, ok := n.(*plan.Sort); ok {
		q.order, n = s.Keys, s.Input
	}
	p, ok := n.(*plan.Project)
	if !ok {
		return q, false
	}
	q.exprs, q.fields, q.input = p.Exprs, p.Fields, p.Input
	if q.give == nil {
		for i := range p.Exprs {
			q.give = append(q.give, i)
		}
	}
	return q, true
}

// exists asks whether there is a row.
func (u *unnester) exists(sub plan.Node) (*unnested, bool) {
	c, ok := correlate(withoutColumns(sub))
	if !ok {
		return nil, false
	}
	j := &unnested{correlation: c}
	for _, e := range c.own {
		j.careful = j.careful || !expr.CannotFail(e)
	}
	g, ok := c.group(u.in, j.careful)
	if !ok {
		return nil, false
	}
	j.right = &plan.Aggregate{Input: g.in, Keys: g.keys, Fields: g.named}
	j.keys, j.outer = keyCols(g.named), g.outer
	j.values = []expr.Expr{expr.Present(col(u.width, g.named[0].Type, g.named[0].Name))}
	return j, true
}

// What an entity's rows cost to find by its index, and what a run of any subquery costs, in rows of a scan.
const (
	entityCost = 20000
	runCost    = 1000
)

// worthwhile reports whether the rows around are so many that the join costs less than running the subquery for each.
func (j *unnested) worthwhile(u *unnester) bool {
	around := atMost(u.r.guess.of(u.in), u.rows)
	all := u.r.scanned(j.rest)
	if around < 0 || all < 0 {
		return true
	}
	each := all + runCost
	s, ok := j.rest.(*plan.Scan)
	if ok && s.Relation.Table != nil && u.r.hasIndexOn(s, j.inner) {
		each = pairCost + all*equalityLeaves
	}
	if ok && s.Relation.OID == catalog.EventsOID {
		for _, e := range j.inner {
			if c, ok := e.(*expr.Col); ok && s.Cols[c.Index].Column == catalog.EventEntity && wholeColumn(s.Cols[c.Index]) {
				each = entityCost
			}
		}
	}
	return around*each > all
}

// hasIndexOn reports whether an index of a table begins with one of some columns.
func (r *run) hasIndexOn(s *plan.Scan, columns []expr.Expr) bool {
	return slices.ContainsFunc(s.Relation.Table.Indexes, func(ix catalog.TableIndex) bool {
		keys, ok := r.indexKeys(s, &ix)
		return ok && ix.Kept() && slices.ContainsFunc(columns, func(e expr.Expr) bool { return sameKey(e, keys[0]) })
	})
}

// scanned is how many rows the scans of a plan read, about.
func (r *run) scanned(n plan.Node) float64 {
	sum := 0.0
	plan.Walk(n, func(n plan.Node) bool {
		if scan, ok := n.(*plan.Scan); ok {
			bare := *scan
			if bare.Index == nil {
				bare.Filter, bare.Bounds = nil, nil
			}
			rows := r.guess.of(&bare)
			if rows < 0 || sum < 0 {
				sum = -1
			} else {
				sum += rows
			}
		}
		return true
	})
	return sum
}
