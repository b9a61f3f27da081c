package syntax

import (
	"math"
	"strconv"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// atQuery says whether a query that is not in parentheses begins here.
func (p *parser) atQuery() bool {
	switch p.tok.class {
	case reserved:
		return p.isAny("select", "with", "table")
	case colName:
		if p.is("values") {
			t := p.peek(1)
			return t.kind == '('
		}
	}
	return false
}

// query reads a whole query.
func (p *parser) query() *Query {
	p.enter()
	defer p.leave()
	at := p.at()
	w := p.with()
	q := p.setOps(p.queryOperand(), 0)
	if w != nil {
		p.addWith(q, w)
		q.At = at
	}
	p.queryTail(q)
	return q
}

// addWith gives a query its WITH; one in parentheses may have one already.
func (p *parser) addWith(q *Query, w *With) {
	if q.With != nil {
		p.fail(w.Pos, pgerr.SyntaxError, "multiple WITH clauses not allowed")
	}
	q.With = w
}

// queryRest reads what may follow a query in parentheses. If anything does, then so does a closing parenthesis.
func (p *parser) queryRest(q *Query) *Query {
	start := p.prevEnd
	q = p.setOps(q, 0)
	p.queryTail(q)
	if p.prevEnd != start && p.tok.kind != ')' {
		p.unexpected()
	}
	return q
}

func (p *parser) queryOperand() *Query {
	at := p.at()
	q := &Query{At: at}
	switch {
	case p.tok.kind == '(':
		p.advance()
		q = p.query()
		p.expectTok(')')
		return q
	case p.is("select"):
		q.Body = p.selectBody()
	case p.is("values"):
		p.advance()
		q.Body = &Values{at, list(p, func() []Expr { return parens(p, p.expr) })}
	case p.is("table"):
		p.advance()
		q.Body = &TableBody{at, p.relationExpr()}
	default:
		p.unexpected()
	}
	return q
}

// setOps reads the set operations that bind more tightly than prec: INTERSECT binds more tightly than the others.
func (p *parser) setOps(q *Query, prec int) *Query {
	h := p.height
	for {
		op, power := Union, 1
		switch {
		case p.is("union"):
		case p.is("except"):
			op = Except
		case p.is("intersect"):
			op, power = Intersect, 2
		default:
			power = 0
		}
		if power <= prec {
			p.height = max(p.height, h)
			return q
		}
		at := p.at()
		p.advance()
		all := p.accept("all")
		if !all {
			p.accept("distinct")
		}
		p.height = 0
		r := p.setOps(p.queryOperand(), power)
		h = p.grow(h)
		q = &Query{At: q.At, Body: &SetOp{at, op, all, q, r}}
	}
}

// queryTail reads ORDER BY, LIMIT, OFFSET, FETCH and FOR UPDATE.
func (p *parser) queryTail(q *Query) {
	if p.is("order") {
		items := p.orderBy()
		if q.OrderBy != nil {
			p.fail(items[0].Pos, pgerr.SyntaxError, "multiple ORDER BY clauses not allowed")
		}
		q.OrderBy = items
	}
	locked := p.locking(q)
	limited := p.limits(q)
	if !locked && limited {
		p.locking(q)
	}
	if q.WithTies && q.OrderBy == nil {
		p.fail(-1, pgerr.SyntaxError, "WITH TIES cannot be specified without ORDER BY clause")
	}
}

// limits reads LIMIT or FETCH, and OFFSET, in either order.
func (p *parser) limits(q *Query) bool {
	limit, offset := false, false
	for {
		switch {
		case p.is("limit") && !limit, p.is("fetch") && !limit:
			limit = true
			had := q.Limit != nil
			if p.limit(q); had {
				p.fail(q.Limit.Offset(), pgerr.SyntaxError, "multiple LIMIT clauses not allowed")
			}
		case p.is("offset") && !offset:
			offset = true
			p.advance()
			had := q.Skip != nil
			q.Skip = p.expr()
			if p.isAny("row", "rows") {
				p.advance()
			}
			if had {
				p.fail(q.Skip.Offset(), pgerr.SyntaxError, "multiple OFFSET clauses not allowed")
			}
		default:
			return limit || offset
		}
	}
}

// limit reads LIMIT n or FETCH FIRST n ROWS ONLY.
func (p *parser) limit(q *Query) {
	at := p.at()
	if p.accept("limit") {
		if p.accept("all") {
			q.Limit = &Const{At: at}
		} else {
			q.Limit = p.expr()
		}
		if p.tok.kind == ',' {
			panic(bailout{pgerr.New(pgerr.SyntaxError, "LIMIT #,# syntax is not supported").
				WithHint("Use separate LIMIT and OFFSET clauses.").At(CharPosition(p.src, at.Pos))})
		}
		return
	}
	p.expect("fetch")
	if !p.accept("first") {
		p.expect("next")
	}
	switch {
	case p.isAny("row", "rows"):
		q.Limit = &Const{at, IntConst, "1"}
	case p.tok.kind == '-' || p.tok.kind == '+':
		c := &Const{At: p.at(), Text: p.signed()}
		c.Kind = numberKind(c.Text)
		q.Limit = c
	default:
		q.Limit = p.primary()
	}
	if !p.accept("row") {
		p.expect("rows")
	}
	if p.accept("with", "ties") {
		q.WithTies = true
	} else {
		p.expect("only")
	}
}

// numberKind is the kind of a number's text.
func numberKind(s string) ConstKind {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil && v >= -math.MaxInt32 && v <= math.MaxInt32 {
		return IntConst
	}
	return DecimalConst
}

// locking reads FOR UPDATE and its like, any number of them.
func (p *parser) locking(q *Query) bool {
	found := false
	for p.is("for") {
		l := &Locking{At: p.at()}
		switch t := p.peek(1); {
		case t.is("read"):
			p.expect("for", "read", "only")
			return true
		case t.is("update"):
			l.Strength = ForUpdate
			p.expect("for", "update")
		case t.is("no"):
			l.Strength = ForNoKeyUpdate
			p.expect("for", "no", "key", "update")
		case t.is("share"):
			l.Strength = ForShare
			p.expect("for", "share")
		case t.is("key"):
			l.Strength = ForKeyShare
			p.expect("for", "key", "share")
		default:
			p.advance()
			p.unexpected()
		}
		if p.accept("of") {
			l.Of = list(p, p.relation)
		}
		if p.accept("nowait") {
			l.Wait = LockNoWait
		} else if p.accept("skip", "locked") {
			l.Wait = LockSkip
		}
		q.Locking = append(q.Locking, l)
		found = true
	}
	return found
}

// selectBody reads SELECT up to and including WINDOW.
func (p *parser) selectBody() *Select {
	s := &Select{At: p.at()}
	p.expect("select")
	switch {
	case p.accept("distinct"):
		s.Distinct = true
		if p.accept("on") {
			s.DistinctOn = parens(p, p.expr)
		}
		s.Targets = p.targets()
	default:
		p.accept("all")
		if !p.selectListEnds() {
			s.Targets = p.targets()
		}
	}
	if p.is("into") {
		s.Into = p.into()
	}
	if p.accept("from") {
		s.From = list(p, p.tableExpr)
		s.AsOf = p.asOf()
	}
	if p.accept("where") {
		s.Where = p.expr()
	}
	s.GroupBy = p.groupBy()
	if p.accept("having") {
		s.Having = p.expr()
	}
	if p.accept("window") {
		s.Windows = list(p, p.namedWindow)
	}
	return s
}

// selectListEnds says whether nothing stands between SELECT and what follows the list.
func (p *parser) selectListEnds() bool {
	switch p.tok.kind {
	case tEOF, ';', ')':
		return true
	case tIdent:
		return p.isAny("into", "from", "where", "group", "having", "window", "order", "limit", "offset", "fetch", "for",
			"union", "intersect", "except", "with")
	}
	return false
}

func (p *parser) targets() []*Target { return list(p, p.target) }

func (p *parser) target() *Target {
	t := &Target{At: p.at()}
	if p.acceptTok('*') {
		t.Expr = &ColumnRef{At: t.At, Star: true}
		return t
	}
	t.Expr = p.expr()
	if p.accept("as") {
		t.As = p.label()
	} else if p.tok.kind == tIdent && !p.tok.needsAS {
		t.As = p.word()
	}
	return t
}

// into reads INTO table.
func (p *parser) into() *Into {
	i := &Into{At: p.at()}
	p.expect("into")
	i.Persistence = p.persistence(true)
	p.accept("table")
	i.Name = p.relation()
	return i
}

// persistence reads TEMPORARY and its like. intoName says that a name may follow, which could be one of these words.
func (p *parser) persistence(intoName bool) Persistence {
	switch {
	case p.isAny("local", "global"):
		if t := p.peek(1); !t.is("temp") && !t.is("temporary") {
			return Permanent
		}
		p.advance()
	case p.is("unlogged"):
		if t := p.peek(1); intoName && t.kind != tIdent {
			return Permanent
		}
		p.advance()
		return Unlogged
	case !p.isAny("temp", "temporary"):
		return Permanent
	}
	if t := p.peek(1); intoName && t.kind != tIdent {
		return Permanent
	}
	p.advance()
	return Temporary
}

// asOf reads AS OF SYSTEM TIME e and its like, if it is there.
func (p *parser) asOf() *AsOf {
	if !p.atAsOf() {
		return nil
	}
	a := &AsOf{At: p.at()}
	p.expect("as", "of")
	switch {
	case p.tok.isWord("system"):
		p.expect("system", "time")
	case p.tok.isWord("position"):
		a.Kind = AsOfPosition
		p.advance()
	default:
		a.Kind = AsOfTimestamp
		if t := p.peek(1); !t.is("with") && !t.is("without") {
			p.advance()
		}
	}
	a.Expr = p.expr()
	return a
}

// atAsOf says whether AS OF SYSTEM, TIMESTAMP or POSITION is at hand. AS of alone is an alias.
func (p *parser) atAsOf() bool {
	if !p.follows("as", "of") {
		return false
	}
	t := p.peek(2)
	return t.isWord("system") || t.isWord("timestamp") || t.isWord("position")
}

// with reads WITH …, if it is there.
func (p *parser) with() *With {
	if !p.is("with") {
		return nil
	}
	w := &With{At: p.at()}
	p.advance()
	if t := p.peek(1); p.is("recursive") && t.kind == tIdent && !t.is("as") {
		p.advance()
		w.Recursive = true
	}
	w.CTEs = list(p, p.cte)
	return w
}

func (p *parser) cte() *CTE {
	c := &CTE{At: p.at(), Name: p.colID(), Columns: p.optIdents()}
	p.expect("as")
	if p.accept("materialized") {
		c.Materialized = MaterializedAlways
	} else if p.accept("not") {
		p.expect("materialized")
		c.Materialized = MaterializedNever
	}
	p.expectTok('(')
	c.Stmt = p.preparable()
	p.expectTok(')')
	if p.is("search") {
		c.Search = p.cteSearch()
	}
	if p.is("cycle") {
		c.Cycle = p.cteCycle()
	}
	return c
}

func (p *parser) cteSearch() *CTESearch {
	s := &CTESearch{At: p.at()}
	p.expect("search")
	if s.Breadth = p.accept("breadth"); !s.Breadth {
		p.expect("depth")
	}
	p.expect("first", "by")
	s.By = list(p, p.ident)
	p.expect("set")
	s.Set = p.colID()
	return s
}

func (p *parser) cteCycle() *CTECycle {
	c := &CTECycle{At: p.at()}
	p.expect("cycle")
	c.Columns = list(p, p.ident)
	p.expect("set")
	c.Mark = p.colID()
	if p.accept("to") {
		c.Value = p.primary()
		p.expect("default")
		c.Default = p.primary()
	}
	p.expect("using")
	c.Path = p.colID()
	return c
}
