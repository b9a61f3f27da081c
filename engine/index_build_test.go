package engine_test

import (
	"strings"
	"testing"
)

// TestIndexOverRows makes indexes over rows that are there, in a transaction by itself and inside one that goes on. Rows are found by them, before and
// after changes and a restart, and a definition by itself leaves the rows as they are.
func TestIndexOverRows(t *testing.T) {
	b := newBedOf(t, 512)
	p := b.connect(t, 1)
	check := func(sql, want string) {
		t.Helper()
		out, err := p.run(sql)
		got := ""
		if err != nil {
			got = strings.SplitN(err.Error(), "\n", 2)[0]
		} else if len(out) > 0 {
			var rows []string
			for _, r := range out[len(out)-1].rows {
				rows = append(rows, strings.Join(r, ","))
			}
			got = strings.Join(rows, ";")
		}
		if got != want {
			t.Fatalf("%s\n gives %s\nexpected %s", sql, got, want)
		}
	}
	usesIndex := func(sql, index string) {
		t.Helper()
		out, err := p.run("EXPLAIN " + sql)
		if err != nil {
			t.Fatal(err)
		}
		plan := ""
		for _, r := range out[0].rows {
			plan += r[0] + "\n"
		}
		if !strings.Contains(plan, index) {
			t.Fatalf("%s does not use %s:\n%s", sql, index, plan)
		}
	}
	check("CREATE TABLE k (id int NOT NULL, name text, n int)", "")
	check("INSERT INTO k SELECT g, 'Name ' || g, g % 10 FROM generate_series(1, 3000) g", "")
	check("UPDATE k SET n = n + 1 WHERE id <= 100", "")
	check("DELETE FROM k WHERE id = 50", "")
	check("INSERT INTO k VALUES (51, 'twice', NULL)", "")
	check("ALTER TABLE k ADD PRIMARY KEY (id)", `could not create unique index "k_pkey"`)
	check("DELETE FROM k WHERE name = 'twice'", "")
	check("ALTER TABLE k ADD PRIMARY KEY (id)", "")
	check("CREATE INDEX lowered ON k (lower(name)) WHERE n > 0", "")
	all := "SELECT count(*) FROM k FOR SYSTEM_TIME ALL"
	check(all, "3101")
	for range 2 {
		usesIndex("SELECT n FROM k WHERE id = 7", "k_pkey")
		check("SELECT id, name, n FROM k WHERE id IN (7, 50, 51, 2999) ORDER BY id", "7,Name 7,8;51,Name 51,2;2999,Name 2999,9")
		check("SELECT id FROM k WHERE lower(name) = 'name 7' AND n > 0", "7")
		check("SELECT id FROM k WHERE lower(name) = 'name 110' AND n > 0", "")
		check("INSERT INTO k VALUES (7)", `duplicate key value violates unique constraint "k_pkey"`)
		if err := b.store.Close(); err != nil {
			t.Fatal(err)
		}
		b.open(t)
		p = b.connect(t, 0)
	}
	check("BEGIN", "")
	check("CREATE UNIQUE INDEX named ON k (name)", "")
	check("SELECT id FROM k WHERE name = 'Name 8'", "8")
	check("INSERT INTO k VALUES (9999, 'Name 8')", `duplicate key value violates unique constraint "named"`)
	check("ROLLBACK", "")
	check("UPDATE k SET id = -id WHERE id = 8", "")
	check("SELECT id FROM k WHERE id IN (8, -8)", "-8")
	check("CREATE UNIQUE INDEX named ON k (name)", "")
	check("SELECT id FROM k WHERE name = 'Name 8'", "-8")
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
}
