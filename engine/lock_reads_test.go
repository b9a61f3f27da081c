package engine_test

import (
	"fmt"
	"testing"
)

// TestWhatWasWaitedForIsSeen: a statement that has met a table which somebody was about to alter, or to put another in the place of, gives what the table is then.
func TestWhatWasWaitedForIsSeen(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	p, q, r := b.connect(t, 0), b.connect(t, 0), b.connect(t, 0)
	defer p.s.Close()
	defer q.s.Close()
	defer r.s.Close()
	for _, c := range []struct{ alter, begin, sql, want string }{ // as PostgreSQL 15 has it
		{"ALTER TABLE a ADD x int DEFAULT 4", "", "SELECT * FROM a WHERE k = 1", "[[1 v 4]]"},
		{"ALTER TABLE a ADD x int DEFAULT 4", "BEGIN; SELECT 1", "SELECT * FROM a WHERE k = 1", "[[1 v 4]]"},
		{"ALTER TABLE a ADD x int DEFAULT 4", "BEGIN", "DECLARE c CURSOR FOR SELECT * FROM a; FETCH ALL FROM c", "[[1 v 4]]"},
		{"ALTER TABLE a DROP v", "", "UPDATE a SET k = 5 RETURNING *", "[[5]]"},
		{"ALTER TABLE a ALTER v TYPE int USING 7", "", "WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x", "[[1 7]]"},
		{"ALTER TABLE a RENAME TO old; ALTER TABLE b RENAME TO a", "", "SELECT * FROM a", "[[2 3 f]]"},
	} {
		p.must(t, "CREATE TABLE a (k int PRIMARY KEY, v text); CREATE TABLE b (m int, n int, o bool); INSERT INTO a VALUES (1, 'v'); INSERT INTO b VALUES (2, 3, false)")
		for range 3 { // its plan is kept
			q.must(t, "BEGIN")
			q.must(t, c.sql)
			q.must(t, "ROLLBACK")
		}
		if c.begin != "" {
			q.must(t, c.begin)
		}
		p.must(t, "BEGIN; "+c.alter)
		got := waiting(t, q, r, func() string {
			out, err := q.run(c.sql)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(out[len(out)-1].rows)
		})
		p.must(t, "COMMIT")
		if s := <-got; s != c.want {
			t.Errorf("%s beside %s gives %s, expected %s", c.sql, c.alter, s, c.want)
		}
		if c.begin != "" {
			q.must(t, "COMMIT")
		}
		p.must(t, "DROP TABLE IF EXISTS a, b, old")
	}
}
