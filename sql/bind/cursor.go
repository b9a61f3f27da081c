package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/plan"
)

func (s *selection) isCursor() bool { return s.sel == s.f.ctx.Cursor }

// cursor adds the RowIDs of the rows that a cursor is on behind its columns: of all tables whose rows it locks, or of the only one that it reads, row by row.
func (s *selection) cursor(from plan.Node) {
	if !s.isCursor() {
		return
	}
	s.f.visible = countVisible(s.cols)
	if s.lock != nil {
		for _, t := range s.lock.Rows {
			s.f.cursorRows = append(s.f.cursorRows, CursorRows{Relation: t.Relation.OID, Locked: t.Strength >= 0, Column: t.Column})
		}
		return
	}
	scan, ok := from.(*plan.Scan)
	if !ok || scan.System != nil || scan.Relation.Table == nil || scan.Relation.Kind != catalog.Table ||
		s.sel.Distinct || s.on != nil || s.have != nil || s.groupKeys > 0 || len(s.f.aggs.calls) > 0 || len(s.f.windows.calls) > 0 {
		return
	}
	it := s.scope.items[0]
	s.f.cursorRows = []CursorRows{{Relation: scan.Relation.OID, Column: len(s.cols)}}
	s.cols = append(s.cols, typedColumn{name: rowIDName, expr: it.cols[it.seen()].expr, junk: true, at: s.sel})
}
