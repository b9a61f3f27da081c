package engine

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// transaction is the session's transaction. Outside a block every statement commits by itself. Inside one, appends wait
// and are one append of the log at COMMIT: all of them or none.
type transaction struct {
	block    bool // between BEGIN and COMMIT
	implicit bool // several statements sent together
	single   bool // one statement that changes tables
	work     work
	failed   bool
	readOnly bool
	asked    bool           // a query ran
	present  *present       // nil: the newest there is, or not known yet
	level    string         // of isolation, once it was asked for a snapshot
	alone    bool           // one append, which is stored at once
	reads    *storage.Reads // what a SERIALIZABLE transaction has read since its snapshot; else nil
	now      storage.Micros // transaction_timestamp; 0 when none is under way
	began    time.Time      // by the clock that timeouts run by
	held     held
	outgoing outgoing
	saves    []savepoint
}

type savepoint struct {
	name     string
	pending  int
	listens  int
	messages int
	readOnly bool
	vars     vars // as they were
	command  int32
	locks    lock.Mark
	objects  int
	numbers  map[datum.OID]*sequence
	cursors  map[string]*cursor // that there were
	atCommit checks
	modes    map[datum.OID]bool // of constraints
}

// open reports whether appends wait for a later commit.
func (t *transaction) open() bool { return t.block || t.implicit || t.single }

func (t *transaction) reset(s *Session) {
	if s.vars.saved != nil {
		s.vars.end(false)
	}
	t.work.release()
	*t = transaction{}
}

// BeginImplicit makes the statements that follow one transaction until EndImplicit, as PostgreSQL treats statements
// that are sent together. Inside a BEGIN block it does nothing.
func (s *Session) BeginImplicit() {
	if !s.tx.block && !s.tx.implicit {
		s.tx.implicit, s.tx.began = true, time.Now()
		s.vars.begin()
	}
}

// EndImplicit commits what BeginImplicit began, or rolls it back if a statement failed.
func (s *Session) EndImplicit(ctx context.Context) error {
	if !s.tx.implicit {
		if !s.tx.block {
			s.tx.now = 0
		}
		return nil
	}
	if s.tx.failed {
		s.rollback()
		return nil
	}
	if err := s.commit(ctx); err != nil {
		s.engine.metrics.Errors.Add(1)
		return explainError(ctx, err)
	}
	return nil
}

func (s *Session) transactionStmt(ctx context.Context, st *syntax.Transaction, p *Prepared, params []*vec.Column) (*Rows, error) {
	switch st.Kind {
	case syntax.Begin, syntax.StartTransaction:
		return done(st.Tag()), s.beginBlock(ctx, st.Modes, p.asOf, params)
	case syntax.Commit, syntax.Rollback:
		return s.endStmt(ctx, st)
	case syntax.Savepoint, syntax.ReleaseSavepoint, syntax.RollbackTo:
		return s.savepoint(st)
	}
	return nil, notYet(st)
}

func (s *Session) beginBlock(ctx context.Context, modes []*syntax.TransactionMode, asOf *plan.TimeClause, params []*vec.Column) error {
	if s.tx.block {
		s.warn(pgerr.ActiveSQLTransaction, "there is already a transaction in progress")
		return nil
	}
	if !s.tx.implicit {
		s.vars.begin()
	}
	if s.tx.began.IsZero() {
		s.tx.began = time.Now()
	}
	s.tx.block, s.tx.implicit = true, false
	ro, _ := s.vars.get("default_transaction_read_only")
	s.tx.readOnly = ro == "on"
	iso, _ := s.vars.get("default_transaction_isolation")
	s.vars.put("transaction_isolation", &iso, true)
	s.vars.put("transaction_read_only", &ro, true)
	err := s.setModes(ctx, modes, asOf, params)
	if err == nil && s.tx.present == nil && s.derive().asOf != "" && !hasMode(modes, syntax.ModeReadWrite) {
		var at *present
		if at, err = s.defaultPresent(ctx); err == nil {
			err = s.goBack(at)
		}
	}
	if err != nil {
		s.rollback() // nothing has begun
	}
	return err
}

