package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

// Binding powers, weakest first, as in PostgreSQL's grammar.
const (
	precNone = iota
	precOr
	precAnd
	precNot
	precIs
	precCompare
	precBetween // BETWEEN, IN, LIKE, ILIKE, SIMILAR
	precEscape
	precOp // any operator without a place of its own
	precAdd
	precMul
	precPow
	precAt
	precCollate
	precMinus
	precCast
)

// expr reads any expression.
func (p *parser) expr() Expr { return p.binary(precNone, false) }

// bExpr reads an expression where AND, NOT, IN and the like would be ambiguous: DEFAULT and the low end of BETWEEN.
func (p *parser) bExpr() Expr { return p.binary(precNone, true) }

func (p *parser) exprs() []Expr { return list(p, p.expr) }

// binary reads an expression whose operators bind more tightly than prec.
func (p *parser) binary(prec int, restricted bool) Expr {
	saved := p.height
	p.height = 0
	x := p.prefix(restricted)
	e := p.operators(x, prec, restricted)
	p.height = max(p.height, saved)
	return e
}

// prefix reads an operand with the operators before it.
func (p *parser) prefix(restricted bool) Expr {
	at := p.at()
	op, prec := Operator{}, precOp
	switch t := &p.tok; {
	case t.kind == '+' || t.kind == '-':
		op.Name, prec = t.text, precMinus
		p.advance()
	case t.is("not") && !restricted:
		prec = precNot
		p.advance()
	case p.isOperator():
		op = p.operator()
	default:
		return p.primary()
	}
	p.enter()
	defer p.leave()
	x := p.binary(prec, restricted)
	p.height = p.grow(p.height)
	switch {
	case prec == precNot:
		return &Not{at, x}
	case op.Name == "-" && op.Schema == nil:
		if c, ok := x.(*Const); ok && (c.Kind == IntConst || c.Kind == DecimalConst) {
			return negate(at, c)
		}
	}
	return &Unary{at, op, x}
}

// negate makes a negative number of a number, as PostgreSQL does: -1 is a literal.
func negate(at At, c *Const) *Const {
	if c.Text[0] == '-' {
		return &Const{at, c.Kind, c.Text[1:]}
	}
	return &Const{at, c.Kind, "-" + c.Text}
}

// isOperator says whether a symbolic operator, or OPERATOR(…), is at hand.
func (p *parser) isOperator() bool {
	switch p.tok.kind {
	case tOp:
		return true
	case tIdent:
		if p.tok.is("operator") {
			t := p.peek(1)
			return t.kind == '('
		}
	}
	return false
}

// operator reads an operator, or OPERATOR(schema.op).
func (p *parser) operator() Operator {
	if !p.is("operator") || p.peek(1).kind != '(' {
		return Operator{Name: p.symbol()}
	}
	p.advance()
	p.advance()
	o := p.anyOperator()
	p.expectTok(')')
	return o
}

// anyOperator reads schema.op.
func (p *parser) anyOperator() Operator {
	var o Operator
	for p.tok.isColID() {
		o.Schema = append(o.Schema, p.colID())
		p.expectTok('.')
	}
	o.Name = p.symbol()
	return o
}

func isSymbol(k kind) bool {
	switch k {
	case '+', '-', '*', '/', '%', '^', '<', '>', '=', tLessEq, tGreatEq, tNotEq, tOp:
		return true
	}
	return false
}

func (p *parser) symbol() string {
	if !isSymbol(p.tok.kind) {
		p.unexpected()
	}
	if p.tok.kind == tNotEq {
		p.advance()
		return "<>"
	}
	return p.word()
}

// infix says how tightly the operator at hand binds its left side; 0 if there is none.
func (p *parser) infix(restricted bool) int {
	switch p.tok.kind {
	case '+', '-':
		return precAdd
	case '*', '/', '%':
		return precMul
	case '^':
		return precPow
	case '<', '>', '=', tLessEq, tGreatEq, tNotEq:
		return precCompare
	case tOp:
		return precOp
	case tCast:
		return precCast
	case tIdent:
		return p.infixWord(restricted)
	}
	return 0
}

func (p *parser) infixWord(restricted bool) int {
	if p.tok.class == notKeyword {
		return 0
	}
	switch p.tok.text {
	case "is":
		return precIs
	case "operator":
		if p.isOperator() {
			return precOp
		}
		return 0
	}
	if restricted {
		return 0
	}
	switch p.tok.text {
	case "or":
		return precOr
	case "and":
		return precAnd
	case "isnull", "notnull":
		return precIs
	case "between", "in", "like", "ilike":
		return precBetween
	case "similar":
		if t := p.peek(1); t.is("to") {
			return precBetween
		}
	case "not":
		if t := p.peek(1); t.is("between") || t.is("in") || t.is("like") || t.is("ilike") || t.is("similar") {
			return precBetween
		}
	case "at":
		return precAt
	case "collate":
		return precCollate
	}
	return 0
}

