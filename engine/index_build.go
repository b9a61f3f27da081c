package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/ddl"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// mayLoad reports whether indexes may be loaded for what is left of a definition's work: their entries are there when the transaction is over, so
// nothing of it must look for rows by them.
func (s *Session) mayLoad(left []ddl.Work) bool {
	return s.tx.single && !slices.ContainsFunc(left, func(x ddl.Work) bool { _, ok := x.(ddl.Build); return !ok })
}

// loadIndex makes the entries of an index for the rows of a table that the transaction has not changed; update is a statement that changes
// all of its rows, for the index's rule.
func (s *Session) loadIndex(ctx context.Context, v storage.View, x ddl.Build, plain *catalog.TableObject, update string) error {
	m, err := s.plannedUpdate(ctx, plain, update)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(m.Rules.Indexes, func(r plan.IndexRule) bool { return r.Index.ID == x.Index.ID })
	shape, err := shapeOf(m.Relation)
	if err != nil {
		return err
	}
	run := newExecution(s.executionConfig(ctx, nil))
	defer run.Close()
	load := s.log.NewIndexLoad(uint32(x.Index.ID))
	s.tx.work.indexes = append(s.tx.work.indexes, load)
	b := &indexBuilder{w: &writer{s: s, x: run, rel: m.Relation, shape: shape}, key: &tableKey{IndexRule: &m.Rules.Indexes[at]}, load: load}
	groups, _, err := v.Table(shape.id).Groups(ctx, nil)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := b.group(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// plannedUpdate plans a statement while another object stands in the catalog.
func (s *Session) plannedUpdate(ctx context.Context, plain *catalog.TableObject, update string) (*plan.Modify, error) {
	s.pretended = ddl.Apply(s.catalog(), []catalog.Object{plain}, nil)
	defer func() { s.pretended = nil }()
	st, err := syntax.ParseOne(update)
	if err != nil {
		return nil, err
	}
	p, err := s.prepare(ctx, st, update, nil)
	if err != nil {
		return nil, err
	}
	return topModify(p.node), nil
}

// indexBuilder makes the entries of one index.
type indexBuilder struct {
	w    *writer
	key  *tableKey
	load *storage.IndexLoad
}

// group adds the entries of the rows of a group that are there.
func (b *indexBuilder) group(ctx context.Context, g storage.RowGroup) error {
	set, err := g.Visible(ctx)
	if err != nil {
		return err
	}
	for from := 0; from < g.Len(); from += vec.BatchRows {
		to := min(from+vec.BatchRows, g.Len())
		var local []int32
		for i := from; i < to; i++ {
			if set == nil || set.Get(i) {
				local = append(local, int32(i))
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(local) == 0 {
			continue
		}
		if err := b.rows(ctx, g, from, to, local); err != nil {
			return err
		}
	}
	return nil
}

// rows adds the entries of some rows between two.
func (b *indexBuilder) rows(ctx context.Context, g storage.RowGroup, from, to int, local []int32) error {
	batch := &vec.Batch{Len: len(local), Cols: make([]*vec.Column, len(b.w.shape.cols))}
	var err error
	for c := range batch.Cols {
		if !b.reads(c) {
			continue
		}
		if batch.Cols[c], err = g.ReadRows(ctx, b.w.shape.cols[c], local); err != nil {
			return err
		}
	}
	values, in, err := b.w.keyValues(b.key, batch)
	if err != nil {
		return err
	}
	ids, err := g.IDs(ctx, from, to)
	if err != nil {
		return err
	}
	for i, key := range indexKeys(b.key.Index, values, batch.Len, in).Keys {
		if key == nil {
			continue
		}
		if err := b.load.Add(key, ids[int(local[i])-from]); err != nil {
			return err
		}
	}
	return nil
}

// reads reports whether the index needs a column.
func (b *indexBuilder) reads(c int) bool {
	if b.key.Where != nil {
		return true
	}
	for _, e := range b.key.Keys {
		col, ok := e.(*expr.Col)
		if !ok || col.Index == c {
			return true
		}
	}
	return false
}
