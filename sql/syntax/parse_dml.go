package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

// changed reads the table of INSERT, UPDATE, DELETE and MERGE, with an alias that needs AS for INSERT.
func (p *parser) changed(insert bool) *TableName {
	t := &TableName{At: p.at()}
	if insert {
		t.Name = p.relation()
	} else {
		t = p.relationExpr()
	}
	p.changedAlias(t, insert)
	return t
}

// portioned reads the table of UPDATE and DELETE, and the part of its rows' periods that is changed.
func (p *parser) portioned() (*TableName, *Portion) {
	t := p.relationExpr()
	var part *Portion
	if next := p.peek(1); p.is("for") && next.isWord("portion") {
		part = &Portion{At: p.at()}
		p.advance()
		p.advance()
		p.expect("of")
		part.Period = p.colID()
		p.expect("from")
		part.From = p.bExpr()
		p.expect("to")
		part.To = p.bExpr()
	}
	p.changedAlias(t, false)
	return t, part
}

func (p *parser) changedAlias(t *TableName, insert bool) {
	at := p.at()
	switch {
	case p.accept("as"):
		t.Alias = &Alias{At: at, Name: p.colID()}
	case !insert && p.tok.isColID() && !p.is("set"):
		t.Alias = &Alias{At: at, Name: p.colID()}
	}
}

func (p *parser) insert(w *With) Stmt {
	s := &Insert{At: p.at(), With: w}
	p.expect("insert", "into")
	s.Table = p.changed(true)
	if p.accept("default", "values") {
		p.insertEnd(s)
		return s
	}
	if next := p.peek(1); p.tok.kind == '(' && next.kind != '(' && !p.queryInside() {
		s.Columns = parens(p, p.insertColumn)
	}
	s.Overriding = p.overriding()
	s.Query = p.query()
	p.insertEnd(s)
	return s
}

// queryInside says whether a query begins behind the parenthesis at hand.
func (p *parser) queryInside() bool {
	next := p.peek(1)
	if next.is("values") {
		after := p.peek(2)
		return after.kind == '('
	}
	return next.is("select") || next.is("with") || next.is("table")
}

func (p *parser) insertColumn() *InsertColumn {
	return &InsertColumn{p.at(), p.colID(), p.steps()}
}

func (p *parser) overriding() Overriding {
	if !p.accept("overriding") {
		return OverridingNone
	}
	o := OverridingSystem
	if !p.accept("system") {
		p.expect("user")
		o = OverridingUser
	}
	p.expect("value")
	return o
}

// insertEnd reads WHEN, ON CONFLICT and RETURNING.
func (p *parser) insertEnd(s *Insert) {
	if p.accept("when") {
		s.Condition = p.expr()
	}
	if p.is("on") {
		s.OnConflict = p.onConflict()
	}
	s.Returning = p.returning()
}

func (p *parser) returning() *Returning {
	if !p.is("returning") {
		return nil
	}
	r := &Returning{At: p.at()}
	p.advance()
	if p.accept("with") {
		parens(p, func() *Alias { return p.image(r) })
	}
	r.List = p.targets()
	return r
}

// image reads OLD AS name or NEW AS name.
func (p *parser) image(r *Returning) *Alias {
	at, what, to := p.tok.pos, "OLD", &r.Old
	if !p.accept("old") {
		p.expect("new")
		what, to = "NEW", &r.New
	}
	p.expect("as")
	a := &Alias{At: At{at}, Name: p.colID()}
	if *to != nil {
		p.fail(at, pgerr.SyntaxError, "%s cannot be specified multiple times", what)
	}
	*to = a
	return a
}

func (p *parser) onConflict() *OnConflict {
	c := &OnConflict{At: p.at()}
	p.expect("on", "conflict")
	if p.tok.kind == '(' {
		c.Target = parens(p, p.indexElem)
		c.TargetWhere = p.where()
	} else if p.accept("on", "constraint") {
		c.Constraint = p.colID()
	}
	p.expect("do")
	if p.accept("nothing") {
		return c
	}
	p.expect("update", "set")
	c.Set = list(p, p.assign)
	c.Where = p.where()
	return c
}

func (p *parser) where() Expr {
	if p.accept("where") {
		return p.expr()
	}
	return nil
}

// whereOrCurrent reads WHERE e and WHERE CURRENT OF cursor.
func (p *parser) whereOrCurrent() Expr {
	at := p.peek(1).pos
	if !p.accept("where", "current", "of") {
		return p.where()
	}
	return &CurrentOf{At: At{at}, Cursor: p.colID()}
}

