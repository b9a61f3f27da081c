package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

const (
	// indexRowCost is how many rows of a table are scanned in the time in which one is read by an index.
	indexRowCost = 16
	// firstRows is how many rows are taken to be asked for where that is not known.
	firstRows = 100
	// sureCost is how many rows that an index is known to find are better than one that is only expected to be read in the order of another.
	sureCost = 2
	// apartCost is weighedCost where a condition takes values apart.
	apartCost = 8
)

// indexOrder reads a table in the order of an index where a sort would keep only the first rows, or rows are locked one by one.
func indexOrder(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		switch x := n.(type) {
		case *plan.Limit:
			if x.Count != nil && len(x.Ties) == 0 && limitRows(x) < 0 {
				return over(x, r.unsorted(x.Input)), nil
			}
		case *plan.Sort:
			if x.Limit >= 0 {
				return r.firstByIndex(x), nil
			}
		case *plan.LockRows:
			return over(x, r.unsorted(x.Input)), nil
		}
		return n, nil
	})
}

// unsorted returns n, of which the first rows are asked for, without the sort at its top if an index has that order.
func (r *run) unsorted(n plan.Node) plan.Node {
	switch x := n.(type) {
	case *plan.Project:
		if keepsRows(x) {
			return over(x, r.unsorted(x.Input))
		}
	case *plan.Sort:
		if in, sorted := r.byIndex(x.Input, wanted{x.Keys, 1, firstRows}); sorted == len(x.Keys) && x.Limit < 0 {
			return in
		}
	}
	return n
}

// firstByIndex is a sort that keeps the first rows, by an index that has the order; where it has that of the first keys alone, by as many rows as are
// asked for and those that are equal to the last of them.
func (r *run) firstByIndex(x *plan.Sort) plan.Node {
	switch in, sorted := r.byIndex(x.Input, wanted{x.Keys, x.Limit, float64(x.Limit)}); sorted {
	case 0:
		return x
	case len(x.Keys):
		return in // the limit that a sort has is that of a Limit above it
	default:
		return over(x, &plan.Limit{Input: in, Count: int8Of(x.Limit), Ties: x.Keys[:sorted]})
	}
}

// wanted are the first rows of a node in an order: first of them at least, and most taking into account what is dropped above it.
type wanted struct {
	keys  []plan.SortKey
	first int64
	most  float64
}

// by is w with other keys.
func (w wanted) by(keys []plan.SortKey) wanted {
	w.keys = keys
	return w
}

// byIndex returns n with its scan reading in the order of the keys or of so many of them as are returned, if an index has that order and it costs less than
// to sort.
func (r *run) byIndex(n plan.Node, w wanted) (plan.Node, int) {
	switch x := n.(type) {
	case *plan.Project:
		below := make([]plan.SortKey, len(w.keys))
		for i, k := range w.keys {
			e, ok := throughProject(x, k.Expr)
			if !ok || !keepsRows(x) {
				return n, 0
			}
			below[i] = plan.SortKey{Expr: e, Desc: k.Desc, NullsFirst: k.NullsFirst}
		}
		in, sorted := r.byIndex(x.Input, w.by(below))
		return over(x, in), sorted
	case *plan.Filter:
		w.most /= r.guess.selectivity(x.Cond, x.Input)
		in, sorted := r.byIndex(x.Input, w)
		return over(x, in), sorted
	case *plan.Join:
		return r.joinInOrder(x, w)
	case *plan.Scan:
		if x.Relation.Table != nil && x.Limit < 0 {
			return r.scanInOrder(x, w)
		}
	}
	return n, 0
}

// joinInOrder is byIndex of a join, of which one side is read in the order and the rows of the other are looked up by an index.
func (r *run) joinInOrder(j *plan.Join, w wanted) (plan.Node, int) {
	if j.Merge != nil {
		return j, 0
	}
	nl := plan.Width(j.Left)
	used := map[int]bool{}
	for _, k := range w.keys {
		plan.Cols(k.Expr, used)
	}
	left, right := false, false
	for i := range used {
		left, right = left || i < nl, right || i >= nl
	}
	switch {
	case left && right:
		return j, 0
	case right:
		mirror := map[plan.JoinKind]plan.JoinKind{plan.Inner: plan.Inner, plan.Right: plan.Left}
		kind, ok := mirror[j.Kind]
		if !ok || j.Lateral {
			return j, 0
		}
		p := swapped(j, kind)
		below := make([]plan.SortKey, len(w.keys))
		for i, k := range w.keys {
			below[i] = k
			if below[i].Expr, ok = throughProject(p, k.Expr); !ok {
				return j, 0
			}
		}
		in, sorted := r.joinInOrder(p.Input.(*plan.Join), w.by(below))
		return over(p, in), sorted
	}
	switch j.Kind {
	case plan.Inner, plan.Left, plan.Semi, plan.Anti:
	default:
		return j, 0
	}
	in, sorted := r.byIndex(j.Left, w)
	if sorted == 0 {
		return j, 0
	}
	c := *j
	c.Left = in
	if j.Lateral {
		return &c, sorted
	}
	if rows := r.guess.of(j.Left); rows < pairCost/indexRowCost*w.most {
		return j, 0
	}
	if out := r.lookedUp(&c); out != nil {
		return out, sorted
	}
	return j, 0
}

