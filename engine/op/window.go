package op

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// windowing is what one Window node computes: the columns that are held of each row, and where the parts of the node find
// theirs among them. Expressions that are the same are one column.
type windowing struct {
	node   *plan.Window
	exprs  []expr.Expr
	types  []datum.Type
	keep   []int // columns that are passed on
	part   []int
	order  []int
	calls  []windowCall
	frames []*frameSpec
	used   []int // columns that the calls read
	cut    *rankCut
}

// windowCall is a call of the node.
type windowCall struct {
	*plan.WindowCall
	args   []int
	filter int // -1 none
	frame  *frameSpec
}

func newWindowing(n *plan.Window) *windowing {
	w := &windowing{node: n}
	in := n.Input.Schema()
	for _, c := range n.Keep {
		w.keep = append(w.keep, w.hold(&expr.Col{Index: c, Typ: in[c].Type, Name: in[c].Name}))
	}
	for _, p := range n.Partition {
		w.part = append(w.part, w.hold(p))
	}
	for _, k := range n.Order {
		w.order = append(w.order, w.hold(k.Expr))
	}
	for i := range n.Calls {
		w.calls = append(w.calls, w.call(&n.Calls[i]))
	}
	slices.Sort(w.used)
	w.used = slices.Compact(w.used)
	return w
}

func (w *windowing) hold(e expr.Expr) int {
	for i, o := range w.exprs {
		if expr.Equal(o, e) && !expr.IsVolatile(e) {
			return i
		}
	}
	w.exprs, w.types = append(w.exprs, e), append(w.types, e.Type())
	return len(w.exprs) - 1
}

func (w *windowing) call(c *plan.WindowCall) windowCall {
	out := windowCall{WindowCall: c, filter: -1}
	for _, a := range c.Args {
		out.args = append(out.args, w.hold(a))
	}
	w.used = append(w.used, out.args...)
	if c.Filter != nil {
		out.filter = w.hold(c.Filter)
		w.used = append(w.used, out.filter)
	}
	if !c.Framed() {
		return out
	}
	for _, f := range w.frames {
		if plan.EqualFrames(f.Frame, c.Frame) {
			out.frame = f
			return out
		}
	}
	out.frame = &frameSpec{Frame: c.Frame}
	w.frames = append(w.frames, out.frame)
	if out.frame.ranged() {
		w.used = append(w.used, w.order[0])
	}
	return out
}

// needsPeers reports whether a call asks which rows are peers.
func (w *windowing) needsPeers() bool {
	for _, c := range w.calls {
		if c.Fn != nil && c.Fn.Peers || c.frame != nil && c.frame.needsPeers() {
			return true
		}
	}
	return false
}

// partedRows gives rows of the held columns, partition by partition, and which of them begin a partition. A batch may end
// within a partition.
type partedRows interface {
	next(ctx context.Context) (b *vec.Batch, starts []int32, err error)
	close() error
}

// window computes the calls for whole partitions at a time: as many as end in one batch of rows. What is passed on waits
// in a buffer, which goes on in a file; what the calls look at is held in memory, or of a partition that is too large in pages.
type window struct {
	env  *Env
	kept *Env // of the buffers
	in   Op
	w    *windowing
	rows partedRows
	acct account

	peers *changes
	now   *windowChunk
	out   *bufferReader
	full  *windowChunk
	cols  []*vec.Column // of the calls, for the rows that out gives
	paged *pagedWindow  // computes them instead
	rest  *vec.Batch    // of out, where paged computed only some of its rows
	at    int
	done  bool
}

// NewWindow computes the functions of a Window node over the rows of in.
func NewWindow(env *Env, in Op, n *plan.Window) Op {
	return &window{env: env, in: in, w: newWindowing(n), acct: env.Budget.account()}
}

func (o *window) Open(ctx context.Context) error {
	for _, f := range o.w.frames {
		f.compile(o.env.X)
	}
	if o.w.needsPeers() {
		o.peers = &changes{types: o.w.types, cols: o.w.order}
	}
	if o.w.node.Run != nil {
		cut, err := newRankCut(o.env, o.w.node)
		if err != nil {
			return err
		}
		o.w.cut = cut
	}
	quarter := *o.env // sorting may take half, and the calls need some
	quarter.Budget = o.env.Budget.Child(o.env.Budget.limit / 4)
	o.kept = &quarter
	o.now = newWindowChunk(o.kept)
	o.rows = newPartedRows(o.env, o.in, o.w)
	return o.in.Open(ctx)
}

func (o *window) Next(ctx context.Context) (*vec.Batch, error) {
	for {
		if b, err := o.emit(); b != nil || err != nil {
			return b, err
		}
		if o.done {
			return nil, nil
		}
		if err := o.fill(ctx); err != nil {
			return nil, err
		}
	}
}

