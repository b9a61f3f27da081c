package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// wholeRow is a table's name used as a value: a row of all its columns.
func (b *binder) wholeRow(it *item, level, at int) expr.Expr {
	if it.scalar && len(it.cols) == 1 {
		return b.defining.ref(b.outwards(it.cols[0].expr, level, at), it.cols[0].ref)
	}
	row := &expr.Row{}
	for _, c := range it.cols {
		if c.unseen {
			continue
		}
		row.Elems = append(row.Elems, b.defining.ref(b.outwards(c.expr, level, at), c.ref))
		row.Names = append(row.Names, c.name)
	}
	b.ofTable(row, it.rel)
	var whole expr.Expr = row
	if it.there != nil {
		whole = &expr.Case{Whens: []expr.When{{Cond: b.outwards(it.there, level, at), Then: row}}, Else: expr.NullConst(row.Type()), Typ: row.Type()}
	}
	if len(it.cols) > 0 {
		b.defining.ref(whole, Ref{From: it.cols[0].ref.From, Table: it.name})
	}
	return whole
}

// ofTable gives the whole row of a table the type of the table's rows, whose fields keep their names whatever the columns are called
// in the query. A table of the past may have had another shape; then it is a record.
func (b *binder) ofTable(row *expr.Row, rel *catalog.Relation) {
	if rel == nil || rel.Table == nil {
		return
	}
	t, _ := b.ctx.Catalog.Resolve(catalog.TypeRef{OID: rel.Table.RowType, Mod: -1})
	fields := datum.RecordFields(t)
	if len(fields) != len(row.Elems) {
		return
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		if f.Type.OID != row.Elems[i].Type().OID {
			return
		}
		names[i] = f.Name
	}
	row.Of, row.Names = t.OID, names
}

// rowNames are the names in a statement that may stand for the whole row of an item in its FROM clause, if that has outer joins: these make
// rows that are not there, and a row of nulls is something else.
func rowNames(from []syntax.TableExpr, statement syntax.Node) map[string]bool {
	if !slices.ContainsFunc(from, hasOuterJoin) {
		return nil
	}
	out := map[string]bool{}
	syntax.Walk(statement, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Target: // t.* there is t's columns
			c, ok := n.Expr.(*syntax.ColumnRef)
			return !ok || !c.Star
		case *syntax.ColumnRef:
			if n.Star || len(n.Name) == 1 {
				out[n.Name.Last()] = true
			}
		}
		return true
	})
	return out
}

func hasOuterJoin(t syntax.TableExpr) bool {
	j, ok := t.(*syntax.Join)
	return ok && (j.Kind == syntax.LeftJoin || j.Kind == syntax.RightJoin || j.Kind == syntax.FullJoin || hasOuterJoin(j.Left) || hasOuterJoin(j.Right))
}

// marks reports whether a column is the one that says whether the item's row is there.
func (it *item) marks(index int) bool {
	return it.there != nil && expr.Any(it.there, func(e expr.Expr) bool {
		c, ok := e.(*expr.Col)
		return ok && c.Index == index
	})
}

// mayMiss prepares one side of an outer join for rows that are not there, where the query asks for whole rows of it: a column more is one in
// those that are.
func (e *env) mayMiss(s *source) {
	n := s.scope.width
	there := &expr.IsNull{Arg: &expr.Col{Index: n, Typ: datum.T(datum.Int4)}, Not: true}
	asked := false
	for i, it := range s.scope.items {
		if it.table && e.rows[it.name] && it.there == nil {
			own := *it
			own.there, asked = there, true
			s.scope.items[i] = &own
		}
	}
	if !asked {
		return
	}
	p := &plan.Project{Input: s.node}
	for i, f := range s.node.Schema() {
		p.Exprs, p.Fields = append(p.Exprs, &expr.Col{Index: i, Typ: f.Type, Name: f.Name}), append(p.Fields, f)
	}
	p.Exprs, p.Fields = append(p.Exprs, intConst(1, datum.Int4)), append(p.Fields, plan.Field{Type: datum.T(datum.Int4)})
	s.node, s.scope.width = p, n+1
}
