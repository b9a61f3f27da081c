package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// state is the SQLSTATE of running a script, "" if there is no error.
func (p *person) state(script string) string {
	if _, err := p.run(script); err != nil {
		return string(pgerr.From(err).Code)
	}
	return ""
}

// TestDefinitionsSideBySide: an open transaction that defines something keeps others from what it changes, needs and names, and from nothing else.
func TestDefinitionsSideBySide(t *testing.T) {
	for _, c := range []struct{ before, open, beside, want, after string }{
		{"", "CREATE TABLE a (k int)", "CREATE TABLE b (k int)", "", "SELECT FROM a, b"},
		{"", "CREATE TABLE a (k int PRIMARY KEY)", "CREATE TABLE a (k int)", "55P03", "SELECT FROM a"},
		{"", "CREATE TABLE a (k int)", "CREATE VIEW a AS SELECT 1", "55P03", "SELECT FROM a"},
		{"CREATE TABLE a (k int); CREATE TABLE b (k int)", "CREATE INDEX i ON a (k)", "CREATE INDEX i ON b (k)", "55P03", "SELECT FROM a, b"},
		{"CREATE TABLE a (k int); CREATE TABLE b (k int)", "CREATE INDEX i ON a (k)", "CREATE INDEX j ON b (k)", "", "SELECT FROM a, b"},
		{"CREATE TABLE a (k int)", "CREATE INDEX i ON a (k)", "SELECT FROM a", "", "SELECT FROM a"},
		{"CREATE TABLE a (k int)", "CREATE INDEX i ON a (k)", "INSERT INTO a VALUES (1)", "55P03", "SELECT FROM a"},
		{"CREATE TABLE a (k int); CREATE TABLE b (k int)", "ALTER TABLE a ADD x int DEFAULT 1", "ALTER TABLE b ADD x int DEFAULT 2", "", "SELECT a.x, b.x FROM a, b"},
		{"CREATE TABLE a (k int)", "ALTER TABLE a ADD x int", "ALTER TABLE a ADD y int", "55P03", "SELECT x FROM a"},
		{"CREATE TABLE a (k int PRIMARY KEY)", "CREATE TABLE b (k int REFERENCES a)", "DROP TABLE a CASCADE", "55P03", "SELECT FROM a, b"},
		{"CREATE TABLE a (k int PRIMARY KEY); INSERT INTO a VALUES (1)", "CREATE TABLE b (k int REFERENCES a)", "DELETE FROM a", "55P03", "SELECT FROM a, b"},
		{"CREATE TABLE a (k int)", "CREATE VIEW v AS SELECT k FROM a", "DROP TABLE a CASCADE", "55P03", "SELECT FROM v"},
		{"CREATE TABLE a (k int)", "DROP TABLE a", "CREATE VIEW v AS SELECT k FROM a", "55P03", "SELECT 1"},
		{"CREATE SCHEMA s", "CREATE TABLE s.a (k int)", "DROP SCHEMA s CASCADE", "55P03", "SELECT FROM s.a"},
		{"CREATE TYPE mood AS ENUM ('sad')", "CREATE TABLE a (m mood)", "DROP TYPE mood CASCADE", "55P03", "SELECT m FROM a"},
		{"CREATE TABLE a (k int)", "ALTER TABLE a RENAME TO c", "CREATE TABLE c (k int)", "55P03", "SELECT FROM c"},
		{"", "CREATE SEQUENCE q", "CREATE SEQUENCE r", "", "SELECT nextval('q'), nextval('r')"},
	} {
		b := newBed(t)
		p, q := b.connect(t, 0), b.connect(t, 0)
		if c.before != "" && p.state(c.before) != "" {
			t.Fatal(c.before)
		}
		if s := p.state("BEGIN; " + c.open); s != "" {
			t.Fatalf("%s: %s", c.open, s)
		}
		if got := q.state("SET lock_timeout = '20ms'; " + c.beside); got != c.want {
			t.Errorf("%s, and beside it %s: %q, expected %q", c.open, c.beside, got, c.want)
		}
		if s := p.state("COMMIT"); s != "" {
			t.Errorf("%s: %s", c.open, s)
		}
		if s := q.state(c.after); s != "" {
			t.Errorf("%s, %s, %s: %s", c.open, c.beside, c.after, s)
		}
		p.s.Close()
		q.s.Close()
		b.close(t)
	}
}

