package opt

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// unreadColumns keeps an UPDATE that goes through its table from reading columns of which nothing depends: who carries it out has the new rows take them
// from the old ones.
func unreadColumns(_ *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		m, ok := n.(*plan.Modify)
		if !ok || m.Kind != plan.UpdateRows || m.Returning != nil || m.Portion != nil {
			return n, nil
		}
		p, ok := m.Input.(*plan.Project)
		if !ok {
			return n, nil
		}
		if scan, ok := p.Input.(*plan.Scan); !ok || scan.Target != m.Target || scan.Index != nil {
			return n, nil
		}
		reads := readOfRows(m)
		c, in := *m, *p
		c.Unread, in.Exprs = nil, slices.Clone(p.Exprs)
		for i := range m.Relation.Columns {
			if !reads[i] {
				c.Unread = append(c.Unread, i)
				in.Exprs[1+i] = expr.NullConst(p.Fields[1+i].Type)
			}
		}
		if c.Unread == nil {
			return n, nil
		}
		c.Input = (&pruner{}).exact(&in)
		return &c, nil
	})
}

// readOfRows are the columns that an UPDATE looks at besides those that it computes values from.
func readOfRows(m *plan.Modify) map[int]bool {
	reads := map[int]bool{}
	for _, g := range m.Rules.Generated {
		plan.Cols(g.Expr, reads)
	}
	for _, c := range m.Rules.Checks {
		plan.Cols(c.Cond, reads)
	}
	for _, ix := range m.Rules.Indexes {
		for _, e := range append(slices.Clone(ix.Keys), ix.Where) {
			if e != nil {
				plan.Cols(e, reads)
			}
		}
	}
	for _, con := range m.Relation.Table.Constraints {
		if con.Kind != catalog.ForeignKey {
			continue
		}
		for _, attr := range con.Columns {
			if i := slices.IndexFunc(m.Relation.Columns, func(c catalog.Column) bool { return c.Attr == attr }); i >= 0 {
				reads[i] = true
			}
		}
	}
	for i, c := range m.Relation.Columns {
		if c.NotNull && c.NullsLeft {
			reads[i] = true
		}
	}
	return reads
}
