package lock

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// waiter is a session that waits for a thing. When nothing stands in its way it is woken, and tries again: what it waited for
// may be locked anew by then, or be another thing (all rows of a table, then one of them). Until it has tried it keeps its place.
type waiter struct {
	s    *Session
	e    *entry
	mode Mode
	wake chan struct{} // closed when it is to try again
	up   bool          // it was
}

// enqueue makes the owner's session wait for a thing: behind the others, but before the first of them that waits for what the owner has already.
func (o *Owner) enqueue(e *entry, mode Mode) *waiter {
	w := &waiter{s: o.s, e: e, mode: mode}
	e.queue = slices.Insert(e.queue, e.placeOf(o), w)
	if mode == AccessExclusive {
		o.s.m.exclusive.Add(1)
	}
	o.s.waiting = w
	o.s.m.waiters.Add(1)
	return w
}

// leave takes a waiter out of its queue.
func (o *Owner) leave(w *waiter) {
	o.s.waiting = nil
	o.s.m.waiters.Add(-1)
	if i := slices.Index(w.e.queue, w); i >= 0 {
		w.e.queue = slices.Delete(w.e.queue, i, i+1)
		if w.mode == AccessExclusive {
			o.s.m.exclusive.Add(-1)
		}
	}
	w.e.letIn(o.s.m)
}

// sleep lets others at the locks until the waiter is woken. m.mu is held before and after.
func (w *waiter) sleep(ctx context.Context) error {
	m := w.s.m
	w.wake, w.up = make(chan struct{}), false
	m.mu.Unlock()
	defer m.mu.Lock()
	select {
	case <-w.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// placeOf is where an owner's waiting belongs in the queue.
func (e *entry) placeOf(o *Owner) int {
	if h := e.of(o); h != nil {
		for i, w := range e.queue {
			if h.modes&conflicts[w.mode] != 0 {
				return i
			}
		}
	}
	return len(e.queue)
}

// queuedBefore reports whether somebody waits, before the owner's place, whose lock would conflict: who comes later does not overtake, or a stream of
// readers would keep a writer out for ever.
func (e *entry) queuedBefore(o *Owner, mode Mode) bool {
	if len(e.queue) == 0 || overtakes(mode) {
		return false
	}
	for _, w := range e.queue[:e.placeOf(o)] {
		if w.s == o.s {
			return false
		}
		if conflicts[mode].has(w.mode) {
			return true
		}
	}
	return false
}

// letIn wakes those at whom nothing stands in the way any more, in order of arrival, and forgets an entry that nobody needs.
func (e *entry) letIn(m *Manager) {
	ahead := set(0)
	for _, w := range e.queue {
		if !w.up && w.wake != nil && ahead&behind(w.mode) == 0 && !e.blocks(w.s, w.mode, nil) {
			w.up = true
			close(w.wake)
		}
		ahead |= modes(w.mode)
	}
	if len(e.holds) == 0 && len(e.queue) == 0 && m.entries[e.key] == e {
		delete(m.entries, e.key)
	}
}

// Deadlock is an ErrDeadlock that says who waits for whom.
type Deadlock struct {
	Circle []Wait // the last one waits for the first
}

// Wait is one session's waiting.
type Wait struct {
	PID       int32
	Mode      Mode
	Key       Key
	BlockedBy int32
}

// Error is PostgreSQL's message.
func (d *Deadlock) Error() string { return ErrDeadlock.Error() }

// Unwrap makes it an ErrDeadlock.
func (d *Deadlock) Unwrap() error { return ErrDeadlock }

// Detail is a line for each session of the circle.
func (d *Deadlock) Detail() string {
	var b strings.Builder
	for i, w := range d.Circle {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "Process %d waits for %s on %s; blocked by process %d.", w.PID, w.Mode, w.Key, w.BlockedBy)
	}
	return b.String()
}

// String says what a key names, by numbers.
func (k Key) String() string {
	switch k.Kind {
	case Table:
		return fmt.Sprintf("relation %d", k.Object)
	case Row:
		if k.AllRows() {
			return fmt.Sprintf("the rows of relation %d", k.Object)
		}
		return fmt.Sprintf("row %d of relation %d", k.Row, k.Object)
	case IndexKey:
		if k.AllRows() {
			return fmt.Sprintf("the keys of index %d", k.Object)
		}
		return fmt.Sprintf("a key of index %d", k.Object)
	case Name:
		return fmt.Sprintf("name %q of schema %d", k.Name, k.Object)
	}
	return fmt.Sprintf("advisory lock %d", k.Row)
}

// circle returns the sessions that wait for each other if w waits, nil if there are none. Whoever closes a circle finds it, so at most one
// needs to be looked for, and it goes through w.
func (w *waiter) circle() []Wait {
	seen := map[*Session]bool{}
	var path []Wait
	var visit func(x *waiter) bool
	visit = func(x *waiter) bool {
		if seen[x.s] {
			return false
		}
		seen[x.s] = true
		for _, s := range x.blockers() {
			path = append(path, Wait{x.s.pid, x.mode, x.e.key, s.pid})
			if s == w.s || s.waiting != nil && visit(s.waiting) {
				return true
			}
			path = path[:len(path)-1]
		}
		return false
	}
	if visit(w) {
		return path
	}
	return nil
}

// blockers are the sessions that w waits for: those that hold, and those before it in the queue.
func (w *waiter) blockers() []*Session {
	var out []*Session
	w.e.blocks(w.s, w.mode, func(s *Session) { out = append(out, s) })
	for _, other := range w.e.queue {
		if other == w {
			break
		}
		if other.s != w.s && behind(w.mode).has(other.mode) {
			out = append(out, other.s)
		}
	}
	return out
}
