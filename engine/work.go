package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// work is what a transaction has done to tables and to the catalog and has locked; all of it is committed in one step, together with the
// events that wait. Statements are numbered: what one does is seen by those after it.
type work struct {
	owner   *lock.Owner // nil: nothing was locked
	command int32       // number of the last statement that changed something
	running bool        // it has not ended
	deltas  deltas
	objects []defined            // of the catalog
	indexes []*storage.IndexLoad // new, over rows that others see
	fresh   map[uint32]bool      // objects that the transaction has made
	late    checks               // what is checked when the statement is over
	// What is checked before the commit, and what SET CONSTRAINTS said of which constraint (0: of all).
	atCommit checks
	modes    map[datum.OID]bool // replaced, never changed
	// Sequences that begin anew with the commit, as they are for the transaction. Savepoints share the map: it is replaced, never changed.
	sequences map[datum.OID]*sequence
}

// deltas are what a transaction has done to tables, in the order in which it came to them. Most transactions come to one, or to some.
type deltas []*delta

// of is what was done to a table, nil: nothing.
func (l deltas) of(t storage.TableID) *delta {
	for _, d := range l {
		if d.table == t {
			return d
		}
	}
	return nil
}

// check is made later: of rows of a table, for a constraint where it is one by itself.
type check struct {
	table datum.OID
	con   *catalog.Constraint
	run   func(ctx context.Context) error
}

// checks are made later; bytes is about what they keep in memory.
type checks struct {
	list  []check
	bytes int64
}

func (c *checks) add(check check, bytes int64) {
	c.list, c.bytes = append(c.list, check), c.bytes+bytes
}

// take empties the list.
func (c *checks) take() []check {
	list := c.list
	*c = checks{}
	return list
}

// seen is the command whose predecessors' work a statement sees that starts now: all of them, or those before the one that runs.
func (w *work) seen() int32 {
	if w.running {
		return w.command
	}
	return w.command + 1
}

// delta returns what the transaction does to a table, and makes it.
func (s *Session) delta(rel *catalog.Relation) *delta {
	w := &s.tx.work
	id := storage.TableID(rel.OID)
	d := w.deltas.of(id)
	if d == nil {
		d = newDelta(id, s.log, s.engine.ownBytes())
		w.deltas = append(w.deltas, d)
	}
	d.rel = rel
	return d
}

// ownBytes is how many bytes of a transaction's rows of a table stay in memory.
func (e *Engine) ownBytes() int64 {
	if n := e.cfg.OwnBytes; n > 0 {
		return n
	}
	return max(e.cfg.Memory/ownRowsShare, min(e.cfg.Memory/4, minOwnBytes))
}

// changed reports whether there is anything to commit.
func (w *work) changed() bool { return len(w.deltas) > 0 || len(w.objects) > 0 || len(w.sequences) > 0 }

// changes are those of all tables.
func (w *work) changes(ctx context.Context) ([]storage.TableChange, error) {
	var out []storage.TableChange
	for _, d := range w.deltas {
		if w.dropped(datum.OID(d.table)) {
			continue
		}
		shape := d.shape
		if shape == nil || shape.rel != d.rel {
			var err error
			if shape, err = shapeOf(d.rel); err != nil {
				return nil, err
			}
		}
		ch, changed, err := d.change(ctx, shape.cols)
		if err != nil {
			return nil, err
		}
		if changed {
			out = append(out, ch)
		}
	}
	return out, nil
}

// yields reports whether others may have what the transaction has locked once it has its place in the log. Who waits for a definition, or for a table that
// is emptied, looks at the catalog next, which is that of what is durable.
func (w *work) yields() bool {
	if w.owner == nil || len(w.objects) > 0 {
		return false
	}
	for _, d := range w.deltas {
		if d.isEmptied() {
			return false
		}
	}
	return true
}

// goBack undoes what the commands from one on did, with what was to be checked about the last one's rows, and gives back what was locked since a mark.
func (w *work) goBack(command int32, mark lock.Mark) {
	w.late = checks{}
	for _, d := range w.deltas {
		d.goBack(command)
	}
	if w.owner != nil {
		w.owner.ReleaseTo(mark)
	}
}

// dropped reports whether the transaction has dropped an object.
func (w *work) dropped(id datum.OID) bool {
	for _, o := range slices.Backward(w.objects) {
		if o.id == id {
			return o.object == nil
		}
	}
	return false
}

// held is about how much memory the changes take.
func (w *work) held() int64 {
	n := w.late.bytes + w.atCommit.bytes
	for _, d := range w.deltas {
		n += d.held()
	}
	return n
}

// release ends the locks, and gives up what was not committed.
func (w *work) release() {
	for _, d := range w.deltas {
		d.abort()
	}
	for _, l := range w.indexes {
		l.Abort()
	}
	if w.owner != nil {
		w.owner.Release()
	}
}

// mark is where the locks stand.
func (w *work) mark() lock.Mark {
	if w.owner == nil {
		return 0
	}
	return w.owner.Mark()
}

// locks is what the session's transactions wait for each other on.
func (s *Session) locks() *lock.Session {
	if s.locker == nil {
		s.locker = s.engine.lockManager(s.opts.Database).NewSession(s.pid)
	}
	return s.locker
}

// lockManager is that of a database.
func (e *Engine) lockManager(database string) *lock.Manager {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.lockers[database]
	if m == nil {
		m = lock.New()
		e.lockers[database] = m
	}
	return m
}

