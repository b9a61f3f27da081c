package plan

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/allsource-db/allsource/sql/expr"
)

// ExplainJSON prints a plan as EXPLAIN (FORMAT JSON) does: PostgreSQL's keys where it has them, in its order, so that what
// draws its plans draws these.
func ExplainJSON(n Node, o ExplainOptions, t ExplainTimes) ([]byte, error) {
	p := newPrinter(o)
	top := object{{"Plan", p.tree(n, "")}}
	if t.Planning > 0 {
		top.add("Planning Time", millis(t.Planning))
	}
	if t.Execution > 0 {
		top.add("Triggers", []any{})
		top.add("Execution Time", millis(t.Execution))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode([]any{top})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// millis has three digits after the point.
func millis(d time.Duration) float64 { return rounded(float64(d) / float64(time.Millisecond)) }

func rounded(f float64) float64 { return math.Round(f*1000) / 1000 }

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key string
	val any
}

func (o *object) add(key string, val any) { *o = append(*o, member{key, val}) }

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.val); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// tree is a node with what is below it; relation says how it belongs to the node above.
func (p *printer) tree(n Node, relation string) object {
	out := kind(n)
	if relation != "" {
		out.add("Parent Relationship", relation)
	}
	out.add("Parallel Aware", false)
	out.add("Async Capable", false)
	if p.costs != nil {
		c := p.costs.of(n)
		out.add("Startup Cost", rounded(c.start))
		out.add("Total Cost", rounded(c.total))
		out.add("Plan Rows", int64(c.rows))
		out.add("Plan Width", width(n))
	}
	s := p.stats(n)
	if s != nil {
		if p.o.Timing {
			out.add("Actual Startup Time", rounded(s.millis(s.First)))
			out.add("Actual Total Time", rounded(s.millis(s.Time)))
		}
		out.add("Actual Rows", s.rows())
		out.add("Actual Loops", s.Loops)
	}
	p.properties(n, &out)
	if s != nil {
		measured(s, &out)
	}
	var plans []object
	for _, sub := range Subplans(n) {
		p.subplans++
		plans = append(plans, p.tree(sub, "SubPlan"))
	}
	for i, c := range n.Children() {
		plans = append(plans, p.tree(c, relationOf(n, i)))
	}
	if plans != nil {
		out.add("Plans", plans)
	}
	return out
}

// relationOf names the place of an input.
func relationOf(n Node, i int) string {
	switch n.(type) {
	case *SetOp:
		return "Member"
	case *With:
		if i < len(n.Children())-1 {
			return "InitPlan"
		}
	case *Join:
		if i == 1 {
			return "Inner"
		}
	}
	return "Outer"
}

var joinTypes = [...]string{Inner: "Inner", Left: "Left", Right: "Right", Full: "Full", Semi: "Semi", Anti: "Anti", Cross: "Inner"}

// kind is the node's type under PostgreSQL's name, with what tells it apart from others of the type.
func kind(n Node) object {
	named := func(name string, more ...member) object { return append(object{{"Node Type", name}}, more...) }
	switch n := n.(type) {
	case *Scan:
		direction := "Forward"
		if n.Reverse {
			direction = "Backward"
		}
		alias := n.Alias
		if alias == "" {
			alias = n.Relation.Name
		}
		return named("Seq Scan", member{"Scan Direction", direction}, member{"Relation Name", n.Relation.Name}, member{"Alias", alias})
	case *FuncScan:
		return named("Function Scan", member{"Function Name", n.Fn.Name}, member{"Alias", n.Fn.Name})
	case *CTERef:
		return named("CTE Scan", member{"CTE Name", n.Name}, member{"Alias", n.Name})
	case *Values:
		if len(n.Fields) == 0 || len(n.Rows) == 0 {
			return named("Result")
		}
		return named("Values Scan")
	case *Project:
		return named("Result")
	case *Aggregate:
		switch {
		case n.Sets != nil:
			return named("Aggregate", member{"Strategy", "Mixed"}, member{"Partial Mode", "Simple"})
		case len(n.Keys) > 0:
			return named("Aggregate", member{"Strategy", "Hashed"}, member{"Partial Mode", "Simple"})
		}
		return named("Aggregate", member{"Strategy", "Plain"}, member{"Partial Mode", "Simple"})
	case *Join:
		switch {
		case n.Merge != nil:
			return named("Merge Join", member{"Join Type", joinTypes[n.Kind]})
		case len(n.LeftKeys) > 0:
			return named("Hash Join", member{"Join Type", joinTypes[n.Kind]})
		}
		return named("Nested Loop", member{"Join Type", joinTypes[n.Kind]})
	case *SetOp:
		if n.Kind == Union {
			return named("Append")
		}
		return named("SetOp", member{"Strategy", "Hashed"}, member{"Command", n.Describe()})
	case *Append:
		return named("ModifyTable", member{"Operation", "Insert"}, member{"Relation Name", n.Relation.Name}, member{"Alias", n.Relation.Name})
	case *Distinct:
		return named("Unique")
	case *Sort:
		return named("Sort")
	}
	return named(n.Describe())
}

// properties adds the node's details: lists as lists, and columns only where they are asked for.
func (p *printer) properties(n Node, out *object) {
	lists := map[string][]string{}
	switch n := n.(type) {
	case *Project:
		lists["Output"] = each(n.Exprs)
	case *Scan:
		for _, c := range n.Cols {
			lists["Output"] = append(lists["Output"], c.describe(n))
		}
	case *Aggregate:
		if n.Sets == nil {
			lists["Group Key"] = each(n.Keys)
		}
	case *Sort:
		for _, key := range n.Keys {
			lists["Sort Key"] = append(lists["Sort Key"], key.String())
		}
	}
	if p.o.Verbose && lists["Output"] != nil {
		out.add("Output", lists["Output"])
	}
	var sets []string
	for _, d := range n.Details() {
		switch k, v, _ := strings.Cut(d, ": "); {
		case k == "Columns" || k == "Output":
		case lists[k] != nil:
			out.add(k, lists[k])
		case k == "Group Key":
			sets = append(sets, v)
		default:
			out.add(k, v)
		}
	}
	if sets != nil {
		out.add("Grouping Sets", sets)
	}
}

func each(list []expr.Expr) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.String())
	}
	return out
}

// measured adds what was counted beyond rows and times.
func measured(s *Stats, out *object) {
	if s.Filtered > 0 {
		out.add("Rows Removed by Filter", s.Filtered/max(1, s.Loops))
	}
	if s.Left > 0 {
		out.add("Rows Until Index Left", s.Left/max(1, s.Loops))
	}
	if s.Workers > 1 {
		out.add("Workers Launched", s.Workers)
	}
	if s.Groups+s.Skipped+s.Known > 0 {
		out.add("Row Groups Read", s.Groups)
		out.add("Row Groups Skipped", s.Skipped)
		out.add("Row Groups Known", s.Known)
		out.add("Bytes Read", s.Bytes)
	}
	if s.Memory > 0 {
		out.add("Peak Memory Usage", (s.Memory+1023)/1024)
	}
	if s.Spilled > 0 {
		out.add("Disk Usage", (s.Spilled+1023)/1024)
	}
}
