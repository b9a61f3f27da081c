package engine

import (
	"context"
	"maps"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// builder makes operators inside one row context and under some WITH queries. It is also the way back: expressions run
// their subqueries through it (expr.SubqueryRunner).
type builder struct {
	x    *execution
	env  *op.Env
	with map[int]withQuery
	only map[int][]storage.RowID // of scans that are targets: nothing but these rows
}

// withQuery is where the rows of a WITH query are: computed once, or for the recursive term the working table.
type withQuery struct {
	shared *op.Shared
	work   *op.Working
}

// evalCtx makes the context of expressions inside the rows given.
func (b *builder) evalCtx(outer []expr.OuterRow) *expr.EvalCtx {
	return &expr.EvalCtx{Fn: b.x.cfg.fn, Params: b.x.cfg.params, Outer: outer, Subqueries: b}
}

// inside is the builder of a plan in the row context of outer.
func (b *builder) inside(outer []expr.OuterRow) *builder {
	n := &builder{x: b.x, with: b.with, only: b.only}
	n.env = b.env.With(n.evalCtx(outer))
	n.env.Crew = nil
	return n
}

// under is the builder of what may read one more WITH query.
func (b *builder) under(id int, q withQuery) *builder {
	n := b.inside(b.env.X.Outer)
	n.with = maps.Clone(b.with)
	if n.with == nil {
		n.with = map[int]withQuery{}
	}
	n.with[id] = q
	return n
}

// build makes the operator of a node and of those below it.
func (b *builder) build(n plan.Node) (op.Op, error) { return b.buildFor(n, nil) }

// buildFor is build for a reader of some columns only, nil: all. Joins do not make the others.
func (b *builder) buildFor(n plan.Node, used map[int]bool) (op.Op, error) {
	if o := b.lookUp(n); o != nil {
		return o, nil
	}
	if o, err := b.buildEvents(n); o != nil || err != nil {
		return o, err
	}
	if p := pipelineOf(n, used); p != nil {
		return b.pipeline(p), nil
	}
	s := b.x.statsOf(n)
	if s == nil {
		return b.operator(n, used)
	}
	o, err := b.accounted(n).operator(n, used)
	if err != nil {
		return nil, err
	}
	return op.Measure(o, s, true), nil
}

// accounted is the builder of one node whose memory is counted by itself.
func (b *builder) accounted(n plan.Node) *builder {
	c, env := *b, *b.env
	env.Budget = b.x.budgetOf(n)
	c.env = &env
	return &c
}

// operator is the one place that knows which operator does which node.
func (b *builder) operator(n plan.Node, used map[int]bool) (op.Op, error) {
	switch n := n.(type) {
	case *plan.Scan:
		return b.relation(n)
	case *plan.Values:
		if b.x.cfg.many {
			return b.keyRows(n), nil
		}
		env := b.env
		if b.x.cfg.serial { // what the functions of a row do is seen by those of the next
			one := *env
			one.Rows, env = 1, &one
		}
		return op.NewValues(env, n.Rows), nil
	case *plan.FuncScan:
		return op.NewFuncScan(b.env, setCall(n)), nil
	case *plan.CTERef:
		return b.cteRef(n)
	case *plan.Filter:
		return b.overFor(n.Input, reads(used, n.Cond), func(in op.Op) op.Op { return op.NewFilter(b.env, inTurn(in, n.Cond), n.Cond) })
	case *plan.Project:
		if hasSet(n.Exprs) {
			return b.over(n.Input, func(in op.Op) op.Op {
				return op.NewProjectSet(b.env, inTurn(in, n.Exprs...), plan.Width(n.Input), n.Exprs)
			})
		}
		return b.overFor(n.Input, reads(map[int]bool{}, n.Exprs...), func(in op.Op) op.Op { return op.NewProject(b.env, inTurn(in, n.Exprs...), n.Exprs) })
	case *plan.Aggregate:
		return b.aggregate(n)
	case *plan.Sort:
		if o := b.top(n); o != nil {
			return o, nil
		}
		b.topGroups(n)
		return b.over(n.Input, func(in op.Op) op.Op {
			return op.NewSort(b.env, in, typesOf(n.Input), n.Keys, n.Limit)
		})
	case *plan.Window:
		return b.over(n.Input, func(in op.Op) op.Op { return op.NewWindow(b.env, in, n) })
	case *plan.Limit:
		b.firstGroups(n)
		return b.over(n.Input, func(in op.Op) op.Op { return op.NewLimit(b.env, in, n) })
	case *plan.Distinct:
		return b.over(n.Input, func(in op.Op) op.Op {
			switch {
			case n.AnyOrder:
				return op.NewFirstRows(b.env, in, n.On, n.Order)
			case n.On != nil:
				return op.NewDistinctOn(b.env, in, n.On)
			}
			return op.NewDistinct(b.env, in, typesOf(n.Input))
		})
	case *plan.Join:
		return b.join(n, used)
	case *plan.SetOp:
		return b.setOp(n)
	case *plan.With:
		return b.withOver(n)
	case *plan.Modify:
		return b.modify(n)
	case *plan.Append:
		return b.appends(n)
	case *plan.LockRows:
		return b.over(n.Input, func(in op.Op) op.Op { return newRowLocker(b, n, in) })
	}
	return nil, pgerr.New(pgerr.FeatureNotSupported, "%s cannot stand inside a query", n.Describe())
}

// over builds the input and puts an operator over it.
func (b *builder) over(input plan.Node, make func(op.Op) op.Op) (op.Op, error) {
	return b.overFor(input, nil, make)
}

// overFor is over where the operator reads some columns only, nil: all.
func (b *builder) overFor(input plan.Node, used map[int]bool, make func(op.Op) op.Op) (op.Op, error) {
	in, err := b.buildFor(input, used)
	if err != nil {
		return nil, err
	}
	return make(in), nil
}

func typesOf(n plan.Node) []datum.Type {
	schema := n.Schema()
	out := make([]datum.Type, len(schema))
	for i, f := range schema {
		out[i] = f.Type
	}
	return out
}

func hasSet(list []expr.Expr) bool {
	for _, e := range list {
		if expr.HasSet(e) {
			return true
		}
	}
	return false
}

// relation scans what is not the log: rows that a relation of the catalog computes.
func (b *builder) relation(n *plan.Scan) (op.Op, error) {
	if n.Index != nil {
		return b.indexScan(n), nil
	}
	if n.Relation.Rows == nil {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "relation %q cannot be read yet", n.Relation.Name)
	}
	o := op.NewRows(b.env, func(ctx context.Context) (*vec.Batch, error) {
		c := *b.x.cfg.catalog
		if n.System != nil {
			s, err := b.x.see(ctx, n.System)
			if err != nil {
				return nil, err
			}
			if (n.System.Kind == plan.AsOf || n.System.Kind == plan.AsOfPosition) && !s.none {
				then, err := b.x.then(ctx, s)
				if err != nil {
					return nil, err
				}
				c.Catalog = b.x.cfg.catalogOf(then)
			}
			c.Catalog = c.Catalog.AsOf(s.last() + 1)
		}
		all, err := n.Relation.Rows(ctx, &c)
		if err != nil {
			return nil, err
		}
		out := &vec.Batch{Len: all.Len}
		for _, c := range n.Cols {
			out.Cols = append(out.Cols, all.Cols[c.Column])
		}
		return out, nil
	})
	if n.Filter != nil {
		o = op.NewFilter(b.env, o, n.Filter)
	}
	if n.Limit >= 0 {
		o = op.NewLimit(b.env, o, &plan.Limit{Count: int8Const(n.Limit)})
	}
	return o, nil
}

