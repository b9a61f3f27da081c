package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// maxPending bounds the events of one statement or transaction that are held in memory before they are stored; a
// statement with more becomes a bulk load, a transaction with more is refused.
const (
	bulkFrom   = 4096
	maxPending = 1 << 20
)

// eventFromRow makes an event of row i of values, which are the relation's columns named by columns.
func eventFromRow(rel *catalog.Relation, columns []int, values []*vec.Column, i int) (storage.Event, error) {
	ev := storage.Event{Expected: storage.AnyVersion}
	given := [storage.NumColumns]bool{}
	for k, c := range columns {
		v := values[k]
		if v.Null(i) {
			continue
		}
		given[c] = true
		switch storage.Column(c) {
		case storage.ColEntity:
			ev.Entity = string(v.Bytes(i))
		case storage.ColType:
			ev.Type = string(v.Bytes(i))
		case storage.ColID:
			ev.HasID = true
			copy(ev.ID[:], v.Bytes(i))
		case storage.ColTimestamp:
			ev.HasTime, ev.Timestamp = true, v.Int(i)
		case storage.ColPayload:
			ev.PayloadValue = append(jsonb.Value(nil), v.Bytes(i)...)
		case storage.ColMetadata:
			ev.MetadataValue = append(jsonb.Value(nil), v.Bytes(i)...)
		default:
			return ev, generatedColumn(rel.Columns[c].Name)
		}
	}
	for _, c := range []storage.Column{storage.ColEntity, storage.ColType} {
		if !given[c] {
			return ev, pgerr.New(pgerr.NotNullViolation, "null value in column %q of relation %q violates not-null constraint", rel.Columns[c].Name, rel.Name).
				Of(pgerr.Object{Schema: rel.Schema, Table: rel.Name, Column: rel.Columns[c].Name})
		}
	}
	return ev, nil
}

// generatedColumn refuses a value for what only the log gives.
func generatedColumn(name string) error {
	return pgerr.New("428C9", "cannot insert a value into column %q", name).
		WithDetail("The log gives position, version and recorded_at itself.").
		WithHint("Leave the column out; the time at which something happened belongs in timestamp.")
}

// eventWriter gathers the events of one statement: a few become one append, many a bulk load.
type eventWriter struct {
	session *Session
	events  []storage.Event
	when    *condition
	bulk    *storage.Bulk
	group   *segment.Builder
	seq     int
	total   int64
}

func (w *eventWriter) add(ctx context.Context, ev storage.Event) error {
	w.total++
	if w.bulk == nil {
		w.events = append(w.events, ev)
		if len(w.events) < bulkFrom || w.session.tx.open() {
			return nil
		}
		if w.when != nil || w.session.tx.reads != nil {
			return w.limited()
		}
		w.bulk = w.session.log.NewBulk(false)
		w.group = w.bulk.Group()
		for _, e := range w.events {
			if err := w.addBulk(ctx, e); err != nil {
				return err
			}
		}
		w.events = nil
		return nil
	}
	return w.addBulk(ctx, ev)
}

// limited bounds the events of an append that is checked when its turn comes: they stay in memory, since no bulk load is.
func (w *eventWriter) limited() error {
	if len(w.events) <= maxPending {
		return nil
	}
	return pgerr.New(pgerr.ProgramLimitExceeded, "an append with a condition, or in a SERIALIZABLE transaction, cannot have more than %d events", maxPending).
		WithHint("Append in parts, the condition with the first.")
}

func (w *eventWriter) addBulk(ctx context.Context, ev storage.Event) error {
	e := segment.Event{Entity: ev.Entity, Type: ev.Type, ID: ev.ID, HasID: ev.HasID, Timestamp: ev.Timestamp, HasTime: ev.HasTime,
		PayloadValue: ev.PayloadValue, MetadataValue: ev.MetadataValue}
	err := w.group.Add(&e)
	if errors.Is(err, segment.ErrFull) {
		if err = w.flush(ctx); err == nil {
			err = w.group.Add(&e)
		}
	}
	return err
}

func (w *eventWriter) flush(ctx context.Context) error {
	err := w.bulk.Add(ctx, w.seq, w.group)
	w.seq++
	return err
}

