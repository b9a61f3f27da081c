package op

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// sorter orders rows that are added, within the budget: when it runs out, what was added so far is sorted and written to a
// file, and the files are merged at the end. Rows with equal keys come out in the order in which they were added.
type sorter struct {
	env   *Env
	types []datum.Type
	keys  *sortKeys
	acct  account
	limit int64 // rows that can be in the answer, -1 all

	run   sortRun
	runs  []*spillFile
	bound []byte  // with a limit: rows from this key on are not in the answer
	cut   *Cutoff // the same by the first key alone; nil: there is no limit, or the keys could fail
	tie   []byte  // the same by the second key, a text, where the first is tied; nil: it is none
	tied  int64   // the first key of the last row kept
}

// sortRun is rows in memory.
type sortRun struct {
	batches []*vec.Batch
	keys    []*encoded
	refs    []rowRef
	bytes   int64
}

// rowRef is a row of a run with the first bytes of its key.
type rowRef struct {
	prefix     uint64
	batch, row int32
}

func newSorter(env *Env, types []datum.Type, keys []plan.SortKey, limit int64) *sorter {
	s := &sorter{env: env, types: types, keys: newSortKeys(env, keys), acct: env.Budget.account(), limit: limit}
	if limit >= 0 && !slices.ContainsFunc(keys, func(k plan.SortKey) bool { return !expr.CannotFail(k.Expr) }) {
		s.cut = NewCutoff(keys[0])
	}
	return s
}

// minTrim is by how many rows more than twice the limit a run grows before it is cut back to the limit.
const minTrim = 64

func prefixOf(key []byte) uint64 {
	var p [8]byte
	copy(p[:], key)
	return binary.BigEndian.Uint64(p[:])
}

// add takes the rows of a batch.
func (s *sorter) add(b *vec.Batch) error {
	if s.bound != nil && s.cut != nil {
		first, err := s.keys.progs[0].Eval(b)
		if err != nil {
			return err
		}
		if rows := s.cut.rows(first); rows != nil {
			if len(rows) == 0 {
				return nil
			}
			b = b.Take(rows)
		}
		if b, err = s.dropTies(b); b == nil || err != nil {
			return err
		}
	}
	keys, err := s.keys.encode(b)
	if err != nil {
		return err
	}
	if s.bound != nil {
		if b, keys = s.below(b, keys); b.Len == 0 {
			return nil
		}
	}
	r := &s.run
	b = settled(b)
	n := int32(len(r.batches))
	r.batches, r.keys = append(r.batches, b), append(r.keys, keys)
	for i := range b.Len {
		r.refs = append(r.refs, rowRef{prefixOf(keys.at(i)), n, int32(i)})
	}
	r.bytes += memSize(b) + int64(cap(keys.data)) + int64(b.Len)*24
	if n := int64(len(r.refs)); s.limit >= 0 && (n > 2*s.limit+minTrim || s.bound == nil && n >= s.limit) {
		r.sort()
		if s.limit > 0 {
			s.bound = bytes.Clone(r.key(r.refs[s.limit-1]))
		}
		r.keep(int(s.limit))
		if err := s.setCutoff(); err != nil {
			return err
		}
	}
	if s.acct.set(r.bytes) || len(r.refs) < s.env.Rows {
		return nil
	}
	return s.spill()
}

// setCutoff tells the first key of the last row kept.
func (s *sorter) setCutoff() error {
	if s.cut == nil || s.limit == 0 {
		return nil
	}
	last := s.run.refs[len(s.run.refs)-1]
	first, err := s.keys.progs[0].Eval(s.run.batches[last.batch])
	if err != nil {
		return err
	}
	s.cut.set(first, int(last.row))
	s.tie = nil
	if len(s.keys.keys) < 2 || first.Kind != vec.Int64 || first.Null(int(last.row)) || !isPlainText(s.keys.keys[1].Expr.Type().OID) {
		return nil
	}
	second, err := s.keys.progs[1].Eval(s.run.batches[last.batch])
	if err == nil && second.Kind == vec.Bytes && !second.Null(int(last.row)) {
		s.tie, s.tied = append([]byte{}, second.Bytes(int(last.row))...), first.Int(int(last.row))
	}
	return err
}

