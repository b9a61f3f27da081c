package storage

import (
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// relationWork is what the commits of a group do to one table, in their order: what they have in common is written and entered once.
type relationWork struct {
	rel    *relation
	works  []*tableWork
	closed []table.Closing // by commits that close few
}

// relations gathers what the group does by table. The commits have their time.
func (t *txn) relations() []relationWork {
	var out []relationWork
	for _, p := range t.starts {
		if p.catalog == nil {
			continue
		}
		for i := range p.catalog.tables {
			w := &p.catalog.tables[i]
			w.at = p.catalog.at
			k := slices.IndexFunc(out, func(r relationWork) bool { return r.rel == w.rel })
			if k < 0 {
				k = len(out)
				out = append(out, relationWork{rel: w.rel})
			}
			r := &out[k]
			r.works = append(r.works, w)
			if w.closesFew() {
				from := len(r.closed)
				for _, c := range w.few {
					r.closed = append(r.closed, w.placed(c))
				}
				w.closed = r.closed[from:]
			}
		}
	}
	return out
}

// fewClosings is how many versions a commit closes at most that has no keys of its own for them.
const fewClosings = 1024

func (t *tableWork) closesFew() bool { return t.closings > 0 && t.closings <= fewClosings }

// versionsOfEntry is how many versions the index entries of one lead to, itself included, on average.
const versionsOfEntry = 8

// hasEntries tells which versions have index entries though the one before them has the same keys. Which they are follows no order of RowIDs: statements
// that change the same rows over and over give each of them RowIDs at one distance.
func hasEntries(row RowID) bool { return mix(uint64(row))%versionsOfEntry == 0 }

// placed is how a version ends, once the commit has its place and its time.
func (t *tableWork) placed(c Closing) table.Closing {
	out := table.Closing{Row: c.Row, At: t.at}
	if c.Next >= 0 {
		out.Next = t.first + int64(c.Next)
		out.Kept = c.Kept && !hasEntries(out.Next) && (int64(c.Next) >= t.loaded() || t.load.has(int64(c.Next))) // else it never was
	}
	return out
}

// manyClosed are the versions that end, where they are many.
func (t *tableWork) manyClosed() iter.Seq[table.Closing] {
	return func(yield func(table.Closing) bool) {
		for c := range iter.Seq[Closing](t.change.closed()) {
			if !yield(t.placed(c)) {
				return
			}
		}
	}
}

// put writes what the commits do to the table.
func (r *relationWork) put(d *DB, b *pebble.Batch) error {
	var blocks blocksTogether
	for _, t := range r.works {
		if t.load != nil {
			blocks.put(d, b, r.rel.id)
			if err := t.putLoad(d, b); err != nil {
				return err
			}
		}
		if t.block.Len() > 0 {
			if !blocks.fits(t.block) {
				blocks.put(d, b, r.rel.id)
			}
			blocks.add(t)
		}
		t.putKeys(d, b)
		t.putRest(d, b)
	}
	blocks.put(d, b, r.rel.id)
	if n := len(r.closed); n > 0 {
		at := r.closed[n-1].At
		put(b, timeKey(d.num, kindEnded, uint32(r.rel.id), at), table.AppendEnded(nil, at, r.closed))
	}
	return nil
}

// blocksTogether are blocks of rows that follow each other and become one.
type blocksTogether struct {
	first RowID
	parts []table.Timed
}

func (x *blocksTogether) fits(b *table.Block) bool {
	return len(x.parts) == 0 || !b.IsLarge() && !x.parts[0].IsLarge() && x.parts[0].Shape.Equal(b.Shape)
}

func (x *blocksTogether) add(t *tableWork) {
	if len(x.parts) == 0 {
		x.first = t.first + t.loaded()
	}
	x.parts = append(x.parts, table.Timed{Block: t.block, At: t.at})
}

func (x *blocksTogether) put(d *DB, b *pebble.Batch, id TableID) {
	if len(x.parts) == 0 {
		return
	}
	block := table.AppendBlocks(d.block[:0], x.first, x.parts)
	put(b, rowsKey(d.num, kindRows, id, x.first), block)
	if d.block = block; cap(block) > keptBlock {
		d.block = nil
	}
	x.parts = x.parts[:0]
}

// putKeys writes the index entries of the new versions, but for those that are found by the entries of the ones before them.
func (t *tableWork) putKeys(d *DB, b *pebble.Batch) {
	if len(t.keys) == 0 {
		return
	}
	first := t.first + t.loaded()
	var found vec.Bitmap
	if t.keeps {
		found = vec.NewBitmap(t.block.Len())
		all := slices.Values(t.closed)
		if !t.closesFew() {
			all = t.manyClosed()
		}
		for c := range all {
			if c.Kept && c.Next >= first {
				found.Set(int(c.Next - first))
			}
		}
	}
	var key []byte
	for _, keys := range t.keys {
		for i, k := range keys.Keys {
			if k != nil && (found == nil || !found.Get(i)) {
				key = appendIndexKey(key[:0], d.num, keys.Index, k, first+int64(i))
				put(b, key, nil)
			}
		}
	}
}

// putRest writes what is rare.
func (t *tableWork) putRest(d *DB, b *pebble.Batch) {
	id := t.rel.id
	if !t.closesFew() {
		putClosings(b, d.num, id, t.manyClosed(), t.at)
	}
	if t.change.Truncate {
		put(b, timeKey(d.num, kindTruncated, uint32(id), t.at), fields(t.first))
	}
}

// apply makes what the commits do known to those who look; they see it when its time is published.
func (r *relationWork) apply() {
	rel, bytes, adds := r.rel, endedBytes*int64(len(r.closed)), false
	late := rel.lately.add(r.closed)
	rel.close(slices.Values(r.closed))
	for _, t := range r.works {
		if !t.closesFew() {
			rel.close(t.manyClosed())
		}
		adds = adds || t.rows() > 0 || t.change.Truncate
	}
	if adds {
		rel.change(func(st *relationState) {
			for _, t := range r.works {
				t.add(st)
			}
		})
	}
	for _, t := range r.works {
		rel.changed.Store(t.at)
		bytes += t.early.MemSize() + t.block.MemSize()
		t.enterRest()
	}
	rel.grow(bytes)
	rel.wakeSeal(late)
}

// add adds the new versions to a state of the table.
func (t *tableWork) add(st *relationState) {
	if t.load != nil {
		t.applyLoad(st)
	}
	if t.block.Len() > 0 {
		st.add(t.block, t.first+t.loaded(), t.at)
	}
	if t.change.Truncate {
		st.truncated = append(slices.Clip(st.truncated), truncation{t.at, t.first})
	}
}

// enterRest does what follows when the versions are there.
func (t *tableWork) enterRest() {
	if t.load != nil && t.load.drops > 0 {
		t.rel.close(t.dropped)
	}
	for _, keys := range t.keys {
		for i, key := range keys.Keys {
			if key != nil {
				t.rel.d.s.known.renew(t.rel.d.num, keys.Index, key, t.first+t.loaded()+int64(i))
			}
		}
	}
}
