package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ExplainOptions say what EXPLAIN prints.
type ExplainOptions struct {
	Verbose bool // columns of scans and output of projections
	Timing  bool // times of Stats
	// Rows estimates a node's rows; nil prints no estimates. Negative is unknown.
	Rows func(Node) float64
	// Stats tells what a node did; nil, or nil for a node, prints nothing.
	Stats func(Node) *Stats
}

// Stats is what a node did in an execution.
type Stats struct {
	Rows     int64 // in all loops
	Loops    int64 // how often it was opened; 0 is never
	Time     time.Duration
	Bytes    int64 // stored bytes that a scan read
	Groups   int64 // row groups read
	Skipped  int64 // row groups left out by bounds
	Known    int64 // row groups of which the metadata said enough
	Memory   int64 // bytes held at most
	Spilled  int64 // bytes written to disk
	Filtered int64 // rows that the filter removed
}

// Explain prints a plan as EXPLAIN does, a line each.
func Explain(n Node, o ExplainOptions) []string {
	p := &printer{o: o}
	p.node(n, "", "")
	return p.lines
}

type printer struct {
	o        ExplainOptions
	lines    []string
	subplans int
}

// node prints a node whose first line begins with head; what belongs to it is indented by tail.
func (p *printer) node(n Node, head, tail string) {
	line := head + n.Describe()
	if p.o.Rows != nil {
		if r := p.o.Rows(n); r >= 0 {
			line += fmt.Sprintf("  (rows=%.0f)", r)
		}
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
		p.lines = append(p.lines, tail+"  "+d)
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
		return fmt.Sprintf("(actual time=%.3f ms rows=%d loops=%d)", float64(s.Time)/float64(time.Millisecond), s.Rows, s.Loops)
	}
	return fmt.Sprintf("(actual rows=%d loops=%d)", s.Rows, s.Loops)
}

func (s *Stats) details() []string {
	var out []string
	if s == nil {
		return nil
	}
	if s.Filtered > 0 {
		out = append(out, fmt.Sprintf("Rows Removed by Filter: %d", s.Filtered))
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

// ExplainJSON prints a plan as EXPLAIN (FORMAT JSON) does.
func ExplainJSON(n Node, o ExplainOptions) ([]byte, error) {
	p := &printer{o: o}
	return json.MarshalIndent([]any{map[string]any{"Plan": p.tree(n)}}, "", "  ")
}

func (p *printer) tree(n Node) map[string]any {
	out := map[string]any{"Node Type": n.Describe()}
	if p.o.Rows != nil {
		if r := p.o.Rows(n); r >= 0 {
			out["Plan Rows"] = int64(r)
		}
	}
	for _, d := range n.Details() {
		k, v, _ := strings.Cut(d, ": ")
		out[k] = v
	}
	if s := p.stats(n); s != nil {
		out["Actual Rows"], out["Actual Loops"] = s.Rows, s.Loops
		if p.o.Timing {
			out["Actual Total Time"] = float64(s.Time) / float64(time.Millisecond)
		}
		if s.Groups+s.Skipped+s.Known > 0 {
			out["Row Groups Read"], out["Row Groups Skipped"], out["Row Groups Known"], out["Bytes Read"] = s.Groups, s.Skipped, s.Known, s.Bytes
		}
		if s.Memory > 0 {
			out["Peak Memory"], out["Spilled"] = s.Memory, s.Spilled
		}
	}
	var plans []map[string]any
	for _, s := range Subplans(n) {
		t := p.tree(s)
		t["Parent Relationship"] = "SubPlan"
		plans = append(plans, t)
	}
	for _, c := range n.Children() {
		plans = append(plans, p.tree(c))
	}
	if plans != nil {
		out["Plans"] = plans
	}
	return out
}
