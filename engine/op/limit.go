package op

import (
	"bytes"
	"context"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// limit skips rows, gives rows, and with ties those equal to the last one.
type limit struct {
	env   *Env
	in    Op
	node  *plan.Limit
	skip  int64
	left  int64 // -1: all
	ties  *sortKeys
	last  []byte
	ended bool
}

// NewLimit is LIMIT and OFFSET; the node's Input is not looked at.
func NewLimit(env *Env, in Op, n *plan.Limit) Op { return &limit{env: env, in: in, node: n} }

func (l *limit) Open(ctx context.Context) error {
	var err error
	if l.skip, _, err = l.count(l.node.Offset, "OFFSET", pgerr.InvalidRowCountInOffset); err != nil {
		return err
	}
	var given bool
	if l.left, given, err = l.count(l.node.Count, "LIMIT", pgerr.InvalidRowCountInLimit); err != nil {
		return err
	}
	if !given {
		l.left = -1
	}
	if len(l.node.Ties) > 0 {
		l.ties = newSortKeys(l.env, l.node.Ties)
	}
	if l.left == 0 {
		l.ended = true
	}
	return l.in.Open(ctx)
}

// count evaluates a number of rows; null is none given.
func (l *limit) count(e expr.Expr, word string, code pgerr.Code) (n int64, given bool, err error) {
	if e == nil {
		return 0, false, nil
	}
	c, err := expr.Value(l.env.X, e)
	if err != nil || c.Null(0) {
		return 0, false, err
	}
	if n = c.Int(0); n < 0 {
		return 0, false, pgerr.New(code, "%s must not be negative", word)
	}
	return n, true, nil
}

func (l *limit) Next(ctx context.Context) (*vec.Batch, error) {
	for !l.ended {
		b, err := l.in.Next(ctx)
		if b == nil || err != nil {
			l.ended = true
			return nil, err
		}
		if l.skip > 0 {
			n := min(l.skip, int64(b.Len))
			l.skip -= n
			if int(n) == b.Len {
				continue
			}
			b = b.Slice(int(n), b.Len)
		}
		if b, err = l.take(b); b != nil || err != nil {
			return b, err
		}
	}
	return nil, nil
}

// take gives what the limit leaves of a batch.
func (l *limit) take(b *vec.Batch) (*vec.Batch, error) {
	if l.left < 0 {
		return b, nil
	}
	n := int(min(l.left, int64(b.Len)))
	l.left -= int64(n)
	if l.left > 0 {
		return b, nil
	}
	if l.ties == nil {
		l.ended = true
		return b.Slice(0, n), nil
	}
	keys, err := l.ties.encode(b)
	if err != nil {
		return nil, err
	}
	if l.last == nil {
		l.last = append([]byte{}, keys.at(n-1)...)
	}
	for n < b.Len && bytes.Equal(keys.at(n), l.last) {
		n++
	}
	l.ended = n < b.Len
	if n == 0 {
		return nil, nil
	}
	return b.Slice(0, n), nil
}

func (l *limit) Close() error {
	l.ended = true
	return l.in.Close()
}
