package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// twins are two tables of the same rows. Statements about $T are carried out on both; of one of them an UPDATE takes columns that it does not set from the rows
// that it replaces, without reading them.
type twins struct {
	*bed
	people  [2]*person
	moments []string
}

func (w *twins) connect(t fataler, worker int) {
	t.Helper()
	for i := range w.people {
		if w.people[i] != nil {
			w.people[i].s.Close()
		}
		w.people[i] = w.bed.connect(t, worker)
	}
	if _, err := w.people[1].run("SET optimizer_off = 'unread-columns'"); err != nil {
		t.Fatalf("set: %v", err)
	}
}

// run compares what a statement does to both.
func (w *twins) run(t fataler, sql string) {
	t.Helper()
	var got [2]string
	for i, name := range []string{"one", "two"} {
		out, err := w.people[i].run(strings.ReplaceAll(sql, "$T", name))
		for _, a := range out {
			got[i] += fmt.Sprintln(a.tag, a.rows)
		}
		if err != nil {
			got[i] += strings.ReplaceAll(err.Error(), "two", "one")
		}
	}
	if got[0] != got[1] {
		t.Fatalf("%s\ngives %s\nexpected %s", sql, got[0], got[1])
	}
}

func (w *twins) check(t fataler) {
	t.Helper()
	w.run(t, "SELECT * FROM $T ORDER BY id")
	w.run(t, "SELECT * FROM $T WHERE b = 'row 3' ORDER BY id")
	w.run(t, "SELECT * FROM $T WHERE id IN (7, 70, 107, 170) ORDER BY id")
	w.run(t, "SELECT count(*), sum(a), min(b), max(c) FROM $T FOR SYSTEM_TIME ALL")
	if n := len(w.moments); n > 0 {
		w.run(t, "SELECT id, a, b, c FROM $T FOR SYSTEM_TIME AS OF '"+w.moments[n/2]+"' ORDER BY id")
	}
	if w.people[0].s.Status() == 'I' {
		out, err := w.people[0].run("SELECT clock_timestamp()")
		if err != nil {
			t.Fatalf("now: %v", err)
		}
		w.moments = append(w.moments, out[0].rows[0][0])
	}
}

// TestUnreadColumns changes tables by random statements, most of which go through all rows and set some of their columns, in transactions that see what they did,
// with rows that break rules, columns that come and go, compaction and restarts.
func TestUnreadColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		worker := rapid.IntRange(0, 1).Draw(t, "engine")
		w := &twins{bed: newBedOf(t, 64)}
		w.connect(t, worker)
		defer func() {
			w.people[0].s.Close()
			w.people[1].s.Close()
			w.close(t)
		}()
		if _, err := w.people[0].run("CREATE TABLE part (id int PRIMARY KEY); INSERT INTO part VALUES (0), (1), (2)"); err != nil {
			t.Fatal(err)
		}
		w.run(t, "CREATE TABLE $T (id int PRIMARY KEY, a int, b text NOT NULL, c numeric, d bigint GENERATED ALWAYS AS (a * 2) STORED, e int[], p int REFERENCES part, g int CHECK (g > -9))")
		w.run(t, "CREATE INDEX $T_b ON $T (b)")
		insert := "INSERT INTO $T (id, a, b, c, e, p, g) SELECT i, i %% 50, 'row ' || i %% 9, i / 4.0, ARRAY[i, NULL], i %% 3, 2 FROM generate_series(%d, %d) i"
		w.run(t, fmt.Sprintf(insert, 1, 200))
		added := 200
		ctx := context.Background()
		for range rapid.IntRange(3, 14).Draw(t, "steps") {
			n := rapid.IntRange(0, 220).Draw(t, "number")
			where := rapid.SampledFrom([]string{"", "", "", fmt.Sprint(" WHERE a > ", n/4), fmt.Sprint(" WHERE id + 0 > ", n), fmt.Sprint(" WHERE id + 0 <= ", n), fmt.Sprint(" WHERE id = ", n)}).Draw(t, "where")
			switch rapid.IntRange(0, 15).Draw(t, "step") {
			case 0, 1, 2, 3:
				set := rapid.SampledFrom([]string{"a = a + 1", "c = 7", "b = 'row ' || a % 9", "e = e || 1", "c = c + 1, a = 3", "p = a % 3", "g = g - 1", "id = id"}).Draw(t, "set")
				w.run(t, "UPDATE $T SET "+set+where)
			case 4:
				set := rapid.SampledFrom([]string{"id = id + 1000", "g = a - 30", "b = nullif(b, 'row 4')", "p = 1 + a % 4", "id = id / 2", "a = 10 / (a - 20)"}).Draw(t, "set")
				w.run(t, "UPDATE $T SET "+set+where)
			case 5:
				w.run(t, fmt.Sprintf("DELETE FROM $T WHERE id %% %d = 0", 2+n))
			case 6:
				w.run(t, fmt.Sprintf(insert, added+1, added+1+n))
				added += 1 + n
			case 7:
				w.run(t, rapid.SampledFrom([]string{"BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "COMMIT", "ROLLBACK"}).Draw(t, "transaction"))
			case 8:
				w.run(t, rapid.SampledFrom([]string{"SAVEPOINT s", "ROLLBACK TO s"}).Draw(t, "savepoint"))
			case 9:
				w.run(t, "ALTER TABLE $T "+rapid.SampledFrom([]string{"ADD h int DEFAULT 5", "ADD h text", "DROP h", "DROP c", "ADD c numeric DEFAULT 1.5", "ALTER c TYPE float8"}).Draw(t, "alter"))
			case 10:
				w.run(t, "UPDATE $T SET a = a + 1"+where+" RETURNING id, a, b")
			case 11:
				w.run(t, "UPDATE $T SET a = x.v FROM (SELECT v, v + 3 AS k FROM generate_series(1, 90) v) x WHERE id = x.k")
			default:
				if w.people[0].s.Status() != 'I' {
					continue
				}
				switch rapid.IntRange(0, 2).Draw(t, "upkeep") {
				case 0:
					if err := w.db.Seal(ctx); err != nil {
						t.Fatal(err)
					}
				case 1:
					if err := w.db.Compact(ctx); err != nil {
						t.Fatal(err)
					}
				case 2:
					w.people[0].s.Close()
					w.people[1].s.Close()
					w.people = [2]*person{}
					w.close(t)
					w.open(t)
					w.connect(t, worker)
				}
			}
			w.check(t)
		}
		w.run(t, "ROLLBACK")
		w.check(t)
	})
}
