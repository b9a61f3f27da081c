package engine_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// indexedColumn is a column of the table of TestIndexUse: its type, how a row's number makes its value, one of few or another one, and values to compare it with.
type indexedColumn struct {
	name, typ, value, other string
	literals                []string
}

var indexedColumns = []indexedColumn{
	{"i", "int", "nullif((id * 7919) % 97, 13)", "1000 + id", []string{"0", "5", "13", "40", "96", "200", "null::int", "7::bigint", "7::smallint", "7.0", "7.5", "9::float8"}},
	{"b", "bigint", "(id * 31) % 11", "-id", []string{"0", "3", "7::int", "10", "9000000000", "null::bigint", "3.0"}},
	{"n", "numeric", "(array['1.0', '1.00', '2.5', 'NaN', 'Infinity', '-1', null, '-Infinity', '0']::numeric[])[1 + id % 9]", "100 + id / 8.0",
		[]string{"1", "1.000", "'NaN'::numeric", "'Infinity'::numeric", "-1", "null::numeric", "1::bigint", "2.5::float8"}},
	{"f", "float8", "(array['NaN', '-0', '0', '1.5', null, '-Infinity', '0.1']::float8[])[1 + (id * 5) % 7]", "100 + id / 8.0",
		[]string{"'NaN'::float8", "0", "'-0'::float8", "1.5", "0.1::real", "null::float8", "'-Infinity'::float8"}},
	{"r", "real", "(array['NaN', '-0', '0', '1.5', null, '0.1']::real[])[1 + (id * 5) % 6]", "100 + id % 1000", []string{"'NaN'::real", "0", "0.1", "0.1::real", "1.5"}},
	{"t", "text", "(array['', 'a', 'ab', 'abc', 'ab%', 'a_c', 'ü', null, 'zz', 'Ab', 'ab\\c', 'ab ', chr(1114111), 'a' || chr(1114111), chr(55295) || 'x'])[1 + (id * 7) % 15]", "'t' || id",
		[]string{"''", "'a'", "'ab'", "'ab '", "'ü'", "'zz'::varchar", "null::text", "'ab'::name", "'ab'::char(4)"}},
	{"v", "varchar(6)", "'v' || lpad(((id * 17) % 50)::text, 3, '0')", "'w' || id % 10000", []string{"'v001'", "'v020'", "'v049'::varchar(3)", "'v020 '", "null::varchar", "'v02'::text"}},
	{"c", "char(4)", "(array['a', 'ab', 'ab ', '', null, 'abcd', 'b'])[1 + (id * 3) % 7]", "'x' || id % 100", []string{"'a'", "'ab  '", "'ab'::text", "'ab '::text", "''", "'abcde'", "null::char(4)", "'a'::char(1)"}},
	{"d", "date", "nullif(date '2020-01-01' + (id * 11) % 40, date '2020-01-05')", "date '1990-01-01' + id % 4000", []string{"date '2020-01-03'", "date '2020-01-05'", "timestamp '2020-01-03 00:00'", "timestamp '2020-01-03 12:00'",
		"timestamptz '2020-01-20 00:00+00'", "'infinity'::date", "null::date"}},
	{"ts", "timestamp", "timestamp '2020-01-01' + (id % 30) * interval '6 hours'", "timestamp '1990-01-01' + id * interval '1 hour'", []string{"date '2020-01-03'", "timestamp '2020-01-03 06:00'", "timestamptz '2020-01-03 12:00+02'", "null::timestamp"}},
	{"tz", "timestamptz", "timestamptz '2020-01-01 00:00+00' + (id % 30) * interval '6 hours'", "timestamptz '1990-01-01 00:00+00' + id * interval '1 hour'", []string{"date '2020-01-03'", "timestamp '2020-01-03 06:00'", "timestamptz '2020-01-03 12:00+02'"}},
	{"o", "boolean", "nullif(id % 5, 2) = 0", "false", []string{"true", "false", "null::boolean"}},
	{"a", "int[]", "case id % 4 when 0 then array[id % 6, null] when 1 then null when 2 then array[[id % 3], [2]] else '{}' end", "array[id, 7]", []string{"'{}'::int[]", "array[2, null]", "array[[2], [2]]", "null::int[]"}},
	{"e", "mood", "(array['sad', 'ok', null, 'glad']::mood[])[1 + id % 4]", "'sad'", []string{"'sad'::mood", "'ok'", "'glad'", "null::mood", "'fine'"}},
	{"iv", "interval", "(array['1 day', '24 hours', '1 mon', '30 days', null, '-1 day']::interval[])[1 + id % 6]", "id * interval '1 minute'", []string{"interval '1 day'", "interval '720 hours'", "interval '-24 hours'"}},
	{"j", "jsonb", "(array['1', '1.0', '\"a\"', '{\"a\": 1}', null, '[]', 'null']::jsonb[])[1 + id % 7]", "to_jsonb(id)", []string{"'1'::jsonb", "'{\"a\": 1.0}'::jsonb", "'null'::jsonb"}},
}

