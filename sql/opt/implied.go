package opt

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// impliedFilters carries conditions over the equalities of joins: what is compared with a constant on one side is compared
// with it on the other too.
func impliedFilters(r *run, n plan.Node) (plan.Node, error) {
	for range mostRelations {
		out, err := plan.Transform(n, func(n plan.Node) (plan.Node, error) {
			if j, ok := n.(*plan.Join); ok && !j.Lateral {
				return implied(j), nil
			}
			return n, nil
		})
		if err != nil || out == n {
			return n, err
		}
		if n, err = pushFilters(r, out); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func implied(j *plan.Join) plan.Node {
	// Rows of a side may go if they cannot match, unless they are kept without a match.
	toLeft := j.Kind == plan.Inner || j.Kind == plan.Right || j.Kind == plan.Semi
	toRight := j.Kind == plan.Inner || j.Kind == plan.Left || j.Kind == plan.Semi || j.Kind == plan.Anti
	nl := plan.Width(j.Left)
	var left, right []expr.Expr
	for _, c := range expr.Conjuncts(j.Cond) {
		_, a, b, ok := columnsEqual(c)
		if !ok {
			continue
		}
		if a.Index > b.Index {
			a, b = b, a
		}
		if a.Index >= nl || b.Index < nl {
			continue
		}
		if toRight {
			right = append(right, carried(j.Left, a.Index, j.Right, b.Index-nl)...)
		}
		if toLeft {
			left = append(left, carried(j.Right, b.Index-nl, j.Left, a.Index)...)
		}
	}
	if len(left)+len(right) == 0 {
		return j
	}
	c := *j
	c.Left, c.Right = filtered(j.Left, left), filtered(j.Right, right)
	return &c
}

// carried lists the conditions on a column of one node that do not hold for that of the other yet, as conditions on that.
func carried(from plan.Node, i int, to plan.Node, k int) []expr.Expr {
	var out []expr.Expr
	have := tests(to, k)
	name := to.Schema()[k].Name
	for _, e := range tests(from, i) {
		e = expr.Transform(e, func(x expr.Expr) expr.Expr {
			if c, ok := x.(*expr.Col); ok {
				return &expr.Col{Index: k, Typ: c.Typ, Name: name}
			}
			return x
		})
		known := false
		for _, h := range have {
			known = known || expr.Equal(e, h)
		}
		if !known {
			out = append(out, e)
		}
	}
	return out
}

// tests lists the comparisons of a column with constants that hold for a node's rows.
func tests(n plan.Node, i int) []expr.Expr {
	at := func(list []expr.Expr) []expr.Expr { // over n's column
		for k, e := range list {
			list[k] = plan.MoveCols(e, func(int) int { return i })
		}
		return list
	}
	switch x := n.(type) {
	case *plan.Filter:
		var out []expr.Expr
		for _, c := range expr.Conjuncts(x.Cond) {
			if isTestOf(c, i) {
				out = append(out, c)
			}
		}
		return append(out, tests(x.Input, i)...)
	case *plan.Project:
		if c, ok := x.Exprs[i].(*expr.Col); ok && keepsRows(x) {
			return at(tests(x.Input, c.Index))
		}
	case *plan.Sort:
		return tests(x.Input, i)
	case *plan.Aggregate:
		if i < len(x.Keys) && x.Sets == nil {
			if c, ok := x.Keys[i].(*expr.Col); ok {
				return at(tests(x.Input, c.Index))
			}
		}
	case *plan.Join:
		nl := plan.Width(x.Left)
		switch {
		case i < nl && x.Kind != plan.Right && x.Kind != plan.Full:
			return tests(x.Left, i)
		case i >= nl && (x.Kind == plan.Inner || x.Kind == plan.Cross || x.Kind == plan.Right):
			return at(tests(x.Right, i-nl))
		}
	}
	return nil
}

// isTestOf reports whether a condition compares the column with constants and nothing else.
func isTestOf(e expr.Expr, i int) bool {
	if column, _, _, ok := columnTest(e); ok {
		return column == i
	}
	if c, ok := e.(*expr.Call); ok && len(c.Args) == 2 && c.Fn.Name == "=" {
		l, r := c.Args[0], c.Args[1]
		if _, ok := l.(*expr.Param); ok {
			l, r = r, l
		}
		x, ok1 := l.(*expr.Col)
		p, ok2 := r.(*expr.Param)
		return ok1 && ok2 && x.Index == i && x.Typ == p.Typ
	}
	in, ok := e.(*expr.In)
	if !ok || in.Not {
		return false
	}
	c, ok := in.Arg.(*expr.Col)
	if !ok || c.Index != i {
		return false
	}
	for _, v := range in.List {
		if k, ok := v.(*expr.Const); !ok || k.Typ != c.Typ {
			return false
		}
	}
	return true
}
