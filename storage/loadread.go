package storage

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// What follows is for the transaction that fills a load, which sees its own work.

// Reshape makes cols those of the versions to come.
func (l *TableLoad) Reshape(cols []TableColumn) error {
	shape, err := table.NewShape(cols)
	if err != nil || shape.Equal(l.shape) {
		return err
	}
	if err := l.write(); err != nil {
		return err
	}
	l.shape, l.columns = shape, cols
	return nil
}

// AddIndex makes an index one of the load's, with no keys of the versions added so far.
func (l *TableLoad) AddIndex(index uint32) {
	if !slices.Contains(l.indexes, index) {
		l.indexes, l.keys = append(slices.Clip(l.indexes), index), append(l.keys, &keyRuns{d: l.d})
	}
}

// AddKey adds the key of a version, by its place, to an index of the load.
func (l *TableLoad) AddKey(index uint32, key []byte, place int64) error {
	k := slices.Index(l.indexes, index)
	if k < 0 {
		return fmt.Errorf("index %d is none of the load", index)
	}
	return l.keys[k].add(key, place)
}

// LoadCursor goes through keys of a load. It may be used while versions are added, which it does not give.
type LoadCursor struct{ c *keyCursor }

// Next gives the next key and the place of its version, dropped or not. The key stays valid.
func (c LoadCursor) Next() (key []byte, place int64, ok bool, err error) { return c.c.next() }

// Seek goes through the keys of an index with lo <= key < hi (nil: no bound), in order or backwards.
func (l *TableLoad) Seek(index uint32, lo, hi []byte, desc bool) (LoadCursor, error) {
	k := slices.Index(l.indexes, index)
	if k < 0 {
		return LoadCursor{&keyCursor{}}, nil
	}
	c, err := l.keys[k].seek(lo, hi, desc)
	return LoadCursor{c}, err
}

// With lists the places of the versions with a key, dropped or not. It costs next to nothing where there is none.
func (l *TableLoad) With(index uint32, key []byte) ([]int64, error) {
	k := slices.Index(l.indexes, index)
	if k < 0 {
		return nil, nil
	}
	return l.keys[k].with(key)
}

// loadSpan is some of the versions asked for, which lie in one group.
type loadSpan struct {
	group RowGroup
	local []int32
}

// LoadReader reads versions of a load by their places. It may be used while versions are added, which it does not have.
type LoadReader struct {
	groups []RowGroup
	ends   []int64
}

// Reader reads the versions added so far.
func (l *TableLoad) Reader() (*LoadReader, error) {
	groups, err := l.Groups()
	if err != nil {
		return nil, err
	}
	r := &LoadReader{groups: groups}
	end := int64(0)
	for _, g := range groups {
		end += int64(g.Len())
		r.ends = append(r.ends, end)
	}
	return r, nil
}

// Read returns versions in the order given.
func (r *LoadReader) Read(ctx context.Context, cols []TableColumn, places []int64) (*vec.Batch, error) {
	var spans []loadSpan
	rows := ascending(places)
	for i := 0; i < len(rows); {
		k := sort.Search(len(r.ends), func(k int) bool { return r.ends[k] > rows[i] })
		if k == len(r.ends) || rows[i] < 0 {
			return nil, fmt.Errorf("a load has no version at %d", rows[i])
		}
		first := r.ends[k] - int64(r.groups[k].Len())
		s := loadSpan{group: r.groups[k]}
		for ; i < len(rows) && rows[i] < r.ends[k]; i++ {
			s.local = append(s.local, int32(rows[i]-first))
		}
		spans = append(spans, s)
	}
	var back []int32 // where what is asked for lies among rows
	if !slices.Equal(rows, places) {
		back = make([]int32, len(places))
		for i, p := range places {
			at, _ := slices.BinarySearch(rows, p)
			back[i] = int32(at)
		}
	}
	out := &vec.Batch{Len: len(places), Cols: make([]*vec.Column, len(cols))}
	for k := range cols {
		parts := make([]*vec.Column, len(spans))
		for i, s := range spans {
			var err error
			if parts[i], err = s.group.ReadRows(ctx, cols[k], s.local); err != nil {
				return nil, err
			}
		}
		out.Cols[k] = cols[k].Join(parts)
		if back != nil {
			out.Cols[k] = out.Cols[k].Take(back)
		}
	}
	return out, nil
}
