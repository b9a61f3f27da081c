package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/storage/hlc"
	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/storage/tail"
	"github.com/allsource-db/allsource/vec"
)

const (
	maxGroupRows = segment.MaxRows
	leaseMicros  = 1_000_000
)

// DB is one database: a log of its own with its own clock. Safe for concurrent use.
type DB struct {
	s     *Store
	name  string
	num   uint32
	ids   *idMaker
	salt  uint64 // of entity hashes
	clock *hlc.Clock

	entities vec.Space // entity names, numbered by ordinal

	state     atomic.Pointer[state]
	publish   sync.Mutex // held while a new state is made from the present one
	tailBytes atomic.Int64

	statistics atomic.Pointer[Statistics] // nil until asked for
	shapes     shapes

	objects objects
	index   *entityIndex

	relations  relations
	moves      indexMoves
	tableBytes atomic.Int64 // of the tails of tables
	watched    atomic.Bool  // the worker waits until nobody writes
	catalog    objectLog
	numbers    objectNumbers

	queue appendQueue

	write sync.Mutex // held by who gives out positions and times: the leader of a group commit, or a bulk load
	block []byte     // of a group commit, used again; under write
	seal  sync.Mutex // held by who moves the tail into groups, or replaces groups or runs; taken before write

	flying flying
	sealed waiters // appends that wait for the tail to become shorter
	grown  waiters // who waits for more of the log
}

// state is what there is: it never changes, a new one takes its place. What has its place in the log and is not durable yet is in the tail
// already, behind what is visible.
type state struct {
	groups  []*group  // by position, without gaps
	tail    tail.Rows // what follows them
	end     int64     // position after the last visible event
	last    Micros    // recorded time of the last visible commit; 0: none
	ordered Micros    // recorded time of the last commit that has its place
}

// ahead is the state as if all that has its place were visible.
func (st *state) ahead() *state {
	next := *st
	next.end, next.last = st.tail.End(), st.ordered
	return &next
}

// sealedEnd is the position after the last row group.
func (st *state) sealedEnd() int64 { return st.tail.Base() }

// flying are the commits that are stamped and not visible yet.
type flying struct {
	mu     sync.Mutex
	groups []flight // in order
	landed waiters
}

// flight is a group of commits, with the least and the greatest of their stamps.
type flight struct{ first, last Micros }

// Name is the database's name.
func (d *DB) Name() string { return d.name }

// Now is the log's time: no later append is recorded at or before a moment up to Now that a View was opened at.
func (d *DB) Now() Micros { return d.clock.Now() }

func (d *DB) wall() int64 { return d.s.o.Now().UnixMicro() - unixEpoch }

func openDB(s *Store, name string, num uint32) (*DB, error) {
	d := &DB{s: s, name: name, num: num, ids: newIDMaker(s.secret, num)}
	d.salt = mix(binary.LittleEndian.Uint64(s.secret) ^ uint64(num))
	st := &state{end: 1}
	if err := d.loadGroups(st); err != nil {
		return nil, err
	}
	index, err := openEntityIndex(d)
	if err != nil {
		return nil, err
	}
	d.index = index
	if err := d.loadTail(st); err != nil {
		return nil, err
	}
	if err := d.forgetPassing(); err != nil {
		return nil, err
	}
	last, err := d.loadRelations()
	if err != nil {
		return nil, err
	}
	st.last = max(st.last, last)
	st.ordered = st.last
	if err := errors.Join(d.loadObjects(), d.removeOrphans(), d.removeNewIndexes()); err != nil {
		return nil, err
	}
	lease := st.last
	if v, err := s.get(dbKey(num, kindLease)); err != nil {
		return nil, err
	} else if v != nil {
		var ceiling int64
		if _, err := readFields(v, &ceiling); err != nil {
			return nil, err
		}
		lease = max(lease, ceiling)
	}
	d.clock = hlc.New(d.wall, lease, leaseMicros, d.saveLease)
	d.state.Store(st)
	return d, nil
}

