package op

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// extremes finds the least or greatest value of each frame in a tree over the rows; of equal values the last, as when they are
// compared one by one.
func (a *windowAggregate) extremes(p *argPiece) *vec.Column {
	tree := a.call.extremesOf(p)
	f := a.parts.Frames
	rows := make([]int32, a.parts.Len)
	var buf [3]funcs.Piece
	for i := range rows {
		best := int32(-1)
		for _, p := range f.Pieces(i, buf[:]) {
			best = tree.pick(best, tree.best(p.From, p.To))
		}
		rows[i] = best
	}
	return p.args[0].Take(rows)
}

// extremeTree has the best of every run of rows whose length is a power of two.
type extremeTree struct {
	best2  []int32
	n      int
	better func(x, y int32) bool
}

// extremesOf makes the tree of the rows of a piece.
func (c *windowCall) extremesOf(p *argPiece) *extremeTree {
	return newExtremeTree(p.args[0].Len, p.leaves, c.better(p.args[0]))
}

func newExtremeTree(n int, leaves func(i int32) bool, better func(x, y int32) bool) *extremeTree {
	t := &extremeTree{best2: make([]int32, 2*n), n: n, better: better}
	for i := range n {
		t.best2[n+i] = int32(i)
		if leaves(int32(i)) {
			t.best2[n+i] = -1
		}
	}
	for i := n - 1; i > 0; i-- {
		t.best2[i] = t.pick(t.best2[2*i], t.best2[2*i+1])
	}
	return t
}

// pick chooses between two rows of which x comes first; -1 is none.
func (t *extremeTree) pick(x, y int32) int32 {
	if x < 0 || y >= 0 && t.better(x, y) {
		return y
	}
	return x
}

// best gives the best of rows [from, to), -1 where none counts.
func (t *extremeTree) best(from, to int32) int32 {
	left, right := int32(-1), int32(-1)
	for lo, hi := int(from)+t.n, int(to)+t.n; lo < hi; lo, hi = lo/2, hi/2 {
		if lo&1 == 1 {
			left = t.pick(left, t.best2[lo])
			lo++
		}
		if hi&1 == 1 {
			hi--
			right = t.pick(t.best2[hi], right)
		}
	}
	return t.pick(left, right)
}

// better reports whether row y's value is to be preferred to that of row x, which comes before it.
func (c *windowCall) better(col *vec.Column) func(x, y int32) bool {
	t, least := c.Args[0].Type(), c.Agg.Name == "min"
	if col.Kind == vec.Int64 && col.Codes == nil && t.OID != datum.TimeTZ {
		if least {
			return func(x, y int32) bool { return col.I64[y] <= col.I64[x] }
		}
		return func(x, y int32) bool { return col.I64[y] >= col.I64[x] }
	}
	return func(x, y int32) bool {
		c := datum.Compare(t, col, int(y), col, int(x))
		return c == 0 || c < 0 == least
	}
}
