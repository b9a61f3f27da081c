package deparse

import (
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/syntax"
)

// statement prints a statement of a function's body.
func (p *printer) statement(st syntax.Stmt) string {
	if q, ok := st.(*syntax.Query); ok {
		return p.query(q, nil, false)
	}
	for t := range p.m.Tables {
		t.Name = syntax.Name(p.relationName(t))
	}
	return " " + syntax.Format(st)
}

// query prints a query. columns are the names of its columns where a view gives them others; visible says that somebody sees the names.
func (p *printer) query(q *syntax.Query, columns []string, visible bool) string {
	level := p.Level
	p.spaces = append(p.spaces, &space{map[syntax.Node]string{}, map[string]bool{}, map[string]string{}})
	defer func() { p.Level, p.spaces = level, p.spaces[:len(p.spaces)-1] }()
	if s, ok := q.Body.(*syntax.Select); ok {
		p.nameItems(s.From)
	}
	var b strings.Builder
	b.WriteString(p.with(q.With))
	switch body := q.Body.(type) {
	case *syntax.Select:
		b.WriteString(p.selectBody(body, columns, visible))
	case *syntax.SetOp:
		b.WriteString(p.setOp(body, columns, visible))
	default:
		b.WriteString(p.otherBody(body, columns))
	}
	if len(q.OrderBy) > 0 {
		b.WriteString(p.Line(" ORDER BY ", -8, 8, 1) + p.sort(q.OrderBy))
	}
	if q.Skip != nil {
		b.WriteString(p.Line(" OFFSET ", -8, 8, 0) + p.expr(q.Skip, false))
	}
	if q.Limit != nil {
		b.WriteString(p.limit(q))
	}
	for _, l := range q.Locking {
		b.WriteString(p.Line(" "+p.locking(l), -8, 8, 0))
	}
	return b.String()
}

// locking prints FOR UPDATE and its like, with the items as they are called here.
func (p *printer) locking(l *syntax.Locking) string {
	own := *l
	own.Of = slices.Clone(l.Of)
	for i, n := range own.Of {
		own.Of[i] = syntax.Name{p.spaces[len(p.spaces)-1].called[n.Last()]}
	}
	return strings.TrimPrefix(syntax.Format(&syntax.Query{Body: &syntax.Select{}, Locking: []*syntax.Locking{&own}}), "SELECT ")
}

func (p *printer) limit(q *syntax.Query) string {
	text := "ALL"
	if c, ok := q.Limit.(*syntax.Const); !ok || c.Kind != syntax.NullConst {
		text = p.expr(q.Limit, false)
	}
	if q.WithTies {
		return p.Line(" FETCH FIRST (", -8, 8, 0) + text + ") ROWS WITH TIES"
	}
	return p.Line(" LIMIT ", -8, 8, 0) + text
}

func (p *printer) with(w *syntax.With) string {
	if w == nil {
		return ""
	}
	var b strings.Builder
	if p.On {
		p.Level += 8
		b.WriteByte(' ')
	}
	sep := "WITH "
	if w.Recursive {
		sep = "WITH RECURSIVE "
	}
	for _, c := range w.CTEs {
		b.WriteString(sep + funcs.QuoteIdent(c.Name))
		sep = ", "
		if len(c.Columns) > 0 {
			b.WriteString("(" + idents(c.Columns) + ")")
		}
		b.WriteString(" AS " + [...]string{"", "MATERIALIZED ", "NOT MATERIALIZED "}[c.Materialized] + "(")
		b.WriteString(p.Line("", 0, 0, 0))
		if q, ok := c.Stmt.(*syntax.Query); ok {
			b.WriteString(p.query(q, nil, true))
		} else {
			b.WriteString(p.statement(c.Stmt))
		}
		b.WriteString(p.Line("", 0, 0, 0) + ")" + p.searched(c))
	}
	if p.On {
		p.Level -= 8
		b.WriteString(p.Line("", 0, 0, 0))
	} else {
		b.WriteByte(' ')
	}
	return b.String()
}

