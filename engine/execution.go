package engine

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// executionConfig is what one execution of a plan needs.
type executionConfig struct {
	fn      *funcs.Ctx
	params  []*vec.Column
	log     viewer
	catalog *catalog.Context
	memory  int64      // bytes that the operators may hold together
	shared  *op.Budget // of all executions
	rows    int        // per batch, 0: vec.BatchRows
	workers int
	analyze bool // count for EXPLAIN ANALYZE
}

// viewer gives the log as of a moment.
type viewer interface {
	View(ctx context.Context, at storage.Micros) (storage.View, error)
}

// execution is one run of a plan: the moments that its scans look at, its memory, its answers to subqueries. Workers of a
// scan use it concurrently.
type execution struct {
	cfg    executionConfig
	budget *op.Budget
	root   *builder

	mu     sync.Mutex
	latest storage.View
	views  map[*plan.TimeClause]seen
	stats  map[plan.Node]*op.Stats
	held   map[plan.Node]*op.Budget
	outer  map[*expr.Subquery][]int
	free   map[*expr.Subquery]bool
	once   map[*expr.Subquery]*onceAnswer
	top    map[*plan.Aggregate]*op.TopGroups
}

// seen is the part of the log that a scan reads: a view, cut before the position end unless that is 0.
type seen struct {
	view storage.View
	end  int64
	none bool // nothing at all
}

// onceAnswer is the answer of a subquery that is the same for every row.
type onceAnswer struct {
	do   sync.Once
	rows *vec.Batch
	err  error
}

// newExecution prepares a run. Close frees it, after the operators.
func newExecution(cfg executionConfig) *execution {
	if cfg.rows == 0 {
		cfg.rows = vec.BatchRows
	}
	x := &execution{
		cfg: cfg, budget: cfg.shared.Child(cfg.memory),
		views: map[*plan.TimeClause]seen{}, stats: map[plan.Node]*op.Stats{}, held: map[plan.Node]*op.Budget{}, outer: map[*expr.Subquery][]int{},
		free: map[*expr.Subquery]bool{}, once: map[*expr.Subquery]*onceAnswer{},
		top: map[*plan.Aggregate]*op.TopGroups{},
	}
	x.root = &builder{x: x}
	x.root.env = &op.Env{X: x.root.evalCtx(nil), Budget: x.budget, Rows: cfg.rows, Workers: max(1, cfg.workers)}
	return x
}

// build makes the operators of a plan. They are closed before the execution.
func (x *execution) build(n plan.Node) (op.Op, error) { return x.root.build(n) }

// eval evaluates an expression over a batch.
func (x *execution) eval(e expr.Expr, b *vec.Batch) (*vec.Column, error) {
	return expr.Eval(x.root.env.X, e, b)
}

// Close frees what the execution keeps. It may be called more than once.
func (x *execution) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.once)
	clear(x.views)
	x.latest = nil
	return nil
}

