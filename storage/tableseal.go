package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
)

// tailLen is how many versions are in no row group.
func (st *relationState) tailLen() int {
	n := 0
	for _, rows := range st.tail {
		n += rows.Len()
	}
	return n
}

// idleShare is the share of SealRows (one of so many) from which a tail is sealed though it is not full, once nobody writes: rows are read
// more slowly than columns.
const idleShare = 16

// wakeSeal tells the background when there is something to seal; late is how many closings are not folded.
func (rel *relation) wakeSeal(late int) {
	d := rel.d
	n := max(late, rel.state.Load().tailLen())
	switch o := &d.s.o; {
	case n >= o.SealRows || d.tableBytes.Load() >= o.SealBytes:
		d.s.work.wake(d)
	case n >= o.SealRows/idleShare:
		d.s.work.watch(d)
	}
}

// sealDue reports whether the tail of the log or of a table is as long as it should become.
func (d *DB) sealDue() bool {
	o, st := &d.s.o, d.state.Load()
	return st.tail.Len() >= o.SealRows || d.tailBytes.Load() >= o.SealBytes || d.tableBytes.Load() >= o.SealBytes ||
		slices.ContainsFunc(d.tables(), func(rel *relation) bool { return max(rel.state.Load().tailLen(), rel.lately.count()) >= o.SealRows })
}

// watchTails has those sealed that are not small, once nobody writes.
func (d *DB) watchTails() {
	for _, rel := range d.tables() {
		if rel.state.Load().tailLen() >= d.s.o.SealRows/idleShare {
			d.s.work.watch(d)
			return
		}
	}
}

// sealIdle seals the tails that are not small.
func (d *DB) sealIdle(ctx context.Context) error {
	for _, rel := range d.tables() {
		if rel.state.Load().tailLen() >= d.s.o.SealRows/idleShare {
			if err := rel.seal(ctx, true); err != nil {
				return err
			}
		}
	}
	return d.compactTables(ctx)
}

// tables are the relations of a database, by number.
func (d *DB) tables() []*relation {
	d.relations.mu.RLock()
	defer d.relations.mu.RUnlock()
	out := make([]*relation, 0, len(d.relations.byID))
	for _, rel := range d.relations.byID {
		out = append(out, rel)
	}
	slices.SortFunc(out, func(a, b *relation) int { return int(int64(a.id) - int64(b.id)) })
	return out
}

// sealTables moves full row groups' worth of the tables' tails into row groups, and folds as many closings; and of all tails what is longest, while they take
// more memory than they should. With all, everything is moved.
func (d *DB) sealTables(ctx context.Context, all bool) error {
	for _, rel := range d.tables() {
		if n := max(rel.state.Load().tailLen(), rel.lately.count()); n >= d.s.o.SealRows || all && n > 0 {
			if err := rel.seal(ctx, all); err != nil {
				return err
			}
		}
	}
	for d.tableBytes.Load() >= d.s.o.SealBytes {
		largest := slices.MaxFunc(d.tables(), func(a, b *relation) int { return int(a.bytes.Load() - b.bytes.Load()) })
		if largest.bytes.Load() == 0 {
			return nil
		}
		if err := largest.seal(ctx, true); err != nil {
			return err
		}
	}
	return nil
}

// seal moves the table's tail into row groups: all, or full ones, and folds its closings where they are as many.
func (rel *relation) seal(ctx context.Context, all bool) error {
	d := rel.d
	d.seal.Lock()
	defer d.seal.Unlock()
	if n := rel.lately.count(); n >= d.s.o.SealRows || all {
		if err := rel.fold(); err != nil {
			return fmt.Errorf("fold %d closings of table %d: %w", n, rel.id, err)
		}
	}
	end := rel.state.Load().end
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		st := rel.state.Load()
		if len(st.tail) == 0 || st.tail[0].Base() >= end || !all && st.tailLen() < d.s.o.SealRows {
			return nil
		}
		if err := rel.sealRows(st.tail[0], end); err != nil {
			return fmt.Errorf("seal versions of table %d from %d: %w", rel.id, st.tail[0].Base(), err)
		}
	}
}

