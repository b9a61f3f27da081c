package op

import (
	"context"
	"slices"
	"sync"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// hashJoin holds the right input in a table and looks the rows of the left one up, in their order. When the right input
// does not fit, both are spread over files by the hash of the keys, and the files are joined pair by pair.
type hashJoin struct {
	*Joining
	env         *Env
	left, right source
	level       byte

	m         *matcher
	leftKeys  []*expr.Program
	rightKeys []*expr.Program
	acct      account
	table     *grouper
	rows      *vec.Batch // the right input
	head      []int32    // first right row of each key
	next      []int32    // next right row of the same key

	built bool
	cur   *vec.Batch // left batch being joined
	ids   []int32
	at    int
	queue []*vec.Batch
	tail  bool // unmatched right rows are given
	done  bool

	leftParts, rightParts *partitions // when it did not fit
	sub                   *hashJoin
	loop                  *nestedLoop // when it did not fit and there are no keys
}

type hashJoinOp struct {
	*hashJoin
	l, r   Op
	cancel context.CancelFunc // of inputs that were opened together
}

// NewHashJoin joins by equal keys. Without keys every pair of rows is a candidate.
func NewHashJoin(env *Env, left, right Op, j *Joining) Op {
	return &hashJoinOp{hashJoin: newHashJoin(env, left, right, j, 0), l: left, r: right}
}

func newHashJoin(env *Env, left, right source, j *Joining, level byte) *hashJoin {
	h := &hashJoin{Joining: j, env: env, left: left, right: right, level: level, acct: env.Budget.account()}
	h.m = newMatcher(env, j)
	h.leftKeys, h.rightKeys = expr.CompileAll(j.LeftKeys, env.X), expr.CompileAll(j.RightKeys, env.X)
	return h
}

func (h *hashJoinOp) Open(ctx context.Context) error {
	if h.Together {
		return h.openTogether(ctx)
	}
	if err := h.l.Open(ctx); err != nil {
		return err
	}
	return h.r.Open(ctx)
}

// openTogether opens both inputs at the same time. Where both fail the error is the left one's, as if they were opened in turn.
func (h *hashJoinOp) openTogether(ctx context.Context) (err error) {
	ctx, h.cancel = context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	var right error
	wait.Go(func() {
		defer Rescue(&right)
		right = h.r.Open(ctx)
	})
	if err := h.l.Open(ctx); err != nil {
		h.cancel()
		return err
	}
	wait.Wait()
	return right
}

func (h *hashJoinOp) Close() error {
	if h.cancel != nil {
		h.cancel()
	}
	err := h.hashJoin.close()
	if e := closeAll(h.l, h.r); err == nil {
		err = e
	}
	return err
}

func (h *hashJoin) Next(ctx context.Context) (*vec.Batch, error) {
	if !h.built && !h.done {
		h.built = true
		if err := h.build(ctx); err != nil {
			return nil, err
		}
	}
	for !h.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if h.loop != nil {
			return h.loop.Next(ctx)
		}
		if len(h.queue) > 0 {
			b := h.queue[0]
			h.queue = h.queue[1:]
			return b, nil
		}
		var err error
		switch {
		case h.leftParts != nil:
			var b *vec.Batch
			if b, err = h.nextSpilled(ctx); b != nil {
				return b, err
			}
		case h.cur != nil:
			err = h.probe()
		default:
			err = h.advance(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// build reads the right input.
func (h *hashJoin) build(ctx context.Context) error {
	h.table = newGrouper(typesOf(h.LeftKeys))
	var list, waits []*vec.Batch
	var ids [][]int32
	bytes, keyBytes := int64(0), int64(0)
	for {
		b, err := h.right.Next(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		keys, err := evalAll(h.rightKeys, b)
		if err != nil {
			return err
		}
		of := make([]int32, b.Len)
		h.table.assign(keys, b.Len, of)
		dropNulls(keys, of)
		kept := settled(h.wanted(b))
		waits = append(waits, h.waiting(b, kept))
		list, ids = append(list, kept), append(ids, of)
		bytes += memSize(kept) + 12*int64(b.Len)
		keyBytes += h.waitSize(waits)
		// Twice, because the batches become one before they are let go.
		if !h.acct.set(2*bytes + keyBytes + h.table.memSize()) {
			if len(h.LeftKeys) == 0 {
				h.table = nil
				h.acct.release()
				h.loop, err = newNestedLoop(ctx, h.env, h.left, h.right, list, h.Joining)
				return err
			}
			return h.spread(ctx, waits)
		}
	}
	h.rows = concatBatches(h.RightTypes, list)
	h.link(ids)
	if h.keepsRight() {
		h.m.hit = make([]bool, h.rows.Len)
	}
	return h.acct.need(memSize(h.rows) + 8*int64(h.rows.Len) + h.table.memSize())
}

// wanted are the columns of a right batch that are read once its rows are found.
func (h *hashJoin) wanted(b *vec.Batch) *vec.Batch {
	out := &vec.Batch{Len: b.Len, Cols: make([]*vec.Column, len(b.Cols))}
	for i, c := range b.Cols {
		if h.m.holds(i) {
			out.Cols[i] = c
		}
	}
	return out
}

// waiting is a right batch for the case that its rows must be put aside: what is kept of it, and the columns that only the keys
// read in the form in which they came.
func (h *hashJoin) waiting(b, kept *vec.Batch) *vec.Batch {
	out := &vec.Batch{Len: b.Len, Cols: slices.Clone(b.Cols)}
	for i, c := range kept.Cols {
		if c != nil {
			out.Cols[i] = c
		}
	}
	return out
}

// waitSize is what the last batch holds beside what is kept of it: a dictionary that it shares with the one before counts once.
func (h *hashJoin) waitSize(waits []*vec.Batch) int64 {
	n := 0
	last := len(waits) - 1
	for i, c := range waits[last].Cols {
		switch {
		case c == nil || h.m.holds(i):
		case last > 0 && c.Codes != nil && c.Dict == waits[last-1].Cols[i].Dict:
			n += 4 * c.Len
		default:
			n += c.MemSize()
		}
	}
	return int64(n)
}

// link chains the right rows of each key in their order.
func (h *hashJoin) link(ids [][]int32) {
	h.head, h.next = make([]int32, h.table.len()), make([]int32, h.rows.Len)
	for i := range h.head {
		h.head[i] = -1
	}
	row := h.rows.Len
	for k := len(ids) - 1; k >= 0; k-- {
		for i := len(ids[k]) - 1; i >= 0; i-- {
			row--
			if id := ids[k][i]; id >= 0 {
				h.next[row] = h.head[id]
				h.head[id] = int32(row)
			}
		}
	}
}

// dropNulls takes the number from rows with a null key.
func dropNulls(keys []*vec.Column, ids []int32) {
	for _, c := range keys {
		if !c.HasNulls() {
			continue
		}
		for i := range ids {
			if c.Null(i) {
				ids[i] = -1
			}
		}
	}
}

// advance takes the next left batch, or ends.
func (h *hashJoin) advance(ctx context.Context) error {
	if h.rows.Len == 0 && (h.Kind == plan.Inner || h.Kind == plan.Cross || h.Kind == plan.Semi || h.Kind == plan.Right) {
		h.done = true
		return nil
	}
	b, err := h.left.Next(ctx)
	if err != nil {
		return err
	}
	if b == nil {
		if h.keepsRight() && !h.tail {
			h.tail = true
			h.queue = h.m.unmatchedRight(h.rows)
			return nil
		}
		h.done = true
		return nil
	}
	keys, err := evalAll(h.leftKeys, b)
	if err != nil {
		return err
	}
	h.ids = resized(h.ids, b.Len)
	h.table.find(keys, b.Len, h.ids)
	dropNulls(keys, h.ids)
	h.cur, h.at = b, 0
	return nil
}

// probe joins some rows of the left batch.
func (h *hashJoin) probe() error {
	from := h.at
	var c pairs
	for h.at < h.cur.Len && len(c.left) < h.env.Rows {
		if id := h.ids[h.at]; id >= 0 {
			for r := h.head[id]; r >= 0; r = h.next[r] {
				c.left, c.right = append(c.left, int32(h.at)), append(c.right, r)
			}
		}
		h.at++
	}
	p, err := h.m.match(h.cur, h.rows, c, from, h.at)
	if err != nil {
		return err
	}
	h.queue = h.m.emit(h.cur, h.rows, p)
	if h.at >= h.cur.Len {
		h.cur = nil
	}
	return nil
}

// spread puts both inputs into files; list is what was read of the right one.
func (h *hashJoin) spread(ctx context.Context, list []*vec.Batch) error {
	var err error
	h.table = nil
	if h.rightParts, err = newPartitions(h.env, typesOf(h.RightKeys), h.level); err != nil {
		return err
	}
	if h.leftParts, err = newPartitions(h.env, typesOf(h.LeftKeys), h.level); err != nil {
		return err
	}
	put := func(p *partitions, keys []*expr.Program, b *vec.Batch) error {
		cols, err := evalAll(keys, b)
		if err != nil {
			return err
		}
		return p.add(b, cols)
	}
	for _, b := range list {
		if err := put(h.rightParts, h.rightKeys, b); err != nil {
			return err
		}
	}
	h.acct.release()
	for _, side := range []struct {
		in   source
		p    *partitions
		keys []*expr.Program
	}{{h.right, h.rightParts, h.rightKeys}, {h.left, h.leftParts, h.leftKeys}} {
		for {
			b, err := side.in.Next(ctx)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			if b == nil {
				break
			}
			if err := put(side.p, side.keys, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextSpilled joins the files pair by pair.
func (h *hashJoin) nextSpilled(ctx context.Context) (*vec.Batch, error) {
	if h.sub != nil {
		b, err := h.sub.Next(ctx)
		if b != nil || err != nil {
			return b, err
		}
		if err := h.sub.close(); err != nil {
			return nil, err
		}
		h.sub = nil
	}
	if h.leftParts.at >= fanOut {
		h.done = true
		return nil, nil
	}
	k := h.leftParts.at
	h.leftParts.at, h.rightParts.at = k+1, k+1
	var in [2]source
	for i, p := range []*partitions{h.leftParts, h.rightParts} {
		in[i] = noRows{}
		if p.files[k] != nil {
			s, err := openSpill(p.files[k])
			if err != nil {
				return nil, err
			}
			in[i] = s
		}
	}
	h.sub = newHashJoin(h.env, in[0], in[1], h.Joining, h.level+1)
	return nil, nil
}

// noRows is an empty input.
type noRows struct{}

func (noRows) Next(context.Context) (*vec.Batch, error) { return nil, nil }

func (h *hashJoin) close() error {
	h.done, h.table, h.rows, h.cur, h.queue, h.head, h.next = true, nil, nil, nil, nil, nil, nil
	h.acct.release()
	var first error
	if h.sub != nil {
		first = h.sub.close()
		h.sub = nil
	}
	if h.loop != nil {
		if err := h.loop.close(); first == nil {
			first = err
		}
	}
	for _, p := range []*partitions{h.leftParts, h.rightParts} {
		if p == nil {
			continue
		}
		if err := p.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