// operators reads what follows the operand x as long as it binds more tightly than prec.
func (p *parser) operators(x Expr, prec int, restricted bool) Expr {
	blocked := 0 // the operators that may not follow: a < b < c
	h := p.height
	for {
		power := p.infix(restricted)
		if power <= prec {
			p.height = h
			return x
		}
		if power == blocked {
			p.unexpected()
		}
		p.height = 0
		before := x
		if x, blocked = p.apply(x, power, restricted); x == before {
			h = max(h, p.height+1) // another argument of an AND
		} else {
			h = p.grow(h)
		}
	}
}

// apply reads one operator and its right side. blocked is the power that must not follow.
func (p *parser) apply(x Expr, power int, restricted bool) (e Expr, blocked int) {
	at := p.at()
	switch power {
	case precOr, precAnd:
		p.advance()
		return logic(at, power == precOr, x, p.binary(power, restricted)), 0
	case precIs:
		return p.isWhat(x, restricted)
	case precBetween:
		return p.betweenInLike(x)
	case precCast:
		p.advance()
		return &Cast{at, x, p.typeName()}, 0
	case precCollate:
		p.advance()
		return &Collate{at, x, p.name()}, 0
	case precAt:
		p.advance()
		if p.accept("local") {
			return &AtTimeZone{At: at, X: x}, 0
		}
		p.expect("time", "zone")
		return &AtTimeZone{at, x, p.binary(precAt, restricted)}, 0
	}
	op := p.operator()
	if !restricted && p.isAny("any", "some", "all") {
		return p.quantified(at, x, op), 0
	}
	e = &Binary{at, op, x, p.binary(power, restricted)}
	if power == precCompare {
		return e, precCompare
	}
	return e, 0
}

// logic makes a AND b, adding to a if it is an AND already.
func logic(at At, or bool, l, r Expr) Expr {
	if g, ok := l.(*Logic); ok && g.Or == or {
		g.Args = append(g.Args, r)
		return g
	}
	return &Logic{At: at, Or: or, Args: []Expr{l, r}}
}

// isWhat reads IS … .
func (p *parser) isWhat(x Expr, restricted bool) (e Expr, blocked int) {
	at := p.at()
	switch p.word() {
	case "isnull":
		return &IsTest{At: at, X: x, Kind: IsNull}, 0
	case "notnull":
		return &IsTest{At: at, X: x, Kind: IsNull, Not: true}, 0
	}
	not := p.accept("not")
	if p.accept("distinct") {
		p.expect("from")
		return &IsDistinct{at, x, p.binary(precIs, restricted), not}, precIs
	}
	t := &IsTest{At: at, X: x, Not: not}
	if p.accept("document") {
		t.Kind = IsDocument
		return t, 0
	}
	if restricted {
		p.unexpected()
	}
	if p.accept("json") {
		return p.isJSON(&IsJSON{At: at, X: x, Not: not}), 0
	}
	switch {
	case p.accept("null"):
		t.Kind = IsNull
	case p.accept("true"):
		t.Kind = IsTrue
	case p.accept("false"):
		t.Kind = IsFalse
	case p.accept("unknown"):
		t.Kind = IsUnknown
	case p.accept("normalized"):
		t.Kind = IsNormalized
	case p.isAny("nfc", "nfd", "nfkc", "nfkd"):
		t.Kind, t.Form = IsNormalized, p.word()
		p.expect("normalized")
	default:
		p.unexpected()
	}
	return t, 0
}

func (p *parser) isJSON(j *IsJSON) Expr {
	switch {
	case p.accept("value"):
	case p.tok.isWord("array"), p.tok.isWord("object"), p.tok.isWord("scalar"):
		j.Item = p.word()
	}
	if p.accept("with", "unique") {
		j.Unique = true
		p.accept("keys")
	} else if p.accept("without", "unique") {
		p.accept("keys")
	}
	return j
}

