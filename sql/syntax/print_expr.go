package syntax

import (
	"strconv"
	"strings"
)

const precPrimary = precCast + 1

// power says how tightly a printed node holds together.
func power(e Expr) int {
	switch e := e.(type) {
	case *Logic:
		if e.Or {
			return precOr
		}
		return precAnd
	case *Not:
		return precNot
	case *IsTest, *IsJSON, *IsDistinct:
		return precIs
	case *Binary:
		return opPower(e.Op)
	case *Unary:
		if e.Op.Schema == nil && (e.Op.Name == "-" || e.Op.Name == "+") {
			return precMinus
		}
		return precOp
	case *Between, *In, *Like:
		return precBetween
	case *Quantified:
		return opPower(e.Op)
	case *Cast:
		return precCast
	case *Collate:
		return precCollate
	case *AtTimeZone:
		return precAt
	case *Const:
		if strings.HasPrefix(e.Text, "-") && e.Kind != StringConst {
			return precMinus
		}
	case *FuncCall:
		if e.SQLSyntax && e.Name.Last() == "overlaps" {
			return precNone + 1
		}
	}
	return precPrimary
}

func opPower(o Operator) int {
	if o.Schema != nil {
		return precOp
	}
	switch o.Name {
	case "+", "-":
		return precAdd
	case "*", "/", "%":
		return precMul
	case "^":
		return precPow
	case "<", ">", "=", "<=", ">=", "<>":
		return precCompare
	}
	return precOp
}

// operand writes e, in parentheses unless it holds together more tightly than at.
func (p *printer) operand(e Expr, at int) {
	if power(e) < at {
		p.enclosed(e)
		return
	}
	p.expr(e)
}

// restricted writes e where bExpr reads it.
func (p *printer) restricted(e Expr) {
	if power(e) < precPrimary {
		p.enclosed(e)
		return
	}
	p.expr(e)
}

func (p *printer) exprs(es []Expr) { commas(p, es, p.expr) }

// expr writes an expression.
func (p *printer) expr(e Expr) {
	switch e := e.(type) {
	case *Const:
		p.constant(e)
	case *Param:
		p.w("$" + strconv.Itoa(e.N))
	case *ColumnRef:
		p.column(e)
	case *Indirection:
		p.indirection(e)
	case *Binary:
		p.binary(e)
	case *Unary:
		p.unary(e)
	case *Logic:
		p.logic(e)
	case *Not:
		p.w("NOT")
		p.operand(e.X, precNot)
	case *Cast:
		p.operand(e.X, precCast)
		p.put("::")
		p.glued = true
		p.typeName(e.Type)
	case *Collate:
		p.operand(e.X, precCollate)
		p.w("COLLATE")
		p.name(e.Name)
	case *AtTimeZone:
		p.operand(e.X, precAt)
		if e.Zone == nil {
			p.w("AT LOCAL")
			return
		}
		p.w("AT TIME ZONE")
		p.operand(e.Zone, precAt+1)
	case *FuncCall:
		p.funcCall(e)
	case *Subquery:
		p.subquery("", e.Query)
	case *Exists:
		p.subquery("EXISTS", e.Query)
	case *ArrayQuery:
		p.subquery("ARRAY", e.Query)
	default:
		p.moreExpr(e)
	}
}

// moreExpr writes the expressions that are not so common.
func (p *printer) moreExpr(e Expr) {
	switch e := e.(type) {
	case *IsTest, *IsJSON, *IsDistinct:
		p.isTest(e)
	case *Between:
		p.between(e)
	case *In:
		p.in(e)
	case *Like:
		p.like(e)
	case *Quantified:
		p.quantified(e)
	case *ArrayExpr:
		p.w("ARRAY")
		p.arrayElems(e)
	case *Row:
		p.row(e)
	case *Case:
		p.caseExpr(e)
	case *Special:
		p.call([...]string{"COALESCE", "NULLIF", "GREATEST", "LEAST", "GROUPING"}[e.Kind])
		p.exprs(e.Args)
		p.put(")")
	case *SQLValue:
		p.w(upper(e.Name))
		p.limitTo(e.Precision)
	case *Default:
		p.w("DEFAULT")
	case *CurrentOf:
		p.w("CURRENT OF")
		p.id(e.Cursor)
	}
}

func (p *printer) subquery(word string, q *Query) {
	p.w(word)
	p.open("(")
	p.query(q)
	p.put(")")
}

func (p *printer) constant(c *Const) {
	switch c.Kind {
	case NullConst:
		p.w("NULL")
	case StringConst:
		p.str(c.Text)
	case BitConst:
		p.w("B" + quoteString(c.Text))
	case HexConst:
		p.w("X" + quoteString(c.Text))
	default:
		p.w(c.Text)
	}
}

func (p *printer) column(c *ColumnRef) {
	var b strings.Builder
	for i, s := range c.Name {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(quoteIdent(s, unreserved))
	}
	switch {
	case c.Star && b.Len() > 0:
		b.WriteString(".*")
	case c.Star:
		b.WriteString("*")
	}
	p.w(b.String())
}

func (p *printer) indirection(e *Indirection) {
	bare := false
	switch e.X.(type) {
	case *Param, *Subquery:
		bare = true
	case *ColumnRef:
		bare = len(e.Steps) > 0 && e.Steps[0].Field == "" && !e.Steps[0].Star
	}
	if bare {
		p.expr(e.X)
	} else {
		p.enclosed(e.X)
	}
	p.steps(e.Steps)
}

