package main

import (
	"fmt"
	"regexp"
	"strings"
)

// question is one thing to ask about the log as it is now and as it was; {{…}} is filled in.
type question struct {
	name string
	sql  string
	// postgres asks the table of states the same: {{valid}} is the condition that a row was valid at the moment, {{since}} that it began
	// before it. The question is compared where it is there.
	postgres string
}

// An entity with very many events, one with many and one with few.
const hot, warm, cold = "page-0", "orde-241", "user-3000"

// about are the questions about a log alone.
var about = []question{
	{name: "count", sql: `select count(*) from events`},
	{name: "by_type", sql: `select event_type, count(*) c from events group by 1 order by 2 desc, 1`},
	{name: "json_sum", sql: `select payload->>'country' g, sum((payload->>'amount')::float8) s from events group by 1 order by 2 desc, 1`},
	{name: "json_eq", sql: `select count(*) from events where payload->>'sku' = 'SKU-00042'`},
	{name: "json_like", sql: `select count(*) from events where payload->>'path' like '%/ee7'`},
	{name: "p99", sql: `select event_type, percentile_cont(0.99) within group (order by (payload->>'latency_ms')::float8) from events group by 1 order by 1`},
	{name: "by_day", sql: `select date_trunc('day', timestamp) d, count(*) from events group by 1 order by 1`},
	{name: "latest_per_entity", sql: `select entity_id, max(timestamp) m from events group by 1 order by 2 desc, 1 limit 10`},
	{name: "top_entities", sql: `select entity_id, count(*) c from events group by 1 order by 2 desc, 1 limit 10`},
	{name: "last_20_of_entity", sql: `select version, event_type, timestamp, payload from events where entity_id = '` + warm + `' order by version desc limit 20`},
	{name: "state_of_entity", sql: `select version, state from entities where entity_id = '` + warm + `'`},
	{name: "state_of_hot_entity", sql: `select version, state from entities where entity_id = '` + hot + `'`},
}

// beside are the questions that a table of states can answer too.
var beside = []question{
	{
		name:     "state_hot",
		sql:      `select state from entities where entity_id = '` + hot + `'`,
		postgres: `select state from states where entity_id = '` + hot + `' and {{since}} and {{valid}} order by valid_from desc limit 1`,
	},
	{
		name:     "state_warm",
		sql:      `select state from entities where entity_id = '` + warm + `'`,
		postgres: `select state from states where entity_id = '` + warm + `' and {{since}} and {{valid}} order by valid_from desc limit 1`,
	},
	{
		name:     "state_cold",
		sql:      `select state from entities where entity_id = '` + cold + `'`,
		postgres: `select state from states where entity_id = '` + cold + `' and {{since}} and {{valid}} order by valid_from desc limit 1`,
	},
	{
		name: "last_20_states",
		sql: `select version, event_type, entity_state_after(entity_id, version) from events
			where entity_id = '` + warm + `' order by version desc limit 20`,
		postgres: `select version, event_type, state from states where entity_id = '` + warm + `' and {{since}} order by valid_from desc limit 20`,
	},
	{
		name:     "entities",
		sql:      `select count(*) from entities`,
		postgres: `select count(*) from states where {{valid}}`,
	},
	{
		name:     "entities_by_type",
		sql:      `select last_event_type, count(*) c from entities group by 1 order by 2 desc, 1`,
		postgres: `select event_type, count(*) c from states where {{valid}} group by 1 order by 2 desc, 1`,
	},
	{
		name:     "entities_by_status",
		sql:      `select state->>'status' s, count(*) c from entities group by 1 order by 2 desc, 1`,
		postgres: `select state->>'status' s, count(*) c from states where {{valid}} group by 1 order by 2 desc, 1`,
	},
	{
		name:     "sum_of_states",
		sql:      `select state->>'country' g, sum((state->>'amount')::numeric) s from entities group by 1 order by 2 desc, 1`,
		postgres: `select state->>'country' g, sum((state->>'amount')::numeric) s from states where {{valid}} group by 1 order by 2 desc, 1`,
	},
}

// moment is when a question is about: now where the time is empty.
type moment struct {
	share float64 // of the log that it sees
	time  string
}

var relations = regexp.MustCompile(`from (events|entities)\b`)

// asOf is AllSource's form of a question about a moment.
func (q question) asOf(m moment) string {
	if m.time == "" {
		return q.sql
	}
	return relations.ReplaceAllString(q.sql, "from $1 for system_time as of '"+m.time+"'")
}

// filtered asks the same in plain SQL: of events, about those recorded until then.
func (q question) filtered(m moment) string {
	return strings.ReplaceAll(q.sql, "from events", "from (select * from events where recorded_at <= '"+m.time+"') events")
}

// inStates is PostgreSQL's form.
func (q question) inStates(m moment) string {
	valid, since := "valid_to = 'infinity'", "true"
	if m.time != "" {
		valid = fmt.Sprintf("tstzrange(valid_from, valid_to) @> timestamptz '%s'", m.time)
		since = fmt.Sprintf("valid_from <= '%s'", m.time)
	}
	return strings.NewReplacer("{{valid}}", valid, "{{since}}", since).Replace(q.postgres)
}

// states makes the table that a row store keeps for such questions: a row for each state of each entity, and from when to when it was
// valid. Its rows go along with the events, so states that were replaced within one append are none.
var states = []string{
	`create or replace aggregate merged(jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}')`,
	`create table states (entity_id text not null, version bigint not null, event_type text not null, state jsonb not null,
		valid_from timestamptz not null, valid_to timestamptz not null)`,
	`insert into states select * from (
		select entity_id, row_number() over w, event_type, merged(payload) over w, timestamp as valid_from, coalesce(lead(timestamp) over w, 'infinity') as valid_to
		from events window w as (partition by entity_id order by position)) s where valid_from < valid_to`,
	`alter table states add primary key (entity_id, valid_from)`,
	`create unique index on states (entity_id) where valid_to = 'infinity'`,
	`create index on states using gist (tstzrange(valid_from, valid_to))`,
	`vacuum analyze states`,
}
