package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/ddl"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// execute dispatches on the kind of statement. What is not named here is understood but not built yet: 0A000.
func (s *Session) execute(ctx context.Context, p *Prepared, params []*vec.Column) (*Rows, error) {
	switch st := p.stmt.Stmt.(type) {
	case *syntax.Query, *syntax.Insert, *syntax.Update, *syntax.Delete, *syntax.Merge, *syntax.Truncate:
		return s.query(ctx, p, params)
	case *syntax.Explain:
		return s.explain(ctx, st, p, params)
	case *syntax.Transaction:
		return s.transactionStmt(ctx, st, p, params)
	case *syntax.Set:
		return done("SET"), s.setStmt(st)
	case *syntax.SetTransaction:
		return done("SET"), s.setTransaction(ctx, st, p, params)
	case *syntax.Show:
		return s.show(st)
	case *syntax.Reset:
		return done("RESET"), s.resetStmt(st.Name)
	case *syntax.Discard:
		return done(st.Tag()), s.discard(ctx, st.What)
	case *syntax.Prepare:
		return done("PREPARE"), s.prepareStmt(ctx, st, p)
	case *syntax.Execute:
		return s.executeStmt(ctx, st, p)
	case *syntax.Deallocate:
		return done(st.Tag()), s.deallocate(st.Name)
	case *syntax.DeclareCursor:
		return done("DECLARE CURSOR"), s.declare(ctx, st, p, params)
	case *syntax.Fetch:
		return s.fetch(ctx, st)
	case *syntax.CloseCursor:
		return done(st.Tag()), s.closeCursor(st.Name)
	case *syntax.Listen:
		s.listen(s.channelName(st.Channel), true)
		return done(st.Tag()), nil
	case *syntax.Unlisten:
		s.listen(s.channelName(st.Channel), false)
		return done(st.Tag()), nil
	case *syntax.Notify:
		payload := ""
		if st.Payload != nil {
			payload = st.Payload.Text
		}
		return done(st.Tag()), s.notify(s.channelName(st.Channel), payload)
	case *syntax.SetConstraints:
		return done(st.Tag()), s.setConstraints(ctx, st)
	case *syntax.Do:
		return done(st.Tag()), s.doStmt(ctx, st)
	case *syntax.Call:
		return s.callStmt(ctx, p, params)
	case *syntax.Lock:
		return done(st.Tag()), s.lockStmt(ctx, st)
	case *syntax.Checkpoint:
		return done(st.Tag()), nil // every append is durable
	case *syntax.Vacuum, *syntax.Reindex, *syntax.Cluster:
		return done(st.Tag()), s.maintain(ctx, p)
	}
	if ddl.Plans(p.stmt.Stmt) {
		return s.define(ctx, p)
	}
	return nil, notYet(p.stmt.Stmt)
}

// query runs a plan.
func (s *Session) query(ctx context.Context, p *Prepared, params []*vec.Column) (*Rows, error) {
	p, err := s.settled(ctx, p, params)
	if err != nil {
		return nil, err
	}
	if p, err = s.current(ctx, p, params); err != nil {
		return nil, err
	}
	if p.locks || p.runs {
		return s.change(ctx, p, params)
	}
	if p, err = s.lockReads(ctx, p, params); err != nil {
		return nil, err
	}
	if a, ok := p.node.(*plan.Append); ok {
		return s.runAppend(ctx, p, a, params)
	}
	if p.locking != "" {
		if err := s.writable(p.locking); err != nil {
			return nil, err
		}
	}
	x, root, err := s.open(ctx, p, params)
	if err != nil {
		return nil, err
	}
	return streamed(ctx, p, x, root), nil
}

// current is a statement as the catalog is now: a plan that reads tables is made again where it was made for another catalog.
func (s *Session) current(ctx context.Context, p *Prepared, params []*vec.Column) (*Prepared, error) {
	if !p.tables || p.catalog == s.catalog() {
		return p, nil
	}
	out, err := s.compiledAgain(ctx, p, params)
	if err == nil && !slices.Equal(out.Fields, p.Fields) {
		err = errOtherResult()
	}
	return out, err
}

