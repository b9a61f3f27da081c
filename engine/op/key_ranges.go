package op

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// keyRanges evaluates which keys of an index are asked for, in the order in which they are read.
func keyRanges(x *expr.EvalCtx, u *plan.IndexUse, reverse bool) ([]keyRange, error) {
	var prefix []byte
	for i, e := range u.Equal {
		k := &u.Index.Keys[i]
		if e == nil {
			prefix = append(prefix, nullKey(k))
			continue
		}
		v, err := expr.Value(x, e)
		if err != nil {
			return nil, err
		}
		if v.Null(0) {
			return nil, nil
		}
		prefix = AppendIndexKey(prefix, k, v, 0)
	}
	switch {
	case u.IsList():
		return listRanges(x, u, prefix, reverse)
	case u.IsRange():
		r, ok, err := between(x, u, prefix)
		if err != nil || !ok || r.empty() {
			return nil, err
		}
		return []keyRange{r}, nil
	case prefix == nil:
		return []keyRange{{}}, nil
	}
	return []keyRange{prefixed(prefix)}, nil
}

// Count is how many rows the use of an index finds, no more than one over most; of several uses those that more than one finds count more than once.
func (t *TableRows) Count(ctx context.Context, x *expr.EvalCtx, u *plan.IndexUse, most int64) (n int64, err error) {
	_, err = t.find(ctx, x, u, func(storage.RowID) bool {
		n++
		return n <= most
	})
	return n, err
}

// Found lists the rows that the uses of indexes find, each once: those of the view in the order of their numbers, then the transaction's own as they were added.
func (t *TableRows) Found(ctx context.Context, x *expr.EvalCtx, u *plan.IndexUse) ([]storage.RowID, error) {
	ids := []storage.RowID{}
	_, err := t.find(ctx, x, u, func(id storage.RowID) bool {
		ids = append(ids, id)
		return true
	})
	slices.SortFunc(ids, func(a, b storage.RowID) int {
		if a < 0 && b < 0 {
			a, b = b, a
		}
		return cmp.Compare(uint64(a), uint64(b))
	})
	return slices.Compact(ids), err
}

// find calls f for the rows that the use of an index finds, until it returns false; so does find then.
func (t *TableRows) find(ctx context.Context, x *expr.EvalCtx, u *plan.IndexUse, f func(storage.RowID) bool) (bool, error) {
	for _, o := range u.Or {
		if more, err := t.find(ctx, x, o, f); !more || err != nil {
			return more, err
		}
	}
	if u.Or != nil {
		return true, nil
	}
	ranges, err := keyRanges(x, u, false)
	for _, r := range ranges {
		c, err := t.seek(ctx, u.Index, r, false, u.IsWhole(), false)
		if err != nil {
			return false, storageError(err)
		}
		for {
			_, id, ok, err := c.next(ctx)
			if err != nil {
				return false, err
			}
			if !ok {
				break
			}
			if !f(id) {
				return false, nil
			}
		}
	}
	return true, err
}

// listRanges are the ranges of the values of a list, each once.
func listRanges(x *expr.EvalCtx, u *plan.IndexUse, prefix []byte, reverse bool) ([]keyRange, error) {
	k := &u.Index.Keys[len(u.Equal)]
	var keys [][]byte
	add := func(c *vec.Column, from, to int) {
		for i := from; i < to; i++ {
			if !c.Null(i) {
				keys = append(keys, AppendIndexKey(bytes.Clone(prefix), k, c, i))
			}
		}
	}
	for _, e := range u.In {
		v, err := expr.Value(x, e)
		if err != nil {
			return nil, err
		}
		add(v, 0, 1)
	}
	if u.Any != nil {
		v, err := expr.Value(x, u.Any)
		if err != nil || v.Null(0) {
			return nil, err
		}
		add(v.List(0))
	}
	slices.SortFunc(keys, bytes.Compare)
	keys = slices.CompactFunc(keys, bytes.Equal)
	if reverse {
		slices.Reverse(keys)
	}
	out := make([]keyRange, len(keys))
	for i, key := range keys {
		out[i] = prefixed(key)
	}
	return out, nil
}

// between is the range of the keys after a prefix that lie between bounds; those of which the first is null lie outside. ok is false where a bound
// is null.
func between(x *expr.EvalCtx, u *plan.IndexUse, prefix []byte) (r keyRange, ok bool, err error) {
	values := append(bytes.Clone(prefix), keyValue)
	r = keyRange{values, Successor(values)}
	for _, b := range []struct {
		values []expr.Expr
		op     plan.CompareOp
	}{{u.Low, u.LowOp}, {u.High, u.HighOp}} {
		if b.values == nil {
			continue
		}
		keys := u.Index.Keys[len(u.Equal):]
		key, n, err := boundKey(x, keys, b.values, bytes.Clone(prefix))
		if err != nil || n == 0 {
			return r, false, err
		}
		after := (b.op == plan.Gt || b.op == plan.Ge) != keys[0].Desc
		inclusive := n == len(b.values) && (b.op == plan.Ge || b.op == plan.Le)
		if after != inclusive {
			key = Successor(key)
		}
		if after {
			r.lo = key
		} else {
			r.hi = key
		}
	}
	return r, true, nil
}

// boundKey appends the values of the first keys to a prefix, up to one that is null, and returns how many: the comparison is true of no row that
// has the values before that.
func boundKey(x *expr.EvalCtx, keys []catalog.IndexKey, values []expr.Expr, prefix []byte) (key []byte, n int, err error) {
	for i, e := range values {
		v, err := expr.Value(x, e)
		if err != nil || v.Null(0) {
			return prefix, i, err
		}
		prefix = AppendIndexKey(prefix, &keys[i], v, 0)
	}
	return prefix, len(values), nil
}
