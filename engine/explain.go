package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/opt"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// explainOptions are the options of an EXPLAIN.
type explainOptions struct {
	analyze, verbose, json bool
	costs, timing, summary bool
}

func parseExplain(st *syntax.Explain) (explainOptions, error) {
	o := explainOptions{timing: true, costs: true}
	said := map[string]bool{}
	for _, op := range st.Options {
		on, err := optionBool(op)
		said[op.Name] = true
		switch op.Name {
		case "format":
			err = nil
			switch strings.ToLower(op.Text) {
			case "text":
			case "json":
				o.json = true
			default:
				err = pgerr.New(pgerr.InvalidParameterValue, "unrecognized value for EXPLAIN option \"format\": %q", op.Text).WithHint("Use text or json.")
			}
		case "analyze":
			o.analyze = on
		case "verbose":
			o.verbose = on
		case "costs":
			o.costs = on
		case "timing":
			o.timing = on
		case "summary":
			o.summary = on
		case "buffers", "settings", "wal", "generic_plan", "memory":
		default:
			err = pgerr.New(pgerr.SyntaxError, "unrecognized EXPLAIN option %q", op.Name)
		}
		if err != nil {
			return o, err
		}
	}
	if said["timing"] && o.timing && !o.analyze {
		return o, pgerr.New(pgerr.InvalidParameterValue, "EXPLAIN option TIMING requires ANALYZE")
	}
	if !said["summary"] {
		o.summary = o.analyze
	}
	return o, nil
}

// explainFields is the one column that EXPLAIN gives.
func explainFields(st *syntax.Explain) []Field {
	t := datum.T(datum.Text)
	if o, err := parseExplain(st); err == nil && o.json {
		t = datum.T(datum.JSON)
	}
	return []Field{{Name: "QUERY PLAN", Type: t}}
}

// explained prepares the statement that an EXPLAIN is about: of CREATE TABLE AS and DECLARE CURSOR it is their query.
func (s *Session) explained(ctx context.Context, st syntax.Statement, x *syntax.Explain, script string, types []datum.OID) (*Prepared, error) {
	target := x.Stmt
	switch t := target.(type) {
	case *syntax.CreateTableAs:
		target = t.Source
	case *syntax.DeclareCursor:
		target = t.Query
	}
	if o, err := parseExplain(x); err == nil && o.analyze && target != x.Stmt {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "EXPLAIN ANALYZE of %s is not supported", x.Stmt.Tag())
	}
	if e, ok := target.(*syntax.Execute); ok {
		return s.preparedNamed(e.Name)
	}
	inner, err := s.prepare(ctx, syntax.Statement{Stmt: target, Text: st.Text, NumParams: st.NumParams}, script, types)
	if err == nil && inner.node == nil {
		return nil, notYet(x.Stmt)
	}
	return inner, err
}

// executed is the EXECUTE that an EXPLAIN is about, nil if it is about another statement.
func (p *Prepared) executed() *syntax.Execute {
	x, ok := p.stmt.Stmt.(*syntax.Explain)
	if !ok {
		return nil
	}
	target := x.Stmt
	if t, ok := target.(*syntax.CreateTableAs); ok {
		target = t.Source
	}
	e, _ := target.(*syntax.Execute)
	return e
}

// explain answers EXPLAIN; with ANALYZE the statement is run and its rows are forgotten.
func (s *Session) explain(ctx context.Context, st *syntax.Explain, p *Prepared, params []*vec.Column) (*Rows, error) {
	o, err := parseExplain(st)
	if err != nil {
		return nil, err
	}
	if e := p.executed(); e != nil {
		if params, err = s.executeArgs(ctx, e, p.inner, p.script); err != nil {
			return nil, err
		}
	}
	inner, err := s.settled(ctx, p.inner, params)
	if err != nil {
		return nil, err
	}
	if inner, err = s.current(ctx, inner, params); err != nil {
		return nil, err
	}
	if !inner.locks && !inner.runs {
		if inner, err = s.lockReads(ctx, inner, params); err != nil {
			return nil, err
		}
	}
	if inner, err = s.weighed(ctx, inner, params); err != nil {
		return nil, err
	}
	opts := plan.ExplainOptions{Verbose: o.verbose, Costs: o.costs, Timing: o.timing, Rows: opt.Estimator(s.optOptions(ctx).Stats)}
	var times plan.ExplainTimes
	if o.summary {
		times.Planning = inner.planning
	}
	if o.analyze {
		start := time.Now()
		var x *execution
		if inner, x, err = s.analyzed(ctx, inner, params); err != nil {
			return nil, err
		}
		defer x.Close()
		opts.Stats = x.planStats
		if o.summary {
			times.Execution = time.Since(start)
		}
	}
	if o.json {
		text, err := plan.ExplainJSON(inner.node, opts, times)
		if err != nil {
			return nil, err
		}
		return textRows("EXPLAIN", p.Fields, [][]string{{string(text)}}), nil
	}
	var rows [][]string
	for _, line := range append(plan.Explain(inner.node, opts), times.Lines()...) {
		rows = append(rows, []string{strings.TrimRight(line, " ")})
	}
	return textRows("EXPLAIN", p.Fields, rows), nil
}

