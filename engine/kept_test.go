package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestVersionsWithoutEntries changes rows very often without changing their keys, and now and then changes keys too, makes indexes in between,
// seals and starts again; at each moment the rows that indexes find are those that a scan finds.
func TestVersionsWithoutEntries(t *testing.T) {
	b := newBedOf(t, 512)
	p := b.connect(t, 0)
	run := func(sql string) [][]string {
		t.Helper()
		out, err := p.run(sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if len(out) == 0 {
			return nil
		}
		return out[len(out)-1].rows
	}
	shown := func(rows [][]string) string {
		var out []string
		for _, r := range rows {
			out = append(out, strings.Join(r, ","))
		}
		slices.Sort(out)
		return strings.Join(out, ";")
	}
	run("CREATE TABLE k (id int PRIMARY KEY, part int, n int)")
	run("CREATE INDEX k_part ON k (part)")
	run("INSERT INTO k SELECT g, g % 5, 0 FROM generate_series(1, 40) g")
	random := rand.New(rand.NewPCG(1, 2))
	var moments []string
	check := func() {
		t.Helper()
		id, part := 1+random.IntN(40), random.IntN(5)
		one := run("SELECT max(n), min(n + part) FROM k")[0]
		for _, moment := range append([]string{""}, moments...) {
			asOf := ""
			if moment != "" {
				asOf = " FOR SYSTEM_TIME AS OF '" + moment + "'"
			}
			for _, c := range []string{fmt.Sprintf("id = %d", id), fmt.Sprintf("part = %d", part), fmt.Sprintf("id BETWEEN %d AND %d", id, id+5), "n = " + one[0], "n + part = " + one[1]} {
				found := shown(run(fmt.Sprintf("SELECT id, part, n FROM k%s WHERE %s", asOf, c)))
				// A condition on an expression is one that no index answers.
				scanned := shown(run(fmt.Sprintf("SELECT id, part, n FROM (SELECT id + 0 AS id, part + 0 AS part, n + 0 AS n FROM k%s OFFSET 0) x WHERE %s", asOf, c)))
				if found != scanned {
					t.Fatalf("%s%s: the index finds %s, a scan %s", c, asOf, found, scanned)
				}
			}
		}
	}
	for round := range 400 {
		id := 1 + random.IntN(40)
		switch random.IntN(12) {
		case 0:
			run(fmt.Sprintf("UPDATE k SET part = %d WHERE id = %d", random.IntN(5), id))
		case 1:
			run(fmt.Sprintf("DELETE FROM k WHERE id = %d", id))
			run(fmt.Sprintf("INSERT INTO k VALUES (%d, %d, 0) ON CONFLICT (id) DO UPDATE SET n = k.n", id, random.IntN(5)))
		case 2:
			run("UPDATE k SET n = n + 1")
		case 3:
			run(fmt.Sprintf("BEGIN; UPDATE k SET n = n + 1 WHERE id = %d; UPDATE k SET part = part + 1 WHERE id = %[1]d; UPDATE k SET part = part - 1, n = n + 1 WHERE id = %[1]d; COMMIT", id))
		default:
			run(fmt.Sprintf("UPDATE k SET n = n + 1 WHERE id IN (3, %d)", id))
		}
		switch round {
		case 100, 300:
			if err := errors.Join(b.db.Seal(t.Context()), b.db.Compact(t.Context())); err != nil {
				t.Fatal(err)
			}
		case 150:
			run("CREATE INDEX k_n ON k (n)")
			check()
		case 200:
			run("BEGIN; UPDATE k SET n = n + 1 WHERE id < 9; CREATE INDEX k_sum ON k ((n + part)); UPDATE k SET n = n + 1 WHERE id < 5; COMMIT")
			check()
		case 250, 350:
			if err := b.store.Close(); err != nil {
				t.Fatal(err)
			}
			b.open(t)
			p = b.connect(t, 0)
		}
		if round%40 == 7 {
			moments = append(moments, run("SELECT now()")[0][0])
			check()
		}
	}
	check()
}
