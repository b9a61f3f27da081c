package storage

import (
	"context"
	"errors"
	"sync"
	"time"
)

// worker is the one goroutine that seals, merges, compacts and deletes, for all databases.
type worker struct {
	s      *Store
	quit   chan struct{} // closed when appends shall not wait any more
	cancel context.CancelFunc
	kick   chan struct{}
	ended  chan struct{}

	mu      sync.Mutex
	dirty   map[*DB]bool
	watched map[*DB]Micros // their last commit when they were looked at
}

func startWorker(s *Store) *worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{s: s, quit: make(chan struct{}), cancel: cancel, kick: make(chan struct{}, 1), ended: make(chan struct{}), dirty: map[*DB]bool{}, watched: map[*DB]Micros{}}
	go w.run(ctx)
	return w
}

// wake says that there may be something to do. It never blocks.
func (w *worker) wake(d *DB) {
	w.mu.Lock()
	w.dirty[d] = true
	w.mu.Unlock()
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// watch says that there is something to do once nobody writes. It never blocks.
func (w *worker) watch(d *DB) {
	if d.s.o.Manual || d.watched.Swap(true) {
		return
	}
	w.mu.Lock()
	w.watched[d] = d.state.Load().ordered
	w.mu.Unlock()
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// idle gives the databases in which nothing was committed since they were looked at last.
func (w *worker) idle() (out []*DB) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for d, last := range w.watched {
		if now := d.state.Load().ordered; now != last {
			w.watched[d] = now
			continue
		}
		delete(w.watched, d)
		d.watched.Store(false)
		out = append(out, d)
	}
	return out
}

// watches reports whether any database is.
func (w *worker) watches() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.watched) > 0
}

// stop ends the goroutine after the step it is at.
func (w *worker) stop() {
	w.cancel()
	close(w.quit)
	<-w.ended
}

const (
	retryAfter = time.Second
	idleAfter  = 200 * time.Millisecond // so long nothing is committed: nobody writes
)

func (w *worker) run(ctx context.Context) {
	defer close(w.ended)
	retry := time.NewTimer(0)
	defer retry.Stop()
	var quiet <-chan time.Time
	for {
		if quiet == nil && w.watches() {
			quiet = time.After(idleAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.kick:
		case <-retry.C:
		case <-quiet:
			quiet = nil
			for _, d := range w.idle() {
				w.report(ctx, d, d.sealIdle(ctx))
			}
		}
		w.mu.Lock()
		dirty := w.dirty
		w.dirty = map[*DB]bool{}
		w.mu.Unlock()
		for d := range dirty {
			if err := d.background(ctx); w.report(ctx, d, err) {
				w.mu.Lock()
				w.dirty[d] = true
				w.mu.Unlock()
				retry.Reset(retryAfter)
			}
		}
	}
}

// report tells of an error that is to be told of.
func (w *worker) report(ctx context.Context, d *DB, err error) bool {
	if err == nil || ctx.Err() != nil || w.s.failure.get() != nil {
		return false
	}
	w.s.o.Logger.Warn("background work", "database", d.name, "error", err)
	return true
}

// background does what is due.
func (d *DB) background(ctx context.Context) error {
	if err := d.s.failure.get(); err != nil {
		return err
	}
	errs := []error{d.collectGarbage()}
	if !d.s.o.Manual {
		errs = append(errs, d.sealFull(ctx), d.sealTables(ctx, false), d.Compact(ctx))
		d.watchTails()
	}
	return errors.Join(errs...)
}
