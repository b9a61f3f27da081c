package engine

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// newest as the command of a view of a delta is the state after all that the transaction has done.
const newest = math.MaxInt32

// undone is the command that added rows of a load which were taken back again.
const undone = math.MaxInt32

// delta is what a transaction has done to one table. Its own rows are numbered -1, -2, …. What a command does is seen by later ones
// only: of each row the commands are known that added and ended it. When its rows are many the first of them go to a load on disk, and stay
// what they were. Scans read it in their workers while a statement adds to it.
type delta struct {
	table storage.TableID
	rel   *catalog.Relation // as the last statement knew it
	shape *tableShape       // as the last writer knew it; may be nil
	log   loader
	most  int64 // bytes of rows that stay in memory

	mu      sync.RWMutex
	rows    int64
	starts  []ownStart // ascending
	load    *storage.TableLoad
	loaded  int64 // rows in the load: the first ones
	kept    []keptRun
	reader  *storage.LoadReader
	batches []ownBatch                            // the other rows
	inKeys  int                                   // of batches, how many are in keys
	keys    map[uint32]map[string][]storage.RowID // of those, by index; dead rows too
	spans   map[uint32]map[string]rowSpans        // of all own rows, by index WITHOUT OVERLAPS and key without the period, in order of their starts
	periods int64                                 // in spans
	dead    endings                               // of own rows; row -n is at n-1
	ended   endings                               // of versions that others see
	emptied []emptying                            // by each TRUNCATE
	bytes   int64                                 // of batches and keys
	failed  error                                 // of the load, which lacks rows then
}

// loader begins loads, and reads what rows have of those that they replace.
type loader interface {
	NewTableLoad(t storage.TableID, cols []storage.TableColumn, indexes []uint32) (*storage.TableLoad, error)
	View(ctx context.Context, at storage.Micros) (storage.View, error)
}

// ownBatch is rows as one statement gave them.
type ownBatch struct {
	first int64
	cols  []storage.TableColumn
	rows  *vec.Batch
	keys  []storage.IndexKeys
	// kept says that each row takes the place of one with the same keys, which all indexes have.
	kept bool
	// of are the versions that the rows take the place of, if it is said, and same the columns that they have as those have them: they may be nil.
	of   []storage.RowID
	same []bool
	// spans are the periods of the rows, by index WITHOUT OVERLAPS.
	spans map[uint32][]keySpan
}

// keptRun is rows in the load, each of which takes the place of one with the same keys, which all indexes have.
type keptRun struct{ first, end int64 }

// ownStart says which command added the rows from one on.
type ownStart struct {
	first   int64
	command int32
}

// emptying is a TRUNCATE, and how many own rows there were.
type emptying struct {
	command int32
	rows    int64
}

const (
	// ownRowsShare is the share of the memory (one of so many) that a transaction's rows of a table may take, which is at least minOwnBytes where memory is not so little
	// that a fourth of it is less.
	ownRowsShare = 32
	minOwnBytes  = 1 << 20
	// manyOwnRows is how many rows of a table a transaction has in memory at most.
	manyOwnRows = 1 << 15
	// directRows is how many rows at once go straight to a load, where there is one.
	directRows = 1024
	// keyOverhead is about what a key takes in memory besides its bytes.
	keyOverhead = 80
)

func newDelta(t storage.TableID, log loader, most int64) *delta {
	return &delta{table: t, log: log, most: most}
}

// add takes rows that a command adds and returns the number of the first; the others follow downwards.
func (d *delta) add(ctx context.Context, command int32, b ownBatch) (storage.RowID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := cmp.Or(d.failed, ctx.Err()); err != nil {
		return 0, err
	}
	b.first = d.rows
	if n := len(d.starts); n == 0 || d.starts[n-1].command != command {
		d.starts = append(d.starts, ownStart{d.rows, command})
	}
	d.rows += int64(b.rows.Len)
	first := -b.first - 1
	for index, list := range b.spans {
		d.addSpans(index, list, first)
		d.periods += int64(len(list))
	}
	if d.load != nil && b.rows.Len >= directRows {
		d.flush(ctx)
		d.put(ctx, []ownBatch{b})
		return first, d.failed
	}
	d.keep(b)
	if d.bytes > d.most || d.rows-d.loaded > manyOwnRows {
		d.flush(ctx)
	}
	return first, d.failed
}

