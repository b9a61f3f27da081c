package engine_test

import "testing"

// TestExportedSnapshots has a transaction see what another one saw, whatever was committed since, and change what has not changed since.
func TestExportedSnapshots(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	p, q, other := b.connect(t, 0), b.connect(t, 0), b.connect(t, 0)
	for _, who := range []*person{p, q, other} {
		defer who.s.Close()
	}
	say := func(p *person, script string) string {
		t.Helper()
		out, err := p.run(script)
		if err != nil {
			t.Fatal(err)
		}
		if last := out[len(out)-1]; len(last.rows) > 0 {
			return last.rows[0][0]
		}
		return ""
	}
	say(p, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g FROM generate_series(1, 5) g; INSERT INTO events (entity_id, event_type) VALUES ('a', 'made')")
	id := say(p, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot()")
	say(other, "UPDATE t SET v = 100 WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT INTO events (entity_id, event_type) VALUES ('a', 'changed')")
	const seen = "SELECT concat((SELECT sum(v) FROM t), ' ', (SELECT count(*) FROM events))"
	begin := "BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '" + id + "'; "
	for _, who := range []struct {
		p            *person
		script, want string
	}{{p, seen, "15 1"}, {q, begin + seen, "15 1"}, {other, seen, "112 2"}} {
		if got := say(who.p, who.script); got != who.want {
			t.Errorf("%s gives %s, expected %s", who.script, got, who.want)
		}
	}
	say(q, "UPDATE t SET v = 50 WHERE id = 3")
	if _, err := q.run("UPDATE t SET v = 0 WHERE id = 1"); err == nil {
		t.Error("a row that was changed after the snapshot is changed again")
	}
	say(q, "ROLLBACK")
	if _, err := q.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '7FFFFFFF-00000000-1'"); err == nil {
		t.Error("a snapshot of the future is taken")
	}
}