// sealRows writes one row group of the first rows of the tail, before end. It need not be synced: if it is lost the blocks are
// still there. A group has rows of one shape, so that those which lack a column are told from those which are null there.
func (rel *relation) sealRows(rows table.Rows, end RowID) error {
	d := rel.d
	from, to := rows.Base(), min(rows.Base()+int64(d.s.o.RowGroupRows), rows.End(), end)
	shape := rows.At(from).Shape
	freed := int64(0)
	for row := from; row < to; row++ {
		r := rows.At(row)
		if r.Shape != shape && !r.Shape.Equal(shape) {
			to = row
			break
		}
		freed += r.MemSize()
	}
	enc, g, err := encodeTail(rows, shape, from, to)
	if err != nil {
		return err
	}
	if err := d.s.room.take(enc.Bytes()); err != nil {
		return err
	}
	b := d.s.pdb.NewBatch()
	if err := d.storeTableGroup(b, g, enc); err != nil {
		return joinClose(err, b)
	}
	put(b, heapKey(d.num, rel.id, g.object), g.encode())
	if err := rel.dropBlocks(b, from, to, to < rows.End()); err != nil {
		d.discard(g.object)
		return joinClose(err, b)
	}
	if err := d.s.commit(b, false); err != nil {
		return err
	}
	rel.countClosed(g)
	rel.change(func(st *relationState) {
		st.groups = insertGroup(st.groups, g, byFirst)
		st.tail = slices.Clone(st.tail)
		if st.tail[0] = st.tail[0].Cut(to); st.tail[0].Len() == 0 {
			st.tail = st.tail[1:]
		}
	})
	rel.grow(-freed)
	d.s.count.seals.Add(1)
	return nil
}

// insertGroup returns the groups with one more at its place.
func insertGroup(groups []*tableGroup, g *tableGroup, order func(a, b *tableGroup) int) []*tableGroup {
	i, _ := slices.BinarySearchFunc(groups, g, order)
	return slices.Insert(slices.Clone(groups), i, g)
}

// encodeTail makes a group of rows [from, to) of the tail, which are of one shape.
func encodeTail(rows table.Rows, shape *table.Shape, from, to RowID) (*table.Group, *tableGroup, error) {
	n := int(to - from)
	v := &table.Versions{Columns: shape.Columns}
	for k := range shape.Columns {
		c, err := rows.Read(&shape.Columns[k], n, func(i int) RowID { return from + int64(i) })
		if err != nil {
			return nil, nil, damaged(err)
		}
		v.Values = append(v.Values, c)
	}
	g := &tableGroup{first: from, end: to, firstAt: rows.At(from).At, lastAt: rows.At(to - 1).At}
	if g.firstAt != g.lastAt {
		v.Begins = make([]Micros, n)
		for i := range v.Begins {
			v.Begins[i] = rows.At(from + int64(i)).At
		}
	}
	enc, err := encodeTable(v, n)
	return enc, g, err
}

func encodeTable(v *table.Versions, n int) (*table.Group, error) {
	e, err := table.NewGroupEncoder()
	if err != nil {
		return nil, err
	}
	return e.Encode(v, n)
}

// dropBlocks deletes the blocks of rows [from, to), but for one that goes beyond: so may the last one where other rows of the tail follow these.
func (rel *relation) dropBlocks(b *pebble.Batch, from, to RowID, followed bool) error {
	d := rel.d
	prefix := tableKey(d.num, kindRows, uint32(rel.id))
	it, err := d.s.pdb.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	// The first block may begin before from: that part of it was sealed before.
	first, next := rowsKey(d.num, kindRows, rel.id, from), rowsKey(d.num, kindRows, rel.id, to)
	if it.SeekLT(rowsKey(d.num, kindRows, rel.id, from+1)) {
		first = slices.Clone(it.Key())
	}
	if followed && it.SeekLT(rowsKey(d.num, kindRows, rel.id, to+1)) {
		if n := int64(binary.BigEndian.Uint64(it.Key()[9:])); n < to {
			next = slices.Clone(it.Key())
		}
	}
	_ = b.DeleteRange(first, next, nil)
	return errors.Join(it.Error(), it.Close())
}

// countClosed counts which versions of a base group are closed.
func (rel *relation) countClosed(g *tableGroup) {
	n := int64(0)
	for row := g.first; row < g.end; {
		page, err := rel.page(row / table.PageRows)
		if err != nil {
			return // it is an estimate
		}
		to := min(g.end, (row/table.PageRows+1)*table.PageRows)
		page.Each(row, to, func(table.Closing) { n++ })
		row = to
	}
	// Versions between the group's that are not in it are in history, all closed.
	g.closed.Store(max(0, n-(g.end-g.first-int64(g.rows))))
}
