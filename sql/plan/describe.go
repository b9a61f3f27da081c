package plan

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/vec"
)

// Describe implements Node.
func (s *Scan) Describe() string {
	name := "Scan"
	if s.Reverse {
		name = "Scan Backward"
	}
	switch {
	case !s.Relation.Stored():
		name = "Catalog Scan"
	case s.Index != nil:
		name = "Index " + name + " using " + strings.Join(s.Index.Names(), ", ")
	case s.Relation.Table != nil:
		name = "Seq Scan"
	}
	return name + " on " + named(s.Relation.Name, s.Alias)
}

func named(name, alias string) string {
	if alias != "" && alias != name {
		return name + " " + alias
	}
	return name
}

// Details implements Node.
func (s *Scan) Details() []string {
	var out []string
	if len(s.Cols) > 0 {
		cols := make([]string, len(s.Cols))
		for i, c := range s.Cols {
			cols[i] = c.describe(s)
		}
		out = append(out, "Columns: "+strings.Join(cols, ", "))
	}
	if s.System != nil {
		out = append(out, "System Time: "+s.System.String())
	}
	filter := s.Filter
	if s.Index != nil {
		if len(s.Index.Conds) > 0 {
			out = append(out, "Index Cond: "+conditions(s.Index.Conds))
		}
		filter = s.Rest()
	}
	if len(s.Bounds) > 0 && s.Relation.Table == nil {
		b := make([]string, len(s.Bounds))
		for i := range s.Bounds {
			b[i] = s.Bounds[i].describe(s)
		}
		out = append(out, "Bounds: "+strings.Join(b, ", "))
	}
	if filter != nil {
		out = append(out, "Filter: "+filter.String())
	}
	if s.Limit >= 0 {
		out = append(out, "Limit: "+strconv.FormatInt(s.Limit, 10))
	}
	return out
}

// conditions prints a list of conditions as PostgreSQL does.
func conditions(list []expr.Expr) string {
	if len(list) == 1 {
		return "(" + list[0].String() + ")"
	}
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = "(" + c.String() + ")"
	}
	return "(" + strings.Join(out, " AND ") + ")"
}

var readAs = [...]string{vec.AsJSON: "", vec.AsText: "", vec.AsFloat: "::float8", vec.AsInt: "::int8", vec.AsDecimal: "::numeric", vec.AsBool: "::bool"}

func (c ScanCol) describe(s *Scan) string {
	name := c.Field.Name
	if c.Column >= 0 && c.Column < len(s.Relation.Columns) {
		name = s.Relation.Columns[c.Column].Name
	}
	if len(c.Path) == 0 {
		return name
	}
	arrow := "->>"
	if c.As == vec.AsJSON {
		arrow = "->"
	}
	for i, p := range c.Path {
		op := "->"
		if i == len(c.Path)-1 {
			op = arrow
		}
		name += op + "'" + strings.ReplaceAll(p, "'", "''") + "'"
	}
	if t := readAs[c.As]; t != "" {
		return "(" + name + ")" + t
	}
	return name
}

var compareOps = [...]string{Eq: "=", Lt: "<", Le: "<=", Gt: ">", Ge: ">=", In: "IN", NotNull: "IS NOT NULL"}

func (b Bound) describe(s *Scan) string {
	out := b.Col.describe(s) + " " + compareOps[b.Op]
	switch b.Op {
	case NotNull:
		return out
	case In:
		return out + " (" + list(b.Values) + ")"
	}
	return out + " " + list(b.Values)
}

// String prints the clause without its introducing words.
func (t *TimeClause) String() string {
	switch t.Kind {
	case FromTo:
		return "FROM " + t.From.String() + " TO " + t.To.String()
	case Between:
		return "BETWEEN " + t.From.String() + " AND " + t.To.String()
	case All:
		return "ALL"
	case AsOfPosition:
		return "AS OF POSITION " + t.From.String()
	}
	return "AS OF " + t.From.String()
}

