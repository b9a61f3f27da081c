package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

// line is one way to do it, and how long it took each system, round by round.
type line struct {
	name   string
	took   map[string][]time.Duration
	loaded map[string][]time.Duration // what the same took beside it of a table as it was loaded
}

func newLine(name string) line {
	return line{name: name, took: map[string][]time.Duration{}, loaded: map[string][]time.Duration{}}
}

// keys are what a table that is filled may have.
var keys = []struct{ name, id, code string }{
	{"no key", "", ""},
	{"primary key, in order", " primary key", ""},
	{"primary key, in no order", "", " primary key"},
}

// all asks about every column of a table. The floats are such that their sum is exact in any order.
func all(table string) string {
	return "select count(*), sum(id), sum(customer), count(distinct name), sum(amount), sum(weight), min(placed), max(placed), min(code), max(code), " +
		"sum(case status when 'paid' then id else 0 end) from " + table
}

// measureLoads fills tables from a file and from the table source, system by system in turn. Only the statement is timed; what it added is durable when it
// ends. What a system does in the background afterwards is waited for, so that the next does not pay for it.
func (s settings) measureLoads(ctx context.Context, systems []*system, file string) ([]line, error) {
	var lines []line
	for _, way := range []string{"COPY", "INSERT … SELECT"} {
		for _, key := range keys {
			l := newLine(way + ", " + key.name)
			for range s.rounds {
				answers := map[string]peer.Answer{}
				for _, y := range systems {
					from := file
					if way != "COPY" {
						from = ""
					}
					peer.Quiet()
					took, err := y.fill("filled", key.id, key.code, from)
					if err != nil {
						return nil, fmt.Errorf("%s: %s: %w", y.name, l.name, err)
					}
					l.took[y.name] = append(l.took[y.name], took)
					if answers[y.name], err = y.Ask(all("filled")); err != nil {
						return nil, fmt.Errorf("%s: %w", y.name, err)
					}
					if _, err := y.Ask("drop table filled"); err != nil {
						return nil, fmt.Errorf("%s: %w", y.name, err)
					}
					if err := y.idle(ctx); err != nil {
						return nil, err
					}
				}
				if err := same(systems, answers); err != nil {
					return nil, fmt.Errorf("%s: %w", l.name, err)
				}
			}
			fmt.Fprintln(os.Stderr, l.name, l.took)
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// fill makes a table and fills it from a file, or from the table source where none is named.
func (y *system) fill(table, id, code, file string) (time.Duration, error) {
	if _, err := y.Ask("create table " + table + fmt.Sprintf(columns, id, code)); err != nil {
		return 0, err
	}
	if file != "" {
		answer, err := y.Copy(table, file)
		return answer.Took, err
	}
	answer, err := y.Ask("insert into " + table + " select * from source")
	return answer.Took, err
}

// same compares the answers of all systems with the last one's.
func same(systems []*system, answers map[string]peer.Answer) error {
	truth := slices.Clone(systems)[len(systems)-1].name
	for _, y := range systems {
		if where := peer.Differ(answers[y.name], answers[truth]); where != "" {
			return fmt.Errorf("answers of %s and %s differ: %s", y.name, truth, where)
		}
	}
	return nil
}
