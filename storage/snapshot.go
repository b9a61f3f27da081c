package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/klauspost/compress/s2"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// A snapshot is the state of an entity after one of its versions. It is derived: a fold that had to go over many events leaves
// them behind, at places that follow from the events alone, so whoever folds again writes the same. An event that is visible is
// durable, keeps its version and its entity's ordinal for ever, and is before the snapshot in the write-ahead log: a snapshot
// that is there is right, at any moment that has its version.
const (
	// snapshotWeight is how many times the size of a snapshot the events weigh that lie between it and the next: a fold costs as
	// much as its result, and snapshots take at most as much as the events and a half, also of states that only grow.
	snapshotWeight = 2
	// snapshotLimit is the size of the largest state that is kept.
	snapshotLimit = 4 << 20
	// snapshotBatch is how many bytes of snapshots are written at once.
	snapshotBatch = 1 << 20
	// snapshotFormat is the first byte of a snapshot. One of another format is passed over.
	snapshotFormat = 1
	// foldRows is how many payloads a fold reads at once at most, foldBytes about how many bytes of them.
	foldRows  = 1024
	foldBytes = 4 << 20
)

func snapshotKey(db uint32, ordinal, version uint64) []byte {
	return binary.BigEndian.AppendUint64(numKey(db, kindSnapshot, ordinal), version)
}

// snapshot returns the newest snapshot of an entity in (after, until]; version 0 says that there is none.
func (d *DB) snapshot(ordinal uint64, after, until int64) (version int64, state jsonb.Value, err error) {
	d.s.gate.RLock()
	defer d.s.gate.RUnlock()
	if d.s.shutDown {
		return 0, nil, ErrClosed
	}
	it, err := d.s.pdb.NewIter(&pebble.IterOptions{
		LowerBound: snapshotKey(d.num, ordinal, uint64(after)+1), UpperBound: snapshotKey(d.num, ordinal, uint64(until)+1)})
	if err != nil {
		return 0, nil, err
	}
	for ok := it.Last(); ok && version == 0; ok = it.Prev() {
		v := it.Value()
		if len(v) == 0 || v[0] != snapshotFormat {
			continue
		}
		key := it.Key()
		version = int64(binary.BigEndian.Uint64(key[len(key)-8:]))
		if state, err = s2.Decode(nil, v[1:]); err != nil {
			err = fmt.Errorf("%w: snapshot of version %d: %w", ErrCorrupt, version, err)
		}
	}
	return version, state, errors.Join(err, it.Error(), it.Close())
}

// folding is the fold of an entity's events, on its way from version to version.
type folding struct {
	d       *DB
	v       View
	entity  string
	ordinal uint64
	durable int64 // version up to which there are snapshots
	every   int64 // least events between them

	fold jsonb.Fold
	at   int64 // version up to which it is folded

	ahead    []eventRows // of the versions from next on, the oldest last
	next     int64
	payloads *vec.Column // of the versions from first on
	first    int64
	rows     int // how many to read at once

	kept   int64 // version of the last snapshot
	size   int   // of the state then
	weight int   // of the events since
	batch  *pebble.Batch
}

// eventRows are rows of an entity in a group.
type eventRows struct {
	g    Group
	rows []int32
}

// States implements View.
func (v *view) States(ctx context.Context, entity string, versions []int64, do func(i int, state jsonb.Value) error) error {
	last, err := v.Version(ctx, entity)
	if err != nil {
		return err
	}
	return v.d.states(ctx, v, entity, last, last, versions, do)
}

// states is States of a view in which the entity has the last version so, of which those up to durable are durable.
func (d *DB) states(ctx context.Context, v View, entity string, last, durable int64, versions []int64, do func(i int, state jsonb.Value) error) (err error) {
	f := &folding{d: d, v: v, entity: entity, every: int64(d.s.o.SnapshotEvents), rows: foldRows / 8}
	if durable >= f.every {
		var ok bool
		if f.ordinal, ok, err = d.index.ordinal(entity); err != nil {
			return err
		}
		if ok {
			f.durable = durable
		}
	}
	defer func() { err = errors.Join(err, f.end()) }()
	for i, version := range versions {
		if version < 1 || version > last {
			if err := do(i, nil); err != nil {
				return err
			}
			continue
		}
		ahead := version
		for _, next := range versions[i+1:] {
			if next > last || next-f.at > foldRows || next-ahead > f.every {
				break
			}
			ahead = max(ahead, next)
		}
		if err := f.forward(ctx, version, ahead); err != nil {
			return err
		}
		if err := do(i, f.fold.Value()); err != nil {
			return err
		}
	}
	return nil
}

