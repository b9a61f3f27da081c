package op

import "sync"

// gate bounds what the workers of one scan have read before its turn. Who reads the morsel whose turn it is never waits, so
// the scan goes on however little memory there is.
type gate struct {
	limit int64

	mu    sync.Mutex
	moved sync.Cond
	acct  account
	at    int // the morsel whose turn it is
	ended bool
}

// shareAhead is the part of a query's memory that batches of one scan may take while they wait: a 16th.
const shareAhead = 16

func newGate(b *Budget) *gate {
	g := &gate{limit: max(b.limit/shareAhead, aCrumb), acct: b.account()}
	g.moved.L = &g.mu
	return g
}

// enter returns when a batch of morsel i may wait to be taken.
func (g *gate) enter(i int, bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.at != i && g.acct.held+bytes > g.limit && !g.ended {
		g.moved.Wait()
	}
	if !g.ended {
		g.acct.grow(bytes)
	}
}

// leave says that a batch was taken.
func (g *gate) leave(bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acct.grow(-bytes)
	g.moved.Broadcast()
}

// turn says whose turn it is.
func (g *gate) turn(i int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at = i
	g.moved.Broadcast()
}

// end lets everybody through.
func (g *gate) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.acct.release()
	g.moved.Broadcast()
}
