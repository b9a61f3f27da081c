package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// keysOf counts the keys that a table and its index have in the store, by kind, and blobs of any.
func keysOf(t *testing.T, d *DB, ids ...uint32) map[byte]int {
	t.Helper()
	out := map[byte]int{}
	for _, kind := range []byte{kindRows, kindHeap, kindClosing, kindEnded, kindReserved, kindTruncated, kindIndex, kindMoved, kindMoves, kindNewIndex, kindPassing} {
		for _, id := range ids {
			if err := d.s.scan(tableKey(d.num, kind, id), nil, func([]byte, []byte) error { out[kind]++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.s.scan(dbKey(d.num, kindBlob), nil, func([]byte, []byte) error { out[kindBlob]++; return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestForget fills a table that passes and one that stays with everything that tables have. After Forget, and after a start where the program ended before,
// nothing is left of the one, and the other is as it was.
func TestForget(t *testing.T) {
	ctx := context.Background()
	for _, ended := range []bool{false, true} {
		o := Options{FS: vfs.NewMem(), RowGroupRows: 64, SealRows: 64, Manual: true}
		s, d := openTest(t, o.FS, o)
		key := func(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) }
		fill := func(id uint32, passing []uint32) {
			t.Helper()
			commit := func(ch TableChange) {
				t.Helper()
				ch.Table = TableID(id)
				if _, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}, Passing: passing}); err != nil {
					t.Fatal(err)
				}
			}
			rows := func(from, n int) TableChange {
				keys := IndexKeys{Index: id + 1}
				for i := range n {
					keys.Keys = append(keys.Keys, key(from+i))
				}
				return TableChange{Columns: benchColumns, Rows: []*vec.Batch{benchRows(from, n, 0)}, Keys: []IndexKeys{keys}}
			}
			commit(rows(0, 200))
			ch := rows(0, 100)
			ch.Closed = func(yield func(Closing) bool) {
				for i := range 100 {
					if !yield(Closing{Row: int64(i) + 1, Next: i}) {
						return
					}
				}
			}
			commit(ch)
			if err := errors.Join(d.Seal(ctx), d.Compact(ctx)); err != nil {
				t.Fatal(err)
			}
			commit(TableChange{Truncate: true})
			commit(rows(500, 10))
		}
		again := func() {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, d = openTest(t, o.FS, o)
		}
		fill(6, nil)
		if err := d.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		again() // what was replaced goes
		before := keysOf(t, d, 6, 7)
		fill(8, []uint32{8, 9})
		if n := keysOf(t, d, 8, 9); n[kindHeap] == 0 || n[kindClosing] == 0 || n[kindIndex] == 0 || n[kindTruncated] == 0 || n[kindRows] == 0 || n[kindPassing] != 2 {
			t.Fatalf("the table has %v", n)
		}
		if !ended {
			if err := d.Forget([]uint32{8, 9}); err != nil {
				t.Fatal(err)
			}
			if n := mustView(t, d, Latest).Table(8).Rows(); n != 0 {
				t.Fatalf("%d rows are left", n)
			}
			if err := d.Compact(ctx); err != nil {
				t.Fatal(err)
			}
		}
		again()
		blobs := before[kindBlob]
		if n := keysOf(t, d, 8, 9); len(n) != 1 || n[kindBlob] != blobs {
			t.Fatalf("ended %v: %v are left, expected %d blobs alone", ended, n, blobs)
		}
		after := keysOf(t, d, 6, 7)
		for kind, n := range before {
			if after[kind] != n {
				t.Fatalf("the other table has %d keys of kind %c, expected %d", after[kind], kind, n)
			}
		}
		if n := mustView(t, d, Latest).Table(6).Rows(); n != 10 {
			t.Fatalf("the other table has %d rows", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