// indexUser draws tables with indexes, and queries.
type indexUser struct {
	*person
	*bed
	t           *testing.T
	rng         *rand.Rand
	few         []indexedColumn // that most of the indexes and conditions are about
	orders      []string        // of the indexes, forwards and backwards
	partial     []string        // their predicates
	rows        int
	args        []string // of the query, nil: it has no parameters
	asked, used int
}

func (u *indexUser) number(most int) int { return u.rng.IntN(most) }

func (u *indexUser) one(of ...string) string { return of[u.number(len(of))] }

func (u *indexUser) column() indexedColumn {
	if len(u.few) < 2 || u.number(9) == 0 {
		return indexedColumns[u.number(len(indexedColumns))]
	}
	return u.few[u.number(len(u.few))]
}

// literal is a value that a column may be compared with, or a parameter that has it.
func (u *indexUser) literal(c indexedColumn) string {
	v := u.one(c.literals...)
	if u.args == nil || u.number(2) == 0 {
		return v
	}
	return u.argument(v, c.typ)
}

func (u *indexUser) argument(v, typ string) string {
	u.args = append(u.args, "("+v+")::"+typ)
	return fmt.Sprintf("$%d::%s", len(u.args), typ)
}

func (u *indexUser) compare() string { return u.one("=", "=", "<", "<=", ">", ">=") }

