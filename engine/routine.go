package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// maxRoutines is how deep functions may call functions that run statements.
const maxRoutines = 1000

// routine is the body of a users' function that runs, for calls with arguments of certain types.
type routine struct {
	def      *catalog.FunctionObject
	list     []syntax.Statement
	prepared []*Prepared // nil: not yet; a statement may need what those before it have made
	of       *bind.Routine
	ret      datum.Type
	result   expr.Expr // over what the last statement gives; nil: nothing of it is returned
	fields   []Field   // that result was made for
}

// routineKey says whose body a routine is, for which types, and under which parameters.
type routineKey struct {
	def      *catalog.FunctionObject
	types    string
	planning string
}

// maxKeptRoutines bounds how many bodies a session keeps.
const maxKeptRoutines = 256

// routine parses the body of a function, or finds it as it was left.
func (s *Session) routine(def *catalog.FunctionObject, ret datum.Type, types []datum.OID) (*routine, error) {
	key := routineKey{def, fmt.Sprint(ret, types), s.derive().planning}
	if r := s.routines[key]; r != nil {
		return r, nil
	}
	list, err := syntax.Parse(def.Body)
	if err != nil {
		return nil, err
	}
	r := &routine{def: def, list: list, prepared: make([]*Prepared, len(list)), of: &bind.Routine{Def: def, Args: types}, ret: ret}
	if len(s.routines) >= maxKeptRoutines {
		clear(s.routines)
	}
	put(&s.routines, key, r)
	return r, nil
}

// callers runs users' functions for an execution (funcs.Routines). Its workers call one after the other.
type callers struct {
	mu     sync.Mutex
	x      *execution
	resume []int32 // commands as which the statement went on after a call
}

// Values implements funcs.Routines.
func (c *callers) Values(_ *funcs.Ctx, id datum.OID, ret datum.Type, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	b := datum.NewBuilder(ret, 1)
	b.AppendNull()
	null := b.Finish()
	out := make([]*vec.Column, n)
	for i := range out {
		list, err := c.call(id, ret, types, args, i, false)
		if err != nil {
			return nil, err
		}
		if out[i] = null; len(list) > 0 {
			out[i] = list[0].Slice(0, 1)
		}
	}
	return op.Concat(null.Kind, out), nil
}

// Rows implements funcs.Routines.
func (c *callers) Rows(_ *funcs.Ctx, id datum.OID, ret datum.Type, types []datum.Type, args []*vec.Column, i int) (*vec.Column, error) {
	list, err := c.call(id, ret, types, args, i, true)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return op.Concat(list[0].Kind, list), nil
}

// call runs a function for a row of arguments, and gives the values that it returns, in columns without an empty one.
func (c *callers) call(id datum.OID, ret datum.Type, types []datum.Type, args []*vec.Column, i int, set bool) ([]*vec.Column, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ctx := c.x.cfg.session, c.x.cfg.fn.Context
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.depth >= maxRoutines {
		return nil, pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").WithHint("Functions call each other more than %d levels deep.", maxRoutines)
	}
	s.depth++
	defer func() { s.depth-- }()
	at, n, err := c.calledAsOf(ctx, id, types, args, i)
	if err != nil {
		return nil, err
	}
	def, ok := s.catalogAt(at).Object(id).(*catalog.FunctionObject)
	if !ok {
		return nil, pgerr.New(pgerr.UndefinedFunction, "function with OID %d does not exist", id)
	}
	given, params := make([]datum.OID, n), make([]*vec.Column, n)
	for k := range params {
		given[k], params[k] = types[k].OID, args[k].Slice(i, i+1)
		if def.Strict && args[k].Null(i) {
			return nil, nil
		}
	}
	if def.Config != nil {
		defer s.vars.within(def.Config)()
	}
	r, err := s.routine(def, ret, given)
	if err != nil {
		return nil, err
	}
	leave := s.enter(r, c.x, at)
	defer func() {
		if leave(); def.Volatility == "v" {
			s.tx.work.command++
			c.resume = append(c.resume, s.tx.work.command)
		}
	}()
	var out []*vec.Column
	for k := range r.list {
		if out, err = s.runStatement(ctx, r, k, params, set); err != nil {
			return nil, inCode(explainError(ctx, err), fmt.Sprintf("SQL function %q statement %d", def.Name, k+1))
		}
	}
	return out, nil
}

// othersDid reports whether a command is one of a function that the statement has called.
func (c *callers) othersDid(command int32) bool {
	return command > c.x.cfg.command && !slices.Contains(c.resume, command)
}

// calledAsOf finds what a call takes for the newest state, nil: what its transaction does, and how many arguments are the function's. One more
// is the moment of the AS OF clause around the call.
func (c *callers) calledAsOf(ctx context.Context, id datum.OID, types []datum.Type, args []*vec.Column, i int) (at *present, n int, err error) {
	x := c.x
	if n = len(args); n == 0 {
		return x.cfg.session.tx.present, n, nil
	}
	if def, ok := x.cfg.catalog.Catalog.Object(id).(*catalog.FunctionObject); ok && len(args) <= len(def.Inputs()) {
		return x.cfg.session.tx.present, n, nil
	}
	n--
	moment, err := moment(types[n], args[n].Slice(i, i+1), x.cfg.fn.StmtNow, x.cfg.fn.Env)
	if err != nil {
		return nil, 0, err
	}
	seen, err := x.at(ctx, moment)
	if err == nil {
		at, err = x.present(ctx, seen)
	}
	return at, n, err
}

