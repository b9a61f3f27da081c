package storage

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"unicode/utf8"

	"github.com/allsource-db/allsource/storage/tail"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// maxNameBytes bounds an entity's or event type's name: they are keys of indexes.
const maxNameBytes = 1 << 16

// EventError says what is wrong with event Index of an append.
type EventError struct {
	Index  int
	Column string // entity_id, event_type, payload or metadata
	Err    error  // a *jsonb.Error for a document
}

func (e *EventError) Error() string { return e.Column + ": " + e.Err.Error() }
func (e *EventError) Unwrap() error { return e.Err }

// Append adds the events, all or none, and returns when they are durable and visible. Concurrent appends share a sync.
// It fails with *VersionConflict, *IDConflict, *RepeatConflict or *EventError. progress may be nil. Once an append waits for its turn, a
// canceled ctx does not take it back: it is either refused or durable.
func (d *DB) Append(ctx context.Context, events []Event, progress *Progress) (Appended, error) {
	r, err := d.Commit(ctx, Commit{Events: events, Progress: progress})
	return r.Appended, err
}

// AppendIf is Append of events that depend on what the log says: check is called with the log as it is right before them, and
// an error of it refuses them. It runs in any goroutine, while no other append can: it must be quick, and must not append.
// Where all events are repeats it is not asked.
func (d *DB) AppendIf(ctx context.Context, events []Event, check func(now View) error) (Appended, error) {
	if len(events) == 0 {
		return Appended{}, nil
	}
	r, err := d.Commit(ctx, Commit{Events: events, Check: check})
	return r.Appended, err
}

// Commit does all of c or nothing, and returns when it is durable and visible. Concurrent commits share a sync. It fails as Append does,
// and with an error of Check, which is asked where c has new events or changes.
func (d *DB) Commit(ctx context.Context, c Commit) (Committed, error) {
	catalog, bytes, err := d.prepare(&c)
	if err != nil {
		return Committed{}, err
	}
	if len(c.Events) == 0 && c.Progress == nil && catalog == nil {
		return Committed{}, nil
	}
	p := &pending{events: c.Events, check: c.Check, progress: c.Progress, ordered: c.Ordered, awaited: c.Awaited, catalog: catalog, bytes: bytes, done: make(chan struct{})}
	if err := p.parse(); err != nil {
		return Committed{}, err
	}
	if err := d.s.room.take(p.bytes); err != nil {
		return Committed{}, err
	}
	if err := d.waitForRoom(ctx); err != nil {
		return Committed{}, err
	}
	if catalog != nil {
		catalog.enter()
		defer catalog.leave()
		if err := catalog.takeIn(); err != nil {
			catalog.giveUp()
			return Committed{}, err
		}
	}
	err = d.queue.join(p, d.order)
	if err == nil {
		err = p.err
	}
	if err != nil && catalog != nil {
		catalog.giveUp()
	}
	return p.committed(), err
}

// pending is an append on its way.
type pending struct {
	events   []Event
	progress *Progress
	check    func(now View) error // may be nil
	ordered  func(at Micros)      // may be nil
	awaited  func() bool          // may be nil
	catalog  *catalogWork         // nil: only events
	rows     []tail.Row           // parsed: documents only
	bytes    int64

	result Appended
	at     Micros // recorded time
	err    error
	lead   bool // its goroutine commits the next group
	done   chan struct{}
}

// committed is the result of the commit, if it was done.
func (p *pending) committed() Committed {
	c := Committed{Appended: p.result, At: p.result.RecordedAt}
	if p.err != nil || p.catalog == nil {
		return c
	}
	c.At, c.tables = p.catalog.at, p.catalog.tables
	return c
}

// parse checks what can be checked without the log, in the caller's goroutine.
func (p *pending) parse() error {
	p.rows = make([]tail.Row, len(p.events))
	for i := range p.events {
		ev, r := &p.events[i], &p.rows[i]
		if err := checkName(ev.Entity); err != nil {
			return &EventError{i, "entity_id", err}
		}
		if err := checkName(ev.Type); err != nil {
			return &EventError{i, "event_type", err}
		}
		var err error
		if r.Payload, err = document(ev.PayloadValue, ev.Payload); err != nil {
			return &EventError{i, "payload", err}
		}
		if r.Metadata, err = document(ev.MetadataValue, ev.Metadata); err != nil {
			return &EventError{i, "metadata", err}
		}
		r.Entity, r.Type, r.ID, r.HasID = ev.Entity, ev.Type, ev.ID, ev.HasID
		r.Time, r.HasTime = ev.Timestamp, ev.HasTime
		p.bytes += r.MemSize()
	}
	return nil
}

var (
	errEmpty   = errors.New("must not be empty")
	errTooLong = errors.New("is longer than 65536 bytes")
	errNoText  = errors.New("is not valid UTF-8 text, or has a zero byte")
)

