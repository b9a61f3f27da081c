package engine

import (
	"context"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// appender is the operator of plan.Append in WITH: its events wait for the commit like those of the transaction's other statements,
// and what is asked of them is there for the rest of the statement. It does all of it when the first rows are asked for.
type appender struct {
	b    *builder
	n    *plan.Append
	in   op.Op
	out  *vec.Batch
	done bool
}

func (b *builder) appends(n *plan.Append) (op.Op, error) {
	if n.Condition != nil && readsWith(n.Condition, map[int]bool{}) {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "the condition of an append cannot read WITH queries that are not its own")
	}
	in, err := b.build(b.weigh(n.Input))
	if err != nil {
		return nil, err
	}
	return &appender{b: b, n: n, in: in}, nil
}

// Open implements op.Op.
func (a *appender) Open(ctx context.Context) error { return a.in.Open(ctx) }

// Next implements op.Op.
func (a *appender) Next(ctx context.Context) (*vec.Batch, error) {
	if !a.done {
		a.done = true
		x, s := a.b.x, a.b.x.cfg.session
		var err error
		if _, a.out, err = s.appendFrom(ctx, x, a.in, a.n, conditionOf(a.n, x.cfg.params), a.tellsVersions()); err != nil {
			return nil, err
		}
	}
	if a.out == nil || a.out.Len == 0 {
		return nil, nil
	}
	n := min(a.out.Len, a.b.x.cfg.rows)
	some := a.out.Slice(0, n)
	a.out = a.out.Slice(n, a.out.Len)
	return some, nil
}

// tellsVersions reports whether versions go to the rest of the statement. What it makes of them must not be wrong if others append
// to the entity before the commit.
func (a *appender) tellsVersions() bool {
	for _, e := range a.n.Returning {
		if expr.Any(e, func(e expr.Expr) bool {
			c, ok := e.(*expr.Col)
			return ok && c.Index == catalog.EventVersion
		}) {
			return true
		}
	}
	return false
}

// Close implements op.Op.
func (a *appender) Close() error { return a.in.Close() }
