package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// LookUp is the operator of a scan for one whole key of a unique index (plan.Scan.IsLookUp), and of the projection over it. It gives a row at most,
// or of a key whose uniqueness is deferred some of the transaction's own, and does without what only pays with many rows.
type LookUp struct {
	Env   *Env
	Table *TableRows // nil: nothing
	Scan  *plan.Scan
	Exprs []expr.Expr // nil: the scan's columns; none may return a set

	filter expr.Expr // of the scan, without what follows from the index; may be nil
	key    []byte
	done   bool
}

// Open implements Op.
func (l *LookUp) Open(context.Context) error {
	switch {
	case l.Table == nil:
		l.done = true
		return nil
	case l.Table.Only != nil:
		l.filter = l.Scan.Filter
		return nil
	}
	l.filter = l.Scan.Rest()
	u := l.Scan.Index
	key := make([]byte, 0, 16)
	for i, e := range u.Equal {
		v, err := expr.Value(l.Env.X, e)
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
func (l *LookUp) Close() error { return nil }

// Next implements Op.
func (l *LookUp) Next(ctx context.Context) (*vec.Batch, error) {
	if l.done {
		return nil, nil
	}
	l.done = true
	ids := l.Table.Only
	if ids == nil {
		var err error
		if ids, err = l.find(ctx); err != nil {
			return nil, storageError(err)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	b, err := l.Table.fetch(ctx, l.Scan.Cols, nil, ids)
	if err != nil {
		return nil, err
	}
	if l.filter != nil {
		sel, err := expr.Compile(l.filter, l.Env.X).Filter(b)
		if err != nil || len(sel) == 0 {
			return nil, err
		}
		if len(sel) < b.Len {
			b = b.Take(sel)
		}
	}
	if most := l.Scan.Limit; most >= 0 && int64(b.Len) > most {
		b = b.Slice(0, int(most))
	}
	if l.Exprs == nil {
		return b, nil
	}
	out := &vec.Batch{Len: b.Len, Cols: make([]*vec.Column, len(l.Exprs))}
	for i, e := range l.Exprs {
		if out.Cols[i], err = expr.Eval(l.Env.X, e, b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// find lists the rows with the key.
func (l *LookUp) find(ctx context.Context) (ids []storage.RowID, err error) {
	t, index := l.Table, uint32(l.Scan.Index.Index.ID)
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
