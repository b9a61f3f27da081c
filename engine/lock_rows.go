package engine

import (
	"context"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// rowLocker is the operator of plan.LockRows. It locks a row when it is asked for, and no row that nobody asks for.
type rowLocker struct {
	b    *builder
	n    *plan.LockRows
	in   op.Op
	left *vec.Batch // of the input, not looked at yet
}

func newRowLocker(b *builder, n *plan.LockRows, in op.Op) op.Op {
	return &rowLocker{b: b, n: n, in: in}
}

// Open implements op.Op.
func (l *rowLocker) Open(ctx context.Context) error { return l.in.Open(ctx) }

// Close implements op.Op.
func (l *rowLocker) Close() error { return l.in.Close() }

// Next implements op.Op.
func (l *rowLocker) Next(ctx context.Context) (*vec.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if l.left == nil || l.left.Len == 0 {
			var err error
			if l.left, err = l.in.Next(ctx); l.left == nil || err != nil {
				return nil, err
			}
		}
		row := l.left.Slice(0, 1)
		l.left = l.left.Slice(1, l.left.Len)
		row, err := l.locked(ctx, row)
		if row != nil || err != nil {
			return row, err
		}
	}
}

// locked locks what a row is made of, and returns it as it is now, nil if it is no more.
func (l *rowLocker) locked(ctx context.Context, row *vec.Batch) (*vec.Batch, error) {
	only := map[int][]storage.RowID{}
	moved := false
	for _, t := range l.n.Rows {
		only[t.Target] = idOf(row, t, 0)
		if len(only[t.Target]) == 0 {
			continue
		}
		id := only[t.Target][0]
		now := id
		if t.Strength >= 0 && id > 0 {
			var err error
			now, err = l.b.x.cfg.session.claim(ctx, t.Relation, id, lock.ForKeyShare+lock.Mode(t.Strength), t.NoWait, t.Skip)
			if now == 0 || err != nil {
				return nil, err
			}
		}
		moved = moved || now != id
		only[t.Target] = []storage.RowID{now}
	}
	if !moved {
		return row, nil
	}
	return l.b.again(ctx, l.n.Input, only)
}

// idOf is the RowID of a table in row i of a batch: none where an outer join has found no row.
func idOf(b *vec.Batch, t plan.LockedTable, i int) []storage.RowID {
	ids := b.Cols[t.Column]
	if ids.Null(i) {
		return []storage.RowID{}
	}
	return []storage.RowID{ids.Int(i)}
}
