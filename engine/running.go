package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// running is a statement that runs: its entry in pg_stat_activity, its timeout, and its context. That ends on cancel, on timeout, or with the
// connection's; one that can be waited for is made when somebody asks for it, and most statements are over before.
type running struct {
	context.Context // the connection's
	session         *Session
	text            string
	timer           *time.Timer

	mu     sync.Mutex // guards the making of inner
	inner  atomic.Pointer[cancelable]
	closed atomic.Bool // it is over
}

// cancelable is the context behind a running that somebody waits for or has canceled.
type cancelable struct {
	context.Context
	cancel context.CancelCauseFunc
}

// begin makes the context of one statement, whose text is for pg_stat_activity.
func (s *Session) begin(ctx context.Context, text string) (context.Context, *running) {
	run := &running{Context: ctx, session: s, text: text}
	if !s.tx.open() {
		s.tx.began = time.Now()
	}
	run.resume()
	return run, run
}

// real is the context that can be waited for.
func (run *running) real() *cancelable {
	if c := run.inner.Load(); c != nil {
		return c
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	c := run.inner.Load()
	if c == nil {
		c = &cancelable{}
		c.Context, c.cancel = context.WithCancelCause(run.Context)
		run.inner.Store(c)
		if run.closed.Load() {
			c.cancel(nil)
		}
	}
	return c
}

// Done implements context.Context.
func (run *running) Done() <-chan struct{} { return run.real().Done() }

// Err implements context.Context.
func (run *running) Err() error {
	switch c := run.inner.Load(); {
	case c != nil:
		return c.Err()
	case run.closed.Load():
		return context.Canceled
	}
	return run.Context.Err()
}

// Value implements context.Context. What derives a context from this one, and what asks for the cause of its end, finds the inner one by it.
func (run *running) Value(key any) any {
	if c := run.inner.Load(); c != nil {
		return c.Value(key)
	}
	return run.Context.Value(key)
}

// cancel ends the context for a reason; it may be called by any goroutine.
func (run *running) cancel(cause error) { run.real().cancel(cause) }

// close ends the context of a statement that is over, and what that has set for itself.
func (run *running) close() {
	if s := run.session; !s.tx.open() && s.vars.saved != nil {
		s.vars.end(true)
	}
	run.closed.Store(true)
	run.mu.Lock()
	defer run.mu.Unlock()
	if c := run.inner.Load(); c != nil {
		c.cancel(nil)
	}
}

// resume marks the statement active and starts its timeout.
func (run *running) resume() {
	s := run.session
	if d, why := s.limit(); d > 0 {
		run.timer = time.AfterFunc(d, func() { run.cancel(why) })
	}
	now := s.engine.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.queryText, s.queryAt, s.state, s.stateAt = run, run.text, now, "active", now
	if s.txAt.IsZero() {
		s.txAt = now
	}
}

// pause ends what resume began.
func (run *running) pause() {
	if run.timer != nil {
		run.timer.Stop()
		run.timer = nil
	}
	s := run.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.stateAt = nil, s.engine.cfg.Now()
	switch s.Status() {
	case 'I':
		s.state, s.txAt = "idle", time.Time{}
	case 'T':
		s.state = "idle in transaction"
	default:
		s.state = "idle in transaction (aborted)"
	}
}

// end releases the statement's context.
func (run *running) end() {
	run.pause()
	run.close()
}
