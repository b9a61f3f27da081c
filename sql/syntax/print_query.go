package syntax

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

func (p *printer) query(q *Query) {
	p.withClause(q.With)
	p.body(q.Body)
	p.orderBy(q.OrderBy)
	p.limit(q)
	for _, l := range q.Locking {
		p.locking(l)
	}
}

func (p *printer) withClause(w *With) {
	if w == nil {
		return
	}
	p.w("WITH")
	p.flag(w.Recursive, "RECURSIVE")
	commas(p, w.CTEs, func(c *CTE) {
		p.id(c.Name)
		p.idents(c.Columns)
		p.w("AS", [...]string{"", "MATERIALIZED", "NOT MATERIALIZED"}[c.Materialized])
		p.open("(")
		p.stmt(c.Stmt)
		p.put(")")
		p.cteEnd(c)
	})
}

func (p *printer) cteEnd(c *CTE) {
	if s := c.Search; s != nil {
		p.w("SEARCH")
		if s.Breadth {
			p.w("BREADTH FIRST BY")
		} else {
			p.w("DEPTH FIRST BY")
		}
		commas(p, s.By, p.ident)
		p.w("SET")
		p.id(s.Set)
	}
	if y := c.Cycle; y != nil {
		p.w("CYCLE")
		commas(p, y.Columns, p.ident)
		p.w("SET")
		p.id(y.Mark)
		if y.Value != nil {
			p.w("TO")
			p.operand(y.Value, precPrimary)
			p.w("DEFAULT")
			p.operand(y.Default, precPrimary)
		}
		p.w("USING")
		p.id(y.Path)
	}
}

func (p *printer) body(b Body) {
	switch b := b.(type) {
	case *Select:
		p.selectBody(b)
	case *SetOp:
		p.setOp(b)
	case *Values:
		p.w("VALUES")
		commas(p, b.Rows, func(r []Expr) { paren(p, r, p.expr) })
	case *TableBody:
		p.w("TABLE")
		p.relation(b.Table)
	}
}

// bare says whether a query is nothing but its body.
func bare(q *Query) bool {
	return q.With == nil && q.OrderBy == nil && q.Limit == nil && q.Skip == nil && q.Locking == nil
}

// setOp writes a chain of set operations without going down its left side.
func (p *printer) setOp(s *SetOp) {
	chain := []*SetOp{s}
	left := s.Left
	for {
		l, ok := left.Body.(*SetOp)
		if !ok || !bare(left) || l.Op != Intersect && chain[len(chain)-1].Op == Intersect {
			break
		}
		chain = append(chain, l)
		left = l.Left
	}
	p.setOperand(left)
	for i := len(chain) - 1; i >= 0; i-- {
		p.w([...]string{"UNION", "INTERSECT", "EXCEPT"}[chain[i].Op])
		p.flag(chain[i].All, "ALL")
		p.setOperand(chain[i].Right)
	}
}

func (p *printer) setOperand(q *Query) {
	if _, ok := q.Body.(*SetOp); ok || !bare(q) {
		p.open("(")
		p.query(q)
		p.put(")")
		return
	}
	p.query(q)
}

func (p *printer) orderBy(items []*SortItem) {
	if len(items) > 0 {
		p.w("ORDER BY")
		commas(p, items, p.sortItem)
	}
}

func (p *printer) sortItem(s *SortItem) {
	p.expr(s.Expr)
	if s.Using != nil {
		p.w("USING")
		p.operator(*s.Using)
	}
	p.sortEnd(s.Dir, s.Nulls)
}

func (p *printer) sortEnd(d SortDir, n NullsOrder) {
	p.w([...]string{"", "ASC", "DESC"}[d], [...]string{"", "NULLS FIRST", "NULLS LAST"}[n])
}

