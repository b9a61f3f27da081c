package engine_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/engine"
)

// TestManyAsOneByOne plays random INSERT … ON CONFLICT and MERGE statements on an engine that takes batches, and on one whose batches have one row:
// what they answer, which error comes first and what is there afterwards must not differ. Rows lie in another order, in which MERGE meets them.
func TestManyAsOneByOne(t *testing.T) {
	var people [2]*person
	for i := range people {
		b := newBed(t)
		defer b.store.Close()
		if i == 1 {
			b.engines = append(b.engines, engine.New(engine.Config{Logs: bedLogs{b.store}, Memory: 64 << 20, Now: b.clock.now,
				Logger: slog.New(slog.DiscardHandler), Workers: 1, BatchRows: 1}))
		}
		people[i] = b.connect(t, 2*i)
	}
	both := func(sql string) {
		t.Helper()
		var got [2]string
		for i, p := range people {
			out, err := p.run(sql)
			if err != nil {
				if got[i] = strings.SplitN(err.Error(), "\n", 2)[0]; strings.HasPrefix(sql, "MERGE") && !strings.Contains(got[i], "internal") {
					got[i] = "an error"
				}
				continue
			}
			for _, a := range out {
				rows := []string{a.tag}
				for _, r := range a.rows {
					rows = append(rows, strings.Join(r, ","))
				}
				if !strings.HasPrefix(sql, "INSERT") {
					slices.Sort(rows)
				}
				got[i] += strings.Join(rows, "; ")
			}
		}
		if got[0] != got[1] {
			t.Fatalf("%s\n  in batches: %s\n  one by one: %s", sql, got[0], got[1])
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	both("CREATE TABLE t (id int PRIMARY KEY, k int UNIQUE, v int CHECK (v < 900), g int GENERATED ALWAYS AS (v * 2) STORED)")
	both("INSERT INTO t SELECT i, i, i FROM generate_series(1, 60) i")
	for range 300 {
		var rows []string
		ids := rng.Perm(120)[:1+rng.IntN(40)]
		for i, id := range ids {
			if rng.IntN(120) == 0 {
				id = ids[rng.IntN(i+1)]
			}
			k := fmt.Sprint(id)
			if rng.IntN(60) == 0 {
				k = []string{"NULL", "3", "500"}[rng.IntN(3)]
			}
			rows = append(rows, fmt.Sprintf("(%d, %s, %d)", id, k, rng.IntN(300)))
		}
		source := "(VALUES " + strings.Join(rows, ", ") + ") AS s (id, k, v)"
		returning := []string{"", "", " RETURNING *"}[rng.IntN(3)]
		insert := "INSERT INTO t (id, k, v) SELECT * FROM " + source + " ON CONFLICT "
		sql := ""
		switch rng.IntN(9) {
		case 0:
			sql = insert + "(id) DO NOTHING" + returning
		case 1:
			sql = insert + "DO NOTHING" + returning
		case 2:
			sql = insert + "(id) DO UPDATE SET v = t.v + excluded.v" + returning
		case 3:
			sql = insert + "(id) DO UPDATE SET v = excluded.v WHERE t.v % 3 = 0" + returning
		case 4:
			sql = insert + "(id) DO UPDATE SET k = excluded.k + 1" + returning
		case 7:
			sql = insert + "(id) DO UPDATE SET id = excluded.id, k = excluded.k, v = excluded.v" + returning
		case 8:
			sql = strings.Replace(insert, "k, v) SELECT *", "k, v) SELECT id, CASE WHEN id % 4 = 0 THEN (id * 7) % 50 ELSE k END, v", 1) + "DO NOTHING" + returning
		case 5:
			sql = "MERGE INTO t USING " + source + " ON t.id = s.id WHEN MATCHED AND s.v % 5 = 0 THEN DELETE WHEN MATCHED AND s.v % 5 = 1 THEN DO NOTHING " +
				"WHEN MATCHED THEN UPDATE SET v = t.v + s.v WHEN NOT MATCHED AND s.v % 3 = 0 THEN INSERT VALUES (s.id, s.k, s.v)" + strings.Replace(returning, "*", "merge_action(), s.id, t.*", 1)
		case 6:
			sql = "MERGE INTO t USING " + source + " ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = 1000 / (s.v - 7) WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.k, s.v)"
		}
		both(sql)
		both("SELECT * FROM t ORDER BY id")
		if rng.IntN(10) == 0 {
			both([]string{"BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "COMMIT", "ROLLBACK"}[rng.IntN(4)])
		}
	}
}
