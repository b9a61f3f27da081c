package storage

import (
	"context"
	"errors"
	"math"
	"sync"
)

// ErrChanged says that what a transaction has read is no longer as it was.
var ErrChanged = errors.New("what was read has changed")

// Reads is what a transaction reads of a database, noted so that its commit can find out whether all of it is still as it was in the snapshot that the
// transaction works on. Views of the transaction are to be those of Watch. Safe for concurrent use, but for Check, which one goroutine calls at a time.
type Reads struct {
	d    *DB
	base *view // the snapshot
	// What was read is unchanged up to this moment and this position.
	checked Micros
	end     int64

	mu     sync.Mutex
	later  bool // something was read as it was after the snapshot
	events eventReads
	tables map[TableID]*tableReads
}

// The transaction remembers as much of what it reads: beyond that, everything of the log, or of the table, is taken to be read.
const (
	manyNames      = 4096
	manyRangeBytes = 512 << 10
)

// checkedAtOnce is how many events and versions a check looks at while no commit can go on; where that is not enough, something is taken to be changed.
const checkedAtOnce = 20_000

// NewReads begins with a snapshot that was opened by View or After.
func NewReads(snapshot View) *Reads {
	base := snapshot.(*view)
	return &Reads{d: base.d, base: base, checked: base.at, end: base.end, tables: map[TableID]*tableReads{}}
}

// Watch returns the view as one of which it is noted what is read; at is what it was opened with. A moment up to which nothing came after the snapshot
// is the same for ever: its view is returned as it is.
func (r *Reads) Watch(v View, at Micros) View {
	if at != Latest && (at < r.base.at || v.(*view).st.last <= r.base.at) {
		return v
	}
	return &watchedView{v: v, r: r, later: v.At() > r.base.at}
}

// Later reports whether something was read as it was after the snapshot, so that what was read needs a Check even if nothing is committed.
func (r *Reads) Later() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.later
}

// Check returns ErrChanged if a commit up to now has changed something that was read: what was not there counts too. now is what Commit.Check is given.
// To have asked aside before is cheaper for others: then only what came since is looked at.
func (r *Reads) Check(ctx context.Context, now View) error { return r.check(ctx, now, checkedAtOnce) }

// CheckAside is Check while others commit; now is any view that is not watched.
func (r *Reads) CheckAside(ctx context.Context, now View) error {
	return r.check(ctx, now, math.MaxInt)
}

func (r *Reads) check(ctx context.Context, now View, left int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.End() > r.end {
		if err := r.events.check(ctx, r, now, &left); err != nil {
			return err
		}
	}
	redefined := now.ObjectsVersion() != r.base.ObjectsVersion()
	for id, t := range r.tables {
		rel := r.d.relation(id)
		if rel.changed.Load() <= r.checked {
			continue
		}
		if t.all || redefined { // an index may be another one
			return ErrChanged
		}
		if err := t.check(ctx, now, id, r.checked, &left); err != nil {
			return err
		}
	}
	r.checked, r.end = now.At(), now.End()
	return nil
}

// note remembers something that is read.
func (r *Reads) note(later bool, what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.later = r.later || later
	what()
}
