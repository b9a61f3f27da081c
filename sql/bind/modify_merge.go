package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// merge binds MERGE.
func (b *binder) merge(x *syntax.Merge, e *env) (plan.Node, error) {
	rel, view, err := b.target(x.Table, "MERGE")
	if err != nil {
		return nil, err
	}
	m, err := b.modification(plan.MergeRows, rel, x.Table, x.With, e)
	if err == nil && view != nil {
		err = m.through(view, x.Table)
	}
	if err != nil {
		return nil, err
	}
	t, err := m.targetTable()
	if err != nil {
		return nil, err
	}
	t.scope = m.seen(t.scope)
	if m.via != nil && len(m.via.where) > 0 {
		t.node = &plan.Filter{Input: t.node, Cond: expr.Conjoin(m.via.where)}
	}
	m.env.rows = rowNames([]syntax.TableExpr{x.Source}, x)
	src, err := m.fromItem(x.Source, m.env, nil, "")
	if err != nil {
		return nil, err
	}
	if err := m.distinctNames(t.scope, src.scope, x.Source); err != nil {
		return nil, err
	}
	m.scope = src.scope.with(t.scope)
	f := *m.frame
	f.what = "JOIN conditions"
	cond, err := f.condition(x.On, "JOIN/ON")
	if err != nil {
		return nil, err
	}
	m.mergeInput(mergeJoin(x.Whens), src, t.node, cond)
	if err := m.mergeWhens(x.Whens, src.scope); err != nil {
		return nil, err
	}
	return m.finish(), m.returning(x.Returning, src.scope, 1+len(rel.Columns))
}

// mergeJoin is how the source, on the left, is joined with the table: rows without a match are there only if a clause is for them.
func mergeJoin(list []*syntax.MergeWhen) plan.JoinKind {
	of := func(match syntax.MergeMatch) bool {
		return slices.ContainsFunc(list, func(w *syntax.MergeWhen) bool { return w.Match == match })
	}
	switch source, target := of(syntax.MergeNotMatched), of(syntax.MergeNotMatchedBySource); {
	case source && target:
		return plan.Full
	case source:
		return plan.Left
	case target:
		return plan.Right
	}
	return plan.Inner
}

// mergeInput joins the source with the table, and puts the columns into the order of the node's input.
func (m *modification) mergeInput(kind plan.JoinKind, src *source, table plan.Node, cond expr.Expr) {
	n, width := len(m.rel.Columns), src.scope.width
	there := expr.Expr(intConst(1, datum.Int4))
	join := &plan.Join{Kind: kind, Left: src.node, Right: table, Cond: cond}
	at := width // of the table in the join
	if kind == plan.Right || kind == plan.Full {
		at++
		left := &plan.Project{Input: src.node}
		left.Exprs, left.Fields = colsOf(src.node, 0, width)
		left.Exprs, left.Fields = append(left.Exprs, there), append(left.Fields, plan.Field{Name: "source", Type: there.Type()})
		join.Left, there = left, &expr.Col{Index: width, Typ: there.Type(), Name: "source"}
		join.Cond = plan.MoveCols(cond, func(i int) int {
			if i < width {
				return i
			}
			return i + 1
		})
	}
	p := &plan.Project{Input: join}
	for _, r := range [][2]int{{at + n, at + n + 1}, {at, at + n}, {0, width}} {
		list, fields := colsOf(join, r[0], r[1])
		p.Exprs, p.Fields = append(p.Exprs, list...), append(p.Fields, fields...)
	}
	p.Exprs, p.Fields = append(p.Exprs, there), append(p.Fields, plan.Field{Name: "source", Type: there.Type()})
	m.out.Input = p
	m.out.On = plan.MoveCols(cond, func(i int) int {
		switch {
		case i < width:
			return 1 + n + i
		case i < width+n:
			return 1 + i - width
		}
		return 0
	})
}

func (m *modification) mergeWhens(list []*syntax.MergeWhen, source *scope) error {
	n := len(m.rel.Columns)
	own := m.image(1)
	own.name, own.aliased = aliasOf(m.name.Alias, m.rel.Name), m.name.Alias != nil
	both := &scope{items: []*item{own}, width: n + 2 + source.width}
	sourceOnly := &scope{width: both.width, hidden: []*item{own}}
	targetOnly := &scope{width: both.width, items: []*item{own}}
	for _, it := range source.items {
		it = it.moved(n + 1)
		both.items, sourceOnly.items, targetOnly.hidden = append(both.items, it), append(sourceOnly.items, it), append(targetOnly.hidden, it)
	}
	sure := map[syntax.MergeMatch]bool{}
	for _, w := range list {
		if sure[w.Match] {
			return pgerr.New(pgerr.SyntaxError, "unreachable WHEN clause specified after unconditional WHEN clause")
		}
		sure[w.Match] = w.Cond == nil
		f := *m.frame
		f.scope, f.what = both, "MERGE WHEN"
		switch w.Match {
		case syntax.MergeNotMatched:
			f.scope = sourceOnly
		case syntax.MergeNotMatchedBySource:
			f.scope = targetOnly
		}
		out := plan.MergeWhen{Match: plan.MergeMatch(w.Match), Nothing: w.Action == syntax.MergeNothing}
		var err error
		if w.Cond != nil {
			if out.Cond, err = f.condition(w.Cond, "WHEN"); err != nil {
				return err
			}
		}
		if err := m.mergeAction(&out, w, &f); err != nil {
			return err
		}
		m.out.Whens = append(m.out.Whens, out)
	}
	return nil
}

func (m *modification) mergeAction(out *plan.MergeWhen, w *syntax.MergeWhen, f *frame) error {
	switch w.Action {
	case syntax.MergeUpdate:
		f.what = "UPDATE"
		set := &assignments{modification: m, frame: f, at: 1}
		err := set.all(w.Set)
		out.Kind, out.Set, out.Values = plan.UpdateRows, set.cols, set.values
		return err
	case syntax.MergeDelete:
		out.Kind = plan.DeleteRows
	case syntax.MergeInsert:
		f.what = "VALUES"
		ins := *m
		ins.frame = f
		x := &syntax.Insert{At: w.At, Table: m.name, Columns: w.Columns, Overriding: w.Overriding}
		cols, err := ins.insertColumns(x)
		if err != nil {
			return err
		}
		rows := [][]syntax.Expr{w.Values}
		v, err := ins.insertValues(x, cols, &syntax.Values{At: w.At, Rows: rows})
		if err != nil {
			return err
		}
		out.Kind, out.Values = plan.InsertRows, v.(*plan.Values).Rows[0]
	}
	return nil
}
