package engine

import (
	"slices"
	"sort"

	"github.com/allsource-db/allsource/storage"
)

// keySpan is the period of a row under a key WITHOUT OVERLAPS; key is that without the period, nil where the row has none.
type keySpan struct {
	key        []byte
	start, end int64
}

// rowSpan is the period of a row.
type rowSpan struct {
	start, end int64
	row        storage.RowID
}

// rowSpans are periods in the order of their starts.
type rowSpans []rowSpan

func (s rowSpans) with(x rowSpan) rowSpans {
	return slices.Insert(s, sort.Search(len(s), func(n int) bool { return s[n].start > x.start }), x)
}

// overlapping finds a live row that has something in common with a period. Live rows do not overlap each other, so of those that start before it
// ends only the last can.
func (s rowSpans) overlapping(start, end int64, live func(storage.RowID) bool) (storage.RowID, bool) {
	for at := sort.Search(len(s), func(n int) bool { return s[n].start >= end }) - 1; at >= 0; at-- {
		if live(s[at].row) {
			return s[at].row, s[at].end > start
		}
	}
	return 0, false
}

// addSpans takes the periods of rows of which first is the first; d.mu is held.
func (d *delta) addSpans(index uint32, list []keySpan, first storage.RowID) {
	of := d.spans[index]
	if of == nil {
		of = map[string]rowSpans{}
		if d.spans == nil {
			d.spans = map[uint32]map[string]rowSpans{}
		}
		d.spans[index] = of
	}
	for i, k := range list {
		if k.key != nil {
			of[string(k.key)] = of[string(k.key)].with(rowSpan{k.start, k.end, first - storage.RowID(i)})
		}
	}
}

// forgetSpans leaves those of the first n rows; d.mu is held.
func (d *delta) forgetSpans(n int) {
	for _, of := range d.spans {
		for key, list := range of {
			of[key] = slices.DeleteFunc(list, func(s rowSpan) bool { return -s.row > storage.RowID(n) })
		}
	}
}

// overlapping finds a live own row that has something in common with a period under the same key.
func (d *delta) overlapping(index uint32, k keySpan) (storage.RowID, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.spans[index][string(k.key)].overlapping(k.start, k.end, d.live)
}

// live reports whether an own row has not ended; d.mu is held.
func (d *delta) live(row storage.RowID) bool {
	live, _ := d.ownState(-row - 1)
	return live
}

// liveSpans are those of the live own rows with a key.
func (d *delta) liveSpans(index uint32, key []byte) rowSpans {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(d.spans[index][string(key)]), func(s rowSpan) bool { return !d.live(s.row) })
}
