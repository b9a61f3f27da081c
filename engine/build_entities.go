package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// entityRows is an aggregation of the events of entities that are named, by entity, each of whose results comes from the first
// or the last event or is the state: what takes as long as its answer is large, however many events there are.
type entityRows struct {
	x     *execution
	env   *op.Env
	scan  *plan.Scan
	names []expr.Expr
	keys  int
	calls []entityCall
	types []datum.Type
}

// entityCall is a result: a column of the first or the last event, or the state.
type entityCall struct {
	first bool
	state bool
	count bool // of rows: 0 without any
	col   storage.Column
	key   string // of the state, what is wanted of it; empty: all
}

// entityRows recognises such an aggregation, whether the entities are named or not; nil for anything else.
func (b *builder) entityRows(n *plan.Aggregate, c *eventChain) *entityRows {
	if c.scan.Relation.OID != catalog.EventsOID {
		return nil
	}
	r := &entityRows{x: b.x, env: b.env, scan: c.scan, keys: len(n.Keys), types: typesOf(n)}
	r.names = entityNames(c.scan)
	projects := !slices.ContainsFunc(c.nodes, func(n plan.Node) bool { _, ok := n.(*plan.Project); return !ok })
	if n.Sets != nil || !projects || c.scan.Reverse || c.scan.Limit >= 0 || len(n.Keys) > 1 || len(n.Keys) == 0 && len(r.names) != 1 {
		return nil
	}
	for _, k := range n.Keys {
		if col, ok := c.column(k); !ok || col != catalog.EventEntity {
			return nil
		}
	}
	for i := range n.Calls {
		call, ok := c.entityCall(&n.Calls[i])
		if !ok {
			return nil
		}
		r.calls = append(r.calls, call)
	}
	return r
}

// entityNames are the entities that a scan is about, if that is all that its filter says; nil otherwise.
func entityNames(s *plan.Scan) []expr.Expr {
	if len(s.Bounds) != 1 || len(expr.Conjuncts(s.Filter)) != 1 {
		return nil
	}
	b := s.Bounds[0]
	if b.Col.Column != catalog.EventEntity || len(b.Col.Path) > 0 || b.Op != plan.Eq && b.Op != plan.In {
		return nil
	}
	return b.Values
}

// column is the column of events that an expression over the chain is.
func (c *eventChain) column(e expr.Expr) (int, bool) {
	s, ok := c.scanned(e)
	return s.Column, ok && len(s.Path) == 0 && s.As == vec.AsJSON
}

// scanned is what the scan reads for an expression over the chain, if the expression is nothing but that.
func (c *eventChain) scanned(e expr.Expr) (s plan.ScanCol, ok bool) {
	for i := len(c.nodes) - 1; i >= 0; i-- {
		p, isProject := c.nodes[i].(*plan.Project)
		col, isCol := e.(*expr.Col)
		if !isProject || !isCol {
			return s, false
		}
		e = p.Exprs[col.Index]
	}
	col, ok := e.(*expr.Col)
	if !ok {
		return s, false
	}
	return c.scan.Cols[col.Index], true
}

// entityCall says where the result of a call is, if it is known without reading all events.
func (c *eventChain) entityCall(n *plan.AggCall) (out entityCall, ok bool) {
	if n.Distinct || n.Filter != nil {
		return out, false
	}
	if n.Fn.Name == "count" && len(n.Args) == 0 {
		return entityCall{count: true, col: storage.ColVersion}, true
	}
	ordered := len(n.Order) == 0 || c.inOrder(n.Order[0])
	if n.Fn.Name == funcs.MergedMember {
		s, ok := c.scanned(n.Args[0])
		of, whole := c.column(n.Args[1])
		if !ok || !whole || of != catalog.EventPayload || s.Column != of || len(s.Path) != 1 || s.As != vec.AsJSON || s.Path[0] == "" {
			return out, false
		}
		return entityCall{state: true, key: s.Path[0]}, ordered
	}
	if len(n.Args) != 1 {
		return out, false
	}
	col, ok := c.column(n.Args[0])
	if !ok {
		return out, false
	}
	out.col = storage.Column(col)
	rises := col == catalog.EventVersion || col == catalog.EventPosition || col == catalog.EventRecordedAt
	switch n.Fn.Name {
	case "min", "max":
		out.first = n.Fn.Name == "min"
		return out, rises
	case "first", "last":
		out.first = n.Fn.Name == "first"
	case "jsonb_merge_agg":
		out.state = true
		if col != catalog.EventPayload {
			return out, false
		}
	default:
		return out, false
	}
	return out, ordered
}

// inOrder reports whether a sort key has the order in which an entity's events are in the log.
func (c *eventChain) inOrder(k plan.SortKey) bool {
	col, ok := c.column(k.Expr)
	return ok && !k.Desc && (col == catalog.EventVersion || col == catalog.EventPosition)
}

