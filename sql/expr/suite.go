package expr

import (
	"github.com/allsource-db/allsource/vec"
)

// Suite compiles expressions that are evaluated over the same batches, by one goroutine. What occurs in them more than once and
// gives the same each time is computed once per batch.
type Suite struct {
	x      *EvalCtx
	list   []Expr                  // not counted yet
	alike  map[uint64][]*occurring // by hash
	shared map[Expr]*occurring     // of the expressions that occur more than once
	parts  []part                  // batches that are being evaluated, of others' rows
}

// occurring is one computation, wherever it stands.
type occurring struct {
	e     Expr // where it stands first
	nodes map[depth]*sharedNode
}

// depth says under what an expression is compiled, which decides what is made of it.
type depth struct{ steady, single bool }

// part is some rows of a batch.
type part struct {
	of, whole *vec.Batch
	rows      []int32
}

// NewSuite makes an empty one.
func NewSuite(x *EvalCtx) *Suite { return &Suite{x: x} }

// Compile makes e ready to run; a nil e is a condition that is always true.
func (s *Suite) Compile(e Expr) *Program {
	p := s.program(e)
	return &p
}

func (s *Suite) program(e Expr) Program {
	root := leaf(e)
	if e != nil && root == nil {
		s.list = append(s.list, e)
	}
	return Program{suite: s, x: s.x, e: e, root: root}
}

// CompileAll compiles a list.
func (s *Suite) CompileAll(list []Expr) []*Program {
	all, out := make([]Program, len(list)), make([]*Program, len(list))
	for i, e := range list {
		all[i] = s.program(e)
		out[i] = &all[i]
	}
	return out
}

// compiler begins to compile; all expressions of the suite should be known.
func (s *Suite) compiler() *compiler {
	c := &compiler{x: s.x, suite: s}
	if len(s.list) > 1 || s.alike != nil || len(s.list) == 1 && !isFlat(s.list[0]) {
		for _, e := range s.list {
			s.count(c, e)
		}
	}
	s.list = nil
	return c
}

// count notes what e and its operands are; what is computed elsewhere already has no operands to compute.
func (s *Suite) count(c *compiler, e Expr) {
	if leaf(e) != nil || s.shared[e] != nil {
		return
	}
	if r := c.reads(e); !r.volatile && !r.query {
		for _, o := range s.alike[r.hash] {
			if Equal(o.e, e) {
				s.shared[o.e], s.shared[e] = o, o
				return
			}
		}
		if s.alike == nil {
			s.alike, s.shared = map[uint64][]*occurring{}, map[Expr]*occurring{}
		}
		s.alike[r.hash] = append(s.alike[r.hash], &occurring{e: e})
	}
	for _, k := range e.Children() {
		s.count(c, k)
	}
}

// once wraps the node of an expression that occurs more than once.
func (s *Suite) once(e Expr, at depth, compile func() node) node {
	o := s.shared[e]
	if o == nil {
		return compile()
	}
	if o.nodes == nil {
		o.nodes = map[depth]*sharedNode{}
	}
	if o.nodes[at] == nil {
		o.nodes[at] = &sharedNode{suite: s, inner: compile()}
	}
	return o.nodes[at]
}

// evalSome evaluates c for some rows of b.
func (s *Suite) evalSome(c *cond, b *vec.Batch, rows []int32) (*vec.Column, error) {
	some := takeCols(b, c.cols, rows)
	s.parts = append(s.parts, part{of: some, whole: b, rows: rows})
	v, err := evalParts(c, s.x, some)
	s.parts = s.parts[:len(s.parts)-1]
	return v, err
}

// sharedNode remembers its answer about the last batch. Rows of that are not computed again either.
type sharedNode struct {
	suite *Suite
	inner node

	b   *vec.Batch
	out *vec.Column
	err error
}

func (n *sharedNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	if n.b == b {
		return n.out, n.err
	}
	if v := n.known(b, len(n.suite.parts)); v != nil {
		return v, nil
	}
	n.b = b
	n.out, n.err = n.inner.eval(x, b)
	return n.out, n.err
}

// known finds the values of b's rows among those of the batch that they are taken from.
func (n *sharedNode) known(b *vec.Batch, depth int) *vec.Column {
	for i := depth - 1; i >= 0; i-- {
		p := n.suite.parts[i]
		switch {
		case p.of != b:
		case n.b == p.whole && n.err == nil:
			return n.out.Take(p.rows)
		default:
			if v := n.known(p.whole, i); v != nil {
				return v.Take(p.rows)
			}
			return nil
		}
	}
	return nil
}
