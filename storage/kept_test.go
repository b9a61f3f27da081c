package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// TestEntriesOfKeptKeys replaces eight rows together a thousand times, with the keys that they have: RowIDs of a row are eight apart. Each has index
// entries now and then all the same, so that nobody walks through all that it ever was.
func TestEntriesOfKeptKeys(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), Options{Manual: true})
	defer s.Close()
	const rows, rounds = 8, 1000
	keys := IndexKeys{Index: 2}
	for i := range rows {
		keys.Keys = append(keys.Keys, []byte{'k', byte(i), '.'})
	}
	for round := range rounds {
		ch := TableChange{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, rows, round)}, Keys: []IndexKeys{keys}}
		var closed []Closing
		for i := range rows * min(round, 1) {
			closed = append(closed, Closing{Row: RowID((round-1)*rows + i + 1), Next: i, Kept: true})
		}
		ch.Closed = closingsOf(closed...)
		if _, err := d.Commit(context.Background(), Commit{Tables: []TableChange{ch}}); err != nil {
			t.Fatal(err)
		}
	}
	for i, key := range keys.Keys {
		found := []RowID{rows*rounds + 1}
		prefix := append(tableKey(d.num, kindIndex, 2), key...)
		if err := s.scan(prefix, nil, func(key, _ []byte) error { found = append(found, entryRow(key)); return nil }); err != nil {
			t.Fatal(err)
		}
		slices.Sort(found)
		for k := 1; k < len(found); k++ {
			if chain := (found[k] - found[k-1]) / rows; chain > 150 {
				t.Errorf("key %d: %d versions have one entry", i, chain)
			}
		}
		if n := len(found) - 1; n > rounds/4 || n < rounds/16 || found[0] != RowID(i)+1 {
			t.Errorf("key %d has %d entries from version %d on", i, n, found[0])
		}
	}
}

// TestSuccessorTakenBack ends versions whose successors, with the same keys, the load has taken back: their index entries stay what leads to them.
func TestSuccessorTakenBack(t *testing.T) {
	ctx := context.Background()
	s, d := openTest(t, vfs.NewMem(), Options{Manual: true})
	defer s.Close()
	const rows = 8
	keys := []IndexKeys{{Index: 2}}
	for i := range rows {
		keys[0].Keys = append(keys[0].Keys, []byte{'k', byte(i), '.'})
	}
	if _, err := d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, rows, 0)}, Keys: keys}}}); err != nil {
		t.Fatal(err)
	}
	l, err := d.NewTableLoad(1, benchColumns, []uint32{2})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Add(ctx, benchRows(0, rows, 1), keys); err != nil {
		t.Fatal(err)
	}
	var closed []Closing
	for i := range rows {
		l.Drop(int64(i))
		closed = append(closed, Closing{Row: RowID(i) + 1, Next: i, Kept: true})
	}
	if _, err := d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Load: l, Closed: closingsOf(closed...)}}}); err != nil {
		t.Fatal(err)
	}
	d.moves.want(entryRange{rel: d.relation(1), index: 2})
	if err := d.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	ever := mustView(t, d, Latest).TableBetween(1, math.MinInt64, math.MaxInt64, false)
	for i, key := range keys[0].Keys {
		var found []RowID
		c := ever.Seek(ctx, 2, KeyRange{Lo: key, Hi: append(bytes.Clone(key), 0)})
		for {
			_, row, ok, err := c.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			found = append(found, row)
		}
		if !slices.Equal(found, []RowID{RowID(i) + 1}) {
			t.Errorf("key %d: versions %d", i, found)
		}
	}
}

// TestSeekInBrokenView has a view that could not be opened tell so to who seeks in it.
func TestSeekInBrokenView(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), Options{Manual: true})
	defer s.Close()
	v := mustView(t, d, Latest).Table(1).(*tableView)
	v.err = ErrCorrupt
	if _, _, ok, err := v.Seek(context.Background(), 2, KeyRange{}).Next(context.Background()); ok || !errors.Is(err, ErrCorrupt) {
		t.Fatal(ok, err)
	}
	if _, ok, err := v.One(context.Background(), 2, []byte("k")); ok || !errors.Is(err, ErrCorrupt) {
		t.Fatal(ok, err)
	}
}

// TestSealLeavesNoBlocks seals versions of commits before and after a load: no block of them is left.
func TestSealLeavesNoBlocks(t *testing.T) {
	ctx := context.Background()
	s, d := openTest(t, vfs.NewMem(), Options{Manual: true, RowGroupRows: 64})
	defer s.Close()
	for round := range 3 {
		for range 2 {
			if _, err := d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, 5, round)}}}}); err != nil {
				t.Fatal(err)
			}
		}
		l, err := d.NewTableLoad(1, benchColumns, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Add(ctx, benchRows(0, 100, round), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Load: l}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.scan(tableKey(d.num, kindRows, 1), nil, func(key, _ []byte) error { return fmt.Errorf("the block of row %d is left", key[len(key)-1]) }); err != nil {
		t.Error(err)
	}
}

// TestReplaceOtherColumns replaces a row group in two parts, of which one has other columns as they were than the other.
func TestReplaceOtherColumns(t *testing.T) {
	ctx := context.Background()
	const rows = 64
	s, d := openTest(t, vfs.NewMem(), Options{Manual: true, RowGroupRows: rows})
	defer s.Close()
	load := func(fill func(l *TableLoad) error, closed ...Closing) {
		t.Helper()
		l, err := d.NewTableLoad(1, benchColumns, nil)
		if err == nil {
			err = fill(l)
		}
		if err == nil {
			_, err = d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Load: l, Closed: closingsOf(closed...)}}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	load(func(l *TableLoad) error { return l.Add(ctx, benchRows(0, rows, 0), nil) })
	of, closed := make([]RowID, rows), make([]Closing, rows)
	for i := range of {
		of[i], closed[i] = RowID(i+1), Closing{Row: RowID(i + 1), Next: i}
	}
	load(func(l *TableLoad) error {
		first, second := benchRows(1000, rows/2, 0), benchRows(2000, rows/2, 0)
		first.Cols[2], second.Cols[1] = nil, nil
		return errors.Join(l.Replace(ctx, first, nil, of[:rows/2], []bool{false, false, true, false}),
			l.Replace(ctx, second, nil, of[rows/2:], []bool{false, true, false, false}))
	}, closed...)
	old, first, second := benchRows(0, rows, 0), benchRows(1000, rows/2, 0), benchRows(2000, rows/2, 0)
	got, err := mustView(t, d, Latest).Table(1).Read(ctx, benchColumns, []RowID{rows + 3, 2*rows - 2})
	if err != nil {
		t.Fatal(err)
	}
	last := rows/2 - 3
	for i, want := range [][3]any{{int64(1002), first.Cols[1].Int(2), string(old.Cols[2].Bytes(2))},
		{int64(2000 + last), old.Cols[1].Int(rows - 3), string(second.Cols[2].Bytes(last))}} {
		if have := [3]any{got.Cols[0].Int(i), got.Cols[1].Int(i), string(got.Cols[2].Bytes(i))}; have != want {
			t.Errorf("row %d is %v, expected %v", i, have, want)
		}
	}
}
