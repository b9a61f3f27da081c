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

	mu    sync.Mutex
	dirty map[*DB]bool
}

func startWorker(s *Store) *worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{s: s, quit: make(chan struct{}), cancel: cancel, kick: make(chan struct{}, 1), ended: make(chan struct{}), dirty: map[*DB]bool{}}
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

// stop ends the goroutine after the step it is at.
func (w *worker) stop() {
	w.cancel()
	close(w.quit)
	<-w.ended
}

const retryAfter = time.Second

func (w *worker) run(ctx context.Context) {
	defer close(w.ended)
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.kick:
		case <-retry.C:
		}
		w.mu.Lock()
		dirty := w.dirty
		w.dirty = map[*DB]bool{}
		w.mu.Unlock()
		for d := range dirty {
			if err := d.background(ctx); err != nil && ctx.Err() == nil && w.s.failure.get() == nil {
				w.s.o.Logger.Warn("background work", "database", d.name, "error", err)
				w.mu.Lock()
				w.dirty[d] = true
				w.mu.Unlock()
				retry.Reset(retryAfter)
			}
		}
	}
}

// background does what is due.
func (d *DB) background(ctx context.Context) error {
	if err := d.s.failure.get(); err != nil {
		return err
	}
	errs := []error{d.collectGarbage()}
	if !d.s.o.Manual {
		errs = append(errs, d.sealFull(ctx), d.sealTables(ctx, false), d.Compact(ctx))
	}
	return errors.Join(errs...)
}
