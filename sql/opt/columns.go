package opt

import (
	"cmp"
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// pruneColumns reads only what is used. Each node says what it wants of its input, gets an input that gives at least that,
// and is told where to find it.
func pruneColumns(r *run, n plan.Node) (plan.Node, error) {
	p := &pruner{}
	return p.exact(n), nil
}

type pruner struct{}

// wants is a set; found says where each of them stands in a node's columns.
type (
	wants map[want]bool
	found map[want]int
)

func column(i int) want { return want{col: i} }

// allOf wants the first n columns.
func allOf(n int) wants {
	w := wants{}
	for i := range n {
		w[column(i)] = true
	}
	return w
}

// add collects what an expression wants of the input.
func (w wants) add(e expr.Expr, in plan.Node) {
	if e == nil {
		return
	}
	if x, _, ok := castWant(e, in); ok {
		w[x] = true
		return
	}
	if x, ok := pathWant(e, in); ok {
		w[x] = true
		return
	}
	switch x := e.(type) {
	case *expr.Col:
		w[column(x.Index)] = true
	case *expr.Subquery:
		if sub, ok := x.Plan.(plan.Node); ok {
			for i := range plan.OuterUses(sub, 1) {
				w[column(i)] = true
			}
		}
	}
	for _, c := range e.Children() {
		w.add(c, in)
	}
}

func (w wants) addAll(list []expr.Expr, in plan.Node) {
	for _, e := range list {
		w.add(e, in)
	}
}

func (w wants) addKeys(keys []plan.SortKey, in plan.Node) {
	for _, k := range keys {
		w.add(k.Expr, in)
	}
}

// rewrite puts an expression over the pruned input. in is the input as it was.
func (f found) rewrite(e expr.Expr, in plan.Node) expr.Expr {
	if e == nil {
		return nil
	}
	if w, c, ok := castWant(e, in); ok {
		n := *c
		n.Arg = &expr.Col{Index: f[w], Typ: w.typeOf(), Name: w.name(in.Schema()[w.col].Name)}
		return &n
	}
	if w, ok := pathWant(e, in); ok {
		return &expr.Col{Index: f[w], Typ: w.typeOf(), Name: w.name(in.Schema()[w.col].Name)}
	}
	switch x := e.(type) {
	case *expr.Col:
		to := f[column(x.Index)]
		if to == x.Index {
			return x
		}
		n := *x
		n.Index = to
		return &n
	case *expr.Subquery:
		return f.subquery(x, in)
	}
	old := e.Children()
	out := make([]expr.Expr, len(old))
	changed := false
	for i, c := range old {
		out[i] = f.rewrite(c, in)
		changed = changed || out[i] != c
	}
	if !changed {
		return e
	}
	return e.WithChildren(out)
}

func (f found) subquery(x *expr.Subquery, in plan.Node) expr.Expr {
	n := *x
	n.Test = f.rewrite(x.Test, in)
	if sub, ok := x.Plan.(plan.Node); ok {
		n.Plan = f.outer(sub)
	}
	if n.Plan == x.Plan && n.Test == x.Test {
		return x
	}
	return &n
}

// outer moves the references to the row outside a plan.
func (f found) outer(n plan.Node) plan.Node {
	return plan.MapOuter(n, func(o *expr.Outer, depth int) expr.Expr {
		if o.Level != depth+1 || f[column(o.Index)] == o.Index {
			return o
		}
		c := *o
		c.Index = f[column(o.Index)]
		return &c
	})
}

// exact prunes inside a node whose columns must all stay as they are.
func (p *pruner) exact(n plan.Node) plan.Node {
	fields := n.Schema()
	out, at := p.node(n, allOf(len(fields)))
	same := plan.Width(out) == len(fields)
	for i := range fields {
		same = same && at[column(i)] == i
	}
	if same {
		return out
	}
	proj := &plan.Project{Input: out, Fields: fields}
	for i, f := range fields {
		proj.Exprs = append(proj.Exprs, &expr.Col{Index: at[column(i)], Typ: f.Type, Name: f.Name})
	}
	return proj
}

// node returns a node that gives what is wanted, and where. Columns keep their order; paths come after them.
func (p *pruner) node(n plan.Node, need wants) (plan.Node, found) {
	switch n := n.(type) {
	case *plan.Scan:
		return p.scan(n, need)
	case *plan.Project:
		return p.project(n, need)
	case *plan.Aggregate:
		return p.aggregate(n, need)
	case *plan.Window:
		return p.window(n, need)
	case *plan.Join:
		return p.join(n, need)
	case *plan.Values:
		return p.values(n, need)
	case *plan.Filter, *plan.Sort, *plan.Limit:
		return p.passing(n, need)
	case *plan.Distinct:
		if len(n.On) > 0 {
			return p.passing(n, need)
		}
	case *plan.SetOp:
		return p.setOp(n, need)
	case *plan.With:
		c := *n
		c.Def = p.exact(n.Def)
		if n.Rec != nil {
			c.Rec = p.exact(n.Rec)
		}
		var at found
		c.Body, at = p.node(n.Body, need)
		return &c, at
	}
	in := n.Children()
	out := make([]plan.Node, len(in))
	for i, c := range in {
		out[i] = p.exact(c)
	}
	if len(in) > 0 {
		n = n.WithChildren(out)
	}
	return n, identity(plan.Width(n))
}

func identity(n int) found {
	f := found{}
	for i := range n {
		f[column(i)] = i
	}
	return f
}

// paths reports whether any path is wanted.
func (w wants) paths() bool {
	for x := range w {
		if x.path != "" {
			return true
		}
	}
	return false
}

// sorted lists columns in order, then paths.
func (w wants) sorted() []want {
	out := make([]want, 0, len(w))
	for x := range w {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b want) int {
		if (a.path == "") != (b.path == "") {
			if a.path == "" {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.col, b.col), cmp.Compare(a.path, b.path), cmp.Compare(a.as, b.as))
	})
	return out
}

