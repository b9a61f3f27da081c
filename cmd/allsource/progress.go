package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress draws a bar while a file is imported, on a terminal only.
type progress struct {
	w     io.Writer
	tty   bool
	in    *input
	name  string
	start time.Time
	drawn time.Time
	took  time.Duration
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, tty: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progress) begin(name string, in *input) {
	p.name, p.in, p.start, p.took = name, in, time.Now(), 0
}

// update is told how many lines were sent.
func (p *progress) update(lines int64) {
	if !p.tty || time.Since(p.drawn) < 100*time.Millisecond {
		return
	}
	p.drawn = time.Now()
	const width = 30
	bar := ""
	if p.in.size > 0 {
		done := float64(p.in.read.Load()) / float64(p.in.size)
		full := min(int(done*width), width)
		bar = fmt.Sprintf("[%s%s] %3.0f%%  ", strings.Repeat("█", full), strings.Repeat("░", width-full), done*100)
	}
	fmt.Fprintf(p.w, "\r%s%s events  %s/s \x1b[K", bar, thousands(lines), thousands(p.rate(lines)))
}

func (p *progress) end() {
	p.took = time.Since(p.start)
	if p.tty {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *progress) duration() time.Duration {
	if p.took > 0 {
		return p.took
	}
	return time.Since(p.start)
}

func (p *progress) elapsed() string { return p.duration().Round(10 * time.Millisecond).String() }

// rate is n per second.
func (p *progress) rate(n int64) int64 {
	s := p.duration().Seconds()
	if s <= 0 {
		return 0
	}
	return int64(float64(n) / s)
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
