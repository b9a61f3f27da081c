package engine

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage"
)

// Session is one client's conversation: settings, transaction, prepared statements and cursors of SQL. It is used by one
// goroutine at a time; only interrupt may be called from another.
type Session struct {
	engine    *Engine
	log       sessionLog
	opts      SessionOptions
	pid       int32
	secret    uint32
	vars      vars
	derived   derived
	tx        transaction
	locker    *lock.Session // nil until it locks something
	internals internals
	drawn     drawn
	advisory  *lock.Owner // nil until it locks a number
	temporary temporaries
	latest    versionCatalog // the newest that it has met; no catalog: none yet
	overlay   overlay
	past      pastCatalog
	pretended *catalog.Catalog // while a definition is carried out: what stands for the catalog; nil: it is itself
	newest    bool             // statements see the newest state, whatever the snapshot of their transaction
	prepared  map[string]named
	protocol  map[string]named // statements that the client has prepared without PREPARE
	planned   *cachedPlan      // of the script that was parsed last; nil: it was not in the cache
	whole     syntax.Stmt      // the one statement of that script; nil: it has several
	lifted    *lifted          // of that script, nil: it has no values that could be parameters
	cursors   map[string]*cursor
	ruled     map[*plan.RowRules]*ruled
	routines  map[routineKey]*routine
	depth     int       // of functions that run statements and call each other
	mailbox   *mailbox  // nil until it listens
	began     time.Time // of the session
	over      error     // why the connection is to end; nil: it is not

	mu        sync.Mutex // guards what other sessions look at
	running   *running   // nil: no statement runs
	queryText string
	queryAt   time.Time
	txAt      time.Time // zero: no transaction
	state     string
	stateAt   time.Time

	reported   map[string]string
	reportedAt int // the version of vars then
}

var (
	errUserCancel = errors.New("canceling statement due to user request")
	errTimeout    = errors.New("canceling statement due to statement timeout")
	errTooLong    = errors.New("terminating connection due to transaction timeout")
	errTerminated = errors.New("terminating connection due to administrator command")
)

func newSession(e *Engine, log Log, opts SessionOptions) *Session {
	s := &Session{
		engine: e, opts: opts, vars: newVars(), prepared: map[string]named{}, cursors: map[string]*cursor{},
		began: e.cfg.Now(), state: "idle", stateAt: e.cfg.Now(),
	}
	s.log = sessionLog{log, s}
	return s
}

// PID and Secret are the session's cancel key.
func (s *Session) PID() int32 { return s.pid }

// Secret returns the secret half of the cancel key.
func (s *Session) Secret() uint32 { return s.secret }

// Close ends the session and rolls back what is open.
func (s *Session) Close() {
	s.tx.reset(s)
	if s.advisory != nil {
		s.advisory.Release()
	}
	s.closeCursors()
	s.forgetTemporary()
	s.unlistenAll()
	s.engine.drop(s)
}

// Env returns how values are read and printed in this session just now.
func (s *Session) Env() *datum.Env { return s.env() }

// Status is the transaction status that ReadyForQuery reports: 'I', 'T' or 'E'.
func (s *Session) Status() byte {
	switch {
	case s.tx.failed:
		return 'E'
	case s.tx.block:
		return 'T'
	}
	return 'I'
}

// notice sends the client a message that is not an error, if it wants to hear of such.
func (s *Session) notice(n *pgerr.Error) {
	if s.opts.Notice != nil && (n.Severity == pgerr.Info || weight[n.Severity.String()] >= s.derive().leastWeight) {
		s.opts.Notice(n)
	}
}

// warn sends the client a warning.
func (s *Session) warn(code pgerr.Code, message string) {
	s.notice(&pgerr.Error{Code: code, Message: message, Severity: pgerr.Warning})
}

// weight orders what client_min_messages may be.
var weight = map[string]int{"DEBUG5": 1, "DEBUG4": 2, "DEBUG3": 3, "DEBUG2": 4, "DEBUG": 4, "DEBUG1": 5, "LOG": 6, "NOTICE": 7, "WARNING": 8, "ERROR": 9}

// Report returns the parameters whose values changed since the last call (all of them the first time), as ParameterStatus
// messages tell them.
func (s *Session) Report() map[string]string {
	if s.reportedAt == s.vars.version {
		return nil
	}
	s.reportedAt = s.vars.version
	out := map[string]string{}
	for i := range settings {
		if !settings[i].report {
			continue
		}
		v, _ := s.vars.get(settings[i].name)
		if old, ok := s.reported[settings[i].name]; !ok || old != v {
			out[settings[i].name] = v
		}
	}
	if s.reported == nil {
		s.reported = map[string]string{}
	}
	maps.Copy(s.reported, out)
	return out
}

