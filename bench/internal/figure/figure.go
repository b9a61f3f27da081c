// Package figure is what the measurements' tables have in common: medians, ratios, how numbers are written and where tables go.
package figure

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Median is the middle one of some times, the mean of the middle two; false where there are none.
func Median(of []time.Duration) (time.Duration, bool) {
	all := slices.Sorted(slices.Values(of))
	if len(all) == 0 {
		return 0, false
	}
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2, true
}

// Ratio tells a : b and keeps it for the mean.
func Ratio(all *[]float64, a, b time.Duration, known bool) string {
	if !known || a <= 0 || b <= 0 {
		return "-"
	}
	r := float64(a) / float64(b)
	*all = append(*all, r)
	return fmt.Sprintf("%.2f", r)
}

// Geometric is the geometric mean.
func Geometric(all []float64) string {
	if len(all) == 0 {
		return "-"
	}
	sum := 0.0
	for _, r := range all {
		sum += math.Log(r)
	}
	return fmt.Sprintf("%.2f", math.Exp(sum/float64(len(all))))
}

// Milliseconds has three figures that mean something.
func Milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d == 0:
		return "-"
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.2f", ms)
}

// Run is what a table says about the run that it comes from: the state of the tree, as far as git tells, when and where.
func Run(began time.Time, lowest, highest float64) string {
	return fmt.Sprintf("commit %s, %s, %d cores, machine load %.1f to %.1f",
		commit(), began.UTC().Format("2006-01-02 15:04 UTC"), runtime.NumCPU(), lowest, highest)
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// Tell has a table written to the standard output and to a file, whose folder is made.
func Tell(file string, write func(io.Writer) error) error { return tell(file, os.O_TRUNC, write) }

// TellMore is Tell behind what the file says already.
func TellMore(file string, write func(io.Writer) error) error { return tell(file, os.O_APPEND, write) }

func tell(file string, how int, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|how, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(write(io.MultiWriter(os.Stdout, f)), f.Close())
}
