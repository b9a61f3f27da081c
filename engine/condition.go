package engine

import (
	"context"
	"errors"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// condition is what must be true of the log that an append follows.
type condition struct {
	append *plan.Append
	params []*vec.Column
	own    storage.DraftPart // events that come before in its transaction
}

// follow makes a condition, if there is one, one of the log behind which events of its transaction come.
func (c *condition) follow(own func() storage.DraftPart) {
	if c != nil {
		c.own = own()
	}
}

// conditionOf is the condition of an append, nil if it has none.
func conditionOf(a *plan.Append, params []*vec.Column) *condition {
	if a.Condition == nil {
		return nil
	}
	return &condition{append: a, params: params}
}

// conditionFailed is the error of an append whose condition is false, or null, of the log before end.
func conditionFailed(end int64) error {
	return pgerr.New(pgerr.SerializationFailure, "the condition of the append does not hold").
		WithDetail("last_position=%d", end-1).
		WithHint("Read again, decide again, and append with what you saw.")
}

// check evaluates the condition over a view, of which only the events from position after on are looked at.
func (c *condition) check(ctx context.Context, s *Session, view storage.View, after int64) error {
	cfg := s.executionConfig(ctx, c.params)
	cfg.present, cfg.own, cfg.after = &present{seen: seen{view: view}}, c.own, after
	x := newExecution(cfg)
	defer x.Close()
	root, err := x.build(c.append.Condition)
	if err != nil {
		return err
	}
	if err := root.Open(ctx); err != nil {
		return closeWith(root, err)
	}
	b, err := root.Next(ctx)
	if err = closeWith(root, err); err != nil {
		return err
	}
	if b == nil || b.Len == 0 || b.Cols[0].Null(0) || !b.Cols[0].Bool(0) {
		return conditionFailed(view.End())
	}
	return nil
}

// conditions are those of one append.
type conditions []*condition

// only are the conditions of an append that has at most one.
func only(c *condition) conditions {
	if c == nil {
		return nil
	}
	return conditions{c}
}

func (cs conditions) check(ctx context.Context, s *Session, view storage.View, after int64) error {
	for _, c := range cs {
		if _, err := rescued(func() (struct{}, error) { return struct{}{}, c.check(ctx, s, view, after) }); err != nil {
			return err
		}
	}
	return nil
}

// incremental reports whether it is enough to look at the events that were added since the conditions held.
func (cs conditions) incremental() bool {
	for _, c := range cs {
		if !c.append.Incremental {
			return false
		}
	}
	return true
}

// errMoved says that the log has grown since the conditions were found to hold.
var errMoved = errors.New("the log has grown")

// optimistic is how many times conditions are evaluated aside while the log goes on growing; then appends wait for it.
const optimistic = 3

// appendIf stores events at once if the conditions hold of the log that they follow. Conditions are evaluated while others
// append. What came meanwhile is looked at when it is this append's turn: where the conditions say what must not be there, only
// that; else everything again, and appends wait for it only when there is no other way. Events that are all there already
// are what they were, whatever the conditions.
func (s *Session) appendIf(ctx context.Context, events []storage.Event, cs conditions, reads *storage.Reads) (storage.Appended, error) {
	for try := 1; ; try++ {
		view, err := s.log.View(ctx, storage.Latest)
		if err != nil {
			return storage.Appended{}, err
		}
		held := cs.check(ctx, s, view, 0)
		res, err := s.log.AppendIf(ctx, events, func(now storage.View) error {
			if err := checkReads(ctx, reads, now); err != nil {
				return err
			}
			switch {
			case held != nil || now.End() == view.End():
				return held
			case cs.incremental():
				return cs.check(ctx, s, now, view.End())
			case try < optimistic:
				return errMoved
			}
			return cs.check(ctx, s, now, 0)
		})
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return res, eventError(err, events)
		}
		s.count(int64(res.New), int64(res.Repeats))
		return res, nil
	}
}
