package engine_test

import (
	"strings"
	"testing"
)

// TestLargeTransaction changes many rows in one transaction, most of which are on disk before the commit: what it sees, what is refused, what
// savepoints give back, and what others see afterwards.
func TestLargeTransaction(t *testing.T) {
	b := newBedOf(t, 512)
	defer b.store.Close()
	p, other := b.connect(t, 1), b.connect(t, 0)
	one := func(p *person, sql string) string {
		t.Helper()
		out, err := p.run(sql)
		if err != nil {
			return strings.SplitN(err.Error(), "\n", 2)[0]
		}
		var cells []string
		for _, a := range out {
			for _, r := range a.rows {
				cells = append(cells, strings.Join(r, ","))
			}
		}
		return strings.Join(cells, ";")
	}
	sums := "SELECT count(*), sum(v) FROM big"
	for _, step := range []struct {
		p         *person
		sql, want string
	}{
		{p, "CREATE TABLE big (id int PRIMARY KEY, v int NOT NULL, other int UNIQUE DEFERRABLE INITIALLY DEFERRED)", ""},
		{p, "CREATE TABLE small (id int REFERENCES big)", ""},
		{p, "INSERT INTO big VALUES (-1, 5, 0), (-2, 5, NULL)", ""},
		{p, "BEGIN", ""},
		{p, "INSERT INTO big SELECT g, 1, g FROM generate_series(1, 6000) g", ""},
		{p, sums, "6002,6010"},
		{p, "SELECT id, v FROM big WHERE id IN (-1, 5999) ORDER BY id", "-1,5;5999,1"},
		{p, "SELECT id FROM big WHERE id BETWEEN 2998 AND 3001 ORDER BY id DESC", "3001;3000;2999;2998"},
		{p, "INSERT INTO small SELECT g FROM generate_series(1, 6000, 3) g", ""},
		{other, sums, "2,10"},
		{p, "SAVEPOINT a", ""},
		{p, "INSERT INTO big VALUES (6001, 1, 1), (17, 1, 1)", `duplicate key value violates unique constraint "big_pkey"`},
		{p, "ROLLBACK TO a", ""},
		{p, "DELETE FROM small WHERE id > 100", ""},
		{p, "DELETE FROM big WHERE id > 3000", ""},
		{p, sums, "3002,3010"},
		{p, "ROLLBACK TO a", ""},
		{p, sums, "6002,6010"},
		{p, "DELETE FROM small WHERE id > 100", ""},
		{p, "UPDATE big SET v = v + 1 WHERE id % 2 = 0", ""},
		{p, "UPDATE big SET v = v + 1 WHERE id % 4 = 0", ""},
		{p, "DELETE FROM big WHERE id > 4000", ""},
		{p, "INSERT INTO big VALUES (5000, 7, 5000) ON CONFLICT (id) DO NOTHING", ""},
		{p, "INSERT INTO big VALUES (4, 7) ON CONFLICT (id) DO UPDATE SET v = 100", ""},
		{p, "SELECT v FROM big WHERE id IN (3, 4, 6, 8, -2, 5000) ORDER BY id", "6;1;100;2;3;7"},
		{p, sums, "4003,7115"},
		{p, "INSERT INTO events (entity_id, event_type, payload) VALUES ('big', 'big.done', '{}')", ""},
		{other, sums, "2,10"},
		{p, "COMMIT", ""},
		{other, sums, "4003,7115"},
		{other, "SELECT count(*) FROM events", "1"},
		{other, "SELECT v FROM big WHERE id IN (3, 4, 6, 8, -2, 5000) ORDER BY id", "6;1;100;2;3;7"},
		{other, "SELECT count(*), count(DISTINCT sys_from) FROM big FOR SYSTEM_TIME ALL WHERE id < 0", "3,2"},
		{other, "DELETE FROM big WHERE id = 1", `update or delete on table "big" violates foreign key constraint "small_id_fkey" on table "small"`},
		{p, "BEGIN", ""},
		{p, "INSERT INTO big SELECT g, 1, g % 5 FROM generate_series(100001, 104000) g", ""},
		{p, "COMMIT", `duplicate key value violates unique constraint "big_other_key"`},
		{other, sums, "4003,7115"},
		{p, "BEGIN", ""},
		{p, "TRUNCATE big CASCADE", ""},
		{p, "INSERT INTO big SELECT g, 2, g FROM generate_series(1, 9000) g", ""},
		{p, "COMMIT", ""},
		{other, sums, "9000,18000"},
		{other, "SELECT count(*) FROM small", "0"},
	} {
		if got := one(step.p, step.sql); got != step.want {
			t.Fatalf("%s\n gives %s\nexpected %s", step.sql, got, step.want)
		}
	}
	b.store.Close()
	b.open(t)
	if got := one(b.connect(t, 0), sums); got != "9000,18000" {
		t.Errorf("after a restart there are %s", got)
	}
}