func (d *DB) saveLease(ceiling int64) error {
	b := d.s.pdb.NewBatch()
	put(b, dbKey(d.num, kindLease), fields(ceiling))
	return d.s.commit(b, true)
}

// sealedMark is the record of how far the log is in row groups.
type sealedMark struct {
	end      int64 // position after the last row group
	last     Micros
	entities int64 // how many are in the names on disk
}

func (m sealedMark) encode() []byte { return fields(m.end, m.last, m.entities) }

func (d *DB) loadMark() (m sealedMark, err error) {
	m.end = 1
	v, err := d.s.get(dbKey(d.num, kindSealed))
	if v != nil && err == nil {
		_, err = readFields(v, &m.end, &m.last, &m.entities)
	}
	return m, err
}

func (d *DB) loadGroups(st *state) error {
	mark, err := d.loadMark()
	if err != nil {
		return err
	}
	next := int64(1)
	err = d.s.scan(dbKey(d.num, kindGroup), nil, func(key, value []byte) error {
		g, err := d.decodeGroup(key, value)
		if err != nil {
			return err
		}
		if g.base != next {
			return fmt.Errorf("%w: row group at %d, expected %d", ErrCorrupt, g.base, next)
		}
		next = g.base + int64(g.rows)
		d.objects.seen(g.object)
		st.groups = append(st.groups, g)
		return nil
	})
	if err != nil {
		return err
	}
	if next != mark.end {
		return fmt.Errorf("%w: row groups end at %d, expected %d", ErrCorrupt, next, mark.end)
	}
	st.end, st.last = mark.end, mark.last
	st.tail = tail.NewRows(mark.end)
	return nil
}

// loadTail replays the blocks after the row groups. A block that began before them and was sealed in part is still there.
func (d *DB) loadTail(st *state) error {
	return d.s.scan(dbKey(d.num, kindTail), nil, func(key, value []byte) error {
		block, err := tail.DecodeBlock(append([]byte(nil), value...))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		first, ok := keyNum(key)
		if !ok || int64(first) != block.First || block.First > st.end {
			return fmt.Errorf("%w: commit record of %d, expected %d", ErrCorrupt, block.First, st.end)
		}
		rows := block.Rows
		skip := st.end - block.First
		if skip >= int64(len(rows)) {
			return nil
		}
		rows = rows[skip:]
		d.index.extend(st.end, rows)
		d.addTailBytes(rows)
		st.tail = st.tail.Append(rows)
		st.end = st.tail.End()
		st.last = rows[len(rows)-1].Recorded
		return nil
	})
}

func (d *DB) addTailBytes(rows []tail.Row) {
	n := int64(0)
	for i := range rows {
		n += rows[i].MemSize()
	}
	d.tailBytes.Add(n)
}

// close ends the database after background work has stopped.
func (d *DB) close() error {
	d.queue.close()
	d.write.Lock()
	defer d.write.Unlock()
	if err := d.flying.wait(context.Background(), math.MaxInt64); err != nil {
		return err
	}
	if d.s.failure.get() != nil {
		return nil
	}
	// What was leased beyond what was used need not be skipped by the next start.
	if v, err := d.s.get(dbKey(d.num, kindLease)); err != nil || v == nil {
		return err
	}
	return d.saveLease(d.clock.Last())
}

// Progress returns how far a source got; ok is false if it is unknown.
func (d *DB) Progress(source string) (p Progress, ok bool, err error) {
	v, err := d.s.get(nameKey(d.num, kindProgress, source))
	if err != nil || v == nil {
		return Progress{}, false, err
	}
	p.Source = source
	var digest int64
	_, err = readFields(v, &p.Lines, &p.Bytes, &digest)
	p.Digest = uint64(digest)
	return p, err == nil, err
}

func (p *Progress) encode() []byte { return fields(p.Lines, p.Bytes, int64(p.Digest)) }

// publishWith makes the next state. change gets a copy of the present one.
func (d *DB) publishWith(change func(st *state)) {
	d.publish.Lock()
	defer d.publish.Unlock()
	next := *d.state.Load()
	change(&next)
	d.state.Store(&next)
}

