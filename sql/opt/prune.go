package opt

import (
	"maps"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// need is what a node's parent reads of it: columns, and paths inside columns that are JSON documents of a scan.
type need struct {
	cols  map[int]bool
	reads map[string]access
}

func newNeed() *need { return &need{cols: map[int]bool{}, reads: map[string]access{}} }

func everything(n plan.Node) *need {
	out := newNeed()
	for i := range n.Schema() {
		out.cols[i] = true
	}
	return out
}

// placed says where a pruned node has what was asked of it.
type placed struct {
	cols  map[int]int
	reads map[string]int
}

func identity(n plan.Node) placed {
	p := placed{cols: map[int]int{}, reads: map[string]int{}}
	for i := range n.Schema() {
		p.cols[i] = i
	}
	return p
}

// pruneColumns leaves out columns that nobody reads, and makes scans read JSON paths instead of whole documents.
func pruneColumns(n plan.Node, _ Options) (plan.Node, error) { return exact(n), nil }

// exact prunes below n and keeps n's columns as they are.
func exact(n plan.Node) plan.Node {
	fields := n.Schema()
	out, at := prune(n, everything(n))
	same := len(out.Schema()) == len(fields)
	for i := range fields {
		same = same && at.cols[i] == i
	}
	if same {
		return out
	}
	p := &plan.Project{Input: out, Fields: fields}
	for i, f := range fields {
		p.Exprs = append(p.Exprs, &expr.Col{Index: at.cols[i], Typ: f.Type, Name: f.Name})
	}
	return p
}

// ask adds what e reads of a node to the need.
func (nd *need) ask(of plan.Node, e expr.Expr) {
	if e == nil {
		return
	}
	rest := eachAccess(e, func(a access) expr.Expr {
		if !readable(of, a.col) {
			return nil
		}
		nd.reads[a.key()] = a
		return &expr.Const{Typ: a.typ}
	})
	plan.Cols(rest, nd.cols)
}

// tell rewrites e to the places in which the pruned node has what e reads.
func (p placed) tell(e expr.Expr) expr.Expr {
	if e == nil {
		return nil
	}
	// Path reads become columns with negative numbers first, so that moving the others does not touch them.
	out := eachAccess(e, func(a access) expr.Expr {
		i, ok := p.reads[a.key()]
		if !ok {
			return nil
		}
		return &expr.Col{Index: -1 - i, Typ: a.typ, Name: a.path[len(a.path)-1]}
	})
	return plan.MoveCols(out, func(i int) int {
		if i < 0 {
			return -1 - i
		}
		return p.cols[i]
	})
}

// readable reports whether column col of n is a whole document of a stored relation, handed on unchanged.
func readable(n plan.Node, col int) bool {
	switch n := n.(type) {
	case *plan.Scan:
		c := n.Cols[col]
		return n.Relation.Stored() && c.Path == nil && c.Field.Type.OID == datum.JSONB
	case *plan.Filter:
		return readable(n.Input, col)
	case *plan.Sort:
		return readable(n.Input, col)
	case *plan.Limit:
		return readable(n.Input, col)
	case *plan.Project:
		c, ok := n.Exprs[col].(*expr.Col)
		return ok && readable(n.Input, c.Index)
	case *plan.Join:
		if w := len(n.Left.Schema()); col >= w {
			return readable(n.Right, col-w)
		}
		return readable(n.Left, col)
	}
	return false
}

// prune returns n with only what is needed of it, and where that is.
func prune(n plan.Node, nd *need) (plan.Node, placed) {
	switch n := n.(type) {
	case *plan.Scan:
		return pruneScan(n, nd)
	case *plan.Project:
		return pruneProject(n, nd)
	case *plan.Aggregate:
		return pruneAggregate(n, nd)
	case *plan.Join:
		return pruneJoin(n, nd)
	case *plan.Filter, *plan.Sort, *plan.Limit:
		return pruneThrough(n, nd)
	case *plan.Distinct:
		if n.On != nil {
			return pruneThrough(n, nd)
		}
	}
	in := n.Children()
	if len(in) == 0 {
		return n, identity(n)
	}
	out := make([]plan.Node, len(in))
	for i, c := range in {
		out[i] = exact(c)
	}
	n = n.WithChildren(out)
	return n, identity(n)
}

// pruneThrough is for nodes that hand their input's columns on.
func pruneThrough(n plan.Node, nd *need) (plan.Node, placed) {
	in := n.Children()[0]
	want := &need{cols: maps.Clone(nd.cols), reads: maps.Clone(nd.reads)}
	for _, e := range plan.Exprs(n) {
		want.ask(in, e)
	}
	child, at := prune(in, want)
	return plan.MapExprs(n.WithChildren([]plan.Node{child}), at.tell), at
}

func pruneScan(n *plan.Scan, nd *need) (plan.Node, placed) {
	want := &need{cols: maps.Clone(nd.cols), reads: maps.Clone(nd.reads)}
	want.ask(n, n.Filter)
	out := *n
	out.Cols = nil
	at := placed{cols: map[int]int{}, reads: map[string]int{}}
	for i, c := range n.Cols {
		if want.cols[i] {
			at.cols[i] = len(out.Cols)
			out.Cols = append(out.Cols, c)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want.reads)) {
		a := want.reads[k]
		at.reads[k] = len(out.Cols)
		out.Cols = append(out.Cols, plan.ScanCol{Column: n.Cols[a.col].Column, Path: a.path, As: a.as,
			Field: plan.Field{Name: a.path[len(a.path)-1], Type: a.typ}})
	}
	out.Filter = at.tell(n.Filter)
	return &out, at
}

func pruneProject(n *plan.Project, nd *need) (plan.Node, placed) {
	keep := make([]bool, len(n.Exprs))
	for i, e := range n.Exprs {
		keep[i] = nd.cols[i] || expr.HasSet(e) || expr.IsVolatile(e)
	}
	want := newNeed()
	for i, e := range n.Exprs {
		if keep[i] {
			want.ask(n.Input, e)
		}
	}
	inner := map[string]access{} // by the parent's key
	for k, a := range nd.reads {
		below := a
		below.col = n.Exprs[a.col].(*expr.Col).Index
		inner[k] = below
		want.reads[below.key()] = below
	}
	child, from := prune(n.Input, want)
	out := &plan.Project{Input: child}
	at := placed{cols: map[int]int{}, reads: map[string]int{}}
	for i, e := range n.Exprs {
		if keep[i] {
			at.cols[i] = len(out.Exprs)
			out.Exprs, out.Fields = append(out.Exprs, from.tell(e)), append(out.Fields, n.Fields[i])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(inner)) {
		a := inner[k]
		at.reads[k] = len(out.Exprs)
		out.Exprs = append(out.Exprs, &expr.Col{Index: from.reads[a.key()], Typ: a.typ, Name: a.path[len(a.path)-1]})
		out.Fields = append(out.Fields, plan.Field{Name: a.path[len(a.path)-1], Type: a.typ})
	}
	return out, at
}

func pruneAggregate(n *plan.Aggregate, nd *need) (plan.Node, placed) {
	out := *n
	at := placed{cols: map[int]int{}, reads: map[string]int{}}
	out.Calls, out.Fields = nil, append([]plan.Field(nil), n.Fields[:len(n.Keys)]...)
	for i := range n.Keys {
		at.cols[i] = i
	}
	for k, c := range n.Calls {
		i := len(n.Keys) + k
		if nd.cols[i] || n.Sets != nil {
			at.cols[i] = len(out.Fields)
			out.Calls, out.Fields = append(out.Calls, c), append(out.Fields, n.Fields[i])
		}
	}
	for i := len(n.Keys) + len(n.Calls); i < len(n.Fields); i++ {
		at.cols[i] = len(out.Fields)
		out.Fields = append(out.Fields, n.Fields[i])
	}
	want := newNeed()
	for _, e := range plan.Exprs(&out) {
		want.ask(n.Input, e)
	}
	child, from := prune(n.Input, want)
	out.Input = child
	return plan.MapExprs(&out, from.tell), at
}

func pruneJoin(n *plan.Join, nd *need) (plan.Node, placed) {
	width := len(n.Left.Schema())
	all := &need{cols: maps.Clone(nd.cols), reads: maps.Clone(nd.reads)}
	both := &plan.Join{Kind: plan.Cross, Left: n.Left, Right: n.Right} // the joined row that Cond reads, for semi joins too
	all.ask(both, n.Cond)
	left, right := newNeed(), newNeed()
	for i := range all.cols {
		if i < width {
			left.cols[i] = true
		} else {
			right.cols[i-width] = true
		}
	}
	for _, a := range all.reads {
		if a.col < width {
			left.reads[a.key()] = a
		} else {
			a.col -= width
			right.reads[a.key()] = a
		}
	}
	for i := range n.LeftKeys {
		left.ask(n.Left, n.LeftKeys[i])
		right.ask(n.Right, n.RightKeys[i])
	}
	if n.Lateral {
		maps.Copy(left.cols, plan.OuterUses(n.Right, 1))
	}
	out := *n
	var l, r placed
	out.Left, l = prune(n.Left, left)
	out.Right, r = prune(n.Right, right)
	if n.Lateral {
		out.Right = plan.MapOuter(out.Right, func(o *expr.Outer, depth int) expr.Expr {
			if o.Level != depth+1 {
				return o
			}
			c := *o
			c.Index = l.cols[o.Index]
			return &c
		})
	}
	at := joined(l, r, width, len(out.Left.Schema()), all)
	out.LeftKeys, out.RightKeys, out.Cond = tellAll(l, n.LeftKeys), tellAll(r, n.RightKeys), at.tell(n.Cond)
	return &out, at
}

func tellAll(p placed, in []expr.Expr) []expr.Expr {
	var out []expr.Expr
	for _, e := range in {
		out = append(out, p.tell(e))
	}
	return out
}

// joined puts the places of both sides together.
func joined(l, r placed, width, newWidth int, all *need) placed {
	at := placed{cols: map[int]int{}, reads: map[string]int{}}
	for i, to := range l.cols {
		at.cols[i] = to
	}
	for i, to := range r.cols {
		at.cols[width+i] = newWidth + to
	}
	for k, a := range all.reads {
		if a.col < width {
			at.reads[k] = l.reads[k]
		} else {
			a.col -= width
			at.reads[k] = newWidth + r.reads[a.key()]
		}
	}
	return at
}