func checkName(s string) error {
	if s == "" {
		return errEmpty
	}
	if len(s) > maxNameBytes {
		return errTooLong
	}
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			return errNoText
		}
	}
	if !utf8.ValidString(s) {
		return errNoText
	}
	return nil
}

var emptyObject = jsonb.EmptyObject

// document is what an event brings: parsed, as text, or nothing.
func document(parsed jsonb.Value, text []byte) (jsonb.Value, error) {
	switch {
	case parsed != nil:
		return parsed, nil
	case text == nil:
		return emptyObject, nil
	}
	return jsonb.Parse(nil, text)
}

// appendQueue lets concurrent appends go to disk together. Who comes first gives those that have come until then their place; who comes
// meanwhile waits, and the first of those leads the next group. Syncs are waited for outside the queue.
type appendQueue struct {
	mu      sync.Mutex
	waiting []*pending
	leading bool
	syncing chan struct{} // closed when the last group with a place is durable, or has failed; nil: there was none
	closed  bool
	idle    chan struct{} // closed when the last one has left after close
}

// maxGroupBytes bounds a group, and so a batch; one larger append is a group alone.
const maxGroupBytes = 4 << 20

// join returns when p is done.
func (q *appendQueue) join(p *pending, order func([]*pending) (finish func())) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	q.waiting = append(q.waiting, p)
	if q.leading {
		q.mu.Unlock()
		<-p.done
		if !p.lead {
			return nil
		}
		q.mu.Lock()
	}
	q.leading = true
	q.grow()
	synced := make(chan struct{})
	q.syncing = synced
	group := q.gather()
	finish := order(group)
	q.next()
	finish()
	close(synced)
	for _, other := range group {
		if other != p {
			close(other.done)
		}
	}
	return nil
}

// grow waits for the sync that goes on, unless somebody waits for what commits have locked: the next group cannot be durable before, and is larger
// then. The caller has locked the queue; others come meanwhile.
func (q *appendQueue) grow() {
	for _, p := range q.waiting {
		if p.awaited != nil && p.awaited() {
			return
		}
	}
	if syncing := q.syncing; syncing != nil {
		q.mu.Unlock()
		<-syncing
		q.mu.Lock()
	}
}

// gather cuts the next group off once all have come that are about to: what a group costs is shared by its members. Who waits for
// nothing but a processor comes first, and those whom that lets go on, as long as it brings more. The caller has locked the queue; it is
// unlocked then.
func (q *appendQueue) gather() []*pending {
	defer q.mu.Unlock()
	for n := 0; n < len(q.waiting); {
		n = len(q.waiting)
		q.mu.Unlock()
		runtime.Gosched()
		q.mu.Lock()
	}
	return q.take()
}

// next lets the first of those that wait lead.
func (q *appendQueue) next() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.leading = false
		if q.idle != nil {
			close(q.idle)
		}
		return
	}
	q.waiting[0].lead = true
	close(q.waiting[0].done)
}

// take cuts the next group off, in the order of arrival.
func (q *appendQueue) take() []*pending {
	n, bytes, tables := 0, int64(0), false
	for n < len(q.waiting) && (n == 0 || bytes+q.waiting[n].bytes <= maxGroupBytes) {
		p := q.waiting[n]
		if tables && p.check != nil {
			break // what it asks about must be visible
		}
		tables = tables || p.catalog != nil
		bytes += p.bytes
		n++
	}
	group := q.waiting[:n:n]
	q.waiting = append([]*pending(nil), q.waiting[n:]...)
	return group
}

// close lets nobody in any more, and waits for those who are.
func (q *appendQueue) close() {
	q.mu.Lock()
	q.closed = true
	idle := q.idle
	if q.leading && idle == nil {
		idle = make(chan struct{})
		q.idle = idle
	}
	q.mu.Unlock()
	if idle != nil {
		<-idle
	}
}

// tailLimit is how many times what is sealed at once the tail may hold before appends wait.
const tailLimit = 3

func (d *DB) tailFull() bool {
	o := &d.s.o
	return !o.Manual && (d.state.Load().tail.Len() > tailLimit*o.SealRows || d.tailBytes.Load()+d.tableBytes.Load() > tailLimit*o.SealBytes)
}

// waitForRoom holds appends back while sealing does not keep up.
func (d *DB) waitForRoom(ctx context.Context) error {
	for d.tailFull() {
		shorter := d.sealed.wait()
		if !d.tailFull() {
			return nil
		}
		d.s.work.wake(d)
		select {
		case <-shorter:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.s.failure.is: // nothing is sealed any more
			return d.s.failure.get()
		case <-d.s.work.quit:
			return ErrClosed
		}
	}
	return ctx.Err()
}