func (p *printer) steps(steps []Step) {
	for _, s := range steps {
		switch {
		case s.Star:
			p.put(".*")
		case s.Field != "":
			p.put("." + quoteIdent(s.Field, unreserved))
		default:
			p.put("[")
			p.glued = true
			p.optExpr(s.Lower)
			if s.Slice {
				p.put(" :")
				p.optExpr(s.Upper)
			}
			p.put("]")
		}
	}
}

func (p *printer) optExpr(e Expr) {
	if e != nil {
		p.expr(e)
	}
}

func (p *printer) operator(o Operator) {
	if o.Schema == nil {
		p.w(o.Name)
		return
	}
	p.w("OPERATOR(" + quoteName(o.Schema) + "." + o.Name + ")")
}

// binary writes a chain a + b + c without going down its left side.
func (p *printer) binary(e *Binary) {
	var chain []*Binary
	var left Expr = e
	for {
		b, ok := left.(*Binary)
		if !ok || len(chain) > 0 && !chains(b, chain[len(chain)-1]) {
			break
		}
		chain = append(chain, b)
		left = b.L
	}
	p.leftOperand(left, opPower(chain[len(chain)-1].Op))
	for i := len(chain) - 1; i >= 0; i-- {
		b := chain[i]
		p.operator(b.Op)
		p.operand(b.R, opPower(b.Op)+1)
	}
}

// chains says whether l needs no parentheses as the left side of b.
func chains(l, b *Binary) bool {
	lp, bp := opPower(l.Op), opPower(b.Op)
	return lp > bp || lp == bp && bp != precCompare
}

// leftOperand writes the left side of an operator of the power at.
func (p *printer) leftOperand(e Expr, at int) {
	if at == precCompare {
		at++
	}
	p.operand(e, at)
}

func (p *printer) unary(u *Unary) {
	p.operator(u.Op)
	at := power(u) + 1
	if _, ok := u.X.(*Unary); ok {
		at--
	}
	p.operand(u.X, at)
}

func (p *printer) logic(l *Logic) {
	word, at := "AND", precAnd
	if l.Or {
		word, at = "OR", precOr
	}
	for i, a := range l.Args {
		if i > 0 {
			p.w(word)
		}
		p.operand(a, at+1)
	}
}

func not(yes bool) string {
	if yes {
		return "NOT"
	}
	return ""
}

func (p *printer) isTest(e Expr) {
	switch e := e.(type) {
	case *IsTest:
		p.operand(e.X, precIs+1)
		p.w("IS", not(e.Not))
		if e.Form != "" {
			p.w(upper(e.Form))
		}
		p.w([...]string{"NULL", "TRUE", "FALSE", "UNKNOWN", "DOCUMENT", "NORMALIZED"}[e.Kind])
	case *IsJSON:
		p.operand(e.X, precIs+1)
		p.w("IS", not(e.Not), "JSON", upper(e.Item))
		p.flag(e.Unique, "WITH UNIQUE KEYS")
	case *IsDistinct:
		p.operand(e.L, precIs+1)
		p.w("IS", not(e.Not), "DISTINCT FROM")
		p.operand(e.R, precIs+1)
	}
}

func (p *printer) between(e *Between) {
	p.operand(e.X, precBetween+1)
	p.w(not(e.Not), "BETWEEN")
	p.flag(e.Symmetric, "SYMMETRIC")
	p.restricted(e.Lo)
	p.w("AND")
	p.operand(e.Hi, precBetween+1)
}

func (p *printer) in(e *In) {
	p.operand(e.X, precBetween+1)
	p.w(not(e.Not))
	if e.Query != nil {
		p.subquery("IN", e.Query)
		return
	}
	p.w("IN")
	paren(p, e.List, p.expr)
}

func (p *printer) like(e *Like) {
	p.operand(e.X, precBetween+1)
	p.w(not(e.Not), [...]string{"LIKE", "ILIKE", "SIMILAR TO"}[e.Kind])
	p.operand(e.Pattern, precBetween+1)
	if e.Escape != nil {
		p.w("ESCAPE")
		p.operand(e.Escape, precBetween+1)
	}
}

func (p *printer) quantified(e *Quantified) {
	p.operand(e.X, opPower(e.Op)+1)
	p.operator(e.Op)
	word := "ANY"
	if e.All {
		word = "ALL"
	}
	if e.Query != nil {
		p.subquery(word, e.Query)
		return
	}
	p.w(word)
	p.enclosed(e.Array)
}

// arrayElems writes […]; arrays inside are written without the word.
func (p *printer) arrayElems(a *ArrayExpr) {
	p.put("[")
	p.glued = true
	nested := len(a.Elems) > 0
	for _, e := range a.Elems {
		_, ok := e.(*ArrayExpr)
		nested = nested && ok
	}
	commas(p, a.Elems, func(e Expr) {
		if nested {
			p.w(" ")
			p.arrayElems(e.(*ArrayExpr))
			return
		}
		p.expr(e)
	})
	p.put("]")
}

func (p *printer) row(r *Row) {
	if r.Explicit || len(r.Elems) < 2 {
		p.call("ROW")
	} else {
		p.open("(")
	}
	p.exprs(r.Elems)
	p.put(")")
}

func (p *printer) caseExpr(c *Case) {
	p.w("CASE")
	p.optExpr(c.X)
	for _, w := range c.Whens {
		p.w("WHEN")
		p.expr(w.Cond)
		p.w("THEN")
		p.expr(w.Then)
	}
	if c.Else != nil {
		p.w("ELSE")
		p.expr(c.Else)
	}
	p.w("END")
}