// dropTies drops the rows whose first key is that of the last row kept, a number, and whose second comes after its second: many groups have the same count.
// It gives nil where none are left.
func (s *sorter) dropTies(b *vec.Batch) (*vec.Batch, error) {
	if s.tie == nil {
		return b, nil
	}
	cols, err := evalAll(s.keys.progs[:2], b)
	if err != nil {
		return nil, err
	}
	first, second := cols[0], cols[1]
	if first.Kind != vec.Int64 || first.Codes != nil || first.HasNulls() || second.Kind != vec.Bytes {
		return b, nil
	}
	rows := make([]int32, 0, 64)
	for i, v := range first.I64[:b.Len] {
		if v == s.tied && !second.Null(i) {
			if c := bytes.Compare(second.Bytes(i), s.tie); c != 0 && s.keys.keys[1].Desc == (c < 0) {
				continue
			}
		}
		rows = append(rows, int32(i))
	}
	switch len(rows) {
	case 0:
		return nil, nil
	case b.Len:
		return b, nil
	}
	return b.Take(rows), nil
}

// below keeps the rows whose key is less than the bound: rows that are equal to it came later.
func (s *sorter) below(b *vec.Batch, keys *encoded) (*vec.Batch, *encoded) {
	var sel []int32
	out := &encoded{}
	for i := range b.Len {
		if k := keys.at(i); bytes.Compare(k, s.bound) < 0 {
			sel = append(sel, int32(i))
			out.data = append(out.data, k...)
			out.ends = append(out.ends, len(out.data))
		}
	}
	if len(sel) == b.Len {
		return b, keys
	}
	return b.Take(sel), out
}

// settled makes the columns independent of dictionaries that are larger than the batch.
func settled(b *vec.Batch) *vec.Batch {
	out := *b
	for i, c := range b.Cols {
		if c == nil || c.Codes == nil || c.Dict.Len <= b.Len/4+1 {
			continue
		}
		if &out.Cols[0] == &b.Cols[0] {
			out.Cols = slices.Clone(b.Cols)
		}
		out.Cols[i] = c.Flat()
	}
	return &out
}

func (r *sortRun) key(x rowRef) []byte { return r.keys[x.batch].at(int(x.row)) }

func (r *sortRun) sort() {
	slices.SortFunc(r.refs, func(a, b rowRef) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		if c := bytes.Compare(r.key(a), r.key(b)); c != 0 {
			return c
		}
		if a.batch != b.batch {
			return cmp.Compare(a.batch, b.batch)
		}
		return cmp.Compare(a.row, b.row)
	})
}

// keep drops all but the first n rows of a sorted run and the memory of the others.
func (r *sortRun) keep(n int) {
	n = min(n, len(r.refs))
	kept := sortRun{}
	for from := 0; from < n; from += vec.BatchRows {
		refs := r.refs[from:min(from+vec.BatchRows, n)]
		keys := &encoded{}
		at := int32(len(kept.batches))
		for i, x := range refs {
			keys.data = append(keys.data, r.key(x)...)
			keys.ends = append(keys.ends, len(keys.data))
			kept.refs = append(kept.refs, rowRef{x.prefix, at, int32(i)})
		}
		b := r.gather(refs)
		kept.batches, kept.keys = append(kept.batches, b), append(kept.keys, keys)
		kept.bytes += memSize(b) + int64(cap(keys.data)) + int64(len(refs))*24
	}
	*r = kept
}

// gather makes a batch of rows.
func (r *sortRun) gather(refs []rowRef) *vec.Batch {
	out := &vec.Batch{Len: len(refs)}
	if len(r.batches) == 0 {
		return out
	}
	width := len(r.batches[0].Cols)
	for k := range width {
		cols := make([]*vec.Column, len(r.batches))
		for i, b := range r.batches {
			cols[i] = b.Cols[k]
		}
		out.Cols = append(out.Cols, gather(cols, refs))
	}
	return out
}

