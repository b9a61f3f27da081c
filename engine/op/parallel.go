package op

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/vec"
)

// parallelRows is how many rows a scan must have before it is worth more than one worker.
const parallelRows = BlockRows

// ahead is how many batches of a morsel may wait for their turn.
const ahead = 8

// eventScan gives the rows of a scan in the order of positions. Workers read whole blocks, each by itself; their batches
// come out block by block, so the answer does not depend on how many workers there are.
type eventScan struct {
	env   *Env
	scan  *EventScan
	list  []morsel
	block int64
	left  int64 // rows until the limit
	done  bool

	// One worker: the batches of the morsel being read.
	reader *eventReader
	at     int
	cur    *cursor

	// Several workers: out[i] carries the batches of morsel i.
	out    []chan scanned
	gate   *gate
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// scanned is a batch, or the error that ends the scan.
type scanned struct {
	b     *vec.Batch
	bytes int64
	err   error
}

// NewEventScan reads events.
func NewEventScan(env *Env, s *EventScan) Blocked {
	return &eventScan{env: env, scan: s, block: -1}
}

func (s *eventScan) Block() int64 { return s.block }

func (s *eventScan) Open(ctx context.Context) error {
	var err error
	if s.list, err = s.scan.plan(ctx, s.env.X, nil); err != nil {
		return err
	}
	s.left = s.scan.Limit
	if n := workersFor(s.env, s.scan, s.list); n > 1 {
		s.start(ctx, n)
	} else {
		s.reader = newEventReader(s.scan, s.limited())
	}
	return nil
}

// limited makes batches small where few rows are wanted.
func (s *eventScan) limited() *Env {
	if s.scan.Limit < 0 || s.scan.Filter != nil || len(s.scan.Steps) > 0 {
		return s.env
	}
	env := *s.env
	env.Rows = int(max(1, min(int64(env.Rows), s.scan.Limit)))
	return &env
}

// workersFor decides how many workers a scan gets.
func workersFor(env *Env, s *EventScan, list []morsel) int {
	if s.Limit >= 0 {
		return 1
	}
	if rowsOf(list) < parallelRows {
		return 1
	}
	n := min(env.Workers, len(list))
	s.Stats.work(n)
	return n
}

// rowsOf is how many rows must be read.
func rowsOf(list []morsel) int {
	rows := 0
	for _, m := range list {
		for _, p := range m.parts {
			if p.known == nil {
				rows += p.to - p.from
			}
		}
	}
	return rows
}

// start begins the workers. They take morsels in order, so that the first ones are read first.
func (s *eventScan) start(ctx context.Context, workers int) {
	ctx, s.cancel = context.WithCancel(ctx)
	s.gate = newGate(s.env.Budget)
	s.out = make([]chan scanned, len(s.list))
	for i := range s.out {
		s.out[i] = make(chan scanned, ahead)
	}
	next := &atomic.Int64{}
	for range workers {
		r := newEventReader(s.scan, workerEnv(s.env))
		s.wait.Go(func() { s.work(ctx, r, next) })
	}
}

// workerEnv is the environment of another goroutine.
func workerEnv(env *Env) *Env {
	x := *env.X
	return env.With(&x)
}

func (s *eventScan) work(ctx context.Context, r *eventReader, next *atomic.Int64) {
	for {
		i := int(next.Add(1) - 1)
		if i >= len(s.list) {
			return
		}
		ch := s.out[i]
		send := func(v scanned) bool {
			s.gate.enter(i, v.bytes)
			select {
			case ch <- v:
				return true
			case <-ctx.Done():
				return false
			}
		}
		err := r.read(ctx, s.list[i], func(b *vec.Batch) (bool, error) {
			return send(scanned{b: b, bytes: memSize(b)}), nil
		})
		if err != nil {
			send(scanned{err: err})
			return
		}
		if ctx.Err() != nil {
			return // a batch may be missing, so the morsel has no end
		}
		close(ch)
	}
}

func (s *eventScan) Next(ctx context.Context) (*vec.Batch, error) {
	if s.left == 0 || s.done {
		return nil, nil
	}
	var b *vec.Batch
	var err error
	if s.out != nil {
		b, err = s.receive(ctx)
	} else {
		b, err = s.read(ctx)
	}
	if b == nil || err != nil {
		return nil, err
	}
	s.block = s.list[s.at].block
	if s.left > 0 {
		if int64(b.Len) > s.left {
			b = b.Slice(0, int(s.left))
		}
		s.left -= int64(b.Len)
	}
	return b, nil
}

// receive takes the next batch from the workers.
func (s *eventScan) receive(ctx context.Context) (*vec.Batch, error) {
	for s.at < len(s.list) {
		select {
		case v, ok := <-s.out[s.at]:
			if ok {
				s.gate.leave(v.bytes)
				return v.b, v.err
			}
			s.at++
			s.gate.turn(s.at)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, nil
}

// read reads on, one range at a time, and plans on where the plan is not complete.
func (s *eventScan) read(ctx context.Context) (*vec.Batch, error) {
	for {
		if s.at >= len(s.list) {
			more, err := s.scan.more(ctx)
			if len(more) == 0 || err != nil {
				return nil, err
			}
			s.list, s.at = more, 0
		}
		if s.cur == nil {
			s.cur = &cursor{left: slices.Clone(s.list[s.at].parts)}
		}
		b, err := s.cur.next(ctx, s.reader)
		if b != nil || err != nil {
			return b, err
		}
		s.cur = nil
		s.at++
	}
}

// cursor reads a morsel batch by batch.
type cursor struct {
	left     []part
	narrowed bool // the first of them
}

func (c *cursor) next(ctx context.Context, r *eventReader) (*vec.Batch, error) {
	for len(c.left) > 0 {
		p := &c.left[0]
		none, err := r.scan.Cut.skips(ctx, r.scan.Cols, p.g)
		if err != nil {
			return nil, err
		}
		if !r.more && (none || p.from >= p.to) {
			c.left, c.narrowed = c.left[1:], false
			continue
		}
		if !c.narrowed {
			if err := r.narrow(ctx, p); err != nil {
				return nil, err
			}
			c.narrowed = true
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if b, err := r.some(ctx, p); b != nil || err != nil {
			return b, err
		}
	}
	return nil, nil
}

func (s *eventScan) Close() error {
	if s.cancel != nil {
		s.cancel()
		s.gate.end()
		s.wait.Wait()
		s.cancel = nil
	}
	s.done = true
	return nil
}

// inParallel calls f for 0 to n-1 with so many goroutines, and gives an error if there was one.
func inParallel(workers, n int, f func(i int) error) error {
	if workers = min(workers, n); workers < 2 {
		for i := range n {
			if err := f(i); err != nil {
				return err
			}
		}
		return nil
	}
	var wait sync.WaitGroup
	next, errs := &atomic.Int64{}, make([]error, workers)
	for w := range workers {
		wait.Go(func() {
			defer Rescue(&errs[w])
			for i := int(next.Add(1) - 1); i < n && errs[w] == nil; i = int(next.Add(1) - 1) {
				errs[w] = f(i)
			}
		})
	}
	wait.Wait()
	return cmp.Or(errs...)
}