// TestDefinitionWaits: what a definition waited for is there when it goes on.
func TestDefinitionWaits(t *testing.T) {
	for _, c := range []struct{ before, open, end, beside, want string }{
		{"", "CREATE TABLE a (k int)", "COMMIT", "CREATE TABLE a (k int)", "42P07"},
		{"", "CREATE TABLE a (k int)", "COMMIT", "CREATE TABLE IF NOT EXISTS a (k int)", ""},
		{"", "CREATE TABLE a (k int)", "ROLLBACK", "CREATE TABLE a (k int)", ""},
		{"CREATE TABLE a (k int)", "ALTER TABLE a ADD x int", "COMMIT", "ALTER TABLE a ADD x int", "42701"},
		{"CREATE TABLE a (k int)", "ALTER TABLE a ADD x int", "COMMIT", "ALTER TABLE a ADD y int DEFAULT 3; SELECT x, y FROM a", ""},
		{"CREATE TABLE a (k int)", "DROP TABLE a", "COMMIT", "CREATE VIEW v AS SELECT k FROM a", "42P01"},
		{"CREATE TABLE a (k int)", "DROP TABLE a", "COMMIT", "ALTER TABLE a ADD x int", "42P01"},
		{"CREATE SCHEMA s", "DROP SCHEMA s", "COMMIT", "CREATE TABLE s.a (k int)", "3F000"},
	} {
		b := newBed(t)
		p, q, r := b.connect(t, 0), b.connect(t, 0), b.connect(t, 0)
		if c.before != "" && p.state(c.before) != "" {
			t.Fatal(c.before)
		}
		if s := p.state("BEGIN; " + c.open); s != "" {
			t.Fatalf("%s: %s", c.open, s)
		}
		got := waiting(t, q, r, func() string { return q.state(c.beside) })
		if s := p.state(c.end); s != "" {
			t.Errorf("%s: %s", c.open, s)
		}
		if s := <-got; s != c.want {
			t.Errorf("%s, %s, and then %s: %q, expected %q", c.open, c.end, c.beside, s, c.want)
		}
		r.s.Close()
		p.s.Close()
		q.s.Close()
		b.close(t)
	}
}

