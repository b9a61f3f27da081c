package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

// primary reads an operand: a literal, a name, a call, something in parentheses.
func (p *parser) primary() Expr {
	p.enter()
	defer p.leave()
	at := p.at()
	switch t := p.tok; t.kind {
	case tInt, tDecimal, tString, tBit, tHex:
		p.advance()
		return &Const{at, constKinds[t.kind], t.text}
	case tNational:
		p.advance()
		return &Cast{at, &Const{at, StringConst, p.str()}, &TypeName{At: at, Name: pgName("bpchar")}}
	case tParam:
		p.advance()
		if t.num > p.maxParam {
			p.maxParam = t.num
		}
		return p.indirection(&Param{at, t.num})
	case '(':
		x, q := p.paren()
		if q != nil {
			x = &Subquery{at, q}
		}
		p.height = p.grow(p.height)
		return p.afterParen(at, x)
	case tIdent:
		e := p.named()
		p.height = p.grow(p.height)
		return e
	}
	p.unexpected()
	return nil
}

var constKinds = map[kind]ConstKind{
	tInt: IntConst, tDecimal: DecimalConst, tString: StringConst, tBit: BitConst, tHex: HexConst,
}

func pgName(s string) Name { return Name{"pg_catalog", s} }

// named reads an operand that begins with a word.
func (p *parser) named() Expr {
	if p.tok.class != notKeyword {
		if e := p.keyword(); e != nil {
			return e
		}
	}
	if p.tok.class == reserved {
		p.unexpected()
	}
	return p.nameOrCall()
}

// keyword reads an operand that begins with a keyword and is not just a name; nil if it is one.
func (p *parser) keyword() Expr {
	at, next := p.at(), p.peek(1)
	switch p.tok.class {
	case reserved:
		return p.reservedWord(at)
	case colName:
		if p.atTypeLiteral() {
			return p.typedLiteral()
		}
		if e, ok := p.row(); ok {
			return p.overlaps(e)
		}
		if next.kind == '(' {
			return p.special()
		}
	case typeFunc:
		switch {
		case p.is("collation") && next.is("for"):
			p.advance()
			p.advance()
			p.expectTok('(')
			x := p.expr()
			p.expectTok(')')
			return sqlCall(at, "pg_collation_for", x)
		case p.is("current_schema") && next.kind != '(':
			return &SQLValue{at, p.word(), -1}
		}
	case unreserved:
		if p.is("double") && next.is("precision") {
			return p.typedLiteral()
		}
	}
	return nil
}

// reservedWord reads an operand that begins with a reserved keyword.
func (p *parser) reservedWord(at At) Expr {
	switch p.tok.text {
	case "null":
		p.advance()
		return &Const{At: at}
	case "true", "false":
		return &Const{at, BoolConst, p.word()}
	case "default":
		p.advance()
		return &Default{at}
	case "case":
		return p.caseExpr()
	case "cast":
		p.advance()
		p.expectTok('(')
		x := p.expr()
		p.expect("as")
		t := p.typeName()
		p.expectTok(')')
		return &Cast{at, x, t}
	case "array":
		return p.array()
	case "current_date", "current_role", "current_user", "session_user", "user", "current_catalog":
		return &SQLValue{at, p.word(), -1}
	case "system_user":
		p.advance()
		return sqlCall(at, "system_user")
	case "current_time", "current_timestamp", "localtime", "localtimestamp":
		v := &SQLValue{at, p.word(), -1}
		if p.tok.kind == '(' {
			v.Precision = p.typeLength()
		}
		return v
	case "unique":
		p.fail(at.Pos, pgerr.FeatureNotSupported, "UNIQUE predicate is not yet implemented")
	}
	p.unexpected()
	return nil
}

// sqlCall is a call of a function that was written in words.
func sqlCall(at At, name string, args ...Expr) *FuncCall {
	f := &FuncCall{At: at, Name: pgName(name), SQLSyntax: true}
	for _, a := range args {
		f.Args = append(f.Args, Arg{Expr: a})
	}
	return f
}

