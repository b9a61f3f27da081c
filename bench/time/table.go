package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/allsource-db/allsource/bench/internal/figure"
)

// line is how long one system took for one question, moment by moment.
type line struct {
	name, system string
	took         [][]time.Duration
	machine      float64
}

// table is everything about one log.
type table struct {
	log     string
	began   time.Time
	rounds  int
	events  int64
	moments []moment // the last one is now
	lines   []line
}

func (t *table) write(w io.Writer) error {
	lowest, highest := math.Inf(1), 0.0
	for _, l := range t.lines {
		lowest, highest = min(lowest, l.machine), max(highest, l.machine)
	}
	fmt.Fprintf(w, "%s, %d events, as of moments that see so much of them; milliseconds, medians of %d rounds, answers equal; %s\n",
		t.log, t.events, t.rounds, figure.Run(t.began, lowest, highest))
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "question\tsystem\tnow\t")
	past := t.moments[:len(t.moments)-1]
	for _, m := range past {
		fmt.Fprintf(out, "%.0f %%\t", 100*m.share)
	}
	fmt.Fprintln(out, "past : now\tslowest : now\t")
	means, slowest := map[string][]float64{}, map[string][]float64{}
	for _, l := range t.lines {
		now, _ := figure.Median(l.took[len(past)])
		fmt.Fprintf(out, "%s\t%s\t%s\t", l.name, l.system, figure.Milliseconds(now))
		var ratios []float64
		worst := time.Duration(0)
		for i := range past {
			took, _ := figure.Median(l.took[i])
			worst = max(worst, took)
			figure.Ratio(&ratios, took, now, true)
			fmt.Fprintf(out, "%s\t", figure.Milliseconds(took))
		}
		mean, most := means[l.system], slowest[l.system]
		mean = append(mean, ratios...)
		fmt.Fprintf(out, "%s\t%s\t\n", figure.Geometric(ratios), figure.Ratio(&most, worst, now, true))
		means[l.system], slowest[l.system] = mean, most
	}
	for _, system := range []string{"allsource", "postgres"} {
		if len(means[system]) > 0 {
			fmt.Fprintf(out, "geometric mean\t%s\t%s\t%s\t%s\t\n", system, strings.Repeat("\t", len(past)), figure.Geometric(means[system]), figure.Geometric(slowest[system]))
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	t.against(w)
	_, err := fmt.Fprintln(w)
	return err
}

// against tells for each question that two systems were asked how they compare, now and over the moments of the past.
func (t *table) against(w io.Writer) {
	for i := 1; i < len(t.lines); i++ {
		ours, theirs := t.lines[i-1], t.lines[i]
		if ours.name != theirs.name {
			continue
		}
		var past, now []float64
		for k := range ours.took {
			a, _ := figure.Median(ours.took[k])
			b, _ := figure.Median(theirs.took[k])
			if t.moments[k].time == "" {
				figure.Ratio(&now, a, b, true)
			} else {
				figure.Ratio(&past, a, b, true)
			}
		}
		fmt.Fprintf(w, "%s: %s : %s is %s now, %s in the past\n", ours.name, ours.system, theirs.system, figure.Geometric(now), figure.Geometric(past))
	}
}