// gather makes a column of rows of several columns, which may have kinds that storage chose batch by batch.
func gather(cols []*vec.Column, refs []rowRef) *vec.Column {
	if len(cols) == 1 {
		idx := make([]int32, len(refs))
		for i, x := range refs {
			idx[i] = x.row
		}
		return cols[0].Take(idx)
	}
	cols = sameKind(cols)
	b := builderLike(cols[0].Kind, datum.Type{}, cols, len(refs))
	for _, x := range refs {
		b.AppendFrom(cols[x.batch], int(x.row))
	}
	return b.Finish()
}

// spill writes the run to a file, sorted; each batch has its keys as last column.
func (s *sorter) spill() error {
	f, err := newSpillFile(s.env.Budget)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, f)
	s.run.sort()
	n := len(s.run.refs)
	if s.limit >= 0 {
		n = int(min(int64(n), s.limit))
	}
	for from, step := 0, s.spillRows(); from < n; from += step {
		refs := s.run.refs[from:min(from+step, n)]
		if err := f.write(s.run.withKeys(refs)); err != nil {
			return err
		}
	}
	s.run = sortRun{}
	s.acct.set(0)
	return f.finish()
}

// mergeRuns is how many files are read together: each has a batch in memory.
const mergeRuns = 64

// spillRows is how many rows a batch in a file has: fewer than elsewhere, for the same reason.
func (s *sorter) spillRows() int { return min(s.env.Rows, 1024) }

// shorten merges neighbouring files until they can be read together.
func (s *sorter) shorten(ctx context.Context) error {
	for len(s.runs) > mergeRuns {
		var fewer []*spillFile
		for len(s.runs) > 0 {
			n := min(mergeRuns, len(s.runs))
			f, err := s.join(ctx, s.runs[:n])
			if f != nil {
				fewer = append(fewer, f)
			}
			if err != nil {
				s.runs = append(fewer, s.runs...) // to be closed
				return err
			}
			s.runs = s.runs[n:]
		}
		s.runs = fewer
	}
	return nil
}

// join makes one file of several, and closes those.
func (s *sorter) join(ctx context.Context, runs []*spillFile) (*spillFile, error) {
	next, err := s.merge(runs, s.spillRows())
	if err != nil {
		return nil, err
	}
	out, err := newSpillFile(s.env.Budget)
	if err != nil {
		return nil, err
	}
	for {
		b, err := next()
		if err == nil && b != nil {
			err = out.write(b)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return out, err
		}
		if b == nil {
			break
		}
	}
	for _, f := range runs {
		if err := f.close(); err != nil {
			return out, err
		}
	}
	return out, out.finish()
}

func (r *sortRun) withKeys(refs []rowRef) *vec.Batch {
	keys := vec.NewBuilder(vec.Bytes, len(refs))
	for _, x := range refs {
		keys.AppendBytes(r.key(x))
	}
	b := r.gather(refs)
	b.Cols = append(b.Cols, keys.Finish())
	return b
}

// sorted ends adding: the function gives the rows in order, nil at the end.
func (s *sorter) sorted(ctx context.Context) (func() (*vec.Batch, error), error) {
	if len(s.runs) > 0 {
		if err := s.spill(); err != nil {
			return nil, err
		}
		if err := s.shorten(ctx); err != nil {
			return nil, err
		}
		next, err := s.merge(s.runs, s.env.Rows)
		return func() (*vec.Batch, error) {
			b, err := next()
			if b != nil {
				b.Cols = b.Cols[:len(b.Cols)-1]
			}
			return b, err
		}, err
	}
	s.run.sort()
	refs := s.run.refs
	return func() (*vec.Batch, error) {
		if len(refs) == 0 {
			return nil, nil
		}
		n := min(s.env.Rows, len(refs))
		b := s.run.gather(refs[:n])
		refs = refs[n:]
		return b, nil
	}, nil
}

