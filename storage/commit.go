package storage

import (
	"context"
	"maps"

	"github.com/allsource-db/allsource/storage/tail"
)

// order validates the commits in order and gives those that pass their place, in one batch: what comes after them knows them, and is lost if
// they are. finish makes them durable and then visible. The next group may have its place before that, so that a sync is never waited for by
// who only wants to come after.
func (d *DB) order(group []*pending) (finish func()) {
	d.write.Lock()
	defer d.write.Unlock()
	if err := d.s.failure.get(); err != nil {
		return func() { fail(group, err) }
	}
	t := d.newTxn(group)
	for _, p := range group {
		p.err = t.take(p)
	}
	if !t.anything(group) {
		// What refused them may not be durable yet.
		return func() { fail(group, d.Durable(context.Background(), t.st.last)) }
	}
	d.flying.mu.Lock()
	t.stamp(d.clock.Stamp)
	if len(t.starts) > 0 {
		d.flying.start(t.firstAt, t.last)
	}
	d.flying.mu.Unlock()
	tables := t.relations()
	durable, err := d.store(t, group, tables)
	if err != nil {
		d.flying.land(t.last)
		return func() { fail(group, err) }
	}
	d.enter(t, tables)
	return func() {
		err := durable()
		if err == nil {
			d.show(t)
		}
		d.flying.land(t.last)
		fail(group, err)
	}
}

// fail gives an error to all that have none; nil: to nobody.
func fail(group []*pending, err error) {
	for _, p := range group {
		if p.err == nil {
			p.err = err
		}
		if p.err != nil {
			p.result = Appended{}
		}
	}
}

// keptBlock is how large a block's buffer may be to be kept.
const keptBlock = 256 << 10

// store writes the group's block, and how far its sources are. durable waits until that is so; it must be called.
func (d *DB) store(t *txn, group []*pending, tables []relationWork) (durable func() error, err error) {
	b := d.s.pdb.NewBatch()
	if len(t.rows) > 0 {
		block := tail.AppendBlock(d.block[:0], &tail.Block{First: t.first, Rows: t.rows})
		put(b, numKey(d.num, kindTail, uint64(t.first)), block)
		if d.block = block; cap(block) > keptBlock {
			d.block = nil
		}
	}
	catalog, last := false, Micros(0)
	for _, p := range group {
		if p.err == nil && p.progress != nil {
			put(b, nameKey(d.num, kindProgress, p.progress.Source), p.progress.encode())
		}
		if p.err == nil && p.catalog != nil {
			if err := p.catalog.put(d, b); err != nil {
				return nil, joinClose(err, b)
			}
			catalog, last = true, p.catalog.at
		}
	}
	for i := range tables {
		if err := tables[i].put(d, b); err != nil {
			return nil, joinClose(err, b)
		}
	}
	if catalog {
		put(b, dbKey(d.num, kindLast), fields(last))
		if err := d.s.needFormat(formatTables); err != nil {
			return nil, joinClose(err, b)
		}
	}
	if durable, err = d.s.begin(b); err != nil {
		return nil, err
	}
	d.s.count.batches.Add(1)
	return durable, nil
}

// enter makes what the group did known to those that come after it, and tells its members that it is.
func (d *DB) enter(t *txn, tables []relationWork) {
	if len(t.starts) == 0 {
		return
	}
	for i := range tables {
		tables[i].apply()
	}
	for _, p := range t.starts {
		if p.catalog != nil {
			p.catalog.apply(d)
		}
	}
	if len(t.rows) > 0 {
		d.index.extend(t.first, t.rows)
		d.addTailBytes(t.rows)
	}
	d.publishWith(func(st *state) {
		st.tail = st.tail.Append(t.rows)
		st.ordered = t.last
	})
	for _, p := range t.starts {
		if p.ordered != nil {
			p.ordered(p.at)
		}
	}
}

// show makes the group visible, and those before it: what is durable is a prefix of the log.
func (d *DB) show(t *txn) {
	if len(t.starts) == 0 {
		return
	}
	d.publishWith(func(st *state) { st.end, st.last = max(st.end, t.first+int64(len(t.rows))), max(st.last, t.last) })
	if len(t.rows) > 0 {
		d.grown.wake()
	}
	d.s.count.appends.Add(int64(t.appends))
	if st := d.state.Load(); st.tail.Len() >= d.s.o.SealRows || d.tailBytes.Load() >= d.s.o.SealBytes {
		d.s.work.wake(d)
	}
}

// txn is a group of appends while it is put together. An append that fails leaves no trace in it.
type txn struct {
	d        *DB
	st       *state
	first    int64
	rows     []tail.Row
	starts   []*pending // the commit of each recorded time
	firstAt  Micros
	last     Micros
	appends  int // that add events
	ends     map[*relation]RowID
	entities map[string]*txnEntity
	ids      map[idKey]int64
	next     uint64
	touched  []*txnEntity // by each of rows
	// repeated are the last versions that the append at hand found there already of events that expected a version, by entity.
	repeated map[string]int64
}

type txnEntity struct {
	ordinal uint64
	version int64
	created bool // not in the log
}

func (d *DB) newTxn(group []*pending) *txn {
	st, rows := d.state.Load().ahead(), 0
	for _, p := range group {
		rows += len(p.rows)
	}
	d.index.mu.RLock()
	next := d.index.next
	d.index.mu.RUnlock()
	return &txn{d: d, st: st, first: st.end, next: next, rows: make([]tail.Row, 0, rows), touched: make([]*txnEntity, 0, rows),
		entities: make(map[string]*txnEntity, rows), ids: make(map[idKey]int64, rows)}
}

