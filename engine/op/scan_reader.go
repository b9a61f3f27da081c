package op

import (
	"context"
	"maps"
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// eventReader reads morsels: one per worker.
type eventReader struct {
	scan   *EventScan
	env    *Env
	filter *expr.Program
	early  []int // columns that the filter reads
	late   []int
	used   map[int]bool // columns that are read after the filter; nil: all
	join   *partners    // nil: there is no join, or no row is left out of it
	run    stage
	joins  bool // a step is a join, which may give several batches for one
	more   bool // there may be more for the last batch
	whole  bool // all rows come to the sort that sets the cutoff
	refs   []storage.Ref
	next   int // rows of the next batch
	set    vec.Bitmap
}

func newEventReader(s *EventScan, env *Env) *eventReader {
	r := &eventReader{scan: s, env: env, refs: make([]storage.Ref, len(s.Cols))}
	used := map[int]bool{}
	if s.Filter != nil {
		r.filter = expr.Compile(s.Filter, env.X)
		plan.Cols(s.Filter, used)
	}
	r.used = s.used()
	for i, c := range s.Cols {
		r.refs[i] = refOf(c)
		switch {
		case used[i]:
			r.early = append(r.early, i)
		case r.used == nil || r.used[i]:
			r.late = append(r.late, i)
		}
	}
	r.join = newPartners(s, env, r.late)
	if len(s.Steps) > 0 {
		r.run = chain(s.Steps, env.X)
	}
	for _, step := range s.Steps {
		_, join := step.(ProbeStep)
		r.joins = r.joins || join
	}
	r.next = env.Rows
	if s.Cut != nil {
		r.whole = s.Filter == nil && !slices.ContainsFunc(s.Steps, func(step Step) bool { _, same := step.(ProjectStep); return !same })
		if !r.whole {
			r.next = int(min(int64(env.Rows), max(s.Cut.Limit, 1)))
		}
	}
	return r
}

// batchRows is the length of the next batch. Under a cutoff they begin with what the sort wants, that much sets the cutoff, unless it
// can be found before.
func (r *eventReader) batchRows() int {
	n := r.next
	r.next = min(2*n, r.env.Rows)
	return n
}

func refOf(c plan.ScanCol) storage.Ref {
	return storage.Ref{Col: storage.Column(c.Column), Path: c.Path, As: c.As}
}

// read gives emit the batches of a morsel in order. emit returning false stops it.
func (r *eventReader) read(ctx context.Context, m morsel, emit func(*vec.Batch) (bool, error)) (err error) {
	defer Rescue(&err) // workers run this in goroutines of their own
	for _, p := range m.parts {
		if none, err := r.scan.Cut.skips(ctx, r.scan.Cols, p.g); err != nil {
			return err
		} else if none {
			continue
		}
		bounded := r.scan.Cut.bounded()
		if err := r.narrow(ctx, &p); err != nil {
			return err
		}
		for p.from < p.to || r.more {
			if err := ctx.Err(); err != nil {
				return err
			}
			// The first cutoff comes with the first rows; it is worth comparing with when batches have their full length.
			if !bounded && r.next == r.env.Rows && r.scan.Cut.bounded() {
				bounded = true
				if err := r.narrow(ctx, &p); err != nil {
					return err
				}
				continue
			}
			b, err := r.some(ctx, &p)
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

// some reads the next range of a part and takes it off; nil if nothing of it is let through. Where steps have more for the last range
// it gives that.
func (r *eventReader) some(ctx context.Context, p *part) (*vec.Batch, error) {
	if r.more {
		b, err := r.run(nil)
		r.more = b != nil
		return b, err
	}
	lo, hi := r.cut(p)
	b, err := r.batch(ctx, *p, lo, hi)
	r.scan.Stats.count(b)
	if err == nil && b != nil && r.run != nil {
		b, err = r.run(b)
		r.more = r.joins && b != nil
	}
	return b, err
}

// cut takes the next range off a part.
func (r *eventReader) cut(p *part) (lo, hi int) {
	n := min(r.batchRows(), p.to-p.from)
	if r.scan.Reverse {
		p.to -= n
		return p.to, p.to + n
	}
	p.from += n
	return p.from - n, p.from
}

// used lists the columns that are read of the scan's batches, nil for all.
func (s *EventScan) used() map[int]bool {
	used := map[int]bool{}
	for _, step := range s.Steps {
		switch step := step.(type) {
		case FilterStep:
			plan.Cols(step.Cond, used)
		case ProjectStep:
			for _, e := range step.Exprs {
				plan.Cols(e, used)
			}
			return used
		case ProbeStep:
			if all := step.Build.readsLeft(used); all {
				return nil
			}
			return used
		default:
			return nil
		}
	}
	if s.Used == nil {
		return nil
	}
	maps.Copy(used, s.Used)
	return used
}

// batch reads one range, nil if nothing of it is let through. Where rows are listed, the range counts in the list. Columns
// that nobody reads are nil.
func (r *eventReader) batch(ctx context.Context, p part, from, to int) (*vec.Batch, error) {
	b := &vec.Batch{Len: to - from, Cols: make([]*vec.Column, len(r.refs))}
	if s := r.scan.Stats; s != nil {
		s.Scanned.Add(int64(b.Len))
	}
	sel, err := r.choose(ctx, p, from, to, b)
	if err != nil || sel != nil && len(sel) == 0 {
		return nil, err
	}
	for _, c := range r.early {
		switch {
		case r.used != nil && !r.used[c]:
			b.Cols[c] = nil
		case sel != nil:
			b.Cols[c] = b.Cols[c].Take(sel)
		}
	}
	if sel != nil {
		b.Len = len(sel)
	}
	late := r.late
	if r.join != nil && r.join.rare() {
		if err := r.load(ctx, p, from, to, sel, r.join.cols, b); err != nil {
			return nil, err
		}
		if b, sel, err = r.joined(b, sel); b == nil || err != nil {
			return nil, err
		}
		late = without(late, r.join.cols)
	}
	if err := r.load(ctx, p, from, to, sel, late, b); err != nil {
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

// joined leaves out the rows that have no partner in the first join; sel are those of b in its range, nil for all.
func (r *eventReader) joined(b *vec.Batch, sel []int32) (*vec.Batch, []int32, error) {
	have, err := r.join.among(b)
	switch {
	case err != nil || have == nil:
		return b, sel, err
	case len(have) == 0:
		return nil, nil, nil
	}
	b = b.Take(have)
	if sel == nil {
		return b, have, nil
	}
	for i, k := range have {
		have[i] = sel[k]
	}
	return b, have, nil
}

// choose loads the columns of the filter into b and gives the rows that it and the cutoff let through, nil for all.
func (r *eventReader) choose(ctx context.Context, p part, from, to int, b *vec.Batch) ([]int32, error) {
	var sel []int32
	if r.filter != nil {
		if err := r.load(ctx, p, from, to, nil, r.early, b); err != nil {
			return nil, err
		}
		var err error
		if sel, err = r.filter.Filter(b); err != nil || len(sel) == 0 {
			return []int32{}, err
		}
		if len(sel) == b.Len {
			sel = nil
		}
	}
	cut := r.scan.Cut
	// Of a batch that has more rows than the sort wants it cannot want those after as many.
	more := cut != nil && r.whole && cut.Limit > 0 && int64(to-from) > cut.Limit
	if cut == nil || !more && !cut.bounded() {
		return sel, nil
	}
	first := &vec.Batch{Cols: make([]*vec.Column, len(r.refs))}
	if err := r.load(ctx, p, from, to, sel, []int{cut.Col}, first); err != nil {
		return nil, err
	}
	rows := cut.rows(first.Cols[cut.Col])
	if more && (rows == nil || int64(len(rows)) > cut.Limit) {
		cut.setNth(first.Cols[cut.Col], int(cut.Limit))
		rows = cut.rows(first.Cols[cut.Col])
	}
	switch {
	case rows == nil: // the cutoff lets all through that the filter does
		return sel, nil
	case sel == nil:
		return rows, nil
	}
	for i, k := range rows {
		rows[i] = sel[k]
	}
	return rows, nil
}

// loadTable is load for one column of a table.
func (r *eventReader) loadTable(ctx context.Context, p part, c, from, to int, rows, sel []int32) (*vec.Column, error) {
	if rows != nil {
		return p.t.readRows(ctx, c, rows)
	}
	col, err := p.t.read(ctx, c, from, to)
	if err == nil && sel != nil {
		col = col.Take(sel)
	}
	return col, err
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
		if p.t != nil {
			b.Cols[c], err = r.loadTable(ctx, p, c, from, to, rows, sel)
		} else if rows != nil {
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
