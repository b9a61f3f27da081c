package engine_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/allsource-db/allsource/storage"
)

// TestTemporaryRowsEndWithTheirSession fills a temporary table and one that stays, in a transaction and by an update, and ends the session: the log
// has no version of the one any more, at any moment, and all of the other.
func TestTemporaryRowsEndWithTheirSession(t *testing.T) {
	b := newBedOf(t, 512)
	defer b.close(t)
	for worker := range b.engines {
		p := b.connect(t, worker)
		ids := map[string]storage.TableID{}
		for _, name := range []string{"passing", "staying"} {
			script := "CREATE TABLE staying (id int PRIMARY KEY, v int); "
			if name == "passing" {
				script = "CREATE TEMPORARY TABLE passing (id int PRIMARY KEY, v int); CREATE INDEX ON passing (v); "
			}
			script += "INSERT INTO " + name + " SELECT g, g FROM generate_series(1, 3000) g; UPDATE " + name + " SET v = v + 1 WHERE id <= 100; SELECT '" + name + "'::regclass::oid"
			out, err := p.run(script)
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(out[len(out)-1].rows[0][0])
			if err != nil {
				t.Fatal(err)
			}
			ids[name] = storage.TableID(n)
		}
		if _, err := p.run("INSERT INTO passing VALUES (5000, 1)"); err != nil {
			t.Fatal(err)
		}
		rows := func(name string) int64 {
			v, err := b.db.View(context.Background(), storage.Latest)
			if err != nil {
				t.Fatal(err)
			}
			return v.Table(ids[name]).Rows()
		}
		if n := rows("passing"); n != 3001 {
			t.Fatalf("%d rows before the end", n)
		}
		p.s.Close()
		if passing, staying := rows("passing"), rows("staying"); passing != 0 || staying != 3000 {
			t.Fatalf("%d and %d rows are left, expected none and 3000", passing, staying)
		}
		q := b.connect(t, worker)
		if _, err := q.run("DROP TABLE staying"); err != nil {
			t.Fatal(err)
		}
		q.s.Close()
	}
}