// keep keeps rows in memory.
func (d *delta) keep(b ownBatch) {
	d.batches = append(d.batches, b)
	d.bytes += b.bytes()
}

// byKey lists the rows in memory by their keys in an index. Most transactions end before anybody asks.
func (d *delta) byKey(index uint32) map[string][]storage.RowID {
	for ; d.inKeys < len(d.batches); d.inKeys++ {
		b := &d.batches[d.inKeys]
		for _, k := range b.keys {
			of := d.keys[k.Index]
			if of == nil {
				of = map[string][]storage.RowID{}
				put(&d.keys, k.Index, of)
			}
			for i, key := range k.Keys {
				if key != nil {
					of[string(key)] = append(of[string(key)], -b.first-1-storage.RowID(i))
				}
			}
		}
	}
	return d.keys[index]
}

func (b *ownBatch) bytes() (n int64) {
	for _, c := range b.rows.Cols {
		n += int64(c.MemSize())
	}
	n += int64(8 * len(b.of))
	for _, k := range b.keys {
		for _, key := range k.Keys {
			if key != nil {
				n += int64(len(key)) + keyOverhead
			}
		}
	}
	return n
}

// flush moves the rows in memory to the load.
func (d *delta) flush(ctx context.Context) {
	for len(d.batches) > 0 && d.failed == nil {
		n := 1
		for n < len(d.batches) && d.batches[n].like(&d.batches[0]) {
			n++
		}
		d.put(ctx, d.batches[:n])
		d.batches = d.batches[n:]
	}
	d.batches, d.inKeys, d.bytes = nil, 0, 0
	clear(d.keys)
}

// like reports whether two batches have the same columns and keys.
func (b *ownBatch) like(c *ownBatch) bool {
	return slices.EqualFunc(b.cols, c.cols, func(x, y storage.TableColumn) bool { return x.ID == y.ID && x.Kind == y.Kind }) &&
		slices.EqualFunc(b.keys, c.keys, func(x, y storage.IndexKeys) bool { return x.Index == y.Index }) && slices.Equal(b.same, c.same) &&
		slices.EqualFunc(b.rows.Cols, c.rows.Cols, func(x, y *vec.Column) bool { return (x == nil) == (y == nil) })
}

// put adds batches, which are alike, to the load.
func (d *delta) put(ctx context.Context, list []ownBatch) {
	if d.failed == nil {
		d.failed = d.tryPut(ctx, list)
	}
	if d.failed == nil {
		d.loaded, d.reader = d.load.Len(), nil
	}
}

func (d *delta) tryPut(ctx context.Context, list []ownBatch) error {
	b := list[0]
	if d.load == nil {
		var err error
		if d.load, err = d.log.NewTableLoad(d.table, b.cols, nil); err != nil {
			return err
		}
	}
	if err := d.load.Reshape(b.cols); err != nil {
		return err
	}
	for _, k := range b.keys {
		d.load.AddIndex(k.Index)
	}
	for i := range list {
		d.keepRun(&list[i])
	}
	if len(list) > 1 {
		b = joined(list)
	}
	// Of rows of earlier commands among them nothing may be lost because this one is cancelled: a savepoint may keep them.
	ctx = context.WithoutCancel(ctx)
	if b.of != nil {
		return d.load.Replace(ctx, b.rows, b.keys, b.of, b.same)
	}
	return d.load.Add(ctx, b.rows, b.keys)
}

// fill gives the rows in memory all columns. With last nobody reads the delta any more: where they become too many bytes all go to the load.
func (d *delta) fill(ctx context.Context, last bool) error {
	for i := range d.batches {
		b := &d.batches[i]
		if !slices.Contains(b.rows.Cols, nil) {
			continue
		}
		v, err := d.log.View(ctx, storage.Latest)
		if err != nil {
			return err
		}
		before := b.bytes()
		if b.rows, err = filled(ctx, v.Table(d.table), nil, b.cols, b.rows, b.of); err != nil {
			return err
		}
		if d.bytes += b.bytes() - before; last && d.bytes > d.most {
			d.flush(ctx)
			return d.failed
		}
	}
	return nil
}

// end is the row after the last.
func (b *ownBatch) end() int64 { return b.first + int64(b.rows.Len) }

