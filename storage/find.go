package storage

import (
	"context"
	"fmt"
	"sort"

	"github.com/allsource-db/allsource/storage/tail"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// groupAt returns the row group that holds a position before sealedEnd.
func (st *state) groupAt(pos int64) *group {
	i := sort.Search(len(st.groups), func(i int) bool { return st.groups[i].end() > pos })
	return st.groups[i]
}

// find returns the position of the event with the entity and id.
func (d *DB) find(ctx context.Context, st *state, entity string, id [16]byte) (int64, bool, error) {
	d.index.mu.RLock()
	pos, ok := d.index.ids[idKey{entity, id}]
	d.index.mu.RUnlock()
	if ok {
		return pos, true, nil
	}
	if pos, ok := d.ids.position(id); ok && pos >= 1 && pos < st.end {
		if ok, err := d.isAt(ctx, st, pos, entity, id); ok || err != nil {
			return pos, ok, err
		}
	}
	var few [4]uint64
	found := few[:0]
	runs := d.index.disk.Load().ids
	if len(runs) == 0 {
		return 0, false, nil
	}
	hash := hashID(d.hashName(entity), id)
	for i := len(runs) - 1; i >= 0; i-- {
		var err error
		if found, err = runs[i].lookup(hash, d.part, found[:0]); err != nil {
			return 0, false, err
		}
		for _, at := range found {
			// What a view does not have yet may be found here: the present log has it.
			ok, err := d.isAt(ctx, d.state.Load(), int64(at), entity, id)
			if ok || err != nil {
				return int64(at), ok, err
			}
		}
	}
	return 0, false, nil
}

// isAt reports whether the event at a position has the entity and id.
func (d *DB) isAt(ctx context.Context, st *state, pos int64, entity string, id [16]byte) (bool, error) {
	if pos < 1 || pos >= st.end {
		return false, nil
	}
	if pos >= st.sealedEnd() {
		r := st.tail.At(pos)
		return r.Entity == entity && d.rowID(r, pos) == id, nil
	}
	g := st.groupAt(pos)
	row := []int32{int32(pos - g.base)}
	ids, err := g.readRows(ctx, Ref{Col: ColID}, row)
	if err != nil || string(ids.Bytes(0)) != string(id[:]) {
		return false, err
	}
	names, err := g.readRows(ctx, Ref{Col: ColEntity}, row)
	return err == nil && string(names.Bytes(0)) == entity, err
}

// rowAt reads an event as a row; the entity's ordinal is not set where it comes from a row group.
func (d *DB) rowAt(ctx context.Context, st *state, pos int64) (*tail.Row, error) {
	if pos < 1 || pos >= st.end {
		return nil, fmt.Errorf("%w: position %d is not in the log", ErrCorrupt, pos)
	}
	if pos >= st.sealedEnd() {
		return st.tail.At(pos), nil
	}
	g := st.groupAt(pos)
	rows, err := g.rowsAt(ctx, []int32{int32(pos - g.base)})
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

// rowsAt reads events of a row group, which ascend.
func (g *group) rowsAt(ctx context.Context, at []int32) ([]tail.Row, error) {
	rows := make([]tail.Row, len(at))
	for col := ColPosition; col < NumColumns; col++ {
		c, err := g.readRows(ctx, Ref{Col: col}, at)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			r := &rows[i]
			switch col {
			case ColID:
				copy(r.ID[:], c.Bytes(i))
			case ColEntity:
				r.Entity = string(c.Bytes(i))
			case ColType:
				r.Type = string(c.Bytes(i))
			case ColVersion:
				r.Version = c.Int(i)
			case ColTimestamp:
				r.Time, r.HasTime = c.Int(i), true
			case ColRecordedAt:
				r.Recorded = c.Int(i)
				r.HasTime = r.Time != r.Recorded
			case ColPayload:
				r.Payload = jsonb.Value(c.Bytes(i))
			case ColMetadata:
				r.Metadata = jsonb.Value(c.Bytes(i))
			}
		}
	}
	for i := range rows {
		rows[i].HasID = rows[i].ID != g.d.ids.derive(g.base+int64(at[i]), rows[i].Recorded)
	}
	return rows, nil
}

// sameContent reports whether an event that comes with the id of a stored one is that one again.
func sameContent(old, again *tail.Row) bool {
	if again.HasTime && again.Time != old.Timestamp() || !again.HasTime && old.Timestamp() != old.Recorded && old.HasTime {
		return false
	}
	return old.Type == again.Type && jsonb.Equal(old.Payload, again.Payload) && jsonb.Equal(old.Metadata, again.Metadata)
}
