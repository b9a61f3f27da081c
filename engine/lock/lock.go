// Package lock is what transactions of one database wait for each other on: tables and what else the catalog has, names, rows, keys of unique indexes and
// advisory locks (PostgreSQL's manual, 13.3). It knows none of those things, only their names. All of it is in memory: a
// lock ends with the process, as its transaction does.
package lock

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// Kind is what a Key names.
type Kind uint8

// The kinds.
const (
	Table Kind = iota
	Row
	IndexKey
	Advisory
	Name
)

// Key names a thing that can be locked.
type Key struct {
	Kind   Kind
	Object uint32 // the table, index or, of a name, the schema; of an advisory lock 1 says that it was named by two numbers
	Row    int64  // the row version; the number of an advisory lock
	Name   string // the key in an index; the name
}

// ErrDeadlock is what the transaction gets whose waiting would close a circle.
var ErrDeadlock = errors.New("deadlock detected")

// everyRow as the row of a Key stands for all rows of its table, or all keys of its index.
const everyRow int64 = -1 << 63

// manyRows is how many rows of a table, or keys of an index, a transaction locks one by one. Beyond that it locks all of them at once if
// nobody else has any: a million entries would cost 200 MB.
const manyRows = 20_000

// Manager holds the locks of one database. Safe for concurrent use.
type Manager struct {
	mu      sync.Mutex
	entries map[Key]*entry
	many    map[class]*holders
	// exclusive is how many have a table in AccessExclusive mode, or wait for it; it is written under mu.
	exclusive atomic.Int32
	waiters   atomic.Int32 // sessions that wait for something
}

// New makes a manager without locks.
func New() *Manager {
	return &Manager{entries: map[Key]*entry{}, many: map[class]*holders{}}
}

// Contended reports whether any session of the database waits for another's lock.
func (s *Session) Contended() bool { return s.m.waiters.Load() > 0 }

// Session is who waits: locks of one session never keep that session from others. It waits for one thing at a time.
type Session struct {
	m       *Manager
	pid     int32
	waiting *waiter      // under m.mu
	after   atomic.Int64 // see After
}

// After is the latest time of what the session has met: of owners that had yielded what it took (Yield), and of Meet.
func (s *Session) After() int64 { return s.after.Load() }

// Meet notes that the session has met something of a time.
func (s *Session) Meet(at int64) {
	for {
		now := s.after.Load()
		if at <= now || s.after.CompareAndSwap(now, at) {
			return
		}
	}
}

// NewSession makes a session; pid is what Held and deadlocks name it by.
func (m *Manager) NewSession(pid int32) *Session { return &Session{m: m, pid: pid} }

// Owner is what locks are held for and released with: a transaction, or a session for its advisory locks. It is used
// by one goroutine.
type Owner struct {
	s       *Session
	taken   []taken // in order; under m.mu, since HandOn of others adds to them
	few     [4]taken
	next    Mark
	yielded int64 // under m.mu; see Yield
}

// taken is a lock as it was taken.
type taken struct {
	e    *entry
	mode Mode
	at   Mark
}

// Mark is a point in an owner's life that ReleaseTo goes back to: a savepoint.
type Mark int64

// NewOwner makes an owner without locks.
func (s *Session) NewOwner() *Owner {
	o := &Owner{s: s}
	o.taken = o.few[:0]
	return o
}

// entry is a thing that somebody has locked or waits for.
type entry struct {
	key   Key
	holds []hold
	first [1]hold   // where holds begins: most things are locked by one
	queue []*waiter // in order of arrival
}

// hold is what one owner has.
type hold struct {
	owner *Owner
	modes set
	count [2]int32 // of advisory locks, shared and exclusive: they are unlocked as often as they were locked
}

