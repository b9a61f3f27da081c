package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// TestSerialOrder lets few transactions at SERIALIZABLE run through each other and looks for an order of those that were committed in which, one after the
// other, they give the same answers and leave the same rows and events. Who would wait gives up. Whatever way a statement reads must be noted, or now and then
// there is no such order.
func TestSerialOrder(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 200
	}
	b := newBed(t)
	defer b.close(t)
	for worker := range b.engines { // the second has several workers, and writes what a transaction does to disk at once
		t.Run(fmt.Sprint("engine ", worker), func(t *testing.T) { serialOrder(t, b, worker, rounds) })
	}
}

func serialOrder(t *testing.T, b *bed, worker, rounds int) {
	st := &serialStage{t: t, admin: b.connect(t, worker)}
	defer st.admin.s.Close()
	for i := range st.people {
		st.people[i] = b.connect(t, worker)
		defer st.people[i].s.Close()
		st.must(st.people[i], "SET lock_timeout = '1ms'; SET default_transaction_isolation = serializable")
	}
	st.must(st.admin, `DROP TABLE IF EXISTS u, t CASCADE; CREATE TABLE t (k int PRIMARY KEY, v numeric, g int); CREATE INDEX ON t (g); CREATE TABLE u (k int PRIMARY KEY REFERENCES t);
		CREATE VIEW w AS SELECT g, count(*) AS n, sum(v) AS v FROM t GROUP BY g;
		CREATE OR REPLACE FUNCTION held(x int) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(v) FROM t WHERE g = x'`)
	committed, refused := 0, 0
	for n := range rounds {
		r := rand.New(rand.NewPCG(uint64(n), uint64(worker)))
		txs := serialScript(r, n)
		if n%40 == 0 {
			if err := errors.Join(b.db.Seal(t.Context()), b.db.Compact(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		script, done := st.play(r, fmt.Sprintf("a%d.%d-", worker, n), txs)
		for _, tx := range done {
			if tx.over {
				committed++
			} else if tx.code == "40001" {
				refused++
			}
		}
		if !st.serial(fmt.Sprintf("b%d.%d", worker, n), done) {
			t.Fatalf("round %d: there is no order:\n%s", n, strings.Join(script, "\n"))
		}
	}
	t.Logf("%d committed, %d refused", committed, refused)
	if committed < rounds || refused < rounds/20 {
		t.Errorf("%d committed and %d refused in %d rounds prove little", committed, refused, rounds)
	}
}

// serialStage is who plays.
type serialStage struct {
	t      *testing.T
	admin  *person
	people [4]*person
	end    string // what is there in the end
}

// serialTx is a transaction: what it says, what it was answered, and whether it was committed.
type serialTx struct {
	says    []string
	answers []string
	over    bool
	code    string // of the error that it ended with
	lost    bool   // it met others' locks or changes
}

var serialStatements = []string{
	"SELECT v FROM t WHERE k = {k}",
	"SELECT v FROM t WHERE k = {k} FOR UPDATE",
	"SELECT k, v FROM t WHERE k > {k} AND k <= {k} + 2 ORDER BY k",
	"SELECT k FROM t WHERE k >= {k} ORDER BY k LIMIT 1",
	"SELECT k FROM t ORDER BY k DESC LIMIT 1",
	"SELECT count(*), sum(v) FROM t",
	"SELECT max(k) FROM t",
	"SELECT sum(v) FROM t WHERE g = {g}",
	"SELECT count(*) FROM t WHERE v > {n}",
	"SELECT n, v FROM w WHERE g = {g}",
	"SELECT held({g})",
	"SELECT t.v FROM u JOIN t ON t.k = u.k ORDER BY 1",
	"SELECT k FROM t WHERE g = {g} AND NOT EXISTS (SELECT FROM u WHERE u.k = t.k) ORDER BY k",
	"SELECT (SELECT v FROM t WHERE t.k = x) FROM generate_series({k}, {k} + 1) AS x",
	"INSERT INTO t VALUES ({k}, {n}, {g})",
	"INSERT INTO t VALUES ({k}, {n}, {g}) ON CONFLICT DO NOTHING",
	"INSERT INTO t VALUES ({k}, {n}, {g}) ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v RETURNING v",
	"INSERT INTO t SELECT max(k) + 1, count(*), {g} FROM t",
	"UPDATE t SET v = v + {n} WHERE k = {k}",
	"UPDATE t SET v = v + 1 WHERE g = {g}",
	"UPDATE t SET v = (SELECT sum(v) FROM t WHERE g = {g}) WHERE k = {k} RETURNING v",
	"UPDATE t SET g = {g} WHERE k = {k}",
	"UPDATE t SET k = k + 3 WHERE k = {k}",
	"DELETE FROM t WHERE k = {k}",
	"DELETE FROM t WHERE v > {n} + 20",
	"MERGE INTO t USING (VALUES ({k})) AS s (k) ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = 0 WHEN NOT MATCHED THEN INSERT VALUES (s.k, 1, 1)",
	"INSERT INTO u VALUES ({k})",
	"DELETE FROM u WHERE k = {k}",
	"SELECT count(*) FROM u",
	"SELECT count(*) FROM events WHERE entity_id = '{e}{g}'",
	"SELECT count(*) FROM events WHERE event_type = '{e}{g}'",
	"SELECT count(*) FROM events WHERE entity_id LIKE '{e}%'",
	"SELECT entity_state('{e}{g}')",
	"SELECT state FROM entities WHERE entity_id = '{e}{g}'",
	"INSERT INTO events (entity_id, event_type, payload) VALUES ('{e}{g}', '{e}{k}', '{\"n\": {n}}')",
	"INSERT INTO events (entity_id, event_type, payload) SELECT '{e}{g}', '{e}{k}', jsonb_build_object('n', sum(v)) FROM t WHERE g = {g}",
	"INSERT INTO events (entity_id, event_type) SELECT '{e}{g}', '{e}2' FROM events WHERE event_type = '{e}1'",
}

// serialScript is what transactions say in round n: most read and then change, with few kinds of statements about few rows, so that they meet.
func serialScript(r *rand.Rand, n int) [][]string {
	about := serialStatements
	switch n % 4 {
	case 0:
		about = about[slices.IndexFunc(about, func(s string) bool { return strings.Contains(s, "FROM events") }):]
	case 1:
		about = slices.DeleteFunc(slices.Clone(about), func(s string) bool { return !strings.Contains(s, "{k}") })
	}
	reads := slices.DeleteFunc(slices.Clone(about), func(s string) bool { return !strings.HasPrefix(s, "SELECT") })
	var few [2][]string // reads and changes
	for range 1 + n/4%2 {
		few[0] = append(few[0], reads[r.IntN(len(reads))])
		few[1] = append(few[1], about[r.IntN(len(about))])
	}
	txs := make([][]string, 2+r.IntN(2+n/4%2))
	for i := range txs {
		for k := range 2 + r.IntN(1+n/4%2) {
			txs[i] = append(txs[i], serialStatement(r, few[min(k, 1)], 2+n%3))
		}
	}
	return txs
}

func serialStatement(r *rand.Rand, list []string, keys int) string {
	k, n, g := r.IntN(keys)+1, r.IntN(40), r.IntN(2)+1
	text := strings.NewReplacer("{k}", fmt.Sprint(k), "{n}", fmt.Sprint(n), "{g}", fmt.Sprint(g)).Replace(list[r.IntN(len(list))])
	if r.IntN(6) == 0 {
		return "SAVEPOINT s; " + text + "; ROLLBACK TO s"
	}
	return text
}

// play runs transactions through each other.
func (st *serialStage) play(r *rand.Rand, entities string, txs [][]string) (script []string, done []*serialTx) {
	st.reset()
	next := make([]int, len(txs))
	for i := range txs {
		done = append(done, &serialTx{says: txs[i]})
	}
	for {
		var open []int
		for i := range txs {
			if next[i] < len(txs[i])+2 {
				open = append(open, i)
			}
		}
		if len(open) == 0 {
			break
		}
		i := open[r.IntN(len(open))]
		p, tx := st.people[i], done[i]
		says := "BEGIN"
		switch {
		case next[i] == len(txs[i])+1 && tx.lost:
			says = "ROLLBACK" // one after the other nobody would have met this
		case next[i] == len(txs[i])+1:
			says = "COMMIT"
		case next[i] > 0:
			says = txs[i][next[i]-1]
		}
		next[i]++
		got, code := st.say(p, says, entities)
		script = append(script, fmt.Sprintf("%d: %s\n     %s", i, says, got))
		if code != "" && tx.code == "" && !strings.HasPrefix(says, "SAVEPOINT") {
			tx.code = code
		}
		tx.lost = tx.lost || code == "55P03" || code == "40001"
		if says != "BEGIN" && says != "COMMIT" {
			tx.answers = append(tx.answers, got)
		}
		tx.over = says == "COMMIT" && got == "COMMIT"
	}
	st.end = st.state(entities)
	return append(script, st.end), done
}

// say runs a statement, or several around a savepoint, and tells what was answered. The beginnings of names of entities are as in a statement.
func (st *serialStage) say(p *person, says, entities string) (answer, code string) {
	var out []string
	for _, one := range strings.Split(says, "; ") {
		list, err := p.run(strings.ReplaceAll(one, "{e}", entities))
		var e *pgerr.Error
		if err != nil && !errors.As(err, &e) {
			st.t.Fatal(err)
		}
		if err != nil {
			code = string(e.Code)
			out = append(out, code)
			continue
		}
		for _, a := range list {
			out = append(out, a.tag)
			for _, row := range a.rows {
				out = append(out, strings.Join(row, ","))
			}
		}
	}
	return strings.ReplaceAll(strings.Join(out, " "), entities, ""), code
}

func (st *serialStage) must(p *person, script string) {
	st.t.Helper()
	if _, err := p.run(script); err != nil {
		st.t.Fatal(err)
	}
}

func (st *serialStage) reset() {
	st.must(st.admin, "TRUNCATE u, t; INSERT INTO t VALUES (1, 10, 1), (2, 20, 2), (4, 40, 1); INSERT INTO u VALUES (2)")
}

// state is all rows and events.
func (st *serialStage) state(entities string) string {
	var out []string
	for _, q := range []string{"SELECT * FROM t ORDER BY k", "SELECT * FROM u ORDER BY k",
		"SELECT entity_id, event_type, payload FROM events WHERE entity_id LIKE '{e}%' ORDER BY position"} {
		got, _ := st.say(st.admin, q, entities)
		out = append(out, got)
	}
	return strings.Join(out, "\n")
}

// serial reports whether there is an order of the committed transactions that explains everything.
func (st *serialStage) serial(entities string, done []*serialTx) bool {
	done = slices.DeleteFunc(slices.Clone(done), func(tx *serialTx) bool { return !tx.over })
	try := 0
	var order func(k int) bool
	order = func(k int) bool {
		if k == len(done) {
			try++
			return st.again(done, fmt.Sprintf("%s.%d-", entities, try))
		}
		for i := k; i < len(done); i++ {
			done[k], done[i] = done[i], done[k]
			if order(k + 1) {
				return true
			}
			done[k], done[i] = done[i], done[k]
		}
		return false
	}
	return order(0)
}

// again runs transactions one after the other and reports whether all is as it was.
func (st *serialStage) again(done []*serialTx, entities string) bool {
	st.reset()
	for _, tx := range done {
		st.must(st.admin, "BEGIN")
		for i, says := range tx.says {
			if got, _ := st.say(st.admin, says, entities); got != tx.answers[i] {
				st.must(st.admin, "ROLLBACK")
				return false
			}
		}
		st.must(st.admin, "COMMIT")
	}
	return st.state(entities) == st.end
}
