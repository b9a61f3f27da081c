package opt

import (
	"math/bits"
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// How many inputs of inner joins are put in order: of up to mostRelations every order is looked at, which is three times the work
// with each more; of up to mostJoined the next join is always the one that makes the fewest rows.
const (
	mostRelations = 9
	mostJoined    = 64
)

// worthReordering is how much less another order must be expected to cost: estimates are not better than that.
const worthReordering = 0.7

// joinOrder finds the order of inner joins that is expected to make the fewest rows in between.
func joinOrder(r *run, n plan.Node) (plan.Node, error) { return r.ordered(n), nil }

func (r *run) ordered(n plan.Node) plan.Node {
	if j, ok := n.(*plan.Join); ok && reorderable(j) {
		g := &joinGraph{r: r}
		g.flatten(n)
		if len(g.inputs) > 2 && len(g.inputs) <= mostJoined {
			if out := g.best(n); out != nil {
				return out
			}
		}
	}
	return plan.MapChildren(n, func(_ int, c plan.Node) plan.Node { return r.ordered(c) })
}

func reorderable(j *plan.Join) bool {
	return (j.Kind == plan.Inner || j.Kind == plan.Cross) && !j.Lateral && !j.Guard && len(j.LeftKeys) == 0 && (j.Cond == nil || !expr.IsVolatile(j.Cond))
}

// set is some inputs of a graph.
type set uint64

// joinGraph is a tree of inner joins taken apart. Its columns are those of the inputs one after the other.
type joinGraph struct {
	r      *run
	inputs []plan.Node
	first  []int // column of each input
	width  int
	conds  []joinCond
	found  map[set]*joinTree
}

// joinCond is a condition, the inputs that it is about, and the share of their pairs that it leaves.
type joinCond struct {
	e      expr.Expr
	about  set
	leaves float64
	equal  bool // an equality of two inputs: a hash join does it
	class  int  // of columns that are all equal, from 1; 0: none
}

// joinTree is the best plan for a set of inputs.
type joinTree struct {
	rows, cost  float64
	left, right set
	joined      bool // there is a condition on both sides
}

// flatten takes a tree apart, from left to right.
func (g *joinGraph) flatten(n plan.Node) {
	j, ok := n.(*plan.Join)
	if !ok || !reorderable(j) {
		g.inputs, g.first = append(g.inputs, g.r.ordered(n)), append(g.first, g.width)
		g.width += plan.Width(n)
		return
	}
	base := g.width
	g.flatten(j.Left)
	g.flatten(j.Right)
	for _, c := range expr.Conjuncts(j.Cond) {
		g.conds = append(g.conds, joinCond{e: moved(c, base)})
	}
}

// best returns the tree in the best order, nil if that is not much better than the present one.
func (g *joinGraph) best(n plan.Node) plan.Node {
	g.derive()
	for i := range g.conds {
		g.weigh(&g.conds[i])
	}
	all := set(1)<<len(g.inputs) - 1
	g.found = map[set]*joinTree{}
	for i, in := range g.inputs {
		rows := g.r.guess.of(in)
		if rows < 0 {
			return nil
		}
		g.found[1<<i] = &joinTree{rows: max(1, rows)}
	}
	now := g.written(n)
	if len(g.inputs) <= mostRelations {
		g.searched(all)
	} else {
		g.grown()
	}
	if g.found[all].cost > worthReordering*now {
		return nil
	}
	out, at := g.build(all)
	p := &plan.Project{Input: out, Fields: n.Schema()}
	for i, f := range p.Fields {
		p.Exprs = append(p.Exprs, col(slices.Index(at, i), f.Type, f.Name))
	}
	return p
}

// derive adds the equalities that follow from others, so that each pair of equal columns can be joined.
func (g *joinGraph) derive() {
	class := map[int]int{} // of a column
	members := map[int][]*expr.Col{}
	eq := map[int]*expr.Call{}
	for i := range g.conds {
		c := &g.conds[i]
		call, a, b, ok := columnsEqual(c.e)
		if !ok || g.inputOf(a.Index) == g.inputOf(b.Index) {
			continue
		}
		ca, cb := class[a.Index], class[b.Index]
		switch {
		case ca == 0 && cb == 0:
			ca = len(eq) + 1
			eq[ca], members[ca] = call, []*expr.Col{a, b}
		case ca == 0:
			ca = cb
			members[ca] = append(members[ca], a)
		case cb == 0:
			members[ca] = append(members[ca], b)
		case ca != cb:
			for _, m := range members[cb] {
				class[m.Index] = ca
			}
			members[ca] = append(members[ca], members[cb]...)
			members[cb] = nil
		}
		class[a.Index], class[b.Index] = ca, ca
	}
	have := map[[2]int]bool{}
	for i := range g.conds {
		if _, a, b, ok := columnsEqual(g.conds[i].e); ok && class[a.Index] > 0 && class[a.Index] == class[b.Index] {
			g.conds[i].class = class[a.Index]
			have[[2]int{a.Index, b.Index}], have[[2]int{b.Index, a.Index}] = true, true
		}
	}
	for k := 1; k <= len(eq); k++ {
		for i, a := range members[k] {
			for _, b := range members[k][:i] {
				if !have[[2]int{a.Index, b.Index}] && g.inputOf(a.Index) != g.inputOf(b.Index) {
					call := *eq[k]
					call.Args = []expr.Expr{b, a}
					g.conds = append(g.conds, joinCond{e: &call, class: k})
				}
			}
		}
	}
}

// columnsEqual recognises the equality of two columns of one type.
func columnsEqual(e expr.Expr) (c *expr.Call, a, b *expr.Col, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || c.Fn.Name != "=" || len(c.Args) != 2 {
		return nil, nil, nil, false
	}
	a, ok1 := c.Args[0].(*expr.Col)
	b, ok2 := c.Args[1].(*expr.Col)
	return c, a, b, ok1 && ok2 && a.Typ == b.Typ && a.Index != b.Index && hashAlike(a.Typ.OID, b.Typ.OID)
}

// inputOf is the input that has a column.
func (g *joinGraph) inputOf(column int) int {
	i, ok := slices.BinarySearch(g.first, column)
	if !ok {
		i--
	}
	for i+1 < len(g.first) && g.first[i+1] == g.first[i] {
		i++ // inputs without columns
	}
	return i
}

func (g *joinGraph) about(e expr.Expr) set {
	used := map[int]bool{}
	plan.Cols(e, used)
	s := set(0)
	for c := range used {
		s |= 1 << g.inputOf(c)
	}
	return s
}

// weigh fills in what a condition is about and what it leaves.
func (g *joinGraph) weigh(c *joinCond) {
	c.about, c.leaves = g.about(c.e), otherLeaves
	call, ok := c.e.(*expr.Call)
	if !ok || call.Fn.Name != "=" || len(call.Args) != 2 {
		return
	}
	l, r := g.about(call.Args[0]), g.about(call.Args[1])
	if bits.OnesCount64(uint64(l)) != 1 || bits.OnesCount64(uint64(r)) != 1 || l == r {
		return
	}
	c.equal = hashAlike(call.Args[0].Type().OID, call.Args[1].Type().OID)
	c.leaves = 1 / max(g.distinct(call.Args[0], l), g.distinct(call.Args[1], r))
}

func (g *joinGraph) distinct(e expr.Expr, of set) float64 {
	i := bits.TrailingZeros64(uint64(of))
	e = plan.MoveCols(e, func(c int) int { return c - g.first[i] })
	return g.r.guess.distinct(e, g.inputs[i])
}

// join is the tree of two sets.
func (g *joinGraph) join(l, r set) *joinTree {
	a, b := g.found[l], g.found[r]
	rows, hashed, joined := a.rows*b.rows, false, false
	classes := map[int]float64{}
	for _, c := range g.conds {
		if c.about&^(l|r) != 0 || c.about&^l == 0 || c.about&^r == 0 {
			continue
		}
		hashed, joined = hashed || c.equal, true
		if c.class == 0 {
			rows *= c.leaves
		} else if least, ok := classes[c.class]; !ok || c.leaves < least {
			classes[c.class] = c.leaves
		}
	}
	for _, leaves := range classes {
		rows *= leaves
	}
	rows = max(1, rows)
	cost := a.cost + b.cost + rows
	if hashed {
		cost += a.rows + b.rows + min(a.rows, b.rows) // the smaller one is held
	} else {
		cost += a.rows * b.rows
	}
	return &joinTree{rows: rows, cost: cost, left: l, right: r, joined: joined}
}

// searched finds the best tree of every set of inputs.
func (g *joinGraph) searched(all set) {
	for size := 2; size <= len(g.inputs); size++ {
		for s := set(1); s <= all; s++ {
			if bits.OnesCount64(uint64(s)) == size {
				g.split(s)
			}
		}
	}
}

// grown finds one good tree: of all trees that there are yet, beginning with the inputs, those two are joined that make the fewest
// rows, and none without a condition while there are others.
func (g *joinGraph) grown() {
	var trees []set
	for i := range g.inputs {
		trees = append(trees, 1<<i)
	}
	joins := map[set]*joinTree{} // of every two trees
	for _, l := range trees {
		for _, r := range trees {
			if l > r {
				joins[l|r] = g.join(l, r)
			}
		}
	}
	for len(trees) > 1 {
		var next *joinTree
		for i, l := range trees {
			for _, r := range trees[:i] {
				if t := joins[l|r]; next == nil || t.before(next) {
					next = t
				}
			}
		}
		made := next.left | next.right
		g.found[made] = next
		trees = slices.DeleteFunc(trees, func(s set) bool { return s&made != 0 })
		for _, s := range trees {
			joins[made|s] = g.join(made, s)
		}
		trees = append(trees, made)
	}
}

// before reports whether a join is to be made before another.
func (t *joinTree) before(o *joinTree) bool {
	if t.joined != o.joined {
		return t.joined
	}
	return t.rows < o.rows || t.rows == o.rows && t.cost < o.cost
}

// split finds the best two parts of a set.
func (g *joinGraph) split(s set) {
	for l := (s - 1) & s; l > 0; l = (l - 1) & s {
		r := s &^ l
		if l < r {
			continue // the other way round
		}
		t := g.join(l, r)
		if best := g.found[s]; best == nil || t.cost < best.cost {
			g.found[s] = t
		}
	}
}

// written is the cost of the order in which the tree was written.
func (g *joinGraph) written(n plan.Node) float64 {
	cost, at := 0.0, 0
	var walk func(n plan.Node) (set, *joinTree)
	walk = func(n plan.Node) (set, *joinTree) {
		j, ok := n.(*plan.Join)
		if !ok || !reorderable(j) {
			at++
			return 1 << (at - 1), g.found[1<<(at-1)]
		}
		l, _ := walk(j.Left)
		r, _ := walk(j.Right)
		t := g.join(l, r)
		g.found[l|r] = t
		cost = t.cost
		return l | r, t
	}
	walk(n)
	for s := range g.found {
		if bits.OnesCount64(uint64(s)) > 1 {
			delete(g.found, s)
		}
	}
	return cost
}

// build makes the plan of a set; at lists which column of the graph each of its columns is.
func (g *joinGraph) build(s set) (n plan.Node, at []int) {
	t := g.found[s]
	if t.left == 0 {
		i := bits.TrailingZeros64(uint64(s))
		n = g.inputs[i]
		for k := range n.Schema() {
			at = append(at, g.first[i]+k)
		}
		return n, at
	}
	left, la := g.build(t.left)
	right, ra := g.build(t.right)
	at = append(la[:len(la):len(la)], ra...)
	var conds []expr.Expr
	classes := map[int]bool{}
	below := func(c joinCond, part set) bool { return c.about&^part == 0 && bits.OnesCount64(uint64(part)) > 1 }
	for _, c := range g.conds {
		// A condition about one input, or none, goes with the first join that has it; of a class one equality says all, since
		// the members on either side are equal already.
		if c.about&^s != 0 || below(c, t.left) || below(c, t.right) || classes[c.class] {
			continue
		}
		if c.class > 0 {
			classes[c.class] = true
		}
		conds = append(conds, plan.MoveCols(c.e, func(i int) int { return slices.Index(at, i) }))
	}
	j := &plan.Join{Kind: plan.Inner, Left: left, Right: right, Cond: expr.Conjoin(conds)}
	if j.Cond == nil {
		j.Kind = plan.Cross
	}
	return j, at
}
