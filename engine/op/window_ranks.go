package op

import (
	"context"
	"slices"
	"sort"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// rankCut says up to which rank the rows of a partition count.
type rankCut struct {
	fn   string // row_number, rank or dense_rank
	most int64
}

// newRankCut evaluates a window's run condition; null lets no row through.
func newRankCut(env *Env, n *plan.Window) (*rankCut, error) {
	v, err := expr.Value(env.X, n.Run.Limit)
	if err != nil {
		return nil, err
	}
	c := &rankCut{fn: n.Calls[n.Run.Call].Fn.Name}
	if v = v.Flat(); !v.Null(0) {
		c.most = max(0, v.Int(0))
	}
	return c, nil
}

// mostSelected is up to how many rows are found one by one without sorting the others.
const mostSelected = 1000

// selects reports whether the first rows of so many are found without sorting them all. A nil cut keeps all.
func (c *rankCut) selects(rows int) bool {
	return c != nil && c.fn != "dense_rank" && c.most > 0 && c.most <= mostSelected && int64(rows) > 2*c.most
}

// first gives the rows that count of a partition, sorted; rows that tie stay as they come. There must be more than count.
func (c *rankCut) first(part []int32, less func(x, y int32) int) []int32 {
	n := int(c.most)
	ties := c.fn == "rank"
	best := make([]int32, 0, n+1)
	for _, r := range part {
		if len(best) >= n {
			if d := less(r, best[n-1]); d > 0 || d == 0 && !ties {
				continue
			}
		}
		at := sort.Search(len(best), func(i int) bool { return less(best[i], r) > 0 })
		best = slices.Insert(best, at, r)
		for len(best) > n && (!ties || less(best[len(best)-1], best[n-1]) > 0) {
			best = best[:len(best)-1]
		}
	}
	return best
}

// firstRanks keeps of each partition the rows whose rank is low enough.
type firstRanks struct {
	in    partedRows
	cut   *rankCut
	peers *changes

	number, rank, dense int64 // of the row before
}

func (f *firstRanks) next(ctx context.Context) (*vec.Batch, []int32, error) {
	for {
		b, starts, err := f.in.next(ctx)
		if b == nil || err != nil {
			return nil, nil, err
		}
		if b, starts = f.keep(b, starts); b.Len > 0 {
			return b, starts, nil
		}
	}
}

func (f *firstRanks) keep(b *vec.Batch, starts []int32) (*vec.Batch, []int32) {
	var rows, kept []int32
	changed := f.peers.find(b)
	for i := range int32(b.Len) {
		begins := len(starts) > 0 && starts[0] == i
		differs := len(changed) > 0 && changed[0] == i
		if begins {
			starts, f.number, f.rank, f.dense = starts[1:], 0, 0, 0
		}
		if differs {
			changed = changed[1:]
		}
		f.number++
		if begins || differs {
			f.rank = f.number
			f.dense++
		}
		if f.value() > f.cut.most {
			continue
		}
		if begins {
			kept = append(kept, int32(len(rows)))
		}
		rows = append(rows, i)
	}
	if len(rows) == b.Len {
		return b, kept
	}
	out := &vec.Batch{Len: len(rows), Cols: make([]*vec.Column, len(b.Cols))}
	for k, c := range b.Cols {
		if c != nil {
			out.Cols[k] = c.Take(rows)
		}
	}
	return out, kept
}

// value is the rank of the present row.
func (f *firstRanks) value() int64 {
	switch f.cut.fn {
	case "row_number":
		return f.number
	case "rank":
		return f.rank
	}
	return f.dense
}

func (f *firstRanks) close() error { return f.in.close() }