// condition is one that an index may answer, or nearly.
func (u *indexUser) condition() string {
	c, d := u.column(), u.column()
	l := func(c indexedColumn) string { return u.literal(c) }
	x, y := "x."+c.name, "x."+d.name
	switch u.number(20) {
	case 0, 1, 2, 3:
		return x + " " + u.compare() + " " + l(c)
	case 4:
		return "(" + l(c) + ") " + u.compare() + " " + x
	case 5:
		return fmt.Sprintf("%s IN (%s, %s, %s)", x, c.literals[0], l(c), c.literals[0])
	case 6:
		if c.name == "a" {
			return x + " = ANY (SELECT '{}'::int[])"
		}
		return fmt.Sprintf("%s = ANY (ARRAY[%s, null, %s, %[2]s]::%[4]s[])", x, c.literals[0], c.literals[1], c.typ)
	case 7:
		return fmt.Sprintf("%s BETWEEN %s AND %s", x, l(c), l(c))
	case 8:
		return x + u.one(" IS NULL", " IS NOT NULL")
	case 9:
		return fmt.Sprintf("(%s = %s OR %[1]s %[3]s %[4]s)", x, l(c), u.compare(), l(c))
	case 10, 11:
		return fmt.Sprintf("(%s, %s, x.id) %s (%s, %s, %d)", x, y, u.compare(), l(c), l(d), u.number(300))
	case 12:
		v := l(c)
		return fmt.Sprintf("(%s %s %s OR %[1]s = %[3]s AND %[4]s %[5]s %[6]s)", x, u.one("<", ">", "<=", ">="), v, y, u.compare(), l(d))
	case 13:
		return fmt.Sprintf("(%s, %s) IN ((%s, %s), (%[3]s, %[4]s), (%[5]s, %[6]s))", x, y, l(c), l(d), l(c), l(d))
	case 14:
		if c.name != "t" {
			return x + u.one(" = ", " >= ") + l(c)
		}
		return "x.t " + u.one("LIKE", "NOT LIKE", "~~", "ILIKE") + " " + u.one("'ab%'", "'a_c'", `'ab\%'`, `'a\_c'`, "'%'", "''", "'ab'", `'ab\\%'`, "'ab!%' ESCAPE '!'", "'ü%'", "chr(1114111) || '%'", "'a' || chr(1114111) || '%'", "chr(55295) || '%'", "null")
	case 15:
		if c.name != "t" {
			return x + u.one(" = ", " < ") + l(c)
		}
		return u.one("x.t ~ '^ab'", "x.t ~ '^ab*c?'", "x.t ~ '^(ab|z)'", "x.t ~ '^ab|z'", `x.t ~ '^ab\\'`, "x.t ~ '^a{0}z'", "x.t ~ '^'", "starts_with(x.t, 'ab')", "x.t ^@ 'a'", "x.v LIKE 'v00%'", "x.c LIKE 'ab%'", "x.t ~ '(?i)^ab'", "x.t ~* '^ab'", "x.t !~ '^ab'")
	case 16:
		return u.one("x.o", "NOT x.o", "x.o IS TRUE", "x.o IS NOT TRUE", "x.o IS UNKNOWN", "x.o IS FALSE", "x.o = true", "x.o <> true")
	case 17:
		return fmt.Sprintf("x.i + 1 %s %d", u.compare(), u.number(97))
	case 18:
		return fmt.Sprintf("lower(x.t) %s", u.one("= 'ab'", "LIKE 'ab%'", "> 'ab'", "IN ('ab', 'ü', 'ab')", "IS NULL"))
	}
	return fmt.Sprintf("%s IN (SELECT y.%s FROM two y WHERE y.id < %d)", x, c.name, u.number(9))
}

// keys are those of an index, with parentheses where they compute something.
func (u *indexUser) keys(prefix string) (list []string) {
	for range 1 + u.number(3) {
		k := prefix + u.column().name
		if u.number(8) == 0 {
			k = u.one("("+prefix+"i + 1)", "lower("+prefix+"t)")
		}
		if !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	return list
}

func (u *indexUser) directed(list []string) string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = k + u.one("", "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
	}
	return strings.Join(out, ", ")
}

// columnName finds the names of columns in the keys of an index, which are in lower case; reversed turns the order of keys round.
var (
	columnName = regexp.MustCompile(`\b([a-cfijnortvde]|ts|tz|iv|id)\b`)
	reversed   = strings.NewReplacer(" DESC NULLS LAST,", " NULLS FIRST,", " DESC,", ",", " NULLS FIRST,", " DESC NULLS LAST,", ",", " DESC,")
)

func (u *indexUser) index() string {
	keys, unique := u.keys(""), ""
	if u.number(4) == 0 {
		keys, unique = append(keys, "id"), "UNIQUE "
	}
	where := ""
	if u.number(4) == 0 {
		where = u.one("i > 5", "t IS NOT NULL", "o", "i IN (5, 13, 40)", "d >= date '2020-01-03'", "i IS NULL", "v < 'v030'", "n >= 1", "i > 5 AND o IS NOT TRUE")
		u.partial = append(u.partial, columnName.ReplaceAllString(where, "x.$0"))
		where = " WHERE " + where
	}
	order := u.directed(keys)
	u.orders = append(u.orders, columnName.ReplaceAllString(order, "x.$0"), columnName.ReplaceAllString(strings.TrimSuffix(reversed.Replace(order+","), ","), "x.$0"))
	return "CREATE " + unique + "INDEX ON one (" + order + ")" + where
}

