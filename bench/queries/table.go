package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/allsource-db/allsource/bench/internal/figure"
	"github.com/allsource-db/allsource/bench/internal/store"
)

// line is what one question gave.
type line struct {
	name        string
	took        map[string][]time.Duration
	differences []string
	machine     float64
}

// report is everything about one log.
type report struct {
	log     string
	began   time.Time
	systems []string
	rounds  int
	events  int64
	middle  string // the moment for AS OF, nothing where it is not asked
	lines   []line
}

// describe counts the events, the same everywhere, and finds the moment at which half of them were recorded.
func (r *report) describe(stores map[string]store.Store, p profile) error {
	for _, system := range r.systems {
		answer, err := stores[system].Ask(`select count(*) from events`)
		if err != nil {
			return fmt.Errorf("%s: %w", system, err)
		}
		n, err := strconv.ParseInt(string(answer.Rows[0][0]), 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", system, err)
		}
		if r.events != 0 && r.events != n {
			return fmt.Errorf("%s has %d events, %s has %d", r.systems[0], r.events, system, n)
		}
		r.events = n
	}
	if r.events == 0 {
		return errors.New("the log is empty")
	}
	if !p.Ordered || stores["allsource"] == nil {
		return nil
	}
	answer, err := stores["allsource"].Ask(`select max(recorded_at) from events
		where position <= (select (min(position) + max(position)) / 2 from events)`)
	if err != nil {
		return err
	}
	r.middle = string(answer.Rows[0][0])
	return nil
}

func (l line) median(turn string) (time.Duration, bool) { return figure.Median(l.took[turn]) }

// best is the fastest of the others.
func (l line) best() (system string, took time.Duration) {
	for name := range l.took {
		if t, ok := l.median(name); ok && name != "allsource" && name != middleColumn && (system == "" || t < took) {
			system, took = name, t
		}
	}
	return system, took
}

func (r *report) write(w io.Writer) error {
	lowest, highest := math.Inf(1), 0.0
	for _, l := range r.lines {
		lowest, highest = min(lowest, l.machine), max(highest, l.machine)
	}
	fmt.Fprintf(w, "%s, %d events, milliseconds, medians of %d rounds; %s\n", r.log, r.events, r.rounds, figure.Run(r.began, lowest, highest))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "question\t%s\tbest peer\tallsource : best\t", strings.Join(r.systems, "\t"))
	if r.middle != "" {
		fmt.Fprintf(t, "%s\thalf : full\t", middleColumn)
	}
	fmt.Fprintln(t, "answers\t")
	var against, halves []float64
	for _, l := range r.lines {
		ours, asked := l.median("allsource")
		best, theirs := l.best()
		fmt.Fprintf(t, "%s\t", l.name)
		for _, system := range r.systems {
			took, _ := l.median(system)
			fmt.Fprintf(t, "%s\t", figure.Milliseconds(took))
		}
		fmt.Fprintf(t, "%s\t%s\t", best, figure.Ratio(&against, ours, theirs, asked && best != ""))
		if r.middle != "" {
			half, _ := l.median(middleColumn)
			fmt.Fprintf(t, "%s\t%s\t", figure.Milliseconds(half), figure.Ratio(&halves, half, ours, true))
		}
		verdict := "equal"
		if len(l.differences) > 0 {
			verdict = "DIFFER"
		}
		fmt.Fprintln(t, verdict+"\t")
	}
	fmt.Fprintf(t, "geometric mean\t%s\t%s\t", strings.Repeat("\t", len(r.systems)), figure.Geometric(against))
	if r.middle != "" {
		fmt.Fprintf(t, "\t%s\t", figure.Geometric(halves))
	}
	fmt.Fprintln(t, "\t")
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range r.lines {
		for _, where := range l.differences {
			fmt.Fprintf(w, "%s: %s\n", l.name, where)
		}
	}
	fmt.Fprintln(w)
	return nil
}
