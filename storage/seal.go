package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/storage/tail"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Seal moves the whole tail into row groups, and those of tables. That happens by itself when they are long.
func (d *DB) Seal(ctx context.Context) error {
	return errors.Join(d.sealEvents(ctx), d.sealTables(ctx, true))
}

func (d *DB) sealEvents(ctx context.Context) error {
	d.seal.Lock()
	defer d.seal.Unlock()
	return d.sealUntil(ctx, d.state.Load().end)
}

// sealFull seals full row groups' worth of tail, and all of it if it takes more memory than it should.
func (d *DB) sealFull(ctx context.Context) error {
	d.seal.Lock()
	defer d.seal.Unlock()
	st := d.state.Load()
	if d.tailBytes.Load() >= d.s.o.SealBytes {
		return d.sealUntil(ctx, st.end)
	}
	n := st.end - st.sealedEnd()
	return d.sealUntil(ctx, st.sealedEnd()+n-n%int64(d.s.o.SealRows))
}

// sealUntil seals the tail up to a position, group by group. The caller holds d.seal.
func (d *DB) sealUntil(ctx context.Context, end int64) error {
	for {
		st := d.state.Load()
		from := st.sealedEnd()
		if from >= end {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+int64(d.s.o.RowGroupRows), end)
		if err := d.sealRows(st, from, to); err != nil {
			return fmt.Errorf("seal positions %d to %d: %w", from, to, err)
		}
	}
}

// sealRows writes one row group from the tail's rows [from, to), in one batch with the index and the mark. It need not be
// synced: if it is lost the blocks are still there.
func (d *DB) sealRows(st *state, from, to int64) error {
	enc, err := encodeRows(st.tail, from, to)
	if err != nil {
		return err
	}
	w := d.index.newWriter()
	if err := d.indexRows(w, st.tail, from, to, enc); err != nil {
		return err
	}
	if err := d.s.room.take(enc.Bytes()); err != nil {
		return err
	}
	b := d.s.pdb.NewBatch()
	g, err := d.storeGroup(b, enc, from, st.tail.At(from).Recorded, st.tail.At(to-1).Recorded)
	if err != nil {
		return joinClose(err, b)
	}
	next, err := w.write(b, to)
	if err != nil {
		d.discard(g.object)
		return joinClose(err, b)
	}
	put(b, numKey(d.num, kindGroup, uint64(from)), g.encode())
	put(b, dbKey(d.num, kindSealed), sealedMark{to, g.lastAt, next.entities}.encode())
	if err := d.dropBlocks(b, to); err != nil {
		d.discard(g.object)
		return joinClose(err, b)
	}
	if err := d.s.commit(b, false); err != nil {
		return err
	}
	w.done(next)
	d.publishWith(func(st *state) {
		st.groups = append(st.groups[:len(st.groups):len(st.groups)], g)
		st.tail = st.tail.Cut(to)
	})
	d.index.shrink(st.tail, to)
	freed := int64(0)
	for pos := from; pos < to; pos++ {
		freed += st.tail.At(pos).MemSize()
	}
	d.tailBytes.Add(-freed)
	d.sealed.wake()
	d.s.count.seals.Add(1)
	return nil
}

// dropBlocks deletes the tail's blocks that end at or before a position, but for the last that begins before it: it may
// go beyond.
func (d *DB) dropBlocks(b *pebble.Batch, end int64) error {
	prefix := dbKey(d.num, kindTail)
	it, err := d.s.pdb.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	if it.SeekLT(numKey(d.num, kindTail, uint64(end)+1)) {
		_ = b.DeleteRange(prefix, append([]byte(nil), it.Key()...), nil)
	}
	return errors.Join(it.Error(), it.Close())
}

// encodeRows makes a row group of rows of the tail.
func encodeRows(rows tail.Rows, from, to int64) (*segment.Encoded, error) {
	b := segment.NewBuilder()
	for pos := from; pos < to; pos++ {
		r := rows.At(pos)
		if err := addRow(b, r); err != nil {
			return nil, fmt.Errorf("position %d: %w", pos, err)
		}
	}
	enc, err := b.Finish(nil)
	if err != nil {
		return nil, err
	}
	var runs []segment.Run
	for pos := from; pos < to; pos++ {
		if at := rows.At(pos).Recorded; pos == from || at != runs[len(runs)-1].At {
			runs = append(runs, segment.Run{First: int(pos - from), At: at})
		}
	}
	return enc, enc.SetRecorded(runs)
}

func addRow(b *segment.Builder, r *tail.Row) error {
	return b.Add(&segment.Event{
		Entity: r.Entity, Type: r.Type, ID: r.ID, HasID: r.HasID, Timestamp: r.Time, HasTime: r.HasTime,
		PayloadValue: jsonb.Value(r.Payload), MetadataValue: jsonb.Value(r.Metadata),
	})
}

// indexRows tells the index and the group about the entities of rows of the tail, whose ordinals and versions are known.
func (d *DB) indexRows(w *indexWriter, rows tail.Rows, from, to int64, enc *segment.Encoded) error {
	type seen struct {
		ordinal uint64
		before  int64
	}
	first := map[string]seen{}
	for pos := from; pos < to; pos++ {
		r := rows.At(pos)
		if _, ok := first[r.Entity]; !ok {
			first[r.Entity] = seen{r.Ordinal, r.Version - 1}
			if int64(r.Ordinal) >= w.entities() {
				if o := w.add(r.Entity); o != r.Ordinal {
					return fmt.Errorf("%w: entity at position %d is number %d, expected %d", ErrCorrupt, pos, r.Ordinal, o)
				}
			}
		}
		if err := w.setVersion(r.Ordinal, r.Version); err != nil {
			return err
		}
		if r.HasID {
			w.ids = append(w.ids, pair{hashID(d.hashName(r.Entity), r.ID), uint64(pos)})
		}
	}
	names := enc.Entities()
	ordinals, before := make([]uint64, len(names)), make([]int64, len(names))
	for i, n := range names {
		ordinals[i], before[i] = first[n].ordinal, first[n].before
	}
	return enc.SetEntities(ordinals, before)
}

// storeGroup writes a group that the batch makes part of the log: with the batch, or before it if it is large.
func (d *DB) storeGroup(b *pebble.Batch, enc *segment.Encoded, base int64, firstAt, lastAt Micros) (*group, error) {
	g := &group{d: d, base: base, rows: enc.Len(), bytes: enc.Bytes(), firstAt: firstAt, lastAt: lastAt}
	if d.s.large(g.bytes) {
		object, err := d.storeTable(enc)
		if err != nil {
			return nil, err
		}
		g.object = object
		d.adopt(b, object)
		return g, nil
	}
	g.object = d.objects.allocate()
	return g, putEncoded(b, d.num, g.object, enc)
}
