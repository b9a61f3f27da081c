package expr

import (
	"hash/maphash"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

var hashSeed = maphash.MakeSeed()

// reads says what an expression depends on.
type reads struct {
	cols     []int // ascending
	volatile bool
	query    bool   // a subquery is part of it
	hash     uint64 // the same for all that Equal takes for the same
}

// compiler turns a tree into nodes. Subtrees of one value per execution are evaluated once, and the largest subtrees that
// read a single column are evaluated once per dictionary entry where that column is dictionary coded.
type compiler struct {
	x      *EvalCtx
	memo   map[Expr]reads
	steady bool // inside a subtree that is evaluated once
	single bool // inside a subtree that is evaluated per dictionary entry
	suite  *Suite
}

// leaf is the node of an expression without operands, nil: e is none.
func leaf(e Expr) node {
	switch n := e.(type) {
	case *Col:
		return colNode(n.Index)
	case *Const:
		return &constNode{val: n.Val}
	case *Param:
		return paramNode{n}
	case *Outer:
		return outerNode{n}
	}
	return nil
}

// isFlat reports whether all operands of an expression are leaves. Nothing in it can occur twice that is worth sharing.
func isFlat(e Expr) bool {
	for _, k := range e.Children() {
		switch k.(type) {
		case *Col, *Const, *Param, *Outer:
		default:
			return false
		}
	}
	return true
}

// reads finds what e depends on.
func (c *compiler) reads(e Expr) reads {
	switch n := e.(type) {
	case *Col:
		return reads{cols: []int{n.Index}, hash: uint64(n.Index)}
	case *Const:
		return reads{hash: maphash.Bytes(hashSeed, datum.AppendHashKey(nil, n.Typ, n.Val, 0))}
	case *Param, *Outer:
		return reads{}
	}
	if r, ok := c.memo[e]; ok {
		return r
	}
	r := reads{volatile: volatile(e), hash: uint64(e.Type().OID)}
	if fn := calledBy(e); fn != nil {
		r.hash = maphash.Comparable(hashSeed, fn)
	}
	if s, ok := e.(*Subquery); ok {
		if r.query = true; c.x.Subqueries != nil {
			r.add(c.x.Subqueries.OuterCols(s))
		}
	}
	for _, k := range e.Children() {
		kr := c.reads(k)
		r.add(kr.cols)
		r.volatile, r.query = r.volatile || kr.volatile, r.query || kr.query
		r.hash = maphash.Comparable(hashSeed, [2]uint64{r.hash, kr.hash})
	}
	if !isFlat(e) {
		if c.memo == nil {
			c.memo = map[Expr]reads{}
		}
		c.memo[e] = r
	}
	return r
}

func (r *reads) add(cols []int) {
	for _, i := range cols {
		if at, found := slices.BinarySearch(r.cols, i); !found {
			r.cols = slices.Insert(slices.Clone(r.cols), at, i)
		}
	}
}

// compile makes the node for e, wrapped where it can be evaluated less often than once per row.
func (c *compiler) compile(e Expr) node {
	if n := leaf(e); n != nil {
		return n
	}
	return c.suite.once(e, depth{c.steady, c.single}, func() node { return c.seldom(e) })
}

// seldom makes the node for an expression with operands.
func (c *compiler) seldom(e Expr) node {
	r := c.reads(e)
	switch {
	case r.volatile:
	case len(r.cols) == 0 && !c.steady:
		inner := *c
		inner.steady = true
		return &onceNode{inner: inner.build(e), kind: kindOf(e.Type())}
	case len(r.cols) == 1 && !c.single && !hasRow(e):
		inner := *c
		inner.single = true
		return &dictNode{inner: inner.build(e), col: r.cols[0]}
	}
	return c.build(e)
}

// hasRow reports whether the result is a row value: those are kept flat.
func hasRow(e Expr) bool {
	_, row := e.(*Row)
	return row || kindOf(e.Type()) == vec.Struct
}

func (c *compiler) cond(e Expr) cond {
	return cond{node: c.compile(e), suite: c.suite, cols: c.reads(e).cols, safe: CannotFail(e)}
}

func (c *compiler) all(list []Expr) []node {
	out := make([]node, len(list))
	for i, e := range list {
		out[i] = c.compile(e)
	}
	return out
}

func (c *compiler) conds(list []Expr) []cond {
	out := make([]cond, len(list))
	for i, e := range list {
		out[i] = c.cond(e)
	}
	return out
}

// build makes the node for e itself.
func (c *compiler) build(e Expr) node {
	switch n := e.(type) {
	case *Call:
		return &callNode{fn: n.Fn, args: c.all(n.Args), types: typesOf(n.Args), kind: kindOf(n.Typ)}
	case *Cast:
		return c.cast(n)
	case *And:
		return &logicNode{args: c.conds(n.Args)}
	case *Or:
		return &logicNode{args: c.conds(n.Args), or: true}
	case *Not:
		return &notNode{c.compile(n.Arg)}
	case *IsNull:
		return &isNullNode{arg: c.compile(n.Arg), not: n.Not}
	case *BoolTest:
		return &boolTestNode{arg: c.compile(n.Arg), want: n.Want, not: n.Not}
	case *Distinct:
		return &distinctNode{left: c.compile(n.Left), right: c.compile(n.Right), typ: n.Left.Type(), not: n.Not}
	case *Case:
		return c.caseOf(n)
	case *Coalesce:
		return &coalesceNode{args: c.conds(n.Args), kind: kindOf(n.Typ)}
	case *MinMax:
		return &minMaxNode{args: c.all(n.Args), max: n.Max, typ: n.Typ}
	case *NullIf:
		return &nullIfNode{arg: c.compile(n.Arg), eq: c.compile(n.Eq)}
	case *In:
		return c.in(n)
	case *AnyAll:
		return c.anyAll(n)
	case *Array:
		nested := len(n.Elems) > 0 && datum.Lookup(n.Elems[0].Type().OID) != nil && datum.Lookup(n.Elems[0].Type().OID).IsArray()
		return &arrayNode{elems: c.all(n.Elems), typ: n.Typ, nested: nested}
	case *Row:
		return &rowNode{elems: c.all(n.Elems)}
	case *Field:
		return &fieldNode{arg: c.compile(n.Arg), typ: n.Arg.Type(), index: n.Index, kind: kindOf(n.Typ)}
	case *Subscript:
		return c.subscript(n)
	case *Assign:
		return c.assign(n)
	case *Subquery:
		return c.subquery(n)
	case *Apply:
		return &applyNode{args: c.all(n.Args), body: Compile(n.Body, c.x)}
	}
	return c.compile(e)
}

// safeCall knows the functions that cannot fail: comparisons.
func safeCall(fn *funcs.Func) bool {
	switch fn.Name {
	case "=", "<>", "<", "<=", ">", ">=":
		return fn.Strict && fn.Volatile == funcs.Immutable
	}
	return false
}
