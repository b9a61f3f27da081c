package engine

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// executionConfig is what one execution of a plan needs.
type executionConfig struct {
	opening
	fn        *funcs.Ctx
	params    []*vec.Column
	log       viewer
	stored    Log               // that log as it is, without what a session makes of it; may be nil
	present   *present          // nil: the newest state of the log
	own       storage.DraftPart // events that come behind that: those that the transaction has appended
	after     int64             // scans begin at this position
	catalog   *catalog.Context
	catalogOf func(storage.View) *catalog.Catalog // as of another moment
	memory    int64                               // bytes that the operators may hold together
	shared    *op.Budget                          // of all executions
	rows      int                                 // per batch, 0: vec.BatchRows
	workers   int
	operators bool     // no node is carried out together with another (Config.Operators)
	session   *Session // of statements that change tables or lock their rows; nil: it only reads
	work      *work    // of the transaction; nil: it has done nothing
	command   int32    // what commands before this one did is seen
	many      bool     // the parameters have many rows, which are those of VALUES
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
	// outermost is what root is made of, here since each execution needs it.
	outermost struct {
		builder builder
		eval    expr.EvalCtx
		env     op.Env
	}

	callers callers

	latestMu sync.Mutex
	latest   seen
	looked   bool  // latest is known
	withOwn  *seen // latest and the transaction's own events

	// Most executions need none of these maps; they are made when something is put.
	mu    sync.Mutex
	views map[*plan.TimeClause]seen
	stats map[plan.Node]*op.Stats
	held  map[plan.Node]*op.Budget
	outer map[*expr.Subquery][]int
	free  map[*expr.Subquery]bool
	once  map[*expr.Subquery]*onceAnswer
	top   map[*plan.Aggregate]*op.TopGroups
	first map[*plan.Aggregate]*plan.Limit

	changing []*op.Shared  // WITH queries that change tables
	counts   []modifyCount // rows that were changed
}

// modifyCount is how many rows a node has changed.
type modifyCount struct {
	n     *plan.Modify
	count int64
}

// changed is how many rows a node has changed.
func (x *execution) changed(n *plan.Modify) int64 {
	for _, c := range x.counts {
		if c.n == n {
			return c.count
		}
	}
	return 0
}

// seen is the part of the log that a scan reads: a view, cut before the position end unless that is 0.
type seen struct {
	view storage.View
	end  int64
	none bool // nothing at all
}

// last is the position of the last event that is seen, 0 if there is none.
func (s seen) last() int64 {
	switch {
	case s.none:
		return 0
	case s.end > 0:
		return s.end - 1
	}
	return s.view.End() - 1
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
	if cfg.serial {
		cfg.workers = 1
	}
	x := &execution{
		cfg: cfg, budget: cfg.shared.Child(cfg.memory),
	}
	fn := x.cfg.fn
	fn.ReadTime, fn.Entities = x.readTime, entityReader{x}
	if x.callers.x = x; cfg.session != nil {
		fn.Routines = &x.callers
	}
	top := &x.outermost
	x.root = &top.builder
	top.builder = builder{x: x, env: &top.env}
	top.eval = expr.EvalCtx{Fn: cfg.fn, Params: cfg.params, Subqueries: x.root}
	top.env = op.Env{X: &top.eval, Budget: x.budget, Rows: cfg.rows, Workers: max(1, cfg.workers)}
	return x
}

// build makes the operators of a plan. They are closed before the execution.
func (x *execution) build(n plan.Node) (op.Op, error) { return x.root.build(x.root.weigh(n)) }

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
		put(&x.stats, n, s)
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
		put(&x.held, n, b)
	}
	return b
}

// readTime is the moment whose answers are those of this execution.
func (x *execution) readTime() (storage.Micros, error) {
	now, err := x.committed(x.cfg.fn.Context)
	switch {
	case err != nil:
		return 0, err
	case now.end > 0 || now.none:
		return 0, errNoMoment()
	case now.view.Rows() == 0 && x.cfg.present == nil:
		return x.cfg.fn.StmtNow, nil
	}
	return now.view.At(), nil
}

func errNoMoment() error {
	return pgerr.New(pgerr.ObjectNotInPrerequisite, "a position has no moment of its own").WithHint("Ask as of a moment instead of a position.")
}

