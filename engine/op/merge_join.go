package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// mergeJoin goes through two inputs that are in the order of their keys side by side. It holds a batch of each, and of the right one
// all rows of a key, which go to a file where they do not fit. Left rows come out in their order; right rows without a match come
// when the rows that were read with them are done.
type mergeJoin struct {
	*Joining
	env  *Env
	l, r Op
	m    *matcher
	acct account
	none *vec.Batch // a right input without rows
	keys *keyReader // of the left input
	runs *runReader

	cur       *keyed // left rows being joined
	at        int    // the next of them
	leftEnded bool

	window     *keyed // right rows being joined: all of each of their keys
	start, end int    // those with the key of the left row
	rightEnded bool

	loop    *nestedLoop // instead of a window: a run that does not fit
	loopKey *keyed      // its first row
	looping bool        // the left input has come to it

	queue []*vec.Batch
	done  bool
}

// NewMergeJoin joins inputs that are both ordered by the keys, each key descending where desc says so. Where nulls stand does not matter.
func NewMergeJoin(env *Env, left, right Op, j *Joining, desc []bool) Op {
	o := &mergeJoin{Joining: j, env: env, l: left, r: right, m: newMatcher(env, j), acct: env.Budget.account(), none: concatBatches(j.RightTypes, nil)}
	o.keys = newKeyReader(env, j.LeftKeys, desc)
	o.runs = &runReader{in: right, keys: newKeyReader(env, j.RightKeys, desc)}
	if j.keepsRight() {
		o.runs.nulls = o.unmatchable
	}
	return o
}

func (o *mergeJoin) Open(ctx context.Context) error {
	if err := o.l.Open(ctx); err != nil {
		return err
	}
	return o.r.Open(ctx)
}