// emit gives the next batch of the partitions that are computed.
func (o *window) emit() (*vec.Batch, error) {
	if o.out == nil {
		return nil, nil
	}
	b, err := o.rest, error(nil)
	if b == nil {
		b, err = o.out.next()
	}
	if err != nil {
		return nil, err
	}
	if b == nil {
		o.out, o.cols, o.paged, o.at = nil, nil, nil, 0
		err := o.full.close()
		o.full = nil
		o.acct.set(o.now.size())
		return nil, err
	}
	if o.paged != nil {
		cols, n, err := o.paged.next(b.Len)
		if err != nil {
			return nil, err
		}
		o.rest = nil
		if n < b.Len {
			b, o.rest = b.Slice(0, n), b.Slice(n, b.Len)
		}
		return &vec.Batch{Len: n, Cols: append(b.Cols[:len(b.Cols):len(b.Cols)], cols...)}, nil
	}
	out := &vec.Batch{Len: b.Len, Cols: slices.Clone(b.Cols)}
	for _, c := range o.cols {
		out.Cols = append(out.Cols, c.Slice(o.at, o.at+b.Len))
	}
	o.at += b.Len
	return out, nil
}

// fill reads on to the end of a partition and computes all that are whole.
func (o *window) fill(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, starts, err := o.rows.next(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			o.done = true
			return o.compute(ctx)
		}
		var peers []int32
		if o.peers != nil {
			peers = o.peers.find(b)
		}
		end := 0
		if len(starts) > 0 {
			end = int(starts[len(starts)-1])
		}
		if end > 0 || len(starts) > 0 && o.now.n > 0 {
			if end > 0 {
				err = o.now.add(o.w, heldRows(b, 0, end), upTo(starts, 0, end), upTo(peers, 0, end))
			}
			if err == nil {
				err = o.compute(ctx)
			}
			if err == nil {
				err = o.now.add(o.w, heldRows(b, end, b.Len), []int32{0}, upTo(peers, end, b.Len))
			}
			if err != nil || o.out != nil {
				return err
			}
			continue
		}
		if err := o.now.add(o.w, b, starts, peers); err != nil {
			return err
		}
		if fits := o.acct.set(o.now.size()); o.now.paged == nil && (!fits || o.now.size() > mostHeld) {
			if err := o.page(o.now); err != nil {
				return err
			}
		}
	}
}

// mostHeld is how many bytes of a partition are held together, however much memory there is: a column of texts has an end.
const mostHeld = 1 << 30

// page gives what the calls read of a partition to a file.
func (o *window) page(c *windowChunk) error {
	err := c.page(o)
	o.acct.set(c.size())
	return err
}

// heldRows gives rows [from, to) of held columns, of which those that nobody reads may be missing.
func heldRows(b *vec.Batch, from, to int) *vec.Batch {
	out := &vec.Batch{Len: to - from, Cols: make([]*vec.Column, len(b.Cols))}
	for i, c := range b.Cols {
		if c != nil {
			out.Cols[i] = c.Slice(from, to)
		}
	}
	return out
}

// upTo gives the row numbers in [from, to), counted from from.
func upTo(rows []int32, from, to int) []int32 {
	var out []int32
	for _, r := range rows {
		if int(r) >= from && int(r) < to {
			out = append(out, r-int32(from))
		}
	}
	return out
}

// compute ends the present chunk, whose partitions are whole, and begins the next.
func (o *window) compute(ctx context.Context) error {
	c := o.now
	o.now = newWindowChunk(o.kept)
	if c.n == 0 {
		return c.close()
	}
	o.full, o.at, o.out, o.cols = c, 0, c.rows.reader(), nil
	if c.paged == nil {
		err := o.computeHeld(ctx, c)
		if len(c.starts) > 1 || !pgerr.Is(err, pgerr.OutOfMemory) {
			return err
		}
		o.cols = nil
		if err := o.page(c); err != nil {
			return err
		}
	}
	o.paged = newPagedWindow(o, c.paged)
	return c.paged.finish()
}

// computeHeld computes the calls of a chunk that is in memory.
func (o *window) computeHeld(ctx context.Context, c *windowChunk) error {
	if len(c.starts) == 1 {
		// The pieces become one, and frames and results take as much again as numbers do.
		if err := o.need(c.size() + 16*int64(c.n*(len(o.w.frames)+len(o.w.calls)))); err != nil {
			return err
		}
	}
	held := c.columns(o.w)
	parts := &funcs.Partitions{Len: c.n, Starts: append(c.starts[:len(c.starts):len(c.starts)], int32(c.n))}
	if o.peers != nil {
		parts.Peers = append(mergeRows(c.peers, c.starts), int32(c.n))
	}
	m := &frameMaker{o: o, parts: parts}
	if len(o.w.order) > 0 {
		m.key = held[o.w.order[0]]
	}
	for _, f := range o.w.frames {
		if err := f.find(m); err != nil {
			return err
		}
	}
	for i := range o.w.calls {
		if err := ctx.Err(); err != nil {
			return err
		}
		col, err := o.call(&o.w.calls[i], parts, held)
		if err != nil {
			return err
		}
		o.cols = append(o.cols, col)
		if err := o.need(memSize(&vec.Batch{Cols: o.cols})); err != nil {
			return err
		}
	}
	c.pieces = nil
	return nil
}

