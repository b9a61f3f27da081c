package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// knower answers aggregations for whole row groups from what the log knows of them: how many rows each event type has, and
// between which times they lie. A group is read only where a condition holds for some of its rows and one cannot tell which.
type knower struct {
	env     *Env
	scan    *EventScan
	a       *Aggregation
	ranges  []rangeCond
	types   *expr.Program // the conditions on the event type; nil: none
	perType bool          // conditions, keys or filters tell event types apart
	bounds  bool          // some call wants the least or greatest of a column
}

// rangeCond compares a position or a time with one value.
type rangeCond struct {
	col  int // of the relation
	op   plan.CompareOp
	val  int64
	null bool // nothing compares with null
}

// known is what is known of all rows of a part that count: a row per event type, or one for all.
type known struct {
	rows   *vec.Batch // the scan's columns; only that of the event type is there
	counts []int64
	bounds []int64 // of each call that wants the least or greatest of a column
}

// extent is the least and greatest value of each ordered column.
type extent [catalog.EventRecordedAt + 1]struct{ low, high int64 }

// newKnower returns nil if the aggregation asks for more than is known.
func newKnower(env *Env, s *EventScan, a *Aggregation) (*knower, error) {
	if len(s.Steps) > 0 || a.Sets != nil || s.Table != nil {
		return nil, nil
	}
	k := &knower{env: env, scan: s, a: a}
	var types []expr.Expr
	for _, c := range expr.Conjuncts(s.Filter) {
		if k.aboutType(c) {
			types = append(types, c)
			continue
		}
		r, ok, err := k.rangeOf(c)
		if !ok || err != nil {
			return nil, err
		}
		k.ranges = append(k.ranges, r)
	}
	k.perType = len(types) > 0 || len(a.Keys) > 0
	if types != nil {
		k.types = expr.Compile(expr.Conjoin(types), env.X)
	}
	for _, key := range a.Keys {
		if !k.aboutType(key) {
			return nil, nil
		}
	}
	for i := range a.Calls {
		c := &a.Calls[i]
		if !k.knows(c) {
			return nil, nil
		}
		k.bounds = k.bounds || c.Fn.Name != "count"
		k.perType = k.perType || c.Filter != nil
	}
	return k, nil
}

// column is the whole column of the relation that an expression is, -1 for anything else.
func (k *knower) column(e expr.Expr) int {
	c, ok := e.(*expr.Col)
	if !ok || k.scan.Cols[c.Index].Path != nil {
		return -1
	}
	return k.scan.Cols[c.Index].Column
}

// aboutType reports whether an expression depends on the event type alone.
func (k *knower) aboutType(e expr.Expr) bool {
	return !expr.Any(e, func(x expr.Expr) bool {
		switch x.(type) {
		case *expr.Col:
			return k.column(x) != catalog.EventType
		case *expr.Subquery:
			return true
		}
		return false
	}) && !expr.IsVolatile(e)
}

// knows reports whether the call can be answered from counts and bounds.
func (k *knower) knows(c *plan.AggCall) bool {
	if c.Distinct || c.Filter != nil && !k.aboutType(c.Filter) {
		return false
	}
	switch c.Fn.Name {
	case "count":
		for _, a := range c.Args {
			if col := k.column(a); col < 0 || col >= catalog.EventPayload {
				return false // it may be null
			}
		}
		return true
	case "min", "max":
		return isOrdered(k.column(c.Args[0]))
	}
	return false
}

// isOrdered reports whether bounds of the column are known.
func isOrdered(col int) bool {
	return col == catalog.EventPosition || col == catalog.EventTimestamp || col == catalog.EventRecordedAt
}

var mirrored = [...]plan.CompareOp{plan.Eq: plan.Eq, plan.Lt: plan.Gt, plan.Le: plan.Ge, plan.Gt: plan.Lt, plan.Ge: plan.Le}

// rangeOf recognises the comparison of a position or a time with a value that is the same for all rows.
func (k *knower) rangeOf(e expr.Expr) (r rangeCond, ok bool, err error) {
	c, ok := e.(*expr.Call)
	if !ok || len(c.Args) != 2 {
		return r, false, nil
	}
	ops := map[string]plan.CompareOp{"=": plan.Eq, "<": plan.Lt, "<=": plan.Le, ">": plan.Gt, ">=": plan.Ge}
	if r.op, ok = ops[c.Fn.Name]; !ok {
		return r, false, nil
	}
	l, v := c.Args[0], c.Args[1]
	if expr.IsSteady(l) {
		l, v, r.op = v, l, mirrored[r.op]
	}
	r.col = k.column(l)
	hasQuery := expr.Any(v, func(x expr.Expr) bool { _, ok := x.(*expr.Subquery); return ok })
	if !isOrdered(r.col) || !expr.IsSteady(v) || hasQuery {
		return r, false, nil
	}
	switch t := v.Type().OID; {
	case t == l.Type().OID:
	case r.col == catalog.EventPosition && (t == datum.Int4 || t == datum.Int2):
	default:
		return r, false, nil
	}
	val, err := expr.Value(k.env.X, v)
	if err != nil {
		return r, false, nil // whoever reads the rows finds out whether it matters
	}
	if r.null = val.Null(0); !r.null {
		r.val = val.Int(0)
	}
	return r, true, nil
}

// holds tells of values between low and high whether all of them meet the condition, and whether none does.
func (r rangeCond) holds(low, high int64) (all, none bool) {
	if r.null {
		return false, true
	}
	switch r.op {
	case plan.Eq:
		return low == r.val && high == r.val, r.val < low || r.val > high
	case plan.Lt:
		return high < r.val, low >= r.val
	case plan.Le:
		return high <= r.val, low > r.val
	case plan.Gt:
		return low > r.val, high <= r.val
	}
	return low >= r.val, high < r.val
}

