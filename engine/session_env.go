package engine

import (
	"context"
	"strings"
	"time"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/opt"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// derived is what every statement asks of the parameters, kept until one of them changes.
type derived struct {
	version     int // of vars
	env         datum.Env
	timeout     time.Duration    // of a statement; 0: none
	longest     time.Duration    // of a transaction; 0: none
	lockTimeout time.Duration    // 0: none
	idle        [2]time.Duration // how long the client may wait outside and inside of a transaction; 0: for ever
	readOnly    bool             // outside a block
	asOf        string           // default_transaction_as_of
	isolation   [2]string        // outside and inside of a block
	planning    string           // part of the key of plans
	leastWeight int              // of the messages that the client wants
}

func (s *Session) derive() *derived {
	if s.derived.version != s.vars.version {
		readOnly, _ := s.vars.get("default_transaction_read_only")
		asOf, _ := s.vars.get("default_transaction_as_of")
		least, _ := s.vars.get("client_min_messages")
		outside, _ := s.vars.get("default_transaction_isolation")
		inside, _ := s.vars.get("transaction_isolation")
		s.derived = derived{isolation: [2]string{outside, inside}, version: s.vars.version, env: s.newEnv(), timeout: s.vars.duration("statement_timeout"), longest: s.vars.duration("transaction_timeout"), lockTimeout: s.vars.duration("lock_timeout"),
			idle:     [2]time.Duration{s.vars.duration("idle_session_timeout"), s.vars.duration("idle_in_transaction_session_timeout")},
			readOnly: readOnly == "on", asOf: asOf, planning: s.vars.planning(), leastWeight: weight[strings.ToUpper(least)]}
	}
	return &s.derived
}

// duration is the value of a parameter that is one. It was checked when it was set.
func (v *vars) duration(name string) time.Duration {
	text, _ := v.get(name)
	d, _ := parseDuration(text)
	return d
}

// transactionTimeout is the SQLSTATE of a transaction that took too long.
const transactionTimeout pgerr.Code = "25P04"

// IdleLimit is how long the session may wait for its client's next command, and what the connection is ended with after that; 0: for ever.
func (s *Session) IdleLimit() (time.Duration, *pgerr.Error) {
	outside, inside := s.derive().idle[0], s.derive().idle[1]
	left, limited := s.timeLeft()
	switch {
	case s.tx.block && limited && (inside == 0 || left <= inside):
		return left, pgerr.New(transactionTimeout, "%w", errTooLong)
	case s.tx.block && inside > 0:
		return inside, pgerr.New("25P03", "terminating connection due to idle-in-transaction timeout")
	case !s.tx.block && outside > 0:
		return outside, pgerr.New("57P05", "terminating connection due to idle-session timeout")
	}
	return 0, nil
}

// timeLeft is how long the transaction may go on, if that is limited.
func (s *Session) timeLeft() (left time.Duration, limited bool) {
	d := s.derive().longest
	if d == 0 {
		return 0, false // the clock need not be looked at
	}
	return max(d-time.Since(s.tx.began), 1), true
}

// limit is how long the statement that goes on now may take, 0: for ever, and why it may not take longer.
func (s *Session) limit() (time.Duration, error) {
	d := s.derive().timeout
	if left, limited := s.timeLeft(); limited && (d == 0 || left <= d) {
		return left, errTooLong
	}
	return d, errTimeout
}

// env returns how values are read and printed in this session.
func (s *Session) env() *datum.Env {
	e := s.derive().env
	e.Now = s.now()
	return &e
}

// newEnv reads the parameters; the time is not among them.
func (s *Session) newEnv() datum.Env {
	get := func(name string) string {
		v, _ := s.vars.get(name)
		return v
	}
	e := datum.Env{ByteaEscape: get("bytea_output") == "escape"}
	if zone, _, ok := datum.ZoneSetting(get("TimeZone")); ok {
		e.Location = zone
	}
	style, order, _ := strings.Cut(get("DateStyle"), ", ")
	e.DateFormat = map[string]datum.DateFormat{"SQL": datum.SQLDates, "Postgres": datum.PostgresDates, "German": datum.GermanDates}[style]
	e.DateOrder = map[string]datum.DateOrder{"DMY": datum.DMY, "YMD": datum.YMD}[order]
	e.IntervalFormat = map[string]datum.IntervalFormat{"postgres_verbose": datum.VerboseIntervals, "sql_standard": datum.StandardIntervals,
		"iso_8601": datum.ISOIntervals}[get("IntervalStyle")]
	e.ExtraFloatDigits = atoi(get("extra_float_digits"))
	e.RegName, e.RegLookup = s.regName, s.regLookup
	return e
}

func atoi(s string) int {
	n, neg := 0, strings.HasPrefix(s, "-")
	for _, c := range strings.TrimPrefix(s, "-") {
		n = n*10 + int(c-'0')
	}
	if neg {
		return -n
	}
	return n
}

// now is transaction_timestamp: the same through a transaction.
func (s *Session) now() storage.Micros {
	if s.tx.now == 0 || !s.tx.open() {
		s.tx.now = micros(s.engine.cfg.Now())
	}
	return s.tx.now
}

// regKinds are the relations that reg types name objects of.
var regKinds = map[datum.OID]string{datum.Regclass: "pg_class", datum.Regnsp: "pg_namespace", datum.Regrole: "pg_roles"}

// regName prints an object of a reg type; what the search path finds is printed without its schema.
func (s *Session) regName(kind, oid datum.OID) (string, bool) {
	switch kind {
	case datum.Regtype:
		if datum.Lookup(oid) == nil {
			return s.info().CatalogText("type", oid, 0)
		}
		return datum.FormatType(datum.T(oid)), true
	case datum.Regoper, datum.Regoperator:
		return operatorName(oid, kind == datum.Regoperator)
	case datum.Regproc, datum.Regproced:
		f := funcs.LookupFuncOID(oid)
		if own, ok := s.catalog().Object(oid).(*catalog.FunctionObject); ok {
			return s.ownFunctionName(own, kind == datum.Regproced), true
		}
		if f == nil {
			return "", false
		}
		if kind == datum.Regproc {
			return f.Name, true
		}
		args := make([]string, len(f.Args))
		for i, a := range f.Args {
			args[i] = datum.FormatType(datum.T(a))
		}
		return f.Name + "(" + strings.Join(args, ",") + ")", true
	}
	schema, name, ok := s.info().CatalogName(regKinds[kind], oid)
	if !ok {
		return "", false
	}
	shown := funcs.QuoteIdent(name)
	if found, ok := s.info().CatalogOID(regKinds[kind], "", name); schema != "" && (!ok || found != oid) {
		shown = funcs.QuoteIdent(schema) + "." + shown
	}
	return shown, true
}

// operatorName prints an operator as regoper, with its schema where several have the name, or with its arguments as regoperator.
func operatorName(oid datum.OID, signature bool) (string, bool) {
	var found *funcs.Func
	named := map[string]int{}
	for _, o := range funcs.Operators() {
		if named[o.Name]++; o.OID == oid {
			found = &o
		}
	}
	switch {
	case found == nil:
		return "", false
	case !signature && named[found.Name] > 1:
		return "pg_catalog." + found.Name, true
	case !signature:
		return found.Name, true
	}
	args := []string{"NONE"}[:2-min(len(found.Args), 2)]
	for _, a := range found.Args {
		args = append(args, datum.FormatType(datum.T(a)))
	}
	return found.Name + "(" + strings.Join(args, ",") + ")", true
}

// regLookup finds the object that the text of a reg type names.
func (s *Session) regLookup(kind datum.OID, text string) (datum.OID, bool) {
	switch kind {
	case datum.Regtype:
		e, err := syntax.ParseExpr("NULL::" + text)
		if err != nil {
			return 0, false
		}
		cast, ok := e.(*syntax.Cast)
		if !ok {
			return 0, false
		}
		t, err := bind.TypeNamed(&bind.Context{Catalog: s.catalog(), SearchPath: s.searchPath(), Env: s.env(), Text: text}, cast.Type)
		return t.OID, err == nil
	case datum.Regproc, datum.Regproced:
		name, list, signature := functionNamed(text)
		for _, f := range funcs.LookupFunc(strings.ToLower(strings.TrimPrefix(name, "pg_catalog."))) {
			if !signature || s.takes(f.Args, list) {
				return f.OID, true
			}
		}
		return s.ownFunctionNamed(text)
	}
	parts := identifiers(text)
	if len(parts) == 0 {
		return 0, false
	}
	schema := ""
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	return s.info().CatalogOID(regKinds[kind], schema, parts[len(parts)-1])
}

// identifiers splits a possibly qualified, possibly quoted name and folds what is not quoted.
func identifiers(text string) []string {
	e, err := syntax.ParseExpr(text)
	if err != nil {
		return nil
	}
	if c, ok := e.(*syntax.ColumnRef); ok && !c.Star {
		return c.Name
	}
	return nil
}

// funcCtx is what functions may know of the statement that starts now, under a catalog.
func (s *Session) funcCtx(ctx context.Context, env *datum.Env, c *catalog.Catalog) *funcs.Ctx {
	return &funcs.Ctx{Context: ctx, Env: env, Now: s.now(), StmtNow: micros(s.engine.cfg.Now()), Session: sessionInfo{s, c}, Sequences: numbers{s}, Advisory: advisory{s},
		Room: s.engine.cfg.Memory / 2}
}

func (s *Session) optOptions(ctx context.Context) opt.Options {
	o := opt.Options{Off: map[string]bool{}, Context: &expr.EvalCtx{Fn: s.funcCtx(ctx, s.env(), s.catalog())}, Stats: logStats{ctx: func() context.Context { return ctx }, log: s.log.Log}, Indexed: s.indexed(), Whole: s.isWhole,
		IndexRule: func(rel *catalog.Relation, ix *catalog.TableIndex) (plan.IndexRule, error) {
			in := s.momentContext("")
			in.Catalog = s.catalog()
			return bind.IndexRule(in, rel, ix)
		}}
	if v, _ := s.vars.get("optimizer_off"); v != "" {
		for name := range strings.SplitSeq(v, ",") {
			o.Off[strings.TrimSpace(name)] = true
		}
	}
	return o
}

// constant evaluates an expression without columns as the type: an argument of EXECUTE.
func (s *Session) constant(ctx context.Context, e syntax.Expr, t datum.Type, script string) (*vec.Column, error) {
	q := &syntax.Query{Body: &syntax.Select{Targets: []*syntax.Target{{Expr: e}}}}
	p, err := s.prepare(ctx, syntax.Statement{Stmt: q, Text: script}, script, nil)
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, p, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	b, err := rows.Next()
	if err != nil {
		return nil, err
	}
	return funcs.Convert(s.funcCtx(ctx, s.env(), s.catalog()), p.Fields[0].Type, t, b.Cols[0], 1, false)
}

// typeNamed resolves a type's name as the binder does.
func (s *Session) typeNamed(t *syntax.TypeName) (datum.Type, error) {
	null := &syntax.Const{At: t.At, Kind: syntax.NullConst}
	q := &syntax.Query{Body: &syntax.Select{Targets: []*syntax.Target{{Expr: &syntax.Cast{At: t.At, X: null, Type: t}}}}}
	p, err := s.prepare(context.Background(), syntax.Statement{Stmt: q}, "", nil)
	if err != nil {
		return datum.Type{}, err
	}
	return p.Fields[0].Type, nil
}

// logStats tells the optimizer how large the log is and what is in it.
type logStats struct {
	ctx func() context.Context
	log Log
}

// Rows is how many rows a stored relation has, -1 unknown.
func (l logStats) Rows(string) float64 {
	v, err := l.log.View(l.ctx(), storage.Latest)
	if err != nil {
		return -1
	}
	return float64(v.Rows())
}

// TableRows is how many rows a table has, -1 unknown.
func (l logStats) TableRows(table datum.OID) float64 {
	v, err := l.log.View(l.ctx(), storage.Latest)
	if err != nil {
		return -1
	}
	return float64(v.Table(storage.TableID(table)).Rows())
}

// Log describes the events, nil unknown.
func (l logStats) Log() *opt.LogStats {
	log, ok := l.log.(interface {
		Statistics(ctx context.Context) (*storage.Statistics, error)
	})
	if !ok {
		return nil
	}
	s, err := log.Statistics(l.ctx())
	if err != nil || s.Rows == 0 {
		return nil // the query itself will say what is wrong
	}
	return &opt.LogStats{Entities: float64(s.Entities), Types: s.Types,
		Timestamp: [2]int64{s.Timestamp.Low, s.Timestamp.High}, RecordedAt: [2]int64{s.RecordedAt.Low, s.RecordedAt.High}}
}