// lock locks a thing for the transaction, and waits as long as lock_timeout allows.
func (s *Session) lock(ctx context.Context, k lock.Key, mode lock.Mode) error {
	return s.waitFor(ctx, s.owner(), k, mode)
}

// owner is what the transaction locks things with.
func (s *Session) owner() *lock.Owner {
	w := &s.tx.work
	if w.owner == nil {
		w.owner = s.locks().NewOwner()
	}
	return w.owner
}

// tryLock locks a thing if nobody stands in the way.
func (s *Session) tryLock(k lock.Key, mode lock.Mode) bool {
	return s.owner().TryLock(k, mode)
}

var errLockTimeout = errors.New("canceling statement due to lock timeout")

func (s *Session) waitFor(ctx context.Context, o *lock.Owner, k lock.Key, mode lock.Mode) error {
	if o.TryLock(k, mode) {
		return nil
	}
	wait := ctx
	if d := s.derive().lockTimeout; d > 0 {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeoutCause(ctx, d, errLockTimeout)
		defer cancel()
	}
	err := o.Lock(wait, k, mode)
	var circle *lock.Deadlock
	switch {
	case err == nil:
		return nil
	case errors.As(err, &circle):
		return pgerr.New(pgerr.DeadlockDetected, "deadlock detected").WithDetail("%s", circle.Detail()).WithHint("See server log for query details.")
	case ctx.Err() == nil && errors.Is(context.Cause(wait), errLockTimeout):
		return pgerr.New(pgerr.LockNotAvailable, "%w", errLockTimeout)
	}
	return err
}

// lockTable locks a table until the transaction ends.
func (s *Session) lockTable(ctx context.Context, table datum.OID, mode lock.Mode) error {
	return s.lock(ctx, lock.Key{Kind: lock.Table, Object: uint32(table)}, mode)
}

// atomic runs a statement that changes tables: inside a transaction as its next command, else as a transaction of its own.
func (s *Session) atomic(ctx context.Context, f func() (*Rows, error)) (*Rows, error) {
	single := !s.tx.open()
	if single {
		s.tx.single = true
	}
	s.tx.work.command++
	s.tx.work.running = true
	rows, err := rescued(f)
	if err == nil {
		err = s.late(ctx)
	}
	s.tx.work.running = false
	if !single {
		return rows, err
	}
	if err != nil {
		s.rollback()
		return nil, err
	}
	return rows, s.commit(ctx)
}

// late checks what must hold when a statement is over.
func (s *Session) late(ctx context.Context) error {
	w := &s.tx.work
	for len(w.late.list) > 0 {
		for _, c := range w.late.take() {
			if err := c.run(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// isolation is the isolation level of the transaction, or of the statement that is one.
func (s *Session) isolation() string {
	switch {
	case s.tx.level != "":
		return s.tx.level
	case s.tx.block:
		return s.derive().isolation[1]
	}
	return s.derive().isolation[0]
}

// commitWork stores what a transaction has done, with the events that it appends.
func (s *Session) commitWork(ctx context.Context, w *work, events []storage.Event, when conditions, reads *storage.Reads) error {
	tables, err := w.changes(ctx)
	if err != nil {
		return err
	}
	objects, err := s.objectChanges(w)
	if err != nil {
		return err
	}
	c := storage.Commit{Events: events, Tables: tables, Objects: objects, Sequences: w.sequenceChanges(), Indexes: w.indexes, Passing: s.temporary.passing(w, tables)}
	if w.owner != nil {
		c.Ordered, c.Awaited = s.ordered(w), s.locks().Contended
	}
	if len(when) > 0 || reads != nil {
		c.Check = func(now storage.View) error {
			if err := checkReads(ctx, reads, now); err != nil {
				return err
			}
			return when.check(ctx, s, now, 0)
		}
	}
	if len(tables)+len(c.Objects)+len(c.Sequences)+len(c.Indexes)+len(events) > 0 {
		stored := s.engine.saved.stored.Load()
		res, err := s.log.Commit(ctx, c)
		if err != nil {
			return eventError(err, events)
		}
		s.engine.saved.isDurable(stored)
		s.count(int64(res.New), int64(res.Repeats))
		s.temporary.have(c.Passing)
	}
	s.temporary.keep(w.objects)
	for id, q := range w.sequences {
		s.begun(id, q)
	}
	return nil
}

// ordered is called when the commit has its place. Until a row that went is given up by all who share it with the transaction, they have what took its place
// too: nobody takes a key away that somebody is about to refer to.
func (s *Session) ordered(w *work) func(at storage.Micros) {
	log, yields := s.log.Log, w.yields()
	return func(at storage.Micros) {
		w.owner.HandOn(func(table uint32, row int64) int64 {
			_, next, err := log.Fate(storage.TableID(table), row)
			if err != nil {
				return 0 // who looks at the table next meets the error
			}
			return next
		})
		if yields {
			w.owner.Yield(at)
		}
	}
}

// abandon gives up what a transaction that has failed has done: others need not wait for its end. What came before a savepoint stays.
func (t *transaction) abandon() {
	if n := len(t.saves); n > 0 {
		t.work.goBack(t.saves[n-1].command+1, t.saves[n-1].locks)
		return
	}
	t.work.release()
	t.work = work{}
}
