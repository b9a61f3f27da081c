package op

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// View is what a scan needs of the log as of one moment; storage.View has it.
type View interface {
	End() int64
	Groups(ctx context.Context, preds []storage.Pred) (groups []storage.Group, skipped int, err error)
	Entity(ctx context.Context, entity string, from, to int64) ([]int64, error)
	Locate(ctx context.Context, pos int64) (storage.Group, error)
}

// EventScan says what to read of events.
type EventScan struct {
	View    View
	Cols    []plan.ScanCol
	Bounds  []plan.Bound
	Filter  expr.Expr
	Reverse bool
	Limit   int64 // -1 none
	End     int64 // position after the last one to read; 0: the view's end
	Steps   []Step
	Stats   *Stats // may be nil
}

// morsel is the rows of one block that a worker reads by itself: ranges of groups, in the order of the answer.
type morsel struct {
	block int64
	parts []part
}

// part is rows [from, to) of a group, or of those only the rows listed.
type part struct {
	g        storage.Group
	from, to int
	rows     []int32 // nil: all
	known    *known  // what an aggregation has to know of the rows; nil: they are read
}

// eventReader reads morsels: one per worker.
type eventReader struct {
	scan   *EventScan
	env    *Env
	filter *expr.Program
	early  []int // columns that the filter reads
	late   []int
	run    stage
	refs   []storage.Ref
}

func newEventReader(s *EventScan, env *Env) *eventReader {
	r := &eventReader{scan: s, env: env, refs: make([]storage.Ref, len(s.Cols))}
	used := map[int]bool{}
	if s.Filter != nil {
		r.filter = expr.Compile(s.Filter, env.X)
		plan.Cols(s.Filter, used)
	}
	for i, c := range s.Cols {
		r.refs[i] = refOf(c)
		if used[i] {
			r.early = append(r.early, i)
		} else {
			r.late = append(r.late, i)
		}
	}
	if len(s.Steps) > 0 {
		r.run = chain(s.Steps, env.X)
	}
	return r
}

func refOf(c plan.ScanCol) storage.Ref {
	return storage.Ref{Col: storage.Column(c.Column), Path: c.Path, As: c.As}
}

// read gives emit the batches of a morsel in order. emit returning false stops it.
func (r *eventReader) read(ctx context.Context, m morsel, emit func(*vec.Batch) (bool, error)) (err error) {
	defer Rescue(&err) // workers run this in goroutines of their own
	for _, p := range m.parts {
		for from := p.from; from < p.to; from += r.env.Rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			lo, hi := from, min(from+r.env.Rows, p.to)
			if r.scan.Reverse {
				lo, hi = p.to-(hi-p.from), p.to-(lo-p.from)
			}
			b, err := r.batch(ctx, p, lo, hi)
			r.scan.Stats.count(b)
			if err == nil && b != nil && r.run != nil {
				b, err = r.run(b)
			}
			if err != nil {
				return err
			}
			if b == nil {
				continue
			}
			if more, err := emit(b); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// batch reads one range, nil if the filter lets nothing through. Where rows are listed, the range counts in the list.
func (r *eventReader) batch(ctx context.Context, p part, from, to int) (*vec.Batch, error) {
	b := &vec.Batch{Len: to - from, Cols: make([]*vec.Column, len(r.refs))}
	if s := r.scan.Stats; s != nil {
		s.Scanned.Add(int64(b.Len))
	}
	var sel []int32 // nil: all
	if r.filter != nil {
		if err := r.load(ctx, p, from, to, nil, r.early, b); err != nil {
			return nil, err
		}
		var err error
		if sel, err = r.filter.Filter(b); err != nil || len(sel) == 0 {
			return nil, err
		}
		if len(sel) == b.Len {
			sel = nil
		} else {
			for _, c := range r.early {
				b.Cols[c] = b.Cols[c].Take(sel)
			}
			b.Len = len(sel)
		}
	}
	if err := r.load(ctx, p, from, to, sel, r.late, b); err != nil {
		return nil, err
	}
	if r.scan.Reverse {
		idx := make([]int32, b.Len)
		for i := range idx {
			idx[i] = int32(b.Len - 1 - i)
		}
		b = b.Take(idx)
	}
	return b, nil
}

// load reads columns of a range into b: of all its rows, or of those selected.
func (r *eventReader) load(ctx context.Context, p part, from, to int, sel []int32, cols []int, b *vec.Batch) error {
	if len(cols) == 0 {
		return nil
	}
	var rows []int32
	switch {
	case p.rows != nil && sel == nil:
		rows = p.rows[from:to]
	case p.rows != nil:
		rows = make([]int32, len(sel))
		for i, s := range sel {
			rows[i] = p.rows[from+int(s)]
		}
	case sel != nil && len(sel) < (to-from)/2:
		rows = make([]int32, len(sel))
		for i, s := range sel {
			rows[i] = int32(from) + s
		}
	}
	for _, c := range cols {
		var err error
		if rows != nil {
			b.Cols[c], err = p.g.ReadRows(ctx, r.refs[c], rows)
		} else if b.Cols[c], err = p.g.Read(ctx, r.refs[c], from, to); err == nil && sel != nil {
			b.Cols[c] = b.Cols[c].Take(sel)
		}
		if err != nil {
			return storageError(err)
		}
	}
	return nil
}

// plan finds the morsels of the scan, in the order of the answer; parts of which k knows enough are among them.
func (s *EventScan) plan(ctx context.Context, x *expr.EvalCtx, k *knower) ([]morsel, error) {
	end := s.View.End()
	if s.End > 0 {
		end = min(end, s.End)
	}
	preds, window, err := s.preds(x, end)
	if err != nil || window.empty() {
		return nil, err
	}
	if entity, ok, err := s.entity(x); err != nil {
		return nil, err
	} else if ok {
		list, err := s.entityMorsels(ctx, entity, window)
		s.order(list)
		return list, err
	}
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
	used, known := map[storage.Group]bool{}, 0
	for _, m := range list {
		for _, p := range m.parts {
			if p.known != nil {
				known++
			} else if !used[p.g] {
				used[p.g] = true
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

// entityMorsels reads an entity's rows by its index.
func (s *EventScan) entityMorsels(ctx context.Context, e entityBound, w positions) ([]morsel, error) {
	list, err := s.View.Entity(ctx, e.name, e.from, e.to)
	if err != nil {
		return nil, storageError(err)
	}
	var out []morsel
	var g storage.Group
	used := 0
	for _, pos := range list {
		if pos < w.from || pos >= w.to {
			continue
		}
		fresh := g == nil || pos < g.Base() || pos >= g.Base()+int64(g.Len())
		if fresh {
			if g, err = s.View.Locate(ctx, pos); err != nil {
				return nil, storageError(err)
			}
			used++
		}
		row := int32(pos - g.Base())
		block := pos / BlockRows
		if n := len(out); n == 0 || out[n-1].block != block {
			out = append(out, morsel{block: block})
			fresh = true
		}
		m := &out[len(out)-1]
		if fresh {
			m.parts = append(m.parts, part{g: g})
		}
		p := &m.parts[len(m.parts)-1]
		p.rows = append(p.rows, row)
		p.to = len(p.rows)
	}
	if s.Stats != nil {
		s.Stats.Groups.Add(int64(used))
	}
	return out, nil
}
