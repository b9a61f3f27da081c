package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

// work is something else that is done with many rows at once. The statements before it are not timed, nor is the question after it, to which all
// systems have the same answer.
type work struct {
	name   string
	before []string
	do     func(y *system) (peer.Answer, error)
	check  string
	tables []string // that it leaves
}

// more are the columns that make a row wide: 30 of mixed types, some of them nulls.
const more = `id, customer, name, status, amount, weight, placed, code, customer % 7 as c1, (id * 31) % 1000003 as c2, cast(customer % 1000 as smallint) as c3,
	case when customer % 11 = 0 then null else customer end as c4, amount * 2 as a1, amount + 1 as a2, -amount as a3, weight * 2 as w1, weight / 4 as w2,
	case when customer % 13 = 0 then null else weight end as w3, 'city ' || cast(customer % 300 as varchar) as t1, upper(code) as t2, status || '/' || name as t3,
	case when customer % 3 = 0 then null else name end as t4, 'a longer remark about the order ' || code as t5, 'x' || cast(customer % 10 as varchar) as t6,
	md5(code) as t7, id % 2 = 0 as b1, customer % 5 = 0 as b2, case when customer % 7 = 0 then null else id % 3 = 0 end as b3,
	placed + interval '1 day' as d1, placed + interval '1 hour' as d2`

const wideSums = "select count(*), sum(id), sum(c4), sum(a3), sum(w3), min(t4), max(t7), count(distinct t1), sum(case when b3 then 1 else 0 end), max(d2) from filled"

// documents is the events of the log, as each system has them.
func documents(system string) string {
	doc := "('id', id, 'customer', customer, 'name', name, 'amount', amount, 'weight', weight)"
	if system == "allsource" {
		return "insert into events (entity_id, event_type, payload, timestamp) select code, status, jsonb_build_object" + doc + ", placed from source"
	}
	call := map[string]string{"duckdb": "json_object", "postgres": "jsonb_build_object"}[system]
	return "create table events as select code as entity_id, status as event_type, " + call + doc + " as payload, placed as timestamp from source"
}

const fromDocuments = "insert into filled select cast(payload->>'id' as bigint), cast(payload->>'customer' as integer), payload->>'name', event_type, " +
	"cast(payload->>'amount' as numeric(12,2)), cast(payload->>'weight' as double precision), timestamp, entity_id from events"

func ask(sql string) func(*system) (peer.Answer, error) {
	return func(y *system) (peer.Answer, error) { return y.Ask(sql) }
}

// allWorks lists them; half of the rows of what is merged are there already.
func (s settings) allWorks(folder string) []work {
	empty := "create table filled" + fmt.Sprintf(columns, " primary key", "")
	full := []string{empty, "insert into filled select * from source"}
	later := fmt.Sprintf("select id + %d as id, customer, name, status, amount + 1 as amount, weight, placed, code from source", s.rows/2)
	path := func(y *system) string { return filepath.Join(folder, y.name+"-wide.csv") }
	wide := []string{"create table filled as select * from wide limit 0"}
	filled := []string{"filled"}
	return []work{
		{"COPY TO, 30 columns", nil, func(y *system) (peer.Answer, error) { return y.CopyTo("wide", path(y)) }, "select 1", nil},
		{"COPY, 30 columns", wide, func(y *system) (peer.Answer, error) { return y.Copy("filled", path(y)) }, wideSums, filled},
		{"INSERT … SELECT, 30 columns", wide, ask("insert into filled select * from wide"), wideSums, filled},
		{"INSERT … SELECT from events", []string{empty}, ask(fromDocuments), all("filled"), filled},
		{"CREATE INDEX, integers", full, ask("create index filled_by_customer on filled (customer)"), "select count(*) from filled where customer = 7", filled},
		{"CREATE UNIQUE INDEX, texts", full, ask("create unique index filled_by_code on filled (code)"), all("filled"), filled},
		{"ON CONFLICT DO UPDATE, half", full, ask("insert into filled " + later + " on conflict (id) do update set amount = excluded.amount"), all("filled"), filled},
		{"ON CONFLICT DO NOTHING, half", full, ask("insert into filled " + later + " on conflict do nothing"), all("filled"), filled},
		{"MERGE, half", full, ask("merge into filled using (" + later + ") as n on filled.id = n.id when matched then update set amount = n.amount " +
			"when not matched then insert values (n.id, n.customer, n.name, n.status, n.amount, n.weight, n.placed, n.code)"), all("filled"), filled},
		{"DELETE, half", full, ask("delete from filled where id % 2 = 0"), all("filled"), filled},
		{"DELETE, half, referred to", []string{"create table parent (id bigint primary key)", "insert into parent select id from source",
			"create table child (id bigint primary key, parent bigint references parent (id))", "create index child_by_parent on child (parent)",
			"insert into child select id, id from source where id % 20 = 0"}, ask("delete from parent where id % 2 = 1"), "select count(*), sum(id) from parent",
			[]string{"child", "parent"}},
	}
}

// measureWorks does each in turn on all systems, as measureLoads does.
func (s settings) measureWorks(ctx context.Context, systems []*system, folder string) ([]line, error) {
	for _, y := range systems {
		for _, sql := range []string{"create table wide as select " + more + " from source", documents(y.name)} {
			if _, err := y.Ask(sql); err != nil {
				return nil, fmt.Errorf("%s: %w", y.name, err)
			}
		}
	}
	var lines []line
	for _, w := range s.allWorks(folder) {
		l := newLine(w.name)
		for range s.rounds {
			answers := map[string]peer.Answer{}
			for _, y := range systems {
				if err := w.run(ctx, y, &l, answers); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", y.name, w.name, err)
				}
			}
			if err := same(systems, answers); err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
		}
		fmt.Fprintln(os.Stderr, l.name, l.took)
		lines = append(lines, l)
	}
	return lines, nil
}

func (w *work) run(ctx context.Context, y *system, l *line, answers map[string]peer.Answer) error {
	for _, sql := range w.before {
		if _, err := y.Ask(sql); err != nil {
			return err
		}
	}
	if err := y.idle(ctx); err != nil {
		return err
	}
	peer.Quiet()
	done, err := w.do(y)
	if err != nil {
		return err
	}
	l.took[y.name] = append(l.took[y.name], done.Took)
	if answers[y.name], err = y.Ask(w.check); err != nil {
		return err
	}
	for _, table := range w.tables {
		if _, err := y.Ask("drop table " + table); err != nil {
			return err
		}
	}
	return y.idle(ctx)
}
