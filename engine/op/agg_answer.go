package op

import (
	"context"

	"github.com/allsource-db/allsource/vec"
)

// answer is the groups of a table as batches: keys, calls, and with grouping sets the set's number. Names of entities are not
// copied: they are given as codes of the columns that they came in, which ends a batch where these change.
type answer struct {
	keys   []keyValues
	copies []*vec.Column // of the keys that do not wait
	rest   []*vec.Column
	order  []int32 // of the groups; nil: as they are
	n, at  int
}

// result computes the answer of all groups; the table is not to be used any more.
func (t *aggTable) result(ctx context.Context) (*answer, error) {
	calls := make([]*vec.Column, len(t.calls))
	for k, c := range t.calls {
		var err error
		if calls[k], err = c.result(ctx, t.n); err != nil {
			return nil, err
		}
	}
	present := t.present()
	order := t.best(calls, present)
	if order == nil {
		order = t.order(present)
	}
	out := &answer{keys: t.keys, copies: make([]*vec.Column, len(t.keys)), rest: calls, order: order, n: t.n}
	if order != nil {
		out.n = len(order)
		for k, c := range calls {
			out.rest[k] = c.Take(order)
		}
	}
	if t.space != nil { // the values are found in the order of the answer
		t.keys[0], out.order = t.values(order), nil
	}
	for k := range t.keys {
		if !t.keys[k].waits() {
			out.copies[k] = t.keys[k].column(order)
		}
	}
	if t.in.Sets != nil {
		out.rest = append(out.rest, t.sets.Finish())
	}
	return out, nil
}

// next gives at most so many rows, nil after the last.
func (a *answer) next(rows int) *vec.Batch {
	if a == nil || a.at >= a.n {
		return nil
	}
	from, to := a.at, min(a.at+rows, a.n)
	for k := range a.keys {
		to = a.keys[k].cut(a.order, from, to)
	}
	a.at = to
	b := &vec.Batch{Len: to - from}
	for k, c := range a.copies {
		if c != nil {
			b.Cols = append(b.Cols, c.Slice(from, to))
		} else {
			b.Cols = append(b.Cols, a.keys[k].rows(a.order, from, to))
		}
	}
	for _, c := range a.rest {
		b.Cols = append(b.Cols, c.Slice(from, to))
	}
	return b
}