func errOtherResult() error {
	return pgerr.New(pgerr.FeatureNotSupported, "cached plan must not change result type")
}

// compiledAgain is a statement as it is bound now, with the values of its parameters.
func (s *Session) compiledAgain(ctx context.Context, p *Prepared, params []*vec.Column) (*Prepared, error) {
	out := *p
	if params == nil {
		params = []*vec.Column{}
	}
	return &out, s.compile(ctx, &out, p.ParamTypes, params)
}

// readsTables reports whether a plan is about tables of users.
func readsTables(n plan.Node) bool {
	return anyNode(n, func(n plan.Node) bool {
		switch n := n.(type) {
		case *plan.Scan:
			return n.Relation.Table != nil
		case *plan.Modify, *plan.Truncate:
			return true
		}
		return false
	})
}

// readsComputed reports whether a plan reads a table with an index whose use may depend on the constants of the statement.
func readsComputed(n plan.Node) bool {
	return anyNode(n, func(n plan.Node) bool {
		s, ok := n.(*plan.Scan)
		return ok && s.Relation.Table != nil &&
			slices.ContainsFunc(s.Relation.Table.Indexes, func(ix catalog.TableIndex) bool { return ix.Computed() })
	})
}

// anyNode reports whether is holds for a node of a plan or of the subqueries in it.
func anyNode(n plan.Node, is func(plan.Node) bool) bool {
	found := false
	plan.Walk(n, func(n plan.Node) bool {
		found = found || is(n) || slices.ContainsFunc(plan.Subplans(n), func(n plan.Node) bool { return anyNode(n, is) })
		return !found
	})
	return found
}

// streamed is the answer of a query, computed as it is asked for.
func streamed(ctx context.Context, p *Prepared, x *execution, root op.Op) *Rows {
	return &Rows{Fields: p.Fields, tag: "SELECT", counts: true,
		pull: func() (*vec.Batch, error) { return root.Next(ctx) },
		stop: func() { root.Close(); x.Close() }}
}

// writable refuses statements that write where nothing may be written.
func (s *Session) writable(what string) error {
	if s.inPast() || s.tx.readOnly || !s.tx.block && s.derive().readOnly {
		return pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", what)
	}
	return nil
}

func (s *Session) setStmt(st *syntax.Set) error {
	local := st.Scope == syntax.ScopeLocal
	if local && !s.tx.open() {
		s.warn(pgerr.NoActiveSQLTransaction, "SET LOCAL can only be used in transaction blocks")
		return nil
	}
	value, err := s.settingValue(st)
	switch {
	case err != nil || isRole(st.Name):
		return err // without authentication every user is the owner
	case value == nil:
		return s.vars.reset(st.Name)
	}
	return s.vars.set(st.Name, *value, local)
}

func isRole(setting string) bool { return setting == "role" || setting == "session_authorization" }

// settingValue reads the values of SET; nil: what the session began with.
func (s *Session) settingValue(st *syntax.Set) (*string, error) {
	if st.Default || st.Current {
		return nil, nil
	}
	words := make([]string, 0, len(st.Values))
	for _, v := range st.Values {
		w, err := s.settingWord(v)
		if err != nil {
			return nil, err
		}
		if isPath(st.Name) {
			w = funcs.QuoteIdent(w)
		}
		words = append(words, w)
	}
	if strings.EqualFold(st.Name, "timezone") && len(words) == 1 && (strings.EqualFold(words[0], "local") || strings.EqualFold(words[0], "default")) {
		return nil, nil
	}
	if len(words) > 1 && !isPath(st.Name) && !strings.EqualFold(st.Name, "datestyle") {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "SET %s takes only one argument", st.Name)
	}
	value := strings.Join(words, ", ")
	return &value, nil
}