// rows makes the rows: those of the entities that there are, in the order of their first events.
func (r *entityRows) rows(ctx context.Context) (*vec.Batch, error) {
	s, err := r.x.see(ctx, r.scan.System)
	if err != nil {
		return nil, err
	}
	view := s.whole()
	var list []*entityRow
	for _, e := range r.names {
		v, err := expr.Value(r.env.X, e)
		if err != nil {
			return nil, err
		}
		if view == nil || v.Null(0) {
			continue
		}
		row := &entityRow{name: string(v.Bytes(0))}
		if row.version, err = view.Version(ctx, row.name); err != nil {
			return nil, err
		}
		if row.version == 0 || slices.ContainsFunc(list, func(o *entityRow) bool { return o.name == row.name }) {
			continue
		}
		if row.first, err = oneEvent(ctx, view, row.name, 1); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	slices.SortFunc(list, func(a, b *entityRow) int { return cmp.Compare(a.first.position, b.first.position) })
	if len(list) == 0 && r.keys == 0 {
		list = append(list, &entityRow{}) // without GROUP BY there is a row of nothing
	}
	return r.batch(ctx, view, list)
}

type entityRow struct {
	name    string
	version int64 // 0: there are no events
	first   event
	last    event
}

func (r *entityRows) batch(ctx context.Context, view storage.View, list []*entityRow) (*vec.Batch, error) {
	builders := make([]*vec.Builder, len(r.types))
	for i, t := range r.types {
		builders[i] = datum.NewBuilder(t, len(list))
	}
	for _, row := range list {
		if r.keys > 0 {
			builders[0].AppendString(row.name)
		}
		for i, call := range r.calls {
			if err := row.add(ctx, view, call, builders[r.keys+i]); err != nil {
				return nil, err
			}
		}
	}
	out := &vec.Batch{Len: len(list)}
	for _, b := range builders {
		out.Cols = append(out.Cols, b.Finish())
	}
	return out, nil
}

// add appends the result of a call.
func (row *entityRow) add(ctx context.Context, view storage.View, call entityCall, b *vec.Builder) (err error) {
	switch {
	case row.version == 0 && call.count:
		b.AppendInt(0)
	case row.version == 0:
		b.AppendNull()
	case call.state:
		return view.States(ctx, row.name, []int64{row.version}, func(_ int, state jsonb.Value) error {
			if call.key != "" {
				state, _ = jsonb.Get(state, call.key)
			}
			if state == nil {
				b.AppendNull()
			} else {
				b.AppendBytes(state)
			}
			return nil
		})
	case call.col == storage.ColVersion && !call.first:
		b.AppendInt(row.version)
	default:
		e := &row.first
		if !call.first {
			e = &row.last
		}
		if e.group == nil {
			if *e, err = oneEvent(ctx, view, row.name, row.version); err != nil {
				return err
			}
		}
		c, err := e.read(ctx, call.col)
		if err != nil {
			return err
		}
		b.AppendFrom(c, 0)
	}
	return nil
}

// withoutDocuments is the calls of an aggregation of a scan, such that documents are not read for the folds of their members where all
// in what the scan sees are objects.
func (b *builder) withoutDocuments(ctx context.Context, calls []plan.AggCall, c *eventChain, s *op.EventScan) ([]plan.AggCall, error) {
	isMember := func(call plan.AggCall) bool {
		if call.Fn.Name != funcs.MergedMember {
			return false
		}
		of, whole := c.column(call.Args[1])
		return whole && of == catalog.EventPayload
	}
	log, ok := b.x.cfg.stored.(shaper)
	if !ok || !slices.ContainsFunc(calls, isMember) {
		return calls, nil
	}
	end := s.View.End()
	if s.End > 0 {
		end = min(end, s.End)
	}
	shapes, err := log.Shapes(ctx, end)
	if err != nil {
		return nil, err
	}
	for _, t := range shapes {
		if slices.ContainsFunc(t.Paths, func(p storage.PathShape) bool { return len(p.Path) == 0 && p.Kinds != segment.KindObject }) {
			return calls, nil
		}
	}
	objects := true
	err = b.x.cfg.own.Payloads(func(payload jsonb.Value) bool {
		objects = payload.Kind() == jsonb.Object
		return objects
	})
	if !objects || err != nil {
		return calls, err
	}
	some := vec.NewBuilder(vec.Bytes, 1)
	some.AppendBytes(jsonb.EmptyObject)
	object := &expr.Const{Val: some.Finish(), Typ: datum.T(datum.JSONB)}
	calls = slices.Clone(calls)
	for i := range calls {
		if isMember(calls[i]) {
			calls[i].Args = []expr.Expr{calls[i].Args[0], object}
		}
	}
	return calls, nil
}
