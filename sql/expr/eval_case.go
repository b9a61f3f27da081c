package expr

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// piece is the values of some rows of a result: row k of col is row rows[k] of the result. rows nil: all of them.
type piece struct {
	col  *vec.Column
	rows []int32
}

// merge puts pieces together that cover rows [0, n) once each. Rows that no piece covers are null.
func merge(kind vec.Kind, n int, pieces []piece) *vec.Column {
	if len(pieces) == 1 && pieces[0].rows == nil {
		return pieces[0].col
	}
	if c := mergeConst(kind, n, pieces); c != nil {
		return c
	}
	which := make([]int32, n)
	at := make([]int32, n)
	for i := range which {
		which[i] = -1
	}
	for p, pc := range pieces {
		for k, r := range pc.rows {
			which[r], at[r] = int32(p), int32(k)
		}
	}
	b := newKindBuilder(kind, n, pieces)
	for i := range n {
		if which[i] < 0 || pieces[which[i]].col.Kind != kind { // an untyped null
			b.AppendNull()
			continue
		}
		b.AppendFrom(pieces[which[i]].col, int(at[i]))
	}
	return b.Finish()
}

// mergeConst makes a dictionary of pieces that hold one value each, or gives nil.
func mergeConst(kind vec.Kind, n int, pieces []piece) *vec.Column {
	if kind != vec.Bytes {
		return nil
	}
	d := vec.NewBuilder(kind, len(pieces)+1)
	codes := make([]int32, n)
	for i := range codes {
		codes[i] = int32(len(pieces))
	}
	for p, pc := range pieces {
		if !pc.col.IsConst() || pc.rows == nil || pc.col.Valid != nil {
			return nil
		}
		if pc.col.Kind == kind {
			d.AppendFrom(pc.col.Dict, 0)
		} else {
			d.AppendNull()
		}
		for _, r := range pc.rows {
			codes[r] = int32(p)
		}
	}
	d.AppendNull()
	return &vec.Column{Kind: kind, Len: n, Codes: codes, Dict: d.Finish()}
}

// newKindBuilder returns a builder whose nested shape follows the first piece that has one.
func newKindBuilder(kind vec.Kind, n int, pieces []piece) *vec.Builder {
	for _, p := range pieces {
		c := p.col
		if c.Codes != nil {
			c = c.Dict
		}
		if kind == vec.List && c.Kind == kind && c.Child != nil {
			return vec.NewListBuilder(c.Child.Kind, n)
		}
		if kind == vec.Struct && c.Kind == kind {
			kinds := make([]vec.Kind, len(c.Fields))
			for i, f := range c.Fields {
				kinds[i] = f.Kind
			}
			return vec.NewStructBuilder(kinds, n)
		}
	}
	return vec.NewBuilder(kind, n)
}

// pick gives the rows of list at the places at; a nil list is all rows.
func pick(list, at []int32) []int32 {
	if list == nil {
		return at
	}
	out := make([]int32, len(at))
	for k, i := range at {
		out[k] = list[i]
	}
	return out
}

// rest gives the rows of list (nil: all of n) whose place is not in at, which ascends.
func rest(list, at []int32, n int) []int32 {
	if list != nil {
		n = len(list)
	}
	out := make([]int32, 0, n-len(at))
	k := 0
	for i := range n {
		if k < len(at) && int(at[k]) == i {
			k++
			continue
		}
		if list == nil {
			out = append(out, int32(i))
		} else {
			out = append(out, list[i])
		}
	}
	return out
}

// on evaluates c for some rows of b, nil for all.
func (c *cond) on(x *EvalCtx, b *vec.Batch, rows []int32) (*vec.Column, error) {
	if rows == nil {
		return c.eval(x, b)
	}
	return c.suite.evalSome(c, b, rows)
}

// caseNode evaluates each condition for the rows that no arm before took, and each result for the rows of its arm.
type caseNode struct {
	conds, thens []cond
	other        cond
	kind         vec.Kind
}

func (c *compiler) caseOf(e *Case) node {
	n := &caseNode{other: c.cond(e.Else), kind: kindOf(e.Typ)}
	for _, w := range e.Whens {
		n.conds = append(n.conds, c.cond(w.Cond))
		n.thens = append(n.thens, c.cond(w.Then))
	}
	return n
}

func (n *caseNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	var pieces []piece
	var open []int32 // nil: all
	for i := range n.conds {
		if open != nil && len(open) == 0 {
			break
		}
		v, err := n.conds[i].on(x, b, open)
		if err != nil {
			return nil, err
		}
		at := v.Truth().Indices(nil, v.Len)
		if len(at) == 0 {
			continue
		}
		rows := pick(open, at)
		if open == nil && len(at) == b.Len {
			return n.thens[i].eval(x, b)
		}
		res, err := n.thens[i].on(x, b, rows)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{res, rows})
		open = rest(open, at, b.Len)
	}
	if open == nil || len(open) > 0 {
		res, err := n.other.on(x, b, open)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{res, open})
	}
	return merge(n.kind, b.Len, pieces), nil
}

// coalesceNode evaluates each operand for the rows in which those before it were null.
type coalesceNode struct {
	args []cond
	kind vec.Kind
}

func (n *coalesceNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	var pieces []piece
	var open []int32
	for i := range n.args {
		if open != nil && len(open) == 0 {
			break
		}
		v, err := n.args[i].on(x, b, open)
		if err != nil {
			return nil, err
		}
		if !v.HasNulls() || i == len(n.args)-1 {
			pieces = append(pieces, piece{v, open})
			break
		}
		var some []int32 // places that are not null
		for k := range v.Len {
			if !v.Null(k) {
				some = append(some, int32(k))
			}
		}
		if len(some) == v.Len {
			pieces = append(pieces, piece{v, open})
			break
		}
		if len(some) > 0 {
			pieces = append(pieces, piece{v.Take(some), pick(open, some)})
		}
		open = rest(open, some, b.Len)
	}
	return merge(n.kind, b.Len, pieces), nil
}

// minMaxNode is LEAST and GREATEST: nulls do not count.
type minMaxNode struct {
	args []node
	max  bool
	typ  datum.Type
}

func (n *minMaxNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	cols, err := evalAll(x, n.args, b)
	if err != nil {
		return nil, err
	}
	out := newBuilder(n.typ, b.Len)
	for i := range b.Len {
		var best *vec.Column
		for _, c := range cols {
			if c.Null(i) {
				continue
			}
			if best != nil {
				if d := compare(n.typ, c, i, best, i); d == 0 || d > 0 != n.max {
					continue
				}
			}
			best = c
		}
		if best == nil {
			out.AppendNull()
		} else {
			out.AppendFrom(best, i)
		}
	}
	return out.Finish(), nil
}

func evalAll(x *EvalCtx, nodes []node, b *vec.Batch) ([]*vec.Column, error) {
	cols := make([]*vec.Column, len(nodes))
	for i, a := range nodes {
		c, err := a.eval(x, b)
		if err != nil {
			return nil, err
		}
		cols[i] = c
	}
	return cols, nil
}

type nullIfNode struct{ arg, eq node }

func (n *nullIfNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	eq, err := n.eq.eval(x, b)
	if err != nil {
		return nil, err
	}
	yes, _ := truth(eq)
	if yes.Count(b.Len) == 0 {
		return v, nil
	}
	keep := vec.NewBitmap(b.Len)
	for w := range keep {
		keep[w] = ^yes[w]
	}
	return masked(v, keep), nil
}
