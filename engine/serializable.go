package engine

import (
	"context"
	"errors"
	"math"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// serializable is the isolation level whose transactions are as if one came after the other, in the order of their commits. It is REPEATABLE READ, and
// a commit that is refused where somebody has changed meanwhile what the transaction has read.
const serializable = "serializable"

// snapshot is the view that a transaction takes for its snapshot; from now on it is noted what a SERIALIZABLE one reads.
func (s *Session) snapshot(v storage.View) storage.View {
	if s.tx.level != serializable {
		return v
	}
	s.tx.reads = storage.NewReads(v)
	return s.tx.reads.Watch(v, storage.Latest)
}

// watched is a view of the log for the transaction, opened at a moment: all that its statements see comes from here or from its snapshot.
func (s *Session) watched(v storage.View, at storage.Micros) storage.View {
	if s.tx.reads == nil {
		return v
	}
	return s.tx.reads.Watch(v, at)
}

// appendsAlone begins an append that is a transaction by itself and stored at once, if no transaction is open; what it returns ends it.
func (s *Session) appendsAlone() (end func()) {
	if s.tx.open() || s.tx.alone {
		return func() {}
	}
	s.tx.alone = true
	return func() { s.tx.alone, s.tx.level, s.tx.present, s.tx.reads = false, "", nil, nil }
}

// stillAsRead refuses the commit of a transaction where what it has read is no longer so. It looks aside, while others commit; what changes behind its back
// the commit itself meets. A transaction that changes nothing is one of the moment of its snapshot and needs no such check, unless it has looked at what
// came later, as for a key that must be there once.
func (s *Session) stillAsRead(ctx context.Context) error {
	r := s.tx.reads
	if r == nil || !s.tx.work.changed() && len(s.tx.held.events) == 0 && !r.Later() {
		return nil
	}
	return readError(r.CheckAside(ctx, s.log.After(math.MaxInt64)))
}

// checkReads refuses a commit whose turn has come where what its transaction has read is not as it is now.
func checkReads(ctx context.Context, r *storage.Reads, now storage.View) error {
	if r == nil {
		return nil
	}
	return readError(r.Check(ctx, now))
}

func readError(err error) error {
	if !errors.Is(err, storage.ErrChanged) {
		return err
	}
	return pgerr.New(pgerr.SerializationFailure, "could not serialize access due to read/write dependencies among transactions").
		WithDetail("Reason code: Canceled on commit attempt, since another transaction has changed what this one has read.").
		WithHint("The transaction might succeed if retried.")
}
