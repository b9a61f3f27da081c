package main

import (
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// question is one thing to ask; each system gets it as its own users would write it. sql is PostgreSQL's form, the others
// stand where a system needs another one. `{{…}}` is filled in from the log's profile.
type question struct {
	name                    string
	sql, duckdb, clickhouse string
}

var questions = []question{
	{name: "count_all", sql: `select count(*) from events`},
	{name: "count_by_type", sql: `select event_type, count(*) c from events group by 1 order by 2 desc, 1`},
	{name: "time_window_type", sql: `select count(*) from events where timestamp >= '{{.From}}' and timestamp < '{{.To}}' and event_type = '{{.Second}}'`},
	{name: "json_group_sum", sql: `select {{get .Group}} g, sum({{get .Amount}}) s, avg({{get .Other}}) a from events group by 1 order by 2 desc{{.Last}}, 1`},
	{name: "json_eq_count", sql: `select count(*) from events where {{get .Equal}} = '{{.Value}}'`},
	{name: "json_range_group", sql: `select event_type, count(*) c from events where {{get .Amount}} > {{.Much}} group by 1 order by 2 desc, 1`},
	{name: "json_nested_group", sql: `select {{get .Nested}} v, count(*) c from events group by 1 order by 1`},
	{name: "json_like", sql: `select count(*) from events where {{get .Like}} like '{{.Pattern}}'`},
	{
		name:       "distinct_entities_by_type",
		sql:        `select event_type, count(distinct entity_id) c from events group by 1 order by 2 desc, 1`,
		clickhouse: `select event_type, uniqExact(entity_id) c from events group by 1 order by 2 desc, 1`,
	},
	{name: "top_entities", sql: `select entity_id, count(*) c from events group by 1 order by 2 desc, 1 limit 10`},
	{
		name:       "by_hour",
		sql:        `select date_trunc('hour', timestamp) h, count(*) c from events group by 1 order by 2 desc, 1 limit 10`,
		clickhouse: `select toStartOfHour(timestamp) h, count(*) c from events group by 1 order by 2 desc, 1 limit 10`,
	},
	{name: "latest_per_entity", sql: `select entity_id, max(timestamp) m from events where timestamp < '{{.Until}}' group by 1 order by 2 desc, 1 limit 10`},
	{
		name:       "p99_by_type",
		sql:        `select event_type, percentile_cont(0.99) within group (order by {{get .Other}}) p from events group by 1 order by 1`,
		duckdb:     `select event_type, quantile_cont({{get .Other}}, 0.99) p from events group by 1 order by 1`,
		clickhouse: `select event_type, {{if .Sparse}}quantileExactInclusiveOrNull{{else}}quantileExactInclusive{{end}}(0.99)({{get .Other}}) p from events group by 1 order by 1`,
	},
	{name: "entity_history", sql: `select event_type, timestamp, payload from events where entity_id = '{{need .Entity}}' order by timestamp desc limit 20`},
	{name: "funnel_join", sql: `select count(*) from (select entity_id, min(timestamp) t from events where event_type = '{{.First}}' group by 1) a
		join (select entity_id, min(timestamp) t from events where event_type = '{{.Second}}' group by 1) b on a.entity_id = b.entity_id and b.t > a.t`},
	{
		name: "window_gap",
		sql: `select avg(g) from (select extract(epoch from timestamp - lag(timestamp) over (partition by entity_id order by timestamp)) g
			from events where event_type = '{{.Visit}}') x`,
		clickhouse: `select avg(g) from (select dateDiff('microsecond', lagInFrame(toNullable(timestamp)) over
			(partition by entity_id order by timestamp rows between unbounded preceding and current row), timestamp) / 1e6 g
			from events where event_type = '{{.Visit}}') x`,
	},
	{name: "top_n_sort", sql: `select timestamp, entity_id, {{get .Amount}} a from events order by 3 desc{{.Last}}, 1, 2 limit 100`},
}

// Last puts NULL where all systems agree on it; where no value is missing nothing is said, as a user would not.
func (p profile) Last() string {
	if p.Sparse {
		return " nulls last"
	}
	return ""
}

var errLacks = fmt.Errorf("the log has nothing to ask this about")

// write fills in a question for one system.
func (q question) write(system string, p profile) (string, error) {
	source := q.sql
	switch {
	case system == "duckdb" && q.duckdb != "":
		source = q.duckdb
	case system == "clickhouse" && q.clickhouse != "":
		source = q.clickhouse
	}
	t, err := template.New(q.name).Funcs(template.FuncMap{
		"get": func(at path) (string, error) {
			if len(at.keys) == 0 {
				return "", errLacks
			}
			if system == "clickhouse" {
				return at.clickhouse(p.Sparse), nil
			}
			return at.arrows(), nil
		},
		"need": func(s string) (string, error) {
			if s == "" {
				return "", errLacks
			}
			return s, nil
		},
	}).Parse(source)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, p)
	return out.String(), err
}

// arrows is the path in PostgreSQL's operators.
func (p path) arrows() string {
	var b strings.Builder
	b.WriteString("(payload")
	last := len(p.keys) - 1
	for _, key := range p.keys[:last] {
		fmt.Fprintf(&b, "->'%s'", key)
	}
	fmt.Fprintf(&b, "->>'%s')", p.keys[last])
	if p.kind == number {
		b.WriteString("::float8")
	}
	return b.String()
}

// clickhouse is the path as a typed subcolumn, nullable only where it can be absent.
func (p path) clickhouse(sparse bool) string {
	to := map[kind]string{text: "String", number: "Float64", boolean: "Bool"}[p.kind]
	if sparse {
		to = "Nullable(" + to + ")"
	}
	return "payload." + strings.Join(p.keys, ".") + "::" + to
}

// asOf makes AllSource's form of a question ask about an earlier moment.
func asOf(sql, moment string) string {
	return strings.ReplaceAll(sql, "from events", "from events for system_time as of '"+moment+"'")
}

// chosen are the questions of the given names, all where there are none.
func chosen(names []string) ([]question, error) {
	if len(names) == 0 {
		return questions, nil
	}
	var out []question
	for _, name := range names {
		i := slices.IndexFunc(questions, func(q question) bool { return q.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no question %q", name)
		}
		out = append(out, questions[i])
	}
	return out, nil
}