// settingWord reads one value of SET: a constant, a bare word, or the interval of SET TIME ZONE.
func (s *Session) settingWord(e syntax.Expr) (string, error) {
	switch v := e.(type) {
	case *syntax.Const:
		return v.Text, nil
	case *syntax.ColumnRef:
		return dotted(v.Name), nil
	case *syntax.Unary:
		w, err := s.settingWord(v.X)
		return v.Op.Name + w, err
	case *syntax.Cast:
		return s.zoneInterval(v)
	}
	return "", pgerr.New(pgerr.SyntaxError, "SET takes constants only")
}

// zoneInterval is the time zone that an interval says, east of Greenwich.
func (s *Session) zoneInterval(c *syntax.Cast) (string, error) {
	text, ok := c.X.(*syntax.Const)
	if fields := c.Type.Fields; !ok || fields != "" && fields != "hour" && fields != "hour to minute" {
		return "", pgerr.New(pgerr.SyntaxError, "time zone interval must be HOUR or HOUR TO MINUTE")
	}
	mod, _ := datum.IntervalTypmod(c.Type.Fields, -1)
	b := vec.NewBuilder(vec.Interval, 1)
	if err := datum.ParseText(datum.Type{OID: datum.Interval, Mod: mod}, []byte(text.Text), b, s.env()); err != nil {
		return "", err
	}
	iv := b.Finish().Interval(0)
	if iv.Months != 0 || iv.Days != 0 {
		return "", pgerr.New(pgerr.InvalidParameterValue, "a time zone interval has hours and minutes only, not days or months")
	}
	zone, ok := datum.OffsetSetting(float64(iv.Micros) / 1e6)
	if !ok {
		return "", pgerr.New(pgerr.InvalidParameterValue, "time zone interval out of range")
	}
	return zone, nil
}

func (s *Session) setTransaction(ctx context.Context, st *syntax.SetTransaction, p *Prepared, params []*vec.Column) error {
	if st.Session {
		return s.setDefaultModes(st.Modes, p)
	}
	if !s.tx.open() {
		s.warn(pgerr.NoActiveSQLTransaction, "SET TRANSACTION can only be used in transaction blocks")
		return nil
	}
	if st.Snapshot != "" {
		return s.importSnapshot(ctx, st.Snapshot)
	}
	if s.tx.asked && (p.asOf != nil || hasMode(st.Modes, syntax.ModeIsolation)) {
		what := "SET TRANSACTION ISOLATION LEVEL"
		if p.asOf != nil {
			what = "SET TRANSACTION AS OF"
		}
		return pgerr.New(pgerr.ActiveSQLTransaction, "%s must be called before any query", what)
	}
	if s.tx.asked && s.tx.readOnly && hasMode(st.Modes, syntax.ModeReadWrite) {
		return pgerr.New(pgerr.ActiveSQLTransaction, "transaction read-write mode must be set before any query")
	}
	return s.setModes(ctx, st.Modes, p.asOf, params)
}

func showFields(st *syntax.Show) []Field {
	text := datum.T(datum.Text)
	if st.Name == "" {
		return []Field{{Name: "name", Type: text}, {Name: "setting", Type: text}, {Name: "description", Type: text}}
	}
	name := st.Name
	if p, ok := findSetting(name); ok {
		name = p.name
	}
	return []Field{{Name: name, Type: text}}
}

func (s *Session) show(st *syntax.Show) (*Rows, error) {
	var rows [][]string
	if st.Name == "" {
		for _, p := range settings {
			v, _ := s.vars.get(p.name)
			rows = append(rows, []string{p.name, v, p.doc})
		}
		return textRows("SHOW", showFields(st), rows), nil
	}
	v, ok := s.vars.get(st.Name)
	if !ok {
		return nil, pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter %q", st.Name)
	}
	return textRows("SHOW", showFields(st), [][]string{{v}}), nil
}

