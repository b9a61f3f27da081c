package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/allsource-db/allsource/bench/internal/figure"
)

// table tells rates of what fills tables, and times of scans beside those of a table as it was loaded.
func table(w io.Writer, names []string, rows int64, loads, scans []line) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := func(first, each, last string) {
		fmt.Fprint(t, first)
		for _, name := range names {
			fmt.Fprintf(t, "\t%s%s", name, each)
		}
		fmt.Fprintln(t, last)
	}
	if len(loads) > 0 {
		head("thousand rows/s", "", "\tallsource:duckdb\t")
	}
	var ratios []float64
	for _, l := range loads {
		fmt.Fprint(t, l.name)
		for _, name := range names {
			took, known := figure.Median(l.took[name])
			fmt.Fprintf(t, "\t%s", rate(rows, took, known))
		}
		ours, known := figure.Median(l.took["allsource"])
		duck, too := figure.Median(l.took["duckdb"])
		fmt.Fprintf(t, "\t%s\t\n", figure.Ratio(&ratios, duck, ours, known && too))
	}
	if len(loads) > 0 {
		fmt.Fprintf(t, "geometric mean\t%s\t\n", figure.Geometric(ratios))
	}
	if len(scans) > 0 {
		head("ms (: as loaded)", "", "\t")
	}
	for _, l := range scans {
		fmt.Fprint(t, l.name)
		for _, name := range names {
			took, known := figure.Median(l.took[name])
			if !known {
				fmt.Fprint(t, "\t-")
				continue
			}
			fmt.Fprintf(t, "\t%s", figure.Milliseconds(took))
			if loaded, known := figure.Median(l.loaded[name]); known {
				fmt.Fprintf(t, " (%.2f)", float64(took)/float64(loaded))
			}
		}
		fmt.Fprintln(t, "\t")
	}
	return t.Flush()
}

func rate(rows int64, took time.Duration, known bool) string {
	if !known || took <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", float64(rows)/took.Seconds()/1000)
}