func (s *Session) interrupt(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		s.running.cancel(cause)
	}
}

// fail turns an error of a statement into what the client is told, and breaks the transaction block if there is one.
func (s *Session) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	s.engine.metrics.Errors.Add(1)
	if s.tx.block || s.tx.implicit {
		s.tx.failed = true
		s.tx.abandon()
	}
	if lost := s.durable(context.WithoutCancel(ctx)); lost != nil {
		err = lost
	}
	var bug *op.Panic
	if errors.As(err, &bug) {
		s.engine.cfg.Logger.Error("a statement met a bug", "statement", s.queryText, "panic", bug.Value, "stack", string(bug.Stack))
		return pgerr.New(pgerr.InternalError, "%w", bug).WithHint("This is a bug in the server, and its log has the details.")
	}
	err = explainError(ctx, err)
	if errors.Is(err, errTooLong) {
		s.over = err
	}
	return err
}

// Over is the error that ends the connection, nil: it goes on.
func (s *Session) Over() error { return s.over }

// explainError gives every error its SQLSTATE.
func explainError(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		cause := context.Cause(ctx)
		if errors.Is(cause, errTooLong) {
			return pgerr.New(transactionTimeout, "%w", cause)
		}
		if errors.Is(cause, errUserCancel) || errors.Is(cause, errTimeout) {
			return pgerr.New(pgerr.QueryCanceled, "%w", cause)
		}
		if errors.Is(cause, errTerminated) {
			return pgerr.New(pgerr.AdminShutdown, "%w", cause)
		}
		return pgerr.New(pgerr.QueryCanceled, "canceling statement because the connection closes: %w", err)
	}
	var vc *storage.VersionConflict
	if errors.As(err, &vc) {
		expected := itoa(vc.Expected)
		if vc.Expected == storage.SomeVersion {
			expected = "some"
		}
		return pgerr.New(pgerr.SerializationFailure, "entity %q is at version %d, expected %s", vc.Entity, vc.Actual, expected).
			WithDetail("current_version=%d", vc.Actual).
			WithHint("Read the entity again, decide again, and append with the version you saw.")
	}
	var rc *storage.RepeatConflict
	if errors.As(err, &rc) {
		return pgerr.New(pgerr.UniqueViolation, "entity %q has other events after version %d than this append", rc.Entity, rc.Version).
			WithDetail("current_version=%d", rc.Actual).
			WithHint("The event with version %d is there already, and what follows it in the append is not what followed it then. Send the same events again, or give new ones ids of their own.", rc.Version)
	}
	var ic *storage.IDConflict
	if errors.As(err, &ic) {
		return pgerr.New(pgerr.UniqueViolation, "an event of entity %q with id %s and other content exists", ic.Entity, formatUUID(ic.ID)).
			WithDetail("It stands at position %d.", ic.Position)
	}
	switch {
	case errors.Is(err, storage.ErrFuture):
		return pgerr.New(pgerr.InvalidParameterValue, "AS OF SYSTEM TIME lies in the future")
	case errors.Is(err, storage.ErrDiskFull):
		return pgerr.New(pgerr.DiskFull, "%w", err).WithHint("Nothing of this statement was stored. Free space on the data folder's disk and try again.")
	case errors.As(err, new(*storage.PlaceError)):
		return pgerr.New(pgerr.InvalidParameterValue, "%w", err).
			WithHint("An exact load goes into an empty database, or into one that has exactly the events before.")
	case errors.Is(err, storage.ErrNotInOrder):
		return pgerr.New(pgerr.InvalidParameterValue, "%w", err)
	case errors.Is(err, storage.ErrCorrupt):
		return pgerr.New(pgerr.DataCorrupted, "%w", err)
	case errors.Is(err, storage.ErrClosed):
		return pgerr.New(pgerr.AdminShutdown, "the server is shutting down")
	}
	return pgerr.From(err)
}

// Parse splits a script into statements. The positions of errors count from the script's start.
func (s *Session) Parse(script string) ([]syntax.Statement, error) {
	s.lifted = nil
	if stmts := s.cached(script); stmts != nil {
		s.whole = stmts[0].Stmt
		return stmts, nil
	}
	if stmts := s.cachedLifted(script); stmts != nil {
		s.whole = stmts[0].Stmt
		return stmts, nil
	}
	stmts, err := syntax.Parse(script)
	if s.whole = nil; len(stmts) == 1 {
		s.whole = stmts[0].Stmt
	}
	if err != nil && (s.tx.block || s.tx.implicit) {
		s.tx.failed = true
	}
	return stmts, err
}

// Fail marks the transaction block, if there is one, as failed by an error that the front door found; it returns err.
func (s *Session) Fail(err error) error { return s.fail(context.Background(), err) }
