package op

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// arrangedRows puts rows into the order of a window without comparing partitions row by row: partitions are numbered, rows go
// to their partition by counting, and only within a partition they are sorted. When memory runs out the rows are sorted
// by all keys instead, which can go on in files.
type arrangedRows struct {
	env    *Env
	in     source
	w      *windowing
	acct   account
	groups *grouper
	list   []*vec.Batch
	ids    []int32 // partition of each row
	dict   *vec.Column
	bytes  int64

	cols   []*vec.Column // of all rows as they came; nil where nobody reads them
	rows   []int32       // all rows, arranged
	starts []int32       // where in rows partitions begin
	at     int

	sorted *sortedRows // instead, when memory ran out
	done   bool
}

func newArrangedRows(env *Env, in source, w *windowing) *arrangedRows {
	types := make([]datum.Type, len(w.part))
	for i, p := range w.part {
		types[i] = w.types[p]
	}
	return &arrangedRows{env: env, in: in, w: w, acct: env.Budget.account(), groups: newGrouper(types)}
}

func (a *arrangedRows) next(ctx context.Context) (*vec.Batch, []int32, error) {
	if !a.done {
		a.done = true
		if err := a.fill(ctx); err != nil {
			return nil, nil, err
		}
	}
	if a.sorted != nil {
		return a.sorted.next(ctx)
	}
	n := min(a.env.Rows, len(a.rows)-a.at)
	if n <= 0 {
		return nil, nil, nil
	}
	idx := a.rows[a.at : a.at+n]
	b := &vec.Batch{Len: n, Cols: make([]*vec.Column, len(a.cols))}
	for k, c := range a.cols {
		if c != nil {
			b.Cols[k] = taken(c, idx)
		}
	}
	var starts []int32
	for len(a.starts) > 0 && int(a.starts[0]) < a.at+n {
		starts = append(starts, a.starts[0]-int32(a.at))
		a.starts = a.starts[1:]
	}
	a.at += n
	return b, starts, nil
}

// taken is Take, in a loop of its own for plain numbers.
func taken(c *vec.Column, idx []int32) *vec.Column {
	if c.Kind != vec.Int64 || c.Codes != nil || c.Valid != nil {
		return c.Take(idx)
	}
	out := &vec.Column{Kind: vec.Int64, Len: len(idx), I64: make([]int64, len(idx))}
	for i, r := range idx {
		out.I64[i] = c.I64[r]
	}
	return out
}