// betweenInLike reads [NOT] BETWEEN, IN, LIKE, ILIKE and SIMILAR TO.
func (p *parser) betweenInLike(x Expr) (e Expr, blocked int) {
	at := p.at()
	not := p.accept("not")
	switch p.word() {
	case "between":
		b := &Between{At: at, X: x, Not: not, Symmetric: p.accept("symmetric")}
		if !b.Symmetric {
			p.accept("asymmetric")
		}
		b.Lo = p.bExpr()
		p.expect("and")
		b.Hi = p.binary(precBetween, false)
		return b, precBetween
	case "in":
		return p.in(&In{At: at, X: x, Not: not}), 0
	case "like":
		return p.like(&Like{At: at, X: x, Not: not, Kind: LikeMatch})
	case "ilike":
		return p.like(&Like{At: at, X: x, Not: not, Kind: ILikeMatch})
	}
	p.expect("to")
	return p.like(&Like{At: at, X: x, Not: not, Kind: SimilarMatch})
}

var likeOperators = [...]string{LikeMatch: "~~", ILikeMatch: "~~*"}

func (p *parser) like(l *Like) (e Expr, blocked int) {
	if l.Kind != SimilarMatch && p.isAny("any", "some", "all") {
		op := likeOperators[l.Kind]
		if l.Not {
			op = "!" + op
		}
		return p.quantified(l.At, l.X, Operator{Name: op}), 0
	}
	l.Pattern = p.binary(precBetween, false)
	if p.accept("escape") {
		l.Escape = p.binary(precBetween, false)
	}
	return l, precBetween
}

// in reads what follows IN.
func (p *parser) in(in *In) Expr {
	p.expectTok('(')
	p.enter()
	defer p.leave()
	first, q := p.queryOrExpr()
	if q != nil && p.tok.kind == ')' {
		p.advance()
		in.Query = q
		return in
	}
	in.List = []Expr{first()}
	for p.acceptTok(',') {
		in.List = append(in.List, p.expr())
	}
	p.expectTok(')')
	return in
}

// quantified reads ANY (…) and ALL (…).
func (p *parser) quantified(at At, x Expr, op Operator) Expr {
	e := &Quantified{At: at, X: x, Op: op, All: p.is("all")}
	p.advance()
	p.expectTok('(')
	p.enter()
	defer p.leave()
	first, q := p.queryOrExpr()
	if q != nil && p.tok.kind == ')' {
		e.Query = q
	} else {
		e.Array = first()
	}
	p.expectTok(')')
	return e
}

// queryOrExpr reads, behind an opening parenthesis, a query or the beginning of an expression. If it is a query, q is
// not nil; first finishes the expression that begins with what was read.
func (p *parser) queryOrExpr() (first func() Expr, q *Query) {
	at := p.at()
	switch {
	case p.atQuery():
		q = p.query()
		if p.tok.kind != ')' {
			p.unexpected()
		}
		return nil, q
	case p.tok.kind != '(':
		return p.expr, nil
	}
	x, q := p.paren()
	if q != nil {
		q = p.queryRest(q)
		x = &Subquery{at, q}
	}
	return func() Expr { return p.operators(p.afterParen(at, x), precNone, false) }, q
}

// paren reads an expression, a row or a query in parentheses. A query is left bare for the caller, to whom it may be
// part of a larger query.
func (p *parser) paren() (Expr, *Query) {
	at := p.at()
	p.enter()
	defer p.leave()
	p.expectTok('(')
	first, q := p.queryOrExpr()
	if q != nil && p.tok.kind == ')' {
		p.advance()
		return nil, q
	}
	x := first()
	if p.tok.kind == ',' {
		row := &Row{At: at, Elems: []Expr{x}}
		for p.acceptTok(',') {
			row.Elems = append(row.Elems, p.expr())
		}
		x = row
	}
	p.expectTok(')')
	return x, nil
}

// afterParen reads what may directly follow an operand in parentheses that begin at at.
func (p *parser) afterParen(at At, x Expr) Expr {
	if row, ok := x.(*Row); ok && row.At == at && !row.Explicit {
		return p.overlaps(row)
	}
	return p.indirection(x)
}

// overlaps reads OVERLAPS row, if it is there.
func (p *parser) overlaps(l *Row) Expr {
	at := p.at()
	if !p.accept("overlaps") {
		return l
	}
	pos := p.tok.pos
	r, ok := p.row()
	if !ok {
		p.unexpected()
	}
	if len(l.Elems) != 2 || len(r.Elems) != 2 {
		side := "left"
		if len(l.Elems) == 2 {
			side = "right"
		} else {
			pos = l.Pos
		}
		p.fail(pos, pgerr.SyntaxError, "wrong number of parameters on %s side of OVERLAPS expression", side)
	}
	f := &FuncCall{At: at, Name: Name{"pg_catalog", "overlaps"}, SQLSyntax: true}
	for _, e := range append(append([]Expr{}, l.Elems...), r.Elems...) {
		f.Args = append(f.Args, Arg{Expr: e})
	}
	return f
}
