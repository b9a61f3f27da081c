package engine_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// endless are queries that would not end for hours, one or more for each operator, each with its work in that operator.
var endless = []struct{ name, sql string }{
	{"function", `SELECT * FROM generate_series(1, 1000000000000) OFFSET 999999999999`},
	{"function of numeric", `SELECT * FROM generate_series(1.5, 1e12) OFFSET 999999999999`},
	{"set in the select list", `SELECT generate_series(1, 1000000000000) OFFSET 999999999999`},
	{"filter", `SELECT a FROM generate_series(1, 1000000000000) a WHERE a::text ~ '^(1*2*3*)*$' AND a < 0`},
	{"scan", `SELECT count(*) FROM big a, big b, big c, big d WHERE a.id < b.id`},
	{"sort", `SELECT a FROM generate_series(1, 1000000000000) a ORDER BY -a`},
	{"top", `SELECT a FROM generate_series(1, 1000000000000) a ORDER BY -a LIMIT 5`},
	{"aggregate", `SELECT sum(a), max(a::text) FROM generate_series(1, 1000000000000) a`},
	{"groups", `SELECT a % 100, count(*) FROM generate_series(1, 1000000000000) a GROUP BY 1`},
	{"groups in files", `SELECT a, count(*) FROM generate_series(1, 1000000000000) a GROUP BY 1`},
	{"grouping sets", `SELECT a % 3, a % 5, count(*) FROM generate_series(1, 1000000000000) a GROUP BY CUBE (1, 2)`},
	{"distinct", `SELECT DISTINCT a % 1000 FROM generate_series(1, 1000000000000) a`},
	{"distinct in files", `SELECT DISTINCT a FROM generate_series(1, 1000000000000) a OFFSET 999999999999`},
	{"distinct on", `SELECT DISTINCT ON (a / 1000) a FROM generate_series(1, 1000000000000) a ORDER BY a / 1000, a`},
	{"count distinct", `SELECT count(DISTINCT a) FROM generate_series(1, 1000000000000) a`},
	{"percentile", `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM generate_series(1, 1000000000000) a`},
	{"percentile of text", `SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY a::text) FROM generate_series(1, 1000000000000) a`},
	{"hash join", `SELECT count(*) FROM generate_series(1, 1000000000000) a JOIN generate_series(1, 1000) b ON a % 1000 = b`},
	{"hash join in files", `SELECT count(*) FROM generate_series(1, 1000000000000) a JOIN generate_series(1, 1000000000000) b ON a = b`},
	{"many matches", `SELECT count(*) FROM generate_series(1, 100000) a JOIN generate_series(1, 10000000) b ON a % 2 = b % 2`},
	{"full join", `SELECT count(*) FROM generate_series(1, 1000000000000) a FULL JOIN generate_series(1, 10) b ON a = b`},
	{"nested loop", `SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a * b < 0`},
	{"semi-join", `SELECT count(*) FROM generate_series(1, 1000000000000) a WHERE a % 10 IN (SELECT b FROM generate_series(1, 5) b)`},
	{"lateral", `SELECT count(*) FROM generate_series(1, 1000000) a, LATERAL (SELECT b FROM generate_series(1, a) b ORDER BY b * a LIMIT 3) c`},
	{"lateral function", `SELECT count(*) FROM generate_series(1, 1000000) a, LATERAL generate_series(1, a) b`},
	{"correlated subquery", `SELECT sum((SELECT max(b * a) FROM generate_series(1, a) b WHERE b % 7 <> a % 5)) FROM generate_series(1, 1000000) a`},
	{"window", `SELECT row_number() OVER (ORDER BY a) FROM generate_series(1, 1000000000000) a OFFSET 999999999999`},
	{"window of partitions", `SELECT sum(a) OVER (PARTITION BY a % 10 ORDER BY -a) FROM generate_series(1, 1000000000000) a`},
	{"moving frame", `SELECT sum(a::float8) OVER (ORDER BY a ROWS BETWEEN 10000 PRECEDING AND 10000 FOLLOWING) FROM generate_series(1, 500000) a`},
	{"collected frame", `SELECT string_agg(a::text, ',') OVER (ORDER BY a ROWS BETWEEN 10000 PRECEDING AND 10000 FOLLOWING) FROM generate_series(1, 500000) a`},
	{"union", `SELECT count(*) FROM (SELECT a FROM generate_series(1, 1000000000000) a UNION SELECT a FROM generate_series(1, 1000000000000) a) u`},
	{"union all", `SELECT count(*) FROM (SELECT a FROM generate_series(1, 1000000000000) a UNION ALL SELECT a FROM generate_series(1, 9) a) u`},
	{"intersect", `SELECT a FROM generate_series(1, 1000000000000) a INTERSECT SELECT -a FROM generate_series(1, 1000000000000) a`},
	{"except", `SELECT a FROM generate_series(1, 1000000000000) a EXCEPT ALL SELECT a FROM generate_series(1, 1000000000000) a`},
	{"recursion", `WITH RECURSIVE t(n) AS (SELECT 1::bigint UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t`},
	{"recursion of distinct rows", `WITH RECURSIVE t(n) AS (SELECT 1::bigint UNION SELECT n + 1 FROM t) SELECT count(*) FROM t`},
	{"WITH", `WITH t AS MATERIALIZED (SELECT a FROM generate_series(1, 1000000000000) a) SELECT count(*) FROM t, t u`},
	{"elements of arrays", `SELECT count(*) FROM generate_series(1, 1000000000) a, unnest(array_fill(a, ARRAY[1000])) b`},
	{"elements of documents", `SELECT count(*) FROM generate_series(1, 1000000000) a, jsonb_array_elements('[1, 2, 3]') b, jsonb_each('{"a": 1}') c`},
	{"string_agg", `SELECT length(string_agg('', '')) FROM generate_series(1, 1000000000000) a`},
	{"explain analyze", `EXPLAIN ANALYZE SELECT count(*) FROM generate_series(1, 1000000000000) a`},
	{"insert", `INSERT INTO events (entity_id, event_type, payload) SELECT 'x', 'y', '{}' FROM generate_series(1, 1000000000000) a WHERE a < 0`},
	{"copy out", `COPY (SELECT a FROM generate_series(1, 1000000000000) a WHERE a < 0) TO STDOUT`},
	{"cursor", `BEGIN; DECLARE c CURSOR FOR SELECT a FROM generate_series(1, 1000000000000) a WHERE a < 0; FETCH 10 FROM c`},
}

