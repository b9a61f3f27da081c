package storage

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/allsource-db/allsource/storage/table"
)

// loadRelations reads what is on disk of all tables: manifests, truncations and the tails. It returns the recorded time of the
// last commit to any.
func (d *DB) loadRelations() (last Micros, err error) {
	if v, err := d.s.get(dbKey(d.num, kindLast)); err != nil {
		return 0, err
	} else if v != nil {
		if _, err := readFields(v, &last); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(d.loadTruncations(), d.loadTableGroups(), d.loadUnused(), d.loadEnded(), d.loadMoves()); err != nil {
		return 0, err
	}
	if err := d.s.scan(dbKey(d.num, kindRows), nil, d.loadBlock); err != nil {
		return 0, err
	}
	for _, rel := range d.relations.byID {
		if err := rel.state.Load().check(); err != nil {
			return 0, fmt.Errorf("table %d: %w", rel.id, err)
		}
	}
	return last, nil
}

func (d *DB) loadTruncations() error {
	return d.s.scan(dbKey(d.num, kindTruncated), nil, func(key, value []byte) error {
		id, at, ok := timedKey(key)
		if !ok {
			return fmt.Errorf("%w: truncation key", ErrCorrupt)
		}
		t := truncation{at: at}
		if _, err := readFields(value, &t.end); err != nil {
			return err
		}
		d.relation(TableID(id)).change(func(st *relationState) { st.truncated = append(st.truncated, t) })
		return nil
	})
}

func (d *DB) loadTableGroups() error {
	err := d.s.scan(dbKey(d.num, kindHeap), nil, func(key, value []byte) error {
		if len(key) != 17 {
			return fmt.Errorf("%w: manifest key of a table", ErrCorrupt)
		}
		g, err := d.decodeTableGroup(binary.BigEndian.Uint64(key[9:]), value)
		if err != nil {
			return err
		}
		d.objects.seen(g.object)
		d.relation(TableID(binary.BigEndian.Uint32(key[5:]))).change(func(st *relationState) {
			if g.history {
				st.history = append(st.history, g)
			} else {
				st.groups = append(st.groups, g)
			}
			st.end, st.last = max(st.end, g.end), max(st.last, g.lastAt)
		})
		return nil
	})
	for _, rel := range d.relations.byID {
		rel.change(func(st *relationState) {
			slices.SortFunc(st.groups, byFirst)
			slices.SortFunc(st.history, byEnd)
		})
	}
	return err
}

// loadUnused reads which rows loads had that did not come to their commit.
func (d *DB) loadUnused() error {
	return d.s.scan(dbKey(d.num, kindReserved), nil, func(key, value []byte) error {
		var end RowID
		if _, err := readFields(value, &end); err != nil || len(key) != 17 {
			return errors.Join(fmt.Errorf("%w: rows of a load", ErrCorrupt), err)
		}
		first := RowID(binary.BigEndian.Uint64(key[9:]))
		d.relation(TableID(binary.BigEndian.Uint32(key[5:]))).change(func(st *relationState) { st.burn(first, end) })
		return nil
	})
}

// burn makes it known that rows are of no version.
func (st *relationState) burn(first, end RowID) {
	st.unused = append(slices.Clip(st.unused), [2]RowID{first, end})
	st.end = max(st.end, end)
}

func byFirst(a, b *tableGroup) int { return cmp.Compare(a.first, b.first) }

// byEnd is the order of history: by when the last of a group's versions ended.
func byEnd(a, b *tableGroup) int {
	return cmp.Or(cmp.Compare(a.endTo, b.endTo), cmp.Compare(a.first, b.first), cmp.Compare(a.object, b.object))
}

// loadBlock puts those rows of a block into the tail that are in no row group. A block may have been sealed in part.
func (d *DB) loadBlock(key, value []byte) error {
	parts, first, err := table.DecodeBlock(slices.Clone(value))
	if err != nil {
		return damaged(err)
	}
	if len(key) != 17 || first != int64(binary.BigEndian.Uint64(key[9:])) {
		return fmt.Errorf("%w: key of a block", ErrCorrupt)
	}
	rel := d.relation(TableID(binary.BigEndian.Uint32(key[5:])))
	if parts[0].Shape, err = rel.shapeOf(parts[0].Shape.Columns); err != nil {
		return err
	}
	rel.change(func(st *relationState) {
		for _, p := range parts {
			p.Shape = parts[0].Shape
			end := first + int64(p.Len())
			if sealed := st.sealedFrom(first); sealed < end {
				p.Rows = p.Rows[sealed-first:]
				st.add(p.Block, sealed, p.At)
				rel.grow(p.MemSize())
			}
			first = end
		}
	})
	return nil
}

// sealedFrom returns the first row from one on that is in no row group.
func (st *relationState) sealedFrom(row RowID) RowID {
	for moved := row < st.end; moved; {
		moved = false
		for _, groups := range [][]*tableGroup{st.groups, st.history} {
			for _, g := range groups {
				if g.first <= row && row < g.end {
					row, moved = g.end, true
				}
			}
		}
	}
	return row
}

// check sees to it that no version is missing.
func (st *relationState) check() error {
	next := RowID(1)
	var spans [][2]RowID
	for _, g := range slices.Concat(st.groups, st.history) {
		spans = append(spans, [2]RowID{g.first, g.end})
	}
	spans = append(spans, st.unused...)
	for _, rows := range st.tail {
		spans = append(spans, [2]RowID{rows.Base(), rows.End()})
	}
	slices.SortFunc(spans, func(a, b [2]RowID) int { return cmp.Compare(a[0], b[0]) })
	for _, s := range spans {
		if s[0] > next {
			return fmt.Errorf("%w: versions %d to %d are missing", ErrCorrupt, next, s[0]-1)
		}
		next = max(next, s[1])
	}
	return nil
}
