// Package opt rewrites plans by rules. Rules is the readable list: each has a name, may be switched off, keeps the
// schema, and fails the query when it fails. What is needed for a right answer is no rule but the binder's work: with all
// of them off every query answers the same, only slower.
package opt

import (
	"fmt"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
)

// Options say how to optimize.
type Options struct {
	Off map[string]bool // names of rules not to use; "all" is every one
	// Context evaluates constants; its environment decides how they are read.
	Context *expr.EvalCtx
}

// Rule is one rewrite of a whole plan. It never changes the plan that it gets.
type Rule struct {
	Name string
	Why  string
	run  func(n plan.Node, o Options) (plan.Node, error)
}

// Rules are applied in this order, once each.
var Rules = []Rule{
	{"fold-constants", "what is known now is not computed per row", foldConstants},
	{"merge-projections", "a derived table costs nothing, and its expressions meet the conditions above it", mergeProjections},
	{"push-filters", "rows that are not wanted are dropped where they are read", pushFilters},
	{"join-keys", "equalities become hash keys, a product with a condition becomes a join", joinKeys},
	{"prune-columns", "only the columns and JSON paths that somebody reads are read", pruneColumns},
	{"scan-bounds", "row groups that cannot match are left out", scanBounds},
	{"sort-by-position", "the log is in order of position already", sortByPosition},
	{"push-limits", "a sort keeps only what is asked for, a scan stops early", pushLimits},
}

// Optimize applies the rules to a plan and to the plans of its subqueries.
func Optimize(n plan.Node, o Options) (plan.Node, error) {
	if o.Off["all"] {
		return n, nil
	}
	n, err := subplans(n, o)
	if err != nil {
		return nil, err
	}
	for _, r := range Rules {
		if o.Off[r.Name] {
			continue
		}
		out, err := r.run(n, o)
		if err != nil {
			return nil, err
		}
		if err := sameSchema(r.Name, n, out); err != nil {
			return nil, err
		}
		n = out
	}
	return n, nil
}

// subplans optimizes the plans inside the expressions of n's nodes.
func subplans(n plan.Node, o Options) (plan.Node, error) {
	var failed error
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		out := plan.MapExprs(n, func(e expr.Expr) expr.Expr {
			return expr.Transform(e, func(x expr.Expr) expr.Expr {
				s, ok := x.(*expr.Subquery)
				if !ok || failed != nil {
					return x
				}
				p, ok := s.Plan.(plan.Node)
				if !ok {
					return x
				}
				better, err := Optimize(p, o)
				if err != nil {
					failed = err
					return x
				}
				c := *s
				c.Plan = better
				return &c
			})
		})
		return out, failed
	})
}

// sameSchema is the check that every rule must pass.
func sameSchema(rule string, before, after plan.Node) error {
	a, b := before.Schema(), after.Schema()
	same := len(a) == len(b)
	for i := 0; same && i < len(a); i++ {
		same = a[i].Type == b[i].Type && a[i].Name == b[i].Name
	}
	if !same {
		return pgerr.New(pgerr.InternalError, "optimizer rule %s changed the schema of a plan: %s became %s", rule, names(a), names(b)).
			WithHint("SET optimizer_off = '%s' answers the query without the rule.", rule)
	}
	return nil
}

func names(fields []plan.Field) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = fmt.Sprintf("%s:%d", f.Name, f.Type.OID)
	}
	return fmt.Sprint(out)
}

// foldConstants replaces expressions that have one value before execution. One that fails is left to fail when, and if,
// it is executed.
func foldConstants(n plan.Node, o Options) (plan.Node, error) {
	if o.Context == nil {
		return n, nil
	}
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		return plan.MapExprs(n, func(e expr.Expr) expr.Expr {
			return expr.Transform(e, func(x expr.Expr) expr.Expr {
				switch x.(type) {
				case *expr.Const, *expr.Row, *expr.Array:
					return x
				}
				if !expr.IsConst(x) {
					return x
				}
				v, err := expr.Value(o.Context, x)
				if err != nil || v.Len != 1 {
					return x
				}
				return &expr.Const{Val: v.Flat(), Typ: x.Type()}
			})
		}), nil
	})
}

// mergeProjections puts a projection's expressions into the projection above it.
func mergeProjections(n plan.Node, _ Options) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		top, ok := n.(*plan.Project)
		if !ok {
			return n, nil
		}
		in, ok := top.Input.(*plan.Project)
		if !ok || !mayMerge(top.Exprs, in) {
			return n, nil
		}
		out := *top
		out.Input, out.Exprs = in.Input, make([]expr.Expr, len(top.Exprs))
		for i, e := range top.Exprs {
			if out.Exprs[i], ok = plan.Substitute(e, func(c *expr.Col) expr.Expr { return in.Exprs[c.Index] }); !ok {
				return n, nil
			}
		}
		return &out, nil
	})
}

// mayMerge reports whether the expressions of a projection may take the place of its columns in exprs: none is volatile or
// a set, and none that costs anything would be computed twice.
func mayMerge(exprs []expr.Expr, in *plan.Project) bool {
	uses := map[int]int{}
	for _, e := range exprs {
		if expr.HasSet(e) {
			return false
		}
		expr.Walk(e, func(x expr.Expr) bool {
			if c, ok := x.(*expr.Col); ok {
				uses[c.Index]++
			}
			return true
		})
	}
	for i, e := range in.Exprs {
		if expr.IsVolatile(e) || expr.HasSet(e) || uses[i] > 1 && !cheap(e) {
			return false
		}
	}
	return true
}

// cheap expressions may be computed more than once.
func cheap(e expr.Expr) bool {
	switch e.(type) {
	case *expr.Col, *expr.Const, *expr.Param, *expr.Outer:
		return true
	}
	a, ok := accessOf(e)
	return ok && a.col >= 0
}
