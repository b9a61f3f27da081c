// Command queries asks 17 analytical questions about one log of AllSource, DuckDB, ClickHouse and PostgreSQL 18, and tells
// the medians, how AllSource compares with the best of the others, and whether all answers are equal.
//
// Each system loads the log once, AllSource with its importer. Then, question by question, the systems are asked in turn,
// several rounds, so that a slow minute of the machine does not become one system's figure. AllSource is asked each
// question a second time as of the middle of the log, where half as much should cost half as much.
//
//	go run ./bench/queries -binary ./allsource -keep bench/data/stores bench/data/shoplog-2000000.ndjson
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/allsource-db/allsource/bench/internal/figure"
	"github.com/allsource-db/allsource/bench/internal/peer"
	"github.com/allsource-db/allsource/bench/internal/store"
)

type settings struct {
	place              store.Place
	out                string
	rounds             int
	more               bool // out has the tables of other logs already
	patience           time.Duration
	systems, questions []string
}

func main() {
	var s settings
	place := store.Flags()
	ask := flag.String("systems", strings.Join(store.Systems, ","), "whom to ask, in this order")
	only := flag.String("questions", "", "the questions to ask, by name (default: all)")
	flag.StringVar(&s.out, "out", "", "one file for the tables of all logs (default: bench/results/queries-LOG.txt for each)")
	flag.IntVar(&s.rounds, "rounds", 5, "timed rounds; one before them warms up and is compared")
	flag.DurationVar(&s.patience, "patience", 20*time.Second, "a system that has spent this long on a question is not asked it again")
	flag.Parse()
	s.systems, s.questions = store.Split(*ask), store.Split(*only)
	var err error
	if s.place, err = place(); err != nil {
		fmt.Fprintln(os.Stderr, "queries:", err)
		os.Exit(1)
	}
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: queries [flags] LOG.ndjson[.gz]…")
		flag.PrintDefaults()
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	status := 0
	for i, file := range flag.Args() {
		s.more = s.out != "" && i > 0
		if err := s.run(ctx, file); err != nil {
			fmt.Fprintf(os.Stderr, "queries: %s: %v\n", file, err)
			status = 1
		}
	}
	os.Exit(status)
}

// run asks everything about one log.
func (s settings) run(ctx context.Context, file string) (err error) {
	p, known := profileOf(file)
	if !known {
		return errors.New("no questions are known for a log of this name")
	}
	ask, err := chosen(s.questions)
	if err != nil {
		return err
	}
	log, done, err := s.place.Log(file, p.Ordered)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	r := &report{log: log.Name, began: time.Now(), systems: s.systems, rounds: s.rounds}
	stores := map[string]store.Store{}
	defer func() {
		for _, opened := range stores {
			err = errors.Join(err, opened.Close())
		}
	}()
	for _, system := range s.systems {
		if stores[system], err = log.Open(ctx, system); err != nil {
			delete(stores, system)
			return err
		}
	}
	if err := r.describe(stores, p); err != nil {
		return err
	}
	for _, q := range ask {
		line, err := s.question(ctx, q, p, stores, r.middle)
		if errors.Is(err, errLacks) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		r.lines = append(r.lines, line)
		fmt.Fprintf(os.Stderr, "%s\n", q.name)
	}
	return s.tell(r)
}

// middleColumn is AllSource as of the middle of the log: one more system to ask, whose answers are not compared.
const middleColumn = "as of half"

// question asks one question of everyone: once to warm up and compare, then in rounds.
func (s settings) question(ctx context.Context, q question, p profile, stores map[string]store.Store, middle string) (line, error) {
	l := line{name: q.name, took: map[string][]time.Duration{}, machine: peer.Load()}
	turns := slices.Clone(s.systems)
	if middle != "" {
		turns = append(turns, middleColumn)
	}
	sql, answers := map[string]string{}, map[string]peer.Answer{}
	ask := func(turn string) (peer.Answer, error) {
		if err := ctx.Err(); err != nil {
			return peer.Answer{}, err
		}
		system := turn
		if turn == middleColumn {
			system = "allsource"
		}
		answer, err := stores[system].Ask(sql[turn])
		if err != nil {
			return answer, fmt.Errorf("%s: %w", turn, err)
		}
		return answer, nil
	}
	for _, turn := range turns {
		var err error
		if turn == middleColumn {
			sql[turn] = asOf(sql["allsource"], middle)
		} else if sql[turn], err = q.write(turn, p); err != nil {
			return l, err
		}
	}
	// Who cannot answer is told with the reason and asked no more.
	turns = slices.DeleteFunc(turns, func(turn string) bool {
		answer, err := ask(turn)
		if err != nil {
			l.differences = append(l.differences, err.Error())
			return true
		}
		answers[turn] = answer
		return false
	})
	l.differences = append(l.differences, differences(s.systems, answers)...)
	spent := map[string]time.Duration{}
	for range s.rounds {
		for _, turn := range turns {
			if spent[turn] > s.patience {
				continue
			}
			answer, err := ask(turn)
			if err != nil {
				return l, err
			}
			spent[turn] += answer.Took
			l.took[turn] = append(l.took[turn], answer.Took)
		}
	}
	return l, nil
}

// differences compares everyone who answered with PostgreSQL, or with the first where PostgreSQL did not.
func differences(asked []string, answers map[string]peer.Answer) (out []string) {
	truth := "postgres"
	for _, system := range asked {
		if _, answered := answers[system]; !answered {
			continue
		}
		if _, there := answers[truth]; !there {
			truth = system
		}
		if system == truth {
			continue
		}
		if where := peer.Differ(answers[system], answers[truth]); where != "" {
			out = append(out, fmt.Sprintf("%s and %s: %s", system, truth, where))
		}
	}
	return out
}

// tell writes the table to the standard output and to a file, and fails where answers differ.
func (s settings) tell(r *report) error {
	out := s.out
	if out == "" {
		out = filepath.Join("bench", "results", "queries-"+r.log+".txt")
	}
	tell := figure.Tell
	if s.more {
		tell = figure.TellMore
	}
	if err := tell(out, r.write); err != nil {
		return err
	}
	for _, l := range r.lines {
		if len(l.differences) > 0 {
			return errors.New("answers differ")
		}
	}
	return nil
}