// searched prints SEARCH and CYCLE.
func (p *printer) searched(c *syntax.CTE) (out string) {
	if s := c.Search; s != nil {
		word := "DEPTH"
		if s.Breadth {
			word = "BREADTH"
		}
		out = " SEARCH " + word + " FIRST BY " + idents(s.By) + " SET " + funcs.QuoteIdent(s.Set)
	}
	if y := c.Cycle; y != nil {
		out += " CYCLE " + idents(y.Columns) + " SET " + funcs.QuoteIdent(y.Mark)
		if y.Value != nil {
			out += " TO " + p.expr(y.Value, false) + " DEFAULT " + p.expr(y.Default, false)
		}
		out += " USING " + funcs.QuoteIdent(y.Path)
	}
	return out
}

func idents(list []syntax.Ident) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = funcs.QuoteIdent(x.Name)
	}
	return strings.Join(parts, ", ")
}

func quotedList(list []string) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = funcs.QuoteIdent(x)
	}
	return strings.Join(parts, ", ")
}

// begin begins what is indented in a query.
func (p *printer) begin() string {
	if !p.On {
		return ""
	}
	p.Level += 8
	return " "
}

func (p *printer) selectBody(s *syntax.Select, columns []string, visible bool) string {
	var b strings.Builder
	b.WriteString(p.begin() + "SELECT")
	switch {
	case len(s.DistinctOn) > 0:
		b.WriteString(" DISTINCT ON (")
		for i, x := range s.DistinctOn {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.sortGroup(x))
		}
		b.WriteString(")")
	case s.Distinct:
		b.WriteString(" DISTINCT")
	}
	p.targets(&b, s, columns, visible)
	p.fromClause(&b, s.From)
	if s.AsOf != nil {
		b.WriteString(" " + p.asOf(s.AsOf))
	}
	if s.Where != nil {
		b.WriteString(p.Line(" WHERE ", -8, 8, 1) + p.expr(s.Where, false))
	}
	if s.GroupBy != nil {
		b.WriteString(p.Line(" GROUP BY ", -8, 8, 1) + p.groupBy(s.GroupBy))
	}
	if s.Having != nil {
		b.WriteString(p.Line(" HAVING ", -8, 8, 0) + p.expr(s.Having, false))
	}
	for i, w := range s.Windows {
		if i == 0 {
			b.WriteString(p.Line(" WINDOW ", -8, 8, 1))
		} else {
			b.WriteString(", ")
		}
		b.WriteString(funcs.QuoteIdent(w.Name) + " AS (" + p.window(w) + ")")
	}
	return b.String()
}

// targets prints the select list.
func (p *printer) targets(b *strings.Builder, s *syntax.Select, columns []string, visible bool) {
	sep := " "
	for i, out := range p.outputs(s) {
		text := p.Show(out.Expr, true)
		name := out.Name
		if i < len(columns) {
			name = columns[i]
		}
		own := "?column?"
		if visible {
			own = ""
		}
		if ref, ok := p.m.Refs[out.Expr]; ok {
			if own = ref.Column; own == "" {
				text += "::" + p.wholeType(out.Expr)
			}
		}
		if name != own {
			text += " AS " + funcs.QuoteIdent(name)
		}
		b.WriteString(sep)
		if p.On && i > 0 && !strings.HasPrefix(text, "\x00") {
			b.WriteString(p.Line("", -8, 8, 4))
		}
		b.WriteString(text)
		sep = ", "
	}
}

// outputs are the columns of a select list. That of the recursive term of a query with SEARCH or CYCLE is bound as another.
func (p *printer) outputs(s *syntax.Select) []bind.Output {
	if out, ok := p.m.Targets[s]; ok {
		return out
	}
	var out []bind.Output
	for _, t := range s.Targets {
		e := p.m.Exprs[t.Expr]
		name := t.As
		if ref, ok := p.m.Refs[e]; ok && name == "" {
			name = ref.Column
		}
		if e != nil {
			out = append(out, bind.Output{Name: name, Expr: e})
		}
	}
	return out
}

// wholeType is the type of the row of a table, by its name.
func (p *printer) wholeType(e expr.Expr) string {
	for t, rel := range p.m.Tables {
		if p.m.Refs[e].From == syntax.Node(t) && rel != nil {
			return strings.Join(quotedParts(p.relationName(t)), ".")
		}
	}
	return "record"
}

