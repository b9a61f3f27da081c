package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

// groupBy reads GROUP BY, if it is there.
func (p *parser) groupBy() *GroupBy {
	if !p.is("group") {
		return nil
	}
	g := &GroupBy{At: p.at()}
	p.expect("group", "by")
	if g.Distinct = p.accept("distinct"); !g.Distinct {
		p.accept("all")
	}
	g.Items = list(p, p.groupItem)
	return g
}

func (p *parser) groupItem() *GroupItem {
	g := &GroupItem{At: p.at()}
	next := p.peek(1)
	switch {
	case p.tok.kind == '(' && next.kind == ')':
		p.advance()
		p.advance()
		g.Kind = GroupEmpty
	case p.isAny("rollup", "cube") && next.kind == '(':
		g.Kind = GroupRollup
		if p.word() == "cube" {
			g.Kind = GroupCube
		}
		g.Items = parens(p, func() *GroupItem { return &GroupItem{At: p.at(), Expr: p.expr()} })
	case p.is("grouping") && next.is("sets"):
		p.enter()
		p.expect("grouping", "sets")
		g.Kind = GroupSets
		g.Items = parens(p, p.groupItem)
		p.leave()
	default:
		g.Expr = p.expr()
	}
	return g
}

// orderBy reads ORDER BY items.
func (p *parser) orderBy() []*SortItem {
	p.expect("order", "by")
	return list(p, p.sortItem)
}

func (p *parser) sortItem() *SortItem {
	s := &SortItem{At: p.at(), Expr: p.expr()}
	if p.accept("using") {
		o := p.sortOperator()
		s.Using = &o
	} else {
		s.Dir = p.sortDir()
	}
	s.Nulls = p.nullsOrder()
	return s
}

// sortOperator reads an operator, or OPERATOR(…).
func (p *parser) sortOperator() Operator {
	if !p.isOperator() && !isSymbol(p.tok.kind) {
		p.unexpected()
	}
	return p.operator()
}

func (p *parser) sortDir() SortDir {
	switch {
	case p.accept("asc"):
		return SortAsc
	case p.accept("desc"):
		return SortDesc
	}
	return SortDefault
}

func (p *parser) nullsOrder() NullsOrder {
	switch {
	case p.accept("nulls", "first"):
		return NullsFirst
	case p.accept("nulls", "last"):
		return NullsLast
	}
	return NullsDefault
}

// namedWindow reads name AS (…) of a WINDOW clause.
func (p *parser) namedWindow() *Window {
	name := p.colID()
	p.expect("as")
	w := p.windowSpec()
	w.Name = name
	return w
}

// windowSpec reads a window in parentheses.
func (p *parser) windowSpec() *Window {
	w := &Window{At: p.at()}
	p.expectTok('(')
	if p.tok.isColID() && !p.isAny("partition", "range", "rows", "groups") {
		w.Ref = p.colID()
	}
	if p.accept("partition") {
		p.expect("by")
		w.PartitionBy = p.exprs()
	}
	if p.is("order") {
		w.OrderBy = p.orderBy()
	}
	if p.isAny("range", "rows", "groups") {
		w.Frame = p.frame()
	}
	p.expectTok(')')
	return w
}

func (p *parser) frame() *Frame {
	f := &Frame{At: p.at()}
	switch p.word() {
	case "rows":
		f.Mode = FrameRows
	case "groups":
		f.Mode = FrameGroups
	}
	f.Between = p.accept("between")
	start := p.tok.pos
	end := start
	f.Start, f.End = p.frameBound(), FrameBound{Kind: FrameCurrentRow}
	if f.Between {
		p.expect("and")
		end = p.tok.pos
		f.End = p.frameBound()
	}
	p.checkFrame(f, start, end)
	if p.accept("exclude") {
		switch {
		case p.accept("current", "row"):
			f.Exclude = ExcludeCurrentRow
		case p.accept("group"):
			f.Exclude = ExcludeGroup
		case p.accept("ties"):
			f.Exclude = ExcludeTies
		default:
			p.expect("no", "others")
		}
	}
	return f
}

// checkFrame refuses frames whose ends are the wrong way round.
func (p *parser) checkFrame(f *Frame, start, end int) {
	bad, pos := "", end
	switch s, e := f.Start.Kind, f.End.Kind; {
	case s == FrameUnboundedFollowing:
		pos = start
		bad = "frame start cannot be UNBOUNDED FOLLOWING"
	case !f.Between && s == FrameFollowing:
		bad = "frame starting from following row cannot end with current row"
	case !f.Between:
	case e == FrameUnboundedPreceding:
		bad = "frame end cannot be UNBOUNDED PRECEDING"
	case s == FrameCurrentRow && e == FramePreceding:
		bad = "frame starting from current row cannot have preceding rows"
	case s == FrameFollowing && (e == FramePreceding || e == FrameCurrentRow):
		bad = "frame starting from following row cannot have preceding rows"
	}
	if bad != "" {
		p.fail(pos, pgerr.WindowingError, "%s", bad)
	}
}

func (p *parser) frameBound() FrameBound {
	switch {
	case p.accept("unbounded", "preceding"):
		return FrameBound{Kind: FrameUnboundedPreceding}
	case p.accept("unbounded", "following"):
		return FrameBound{Kind: FrameUnboundedFollowing}
	case p.accept("current", "row"):
		return FrameBound{Kind: FrameCurrentRow}
	}
	b := FrameBound{Expr: p.expr(), Kind: FramePreceding}
	if p.accept("following") {
		b.Kind = FrameFollowing
	} else {
		p.expect("preceding")
	}
	return b
}
