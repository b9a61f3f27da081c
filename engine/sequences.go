package engine

import (
	"context"
	"maps"
	"math"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// numbersAhead is how many numbers of a sequence the store takes for given out before they are: a crash leaves out so many at most.
const numbersAhead = 32

// sequence is the state of a sequence, for all sessions. Numbers that were given out are not given back.
type sequence struct {
	mu     sync.Mutex
	known  bool
	value  int64
	called bool
	ahead  int   // numbers after value that the store takes for given out
	saved  int64 // when that was stored: see saved
	// one transaction's: neither others nor the store know of it before the commit
	own bool
}

// saved counts how often the state of a sequence was stored, and how many of those are durable. Who tells a client a number waits until
// what the store knows of it is.
type saved struct{ stored, durable atomic.Int64 }

// isDurable notes that what was stored up to a count is durable.
func (v *saved) isDurable(stored int64) {
	for {
		now := v.durable.Load()
		if stored <= now || v.durable.CompareAndSwap(now, stored) {
			return
		}
	}
}

// store stores a state of a sequence; the caller has locked it.
func (q *sequence) store(s *Session, id datum.OID, value int64, called bool) error {
	if err := s.log.SetSequence(uint32(id), value, called); err != nil {
		return err
	}
	q.saved = s.engine.saved.stored.Add(1)
	return nil
}

// numbersDurable waits until no number can be given out again that the session has been told.
func (s *Session) numbersDurable() error {
	v := &s.engine.saved
	if s.drawn.saved <= v.durable.Load() {
		return nil
	}
	stored := v.stored.Load()
	err := s.log.Sync()
	if err == nil {
		v.isDurable(stored)
	}
	return err
}

// sequenceKey names a sequence of a database.
type sequenceKey struct {
	database string
	id       datum.OID
}

func (s *Session) sequence(id datum.OID) *sequence {
	if q := s.tx.work.sequences[id]; q != nil {
		return q
	}
	key := sequenceKey{s.opts.Database, id}
	if q, ok := s.engine.sequences.Load(key); ok {
		return q.(*sequence)
	}
	q, _ := s.engine.sequences.LoadOrStore(key, &sequence{})
	return q.(*sequence)
}

// load reads the state from the store; a sequence that has none there begins.
func (q *sequence) load(log Log, o *catalog.SequenceObject) error {
	if q.known {
		return nil
	}
	value, called, ok, err := log.Sequence(uint32(o.ID))
	if err != nil {
		return err
	}
	if q.value, q.called = value, called; !ok {
		q.value, q.called = o.Start, false
	}
	q.known = true
	return nil
}

// next gives out a number.
func (q *sequence) next(s *Session, o *catalog.SequenceObject) (int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.load(s.log, o); err != nil {
		return 0, err
	}
	v := q.value
	if q.called {
		var err error
		if v, err = after(o, v); err != nil {
			return 0, err
		}
	}
	if q.ahead == 0 && !q.own {
		last, n := v, 0
		for ; n < numbersAhead-1; n++ {
			further, err := after(o, last)
			if err != nil || o.Cycle && (further < last) == (o.Increment > 0) {
				break
			}
			last = further
		}
		if err := q.store(s, o.ID, last, true); err != nil {
			return 0, err
		}
		q.ahead = n + 1
	}
	if !q.own {
		q.ahead--
	}
	q.value, q.called = v, true
	s.drawn.saved = max(s.drawn.saved, q.saved)
	return v, nil
}

// after is the number that follows.
func after(o *catalog.SequenceObject, v int64) (int64, error) {
	switch {
	case o.Increment > 0 && (v > math.MaxInt64-o.Increment || v+o.Increment > o.Max):
		if !o.Cycle {
			return 0, pgerr.New(sequenceLimit, "nextval: reached maximum value of sequence %q (%d)", o.Name, o.Max)
		}
		return o.Min, nil
	case o.Increment < 0 && (v < math.MinInt64-o.Increment || v+o.Increment < o.Min):
		if !o.Cycle {
			return 0, pgerr.New(sequenceLimit, "nextval: reached minimum value of sequence %q (%d)", o.Name, o.Min)
		}
		return o.Max, nil
	}
	return v + o.Increment, nil
}

const sequenceLimit pgerr.Code = "2200H"

// setSequence puts a sequence to a value: it is the one that was given out last, or with called false the next.
func (s *Session) setSequence(id datum.OID, value int64, called bool) error {
	q := s.sequence(id)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.own {
		if err := q.store(s, id, value, called); err != nil {
			return err
		}
		s.drawn.saved = q.saved
	}
	q.known, q.value, q.called, q.ahead = true, value, called, 0
	return nil
}

// restartSequence puts a sequence to a value with the commit; the transaction has its numbers from there at once.
func (s *Session) restartSequence(id datum.OID, value int64) {
	w := &s.tx.work
	list := maps.Clone(w.sequences) // savepoints keep what was
	if list == nil {
		list = map[datum.OID]*sequence{}
	}
	list[id] = &sequence{known: true, value: value, own: true}
	w.sequences = list
}

// sequenceChanges are the sequences that a commit puts to a state.
func (w *work) sequenceChanges() (out []storage.SequenceChange) {
	for id, q := range w.sequences {
		out = append(out, storage.SequenceChange{ID: uint32(id), Value: q.value, Called: q.called})
	}
	return out
}

// begun makes the state that a commit put a sequence to that of all sessions.
func (s *Session) begun(id datum.OID, own *sequence) {
	q := s.sequence(id)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.known, q.value, q.called, q.ahead = true, own.value, own.called, 0
}

// sequenceState is the last number of a sequence, or its next if called is false.
func (s *Session) sequenceState(o *catalog.SequenceObject) (value int64, called bool, err error) {
	q := s.sequence(o.ID)
	q.mu.Lock()
	defer q.mu.Unlock()
	err = q.load(s.log, o)
	return q.value, q.called, err
}

// numbers implements funcs.Sequences for a session.
type numbers struct{ s *Session }

func (n numbers) object(id datum.OID) (*catalog.SequenceObject, error) {
	c := n.s.catalog()
	if o, ok := c.Object(id).(*catalog.SequenceObject); ok {
		return o, nil
	}
	if r := c.ByOID(id); r != nil {
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is not a sequence", r.Name)
	}
	return nil, pgerr.New(pgerr.UndefinedTable, "relation with OID %d does not exist", id)
}

// Next is nextval.
func (n numbers) Next(id datum.OID) (int64, error) {
	o, err := n.object(id)
	if err == nil {
		err = n.s.writable("nextval()")
	}
	if err != nil {
		return 0, err
	}
	v, err := n.s.sequence(id).next(n.s, o)
	if err != nil {
		return 0, err
	}
	if n.s.drawn.values == nil {
		n.s.drawn.values = map[datum.OID]int64{}
	}
	n.s.drawn.values[id], n.s.drawn.last, n.s.drawn.any = v, id, true
	return v, nil
}

// Current is currval.
func (n numbers) Current(id datum.OID) (int64, error) {
	o, err := n.object(id)
	if err != nil {
		return 0, err
	}
	v, ok := n.s.drawn.values[id]
	if !ok {
		return 0, pgerr.New(pgerr.ObjectNotInPrerequisite, "currval of sequence %q is not yet defined in this session", o.Name)
	}
	return v, nil
}

// Last is lastval.
func (n numbers) Last() (int64, error) {
	if !n.s.drawn.any || n.s.catalog().Object(n.s.drawn.last) == nil {
		return 0, pgerr.New(pgerr.ObjectNotInPrerequisite, "lastval is not yet defined in this session")
	}
	return n.s.drawn.values[n.s.drawn.last], nil
}

// Set is setval.
func (n numbers) Set(id datum.OID, value int64, called bool) error {
	o, err := n.object(id)
	if err == nil {
		err = n.s.writable("setval()")
	}
	if err != nil {
		return err
	}
	if value < o.Min || value > o.Max {
		return pgerr.New(pgerr.NumericValueOutOfRange, "setval: value %d is out of bounds for sequence %q (%d..%d)", value, o.Name, o.Min, o.Max)
	}
	if called && n.s.drawn.values != nil {
		if _, ok := n.s.drawn.values[id]; ok {
			n.s.drawn.values[id] = value
		}
	}
	return n.s.setSequence(id, value, called)
}

// drawn are the numbers that a session got last.
type drawn struct {
	values map[datum.OID]int64
	last   datum.OID
	any    bool
	saved  int64 // the last of their states: see saved
}

// advisory implements funcs.Advisory for a session.
type advisory struct{ s *Session }

func advisoryLock(key int64, two bool) lock.Key {
	k := lock.Key{Kind: lock.Advisory, Row: key}
	if two {
		k.Object = 1
	}
	return k
}

func advisoryMode(shared bool) lock.Mode {
	if shared {
		return lock.Share
	}
	return lock.Exclusive
}

// Lock implements funcs.Advisory. What is locked for the transaction of a statement by itself is let go at its end.
func (a advisory) Lock(ctx context.Context, key int64, two, shared, transaction, try bool) (bool, error) {
	o := a.s.advisory
	switch {
	case transaction:
		a.s.BeginImplicit()
		if a.s.tx.work.owner == nil {
			a.s.tx.work.owner = a.s.locks().NewOwner()
		}
		o = a.s.tx.work.owner
	case o == nil:
		o = a.s.locks().NewOwner()
		a.s.advisory = o
	}
	if try {
		return o.TryLock(advisoryLock(key, two), advisoryMode(shared)), nil
	}
	return true, a.s.waitFor(ctx, o, advisoryLock(key, two), advisoryMode(shared))
}

// Unlock implements funcs.Advisory.
func (a advisory) Unlock(key int64, two, shared bool) bool {
	if a.s.advisory != nil && a.s.advisory.Unlock(advisoryLock(key, two), advisoryMode(shared)) {
		return true
	}
	a.s.warn("01000", "you don't own a lock of type "+advisoryMode(shared).String())
	return false
}

// UnlockAll implements funcs.Advisory.
func (a advisory) UnlockAll() {
	if a.s.advisory != nil {
		a.s.advisory.Release()
	}
}
