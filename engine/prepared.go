package engine

import (
	"context"
	"slices"
	"time"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/opt"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// Prepared is a statement that was analysed: what it takes and what it gives are known. It may be executed many times.
type Prepared struct {
	ParamTypes []datum.OID
	Fields     []Field // nil when it gives no rows
	stmt       syntax.Statement
	script     string // what positions count in
	text       string
	node       plan.Node        // optimized; nil for statements that are no queries
	tables     bool             // it is about tables of users
	catalog    *catalog.Catalog // that it was analysed with
	locks      bool             // it changes tables or locks their rows
	changed    []tableLock      // the tables that it changes or locks rows of
	changing   bool             // the plan is not to be kept: a view in it follows the log
	moving     bool             // a view in it is that of a moment, which is only known when the statement is executed
	described  bool             // the client was told what columns it gives
	runs       bool             // it calls functions that run statements
	keyed      bool             // what its VALUES says, parameters, are as many rows as those have: a statement of the engine's own
	routine    *bind.Routine    // the function whose statement it is; nil: nobody's
	procedure  *syntax.FuncCall // of CALL
	locking    string           // what locks rows, as SELECT FOR UPDATE
	planning   time.Duration
	moments    []int            // parameters that name the moment of an AS OF clause
	asOf       *plan.TimeClause // of BEGIN and SET TRANSACTION
	given      []*vec.Column    // parameters of inner, where that is the statement with its integers lifted
	cursor     bool             // it is the query of a cursor
	rows       []bind.CursorRows
	inner      *Prepared // of EXPLAIN, DECLARE, CREATE TABLE AS…: the query inside
}

// Copy says whether the statement is a COPY, and which way.
func (p *Prepared) Copy() CopyDirection {
	st, ok := p.stmt.Stmt.(*syntax.Copy)
	switch {
	case !ok:
		return NoCopy
	case st.From:
		return CopyFrom
	}
	return CopyTo
}

// Changes reports whether the statement does something that a failure later in its transaction must undo: it adds events or
// changes a parameter.
func (p *Prepared) Changes() bool {
	switch st := p.stmt.Stmt.(type) {
	case *syntax.Set, *syntax.Reset, *syntax.Do:
		return true
	case *syntax.Explain:
		o, err := parseExplain(st)
		return err == nil && o.analyze && p.inner.Changes()
	}
	return p.appends() || p.locks || p.runs || p.procedure != nil || p.inner != nil && p.inner.procedure != nil
}

// Prepare analyses a statement of a script. types are the parameters' types where the client says them (0: inferred).
func (s *Session) Prepare(ctx context.Context, st syntax.Statement, script string, types []datum.OID) (*Prepared, error) {
	if err := s.mayRun(st.Stmt); err != nil {
		return nil, err
	}
	p, err := s.analysed(ctx, st, script, types)
	for err == nil {
		var altered bool
		if altered, err = s.altered(ctx, p); !altered || err != nil {
			break
		}
		if s.planned != nil { // it is of what was there before
			st, err = s.readAgain(script)
		}
		if err == nil {
			p, err = s.analysed(ctx, st, script, types)
		}
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return p, nil
}

// readAgain is the only statement of a script as it was written, instead of one that was found in the cache.
func (s *Session) readAgain(script string) (st syntax.Statement, err error) {
	stmts, err := syntax.Parse(script)
	if err == nil {
		st, s.whole, s.planned = stmts[0], stmts[0].Stmt, nil
	}
	return st, err
}

// analysed is Prepare of a statement as it is now, whoever has kept its plan.
func (s *Session) analysed(ctx context.Context, st syntax.Statement, script string, types []datum.OID) (*Prepared, error) {
	if p := s.liftedPlan(st, script); p != nil && len(types) == 0 {
		return p, nil
	} else if p != nil {
		// Types of parameters that the text does not have: its integers stay what they are.
		var err error
		if st, err = s.readAgain(script); err != nil {
			return nil, err
		}
	}
	if p := s.planOf(st, script, types); p != nil {
		return p, nil
	}
	p, err := s.prepare(ctx, st, script, s.resolved(types))
	if err != nil {
		return nil, err
	}
	s.keepPlan(st, script, types, p)
	s.keepLifted(ctx, st, types)
	return p, nil
}

// resolved are the types that a client names by their OIDs, as expressions have them.
func (s *Session) resolved(types []datum.OID) []datum.OID {
	out := types
	for i, t := range types {
		if datum.Lookup(t) != nil || t == 0 {
			continue
		}
		if own, _ := s.catalog().Resolve(catalog.TypeRef{OID: t, Mod: -1}); own.OID != t {
			if &out[0] == &types[0] {
				out = slices.Clone(types)
			}
			out[i] = own.OID
		}
	}
	return out
}

// MayRun is nil if the statement may run now: in a failed transaction only its end may.
func (s *Session) MayRun(p *Prepared) error { return s.mayRun(p.stmt.Stmt) }

func (s *Session) mayRun(st syntax.Stmt) error {
	if t, ok := st.(*syntax.Transaction); s.tx.failed && (!ok || !endsBlock(t.Kind)) {
		return pgerr.New(pgerr.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	}
	return nil
}

func endsBlock(k syntax.TransactionKind) bool {
	return k == syntax.Commit || k == syntax.Rollback || k == syntax.RollbackTo
}

func (s *Session) prepare(ctx context.Context, st syntax.Statement, script string, types []datum.OID) (*Prepared, error) {
	return s.prepareIn(ctx, nil, st, script, types)
}

// prepareIn is prepare for a statement of a function, nil: of none.
func (s *Session) prepareIn(ctx context.Context, of *bind.Routine, st syntax.Statement, script string, types []datum.OID) (_ *Prepared, err error) {
	defer op.Rescue(&err)
	st.Stmt = selectInto(st.Stmt)
	p := &Prepared{stmt: st, script: script, text: st.Text, routine: of}
	switch t := st.Stmt.(type) {
	case *syntax.Query, *syntax.Insert, *syntax.Update, *syntax.Delete, *syntax.Merge, *syntax.Truncate:
		return p, s.compile(ctx, p, types, nil)
	case *syntax.Explain:
		inner, err := s.explained(ctx, st, t, script, types)
		if err != nil {
			return nil, err
		}
		p.inner, p.Fields = inner, explainFields(t)
		if p.executed() == nil {
			p.ParamTypes = inner.ParamTypes
		}
	case *syntax.DeclareCursor:
		inner := &Prepared{stmt: syntax.Statement{Stmt: t.Query, Text: st.Text, NumParams: st.NumParams}, script: script, text: st.Text, cursor: true}
		if err := s.compile(ctx, inner, types, nil); err != nil {
			return nil, err
		}
		p.inner, p.ParamTypes = inner, inner.ParamTypes
	case *syntax.Execute:
		target, err := s.preparedNamed(t.Name)
		if err != nil {
			return nil, err
		}
		p.Fields = target.Fields
	case *syntax.Fetch:
		if cur, ok := s.cursors[t.Cursor]; ok && !t.Move {
			p.Fields = cur.rows.Fields
		}
	case *syntax.Call:
		return p, s.prepareCall(ctx, p, t, types)
	case *syntax.Show:
		p.Fields = showFields(t)
	case *syntax.Transaction:
		return p, s.compileMoment(p, t.Modes, types)
	case *syntax.SetTransaction:
		return p, s.compileMoment(p, t.Modes, types)
	}
	return p, nil
}

// selectInto makes SELECT INTO the CREATE TABLE AS that it is.
func selectInto(st syntax.Stmt) syntax.Stmt {
	q, ok := st.(*syntax.Query)
	if !ok {
		return st
	}
	sel, ok := q.Body.(*syntax.Select)
	if !ok || sel.Into == nil {
		return st
	}
	source, plain := *q, *sel
	plain.Into, source.Body = nil, nil
	source.Body = &plain
	return &syntax.CreateTableAs{At: q.At, Persistence: sel.Into.Persistence, Name: sel.Into.Name, Source: &source}
}

// Constants are computed while a statement is planned if that takes no longer, and if they are no larger.
const (
	foldTime = 50 * time.Millisecond
	foldRoom = 1 << 20
)

// compile binds and optimizes a query. params are the values of its parameters if they are known.
func (s *Session) compile(ctx context.Context, p *Prepared, types []datum.OID, params []*vec.Column) error {
	start := time.Now()
	in := s.bindContext(ctx, p.script, params)
	in.Routine, in.Procedure = p.routine, p.procedure
	if q, ok := p.stmt.Stmt.(*syntax.Query); ok && p.cursor {
		in.Cursor, _ = q.Body.(*syntax.Select)
	}
	bound, err := bind.Bind(in, p.stmt.Stmt, types)
	if err != nil {
		return err
	}
	// What takes long or is large is left to the execution, which its timeout ends.
	opts := s.optOptions(context.Background())
	quick, done := context.WithTimeout(ctx, foldTime)
	defer done()
	opts.Context.Fn.Context, opts.Context.Fn.Room = quick, foldRoom
	if p.keyed { // the rows, of which it knows nothing, are those to hold
		opts.Off["swap-joins"], opts.Off["index-joins"] = true, true
	}
	node, err := opt.Optimize(bound.Node, opts)
	if err != nil {
		return err
	}
	p.planning = time.Since(start)
	p.node, p.ParamTypes, p.Fields, p.moments = node, bound.ParamTypes, bound.Fields, bound.TimeParams
	p.rows = bound.Rows
	p.changing, p.moving, p.locking = bound.Changing, bound.Moving, bound.Locks
	_, empties := node.(*plan.Truncate)
	p.locks = empties || plan.Locks(node)
	p.runs = runsRoutines(node)
	p.tables, p.catalog, p.changed = p.runs || readsTables(node), s.catalog(), changedTables(node)
	return nil
}

// Execute runs a statement and returns its answer. params are columns of one row each, of the types in ParamTypes.
func (s *Session) Execute(ctx context.Context, p *Prepared, params []*vec.Column) (*Rows, error) {
	if err := s.MayRun(p); err != nil {
		return nil, err
	}
	s.engine.metrics.Statements.Add(1)
	ctx, run := s.begin(ctx, p.text)
	if p.given != nil {
		p, params = p.inner, p.given
	}
	rows, err := rescued(func() (*Rows, error) { return s.execute(ctx, p, params) })
	if err != nil {
		run.end()
		return nil, s.fail(ctx, err)
	}
	if rows.pull == nil && rows.stop == nil {
		run.end() // it is over
		return rows, nil
	}
	return s.supervise(ctx, run, rows), nil
}

// supervise makes an answer report its errors as the client is told them, and end its statement when it is closed.
func (s *Session) supervise(ctx context.Context, run *running, rows *Rows) *Rows {
	out := *rows
	if rows.pull != nil {
		out.pull = func() (*vec.Batch, error) {
			if err := ctx.Err(); err != nil {
				return nil, s.fail(ctx, err)
			}
			b, err := rescued(rows.pull)
			if err == nil {
				err = s.durable(ctx)
			}
			if b != nil {
				s.engine.metrics.Rows.Add(int64(b.Len))
			}
			return b, s.fail(ctx, err)
		}
	}
	out.resume, out.pause = run.resume, run.pause
	out.stop = func() {
		if rows.stop != nil {
			rows.stop()
		}
		run.close()
	}
	return &out
}

// rescued calls f and makes a panic its error.
func rescued[T any](f func() (T, error)) (out T, err error) {
	defer op.Rescue(&err)
	return f()
}

// ParseParam reads the text of parameter i (from 0). One that names the moment of an AS OF clause may have any form that
// the clause takes: '-10m' is ten minutes before the statement that it is bound to.
func (s *Session) ParseParam(p *Prepared, i int, text []byte, b *vec.Builder, env *datum.Env) error {
	if !slices.Contains(p.moments, i+1) || p.ParamTypes[i] != datum.TimestampTZ {
		return datum.ParseText(datum.T(p.ParamTypes[i]), text, b, env)
	}
	at, err := momentText(string(text), micros(s.engine.cfg.Now()), env)
	if err == nil {
		b.AppendInt(at)
	}
	return err
}
