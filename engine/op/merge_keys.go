package op

import (
	"bytes"
	"cmp"
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// mergeKeys is the keys of rows: one that orders as a number does is kept as it is, others as bytes.
type mergeKeys struct {
	ints []int64
	enc  *encoded
	null []bool // rows with a null among their keys; nil: there are none
}

// keyed is rows with their keys.
type keyed struct {
	b *vec.Batch
	mergeKeys
	from int  // where the keys of the first row are
	one  bool // all rows have the key of the first
}

func (k *keyed) index(i int) int {
	if k.one {
		i = 0
	}
	return k.from + i
}

func (k *keyed) isNull(i int) bool { return k.null != nil && k.null[k.index(i)] }

// compare orders row i before (-1), after (1) or with (0) row j of other.
func (k *keyed) compare(i int, other *keyed, j int) int {
	i, j = k.index(i), other.index(j)
	if k.ints != nil {
		return cmp.Compare(k.ints[i], other.ints[j])
	}
	return bytes.Compare(k.enc.at(i), other.enc.at(j))
}

func (k *keyed) slice(from, to int) *keyed {
	return &keyed{b: k.b.Slice(from, to), mergeKeys: k.mergeKeys, from: k.from + from}
}

// keyReader computes keys.
type keyReader struct {
	keys *sortKeys
	ints bool
}

func newKeyReader(env *Env, keys []expr.Expr, desc []bool) *keyReader {
	list := make([]plan.SortKey, len(keys))
	for i, k := range keys {
		list[i] = plan.SortKey{Expr: k, Desc: desc[i]}
	}
	return &keyReader{keys: newSortKeys(env, list), ints: len(keys) == 1 && ordersAsInt(keys[0].Type().OID)}
}

// ordersAsInt reports whether values order as the numbers that stand for them.
func ordersAsInt(t datum.OID) bool {
	return datum.KindOf(t) == vec.Int64 && t != datum.TimeTZ && t != datum.Xid8 && t != datum.PgLSN
}

func (r *keyReader) read(b *vec.Batch) (*keyed, error) {
	cols, err := evalAll(r.keys.progs, b)
	if err != nil {
		return nil, err
	}
	k := &keyed{b: b}
	for _, c := range cols {
		if !c.HasNulls() {
			continue
		}
		if k.null == nil {
			k.null = make([]bool, b.Len)
		}
		for i := range k.null {
			k.null[i] = k.null[i] || c.Null(i)
		}
	}
	if !r.ints {
		k.enc = r.keys.encodeColumns(cols, b.Len)
		return k, nil
	}
	k.ints = intsOf(cols[0], r.keys.keys[0].Desc)
	return k, nil
}

// intsOf is the numbers of a column, such that they ascend.
func intsOf(c *vec.Column, desc bool) []int64 {
	if c.Codes == nil && !desc {
		return c.I64[:c.Len]
	}
	out := make([]int64, c.Len)
	for i := range out {
		if c.Null(i) {
			continue
		}
		if out[i] = c.Int(i); desc {
			out[i] = ^out[i]
		}
	}
	return out
}

// runReader gives an ordered input in pieces that have all rows of each of their keys.
type runReader struct {
	in    source
	keys  *keyReader
	nulls func(*vec.Batch) // takes the rows with a null among their keys, which the pieces do not have; nil: they are dropped

	cur, ahead *keyed // what was read and not given
	ended      bool
}

// next gives the next piece, nil at the end. One that is not whole is the first rows of a single key, of which rest has the others.
func (r *runReader) next(ctx context.Context) (k *keyed, whole bool, err error) {
	if r.cur == nil {
		if r.cur, err = r.read(ctx); r.cur == nil {
			return nil, true, err
		}
	}
	if r.ahead == nil {
		if r.ahead, err = r.read(ctx); err != nil {
			return nil, false, err
		}
	}
	k = r.cur
	n := k.b.Len
	if r.ahead == nil || k.compare(n-1, r.ahead, 0) != 0 {
		r.cur, r.ahead = r.ahead, nil
		return k, true, nil
	}
	last := n - 1
	for last > 0 && k.compare(last-1, k, n-1) == 0 {
		last--
	}
	if last > 0 {
		r.cur = k.slice(last, n)
		return k.slice(0, last), true, nil
	}
	r.cur = nil
	return k, false, nil
}

// rest gives more rows with the key of first, nil when there are none.
func (r *runReader) rest(ctx context.Context, first *keyed) (*keyed, error) {
	if r.cur != nil {
		return nil, nil
	}
	k, err := r.ahead, error(nil)
	if r.ahead = nil; k == nil {
		if k, err = r.read(ctx); k == nil {
			return nil, err
		}
	}
	end := 0
	for end < k.b.Len && k.compare(end, first, 0) == 0 {
		end++
	}
	switch end {
	case k.b.Len:
		return k, nil
	case 0:
		r.cur = k
		return nil, nil
	}
	r.cur = k.slice(end, k.b.Len)
	return k.slice(0, end), nil
}

// read gives the next rows that have all their keys.
func (r *runReader) read(ctx context.Context) (*keyed, error) {
	for !r.ended {
		b, err := r.in.Next(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if b == nil {
			r.ended = true
			break
		}
		k, err := r.keys.read(b)
		if err != nil {
			return nil, err
		}
		if k.null == nil {
			return k, nil
		}
		var with, without []int32
		for i, null := range k.null {
			if null {
				with = append(with, int32(i))
			} else {
				without = append(without, int32(i))
			}
		}
		if r.nulls != nil && len(with) > 0 {
			r.nulls(b.Take(with))
		}
		if len(without) > 0 {
			return r.keys.read(b.Take(without))
		}
	}
	return nil, nil
}