// TestDefinitionsOfMany lets sessions define tables of their own and of all, in transactions of any length. In the end the catalog is whole.
func TestDefinitionsOfMany(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	const sessions, rounds = 6, 25
	var done sync.WaitGroup
	for n := range sessions {
		p := b.connect(t, 0)
		done.Add(1)
		go func() {
			defer done.Done()
			defer p.s.Close()
			rng := rand.New(rand.NewPCG(uint64(n), 3))
			own := fmt.Sprintf("own_%d", n)
			for i := range rounds {
				all := fmt.Sprintf("all_%d", rng.IntN(3))
				for _, list := range [][]string{
					{"BEGIN", fmt.Sprintf("CREATE TABLE %s_%d (k int PRIMARY KEY, v int)", own, i), fmt.Sprintf("INSERT INTO %s_%d VALUES (1, %d)", own, i, i),
						fmt.Sprintf("CREATE INDEX ON %s_%d (v)", own, i), "COMMIT"},
					{"BEGIN", fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (k int PRIMARY KEY)", all), fmt.Sprintf("ALTER TABLE %s ADD COLUMN IF NOT EXISTS c%d int", all, n), "COMMIT"},
					{fmt.Sprintf("ALTER TABLE %s_%d ADD w int DEFAULT 7", own, i), fmt.Sprintf("CREATE VIEW %s_v%d AS SELECT k FROM %s", own, i, all)},
					{fmt.Sprintf("DROP TABLE IF EXISTS %s CASCADE", []string{all, own + "_none", own + "_none"}[rng.IntN(3)])},
				} {
					for _, sql := range list {
						s := p.state(sql)
						if s != "" && !strings.Contains(sql, "all_") {
							t.Errorf("%s: %s", sql, s)
						}
						if s != "" && s != "40P01" && s != "42P01" && s != "25P02" {
							t.Errorf("%s: %s", sql, s)
						}
					}
					p.state("ROLLBACK")
				}
			}
		}()
	}
	done.Wait()
	p := b.connect(t, 1)
	defer p.s.Close()
	for n := range sessions {
		for i := range rounds {
			if got := asked(t, p, fmt.Sprintf("SELECT * FROM own_%d_%d WHERE v = %d", n, i, i)); got != fmt.Sprintf("1,%d,7\n", i) {
				t.Errorf("own_%d_%d has %s", n, i, got)
			}
		}
	}
	for _, name := range strings.Fields(asked(t, p, "SELECT relname FROM pg_class WHERE relkind IN ('v', 'r') AND relnamespace = 'public'::regnamespace")) {
		if s := p.state("SELECT * FROM " + name); s != "" {
			t.Errorf("%s: %s", name, s)
		}
	}
	if got := asked(t, p, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace GROUP BY 1 HAVING count(*) > 1"); got != "" {
		t.Errorf("names are there twice: %s", got)
	}
}

// TestDefinitionIsAboutAllRows: also about those that came after the snapshot of a transaction that reads repeatably. One that is SERIALIZABLE is refused where it has read them.
func TestDefinitionIsAboutAllRows(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	p, q := b.connect(t, 0), b.connect(t, 0)
	defer p.s.Close()
	defer q.s.Close()
	for _, c := range []struct{ ddl, state, rows string }{ // as PostgreSQL 15 has it
		{"ALTER TABLE t ADD CHECK (v > 0)", "23514", ""},
		{"ALTER TABLE t ALTER v TYPE text USING 'x' || v", "", "1,x1\n2,x1\n3,x-5\n4,NULL\n"},
		{"ALTER TABLE t ADD UNIQUE (v)", "23505", ""},
		{"CREATE UNIQUE INDEX ON t (v)", "23505", ""},
		{"ALTER TABLE t ALTER v SET NOT NULL", "23502", ""},
		{"ALTER TABLE t ADD w int DEFAULT 3 NOT NULL", "", "1,1,3\n2,1,3\n3,-5,3\n4,NULL,3\n"},
		{"ALTER TABLE t ADD FOREIGN KEY (v) REFERENCES u", "23503", ""},
	} {
		for _, level := range []string{"REPEATABLE READ", "SERIALIZABLE"} {
			if s := p.state("DROP TABLE IF EXISTS t, u; CREATE TABLE t (k int, v int); INSERT INTO t VALUES (1, 1); CREATE TABLE u (v int PRIMARY KEY); INSERT INTO u VALUES (1)"); s != "" {
				t.Fatal(s)
			}
			if s := p.state("BEGIN ISOLATION LEVEL "+level+"; SELECT 1") + q.state("INSERT INTO t VALUES (2, 1), (3, -5), (4, NULL)"); s != "" {
				t.Fatal(s)
			}
			if s := p.state(c.ddl); s != c.state {
				t.Errorf("%s, %s: %q, expected %q", level, c.ddl, s, c.state)
			}
			end := p.state("COMMIT")
			if rows := asked(t, q, "SELECT * FROM t ORDER BY k"); end == "" && c.state == "" && rows != c.rows || end != "" && (end != "40001" || level != "SERIALIZABLE") {
				t.Errorf("%s, %s, COMMIT: %q, and then\n%s", level, c.ddl, end, rows)
			}
		}
	}
}