// commit stores the events, or leaves them with the transaction that is open.
func (w *eventWriter) commit(ctx context.Context) (added, repeats int64, err error) {
	if w.bulk != nil {
		if w.group.Len() > 0 {
			err = w.flush(ctx)
		}
		var loaded storage.Loaded
		if err == nil {
			loaded, err = w.bulk.Commit(ctx, nil)
		}
		if err != nil {
			w.bulk.Abort()
		}
		w.session.count(loaded.New, loaded.Repeats)
		return loaded.New, loaded.Repeats, err
	}
	if len(w.events) == 0 {
		return 0, 0, nil
	}
	if w.session.tx.open() {
		_, err := w.session.hold(ctx, w.events, w.when)
		return int64(len(w.events)), 0, err
	}
	res, err := w.session.appendEvents(ctx, w.events, only(w.when), w.session.tx.reads)
	return int64(res.New), int64(res.Repeats), err
}

func (w *eventWriter) abort() {
	w.events = nil
	if w.bulk != nil {
		w.bulk.Abort()
	}
}

func (s *Session) count(added, repeats int64) {
	s.engine.metrics.Appended.Add(added)
	s.engine.metrics.Repeats.Add(repeats)
}

// appendEvents stores events at once, if their conditions hold and what was read for them is still as it was.
func (s *Session) appendEvents(ctx context.Context, events []storage.Event, cs conditions, reads *storage.Reads) (storage.Appended, error) {
	if len(cs) > 0 || reads != nil {
		return s.appendIf(ctx, events, cs, reads)
	}
	res, err := s.log.Append(ctx, events, nil)
	if err != nil {
		return res, eventError(err, events)
	}
	s.count(int64(res.New), int64(res.Repeats))
	return res, nil
}

// eventError gives a refused event its SQLSTATE.
func eventError(err error, events []storage.Event) error {
	var ee *storage.EventError
	if !errors.As(err, &ee) {
		return err
	}
	e := pgerr.New(pgerr.InvalidParameterValue, "%s: %w", ee.Column, ee.Err)
	if len(events) > 1 {
		e.WithDetail("It is event %d of this append.", ee.Index+1)
	}
	return e
}

// randomUUID makes a version 4 UUID (RFC 9562).
func randomUUID() (id [16]byte) {
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

func formatUUID(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// storedRows reads the events at the positions, all columns in the relation's order.
func storedRows(ctx context.Context, view storage.View, positions []int64) (*vec.Batch, error) {
	builders := make([]*vec.Builder, storage.NumColumns)
	for _, pos := range positions {
		g, err := view.Locate(ctx, pos)
		if err != nil {
			return nil, err
		}
		for c := range storage.NumColumns {
			col, err := g.ReadRows(ctx, storage.Ref{Col: c}, []int32{int32(pos - g.Base())})
			if err != nil {
				return nil, err
			}
			if builders[c] == nil {
				builders[c] = vec.NewBuilder(col.Kind, len(positions))
			}
			builders[c].AppendFrom(col, 0)
		}
	}
	out := &vec.Batch{Len: len(positions)}
	for _, b := range builders {
		out.Cols = append(out.Cols, b.Finish())
	}
	return out, nil
}

// heldRows shows events that wait for their commit: what only the log gives is null, but for the provisional version.
func heldRows(events []storage.Event, versions []int64) *vec.Batch {
	kinds := [storage.NumColumns]vec.Kind{vec.Int64, vec.Bytes, vec.Bytes, vec.Bytes, vec.Int64, vec.Int64, vec.Int64, vec.Bytes, vec.Bytes}
	var b [storage.NumColumns]*vec.Builder
	for c := range b {
		b[c] = vec.NewBuilder(kinds[c], len(events))
	}
	for i := range events {
		ev := &events[i]
		b[storage.ColPosition].AppendNull()
		b[storage.ColID].AppendBytes(ev.ID[:])
		b[storage.ColEntity].AppendString(ev.Entity)
		b[storage.ColType].AppendString(ev.Type)
		b[storage.ColVersion].AppendInt(versions[i])
		if ev.HasTime {
			b[storage.ColTimestamp].AppendInt(ev.Timestamp)
		} else {
			b[storage.ColTimestamp].AppendNull()
		}
		b[storage.ColRecordedAt].AppendNull()
		for c, doc := range [2]jsonb.Value{ev.PayloadValue, ev.MetadataValue} {
			if doc == nil {
				doc = jsonb.EmptyObject
			}
			b[int(storage.ColPayload)+c].AppendBytes(doc)
		}
	}
	out := &vec.Batch{Len: len(events)}
	for _, bld := range b {
		out.Cols = append(out.Cols, bld.Finish())
	}
	return out
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// fmtWhere names a place in COPY data: the line, and the byte of it when known (0: not).
func fmtWhere(line int64, column int) string {
	if column > 0 {
		return fmt.Sprintf("COPY events, line %d, column %d", line, column)
	}
	return fmt.Sprintf("COPY events, line %d", line)
}