// Lock locks a thing, and waits for as long as others have it in a way that conflicts. It returns ErrDeadlock when those wait for
// this session, or the context's error.
func (o *Owner) Lock(ctx context.Context, k Key, mode Mode) error {
	m := o.s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	var w *waiter
	for {
		blocked := o.try(k, mode)
		if w != nil && blocked != w.e {
			o.leave(w)
			w = nil
		}
		switch {
		case blocked == nil:
			return nil
		case w == nil:
			w = o.enqueue(blocked, mode)
		}
		if circle := w.circle(); circle != nil {
			o.leave(w)
			return &Deadlock{Circle: circle}
		}
		if err := w.sleep(ctx); err != nil {
			o.leave(w)
			return err
		}
	}
}

// TryLock locks a thing if that needs no waiting, and says whether it did.
func (o *Owner) TryLock(k Key, mode Mode) bool {
	o.s.m.mu.Lock()
	defer o.s.m.mu.Unlock()
	return o.try(k, mode) == nil
}

// Readable reports whether the session could lock a table in AccessShare mode without waiting.
func (s *Session) Readable(table uint32) bool {
	m := s.m
	if m.exclusive.Load() == 0 {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[Key{Kind: Table, Object: table}]
	return e == nil || !e.blocks(s, AccessShare, nil) && !slices.ContainsFunc(e.queue, func(w *waiter) bool { return w.s != s && w.mode == AccessExclusive })
}

// try takes the lock, or returns what it has to wait on.
func (o *Owner) try(k Key, mode Mode) (blocked *entry) {
	m := o.s.m
	if k.ofMany() {
		if all := m.entries[class{k.Kind, k.Object}.all()]; all != nil {
			if h := all.of(o); h != nil && h.modes.covers(mode) {
				return nil
			}
			if all.blocks(o.s, mode, nil) {
				return all
			}
			all.meet(o.s, mode)
		}
	}
	e := m.entry(k)
	h := e.of(o)
	if k.Kind != Advisory && h != nil && h.modes.covers(mode) {
		return nil
	}
	if e.blocks(o.s, mode, nil) || e.queuedBefore(o, mode) {
		return e
	}
	o.take(e, h, mode)
	return nil
}

// entry is that of a thing, a new one where nobody has it.
func (m *Manager) entry(k Key) *entry {
	e := m.entries[k]
	if e == nil {
		e = &entry{key: k}
		e.holds = e.first[:0]
		m.entries[k] = e
	}
	return e
}

// Yield lets others have all that the owner has locked, since what it did is decided, at a time that is not 0. It is not over: who takes one of
// the locks until Release, in a way that had to wait for it, meets the time. The owner must not lock anything any more. It
// may be called by any goroutine while that of the owner does nothing with it.
func (o *Owner) Yield(at int64) {
	m := o.s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	o.yielded = at
	for _, t := range o.taken {
		t.e.letIn(m)
	}
}

// meet tells a session who takes the thing of the owners that have yielded it.
func (e *entry) meet(s *Session, mode Mode) {
	for i := range e.holds {
		if h := &e.holds[i]; h.modes&conflicts[mode] != 0 && h.owner.yielded != 0 && h.owner.s != s {
			s.Meet(h.owner.yielded)
		}
	}
}

// take gives the lock to the owner, who has h already or nothing.
func (o *Owner) take(e *entry, h *hold, mode Mode) {
	e.meet(o.s, mode)
	first := h == nil
	if first {
		e.holds = append(e.holds, hold{owner: o})
		h = &e.holds[len(e.holds)-1]
	}
	if mode == AccessExclusive && !h.modes.has(mode) {
		o.s.m.exclusive.Add(1)
	}
	h.modes |= modes(mode)
	if e.key.Kind == Advisory {
		h.count[mode-Share]++
	}
	o.taken = append(o.taken, taken{e, mode, o.next})
	o.next++
	if first && e.key.ofMany() {
		o.count(class{e.key.Kind, e.key.Object})
	}
}

func (e *entry) of(o *Owner) *hold {
	for i := range e.holds {
		if e.holds[i].owner == o {
			return &e.holds[i]
		}
	}
	return nil
}

// blocks reports whether another session holds the thing in a way that conflicts; found, if given, is called for each of them.
func (e *entry) blocks(s *Session, mode Mode, found func(*Session)) bool {
	any := false
	for i := range e.holds {
		h := &e.holds[i]
		if h.modes&conflicts[mode] != 0 && h.owner.s != s && h.owner.yielded == 0 {
			if found == nil {
				return true
			}
			any = true
			found(h.owner.s)
		}
	}
	return any
}

// Mark returns the point that ReleaseTo goes back to.
func (o *Owner) Mark() Mark { return o.next }

// ReleaseTo gives back what was locked since the mark.
func (o *Owner) ReleaseTo(mark Mark) {
	m := o.s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	i := len(o.taken)
	for ; i > 0 && o.taken[i-1].at >= mark; i-- {
		o.release(o.taken[i-1])
	}
	clear(o.taken[i:])
	o.taken = o.taken[:i]
}

// Release gives everything back.
func (o *Owner) Release() {
	if o.next > 0 { // else there never was anything
		o.ReleaseTo(0)
	}
}

// Unlock gives an advisory lock back once, and reports whether the owner had it.
func (o *Owner) Unlock(k Key, mode Mode) bool {
	m := o.s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(o.taken) - 1; i >= 0; i-- {
		if t := o.taken[i]; t.mode == mode && t.e.key == k {
			o.taken = append(o.taken[:i], o.taken[i+1:]...)
			o.release(t)
			return true
		}
	}
	return false
}

// release takes one lock of the owner away, and lets in who waits for it.
func (o *Owner) release(t taken) {
	e := t.e
	h := e.of(o)
	if e.key.Kind == Advisory {
		if h.count[t.mode-Share]--; h.count[t.mode-Share] == 0 {
			h.modes &^= modes(t.mode)
		}
	} else {
		if t.mode == AccessExclusive && h.modes.has(t.mode) {
			o.s.m.exclusive.Add(-1)
		}
		h.modes &^= modes(t.mode)
	}
	if h.modes == 0 {
		last := len(e.holds) - 1
		*h = e.holds[last]
		e.holds[last] = hold{}
		e.holds = e.holds[:last]
		if e.key.ofMany() {
			o.uncount(class{e.key.Kind, e.key.Object})
		}
	}
	e.letIn(o.s.m)
}

// Held is a lock, or one that is waited for.
type Held struct {
	PID     int32
	Key     Key
	Mode    Mode
	Granted bool
}

// Waiting is what a session waits for, and whom.
type Waiting struct {
	PID      int32
	Key      Key
	Blockers []int32 // each once
}

// Waits lists who waits.
func (m *Manager) Waits() []Waiting {
	if m.waiters.Load() == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Waiting
	for _, e := range m.entries {
		for _, w := range e.queue {
			x := Waiting{PID: w.s.pid, Key: e.key}
			for _, s := range w.blockers() {
				if !slices.Contains(x.Blockers, s.pid) {
					x.Blockers = append(x.Blockers, s.pid)
				}
			}
			out = append(out, x)
		}
	}
	return out
}

// AllRows reports whether the key stands for all rows of a table, or all keys of an index.
func (k Key) AllRows() bool { return k.ofMany() && k.Row == everyRow }

// Held lists all locks, without those that were yielded.
func (m *Manager) Held() []Held {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Held
	for _, e := range m.entries {
		for i := range e.holds {
			h := &e.holds[i]
			for mode := range numModes {
				if h.modes.has(mode) && h.owner.yielded == 0 {
					out = append(out, Held{h.owner.s.pid, e.key, mode, true})
				}
			}
		}
		for _, w := range e.queue {
			out = append(out, Held{w.s.pid, e.key, w.mode, false})
		}
	}
	return out
}
