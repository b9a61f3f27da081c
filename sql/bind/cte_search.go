package bind

import (
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// searchRewrite spells SEARCH and CYCLE out, as columns that both terms of a recursive query compute: the path of rows that led
// to a row, its depth, and whether the row is on its own path. The terms become subqueries, and the recursive one reads the
// columns of the row that it starts from.
type searchRewrite struct {
	*binder
	c      *syntax.CTE
	names  []string // of the query's own columns
	source string   // what the recursive term calls the query
}

// Columns under which the rewritten term hands on those of the row before.
const (
	pathBefore   = "*search"
	cycleBefore  = "*path"
	innerOfTerms = "*term"
)

// searched rewrites the definition of c. The columns that it adds come last.
func (b *binder) searched(c *syntax.CTE, q *syntax.Query, e *env) (*syntax.CTE, *syntax.Query, error) {
	set, ok := q.Body.(*syntax.SetOp)
	if !ok || set.Op != syntax.Union || !namesTable(set.Right, c.Name) {
		return nil, nil, b.errorIn(c, pgerr.SyntaxError, "WITH query is not recursive")
	}
	right, ok := set.Right.Body.(*syntax.Select)
	if !ok {
		return nil, nil, b.errorIn(c, pgerr.FeatureNotSupported, "with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT")
	}
	first, err := b.query(set.Left, e, false)
	if err != nil {
		return nil, nil, err
	}
	fields, err := b.cteFields(first.Schema(), c)
	if err != nil {
		return nil, nil, err
	}
	r := &searchRewrite{binder: b, c: c}
	for _, f := range fields {
		r.names = append(r.names, f.Name)
	}
	if err := r.check(); err != nil {
		return nil, nil, err
	}
	for _, t := range right.From {
		r.find(t)
	}
	if r.source == "" {
		return nil, nil, pgerr.New(pgerr.FeatureNotSupported,
			"with a SEARCH or CYCLE clause, the recursive reference to WITH query %q must be at the top level of its right-hand SELECT", c.Name)
	}
	out, n, s := *c, *q, *set
	out.Columns = nil
	for _, name := range append(r.names[:len(r.names):len(r.names)], added(c)...) {
		out.Columns = append(out.Columns, syntax.Ident{At: c.At, Name: name})
	}
	s.Left, s.Right = r.first(set.Left), r.recursive(set.Right, right)
	n.Body = &s
	return &out, &n, nil
}

// check refuses columns that are not there, and names that are taken.
func (r *searchRewrite) check() error {
	known := map[string]bool{}
	for _, n := range r.names {
		known[n] = true
	}
	listed := func(list []syntax.Ident, what string, at syntax.Node) error {
		seen := map[string]bool{}
		for _, id := range list {
			switch {
			case !known[id.Name]:
				return r.errorIn(at, pgerr.SyntaxError, "%s column %q not in WITH query column list", what, id.Name)
			case seen[id.Name]:
				return r.errorIn(at, pgerr.DuplicateColumn, "%s column %q specified more than once", what, id.Name)
			}
			seen[id.Name] = true
		}
		return nil
	}
	if s := r.c.Search; s != nil {
		if err := listed(s.By, "search", s); err != nil {
			return err
		}
		if known[s.Set] {
			return r.errorIn(s, pgerr.SyntaxError, "search sequence column name %q already used in WITH query column list", s.Set)
		}
	}
	c := r.c.Cycle
	if c == nil {
		return nil
	}
	if err := listed(c.Columns, "cycle", c); err != nil {
		return err
	}
	switch s := r.c.Search; {
	case known[c.Mark]:
		return r.errorIn(c, pgerr.SyntaxError, "cycle mark column name %q already used in WITH query column list", c.Mark)
	case known[c.Path]:
		return r.errorIn(c, pgerr.SyntaxError, "cycle path column name %q already used in WITH query column list", c.Path)
	case c.Mark == c.Path:
		return r.errorIn(c, pgerr.SyntaxError, "cycle mark column name and cycle path column name are the same")
	case s != nil && s.Set == c.Mark:
		return r.errorIn(s, pgerr.SyntaxError, "search sequence column name and cycle mark column name are the same")
	case s != nil && s.Set == c.Path:
		return r.errorIn(s, pgerr.SyntaxError, "search sequence column name and cycle path column name are the same")
	}
	return nil
}

// find looks for the recursive reference among the tables of the right side.
func (r *searchRewrite) find(t syntax.TableExpr) {
	switch t := t.(type) {
	case *syntax.TableName:
		if len(t.Name) == 1 && t.Name[0] == r.c.Name {
			r.source = aliasOf(t.Alias, r.c.Name)
		}
	case *syntax.Join:
		r.find(t.Left)
		r.find(t.Right)
	}
}

// added are the names of the columns that the clauses of a WITH query add.
func added(c *syntax.CTE) []string {
	var out []string
	if s := c.Search; s != nil {
		out = append(out, s.Set)
	}
	if c := c.Cycle; c != nil {
		out = append(out, c.Mark, c.Path)
	}
	return out
}

func (r *searchRewrite) column(table, name string) syntax.Expr {
	return &syntax.ColumnRef{At: r.c.At, Name: syntax.Name{table, name}}
}

func (r *searchRewrite) row(cols []syntax.Ident, before ...syntax.Expr) *syntax.Row {
	out := &syntax.Row{At: r.c.At, Explicit: true, Elems: before}
	for _, c := range cols {
		out.Elems = append(out.Elems, r.column(innerOfTerms, c.Name))
	}
	return out
}

func (r *searchRewrite) binary(op string, l, right syntax.Expr) syntax.Expr {
	return &syntax.Binary{At: r.c.At, Op: syntax.Operator{Name: op}, L: l, R: right}
}

// appended is path || ROW(cols).
func (r *searchRewrite) appended(path string, cols []syntax.Ident) syntax.Expr {
	return r.binary("||", r.column(innerOfTerms, path), r.row(cols))
}

func (r *searchRewrite) array(cols []syntax.Ident) syntax.Expr {
	return &syntax.ArrayExpr{At: r.c.At, Elems: []syntax.Expr{r.row(cols)}}
}

func (r *searchRewrite) number(text string) syntax.Expr {
	return &syntax.Cast{At: r.c.At, X: &syntax.Const{At: r.c.At, Kind: syntax.IntConst, Text: text},
		Type: &syntax.TypeName{At: r.c.At, Name: syntax.Name{pgCatalog, "int8"}}}
}

// marks are the values of the mark column: of rows on their own path, and of others.
func (r *searchRewrite) marks() (yes, no syntax.Expr) {
	if c := r.c.Cycle; c.Value != nil {
		return c.Value, c.Default
	}
	truth := func(text string) syntax.Expr { return &syntax.Const{At: r.c.At, Kind: syntax.BoolConst, Text: text} }
	return truth("true"), truth("false")
}

// term is SELECT own columns, more FROM (q) AS term (own columns, before).
func (r *searchRewrite) term(q *syntax.Query, before []string, more []syntax.Expr) *syntax.Query {
	alias := &syntax.Alias{At: r.c.At, Name: innerOfTerms}
	sel := &syntax.Select{At: q.At, From: []syntax.TableExpr{&syntax.SubqueryTable{At: q.At, Query: q, Alias: alias}}}
	for _, n := range r.names {
		alias.Columns = append(alias.Columns, syntax.Ident{At: r.c.At, Name: n})
		sel.Targets = append(sel.Targets, &syntax.Target{At: r.c.At, Expr: r.column(innerOfTerms, n), As: n})
	}
	for _, n := range before {
		alias.Columns = append(alias.Columns, syntax.Ident{At: r.c.At, Name: n})
	}
	for _, e := range more {
		sel.Targets = append(sel.Targets, &syntax.Target{At: r.c.At, Expr: e, As: "column"})
	}
	return &syntax.Query{At: q.At, Body: sel}
}

func (r *searchRewrite) first(q *syntax.Query) *syntax.Query {
	var more []syntax.Expr
	if s := r.c.Search; s != nil {
		if s.Breadth {
			more = append(more, r.row(s.By, r.number("0")))
		} else {
			more = append(more, r.array(s.By))
		}
	}
	if c := r.c.Cycle; c != nil {
		_, no := r.marks()
		more = append(more, no, r.array(c.Columns))
	}
	return r.term(q, nil, more)
}

func (r *searchRewrite) recursive(q *syntax.Query, sel *syntax.Select) *syntax.Query {
	inner := *sel
	inner.Targets = sel.Targets[:len(sel.Targets):len(sel.Targets)]
	var before []string
	hand := func(column, as string) {
		inner.Targets = append(inner.Targets, &syntax.Target{At: r.c.At, Expr: r.column(r.source, column), As: as})
		before = append(before, as)
	}
	var more []syntax.Expr
	if s := r.c.Search; s != nil {
		hand(s.Set, pathBefore)
		if s.Breadth {
			depth := &syntax.Indirection{At: r.c.At, X: r.column(innerOfTerms, pathBefore), Steps: []syntax.Step{{At: r.c.At, Field: "f1"}}}
			more = append(more, r.row(s.By, r.binary("+", depth, r.number("1"))))
		} else {
			more = append(more, r.appended(pathBefore, s.By))
		}
	}
	if c := r.c.Cycle; c != nil {
		hand(c.Path, cycleBefore)
		yes, no := r.marks()
		on := &syntax.Quantified{At: r.c.At, X: r.row(c.Columns), Op: syntax.Operator{Name: "="}, Array: r.column(innerOfTerms, cycleBefore)}
		more = append(more, &syntax.Case{At: r.c.At, Whens: []*syntax.When{{At: r.c.At, Cond: on, Then: yes}}, Else: no}, r.appended(cycleBefore, c.Columns))
		goOn := r.binary("<>", r.column(r.source, c.Mark), yes)
		if inner.Where != nil {
			goOn = &syntax.Logic{At: r.c.At, Args: []syntax.Expr{inner.Where, goOn}}
		}
		inner.Where = goOn
	}
	n := *q
	n.Body = &inner
	return r.term(&n, before, more)
}