func (p *printer) groupBy(g *syntax.GroupBy) string {
	parts := make([]string, len(g.Items))
	for i, it := range g.Items {
		parts[i] = p.groupItem(it, true)
	}
	text := strings.Join(parts, ", ")
	if g.Distinct {
		return "DISTINCT " + text
	}
	return text
}

func (p *printer) groupItem(it *syntax.GroupItem, alone bool) string {
	switch it.Kind {
	case syntax.GroupEmpty:
		return "()"
	case syntax.GroupExpr:
		list := []syntax.Expr{it.Expr}
		if r, ok := it.Expr.(*syntax.Row); ok && !r.Explicit {
			list = r.Elems
		}
		parts := make([]string, len(list))
		for i, x := range list {
			parts[i] = p.sortGroup(x)
		}
		if text := strings.Join(parts, ", "); alone && len(list) == 1 {
			return text
		} else {
			return "(" + text + ")"
		}
	}
	word, single := "ROLLUP(", true
	switch it.Kind {
	case syntax.GroupCube:
		word = "CUBE("
	case syntax.GroupSets:
		word, single = "GROUPING SETS (", false
	}
	parts := make([]string, len(it.Items))
	for i, x := range it.Items {
		parts[i] = p.groupItem(x, single)
	}
	return word + strings.Join(parts, ", ") + ")"
}

// sort prints the items of ORDER BY.
func (p *printer) sort(items []*syntax.SortItem) string {
	parts := make([]string, len(items))
	for i, it := range items {
		text := p.sortGroup(it.Expr)
		desc := it.Dir == syntax.SortDesc
		if it.Using != nil {
			desc = it.Using.Name == ">"
		}
		switch {
		case desc && it.Nulls == syntax.NullsLast:
			text += " DESC NULLS LAST"
		case desc:
			text += " DESC"
		case it.Nulls == syntax.NullsFirst:
			text += " NULLS FIRST"
		}
		parts[i] = text
	}
	return strings.Join(parts, ", ")
}

// sortGroup prints what is sorted or grouped by.
func (p *printer) sortGroup(x syntax.Expr) string {
	if n := p.m.Numbers[x]; n > 0 {
		return strconv.Itoa(n)
	}
	e := p.m.Exprs[x]
	if e == nil {
		return syntax.Format(x)
	}
	text := p.Show(e, true)
	if c, ok := p.m.Settled[e]; ok {
		e = c
	}
	switch c := e.(type) {
	case *expr.Const:
		if !strings.Contains(text, "::") {
			text += "::" + typeOf(c)
		}
		return text
	case *expr.Call:
		if p.Spare && !strings.HasPrefix(text, "(") {
			return "(" + text + ")"
		}
	case *expr.Cast:
		if p.Spare && !inText(c.Typ.OID) && !inText(c.Arg.Type().OID) {
			return "(" + text + ")"
		}
	case *expr.Apply:
		if p.Spare && !c.Domain {
			return "(" + text + ")"
		}
	}
	if _, ok := p.m.Refs[e]; !ok && (!p.Spare || p.m.Calls[e] != nil) {
		return "(" + text + ")"
	}
	return text
}

// inText reports whether values of a type are text: conversions from and to it are no calls.
func inText(t datum.OID) bool {
	info := datum.Lookup(t)
	return info == nil || info.Category == 'S'
}

// window prints the definition of a window.
func (p *printer) window(w *syntax.Window) string {
	var parts []string
	if w.Ref != "" {
		parts = append(parts, funcs.QuoteIdent(w.Ref))
	}
	if len(w.PartitionBy) > 0 {
		list := make([]string, len(w.PartitionBy))
		for i, x := range w.PartitionBy {
			list[i] = p.sortGroup(x)
		}
		parts = append(parts, "PARTITION BY "+strings.Join(list, ", "))
	}
	if len(w.OrderBy) > 0 {
		parts = append(parts, "ORDER BY "+p.sort(w.OrderBy))
	}
	if f := w.Frame; f != nil {
		text := [...]string{"RANGE ", "ROWS ", "GROUPS "}[f.Mode]
		if f.Between {
			text += "BETWEEN " + p.frameBound(f.Start) + " AND " + p.frameBound(f.End)
		} else {
			text += p.frameBound(f.Start)
		}
		parts = append(parts, text+[...]string{"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"}[f.Exclude])
	}
	return strings.Join(parts, " ")
}

