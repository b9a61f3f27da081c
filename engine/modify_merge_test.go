package engine_test

import (
	"runtime"
	"strings"
	"testing"
)

// TestMergeWaits has a session merge into a row that another one has under way. What it does then follows from whether they still match.
func TestMergeWaits(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	ann, bob := b.connect(t, 0), b.connect(t, 0)
	defer ann.s.Close()
	defer bob.s.Close()
	ann.must(t, "CREATE TABLE t (id int PRIMARY KEY, k int, n int)")
	const merge = `MERGE INTO t USING (VALUES (6, 1), (5, 2)) s (k, v) ON t.k = s.k WHEN MATCHED THEN UPDATE SET n = t.n + v
		WHEN NOT MATCHED THEN INSERT VALUES (100 + s.k, s.k, s.v)`
	for _, c := range []struct{ change, merge, want string }{ // as PostgreSQL 18 has it
		{"UPDATE t SET k = 1 WHERE id = 1", merge, "1|1|10 2|6|21 105|5|2"},
		{"UPDATE t SET n = 50 WHERE id = 1", merge, "1|5|52 2|6|21"},
		{"DELETE FROM t WHERE id = 1", merge, "2|6|21 105|5|2"},
		{"UPDATE t SET k = 1 WHERE id = 1", merge + " WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = -1", "1|1|-1 2|6|21 105|5|2"},
		{"UPDATE t SET n = 50 WHERE id = 1", merge + " WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = -1", "1|5|52 2|6|21"},
		{"DELETE FROM t WHERE id = 1", merge + " WHEN NOT MATCHED BY SOURCE THEN DELETE", "2|6|21 105|5|2"},
	} {
		ann.must(t, "TRUNCATE t; INSERT INTO t VALUES (1, 5, 10), (2, 6, 20)")
		if err := afterWait(t, ann, bob, c.change, c.merge); err != nil {
			t.Fatalf("%s: %v", c.change, err)
		}
		var rows []string
		for _, r := range ann.must(t, "SELECT * FROM t ORDER BY id")[0].rows {
			rows = append(rows, strings.Join(r, "|"))
		}
		if got := strings.Join(rows, " "); got != c.want {
			t.Errorf("%s, then %s: %s, want %s", c.change, c.merge, got, c.want)
		}
	}
}

// afterWait has bob run a statement that waits for what ann has changed, until she commits.
func afterWait(t *testing.T, ann, bob *person, change, statement string) error {
	t.Helper()
	ann.must(t, "BEGIN; "+change)
	done := waiting(t, bob, ann, func() error {
		_, err := bob.run(statement)
		return err
	})
	ann.must(t, "COMMIT")
	return <-done
}

// TestUpdateWaitsOnce has a join find a row in several batches which somebody else has under way: it is changed once.
func TestUpdateWaitsOnce(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	ann, bob := b.connect(t, 0), b.connect(t, 0)
	defer ann.s.Close()
	defer bob.s.Close()
	ann.must(t, `CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0);
		CREATE TABLE s (id int, m int); INSERT INTO s SELECT 1, 1 FROM generate_series(1, 20000)`)
	if err := afterWait(t, ann, bob, "UPDATE t SET n = 10", "UPDATE t SET n = n + m FROM s WHERE s.id = t.id"); err != nil {
		t.Fatal(err)
	}
	if got := ann.must(t, "SELECT id, n FROM t")[0].rows; len(got) != 1 || got[0][1] != "11" {
		t.Errorf("there is %v", got)
	}
}

// TestMergeCallsInTurn has functions of two clauses called in the order of the rows.
func TestMergeCallsInTurn(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	p := b.connect(t, 0)
	defer p.s.Close()
	p.must(t, "CREATE SEQUENCE q; CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1), (3)")
	p.must(t, `MERGE INTO t USING (VALUES (1), (2), (3), (4)) s (k) ON t.id = s.k WHEN MATCHED THEN UPDATE SET n = nextval('q')
		WHEN NOT MATCHED THEN INSERT VALUES (s.k, nextval('q'))`)
	if got := p.must(t, "SELECT count(*) FROM t WHERE n = id")[0].rows[0][0]; got != "4" {
		t.Errorf("%s rows have the number of their turn", got)
	}
}

