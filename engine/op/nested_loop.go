package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// nestedLoop tries all pairs of rows where the right input does not fit in memory: it is kept in a file and read once per
// left batch. A hashJoin without keys turns into it.
type nestedLoop struct {
	*Joining
	env  *Env
	left source

	m       *matcher
	rows    *buffer
	hits    []vec.Bitmap // of each right batch
	cur     *vec.Batch
	matched []bool // rows of cur
	reader  *bufferReader
	batch   int
	r       *vec.Batch
	at      int // next row of cur to pair with r
	queue   []*vec.Batch
	ended   bool // left is at its end
	tail    *bufferReader
	done    bool
}

// newNestedLoop joins by a condition alone. The right input is the batches of list, then those of right.
func newNestedLoop(ctx context.Context, env *Env, left, right source, list []*vec.Batch, j *Joining) (*nestedLoop, error) {
	inner := *j
	inner.Kind = plan.Inner // what is kept without a match is decided over all right batches
	n := &nestedLoop{Joining: j, env: env, left: left, m: newMatcher(env, &inner), rows: newBuffer(env)}
	for _, b := range list {
		if err := n.keep(b); err != nil {
			return n, err
		}
	}
	for {
		b, err := right.Next(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if b == nil || err != nil {
			return n, err
		}
		if err := n.keep(b); err != nil {
			return n, err
		}
	}
}

// keep takes a right batch.
func (n *nestedLoop) keep(b *vec.Batch) error {
	if n.keepsRight() {
		n.hits = append(n.hits, vec.NewBitmap(b.Len))
	}
	return n.rows.add(b)
}

func (n *nestedLoop) Next(ctx context.Context) (*vec.Batch, error) {
	for !n.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(n.queue) > 0 {
			b := n.queue[0]
			n.queue = n.queue[1:]
			return b, nil
		}
		var err error
		switch {
		case n.ended:
			err = n.nextTail()
		case n.cur == nil:
			err = n.nextLeft(ctx)
		case n.r == nil:
			err = n.nextRight()
		default:
			err = n.pair()
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (n *nestedLoop) nextLeft(ctx context.Context) error {
	b, err := n.left.Next(ctx)
	if err != nil {
		return err
	}
	if b == nil {
		n.ended = true
		return nil
	}
	n.cur, n.matched, n.reader, n.batch, n.r = b, make([]bool, b.Len), n.rows.reader(), -1, nil
	return nil
}

// nextRight goes on to the next right batch; after the last it gives the left rows that the kind keeps.
func (n *nestedLoop) nextRight() error {
	b, err := n.reader.next()
	if err != nil {
		return err
	}
	if b != nil {
		n.r, n.at, n.batch = b, 0, n.batch+1
		return nil
	}
	var rows []int32
	for i, hit := range n.matched {
		if hit == (n.Kind == plan.Semi) {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) > 0 && (n.leftOnly() || n.keepsLeft()) {
		out := n.cur.Take(rows)
		if !n.leftOnly() {
			out.Cols = append(out.Cols, nullColumns(n.RightTypes, out.Len)...)
		}
		n.queue = append(n.queue, out)
	}
	n.cur = nil
	return nil
}

// pair tries some left rows with the right batch.
func (n *nestedLoop) pair() error {
	var c pairs
	from := n.at
	for ; n.at < n.cur.Len && len(c.left) < n.env.Rows; n.at++ {
		if n.leftOnly() && n.matched[n.at] {
			continue
		}
		for r := range n.r.Len {
			c.left, c.right = append(c.left, int32(n.at)), append(c.right, int32(r))
		}
	}
	p, err := n.m.match(n.cur, n.r, c, from, n.at)
	if err != nil {
		return err
	}
	for k, l := range p.left {
		n.matched[l] = true
		if n.hits != nil {
			n.hits[n.batch].Set(int(p.right[k]))
		}
	}
	if !n.leftOnly() {
		n.queue = n.m.emit(n.cur, n.r, p)
	}
	if n.at >= n.cur.Len {
		n.r = nil
	}
	return nil
}

// nextTail gives the right rows without a match, batch by batch.
func (n *nestedLoop) nextTail() error {
	if !n.keepsRight() {
		n.done = true
		return nil
	}
	if n.tail == nil {
		n.tail, n.batch = n.rows.reader(), -1
	}
	b, err := n.tail.next()
	if err != nil {
		return err
	}
	if b == nil {
		n.done = true
		return nil
	}
	n.batch++
	n.m.hit = n.hits[n.batch]
	n.queue = n.m.unmatchedRight(b)
	return nil
}

func (n *nestedLoop) close() error {
	n.done, n.cur, n.r, n.queue = true, nil, nil, nil
	return n.rows.close()
}

// lateral builds and runs its right side once for each left row.
type lateral struct {
	*Joining
	env   *Env
	left  Op
	right func(row expr.OuterRow) (Op, error)

	m     *matcher
	cur   *vec.Batch
	at    int
	inner Op
	any   bool // the row has a match
	done  bool
}

// NewLateral joins each left row with the rows of the operator that right makes for it. Kind is Inner, Cross, Left, Semi
// or Anti.
func NewLateral(env *Env, left Op, right func(row expr.OuterRow) (Op, error), j *Joining) Op {
	return &lateral{Joining: j, env: env, left: left, right: right}
}

func (l *lateral) Open(ctx context.Context) error {
	inner := *l.Joining
	inner.Kind = plan.Inner
	l.m = newMatcher(l.env, &inner)
	return l.left.Open(ctx)
}

func (l *lateral) Next(ctx context.Context) (*vec.Batch, error) {
	for !l.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if l.cur == nil || l.inner == nil && l.at >= l.cur.Len {
			b, err := l.left.Next(ctx)
			if b == nil || err != nil {
				l.done = true
				return nil, err
			}
			l.cur, l.at = b, 0
		}
		b, err := l.row(ctx)
		if b != nil || err != nil {
			return b, err
		}
	}
	return nil, nil
}

// row goes on with the current left row; nil where it has nothing to give at this step.
func (l *lateral) row(ctx context.Context) (*vec.Batch, error) {
	if l.inner == nil {
		in, err := l.right(expr.OuterRow{Batch: l.cur, Row: l.at})
		if err != nil {
			return nil, err
		}
		l.inner, l.any = in, false
		if err := in.Open(ctx); err != nil {
			return nil, err
		}
	}
	r, err := l.inner.Next(ctx)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return l.endRow()
	}
	c := pairs{make([]int32, r.Len), make([]int32, r.Len)}
	for i := range r.Len {
		c.left[i], c.right[i] = int32(l.at), int32(i)
	}
	p, err := l.m.match(l.cur, r, c, l.at, l.at+1)
	if err != nil || len(p.left) == 0 {
		return nil, err
	}
	l.any = true
	if l.leftOnly() {
		return l.endRow()
	}
	return l.m.joined(l.cur, r, p, nil), nil
}

// endRow closes the right side and gives the left row where the kind keeps it.
func (l *lateral) endRow() (*vec.Batch, error) {
	err := l.inner.Close()
	l.inner = nil
	row := l.cur.Slice(l.at, l.at+1)
	l.at++
	if err != nil {
		return nil, err
	}
	switch {
	case l.leftOnly() && l.any == (l.Kind == plan.Semi):
		return row, nil
	case l.keepsLeft() && !l.any:
		row.Cols = append(row.Cols, nullColumns(l.RightTypes, 1)...)
		return row, nil
	}
	return nil, nil
}

func (l *lateral) Close() error {
	l.done, l.cur = true, nil
	err := closeAll(l.inner, l.left)
	l.inner = nil
	return err
}
