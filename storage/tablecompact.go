package storage

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// compactTables splits base groups in which many versions are closed, and merges small groups.
func (d *DB) compactTables(ctx context.Context) error {
	for _, rel := range d.tables() {
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			more, err := rel.compactOnce()
			if err != nil {
				return fmt.Errorf("compact table %d: %w", rel.id, err)
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// compactOnce does one step. It lets go of d.seal between steps.
func (rel *relation) compactOnce() (bool, error) {
	rel.d.seal.Lock()
	defer rel.d.seal.Unlock()
	st := rel.state.Load()
	truncated := st.truncatedAt(math.MaxInt64)
	for _, g := range st.groups {
		if g.end > truncated && g.isCrowded() {
			if rel.countClosed(g); g.isCrowded() {
				return true, rel.split(g)
			}
		}
	}
	for _, groups := range [][]*tableGroup{st.groups, st.history} {
		run, err := rel.mergeable(st, groups, truncated)
		if err != nil {
			return false, err
		}
		if len(run) >= 2 {
			return true, rel.rewrite(run)
		}
	}
	return false, nil
}

// manyEnded is from how many on versions that ended at one moment are kept apart.
func (d *DB) manyEnded() int { return d.s.o.RowGroupRows / crowded }

// isApart reports whether a group of history has versions that ended at one moment, and many.
func (g *tableGroup) isApart() bool { return g.endFrom == g.endTo && g.rows >= g.d.manyEnded() }

func (g *tableGroup) isCrowded() bool {
	n := g.closed.Load()
	return n > 0 && n*crowded >= int64(g.rows)
}

// mergeable finds neighbours to merge, as smallGroups does, among groups of the same columns between which no version of the tail lies.
// The next start takes what lies in the tail's blocks between the first and the last version of a group for sealed. What was truncated
// stays as it is: views of the present pass over it. Neighbours of history ended at about the same time, so that a moment lies between
// the ends of few groups; what split has kept apart stays so.
func (rel *relation) mergeable(st *relationState, groups []*tableGroup, truncated RowID) ([]*tableGroup, error) {
	full := rel.d.s.o.RowGroupRows
	var run []*tableGroup
	var first, end RowID // of the run
	for _, g := range groups {
		small := g.rows <= full/2 && (g.history && !g.isApart() || !g.history && g.end > truncated)
		if len(run) > 0 && (!small || st.tailBetween(min(first, g.first), max(end, g.end))) {
			if found, err := dueAmong(run, full); len(found) >= 2 || err != nil {
				return found, err
			}
			run = nil
		}
		if !small {
			continue
		}
		if len(run) == 0 {
			first, end = g.first, g.end
		}
		run, first, end = append(run, g), min(first, g.first), max(end, g.end)
	}
	return dueAmong(run, full)
}

// dueAmong finds groups to merge among neighbours. Their columns are compared only where their sizes let them be merged.
func dueAmong(run []*tableGroup, full int) ([]*tableGroup, error) {
	due := func(run []*tableGroup) []*tableGroup {
		rows := make([]int, len(run))
		for i, g := range run {
			rows[i] = g.rows
		}
		from, to := smallGroups(rows, full)
		return run[from:to]
	}
	if len(due(run)) < 2 {
		return nil, nil
	}
	var columns []table.Column
	from := 0
	for i, g := range run {
		r, err := g.openReader()
		if err != nil {
			return nil, err
		}
		own := r.Columns()
		if i > from && !sameColumns(columns, own) {
			if found := due(run[from:i]); len(found) >= 2 {
				return found, nil
			}
			from = i
		}
		columns = own
	}
	return due(run[from:]), nil
}

func sameColumns(a, b []table.Column) bool {
	return slices.EqualFunc(a, b, func(a, b table.Column) bool { return a.ID == b.ID && a.Kind == b.Kind && a.Elem == b.Elem })
}

func (st *relationState) tailBetween(from, to RowID) bool {
	return slices.ContainsFunc(st.tail, func(r table.Rows) bool { return r.Base() < to && r.End() > from })
}

// split makes of a base group one with what is open and history of what is closed. Where all has ended at one moment, as statements do that change whole
// tables, nothing is written again: its object only gets the ends. The caller holds d.seal.
func (rel *relation) split(g *tableGroup) error {
	if g.closed.Load() < int64(g.rows) {
		return rel.rewrite([]*tableGroup{g})
	}
	ids, err := g.ids(0, g.rows)
	if err != nil {
		return err
	}
	v := &tableView{rel: rel, st: rel.state.Load(), moment: math.MaxInt64}
	ends, err := v.ends(ids)
	if err != nil {
		return err
	}
	at := ends[0]
	if at == math.MaxInt64 || slices.ContainsFunc(ends, func(end Micros) bool { return end != at }) {
		return rel.rewrite([]*tableGroup{g})
	}
	return rel.endTogether(g, at)
}

// endTogether makes a base group one of history.
func (rel *relation) endTogether(g *tableGroup, at Micros) error {
	d := rel.d
	meta, err := d.s.get(blobKey(d.num, g.object, partMeta))
	if err != nil {
		return err
	}
	part, meta, err := table.EndTogether(meta, at)
	if err != nil {
		return damaged(err)
	}
	now := &tableGroup{d: d, object: g.object, first: g.first, end: g.end, rows: g.rows, bytes: g.bytes + int64(len(part.Data)), history: true,
		firstAt: g.firstAt, lastAt: g.lastAt, endFrom: at, endTo: at}
	if err := d.s.room.take(int64(len(part.Data) + len(meta))); err != nil {
		return err
	}
	b := d.s.pdb.NewBatch()
	put(b, blobKey(d.num, g.object, part.ID), part.Data)
	put(b, blobKey(d.num, g.object, partMeta), meta)
	put(b, heapKey(d.num, rel.id, g.object), now.encode())
	if err := d.s.commit(b, false); err != nil {
		return err
	}
	rel.change(func(st *relationState) {
		st.groups = slices.DeleteFunc(slices.Clone(st.groups), func(other *tableGroup) bool { return other == g })
		st.history = insertGroup(st.history, now, byEnd)
	})
	g.heir = now
	g.retired.Store(true)
	d.s.readers.drop(g)
	d.s.count.compactions.Add(1)
	return nil
}

// rewrite writes the versions of groups, all base or all history, anew: those that are open as a base group, those that are closed as a
// history group. The caller holds d.seal.
func (rel *relation) rewrite(old []*tableGroup) error {
	d := rel.d
	before := changesOf(old)
	all, err := rel.readGroups(old)
	if err != nil {
		return err
	}
	b := d.s.pdb.NewBatch()
	var fresh []*tableGroup
	for k, list := range all.split(d.manyEnded()) {
		if len(list) == 0 {
			continue
		}
		g, enc, err := all.group(list, k > 0)
		if err == nil {
			err = d.s.room.take(enc.Bytes())
		}
		if err == nil {
			err = d.storeTableGroup(b, g, enc)
		}
		if err != nil {
			for _, g := range fresh {
				d.discard(g.object)
			}
			return joinClose(err, b)
		}
		put(b, heapKey(d.num, rel.id, g.object), g.encode())
		fresh = append(fresh, g)
	}
	for _, g := range old {
		del(b, heapKey(d.num, rel.id, g.object))
		d.retire(b, g.object)
	}
	if err := d.s.commit(b, false); err != nil {
		return err
	}
	rel.change(func(st *relationState) {
		replaced := func(g *tableGroup) bool { return slices.Contains(old, g) }
		st.groups = slices.DeleteFunc(slices.Clone(st.groups), replaced)
		st.history = slices.DeleteFunc(slices.Clone(st.history), replaced)
		for _, g := range fresh {
			if g.history {
				st.history = insertGroup(st.history, g, byEnd)
			} else {
				st.groups = insertGroup(st.groups, g, byFirst)
				if changesOf(old) == before {
					g.visible.Store(&visibleNow{gone: st.truncatedAt(math.MaxInt64), newest: math.MinInt64})
				}
			}
		}
	})
	for _, g := range fresh {
		if !g.history && g.visible.Load() == nil {
			rel.countClosed(g) // what was closed meanwhile
		}
	}
	for _, g := range old {
		d.replacedTableGroup(g)
	}
	d.s.count.compactions.Add(1)
	return nil
}

// changesOf counts how often groups have changed.
func changesOf(groups []*tableGroup) (n int64) {
	for _, g := range groups {
		n += g.changes.Load()
	}
	return n
}

// readVersions are versions read from groups.
type readVersions struct {
	columns []table.Column
	values  []*vec.Column
	ids     []RowID
	begins  []Micros
	ends    []Micros // MaxInt64 while open
}

// readGroups reads all versions of groups.
func (rel *relation) readGroups(old []*tableGroup) (*readVersions, error) {
	all := &readVersions{}
	v := &tableView{rel: rel, st: rel.state.Load(), moment: math.MaxInt64}
	parts := make([][]*vec.Column, 0)
	for _, g := range old {
		r, err := g.openReader()
		if err != nil {
			return nil, err
		}
		if all.columns == nil {
			all.columns = r.Columns()
			parts = make([][]*vec.Column, len(all.columns))
		}
		for k := range all.columns {
			c, err := r.Read(&all.columns[k], 0, g.rows)
			if err != nil {
				return nil, damaged(err)
			}
			parts[k] = append(parts[k], c)
		}
		ids, err := g.ids(0, g.rows)
		if err != nil {
			return nil, err
		}
		begins, err := g.begins(0, g.rows, nil)
		if err != nil {
			return nil, err
		}
		ends, err := v.ends(ids)
		if g.history {
			ends, err = g.ends(0, g.rows)
		}
		if err != nil {
			return nil, err
		}
		all.ids, all.begins, all.ends = append(all.ids, ids...), append(all.begins, begins...), append(all.ends, ends...)
		g.used(r)
	}
	for k := range all.columns {
		all.values = append(all.values, all.columns[k].Join(parts[k]))
	}
	return all, nil
}

// split lists the open versions, the closed ones, and apart from those the ones that ended at one moment if they are many: a statement
// that changes most of a table ends versions that ended at no other time. All are in their order.
func (all *readVersions) split(many int) [3][]int32 {
	ended := map[Micros]int{}
	for _, end := range all.ends {
		ended[end]++
	}
	delete(ended, math.MaxInt64)
	apart := Micros(math.MaxInt64)
	for end, n := range ended {
		if n >= many && n > ended[apart] {
			apart = end
		}
	}
	var lists [3][]int32
	for i, end := range all.ends {
		k := 1
		switch end {
		case math.MaxInt64:
			k = 0
		case apart:
			k = 2
		}
		lists[k] = append(lists[k], int32(i))
	}
	for _, list := range lists {
		slices.SortFunc(list, func(a, b int32) int { return cmp.Compare(all.ids[a], all.ids[b]) })
	}
	return lists
}

// group encodes the listed versions.
func (all *readVersions) group(list []int32, history bool) (*tableGroup, *table.Group, error) {
	n := len(list)
	ids, begins, ends := pick(all.ids, list), pick(all.begins, list), pick(all.ends, list)
	g := &tableGroup{first: ids[0], end: ids[n-1] + 1, rows: n, history: history, firstAt: begins[0], lastAt: begins[n-1]}
	v := &table.Versions{Columns: all.columns}
	for _, c := range all.values {
		v.Values = append(v.Values, c.Take(list))
	}
	if !g.dense() {
		v.IDs = ids
	}
	if g.firstAt != g.lastAt {
		v.Begins = begins
	}
	if history {
		v.Ends = ends
		g.endFrom, g.endTo = slices.Min(ends), slices.Max(ends)
	}
	enc, err := encodeTable(v, n)
	return g, enc, err
}

func pick[T any](vals []T, list []int32) []T {
	out := make([]T, len(list))
	for i, k := range list {
		out[i] = vals[k]
	}
	return out
}