// setModes applies transaction modes to the transaction.
func (s *Session) setModes(ctx context.Context, modes []*syntax.TransactionMode, asOf *plan.TimeClause, params []*vec.Column) error {
	if asOf != nil {
		if hasMode(modes, syntax.ModeReadWrite) {
			return pgerr.New(pgerr.ReadOnlySQLTransaction, "AS OF and READ WRITE cannot go together").WithHint("The past cannot be changed: leave READ WRITE out.")
		}
		at, err := s.stated(ctx, asOf, params)
		if err != nil {
			return err
		}
		if err := s.goBack(at); err != nil {
			return err
		}
	}
	for _, m := range modes {
		name, val := modeSetting(m)
		if name == "" {
			continue
		}
		if err := s.vars.set("transaction_"+name, val, true); err != nil {
			return err
		}
		if name == "read_only" {
			s.tx.readOnly = val == "on"
		}
	}
	return nil
}

// setDefaultModes makes transaction modes those of the transactions to come.
func (s *Session) setDefaultModes(modes []*syntax.TransactionMode, p *Prepared) error {
	if len(p.ParamTypes) > 0 {
		return pgerr.New(pgerr.UndefinedParameter, "there is no parameter $1")
	}
	for _, m := range modes {
		name, val := modeSetting(m)
		if m.Kind == syntax.ModeAsOf {
			name, val = "as_of", momentSetting(m.AsOf)
		}
		if err := s.vars.set("default_transaction_"+name, val, false); err != nil {
			return err
		}
	}
	return nil
}

// modeSetting is a transaction mode as a parameter without its prefix; AS OF is none.
func modeSetting(m *syntax.TransactionMode) (name, value string) {
	switch m.Kind {
	case syntax.ModeIsolation:
		return "isolation", m.Level
	case syntax.ModeReadOnly:
		return "read_only", "on"
	case syntax.ModeReadWrite:
		return "read_only", "off"
	case syntax.ModeDeferrable:
		return "deferrable", "on"
	case syntax.ModeNotDeferrable:
		return "deferrable", "off"
	}
	return "", ""
}

func hasMode(modes []*syntax.TransactionMode, kind syntax.TransactionModeKind) bool {
	return slices.ContainsFunc(modes, func(m *syntax.TransactionMode) bool { return m.Kind == kind })
}

// endStmt is COMMIT and ROLLBACK. A failed transaction is rolled back whatever is asked for.
func (s *Session) endStmt(ctx context.Context, st *syntax.Transaction) (*Rows, error) {
	tag := "COMMIT"
	if st.Kind == syntax.Rollback || s.tx.block && s.tx.failed {
		tag = "ROLLBACK"
	}
	chain := st.Chain == syntax.Yes
	if !s.tx.block {
		if chain {
			return nil, pgerr.New(pgerr.NoActiveSQLTransaction, "%s AND CHAIN can only be used in transaction blocks", st.Tag())
		}
		s.warnNoBlock()
	}
	modes, at := s.modes(), s.tx.present
	if tag == "ROLLBACK" {
		s.rollback()
	} else if err := s.commit(ctx); err != nil {
		return nil, err
	}
	if err := s.durable(ctx); err != nil {
		return nil, err
	}
	if chain {
		err := s.beginBlock(ctx, modes, nil, nil)
		if err == nil && at != nil && at.stated {
			err = s.goBack(at)
		}
		return done(tag), err
	}
	return done(tag), nil
}

// modes are those of the transaction, as BEGIN would say them.
func (s *Session) modes() []*syntax.TransactionMode {
	level, _ := s.vars.get("transaction_isolation")
	access := &syntax.TransactionMode{Kind: syntax.ModeReadWrite}
	if s.tx.readOnly {
		access.Kind = syntax.ModeReadOnly
	}
	return []*syntax.TransactionMode{{Kind: syntax.ModeIsolation, Level: level}, access}
}

func (s *Session) warnNoBlock() {
	s.warn(pgerr.NoActiveSQLTransaction, "there is no transaction in progress")
}

