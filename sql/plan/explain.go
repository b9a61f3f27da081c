package plan

import (
	"fmt"
	"strings"
	"time"
)

// ExplainOptions say what EXPLAIN prints.
type ExplainOptions struct {
	Verbose bool // columns of scans and output of projections
	Costs   bool // costs, rows and widths that were expected; needs Rows
	Timing  bool // times of Stats
	// Rows estimates a node's rows; negative is unknown.
	Rows func(Node) float64
	// Stats tells what a node did; nil, or nil for a node, prints nothing.
	Stats func(Node) *Stats
}

// Stats is what a node did in an execution.
type Stats struct {
	Rows     int64 // in all loops
	Loops    int64 // how often it was opened; 0 is never
	First    time.Duration
	Time     time.Duration // both in all loops: until the first rows, and all
	Workers  int64         // goroutines that read for it
	Bytes    int64         // stored bytes that a scan read
	Groups   int64         // row groups read
	Skipped  int64         // row groups left out by bounds
	Known    int64         // row groups of which the metadata said enough
	Memory   int64         // bytes held at most
	Spilled  int64         // bytes written to disk
	Filtered int64         // rows that the filter removed
	Left     int64         // rows of an index that was then left for all of the table
}

// millis is the time of one loop.
func (s *Stats) millis(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond) / float64(max(1, s.Loops))
}

// rows is how many rows one loop gave, rounded.
func (s *Stats) rows() int64 { return (s.Rows + s.Loops/2) / max(1, s.Loops) }

// Explain prints a plan as EXPLAIN does, a line each.
func Explain(n Node, o ExplainOptions) []string {
	p := newPrinter(o)
	p.node(n, "", "")
	return p.lines
}

// ExplainTimes are the times that EXPLAIN's summary tells; zero ones are left out.
type ExplainTimes struct{ Planning, Execution time.Duration }

// Lines prints the times as EXPLAIN does under a plan.
func (t ExplainTimes) Lines() []string {
	var out []string
	if t.Planning > 0 {
		out = append(out, fmt.Sprintf("Planning Time: %.3f ms", millis(t.Planning)))
	}
	if t.Execution > 0 {
		out = append(out, fmt.Sprintf("Execution Time: %.3f ms", millis(t.Execution)))
	}
	return out
}

type printer struct {
	o        ExplainOptions
	costs    *coster // nil: none
	lines    []string
	subplans int
}

func newPrinter(o ExplainOptions) *printer {
	p := &printer{o: o}
	if o.Costs && o.Rows != nil {
		p.costs = &coster{rows: o.Rows, known: map[Node]cost{}}
	}
	return p
}

// node prints a node whose first line begins with head; what belongs to it is indented by tail.
func (p *printer) node(n Node, head, tail string) {
	line := head + n.Describe()
	if p.costs != nil {
		c := p.costs.of(n)
		line += fmt.Sprintf("  (cost=%.2f..%.2f rows=%.0f width=%d)", c.start, c.total, c.rows, width(n))
	}
	s := p.stats(n)
	if s != nil {
		line += " " + p.actual(s)
	}
	p.lines = append(p.lines, line)
	for _, d := range n.Details() {
		if !p.o.Verbose && (strings.HasPrefix(d, "Columns: ") || strings.HasPrefix(d, "Output: ")) {
			continue
		}
		p.lines = append(p.lines, tail+"  "+strings.ReplaceAll(d, "\x00", "")) // of names that nobody can write
	}
	for _, d := range s.details() {
		p.lines = append(p.lines, tail+"  "+d)
	}
	for _, sub := range Subplans(n) {
		p.subplans++
		p.lines = append(p.lines, fmt.Sprintf("%s  SubPlan %d", tail, p.subplans))
		p.node(sub, tail+"    ->  ", tail+"        ")
	}
	for i, c := range n.Children() {
		if w, ok := n.(*With); ok && i < len(n.Children())-1 {
			p.lines = append(p.lines, tail+"  CTE "+w.Name)
			p.node(c, tail+"    ->  ", tail+"        ")
			continue
		}
		p.node(c, tail+"  ->  ", tail+"      ")
	}
}

func (p *printer) stats(n Node) *Stats {
	if p.o.Stats == nil {
		return nil
	}
	return p.o.Stats(n)
}

func (p *printer) actual(s *Stats) string {
	if s.Loops == 0 {
		return "(never executed)"
	}
	if p.o.Timing {
		return fmt.Sprintf("(actual time=%.3f..%.3f rows=%d loops=%d)", s.millis(s.First), s.millis(s.Time), s.rows(), s.Loops)
	}
	return fmt.Sprintf("(actual rows=%d loops=%d)", s.rows(), s.Loops)
}

func (s *Stats) details() []string {
	var out []string
	if s == nil {
		return nil
	}
	if s.Filtered > 0 {
		out = append(out, fmt.Sprintf("Rows Removed by Filter: %d", s.Filtered/max(1, s.Loops)))
	}
	if s.Left > 0 {
		out = append(out, fmt.Sprintf("Index Left After: %d rows", s.Left/max(1, s.Loops)))
	}
	if s.Workers > 1 {
		out = append(out, fmt.Sprintf("Workers: %d", s.Workers))
	}
	if s.Groups+s.Skipped+s.Known > 0 {
		groups := fmt.Sprintf("Row Groups: %d read, %d skipped", s.Groups, s.Skipped)
		if s.Known > 0 {
			groups += fmt.Sprintf(", %d known", s.Known)
		}
		out = append(out, fmt.Sprintf("%s  Bytes: %d", groups, s.Bytes))
	}
	if s.Memory > 0 {
		line := fmt.Sprintf("Memory: %dkB", (s.Memory+1023)/1024)
		if s.Spilled > 0 {
			line += fmt.Sprintf("  Disk: %dkB", (s.Spilled+1023)/1024)
		}
		out = append(out, line)
	}
	return out
}
