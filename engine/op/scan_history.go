package op

import (
	"context"
	"slices"
	"sort"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// history is the rows of one entity, which its index finds group by group, the newest first.
type history struct {
	scan *EventScan
	w    positions
	next storage.History
}

// history plans a scan of one entity. Backwards and with few rows wanted, groups are searched only while the scan asks for
// more (s.rest); otherwise all are now.
func (s *EventScan) history(ctx context.Context, x *expr.EvalCtx, e entityBound, w positions) ([]morsel, error) {
	next, err := s.View.History(e.name, e.from, e.to)
	if err != nil {
		return nil, storageError(err)
	}
	if err := s.decide(x, e.name); err != nil {
		return nil, err
	}
	h := &history{scan: s, w: w, next: next}
	if s.Reverse && (s.Cut != nil || s.Limit >= 0) {
		s.rest = h
		return nil, nil
	}
	var parts []part
	for {
		p, err := h.part(ctx)
		if err != nil {
			return nil, err
		}
		if p == nil {
			break
		}
		parts = append(parts, *p)
	}
	slices.Reverse(parts)
	list := cutRows(parts)
	s.order(list)
	return list, nil
}

// part is the rows of the next group that has any, nil at the end.
func (h *history) part(ctx context.Context) (*part, error) {
	for {
		g, rows, err := h.next(ctx, func(g storage.Group) (bool, error) { return h.wants(ctx, g) })
		if g == nil || err != nil {
			return nil, storageError(err)
		}
		base := g.Base()
		from := sort.Search(len(rows), func(i int) bool { return base+int64(rows[i]) >= h.w.from })
		to := sort.Search(len(rows), func(i int) bool { return base+int64(rows[i]) >= h.w.to })
		if from >= to {
			continue
		}
		if st := h.scan.Stats; st != nil {
			st.Groups.Add(1)
		}
		rows = rows[from:to]
		return &part{g: g, rows: rows, to: len(rows)}, nil
	}
}

// wants reports whether rows of a group can be in the answer.
func (h *history) wants(ctx context.Context, g storage.Group) (bool, error) {
	if base := g.Base(); base >= h.w.to || base+int64(g.Len()) <= h.w.from {
		return false, nil
	}
	none, err := h.scan.Cut.skips(ctx, h.scan.Cols, g)
	return !none, err
}

// cutRows divides parts that list rows into morsels at the blocks' boundaries.
func cutRows(parts []part) []morsel {
	var out []morsel
	for _, p := range parts {
		base := p.g.Base()
		for rows := p.rows; len(rows) > 0; {
			block := (base + int64(rows[0])) / BlockRows
			n := sort.Search(len(rows), func(i int) bool { return (base+int64(rows[i]))/BlockRows > block })
			cut := part{g: p.g, rows: rows[:n], to: n}
			if k := len(out); k > 0 && out[k-1].block == block {
				out[k-1].parts = append(out[k-1].parts, cut)
			} else {
				out = append(out, morsel{block: block, parts: []part{cut}})
			}
			rows = rows[n:]
		}
	}
	return out
}

// more finds the next morsels of a scan that is planned as it goes; none at the end.
func (s *EventScan) more(ctx context.Context) ([]morsel, error) {
	if s.rest == nil {
		return nil, nil
	}
	p, err := s.rest.part(ctx)
	if p == nil || err != nil {
		return nil, err
	}
	list := cutRows([]part{*p})
	s.order(list)
	return list, nil
}

// decide takes the comparison that the index has answered out of the filter: the entity is the one of that name.
func (s *EventScan) decide(x *expr.EvalCtx, name string) error {
	var left []expr.Expr
	for _, cond := range expr.Conjuncts(s.Filter) {
		is, err := s.names(x, cond, name)
		if err != nil {
			return err
		}
		if !is {
			left = append(left, cond)
		}
	}
	switch len(left) {
	case 0:
		s.Filter = nil
	case 1:
		s.Filter = left[0]
	default:
		s.Filter = &expr.And{Args: left}
	}
	return nil
}

// names reports whether a condition says that the entity has the name, and nothing else.
func (s *EventScan) names(x *expr.EvalCtx, cond expr.Expr, name string) (bool, error) {
	call, ok := cond.(*expr.Call)
	if !ok || call.Fn.Name != "=" || len(call.Args) != 2 {
		return false, nil
	}
	l, r := call.Args[0], call.Args[1]
	if _, ok := l.(*expr.Col); !ok {
		l, r = r, l
	}
	col, ok := l.(*expr.Col)
	if !ok || s.Cols[col.Index].Column != catalog.EventEntity || r.Type().OID != datum.Text || !expr.IsSteady(r) {
		return false, nil
	}
	v, err := expr.Value(x, r)
	return err == nil && v.Kind == vec.Bytes && !v.Null(0) && string(v.Bytes(0)) == name, err
}
