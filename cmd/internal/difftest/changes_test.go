package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// changeMaker makes statements that change many rows of three tables: t, whose rows refer to p and to each other, and c, which refers to t. In what order a
// statement comes to its rows is all one for its outcome.
type changeMaker struct{ *sequenceMaker }

// changes is a sequence of such statements.
func changes(r *rand.Rand) []string {
	g := changeMaker{&sequenceMaker{r: r}}
	list := g.define()
	for range 20 + r.IntN(30) {
		list = append(list, g.statement())
		if g.chance(30) {
			list = append(list, "SELECT * FROM "+oneOf(g.sequenceMaker, "t", "t", "c", "p", "tv"))
		}
	}
	return list
}

func (g changeMaker) one(list ...string) string { return oneOf(g.sequenceMaker, list...) }

func (g changeMaker) define() []string {
	onDelete := func() string {
		return g.one("", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON DELETE CASCADE", " ON DELETE RESTRICT") + g.one("", "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED")
	}
	action := func() string { return g.one("", " ON UPDATE CASCADE", " ON UPDATE SET NULL") + onDelete() }
	return []string{
		"CREATE TABLE p (id int PRIMARY KEY, n int)",
		"CREATE TABLE t (id int PRIMARY KEY, k int UNIQUE" + g.one("", "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED") + ", a int NOT NULL DEFAULT 5 CHECK (a <> 13), " +
			"b text, g int GENERATED ALWAYS AS (a * 2) STORED, p int REFERENCES p" + action() + ", s int REFERENCES t" + onDelete() + g.one("", ", UNIQUE (g, id)") + ")",
		"CREATE UNIQUE INDEX ON t ((coalesce(k, -1))) WHERE b = 'x'",
		g.one("CREATE INDEX ON t (a)", "CREATE INDEX ON t (b, a)", "CREATE INDEX ON t (a DESC) WHERE b IS NOT NULL"),
		"CREATE TABLE c (id int, t int REFERENCES t" + action() + ", v int)",
		g.one("CREATE INDEX ON c (t)", "CREATE INDEX ON c (v)"),
		"CREATE VIEW tv AS SELECT id, k, a, b, p FROM t WHERE a < 60" + g.one("", " WITH CHECK OPTION"),
		"INSERT INTO p SELECT i, i FROM generate_series(0, 9) i",
		fmt.Sprintf("INSERT INTO t (id, k, a, p, s) SELECT i, i * 2, 20 + i, i %% 10, nullif(i / 2, 0) FROM generate_series(1, %d) i", 5+g.r.IntN(40)),
		"INSERT INTO c SELECT i, 1 + i % 5, i FROM generate_series(1, 30) i",
	}
}

// n is a number up to one.
func (g changeMaker) n(most int) string { return fmt.Sprint(g.r.IntN(most)) }

func (g changeMaker) statement() string {
	switch n := g.r.IntN(100); {
	case n < 20:
		return g.insert()
	case n < 40:
		return g.update()
	case n < 48:
		return g.remove()
	case n < 56:
		return g.merge()
	case n < 70:
		return g.conflict()
	case n < 76:
		return g.look()
	case n < 78:
		// A table whose rows wait to be looked at can neither be emptied nor get an index in PostgreSQL.
		return g.one("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE c", "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE t CASCADE", "SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS ALL IMMEDIATE; CREATE INDEX ON t (p)")
	}
	return g.one("BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT a", "SAVEPOINT a", "ROLLBACK TO a", "ROLLBACK TO a", "RELEASE a", "SAVEPOINT b", "ROLLBACK TO b")
}

// some is a condition on rows of t.
func (g changeMaker) some() string {
	return g.one("id % "+g.one("1", "2", "3", "5")+" = 1", "id > "+g.n(60), "a BETWEEN 10 AND "+g.n(90), "k = "+g.n(80), "b IS NULL", "b = 'x'", "p = "+g.n(10), "s IS NOT NULL",
		"id IN ("+g.n(50)+", "+g.n(50)+", "+g.n(50)+")", "true", "k > "+g.n(80)+" AND a % 3 = 0", "EXISTS (SELECT FROM c WHERE c.t = t.id)")
}

func (g changeMaker) returning(of string) string {
	if g.chance(60) {
		return ""
	}
	return " RETURNING " + of
}

// rows are new rows of t, as VALUES of id, k, a, b.
func (g changeMaker) rows() string {
	var rows []string
	for range 1 + g.r.IntN(12) {
		rows = append(rows, fmt.Sprintf("(%s, %s, %s, %s)", g.n(90), g.one(g.n(200), g.n(200), "NULL"), g.n(80), g.one("'x'", "'y'", "NULL", "'long text'")))
	}
	return "(VALUES " + strings.Join(rows, ", ") + ")"
}

func (g changeMaker) insert() string {
	from := g.n(150)
	return g.one(
		"INSERT INTO t (id, k, a, p) SELECT i, i * 3, i % 70 + 14, i % 10 FROM generate_series("+from+", "+from+" + "+g.n(20)+") i"+g.returning("id, g, k"),
		"INSERT INTO t (id, k, a, b) SELECT 100 + i, 200 + i, i + 20, 'x' FROM generate_series(1, "+g.n(30)+") i"+g.returning("*"),
		"INSERT INTO t (id, k, a, b) SELECT id, k, a, b FROM "+g.rows()+" AS r (id, k, a, b)"+g.returning("*"),
		"INSERT INTO tv (id, k, a, b) SELECT id, k, a, b FROM "+g.rows()+" AS r (id, k, a, b)"+g.returning("*"),
		"INSERT INTO c SELECT i, i % 40, "+g.n(9)+" FROM generate_series(1, "+g.n(30)+") i"+g.returning("*"),
		"INSERT INTO p SELECT i, i FROM generate_series("+from+", "+from+" + "+g.n(9)+") i",
		"INSERT INTO t (id, s) SELECT i, i - 1 FROM generate_series("+from+", "+from+" + "+g.n(9)+") i",
	)
}

func (g changeMaker) update() string {
	where := " WHERE " + g.some()
	return g.one(
		"UPDATE t SET a = a + 1"+where+g.returning("id, a, g"),
		"UPDATE t SET b = "+g.one("'x'", "'y'", "NULL", "repeat('z', 40)")+where+g.returning("*"),
		"UPDATE t SET a = a + "+g.n(9)+", b = b || 'q', s = nullif(s, "+g.n(30)+")"+where,
		"UPDATE t SET id = id + 1000 WHERE id < 1000 AND "+g.some()+g.returning("id, k"),
		"UPDATE t SET id = id - 1000 WHERE id >= 1000",
		"UPDATE t SET k = -k"+where+g.returning("id, k"),
		"UPDATE t SET k = NULL, a = id % 50"+where,
		"UPDATE t SET id = id, k = k, a = a"+where+g.returning("id"),
		"UPDATE t SET p = "+g.n(12)+where+g.returning("id, p"),
		"UPDATE t SET s = id"+where,
		"UPDATE t SET a = DEFAULT, b = 'x'"+where,
		"UPDATE tv SET a = a + "+g.n(20)+" WHERE id > "+g.n(50)+g.returning("*"),
		"UPDATE tv SET b = 'y', k = k + 1000 WHERE k < 900"+g.returning("id, k"),
		"UPDATE t SET a = r.a FROM (SELECT id, max(a) FROM "+g.rows()+" AS r (id, k, a, b) GROUP BY id) AS r (id, a) WHERE t.id = r.id AND t.k % 2 = 0 AND r.id NOT IN (SELECT id FROM c)",
		"UPDATE p SET id = id + 100 WHERE id < 100 AND id % "+g.one("1", "2", "3")+" = 0"+g.returning("id"),
		"UPDATE p SET n = n + 1 WHERE id < "+g.n(10),
		"UPDATE c SET t = "+g.n(40)+" WHERE v = "+g.n(30),
		"UPDATE c SET v = v + 1 WHERE t < "+g.n(40)+g.returning("id, v"),
		"WITH moved AS (UPDATE t SET a = a + 1"+where+" RETURNING id) UPDATE c SET v = -v WHERE t IN (SELECT id FROM moved)"+g.returning("*"),
	)
}

func (g changeMaker) remove() string {
	return g.one(
		"DELETE FROM t WHERE "+g.some()+g.returning("*"),
		"DELETE FROM t WHERE id > "+g.n(150)+g.returning("id, g"),
		"DELETE FROM tv WHERE a % "+g.one("2", "3", "7")+" = 1"+g.returning("*"),
		"DELETE FROM c WHERE v % "+g.one("1", "2", "4")+" = 1"+g.returning("id"),
		"DELETE FROM c USING t WHERE t.id = c.t AND "+strings.ReplaceAll(g.some(), "id ", "t.id "),
		"DELETE FROM p WHERE id IN ("+g.n(10)+", "+g.n(10)+")",
		"WITH gone AS (DELETE FROM c WHERE v < "+g.n(20)+" RETURNING t) UPDATE t SET a = a + 1 WHERE id IN (SELECT t FROM gone)"+g.returning("id, a"),
		"WITH gone AS (DELETE FROM c RETURNING *) INSERT INTO c SELECT id + 1, t, v FROM gone",
	)
}

func (g changeMaker) merge() string {
	rows := g.rows() + " AS r (id, k, a, b) ON t.id = r.id"
	return g.one(
		"MERGE INTO t USING "+rows+" WHEN MATCHED AND r.a % 5 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET a = t.a + r.a, b = r.b || 'm' WHEN NOT MATCHED AND r.a % 3 = 0 THEN DO NOTHING "+
			"WHEN NOT MATCHED THEN INSERT (id, a) VALUES (r.id, r.a)",
		"MERGE INTO t USING "+rows+" WHEN MATCHED THEN UPDATE SET a = r.a WHEN NOT MATCHED AND r.a < 40 THEN INSERT (id, a, b) VALUES (r.id, r.a, 'y') WHEN NOT MATCHED THEN INSERT (id, s) VALUES (r.id, r.id)",
		"MERGE INTO t USING "+rows+" AND t.a > 20 WHEN NOT MATCHED THEN INSERT (id, a) VALUES (r.id + 300, r.a) WHEN MATCHED AND r.b = 'x' THEN UPDATE SET s = NULL, p = r.a % 10 WHEN MATCHED THEN DO NOTHING",
		"MERGE INTO c USING t ON c.t = t.id WHEN MATCHED AND c.v % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = c.v + t.a WHEN NOT MATCHED THEN INSERT VALUES (t.id, t.id, 1)",
	)
}

func (g changeMaker) conflict() string {
	head := "INSERT INTO t (id, k, a, b) SELECT * FROM " + g.rows() + " AS r (id, k, a, b) ON CONFLICT "
	numbers := "INSERT INTO t (id, k, a) SELECT i, i * 2, i % 60 + 14 FROM generate_series(" + g.n(30) + ", " + g.n(80) + ") i ON CONFLICT "
	return g.one(
		head+"DO NOTHING"+g.returning("*"),
		numbers+"DO NOTHING"+g.returning("id"),
		head+"(id) DO NOTHING"+g.returning("*"),
		numbers+"(id) DO UPDATE SET a = t.a + excluded.a"+g.returning("*"),
		numbers+"(id) DO UPDATE SET a = excluded.a, b = 'y' WHERE t.a % 3 <> 0"+g.returning("id, a"),
		numbers+"(id) DO UPDATE SET k = excluded.k"+g.returning("id, k"),
		head+"(id) DO UPDATE SET a = excluded.a"+g.returning("*"),
		numbers+"(id) DO UPDATE SET id = t.id + 2000"+g.returning("id, g"),
		head+"((coalesce(k, -1))) WHERE b = 'x' DO UPDATE SET a = t.a + 100"+g.returning("*"),
		"INSERT INTO p SELECT i, 0 FROM generate_series(0, "+g.n(30)+") i ON CONFLICT (id) DO UPDATE SET n = p.n + 1"+g.returning("*"),
	)
}

// look reads by ways that meet the transaction's own rows.
func (g changeMaker) look() string {
	return g.one("SELECT id, g FROM t WHERE "+g.some(), "SELECT count(*), sum(a), max(k), min(id) FROM t", "SELECT k FROM t WHERE k > "+g.n(90)+" ORDER BY k LIMIT 5",
		"SELECT t.id, v FROM t JOIN c ON c.t = t.id WHERE t.id = "+g.n(40), "SELECT id FROM t ORDER BY id DESC LIMIT 3", "SELECT b, count(*) FROM t GROUP BY b",
		"SELECT id FROM t WHERE a = "+g.n(60)+" FOR UPDATE", "SELECT id FROM t WHERE id = "+g.n(60)+" FOR SHARE")
}
