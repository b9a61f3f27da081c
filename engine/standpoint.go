package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// momentContext is what the clauses that name a moment are bound in.
func (s *Session) momentContext(script string) *bind.Context {
	return &bind.Context{Catalog: s.engine.catalogOf(s.opts.Database), SearchPath: s.searchPath(), Env: s.env(), Text: script}
}

// bindContext is what statements of a script are bound in: the views of event types are those of the moment that each table is
// asked about, as far as it is known now. params are the values of the parameters, or nil.
func (s *Session) bindContext(ctx context.Context, script string, params []*vec.Column) *bind.Context {
	out := s.momentContext(script)
	standpoint := s.standpoint(ctx)
	out.Catalog = s.catalogAt(standpoint)
	out.AsOf = func(c *plan.TimeClause) *catalog.Catalog {
		if at, then, ok := s.known(ctx, c, standpoint, params); ok {
			return s.engine.catalogOfView(s.opts.Database, then).AsOf(at.last() + 1)
		}
		return out.Catalog
	}
	return out
}

// standpoint is what a statement that is bound now will take for the newest state; nil: the newest there is. A moment that cannot
// be found is none here: the statement's execution says why.
func (s *Session) standpoint(ctx context.Context) *present {
	if s.tx.present != nil || s.tx.block || s.derive().asOf == "" {
		return s.tx.present
	}
	at, err := s.defaultPresent(ctx)
	if err != nil {
		return nil
	}
	return at
}

// known finds what a clause sees, and the state of the database then, if that can be told without parameters that are not there.
func (s *Session) known(ctx context.Context, c *plan.TimeClause, standpoint *present, params []*vec.Column) (at seen, then storage.View, ok bool) {
	isParam := func(e expr.Expr) bool {
		_, ok := e.(*expr.Param)
		return ok
	}
	if params == nil && (c.From != nil && expr.Any(c.From, isParam) || c.To != nil && expr.Any(c.To, isParam)) {
		return seen{}, nil, false
	}
	cfg := s.executionConfig(ctx, params)
	cfg.present = standpoint
	at, err := rescued(func() (seen, error) {
		x := newExecution(cfg)
		defer x.Close()
		at, err := x.see(ctx, c)
		if err == nil {
			then, err = x.then(ctx, at)
		}
		return at, err
	})
	return at, then, err == nil
}

// settled is a statement as it is to be executed: where its views are those of a moment, it is bound anew for the moment that its
// parameters, or the transaction, name.
func (s *Session) settled(ctx context.Context, p *Prepared, params []*vec.Column) (*Prepared, error) {
	if !p.changing || !p.moving && !s.inPast() {
		return p, nil
	}
	out, err := s.compiledAgain(ctx, p, params)
	if err != nil {
		return nil, err
	}
	if p.described && !slices.Equal(out.Fields, p.Fields) {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "cached plan must not change result type").
			WithDetail("The columns of a view of events are those of the moment that is asked about, and other than when the statement was prepared.").
			WithHint("Write the moment into the statement instead of a parameter, or name the columns and cast them.")
	}
	return out, nil
}

// Describe returns what a statement gives. It settles the statement, which keeps to that from now on.
func (s *Session) Describe(p *Prepared) []Field {
	if p.changing { // others are shared by sessions
		p.described = true
	}
	return p.Fields
}

// Settle is the statement with parameters, which fix the columns that it gives.
func (s *Session) Settle(ctx context.Context, p *Prepared, params []*vec.Column) (_ *Prepared, err error) {
	defer op.Rescue(&err)
	switch p.stmt.Stmt.(type) {
	case *syntax.Query, *syntax.Insert:
		p, err = s.settled(ctx, p, params)
	}
	return p, s.fail(ctx, err)
}
