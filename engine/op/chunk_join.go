package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// chunkJoin joins two files whose keys cannot be divided, so that the right rows never fit: as many of them as do are read at a time,
// and all left rows are looked up among these.
type chunkJoin struct {
	kind    plan.JoinKind
	file    *spillFile // left rows; nil: none
	build   *JoinBuild
	acct    account
	matched vec.Bitmap // left rows, where the kind asks for it

	left  source
	probe *prober
	cur   *vec.Batch // left rows being joined
	base  int        // left rows before those
	next  int        // left rows read
	queue []*vec.Batch
	last  bool // all right rows were joined: the left rows are read for their own sake
	done  bool
}

func newChunkJoin(of *JoinBuild, file *spillFile, right source) *chunkJoin {
	c := &chunkJoin{kind: of.Kind, file: file, acct: of.env.Budget.account()}
	j := *of.Joining
	switch {
	case of.Kind == plan.Left:
		j.Kind = plan.Inner
	case of.Kind == plan.Full:
		j.Kind = plan.Right
	case of.Kind == plan.Anti:
		j.Kind = plan.Semi
	}
	c.build = newJoinBuild(of.env, right, &j, of.level)
	c.build.part = true
	if j.Kind != of.Kind || j.Kind == plan.Semi {
		rows := 0
		if file != nil {
			rows = int(file.rows)
		}
		c.matched = vec.NewBitmap(rows)
		c.acct.set(int64(8 * len(c.matched)))
	}
	return c
}

func (c *chunkJoin) Next(ctx context.Context) (*vec.Batch, error) {
	for !c.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(c.queue) > 0 {
			b := c.queue[0]
			c.queue = c.queue[1:]
			return b, nil
		}
		if err := c.step(ctx); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// step does the next piece of work; what it gives is in the queue.
func (c *chunkJoin) step(ctx context.Context) error {
	switch {
	case c.left == nil:
		return c.nextChunk(ctx)
	case c.cur != nil && c.probe.row < c.cur.Len:
		return c.pair()
	}
	b, err := c.left.Next(ctx)
	if err != nil {
		return err
	}
	if b == nil {
		c.left, c.cur = nil, nil
		if c.done = c.last; !c.last {
			c.queue = c.build.unmatched()
		}
		return nil
	}
	c.base, c.next = c.next, c.next+b.Len
	if c.last {
		c.own(b)
		return nil
	}
	c.cur = b
	return c.probe.begin(b)
}

// nextChunk reads right rows and starts with the left ones, or after the last with those that the kind gives by themselves.
func (c *chunkJoin) nextChunk(ctx context.Context) (err error) {
	if c.build.ended {
		if c.last = true; c.matched == nil {
			c.done = true
			return nil
		}
		c.build.release()
	} else if err := c.build.read(ctx); err != nil {
		return err
	}
	c.next, c.left = 0, noRows{}
	if c.file != nil {
		if c.left, err = openSpill(c.file); err != nil {
			return err
		}
	}
	if !c.last {
		c.probe = c.build.prober(c.build.env.X)
	}
	return nil
}

// pair joins some left rows with the chunk.
func (c *chunkJoin) pair() error {
	if err := c.probe.some(); err != nil {
		return err
	}
	p := c.probe.out
	if c.matched != nil {
		for _, l := range p.left {
			c.matched.Set(c.base + int(l))
		}
	}
	if !c.build.leftOnly() {
		c.queue = c.probe.m.emit(c.cur, c.build.rows, p)
	}
	return nil
}

// own gives the left rows that have a match for Semi, for other kinds those that have none.
func (c *chunkJoin) own(b *vec.Batch) {
	var rows []int32
	for i := range b.Len {
		if c.matched.Get(c.base+i) == (c.kind == plan.Semi) {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) == 0 {
		return
	}
	out := b.Take(rows)
	if !c.build.leftOnly() {
		out.Cols = append(out.Cols, nullColumns(c.build.RightTypes, out.Len)...)
	}
	c.queue = []*vec.Batch{out}
}

func (c *chunkJoin) close() error {
	c.done, c.queue, c.cur, c.probe = true, nil, nil, nil
	c.acct.release()
	return c.build.Close()
}
