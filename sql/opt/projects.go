package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// mergeProjects makes one projection of two, unless that would compute something twice that costs or that must be computed
// once.
func mergeProjects(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		p, ok := n.(*plan.Project)
		if !ok {
			return n, nil
		}
		in, ok := p.Input.(*plan.Project)
		if !ok {
			return n, nil
		}
		if out, ok := merged(p, in); ok {
			return out, nil
		}
		return n, nil
	})
}

func merged(p, in *plan.Project) (plan.Node, bool) {
	uses := make([]int, len(in.Exprs))
	for _, e := range p.Exprs {
		expr.Walk(e, func(x expr.Expr) bool {
			if c, ok := x.(*expr.Col); ok {
				uses[c.Index]++
			}
			return true
		})
	}
	for i, e := range in.Exprs {
		switch {
		case expr.IsVolatile(e):
			return nil, false // it is called once for each row, and a set decides how many rows there are
		case uses[i] > 1 && !cheap(e):
			return nil, false
		}
	}
	for _, e := range p.Exprs {
		if expr.HasSet(e) {
			return nil, false
		}
	}
	out := &plan.Project{Input: in.Input, Fields: p.Fields, Exprs: make([]expr.Expr, len(p.Exprs))}
	for i, e := range p.Exprs {
		x, ok := plan.Substitute(e, func(c *expr.Col) expr.Expr { return in.Exprs[c.Index] })
		if !ok {
			return nil, false
		}
		out.Exprs[i] = x
	}
	return out, true
}

// cheap says that an expression may as well be computed twice.
func cheap(e expr.Expr) bool {
	switch e := e.(type) {
	case *expr.Col, *expr.Const, *expr.Outer, *expr.Param:
		return true
	case *expr.Cast:
		return cheap(e.Arg)
	case *expr.Call:
		return isArrow(e) && cheap(e.Args[0])
	}
	return false
}

// inlineCTEs puts a WITH query that is read once where it is read, and drops one that is not read.
func inlineCTEs(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		w, ok := n.(*plan.With)
		if !ok || w.Rec != nil {
			return n, nil
		}
		direct, deep := countRefs(w.Body, w.ID)
		switch {
		case plan.Modifies(w.Def):
			return n, nil // it is done once, whoever reads it
		case direct+deep == 0:
			return w.Body, nil
		case direct != 1 || deep > 0 || w.Materialized || hasVolatile(w.Def):
			return n, nil
		}
		return plan.Transform(w.Body, func(b plan.Node) (plan.Node, error) {
			if r, ok := b.(*plan.CTERef); ok && r.ID == w.ID {
				return asFields(w.Def, r.Fields), nil
			}
			return b, nil
		})
	})
}

// countRefs counts the references to a WITH query: those in the same row context, and those in subqueries, lateral items
// and the terms of recursive queries, which may run many times.
func countRefs(n plan.Node, id int) (direct, deep int) {
	add := func(c plan.Node, inside bool) {
		d, p := countRefs(c, id)
		if inside {
			deep += d + p
		} else {
			direct, deep = direct+d, deep+p
		}
	}
	if r, ok := n.(*plan.CTERef); ok && r.ID == id {
		direct++
	}
	for _, s := range plan.Subplans(n) {
		add(s, true)
	}
	for i, c := range n.Children() {
		j, isJoin := n.(*plan.Join)
		w, isWith := n.(*plan.With)
		add(c, isJoin && j.Lateral && i == 1 || isWith && (w.Rec != nil && i < 2))
	}
	return direct, deep
}

func hasVolatile(n plan.Node) bool {
	found := false
	plan.Walk(n, func(n plan.Node) bool {
		if _, ok := n.(*plan.Append); ok {
			found = true
		}
		for _, e := range plan.Exprs(n) {
			found = found || expr.Any(e, func(x expr.Expr) bool {
				c, ok := x.(*expr.Call)
				return ok && !c.Fn.RetSet && expr.IsVolatile(&expr.Call{Fn: c.Fn})
			})
		}
		return !found
	})
	return found
}

// asFields gives a node's columns other names.
func asFields(n plan.Node, fields []plan.Field) plan.Node {
	same := true
	for i, f := range n.Schema() {
		same = same && f == fields[i]
	}
	if same {
		return n
	}
	p := &plan.Project{Input: n, Fields: fields}
	for i, f := range fields {
		p.Exprs = append(p.Exprs, &expr.Col{Index: i, Typ: f.Type, Name: f.Name})
	}
	return p
}

// distinctFirst finds the first rows of DISTINCT ON before they are sorted, where they are fewer than all.
func distinctFirst(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		d, ok := n.(*plan.Distinct)
		if !ok || len(d.On) == 0 || d.AnyOrder {
			return n, nil
		}
		s, ok := d.Input.(*plan.Sort)
		if !ok || s.Limit >= 0 || len(s.Keys) < len(d.On) {
			return n, nil
		}
		for _, k := range s.Keys {
			if expr.IsVolatile(k.Expr) {
				return n, nil
			}
		}
		for _, k := range s.Keys[:len(d.On)] {
			if !slices.ContainsFunc(d.On, func(e expr.Expr) bool { return expr.Equal(e, k.Expr) }) {
				return n, nil
			}
		}
		if rows := r.guess.of(s.Input); rows > 0 && r.guess.of(d) > rows/2 {
			return n, nil
		}
		first := &plan.Distinct{Input: s.Input, On: d.On, AnyOrder: true, Order: s.Keys[len(d.On):]}
		return &plan.Sort{Input: first, Keys: s.Keys, Limit: -1}, nil
	})
}

// distinctGroups makes DISTINCT a grouping by all columns.
func distinctGroups(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		d, ok := n.(*plan.Distinct)
		if !ok || len(d.On) > 0 {
			return n, nil
		}
		fields := d.Input.Schema()
		if len(fields) == 0 {
			return n, nil
		}
		a := &plan.Aggregate{Input: d.Input, Fields: fields}
		for i, f := range fields {
			a.Keys = append(a.Keys, &expr.Col{Index: i, Typ: f.Type, Name: f.Name})
		}
		return a, nil
	})
}
