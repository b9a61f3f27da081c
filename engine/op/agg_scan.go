package op

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/vec"
)

// scanAggregate groups a scan of events: workers group a block each in a table of its own, and the tables are merged in
// the order of the blocks, so that the answer is the one that a single worker gives. Where the groups do not fit in
// memory it starts again with one worker and an aggregation that puts rows aside.
type scanAggregate struct {
	env  *Env
	scan *EventScan
	a    *Aggregation
	acct account
	out  *answer
	slow Op // when memory ran out, or the scan is small
}

// NewScanAggregate groups the rows of a scan; a.Parallel must hold.
func NewScanAggregate(env *Env, s *EventScan, a *Aggregation) Op {
	s.Used = a.Cols()
	return &scanAggregate{env: env, scan: s, a: a, acct: env.Budget.account()}
}

func (s *scanAggregate) Open(ctx context.Context) error {
	k, err := newKnower(s.env, s.scan, s.a)
	if err != nil {
		return err
	}
	list, err := s.scan.plan(ctx, s.env.X, k)
	if err != nil {
		return err
	}
	workers := workersFor(s.env, s.scan, list)
	// A single worker is a goroutine of its own only where those of another scan may come to help.
	if k == nil && (workers == 0 || workers == 1 && (s.env.Crew == nil || rowsOf(list) < parallelRows)) {
		s.env.Crew.left(s.env.Workers)
		return s.openSlow(ctx, list)
	}
	table, err := s.run(ctx, list, workers)
	if err != nil {
		return err
	}
	if table == nil {
		s.acct.release()
		if k != nil { // this time all rows are read
			if list, err = s.scan.plan(ctx, s.env.X, nil); err != nil {
				return err
			}
		}
		return s.openSlow(ctx, list)
	}
	table.complete()
	s.out, err = table.result(ctx)
	return err
}

// openSlow groups with one worker, whose rows may go to files with all their columns.
func (s *scanAggregate) openSlow(ctx context.Context, list []morsel) error {
	env, scan := *s.env, *s.scan
	scan.Used = nil
	s.slow = NewAggregate(&env, &plannedScan{env: &env, scan: &scan, list: list}, s.a)
	return s.slow.Open(ctx)
}

// grouped is the table of a block, or the error that ends the query.
type grouped struct {
	t   *aggTable
	err error
}

// run groups all blocks; a nil table says that memory ran out.
func (s *scanAggregate) run(ctx context.Context, list []morsel, workers int) (*aggTable, error) {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	if s.a.anyOrder() {
		return s.runByWorker(ctx, &wait, list, workers)
	}
	return s.runByBlock(ctx, &wait, list, workers)
}

// runByBlock makes a table for each block and merges them in order: sums of floats depend on it.
func (s *scanAggregate) runByBlock(ctx context.Context, wait *sync.WaitGroup, list []morsel, workers int) (*aggTable, error) {
	out := make([]chan grouped, len(list))
	for i := range out {
		out[i] = make(chan grouped, 1)
	}
	// Tables wait for their turn to be merged: workers may be only so far ahead.
	turns := make(chan struct{}, 2*max(workers, 2))
	next := &atomic.Int64{}
	start := func() {
		env := workerEnv(s.env)
		wait.Go(func() {
			s.workByBlock(ctx, env, list, next, turns, out)
			s.env.Crew.left(1)
		})
	}
	for range workers {
		start()
	}
	total := newAggTable(newAggInput(s.env, s.a), false)
	for i := 0; i < len(list); {
		var g grouped
		select {
		case <-s.env.Crew.helpers():
			if int(next.Load()) < len(list) {
				start()
			}
			continue
		case g = <-out[i]:
			i++
			<-turns
			if g.err != nil {
				return nil, g.err
			}
			if err := total.merge(g.t); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// The answer is made while the table is there, and as many blocks wait as may.
		if !s.acct.set(total.memSize()*3/2 + int64(cap(turns))*g.t.memSize()) {
			return nil, nil
		}
	}
	return total, nil
}

// workByBlock groups blocks until there are none.
func (s *scanAggregate) workByBlock(ctx context.Context, env *Env, list []morsel, next *atomic.Int64, turns chan struct{}, out []chan grouped) {
	r, in := newEventReader(s.scan, env), newAggInput(env, s.a)
	for {
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
			return
		}
		i := int(next.Add(1) - 1)
		if i >= len(list) {
			return
		}
		t := newAggTable(in, false)
		err := group(ctx, r, t, list[i])
		out[i] <- grouped{t, err}
		if err != nil {
			return
		}
	}
}

