package storage

import (
	"cmp"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// relation is a table: a log of versions of rows.
type relation struct {
	d      *DB
	id     TableID
	adding sync.RWMutex // held by a commit with new versions; alone, by one that needs to know its rows before its turn comes

	mu    sync.Mutex // held while a new state is made from the present one
	state atomic.Pointer[relationState]
	bytes atomic.Int64 // of the tail and of lately

	gone bool // it is forgotten; under DB.seal

	shape  atomic.Pointer[table.Shape] // of the last new versions
	lately latelyClosed

	changed atomic.Int64 // when the last commit that changed it since the program began was recorded
}

// shapeOf is the shape of rows of some columns: that of others before them, if they are alike.
func (rel *relation) shapeOf(columns []TableColumn) (*table.Shape, error) {
	if s := rel.shape.Load(); s != nil && s.IsOf(columns) {
		return s, nil
	}
	s, err := table.NewShape(columns)
	if err == nil {
		rel.shape.Store(s)
	}
	return s, err
}

// relationState is what is known of a table. It never changes; a new one takes its place. It may know versions that nobody can
// see yet: whether a version is visible is told by times, not by being here.
type relationState struct {
	groups    []*tableGroup // base, ascending
	history   []*tableGroup // byEnd
	tail      []table.Rows  // runs of versions that are in no row group, ascending
	end       RowID         // after the last version
	last      Micros        // when the last version began
	truncated []truncation  // ascending in both
	unused    [][2]RowID    // rows, and ends, that a load had that failed: index entries may lead there
}

// isUnused tells that a row is of no version.
func (st *relationState) isUnused(row RowID) bool {
	for _, u := range st.unused {
		if u[0] <= row && row < u[1] {
			return true
		}
	}
	return false
}

// change makes the next state. f gets a copy of the present one.
func (rel *relation) change(f func(st *relationState)) {
	rel.mu.Lock()
	defer rel.mu.Unlock()
	next := *rel.state.Load()
	f(&next)
	rel.state.Store(&next)
}

// truncation says that all versions before end were closed.
type truncation struct {
	at  Micros
	end RowID
}

// relations are the tables of a database.
type relations struct {
	mu   sync.RWMutex
	byID map[TableID]*relation
}

// relation returns a table, which need not have anything yet.
func (d *DB) relation(id TableID) *relation {
	d.relations.mu.RLock()
	rel := d.relations.byID[id]
	d.relations.mu.RUnlock()
	if rel != nil {
		return rel
	}
	d.relations.mu.Lock()
	defer d.relations.mu.Unlock()
	if rel := d.relations.byID[id]; rel != nil {
		return rel
	}
	rel = &relation{d: d, id: id}
	rel.state.Store(&relationState{end: 1})
	if d.relations.byID == nil {
		d.relations.byID = map[TableID]*relation{}
	}
	d.relations.byID[id] = rel
	return rel
}

// add adds a block's rows, after all others.
func (st *relationState) add(b *table.Block, first RowID, at Micros) {
	tail := slices.Clone(st.tail)
	if n := len(tail); n == 0 || tail[n-1].End() != first {
		tail = append(tail, table.NewRows(first))
	}
	run := &tail[len(tail)-1]
	*run = b.Append(*run, at)
	st.tail = tail
	st.end, st.last = max(st.end, run.End()), max(st.last, at)
}

// until returns the row after the last that began at or before a moment.
func (st *relationState) until(at Micros) (RowID, error) {
	if at >= st.last {
		return st.end, nil
	}
	end := RowID(1)
	for _, rows := range slices.Backward(st.tail) {
		if rows.Len() > 0 && rows.At(rows.Base()).At <= at {
			end = rows.Until(at)
			break
		}
	}
	for _, groups := range [][]*tableGroup{st.groups, st.history} {
		for _, g := range slices.Backward(groups) {
			if g.end <= end {
				if g.history {
					continue
				}
				break
			}
			last, err := g.until(at)
			if err != nil {
				return 0, err
			}
			if end = max(end, last); last > 0 && !g.history {
				break
			}
		}
	}
	return end, nil
}

// truncatedAt returns the row before which all versions were truncated at or before a moment.
func (st *relationState) truncatedAt(at Micros) RowID {
	i, _ := slices.BinarySearchFunc(st.truncated, at, func(t truncation, at Micros) int {
		if t.at <= at {
			return -1
		}
		return 1
	})
	if i == 0 {
		return 1
	}
	return st.truncated[i-1].end
}

// truncation is when a version was truncated, unless it was closed before.
func (st *relationState) truncation(row RowID) (Micros, bool) {
	i, _ := slices.BinarySearchFunc(st.truncated, row, func(t truncation, row RowID) int { return cmp.Compare(t.end, row+1) })
	if i == len(st.truncated) {
		return 0, false
	}
	return st.truncated[i].at, true
}

// tailOf is the run of the tail that has the row.
func (st *relationState) tailOf(row RowID) (table.Rows, bool) {
	i, _ := slices.BinarySearchFunc(st.tail, row, func(r table.Rows, row RowID) int { return cmp.Compare(r.End(), row+1) })
	if i == len(st.tail) || st.tail[i].Base() > row {
		return table.Rows{}, false
	}
	return st.tail[i], true
}

// page returns the closings of a page of versions, read from disk if they are not in memory. Who adds closings adds them to
// every page in memory after they are on disk, so a page that was claimed before it is read misses none.
func (rel *relation) page(n int64) (*table.Page, error) {
	d := rel.d
	id := rel.pageID(n)
	if p, ok := d.s.parts.get(id); ok {
		page := p.(*table.Page)
		return page, page.Wait()
	}
	fresh := table.NewPage()
	claimed, mine := d.s.parts.claim(id, fresh, fresh.MemSize())
	page := claimed.(*table.Page)
	if !mine {
		return page, page.Wait()
	}
	err := rel.readPage(page, n)
	page.Loaded(err)
	if err != nil {
		d.s.parts.drop(id)
		return nil, err
	}
	d.s.parts.grew(id, page, page.MemSize())
	return page, nil
}

func (rel *relation) pageID(n int64) partID {
	return partID{rel.d.num, kindClosing, uint64(rel.id), uint32(n)}
}

// close enters closings that are on disk, which ascend, into their pages, if those are in memory, and then tells the groups. A group that
// takes the place of others comes either before it is told, or after the pages are as they are now.
func (rel *relation) close(closings iter.Seq[table.Closing]) {
	parts := rel.d.s.parts
	known := int64(-1)
	var page *table.Page // if it is in memory
	done := func() {
		if page != nil {
			parts.grew(rel.pageID(known), page, page.MemSize())
		}
		page = nil
	}
	any := false
	for c := range closings {
		any = true
		if n := c.Row / table.PageRows; n != known {
			done()
			known = n
			if p, ok := parts.get(rel.pageID(n)); ok {
				page = p.(*table.Page)
			}
		}
		if page != nil {
			page.Add(c)
		}
	}
	done()
	if !any {
		return
	}
	rel.mu.Lock()
	defer rel.mu.Unlock()
	st := rel.state.Load()
	var g *tableGroup
	n := int64(0) // of g
	tell := func() {
		if g == nil {
			return
		}
		g.changes.Add(n)
		if g.closed.Add(n); g.isCrowded() {
			rel.d.s.work.wake(rel.d)
		}
	}
	for c := range closings {
		if g == nil || c.Row < g.first || c.Row >= g.end {
			tell()
			g, n = st.groupOf(c.Row), 0
		}
		n++
	}
	tell()
}

// groupOf is the base group that has the row, unless history has it; nil: none.
func (st *relationState) groupOf(row RowID) *tableGroup {
	i, _ := slices.BinarySearchFunc(st.groups, row, func(g *tableGroup, row RowID) int { return cmp.Compare(g.end, row+1) })
	if i == len(st.groups) || st.groups[i].first > row {
		return nil
	}
	return st.groups[i]
}

// grow counts bytes of the tail, and tells who waits for it to become shorter.
func (rel *relation) grow(bytes int64) {
	rel.bytes.Add(bytes)
	rel.d.tableBytes.Add(bytes)
	if bytes < 0 {
		rel.d.sealed.wake()
	}
}

// Fate is what became of a version by the commits that have their place: when it was closed, 0 if it is open, and which version took its
// place, 0 if it was deleted. That may not be durable yet (Durable).
func (d *DB) Fate(t TableID, row RowID) (closed Micros, next RowID, err error) {
	rel, last := d.relation(t), d.state.Load().ordered
	page, err := rel.page(row / table.PageRows)
	if err != nil {
		return 0, 0, err
	}
	if c, ok := page.Find(row); ok && c.At <= last {
		return c.At, c.Next, nil
	}
	if at, ok := rel.state.Load().truncation(row); ok && at <= last {
		return at, 0, nil
	}
	return 0, 0, nil
}

// Ended lists, by their places among rows, the versions that commits which have their place have closed; it is Fate for many.
func (d *DB) Ended(t TableID, rows []RowID) (places []int, err error) {
	rel, last := d.relation(t), d.state.Load().ordered
	truncated := rel.state.Load().truncatedAt(last)
	var known knownPage
	for i, row := range rows {
		page, err := known.of(rel, row)
		if err != nil {
			return nil, err
		}
		if c, ok := page.Find(row); row < truncated || ok && c.At <= last {
			places = append(places, i)
		}
	}
	return places, nil
}

// clearFrom clears the bits before n.
func clearBefore(set vec.Bitmap, n int) {
	for i := range n >> 6 {
		set[i] = 0
	}
	if r := uint(n) & 63; r > 0 {
		set[n>>6] &^= 1<<r - 1
	}
}
