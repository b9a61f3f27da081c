package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

func (p *parser) atTableConstraint() bool {
	return p.isAny("constraint", "check", "unique", "primary", "foreign", "exclude") && p.constraintFollows() || p.follows("not", "null")
}

// constraintFollows tells EXCLUDE the constraint from a column called exclude.
func (p *parser) constraintFollows() bool {
	next := p.peek(1)
	return !p.is("exclude") || next.is("using") || next.kind == '('
}

// tableConstraint reads a constraint of a table, or of a domain.
func (p *parser) tableConstraint(domain bool) *Constraint {
	c := &Constraint{At: p.at()}
	if p.accept("constraint") {
		c.Name = p.colID()
	}
	switch {
	case p.accept("check"):
		c.Kind = ConstraintCheck
		c.Expr = p.parenExpr()
	case p.accept("not", "null"):
		if c.Kind = ConstraintNotNull; !domain {
			c.Columns = []Ident{p.ident()}
		}
	case p.is("unique"), p.is("primary"):
		p.uniqueConstraint(c)
	case p.accept("foreign", "key"):
		c.Kind = ConstraintForeignKey
		c.Columns, c.Period = p.periodIdents()
		p.references(c)
	case p.accept("exclude"):
		p.excludeConstraint(c)
	default:
		p.unexpected()
	}
	p.constraintAttrs(c)
	p.allowAttrs(c)
	return c
}

func (p *parser) parenExpr() Expr {
	p.expectTok('(')
	e := p.expr()
	p.expectTok(')')
	return e
}

func (p *parser) uniqueConstraint(c *Constraint) {
	c.Kind = ConstraintUnique
	if p.accept("primary", "key") {
		c.Kind = ConstraintPrimaryKey
	} else {
		p.expect("unique")
		c.NullsNotDistinct = p.nullsDistinct()
	}
	if p.accept("using", "index") {
		c.UsingIndex = p.colID()
		return
	}
	p.expectTok('(')
	for {
		id := p.ident()
		if p.follows("without", "overlaps") {
			p.accept("without")
			p.advance()
			c.Period = id.Name
			break
		}
		c.Columns = append(c.Columns, id)
		if !p.acceptTok(',') {
			break
		}
	}
	p.expectTok(')')
	if p.accept("include") {
		c.Include = p.idents()
	}
	p.constraintStorage(c)
}

// periodIdents reads (a, b, PERIOD p).
func (p *parser) periodIdents() (cols []Ident, period string) {
	p.expectTok('(')
	for {
		if next := p.peek(1); p.tok.isWord("period") && next.isColID() {
			p.advance()
			period = p.colID()
			break
		}
		cols = append(cols, p.ident())
		if !p.acceptTok(',') {
			break
		}
	}
	p.expectTok(')')
	return cols, period
}

// constraintStorage reads WITH (…) and USING INDEX TABLESPACE.
func (p *parser) constraintStorage(c *Constraint) {
	c.With = p.withOptions()
	if p.accept("using", "index", "tablespace") {
		c.Tablespace = p.colID()
	}
}

func (p *parser) excludeConstraint(c *Constraint) {
	c.Kind = ConstraintExclude
	if p.accept("using") {
		c.Method = p.colID()
	}
	c.Exclude = parens(p, func() *ExcludeElem {
		e := &ExcludeElem{At: p.at(), Elem: p.indexElem()}
		p.expect("with")
		if p.is("operator") {
			e.Op = p.operator()
		} else {
			e.Op = p.anyOperator()
		}
		return e
	})
	if p.accept("include") {
		c.Include = p.idents()
	}
	p.constraintStorage(c)
	if p.accept("where") {
		c.Where = p.parenExpr()
	}
}

// references reads REFERENCES and what belongs to it.
func (p *parser) references(c *Constraint) {
	p.expect("references")
	c.Ref = p.relation()
	if p.tok.kind == '(' {
		c.RefColumns, c.RefPeriod = p.periodIdents()
	}
	if p.accept("match") {
		c.Match = p.objectKind([]string{"full", "partial", "simple"})
	}
	for p.is("on") {
		if p.accept("on", "delete") {
			c.OnDelete = p.refAction(c)
		} else {
			p.expect("on", "update")
			c.OnUpdate = p.refAction(c)
		}
	}
}

func (p *parser) refAction(c *Constraint) RefAction {
	switch {
	case p.accept("no", "action"):
		return RefNoAction
	case p.accept("restrict"):
		return RefRestrict
	case p.accept("cascade"):
		return RefCascade
	}
	p.expect("set")
	a := RefSetNull
	if !p.accept("null") {
		p.expect("default")
		a = RefSetDefault
	}
	if p.tok.kind == '(' {
		c.SetColumns = p.idents()
	}
	return a
}