// see finds what a scan with the clause reads. All scans without a clause see the log at one moment, and so do all with
// the same clause.
func (x *execution) see(ctx context.Context, c *plan.TimeClause) (seen, error) {
	if c == nil {
		return x.now(ctx)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, ok := x.views[c]; ok {
		return s, nil
	}
	s, err := x.resolve(ctx, c)
	if err == nil {
		put(&x.views, c, s)
	}
	return s, err
}

// now is what the statement takes for the newest state of the log, and behind it the events of its transaction.
func (x *execution) now(ctx context.Context) (seen, error) {
	s, err := x.committed(ctx)
	if err != nil || s.none || s.end > 0 || x.cfg.own.Empty() {
		return s, err
	}
	x.latestMu.Lock()
	defer x.latestMu.Unlock()
	if x.withOwn == nil {
		x.withOwn = &seen{view: x.cfg.own.Over(s.view, x.cfg.fn.Now)}
	}
	return *x.withOwn, nil
}

// committed is now without what the transaction has appended. It has a lock of its own, since the expression of a time clause may
// ask for it.
func (x *execution) committed(ctx context.Context) (seen, error) {
	x.latestMu.Lock()
	defer x.latestMu.Unlock()
	if x.looked {
		return x.latest, nil
	}
	if p := x.cfg.present; p != nil {
		x.latest, x.looked = p.seen, true
		return p.seen, nil
	}
	v, err := x.cfg.log.View(ctx, storage.Latest)
	if err != nil {
		return seen{}, err
	}
	x.latest, x.looked = seen{view: v}, true
	return x.latest, nil
}

func (x *execution) resolve(ctx context.Context, c *plan.TimeClause) (seen, error) {
	if c == nil || c.Kind == plan.All {
		return x.now(ctx)
	}
	if c.Kind == plan.AsOfPosition {
		return x.atPosition(ctx, c)
	}
	if c.Kind == plan.AsOf {
		at, err := x.moment(c.From)
		if err != nil {
			return seen{}, err
		}
		return x.at(ctx, at)
	}
	return x.period(ctx, c)
}

// at finds what is seen as of a moment.
func (x *execution) at(ctx context.Context, at storage.Micros) (seen, error) {
	v, err := x.cfg.log.View(ctx, at)
	if err != nil {
		return seen{}, err
	}
	return x.cfg.present.within(seen{view: v}, "AS OF SYSTEM TIME")
}

// period finds what FOR SYSTEM_TIME FROM … TO and BETWEEN see. An event once recorded is there for ever, so its period ends
// never, and a period that is not empty has in common with those of the events recorded before its end (SQL:2011).
func (x *execution) period(ctx context.Context, c *plan.TimeClause) (seen, error) {
	from, err := x.bound(c.From)
	if err != nil {
		return seen{}, err
	}
	to, err := x.bound(c.To)
	if err != nil {
		return seen{}, err
	}
	if from > to || from == to && c.Kind == plan.FromTo {
		return seen{none: true}, nil
	}
	if to > x.cfg.fn.StmtNow {
		return x.now(ctx)
	}
	if c.Kind == plan.FromTo {
		to-- // the end is not in the period
	}
	v, err := x.cfg.log.View(ctx, to)
	if err != nil {
		return seen{}, err
	}
	now, err := x.committed(ctx)
	if s := (seen{view: v}); err == nil && s.last() < now.last() {
		return s, err
	}
	return now, err
}

// moment evaluates the moment of a clause.
func (x *execution) moment(e expr.Expr) (storage.Micros, error) {
	v, err := expr.Value(x.root.env.X, e)
	if err != nil {
		return 0, err
	}
	return moment(e.Type(), v, x.cfg.fn.StmtNow, x.cfg.fn.Env)
}

// bound is moment for the bound of a period, which may lie in the future.
func (x *execution) bound(e expr.Expr) (storage.Micros, error) {
	at, err := x.moment(e)
	if errors.Is(err, storage.ErrFuture) {
		return math.MaxInt64, nil
	}
	return at, err
}

func (x *execution) atPosition(ctx context.Context, c *plan.TimeClause) (seen, error) {
	p, err := expr.Value(x.root.env.X, c.From)
	if err != nil {
		return seen{}, err
	}
	if p.Null(0) {
		return seen{}, pgerr.New(pgerr.NullValueNotAllowed, "AS OF POSITION must not be null")
	}
	return x.before(ctx, p.Int(0))
}

// before finds what is seen of the log up to a position.
func (x *execution) before(ctx context.Context, pos int64) (seen, error) {
	now, err := x.committed(ctx)
	if err != nil {
		return seen{}, err
	}
	switch {
	case pos > now.last():
		now.view.Rows() // that it is not there was read
		return seen{}, pgerr.New(pgerr.InvalidParameterValue, "position %d is not in the log yet", pos).
			WithDetail("The last position is %d.", now.last())
	case pos < 1:
		return seen{none: true}, nil
	default:
		return seen{view: now.view, end: pos + 1}, nil
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
	put(&x.outer, s, out)
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
		put(&x.free, s, free)
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
		put(&x.once, s, a)
	}
	return a
}

// put puts something into a map that may not be there yet.
func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

// closeWith closes an operator after a failure and keeps the first error.
func closeWith(o op.Op, err error) error { return errors.Join(err, o.Close()) }