func (p *printer) limit(q *Query) {
	if q.Skip != nil {
		p.w("OFFSET")
		p.expr(q.Skip)
	}
	switch c, ok := q.Limit.(*Const); {
	case q.Limit == nil:
	case q.WithTies:
		p.w("FETCH FIRST")
		p.operand(q.Limit, precMinus)
		p.w("ROWS WITH TIES")
	case ok && c.Kind == NullConst:
		p.w("LIMIT ALL")
	default:
		p.w("LIMIT")
		p.expr(q.Limit)
	}
}

func (p *printer) locking(l *Locking) {
	p.w(l.Strength.String())
	if l.Of != nil {
		p.w("OF")
		commas(p, l.Of, p.name)
	}
	p.w([...]string{"", "SKIP LOCKED", "NOWAIT"}[l.Wait])
}

func (p *printer) selectBody(s *Select) {
	p.w("SELECT")
	p.flag(s.Distinct, "DISTINCT")
	if s.DistinctOn != nil {
		p.w("ON")
		paren(p, s.DistinctOn, p.expr)
	}
	commas(p, s.Targets, p.target)
	if s.Into != nil {
		p.w("INTO", persistenceWords[s.Into.Persistence], "TABLE")
		p.name(s.Into.Name)
	}
	if s.From != nil {
		p.w("FROM")
		commas(p, s.From, p.table)
	}
	p.asOf(s.AsOf)
	p.where(s.Where)
	if g := s.GroupBy; g != nil {
		p.w("GROUP BY")
		p.flag(g.Distinct, "DISTINCT")
		commas(p, g.Items, p.groupItem)
	}
	if s.Having != nil {
		p.w("HAVING")
		p.expr(s.Having)
	}
	if s.Windows != nil {
		p.w("WINDOW")
		commas(p, s.Windows, func(w *Window) {
			p.id(w.Name)
			p.w("AS")
			p.window(w)
		})
	}
}

var persistenceWords = [...]string{"", "TEMPORARY", "UNLOGGED"}

func (p *printer) target(t *Target) {
	p.expr(t.Expr)
	if t.As != "" {
		p.w("AS", quoteIdent(t.As, unreserved))
	}
}

func (p *printer) asOf(a *AsOf) {
	if a == nil {
		return
	}
	p.w([...]string{"AS OF SYSTEM TIME", "AS OF TIMESTAMP", "AS OF POSITION"}[a.Kind])
	p.expr(a.Expr)
}

func (p *printer) where(e Expr) {
	if e != nil {
		p.w("WHERE")
		p.expr(e)
	}
}

func (p *printer) groupItem(g *GroupItem) {
	switch g.Kind {
	case GroupExpr:
		p.expr(g.Expr)
	case GroupEmpty:
		p.w("()")
	default:
		p.w([...]string{GroupRollup: "ROLLUP", GroupCube: "CUBE", GroupSets: "GROUPING SETS"}[g.Kind])
		paren(p, g.Items, p.groupItem)
	}
}

// window writes (…) of a window.
func (p *printer) window(w *Window) {
	p.open("(")
	if w.Ref != "" {
		p.id(w.Ref)
	}
	if w.PartitionBy != nil {
		p.w("PARTITION BY")
		p.exprs(w.PartitionBy)
	}
	p.orderBy(w.OrderBy)
	if f := w.Frame; f != nil {
		p.w([...]string{"RANGE", "ROWS", "GROUPS"}[f.Mode])
		p.flag(f.Between, "BETWEEN")
		p.frameBound(f.Start)
		if f.Between {
			p.w("AND")
			p.frameBound(f.End)
		}
		p.w([...]string{"", "EXCLUDE CURRENT ROW", "EXCLUDE GROUP", "EXCLUDE TIES"}[f.Exclude])
	}
	p.put(")")
}

func (p *printer) frameBound(b FrameBound) {
	if b.Expr != nil {
		p.expr(b.Expr)
	}
	p.w([...]string{"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING"}[b.Kind])
}

