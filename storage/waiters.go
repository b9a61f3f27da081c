package storage

import "sync"

// waiters are goroutines that wait for something to happen. The zero value has none.
type waiters struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns a channel that the next wake closes.
func (w *waiters) wait() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next = make(chan struct{})
	}
	return w.next
}

// wake costs a lock where nobody waits.
func (w *waiters) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next != nil {
		close(w.next)
		w.next = nil
	}
}