func (p *printer) frameBound(b syntax.FrameBound) string {
	switch b.Kind {
	case syntax.FrameUnboundedPreceding:
		return "UNBOUNDED PRECEDING"
	case syntax.FramePreceding:
		return p.expr(b.Expr, false) + " PRECEDING"
	case syntax.FrameFollowing:
		return p.expr(b.Expr, false) + " FOLLOWING"
	case syntax.FrameUnboundedFollowing:
		return "UNBOUNDED FOLLOWING"
	}
	return "CURRENT ROW"
}

// leaf reports whether a side of a set operation is a query by itself, and whether it needs parentheses.
func leaf(q *syntax.Query) (is, parens bool) {
	parens = q.With != nil || len(q.OrderBy) > 0 || len(q.Locking) > 0 || q.Skip != nil || q.Limit != nil
	_, set := q.Body.(*syntax.SetOp)
	return parens || !set, parens
}

func (p *printer) setSide(q *syntax.Query, columns []string, visible bool) string {
	is, parens := leaf(q)
	switch {
	case parens:
		return "(" + p.query(q, columns, visible) + ")"
	case is:
		return p.query(q, columns, visible)
	}
	return p.setOp(q.Body.(*syntax.SetOp), columns, visible)
}

func (p *printer) setOp(s *syntax.SetOp, columns []string, visible bool) string {
	var b strings.Builder
	isLeaf, _ := leaf(s.Left)
	left, _ := s.Left.Body.(*syntax.SetOp)
	if !isLeaf && (left.Op != s.Op || left.All != s.All) {
		b.WriteString("(" + p.Line("", 8, 0, 0) + p.setSide(s.Left, columns, visible) + p.Line(") ", -8, 0, 0))
	} else {
		b.WriteString(p.setSide(s.Left, columns, visible))
		if b.WriteString(p.Line("", 0, 0, 0)); !p.On {
			b.WriteByte(' ')
		}
	}
	b.WriteString([...]string{"UNION ", "INTERSECT ", "EXCEPT "}[s.Op])
	if s.All {
		b.WriteString("ALL ")
	}
	if isLeaf, _ = leaf(s.Right); isLeaf {
		b.WriteString(p.Line("", 0, 0, 0) + p.setSide(s.Right, columns, false))
		return b.String()
	}
	b.WriteString("(" + p.Line("", 8, 0, 0) + p.setSide(s.Right, columns, false))
	p.Level -= 8
	b.WriteString(p.Line(")", 0, 0, 0))
	return b.String()
}

// otherBody prints VALUES and TABLE.
func (p *printer) otherBody(body syntax.Body, columns []string) string {
	switch v := body.(type) {
	case *syntax.Values:
		return p.begin() + p.values(v)
	case *syntax.TableBody:
		p.nameItems([]syntax.TableExpr{v.Table})
		var b strings.Builder
		b.WriteString(p.begin() + "SELECT ")
		for i, c := range p.m.Columns[v.Table] {
			if i > 0 {
				b.WriteString(", " + p.Line("", -8, 8, 4))
			}
			b.WriteString(funcs.QuoteIdent(p.name(v.Table)) + "." + funcs.QuoteIdent(c))
			if i < len(columns) && columns[i] != c {
				b.WriteString(" AS " + funcs.QuoteIdent(columns[i]))
			}
		}
		p.fromClause(&b, []syntax.TableExpr{v.Table})
		return b.String()
	}
	return syntax.Format(body)
}

func (p *printer) values(v *syntax.Values) string {
	rows := make([]string, len(v.Rows))
	for i, r := range v.Rows {
		rows[i] = "(" + p.exprs(r, ",", false) + ")"
	}
	return "VALUES " + strings.Join(rows, ", ")
}
