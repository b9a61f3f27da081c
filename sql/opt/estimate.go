package opt

import (
	"math"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// How much of its input a condition is taken to leave where the statistics do not tell, and how many rows a built-in relation
// is taken to have. They only have to be right about which of two plans does less.
const (
	equalityLeaves = 0.01
	rangeLeaves    = 0.3
	otherLeaves    = 0.3
	presentLeaves  = 0.8
	builtinRows    = 500
	storedRows     = 1e6 // of a log that nothing is known of
	groupsOf       = 0.1
	fewValues      = 100 // a column has so many different ones, if it has so many rows
	setRows        = 100
)

// Estimator returns a function that guesses how many rows a node gives; negative when there is nothing to go by.
func Estimator(s Stats) func(plan.Node) float64 { return newEstimator(s).of }

// estimator guesses for the nodes of plans, each once.
type estimator struct {
	s     Stats
	known map[plan.Node]float64
	log   *LogStats
	asked bool
	rows  float64 // of events; 0: not asked yet
}

func newEstimator(s Stats) *estimator { return &estimator{s: s, known: map[plan.Node]float64{}} }

func (s *estimator) of(n plan.Node) float64 {
	if rows, ok := s.known[n]; ok {
		return rows
	}
	rows := s.estimate(n)
	s.known[n] = rows
	return rows
}

// events is how many events there are.
func (s *estimator) events() float64 {
	if s.rows == 0 {
		if s.rows = storedRows; s.s != nil {
			s.rows = max(s.s.Rows("events"), 1)
		}
	}
	return s.rows
}

// about describes events, nil when unknown.
func (s *estimator) about() *LogStats {
	if !s.asked && s.s != nil {
		s.log, s.asked = s.s.Log(), true
	}
	return s.log
}

func (s *estimator) estimate(n plan.Node) float64 {
	switch n := n.(type) {
	case *plan.Scan:
		return s.estimateScan(n)
	case *plan.Values:
		return float64(len(n.Rows))
	case *plan.FuncScan:
		return estimateSet(n)
	case *plan.Filter:
		if scan, ok := n.Input.(*plan.Scan); ok && scan.Relation.Table != nil {
			c := *scan
			c.Filter = expr.Conjoin(append(expr.Conjuncts(scan.Filter), n.Cond))
			return s.estimateScan(&c)
		}
		return scaled(s.of(n.Input), s.selectivity(n.Cond, n.Input))
	case *plan.Aggregate:
		if len(n.Keys) == 0 && n.Sets == nil {
			return 1
		}
		return s.groups(n.Keys, n.Input)
	case *plan.Distinct:
		if len(n.On) > 0 {
			return s.groups(n.On, n.Input)
		}
		return s.groups(keyCols(n.Schema()), n.Input)
	case *plan.Sort:
		return atMost(s.of(n.Input), n.Limit)
	case *plan.Limit:
		return atMost(s.of(n.Input), limitRows(n))
	case *plan.Join:
		return s.estimateJoin(n)
	case *plan.SetOp:
		l, r := s.of(n.Left), s.of(n.Right)
		if l < 0 || r < 0 {
			return -1
		}
		return l + r
	case *plan.With:
		return s.of(n.Body)
	case *plan.Project:
		rows := s.of(n.Input)
		if !keepsRows(n) {
			rows *= setRows
		}
		return rows
	case *plan.Window:
		if n.Run != nil {
			if most, ok := intValue(n.Run.Limit); ok {
				return min(s.of(n.Input), float64(max(0, most))*s.groups(n.Partition, n.Input))
			}
		}
		return s.of(n.Input)
	case *plan.Append:
		return s.of(n.Input)
	}
	return -1
}

// estimateSet is how many rows a function gives whose constants say it.
func estimateSet(n *plan.FuncScan) float64 {
	switch n.Fn.Name {
	case "generate_series":
		step := 1.0
		from, ok := intValueOf(n.Args)
		to, ends := intValueOf(n.Args[1:])
		if len(n.Args) > 2 {
			by, stepped := intValueOf(n.Args[2:])
			step, ok = by, ok && stepped && by != 0
		}
		if ok && ends {
			return max(1, math.Floor((to-from)/step)+1)
		}
	case "unnest":
		if c, ok := n.Args[0].(*expr.Const); ok && c.Val.Kind == vec.List && c.Val.Codes == nil && c.Val.Len == 1 {
			return max(1, float64(c.Val.Child.Len))
		}
	}
	return setRows
}

func scaled(rows, by float64) float64 {
	if rows < 0 {
		return rows
	}
	return max(1, rows*by)
}

func atMost(rows float64, limit int64) float64 {
	if limit >= 0 && (rows < 0 || rows > float64(limit)) {
		return float64(limit)
	}
	return rows
}

func (s *estimator) estimateScan(n *plan.Scan) float64 {
	rows := float64(builtinRows)
	switch {
	case n.Relation.Table != nil:
		if rows = s.table(n.Relation); oneRow(n) {
			return 1
		}
	case n.Relation.Stored():
		rows = s.events()
	}
	if n.Filter != nil {
		bare := *n
		bare.Filter = nil
		rows = scaled(rows, s.selectivity(n.Filter, &bare))
		if n.Relation.Table != nil {
			rows = min(rows, mostRows(n))
		}
	}
	return atMost(rows, n.Limit)
}

// oneRow reports whether the filter of a scan names a whole key of a unique index.
func oneRow(n *plan.Scan) bool {
	equal := map[int16]bool{}
	for _, c := range expr.Conjuncts(n.Filter) {
		if b, ok := boundOf(n, c); ok && b.Op == plan.Eq && b.Col.Column >= 0 {
			equal[n.Relation.Columns[b.Col.Column].Attr] = true
		}
	}
	for i := range n.Relation.Table.Indexes {
		ix := &n.Relation.Table.Indexes[i]
		whole := ix.Unique && ix.Where.Text == ""
		for _, k := range ix.Keys {
			whole = whole && k.Column > 0 && equal[k.Column]
		}
		if whole {
			return true
		}
	}
	return false
}

// mostRows is how many rows of a table have a key of a unique index that the filter asks for by a list or a range of whole numbers.
func mostRows(n *plan.Scan) float64 {
	most, tests := math.Inf(1), indexTests(n)
	for i := range n.Relation.Table.Indexes {
		ix := &n.Relation.Table.Indexes[i]
		if !ix.Unique || len(ix.Keys) > 1 || ix.Keys[0].Column == 0 || n.System.IsPeriod() {
			continue
		}
		low, high := math.Inf(-1), math.Inf(1)
		for _, t := range tests {
			c, ok := t.on.(*expr.Col)
			if !ok || n.Cols[c.Index].Column < 0 || n.Relation.Columns[n.Cols[c.Index].Column].Attr != ix.Keys[0].Column || t.null {
				continue
			}
			if t.op == plan.Eq || t.op == plan.In {
				most = min(most, t.count())
			} else if v, ok := intValueOf(t.values); ok && isBelow(t.op) {
				high = min(high, v)
			} else if ok {
				low = max(low, v)
			}
		}
		most = min(most, max(1, high-low+1))
	}
	return most
}

// intValueOf is the first of some values if it is a whole number.
func intValueOf(list []expr.Expr) (float64, bool) {
	if len(list) == 0 || !isWhole(list[0].Type().OID) {
		return 0, false
	}
	v, ok := intValue(list[0])
	return float64(v), ok
}

func (s *estimator) estimateJoin(n *plan.Join) float64 {
	l, r := s.of(n.Left), s.of(n.Right)
	if l < 0 || r < 0 {
		return -1
	}
	pairs := l * r
	for i := range n.LeftKeys {
		pairs /= max(1, s.distinct(n.LeftKeys[i], n.Left), s.distinct(n.RightKeys[i], n.Right))
	}
	if n.Cond != nil {
		pairs *= s.selectivity(n.Cond, pairsOf(n))
	}
	switch n.Kind {
	case plan.Semi:
		return max(1, min(l, pairs))
	case plan.Anti:
		return max(1, l-min(l, pairs))
	case plan.Left:
		return max(pairs, l)
	case plan.Right:
		return max(pairs, r)
	case plan.Full:
		return max(pairs, l, r)
	}
	return max(1, pairs)
}

// pairsOf is what the condition of a join is over: the joined row, whatever the join gives of it.
func pairsOf(n *plan.Join) plan.Node {
	return &plan.Join{Kind: plan.Inner, Left: n.Left, Right: n.Right, LeftKeys: n.LeftKeys, RightKeys: n.RightKeys}
}

// groups is how many distinct values the expressions have together, in at most as many rows.
func (s *estimator) groups(keys []expr.Expr, in plan.Node) float64 {
	rows := s.of(in)
	if rows < 0 {
		return rows
	}
	all := 1.0
	for _, k := range keys {
		all *= s.distinct(k, in)
	}
	return max(1, min(rows, all))
}

// distinct is how many distinct values an expression has over a node's rows, at least 1.
func (s *estimator) distinct(e expr.Expr, in plan.Node) float64 {
	rows := s.of(in)
	if rows < 0 {
		rows = storedRows
	}
	if expr.IsSteady(e) {
		return 1
	}
	if _, ok := e.(*expr.Col); !ok {
		// A function of one column has no more values than that.
		used := map[int]bool{}
		plan.Cols(e, used)
		for i := range used {
			if f := in.Schema()[i]; len(used) == 1 {
				return s.distinct(col(i, f.Type, f.Name), in)
			}
		}
	}
	all := max(min(rows, fewValues), rows*groupsOf)
	if column, ok := origin(e, in); ok {
		switch column {
		case catalog.EventPosition, catalog.EventID:
			all = rows
		case catalog.EventEntity:
			if l := s.about(); l != nil {
				all = l.Entities
			}
		case catalog.EventVersion:
			if l := s.about(); l != nil {
				all = 10 * s.events() / max(1, l.Entities) // some entities have many events
			}
		case catalog.EventType:
			all = 10
			if l := s.about(); l != nil {
				all = float64(len(l.Types))
			}
		}
	}
	return max(1, min(rows, all))
}

// origin is the column of events that an expression over a node's rows is, unchanged.
func origin(e expr.Expr, n plan.Node) (column int, ok bool) {
	c, ok := e.(*expr.Col)
	if !ok {
		return 0, false
	}
	switch x := n.(type) {
	case *plan.Scan:
		return x.Cols[c.Index].Column, x.Relation.OID == catalog.EventsOID && wholeColumn(x.Cols[c.Index])
	case *plan.Project:
		return origin(x.Exprs[c.Index], x.Input)
	case *plan.Filter, *plan.Sort, *plan.Limit, *plan.Distinct:
		return origin(e, n.Children()[0])
	case *plan.Aggregate:
		if c.Index < len(x.Keys) {
			return origin(x.Keys[c.Index], x.Input)
		}
	case *plan.Join:
		nl := plan.Width(x.Left)
		if c.Index < nl {
			return origin(e, x.Left)
		}
		return origin(col(c.Index-nl, c.Typ, c.Name), x.Right)
	}
	return 0, false
}

// isKey reports whether an expression is a column with many values, each in few rows.
func isKey(e expr.Expr, in plan.Node) bool {
	column, ok := origin(e, in)
	return ok && (column == catalog.EventPosition || column == catalog.EventID || column == catalog.EventEntity)
}

// selectivity is the share of a node's rows that a condition leaves.
func (s *estimator) selectivity(e expr.Expr, in plan.Node) float64 {
	if e == nil {
		return 1
	}
	switch x := e.(type) {
	case *expr.And:
		out := 1.0
		for _, a := range x.Args {
			out *= s.selectivity(a, in)
		}
		return out
	case *expr.Or:
		out := 0.0
		for _, a := range x.Args {
			out += s.selectivity(a, in)
		}
		return min(1, out)
	case *expr.Not:
		return max(0, 1-s.selectivity(x.Arg, in))
	case *expr.IsNull:
		if x.Not {
			return presentLeaves
		}
		return 1 - presentLeaves
	case *expr.In:
		out := 0.0
		for _, v := range x.List {
			out += s.equals(x.Arg, v, in)
		}
		if out = min(1, out); x.Not {
			return 1 - out
		}
		return out
	case *expr.Call:
		return s.comparison(x, in)
	}
	return otherLeaves
}

func (s *estimator) comparison(c *expr.Call, in plan.Node) float64 {
	if len(c.Args) != 2 {
		return otherLeaves
	}
	l, r := c.Args[0], c.Args[1]
	switch op, known := boundOps[c.Fn.Name]; {
	case c.Fn.Name == "<>":
		return 1 - s.equals(l, r, in)
	case !known:
		return otherLeaves
	case op == plan.Eq:
		return s.equals(l, r, in)
	default:
		if expr.IsSteady(l) {
			l, r, op = r, l, mirrored[op]
		}
		return s.inRange(l, op, r, in)
	}
}

// equals is the share of rows in which an equality holds.
func (s *estimator) equals(l, r expr.Expr, in plan.Node) float64 {
	if expr.IsSteady(l) {
		l, r = r, l
	}
	if !expr.IsSteady(r) {
		if !isKey(l, in) && !isKey(r, in) {
			return equalityLeaves
		}
		return 1 / max(1, s.distinct(l, in), s.distinct(r, in))
	}
	column, ok := origin(l, in)
	if !ok {
		return equalityLeaves
	}
	if log := s.about(); column == catalog.EventType && log != nil {
		if c, ok := r.(*expr.Const); ok && c.Val.Kind == vec.Bytes && !c.Val.Null(0) {
			return max(log.Types[string(c.Val.Bytes(0))], 1e-6)
		}
	}
	switch column {
	case catalog.EventPosition, catalog.EventID, catalog.EventEntity, catalog.EventType:
		log := s.about()
		switch {
		case column == catalog.EventType && log != nil:
			return 1 / max(1, float64(len(log.Types)))
		case column == catalog.EventType:
			return 0.1
		case column == catalog.EventEntity && log != nil:
			return 1 / max(1, log.Entities)
		}
		return 1 / s.events()
	}
	return equalityLeaves
}

// inRange is the share of rows whose value lies on one side of another.
func (s *estimator) inRange(l expr.Expr, op plan.CompareOp, r expr.Expr, in plan.Node) float64 {
	column, ok := origin(l, in)
	c, isConst := r.(*expr.Const)
	if !ok || !isConst || c.Val.Kind != vec.Int64 || c.Val.Null(0) {
		return rangeLeaves
	}
	var low, high float64
	switch log := s.about(); {
	case column == catalog.EventPosition:
		low, high = 1, s.events()
	case column == catalog.EventTimestamp && log != nil:
		low, high = float64(log.Timestamp[0]), float64(log.Timestamp[1])
	case column == catalog.EventRecordedAt && log != nil:
		low, high = float64(log.RecordedAt[0]), float64(log.RecordedAt[1])
	default:
		return rangeLeaves
	}
	below := (float64(c.Val.Int(0)) - low) / max(1, high-low)
	if op == plan.Gt || op == plan.Ge {
		below = 1 - below
	}
	return math.Min(1, math.Max(1e-6, below))
}
