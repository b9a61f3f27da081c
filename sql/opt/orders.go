package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// mergeJoins merges the inputs of joins that come in the order of the keys already: nothing is held, and what is first costs little.
func mergeJoins(r *run, n plan.Node) (plan.Node, error) {
	out, err := plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		j, ok := n.(*plan.Join)
		if !ok || len(j.LeftKeys) == 0 || j.Lateral {
			return n, nil
		}
		m := mergeJoin(j)
		if m == nil {
			return n, nil
		}
		if m.Kind == plan.Right { // the side whose rows all come is the one that keeps its order
			return swapped(m, plan.Left), nil
		}
		return m, nil
	})
	if err != nil || out == n {
		return n, err
	}
	return mergeProjects(r, out)
}

// mergeJoin is the join with its keys in an order that both inputs have, nil if there is none.
func mergeJoin(j *plan.Join) *plan.Join {
	for _, left := range ordersOf(j.Left) {
		for _, right := range ordersOf(j.Right) {
			if m := mergeBy(j, left, right); m != nil {
				return m
			}
		}
	}
	return nil
}

func mergeBy(j *plan.Join, left, right []plan.SortKey) *plan.Join {
	n := len(j.LeftKeys)
	if len(left) < n || len(right) < n {
		return nil
	}
	m := *j
	m.LeftKeys, m.RightKeys, m.Merge = nil, nil, nil
	used := make([]bool, n)
	for i := range n {
		at := slices.IndexFunc(j.LeftKeys, func(e expr.Expr) bool { return expr.Equal(e, left[i].Expr) })
		for at >= 0 && at < n && (used[at] || !expr.Equal(j.LeftKeys[at], left[i].Expr) || !expr.Equal(j.RightKeys[at], right[i].Expr)) {
			at++
		}
		if at < 0 || at == n || left[i].Desc != right[i].Desc {
			return nil
		}
		used[at] = true
		m.LeftKeys, m.RightKeys = append(m.LeftKeys, j.LeftKeys[at]), append(m.RightKeys, j.RightKeys[at])
		m.Merge = append(m.Merge, left[i].Desc)
	}
	return &m
}

// comesIn reports whether the rows of a node are known to come ordered by keys.
func comesIn(n plan.Node, keys []plan.SortKey) bool {
	return slices.ContainsFunc(ordersOf(n), func(have []plan.SortKey) bool { return startsWith(have, keys) })
}

// ordersOf tells what a node's rows are known to be ordered by, over its columns: each list holds by itself.
func ordersOf(n plan.Node) [][]plan.SortKey {
	switch x := n.(type) {
	case *plan.Sort:
		return [][]plan.SortKey{x.Keys}
	case *plan.Filter:
		return ordersOf(x.Input)
	case *plan.Limit:
		return ordersOf(x.Input)
	case *plan.Distinct:
		if x.AnyOrder || len(x.On) == 0 { // what does not fit comes later
			return nil
		}
		return ordersOf(x.Input)
	case *plan.Window:
		if x.AnyOrder {
			return nil
		}
		return moveOrders([][]plan.SortKey{x.SortKeys()}, func(i int) int { return slices.Index(x.Keep, i) })
	case *plan.Project:
		if !keepsRows(x) {
			return nil
		}
		return moveOrders(ordersOf(x.Input), func(i int) int {
			return slices.IndexFunc(x.Exprs, func(e expr.Expr) bool { c, ok := e.(*expr.Col); return ok && c.Index == i })
		})
	case *plan.Join:
		return ordersOfJoin(x)
	case *plan.Scan:
		return ordersOfScan(x)
	}
	return nil
}

// ordersOfJoin is the keys of the left rows, and where there are none without a match those of the right ones. Rows with equal keys may
// come in another order, for lack of memory.
func ordersOfJoin(j *plan.Join) [][]plan.SortKey {
	if j.Merge == nil || j.Kind == plan.Right || j.Kind == plan.Full {
		return nil
	}
	nl, nk := plan.Width(j.Left), len(j.LeftKeys)
	var out [][]plan.SortKey
	for _, o := range ordersOf(j.Left) {
		if len(o) >= nk && slices.EqualFunc(o[:nk], j.LeftKeys, func(k plan.SortKey, e expr.Expr) bool { return expr.Equal(k.Expr, e) }) {
			out = append(out, o[:nk])
		}
	}
	if j.Kind == plan.Inner {
		keys := make([]plan.SortKey, nk)
		for i, k := range j.RightKeys {
			keys[i] = plan.SortKey{Expr: plan.MoveCols(k, func(c int) int { return c + nl }), Desc: j.Merge[i], NullsFirst: j.Merge[i]}
		}
		out = append(out, keys)
	}
	return out
}

// ordersOfScan is the position, and with it the time of recording, which never goes back.
func ordersOfScan(s *plan.Scan) [][]plan.SortKey {
	if s.Relation.OID != catalog.EventsOID {
		return nil
	}
	var out [][]plan.SortKey
	for _, column := range []int{catalog.EventPosition, catalog.EventRecordedAt} {
		for i, c := range s.Cols {
			if c.Column == column && wholeColumn(c) {
				out = append(out, []plan.SortKey{{Expr: col(i, c.Field.Type, c.Field.Name), Desc: s.Reverse, NullsFirst: s.Reverse}})
				break
			}
		}
	}
	return out
}

// moveOrders renumbers the columns of orders, each up to the first key that is not to be had: to gives -1 for its column.
func moveOrders(orders [][]plan.SortKey, to func(int) int) [][]plan.SortKey {
	var out [][]plan.SortKey
	for _, keys := range orders {
		var list []plan.SortKey
		for _, k := range keys {
			c, ok := k.Expr.(*expr.Col)
			if !ok || to(c.Index) < 0 {
				break
			}
			at := *c
			at.Index = to(c.Index)
			k.Expr = &at
			list = append(list, k)
		}
		if len(list) > 0 {
			out = append(out, list)
		}
	}
	return out
}

// startsWith reports whether rows ordered by have are ordered by want.
func startsWith(have, want []plan.SortKey) bool {
	return len(have) >= len(want) && plan.EqualKeys(have[:len(want)], want)
}