// table writes an item of a FROM list.
func (p *printer) table(t TableExpr) {
	switch t := t.(type) {
	case *TableName:
		p.tableName(t)
	case *SubqueryTable:
		p.flag(t.Lateral, "LATERAL")
		p.subquery("", t.Query)
		p.alias(t.Alias)
	case *FuncTable:
		p.funcTable(t)
	case *Join:
		p.join(t)
	}
}

// relation writes a name with ONLY.
func (p *printer) relation(t *TableName) {
	p.flag(t.Only, "ONLY")
	p.name(t.Name)
}

func (p *printer) tableName(t *TableName) {
	p.relation(t)
	for _, c := range t.Times {
		p.timeClause(c)
	}
	p.alias(t.Alias)
	if s := t.Sample; s != nil {
		p.w("TABLESAMPLE")
		p.name(s.Method)
		paren(p, s.Args, p.expr)
		if s.Seed != nil {
			p.w("REPEATABLE")
			p.enclosed(s.Seed)
		}
	}
}

func (p *printer) timeClause(c *TimeClause) {
	p.w([...]string{"FOR SYSTEM_TIME", "FOR VALID_TIME"}[c.Period])
	switch c.Kind {
	case TimeAll:
		p.w("ALL")
	case TimeAsOf:
		p.w("AS OF")
		p.expr(c.From)
	case TimeFromTo:
		p.w("FROM")
		p.restricted(c.From)
		p.w("TO")
		p.restricted(c.To)
	case TimeBetween:
		p.w("BETWEEN")
		p.restricted(c.From)
		p.w("AND")
		p.restricted(c.To)
	}
}

func (p *printer) funcTable(f *FuncTable) {
	p.flag(f.Lateral, "LATERAL")
	if f.RowsFrom {
		p.w("ROWS FROM")
		paren(p, f.Funcs, func(i *FuncItem) {
			p.windowless(i.Expr)
			if i.Columns != nil {
				p.w("AS")
				paren(p, i.Columns, p.columnDef)
			}
		})
	} else {
		p.windowless(f.Funcs[0].Expr)
	}
	p.flag(f.Ordinality, "WITH ORDINALITY")
	if f.Alias == nil {
		return
	}
	p.w("AS")
	if f.Alias.Name != "" {
		p.id(f.Alias.Name)
		p.idents(f.Alias.Columns)
	}
	if f.Columns != nil {
		paren(p, f.Columns, p.columnDef)
	}
}

// windowless writes what FROM and CREATE INDEX take for a call.
func (p *printer) windowless(e Expr) {
	if c, ok := e.(*Cast); ok {
		p.call("CAST")
		p.expr(c.X)
		p.w("AS")
		p.typeName(c.Type)
		p.put(")")
		return
	}
	p.expr(e)
}

// join writes a chain of joins without going down its left side.
func (p *printer) join(j *Join) {
	if j.Alias != nil {
		inner := *j
		inner.Alias = nil
		p.open("(")
		p.join(&inner)
		p.put(")")
		p.alias(j.Alias)
		return
	}
	chain := []*Join{j}
	left := j.Left
	for {
		l, ok := left.(*Join)
		if !ok || l.Alias != nil {
			break
		}
		chain = append(chain, l)
		left = l.Left
	}
	p.table(left)
	for i := len(chain) - 1; i >= 0; i-- {
		p.joinRight(chain[i])
	}
}

func (p *printer) joinRight(j *Join) {
	p.flag(j.Natural, "NATURAL")
	p.w([...]string{"JOIN", "CROSS JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"}[j.Kind])
	if r, ok := j.Right.(*Join); ok && r.Alias == nil {
		p.open("(")
		p.join(r)
		p.put(")")
	} else {
		p.table(j.Right)
	}
	if j.Using != nil {
		p.w("USING")
		p.idents(j.Using)
		p.opt("AS", j.UsingAlias)
	}
	if j.On != nil {
		p.w("ON")
		p.expr(j.On)
	}
}
