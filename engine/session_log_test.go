package engine_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// slowDisk is a disk whose syncs wait while they are held.
type slowDisk struct {
	mu   sync.Mutex
	open chan struct{} // nil: they do not wait
	met  chan struct{} // closed when one waits
}

func (d *slowDisk) fs() storage.FS {
	return errorfs.Wrap(storage.NewMemFS(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData {
			d.mu.Lock()
			open := d.open
			if open != nil && d.met != nil {
				close(d.met)
				d.met = nil
			}
			d.mu.Unlock()
			if open != nil {
				<-open
			}
		}
		return nil
	}))
}

// hold makes syncs wait until release; met is closed when one does.
func (d *slowDisk) hold() (met <-chan struct{}, release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	open := make(chan struct{})
	d.open, d.met = open, make(chan struct{})
	return d.met, func() {
		d.mu.Lock()
		d.open = nil
		d.mu.Unlock()
		close(open)
	}
}

// A transaction goes on with rows whose commit is not durable yet. Nobody is told of them before it is: neither by rows, nor by an error, nor
// by the number of none, nor by the end of the transaction.
func TestRowsOfCommitsThatAreNotDurable(t *testing.T) {
	for _, c := range []struct {
		name   string
		told   string // statement whose answer waits
		answer string // its rows or its tag or its error
	}{
		{"rows", "SELECT n FROM t ORDER BY id", "11 20"},
		{"rows of a change", "UPDATE t SET n = n + 1 WHERE id = 2 RETURNING n", "21"},
		{"nothing to change", "UPDATE t SET n = 0 WHERE id = 9", "UPDATE 0"},
		{"an error", "INSERT INTO t VALUES (1, 1)", "23505"},
		{"the end", "ROLLBACK", "ROLLBACK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var disk slowDisk
			b := &bed{rows: 32, fs: disk.fs(), clock: newHandClock()}
			b.open(t)
			first, second, other := b.connect(t, 0), b.connect(t, 0), b.connect(t, 0)
			do := func(p *person, script string) string {
				out, err := p.run(script)
				if err != nil {
					return string(pgerr.From(err).Code)
				}
				last := out[len(out)-1]
				if len(last.fields) == 0 {
					return last.tag
				}
				var values []string
				for _, row := range last.rows {
					values = append(values, row...)
				}
				return strings.Join(values, " ")
			}
			do(first, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 10), (2, 20)")
			do(second, "BEGIN")
			met, release := disk.hold()
			committed := make(chan string)
			go func() { committed <- do(first, "UPDATE t SET n = n + 1 WHERE id = 1") }()
			<-met
			if got := do(second, "UPDATE t SET n = n WHERE id = 1"); got != "UPDATE 1" {
				t.Errorf("the second change: %s", got)
			}
			if got := do(other, "SELECT n FROM t ORDER BY id"); got != "10 20" {
				t.Errorf("another session sees %s", got)
			}
			answer := make(chan string)
			go func() { answer <- do(second, c.told) }()
			time.Sleep(20 * time.Millisecond) // for an answer that does not wait
			select {
			case got := <-answer:
				t.Errorf("told before it is durable: %s", got)
			case got := <-committed:
				t.Errorf("acknowledged before it is durable: %s", got)
			default:
				defer func() {
					if got := <-answer; got != c.answer {
						t.Errorf("%s: %s, want %s", c.told, got, c.answer)
					}
					if got := <-committed; got != "UPDATE 1" {
						t.Errorf("the first change: %s", got)
					}
					for _, p := range []*person{first, second, other} {
						p.s.Close()
					}
					b.close(t)
				}()
			}
			release()
		})
	}
}
