package storage

import (
	"context"
	"math"
	"slices"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/storage/tail"
	"github.com/allsource-db/allsource/vec"
)

// load is a bulk load while it becomes part of the log. Its owner holds DB.write and DB.seal, and the tail is empty.
type load struct {
	b  *Bulk
	d  *DB
	st *state

	first   map[uint64]bulkPlace // where an id of the load occurs first
	placed  []*bulkGroup         // the groups with rows left
	given   []int64              // for each, how many rows were given before it
	rows    int64
	repeats int64
}

type bulkPlace struct {
	group int
	row   int32
}

// place leaves the repeats out, group by group.
func (l *load) place(ctx context.Context) error {
	given := int64(0)
	for _, g := range l.b.sequence() {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := given
		given += int64(g.given)
		if g.enc == nil {
			l.repeats += int64(g.given)
			continue
		}
		drop, err := l.findRepeats(ctx, g)
		if err != nil {
			return err
		}
		if drop != nil && l.b.exact {
			return &PlaceError{"position", g.first, 0, g.first}
		}
		if drop != nil {
			if err := l.b.rebuild(ctx, g, drop); err != nil {
				return err
			}
		}
		n := 0
		if g.enc != nil {
			n = g.enc.Len()
			for _, id := range g.ids {
				l.first[id.hash] = bulkPlace{len(l.placed), id.row}
			}
			l.placed = append(l.placed, g)
			l.given = append(l.given, before)
		}
		l.rows += int64(n)
		l.repeats += int64(g.given - n)
	}
	return nil
}

// suspect is a row whose id may be in the log, at pos, or earlier in the load.
type suspect struct {
	row  int32
	pos  int64 // 0: see place
	load bulkPlace
}

// findRepeats returns the rows of a group that are repeats, nil if there are none, or the *IDConflict.
func (l *load) findRepeats(ctx context.Context, g *bulkGroup) (vec.Bitmap, error) {
	suspects, err := l.suspects(g)
	if err != nil || len(suspects) == 0 {
		return nil, err
	}
	at := make([]int32, 0, len(suspects))
	for _, s := range suspects {
		if n := len(at); n == 0 || at[n-1] != s.row {
			at = append(at, s.row)
		}
	}
	mine, err := l.read(ctx, g, at)
	if err != nil {
		return nil, err
	}
	stored, err := l.stored(ctx, g, suspects)
	if err != nil {
		return nil, err
	}
	var drop vec.Bitmap
	for i, s := range suspects {
		k, _ := slices.BinarySearch(at, s.row)
		r, old := &mine[k], stored[i]
		if old == nil || old.Entity != r.Entity || old.ID != r.ID {
			continue
		}
		if !sameContent(old, r) {
			return nil, &IDConflict{Entity: r.Entity, ID: r.ID, Position: s.pos}
		}
		if drop == nil {
			drop = vec.NewBitmap(g.enc.Len())
		}
		drop.Set(int(s.row))
	}
	return drop, nil
}

// suspects are by row ascending.
func (l *load) suspects(g *bulkGroup) ([]suspect, error) {
	var out []suspect
	var few [4]uint64
	runs := l.d.index.disk.Load().ids
	own := map[uint64]int32{}
	for _, id := range g.ids {
		if id.derived >= 1 && id.derived < l.st.end {
			out = append(out, suspect{row: id.row, pos: id.derived})
		}
		if p, ok := l.first[id.hash]; ok {
			out = append(out, suspect{row: id.row, load: p})
		}
		if row, ok := own[id.hash]; ok {
			out = append(out, suspect{row: id.row, load: bulkPlace{-1, row}})
		} else {
			own[id.hash] = id.row
		}
		for i := len(runs) - 1; i >= 0; i-- {
			found, err := runs[i].lookup(id.hash, l.d.part, few[:0])
			if err != nil {
				return nil, err
			}
			for _, pos := range found {
				out = append(out, suspect{row: id.row, pos: int64(pos)})
			}
		}
	}
	return out, nil
}

// read reads rows of a group of the load. Their times are as given.
func (l *load) read(ctx context.Context, g *bulkGroup, at []int32) ([]tail.Row, error) {
	r, err := l.d.openSegment(g.object, segment.Env{Base: 1, DerivedID: l.d.ids.derive})
	if err != nil {
		return nil, err
	}
	tmp := &group{d: l.d, base: 1, rows: g.enc.Len()}
	tmp.retired.Store(true) // the cache shall not keep it
	tmp.reader.Store(r)
	rows, err := tmp.rowsAt(ctx, at)
	for i := range rows {
		rows[i].HasTime = rows[i].HasTime || l.b.asRecorded // the timestamp may be the recorded time that was given
	}
	return rows, err
}

