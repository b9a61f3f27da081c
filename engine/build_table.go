package engine

import (
	"context"
	"math"
	"slices"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
)

// tableRows is a table as a scan of it sees it; nil for nothing.
func (b *builder) tableRows(ctx context.Context, n *plan.Scan) (*op.TableRows, error) {
	if m, ok := n.Relation.Object.(*catalog.MaterializedObject); ok && !m.Populated {
		return nil, pgerr.New(pgerr.ObjectNotInPrerequisite, "materialized view %q has not been populated", n.Relation.Name).WithHint("Use the REFRESH MATERIALIZED VIEW command.")
	}
	physical, err := scanColumns(n.Relation, n.Cols)
	if err != nil {
		return nil, err
	}
	t := &op.TableRows{Cols: physical, Period: n.System.IsPeriod()}
	id := storage.TableID(n.Relation.OID)
	if d := b.x.cfg.delta(id); d != nil && n.System == nil && !d.isEmpty() { // what comes to be in it belongs to later commands
		t.Own = d.view(b.x.cfg.command)
	}
	if only, ok := b.only[n.Target]; ok && n.Target > 0 {
		v, err := b.x.cfg.log.View(ctx, storage.Latest)
		if err != nil {
			return nil, err
		}
		t.View, t.Only = v.Table(id), only
		return t, nil
	}
	t.View, err = b.x.seeTable(ctx, id, n.System)
	if t.View == nil || err != nil {
		return nil, err
	}
	return t, nil
}

// delta is what the transaction has done to a table, nil: nothing.
func (c *executionConfig) delta(id storage.TableID) *delta {
	if c.work == nil {
		return nil
	}
	return c.work.deltas.of(id)
}

// seeTable is a table under a time clause; nil: nothing of it.
func (x *execution) seeTable(ctx context.Context, id storage.TableID, c *plan.TimeClause) (storage.TableView, error) {
	if c.IsPeriod() {
		return x.seePeriod(ctx, id, c)
	}
	s, err := x.see(ctx, c)
	if err != nil || s.none {
		return nil, err
	}
	v, err := x.then(ctx, s)
	if err != nil {
		return nil, err
	}
	return v.Table(id), nil
}

// then is the state of the database at what is seen: a position stands for the moment at which its event was recorded.
func (x *execution) then(ctx context.Context, s seen) (storage.View, error) {
	if s.end == 0 {
		return s.view, nil
	}
	g, err := s.view.Locate(ctx, s.end-1)
	if err != nil {
		return nil, err
	}
	at, err := g.ReadRows(ctx, storage.Ref{Col: storage.ColRecordedAt}, []int32{int32(s.end - 1 - g.Base())})
	if err != nil {
		return nil, err
	}
	return x.cfg.log.View(ctx, at.Int(0))
}

// seePeriod has all versions that were there at some time of a period.
func (x *execution) seePeriod(ctx context.Context, id storage.TableID, c *plan.TimeClause) (storage.TableView, error) {
	now, err := x.now(ctx)
	if err != nil || now.none {
		return nil, err
	}
	if now.end > 0 {
		return nil, errNoMoment()
	}
	from, to := storage.Micros(math.MinInt64), storage.Micros(math.MaxInt64)
	if c.Kind != plan.All {
		if from, err = x.bound(c.From); err != nil {
			return nil, err
		}
		if to, err = x.bound(c.To); err != nil {
			return nil, err
		}
		if from > to || from == to && c.Kind == plan.FromTo {
			return nil, nil
		}
	}
	return now.view.TableBetween(id, from, to, c.Kind != plan.FromTo), nil
}

// indexScan makes the operator of a scan that goes by an index.
func (b *builder) indexScan(n *plan.Scan) op.Op {
	return &lateScan{make: func(ctx context.Context) (op.Op, error) {
		t, err := b.tableRows(ctx, n)
		if err != nil {
			return nil, err
		}
		if t == nil {
			return op.NewUnionAll(), nil
		}
		if t.Only == nil && n.Index.Or != nil {
			if t.Only, err = t.Found(ctx, b.env.X, n.Index); err != nil {
				return nil, err
			}
		}
		if t.Only != nil {
			s := &op.EventScan{Table: t, Cols: n.Cols, Filter: n.Filter, Limit: n.Limit}
			return op.NewEventScan(b.env, s), nil
		}
		s := &op.IndexScan{Table: t, Use: n.Index, Cols: n.Cols, Filter: n.Filter, Reverse: n.Reverse,
			Once: !t.Period && hasKeysOnce(n.Relation, n.Index.Index), Limit: n.Limit, Stats: b.x.statsOf(n)}
		if n.Index.Within == 0 {
			return op.NewIndexScan(b.env, s), nil
		}
		first := n.Index.First
		if n.Limit >= 0 {
			first = n.Limit
		}
		return op.NewFirstScan(b.env, s, first, n.Index.Within, func() (op.Op, error) { return b.build(sortedScan(n)) }), nil
	}}
}

// sortedScan is a scan in the order of an index as one of all of the table that is sorted.
func sortedScan(n *plan.Scan) plan.Node {
	all := *n
	all.Index, all.Reverse, all.Limit = nil, false, -1
	return &plan.Sort{Input: &all, Keys: n.Index.Sort, Limit: n.Limit}
}

// lookUp makes the operator of a scan for one key of a unique index, together with the projection over it; nil where n is neither. Where
// operators are counted each stands by itself.
func (b *builder) lookUp(n plan.Node) op.Op {
	var exprs []expr.Expr
	in := n
	if p, ok := n.(*plan.Project); ok {
		in, exprs = p.Input, p.Exprs
	}
	scan, ok := in.(*plan.Scan)
	if !ok || !scan.IsLookUp() || b.x.cfg.analyze || b.x.cfg.operators || hasSet(exprs) {
		return nil
	}
	return &lookUp{b: b, LookUp: op.LookUp{Env: b.env, Scan: scan, Exprs: exprs}}
}

// lookUp is an op.LookUp whose table is found when it is opened.
type lookUp struct {
	op.LookUp
	b *builder
}

// Open implements op.Op.
func (l *lookUp) Open(ctx context.Context) (err error) {
	if l.Table, err = l.b.tableRows(ctx, l.Scan); err != nil {
		return err
	}
	return l.LookUp.Open(ctx)
}

// hasKeysOnce reports whether no two rows have one key of an index at any moment, null or not.
func hasKeysOnce(rel *catalog.Relation, ix *catalog.TableIndex) bool {
	if !ix.Unique || ix.Period {
		return false
	}
	return ix.NullsNotDistinct || !slices.ContainsFunc(ix.Keys, func(k catalog.IndexKey) bool {
		return !slices.ContainsFunc(rel.Columns, func(c catalog.Column) bool {
			return c.Attr == k.Column && c.NotNull && !c.NullsLeft
		})
	})
}