func (t *txn) anything(group []*pending) bool {
	for _, p := range group {
		if p.err == nil && p.progress != nil {
			return true
		}
	}
	return len(t.starts) > 0
}

// take checks one append against the log and the group so far, and adds its new rows.
func (t *txn) take(p *pending) error {
	before, next := len(t.rows), t.next
	t.repeated = nil
	places := make([]int64, 2*len(p.rows))
	p.result = Appended{Positions: places[:len(p.rows):len(p.rows)], Versions: places[len(p.rows):]}
	for i := range p.rows {
		if err := t.event(p, i); err != nil {
			t.undo(before, next)
			return err
		}
	}
	p.result.New = len(t.rows) - before
	if p.check != nil && (p.result.New > 0 || p.catalog != nil) {
		if err := p.check(t.soFar(before)); err != nil {
			t.undo(before, next)
			return err
		}
	}
	if p.catalog != nil {
		if err := t.place(p.catalog); err != nil {
			t.undo(before, next)
			return err
		}
	}
	p.result.Repeats = len(p.rows) - p.result.New
	if p.result.New > 0 {
		t.appends++
	}
	if p.result.New > 0 || p.catalog != nil {
		t.starts = append(t.starts, p)
	}
	return nil
}

// undo forgets the rows from before on, and the entities whose ordinals begin at next.
func (t *txn) undo(before int, next uint64) {
	for i := before; i < len(t.rows); i++ {
		t.touched[i].version--
		if r := &t.rows[i]; r.HasID {
			delete(t.ids, idKey{r.Entity, r.ID})
		}
	}
	t.rows, t.touched = t.rows[:before], t.touched[:before]
	if t.next > next {
		maps.DeleteFunc(t.entities, func(_ string, e *txnEntity) bool { return e.created && e.ordinal >= next })
		t.next = next
	}
}

func (t *txn) event(p *pending, i int) error {
	r := &p.rows[i]
	if r.HasID {
		pos, version, found, err := t.stored(r)
		if err != nil {
			return err
		}
		if found {
			p.result.Positions[i], p.result.Versions[i] = pos, version
			if p.events[i].Expected >= 0 || t.repeated[r.Entity] > 0 {
				if t.repeated == nil {
					t.repeated = map[string]int64{}
				}
				t.repeated[r.Entity] = version
			}
			return nil
		}
	}
	e, err := t.entity(r.Entity)
	if err != nil {
		return err
	}
	if version := t.repeated[r.Entity]; version > 0 && version != e.version {
		return &RepeatConflict{Entity: r.Entity, Version: version, Actual: e.version}
	}
	delete(t.repeated, r.Entity)
	if want := p.events[i].Expected; want != AnyVersion && want != e.version && !(want == SomeVersion && e.version > 0) {
		return &VersionConflict{Entity: r.Entity, Expected: want, Actual: e.version}
	}
	if r.HasID {
		t.ids[idKey{r.Entity, r.ID}] = t.first + int64(len(t.rows))
	}
	e.version++
	p.result.Positions[i], p.result.Versions[i] = t.first+int64(len(t.rows)), e.version
	t.rows, t.touched = append(t.rows, *r), append(t.touched, e)
	row := &t.rows[len(t.rows)-1]
	row.Ordinal, row.Version = e.ordinal, e.version
	return nil
}

// entity returns the state that an entity has after the rows so far.
func (t *txn) entity(name string) (*txnEntity, error) {
	if e := t.entities[name]; e != nil {
		return e, nil
	}
	ordinal, version, ok, err := t.d.index.lastOf(name)
	if err != nil {
		return nil, err
	}
	e := &txnEntity{ordinal, version, !ok}
	t.entities[name] = e
	if !ok {
		e.ordinal = t.next
		t.next++
	}
	return e, nil
}

// stored finds the event with the row's entity and id, and fails if it has another content.
func (t *txn) stored(r *tail.Row) (pos, version int64, found bool, err error) {
	if pos, ok := t.ids[idKey{r.Entity, r.ID}]; ok {
		old := &t.rows[pos-t.first] // not stamped yet
		if old.HasTime != r.HasTime || !sameContent(old, r) {
			return 0, 0, false, &IDConflict{Entity: r.Entity, ID: r.ID, Position: pos}
		}
		return pos, old.Version, true, nil
	}
	pos, found, err = t.d.find(context.Background(), t.st, r.Entity, r.ID)
	if err != nil || !found {
		return 0, 0, false, err
	}
	old, err := t.d.rowAt(context.Background(), t.st, pos)
	if err != nil {
		return 0, 0, false, err
	}
	if !sameContent(old, r) {
		return 0, 0, false, &IDConflict{Entity: r.Entity, ID: r.ID, Position: pos}
	}
	return pos, old.Version, true, nil
}

// stamp gives each commit its recorded time.
func (t *txn) stamp(next func() int64) {
	at := 0
	for i, p := range t.starts {
		t.last = next()
		if i == 0 {
			t.firstAt = t.last
		}
		p.at = t.last
		if p.catalog != nil {
			p.catalog.at = t.last
		}
		if p.result.New == 0 {
			continue
		}
		p.result.RecordedAt = t.last
		for range p.result.New {
			t.rows[at].Recorded = t.last
			at++
		}
	}
}