// row reads ROW(…), or (a, b).
func (p *parser) row() (*Row, bool) {
	if p.tok.kind == '(' {
		x, _ := p.paren()
		r, ok := x.(*Row)
		return r, ok
	}
	if next := p.peek(1); !p.is("row") || next.kind != '(' {
		return nil, false
	}
	r := &Row{At: p.at(), Explicit: true}
	p.advance()
	p.expectTok('(')
	if p.tok.kind != ')' {
		r.Elems = p.exprs()
	}
	p.expectTok(')')
	return r, true
}

func (p *parser) caseExpr() Expr {
	c := &Case{At: p.at()}
	p.advance()
	if !p.is("when") {
		c.X = p.expr()
	}
	for p.is("when") {
		w := &When{At: p.at()}
		p.advance()
		w.Cond = p.expr()
		p.expect("then")
		w.Then = p.expr()
		c.Whens = append(c.Whens, w)
	}
	if c.Whens == nil {
		p.unexpected()
	}
	if p.accept("else") {
		c.Else = p.expr()
	}
	p.expect("end")
	return c
}

// array reads ARRAY[…] and ARRAY(query).
func (p *parser) array() Expr {
	at := p.at()
	p.advance()
	if p.tok.kind != '(' {
		return p.arrayElems(at)
	}
	s := p.tok
	_, q := p.paren()
	if q == nil {
		p.unexpectedAt(s)
	}
	return &ArrayQuery{at, q}
}

// arrayElems reads […], whose elements are all […] again if the first one is.
func (p *parser) arrayElems(at At) Expr {
	p.enter()
	defer p.leave()
	a := &ArrayExpr{At: at}
	p.expectTok('[')
	if p.tok.kind == '[' {
		a.Elems = list(p, func() Expr { return p.arrayElems(p.at()) })
	} else if p.tok.kind != ']' {
		a.Elems = p.exprs()
	}
	p.expectTok(']')
	return a
}

// indirection reads subscripts and fields behind x.
func (p *parser) indirection(x Expr) Expr {
	if p.tok.kind != '[' && p.tok.kind != '.' {
		return x
	}
	return &Indirection{At{x.Offset()}, x, p.steps()}
}

func (p *parser) steps() []Step {
	var out []Step
	for {
		s := Step{At: p.at()}
		switch p.tok.kind {
		case '.':
			p.advance()
			if p.acceptTok('*') {
				s.Star = true
			} else {
				s.Field = p.label()
			}
		case '[':
			p.subscript(&s)
		default:
			p.checkStars(out)
			return out
		}
		out = append(out, s)
	}
}

// checkStars refuses steps behind a star.
func (p *parser) checkStars(steps []Step) {
	for i, s := range steps {
		if s.Star && i < len(steps)-1 {
			p.yyerror(`improper use of "*"`)
		}
	}
}

// subscript reads [i] or [a:b].
func (p *parser) subscript(s *Step) {
	p.expectTok('[')
	if p.tok.kind != ':' {
		s.Lower = p.expr()
	}
	if p.acceptTok(':') {
		s.Slice = true
		if p.tok.kind != ']' {
			s.Upper = p.expr()
		}
	}
	p.expectTok(']')
}

// nameOrCall reads a column reference, a call, or a literal of a named type.
func (p *parser) nameOrCall() Expr {
	first, at := p.tok, p.at()
	p.advance()
	name := Name{first.text}
	for p.tok.kind == '.' && first.isColID() {
		p.advance()
		if p.acceptTok('*') {
			if p.tok.kind == '.' || p.tok.kind == '[' {
				p.steps()
				p.yyerror(`improper use of "*"`)
			}
			return &ColumnRef{at, name, true}
		}
		name = append(name, p.label())
	}
	switch {
	case p.tok.kind == '(' && (len(name) > 1 || first.isTypeFunc()):
		return p.call(at, name)
	case p.tok.kind == tString && (len(name) > 1 || first.isTypeFunc()):
		return &Cast{at, p.stringConst(), &TypeName{At: at, Name: name}}
	case !first.isColID():
		p.unexpected()
	}
	return p.indirection(&ColumnRef{At: at, Name: name})
}

