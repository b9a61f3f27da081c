package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// merge binds MERGE.
func (b *binder) merge(x *syntax.Merge, e *env) (plan.Node, error) {
	rel, _, err := b.target(x.Table, "MERGE")
	if err != nil {
		return nil, err
	}
	if len(x.Returning) > 0 {
		return nil, b.errorIn(x, pgerr.FeatureNotSupported, "RETURNING of MERGE is not supported yet")
	}
	m, err := b.modification(plan.MergeRows, rel, x.Table, x.With, e)
	if err != nil {
		return nil, err
	}
	t, err := m.targetTable()
	if err != nil {
		return nil, err
	}
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
	join := &plan.Join{Kind: plan.Inner, Left: src.node, Right: t.node}
	if join.Cond, err = f.condition(x.On, "JOIN/ON"); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(x.Whens, func(w *syntax.MergeWhen) bool { return w.Match != syntax.MergeMatched }) {
		join.Kind = plan.Left
	}
	m.mergeInput(join, src.scope.width)
	return m.finish(), m.mergeWhens(x.Whens, src.scope)
}

// mergeInput puts the columns of a join of the source with the table into the order of the node's input.
func (m *modification) mergeInput(join *plan.Join, width int) {
	n := len(m.rel.Columns)
	p := &plan.Project{Input: join}
	p.Exprs, p.Fields = colsOf(join, width+n, width+n+1)
	for _, r := range [][2]int{{width, width + n}, {0, width}} {
		list, fields := colsOf(join, r[0], r[1])
		p.Exprs, p.Fields = append(p.Exprs, list...), append(p.Fields, fields...)
	}
	m.out.Input = p
}

func (m *modification) mergeWhens(list []*syntax.MergeWhen, source *scope) error {
	n := len(m.rel.Columns)
	own := rowItem(m.rel, aliasOf(m.name.Alias, m.rel.Name), 1)
	own.aliased = m.name.Alias != nil
	both := &scope{items: []*item{own}, width: n + 1 + source.width}
	alone := &scope{width: both.width, hidden: []*item{own}}
	for _, it := range source.items {
		both.items = append(both.items, it.moved(n+1))
		alone.items = append(alone.items, it.moved(n+1))
	}
	sure := map[syntax.MergeMatch]bool{}
	for _, w := range list {
		if sure[w.Match] {
			return m.errorIn(w, pgerr.SyntaxError, "unreachable WHEN clause specified after unconditional WHEN clause")
		}
		sure[w.Match] = w.Cond == nil
		f := *m.frame
		f.scope, f.what = both, "MERGE WHEN"
		switch w.Match {
		case syntax.MergeNotMatched:
			f.scope = alone
		case syntax.MergeNotMatchedBySource:
			return m.errorIn(w, pgerr.FeatureNotSupported, "WHEN NOT MATCHED BY SOURCE is not supported yet")
		}
		out := plan.MergeWhen{Matched: w.Match == syntax.MergeMatched, Nothing: w.Action == syntax.MergeNothing}
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
		set := &assignments{modification: m, frame: f}
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
