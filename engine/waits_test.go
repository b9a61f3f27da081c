package engine_test

import (
	"fmt"
	"testing"
)

// TestWhoWaitsForWhom: pg_stat_activity says what a session waits for, and pg_blocking_pids() whom.
func TestWhoWaitsForWhom(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	ann, bob, cy, watch := b.connect(t, 0), b.connect(t, 0), b.connect(t, 0), b.connect(t, 0)
	for _, p := range []*person{ann, bob, cy, watch} {
		defer p.s.Close()
	}
	pid := func(p *person) string { return p.must(t, "SELECT pg_backend_pid()")[0].rows[0][0] }
	anns, bobs, cys := pid(ann), pid(bob), pid(cy)
	ann.must(t, "CREATE TABLE t (k int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)")
	activity := "SELECT state, wait_event_type, wait_event, xact_start IS NULL, pg_blocking_pids(pid) FROM pg_stat_activity WHERE pid = "
	ask := func(p string) string { return fmt.Sprint(watch.must(t, activity+p)[0].rows) }
	for _, c := range []struct{ ann, wait, event string }{
		{"UPDATE t SET v = 2", "UPDATE t SET v = 3", "tuple"},
		{"INSERT INTO t VALUES (2, 2)", "INSERT INTO t VALUES (2, 3)", "object"},
		{"LOCK TABLE t", "SELECT FROM t", "relation"},
		{"SELECT pg_advisory_xact_lock(7)", "SELECT pg_advisory_xact_lock(7)", "advisory"},
	} {
		if got := ask(anns); got != "[[idle Client ClientRead t {}]]" {
			t.Errorf("who does nothing: %s", got)
		}
		ann.must(t, "BEGIN; "+c.ann)
		if got := ask(anns); got != "[[idle in transaction Client ClientRead f {}]]" {
			t.Errorf("who is in a transaction: %s", got)
		}
		var done []<-chan error
		for _, p := range []*person{bob, cy} {
			done = append(done, waiting(t, p, watch, func() error {
				_, err := p.run("BEGIN; " + c.wait + "; ROLLBACK")
				if err != nil {
					p.run("ROLLBACK")
				}
				return err
			}))
		}
		if got, want := ask(bobs), fmt.Sprintf("[[active Lock %s f {%s}]]", c.event, anns); got != want {
			t.Errorf("%s behind %s: %s, want %s", c.wait, c.ann, got, want)
		}
		if got, one, two := ask(cys), fmt.Sprintf("[[active Lock %s f {%s}]]", c.event, anns), fmt.Sprintf("[[active Lock %s f {%s,%s}]]", c.event, anns, bobs); got != one && got != two {
			t.Errorf("%s behind two: %s, want %s or %s", c.wait, got, one, two)
		}
		ann.must(t, "ROLLBACK")
		for _, told := range done {
			if err := <-told; err != nil {
				t.Error(err)
			}
		}
	}
}
