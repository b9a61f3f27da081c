package syntax

import (
	"strconv"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// typeName reads a type.
func (p *parser) typeName() *TypeName {
	at := p.at()
	setOf := p.accept("setof")
	t := p.simpleType()
	t.At, t.SetOf = at, setOf
	if p.accept("array") {
		n := -1
		if p.acceptTok('[') {
			n = p.integer()
			p.expectTok(']')
		}
		t.Bounds = []int{n}
		return t
	}
	for p.acceptTok('[') {
		n := -1
		if p.tok.kind != ']' {
			n = p.integer()
		}
		p.expectTok(']')
		t.Bounds = append(t.Bounds, n)
	}
	return t
}

// integer reads an integer that fits int32.
func (p *parser) integer() int {
	if p.tok.kind != tInt {
		p.unexpected()
	}
	n, _ := strconv.Atoi(p.word())
	return n
}

// simpleTypes are the types with a keyword of their own and nothing special about them.
var simpleTypes = map[string]string{
	"int": "int4", "integer": "int4", "smallint": "int2", "bigint": "int8", "real": "float4", "boolean": "bool",
	"dec": "numeric", "decimal": "numeric", "numeric": "numeric",
}

// simpleType reads a type without SETOF and array bounds.
func (p *parser) simpleType() *TypeName {
	at := p.at()
	if p.tok.class == colName {
		if n, ok := simpleTypes[p.tok.text]; ok {
			p.advance()
			t := &TypeName{At: at, Name: pgName(n)}
			if n == "numeric" {
				t.Mods = p.typeMods()
			}
			return t
		}
		switch p.tok.text {
		case "float":
			return p.floatType()
		case "bit", "char", "character", "varchar", "national", "nchar":
			return p.stringType(false)
		case "time", "timestamp":
			return p.timeType()
		case "interval":
			return p.intervalType()
		}
	}
	if p.is("double") {
		if t := p.peek(1); t.is("precision") {
			p.expect("double", "precision")
			return &TypeName{At: at, Name: pgName("float8")}
		}
	}
	return p.genericType()
}

// genericType reads a type that is only a name.
func (p *parser) genericType() *TypeName {
	t := &TypeName{At: p.at()}
	qualified := p.peek(1)
	if !p.tok.isTypeFunc() && (qualified.kind != '.' || !p.tok.isColID()) {
		p.unexpected()
	}
	t.Name = Name{p.word()}
	for p.acceptTok('.') {
		t.Name = append(t.Name, p.label())
	}
	if next := p.peek(1); p.tok.kind == '%' && next.is("type") {
		p.advance()
		p.advance()
		t.PctOf = true
		return t
	}
	t.Mods = p.typeMods()
	return t
}

// typeMods reads (10, 2), if it is there.
func (p *parser) typeMods() []Expr {
	if p.tok.kind != '(' {
		return nil
	}
	return parens(p, p.expr)
}

// typeLength reads (n).
func (p *parser) typeLength() int {
	p.expectTok('(')
	n := p.integer()
	p.expectTok(')')
	return n
}

func (p *parser) floatType() *TypeName {
	t := &TypeName{At: p.at(), Name: pgName("float8")}
	p.advance()
	if p.tok.kind != '(' {
		return t
	}
	pos := p.peek(1).pos
	switch n := p.typeLength(); {
	case n < 1:
		p.fail(pos, pgerr.InvalidParameterValue, "precision for type float must be at least 1 bit")
	case n > 53:
		p.fail(pos, pgerr.InvalidParameterValue, "precision for type float must be less than 54 bits")
	case n <= 24:
		t.Name = pgName("float4")
	}
	return t
}

// stringType reads BIT and CHARACTER types. In literals, char without a length is of any length.
func (p *parser) stringType(literal bool) *TypeName {
	t := &TypeName{At: p.at()}
	word := p.word()
	if word == "national" {
		if word = p.tok.text; !p.isAny("char", "character") {
			p.unexpected()
		}
		p.advance()
	}
	fixed := word != "varchar" && !p.accept("varying")
	switch {
	case word == "bit" && fixed:
		t.Name = pgName("bit")
	case word == "bit":
		t.Name = pgName("varbit")
	case fixed:
		t.Name = pgName("bpchar")
	default:
		t.Name = pgName("varchar")
	}
	switch {
	case word == "bit":
		t.Mods = p.typeMods()
	case p.tok.kind == '(':
		at := At{p.peek(1).pos}
		t.Mods = []Expr{&Const{at, IntConst, strconv.Itoa(p.typeLength())}}
	}
	if t.Mods == nil && fixed && !literal {
		t.Mods = []Expr{&Const{At{-1}, IntConst, "1"}}
	}
	return t
}

func (p *parser) timeType() *TypeName {
	t := &TypeName{At: p.at()}
	name := p.word()
	if p.tok.kind == '(' {
		at := At{p.peek(1).pos}
		t.Mods = []Expr{&Const{at, IntConst, strconv.Itoa(p.typeLength())}}
	}
	if p.accept("with", "time", "zone") {
		name += "tz"
	} else {
		p.accept("without", "time", "zone")
	}
	t.Name = pgName(name)
	return t
}

func (p *parser) intervalType() *TypeName {
	t := &TypeName{At: p.at(), Name: pgName("interval")}
	p.advance()
	if p.tok.kind == '(' {
		at := At{p.peek(1).pos}
		t.Mods = []Expr{&Const{at, IntConst, strconv.Itoa(p.typeLength())}}
		return t
	}
	p.intervalFields(t)
	return t
}

// intervalEnds says what may follow TO after each field.
var intervalEnds = map[string][]string{
	"year": {"month"}, "month": nil, "day": {"hour", "minute", "second"}, "hour": {"minute", "second"},
	"minute": {"second"}, "second": nil,
}

// intervalFields reads DAY TO SECOND(3) and the like, if it is there.
func (p *parser) intervalFields(t *TypeName) {
	ends, ok := intervalEnds[p.tok.text]
	if !ok || p.tok.class != unreserved {
		return
	}
	t.Fields = p.word()
	last := t.Fields
	if p.is("to") && len(ends) > 0 {
		if next := p.peek(1); !next.isAny(ends) {
			p.unexpectedAt(next)
		}
		p.advance()
		last = p.word()
		t.Fields += " to " + last
	}
	if last == "second" && p.tok.kind == '(' {
		at := At{p.peek(1).pos}
		t.Mods = []Expr{&Const{at, IntConst, strconv.Itoa(p.typeLength())}}
	}
}

func (t *token) isAny(words []string) bool {
	for _, w := range words {
		if t.is(w) {
			return true
		}
	}
	return false
}

// atTypeLiteral says whether a literal of one of the grammar's own types begins here: date is not among them.
func (p *parser) atTypeLiteral() bool {
	next := p.peek(1)
	switch p.tok.text {
	case "int", "integer", "smallint", "bigint", "real", "boolean":
		return next.kind == tString
	case "dec", "decimal", "numeric", "float", "varchar", "interval":
		return next.kind == tString || next.kind == '('
	case "bit", "char", "character", "nchar":
		return next.kind == tString || next.kind == '(' || next.is("varying")
	case "national":
		return next.is("char") || next.is("character")
	case "time", "timestamp":
		return next.kind == tString || next.kind == '(' || next.is("with") || next.is("without")
	}
	return false
}

// typedLiteral reads type 'literal'; an interval may have its fields behind it.
func (p *parser) typedLiteral() Expr {
	at := p.at()
	var t *TypeName
	switch {
	case p.is("interval"):
		t = &TypeName{At: at, Name: pgName("interval")}
		p.advance()
		if p.tok.kind == '(' {
			mod := At{p.peek(1).pos}
			t.Mods = []Expr{&Const{mod, IntConst, strconv.Itoa(p.typeLength())}}
		}
		c := p.stringConst()
		if t.Mods == nil {
			p.intervalFields(t)
		}
		return &Cast{at, c, t}
	case p.isAny("bit", "char", "character", "varchar", "national", "nchar"):
		t = p.stringType(true)
	default:
		t = p.simpleType()
	}
	return &Cast{at, p.stringConst(), t}
}
