// Command time asks AllSource about ten moments spread over a log and about now, and tells what the past costs beside the present.
//
// With -beside it asks about the states of entities at such moments too, and PostgreSQL 18 the same, in which a table has a row
// for each state with the time from when to when it was valid. That is about a log of its own, as a rule a smaller one, because
// PostgreSQL takes long to make that table.
//
// Every answer is compared before anything is timed: that as of a moment with the one in plain SQL about the events recorded until
// then, and AllSource's with PostgreSQL's.
//
//	go run ./bench/time -binary ./allsource -beside bench/data/shoplog-2000000.ndjson bench/data/shoplog-20000000.ndjson
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/allsource-db/allsource/bench/internal/figure"
	"github.com/allsource-db/allsource/bench/internal/peer"
	"github.com/allsource-db/allsource/bench/internal/store"
)

const moments = 10

type settings struct {
	place       store.Place
	out, beside string
	rounds      int
}

func main() {
	var s settings
	place := store.Flags()
	flag.StringVar(&s.beside, "beside", "", "the log that PostgreSQL is asked about too; it is left out without")
	flag.StringVar(&s.out, "out", "", "the file for the tables (default: bench/results/time-LOG.txt)")
	flag.IntVar(&s.rounds, "rounds", 5, "timed rounds; those before them warm up and are compared")
	flag.Parse()
	if flag.NArg() > 1 || flag.NArg() == 0 && s.beside == "" {
		fmt.Fprintln(os.Stderr, "usage: time [flags] [LOG.ndjson]")
		flag.PrintDefaults()
		os.Exit(2)
	}
	peer.Main("time", func(ctx context.Context) (err error) {
		if s.place, err = place(); err != nil {
			return err
		}
		return s.run(ctx, flag.Arg(0))
	})
}

// run makes a table of each log.
func (s settings) run(ctx context.Context, file string) error {
	var tables []*table
	if file != "" {
		t, err := s.measure(ctx, file, about, []string{"allsource"})
		if err != nil {
			return err
		}
		tables = append(tables, t)
	}
	if s.beside != "" {
		t, err := s.measure(ctx, s.beside, beside, []string{"allsource", "postgres"})
		if err != nil {
			return err
		}
		tables = append(tables, t)
	}
	out := s.out
	if out == "" {
		out = filepath.Join("bench", "results", "time-"+tables[0].log+".txt")
	}
	return figure.Tell(out, func(w io.Writer) error {
		for _, t := range tables {
			if err := t.write(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// measure asks the questions about one log.
func (s settings) measure(ctx context.Context, file string, list []question, systems []string) (t *table, err error) {
	log, done, err := s.place.Log(file, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	stores := map[string]store.Store{}
	defer func() {
		for _, opened := range stores {
			err = errors.Join(err, opened.Close())
		}
	}()
	for _, system := range systems {
		if stores[system], err = log.Open(ctx, system); err != nil {
			delete(stores, system)
			return nil, err
		}
	}
	t = &table{log: log.Name, began: time.Now(), rounds: s.rounds}
	if t.events, t.moments, err = momentsOf(stores["allsource"]); err != nil {
		return nil, err
	}
	if peer := stores["postgres"]; peer != nil {
		if err := makeStates(peer, t.events); err != nil {
			return nil, fmt.Errorf("postgres: %w", err)
		}
	}
	for _, q := range list {
		if err := compare(ctx, q, stores, t.moments); err != nil {
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
		for _, system := range systems {
			l, err := s.question(ctx, q, system, stores[system], t.moments)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", q.name, system, err)
			}
			t.lines = append(t.lines, l)
		}
		fmt.Fprintln(os.Stderr, q.name)
	}
	return t, nil
}

// number asks for one.
func number(s store.Store, sql string) (int64, error) {
	answer, err := s.Ask(sql)
	if err != nil {
		return 0, err
	}
	if len(answer.Rows) != 1 {
		return 0, fmt.Errorf("%s: %d rows", sql, len(answer.Rows))
	}
	return strconv.ParseInt(string(answer.Rows[0][0]), 10, 64)
}

// momentsOf counts the events and finds moments that see a twentieth, three twentieths… of them, the last one before now.
func momentsOf(s store.Store) (events int64, list []moment, err error) {
	if events, err = number(s, `select count(*) from events`); err != nil {
		return 0, nil, err
	}
	for i := range moments {
		position := events * int64(2*i+1) / (2 * moments)
		answer, err := s.Ask(fmt.Sprintf(`select recorded_at from events where position = %d`, position))
		if err != nil {
			return 0, nil, err
		}
		if len(answer.Rows) != 1 {
			return 0, nil, fmt.Errorf("there is no event at position %d", position)
		}
		m := moment{time: string(answer.Rows[0][0])}
		seen, err := number(s, question{sql: `select count(*) from events`}.filtered(m))
		if err != nil {
			return 0, nil, err
		}
		m.share = float64(seen) / float64(events)
		list = append(list, m)
	}
	return events, append(list, moment{share: 1}), nil
}

// makeStates makes PostgreSQL's table of states, unless an earlier run did.
func makeStates(s store.Store, events int64) error {
	n, err := number(s, `select count(*) from events`)
	if err != nil {
		return err
	}
	if n != events {
		return fmt.Errorf("there are %d events, allsource has %d", n, events)
	}
	there, err := number(s, `select count(*) from pg_indexes where tablename = 'states'`)
	if err != nil || there == 3 {
		return err
	}
	fmt.Fprintln(os.Stderr, "making the table of states in postgres")
	for _, sql := range append([]string{`drop table if exists states`}, states...) {
		if _, err := s.Ask(sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// compare asks about every moment and fails where two answers that must be equal are not.
func compare(ctx context.Context, q question, stores map[string]store.Store, list []moment) error {
	for _, m := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		answer, err := stores["allsource"].Ask(q.asOf(m))
		if err != nil {
			return err
		}
		system, sql := "allsource", ""
		switch {
		case q.postgres != "" && stores["postgres"] != nil:
			system, sql = "postgres", q.inStates(m)
		case m.time != "" && q.filtered(m) != q.sql:
			sql = q.filtered(m)
		default:
			continue
		}
		other, err := stores[system].Ask(sql)
		if err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		if where := peer.Differ(answer, other); where != "" {
			return fmt.Errorf("as of %q answers differ: %s\n%s\n%s", m.time, where, q.asOf(m), sql)
		}
	}
	return nil
}

// question times a question about all moments in turn, round after round.
func (s settings) question(ctx context.Context, q question, system string, asked store.Store, list []moment) (line, error) {
	l := line{name: q.name, system: system, took: make([][]time.Duration, len(list)), machine: peer.Load()}
	for range s.rounds {
		for i, m := range list {
			if err := ctx.Err(); err != nil {
				return l, err
			}
			sql := q.asOf(m)
			if system == "postgres" {
				sql = q.inStates(m)
			}
			answer, err := asked.Ask(sql)
			if err != nil {
				return l, err
			}
			l.took[i] = append(l.took[i], answer.Took)
		}
	}
	return l, nil
}