// weighed is a statement with the plan that is executed.
func (s *Session) weighed(ctx context.Context, p *Prepared, params []*vec.Column) (*Prepared, error) {
	cfg, err := s.presentConfig(ctx, params)
	if err != nil {
		return nil, err
	}
	x := newExecution(cfg)
	defer x.Close()
	out := *p
	out.node = x.root.weighAll(p.node, true)
	return &out, nil
}

// analyzed runs a statement to its end; what it appends and changes stays. It returns it as it was run, and the execution, which the caller
// closes.
func (s *Session) analyzed(ctx context.Context, p *Prepared, params []*vec.Column) (*Prepared, *execution, error) {
	if !p.locks && !p.runs {
		x, err := s.counted(ctx, p.node, params)
		return p, x, err
	}
	if err := s.writable(p.stmt.Stmt.Tag()); err != nil {
		return nil, nil, err
	}
	var x *execution
	_, err := s.atomic(ctx, func() (_ *Rows, err error) {
		if p, err = s.lockTables(ctx, p, params); err == nil {
			x, err = s.counted(ctx, p.node, params)
		}
		return nil, err
	})
	if err != nil && x != nil {
		x.Close()
	}
	return p, x, err
}

// counted runs a plan to its end and counts.
func (s *Session) counted(ctx context.Context, n plan.Node, params []*vec.Column) (*execution, error) {
	a, appends := n.(*plan.Append)
	if appends {
		if err := s.writable("INSERT"); err != nil {
			return nil, err
		}
		defer s.appendsAlone()()
		n = a.Input
	}
	start := time.Now()
	x, root, err := s.openNode(ctx, n, params, opening{analyze: true, serial: runsRoutines(n)})
	if err != nil {
		return nil, err
	}
	if appends {
		var rows *vec.Batch
		if _, rows, err = s.appendFrom(ctx, x, root, a, conditionOf(a, params), false); err == nil {
			x.countAppend(a, rows, time.Since(start))
		}
	} else {
		err = drain(ctx, root)
	}
	if err == nil {
		err = x.complete(ctx)
	}
	if err = closeWith(root, err); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

// countAppend notes what an append took; its rows are those that it gave back.
func (x *execution) countAppend(a *plan.Append, rows *vec.Batch, took time.Duration) {
	c := x.statsOf(a)
	c.Loops.Store(1)
	c.First.Store(took.Nanoseconds())
	c.Nanos.Store(took.Nanoseconds())
	if rows != nil {
		c.Rows.Store(int64(rows.Len))
	}
}

// planStats is what EXPLAIN ANALYZE prints of a node, nil when nothing was counted.
func (x *execution) planStats(n plan.Node) *plan.Stats {
	x.mu.Lock()
	c, held := x.stats[n], x.held[n]
	x.mu.Unlock()
	if c == nil {
		return nil
	}
	s := &plan.Stats{Rows: c.Rows.Load(), Loops: c.Loops.Load(), First: time.Duration(c.First.Load()), Time: time.Duration(c.Nanos.Load()),
		Workers: c.Workers.Load(), Bytes: c.Bytes.Load(), Groups: c.Groups.Load(), Skipped: c.Skipped.Load(), Known: c.Known.Load(), Left: c.Left.Load()}
	if held != nil {
		s.Memory, s.Spilled = held.Peak(), held.Spilled()
	}
	if scanned := c.Scanned.Load(); scanned > s.Rows {
		s.Filtered = scanned - s.Rows
	}
	return s
}

// entered counts nodes whose work is done by the workers of a scan for an aggregate above them: no operator of theirs is opened.
func (x *execution) entered(c *eventChain, above ...plan.Node) {
	for _, n := range slices.Concat([]plan.Node{c.scan}, c.nodes, above) {
		if s := x.statsOf(n); s != nil {
			s.Loops.Add(1)
		}
	}
}

// drain runs a query to its end for EXPLAIN ANALYZE and forgets the rows.
func drain(ctx context.Context, in source) error {
	for {
		b, err := in.Next(ctx)
		if err != nil || b == nil {
			return err
		}
	}
}