// group takes a block into a table: rows that are read, and in their place those of which enough is known.
func group(ctx context.Context, r *eventReader, t *aggTable, m morsel) error {
	for i, p := range m.parts {
		if p.known != nil {
			if err := t.addKnown(p.known); err != nil {
				return err
			}
			continue
		}
		err := r.read(ctx, morsel{m.block, m.parts[i : i+1]}, func(b *vec.Batch) (bool, error) {
			return true, t.add(b, -1, -1)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// runByWorker makes a table for each worker.
func (s *scanAggregate) runByWorker(ctx context.Context, wait *sync.WaitGroup, list []morsel, workers int) (*aggTable, error) {
	out := make(chan grouped, workers+s.env.Crew.size())
	next := &atomic.Int64{}
	start := func() {
		env := workerEnv(s.env)
		wait.Go(func() {
			t, err := s.workAlone(ctx, env, list, next)
			out <- grouped{t, err}
			s.env.Crew.left(1)
		})
	}
	for range workers {
		start()
	}
	var total *aggTable
	for working := workers; working > 0; {
		var g grouped
		select {
		case <-s.env.Crew.helpers():
			if int(next.Load()) < len(list) {
				start()
				working++
			}
			continue
		case g = <-out:
			working--
		}
		switch {
		case g.err != nil:
			return nil, g.err
		case g.t == nil:
			return nil, nil
		case total == nil:
			total = g.t
			continue
		}
		if g.t.space != nil || total.space == nil && total.n < g.t.n {
			total, g.t = g.t, total
		}
		if err := total.merge(g.t); err != nil {
			return nil, err
		}
		if !s.acct.set(total.memSize()) {
			return nil, nil
		}
	}
	return total, nil
}

// workAlone groups blocks until there are none, in one table; nil says that memory ran out.
func (s *scanAggregate) workAlone(ctx context.Context, env *Env, list []morsel, next *atomic.Int64) (_ *aggTable, err error) {
	defer Rescue(&err)
	r := newEventReader(s.scan, env)
	t := newAggTable(newAggInput(env, s.a), false)
	t.ordered = true
	t.bySpace()
	acct := env.Budget.account()
	defer acct.release()
	for {
		i := int(next.Add(1) - 1)
		if i >= len(list) {
			return t, nil
		}
		t.seq = list[i].block * BlockRows
		if err := group(ctx, r, t, list[i]); err != nil {
			return nil, err
		}
		if err := t.enterSpace(); err != nil {
			return nil, err
		}
		if !acct.set(t.memSize()) {
			return nil, nil
		}
	}
}

func (s *scanAggregate) Next(ctx context.Context) (*vec.Batch, error) {
	if s.slow != nil {
		return s.slow.Next(ctx)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.out.next(s.env.Rows), nil
}

func (s *scanAggregate) Close() error {
	s.out = nil
	s.acct.release()
	if s.slow != nil {
		return s.slow.Close()
	}
	return nil
}

// plannedScan reads morsels that were found already, with one worker.
type plannedScan struct {
	env  *Env
	scan *EventScan
	list []morsel
	s    *eventScan
}

func (p *plannedScan) Open(context.Context) error {
	p.s = &eventScan{env: p.env, scan: p.scan, list: p.list, block: -1, left: p.scan.Limit}
	p.s.reader = newEventReader(p.scan, p.env)
	return nil
}

func (p *plannedScan) Next(ctx context.Context) (*vec.Batch, error) {
	if p.s == nil {
		return nil, nil
	}
	return p.s.Next(ctx)
}

func (p *plannedScan) Close() error {
	p.s = nil
	return nil
}

func (p *plannedScan) Block() int64 {
	if p.s == nil {
		return -1
	}
	return p.s.block
}
