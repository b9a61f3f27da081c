package datum

import (
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec/decimal"
)

// maxPathDepth bounds how deep a path may nest.
const maxPathDepth = 500

// pathParser reads an SQL/JSON path by recursive descent; nodes know whether they are predicates, which may stand in some
// places only.
type pathParser struct {
	lex    pathLexer
	tok    pathToken
	err    error
	depth  int
	filter int // how many filters the place is inside of: there @ may stand
	subs   int // how many subscripts: there last may stand
}

// ParsePath reads an SQL/JSON path.
func ParsePath(s string) (*Path, error) {
	p := &pathParser{lex: pathLexer{s: s}}
	p.advance()
	if p.tok.kind == ptEnd && p.lex.err == nil {
		return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", "jsonpath", s)
	}
	path := &Path{}
	switch p.word() {
	case "strict":
		path.Strict = true
		p.advance()
	case "lax":
		p.advance()
	}
	path.Root = p.or()
	if p.tok.kind != ptEnd {
		p.unexpected()
	}
	if p.lex.err != nil {
		return nil, p.lex.err
	}
	return path, p.err
}

func (p *pathParser) advance() { p.tok = p.lex.next() }

func (p *pathParser) failWith(err error) {
	if p.err == nil {
		p.err = err
	}
	p.tok = pathToken{}
	p.lex.i = len(p.lex.s)
}

func (p *pathParser) unexpected() {
	if p.tok.kind == ptEnd {
		p.failWith(pathError("syntax error at end of jsonpath input"))
		return
	}
	p.failWith(pathError("syntax error at or near \"%s\" of jsonpath input", p.tok.text))
}

// word is the keyword that comes next: in small letters whatever its case, but for true, false and null.
func (p *pathParser) word() string {
	if p.tok.kind != ptWord {
		return ""
	}
	switch w := strings.ToLower(p.tok.text); w {
	case "true", "false", "null":
		return p.tok.text
	default:
		return w
	}
}

func (p *pathParser) is(symbol string) bool { return p.tok.kind == ptSymbol && p.tok.text == symbol }

func (p *pathParser) accept(symbol string) bool {
	if p.is(symbol) {
		p.advance()
		return true
	}
	return false
}

func (p *pathParser) expect(symbol string) {
	if !p.accept(symbol) {
		p.unexpected()
	}
}