// statsOf returns the counters of a node, nil unless the execution counts.
func (x *execution) statsOf(n plan.Node) *op.Stats {
	if !x.cfg.analyze {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.stats[n]
	if s == nil {
		s = &op.Stats{}
		x.stats[n] = s
	}
	return s
}

// budgetOf is a node's own part of the budget, so that EXPLAIN ANALYZE can tell what it held.
func (x *execution) budgetOf(n plan.Node) *op.Budget {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.held[n]
	if b == nil {
		b = x.budget.Child(x.cfg.memory)
		x.held[n] = b
	}
	return b
}

// see finds what a scan with the clause reads. All scans without a clause see the log at one moment, and so do all with
// the same clause.
func (x *execution) see(ctx context.Context, c *plan.TimeClause) (seen, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, ok := x.views[c]; ok {
		return s, nil
	}
	s, err := x.resolve(ctx, c)
	if err == nil {
		x.views[c] = s
	}
	return s, err
}

func (x *execution) now(ctx context.Context) (storage.View, error) {
	if x.latest != nil {
		return x.latest, nil
	}
	v, err := x.cfg.log.View(ctx, storage.Latest)
	x.latest = v
	return v, err
}

func (x *execution) resolve(ctx context.Context, c *plan.TimeClause) (seen, error) {
	if c == nil || c.Kind == plan.All {
		v, err := x.now(ctx)
		return seen{view: v}, err
	}
	if c.Kind == plan.AsOfPosition {
		return x.atPosition(ctx, c)
	}
	if c.Kind == plan.AsOf {
		at, err := x.moment(c.From)
		if err != nil {
			return seen{}, err
		}
		v, err := x.cfg.log.View(ctx, at)
		return seen{view: v}, err
	}
	from, err := x.latestMoment(c.From)
	if err != nil {
		return seen{}, err
	}
	to, err := x.latestMoment(c.To)
	if err != nil {
		return seen{}, err
	}
	if c.Kind == plan.FromTo {
		if from >= to {
			return seen{none: true}, nil
		}
		if to != storage.Latest {
			to-- // the end is not in the period
		}
	} else if from > to {
		return seen{none: true}, nil
	}
	// An event once recorded is there for ever, so the period has those recorded before its end.
	v, err := x.cfg.log.View(ctx, to)
	return seen{view: v}, err
}

// moment evaluates the moment of a clause.
func (x *execution) moment(e expr.Expr) (storage.Micros, error) {
	v, err := expr.Value(x.root.env.X, e)
	if err != nil {
		return 0, err
	}
	return moment(e.Type(), v, x.cfg.fn.StmtNow, x.cfg.fn.Env)
}

// latestMoment is moment for the bounds of a period, which may lie in the future: then it is whatever is latest.
func (x *execution) latestMoment(e expr.Expr) (storage.Micros, error) {
	v, err := expr.Value(x.root.env.X, e)
	if err != nil {
		return 0, err
	}
	if t := e.Type().OID; (t == datum.TimestampTZ || t == datum.Timestamp) && !v.Null(0) && v.Int(0) > x.cfg.fn.StmtNow {
		return storage.Latest, nil
	}
	return moment(e.Type(), v, x.cfg.fn.StmtNow, x.cfg.fn.Env)
}

func (x *execution) atPosition(ctx context.Context, c *plan.TimeClause) (seen, error) {
	p, err := expr.Value(x.root.env.X, c.From)
	if err != nil {
		return seen{}, err
	}
	if p.Null(0) {
		return seen{}, pgerr.New(pgerr.NullValueNotAllowed, "AS OF POSITION must not be null")
	}
	v, err := x.now(ctx)
	if err != nil {
		return seen{}, err
	}
	switch pos := p.Int(0); {
	case pos >= v.End():
		return seen{}, pgerr.New(pgerr.InvalidParameterValue, "position %d is not in the log yet", pos).
			WithDetail("The last position is %d.", v.End()-1)
	case pos < 1:
		return seen{none: true}, nil
	default:
		return seen{view: v, end: pos + 1}, nil
	}
}

// outerCols lists what a subquery reads of the row that holds it.
func (x *execution) outerCols(s *expr.Subquery) []int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if c, ok := x.outer[s]; ok {
		return c
	}
	var out []int
	if n, ok := s.Plan.(plan.Node); ok {
		for i := range plan.OuterUses(n, 1) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	x.outer[s] = out
	return out
}

// isFree reports whether a subquery reads nothing from around it, neither rows nor WITH queries: then it runs once, whoever
// asks, also where it calls volatile functions.
func (x *execution) isFree(s *expr.Subquery) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	free, ok := x.free[s]
	if !ok {
		n := s.Plan.(plan.Node)
		free = !plan.Correlated(n) && !readsWith(n, map[int]bool{})
		x.free[s] = free
	}
	return free
}

// readsWith reports whether a plan reads a WITH query that is not its own.
func readsWith(n plan.Node, own map[int]bool) bool {
	found := false
	plan.Walk(n, func(n plan.Node) bool {
		switch n := n.(type) {
		case *plan.With:
			own[n.ID] = true
		case *plan.CTERef:
			found = found || !own[n.ID]
		}
		for _, sub := range plan.Subplans(n) {
			found = found || readsWith(sub, own)
		}
		return !found
	})
	return found
}

// onceFor returns the place of the answer of a free subquery.
func (x *execution) onceFor(s *expr.Subquery) *onceAnswer {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.once[s]
	if a == nil {
		a = &onceAnswer{}
		x.once[s] = a
	}
	return a
}

// closeWith closes an operator after a failure and keeps the first error.
func closeWith(o op.Op, err error) error { return errors.Join(err, o.Close()) }
