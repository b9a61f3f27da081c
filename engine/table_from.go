package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// withSource is a CREATE TABLE AS EXECUTE with the query that was prepared, its parameters replaced by the values that are given. Other statements
// are as they were.
func (s *Session) withSource(ctx context.Context, p *Prepared) (*Prepared, error) {
	st, ok := p.stmt.Stmt.(*syntax.CreateTableAs)
	if !ok {
		return p, nil
	}
	x, ok := st.Source.(*syntax.Execute)
	if !ok {
		return p, nil
	}
	target, err := s.preparedNamed(x.Name)
	if err != nil {
		return nil, err
	}
	q, ok := target.stmt.Stmt.(*syntax.Query)
	if !ok {
		return nil, pgerr.New(pgerr.WrongObjectType, "prepared statement is not a SELECT")
	}
	params, err := s.executeArgs(ctx, x, target, p.script)
	if err != nil {
		return nil, err
	}
	into, out := *st, *p
	if into.Source, err = s.withValues(q, target.ParamTypes, params); err != nil {
		return nil, err
	}
	out.stmt.Stmt, out.script = &into, "" // places in the query do not count in the script
	return &out, nil
}

// withValues is a query with literals for its parameters.
func (s *Session) withValues(q *syntax.Query, types []datum.OID, params []*vec.Column) (syntax.Stmt, error) {
	text := syntax.Format(q)
	st, err := syntax.ParseOne(text)
	if err != nil {
		return nil, err
	}
	var at []*syntax.Param
	syntax.Walk(st.Stmt, func(n syntax.Node) bool {
		if x, ok := n.(*syntax.Param); ok {
			at = append(at, x)
		}
		return true
	})
	slices.SortFunc(at, func(a, b *syntax.Param) int { return b.Offset() - a.Offset() })
	for _, x := range at {
		value, t := "NULL", datum.T(types[x.N-1])
		if v := params[x.N-1]; !v.Null(0) {
			value = syntax.Format(&syntax.Const{Kind: syntax.StringConst, Text: string(datum.AppendText(nil, t, v, 0, s.env()))})
		}
		end := x.Offset() + len("$"+itoa(int64(x.N)))
		text = text[:x.Offset()] + "(" + value + "::" + s.catalog().FormatType(nil, catalog.RefOf(t)) + ")" + text[end:]
	}
	st, err = syntax.ParseOne(text)
	return st.Stmt, err
}