// assign reads column = value or (columns) = values.
func (p *parser) assign() *Assign {
	a := &Assign{At: p.at()}
	if p.tok.kind == '(' {
		a.Multi = true
		a.Columns = parens(p, p.insertColumn)
	} else {
		a.Columns = []*InsertColumn{p.insertColumn()}
	}
	p.expectTok('=')
	a.Value = p.expr()
	return a
}

func (p *parser) update(w *With) Stmt {
	s := &Update{At: p.at(), With: w}
	p.expect("update")
	s.Table, s.Portion = p.portioned()
	p.expect("set")
	s.Set = list(p, p.assign)
	if p.accept("from") {
		s.From = list(p, p.tableExpr)
	}
	s.Where = p.whereOrCurrent()
	s.Returning = p.returning()
	return s
}

func (p *parser) delete(w *With) Stmt {
	s := &Delete{At: p.at(), With: w}
	p.expect("delete", "from")
	s.Table, s.Portion = p.portioned()
	if p.accept("using") {
		s.Using = list(p, p.tableExpr)
	}
	s.Where = p.whereOrCurrent()
	s.Returning = p.returning()
	return s
}

func (p *parser) merge(w *With) Stmt {
	s := &Merge{At: p.at(), With: w}
	p.expect("merge", "into")
	s.Table = p.changed(false)
	p.expect("using")
	s.Source = p.tableExpr()
	p.expect("on")
	s.On = p.expr()
	for p.is("when") {
		s.Whens = append(s.Whens, p.mergeWhen())
	}
	if s.Whens == nil {
		p.unexpected()
	}
	s.Returning = p.returning()
	return s
}

func (p *parser) mergeWhen() *MergeWhen {
	w := &MergeWhen{At: p.at()}
	p.expect("when")
	if p.accept("not") {
		w.Match = MergeNotMatched
	}
	p.expect("matched")
	if w.Match == MergeNotMatched && p.accept("by") {
		if p.accept("source") {
			w.Match = MergeNotMatchedBySource
		} else {
			p.expect("target")
		}
	}
	if p.accept("and") {
		w.Cond = p.expr()
	}
	p.expect("then")
	switch {
	case p.accept("do"):
		p.expect("nothing")
	case w.Match != MergeNotMatched && p.accept("update"):
		p.expect("set")
		w.Action = MergeUpdate
		w.Set = list(p, p.assign)
	case w.Match != MergeNotMatched && p.accept("delete"):
		w.Action = MergeDelete
	case w.Match == MergeNotMatched && p.accept("insert"):
		p.mergeInsert(w)
	default:
		p.unexpected()
	}
	return w
}

func (p *parser) mergeInsert(w *MergeWhen) {
	w.Action = MergeInsert
	if p.accept("default", "values") {
		return
	}
	if p.tok.kind == '(' {
		w.Columns = parens(p, p.insertColumn)
	}
	w.Overriding = p.overriding()
	p.expect("values")
	w.Values = parens(p, p.expr)
}

// indexElem reads a column or expression of an index.
func (p *parser) indexElem() *IndexElem {
	e := &IndexElem{At: p.at()}
	switch next := p.peek(1); {
	case p.tok.kind == '(':
		p.advance()
		e.Expr = p.expr()
		p.expectTok(')')
	case p.tok.isColID() && next.kind != '(' && next.kind != '.':
		e.Name = p.colID()
	default:
		e.Expr = p.windowless()
	}
	if p.accept("collate") {
		e.Collation = p.name()
	}
	if p.tok.isColID() && !p.is("nulls") {
		e.OpClass = p.name()
		if p.tok.kind == '(' {
			e.OpOptions = p.relOptions()
		}
	}
	e.Dir = p.sortDir()
	e.Nulls = p.nullsOrder()
	return e
}

func (p *parser) truncate() Stmt {
	s := &Truncate{At: p.at()}
	p.advance()
	p.accept("table")
	s.Tables = list(p, p.relationExpr)
	if p.accept("restart", "identity") {
		s.RestartIdentity = Yes
	} else if p.accept("continue", "identity") {
		s.RestartIdentity = No
	}
	s.Cascade = p.cascade() == Yes
	return s
}

func (p *parser) lock() Stmt {
	s := &Lock{At: p.at(), Mode: "ACCESS EXCLUSIVE"}
	p.advance()
	p.accept("table")
	s.Tables = list(p, p.relationExpr)
	if p.accept("in") {
		s.Mode = upper(p.objectKind(lockModes))
		p.expect("mode")
	}
	s.NoWait = p.accept("nowait")
	return s
}

func (p *parser) callStmt() Stmt {
	s := &Call{At: p.at()}
	p.advance()
	s.Func = &FuncCall{At: p.at(), Name: p.funcName()}
	p.callArgs(s.Func)
	return s
}