// scanInOrder is byIndex of a scan.
func (r *run) scanInOrder(s *plan.Scan, w wanted) (out plan.Node, sorted int) {
	bare := *s
	bare.Filter = nil
	tests := indexTests(s)
	out, least := plan.Node(s), r.tableRows(s.Relation)/indexRowCost
	uses := r.usesOf(s)
	if len(uses) > 0 {
		least = min(least, uses[0].found)
	}
	least++ // an order that is there is worth something
	for i := range s.Relation.Table.Indexes {
		ix := &s.Relation.Table.Indexes[i]
		have, ok := r.indexKeys(s, ix)
		if !ok || !ix.Kept() {
			continue
		}
		use, found := r.useOf(s, ix, have, tests)
		if use.Any != nil || len(use.In) > 1 {
			continue
		}
		reverse, n := r.orderOf(s, use, have, w.keys)
		if n == 0 {
			continue
		}
		u := *s
		u.Index, u.Reverse = use, reverse
		read := w.most / max(1e-9, r.guess.selectivity(u.Rest(), &bare))
		if n < len(w.keys) {
			read += found * equalityLeaves
		}
		if read = min(read, found); read < least {
			use.Ordered = true
			out, sorted, least = &u, n, read
		}
	}
	if scan := out.(*plan.Scan); sorted > 0 {
		others := slices.DeleteFunc(uses, func(u indexUse) bool { return u.Index == scan.Index.Index })
		scan.Index.Else = weighed(others, int64(max(firstRows, sureCost*least)))
		scan.Index.Sort = w.keys[:sorted]
		scan.Index.First, scan.Index.Within = w.first, r.within(scan)
	}
	return out, sorted
}

// within is of how many rows of an index some must be among those that are asked for, or all of the table is read: that costs about as much. 0: however many.
func (r *run) within(s *plan.Scan) int64 {
	rest := s.Rest()
	if rest == nil || expr.IsVolatile(rest) || hasSubquery(rest) {
		return 0
	}
	cost := weighedCost
	if expr.Any(rest, takesApart) {
		cost = apartCost
	}
	rows := int64(r.tableRows(s.Relation) / float64(cost))
	if rows < leastWeighed {
		return 0
	}
	return rows
}

// takesApart reports whether an expression is a call that looks into a text or a document: for each row that may cost as much as to find it by an index.
func takesApart(e expr.Expr) bool {
	c, ok := e.(*expr.Call)
	if !ok || len(c.Args) == 0 {
		return false
	}
	_, compares := boundOps[c.Fn.Name]
	kind := datum.KindOf(c.Args[0].Type().OID)
	return !compares && kind != vec.Int64 && kind != vec.Float64 && kind != vec.Bool
}

// orderOf is how many of the sort keys are those of an index after the equal ones, which the scan has as given, forwards or backwards. A key that is the same
// for all rows decides nothing, nor do those after a whole key of a unique index.
func (r *run) orderOf(s *plan.Scan, use *plan.IndexUse, have []expr.Expr, keys []plan.SortKey) (reverse bool, n int) {
	equal, rest := have[:len(use.Equal)], use.Index.Keys[len(use.Equal):]
	have = have[len(equal):]
	at := 0
	for ; n < len(keys); n++ {
		k := keys[n]
		k.Expr = underCast(s, k.Expr)
		if slices.ContainsFunc(equal, func(e expr.Expr) bool { return sameKey(k.Expr, e) }) {
			continue
		}
		if at == len(have) {
			if !once(s, use, have) {
				break
			}
			continue
		}
		back, whole := k.Desc != rest[at].Desc, at == 0 && use.IsRange() || isNotNull(s, have[at])
		if !sameKey(k.Expr, have[at]) || at > 0 && back != reverse || back != (k.NullsFirst != rest[at].NullsFirst) && !whole {
			break
		}
		reverse = back
		at++
	}
	if at == 0 && n < len(keys) {
		return false, 0
	}
	return reverse, n
}

// once reports whether no two rows have one key of an index, of which those after the equal ones are given.
func once(s *plan.Scan, use *plan.IndexUse, rest []expr.Expr) bool {
	return use.Index.Unique && !use.Index.Period && s.Relation.Table.Immediate(use.Index) && !s.System.IsPeriod() && !slices.Contains(use.Equal, nil) &&
		!slices.ContainsFunc(rest, func(e expr.Expr) bool { return e == nil || !isNotNull(s, e) })
}
