package op

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
)

// View is what a scan needs of the log as of one moment; storage.View has it.
type View interface {
	Rows() int64
	End() int64
	Groups(ctx context.Context, preds []storage.Pred) (groups []storage.Group, skipped int, err error)
	History(entity string, from, to int64) (storage.History, error)
}

// EventScan says what to read of events or of a table.
type EventScan struct {
	View    View
	Cols    []plan.ScanCol
	Bounds  []plan.Bound
	Filter  expr.Expr
	Reverse bool
	Limit   int64 // -1 none
	Start   int64 // the first position to read
	End     int64 // position after the last one to read; 0: the view's end
	Steps   []Step
	Used    map[int]bool // columns that are read of the scan's batches where Steps has no projection; nil: all
	Cut     *ScanCut     // may be nil
	Stats   *Stats       // may be nil
	Table   *TableRows   // what is read when it is a table; nil: events

	tests []storage.Pred // set by plan: what rows satisfy that pass the filter
	rest  *history       // set by plan: what is found as the scan goes on
}

// morsel is the rows of one block that a worker reads by itself: ranges of groups, in the order of the answer.
type morsel struct {
	block int64
	parts []part
}

// part is rows [from, to) of a group, or of those only the rows listed.
type part struct {
	g        storage.Group
	t        rowSource // of a table; then there is no g
	from, to int
	rows     []int32 // nil: all
	unseen   bool    // of a table: which of the rows the scan sees is found when they are read
	known    *known  // what an aggregation has to know of the rows; nil: they are read
}

// plan finds the morsels of the scan, in the order of the answer; parts of which k knows enough are among them.
func (s *EventScan) plan(ctx context.Context, x *expr.EvalCtx, k *knower) ([]morsel, error) {
	if s.Table != nil {
		list, err := s.planTable(ctx, x)
		s.order(list)
		return list, err
	}
	end := s.View.End()
	if s.End > 0 {
		end = min(end, s.End)
	}
	preds, window, err := s.preds(x, end)
	if err == nil && window.empty() {
		s.View.Rows() // that there is nothing yet was read too
	}
	if err != nil || window.empty() {
		return nil, err
	}
	if entity, ok, err := s.entity(x); err != nil {
		return nil, err
	} else if ok {
		return s.history(ctx, x, entity, window)
	}
	s.tests = preds
	groups, skipped, err := s.View.Groups(ctx, preds)
	if err != nil {
		return nil, storageError(err)
	}
	list, err := cut(ctx, groups, window, k)
	if err != nil {
		return nil, err
	}
	s.count(list, len(groups), skipped)
	s.order(list)
	return list, nil
}

// count tells the statistics what will be read.
func (s *EventScan) count(list []morsel, groups, skipped int) {
	if s.Stats == nil {
		return
	}
	used, known := map[int64]bool{}, 0 // by the position that a group begins with
	for _, m := range list {
		for _, p := range m.parts {
			if p.known != nil {
				known++
			} else if base := p.g.Base(); !used[base] {
				used[base] = true
				s.Stats.Bytes.Add(p.g.Bytes())
			}
		}
	}
	s.Stats.Groups.Add(int64(len(used)))
	s.Stats.Known.Add(int64(known))
	s.Stats.Skipped.Add(int64(skipped + groups - len(used) - known))
}

func (s *EventScan) order(list []morsel) {
	if !s.Reverse {
		return
	}
	slices.Reverse(list)
	for _, m := range list {
		slices.Reverse(m.parts)
	}
}

// positions is a range [from, to) of positions.
type positions struct{ from, to int64 }

func (w positions) empty() bool { return w.from >= w.to }

// cut divides groups into morsels at the blocks' boundaries and cuts off what is outside the window. What k knows enough
// of stays whole.
func cut(ctx context.Context, groups []storage.Group, w positions, k *knower) ([]morsel, error) {
	var out []morsel
	add := func(block int64, p part) {
		if n := len(out); n > 0 && out[n-1].block == block {
			out[n-1].parts = append(out[n-1].parts, p)
		} else {
			out = append(out, morsel{block: block, parts: []part{p}})
		}
	}
	for _, g := range groups {
		base := g.Base()
		from, to := max(base, w.from), min(base+int64(g.Len()), w.to)
		if from >= to {
			continue
		}
		p, ok, err := k.know(ctx, part{g: g, from: int(from - base), to: int(to - base)})
		if err != nil {
			return nil, err
		}
		if ok {
			add(from/BlockRows, p)
			continue
		}
		for from < to {
			block := from / BlockRows
			next := min(to, (block+1)*BlockRows)
			add(block, part{g: g, from: int(from - base), to: int(next - base)})
			from = next
		}
	}
	return out, nil
}
