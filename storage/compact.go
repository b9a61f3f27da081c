package storage

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// mergeAtOnce is how many neighbours of about the same size are merged into one: a row is written again about once each
// time that its group grows by that factor.
const mergeAtOnce = 4

// Compact merges small row groups and hash runs that are due, and moves index entries out of the readers' way. That happens by itself.
func (d *DB) Compact(ctx context.Context) error {
	return errors.Join(d.compactDue(ctx), d.compactTables(ctx), d.moveEnded(ctx))
}

func (d *DB) compactDue(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := d.compactOnce(ctx)
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
}

// compactOnce does one step. It lets go of d.seal between steps, so that a bulk load gets its turn.
func (d *DB) compactOnce(ctx context.Context) (bool, error) {
	d.seal.Lock()
	defer d.seal.Unlock()
	for _, index := range []byte{runsOfNames, runsOfIDs} {
		if more, err := d.mergeDue(index); more || err != nil {
			return more, err
		}
	}
	st := d.state.Load()
	sizes := make([]int, len(st.groups))
	for i, g := range st.groups {
		sizes[i] = g.rows
	}
	from, to := smallGroups(sizes, d.s.o.RowGroupRows)
	if to-from < 2 {
		return false, nil
	}
	if err := d.compactGroups(ctx, st.groups[from:to], from); err != nil {
		return false, fmt.Errorf("compact row groups at %d: %w", st.groups[from].base, err)
	}
	return true, nil
}

// smallGroups finds, by their rows, neighbours to merge: that fit into one group, of which none is larger than the others together, and
// that are four, or fill a group well.
func smallGroups(sizes []int, full int) (from, to int) {
	for i := len(sizes) - 1; i >= 0; i-- {
		total, largest := 0, 0
		for j := i; j >= 0; j-- {
			total += sizes[j]
			largest = max(largest, sizes[j])
			if total > full {
				break
			}
			if n := i - j + 1; n >= 2 && largest <= total-largest && (n >= mergeAtOnce || total >= full*3/4) {
				from, to = j, i+1
			}
		}
		if to-from >= 2 {
			return from, to
		}
	}
	return 0, 0
}

// compactGroups writes the rows of neighbouring groups as one group. The caller holds d.seal.
func (d *DB) compactGroups(ctx context.Context, old []*group, at int) error {
	enc, err := d.encodeGroups(ctx, old)
	if err != nil {
		return err
	}
	if err := d.s.room.take(enc.Bytes()); err != nil {
		return err
	}
	b := d.s.pdb.NewBatch()
	g, err := d.storeGroup(b, enc, old[0].base, old[0].firstAt, old[len(old)-1].lastAt)
	if err != nil {
		return joinClose(err, b)
	}
	for _, o := range old {
		del(b, numKey(d.num, kindGroup, uint64(o.base)))
		d.retire(b, o.object)
	}
	put(b, numKey(d.num, kindGroup, uint64(g.base)), g.encode())
	if err := d.s.commit(b, false); err != nil {
		return err
	}
	d.publishWith(func(st *state) {
		st.groups = slices.Replace(slices.Clone(st.groups), at, at+len(old), g)
	})
	for _, o := range old {
		d.replacedGroup(o)
	}
	d.s.count.compactions.Add(1)
	return nil
}

// encodeGroups reads neighbouring groups and encodes their rows as one.
func (d *DB) encodeGroups(ctx context.Context, old []*group) (*segment.Encoded, error) {
	type seen struct {
		ordinal uint64
		before  int64
	}
	entities := map[string]seen{}
	b := segment.NewBuilder()
	var runs []segment.Run
	for _, g := range old {
		r, err := g.openReader(ctx)
		if err != nil {
			return nil, err
		}
		for _, run := range r.Recorded() {
			if len(runs) == 0 || runs[len(runs)-1].At != run.At {
				runs = append(runs, segment.Run{First: b.Len() + run.First, At: run.At})
			}
		}
		list, err := r.Entities(ctx)
		if err != nil {
			return nil, damaged(err)
		}
		for _, e := range list {
			if _, ok := entities[e.Name]; !ok {
				entities[e.Name] = seen{e.Ordinal, e.Base}
			}
		}
		if err := addGroup(ctx, b, d.ids, r); err != nil {
			return nil, damaged(err)
		}
		g.used(r)
	}
	enc, err := b.Finish(nil)
	if err != nil {
		return nil, err
	}
	names := enc.Entities()
	ordinals, before := make([]uint64, len(names)), make([]int64, len(names))
	for i, n := range names {
		ordinals[i], before[i] = entities[n].ordinal, entities[n].before
	}
	return enc, errors.Join(enc.SetEntities(ordinals, before), enc.SetRecorded(runs))
}

