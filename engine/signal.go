package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// signalPoll is how often it is looked whether a session has ended that should.
const signalPoll = 2 * time.Millisecond

// Signal is pg_cancel_backend() and pg_terminate_backend().
func (i sessionInfo) Signal(ctx context.Context, pid int32, end bool, wait int64) bool {
	e, database := i.s.engine, i.s.opts.Database
	other := e.session(pid, database)
	if other == nil {
		i.s.notice(&pgerr.Error{Code: "01000", Severity: pgerr.Warning, Message: "PID " + strconv.Itoa(int(pid)) + " is not a PostgreSQL backend process"})
		return false
	}
	if !end {
		other.interrupt(errUserCancel)
		return true
	}
	if other.opts.End != nil {
		other.opts.End(pgerr.New(pgerr.AdminShutdown, "%w", errTerminated))
	}
	other.interrupt(errTerminated)
	if wait == 0 || other == i.s {
		return true
	}
	late := time.NewTimer(time.Duration(wait) * time.Millisecond)
	defer late.Stop()
	for e.session(pid, database) == other {
		select {
		case <-time.After(signalPoll):
		case <-ctx.Done():
			return false
		case <-late.C:
			i.s.notice(&pgerr.Error{Code: "01000", Severity: pgerr.Warning,
				Message: "backend with PID " + strconv.Itoa(int(pid)) + " did not terminate within " + itoa(wait) + " milliseconds"})
			return false
		}
	}
	return true
}