// query is a query with an answer of which the order is known.
func (u *indexUser) query() (sql string, ordered bool) {
	u.args = nil
	if u.number(3) == 0 {
		u.args = []string{}
	}
	from := "one x"
	var conds []string
	switch u.number(12) {
	case 0:
		from = "one x JOIN two y ON x." + u.one("i = y.i", "b = y.i", "id = y.id", "v = y.t", "d = y.d")
	case 1:
		from = "one x LEFT JOIN two y ON x." + u.one("i = y.i", "b = y.b AND x.i = y.i", "id = y.id", "t = y.v")
	case 2:
		from = "two y JOIN one x ON x." + u.one("i = y.i", "b = y.i", "id = y.id")
	case 3:
		conds = append(conds, "EXISTS (SELECT FROM two y WHERE y."+u.one("i = x.i", "id = x.id", "t = x.t")+")")
	case 4:
		from = "one x JOIN two y ON x.i = y.i JOIN two z ON z.id = x.b"
	}
	for range []int{0, 1, 1, 2}[u.number(4)] {
		conds = append(conds, u.condition())
	}
	if len(u.partial) > 0 && u.number(3) == 0 {
		conds = append(conds, u.partial[u.number(len(u.partial))])
	}
	where := ""
	if len(conds) > 0 {
		where = " WHERE " + strings.Join(conds, " AND ")
	}
	order := u.directed(u.keys("x."))
	if u.number(3) > 0 {
		order = u.orders[u.number(len(u.orders))]
	}
	limit := ""
	if u.number(3) > 0 {
		most := u.one("0", "1", "3", "20", "(SELECT 4)", "300")
		if u.args != nil {
			most = u.argument(most, "bigint")
		}
		limit = fmt.Sprint(" LIMIT ", most, u.one("", "", " OFFSET 2"))
	}
	if strings.Contains(from, "y") {
		return fmt.Sprintf("SELECT x.id, y.id FROM %s%s ORDER BY %s, x.id, y.id%s", from, where, order, limit), true
	}
	switch u.number(5) {
	case 4:
		if c := u.column().name; strings.Contains("i b t v d ts tz a e", c) { // values of the others may be equal and look different
			return fmt.Sprintf("SELECT max(x.%s), min(x.%[1]s) FROM %s%s", c, from, where), true
		}
	case 0:
		if len(conds) == 0 {
			where = " WHERE " + u.condition()
		}
		return "SELECT * FROM " + from + where, false
	case 1:
		if limit != "" { // some that are equal by the order
			return fmt.Sprintf("SELECT %s FROM (SELECT x.* FROM %s%s ORDER BY %s FETCH FIRST 3 ROWS WITH TIES) x", "x.id", from, where, order), false
		}
	case 2:
		return fmt.Sprintf("SELECT x.id FROM %s%s ORDER BY %s, x.id%s FOR UPDATE", from, where, order, limit), true
	}
	return fmt.Sprintf("SELECT x.id, x.i FROM %s%s ORDER BY %s, x.id%s%s", from, where, order, u.one("", " DESC"), limit), true
}

const withoutIndexes = "index-scans,index-joins,index-order,extremes"

// answers runs a query with or without rules.
func (u *indexUser) answers(off, sql string, ordered bool) string {
	script := []string{"SET optimizer_off = '" + off + "'", "SAVEPOINT s", sql}
	if u.args != nil {
		null := strings.TrimPrefix(strings.Repeat(", null", len(u.args)), ", ")
		script = append(script[:2], "PREPARE q AS "+sql)
		if len(u.args) > 0 {
			script = append(script, "EXECUTE q("+null+")", "EXECUTE q("+strings.Join(u.args, ", ")+")")
		} else {
			script = append(script, "EXECUTE q")
		}
	}
	var out []answer
	var err error
	for _, sql := range script {
		if out, err = u.run(sql); err != nil {
			break
		}
	}
	u.must("ROLLBACK TO s")
	if u.args != nil {
		u.must("DEALLOCATE ALL")
	}
	if err != nil {
		return "error: " + err.Error()
	}
	var all []string
	for _, row := range out[0].rows {
		all = append(all, strings.Join(row, "|"))
	}
	if !ordered {
		slices.Sort(all)
	}
	return strings.Join(all, "\n")
}

