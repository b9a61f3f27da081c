package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// present is what the statements of a transaction take for the newest state of the log.
type present struct {
	seen
	// stated: by AS OF, and what lies after it is the future to these statements. Else it is the snapshot of a transaction
	// that reads repeatably, in which later moments are cut to it.
	stated bool
	then   storage.View // the database at a stated moment
}

// within cuts what a time clause asks for at the present.
func (p *present) within(s seen, what string) (seen, error) {
	if p == nil || s.last() <= p.last() {
		return s, nil
	}
	if p.stated {
		return seen{}, pgerr.New(pgerr.InvalidParameterValue, "%s lies after the moment that the transaction asks about", what).
			WithHint("Leave the transaction, or begin one without AS OF.")
	}
	return p.seen, nil
}

// present is what the statement that starts now takes for the newest state; nil: the newest there is.
func (s *Session) present(ctx context.Context) (*present, error) {
	switch {
	case s.newest:
		return nil, nil
	case s.tx.present != nil:
		return s.tx.present, nil
	}
	if !s.tx.block && s.derive().asOf != "" {
		at, err := s.defaultPresent(ctx)
		if s.tx.implicit {
			s.tx.present = at
		}
		return at, err
	}
	if !s.tx.open() && !s.tx.alone {
		return nil, nil
	}
	s.tx.level = s.isolation()
	if s.tx.block {
		s.tx.asked = true
	}
	if s.tx.level != serializable && !(s.tx.block && s.repeatable()) {
		return nil, nil
	}
	v, err := s.log.View(ctx, storage.Latest)
	if err != nil {
		return nil, err
	}
	s.tx.present = &present{seen: seen{view: s.snapshot(v)}}
	return s.tx.present, nil
}

// importSnapshot makes a transaction see what another one saw when it called pg_export_snapshot: the log as of that moment.
func (s *Session) importSnapshot(ctx context.Context, id string) error {
	switch {
	case s.tx.asked:
		return pgerr.New(pgerr.ActiveSQLTransaction, "SET TRANSACTION SNAPSHOT must be called before any query")
	case !s.repeatable():
		return pgerr.New(pgerr.FeatureNotSupported, "a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ")
	}
	at, ok := funcs.SnapshotMoment(id)
	if !ok {
		return pgerr.New(pgerr.InvalidParameterValue, "invalid snapshot identifier: \"%s\"", id)
	}
	v, err := s.log.View(ctx, at)
	if errors.Is(err, storage.ErrFuture) {
		return pgerr.New(pgerr.InvalidParameterValue, "invalid snapshot identifier: \"%s\"", id)
	}
	if err == nil {
		s.tx.asked, s.tx.level = true, s.isolation()
		s.tx.present = &present{seen: seen{view: s.snapshot(v)}}
	}
	return err
}

// repeatable reports whether the transaction's isolation level is one whose statements all see one snapshot.
func (s *Session) repeatable() bool {
	level := s.isolation()
	return level == "repeatable read" || level == serializable
}

// inPast reports whether statements look at a moment that AS OF named, where nothing can be written.
func (s *Session) inPast() bool {
	if s.tx.present != nil {
		return s.tx.present.stated
	}
	return !s.tx.block && s.derive().asOf != ""
}

// goBack makes the transaction one about the past, which only reads.
func (s *Session) goBack(at *present) error {
	s.tx.present, s.tx.readOnly = at, true
	return s.vars.set("transaction_read_only", "on", true)
}

// modesAsOf is the AS OF clause among the modes of a transaction, or nil.
func modesAsOf(modes []*syntax.TransactionMode) *syntax.AsOf {
	for _, m := range modes {
		if m.Kind == syntax.ModeAsOf {
			return m.AsOf
		}
	}
	return nil
}

// compileMoment binds the AS OF clause of a transaction's modes, if there is one.
func (s *Session) compileMoment(p *Prepared, modes []*syntax.TransactionMode, types []datum.OID) error {
	clause := modesAsOf(modes)
	if clause == nil {
		return nil
	}
	b, err := bind.Moment(s.momentContext(p.script), clause, types)
	if err != nil {
		return err
	}
	p.asOf, p.ParamTypes, p.moments = b.AsOf, b.ParamTypes, b.TimeParams
	return nil
}

// stated finds the moment that a clause names.
func (s *Session) stated(ctx context.Context, c *plan.TimeClause, params []*vec.Column) (*present, error) {
	x := newExecution(s.executionConfig(ctx, params))
	defer x.Close()
	at, err := x.see(ctx, c)
	if err != nil {
		return nil, err
	}
	return x.present(ctx, at)
}

// present is what is seen as a present that was stated.
func (x *execution) present(ctx context.Context, at seen) (*present, error) {
	then, err := x.then(ctx, at)
	return &present{seen: at, stated: true, then: then}, err
}

// defaultPresent is the moment of default_transaction_as_of, which counts from now where it is an interval.
func (s *Session) defaultPresent(ctx context.Context) (*present, error) {
	text := s.derive().asOf
	clause, err := readMoment(text, s.env())
	if err != nil {
		return nil, err
	}
	b, err := bind.Moment(s.momentContext(""), clause, nil)
	if err != nil {
		return nil, err
	}
	if len(b.ParamTypes) > 0 {
		return nil, pgerr.New(pgerr.UndefinedParameter, "default_transaction_as_of cannot have parameters")
	}
	return s.stated(ctx, b.AsOf, nil)
}

// readMoment reads the value of default_transaction_as_of: what may stand after AS OF SYSTEM TIME, where a plain moment needs
// no quotes, or POSITION and a position.
func readMoment(text string, env *datum.Env) (*syntax.AsOf, error) {
	if _, err := momentText(text, 0, env); err == nil {
		return &syntax.AsOf{Expr: &syntax.Const{Kind: syntax.StringConst, Text: text}}, nil
	}
	out := &syntax.AsOf{}
	if word, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(word, "position") {
		out.Kind, text = syntax.AsOfPosition, rest
	}
	var err error
	out.Expr, err = syntax.ParseExpr(text)
	return out, err
}

// momentSetting is the clause as default_transaction_as_of keeps it.
func momentSetting(a *syntax.AsOf) string {
	if c, ok := a.Expr.(*syntax.Const); ok && a.Kind != syntax.AsOfPosition {
		return c.Text
	}
	text := syntax.Format(a.Expr)
	if a.Kind == syntax.AsOfPosition {
		text = "POSITION " + text
	}
	return text
}

// checkMoment validates a value of default_transaction_as_of; the empty one is now.
func checkMoment(v string) (string, error) {
	v = strings.TrimSpace(v)
	if v == "" {
		return "", nil
	}
	_, err := readMoment(v, &datum.Env{})
	return v, err
}
