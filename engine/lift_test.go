package engine

import "testing"

func TestLift(t *testing.T) {
	for _, c := range []struct {
		script, want string // want: "" where nothing is lifted
		values       []int64
	}{
		{"UPDATE t SET a = a + -5 WHERE id=7;", "UPDATE t SET a = a + -$1 WHERE id=$2;", []int64{5, 7}},
		{"select a from t1 where x.id = 12 and b>3000000000", "select a from t1 where x.id = $1 and b>$2", []int64{12, 3000000000}},
		{"INSERT INTO t (a, b) VALUES (1, 'it''s 5'), ((2), now())", "INSERT INTO t (a, b) VALUES ($1, 'it''s 5'), (($2), now())", []int64{1, 2}},
		{"delete from t where id in (1, 2) and a = -3", "delete from t where id in ($1, $2) and a = -$3", []int64{1, 2, 3}},
		{"SELECT a FROM t WHERE id = 1 LIMIT 5", "SELECT a FROM t WHERE id = $1 LIMIT 5", []int64{1}},
		{"SELECT round(a, 2) FROM t WHERE id = 1", "SELECT round(a, 2) FROM t WHERE id = $1", []int64{1}},
		{"SELECT a FROM t WHERE c = numeric(5,2) '1'", "", nil},
		{"SELECT a FROM t WHERE id = 1 ORDER BY a, 2", "", nil},
		{"SELECT a, count(*) FROM t WHERE id = 1 GROUP BY 1", "", nil},
		{"SELECT 1", "", nil},
		{"SELECT a FROM t WHERE id = 1.5", "", nil},
		{"SELECT a FROM t WHERE id = .5", "", nil},
		{"SELECT a FROM t WHERE id = 1e5", "", nil},
		{"SELECT a FROM t WHERE id = 1_000", "", nil},
		{"SELECT a FROM t WHERE id = 0x10", "", nil},
		{"SELECT a FROM t WHERE id = 99999999999999999999", "", nil},
		{"SELECT -2147483648 FROM t WHERE id = 1", "", nil},
		{"SELECT a FROM t WHERE id = 1 -- 5", "", nil},
		{"SELECT a FROM t WHERE id = /* 5 */ 1", "", nil},
		{"SELECT a FROM t WHERE id = $1 AND a = 2", "", nil},
		{"SELECT a FROM t WHERE n = E'\\' = 5'", "", nil},
		{"SELECT a FROM t WHERE n = 'x\\' AND id = 5", "", nil},
		{"SELECT a FROM t WHERE n = $$ = 5$$", "", nil},
		{"SELECT a[1] FROM t WHERE id = 5", "", nil},
		{"SELECT a::numeric(5,2) FROM t WHERE id = 5", "", nil},
		{"SELECT 1; SELECT a FROM t WHERE id = 5", "", nil},
		{"CREATE TABLE t AS SELECT 1 WHERE 1 = 1", "", nil},
		{"SELECT a FROM t WHERE id = 'open", "", nil},
		{"", "", nil},
	} {
		l, ok := lift(c.script)
		if ok != (c.want != "") || ok && l.text != c.want {
			t.Errorf("%s: %q, want %q", c.script, l.text, c.want)
			continue
		}
		for i, v := range c.values {
			if l.values[i].Int(0) != v {
				t.Errorf("%s: value %d is %d, want %d", c.script, i+1, l.values[i].Int(0), v)
			}
		}
	}
}
