package engine

import (
	"context"
	"strconv"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// runAppend runs INSERT INTO events and append(): the input's rows become events, all of them or none.
func (s *Session) runAppend(ctx context.Context, p *Prepared, a *plan.Append, params []*vec.Column) (*Rows, error) {
	if err := s.writable("INSERT"); err != nil {
		return nil, err
	}
	tag := "INSERT 0"
	if s.isFunctionAppend(p) {
		tag = "SELECT"
	}
	defer s.appendsAlone()()
	if _, err := s.present(ctx); err != nil { // a snapshot begins with this statement too
		return nil, err
	}
	when := conditionOf(a, params)
	if a.Returning == nil {
		if row := givenRow(a.Input, params); row != nil {
			n, err := s.appendAll(ctx, a, &oneBatch{row}, when)
			return done(tag + " " + itoa(n)), err
		}
	}
	x, in, err := s.openNode(ctx, a.Input, params, opening{serial: p.runs})
	if err != nil {
		return nil, err
	}
	defer x.Close()
	defer in.Close()
	n, out, err := s.appendFrom(ctx, x, in, a, when, false)
	if err == nil {
		err = x.complete(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case a.Returning == nil:
		return done(tag + " " + itoa(n)), nil
	}
	rows := batchRows(tag, p.Fields, out)
	rows.counts = true
	return rows, nil
}

// appendFrom appends the rows of an input that is open. It gives their number, or with RETURNING what is asked of them. With firm the
// versions that it tells must still be right when the transaction is committed.
func (s *Session) appendFrom(ctx context.Context, x *execution, in source, a *plan.Append, when *condition, firm bool) (n int64, out *vec.Batch, err error) {
	if a.Returning == nil {
		n, err = s.appendAll(ctx, a, in, when)
		return n, nil, err
	}
	events, err := collectEvents(ctx, a, in)
	if err != nil {
		return 0, nil, err
	}
	stored, err := s.storeReturning(ctx, events, when, firm)
	if err != nil {
		return 0, nil, err
	}
	out = &vec.Batch{Len: stored.Len}
	for _, e := range a.Returning {
		col, err := x.eval(e, stored)
		if err != nil {
			return 0, nil, err
		}
		out.Cols = append(out.Cols, col)
	}
	return int64(out.Len), out, nil
}

// givenRow is the row of an input that is nothing but one list of parameters and constants, as drivers send it; it takes no
// execution to make it. nil: the input is something else.
func givenRow(n plan.Node, params []*vec.Column) *vec.Batch {
	v, ok := n.(*plan.Values)
	if !ok || len(v.Rows) != 1 {
		return nil
	}
	row := &vec.Batch{Len: 1, Cols: make([]*vec.Column, len(v.Rows[0]))}
	for i, e := range v.Rows[0] {
		switch e := e.(type) {
		case *expr.Param:
			if e.N < 1 || e.N > len(params) || params[e.N-1] == nil {
				return nil
			}
			row.Cols[i] = params[e.N-1]
		case *expr.Const:
			row.Cols[i] = e.Val
		default:
			return nil
		}
	}
	return row
}

// source gives batches until nil.
type source interface {
	Next(ctx context.Context) (*vec.Batch, error)
}

// oneBatch is a source of a single batch.
type oneBatch struct{ batch *vec.Batch }

// Next implements source.
func (o *oneBatch) Next(context.Context) (*vec.Batch, error) {
	b := o.batch
	o.batch = nil
	return b, nil
}

// appendAll stores any number of rows without holding them all.
func (s *Session) appendAll(ctx context.Context, a *plan.Append, in source, when *condition) (int64, error) {
	w := eventWriter{session: s, when: when}
	for {
		b, err := in.Next(ctx)
		if err == nil && b == nil {
			added, _, err := w.commit(ctx)
			return added, err
		}
		for i := 0; err == nil && i < b.Len; i++ {
			var ev storage.Event
			if ev, err = appendRow(a, b, i); err == nil {
				err = w.add(ctx, ev)
			}
		}
		if err != nil {
			w.abort()
			return 0, err
		}
	}
}

// collectEvents reads the rows of an append that gives them back.
func collectEvents(ctx context.Context, a *plan.Append, in source) ([]storage.Event, error) {
	var events []storage.Event
	for {
		b, err := in.Next(ctx)
		if err != nil || b == nil {
			return events, err
		}
		if len(events)+b.Len > maxPending {
			return nil, pgerr.New(pgerr.ProgramLimitExceeded, "an append with RETURNING cannot have more than %d events", maxPending).
				WithHint("Leave RETURNING out, or append in parts.")
		}
		for i := range b.Len {
			ev, err := appendRow(a, b, i)
			if err != nil {
				return nil, err
			}
			events = append(events, ev)
		}
	}
}

// appendRow makes an event of a row of the input. The column plan.ExpectedVersion holds what the entity's version must be.
func appendRow(a *plan.Append, b *vec.Batch, i int) (storage.Event, error) {
	columns, values := a.Columns, b.Cols
	expected := storage.AnyVersion
	for k, c := range a.Columns {
		if c != plan.ExpectedVersion {
			continue
		}
		var err error
		if expected, err = expectedVersion(b.Cols[k], i); err != nil {
			return storage.Event{}, err
		}
		columns = append(append([]int(nil), a.Columns[:k]...), a.Columns[k+1:]...)
		values = append(append([]*vec.Column(nil), b.Cols[:k]...), b.Cols[k+1:]...)
		break
	}
	ev, err := eventFromRow(a.Relation, columns, values, i)
	ev.Expected = expected
	return ev, err
}

// expectedVersion reads a number, or text that is one or a word.
func expectedVersion(c *vec.Column, i int) (int64, error) {
	if c.Null(i) {
		return storage.AnyVersion, nil
	}
	var n int64
	if c.Kind == vec.Int64 {
		n = c.Int(i)
	} else {
		text := string(c.Bytes(i))
		switch text {
		case "any":
			return storage.AnyVersion, nil
		case "none":
			return 0, nil
		case "exists":
			return storage.SomeVersion, nil
		}
		var err error
		if n, err = strconv.ParseInt(text, 10, 64); err != nil {
			return 0, pgerr.New(pgerr.InvalidTextRepresentation, "expected_version cannot be %q", text).WithHint("%s", expectedHint)
		}
	}
	if n < 0 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "expected_version must not be negative").WithHint("%s", expectedHint)
	}
	return n, nil
}

const expectedHint = "0 or 'none' means that the entity has no events yet, n that its last version is n, 'exists' that it has some, NULL or 'any' that any will do."

// storeReturning stores events, or leaves them with the open transaction, and returns them as rows of events.
func (s *Session) storeReturning(ctx context.Context, events []storage.Event, when *condition, firm bool) (*vec.Batch, error) {
	if s.tx.open() {
		versions, err := s.hold(ctx, events, when)
		if err != nil {
			return nil, err
		}
		if firm {
			s.tx.held.expect(versions)
		}
		return heldRows(events, versions), nil
	}
	if len(events) == 0 {
		return heldRows(nil, nil), nil
	}
	res, err := s.appendEvents(ctx, events, only(when), s.tx.reads)
	if err != nil {
		return nil, err
	}
	view, err := s.log.View(ctx, storage.Latest)
	if err != nil {
		return nil, err
	}
	return storedRows(ctx, view, res.Positions)
}

// isFunctionAppend tells SELECT append(…) from INSERT.
func (s *Session) isFunctionAppend(p *Prepared) bool { return p.stmt.Stmt.Tag() == "SELECT" }