// Describe implements Node.
func (v *Values) Describe() string {
	if len(v.Fields) == 0 && len(v.Rows) == 1 {
		return "Result"
	}
	if len(v.Rows) == 0 {
		return "Empty"
	}
	return "Values (" + strconv.Itoa(len(v.Rows)) + " rows)"
}

// Details implements Node.
func (v *Values) Details() []string { return nil }

// Describe implements Node.
func (f *FuncScan) Describe() string { return "Function Scan on " + f.Fn.Name }

// Details implements Node.
func (f *FuncScan) Details() []string {
	return []string{"Function Call: " + f.Fn.Name + "(" + list(f.Args) + ")"}
}

// Describe implements Node.
func (f *Filter) Describe() string { return "Filter" }

// Details implements Node.
func (f *Filter) Details() []string { return []string{"Filter: " + f.Cond.String()} }

// Describe implements Node.
func (p *Project) Describe() string { return "Project" }

// Details implements Node.
func (p *Project) Details() []string { return []string{"Output: " + list(p.Exprs)} }

// Describe implements Node.
func (a *Aggregate) Describe() string {
	switch {
	case a.Sets != nil:
		return "Aggregate (grouping sets)"
	case len(a.Keys) > 0:
		return "HashAggregate"
	}
	return "Aggregate"
}

// Details implements Node.
func (a *Aggregate) Details() []string {
	var out []string
	if a.Sets == nil && len(a.Keys) > 0 {
		out = append(out, "Group Key: "+list(a.Keys))
	}
	for _, set := range a.Sets {
		keys := make([]expr.Expr, len(set))
		for i, k := range set {
			keys[i] = a.Keys[k]
		}
		out = append(out, "Group Key: "+parens(list(keys)))
	}
	if len(a.Calls) > 0 {
		calls := make([]string, len(a.Calls))
		for i, c := range a.Calls {
			calls[i] = c.String()
		}
		out = append(out, "Aggregates: "+strings.Join(calls, ", "))
	}
	return out
}

func parens(s string) string {
	if s == "" {
		return "()"
	}
	return s
}

// String prints the call as SQL.
func (c AggCall) String() string {
	var b strings.Builder
	b.WriteString(c.Fn.Name)
	b.WriteByte('(')
	args := list(c.Args)
	if c.Distinct {
		b.WriteString("DISTINCT ")
	}
	if len(c.Args) == 0 && !c.Fn.Ordered {
		args = "*"
	}
	b.WriteString(args)
	switch {
	case c.Fn.Ordered:
		b.WriteString(") WITHIN GROUP (ORDER BY " + sortKeys(c.Order))
	case len(c.Order) > 0:
		b.WriteString(" ORDER BY " + sortKeys(c.Order))
	}
	b.WriteByte(')')
	if c.Filter != nil {
		b.WriteString(" FILTER (WHERE " + c.Filter.String() + ")")
	}
	return b.String()
}

// Describe implements Node.
func (s *Sort) Describe() string {
	if s.Limit >= 0 {
		return "Top-N Sort"
	}
	return "Sort"
}

// Details implements Node.
func (s *Sort) Details() []string {
	out := []string{"Sort Key: " + sortKeys(s.Keys)}
	if s.Limit >= 0 {
		out = append(out, "Limit: "+strconv.FormatInt(s.Limit, 10))
	}
	return out
}

func sortKeys(keys []SortKey) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.String()
	}
	return strings.Join(out, ", ")
}

// String prints the key as in ORDER BY, with NULLS only where it is not the default.
func (k SortKey) String() string {
	s := k.Expr.String()
	if k.Desc {
		s += " DESC"
	}
	switch {
	case k.NullsFirst && !k.Desc:
		s += " NULLS FIRST"
	case !k.NullsFirst && k.Desc:
		s += " NULLS LAST"
	}
	return s
}