// fill reads all rows and arranges them.
func (a *arrangedRows) fill(ctx context.Context) error {
	keys := make([]*vec.Column, len(a.w.part))
	for {
		b, err := a.in.Next(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, p := range a.w.part {
			keys[i] = b.Cols[p]
		}
		at := len(a.ids)
		a.ids = slices.Grow(a.ids, b.Len)[:at+b.Len]
		a.groups.assign(keys, b.Len, a.ids[at:])
		a.list = append(a.list, b)
		a.bytes += a.sizeOf(b)
		if !a.acct.set(a.bytes + a.groups.memSize() + 12*int64(len(a.ids))) {
			return a.giveUp(ctx)
		}
	}
	return a.arrange()
}

// sizeOf estimates what a batch adds to the memory held. Batches mostly share their dictionaries with those before them.
func (a *arrangedRows) sizeOf(b *vec.Batch) int64 {
	n := int64(64)
	for _, c := range b.Cols {
		if c.Codes == nil {
			n += int64(c.MemSize())
			continue
		}
		n += int64(4*c.Len + 8*len(c.Valid))
		if c.Dict != a.dict {
			a.dict = c.Dict
			n += int64(c.Dict.MemSize())
		}
	}
	return n
}

// giveUp hands the rows read so far, and those to come, to a sort.
func (a *arrangedRows) giveUp(ctx context.Context) error {
	s := newSorter(a.env, a.w.types, a.w.sortKeys(), -1)
	a.sorted = sortedBy(s, a.in, a.w)
	a.groups, a.ids = nil, nil
	for i, b := range a.list {
		if err := s.add(b); err != nil {
			return err
		}
		a.list[i] = nil
	}
	a.list = nil
	a.acct.release()
	return ctx.Err()
}

// arrange makes rows and starts.
func (a *arrangedRows) arrange() error {
	n := len(a.ids)
	if n == 0 {
		return nil
	}
	count := make([]int32, a.groups.len())
	first := make([]int32, len(count))
	for i := n - 1; i >= 0; i-- {
		count[a.ids[i]]++
		first[a.ids[i]] = int32(i)
	}
	a.join(first)
	order, err := a.groupOrder(first)
	if err != nil {
		return err
	}
	a.starts = make([]int32, 0, len(count))
	place := first // reused: where the next row of a group goes
	at := int32(0)
	for _, g := range order {
		a.starts = append(a.starts, at)
		place[g] = at
		at += count[g]
	}
	a.rows = make([]int32, n)
	for i, g := range a.ids {
		a.rows[place[g]] = int32(i)
		place[g]++
	}
	a.ids, a.groups = nil, nil
	return a.sortPartitions()
}

// join puts the columns that somebody reads together. The partitions have a row each in first.
func (a *arrangedRows) join(first []int32) {
	a.cols = make([]*vec.Column, len(a.w.types))
	pieces := make([]*vec.Column, len(a.list))
	needed := slices.Concat(a.w.keep, a.w.used, a.w.order)
	if !a.w.node.AnyOrder {
		needed = append(needed, a.w.part...)
	}
	for _, k := range needed {
		if a.cols[k] != nil {
			continue
		}
		for i, b := range a.list {
			pieces[i] = b.Cols[k]
		}
		if a.cols[k] = a.partColumn(k, pieces, first); a.cols[k] == nil {
			a.cols[k] = concat(a.w.types[k], pieces)
		}
	}
	a.list = nil
}

// partColumn is a column of text by which alone the rows are parted: the numbers of the partitions are its codes. nil for others.
func (a *arrangedRows) partColumn(k int, pieces []*vec.Column, first []int32) *vec.Column {
	if len(a.w.part) != 1 || k != a.w.part[0] || a.w.types[k].OID != datum.Text {
		return nil
	}
	dict := vec.NewBuilder(vec.Bytes, len(first))
	at := int32(0)
	for _, c := range pieces {
		if c.Kind != vec.Bytes {
			return nil
		}
		for i := range c.Len {
			switch g := a.ids[at]; {
			case first[g] != at:
			case int(g) != dict.Len() || c.Null(i):
				return nil
			default:
				dict.AppendFrom(c, i)
			}
			at++
		}
	}
	return &vec.Column{Kind: vec.Bytes, Len: len(a.ids), Codes: slices.Clone(a.ids), Dict: dict.Finish()}
}

// groupOrder lists the partitions in the order of their keys, of which first has a row each.
func (a *arrangedRows) groupOrder(first []int32) ([]int32, error) {
	order := make([]int32, len(first))
	for i := range order {
		order[i] = int32(i)
	}
	if a.w.node.AnyOrder {
		return order, nil
	}
	keys := a.w.sortKeys()[:len(a.w.part)]
	b := &vec.Batch{Len: len(first), Cols: make([]*vec.Column, len(a.cols))}
	for _, p := range a.w.part {
		b.Cols[p] = a.cols[p].Take(first)
	}
	enc, err := newSortKeys(a.env, keys).encode(b)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(order, func(x, y int32) int { return bytes.Compare(enc.at(int(x)), enc.at(int(y))) })
	return order, nil
}

// sortPartitions sorts the rows of each partition by the order of the window; rows that are equal in it stay as they came. Rows whose
// rank is too high go, where that is cheaper than sorting them.
func (a *arrangedRows) sortPartitions() error {
	if len(a.w.order) == 0 {
		return nil
	}
	less, err := a.comparison()
	if err != nil {
		return err
	}
	kept := a.rows[:0]
	for k, from := range a.starts {
		to := int32(len(a.rows))
		if k+1 < len(a.starts) {
			to = a.starts[k+1]
		}
		part := a.rows[from:to]
		a.starts[k] = int32(len(kept))
		switch {
		case a.w.cut.selects(len(part)):
			part = a.w.cut.first(part, less)
		case !slices.IsSortedFunc(part, less): // the log mostly is sorted
			slices.SortFunc(part, func(x, y int32) int { return cmp.Or(less(x, y), cmp.Compare(x, y)) })
		}
		kept = append(kept, part...)
	}
	a.rows = kept
	return nil
}

// plainKey is a sort key of plain numbers, none of them null.
type plainKey struct {
	v    []int64
	desc bool
}

// plainKeys are the keys of the order where all are plain numbers, else nil.
func (a *arrangedRows) plainKeys() []plainKey {
	keys := make([]plainKey, len(a.w.order))
	for i, at := range a.w.order {
		c := a.cols[at]
		if c.Kind != vec.Int64 || c.Codes != nil || c.Valid != nil || !ordersAsInt(a.w.types[at].OID) {
			return nil
		}
		keys[i] = plainKey{c.I64, a.w.node.Order[i].Desc}
	}
	return keys
}

// comparison compares two rows by the order of the window.
func (a *arrangedRows) comparison() (func(x, y int32) int, error) {
	if keys := a.plainKeys(); keys != nil {
		return func(x, y int32) int {
			for i := range keys {
				if d := cmp.Compare(keys[i].v[x], keys[i].v[y]); d != 0 {
					if keys[i].desc {
						return -d
					}
					return d
				}
			}
			return 0
		}, nil
	}
	keys := a.w.sortKeys()[len(a.w.part):]
	enc, err := newSortKeys(a.env, keys).encode(&vec.Batch{Len: len(a.rows), Cols: a.cols})
	if err != nil {
		return nil, err
	}
	if err := a.acct.need(a.acct.held + int64(len(enc.data))); err != nil {
		return nil, err
	}
	return func(x, y int32) int { return bytes.Compare(enc.at(int(x)), enc.at(int(y))) }, nil
}

func (a *arrangedRows) close() error {
	a.acct.release()
	a.cols, a.rows, a.list, a.ids = nil, nil, nil, nil
	if a.sorted != nil {
		return a.sorted.close()
	}
	return nil
}
