package storage

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// TestIdleTailsAreSealed writes fewer rows than make a row group, stops, and starts again: once nobody writes they are sealed.
func TestIdleTailsAreSealed(t *testing.T) {
	disk := vfs.NewMem()
	options := Options{RowGroupRows: 256, SealRows: 256}
	wait := func(when string, d *DB) {
		for began := time.Now(); d.relation(1).state.Load().tailLen() > 0; time.Sleep(time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatalf("%s: the tail has %d rows", when, d.relation(1).state.Load().tailLen())
			}
		}
	}
	manual := options
	manual.Manual = true
	s, d := openTest(t, disk, manual)
	add := func(n int) {
		ch := TableChange{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, n, 0)}}
		if _, err := d.Commit(context.Background(), Commit{Tables: []TableChange{ch}}); err != nil {
			t.Fatal(err)
		}
	}
	add(200)
	s.Close()
	s, d = openTest(t, disk, options)
	defer s.Close()
	wait("after a start", d)
	add(20)
	wait("after a commit", d)
}