// TestUpdateWaitsBeside joins a row that somebody else has under way with others: what it was joined with stays the same, and they must still match.
func TestUpdateWaitsBeside(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	ann, bob := b.connect(t, 0), b.connect(t, 0)
	defer ann.s.Close()
	defer bob.s.Close()
	ann.must(t, "CREATE TABLE t (id int PRIMARY KEY, k int, v int); CREATE TABLE s (id int, k int, n int); INSERT INTO s VALUES (1, 1, 100), (2, 2, 200), (3, 1, 300)")
	for _, c := range []struct{ change, statement, want string }{ // as PostgreSQL has it
		{"k = 2", "UPDATE t SET v = s.n FROM s WHERE t.k = s.k AND s.id < 3", "1,2,0 2,2,200"},
		{"k = 2", "DELETE FROM t USING s WHERE t.k = s.k AND s.id < 3", "1,2,0"},
		{"v = 5", "UPDATE t SET v = t.v + s.n FROM s WHERE t.k = s.k AND s.n > 150 RETURNING s.*", "1,1,305 2,2,200"},
		{"v = 5", "DELETE FROM t USING s WHERE t.k = s.k AND s.n > 150 RETURNING s.*", ""},
		{"v = 5", "UPDATE t SET v = t.v + coalesce(b.n, 1) FROM s LEFT JOIN s b ON b.id = s.id + 10 WHERE t.k = s.k AND s.id < 3", "1,1,6 2,2,1"},
		{"k = 2", "UPDATE t SET v = o.v + 1 FROM t o WHERE o.k = t.k", "1,2,0 2,2,1"},
	} {
		ann.must(t, "TRUNCATE t; INSERT INTO t VALUES (1, 1, 0), (2, 2, 0)")
		if err := afterWait(t, ann, bob, "UPDATE t SET "+c.change+" WHERE id = 1", c.statement); err != nil {
			t.Fatalf("%s: %v", c.statement, err)
		}
		var rows []string
		for _, r := range ann.must(t, "SELECT * FROM t ORDER BY id")[0].rows {
			rows = append(rows, strings.Join(r, ","))
		}
		if got := strings.Join(rows, " "); got != c.want {
			t.Errorf("%s, then %s: %s, want %s", c.change, c.statement, got, c.want)
		}
	}
}

// TestUpdateWaitsInTheMiddle changes rows of which somebody else has one under way: the rows before and after it are changed too, once each.
func TestUpdateWaitsInTheMiddle(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	ann, bob := b.connect(t, 0), b.connect(t, 0)
	defer ann.s.Close()
	defer bob.s.Close()
	ann.must(t, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)")
	if err := afterWait(t, ann, bob, "UPDATE t SET n = 10 WHERE id = 2", "UPDATE t SET n = n + 1"); err != nil {
		t.Fatal(err)
	}
	if got := ann.must(t, "SELECT string_agg(n::text, ' ' ORDER BY id) FROM t")[0].rows[0][0]; got != "1 11 1" {
		t.Errorf("the rows have %s", got)
	}
}

// TestUpdateWaitsForReferrers gives a row another key because of what somebody else has made of it meanwhile: that waits for a third one, who refers to the row.
func TestUpdateWaitsForReferrers(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	ann, bob, carol := b.connect(t, 0), b.connect(t, 0), b.connect(t, 0)
	for _, p := range []*person{ann, bob, carol} {
		defer p.s.Close()
	}
	ann.must(t, "CREATE TABLE p (id int PRIMARY KEY, v int); INSERT INTO p VALUES (1, 0); CREATE TABLE c (id int REFERENCES p)")
	ann.must(t, "BEGIN; UPDATE p SET v = 5")
	carol.must(t, "BEGIN; INSERT INTO c VALUES (1)")
	done := waiting(t, bob, carol, func() error {
		_, err := bob.run("UPDATE p SET id = CASE WHEN v = 5 THEN 9 ELSE id END")
		return err
	})
	ann.must(t, "COMMIT")
	for len(done) == 0 && asked(t, carol, "SELECT count(*) FROM pg_locks WHERE NOT granted") == "0\n" {
		runtime.Gosched()
	}
	carol.must(t, "COMMIT")
	if err := <-done; err == nil || !strings.Contains(err.Error(), "23503") && !strings.Contains(err.Error(), "violates foreign key") {
		t.Errorf("the key changed under who refers to it: %v", err)
	}
}