// keepRun notes that rows which go to the load have the keys of those before them.
func (d *delta) keepRun(b *ownBatch) {
	if !b.kept {
		return
	}
	if n := len(d.kept); n > 0 && d.kept[n-1].end == b.first {
		d.kept[n-1].end = b.end()
	} else {
		d.kept = append(d.kept, keptRun{b.first, b.end()})
	}
}

// joined makes one batch of several.
func joined(list []ownBatch) ownBatch {
	out := ownBatch{first: list[0].first, cols: list[0].cols, rows: &vec.Batch{}, same: list[0].same}
	for c := range out.cols {
		if list[0].rows.Cols[c] == nil {
			out.rows.Cols = append(out.rows.Cols, nil)
			continue
		}
		parts := make([]*vec.Column, len(list))
		for i := range list {
			parts[i] = list[i].rows.Cols[c]
		}
		out.rows.Cols = append(out.rows.Cols, out.cols[c].Join(parts))
	}
	for k := range list[0].keys {
		all := storage.IndexKeys{Index: list[0].keys[k].Index}
		for i := range list {
			all.Keys = append(all.Keys, list[i].keys[k].Keys...)
		}
		out.keys = append(out.keys, all)
	}
	for i := range list {
		out.rows.Len += list[i].rows.Len
		out.of = append(out.of, list[i].of...)
	}
	return out
}

// abort gives the load up, unless it was committed.
func (d *delta) abort() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.load != nil {
		d.load.Abort()
	}
}

// end notes that a command ended a row; next is the own row that replaced it, 0: it was deleted.
func (d *delta) end(command int32, row, next storage.RowID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if row < 0 {
		d.dead.set(-row-1, ending{command, next})
	} else {
		d.ended.set(row, ending{command, next})
	}
}

// endAll notes that a command ended rows; they were replaced by own rows numbered from first downwards, or deleted where that is 0.
func (d *delta) endAll(command int32, rows []storage.RowID, first storage.RowID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := 0; i < len(rows); {
		to := i + 1
		for to < len(rows) && (rows[to] < 0) == (rows[i] < 0) {
			to++
		}
		next := first
		if next != 0 {
			next -= storage.RowID(i)
		}
		if rows[i] > 0 {
			d.ended.setAll(rows[i:to], ending{command, next})
		} else {
			own := make([]int64, to-i)
			for k, row := range rows[i:to] {
				own[k] = -row - 1
			}
			d.dead.setAll(own, ending{command, next})
		}
		i = to
	}
}

// isEmpty reports whether the transaction has done nothing to the table yet.
func (d *delta) isEmpty() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.rows == 0 && d.ended.count == 0 && len(d.emptied) == 0
}

// livePlaces lists, by their places, the rows that are there after all that the transaction did; nil: all are.
func (d *delta) livePlaces(rows []storage.RowID) []int32 {
	if d.isEmpty() {
		return nil
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	out, all := make([]int32, 0, len(rows)), true
	emptied := len(d.emptied) > 0
	var at endingsReader
	for i, row := range rows {
		live := false
		if row < 0 {
			live, _ = d.ownState(-row - 1)
		} else if !emptied {
			_, ended := at.get(&d.ended, row)
			live = !ended
		}
		if live {
			out = append(out, int32(i))
		} else {
			all = false
		}
	}
	if all {
		return nil
	}
	return out
}

// state says whether a row is there after all that the transaction did, and the command that ended it if not.
func (d *delta) state(row storage.RowID) (live bool, by int32) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if row < 0 {
		return d.ownState(-row - 1)
	}
	if e, ok := d.ended.get(row); ok {
		return false, e.command
	}
	by = d.emptiedBy()
	return by == 0, by
}

// next is the own row that replaced a row, 0 where it was deleted; ended is false of a row that the transaction has left alone.
func (d *delta) next(row storage.RowID) (next storage.RowID, ended bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	e, ended := ending{}, false
	if row < 0 {
		e, ended = d.dead.get(-row - 1)
	} else {
		e, ended = d.ended.get(row)
	}
	return e.next, ended || d.emptiedBy() != 0 && row > 0
}

func (d *delta) ownState(n int64) (live bool, by int32) {
	by = d.to(n)
	return by == newest && d.from(n) != undone, by
}

// from is the command that added an own row.
func (d *delta) from(n int64) int32 {
	i := sort.Search(len(d.starts), func(i int) bool { return d.starts[i].first > n })
	return d.starts[i-1].command
}