// commit appends what is pending, and then tells others what was said. Whatever the outcome, the transaction is over.
func (s *Session) commit(ctx context.Context) error {
	w := &s.tx.work
	for len(w.atCommit.list) > 0 {
		for _, c := range w.atCommit.take() {
			if err := c.run(ctx); err != nil {
				s.rollback()
				return err
			}
		}
		if err := s.late(ctx); err != nil {
			s.rollback()
			return err
		}
	}
	if s.tx.work.changed() {
		if err := s.onCommit(ctx, &s.tx.work); err != nil {
			s.rollback()
			return err
		}
	}
	if err := s.stillAsRead(ctx); err != nil {
		s.rollback()
		return err
	}
	tx := s.tx
	defer tx.work.release()
	pending, when, out := tx.held.events, tx.held.conditions(), tx.outgoing
	s.tx = transaction{}
	var err error
	if len(out.messages) > 0 {
		err = s.notifier().room(out.bytes)
	}
	switch {
	case err != nil:
	case tx.work.changed():
		err = s.commitWork(ctx, &tx.work, pending, when, tx.reads)
	case len(pending) > 0:
		_, err = s.appendEvents(ctx, pending, when, tx.reads)
	}
	if s.vars.saved != nil {
		s.vars.end(err == nil)
	}
	s.endCursors(err == nil)
	if err != nil {
		return err
	}
	return s.send(ctx, out)
}

func (s *Session) rollback() {
	s.tx.reset(s)
	s.endCursors(false)
}

// savepoint keeps under a name how many appends are pending, the parameters and the cursors; going back forgets what came later.
func (s *Session) savepoint(st *syntax.Transaction) (*Rows, error) {
	if !s.tx.block {
		return nil, pgerr.New(pgerr.NoActiveSQLTransaction, "%s can only be used in transaction blocks", strings.ToUpper(savepointWord(st.Kind)))
	}
	if st.Kind == syntax.Savepoint {
		s.save(st.Name)
		return done("SAVEPOINT"), nil
	}
	i := len(s.tx.saves) - 1
	for i >= 0 && s.tx.saves[i].name != st.Name {
		i--
	}
	if i < 0 {
		return nil, pgerr.New("3B001", "savepoint %q does not exist", st.Name)
	}
	if st.Kind == syntax.ReleaseSavepoint {
		s.tx.saves = s.tx.saves[:i]
		return done("RELEASE"), nil
	}
	s.backTo(i)
	return done("ROLLBACK"), nil
}

// save makes a savepoint.
func (s *Session) save(name string) {
	out := &s.tx.outgoing
	w := &s.tx.work
	s.tx.saves = append(s.tx.saves, savepoint{name, len(s.tx.held.events), len(out.listens), len(out.messages), s.tx.readOnly, s.vars.clone(),
		w.command, w.mark(), len(w.objects), w.sequences, maps.Clone(s.cursors), w.atCommit, w.modes})
}

// backTo undoes what came after savepoint i, which stays, and forgets the savepoints after it.
func (s *Session) backTo(i int) {
	back := &s.tx.saves[i]
	s.tx.held.cut(back.pending)
	w := &s.tx.work
	w.goBack(back.command+1, back.locks)
	w.objects, w.sequences, w.atCommit, w.modes = w.objects[:back.objects], back.numbers, back.atCommit, back.modes
	s.reshape()
	s.tx.outgoing.cut(back.listens, back.messages)
	s.vars.goBack(back.vars)
	s.closeCursorsIf(func(name string, c *cursor) bool { return back.cursors[name] != c })
	s.tx.readOnly, s.tx.failed = back.readOnly, false
	s.tx.saves = s.tx.saves[:i+1]
}

func savepointWord(k syntax.TransactionKind) string {
	switch k {
	case syntax.ReleaseSavepoint:
		return "RELEASE SAVEPOINT"
	case syntax.RollbackTo:
		return "ROLLBACK TO SAVEPOINT"
	}
	return "SAVEPOINT"
}