func (o *mergeJoin) Next(ctx context.Context) (*vec.Batch, error) {
	for {
		if len(o.queue) > 0 {
			b := o.queue[0]
			o.queue = o.queue[1:]
			return b, nil
		}
		if o.done {
			return nil, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := o.step(ctx); err != nil {
			return nil, err
		}
	}
}

// step does the next piece of work; what it gives is in the queue.
func (o *mergeJoin) step(ctx context.Context) error {
	right := o.window != nil || o.loop != nil
	switch {
	case o.loop != nil && (o.looping || o.reached()):
		return o.nextOfLoop(ctx)
	case o.leftEnded && !o.keepsRight(), o.rightEnded && !right && !o.keepsLeft() && o.Kind != plan.Anti:
		o.done = true
	case !right && !o.rightEnded:
		return o.nextRight(ctx)
	case o.cur == nil && !o.leftEnded:
		return o.nextLeft(ctx)
	case o.window != nil && o.leftEnded:
		o.leave()
	case o.leftEnded:
		o.done = true
	default:
		return o.pair()
	}
	return nil
}

func (o *mergeJoin) nextLeft(ctx context.Context) error {
	b, err := o.l.Next(ctx)
	if err != nil {
		return err
	}
	if b == nil {
		o.leftEnded = true
		return nil
	}
	o.cur, err = o.keys.read(b)
	o.at = 0
	return err
}

// nextRight makes the window, or the loop over a run that is too long for one.
func (o *mergeJoin) nextRight(ctx context.Context) error {
	w, whole, err := o.runs.next(ctx)
	switch {
	case err != nil:
		return err
	case w == nil:
		o.rightEnded = true
		return nil
	case whole:
		o.look(w)
		return nil
	}
	list := []*vec.Batch{settled(w.b)}
	bytes := memSize(list[0])
	for {
		// Twice, because the batches become one before they are let go.
		if !o.acct.set(2 * bytes) {
			o.acct.release()
			inner := *o.Joining
			inner.LeftKeys, inner.RightKeys = nil, nil
			o.loopKey = w
			o.loop, err = newNestedLoop(ctx, o.env, leftRun{o}, restOfRun{o.runs, w}, list, &inner)
			return err
		}
		more, err := o.runs.rest(ctx, w)
		if err != nil {
			return err
		}
		if more == nil {
			break
		}
		list = append(list, settled(more.b))
		bytes += memSize(list[len(list)-1])
	}
	o.look(&keyed{b: concatBatches(o.RightTypes, list), mergeKeys: w.mergeKeys, from: w.from, one: true})
	return o.acct.need(bytes)
}

// look begins with a window.
func (o *mergeJoin) look(w *keyed) {
	o.window, o.start, o.end = w, 0, 0
	if o.keepsRight() {
		o.m.hit = vec.NewBitmap(w.b.Len)
	}
}

// leave ends with the window.
func (o *mergeJoin) leave() {
	if o.keepsRight() {
		o.queue = append(o.queue, o.m.unmatchedRight(o.window.b)...)
	}
	o.window = nil
	o.acct.release()
}

// unmatchable takes right rows that match nothing, because a key is null.
func (o *mergeJoin) unmatchable(b *vec.Batch) {
	o.m.hit = vec.NewBitmap(b.Len)
	o.queue = append(o.queue, o.m.unmatchedRight(b)...)
}

// pair joins left rows, up to the first that has to see the next window.
func (o *mergeJoin) pair() error {
	from, stop := o.at, false
	once := o.leftOnly() && o.m.test == nil // one match is enough
	var c pairs
	for o.at < o.cur.b.Len && len(c.left) < o.env.Rows {
		if !o.cur.isNull(o.at) {
			if stop = !o.seek(); stop {
				break
			}
			end := o.end
			if once {
				end = min(end, o.start+1)
			}
			for r := o.start; r < end; r++ {
				c.left, c.right = append(c.left, int32(o.at)), append(c.right, int32(r))
			}
		}
		o.at++
	}
	right := o.none
	if o.window != nil {
		right = o.window.b
	}
	p, err := o.m.match(o.cur.b, right, c, from, o.at)
	if err != nil {
		return err
	}
	o.queue = append(o.queue, o.m.emit(o.cur.b, right, p)...)
	if o.at >= o.cur.b.Len {
		o.cur = nil
	} else if stop && o.window != nil {
		o.leave()
	}
	return nil
}

// seek finds the right rows with the key of the left row; false says that they come later.
func (o *mergeJoin) seek() bool {
	switch {
	case o.loop != nil:
		return !o.reached()
	case o.window == nil:
		o.start, o.end = 0, 0
		return true
	}
	n, order := o.window.b.Len, 1
	for o.start < n {
		if order = o.window.compare(o.start, o.cur, o.at); order >= 0 {
			break
		}
		o.start = max(o.start+1, o.end)
	}
	if o.end = max(o.end, o.start); order > 0 {
		o.end = o.start
	}
	if o.window.one && order == 0 {
		o.end = n
	}
	for order == 0 && o.end < n && o.window.compare(o.end, o.cur, o.at) == 0 {
		o.end++
	}
	return o.start < n
}

// reached says that the next left row has the key of the loop or comes after it.
func (o *mergeJoin) reached() bool {
	if o.cur == nil {
		return o.leftEnded
	}
	return !o.cur.isNull(o.at) && o.cur.compare(o.at, o.loopKey, 0) >= 0
}

func (o *mergeJoin) nextOfLoop(ctx context.Context) error {
	o.looping = true
	b, err := o.loop.Next(ctx)
	if b != nil {
		o.queue = append(o.queue, b)
	}
	if b != nil || err != nil {
		return err
	}
	err = o.loop.close()
	o.loop, o.looping, o.start, o.end = nil, false, 0, 0
	return err
}

func (o *mergeJoin) Close() error {
	o.done, o.cur, o.window, o.queue = true, nil, nil, nil
	o.acct.release()
	var err error
	if o.loop != nil {
		err = o.loop.close()
	}
	if e := closeAll(o.l, o.r); err == nil {
		err = e
	}
	return err
}

// leftRun is the left rows with the key of the loop.
type leftRun struct{ o *mergeJoin }

func (s leftRun) Next(ctx context.Context) (*vec.Batch, error) {
	o := s.o
	for o.cur == nil {
		if o.leftEnded {
			return nil, nil
		}
		if err := o.nextLeft(ctx); err != nil {
			return nil, err
		}
	}
	from := o.at
	for o.at < o.cur.b.Len && !o.cur.isNull(o.at) && o.cur.compare(o.at, o.loopKey, 0) == 0 {
		o.at++
	}
	if o.at == from {
		return nil, nil
	}
	b := o.cur.b.Slice(from, o.at)
	if o.at >= o.cur.b.Len {
		o.cur = nil
	}
	return b, nil
}

// restOfRun is the right rows with the key of first, after those that were read with it.
type restOfRun struct {
	runs  *runReader
	first *keyed
}

func (s restOfRun) Next(ctx context.Context) (*vec.Batch, error) {
	k, err := s.runs.rest(ctx, s.first)
	if k == nil || err != nil {
		return nil, err
	}
	return k.b, nil
}
