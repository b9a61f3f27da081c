package ddl

import (
	"slices"
	"strconv"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// expression checks an expression of a definition and gives it as it is stored. rel has the columns that it may name; nil: none.
func (p *planner) expression(x syntax.Expr, rel *catalog.Relation, place bind.Place) (catalog.Expression, expr.Expr, error) {
	e, err := bind.Definition(p.bound(), rel, x, place)
	if err != nil {
		return catalog.Expression{}, nil, err
	}
	out, err := p.stored(x)
	return out, e, err
}

// stored writes an expression so that it means the same under any search path and after objects have got other names.
func (p *planner) stored(x syntax.Expr) (catalog.Expression, error) {
	own, err := syntax.ParseExpr(syntax.Format(x))
	if err != nil {
		return catalog.Expression{}, err
	}
	s := &spelling{p: p}
	syntax.Walk(own, s.visit)
	if s.err != nil {
		return catalog.Expression{}, s.err
	}
	return catalog.Expression{Text: syntax.Format(own), Uses: s.uses}, nil
}

// spelling rewrites names in a tree.
type spelling struct {
	p    *planner
	uses []datum.OID
	err  error
	// query: columns are named with their tables
	query bool
}

func (s *spelling) visit(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.ColumnRef:
		if len(n.Name) > 1 && !n.Star && !s.query {
			n.Name = n.Name[len(n.Name)-1:]
		}
	case *syntax.FuncCall:
		if len(n.Args) > 0 && slices.Contains([]string{"nextval", "currval", "setval"}, n.Name.Last()) {
			s.number(n.Args[0].Expr)
			if c, ok := n.Args[0].Expr.(*syntax.Const); ok {
				n.Args[0].Expr = &syntax.Cast{At: n.At, X: c, Type: &syntax.TypeName{Name: syntax.Name{"regclass"}}}
			}
		}
		s.function(n)
	case *syntax.Cast:
		if n.Type.Name.Last() == "regclass" {
			s.number(n.X)
		}
	case *syntax.TypeName:
		if o := s.p.cat.TypeByName(s.p.path(), n.Name.Qualifier(), n.Name.Last()); o != nil {
			n.Name = syntax.Name{s.p.schemaName(o.Head().Schema), o.Head().Name}
			s.use(o.Head().ID)
		}
	}
	return s.err == nil
}

func (s *spelling) use(id datum.OID) {
	if !slices.Contains(s.uses, id) {
		s.uses = append(s.uses, id)
	}
}

// number puts the OID of a relation in the place of its name.
func (s *spelling) number(x syntax.Expr) {
	c, ok := x.(*syntax.Const)
	if !ok || c.Kind != syntax.StringConst {
		return
	}
	if n, err := strconv.ParseUint(c.Text, 10, 32); err == nil {
		s.use(datum.OID(n))
		return
	}
	e, err := syntax.ParseExpr(c.Text)
	ref, ok := e.(*syntax.ColumnRef)
	if err != nil || !ok || ref.Star {
		s.err = pgerr.New(pgerr.InvalidName, "invalid name syntax")
		return
	}
	r, err := s.p.relation(ref.Name, nil)
	if err != nil {
		s.err = err
		return
	}
	c.Text = strconv.Itoa(int(r.OID))
	if r.Object != nil {
		s.use(r.OID)
	}
}

// function names a user's function in full.
func (s *spelling) function(c *syntax.FuncCall) {
	for _, schema := range s.p.path() {
		if q := c.Name.Qualifier(); q != "" && q != schema {
			continue
		}
		for _, o := range s.p.cat.Objects() {
			if f, ok := o.(*catalog.FunctionObject); ok && f.Name == c.Name.Last() && f.Schema == s.p.schemaID(schema) {
				c.Name = syntax.Name{schema, f.Name}
				s.use(f.ID)
				return
			}
		}
	}
}

// columnsOf lists the attribute numbers that an expression over a table names.
func columnsOf(t *catalog.TableObject, x syntax.Expr) []int16 {
	var out []int16
	syntax.Walk(x, func(n syntax.Node) bool {
		if ref, ok := n.(*syntax.ColumnRef); ok && len(ref.Name) > 0 {
			if a := t.Column(ref.Name.Last()); a > 0 && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
		return true
	})
	slices.Sort(out)
	return out
}

// parsed is the tree of a stored expression.
func parsed(e catalog.Expression) (syntax.Expr, error) { return syntax.ParseExpr(e.Text) }

// renamedColumn gives a stored expression after one of the table's columns got another name.
func renamedColumn(e catalog.Expression, from, to string) (catalog.Expression, error) {
	if e.Text == "" {
		return e, nil
	}
	x, err := parsed(e)
	if err != nil {
		return e, err
	}
	syntax.Walk(x, func(n syntax.Node) bool {
		if ref, ok := n.(*syntax.ColumnRef); ok && len(ref.Name) == 1 && ref.Name[0] == from {
			ref.Name = syntax.Name{to}
		}
		return true
	})
	e.Text = syntax.Format(x)
	return e, nil
}
