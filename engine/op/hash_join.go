package op

import (
	"context"
	"sync"

	"github.com/allsource-db/allsource/vec"
)

// hashJoin looks the rows of its left input up in the table of the right one, in their order. Where the right rows do not all fit, those
// of some partitions are in files, and the left rows with the same keys are put aside until the others are joined.
type hashJoin struct {
	build  *JoinBuild
	left   source
	probed bool // by the left input, which gives joined rows

	probe *prober
	in    *vec.Batch // left rows to look up
	queue []*vec.Batch
	ended bool // the left input is at its end
	part  int  // the next partition to join, of those that were put aside
	sub   joinOfFiles
	loop  *nestedLoop // when not all fit and there are no keys
	done  bool
}

// joinOfFiles joins the rows of one partition that were put aside.
type joinOfFiles interface {
	source
	close() error
}

type hashJoinOp struct {
	*hashJoin
	l      Op
	opened bool               // the build is
	cancel context.CancelFunc // of inputs that were opened together
}

// NewHashJoin joins by equal keys. Without keys every pair of rows is a candidate.
func NewHashJoin(env *Env, left, right Op, j *Joining) Op {
	return &hashJoinOp{hashJoin: &hashJoin{build: NewJoinBuild(env, right, j), left: left}, l: left}
}

// NewHashJoinOf is NewHashJoin with a build that was opened.
func NewHashJoinOf(left Op, b *JoinBuild) Op {
	return &hashJoinOp{hashJoin: &hashJoin{build: b, left: left}, l: left, opened: true}
}

// NewProbed gives the rows of left, whose last step is the ProbeStep of b, and after them the right rows that the join keeps.
func NewProbed(left Op, b *JoinBuild) Op {
	return &hashJoinOp{hashJoin: &hashJoin{build: b, left: left, probed: true}, l: left, opened: true}
}

func (h *hashJoinOp) Open(ctx context.Context) error {
	switch {
	case h.opened:
		return h.l.Open(ctx)
	case h.build.Together:
		return h.openTogether(ctx)
	}
	if _, err := h.build.Open(ctx); err != nil || h.build.Empty() {
		h.done = true
		return err
	}
	return h.l.Open(ctx)
}

// openTogether opens both inputs at the same time. Where both fail the error is the left one's, as if they were opened in turn.
func (h *hashJoinOp) openTogether(ctx context.Context) (err error) {
	ctx, h.cancel = context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	var right error
	wait.Go(func() {
		defer Rescue(&right)
		right = h.build.op.Open(ctx)
	})
	if err := h.l.Open(ctx); err != nil {
		h.cancel()
		return err
	}
	wait.Wait()
	if right != nil {
		return right
	}
	return h.build.read(ctx)
}

// Block implements Blocked: rows that were put aside are of no block.
func (h *hashJoinOp) Block() int64 {
	if h.ended {
		return -1
	}
	return blockOf(h.l)
}

func (h *hashJoinOp) Close() error {
	if h.cancel != nil {
		h.cancel()
	}
	err := h.hashJoin.close()
	if e := closeAll(h.l); err == nil {
		err = e
	}
	return err
}

func (h *hashJoin) Next(ctx context.Context) (*vec.Batch, error) {
	for !h.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if n := len(h.queue); n > 0 {
			b := h.queue[0]
			h.queue = h.queue[1:]
			return b, nil
		}
		var b *vec.Batch
		var err error
		switch {
		case h.loop != nil:
			return h.loop.Next(ctx)
		case !h.build.ended:
			h.loop, err = newNestedLoop(ctx, h.build.env, h.left, h.build.right, h.build.some.list, h.build.Joining)
			h.build.release()
		case h.ended:
			b, err = h.aside(ctx)
		default:
			b, err = h.look(ctx)
		}
		if b != nil || err != nil {
			return b, err
		}
	}
	return nil, nil
}

// look joins some left rows with those that fit.
func (h *hashJoin) look(ctx context.Context) (*vec.Batch, error) {
	if !h.probed {
		if h.probe == nil {
			h.probe = h.build.prober(h.build.env.X)
		}
		in := h.in
		h.in = nil
		if b, err := h.probe.next(in); b != nil || err != nil {
			return b, err
		}
	}
	b, err := h.left.Next(ctx)
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		h.ended, h.queue, h.probe = true, h.build.unmatched(), nil
		h.build.release()
		return nil, nil
	case h.probed:
		return b, nil
	case h.build.aside != nil:
		h.in, err = h.build.aside.stay(b)
		return nil, err
	}
	h.in = b
	return nil, nil
}

// aside joins what was put aside, partition by partition.
func (h *hashJoin) aside(ctx context.Context) (*vec.Batch, error) {
	if h.sub != nil {
		b, err := h.sub.Next(ctx)
		if b != nil || err != nil {
			return b, err
		}
		err = h.sub.close()
		h.sub = nil
		return nil, err
	}
	a := h.build.aside
	for a != nil && h.part < fanOut {
		k := h.part
		h.part++
		if !a.gone[k] || a.left.count(k) == 0 && !h.build.keepsRight() {
			continue
		}
		left, right, err := a.sides(k)
		if err != nil {
			return nil, err
		}
		level := h.build.level + 1
		// Where most rows are in one partition they have the same key, and dividing them again does not help.
		if level > deepest || 2*a.right.count(k) > a.rows {
			h.sub = newChunkJoin(h.build, a.left.files[k], right)
			return nil, nil
		}
		sub := &hashJoin{build: newJoinBuild(h.build.env, right, h.build.Joining, level), left: left}
		h.sub = sub
		return nil, sub.build.read(ctx)
	}
	h.done = true
	return nil, nil
}

func (h *hashJoin) close() error {
	h.done, h.probe, h.in, h.queue = true, nil, nil, nil
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if h.sub != nil {
		keep(h.sub.close())
		h.sub = nil
	}
	if h.loop != nil {
		keep(h.loop.close())
	}
	keep(h.build.Close())
	return first
}

// noRows is an empty input.
type noRows struct{}

func (noRows) Next(context.Context) (*vec.Batch, error) { return nil, nil }