// View opens the log as of a moment; Latest is what is visible now. A moment after Now is ErrFuture. It waits for
// appends stamped at or before the moment.
func (d *DB) View(ctx context.Context, at Micros) (View, error) {
	st := d.state.Load()
	if at == Latest {
		return &view{d: d, st: st, at: st.last, end: st.end}, nil
	}
	if at >= st.last {
		if at > d.clock.Now() {
			return nil, ErrFuture
		}
		if err := d.clock.Push(at); err != nil {
			return nil, err
		}
		if err := d.flying.wait(ctx, at); err != nil {
			return nil, err
		}
		st = d.state.Load()
	}
	end, err := d.until(ctx, st, at)
	if err != nil {
		return nil, err
	}
	return &view{d: d, st: st, at: at, end: end}, nil
}

// Grown returns a channel that is closed when the next events become visible. Take it, then open a View, then wait: what
// the view does not have closes the channel.
func (d *DB) Grown() <-chan struct{} { return d.grown.wait() }

// After is the log as of a moment up to which commits have their place (Commit.Ordered, Fate), or as it is visible, whichever is later. What
// it shows before Durable of that moment may be lost.
func (d *DB) After(at Micros) View {
	st := d.state.Load()
	if at <= st.last {
		return &view{d: d, st: st, at: st.last, end: st.end}
	}
	return &view{d: d, st: st, at: min(at, st.ordered), end: st.tail.Until(at)}
}

// Durable returns when all that was recorded up to a moment is durable and visible.
func (d *DB) Durable(ctx context.Context, at Micros) error {
	if at <= d.state.Load().last {
		return nil
	}
	if err := d.flying.wait(ctx, at); err != nil {
		return err
	}
	return d.s.failure.get()
}

// start is called with the stamps of a group, under the same lock as the stamping.
func (f *flying) start(first, last Micros) { f.groups = append(f.groups, flight{first, last}) }

// land is called when the group with a stamp is visible, or has failed: those before it are or have too.
func (f *flying) land(last Micros) {
	f.mu.Lock()
	n := 0
	for n < len(f.groups) && f.groups[n].last <= last {
		n++
	}
	f.groups = f.groups[:copy(f.groups, f.groups[n:])]
	f.mu.Unlock()
	f.landed.wake()
}

// wait returns when no commit stamped at or before the moment is on its way.
func (f *flying) wait(ctx context.Context, at Micros) error {
	for {
		landed := f.landed.wait()
		f.mu.Lock()
		done := len(f.groups) == 0 || f.groups[0].first > at
		f.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-landed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// until returns the position after the last event recorded at or before the moment.
func (d *DB) until(ctx context.Context, st *state, at Micros) (int64, error) {
	if at >= st.last {
		return st.end, nil
	}
	if st.tail.Len() > 0 && st.tail.At(st.tail.Base()).Recorded <= at {
		return st.tail.Until(at), nil
	}
	i := len(st.groups)
	for lo := 0; lo < i; {
		mid := (lo + i) / 2
		if st.groups[mid].firstAt <= at {
			lo = mid + 1
		} else {
			i = mid
		}
	}
	if i == 0 {
		return 1, nil
	}
	g := st.groups[i-1]
	if g.lastAt <= at {
		return g.base + int64(g.rows), nil
	}
	r, err := g.openReader(ctx)
	if err != nil {
		return 0, err
	}
	runs := r.Recorded()
	end := 0
	for k := range runs {
		if runs[k].At > at {
			break
		}
		end = int(g.rows)
		if k+1 < len(runs) {
			end = runs[k+1].First
		}
	}
	return g.base + int64(end), nil
}

// damaged makes an error of a lower package one of ours.
func damaged(err error) error {
	if err != nil && (errors.Is(err, segment.ErrCorrupt) || errors.Is(err, tail.ErrCorrupt) || errors.Is(err, table.ErrCorrupt)) && !errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