func (s *Session) resetStmt(name string) error {
	if name != "" {
		return s.vars.reset(name)
	}
	for key := range s.vars.session {
		if p, ok := findSetting(key); ok && (p.readOnly || key == "session_authorization") {
			continue
		}
		if err := s.vars.reset(key); err != nil {
			return err
		}
	}
	return nil
}

// discard makes the session like a new one, or a part of it.
func (s *Session) discard(ctx context.Context, what string) error {
	switch what {
	case "SEQUENCES":
		s.drawn = drawn{saved: s.drawn.saved}
	case "TEMP":
		return s.dropTemporary(ctx)
	case "ALL":
		if s.tx.block {
			return pgerr.New(pgerr.ActiveSQLTransaction, "DISCARD ALL cannot run inside a transaction block")
		}
		s.closeCursors()
		s.unlistenAll()
		clear(s.prepared)
		advisory{s}.UnlockAll()
		s.drawn = drawn{saved: s.drawn.saved}
		if err := s.resetStmt(""); err != nil {
			return err
		}
		if err := s.dropTemporary(ctx); err != nil {
			return err
		}
		s.forgetTemporary()
	}
	return nil // of plans nothing is kept that anybody could tell
}

func (s *Session) prepareStmt(ctx context.Context, st *syntax.Prepare, p *Prepared) error {
	if _, ok := s.prepared[st.Name]; ok {
		return pgerr.New(pgerr.DuplicatePreparedStatement, "prepared statement %q already exists", st.Name)
	}
	types := make([]datum.OID, len(st.Types))
	for i, t := range st.Types {
		typ, err := s.typeNamed(t)
		if err != nil {
			return err
		}
		types[i] = typ.OID
	}
	inner, err := s.prepare(ctx, syntax.Statement{Stmt: st.Stmt, Text: p.text, NumParams: p.stmt.NumParams}, p.script, types)
	if err != nil {
		return err
	}
	s.prepared[st.Name] = named{inner, p.text, s.engine.cfg.Now()}
	return nil
}

func (s *Session) executeStmt(ctx context.Context, st *syntax.Execute, p *Prepared) (*Rows, error) {
	target, err := s.preparedNamed(st.Name)
	if err != nil {
		return nil, err
	}
	params, err := s.executeArgs(ctx, st, target, p.script)
	if err != nil {
		return nil, err
	}
	return s.execute(ctx, target, params)
}

// preparedNamed is the statement that PREPARE gave a name.
func (s *Session) preparedNamed(name string) (*Prepared, error) {
	p, ok := s.prepared[name]
	if !ok {
		return nil, pgerr.New(pgerr.InvalidSQLStatementName, "prepared statement %q does not exist", name)
	}
	return p.Prepared, nil
}

// executeArgs are the values that an EXECUTE gives for the parameters of a statement.
func (s *Session) executeArgs(ctx context.Context, st *syntax.Execute, target *Prepared, script string) ([]*vec.Column, error) {
	if len(target.ParamTypes) == 0 {
		return nil, nil // values for none are not looked at
	}
	if len(st.Args) != len(target.ParamTypes) {
		return nil, pgerr.New(pgerr.SyntaxError, "wrong number of parameters for prepared statement %q", st.Name).
			WithDetail("Expected %d parameters but got %d.", len(target.ParamTypes), len(st.Args))
	}
	params := make([]*vec.Column, len(st.Args))
	for i, a := range st.Args {
		v, err := s.constant(ctx, a, datum.T(target.ParamTypes[i]), script)
		if err != nil {
			return nil, err
		}
		params[i] = v
	}
	return params, nil
}

func (s *Session) deallocate(name string) error {
	if name == "" {
		clear(s.prepared)
		return nil
	}
	if _, ok := s.prepared[name]; !ok {
		return pgerr.New(pgerr.InvalidSQLStatementName, "prepared statement %q does not exist", name)
	}
	delete(s.prepared, name)
	return nil
}
