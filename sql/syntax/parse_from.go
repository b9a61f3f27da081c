package syntax

import (
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// tableExpr reads one item of a FROM list, with its joins.
func (p *parser) tableExpr() TableExpr { return p.joins(p.tablePrimary()) }

// joins reads the joins that follow left.
func (p *parser) joins(left TableExpr) TableExpr {
	h := p.height
	for p.atJoin() {
		p.height = 0
		left = p.join(left)
		h = p.grow(h)
	}
	p.height = max(p.height, h)
	return left
}

func (p *parser) atJoin() bool {
	return p.isAny("join", "cross", "inner", "left", "right", "full", "natural")
}

// join reads one join. In a JOIN b JOIN c ON … ON …, the right side of the first is a join itself.
func (p *parser) join(left TableExpr) TableExpr {
	p.enter()
	defer p.leave()
	j := &Join{At: p.at(), Left: left}
	if p.accept("cross") {
		p.expect("join")
		j.Kind = CrossJoin
		j.Right = p.tablePrimary()
		return j
	}
	j.Natural = p.accept("natural")
	switch {
	case p.accept("inner"):
	case p.accept("left"):
		j.Kind = LeftJoin
		p.accept("outer")
	case p.accept("right"):
		j.Kind = RightJoin
		p.accept("outer")
	case p.accept("full"):
		j.Kind = FullJoin
		p.accept("outer")
	}
	p.expect("join")
	j.Right = p.tablePrimary()
	if j.Natural {
		return j
	}
	for p.atJoin() {
		j.Right = p.join(j.Right)
	}
	if p.accept("using") {
		j.Using = p.idents()
		if p.is("as") && !p.atAsOf() {
			p.advance()
			j.UsingAlias = p.colID()
		}
		return j
	}
	p.expect("on")
	j.On = p.expr()
	return j
}

// tablePrimary reads a table, function or subquery.
func (p *parser) tablePrimary() TableExpr {
	at := p.at()
	switch {
	case p.tok.kind == '(':
		return p.namedParen(at)
	case p.is("lateral"):
		p.advance()
		if p.tok.kind != '(' {
			return p.funcTable(at, true)
		}
		s := p.tok
		t, q := p.tableParen()
		if t != nil {
			p.unexpectedAt(s)
		}
		return &SubqueryTable{At: at, Lateral: true, Query: q, Alias: p.alias()}
	case p.is("only"):
		return p.tableName()
	case p.atRowsFrom(), p.atFunction():
		return p.funcTable(at, false)
	}
	return p.tableName()
}

func (p *parser) atRowsFrom() bool {
	t := p.peek(1)
	return p.is("rows") && t.is("from")
}

// atFunction says whether a call begins here: a name, perhaps qualified, and a parenthesis.
func (p *parser) atFunction() bool {
	if p.tok.kind != tIdent {
		return false
	}
	switch p.tok.text {
	case "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_role",
		"current_user", "session_user", "user", "system_user", "current_catalog", "current_schema":
		return p.tok.class >= typeFunc
	}
	if p.tok.class == reserved && !p.is("cast") {
		return false
	}
	for n := 1; ; n += 2 {
		switch t := p.peek(n); {
		case t.kind == '(':
			return true
		case t.kind != '.' || n > 7:
			return n == 1 && p.is("collation") && t.is("for")
		}
	}
}

// namedParen reads a subquery or a join in parentheses, and its alias.
func (p *parser) namedParen(at At) TableExpr {
	t, q := p.tableParen()
	if q != nil {
		return &SubqueryTable{At: at, Query: q, Alias: p.alias()}
	}
	return p.joinAlias(t)
}

func (p *parser) joinAlias(t TableExpr) TableExpr {
	if a := p.alias(); a != nil {
		j := *t.(*Join)
		j.Alias = a
		return &j
	}
	return t
}

// tableParen reads what stands in parentheses: a query, left bare for the caller, or a join.
func (p *parser) tableParen() (TableExpr, *Query) {
	at := p.at()
	p.enter()
	defer p.leave()
	p.expectTok('(')
	if p.atQuery() {
		q := p.query()
		p.expectTok(')')
		return nil, q
	}
	var t TableExpr
	if p.tok.kind == '(' {
		inner, q := p.tableParen()
		if q != nil {
			q = p.queryRest(q)
			if p.tok.kind == ')' {
				p.advance()
				return nil, q
			}
			t = &SubqueryTable{At: at, Query: q, Alias: p.alias()}
		} else {
			t = p.joinAlias(inner)
			if t != inner && !p.atJoin() {
				p.unexpected()
			}
		}
		t = p.joins(t)
	} else {
		t = p.tableExpr()
	}
	if _, ok := t.(*Join); !ok {
		p.unexpected()
	}
	p.expectTok(')')
	return t, nil
}

// relationExpr reads a table name with ONLY or *.
func (p *parser) relationExpr() *TableName {
	t := &TableName{At: p.at()}
	if p.accept("only") {
		t.Only = true
		if p.acceptTok('(') {
			t.Name = p.relation()
			p.expectTok(')')
			return t
		}
		t.Name = p.relation()
		return t
	}
	t.Name = p.relation()
	p.acceptTok('*')
	return t
}

// tableName reads a table with everything that may follow it.
func (p *parser) tableName() *TableName {
	t := p.relationExpr()
	p.timeClauses(t)
	t.Alias = p.alias()
	p.timeClauses(t)
	if p.is("tablesample") {
		t.Sample = p.tableSample()
	}
	return t
}

// alias reads AS name (columns), if it is there.
func (p *parser) alias() *Alias {
	at := p.at()
	if p.atAsOf() {
		return nil
	}
	if p.accept("as") {
		return &Alias{at, p.colID(), p.optIdents()}
	}
	if !p.tok.isColID() {
		return nil
	}
	return &Alias{at, p.colID(), p.optIdents()}
}

func (p *parser) tableSample() *TableSample {
	p.advance()
	s := &TableSample{At: p.at(), Method: p.name()}
	s.Args = parens(p, p.expr)
	if p.accept("repeatable") {
		p.expectTok('(')
		s.Seed = p.expr()
		p.expectTok(')')
	}
	return s
}

// timeClauses reads FOR SYSTEM_TIME … and FOR VALID_TIME …; FOR ALL SYSTEM_TIME is the same as FOR SYSTEM_TIME ALL.
func (p *parser) timeClauses(t *TableName) {
	for p.is("for") {
		word, all := p.peek(1), false
		if word.is("all") {
			word, all = p.peek(2), true
		}
		if !word.isWord("system_time") && !word.isWord("valid_time") {
			return
		}
		c := &TimeClause{At: p.at()}
		if word.text == "valid_time" {
			c.Period = ValidTime
		}
		p.advance()
		if all {
			p.advance()
		}
		p.advance()
		if all {
			c.Kind = TimeAll
		} else {
			p.timeRange(c)
		}
		for _, other := range t.Times {
			if other.Period == c.Period {
				p.fail(c.Pos, pgerr.SyntaxError, "FOR %s specified more than once", strings.ToUpper(word.text))
			}
		}
		t.Times = append(t.Times, c)
	}
}

func (p *parser) timeRange(c *TimeClause) {
	switch {
	case p.accept("all"):
		c.Kind = TimeAll
	case p.accept("as"):
		p.expect("of")
		c.From = p.expr()
	case p.accept("from"):
		c.Kind = TimeFromTo
		c.From = p.bExpr()
		p.expect("to")
		c.To = p.bExpr()
	case p.accept("between"):
		c.Kind = TimeBetween
		c.From = p.bExpr()
		p.expect("and")
		c.To = p.bExpr()
	default:
		p.unexpected()
	}
}

// funcTable reads a function in a FROM list.
func (p *parser) funcTable(at At, lateral bool) TableExpr {
	f := &FuncTable{At: at, Lateral: lateral}
	if p.atRowsFrom() {
		p.advance()
		p.advance()
		f.RowsFrom = true
		f.Funcs = parens(p, p.funcItem)
	} else {
		f.Funcs = []*FuncItem{{At: p.at(), Expr: p.windowless()}}
	}
	f.Ordinality = p.accept("with", "ordinality")
	p.funcAlias(f)
	return f
}

func (p *parser) funcItem() *FuncItem {
	f := &FuncItem{At: p.at(), Expr: p.windowless()}
	if p.accept("as") {
		f.Columns = parens(p, p.tableFuncColumn)
	}
	return f
}

// funcAlias reads an alias, the columns of which may have types.
func (p *parser) funcAlias(f *FuncTable) {
	at := p.at()
	if p.atAsOf() {
		return
	}
	as := p.accept("as")
	if as && p.tok.kind == '(' {
		f.Alias = &Alias{At: at}
		f.Columns = parens(p, p.tableFuncColumn)
		return
	}
	if !as && !p.tok.isColID() {
		return
	}
	f.Alias = &Alias{At: at, Name: p.colID()}
	if p.tok.kind != '(' {
		return
	}
	if t := p.peek(2); t.kind == ',' || t.kind == ')' {
		f.Alias.Columns = p.idents()
	} else {
		f.Columns = parens(p, p.tableFuncColumn)
	}
}

func (p *parser) tableFuncColumn() *ColumnDef {
	c := &ColumnDef{At: p.at(), Name: p.colID(), Type: p.typeName()}
	if p.accept("collate") {
		c.Collation = p.name()
	}
	return c
}
