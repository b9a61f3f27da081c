package op

import (
	"context"
	"slices"
	"sync"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// JoinBuild is the right input of a hash join, read into a table in which any number of goroutines may look rows up. Rows that do not
// fit in memory are put aside: then only NewHashJoinOf can join the others.
type JoinBuild struct {
	*Joining
	env   *Env
	right source
	op    Op // right, where the build opens and closes it
	level byte
	part  bool // read no more than fits: the rest is read when this is joined

	m     *matcher // tells which columns are wanted
	keys  []*expr.Program
	acct  account
	ended bool // right is at its end
	some  joinInput
	aside *joinAside // when not all rows fit
	rows  *vec.Batch // right rows that fit
	table *joinTable

	mu   sync.Mutex
	hits []vec.Bitmap // of each goroutine that joins: right rows that matched
}

// joinInput is right batches until the table is there.
type joinInput struct {
	list  []*vec.Batch    // what is read of them once they are joined
	waits []*vec.Batch    // all of them, for the case that they must be put aside
	keys  [][]*vec.Column // of each batch
	lens  []int
	size  int64 // what list and the table need
	other int64 // what waits and keys hold beside that
}

// NewJoinBuild prepares to read the right input of a join, which is opened and closed with the build.
func NewJoinBuild(env *Env, right Op, j *Joining) *JoinBuild {
	b := newJoinBuild(env, right, j, 0)
	b.op = right
	return b
}

func newJoinBuild(env *Env, right source, j *Joining, level byte) *JoinBuild {
	return &JoinBuild{
		Joining: j, env: env, right: right, level: level,
		m: newMatcher(env, j), keys: expr.CompileAll(j.RightKeys, env.X), acct: env.Budget.account(),
	}
}

// Open reads the right input and reports whether all of it fits in memory, so that scans may join with it (ProbeStep).
func (b *JoinBuild) Open(ctx context.Context) (fits bool, err error) {
	if err := b.op.Open(ctx); err != nil {
		return false, err
	}
	if err := b.read(ctx); err != nil {
		return false, err
	}
	return b.ended && b.aside == nil, nil
}

// Close frees everything; it may be called at any time and more than once.
func (b *JoinBuild) Close() error {
	b.release()
	err := closeAll(b.op)
	if b.aside != nil {
		if e := b.aside.close(); err == nil {
			err = e
		}
	}
	return err
}

// release lets the rows go that are in memory.
func (b *JoinBuild) release() {
	b.rows, b.table, b.some, b.hits = nil, nil, joinInput{}, nil
	b.acct.release()
}

// read makes the table. Without keys, and of a build that reads in parts, ended tells whether all rows fit.
func (b *JoinBuild) read(ctx context.Context) error {
	b.some, b.hits = joinInput{}, nil
	for {
		in, err := b.right.Next(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if in == nil {
			b.ended = true
			break
		}
		if b.aside != nil {
			if err := b.aside.add(in); err != nil {
				return err
			}
			continue
		}
		if err := b.keep(in); err != nil {
			return err
		}
		if b.acct.set(b.some.size + b.some.other) {
			continue
		}
		if len(b.RightKeys) == 0 || b.part {
			break
		}
		if err := b.putAside(); err != nil {
			return err
		}
	}
	if !b.ended && !b.part {
		return nil
	}
	if b.aside != nil {
		for _, list := range b.aside.kept {
			for _, in := range list {
				if err := b.keep(in); err != nil {
					return err
				}
			}
		}
		b.aside.kept = [fanOut][]*vec.Batch{}
	}
	return b.finish()
}

// putAside begins to put rows aside, with those that were read so far.
func (b *JoinBuild) putAside() (err error) {
	if b.aside, err = newJoinAside(b); err != nil {
		return err
	}
	waits := b.some.waits
	b.some = joinInput{}
	for i, in := range waits {
		waits[i] = nil
		if err := b.aside.add(in); err != nil {
			return err
		}
	}
	return nil
}

// finish makes the table of the batches that are there.
func (b *JoinBuild) finish() (err error) {
	in := b.some
	b.some = joinInput{}
	b.rows = &vec.Batch{Cols: make([]*vec.Column, len(b.RightTypes))}
	for _, n := range in.lens {
		b.rows.Len += n
	}
	workers := b.env.Workers
	if b.rows.Len < parallelBuild {
		workers = 1
	}
	err = inParallel(workers, len(b.RightTypes), func(c int) error {
		b.rows.Cols[c] = concatColumn(b.RightTypes[c], in.list, c)
		return nil
	})
	if err != nil {
		return err
	}
	keys := newJoinKeys(typesOf(b.LeftKeys), in.keys)
	if b.table, err = buildJoinTable(b.env, keys, in.lens); err != nil {
		return err
	}
	other := int64(0)
	if slices.Contains(keys.forms, byNumber) {
		other = in.other
	} else {
		keys.list = nil
	}
	b.acct.set(memSize(b.rows) + b.table.memSize() + other)
	return nil
}

// keep takes a right batch.
func (b *JoinBuild) keep(in *vec.Batch) error {
	keys, err := evalAll(b.keys, in)
	if err != nil {
		return err
	}
	s := &b.some
	wanted := &vec.Batch{Len: in.Len, Cols: make([]*vec.Column, len(in.Cols))}
	for i, c := range in.Cols {
		if b.m.holds(i) {
			wanted.Cols[i] = c
		}
	}
	wanted = settled(wanted)
	// What only the keys read waits in the form in which it came.
	wait := &vec.Batch{Len: in.Len, Cols: slices.Clone(in.Cols)}
	for i, c := range wanted.Cols {
		if c != nil {
			wait.Cols[i] = c
		}
	}
	// Twice, because the batches become one before they are let go.
	s.size += 2*memSize(wanted) + buildBytes*int64(in.Len)
	for i, c := range in.Cols {
		if !b.m.holds(i) {
			s.other += s.beside(c, func(last int) *vec.Column { return s.waits[last].Cols[i] })
		}
	}
	for i, c := range keys {
		if !slices.Contains(in.Cols, c) {
			s.other += s.beside(c, func(last int) *vec.Column { return s.keys[last][i] })
		}
		if keyBytes := c.MemSize(); c.Codes == nil && c.Kind != vec.Int64 {
			s.size += int64(keyBytes) // the table has a copy
		}
	}
	s.list, s.waits, s.keys, s.lens = append(s.list, wanted), append(s.waits, wait), append(s.keys, keys), append(s.lens, in.Len)
	return nil
}

// beside is what a column holds: a dictionary that it shares with the batch before counts once.
func (s *joinInput) beside(c *vec.Column, before func(last int) *vec.Column) int64 {
	if c == nil {
		return 0
	}
	if last := len(s.lens) - 1; last >= 0 && c.Codes != nil {
		if p := before(last); p != nil && p.Dict == c.Dict {
			return int64(4 * c.Len)
		}
	}
	return int64(c.MemSize())
}

// Empty reports whether no left row can have a place in the answer.
func (b *JoinBuild) Empty() bool {
	return b.ended && b.aside == nil && b.rows.Len == 0 && !b.keepsLeft() && b.Kind != plan.Anti
}

// unmatched gives the right rows that fit and were not matched, once all left rows were looked up.
func (b *JoinBuild) unmatched() []*vec.Batch {
	if !b.keepsRight() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.m.hit = vec.NewBitmap(b.rows.Len)
	for _, hit := range b.hits {
		for i, w := range hit {
			b.m.hit[i] |= w
		}
	}
	return b.m.unmatchedRight(b.rows)
}

// joinAside is the rows of both inputs that wait in files, by the hash of their keys: of some partitions all, of others none.
type joinAside struct {
	build       *JoinBuild
	right, left *partitions
	leftKeys    []*expr.Program
	gone        [fanOut]bool         // to files
	kept        [fanOut][]*vec.Batch // right rows of the others
	sizes       [fanOut]int64        // what these need
	rows        int64                // right rows, those that are kept too
}

func newJoinAside(b *JoinBuild) (*joinAside, error) {
	right, err := newPartitions(b.env, typesOf(b.LeftKeys), b.level)
	if err != nil {
		return nil, err
	}
	left, err := newPartitions(b.env, typesOf(b.LeftKeys), b.level)
	return &joinAside{build: b, right: right, left: left, leftKeys: expr.CompileAll(b.LeftKeys, b.env.X)}, err
}

// add takes a right batch. Where it does not fit, the largest partition goes.
func (a *joinAside) add(in *vec.Batch) error {
	keys, err := evalAll(a.build.keys, in)
	if err != nil {
		return err
	}
	a.rows += int64(in.Len)
	for k, rows := range a.right.split(in, keys) {
		if len(rows) == 0 {
			continue
		}
		of := settled(in.Take(rows))
		if a.gone[k] {
			if err := a.right.put(k, of); err != nil {
				return err
			}
			continue
		}
		a.kept[k] = append(a.kept[k], of)
		a.sizes[k] += 2*memSize(of) + buildBytes*int64(of.Len)
	}
	for !a.build.acct.set(a.size()) {
		if more, err := a.evict(); err != nil || !more {
			return err
		}
	}
	return nil
}

func (a *joinAside) size() (n int64) {
	for _, size := range a.sizes {
		n += size
	}
	return n
}

// evict writes the largest partition that is kept; it reports false where none is.
func (a *joinAside) evict() (bool, error) {
	largest := 0
	for k, size := range a.sizes {
		if size > a.sizes[largest] {
			largest = k
		}
	}
	if a.sizes[largest] == 0 {
		return false, nil
	}
	for _, b := range a.kept[largest] {
		if err := a.right.put(largest, b); err != nil {
			return false, err
		}
	}
	a.gone[largest], a.kept[largest], a.sizes[largest] = true, nil, 0
	return true, nil
}

// stay puts the left rows aside whose right rows are in files, and gives the others; nil for none.
func (a *joinAside) stay(b *vec.Batch) (*vec.Batch, error) {
	keys, err := evalAll(a.leftKeys, b)
	if err != nil {
		return nil, err
	}
	var rows []int32
	for k, part := range a.left.split(b, keys) {
		switch {
		case len(part) == 0:
		case !a.gone[k]:
			rows = append(rows, part...)
		default:
			if err := a.left.put(k, settled(b.Take(part))); err != nil {
				return nil, err
			}
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	slices.Sort(rows)
	return b.Take(rows), nil
}

// sides opens the files of a partition that went.
func (a *joinAside) sides(k int) (left, right source, err error) {
	if left, err = a.left.file(k); err != nil {
		return nil, nil, err
	}
	if left == nil {
		left = noRows{}
	}
	right, err = a.right.file(k) // a partition goes because of its right rows
	return left, right, err
}

func (a *joinAside) close() error {
	err := a.right.close()
	if e := a.left.close(); err == nil {
		err = e
	}
	return err
}
