package engine

import (
	"context"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage"
)

// transaction is the session's transaction. Outside a block every statement commits by itself. Inside one, appends wait
// and are one append of the log at COMMIT: all of them or none.
type transaction struct {
	block    bool // between BEGIN and COMMIT
	implicit bool // several statements sent together
	failed   bool
	readOnly bool
	now      storage.Micros // transaction_timestamp; 0 when none is under way
	held     held
	saves    []savepoint
}

type savepoint struct {
	name     string
	pending  int
	readOnly bool
	vars     vars // as they were
}

// open reports whether appends wait for a later commit.
func (t *transaction) open() bool { return t.block || t.implicit }

func (t *transaction) reset(s *Session) {
	if s.vars.saved != nil {
		s.vars.end(false)
	}
	*t = transaction{}
}

// BeginImplicit makes the statements that follow one transaction until EndImplicit, as PostgreSQL treats statements
// that are sent together. Inside a BEGIN block it does nothing.
func (s *Session) BeginImplicit() {
	if !s.tx.block && !s.tx.implicit {
		s.tx.implicit = true
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

func (s *Session) transactionStmt(ctx context.Context, st *syntax.Transaction) (*Rows, error) {
	switch st.Kind {
	case syntax.Begin, syntax.StartTransaction:
		return done(st.Tag()), s.beginBlock(st.Modes)
	case syntax.Commit, syntax.Rollback:
		return s.endStmt(ctx, st)
	case syntax.Savepoint, syntax.ReleaseSavepoint, syntax.RollbackTo:
		return s.savepoint(st)
	}
	return nil, notYet(st)
}

func (s *Session) beginBlock(modes []*syntax.TransactionMode) error {
	if s.tx.block {
		s.notice(&pgerr.Error{Code: pgerr.ActiveSQLTransaction, Message: "there is already a transaction in progress"})
		return nil
	}
	if !s.tx.implicit {
		s.vars.begin()
	}
	s.tx.block, s.tx.implicit = true, false
	ro, _ := s.vars.get("default_transaction_read_only")
	s.tx.readOnly = ro == "on"
	iso, _ := s.vars.get("default_transaction_isolation")
	s.vars.put("transaction_isolation", &iso, true)
	s.vars.put("transaction_read_only", &ro, true)
	if err := s.setModes(modes, "transaction_"); err != nil {
		s.rollback() // nothing has begun
		return err
	}
	return nil
}

// setModes applies transaction modes to the parameters with the prefix: transaction_ or default_transaction_.
func (s *Session) setModes(modes []*syntax.TransactionMode, prefix string) error {
	for _, m := range modes {
		name, val := "", ""
		switch m.Kind {
		case syntax.ModeIsolation:
			name, val = "isolation", m.Level
		case syntax.ModeReadOnly:
			name, val = "read_only", "on"
		case syntax.ModeReadWrite:
			name, val = "read_only", "off"
		case syntax.ModeDeferrable:
			name, val = "deferrable", "on"
		case syntax.ModeNotDeferrable:
			name, val = "deferrable", "off"
		default:
			return pgerr.New(pgerr.FeatureNotSupported, "AS OF for a whole transaction is not supported yet").
				WithHint("Write AS OF SYSTEM TIME after the FROM list of each query.")
		}
		local := prefix == "transaction_"
		if err := s.vars.set(prefix+name, val, local); err != nil {
			return err
		}
		if local && name == "read_only" {
			s.tx.readOnly = val == "on"
		}
	}
	return nil
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
	modes := s.modes()
	if tag == "ROLLBACK" {
		s.rollback()
	} else if err := s.commit(ctx); err != nil {
		return nil, err
	}
	if chain {
		return done(tag), s.beginBlock(modes)
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
	s.notice(&pgerr.Error{Code: pgerr.NoActiveSQLTransaction, Message: "there is no transaction in progress"})
}

// commit appends what is pending. Whatever the outcome, the transaction is over.
func (s *Session) commit(ctx context.Context) error {
	pending := s.tx.held.events
	s.tx = transaction{}
	var err error
	if len(pending) > 0 {
		_, err = s.appendEvents(ctx, pending)
	}
	s.vars.end(err == nil)
	s.closeCursors(false)
	return err
}

func (s *Session) rollback() {
	s.tx.reset(s)
	s.closeCursors(false)
}

// savepoint keeps under a name how many appends are pending, and the parameters; going back forgets what came later.
func (s *Session) savepoint(st *syntax.Transaction) (*Rows, error) {
	if !s.tx.block {
		return nil, pgerr.New(pgerr.NoActiveSQLTransaction, "%s can only be used in transaction blocks", strings.ToUpper(savepointWord(st.Kind)))
	}
	if st.Kind == syntax.Savepoint {
		s.tx.saves = append(s.tx.saves, savepoint{st.Name, len(s.tx.held.events), s.tx.readOnly, s.vars.clone()})
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
	back := &s.tx.saves[i]
	s.tx.held.cut(back.pending)
	s.vars.goBack(back.vars)
	s.tx.readOnly, s.tx.failed = back.readOnly, false
	s.tx.saves = s.tx.saves[:i+1]
	return done("ROLLBACK"), nil
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
