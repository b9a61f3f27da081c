package engine_test

import (
	"fmt"
	"strings"
	"testing"
)

// A statement that comes with other values finds a plan of those before it, and does what it does when it is planned by itself: a comment
// keeps it from sharing.
func TestLiftedStatementsDoTheSame(t *testing.T) {
	b := newBed(t)
	shared, alone := b.connect(t, 0), b.connect(t, 1)
	run := func(p *person, script string) string {
		out, err := p.run(script)
		var text strings.Builder
		for _, a := range out {
			fmt.Fprintln(&text, a.tag, a.fields, a.types, a.rows)
		}
		if err != nil {
			fmt.Fprintln(&text, err)
		}
		return text.String()
	}
	for _, name := range []string{"a", "b"} {
		if _, err := shared.run("CREATE TABLE " + name + ` (id int PRIMARY KEY, s smallint, n numeric(6, 2), l bigint, x text, d float8 DEFAULT 1.5, CHECK (s < 100))`); err != nil {
			t.Fatal(err)
		}
	}
	for _, form := range []string{
		"INSERT INTO %[1]s (id, s, n, l, x) VALUES (%[2]d, %[2]d, %[2]d, %[2]d, 'x') RETURNING *",
		"SELECT * FROM %[1]s WHERE id = %[2]d",
		"SELECT id + %[2]d, n / 3 FROM %[1]s WHERE id = %[2]d",
		"SELECT -%[2]d, n - %[2]d, d * %[2]d, l + %[2]d000000000 FROM %[1]s WHERE n > %[2]d AND s <= %[2]d",
		"SELECT -2147483648 - id, -%[2]d - id FROM %[1]s WHERE l = %[2]d",
		"UPDATE %[1]s SET s = s + %[2]d, n = n + -%[2]d, l = %[2]d WHERE id = %[2]d RETURNING *",
		"UPDATE %[1]s SET s = %[2]d0 WHERE id = %[2]d",
		"UPDATE %[1]s SET s = %[2]d000000 WHERE id = %[2]d",
		"UPDATE %[1]s SET x = %[2]d WHERE id = %[2]d",
		"SELECT * FROM %[1]s WHERE x = %[2]d",
		"SELECT * FROM %[1]s WHERE id IN (%[2]d, 3)",
		"SELECT count(*) FROM %[1]s WHERE id > %[2]d LIMIT %[2]d",
		"SELECT x FROM %[1]s WHERE id >= %[2]d AND d = %[2]d",
		"SELECT * FROM %[1]s WHERE id = %[2]d FOR UPDATE",
		"SELECT * FROM %[1]s AS OF SYSTEM TIME '-1s' WHERE id = %[2]d",
		"INSERT INTO %[1]s (id, x) VALUES (%[2]d, %[2]d)",
		"DELETE FROM %[1]s WHERE id = %[2]d",
	} {
		for _, n := range []int{4, 5, 6, 70, 8, 2147483648, 3} {
			if strings.Contains(form, "IN (") {
				n %= 1000
			}
			got, want := run(shared, fmt.Sprintf(form, "a", n)), run(alone, fmt.Sprintf(form, "b", n)+" /**/")
			if got = strings.ReplaceAll(got, `"a`, `"b`); got != want {
				t.Errorf("%s with %d:\n%s\nalone:\n%s", form, n, got, want)
			}
		}
	}
	shared.s.Close()
	alone.s.Close()
	b.close(t)
}
