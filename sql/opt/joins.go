package opt

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// joinKeys makes hash keys of the equalities between the two sides of a join.
func joinKeys(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		j, ok := n.(*plan.Join)
		if !ok || j.Cond == nil || j.Lateral {
			return n, nil
		}
		c := *j
		nl := plan.Width(j.Left)
		var rest []expr.Expr
		for _, cond := range expr.Conjuncts(j.Cond) {
			l, r, ok := equality(cond, nl)
			if !ok {
				rest = append(rest, cond)
				continue
			}
			c.LeftKeys = append(c.LeftKeys[:len(c.LeftKeys):len(c.LeftKeys)], l)
			c.RightKeys = append(c.RightKeys[:len(c.RightKeys):len(c.RightKeys)], r)
		}
		if len(c.LeftKeys) == len(j.LeftKeys) {
			return n, nil
		}
		c.Cond = expr.Conjoin(rest)
		return &c, nil
	})
}

// equality splits left = right into what is over the one and the other side.
func equality(e expr.Expr, nl int) (l, r expr.Expr, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || c.Fn.Name != "=" || len(c.Args) != 2 || expr.IsVolatile(e) || hasSubquery(e) {
		return nil, nil, false
	}
	l, r = c.Args[0], c.Args[1]
	switch ls, rs := sideOf(l, nl), sideOf(r, nl); {
	case ls == leftSide && rs == rightSide:
	case ls == rightSide && rs == leftSide:
		l, r = r, l
	default:
		return nil, nil, false
	}
	if !hashAlike(l.Type().OID, r.Type().OID) {
		return nil, nil, false
	}
	return l, plan.MoveCols(r, func(i int) int { return i - nl }), true
}

func hasSubquery(e expr.Expr) bool {
	return expr.Any(e, func(x expr.Expr) bool { _, ok := x.(*expr.Subquery); return ok })
}

// hashAlike reports whether equal values of two types have equal bytes, so that one hash does for both.
func hashAlike(a, b datum.OID) bool {
	if a == b {
		return a != datum.JSON && a != datum.XML
	}
	return isWhole(a) && isWhole(b) || isPlainText(a) && isPlainText(b)
}

func isWhole(t datum.OID) bool {
	switch t {
	case datum.Int2, datum.Int4, datum.Int8, datum.Oid, datum.Regclass, datum.Regtype, datum.Regproc, datum.Regnsp, datum.Regrole:
		return true
	}
	return false
}

func isPlainText(t datum.OID) bool { return t == datum.Text || t == datum.Varchar || t == datum.Name }

// swapJoins puts the smaller input of a hash join on the right, where it is held in memory.
func swapJoins(r *run, n plan.Node) (plan.Node, error) {
	out, err := plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		j, ok := n.(*plan.Join)
		if !ok || len(j.LeftKeys) == 0 || j.Lateral {
			return n, nil
		}
		mirror := map[plan.JoinKind]plan.JoinKind{plan.Inner: plan.Inner, plan.Left: plan.Right, plan.Right: plan.Left, plan.Full: plan.Full}
		kind, ok := mirror[j.Kind]
		if !ok {
			return n, nil
		}
		l, right := r.guess.of(j.Left), r.guess.of(j.Right)
		if l < 0 || right < 0 || l >= right {
			return n, nil
		}
		return swapped(j, kind), nil
	})
	if err != nil || out == n {
		return n, err
	}
	return mergeProjects(r, out)
}

// swapped is a join with its inputs changed round, under a projection that puts its columns back.
func swapped(j *plan.Join, kind plan.JoinKind) *plan.Project {
	nl, nr := plan.Width(j.Left), plan.Width(j.Right)
	c := &plan.Join{Kind: kind, Left: j.Right, Right: j.Left, LeftKeys: j.RightKeys, RightKeys: j.LeftKeys, Merge: j.Merge}
	if j.Cond != nil {
		c.Cond = plan.MoveCols(j.Cond, func(i int) int {
			if i < nl {
				return i + nr
			}
			return i - nl
		})
	}
	p := &plan.Project{Input: c, Fields: j.Schema()}
	for i, f := range p.Fields {
		at := i + nr
		if i >= nl {
			at = i - nl
		}
		p.Exprs = append(p.Exprs, &expr.Col{Index: at, Typ: f.Type, Name: f.Name})
	}
	return p
}