// big is what endless scans read.
const big = `WITH big AS NOT MATERIALIZED (SELECT position AS id FROM events) `

// TestCancelAnywhere ends each endless query by the statement's timeout, while it works, and looks that memory and session
// are as before.
func TestCancelAnywhere(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	b := newBed(t)
	defer b.close(t)
	for k := range b.engines {
		p := b.connect(t, k)
		defer p.s.Close()
		for _, sql := range []string{
			`INSERT INTO events (entity_id, event_type, payload) SELECT 'e' || a, 't', '{}' FROM generate_series(1, 2000) a`,
			`SET statement_timeout = '50ms'`,
		} {
			if _, err := p.run(sql); err != nil {
				t.Fatal(sql, err)
			}
		}
		for _, q := range endless {
			if q.name == "scan" {
				q.sql = big + q.sql
			}
			p.endsInTime(t, q.name, q.sql)
		}
		if _, err := p.run(`SET statement_timeout = 0`); err != nil {
			t.Fatal(err)
		}
		// Nothing is left of what they held: one query may have nearly all memory.
		if _, err := p.run(`SELECT cardinality(array_agg(repeat('x', 1000) || a)) FROM generate_series(1, 20000) a`); err != nil {
			t.Error("memory after all:", err)
		}
	}
}

// endsInTime runs a query that is to end with 57014. The minute is a guard, not a measure.
func (p *person) endsInTime(t *testing.T, name, sql string) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := p.run(sql)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || pgerr.From(err).Code != pgerr.QueryCanceled {
			t.Errorf("%s: %v, not that it was canceled", name, err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s: goes on after its timeout", name)
	}
	if _, err := p.run(`ROLLBACK`); err != nil {
		t.Errorf("%s: the session after it: %v", name, err)
	}
}
