package main

import (
	"context"
	"fmt"
	"os"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

// scan is the question whose time is compared; it reads two columns of every row.
const scan = "select status, count(*), sum(amount) from changed%s group by status order by status"

// batch is how many rows an UPDATE of random keys changes.
const batch = 20_000

// updates are statements that change as many random rows as the table has, and then half of the table and all of it.
func updates(system string, rows int64) []string {
	numbers := "generate_series(1, %d)"
	if system == "duckdb" {
		numbers = "generate_series(1::bigint, %d::bigint)"
	}
	n := min(batch, rows/10)
	var out []string
	for i := range rows / n {
		// Multiples of a number that has no factor in common with the rows are distinct; another number gives others.
		step := mixed(uint64(i))>>40%uint64(rows) | 1
		for common(int64(step), rows) > 1 {
			step += 2
		}
		out = append(out, fmt.Sprintf("update changed set amount = amount + 1, status = case status when 'new' then 'paid' when 'paid' then 'sent' else 'new' end"+
			" from "+numbers+" as g(g) where id = 1 + (g::bigint * %d + %d) %% %d", n, step, mixed(step)>>44, rows))
	}
	return append(out, "update changed set amount = amount + 2 where id % 2 = 0", "update changed set weight = weight + 1")
}

func common(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// measureScans asks a table with a key when it is new, right after the updates, when the system has come to rest, and on AllSource as of a
// moment in the middle of the updates and before them. Answers as of a moment have to be those that were given then.
func (s settings) measureScans(ctx context.Context, systems []*system, file string) ([]line, error) {
	lines := map[string]line{}
	order := []string{"table as loaded", "random updates", "two large updates", "scan at once", "scan later", "scan as of the middle", "scan as of the beginning"}
	for _, name := range order {
		lines[name] = newLine(name)
	}
	answers := map[string]peer.Answer{}
	for _, y := range systems {
		c := changes{settings: s, system: y, lines: lines}
		last, err := c.measure(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", y.name, err)
		}
		answers[y.name] = last
	}
	if err := same(systems, answers); err != nil {
		return nil, err
	}
	var out []line
	for _, name := range order {
		fmt.Fprintln(os.Stderr, name, lines[name].took)
		out = append(out, lines[name])
	}
	return out, nil
}

// changes is the part of one system.
type changes struct {
	settings
	*system
	lines map[string]line
}

// moment is when an answer was given.
type moment struct {
	at     string
	answer peer.Answer
}

func (c *changes) measure(ctx context.Context, file string) (last peer.Answer, err error) {
	if _, err := c.fill("changed", keys[1].id, "", file); err != nil {
		return last, err
	}
	if err := c.idle(ctx); err != nil {
		return last, err
	}
	if _, err := c.scan("table as loaded", moment{}); err != nil {
		return last, err
	}
	list := updates(c.name, c.rows)
	large := len(list) - 2
	var before, middle moment
	for i, sql := range list {
		switch i {
		case 0:
			before, err = c.moment()
		case large / 2:
			middle, err = c.moment()
		}
		if err != nil {
			return last, err
		}
		answer, err := c.Ask(sql)
		if err != nil {
			return last, fmt.Errorf("%s: %w", sql, err)
		}
		name := "random updates"
		if i >= large {
			name = "two large updates"
		}
		if took := c.lines[name].took; i == 0 || i == large {
			took[c.name] = append(took[c.name], answer.Took)
		} else {
			took[c.name][0] += answer.Took
		}
	}
	if _, err := c.scan("scan at once", moment{}); err != nil {
		return last, err
	}
	if err := c.idle(ctx); err != nil {
		return last, err
	}
	if _, err := c.scan("scan later", moment{}); err != nil {
		return last, err
	}
	if c.name == "allsource" {
		if _, err := c.scan("scan as of the middle", middle); err != nil {
			return last, err
		}
		if _, err := c.scan("scan as of the beginning", before); err != nil {
			return last, err
		}
	}
	return c.Ask(all("changed"))
}

// moment asks what there is now, and when that was.
func (c *changes) moment() (m moment, err error) {
	if c.name != "allsource" {
		return m, nil
	}
	if m.answer, err = c.Ask(fmt.Sprintf(scan, "")); err != nil {
		return m, err
	}
	at, err := c.Ask("select clock_timestamp()")
	if err != nil {
		return m, err
	}
	m.at = string(at.Rows[0][0])
	return m, nil
}

// scan asks once to warm up and then in rounds. The answer has to be that of the moment, where there is one.
func (c *changes) scan(name string, m moment) (answer peer.Answer, err error) {
	clause := ""
	if m.at != "" {
		clause = " for system_time as of '" + m.at + "'"
	}
	for round := range 2 + c.rounds {
		if answer, err = c.Ask(fmt.Sprintf(scan, clause)); err != nil {
			return answer, err
		}
		if m.at != "" {
			if where := peer.Differ(answer, m.answer); where != "" {
				return answer, fmt.Errorf("%s: the answer is another than it was then: %s", name, where)
			}
		}
		if round > 1 {
			c.lines[name].took[c.name] = append(c.lines[name].took[c.name], answer.Took)
		}
	}
	return answer, nil
}