// enter makes the statements that follow those of a function that the execution x calls, until leave. Those of a volatile one see what was done so far,
// by the statement that calls it too; those of others see what that statement sees.
func (s *Session) enter(r *routine, x *execution, at *present) (leave func()) {
	w := &s.tx.work
	before, late, command := s.tx.present, w.late, w.command
	w.late = checks{}
	s.tx.present = at
	fixed := r.def.Volatility != "v"
	if fixed {
		w.command = x.cfg.command
		if at == nil {
			if now, err := x.committed(x.cfg.fn.Context); err == nil {
				s.tx.present = &present{seen: now}
			}
		}
	}
	return func() {
		w := &s.tx.work
		s.tx.present, w.late, w.running = before, late, true
		if fixed {
			w.command = command
		}
	}
}

// runStatement runs statement k of a function, and gives what the function returns if it is the last one: all rows of it for a set, else the first.
func (s *Session) runStatement(ctx context.Context, r *routine, k int, params []*vec.Column, set bool) ([]*vec.Column, error) {
	w := &s.tx.work
	if w.running = true; r.def.Volatility == "v" {
		w.command++
	}
	p, err := s.statementOf(ctx, r, k)
	if err != nil {
		return nil, err
	}
	last := k == len(r.list)-1
	if last {
		if err := s.resultOf(ctx, r, p); err != nil {
			return nil, err
		}
	}
	rows, err := s.execute(ctx, p, params)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*vec.Column
	for {
		b, err := rows.Next()
		if b == nil || err != nil {
			return out, err
		}
		if !last || r.result == nil || b.Len == 0 {
			continue
		}
		col, err := expr.Eval(&expr.EvalCtx{Fn: s.funcCtx(ctx, s.env(), s.catalog())}, r.result, b)
		if err != nil {
			return nil, err
		}
		if out = append(out, col); !set {
			return out, nil
		}
	}
}

// statementOf prepares a statement of a function.
func (s *Session) statementOf(ctx context.Context, r *routine, k int) (*Prepared, error) {
	if p := r.prepared[k]; p != nil {
		return p, nil
	}
	st := r.list[k]
	switch t := st.Stmt.(type) {
	case *syntax.Transaction:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "%s is not allowed in an SQL function", t.Tag())
	case *syntax.Copy:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "cannot COPY to/from client in an SQL function")
	}
	p, err := s.prepareIn(ctx, r.of, st, r.def.Body, r.of.Args)
	if err != nil {
		return nil, err
	}
	if _, query := p.stmt.Stmt.(*syntax.Query); r.def.Volatility != "v" && (!query || p.locks || p.appends()) {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "%s is not allowed in a non-volatile function", p.stmt.Stmt.Tag())
	}
	r.prepared[k] = p
	return p, nil
}

// resultOf makes what a function returns of what its last statement gives.
func (s *Session) resultOf(ctx context.Context, r *routine, p *Prepared) (err error) {
	if r.result != nil && len(r.fields) == len(p.Fields) {
		return nil
	}
	r.fields = p.Fields
	r.result, err = bind.Result(s.bindContext(ctx, "", nil), r.def, r.ret, p.Fields)
	return err
}

// appends reports whether the statement is about events to append.
func (p *Prepared) appends() bool {
	_, ok := p.node.(*plan.Append)
	return ok
}

// callStmt runs a procedure.
func (s *Session) callStmt(ctx context.Context, p *Prepared, params []*vec.Column) (*Rows, error) {
	rows, err := s.query(ctx, p.inner, params) // carried out to its end, as it runs a routine
	if err != nil || p.Fields == nil {
		return done("CALL"), err
	}
	rows.tag, rows.counts = "CALL", false
	return rows, nil
}

// prepareCall makes CALL the query over the rows of a procedure that it is.
func (s *Session) prepareCall(ctx context.Context, p *Prepared, c *syntax.Call, types []datum.OID) error {
	table := &syntax.FuncTable{At: c.At, Funcs: []*syntax.FuncItem{{At: c.At, Expr: c.Func}}}
	q := &syntax.Query{At: c.At, Body: &syntax.Select{At: c.At, Targets: []*syntax.Target{{Expr: &syntax.ColumnRef{Star: true}}}, From: []syntax.TableExpr{table}}}
	st := p.stmt
	st.Stmt = q
	p.inner = &Prepared{stmt: st, script: p.script, text: p.text, procedure: c.Func}
	if err := s.compile(ctx, p.inner, types, nil); err != nil {
		return err
	}
	p.ParamTypes, p.Fields = p.inner.ParamTypes, p.inner.Fields
	if len(p.Fields) == 1 && p.Fields[0].Type.OID == datum.Void {
		p.Fields = nil
	}
	return nil
}

// runsRoutines reports whether a plan calls functions that run statements.
func runsRoutines(n plan.Node) bool {
	return anyNode(n, func(n plan.Node) bool {
		if f, ok := n.(*plan.FuncScan); ok && f.Fn.Runs {
			return true
		}
		return slices.ContainsFunc(plan.Exprs(n), expr.RunsStatements)
	})
}

// inTurn gives rows one by one to expressions that call functions which run statements.
func inTurn(in op.Op, list ...expr.Expr) op.Op {
	if slices.ContainsFunc(list, expr.RunsStatements) {
		return op.NewSingly(in)
	}
	return in
}