func (p *parser) stringConst() *Const {
	at := p.at()
	return &Const{at, StringConst, p.str()}
}

// windowless reads a call as FROM has it: without FILTER and OVER.
func (p *parser) windowless() Expr {
	if p.tok.class != notKeyword {
		if e := p.keyword(); e != nil {
			return e
		}
	}
	at, name := p.at(), Name{}
	for {
		if p.tok.kind != tIdent {
			p.unexpected()
		}
		name = append(name, p.word())
		if !p.acceptTok('.') {
			break
		}
	}
	f := &FuncCall{At: at, Name: name}
	p.callArgs(f)
	return f
}

// call reads the arguments of a call and what may follow it; or the string of f(modifiers) 'literal'.
func (p *parser) call(at At, name Name) Expr {
	f := &FuncCall{At: at, Name: name}
	p.callArgs(f)
	if p.tok.kind == tString && !f.Star && !f.Distinct && !f.Variadic && len(f.Args) > 0 {
		return p.modifiedLiteral(f)
	}
	p.afterCall(f)
	return f
}

// modifiedLiteral reads the string behind type(modifiers).
func (p *parser) modifiedLiteral(f *FuncCall) Expr {
	t := &TypeName{At: f.At, Name: f.Name}
	for _, a := range f.Args {
		if a.Name != "" {
			p.fail(a.Expr.Offset(), pgerr.SyntaxError, "type modifier cannot have parameter name")
		}
		t.Mods = append(t.Mods, a.Expr)
	}
	if f.OrderBy != nil {
		p.fail(f.Pos, pgerr.SyntaxError, "type modifier cannot have ORDER BY")
	}
	return &Cast{f.At, p.stringConst(), t}
}

// callArgs reads the arguments in parentheses.
func (p *parser) callArgs(f *FuncCall) {
	p.expectTok('(')
	switch {
	case p.acceptTok(')'):
		return
	case p.tok.kind == '*':
		p.advance()
		p.expectTok(')')
		f.Star = true
		return
	}
	if p.accept("distinct") {
		f.Distinct = true
	} else {
		p.accept("all")
	}
	for {
		if p.accept("variadic") {
			f.Variadic = true
		}
		f.Args = append(f.Args, p.arg())
		if f.Variadic || !p.acceptTok(',') {
			break
		}
	}
	if p.is("order") {
		f.OrderBy = p.orderBy()
	}
	p.expectTok(')')
}

func (p *parser) arg() Arg {
	if p.tok.isTypeFunc() {
		if t := p.peek(1); t.kind == tColonEq || t.kind == tArrow {
			name := p.word()
			p.advance()
			return Arg{name, p.expr()}
		}
	}
	return Arg{Expr: p.expr()}
}

// afterCall reads WITHIN GROUP, FILTER and OVER.
func (p *parser) afterCall(f *FuncCall) {
	if p.is("within") {
		pos := p.tok.pos
		p.expect("within", "group")
		p.expectTok('(')
		f.WithinGroup = p.orderBy()
		p.expectTok(')')
		switch {
		case f.OrderBy != nil:
			p.fail(pos, pgerr.SyntaxError, "cannot use multiple ORDER BY clauses with WITHIN GROUP")
		case f.Distinct:
			p.fail(pos, pgerr.SyntaxError, "cannot use DISTINCT with WITHIN GROUP")
		case f.Variadic:
			p.fail(pos, pgerr.SyntaxError, "cannot use VARIADIC with WITHIN GROUP")
		}
	}
	if p.is("filter") {
		p.advance()
		p.expectTok('(')
		p.expect("where")
		f.Filter = p.expr()
		p.expectTok(')')
	}
	if p.is("over") {
		p.advance()
		if p.tok.kind == '(' {
			f.Over = p.windowSpec()
		} else {
			f.Over = &Window{At: p.at(), Ref: p.colID(), Bare: true}
		}
	}
}
