package storage

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
)

// Forget deletes tables and indexes for ever, as if they had never been: those that one session had to itself. Nobody may change or read them any
// more. What is dropped otherwise stays, for the past has it.
func (d *DB) Forget(ids []uint32) error {
	d.seal.Lock()
	defer d.seal.Unlock()
	b := d.s.pdb.NewBatch()
	var gone []*relation
	for _, id := range ids {
		d.deleteNumber(b, id)
		d.relations.mu.RLock()
		rel := d.relations.byID[TableID(id)]
		d.relations.mu.RUnlock()
		if rel == nil {
			continue
		}
		gone = append(gone, rel)
		for _, g := range rel.state.Load().allGroups() {
			d.retire(b, g.object)
		}
	}
	if err := d.s.commit(b, false); err != nil {
		return err
	}
	for _, id := range ids {
		d.moves.forget(id)
	}
	for _, rel := range gone {
		rel.vanish()
	}
	return nil
}

// vanish makes a table that is deleted one without versions, and lets go of it.
func (rel *relation) vanish() {
	d := rel.d
	rel.gone = true
	d.relations.mu.Lock()
	delete(d.relations.byID, rel.id)
	d.relations.mu.Unlock()
	st := rel.state.Load()
	rel.change(func(st *relationState) { *st = relationState{end: 1} })
	rel.lately.cut(math.MaxInt)
	rel.grow(-rel.bytes.Load())
	for n := range st.end/table.PageRows + 1 {
		d.s.parts.drop(rel.pageID(n))
	}
	for _, g := range st.allGroups() {
		d.replacedTableGroup(g)
	}
}

func (st *relationState) allGroups() []*tableGroup { return slices.Concat(st.groups, st.history) }

// deleteNumber deletes all that is stored of a table or an index but its row groups.
func (d *DB) deleteNumber(b *pebble.Batch, id uint32) {
	for _, kind := range []byte{kindRows, kindHeap, kindClosing, kindEnded, kindReserved, kindTruncated, kindIndex, kindMoved, kindMoves} {
		prefix := tableKey(d.num, kind, id)
		_ = b.DeleteRange(prefix, after(prefix), nil)
	}
	del(b, tableKey(d.num, kindNewIndex, id))
	del(b, tableKey(d.num, kindPassing, id))
}

// forgetPassing deletes the tables and indexes of sessions that ended with the program.
func (d *DB) forgetPassing() error {
	b := d.s.pdb.NewBatch()
	err := d.s.scan(dbKey(d.num, kindPassing), nil, func(key, _ []byte) error {
		if len(key) != 9 {
			return fmt.Errorf("%w: key of a passing table", ErrCorrupt)
		}
		id := binary.BigEndian.Uint32(key[5:])
		d.deleteNumber(b, id)
		return d.s.scan(tableKey(d.num, kindHeap, id), nil, func(key, _ []byte) error {
			if len(key) != 17 {
				return fmt.Errorf("%w: manifest key of a table", ErrCorrupt)
			}
			d.retire(b, binary.BigEndian.Uint64(key[9:]))
			return nil
		})
	})
	if err != nil || b.Empty() {
		return joinClose(err, b)
	}
	return d.s.commit(b, false)
}