// merge reads runs together and gives batches of so many rows, their keys in the last column. Of equal keys the earlier
// run's comes first: it was added earlier.
func (s *sorter) merge(runs []*spillFile, rows int) (func() (*vec.Batch, error), error) {
	h := &runHeap{}
	for i, f := range runs {
		r, err := f.reader()
		if err != nil {
			return nil, err
		}
		c := &runCursor{r: r, order: i}
		if ok, err := c.advance(); err != nil {
			return nil, err
		} else if ok {
			h.list = append(h.list, c)
		}
	}
	heap.Init(h)
	return func() (*vec.Batch, error) {
		var batches []*vec.Batch
		var refs []rowRef
		at := map[*vec.Batch]int32{}
		for len(h.list) > 0 && len(refs) < rows {
			c := h.list[0]
			n, ok := at[c.b]
			if !ok {
				n = int32(len(batches))
				at[c.b] = n
				batches = append(batches, c.b)
			}
			refs = append(refs, rowRef{batch: n, row: int32(c.row)})
			c.row++
			if more, err := c.advance(); err != nil {
				return nil, err
			} else if more {
				heap.Fix(h, 0)
			} else {
				heap.Pop(h)
			}
		}
		if len(refs) == 0 {
			return nil, nil
		}
		return (&sortRun{batches: batches}).gather(refs), nil
	}, nil
}

func (s *sorter) close() error {
	var first error
	for _, f := range s.runs {
		if err := f.close(); err != nil && first == nil {
			first = err
		}
	}
	s.run, s.runs = sortRun{}, nil
	s.acct.release()
	return first
}

// runCursor is the place in one run of a merge.
type runCursor struct {
	r     *spillReader
	b     *vec.Batch
	keys  *vec.Column
	row   int
	order int
}

// advance moves to the next batch if the row is past the end of this one.
func (c *runCursor) advance() (bool, error) {
	for c.b == nil || c.row >= c.b.Len {
		b, err := c.r.next()
		if b == nil || err != nil {
			return false, err
		}
		c.b, c.row = b, 0
		c.keys = b.Cols[len(b.Cols)-1]
	}
	return true, nil
}

type runHeap struct{ list []*runCursor }

func (h *runHeap) Len() int { return len(h.list) }
func (h *runHeap) Less(i, j int) bool {
	a, b := h.list[i], h.list[j]
	if c := bytes.Compare(a.keys.Bytes(a.row), b.keys.Bytes(b.row)); c != 0 {
		return c < 0
	}
	return a.order < b.order
}
func (h *runHeap) Swap(i, j int) { h.list[i], h.list[j] = h.list[j], h.list[i] }
func (h *runHeap) Push(x any)    { h.list = append(h.list, x.(*runCursor)) }
func (h *runHeap) Pop() any {
	x := h.list[len(h.list)-1]
	h.list = h.list[:len(h.list)-1]
	return x
}

// sortOp orders its input, or keeps the first rows of that order.
type sortOp struct {
	env   *Env
	in    Op
	s     *sorter
	limit int64
	left  int64
	next  func() (*vec.Batch, error)
	done  bool
}

// NewSort orders the rows of in, whose columns have the types; limit keeps that many, -1 all.
func NewSort(env *Env, in Op, types []datum.Type, keys []plan.SortKey, limit int64) Op {
	return &sortOp{env: env, in: in, s: newSorter(env, types, keys, limit), limit: limit}
}

// NewTop is NewSort with a limit over what looks at the cutoff.
func NewTop(env *Env, in Op, types []datum.Type, keys []plan.SortKey, limit int64, cut *Cutoff) Op {
	o := &sortOp{env: env, in: in, s: newSorter(env, types, keys, limit), limit: limit}
	if o.s.cut != nil {
		o.s.cut = cut
	}
	return o
}

func (o *sortOp) Open(ctx context.Context) error {
	o.left = o.limit
	return o.in.Open(ctx)
}

func (o *sortOp) Next(ctx context.Context) (*vec.Batch, error) {
	if o.done || o.left == 0 {
		return nil, nil
	}
	if o.next == nil {
		if err := drain(ctx, o.in, o.s.add); err != nil {
			return nil, err
		}
		var err error
		if o.next, err = o.s.sorted(ctx); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := o.next()
	if b == nil || err != nil {
		return nil, err
	}
	if o.left > 0 {
		if int64(b.Len) > o.left {
			b = b.Slice(0, int(o.left))
		}
		o.left -= int64(b.Len)
	}
	return b, nil
}

func (o *sortOp) Close() error {
	o.done = true
	err := o.s.close()
	if e := o.in.Close(); err == nil {
		err = e
	}
	return err
}