func (p *pathParser) enter() bool {
	if p.depth++; p.depth > maxPathDepth {
		p.failWith(pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded"))
	}
	return p.err == nil && p.lex.err == nil
}

// noPath stands for what could not be read.
func noPath() *PathNode { return &PathNode{} }

// want refuses a predicate where an expression must stand, or the other way round.
func (p *pathParser) want(n *PathNode, predicate bool) *PathNode {
	if n.predicate != predicate {
		p.unexpected()
	}
	return n
}

func (p *pathParser) or() *PathNode {
	n := p.and()
	for p.is("||") {
		p.advance()
		n = &PathNode{Op: PathOr, Left: p.want(n, true), Right: p.want(p.and(), true), predicate: true}
	}
	return n
}

func (p *pathParser) and() *PathNode {
	n := p.test()
	for p.is("&&") {
		p.advance()
		n = &PathNode{Op: PathAnd, Left: p.want(n, true), Right: p.want(p.test(), true), predicate: true}
	}
	return n
}

var pathComparisons = map[string]PathOp{"==": PathEqual, "!=": PathNotEqual, "<>": PathNotEqual, "<": PathLess, ">": PathGreater,
	"<=": PathLessEqual, ">=": PathGreaterEqual}

// test is a predicate that is no AND or OR, or an expression.
func (p *pathParser) test() *PathNode {
	if !p.enter() {
		return noPath()
	}
	defer func() { p.depth-- }()
	if p.accept("!") {
		if !p.is("(") && p.word() != "exists" {
			p.unexpected()
			return noPath()
		}
		return &PathNode{Op: PathNot, Left: p.want(p.operand(), true), predicate: true}
	}
	n := p.sum()
	if op, ok := pathComparisons[p.tok.text]; ok && p.tok.kind == ptSymbol {
		p.advance()
		return &PathNode{Op: op, Left: p.want(n, false), Right: p.want(p.sum(), false), predicate: true}
	}
	switch p.word() {
	case "starts":
		p.advance()
		if p.word() != "with" {
			p.unexpected()
			return noPath()
		}
		p.advance()
		out := &PathNode{Op: PathStartsWith, Left: p.want(n, false), predicate: true}
		switch p.tok.kind {
		case ptString:
			out.Right = &PathNode{Op: PathString, Text: p.tok.text}
		case ptVariable:
			out.Right = &PathNode{Op: PathVariable, Text: p.tok.text}
		default:
			p.unexpected()
		}
		p.advance()
		return out
	case "like_regex":
		return p.likeRegex(p.want(n, false))
	}
	return n
}

func (p *pathParser) likeRegex(n *PathNode) *PathNode {
	p.advance()
	out := &PathNode{Op: PathLikeRegex, Left: n, Text: p.tok.text, predicate: true}
	if p.tok.kind != ptString {
		p.unexpected()
	}
	p.advance()
	if p.word() != "flag" {
		return out
	}
	p.advance()
	if p.tok.kind != ptString {
		p.unexpected()
	}
	for _, c := range p.tok.text {
		if !strings.ContainsRune("ismxq", c) {
			p.failWith(pathError("invalid input syntax for type jsonpath").WithDetail("Unrecognized flag character \"%c\" in LIKE_REGEX predicate.", c))
			return out
		}
	}
	for _, c := range "ismxq" {
		if strings.ContainsRune(p.tok.text, c) {
			out.Flags += string(c)
		}
	}
	if strings.Contains(out.Flags, "x") && !strings.Contains(out.Flags, "q") {
		p.failWith(pgerr.New(pgerr.FeatureNotSupported, "XQuery \"x\" flag (expanded regular expressions) is not implemented"))
	}
	p.advance()
	return out
}

func (p *pathParser) binary(next func() *PathNode, ops ...PathOp) *PathNode {
	n := next()
	for p.err == nil {
		at := slices.IndexFunc(ops, func(o PathOp) bool { return p.is(o.Symbol()) })
		if at < 0 {
			return n
		}
		p.advance()
		n = &PathNode{Op: ops[at], Left: p.want(n, false), Right: p.want(next(), false)}
	}
	return n
}

func (p *pathParser) sum() *PathNode     { return p.binary(p.product, PathAdd, PathSub) }
func (p *pathParser) product() *PathNode { return p.binary(p.unary, PathMul, PathDiv, PathMod) }

func (p *pathParser) unary() *PathNode {
	if !p.enter() {
		return noPath()
	}
	defer func() { p.depth-- }()
	minus := p.is("-")
	if !minus && !p.is("+") {
		return p.operand()
	}
	p.advance()
	arg := p.want(p.unary(), false)
	switch {
	case arg.Op == PathNumber && arg.Next == nil && minus:
		return &PathNode{Op: PathNumber, Num: arg.Num.Neg()}
	case arg.Op == PathNumber && arg.Next == nil:
		return arg
	case minus:
		return &PathNode{Op: PathMinus, Left: arg}
	}
	return &PathNode{Op: PathPlus, Left: arg}
}

// operand is a value with its steps, something in brackets, or exists().
func (p *pathParser) operand() *PathNode {
	if p.word() == "exists" {
		p.advance()
		p.expect("(")
		n := &PathNode{Op: PathExists, Left: p.want(p.or(), false), predicate: true}
		p.expect(")")
		return n
	}
	if !p.is("(") {
		return p.steps(p.primary())
	}
	p.advance()
	n := p.or()
	p.expect(")")
	if n.predicate && p.word() == "is" {
		p.advance()
		if p.word() != "unknown" {
			p.unexpected()
			return noPath()
		}
		p.advance()
		return &PathNode{Op: PathIsUnknown, Left: n, predicate: true}
	}
	if !p.is(".") && !p.is("[") && !p.is("?") && p.tok.kind != ptNumber {
		return n
	}
	// Steps may follow brackets: a predicate becomes a value by that.
	out := *n
	out.predicate = false
	return p.steps(&out)
}

func (p *pathParser) primary() *PathNode {
	n := &PathNode{Text: p.tok.text}
	switch p.tok.kind {
	case ptString:
		n.Op = PathString
	case ptVariable:
		n.Op = PathVariable
	case ptNumber:
		return p.numeric()
	case ptSymbol:
		switch {
		case p.tok.text == "$":
			n.Op = PathRoot
		case p.tok.text != "@":
			p.unexpected()
			return noPath()
		case p.filter == 0:
			p.failWith(pathError("@ is not allowed in root expressions"))
			return noPath()
		default:
			n.Op = PathCurrent
		}
	default:
		switch p.word() {
		case "null":
			n.Op = PathNull
		case "true":
			n.Op = PathTrue
		case "false":
			n.Op = PathFalse
		case "last":
			if n.Op = PathLast; p.subs == 0 {
				p.failWith(pathError("LAST is allowed only in array subscripts"))
				return noPath()
			}
		default:
			p.unexpected()
			return noPath()
		}
	}
	p.advance()
	return n
}

func (p *pathParser) numeric() *PathNode {
	text := strings.TrimSuffix(p.tok.text, ".")
	text = strings.Replace(strings.Replace(text, ".e", "e", 1), ".E", "e", 1)
	d, err := decimal.Parse(text)
	if err != nil {
		p.failWith(pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format"))
		return noPath()
	}
	p.advance()
	return &PathNode{Op: PathNumber, Num: d}
}

// steps reads what is applied to n.
func (p *pathParser) steps(n *PathNode) *PathNode {
	tail := n
	for tail.Next != nil {
		tail = tail.Next
	}
	for p.err == nil {
		var s *PathNode
		switch {
		case p.accept("?"):
			p.expect("(")
			p.filter++
			s = &PathNode{Op: PathFilter, Left: p.want(p.or(), true)}
			p.filter--
			p.expect(")")
		case p.is("["):
			s = p.subscripts()
		case p.accept("."):
			s = p.member()
		default:
			return n
		}
		tail.Next = s
		tail = s
	}
	return n
}

func (p *pathParser) subscripts() *PathNode {
	p.advance()
	if p.accept("*") {
		p.expect("]")
		return &PathNode{Op: PathAnyElem}
	}
	n := &PathNode{Op: PathIndex}
	p.subs++
	for p.err == nil {
		sub := [2]*PathNode{p.want(p.sum(), false)}
		if p.word() == "to" {
			p.advance()
			sub[1] = p.want(p.sum(), false)
		}
		n.Subs = append(n.Subs, sub)
		if !p.accept(",") {
			break
		}
	}
	p.subs--
	p.expect("]")
	return n
}

// member reads what follows a point: a key, a wildcard or a method.
func (p *pathParser) member() *PathNode {
	switch {
	case p.accept("*"):
		return &PathNode{Op: PathAnyKey}
	case p.accept("**"):
		return p.anyLevels()
	case p.tok.kind == ptString:
		n := &PathNode{Op: PathKey, Text: p.tok.text}
		p.advance()
		return n
	case p.tok.kind != ptWord:
		p.unexpected()
		return noPath()
	}
	text, method := p.tok.text, strings.ToLower(p.tok.text)
	p.advance()
	known := slices.Contains([]string{"abs", "size", "type", "floor", "double", "ceiling", "keyvalue", "datetime"}, method)
	if !known || !p.is("(") {
		return &PathNode{Op: PathKey, Text: text}
	}
	p.advance()
	n := &PathNode{Op: PathMethod, Text: method}
	if method == "datetime" && p.tok.kind == ptString {
		n.Left = &PathNode{Op: PathString, Text: p.tok.text}
		p.advance()
	}
	p.expect(")")
	return n
}

func (p *pathParser) anyLevels() *PathNode {
	n := &PathNode{Op: PathAny, Last: PathDeepest}
	if !p.accept("{") {
		return n
	}
	n.First = p.level()
	n.Last = n.First
	if p.word() == "to" {
		p.advance()
		n.Last = p.level()
	}
	p.expect("}")
	return n
}

func (p *pathParser) level() uint32 {
	if p.word() == "last" {
		p.advance()
		return PathDeepest
	}
	v, err := strconv.ParseInt(p.tok.text, 10, 32)
	if p.tok.kind != ptNumber || err != nil {
		p.unexpected()
	}
	p.advance()
	return uint32(v)
}
