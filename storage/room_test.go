package storage

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// TestWaitForRoom has an append wait for a tail that is too long, which nobody seals: it goes on where a table that made it long is deleted for ever,
// and fails where the store does.
func TestWaitForRoom(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		end  func(d *DB)
		want error
	}{
		"forgotten": {func(d *DB) { d.relation(1).vanish() }, nil},
		"failed":    {func(d *DB) { d.s.failure.set(broken) }, broken},
	} {
		t.Run(name, func(t *testing.T) {
			s, d := openTest(t, vfs.NewMem(), Options{SealBytes: 1 << 10, Fatal: func(error) {}})
			defer s.Close()
			d.seal.Lock()
			defer d.seal.Unlock()
			ch := TableChange{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(0, 1000, 0)}}
			if _, err := d.Commit(context.Background(), Commit{Tables: []TableChange{ch}}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a guard, not a measure
			defer cancel()
			done := make(chan error, 1)
			go func() {
				_, err := d.Append(ctx, []Event{anyEvent("e")}, nil)
				done <- err
			}()
			for waits := false; !waits; time.Sleep(time.Millisecond) {
				if len(done) > 0 {
					t.Fatalf("the append does not wait: %v", <-done)
				}
				d.sealed.mu.Lock()
				waits = d.sealed.next != nil
				d.sealed.mu.Unlock()
			}
			c.end(d)
			if err := <-done; !errors.Is(err, c.want) {
				t.Errorf("the append ends with %v, want %v", err, c.want)
			}
		})
	}
}
