package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// lookUp gives what a unique index has under one whole key: a row at most, or of a key whose uniqueness is deferred some of the transaction's own.
// It does by itself what an index scan and a projection over it do, without what only pays with many rows.
type lookUp struct {
	env    *Env
	table  *TableRows
	scan   *plan.Scan
	filter expr.Expr   // of the scan, without what follows from the index; may be nil
	exprs  []expr.Expr // nil: the scan's columns
	key    []byte
	done   bool
}

// NewLookUp makes the operator of such a scan and, unless exprs is nil, of a projection over it; none of exprs may return a set.
func NewLookUp(env *Env, table *TableRows, s *plan.Scan, exprs []expr.Expr) Op {
	return &lookUp{env: env, table: table, scan: s, exprs: exprs}
}

// Open implements Op.
func (l *lookUp) Open(context.Context) error {
	l.filter = l.scan.Filter
	if l.table.Only != nil {
		return nil
	}
	l.filter = l.scan.Rest()
	u := l.scan.Index
	key := make([]byte, 0, 16)
	for i, e := range u.Equal {
		v, err := expr.Value(l.env.X, e)
		if err != nil {
			return err
		}
		if v.Null(0) {
			l.done = true
			return nil
		}
		key = AppendIndexKey(key, &u.Index.Keys[i], v, 0)
	}
	l.key = key
	return nil
}

// Close implements Op.
func (l *lookUp) Close() error { return nil }

// Next implements Op.
func (l *lookUp) Next(ctx context.Context) (*vec.Batch, error) {
	if l.done {
		return nil, nil
	}
	l.done = true
	ids := l.table.Only
	if ids == nil {
		var err error
		if ids, err = l.find(ctx); err != nil {
			return nil, storageError(err)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	b, err := l.table.fetch(ctx, l.scan.Cols, nil, ids)
	if err != nil {
		return nil, err
	}
	if l.filter != nil {
		sel, err := expr.Compile(l.filter, l.env.X).Filter(b)
		if err != nil || len(sel) == 0 {
			return nil, err
		}
		if len(sel) < b.Len {
			b = b.Take(sel)
		}
	}
	if most := l.scan.Limit; most >= 0 && int64(b.Len) > most {
		b = b.Slice(0, int(most))
	}
	if l.exprs == nil {
		return b, nil
	}
	out := &vec.Batch{Len: b.Len, Cols: make([]*vec.Column, len(l.exprs))}
	for i, e := range l.exprs {
		if out.Cols[i], err = expr.Eval(l.env.X, e, b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// find lists the rows with the key.
func (l *lookUp) find(ctx context.Context) (ids []storage.RowID, err error) {
	t, index := l.table, uint32(l.scan.Index.Index.ID)
	if t.Own == nil || !t.Own.EndedAll() {
		row, ok, err := t.View.One(ctx, index, l.key)
		if err != nil {
			return nil, err
		}
		if ok && (t.Own == nil || !t.Own.Ended(row)) {
			ids = append(ids, row)
		}
	}
	if t.Own == nil {
		return ids, nil
	}
	own, err := t.Own.Seek(index, l.key, nil, false, true)
	for err == nil {
		_, row, ok, next := own.Next()
		if !ok || next != nil {
			return ids, next
		}
		ids = append(ids, row)
	}
	return ids, err
}