func (u *indexUser) check() {
	u.t.Helper()
	sql, ordered := u.query()
	want := u.answers(withoutIndexes, sql, ordered)
	if got := u.answers("", sql, ordered); got != want {
		u.t.Fatalf("%s\n%q\ngives\n%s\nexpected\n%s", sql, u.args, got, want)
	}
	u.asked++
	if u.args == nil && strings.Contains(u.answers("", "EXPLAIN "+sql, true), " using ") {
		u.used++
	}
}

func (u *indexUser) must(sql string) {
	u.t.Helper()
	if _, err := u.run(sql); err != nil {
		u.t.Fatalf("%s: %v", sql, err)
	}
}

var indexTables = flag.Uint64("index-tables", 12, "how many tables TestIndexUse makes up")

// TestIndexUse asks random queries of tables with random indexes, with and without their use.
func TestIndexUse(t *testing.T) {
	asked, used := 0, 0
	for seed := range *indexTables {
		bed := newBedOf(t, 256)
		u := &indexUser{person: bed.connect(t, int(seed%2)), bed: bed, t: t, rng: rand.New(rand.NewPCG(seed, 7))}
		u.play()
		asked, used = asked+u.asked, used+u.used
		u.s.Close()
		bed.close(t)
	}
	if t.Logf("%d of %d queries used an index", used, asked); used < asked/8 {
		t.Fatalf("%d of %d queries used an index", used, asked)
	}
}

// play makes a table, and asks about it while it changes.
func (u *indexUser) play() {
	u.must("CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')")
	var columns []string
	for _, c := range indexedColumns {
		columns = append(columns, c.name+" "+c.typ)
	}
	for range 2 {
		u.few = append(u.few, indexedColumns[u.number(len(indexedColumns))])
	}
	for _, table := range []string{"one", "two"} {
		u.must("CREATE TABLE " + table + " (id int PRIMARY KEY, " + strings.Join(columns, ", ") + ")")
	}
	for range 2 {
		u.must(u.index())
	}
	u.fill("two", 11)
	u.fill("one", []int{20, 300, 5000, 5000}[u.number(4)])
	u.must("ALTER TYPE mood ADD VALUE 'fine' BEFORE 'ok'")
	u.must("UPDATE one SET e = 'fine' WHERE id % 100 = 3")
	for range 1 + u.number(4) {
		u.must(u.index())
	}
	for range 3 {
		u.must("BEGIN")
		for range u.number(4) {
			switch u.number(4) {
			case 0:
				u.fill("one", 30)
			case 1:
				u.must(fmt.Sprintf("UPDATE one SET i = i + 1, t = t || 'x' WHERE id %% %d = 0", 2+u.number(20)))
			case 2:
				u.must(fmt.Sprintf("DELETE FROM one WHERE id %% %d = 0", 3+u.number(20)))
			case 3:
				u.must(fmt.Sprintf("UPDATE one SET (d, n, o) = (null, 7, not o) WHERE i < %d", u.number(90)))
			}
		}
		for range 20 {
			u.check()
		}
		u.must(u.one("COMMIT", "COMMIT", "ROLLBACK"))
		var err error
		switch u.number(3) {
		case 0:
			err = u.bed.db.Seal(context.Background())
		case 1:
			err = u.bed.db.Compact(context.Background())
		}
		if err != nil {
			u.t.Fatal(err)
		}
	}
}

// fill inserts rows, of which some have values that are asked for, and most one of many others.
func (u *indexUser) fill(table string, rows int) {
	u.t.Helper()
	var values []string
	for _, c := range indexedColumns {
		values = append(values, fmt.Sprintf("CASE WHEN (id * 37) %% 11 < %d THEN %s ELSE %s END", []int{2, 11}[rows%2], c.value, c.other))
	}
	u.must(fmt.Sprint("INSERT INTO ", table, " SELECT id, ", strings.Join(values, ", "), " FROM generate_series(", u.rows+1, ", ", u.rows+rows, ") id"))
	u.rows += rows
}