// to is the command that ended an own row, newest: none has.
func (d *delta) to(n int64) int32 {
	by := int32(newest)
	for _, e := range d.emptied {
		if e.rows > n {
			by = e.command
			break
		}
	}
	if e, ok := d.dead.get(n); ok {
		by = min(by, e.command)
	}
	return by
}

// emptiedBy is the command of the last TRUNCATE, 0: there was none.
func (d *delta) emptiedBy() int32 {
	if n := len(d.emptied); n > 0 {
		return d.emptied[n-1].command
	}
	return 0
}

// isEmptied reports whether a TRUNCATE has ended all that others see.
func (d *delta) isEmptied() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.emptied) > 0
}

// empty notes a TRUNCATE: every row has ended.
func (d *delta) empty(command int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.emptied = append(d.emptied, emptying{command, d.rows})
}

// keyed lists the live own rows with a key.
func (d *delta) keyed(index uint32, key []byte) ([]storage.RowID, error) {
	d.mu.Lock() // the load makes itself ready for those who look
	defer d.mu.Unlock()
	rows, err := d.with(index, key)
	return slices.DeleteFunc(rows, func(r storage.RowID) bool {
		live, _ := d.ownState(-r - 1)
		return !live
	}), err
}

// with lists the own rows with a key.
func (d *delta) with(index uint32, key []byte) ([]storage.RowID, error) {
	rows := slices.Clone(d.byKey(index)[string(key)])
	if d.load == nil {
		return rows, d.failed
	}
	places, err := d.load.With(index, key)
	for _, p := range places {
		if p < d.loaded {
			rows = append(rows, -p-1)
		}
	}
	slices.SortFunc(rows, func(a, b storage.RowID) int { return cmp.Compare(b, a) })
	return rows, err
}

// goBack forgets what the commands from one on did. What is in the load stays there, and is left out at the commit.
func (d *delta) goBack(command int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.IndexFunc(d.starts, func(s ownStart) bool { return s.command >= command && s.command != undone }); i >= 0 {
		cut := d.starts[i].first
		d.starts = d.starts[:i]
		if d.rows = max(cut, d.loaded); cut < d.loaded && (i == 0 || d.starts[i-1].command != undone) {
			d.starts = append(d.starts, ownStart{cut, undone})
		}
		d.cut()
		d.forgetSpans(int(d.rows))
	}
	d.dead.forget(command)
	d.ended.forget(command)
	d.emptied = slices.DeleteFunc(d.emptied, func(e emptying) bool { return e.command >= command })
}

// cut forgets the batches with rows that there are no more.
func (d *delta) cut() {
	n := len(d.batches)
	for ; n > 0 && d.batches[n-1].first >= d.rows; n-- {
		b := &d.batches[n-1]
		d.bytes -= b.bytes()
		if n > d.inKeys {
			continue
		}
		for _, k := range b.keys {
			for _, key := range k.Keys {
				d.forget(k.Index, key)
			}
		}
	}
	d.batches, d.inKeys = d.batches[:n], min(d.inKeys, n)
}

// forget takes the rows that there are no more out of the list of a key.
func (d *delta) forget(index uint32, key []byte) {
	if key == nil {
		return
	}
	list := slices.DeleteFunc(d.keys[index][string(key)], func(r storage.RowID) bool { return -r > d.rows })
	if len(list) == 0 {
		delete(d.keys[index], string(key))
	} else {
		d.keys[index][string(key)] = list
	}
}

// held is about how much memory the delta takes.
func (d *delta) held() int64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.bytes + keyOverhead*d.periods + d.dead.bytes() + d.ended.bytes()
}

// roots are the versions others see that own rows replaced, or that were replaced by what they replaced.
func (d *delta) roots(rows []storage.RowID) (roots []storage.RowID) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	wanted := make(map[storage.RowID]bool, len(rows))
	for _, r := range rows {
		wanted[r] = true
	}
	d.ended.each(0, newestRow, func(first int64, e ending) bool {
		for next := e.next; next != 0; {
			if wanted[next] {
				roots = append(roots, first)
				return true
			}
			after, _ := d.dead.get(-next - 1)
			next = after.next
		}
		return true
	})
	return roots
}

// addedBy is the command that added an own row.
func (d *delta) addedBy(row storage.RowID) int32 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.from(-row - 1)
}