const copyRows = 4096

// addGroup adds all rows of a group to a builder.
func addGroup(ctx context.Context, b *segment.Builder, ids *idMaker, r *segment.Reader) error {
	for from := 0; from < r.Len(); from += copyRows {
		events, err := readEvents(ctx, r, ids, from, min(from+copyRows, r.Len()))
		if err != nil {
			return err
		}
		for i := range events {
			if err := b.Add(&events[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// readEvents reads rows [from, to) as events that a builder takes.
func readEvents(ctx context.Context, r *segment.Reader, ids *idMaker, from, to int) ([]segment.Event, error) {
	events := make([]segment.Event, to-from)
	for _, col := range []Column{ColRecordedAt, ColID, ColEntity, ColType, ColTimestamp, ColPayload, ColMetadata} {
		c, err := r.Read(ctx, segment.Ref{Col: segment.Column(col)}, from, to)
		if err != nil {
			return nil, err
		}
		for i := range events {
			e := &events[i]
			switch col {
			case ColRecordedAt:
				e.RecordedAt = c.Int(i)
			case ColID:
				copy(e.ID[:], c.Bytes(i))
				e.HasID = e.ID != ids.derive(r.Base()+int64(from+i), e.RecordedAt)
			case ColEntity:
				e.Entity = string(c.Bytes(i))
			case ColType:
				e.Type = string(c.Bytes(i))
			case ColTimestamp:
				e.Timestamp = c.Int(i)
				e.HasTime = e.Timestamp != e.RecordedAt
			case ColPayload:
				e.PayloadValue = jsonb.Value(c.Bytes(i))
			case ColMetadata:
				e.MetadataValue = jsonb.Value(c.Bytes(i))
			}
		}
	}
	return events, nil
}

// mergeDue merges hash runs of about the same size, where there are several.
func (d *DB) mergeDue(index byte) (bool, error) {
	disk := d.index.disk.Load()
	runs := disk.names
	if index == runsOfIDs {
		runs = disk.ids
	}
	from := dueRuns(runs)
	if from < 0 {
		return false, nil
	}
	old := runs[from:]
	b := d.s.pdb.NewBatch()
	count := int64(0)
	for _, r := range old {
		count += r.count
	}
	run, err := d.storeRun(b, count, func(object uint64, put func(part uint32, data []byte) error) (*hashRun, error) {
		return mergeRuns(old, d.partUncached, object, put)
	})
	if err != nil {
		return false, joinClose(err, b)
	}
	for _, r := range old {
		d.retire(b, r.object)
	}
	merged := append(slices.Clone(runs[:from]), run)
	put(b, runsKey(d.num, index), runList(merged))
	if err := d.s.commit(b, false); err != nil {
		return false, err
	}
	next := *disk
	if index == runsOfIDs {
		next.ids = merged
	} else {
		next.names = merged
	}
	d.index.disk.Store(&next)
	for _, r := range old {
		d.replacedRun(r)
	}
	return true, nil
}

// dueRuns returns where the newest runs begin that are to be merged into one: four of a level (a power of four entries),
// and what is newer and smaller. -1: none.
func dueRuns(runs []*hashRun) int {
	level, same := 0, 0
	for i := len(runs) - 1; i >= 0; i-- {
		switch l := bits.Len64(uint64(runs[i].count)) / 2; {
		case l > level:
			level, same = l, 1
		case l == level:
			same++
		}
		if same >= mergeAtOnce {
			return i
		}
	}
	return -1
}