// need asks for n bytes beside what the chunk that is computed holds; pages are let go for them.
func (o *window) need(n int64) error {
	for !o.acct.set(o.full.size() + n) {
		if o.full.paged == nil || !o.full.paged.shrink() {
			return o.env.Budget.exhausted()
		}
	}
	return nil
}

// call computes one call.
func (o *window) call(c *windowCall, parts *funcs.Partitions, held []*vec.Column) (*vec.Column, error) {
	p := *parts
	if c.frame != nil {
		p.Frames = c.frame.frames
	}
	if c.Fn == nil {
		piece := c.piece(0, int32(p.Len), held)
		a := newWindowAggregate(o, c, piece)
		a.parts = &p
		return a.column(piece)
	}
	args := make([]*vec.Column, len(c.args))
	for i, a := range c.args {
		args[i] = held[a]
	}
	if c.Fn.Body != nil {
		return c.Fn.Body(&p, args)
	}
	rows, err := c.Fn.Pick(&p, args)
	if err != nil {
		return nil, err
	}
	return funcs.Picked(args, rows), nil
}

func (o *window) Close() error {
	o.done = true
	var first error
	for _, c := range []*windowChunk{o.now, o.full} {
		if c != nil {
			if err := c.close(); err != nil && first == nil {
				first = err
			}
		}
	}
	o.out, o.full, o.cols, o.paged, o.rest = nil, nil, nil, nil, nil
	if o.rows != nil {
		if err := o.rows.close(); err != nil && first == nil {
			first = err
		}
	}
	o.acct.release()
	if err := o.in.Close(); err != nil && first == nil {
		first = err
	}
	return first
}

// windowChunk is partitions that are computed together.
type windowChunk struct {
	n      int
	rows   *buffer               // what is passed on
	pieces map[int][]*vec.Column // what the calls read, by column
	starts []int32               // rows that begin a partition
	peers  []int32               // rows that differ from the row before in what the window is ordered by
	dicts  map[*vec.Column]bool  // counted in bytes
	bytes  int64
	paged  *pagedRows // instead of pieces, starts and peers, for one partition
}

func newWindowChunk(env *Env) *windowChunk {
	return &windowChunk{rows: newBuffer(env), pieces: map[int][]*vec.Column{}, dicts: map[*vec.Column]bool{}}
}

func (c *windowChunk) add(w *windowing, b *vec.Batch, starts, peers []int32) error {
	kept := &vec.Batch{Len: b.Len}
	for _, k := range w.keep {
		kept.Cols = append(kept.Cols, b.Cols[k])
	}
	if err := c.rows.add(kept); err != nil {
		return err
	}
	if c.paged != nil {
		c.n += b.Len
		return c.paged.add(b, peers)
	}
	for _, k := range w.used {
		col := b.Cols[k]
		c.pieces[k] = append(c.pieces[k], col)
		if col.Codes != nil {
			c.bytes += int64(4*col.Len + len(col.Valid)*8)
			if !c.dicts[col.Dict] {
				c.dicts[col.Dict] = true
				c.bytes += int64(col.Dict.MemSize())
			}
		} else {
			c.bytes += int64(col.MemSize())
		}
	}
	for _, s := range starts {
		c.starts = append(c.starts, s+int32(c.n))
	}
	for _, p := range peers {
		c.peers = append(c.peers, p+int32(c.n))
	}
	c.n += b.Len
	return nil
}

// size is what the chunk holds beside the buffer.
func (c *windowChunk) size() int64 { return c.bytes + int64(len(c.starts)+len(c.peers))*4 }

// columns puts the pieces together; only those that the calls read are set.
func (c *windowChunk) columns(w *windowing) []*vec.Column {
	out := make([]*vec.Column, len(w.types))
	for _, k := range w.used {
		out[k] = concat(w.types[k], c.pieces[k])
		c.pieces[k] = append(c.pieces[k][:0], out[k])
	}
	return out
}

// page gives the pieces to a file.
func (c *windowChunk) page(o *window) error {
	c.paged = newPagedRows(o.env, o.w, o.peers != nil, c.bytes/int64(max(c.n, 1)))
	pieces, n, done := c.pieces, c.n, 0
	c.pieces, c.dicts, c.bytes, c.n = nil, nil, 0, 0
	peers := mergeRows(c.peers, c.starts)
	c.peers = nil
	for i := 0; done < n; i++ {
		b := &vec.Batch{Len: n - done, Cols: make([]*vec.Column, len(o.w.types))}
		for _, k := range o.w.used {
			b.Cols[k] = pieces[k][i]
			b.Len = b.Cols[k].Len
		}
		if err := c.paged.add(b, upTo(peers, done, done+b.Len)); err != nil {
			return err
		}
		done += b.Len
	}
	c.n = n
	return nil
}

func (c *windowChunk) close() error {
	err := c.rows.close()
	if e := c.paged.close(); err == nil {
		err = e
	}
	return err
}

// mergeRows merges two ascending lists of rows without repeats.
func mergeRows(a, b []int32) []int32 {
	out := make([]int32, 0, len(a)+len(b))
	out = append(append(out, a...), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