func (p *pruner) scan(n *plan.Scan, need wants) (plan.Node, found) {
	all := wants{}
	for w := range need {
		all[w] = true
	}
	all.add(n.Filter, n)
	c := *n
	c.Cols = nil
	at := found{}
	for _, w := range all.sorted() {
		at[w] = len(c.Cols)
		col := n.Cols[w.col]
		if w.path != "" {
			name := n.Relation.Columns[col.Column].Name
			col = plan.ScanCol{Column: col.Column, Path: w.keys(), As: w.as, Field: plan.Field{Name: w.name(name), Type: w.typeOf()}}
		}
		c.Cols = append(c.Cols, col)
	}
	c.Filter = at.rewrite(n.Filter, n)
	return &c, at
}

// project keeps the expressions that are wanted, and volatile ones, which may do more than give a value.
func (p *pruner) project(n *plan.Project, need wants) (plan.Node, found) {
	keep := map[int]bool{}
	below := wants{}
	for w := range need {
		if w.path == "" {
			keep[w.col] = true
			continue
		}
		c := n.Exprs[w.col].(*expr.Col) // givesPaths said so
		below[want{col: c.Index, path: w.path, as: w.as}] = true
	}
	for i, e := range n.Exprs {
		if expr.IsVolatile(e) {
			keep[i] = true
		}
		if keep[i] {
			below.add(e, n.Input)
		}
	}
	in, at := p.node(n.Input, below)
	out := &plan.Project{Input: in}
	give := found{}
	for i, e := range n.Exprs {
		if keep[i] {
			give[column(i)] = len(out.Exprs)
			out.Exprs, out.Fields = append(out.Exprs, at.rewrite(e, n.Input)), append(out.Fields, n.Fields[i])
		}
	}
	for _, w := range need.sorted() {
		if w.path == "" {
			continue
		}
		c := n.Exprs[w.col].(*expr.Col)
		name, t := w.name(n.Fields[w.col].Name), w.typeOf()
		give[w] = len(out.Exprs)
		out.Exprs = append(out.Exprs, &expr.Col{Index: at[want{col: c.Index, path: w.path, as: w.as}], Typ: t, Name: name})
		out.Fields = append(out.Fields, plan.Field{Name: name, Type: t})
	}
	return out, give
}

// aggregate keeps the keys, which make the groups, and the calls that are wanted or whose arguments are volatile.
func (p *pruner) aggregate(n *plan.Aggregate, need wants) (plan.Node, found) {
	below := wants{}
	below.addAll(n.Keys, n.Input)
	nk := len(n.Keys)
	var keep []int
	for i, c := range n.Calls {
		if !need[column(nk+i)] && !slices.ContainsFunc(c.Args, expr.IsVolatile) {
			continue
		}
		keep = append(keep, i)
		below.addAll(c.Args, n.Input)
		below.add(c.Filter, n.Input)
		below.addKeys(c.Order, n.Input)
	}
	members := need.memberCalls(n)
	for _, c := range members.calls {
		below.addAll(c.Exprs(), n.Input)
	}
	in, at := p.node(n.Input, below)
	c := *n
	c.Calls, c.Fields = nil, append([]plan.Field(nil), n.Fields[:nk]...)
	give := identity(nk)
	for _, i := range keep {
		give[column(nk+i)] = len(c.Fields)
		c.Calls, c.Fields = append(c.Calls, n.Calls[i]), append(c.Fields, n.Fields[nk+i])
	}
	if n.Sets != nil {
		last := len(n.Fields) - 1
		give[column(last)] = len(c.Fields)
		c.Fields = append(c.Fields, n.Fields[last])
	}
	for i, call := range members.calls {
		c.Calls, c.Fields = append(c.Calls, call), append(c.Fields, plan.Field{Name: members.keys[i].key, Type: call.Typ})
	}
	out := over(plan.MapExprs(&c, func(e expr.Expr) expr.Expr { return at.rewrite(e, n.Input) }), in)
	if !need.paths() {
		return out, give
	}
	return overMembers(out.(*plan.Aggregate), need, give, members)
}