// Describe implements Node.
func (l *Limit) Describe() string { return "Limit" }

// Details implements Node.
func (l *Limit) Details() []string {
	var out []string
	if l.Count != nil {
		out = append(out, "Count: "+l.Count.String())
	}
	if l.Offset != nil {
		out = append(out, "Offset: "+l.Offset.String())
	}
	if len(l.Ties) > 0 {
		out = append(out, "With Ties: "+sortKeys(l.Ties))
	}
	return out
}

// Describe implements Node.
func (d *Distinct) Describe() string {
	if d.AnyOrder {
		return "First Rows"
	}
	if len(d.On) > 0 {
		return "Unique"
	}
	return "Distinct"
}

// Details implements Node.
func (d *Distinct) Details() []string {
	var out []string
	if len(d.On) > 0 {
		out = append(out, "On: "+list(d.On))
	}
	if len(d.Order) > 0 {
		out = append(out, "Order: "+sortKeys(d.Order))
	}
	return out
}

var joinKinds = [...]string{Inner: "", Left: " Left", Right: " Right", Full: " Full", Semi: " Semi", Anti: " Anti", Cross: ""}

// Describe implements Node.
func (j *Join) Describe() string {
	switch {
	case j.Merge != nil:
		return "Merge" + joinKinds[j.Kind] + " Join"
	case len(j.LeftKeys) > 0:
		return "Hash" + joinKinds[j.Kind] + " Join"
	}
	if joinKinds[j.Kind] == "" {
		return "Nested Loop"
	}
	return "Nested Loop" + joinKinds[j.Kind] + " Join"
}

// Details implements Node.
func (j *Join) Details() []string {
	var out []string
	if len(j.LeftKeys) > 0 {
		keys := make([]string, len(j.LeftKeys))
		for i := range j.LeftKeys {
			keys[i] = "(" + j.LeftKeys[i].String() + " = " + j.RightKeys[i].String() + ")"
		}
		by := "Hash"
		if j.Merge != nil {
			by = "Merge"
		}
		out = append(out, by+" Cond: "+strings.Join(keys, " AND "))
	}
	if j.Cond != nil {
		out = append(out, "Join Filter: "+j.Cond.String())
	}
	if j.Lateral {
		out = append(out, "Lateral: true")
	}
	return out
}

var setOps = [...]string{Union: "Union", Intersect: "Intersect", Except: "Except"}

// Describe implements Node.
func (s *SetOp) Describe() string {
	if s.Kind == Union && s.All {
		return "Append"
	}
	if s.All {
		return setOps[s.Kind] + " All"
	}
	return setOps[s.Kind]
}

// Details implements Node.
func (s *SetOp) Details() []string { return nil }

// Describe implements Node.
func (w *With) Describe() string {
	if w.Rec != nil {
		return "Recursive CTE " + w.Name
	}
	return "CTE " + w.Name
}

// Details implements Node.
func (w *With) Details() []string { return nil }

// Describe implements Node.
func (c *CTERef) Describe() string { return "CTE Scan on " + c.Name }

// Details implements Node.
func (c *CTERef) Details() []string { return nil }

// Describe implements Node.
func (a *Append) Describe() string { return "Insert on " + a.Relation.Name }

// Details implements Node.
func (a *Append) Details() []string {
	var names []string
	for _, c := range a.Columns {
		if c == ExpectedVersion {
			names = append(names, "expected_version")
		} else {
			names = append(names, a.Relation.Columns[c].Name)
		}
	}
	out := []string{"Columns: " + strings.Join(names, ", ")}
	if a.Returning != nil {
		out = append(out, "Returning: "+list(a.Returning))
	}
	return out
}

func list(in []expr.Expr) string {
	out := make([]string, len(in))
	for i, e := range in {
		out[i] = e.String()
	}
	return strings.Join(out, ", ")
}