// know returns the part as one that need not be read, if that is so. A nil knower knows nothing.
func (k *knower) know(ctx context.Context, p part) (part, bool, error) {
	if k == nil {
		return p, false, nil
	}
	var err error
	p.known, err = k.part(ctx, &p)
	return p, p.known != nil, err
}

// part is what is known of a part, nil if it has to be read.
func (k *knower) part(ctx context.Context, p *part) (*known, error) {
	out := &known{rows: &vec.Batch{Len: 1, Cols: make([]*vec.Column, len(k.scan.Cols))}, counts: []int64{int64(p.to - p.from)}}
	sum, err := summary(ctx, p)
	if err != nil {
		return nil, err
	}
	var ext extent
	ext[catalog.EventPosition].low, ext[catalog.EventPosition].high = p.g.Base()+int64(p.from), p.g.Base()+int64(p.to)-1
	if sum != nil {
		ext[catalog.EventTimestamp].low, ext[catalog.EventTimestamp].high = sum.Timestamp.Low, sum.Timestamp.High
		ext[catalog.EventRecordedAt].low, ext[catalog.EventRecordedAt].high = sum.RecordedAt.Low, sum.RecordedAt.High
	}
	for _, r := range k.ranges {
		if sum == nil && r.col != catalog.EventPosition {
			return nil, nil
		}
		switch all, none := r.holds(ext[r.col].low, ext[r.col].high); {
		case none:
			out.rows.Len, out.counts = 0, nil
			return out, nil
		case !all:
			return nil, nil
		}
	}
	if k.perType && sum == nil || !k.hasBounds(sum) {
		return nil, nil
	}
	for i := range k.a.Calls {
		out.bounds = append(out.bounds, k.boundOf(&k.a.Calls[i], &ext))
	}
	if k.perType {
		return k.byType(out, sum)
	}
	return out, nil
}

// boundOf is the bound that a call wants.
func (k *knower) boundOf(c *plan.AggCall, ext *extent) int64 {
	switch c.Fn.Name {
	case "min":
		return ext[k.column(c.Args[0])].low
	case "max":
		return ext[k.column(c.Args[0])].high
	}
	return 0
}

func summary(ctx context.Context, p *part) (*storage.Summary, error) {
	g, ok := p.g.(storage.Summarized)
	if !ok || p.from > 0 || p.to < p.g.Len() {
		return nil, nil
	}
	sum, err := g.Summary(ctx)
	if err != nil {
		err = storageError(err)
	}
	return sum, err
}

// hasBounds reports whether the bounds that calls want are those of the rows that count.
func (k *knower) hasBounds(sum *storage.Summary) bool {
	if !k.bounds {
		return true
	}
	for _, c := range k.a.Calls {
		if c.Fn.Name == "count" {
			continue
		}
		switch k.column(c.Args[0]) {
		case catalog.EventTimestamp:
			if sum == nil || !sum.Timestamp.Exact {
				return false
			}
		case catalog.EventRecordedAt:
			if sum == nil || !sum.RecordedAt.Exact {
				return false
			}
		}
	}
	return !k.perType || sum != nil && len(sum.Types) == 1
}

// byType makes a row of each event type that the conditions let through.
func (k *knower) byType(out *known, sum *storage.Summary) (*known, error) {
	names := vec.NewBuilder(vec.Bytes, len(sum.Types))
	out.counts = make([]int64, len(sum.Types))
	for i, t := range sum.Types {
		names.AppendString(t.Type)
		out.counts[i] = int64(t.Rows)
	}
	col := names.Finish()
	out.rows.Len = col.Len
	for i, c := range k.scan.Cols {
		if c.Column == catalog.EventType && c.Path == nil {
			out.rows.Cols[i] = col
		}
	}
	if k.types == nil {
		return out, nil
	}
	sel, err := k.types.Filter(out.rows)
	if err != nil {
		return nil, nil // perhaps no row that the other conditions leave has that type
	}
	rows := &vec.Batch{Len: len(sel), Cols: make([]*vec.Column, len(out.rows.Cols))}
	for i, c := range out.rows.Cols {
		if c != nil {
			rows.Cols[i] = c.Take(sel)
		}
	}
	counts := make([]int64, len(sel))
	for i, s := range sel {
		counts[i] = out.counts[s]
	}
	out.rows, out.counts = rows, counts
	return out, nil
}

// addKnown takes what is known of rows into the table.
func (t *aggTable) addKnown(k *known) error {
	if k.rows.Len == 0 {
		return nil
	}
	keys, err := evalAll(t.in.keys, k.rows)
	if err != nil {
		return err
	}
	ids, err := t.groupsOf(keys, k.rows.Len)
	if err != nil {
		return err
	}
	for _, n := range k.counts {
		t.seq += n
	}
	for i, c := range t.calls {
		of, counts := ids, k.counts
		if f := t.in.calls[i].filter; f != nil {
			rows, err := f.Filter(k.rows)
			if err != nil {
				return err
			}
			of, counts = make([]int32, len(rows)), make([]int64, len(rows))
			for j, r := range rows {
				of[j], counts[j] = ids[r], k.counts[r]
			}
		}
		c.acc.Grow(t.n)
		if counter, ok := c.acc.(funcs.Counter); ok {
			counter.AddCounts(of, counts)
			continue
		}
		if len(of) == 0 {
			continue
		}
		if err := c.acc.Add(t.in.env.X.Fn, []*vec.Column{intColumn(k.bounds[i], 1)}, of[:1], 1); err != nil {
			return err
		}
	}
	return nil
}