// passing is a node that gives its input's columns.
func (p *pruner) passing(n plan.Node, need wants) (plan.Node, found) {
	old := n.Children()[0]
	all := wants{}
	for w := range need {
		all[w] = true
	}
	switch n := n.(type) {
	case *plan.Filter:
		all.add(n.Cond, old)
	case *plan.Sort:
		all.addKeys(n.Keys, old)
	case *plan.Limit:
		all.addKeys(n.Ties, old)
	case *plan.Distinct:
		all.addAll(n.On, old)
		all.addKeys(n.Order, old)
	}
	in, at := p.node(old, all)
	n = plan.MapExprs(n, func(e expr.Expr) expr.Expr { return at.rewrite(e, old) })
	return over(n, in), at
}

func (p *pruner) values(n *plan.Values, need wants) (plan.Node, found) {
	if len(need) == len(n.Fields) || slices.ContainsFunc(n.Rows, func(r []expr.Expr) bool { return slices.ContainsFunc(r, expr.IsVolatile) }) {
		return n, identity(len(n.Fields))
	}
	c := &plan.Values{Rows: make([][]expr.Expr, len(n.Rows))}
	at := found{}
	for _, w := range need.sorted() {
		at[w] = len(c.Fields)
		c.Fields = append(c.Fields, n.Fields[w.col])
	}
	for i, r := range n.Rows {
		c.Rows[i] = []expr.Expr{}
		for _, w := range need.sorted() {
			c.Rows[i] = append(c.Rows[i], r[w.col])
		}
	}
	return c, at
}

// setOp prunes both sides of UNION ALL alike; the others compare whole rows.
func (p *pruner) setOp(n *plan.SetOp, need wants) (plan.Node, found) {
	c := *n
	if n.Kind != plan.Union || !n.All || len(need) == len(n.Fields) {
		c.Left, c.Right = p.exact(n.Left), p.exact(n.Right)
		return &c, identity(len(n.Fields))
	}
	list := need.sorted()
	at := found{}
	c.Fields = nil
	for i, w := range list {
		at[w] = i
		c.Fields = append(c.Fields, n.Fields[w.col])
	}
	c.Left, c.Right = p.only(n.Left, list), p.only(n.Right, list)
	return &c, at
}

// only gives exactly the listed columns.
func (p *pruner) only(n plan.Node, list []want) plan.Node {
	fields := n.Schema()
	proj := &plan.Project{Input: n}
	for _, w := range list {
		f := fields[w.col]
		proj.Exprs = append(proj.Exprs, &expr.Col{Index: w.col, Typ: f.Type, Name: f.Name})
		proj.Fields = append(proj.Fields, f)
	}
	out, _ := p.node(proj, allOf(len(list)))
	return out
}

func (p *pruner) join(n *plan.Join, need wants) (plan.Node, found) {
	nl := plan.Width(n.Left)
	if kept, ok := unread(n, need); ok {
		return p.kept(n, kept, need)
	}
	left, right := wants{}, wants{}
	split := func(w want) {
		if w.col < nl {
			left[w] = true
		} else {
			w.col -= nl
			right[w] = true
		}
	}
	both := wants{}
	for w := range need {
		both[w] = true
	}
	both.add(n.Cond, n)
	for w := range both {
		split(w)
	}
	left.addAll(n.LeftKeys, n.Left)
	right.addAll(n.RightKeys, n.Right)
	if n.Lateral {
		for i := range plan.OuterUses(n.Right, 1) {
			left[column(i)] = true
		}
	}
	c := *n
	l, lat := p.node(n.Left, left)
	r, rat := p.node(n.Right, right)
	if n.Lateral {
		r = lat.outer(r)
	}
	c.Left, c.Right = l, r
	at := found{}
	for w, i := range lat {
		at[w] = i
	}
	width := plan.Width(l)
	for w, i := range rat {
		w.col += nl
		at[w] = width + i
	}
	c.LeftKeys, c.RightKeys = rewriteAll(lat, n.LeftKeys, n.Left), rewriteAll(rat, n.RightKeys, n.Right)
	c.Cond = at.rewrite(n.Cond, condInput(n))
	return &c, at
}

// kept is one side of a join in place of the join.
func (p *pruner) kept(n *plan.Join, side plan.JoinKind, need wants) (plan.Node, found) {
	if side == plan.Left {
		return p.node(n.Left, need)
	}
	nl := plan.Width(n.Left)
	right, at := wants{}, found{}
	for w := range need {
		w.col -= nl
		right[w] = true
	}
	out, below := p.node(n.Right, right)
	for w, i := range below {
		w.col += nl
		at[w] = i
	}
	return out, at
}

// condInput is what the condition of a join is over: the joined row, also where the join gives the left one only.
func condInput(n *plan.Join) plan.Node {
	if n.Kind != plan.Semi && n.Kind != plan.Anti {
		return n
	}
	c := *n
	c.Kind = plan.Inner
	return &c
}

func rewriteAll(f found, list []expr.Expr, in plan.Node) []expr.Expr {
	if list == nil {
		return nil
	}
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		out[i] = f.rewrite(e, in)
	}
	return out
}

// wholeColumn reports whether a scan column is a column of the relation.
func wholeColumn(c plan.ScanCol) bool { return len(c.Path) == 0 && c.As == vec.AsJSON }
