package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

// scan is the question whose time is compared; it reads two columns of every row.
const scan = "select status, count(*), sum(amount) from %s%s group by status order by status"

// batch is how many rows an UPDATE of random keys changes, and hotRows how many rows are changed again and again.
const (
	batch   = 20_000
	hotRows = 1000
)

// shares are the moments that are asked about: after so many of a hundred statements.
var shares = []int{0, 5, 25, 50, 75, 95}

// workload is statements that change a table.
type workload struct {
	name string
	list func(system string, rows int64) []string
}

var workloads = []workload{{"random rows", randomRows}, {"all rows", allRows}, {"hot rows", someHotRows}}

const set = "update changed set amount = amount + 1, status = case status when 'new' then 'paid' when 'paid' then 'sent' else 'new' end"

func numbers(system string, n int64) string {
	if system == "duckdb" {
		return fmt.Sprintf("generate_series(1::bigint, %d::bigint)", n)
	}
	return fmt.Sprintf("generate_series(1, %d)", n)
}

// randomRows change as many random rows as the table has, and then half of the table and all of it.
func randomRows(system string, rows int64) (out []string) {
	n := min(batch, rows/10)
	for i := range rows / n {
		// Multiples of a number that has no factor in common with the rows are distinct; another number gives others.
		step := mixed(uint64(i))>>40%uint64(rows) | 1
		for common(int64(step), rows) > 1 {
			step += 2
		}
		out = append(out, fmt.Sprintf("%s from %s as g(g) where id = 1 + (g::bigint * %d + %d) %% %d", set, numbers(system, n), step, mixed(step)>>44, rows))
	}
	return append(out, "update changed set amount = amount + 2 where id % 2 = 0", "update changed set weight = weight + 1")
}

// allRows change every row, again and again.
func allRows(string, int64) (out []string) {
	for range 5 {
		out = append(out, set)
	}
	return out
}

// someHotRows change few rows very often.
func someHotRows(system string, rows int64) (out []string) {
	n := min(hotRows, rows)
	for range 1000 {
		out = append(out, fmt.Sprintf("%s from %s as g(g) where id = g::bigint * %d", set, numbers(system, n), rows/n))
	}
	return out
}

func common(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// measureScans asks a table with a key that was changed in different ways, right after that and when the system has come to rest, and on
// AllSource also as of moments between the changes. Answers as of a moment have to be those that were given then. Beside each question the same
// is asked of a table as it was loaded: the ratio says more than times on a machine with other work.
func (s settings) measureScans(ctx context.Context, systems []*system, file string) ([]line, error) {
	var out []line
	for _, w := range workloads {
		lines, order := map[string]line{}, []string{w.name + ": updates"}
		for _, when := range []string{"at once", "later"} {
			order = append(order, fmt.Sprintf("%s: %s", w.name, when))
			for _, share := range shares {
				order = append(order, asOf(w.name, share, when))
			}
		}
		for _, name := range order {
			lines[name] = newLine(name)
		}
		answers := map[string]peer.Answer{}
		for _, y := range systems {
			c := changes{settings: s, system: y, lines: lines, workload: w}
			last, err := c.measure(ctx, file)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", y.name, w.name, err)
			}
			answers[y.name] = last
		}
		if err := same(systems, answers); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		for _, name := range order {
			fmt.Fprintln(os.Stderr, name, lines[name].took, lines[name].loaded)
			out = append(out, lines[name])
		}
	}
	return out, nil
}

func asOf(workload string, share int, when string) string {
	return fmt.Sprintf("%s: as of %d %%, %s", workload, share, when)
}

// changes is the part of one system in a workload.
type changes struct {
	settings
	*system
	workload
	lines map[string]line
}

// moment is when an answer was given.
type moment struct {
	at     string
	answer peer.Answer
}

func (c *changes) measure(ctx context.Context, file string) (last peer.Answer, err error) {
	for _, table := range []string{"loaded", "changed"} {
		if _, err := c.fill(table, keys[1].id, "", file); err != nil {
			return last, err
		}
	}
	if err := c.idle(ctx); err != nil {
		return last, err
	}
	moments, err := c.change()
	if err != nil {
		return last, err
	}
	for _, when := range []string{"at once", "later"} {
		if err := c.compare(c.workload.name+": "+when, moment{}); err != nil {
			return last, err
		}
		for i, m := range moments {
			if err := c.compare(asOf(c.workload.name, shares[i], when), m); err != nil {
				return last, err
			}
		}
		if err := c.idle(ctx); err != nil {
			return last, err
		}
	}
	if last, err = c.Ask(all("changed")); err != nil {
		return last, err
	}
	for _, table := range []string{"loaded", "changed"} {
		if _, err := c.Ask("drop table " + table); err != nil {
			return last, err
		}
	}
	return last, c.idle(ctx)
}

// change runs the statements, and notes what there is at the moments that will be asked about.
func (c *changes) change() (moments []moment, err error) {
	list := c.list(c.system.name, c.rows)
	total := time.Duration(0)
	for i, sql := range list {
		for len(moments) < len(shares) && i*100 >= shares[len(moments)]*len(list) && c.system.name == "allsource" {
			m, err := c.moment()
			if err != nil {
				return nil, err
			}
			moments = append(moments, m)
		}
		answer, err := c.Ask(sql)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
		total += answer.Took
	}
	took := c.lines[c.workload.name+": updates"].took
	took[c.system.name] = append(took[c.system.name], total)
	return moments, nil
}

// moment asks what there is now, and when that was.
func (c *changes) moment() (m moment, err error) {
	if m.answer, err = c.Ask(fmt.Sprintf(scan, "changed", "")); err != nil {
		return m, err
	}
	at, err := c.Ask("select clock_timestamp()")
	if err != nil {
		return m, err
	}
	m.at = string(at.Rows[0][0])
	return m, nil
}

// compare asks both tables in turn, once to warm up and then in rounds. The answer has to be that of the moment, where there is one.
func (c *changes) compare(name string, m moment) error {
	clause := ""
	if m.at != "" {
		clause = " for system_time as of '" + m.at + "'"
	}
	l := c.lines[name]
	for round := range 1 + 3*c.rounds {
		loaded, err := c.Ask(fmt.Sprintf(scan, "loaded", ""))
		if err != nil {
			return err
		}
		answer, err := c.Ask(fmt.Sprintf(scan, "changed", clause))
		if err != nil {
			return err
		}
		if m.at != "" {
			if where := peer.Differ(answer, m.answer); where != "" {
				return fmt.Errorf("%s: the answer is another than it was then: %s", name, where)
			}
		}
		if round > 0 {
			l.took[c.system.name] = append(l.took[c.system.name], answer.Took)
			l.loaded[c.system.name] = append(l.loaded[c.system.name], loaded.Took)
		}
	}
	return nil
}