// stored reads what the suspects may repeat; nil where there is nothing.
func (l *load) stored(ctx context.Context, g *bulkGroup, suspects []suspect) ([]*tail.Row, error) {
	out := make([]*tail.Row, len(suspects))
	byGroup := map[*group][]int{}
	for i, s := range suspects {
		switch {
		case s.pos >= 1 && s.pos < l.st.sealedEnd():
			byGroup[l.st.groupAt(s.pos)] = append(byGroup[l.st.groupAt(s.pos)], i)
		case s.pos == 0:
			from := g
			if s.load.group >= 0 {
				from = l.placed[s.load.group]
			}
			rows, err := l.read(ctx, from, []int32{s.load.row})
			if err != nil {
				return nil, err
			}
			out[i] = &rows[0]
		}
	}
	for sg, list := range byGroup {
		at := make([]int32, len(list))
		for k, i := range list {
			at[k] = int32(suspects[i].pos - sg.base)
		}
		slices.Sort(at)
		at = slices.Compact(at)
		rows, err := sg.rowsAt(ctx, at)
		if err != nil {
			return nil, err
		}
		for _, i := range list {
			k, _ := slices.BinarySearch(at, int32(suspects[i].pos-sg.base))
			out[i] = &rows[k]
		}
	}
	return out, nil
}

// commit gives the groups their place and makes them durable and visible.
func (l *load) commit(progress *Progress) (Loaded, error) {
	d := l.d
	out := Loaded{New: l.rows, Repeats: l.repeats}
	if l.rows == 0 {
		if progress == nil {
			return out, nil
		}
		b := d.s.pdb.NewBatch()
		put(b, nameKey(d.num, kindProgress, progress.Source), progress.encode())
		return out, d.s.commit(b, true)
	}
	out.First = l.st.end
	w := d.index.newWriter()
	if err := l.assign(w); err != nil {
		return Loaded{}, err
	}
	last, err := l.stamp()
	defer d.flying.land(math.MaxInt64)
	if err != nil {
		return Loaded{}, err
	}
	out.RecordedAt = last
	return out, l.write(w, progress, last)
}

// stamp gives all groups their recorded times and returns the last.
func (l *load) stamp() (Micros, error) {
	d := l.d
	f := &d.flying
	f.mu.Lock()
	defer f.mu.Unlock()
	if !l.b.asRecorded {
		at := d.clock.Stamp()
		for _, g := range l.placed {
			g.runs = []segment.Run{{First: 0, At: at}}
			if err := g.enc.SetRecorded(g.runs); err != nil {
				return 0, err
			}
		}
		f.start(at, at)
		return at, nil
	}
	last := max(d.clock.Last(), l.st.last)
	for i, g := range l.placed {
		if first := g.runs[0].At; first < last || first == last && i == 0 {
			return 0, &OrderError{Row: l.given[i], At: first, Before: last}
		}
		last = g.runs[len(g.runs)-1].At
		if err := g.enc.SetRecorded(g.runs); err != nil {
			return 0, err
		}
	}
	if now := d.clock.Now(); last > now {
		return 0, &OrderError{Row: l.given[len(l.given)-1] + int64(l.placed[len(l.placed)-1].given) - 1, At: last, Before: now, Future: true}
	}
	f.start(l.placed[0].runs[0].At, last)
	d.clock.Observe(last)
	return last, nil
}

// write commits the load with one synced batch and shows it.
func (l *load) write(w *indexWriter, progress *Progress, last Micros) error {
	d := l.d
	b := d.s.pdb.NewBatch()
	groups := make([]*group, 0, len(l.placed))
	record := []int64{1, last, int64(len(l.placed))}
	pos := l.st.end
	for _, e := range l.placed {
		g := &group{d: d, object: e.object, base: pos, rows: e.enc.Len(), bytes: e.enc.Bytes(), firstAt: e.runs[0].At, lastAt: e.runs[len(e.runs)-1].At}
		if err := putEncoded(b, d.num, e.object, e.enc); err != nil {
			return joinClose(err, b)
		}
		d.adopt(b, e.object)
		put(b, numKey(d.num, kindGroup, uint64(pos)), g.encode())
		groups = append(groups, g)
		record = append(record, int64(g.rows))
		pos += int64(g.rows)
	}
	next, err := w.write(b, pos)
	if err != nil {
		return joinClose(err, b)
	}
	put(b, dbKey(d.num, kindSealed), sealedMark{pos, last, next.entities}.encode())
	put(b, numKey(d.num, kindBulk, uint64(l.st.end)), fields(record...))
	if progress != nil {
		put(b, nameKey(d.num, kindProgress, progress.Source), progress.encode())
	}
	if err := d.s.room.take(int64(b.Len())); err != nil {
		return joinClose(err, b)
	}
	if err := d.s.commit(b, true); err != nil {
		return err
	}
	w.done(next)
	d.publishWith(func(st *state) {
		st.groups = append(st.groups[:len(st.groups):len(st.groups)], groups...)
		st.tail = tail.NewRows(pos)
		st.end, st.last, st.ordered = pos, last, last
	})
	d.grown.wake()
	d.s.count.appends.Add(1)
	d.s.count.batches.Add(1)
	d.s.work.wake(d)
	return nil
}
