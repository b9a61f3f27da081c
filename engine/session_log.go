package engine

import (
	"context"

	"github.com/allsource-db/allsource/storage"
)

// sessionLog is the log of a database for one session. The newest state is what is durable, and besides what the session has met that
// is not yet: locks are given up when a commit has its place in the log, before it is durable, and who takes them then builds on it.
type sessionLog struct {
	Log
	s *Session
}

// View implements Log.
func (l sessionLog) View(ctx context.Context, at storage.Micros) (storage.View, error) {
	if at == storage.Latest && l.s.locker != nil {
		return l.s.watched(l.After(l.s.locker.After()), at), nil
	}
	v, err := l.Log.View(ctx, at)
	if err != nil {
		return nil, err
	}
	return l.s.watched(v, at), nil
}

// Fate implements Log.
func (l sessionLog) Fate(t storage.TableID, row storage.RowID) (closed storage.Micros, next storage.RowID, err error) {
	if closed, next, err = l.Log.Fate(t, row); closed != 0 {
		l.s.locks().Meet(closed)
	}
	return closed, next, err
}

// durable waits until what the session has met is durable. That comes before a client is told what may depend on it: rows, an error, that there
// was nothing to change, the end of a transaction. That a statement has changed rows is lost with the transaction itself.
func (s *Session) durable(ctx context.Context) error {
	if err := s.numbersDurable(); err != nil || s.locker == nil {
		return err
	}
	return s.log.Durable(ctx, s.locker.After())
}