func int8Const(v int64) *expr.Const {
	c := vec.NewBuilder(vec.Int64, 1)
	c.AppendInt(v)
	return &expr.Const{Val: c.Finish(), Typ: datum.T(datum.Int8)}
}

func setCall(n *plan.FuncScan) *op.SetCall {
	return &op.SetCall{Fn: n.Fn, Args: n.Args, Types: typesOf(n), Ordinality: n.Ordinality}
}

func (b *builder) cteRef(n *plan.CTERef) (op.Op, error) {
	q, ok := b.with[n.ID]
	switch {
	case !ok:
		return nil, pgerr.New(pgerr.InternalError, "no rows of the WITH query %q", n.Name)
	case q.work != nil:
		return op.NewWorkingScan(q.work), nil
	}
	return op.NewSharedScan(q.shared), nil
}

func (b *builder) setOp(n *plan.SetOp) (op.Op, error) {
	left, err := b.build(n.Left)
	if err != nil {
		return nil, err
	}
	right, err := b.build(n.Right)
	if err != nil {
		return nil, closeWith(left, err)
	}
	switch {
	case n.Kind != plan.Union:
		return op.NewSetOp(b.env, n.Kind, n.All, left, right, typesOf(n)), nil
	case n.All:
		return op.NewUnionAll(left, right), nil
	}
	return op.NewDistinct(b.env, op.NewUnionAll(left, right), typesOf(n)), nil
}

// withOver makes the body over rows that are computed when it first reads them.
func (b *builder) withOver(n *plan.With) (op.Op, error) {
	def := func() (op.Op, error) { return b.build(n.Def) }
	if n.Rec != nil {
		def = func() (op.Op, error) { return b.recursive(n) }
	}
	q := withQuery{shared: op.NewShared(b.env, def)}
	if plan.Modifies(n.Def) {
		b.x.changing = append(b.x.changing, q.shared)
	}
	body, err := b.under(n.ID, q).build(n.Body)
	if err != nil {
		return nil, err
	}
	return op.NewWith(body, q.shared), nil
}

func (b *builder) recursive(n *plan.With) (op.Op, error) {
	first, err := b.build(n.Def)
	if err != nil {
		return nil, err
	}
	work := &op.Working{}
	in := b.under(n.ID, withQuery{work: work})
	return op.NewRecursive(b.env, first, func() (op.Op, error) { return in.build(n.Rec) }, work, typesOf(n.Def), n.All), nil
}

// OuterCols implements expr.SubqueryRunner.
func (b *builder) OuterCols(s *expr.Subquery) []int { return b.x.outerCols(s) }

// RunSubquery implements expr.SubqueryRunner.
func (b *builder) RunSubquery(_ *expr.EvalCtx, s *expr.Subquery, outer []expr.OuterRow) (*vec.Batch, error) {
	if !b.x.isFree(s) {
		return b.run(s, outer)
	}
	a := b.x.onceFor(s)
	a.do.Do(func() {
		defer op.Rescue(&a.err) // who asks after a bug must not find an answer without rows
		a.rows, a.err = b.run(s, outer)
	})
	return a.rows, a.err
}

func (b *builder) run(s *expr.Subquery, outer []expr.OuterRow) (*vec.Batch, error) {
	n, ok := s.Plan.(plan.Node)
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "a subquery without a plan")
	}
	in := b.inside(outer)
	o, err := in.build(in.weigh(n))
	if err != nil {
		return nil, err
	}
	limit := -1
	switch s.Kind {
	case expr.Exists:
		limit = 1
	case expr.Scalar, expr.RowQuery:
		limit = 2
	}
	rows, err := op.Collect(b.x.cfg.fn.Context, in.env, o, typesOf(n), limit)
	if err != nil {
		return nil, closeWith(o, err)
	}
	return rows, o.Close()
}