// constraintAttrs reads DEFERRABLE and its like, in any order.
func (p *parser) constraintAttrs(c *Constraint) {
	c.Attrs = p.at()
	for {
		at := p.at()
		set := func(t *Tristate, to Tristate) {
			if *t != Unsaid && *t != to {
				p.fail(at.Pos, pgerr.SyntaxError, "conflicting constraint properties")
			}
			if *t = to; c.Deferrable == No && c.Deferred == Yes {
				p.fail(at.Pos, pgerr.SyntaxError, "constraint declared INITIALLY DEFERRED must be DEFERRABLE")
			}
		}
		switch {
		case p.accept("deferrable"):
			set(&c.Deferrable, Yes)
		case p.accept("not", "deferrable"):
			set(&c.Deferrable, No)
		case p.accept("initially", "deferred"):
			set(&c.Deferred, Yes)
		case p.accept("initially", "immediate"):
			set(&c.Deferred, No)
		case p.accept("enforced"):
			set(&c.Enforced, Yes)
		case p.accept("not", "enforced"):
			set(&c.Enforced, No)
		case p.accept("not", "valid"):
			c.NotValid = true
		case p.accept("no", "inherit"):
			c.NoInherit = true
		default:
			return
		}
	}
}

// allowAttrs refuses what cannot be said of a constraint of a table.
func (p *parser) allowAttrs(c *Constraint) {
	word := map[ConstraintKind]string{ConstraintCheck: "CHECK", ConstraintNotNull: "NOT NULL", ConstraintUnique: "UNIQUE", ConstraintPrimaryKey: "PRIMARY KEY",
		ConstraintForeignKey: "FOREIGN KEY", ConstraintExclude: "EXCLUDE"}[c.Kind]
	row, foreign := c.Kind == ConstraintCheck || c.Kind == ConstraintNotNull, c.Kind == ConstraintForeignKey
	what := ""
	switch {
	case row && (c.Deferrable == Yes || c.Deferred == Yes):
		what = "DEFERRABLE"
	case c.NotValid && !row && !foreign:
		what = "NOT VALID"
	case c.NoInherit && !row:
		what = "NO INHERIT"
	case c.Enforced == No && c.Kind != ConstraintCheck && !foreign:
		what = "NOT ENFORCED"
	case c.Enforced == Yes && c.Kind != ConstraintCheck && !foreign:
		what = "ENFORCED"
	default:
		return
	}
	p.fail(c.Attrs.Pos, pgerr.FeatureNotSupported, "%s constraints cannot be marked %s", word, what)
}

// columnConstraint reads a constraint of a column; nil if there is none.
func (p *parser) columnConstraint() *Constraint {
	c := &Constraint{At: p.at()}
	named := p.accept("constraint")
	if named {
		c.Name = p.colID()
	}
	switch {
	case p.accept("not", "null"):
		c.Kind = ConstraintNotNull
		c.NoInherit = p.accept("no", "inherit")
	case p.accept("null"):
	case p.accept("default"):
		c.Kind, c.Expr = ConstraintDefault, p.bExpr()
	case p.accept("check"):
		c.Kind, c.Expr = ConstraintCheck, p.parenExpr()
		c.NoInherit = p.accept("no", "inherit")
	case p.is("unique"), p.is("primary"):
		c.Kind = ConstraintUnique
		if p.accept("primary", "key") {
			c.Kind = ConstraintPrimaryKey
		} else {
			p.expect("unique")
			c.NullsNotDistinct = p.nullsDistinct()
		}
		p.constraintStorage(c)
	case p.is("references"):
		c.Kind = ConstraintForeignKey
		p.references(c)
	case p.is("generated"):
		p.generated(c)
	case !named && (p.isAny("deferrable", "initially") || p.tok.isWord("enforced") || p.follows("not", "deferrable") || p.follows("not", "enforced")):
		c.Kind = ConstraintAttr
		switch {
		case p.accept("deferrable"):
			c.Deferrable = Yes
		case p.accept("not", "deferrable"):
			c.Deferrable = No
		case p.accept("initially", "deferred"):
			c.Deferred = Yes
		case p.accept("enforced"):
			c.Enforced = Yes
		case p.accept("not", "enforced"):
			c.Enforced = No
		default:
			p.expect("initially", "immediate")
			c.Deferred = No
		}
	case named:
		p.unexpected()
	default:
		return nil
	}
	return c
}

func (p *parser) generated(c *Constraint) {
	p.expect("generated")
	when := p.at()
	if c.Always = p.accept("always"); !c.Always {
		p.expect("by", "default")
	}
	p.expect("as")
	if p.accept("identity") {
		c.Kind = ConstraintIdentity
		if p.acceptTok('(') {
			c.Sequence = p.sequenceOptions()
			if c.Sequence == nil {
				p.unexpected()
			}
			p.expectTok(')')
		}
		return
	}
	if c.Kind = ConstraintGenerated; !c.Always {
		p.fail(when.Pos, pgerr.SyntaxError, "for a generated column, GENERATED ALWAYS must be specified")
	}
	c.Expr = p.parenExpr()
	c.Virtual = !p.accept("stored")
	p.accept("virtual")
}