// forward folds up to a version; ahead is the last one that will be asked for soon.
func (f *folding) forward(ctx context.Context, version, ahead int64) error {
	if version < f.at {
		f.restart(0, nil)
	}
	if until := min(version, f.durable); until-f.at >= f.every {
		kept, state, err := f.d.snapshot(f.ordinal, f.at, until)
		if err != nil {
			return err
		}
		if kept > 0 {
			f.restart(kept, state)
		}
	}
	for f.at < version {
		payload, err := f.payload(ctx, f.at+1, ahead)
		if err != nil {
			return err
		}
		f.fold.Add(payload)
		f.at++
		f.weight += len(payload)
		if f.at <= f.durable && f.at-f.kept >= f.every && f.weight >= snapshotWeight*f.size {
			if err := f.keep(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *folding) restart(version int64, state jsonb.Value) {
	f.fold, f.at = jsonb.FoldFrom(state), version
	f.kept, f.size, f.weight = version, len(state), 0
}

// payload returns the payload of a version, from a column of some that follow; ahead is the last one that is wanted.
func (f *folding) payload(ctx context.Context, version, ahead int64) (jsonb.Value, error) {
	if f.payloads == nil || version < f.first || version >= f.first+int64(f.payloads.Len) {
		if len(f.ahead) == 0 || version != f.next {
			if err := f.look(ctx, version, ahead); err != nil {
				return nil, err
			}
		}
		oldest := &f.ahead[len(f.ahead)-1]
		rows := oldest.rows[:min(len(oldest.rows), f.rows)]
		var err error
		if f.payloads, err = oldest.g.ReadRows(ctx, Ref{Col: ColPayload}, rows); err != nil {
			return nil, err
		}
		f.first, f.next = version, version+int64(len(rows))
		if oldest.rows = oldest.rows[len(rows):]; len(oldest.rows) == 0 {
			f.ahead = f.ahead[:len(f.ahead)-1]
		}
		f.rows = min(max(foldBytes*len(rows)/(len(f.payloads.Data)+1), 1), foldRows)
	}
	return f.payloads.Bytes(int(version - f.first)), nil
}

// look finds the rows of the versions up to ahead, in one walk through the groups.
func (f *folding) look(ctx context.Context, version, ahead int64) error {
	next, err := f.v.History(f.entity, version, ahead+1)
	if err != nil {
		return err
	}
	f.ahead, f.next = nil, version
	for {
		g, rows, err := next(ctx, nil)
		if err != nil {
			return err
		}
		if g == nil {
			break
		}
		f.ahead = append(f.ahead, eventRows{g, rows})
	}
	if len(f.ahead) == 0 {
		return fmt.Errorf("%w: version %d of an entity is missing", ErrCorrupt, version)
	}
	return nil
}

// keep makes a snapshot of the state, unless it is too large.
func (f *folding) keep() error {
	state := f.fold.Value()
	f.kept, f.size, f.weight = f.at, len(state), 0
	if f.size > snapshotLimit {
		return nil
	}
	if f.batch == nil {
		f.batch = f.d.s.pdb.NewBatch()
	}
	put(f.batch, snapshotKey(f.d.num, f.ordinal, uint64(f.at)), append([]byte{snapshotFormat}, s2.EncodeBetter(nil, state)...))
	if f.batch.Len() > snapshotBatch {
		return f.end()
	}
	return nil
}

// end writes the snapshots that were made. None are written to a disk that is full.
func (f *folding) end() error {
	b := f.batch
	f.batch = nil
	if b == nil {
		return nil
	}
	if err := f.d.s.room.take(int64(b.Len())); err != nil {
		return b.Close()
	}
	return f.d.s.commit(b, false)
}
